# Rows of a path: the columns of a matrix or of a formula, the response as glmnet takes it, weights and offset.

# A matrix or data frame of numbers where it lies: as `columns_of`, and `shown`, the names of the coefficients.
path_columns <- function(x) {
  if (isS4(x) && inherits(x, "sparseMatrix")) return(sparse_path_columns(x))
  if (isS4(x) && inherits(x, "Matrix")) x <- as.matrix(x)
  if (is.data.frame(x)) {
    bad <- which(!vapply(x, function(v) (is.numeric(v) || is.logical(v)) && !is.factor(v), NA))
    if (length(bad)) {
      refuse("x has a column that is not numbers, `", names(x)[bad[1L]], "`: with a formula, as in nd_glmnet(y ~ ., data), ",
             "factors have an indicator for each level")
    }
  } else if (!is.matrix(x) || !(is.numeric(x) || is.logical(x))) {
    refuse("x should be a matrix of numbers, and is ", if (is.matrix(x)) paste("one of type", typeof(x)) else
           paste("of class", class(x)[1L]))
  }
  if (!nrow(x) || !ncol(x)) refuse("x has ", nrow(x), " rows and ", ncol(x), " columns: there is nothing to fit")
  columns <- columns_of(x)
  labels <- columns$labels
  columns$shown <- if (is.null(labels)) paste0("V", seq_along(columns$names)) else labels
  columns
}

# The same of a sparse matrix: `sparse`, its slots, and no columns in `library`.
sparse_path_columns <- function(x) {
  if (!all(attr(x, "Dim") > 0L)) {
    refuse("x has ", attr(x, "Dim")[1L], " rows and ", attr(x, "Dim")[2L], " columns: there is nothing to fit")
  }
  columns <- columns_of(x)
  columns$library <- list(columns = list(), widths = integer(), names = character(), levels = list(), ordered = integer(),
                          rows = columns$rows)
  columns$shown <- if (is.null(columns$labels)) paste0("V", seq_along(columns$names)) else columns$labels
  columns$sparse$names <- columns$names
  columns
}

# The family of a path: `native`, as the library reads it; `kind`, the class that glmnet gives such a path; `name`; and `object`.
path_family <- function(family, env) {
  if (is.character(family)) {
    if (length(family) != 1L) refuse("family: ", deparse(family)[1L], " is not one name")
    kinds <- c(gaussian = "elnet", binomial = "lognet", poisson = "fishnet", cox = "coxnet", multinomial = "multnet",
               mgaussian = "mrelnet")
    if (!family %in% names(kinds)) {
      refuse("family: \"", family, "\" is none of ", paste0("\"", names(kinds), "\"", collapse = ", "), "; others are given as objects, such as ",
             "Gamma(\"log\")")
    }
    # the library takes families of several responses by an element of their own
    native <- if (family %in% c("multinomial", "mgaussian")) "gaussian" else family
    return(list(native = native, kind = kinds[[family]], name = family, object = NULL))
  }
  if (is.function(family)) family <- family()
  if (!inherits(family, "family")) refuse("Invalid family argument; must be either character, function or family object")
  native <- native_family(family)
  if (is.null(native)) {
    refuse("family: the library has none that computes what ", family$family, "(", family$link, ") does, and paths of ",
           "families of R's functions are not offered yet")
  }
  list(native = native, kind = "glmnetfit", name = family$family, object = family)
}

# The response, called `name` by the user: `y`, numbers or two columns of counts, those of the target first; `classnames` of two classes.
# Rows `omit` do not count.
path_response <- function(y, family, omit = NULL, strata = NULL, name = "y") {
  if (family$kind == "coxnet") return(list(y = survival_response(y, strata, name)))
  if (inherits(y, "Surv")) refuse(name, " is a survival time, and the ", family$name, " family needs numbers; family = \"cox\" is for it")
  if (family$kind == "lognet") return(class_response(y, omit, name))
  if (family$kind == "multnet") return(multinomial_response(y, omit, name))
  if (family$kind == "mrelnet") return(mgaussian_response(y, name))
  if (family$kind == "glmnetfit") {
    frame <- list(all = list(y = y), terms = structure(list(), response = 1L))
    return(list(y = plain(generalized_response(frame, family$object))))
  }
  if (is.matrix(y) && ncol(y) > 1L) {
    refuse(name, " has ", ncol(y), " columns; the ", family$name, " family takes one",
           if (family$name == "gaussian") "; \"mgaussian\" takes several")
  }
  if (!(is.numeric(y) || is.logical(y)) || is.factor(y)) {
    refuse(name, " is ", if (is.factor(y)) "a factor" else if (is.character(y)) "text" else paste("of class", class(y)[1L]),
           ", and the ", family$name, " family needs numbers")
  }
  if (family$name == "poisson" && any(y < 0, na.rm = TRUE)) {
    refuse("negative responses encountered;  not permitted for Poisson family: ", y[which(y < 0)[1L]], " in row ",
           which(y < 0)[1L])
  }
  list(y = plain(y))
}

