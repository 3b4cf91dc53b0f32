# Which rows count and how much: weights, zero weights, offsets, missing values, subsets.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "common.R"))
data_file("mixed", mixed())
data_file("mixed_new", data.frame(x1 = c(1, 2.5, -1, 4), x2 = c(1, 9.5, 3, 4), x3 = c(0, 1, -0.5, 2),
  a = c("red", "green", "blue", "red"), b = c("k1", "k2", "k3", "k4"), c = c("yes", "no", "no", "no"),
  q = c("low", "mid", "high", "top"), flag = c(TRUE, FALSE, TRUE, FALSE), k = 1:4, o = c(0, 1, 2, -1), w = 1:4))
holes <- mixed()
holes$y[c(3, 41)] <- NA
holes$x1[c(5, 17, 18)] <- NA
holes$a[c(8, 30)] <- NA
holes$w[c(11, 12)] <- NA
holes$o[20] <- NA
holes$flag[c(1, 25)] <- NA
data_file("holes", holes)
data_file("holes_new", data.frame(x1 = c(1, NA, 2), x2 = c(1, 2, 3), a = c("red", "blue", NA)))
all <- list(anova = TRUE, drop1 = TRUE, hc = TRUE, predict = "mixed_new")
case("weights", "mixed", "y ~ x1 + a", list(weights = "w"), with = all)
case("zero weights", "mixed", "y ~ x1 + a", list(weights = "w0"), with = list(anova = TRUE, drop1 = TRUE, predict = "mixed_new"))
case("weights as an expression", "mixed", "y ~ x1 + x2", list(weights = "1 / x2^2"), with = all)
case("zero weights without intercept", "mixed", "y ~ 0 + b + x1", list(weights = "w0"), with = list(anova = TRUE))
case("weights that empty a level", "mixed", "y ~ b + x1", list(weights = "as.numeric(b != \"k2\")"), with = list(anova = TRUE))
case("weights, intercept only", "mixed", "y ~ 1", list(weights = "w"))
case("weights on a huge scale", "mixed", "y ~ x1 + a", list(weights = "w * 1e12"))
case("offset argument", "mixed", "y ~ x1 + a", list(offset = "o"), with = all[1:3])
case("offset in the formula", "mixed", "y ~ x1 + offset(o) + a", with = all)
case("offset twice", "mixed", "y ~ x1 + offset(o) + offset(x2 / 4)", with = all)
case("offset and weights", "mixed", "y ~ x1 + a + offset(o)", list(weights = "w"), with = all)
case("offset without intercept", "mixed", "y ~ 0 + x1 + offset(2 * o)", with = all)
case("offset only", "mixed", "y ~ offset(o)")
case("missing in response and numeric", "holes", "y ~ x1 + x2", with = all)
case("missing in a factor", "holes", "y ~ x1 + a", with = list(anova = TRUE, drop1 = TRUE, predict = "holes_new"))
case("missing in weights", "holes", "y ~ x1 + a", list(weights = "w"), with = list(anova = TRUE))
case("missing in offset", "holes", "y ~ x1 + a + offset(o)", with = list(anova = TRUE))
case("missing in a logical", "holes", "y ~ flag * x1", with = list(anova = TRUE))
case("missing, exclude", "holes", "y ~ x1 + a", list(na = "exclude"), with = list(anova = TRUE))
case("missing in an unused column", "holes", "y2 ~ x2 + b", with = list(anova = TRUE))
case("missing made by a function", "mixed", "y ~ log(ifelse(x1 > 0, x1, NA)) + x2", with = list(anova = TRUE))
case("poly with missing elsewhere", "holes", "y ~ poly(x2, 2) + a", with = list(anova = TRUE))
case("scale with missing elsewhere", "holes", "y ~ scale(x2) + a")
case("subset", "mixed", "y ~ x1 + a", list(subset = "x2 > 3"), with = all)
case("subset that empties a level", "mixed", "y ~ x1 + b", list(subset = "b != \"k3\""), with = list(anova = TRUE, drop1 = TRUE))
case("subset, weights, missing", "holes", "y ~ x1 + a", list(subset = "x2 > 2", weights = "w"), with = list(anova = TRUE))
case("subset that is missing itself", "holes", "y2 ~ x2", list(subset = "x1 > 1"))
finish()
