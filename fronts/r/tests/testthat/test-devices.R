# Fits whose passes run behind the verbs of a device: the CPU's own, and a GPU where NELDER_TEST_DEVICE names one.

test_that("a device gives the numbers of the CPU", {
  devices <- c("host", Sys.getenv("NELDER_TEST_DEVICE"))
  for (device in devices[nzchar(devices)]) {
    for (model in list(y ~ x + a, y ~ x * a + log(w), cbind(y, z) ~ x + poly(z, 2), y ~ x + offset(z))) {
      for (data in list(people, holes)) {
        own <- nd_lm(model, data, device = "cpu")
        other <- nd_lm(model, data, device = device)
        expect_equal(coef(other), coef(own), tolerance = 1e-11)
        expect_equal(vcov(other), vcov(own), tolerance = 1e-10)
        expect_equal(residuals(other), residuals(own), tolerance = 1e-10)
        expect_equal(predict(other, head(data), na.action = na.pass), predict(own, head(data), na.action = na.pass),
                     tolerance = 1e-11)
      }
    }
    own <- nd_glm(k ~ x + a, poisson, people, device = "cpu")
    other <- nd_glm(k ~ x + a, poisson, people, device = device)
    expect_equal(coef(other), coef(own), tolerance = 1e-10)
    expect_equal(deviance(other), deviance(own), tolerance = 1e-11)
  }
})

test_that("where a fit ran is in its report, and devices are listed", {
  expect_identical(nd_explain(nd_lm(y ~ x, people))$device, "cpu")
  found <- nd_devices()
  expect_identical(found$device[1L], "cpu")
  expect_true(found$gb_per_s[1L] > 0)
  # a device or what is missing of it
  expect_true(all(is.na(found$name) != is.na(found$missing)))
  expect_output(print(found), "GB/s")
  with_option <- function(value) { old <- options(nelder.device = value); on.exit(options(old)); nd_lm(y ~ x, people) }
  expect_error(with_option("gpu"), "device")
  expect_s3_class(with_option("host"), "nd_lm")
})
