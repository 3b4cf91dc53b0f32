# Paths of elastic nets and their cross-validation, beside glmnet's with a threshold at which its iterations have settled.
set.seed(11)
gx <- matrix(rnorm(2000), 100)
gy <- gx[, 1] + 0.5 * gx[, 2] + rnorm(100)
gb <- rbinom(100, 1, plogis(gx[, 1]))
gk <- rpois(100, exp(0.3 * gx[, 1]))
gw <- runif(100, 0.5, 2)
go <- rnorm(100) / 3

# glmnet ends its iterations at squared changes below 1e-14: coefficients are those of the minimum to a few 1e-7.
same_path <- function(...) {
  ours <- nd_glmnet(..., thresh = 1e-14)
  theirs <- glmnet::glmnet(..., thresh = 1e-14)
  expect_identical(class(ours)[-1L], class(theirs))
  expect_identical(setdiff(names(ours), "nelder"), names(theirs))
  expect_equal(ours$lambda, theirs$lambda, tolerance = 1e-12)
  expect_identical(ours$df, theirs$df)
  expect_lt(max(abs(ours$beta - theirs$beta)), 2e-6)
  expect_lt(max(abs(ours$a0 - theirs$a0)), 2e-6)
  expect_lt(max(abs(ours$dev.ratio - theirs$dev.ratio)), 1e-6)
  expect_equal(ours$nulldev, theirs$nulldev, tolerance = 1e-12)
  for (part in c("beta", "dim", "jerr", "offset", "nobs", "classnames")) {
    expect_identical(attributes(ours[[part]])$Dimnames, attributes(theirs[[part]])$Dimnames)
    expect_identical(typeof(ours[[part]]), typeof(theirs[[part]]))
  }
}

test_that("paths are glmnet's", {
  skip_without("glmnet", "Matrix")
  same_path(gx, gy)
  same_path(gx, gy, weights = gw, offset = go, alpha = 0.4)
  same_path(gx, gy, standardize = FALSE, intercept = FALSE)
  same_path(gx, gy, penalty.factor = c(0, rep(1, 19)), upper.limits = 0.3, lambda = c(0.1, 0.5, 0.01))
  same_path(gx, factor(gb), family = "binomial")
  same_path(gx, gb, family = "binomial", weights = gw, offset = go, alpha = 0.5)
  same_path(gx, cbind(no = 1 + gk, yes = 2 + gb), family = "binomial")
  same_path(gx, gk, family = "poisson", exclude = c(1, 3), lower.limits = -0.1)
  same_path(gx, gk, family = poisson())
  same_path(gx, gy, family = gaussian(), alpha = 0.5)
})

test_that("predictions are glmnet's", {
  skip_without("glmnet", "Matrix")
  ours <- nd_glmnet(gx, gb, family = "binomial", thresh = 1e-13)
  theirs <- glmnet::glmnet(gx, gb, family = "binomial", thresh = 1e-13)
  s <- c(0.1, 0.0123, 2, 1e-9, ours$lambda[3])
  for (type in c("link", "response")) {
    expect_equal(predict(ours, gx, s = s, type = type), predict(theirs, gx, s = s, type = type), tolerance = 1e-5)
  }
  # of the null model both classes may be as likely, to rounding
  expect_identical(predict(ours, gx, s = s[1:2], type = "class"), predict(theirs, gx, s = s[1:2], type = "class"))
  expect_equal(as.matrix(coef(ours, s = s)), as.matrix(coef(theirs, s = s)), tolerance = 1e-5)
  expect_equal(predict(ours, type = "nonzero"), predict(theirs, type = "nonzero"))
  exact <- coef(ours, s = 0.0123, exact = TRUE, x = gx, y = gb)
  again <- nd_glmnet(gx, gb, family = "binomial", lambda = c(0.1, 0.0123), thresh = 1e-13)
  expect_equal(as.vector(exact), as.vector(coef(again)[, 2]), tolerance = 1e-5)
  expect_error(coef(ours, s = 0.0123, exact = TRUE), "x and y")
  expect_equal(unlist(glmnet::assess.glmnet(ours, gx, gb)), unlist(glmnet::assess.glmnet(theirs, gx, gb)), tolerance = 1e-5)
  expect_identical(dim(glmnet::confusion.glmnet(ours, gx, gb, s = 0.05)), c(2L, 2L))
  expect_identical(printed(nd_glmnet(gx, gy, nlambda = 4)), printed(glmnet::glmnet(gx, gy, nlambda = 4)))
})

