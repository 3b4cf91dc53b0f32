# The packages that people use, on fits of both kinds, unchanged.

pairs_of <- function(models) lapply(models, function(call) {
  f <- eval(substitute(both(call), list(call = call)))
  f$name <- paste(deparse(call), collapse = "")
  f
})
linear <- pairs_of(linear_models[c(1, 2, 4, 5, 6, 9, 10, 13)])
generalized <- pairs_of(generalized_models[c(1, 3, 5, 6, 7, 8)])
all_pairs <- c(linear, generalized)
agree <- function(f, what, fun, ...) {
  expect_same(suppressWarnings(fun(f$ours)), suppressWarnings(fun(f$r)), 1e-8, label = paste(f$name, what), ...)
}

test_that("broom", {
  skip_without("broom")
  for (f in all_pairs) {
    agree(f, "tidy", function(m) as.data.frame(broom::tidy(m)))
    agree(f, "glance", function(m) as.data.frame(broom::glance(m)))
    agree(f, "augment", function(m) as.data.frame(broom::augment(m)))
  }
  for (f in linear) agree(f, "tidy", function(m) as.data.frame(broom::tidy(m, conf.int = TRUE)))
  for (f in linear[1:2]) agree(f, "augment new", function(m) as.data.frame(broom::augment(m, newdata = people[1:9, ])))
})

test_that("sandwich", {
  skip_without("sandwich")
  for (f in all_pairs) {
    for (type in c("HC0", "HC1", "HC2", "HC3", "HC4", "const")) {
      agree(f, paste("vcovHC", type), function(m) sandwich::vcovHC(m, type = type))
    }
    agree(f, "estfun", sandwich::estfun)
    agree(f, "bread", sandwich::bread)
    if (is.null(f$r$na.action)) {
      agree(f, "vcovCL", function(m) sandwich::vcovCL(m, cluster = ~id))
      agree(f, "NeweyWest", function(m) sandwich::NeweyWest(m, lag = 3, prewhite = FALSE))
    }
  }
})

test_that("lmtest", {
  skip_without("lmtest", "sandwich")
  for (f in all_pairs) {
    agree(f, "coeftest", function(m) unclass(lmtest::coeftest(m, vcov. = sandwich::vcovHC)))
    # it evaluates the call again where it does not see the data
    if (!anyNA(coef(f$r)) && is.null(f$r$na.action)) agree(f, "waldtest", function(m) as.data.frame(lmtest::waldtest(m)))
  }
  for (f in linear) agree(f, "bptest", function(m) lmtest::bptest(m)$statistic)
})

test_that("car", {
  skip_without("car")
  for (f in all_pairs) {
    if (!anyNA(coef(f$r))) {
      agree(f, "Anova", function(m) as.data.frame(car::Anova(m)))
      if (length(attr(terms(f$r), "term.labels")) > 1) agree(f, "vif", car::vif)
    }
    if ("x" %in% names(coef(f$r))) {
      agree(f, "linearHypothesis", function(m) as.data.frame(car::linearHypothesis(m, "x = 0.5", singular.ok = TRUE)))
    }
  }
})

test_that("emmeans", {
  skip_without("emmeans")
  for (f in pairs_of(c(linear_models[c(2, 6, 10)], generalized_models[c(1, 5)]))) {
    means <- function(m) suppressMessages(emmeans::emmeans(m, "a"))
    if (!"a" %in% all.vars(formula(f$r))) next
    agree(f, "emmeans", function(m) as.data.frame(means(m)), check.attributes = FALSE)
    agree(f, "contrast", function(m) as.data.frame(emmeans::contrast(means(m), "pairwise")), check.attributes = FALSE)
  }
})

test_that("MASS", {
  skip_without("MASS")
  for (f in c(linear[1:2], generalized[c(1, 3)])) {
    agree(f, "stepAIC", function(m) coef(MASS::stepAIC(m, trace = 0)))
    agree(f, "confint", function(m) suppressMessages(confint(m)))
    agree(f, "studres", MASS::studres)
  }
  ours <- nd_glm.nb(Days ~ Sex + Age, data = MASS::quine)
  r <- MASS::glm.nb(Days ~ Sex + Age, data = MASS::quine, control = glm.control(epsilon = 1e-14, maxit = 100))
  expect_same(coef(ours), coef(r), 1e-7)
  expect_same(ours$theta, r$theta, 1e-7)
  # MASS ends its search for theta when a step is below 1e-4 of it
  expect_same(ours$SE.theta, r$SE.theta, 1e-5)
  expect_same(ours$twologlik, r$twologlik, 1e-10)
  expect_same(AIC(ours), AIC(r), 1e-9)
  expect_same(coef(summary(ours)), coef(summary(r)), 1e-6)
  expect_s3_class(ours, "negbin")
})

test_that("boot", {
  skip_without("boot")
  counts <- list(ours = nd_glm(k ~ x + a, poisson, people), name = "poisson",
                 r = glm(k ~ x + a, poisson, people, control = list(epsilon = 1e-14)))
  for (f in c(linear[1:2], list(counts))) {
    resampled <- function(m) {
      set.seed(4)
      boot::boot(people, function(d, i) { own <- d[i, ]; coef(update(m, data = own)) }, R = 8)$t
    }
    agree(f, "boot", resampled)
  }
})
