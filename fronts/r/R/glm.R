nd_glm <- function(formula, family = stats::gaussian, data, weights, subset, na.action, start = NULL, etastart, mustart,
                   offset, control = list(...), model = TRUE, method = "glm.fit", x = FALSE, y = TRUE,
                   singular.ok = TRUE, contrasts = NULL, ..., precision = getOption("nelder.precision", "auto"),
                   device = getOption("nelder.device", "auto")) {
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  family <- as_family(family, parent.frame())
  precision <- check_precision(precision)
  device <- check_device(device)
  given <- c(list(formula = formula), if ("data" %in% names(own)) list(data = data))
  if (missing(data)) data <- environment(formula)
  if (!method %in% c("glm.fit", "model.frame")) stop("invalid 'method' argument: ", method)
  na <- list(set = !missing(na.action), value = if (!missing(na.action)) na.action)
  more <- c("etastart", "mustart")
  frame <- evaluate_frame(own, parent.frame(), na, given, more)
  control <- do.call(stats::glm.control, control)
  request <- list(call = call, frame_call = own, na = na, more = more, terms = frame$terms, contrasts = contrasts,
                  precision = precision, device = device, family = family, start = start, control = control,
                  tol = min(1e-7, control$epsilon / 1000))
  if (identical(method, "model.frame")) return(lazy_frame(new_core("glm", frame, list(), request, FALSE), frame))
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
  z
}

# The response of a generalized linear model as the library reads it.
generalized_response <- function(frame, family) {
  at <- attr(frame$terms, "response")
  if (at == 0L) refuse("the formula has no response; write y ~ x")
  y <- frame$all[[at]]
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
  w <- frame$all[["(weights)"]]
  if (!is.null(w) && !is.numeric(w)) refuse("'weights' must be a numeric vector")
  if (!is.null(w) && any(w < 0, na.rm = TRUE)) {
    bad <- which(w < 0)[1L]
    refuse("negative weights not allowed: weight ", w[bad], " in row ", attr(frame$all, "row.names")[bad])
  }
  y <- generalized_response(frame, request$family)
  offset <- as.vector(stats::model.offset(frame$all))
  check_offset(offset, if (is.matrix(y)) y[, 1L] else y)
  eta <- frame$all[["(etastart)"]]
  mu <- frame$all[["(mustart)"]]
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
       epsilon = as.double(request$control$epsilon), maxit = as.integer(request$control$maxit))
}

# From a frame to the components of a glm, up to `boundary`, with `nelder`.
fit_generalized <- function(frame, request, call, model = TRUE, singular.ok = TRUE) {
  if (is.null(request$native)) request$native <- native_family(request$family)
  if (is.null(request$native)) return(fit_custom(frame, request, call, model, singular.ok))
  design <- describe("glm", frame, request)
  e <- new_core("glm", frame, design, request, !model)
  own <- memory(e)
  own$fit <- rust(library_fit(e, design))
  record <- own$fit$record()
  check_omitted(e, record)
  record <- keep_record(e, record, design)
  check_start(request$start, record$names, call)
  for (text in record$warnings) warning(simpleWarning(text, call))
  check_rank(e, singular.ok)
  components(e, request$family, record)
}

check_start <- function(start, names, call) {
  if (!is.null(start) && length(start) != length(names)) {
    stop(simpleError(gettextf("length of 'start' should equal %d and correspond to initial coefs for %s", length(names),
                              paste(names, collapse = ", ")), call))
  }
}

# The small numbers of a fit, kept with it.
keep_record <- function(e, record, design) {
  record$coefficients[record$aliased] <- NA_real_
  record$contrasts <- design$contrasts
  record$xlevels <- design$xlevels
  record$aliased_named <- stats::setNames(record$aliased, record$names)
  e$record <- record
  e$names <- record$names
  e$row_names <- lazy("character", e$rows, e, "row_names")
  record
}

