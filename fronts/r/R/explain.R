nd_explain <- function(fit) {
  e <- core(fit)
  library <- fit_of(e)
  if (is.null(library)) refuse("the report of this fit was not kept; fit it again")
  report <- library$report()
  report$passes <- as.data.frame(report$passes)
  class(report) <- "nd_report"
  report
}

print.nd_report <- function(x, digits = 3L, ...) {
  line <- function(name, value) cat(formatC(name, width = -12L), value, "\n", sep = "")
  digit <- function(d) if (is.na(d)) "none" else formatC(d, digits = 1L, format = "f")
  line("algorithm", x$algorithm)
  line("device", paste0(x$device, ", ", x$precision))
  line("condition", formatC(x$condition, digits = digits, format = "g"))
  line("digits", paste0("coefficients ", digit(x$digits[1L]), ", standard errors ", digit(x$digits[2L]),
                        " (known to be right)"))
  line("refinements", x$refinements)
  for (note in x$notes) line("note", note)
  p <- x$passes
  if (nrow(p)) {
    cat("\n")
    print(data.frame(pass = p$pass, device = p$device, precision = p$precision, rows = format(p$rows, big.mark = ","),
                     MB = formatC(p$bytes / 1e6, digits = 1L, format = "f"),
                     ms = formatC(1e3 * p$seconds, digits = 2L, format = "f")), row.names = FALSE, right = FALSE)
  }
  invisible(x)
}
