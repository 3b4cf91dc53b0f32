# Paths of several responses, beside glmnet's with a threshold at which its iterations have settled.
set.seed(17)
mx <- matrix(rnorm(1200), 120)
mc <- factor(c("low", "mid", "top")[1 + (mx[, 1] + rnorm(120) > 0) + (mx[, 2] + rnorm(120) > 0.6)], c("low", "mid", "top"))
mt <- cbind(a = rpois(120, 2), b = rpois(120, exp(mx[, 1] / 2)), c = rpois(120, 1))
my <- cbind(u = mx[, 1] + rnorm(120), v = mx[, 3] - mx[, 1] / 2 + 3 * rnorm(120))
mw <- runif(120, 0.5, 2)
mo <- matrix(rnorm(360) / 3, 120)

same_multi <- function(..., within = 3e-6) {
  ours <- suppressWarnings(nd_glmnet(..., thresh = 1e-14))
  theirs <- suppressWarnings(glmnet::glmnet(..., thresh = 1e-14))
  expect_identical(class(ours)[-1L], class(theirs))
  expect_identical(setdiff(names(ours), "nelder"), names(theirs))
  expect_equal(ours$lambda, theirs$lambda, tolerance = 1e-10)
  expect_identical(ours$df, theirs$df)
  expect_equal(ours$dfmat, theirs$dfmat)
  expect_identical(dimnames(ours$dfmat), dimnames(theirs$dfmat))
  expect_identical(dimnames(ours$a0), dimnames(theirs$a0))
  expect_identical(names(ours$beta), names(theirs$beta))
  for (k in seq_along(ours$beta)) {
    expect_identical(dimnames(ours$beta[[k]]), dimnames(theirs$beta[[k]]))
    expect_lt(max(abs(ours$beta[[k]] - theirs$beta[[k]])), within)
  }
  expect_lt(max(abs(ours$a0 - theirs$a0)), within)
  expect_lt(max(abs(ours$dev.ratio - theirs$dev.ratio)), 1e-6)
  expect_equal(ours$nulldev, theirs$nulldev, tolerance = 1e-10)
  for (part in c("dim", "jerr", "offset", "nobs", "classnames", "grouped")) expect_identical(ours[[part]], theirs[[part]])
}

test_that("paths of several responses are glmnet's", {
  skip_without("glmnet", "Matrix")
  same_multi(mx, my, family = "mgaussian")
  same_multi(mx, my, family = "mgaussian", weights = mw, alpha = 0.3, offset = mo[, 1:2])
  same_multi(mx, my, family = "mgaussian", standardize.response = TRUE, penalty.factor = c(0, rep(1, 9)))
  for (type in c("ungrouped", "grouped")) {
    same_multi(mx, mc, family = "multinomial", type.multinomial = type, nlambda = 20, lambda.min.ratio = 0.02)
    same_multi(mx, mc, family = "multinomial", type.multinomial = type, nlambda = 20, lambda.min.ratio = 0.02, alpha = 0.4,
               weights = mw, offset = mo)
  }
  same_multi(mx, mt, family = "multinomial", nlambda = 12, lambda.min.ratio = 0.05)
  same_multi(mx, unname(mt), family = "multinomial", nlambda = 6, lambda.min.ratio = 0.1, upper.limits = 0.1)
})

test_that("predictions of several responses are glmnet's", {
  skip_without("glmnet", "Matrix")
  for (more in list(list(y = mc, family = "multinomial"), list(y = mc, family = "multinomial", type.multinomial = "grouped"),
                    list(y = my, family = "mgaussian"))) {
    arguments <- c(list(x = mx, thresh = 1e-14, nlambda = 15, lambda.min.ratio = 0.05), more)
    ours <- do.call(nd_glmnet, arguments)
    theirs <- do.call(glmnet::glmnet, arguments)
    for (s in list(NULL, c(0.05, 0.0123, 4))) {
      for (type in c("link", "response")) {
        expect_equal(predict(ours, mx, s = s, type = type), predict(theirs, mx, s = s, type = type), tolerance = 1e-5)
      }
      # without `s` the row of the intercept has no name in glmnet
      bare <- function(beta) lapply(beta, function(b) unname(as.matrix(b)))
      expect_equal(bare(coef(ours, s = s)), bare(coef(theirs, s = s)), tolerance = 1e-5)
      expect_identical(rownames(coef(ours, s = s)[[1L]])[1:2], c("(Intercept)", "V1"))
    }
    if (more$family == "multinomial") {
      expect_identical(predict(ours, mx, s = c(0.05, 0.02), type = "class"),
                       predict(theirs, mx, s = c(0.05, 0.02), type = "class"))
      expect_identical(glmnet::confusion.glmnet(ours, mx, mc, s = 0.05), glmnet::confusion.glmnet(theirs, mx, mc, s = 0.05))
    }
    y <- more$y
    expect_equal(unlist(glmnet::assess.glmnet(ours, mx, y)), unlist(glmnet::assess.glmnet(theirs, mx, y)), tolerance = 1e-5)
    expect_output(print(ours), "%Dev")
  }
  expect_identical(family(ours), "mgaussian")
})

