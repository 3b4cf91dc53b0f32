# One peer in R on one problem: Rscript prcomp.R PROBLEM PEER REPS
# Prints one JSON line {problem, peer, seconds, peak_kb}. A fit that takes less than a second is run once
# beforehand, so that caches are warm. Data are in memory before the clock starts.
args <- commandArgs(TRUE)
problem <- args[1]
peer <- args[2]
reps <- as.integer(args[3])
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
data <- file.path(here, "..", "data")

tall <- problem %in% c("pca_tall", "pca_steep")
size <- if (tall) c(10000, 1000) else c(50000, 200)
file <- if (tall) paste0(if (problem == "pca_tall") "pca" else "pca_steep", "_10000x1000.f64") else "dense_50000x200.f64"
x <- matrix(readBin(file.path(data, file), "double", prod(size), endian = "little"), size[1])
k <- 8
run <- switch(peer,
  "prcomp" = if (problem == "pca_rank8") function() prcomp(x, rank. = k) else function() prcomp(x),
  "irlba" = function() irlba::prcomp_irlba(x, n = k, tol = 1e-9, maxit = 10000),
  "rsvd" = function() rsvd::rpca(x, k = k, scale = FALSE),
  "RSpectra" = function() {
    s <- RSpectra::svds(x, k, nu = 0, opts = list(center = TRUE, tol = 1e-9))
    list(sdev = s$d / sqrt(nrow(x) - 1), rotation = s$v, x = sweep(x, 2, colMeans(x)) %*% s$v)
  },
  stop("unknown peer ", peer))
for (p in intersect(peer, c("irlba", "rsvd", "RSpectra"))) loadNamespace(p)
source(file.path(here, "timing.R"))
report(run, problem, peer, reps)
