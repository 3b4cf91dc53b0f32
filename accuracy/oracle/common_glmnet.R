# One problem of glmnet.R: how it is given to glmnet, what is minimized, and what of the answer is written down.
#
# What is minimized, by which `objective` and `kkt` are computed here, with no number of glmnet but lambda, a0 and beta:
#
#   deviance(a0, beta) / (2 sum(w)) + lambda sum_j v_j (alpha |b_j| + (1 - alpha) / 2 b_j^2 / s)
#
# - v_j are penalty factors times p / sum of them, where an infinite or excluded one counts as 1.
# - b_j = beta_j xs_j. xs_j is 1 without standardization, else the standard deviation of column j with weights w / sum(w)
#   (and 1 / n) about its mean, also where there is no intercept.
# - s is 1, but for gaussian the standard deviation of y - offset (1 / n, weighted), without an intercept its root mean
#   square: glmnet divides y by s, and both lambda and the coefficients, so that in units of y the ridge part has 1 / s.
# - The gaussian deviance is the weighted sum of squares, that of several responses the sum over them (of each divided by
#   its own deviation where standardize.response); b_j is then the norm of a row, as for grouped multinomial.
# - cox: Breslow's partial likelihood, and the deviance from its largest value, - sum of d log d over the times, d the
#   weight of the deaths. cox has no intercept, and columns are centred about their weighted means.
#
# At the minimum the gradient of the first part by b_j, less that of the ridge part, is at most lambda alpha v_j. `kkt` is
# a bound of the largest excess over the columns at the selected lambda, divided by s, and of the gradient by the intercept.

# --- one problem -----------------------------------------------------------------------------------------------

# Response, design and arguments as glmnet takes them, from the names of columns.
problem <- function(data, options) {
  d <- read_data(data)
  x <- as.matrix(d[options$x])
  if (isTRUE(options$sparse)) x <- Matrix::Matrix(x, sparse = TRUE)
  y <- d[options$y]
  y <- switch(options$response, numbers = y[[1]], factor = y[[1]], counts = as.matrix(y), matrix = as.matrix(y),
    surv = {
      s <- do.call(Surv, unname(as.list(y)))
      if (is.null(options$strata)) s else stratifySurv(s, d[[options$strata]])
    })
  family <- if (grepl("(", options$family, fixed = TRUE)) eval(str2lang(options$family)) else options$family
  args <- list(x = x, y = y, family = family, thresh = if (identical(family, "multinomial")) 1e-20 else THRESH, maxit = MAXIT)
  for (o in intersect(names(options), c("alpha", "nlambda", "lambda", "standardize", "intercept", "exclude", "dfmax", "pmax")))
    args[[o]] <- options[[o]]
  if (!is.null(options$lambda_min_ratio)) args$lambda.min.ratio <- options$lambda_min_ratio
  if (!is.null(options$penalty_factor)) args$penalty.factor <- options$penalty_factor
  if (!is.null(options$lower)) args$lower.limits <- options$lower
  if (!is.null(options$upper)) args$upper.limits <- options$upper
  if (!is.null(options$type_multinomial)) args$type.multinomial <- options$type_multinomial
  if (!is.null(options$type_logistic)) args$type.logistic <- options$type_logistic
  if (!is.null(options$type_gaussian)) args$type.gaussian <- options$type_gaussian
  if (!is.null(options$standardize_response)) args$standardize.response <- options$standardize_response
  if (!is.null(options$weights)) args$weights <- d[[options$weights]]
  if (!is.null(options$offset)) {
    o <- as.matrix(d[options$offset])
    args$offset <- if (ncol(o) == 1) o[, 1] else unname(o)
  }
  list(data = d, args = args)
}

