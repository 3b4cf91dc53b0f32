# Elastic nets: paths of glmnet and folds of cv.glmnet for each family, on designs that are hard for coordinate descent
# and with every argument that changes the problem. Writes glmnet.json; its format is in the README of the folder above.
#
# thresh is a bound of squared changes, so that 1e-14 leaves coefficients with seven digits. It is 1e-24 here (1e-20 for
# multinomial, whose steps contract slowly). The outer loop of family objects and of cox with strata or start times
# stops where the objective has settled, long before the coefficients: their answers at the selected lambda are from
# further steps at the same lambda, by a path that names each of them many times.
options(warn = 1)
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
source(file.path(here, "common.R"))
suppressMessages(library(glmnet))
suppressMessages(library(survival))
THRESH <- 1e-24
MAXIT <- 1e8
glmnet.control(epsnr = 1e-13, mxitnr = 200)
source(file.path(here, "common_glmnet.R"))

# --- data ------------------------------------------------------------------------------------------------------

autoregression <- function(n, p, rho) {
  e <- matrix(rnorm(n * p), n)
  for (j in seq_len(p)[-1]) e[, j] <- rho * e[, j - 1] + sqrt(1 - rho^2) * e[, j]
  e
}

# Adds responses of every family that follow the linear predictor, and columns for weights, offsets and folds.
responses <- function(x, eta, rare = FALSE) {
  n <- nrow(x)
  eta <- eta - mean(eta)
  d <- as.data.frame(x)
  names(d) <- paste0("x", seq_len(ncol(x)))
  d$y <- dyadic(2 + eta + rnorm(n))
  d$yb <- rbinom(n, 1, plogis(eta))
  d$two <- ifelse(rbinom(n, 1, plogis(eta - 0.3)) == 1, "yes", "no")
  trials <- sample(1:9, n, TRUE)
  d$hits <- rbinom(n, trials, plogis(eta))
  d$fails <- trials - d$hits
  d$expo <- dyadic(runif(n, -1, 1))
  d$count <- rpois(n, exp(0.5 + eta / 2 + d$expo))
  d$pos <- dyadic(rgamma(n, 3, 3 / exp(0.5 + eta / 3))) + 2^-8
  d$three <- c("a", "b", "c")[1 + (eta + rnorm(n) > -0.5) + (rnorm(n) - eta / 2 > 0.3)]
  d$z1 <- dyadic(eta + rnorm(n))
  d$z2 <- dyadic(1 - eta / 2 + rnorm(n) * 3)
  d$z3 <- dyadic(rnorm(n))
  d$time <- dyadic(rexp(n, exp(eta / 2)), 4) + 2^-4
  d$start <- pmin(dyadic(d$time * runif(n, 0, 0.9), 5), d$time - 2^-5)
  d$status <- rbinom(n, 1, 0.7)
  d$stratum <- sample(c(1, 2, 3), n, TRUE)
  # glmnet counts a row that starts after the last death of its stratum as at risk before it
  for (s in 1:3) d$start[d$stratum == s & d$start >= max(0, d$time[d$status == 1 & d$stratum == s])] <- 0
  d$w <- dyadic(runif(n, 0.25, 4))
  d$w0 <- dyadic(runif(n, 0.5, 3)) * sample(0:1, n, TRUE, c(0.2, 0.8))
  d$o <- dyadic(rnorm(n))
  d$small <- dyadic(rnorm(n) / 4)
  d$fold <- sample(rep(1:5, length = n))
  d
}

