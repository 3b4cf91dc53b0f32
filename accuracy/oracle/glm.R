# Generalized linear models: each family and link with weights, offsets, factors and interactions, responses of every
# kind, and hard cases. Writes glm.json, which crates/nelder-data/tests/oracle/glm.rs reads.
#
# R's iteration stops before the coefficients have settled. Each fit here is the fixed point: steps are repeated from
# the coefficients until these no longer move.
options(warn = 1)
source(file.path(dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))), "common.R"))
suppressMessages(library(MASS))

# statmod's tweedie for a power of the variance above 1
tweedie <- function(var.power, link) {
  stats <- if (is.character(link)) make.link(link) else link
  p <- var.power
  structure(list(family = "Tweedie", link = stats$name, linkfun = stats$linkfun, linkinv = stats$linkinv,
    mu.eta = stats$mu.eta, valideta = stats$valideta, variance = function(mu) mu^p,
    validmu = function(mu) all(mu > 0), aic = function(y, n, mu, wt, dev) NA,
    dev.resids = function(y, mu, wt) {
      y1 <- y + 0.1 * (y == 0)
      theta <- (y1^(1 - p) - mu^(1 - p)) / (1 - p)
      2 * wt * (y * theta - (y^(2 - p) - mu^(2 - p)) / (2 - p))
    },
    initialize = expression({ n <- rep.int(1, nobs); mustart <- y + 0.1 * (y == 0) })), class = "family")
}
family_of <- function(text) {
  text <- sub("tweedie\\(([0-9.]+), log\\)", "tweedie(\\1, \"log\")", text)
  eval(str2lang(text))
}

control <- function(options, default) glm.control(
  epsilon = if (default) 1e-8 else 1e-14, maxit = if (!is.null(options$maxit)) options$maxit else if (default) 25 else 100)

fit_glm <- function(formula, data, family, options, control, start = NULL) {
  call <- list(quote(glm), as.formula(formula), family = family, data = quote(data), control = control)
  for (o in intersect(c("weights", "offset", "subset", "etastart", "mustart"), names(options)))
    if (is.null(start) || !(o %in% c("etastart", "mustart"))) call[[o]] <- str2lang(options[[o]])
  if (!is.null(start)) call$start <- start else if (!is.null(options$start)) call$start <- options$start[[1]]
  eval(as.call(call))
}

# One step after the other from the coefficients, until they settle.
settle <- function(m, step) {
  start <- ifelse(is.na(coef(m)), 0, coef(m))
  last <- Inf
  for (i in 1:300) {
    m <- suppressWarnings(step(start))
    new <- ifelse(is.na(coef(m)), 0, coef(m))
    moved <- max(abs(new - start) / pmax(abs(new), 1e-8 * max(abs(new)), 1e-300))
    start <- new
    if (moved < 1e-15 || (i > 20 && moved < 1e-13)) break
  }
  m
}

rstandard_pearson <- function(m) rstandard(m, type = "pearson")