# Partial likelihood after Breslow: its value, its largest value, and the gradient by the linear predictor.
partial <- function(y, strata, w, eta) {
  stop <- y[, ncol(y) - 1]
  start <- if (ncol(y) == 3) y[, 1] else rep(-Inf, length(stop))
  dead <- y[, "status"] == 1 & w > 0
  e <- w * exp(eta)
  value <- saturated <- 0
  gradient <- w * dead
  for (s in unique(strata)) for (t in unique(stop[dead & strata == s])) {
    now <- dead & strata == s & stop == t
    at_risk <- strata == s & stop >= t & start < t
    weight <- sum(w[now])
    value <- value + sum(w[now] * eta[now]) - weight * log(sum(e[at_risk]))
    saturated <- saturated - weight * log(weight)
    gradient[at_risk] <- gradient[at_risk] - weight * e[at_risk] / sum(e[at_risk])
  }
  list(value = value, saturated = saturated, gradient = gradient)
}

# The pieces of the definition at the top: the function of (intercepts, coefficients) and the excess over its conditions.
definition <- function(args, options) {
  x <- as.matrix(args$x)
  n <- nrow(x)
  p <- ncol(x)
  intercept <- !isFALSE(args$intercept)
  w <- if (is.null(args$weights)) rep(1, n) else args$weights
  family <- if (is.character(args$family)) args$family else "object"
  y <- args$y
  alpha <- if (is.null(args$alpha)) 1 else min(max(args$alpha, 0), 1)
  classes <- function(y) if (is.matrix(y)) y else diag(nlevels(as.factor(y)))[as.integer(as.factor(y)), ]
  # binomial and multinomial: a row weighs as many as its counts say
  if (family %in% c("binomial", "multinomial")) {
    y <- classes(y)
    w <- w * rowSums(y)
    y <- y / pmax(rowSums(y), 1)
  }
  if (family == "object" && is.matrix(y)) {
    w <- w * rowSums(y)
    y <- y[, 1] / rowSums(y)
  } else if (family == "object" && is.factor(y)) y <- as.numeric(y != levels(y)[1])
  v <- if (is.null(args$penalty.factor)) rep(1, p) else args$penalty.factor
  out <- unique(c(args$exclude, which(is.infinite(v))))
  v[out] <- 1
  constant <- apply(x, 2, function(c) all(c == c[1]))
  if (family == "object" || (family == "cox" && (ncol(y) == 3 || !is.null(options$strata)))) v[constant] <- 1
  v <- v * p / sum(v)
  u <- w / sum(w)
  middle <- colSums(u * x)
  deviation <- sqrt(colSums(u * sweep(x, 2, middle)^2))
  xs <- if (isFALSE(args$standardize)) rep(1, p) else deviation
  usable <- setdiff(which(!constant), out)
  if (!intercept && family != "cox") middle <- rep(0, p)
  z <- sweep(x, 2, middle)
  z[, usable] <- sweep(z[, usable, drop = FALSE], 2, xs[usable], "/")
  offset <- if (is.null(args$offset)) 0 else args$offset
  s <- 1
  if (family == "gaussian") {
    r <- y - offset
    s <- sqrt(sum(u * (r - if (intercept) sum(u * r) else 0)^2))
  }
  ys <- 1
  if (family == "mgaussian") {
    r <- y - offset
    ys <- if (isTRUE(args$standardize.response)) sqrt(colSums(u * sweep(r, 2, colSums(u * r))^2)) else rep(1, ncol(y))
  }
  group <- family == "mgaussian" || identical(args$type.multinomial, "grouped")
  bound <- function(b, d) if (is.null(b)) rep(d, p) * xs else rep(b, length.out = p) * xs
  lower <- bound(args$lower.limits, -Inf)
  upper <- bound(args$upper.limits, Inf)
  entropy <- function(t) ifelse(t > 0, t * log(t), 0)
  # deviance / (2 sum(w)), and minus its gradient by the linear predictor
  loss <- function(eta) switch(family,
    gaussian = list(value = sum(u * (y - eta)^2) / 2, score = u * (y - eta)),
    mgaussian = {
      r <- sweep(y - eta, 2, ys, "/")
      list(value = sum(u * r^2) / 2, score = u * r)
    },
    binomial = {
      q <- plogis(eta)
      list(value = sum(u * rowSums(entropy(y))) - sum(u * (y[, 2] * plogis(eta, log.p = TRUE) + y[, 1] * plogis(-eta, log.p = TRUE))),
        score = u * (y[, 2] - q))
    },
    multinomial = {
      m <- apply(eta, 1, max)
      q <- exp(eta - m)
      l <- m + log(rowSums(q))
      list(value = sum(u * rowSums(entropy(y))) - sum(u * (rowSums(y * eta) - l)), score = u * (y - q / rowSums(q)))
    },
    poisson = list(value = sum(u * (entropy(y) - y - y * eta + exp(eta))), score = u * (y - exp(eta))),
    cox = {
      strata <- if (is.null(options$strata)) rep(1, n) else attr(y, "strata")
      l <- partial(as.matrix(y), strata, w, drop(eta))
      list(value = (l$saturated - l$value) / sum(w), score = l$gradient / sum(w))
    },
    object = {
      mu <- args$family$linkinv(eta)
      list(value = sum(args$family$dev.resids(y, mu, u)) / 2,
        score = u * (y - mu) / args$family$variance(mu) * args$family$mu.eta(eta))
    })
  list(x = x, z = z, y = y, w = w, v = v, xs = xs, deviation = deviation, s = s, ys = ys, alpha = alpha, usable = usable,
    group = group, intercept = intercept && family != "cox", offset = offset, lower = lower, upper = upper, loss = loss, family = family)
}

