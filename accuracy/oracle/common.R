# What the scripts of this folder share. A script sources this file, calls case() for each case, and finish() at the
# end, which writes the JSON of the same name beside the script. The data files it makes lie in data/.
options(warn = 1)
invisible(Sys.setlocale("LC_COLLATE", "C"))  # factor levels sorted by code point
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
here <- dirname(normalizePath(script))
family <- sub("[.]R$", "", basename(script))
dir.create(file.path(here, "data"), showWarnings = FALSE)
cases <- list()
ROWS <- 20  # how many rows of per-row results are kept

# --- JSON with 17 significant digits; what is not finite becomes null --------------------------------------------

arr <- function(x) structure(list(unname(x)), class = "arr")  # an array, also of length one
text <- function(s) {
  s <- gsub("\\", "\\\\", s, fixed = TRUE)
  paste0("\"", gsub("\"", "\\\"", s, fixed = TRUE), "\"")
}
atoms <- function(x) {
  if (is.character(x)) ifelse(is.na(x), "null", text(x))
  else if (is.logical(x)) ifelse(is.na(x), "null", ifelse(x, "true", "false"))
  else ifelse(is.finite(x), sprintf("%.17g", x), "null")
}
json <- function(x, indent = "") {
  deeper <- paste0(indent, " ")
  if (is.null(x)) return("null")
  if (inherits(x, "arr")) {
    x <- x[[1]]
    if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, function(r) paste0("[", paste(atoms(r), collapse = ", "), "]")),
      collapse = paste0(",\n", deeper)), "]"))
    if (is.list(x)) return(paste0("[", paste(vapply(x, json, "", deeper), collapse = paste0(",\n", deeper)), "]"))
    return(paste0("[", paste(atoms(x), collapse = ", "), "]"))
  }
  if (is.list(x) && !length(x)) return("{}")
  if (is.list(x)) return(paste0("{\n", paste0(deeper, text(names(x)), ": ", vapply(x, json, "", deeper), collapse = ",\n"),
    "\n", indent, "}"))
  stopifnot(length(x) == 1)
  unname(atoms(x))
}

# --- data ------------------------------------------------------------------------------------------------------

# Rounds to a multiple of 2^-bits, so that the decimal text is short and every reader gets the same number.
dyadic <- function(x, bits = 8) round(x * 2^bits) / 2^bits

shortest <- function(x) {
  s <- sprintf("%.15g", x)
  long <- is.finite(x)
  long[long] <- as.numeric(s[long]) != x[long]
  s[long] <- sprintf("%.17g", x[long])
  s
}

read_data <- function(name) {
  read.csv(file.path(here, "data", paste0(name, ".csv")), na.strings = c("NA", ""), check.names = FALSE,
    stringsAsFactors = TRUE)
}

# Writes data/NAME.csv and gives what R reads back, which must be what was written.
data_file <- function(name, d) {
  columns <- lapply(d, function(v) if (is.numeric(v)) shortest(v) else as.character(v))
  columns <- lapply(columns, function(v) ifelse(is.na(v), "NA", v))
  lines <- c(paste(names(d), collapse = ","), do.call(paste, c(unname(columns), sep = ",")))
  # scripts that run at a time write the same file: it has its name when it is whole
  part <- tempfile("part", file.path(here, "data"))
  writeLines(lines, part)
  stopifnot(file.rename(part, file.path(here, "data", paste0(name, ".csv"))))
  back <- read_data(name)
  for (v in names(d)) {
    same <- if (is.numeric(d[[v]])) identical(as.numeric(back[[v]]), as.numeric(d[[v]]))
      else identical(as.character(back[[v]]), as.character(d[[v]]))
    if (!same) stop("column ", v, " of ", name, ".csv does not come back as it was written")
  }
  invisible(back)
}

# The data that most cases use: 60 rows with every kind of column. `b` and `c` leave one combination empty.
mixed <- function() {
  set.seed(20)
  n <- 60
  d <- data.frame(
    x1 = dyadic(rnorm(n, 3, 2)), x2 = dyadic(runif(n, 0.5, 10)), x3 = dyadic(rexp(n) - 1),
    a = sample(c("red", "green", "blue"), n, TRUE), b = sample(c("k1", "k2", "k3", "k4"), n, TRUE),
    c = sample(c("yes", "no"), n, TRUE), q = sample(c("low", "mid", "high", "top"), n, TRUE),
    flag = sample(c(TRUE, FALSE), n, TRUE), k = sample(1:4, n, TRUE), g = sample(c("s1", "s2", "s3", "s4", "s5", "s6", "s7"), n, TRUE),
    w = dyadic(runif(n, 0.25, 4)), w0 = dyadic(runif(n, 0, 3)) * sample(0:1, n, TRUE, c(0.2, 0.8)), o = dyadic(rnorm(n))
  )
  d$c[d$b == "k3"] <- "no"
  e <- rnorm(n)
  d$y <- dyadic(2 + 0.5 * d$x1 - 0.25 * d$x2 + (d$a == "red") + 0.75 * (d$b == "k2") - 0.5 * d$flag + d$o / 2 + e)
  d$y2 <- dyadic(1 - d$x1 + 0.3 * d$k + rnorm(n))
  d$pos <- dyadic(exp(1 + 0.2 * d$x1 + 0.3 * e)) + 2^-8
  d
}

