# The rows of a model: R evaluates the formula's variables, rows with missing values are found but not copied away.

# What na.action is in force, as model.frame() decides it.
na_action_in_force <- function(given, data) {
  value <- given$value
  if (is.null(value) && !given$set) {
    own <- if (is.null(data)) NULL else attr(data, "na.action")
    value <- if (!is.null(own) && mode(own) != "numeric") own else getOption("na.action")
  }
  if (is.character(value)) get(value, envir = globalenv(), mode = "function") else value
}

# The argument na.action where nobody gave one.
no_action <- list(set = FALSE, value = NULL)

# What R's own na.action of a function is called, "" for another one, "none" without.
named_action <- function(action) {
  if (is.null(action)) "none"
  else if (identical(action, na.omit)) "omit"
  else if (identical(action, na.exclude)) "exclude"
  else if (identical(action, na.pass)) "pass"
  else if (identical(action, na.fail)) "fail"
  else ""
}

model_variables <- c("formula", "data", "subset", "weights", "offset")

# The variables of a model for all rows of the data, and which rows are left out.
#
# `call` is the user's call with its arguments matched; `given` are the values of those of its arguments that have been
# evaluated (formula, data), so that they are evaluated once; `more` are the names of arguments beside lm's that are
# variables; `na` is list(set, value). The result is a list: `all`, a model frame with every row; `terms`; `omit`, the
# rows left out as na.omit() records them; `rows`, how many are left.
evaluate_frame <- function(call, env, na, given = list(), more = NULL) {
  frame <- call[c(1L, match(c(model_variables, more), names(call), 0L))]
  frame[[1L]] <- quote(stats::model.frame)
  data <- given$data
  # arguments that may name variables beside those that have been evaluated
  others <- is.na(match(names(frame), names(given)))
  if (length(given)) {
    # by name: the data in the call itself would be printed with every error
    env <- new.env(parent = env)
    env[["(formula)"]] <- given$formula
    env[["(data)"]] <- data
    frame$formula <- quote(`(formula)`)
    if (length(given) > 1L) frame$data <- quote(`(data)`)
  }
  action <- na_action_in_force(na, if (is.data.frame(data)) data)
  named <- named_action(action)
  frame$na.action <- if (named != "") quote(stats::na.pass) else action
  frame$drop.unused.levels <- FALSE
  # a formula and a data frame, and nothing else that R evaluates
  alone <- sum(others) == 1L && length(given) > 1L && named != ""
  all <- if (alone) evaluated(frame_of_numbers(given$formula, data))
  plain <- 0L
  if (!is.data.frame(all)) {
    if (!is.null(all)) env[["(formula)"]] <- all
    load_integer64(c(if (sum(others) > 1L) all.vars(frame[others]), all.vars(given$formula)), data, env)
    all <- evaluated(eval(frame, env))
    plain <- peculiarities(all)
  }
  if (plain %% 2L == 1L) {
    for (v in which(vapply(all, inherits, NA, "integer64"))) all[[v]] <- as_doubles(all[[v]], names(all)[v])
  }
  # data.table changes columns in place, where other data are copied first
  if (inherits(data, "data.table")) all[] <- lapply(all, own_copy)
  terms <- attr(all, "terms")
  rows <- .row_names_info(all, 2L)
  if (named == "") {
    # the function has done its work on the frame; what it says of it is kept
    said <- attr(all, "na.action")
    attr(all, "na.action") <- NULL
    return(list(all = all, terms = terms, omit = NULL, said = said, rows = rows))
  }
  attr(all, "na.action") <- NULL
  if (plain %/% 2L %% 2L == 1L && named != "none") all <- without_times(all)
  missing <- if (plain < 4L) incomplete_rows(all, as.numeric(rows))
             else seq_len(rows)[!stats::complete.cases(all)]
  if (length(missing)) return(without_rows(all, terms, missing, named))
  if (named == "omit" || named == "exclude") {
    names <- attr(all, "row.names")
    if (is.character(names) && anyDuplicated(names)) attr(all, "row.names") <- told_apart(names)
  }
  list(all = all, terms = terms, omit = NULL, said = NULL, rows = rows)
}

# A value whose errors are those of the user's call; errors of the user's own functions keep theirs.
evaluated <- function(expr) tryCatch(expr, error = function(err) {
  from <- as.character(conditionCall(err)[[1L]])[1L]
  if (from %in% c("eval", "model.frame.default", "stats::model.frame")) refuse(conditionMessage(err))
  stop(err)
})

