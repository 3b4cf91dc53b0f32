# Methods of nd_lm that read the library's fit instead of a QR decomposition.

core <- function(object) {
  e <- if (!is.null(object$nelder)) handle_get(list(object$nelder))
  if (is.null(e)) refuse("this is no fit of nelder: its component `nelder` is missing")
  e
}

# The model frame that is kept with a fit, if its columns are what they were.
model.frame.nd_lm <- function(formula, ...) {
  if (!is.null(formula$model) && !is.null(formula$nelder)) rows_of(core(formula))
  NextMethod()
}

# (X'WX)^-1 without the aliased coefficients, with names.
unscaled <- function(e) {
  own <- memory(e)
  if (is.null(own$unscaled)) {
    v <- rust(fit_of(e)$unscaled())
    used <- !e$record$aliased
    v <- v[used, used, drop = FALSE]
    dimnames(v) <- list(e$names[used], e$names[used])
    own$unscaled <- v
  }
  own$unscaled
}

summary.nd_lm <- function(object, correlation = FALSE, symbolic.cor = FALSE, ...) {
  z <- object
  p <- z$rank
  if (!as_made(z) || p == 0L) return(NextMethod())
  e <- core(z)
  rdf <- z$df.residual
  w <- z$weights
  ans <- z[c("call", "terms", if (!is.null(w)) "weights")]
  class(ans) <- "summary.lm"
  rss <- e$record$rss
  mss <- e$record$mss
  variance <- rss / rdf
  if (is.finite(variance) && rss < 1e-20 * mss) {
    f <- z$fitted.values
    if (variance < (mean(f)^2 + stats::var(c(f))) * 1e-30) {
      warning("essentially perfect fit: summary may be unreliable")
    }
  }
  used <- !e$record$aliased
  estimate <- z$coefficients[used]
  se <- e$record$std_errors[used]
  t <- estimate / se
  ans$residuals <- if (is.null(w)) z$residuals else lazy_rows(e, "weighted_residuals")
  ans$coefficients <- cbind(Estimate = estimate, `Std. Error` = se, `t value` = t,
                            `Pr(>|t|)` = 2 * stats::pt(abs(t), rdf, lower.tail = FALSE))
  ans$aliased <- is.na(z$coefficients)
  ans$sigma <- sqrt(variance)
  ans$df <- c(p, rdf, length(z$coefficients))
  intercept <- attr(z$terms, "intercept")
  if (p != intercept) {
    df.int <- if (intercept) 1L else 0L
    n <- p + rdf
    ans$r.squared <- mss / (mss + rss)
    ans$adj.r.squared <- 1 - (1 - ans$r.squared) * ((n - df.int) / rdf)
    ans$fstatistic <- c(value = (mss / (p - df.int)) / variance, numdf = p - df.int, dendf = rdf)
  } else ans$r.squared <- ans$adj.r.squared <- 0
  ans$cov.unscaled <- unscaled(e)
  if (correlation) {
    ans$correlation <- (ans$cov.unscaled * variance) / outer(se, se)
    dimnames(ans$correlation) <- dimnames(ans$cov.unscaled)
    ans$symbolic.cor <- symbolic.cor
  }
  if (!is.null(z$na.action)) ans$na.action <- z$na.action
  class(ans) <- c("summary.nd_lm", "summary.lm")
  ans
}

# The same object without our class, for methods of R that are called by name.
unfold <- function(object) {
  class(object) <- setdiff(class(object), c("nd_lm", "nd_glm", "nd_negbin"))
  object
}

vcov.nd_lm <- function(object, complete = TRUE, ...) {
  if (!as_made(object) || object$rank == 0L) return(NextMethod())
  e <- core(object)
  stats::.vcov.aliased(e$record$aliased_named, unscaled(e) * (e$record$rss / object$df.residual), complete = complete)
}

deviance.nd_lm <- function(object, ...) {
  if (!as_made(object)) return(NextMethod())
  core(object)$record$rss
}

