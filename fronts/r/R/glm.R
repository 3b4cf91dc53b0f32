nd_glm <- function(formula, family = stats::gaussian, data, weights, subset, na.action, start = NULL, etastart, mustart,
                   offset, control = list(...), model = TRUE, method = "glm.fit", x = FALSE, y = TRUE,
                   singular.ok = TRUE, contrasts = NULL, ..., precision = getOption("nelder.precision", "auto"),
                   device = getOption("nelder.device", "auto")) {
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  family <- as_family(family, parent.frame())
  precision <- check_precision(precision)
  device <- check_device(device)
  given <- if (is.null(own$data)) list(formula = formula) else list(formula = formula, data = data)
  if (missing(data)) data <- environment(formula)
  if (!method %in% c("glm.fit", "model.frame")) stop("invalid 'method' argument: ", method)
  na <- if (missing(na.action)) no_action else list(set = TRUE, value = na.action)
  more <- c("etastart", "mustart")
  frame <- evaluate_frame(own, parent.frame(), na, given, more)
  control <- scoring_control(control)
  request <- list(call = call, frame_call = own, na = na, more = more, terms = frame$terms, contrasts = contrasts,
                  precision = precision, device = device, family = family, start = start, control = control,
                  tol = min(1e-7, control$epsilon / 1000))
  if (identical(method, "model.frame")) return(lazy_frame(new_core("glm", frame, NULL, request, FALSE), frame))
  z <- fit_generalized(frame, request, call, model, singular.ok)
  e <- z$nelder
  z$nelder <- NULL
  if (model) z$model <- lazy_frame(e, frame)
  if (!is.null(frame$said)) z$na.action <- frame$said
  if (x) z$x <- model_matrix(e)
  if (!y) z$y <- NULL
  z <- c(z, list(call = call, formula = stats::formula(frame$terms), terms = frame$terms,
                 data = if (model) data else environment(stats::formula(frame$terms)), offset = offset_of(e, frame),
                 control = control, method = method, contrasts = e$record$contrasts, xlevels = e$record$xlevels,
                 nelder = handle(e)))
  keep_prints(e, z)
  if (!missing(formula) && inherits(formula, "formula")) z$formula <- formula
  class(z) <- c("nd_glm", "glm", "lm")
  as_it_is(z, e)
}

# R's glm.control(), and `epsilon_f64`: the steps are formed in double precision once the deviance changes by less.
scoring_control <- function(control) {
  own <- control[["epsilon_f64"]]
  control[["epsilon_f64"]] <- NULL
  control <- do.call(stats::glm.control, control)
  if (!is.null(own)) {
    if (!is.numeric(own) || length(own) != 1L || is.na(own) || own < 0) {
      refuse("control: epsilon_f64 must be a number from 0, not ", deparse(own)[1L])
    }
    # not a component: R's own methods hand these to glm.control()
    attr(control, "epsilon_f64") <- as.double(own)
  }
  control
}

# The lines that glm.fit() prints with trace = TRUE.
print_trace <- function(record) {
  for (i in seq_along(record$trace)) {
    name <- record$trace_passes[i]
    if (grepl("^step [0-9]+$", name) && name != "step 0") {
      cat("Deviance = ", record$trace[i], " Iterations - ", substring(name, 6L), "\n", sep = "")
    } else if (grepl("^step [0-9]+, halved$", name)) {
      cat("Step halved: new deviance = ", record$trace[i], "\n", sep = "")
    }
  }
}

# The response of a generalized linear model as the library reads it.
generalized_response <- function(frame, family) {
  at <- attr(frame$terms, "response")
  if (at == 0L) refuse("the formula has no response; write y ~ x")
  y <- .subset2(frame$all, at)
  name <- names(frame$all)[at]
  binomial <- family$family %in% c("binomial", "quasibinomial")
  if (is.character(y)) {
    refuse("the response `", name, "` is text", if (binomial) "; make it a factor, its first level is the failure")
  }
  if (is.factor(y)) {
    if (!binomial) refuse("the response `", name, "` is a factor, and the ", family$family, " family needs numbers")
    return(as.numeric(as.integer(y) != 1L))
  }
  if (is.matrix(y) && ncol(y) == 1L) y <- y[, 1L]
  if (is.matrix(y) && !(binomial && ncol(y) == 2L)) {
    refuse(if (binomial) "for the 'binomial' family, y must be a vector of 0 and 1's or a 2 column matrix where col 1 is no. successes and col 2 is no. failures"
         else paste0("the response `", name, "` is a matrix; the ", family$family, " family needs one column"))
  }
  if (is.logical(y)) storage.mode(y) <- "double"
  as_numbers(y, name)
}

