# Replicates of fits, and what boot and broom read of them.

fit <- nd_lm(mpg ~ wt + hp, data = mtcars)

test_that("a bootstrap is an object of boot", {
  skip_without("boot")
  b <- nd_boot(fit, R = 999, seed = 3)
  expect_s3_class(b, c("nd_boot", "boot"), exact = TRUE)
  expect_equal(b$t0, coef(fit))
  expect_identical(dim(b$t), c(999L, 3L))
  kinds <- c(perc = "percent", basic = "basic", norm = "normal")
  for (j in 1:3) {
    theirs <- boot::boot.ci(b, index = j, type = names(kinds), conf = 0.9)
    for (type in names(kinds)) {
      ends <- theirs[[kinds[[type]]]]
      ours <- confint(b, j, level = 0.9, type = type)
      # the same order statistics, or sums of 999 numbers
      expect_equal(as.vector(ours), utils::tail(as.vector(ends), 2L), tolerance = 1e-12, label = paste(type, j))
    }
  }
  # there is no array of rows, and R's generator stays as it is
  set.seed(1)
  expect_error(boot::boot.ci(b, type = "bca"), "influence values cannot be found")
  set.seed(2)
  one <- nd_boot(fit, R = 9, seed = 1)
  now <- .Random.seed
  expect_error(boot::boot.array(one), "cannot be found")
  expect_identical(.Random.seed, now)
  expect_identical(dimnames(confint(b)), list(names(coef(fit)), c("2.5 %", "97.5 %")))
})

test_that("BCa intervals have the acceleration of influence values", {
  skip_without("boot")
  b <- nd_boot(fit, R = 1999, seed = 5)
  # what boot takes by default for a statistic of weights: regression estimates; here the jackknife's own
  jack <- t(vapply(seq_len(nrow(mtcars)), function(i) coef(lm(mpg ~ wt + hp, mtcars[-i, ])), numeric(3)))
  for (j in 1:3) {
    l <- (nrow(mtcars) - 1) * (mean(jack[, j]) - jack[, j])
    theirs <- boot::boot.ci(b, index = j, type = "bca", L = l)$bca
    ours <- confint(b, j, type = "bca")
    # the acceleration is that of deletions, of their mean here and of none there: 1/n of a standard error
    expect_lt(max(abs(ours - theirs[4:5])), summary(b)$bootSE[j] / nrow(mtcars) * 3)
  }
})

test_that("standard errors are those of the sampling", {
  set.seed(4)
  d <- data.frame(x = rnorm(400))
  d$y <- 1 + d$x + rnorm(400) * (0.3 + abs(d$x))
  m <- nd_lm(y ~ x, data = d)
  r <- 2000
  # relative Monte Carlo error of a standard deviation of r draws, and 1/n for what is not in the first order
  near <- function(b, wanted) expect_lt(max(abs(summary(b)$bootSE / wanted - 1)), 5 / sqrt(2 * r) + 0.02)
  x <- cbind(1, d$x)
  bread <- solve(crossprod(x))
  e <- residuals(m)
  hc <- function(e2) sqrt(diag(bread %*% crossprod(x * e2, x) %*% bread))
  near(nd_boot(m, r, "case", seed = 1), hc(e^2))
  near(nd_boot(m, r, "bayesian", seed = 1), hc(e^2))
  near(nd_boot(m, r, "wild", seed = 1), hc(e^2 / (1 - hatvalues(m))))
  near(nd_boot(m, r, "parametric", seed = 1), sqrt(diag(vcov(m))))
  near(nd_boot(m, r, "residual", seed = 1), sqrt(diag(vcov(m))))
  b <- nd_boot(m, r, seed = 1)
  expect_equal(sqrt(diag(vcov(b))), stats::setNames(summary(b)$bootSE, names(coef(m))), tolerance = 1e-12)
})

test_that("replicates are functions of the seed and their number", {
  set.seed(8)
  a <- nd_boot(fit, R = 50)
  set.seed(8)
  b <- nd_boot(fit, R = 80)
  expect_equal(a$t, b$t[1:50, ], tolerance = 1e-12)
  expect_identical(a$stream, b$stream)
  expect_false(isTRUE(all.equal(a$t, nd_boot(fit, R = 50)$t)))
})

test_that("generalized models, clusters and strata", {
  m <- nd_glm(am ~ wt, data = mtcars, family = binomial())
  expect_warning(b <- nd_boot(m, R = 400, seed = 2), "did not converge")
  expect_identical(sum(is.na(b$t[, 1])), b$made$not_converged)
  g <- nd_glm(carb ~ wt, data = mtcars, family = poisson())
  expect_silent(p <- nd_boot(g, R = 1000, type = "parametric", seed = 2))
  expect_lt(max(abs(summary(p)$bootSE / sqrt(diag(vcov(g))) - 1)), 5 / sqrt(2000) + 0.05)
  # all cars of a number of gears, or none; and as many as there are
  whole <- nd_lm(mpg ~ wt + gear, data = mtcars)
  expect_identical(nrow(nd_boot(whole, R = 20, cluster = ~ wt, seed = 1)$t), 20L)
  cars <- transform(mtcars, gear = factor(gear))
  own <- nd_boot(nd_lm(mpg ~ gear, data = cars), R = 200, strata = "gear", seed = 1)
  expect_false(anyNA(own$t))
})

test_that("what cannot be is said", {
  expect_error(nd_boot(lm(mpg ~ wt, mtcars)), "must be a fit of nd_lm")
  expect_error(nd_boot(fit, R = 0), "`R` must be a whole number of 1 or more")
  expect_error(nd_boot(fit, R = 10, cluster = ~ cyl, seed = 1), "`cluster` names `cyl`, which is no variable of the model")
  expect_error(nd_boot(fit, R = 10, cluster = 3), "`cluster` must be a formula")
  expect_error(nd_boot(nd_glm(am ~ wt, data = mtcars, family = binomial()), type = "wild"), "linear models")
  expect_error(confint(nd_boot(fit, R = 99, type = "wild", seed = 1), type = "bca"), "BCa intervals are of linear models")
  expect_error(confint(nd_boot(fit, R = 99, seed = 1), type = "studentized"), "variances")
  expect_warning(confint(nd_boot(fit, R = 9, seed = 1)), "few for intervals")
  expect_output(print(nd_boot(fit, R = 99, seed = 1)), "Bootstrap of rows: 99 replicates, seed 1")
})

test_that("broom reads it", {
  skip_without("broom")
  b <- nd_boot(fit, R = 199, seed = 6)
  own <- broom::tidy(b, conf.int = TRUE, conf.method = "perc")
  expect_equal(own$statistic, unname(b$t0))
  expect_equal(own$std.error, unname(summary(b)$bootSE), tolerance = 1e-12)
})