test_that("cross-validation of several responses is cv.glmnet's", {
  skip_without("glmnet", "Matrix")
  for (more in list(list(y = my, family = "mgaussian"), list(y = my, family = "mgaussian", type.measure = "mae"),
                    list(y = mc, family = "multinomial"), list(y = mc, family = "multinomial", type.measure = "class"),
                    list(y = mc, family = "multinomial", type.multinomial = "grouped", type.measure = "mse"))) {
    arguments <- c(list(x = mx, thresh = 1e-14, nlambda = 12, lambda.min.ratio = 0.05, nfolds = 4), more)
    set.seed(3)
    ours <- suppressWarnings(do.call(nd_cv_glmnet, arguments))
    set.seed(3)
    theirs <- suppressWarnings(do.call(glmnet::cv.glmnet, arguments))
    expect_identical(names(ours), names(theirs))
    expect_identical(ours$name, theirs$name)
    expect_identical(ours$index, theirs$index)
    expect_equal(ours$cvm, unname(theirs$cvm), tolerance = 1e-5)
    expect_equal(ours$cvsd, unname(theirs$cvsd), tolerance = 1e-5)
    # cv.glmnet counts the intercept where the penalty is of rows
    rows <- if (inherits(ours$glmnet.fit, "mrelnet") || ours$glmnet.fit$grouped) 1 else 0
    expect_equal(ours$nzero + rows, theirs$nzero)
    expect_equal(predict(ours, mx[1:3, ], s = "lambda.min"), predict(theirs, mx[1:3, ], s = "lambda.min"), tolerance = 1e-5)
  }
})

test_that("classes of a formula are its response's levels", {
  skip_without("Matrix")
  fit <- nd_glmnet(Species ~ ., iris, family = "multinomial", type.multinomial = "grouped", lambda = c(0.1, 0.02))
  expect_identical(fit$classnames, levels(iris$Species))
  right <- predict(fit, iris, s = 0.02, type = "class")[, 1] == iris$Species
  expect_gt(mean(right), 0.94)
  expect_lt(max(abs(Reduce(`+`, lapply(fit$beta, as.matrix)))), 1e-8)
  both <- nd_glmnet(cbind(Sepal.Length, Sepal.Width) ~ Species + Petal.Length, iris, family = "mgaussian", lambda = c(0.1, 0.02))
  expect_identical(names(both$beta), c("Sepal.Length", "Sepal.Width"))
  expect_identical(rownames(both$beta[[1]])[1:3], paste0("Species", levels(iris$Species)))
  expect_identical(dim(predict(both, iris[1:5, ], s = 0.05)), c(5L, 2L, 1L))
})

test_that("classes that are none are refused in words", {
  skip_without("Matrix")
  one <- factor(rep("a", 120))
  expect_error(nd_glmnet(mx, one, family = "multinomial"), "one class")
  rare <- factor(rep(c("a", "b", "c"), c(60, 59, 1)))
  expect_error(nd_glmnet(mx, rare, family = "multinomial"), "1 or 0 observations; not allowed: .*\"c\" has 1")
  expect_warning(nd_glmnet(mx, factor(rep(c("a", "b", "c"), c(60, 55, 5))), family = "multinomial", nlambda = 3), "dangerous ground")
  expect_error(nd_glmnet(mx, replace(mt, 5, -1), family = "multinomial"), "-1 in row 5")
  expect_error(nd_glmnet(mx, mc, family = "multinomial", offset = mo[, 1]), "same shape")
  expect_error(nd_glmnet(mx, mc, family = "multinomial", type.multinomial = "group"), "neither \"ungrouped\" nor \"grouped\"")
  expect_error(nd_glmnet(mx, my[, 1], family = "mgaussian"), "a matrix of numbers")
  expect_error(nd_glmnet(mx, my, family = "gaussian"), "\"mgaussian\" takes several")
  two <- factor(rep(c("a", "b", "c"), c(60, 58, 2)))
  expect_error(suppressWarnings(nd_cv_glmnet(mx, two, family = "multinomial", foldid = rep(1:4, 30))), "in the rows without fold")
})