# Times and status side by side, and the number of the stratum as a last column where there are strata.
survival_response <- function(y, strata, name) {
  if (inherits(y, "Surv")) {
    type <- attr(y, "type")
    if (!type %in% c("right", "counting")) {
      refuse(name, " is a Surv object of type '", type, "'; a Cox model takes those of type 'right' or 'counting'")
    }
    own <- attr(y, "strata")
    if (!is.null(own) && !inherits(y, "stratifySurv")) {
      refuse("For fitting stratified Cox models, y must be of class stratifySurv, see ?stratifySurv for more details")
    }
    if (!is.null(own)) strata <- if (is.null(strata)) own else interaction(own, strata, drop = TRUE)
    y <- matrix(as.double(unclass(y)), nrow(y))
  } else {
    if (is.data.frame(y)) y <- as.matrix(y)
    names <- colnames(y)
    columns <- list(c("start", "stop", "status"), c("start", "time", "status"), c("time", "status"))
    columns <- Filter(function(own) all(own %in% names), columns)
    if (!is.matrix(y) || !(is.numeric(y) || is.logical(y)) || !length(columns)) {
      refuse("Cox model requires a matrix with columns 'time' (>0) and 'status' (binary) as a response; a 'Surv' object suffices")
    }
    y <- matrix(as.double(y[, columns[[1L]]]), nrow(y))
  }
  if (is.null(strata)) return(y)
  cbind(y, `(stratum)` = as.double(as.integer(as.factor(strata))))
}

# Suffixes of the response's columns.
response_labels <- function(y) {
  labels <- as.character(seq_len(ncol(y)))
  if ("(stratum)" %in% colnames(y)) labels[ncol(y)] <- "(stratum)"
  labels
}

# TRUE for a model that has no intercept; one that is asked for is an error.
without_intercept <- function(family, asked) {
  if (family$kind != "coxnet") return(FALSE)
  if (asked) refuse("intercept: a Cox model has none, its baseline hazard takes that place; leave the argument out")
  TRUE
}

# The strata of a formula's frame, and the frame without these terms.
strata_of <- function(frame) {
  terms <- frame$terms
  variables <- as.list(attr(terms, "variables"))[-1L]
  is_strata <- function(v) is.call(v) && deparse(v[[1L]])[1L] %in% c("strata", "survival::strata")
  own <- which(vapply(variables, is_strata, NA))
  if (!length(own)) return(list(strata = NULL, frame = frame))
  factors <- attr(terms, "factors")
  used <- colSums(factors[own, , drop = FALSE] > 0L) > 0L
  mixed <- used & attr(terms, "order") > 1L
  if (any(mixed)) {
    refuse("`", colnames(factors)[which(mixed)[1L]], "`: strata() stands alone among the terms; it has no coefficient that another ",
           "could interact with")
  }
  strata <- if (length(own) == 1L) frame$all[[own]] else interaction(lapply(own, function(v) frame$all[[v]]), drop = TRUE)
  left <- setdiff(seq_along(variables), own)
  attr(terms, "variables") <- attr(terms, "variables")[c(1L, left + 1L)]
  if (!is.null(attr(terms, "predvars"))) attr(terms, "predvars") <- attr(terms, "predvars")[c(1L, left + 1L)]
  attr(terms, "factors") <- factors[left, !used, drop = FALSE]
  attr(terms, "term.labels") <- attr(terms, "term.labels")[!used]
  attr(terms, "order") <- attr(terms, "order")[!used]
  attr(terms, "response") <- match(attr(terms, "response"), left)
  if (!is.null(attr(terms, "offset"))) attr(terms, "offset") <- match(attr(terms, "offset"), left)
  if (!is.null(attr(terms, "dataClasses"))) attr(terms, "dataClasses") <- attr(terms, "dataClasses")[-own]
  frame$terms <- terms
  said <- attr(frame$all, "terms")
  frame$all <- frame$all[-own]
  if (!is.null(said)) attr(frame$all, "terms") <- terms
  list(strata = strata, frame = frame)
}

