# Models drawn at random, from a fixed seed, over R's own data sets: what nobody thought of.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
library(splines)
plain <- function(d) as.data.frame(lapply(d, function(v) if (is.factor(v)) as.character(v) else as.numeric(v)))
sets <- lapply(list(mtcars = mtcars, iris = iris, airquality = airquality, warpbreaks = warpbreaks, toothgrowth = ToothGrowth,
  swiss = swiss, co2 = CO2, infert = infert, chickwts = chickwts), plain)
for (s in names(sets)) data_file(s, sets[[s]])
numbers <- function(d) names(d)[vapply(d, is.numeric, TRUE)]
texts <- function(d) setdiff(names(d), numbers(d))
draw <- function(x) x[sample.int(length(x), 1)]

term <- function(d, response) {
  x <- draw(c(setdiff(numbers(d), response), response))
  f <- if (length(texts(d))) draw(texts(d)) else paste0("cut(", x, ", 3)")
  switch(sample.int(16, 1), x, x, f, f, paste0("I(", x, "^2)"), paste0("log(abs(", x, ") + 1)"),
    paste0("poly(", x, ", 2, raw = TRUE)"), paste0(f, ":", x), paste0(f, " * ", x), paste0("sqrt(abs(", x, "))"),
    paste0("scale(", x, ")"), paste0("(", x, " + ", f, ")^2"), paste0("ifelse(", x, " > 2, 1, 0)"),
    paste0("pmin(", x, ", 5)"), paste0("ns(", x, ", 3)"), paste0("exp(-abs(", x, ") / 100)"))
}

set.seed(30)
made <- 0
seen <- character()
while (made < 100) {
  s <- draw(names(sets))
  y <- draw(numbers(sets[[s]]))
  join <- draw(c(" + ", " + ", " - 1 + "))
  formula <- paste(y, "~", paste(replicate(sample.int(4, 1), term(sets[[s]], y)), collapse = join))
  options <- if (runif(1) < 0.3) list(weights = paste0("abs(", draw(numbers(sets[[s]])), ") + 1")) else list()
  name <- paste(c(s, formula, unlist(options)), collapse = " | ")
  d <- read_data(s)
  m <- tryCatch(suppressWarnings({ data <- d; fit_lm(formula, data, options) }), error = function(e) NULL)
  # the response on the right side is left out by R with a warning; a fit that it determines has no digits to compare
  if (name %in% seen || is.null(m) || m$df.residual < 2 || y %in% all.vars(as.formula(formula)[[3]])) next
  if (sqrt(deviance(m) / m$df.residual) < 1e-6 * max(abs(model.response(model.frame(m))))) next
  seen <- c(seen, name)
  made <- made + 1
  case(name, s, formula, options, with = list(anova = TRUE), brief = TRUE)
}
finish()