test_that("paths of several responses are drawn", {
  skip_without("Matrix")
  fit <- nd_glmnet(mx, my, family = "mgaussian")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (type in c("coef", "2norm")) expect_silent(plot(fit, type.coef = type))
  expect_output(print(nd_explain(fit)), "group descent")
})

test_that("offsets of classes and responses go with a formula", {
  skip_without("Matrix")
  d <- data.frame(class = mc, mx)
  d$shift <- mo
  of_matrix <- nd_glmnet(mx, mc, family = "multinomial", offset = mo, thresh = 1e-12)
  for (fit in list(nd_glmnet(class ~ . - shift, d, family = "multinomial", offset = shift, thresh = 1e-12),
                   nd_glmnet(class ~ . - shift + offset(shift), d, family = "multinomial", thresh = 1e-12))) {
    expect_true(fit$offset)
    expect_equal(fit$lambda, of_matrix$lambda, tolerance = 1e-10)
    for (k in seq_along(fit$beta)) expect_equal(as.matrix(fit$beta[[k]]), as.matrix(of_matrix$beta[[k]]), tolerance = 1e-8, ignore_attr = TRUE)
    own <- predict(fit, d[1:4, ], s = 0.05, newoffset = mo[1:4, ])
    expect_equal(own, predict(of_matrix, mx[1:4, ], s = 0.05, newoffset = mo[1:4, ]), tolerance = 1e-8, ignore_attr = TRUE)
  }
  # the formula's own offset is in the new data
  expect_equal(predict(fit, d[1:4, ], s = 0.05), own)
  d$shift[3, 2] <- NA
  folds <- nd_cv_glmnet(class ~ . - shift, d, family = "multinomial", offset = shift, foldid = rep(1:4, length.out = 120), keep = TRUE)
  without <- nd_cv_glmnet(mx[-3, ], mc[-3], family = "multinomial", offset = mo[-3, ], foldid = rep(1:4, length.out = 120)[-3], keep = TRUE)
  expect_equal(folds$cvm, without$cvm, tolerance = 1e-8)
  expect_equal(folds$fit.preval, without$fit.preval, tolerance = 1e-6, ignore_attr = TRUE)
  d$a <- my[, 1]
  d$b <- my[, 2]
  pairs <- nd_cv_glmnet(cbind(a, b) ~ X1 + X2 + X3, d, family = "mgaussian", offset = shift[, 1:2], foldid = rep(1:4, length.out = 120), keep = TRUE)
  without <- nd_cv_glmnet(mx[-3, 1:3], my[-3, 1:2], family = "mgaussian", offset = mo[-3, 1:2], foldid = rep(1:4, length.out = 120)[-3], keep = TRUE)
  expect_equal(pairs$cvm, without$cvm, tolerance = 1e-8)
  expect_equal(pairs$fit.preval, without$fit.preval, tolerance = 1e-6, ignore_attr = TRUE)
  expect_error(nd_glmnet(class ~ . - shift, d, family = "multinomial", offset = shift[, 1]), "same shape")
})

test_that("the order of rows and classes, and rows of weight two, change nothing", {
  skip_without("Matrix")
  turn <- c(60:120, 1:59)
  twice <- c(seq_len(120), seq(1, 120, 3))
  weights <- rep(c(2, 1, 1), 40)
  for (type in c("ungrouped", "grouped")) {
    path <- function(x, y, ...) nd_glmnet(x, y, family = "multinomial", type.multinomial = type, alpha = 0.5, thresh = 1e-14, nlambda = 20, ...)
    same <- function(one, two, classes = names(one$beta), columns = seq_len(ncol(mx))) {
      expect_equal(one$lambda, two$lambda, tolerance = 1e-10)
      for (k in classes) expect_equal(as.matrix(one$beta[[k]]), as.matrix(two$beta[[k]])[columns, ], tolerance = 1e-7, ignore_attr = TRUE)
    }
    fit <- path(mx, mc)
    same(fit, path(mx[turn, ], mc[turn]))
    same(fit, path(mx, factor(mc, rev(levels(factor(mc))))))
    same(fit, path(mx[, rev(seq_len(ncol(mx)))], mc), columns = rev(seq_len(ncol(mx))))
    same(path(mx, mc, weights = weights), path(mx[twice, ], mc[twice]))
  }
})
