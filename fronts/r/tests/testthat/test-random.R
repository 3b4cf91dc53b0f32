# Models drawn at random: formula, data, weights, subset, missing values, contrasts. R's fit of the same call is the
# oracle; where R's numbers mean nothing (no residuals left, separation, no convergence) there is none.

drawn_model <- function(seed) {
  set.seed(seed)
  one <- function(x) x[[sample(length(x), 1)]]
  n <- one(c(20, 40, 80, 200))
  d <- data.frame(
    x = rnorm(n), z = round(runif(n, 1, 9)), u = rexp(n), a = factor(sample(letters[1:one(2:5)], n, TRUE)),
    b = factor(sample(c("p", "q", "r"), n, TRUE), levels = c("r", "q", "p", "none")),
    o = ordered(sample(1:4, n, TRUE)), s = sample(c("zz", "yy", "XX"), n, TRUE), l = runif(n) > 0.5,
    w = sample(0:3, n, TRUE), k = rpois(n, 2), of = rnorm(n))
  if (runif(1) < 0.4) for (v in sample(names(d), 2)) d[[v]][sample(n, n %/% 15)] <- NA
  d$c <- d$x + d$u
  d$r <- d$x + rnorm(n)
  d$p <- rgamma(n, 3, 3 / exp(0.3 * d$l %in% TRUE))
  terms <- c("x", "u", "a", "b", "o", "s", "l", "log(u)", "I(x^2)", "x:a", "a:b", "a*x", "o:l", "b:s", "scale(x)", "a/x",
             "x%in%a", "stats::poly(u, 2)", "factor(z)", "-1", "offset(of)", "a:b:l", "C(a, contr.sum)", "cut(z, 3)",
             "relevel(b, 'q')", "cbind(x, u)", "c", "{ u }")
  if (anyNA(d$u)) terms <- setdiff(terms, "stats::poly(u, 2)")
  right <- paste(sample(terms, sample(4, 1)), collapse = " + ")
  family <- one(list(NULL, NULL, NULL, quote(poisson), quote(binomial), quote(Gamma(link = "log")), quote(quasipoisson)))
  left <- if (is.null(family)) one(c("r", "k", "cbind(k, r)"))
          else switch(as.character(family)[1], binomial = one(c("k > 1", "cbind(k, 9)", "factor(k > 1)")), Gamma = "p", "k")
  call <- list(as.name("nd_lm"), stats::as.formula(paste(left, "~", right), env = environment()), data = quote(d))
  if (!is.null(family)) {
    call[[1]] <- as.name("nd_glm")
    call$family <- family
  }
  if (runif(1) < 0.25) call$weights <- quote(w)
  if (runif(1) < 0.15) call$subset <- quote(u < 1.5)
  if (runif(1) < 0.25) call$na.action <- one(list(quote(na.exclude), quote(na.omit)))
  if (runif(1) < 0.20) call$contrasts <- list(a = one(c("contr.sum", "contr.helmert", "contr.SAS")))
  if (runif(1) < 0.10) call$offset <- quote(of)
  list(call = as.call(call), env = environment())
}

test_that("random models", {
  compared <- 0
  for (seed in 1:120) {
    model <- drawn_model(seed)
    label <- paste("seed", seed, paste(deparse(model$call, 500), collapse = ""))
    quiet <- function(expr) suppressMessages(suppressWarnings(expr))
    r <- tryCatch(quiet(eval(r_call(model$call), model$env)), error = identity)
    ours <- tryCatch(quiet(eval(model$call, model$env)), error = identity)
    expect(inherits(r, "error") == inherits(ours, "error"), paste(label, "stops in one only"))
    if (inherits(r, "error") || inherits(ours, "error")) next
    if (r$df.residual < 2) next
    if (inherits(r, "glm")) {
      if (!r$converged || !ours$converged || r$boundary || any(abs(r$linear.predictors) > 12)) next
      r <- settled(r)
    }
    compared <- compared + 1
    tolerance <- if (inherits(r, "glm")) 1e-7 else 1e-9
    same <- function(what, fun) {
      a <- tryCatch(quiet(fun(ours)), error = identity)
      b <- tryCatch(quiet(fun(r)), error = identity)
      if (inherits(a, "error") && inherits(b, "error")) return()
      expect_same(a, b, tolerance, label = paste(label, what))
    }
    same("coef", coef)
    same("residuals", residuals)
    same("fitted", fitted)
    same("model", function(m) m$model)
    same("rest", function(m) m[c("rank", "df.residual", "xlevels", "contrasts", "na.action", "weights", "offset", "assign")])
    same("summary", function(m) {
      s <- summary(m)
      if (inherits(m, "mlm")) lapply(s, coef) else coef(s)
    })
    same("vcov", vcov)
    same("anova", function(m) as.matrix(anova(m)))
    same("drop1", function(m) as.matrix(drop1(m)))
    same("predict", function(m) predict(m, model$env$d, se.fit = !inherits(m, "mlm")))
    same("hatvalues", hatvalues)
    same("cooks.distance", cooks.distance)
    same("logLik", function(m) unclass(logLik(m)))
  }
  expect_gt(compared, 50)
})
