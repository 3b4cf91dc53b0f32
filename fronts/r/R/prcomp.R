# Principal components: an object that is R's prcomp.

nd_prcomp <- function(x, ...) UseMethod("nd_prcomp")

nd_prcomp.default <- function(x, retx = TRUE, center = TRUE, scale. = FALSE, tol = NULL, rank. = NULL, ...,
                              weights = NULL, signs = c("largest", "r", "computed"),
                              algorithm = c("auto", "gram", "qr", "krylov"), seed = 1,
                              precision = getOption("nelder.precision", "auto"),
                              device = getOption("nelder.device", "auto")) {
  chkDots(...)
  columns <- columns_of(x)
  p <- length(columns$names)
  signs <- one_of(signs, c("largest", "r", "computed"), "signs")
  algorithm <- one_of(algorithm, c("auto", "gram", "qr", "krylov"), "algorithm")
  if (!is.numeric(seed) || length(seed) != 1L || is.na(seed) || seed < 0 || seed > 2^53 || seed != floor(seed)) {
    refuse("seed: ", deparse(seed)[1L], " is not a whole number from 0 to 2^53")
  }
  if (!is.null(tol) && (!is.numeric(tol) || length(tol) != 1L || is.na(tol))) {
    refuse("tol: ", deparse(tol)[1L], " is not a number")
  }
  if (!is.logical(retx) || length(retx) != 1L || is.na(retx)) refuse("retx: ", deparse(retx)[1L], " is not TRUE or FALSE")
  center <- standardizing(center, "center", p)
  scale. <- standardizing(scale., "scale.", p)
  columns <- with_weights(columns, weights)
  sparse <- !is.null(columns$sparse)
  if (signs == "r" && sparse) {
    refuse("signs: \"r\" takes an svd() of the dense matrix; a sparse one is not filled for it")
  }
  description <- list(columns = columns$names, center = numbers_or_flag(center), scale = numbers_or_flag(scale.),
                      rank = clamped_rank(rank., columns, p), tol = if (is.null(tol)) NA_real_ else as.numeric(tol),
                      weights = columns$weights, missing = if (length(columns$omit)) "omit" else "fail",
                      signs = if (signs == "r") "computed" else signs, algorithm = algorithm,
                      precision = check_precision(precision), seed = as.numeric(seed), tolerance = 1e-9,
                      row_names = columns$row_names)
  options <- run_options(check_device(device))
  found <- rust(if (sparse) principal_sparse(columns$sparse, description, retx, options)
                else principal(columns$library, description, retx, options))
  if (found$omitted != length(columns$omit)) {
    refuse("the library left out ", found$omitted, " rows with missing values and R ", length(columns$omit))
  }
  k <- found$components
  rotation <- matrix(found$rotation, p, k, dimnames = list(columns$labels, if (k) paste0("PC", seq_len(k))))
  named <- function(given, own) {
    if (!is.logical(given)) given else if (given) stats::setNames(own, columns$labels) else FALSE
  }
  z <- list(sdev = found$sdev, rotation = rotation, center = named(center, found$center), scale = named(scale., found$scale))
  turned <- if (signs == "r" && k) r_signs(columns, z, center, scale., weights)
  for (j in turned) z$rotation[, j] <- -z$rotation[, j]
  if (retx) {
    z$x <- found$x
    for (j in turned) z$x[, j] <- -z$x[, j]
  }
  # behind a pointer that is identical to that of other results: seconds are not what two of them differ by
  e <- new.env(parent = emptyenv())
  e$found <- found[c("report", "errors", "angles", "total", "available", "used", "omitted")]
  z$nelder <- handle(e)
  class(z) <- c("nd_prcomp", "prcomp")
  z
}

