# Families that the library has not: Fisher scoring between whose passes R evaluates their functions.

# A family that the library has not: R evaluates its functions between passes, each of which is a weighted linear fit.
fit_custom <- function(frame, request, call, model, singular.ok) {
  family <- request$family
  if (!is.null(frame$omit)) {
    e <- new_core("glm", frame, list(dropped = NULL), request, TRUE)
    reduced <- lazy_frame(e, frame)
    attr(reduced, "na.action") <- NULL
    frame <- list(all = reduced, terms = frame$terms, omit = NULL, said = frame$said, rows = frame$rows)
  }
  n <- frame$rows
  offset <- stats::model.offset(frame$all)
  if (is.null(offset)) offset <- rep.int(0, n)
  w <- .subset2(frame$all, "(weights)")
  if (!is.null(w) && any(w < 0)) refuse("negative weights not allowed")
  y <- stats::model.response(frame$all, "any")
  etastart <- stats::model.extract(frame$all, "etastart")
  mustart <- stats::model.extract(frame$all, "mustart")
  begin <- initialized(family, y, w, n, offset, start = request$start, etastart = etastart, mustart = mustart)
  y <- begin$y
  prior <- begin$weights
  design <- describe_model(frame, rep.int(0, n), request$contrasts, rep.int(1, n), NULL, tol = request$tol,
                           precision = request$precision)
  names <- design$columns$names
  at <- match(design$model$variable_columns[[design$model$response]], names)
  vector_of <- rep(seq_along(design$columns$widths), design$columns$widths)
  at_y <- vector_of[at]
  at_w <- vector_of[match("(weights)", names)]
  options <- run_options(request$device)
  weighted <- function(z, w) {
    columns <- design$columns
    columns$columns[[at_y]] <- z
    columns$columns[[at_w]] <- w
    rust(NelderFit$lm_step(columns, design$model, options))
  }
  eta <- etastart
  if (is.null(eta) && !is.null(request$start)) {
    x <- stats::model.matrix(frame$terms, frame$all, request$contrasts)
    check_start(request$start, colnames(x), call)
    eta <- offset + as.vector(x %*% request$start)
  }
  if (is.null(eta)) eta <- family$linkfun(if (is.null(mustart)) begin$mustart else mustart)
  ended <- iterate_in_r(family, y, prior, offset, eta, !is.null(request$start) && is.null(etastart), weighted,
                        request$control)
  fit <- ended$fit
  eta <- ended$eta
  mu <- family$linkinv(eta)
  converged <- ended$converged
  boundary <- ended$boundary
  iterations <- ended$iterations
  before <- sum(family$dev.resids(y, mu, prior))
  record <- fit$record
  slope <- family$mu.eta(eta)
  rank <- record$rank
  weightless <- sum(prior == 0)
  slope_used <- prior > 0 & slope != 0
  weight <- ifelse(slope_used, prior * slope^2 / family$variance(mu), 0)
  if (!converged) warning(simpleWarning(paste("the algorithm did not converge in", iterations, "iterations; raise maxit"), call))
  null_mu <- if (attr(frame$terms, "intercept") == 0L) family$linkinv(offset)
             else if (all(offset == 0)) sum(prior * y) / sum(prior)
             else {
               # what nobody asked for does not break the fit
               tryCatch(suppressWarnings(stats::glm.fit(matrix(1, n, 1L), y, prior, mustart = mu, offset = offset,
                                                        family = family, control = request$control[c("epsilon", "maxit", "trace")],
                                                        intercept = TRUE))$fitted.values,
                        error = function(err) NaN)
             }
  aic <- suppressWarnings(family$aic(y, n, mu, prior, before)) + 2 * rank
  record <- c(record[c("names", "assign", "coefficients", "aliased", "rank")], list(
    df_residual = n - weightless - rank, df_null = n - weightless - (attr(frame$terms, "intercept") == 1L),
    rows = n - weightless, deviance = before, null_deviance = sum(family$dev.resids(y, rep_len(null_mu, n), prior)), aic = aic,
    iterations = iterations, converged = converged, boundary = boundary))
  e <- new_core("glm", frame, design, request, !model)
  e$custom <- TRUE
  own <- memory(e)
  own$pointer <- fit$pointer
  own$report <- ended$report
  e$values <- list(fitted = mu, linear = eta, working = (y - mu) / slope, weight = weight, y = y, weights = prior)
  own$start <- list(y = y, weights = prior)
  record$contrasts <- design$contrasts
  record$xlevels <- design$xlevels
  e$own_terms <- design$own_terms
  record <- keep_record(e, record)
  check_rank(e, singular.ok)
  components(e, family, record)
}

