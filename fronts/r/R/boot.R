# The bootstrap of a fit, an object that boot::boot.ci(), broom's tidy() and boot's plot() read.

nd_boot <- function(fit, R = 999L, type = c("case", "bayesian", "residual", "wild", "mammen", "parametric"), cluster = NULL,
                    strata = NULL, seed = NULL, studentized = FALSE) {
  call <- match.call()
  type <- match.arg(type)
  if (!inherits(fit, c("nd_lm", "nd_glm")) || inherits(fit, "mlm")) {
    refuse("`fit` must be a fit of nd_lm(), nd_glm() or nd_glm.nb() with one response")
  }
  if (!as_made(fit)) refuse("`fit` was changed after it was made; fit it again")
  R <- whole_number(R, "R", 1)
  # without a seed of its own, set.seed() makes it the same again
  before <- random_state()
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else whole_number(seed, "seed", 0)
  if (!is.logical(studentized) || length(studentized) != 1L || is.na(studentized)) refuse("`studentized` must be TRUE or FALSE")
  e <- core(fit)
  own <- fit_of_rows(e)
  if (is.null(own)) refuse("a fit whose link or family is made of R functions has no bootstrap here")
  known <- names(rows_of(e)$all)
  request <- list(replicates = R, type = type, seed = as.numeric(seed), cluster = units_of(cluster, "cluster", known),
                  strata = units_of(strata, "strata", known), variances = studentized)
  made <- rust(own$resample(request, run_options()))
  names <- made$names
  t0 <- made$t0
  t <- matrix(made$t, ncol = length(names), byrow = TRUE, dimnames = list(NULL, names))
  t[is.nan(t)] <- NA_real_
  t0[is.nan(t0)] <- NA_real_
  # boot puts `seed` in the place of R's .Random.seed, and takes "parametric" for replicates of which there is no array of rows
  out <- list(t0 = stats::setNames(t0, names), t = t, R = nrow(t), data = NULL, seed = before, statistic = resampled_inside,
              sim = "parametric", call = call, stype = "i", type = type, stream = seed, cluster = request$cluster,
              within = request$strata, made = made)
  class(out) <- c("nd_boot", "boot")
  attr(out, "boot_type") <- "boot"
  for (text in about_draws(out)) warning(text, call. = FALSE)
  out
}

whole_number <- function(value, name, least) {
  if (!is.numeric(value) || length(value) != 1L || is.na(value) || value != trunc(value) || value < least ||
        value > .Machine$integer.max) {
    refuse("`", name, "` must be a whole number of ", least, " or more")
  }
  as.integer(value)
}

# R's .Random.seed, which is there once a number was drawn.
random_state <- function() {
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) stats::runif(1L)
  get(".Random.seed", envir = globalenv(), inherits = FALSE)
}

# The text of a one-sided formula or of a name, of variables that the model has.
units_of <- function(value, name, known) {
  if (is.null(value)) return(NULL)
  if (is.character(value) && length(value) == 1L && !is.na(value)) value <- call("~", as.name(value))
  if (!is.call(value) || !identical(value[[1L]], as.name("~")) || length(value) != 2L) {
    refuse("`", name, "` must be a formula such as ~ school, or the name of a variable of the model")
  }
  other <- setdiff(all.vars(value), known)
  if (length(other)) {
    refuse("`", name, "` names `", other[1L], "`, which is no variable of the model; those are ",
           paste0("`", known, "`", collapse = ", "))
  }
  paste(deparse(value[[2L]], 500L), collapse = " ")
}

# boot's own functions call this where they want further replicates.
resampled_inside <- function(...) {
  stop("nd_boot() resamples inside the library, which keeps no array of the rows drawn; for BCa intervals use ",
       "confint(boot, type = \"bca\")", call. = FALSE)
}

# Sentences on draws that are missing.
about_draws <- function(object) {
  made <- object$made
  c(if (made$made < made$asked) sprintf("interrupted: %d of %d replicates were made", made$made, made$asked),
    if (made$aliased > 0L) sprintf("in %d of %d replicates a coefficient is not identified; it is NA there", made$aliased, made$made),
    if (made$not_converged > 0L) {
      sprintf("%d of %d replicates did not converge, as where a class is separated; they are NA", made$not_converged, made$made)
    })
}

known_draws <- function(object, of) {
  out <- apply(object$t, 2L, function(t) of(t[!is.na(t)]))
  out[is.na(object$t0)] <- NA_real_
  out
}

summary.nd_boot <- function(object, ...) {
  centred <- sweep(object$t, 2L, object$t0)
  bias <- apply(centred, 2L, mean, na.rm = TRUE)
  bias[is.na(object$t0)] <- NA_real_
  out <- data.frame(R = colSums(!is.na(object$t)), original = object$t0, bootBias = bias,
                    bootSE = known_draws(object, stats::sd), bootMed = known_draws(object, stats::median))
  rownames(out) <- names(object$t0)
  class(out) <- c("summary.nd_boot", "data.frame")
  out
}

print.nd_boot <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  about <- c(case = "rows", bayesian = "rows, exponential weights", residual = "residuals", wild = "residuals, random signs",
             mammen = "residuals, Mammen's two values", parametric = "the model")
  cat("\nCall:\n", paste(deparse(x$call), collapse = "\n"), "\n\n", sep = "")
  cat("Bootstrap of ", about[[x$type]], if (!is.null(x$cluster)) paste0(", clusters ", x$cluster),
      if (!is.null(x$within)) paste0(", strata ", x$within), ": ", x$R, " replicates, seed ", x$stream, "\n\n", sep = "")
  own <- summary(x)
  table <- cbind(Estimate = own$original, Bias = own$bootBias, "Std. Error" = own$bootSE)
  rownames(table) <- rownames(own)
  print(table, digits = digits, ...)
  for (text in about_draws(x)) cat("\nNote: ", text, "\n", sep = "")
  invisible(x)
}

coef.nd_boot <- function(object, ...) object$t0

vcov.nd_boot <- function(object, ...) {
  known <- !is.na(object$t0)
  out <- matrix(NA_real_, length(known), length(known), dimnames = list(names(object$t0), names(object$t0)))
  out[known, known] <- stats::cov(object$t[, known, drop = FALSE], use = "complete.obs")
  out
}

confint.nd_boot <- function(object, parm, level = 0.95, type = c("perc", "basic", "norm", "bca", "studentized"), ...) {
  type <- match.arg(type)
  if (!is.numeric(level) || length(level) != 1L || is.na(level) || level <= 0 || level >= 1) {
    refuse("`level` must be a number between 0 and 1")
  }
  own <- rust(boot_intervals(object$made, type, level))
  out <- cbind(own$low, own$high)
  out[is.nan(out)] <- NA_real_
  tail <- (1 - level) / 2
  dimnames(out) <- list(names(object$t0), paste(format(100 * c(tail, 1 - tail), trim = TRUE, digits = 3L), "%"))
  if (any(own$extreme)) {
    warning(object$R, " replicates are few for intervals of this level: an end is the smallest or the largest draw", call. = FALSE)
  }
  if (missing(parm)) out else out[parm, , drop = FALSE]
}