components <- function(e, family, record) {
  used <- if (isTRUE(e$custom)) sum(by_row(e, "residuals", "weight") > 0) else record$rows
  p <- length(record$names)
  effects <- lazy_effects(e, used)
  R <- lazy("double", min(used, p)^2, e, "R")
  if (used >= p) {
    dim(R) <- c(p, p)
    pivoted <- c(record$names[!record$aliased], record$names[record$aliased])
    dimnames(R) <- list(pivoted, pivoted)
  }
  z <- list(coefficients = if (p) stats::setNames(record$coefficients, record$names) else numeric(), residuals = lazy_rows(e, "working"),
            fitted.values = lazy_rows(e, "fitted"))
  if (p) {
    z$effects <- effects
    z$R <- R
  } else z[c("effects", "R")] <- list(NULL)
  z$rank <- record$rank
  if (p) z$qr <- lazy_qr(e, used, record$names, e$request$tol) else z["qr"] <- list(NULL)
  if (p) z$qr <- structure(unclass(z$qr)[c("qr", "rank", "qraux", "pivot", "tol")], class = "qr")
  z$family <- family
  z$linear.predictors <- lazy_rows(e, "linear")
  z$deviance <- record$deviance
  z$aic <- if (is.nan(record$aic)) NA_real_ else record$aic
  z$null.deviance <- record$null_deviance
  z$iter <- if (p) record$iterations else 0L
  z$weights <- lazy_rows(e, "weight")
  z$prior.weights <- lazy_rows(e, "prior")
  z$df.residual <- as.integer(record$df_residual)
  z$df.null <- as.integer(record$df_null)
  z$y <- lazy_rows(e, "y")
  z$converged <- record$converged
  # as R has it of a model without columns
  z$boundary <- record$boundary || !p
  z$nelder <- e
  z
}

# A family that the library has not: R evaluates its functions between passes, each of which is a weighted linear fit.
fit_custom <- function(frame, request, call, model, singular.ok) {
  family <- request$family
  if (!is.null(frame$omit)) {
    e <- new_core("glm", frame, list(dropped = NULL), request, TRUE)
    reduced <- lazy_frame(e, frame)
    attr(reduced, "na.action") <- NULL
    frame <- list(all = reduced, terms = frame$terms, omit = NULL, said = frame$said, rows = frame$rows)
  }
  n <- frame$rows
  offset <- stats::model.offset(frame$all)
  if (is.null(offset)) offset <- rep.int(0, n)
  w <- frame$all[["(weights)"]]
  if (!is.null(w) && any(w < 0)) refuse("negative weights not allowed")
  y <- stats::model.response(frame$all, "any")
  etastart <- stats::model.extract(frame$all, "etastart")
  mustart <- stats::model.extract(frame$all, "mustart")
  begin <- initialized(family, y, w, n, offset, etastart = etastart, mustart = mustart)
  y <- begin$y
  prior <- begin$weights
  control <- request$control
  valideta <- if (is.null(family$valideta)) function(eta) TRUE else family$valideta
  validmu <- if (is.null(family$validmu)) function(mu) TRUE else family$validmu
  deviance_of <- function(mu) sum(family$dev.resids(y, mu, prior))
  design <- describe_model(frame, rep.int(0, n), request$contrasts, rep.int(1, n), NULL, tol = request$tol,
                           precision = request$precision)
  names <- design$columns$names
  at <- match(design$model$variable_columns[[design$model$response]], names)
  vector_of <- rep(seq_along(design$columns$widths), design$columns$widths)
  at_y <- vector_of[at]
  at_w <- vector_of[match("(weights)", names)]
  step <- function(z, w) {
    columns <- design$columns
    columns$columns[[at_y]] <- z
    columns$columns[[at_w]] <- w
    rust(NelderFit$lm(columns, design$model, run_options(request$device)))
  }
  eta <- if (!is.null(etastart)) etastart
         else if (!is.null(request$start)) NULL
         else family$linkfun(if (is.null(mustart)) begin$mustart else mustart)
  beta <- request$start
  if (is.null(eta)) eta <- offset + as.vector(stats::model.matrix(frame$terms, frame$all, request$contrasts) %*% beta)
  mu <- family$linkinv(eta)
  if (!(validmu(mu) && valideta(eta))) {
    refuse("cannot find valid starting values: please specify some")
  }
  before <- deviance_of(mu)
  eta_before <- NULL
  converged <- boundary <- FALSE
  iterations <- control$maxit
  more <- 3L
  fit <- NULL
  for (iter in seq_len(control$maxit + more)) {
    if (iter > control$maxit && !converged) break
    slope <- family$mu.eta(eta)
    variance <- family$variance(mu)
    good <- prior > 0 & slope != 0
    if (anyNA(variance[prior > 0])) refuse("NAs in V(mu)")
    if (any(variance[prior > 0] == 0)) refuse("0s in V(mu)")
    weight <- ifelse(good, prior * slope^2 / variance, 0)
    z <- ifelse(good, eta - offset + (y - mu) / slope, 0)
    fit <- step(z, weight)
    if (isTRUE(control$trace)) cat("Deviance =", before, "Iterations -", iter, "\n")
    new <- fit$rows("residuals", run_options())[[1L]]$fitted + offset
    now_mu <- family$linkinv(new)
    now <- deviance_of(now_mu)
    inner <- 1L
    while (!(is.finite(now) && validmu(now_mu) && valideta(new))) {
      if (is.null(eta_before) || inner > control$maxit) {
        refuse("no valid set of coefficients has been found: please supply starting values")
      }
      inner <- inner + 1L
      boundary <- TRUE
      new <- (new + eta_before) / 2
      now_mu <- family$linkinv(new)
      now <- deviance_of(now_mu)
    }
    eta <- eta_before <- new
    mu <- now_mu
    if (!converged && abs(now - before) / (abs(now) + 0.1) < control$epsilon) {
      converged <- TRUE
      iterations <- iter
    }
    before <- now
    # steps beyond R's last one bring the digits that it leaves
    if (converged && (more <- more - 1L) < 0L) break
  }
  record <- fit$record()
  slope <- family$mu.eta(eta)
  rank <- record$rank
  weightless <- sum(prior == 0)
  if (!converged) warning(simpleWarning(paste("the algorithm did not converge in", iterations, "iterations; raise maxit"), call))
  null_mu <- if (attr(frame$terms, "intercept") == 0L) family$linkinv(offset)
             else if (all(offset == 0)) sum(prior * y) / sum(prior)
             else {
               suppressWarnings(stats::glm.fit(matrix(1, n, 1L), y, prior, offset = offset, family = family,
                                               control = control, intercept = TRUE))$fitted.values
             }
  aic <- suppressWarnings(family$aic(y, n, mu, prior, before)) + 2 * rank
  record <- c(record[c("names", "assign", "coefficients", "aliased", "rank")], list(
    df_residual = n - weightless - rank, df_null = n - weightless - (attr(frame$terms, "intercept") == 1L),
    rows = n - weightless, deviance = before, null_deviance = deviance_of(rep_len(null_mu, n)), aic = aic,
    iterations = iterations, converged = converged, boundary = boundary))
  e <- new_core("glm", frame, design, request, !model)
  e$custom <- TRUE
  own <- memory(e)
  own$fit <- fit
  e$values <- list(fitted = mu, linear = eta, working = (y - mu) / slope, weight = weight, y = y, weights = prior)
  own$start <- list(y = y, weights = prior)
  record <- keep_record(e, record, design)
  check_rank(e, singular.ok)
  components(e, family, record)
}

