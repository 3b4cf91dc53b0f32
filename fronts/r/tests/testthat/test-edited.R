# Fits that someone has edited: a method answers from the object as it is now, as R's do.

outcome <- function(expr) {
  tryCatch(suppressMessages(suppressWarnings(expr)), error = function(e) structure(conditionMessage(e), class = "failed"))
}

edits <- list(
  coefficients = function(m) { m$coefficients[2] <- 0; m },
  coefficients_by_name = function(m) { m[["coefficients"]] <- m[["coefficients"]] + 0.1; m },
  names = function(m) { names(m$coefficients)[2] <- "other"; m },
  residuals = function(m) { m$residuals[3] <- 5; m },
  all_residuals = function(m) { m$residuals <- m$residuals * 2; m },
  fitted.values = function(m) { m$fitted.values[2] <- 1.3; m },
  df.residual = function(m) { m$df.residual <- 25L; m },
  rank = function(m) { m$rank <- m$rank - 1L; m },
  weights = function(m) { m$weights <- rep(c(1, 2), length.out = length(m$residuals)); m },
  no_weights = function(m) { m$weights <- NULL; m },
  qr = function(m) { m$qr$qr <- m$qr$qr * 1.5; m },
  effects = function(m) { m$effects <- m$effects * 2; m },
  assign = function(m) { if (!is.null(m$assign)) m$assign <- rev(m$assign); m },
  offset = function(m) { m$offset <- rep(0.5, length(m$residuals)); m },
  model = function(m) { m$model$x[1] <- 3; m },
  no_model = function(m) { m$model <- NULL; m },
  xlevels = function(m) { m$xlevels$a <- rev(m$xlevels$a); m },
  contrasts = function(m) { m$contrasts$a <- "contr.sum"; m },
  environment = function(m) { attr(m$terms, ".Environment") <- globalenv(); m },
  na.action = function(m) { m$na.action <- NULL; m },
  touched = function(m) { m$residuals[1] <- m$residuals[1]; m })

generalized_edits <- list(
  family = function(m) { m$family <- quasipoisson(); m },
  prior.weights = function(m) { m$prior.weights <- m$prior.weights * rep(c(1, 2), length.out = length(m$residuals)); m },
  deviance = function(m) { m$deviance <- 500; m },
  null.deviance = function(m) { m$null.deviance <- 700; m },
  aic = function(m) { m$aic <- 1; m },
  linear.predictors = function(m) { m$linear.predictors[1] <- 3; m },
  y = function(m) { m$y[2] <- 3; m },
  df.null = function(m) { m$df.null <- 77L; m })

new_rows <- people[5:15, ]
answers <- list(
  summary = function(m) { s <- unclass(summary(m)); s[setdiff(names(s), c("call", "iter"))] },
  vcov = vcov, sigma = sigma, logLik = logLik, deviance = deviance, AIC = AIC, BIC = BIC, nobs = nobs,
  confint = confint.default, anova = anova, drop1 = function(m) drop1(m), extractAIC = extractAIC,
  hatvalues = hatvalues, cooks.distance = cooks.distance, rstandard = rstandard, rstudent = rstudent,
  # R's list has an element without a name
  influence = function(m) { i <- influence(m, do.coef = FALSE); i[!is.na(names(i))] }, dfbeta = dfbeta, dffits = dffits,
  predict = function(m) predict(m), predict_se = function(m) predict(m, se.fit = TRUE),
  predict_new = function(m) predict(m, new_rows, se.fit = TRUE),
  predict_response = function(m) predict(m, new_rows, type = "response"),
  predict_interval = function(m) predict(m, new_rows, interval = "prediction"),
  residuals = residuals, pearson = function(m) residuals(m, "pearson"), fitted = fitted, weights = weights,
  df.residual = df.residual, coef = coef, model.matrix = model.matrix, printed = function(m) printed(summary(m)))

