//! A fit that is kept apart from its data, and predictions for other rows.

use nelder::frame::Frame;
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;

/// Fits, prints, and checks one number.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let group = ["a", "b", "a", "b", "a", "b"].map(Some);
    let y = [2.1, 5.2, 4.0, 6.9, 6.1, 9.0];
    let seen = Frame::new()
        .with_real("x", &x)
        .with_text("g", &group)
        .with_real("y", &y);
    // the fit, without the rows that it was made from
    let saved = lm(&LmSpec::new("y ~ x + g"), seen, &NoProgress)?.save()?;

    let other = [2.5, 7.0];
    let rows = Frame::new()
        .with_real("x", &other)
        .with_text("g", &[Some("b"), Some("a")]);
    let found = saved.predict(&rows, true, &NoProgress)?;
    let own = &found.responses[0];
    for ((x, fit), error) in other.iter().zip(&own.fit).zip(&own.std_error) {
        println!("x = {x}: {fit:.3}, standard error {error:.3}");
    }
    assert!(own.fit[1] > own.fit[0]);
    Ok(())
}