set.seed(71)
signal <- function(x, at = c(1, 4, 9), size = c(1, -0.8, 0.6)) drop(scale(x)[, at] %*% size)
x <- dyadic(autoregression(60, 12, 0.9))
ar90 <- responses(x, signal(x))
data_file("enet_ar90", ar90)
x <- dyadic(autoregression(60, 12, 0.99), 10)
data_file("enet_ar99", responses(x, signal(x)))
n <- 80
f <- matrix(rnorm(n * 4), n)
x <- dyadic(f[, rep(1:4, each = 5)] * 0.9 + matrix(rnorm(n * 20), n) * 0.4)
data_file("enet_block", responses(x, signal(x, c(2, 3, 11), c(0.8, 0.5, -0.9))))
x <- dyadic(matrix(rnorm(24 * 40), 24), 6)
data_file("enet_wide", responses(x, signal(x)))
x <- matrix(rbinom(80 * 15, 1, 0.12), 80) * dyadic(matrix(rnorm(80 * 15, 1), 80), 5)
data_file("enet_sparse", responses(x, signal(x)))
x <- dyadic(autoregression(50, 8, 0.5))
x <- cbind(x[, 1:3], x[, 1], 7, x[, 4:8], x[, 6], 0)  # x4 is x1, x11 is x8; x5 and x12 are constant
data_file("enet_twice", responses(x, signal(x, c(1, 3, 8))))
x <- dyadic(autoregression(60, 8, 0.7), 6)
far <- x + rep(c(2^20, -2^20, 2^19, 0, 3 * 2^18, 2^20, 1, 2^10), each = 60)
data_file("enet_far", responses(far, signal(x, c(1, 3, 8))))
x <- dyadic(autoregression(60, 10, 0.3))
null <- responses(x, rep(0, 60))
data_file("enet_null", null)
# classes: x1 separates `split`; one in thirty-three is `rare`, which two of five folds lack
n <- 132
x <- dyadic(autoregression(n, 6, 0.4), 6)
classes <- responses(x, signal(x, c(1, 3, 6)))
classes$split <- as.numeric(x[, 1] + x[, 2] > 0)
rare <- order(-x[, 2])[c(1, 3, 4, 9)]
classes$rare <- as.numeric(seq_len(n) %in% rare)
classes$fold[rare] <- c(1, 1, 2, 3)
classes$single <- as.numeric(seq_len(n) == 5)
classes$few <- c("a", "b", "c")[1 + (seq_len(n) %% 2) + (seq_len(n) %in% rare)]
data_file("enet_class", classes)
x <- dyadic(autoregression(9, 3, 0.2))
pairs <- responses(x, signal(x, 1:3))
pairs <- rbind(pairs, responses(dyadic(autoregression(9, 3, 0.2)), rnorm(9)))
pairs$fold <- rep(1:9, 2)
data_file("enet_pairs", pairs)

# --- paths -----------------------------------------------------------------------------------------------------

three <- c("gaussian", "binomial", "poisson")
designs <- c(ar90 = "AR(0.9)", ar99 = "AR(0.99)", block = "blocks of five", wide = "24 x 40", sparse = "mostly zeros",
  far = "means far from zero", null = "no signal")
