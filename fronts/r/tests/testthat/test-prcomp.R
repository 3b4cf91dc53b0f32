# Components against R's. Both are off by rounding: standard deviations by a part of the first, an axis by that over the
# distance of its standard deviation from the nearest other one. Axes are compared up to their direction.
expect_components <- function(ours, r, part = 1e-12, label = deparse(substitute(ours))[1L]) {
  fine <- function(ok, what) expect(isTRUE(ok), paste(label, what, sep = ": "))
  d <- r$sdev
  first <- max(d)
  fine(length(ours$sdev) == length(d) && all(abs(ours$sdev - d) <= part * first), "sdev")
  fine(identical(dim(ours$rotation), dim(r$rotation)), "size of rotation")
  fine(identical(dimnames(ours$rotation), dimnames(r$rotation)), "names of rotation")
  expect_same(ours$center, r$center, 1e-14, label = paste(label, "center"))
  expect_same(ours$scale, r$scale, 1e-13, label = paste(label, "scale"))
  fine(identical(is.null(ours$x), is.null(r$x)), "x or none")
  fine(identical(dimnames(ours$x), dimnames(r$x)), "names of x")
  compared <- 0L
  for (j in seq_len(ncol(r$rotation))) {
    # fewer components than columns: beside them there are axes of no variance
    gap <- min(abs(d[j] - d[-j]), if (length(d) < nrow(r$rotation)) d[j], if (length(d) == 1L) first)
    near <- part * first / gap
    if (near > 1e-4) next
    compared <- compared + 1L
    sign <- if (sum(ours$rotation[, j] * r$rotation[, j]) < 0) -1 else 1
    fine(max(abs(ours$rotation[, j] - sign * r$rotation[, j])) <= near, paste("axis", j))
    if (!is.null(r$x)) {
      size <- sqrt(max(rowSums(r$x^2), na.rm = TRUE))
      fine(identical(is.na(ours$x[, j]), is.na(r$x[, j])) &&
             max(abs(ours$x[, j] - sign * r$x[, j]), na.rm = TRUE) <= 2 * near * size, paste("scores", j))
    }
  }
  fine(compared > 0L, "an axis that is determined")
  k <- ncol(ours$rotation)
  fine(max(abs(crossprod(ours$rotation) - diag(k))) < 1e-13, "orthonormal")
}

test_that("equal results are identical, whatever time they took", {
  expect_identical(nd_prcomp(USArrests), nd_prcomp(USArrests))
  expect_equal(nd_prcomp(~ Murder + Assault, USArrests), nd_prcomp(~ Murder + Assault, USArrests))
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(nd_prcomp(USArrests), file)
  expect_gt(nd_explain(readRDS(file))$digits[1], 8)
})

test_that("the components are those of prcomp, for every way to standardize", {
  size <- c(4, 80, 14, 9)
  for (center in list(TRUE, FALSE, c(8, 170, 65, 21), c(a = 0, b = 100, c = 50, d = 20))) {
    for (scale. in list(TRUE, FALSE, size)) {
      label <- paste(deparse(center), deparse(scale.))
      ours <- nd_prcomp(USArrests, center = center, scale. = scale.)
      r <- prcomp(USArrests, center = center, scale. = scale.)
      expect_components(ours, r, label = label)
      expect_identical(names(ours), c(names(r), "nelder"))
      expect_components(nd_prcomp(as.matrix(USArrests), center = center, scale. = scale.), r, label = label)
    }
  }
  expect_s3_class(nd_prcomp(USArrests), c("nd_prcomp", "prcomp"), exact = TRUE)
})

test_that("every algorithm finds them", {
  r <- prcomp(USArrests, scale. = TRUE)
  for (algorithm in c("auto", "gram", "qr", "krylov")) {
    ours <- nd_prcomp(USArrests, scale. = TRUE, rank. = 4, algorithm = algorithm)
    expect_components(ours, r, label = algorithm)
  }
  expect_components(nd_prcomp(USArrests, scale. = TRUE, precision = "certified"), r, label = "certified")
  expect_match(nd_explain(nd_prcomp(USArrests, rank. = 2, algorithm = "krylov"))$algorithm, "krylov")
})

