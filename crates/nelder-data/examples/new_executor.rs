//! A place of one's own: threads that tell of each pass. A cluster would send the statistic to its workers instead, and merge their sums.

use std::sync::{Arc, Mutex};

use nelder::design::Rows;
use nelder::frame::Frame;
use nelder::model::{LmSpec, lm};
use nelder::pass::{
    AnyStatistic, ErasedSum, Executor, NoProgress, Opened, Opening, Pass, PassError, Ran, Run, Session,
    Threads,
};

/// Threads, and the passes that they ran.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Executor for Told {
    fn open(&self, _: &Rows<'_>, _: &Opening<'_>) -> Result<Opened, PassError> {
        Ok((Arc::new(self.clone()), Vec::new()))
    }
}

impl Session for Told {
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum> {
        let found = Threads.reduce_any(rows, pass)?;
        let mut told = self.0.lock().unwrap_or_else(|e| e.into_inner());
        told.push(format!("{} of {} rows", pass.label.name, found.counts.used));
        Ok(found)
    }
}

/// Fits a model there.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let told = Told::default();
    let run = Run::on(Arc::new(told.clone()), &NoProgress);
    let fit = lm(&LmSpec::new("y ~ x"), &frame, run)?;
    let passes = told.0.lock().unwrap_or_else(|e| e.into_inner()).clone();
    println!(
        "{:.2} after {}",
        fit.responses[0].coefficients[1],
        passes.join(", ")
    );
    assert_eq!(passes, ["gram of 4 rows", "residuals of 4 rows"]);
    Ok(())
}
