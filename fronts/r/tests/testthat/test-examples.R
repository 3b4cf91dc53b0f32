# R's own examples with lm and glm replaced by ours print the same numbers.

numbers_of <- function(topic, ours) {
  env <- new.env(parent = globalenv())
  if (ours) {
    # the name stays, so that calls print alike
    env$lm <- nelder::nd_lm
    env$glm <- nelder::nd_glm
  } else {
    # R's glm, gone on until nothing moves
    env$glm <- function(...) {
      call <- match.call(stats::glm, sys.call())
      own <- call
      own[[1L]] <- quote(stats::glm)
      fit <- eval(own, parent.frame())
      for (i in 1:5) {
        own$start <- ifelse(is.na(stats::coef(fit)), 0, stats::coef(fit))
        fit <- eval(own, parent.frame())
      }
      call[[1L]] <- quote(glm)
      fit$call <- call
      fit
    }
  }
  file <- tempfile(fileext = ".R")
  db <- tools::Rd_db("stats")
  tools::Rd2ex(db[[paste0(topic, ".Rd")]], file, commentDontrun = FALSE)
  code <- readLines(file)
  code <- code[!grepl("dontrun|^ *anova\\(lm.D9, test = .*debug", code)]
  expressions <- parse(text = code)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  set.seed(5)
  text <- utils::capture.output(suppressWarnings(suppressMessages(for (expr in expressions) {
    value <- withVisible(eval(expr, env))
    if (value$visible) print(value$value)
  })))
  # an iteration that has settled earlier or later, and addresses of environments and byte codes
  text[!grepl("iterations|environment|bytecode", text)]
}

# The same text, numbers apart by one in their last digit at most, or both of them rounding error.
expect_same_numbers <- function(a, b) {
  number <- "-?[0-9]+[.]?[0-9]*(e[-+]?[0-9]+)?"
  words <- function(text) gsub(" +", " ", gsub("[-#=]+", "#", gsub(number, "#", text)))
  expect_identical(words(a), words(b))
  x <- unlist(regmatches(a, gregexpr(number, a)))
  y <- unlist(regmatches(b, gregexpr(number, b)))
  digits <- nchar(gsub("[^0-9]", "", sub("e.*", "", sub("^-?0[.]?0*", "", y))))
  apart <- abs(as.numeric(x) - as.numeric(y))
  fine <- apart <= 1.001 * 10^(1 - digits) * abs(as.numeric(y)) | abs(as.numeric(x)) + abs(as.numeric(y)) < 1e-14
  expect(all(fine), paste("numbers differ:", paste(x[!fine], y[!fine], sep = " and ", collapse = "; ")))
}

for (topic in c("lm", "glm", "predict.lm", "anova.glm")) {
  test_that(paste0("example(", topic, ")"), {
    expect_same_numbers(numbers_of(topic, TRUE), numbers_of(topic, FALSE))
  })
}