# --- one fit ---------------------------------------------------------------------------------------------------

fit_lm <- function(formula, data, options = list()) {
  call <- list(quote(lm), as.formula(formula), data = quote(data))
  for (o in intersect(c("weights", "offset", "subset"), names(options))) call[[o]] <- str2lang(options[[o]])
  if (!is.null(options$na)) call$na.action <- as.name(paste0("na.", options$na))
  if (!is.null(options$tol)) call$tol <- options$tol
  if (!is.null(options$contrasts)) call$contrasts <- lapply(options$contrasts, function(k) paste0("contr.", k))
  eval(as.call(call))
}

# Warnings that are the point of a case, not news: contrasts of a factor that a smaller model lacks, perfect fits.
expected_warnings <- function(w) {
  known <- "is absent, its contrast will be ignored|essentially perfect fit|rank-deficient fit"
  if (grepl(known, conditionMessage(w))) invokeRestart("muffleWarning")
}

# Condition number of the design the coefficients came from: weighted, aliased columns left out, columns of norm one.
condition <- function(m) {
  x <- model.matrix(m)[, !is.na(coef(m)), drop = FALSE]
  if (!is.null(m$weights)) x <- (x * sqrt(m$weights))[m$weights > 0, , drop = FALSE]
  if (!ncol(x)) return(1)
  x <- sweep(x, 2, apply(x, 2, function(v) max(abs(v)) * sqrt(sum((v / max(abs(v)))^2))), "/")
  if (ncol(x) > 200) return(kappa(qr(x)))
  s <- svd(x, 0, 0)$d
  s[1] / s[length(s)]
}

# By how much rounding errors of the data can grow in what is expected: the condition, times the size of the response
# in units of sigma (residuals are differences of numbers of that size), times 1 / (1 - leverage) at its largest.
noise <- function(m, scale, perfect) {
  if (perfect) return(condition(m))
  h <- hatvalues(m)
  h <- max(h[h < 1 - 1e-8], 0)
  condition(m) * max(1, scale / sqrt(deviance(m) / df.residual(m))) / (1 - h)
}

# Sums of squares that are rounding errors beside the sum of squares of the response are zero.
clean <- function(ss, total) ifelse(abs(ss) < 1e-12 * total, 0, ss)

square <- function(v) list(terms = arr(rownames(v)), values = arr(unname(v)))
pad <- function(v, all) unname(v)[match(all, names(v))]
pad_both <- function(v, rows, columns) unname(v)[match(rows, rownames(v)), match(columns, colnames(v)), drop = FALSE]

anova_table <- function(t, total) list(
  term = arr(trimws(rownames(t))), df = arr(t[["Df"]]), sum_sq = arr(clean(t[["Sum Sq"]], total)), mean_sq = arr(t[["Mean Sq"]]),
  f = arr(t[["F value"]]), p = arr(t[["Pr(>F)"]]))

drop1_table <- function(t, total) list(
  term = arr(trimws(rownames(t))), df = arr(t[["Df"]]), sum_sq = arr(clean(t[["Sum of Sq"]], total)), rss = arr(t[["RSS"]]),
  aic = arr(t[["AIC"]]), f = arr(t[["F value"]]), p = arr(t[["Pr(>F)"]]))

coefficient_table <- function(m, level, vcov = NULL) {
  all <- names(coef(m))
  if (is.null(vcov)) {
    t <- summary(m)$coefficients
    ci <- confint(m, level = level)
  } else {
    t <- unclass(lmtest::coeftest(m, vcov. = vcov))
    ci <- lmtest::coefci(m, vcov. = vcov, level = level)
  }
  column <- function(t, j) setNames(t[, j], rownames(t))
  list(std_error = arr(pad(column(t, 2), all)), statistic = arr(pad(column(t, 3), all)), p_value = arr(pad(column(t, 4), all)),
    conf_low = arr(pad(column(ci, 1), all)), conf_high = arr(pad(column(ci, 2), all)))
}

