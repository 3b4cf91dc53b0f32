nd_lm <- function(formula, data, subset, weights, na.action, method = "qr", model = TRUE, x = FALSE, y = FALSE,
                  qr = TRUE, singular.ok = TRUE, contrasts = NULL, offset, ...,
                  tol = 1e-7, precision = getOption("nelder.precision", "auto"),
                  device = getOption("nelder.device", "auto")) {
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  extra <- list(...)
  if (length(extra)) {
    stop(sprintf(ngettext(length(extra), "unused argument (%s)", "unused arguments (%s)"),
                 paste(sub("^list\\((.*)\\)$", "\\1", deparse(extra, width.cutoff = 500L)[1L]))))
  }
  precision <- check_precision(precision)
  device <- check_device(device)
  if (!method %in% c("qr", "model.frame")) {
    warning(gettextf("method = '%s' is not supported. Using 'qr'", method), domain = NA)
  }
  na <- list(set = !missing(na.action), value = if (!missing(na.action)) na.action)
  frame <- evaluate_frame(own, parent.frame(), na, if (!missing(data)) data)
  request <- list(call = call, frame_call = own, na = na, terms = frame$terms, contrasts = contrasts,
                  tol = tol, precision = precision, options = list())
  if (identical(method, "model.frame")) {
    e <- new_core("lm", frame, list(), request, FALSE)
    return(lazy_frame(e, frame))
  }
  response <- linear_response(frame)
  w <- weights_in(frame)
  offset <- stats::model.offset(frame$all)
  check_offset(offset, response)
  design <- describe_model(frame, response, contrasts, w, offset, tol = tol, precision = precision)
  e <- new_core("lm", frame, design, request, !model)
  z <- finish_linear(e, design, call, sys.call())
  if (!singular.ok && z$rank < length(e$names)) stop("singular fit encountered: ", aliased_text(e))
  z$call <- call
  z$terms <- frame$terms
  if (model) z$model <- lazy_frame(e, frame)
  if (x) z$x <- model_matrix(e)
  if (y) z$y <- kept(stats::model.response(frame$all, "numeric"), frame$omit)
  z$nelder <- e
  z
}

aliased_text <- function(e) {
  names <- e$names[e$record$aliased]
  paste0(paste0("`", names, "`", collapse = ", "), if (length(names) == 1L) " is a combination of the columns before it"
         else " are combinations of the columns before them")
}

# The response as lm() takes it.
linear_response <- function(frame) {
  at <- attr(frame$terms, "response")
  if (at == 0L) refuse("the formula has no response; write y ~ x")
  y <- frame$all[[at]]
  name <- names(frame$all)[at]
  if (is.factor(y) || is.character(y)) {
    refuse("the response `", name, "` is ", if (is.factor(y)) "a factor" else "text",
         "; a linear model needs numbers")
  }
  if (is.data.frame(y) || is.list(y)) refuse("the response `", name, "` is a list; use cbind() of numbers")
  if (is.logical(y)) storage.mode(y) <- "double"
  as_numbers(y, name)
}

weights_in <- function(frame) {
  w <- frame$all[["(weights)"]]
  if (is.null(w)) return(NULL)
  if (!is.numeric(w)) refuse("'weights' must be a numeric vector")
  if (is.matrix(w)) w <- as.vector(w)
  bad <- which(as.vector(kept(w, frame$omit)) < 0 | is.infinite(as.vector(kept(w, frame$omit))))
  if (length(bad)) {
    refuse("missing or negative weights not allowed: weight ", kept(w, frame$omit)[bad[1L]], " in row ",
         kept_row_names(frame)[bad[1L]])
  }
  w
}

check_offset <- function(offset, response) {
  if (is.null(offset)) return()
  if (is.matrix(offset)) {
    refuse("an offset with several columns is not supported; subtract it from the response")
  }
  if (NROW(offset) != NROW(response)) {
    refuse(gettextf("number of offsets is %d, should equal %d (number of observations)", NROW(offset), NROW(response)),
         domain = NA)
  }
}

describe_again <- function(e, frame) {
  request <- e$request
  if (e$kind == "lm") {
    describe_model(frame, linear_response(frame), request$contrasts, weights_in(frame),
                   stats::model.offset(frame$all), tol = request$tol, precision = request$precision)
  } else describe_generalized(frame, request)
}