# The objective at one lambda and the largest excess over its conditions. `a0`: one number a class; `beta`: one column.
judge <- function(p, lambda, a0, beta) {
  eta <- p$offset + sweep(p$x %*% beta, 2, a0, "+")
  if (ncol(beta) == 1) eta <- drop(eta)
  l <- p$loss(eta)
  b <- sweep(beta * p$xs, 2, p$ys, "/")
  ridge <- lambda * (1 - p$alpha) / p$s
  size <- if (p$group) sqrt(rowSums(b^2)) else rowSums(abs(b))
  value <- l$value + lambda * p$alpha * sum(p$v * size) + ridge / 2 * sum(p$v * b^2)
  score <- as.matrix(l$score)
  g <- crossprod(p$z, score)
  # the predictor is in units of the response, the coefficient b of a response in its deviations
  excess <- 0
  for (j in p$usable) {
    t <- g[j, ] - ridge * p$v[j] * b[j, ]
    e <- lambda * p$alpha * p$v[j]
    excess <- max(excess, if (p$group) {
      if (any(b[j, ] != 0)) max(abs(t - e * b[j, ] / sqrt(sum(b[j, ]^2)))) else sqrt(sum(t^2)) - e
    } else mapply(function(t, b) {
      tight <- function(limit) is.finite(limit) && abs(b - limit) <= 1e-9 * max(abs(limit), 1e-300)
      low <- tight(p$lower[j])
      high <- tight(p$upper[j])
      above <- t - if (b >= 0) e else -e   # positive: the coefficient wants to grow
      below <- t - if (b > 0) e else -e
      max(if (high) 0 else above, if (low) 0 else -below)
    }, t, b[j, ]))
  }
  if (p$intercept) excess <- max(excess, abs(colSums(score)))
  list(objective = value, kkt = excess / p$s)
}

# By how much rounding grows: the condition of the columns that are in at the last lambda, with what the ridge adds, times
# a hundred or a hundredth of the largest mean in units of deviations.
growth <- function(p, lambda, beta) {
  on <- intersect(which(rowSums(beta != 0) > 0), p$usable)
  if (!length(on)) return(100)
  z <- p$z[, on, drop = FALSE]
  h <- crossprod(z, z * p$w / sum(p$w)) + diag(lambda * (1 - p$alpha) / p$s * p$v[on], length(on))
  d <- eigen(h, TRUE, TRUE)$values
  far <- max(abs(colSums(p$w / sum(p$w) * p$x[, on, drop = FALSE])) / p$deviation[on])
  d[1] / min(d[d > 1e-8 * d[1]]) * max(100, far / 100)
}

