# Robust covariances beside a factor of many levels, terms added one at a time, steps through interactions.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
data_file("mixed", mixed())
set.seed(31)
n <- 240
d <- data.frame(x = dyadic(rnorm(n)), z = dyadic(rnorm(n, 4)), id = sprintf("i%02d", rep(1:26, length.out = n)),
  g = sample(sprintf("g%d", 1:9), n, TRUE), f = sample(c("a", "b", "c"), n, TRUE), w = dyadic(runif(n, 0.5, 2)))
d$y <- dyadic(d$x - d$z / 2 + rep_len(rnorm(26), n) + rnorm(n) * (1 + abs(d$x)))
data_file("panel", d)
# with fewer clusters than coefficients there is no Wald test
tested <- wald
wald <- function(m, v) {
  slopes <- setdiff(rownames(v), "(Intercept)")
  if (qr(cov2cor(v[slopes, slopes]))$rank < length(slopes)) NULL else tested(m, v)
}
all <- list(hc = TRUE, anova = TRUE, drop1 = TRUE, cluster = "g")
case("many levels", "panel", "y ~ x + id + z", with = all)
case("many levels, weights", "panel", "y ~ id + x * f", list(weights = "w"), with = list(anova = TRUE, drop1 = TRUE, cluster = "g"))
case("many levels without intercept", "panel", "y ~ 0 + id + x", with = list(anova = TRUE, drop1 = TRUE, cluster = "g"))
case("many levels, contrast sum", "panel", "y ~ x + id + f", list(contrasts = list(id = "sum")), with = list(anova = TRUE, drop1 = TRUE, cluster = "g"))
case("many levels first", "panel", "y ~ id + x + z", with = list(drop1 = TRUE))
case("slopes by level", "panel", "y ~ id + id:x", with = list(anova = TRUE, drop1 = TRUE))

case_add1 <- function(name, data, formula, scope, options = list()) {
  d <- read_data(data)
  assign(".add1_data", d, globalenv())
  m <- fit_lm(formula, d, options)
  m$call$data <- quote(.add1_data)
  m$call$formula <- as.formula(formula)
  add(name = name, kind = "add1", data = paste0("data/", data, ".csv"), formula = formula, scope = scope,
    options = option_json(options), condition = 100, scale = 1,
    expected = drop1_table(add1(m, as.formula(scope), test = "F"), sum(m$model[[1]]^2)))
}
case_add1("add one", "mixed", "y ~ x1", "~ . + x2 + a + b + flag")
case_add1("add interactions", "mixed", "y ~ x1 + a + flag", "~ .^2 + x3")
case_add1("add to nothing", "mixed", "y ~ 1", "~ x1 * a")
case_add1("add with weights", "mixed", "y ~ x1", "~ . + a + x2", list(weights = "w"))
case_add1("add with an offset", "mixed", "y ~ x1 + offset(o)", "~ . + a + x2")
case_add1("add without intercept", "mixed", "y ~ 0 + a", "~ . + x1 + b")
case_step("steps through interactions", "mixed", "y ~ x1 + flag", lower = "~ 1", upper = "~ (x1 + flag + a + x2)^2",
  direction = "both")
case_step("steps without intercept", "mixed", "y ~ 0 + a + b + x1", direction = "backward")
case_step("steps where the coding changes", "mixed", "y ~ a:flag + a + x1 + x3", direction = "backward")
case_step("steps over an aliased term", "mixed", "y ~ x1 + I(2 * x1) + x2 + flag", direction = "backward")
case_step("steps from nothing to interactions", "mixed", "y ~ 1", upper = "~ a * x1 * flag", direction = "forward")
case_anova("models without intercept", "mixed", c("y ~ 0 + a", "y ~ 0 + a + x1", "y ~ 0 + a * x1"))
case_anova("models with the same degrees of freedom", "mixed", c("y ~ x1", "y ~ x2", "y ~ x1 + x2"))
finish()
