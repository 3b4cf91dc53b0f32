# R's number formatting. Writes format.json: a list of {call, x, digits, value}; numbers as text with 17 digits.
# Run from the repository's root: Rscript accuracy/oracle/format.R
set.seed(7)
num <- function(x) ifelse(is.na(x), ifelse(is.nan(x), "NaN", "NA"), sprintf("%.17g", x))
list_of <- function(x) paste0('["', paste(x, collapse = '","'), '"]')
rows <- character()
add <- function(call, x, digits, value) rows[length(rows) + 1L] <<- sprintf(
  '{"call":"%s","x":%s,"digits":%d,"value":%s}', call, list_of(num(x)), digits,
  list_of(if (is.character(value)) value else num(value)))
vectors <- c(list(0, 1e5, 1e-5, 123456, 1234567, 0.1 + 0.2, 1/3, c(1, 10, 100), c(NA, 1.5), c(NaN, Inf, -Inf, 2), c(0, 1e-300),
  99999.97, c(99999.97, 9.9999996), 0.00001234, 0.0001234, 1e15, 1e100, 5e-324, 1.7976931348623157e308, -0.5, 0.5, 1.5, 2.5,
  c(1e10, 1), c(1e-10, 1), 100000, 1e6, 123456.7, 0.15, 0.25, 0.35, 9.5, 99.5, 999.95, 0.99999999, 326979, 1e5 + 0.1),
  lapply(1:400, function(i) rnorm(sample(1:6, 1)) * 10^runif(1, -8, 8)),
  lapply(1:200, function(i) rnorm(4) * 10^runif(4, -6, 6)),
  lapply(1:200, function(i) round(rnorm(3) * 10^runif(1, -1, 4), sample(0:3, 1))))
for (x in vectors) {
  d <- sample(c(1:7, 10, 15), 1)
  add("format", x, d, format(x, digits = d))
  add("format", x, 7L, format(x, digits = 7))
  r <- sample(-3:9, 1)
  # At the ends of the range R scales by powers of ten that it has only to 13 digits.
  if (all(!is.finite(x) | x == 0 | (abs(x) > 1e-290 & abs(x) < 1e290))) {
    add("signif", x, d, signif(x, d))
    add("round", x, r, round(x, r))
    # At 15 digits R's rounding also looks at the neighbouring doubles; printing never asks for more than 7.
    if (d < 15) add("zapsmall", x, d, zapsmall(x, d))
  }
  g <- sample(3:7, 1)
  if (all(is.finite(x))) add("general", x, g, formatC(x, digits = g))
  p <- pmin(1, 10^-rexp(length(x), 1 / sample(c(0.5, 3, 12), 1)))
  if (runif(1) < 0.3) p[1] <- NA
  if (runif(1) < 0.1) p[1] <- 0
  q <- sample(1:6, 1)
  add("p_value", p, q, format.pval(p, digits = q))
  add("p_value", p, 3L, format.pval(p, digits = 3))
}
ties <- c(outer(c(0.5, 1.5, 2.5, 0.05, 0.15, 0.25, 0.35, 0.45, 1.005, 2.675, 0.285, 1234.5678, 50, 150, 250), c(1, -1)))
for (r in -2:4) add("round", ties, r, round(ties, r))
for (d in 1:5) add("signif", ties, d, signif(ties, d))
writeLines(c("[", paste(rows, collapse = ",\n"), "]"), "accuracy/oracle/format.json")
cat(length(rows), "cases\n")
