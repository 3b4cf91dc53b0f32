//! The tests of the command, as one program.

mod bad_input;
mod boot;
mod common;
mod contrasts;
mod data;
mod devices;
mod formulas;
mod glm;
mod glmnet;
mod glmnet_multi;
mod interrupts;
mod output;
mod outputs;
mod prcomp;
mod rows_of_fits;
mod saved_fits;
mod saved_paths;
mod streams;
