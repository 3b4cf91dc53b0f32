//! How many passes over the data a fit takes, counted by the source itself: two where the condition is below 10⁶,
//! and never one more than the report lists.

use std::sync::Mutex;

use crate::draws::Draws;
use nelder::family::Family;
use nelder::frame::{Batch, Column, Frame, Scan, Schema, Source, SourceError, Visit};
use nelder::model::{Accuracy, Detail, GlmSpec, Inference, Lm, LmSpec, Regression, Vcov, glm, lm};
use nelder::pass::{NoProgress, PassRecord};

/// A frame that writes down what each scan delivered.
struct Counted<'a> {
    frame: Frame<'a>,
    knows_rows: bool,
    scans: Mutex<Vec<Scan>>,
}

impl<'a> Counted<'a> {
    fn new(frame: Frame<'a>) -> Self {
        Counted {
            frame,
            knows_rows: true,
            scans: Mutex::default(),
        }
    }

    /// The scans since this was last asked.
    fn take(&self) -> Vec<Scan> {
        std::mem::take(&mut self.scans.lock().unwrap())
    }

    /// Asserts that the scans are the passes reported: as many, of as many rows and bytes.
    #[track_caller]
    fn agree(&self, passes: &[PassRecord]) {
        let reported: Vec<Scan> = passes
            .iter()
            .map(|p| Scan {
                rows: p.rows,
                bytes: p.bytes,
            })
            .collect();
        assert_eq!(self.take(), reported, "{passes:?}");
    }
}

fn bytes(batch: &Batch<'_>) -> u64 {
    let width = |c: &Column<'_>| match c {
        Column::Whole(_) => 16,
        Column::Real(_) => 8,
        Column::Integer(_) | Column::Codes { .. } => 4,
        Column::Logical(_) => 1,
    };
    batch.columns.iter().map(|c| c.len() as u64 * width(c)).sum()
}

impl Source for Counted<'_> {
    fn schema(&self) -> &Schema {
        self.frame.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.knows_rows.then(|| self.frame.len() as u64)
    }

    fn workers(&self) -> usize {
        self.frame.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let seen = Mutex::new(Scan::default());
        let result = self.frame.scan(columns, &|worker, batch| {
            let mut seen = seen.lock().unwrap();
            seen.rows += batch.rows as u64;
            seen.bytes += bytes(&batch);
            drop(seen);
            visit(worker, batch)
        });
        self.scans.lock().unwrap().push(seen.into_inner().unwrap());
        result
    }
}

/// Columns x1, x2 …, a response that they explain in part, another, weights, a factor, a column with gaps, and one
/// that is x1 but for a millionth part of noise.
struct Data {
    names: Vec<String>,
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    y2: Vec<f64>,
    w: Vec<f64>,
    gaps: Vec<f64>,
    near: Vec<f64>,
    nearer: Vec<f64>,
    g: Vec<Option<String>>,
    h: Vec<Option<String>>,
}

impl Data {
    fn new(n: usize, p: usize) -> Data {
        let mut draws = Draws::new(1);
        let mut column = |mean: f64| -> Vec<f64> { (0..n).map(|_| mean + draws.normal()).collect() };
        let x: Vec<Vec<f64>> = (0..p).map(|j| column(j as f64)).collect();
        let (e, y2, w) = (column(0.0), column(3.0), column(0.0));
        let mix = |e: &[f64], k: f64| {
            (0..n)
                .map(|i| x[0][i] + x[p - 1][i] + k * e[i])
                .collect::<Vec<f64>>()
        };
        let label = |k: usize| (0..n).map(|i| Some(format!("{:03}", i * 7 % k))).collect();
        Data {
            names: (1..=p).map(|j| format!("x{j}")).collect(),
            y: mix(&e, 1.0),
            near: mix(&w, 1e-7),
            nearer: mix(&w, 1e-10),
            gaps: x[0].iter().map(|&v| if v > 1.5 { f64::NAN } else { v }).collect(),
            w: w.iter().map(|v| v.abs()).collect(),
            y2,
            g: label(5),
            h: label(60),
            x,
        }
    }

