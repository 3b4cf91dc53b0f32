# Paths of elastic nets: an object that is glmnet's.

nd_glmnet <- function(x, ...) UseMethod("nd_glmnet")

nd_glmnet.default <- function(x, y, family = "gaussian", weights = NULL, offset = NULL, alpha = 1, nlambda = 100,
                              lambda.min.ratio = ifelse(nobs < nvars, 0.01, 1e-04), lambda = NULL, standardize = TRUE,
                              intercept = TRUE, thresh = 1e-07, dfmax = nvars + 1, pmax = min(dfmax * 2 + 20, nvars),
                              exclude = NULL, penalty.factor = rep(1, nvars), lower.limits = -Inf, upper.limits = Inf,
                              maxit = 1e+05, ..., precision = getOption("nelder.precision", "auto"),
                              device = getOption("nelder.device", "auto")) {
  call <- match.call()
  call[[1L]] <- as.name("nd_glmnet")
  nobs <- NROW(x)
  nvars <- NCOL(x)
  if (missing(intercept) && identical(family, "cox")) intercept <- FALSE
  request <- matrix_path(x, y, family, weights, offset, alpha = alpha, nlambda = nlambda,
                         lambda.min.ratio = lambda.min.ratio, lambda = lambda, standardize = standardize,
                         intercept = intercept, thresh = thresh, dfmax = dfmax, pmax = pmax, exclude = exclude,
                         penalty.factor = penalty.factor, lower.limits = lower.limits, upper.limits = upper.limits,
                         maxit = maxit, precision = precision, device = device, ..., env = parent.frame())
  path_of(request, call)
}

nd_glmnet.formula <- function(formula, data, family = "gaussian", weights, offset, subset, na.action, contrasts = NULL,
                              ..., precision = getOption("nelder.precision", "auto"),
                              device = getOption("nelder.device", "auto")) {
  call <- match.call()
  call[[1L]] <- as.name("nd_glmnet")
  frame <- path_frame(match.call(expand.dots = FALSE), parent.frame(), missing(na.action),
                      if (!missing(na.action)) na.action, formula, if (!missing(data)) data)
  request <- formula_path(frame, family, contrasts, ..., precision = precision, device = device, env = parent.frame())
  path_of(request, call)
}

# Fits what is asked for; the object.
path_of <- function(request, call) {
  found <- rust(of_columns(request, penalized(request$columns, request$model, run_options(request$device))))
  for (text in found$warnings) warning(simpleWarning(text, call))
  path_object(request, found, call)
}

# Errors over the columns of a matrix, with the name of the column: the library knows the matrix as one variable.
of_columns <- function(request, expr) {
  tryCatch(expr, error = function(err) {
    message <- conditionMessage(err)
    if (!startsWith(message, "``") || is.null(request$x)) stop(err)
    row <- as.numeric(sub(".* in row ([0-9]+).*", "\\1", message))
    bad <- which(!is.finite(as.double(unlist(request$x[row, ]))))
    if (is.na(row) || !length(bad)) stop(err)
    stop(sub("``", paste0("x has missing or infinite values; makeX() of glmnet imputes missing ones: `",
                          request$labels[bad[1L]], "`"), message, fixed = TRUE), call. = FALSE)
  })
}

