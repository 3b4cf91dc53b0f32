# What R prints for linear models and their tables, and the numbers it printed.
# Writes print/<case>.txt and print.json. Run from the repository's root, in a UTF-8 locale:
#   LC_ALL=C.UTF-8 Rscript accuracy/oracle/print.R
options(digits = 7, width = 80)
cases <- list()
num <- function(x) ifelse(is.nan(x), '"NaN"', ifelse(is.na(x), "null", ifelse(is.finite(x), sprintf("%.17g", x),
                   ifelse(x > 0, '"Inf"', '"-Inf"'))))
nums <- function(x) paste0("[", paste(num(as.numeric(x)), collapse = ","), "]")
text <- function(x) paste0('"', gsub('\n', '\\n', gsub('"', '\\"', gsub("\\", "\\\\", x, fixed = TRUE), fixed = TRUE),
                                     fixed = TRUE), '"')
texts <- function(x) paste0("[", paste(text(x), collapse = ","), "]")
object <- function(...) { v <- c(...); paste0("{", paste0('"', names(v), '":', v, collapse = ","), "}") }
save <- function(name, kind, record, printed) {
  cases[[length(cases) + 1L]] <<- object(name = text(name), kind = text(kind), record = record)
  writeLines(printed, file.path("accuracy/oracle/print", paste0(name, ".txt")))
}
call_text <- function(m) text(paste(deparse(m$call), collapse = "\n"))

record <- function(s, response = "") {
  co <- s$coefficients
  if (length(s$aliased)) {
    full <- matrix(NA_real_, length(s$aliased), 4, dimnames = list(names(s$aliased), NULL))
    full[!s$aliased, ] <- co
  } else full <- matrix(0, 0, 4)
  rdf <- s$df[2]
  res <- if (rdf > 5) object(quantiles = nums(quantile(s$residuals)))
         else if (rdf > 0) object(names = texts(names(s$residuals)), values = nums(s$residuals))
         else '"saturated"'
  f <- s$fstatistic
  object(call = call_text(s), response = text(response), residuals = res,
         weighted = if (!is.null(s$weights) && diff(range(s$weights)) != 0) "true" else "false",
         terms = texts(rownames(full)), coefficients = nums(t(full)), aliased = num(sum(s$aliased)),
         sigma = num(s$sigma), df_residual = num(rdf), rank = num(s$df[1]),
         r_squared = num(if (is.null(f)) NA else s$r.squared), adj_r_squared = num(if (is.null(f)) NA else s$adj.r.squared),
         f = if (is.null(f)) "null" else nums(c(f, pf(f[1], f[2], f[3], lower.tail = FALSE))),
         omitted = num(length(s$na.action)))
}
lm_case <- function(name, fit) {
  s <- summary(fit)
  save(name, "summary", record(s), capture.output(print(s)))
  save(paste0(name, "-brief"), "brief", paste0("[", record(s), "]"), capture.output(print(fit)))
}
mlm_case <- function(name, fit) {
  s <- summary(fit)
  responses <- sub("^Response ", "", names(s))
  all <- paste(mapply(record, s, responses), collapse = ",")
  save(name, "summaries", paste0("[", all, "]"), capture.output(print(s)))
  save(paste0(name, "-brief"), "brief_of", object(call = call_text(fit), fits = paste0("[", all, "]")),
       capture.output(print(fit)))
}
columns <- function(a) object(rows = texts(rownames(a)), columns =
  paste0("[", paste(vapply(a, function(v) nums(v), ""), collapse = ","), "]"))

