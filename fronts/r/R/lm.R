nd_lm <- function(formula, data, subset, weights, na.action, method = "qr", model = TRUE, x = FALSE, y = FALSE,
                  qr = TRUE, singular.ok = TRUE, contrasts = NULL, offset, ...,
                  tol = 1e-7, precision = getOption("nelder.precision", "auto"),
                  device = getOption("nelder.device", "auto")) {
  call <- match.call()
  own <- match.call(expand.dots = FALSE)
  chkDots(...)
  precision <- check_precision(precision)
  device <- check_device(device)
  if (!identical(method, "qr") && !method %in% c("qr", "model.frame")) {
    warning(gettextf("method = '%s' is not supported. Using 'qr'", method), domain = NA)
  }
  na <- if (missing(na.action)) no_action else list(set = TRUE, value = na.action)
  given <- if (is.null(own$data)) list(formula = formula) else list(formula = formula, data = data)
  frame <- evaluate_frame(own, parent.frame(), na, given)
  request <- list(call = call, frame_call = own, na = na, terms = frame$terms, contrasts = contrasts,
                  tol = tol, precision = precision, device = device)
  if (identical(method, "model.frame")) {
    e <- new_core("lm", frame, NULL, request, FALSE)
    return(lazy_frame(e, frame))
  }
  e <- new_core("lm", frame, NULL, request, !model, NULL)
  z <- finish_linear(e)
  check_rank(e, singular.ok)
  z$call <- call
  z$terms <- frame$terms
  if (model) z$model <- lazy_frame(e, frame)
  if (x) z$x <- model_matrix(e)
  if (y) z$y <- kept(stats::model.response(frame$all, "numeric"), frame$omit)
  if (!qr) z$qr <- NULL
  z$nelder <- handle(e)
  as_it_is(z, e)
}

check_rank <- function(e, singular.ok) {
  if (singular.ok || !any(e$record$aliased)) return()
  names <- e$names[e$record$aliased]
  refuse("singular fit encountered: ", paste0("`", names, "`", collapse = ", "),
         if (length(names) == 1L) " is a combination of the columns before it"
         else " are combinations of the columns before them")
}

# The response as lm() takes it.
linear_response <- function(frame) {
  at <- attr(frame$terms, "response")
  if (at == 0L) refuse("the formula has no response; write y ~ x")
  y <- .subset2(frame$all, at)
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
  w <- .subset2(frame$all, "(weights)")
  if (is.null(w)) return(NULL)
  if (!is.numeric(w)) refuse("'weights' must be a numeric vector")
  if (is.matrix(w)) w <- as.vector(w)
  used <- as.vector(kept(w, frame$omit))
  bad <- which(used < 0 | is.infinite(used))
  if (length(bad)) {
    refuse("missing or negative weights not allowed: weight ", used[bad[1L]], " in row ",
           kept_row_names(frame)[bad[1L]])
  }
  w
}

check_offset <- function(offset, response) {
  if (is.null(offset)) return()
  if (is.matrix(offset) && ncol(offset) > 1L && !identical(dim(offset), dim(response))) {
    refuse("the offset has ", nrow(offset), " x ", ncol(offset), " values, the response ",
           paste(c(NROW(response), NCOL(response)), collapse = " x "))
  }
  if (NROW(offset) != NROW(response)) {
    refuse(gettextf("number of offsets is %d, should equal %d (number of observations)", NROW(offset), NROW(response)),
         domain = NA)
  }
}

# The description of a fit's model, from its rows and what was asked for.
describe <- function(kind, frame, request) {
  if (!is.null(frame$x)) return(describe_matrix(kind, frame, request))
  if (kind == "glm") return(describe_generalized(frame, request))
  response <- linear_response(frame)
  offset <- stats::model.offset(frame$all)
  check_offset(offset, response)
  if (is.matrix(offset)) {
    # each response has an offset of its own: what is fitted is the rest of it
    if (ncol(offset) == 1L) offset <- as.vector(offset)
    else {
      response <- response - as.vector(offset)
      offset <- NULL
    }
  }
  describe_model(frame, response, request$contrasts, weights_in(frame), offset, tol = request$tol,
                 precision = request$precision)
}

