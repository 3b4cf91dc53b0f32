//! A logistic model of a file with a factor: which flights come late.

use std::path::Path;

use nelder::family::Family;
use nelder::model::{GlmSpec, Regression, glm};
use nelder::pass::NoProgress;

/// Fits, prints, and checks one number.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let flights = nelder_data::open(&folder.join("flights.parquet"))?;
    let spec = GlmSpec::new("arr_delay > 30 ~ dep_time + factor(month)", Family::binomial());
    let fit = glm(&spec, &flights, &NoProgress)?;
    for (name, b) in fit.coefnames().iter().zip(&fit.coefficients) {
        println!("{name:<16} odds x {:.4}", b.exp());
    }
    println!(
        "deviance {:.1} of {:.1}, {} steps",
        fit.fit.deviance, fit.fit.null_deviance, fit.fit.iterations
    );
    assert!(fit.fit.converged && fit.fit.deviance < fit.fit.null_deviance);
    Ok(())
}