# The frame that model.frame() makes where all variables are columns of a data frame that are vectors of numbers and no more, which
# it then takes longer to look at than the fit takes. The terms where one is something else, or NULL.
frame_of_numbers <- function(formula, data) {
  if (!identical(oldClass(formula), "formula") || !is.data.frame(data)) return(NULL)
  terms <- stats::terms(formula, data = data)
  variables <- attr(terms, "variables")
  names <- all.vars(variables)
  # names alone, those that R prints as they are; it gives a call of scale() its centre
  if (!length(names) || !identical(as.character(variables)[-1L], names) || any(make.names(names) != names) || "scale" %in% names) {
    return(terms)
  }
  at <- match(names, attr(data, "names"))
  if (anyNA(at)) return(terms)
  all <- .subset(data, at)
  rows <- .row_names_info(data, 2L)
  if (rows == 0L || !are_numbers(all, as.numeric(rows))) return(terms)
  classes <- rep.int("numeric", length(names))
  names(classes) <- names
  attr(terms, "predvars") <- variables
  attr(terms, "dataClasses") <- classes
  own <- .row_names_info(data, 0L)
  attributes(all) <- list(names = names, terms = terms, row.names = if (length(own) == rows) own else c(NA_integer_, rows),
                          class = "data.frame")
  all
}

# The frame of evaluate_frame() where values are missing in some rows.
without_rows <- function(all, terms, missing, named) {
  if (named == "fail") refuse("missing values in object: ", described_missing(all, missing[1L]))
  if (named == "none" || named == "pass") {
    refuse("NA/NaN/Inf in the variables of the model: ", described_missing(all, missing[1L]))
  }
  names(missing) <- attr(all, "row.names")[missing]
  class(missing) <- named
  attr(all, "row.names") <- told_apart(attr(all, "row.names"), missing)
  list(all = all, terms = terms, omit = missing, said = missing, rows = nrow(all) - length(missing))
}

# The same vector in memory of its own.
own_copy <- function(x) {
  if (!length(x) || !is.atomic(x)) return(x)
  own <- attributes(x)
  x <- unclass(x)
  # what is shared is copied before it is written to
  x[1L] <- x[1L]
  attributes(x) <- own
  x
}

# Whole numbers of 64 bits are doubles whose bits are integers: without the methods of bit64, R's functions would take
# them for other numbers.
load_integer64 <- function(names, data, env) {
  # whose methods are there
  if (isNamespaceLoaded("bit64")) return()
  known <- if (is.list(data)) data
  for (name in names) {
    # not `[[`, whose method for data frames takes longer than the rest of a small fit
    x <- .subset2(known, name)
    if (is.null(x)) x <- get0(name, envir = env)
    if (is.object(x) && inherits(x, "integer64")) return(need_bit64(name))
  }
}

need_bit64 <- function(name) {
  if (!requireNamespace("bit64", quietly = TRUE)) refuse("`", name, "` is of class integer64; install the package bit64")
}

format_whole <- function(x) sprintf("%.0f", x)

# The same numbers without a shape.
unclassed64 <- function(x) structure(as.vector(unclass(x)), class = "integer64")

# Whole numbers of 64 bits as doubles, of the same shape; a warning names the first that is not the same number.
as_doubles <- function(x, name) {
  need_bit64(name)
  own <- attributes(x)[c("dim", "dimnames", "names")]
  y <- suppressWarnings(as.double(unclassed64(x)))
  # digits tell, where a double may be beyond the largest of them
  large <- which(abs(y) >= 2^53)
  rounded <- large[as.character(unclassed64(x)[large]) != format_whole(y[large])]
  attributes(y) <- own[lengths(own) > 0L]
  if (length(rounded)) {
    i <- rounded[1L]
    row <- if (is.null(own$dim)) i else (i - 1L) %% own$dim[1L] + 1L
    warning("`", name, "` has whole numbers beyond 2^53, which are rounded where they are taken as numbers: ",
            as.character(unclassed64(x)[i]), " in row ", row, " becomes ", format_whole(y[i]),
            "; as codes, such as factor(), they keep all digits", call. = FALSE)
  }
  y
}

# A model frame whose time series are plain numbers, as any na.action leaves them.
without_times <- function(all) {
  for (j in which(vapply(all, function(x) !is.null(attr(x, "tsp")), NA))) {
    x <- all[[j]]
    classes <- setdiff(oldClass(x), "ts")
    attr(x, "tsp") <- NULL
    attr(x, "class") <- if (length(classes)) classes
    all[[j]] <- x
  }
  all
}