    fn source(&self) -> Counted<'_> {
        let mut frame = Frame::new();
        for (name, x) in self.names.iter().zip(&self.x) {
            frame = frame.with_real(name, x);
        }
        let frame = frame
            .with_real("y", &self.y)
            .with_real("y2", &self.y2)
            .with_real("w", &self.w)
            .with_real("gaps", &self.gaps)
            .with_real("near", &self.near)
            .with_real("nearer", &self.nearer)
            .with_text("g", &self.g)
            .with_text("h", &self.h);
        Counted::new(frame)
    }
}

/// Fits, and asserts that the source saw the passes reported.
#[track_caller]
fn counted<'s>(spec: &LmSpec, source: &'s Counted<'_>) -> Lm<'s> {
    let fit = lm(spec, source, &NoProgress).unwrap();
    source.agree(&fit.report().passes);
    fit
}

/// The same, where two passes must do.
#[track_caller]
fn two<'s>(spec: &LmSpec, source: &'s Counted<'_>) -> Lm<'s> {
    let fit = counted(spec, source);
    let report = fit.report();
    assert!(report.condition < 1e6, "{}", report.condition);
    assert_eq!(report.passes.len(), 2, "{}: {report:?}", spec.formula);
    fit
}

/// Models whose condition is below 10⁶.
fn good() -> Vec<LmSpec> {
    let some = "y ~ x1 + x2 + x3";
    let mut all: Vec<LmSpec> = [
        some,
        "y ~ 1",
        "y ~ x1 - 1",
        "y ~ x1 + I(x1^2) + log(abs(x2))",
        "y ~ x1 + g",
        "y ~ x1 * g",
        "y ~ g * h",
        "y ~ x1 + x2 + h",
        "y ~ 0 + h + x1",
        "y ~ gaps + x2",
        "y ~ gaps * g",
        "cbind(y, y2) ~ x1 + g",
        "y ~ x1 + offset(x2)",
    ]
    .map(LmSpec::new)
    .into();
    all.push(LmSpec::new(some).weights("w"));
    all.push(LmSpec::new("y ~ x1 + h").weights("w"));
    all.push(LmSpec::new("y ~ x1 + g").weights("ifelse(x2 > 1, 0, w)"));
    all.push(LmSpec::new(some).subset("x1 > 0"));
    all.push(LmSpec::new(some).accuracy(Accuracy::Certified));
    all
}

#[test]
fn two_passes_for_small_data() {
    let data = Data::new(600, 4);
    let mut source = data.source();
    for knows_rows in [true, false] {
        source.knows_rows = knows_rows;
        for spec in good() {
            two(&spec, &source);
        }
    }
}

#[test]
fn two_passes_for_large_data() {
    let data = Data::new(200_000, 14);
    let source = data.source();
    let all = (1..=14).map(|j| format!("x{j}")).collect::<Vec<_>>().join(" + ");
    for formula in [
        format!("y ~ {all}"),
        format!("cbind(y, y2) ~ {all} + g"),
        format!("y ~ {all} + h + gaps - x1"),
    ] {
        let fit = two(&LmSpec::new(&formula), &source);
        assert_eq!(
            fit.report().precision,
            "f64",
            "products were to be rounded: {formula}"
        );
        assert!(fit.report().digits.coefficients > 5.0);
        two(&LmSpec::new(&formula).weights("w"), &source);
    }
}

