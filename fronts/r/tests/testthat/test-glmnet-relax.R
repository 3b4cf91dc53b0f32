# Relaxed fits and predictions of held-out rows, beside those of glmnet.

skip_if_not_installed("glmnet")

set.seed(5)
n <- 80
p <- 12
x <- matrix(rnorm(n * p), n)
x[, 2] <- 0.8 * x[, 1] + 0.6 * x[, 2]
eta <- drop(x[, c(1, 3, 6)] %*% c(1, -0.8, 0.5))
y <- eta + rnorm(n)
yb <- rbinom(n, 1, plogis(eta))
yp <- rpois(n, exp(eta / 2))
ym <- cbind(a = y, b = eta / 2 + rnorm(n))
y3 <- factor(ifelse(eta + rnorm(n) > 0.5, "a", ifelse(rnorm(n) > 0, "b", "c")))
time <- cbind(time = rexp(n, exp(eta)), status = rbinom(n, 1, 0.7))
w <- runif(n, 0.5, 2)
o <- rnorm(n)
foldid <- sample(rep(1:5, length = n))

off <- function(a, b) {
  if (is.list(a)) return(max(mapply(off, a, b)))
  max(abs(as.matrix(a) - as.matrix(b)))
}

# Ours and glmnet's with the same lambda, both near the minimum.
both <- function(x, y, ..., limit = 1e-7) {
  args <- list(x, y, ..., relax = TRUE, maxit = 1e7)
  g <- do.call(glmnet::glmnet, c(args, thresh = 1e-20))
  ours <- do.call(nd_glmnet, c(args, list(lambda = g$lambda), thresh = 1e-14))
  expect_equal(ours$relaxed$lambda, g$relaxed$lambda)
  expect_lt(off(ours$relaxed$dev.ratio, g$relaxed$dev.ratio), limit)
  expect_equal(class(ours)[-1L], class(g))
  for (gamma in c(0, 0.4, 1)) expect_lt(off(coef(ours, gamma = gamma), coef(g, gamma = gamma)), limit)
  list(ours = ours, glmnet = g)
}

both_cv <- function(x, y, ..., limit = 1e-7) {
  plain <- list(x, y, ...)
  plain[c("type.measure", "gamma")] <- NULL
  lambda <- do.call(glmnet::glmnet, plain)$lambda
  args <- list(x, y, ..., relax = TRUE, keep = TRUE, foldid = foldid, lambda = lambda, maxit = 1e7)
  g <- suppressWarnings(do.call(glmnet::cv.glmnet, c(args, thresh = 1e-20)))
  ours <- suppressWarnings(do.call(nd_cv_glmnet, c(args, thresh = 1e-14)))
  expect_equal(ours$relaxed$gamma, g$relaxed$gamma)
  expect_equal(names(ours$relaxed$statlist), names(g$relaxed$statlist))
  for (k in seq_along(g$relaxed$statlist)) for (part in c("cvm", "cvsd", "cvup", "cvlo")) {
    expect_lt(off(ours$relaxed$statlist[[k]][[part]], g$relaxed$statlist[[k]][[part]]), limit)
  }
  # glmnet counts the intercept of a grouped penalty among the columns; at the first lambda a column enters by rounding
  if (!inherits(g$glmnet.fit, "mrelnet")) expect_equal(ours$relaxed$statlist[[1L]]$nzero[-1L], g$relaxed$statlist[[1L]]$nzero[-1L])
  expect_equal(ours$relaxed$index, g$relaxed$index)
  expect_equal(ours$index, g$index)
  for (part in c("lambda.min", "lambda.1se", "gamma.min", "gamma.1se")) expect_equal(ours$relaxed[[part]], g$relaxed[[part]])
  expect_equal(names(ours$fit.preval), names(g$fit.preval))
  expect_equal(lapply(ours$fit.preval, dimnames), lapply(g$fit.preval, dimnames))
  expect_lt(max(mapply(function(a, b) max(abs(a - b)), ours$fit.preval, g$fit.preval)), limit)
  expect_equal(ours$foldid, g$foldid)
  expect_equal(class(ours)[-1L], class(g))
  invisible(list(ours = ours, glmnet = g))
}

test_that("relaxed fits of a Gaussian path are glmnet's", {
  both(x, y)
  both(x, y, alpha = 0.5, weights = w, offset = o)
  both(x, y, intercept = FALSE)
  both(x, y, lower.limits = -0.3, upper.limits = 0.6)
  both(x, y, penalty.factor = c(0, rep(1, p - 2), Inf))
  found <- both(x, y, maxp = 4)
  expect_lt(length(found$ours$relaxed$lambda), length(found$ours$lambda))
  for (gamma in c(0, 0.5)) expect_lt(off(predict(found$ours, x, s = c(0.3, 0.02), gamma = gamma),
                                         predict(found$glmnet, x, s = c(0.3, 0.02), gamma = gamma)), 1e-7)
})

test_that("those of other families are, too", {
  both(x, yb, family = "binomial")
  both(x, yp, family = "poisson", offset = o / 4)
  both(x, time, family = "cox")
  both(x, ym, family = "mgaussian")
  both(x, y3, family = "multinomial")
  # glmnet's own steps for family objects end where the objective has settled
  glmnet::glmnet.control(epsnr = 1e-12, mxitnr = 200)
  on.exit(glmnet::glmnet.control(factory = TRUE))
  both(x, yb, family = binomial("probit"), limit = 1e-5)
})