test_that("cross-validation is cv.glmnet's, with its folds", {
  skip_without("glmnet", "Matrix")
  for (more in list(list(y = gy), list(y = gb, family = "binomial"), list(y = gb, family = "binomial", type.measure = "class"),
                    list(y = gk, family = "poisson", alignment = "fraction"),
                    list(y = gb, family = binomial(), type.measure = "mse"),
                    list(y = gy, nfolds = 50, type.measure = "mae", weights = gw))) {
    arguments <- c(list(x = gx, thresh = 1e-14), more)
    set.seed(3)
    ours <- suppressWarnings(do.call(nd_cv_glmnet, arguments))
    set.seed(3)
    theirs <- suppressWarnings(do.call(glmnet::cv.glmnet, arguments))
    expect_identical(names(ours), names(theirs))
    expect_identical(ours$name, theirs$name)
    expect_identical(ours$index, theirs$index)
    expect_equal(ours$cvm, unname(theirs$cvm), tolerance = 1e-5)
    expect_equal(ours$cvsd, unname(theirs$cvsd), tolerance = 1e-5)
    expect_identical(ours$nzero, theirs$nzero)
  }
})

test_that("several alpha and repetitions are compared", {
  skip_without("Matrix")
  set.seed(1)
  found <- nd_cv_glmnet(gx, gy, alpha = c(0, 0.5, 1), repeats = 2)
  expect_identical(found$alpha, found$alphas$alpha[which.min(found$alphas$cvm)])
  set.seed(1)
  expect_identical(nd_cv_glmnet(gx, gy, alpha = c(0, 0.5, 1), repeats = 2)$cvm, found$cvm)
})

test_that("a minimum holds the conditions of one", {
  skip_without("Matrix")
  fit <- nd_glmnet(gx, gy, alpha = 1, thresh = 1e-14, standardize = FALSE)
  beta <- as.matrix(fit$beta)
  for (m in c(5, 20, length(fit$lambda))) {
    g <- as.vector(crossprod(gx, gy - fit$a0[m] - gx %*% beta[, m])) / 100
    inside <- beta[, m] != 0
    expect_lt(max(abs(g[!inside]), 0), fit$lambda[m] + 1e-9)
    expect_lt(max(abs(g[inside] - fit$lambda[m] * sign(beta[inside, m]))), 1e-7)
  }
})

test_that("a formula has an indicator for each level, for new data too", {
  skip_without("Matrix")
  fit <- nd_glmnet(y ~ x * a + s + log(z), holes)
  expect_identical(rownames(fit$beta)[1:4], c("x", "alow", "amid", "ahigh"))
  expect_identical(fit$nobs, 117L)
  one <- predict(fit, people[1, ], s = 0.1)
  expect_equal(one, predict(fit, transform(people[1, ], a = as.character(a)), s = 0.1))
  by_hand <- coef(fit, s = 0.1)[, 1]
  person <- people[1, ]
  level <- as.character(person$a)
  expect_equal(as.vector(one), unname(
    by_hand["(Intercept)"] + by_hand["x"] * person$x + by_hand[paste0("a", level)] + by_hand[paste0("s", person$s)] +
      by_hand["log(z)"] * log(person$z) + by_hand[paste0("x:a", level)] * person$x))
  expect_error(predict(fit, transform(people[1, ], a = "new")), "new level")
  other <- nd_glmnet(y ~ x + a, people, contrasts = list(a = "contr.treatment"))
  expect_identical(rownames(other$beta), c("x", "amid", "ahigh"))
  expect_identical(nd_cv_glmnet(y ~ x + a, holes)$glmnet.fit$nobs, 117L)
})