# From the library's fit to the components of an lm, but for call, terms and model.
finish_linear <- function(e, design, call, user) {
  own <- memory(e)
  own$fit <- rust(library_fit(e, design))
  record <- own$fit$record()
  check_omitted(e, record)
  several <- length(record$responses) > 1L
  record$coefficients[record$aliased] <- NA_real_
  record$assign <- c(0L, design$own_terms)[record$assign + 1L]
  record$contrasts <- design$contrasts
  record$xlevels <- design$xlevels
  e$record <- record
  e$names <- record$names
  record$aliased_named <- stats::setNames(record$aliased, record$names)
  e$record <- record
  e$row_names <- lazy("character", e$rows, e, "row_names")
  frame <- frame_of(e)
  w <- frame$all[["(weights)"]]
  used <- if (is.null(w)) e$rows else record$rows
  by <- function(key) {
    if (!several) return(lazy_rows(e, key))
    x <- lazy("double", e$rows * length(record$responses), e, key)
    dim(x) <- c(e$rows, length(record$responses))
    dimnames(x) <- list(e$row_names, record$responses)
    x
  }
  coefficients <- if (several) {
    matrix(record$coefficients, ncol = length(record$responses), dimnames = list(record$names, record$responses))
  } else if (length(record$names)) stats::setNames(record$coefficients, record$names)
  else numeric()
  if (several && !length(record$names)) dimnames(coefficients) <- NULL
  p <- length(record$names)
  z <- list(coefficients = coefficients, residuals = by("residuals"))
  # the order of lm.fit(), and of lm.wfit()
  if (!is.null(w) || !p) z$fitted.values <- by("fitted")
  if (p) z$effects <- lazy_effects(e, used, if (several) record$responses)
  if (!is.null(w)) z$weights <- if (is.null(frame$omit)) as.vector(w) else lazy(typeof(w), e$rows, e, "model:(weights)")
  else if (!p) z["weights"] <- list(NULL)
  z$rank <- record$rank
  if (is.null(w) && p) z$fitted.values <- by("fitted")
  if (p) {
    z$assign <- record$assign
    z$qr <- lazy_qr(e, used, record$names, e$request$tol)
    attr(z$qr$qr, "assign") <- record$assign
    if (!is.null(design$contrasts)) attr(z$qr$qr, "contrasts") <- design$contrasts
  }
  z$df.residual <- as.integer(record$df_residual)
  if (!is.null(frame$said)) z$na.action <- frame$said
  z$offset <- offset_of(e)
  if (!p && !is.null(z$offset)) z$fitted.values <- z$offset
  z$contrasts <- design$contrasts
  z$xlevels <- design$xlevels
  class(z) <- c("nd_lm", if (several) "mlm", "lm")
  z
}

check_omitted <- function(e, record) {
  left_out <- if (is.null(record$omitted)) length(e$omit) else record$omitted
  if (left_out != length(e$omit)) {
    refuse("na.action has left missing values in the variables of the model: the library left out ", left_out,
           " rows and R ", length(e$omit))
  }
}

nd_lm_fit <- function(x, y, w = NULL, offset = NULL, tol = 1e-7, singular.ok = TRUE,
                      precision = getOption("nelder.precision", "auto"), device = getOption("nelder.device", "auto")) {
  call <- match.call()
  check_device(device)
  frame <- matrix_frame(x, y, w, offset)
  request <- list(call = NULL, terms = frame$terms, tol = tol, precision = check_precision(precision), options = list(),
                  na = list(set = TRUE, value = stats::na.fail))
  design <- describe_matrix(frame, y, w, offset, tol, precision)
  e <- new_core("lm", frame, design, request, FALSE)
  z <- finish_linear(e, design, call, sys.call())
  if (!singular.ok && z$rank < length(e$names)) stop("singular fit encountered: ", aliased_text(e))
  z["assign"] <- list(attr(x, "assign"))
  attr(z$qr$qr, "assign") <- attr(x, "assign")
  z$offset <- offset
  z$nelder <- e
  class(z) <- NULL
  z
}