for (f in three) for (d in names(designs)) {
  enet(paste0(f, ", ", designs[[d]]), paste0("enet_", d), f, list(alpha = 1))
  enet(paste0(f, ", ", designs[[d]], ", alpha 0.5"), paste0("enet_", d), f, list(alpha = 0.5))
}
for (f in three) {
  say <- function(what) paste0(f, ", ", what)
  enet(say("twice the same columns, constant columns"), "enet_twice", f, list(alpha = 1), unique = FALSE)
  enet(say("twice the same columns, constant columns, alpha 0.5"), "enet_twice", f, list(alpha = 0.5))
  enet(say("twice the same columns, constant columns, alpha 0"), "enet_twice", f, list(alpha = 0))
  enet(say("defaults"), "enet_ar90", f, list(nlambda = 100, interpolate = TRUE))
  enet(say("alpha 0"), "enet_ar90", f, list(alpha = 0))
  enet(say("alpha 0, AR(0.99)"), "enet_ar99", f, list(alpha = 0))
  enet(say("alpha 0, 24 x 40"), "enet_wide", f, list(alpha = 0))
  enet(say("alpha 0.01"), "enet_ar90", f, list(alpha = 0.01))
  enet(say("alpha 0.0005"), "enet_block", f, list(alpha = 0.0005))
  enet(say("not standardized"), "enet_ar90", f, list(standardize = FALSE, alpha = 0.5))
  enet(say("no intercept"), "enet_ar90", f, list(intercept = FALSE))
  enet(say("no intercept, means far from zero"), "enet_far", f, list(intercept = FALSE, alpha = 0.5, x = columns(8)[c(4, 7)]))
  enet(say("no intercept, not standardized"), "enet_ar90", f, list(intercept = FALSE, standardize = FALSE, alpha = 0.5))
  enet(say("not standardized, means far from zero"), "enet_far", f, list(standardize = FALSE))
  enet(say("mostly zeros, sparse storage"), "enet_sparse", f, list(sparse = TRUE, alpha = 0.5))
  enet(say("weights"), "enet_ar90", f, list(weights = "w", alpha = 0.5))
  enet(say("weights of zero"), "enet_block", f, list(weights = "w0", alpha = 0.5))
  enet(say("weights, no intercept"), "enet_ar90", f, list(weights = "w", intercept = FALSE))
  enet(say("offset"), "enet_ar90", f, list(offset = if (f == "poisson") "expo" else "o", alpha = 0.5))
  enet(say("offset and weights"), "enet_block", f, list(offset = if (f == "poisson") "expo" else "o", weights = "w"))
  enet(say("offset, no intercept"), "enet_ar90", f, list(offset = "o", intercept = FALSE))
  enet(say("penalty factors"), "enet_ar90", f, list(penalty_factor = c(0.5, 1, 2, 1, 1, 3, 1, 0.25, 1, 1, 1, 4), alpha = 0.5))
  enet(say("penalty factors of zero and infinity"), "enet_ar90", f, list(penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1), alpha = 0.5))
  enet(say("penalty factor of zero, alpha 0"), "enet_block", f, list(penalty_factor = rep(c(0, 1), c(1, 19)), alpha = 0))
  enet(say("penalty factor of zero, constant columns"), "enet_twice", f, list(penalty_factor = c(1, 1, 0, 2, 3, 1, 1, 1, 1, 1, 1, 0), alpha = 0.5))
  enet(say("exclude"), "enet_ar90", f, list(exclude = c(1, 9), penalty_factor = c(5, rep(1, 11))))
  enet(say("bounds"), "enet_ar90", f, list(lower = -0.125, upper = 0.25))
  enet(say("bounds, alpha 0.5, not standardized"), "enet_block", f, list(lower = -0.125, upper = 0.25, alpha = 0.5, standardize = FALSE))
  enet(say("bounds of zero"), "enet_ar90", f, list(lower = 0))
  enet(say("a bound for each column"), "enet_ar90", f, list(alpha = 0.5, lower = c(-Inf, -1, 0, -0.5, -Inf, 0, -1, -1, 0, 0, -Inf, -0.0625),
    upper = c(0.5, Inf, 0, 0.125, 0.25, 1, Inf, 1, 0.375, 1, 0, Inf)))
  enet(say("lambda as given"), "enet_ar90", f, list(lambda = c(0.5, 0.01, 0.125, 0.03, 0.25, 0), alpha = 0.5))
  enet(say("one lambda"), "enet_ar90", f, list(lambda = 0.0625))
  enet(say("lambda.min.ratio"), "enet_ar90", f, list(lambda_min_ratio = 0.05))
  enet(say("lambda.min.ratio below its least"), "enet_ar90", f, list(lambda_min_ratio = 1e-9, nlambda = 12))
  enet(say("two lambdas"), "enet_ar90", f, list(nlambda = 2))
  enet(say("dfmax"), "enet_ar90", f, list(dfmax = 4, nlambda = 100))
  enet(say("pmax"), "enet_ar90", f, list(pmax = 4, nlambda = 100))
  enet(say("one column beside an excluded one"), "enet_ar90", f, list(x = c("x1", "x2"), exclude = 2))
  enet(say("two columns"), "enet_ar99", f, list(x = c("x1", "x2")))
  enet(say("eighteen rows"), "enet_pairs", f, list(alpha = 0.5))
}
enet("gaussian, naive", "enet_ar90", "gaussian", list(type_gaussian = "naive", nlambda = 20))
enet("gaussian, naive, penalty factor of zero, alpha 0", "enet_block", "gaussian", list(type_gaussian = "naive",
  penalty_factor = rep(c(0, 1), c(1, 19)), alpha = 0))
