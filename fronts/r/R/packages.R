# Methods for other packages.

# estfun() of sandwich. sandwich::meatCL() takes its default `type`, and whether HC2 and HC3 apply, from the first class
# of the model by name; it gets to see R's class, so that a clustered covariance is the one of lm().
estfun.nd_lm <- function(x, ...) {
  if (identical(sys.function(sys.parent()), get0("meatCL", asNamespace("sandwich")))) {
    assign("x", unfold(x), envir = parent.frame())
  }
  NextMethod()
}

bread.nd_lm <- function(x, ...) {
  if (inherits(x, "glm") || !as_made(x)) return(NextMethod())
  own <- summary(x)
  own$cov.unscaled * as.vector(sum(own$df[1:2]))
}

# These look at the first class of the model by name.
outlierTest.nd_glm <- function(model, ...) car::outlierTest(unfold(model), ...)
residualPlots.nd_lm <- function(model, ...) car::residualPlots(unfold(model), ...)
Predict.nd_lm <- function(object, ...) NextMethod()
Predict.nd_glm <- function(object, ...) {
  own <- utils::getS3method("Predict", "glm", optional = TRUE, envir = asNamespace("car"))
  (if (is.null(own)) stats::predict else own)(object, ...)
}
residualPlots.nd_glm <- function(model, ...) car::residualPlots(unfold(model), ...)

# vcovHC() of sandwich in one pass, without a model matrix, where it means the same.
vcovHC.nd_lm <- function(x, type = c("HC3", "const", "HC", "HC0", "HC1", "HC2", "HC4", "HC4m", "HC5"), omega = NULL,
                         sandwich = TRUE, ...) {
  type <- match.arg(type)
  if (!as_made(x)) return(NextMethod())
  e <- core(x)
  w <- if (inherits(x, "glm")) x$prior.weights else x$weights
  native <- type %in% c("HC3", "HC", "HC0", "HC1", "HC2") && is.null(omega) && isTRUE(sandwich) &&
    !inherits(x, "mlm") && !isTRUE(e$custom) && x$rank > 0L && (is.null(x$weights) || all(w > 0)) && !...length()
  if (!native) return(NextMethod())
  own <- rust(fit_of_rows(e)$robust(if (type == "HC") "HC0" else type, run_options()))
  used <- !e$record$aliased
  own <- own[used, used, drop = FALSE]
  dimnames(own) <- list(e$names[used], e$names[used])
  own
}

# tidy(), glance() and augment() of broom, which says of every class but its own that no one there maintains it: these are
# maintained here, by tests that compare them with those of lm() and glm().
maintained <- function(expr) {
  withCallingHandlers(expr, warning = function(w) {
    if (grepl("is not maintained by the broom team", conditionMessage(w), fixed = TRUE)) tryInvokeRestart("muffleWarning")
  })
}

need_broom <- function() {
  if (!requireNamespace("broom", quietly = TRUE)) refuse("tidy(), glance() and augment() of a fit need the package broom")
}

tidy.nd_lm <- function(x, ...) {
  need_broom()
  maintained(NextMethod())
}

glance.nd_lm <- function(x, ...) {
  need_broom()
  maintained(NextMethod())
}

augment.nd_lm <- function(x, ...) {
  need_broom()
  maintained(NextMethod())
}

# insight::find_statistic() takes from the first class of the model by name whether it has t or z statistics; it gets to see
# R's class.
model_info.nd_lm <- function(x, ...) {
  if (identical(sys.function(sys.parent()), get0("find_statistic", asNamespace("insight")))) {
    assign("x", unfold(x), envir = parent.frame())
  }
  NextMethod()
}
