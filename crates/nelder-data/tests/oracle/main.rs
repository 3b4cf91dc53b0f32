//! Models against R's answers, on the device that `NELDER_TEST_DEVICE` names: one program for every device.

mod cox;
mod glm;
mod glmnet;
mod glmnet_multi;
mod glmnet_relax;
mod lm;
mod prcomp;