test_that("what cannot be fitted is refused in words", {
  skip_without("Matrix")
  hole <- gx
  hole[7, 3] <- NA
  expect_error(nd_glmnet(hole, gy), "`V3` is missing in row 7")
  expect_error(nd_glmnet(gx, replace(gy, 4, NA)), "row 4")
  expect_error(nd_glmnet(gx, gy, weights = 1:3), "number of elements in weights \\(3\\)")
  expect_error(nd_glmnet(gx, gy[-1]), "number of observations in y \\(99\\)")
  expect_warning(nd_glmnet(gx, gy, alpha = 1.5), "alpha >1; set to 1")
  expect_error(nd_glmnet(gx, gy, lambda = -1), "non-negative")
  expect_error(nd_glmnet(gx, gy, exclude = 30), "out of range")
  expect_error(nd_glmnet(gx, gy, family = "mgaussian"), "needs a matrix of numbers")
  expect_error(nd_glmnet(gx, gy, foo = 1), "unused argument: foo")
  expect_error(nd_glmnet(gx, rep(0:1, c(99, 1)), family = "binomial"), "1 or 0 observations")
  bad <- Matrix::Matrix(gx * (gx > 1), sparse = TRUE)
  bad[3, 2] <- NA
  expect_error(nd_glmnet(bad, gy), "row 3 of column 2")
  expect_warning(nd_glmnet(gx, gy, maxit = 3), "did not converge at lambda number")
  expect_error(nd_cv_glmnet(gx, gy, nfolds = 2), "nfolds must be bigger than 3")
  expect_error(nd_cv_glmnet(gx, gy, lambda = 1), "more than one value of lambda")
  expect_warning(nd_cv_glmnet(gx, gy, type.measure = "auc"), "Only mse, deviance, mae available as type.measure for Gaussian models")
  expect_warning(nd_cv_glmnet(gx, gy, nfolds = 50), "grouped=FALSE enforced")
})

test_that("sparse matrices have glmnet's paths and are not made dense", {
  skip_without("glmnet")
  set.seed(4)
  n <- 120
  x <- Matrix::rsparsematrix(n, 300, 0.08)
  eta <- as.vector(x[, 1:4] %*% c(2, -2, 1.5, 1))
  y <- eta + rnorm(n)
  z <- rbinom(n, 1, plogis(eta))
  k <- rpois(n, exp(0.4 * eta))
  folds <- rep(1:5, length.out = n)
  for (case in list(list("gaussian", y), list("binomial", z), list("poisson", k))) {
    family <- case[[1L]]
    theirs <- glmnet::glmnet(x, case[[2L]], family = family, thresh = 1e-20, maxit = 1e7)
    ours <- nd_glmnet(x, case[[2L]], family = family, thresh = 1e-20, maxit = 1e7)
    expect_equal(ours$lambda, theirs$lambda, tolerance = 1e-9)
    expect_equal(as.matrix(ours$beta), as.matrix(theirs$beta), tolerance = 1e-6)
    expect_equal(unname(ours$a0), unname(theirs$a0), tolerance = 1e-6)
    expect_equal(predict(ours, x, s = 0.05), predict(theirs, x, s = 0.05), tolerance = 1e-6, ignore_attr = TRUE)
    # the path of the same numbers, dense
    dense <- nd_glmnet(as.matrix(x), case[[2L]], family = family, thresh = 1e-20, maxit = 1e7)
    expect_equal(as.matrix(ours$beta), as.matrix(dense$beta), tolerance = 1e-8, ignore_attr = TRUE)
  }
  theirs <- glmnet::cv.glmnet(x, y, foldid = folds, thresh = 1e-20, maxit = 1e7)
  ours <- nd_cv_glmnet(x, y, foldid = folds, thresh = 1e-20, maxit = 1e7)
  expect_equal(ours$cvm, theirs$cvm, tolerance = 1e-7)
  expect_equal(ours$cvsd, theirs$cvsd, tolerance = 1e-7)
  expect_equal(ours$lambda.1se, theirs$lambda.1se, tolerance = 1e-9)
})

