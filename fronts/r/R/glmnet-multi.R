# Paths of several responses: "multinomial" and "mgaussian".

# A class of several: `y`, the places of classes from 0 or a column of counts for each; `responses`, their names.
multinomial_response <- function(y, omit, name) {
  if (is.data.frame(y)) y <- as.matrix(y)
  if (is.matrix(y) && ncol(y) > 1L) {
    if (!is.numeric(y)) refuse(name, " is a matrix of type ", typeof(y), "; a column of counts for each class is numbers")
    bad <- which(y < 0, arr.ind = TRUE)
    if (length(bad)) refuse(name, " has ", y[bad[1L, 1L], bad[1L, 2L]], " in row ", bad[1L, 1L], "; counts and shares are 0 or more")
    names <- if (is.null(colnames(y))) paste0("y", seq_len(ncol(y))) else colnames(y)
    return(list(y = unname(y), responses = names, classnames = colnames(y)))
  }
  if (is.matrix(y)) y <- y[, 1L]
  f <- if (is.factor(y)) y else as.factor(y)
  levels <- levels(f)
  if (length(levels) < 2L) refuse(name, " has one class, \"", levels, "\": a multinomial model needs two at least")
  counts <- tabulate(kept(f, omit), length(levels))
  if (min(counts) <= 1L) {
    refuse("one multinomial or binomial class has 1 or 0 observations; not allowed: ", name, ", of which ",
           paste0("\"", levels, "\" has ", counts, collapse = ", "))
  }
  if (min(counts) < 8L) {
    warning(simpleWarning("one multinomial or binomial class has fewer than 8  observations; dangerous ground", user_call()))
  }
  list(y = as.double(as.integer(f) - 1L), responses = levels, classnames = levels)
}

# Several Gaussian responses.
mgaussian_response <- function(y, name) {
  if (is.data.frame(y)) y <- as.matrix(y)
  if (!is.matrix(y) || !is.numeric(y)) {
    refuse(name, " is ", if (is.matrix(y)) paste("a matrix of type", typeof(y)) else paste("of class", class(y)[1L]),
           ", and the mgaussian family needs a matrix of numbers, a column for each response")
  }
  names <- if (is.null(colnames(y))) paste0("y", seq_len(ncol(y))) else colnames(y)
  list(y = unname(y), responses = names)
}

# Offsets of several responses, a column for each.
multi_offset <- function(offset, family, n, count) {
  if (is.null(offset)) return(NULL)
  if (!is.numeric(offset)) refuse("offset: it is not numbers")
  offset <- as.matrix(offset)
  if (nrow(offset) != n || ncol(offset) != count) {
    refuse(if (family$kind == "mrelnet") "Offset must match dimension of y" else
           "offset should have same shape as y in multinomial call to glmnet",
           ": ", nrow(offset), " x ", ncol(offset), " for ", n, " x ", count)
  }
  unname(offset)
}

# Elements of a model of several responses: the name that the library reads, and names of classes.
multi_options <- function(family, type.multinomial, standardize.response) {
  if (!type.multinomial[1L] %in% c("ungrouped", "grouped")) {
    refuse("type.multinomial: ", deparse(type.multinomial)[1L], " is neither \"ungrouped\" nor \"grouped\"")
  }
  if (!is.logical(standardize.response) || length(standardize.response) != 1L || is.na(standardize.response)) {
    refuse("standardize.response: ", deparse(standardize.response)[1L], " is not TRUE or FALSE")
  }
  multi <- switch(family$kind,
                  multnet = if (type.multinomial[1L] == "grouped") "grouped" else "multinomial",
                  mrelnet = if (standardize.response) "mgaussian, standardized" else "mgaussian", "")
  list(multi = multi)
}

is_multi <- function(family) family$kind %in% c("multnet", "mrelnet")