#[test]
fn two_passes_up_to_a_condition_of_a_million() {
    let mut draws = Draws::new(9);
    let mut largest = 1.0f64;
    for i in 0..150 {
        let (kappa, noise) = (10f64.powf(draws.uniform(0.0, 5.9)), 10f64.powi(-3 * (i % 3)));
        let mut column = || -> Vec<f64> { (0..3000).map(|_| draws.normal()).collect() };
        let (x, z, e, mut near) = (column(), column(), column(), column());
        near.iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = x[i] - z[i] + *v / kappa);
        let y: Vec<f64> = (0..3000).map(|i| x[i] + z[i] + near[i] + noise * e[i]).collect();
        let frame = Frame::new()
            .with_real("y", &y)
            .with_real("x", &x)
            .with_real("z", &z);
        let mut source = Counted::new(frame.with_real("near", &near));
        for knows_rows in [true, false] {
            source.knows_rows = knows_rows;
            let fit = counted(&LmSpec::new("y ~ x + z + near"), &source);
            let report = fit.report();
            // with residuals of a millionth of the response, the error of the first solution may show in them, and
            // their quantiles take another pass
            if report.condition < if noise < 1e-5 { 1e5 } else { 1e6 } {
                assert_eq!(
                    report.passes.len(),
                    2,
                    "κ {}, residuals {noise}: {report:?}",
                    report.condition
                );
                largest = largest.max(report.condition);
            }
        }
    }
    assert!(largest > 5e5, "{largest}");
}

#[test]
fn columns_that_are_read() {
    let data = Data::new(100, 3);
    let source = data.source();
    // a response and a column of doubles, and the codes of a factor, twice
    let fit = two(&LmSpec::new("y ~ x1 + g"), &source);
    for pass in &fit.report().passes {
        assert_eq!((pass.rows, pass.bytes), (100, 100 * (8 + 8 + 4)));
    }
    // the same column in several terms, and as weights, is read once
    let fit = two(&LmSpec::new("y ~ w + I(w^2) + log(w)").weights("w"), &source);
    assert!(fit.report().passes.iter().all(|p| p.bytes == 100 * (8 + 8)));
}

#[test]
fn bases_take_one_more() {
    let data = Data::new(500, 3);
    let source = data.source();
    for formula in [
        "y ~ poly(x1, 3)",
        "y ~ poly(x1, 2) + poly(x2, 3) + g",
        "y ~ scale(x1) + x2",
        "y ~ cut(x1, 4) + x2",
        "y ~ bs(x1, df = 5)",
        "y ~ ns(x1, df = 3) * g",
    ] {
        let fit = counted(&LmSpec::new(formula), &source);
        let names: Vec<&str> = fit.report().passes.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["bases", "gram", "residuals"], "{formula}");
    }
}

#[test]
fn covariances_take_one_more() {
    let data = Data::new(400, 4);
    let source = data.source();
    for formula in [
        "y ~ x1 + x2 + g",
        "y ~ x1 + h",
        "cbind(y, y2) ~ x1 * g",
        "y ~ gaps + poly(x2, 2)",
    ] {
        let fit = counted(&LmSpec::new(formula).weights("w"), &source);
        let robust = [Vcov::Hc0, Vcov::Hc1, Vcov::Hc2, Vcov::Hc3];
        let clusters = [Vcov::Cluster("h".into()), Vcov::Cluster("paste(g, h)".into())];
        for kind in robust.into_iter().chain(clusters) {
            let covariance = fit.vcov(&kind, &NoProgress).unwrap();
            assert_eq!(covariance.passes.len(), 1, "{formula}, {kind}");
            source.agree(&covariance.passes);
        }
        let plain = fit.vcov(&Vcov::Iid, &NoProgress).unwrap();
        assert!(plain.passes.is_empty());
        // tables of the fit itself read no data
        fit.sequential(0).unwrap();
        fit.drop1(0, None, 2.0).unwrap();
        source.agree(&[]);
    }
}

#[test]
fn terms_that_are_added_take_two() {
    let data = Data::new(400, 4);
    let source = data.source();
    let fit = counted(&LmSpec::new("y ~ x1"), &source);
    let added = fit.add1(0, "~ . + x2 + x3 + g", 2.0, &NoProgress).unwrap();
    assert_eq!(added.passes.len(), 2);
    source.agree(&added.passes);
}

