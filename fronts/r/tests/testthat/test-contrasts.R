# Contrasts of any shape, as model.matrix() makes columns of them.

d <- data.frame(y = c(1, 3, 2, 5, 4, 8, 6, 9), f = factor(rep(letters[1:4], 2)), x = c(1, 4, 2, 7, 3, 8, 5, 6))

warnings_of <- function(expr) {
  said <- character()
  withCallingHandlers(expr, warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  said
}

expect_fit_of_r <- function(call, env = parent.frame()) {
  call <- substitute(call)
  ours <- suppressWarnings(eval(call, env))
  r <- settled(suppressWarnings(eval(r_call(call), env)))
  d <- get("d", env)
  label <- deparse(call)[1L]
  expect_identical(names(coef(ours)), names(coef(r)), label = label)
  expect_same(coef(ours), coef(r), label = label)
  expect_identical(df.residual(ours), df.residual(r), label = label)
  expect_same(vcov(ours), vcov(r), label = label)
  expect_identical(ours$contrasts, r$contrasts, label = label)
  expect_same(model.matrix(ours), model.matrix(r), label = label)
  expect_identical(suppressWarnings(anova(ours))$Df, suppressWarnings(anova(r))$Df, label = label)
  expect_identical(drop1(ours)$Df, drop1(r)$Df, label = label)
  expect_same(suppressWarnings(predict(ours, d[c(4, 2), ])), suppressWarnings(predict(r, d[c(4, 2), ])), label = label)
  invisible(ours)
}

test_that("fewer and more columns than one less than levels", {
  g <- d
  contrasts(g$f, 1) <- cbind(ab = c(1, -1, 0, 0))
  fit <- expect_fit_of_r(nd_lm(y ~ f, g))
  expect_same(coef(fit), c("(Intercept)" = 4.75, fab = -1.5))
  expect_identical(df.residual(fit), 6L)
  expect_fit_of_r(nd_lm(y ~ C(f, sum, 2), d))
  expect_fit_of_r(nd_lm(y ~ C(f, poly, 1) * x, d))
  expect_fit_of_r(nd_lm(y ~ C(f, c(1, -1, 0, 0)), d))
  expect_fit_of_r(nd_lm(y ~ f, d, contrasts = list(f = cbind(c(1, -1, 0, 0)))))
  expect_fit_of_r(nd_lm(y ~ f + x, d, contrasts = list(f = contr.sum(4, contrasts = FALSE))))
  expect_fit_of_r(nd_lm(y ~ f, d, contrasts = list(f = c(1, -1, 0, 0))))
  expect_fit_of_r(nd_lm(y ~ f:x, d, contrasts = list(f = contr.sum)))
  expect_fit_of_r(nd_glm(y ~ f, poisson, d, contrasts = list(f = cbind(u = c(1, -1, 0, 0), c(0, 0, 1, -1)))))
})

test_that("contrasts of a factor with unused levels are dropped with R's warning", {
  g <- d
  for (own in list(contr.sum(4), "contr.sum", contr.sum(4, contrasts = FALSE), cbind(c(1, -1, 0, 0)))) {
    attr(g$f, "contrasts") <- own
    said <- warnings_of(fit <- nd_lm(y ~ f, g, subset = f != "a"))
    expect_identical(said, warnings_of(r <- lm(y ~ f, g, subset = f != "a")))
    expect_same(coef(fit), coef(r))
    expect_identical(fit$contrasts, r$contrasts)
    expect_same(model.matrix(fit), model.matrix(r))
    expect_same(predict(fit, d[2:3, ]), predict(r, d[2:3, ]))
  }
  expect_error(nd_lm(y ~ f, d, subset = f != "a", contrasts = list(f = contr.sum(4))), "wrong number of contrast matrix rows")
})

test_that("a logical variable with one value is aliased, a factor with one level is an error", {
  for (value in c(TRUE, FALSE)) {
    d$l <- value
    expect_fit_of_r(nd_lm(y ~ l, d))
    expect_fit_of_r(nd_lm(y ~ x * l, d))
    expect_fit_of_r(nd_lm(y ~ 0 + l, d))
    expect_fit_of_r(nd_lm(y ~ x:l, d))
  }
  d$k <- "a"
  expect_error(nd_lm(y ~ k, d), "2 or more levels")
  expect_error(nd_lm(y ~ factor(k), d), "2 or more levels")
})

test_that("random matrices of random shape, rank-deficient ones included", {
  set.seed(20)
  for (i in 1:40) {
    levels <- sample(2:5, 1)
    n <- 12 * levels
    d <- data.frame(f = factor(sample(rep_len(letters[1:levels], n))), g = factor(rep_len(c("u", "v", "w"), n)),
                    x = rnorm(n), y = rnorm(n))
    columns <- sample(1:(levels + 1), 1)
    m <- matrix(sample(-2:2, levels * columns, TRUE) + (i %% 2) * rnorm(levels * columns), levels)
    if (i %% 3 == 0 && columns > 1) m[, columns] <- m[, 1] * 2
    if (i %% 4 == 0) colnames(m) <- paste0("c", seq_len(columns))
    formula <- list(y ~ f, y ~ f * x, y ~ f * g, y ~ 0 + f + x, y ~ f:g, y ~ x + f:x)[[i %% 6 + 1]]
    if (i %% 2) {
      fit <- nd_lm(formula, d, contrasts = list(f = m))
      r <- lm(formula, d, contrasts = list(f = m))
    } else {
      attr(d$f, "contrasts") <- m
      fit <- nd_lm(formula, d)
      r <- lm(formula, d)
    }
    label <- paste(i, deparse(formula))
    expect_identical(names(coef(fit)), names(coef(r)), label = label)
    expect_identical(is.na(coef(fit)), is.na(coef(r)), label = label)
    expect_same(coef(fit), coef(r), label = label)
    expect_identical(df.residual(fit), df.residual(r), label = label)
    expect_same(fitted(fit), fitted(r), label = label)
    expect_identical(anova(fit)$Df, anova(r)$Df, label = label)
    expect_identical(drop1(fit)$Df, drop1(r)$Df, label = label)
    expect_same(suppressWarnings(predict(fit, d[5:1, ])), suppressWarnings(predict(r, d[5:1, ])), label = label)
  }
})
