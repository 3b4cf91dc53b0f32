# Data with what models meet: factors, an ordered factor, text, logical values, missing values, weights, counts.
set.seed(1)
n <- 120
people <- data.frame(
  x = rnorm(n), z = runif(n, 1, 5), a = gl(3, 1, n, labels = c("low", "mid", "high")),
  b = factor(sample(c("u", "v"), n, TRUE)), o = factor(sample(1:4, n, TRUE), ordered = TRUE),
  s = sample(c("red", "green", "blue"), n, TRUE), l = runif(n) > 0.4, w = round(runif(n, 0.5, 3), 2),
  id = rep(1:12, each = 10), stringsAsFactors = FALSE)
people$y <- with(people, 2 + x - 0.5 * z + as.integer(a) + 0.3 * (b == "v") * x + rnorm(n))
people$y2 <- with(people, 1 - x + rnorm(n))
people$k <- rpois(n, exp(0.4 + 0.3 * people$x + 0.2 * as.integer(people$a)))
people$m <- rbinom(n, 8, plogis(0.5 * people$x - 0.2 * people$z))
people$bin <- rbinom(n, 1, plogis(people$x))
people$pos <- rgamma(n, 4, 4 / exp(0.3 + 0.2 * people$x))
holes <- people
holes$x[c(3, 50)] <- NA
holes$a[7] <- NA
holes$w[9] <- NA
people$copy <- people$x + people$z

# The same call with R's function.
r_call <- function(call) {
  names <- c(nd_lm = "lm", nd_glm = "glm")
  call[[1L]] <- as.name(names[[as.character(call[[1L]])]])
  call
}

# R's glm at the point that its iteration would reach in the end: R stops when the deviance has settled, and keeps the
# weights of the step before.
settled <- function(fit, ...) {
  if (!inherits(fit, "glm")) return(fit)
  for (i in 1:40) {
    before <- stats::coef(fit)
    start <- stats::coef(fit)
    start[is.na(start)] <- 0
    call <- fit$call
    call$start <- start
    call$etastart <- call$mustart <- NULL
    call$control <- list(epsilon = 1e-10, maxit = 50)
    fit <- suppressWarnings(eval(call, environment(stats::formula(fit))))
    if (i > 2 && max(abs(stats::coef(fit) - before), na.rm = TRUE) < 1e-14 * max(abs(before), na.rm = TRUE)) break
  }
  # what updates the fit starts anew
  fit$call$start <- NULL
  fit
}

# Evaluates a call of ours and R's own: list(ours, r).
both <- function(call, env = parent.frame()) {
  call <- substitute(call)
  ours <- suppressWarnings(eval(call, env))
  r <- suppressWarnings(eval(r_call(call), env))
  r <- settled(r)
  list(ours = ours, r = r)
}

expect_same <- function(a, b, tolerance = 1e-10, label = deparse(substitute(a))[1L], ...) {
  same <- all.equal(a, b, tolerance = tolerance, ...)
  expect(isTRUE(same), paste(c(label, same), collapse = "\n"))
}

# The text without the call.
printed <- function(x, ...) {
  text <- utils::capture.output(print(x, ...))
  text <- gsub("nd_lm", "lm", text, fixed = TRUE)
  text <- gsub("nd_glm", "glm", text, fixed = TRUE)
  at <- grep("^Call:", text)
  # a call may take several lines, which differ in width
  for (i in rev(at)) {
    end <- i
    while (end < length(text) && nzchar(text[end + 1L])) end <- end + 1L
    if (nzchar(sub("^Call:", "", text[i])) || end > i) text <- text[-(i:end)]
  }
  text[!grepl("^Number of Fisher Scoring iterations", text)]
}
expect_printed <- function(a, b, ...) expect_identical(printed(a, ...), printed(b, ...))

skip_without <- function(...) {
  for (package in c(...)) {
    if (!requireNamespace(package, quietly = TRUE)) {
      if (identical(Sys.getenv("CI"), "true")) stop("CI needs the package ", package)
      skip(paste("the package", package, "is not there"))
    }
  }
}

linear_models <- list(
  quote(nd_lm(y ~ x + z, people)),
  quote(nd_lm(y ~ x * a + b, people)),
  quote(nd_lm(y ~ a * b + o, people)),
  quote(nd_lm(log(y + 10) ~ poly(x, 2) + s + l, people)),
  quote(nd_lm(y ~ 0 + a + x, people)),
  quote(nd_lm(y ~ x + a, people, weights = w)),
  quote(nd_lm(y ~ x + a + offset(z / 2), people)),
  quote(nd_lm(y ~ x + a, people, offset = z)),
  quote(nd_lm(y ~ x + z + copy + a, people)),
  quote(nd_lm(y ~ x + a, holes)),
  quote(nd_lm(y ~ x + a, holes, na.action = na.exclude, weights = w)),
  quote(nd_lm(y ~ x * a, people, subset = z > 2)),
  quote(nd_lm(y ~ a + o, people, contrasts = list(a = "contr.sum", o = contr.helmert))),
  quote(nd_lm(y ~ I(x^2) + log(z) + cut(z, c(0, 2, 3, 6)), people)),
  quote(nd_lm(y ~ 1, people)),
  quote(nd_lm(y ~ a:b - 1, people)))

generalized_models <- list(
  quote(nd_glm(bin ~ x + a, binomial, people)),
  quote(nd_glm(bin ~ x * b, binomial(link = "probit"), people)),
  quote(nd_glm(cbind(m, 8 - m) ~ x + z + a, "binomial", people)),
  quote(nd_glm(m / 8 ~ x + o, binomial, people, weights = rep(8, n))),
  quote(nd_glm(k ~ x + a + s, poisson, people)),
  quote(nd_glm(k ~ x * a + offset(log(z)), poisson, people)),
  quote(nd_glm(k ~ x + a, quasipoisson, holes)),
  quote(nd_glm(pos ~ x + a, Gamma(link = "log"), people, weights = w)),
  quote(nd_glm(pos ~ x, inverse.gaussian(link = "log"), people)),
  quote(nd_glm(y ~ x + a, gaussian, holes, na.action = na.exclude)),
  quote(nd_glm(k ~ 0 + a + x + copy + z, poisson, people)),
  quote(nd_glm(factor(l) ~ x + z, binomial(link = "cloglog"), people)))
