# Whole numbers of 64 bits: the same data as doubles, and codes that keep all digits.

wide <- function(n = 24L) {
  set.seed(9)
  data.frame(y = rnorm(n), x = rnorm(n), k = sample(0:9, n, TRUE), w = sample(1:5, n, TRUE))
}

as64 <- function(x) bit64::as.integer64(x)

test_that("integer64 as predictor, response, weights and offset is the numbers that it is", {
  skip_without("bit64")
  d <- wide()
  d64 <- d
  for (name in c("k", "w")) d64[[name]] <- as64(d[[name]])
  for (f in list(y ~ k, k ~ x, y ~ x + k:x, y ~ x + offset(k), cbind(k, w) ~ x)) {
    ours <- nd_lm(f, d64)
    r <- lm(f, d)
    # bit64's cbind() forgets the names of columns
    expect_same(unname(coef(ours)), unname(coef(r)), 1e-10, label = deparse(f))
    expect_same(unname(resid(ours)), unname(resid(r)), 1e-9, label = deparse(f))
  }
  expect_same(coef(nd_lm(y ~ x, d64, weights = w)), coef(lm(y ~ x, d, weights = w)))
  expect_same(sigma(nd_lm(y ~ x, d64, weights = w)), sigma(lm(y ~ x, d, weights = w)))
  expect_same(coef(nd_lm(y ~ x, d64, offset = k)), coef(lm(y ~ x, d, offset = k)))
  expect_same(predict(nd_lm(y ~ k, d64), d64[1:3, ]), predict(lm(y ~ k, d), d[1:3, ]))
  expect_same(coef(nd_glm(k ~ x, poisson, d64, weights = w)), coef(glm(k ~ x, poisson, d, weights = w)), 1e-6)
  expect_same(nd_lm_fit(cbind(1, d$x), d64$k, d64$w)$coefficients, lm.wfit(cbind(1, d$x), d$k, d$w)$coefficients,
              check.attributes = FALSE)
  expect_same(nd_prcomp(d64[c("x", "k", "w")])$sdev, prcomp(d[c("x", "k", "w")])$sdev)
  expect_same(abs(nd_prcomp(d64[c("x", "k", "w")], signs = "r")$rotation), abs(prcomp(d[c("x", "k", "w")])$rotation))
  expect_same(nd_prcomp(~ x + k, d64)$sdev, prcomp(~ x + k, d)$sdev)
})

test_that("a missing integer64 is missing", {
  skip_without("bit64")
  d <- wide()
  d$k[3] <- NA
  d$w[5] <- NA
  d64 <- d
  for (name in c("k", "w")) d64[[name]] <- as64(d[[name]])
  for (f in list(y ~ k, k ~ x, y ~ factor(k), y ~ x + offset(k))) {
    ours <- nd_lm(f, d64, weights = w)
    r <- lm(f, d, weights = w)
    expect_same(coef(ours), coef(r), 1e-10, label = deparse(f))
    expect_equal(nobs(ours), nobs(r))
    expect_equal(names(na.action(ours)), names(na.action(r)))
  }
  expect_error(nd_lm(y ~ k, d64, na.action = na.fail), "`k` is missing in row 3")
})

test_that("whole numbers beyond 2^53 stay apart as codes, and are a warning as numbers", {
  skip_without("bit64")
  d <- wide()
  id <- as64("9007199254740992") + as64(rep(0:5, each = 4))
  d$id <- id
  d$plain <- rep(0:5, each = 4)
  ours <- nd_lm(y ~ x + factor(id), d)
  r <- lm(y ~ x + factor(plain), d)
  expect_same(coef(ours), coef(r), 1e-10, check.attributes = FALSE)
  expect_match(names(coef(ours))[3], "9007199254740993", fixed = TRUE)
  expect_warning(fit <- nd_lm(y ~ x + id, d), "`id` has whole numbers beyond .*9007199254740993 in row 5")
  d$double <- as.numeric(as.character(id))
  expect_same(fitted(fit), fitted(nd_lm(y ~ x + double, d)))
  expect_no_warning(nd_lm(y ~ x + factor(id), d))
  expect_no_warning(nd_lm(y ~ x, d, subset = id > as64("9007199254740993")))
  expect_equal(nobs(nd_lm(y ~ x, d, subset = id > as64("9007199254740993"))), 16L)
})
