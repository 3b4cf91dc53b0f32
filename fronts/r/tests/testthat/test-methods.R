test_that("what R computes of a linear fit is the same", {
  for (call in linear_models) {
    f <- eval(substitute(both(call), list(call = call)))
    ours <- f$ours
    r <- f$r
    name <- paste(deparse(call), collapse = "")
    same <- function(a, b, what) expect_same(a, b, label = paste(name, what))
    s <- summary(ours)
    t <- summary(r)
    for (part in setdiff(names(t), "call")) same(s[[part]], t[[part]], paste("summary", part))
    expect_printed(s, t)
    expect_printed(ours, r)
    expect_printed(anova(ours), anova(r))
    same(anova(ours), anova(r), "anova")
    same(vcov(ours), vcov(r), "vcov")
    same(confint(ours), confint(r), "confint")
    for (what in c("residuals", "fitted", "hatvalues", "rstandard", "rstudent", "cooks.distance", "dfbeta", "dfbetas",
                   "dffits", "covratio", "logLik", "AIC", "BIC", "nobs", "deviance", "extractAIC", "df.residual",
                   "model.matrix", "weighted.residuals", "formula", "case.names", "variable.names", "effects")) {
      fun <- get(what)
      same(fun(ours), fun(r), what)
    }
    same(influence(ours), influence(r), "influence")
    same(influence.measures(ours)$infmat, influence.measures(r)$infmat, "influence.measures")
    same(predict(ours), predict(r), "predict")
    quiet <- suppressWarnings
    for (interval in c("none", "confidence", "prediction")) {
      # here R recycles weights of all rows over those that are left, and returns too many
      if (interval == "prediction" && !is.null(r$weights) && inherits(r$na.action, "exclude")) next
      same(quiet(predict(ours, interval = interval, se.fit = TRUE)), quiet(predict(r, interval = interval, se.fit = TRUE)),
           paste("predict", interval))
      same(quiet(predict(ours, people[5:15, ], interval = interval, se.fit = TRUE)),
           quiet(predict(r, people[5:15, ], interval = interval, se.fit = TRUE)), paste("predict new", interval))
    }
    if (length(attr(terms(r), "term.labels"))) {
      same(predict(ours, type = "terms", se.fit = TRUE), predict(r, type = "terms", se.fit = TRUE), "predict terms")
      same(drop1(ours, test = "F"), drop1(r, test = "F"), "drop1")
      expect_printed(drop1(ours), drop1(r))
      if (is.null(r$na.action)) {
        same(quiet(coef(step(ours, trace = 0))), quiet(coef(step(r, trace = 0))), "step")
        text <- function(fit) gsub("nd_lm", "lm", capture.output(quiet(invisible(step(fit)))), fixed = TRUE)
        expect_identical(text(ours), text(r))
      }
    }
  }
})

test_that("what R computes of a generalized linear fit is the same", {
  for (call in generalized_models) {
    f <- eval(substitute(both(call), list(call = call)))
    ours <- f$ours
    r <- f$r
    name <- paste(deparse(call), collapse = "")
    # R's own standard errors are those of the step before the last
    same <- function(a, b, what, tolerance = 1e-9) expect_same(a, b, tolerance, label = paste(name, what))
    s <- summary(ours)
    t <- summary(r)
    for (part in setdiff(names(t), c("call", "iter"))) same(s[[part]], t[[part]], paste("summary", part))
    expect_printed(s, t)
    expect_printed(ours, r)
    for (test in c("Chisq", "F", "Cp")) {
      same(suppressWarnings(anova(ours, test = test)), suppressWarnings(anova(r, test = test)), "anova", 1e-8)
    }
    same(vcov(ours), vcov(r), "vcov")
    for (what in c("hatvalues", "rstandard", "rstudent", "cooks.distance", "logLik", "AIC", "BIC", "nobs", "deviance",
                   "extractAIC", "df.residual", "model.matrix", "formula", "weights", "family")) {
      fun <- get(what)
      same(fun(ours), fun(r), what)
    }
    for (type in c("deviance", "pearson", "working", "response", "partial")) {
      same(residuals(ours, type), residuals(r, type), paste("residuals", type), 1e-8)
    }
    same(influence(ours), influence(r), "influence", 1e-8)
    same(influence(ours, do.coef = FALSE)$hat, influence(r, do.coef = FALSE)$hat, "influence")
    for (type in c("link", "response")) {
      same(predict(ours, type = type), predict(r, type = type), paste("predict", type))
      same(predict(ours, type = type, se.fit = TRUE), predict(r, type = type, se.fit = TRUE), paste("predict se", type))
      same(suppressWarnings(predict(ours, people[5:15, ], type = type, se.fit = TRUE)),
           suppressWarnings(predict(r, people[5:15, ], type = type, se.fit = TRUE)), paste("predict new", type))
    }
    same(predict(ours, type = "terms"), predict(r, type = "terms"), "predict terms")
    same(drop1(ours, test = "LRT"), drop1(r, test = "LRT"), "drop1", 1e-8)
  }
})