logLik.nd_lm <- function(object, REML = FALSE, ...) {
  if (!as_made(object) || REML || object$df.residual <= 0) return(NextMethod())
  e <- core(object)
  n <- object$rank + object$df.residual
  w <- object$weights
  logs <- if (is.null(w)) 0 else sum(log(w[w > 0]))
  structure(0.5 * (logs - n * (log(2 * pi) + 1 - log(n) + log(e$record$rss))), nall = n, nobs = n,
            df = object$rank + 1, class = "logLik")
}

extractAIC.nd_lm <- function(fit, scale = 0, k = 2, ...) {
  if (!as_made(fit)) return(NextMethod())
  n <- length(fit$residuals)
  edf <- n - fit$df.residual
  rss <- stats::deviance(fit)
  criterion <- if (scale > 0) rss / scale - n else n * log(rss / n)
  c(edf, criterion + k * edf)
}

anova.nd_lm <- function(object, ...) {
  if (length(list(object, ...)) > 1L || !as_made(object)) return(NextMethod())
  e <- core(object)
  rss <- e$record$rss
  rdf <- object$df.residual
  if (rss < 1e-10 * sum_of_fitted(object, e)) {
    warning("ANOVA F-tests on an essentially perfect fit are unreliable")
  }
  terms <- rust(fit_of(e)$sequential(0L, run_options()))
  df <- c(as.integer(terms$df), rdf)
  ss <- c(terms$squares, rss)
  ms <- ss / df
  f <- ms / (rss / rdf)
  p <- stats::pf(f, df, rdf, lower.tail = FALSE)
  last <- length(p)
  f[last] <- p[last] <- NA
  table <- data.frame(df, ss, ms, f, p)
  dimnames(table) <- list(c(terms$terms, "Residuals"), c("Df", "Sum Sq", "Mean Sq", "F value", "Pr(>F)"))
  structure(table, heading = c("Analysis of Variance Table\n",
                               paste("Response:", paste(deparse(stats::formula(object)[[2L]]), collapse = "\n"))),
            class = c("anova", "data.frame"))
}

# Sum of squares of the fitted values.
sum_of_fitted <- function(object, e) {
  if (!is.null(object$offset)) {
    f <- object$fitted.values
    return(sum(if (is.null(object$weights)) f^2 else object$weights * f^2))
  }
  y <- kept(linear_response(rows_of(e)), e$omit)
  w <- weights_of(e)
  sum(if (is.null(w)) y^2 else w * y^2) - e$record$rss
}

influence.nd_lm <- function(model, do.coef = TRUE, ...) {
  if (!as_made(model) || !model$rank) return(NextMethod())
  if (do.coef) return(with_own_leverages(NextMethod(), model))
  e <- core(model)
  w <- model$weights
  used <- if (is.null(w)) TRUE else w != 0
  take <- function(key) stats::setNames(by_row(e, "leverages", key)[used], names(model$residuals)[used])
  out <- list(hat = take("hat"), sigma = take("sigma"),
              wt.res = stats::setNames((if (is.null(w)) model$residuals else model$residuals * sqrt(w))[used],
                                       names(model$residuals)[used]))
  with_missing(out, model, e$record$sigma)
}

# Diagnostics with the rows that na.exclude left out, as lm.influence() has them there.
with_missing <- function(out, model, sigma) {
  if (is.null(model$na.action)) return(out)
  out <- lapply(out, function(x) stats::naresid(model$na.action, x))
  out$hat[is.na(out$hat)] <- 0
  out$sigma[is.na(out$sigma)] <- sigma
  out
}

# What R makes of its own decomposition, with the leverages and deviations of the library.
with_own_leverages <- function(out, model) {
  own <- stats::influence(model, do.coef = FALSE)
  for (part in c("hat", "sigma")) if (identical(names(out[[part]]), names(own[[part]]))) out[[part]] <- own[[part]]
  out
}

# A method of R's, called with the diagnostics that ours has made.
of_stats <- function(name) get(name, envir = asNamespace("stats"), mode = "function")

# Diagnostics of the library, by row in the fit; NULL where R's method is to answer. R forms 1 - h from the rounded h; the
# library does not.
diagnostics <- function(model, key) {
  e <- if (!inherits(model, "mlm") && as_made(model) && model$rank) core(model)
  if (is.null(e) || isTRUE(e$custom)) return(NULL)
  w <- if (e$kind == "glm") model$prior.weights else model$weights
  used <- if (is.null(w)) TRUE else as.vector(w != 0)
  out <- stats::setNames(by_row(e, "diagnostics", key)[used], names(model$residuals)[used])
  if (is.null(model$na.action)) out else stats::naresid(model$na.action, out)
}