glm_expected <- function(m, with, nb) {
  s <- summary(m)
  all <- names(coef(m))
  table <- matrix(NA_real_, length(all), 4, dimnames = list(all, NULL))
  table[rownames(s$coefficients), ] <- s$coefficients
  rows <- head(names(residuals(m)), ROWS)
  own <- function(v) arr(pad(v, rows))
  usable <- m$prior.weights > 0
  out <- list(terms = arr(all), estimate = arr(coef(m)), std_error = arr(table[, 2]), statistic = arr(table[, 3]),
    p_value = arr(table[, 4]), dispersion = s$dispersion, deviance = deviance(m), null_deviance = m$null.deviance,
    df_null = m$df.null, df_residual = m$df.residual, aic = AIC(m),
    # R's BIC counts rows of weight zero, its nobs does not
    bic = -2 * as.numeric(logLik(m)) + log(nobs(m)) * attr(logLik(m), "df"),
    log_lik = as.numeric(logLik(m)), rank = m$rank, nobs = nobs(m))
  if (any(!usable) && m$family$family == "gaussian") out$aic <- out$bic <- out$log_lik <- NA
  if (isTRUE(with$brief)) return(out)
  out <- c(out, list(rows = arr(as.integer(rows)), fitted = own(fitted(m)), linear = own(m$linear.predictors)))
  for (type in c("deviance", "pearson", "working", "response"))
    out[[paste0("residual_", type)]] <- own(residuals(m, type))
  out <- c(out, list(leverage = own(hatvalues(m)), cooks = own(cooks.distance(m)), rstandard = own(rstandard(m)),
    rstandard_pearson = own(rstandard_pearson(m)), rstudent = own(rstudent(m)),
    quantiles = arr(quantile(residuals(m, "deviance")[usable]))))
  if (isTRUE(with$hc)) {
    for (type in c("HC0", "HC1", "HC2", "HC3")) out[[tolower(type)]] <- square(sandwich::vcovHC(m, type = type))
    out$cluster <- c(list(column = "g"), square(sandwich::vcovCL(m, cluster = ~g)))
    for (type in c("HC0", "HC1", "HC2", "HC3"))
      out[[paste0("cluster_", tolower(type))]] <- square(sandwich::vcovCL(m, cluster = ~g, type = type))
  }
  if (isTRUE(with$tables)) {
    for (test in c("Chisq", "F")) {
      a <- anova(m, test = test)
      out[[paste0("anova_", tolower(test))]] <- list(rows = arr(rownames(a)), df = arr(a$Df), deviance = arr(a$Deviance),
        resid_df = arr(a[["Resid. Df"]]), resid_dev = arr(a[["Resid. Dev"]]), p_value = arr(a[[ncol(a)]]))
      d <- drop1(m, test = test)
      out[[paste0("drop1_", tolower(test))]] <- list(rows = arr(rownames(d)), df = arr(d$Df), deviance = arr(d$Deviance),
        aic = if (is.null(d$AIC)) NULL else arr(d$AIC), p_value = arr(d[[ncol(d)]]))
    }
  }
  if (isTRUE(with$predict)) {
    new <- read_data("glm_new")
    link <- predict(m, new, type = "link", se.fit = TRUE)
    mean <- predict(m, new, type = "response", se.fit = TRUE)
    out$predict <- list(link = arr(link$fit), link_se = arr(link$se.fit), response = arr(mean$fit), response_se = arr(mean$se.fit))
  }
  out
}

# What rounding may change of the deviance: R takes differences of terms of the size of y log y.
deviance_noise <- function(m) {
  y <- m$y
  8 * .Machine$double.eps * sum(m$prior.weights * (abs(y) * (1 + abs(log(pmax(abs(y), 1e-300)))) + abs(fitted(m)) + 1))
}

glm_case <- function(name, data, formula, family, options = list(), with = list()) {
  d <- read_data(data)
  messages <- character()
  note <- function(w) { messages <<- c(messages, conditionMessage(w)); invokeRestart("muffleWarning") }
  one <- list(name = name, kind = "glm", data = paste0("data/", data, ".csv"), formula = formula,
    options = c(list(family = family), lapply(options, function(o) if (is.list(o)) arr(o[[1]]) else o)), condition = 1, noise = 1)
  nb <- family == "negative.binomial"
  first <- if (nb) withCallingHandlers(glm.nb(as.formula(formula), d, control = glm.control(epsilon = 1e-8, maxit = 100)), warning = note)
    else try(withCallingHandlers(fit_glm(formula, d, family_of(family), options, control(options, TRUE)), warning = note), silent = TRUE)
  one$warnings <- arr(messages)
  if (inherits(first, "try-error")) {
    one$error <- trimws(gsub("[[:space:]]+", " ", sub("^Error[^:]*:", "", as.character(first))))
    return(do.call(add, one))
  }
  one$iterations <- first$iter
  one$converged <- first$converged
  if (isTRUE(with$loose)) {
    one$expected <- list(terms = arr(names(coef(first))), deviance = deviance(first), df_residual = first$df.residual)
    return(do.call(add, one))
  }
  if (nb) {
    m <- first
    for (i in 1:60) {
      theta <- suppressWarnings(theta.ml(m$y, fitted(m), sum(m$prior.weights), limit = 200, eps = 1e-14))
      m <- suppressWarnings(glm(as.formula(formula), negative.binomial(as.numeric(theta)), d, start = coef(m),
        control = glm.control(epsilon = 1e-14, maxit = 5)))
    }
    m <- settle(m, function(start) glm(as.formula(formula), negative.binomial(as.numeric(theta)), d, start = start,
      control = glm.control(epsilon = 1e-14, maxit = 1)))
    # what MASS's methods for its own fits read
    m$twologlik <- 2 * as.numeric(logLik(m))
    m$theta <- as.numeric(theta)
    m$SE.theta <- attr(theta, "SE")
    class(m) <- c("negbin", "glm", "lm")
    one$expected <- c(glm_expected(m, with, TRUE), list(theta = as.numeric(theta), theta_error = attr(theta, "SE")))
  } else {
    # epsilon decides what is aliased, too, so that the steps keep R's own
    m <- suppressWarnings(fit_glm(formula, d, family_of(family), options, glm.control(epsilon = 1e-8, maxit = 100)))
    m <- settle(m, function(start) fit_glm(formula, d, family_of(family), options,
      glm.control(epsilon = 1e-8, maxit = 1), start))
    m$null.deviance <- suppressWarnings(fit_glm(formula, d, family_of(family), options, control(options, FALSE)))$null.deviance
    # tables and sandwich look for the data in the call
    m$call$data <- d
    m$call$family <- family_of(family)
    m$call$start <- NULL
    m$call$control <- glm.control(epsilon = 1e-14, maxit = 100)
    m$control <- glm.control(epsilon = 1e-14, maxit = 100)
    one$expected <- suppressWarnings(glm_expected(m, with, FALSE))
  }
  x <- model.matrix(m)[, !is.na(coef(m)), drop = FALSE] * sqrt(m$weights)
  x <- sweep(x, 2, sqrt(colSums(x^2)), "/")
  s <- svd(x, 0, 0)$d
  one$condition <- s[1] / s[length(s)]
  one$noise <- 100 * one$condition
  one$deviance_noise <- deviance_noise(m)
  one$tolerance <- if (is.null(with$tolerance)) 1 else with$tolerance
  do.call(add, one)
}

