# Relaxed fits: mixtures of the penalized and the unpenalized coefficients of an active set.

# Shares of the penalized coefficients.
check_gamma <- function(gamma) {
  if (!is.numeric(gamma) || anyNA(gamma)) refuse("gamma: ", deparse(gamma)[1L], " is not numbers from 0 to 1")
  if (any(gamma < 0)) warning(simpleWarning("negative gamma values ignored", user_call()))
  if (any(gamma > 1)) warning(simpleWarning("gamma values larger than 1 ignored", user_call()))
  gamma <- gamma[gamma >= 0 & gamma <= 1]
  if (!length(gamma)) refuse("no valid values of gamma")
  as.double(gamma)
}

# The path of gamma * penalized + (1 - gamma) * relaxed coefficients. Steps whose active set was too large for a fit take over the last that there is,
# or are left out. As in glmnet, gamma is 1e-5 at least.
blended <- function(object, gamma, extend = TRUE) {
  relaxed <- object$relaxed
  object$relaxed <- NULL
  class(object) <- setdiff(class(object), "relaxed")
  if (gamma == 1) return(object)
  if (is.null(relaxed)) refuse("gamma: this path has no relaxed fits; fit it with relax = TRUE")
  gamma <- max(gamma, 1e-5)
  at <- match(object$lambda, relaxed$lambda, 0L)
  if (!any(at)) return(object)
  if (extend) at[at == 0L] <- max(at)
  own <- at > 0L
  at <- at[own]
  mix <- function(a, b) gamma * a + (1 - gamma) * b
  mix_beta <- function(a, b) {
    out <- methods::as(mix(a[, own, drop = FALSE], b[, at, drop = FALSE]), "CsparseMatrix")
    attr(out, "Dimnames") <- attr(a[, own, drop = FALSE], "Dimnames")
    out
  }
  if (is.list(object$beta)) {
    object$beta[] <- Map(mix_beta, object$beta, relaxed$beta)
    object$a0 <- mix(object$a0[, own, drop = FALSE], relaxed$a0[, at, drop = FALSE])
    object$dfmat <- object$dfmat[, own, drop = FALSE]
  } else {
    object$beta <- mix_beta(object$beta, relaxed$beta)
    if (!is.null(object$a0)) object$a0 <- mix(object$a0[own], relaxed$a0[at])
  }
  object$dev.ratio <- mix(object$dev.ratio[own], relaxed$dev.ratio[at])
  object$df <- object$df[own]
  object$lambda <- object$lambda[own]
  object$dim[2L] <- length(object$lambda)
  object
}

print_relaxed <- function(x, digits) {
  cat("\nCall: ", deparse(x$call), "\n")
  cat("Relaxed\n\n")
  relaxed <- rep(NA_real_, length(x$lambda))
  relaxed[match(x$relaxed$lambda, x$lambda, 0L)] <- round(x$relaxed$dev.ratio * 100, 2)
  out <- data.frame(Df = x$df, `%Dev` = round(100 * x$dev.ratio, 2), `%Dev R` = relaxed, Lambda = signif(x$lambda, digits),
                    check.names = FALSE)
  print(structure(out, class = c("anova", "data.frame")))
  invisible(x)
}

# What a cross-validation found of mixtures, after the list of cv.relaxed.
relaxed_curves <- function(found, curve) {
  count <- length(found$gamma)
  part <- function(values, k) values[(k - 1L) * length(curve$lambda) + seq_along(curve$lambda)]
  statlist <- lapply(seq_len(count), function(k) {
    cvm <- part(found$cvm, k)
    cvsd <- part(found$cvsd, k)
    list(lambda = curve$lambda, cvm = cvm, cvsd = cvsd, cvup = cvm + cvsd, cvlo = cvm - cvsd, nzero = curve$nzero)
  })
  names(statlist) <- paste("g", found$gamma, sep = ":")
  index <- matrix(found$index, 2L, 2L, byrow = TRUE, dimnames = list(c("min", "1se"), c("Lambda", "Gamma")))
  list(statlist = statlist, gamma = found$gamma, lambda.min = curve$lambda[index[1L, 1L]], lambda.1se = curve$lambda[index[2L, 1L]],
       gamma.min = found$gamma[index[1L, 2L]], gamma.1se = found$gamma[index[2L, 2L]],
       nzero.min = curve$nzero[index[1L, 1L]], nzero.1se = curve$nzero[index[2L, 1L]], index = index)
}

print_cv_relaxed <- function(x, digits) {
  r <- x$relaxed
  line <- function(which, gamma, lambda, nonzero) {
    at <- r$index[which, ]
    own <- r$statlist[[at[2L]]]
    c(gamma, at[2L], lambda, at[1L], own$cvm[at[1L]], own$cvsd[at[1L]], nonzero)
  }
  out <- rbind(min = line("min", r$gamma.min, r$lambda.min, r$nzero.min), `1se` = line("1se", r$gamma.1se, r$lambda.1se, r$nzero.1se))
  colnames(out) <- c("Gamma", "Index", "Lambda", "Index", "Measure", "SE", "Nonzero")
  print(structure(data.frame(out, check.names = FALSE), class = c("anova", "data.frame")), digits = digits)
  invisible(x)
}

# The gamma that is asked for beside `s`, a number or the name of a choice.
chosen_gamma <- function(object, s, gamma) {
  r <- object$relaxed
  if (is.null(gamma)) gamma <- if (identical(s, "lambda.min")) "gamma.min" else "gamma.1se"
  if (is.numeric(gamma)) return(check_gamma(gamma))
  if (!is.character(gamma) || !gamma[1L] %in% c("gamma.1se", "gamma.min")) refuse("Invalid form for gamma")
  r[[gamma[1L]]]
}

# A curve for each gamma, against log lambda.
plot_cv_relaxed <- function(x, se.bands = TRUE, ...) {
  r <- x$relaxed
  count <- length(r$gamma)
  colors <- grDevices::rainbow(count, start = 0.1, end = 1)
  of <- function(part) unlist(lapply(r$statlist, `[[`, part))
  own <- list(x = -log(r$statlist[[1L]]$lambda), y = r$statlist[[1L]]$cvm, type = "n", xlab = expression(-Log(lambda)), ylab = x$name,
              ylim = range(of("cvm"), if (se.bands) c(of("cvup"), of("cvlo")), finite = TRUE))
  given <- list(...)
  own[names(given)] <- given
  do.call(graphics::plot, own)
  if (se.bands) for (s in r$statlist) {
    graphics::polygon(-log(c(s$lambda, rev(s$lambda))), c(s$cvup, rev(s$cvlo)), col = "floralwhite", border = "antiquewhite")
  }
  for (k in seq_len(count)) graphics::lines(-log(r$statlist[[k]]$lambda), r$statlist[[k]]$cvm, lwd = 2, col = colors[k])
  graphics::abline(v = -log(c(r$lambda.min, r$lambda.1se)), lty = 3L)
  first <- r$statlist[[1L]]
  graphics::axis(side = 3L, at = -log(first$lambda), labels = first$nzero, tick = FALSE, line = 0)
  graphics::legend("topright", legend = format(r$gamma), col = colors, lwd = 2, title = expression(gamma), bty = "n")
  invisible()
}
