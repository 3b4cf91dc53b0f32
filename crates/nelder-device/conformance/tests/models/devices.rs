//! Fits on a device: the answers of the CPU, and reports that say where each pass ran, by the device's own count.

use std::sync::Arc;

use crate::draws::Draws;
use crate::sources::Stream;
use nelder::family::Family;
use nelder::frame::{DeviceFrame, Frame, Source};
use nelder::model::{Accuracy, Glm, GlmSpec, Lm, LmSpec, ModelError, Regression, glm, lm};
use nelder::pass::NoProgress;
use nelder_conformance::{Outcome, Placed, chosen, open, open_fusing, open_single};
use nelder_device::{Counters, GlmKernels, Host, Matrix};

/// The devices of `NELDER_TEST_DEVICE`, else the CPU behind the verbs of a device.
fn devices() -> Vec<Arc<dyn GlmKernels>> {
    chosen().map_or_else(|| open("host").unwrap(), <[_]>::to_vec)
}

/// Devices' counts of their work, added up.
fn counted(devices: &[Arc<dyn GlmKernels>]) -> Counters {
    let all = devices.iter().map(|d| d.counters());
    all.fold(Counters::default(), |sum, own| Counters {
        launches: sum.launches + own.launches,
        uploaded: sum.uploaded + own.uploaded,
        downloaded: sum.downloaded + own.downloaded,
    })
}

/// Columns x1 …, y, a weight, and a factor.
struct Data {
    columns: Vec<Vec<f64>>,
    y: Vec<f64>,
    binary: Vec<f64>,
    w: Vec<f64>,
    g: Vec<Option<String>>,
}

impl Data {
    fn new(rows: usize, columns: usize, mean: f64) -> Data {
        let mut draws = Draws::new(77);
        let columns: Vec<Vec<f64>> = (0..columns)
            .map(|j| (0..rows).map(|_| mean * j as f64 + draws.normal()).collect())
            .collect();
        let sum = |i: usize| columns.iter().map(|c| c[i] - mean).sum::<f64>() * 0.1;
        let y: Vec<f64> = (0..rows).map(|i| sum(i) + draws.normal()).collect();
        let binary = (0..rows)
            .map(|i| f64::from(u8::from(0.3 * sum(i) + draws.normal() > 0.0)))
            .collect();
        let w = (0..rows).map(|_| draws.uniform(0.5, 3.0)).collect();
        let g = (0..rows)
            .map(|i| Some(format!("g{}", (i * i + i / 3) % 7)))
            .collect();
        Data {
            columns,
            y,
            binary,
            w,
            g,
        }
    }

    fn names(&self) -> Vec<String> {
        (1..=self.columns.len()).map(|j| format!("x{j}")).collect()
    }

    fn frame(&self) -> Frame<'_> {
        let mut frame = Frame::new();
        for (name, column) in self.names().iter().zip(&self.columns) {
            frame = frame.with_real(name, column);
        }
        frame
            .with_real("y", &self.y)
            .with_real("b", &self.binary)
            .with_real("w", &self.w)
            .with_text("g", &self.g)
    }

    /// The columns and the responses in the memory of devices: the first third of the rows on the first of several.
    fn there(&self, devices: &[Arc<dyn GlmKernels>]) -> DeviceFrame {
        let n = self.y.len();
        let ends = |d: usize| if d == devices.len() { n } else { d * n / 3 };
        let names = self.names();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.extend(["y", "b"]);
        let parts = devices.iter().enumerate().map(|(d, device)| {
            let rows = ends(d)..ends(d + 1);
            let columns = self.columns.iter().chain([&self.y, &self.binary]);
            let all: Vec<&[f64]> = columns.map(|c| &c[rows.clone()]).collect();
            let matrix = Matrix::new(device.upload_columns(&all).unwrap(), rows.len(), all.len()).unwrap();
            DeviceFrame::new(device.clone()).with(&names, &matrix).unwrap()
        });
        parts.reduce(|all, part| all.followed_by(part).unwrap()).unwrap()
    }
}

/// Coefficients within a part in 10¹¹ of the larger of themselves and a hundredth of their standard error; standard errors
/// within a part in 10¹⁰.
fn near(ours: (&[f64], &[f64]), theirs: (&[f64], &[f64])) {
    assert_eq!(ours.0.len(), theirs.0.len());
    for i in 0..ours.0.len() {
        let scale = theirs.0[i].abs().max(1e-2 * theirs.1[i]);
        assert!(
            (ours.0[i] - theirs.0[i]).abs() <= 1e-11 * scale,
            "coefficient {i}: {} and {}",
            ours.0[i],
            theirs.0[i]
        );
        let apart = (ours.1[i] / theirs.1[i] - 1.0).abs();
        assert!(
            apart <= 1e-10,
            "standard error {i}: {} and {}",
            ours.1[i],
            theirs.1[i]
        );
    }
}

