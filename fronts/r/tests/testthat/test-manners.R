condition <- function(expr) tryCatch(expr, error = identity)

test_that("what stops lm stops nd_lm, with the user's call", {
  d <- people
  expect_error(nd_lm(y ~ nothing, d), "object 'nothing' not found")
  short <- 1:3
  expect_error(nd_lm(y ~ short, d), "variable lengths differ")
  expect_error(nd_lm(s ~ x, d), "the response `s` is text")
  expect_error(nd_lm(a ~ x, d), "the response `a` is a factor")
  expect_error(nd_lm(y ~ x, d, weights = -w), "negative weights not allowed.*row 1")
  expect_error(nd_lm(y ~ x, d, weights = s), "'weights' must be a numeric vector")
  one <- transform(d, g = factor("only"))
  expect_error(nd_lm(y ~ g, one), "contrasts can be applied only to factors with 2 or more levels: `g`")
  expect_error(nd_lm(y ~ x + z + copy, d, singular.ok = FALSE), "singular fit encountered: `copy`|singular fit encountered: `z`")
  expect_error(nd_lm(y ~ x, holes, na.action = na.fail), "missing values in object: `x` is missing in row 3")
  expect_error(nd_lm(y ~ x, transform(d, x = replace(x, 4, Inf))), "`x`.*row 4")
  expect_error(nd_lm(~x, d), "no response")
  expect_error(nd_lm(y ~ x, d[0, ]), "0|no complete rows|rows")
  expect_error(nd_lm(y ~ x, d, precision = "f16"), "precision")
  expect_error(nd_lm(y ~ x, d, device = "gpu"), "device: \"gpu\" is none of")
  expect_error(nd_lm(y ~ x, d, device = "cuda:99"), "no cuda")
  expect_warning(nd_lm(y ~ x, d, nonsense = 3), "extra argument .nonsense. will be disregarded")
  expect_warning(nd_prcomp(d[c("x", "z")], nonsense = 3), "extra argument .nonsense. will be disregarded")
  fit <- nd_lm(y ~ a, d)
  expect_error(predict(fit, data.frame(a = "new")), "factor a has new level")
  expect_error(predict(fit, data.frame(b = "u")), "object 'a' not found")
  mine <- function(f, d) nd_lm(f, d, weights = -w)
  for (err in list(condition(nd_lm(y ~ x, transform(d, x = replace(x, 4, Inf)))), condition(nd_lm(s ~ x, d)),
                   condition(nd_lm(y ~ g, one)), condition(mine(y ~ a + nothing, d)),
                   condition(nd_lm(y ~ x, holes, na.action = na.fail)), condition(nd_lm(y ~ x, d, precision = 3)))) {
    expect_identical(as.character(conditionCall(err)[[1]]), "nd_lm")
  }
  expect_identical(as.character(conditionCall(condition(nd_glm(y ~ x, binomial, d)))[[1]]), "nd_glm")
  # a function that leaves missing values where they are
  expect_error(nd_lm(y ~ x, holes, na.action = function(object, ...) object), "na.action has left missing values")
})