# What is asked for, over the columns of a matrix. The result: `columns` and `model` for the library; `device`; `kind`, the class
# that glmnet gives such a path; `family`, `classnames`; `offset`, whether there is one; `nobs`, `labels` of the columns.
matrix_path <- function(x, y, family = "gaussian", weights = NULL, offset = NULL, ..., intercept = TRUE,
                        penalty.factor = NULL, exclude = NULL, precision = getOption("nelder.precision", "auto"),
                        device = getOption("nelder.device", "auto"), env = parent.frame()) {
  need_matrix()
  columns <- path_columns(x)
  n <- columns$rows
  p <- length(columns$names)
  if (missing(y)) refuse("y: there is no response")
  if (!is.null(weights) && length(weights) != n) {
    refuse("number of elements in weights (", length(weights), ") not equal to the number of rows of x (", n, ")")
  }
  if (NROW(y) != n) {
    refuse("number of observations in y (", NROW(y), ") not equal to the number of rows of x (", n, ")")
  }
  penalty.factor <- excluding(penalty.factor, exclude, x, y, weights, p)
  family <- path_family(family, env)
  intercept <- !without_intercept(family, !missing(intercept) && isTRUE(intercept)) && isTRUE(intercept)
  response <- path_response(y, family)
  offset <- if (is_multi(family)) multi_offset(offset, family, n, length(response$responses)) else path_offset(offset, family, n)
  with_offset <- !is.null(offset)
  check_complete(list(y = response$y, weights = weights, offset = offset), n)
  check_path_weights(weights)
  add <- function(vector, name) {
    added <- with_column(columns$library, vector, name)
    columns$library <<- added$columns
    if (is.null(vector)) "" else added$names
  }
  subtracted <- NULL
  if (with_offset && family$kind == "mrelnet") {
    response$y <- response$y - offset
    subtracted <- offset
    offset <- NULL
  }
  own <- add(response$y, "y")
  offsets <- add(offset, "offset")
  single <- p == 1L
  labels <- columns$shown
  model <- list(variables = c(if (single) labels else "", "y"), response = 2L, intercept = isTRUE(intercept),
                labels = "x", term_variables = list(1L), term_codings = list(1L), contrasts = c("", ""),
                weights = add(weights, "weights"), offset = if (is_multi(family)) "" else offsets, formula = "y ~ x", tol = NA_real_,
                precision = check_precision(precision), variable_columns = list(columns$names, own),
                variable_suffixes = list(if (single) character() else labels,
                                         if (length(own) > 1L) response_labels(response$y) else character()),
                missing = "fail", offsets = if (is_multi(family) && with_offset && nzchar(offsets[1L])) offsets else character(),
                classes = if (family$kind == "multnet" && length(own) == 1L) response$responses else character())
  model <- c(model, path_options(family, ..., penalty.factor = penalty.factor, columns = p))
  model$sparse <- columns$sparse
  list(columns = columns$library, model = model, device = check_device(device), kind = family$kind,
       family = family$object, classnames = response$classnames, responses = response$responses, offset = with_offset,
       nobs = as.integer(n), labels = labels, x = x, subtracted = subtracted)
}

# The same over the variables of a formula.
formula_path <- function(frame, family = "gaussian", contrasts = NULL, ..., intercept = TRUE, penalty.factor = NULL,
                         exclude = NULL, precision = getOption("nelder.precision", "auto"),
                         device = getOption("nelder.device", "auto"), env = parent.frame()) {
  need_matrix()
  at <- attr(frame$terms, "response")
  if (at == 0L) refuse("the formula has no response; write y ~ x")
  family <- path_family(family, env)
  intercept <- !without_intercept(family, !missing(intercept) && isTRUE(intercept)) && isTRUE(intercept)
  strata <- NULL
  if (family$kind == "coxnet") {
    special <- strata_of(frame)
    strata <- special$strata
    frame <- special$frame
  }
  if (!length(attr(frame$terms, "term.labels"))) refuse("the formula has no column to penalize; write y ~ a + b")
  name <- paste(deparse(attr(frame$terms, "variables")[[at + 1L]]), collapse = " ")
  response <- path_response(frame$all[[at]], family, frame$omit, strata, name)
  y <- response$y
  weights <- weights_in(frame)
  offset <- stats::model.offset(frame$all)
  with_offset <- !is.null(offset)
  offsets <- subtracted <- NULL
  if (is_multi(family)) {
    offsets <- multi_offset(offset, family, nrow(frame$all), length(response$responses))
    if (with_offset && family$kind == "mrelnet") {
      y <- y - offsets
      subtracted <- offsets
      offsets <- NULL
    }
    offset <- NULL
  } else {
    offset <- path_offset(offset, family, nrow(frame$all))
  }
  if (is.matrix(y)) dimnames(y) <- list(NULL, response_labels(y))
  design <- indicators(frame, y, contrasts, weights, offset, check_precision(precision))
  # what is left out by number is known when the columns are: by name here
  if (!is.null(exclude) && !is.character(exclude)) refuse("exclude: name the columns or the terms of the formula")
  if (length(exclude)) {
    if (length(penalty.factor) && is.null(names(penalty.factor))) {
      refuse("penalty.factor: name the columns or the terms of the formula where `exclude` does")
    }
    penalty.factor <- c(penalty.factor, stats::setNames(rep(Inf, length(exclude)), exclude))
  }
  design$model$intercept <- attr(frame$terms, "intercept") == 1L && intercept
  classes <- if (family$kind == "multnet" && !is.matrix(y)) response$responses else character()
  added <- with_column(design$columns, offsets, "offset")
  model <- c(design$model, list(missing = "omit", offsets = added$names, classes = classes),
             path_options(family, ..., penalty.factor = penalty.factor))
  list(columns = added$columns, model = model, device = check_device(device), kind = family$kind,
       family = family$object, classnames = response$classnames, responses = response$responses, offset = with_offset,
       nobs = as.integer(frame$rows), omit = frame$omit, subtracted = subtracted,
       formula = list(terms = frame$terms, xlevels = design$xlevels, contrasts = design$contrasts, na.action = frame$said))
}