# The Wald F of all coefficients but the intercept under a covariance, as lmtest::waldtest gives it.
wald <- function(m, v) {
  slopes <- setdiff(names(coef(m))[!is.na(coef(m))], "(Intercept)")
  b <- coef(m)[slopes]
  f <- drop(b %*% solve(v[slopes, slopes], b)) / length(slopes)
  if (attr(terms(m), "intercept") && !anyNA(coef(m))) stopifnot(all.equal(f, lmtest::waldtest(m, vcov = v)$F[2]))
  list(value = f, df1 = length(slopes), df2 = df.residual(m),
    p_value = pf(f, length(slopes), df.residual(m), lower.tail = FALSE))
}

robust <- function(m, level, with) {
  out <- list()
  for (type in c("HC0", "HC1", "HC2", "HC3")) {
    v <- sandwich::vcovHC(m, type = type)
    out[[tolower(type)]] <- c(square(v), coefficient_table(m, level, v), list(f_statistic = wald(m, v)))
  }
  if (!is.null(with$cluster)) {
    v <- sandwich::vcovCL(m, cluster = as.formula(paste("~", with$cluster)), type = "HC1")
    out$cluster <- c(list(column = with$cluster), square(v), coefficient_table(m, level, v), list(f_statistic = wald(m, v)))
  }
  out
}

predictions <- function(m, newdata, level, weighted) {
  new <- read_data(newdata)
  p <- predict(m, new, se.fit = TRUE, interval = "confidence", level = level)
  out <- list(newdata = paste0("data/", newdata, ".csv"), level = level, df = p$df, residual_scale = p$residual.scale,
    fit = arr(p$fit[, "fit"]), se = arr(p$se.fit), conf_low = arr(p$fit[, "lwr"]), conf_high = arr(p$fit[, "upr"]))
  q <- suppressWarnings(predict(m, new, interval = "prediction", level = level))
  c(out, list(pred_low = arr(q[, "lwr"]), pred_high = arr(q[, "upr"])))
}

# Everything that is expected of one fit. `with` asks for more than the usual: anova, drop1, hc, cluster, predict;
# `perfect` says that residuals are rounding errors, so that what rests on them is left out.
expected <- function(m, with = list(), level = 0.95, perfect = FALSE, brief = FALSE) {
  s <- suppressWarnings(summary(m))
  all <- names(coef(m))
  rows <- head(names(residuals(m)), ROWS)
  offset_or_zero <- if (is.null(m$offset)) 0 else m$offset
  out <- list(terms = arr(all), estimate = arr(coef(m)), df_residual = df.residual(m), nobs = nobs(m))
  out$rows <- arr(as.integer(rows))
  out$fitted <- arr(pad(fitted(m), rows))
  if (!brief) out$leverage <- arr(pad(hatvalues(m), rows))
  if (perfect) return(out)
  f <- s$fstatistic
  out <- c(out, coefficient_table(m, level), list(sigma = s$sigma, r_squared = s$r.squared, adj_r_squared = s$adj.r.squared,
    f_statistic = if (is.null(f)) NULL else list(value = f[["value"]], df1 = f[["numdf"]], df2 = f[["dendf"]],
      p_value = pf(f[["value"]], f[["numdf"]], f[["dendf"]], lower.tail = FALSE)),
    log_lik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m), deviance = deviance(m),
    residuals = arr(pad(residuals(m), rows))))
  if (is.null(f)) out["f_statistic"] <- list(NULL)
  if (!brief) {
    out <- c(out, list(cooks = arr(pad(cooks.distance(m), rows)), rstandard = arr(pad(rstandard(m), rows))))
    # with one degree of freedom a fit without a row leaves 0 / 0
    if (df.residual(m) > 1)
      out <- c(out, list(rstudent = arr(pad(rstudent(m), rows)), dfbetas = arr(pad_both(dfbetas(m), rows, all))))
    out$vcov <- square(vcov(m))
  }
  total <- deviance(m) + sum((if (is.null(m$weights)) 1 else m$weights) * m$fitted.values^2)
  if (isTRUE(with$anova)) out$anova <- anova_table(anova(m), total)
  if (isTRUE(with$drop1)) out$drop1 <- drop1_table(drop1(m, test = "F"), total)
  if (isTRUE(with$hc) || !is.null(with$cluster)) out <- c(out, robust(m, level, with))
  if (!is.null(with$predict)) out$predict <- predictions(m, with$predict, level)
  out
}

# --- cases -----------------------------------------------------------------------------------------------------

