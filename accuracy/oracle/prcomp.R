# Principal components: centres, scales, ranks, weights, missing values, columns of all sizes, ranks that are not full.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))

# Gaps between neighbouring singular values below this part of the first leave an axis to rounding: it is null.
DETERMINED <- 1e-4

# One case. `options`: center, scale (TRUE, FALSE or a number for each column), tol, rank, na, subset, weights. R's prcomp has
# no weights: with them the expectation is from singular values of the weighted rows about the weighted means.
case_pca <- function(name, data, formula, options = list()) {
  d <- read_data(data)
  center <- if (is.null(options$center)) TRUE else options$center
  scale <- if (is.null(options$scale)) FALSE else options$scale
  rows <- if (is.null(options$subset)) d else d[which(with(d, eval(str2lang(options$subset)))), ]
  if (!is.null(options$weights)) {
    x <- model.matrix(update(as.formula(formula), ~ . - 1), model.frame(as.formula(formula), rows))
    w <- with(rows, eval(str2lang(options$weights)))
    # rows of weight zero have scores
    used <- w > 0
    middle <- colSums(w[used] * x[used, ]) / sum(w[used])
    x <- sweep(x, 2, middle)
    if (isTRUE(scale)) {
      scale <- sqrt(colSums(w[used] * x[used, ]^2) / (sum(used) - 1))
      x <- sweep(x, 2, scale, "/")
    }
    s <- svd(sqrt(w[used]) * x[used, ], nu = 0)
    v <- s$v
    dimnames(v) <- list(colnames(x), paste0("PC", seq_len(ncol(v))))
    p <- list(sdev = s$d / sqrt(max(1, sum(used) - 1)), rotation = v, center = middle, scale = scale, x = x %*% v)
  } else {
    call <- list(quote(prcomp), as.formula(formula), data = rows, center = center, scale. = scale)
    call$na.action <- as.name(paste0("na.", if (is.null(options$na)) "omit" else options$na))
    if (!is.null(options$tol)) call$tol <- options$tol
    if (!is.null(options$rank)) call$rank. <- options$rank
    p <- tryCatch(eval(as.call(call)), error = function(e) conditionMessage(e))
  }
  one <- list(name = name, kind = "prcomp", data = paste0("data/", data, ".csv"), formula = formula, options = option_json(
    lapply(options, function(o) if (length(o) > 1) arr(o) else o)))
  if (is.character(p)) return(do.call(add, c(one, list(noise = 1, error = p))))
  full <- p$sdev
  gaps <- -diff(full) / full[1]
  k <- ncol(p$rotation)
  # what two runs may differ by: axes by the reciprocal of their gap
  around <- pmin(c(Inf, gaps), c(gaps, if (nrow(p$rotation) > length(full)) full[length(full)] / full[1] else Inf))[seq_len(k)]
  around[!is.finite(around)] <- 1
  known <- around > DETERMINED
  flip <- apply(p$rotation, 2, function(v) { big <- which(abs(v) >= max(abs(v)) * (1 - 1e-9))[1]; if (v[big] < 0) -1 else 1 })
  v <- sweep(p$rotation, 2, ifelse(known, flip, NA), "*")
  x <- sweep(p$x, 2, ifelse(known, flip, NA), "*")
  # the space of the first axes before the widest gap
  usable <- gaps[seq_len(min(k, length(gaps)))]
  lead <- if (length(usable)) which.max(usable) else 1
  first <- p$rotation[, seq_len(lead), drop = FALSE]
  logical_or <- function(v) if (identical(v, FALSE)) NULL else arr(v)
  expected <- list(columns = arr(rownames(p$rotation)), sdev = arr(full), components = k, gaps = arr(around),
    rotation = arr(unname(v)), x = arr(unname(head(x, ROWS))), n_x = nrow(x), lead = lead,
    lead_gap = if (length(usable)) max(usable) else 1, projector = arr(unname(first %*% t(first))))
  expected["center"] <- list(logical_or(p$center))
  expected["scale"] <- list(logical_or(p$scale))
  do.call(add, c(one, list(noise = 8 / min(around[known], 1), expected = expected)))
}

data_file("arrests", data.frame(Murder = USArrests$Murder, Assault = USArrests$Assault, UrbanPop = USArrests$UrbanPop,
  Rape = USArrests$Rape))
arrests <- "~ Murder + Assault + UrbanPop + Rape"
case_pca("arrests", "arrests", arrests)
case_pca("arrests, scaled", "arrests", arrests, list(scale = TRUE))
case_pca("arrests, not centred", "arrests", arrests, list(center = FALSE))
case_pca("arrests, scaled by root mean squares", "arrests", arrests, list(center = FALSE, scale = TRUE))
case_pca("centres and scales as given", "arrests", arrests, list(center = c(7, 170, 65, 21), scale = c(4, 80, 14, 9)))
case_pca("centres as given, deviations about them", "arrests", arrests, list(center = c(7, 170, 65, 21), scale = TRUE))
case_pca("rank 2", "arrests", arrests, list(rank = 2))
case_pca("tol leaves one out", "arrests", arrests, list(tol = 0.05))
case_pca("tol and rank", "arrests", arrests, list(tol = 0.05, rank = 3, scale = TRUE))
case_pca("weighted", "arrests", arrests, list(weights = "Rape"))
case_pca("weighted and scaled", "arrests", arrests, list(weights = "Rape", scale = TRUE))
case_pca("weights of zero", "arrests", arrests, list(weights = "UrbanPop - 66 + abs(UrbanPop - 66)"))
case_pca("functions of columns", "arrests", "~ Murder + log(Assault) + I(UrbanPop^2) + Rape", list(scale = TRUE))
case_pca("a subset", "arrests", arrests, list(subset = "UrbanPop > 60"))
case_pca("as many rows as columns", "arrests", arrests, list(subset = "Rape < 9.4"))
case_pca("fewer rows than columns", "arrests", arrests, list(subset = "Rape < 8.5"))
case_pca("two rows", "arrests", arrests, list(subset = "Rape < 8"))
case_pca("one column", "arrests", "~ Assault")

