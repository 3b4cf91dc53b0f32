# What the library needs to know of a model: its columns, and what the terms make of them.

builtin_contrasts <- c(contr.treatment = "treatment", contr.sum = "sum", contr.helmert = "helmert",
                       contr.poly = "poly", contr.SAS = "SAS")

# The contrasts of a factor: what lm keeps in `contrasts`, and how the library is told: a name, or a matrix of any shape,
# as model.matrix() finds them. `levels` are those that rows have; contrasts of `x` itself are for all of its levels.
contrasts_of <- function(name, x, levels, ordered, given) {
  value <- given[[name]]
  own <- attr(x, "contrasts")
  if (is.factor(x) && !is.null(own) && length(levels) < nlevels(x)) {
    warning(gettextf("contrasts dropped from factor %s due to missing levels", name), domain = NA, call. = FALSE)
    own <- NULL
  }
  if (length(levels) < 2L) {
    refuse("contrasts can be applied only to factors with 2 or more levels: `", name, "` has ",
         if (length(levels)) paste0("only the level \"", levels, "\"") else "no level")
  }
  default <- getOption("contrasts")[[1L + ordered]]
  chosen <- if (!is.null(value)) value else if (!is.null(own)) own else default
  if (is.character(chosen) && length(chosen) == 1L && chosen %in% names(builtin_contrasts)) {
    own <- builtin_contrasts[[chosen]]
    if (own == "SAS") own <- paste0("treatment:", length(levels) - 1L)
    return(list(value = chosen, name = own, matrix = NULL))
  }
  f <- factor(levels, levels = levels, ordered = ordered)
  if (is.null(value) && !is.null(own)) attr(f, "contrasts") <- own
  else if (is.matrix(chosen)) stats::contrasts(f, ncol(chosen)) <- chosen
  else stats::contrasts(f) <- chosen
  matrix <- as.matrix(stats::contrasts(f))
  if (nrow(matrix) != length(levels)) {
    refuse("the contrasts of `", name, "` have ", nrow(matrix), " rows, and the factor has ", length(levels), " levels")
  }
  list(value = attr(f, "contrasts"), name = "", matrix = matrix)
}

# Numbers of a variable as the library reads them: vectors of doubles, integers, logical values, factors.
as_numbers <- function(x, name) {
  if (inherits(x, "integer64")) return(as_doubles(x, name))
  if (is.numeric(x) || inherits(x, c("Date", "POSIXct", "difftime"))) return(x)
  if (is.complex(x)) refuse("`", name, "` is complex; only real numbers can be in the model")
  refuse("variables of type '", typeof(x), "' are invalid in a model: `", name, "`")
}

