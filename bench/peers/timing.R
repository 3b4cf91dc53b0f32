# What the R peers print: one JSON line {problem, peer, seconds, peak_kb}. A run that takes less than a second is made once
# beforehand, so that caches are warm.
report <- function(run, problem, peer, reps) {
  invisible(gc())
  seconds <- c()
  timed <- function() system.time(run(), gcFirst = FALSE)[["elapsed"]]
  first <- timed()
  if (first >= 1) seconds <- first
  while (length(seconds) < reps) seconds <- c(seconds, timed())
  status <- readLines("/proc/self/status")
  peak <- as.numeric(gsub("[^0-9]", "", grep("^VmHWM", status, value = TRUE)))
  cat(sprintf("{\"problem\": \"%s\", \"peer\": \"R %s\", \"seconds\": [%s], \"peak_kb\": %d}\n", problem, peer,
    paste(sprintf("%.6f", seconds), collapse = ", "), as.integer(peak)))
}
