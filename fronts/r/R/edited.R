# Fits that someone has edited: a component that is no longer what the fit was made with (m$coefficients[2] <- 0). Methods of
# ours read the library's fit, which knows nothing of that; such a fit is left to R's own methods, which read components.

# Whether every component that a method may read is what it was made with. One that was removed (m$model <- NULL, qr = FALSE)
# is no edit where the library's fit has what was in it.
as_made <- function(object) {
  e <- if (is.null(object$nelder)) NULL else handle_get(list(object$nelder))
  if (is.null(e) || inherits(object, "mlm")) return(FALSE)
  own <- memory(e)
  # coefficients are compared all the same: other languages write in place
  if (same_parts(own$made, object) && identical(as.vector(object$coefficients), e$record$coefficients)) return(TRUE)
  same <- parts_as_made(object, e)
  # the same objects need no second look
  if (same) own$made <- object
  same
}

parts_as_made <- function(object, e) {
  numbers_as_made(object, e) && terms_as_made(object, e) && rows_as_made(object, e) && qr_as_made(object$qr, e) &&
    model_as_made(object, e) && (e$kind == "lm" || generalized_as_made(object, e))
}

# A fit, whose components are remembered as they are: they are what the library's fit was made with.
as_it_is <- function(z, e) {
  own <- memory(e)
  own$made <- z
  z
}

numbers_as_made <- function(object, e) {
  record <- e$record
  b <- object$coefficients
  identical(as.vector(b), record$coefficients) && (!length(b) || identical(names(b), e$names)) &&
    identical(as.numeric(object$rank), as.numeric(record$rank)) &&
    identical(as.numeric(object$df.residual), as.numeric(record$df_residual)) &&
    (is.null(object$assign) || identical(object$assign, record$assign))
}

# A formula's environment holds functions, no numbers of the fit.
without_environment <- function(terms) {
  attr(terms, ".Environment") <- NULL
  terms
}

terms_as_made <- function(object, e) {
  own <- e$request$terms
  (is.null(object$terms) || identical(object$terms, own) ||
     identical(without_environment(object$terms), without_environment(own))) &&
    identical(object$contrasts, e$record$contrasts) && identical(object$xlevels, e$record$xlevels) &&
    identical(object$na.action, e$said)
}

rows_as_made <- function(object, e) {
  if (e$kind == "glm") {
    parts <- c(residuals = "working", fitted.values = "fitted", linear.predictors = "linear", weights = "weight",
               prior.weights = "prior")
  } else {
    parts <- c(residuals = "residuals", if (!isTRUE(e$fitted_is_offset)) c(fitted.values = "fitted"))
    if (!identical(plain_print(object$weights), e$weights_print)) return(FALSE)
  }
  for (part in names(parts)) if (!is_part(object[[part]], e, parts[[part]], e$row_names)) return(FALSE)
  optional <- c(effects = "effects", if (e$kind == "glm") c(y = "y", R = "R"))
  for (part in names(optional)) {
    if (!is.null(object[[part]]) && !is_part(object[[part]], e, optional[[part]])) return(FALSE)
  }
  identical(plain_print(object$offset), e$offset_print)
}

# Whether a vector is the one that lazy_value() makes for a key, and has these names.
is_part <- function(x, e, key, names = NULL) {
  if (is.null(x) || !is.null(names) && !is_same_lazy(names(x), e, "row_names")) return(FALSE)
  is_same_lazy(x, e, key)
}

is_same_lazy <- function(x, e, key) {
  from <- lazy_source(x)
  if (!is.null(from) && identical(from[[3L]], e) && identical(from[[4L]], key) && is.null(from[[5L]])) return(TRUE)
  # someone has had a pointer to write to, or this is a copy
  own <- lazy_value(e, key)
  length(x) == length(own) && identical(bare(x), bare(own))
}

# The fingerprint of a vector that is no part made on demand, of one that is the key that it is made by; "" of none.
plain_print <- function(x) {
  if (is.null(x)) return("")
  from <- lazy_source(x)
  if (!is.null(from) && is.null(from[[5L]])) return(paste0("lazy:", from[[4L]]))
  rust(fingerprints(list(x), run_options()))
}

# What as_made() compares vectors with that are not made on demand.
keep_prints <- function(e, z) {
  e$weights_print <- if (e$kind == "lm") plain_print(z$weights)
  e$offset_print <- plain_print(z$offset)
}

qr_as_made <- function(qr, e) {
  if (is.null(qr)) return(TRUE)
  identical(as.numeric(qr$rank), as.numeric(e$record$rank)) && identical(qr$tol, e$request$tol) &&
    is_part(qr$qr, e, "qr") && is_part(qr$qraux, e, "qraux") && is_part(qr$pivot, e, "pivot")
}

model_as_made <- function(object, e) {
  # not `$x`, which may be `xlevels`
  if (!is.null(object[["x"]]) && !identical(object[["x"]], model_matrix(e))) return(FALSE)
  model <- object$model
  if (is.null(model)) return(TRUE)
  own <- memory(e)
  if (is.null(own$model)) own$model <- lazy_frame(e, frame_of(e))
  if (!identical(names(model), names(own$model))) return(FALSE)
  for (name in names(model)) {
    x <- model[[name]]
    from <- lazy_source(x)
    key <- paste0("model:", name)
    same <- if (!is.null(from) && identical(from[[4L]], key)) is_same_lazy(x, e, key) && identical(levels(x), levels(own$model[[name]]))
            else identical(x, own$model[[name]])
    if (!same) return(FALSE)
  }
  TRUE
}

generalized_as_made <- function(object, e) {
  record <- e$record
  number <- function(part, key) identical(as.numeric(object[[part]]), as.numeric(record[[key]]))
  number("deviance", "deviance") && number("null.deviance", "null_deviance") && number("df.null", "df_null") &&
    identical(object$family, e$request$family)
}
