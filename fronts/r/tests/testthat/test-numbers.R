# Models of vectors of numbers, which take fewer steps than others, beside those that take all of them.

test_that("a frame of vectors of numbers is the one of model.frame()", {
  plain <- mtcars
  rownames(plain) <- NULL
  whole <- transform(mtcars, mpg = as.integer(mpg), cyl = as.integer(cyl))
  two <- data.frame(y = 1:2, x = c(2, 3))
  cases <- list(list(mpg ~ wt + hp, mtcars), list(mpg ~ wt * hp, plain), list(mpg ~ wt - 1, plain[c(3, 5, 9), ]),
                list(mpg ~ ., whole), list(mpg ~ 1, plain), list(~wt, mtcars), list(y ~ x, two), list(mpg ~ wt, plain[1:2, ]))
  for (case in cases) {
    ours <- nelder:::frame_of_numbers(case[[1L]], case[[2L]])
    theirs <- model.frame(case[[1L]], case[[2L]], na.action = na.pass)
    expect_s3_class(ours, "data.frame")
    expect_identical(ours, theirs)
    expect_identical(.row_names_info(ours), .row_names_info(theirs))
    expect_identical(attributes(attr(ours, "terms")), attributes(attr(theirs, "terms")))
  }
  odd <- data.frame(y = c(1, 2, 4), x = c(2, 3, 3), f = gl(3, 1), `a b` = c(1, 0, 0), check.names = FALSE)
  odd$m <- cbind(1:3, 3:1)
  odd$named <- c(p = 1, q = 2, r = 3)
  z <- c(1, 5, 2)
  for (formula in list(y ~ f, y ~ log(x), y ~ `a b`, y ~ m, y ~ z, y ~ x + offset(x))) {
    expect_false(is.data.frame(nelder:::frame_of_numbers(formula, odd)))
  }
})

test_that("vectors of numbers give what the same numbers give as other vectors", {
  other <- mtcars
  # an attribute of its own takes the longer way
  for (name in names(other)) attr(other[[name]], "label") <- name
  for (formula in list(mpg ~ wt, mpg ~ wt * hp - 1, mpg ~ log(wt) + qsec, mpg ~ wt + I(2 * wt), wt ~ 1)) {
    ours <- nd_lm(formula, mtcars)
    longer <- nd_lm(formula, other)
    for (part in c("coefficients", "rank", "df.residual", "assign", "xlevels", "contrasts")) {
      expect_identical(ours[[part]], longer[[part]], label = part)
    }
    expect_identical(as.vector(residuals(ours)), as.vector(residuals(longer)))
    expect_identical(names(ours), names(longer))
    expect_same(anova(ours), anova(lm(formula, mtcars)))
  }
  ours <- nd_glm(am ~ wt + hp, binomial, mtcars)
  longer <- nd_glm(am ~ wt + hp, binomial, other)
  expect_identical(coef(ours), coef(longer))
  expect_identical(ours$deviance, longer$deviance)
})

test_that("rows with missing numbers are left out", {
  d <- mtcars
  d$wt[c(2, 7)] <- NA
  expect_same(coef(nd_lm(mpg ~ wt, d)), coef(lm(mpg ~ wt, d)))
  expect_identical(nd_lm(mpg ~ wt, d)$na.action, lm(mpg ~ wt, d)$na.action)
  expect_error(nd_lm(mpg ~ wt, d, na.action = na.fail), "missing values")
})

test_that("predictions of new rows of numbers are those of R", {
  f <- nd_lm(mpg ~ wt + hp, mtcars)
  g <- lm(mpg ~ wt + hp, mtcars)
  log_f <- nd_lm(mpg ~ log(wt), mtcars)
  log_g <- lm(mpg ~ log(wt), mtcars)
  plain <- mtcars[3:6, ]
  rownames(plain) <- NULL
  holes <- plain
  holes$wt[2] <- NA
  whole <- transform(plain, hp = as.integer(hp))
  for (new in list(mtcars[1:3, ], plain, holes, whole, plain[2:3, c("hp", "wt")], as.list(plain))) {
    expect_same(predict(f, new), predict(g, new))
    expect_same(predict(f, new, interval = "confidence", se.fit = TRUE), predict(g, new, interval = "confidence", se.fit = TRUE))
    expect_same(predict(log_f, new), predict(log_g, new))
  }
  expect_error(predict(f, transform(plain, wt = as.character(wt))), "wt")
  expect_error(predict(f, plain["hp"]), "wt")
  expect_same(predict(f, holes, na.action = na.omit), predict(g, holes, na.action = na.omit))
  bin <- nd_glm(am ~ wt, binomial, mtcars)
  expect_same(predict(bin, plain, type = "response"), predict(glm(am ~ wt, binomial, mtcars), plain, type = "response"), tolerance = 1e-7)
})

test_that("an edit of a fit is seen after answers of the fit as it was", {
  f <- nd_lm(mpg ~ wt + hp, mtcars)
  expect_true(nelder:::as_made(f))
  edited <- f
  edited$coefficients[2] <- 0
  expect_false(nelder:::as_made(edited))
  edited <- f
  edited$residuals[1] <- 100
  expect_false(nelder:::as_made(edited))
  expect_true(nelder:::as_made(f))
  edited <- f
  edited$model$wt[1] <- 9
  expect_false(nelder:::as_made(edited))
  edited <- f
  edited$note <- "kept"
  expect_true(nelder:::as_made(edited))
  again <- unserialize(serialize(f, NULL))
  expect_true(nelder:::as_made(again))
  expect_true(nelder:::as_made(again))
  again$qr$tol <- 1
  expect_false(nelder:::as_made(again))
})

test_that("a matrix and a vector of numbers give what lm.fit() gives", {
  x <- cbind(1, as.matrix(mtcars[c("wt", "hp")]))
  whole <- matrix(as.integer(mtcars$cyl), dimnames = list(NULL, "cyl"))
  attr(x, "assign") <- 0:2
  for (case in list(list(x, mtcars$mpg), list(unname(x), mtcars$mpg), list(whole, mtcars$mpg), list(cbind(x, x[, 2]), mtcars$mpg),
                    list(x, stats::setNames(mtcars$mpg, rownames(mtcars))))) {
    ours <- nd_lm_fit(case[[1L]], case[[2L]])
    theirs <- lm.fit(case[[1L]], case[[2L]])
    expect_identical(setdiff(names(ours), "nelder"), names(theirs))
    expect_same(unname(ours$coefficients), unname(theirs$coefficients))
    expect_identical(ours$assign, theirs$assign)
    for (part in c("residuals", "fitted.values")) expect_same(as.vector(ours[[part]]), as.vector(theirs[[part]]), label = part)
    expect_same(as.vector(ours$qr$qr), as.vector(theirs$qr$qr))
  }
})

test_that("a report of components is made of what the computation gave", {
  z <- nd_prcomp(USArrests)
  expect_s3_class(nd_explain(z), "nd_components_report")
  expect_s3_class(nd_explain(z)$passes, "data.frame")
  expect_output(print(nd_explain(z)), "algorithm")
})