test_that("columns read one by one have the same relaxed fits", {
  wide <- matrix(rnorm(40 * 90), 40)
  yw <- drop(wide[, 1:4] %*% c(1, -1, 0.5, 0.5)) + rnorm(40)
  both(wide, yw, lambda.min.ratio = 0.1)
  sparse <- Matrix::Matrix(x * (abs(x) > 1), sparse = TRUE)
  both(sparse, y)
  both(sparse, yp, family = "poisson")
  rows <- nd_glmnet(x, y, relax = TRUE, thresh = 1e-14, type.gaussian = "covariance")
  columns <- nd_glmnet(x, y, relax = TRUE, thresh = 1e-14, type.gaussian = "naive")
  expect_match(nd_explain(rows)$reading, "by rows")
  expect_match(nd_explain(columns)$reading, "column by column")
  expect_lt(off(coef(rows, s = rows$lambda[1:40], gamma = 0), coef(columns, s = rows$lambda[1:40], gamma = 0)), 1e-9)
})

test_that("mixtures are cross-validated as cv.glmnet does it", {
  both_cv(x, y)
  both_cv(x, y, gamma = c(0.6, 0.1), weights = w, offset = o)
  both_cv(x, yb, family = "binomial", type.measure = "auc")
  both_cv(x, yp, family = "poisson")
  both_cv(x, ym, family = "mgaussian")
  both_cv(Matrix::Matrix(x * (abs(x) > 1), sparse = TRUE), y, type.measure = "mae")
  found <- both_cv(x, time, family = "cox", type.measure = "C")
  expect_error(nd_cv_glmnet(x, y, keep = TRUE, repeats = 2), "several predictions")
  found <- both_cv(x, y)
  for (s in c("lambda.min", "lambda.1se")) {
    expect_lt(off(coef(found$ours, s = s), coef(found$glmnet, s = s)), 1e-7)
    expect_lt(off(predict(found$ours, x, s = s), predict(found$glmnet, x, s = s)), 1e-7)
  }
  expect_lt(off(predict(found$ours, x, s = 0.1, gamma = 0.2), predict(found$glmnet, x, s = 0.1, gamma = 0.2)), 1e-7)
  printed <- function(of) utils::capture.output(print(of))[-(1:3)]
  expect_equal(printed(found$ours), printed(found$glmnet))
  expect_equal(printed(found$ours$glmnet.fit), printed(found$glmnet$glmnet.fit))
})

test_that("predictions of held-out rows are kept without relaxed fits", {
  g <- glmnet::cv.glmnet(x, y, foldid = foldid, keep = TRUE, thresh = 1e-20)
  ours <- nd_cv_glmnet(x, y, foldid = foldid, keep = TRUE, lambda = g$lambda, thresh = 1e-14)
  same <- glmnet::cv.glmnet(x, y, foldid = foldid, keep = TRUE, lambda = g$lambda, thresh = 1e-20)
  expect_lt(off(ours$fit.preval, same$fit.preval), 1e-7)
  data <- data.frame(y = y, x)
  data$y[3] <- NA
  kept <- nd_cv_glmnet(y ~ ., data, foldid = foldid[-3], keep = TRUE)
  expect_equal(nrow(kept$fit.preval), n - 1L)
  expect_equal(kept$foldid, foldid[-3])
})

test_that("a column that others determine has no relaxed coefficient, and predictions are glmnet's", {
  twice <- cbind(x, x[, 1], 3)
  g <- glmnet::glmnet(twice, y, alpha = 0.5, relax = TRUE, thresh = 1e-20)
  ours <- nd_glmnet(twice, y, alpha = 0.5, relax = TRUE, lambda = g$lambda, thresh = 1e-14)
  expect_lt(off(predict(ours, twice, gamma = 0.1), predict(g, twice, gamma = 0.1)), 1e-7)
  expect_true(all(ours$relaxed$beta[13:14, ] == 0))
})

test_that("what is no gamma is refused, and formulas have relaxed fits", {
  fit <- nd_glmnet(x, y)
  expect_error(predict(fit, x, gamma = 0.5), "relax = TRUE")
  expect_error(nd_glmnet(x, y, relax = NA), "relax")
  expect_error(nd_glmnet(x, y, type.gaussian = "other"), "type.gaussian")
  relaxed <- nd_glmnet(x, y, relax = TRUE)
  expect_warning(expect_error(predict(relaxed, x, gamma = -1), "no valid values of gamma"), "negative gamma")
  expect_named(predict(relaxed, x, s = 0.1, gamma = c(0, 0.5)), c("0.0", "0.5"))
  frame <- data.frame(y = y, a = x[, 1], f = factor(rep(1:4, 20)))
  fit <- nd_glmnet(y ~ a + f, frame, relax = TRUE, lambda = c(0.5, 0.01))
  beta <- as.matrix(coef(fit, s = 0.01, gamma = 0))
  active <- rownames(beta)[beta != 0]
  expect_lt(off(predict(fit, newdata = frame, s = 0.01, gamma = 0), fitted(lm(y ~ a + f, frame))), 1e-3)
  expect_true("a" %in% active)
})
