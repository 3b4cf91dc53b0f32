test_that("a linear fit has the components of R's", {
  for (call in linear_models) {
    f <- eval(substitute(both(call), list(call = call)))
    for (part in setdiff(names(f$r), c("call", "terms"))) {
      expect_same(f$ours[[part]], f$r[[part]], label = paste(deparse(call)[1], part))
    }
    expect_identical(setdiff(names(f$ours), "nelder"), names(f$r))
    expect_identical(unclass(stats::terms(f$ours)), unclass(stats::terms(f$r)))
  }
})

test_that("a generalized linear fit has the components of R's", {
  for (call in generalized_models) {
    f <- eval(substitute(both(call), list(call = call)))
    for (part in setdiff(names(f$r), c("call", "terms", "iter", "control", "data"))) {
      if (part == "qr" && anyNA(coef(f$r))) {
        # what is left of a column that is a combination of others is rounding
        expect_same(qr.R(f$ours$qr)[, seq_len(f$r$rank)], qr.R(f$r$qr)[, seq_len(f$r$rank)], tolerance = 1e-9)
        next
      }
      # working residuals and effects of rows move with the error of the weights
      expect_same(f$ours[[part]], f$r[[part]], tolerance = 1e-9, label = paste(deparse(call)[1], part))
    }
    expect_identical(setdiff(names(f$ours), "nelder"), names(f$r))
  }
})

test_that("a matrix response makes an mlm", {
  f <- both(nd_lm(cbind(y, y2) ~ x * a, people))
  expect_s3_class(f$ours, c("nd_lm", "mlm", "lm"), exact = TRUE)
  for (part in c("coefficients", "residuals", "effects", "fitted.values", "qr")) {
    expect_same(f$ours[[part]], f$r[[part]], label = part)
  }
  expect_same(vcov(f$ours), vcov(f$r))
  expect_same(predict(f$ours, people[1:3, ]), predict(f$r, people[1:3, ]))
  expect_printed(f$ours, f$r)
  expect_printed(anova(f$ours), anova(f$r))
})

test_that("what has a value for each row is made when it is read", {
  big <- people[rep(seq_len(n), 100), ]
  f <- nd_lm(y ~ x + a, big)
  made <- function(x) nelder:::lazy_is_made(x)
  expect_false(any(made(f$residuals), made(f$fitted.values), made(f$effects), made(f$qr$qr)))
  invisible(utils::capture.output(print(f), str(f$call)))
  expect_false(made(f$residuals))
  expect_length(f$residuals, 100 * n)
  expect_equal(sum(f$residuals), 0, tolerance = 1e-9)
  expect_true(made(f$residuals))
  expect_false(made(f$qr$qr))
})

test_that("a fit survives a file, and a slim one is small", {
  file <- tempfile(fileext = ".rds")
  big <- people[rep(seq_len(n), 100), ]
  assign("big_people", big, globalenv())
  on.exit(rm("big_people", envir = globalenv()))
  slim <- eval(quote(nd_lm(y ~ x + a, big_people, model = FALSE)), globalenv())
  saveRDS(slim, file)
  expect_lt(file.size(file), 20000)
  again <- readRDS(file)
  expect_equal(coef(again), coef(slim))
  expect_equal(as.vector(again$residuals), as.vector(slim$residuals))
  expect_equal(vcov(again), vcov(slim))
  whole <- nd_lm(y ~ x + a, people)
  saveRDS(whole, file)
  again <- readRDS(file)
  expect_equal(as.vector(fitted(again)), as.vector(fitted(whole)))
  expect_equal(predict(again, people[1:3, ], se.fit = TRUE), predict(whole, people[1:3, ], se.fit = TRUE))
  expect_same(again$qr$qr, whole$qr$qr)
  # other data under the same name are noticed
  saveRDS(slim, file)
  assign("big_people", transform(big, y = y + x), globalenv())
  expect_error(readRDS(file)$residuals[1], "no longer what they were")
})

test_that("a value that someone has changed is kept by a file", {
  f <- nd_lm(y ~ x, people)
  f$residuals[1] <- 42
  file <- tempfile(fileext = ".rds")
  saveRDS(f, file)
  expect_equal(unname(readRDS(file)$residuals[1]), 42)
})