describe_generalized <- function(frame, request) {
  w <- .subset2(frame$all, "(weights)")
  if (!is.null(w) && !is.numeric(w)) refuse("'weights' must be a numeric vector")
  if (!is.null(w) && any(w < 0, na.rm = TRUE)) {
    bad <- which(w < 0)[1L]
    refuse("negative weights not allowed: weight ", w[bad], " in row ", attr(frame$all, "row.names")[bad])
  }
  y <- generalized_response(frame, request$family)
  offset <- as.vector(stats::model.offset(frame$all))
  check_offset(offset, if (is.matrix(y)) y[, 1L] else y)
  eta <- .subset2(frame$all, "(etastart)")
  mu <- .subset2(frame$all, "(mustart)")
  design <- describe_model(frame, y, request$contrasts, w, offset, start = if (is.null(eta)) mu else eta,
                           tol = request$tol, precision = request$precision)
  column <- design$model$start_column
  design$model <- c(design$model, scoring_options(request, eta_start = if (is.null(eta)) "" else column,
                                                  mu_start = if (is.null(eta)) column else ""))
  design
}

# What the library needs beside the design; `eta_start` and `mu_start` name columns.
scoring_options <- function(request, eta_start = "", mu_start = "") {
  list(family = request$native, start = as.double(request$start), eta_start = eta_start, mu_start = mu_start,
       epsilon = as.double(request$control$epsilon), maxit = as.integer(request$control$maxit),
       epsilon_f64 = if (is.null(own <- attr(request$control, "epsilon_f64"))) 1e-6 else own)
}

# From a frame to the components of a glm, up to `boundary`, with `nelder`.
fit_generalized <- function(frame, request, call, model = TRUE, singular.ok = TRUE) {
  if (is.null(request$native)) request$native <- native_family(request$family)
  if (is.null(request$native)) return(fit_custom(frame, request, call, model, singular.ok))
  e <- new_core("glm", frame, NULL, request, !model, NULL)
  record <- fit_core(e, memory(e))
  if (isTRUE(request$control$trace)) print_trace(record)
  record$trace <- record$trace_passes <- NULL
  check_omitted(e, record)
  record <- keep_record(e, record)
  check_start(request$start, record$names, call)
  for (text in record$warnings) warning(simpleWarning(text, call))
  e$record <- record <- check_whole(e, record, request$family)
  if (!is.finite(record$null_deviance) && attr(frame$terms, "intercept") == 0L) {
    e$record$null_deviance <- record$null_deviance <- null_deviance_at_zero(e, request$family)
  }
  check_rank(e, singular.ok)
  components(e, request$family, record)
}

# The deviance of the model without columns where its means are out of range: R's functions tell an infinite from none.
null_deviance_at_zero <- function(e, family) {
  own <- family_start(e)
  offset <- offset_of(e)
  mu <- family$linkinv(if (is.null(offset)) rep.int(0, e$rows) else offset)
  sum(family$dev.resids(own$y, mu, own$weights))
}

# Responses that are no whole numbers where the family is one of counts: R's warnings, and of Poisson R's criterion, whose
# dpois() warns of each row.
check_whole <- function(e, record, family) {
  if (identical(family$family, "binomial") && !record$whole) {
    counts <- is.matrix(stats::model.response(frame_of(e)$all, "any"))
    warning(gettextf(if (counts) "non-integer counts in a %s glm!" else "non-integer #successes in a %s glm!", "binomial"),
            call. = FALSE, domain = NA)
  }
  if (identical(family$family, "poisson") && !record$counts) {
    own <- family_start(e)
    mu <- lazy_value(e, "fitted")
    record$aic <- family$aic(own$y, rep.int(1, e$rows), mu, own$weights, record$deviance) + 2 * record$rank
    if (is.nan(record$aic)) record$aic <- Inf
    record$log_lik <- -Inf
  }
  record
}

check_start <- function(start, names, call) {
  if (!is.null(start) && length(start) != length(names)) {
    stop(simpleError(gettextf("length of 'start' should equal %d and correspond to initial coefs for %s", length(names),
                              paste(names, collapse = ", ")), call))
  }
}

# The small numbers of a fit, kept with it.
keep_record <- function(e, record) {
  if (any(record$aliased)) record$coefficients[record$aliased] <- NA_real_
  aliased <- record$aliased
  names(aliased) <- record$names
  record$aliased_named <- aliased
  e$record <- record
  e$names <- record$names
  e$row_names <- lazy("character", e$rows, e, "row_names")
  record
}

components <- function(e, family, record) {
  used <- if (isTRUE(e$custom)) sum(by_row(e, "residuals", "weight") > 0) else record$rows
  p <- length(record$names)
  b <- record$coefficients
  if (p) names(b) <- record$names
  list(coefficients = b, residuals = lazy_rows(e, "working"), fitted.values = lazy_rows(e, "fitted"),
       effects = if (p) lazy_effects(e, used), R = if (p) lazy_triangle(e, record, used, p), rank = record$rank,
       qr = if (p) lazy_qr(e, used, record$names, e$request$tol, like = "glm"), family = family,
       linear.predictors = lazy_rows(e, "linear"), deviance = record$deviance,
       aic = if (is.nan(record$aic)) NA_real_ else record$aic, null.deviance = record$null_deviance,
       iter = if (p) record$iterations else 0L, weights = lazy_rows(e, "weight"), prior.weights = lazy_rows(e, "prior"),
       df.residual = as.integer(record$df_residual), df.null = as.integer(record$df_null), y = lazy_rows(e, "y"),
       converged = record$converged,
       # as R has it of a model without columns
       boundary = record$boundary || !p, nelder = e)
}