# Fisher scoring with a family's R functions: steps as glm.fit() takes them until its test of the deviance, then on, mixed by
# Anderson's method where they converge linearly, until they no longer move the linear predictor. `weighted` fits the working
# response with the working weights.
iterate_in_r <- function(family, y, prior, offset, eta, halves, weighted, control) {
  valideta <- if (is.null(family$valideta)) function(eta) TRUE else family$valideta
  validmu <- if (is.null(family$validmu)) function(mu) TRUE else family$validmu
  deviance_of <- function(mu) sum(family$dev.resids(y, mu, prior))
  within <- function(eta, mu) isTRUE(validmu(mu) && valideta(eta))
  passes <- list()
  counts <- prior > 0
  all_count <- all(counts)
  # one step: where the weighted fit of the working response leads
  step <- function(eta, name) {
    mu <- family$linkinv(eta)
    slope <- family$mu.eta(eta)
    variance <- family$variance(mu)
    seen <- if (all_count) variance else variance[counts]
    if (anyNA(seen)) refuse("NAs in V(mu)")
    if (any(seen == 0)) refuse("0s in V(mu)")
    weight <- prior * slope^2 / variance
    response <- eta - offset + (y - mu) / slope
    bad <- !counts | slope == 0
    if (anyNA(bad) || any(bad)) {
      weight <- ifelse(bad, 0, weight)
      response <- ifelse(bad, 0, response)
    }
    fit <- weighted(response, weight)
    passes[[length(passes) + 1L]] <<- list(name = name, report = fit$report)
    list(fit = fit, eta = fit$rows[[1L]]$fitted + offset, weight = weight)
  }
  if (!within(eta, family$linkinv(eta))) refuse("cannot find valid starting values: please specify some")
  trace <- isTRUE(control$trace)
  deviance <- deviance_of(family$linkinv(eta))
  behind <- if (halves) eta
  converged <- boundary <- FALSE
  for (iter in seq_len(control$maxit)) {
    found <- step(eta, paste("step", iter))
    new <- found$eta
    mu <- family$linkinv(new)
    now <- deviance_of(mu)
    if (trace) cat("Deviance = ", now, " Iterations - ", iter, "\n", sep = "")
    inner <- 1L
    while (!(is.finite(now) && within(new, mu))) {
      if (is.null(behind) || inner > control$maxit) {
        refuse("no valid set of coefficients has been found: please supply starting values")
      }
      inner <- inner + 1L
      boundary <- TRUE
      new <- (new + behind) / 2
      mu <- family$linkinv(new)
      now <- deviance_of(mu)
      if (trace) cat("Step halved: new deviance = ", now, "\n", sep = "")
    }
    eta <- behind <- new
    converged <- abs(now - deviance) / (abs(now) + 0.1) < control$epsilon
    deviance <- now
    if (converged) break
  }
  settled <- if (converged && !boundary) settle_in_r(eta, step, function(eta) within(eta, family$linkinv(eta)))
             else list(found = step(eta, "last"), eta = eta, steps = 0L)
  list(fit = settled$found$fit, eta = settled$eta, converged = converged, boundary = boundary, iterations = iter,
       report = list(steps = settled$steps, passes = passes))
}

# Steps until what they move is rounding error: a fixed point of the linear predictor, found by Anderson's method (type II)
# over the last few steps in the norm of the working weights.
settle_in_r <- function(eta, step, within, most = 100L, memory = 5L) {
  points <- moves <- list()
  before <- Inf
  best <- NULL
  for (k in seq_len(most)) {
    found <- step(eta, paste("polish", k))
    move <- found$eta - eta
    size <- sqrt(sum(found$weight * move^2))
    scale <- sqrt(sum(found$weight * found$eta^2)) + 1e-300
    if (is.null(best) || size < best$size) best <- list(found = found, size = size, eta = found$eta)
    # as small as the rounding of the linear predictor, or no longer smaller
    if (size <= 4 * .Machine$double.eps * scale || (k > 3L && size > 0.5 * before && size < 1e-10 * scale)) break
    before <- size
    points <- utils::tail(c(points, list(found$eta)), memory)
    moves <- utils::tail(c(moves, list(move)), memory)
    eta <- found$eta
    m <- length(moves)
    if (m > 1L) {
      root <- sqrt(found$weight)
      differences <- vapply(moves[-m], function(own) (move - own) * root, double(length(move)))
      share <- qr.coef(qr(differences), move * root)
      share[is.na(share)] <- 0
      for (i in seq_len(m - 1L)) eta <- eta - share[i] * (found$eta - points[[i]])
      if (!all(is.finite(eta)) || !within(eta)) eta <- found$eta
    }
  }
  c(best[c("found", "eta")], list(steps = k))
}
