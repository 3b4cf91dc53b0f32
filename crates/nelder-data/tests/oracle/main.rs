//! Models against R's answers, on the device that `NELDER_TEST_DEVICE` names: one program for every device.

mod glm;
mod lm;
mod prcomp;
