# Fits to a matrix that someone holds: one variable without a name, whose columns name the coefficients.

matrix_terms <- stats::terms(y ~ 0 + x)

matrix_frame <- function(x, y, w = NULL, offset = NULL) {
  if (is.object(x) && inherits(x, "integer64")) x <- as_doubles(x, "x")
  if (is.object(y) && inherits(y, "integer64")) y <- as_doubles(y, "y")
  if (is.object(w) && inherits(w, "integer64")) w <- as_doubles(w, "w")
  if (is.object(offset) && inherits(offset, "integer64")) offset <- as_doubles(offset, "offset")
  if (!is.matrix(x) || !is.numeric(x)) refuse("'x' must be a numeric matrix")
  if (is.logical(y)) storage.mode(y) <- "double"
  if (!is.numeric(y)) refuse("'y' must be numeric")
  n <- nrow(x)
  if (NROW(y) != n) refuse("incompatible dimensions: 'x' has ", n, " rows and 'y' ", NROW(y))
  if (n == 0L) refuse("0 (non-NA) cases")
  if (!is.null(w) && length(w) != n) refuse("incompatible dimensions: ", length(w), " weights for ", n, " rows")
  labels <- dimnames(x)
  if (is.null(labels[[2L]])) colnames(x) <- if (ncol(x)) paste0("x", seq_len(ncol(x)))
  all <- list(y = y)
  if (!is.null(w)) all[["(weights)"]] <- w
  if (!is.null(offset)) all[["(offset)"]] <- offset
  bad <- incomplete_rows(c(list(x), all), as.numeric(n))
  if (length(bad)) refuse("NA/NaN/Inf in 'x', 'y' or what goes with them, row ", bad[1L])
  names <- if (!is.null(labels[[1L]])) labels[[1L]] else if (is.matrix(y)) rownames(y) else names(y)
  attr(all, "row.names") <- if (is.null(names)) seq_len(n) else names
  class(all) <- "data.frame"
  attr(all, "terms") <- matrix_terms
  list(all = all, terms = matrix_terms, omit = NULL, said = NULL, rows = n, x = x)
}

describe_matrix <- function(kind, frame, request) {
  x <- frame$x
  y <- frame$all$y
  w <- .subset2(frame$all, "(weights)")
  offset <- .subset2(frame$all, "(offset)")
  p <- ncol(x)
  names <- c(if (p) paste0("x\u200b", seq_len(p)), if (is.matrix(y)) paste0("y\u200b", seq_len(ncol(y))) else "y")
  columns <- c(if (p) list(x), list(y)); widths <- c(if (p) p, NCOL(y))
  if (!is.null(w)) { columns <- c(columns, list(w)); widths <- c(widths, 1L); names <- c(names, "(weights)") }
  if (!is.null(offset)) { columns <- c(columns, list(offset)); widths <- c(widths, 1L); names <- c(names, "(offset)") }
  k <- length(columns)
  responses <- if (is.matrix(y)) { if (is.null(colnames(y))) paste0("Y", seq_len(ncol(y))) else colnames(y) }
               else character()
  single <- p == 1L
  list(columns = list(columns = columns, widths = as.integer(widths), names = names, levels = vector("list", k),
                      ordered = integer(k), rows = as.numeric(nrow(x))),
       model = c(list(variables = c(if (p) { if (single) colnames(x) else "" }, "y"), response = if (p) 2L else 1L,
                    intercept = FALSE, labels = if (p) "x" else character(),
                    term_variables = if (p) list(1L) else list(), term_codings = if (p) list(1L) else list(),
                    contrasts = character(1L + (p > 0L)), weights = if (is.null(w)) "" else "(weights)",
                    offset = if (is.null(offset)) "" else "(offset)", tol = as.numeric(request$tol),
                    precision = request$precision,
                    variable_columns = c(if (p) list(names[seq_len(p)]), list(names[p + seq_len(NCOL(y))])),
                    variable_suffixes = c(if (p) list(if (single) character() else colnames(x)), list(responses)),
                    start_column = ""), if (kind == "glm") scoring_options(request)),
       contrasts = NULL, xlevels = NULL, dropped = NULL, own_terms = 1L, place = NULL)
}