nd_glm_fit <- function(x, y, weights = NULL, start = NULL, offset = NULL, family = stats::gaussian(), control = list(),
                       singular.ok = TRUE, precision = getOption("nelder.precision", "auto"),
                       device = getOption("nelder.device", "auto")) {
  call <- match.call()
  device <- check_device(device)
  family <- as_family(family, parent.frame())
  native <- native_family(family)
  if (is.null(native)) stop("nd_glm_fit() takes the families of R and MASS; use nd_glm() for others")
  control <- do.call(stats::glm.control, control)
  binomial <- family$family %in% c("binomial", "quasibinomial")
  if (is.factor(y) && binomial) y <- as.numeric(as.integer(y) != 1L)
  frame <- matrix_frame(x, y, weights, offset)
  request <- list(terms = frame$terms, tol = min(1e-7, control$epsilon / 1000), precision = check_precision(precision),
                  device = device, family = family, native = native, start = start, control = control)
  z <- fit_generalized(frame, request, call, TRUE, singular.ok)
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
  if (!link %in% c("log", "identity", "sqrt")) stop("link: ", link, " is none of log, identity, sqrt")
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  na <- list(set = !missing(na.action), value = if (!missing(na.action)) na.action)
  more <- c("etastart", "mustart")
  given <- c(list(formula = formula), if ("data" %in% names(own)) list(data = data))
  frame <- evaluate_frame(own, parent.frame(), na, given, more)
  control <- do.call(stats::glm.control, control)
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
  z
}
