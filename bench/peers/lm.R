# One peer in R on one problem: Rscript lm.R PROBLEM PEER REPS
# Prints one JSON line {problem, peer, seconds, peak_kb}. A fit that takes less than a second is run once
# beforehand, so that caches are warm. Data are in memory before the clock starts.
args <- commandArgs(TRUE)
problem <- args[1]
peer <- args[2]
reps <- as.integer(args[3])
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
data <- file.path(here, "..", "data")

if (problem == "dense") {
  n <- 50000
  p <- 200
  raw <- readBin(file.path(data, "dense_50000x200.f64"), "double", n * (p + 1), endian = "little")
  x <- matrix(raw[seq_len(n * p)], n)
  y <- raw[n * p + seq_len(n)]
  rm(raw)
  full <- function() summary(lm(y ~ x))
  if (peer != "lm") x <- cbind(1, x)
} else if (problem == "flights") {
  d <- read.csv(file.path(data, "flights.csv"))
  full <- function() summary(lm(arr_delay ~ dep_delay + factor(paste(month, day)), d))
  if (peer != "lm") {
    # these take a matrix: making it is not counted
    f <- model.frame(arr_delay ~ dep_delay + factor(paste(month, day)), d)
    x <- model.matrix(attr(f, "terms"), f)
    y <- model.response(f)
    rm(d, f)
  }
} else stop("unknown problem ", problem)

run <- switch(peer,
  "lm" = full,
  ".lm.fit" = function() .lm.fit(x, y),
  "fastLmPure" = function() RcppArmadillo::fastLmPure(x, y),
  stop("unknown peer ", peer))
if (peer == "fastLmPure") loadNamespace("RcppArmadillo")
source(file.path(here, "timing.R"))
report(run, problem, peer, reps)
