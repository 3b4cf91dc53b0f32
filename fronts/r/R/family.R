# Families: those the library has, and those it has not, which R evaluates between passes.

as_family <- function(family, env) {
  if (is.character(family)) family <- get(family, mode = "function", envir = env)
  if (is.function(family)) family <- family()
  if (is.null(family$family)) {
    print(family)
    refuse("'family' not recognized")
  }
  family
}

same_function <- function(a, b) identical(a, b, ignore.bytecode = TRUE, ignore.environment = TRUE, ignore.srcref = TRUE)

# Whether a family computes what R's own of that name computes.
same_family <- function(a, b) {
  same_function(a$linkfun, b$linkfun) && same_function(a$linkinv, b$linkinv) && same_function(a$mu.eta, b$mu.eta) &&
    same_function(a$variance, b$variance) && same_function(a$dev.resids, b$dev.resids)
}

# R's own families by name and link, each made once.
own_families <- new.env(parent = emptyenv())

# R's family of a name with a link, NULL where it has none.
own_family <- function(name, link) {
  key <- if (is.character(link)) paste0(name, "(", link, ")")
  own <- if (!is.null(key)) own_families[[key]]
  if (!is.null(own)) return(own)
  own <- tryCatch(suppressWarnings(getExportedValue("stats", name)(link = link)), error = function(e) NULL)
  if (!is.null(key) && !is.null(own)) assign(key, own, envir = own_families)
  own
}

exactly <- function(x) format(x, digits = 17L, trim = TRUE)

# The link as the library names it, or NULL.
native_link <- function(family) {
  link <- family$link
  if (link %in% c("identity", "log", "inverse", "1/mu^2", "sqrt", "logit", "probit", "cauchit", "cloglog")) return(link)
  if (startsWith(link, "mu^")) {
    lambda <- get0("lambda", environment(family$linkfun), inherits = FALSE)
    if (is.null(lambda)) lambda <- get0("link.lambda", environment(family$linkfun), inherits = FALSE)
    if (is.numeric(lambda) && same_function(family$linkfun, stats::power(lambda)$linkfun)) {
      return(paste0("power(", exactly(lambda), ")"))
    }
  }
  NULL
}

# The family as the library reads it, or NULL where it has none that computes the same.
native_family <- function(family) {
  if (identical(family$family, "Tweedie")) return(native_tweedie(family))
  link <- native_link(family)
  if (is.null(link)) return(NULL)
  reference <- function(...) tryCatch(suppressWarnings(...), error = function(e) NULL)
  name <- family$family
  linked <- if (startsWith(link, "power(")) stats::power(as.numeric(sub("power\\((.*)\\)", "\\1", link))) else link
  if (name %in% c("gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasibinomial", "quasipoisson")) {
    own <- own_family(name, linked)
    if (is.null(own) || !same_family(family, own)) return(NULL)
    return(paste0(name, "(", link, ")"))
  }
  if (name == "quasi") {
    variance <- family$varfun
    if (is.null(variance) || !variance %in% c("constant", "mu(1-mu)", "mu", "mu^2", "mu^3")) return(NULL)
    own <- reference(eval(substitute(stats::quasi(link = linked, variance = v), list(v = variance))))
    if (is.null(own) || !same_family(family, own)) return(NULL)
    return(paste0("quasi(link=", link, ",variance=", variance, ")"))
  }
  if (startsWith(name, "Negative Binomial(")) {
    theta <- get0(".Theta", environment(family$variance), inherits = FALSE)
    if (!is.numeric(theta) || !requireNamespace("MASS", quietly = TRUE)) return(NULL)
    own <- reference(MASS::negative.binomial(theta, link = linked))
    if (is.null(own) || !same_family(family, own)) return(NULL)
    return(paste0("negative.binomial(", exactly(theta), ",link=", link, ")"))
  }
  NULL
}

# tweedie() of statmod.
native_tweedie <- function(family) {
  if (!requireNamespace("statmod", quietly = TRUE)) return(NULL)
  power <- get0("p", environment(family$variance), inherits = FALSE)
  lambda <- get0("lambda", environment(family$linkfun), inherits = FALSE)
  known <- is.numeric(power) && is.numeric(lambda) && !(power > 0 && power < 1)
  if (!known || !same_family(family, statmod::tweedie(power, lambda))) return(NULL)
  paste0("tweedie(var.power=", exactly(power), ",link.power=", exactly(lambda), ")")
}

# y and prior weights as the family makes them of the response, for the rows that are kept.
family_start <- function(e) {
  own <- memory(e)
  if (is.null(own$start)) {
    frame <- rows_of(e)
    given <- function(what) {
      own <- .subset2(frame$all, what)
      if (!is.null(own)) kept(own, e$omit)
    }
    own$start <- initialized(e$request$family, kept(stats::model.response(frame$all, "any"), e$omit), weights_of(e),
                             e$rows, offset_of(e), e$row_names, start = e$request$start, etastart = given("(etastart)"),
                             mustart = given("(mustart)"))
  }
  own$start
}

initialized <- function(family, y, weights, nobs, offset = NULL, names = NULL, start = NULL, etastart = NULL,
                        mustart = NULL) {
  if (length(dim(y)) == 1L) y <- as.vector(y)
  if (is.null(weights)) weights <- rep.int(1, nobs)
  if (is.null(offset)) offset <- rep.int(0, nobs)
  n <- NULL
  here <- environment()
  suppressWarnings(eval(family$initialize, here))
  list(y = as.double(y), weights = as.double(weights), mustart = mustart)
}
