# R's glm on one problem: Rscript glm.R PROBLEM glm REPS
# Prints one JSON line {problem, peer, seconds, peak_kb}. A fit that takes less than a second is run once
# beforehand, so that caches are warm. Data are in memory before the clock starts.
args <- commandArgs(TRUE)
problem <- args[1]
peer <- args[2]
reps <- as.integer(args[3])
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
data <- file.path(here, "..", "data")
size <- switch(problem, glm_tall = c(100000, 10), glm_wide = c(50000, 200), stop("unknown problem ", problem))
file <- switch(problem, glm_tall = "glm_100000x10.f64", glm_wide = "glm_50000x200.f64")
raw <- readBin(file.path(data, file), "double", size[1] * (size[2] + 1), endian = "little")
x <- matrix(raw[seq_len(size[1] * size[2])], size[1])
y <- raw[size[1] * size[2] + seq_len(size[1])]
rm(raw)
if (peer != "glm") stop("unknown peer ", peer)
run <- function() summary(glm(y ~ x, binomial))
source(file.path(here, "timing.R"))
report(run, problem, peer, reps)