m <- mtcars
m$wt2 <- 2 * m$wt
m$big <- m$hp * 1e6
m$tiny <- m$hp * 1e-9
for (name in c("mtcars", "m", "airquality", "iris", "longley", "swiss", "attitude", "anscombe"))
  write.csv(get(name), file.path("accuracy/oracle/print", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
lm_case("factor", lm(mpg ~ wt + factor(cyl), mtcars))
lm_case("weights", lm(mpg ~ wt + hp, mtcars, weights = qsec))
lm_case("equal-weights", lm(mpg ~ wt + hp, mtcars, weights = rep(2, 32)))
lm_case("aliased", lm(mpg ~ wt + wt2 + hp, m))
lm_case("two-aliased", lm(mpg ~ wt + wt2 + I(wt + wt2) + hp, m))
lm_case("no-intercept", lm(mpg ~ 0 + wt, mtcars))
lm_case("no-intercept-factor", lm(mpg ~ 0 + factor(cyl) + wt, mtcars))
lm_case("intercept-only", lm(mpg ~ 1, mtcars))
lm_case("nothing", lm(mpg ~ 0, mtcars))
lm_case("saturated", lm(c(21, 20.5) ~ c(2.62, 2.875)))
lm_case("saturated-factor", lm(mpg ~ rownames(mtcars)[1:4], mtcars[1:4, ]))
lm_case("few-rows", lm(mpg ~ wt, mtcars[1:5, ]))
lm_case("few-rows-numbered", lm(dist ~ speed, cars[11:17, ]))
lm_case("few-rows-many-sizes", lm(y ~ x, data.frame(x = 1:6, y = c(1, 1e3, 1e-3, 12, 5e5, 2))))
o <- m
o$mpg[3] <- NA
lm_case("one-omitted", lm(mpg ~ wt, o))
o$hp[c(4, 9, 20)] <- NA
lm_case("omitted", lm(mpg ~ wt + hp, o))
lm_case("sizes", lm(mpg ~ big + tiny + wt + am, transform(m, tiny = tiny * qsec)))
lm_case("large-response", lm(I(mpg * 1e9) ~ wt + hp, mtcars))
lm_case("small-response", lm(I(mpg * 1e-9) ~ wt + hp, mtcars))
lm_case("no-stars", lm(rnorm(32) ~ cos(seq_len(32)), {set.seed(4); mtcars}))
lm_case("dot-star", lm(mpg ~ qsec + drat + gear + carb + vs, mtcars))
lm_case("interaction", lm(mpg ~ wt * factor(cyl) * factor(gear), mtcars))
lm_case("polynomial", lm(mpg ~ poly(wt, 3) + poly(hp, 2), mtcars))
lm_case("long-names", lm(mpg ~ I(sqrt(weight_of_the_car_in_thousands_of_pounds_measured)) + hp,
                         transform(mtcars, weight_of_the_car_in_thousands_of_pounds_measured = wt)))
lm_case("longer-names", lm(mpg ~ I(sqrt(weight_of_the_car_in_thousands_of_pounds_measured_in_the_year_1974)) + hp,
                         transform(mtcars, weight_of_the_car_in_thousands_of_pounds_measured_in_the_year_1974 = wt)))
set.seed(20130101)
d <- data.frame(day = factor(sprintf("%d %d", rep(1:12, each = 28), 1:28)), x = rnorm(336 * 3))
d$y <- round(d$x * 3 + as.integer(d$day) %% 7 + rnorm(nrow(d), sd = 20))
lm_case("many", lm(y ~ x + day, d))
big <- data.frame(x = rep(c(1, 2, 4, 7), 25001), e = rep(c(0.3, -0.1, 0.7, -0.2, -0.7), length.out = 100004))
big$y <- big$x + big$e
lm_case("one-hundred-thousand", lm(y ~ x, big[1:100002, ]))
lm_case("near-perfect", suppressWarnings(lm(y ~ x, data.frame(x = 1:20, y = 2 * (1:20) + 1e-9 * sin(1:20)))))
lm_case("longley", lm(Employed ~ ., longley))
lm_case("airquality", lm(log(Ozone) ~ Solar.R + Wind + Temp, airquality))
lm_case("iris", lm(Sepal.Length ~ ., iris))
lm_case("anscombe", lm(y1 ~ x1, anscombe))
lm_case("swiss", lm(Fertility ~ ., swiss))
lm_case("attitude", lm(rating ~ ., attitude))
lm_case("warpbreaks", lm(breaks ~ wool * tension, warpbreaks))
lm_case("helmert", lm(breaks ~ wool * tension, warpbreaks, contrasts = list(tension = "contr.helmert")))
for (k in 1:30) {
  # Coefficients of all sizes.
  set.seed(k)
  n <- sample(12:60, 1)
  x <- as.data.frame(lapply(setNames(1:4, paste0("x", 1:4)), function(i) rnorm(n, 10^runif(1, -2, 2)) * 10^runif(1, -6, 6)))
  x$y <- (as.matrix(x) %*% (rnorm(4) / sapply(x, sd)) + rnorm(n)) * 10^runif(1, -5, 5)
  x$y <- as.numeric(x$y)
  lm_case(sprintf("sizes-%02d", k), lm(y ~ ., x))
}
mlm_case("responses", lm(cbind(mpg, hp) ~ wt + factor(cyl), mtcars))
mlm_case("responses-omitted", lm(cbind(mpg, hp, qsec) ~ wt, o))

sequential <- function(name, fit) {
  a <- anova(fit)
  save(name, "sequential", object(response = text(deparse(formula(fit)[[2L]])), table = columns(a)),
       capture.output(print(a)))
}
between <- function(name, ...) {
  a <- anova(...)
  save(name, "between", object(formulas = texts(vapply(list(...), function(f) paste(deparse(formula(f)), collapse = "\n"), "")),
                               table = columns(a)), capture.output(print(a)))
}
drops <- function(name, fit, ...) {
  a <- drop1(fit, ...)
  save(name, if (ncol(a) > 4) "drop_test" else "drop", object(formula = text(paste(deparse(formula(fit)), collapse = "\n")), table = columns(a)),
       capture.output(print(a)))
}
adds <- function(name, fit, scope, ...) {
  a <- add1(fit, scope, ...)
  save(name, if (ncol(a) > 4) "add_test" else "add", object(formula = text(paste(deparse(formula(fit)), collapse = "\n")), table = columns(a)),
       capture.output(print(a)))
}
full <- lm(mpg ~ wt + factor(cyl) + qsec + hp, mtcars)
sequential("anova-factor", lm(mpg ~ wt + factor(cyl), mtcars))
sequential("anova-full", full)
sequential("anova-interaction", lm(breaks ~ wool * tension, warpbreaks))
sequential("anova-one", lm(mpg ~ 1, mtcars))
sequential("anova-no-intercept", lm(mpg ~ 0 + wt, mtcars))
sequential("anova-large", lm(I(mpg * 1e6) ~ wt + hp, mtcars))
sequential("anova-small", lm(I(mpg * 1e-4) ~ wt + qsec, mtcars))
sequential("anova-many", lm(y ~ x + day, d))
suppressWarnings(sequential("anova-saturated", lm(mpg ~ wt, mtcars[1:2, ])))
sequential("anova-longley", lm(Employed ~ ., longley))
between("models-two", lm(mpg ~ wt, mtcars), lm(mpg ~ wt + factor(cyl), mtcars))
between("models-three", lm(mpg ~ 1, mtcars), lm(mpg ~ wt, mtcars), full)
between("models-reversed", full, lm(mpg ~ wt, mtcars))
between("models-same-df", lm(mpg ~ wt, mtcars), lm(mpg ~ hp, mtcars))
do.call(between, c("models-ten", lapply(1:10, function(k) lm(reformulate(names(mtcars)[2:(k + 1)], "mpg"), mtcars))))
drops("drop-test", full, test = "F")
drops("drop", full)
drops("drop-one", lm(mpg ~ wt, mtcars), test = "F")
drops("drop-interaction", lm(breaks ~ wool * tension, warpbreaks), test = "F")
drops("drop-longley", lm(Employed ~ ., longley), test = "F")
adds("add-test", lm(mpg ~ wt, mtcars), ~ . + hp + qsec + factor(cyl), test = "F")
adds("add", lm(mpg ~ 1, mtcars), ~ wt + hp)

# step: the trace in R's print, and each table by its own.
trace <- function(name, start, ...) {
  tables <- list()
  shown <- capture.output(step(start, ...))
  record <- function(a, fit, first) tables[[length(tables) + 1L]] <<- object(first = if (first) "true" else "false",
    aic = num(extractAIC(fit)[2]), formula = text(paste(deparse(formula(fit)), collapse = "\n")), table = columns(a))
  fit <- start
  scope <- list(...)$scope
  repeat {
    a <- drop1(fit)
    if (nrow(a) > 1) rownames(a) <- c("<none>", paste("-", rownames(a)[-1]))
    if (!is.null(scope) && length(add.scope(fit, update(fit, scope)))) {
      b <- add1(fit, update(fit, scope))
      rownames(b) <- c("<none>", paste("+", rownames(b)[-1]))
      a <- rbind(a, b[-1, ])
    }
    a <- a[order(a$AIC), ]
    record(a, fit, length(tables) == 0)
    best <- rownames(a)[1]
    if (best == "<none>") break
    fit <- update(fit, as.formula(paste("~ .", best)))
  }
  shown <- shown[seq_len(which(shown == "Call:")[1] - 2L)]  # the returned model, printed
  save(name, "step", paste0("[", paste(tables, collapse = ","), "]"), shown)
}
trace("step-backward", full)
trace("step-both", lm(mpg ~ 1, mtcars), scope = ~ wt + hp + qsec + factor(cyl))
trace("step-swiss", lm(Fertility ~ ., swiss))
writeLines(c("[", paste(unlist(cases), collapse = ",\n"), "]"), "accuracy/oracle/print.json")
cat(length(cases), "cases\n")
