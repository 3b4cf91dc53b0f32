# What comes from R in unusual shapes: text in other encodings, data that change, arguments that compute, times, row names.

u8 <- c("a", "\u00e4", "gr\u00f6\u00dfe")
latin1 <- iconv(u8, "UTF-8", "latin1")
texts <- data.frame(g = rep(1:3, each = 8))
set.seed(1)
texts$x <- rnorm(24)
texts$y <- texts$g^2 + texts$x + rnorm(24)

expect_text <- function(levels) {
  d <- transform(texts, f = factor(levels[g], levels = levels), s = levels[g])
  named <- stats::setNames(d[c("y", "x", "f")], c("y", levels[3], levels[2]))
  contrast <- contr.treatment(3)
  dimnames(contrast) <- list(levels, levels[2:3])
  for (f in list(y ~ f + x, y ~ s * x, y ~ f:x)) expect_same(coef(nd_lm(f, d)), coef(lm(f, d)), label = deparse(f))
  expect_same(coef(nd_glm(y ~ f + x, gaussian, d)), coef(glm(y ~ f + x, gaussian, d)))
  expect_same(coef(nd_lm(y ~ ., named)), coef(lm(y ~ ., named)))
  for (how in list("contr.sum", contrast)) {
    expect_same(coef(nd_lm(y ~ f, d, contrasts = list(f = how))), coef(lm(y ~ f, d, contrasts = list(f = how))))
  }
  m <- nd_lm(y ~ s + x, d)
  r <- lm(y ~ s + x, d)
  expect_identical(m$xlevels, r$xlevels)
  for (own in list(u8, latin1)) {
    expect_same(predict(m, data.frame(x = 1:3, s = own)), predict(r, data.frame(x = 1:3, s = own)))
  }
  expect_same(drop1(nd_lm(y ~ f + x, d)), drop1(lm(y ~ f + x, d)))
  columns <- cbind(d$x, d$y^2)
  dimnames(columns) <- list(rep(levels, 8), levels[2:3])
  expect_same(coef(nd_lm(d$y ~ columns)), coef(lm(d$y ~ columns)))
  expect_same(residuals(nd_lm(d$y ~ columns)), residuals(lm(d$y ~ columns)))
  expect_same(coef(nd_lm(columns ~ d$x)), coef(lm(columns ~ d$x)))
  expect_identical(rownames(nd_prcomp(columns)$rotation), rownames(prcomp(columns)$rotation))
}

test_that("text is read in whatever encoding it is", {
  skip_if_not(l10n_info()$`UTF-8` || l10n_info()$`Latin-1`)
  expect_text(u8)
  expect_text(latin1)
  expect_text(c(u8[1:2], latin1[3]))
  skip_without("sandwich")
  d <- transform(texts, s = latin1[g])
  expect_same(sandwich::vcovCL(nd_lm(y ~ x, d), cluster = ~s), sandwich::vcovCL(lm(y ~ x, d), cluster = ~s))
})

test_that("levels are not merged in the C locale, nor where bytes are no UTF-8", {
  script <- tempfile(fileext = ".R")
  writeLines(c("library(nelder)", "u <- c('a', '\\u00e4', 'gr\\u00f6\\u00dfe'); l <- iconv(u, 'UTF-8', 'latin1')",
               "set.seed(1); g <- rep(1:3, each = 8); y <- g^2 + rnorm(24)",
               "for (v in list(u, l, c('a', 'b\\xe4', 'b\\xf6'))) for (x in list(factor(v[g], levels = v), v[g])) {",
               "  ours <- coef(nd_lm(y ~ x)); r <- coef(lm(y ~ x))",
               "  cat(length(unique(names(ours))), all.equal(unname(ours), unname(r), tolerance = 1e-10), '\\n') }"), script)
  libs <- paste(.libPaths(), collapse = .Platform$path.sep)
  for (locale in c("C", "C.UTF-8")) {
    out <- suppressWarnings(system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", script), stdout = TRUE, stderr = TRUE,
                                    env = c(paste0("LC_ALL=", locale), paste0("R_LIBS=", libs))))
    expect_identical(trimws(grep("^3", out, value = TRUE)), rep("3 TRUE", 6), label = locale)
  }
})

