# Cross-validation of paths: an object that is cv.glmnet's.

nd_cv_glmnet <- function(x, ...) UseMethod("nd_cv_glmnet")

nd_cv_glmnet.default <- function(x, y, weights = NULL, offset = NULL, lambda = NULL,
                                 type.measure = c("default", "mse", "deviance", "class", "auc", "mae", "C"),
                                 nfolds = 10, foldid = NULL, alignment = c("lambda", "fraction"), grouped = TRUE,
                                 keep = FALSE, gamma = c(0, 0.25, 0.5, 0.75, 1), relax = FALSE, repeats = 1, alpha = 1,
                                 family = "gaussian", ...) {
  call <- match.call()
  call[[1L]] <- as.name("nd_cv_glmnet")
  alpha <- clamped_alpha(alpha)
  wanted <- folds_wanted(match.arg(type.measure), nfolds, foldid, match.arg(alignment), grouped, keep, repeats, lambda,
                         if (isTRUE(relax)) check_gamma(gamma))
  request <- matrix_path(x, y, family, weights, offset, lambda = lambda, alpha = alpha[1L], relax = relax, ..., env = parent.frame())
  cross_validated(request, wanted, alpha, call)
}

nd_cv_glmnet.formula <- function(formula, data, weights, offset, subset, na.action, lambda = NULL,
                                 type.measure = c("default", "mse", "deviance", "class", "auc", "mae", "C"),
                                 nfolds = 10, foldid = NULL, alignment = c("lambda", "fraction"), grouped = TRUE,
                                 keep = FALSE, gamma = c(0, 0.25, 0.5, 0.75, 1), relax = FALSE, repeats = 1, alpha = 1,
                                 family = "gaussian", contrasts = NULL, ...) {
  call <- match.call()
  call[[1L]] <- as.name("nd_cv_glmnet")
  alpha <- clamped_alpha(alpha)
  wanted <- folds_wanted(match.arg(type.measure), nfolds, foldid, match.arg(alignment), grouped, keep, repeats, lambda,
                         if (isTRUE(relax)) check_gamma(gamma))
  frame <- path_frame(match.call(expand.dots = FALSE), parent.frame(), missing(na.action),
                      if (!missing(na.action)) na.action, formula, if (!missing(data)) data)
  request <- formula_path(frame, family, contrasts, lambda = lambda, alpha = alpha[1L], relax = relax, ..., env = parent.frame())
  cross_validated(request, wanted, alpha, call)
}

# What is asked of the folds, as far as it does not depend on the rows.
folds_wanted <- function(measure, nfolds, foldid, alignment, grouped, keep, repeats, lambda, gamma = NULL) {
  if (isTRUE(keep) && repeats > 1) refuse("keep: of folds that are drawn several times a row has several predictions")
  if (!is.logical(keep) || length(keep) != 1L || is.na(keep)) refuse("keep: ", deparse(keep)[1L], " is not TRUE or FALSE")
  if (!is.null(lambda) && length(lambda) < 2L) refuse("Need more than one value of lambda for cv.glmnet")
  if (!is.null(lambda) && alignment == "fraction") {
    warning(simpleWarning(paste("fraction of path alignment not available if lambda given as argument; switched to",
                                "alignment=`lambda`"), user_call()))
    alignment <- "lambda"
  }
  whole <- function(value, name) {
    if (!is.numeric(value) || length(value) != 1L || is.na(value) || value != floor(value) || value < 1) {
      refuse(name, ": ", deparse(value)[1L], " is not a whole number from 1")
    }
    as.integer(value)
  }
  if (!is.null(foldid)) {
    bad <- if (!is.numeric(foldid)) 1L else which(is.na(foldid) | foldid < 1 | foldid != floor(foldid))
    if (length(bad)) refuse("foldid: ", deparse(foldid[[bad[1L]]]), " in row ", bad[1L], " is no fold; folds are 1, 2, ...")
    nfolds <- max(foldid)
  }
  nfolds <- whole(nfolds, "nfolds")
  if (nfolds < 3L) refuse("nfolds must be bigger than 3; nfolds=10 recommended")
  repeats <- whole(repeats, "repeats")
  if (repeats > 1L && !is.null(foldid)) refuse("repeats: folds that are given are the same each time")
  if (!is.logical(grouped) || length(grouped) != 1L || is.na(grouped)) {
    refuse("grouped: ", deparse(grouped)[1L], " is not TRUE or FALSE")
  }
  list(measure = measure, nfolds = nfolds, foldid = foldid, fraction = alignment == "fraction", grouped = grouped,
       repeats = repeats, gammas = if (is.null(gamma)) double() else sort(gamma), keep = keep)
}