nd_prcomp.formula <- function(formula, data = NULL, subset, na.action, ..., weights) {
  call <- match.call()
  call[[1L]] <- as.name("nd_prcomp")
  own <- match.call(expand.dots = FALSE)
  if (attr(stats::terms(formula, data = data), "response") > 0L) refuse("response not allowed in formula")
  na <- list(set = !missing(na.action), value = if (!missing(na.action)) na.action)
  frame <- evaluate_frame(own, parent.frame(), na, c(list(formula = formula), if ("data" %in% names(own)) list(data = data)))
  w <- weights_in(frame)
  columns <- formula_columns(frame)
  if (!is.null(w) && !length(columns$omit)) w <- kept(w, frame$omit)
  z <- nd_prcomp.default(columns, ..., weights = w)
  report <- z$nelder
  z$nelder <- NULL
  z$call <- call
  if (!is.null(frame$said)) {
    z$na.action <- frame$said
    if (!is.null(z$x)) z$x <- stats::napredict(frame$said, z$x)
  }
  z$nelder <- report
  z
}

# What components are of. A list of class "nd_columns": `library`, the columns for the library, or `sparse`, the slots of a
# sparse matrix; `names`, those that the library knows the columns by; `labels`, those that R shows, or NULL; `row_names`;
# `rows`, how many there are, and `omit`, those of them that are left out; `weights`, the name of a column or ""; `dense`, a
# function that makes a matrix of the rows that are kept.
columns_of <- function(x) {
  if (inherits(x, "nd_columns")) return(x)
  if (is.data.frame(x)) return(data_columns(x))
  if (isS4(x) && inherits(x, "sparseMatrix") && !inherits(x, "dgCMatrix")) {
    x <- methods::as(methods::as(methods::as(x, "dMatrix"), "generalMatrix"), "CsparseMatrix")
  }
  if (inherits(x, "dgCMatrix")) return(sparse_columns(x))
  matrix_columns(as.matrix(x))
}

new_columns <- function(vectors, widths, labels, rows, row_names, dense, omit = integer()) {
  p <- sum(widths)
  if (rows == 0 || p == 0L) refuse("a matrix of ", rows, " x ", p, " values has no components")
  names <- distinct_names(labels, p)
  k <- length(vectors)
  rows <- as.numeric(rows)
  out <- list(library = list(columns = vectors, widths = as.integer(widths), names = names, levels = vector("list", k),
                             ordered = integer(k), rows = rows),
              names = names, labels = labels, row_names = row_names, rows = rows, omit = as.integer(omit), weights = "",
              dense = dense)
  class(out) <- "nd_columns"
  out
}

# Names by which columns can be told apart: columns without one are called as R prints them.
distinct_names <- function(labels, p) {
  names <- if (is.null(labels)) character(p) else labels
  if (!anyNA(names) && all(nzchar(names)) && !anyDuplicated(names)) return(names)
  blank <- is.na(names) | !nzchar(names)
  names[blank] <- paste0("[,", seq_len(p), "]")[blank]
  while (anyDuplicated(names)) {
    again <- duplicated(names)
    names[again] <- paste0(names[again], "\u200b")
  }
  names
}

matrix_columns <- function(x) {
  if (is.object(x) && inherits(x, "integer64")) x <- as_doubles(x, "x")
  if (is.logical(x)) storage.mode(x) <- "double"
  if (!is.numeric(x)) refuse("'x' must be numeric, and is of type ", typeof(x))
  size <- dim(x)
  labels <- dimnames(x)
  new_columns(list(x), size[2L], labels[[2L]], size[1L], labels[[1L]], function() x)
}

check_numeric <- function(x, name) {
  if (is.numeric(x) && !is.factor(x)) return()
  refuse("PCA applies only to numerical variables: `", name, "` is ",
         if (is.factor(x)) "a factor" else if (is.character(x)) "text" else paste("of class", class(x)[1L]))
}