# Numbers without names and shape, but for those of several columns.
plain <- function(y) {
  if (inherits(y, "integer64")) y <- as_doubles(y, "y")
  if (is.matrix(y) && ncol(y) > 1L) return(y)
  if (is.logical(y)) as.double(y) else as.vector(unclass(y))
}

# Two classes, of which the second is the target.
class_response <- function(y, omit, name) {
  many <- "More than two classes; use multinomial family instead in call to nd_glmnet, family = \"multinomial\": "
  if (is.data.frame(y)) y <- as.matrix(y)
  if (is.matrix(y) && ncol(y) > 1L) {
    if (ncol(y) > 2L) refuse(many, name, " has ", ncol(y), " columns")
    if (!is.numeric(y)) refuse(name, " is a matrix of type ", typeof(y), "; two columns of counts are numbers")
    return(list(y = y[, 2:1], classnames = colnames(y)))
  }
  if (is.matrix(y)) y <- y[, 1L]
  f <- if (is.factor(y)) y else as.factor(y)
  levels <- levels(f)
  if (length(levels) > 2L) {
    refuse(many, name, " has ", length(levels), if (is.factor(y)) " levels" else " different values")
  }
  counts <- tabulate(kept(f, omit), max(2L, length(levels)))
  if (min(counts) <= 1L) {
    refuse("one multinomial or binomial class has 1 or 0 observations; not allowed: ", name, ", of which ",
           paste0("\"", levels, "\" has ", counts[seq_along(levels)], collapse = ", "))
  }
  if (min(counts) < 8L) {
    warning(simpleWarning("one multinomial or binomial class has fewer than 8  observations; dangerous ground", user_call()))
  }
  list(y = as.double(as.integer(f) - 1L), classnames = levels)
}

path_offset <- function(offset, family, n) {
  if (is.null(offset)) return(NULL)
  if (!is.numeric(offset)) refuse("offset: it is not numbers")
  widest <- if (family$kind == "lognet") 2L else 1L
  if (NROW(offset) != n || NCOL(offset) > widest) {
    refuse("offset should have the same number of values as observations: ", paste(NROW(offset), "x", NCOL(offset)), " for ", n)
  }
  as.vector(if (is.matrix(offset)) offset[, 1L] else offset)
}

# Refuses missing values, with their row.
check_complete <- function(columns, n) {
  columns <- columns[lengths(columns) > 0L]
  for (name in names(columns)) {
    bad <- incomplete_rows(list(unclass(columns[[name]])), as.numeric(n))
    if (length(bad)) refuse(name, " has missing values: the first is in row ", bad[1L])
  }
}

check_path_weights <- function(weights) {
  if (is.null(weights)) return()
  if (!is.numeric(weights)) refuse("'weights' must be a numeric vector")
  bad <- which(weights < 0 | is.infinite(weights))
  if (length(bad)) refuse("missing or negative weights not allowed: weight ", weights[bad[1L]], " in row ", bad[1L])
  if (!any(weights > 0)) refuse("No positive observation weights")
}

# The model frame of a formula's path.
path_frame <- function(call, env, default_action, na.action, formula, data) {
  na <- list(set = !default_action, value = na.action)
  evaluate_frame(call, env, na, c(list(formula = formula), if ("data" %in% names(call)) list(data = data)))
}

# The description of a formula's columns in which factors have an indicator for each level, but for `contrasts` on request.
indicators <- function(frame, y, contrasts, weights, offset, precision) {
  at <- attr(frame$terms, "response")
  variables <- names(frame$all)[seq_along(attr(frame$terms, "variables")[-1L])]
  coded <- vapply(variables, function(v) {
    x <- frame$all[[v]]
    is.factor(x) || is.character(x) || is.logical(x) && !is.matrix(x)
  }, NA)
  own <- setdiff(variables[coded], c(variables[at], names(contrasts)))
  for (v in own) attr(frame$all[[v]], "contrasts") <- NULL
  filled <- c(contrasts, stats::setNames(as.list(rep("contr.treatment", length(own))), own))
  design <- describe_model(frame, y, if (length(filled)) filled, weights, offset, precision = precision)
  design$model$contrasts[design$place$place[match(own, variables), ]] <- ""
  design$contrasts <- design$contrasts[intersect(names(design$contrasts), names(contrasts))]
  design
}
