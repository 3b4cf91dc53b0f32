# Methods of nd_glm that read the library's fit.

summary.nd_glm <- function(object, dispersion = NULL, correlation = FALSE, symbolic.cor = FALSE, ...) {
  if (!as_made(object) || object$rank == 0L) return(NextMethod())
  e <- core(object)
  if (isTRUE(e$custom)) return(NextMethod())
  est.disp <- FALSE
  df.r <- object$df.residual
  if (is.null(dispersion)) {
    known <- object$family$family %in% c("poisson", "binomial")
    est.disp <- !known
    dispersion <- if (known) 1 else if (df.r > 0) e$record$dispersion_of_pearson else NaN
  }
  used <- !e$record$aliased
  estimate <- object$coefficients[used]
  cov.unscaled <- unscaled(e)
  covmat <- dispersion * cov.unscaled
  se <- sqrt(diag(covmat))
  t <- estimate / se
  if (!est.disp) {
    table <- cbind(estimate, se, t, 2 * stats::pnorm(-abs(t)))
    head <- c("Estimate", "Std. Error", "z value", "Pr(>|z|)")
  } else if (df.r > 0) {
    table <- cbind(estimate, se, t, 2 * stats::pt(-abs(t), df.r))
    head <- c("Estimate", "Std. Error", "t value", "Pr(>|t|)")
  } else {
    table <- cbind(estimate, NaN, NaN, NaN)
    head <- c("Estimate", "Std. Error", "t value", "Pr(>|t|)")
  }
  dimnames(table) <- list(names(estimate), head)
  keep <- match(c("call", "terms", "family", "deviance", "aic", "contrasts", "df.residual", "null.deviance", "df.null",
                  "iter", "na.action"), names(object), 0L)
  ans <- c(object[keep], list(deviance.resid = deviance_residuals(object, e), coefficients = table,
                              aliased = is.na(object$coefficients), dispersion = dispersion,
                              df = c(object$rank, df.r, length(object$coefficients)),
                              cov.unscaled = cov.unscaled, cov.scaled = covmat))
  if (correlation) {
    dd <- sqrt(diag(cov.unscaled))
    ans$correlation <- cov.unscaled / outer(dd, dd)
    ans$symbolic.cor <- symbolic.cor
  }
  class(ans) <- "summary.glm"
  ans
}

deviance_residuals <- function(object, e) {
  # without degrees of freedom they are zeros without names
  plain <- object$df.residual > 0L && (is.null(object$na.action) || !inherits(object$na.action, "exclude"))
  if (plain) lazy_rows(e, "deviance")
  else stats::residuals(object, type = "deviance")
}

summary.nd_negbin <- function(object, dispersion = 1, correlation = FALSE, ...) {
  if (!as_made(object)) return(NextMethod())
  if (is.null(dispersion)) dispersion <- 1
  out <- c(summary.nd_glm(object, dispersion = dispersion, correlation = correlation),
           object[c("theta", "SE.theta", "twologlik", "th.warn")])
  class(out) <- c("summary.negbin", "summary.glm")
  out
}

vcov.nd_glm <- function(object, complete = TRUE, ...) {
  own <- summary(object, ...)
  stats::.vcov.aliased(own$aliased, own$cov.scaled, complete = complete)
}

# R forms y - mu from a rounded mean; the library has the residual before.
residuals.nd_glm <- function(object, type = c("deviance", "pearson", "working", "response", "partial"), ...) {
  type <- match.arg(type)
  e <- if (type %in% c("deviance", "pearson") && as_made(object)) core(object)
  if (is.null(e) || isTRUE(e$custom) || any(object$prior.weights == 0) || !object$df.residual) return(NextMethod())
  out <- stats::setNames(by_row(e, "residuals", type), names(object$residuals))
  if (is.null(object$na.action)) out else stats::naresid(object$na.action, out)
}

influence.nd_glm <- function(model, do.coef = TRUE, ...) {
  if (!as_made(model) || !model$rank) return(NextMethod())
  e <- core(model)
  if (isTRUE(e$custom)) return(NextMethod())
  if (do.coef) return(with_own_leverages(NextMethod(), model))
  used <- as.vector(model$prior.weights != 0)
  names <- names(model$prior.weights)[used]
  take <- function(key) stats::setNames(by_row(e, "leverages", key)[used], names)
  out <- list(hat = take("hat"), sigma = take("sigma"), dev.res = take("deviance"), pear.res = take("pearson"))
  with_missing(out, model, sqrt(model$deviance / model$df.residual))
}

hatvalues.nd_glm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) infl$hat

rstandard.nd_glm <- function(model, infl = stats::influence(model, do.coef = FALSE),
                             type = c("deviance", "pearson"), ...) {
  type <- match.arg(type)
  key <- if (type == "pearson") "standardized_pearson" else "standardized"
  own <- if (missing(infl) && !...length()) diagnostics(model, key)
  if (is.null(own)) of_stats("rstandard.glm")(model, infl, type = type, ...) else own
}