for (a in c(1, 0.5, 0)) {
  say <- function(what) paste0("binomial, ", what, ", alpha ", a)
  enet(say("two levels"), "enet_block", "binomial", list(y = "two", alpha = a))
  enet(say("counts"), "enet_ar90", "binomial", list(y = c("fails", "hits"), alpha = a))
  enet(say("separable"), "enet_class", "binomial", list(y = "split", alpha = a, nlambda = 40))
  enet(say("rare"), "enet_class", "binomial", list(y = "rare", alpha = a, lambda_min_ratio = 0.01))
}
enet("binomial, modified Newton", "enet_ar90", "binomial", list(type_logistic = "modified.Newton"))
enet("binomial, counts, weights and offset", "enet_block", "binomial", list(y = c("fails", "hits"), weights = "w0", offset = "o"))
enet("binomial, separable, defaults", "enet_class", "binomial", list(y = "split", nlambda = 100))
enet("binomial, separable, lambda as given", "enet_class", "binomial", list(y = "split", lambda = c(0.1, 0.001, 0.0001), alpha = 0.5))

for (f in c("binomial(probit)", "binomial(cloglog)", "Gamma(log)", "gaussian()", "poisson()", "binomial()", "quasipoisson()", "MASS::negative.binomial(2)")) {
  y <- switch(sub("\\(.*", "", f), binomial = "yb", Gamma = "pos", gaussian = "y", "count")
  # with an offset that the response does not follow the steps of R's loop go to and fro
  o <- if (y == "count") "expo" else "small"
  enet(f, "enet_ar90", f, list(y = y))
  enet(paste0(f, ", alpha 0.5, weights"), "enet_ar99", f, list(y = y, alpha = 0.5, weights = "w"))
  enet(paste0(f, ", offset"), "enet_ar90", f, list(y = y, offset = o))
}
enet("binomial(probit), counts", "enet_ar90", "binomial(probit)", list(y = c("hits", "fails"), alpha = 0.5))
enet("binomial(probit), two levels", "enet_block", "binomial(probit)", list(y = "two", alpha = 0.5))
enet("binomial(probit), alpha 0", "enet_ar90", "binomial(probit)", list(y = "yb", alpha = 0))
enet("binomial(probit), no intercept", "enet_ar90", "binomial(probit)", list(y = "yb", intercept = FALSE))
enet("binomial(probit), penalty factors of zero and infinity", "enet_ar90", "binomial(probit)", list(y = "yb", alpha = 0.5,
  penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1)))
enet("binomial(probit), bounds", "enet_ar90", "binomial(probit)", list(y = "yb", lower = -0.125, upper = 0.25))
enet("Gamma(log), not standardized", "enet_ar90", "Gamma(log)", list(y = "pos", standardize = FALSE))
enet("Gamma(log), constant columns and penalty factors", "enet_twice", "Gamma(log)", list(y = "pos", alpha = 0.5,
  penalty_factor = c(1, 1, 0, 2, 3, 1, 1, 1, 1, 1, 1, 0)))
enet("Gamma(log), 24 x 40", "enet_wide", "Gamma(log)", list(y = "pos", alpha = 0.5))