# From the library's fit to the components of an lm, but for call, terms and model. `assign` is a list of the component of that name
# where it is another than the terms'.
finish_linear <- function(e, assign = NULL) {
  own <- memory(e)
  record <- fit_core(e, own)
  check_omitted(e, record)
  several <- length(record$responses) > 1L
  record$assign <- c(0L, e$own_terms)[record$assign + 1L]
  record <- keep_record(e, record)
  frame <- own$frame
  w <- .subset2(frame$all, "(weights)")
  used <- if (is.null(w)) e$rows else record$rows
  names <- if (several) list(e$row_names, record$responses) else e$row_names
  if (several) names(names) <- names(dimnames(frame$all[[attr(frame$terms, "response")]]))
  by <- if (several) function(key) {
    x <- lazy("double", e$rows * length(record$responses), e, key)
    dim(x) <- c(e$rows, length(record$responses))
    dimnames(x) <- names
    x
  } else function(key) lazy_rows(e, key, names)
  df <- as.integer(record$df_residual)
  assign <- if (is.null(assign)) record$assign else assign[[1L]]
  # the orders of lm.fit(), of lm.wfit(), and of a model without columns
  z <- if (!length(record$names)) {
    list(coefficients = linear_coefficients(record, several), residuals = by("residuals"), fitted.values = by("fitted"),
         weights = linear_weights(e, frame, w), rank = record$rank, df.residual = df)
  } else {
    effects <- lazy_effects(e, used, if (several) record$responses)
    qr <- lazy_qr(e, used, record$names, e$request$tol, assign, record$contrasts)
    if (is.null(w)) {
      list(coefficients = linear_coefficients(record, several), residuals = by("residuals"), effects = effects,
           rank = record$rank, fitted.values = by("fitted"), assign = assign, qr = qr, df.residual = df)
    } else {
      list(coefficients = linear_coefficients(record, several), residuals = by("residuals"), fitted.values = by("fitted"),
           effects = effects, weights = linear_weights(e, frame, w), rank = record$rank, assign = assign, qr = qr,
           df.residual = df)
    }
  }
  if (!is.null(frame$said)) z$na.action <- frame$said
  offset <- offset_of(e, frame)
  if (!is.null(offset)) {
    z$offset <- offset
    if (!length(record$names)) {
      z$fitted.values <- offset
      e$fitted_is_offset <- TRUE
    }
  }
  keep_prints(e, z)
  if (!is.null(record$contrasts)) z$contrasts <- record$contrasts
  z$xlevels <- record$xlevels
  class(z) <- c("nd_lm", if (several) "mlm", "lm")
  z
}

linear_coefficients <- function(record, several) {
  b <- record$coefficients
  if (!several) {
    if (length(record$names)) names(b) <- record$names
    return(b)
  }
  m <- length(record$responses)
  if (!length(record$names)) matrix(b, ncol = m) else matrix(b, ncol = m, dimnames = list(record$names, record$responses))
}

linear_weights <- function(e, frame, w) {
  if (is.null(w)) NULL else if (is.null(frame$omit)) as.vector(w) else lazy(typeof(w), e$rows, e, "model:(weights)")
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
  device <- check_device(device)
  frame <- matrix_frame(x, y, w, offset)
  request <- list(terms = frame$terms, tol = tol, precision = check_precision(precision), device = device)
  e <- new_core("lm", frame, NULL, request, FALSE, NULL)
  z <- finish_linear(e, list(attr(x, "assign")))
  check_rank(e, singular.ok)
  if (!ncol(x)) z["assign"] <- list(attr(x, "assign"))
  if (!is.null(offset)) z$offset <- offset
  z$nelder <- handle(e)
  class(z) <- NULL
  z
}
