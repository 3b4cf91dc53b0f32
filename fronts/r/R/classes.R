# The classes of fits as S4 sees them: a method or a slot for R's class takes ours.

methods::setOldClass(c("nd_lm", "lm"))
methods::setOldClass(c("nd_glm", "glm", "lm"))
methods::setOldClass(c("nd_negbin", "negbin", "nd_glm", "glm", "lm"))
methods::setOldClass(c("nd_prcomp", "prcomp"))
