# Paths that are kept in a file predict in a process that never fitted one.

# The value of an expression over `kept`, what a file holds, in a new process that has loaded nothing but the package.
elsewhere <- function(kept, expr) {
  file <- tempfile(fileext = ".rds")
  script <- tempfile(fileext = ".R")
  out <- tempfile(fileext = ".rds")
  on.exit(unlink(c(file, script, out)))
  saveRDS(kept, file)
  path <- function(p) deparse(normalizePath(p, "/", mustWork = FALSE))
  writeLines(c(paste0(".libPaths(c(", paste(vapply(.libPaths(), path, ""), collapse = ", "), "))"),
               "library(nelder)", paste0("kept <- readRDS(", path(file), ")"),
               paste0("value <- ", paste(deparse(expr), collapse = "\n")), paste0("saveRDS(value, ", path(out), ")")), script)
  said <- suppressWarnings(system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(script)), stdout = TRUE, stderr = TRUE))
  if (!file.exists(out)) stop(paste(said, collapse = "\n"))
  readRDS(out)
}

test_that("paths of formulas with factors predict in a new process", {
  skip_without("Matrix")
  new <- people[c(3, 40, 77), ]
  fit <- nd_glmnet(y ~ x + a + s + l + log(z), people, nlambda = 20)
  cv <- nd_cv_glmnet(bin ~ x + a * l + offset(z / 10), people, family = "binomial", nlambda = 15, nfolds = 4)
  kept <- list(fit = fit, cv = cv, new = new)
  expr <- quote(list(
    link = predict(kept$fit, newdata = kept$new, s = 0.05), all = predict(kept$fit, newdata = kept$new),
    coef = as.matrix(coef(kept$fit, s = 0.05)), class = predict(kept$cv, newdata = kept$new, s = "lambda.min", type = "class"),
    mean = predict(kept$cv, newdata = kept$new, s = 0.02, type = "response"),
    odd = tryCatch(predict(kept$fit, newdata = transform(kept$new, s = "pink")), error = conditionMessage)))
  found <- elsewhere(kept, expr)
  expect_equal(found, eval(expr))
  expect_match(found$odd, "pink")
})

test_that("paths of matrices predict in a new process", {
  skip_without("Matrix", "survival")
  x <- as.matrix(people[c("x", "z", "w")])
  kept <- list(new = x[1:4, ],
               m = nd_glmnet(x, people$a, family = "multinomial", nlambda = 10),
               g = nd_glmnet(x, cbind(people$y, people$y2), family = "mgaussian", nlambda = 10),
               c = nd_glmnet(x, survival::Surv(people$pos, people$bin), family = "cox", nlambda = 10),
               k = nd_glmnet(x, people$k, family = "poisson", offset = people$x, nlambda = 10))
  expr <- quote(list(
    m = predict(kept$m, kept$new, s = 0.02, type = "response"), class = predict(kept$m, kept$new, s = 0.02, type = "class"),
    g = predict(kept$g, kept$new, s = 0.02), c = predict(kept$c, kept$new, s = 0.02, type = "response"),
    k = predict(kept$k, kept$new, s = 0.02, newoffset = kept$new[, "x"], type = "response"),
    nonzero = predict(kept$g, s = 0.02, type = "nonzero")))
  expect_equal(elsewhere(kept, expr), eval(expr))
})
