//! Blocks that are kept between the passes of a fit change no number, and are let go of with its end.

use nelder::family::Family;
use nelder::frame::{Batch, Frame, Scan, Schema, Source, SourceError, Visit};
use nelder::model::{GlmSpec, Inference, LmSpec, Regression, Vcov, glm, lm};
use nelder::pass::NoProgress;

/// The same columns, as a file has them: not in memory, so that nothing is kept.
struct Read<'a>(&'a Frame<'a>);

impl Source for Read<'_> {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn rows(&self) -> Option<u64> {
        self.0.rows()
    }
    fn workers(&self) -> usize {
        self.0.workers()
    }
    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let counted = |worker: usize, batch: Batch<'_>| visit(worker, batch);
        self.0.scan(columns, &counted)
    }
}

#[test]
fn numbers_are_those_of_rows_that_are_read_again() {
    // one thread adds up in the same order each time
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(compare);
}

fn compare() {
    const N: usize = 9000;
    let noise = |i: usize| ((i * 7919 % 6007) as f64 / 3003.0 - 1.0).powi(3);
    let x: Vec<f64> = (0..N)
        .map(|i| if i % 97 == 0 { f64::NAN } else { noise(i) })
        .collect();
    let g: Vec<f64> = (0..N).map(|i| (i * 31 % 13) as f64).collect();
    let w: Vec<f64> = (0..N).map(|i| (i % 4) as f64).collect();
    let y: Vec<f64> = (0..N).map(|i| 0.3 * g[i] - noise(i) + noise(3 * i + 1)).collect();
    let b: Vec<f64> = y.iter().map(|&y| f64::from(y > 1.0)).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("g", &g)
        .with_real("w", &w)
        .with_real("y", &y)
        .with_real("b", &b)
        .in_batches_of(1024);
    let read = Read(&frame);
    let hc = |fit: &dyn Regression| fit.vcov(&Vcov::Hc3, &NoProgress).unwrap().matrix;

    for formula in ["y ~ x + factor(g)", "y ~ log(x + 3) * factor(paste(g, w > 1))"] {
        let spec = LmSpec::new(formula).weights("w");
        let (kept, again) = (
            lm(&spec, &frame, &NoProgress).unwrap(),
            lm(&spec, &read, &NoProgress).unwrap(),
        );
        let (a, b) = (&kept.responses[0], &again.responses[0]);
        assert_eq!(a.coefficients, b.coefficients);
        assert_eq!(a.std_errors, b.std_errors);
        assert_eq!(a.quantiles, b.quantiles);
        // passes after the fit read the rows
        assert_eq!(hc(&kept), hc(&again));
    }

    let spec = GlmSpec::new("b ~ x + factor(g)", Family::binomial());
    let (kept, again) = (
        glm(&spec, &frame, &NoProgress).unwrap(),
        glm(&spec, &read, &NoProgress).unwrap(),
    );
    assert_eq!(kept.coefficients, again.coefficients);
    assert_eq!(kept.deviance(), again.deviance());
    assert_eq!(hc(&kept), hc(&again));
}