# Row names as a data frame has them when rows are taken from it: those of the rows that are kept differ.
told_apart <- function(names, omit = NULL) {
  if (!is.character(names)) return(names)
  own <- if (is.null(omit)) seq_along(names) else seq_along(names)[-as.integer(omit)]
  if (anyDuplicated(names[own])) names[own] <- make.unique(names[own])
  names
}

described_missing <- function(frame, row) {
  bad <- names(frame)[vapply(frame, function(x) {
    anyNA(if (is.matrix(x)) x[row, ] else x[row])
  }, NA)]
  paste0("`", bad[1L], "` is missing in row ", attr(frame, "row.names")[row])
}

# A variable without the rows that are left out.
kept <- function(x, omit) {
  if (is.null(omit)) return(x)
  omit <- as.integer(omit)
  if (is.matrix(x)) x[-omit, , drop = FALSE] else x[-omit]
}

# Row names of the rows that are left, as row.names() of the model frame would be.
kept_row_names <- function(frame) {
  names <- attr(frame$all, "row.names")
  if (is.null(frame$omit)) names else names[-as.integer(frame$omit)]
}

# A factor without the levels that no kept row has; logical and character variables are what they are in a model
# matrix. list(codes, levels, ordered).
as_codes <- function(x, omit) {
  left_out <- as.integer(omit)
  if (is.character(x)) {
    levels <- sort(unique(as.vector(kept(x, omit))))
    return(list(codes = match(x, levels), levels = levels, ordered = FALSE))
  }
  levels <- levels(x)
  used <- used_levels(x, length(levels), left_out)
  codes <- x
  if (!all(used)) {
    place <- cumsum(used)
    place[!used] <- NA_integer_
    codes <- place[as.integer(x)]
    levels <- levels[used]
  }
  list(codes = codes, levels = levels, ordered = is.ordered(x))
}

# The model frame without the rows left out, its columns made when someone reads them.
lazy_frame <- function(e, frame) {
  if (is.null(frame$omit)) {
    out <- frame$all
    for (name in names(e$dropped)) out[[name]] <- kept_column(frame, e, name)
    attr(out, "terms") <- frame$terms
    attr(out, "na.action") <- frame$said
    return(out)
  }
  out <- lapply(names(frame$all), function(name) {
    x <- .subset2(frame$all, name)
    if (!typeof(x) %in% c("double", "integer", "logical", "character") || !is.null(attr(x, "tsp"))) {
      return(kept_column(frame, e, name))
    }
    columns <- if (is.matrix(x)) ncol(x) else 1L
    y <- lazy(typeof(x), as.numeric(frame$rows) * columns, e, paste0("model:", name))
    own <- attributes_of_kept(x, e$dropped[[name]])
    if (is.matrix(x)) {
      own$dim <- c(frame$rows, columns)
      names <- list(if (!is.null(rownames(x))) rownames(x)[-as.integer(frame$omit)], colnames(x))
      own$dimnames <- if (!is.null(dimnames(x))) stats::setNames(names, names(dimnames(x)))
    } else if (!is.null(names(x))) own$names <- names(x)[-as.integer(frame$omit)]
    for (a in names(own)) attr(y, a) <- own[[a]]
    y
  })
  names(out) <- names(frame$all)
  attr(out, "terms") <- frame$terms
  attr(out, "row.names") <- kept_row_names(frame)
  class(out) <- "data.frame"
  attr(out, "na.action") <- frame$said
  out
}

# One column of the model frame without the rows that are left out.
kept_column <- function(frame, e, name) {
  x <- .subset2(frame$all, name)
  y <- kept(x, frame$omit)
  levels <- e$dropped[[name]]
  if (is.null(frame$omit) && is.null(levels)) return(x)
  if (!is.null(levels)) y <- structure(match(as.character(y), levels), names = names(y))
  own <- attributes_of_kept(x, levels)
  for (a in names(own)) attr(y, a) <- own[[a]]
  y
}

# What model.frame() leaves of a column's attributes when rows are left out: all but names, shape and time. `levels` are
# those that are left, where some are not.
attributes_of_kept <- function(x, levels = NULL) {
  own <- attributes(x)
  own <- own[setdiff(names(own), c("names", "dim", "dimnames", "tsp"))]
  if (!is.null(levels)) {
    own$levels <- levels
    # they were for all levels
    own$contrasts <- NULL
  }
  own
}
