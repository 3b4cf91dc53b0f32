# The R package beside R's own functions, in one process: `cargo xtask bench r`.
#
# Arguments: the folder of the data, the library that holds the package, repetitions. Prints one line of JSON.
args <- commandArgs(TRUE)
data <- args[1]
reps <- as.integer(args[3])
loading <- system.time(library(nelder, lib.loc = args[2]))[["elapsed"]]
options(digits = 7)

matrix_of <- function(file, n, p) {
  raw <- readBin(file.path(data, file), "double", n * (p + 1))
  frame <- as.data.frame(matrix(raw, n))
  names(frame)[p + 1] <- "y"
  frame
}
flights <- read.csv(file.path(data, "flights.csv"))
dense <- matrix_of("dense_50000x200.f64", 50000, 200)
columns <- dense[-201]
binary <- matrix_of("glm_100000x10.f64", 100000, 10)

printed <- function(fit) capture.output(print(summary(fit)))
problems <- list(
  flights = list(
    ours = function() printed(nd_lm(arr_delay ~ dep_delay + factor(paste(month, day)), flights)),
    r = function() printed(lm(arr_delay ~ dep_delay + factor(paste(month, day)), flights))),
  paste = list(ours = function() with(flights, factor(paste(month, day)))),
  dense = list(ours = function() nd_lm(y ~ ., dense), r = function() lm(y ~ ., dense)),
  dense_summary = list(ours = function() printed(nd_lm(y ~ ., dense)), r = function() printed(lm(y ~ ., dense))),
  glm = list(ours = function() nd_glm(y ~ ., binomial, binary), r = function() glm(y ~ ., binomial, binary)),
  glm_summary = list(ours = function() printed(nd_glm(y ~ ., binomial, binary)),
                     r = function() printed(glm(y ~ ., binomial, binary))),
  pca = list(ours = function() nd_prcomp(columns), r = function() prcomp(columns)),
  pca_rank8 = list(ours = function() nd_prcomp(columns, rank. = 8), r = function() prcomp(columns, rank. = 8)))

timed <- function(fun, times) vapply(seq_len(times), function(i) {
  invisible(gc())
  system.time(fun())[["elapsed"]]
}, 0)
numbers <- function(x) paste0("[", paste(format(x, digits = 6), collapse = ", "), "]")
parts <- sprintf('"loading": {"nelder": %s}', numbers(loading))
for (name in names(problems)) {
  problem <- problems[[name]]
  problem$ours()
  own <- timed(problem$ours, reps)
  text <- sprintf('"nelder": %s', numbers(own))
  if (!is.null(problem$r)) text <- paste0(text, sprintf(', "R": %s', numbers(timed(problem$r, if (name == "flights") 1 else 3))))
  parts <- c(parts, sprintf('"%s": {%s}', name, text))
}
cat("{", paste(parts, collapse = ", "), "}\n", sep = "")
