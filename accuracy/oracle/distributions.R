# Tail areas, their logarithms and quantiles of the four distributions of a regression table, as R computes them.
# Writes distributions.json: a list of {call, args, value}; numbers as text with 17 digits (JSON has no infinities).
# Run from the repository's root: Rscript accuracy/oracle/distributions.R
set.seed(20130101)
rows <- list()
num <- function(x) sprintf("%.17g", x)
add <- function(call, args, value) {
  for (i in seq_along(value)) if (is.finite(value[i])) {
    a <- vapply(args, function(v) num(v[i]), "")
    rows[[length(rows) + 1L]] <<- sprintf('{"call":"%s","args":["%s"],"value":"%s"}',
                                        call, paste(a, collapse = '","'), num(value[i]))
  }
}
short <- function(x) signif(x, 6)
dfs <- c(1, 1.5, 2, 3, 4.7, 7, 10, 15.3, 30, 99.5, 365, 399, 401, 1000.25, 12345.6, 327346 - 367, 1e6, 1e7, 1e8)
areas <- 10^-c(0.02, 0.1, 0.30103, 0.5, 1, 2, 3, 5, 8, 12, 16, 30, 60, 100, 150, 200, 250, 300)
both <- function(name, p, x, ...) {
  for (tail in c(TRUE, FALSE)) {
    v <- p(x, ..., lower.tail = tail)
    keep <- v > 1e-305
    args <- lapply(c(list(x), list(...)), function(a) rep_len(a, length(x))[keep])
    add(paste0(name, if (tail) "_lower" else "_upper"), args, v[keep])
  }
}
logs <- function(name, p, x, ...) for (tail in c(TRUE, FALSE))
  add(paste0(name, if (tail) "_ln_lower" else "_ln_upper"), lapply(c(list(x), list(...)), rep_len, length(x)),
      p(x, ..., lower.tail = tail, log.p = TRUE))

# normal
z <- short(c(0, 10^seq(-6, 1, length.out = 30), seq(0.1, 37.4, length.out = 60)))
z <- c(z, -z)
both("normal", pnorm, z)
logs("normal", pnorm, c(z[seq(1, length(z), 5)], 50, 1e3, 1e5))
mid <- c(0.5 + 1e-9, 0.5 - 1e-5, 0.51, 0.4, 0.3, 0.7)
p <- c(areas, mid)
add("normal_quantile_lower", list(p), qnorm(p))
add("normal_quantile_upper", list(p), qnorm(p, lower.tail = FALSE))

# t
for (df in dfs) {
  t <- short(c(10^c(-5, -2, -0.7, 0, 0.05, 0.2, 0.24, 0.4, 0.7, 1, 1.3, 1.5), 6^runif(4)))
  if (df < 1e4) t <- c(t, 50, 200, 1e3, 1e4, 1e6)
  both("student", pt, c(t, -t), df)
  logs("student", pt, t[c(1, 4, 8, 12)], df)
  logs("student", pt, 60, df)
  q <- c(sample(areas, 6), sample(mid, 2), 0.975, 0.995)
  add("student_quantile_lower", list(q, rep(df, length(q))), qt(q, df))
  add("student_quantile_upper", list(q, rep(df, length(q))), qt(q, df, lower.tail = FALSE))
}

# chi-squared: points that spread over the tails
for (df in dfs) {
  s <- c(-30, -12, -5, -2, -1, -0.3, -0.01, 0, 0.01, 0.3, 1, 2, 3.5, 5, 8, 12, 20, 30)
  x <- short(df * pmax(1e-9, 1 - 2 / (9 * df) + s * sqrt(2 / (9 * df)))^3)
  if (df > 1e5) x <- signif(df * (1 - 2 / (9 * df) + s * sqrt(2 / (9 * df)))^3, 9)
  x <- unique(x)
  both("chi_squared", pchisq, x, df)
  logs("chi_squared", pchisq, x[c(1, length(x) %/% 2, length(x))], df)
  q <- c(sample(areas, 6), sample(mid, 1))
  add("chi_squared_quantile_lower", list(q, rep(df, length(q))), qchisq(q, df))
  add("chi_squared_quantile_upper", list(q, rep(df, length(q))), qchisq(q, df, lower.tail = FALSE))
}

# F: df1 as in tables (1 to thousands) and large ones, df2 up to 1e8
for (df1 in c(1, 2, 2.5, 5, 11, 40, 366, 450, 5000, 1e5, 1e7)) for (df2 in dfs) {
  spread <- sqrt(2 / df1 + 2 / df2)
  s <- c(-12, -4, -1, -0.1, 0.2, 1, 2.5, 4, 8, 15, 30)
  x <- signif(exp(pmin(40, pmax(-40, s * spread))), if (spread < 1e-2) 10 else 6)
  x <- x[sort(sample(length(x), 6))]
  both("f", pf, x, df1, df2)
  logs("f", pf, x[c(1, 6)], df1, df2)
  q <- sample(areas, 2)
  add("f_quantile_lower", list(q, rep(df1, 2), rep(df2, 2)), suppressWarnings(qf(q, df1, df2)))
  add("f_quantile_upper", list(q, rep(df1, 2), rep(df2, 2)), suppressWarnings(qf(q, df1, df2, lower.tail = FALSE)))
}
writeLines(c("[", paste(unlist(rows), collapse = ",\n"), "]"), "accuracy/oracle/distributions.json")
cat(length(rows), "points\n")