# The description of a model to the library. `response` is a vector or matrix for all rows of the frame.
#
# The result: `columns` and `model`, both for the library; `contrasts` and `xlevels` as lm returns them; `dropped`, the
# levels of factors some of whose levels no row has.
describe_model <- function(frame, response, contrasts = NULL, weights = NULL, offset = NULL, start = NULL,
                           tol = NA_real_, precision = "auto") {
  terms <- frame$terms
  if (!is.null(contrasts) && !is.list(contrasts)) refuse("invalid 'contrasts.arg' argument")
  variables <- names(frame$all)[seq_len(length(attr(terms, "variables")) - 1L)]
  factors <- attr(terms, "factors")
  has_terms <- length(factors) > 0L
  # what names the columns: the terms break lines where the frame has blanks
  texts <- if (has_terms) dimnames(factors)[[1L]] else variables
  at_response <- attr(terms, "response")
  skipped <- c(attr(terms, "offset"), if (at_response > 0L) at_response)
  made <- new_columns_list()

  # 1. variables: the place of each by contrasts, and by indicators
  place <- matrix(0L, length(variables), 2L)
  is_factor <- logical(length(variables))
  found <- list(contrasts = list(), xlevels = list(), dropped = list(), matrices = list())
  for (v in seq_along(variables)) {
    if (v %in% skipped) next
    name <- variables[v]
    x <- .subset2(frame$all, v)
    if (is.factor(x) || is.character(x) || is.logical(x) && !is.matrix(x)) {
      is_factor[v] <- TRUE
      in_terms <- has_terms && any(factors[v, ] > 0L)
      found <- describe_factor(made, found, x, name, texts[v], frame$omit, contrasts, in_terms)
      place[v, ] <- found$place
      next
    }
    x <- as_numbers(x, name)
    place[v, ] <- if (!is.matrix(x)) add_variable(made, texts[v], add_column(made, x, name))
      else {
        suffixes <- matrix_suffixes(x)
        add_variable(made, texts[v], add_matrix(made, x, paste0(name, suffixes)), if (ncol(x) > 1L) suffixes else character())
      }
  }
  if (length(contrasts)) check_contrasts(names(contrasts), variables, variables[is_factor])
  # 2. the response
  text <- if (at_response > 0L) variables[at_response] else "y"
  own <- if (is.matrix(response)) {
    labels <- colnames(response)
    if (is.null(labels)) labels <- paste0("Y", seq_len(ncol(response)))
    add_variable(made, text, add_matrix(made, response, paste0(text, labels)), labels)
  } else add_variable(made, text, add_column(made, response, text))
  if (at_response > 0L) place[at_response, ] <- own
  # 3. terms, and the columns that have roles of their own
  terms_of <- describe_terms(frame, factors, at_response, variables, is_factor, place)
  one <- function(x, label) if (is.null(x)) "" else add_column(made, x, label)
  model <- list(
    variables = made$texts, response = own, intercept = attr(terms, "intercept") == 1L,
    labels = attr(terms, "term.labels")[terms_of$own], term_variables = terms_of$variables,
    term_codings = terms_of$codings, contrasts = made$contrasts,
    weights = one(weights, "(weights)"), offset = one(offset, "(offset)"), tol = as.numeric(tol), precision = precision,
    variable_columns = made$own, variable_suffixes = made$suffixes, start_column = one(start, "(start)"))
  xlevels <- if (length(variables) > (at_response > 0L)) found$xlevels
  if (!is.null(xlevels) && !length(xlevels)) names(xlevels) <- character()
  list(columns = library_columns(made, nrow(frame$all)), model = model,
       contrasts = if (length(found$contrasts)) found$contrasts, xlevels = xlevels,
       dropped = if (length(found$dropped)) found$dropped, own_terms = terms_of$own,
       place = list(variables = variables, is_factor = is_factor, columns = made$own, place = place,
                    matrices = found$matrices))
}

matrix_suffixes <- function(x) if (is.null(colnames(x))) as.character(seq_len(ncol(x))) else colnames(x)

# The columns and variables of a description while it is made, which grows in place.
new_columns_list <- function() {
  made <- new.env(parent = emptyenv())
  made$columns <- made$levels <- made$own <- made$suffixes <- list()
  made$widths <- made$ordered <- integer()
  made$names <- made$texts <- made$contrasts <- character()
  made$taken <- new.env(parent = emptyenv())
  made
}

library_columns <- function(made, rows) {
  list(columns = made$columns, widths = made$widths, names = made$names, levels = made$levels, ordered = made$ordered,
       rows = as.numeric(rows))
}

# Adds a vector under a name that no other column has; the name.
add_column <- function(made, x, label, levels = NULL, ordered = FALSE) {
  add_vector(made, x, 1L, own_name(made, label), levels, ordered)
}

# Adds the columns of a matrix in the same way.
add_matrix <- function(made, x, labels) {
  for (k in seq_along(labels)) labels[k] <- own_name(made, labels[k])
  add_vector(made, x, length(labels), labels)
}

own_name <- function(made, label) {
  while (!is.null(made$taken[[label]])) label <- paste0(label, "\u200b")
  assign(label, TRUE, envir = made$taken)
  label
}

add_vector <- function(made, x, width, labels, levels = NULL, ordered = FALSE) {
  k <- length(made$columns) + 1L
  made$columns[[k]] <- x
  made$widths[k] <- width
  made$levels[k] <- list(levels)
  made$ordered[k] <- as.integer(ordered)
  made$names <- c(made$names, labels)
  labels
}

# Adds a variable that columns have; its place among the variables.
add_variable <- function(made, text, columns, suffixes = character(), contrast = "") {
  k <- length(made$texts) + 1L
  made$texts[k] <- text
  made$own[[k]] <- columns
  made$suffixes[[k]] <- suffixes
  made$contrasts[k] <- contrast
  k
}