# Columns for the library with a vector or a matrix, if there is one, beside them: `columns`, and the `names` of those that came.
with_column <- function(columns, vector, name) {
  if (is.null(vector)) return(list(columns = columns, names = character()))
  name <- paste0("\u200b", name)
  width <- NCOL(vector)
  names <- if (width == 1L) name else paste0(name, seq_len(width))
  if (width > 1L) dimnames(vector) <- NULL
  k <- length(columns$columns) + 1L
  columns$columns[[k]] <- vector
  columns$widths[k] <- as.integer(width)
  columns$names <- c(columns$names, names)
  columns["levels"] <- list(c(columns$levels, vector("list", k - length(columns$levels))))
  columns$ordered <- c(columns$ordered, integer(k - length(columns$ordered)))
  list(columns = columns, names = names)
}

# What a path is asked to be, for the library.
path_options <- function(family, alpha = 1, nlambda = 100, lambda.min.ratio = NA_real_, lambda = NULL, standardize = TRUE,
                         thresh = 1e-07, dfmax = 0, pmax = 0, penalty.factor = NULL, lower.limits = -Inf,
                         upper.limits = Inf, maxit = 1e+05, columns = NULL, relax = FALSE, maxp = NULL,
                         type.gaussian = NULL, type.multinomial = "ungrouped", standardize.response = FALSE,
                         cox.ties = c("breslow", "efron"), ...) {
  check_unused(...)
  if (!is.logical(relax) || length(relax) != 1L || is.na(relax)) refuse("relax: ", deparse(relax)[1L], " is not TRUE or FALSE")
  if (!is.null(type.gaussian)) {
    type.gaussian <- type.gaussian[1L]
    if (!type.gaussian %in% c("covariance", "naive")) {
      refuse("type.gaussian: ", deparse(type.gaussian), " is neither \"covariance\" nor \"naive\"")
    }
  }
  number <- function(value, name) {
    if (!is.numeric(value) || length(value) != 1L || is.na(value)) refuse(name, ": ", deparse(value)[1L], " is not a number")
    as.double(value)
  }
  if (is.null(lambda)) {
    if (!is.na(lambda.min.ratio[1L]) && number(lambda.min.ratio, "lambda.min.ratio") >= 1) {
      refuse("lambda.min.ratio should be less than 1")
    }
  } else lambda <- descending(lambda)
  factors <- by_column(penalty.factor, columns, "the length of penalty.factor does not match the number of variables")
  lower <- by_column(lower.limits, columns, "Require length 1 or nvars lower.limits", TRUE)
  upper <- by_column(upper.limits, columns, "Require length 1 or nvars upper.limits", TRUE)
  if (any(lower$values > 0)) refuse("Lower limits should be non-positive")
  if (any(upper$values < 0)) refuse("Upper limits should be non-negative")
  if (length(lower$values) == 1L && !length(lower$names) && lower$values == -Inf) lower <- list()
  if (length(upper$values) == 1L && !length(upper$names) && upper$values == Inf) upper <- list()
  of <- function(what, part, none) if (is.null(what[[part]])) none else what[[part]]
  if (!is.logical(standardize) || length(standardize) != 1L || is.na(standardize)) {
    refuse("standardize: ", deparse(standardize)[1L], " is not TRUE or FALSE")
  }
  list(family = family$native, alpha = clamped_alpha(alpha)[1L], lambda = as.double(lambda),
       nlambda = number(nlambda, "nlambda"), ratio = as.double(lambda.min.ratio[1L]), standardize = standardize,
       penalty_factor = of(factors, "values", double()), penalty_factor_names = of(factors, "names", character()),
       lower = of(lower, "values", double()), lower_names = of(lower, "names", character()),
       upper = of(upper, "values", double()), upper_names = of(upper, "names", character()),
       thresh = number(thresh, "thresh"), dfmax = number(dfmax, "dfmax"), pmax = number(pmax, "pmax"),
       maxit = number(maxit, "maxit"), ties = match.arg(cox.ties), printed = family$kind == "glmnetfit",
       relax = relax, maxp = if (is.null(maxp)) -1 else max(number(maxp, "maxp"), 0),
       reading = if (is.null(type.gaussian)) "" else type.gaussian,
       multi = multi_options(family, type.multinomial, standardize.response)$multi)
}