test_that("a permutation in place, and any other change, is noticed", {
  skip_without("data.table")
  z <- data.table::as.data.table(mtcars)
  # a list shares its columns with the table
  shared <- function() as.list(z)
  for (make in list(function() nd_lm(mpg ~ wt + hp, shared()), function() nd_glm(am ~ wt, binomial, shared()),
                    function() nd_lm(mpg ~ wt, shared(), weights = hp))) {
    data.table::setorderv(z, "qsec")
    m <- make()
    before <- sum(residuals(m))
    coefficients <- coef(m)
    data.table::setorderv(z, "mpg")
    for (what in list(hatvalues, cooks.distance, influence, rstandard, model.matrix, function(m) m$qr$qr[1],
                      function(m) predict(m, se.fit = TRUE))) {
      expect_error(what(m), "changed in place since it was made.*`(mpg|am)`")
    }
    # what needs no rows is what it was
    expect_identical(coef(m), coefficients)
    # weights are a component of the fit, and have changed with the data
    if (is.null(m$weights) || inherits(m, "glm")) expect_length(predict(m, mtcars[1:3, ]), 3)
    expect_equal(sum(residuals(m)), before)
  }
  z[["f"]] <- factor(z$cyl)
  z[["s"]] <- rep(c("a", "b"), 16)
  changes <- list(f = function() data.table::setattr(z$f, "levels", c("x", "y", "z")), hp = function() data.table::set(z, 3L, "hp", 1),
                  s = function() data.table::set(z, 3L, "s", "b"))
  for (name in names(changes)) {
    m <- nd_lm(mpg ~ f + s, shared(), weights = hp)
    if (name == "s") data.table::set(z, 3L, "s", "a")
    if (name == "s") m <- nd_lm(mpg ~ f + s, shared(), weights = hp)
    changes[[name]]()
    expect_error(sum(residuals(m)), "changed in place", label = name)
  }
})

test_that("a fit of a data.table has copies of its columns, as lm() has", {
  skip_without("data.table")
  for (change in list(function(z) data.table::setorderv(z, "mpg"), function(z) data.table::set(z, 1:3, "hp", 1),
                      function(z) data.table::set(z, NULL, "wt", rev(z$wt)))) {
    z <- data.table::as.data.table(mtcars)
    z[["f"]] <- factor(z$cyl)
    m <- nd_lm(mpg ~ wt + f, z, weights = qsec, offset = hp)
    r <- lm(mpg ~ wt + f, z, weights = qsec, offset = hp)
    change(z)
    for (what in list(residuals, fitted, weights, hatvalues, cooks.distance, function(m) m$offset, function(m) m$model$mpg,
                      function(m) m$model$f, model.matrix)) {
      expect_equal(what(m), what(r), tolerance = 1e-12)
    }
  }
})

test_that("the values of a column that shares them stay where the fit reads them", {
  # R wraps a matrix that gets attributes, and gives the wrapper other values when someone may write to it
  exact <- vapply(c(HC1 = "HC1", HC3 = "HC3"), function(type) {
    x <- model.matrix(lm(y ~ poly(x, 2), people))
    h <- lm.influence(lm(y ~ poly(x, 2), people))$hat
    u <- residuals(lm(y ~ poly(x, 2), people)) / if (type == "HC3") 1 - h else sqrt(1 - 3 / n)
    a <- solve(crossprod(x))
    sum(diag(a %*% crossprod(x * u) %*% a))
  }, 1)
  skip_without("sandwich")
  d <- people
  d$p <- poly(d$x, 2)
  for (make in list(function() nd_lm(y ~ poly(x, 2), people), function() nd_lm(y ~ p, d))) {
    m <- make()
    frame <- model.frame(m)
    other <- frame[[2]]
    attr(other, "more") <- 1
    written <- hatvalues(m)
    other[1] <- other[1] + 1
    for (k in 1:5) {
      rm(other)
      gc()
      filled <- lapply(1:500, function(i) rnorm(240))
      for (type in names(exact)) expect_same(sum(diag(sandwich::vcovHC(m, type))), exact[[type]], label = type)
      expect_same(unname(hatvalues(m)), unname(hatvalues(lm(y ~ poly(x, 2), people))))
      other <- model.frame(m)[[2]]
      attr(other, "more") <- k
    }
  }
})