fn linear(formula: &str, at: &Placed<'_>) -> (Vec<f64>, Vec<f64>) {
    let fit = lm(&spec(formula), at.rows, at.run()).unwrap();
    (
        fit.responses[0].coefficients.clone(),
        fit.responses[0].std_errors.clone(),
    )
}

fn spec(formula: &str) -> LmSpec {
    match formula.strip_suffix(" | w") {
        Some(formula) => LmSpec::new(formula).weights("w"),
        None => LmSpec::new(formula),
    }
}

fn logistic<'s>(formula: &str, at: &Placed<'s>) -> Result<Glm<'s>, ModelError> {
    let mut spec = GlmSpec::new(formula.trim_end_matches(" | w"), Family::binomial());
    if formula.ends_with(" | w") {
        spec = GlmSpec::new(formula.trim_end_matches(" | w"), "quasibinomial".parse().unwrap());
        spec.design.weights = Some("w".into());
    }
    glm(&spec, at.rows, at.run())
}

#[test]
fn answers_are_those_of_the_cpu() {
    // the last is far from the origin; the first has too few rows for rounded products
    for (rows, columns, mean) in [(300, 3, 1.0), (20_000, 40, 1.0), (9_000, 5, 1e5)] {
        let data = Data::new(rows, columns, mean);
        let frame = data.frame();
        let (on, here) = (Placed::on(&frame, &devices()), Placed::there(&frame));
        let all = data.names().join(" + ");
        for formula in [
            format!("y ~ {all}"),
            format!("y ~ {all} | w"),
            "y ~ x1 + g + g:x2".to_string(),
            "y ~ x1 * g | w".to_string(),
            "y ~ log(abs(x2) + 1) + I(x1^2) + offset(x3)".to_string(),
            "y ~ 1".to_string(),
            "y ~ 0 + x1 + x3".to_string(),
        ] {
            let (ours, theirs) = (linear(&formula, &on), linear(&formula, &here));
            near((&ours.0, &ours.1), (&theirs.0, &theirs.1));
        }
        for formula in ["b ~ x1 + x2", "b ~ x1 + g + offset(w) | w", "b ~ x1 * g"] {
            let ours = logistic(formula, &on).unwrap();
            let theirs = logistic(formula, &here).unwrap();
            near(
                (&ours.coefficients, &ours.std_errors),
                (&theirs.coefficients, &theirs.std_errors),
            );
            for (a, b) in ours.quantiles.iter().zip(theirs.quantiles) {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} and {b}");
            }
        }
    }
}

fn passes(fit: &Lm<'_>) -> Vec<(String, String)> {
    let of = |p: &nelder::pass::PassRecord| (p.name.clone(), p.device.clone());
    fit.report().passes.iter().map(of).collect()
}

/// Some whose counters nobody else moves.
fn own_devices() -> Vec<Arc<dyn GlmKernels>> {
    let id = std::env::var("NELDER_TEST_DEVICE").unwrap_or_default();
    open(if id.is_empty() { "host" } else { &id }).unwrap()
}

#[test]
fn reports_name_the_device_that_worked() {
    let data = Data::new(30_000, 40, 1.0);
    let frame = data.frame();
    let devices = own_devices();
    let ids: Vec<String> = devices.iter().map(|d| d.describe().id).collect();
    let id = ids.join("+");
    let formula = format!("y ~ {}", data.names().join(" + "));
    let names = |passes: &[(String, String)]| passes.iter().map(|p| p.0.clone()).collect::<Vec<_>>();
    // copied: an upload first
    let before = counted(&devices);
    let on = Placed::on(&frame, &devices);
    let fit = lm(&LmSpec::new(&formula), on.rows, on.run()).unwrap();
    let ran = passes(&fit);
    assert_eq!(names(&ran), ["upload", "moments", "gram", "residuals"]);
    assert!(ran.iter().all(|(_, device)| *device == id), "{ran:?}");
    assert_eq!(fit.report().device, id);
    let after = counted(&devices);
    assert!(after.launches >= before.launches + 3);
    if !id.starts_with("cpu") {
        assert!(after.uploaded - before.uploaded >= 8 * 30_000 * 41);
    }
    // there already: nothing of the rows is copied
    let there = data.there(&devices);
    let before = counted(&devices);
    let fit = lm(&LmSpec::new(&formula), &there, &NoProgress).unwrap();
    assert_eq!(names(&passes(&fit)), ["moments", "gram", "residuals"]);
    let after = counted(&devices);
    assert!(after.uploaded - before.uploaded < 1 << 20);
    assert!(after.downloaded - before.downloaded < 1 << 20);
    // on the CPU the device does nothing
    let before = counted(&devices);
    let fit = lm(&LmSpec::new(&formula), &frame, &NoProgress).unwrap();
    assert_eq!(fit.report().device, "cpu");
    assert_eq!(counted(&devices), before);
}