# Arguments of glmnet that only say how it computes are taken; others are mistakes.
check_unused <- function(...) {
  known <- c("type.logistic", "trace.it", "path")
  unknown <- setdiff(...names(), known)
  if (...length() && (is.null(...names()) || length(unknown))) {
    refuse("unused argument: ", if (length(unknown) && nzchar(unknown[1L])) unknown[1L] else "one without a name")
  }
}

clamped_alpha <- function(alpha) {
  if (!is.numeric(alpha) || !length(alpha) || anyNA(alpha)) refuse("alpha: ", deparse(alpha)[1L], " is not a number")
  if (any(alpha > 1)) warning(simpleWarning("alpha >1; set to 1", user_call()))
  if (any(alpha < 0)) warning(simpleWarning("alpha<0; set to 0", user_call()))
  pmin(pmax(as.double(alpha), 0), 1)
}

descending <- function(lambda) {
  if (!is.numeric(lambda) || !length(lambda)) refuse("lambda: ", deparse(lambda)[1L], " is not a vector of numbers")
  bad <- which(!is.finite(lambda))
  if (length(bad)) refuse("lambda: number ", bad[1L], " is ", lambda[bad[1L]])
  if (any(lambda < 0)) refuse("lambdas should be non-negative")
  rev(sort(as.double(lambda)))
}

# Numbers by column: list(values, names), names where they are for some columns only.
by_column <- function(values, columns, message, recycled = FALSE) {
  if (is.null(values)) return(list())
  if (!is.numeric(values) || anyNA(values)) refuse(message, ": they are not numbers")
  values <- stats::setNames(as.double(values), names(values))
  if (recycled && length(values) == 1L && is.null(names(values))) return(list(values = values))
  if (is.null(columns)) return(list(values = unname(values), names = names(values)))
  if (recycled && length(values) > columns) values <- values[seq_len(columns)]
  if (length(values) != columns) refuse(message, ": ", length(values), " for ", columns)
  list(values = unname(values))
}

# Penalty factors in which columns that are left out have an infinite one.
excluding <- function(factors, exclude, x, y, weights, p) {
  if (is.null(exclude)) return(factors)
  if (is.function(exclude)) exclude <- exclude(x = x, y = y, weights = weights)
  exclude <- unique(exclude)
  if (!length(exclude)) return(factors)
  if (!is.numeric(exclude) || any(is.na(exclude) | exclude < 1 | exclude > p | exclude != floor(exclude))) {
    refuse("Some excluded variables out of range")
  }
  if (is.null(factors)) factors <- rep(1, p)
  factors[exclude] <- Inf
  factors
}