test_that("each argument is evaluated once", {
  count <- 0
  once <- function(value) { count <<- count + 1; value }
  evaluated <- function(expr) { count <<- 0; force(expr); count }
  w <- 1:50 / 50
  expect_identical(evaluated(nd_lm(dist ~ speed, once(cars))), 1)
  expect_identical(evaluated(nd_lm(once(dist ~ speed), once(cars), weights = once(w), offset = once(w), subset = once(w > 0.2))), 5)
  expect_identical(evaluated(nd_lm(speed ~ f, once(transform(cars, f = gl(2, 25))), contrasts = once(list(f = "contr.sum")))), 2)
  expect_identical(evaluated(nd_glm(once(dist ~ speed), once(poisson()), once(cars), weights = once(w), offset = once(w),
                                    start = once(c(1, 0.1)), control = once(list(maxit = 50)))), 7)
  expect_identical(evaluated(suppressWarnings(nd_glm(dist ~ speed, poisson, once(cars), etastart = once(rep(1, 50))))), 2)
  expect_identical(evaluated(nd_prcomp(once(~ dist + speed), once(cars), weights = once(w))), 3)
  expect_identical(evaluated(nd_prcomp(once(cars))), 1)
  skip_without("MASS")
  expect_identical(evaluated(nd_glm.nb(once(dist ~ speed), once(cars), weights = once(w))), 3)
  random <- function() data.frame(x = rnorm(20), y = rnorm(20))
  set.seed(1)
  ours <- coef(nd_lm(y ~ x, random()))
  set.seed(1)
  expect_same(ours, coef(lm(y ~ x, random())))
})

test_that("time series, repeated row names and names of dimensions are as lm has them", {
  y <- AirPassengers
  when <- time(y)
  holed <- replace(y, 3, NA)
  for (f in list(log(y) ~ when, log(holed) ~ when)) {
    for (action in list(na.omit, na.exclude)) {
      ours <- nd_lm(f, na.action = action)
      r <- lm(f, na.action = action)
      expect_identical(model.frame(ours), model.frame(r))
      expect_same(residuals(ours), residuals(r))
    }
  }
  x <- matrix(rnorm(20), 10, dimnames = list(rep(c("a", "b"), 5), c("p", "q")))
  v <- stats::setNames(rnorm(10), rep(c("u", "v"), 5))
  for (own in list(v, replace(v, 2, NA))) {
    ours <- nd_lm(own ~ x)
    r <- lm(own ~ x)
    for (part in c("residuals", "fitted.values", "qr", "model")) expect_same(ours[[part]], r[[part]], label = part)
    expect_same(residuals(nd_glm(own ~ x)), residuals(glm(own ~ x)), 1e-9)
  }
  responses <- as.matrix(mtcars[1:2])
  names(dimnames(responses)) <- c("cars", "measures")
  responses[3, 1] <- NA
  ours <- nd_lm(responses ~ wt, mtcars)
  r <- lm(responses ~ wt, mtcars)
  for (part in c("residuals", "fitted.values", "model", "effects")) expect_same(ours[[part]], r[[part]], label = part)
})