#[test]
fn steps_on_a_device_say_in_which_precision_they_were() {
    let data = Data::new(60_000, 12, 1.0);
    let formula = format!("b ~ {}", data.names().join(" + "));
    let spec = GlmSpec::new(&formula, Family::binomial());
    let precisions = |at: &Placed<'_>| -> Vec<String> {
        let fit = glm(&spec, at.rows, at.run()).unwrap();
        let passes = &fit.report().passes;
        let of = |p: &nelder::pass::PassRecord| p.precision.clone();
        passes
            .iter()
            .filter(|p| p.name.starts_with("step"))
            .map(of)
            .collect()
    };
    let frame = data.frame();
    // the CPU begins in single precision; a device does where it is quicker in that, and that is not so for few columns
    assert_eq!(precisions(&Placed::there(&frame))[0], "f32");
    let on = Placed::on(&frame, &devices());
    let ours = precisions(&on);
    let id = std::env::var("NELDER_TEST_DEVICE").unwrap_or_default();
    let rough = ours.iter().position(|p| p == "f32");
    match id.starts_with("wgpu") {
        true => assert!(rough.is_some(), "{ours:?}"),
        false => assert_eq!(rough, None),
    }
}

#[test]
fn steps_in_single_precision_end_where_others_do() {
    let data = Data::new(20_000, 60, 0.0);
    let formula = format!("b ~ {}", data.names().join(" + "));
    let frame = data.frame();
    let id = std::env::var("NELDER_TEST_DEVICE").unwrap_or_default();
    let id = if id.is_empty() { "host" } else { id.as_str() };
    let fusing: Vec<_> = id.split('+').map(|one| open_fusing(one).unwrap()).collect();
    let on = Placed::on(&frame, &fusing);
    let precisions = |fit: &Glm<'_>| -> Vec<String> {
        let passes = fit.report().passes.iter();
        passes.map(|p| p.precision.clone()).collect()
    };
    for accuracy in [Accuracy::Auto, Accuracy::Double] {
        let mut spec = GlmSpec::new(&formula, Family::binomial());
        spec.design.accuracy = accuracy;
        let (ours, theirs) = (
            glm(&spec, on.rows, on.run()).unwrap(),
            glm(&spec, &frame, &NoProgress).unwrap(),
        );
        let single = precisions(&ours).iter().any(|p| p == "f32");
        let may = id.starts_with("cuda") || id.starts_with("wgpu");
        assert_eq!(single, may && accuracy == Accuracy::Auto);
        assert_eq!(ours.fit.iterations, theirs.fit.iterations);
        near(
            (&ours.coefficients, &ours.std_errors),
            (&theirs.coefficients, &theirs.std_errors),
        );
    }
}

/// Rows whose number is not known beforehand, so that products are not exact from the start.
fn least_squares_in_single_precision(device: Option<Arc<dyn GlmKernels>>, quicker: bool) {
    let data = Data::new(30_000, 40, 3.0);
    let formula = format!("y ~ {}", data.names().join(" + "));
    let frame = data.frame();
    let here = Placed::there(&frame);
    let at = device.map_or_else(|| here.clone(), |device| Placed::on(&frame, &[device]));
    let fit = |accuracy, at: &Placed<'_>| {
        let spec = LmSpec::new(&formula).accuracy(accuracy);
        lm(&spec, &frame, at.run()).unwrap()
    };
    let (ours, exact) = (fit(Accuracy::Single, &at), fit(Accuracy::Certified, &here));
    let report = ours.report();
    let gram = report.passes.iter().find(|p| p.name == "gram").unwrap();
    let precision = if quicker { "f32" } else { "f64" };
    assert_eq!(
        (gram.precision.as_str(), report.precision.as_str()),
        (precision, precision)
    );
    let (a, b) = (&ours.responses[0], &exact.responses[0]);
    let (digits, least) = (report.digits, if quicker { 3.0 } else { 11.0 });
    let of = |a: &[f64], b: &[f64]| {
        let worst = a
            .iter()
            .zip(b)
            .map(|(a, b)| ((a - b) / b).abs())
            .fold(0.0, f64::max);
        -worst.max(f64::EPSILON / 2.0).log10()
    };
    let truths = (
        of(&a.coefficients, &b.coefficients),
        of(&a.std_errors, &b.std_errors),
    );
    let claims = (digits.coefficients, digits.std_errors.unwrap());
    assert!(
        truths.0 >= claims.0 && truths.1 >= claims.1,
        "{claims:?} of {truths:?}"
    );
    assert!(claims.0 >= 8.0 && claims.1 >= least, "{claims:?} of {truths:?}");
    // what comes from the residuals and from the response alone is not rougher for it
    for (a, b) in [(a.rss, b.rss), (a.mss, b.mss), (a.sigma, b.sigma)] {
        assert!((a - b).abs() <= 1e-12 * b, "{a} {b}");
    }
}

