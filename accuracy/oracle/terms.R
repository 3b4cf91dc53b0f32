# What R makes of formulas: terms, factor patterns, column names, deparse, update, scopes, contrasts.
# Writes terms.json beside this file; crates/nelder/tests/suite/formula_terms.rs holds the crate against it.
#   Rscript accuracy/oracle/terms.R
suppressPackageStartupMessages(library(jsonlite))
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))

set.seed(1)
n <- 48
data <- data.frame(
  y = rnorm(n), x = rnorm(n), z = runif(n) + 1,
  a = gl(3, 1, n, labels = c("p", "q", "r")),
  b = gl(2, 3, n, labels = c("u", "v")),
  c = gl(4, 6, n, labels = c("1", "2", "3", "4")),
  o = factor(rep_len(c("lo", "mid", "hi", "top"), n), levels = c("lo", "mid", "hi", "top"), ordered = TRUE),
  l = rep_len(c(TRUE, FALSE, FALSE, TRUE, TRUE), n),
  `my var` = rnorm(n), `f g` = gl(2, 5, n, labels = c("s", "t w")),
  check.names = FALSE
)

formulas <- c(
  "y ~ 1", "y ~ 0", "y ~ x", "~ x", "y ~ x - 1", "y ~ 0 + x", "y ~ -1 + a", "y ~ a", "y ~ a + b",
  "~ a:b", "~ b:a", "~ b:a + a", "~ a + a:b", "~ b + a:b", "~ a:x", "~ x:a", "~ x + x:a", "~ a + a:x",
  "~ 0 + x + a", "~ 0 + x + x:a", "~ 0 + x:a", "~ 0 + x:a + b", "~ 0 + a:b", "~ 0 + b + a", "~ 0 + x + z",
  "~ a %in% b", "~ a/b", "~ a/b/c", "~ (a + b)/c", "~ a/(b + c)", "~ a/x", "~ a/x - 1", "~ 0 + a/b",
  "~ (a + b + c)^2 - a:b", "~ (a + b + c)^2", "~ (a + b + c)^3 - a:b", "~ a*b*c", "~ a*b*c - a", "~ a*b - b",
  "~ a:b:c", "~ a + a:b:c", "~ a:b + a:b:c", "~ b + a:c + a:b:c", "~ a:c + a:b", "~ a*x*b - x:b",
  "~ a + b %in% a", "~ a %in% (b + c)", "~ (a + b) %in% c", "~ a %in% b %in% c", "~ a:b %in% c",
  "~ a*b*c %in% a", "~ a %in% b + b", "~ a %in% 1", "~ a:1", "~ 1:a", "~ a/1", "~ 1/a", "~ a*1", "~ 1*a + b",
  "y ~ y + x", "y ~ y:x + x", "b ~ 0 + x + b:x + a:x", "b ~ b*a", "b ~ 0 + b + x + a:x", "b ~ 0 + x + a:b:x + a:x", "y ~ log(z) + y", "log(z) ~ x + z", "cbind(y, z) ~ a", "y ~ x + offset(z)",
  "y ~ offset(z)*x + a", "y ~ x:offset(z) + a", "y ~ offset(z) + offset(log(z)) + 0", "y ~ x - 0", "y ~ x + 0 + 1",
  "y ~ 1 - 1 + x", "y ~ x - (1 + x) + a", "y ~ -(1 - x) + a", "y ~ (a + 0)*b", "y ~ a*(b - 1)", "y ~ TRUE + x",
  "y ~ FALSE + a", "y ~ NULL + x", "y ~ a^2.7", "y ~ (a/b)^2", "y ~ (a*b*c)^2 - a:b:c", "y ~ (a + b)^2 + (b + c)^2",
  "y ~ a:a", "y ~ a*a", "y ~ a - b", "y ~ (a - b) + c", "y ~ -a + b", "y ~ +a", "y ~ a - a", "y ~ a + a + x",
  "y ~ o", "y ~ 0 + o", "y ~ o*a", "y ~ o:x", "y ~ l", "y ~ 0 + l", "y ~ l*a", "y ~ l:x", "y ~ a:l", "y ~ o:l - 1",
  "y ~ x == 1", "y ~ !l", "y ~ x > 0 & l", "y ~ x%%2", "y ~ (x > 0):a", "y ~ (x > 0)*z", "y ~ I(x^2) + I(x)",
  "y ~ log(z)*a", "y ~ poly(x, 2)", "y ~ poly(x, 1)", "y ~ poly(x, degree = 2):a", "y ~ a*poly(x, 2, raw = TRUE)",
  "y ~ cbind(x, z)", "y ~ cbind(x, 1):b", "y ~ factor(c)*x", "y ~ factor(round(z)) + o", "y ~ interaction(a, b)",
  "y ~ paste(a, b)", "y ~ ifelse(l, \"a b\", 'c')", "y ~ `my var`", "y ~ `my var`*`f g`", "y ~ `f g`:a - 1",
  "y ~ pmin(x, z) + pmax(x, -z)", "y ~ exp(-x^2)", "y ~ I(x/z*2) + I(-x^-2)", "y ~ I(1e5*x) + I(123456*x) + I(.5*x)",
  "y ~ cut(x, c(-Inf, 0, Inf))", "y ~ cut(x, 3, labels = FALSE)", "y ~ I(x*(z+1))", "y ~ as.numeric(a) + a",
  "y ~ x + z + x:z + I(x^2)", "y ~ b*x*l - 1", "y ~ a:b - 1 + x:o", "y ~ a:x + b:x - 1", "y ~ a:x + b:z + a:b",
  "y ~ 0 + x + b:a + o", "y ~ a*b + Error", "y ~ b %in% a + x %in% b", "y ~ (x + a + b)^3 - x:a:b - 1",
  "y ~ .", "y ~ . - x", "y ~ (x + a + .)^2 - .:l", "log(y) ~ . - `my var`", "y ~ .*z", "y ~ x + .", "~ .",
  "I(x + z) ~ . - 1", "y ~ offset(x) + .", "y ~ .^2 - c - .:c", "y ~ a/. - x", "y ~ y + ."
)
data$Error <- data$z