add <- function(...) {
  one <- list(...)
  stopifnot(!(one$name %in% vapply(cases, `[[`, "", "name")))
  cases[[length(cases) + 1]] <<- one
}

option_json <- function(options) {
  if (!length(options)) return(structure(list(), names = character()))
  options
}

case <- function(name, data, formula, options = list(), with = list(), perfect = FALSE, brief = FALSE) {
  d <- read_data(data)
  level <- if (is.null(options$level)) 0.95 else options$level
  data <- paste0("data/", data, ".csv")
  # the fit is made here, so that update() in drop1 and sandwich finds its data
  m <- local({ data <- d; fit_lm(formula, data, options) })
  m$call$data <- d
  scale <- max(abs(model.response(model.frame(m))))
  add(name = name, kind = "lm", data = data, formula = formula, options = option_json(options), condition = condition(m),
    noise = noise(m, scale, perfect), scale = scale, perfect = perfect,
    expected = withCallingHandlers(expected(m, with, level, perfect, brief), warning = expected_warnings))
}

# Several responses: each is what a fit of its own gives on the rows that all of them keep.
case_mlm <- function(name, data, formula, options = list()) {
  d <- read_data(data)
  m <- local({ data <- d; fit_lm(formula, data, options) })
  responses <- colnames(coef(m))
  y <- model.response(model.frame(m))
  blocks <- lapply(responses, function(r) {
    data <- d
    data$.y <- NA_real_
    data$.y[match(rownames(y), rownames(d))] <- y[, r]
    one <- fit_lm(update(as.formula(formula), .y ~ .), data, options)
    one$call$data <- data
    stopifnot(all.equal(coef(one), coef(m)[, r]), df.residual(one) == df.residual(m))
    c(list(response = r), expected(one))
  })
  first <- local({ data <- d; data$.y <- d[[all.vars(as.formula(formula))[1]]]; fit_lm(update(as.formula(formula), .y ~ .), data, options) })
  add(name = name, kind = "mlm", data = paste0("data/", data, ".csv"), formula = formula, options = option_json(options),
    condition = condition(first), noise = noise(first, max(abs(y)), FALSE), scale = max(abs(y)), responses = arr(blocks))
}

# Models beside each other.
case_anova <- function(name, data, formulas, options = list()) {
  d <- read_data(data)
  fits <- lapply(formulas, function(f) { data <- d; fit_lm(f, data, options) })
  t <- do.call(anova, fits)
  add(name = name, kind = "anova", data = paste0("data/", data, ".csv"), formulas = arr(formulas), options = option_json(options),
    condition = condition(fits[[length(fits)]]), noise = 100 * condition(fits[[length(fits)]]), scale = 1,
    expected = list(df_residual = arr(t[["Res.Df"]]), rss = arr(t[["RSS"]]), df = arr(t[["Df"]]), sum_sq = arr(t[["Sum of Sq"]]),
      f = arr(t[["F"]]), p = arr(t[["Pr(>F)"]])))
}

case_step <- function(name, data, formula, lower = NULL, upper = NULL, direction = "backward", k = 2, options = list()) {
  d <- read_data(data)
  assign(".step_data", d, globalenv())
  m <- fit_lm(formula, d, options)
  m$call$data <- quote(.step_data)
  m$call$formula <- as.formula(formula)
  scope <- if (is.null(upper) && is.null(lower)) NULL
    else list(lower = if (is.null(lower)) ~1 else as.formula(lower), upper = as.formula(if (is.null(upper)) formula else upper))
  s <- if (is.null(scope)) step(m, direction = direction, k = k, trace = 0)
    else step(m, scope = scope, direction = direction, k = k, trace = 0)
  path <- s$anova
  add(name = name, kind = "step", data = paste0("data/", data, ".csv"), formula = formula, lower = lower, upper = upper,
    direction = direction, k = k, options = option_json(options), condition = condition(m),
    noise = 100 * condition(m), scale = 1,
    expected = list(formula = deparse1(formula(s)), terms = arr(names(coef(s))), estimate = arr(coef(s)),
      step = arr(trimws(as.character(path$Step))), df = arr(path$Df), deviance = arr(path$Deviance),
      resid_df = arr(path[["Resid. Df"]]), resid_dev = arr(path[["Resid. Dev"]]), aic = arr(path$AIC)))
}

finish <- function() {
  version <- paste(R.version$major, R.version$minor, sep = ".")
  out <- list(r = version, sandwich = as.character(packageVersion("sandwich")), family = family, cases = arr(cases))
  writeLines(json(out), file.path(here, paste0(family, ".json")))
}