selected <- function(n) sort(unique(pmin(n, round(c(1, 2, 1 + (n - 1) * c(0.2, 0.4, 0.6, 0.8, 1))))))

# The list of coefficients at some lambda: columns by class.
at <- function(m, k) {
  b <- if (is.list(m$beta)) sapply(m$beta, function(b) b[, k]) else as.matrix(m$beta[, k])
  a <- if (is.null(m$a0)) 0 else if (is.matrix(m$a0)) m$a0[, k] else m$a0[k]
  list(a0 = a, beta = b)
}

# Whether the outer loop is that of R code, which looks at the objective.
outer_loop <- function(args, options) !is.character(args$family) || identical(args$family, "cox") &&
  (ncol(args$y) == 3 || !is.null(options$strata) || !is.matrix(args$x))

# The answers at some lambda after more steps at each. The first one of a path is fitted at 9.9e35.
repeated <- function(m, args, s) {
  lambda <- m$lambda[s]
  if (is.null(args[["lambda"]])) lambda[1] <- 9.9e35
  each <- if (identical(args$family, "cox")) 6 else c(40, rep(15, length(s) - 1))
  each <- rep(each, length.out = length(s))
  args[["lambda"]] <- rep(lambda, each)
  more <- suppressWarnings(do.call(glmnet, args))
  last <- cumsum(each)
  a0 <- rep(NA_real_, length(m$lambda))
  if (is.null(m$a0)) a0 <- NULL else a0[s] <- more$a0[last]
  m$a0 <- a0
  m$beta[, s] <- more$beta[, last]
  m
}

# Rounding errors in two sizes, as their digits are not the same from machine to machine.
bound <- function(kkt) {
  sizes <- c(1e-9, 1e-7)
  stopifnot(2 * kkt < 1e-7)
  min(sizes[sizes > 2 * kkt])
}

# What is expected of a path.
path <- function(m, args, options) {
  p <- definition(args, options)
  s <- selected(length(m$lambda))
  if (outer_loop(args, options)) m <- repeated(m, args, s)
  found <- lapply(s, function(k) {
    c <- at(m, k)
    # the first lambda of a path is 9.9e35, and printed as the step above the second; family objects print what they
    # computed from a glm, which is right to 1e-8 or so
    c(judge(p, m$lambda[k], c$a0, c$beta), list(infinite = is.null(args[["lambda"]]) && k == 1, growth = growth(p, m$lambda[k], c$beta)))
  })
  infinite <- vapply(found, `[[`, TRUE, "infinite")
  kkt <- vapply(found, `[[`, 1, "kkt")
  # columns are all out at the first lambda, so that the printed one does as well, but for a ridge
  loose <- infinite & (p$alpha < 1e-3 | outer_loop(args, options))
  rows <- function(b) arr(t(unname(as.matrix(b[, s, drop = FALSE]))))
  out <- list(lambda = arr(m$lambda), df = arr(m$df), dev_ratio = arr(m$dev.ratio), nulldev = m$nulldev,
    a0 = if (is.null(m$a0)) NULL else arr(unname(m$a0)), selected = arr(s),
    beta = if (is.list(m$beta)) lapply(m$beta, rows) else rows(m$beta),
    objective = arr(ifelse(infinite & p$alpha < 1e-3, NA, vapply(found, `[[`, 1, "objective"))), kkt = bound(max(kkt[!loose], 0)))
  if (!is.null(m$dfmat)) out$dfmat <- arr(unname(m$dfmat))
  if (!is.null(m$classnames)) out$classnames <- arr(m$classnames)
  attr(out, "noise") <- max(vapply(found, `[[`, 1, "growth"))
  # lambda is as exact as the glm that it is from
  if (outer_loop(args, options)) attr(out, "noise") <- max(attr(out, "noise"), 1e5)
  if (isTRUE(options$interpolate)) {
    at <- m$lambda[1] * c(2, 1, 0.7, 0.1, 0.033, 1e-9)
    out$interpolated <- list(s = arr(at), coef = arr(t(as.matrix(unname(coef(m, s = at))))))
    m$call <- quote(glmnet(x = x, y = y))
    out$printed <- arr(capture.output(print(m)))
  }
  out
}