# What a variable of the model frame is, as far as naming its columns needs it.
kind <- function(v) {
  if (is.character(v)) v <- factor(v)
  if (is.logical(v)) return(list(levels = I(c("FALSE", "TRUE")), ordered = FALSE))
  if (is.factor(v)) return(list(levels = I(levels(v)), ordered = is.ordered(v)))
  if (is.matrix(v)) return(list(columns = ncol(v), names = if (is.null(colnames(v))) NULL else I(colnames(v))))
  list(columns = 1, names = NULL)
}

# The formula written out; nothing where R's text means another model: R writes `(x > 0):a` as `x > 0:a`, and
# cannot write a sum that holds two comparisons.
simplified <- function(f) {
  tryCatch({
    text <- deparse1(formula(terms(f, data = data, simplify = TRUE)))
    parts <- function(f) vapply(rownames(attr(terms(as.formula(f), data = data), "factors")), identity, "")
    if (all(parts(text) %in% parts(f))) text
  }, error = function(e) NULL)
}

case <- function(text) {
  f <- as.formula(text)
  t <- terms(f, data = data)
  factors <- attr(t, "factors")
  frame <- suppressWarnings(model.frame(t, data, na.action = NULL))
  columns <- suppressWarnings(colnames(model.matrix(t, frame)))
  list(
    formula = text,
    labels = I(attr(t, "term.labels")),
    variables = I(vapply(as.list(attr(t, "variables"))[-1], deparse1, "", backtick = TRUE)),
    factors = if (length(factors)) I(lapply(seq_len(ncol(factors)), function(j) I(unname(factors[, j])))) else I(list()),
    intercept = attr(t, "intercept"),
    response = attr(t, "response"),
    offset = I(as.integer(attr(t, "offset"))),
    kinds = unname(lapply(frame, kind)),
    columns = I(as.character(columns)),
    simplified = simplified(f)
  )
}

errors <- c("y ~ 2 + x", "y ~ \"x\"", "y ~ a^1", "y ~ a^0", "y ~ a^b", "y ~ a^(2)", "2 ~ x", "y ~ NA + x")
stopifnot(vapply(errors, function(e) inherits(try(terms(as.formula(e), data = data), silent = TRUE), "try-error"), NA))

updates <- list(
  c("y ~ x", ". ~ . + z"), c("y ~ x", "log(.) ~ ."), c("y ~ x", "~ . - 1"), c("y ~ a*b", ". ~ . - a:b"),
  c("y ~ x", "z ~ ."), c("y ~ x + offset(z)", ". ~ . - x"), c("y ~ x + offset(z)", ". ~ . - offset(z)"),
  c("y ~ x", ". ~ 1"), c("y ~ x", ". ~ 0"), c("y ~ x", ". ~ . - x"), c("y ~ x - 1", ". ~ . - x"), c("~ x", "y ~ ."),
  c("a - b ~ x", "log(.) ~ ."), c("a - b ~ x", ". * 2 ~ ."), c("y ~ a + b", ". ~ log(.)"), c("y ~ a + b", ". ~ .^2"),
  c("y ~ a + b", ". ~ .:c"), c("y ~ a + b", ". ~ c/."), c("y ~ x - 1", ". ~ . + 1"), c("y ~ x", ". ~ . + offset(w)"),
  c("y ~ a %in% b", ". ~ . + c"), c("y ~ x + offset(w) - 1", ". ~ . + a:b"), c("y ~ b:a + a", ". ~ ."),
  c("y ~ x", "NULL ~ ."), c("y ~ a + b", ". ~ I(.)"), c("y ~ a - b", ". ~ ."), c("y ~ x + a", ". ~ . + x:a - x"),
  c("y ~ 1", ". ~ . + x"), c("y ~ 0", ". ~ . + x"), c("y ~ `my var`", ". ~ . + x"), c("log(y) ~ x", ". ~ . + .:z"),
  c("y ~ x + z", "~ . - (x + z)"), c("a*b ~ x", "2^. ~ ."), c("a^b ~ x", ".^2 ~ ."), c("-a ~ x", ".^2 ~ ."),
  c("y ~ x", ". + z ~ ."), c("a + b ~ x", "c - . ~ ."), c("y ~ 0 + offset(w)", ". ~ ."), c("y ~ offset(w)", ". ~ .")
)

