test_that("families as R gives them", {
  ways <- list(binomial, "binomial", binomial(), binomial(link = "logit"))
  fits <- lapply(ways, function(family) coef(nd_glm(bin ~ x, family, people)))
  for (fit in fits) expect_identical(fit, fits[[1]])
  all <- list(
    list(quote(bin ~ x), binomial(link = "cauchit")), list(quote(bin ~ x), quasibinomial(link = "cloglog")),
    list(quote(k ~ x), poisson(link = "sqrt")), list(quote(k + 1 ~ x), quasi(link = "log", variance = "mu^2")),
    list(quote(pos ~ x), Gamma(link = "inverse")), list(quote(pos ~ x), inverse.gaussian(link = "inverse")),
    list(quote(pos ~ z), quasi(link = power(1/3), variance = "mu")), list(quote(pos ~ x), gaussian(link = "log")))
  for (one in all) {
    formula <- eval(one[[1]])
    expect_false(is.null(nelder:::native_family(one[[2]])))
    ours <- nd_glm(formula, one[[2]], people, mustart = rep(mean(model.response(model.frame(formula, people))), n) * 0.9 + 0.05)
    r <- suppressWarnings(glm(formula, one[[2]], people, control = list(epsilon = 1e-15, maxit = 200),
             mustart = rep(mean(model.response(model.frame(formula, people))), n) * 0.9 + 0.05))
    expect_same(coef(ours), coef(r), 1e-7, label = deparse(one[[1]]))
    expect_same(deviance(ours), deviance(r), 1e-10, label = deparse(one[[1]]))
  }
})

test_that("a negative binomial with theta given", {
  skip_without("MASS")
  f <- both(nd_glm(k ~ x + a, MASS::negative.binomial(2), people))
  expect_same(coef(f$ours), coef(f$r), 1e-9)
  expect_same(coef(summary(f$ours)), coef(summary(f$r)), 1e-8)
})

# the link of example(family)
logexp <- function(days = 1) {
  linkfun <- function(mu) qlogis(mu^(1 / days))
  linkinv <- function(eta) plogis(eta)^days
  mu.eta <- function(eta) days * plogis(eta)^(days - 1) * binomial()$mu.eta(eta)
  structure(list(linkfun = linkfun, linkinv = linkinv, mu.eta = mu.eta, valideta = function(eta) TRUE,
                 name = paste0("logexp(", days, ")")), class = "link-glm")
}

test_that("a family that is the user's own code", {
  family <- binomial(logexp(3))
  expect_null(nelder:::native_family(family))
  f <- both(nd_glm(bin ~ x + a, family, people))
  expect_same(coef(f$ours), coef(f$r), 1e-8)
  expect_same(f$ours$deviance, f$r$deviance, 1e-12)
  expect_same(f$ours$null.deviance, f$r$null.deviance, 1e-12)
  expect_same(AIC(f$ours), AIC(f$r), 1e-12)
  expect_same(coef(summary(f$ours)), coef(summary(f$r)), 1e-7)
  expect_same(fitted(f$ours), fitted(f$r), 1e-8)
  expect_same(predict(f$ours, people[1:5, ], type = "response", se.fit = TRUE),
              predict(f$r, people[1:5, ], type = "response", se.fit = TRUE), 1e-7)
  # a binomial whose variance the user has changed is not R's
  changed <- binomial()
  changed$variance <- function(mu) mu * (1 - mu) * 1.5
  expect_null(nelder:::native_family(changed))
  f <- both(nd_glm(bin ~ x, changed, people))
  expect_same(coef(summary(f$ours)), coef(summary(f$r)), 1e-7)
  holed <- both(nd_glm(k + 1 ~ x + a, quasi(link = "log", variance = list(varfun = function(mu) mu^1.5,
    validmu = function(mu) all(mu > 0), dev.resids = function(y, mu, wt) wt * ((y - mu)^2) / mu^1.5,
    initialize = expression({ n <- rep.int(1, nobs); mustart <- y }), name = "mu^1.5")), holes))
  expect_same(coef(holed$ours), coef(holed$r), 1e-6)
})

test_that("fits to a matrix", {
  x <- cbind(1, people$x, people$z)
  colnames(x) <- c("one", "x", "z")
  for (w in list(NULL, people$w)) {
    ours <- nd_lm_fit(x, people$y, w)
    r <- if (is.null(w)) lm.fit(x, people$y) else lm.wfit(x, people$y, w)
    for (part in intersect(names(r), names(ours))) {
      expect_same(ours[[part]], r[[part]], label = part, check.attributes = part == "coefficients")
    }
  }
  expect_same(nd_lm_fit(x[, 1, drop = FALSE], people$y)$coefficients, c(one = mean(people$y)))
  ours <- nd_glm_fit(x, people$bin, family = binomial())
  r <- glm.fit(x, people$bin, family = binomial(), control = list(epsilon = 1e-14, maxit = 50))
  expect_same(ours$coefficients, r$coefficients)
  expect_same(ours$deviance, r$deviance)
  expect_same(as.vector(ours$fitted.values), as.vector(r$fitted.values))
  expect_error(nd_lm_fit(x, people$y[-1]), "incompatible dimensions")
})

test_that("fits to a matrix survive a file", {
  x <- cbind(one = 1, x = people$x, z = people$z)
  file <- tempfile(fileext = ".rds")
  for (fit in list(nd_lm_fit(x, people$y, people$w), nd_glm_fit(x, people$k, family = poisson()))) {
    saveRDS(fit, file)
    again <- readRDS(file)
    expect_same(as.vector(again$residuals), as.vector(fit$residuals))
    expect_same(as.vector(again$qr$qr), as.vector(fit$qr$qr))
  }
})