hatvalues.nd_lm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  if (inherits(model, "mlm")) return(NextMethod())
  infl$hat
}

rstandard.nd_lm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  if (inherits(model, "mlm")) return(NextMethod())
  own <- if (missing(infl) && !...length()) diagnostics(model, "standardized")
  if (is.null(own)) of_stats("rstandard.lm")(model, infl, ...) else own
}

rstudent.nd_lm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  if (inherits(model, "mlm")) return(NextMethod())
  own <- if (missing(infl) && !...length()) diagnostics(model, "studentized")
  if (is.null(own)) of_stats("rstudent.lm")(model, infl, ...) else own
}

cooks.distance.nd_lm <- function(model, infl = stats::influence(model, do.coef = FALSE), ...) {
  if (inherits(model, "mlm")) return(NextMethod())
  own <- if (missing(infl) && !...length()) diagnostics(model, "cooks")
  if (is.null(own)) of_stats("cooks.distance.lm")(model, infl, ...) else own
}

# What each row does to each coefficient, in standard errors without it. Rows of weight zero and those that na.exclude left out are R's.
dfbetas.nd_lm <- function(model, infl, ...) {
  all_rows <- is.null(model$weights) || all(model$weights != 0)
  if (!missing(infl) || inherits(model, "mlm") || !is.null(model$na.action) || !all_rows || !as_made(model) || !model$rank) {
    return(NextMethod())
  }
  b <- model$coefficients
  out <- matrix(by_row(core(model), "deletions", "dfbetas"), ncol = length(b))[, !is.na(b), drop = FALSE]
  # without such a row its coefficient is not defined, and R says 0
  out[stats::hatvalues(model) == 1, ] <- 0
  dimnames(out) <- list(names(model$residuals), names(b)[!is.na(b)])
  out
}

# Predictions of the library for a model frame without response: list(fit, se), rows with missing values are NA.
predict_rows <- function(e, terms, frame, errors) {
  offset <- NULL
  for (i in attr(terms, "offset")) {
    own <- eval(attr(terms, "variables")[[i + 1L]], frame$data, environment(terms))
    offset <- if (is.null(offset)) own else offset + own
  }
  if (!is.null(frame$more_offset)) offset <- if (is.null(offset)) frame$more_offset else offset + frame$more_offset
  options <- run_options()
  fit <- fit_of(e)
  all <- if (isTRUE(e$of_numbers)) rust(fit$predict_numbers(frame$rows, errors, options))
  if (is.null(all)) {
    # standard errors do not depend on the offset, which may be missing where they are not
    design <- design_of(e)
    columns <- describe_rows(design, frame$rows, if (nzchar(design$model$offset)) numeric(nrow(frame$rows)))
    all <- rust(fit$predict(columns, errors, options))
  }
  all <- all[[1L]]
  if (!is.null(offset)) {
    key <- if (e$kind == "lm") "fit" else "link"
    all[[key]] <- all[[key]] + as.vector(offset)
  }
  all
}

# The columns of new data that a fit to vectors of numbers has, where they are that in these data, too; else NULL.
new_numbers <- function(object, newdata, e) {
  if (!isTRUE(e$of_numbers) || !is.data.frame(newdata)) return(NULL)
  variables <- attr(object$terms, "variables")
  names <- all.vars(variables)
  if (!identical(as.character(variables)[-1L], names)) return(NULL)
  names <- names[-attr(object$terms, "response")]
  at <- match(names, attr(newdata, "names"))
  rows <- .row_names_info(newdata, 2L)
  if (!length(at) || anyNA(at) || rows == 0L) return(NULL)
  all <- .subset(newdata, at)
  if (!are_numbers(all, as.numeric(rows))) return(NULL)
  attributes(all) <- list(names = names, row.names = .row_names_info(newdata, 0L), class = "data.frame")
  all
}

