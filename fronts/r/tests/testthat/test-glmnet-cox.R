# Cox models beside glmnet's and coxph's.
set.seed(23)
cn <- 150L
cx <- matrix(rnorm(cn * 8), cn)
ctime <- ceiling(8 * rexp(cn, exp(cx[, 1] - 0.6 * cx[, 2]))) / 8
cstatus <- rbinom(cn, 1, 0.7)
cstart <- ctime * runif(cn, 0, 0.6)
cgroup <- sample(c("a", "b", "c"), cn, TRUE)
cw <- runif(cn, 0.5, 2)
co <- rnorm(cn) / 3
cstart[cstart >= max(ctime[cstatus == 1])] <- 0
cdata <- data.frame(cx, time = ctime, status = cstatus, start = cstart, g = cgroup, o = co)

# glmnet takes the ratio of lambda with an exponent in single precision, and ends cox.path at an objective that has settled.
same_hazard <- function(y, ..., most = 1e-5) {
  ours <- nd_glmnet(cx, y, family = "cox", thresh = 1e-14, ...)
  theirs <- glmnet::glmnet(cx, y, family = "cox", thresh = 1e-14, ...)
  expect_identical(class(ours)[-1L], class(theirs))
  expect_identical(setdiff(names(ours), "nelder"), names(theirs))
  expect_null(ours$a0)
  expect_equal(ours$lambda, theirs$lambda, tolerance = 1e-7)
  expect_equal(as.integer(ours$df), as.integer(theirs$df))
  expect_lt(max(abs(ours$beta - theirs$beta)), most)
  expect_lt(max(abs(ours$dev.ratio - theirs$dev.ratio)), most / 10)
  expect_equal(ours$nulldev, theirs$nulldev, tolerance = 1e-12)
  s <- c(0.1, 0.02)
  for (type in c("link", "response")) {
    expect_equal(predict(ours, cx, s = s, type = type, newoffset = co), predict(theirs, cx, s = s, type = type, newoffset = co),
                 tolerance = 10 * most)
  }
  expect_identical(dimnames(coef(ours, s = s)), dimnames(coef(theirs, s = s)))
}

test_that("paths of survival times are glmnet's", {
  skip_without("glmnet", "survival")
  y <- survival::Surv(ctime, cstatus)
  same_hazard(y)
  same_hazard(y, weights = cw, alpha = 0.5)
  same_hazard(y, offset = co, standardize = FALSE, alpha = 0.3)
  same_hazard(cbind(time = ctime, status = cstatus), penalty.factor = c(0, rep(1, 7)), lambda = c(0.2, 0.05, 0.01))
  same_hazard(glmnet::stratifySurv(y, cgroup), nlambda = 15, most = 1e-3)
  same_hazard(survival::Surv(cstart, ctime, cstatus), nlambda = 15, most = 1e-3)
})

test_that("folds of survival times are cv.glmnet's", {
  skip_without("glmnet", "survival")
  y <- survival::Surv(ctime, cstatus)
  for (wanted in list(list(), list(type.measure = "C"), list(grouped = FALSE, weights = cw))) {
    args <- c(list(cx, y, family = "cox", nfolds = 5, thresh = 1e-14), wanted)
    set.seed(4)
    ours <- do.call(nd_cv_glmnet, args)
    set.seed(4)
    theirs <- do.call(glmnet::cv.glmnet, args)
    expect_equal(ours$cvm, theirs$cvm, tolerance = 1e-5)
    expect_equal(ours$cvsd, theirs$cvsd, tolerance = 1e-5)
    expect_identical(ours$index, theirs$index)
    expect_identical(ours$name, theirs$name)
    expect_identical(names(ours$nzero), names(theirs$nzero))
    expect_identical(dimnames(coef(ours)), dimnames(coef(theirs)))
  }
  expect_warning(nd_cv_glmnet(cx, y, family = "cox", nfolds = 30, grouped = FALSE), "grouped=TRUE enforced for cv.coxnet")
})

test_that("the area under the curve is cv.glmnet's", {
  skip_without("glmnet")
  y <- rbinom(cn, 1, plogis(cx[, 1]))
  set.seed(4)
  ours <- nd_cv_glmnet(cx, y, family = "binomial", type.measure = "auc", weights = cw, nfolds = 5, thresh = 1e-14)
  set.seed(4)
  theirs <- glmnet::cv.glmnet(cx, y, family = "binomial", type.measure = "auc", weights = cw, nfolds = 5, thresh = 1e-14)
  expect_equal(ours$cvm, theirs$cvm, tolerance = 1e-7)
  expect_identical(ours$index, theirs$index)
  expect_identical(ours$name, theirs$name)
})

test_that("Efron's ties are coxph's", {
  skip_without("survival")
  Surv <- survival::Surv
  strata <- survival::strata
  fit <- nd_glmnet(Surv(start, time, status) ~ X1 + X2 + strata(g) + offset(o), cdata, family = "cox", lambda = 0, thresh = 1e-14,
                   cox.ties = "efron")
  theirs <- survival::coxph(Surv(start, time, status) ~ X1 + X2 + strata(g) + offset(o), cdata,
                            control = survival::coxph.control(eps = 1e-14, toler.chol = 1e-15))
  expect_equal(as.vector(fit$beta), unname(coef(theirs)), tolerance = 1e-8)
  expect_identical(rownames(fit$beta), c("X1", "X2"))
  new <- cdata[1:3, c("X1", "X2", "o")]
  expect_equal(as.vector(predict(fit, new)), as.vector(as.matrix(new[1:2]) %*% coef(theirs)) + new$o, tolerance = 1e-8)
})

test_that("survival curves are drawn from paths and from cross-validations", {
  skip_without("survival")
  skip_without("glmnet")
  y <- survival::Surv(ctime, cstatus)
  folds <- rep(1:5, length.out = cn)
  ours <- nd_glmnet(cx, y, family = "cox", thresh = 1e-14)
  theirs <- glmnet::glmnet(cx, y, family = "cox", thresh = 1e-14)
  chosen <- nd_cv_glmnet(cx, y, family = "cox", foldid = folds, thresh = 1e-14)
  for (new in list(NULL, cx[1:3, ])) {
    draw <- function(fit, s) {
      args <- c(list(fit, s = s, x = cx, y = y), if (!is.null(new)) list(newx = new))
      do.call(survival::survfit, args)$surv
    }
    expect_equal(draw(ours, 0.03), draw(theirs, 0.03), tolerance = 1e-7)
    expect_equal(draw(chosen, "lambda.min"), draw(ours, chosen$lambda.min), tolerance = 1e-12)
  }
})

test_that("what is no survival time is refused", {
  skip_without("survival")
  Surv <- survival::Surv
  strata <- survival::strata
  y <- Surv(ctime, cstatus)
  expect_error(nd_glmnet(cx, y, family = "cox", intercept = TRUE), "a Cox model has none")
  expect_error(nd_glmnet(cx, ctime, family = "cox"), "columns 'time' \\(>0\\) and 'status'")
  expect_error(nd_glmnet(cx, y), "family = \"cox\" is for it")
  expect_error(nd_glmnet(cx, Surv(replace(ctime, 7, 0), cstatus), family = "cox"), "the time is 0 in row 7")
  expect_error(nd_glmnet(cx, Surv(ctime, 0 * cstatus), family = "cox"), "all rows are censored")
  expect_error(nd_glmnet(cx, Surv(ctime, cstatus, type = "left"), family = "cox"), "type 'left'")
  expect_error(nd_glmnet(Surv(time, status) ~ X1 * strata(g), cdata, family = "cox"), "strata\\(\\) stands alone")
})