quietly <- function(call) {
  messages <- character()
  value <- tryCatch(withCallingHandlers(call, warning = function(w) {
    messages <<- c(messages, conditionMessage(w))
    invokeRestart("muffleWarning")
  }), error = function(e) structure(list(gsub("[[:space:]]+", " ", conditionMessage(e))), class = "failed"))
  list(value = value, messages = unique(messages))
}

plain <- function(options) {
  many <- c("lambda", "penalty_factor", "lower", "upper", "exclude", "x", "y", "offset")
  for (o in intersect(many, names(options))) options[[o]] <- arr(options[[o]])
  options
}

columns <- function(n) paste0("x", seq_len(n))
RESPONSE <- c(gaussian = "y", binomial = "yb", poisson = "count", cox = "time", mgaussian = "z1", multinomial = "three")

# Options that a case does not say: all columns x of the data, and the response of the family.
complete <- function(data, family, options) {
  d <- read_data(data)
  if (is.null(options$x)) options$x <- grep("^x[0-9]+$", names(d), value = TRUE)
  if (is.null(options$y)) options$y <- switch(family, mgaussian = c("z1", "z2", "z3"), cox = c("time", "status"), RESPONSE[[family]])
  if (is.null(options$response)) options$response <- switch(family, mgaussian = "matrix", cox = "surv", multinomial = "factor",
    if (length(options$y) == 2) "counts" else if (is.factor(d[[options$y]])) "factor" else "numbers")
  if (is.null(options$nlambda) && is.null(options[["lambda"]])) options$nlambda <- 20
  if (family == "multinomial" && is.null(options$lambda_min_ratio)) options$lambda_min_ratio <- 0.01
  c(list(family = family), options)
}

enet <- function(name, data, family, options = list(), unique = TRUE) {
  options <- complete(data, family, options)
  q <- problem(data, options)
  run <- quietly(do.call(glmnet, q$args))
  one <- list(name = name, kind = "glmnet", data = paste0("data/", data, ".csv"), options = plain(options), unique = unique,
    warnings = arr(run$messages))
  if (inherits(run$value, "failed")) return(do.call(add, c(one, list(noise = 1, error = run$value[[1]]))))
  expected <- path(run$value, q$args, options)
  do.call(add, c(one, list(noise = attr(expected, "noise"), expected = expected)))
}

# Folds. Options beside those of a path: measure, grouped, alignment, keep, fold (the column of folds).
enet_cv <- function(name, data, family, options = list(), unique = TRUE) {
  options <- complete(data, family, options)
  if (is.null(options$fold)) options$fold <- "fold"
  q <- problem(data, options)
  q$args$foldid <- q$data[[options$fold]]
  if (!is.null(options$measure)) q$args$type.measure <- options$measure
  for (o in intersect(c("grouped", "alignment", "keep"), names(options))) q$args[[o]] <- options[[o]]
  run <- quietly(do.call(cv.glmnet, q$args))
  one <- list(name = name, kind = "cv.glmnet", data = paste0("data/", data, ".csv"), options = plain(options), unique = unique,
    warnings = arr(run$messages))
  if (inherits(run$value, "failed")) return(do.call(add, c(one, list(noise = 1, error = run$value[[1]]))))
  m <- run$value
  p <- definition(q$args, options)
  last <- length(m$glmnet.fit$lambda)
  if (isTRUE(options$interpolate)) m$call <- quote(cv.glmnet(x = x, y = y))
  expected <- list(measure = unname(m$name), measure_id = names(m$name), lambda = arr(m$lambda), cvm = arr(m$cvm),
    cvsd = arr(m$cvsd), nzero = arr(unname(m$nzero)), lambda_min = m$lambda.min, lambda_1se = m$lambda.1se,
    index_min = m$index["min", 1], index_1se = m$index["1se", 1])
  if (isTRUE(options$interpolate)) expected$printed <- arr(capture.output(print(m)))
  if (isTRUE(options$keep)) {
    s <- unique(round(1 + (length(m$glmnet.fit$lambda) - 1) * c(0, 0.5, 1)))
    f <- m$fit.preval
    expected$preval_at <- arr(s)
    expected$preval <- if (length(dim(f)) == 3) arr(lapply(s, function(k) arr(unname(head(f[, , k], ROWS)))))
      else arr(t(unname(as.matrix(head(f[, s], ROWS)))))
  }
  noise <- growth(p, m$glmnet.fit$lambda[last], at(m$glmnet.fit, last)$beta)
  # the folds of such families stop early
  if (outer_loop(q$args, options)) noise <- max(noise, 1e6)
  do.call(add, c(one, list(noise = noise, expected = expected)))
}

