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

# Problems so small that the calls around the computation are what takes time: medians of many rounds of ours and R's in turns.
small_problems <- function() {
  set.seed(1)
  ours <- nd_lm(mpg ~ wt + hp, mtcars)
  theirs <- lm(mpg ~ wt + hp, mtcars)
  x <- cbind(1, as.matrix(mtcars[c("wt", "hp")]))
  arrests <- as.matrix(USArrests)
  rows <- data.frame(y = rnorm(1000), a = rnorm(1000), b = rnorm(1000))
  wide <- as.data.frame(matrix(rnorm(1000 * 501), 1000))
  names(wide)[501] <- "y"
  few_rows <- matrix(rnorm(200 * 1000), 200)
  link <- structure(list(linkfun = function(mu) log(mu / (1 - mu)), linkinv = function(eta) 1 / (1 + exp(-eta)),
                         mu.eta = function(eta) exp(-eta) / (1 + exp(-eta))^2, valideta = function(eta) TRUE, name = "own"),
                    class = "link-glm")
  resampled <- function(fit) function() boot::boot(mtcars, function(d, i) coef(fit(mpg ~ wt, d[i, ])), 500)
  list(
    small_lm = list(ours = function() nd_lm(mpg ~ wt, mtcars), r = function() lm(mpg ~ wt, mtcars)),
    small_summary = list(ours = function() summary(nd_lm(mpg ~ wt, mtcars)), r = function() summary(lm(mpg ~ wt, mtcars))),
    small_glm = list(ours = function() nd_glm(am ~ wt, binomial, mtcars), r = function() glm(am ~ wt, binomial, mtcars)),
    small_lm_fit = list(ours = function() nd_lm_fit(x, mtcars$mpg), r = function() lm.fit(x, mtcars$mpg)),
    small_prcomp = list(ours = function() nd_prcomp(arrests), r = function() prcomp(arrests)),
    small_predict = list(ours = function() predict(ours, mtcars[1:3, ]), r = function() predict(theirs, mtcars[1:3, ])),
    small_anova = list(ours = function() anova(ours), r = function() anova(theirs)),
    small_update = list(ours = function() update(ours, . ~ . - hp), r = function() update(theirs, . ~ . - hp)),
    small_drop1 = list(ours = function() drop1(ours), r = function() drop1(theirs)),
    small_link = list(ours = function() nd_glm(am ~ wt, binomial(link), mtcars), r = function() glm(am ~ wt, binomial(link), mtcars)),
    small_1000x2 = list(ours = function() nd_lm(y ~ a + b, rows), r = function() lm(y ~ a + b, rows)),
    small_1000x500 = list(ours = function() nd_lm(y ~ ., wide), r = function() lm(y ~ ., wide), times = 15),
    small_200x1000 = list(ours = function() nd_prcomp(few_rows), r = function() prcomp(few_rows), times = 15),
    small_boot = list(ours = resampled(nd_lm), r = resampled(lm), times = 5))
}

# Seconds of each of two functions, called in turns: medians.
in_turns <- function(ours, r, times) {
  clock <- function(fun) {
    start <- Sys.time()
    fun()
    as.numeric(Sys.time() - start, units = "secs")
  }
  for (i in 1:3) { ours(); r() }
  both <- vapply(seq_len(times), function(i) c(clock(ours), clock(r)), c(0, 0))
  apply(both, 1L, median)
}

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
small <- small_problems()
for (name in names(small)) {
  problem <- small[[name]]
  both <- in_turns(problem$ours, problem$r, if (is.null(problem$times)) 300L else problem$times)
  parts <- c(parts, sprintf('"%s": {"nelder": %s, "R": %s}', name, numbers(both[1L]), numbers(both[2L])))
}
cat("{", paste(parts, collapse = ", "), "}\n", sep = "")
