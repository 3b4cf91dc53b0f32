# The values of R's functions of columns, row by row, for crates/nelder/tests/suite/variables.rs. Writes variables.json
# beside itself: inputs as strings of 17 digits, which every reader takes exactly, and results as numbers.
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))))
suppressWarnings(RNGversion("4.0.0"))
invisible(Sys.setlocale("LC_COLLATE", "C"))
library(splines)
set.seed(20130101)
n <- 60
d <- data.frame(
  x = round(rnorm(n, 3, 2), 3),
  z = runif(n, 0.1, 9),
  year = sample(1990:2020, n, TRUE),
  k = sample(c(1L, 2L, 3L, 100000L, -7L), n, TRUE),
  m = sample(1:12, n, TRUE),
  h = sample(c(0.5, 1, 10, 0.1 + 0.2, 0.3), n, TRUE),
  l = sample(c(TRUE, FALSE), n, TRUE),
  s = sample(c("b", "a", "Z", "a.b", "10", "9"), n, TRUE),
  f = factor(sample(c("lo", "mid", "hi"), n, TRUE), levels = c("lo", "mid", "hi")),
  o = ordered(sample(c("lo", "mid", "hi"), n, TRUE), levels = c("lo", "mid", "hi")),
  stringsAsFactors = FALSE)
d$w <- d$z # numbers with missing values
d$w[c(3, 17)] <- NA
d$i <- d$m # whole numbers with missing values
d$i[c(3, 20)] <- NA
d$l[c(5, 6)] <- NA
d$s[c(6, 9)] <- NA
d$f[c(9, 11)] <- NA
d$e <- -d$z # negative numbers
d$day <- sprintf("%d-%02d-%02d", d$year, d$m, 1 + (7 * seq_len(n)) %% 28) # dates as text
d$day[c(4, 8)] <- NA
d$us <- format(as.Date(d$day) + 40, "%d %b %y")
d$t <- paste0(" ", d$s, ifelse(d$m > 6, "ab.c", "Abba"), " ") # text to search
new <- data.frame(x = c(-6, 0, 3.25, 15, NA), z = c(0.01, 1, 5, 20, 7), year = c(1980L, 1990L, 2005L, 2020L, 2031L))