# The names that glmnet has for measures of a kind of path, the first being the default.
path_measures <- list(
  elnet = c(mse = "Mean-Squared Error", deviance = "Mean-squared Error", mae = "Mean Absolute Error"),
  lognet = c(deviance = "Binomial Deviance", class = "Misclassification Error", auc = "AUC", mse = "Mean-Squared Error",
             mae = "Mean Absolute Error"),
  fishnet = c(deviance = "Poisson Deviance", mse = "Mean-Squared Error", mae = "Mean Absolute Error"),
  coxnet = c(deviance = "Partial Likelihood Deviance", C = "C-index"),
  multnet = c(deviance = "Multinomial Deviance", class = "Misclassification Error", mse = "Mean-Squared Error",
              mae = "Mean Absolute Error"),
  mrelnet = c(mse = "Mean-Squared Error", deviance = "Mean-squared Error", mae = "Mean Absolute Error"),
  glmnetfit = c(deviance = "GLM Deviance", mse = "Mean-Squared Error", mae = "Mean Absolute Error"))

measure_of <- function(measure, kind) {
  known <- path_measures[[kind]]
  if (measure == "default") return(known[1L])
  if (!measure %in% names(known)) {
    model <- c(elnet = "Gaussian", lognet = "Binomial", fishnet = "Poisson", coxnet = "Cox", multnet = "Multinomial",
               mrelnet = "Multi-response Gaussian", glmnetfit = "GLM")[[kind]]
    warning(simpleWarning(paste0("Only ", paste(names(known), collapse = ", "), " available as type.measure for ", model,
                                 " models; ", names(known)[1L], " used instead"), user_call()))
    return(known[1L])
  }
  known[measure]
}

# The fold of each row of the data, from 0; NULL where the library draws them.
fold_numbers <- function(wanted, request) {
  n <- request$nobs
  rows <- n + length(request$omit)
  if (wanted$repeats > 1L) return(integer())
  own <- if (is.null(wanted$foldid)) sample(rep(seq(wanted$nfolds), length = n)) else wanted$foldid
  if (length(own) == n) {
    of_rows <- rep(1, rows)
    of_rows[setdiff(seq_len(rows), request$omit)] <- own
    own <- of_rows
  }
  if (length(own) != rows) refuse("foldid: ", length(own), " numbers for ", n, " rows")
  as.integer(own) - 1L
}