# The model frame of new data as predict.lm() makes it, with the offsets.
new_frame <- function(object, newdata, na.action, e) {
  own <- if (identical(na.action, na.pass)) new_numbers(object, newdata, e)
  if (!is.null(own)) return(list(terms = object$terms, rows = own, data = newdata))
  terms <- stats::delete.response(stats::terms(object))
  rows <- stats::model.frame(terms, newdata, na.action = na.action, xlev = object$xlevels)
  classes <- attr(terms, "dataClasses")
  if (!is.null(classes)) stats::.checkMFClasses(classes, rows)
  list(terms = terms, rows = rows, data = newdata,
       more_offset = if (!is.null(object$call$offset)) eval(object$call$offset, newdata))
}

predict.nd_lm <- function(object, newdata, se.fit = FALSE, scale = NULL, df = Inf,
                          interval = c("none", "confidence", "prediction"), level = 0.95,
                          type = c("response", "terms"), terms = NULL, na.action = stats::na.pass,
                          pred.var = res.var / weights, weights = 1, ...) {
  type <- if (missing(type)) "response" else match.arg(type)
  interval <- if (missing(interval)) "none" else match.arg(interval)
  if (type == "terms" || !as_made(object)) return(NextMethod())
  e <- core(object)
  errors <- se.fit || interval != "none"
  if (missing(newdata) || is.null(newdata)) {
    fit <- object$fitted.values
    if (errors) se <- row_errors(e)
    if (interval == "prediction") {
      warning("predictions on current data refer to _future_ responses\n")
      if (missing(weights) && missing(pred.var)) {
        if (!is.null(object$weights)) {
          weights <- object$weights
          warning("assuming prediction variance inversely proportional to weights used for fitting\n")
        }
      }
    }
  } else {
    frame <- new_frame(object, newdata, na.action, e)
    if (object$rank < length(object$coefficients)) {
      warning("prediction from a rank-deficient fit may be misleading")
    }
    all <- predict_rows(e, frame$terms, frame, errors)
    names <- row.names(frame$rows)
    fit <- stats::setNames(all$fit, names)
    fit[is.nan(fit)] <- NA
    se <- all$se
    if (interval == "prediction" && missing(weights) && missing(pred.var) && !is.null(object$weights)) {
      warning("Assuming constant prediction variance even though model fit is weighted\n")
    }
    if (inherits(weights, "formula")) {
      if (length(weights) != 2L) stop("'weights' as formula should be one-sided")
      weights <- eval(weights[[2L]], newdata, environment(weights))
    }
    if (inherits(weights, "integer64")) weights <- as_doubles(weights, "weights")
  }
  w <- object$weights
  res.var <- if (is.null(scale)) e$record$rss / object$df.residual else scale^2
  out <- fit
  if (errors) {
    if (!is.null(scale)) se <- se * (scale / e$record$sigma)
    df <- if (is.null(scale)) object$df.residual else df
    se <- unname(se)
    se[is.nan(se)] <- NA
  }
  if (interval != "none") {
    tfrac <- stats::qt((1 - level) / 2, df)
    width <- tfrac * switch(interval, confidence = se, prediction = sqrt(se^2 + pred.var))
    out <- cbind(fit, fit + width %o% c(1, -1))
    colnames(out) <- c("fit", "lwr", "upr")
  }
  if (missing(newdata) && !is.null(object$na.action)) {
    out <- stats::napredict(object$na.action, out)
    if (se.fit) se <- stats::napredict(object$na.action, se)
  }
  if (se.fit) {
    # R's product with a single column has no names
    if ((!missing(newdata) || !is.null(w)) && object$rank > 1L) names(se) <- if (is.matrix(out)) rownames(out) else names(out)
    list(fit = out, se.fit = se, df = df, residual.scale = sqrt(res.var))
  } else out
}

# Standard errors of the fitted values.
row_errors <- function(e) {
  own <- memory(e)
  if (is.null(own$row_errors)) {
    all <- rust(fit_of_rows(e)$predict(design_of(e)$columns, TRUE, run_options()))[[1L]]
    own$row_errors <- kept(if (is.null(all$se)) all$link_se else all$se, e$omit)
  }
  own$row_errors
}
