# The part of a fit that R does not see: the rows, the library's fit behind a pointer, and what is made on demand.
#
# A fit holds an environment `e`, behind a pointer (its component `nelder`) that is identical to that of any other fit.
# What can be made again is held beside it, by a weak reference that files do not keep: a fit from a file gets its rows from
# `e$frame`, or, where the fit is slim (model = FALSE), by evaluating its call.

handle <- function(e) {
  own <- handle_new(list(e))
  class(own) <- "nd_handle"
  own
}

print.nd_handle <- function(x, ...) {
  cat("<the rows and the library's fit>\n")
  invisible(x)
}

format.nd_handle <- function(x, ...) "<the rows and the library's fit>"

all.equal.nd_handle <- function(target, current, ...) {
  if (inherits(current, "nd_handle")) TRUE else "target is a fit of nelder, current is not"
}

memory <- function(e) {
  own <- if (is.null(e$reference)) NULL else weak_get(list(e$reference))
  if (is.null(own)) {
    own <- new.env(parent = emptyenv())
    assign("reference", weak_new(list(e, own)), envir = e)
  }
  own
}

new_core <- function(kind, frame, design, request, slim, prints = prints_of(frame)) {
  e <- new.env(parent = emptyenv())
  e$kind <- kind
  e$request <- request
  e$omit <- frame$omit
  e$said <- frame$said
  e$rows <- frame$rows
  e$dropped <- design$dropped
  e$prints <- prints
  if (!slim) e$frame <- frame
  own <- memory(e)
  own$frame <- frame
  own$design <- design
  e
}

frame_of <- function(e) {
  own <- memory(e)
  if (is.null(own$frame)) {
    own$frame <- if (!is.null(e$frame)) e$frame else frame_again(e)
    if (own$frame$rows != e$rows || !identical(prints_of(own$frame), e$prints)) { own$frame <- NULL; changed_data() }
  }
  own$frame
}

# The rows for something that is computed of them after the fit: they are still what they were.
rows_of <- function(e) {
  frame <- frame_of(e)
  now <- prints_of(frame)
  if (!identical(now, e$prints)) {
    changed <- names(now)[now != e$prints]
    refuse("the data of this fit have been changed in place since it was made (data.table does that), ",
           paste0("`", changed, "`", collapse = ", "), ": what has one value for each row cannot be computed any more")
  }
  frame
}

# Fingerprints of the columns of a fit, in the order of their rows.
prints_of <- function(frame) {
  columns <- printed_columns(frame)
  prints <- rust(fingerprints(columns, run_options()))
  names(prints) <- names(columns)
  prints
}

printed_columns <- function(frame) {
  columns <- as.list.data.frame(frame$all)
  if (is.null(frame$x)) columns else c(list(x = frame$x), columns)
}

changed_data <- function() {
  refuse("the data of this fit are no longer what they were: what has one value for each row cannot be computed again. ",
       "Fit with model = TRUE to keep the rows with the fit")
}

# The model frame of a slim fit that came from a file.
frame_again <- function(e) {
  request <- e$request
  if (is.null(request$call)) changed_data()
  tryCatch(
    evaluate_frame(request$frame_call, environment(stats::formula(request$terms)), request$na, more = request$more),
    error = function(err) refuse("the rows of this fit were not kept with it (model = FALSE), and its call cannot be ",
                               "evaluated here: ", conditionMessage(err)))
}

design_of <- function(e) {
  own <- memory(e)
  if (is.null(own$design)) own$design <- describe(e$kind, frame_of(e), e$request)
  own$design
}

# The library's fit, for what is a pass over the rows.
fit_of_rows <- function(e) {
  rows_of(e)
  fit_of(e)
}