# Relaxed fits: coefficients of the mixtures at some lambda, by gamma. The relaxed part of grouped classes is known up to a shift of each column by glmnet, so
# that rows are about their means. Options beside those of a path: gamma, maxp.
mixed <- function(m, gamma, s) {
  rows <- function(b) arr(t(unname(as.matrix(b))))
  of <- function(g) {
    b <- coef(m, s = m$lambda[s], gamma = g)
    if (!is.list(b)) return(rows(b))
    b <- lapply(b, as.matrix)
    if (isTRUE(m$grouped)) b <- lapply(b, function(own) own - Reduce(`+`, b) / length(b))
    lapply(b, rows)
  }
  lapply(gamma, of)
}

enet_relax <- function(name, data, family, options = list(), folds = FALSE) {
  kind <- if (folds) "cv.relax" else "relax"
  options <- complete(data, family, options)
  if (is.null(options$gamma)) options$gamma <- if (folds) c(0, 0.5, 1) else c(0, 0.25, 1)
  if (folds && is.null(options$fold)) options$fold <- "fold"
  q <- problem(data, options)
  q$args$relax <- TRUE
  if (!is.null(options$maxp)) q$args$maxp <- options$maxp
  say <- plain(options)
  say$gamma <- arr(options$gamma)
  one <- list(name = paste0(if (folds) "folds, ", family, ", relaxed, ", name), kind = kind, data = paste0("data/", data, ".csv"), options = say,
    unique = TRUE)
  if (!folds) {
    run <- quietly(do.call(glmnet, q$args))
    m <- run$value
    s <- selected(length(m$lambda))
    expected <- list(lambda = arr(m$lambda), df = arr(m$df), dev_ratio = arr(m$dev.ratio), relaxed_lambda = arr(m$relaxed$lambda),
      relaxed_dev_ratio = arr(m$relaxed$dev.ratio), selected = arr(s), mixed = arr(mixed(m, options$gamma, s)))
    if (!is.null(m$classnames)) expected$classnames <- arr(m$classnames)
  } else {
    q$args$foldid <- q$data[[options$fold]]
    q$args$gamma <- options$gamma
    if (!is.null(options$measure)) q$args$type.measure <- options$measure
    for (o in intersect(c("grouped", "alignment"), names(options))) q$args[[o]] <- options[[o]]
    run <- quietly(do.call(cv.glmnet, q$args))
    m <- run$value
    r <- m$relaxed
    part <- function(name) arr(lapply(r$statlist, function(own) arr(own[[name]])))
    expected <- list(lambda = arr(m$lambda), cvm = part("cvm"), cvsd = part("cvsd"), nzero = arr(unname(m$nzero)),
      index_min = arr(unname(r$index["min", ])), index_1se = arr(unname(r$index["1se", ])))
  }
  do.call(add, c(one, list(warnings = arr(run$messages), noise = 1, expected = expected)))
}