numeric <- c(
  "x + z", "x - z * 2", "x / z", "-x", "x^2", "z^0.5", "z^-1", "x^3", "2^x", "x %% 2", "x %/% 2", "m %% 5L", "m %/% 5L",
  "x %% -1.5", "(x + 1) * (z - 1)", "log(z)", "log(z, 2)", "log(z, base = 10)", "log(z, 3)", "log(base = 7, z)",
  "log2(z)", "log10(z)", "log1p(z)", "exp(x)", "expm1(x)", "sqrt(z)", "abs(x)", "sin(x)", "cos(x)", "tan(x)", "floor(x)",
  "ceiling(x)", "trunc(x)", "sign(x)", "round(x)", "round(x, 1)", "round(z, 2)", "round(year, -1)", "pmin(x, z)", "pmax(x, 2)",
  "pmin(w, x)", "pmin(w, x, na.rm = TRUE)", "pmax(w, x, 1, na.rm = TRUE)", "ifelse(x > 3, x, 0)", "ifelse(l, x, z)",
  "ifelse(x > 3, 1L, 2L)", "ifelse(x %in% c(1, 2) | m %in% 6:12, 1, 0)", "ifelse(s == 'a', 1, 0)", "ifelse(s %in% c('a', 'b'), x, -x)",
  "ifelse(is.na(w), 0, w)", "ifelse(is.na(s), 1, 2)", "as.numeric(m)", "as.numeric(l)", "as.integer(x)", "as.numeric(f)",
  "as.numeric(as.character(h))", "as.numeric(factor(s))", "as.numeric(factor(m))", "I(x * 2)", "offset(x)", "x * pi", "x + TRUE", "l + 1", "nchar(s)",
  "x^2 + 3 * x - 1", "exp(-0.5 * (x - 3)^2 / 4) / sqrt(2 * pi * 4)", "cut(x, 4, labels = FALSE)", "cut(x, c(-9, 0, 3, 20), labels = FALSE)",
  "scale(x)", "scale(w)", "scale(x, center = FALSE)", "scale(x, scale = FALSE)", "scale(x, 2, 3)", "scale(x, center = 2)", "scale(m)",
  "cbind(x, z)", "cbind(x, log(z))", "cbind(exp(x), log(z))", "cbind(u = x, z^2)", "scale(cbind(x, z))", "cbind(x, z) * 2",
  "poly(x, 1)", "poly(x, 2)", "poly(z, degree = 4)", "poly(year, 3)", "poly(year, 10)", "poly(x, 3, raw = TRUE)", "poly(x, degree = 2, raw = TRUE)",
  "poly(log(z), 2)", "poly(scale(x), 2)",
  "ns(x)", "ns(x, 1)", "ns(x, df = 4)", "ns(w, df = 3)", "ns(year, 3)", "ns(x, knots = c(1, 3, 4))", "ns(x, df = 4, intercept = TRUE)",
  "ns(x, df = 3, Boundary.knots = c(0, 6))", "ns(x, knots = c(2, 3), Boundary.knots = c(1, 5), intercept = TRUE)", "ns(log(z), 3)",
  "bs(x)", "bs(x, df = 5)", "bs(w, df = 6)", "bs(year, df = 5)", "bs(x, degree = 2)", "bs(x, df = 4, degree = 1)", "bs(x, df = 6, intercept = TRUE)",
  "bs(x, knots = c(1, 3, 4))", "bs(x, df = 5, Boundary.knots = c(0, 6))", "bs(x, knots = 2, degree = 2, Boundary.knots = c(1, 5))", "bs(x, degree = 5)",
  "signif(x, 2)", "signif(z)", "signif(x * 1e-300, 3)", "signif(x * 1e300, 1)", "gamma(z)", "gamma(e)", "gamma(z * 15)", "digamma(z)", "digamma(e)", "trigamma(z)", "trigamma(e)",
  "lgamma(z)", "lgamma(e)", "beta(z, m)", "beta(z * 12, m * 10)", "lbeta(z, m)", "lbeta(z / 10, m * 4)", "lbeta(z * 10, m * 10)", "choose(m + 8L, 3)", "choose(m + 60L, m + 25L)", "choose(x, 4)", "choose(e, 35)",
  "choose(z, 40)", "choose(z + 45, 38)", "choose(12, m)", "lchoose(m + 60L, m)", "lchoose(z + 50, m)", "lchoose(e, m)",
  "x - mean(x)", "x / sd(x)", "x / var(x)", "x / sum(x)", "pmax(x, quantile(z, 0.9))", "w - mean(w, na.rm = TRUE)", "x - mean(l, na.rm = TRUE)",
  paste0("z - quantile(x, 0.37, type = ", 1:9, ")"), "z - quantile(w, 0.2, na.rm = TRUE)", "x / IQR(x)", "abs(x - median(x)) / median(abs(x - median(x)))", "x - max(m, 3)", "(x - min(x)) / (max(x) - min(x))",
  "ns(x, knots = quantile(x, c(0.3, 0.6)))", "bs(x, knots = median(x))", "cut(x, quantile(x, 0:4 / 4), labels = FALSE)",
  "rank(x)", "rank(m)", "rank(w, na.last = 'keep')", "rank(k, ties.method = 'min')", "rank(k, ties.method = 'max')", "rank(-m)",
  "as.Date(day)", "as.Date(us, '%d %b %y')", "as.Date(m, origin = '2001-02-03')", "as.numeric(as.Date(day) - min(as.Date(day), na.rm = TRUE))", "julian(as.Date(day))",
  "julian(as.Date(day), origin = as.Date('2000-02-29'))", "as.integer(format(as.Date(day), '%j'))", "as.Date(day) + 10",
  "poly(x, z, degree = 2)", "poly(x, z, m, degree = 2)", "poly(x, z, degree = 3)", "poly(x, z, degree = 2, raw = TRUE)", "polym(z, m, degree = 2)")
logical <- c(
  "x > 3", "x <= 3 & l", "l | x > 3", "!l", "x == round(x)", "x != 2", "w > 5", "is.na(w)", "is.na(s)", "is.na(l)", "s == 'a'", "s != 'a'", "'a' == s",
  "s < 'a'", "f == 'mid'", "f == 'nope'", "o >= 'mid'", "o < 'hi'", "o == 'nope'", "m %in% c(1, 5)", "w %in% c(1, NA)", "s %in% c('a', 'Z')", "s %in% c('a', NA)", "f %in% 'hi'",
  "f == s", "s == as.character(m)", "m == '3'", "h == 0.3", "is.na(x / 0 * 0)", "l == TRUE", "as.logical(m - 1)",
  "grepl('b', t)", "grepl('B', t, ignore.case = TRUE)", "grepl('.b', s, fixed = TRUE)", "grepl('^ [[:upper:]a].*[.]c ?$', t)", "grepl('[0-9]+', t)", "grepl('\\\\bA', t)", "grepl('\\\\d', t, perl = TRUE)", "grepl('1', m)", "grepl('i', f)",
  "grepl('^(a|ab)$', s)", "grepl('[]a]', s)", "grepl('[^[:alnum:] ]', t)", "as.Date(day) > as.Date('2005-06-01')", "as.Date(day) >= '2005-06-01'", "as.Date(day) == '2001-01-08'", "x > mean(x)", "x > median(x)", "z < quantile(z, 0.1)")