for (t in c("ungrouped", "grouped")) {
  say <- function(what) paste0("multinomial, ", t, what)
  enet(say(""), "enet_block", "multinomial", list(type_multinomial = t, lambda_min_ratio = 0.03))
  enet(say(", alpha 0.5, weights"), "enet_ar90", "multinomial", list(type_multinomial = t, alpha = 0.5, weights = "w0",
    lambda_min_ratio = 0.05))
  enet(say(", alpha 0"), "enet_ar90", "multinomial", list(type_multinomial = t, alpha = 0))
  enet(say(", no intercept"), "enet_ar90", "multinomial", list(type_multinomial = t, alpha = 0.5, intercept = FALSE))
  enet(say(", penalty factors"), "enet_ar90", "multinomial", list(type_multinomial = t, alpha = 0.5,
    penalty_factor = c(1, 0, 1, Inf, 2, 1, 1, 1, Inf, 1, 1, 1)))
  enet(say(", offsets"), "enet_block", "multinomial", list(type_multinomial = t, offset = c("o", "expo", "z3"),
    lambda_min_ratio = 0.03))
  enet(say(", not standardized"), "enet_ar90", "multinomial", list(type_multinomial = t, standardize = FALSE, alpha = 0.5))
  enet(say(", two classes"), "enet_ar90", "multinomial", list(type_multinomial = t, y = "two", alpha = 0.5))
}
enet("multinomial, rare class", "enet_class", "multinomial", list(y = "few", alpha = 0.5))
enet("multinomial, bounds", "enet_ar90", "multinomial", list(alpha = 0.5, lower = -0.25, upper = 0.5))

enet("mgaussian", "enet_block", "mgaussian")
enet("mgaussian, alpha 0.5, weights", "enet_ar90", "mgaussian", list(alpha = 0.5, weights = "w"))
enet("mgaussian, alpha 0", "enet_ar90", "mgaussian", list(alpha = 0))
enet("mgaussian, responses standardized", "enet_ar90", "mgaussian", list(alpha = 0.5, standardize_response = TRUE))
enet("mgaussian, no intercept", "enet_ar90", "mgaussian", list(alpha = 0.5, intercept = FALSE))
enet("mgaussian, penalty factors", "enet_ar90", "mgaussian", list(penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1)))
enet("mgaussian, offsets", "enet_block", "mgaussian", list(offset = c("o", "expo", "z3"), y = c("z1", "z2", "y")))
enet("mgaussian, 24 x 40", "enet_wide", "mgaussian", list(alpha = 0.5))

counting <- c("start", "time", "status")
enet("cox", "enet_block", "cox")
enet("cox, alpha 0.5, weights", "enet_ar90", "cox", list(alpha = 0.5, weights = "w"))
enet("cox, weights of zero", "enet_ar90", "cox", list(alpha = 0.5, weights = "w0"))
enet("cox, alpha 0", "enet_ar90", "cox", list(alpha = 0))
enet("cox, offset", "enet_ar90", "cox", list(alpha = 0.5, offset = "o"))
enet("cox, penalty factors", "enet_ar90", "cox", list(penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1)))
enet("cox, defaults", "enet_ar90", "cox", list(nlambda = 100))
enet("cox, not standardized", "enet_ar90", "cox", list(standardize = FALSE, alpha = 0.5))
enet("cox, strata", "enet_block", "cox", list(alpha = 0.5, strata = "stratum", nlambda = 10))
enet("cox, strata, weights and offset", "enet_ar90", "cox", list(alpha = 0.5, strata = "stratum", weights = "w", offset = "o",
  nlambda = 10))
enet("cox, start and stop", "enet_ar90", "cox", list(alpha = 0.5, y = counting))
enet("cox, start and stop, strata", "enet_block", "cox", list(y = counting, strata = "stratum", nlambda = 10))

# --- folds -----------------------------------------------------------------------------------------------------