#[test]
fn every_pass_of_an_ill_conditioned_fit_is_reported() {
    let data = Data::new(900, 3);
    let mut source = data.source();
    let mut most = 0;
    for knows_rows in [true, false] {
        source.knows_rows = knows_rows;
        for formula in [
            "y ~ x1 + x2 + x3 + near",
            "y ~ x1 + x3 + nearer",
            "y ~ x1 + x3 + nearer + g",
            "y ~ x1 + x3 + nearer + h",
            "y ~ x1 + x3 + I(x1 + x3) + x2",
            "y ~ x1 + I(x1 + 1e9) + x2",
            "cbind(y, y2) ~ near + nearer + x1 + x3",
            "near ~ x1 + x3",
            "y ~ x1 + I(x1^2) + I(x1^3) + I(x1^4) + I(x1^5) + I(x1^6) + I(x1^7) + I(x1^8)",
        ] {
            for tol in [1e-7, 1e-12, 1e-15] {
                for accuracy in [Accuracy::Auto, Accuracy::Certified] {
                    let fit = counted(&LmSpec::new(formula).tol(tol).accuracy(accuracy), &source);
                    let report = fit.report();
                    most = most.max(report.passes.len());
                    assert!(report.passes.len() <= 5, "{formula}, tol {tol}: {report:?}");
                    // a third pass has its reason in the notes
                    assert!(
                        report.passes.len() == 2 || !report.notes.is_empty(),
                        "{formula}: {report:?}"
                    );
                }
            }
        }
    }
    assert!(most > 2, "some of these are beyond two passes");
}

#[test]
fn the_first_bad_row_is_named() {
    let n = 300_000;
    let y = vec![1.0; n];
    for first in [0, 7_000, 150_001, n - 1] {
        let mut x: Vec<f64> = (0..n).map(|i| (i % 7) as f64).collect();
        let mut w = vec![1.0; n];
        for i in (first..n).step_by(10_007) {
            x[i] = f64::NEG_INFINITY;
            w[i] = -1.0;
        }
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("y", &y)
            .with_real("w", &w);
        let message = |spec: &LmSpec| lm(spec, &frame, &NoProgress).err().unwrap().to_string();
        let row = format!("in row {}", first + 1);
        for _ in 0..5 {
            let text = message(&LmSpec::new("y ~ x"));
            assert!(text.contains(&format!("`x` is infinite {row};")), "{text}");
            let text = message(&LmSpec::new("y ~ I(y + 1)").weights("w"));
            assert!(text.ends_with(&row), "{text}");
        }
    }
}

/// One pass for the starting values, one for each of R's steps, one at the end: no other, whatever the precision.
#[test]
fn a_generalized_model_takes_a_pass_for_each_step() {
    for (n, p) in [(400, 3), (40_000, 8)] {
        let data = Data::new(n, p);
        let count: Vec<f64> = data.w.iter().map(|w| (3.0 * w).floor()).collect();
        let binary: Vec<f64> = data.y.iter().map(|&y| f64::from(u8::from(y > 3.0))).collect();
        let mut source = data.source();
        source.frame = source
            .frame
            .with_real("count", &count)
            .with_real("binary", &binary);
        for (formula, family) in [
            ("count ~ x1 + x2 + g", Family::poisson()),
            ("binary ~ x1 + x2", Family::binomial()),
            ("count ~ x1 + h", Family::poisson()),
        ] {
            let fit = glm(&GlmSpec::new(formula, family), &source, &NoProgress).unwrap();
            let report = fit.report();
            source.agree(&report.passes);
            assert_eq!(
                report.passes.len() as u32,
                fit.fit.iterations + 2,
                "{formula}: {report:?}"
            );
            // leverages and robust covariances take one each
            fit.vcov(&Vcov::Hc3, &NoProgress).unwrap();
            assert_eq!(source.take().len(), 1);
            fit.influence(Detail::Leverages, &NoProgress).unwrap();
            assert_eq!(source.take().len(), 1);
        }
    }
}
