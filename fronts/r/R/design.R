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
  n <- nrow(frame$all)
  if (!is.null(contrasts) && !is.list(contrasts)) refuse("invalid 'contrasts.arg' argument")
  variables <- names(frame$all)[seq_along(attr(terms, "variables")[-1L])]
  factors <- attr(terms, "factors")
  has_terms <- length(factors) > 0L
  # what names the columns: the terms break lines where the frame has blanks
  texts <- if (has_terms) rownames(factors) else variables
  at_response <- attr(terms, "response")
  skipped <- c(attr(terms, "offset"), if (at_response > 0L) at_response)
  columns <- list(); widths <- integer(); names <- character(); levels <- list(); ordered <- integer()
  known <- list(); matrices <- list(); kept_contrasts <- list(); xlevels <- list(); dropped <- list()
  taken <- new.env(parent = emptyenv())
  add <- function(x, width, labels, own = NULL, is_ordered = FALSE) {
    columns[[length(columns) + 1L]] <<- x
    widths[length(columns)] <<- as.integer(width)
    levels[length(columns)] <<- list(own)
    ordered[length(columns)] <<- as.integer(is_ordered)
    fresh <- vapply(labels, function(label) {
      while (!is.null(taken[[label]])) label <- paste0(label, "\u200b")
      assign(label, TRUE, envir = taken)
      label
    }, "", USE.NAMES = FALSE)
    names <<- c(names, fresh)
    fresh
  }
  described <- function(text, own, suffixes = character(), contrast = "") {
    known[[length(known) + 1L]] <<- list(text = text, columns = own, suffixes = suffixes, contrast = contrast)
    length(known)
  }
  matrix_suffixes <- function(x) if (is.null(colnames(x))) as.character(seq_len(ncol(x))) else colnames(x)

  # 1. variables: the place of each by contrasts, and by indicators
  place <- matrix(0L, length(variables), 2L)
  is_factor <- logical(length(variables))
  for (v in seq_along(variables)) {
    name <- variables[v]
    if (v %in% skipped) next
    x <- frame$all[[v]]
    if (is.factor(x) || is.logical(x) && !is.matrix(x) || is.character(x)) {
      is_factor[v] <- TRUE
      # both logical values are levels, whether rows have them or not
      own <- if (is.logical(x)) list(codes = x, levels = c("FALSE", "TRUE"), ordered = FALSE)
             else as_codes(x, frame$omit)
      if (!is.logical(x)) {
        xlevels[[name]] <- own$levels
        if (is.factor(x) && length(own$levels) < nlevels(x)) dropped[[name]] <- own$levels
      }
      in_terms <- has_terms && any(factors[v, ] > 0L)
      contrast <- contrasts_of(name, x, own$levels, own$ordered, contrasts)
      kept_contrasts[[name]] <- contrast$value
      fresh <- add(own$codes, 1L, name, if (!is.logical(x)) own$levels, own$ordered)
      place[v, ] <- described(texts[v], fresh, contrast = if (in_terms) contrast$name else "")
      if (!is.null(contrast$matrix) && in_terms) {
        codes <- if (is.logical(x)) x + 1L else as.integer(own$codes)
        expanded <- unname(contrast$matrix)[codes, , drop = FALSE]
        suffixes <- matrix_suffixes(contrast$matrix)
        fresh <- add(expanded, ncol(expanded), paste0(name, suffixes))
        place[v, 1L] <- if (length(suffixes) == 1L) described(paste0(texts[v], suffixes), fresh)
                        else described(texts[v], fresh, suffixes)
        matrices[[name]] <- unname(contrast$matrix)
      }
    } else {
      x <- as_numbers(x, name)
      fresh <- if (is.matrix(x)) add(x, ncol(x), paste0(name, matrix_suffixes(x))) else add(x, 1L, name)
      suffixes <- if (is.matrix(x) && ncol(x) > 1L) matrix_suffixes(x) else character()
      place[v, ] <- described(texts[v], fresh, suffixes)
    }
  }
  unknown <- setdiff(names(contrasts), variables[is_factor])
  if (length(unknown)) {
    warning(if (unknown[1L] %in% variables) gettextf("variable '%s' is not a factor, its contrast will be ignored", unknown[1L])
            else gettextf("variable '%s' is absent, its contrast will be ignored", unknown[1L]), domain = NA, call. = FALSE)
  }
  # 2. the response
  text <- if (at_response > 0L) variables[at_response] else "y"
  own <- if (is.matrix(response)) {
    labels <- colnames(response)
    if (is.null(labels)) labels <- paste0("Y", seq_len(ncol(response)))
    described(text, add(response, ncol(response), paste0(text, labels)), labels)
  } else described(text, add(response, 1L, text))
  if (at_response > 0L) place[at_response, ] <- own
  # 3. terms
  labels <- attr(terms, "term.labels")
  term_variables <- list(); term_codings <- list()
  full <- attr(terms, "intercept") == 1L
  own_terms <- seq_along(labels)
  if (at_response > 0L && has_terms) {
    # as model.matrix(): the response is no predictor of its own
    itself <- own_terms[factors[at_response, ] > 0L & colSums(factors > 0L) == 1L]
    if (length(itself)) {
      warning("the response appeared on the right-hand side and was dropped", call. = FALSE)
      own_terms <- own_terms[-itself]
    }
  }
  if (at_response > 0L && has_terms && is.factor(frame$all[[at_response]]) && any(factors[at_response, own_terms] > 0L)) {
    refuse("the response `", variables[at_response], "` is a factor and stands in an interaction")
  }
  for (t in own_terms) {
    coding <- factors[, t]
    members <- which(coding > 0L)
    coding <- coding[members]
    if (!full && any(is_factor[members]) && !at_response %in% members) {
      # without an intercept the first factor has a column for each level
      coding[which(is_factor[members])[1L]] <- 2L
      full <- TRUE
    }
    term_variables[[length(term_variables) + 1L]] <- as.integer(place[cbind(members, ifelse(coding == 2L & is_factor[members], 2L, 1L))])
    term_codings[[length(term_codings) + 1L]] <- as.integer(coding)
  }
  one <- function(x, label) if (is.null(x)) "" else add(x, 1L, label)
  model <- list(
    variables = vapply(known, `[[`, "", "text"),
    response = own,
    intercept = attr(terms, "intercept") == 1L,
    labels = as.character(labels)[own_terms], term_variables = term_variables, term_codings = term_codings,
    contrasts = vapply(known, `[[`, "", "contrast"),
    weights = one(weights, "(weights)"), offset = one(offset, "(offset)"),
    formula = paste(deparse(stats::formula(terms), width.cutoff = 500L), collapse = " "),
    tol = as.numeric(tol), precision = precision)
  model$variable_columns <- lapply(known, `[[`, "columns")
  model$variable_suffixes <- lapply(known, function(k) k$suffixes)
  model$start_column <- one(start, "(start)")
  list(columns = list(columns = columns, widths = widths, names = names, levels = levels, ordered = ordered,
                      rows = as.numeric(n)),
       model = model,
       contrasts = if (length(kept_contrasts)) kept_contrasts,
       xlevels = if (length(variables) > (at_response > 0L)) structure(xlevels, names = as.character(names(xlevels))),
       dropped = if (length(dropped)) dropped, own_terms = own_terms,
       place = list(variables = variables, is_factor = is_factor, known = known, place = place,
                    matrices = matrices))
}