cv <- function(family, what, data, ...) enet_cv(paste0("folds, ", family, ", ", what), paste0("enet_", data), family, list(...))
for (m in c("mse", "mae", "deviance")) cv("gaussian", m, "ar90", measure = m)
for (m in c("deviance", "class", "auc", "mse", "mae")) cv("binomial", m, "class", measure = m)
for (m in c("deviance", "mse", "mae")) cv("poisson", m, "ar90", measure = m)
for (f in three) {
  y <- if (f == "binomial") "class" else "block"
  o <- if (f == "poisson") "expo" else "o"
  cv(f, "not grouped", y, grouped = FALSE)
  cv(f, "alignment by fraction", y, alignment = "fraction", keep = TRUE)
  cv(f, "weights, kept", y, weights = "w", keep = TRUE, alpha = 0.5)
  cv(f, "weights of zero, not grouped", y, weights = "w0", grouped = FALSE)
  cv(f, "offset", y, offset = o, keep = TRUE)
  cv(f, "offset and weights, by fraction", y, offset = o, weights = "w", alignment = "fraction")
  cv(f, "lambda as given", y, lambda = c(0.5, 0.25, 0.125, 0.0625, 0.03125, 0.001), alpha = 0.5)
  cv(f, "alpha 0", y, alpha = 0)
  cv(f, "no intercept", y, intercept = FALSE)
  cv(f, "24 x 40", "wide", alpha = 0.5)
  cv(f, "no signal", "null")
  cv(f, "defaults", y, nlambda = 100, interpolate = TRUE)
  cv(f, "penalty factors", "ar90", penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1))
}
for (f in c("gaussian", "poisson")) cv(f, "two rows a fold", "pairs")
cv("binomial", "two levels", "block", y = "two", measure = "class")
cv("binomial", "counts", "ar90", y = c("fails", "hits"), measure = "deviance", keep = TRUE)
cv("binomial", "counts, class", "ar90", y = c("fails", "hits"), measure = "class")
cv("binomial", "counts, auc", "ar90", y = c("fails", "hits"), measure = "auc")
cv("binomial", "auc, weights", "class", measure = "auc", weights = "w")
cv("binomial", "auc of few rows", "pairs", measure = "auc")
cv("binomial", "rare", "class", y = "rare", alpha = 0.5, keep = TRUE, lambda_min_ratio = 0.01)
cv("binomial", "rare, class", "class", y = "rare", measure = "class", lambda_min_ratio = 0.05)
cv("binomial", "rare, auc", "class", y = "rare", measure = "auc", lambda_min_ratio = 0.05)
cv("binomial", "separable", "class", y = "split", alpha = 0.5)
cv("gaussian", "a measure of others", "ar90", measure = "auc")
for (t in c("ungrouped", "grouped")) for (m in c("deviance", "class", "mse", "mae"))
  cv("multinomial", paste0(t, ", ", m), "class", type_multinomial = t, measure = m, keep = m == "deviance", nlambda = 12)
for (m in c("mse", "mae")) cv("mgaussian", m, "ar90", measure = m, keep = m == "mse")
cv("cox", "deviance", "block", alpha = 0.5)
cv("cox", "C", "block", measure = "C", alpha = 0.5)
cv("cox", "not grouped, weights", "block", grouped = FALSE, weights = "w")
cv("cox", "strata", "block", strata = "stratum", alpha = 0.5, nlambda = 6, lambda_min_ratio = 0.1)
cv("cox", "start and stop", "block", y = counting, alpha = 0.5, nlambda = 6, lambda_min_ratio = 0.1)
for (m in c("deviance", "mse", "mae")) {
  cv("binomial(probit)", m, "class", y = "yb", measure = m, nlambda = 12)
  cv("Gamma(log)", m, "ar90", y = "pos", measure = m, nlambda = 12)
}

# --- what is refused -------------------------------------------------------------------------------------------

refuse <- function(name, family, options, data = "enet_ar90") enet(paste0("refused, ", name), data, family, options)
refuse("one column", "gaussian", list(x = "x1"))
refuse("a response that does not vary", "gaussian", list(y = "x5"), "enet_twice")
refuse("negative counts", "poisson", list(y = "z1"))
refuse("a class of one", "binomial", list(y = "single"), "enet_class")
refuse("three classes", "binomial", list(y = "three"))
refuse("no column left", "gaussian", list(exclude = 1:12))
refuse("no column left, family object", "Gamma(log)", list(y = "pos", exclude = 1:12))
refuse("no column that varies", "gaussian", list(x = c("x5", "x12")), "enet_twice")
refuse("exclude out of range", "gaussian", list(exclude = 13))
refuse("no penalty", "gaussian", list(penalty_factor = rep(0, 12)))
refuse("no penalty, family object", "Gamma(log)", list(y = "pos", penalty_factor = rep(0, 12)))
refuse("too few penalty factors", "gaussian", list(penalty_factor = c(1, 2)))
refuse("a lower bound above zero", "gaussian", list(lower = 0.5))
refuse("an upper bound below zero", "gaussian", list(upper = -0.5))
refuse("too few bounds", "gaussian", list(lower = c(-1, -1)))
refuse("negative lambda", "gaussian", list(lambda = c(1, -1)))
refuse("lambda.min.ratio of one", "gaussian", list(lambda_min_ratio = 1))
refuse("times of zero", "cox", list(y = c("fails", "status")))
enet("alpha above one", "enet_ar90", "gaussian", list(alpha = 1.5, nlambda = 8))
enet("alpha below zero", "enet_ar90", "gaussian", list(alpha = -0.5, nlambda = 8))
cv("gaussian", "one lambda", "ar90", lambda = 0.5)
cv("gaussian", "fraction of given lambdas", "ar90", lambda = c(0.5, 0.25, 0.125), alignment = "fraction")
cv("gaussian", "two folds", "ar90", fold = "status")
# --- relaxed fits ----------------------------------------------------------------------------------------------

