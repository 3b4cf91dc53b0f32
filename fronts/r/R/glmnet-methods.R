# Methods of paths, which do not need glmnet.

print.nd_glmnet <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  if (!is.null(x$relaxed)) return(print_relaxed(x, digits))
  cat("\nCall: ", deparse(x$call), "\n\n")
  out <- data.frame(Df = x$df, `%Dev` = round(100 * x$dev.ratio, 2), Lambda = signif(x$lambda, digits), check.names = FALSE)
  print(structure(out, class = c("anova", "data.frame")))
  invisible(x)
}

deviance.nd_glmnet <- function(object, ...) (1 - object$dev.ratio) * object$nulldev

nobs.nd_glmnet <- function(object, ...) object$nobs

family.nd_glmnet <- function(object, ...) {
  if (inherits(object, "glmnetfit")) return(object$family)
  if (inherits(object, "coxnet")) return("cox")
  if (inherits(object, "lognet")) "binomial" else if (inherits(object, "fishnet")) "poisson" else
    if (inherits(object, "multnet")) "multinomial" else if (inherits(object, "mrelnet")) "mgaussian" else "gaussian"
}

coef.nd_glmnet <- function(object, s = NULL, exact = FALSE, ...) {
  stats::predict(object, s = s, type = "coefficients", exact = exact, ...)
}

predict.nd_glmnet <- function(object, newx, s = NULL, type = c("link", "response", "coefficients", "nonzero", "class"),
                              exact = FALSE, newoffset, newdata, gamma = 1, ...) {
  type <- match.arg(type)
  gamma <- check_gamma(gamma)
  if (length(gamma) > 1L) {
    call <- match.call()
    call[[1L]] <- stats::predict
    return(stats::setNames(lapply(gamma, function(g) {
      call$gamma <- g
      eval(call, parent.frame(3L))
    }), format(round(gamma, 2))))
  }
  if (gamma < 1 || !is.null(object$relaxed)) {
    object <- blended(object, gamma)
    exact <- FALSE
  }
  if (type == "class" && !inherits(object, c("lognet", "multnet"))) {
    refuse("type: \"class\" is for classes, of the families \"binomial\" and \"multinomial\"")
  }
  rows <- !type %in% c("coefficients", "nonzero")
  if (rows && !missing(newdata)) newx <- newdata
  if (rows && missing(newx)) refuse("You need to supply a value for 'newx'")
  if (exact && !is.null(s)) object <- refitted(object, s, list(...))
  if (is.list(object$beta)) return(predict_multi(object, newx, s, type, if (!missing(newoffset)) newoffset))
  at <- coefficients_at(object, s)
  if (type == "nonzero") return(nonzero_of(at$beta))
  if (type == "coefficients") return(if (inherits(object, "coxnet")) at$beta else with_intercept(at))
  x <- new_rows(object, newx)
  eta <- predictors(x, at) + new_offset(object, if (!missing(newoffset)) newoffset, attr(x, "offset"))
  switch(type, link = eta, response = inverse_link(object, eta), class = classes_of(object, eta))
}

# Intercepts and coefficients at lambda `s`: those of the path, or between two of it on the line from one to the other.
coefficients_at <- function(object, s) {
  if (is.null(s)) return(list(a0 = object$a0, beta = object$beta))
  if (!is.numeric(s) || !length(s) || anyNA(s)) refuse("s: ", deparse(s)[1L], " is not a value of lambda")
  between <- interpolated(object$lambda, s)
  cox <- inherits(object, "coxnet")
  names <- if (cox) as.character(seq_along(s)) else paste0("s", seq_along(s))
  if (!is.null(names(s))) names <- names(s)
  mix <- function(left, right) left * between$share + right * (1 - between$share)
  a0 <- if (!cox) stats::setNames(mix(object$a0[between$left], object$a0[between$right]), names)
  whole <- between$share == 1
  beta <- if (all(whole)) object$beta[, between$left, drop = FALSE] else {
    diagonal <- function(share) Matrix::Diagonal(x = share)
    Matrix::drop0(object$beta[, between$left, drop = FALSE] %*% diagonal(between$share) +
                    object$beta[, between$right, drop = FALSE] %*% diagonal(1 - between$share))
  }
  attr(beta, "Dimnames") <- list(rownames(object$beta), names)
  list(a0 = a0, beta = beta)
}