rstudent.nd_glm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  own <- if (missing(infl) && !...length()) diagnostics(model, "studentized")
  if (is.null(own)) of_stats("rstudent.glm")(model, infl, ...) else own
}

cooks.distance.nd_glm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  own <- if (missing(infl) && !...length()) diagnostics(model, "cooks")
  if (is.null(own)) of_stats("cooks.distance.glm")(model, infl, ...) else own
}

predict.nd_glm <- function(object, newdata = NULL, type = c("link", "response", "terms"), se.fit = FALSE,
                           dispersion = NULL, terms = NULL, na.action = stats::na.pass, ...) {
  type <- if (missing(type)) "link" else match.arg(type)
  if (type == "terms" || !as_made(object)) return(NextMethod())
  e <- core(object)
  if (isTRUE(e$custom)) return(NextMethod())
  missing_data <- missing(newdata) || is.null(newdata)
  if (missing_data && !se.fit) {
    out <- if (type == "link") object$linear.predictors else object$fitted.values
    return(if (is.null(object$na.action)) out else stats::napredict(object$na.action, out))
  }
  own <- e$record$dispersion
  if (se.fit) {
    if (is.null(dispersion) || dispersion == 0) dispersion <- summary(object, dispersion = dispersion)$dispersion
    scale <- as.vector(sqrt(dispersion))
  }
  if (missing_data) {
    fit <- object$linear.predictors
    se <- row_errors(e)
  } else {
    frame <- new_frame(object, newdata, na.action, e)
    if (object$rank < length(object$coefficients)) {
      warning("prediction from a rank-deficient fit may be misleading")
    }
    all <- predict_rows(e, frame$terms, frame, se.fit)
    fit <- stats::setNames(all$link, row.names(frame$rows))
    fit[is.nan(fit)] <- NA
    se <- all$link_se
  }
  mean <- object$family$linkinv
  if (!se.fit) return(if (type == "link") fit else mean(fit))
  se <- se * (scale / sqrt(own))
  se[is.nan(se)] <- NA
  # R's product with a single column has no names
  names(se) <- if (object$rank > 1L) names(fit)
  if (type == "response") {
    se <- se * abs(object$family$mu.eta(fit))
    fit <- mean(fit)
  }
  if (missing_data && !is.null(object$na.action)) {
    fit <- stats::napredict(object$na.action, fit)
    se <- stats::napredict(object$na.action, se)
  }
  list(fit = fit, se.fit = se, residual.scale = scale)
}

anova.nd_glm <- function(object, ..., dispersion = NULL, test = NULL) {
  dots <- list(...)
  varlist <- attr(object$terms, "term.labels")
  if (length(dots) || !as_made(object)) return(NextMethod())
  e <- core(object)
  if (isTRUE(e$custom) || length(varlist) == 0L || has_own_response(e)) return(NextMethod())
  doscore <- !is.null(test) && test == "Rao"
  if (doscore) return(NextMethod())
  terms <- rust(fit_of_rows(e)$sequential(0L, run_options()))
  resdf <- c(terms$df_null, terms$df_residual)
  resdev <- c(terms$null_deviance, terms$deviance)
  df <- c(NA, -diff(resdf))
  table <- data.frame(df, c(NA, pmax(0, -diff(resdev))), as.integer(resdf), resdev)
  table[[1L]] <- as.integer(df)
  dimnames(table) <- list(c("NULL", varlist), c("Df", "Deviance", "Resid. Df", "Resid. Dev"))
  title <- paste0("Analysis of Deviance Table", "\n\nModel: ", object$family$family, ", link: ", object$family$link,
                  "\n\nResponse: ", as.character(varlist_response(object)), "\n\nTerms added sequentially (first to last)\n\n")
  df.dispersion <- Inf
  if (is.null(dispersion)) {
    dispersion <- summary(object)$dispersion
    df.dispersion <- if (dispersion == 1) Inf else object$df.residual
  }
  if (!is.null(test)) {
    if (test == "F" && df.dispersion == Inf) {
      family <- object$family$family
      if (family == "binomial" || family == "poisson") {
        warning(gettextf("using F test with a '%s' family is inappropriate", family), domain = NA)
      } else warning("using F test with a fixed dispersion is inappropriate")
    }
    table <- stats::stat.anova(table = table, test = test, scale = dispersion, df.scale = df.dispersion,
                               n = length(object$residuals))
  }
  structure(table, heading = title, class = c("anova", "data.frame"))
}

varlist_response <- function(object) {
  variables <- attr(object$terms, "variables")
  deparse(variables[-1L][[1L]])
}