# The object, of what the library has found.
path_object <- function(request, found, call) {
  if (!is.null(request$responses)) return(multi_object(request, found, call))
  labels <- if (is.null(request$formula)) request$labels else found$names
  p <- length(labels)
  if (!length(found$lambda)) {
    warning("an empty model has been returned; probably a convergence issue", call. = FALSE)
    found[c("a0", "lambda", "df", "dev_ratio", "p")] <- list(0, Inf, 0L, 0, c(0L, 0L))
    found$relaxed <- NULL
  }
  steps <- length(found$lambda)
  names <- paste0("s", seq_len(steps) - 1L)
  z <- list(a0 = stats::setNames(found$a0, names),
            beta = sparse_matrix(found$p, found$i, found$x, c(p, steps), list(labels, names)),
            df = if (request$kind == "glmnetfit") as.double(found$df) else found$df, dim = c(p, steps),
            lambda = found$lambda, dev.ratio = found$dev_ratio, nulldev = found$nulldev,
            npasses = as.integer(found$sweeps), jerr = as.integer(found$jerr), offset = request$offset)
  if (request$kind == "coxnet") z["a0"] <- list(NULL)
  z$classnames <- request$classnames
  z$call <- call
  if (request$kind == "glmnetfit") z$family <- request$family
  z$nobs <- request$nobs
  z <- c(z, request$formula[lengths(request$formula) > 0L])
  solutions <- function(found) {
    steps <- match(found$lambda, z$lambda)
    a0 <- stats::setNames(found$a0, names[steps])
    list(a0 = if (request$kind != "coxnet") a0,
         beta = sparse_matrix(found$p, found$i, found$x, c(p, length(steps)), list(labels, names[steps])))
  }
  path_classes(z, request$kind, found, solutions)
}

# The object with its classes and what is hidden in it, and with its relaxed fits where there are some, whose coefficients `solutions` makes.
path_classes <- function(z, kind, found, solutions) {
  hidden <- handle(list2env(list(report = found$report), parent = emptyenv()))
  relaxed <- found$relaxed
  if (!is.null(relaxed)) {
    own <- z
    own[c("a0", "beta")] <- solutions(relaxed)
    own$lambda <- relaxed$lambda
    own$df <- z$df[match(relaxed$lambda, z$lambda)]
    own$dev.ratio <- relaxed$dev_ratio
    own$nelder <- hidden
    class(own) <- c("nd_glmnet", kind, "glmnet")
    z$relaxed <- own
  }
  z$nelder <- hidden
  class(z) <- c("nd_glmnet", if (!is.null(relaxed)) "relaxed", kind, "glmnet")
  z
}

path_report <- function(report) {
  report$passes <- as.data.frame(report$passes)
  report$made <- nrow(report$passes)
  structure(report, class = "nd_path_report")
}

print.nd_path_report <- function(x, ...) {
  report_line("algorithm", x$algorithm)
  report_line("device", paste0(x$device, ", ", x$precision))
  report_line("reading", x$reading)
  report_line("planned", paste0("passes: ", x$planned, "; made: ", x$made))
  report_line("sweeps", x$sweeps)
  report_line("KKT", paste0(formatC(x$violation, digits = 1L, format = "e"),
                                   " (the largest violation of the conditions of a minimum at any lambda)"))
  report_line("end", x$end)
  report_computed(x$computed)
  print_passes(passes_in_short(x$passes))
  invisible(x)
}

need_matrix <- function() {
  if (!isNamespaceLoaded("Matrix") && !requireNamespace("Matrix", quietly = TRUE)) {
    refuse("the coefficients of a path are a sparse matrix of the package Matrix, which is not there: install it")
  }
}

# A dgCMatrix of slots that fit each other. Making one anew takes longer than a small path.
sparse_matrix <- local({
  blank <- NULL
  function(p, i, x, dim, names) {
    if (is.null(blank)) blank <<- methods::new(methods::getClass("dgCMatrix", where = asNamespace("Matrix")))
    out <- blank
    attr(out, "p") <- as.integer(p)
    attr(out, "i") <- as.integer(i)
    attr(out, "x") <- as.double(x)
    attr(out, "Dim") <- as.integer(dim)
    attr(out, "Dimnames") <- names
    out
  }
})