# --- data ------------------------------------------------------------------------------------------------------

set.seed(11)
n <- 80
d <- data.frame(x1 = dyadic(rnorm(n)), x2 = dyadic(runif(n, 0, 4)), a = sample(c("red", "green", "blue"), n, TRUE),
  g = sample(c("s1", "s2", "s3", "s4", "s5", "s6"), n, TRUE), w = dyadic(runif(n, 0.25, 4)),
  w0 = dyadic(runif(n, 0.5, 3)) * sample(0:1, n, TRUE, c(0.2, 0.8)), o = dyadic(rnorm(n) / 4))
eta <- 0.4 + 0.8 * d$x1 - 0.3 * d$x2 + 0.5 * (d$a == "red") + d$o
d$yb <- rbinom(n, 1, plogis(eta))
d$flag <- d$yb == 1
d$two <- ifelse(d$yb == 1, "yes", "no")
d$trials <- sample(1:12, n, TRUE)
d$s <- rbinom(n, d$trials, plogis(eta))
d$f <- d$trials - d$s
d$share <- d$s / d$trials
d$count <- rpois(n, exp(0.5 + eta / 2))
d$over <- rnbinom(n, mu = exp(1 + eta / 2), size = 1.5)
d$pos <- dyadic(rgamma(n, 3, 3 / exp(0.5 + eta / 3))) + 2^-8
d$inv <- dyadic(1 / (0.6 + rexp(n) / 2 + d$x2 / 8), 12)
d$y <- dyadic(exp(0.5 + eta / 4) + rnorm(n) / 4)
d$y[d$y <= 0] <- 0.125
d$zero <- dyadic(d$pos) * rbinom(n, 1, 0.7)
d$unit <- dyadic(plogis(eta + rnorm(n) / 2), 12)
d$hole <- ifelse(seq_len(n) %% 11 == 0, NA, d$x1)
d$x3 <- 2 * d$x1 - d$x2
data_file("glm", d)
set.seed(12)
data_file("glm_new", data.frame(x1 = dyadic(rnorm(9)), x2 = dyadic(runif(9, 0, 4)), a = rep(c("red", "green", "blue"), 3),
  o = dyadic(rnorm(9) / 4)))

# --- families and links ----------------------------------------------------------------------------------------

shapes <- list(plain = list("x1 + x2", list()), weights = list("x1 + a", list(weights = "w")),
  offset = list("x1 + x2 + offset(o)", list()), interaction = list("x1 * a + x2", list()))