factors <- c(
  "s", "f", "o", "factor(s)", "factor(m)", "factor(k)", "factor(h)", "factor(l)", "factor(i)", "as.factor(x)", "factor(x > 3)", "ordered(s)", "ordered(m)", "factor(o)",
  "factor(s, levels = c('b', 'a'))", "factor(m, levels = c(3, 1, 2))", "factor(m, levels = c(3, 1, 2), labels = c('three', 'one', 'two'))",
  "factor(m, levels = 1:3, labels = 'L')", "factor(f, labels = c('low', 'middle', 'high'))", "factor(l, labels = c('no', 'yes'))", "factor(s, exclude = 'a')", "factor(m, exclude = c(1, 12))",
  "factor(f, exclude = 'lo')", "factor(s, ordered = TRUE)", "factor(s, levels = c('a', 'b'), ordered = TRUE)", "as.character(f)", "as.character(m)", "factor(as.character(m))",
  "paste(m, year)", "paste(s, f)", "paste0(s, m)", "paste('v', m, sep = '-')", "paste(l, x > 3)", "paste(i)", "paste(w > 5, s, sep = '/')", "factor(paste(m, l))", "paste(k)", "paste(h, m)",
  "interaction(s, f)", "interaction(f, s)", "interaction(m, l, sep = '_')", "interaction(f, o, lex.order = TRUE)", "interaction(f, m, s)", "factor(f):factor(l)",
  "relevel(f, ref = 'mid')", "relevel(factor(s), ref = 'b')", "relevel(factor(m), ref = '12')", "relevel(factor(m), ref = 12)",
  "cut(x, 3)", "cut(x, c(-10, 0, 2, 5, 20))", "cut(x, c(0, 2, 5))", "cut(x, c(0, 2, 5), right = FALSE)", "cut(m, c(1, 6, 12))", "cut(m, c(1, 6, 12), include.lowest = TRUE)",
  "cut(m, c(1, 6, 12), right = FALSE, include.lowest = TRUE)", "cut(x, c(-Inf, 1, Inf))", "cut(x, c(-10, 1.23456, 1.23457, 20))", "cut(x, 3, dig.lab = 5)", "cut(x, 3, labels = c('a', 'b', 'c'))",
  "cut(x, c(-10, 0, 20), ordered_result = TRUE)", "cut(year, 5)", "cut(w, 4)", "cut(z * 1e6, 3)", "cut(z / 1e6, 3)", "cut(year, c(1980, 2000, 2030), labels = c('old', 'new'))", "cut(x, seq(-10, 20, by = 10))",
  "cut(x, c(-20, 0, 100000, 1e10))", "ifelse(x > 3, 'big', 'small')", "ifelse(w > 5, s, 'none')", "ifelse(l, NA, s)", "toupper(s)", "tolower(s)", "substr(f, 1, 2)",
  "reorder(s, x)", "reorder(f, x)", "reorder(f, x, FUN = median)", "reorder(s, -z, max)", "reorder(factor(m), z, order = TRUE)", "reorder(f, x, decreasing = TRUE)", "reorder(s, w)", "reorder(s, w, FUN = mean, na.rm = TRUE)", "reorder(factor(x > 3), z, FUN = sum)", "reorder(s, z, FUN = length)",
  "sub('b.*', '', t)", "gsub('[abc]', '_', t)", "sub('(.)(.)', '\\\\2\\\\1', t)", "sub('b|bb|bba', 'Q', t)", "sub('b|bb|bba', 'Q', t, perl = TRUE)", "gsub('.', '-', t, fixed = TRUE)", "gsub('b|bc|a', '<\\\\0>', t, perl = TRUE)", "gsub('ab?', '<\\\\0>', t)", "gsub('[.]', '', s)", "gsub('\\\\.', '+', s)", "gsub('[[:space:]]+', '', t)",
  "trimws(t)", "sub('A', 'x', t, ignore.case = TRUE)", "gsub('[-0-9]', '#', s)", "gsub('\\\\w', 'w', t, perl = TRUE)", "sub('1', 'one', m)",
  "weekdays(as.Date(day))", "weekdays(as.Date(day), abbreviate = TRUE)", "months(as.Date(day))", "months(as.Date(day), TRUE)", "quarters(as.Date(m * 31, origin = '2001-01-01'))", "format(as.Date(day), '%Y')", "format(as.Date(day), '%U')", "format(as.Date(day), '%V-%G')", "format(as.Date(day), '%W %u %w')", "format(as.Date(day), '%e %B %y, %j%%')", "format(as.Date(day))",
  "strftime(as.Date(day), '%m/%d')", "factor(as.Date(day))", "as.character(as.Date(day))", "paste(as.Date(day), f)", "format(as.Date(day) + 1, '%d')",
  "cut(x, quantile(x), include.lowest = TRUE)", "cut(x, c(-Inf, median(x), Inf))", "cut(z, quantile(z, c(0, 1/3, 2/3, 1), type = 6), include.lowest = TRUE)", "cut(x, range(x) + c(-1, 1))", "cut(x, c(-20, mean(x), 20))", "factor(rank(m) > 30)")