# Adds a factor, or what is one in a model. To what was `found` of others: contrasts, levels, and the variable's place.
describe_factor <- function(made, found, x, name, text, omit, given, in_terms) {
  # both logical values are levels, whether rows have them or not
  own <- if (is.logical(x)) list(codes = x, levels = c("FALSE", "TRUE"), ordered = FALSE) else as_codes(x, omit)
  if (!is.logical(x)) {
    found$xlevels[[name]] <- own$levels
    if (is.factor(x) && length(own$levels) < nlevels(x)) found$dropped[[name]] <- own$levels
  }
  contrast <- contrasts_of(name, x, own$levels, own$ordered, given)
  found$contrasts[[name]] <- contrast$value
  fresh <- add_column(made, own$codes, name, if (!is.logical(x)) own$levels, own$ordered)
  found$place <- rep(add_variable(made, text, fresh, contrast = if (in_terms) contrast$name else ""), 2L)
  if (!is.null(contrast$matrix) && in_terms) {
    codes <- if (is.logical(x)) x + 1L else as.integer(own$codes)
    expanded <- unname(contrast$matrix)[codes, , drop = FALSE]
    suffixes <- matrix_suffixes(contrast$matrix)
    fresh <- add_matrix(made, expanded, paste0(name, suffixes))
    found$place[1L] <- if (length(suffixes) == 1L) add_variable(made, paste0(text, suffixes), fresh)
                       else add_variable(made, text, fresh, suffixes)
    found$matrices[[name]] <- unname(contrast$matrix)
  }
  found
}

# Contrasts that are given for what is no factor of the model.
check_contrasts <- function(given, variables, factors) {
  unknown <- setdiff(given, factors)
  if (length(unknown)) {
    warning(if (unknown[1L] %in% variables) gettextf("variable '%s' is not a factor, its contrast will be ignored", unknown[1L])
            else gettextf("variable '%s' is absent, its contrast will be ignored", unknown[1L]), domain = NA, call. = FALSE)
  }
}

# The terms by the places of their variables: list(own, variables, codings), `own` being those that are in the model.
describe_terms <- function(frame, factors, at_response, variables, is_factor, place) {
  full <- attr(frame$terms, "intercept") == 1L
  own <- seq_along(attr(frame$terms, "term.labels"))
  if (at_response > 0L && length(own) && any(factors[at_response, ] > 0L)) {
    # as model.matrix(): the response is no predictor of its own
    itself <- own[factors[at_response, ] > 0L & colSums(factors > 0L) == 1L]
    if (length(itself)) {
      warning("the response appeared on the right-hand side and was dropped", call. = FALSE)
      own <- own[-itself]
    }
    if (is.factor(.subset2(frame$all, at_response)) && any(factors[at_response, own] > 0L)) {
      refuse("the response `", variables[at_response], "` is a factor and stands in an interaction")
    }
  }
  term_variables <- term_codings <- vector("list", length(own))
  some <- any(is_factor)
  for (k in seq_along(own)) {
    coding <- factors[, own[k]]
    members <- which(coding > 0L)
    coding <- as.integer(coding[members])
    if (some && !full && any(is_factor[members]) && !at_response %in% members) {
      # without an intercept the first factor has a column for each level
      coding[which(is_factor[members])[1L]] <- 2L
      full <- TRUE
    }
    by <- if (some) 1L + (coding == 2L & is_factor[members]) else 1L
    term_variables[[k]] <- if (some) place[cbind(members, by)] else place[members, 1L]
    term_codings[[k]] <- coding
  }
  list(own = own, variables = term_variables, codings = term_codings)
}

# The columns of other rows for a model that was described: `frame` is a model frame of the terms without response.
describe_rows <- function(design, frame, offset = NULL) {
  made <- new_columns_list()
  place <- design$place
  for (v in seq_along(place$variables)) {
    at <- place$place[v, ]
    name <- place$variables[v]
    x <- if (any(at != 0L)) .subset2(frame, name)
    if (is.null(x)) next
    own <- place$columns[[at[2L]]]
    if (place$is_factor[v]) {
      known <- design$xlevels[[name]]
      codes <- if (is.null(known)) x else match(as.character(x), known)
      if (!is.null(known) && is.factor(x) && identical(levels(x), known)) codes <- x
      add_vector(made, codes, length(own), own, known, is.ordered(x))
      if (at[1L] != at[2L]) {
        expanded <- place$matrices[[name]][if (is.null(known)) x + 1L else as.integer(codes), , drop = FALSE]
        own <- place$columns[[at[1L]]]
        add_vector(made, expanded, length(own), own)
      }
    } else add_vector(made, as_numbers(x, name), length(own), own)
  }
  if (!is.null(offset)) add_vector(made, as.numeric(offset), 1L, "(offset)")
  library_columns(made, nrow(frame))
}
