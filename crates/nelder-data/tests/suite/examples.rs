//! The programs in `examples/`, run.

#[allow(dead_code)]
#[path = "../../examples/linear_model.rs"]
mod linear_model;
#[allow(dead_code)]
#[path = "../../examples/logistic_model.rs"]
mod logistic_model;
#[allow(dead_code)]
#[path = "../../examples/new_statistic.rs"]
mod new_statistic;
#[allow(dead_code)]
#[path = "../../examples/prediction.rs"]
mod prediction;

#[test]
fn each_runs_to_its_end() {
    linear_model::main().unwrap();
    logistic_model::main().unwrap();
    new_statistic::main().unwrap();
    prediction::main().unwrap();
}
