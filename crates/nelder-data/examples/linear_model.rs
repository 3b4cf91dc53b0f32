//! A linear model of a file: delays of flights by carrier, with errors robust to heteroskedasticity.

use std::path::Path;

use nelder::model::{Inference, LmSpec, Regression, Vcov, lm};
use nelder::pass::NoProgress;

/// Fits, prints, and checks one number.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let flights = nelder_data::open(&folder.join("flights.parquet"))?;
    let fit = lm(
        &LmSpec::new("arr_delay ~ dep_delay + carrier"),
        &flights,
        &NoProgress,
    )?;
    let robust = fit.vcov(&Vcov::Hc3, &NoProgress)?.std_errors();
    let own = &fit.responses[0];
    for ((name, b), error) in fit.coefnames().iter().zip(&own.coefficients).zip(&robust) {
        println!("{name:<12} {b:>9.4} ({error:.4})");
    }
    println!(
        "R² {:.4}, {} rows, {} left out",
        own.r_squared(),
        fit.rows(),
        fit.omitted()
    );
    for pass in &fit.report().passes {
        println!("{}: {} rows in {}", pass.name, pass.rows, pass.precision);
    }
    assert_eq!((fit.rows(), fit.omitted()), (327_346, 9_430));
    Ok(())
}
