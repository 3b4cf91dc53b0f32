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
  if (inherits(x, c("mlm", "glm"))) return(NextMethod())
  own <- summary.nd_lm(x)
  own$cov.unscaled * as.vector(sum(own$df[1:2]))
}

# These look at the first class of the model by name.
outlierTest.nd_glm <- function(model, ...) car::outlierTest(unfold(model), ...)
residualPlots.nd_lm <- function(model, ...) car::residualPlots(unfold(model), ...)
residualPlots.nd_glm <- function(model, ...) car::residualPlots(unfold(model), ...)

# vcovHC() of sandwich in one pass, without a model matrix, where it means the same.
vcovHC.nd_lm <- function(x, type = c("HC3", "const", "HC", "HC0", "HC1", "HC2", "HC4", "HC4m", "HC5"), omega = NULL,
                         sandwich = TRUE, ...) {
  e <- core(x)
  type <- match.arg(type)
  w <- if (inherits(x, "glm")) x$prior.weights else x$weights
  native <- type %in% c("HC3", "HC", "HC0", "HC1", "HC2") && is.null(omega) && isTRUE(sandwich) &&
    !inherits(x, "mlm") && !isTRUE(e$custom) && x$rank > 0L && (is.null(x$weights) || all(w > 0)) && !...length()
  if (!native) return(NextMethod(type = type))
  own <- rust(fit_of(e)$robust(if (type == "HC") "HC0" else type, run_options()))
  used <- !e$record$aliased
  own <- own[used, used, drop = FALSE]
  dimnames(own) <- list(e$names[used], e$names[used])
  own
}