scopes <- list(
  list("y ~ a*b + c", "y ~ a", "y ~ a*b*c"), list("y ~ x", "y ~ 1", "y ~ x*z*a"), list("y ~ a*b*c", "y ~ a:b", "y ~ a*b*c + x"),
  list("y ~ a + b + c", "y ~ a + b + c", "y ~ (a + b + c)^2"), list("y ~ 1", "y ~ 1", "y ~ a:b + x + x:z"),
  list("y ~ b:a + a + b", "y ~ a", "y ~ a*b*x"), list("y ~ a:b", "y ~ 1", "y ~ a*b"), list("y ~ a*b*c - a", "y ~ b + b:c", "y ~ a*b*c")
)

expressions <- c(
  "a^-b", "a* -b", "a*!b", "-a^b", "(-a)^b", "-a:b", "!a==b", "a+!b==c", "1e5", "1e5L", "100000", "123456", "0.1", "1e-5",
  "1e-4", "0.0001234", "1e15", "1e16", "123456789012345678", "1/3", "5L", "0x1F", "1e300", "1e-300", ".5", "5.",
  "\"a\\\"b\\n\\t\\\\\"", "'it\\'s'", "`my var`+1", "f(`a b`=3,x)", "`my fun`(x)", "a%in%b", "a%%b", "a%/%b", "a&b|!c", "x>1",
  "`_x`", "`TRUE`", ".2", ".x", "NULL", "NA", "TRUE", "Inf", "-5", "NaN", "a**2", "3.14159265358979", "2.50", "1234567.8",
  "0.1234567890123456", "1e4L", "`+`(a,b)", "`-`(a)", "`*`(a+b,c)", "`^`(-a,2)", "`(`(x)", "`!`(a)+b", "`+`(a,-b)",
  "`+`(a,b+c)", "`-`(a,b-c)", "`^`(a^b,c)", "`^`(a,b^c)", "`/`(a,b*c)", "`:`(a,b:c)", "`==`(a==b,c)", "`%in%`(a,b%in%c)",
  "`+`(a)", "f()", "`&`(a|b,c)", "f(\"a b\"=1)", "0xFFFFFFFFFF", "--a", "!-a", "-!a", "1.e5", ".e5", "a^b^c", "a-b-c",
  "a/b*c", "a%%b*c:d", "a<=b&c!=d", "-a+b", "a:b^c", "(a)", "((a+b))*c", "f(x)[0]", "1e+22", "12345678901234567890", "2^31",
  "0.1+0.2", "100*x", "1e05", "1.0", "1e-15", "0.00001", "123456.7", "1234567890123456", "r\"(a\\b)\"", "'\\x41\\101'", "'\\u{42}'",
  "`+`(a*!b,c)", "`*`(!a,b)", "`^`(a,-b)", "`:`(-a,b)", "`*`(-a,b)", "`-`(a+b)", "`-`(a*b)", "`-`(a:b)", "`!`(a&b)", "`!`(a==b)"
)
expressions <- setdiff(expressions, "f(x)[0]")

poly <- lapply(c(2, 3, 4, 5, 8, 12, 16, 20), function(k) list(levels = k, values = I(sprintf("%.17g", contr.poly(k))), suffixes = I(colnames(contr.poly(k)))))

out <- list(
  r = R.version.string,
  columns = I(names(data)),
  formulas = lapply(formulas, case),
  errors = I(errors),
  updates = lapply(updates, function(u) list(old = u[1], new = u[2], value = deparse1(update(as.formula(u[1]), as.formula(u[2]))))),
  scopes = lapply(scopes, function(s) {
    f <- lapply(s, as.formula)
    list(model = s[[1]], lower = s[[2]], upper = s[[3]], drop = I(drop.scope(f[[1]])), drop_above = I(drop.scope(f[[1]], f[[2]])),
      add = I(add.scope(f[[1]], f[[3]])))
  }),
  expressions = lapply(expressions, function(e) list(text = e, value = deparse1(parse(text = e)[[1]], backtick = TRUE))),
  poly = poly,
  sum = I(as.vector(contr.sum(4))), helmert = I(as.vector(contr.helmert(4))), treatment = I(as.vector(contr.treatment(4, base = 3)))
)
write_json(out, file.path(here, "terms.json"), auto_unbox = TRUE, pretty = FALSE, null = "null")