predicted <- c("poly(x, 3)", "poly(year, 5)", "ns(x, df = 4)", "ns(z, df = 3, intercept = TRUE)", "ns(x, knots = c(2, 3), Boundary.knots = c(0, 6))", "bs(x, df = 5)", "bs(z, df = 4, degree = 2)",
  "scale(x)", "scale(z, center = FALSE)", "poly(log(z), 2)", "poly(x, z, degree = 3)")

exact <- function(v) ifelse(is.na(v), "null", sprintf("\"%.17g\"", as.double(v)))
num <- function(v) ifelse(is.na(v), "null", ifelse(is.finite(v), sprintf("%.17g", as.double(v)), exact(v)))
str <- function(v) ifelse(is.na(v), "null", paste0("\"", v, "\""))
arr <- function(v) paste0("[", paste(v, collapse = ","), "]")
matrix_json <- function(v) arr(apply(as.matrix(unclass(v)), 2, function(c) arr(num(c))))
suffixes <- function(v) {
  v <- as.matrix(v)
  if (ncol(v) == 1) "" else if (is.null(colnames(v))) as.character(seq_len(ncol(v))) else colnames(v)
}
ev <- function(e) suppressWarnings(eval(parse(text = e), d))
case <- function(e, body) sprintf("{\"expression\":\"%s\",%s}", gsub("\\", "\\\\", e, fixed = TRUE), body)
out_numeric <- sapply(numeric, function(e) {
  v <- ev(e)
  case(e, sprintf("\"suffixes\":%s,\"columns\":%s", arr(str(suffixes(v))), matrix_json(v)))
})
out_logical <- sapply(logical, function(e) case(e, sprintf("\"values\":%s", arr(num(ev(e))))))
out_factor <- sapply(factors, function(e) {
  v <- ev(e)
  v <- droplevels(if (is.factor(v)) v else factor(v))
  case(e, sprintf("\"ordered\":%s,\"levels\":%s,\"labels\":%s", tolower(is.ordered(v)), arr(str(levels(v))), arr(str(as.character(v)))))
})
out_predicted <- sapply(predicted, function(e) {
  mf <- model.frame(as.formula(paste("~", e)), d, na.action = na.pass)
  v <- suppressWarnings(model.frame(terms(mf), new, na.action = na.pass)[[1]])
  case(e, sprintf("\"columns\":%s", matrix_json(v)))
})
column <- function(v) {
  if (is.factor(v)) sprintf("{\"kind\":\"%s\",\"levels\":%s,\"values\":%s}", if (is.ordered(v)) "ordered" else "factor", arr(str(levels(v))), arr(str(as.character(v))))
  else if (is.character(v)) sprintf("{\"kind\":\"text\",\"values\":%s}", arr(str(v)))
  else sprintf("{\"kind\":\"%s\",\"values\":%s}", if (is.logical(v)) "logical" else if (is.integer(v)) "integer" else "real", arr(exact(v)))
}
frame <- function(d) paste0("{", paste0("\"", names(d), "\":", sapply(d, column), collapse = ",\n"), "}")
lines <- function(v) paste0("[\n", paste(v, collapse = ",\n"), "\n]")
writeLines(sprintf("{\"data\":%s,\n\"new\":%s,\n\"numeric\":%s,\n\"logical\":%s,\n\"factor\":%s,\n\"predicted\":%s}",
  frame(d), frame(new), lines(out_numeric), lines(out_logical), lines(out_factor), lines(out_predicted)), file.path(here, "variables.json"))
