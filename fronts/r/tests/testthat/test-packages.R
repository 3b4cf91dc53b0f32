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
  # as quiet as of an lm
  for (f in list(linear[[1]], generalized[[1]])) {
    for (verb in c("tidy", "glance", "augment")) expect_silent(getExportedValue("broom", verb)(f$ours))
  }
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

test_that("car's own predictions and covariances", {
  skip_without("car")
  f <- both(nd_lm(y ~ x + a, people))
  agree(f, "Predict", function(m) car::Predict(m, people[1:4, ], se.fit = TRUE, vcov. = car::hccm))
  agree(f, "Predict without", function(m) car::Predict(m, people[1:4, ], se.fit = TRUE))
  agree(f, "hccm", car::hccm)
})

test_that("insight knows which statistic a fit has", {
  skip_without("insight")
  for (f in all_pairs) expect_identical(insight::find_statistic(f$ours), insight::find_statistic(f$r), label = f$name)
  expect_identical(insight::find_statistic(nd_glm(k ~ x, poisson, people)), "z-statistic")
  expect_identical(insight::find_statistic(nd_lm(y ~ x, people)), "t-statistic")
})

test_that("S4 methods and slots for R's classes take a fit", {
  where <- new.env()
  methods::setGeneric("kind_of_fit", function(x) standardGeneric("kind_of_fit"), where = where)
  methods::setMethod("kind_of_fit", "lm", function(x) "lm", where = where)
  expect_identical(where$kind_of_fit(nd_lm(y ~ x, people)), "lm")
  expect_identical(where$kind_of_fit(nd_lm(cbind(y, y2) ~ x, people)), "lm")
  expect_identical(where$kind_of_fit(nd_glm(k ~ x, poisson, people)), "lm")
  methods::setMethod("kind_of_fit", "glm", function(x) "glm", where = where)
  methods::setMethod("kind_of_fit", "prcomp", function(x) "prcomp", where = where)
  expect_identical(where$kind_of_fit(nd_glm(k ~ x, poisson, people)), "glm")
  expect_identical(where$kind_of_fit(nd_prcomp(people[c("x", "z")])), "prcomp")
  holder <- methods::setClass("holder_of_fits", representation(fit = "lm"), where = where)
  expect_identical(coef(holder(fit = nd_glm(k ~ x, poisson, people))@fit), coef(nd_glm(k ~ x, poisson, people)))
})

test_that("equal fits are equal", {
  fit <- nd_lm(y ~ x + a, people)
  expect_equal(fit, fit)
  expect_equal(fit, nd_lm(y ~ x + a, people))
  expect_identical(fit, nd_lm(y ~ x + a, people))
  expect_true(isTRUE(all.equal(fit, nd_lm(y ~ x + a, people))))
  expect_false(identical(fit, nd_lm(y ~ x + b, people)))
  expect_false(isTRUE(all.equal(fit, nd_lm(y ~ x + a, transform(people, y = 2 * y)))))
  late <- nd_glm(k ~ x, poisson, people)
  expect_equal(late, nd_glm(k ~ x, poisson, people))
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