test_that("matrices of other shapes", {
  set.seed(2)
  wide <- matrix(rnorm(12 * 40), 12, dimnames = list(letters[1:12], NULL))
  expect_components(nd_prcomp(wide), prcomp(wide))
  expect_components(nd_prcomp(wide, center = FALSE, scale. = TRUE), prcomp(wide, center = FALSE, scale. = TRUE))
  report <- nd_explain(nd_prcomp(wide))
  # the mean takes one dimension: there is no twelfth axis
  expect_identical(report$angles[12], 1)
  expect_gt(report$digits[2], 8)
  expect_components(nd_prcomp(wide, rank. = 3), prcomp(wide, rank. = 3))
  one <- matrix(c(1, 4, 2, 8), dimnames = list(NULL, "a"))
  expect_components(nd_prcomp(one), prcomp(one))
  expect_components(nd_prcomp(c(3, 1, 4, 1, 5)), prcomp(c(3, 1, 4, 1, 5)))
  whole <- matrix(as.integer(c(1, 5, 3, 7, 2, 2, 9, 4)), 4)
  expect_components(nd_prcomp(whole), prcomp(whole))
  truth <- cbind(people$l, people$x > 0, people$z > 2)
  expect_components(nd_prcomp(truth), prcomp(truth))
  same <- cbind(a = USArrests$Murder, a = USArrests$Rape)
  expect_components(nd_prcomp(same), prcomp(same))
  d <- data.frame(l = c(TRUE, FALSE, TRUE, TRUE), i = 4:1, x = c(0.5, 2, 1, 8))
  d$m <- cbind(u = c(1, 3, 2, 2), v = c(2, 2, 0, 5))
  d$w <- matrix(c(5, 1, 1, 3), 4)
  expect_components(nd_prcomp(d), prcomp(d))
  expect_null(nd_prcomp(USArrests, retx = FALSE)$x)
})

test_that("columns far from the origin keep their digits", {
  far <- sweep(as.matrix(USArrests), 2, c(1e6, 1e7, 1e5, 1e6), "+")
  exact <- prcomp(scale(far, scale = FALSE))
  ours <- nd_prcomp(far)
  expect_lt(max(abs(ours$sdev - exact$sdev)), 1e-9)
  expect_gt(nd_explain(ours)$digits[1], 8)
})

test_that("rank. and tol leave out what R leaves out", {
  for (rank in list(1, 2L, 3.7, 4, 100)) {
    expect_components(nd_prcomp(USArrests, rank. = rank), prcomp(USArrests, rank. = rank), label = paste("rank.", rank))
  }
  for (tol in c(0, 0.05, 0.1, 0.5)) {
    expect_components(nd_prcomp(USArrests, tol = tol), prcomp(USArrests, tol = tol), label = paste("tol", tol))
  }
  expect_components(nd_prcomp(USArrests, tol = 0.05, rank. = 2), prcomp(USArrests, tol = 0.05, rank. = 2))
  # columns that are combinations of others
  expect_components(nd_prcomp(people[c("x", "z", "copy")], tol = 1e-10), prcomp(people[c("x", "z", "copy")], tol = 1e-10))
})

test_that("formulas, with rows left out", {
  formulas <- list(~ x + z, ~ x + log(z) + I(w^2), ~ . - y, ~ x:z + x, ~ poly(x, 2) + z, ~ x - w)
  d <- holes[c("x", "z", "w", "y")]
  whole <- people[c("x", "z", "w", "y")]
  for (f in formulas) {
    label <- deparse(f)
    expect_components(nd_prcomp(f, whole), prcomp(f, whole), label = label)
    if (any(grepl("poly", label))) next
    for (action in list(na.omit, na.exclude)) {
      ours <- nd_prcomp(f, data = d, na.action = action, scale. = TRUE)
      r <- prcomp(f, data = d, na.action = action, scale. = TRUE)
      expect_components(ours, r, label = label)
      expect_identical(ours$na.action, r$na.action)
      expect_identical(names(ours), c(names(r), "nelder"))
    }
    expect_components(nd_prcomp(f, d, subset = z > 2), prcomp(f, d, subset = z > 2), label = label)
  }
  expect_identical(nd_prcomp(~ x + z, people)$call, quote(nd_prcomp(formula = ~ x + z, data = people)))
  odd <- stats::setNames(people[c("x", "z")], c("a b", "c"))
  # R's formula method does not find such a name
  own <- nd_prcomp(~ ., odd)
  expect_identical(rownames(own$rotation), c("`a b`", "c"))
  expect_same(own$sdev, prcomp(odd)$sdev)
  mine <- function(d, power) nd_prcomp(~ x + I(z^power), d, rank. = 1)
  theirs <- function(d, power) prcomp(~ x + I(z^power), d, rank. = 1)
  expect_components(mine(people, 2), theirs(people, 2))
})