# The object, of what the library has found.
multi_object <- function(request, found, call) {
  labels <- if (is.null(request$formula)) request$labels else found$names
  p <- length(labels)
  responses <- request$responses
  count <- length(responses)
  if (!length(found$lambda)) {
    warning("an empty model has been returned; probably a convergence issue", call. = FALSE)
    found[c("a0", "lambda", "df", "dev_ratio", "p")] <- list(rep(0, count), Inf, 0L, 0, rep(0L, 2L * count))
    found$relaxed <- NULL
  }
  steps <- length(found$lambda)
  names <- paste0("s", seq_len(steps) - 1L)
  # a matrix of counts may have no names of classes
  shown <- if (request$kind == "multnet") request$classnames else responses
  dimnames <- list(shown, names)
  solutions <- function(found) {
    names <- names[match(found$lambda, all)]
    steps <- length(names)
    # the columns of one response after those of another; `p` starts at 0 for each
    ends <- matrix(found$p, steps + 1L, count)
    first <- c(0L, cumsum(ends[steps + 1L, ]))
    beta <- lapply(seq_len(count), function(k) {
      own <- first[k] + seq_len(ends[steps + 1L, k])
      sparse_matrix(ends[, k], found$i[own], found$x[own], c(p, steps), list(labels, names))
    })
    names(beta) <- shown
    list(a0 = matrix(found$a0, count, steps, byrow = TRUE, dimnames = list(shown, names)), beta = beta)
  }
  all <- found$lambda
  ends <- matrix(found$p, steps + 1L, count)
  own <- solutions(found)
  z <- list(a0 = own$a0, beta = own$beta,
            dfmat = structure(as.double(t(apply(ends, 2L, diff))), dim = c(count, steps), dimnames = dimnames), df = found$df,
            dim = c(p, steps), lambda = found$lambda, dev.ratio = found$dev_ratio, nulldev = found$nulldev,
            npasses = as.integer(found$sweeps), jerr = as.integer(found$jerr), offset = request$offset)
  if (request$kind == "multnet") {
    z["classnames"] <- list(request$classnames)
    z$grouped <- request$model$multi == "grouped"
  }
  z$call <- call
  z$nobs <- request$nobs
  z <- c(z, request$formula[lengths(request$formula) > 0L])
  path_classes(z, request$kind, found, solutions)
}

# Intercepts and coefficients of each response at lambda `s`, as of a path of one.
multi_at <- function(object, s) {
  if (!is.null(s)) names(s) <- as.character(seq_along(s))
  at <- lapply(seq_along(object$beta), function(k) {
    a0 <- stats::setNames(object$a0[k, ], colnames(object$a0))
    coefficients_at(list(a0 = a0, beta = object$beta[[k]], lambda = object$lambda), s)
  })
  names(at) <- names(object$beta)
  at
}

predict_multi <- function(object, newx, s, type, newoffset) {
  at <- multi_at(object, s)
  if (type == "coefficients") return(lapply(at, with_intercept))
  grouped <- inherits(object, "mrelnet") || object$grouped
  if (type == "nonzero") {
    return(if (grouped) nonzero_of(at[[1L]]$beta) else lapply(at, function(own) nonzero_of(own$beta)))
  }
  x <- new_rows(object, newx)
  count <- length(at)
  steps <- length(at[[1L]]$a0)
  eta <- vapply(at, function(own) predictors(x, own), matrix(0, nrow(x), steps))
  eta <- aperm(array(eta, c(nrow(x), steps, count)), c(1L, 3L, 2L))
  if (object$offset) {
    if (is.null(newoffset)) newoffset <- attr(x, "offset")
    if (is.null(newoffset)) refuse("No newoffset provided for prediction, yet offset used in fit of glmnet")
    newoffset <- as.matrix(newoffset)
    if (!identical(dim(newoffset), c(nrow(x), count))) refuse("Dimension of newoffset should be ", nrow(x), " x ", count)
    eta <- eta + as.vector(newoffset)
  }
  dimnames(eta) <- list(rownames(x), names(at), names(at[[1L]]$a0))
  if (inherits(object, "mrelnet") || type == "link") return(eta)
  if (type == "response") {
    most <- apply(eta, c(1L, 3L), max)
    e <- exp(eta - as.vector(most[, rep(seq_len(steps), each = count), drop = FALSE]))
    sums <- apply(e, c(1L, 3L), sum)
    return(e / as.vector(sums[, rep(seq_len(steps), each = count), drop = FALSE]))
  }
  names <- if (is.null(object$classnames)) as.character(seq_len(count)) else object$classnames
  best <- apply(eta, c(1L, 3L), which.max)
  matrix(names[best], nrow(x), steps, dimnames = dimnames(eta)[c(1L, 3L)])
}

# A plot for each response, or one of the norms over the responses.
plot_multi <- function(x, xvar, label, type.coef, ...) {
  norms <- function(beta) sqrt(Reduce(`+`, lapply(beta, function(b) b^2)))
  parts <- if (type.coef == "2norm") list(norms(x$beta)) else x$beta
  titles <- if (type.coef == "2norm") "Coefficient 2Norms" else {
    what <- if (inherits(x, "mrelnet")) "Coefficients: Response" else "Coefficients: Class"
    paste(what, if (is.null(names(parts))) seq_along(parts) else names(parts))
  }
  for (k in seq_along(parts)) {
    own <- structure(list(beta = parts[[k]], lambda = x$lambda, dev.ratio = x$dev.ratio, df = x$df),
                     class = c("nd_glmnet", "glmnet"))
    graphics::plot(own, xvar = xvar, label = label, ylab = titles[k], ...)
  }
  invisible()
}
