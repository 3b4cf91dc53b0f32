# Covariances robust to heteroskedasticity and to clusters (sandwich), and the tables made with them (lmtest).
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
data_file("mixed", mixed())
set.seed(28)
n <- 200
d <- data.frame(x = dyadic(rnorm(n)), z = dyadic(runif(n)), g = sprintf("c%02d", sample(25, n, TRUE)),
  year = sample(2001:2012, n, TRUE), f = sample(c("a", "b", "c"), n, TRUE), w = dyadic(runif(n, 0.5, 2)))
d$y <- dyadic(d$x + d$z + as.integer(factor(d$g)) / 10 + rnorm(n) * (1 + abs(d$x)))
d$y[7] <- NA
data_file("clusters", d)
case("clusters of text", "clusters", "y ~ x + z", with = list(hc = TRUE, cluster = "g"))
case("clusters of integers", "clusters", "y ~ x + f", with = list(hc = TRUE, cluster = "year"))
case("clusters and weights", "clusters", "y ~ x + z + f", list(weights = "w"), with = list(hc = TRUE, cluster = "g"))
case("clusters without intercept", "clusters", "y ~ 0 + x + z", with = list(hc = TRUE, cluster = "g"))
case("clusters and the level 0.9", "clusters", "y ~ x * f", list(level = 0.9), with = list(hc = TRUE, cluster = "g"))
case("few clusters", "mixed", "y ~ x1 + x2", with = list(hc = TRUE, cluster = "g"))
case("clusters with an aliased column", "clusters", "y ~ x + I(2 * x) + z", with = list(cluster = "g"))
finish()