# The `R` component, the triangle of the decomposition.
lazy_triangle <- function(e, record, used, p) {
  R <- lazy("double", min(used, p)^2, e, "R")
  if (used >= p) {
    names <- record$names
    if (any(record$aliased)) names <- c(names[!record$aliased], names[record$aliased])
    attributes(R) <- list(dim = c(p, p), dimnames = list(names, names))
  }
  R
}

nd_glm_fit <- function(x, y, weights = NULL, start = NULL, offset = NULL, family = stats::gaussian(), control = list(),
                       intercept = TRUE, singular.ok = TRUE, precision = getOption("nelder.precision", "auto"),
                       device = getOption("nelder.device", "auto")) {
  call <- match.call()
  device <- check_device(device)
  family <- as_family(family, parent.frame())
  native <- native_family(family)
  if (is.null(native)) stop("nd_glm_fit() takes the families of R and MASS; use nd_glm() for others")
  control <- scoring_control(control)
  binomial <- family$family %in% c("binomial", "quasibinomial")
  if (is.factor(y) && binomial) y <- as.numeric(as.integer(y) != 1L)
  frame <- matrix_frame(x, y, weights, offset)
  request <- list(terms = frame$terms, tol = min(1e-7, control$epsilon / 1000), precision = check_precision(precision),
                  device = device, family = family, native = native, start = start, control = control)
  z <- fit_generalized(frame, request, call, TRUE, singular.ok)
  # a matrix says not which of its columns is an intercept; as in glm.fit() it is the argument that does
  if (intercept) {
    prior <- as.vector(z$prior.weights)
    y <- as.vector(z$y)
    z$null.deviance <- sum(family$dev.resids(y, rep_len(sum(prior * y) / sum(prior), length(y)), prior))
    z$df.null <- z$df.null - 1L
  }
  z$nelder <- handle(z$nelder)
  z
}

nd_glm.nb <- function(formula, data, weights, subset, na.action, start = NULL, etastart, mustart, control = list(...),
                      model = TRUE, x = FALSE, y = TRUE, contrasts = NULL, ..., link = log,
                      precision = getOption("nelder.precision", "auto"),
                      device = getOption("nelder.device", "auto")) {
  if (!requireNamespace("MASS", quietly = TRUE)) stop("nd_glm.nb() needs the package MASS")
  link <- substitute(link)
  link <- if (is.character(link)) link else deparse(link)
  links <- c("log", "identity", "sqrt", "inverse", "1/mu^2", "logit", "probit", "cauchit", "cloglog")
  if (!link %in% links) stop("link: ", link, " is none of ", paste(links, collapse = ", "))
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  na <- if (missing(na.action)) no_action else list(set = TRUE, value = na.action)
  more <- c("etastart", "mustart")
  given <- if (is.null(own$data)) list(formula = formula) else list(formula = formula, data = data)
  frame <- evaluate_frame(own, parent.frame(), na, given, more)
  control <- scoring_control(control)
  device <- check_device(device)
  negative <- function(theta) eval(substitute(MASS::negative.binomial(theta, link), list(theta = theta, link = link)))
  request <- list(call = call, frame_call = own, na = na, more = more, terms = frame$terms, contrasts = contrasts,
                  precision = check_precision(precision), device = device, family = negative(1), start = start, control = control,
                  tol = min(1e-7, control$epsilon / 1000), native = paste0("negative.binomial(link=", link, ")"))
  z <- fit_generalized(frame, request, call, model)
  e <- z$nelder
  z$nelder <- NULL
  e$request$family <- z$family <- negative(e$record$theta)
  if (model) z$model <- lazy_frame(e, frame)
  if (!is.null(frame$said)) z$na.action <- frame$said
  if (x) z$x <- model_matrix(e)
  if (!y) z$y <- NULL
  z <- c(z, list(call = call, terms = frame$terms, formula = as.vector(attr(frame$terms, "formula")),
                 theta = e$record$theta, SE.theta = e$record$theta_error, twologlik = 2 * e$record$log_lik,
                 offset = offset_of(e, frame), control = control, method = "glm.fit", contrasts = e$record$contrasts,
                 xlevels = e$record$xlevels, nelder = handle(e)))
  keep_prints(e, z)
  z$aic <- -z$twologlik + 2 * z$rank + 2
  class(z) <- c("nd_negbin", "negbin", "nd_glm", "glm", "lm")
  as_it_is(z, e)
}
