library(testthat)
library(nelder)

test_check("nelder")