# The library's fit.
fit_of <- function(e) {
  own <- memory(e)
  if (is.null(own$fit) && !is.null(own$pointer)) own$fit <- .savvy_wrap_NelderFit(own$pointer)
  if (is.null(own$fit)) {
    if (isTRUE(e$custom)) return(NULL)
    # a fit from a file may be on another machine
    made <- rust(library_fit(e, design_of(e), "auto"))
    now <- made$record$coefficients
    was <- e$record$coefficients
    same <- length(now) == length(was) && identical(is.na(now), is.na(was)) &&
      all(abs(now - was) <= 1e-8 * (abs(was) + max(abs(was), na.rm = TRUE)), na.rm = TRUE)
    if (!same) changed_data()
    own$fit <- .savvy_wrap_NelderFit(made$pointer)
  }
  own$fit
}

# A fit of the library: list(record, prints, pointer).
library_fit <- function(e, design, device = e$request$device) {
  columns <- printed_columns(frame_of(e))
  options <- run_options(device)
  if (e$kind == "lm") NelderFit$lm(design$columns, design$model, options, columns)
  else NelderFit$glm(design$columns, design$model, options, columns)
}

# The library's fit for a new core: its numbers, with the contrasts and levels of factors. Vectors of numbers need no
# description but R's frame and terms. What the library has read it has added up for the fingerprints, too.
fit_core <- function(e, own) {
  frame <- own$frame
  made <- if (is.null(e$request$contrasts)) rust(fit_of_numbers(e, frame))
  if (is.null(made)) {
    own$design <- design <- describe(e$kind, frame, e$request)
    e$dropped <- design$dropped
    made <- rust(library_fit(e, design))
    record <- made$record
    record$contrasts <- design$contrasts
    record$xlevels <- design$xlevels
    e$own_terms <- design$own_terms
  } else {
    record <- made$record
    e$of_numbers <- is.null(frame$x)
    if (e$of_numbers && length(frame$all) > 1L) record$xlevels <- no_levels
    e$own_terms <- seq_along(attr(frame$terms, "term.labels"))
  }
  prints <- made$prints
  names(prints) <- names(printed_columns(frame))
  e$prints <- prints
  own$pointer <- made$pointer
  record
}

# The levels of a model with variables none of which is a factor.
no_levels <- list()
names(no_levels) <- character()

# The library's fit where all variables are vectors of numbers, else NULL.
fit_of_numbers <- function(e, frame) {
  request <- e$request
  options <- run_options(request$device)
  description <- list(tol = as.numeric(request$tol), precision = request$precision)
  if (!is.null(frame$x)) {
    if (e$kind == "lm" && length(frame$all) == 1L) NelderFit$lm_of_matrix(printed_columns(frame), description, options)
  } else if (e$kind == "lm") NelderFit$lm_of_numbers(frame$all, frame$terms, description, options)
  else NelderFit$glm_of_numbers(frame$all, frame$terms, c(description, scoring_options(request)), options)
}

# Threads and progress, as options() has them, and where passes of a new fit run; a fit's later passes run where its rows are.
run_options <- function(device = "cpu") {
  threads <- getOption("nelder.threads", 0L)
  if (!is.numeric(threads) || length(threads) != 1L || is.na(threads) || threads < 0) {
    refuse("options(nelder.threads) must be a number of threads, 0 for one a core")
  }
  list(threads = as.integer(threads), progress = isTRUE(getOption("nelder.progress", interactive())), device = device)
}

check_device <- function(device) {
  if (identical(device, "auto") || identical(device, "cpu")) return(device)
  # several devices share the rows
  pattern <- gsub("device", "(host|(cuda|wgpu)(:[0-9]+)?)", "^(auto|cpu|device([+]device)*)$", fixed = TRUE)
  known <- is.character(device) && length(device) == 1L && grepl(pattern, device)
  if (!known) refuse("device: ", deparse(device)[1L], " is none of \"auto\", \"cpu\", \"cuda\", \"wgpu\", \"cuda:1\", ...")
  device
}

check_precision <- function(precision) {
  known <- c("auto", "f32", "f64", "certified")
  if (!is.character(precision) || length(precision) != 1L || !precision %in% known) {
    refuse("precision: ", deparse(precision)[1L], " is none of ", paste0('"', known, '"', collapse = ", "))
  }
  precision
}