cross_validated <- function(request, wanted, alpha, call) {
  name <- measure_of(wanted$measure, request$kind)
  grouped <- wanted$grouped
  few <- request$nobs / wanted$nfolds < 10
  if (few && identical(names(name), "auc")) {
    warning(simpleWarning(paste("Too few (< 10) observations per fold for type.measure='auc' in cv.lognet; changed to",
                                "type.measure='deviance'. Alternatively, use smaller value for nfolds"), user_call()))
    name <- path_measures$lognet["deviance"]
  }
  if (few && !grouped && request$kind == "coxnet") {
    warning(simpleWarning("Option grouped=TRUE enforced for cv.coxnet, since < 10 observations per fold", user_call()))
    grouped <- TRUE
  }
  if (grouped && request$nobs / wanted$nfolds < 3 && request$kind != "coxnet") {
    warning(simpleWarning("Option grouped=FALSE enforced in cv.glmnet, since < 3 observations per fold", user_call()))
    grouped <- FALSE
  }
  model <- c(request$model, list(alphas = if (length(alpha) > 1L) alpha else double(), gammas = wanted$gammas, keep = wanted$keep, measure = names(name),
                                 fraction = wanted$fraction, grouped = grouped, repeats = wanted$repeats,
                                 nfolds = wanted$nfolds, folds = fold_numbers(wanted, request),
                                 seed = if (wanted$repeats > 1L) floor(stats::runif(1L) * 2^31) else 0))
  found <- rust(of_columns(request, penalized_folds(request$columns, model, run_options(request$device))))
  for (text in found$fit$warnings) warning(simpleWarning(text, call))
  if (request$kind == "glmnetfit" && identical(request$family$family, "binomial") && names(name) %in% c("mse", "mae")) {
    # of the mean alone, where "binomial" adds up both classes
    half <- if (identical(request$family$link, "logit")) 2 else 1
    for (part in c("cvm", "cvsd")) {
      found[[part]] <- found[[part]] / half
      found$grid[[part]] <- found$grid[[part]] / half
      if (!is.null(found$relaxed)) found$relaxed[[part]] <- found$relaxed[[part]] / half
    }
  }
  fit <- path_object(request, found$fit, path_call(call, if (length(alpha) > 1L) found$alpha))
  z <- curve_object(found, fit, name, call, length(alpha) > 1L)
  if (wanted$keep) with_predictors(z, found$kept, request, model$folds) else z
}

# Puts the linear predictors of held-out rows into a cross-validation, as cv.glmnet has them: a matrix of rows and lambda, or with relaxed fits a list of these
# by gamma; rows of weight zero have none.
with_predictors <- function(z, kept, request, folds) {
  n <- request$nobs
  used <- setdiff(seq_len(n + length(request$omit)), request$omit)
  at <- match(kept$rows, used)
  steps <- length(z$glmnet.fit$lambda)
  columns <- paste0("s", seq_len(steps) - 1L)
  # of several responses an array of rows, responses and lambda
  count <- max(length(request$responses), 1L)
  size <- count * steps * length(at)
  shown <- if (request$kind == "multnet") request$classnames else request$responses
  matrices <- lapply(seq_len(length(kept$values) / max(size, 1L)), function(k) {
    own <- kept$values[(k - 1L) * size + seq_len(size)]
    if (is.null(request$responses)) {
      out <- matrix(NA_real_, n, steps, dimnames = list(rownames(request$x), columns))
      out[at, ] <- own
    } else {
      out <- array(NA_real_, c(n, count, steps), list(rownames(request$x), shown, columns))
      out[at, , ] <- own
      # the offset was subtracted from the responses
      if (request$kind == "mrelnet" && !is.null(request$subtracted)) out <- out + as.vector(request$subtracted[used, ])
    }
    if (request$kind %in% c("lognet", "multnet")) attr(out, "classnames") <- request$classnames
    if (request$kind == "glmnetfit") attr(out, "family") <- request$family
    out
  })
  gammas <- z$relaxed$gamma
  z$fit.preval <- if (is.null(gammas)) matrices[[1L]] else {
    # as in glmnet, that of the path itself is among them
    own <- c(gammas, if (max(gammas) < 1) 1)
    stats::setNames(matrices[c(1L + seq_along(gammas), if (max(gammas) < 1) 1L)], paste("g", own, sep = ":"))
  }
  z$foldid <- folds[used] + 1L
  z
}

# The call of the path alone.
path_call <- function(call, alpha) {
  own <- c("type.measure", "nfolds", "foldid", "alignment", "grouped", "keep", "repeats", "gamma")
  call <- call[!names(call) %in% own]
  call[[1L]] <- as.name("nd_glmnet")
  if (!is.null(alpha)) call$alpha <- alpha
  call
}