# Columns of a data frame where they lie.
data_columns <- function(x) {
  n <- .row_names_info(x, 2L)
  columns <- vector("list", length(x)); widths <- integer(length(x)); labels <- vector("list", length(x))
  for (j in seq_along(x)) {
    v <- x[[j]]
    name <- names(x)[j]
    if (is.data.frame(v)) return(matrix_columns(as.matrix(x)))
    if (inherits(v, "integer64")) v <- x[[j]] <- as_doubles(v, name)
    if (is.logical(v)) storage.mode(v) <- "double"
    check_numeric(v, name)
    columns[[j]] <- v
    widths[j] <- if (is.matrix(v)) ncol(v) else 1L
    labels[[j]] <- if (widths[j] == 1L) name
                   else paste0(rep(name, widths[j]), ".", if (is.null(colnames(v))) seq_len(widths[j]) else colnames(v))
  }
  # as as.matrix() has it: numbers that R made up name no rows
  row_names <- if (.row_names_info(x) > 0L) attr(x, "row.names")
  new_columns(columns, widths, as.character(unlist(labels)), n, row_names, function() as.matrix(x))
}

# The slots of a dgCMatrix, for which its package need not be there.
sparse_columns <- function(x) {
  size <- attr(x, "Dim")
  names <- attr(x, "Dimnames")
  columns <- new_columns(list(), size[2L], names[[2L]], size[1L], names[[1L]], NULL)
  columns$library <- NULL
  columns$sparse <- list(rows = size[1L], p = attr(x, "p"), i = attr(x, "i"), x = attr(x, "x"))
  columns
}

# Variables of a formula where they lie, or, where terms are made of them, a model matrix.
formula_columns <- function(frame) {
  terms <- frame$terms
  factors <- attr(terms, "factors")
  if (!length(factors)) refuse("the formula has no variables; write ~ a + b")
  used <- which(rowSums(factors > 0L) > 0)
  for (v in used) check_numeric(.subset2(frame$all, v), names(frame$all)[v])
  attr(terms, "intercept") <- 0L
  dense <- function() {
    all <- frame$all
    if (!is.null(frame$omit)) all <- all[-as.integer(frame$omit), , drop = FALSE]
    stats::model.matrix(terms, all)
  }
  # a row may be left out for what no term has
  others <- setdiff(seq_along(frame$all), c(used, match("(weights)", names(frame$all))))
  in_place <- all(attr(terms, "order") == 1L) && !any(vapply(frame$all[used], is.matrix, NA)) &&
    (is.null(frame$omit) || !length(others))
  if (!in_place) return(matrix_columns(dense()))
  of <- apply(factors > 0L, 2L, which)
  vectors <- lapply(of, function(v) .subset2(frame$all, v))
  new_columns(unname(vectors), rep(1L, length(of)), attr(terms, "term.labels"), nrow(frame$all),
              as.character(kept_row_names(frame)), dense, frame$omit)
}

with_weights <- function(columns, weights) {
  if (is.null(weights)) return(columns)
  if (!is.null(columns$sparse)) refuse("weights: a sparse matrix is taken as it is, without weights")
  if (inherits(weights, "integer64")) weights <- as_doubles(weights, "weights")
  if (!is.numeric(weights)) refuse("'weights' must be a numeric vector")
  if (length(weights) != columns$rows) refuse("weights: ", length(weights), " numbers for ", columns$rows, " rows")
  bad <- setdiff(which(is.na(weights) | weights < 0 | is.infinite(weights)), columns$omit)
  if (length(bad)) refuse("missing or negative weights not allowed: weight ", weights[bad[1L]], " in row ", bad[1L])
  own <- rev(distinct_names(c(columns$names, "(weights)"), length(columns$names) + 1L))[1L]
  columns$weights <- own
  columns$zeros <- sum(kept(weights, if (length(columns$omit)) columns$omit) == 0)
  columns$library <- within_library(columns$library, as.vector(weights), own)
  columns
}