# The columns of other rows for a model that was described: `frame` is a model frame of the terms without response.
describe_rows <- function(design, frame, offset = NULL) {
  columns <- list(); widths <- integer(); names <- character(); levels <- list(); ordered <- integer()
  n <- nrow(frame)
  add <- function(x, own, labels = NULL, is_ordered = FALSE) {
    columns[[length(columns) + 1L]] <<- x
    widths[length(columns)] <<- length(own)
    levels[length(columns)] <<- list(labels)
    ordered[length(columns)] <<- as.integer(is_ordered)
    names <<- c(names, own)
  }
  place <- design$place
  for (v in seq_along(place$variables)) {
    at <- place$place[v, ]
    name <- place$variables[v]
    if (all(at == 0L) || is.null(frame[[name]])) next
    x <- frame[[name]]
    own <- place$known[[at[2L]]]
    if (place$is_factor[v]) {
      known <- design$xlevels[[name]]
      codes <- if (is.null(known)) x else match(as.character(x), known)
      if (!is.null(known) && is.factor(x) && identical(levels(x), known)) codes <- x
      add(codes, own$columns, known, is.ordered(x))
      if (at[1L] != at[2L]) {
        expanded <- place$matrices[[name]][if (is.null(known)) x + 1L else as.integer(codes), , drop = FALSE]
        add(expanded, place$known[[at[1L]]]$columns)
      }
    } else add(as_numbers(x, name), own$columns)
  }
  if (!is.null(offset)) add(as.numeric(offset), "(offset)")
  list(columns = columns, widths = widths, names = names, levels = levels, ordered = ordered, rows = as.numeric(n))
}
