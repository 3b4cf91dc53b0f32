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

n <- 50000
p <- 200
all <- matrix(readBin(file.path(data, "enet_50000x200.f64"), "double", n * (p + 2), endian = "little"), n)
x <- all[, seq_len(p)]
y <- all[, p + 1]
z <- all[, p + 2]
rm(all)
folds <- rep(1:10, length.out = n)
run <- switch(problem,
  enet_path = function() glmnet(x, y),
  enet_cv = function() cv.glmnet(x, y, foldid = folds),
  enet_alphas = function() lapply(0:10 / 10, function(a) cv.glmnet(x, y, foldid = folds, alpha = a)),
  enet_binomial = function() glmnet(x, z, family = "binomial"),
  enet_binomial_cv = function() cv.glmnet(x, z, family = "binomial", foldid = folds),
  stop("unknown problem ", problem))
source(file.path(here, "timing.R"))
report(run, problem, peer, reps)
