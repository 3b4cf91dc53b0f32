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
