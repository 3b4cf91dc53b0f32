# Scales, means far from zero, constant responses, a row for each level.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
set.seed(27)
n <- 40
d <- data.frame(u = dyadic(rnorm(n)), v = dyadic(rnorm(n)))
d$y <- dyadic(1 + d$u - 2 * d$v + rnorm(n))
d$u_tiny <- d$u * 2^-498  # about 1e-150
d$u_huge <- d$u * 2^498
d$y_tiny <- d$y * 2^-498
d$y_huge <- d$y * 2^498
d$u_small <- d$u * 2^-60
d$y_large <- d$y * 2^60
for (k in c(3, 5, 6, 8)) d[[paste0("far", k)]] <- d$u + 10^k
d$y_far <- d$y + 1e8
d$constant <- 4
d$zero <- 0
d$level <- sprintf("l%02d", seq_len(n))
d$pair <- sprintf("p%02d", (seq_len(n) + 1) %/% 2)
d$almost <- sprintf("q%02d", pmax(seq_len(n), 3))  # one level with three rows, the others with one
data_file("extremes", d)
both <- list(anova = TRUE, drop1 = TRUE)
case("tiny predictor", "extremes", "y ~ u_tiny + v", with = both)
case("huge predictor", "extremes", "y ~ u_huge + v", with = both)
case("tiny response", "extremes", "y_tiny ~ u + v")
case("huge response", "extremes", "y_huge ~ u + v")
case("huge beside tiny", "extremes", "y ~ u_huge + u_small + v", with = both)
case("large response, small predictor", "extremes", "y_large ~ u_small + v", with = both)
case("mean 1e3 sd", "extremes", "y ~ far3 + v", with = both)
case("mean 1e5 sd", "extremes", "y ~ far5 + v", with = both)
case("mean 1e6 sd", "extremes", "y ~ far6 + v", brief = TRUE)
case("mean 1e8 sd, aliased with the intercept", "extremes", "y ~ far8 + v", brief = TRUE)
case("mean 1e8 sd, tol 1e-10", "extremes", "y ~ far8 + v", list(tol = 1e-10), brief = TRUE)
case("mean 1e8 sd, no intercept", "extremes", "y ~ 0 + far8 + v", with = both)
case("response with mean 1e8 sd", "extremes", "y_far ~ u + v", with = both)
case("constant response", "extremes", "constant ~ u", perfect = TRUE)
case("response of zeros", "extremes", "zero ~ u + v", perfect = TRUE)
case("response in the columns", "extremes", "y ~ I(2 * y) + u", perfect = TRUE)
case("a level for each row", "extremes", "y ~ level", perfect = TRUE)
case("a level for each two rows", "extremes", "y ~ pair + u", with = both)
case("levels of one row, one of three", "extremes", "y ~ almost")
case("two rows", "extremes", "y ~ 1", list(subset = "level == \"l01\" | level == \"l02\""))
case("one row", "extremes", "y ~ 1", list(subset = "level == \"l01\""), perfect = TRUE)
finish()