# Places left and right of `s` in a descending sequence, and the share of the left one; beyond the ends, the end.
interpolated <- function(lambda, s) {
  count <- length(lambda)
  s <- pmin(pmax(s, lambda[count]), lambda[1L])
  left <- pmax(count + 1L - findInterval(s, rev(lambda), left.open = TRUE) - 1L, 1L)
  # the last of those that are at least `s`
  right <- pmin(left + 1L, count)
  gap <- lambda[left] - lambda[right]
  share <- ifelse(gap > 0 & s < lambda[left], (s - lambda[right]) / gap, 1)
  list(left = left, right = right, share = share)
}

with_intercept <- function(at) {
  beta <- at$beta
  k <- length(at$a0)
  p <- attr(beta, "p")
  out <- integer(length(attr(beta, "i")) + k)
  x <- double(length(out))
  first <- p[seq_len(k)] + seq_len(k)
  out[first] <- 0L
  x[first] <- at$a0
  if (length(attr(beta, "i"))) {
    out[-first] <- attr(beta, "i") + 1L
    x[-first] <- attr(beta, "x")
  }
  names <- attr(beta, "Dimnames")
  sparse_matrix(p + 0:k, out, x, c(nrow(beta) + 1L, k), list(c("(Intercept)", names[[1L]]), names[[2L]]))
}

# Places of coefficients other than zero, by lambda; a data frame where each has as many.
nonzero_of <- function(beta) {
  steps <- factor(rep(seq_len(ncol(beta)), diff(attr(beta, "p"))), seq_len(ncol(beta)))
  own <- attr(beta, "x") != 0
  places <- unname(split(attr(beta, "i")[own] + 1L, steps[own]))
  counts <- lengths(places)
  names(places) <- colnames(beta)
  if (counts[1L] > 0L && all(counts == counts[1L])) return(as.data.frame(places))
  places[counts == 0L] <- list(NULL)
  places
}

# Rows to predict for as a matrix of the path's columns.
new_rows <- function(object, newx) {
  if (!is.null(object$terms) && (is.data.frame(newx) || is.environment(newx) || is.list(newx))) {
    return(formula_rows(object, newx))
  }
  if (is.data.frame(newx)) newx <- as.matrix(newx)
  p <- object$dim[1L]
  if (length(dim(newx)) != 2L || ncol(newx) != p) refuse("The number of variables in newx must be ", p)
  newx
}

# The same of the variables of a formula, with the levels that the fit had; the attribute `offset` is the formula's own.
formula_rows <- function(object, data) {
  terms <- stats::delete.response(object$terms)
  frame <- stats::model.frame(terms, data, na.action = stats::na.pass, xlev = object$xlevels)
  coded <- vapply(frame, function(v) is.factor(v) || is.character(v) || is.logical(v) && !is.matrix(v), NA)
  coding <- list()
  for (name in names(frame)[coded]) {
    levels <- if (is.logical(frame[[name]])) c("FALSE", "TRUE") else object$xlevels[[name]]
    if (is.logical(frame[[name]])) frame[[name]] <- factor(frame[[name]], c(FALSE, TRUE))
    given <- object$contrasts[[name]]
    coding[[name]] <- if (!is.null(given)) given else structure(diag(length(levels)), dimnames = list(levels, levels))
  }
  attr(terms, "intercept") <- 1L
  x <- stats::model.matrix(terms, frame, if (length(coding)) coding)
  wanted <- rownames(if (is.list(object$beta)) object$beta[[1L]] else object$beta)
  missing <- setdiff(wanted, colnames(x))
  if (length(missing)) refuse("newdata: there is no column `", missing[1L], "`")
  x <- x[, wanted, drop = FALSE]
  attr(x, "offset") <- stats::model.offset(frame)
  x
}

predictors <- function(x, at) {
  eta <- as.matrix(x %*% at$beta)
  if (!is.null(at$a0)) eta <- eta + rep(unname(at$a0), each = nrow(x))
  dimnames(eta) <- list(rownames(x), attr(at$beta, "Dimnames")[[2L]])
  eta
}

