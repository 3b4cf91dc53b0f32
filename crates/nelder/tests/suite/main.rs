//! The tests of the library, as one program: a program for each file would link all of it as many times.

#[path = "../draws/mod.rs"]
mod draws;
#[path = "../sources/mod.rs"]
mod sources;

mod astray;
mod auto;
mod bases;
mod bootstrap;
mod claims;
mod claims_of_data;
mod columns_in_memory;
mod common;
mod cox;
mod crossed;
mod dependent;
mod diagnostics;
mod distributions;
mod elastic_net;
mod elastic_net_invariance;
mod evaluated;
mod families;
mod formula_terms;
mod frozen_levels;
mod glm_units;
mod hard_glm;
mod inference;
mod inference_properties;
mod influence;
mod invariance;
mod kept_blocks;
mod links;
mod maxima;
mod ownership;
mod parts;
mod passes;
mod prcomp;
mod predict;
mod printing;
mod regression;
mod robust;
mod variable_mistakes;
mod variables;