test_that("weights are those of moments", {
  by_hand <- function(x, w) {
    center <- colSums(w * x) / sum(w)
    z <- sweep(x, 2, center)
    own <- eigen(crossprod(z, w * z) / (sum(w != 0) - 1), symmetric = TRUE)
    list(sdev = sqrt(own$values), rotation = matrix(own$vectors, ncol(x), dimnames = list(colnames(x), paste0("PC", 1:4))),
         center = center, scale = FALSE, x = z %*% `colnames<-`(own$vectors, paste0("PC", 1:4)))
  }
  x <- as.matrix(USArrests)
  w <- rep(c(0.5, 1, 2, 0, 3), 10)
  # an eigendecomposition of the products: half the digits of what it takes the root of
  expect_components(nd_prcomp(USArrests, weights = w), by_hand(x, w), part = 1e-11)
  d <- cbind(USArrests, w = w)
  expect_components(nd_prcomp(~ Murder + Assault + UrbanPop + Rape, d, weights = w), by_hand(x, w), part = 1e-11)
  d$Murder[c(3, 8)] <- NA
  d$w[10] <- NA
  own <- nd_prcomp(~ Murder + Assault + UrbanPop + Rape, d, weights = w, na.action = na.exclude)
  kept <- stats::complete.cases(d)
  hand <- by_hand(x[kept, ], w[kept])
  hand$x <- hand$x[match(rownames(x), rownames(x)[kept]), ]
  rownames(hand$x) <- rownames(x)
  expect_components(own, hand, part = 1e-11)
  expect_identical(unclass(nd_prcomp(USArrests, weights = rep(1, 50))$sdev), nd_prcomp(USArrests)$sdev)
  # rows that are there twice, in all but the divisor
  twice <- nd_prcomp(USArrests[rep(1:50, rep(1:2, 25)), ])
  once <- nd_prcomp(USArrests, weights = rep(1:2, 25))
  expect_same(once$sdev * sqrt(49 / 74), twice$sdev, 1e-13)
})

test_that("directions: the largest loading, or R's", {
  ours <- nd_prcomp(USArrests, scale. = TRUE)
  expect_true(all(apply(ours$rotation, 2, function(v) v[which.max(abs(v))]) > 0))
  for (x in list(USArrests, as.matrix(iris[1:4]), mtcars, t(as.matrix(USArrests[1:10, ])))) {
    ours <- nd_prcomp(x, signs = "r", rank. = 3)
    r <- prcomp(x, rank. = 3)
    expect_same(ours$rotation, r$rotation, 1e-10)
    expect_same(ours$x, r$x, 1e-10)
  }
  f <- nd_prcomp(~ x + z + w, holes, signs = "r")
  expect_same(f$x, prcomp(~ x + z + w, holes)$x, 1e-10)
  ones <- rep(1, n)
  ones[9] <- NA
  expect_same(nd_prcomp(~ x + z, holes, weights = ones, signs = "r")$x[, 1],
              nd_prcomp(~ x + z, holes[-9, ], signs = "r")$x[, 1], 1e-10)
  expect_identical(abs(nd_prcomp(USArrests, signs = "computed")$rotation), abs(nd_prcomp(USArrests)$rotation))
})

test_that("sparse matrices are taken as they are", {
  skip_without("Matrix")
  set.seed(3)
  sparse <- Matrix::rsparsematrix(200, 12, 0.1)
  dimnames(sparse) <- list(paste0("r", 1:200), paste0("v", 1:12))
  dense <- as.matrix(sparse)
  shift <- seq(0.1, 1.2, 0.1)
  for (center in list(TRUE, FALSE, shift)) for (scale. in list(TRUE, FALSE, shift)) {
    expect_components(nd_prcomp(sparse, center = center, scale. = scale.), prcomp(dense, center = center, scale. = scale.))
  }
  expect_components(nd_prcomp(sparse, rank. = 3, algorithm = "krylov", retx = FALSE)[c("rotation", "center", "scale")] |>
                      c(list(sdev = prcomp(dense)$sdev)), prcomp(dense, rank. = 3, retx = FALSE), part = 1e-9)
  wide <- Matrix::t(sparse)
  expect_components(nd_prcomp(wide), prcomp(as.matrix(wide)))
  # others become one
  expect_components(nd_prcomp(methods::as(sparse, "TsparseMatrix")), prcomp(dense))
  expect_components(nd_prcomp(sparse != 0), prcomp(as.matrix(sparse != 0)))
  expect_error(nd_prcomp(sparse, weights = 1:200), "weights")
  expect_error(nd_prcomp(sparse, signs = "r"), "signs")
  expect_error(nd_prcomp(sparse, algorithm = "qr"), "algorithm")
  sparse@x[5] <- NaN
  expect_error(nd_prcomp(sparse), "row .* column")
})