families <- list(
  c("y", "gaussian"), c("y", "gaussian(log)"), c("y", "gaussian(inverse)"),
  c("yb", "binomial"), c("yb", "binomial(probit)"), c("yb", "binomial(cauchit)"), c("yb", "binomial(cloglog)"),
  c("count", "poisson"), c("count", "poisson(sqrt)"),
  c("pos", "Gamma"), c("pos", "Gamma(log)"), c("pos", "Gamma(identity)"),
  c("inv", "inverse.gaussian"), c("inv", "inverse.gaussian(log)"), c("inv", "inverse.gaussian(inverse)"),
  c("inv", "inverse.gaussian(identity)"),
  c("pos", "quasi(link = log, variance = mu)"), c("pos", "quasi(link = log, variance = \"mu^2\")"),
  c("pos", "quasi(link = log, variance = \"mu^3\")"), c("unit", "quasi(link = logit, variance = \"mu(1-mu)\")"),
  c("pos", "quasi(link = power(1/3), variance = \"mu^2\")"), c("y", "quasi"),
  c("yb", "quasibinomial"), c("unit", "quasibinomial(cloglog)"), c("count", "quasipoisson"),
  c("over", "negative.binomial(2)"), c("over", "negative.binomial(1.5, sqrt)"),
  c("zero", "tweedie(1.5, log)"), c("zero", "tweedie(1.3, power(0.3))"))
for (f in families) for (s in names(shapes)) {
  shape <- shapes[[s]]
  options <- shape[[2]]
  # identity, inverse and square root links leave their range under an offset
  if (s == "offset" && !grepl("log|logit|probit|cauchit|cloglog|binomial|poisson$|gaussian$|quasi$", f[2])) next
  glm_case(paste(f[2], s), "glm", paste(f[1], "~", shape[[1]]), f[2], options,
    list(hc = s == "plain", tables = s == "interaction", predict = s %in% c("interaction", "offset")))
}
glm_case("poisson identity", "glm", "count ~ x2 + a", "poisson(identity)", list(mustart = "count + 1"))
glm_case("binomial log", "glm", "yb ~ x2", "binomial(log)", list(start = list(c(-1, -0.1))))
glm_case("theta", "glm", "over ~ x1 + a", "negative.binomial", list(), list(tables = FALSE))
glm_case("theta numeric", "glm", "over ~ x1 * x2", "negative.binomial")

# Every link by its name: R's families take them all. The first response has means above zero, the second between 0 and 1.
link_responses <- list("gaussian(" = c("y", "unit"), "binomial(" = c("yb", "yb"), "quasibinomial(" = c("unit", "unit"),
  "poisson(" = c("count", "yb"), "quasipoisson(" = c("count", "yb"), "Gamma(" = c("pos", "unit"),
  "inverse.gaussian(" = c("inv", "unit"), "negative.binomial(2, " = c("over", "yb"), "quasi(variance = \"mu\", link = " = c("pos", "unit"))
links <- c("identity", "log", "inverse", "1/mu^2", "sqrt", "logit", "probit", "cauchit", "cloglog", "power(0.3)", "power(1/2)")
for (f in names(link_responses)) for (link in links) {
  quoted <- if (startsWith(link, "power")) link else paste0("\"", link, "\"")
  own <- paste0(f, quoted, ")")
  y <- link_responses[[f]][1 + link %in% c("logit", "probit", "cauchit", "cloglog")]
  start <- c(family_of(own)$linkfun(mean(d[[y]])), 0)
  # what R's own iteration does not reach is not asked for
  m <- tryCatch(glm(as.formula(paste(y, "~ x2")), family_of(own), d, start = start), error = function(e) NULL,
    warning = function(w) if (grepl("non-integer", conditionMessage(w))) suppressWarnings(
      glm(as.formula(paste(y, "~ x2")), family_of(own), d, start = start)) else NULL)
  if (is.null(m) || !m$converged || m$boundary) { message("without ", own); next }
  glm_case(paste("link", own), "glm", paste(y, "~ x2"), own, list(start = list(start)))
}

# --- responses -------------------------------------------------------------------------------------------------