# The call by which the user came to us: the first on the stack that is a function of this package.
user_call <- function() {
  here <- topenv(environment(user_call))
  for (i in seq_len(sys.nframe())) {
    own <- environment(sys.function(i))
    if (is.null(own) || !identical(topenv(own), here)) next
    # a part that R reads on its own
    if (identical(sys.function(i), lazy_value)) return(NULL)
    return(sys.call(i))
  }
  NULL
}

# An error with the user's call.
refuse <- function(..., domain = NULL) stop(simpleError(.makeMessage(..., domain = domain), user_call()))

# Errors of the library become conditions with the call of the user's function; an interrupt interrupts.
rust <- function(expr) {
  tryCatch(expr, error = function(err) {
    # what the command's options do is not for R
    message <- sub("; `--na omit` leaves such rows out", "", conditionMessage(err), fixed = TRUE)
    if (validUTF8(message)) Encoding(message) <- "UTF-8"
    if (identical(message, "interrupted")) {
      signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
      invokeRestart("abort")
    }
    stop(simpleError(message, user_call()))
  })
}

lazy <- function(type, length, e, key) .Call(savvy_lazy_new__impl, list(type, as.numeric(length), e, key))

# A vector with one value for each row that is kept.
lazy_rows <- function(e, key, names = e$row_names) {
  x <- lazy("double", e$rows, e, key)
  names(x) <- names
  x
}

# What a lazy vector holds: called by lazy.c.
lazy_value <- function(e, key) {
  if (startsWith(key, "model:")) return(bare(kept_column(rows_of(e), e, substring(key, 7L))))
  switch(key,
    row_names = as.character(kept_row_names(frame_of(e))),
    # R's links keep means a little within their range
    fitted = if (e$kind == "glm" && is.null(e$values)) e$request$family$linkinv(by_row(e, "residuals", "linear"))
             else with_own_offsets(e, by_row(e, "residuals", "fitted")),
    residuals = , working = , weight = , linear = , deviance = by_row(e, "residuals", key),
    weighted_residuals = by_row(e, "residuals", "residuals") * sqrt(weights_of(e)),
    y = family_start(e)$y,
    prior = family_start(e)$weights,
    qr = bare(decomposition(e)$qr),
    qraux = decomposition(e)$qraux,
    pivot = decomposition(e)$pivot,
    effects = bare(decomposition(e)$effects),
    effect_names = {
      d <- decomposition(e)
      n <- if (is.matrix(d$effects)) nrow(d$effects) else length(d$effects)
      c(e$names[d$pivot[seq_len(d$rank)]], character(n - d$rank))
    },
    used_row_names = {
      # rows without a trial are none of the fit either
      w <- if (e$kind == "glm") family_start(e)$weights else weights_of(e)
      names <- as.character(kept_row_names(frame_of(e)))
      if (is.null(w)) names else names[w != 0]
    },
    R = {
      d <- decomposition(e)
      p <- length(e$names)
      r <- d$qr[seq_len(min(nrow(d$qr), p)), , drop = FALSE]
      r[row(r) > col(r)] <- 0
      bare(r)
    },
    stop("nelder: no part of a fit is called ", key))
}

bare <- function(x) { attributes(x) <- NULL; x }

# A column of what the library computes for each row; one pass makes all of them.
by_row <- function(e, detail, key) {
  if (!is.null(e$values)) return(e$values[[key]])
  own <- memory(e)
  of <- if (detail == "residuals") "rows" else detail
  if (is.null(own[[of]])) {
    own[[of]] <- rust(fit_of_rows(e)$rows(detail, run_options()))
  }
  values <- lapply(own[[of]], `[[`, key)
  if (length(values) == 1L) values[[1L]] else unlist(values)
}

weights_of <- function(e) {
  w <- .subset2(rows_of(e)$all, "(weights)")
  if (is.null(w)) NULL else as.vector(kept(w, e$omit))
}