test_that("a matrix of offsets has one for each response", {
  offsets <- matrix(as.numeric(1:64), 32)
  ours <- nd_lm(cbind(mpg, disp) ~ wt, mtcars, offset = offsets)
  r <- lm(cbind(mpg, disp) ~ wt, mtcars, offset = offsets)
  for (part in setdiff(names(r), c("call", "terms"))) expect_same(ours[[part]], r[[part]], label = part)
  for (what in c("vcov", "deviance", "extractAIC", "predict", "residuals")) expect_same(get(what)(ours), get(what)(r), label = what)
  column <- offsets[, 1, drop = FALSE]
  expect_same(coef(nd_lm(mpg ~ wt, mtcars, offset = column)), coef(lm(mpg ~ wt, mtcars, offset = column)))
  expect_same(coef(nd_glm(mpg ~ wt, gaussian, mtcars, offset = column)), coef(glm(mpg ~ wt, gaussian, mtcars, offset = column)))
  expect_error(nd_lm(mpg ~ wt, mtcars, offset = offsets), "the offset has 32 x 2 values")
  expect_error(nd_glm(mpg ~ wt, gaussian, mtcars, offset = offsets), "number of offsets is 64, should equal 32")
})

test_that("a model without columns has R's components", {
  for (family in list(gaussian(), poisson(), quasipoisson())) {
    ours <- nd_glm(carb ~ 0, family, mtcars)
    r <- glm(carb ~ 0, family, mtcars)
    expect_identical(setdiff(names(ours), "nelder"), names(r))
    for (part in setdiff(names(r), c("call", "family"))) expect_same(ours[[part]], r[[part]], label = part)
    for (what in c("summary", "residuals", "predict", "logLik", "AIC")) {
      expect_same(unclass(get(what)(ours))[-1], unclass(get(what)(r))[-1], label = what)
    }
  }
})

test_that("a limit of time is an ordinary condition", {
  set.seed(1)
  d <- data.frame(y = rnorm(2e5), matrix(rnorm(2e5 * 40), ncol = 40))
  on.exit(setTimeLimit())
  caught <- tryCatch({
    setTimeLimit(elapsed = 0.5, transient = TRUE)
    repeat nd_lm(y ~ ., d, precision = "certified")
  }, error = identity, interrupt = identity)
  setTimeLimit()
  expect_s3_class(caught, "simpleError")
  expect_match(conditionMessage(caught), "time limit")
  expect_length(coef(nd_lm(y ~ X1, d)), 2)
})

test_that("where we differ from R on purpose: weights of zero, and the attribute that scale() leaves", {
  w <- rep(c(0, 1, 2), length.out = 32)
  ours <- nd_glm(mpg ~ wt, gaussian, mtcars, weights = w)
  expect_same(AIC(ours), AIC(lm(mpg ~ wt, mtcars, weights = w)))
  expect_identical(AIC(glm(mpg ~ wt, gaussian, mtcars, weights = w)), Inf)
  scaled <- scale(as.matrix(mtcars))
  components <- nd_prcomp(scaled)
  expect_false(components$scale)
  expect_equal(unname(predict(components, scaled)), unname(components$x), tolerance = 1e-10)
})

test_that("a fingerprint depends on every value and its place", {
  print_of <- function(x) nelder:::fingerprints(list(x), nelder:::run_options())
  columns <- list(numbers = (seq_len(2e5) %% 97) / 7, whole = seq_len(2e5) %% 97L, texts = as.character(seq_len(2000) %% 97))
  for (x in columns) {
    own <- print_of(x)
    last <- length(x)
    for (pair in list(c(1, 2), c(5, last), c(65536, 65537), c(100000, 100001))) {
      if (max(pair) > last) next
      moved <- replace(x, pair, x[rev(pair)])
      expect_false(identical(print_of(moved), own))
      expect_identical(print_of(replace(moved, pair, x[pair])), own)
    }
    expect_false(identical(print_of(sort(x)), own))
    expect_false(identical(print_of(rev(x)), own))
    expect_false(identical(print_of(replace(x, last, x[1])), own))
  }
  expect_false(identical(print_of(c(0, 1)), print_of(c(-0, 1))))
  expect_false(identical(print_of(c("a", NA)), print_of(c("a", "NA"))))
})