test_that("a matrix of many columns gives some components, and their part of all", {
  set.seed(4)
  x <- matrix(rnorm(300 * 60), 300) %*% diag(0.8^(1:60))
  ours <- nd_prcomp(x, rank. = 4, algorithm = "krylov")
  r <- prcomp(x, rank. = 4)
  expect_length(ours$sdev, 4)
  expect_lt(max(abs(ours$sdev - r$sdev[1:4])), 1e-9 * r$sdev[1])
  expect_equal(summary(ours)$importance, summary(r)$importance[, 1:4], tolerance = 1e-5)
  report <- nd_explain(ours)
  expect_gt(report$steps, 0)
  # one line for all steps, with their sum
  steps <- sum(report$passes$pass == "krylov")
  expect_true(any(grepl(paste0("krylov, ", steps, " times"), utils::capture.output(print(report)))))
  expect_identical(nd_prcomp(x, rank. = 4, algorithm = "krylov", seed = 1)$rotation, ours$rotation)
})

test_that("R's functions work on the object", {
  ours <- nd_prcomp(USArrests, scale. = TRUE, signs = "r")
  r <- prcomp(USArrests, scale. = TRUE)
  expect_printed(ours, r)
  expect_printed(summary(ours), summary(r))
  expect_printed(summary(nd_prcomp(USArrests, rank. = 2, signs = "r")), summary(prcomp(USArrests, rank. = 2)))
  expect_printed(nd_prcomp(USArrests, rank. = 2, signs = "r"), prcomp(USArrests, rank. = 2))
  expect_same(summary(ours)$importance, summary(r)$importance)
  expect_identical(predict(ours), ours$x)
  expect_same(predict(ours, USArrests[5:9, 4:1]), predict(r, USArrests[5:9, 4:1]))
  expect_same(predict(ours, USArrests), ours$x, 1e-12)
  expect_error(predict(nd_prcomp(USArrests, retx = FALSE)), "retx=TRUE")
  drawn <- function(object) {
    file <- tempfile(fileext = ".ps")
    grDevices::postscript(file)
    plot(object, main = "")
    stats::screeplot(object, type = "lines", main = "")
    stats::biplot(object)
    grDevices::dev.off()
    readLines(file)
  }
  # coordinates are written with two decimals
  number <- "-?[0-9]+[.]?[0-9]*"
  expect_identical(gsub(number, "#", drawn(ours)), gsub(number, "#", drawn(r)))
  numbers <- function(text) as.numeric(unlist(regmatches(text, gregexpr(number, text))))
  expect_lt(max(abs(numbers(drawn(ours)) - numbers(drawn(r)))), 0.0101)
  text <- utils::capture.output(nd_explain(ours))
  expect_true(any(grepl("^algorithm", text)) && any(grepl("digits +standard deviations 1[0-9]", text)))
  expect_identical(nd_explain(ours)$passes$rows, c(50, 50))
  file <- tempfile(fileext = ".rds")
  saveRDS(ours, file)
  expect_identical(readRDS(file), ours)
})

test_that("broom reads it", {
  skip_without("broom")
  ours <- nd_prcomp(USArrests, scale. = TRUE, signs = "r")
  r <- prcomp(USArrests, scale. = TRUE)
  for (matrix in c("u", "samples", "scores", "x", "v", "rotation", "loadings", "variables", "d", "eigenvalues", "pcs")) {
    expect_same(broom::tidy(ours, matrix = matrix), broom::tidy(r, matrix = matrix), label = matrix)
  }
  expect_same(broom::augment(ours), broom::augment(r))
  expect_same(broom::augment(ours, USArrests), broom::augment(r, USArrests))
  expect_same(broom::augment(ours, newdata = USArrests[1:3, ]), broom::augment(r, newdata = USArrests[1:3, ]))
})

