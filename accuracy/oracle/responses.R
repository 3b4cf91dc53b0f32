# Several responses at once.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
data_file("mixed", mixed())
holes <- mixed()
holes$y[c(3, 41)] <- NA
holes$y2[c(4, 9)] <- NA
holes$x1[5] <- NA
data_file("holes_two", holes)
case_mlm("two responses", "mixed", "cbind(y, y2) ~ x1 + a")
case_mlm("three responses, named", "mixed", "cbind(first = y, y2, third = log(pos)) ~ x1 * flag")
case_mlm("two responses, weights", "mixed", "cbind(y, y2) ~ x1 + x2", list(weights = "w"))
case_mlm("two responses, aliased", "mixed", "cbind(y, y2) ~ b * c")
case_mlm("missing in either response", "holes_two", "cbind(y, y2) ~ x1 + a")
case_mlm("two responses, no intercept", "mixed", "cbind(y, y2) ~ 0 + a + x1")
finish()
