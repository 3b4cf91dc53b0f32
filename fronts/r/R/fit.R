# The part of a fit that R does not see: the rows, the library's fit behind a pointer, and what is made on demand.
#
# A fit holds an environment `e`. What can be made again is held beside it, by a weak reference that files do not keep:
# a fit from a file gets its rows from `e$frame`, or, where the fit is slim (model = FALSE), by evaluating its call.

memory <- function(e) {
  own <- if (is.null(e$reference)) NULL else weak_get(list(e$reference))
  if (is.null(own)) {
    own <- new.env(parent = emptyenv())
    assign("reference", weak_new(list(e, own)), envir = e)
  }
  own
}

new_core <- function(kind, frame, design, request, slim) {
  e <- new.env(parent = emptyenv())
  e$kind <- kind
  e$request <- request
  e$omit <- frame$omit
  e$rows <- frame$rows
  e$dropped <- design$dropped
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
    if (own$frame$rows != e$rows) changed_data()
  }
  own$frame
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
    evaluate_frame(request$frame_call, environment(stats::formula(request$terms)), request$na, NULL, request$more),
    error = function(err) refuse("the rows of this fit were not kept with it (model = FALSE), and its call cannot be ",
                               "evaluated here: ", conditionMessage(err)))
}

design_of <- function(e) {
  own <- memory(e)
  if (is.null(own$design)) own$design <- describe(e$kind, frame_of(e), e$request)
  own$design
}

# The library's fit.
fit_of <- function(e) {
  own <- memory(e)
  if (is.null(own$fit)) {
    if (isTRUE(e$custom)) return(NULL)
    # a fit from a file may be on another machine
    own$fit <- rust(library_fit(e, design_of(e), "auto"))
    now <- own$fit$record()$coefficients
    was <- e$record$coefficients
    same <- length(now) == length(was) && identical(is.na(now), is.na(was)) &&
      all(abs(now - was) <= 1e-8 * (abs(was) + max(abs(was), na.rm = TRUE)), na.rm = TRUE)
    if (!same) { own$fit <- NULL; changed_data() }
  }
  own$fit
}

library_fit <- function(e, design, device = e$request$device) {
  make <- if (e$kind == "lm") NelderFit$lm else NelderFit$glm
  make(design$columns, design$model, run_options(device))
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

# Arguments that no one takes.
refuse_unused <- function(extra) {
  refuse(sprintf(ngettext(length(extra), "unused argument (%s)", "unused arguments (%s)"),
                 paste(sub("^list\\((.*)\\)$", "\\1", deparse(extra, width.cutoff = 500L)[1L]))))
}

# Errors of the library become conditions with the call of the user's function; an interrupt interrupts.
rust <- function(expr) {
  call <- user_call()
  tryCatch(expr, error = function(err) {
    # what the command's options do is not for R
    message <- sub("; `--na omit` leaves such rows out", "", conditionMessage(err), fixed = TRUE)
    if (identical(message, "interrupted")) {
      signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
      invokeRestart("abort")
    }
    stop(simpleError(message, call))
  })
}

lazy <- function(type, length, e, key) lazy_new(list(type, as.numeric(length), e, key))

# A vector with one value for each row that is kept.
lazy_rows <- function(e, key, names = e$row_names) {
  x <- lazy("double", e$rows, e, key)
  names(x) <- names
  x
}

# What a lazy vector holds: called by lazy.c.
lazy_value <- function(e, key) {
  if (startsWith(key, "model:")) return(bare(kept_column(frame_of(e), e, substring(key, 7L))))
  switch(key,
    row_names = as.character(kept_row_names(frame_of(e))),
    # R's links keep means a little within their range
    fitted = if (e$kind == "glm" && is.null(e$values)) e$request$family$linkinv(by_row(e, "residuals", "linear"))
             else by_row(e, "residuals", key),
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
    all <- rust(fit_of(e)$rows(detail, run_options()))
    check_rows(e, all)
    own[[of]] <- all
  }
  values <- lapply(own[[of]], `[[`, key)
  if (length(values) == 1L) values[[1L]] else unlist(values)
}

# Someone may have written into the columns without R's knowledge (data.table does): the sums that the fit has say so.
check_rows <- function(e, all) {
  record <- e$record
  if (is.null(record)) return()
  if (e$kind == "lm") {
    w <- weights_of(e)
    now <- vapply(all, function(one) sum(if (is.null(w)) one$residuals^2 else w * one$residuals^2), 0)
    was <- record$rss
    size <- was + record$mss
  } else {
    # without degrees of freedom deviance residuals are 0 by definition
    if (record$df_residual == 0) return()
    now <- sum(all[[1L]]$deviance^2)
    was <- record$deviance
    size <- max(was, record$null_deviance[is.finite(record$null_deviance)])
  }
  apart <- abs(now - was) > 1e-6 * was + 1e-12 * size
  if (any(apart & is.finite(was))) {
    refuse("the data of this fit have been changed in place since it was made (data.table does that): what has one ",
           "value for each row cannot be computed any more")
  }
}

weights_of <- function(e) {
  w <- frame_of(e)$all[["(weights)"]]
  if (is.null(w)) NULL else as.vector(kept(w, e$omit))
}

offset_of <- function(e) {
  offset <- stats::model.offset(frame_of(e)$all)
  if (is.null(offset)) NULL else kept(offset, e$omit)
}

# R's QR decomposition of the weighted model matrix, for those who ask for it.
decomposition <- function(e) {
  own <- memory(e)
  if (is.null(own$decomposition)) {
    frame <- frame_of(e)
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
  frame <- frame_of(e)
  if (!is.null(frame$x)) return(frame$x)
  stats::model.matrix(frame$terms, lazy_frame(e, frame), e$record$contrasts)
}

# The `qr` component: its shape is known, its numbers are made when they are read.
lazy_qr <- function(e, rows, names, tol) {
  p <- length(names)
  qr <- lazy("double", rows * p, e, "qr")
  dim(qr) <- c(rows, p)
  # R moves the columns that are combinations of others to the end
  aliased <- e$record$aliased
  dimnames(qr) <- list(if (rows) lazy_names(e, rows), c(names[!aliased], names[aliased]))
  structure(list(qr = qr, qraux = lazy("double", p, e, "qraux"), pivot = lazy("integer", p, e, "pivot"), tol = tol,
                 rank = e$record$rank), class = "qr")
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
