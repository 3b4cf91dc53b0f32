# What a call says and signals: list(value, warnings).
heard <- function(expr) {
  said <- character()
  value <- withCallingHandlers(expr, warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  list(value = value, said = said)
}

test_that("every family takes every link that R's takes", {
  set.seed(4)
  d <- data.frame(x = runif(60, 0, 2))
  d$mu <- 0.25 + 0.2 * d$x
  d$positive <- rgamma(60, 20, 20 / (1 + d$x))
  d$unit <- pmin(pmax(d$mu + rnorm(60) / 30, 0.02), 0.98)
  d$count <- rpois(60, 3 + d$x)
  d$one <- rbinom(60, 1, d$mu)
  bounded <- c("logit", "probit", "cauchit", "cloglog")
  links <- c("identity", "log", "inverse", "1/mu^2", "sqrt", bounded)
  families <- list(gaussian = c("positive", "unit"), binomial = c("one", "one"), quasibinomial = c("unit", "unit"),
                   poisson = c("count", "one"), quasipoisson = c("count", "one"), Gamma = c("positive", "unit"),
                   inverse.gaussian = c("positive", "unit"), quasi = c("positive", "unit"))
  tried <- 0L
  for (name in names(families)) for (link in c(links, "power(0.3)", "power(1/2)")) {
    own <- if (startsWith(link, "power")) eval(str2lang(link)) else link
    family <- getExportedValue("stats", name)(link = own)
    expect_false(is.null(nelder:::native_family(family)), label = paste(name, link))
    formula <- as.formula(paste(families[[name]][1L + link %in% bounded], "~ x"))
    start <- c(family$linkfun(mean(d[[as.character(formula[[2L]])]])), 0)
    r <- suppressWarnings(tryCatch(glm(formula, family, d, start = start, control = list(epsilon = 1e-14, maxit = 100)),
                                   error = function(e) NULL))
    # what R's own iteration does not reach
    if (is.null(r) || !r$converged || r$boundary) next
    tried <- tried + 1L
    ours <- nd_glm(formula, family, d, start = start)
    for (part in c("coefficients", "deviance", "null.deviance", "aic", "fitted.values", "weights", "residuals")) {
      expect_same(ours[[part]], r[[part]], 1e-6, label = paste(name, link, part))
    }
    for (type in c("deviance", "pearson", "working", "response")) {
      expect_same(residuals(ours, type), residuals(r, type), 1e-6, label = paste(name, link, type))
    }
    expect_same(coef(summary(ours)), coef(summary(r)), 1e-6, label = paste(name, link, "summary"))
    expect_same(hatvalues(ours), hatvalues(r), 1e-6, label = paste(name, link, "hatvalues"))
    expect_same(predict(ours, data.frame(x = c(0.5, 1)), type = "response", se.fit = TRUE),
                predict(r, data.frame(x = c(0.5, 1)), type = "response", se.fit = TRUE), 1e-6,
                label = paste(name, link, "predict"))
  }
  expect_gt(tried, 70L)
  k <- c(2, 5, 6, 9)
  x <- 0:3
  expect_same(unname(coef(nd_glm(cbind(k, 20 - k) ~ x, binomial("identity")))), c(0.1072049, 0.1116811), 1e-6)
})

test_that("links of other packages' families", {
  skip_without("MASS", "statmod")
  for (link in list("inverse", "1/mu^2", power(0.3))) {
    family <- MASS::negative.binomial(2, link = link)
    expect_false(is.null(nelder:::native_family(family)))
    f <- both(nd_glm(k + 1 ~ z, family, people))
    expect_same(coef(f$ours), coef(f$r), 1e-7)
  }
  for (family in list(statmod::tweedie(1.5, 0), statmod::tweedie(1.3, -0.3), statmod::tweedie(0, 1),
                      statmod::tweedie(2, -1), statmod::tweedie(3, 0))) {
    expect_false(is.null(nelder:::native_family(family)))
    f <- both(nd_glm(pos ~ x, family, people))
    expect_same(coef(f$ours), coef(f$r), 1e-8)
    expect_same(coef(summary(f$ours)), coef(summary(f$r)), 1e-7)
    expect_same(f$ours$deviance, f$r$deviance, 1e-10)
  }
  # what the report says of the digits holds
  f <- both(nd_glm(pos ~ x + z, statmod::tweedie(1.5, 0), people))
  claimed <- nd_explain(f$ours)$digits[1L]
  expect_gt(claimed, 9)
  expect_true(all(abs(coef(f$ours) / coef(f$r) - 1) < max(10^-claimed, 1e-11)))
})

test_that("a family whose functions are R's goes on until nothing moves, and its report claims nothing", {
  # R's own links under another name: the answer is known to all digits
  disguised <- function(family) {
    inverse <- family$linkinv
    family$linkinv <- function(eta) inverse(eta)
    family
  }
  for (family in list(binomial("probit"), binomial("cauchit"), poisson("sqrt"), Gamma("log"), inverse.gaussian("log"))) {
    people$own <- switch(family$family, binomial = people$bin, poisson = people$k, people$pos)
    own <- disguised(family)
    expect_null(nelder:::native_family(own))
    ours <- nd_glm(own ~ x + z + a, own, people)
    exact <- nd_glm(own ~ x + z + a, family, people)
    expect_same(coef(ours), coef(exact), 1e-11, label = paste(family$family, family$link))
    expect_same(coef(summary(ours)), coef(summary(exact)), 1e-10)
    expect_identical(ours$iter, exact$iter)
    expect_same(ours$null.deviance, exact$null.deviance)
    report <- nd_explain(ours)
    expect_true(all(is.na(report$digits)))
    expect_match(paste(capture.output(report), collapse = "\n"), "no claim")
    expect_true(any(grepl("^step 1,", report$passes$pass)) && any(grepl("^polish", report$passes$pass)))
  }
})

test_that("residuals where fitted probabilities are 1 and rates 0", {
  expect_all <- function(ours, r) {
    for (type in c("deviance", "pearson", "working", "response")) {
      expect_true(all(is.finite(residuals(ours, type))), label = type)
    }
    expect_same(residuals(ours, "pearson"), residuals(r, "pearson"), 1e-3, scale = 1)
    for (f in list(hatvalues, rstandard, rstudent, cooks.distance)) {
      expect_true(all(is.finite(f(ours))))
    }
    expect_true(all(is.finite(ours$weights)) && all(is.finite(ours$fitted.values)))
    expect_identical(dim(qr(ours)$qr), dim(qr(r)$qr))
    expect_identical(length(ours$effects), length(r$effects))
    expect_true(all(is.finite(influence(ours)$coefficients)))
    expect_same(ours$fitted.values, ours$family$linkinv(ours$linear.predictors))
  }
  for (link in c("logit", "probit", "cloglog")) {
    ours <- suppressWarnings(nd_glm((cyl > 4) ~ disp, binomial(link), mtcars))
    expect_all(ours, suppressWarnings(glm((cyl > 4) ~ disp, binomial(link), mtcars)))
  }
  d <- data.frame(x = c(0:9 * 100, 1000:1009), k = c(rep(0, 10), 1:10))
  ours <- suppressWarnings(nd_glm(k ~ x, poisson, d))
  for (type in c("deviance", "pearson", "working")) expect_true(all(is.finite(residuals(ours, type))))
  skip_without("boot", "broom")
  ours <- suppressWarnings(nd_glm((cyl > 4) ~ disp, binomial, mtcars))
  own <- suppressWarnings(boot::glm.diag(ours))
  expect_true(all(vapply(own, function(v) all(is.finite(v)), NA)))
  own <- suppressWarnings(broom::augment(ours, type.residuals = "pearson"))
  expect_true(all(is.finite(own$.resid)) && all(is.finite(own$.hat)))
})

test_that("responses that are no counts", {
  d <- data.frame(x = 0:3, y = c(1.5, 2, 3.25, 4), w = c(1, 2, 1, 1))
  for (w in list(rep(1, 4), d$w)) {
    d$own <- w
    ours <- heard(nd_glm(y ~ x, poisson, d, weights = own))
    r <- heard(glm(y ~ x, poisson, d, weights = own))
    expect_identical(ours$said, r$said)
    expect_identical(ours$said, c("non-integer x = 1.500000", "non-integer x = 3.250000"))
    for (f in list(AIC, BIC, function(m) as.numeric(logLik(m)))) expect_identical(f(ours$value), f(r$value))
    expect_same(coef(ours$value), coef(settled(r$value)))
  }
  for (call in list(quote(nd_glm(y / 5 ~ x, binomial, d)), quote(nd_glm(cbind(y, 5 - y) ~ x, binomial, d)),
                    quote(nd_glm(y / 5 ~ x, quasibinomial, d)), quote(nd_glm(cbind(4 * y, 4) ~ x, binomial, d, weights = w / 2)),
                    quote(nd_glm(y ~ x, quasipoisson, d)), quote(nd_glm(round(y) / 4 ~ x, binomial, d, weights = rep(4, 4))))) {
    ours <- heard(eval(call))
    r <- heard(eval(r_call(call)))
    expect_identical(ours$said, r$said, label = deparse(call))
    expect_same(AIC(ours$value), AIC(settled(r$value)), label = deparse(call))
  }
})

test_that("models without columns whose means are out of range", {
  d <- data.frame(x = 1:5, y = c(1, 2, 2, 4, 3))
  all <- list(
    quote(nd_glm(y ~ x - 1, Gamma, d)), quote(nd_glm(y ~ x - 1, Gamma("identity"), d, start = 1)),
    quote(nd_glm(y ~ x - 1, poisson("identity"), d, start = 1)), quote(nd_glm(y ~ x - 1, poisson("sqrt"), d, start = 1)),
    quote(nd_glm(y ~ x - 1, gaussian("inverse"), d, start = 0.1)), quote(nd_glm(y ~ x - 1, poisson("inverse"), d, start = 1)),
    quote(nd_glm(y ~ x - 1, inverse.gaussian("identity"), d, start = 1)),
    quote(nd_glm(y / 5 ~ x - 1, quasibinomial("identity"), d, start = 0.1)))
  for (call in all) {
    f <- eval(bquote(both(.(call))))
    expect_same(f$ours$null.deviance, f$r$null.deviance, label = deparse(call))
    for (part in list(residuals, fitted, predict, hatvalues, cooks.distance, rstandard, vcov)) {
      expect_same(part(f$ours), part(f$r), 1e-6, label = deparse(call))
    }
    expect_same(coef(summary(f$ours)), coef(summary(f$r)), 1e-6)
    expect_error(capture.output(print(f$ours), print(summary(f$ours))), NA)
  }
  e <- data.frame(y = c(1, 1, 0, 0), x = c(5, 3, 2, 4))
  ours <- nd_glm(y ~ 1 + x + offset(log(x)), gaussian("log"), e, start = c(0, 0))
  expect_same(ours$null.deviance, 22 / 27)
})

test_that("fits whose defaults would have no start", {
  d <- data.frame(x = c(5, 3, 2, 4), y = c(1, 1, 0, 0), w = c(1, 2, 1, 3))
  parts <- list(residuals, nobs, function(m) weights(m, "prior"), function(m) weights(m, "working"), hatvalues, fitted,
                function(m) residuals(m, "response"), function(m) residuals(m, "pearson"), function(m) m$y,
                cooks.distance, rstandard, function(m) m$qr$qr, function(m) m$effects, function(m) model.frame(m)$y,
                function(m) influence(m)$hat, logLik)
  for (call in list(quote(nd_glm(y ~ x, gaussian("log"), d, start = c(-1, 0), weights = w)),
                    quote(nd_glm(y ~ x, gaussian("log"), d, mustart = y + 0.5)),
                    quote(nd_glm(y ~ x, gaussian("log"), d, etastart = log(y + 0.5))),
                    quote(nd_glm(y ~ x, gaussian("inverse"), d, mustart = y + 0.5, control = list(maxit = 100))))) {
    f <- eval(bquote(both(.(call))))
    for (i in seq_along(parts)) {
      expect_same(abs(as.numeric(parts[[i]](f$ours))), abs(as.numeric(parts[[i]](f$r))), 1e-5,
                  label = paste(deparse(call), i))
    }
  }
  # the same in R
  own <- gaussian("log")
  linkinv <- own$linkinv
  own$linkinv <- function(eta) linkinv(eta)
  expect_null(nelder:::native_family(own))
  ours <- nd_glm(y ~ x, own, d, start = c(-1, 0))
  expect_same(coef(ours), coef(nd_glm(y ~ x, gaussian("log"), d, start = c(-1, 0))), 1e-9)
  expect_same(residuals(ours), residuals(nd_glm(y ~ x, gaussian("log"), d, start = c(-1, 0))), 1e-8)
  expect_error(nd_glm(y ~ x, own, d, start = 1), "length of 'start' should equal 2")
})

test_that("what control takes", {
  fit <- nd_glm(bin ~ x, binomial, people, control = list(epsilon_f64 = 1e-4))
  expect_identical(coef(fit), coef(nd_glm(bin ~ x, binomial, people, epsilon_f64 = 1e-4)))
  expect_identical(names(fit$control), c("epsilon", "maxit", "trace"))
  # R's own methods take the control of a fit
  expect_same(add1(fit, ~ . + z)$AIC, add1(settled(glm(bin ~ x, binomial, people)), ~ . + z)$AIC, 1e-8)
  expect_error(nd_glm(bin ~ x, binomial, people, control = list(epsilon_f64 = -1)), "epsilon_f64")
  expect_error(nd_glm(bin ~ x, binomial, people, control = list(epsilon_f64 = "a")), "epsilon_f64")
  expect_error(nd_glm(bin ~ x, binomial, people, control = list(epsilonf64 = 1)), "unused argument")
  for (call in list(quote(nd_glm(bin ~ x + a, binomial, people, control = glm.control(trace = TRUE))),
                    quote(nd_glm(k ~ x, poisson, people, trace = TRUE)), quote(nd_glm(y ~ x, gaussian, people, trace = TRUE)))) {
    lines <- capture.output(ours <- eval(call))
    expect_identical(lines, capture.output(r <- eval(r_call(call))))
    expect_length(lines, ours$iter)
  }
  own <- poisson()
  own$linkinv <- function(eta) exp(eta)
  expect_identical(capture.output(invisible(nd_glm(k ~ x, own, people, trace = TRUE))),
                   capture.output(invisible(glm(k ~ x, poisson, people, trace = TRUE))))
})

test_that("saturated fits are R's", {
  d <- data.frame(y = c(1, 3, 2, 5), x = 1:4, z = c(1, 4, 9, 2), w = c(3, 1, 2, 2), g = factor(1:4))
  for (call in list(quote(nd_lm(y ~ x + z + w, d)), quote(nd_lm(y ~ g, d)), quote(nd_lm(y ~ g + x, d)),
                    quote(nd_lm(y ~ g, d, weights = w)), quote(nd_glm(y ~ g, gaussian, d)), quote(nd_glm(y ~ g, Gamma, d)))) {
    ours <- suppressWarnings(eval(call))
    r <- suppressWarnings(eval(r_call(call)))
    expect_same(coef(ours), coef(r))
    expect_same(vcov(ours), vcov(r))
    expect_same(coef(suppressWarnings(summary(ours))), coef(suppressWarnings(summary(r))))
    if (inherits(ours, "glm")) expect_identical(summary(ours)$deviance.resid, summary(r)$deviance.resid)
    expect_identical(unname(residuals(ours)), c(0, 0, 0, 0))
    expect_same(unname(fitted(ours)), d$y)
    if (!inherits(ours, "glm")) {
      expect_identical(deviance(ours), 0)
      expect_true(is.nan(sigma(ours)))
      expect_same(summary(ours)[c("sigma", "r.squared", "adj.r.squared", "fstatistic")],
                  summary(r)[c("sigma", "r.squared", "adj.r.squared", "fstatistic")])
      expect_identical(AIC(ours), -Inf)
    }
  }
})

test_that("a saturated fit with a rate of zero has its residuals", {
  d <- data.frame(y = c(0, 3, 5, 2), g = factor(1:4))
  ours <- suppressWarnings(nd_glm(y ~ g, poisson, d))
  r <- suppressWarnings(glm(y ~ g, poisson, d))
  for (type in c("deviance", "pearson", "working", "response")) {
    expect_same(residuals(ours, type), residuals(r, type), 1e-3, scale = 1, label = type)
  }
  expect_same(fitted(ours), fitted(r), 1e-8)
})

test_that("clustered covariances are sandwich's", {
  skip_without("sandwich", "lmtest")
  for (family in list(binomial(), poisson())) {
    formula <- if (family$family == "binomial") bin ~ x + a else k ~ x + a
    ours <- nd_glm(formula, family, people)
    r <- settled(glm(formula, family, people))
    for (type in list(NULL, "HC0", "HC1", "HC2", "HC3")) {
      expect_same(sandwich::vcovCL(ours, cluster = ~id, type = type), sandwich::vcovCL(r, cluster = ~id, type = type), 1e-7)
    }
    expect_same(unclass(lmtest::coeftest(ours, sandwich::vcovCL, cluster = ~id))[, ],
                unclass(lmtest::coeftest(r, sandwich::vcovCL, cluster = ~id))[, ], 1e-7)
  }
})

test_that("rows without a trial are none of the fit", {
  d <- data.frame(x = c(1, 5, 2, 8, 3, 7, 4, 6), s = c(0, 3, 0, 4, 1, 2, 3, 0), f = c(0, 1, 0, 2, 3, 1, 1, 2))
  f <- both(nd_glm(cbind(s, f) ~ x, binomial, d))
  parts <- list(residuals, nobs, function(m) weights(m, "prior"), function(m) residuals(m, "pearson"), fitted, hatvalues,
                function(m) names(m$effects), function(m) abs(m$effects), function(m) dimnames(m$qr$qr), dfbetas, covratio,
                function(m) influence(m)$coefficients, function(m) predict(m, type = "terms"), AIC, BIC)
  for (i in seq_along(parts)) expect_same(parts[[i]](f$ours), parts[[i]](f$r), 1e-7, label = paste("part", i))
})

test_that("the null model of a matrix is glm.fit's", {
  x <- cbind(1, people$x, people$z)
  for (intercept in c(TRUE, FALSE)) for (offset in list(NULL, people$z / 4)) {
    ours <- nd_glm_fit(x, people$k, people$w, offset = offset, family = poisson(), intercept = intercept)
    r <- suppressWarnings(glm.fit(x, people$k, people$w, offset = offset, family = poisson(), intercept = intercept))
    expect_same(ours[c("null.deviance", "df.null", "deviance", "df.residual")],
                r[c("null.deviance", "df.null", "deviance", "df.residual")])
  }
})
