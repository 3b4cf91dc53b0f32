# The classes of fits as S4 sees them: a method or a slot for R's class takes ours.

setOldClass(c("nd_lm", "lm"))
setOldClass(c("nd_glm", "glm", "lm"))
setOldClass(c("nd_negbin", "negbin", "nd_glm", "glm", "lm"))
setOldClass(c("nd_prcomp", "prcomp"))
setOldClass(c("nd_glmnet", "glmnet"))
setOldClass(c("nd_cv_glmnet", "cv.glmnet"))