new_offset <- function(object, newoffset, of_formula) {
  if (!object$offset) return(0)
  offset <- if (is.null(newoffset)) of_formula else newoffset
  if (is.null(offset)) refuse("No newoffset provided for prediction, yet offset used in fit of glmnet")
  if (is.matrix(offset) && ncol(offset) == 2L && inherits(object, "lognet")) offset <- offset[, 2L]
  as.vector(offset)
}

inverse_link <- function(object, eta) {
  if (inherits(object, "glmnetfit")) return(structure(object$family$linkinv(eta), dim = dim(eta), dimnames = dimnames(eta)))
  if (inherits(object, "lognet")) return(1 / (1 + exp(-eta)))
  # of a Cox model the risk relative to that of a row of zeros
  if (inherits(object, c("fishnet", "coxnet"))) exp(eta) else eta
}

classes_of <- function(object, eta) {
  names <- if (is.null(object$classnames)) c("1", "2") else object$classnames
  structure(names[1L + (eta > 0)], dim = dim(eta), dimnames = dimnames(eta))
}

# The path with `s` among its lambda: fitted again, with the arguments of its call, of which those that are data are given anew.
refitted <- function(object, s, given) {
  lambda <- unique(rev(sort(c(s, object$lambda))))
  if (all(s %in% object$lambda)) return(object)
  call <- object$call
  data <- intersect(c("x", "y", "weights", "offset", "penalty.factor", "lower.limits", "upper.limits"), names(call))
  absent <- if (is.null(object$terms)) setdiff(data, names(given))
  if (length(absent)) {
    refuse("used coef.glmnet() or predict.glmnet() with `exact=TRUE` so must in addition supply original argument(s)  ",
           paste(absent, collapse = " and "), "  in order to safely rerun glmnet")
  }
  env <- if (is.null(object$terms)) user_frame() else environment(object$terms)
  for (name in names(given)) {
    own <- paste0("(", name, ")")
    call[[name]] <- as.name(own)
    given[[own]] <- given[[name]]
  }
  call$lambda <- lambda
  call[[1L]] <- nd_glmnet
  call$nlambda <- call$lambda.min.ratio <- NULL
  eval(call, list2env(given, parent = env))
}

# Where the user has called a function of this package.
user_frame <- function() {
  here <- topenv(environment(user_frame))
  for (i in seq_len(sys.nframe())) {
    own <- environment(sys.function(i))
    if (!is.null(own) && identical(topenv(own), here)) return(sys.frame(sys.parents()[i]))
  }
  globalenv()
}

plot.nd_glmnet <- function(x, xvar = c("lambda", "norm", "dev"), label = FALSE, type.coef = c("coef", "2norm"), gamma = 1, ...) {
  if (!is.null(x$relaxed)) {
    for (g in check_gamma(gamma)) graphics::plot(blended(x, g, FALSE), xvar, label, type.coef, ...)
    return(invisible())
  }
  xvar <- match.arg(xvar)
  if (is.list(x$beta)) return(plot_multi(x, xvar, label, match.arg(type.coef), ...))
  used <- sort(unique(attr(x$beta, "i"))) + 1L
  if (!length(used)) {
    warning("No plot produced since all coefficients zero", call. = FALSE)
    return(invisible())
  }
  beta <- as.matrix(x$beta[used, , drop = FALSE])
  at <- switch(xvar, lambda = -log(x$lambda), norm = colSums(abs(beta)), dev = x$dev.ratio)
  own <- list(x = at, y = t(beta), type = "l", lty = 1L, ylab = "Coefficients",
              xlab = switch(xvar, lambda = expression(-Log(lambda)), norm = "L1 Norm", dev = "Fraction Deviance Explained"))
  given <- list(...)
  own[names(given)] <- given
  do.call(graphics::matplot, own)
  ticks <- graphics::axTicks(1L)
  order <- order(at)
  df <- stats::approx(at[order], x$df[order], ticks, rule = 2, method = "constant", ties = "ordered")$y
  graphics::axis(side = 3L, at = ticks, labels = df, tick = FALSE)
  if (label) {
    end <- which.max(at)
    graphics::text(at[end], beta[, end], used, pos = 2L, cex = 0.5)
  }
  invisible()
}