#[test]
fn least_squares_in_single_precision_say_how_many_digits_are_left() {
    let id = std::env::var("NELDER_TEST_DEVICE").unwrap_or_default();
    match id.as_str() {
        "" => least_squares_in_single_precision(None, true),
        // a claim about one device
        id if id.contains('+') => {}
        id => {
            let device = open_single(id).unwrap();
            let x = Matrix::new(device.upload(&[1.0, 2.0]).unwrap(), 2, 1).unwrap();
            let quicker = device.single_gram(&x, None, None).unwrap().is_some();
            if let "cuda" | "cuda:0" = id {
                assert!(quicker);
                let mut outcome = Outcome::default();
                nelder_conformance::rough::check(&*device, &mut outcome).unwrap();
                assert_eq!(outcome.failures, Vec::<String>::new());
            }
            least_squares_in_single_precision(Some(device), quicker);
        }
    }
}

#[test]
fn columns_of_a_device_are_read_in_place_or_copied_back() {
    let mut data = Data::new(5_000, 6, 3.0);
    let frame = data.frame();
    let (devices, here) = (devices(), Placed::there(&frame));
    for formula in [
        "y ~ x1 + x2 + x3",
        "y ~ x3 + x1",
        "y ~ log(abs(x2) + 1) + x5",
        "y ~ factor(b) + x1",
    ] {
        let there = data.there(&devices);
        let (ours, theirs) = (linear(formula, &Placed::there(&there)), linear(formula, &here));
        near((&ours.0, &ours.1), (&theirs.0, &theirs.1));
    }
    drop(frame);
    // missing values are left out as everywhere
    data.columns[1][17] = f64::NAN;
    data.y[4_000] = f64::NAN;
    let (frame, there) = (data.frame(), data.there(&devices));
    let ours = lm(&LmSpec::new("y ~ x1 + x2"), &there, &NoProgress).unwrap();
    let theirs = lm(&LmSpec::new("y ~ x1 + x2"), &frame, &NoProgress).unwrap();
    assert_eq!((ours.rows(), ours.omitted()), (theirs.rows(), theirs.omitted()));
    assert_eq!(ours.omitted(), 2);
    near(
        (&ours.responses[0].coefficients, &ours.responses[0].std_errors),
        (&theirs.responses[0].coefficients, &theirs.responses[0].std_errors),
    );
}

#[test]
fn bad_rows_are_named_as_on_the_cpu() {
    let mut data = Data::new(2_000, 2, 1.0);
    data.binary[1_234] = 1.5;
    data.columns[0][99] = f64::INFINITY;
    let devices = devices();
    let (frame, there) = (data.frame(), data.there(&devices));
    let here = Placed::there(&frame);
    for at in [Placed::there(&there), Placed::on(&frame, &devices)] {
        let error = logistic("b ~ x2", &at).err().unwrap().to_string();
        assert_eq!(error, logistic("b ~ x2", &here).err().unwrap().to_string());
        assert!(error.contains("row 1235"), "{error}");
        let error = lm(&LmSpec::new("y ~ x1"), at.rows, at.run())
            .err()
            .unwrap()
            .to_string();
        assert_eq!(
            error,
            lm(&LmSpec::new("y ~ x1"), &frame, &NoProgress)
                .err()
                .unwrap()
                .to_string()
        );
        assert!(error.contains("row 100"), "{error}");
    }
}