glm_case("logical", "glm", "flag ~ x1 + a", "binomial")
glm_case("two levels", "glm", "two ~ x1 + a", "binomial")
glm_case("proportion", "glm", "share ~ x1 + a", "binomial", list(weights = "trials"), list(hc = TRUE))
glm_case("counted", "glm", "cbind(s, f) ~ x1 * x2", "binomial", list(), list(hc = TRUE, tables = TRUE, predict = TRUE))
glm_case("counted, probit", "glm", "cbind(s, f) ~ x1 + a", "binomial(probit)")
glm_case("counted and weighted", "glm", "cbind(s, f) ~ x1 + a", "quasibinomial", list(weights = "w"))
glm_case("weighted zeros and ones", "glm", "yb ~ x1 + x2", "binomial", list(weights = "trials"))
glm_case("zero weights", "glm", "count ~ x1 + a", "poisson", list(weights = "w0"))
glm_case("zero weights, gamma", "glm", "pos ~ x1 + a", "Gamma(log)", list(weights = "w0"))
glm_case("offset argument", "glm", "count ~ x1 + x2", "poisson", list(offset = "o"))
glm_case("two offsets", "glm", "count ~ x1 + offset(x2 / 4)", "poisson", list(offset = "o"))
glm_case("offset without intercept", "glm", "count ~ 0 + x1 + offset(o)", "poisson")
glm_case("subset", "glm", "yb ~ x1 + a", "binomial", list(subset = "x2 > 1"))
glm_case("missing", "glm", "yb ~ hole + a", "binomial")
glm_case("transformed", "glm", "count ~ log(x2 + 1) + I(x1^2)", "poisson")

# --- hard cases ------------------------------------------------------------------------------------------------

glm_case("aliased", "glm", "yb ~ x1 + x2 + x3 + a", "binomial")
glm_case("aliased, gamma", "glm", "pos ~ x1 + x2 + x3", "Gamma(log)")
glm_case("intercept only", "glm", "yb ~ 1", "binomial(probit)")
glm_case("intercept only, gamma", "glm", "pos ~ 1", "Gamma")
glm_case("no intercept", "glm", "count ~ 0 + a + x1", "poisson")
glm_case("etastart", "glm", "pos ~ x1 + x2", "Gamma(log)", list(etastart = "log(pos + 1)"))
glm_case("start", "glm", "yb ~ x1 + x2", "binomial(cloglog)", list(start = list(c(0.1, 0.2, -0.1))))
glm_case("few steps", "glm", "yb ~ x1 + x2", "binomial", list(maxit = 2), list(loose = TRUE))
set.seed(13)
small <- data.frame(x = 1:12, y = c(rep(0, 6), rep(1, 6)), q = c(0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1),
  k = rep(c("p", "q", "r"), each = 4), z = c(0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 1), c = c(0, 0, 0, 0, 3, 1, 2, 4, 2, 0, 5, 1))
data_file("glm_small", small)
glm_case("separated", "glm_small", "y ~ x", "binomial", list(), list(loose = TRUE))
glm_case("partly separated", "glm_small", "z ~ k", "binomial", list(), list(loose = TRUE))
glm_case("all zero in a level", "glm_small", "c ~ k", "poisson", list(), list(loose = TRUE))
glm_case("saturated", "glm_small", "cbind(x, 13 - x) ~ factor(x)", "binomial", list(), list(brief = TRUE))
set.seed(14)
rare <- data.frame(x = dyadic(seq(-2, 2, length.out = 40)), n = 25000)
rare$s <- rbinom(40, rare$n, plogis(-11.5 + 0.8 * rare$x))
rare$f <- rare$n - rare$s
rare$huge <- round(1e9 * exp(0.3 * rare$x + rnorm(40) * 3e-5))
rare$tiny <- dyadic(exp(-9 + rare$x) * rgamma(40, 4, 4), 40)
rare$zeros <- rpois(40, 0.05 * exp(rare$x))
data_file("glm_rare", rare)
glm_case("rare events", "glm_rare", "cbind(s, f) ~ x", "binomial")
glm_case("rare events, cloglog", "glm_rare", "cbind(s, f) ~ x", "binomial(cloglog)")
# R's own coefficients are right to 4e-10 only here: its working response is rounded at 1e9 times the residuals
glm_case("huge counts", "glm_rare", "huge ~ x + I(x^2)", "poisson", list(), list(tolerance = 10))
glm_case("huge counts, quasi", "glm_rare", "huge ~ x", "quasipoisson", list(), list(tolerance = 10))
glm_case("tiny means", "glm_rare", "tiny ~ x", "Gamma(log)")
glm_case("means near zero", "glm_rare", "zeros ~ x", "poisson")
bad <- data.frame(x = 0:5, y = c(0.3, 1.45, 0.2, 24.31, 1.94, 0.2))
data_file("glm_bad", bad)
glm_case("first step out of range", "glm_bad", "y ~ x", "Gamma", list(), list(loose = TRUE))
glm_case("first step out of range, started", "glm_bad", "y ~ x", "Gamma", list(start = list(c(0.25, 0))))
finish()
