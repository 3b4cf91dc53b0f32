# Rank: aliased columns in several places, ratios around the tolerance, fewer rows than columns.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
set.seed(24)
n <- 40
d <- data.frame(u = dyadic(rnorm(n)), v = dyadic(rnorm(n)), s = 0, t = dyadic(rnorm(n)), one = 1, zero = 0)
d$s <- d$u + d$v
d$u2 <- 2 * d$u
d$f <- rep(c("p", "q", "r", "s"), 10)
d$h <- ifelse(d$f %in% c("p", "q"), "m1", "m2")  # f determines h
d$y <- dyadic(1 + d$u - d$t + rnorm(n))
data_file("aliased", d)
data_file("aliased_new", data.frame(u = c(1, 2), v = c(0, 1), s = c(1, 3), t = c(1, -1), one = 1, zero = 0, u2 = c(2, 4),
  f = c("p", "r"), h = c("m1", "m2")))
both <- list(anova = TRUE, drop1 = TRUE)
case("sum of two columns, last", "aliased", "y ~ u + v + s", with = both)
case("sum of two columns, first", "aliased", "y ~ s + u + v + t", with = both)
case("sum of two columns, middle", "aliased", "y ~ u + s + t + v", with = both)
case("multiple of a column", "aliased", "y ~ u + u2 + t", with = both)
case("multiple of a column, no intercept", "aliased", "y ~ 0 + u2 + t + u", with = both)
case("constant column", "aliased", "y ~ one + u + t", with = both)
case("constant column without intercept", "aliased", "y ~ 0 + one + u", with = both)
case("column of zeros", "aliased", "y ~ u + zero + t", with = both)
case("two aliased", "aliased", "y ~ u + one + v + s + t + u2", with = both)
case("nested factors aliased", "aliased", "y ~ f + h + u", with = both)
case("nested factors aliased, the coarse first", "aliased", "y ~ h + f + u", with = both)
case("aliased, robust", "aliased", "y ~ u + v + s + t", with = list(hc = TRUE))
case("aliased, weights", "aliased", "y ~ u + u2 + t", list(weights = "abs(v) + 1"), with = both)
case("all aliased", "aliased", "y ~ 0 + zero + u")

# x2 = x1 + e: the part of x2 that is not in x1 has the given ratio to the norm of x2, R's measure against tol = 1e-7
set.seed(25)
n <- 30
u <- dyadic(rnorm(n), 6)
e <- dyadic(rnorm(n), 6)
e <- e - mean(e)
ratio <- function(v) sqrt(sum(lm.fit(cbind(1, u), v)$residuals^2) / sum(v^2))
near <- data.frame(y = dyadic(u + rnorm(n)), u = u, t = dyadic(rnorm(n)))
# multiples of 2^-38 have up to 38 decimals; 17 digits carry them
for (bits in c(10, 16, 20, 22, 23, 24, 25, 27)) near[[paste0("v", bits)]] <- u + dyadic(e * 2^-bits, bits + 8)
data_file("near", near)
for (bits in c(10, 16, 20, 22, 23, 24, 25, 27)) {
  v <- near[[paste0("v", bits)]]
  case(sprintf("nearly collinear, 2^-%d (ratio %.4g)", bits, ratio(v)), "near", sprintf("y ~ u + t + v%d", bits), brief = TRUE)
}
case("nearly collinear, tol 1e-4", "near", "y ~ u + v16 + t", list(tol = 1e-4), with = both)
case("nearly collinear, tol 1e-3", "near", "y ~ u + v10 + t", list(tol = 1e-3), with = both)
case("nearly collinear, tol 1e-10", "near", "y ~ u + v25 + t", list(tol = 1e-10), brief = TRUE)

# fewer rows than columns
set.seed(26)
wide <- as.data.frame(matrix(dyadic(rnorm(6 * 8)), 6))
names(wide) <- paste0("x", 1:8)
wide$y <- dyadic(rnorm(6))
data_file("wide", wide)
case("fewer rows than columns", "wide", "y ~ .", perfect = TRUE)
case("as many rows as columns", "wide", "y ~ x1 + x2 + x3 + x4 + x5", perfect = TRUE)
case("one degree of freedom", "wide", "y ~ x1 + x2 + x3 + x4")
case("fewer rows than columns, no intercept", "wide", "y ~ 0 + x8 + x7 + x6 + x5 + x4 + x3 + x2", perfect = TRUE)
finish()
