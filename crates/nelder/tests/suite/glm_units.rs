//! Units of a generalized model: multiplying responses or weights by a power of two changes nothing but units.

use crate::draws::Draws;
use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{Glm, GlmSpec, ModelError, glm};
use nelder::pass::NoProgress;

/// What both fits may differ by: each settles to 1e-11 standard errors.
const SETTLED: f64 = 1e-9;

/// Families whose dispersion is not known, with links; the mean at a predictor.
fn cases() -> Vec<(&'static str, f64, f64)> {
    vec![
        // family, exponent of the link (0: logarithm), predictor of an average row
        ("gaussian", 1.0, 5.0),
        ("gaussian(log)", 0.0, 0.5),
        ("gaussian(inverse)", -1.0, 2.0),
        ("gaussian(sqrt)", 0.5, 3.0),
        ("Gamma", -1.0, 2.0),
        ("Gamma(log)", 0.0, 0.5),
        ("Gamma(identity)", 1.0, 5.0),
        ("inverse.gaussian", -2.0, 2.0),
        ("inverse.gaussian(log)", 0.0, 0.5),
        ("inverse.gaussian(identity)", 1.0, 5.0),
        ("quasipoisson", 0.0, 2.0),
        ("quasipoisson(identity)", 1.0, 9.0),
        ("quasipoisson(sqrt)", 0.5, 3.0),
    ]
}

struct Data {
    x: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    offset: Vec<f64>,
}

impl Data {
    fn new(seed: u64, exponent: f64, predictor: f64) -> Data {
        let mut draws = Draws::new(seed);
        let n = 40;
        let x: Vec<f64> = (0..n).map(|_| draws.normal().clamp(-2.5, 2.5)).collect();
        let offset: Vec<f64> = (0..n).map(|_| 0.05 * predictor * draws.normal().abs()).collect();
        let y = (x.iter().zip(&offset))
            .map(|(x, o)| {
                let eta = predictor * (1.0 + 0.15 * x) + o;
                let mean = if exponent == 0.0 {
                    eta.exp()
                } else {
                    eta.powf(1.0 / exponent)
                };
                mean * (0.2 * draws.normal()).exp()
            })
            .collect();
        let w = (0..n).map(|i| [1.0, 0.5, 2.0][i % 3]).collect();
        Data { x, y, w, offset }
    }

    /// Responses times 2^k, weights times 2^m, and the offset in the units of the predictor.
    fn in_units(&self, exponent: f64, k: i32, m: i32) -> Data {
        let times = |v: &[f64], k: i32| v.iter().map(|x| x * 2f64.powi(k)).collect::<Vec<_>>();
        let offset = match exponent {
            0.0 => self.offset.clone(),
            p => self.offset.iter().map(|o| o * 2f64.powf(p * k as f64)).collect(),
        };
        Data {
            x: self.x.clone(),
            y: times(&self.y, k),
            w: times(&self.w, m),
            offset,
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame::new()
            .with_real("x", &self.x)
            .with_real("y", &self.y)
            .with_real("w", &self.w)
            .with_real("o", &self.offset)
    }
}

fn fit<'s>(spec: &GlmSpec, frame: &'s Frame<'s>, what: &str) -> Glm<'s> {
    glm(spec, frame, &NoProgress).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// Whether a fit in other units is the same one.
fn same(one: &Glm<'_>, two: &Glm<'_>, exponent: f64, (k, m): (i32, i32), what: &str) {
    assert!(
        two.fit.converged && !two.fit.boundary && two.fit.warnings.is_empty(),
        "{what}: {:?}",
        two.fit.warnings
    );
    let unit = 2f64.powf(exponent * k as f64);
    let slope = one.coefficients[1];
    let error = one.std_errors[1];
    let got = two.coefficients[1] / unit;
    assert!(
        (got - slope).abs() <= SETTLED * error,
        "{what}: slope {got}, not {slope}"
    );
    let got = two.std_errors[1] / unit;
    assert!(
        (got / error - 1.0).abs() <= SETTLED,
        "{what}: standard error {got}, not {error}"
    );
    let share = |fit: &Glm<'_>| fit.fit.deviance / fit.fit.null_deviance;
    assert!(
        (share(two) / share(one) - 1.0).abs() <= SETTLED,
        "{what} ({m}): {} of the null deviance, not {}",
        share(two),
        share(one)
    );
}

#[test]
fn responses_in_other_units() {
    for (at, (family, exponent, predictor)) in cases().into_iter().enumerate() {
        let data = Data::new(at as u64 + 1, exponent, predictor);
        let spec = GlmSpec::new("y ~ x + offset(o)", family.parse::<Family>().unwrap()).weights("w");
        let frame = data.frame();
        let one = fit(&spec, &frame, family);
        // starting values y + 0.1 of counts are far from small means, in R too
        let least = if family.starts_with("quasipoisson") {
            -4
        } else {
            -160
        };
        for k in [-160, -100, -52, -26, -10, -4, 10, 20, 26, 52, 100, 160] {
            if k < least {
                continue;
            }
            let other = data.in_units(exponent, k, 0);
            let frame = other.frame();
            let what = format!("{family}, responses times 2^{k}");
            same(&one, &fit(&spec, &frame, &what), exponent, (k, 0), &what);
        }
    }
}

#[test]
fn weights_in_other_units() {
    for (at, (family, exponent, predictor)) in cases().into_iter().enumerate() {
        let data = Data::new(at as u64 + 1, exponent, predictor);
        let spec = GlmSpec::new("y ~ x + offset(o)", family.parse::<Family>().unwrap()).weights("w");
        let frame = data.frame();
        let one = fit(&spec, &frame, family);
        for m in [-500, -200, -60, -46, -20, 20, 46, 60, 200, 500] {
            let other = data.in_units(exponent, 0, m);
            let frame = other.frame();
            let what = format!("{family}, weights times 2^{m}");
            same(&one, &fit(&spec, &frame, &what), exponent, (0, m), &what);
        }
    }
}

/// Where variances underflow, a fit would be of nothing: an error that names the response.
#[test]
fn responses_out_of_range_are_an_error() {
    for (family, k) in [
        ("gaussian(log)", -600),
        ("inverse.gaussian(log)", -400),
        ("Gamma(log)", 500),
        ("gaussian(sqrt)", 520),
    ] {
        let data = Data::new(3, 0.0, 0.5).in_units(0.0, k, 0);
        let spec = GlmSpec::new("y ~ x", family.parse::<Family>().unwrap());
        match glm(&spec, data.frame(), &NoProgress) {
            Err(ModelError::Argument { why, .. }) => assert!(
                why.contains("`y`") && why.contains(family.split('(').next().unwrap()),
                "{why}"
            ),
            other => panic!("{family}: {:?}", other.map(|g| g.coefficients)),
        }
    }
}
