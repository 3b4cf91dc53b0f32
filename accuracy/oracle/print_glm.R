# What R prints for generalized linear models and their tables: print/glm-<case>.txt, and print_glm.json with the models.
# Read by crates/nelder-data/tests/suite/printing_glm.rs, which fits the same models. Run from the repository's root.
options(digits = 7, width = 80)
suppressMessages(library(MASS))
cases <- list()
text <- function(x) paste0('"', gsub('\n', '\\n', gsub('"', '\\"', gsub("\\", "\\\\", x, fixed = TRUE), fixed = TRUE),
  fixed = TRUE), '"')
save <- function(name, kind, data, formula, family, call, printed, more = "") {
  cases[[length(cases) + 1L]] <<- paste0('{"name": ', text(name), ', "kind": ', text(kind), ', "data": ', text(data),
    ', "formula": ', text(formula), ', "family": ', text(family), ', "call": ', text(call), more, "}")
  writeLines(printed, file.path("accuracy/oracle/print", paste0("glm-", name, ".txt")))
}
table_file <- function(name, d) {
  file <- file.path("accuracy/oracle/print", paste0("glm_", name, ".csv"))
  write.csv(d, file, row.names = FALSE, quote = FALSE)
  # read back, so that levels are sorted as in every other reader
  assign(paste0("glm_", name), read.csv(file, stringsAsFactors = TRUE), globalenv())
}
table_file("cars", mtcars[c("mpg", "cyl", "hp", "wt", "am", "carb", "gear")])
table_file("warpbreaks", warpbreaks)
table_file("clotting", data.frame(u = c(5, 10, 15, 20, 30, 40, 60, 80, 100), lot1 = c(118, 58, 42, 35, 27, 25, 21, 19, 18)))
table_file("counts", data.frame(counts = c(18, 17, 15, 20, 11, 20, 25, 13, 14), outcome = rep(c("a", "b", "c"), 3),
  treatment = rep(c("p", "q", "r"), each = 3)))
table_file("quine", quine)
table_file("anorexia", anorexia)
table_file("budworm", data.frame(ldose = rep(0:5, 2), numdead = c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16),
  sex = rep(c("M", "F"), each = 6), left = 20 - c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16)))
air <- airquality
air$Month <- NULL
table_file("air", air)

fit <- function(name, data, formula, family, more = list(), json = "") {
  call <- as.call(c(list(quote(glm), as.formula(formula), family = str2lang(family), data = as.name(paste0("glm_", data))), more))
  m <- suppressWarnings(eval(call))
  # the call and the number of steps of R's own fit, the numbers of its fixed point
  first <- m
  for (i in 1:40) {
    again <- call
    again$start <- ifelse(is.na(coef(m)), 0, coef(m))
    again$control <- glm.control(epsilon = 1e-8, maxit = 1)
    m <- suppressWarnings(eval(again))
  }
  m[c("call", "iter", "null.deviance")] <- first[c("call", "iter", "null.deviance")]
  printed <- paste(deparse(m$call), collapse = "\n")
  save(name, "summary", data, formula, family, printed, capture.output(print(summary(m))), json)
  save(paste0(name, "-brief"), "brief", data, formula, family, printed, capture.output(print(m)), json)
  invisible(m)
}
fit("logit", "cars", "am ~ wt + hp", "binomial")
fit("probit", "cars", "am ~ wt", "binomial(link = \"probit\")")
fit("clotting", "clotting", "lot1 ~ log(u)", "Gamma")
fit("dobson", "counts", "counts ~ outcome + treatment", "poisson()")
fit("few", "counts", "counts ~ outcome", "quasipoisson")
fit("anorexia", "anorexia", "Postwt ~ Prewt + Treat + offset(Prewt)", "gaussian")
fit("quasi", "warpbreaks", "breaks ~ wool * tension", "quasipoisson")
fit("budworm", "budworm", "cbind(numdead, left) ~ sex * ldose", "binomial")
fit("aliased", "cars", "am ~ wt + I(2 * wt) + hp", "binomial")
fit("constant", "cars", "carb ~ 1", "poisson")
fit("no-intercept", "cars", "carb ~ 0 + factor(cyl) + wt", "poisson")
fit("missing", "air", "Ozone ~ Wind + Temp + Solar.R", "Gamma(link = \"log\")")
fit("weights", "cars", "mpg ~ wt", "gaussian(link = \"log\")", list(weights = quote(hp)), ', "weights": "hp"')
fit("inverse", "cars", "mpg ~ wt + factor(gear)", "inverse.gaussian(link = \"log\")")
nb <- glm.nb(Days ~ Sex + Age + Eth, glm_quine, control = glm.control(epsilon = 1e-12, maxit = 100))
nb$call <- quote(glm.nb(formula = Days ~ Sex + Age + Eth, data = glm_quine))
s <- summary(nb)
# the number of steps is of another algorithm
s$iter <- 10
save("quine", "summary", "quine", "Days ~ Sex + Age + Eth", "negative.binomial", deparse(nb$call), capture.output(print(s)))