set.seed(61)
n <- 60
d <- as.data.frame(matrix(dyadic(rnorm(n * 5)), n, dimnames = list(NULL, paste0("x", 1:5))))
d$x2 <- dyadic(0.9 * d$x1 + 0.3 * d$x2)
d$sum <- d$x1 + d$x2 + d$x3
d$twice <- 2 * d$x1
d$constant <- 3
d$zero <- 0
d$far <- d$x4 + 2^26
d$tiny <- d$x3 * 2^-498
d$huge <- d$x5 * 2^498
d$w <- dyadic(runif(n, 0.25, 4))
d$m <- ifelse(seq_len(n) %% 11 == 3, NA, d$x5)
d$l <- ifelse(seq_len(n) %% 13 == 5, NA, d$x3)
data_file("pca", d)
case_pca("rank deficient", "pca", "~ x1 + x2 + x3 + x4 + sum")
case_pca("rank deficient, scaled", "pca", "~ x1 + twice + x2 + x3 + sum", list(scale = TRUE))
case_pca("rank deficient, weighted", "pca", "~ x1 + x2 + x3 + sum", list(weights = "w"))
case_pca("rank deficient, tol", "pca", "~ x1 + x2 + x3 + x4 + sum", list(tol = 1e-8))
case_pca("a constant column", "pca", "~ x1 + constant + x3")
case_pca("a constant column, scaled", "pca", "~ x1 + constant + x3", list(scale = TRUE))
case_pca("a column of zeros, scaled", "pca", "~ x1 + zero", list(scale = TRUE, center = FALSE))
case_pca("mean 1e8 deviations", "pca", "~ x1 + far + x3")
case_pca("mean 1e8 deviations, not centred", "pca", "~ x1 + far + x3", list(center = FALSE))
case_pca("1e-150 beside 1", "pca", "~ x1 + tiny + x4")
case_pca("1e-150 beside 1, scaled", "pca", "~ x1 + tiny + x4", list(scale = TRUE))
case_pca("1e150 beside 1, scaled", "pca", "~ x1 + huge + x4", list(scale = TRUE))
case_pca("missing values left out", "pca", "~ x1 + m + x4 + l")
case_pca("missing values excluded", "pca", "~ x1 + m + x4 + l", list(na = "exclude"))

# Repeated singular values: a design of Hadamard, whose columns are orthogonal
h <- matrix(c(1, 1, 1, -1), 2)
h <- h %x% h %x% h %x% h
data_file("pca_hadamard", as.data.frame(sweep(h[, 2:7], 2, c(4, 2, 2, 2, 1, 1), "*")))
case_pca("repeated singular values", "pca_hadamard", "~ V1 + V2 + V3 + V4 + V5 + V6")

# Columns of geometrically falling parts down to 1e-15, mixed by a rotation: R itself is right to units of the first
q <- qr.Q(qr(matrix(rnorm(80 * 16), 80)))
r <- qr.Q(qr(matrix(rnorm(16 * 16), 16)))
data_file("pca_decay", as.data.frame(q %*% (10^(1 - (1:16)) * t(r))))
decay <- paste("~", paste0("V", 1:16, collapse = " + "))
case_pca("geometric decay to 1e-15", "pca_decay", decay)
case_pca("geometric decay, not centred", "pca_decay", decay, list(center = FALSE))

# Columns of an autoregression of 0.99
e <- matrix(rnorm(50 * 12), 50)
for (j in 2:12) e[, j] <- 0.99 * e[, j - 1] + sqrt(1 - 0.99^2) * e[, j]
data_file("pca_ar", as.data.frame(dyadic(e, 20)))
case_pca("autoregression of 0.99", "pca_ar", paste("~", paste0("V", 1:12, collapse = " + ")))
case_pca("autoregression of 0.99, scaled, rank 5", "pca_ar", paste("~", paste0("V", 1:12, collapse = " + ")),
  list(scale = TRUE, rank = 5))

# More columns than rows
data_file("pca_wide", as.data.frame(matrix(dyadic(rnorm(8 * 20)), 8)))
wide <- paste("~", paste0("V", 1:20, collapse = " + "))
case_pca("8 x 20", "pca_wide", wide)
case_pca("8 x 20, not centred", "pca_wide", wide, list(center = FALSE))
case_pca("8 x 20, rank 3", "pca_wide", wide, list(rank = 3))
finish()