offset_of <- function(e, frame = rows_of(e)) {
  if (is.null(attr(frame$terms, "offset")) && is.null(.subset2(frame$all, "(offset)"))) return(NULL)
  offset <- stats::model.offset(frame$all)
  if (is.null(offset)) NULL else kept(offset, e$omit)
}

# Fitted values of several responses with offsets of their own, which the library has not seen.
with_own_offsets <- function(e, fitted) {
  if (e$kind == "glm") return(fitted)
  offset <- offset_of(e)
  if (is.matrix(offset) && ncol(offset) > 1L) fitted + as.vector(offset) else fitted
}

# R's QR decomposition of the weighted model matrix, for those who ask for it.
decomposition <- function(e) {
  own <- memory(e)
  if (is.null(own$decomposition)) {
    frame <- rows_of(e)
    x <- model_matrix(e)
    if (e$kind == "lm") {
      y <- kept(stats::model.response(frame$all, "numeric"), e$omit)
      offset <- offset_of(e)
      if (!is.null(offset)) y <- y - offset
      w <- weights_of(e)
      if (!is.null(w)) {
        used <- w != 0
        root <- sqrt(w[used])
        x <- x[used, , drop = FALSE] * root
        y <- (if (is.matrix(y)) y[used, , drop = FALSE] else y[used]) * root
      }
    } else {
      eta <- by_row(e, "residuals", "linear")
      offset <- offset_of(e)
      if (!is.null(offset)) eta <- eta - offset
      w <- by_row(e, "residuals", "weight")
      # a row of the fit whose working weight is next to nothing has its row in the decomposition
      good <- if (isTRUE(e$custom)) w > 0 else family_start(e)$weights > 0
      root <- sqrt(w[good])
      y <- ((eta + by_row(e, "residuals", "working"))[good]) * root
      x <- x[good, , drop = FALSE] * root
    }
    own$decomposition <- if (ncol(x)) stats::.lm.fit(x, y, e$request$tol)
                         else list(qr = x, effects = y, rank = 0L, qraux = double(), pivot = integer())
  }
  own$decomposition
}

model_matrix <- function(e) {
  frame <- rows_of(e)
  if (!is.null(frame$x)) return(frame$x)
  stats::model.matrix(frame$terms, lazy_frame(e, frame), e$record$contrasts)
}

# The `qr` component: its shape is known, its numbers are made when they are read.
lazy_qr <- function(e, rows, names, tol, assign = NULL, contrasts = NULL, like = "lm") {
  p <- length(names)
  aliased <- e$record$aliased
  # R moves the columns that are combinations of others to the end
  if (any(aliased)) names <- c(names[!aliased], names[aliased])
  qr <- lazy("double", rows * p, e, "qr")
  attributes(qr) <- list(dim = c(as.integer(rows), p), dimnames = list(if (rows) lazy_names(e, rows), names))
  if (!is.null(assign)) attr(qr, "assign") <- assign
  if (!is.null(contrasts)) attr(qr, "contrasts") <- contrasts
  qraux <- lazy("double", p, e, "qraux")
  pivot <- lazy("integer", p, e, "pivot")
  rank <- e$record$rank
  out <- if (like == "lm") list(qr = qr, qraux = qraux, pivot = pivot, tol = tol, rank = rank)
         else list(qr = qr, rank = rank, qraux = qraux, pivot = pivot, tol = tol)
  class(out) <- "qr"
  out
}

lazy_names <- function(e, rows) {
  if (rows == e$rows) e$row_names else lazy("character", rows, e, "used_row_names")
}

lazy_effects <- function(e, rows, responses = NULL) {
  m <- max(1L, length(responses))
  x <- lazy("double", rows * m, e, "effects")
  names <- lazy("character", rows, e, "effect_names")
  if (is.null(responses)) names(x) <- names
  else {
    dim(x) <- c(rows, m)
    dimnames(x) <- list(names, responses)
  }
  x
}