test_that("models beside each other", {
  a <- both(nd_lm(y ~ x, people))
  b <- both(nd_lm(y ~ x * a, people))
  expect_same(anova(a$ours, b$ours), anova(a$r, b$r))
  expect_printed(anova(a$ours, b$ours), anova(a$r, b$r))
  a <- both(nd_glm(k ~ x, poisson, people))
  b <- both(nd_glm(k ~ x * a, poisson, people))
  expect_same(anova(a$ours, b$ours, test = "Chisq"), anova(a$r, b$r, test = "Chisq"), 1e-9)
  expect_printed(anova(a$ours, b$ours, test = "LRT"), anova(a$r, b$r, test = "LRT"))
})

test_that("update, simulate and plots", {
  f <- both(nd_lm(y ~ x + a, people))
  expect_same(coef(update(f$ours, . ~ . + b)), coef(update(f$r, . ~ . + b)))
  expect_s3_class(update(f$ours, . ~ . + b), "nd_lm")
  expect_same(simulate(f$ours, 2, seed = 1), simulate(f$r, 2, seed = 1), check.attributes = FALSE)
  g <- both(nd_glm(k ~ x + a, poisson, people))
  expect_same(simulate(g$ours, 2, seed = 1), simulate(g$r, 2, seed = 1), check.attributes = FALSE)
  drawn <- function(fit, what) {
    file <- tempfile(fileext = ".svg")
    grDevices::pdf(file, compress = FALSE)
    fit$call <- quote(model())
    suppressWarnings(what(fit))
    grDevices::dev.off()
    text <- readLines(file)
    text <- text[!grepl("Date|Title", text)]
    # a point may be rounded to the next hundredth
    list(words = gsub("[-0-9.]+", "#", text),
         numbers = as.numeric(unlist(regmatches(text, gregexpr("-?[0-9]+[.][0-9]+", text)))))
  }
  expect_drawn <- function(a, b) {
    expect_identical(a$words, b$words)
    expect_lt(max(abs(a$numbers - b$numbers), 0), 0.011)
  }
  for (pair in list(f, g)) {
    for (which in 1:6) {
      expect_drawn(drawn(pair$ours, function(m) plot(m, which = which)),
                   drawn(pair$r, function(m) plot(m, which = which)))
    }
    expect_drawn(drawn(pair$ours, function(m) termplot(m, se = TRUE)), drawn(pair$r, function(m) termplot(m, se = TRUE)))
  }
})

test_that("deletion diagnostics keep their digits beside a point that has nearly all the leverage", {
  d <- data.frame(x = c(1:10, 1e6), y = c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5) + c(1:10, 1e6))
  fit <- nd_lm(y ~ x, d)
  # rational arithmetic, rows 1, 7 and 11
  exact <- cbind("(Intercept)" = c(-0.12171586016618790192, -0.26469385678688585004, 1.9212479570280518217),
                 x = c(0.036700364093820987103, 0.079807003545260964939, -105323.44069554275841))
  expect_equal(unname(dfbetas(fit)[c(1L, 7L, 11L), ]), unname(exact), tolerance = 1e-12)
  # the t statistic of a row's own indicator
  for (i in c(1L, 7L, 11L)) {
    d$own <- as.numeric(seq_len(nrow(d)) == i)
    expect_equal(rstudent(fit)[[i]], summary(nd_lm(y ~ x + own, d))$coefficients["own", "t value"], tolerance = 1e-12)
    without <- nd_lm(y ~ x, d[-i, ])
    expect_equal(cooks.distance(fit)[[i]], sum((fitted(fit) - predict(without, d))^2) / (2 * sigma(fit)^2), tolerance = 1e-8)
  }
})

test_that("diagnostics of a row with a column of its own, and of a model without columns, are R's", {
  d <- data.frame(x = c(1, 2, 4, 3, 7), y = c(2, 3, 6, 9, 1), own = c(0, 0, 0, 0, 1))
  pair <- list(ours = nd_lm(y ~ x + own, d), r = lm(y ~ x + own, d))
  expect_equal(dfbetas(pair$ours), dfbetas(pair$r), tolerance = 1e-12)
  expect_identical(unname(dfbetas(pair$ours)[5L, ]), c(0, 0, 0))
  none <- list(list(nd_lm(y ~ 0, d), lm(y ~ 0, d)), list(nd_glm(y ~ 0, poisson(), d), glm(y ~ 0, poisson(), d)))
  for (pair in none) {
    for (f in list(hatvalues, rstandard, rstudent, cooks.distance, dfbetas, influence)) {
      expect_equal(try(f(pair[[1L]]), silent = TRUE), try(f(pair[[2L]]), silent = TRUE), ignore_attr = "condition")
    }
  }
})
