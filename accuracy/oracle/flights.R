# The README's model on all flights of 2013. Slow, so it runs only by name: cargo xtask oracle flights
# Reads the flights.csv that bench/make_data.py makes of examples/flights.parquet.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
csv <- file.path(here, "../../bench/data/flights.csv")
if (!file.exists(csv)) stop("bench/data/flights.csv is missing: python3 bench/make_data.py flights")
formula <- "arr_delay ~ dep_delay + factor(paste(month, day))"
m <- lm(as.formula(formula), read.csv(csv))
s <- summary(m)
t <- s$coefficients
a <- anova(m)
# columns scaled to norm one; the triangle of the factor is enough
r <- qr.R(m$qr)
d <- svd(sweep(r, 2, sqrt(colSums(r^2)), "/"), 0, 0)$d
add(name = "flights of 2013", kind = "lm", data = "../../examples/flights.parquet", formula = formula,
  options = option_json(list()), condition = d[1] / d[length(d)], noise = d[1] / d[length(d)] *
    max(abs(m$model$arr_delay)) / s$sigma, scale = max(abs(m$model$arr_delay)), perfect = FALSE,
  expected = c(list(terms = arr(names(coef(m))), estimate = arr(coef(m)), std_error = arr(t[, 2]), statistic = arr(t[, 3]),
    p_value = arr(t[, 4]), df_residual = df.residual(m), nobs = nobs(m), sigma = s$sigma, r_squared = s$r.squared,
    adj_r_squared = s$adj.r.squared, f_statistic = list(value = s$fstatistic[["value"]], df1 = s$fstatistic[["numdf"]],
      df2 = s$fstatistic[["dendf"]], p_value = do.call(pf, c(unname(as.list(s$fstatistic)), lower.tail = FALSE))),
    log_lik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m), deviance = deviance(m),
    residual_quantiles = arr(quantile(residuals(m)))), list(anova = anova_table(a, sum(m$model$arr_delay^2)))))
finish()