test_that("paths are drawn, explained and tidied", {
  skip_without("Matrix", "broom")
  fit <- nd_glmnet(gx, gy)
  found <- nd_cv_glmnet(gx, gy)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (xvar in c("lambda", "norm", "dev")) expect_silent(plot(fit, xvar))
  for (sign in c(1, -1)) expect_silent(plot(found, sign.lambda = sign))
  expect_output(print(nd_explain(found)), "coordinate descent")
  expect_identical(broom::glance(fit)$nobs, 100L)
  expect_identical(nrow(broom::tidy(found)), length(found$lambda))
})

test_that("a ridge beside columns without a penalty begins where glmnet's does", {
  skip_without("glmnet", "Matrix", "survival")
  factors <- c(0, 1, 0.5, rep(1, 16), 0)
  three <- factor(rep(c("a", "b", "c", "b", "a"), 20))
  times <- survival::Surv(exp(-gx[, 1] + gx[, 20] + 2 * gx[, 7]), rep(c(1, 1, 0, 1), 25))
  stratified <- glmnet::stratifySurv(times, rep(1:2, 50))
  cases <- list(list(gy), list(gy, type.gaussian = "naive"), list(gb, family = "binomial"), list(gk, family = "poisson"),
                list(gb, family = "binomial", offset = go, weights = gw), list(three, family = "multinomial"),
                list(three, family = "multinomial", type.multinomial = "grouped"), list(cbind(gy, gk), family = "mgaussian"),
                list(times, family = "cox"), list(stratified, family = "cox"), list(gb, family = stats::binomial()))
  for (case in cases) for (alpha in c(0, 0.0005)) {
    arguments <- c(list(gx), case, list(alpha = alpha, penalty.factor = factors, nlambda = 3, thresh = 1e-12, maxit = 1e6))
    # weights that are no whole numbers of trials are remarked on by glm
    theirs <- suppressWarnings(do.call(glmnet::glmnet, arguments))
    expect_equal(do.call(nd_glmnet, arguments)$lambda, theirs$lambda, tolerance = 1e-5)
  }
})

test_that("paths of links that are not canonical go on to where glmnet's end", {
  skip_without("glmnet", "Matrix")
  set.seed(2)
  x <- matrix(rnorm(6000), 300)
  eta <- x[, 1] - 0.6 * x[, 5] + 0.4 * x[, 9]
  y <- exp(eta / 2) * rgamma(300, 3, 3)
  for (family in list(stats::inverse.gaussian("log"), stats::Gamma("log"))) {
    expect_silent(fit <- nd_glmnet(x, y, family = family, thresh = 1e-12))
    # their outer loop ends where the objective has settled, or goes round
    theirs <- suppressWarnings(glmnet::glmnet(x, y, family = family, thresh = 1e-12))
    expect_lt(abs(length(fit$lambda) - length(theirs$lambda)), 5)
    both <- seq_len(min(length(fit$lambda), length(theirs$lambda)))
    expect_lt(max(abs(fit$dev.ratio[both] - theirs$dev.ratio[both])), 5e-3)
  }
})

test_that("mistakes are told with the names of the user's variables", {
  skip_without("Matrix")
  expect_error(nd_glmnet(Species ~ Petal.Length + Petal.Width, iris, family = "binomial"),
               "family = \"multinomial\": Species has 3 levels")
  expect_error(nd_glmnet(gx, rep(1:4, 25), family = "binomial"), "family = \"multinomial\": y has 4 different values")
  expect_error(nd_glmnet(Species ~ Petal.Length + Petal.Width, iris), "Species is a factor")
  d <- data.frame(outcome = 3, a = gx[, 1], b = gx[, 2])
  expect_error(nd_glmnet(outcome ~ a + b, d), "outcome: the response is constant")
  expect_error(nd_glmnet(gx, rep(1, 100)), "y: the response is constant")
})