curve_object <- function(found, fit, name, call, several) {
  at <- found$index
  z <- list(lambda = found$lambda, cvm = found$cvm, cvsd = found$cvsd, cvup = found$cvm + found$cvsd,
            cvlo = found$cvm - found$cvsd, nzero = stats::setNames(found$nzero, paste0("s", seq_along(found$nzero) - 1L)), call = call, name = name,
            glmnet.fit = fit, lambda.min = found$lambda[at[1L]], lambda.1se = found$lambda[at[2L]],
            index = matrix(at, 2L, 1L, dimnames = list(c("min", "1se"), "Lambda")))
  if (several) {
    z$alpha <- found$alpha
    z$alphas <- as.data.frame(found$grid)
  }
  if (!is.null(found$relaxed)) z$relaxed <- relaxed_curves(found$relaxed, z)
  class(z) <- c("nd_cv_glmnet", if (!is.null(found$relaxed)) "cv.relaxed", "cv.glmnet")
  z
}

print.nd_cv_glmnet <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  cat("\nCall: ", deparse(x$call), "\n\n")
  cat("Measure:", x$name, "\n\n")
  if (!is.null(x$alphas)) {
    print(x$alphas, digits = digits, row.names = FALSE)
    cat("\nAt alpha = ", format(x$alpha), ":\n\n", sep = "")
  }
  if (!is.null(x$relaxed)) return(print_cv_relaxed(x, digits))
  at <- x$index[, 1L]
  out <- data.frame(Lambda = c(x$lambda.min, x$lambda.1se), Index = at, Measure = x$cvm[at], SE = x$cvsd[at],
                    Nonzero = unname(x$nzero[at]), row.names = c("min", "1se"))
  print(structure(out, class = c("anova", "data.frame")), digits = digits)
  invisible(x)
}

# The lambda that `s` is, with the name that glmnet gives a column of predictions there.
chosen_lambda <- function(object, s) {
  if (is.numeric(s)) return(s)
  if (!is.character(s) || length(s) != 1L || !s %in% c("lambda.1se", "lambda.min")) refuse("Invalid form for s")
  stats::setNames((if (is.null(object$relaxed)) object else object$relaxed)[[s]], s)
}

coef.nd_cv_glmnet <- function(object, s = c("lambda.1se", "lambda.min"), gamma = NULL, ...) {
  if (!is.numeric(s)) s <- s[1L]
  at <- unname(chosen_lambda(object, s))
  if (is.null(object$relaxed)) return(stats::coef(object$glmnet.fit, s = at, ...))
  stats::coef(object$glmnet.fit, s = at, gamma = chosen_gamma(object, s, gamma), ...)
}

predict.nd_cv_glmnet <- function(object, newx, s = c("lambda.1se", "lambda.min"), gamma = NULL, ...) {
  if (!is.numeric(s)) s <- s[1L]
  at <- chosen_lambda(object, s)
  if (!is.null(object$relaxed)) {
    gamma <- chosen_gamma(object, s, gamma)
    if (missing(newx)) return(stats::predict(object$glmnet.fit, s = at, gamma = gamma, ...))
    return(stats::predict(object$glmnet.fit, newx, s = at, gamma = gamma, ...))
  }
  s <- at
  if (missing(newx)) stats::predict(object$glmnet.fit, s = s, ...)
  else stats::predict(object$glmnet.fit, newx, s = s, ...)
}

plot.nd_cv_glmnet <- function(x, sign.lambda = -1, ...) {
  if (!is.null(x$relaxed)) return(plot_cv_relaxed(x, ...))
  turn <- if (sign.lambda < 0) -1 else 1
  at <- turn * log(x$lambda)
  own <- list(x = at, y = x$cvm, ylim = range(x$cvup, x$cvlo, finite = TRUE), ylab = x$name,
              xlab = if (turn < 0) expression(-Log(lambda)) else expression(Log(lambda)),
              type = "n")
  given <- list(...)
  own[names(given)] <- given
  do.call(graphics::plot, own)
  graphics::segments(at, x$cvlo, at, x$cvup, col = "darkgrey")
  graphics::points(at, x$cvm, pch = 20, col = "red")
  graphics::axis(side = 3L, at = at, labels = x$nzero, tick = FALSE, line = 0)
  graphics::abline(v = turn * log(c(x$lambda.min, x$lambda.1se)), lty = 3L)
  invisible()
}

nobs.nd_cv_glmnet <- function(object, ...) object$glmnet.fit$nobs
family.nd_cv_glmnet <- function(object, ...) stats::family(object$glmnet.fit)