tables <- function(name, data, formula, family, test) {
  call <- as.call(list(quote(glm), as.formula(formula), family = str2lang(family), data = as.name(paste0("glm_", data)),
    control = quote(glm.control(epsilon = 1e-12, maxit = 100))))
  m <- suppressWarnings(eval(call))
  json <- paste0(', "test": ', text(test))
  save(paste0(name, "-anova-", tolower(test)), "anova", data, formula, family, "",
    capture.output(print(suppressWarnings(if (test == "none") anova(m) else anova(m, test = test)))), json)
  save(paste0(name, "-drop1-", tolower(test)), "drop1", data, formula, family, "",
    capture.output(print(suppressWarnings(drop1(m, test = test)))), json)
}
tables("logit", "cars", "am ~ hp + carb + factor(cyl)", "binomial", "Chisq")
tables("logit", "cars", "am ~ wt + hp", "binomial", "none")
tables("warpbreaks", "warpbreaks", "breaks ~ wool * tension", "poisson", "Chisq")
tables("warpbreaks", "warpbreaks", "breaks ~ wool + tension", "quasipoisson", "F")
tables("clotting", "clotting", "lot1 ~ log(u) + u", "Gamma", "F")
tables("clotting", "clotting", "lot1 ~ log(u) + u", "Gamma", "Chisq")
tables("gaussian", "cars", "mpg ~ wt + hp + factor(cyl)", "gaussian", "F")

two <- lapply(c("breaks ~ wool", "breaks ~ wool + tension", "breaks ~ wool * tension"), function(f)
  eval(as.call(list(quote(glm), as.formula(f), family = quote(poisson), data = quote(glm_warpbreaks)))))
save("models", "models", "warpbreaks", "breaks ~ wool|breaks ~ wool + tension|breaks ~ wool * tension", "poisson", "",
  capture.output(print(anova(two[[1]], two[[2]], two[[3]], test = "Chisq"))), ', "test": "Chisq"')
m <- glm(am ~ wt, binomial, glm_cars)
save("add1", "add1", "cars", "am ~ wt", "binomial", "", capture.output(print(suppressWarnings(add1(m, ~ . + hp + factor(gear) + carb,
  test = "Chisq")))), ', "test": "Chisq", "scope": "~ . + hp + factor(gear) + carb"')
m <- glm(carb ~ wt + hp + factor(gear) + am, poisson, glm_cars)
save("step", "step", "cars", "carb ~ wt + hp + factor(gear) + am", "poisson", "", capture.output(invisible(step(m))))
m <- glm(mpg ~ wt, Gamma("log"), glm_cars)
save("step-forward", "step", "cars", "mpg ~ wt", "Gamma(log)", "",
  capture.output(invisible(step(m, ~ . + hp + factor(cyl) + am, direction = "both"))), ', "scope": "~ . + hp + factor(cyl) + am"')
writeLines(c("[", paste(unlist(cases), collapse = ",\n"), "]"), "accuracy/oracle/print_glm.json")