#[test]
fn no_rows_are_an_error_and_not_a_panic() {
    let mut data = Data::new(100, 2, 1.0);
    data.columns[0].fill(f64::NAN);
    let devices = devices();
    let (frame, there) = (data.frame(), data.there(&devices));
    let (on, here) = (Placed::on(&frame, &devices), Placed::there(&frame));
    for formula in ["y ~ x1", "y ~ x1 * g", "log(y^2) ~ poly(x2, 2) + x1"] {
        let said = |at: &Placed<'_>| {
            lm(&LmSpec::new(formula), at.rows, at.run())
                .err()
                .map(|e| e.to_string())
        };
        assert_eq!(said(&on), said(&here));
        assert!(said(&on).is_some_and(|e| e.contains("no complete rows")));
    }
    let said = |at: &Placed<'_>| logistic("b ~ x1 + x2", at).err().map(|e| e.to_string());
    assert_eq!(said(&Placed::there(&there)), said(&here));
    assert_eq!(said(&on), said(&here));
}

#[test]
fn values_whose_squares_leave_the_range_are_scaled() {
    let mut data = Data::new(1_000, 2, 1.0);
    data.columns[0].iter_mut().for_each(|x| *x *= 1e120);
    data.columns[1].iter_mut().for_each(|x| *x *= 1e-130);
    let (frame, there) = (data.frame(), data.there(&devices()));
    let at = |rows: &dyn Source| linear("y ~ x1 + x2", &Placed::there(rows));
    let (ours, theirs) = (at(&there), at(&frame));
    near((&ours.0, &ours.1), (&theirs.0, &theirs.1));
}

#[test]
fn rows_whose_number_is_not_known() {
    let data = Data::new(3_000, 4, 2.0);
    let frame = data.frame();
    let theirs = linear("y ~ x1 + x2 + g", &Placed::there(&frame));
    let stream = Stream(data.frame());
    let on = Placed::on(&stream, &devices());
    let ours = linear("y ~ x1 + x2 + g", &on);
    near((&ours.0, &ours.1), (&theirs.0, &theirs.1));
}

#[test]
fn more_rows_than_the_device_has_room_for_come_in_parts() {
    let data = Data::new(60_000, 4, 30.0);
    let frame = data.frame();
    // room for one batch of rows at a time
    let device: Arc<dyn GlmKernels> = Arc::new(Host::with_room(300_000));
    let two = [device.clone(), Arc::new(Host::with_room(300_000))];
    let (stream, one) = (Stream(data.frame()), [device]);
    let known = Placed::on(&frame, &one);
    let unknown = Placed::on(&stream, &one);
    let (both, here) = (Placed::on(&frame, &two), Placed::there(&frame));
    for formula in [
        "y ~ x1 + x2 + x3 + x4",
        "y ~ x1 * g + log(abs(x2)) | w",
        "y ~ g + offset(x3)",
    ] {
        let theirs = lm(&spec(formula), &frame, &NoProgress).unwrap();
        for at in [&known, &unknown, &both] {
            let ours = lm(&spec(formula), at.rows, at.run()).unwrap();
            let (a, b) = (&ours.responses[0], &theirs.responses[0]);
            near((&a.coefficients, &a.std_errors), (&b.coefficients, &b.std_errors));
            assert!((a.rss / b.rss - 1.0).abs() < 1e-13 && ours.rows() == 60_000);
            for (a, b) in a.quantiles.iter().zip(b.quantiles) {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} and {b}");
            }
            // one pass for each of its kind, all of it on the device
            assert_eq!(
                passes(&ours).iter().map(|p| p.0.as_str()).collect::<Vec<_>>(),
                ["gram", "residuals"]
            );
            assert!(ours.report().passes.iter().all(|p| p.rows == 60_000));
        }
    }
    for formula in ["b ~ x1 + x2", "b ~ x1 * g + offset(w) | w"] {
        let theirs = logistic(formula, &here).unwrap();
        for at in [&known, &unknown, &both] {
            let ours = logistic(formula, at).unwrap();
            near(
                (&ours.coefficients, &ours.std_errors),
                (&theirs.coefficients, &theirs.std_errors),
            );
            assert_eq!(ours.fit.iterations, theirs.fit.iterations);
            assert!((ours.fit.null_deviance / theirs.fit.null_deviance - 1.0).abs() < 1e-12);
            for (a, b) in ours.quantiles.iter().zip(theirs.quantiles) {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} and {b}");
            }
        }
    }
    // a bad row is named wherever it is
    let mut data = Data::new(60_000, 2, 1.0);
    data.binary[15_000] = -1.0;
    let frame = data.frame();
    let said = logistic("b ~ x1", &Placed::on(&frame, &one))
        .err()
        .unwrap()
        .to_string();
    assert!(said.contains("row 15001"), "{said}");
}