within_library <- function(library, vector, name) {
  library$columns <- c(library$columns, list(vector))
  library$widths <- c(library$widths, 1L)
  library$names <- c(library$names, name)
  library$levels <- vector("list", length(library$columns))
  library$ordered <- integer(length(library$columns))
  library
}

# `center` and `scale.` as scale() takes them.
standardizing <- function(value, argument, p) {
  if (is.logical(value) && length(value) == 1L && !is.na(value)) return(value)
  if (is.logical(value) && length(value) != p) refuse(argument, ": ", deparse(value)[1L], " is not TRUE or FALSE")
  if (!is.numeric(value)) value <- as.numeric(value)
  if (length(value) != p) {
    refuse("length of '", argument, "' must equal the number of columns of 'x': it is ", length(value), ", not ", p)
  }
  value
}

numbers_or_flag <- function(value) if (is.logical(value)) value else as.double(value)

# As R does: no more components than there are. 0 for all.
clamped_rank <- function(rank., columns, p) {
  if (is.null(rank.)) return(0L)
  if (!is.numeric(rank.) || length(rank.) != 1L || !is.finite(rank.) || rank. < 1) {
    refuse("rank.: ", deparse(rank.)[1L], " is not a number of components, 1 or more")
  }
  used <- columns$rows - length(columns$omit) - if (is.null(columns$zeros)) 0 else columns$zeros
  as.integer(min(floor(rank.), used, p))
}

# Which axes point the other way in what R computes from the same rows.
r_signs <- function(columns, z, center, scale., weights) {
  x <- columns$dense()
  if (is.null(weights)) x <- scale(x, center, scale.)
  else {
    if (length(columns$omit)) weights <- weights[-columns$omit]
    x <- scale(x, z$center, z$scale) * sqrt(weights)
  }
  k <- ncol(z$rotation)
  which(colSums(svd(x, nu = 0L, nv = k)$v * z$rotation) < 0)
}

one_of <- function(value, known, argument) {
  if (identical(value, known)) return(known[1L])
  if (!is.character(value) || length(value) != 1L || !value %in% known) {
    refuse(argument, ": ", deparse(value)[1L], " is none of ", paste0('"', known, '"', collapse = ", "))
  }
  value
}

components_report <- function(found) {
  report <- found$report
  report$passes <- as.data.frame(report$passes)
  structure(c(report, found[c("errors", "angles", "total", "available")], rows = found$used, omitted = found$omitted),
            class = "nd_components_report")
}

print.nd_components_report <- function(x, ...) {
  report_line("algorithm", x$algorithm)
  report_line("device", paste0(x$device, ", ", x$precision))
  report_line("digits", paste0("standard deviations ", report_digits(x$digits[1L]), " (of the first), axes ",
                               report_digits(x$digits[2L]), " (known to be right)"))
  report_computed(x$computed)
  if (x$steps > 0) report_line("steps", x$steps)
  for (note in x$notes) report_line("note", note)
  print_passes(passes_in_short(x$passes))
  invisible(x)
}

# The steps of an iteration as one line.
passes_in_short <- function(p) {
  kind <- paste(p$pass, p$device, p$precision, p$rows)
  runs <- rle(kind)
  group <- rep(seq_along(runs$lengths), runs$lengths)
  out <- p[!duplicated(group), ]
  out$pass <- ifelse(runs$lengths > 1L, paste0(out$pass, ", ", runs$lengths, " times"), out$pass)
  out[c("bytes", "seconds")] <- rowsum(p[c("bytes", "seconds")], group)
  out
}

# Where an iteration found some components only, the others still have their part in the variance.
summary.nd_prcomp <- function(object, ...) {
  own <- NextMethod()
  found <- core(object)$found
  if (length(object$sdev) < found$available) {
    parts <- object$sdev^2 / found$total
    own$importance[2:3, ] <- rbind(round(parts, 5), round(cumsum(parts), 5))
  }
  own
}
