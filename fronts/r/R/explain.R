nd_explain <- function(fit) {
  if (inherits(fit, "nd_cv_glmnet")) fit <- fit$glmnet.fit
  if (inherits(fit, "nd_glmnet")) return(path_report(core(fit)$report))
  if (inherits(fit, "nd_prcomp")) return(components_report(core(fit)$found))
  e <- core(fit)
  library <- fit_of(e)
  if (is.null(library)) refuse("the report of this fit was not kept; fit it again")
  report <- library$report()
  report$passes <- as.data.frame(report$passes)
  if (isTRUE(e$custom)) {
    # what the last weighted fit knows of its digits says nothing of an iteration whose functions are R's
    own <- memory(e)$report
    report$algorithm <- "fisher scoring with the family's R functions"
    report$digits <- report$written <- c(NA_real_, NA_real_)
    report$refinements <- own$steps
    report$passes <- do.call(rbind, lapply(own$passes, named_passes))
  }
  class(report) <- "nd_report"
  report
}

# The passes of one step of an iteration.
named_passes <- function(of) {
  passes <- as.data.frame(of$report$passes)
  passes$pass <- paste0(of$name, ", ", passes$pass)
  passes
}

report_line <- function(name, value) cat(formatC(name, width = -12L), value, "\n", sep = "")
report_digits <- function(d) if (is.na(d)) "none" else formatC(d, digits = 1L, format = "f")

# Digits say nothing of the rounding of columns that the formula computes.
report_computed <- function(columns) {
  if (length(columns)) report_line("", paste0("with these as computed: ", paste(columns, collapse = ", ")))
}

print.nd_report <- function(x, digits = 3L, ...) {
  report_line("algorithm", x$algorithm)
  report_line("device", paste0(x$device, ", ", x$precision))
  report_line("condition", formatC(x$condition, digits = digits, format = "g"))
  known <- function(d, what) paste0("coefficients ", report_digits(d[1L]), ", standard errors ", report_digits(d[2L]), what)
  report_line("digits", if (all(is.na(x$digits))) "no claim" else known(x$digits, " (known to be right)"))
  if (!identical(x$digits, x$written)) report_line("", known(x$written, " (for decimals as they were written)"))
  report_computed(x$computed)
  report_line("refinements", x$refinements)
  for (note in x$notes) report_line("note", note)
  print_passes(x$passes)
  invisible(x)
}

print_passes <- function(p) {
  if (!nrow(p)) return()
  cat("\n")
  print(data.frame(pass = p$pass, device = p$device, precision = p$precision, rows = format(p$rows, big.mark = ","),
                   MB = formatC(p$bytes / 1e6, digits = 1L, format = "f"),
                   ms = formatC(1e3 * p$seconds, digits = 2L, format = "f")), row.names = FALSE, right = FALSE)
}

# What there is to compute on.
nd_devices <- function() {
  found <- rust(devices())
  blank <- function(x) ifelse(nzchar(x), x, NA_character_)
  out <- data.frame(device = found$device, name = blank(found$name), memory_gb = round(found$memory / 1e9, 1),
                    gb_per_s = round(found$bandwidth / 1e9), software = blank(found$software),
                    missing = blank(found$missing))
  class(out) <- c("nd_devices", "data.frame")
  out
}

print.nd_devices <- function(x, ...) {
  there <- is.na(x$missing)
  print(data.frame(device = x$device, memory = ifelse(is.na(x$memory_gb), "-", paste(x$memory_gb, "GB")),
                   bandwidth = ifelse(is.na(x$gb_per_s), "-", paste(x$gb_per_s, "GB/s")),
                   name = ifelse(there, x$name, x$missing)), row.names = FALSE, right = FALSE)
  invisible(x)
}

.onLoad <- function(libname, pkgname) {
  # as for the command
  device <- Sys.getenv("NELDER_DEVICE")
  if (nzchar(device) && is.null(getOption("nelder.device"))) options(nelder.device = device)
}