expect_edited_alike <- function(f, edits, answers, name) {
  for (edit in names(edits)) {
    ours <- edits[[edit]](f$ours)
    r <- edits[[edit]](f$r)
    for (answer in names(answers)) {
      of_r <- outcome(answers[[answer]](r))
      own <- outcome(answers[[answer]](ours))
      # where R stops we may know the answer
      if (inherits(of_r, "failed")) next
      expect_same(own, of_r, 1e-8, label = paste(name, edit, answer))
    }
  }
}

test_that("an edited linear fit answers as R's does", {
  for (call in linear_models[c(2, 6, 11)]) {
    f <- eval(substitute(both(call), list(call = call)))
    expect_edited_alike(f, edits, answers, deparse(call)[1])
  }
})

test_that("an edited generalized linear fit answers as R's does", {
  for (call in generalized_models[c(5, 8)]) {
    f <- eval(substitute(both(call), list(call = call)))
    expect_edited_alike(f, c(edits, generalized_edits), answers[setdiff(names(answers), "predict_interval")], deparse(call)[1])
  }
})

test_that("packages see the edit, too", {
  skip_without("sandwich", "lmtest", "broom")
  own <- list(HC0 = function(m) sandwich::vcovHC(m, "HC0"), HC3 = sandwich::vcovHC, estfun = sandwich::estfun,
              bread = sandwich::bread, coeftest = function(m) unclass(lmtest::coeftest(m)),
              tidy = function(m) as.data.frame(broom::tidy(m)), glance = function(m) as.data.frame(broom::glance(m)),
              augment = function(m) as.data.frame(broom::augment(m)))
  for (call in list(linear_models[[6]], generalized_models[[5]])) {
    f <- eval(substitute(both(call), list(call = call)))
    expect_edited_alike(f, edits[c("coefficients", "residuals", "df.residual", "weights", "qr")], own, deparse(call)[1])
  }
})

test_that("the numbers of an edit, by hand", {
  m <- nd_lm(mpg ~ wt, mtcars)
  m$coefficients[2] <- 0
  expect_equal(unname(predict(m, mtcars[1:3, ])), rep(37.285126, 3), tolerance = 1e-7)
  m <- nd_lm(mpg ~ wt, mtcars)
  m$df.residual <- 25L
  expect_equal(vcov(m), vcov(nd_lm(mpg ~ wt, mtcars)) * 30 / 25, tolerance = 1e-12)
  m$residuals <- m$residuals * 2
  expect_equal(deviance(m), 4 * deviance(nd_lm(mpg ~ wt, mtcars)), tolerance = 1e-12)
})

test_that("a fit that no one has edited is answered by the library, also from a file", {
  for (call in c(linear_models, generalized_models)) {
    m <- suppressWarnings(eval(call))
    name <- deparse(call)[1]
    expect_true(nelder:::as_made(m), label = name)
    expect_false(isTRUE(nelder:::lazy_is_made(m$qr$qr)), label = name)
    invisible(c(sum(m$residuals), mean(m$fitted.values), m$qr$qr[1]))
    expect_true(nelder:::as_made(m), label = paste(name, "read"))
    file <- tempfile(fileext = ".rds")
    saveRDS(m, file)
    again <- readRDS(file)
    expect_true(nelder:::as_made(again), label = paste(name, "from a file"))
    again$residuals[1] <- 9
    expect_false(nelder:::as_made(again), label = paste(name, "edited"))
  }
})

test_that("without the QR decomposition or the model frame a fit still answers", {
  whole <- nd_lm(y ~ x + a, people)
  bare <- nd_lm(y ~ x + a, people, qr = FALSE, model = FALSE)
  expect_null(bare$qr)
  expect_identical(setdiff(names(bare), "nelder"), names(lm(y ~ x + a, people, qr = FALSE, model = FALSE)))
  expect_equal(vcov(bare), vcov(whole))
  expect_equal(predict(bare, new_rows, se.fit = TRUE), predict(whole, new_rows, se.fit = TRUE))
})
