# One peer in R on one problem: Rscript glmnet.R PROBLEM PEER REPS
# Prints one JSON line {problem, peer, seconds, peak_kb}. A fit that takes less than a second is run once
# beforehand, so that caches are warm. Data are in memory before the clock starts.
args <- commandArgs(TRUE)
problem <- args[1]
peer <- args[2]
reps <- as.integer(args[3])
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
data <- file.path(here, "..", "data")
suppressMessages(library(glmnet))

shape <- switch(problem,
  enet_wide = , enet_wide_exact = , enet_wide_binomial = list("enet_1000x100000.f64", 1000L, 100000L),
  enet_ar99 = list("enet_ar99_1000x20000.f64", 1000L, 20000L),
  enet_ar99_binomial = list("enet_ar99_50000x200.f64", 50000L, 200L),
  enet_large_cv = list("enet_250000x800.f64", 250000L, 800L),
  enet_sparse = list("enet_sparse_5000x100000.csc", 5000L, 100000L),
  list("enet_50000x200.f64", 50000L, 200L))
file <- file.path(data, shape[[1L]])
n <- shape[[2L]]
p <- shape[[3L]]
if (problem == "enet_sparse") {
  f <- file(file, "rb")
  starts <- readBin(f, "integer", p + 1L, endian = "little")
  rows <- readBin(f, "integer", starts[p + 1L], endian = "little")
  values <- readBin(f, "double", starts[p + 1L], endian = "little")
  y <- readBin(f, "double", n, endian = "little")
  close(f)
  x <- new("dgCMatrix", p = starts, i = rows, x = values, Dim = c(n, p))
} else {
  f <- file(file, "rb")
  x <- matrix(readBin(f, "double", n * p, endian = "little"), n)
  y <- readBin(f, "double", n, endian = "little")
  z <- readBin(f, "double", n, endian = "little")
  close(f)
}
folds <- rep(1:10, length.out = n)
run <- switch(problem,
  enet_cv = , enet_large_cv = function() cv.glmnet(x, y, foldid = folds),
  enet_alphas = function() lapply(0:10 / 10, function(a) cv.glmnet(x, y, foldid = folds, alpha = a)),
  enet_binomial = , enet_wide_binomial = , enet_ar99_binomial = function() glmnet(x, z, family = "binomial"),
  enet_binomial_cv = function() cv.glmnet(x, z, family = "binomial", foldid = folds),
  enet_wide_exact = function() glmnet(x, y, thresh = 1e-14),
  enet_path = , enet_wide = , enet_ar99 = , enet_sparse = function() glmnet(x, y),
  stop("unknown problem ", problem))
source(file.path(here, "timing.R"))
report(run, problem, peer, reps)
