# drop1() from the library's fit: no model matrix, and for a linear model no pass over the rows.

drop_labels <- function(object, scope) {
  labels <- attr(object$terms, "term.labels")
  if (is.null(scope)) return(stats::drop.scope(object))
  if (!is.character(scope)) {
    scope <- attr(stats::terms(stats::update.formula(object, scope)), "term.labels")
  }
  if (!all(match(scope, labels, 0L) > 0L)) refuse("scope is not a subset of term labels")
  scope
}

# Whether the response stands among the predictors, too, where R leaves it out.
has_own_response <- function(e) length(e$own_terms) < length(attr(e$request$terms, "term.labels"))

drop_heading <- function(object, scale) {
  c("Single term deletions", "\nModel:", deparse(stats::formula(object)),
    if (!is.null(scale) && scale > 0) paste("\nscale: ", format(scale), "\n"))
}

# Degrees of freedom of a test: there is none without.
tested <- function(df) {
  df[df <= 0] <- NA
  df
}

f_columns <- function(table, deviances, rms, rdf) {
  dfs <- table$Df
  f <- (deviances / dfs) / rms
  f[dfs < 1e-4] <- NA
  p <- stats::pf(f, tested(dfs), rdf, lower.tail = FALSE)
  table[, c("F value", "Pr(>F)")] <- list(f, p)
  table
}

drop1.nd_lm <- function(object, scope, scale = 0, all.cols = TRUE, test = c("none", "Chisq", "F"), k = 2, ...) {
  test <- if (missing(test)) "none" else match.arg(test)
  if (!as_made(object) || !all.cols && object$rank < length(object$coefficients)) return(NextMethod())
  e <- core(object)
  if (is.null(object$terms) || has_own_response(e)) return(NextMethod())
  scope <- drop_labels(object, if (missing(scope)) NULL else scope)
  if (e$record$rss < 1e-10 * sum_of_fitted(object, e)) {
    warning("attempting model selection on an essentially perfect fit is nonsense", call. = FALSE)
  }
  n <- length(object$residuals)
  changed <- if (length(scope)) rust(fit_of(e)$drop1(list(terms = scope), run_options()))
             else list(df = NA_real_, rss = e$record$rss)
  rss <- changed$rss
  ranks <- object$rank - c(0, changed$df[-1L])
  aic <- if (scale > 0) rss / scale - n + k * ranks else n * log(rss / n) + k * ranks
  table <- data.frame(Df = c(NA, changed$df[-1L]), `Sum of Sq` = c(NA, rss[-1L] - rss[1L]), RSS = rss, AIC = aic,
                      row.names = c("<none>", scope), check.names = FALSE)
  if (scale > 0) names(table) <- c("Df", "Sum of Sq", "RSS", "Cp")
  if (test == "Chisq") {
    dev <- if (scale == 0) n * log(rss / n) - n * log(rss[1L] / n) else table$`Sum of Sq` / scale
    dev[1L] <- NA
    table[, "Pr(>Chi)"] <- stats::pchisq(dev, tested(table$Df), lower.tail = FALSE)
  } else if (test == "F") {
    table <- f_columns(table, table$`Sum of Sq`, rss[1L] / object$df.residual, object$df.residual)
  }
  structure(table, class = c("anova", "data.frame"), heading = drop_heading(object, scale))
}

drop1.nd_glm <- function(object, scope, scale = 0, test = c("none", "Rao", "LRT", "Chisq", "F"), k = 2, ...) {
  test <- if (missing(test)) "none" else match.arg(test)
  if (!as_made(object)) return(NextMethod())
  e <- core(object)
  scope <- drop_labels(object, if (missing(scope)) NULL else scope)
  if (isTRUE(e$custom) || has_own_response(e) || test == "Rao" || !all(scope %in% stats::drop.scope(object))) return(NextMethod())
  if (test == "Chisq") test <- "LRT"
  n <- length(object$residuals)
  changed <- rust(fit_of_rows(e)$drop1(list(terms = scope), run_options()))
  at <- match(c("<none>", scope), changed$terms)
  dev <- changed$deviance[at]
  df <- changed$df[at]
  ranks <- object$rank - c(0, df[-1L])
  dispersion <- if (is.null(scale) || scale == 0) summary(object, dispersion = NULL)$dispersion else scale
  family <- object$family$family
  criterion <- if (family == "gaussian") { if (scale > 0) dev / scale - n else n * log(dev / n) } else dev / dispersion
  aic <- criterion + k * ranks
  aic <- aic + (stats::extractAIC(object, k = k)[2L] - aic[1L])
  table <- data.frame(Df = c(NA, df[-1L]), Deviance = dev, AIC = aic, row.names = c("<none>", scope),
                      check.names = FALSE)
  if (all(is.na(aic))) table <- table[, -3L]
  if (test == "LRT") {
    ratio <- pmax(0, criterion - criterion[1L])
    ratio[1L] <- NA
    table[, if (dispersion == 1) "LRT" else "scaled dev."] <- ratio
    table[, "Pr(>Chi)"] <- stats::pchisq(ratio, tested(table$Df), lower.tail = FALSE)
  } else if (test == "F") {
    if (family == "binomial" || family == "poisson") {
      warning(gettextf("F test assumes 'quasi%s' family", family), domain = NA)
    }
    rdf <- object$df.residual
    table <- f_columns(table, pmax(0, dev - dev[1L]), dev[1L] / rdf, rdf)
  }
  structure(table, class = c("anova", "data.frame"), heading = drop_heading(object, scale))
}