test_that("what stops glm stops nd_glm", {
  d <- people
  expect_error(nd_glm(y ~ x, binomial, d), "`y`.*binomial.*row|row")
  expect_error(nd_glm(k ~ x, "nofamily", d), "nofamily")
  expect_error(nd_glm(k ~ x, poisson, d, weights = -w), "negative weights not allowed")
  expect_error(nd_glm(k ~ x, poisson, d, start = 1), "length|start")
  expect_error(nd_glm(k ~ x, poisson, d, control = list(epsilon = -1)), "epsilon")
  expect_error(nd_glm(s ~ x, poisson, d), "text")
  separated <- data.frame(y = rep(0:1, each = 10), x = 1:20)
  seen <- character()
  fit <- withCallingHandlers(nd_glm(y ~ x, binomial, separated), warning = function(w) {
    seen <<- c(seen, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  expect_true(any(grepl("fitted probabilities numerically 0 or 1", seen)))
  expect_true(any(grepl("separated", seen)))
  expect_true(all(is.finite(coef(fit))))
})

test_that("functions of the user's own work in formulas, found where the formula was made", {
  maker <- function() {
    shift <- 3
    own <- function(v) v + shift
    list(f = y ~ own(x) + I({ z }), n = 5)
  }
  f <- maker()$f
  expect_same(coef(nd_lm(f, people)), coef(lm(f, people)))
  w <- people$w
  expect_same(coef(nd_lm(people$y ~ people$x, weights = w)), coef(lm(people$y ~ people$x, weights = w)))
})

test_that("a factor of many levels takes no matrix", {
  rows <- 2e5
  big <- data.frame(y = rnorm(rows), x = rnorm(rows), g = factor(sample(800, rows, TRUE)))
  invisible(gc(reset = TRUE))
  before <- sum(gc()[, 2])
  fit <- nd_lm(y ~ x + g, big)
  text <- utils::capture.output(print(summary(fit)))
  most <- sum(gc()[, 6])
  # the matrix would take 1280 MB
  expect_lt(most - before, 60)
  expect_length(coef(fit), 801)
})

test_that("a fit of many rows is kilobytes until someone reads more", {
  rows <- 1e6
  big <- data.frame(y = rnorm(rows), x = rnorm(rows), g = factor(sample(5, rows, TRUE)))
  invisible(nd_lm(y ~ x, people))
  invisible(gc())
  before <- sum(gc()[, 2])
  fit <- nd_lm(y ~ x + g, big)
  expect_lt(sum(gc()[, 2]) - before, 0.5)
  late <- nd_glm(y > 0 ~ x + g, binomial, big)
  # R's own vector of y > 0
  expect_lt(sum(gc()[, 2]) - before, 13)
  expect_length(residuals(fit), rows)
})

test_that("columns that R holds otherwise", {
  d <- transform(people, day = as.Date("2024-01-01") + seq_len(n), t = as.POSIXct("2024-01-01", tz = "UTC") + seq_len(n),
                 whole = seq_len(n) %/% 3L)
  d$wide <- cbind(people$x, people$z)
  d$long <- 1:n
  for (f in list(y ~ day, y ~ t, y ~ whole * a, y ~ wide, y ~ long + I(wide[, 1]), y ~ l * x, y ~ day:a)) {
    ours <- nd_lm(f, d)
    r <- lm(f, d)
    # dates are far from zero: the condition is that of R's columns
    expect_same(coef(ours), coef(r), 1e-7, label = deparse(f))
    new <- function(fit) suppressWarnings(predict(fit, d[1:4, ]))
    expect_same(new(ours), new(r), 1e-9, label = deparse(f))
    expect_same(anova(ours), anova(r), 1e-7, label = deparse(f))
  }
})

test_that("integers of 64 bits are numbers, not their bits", {
  skip_without("bit64")
  d <- data.frame(y = people$y, i = bit64::as.integer64(seq_len(n)))
  expect_same(coef(nd_lm(y ~ i, d)), coef(lm(y ~ as.double(i), d)), check.attributes = FALSE)
})

test_that("an interrupt stops a fit and leaves R usable", {
  skip_on_os("windows")
  script <- tempfile(fileext = ".R")
  writeLines(c(
    "library(nelder)", "set.seed(1)",
    "d <- data.frame(y = rnorm(4e5), matrix(rnorm(4e5 * 60), ncol = 60))",
    "cat('ready\\n'); flush(stdout())",
    "state <- tryCatch({ repeat fit <- nd_lm(y ~ ., d, precision = 'certified'); 'finished' }, interrupt = function(i) 'interrupted')",
    "cat(state, '\\n')", "cat(length(coef(nd_lm(y ~ X1, d))), '\\n')"), script)
  out <- tempfile()
  libs <- paste(.libPaths(), collapse = .Platform$path.sep)
  pid <- system2("sh", c("-c", shQuote(sprintf("R_LIBS=%s %s --vanilla -f %s > %s 2>&1 & echo $!", shQuote(libs),
                                               file.path(R.home("bin"), "R"), script, out))), stdout = TRUE)
  ready <- FALSE
  for (i in 1:100) {
    Sys.sleep(0.2)
    ready <- file.exists(out) && any(grepl("^ready", readLines(out, warn = FALSE)))
    if (ready) break
  }
  expect_true(ready)
  Sys.sleep(1)
  tools::pskill(as.integer(pid), tools::SIGINT)
  from <- Sys.time()
  done <- FALSE
  for (i in 1:100) {
    Sys.sleep(0.1)
    done <- any(grepl("^interrupted", readLines(out, warn = FALSE)))
    if (done) break
  }
  expect_true(done)
  expect_lt(as.numeric(difftime(Sys.time(), from, units = "secs")), 2)
  Sys.sleep(1.5)
  expect_true(any(grepl("^2 $", readLines(out, warn = FALSE))))
  tools::pskill(as.integer(pid))
})

test_that("threads are an option, and a fork has threads of its own", {
  old <- options(nelder.threads = 1)
  on.exit(options(old))
  one <- coef(nd_lm(y ~ x, people))
  options(nelder.threads = 2)
  expect_equal(coef(nd_lm(y ~ x, people)), one, tolerance = 1e-14)
  skip_on_os("windows")
  many <- parallel::mclapply(1:2, function(i) coef(nd_lm(y ~ x, people)), mc.cores = 2)
  expect_equal(many[[2]], one, tolerance = 1e-14)
  options(nelder.threads = -1)
  expect_error(nd_lm(y ~ x, people), "nelder.threads")
})

test_that("the report says what ran", {
  text <- utils::capture.output(nd_explain(nd_lm(y ~ x + a, people)))
  expect_true(any(grepl("cholesky", text)) && any(grepl("digits", text)) && any(grepl("cpu", text)))
  expect_silent(nd_lm(y ~ x, people))
})

test_that("columns that someone changes in place are noticed", {
  skip_without("data.table")
  d <- data.table::as.data.table(people)
  fit <- nd_lm(y ~ x, as.list(d))
  late <- nd_glm(k ~ x, poisson, as.list(d))
  data.table::set(d, 1:5, "y", 100)
  data.table::set(d, 1:5, "k", 50L)
  expect_error(fit$residuals[1], "changed in place")
  expect_error(late$residuals[1], "changed in place")
})