relax <- function(family, what, data, ...) enet_relax(what, paste0("enet_", data), family, list(...))
for (d in c("ar90", "ar99", "block", "wide", "far")) relax("gaussian", designs[[d]], d)
relax("gaussian", "alpha 0.5", "ar90", alpha = 0.5)
relax("gaussian", "weights and offset", "ar90", weights = "w", offset = "o")
relax("gaussian", "no intercept", "ar90", intercept = FALSE)
relax("gaussian", "not standardized", "block", standardize = FALSE)
relax("gaussian", "bounds", "ar90", lower = -0.125, upper = 0.25)
relax("gaussian", "penalty factors of zero and infinity", "ar90", penalty_factor = c(1, 0, 1, Inf, 2, 1, 0, 1, Inf, 1, 1, 1))
relax("gaussian", "mostly zeros, sparse storage", "sparse", sparse = TRUE)
relax("gaussian", "maxp", "wide", maxp = 4)
relax("binomial", "blocks of five", "block", maxp = 8)
relax("binomial", "counts", "ar90", y = c("fails", "hits"))
relax("binomial", "weights, no intercept", "class", weights = "w", intercept = FALSE)
relax("poisson", "offset", "ar90", offset = "expo")
relax("poisson", "bounds", "block", lower = -0.125, upper = 0.25)
relax("Gamma(log)", "AR(0.9)", "ar90", y = "pos")
relax("binomial(probit)", "class", "class", y = "yb")
relax("cox", "AR(0.9)", "ar90")
relax("cox", "strata, start times", "ar90", y = c("start", "time", "status"), strata = "stratum")
relax("mgaussian", "AR(0.9)", "ar90")
relax("mgaussian", "standardized responses, weights", "block", standardize_response = TRUE, weights = "w")
relax("multinomial", "ungrouped", "class", lambda_min_ratio = 0.05)
relax("multinomial", "ungrouped, alpha 0.5", "class", lambda_min_ratio = 0.05, alpha = 0.5)
relax("multinomial", "grouped", "class", type_multinomial = "grouped", lambda_min_ratio = 0.05)
relax <- function(family, what, data, ...) enet_relax(what, paste0("enet_", data), family, list(...), folds = TRUE)
relax("gaussian", "mse", "ar90")
relax("gaussian", "mae, over rows", "ar90", measure = "mae", grouped = FALSE, weights = "w")
relax("gaussian", "by fraction, offset", "block", alignment = "fraction", offset = "o")
relax("gaussian", "24 x 40", "wide")
relax("gaussian", "without 1 among gamma", "ar90", gamma = c(0.1, 0.6))
for (m in c("deviance", "class", "auc")) relax("binomial", m, "class", measure = m)
relax("poisson", "deviance", "ar90", offset = "expo")
relax("Gamma(log)", "deviance", "ar90", y = "pos")
for (m in c("deviance", "C")) relax("cox", m, "block", measure = m)
relax("mgaussian", "mse", "ar90")
relax("multinomial", "deviance", "class", lambda_min_ratio = 0.05)
finish()