test_that("what cannot be done says what stands in the way", {
  d <- USArrests
  hole <- replace(d, cbind(3, 4), NA)
  expect_error(nd_prcomp(hole), "`Rape` is missing in row 3$")
  expect_error(nd_prcomp(as.matrix(hole)), "`Rape` is missing in row 3$")
  expect_error(nd_prcomp(unname(as.matrix(hole))), "`[,4]` is missing in row 3", fixed = TRUE)
  expect_error(nd_prcomp(stats::setNames(hole, c("a", "b", "c", "d e"))), "^`d e` is missing in row 3$")
  expect_error(nd_prcomp(replace(d, cbind(7, 2), Inf)), "`Assault` is infinite in row 7")
  expect_error(nd_prcomp(~ Murder + Rape, hole, na.action = na.fail), "`Rape` is missing in row Arizona")
  expect_error(nd_prcomp(~ Murder + Rape, hole, na.action = na.pass), "`Rape` is missing in row Arizona")
  expect_error(nd_prcomp(iris), "PCA applies only to numerical variables: `Species` is a factor")
  expect_error(nd_prcomp(~ Species + Sepal.Width, iris), "PCA applies only to numerical variables: `Species` is a factor")
  expect_error(nd_prcomp(data.frame(a = 1:3, s = letters[1:3])), "`s` is text")
  expect_error(nd_prcomp(~ l + x, people), "`l` is of class logical")
  expect_error(nd_prcomp(Murder ~ Rape, d), "response not allowed in formula")
  expect_error(nd_prcomp(~ 1, d), "no variables")
  expect_error(nd_prcomp(letters), "'x' must be numeric")
  expect_error(nd_prcomp(d[0, ]), "0 x 4")
  expect_error(nd_prcomp(d[, 0]), "50 x 0")
  expect_error(nd_prcomp(cbind(d, k = 1), scale. = TRUE), "constant/zero column to unit variance: `k`")
  expect_error(nd_prcomp(d, center = 1:3), "length of 'center' must equal")
  expect_error(nd_prcomp(d, scale. = 1:3), "length of 'scale.' must equal")
  expect_error(nd_prcomp(d, scale. = c(1, 0, 1, 1)), "scale.: 0 for column 2")
  expect_error(nd_prcomp(d, center = NA), "center")
  for (rank in list(0, -1, NA, 1:2, "2")) expect_error(nd_prcomp(d, rank. = rank), "rank\\.")
  expect_error(nd_prcomp(d, tol = -1), "tol")
  expect_error(nd_prcomp(d, tol = "a"), "tol")
  expect_error(nd_prcomp(d, retx = NA), "retx")
  expect_error(nd_prcomp(d, weights = 1:3), "weights: 3 numbers for 50 rows")
  expect_error(nd_prcomp(d, weights = c(-1, rep(1, 49))), "weight -1 in row 1")
  expect_error(nd_prcomp(d, weights = c(NA, rep(1, 49))), "weight NA in row 1")
  expect_error(nd_prcomp(d, weights = letters), "numeric")
  expect_error(nd_prcomp(d, signs = "up"), "signs: \"up\" is none of")
  expect_error(nd_prcomp(d, algorithm = "lanczos"), "algorithm: \"lanczos\" is none of")
  expect_error(nd_prcomp(d, algorithm = "krylov"), "rank\\.")
  expect_error(nd_prcomp(d, seed = -1), "seed")
  expect_error(nd_prcomp(d, precision = "f32"), "precision: f32")
  expect_error(nd_prcomp(d, device = "gpu"), "device: \"gpu\"")
  expect_warning(nd_prcomp(d, nonsense = 3), "extra argument .nonsense. will be disregarded")
  err <- tryCatch(nd_prcomp(iris), error = identity)
  expect_identical(as.character(conditionCall(err)[[1L]]), "nd_prcomp")
})

test_that("columns of a data frame are not copied into a matrix", {
  big <- as.data.frame(matrix(rnorm(2e6), 1e5))
  invisible(nd_prcomp(big[1:100, ], retx = FALSE))
  # what fits of other tests held is free only after their finalizers, and gone with the collection after that
  for (i in 1:3) gc()
  invisible(gc(reset = TRUE))
  before <- sum(gc()[, 2])
  fit <- nd_prcomp(big, retx = FALSE)
  # the matrix would take 16 MB
  expect_lt(sum(gc()[, 6]) - before, 4)
  expect_length(fit$sdev, 20)
})
