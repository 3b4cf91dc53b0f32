//! What a fit must not depend on: the order of rows, columns and terms, units and origins, how rows come in batches,
//! how often a row is repeated or weighted, and how a factor is coded.
//!
//! Where the same least-squares problem is posed in two ways without rounding, both answers are the exact one rounded
//! once, so they agree to the last bits whatever the condition. Where the data are rounded on the way, they agree as
//! closely as the fits say: their bounds allow for half a unit in the last place of each number.

use crate::draws::Draws;
use crate::sources::Stream;
use nelder::formula::Contrast;
use nelder::frame::{Frame, Source};
use nelder::model::{Lm, LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use proptest::prelude::*;

const FORMULA: &str = "y ~ x + z + u + g";

#[derive(Clone)]
struct Data {
    /// x, z, u, y, w.
    columns: [Vec<f64>; 5],
    g: Vec<Option<String>>,
}

impl Data {
    /// Normal columns, u within 1/κ of x + z; `levels` levels with three rows and more.
    fn new(seed: u64, rows: usize, levels: usize, kappa: f64) -> Data {
        let mut draws = Draws::new(seed);
        let n = rows.max(3 * levels);
        let mut column = |mean: f64| -> Vec<f64> { (0..n).map(|_| mean + draws.normal()).collect() };
        let (x, z, e, w) = (column(3.0), column(-1.0), column(0.0), column(0.0));
        let u = column(0.0)
            .iter()
            .zip(x.iter().zip(&z))
            .map(|(v, (x, z))| x + z + v / kappa)
            .collect();
        let y = (0..n)
            .map(|i| 1.0 + x[i] - 2.0 * z[i] + (i % levels) as f64 + e[i])
            .collect();
        let w = w.iter().map(|w| 0.5 + w.abs()).collect();
        Data {
            columns: [x, z, u, y, w],
            g: (0..n).map(|i| Some(format!("{:02}", i % levels))).collect(),
        }
    }

    /// The rows of these positions.
    fn rows(&self, at: &[usize]) -> Data {
        Data {
            columns: self
                .columns
                .each_ref()
                .map(|c| at.iter().map(|&i| c[i]).collect()),
            g: at.iter().map(|&i| self.g[i].clone()).collect(),
        }
    }

    fn len(&self) -> usize {
        self.g.len()
    }

    fn frame(&self) -> Frame<'_> {
        let [x, z, u, y, w] = &self.columns;
        Frame::new()
            .with_real("x", x)
            .with_real("z", z)
            .with_real("u", u)
            .with_real("y", y)
            .with_real("w", w)
            .with_text("g", &self.g)
    }
}

/// Fits; products are exact where the number of rows is known to be small.
fn fit<'s>(spec: &LmSpec, source: &'s dyn Source) -> Lm<'s> {
    lm(spec, source, &NoProgress).unwrap()
}

fn position(fit: &Lm<'_>, name: &str) -> usize {
    fit.coefnames()
        .iter()
        .position(|n| n == name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", fit.coefnames()))
}

/// Relative error of a variance: rounding to double precision, and, where products were rounded by up to 64 ε, that
/// times κ².
fn unit(fit: &Lm<'_>) -> f64 {
    let report = fit.report();
    let products = if report.precision == "f64" {
        64.0 * report.condition.powi(2)
    } else {
        0.0
    };
    f64::EPSILON * (8.0 + products)
}

/// Asserts that two fits of the same problem agree to the last bits; `name` is what the second calls a column.
fn same(one: &Lm<'_>, two: &Lm<'_>, name: impl Fn(&str) -> String) -> Result<(), TestCaseError> {
    let (a, b) = (&one.responses[0], &two.responses[0]);
    let tol = unit(one).max(unit(two));
    prop_assert!(
        (a.rss - b.rss).abs() <= 8.0 * f64::EPSILON * a.rss,
        "RSS {} {}",
        a.rss,
        b.rss
    );
    for (c, label) in one.coefnames().iter().enumerate() {
        let d = position(two, &name(label));
        prop_assert_eq!(one.fit.aliased[c], two.fit.aliased[d]);
        if one.fit.aliased[c] {
            continue;
        }
        // each is rounded once; a coefficient near zero is known relative to the response instead
        let last =
            2.0 * f64::EPSILON * a.coefficients[c].abs() + 1e-22 * a.mss.sqrt() * one.fit.variances[c].sqrt();
        let (u, v) = (a.coefficients[c], b.coefficients[d]);
        prop_assert!(
            (u - v).abs() <= last,
            "{}: {:e} {:e}, {:?}",
            label,
            u,
            v,
            one.report()
        );
        // standard errors up to their common factor σ
        let (s, t) = (one.fit.variances[c].sqrt(), two.fit.variances[d].sqrt());
        prop_assert!((s - t).abs() <= tol * s, "{}: {:e} {:e}, {:e}", label, s, t, tol);
    }
    Ok(())
}

/// A coefficient and its standard error where `scale` times the second fit's is the same as the first's, with what
/// both fits say of their errors.
fn near(one: &Lm<'_>, two: &Lm<'_>, name: &str, scale: f64) -> Result<(), TestCaseError> {
    let c = position(one, name);
    let bound = one.fit.errors[0][c] + (scale * two.fit.errors[0][c]).abs();
    let (a, b) = (&one.responses[0], &two.responses[0]);
    let (u, v) = (a.coefficients[c], scale * b.coefficients[c]);
    prop_assert!(
        (u - v).abs() <= bound + f64::EPSILON * u.abs(),
        "{}: {:e} {:e}, {:e}",
        name,
        u,
        v,
        bound
    );
    // other units and origins round the data anew
    let part = |fit: &Lm<'_>| 10f64.powf(-fit.report().digits.as_written.std_errors.unwrap());
    let (s, t) = (a.std_errors[c], scale.abs() * b.std_errors[c]);
    prop_assert!(
        (s - t).abs() <= (part(one) + part(two) + f64::EPSILON) * s,
        "{}: {:e} {:e}",
        name,
        s,
        t
    );
    Ok(())
}

/// Seed, rows, levels, κ, and whether the number of rows is kept from the fit.
fn designs() -> impl Strategy<Value = (u64, usize, usize, f64, bool)> {
    (0u64..1 << 40, 12usize..200, 2usize..6, 0.0f64..5.0, any::<bool>())
        .prop_map(|(seed, n, levels, digits, hide)| (seed, n, levels, 10f64.powf(digits), hide))
}

/// Fits of two frames as they are, or with their number of rows hidden, agree.
fn both(frames: [Frame<'_>; 2], specs: [&LmSpec; 2], hide: bool) -> Result<(), TestCaseError> {
    let [one, two] = frames.map(Stream);
    if hide {
        same(&fit(specs[0], &one), &fit(specs[1], &two), str::to_string)
    } else {
        same(&fit(specs[0], &one.0), &fit(specs[1], &two.0), str::to_string)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_rows((seed, n, levels, kappa, hide) in designs(), weighted in any::<bool>()) {
        let data = Data::new(seed, n, levels, kappa);
        let mut draws = Draws::new(seed ^ 1);
        let mut at: Vec<usize> = (0..data.len()).collect();
        for i in (1..at.len()).rev() {
            at.swap(i, draws.whole(0, i as i64) as usize);
        }
        let permuted = data.rows(&at);
        let mut spec = LmSpec::new(FORMULA);
        if weighted {
            spec = spec.weights("w");
        }
        both([data.frame(), permuted.frame()], [&spec, &spec], hide)?;
    }

    #[test]
    fn order_of_terms((seed, n, levels, kappa, hide) in designs()) {
        let data = Data::new(seed, n, levels, kappa);
        let spec = LmSpec::new(FORMULA);
        for other in ["y ~ g + u + z + x", "y ~ z + g + x + u", "y ~ u + z + x + g"] {
            both([data.frame(), data.frame()], [&spec, &LmSpec::new(other)], hide)?;
        }
    }

    #[test]
    fn length_of_batches((seed, n, levels, kappa, hide) in designs(), length in 1usize..70) {
        let data = Data::new(seed, n, levels, kappa);
        for spec in [LmSpec::new(FORMULA), LmSpec::new("y ~ x * g + z").weights("w")] {
            both([data.frame(), data.frame().in_batches_of(length)], [&spec, &spec], hide)?;
        }
    }

    #[test]
    fn units_of_powers_of_two(
        (seed, n, levels, kappa, hide) in designs(),
        k in -300i32..300,
        m in -300i32..300,
    ) {
        // each operation commutes with a power of two
        let data = Data::new(seed, n, levels, kappa);
        let mut scaled = data.clone();
        scaled.columns[0].iter_mut().for_each(|x| *x *= 2f64.powi(k));
        scaled.columns[3].iter_mut().for_each(|y| *y *= 2f64.powi(m));
        // one batch, so that the order of sums is the same
        let (a, b) = (Stream(data.frame()), Stream(scaled.frame()));
        let spec = LmSpec::new(FORMULA);
        let pair = match hide {
            true => (fit(&spec, &a), fit(&spec, &b)),
            false => (fit(&spec, &a.0), fit(&spec, &b.0)),
        };
        let (one, two) = (&pair.0.responses[0], &pair.1.responses[0]);
        for (c, name) in pair.0.coefnames().iter().enumerate() {
            let unit = 2f64.powi(m - if name == "x" { k } else { 0 });
            let bits = [one.coefficients[c] * unit, two.coefficients[c]].map(f64::to_bits);
            prop_assert_eq!(bits[0], bits[1], "{}", name);
            let t = |r: &nelder::model::Response| r.coefficients[c] / r.std_errors[c];
            prop_assert_eq!(t(one).to_bits(), t(two).to_bits(), "t of {}", name);
        }
    }

    #[test]
    fn other_units(
        (seed, n, levels, kappa, hide) in designs(),
        factor in 1e-3f64..1e3,
        unit in -1000i32..1000,
    ) {
        let data = Data::new(seed, n, levels, kappa);
        let mut scaled = data.clone();
        let y = f64::from(unit) + 0.3;
        scaled.columns[2].iter_mut().for_each(|u| *u *= factor);
        scaled.columns[3].iter_mut().for_each(|v| *v *= y);
        let (a, b) = (Stream(data.frame()), Stream(scaled.frame()));
        let spec = LmSpec::new(FORMULA);
        let pair = match hide {
            true => (fit(&spec, &a), fit(&spec, &b)),
            false => (fit(&spec, &a.0), fit(&spec, &b.0)),
        };
        for name in pair.0.coefnames() {
            near(&pair.0, &pair.1, name, if name == "u" { factor / y } else { 1.0 / y })?;
        }
    }

    #[test]
    fn other_origins((seed, n, levels, kappa, hide) in designs(), x0 in -1e4f64..1e4, y0 in -1e4f64..1e4) {
        let data = Data::new(seed, n, levels, kappa);
        let mut moved = data.clone();
        moved.columns[0].iter_mut().for_each(|x| *x += x0);
        moved.columns[3].iter_mut().for_each(|y| *y += y0);
        let (a, b) = (Stream(data.frame()), Stream(moved.frame()));
        let spec = LmSpec::new(FORMULA);
        let pair = match hide {
            true => (fit(&spec, &a), fit(&spec, &b)),
            false => (fit(&spec, &a.0), fit(&spec, &b.0)),
        };
        for name in pair.0.coefnames().iter().filter(|n| *n != "(Intercept)") {
            near(&pair.0, &pair.1, name, 1.0)?;
        }
    }

    #[test]
    fn weights_of_two_are_repeated_rows((seed, n, levels, kappa, hide) in designs()) {
        let mut data = Data::new(seed, n, levels, kappa);
        let n = data.len();
        // every third row counts twice
        data.columns[4] = (0..n).map(|i| if i % 3 == 0 { 2.0 } else { 1.0 }).collect();
        let at: Vec<usize> = (0..n).chain((0..n).step_by(3)).collect();
        let repeated = data.rows(&at);
        let (plain, weighted) = (LmSpec::new(FORMULA), LmSpec::new(FORMULA).weights("w"));
        both([data.frame(), repeated.frame()], [&weighted, &plain], hide)?;
        let (a, b) = (data.frame(), repeated.frame());
        let (one, two) = (fit(&weighted, &a), fit(&plain, &b));
        // R counts rows, whatever their weight
        let rank = 4 + levels as u64 - 1;
        prop_assert_eq!([one.df_residual + rank, two.df_residual + rank], [n as u64, at.len() as u64]);
        let ratio = (two.df_residual as f64 / one.df_residual as f64).sqrt();
        for (s, t) in one.responses[0].std_errors.iter().zip(&two.responses[0].std_errors) {
            prop_assert!((s - t * ratio).abs() <= 8.0 * f64::EPSILON * s, "{} {}", s, t);
        }
    }

    #[test]
    fn weights_of_zero_are_no_rows((seed, n, levels, kappa, hide) in designs()) {
        let mut data = Data::new(seed, n, levels, kappa);
        // two rows of each level stay, and two of three others
        let keep: Vec<usize> = (0..data.len()).filter(|&i| i < 2 * levels + 3 || i % 3 > 0).collect();
        let all: Vec<f64> = data.columns[4].clone();
        data.columns[4].iter_mut().for_each(|w| *w = 0.0);
        keep.iter().for_each(|&i| data.columns[4][i] = all[i]);
        let kept = data.rows(&keep);
        let spec = LmSpec::new(FORMULA).weights("w");
        both([data.frame(), kept.frame()], [&spec, &spec], hide)?;
        let (a, b) = (data.frame(), kept.frame());
        let (one, two) = (fit(&spec, &a), fit(&spec, &b));
        prop_assert_eq!(one.df_residual, two.df_residual);
        // a sum of logarithms over the rows
        let (u, v) = (one.responses[0].log_lik, two.responses[0].log_lik);
        prop_assert!((u - v).abs() <= 1e-13 * (1.0 + u.abs() + kept.len() as f64), "{} {}", u, v);
    }

    #[test]
    fn contrasts_span_the_same((seed, n, levels, kappa, hide) in designs(), formula in 0usize..3) {
        let data = Data::new(seed, n, levels, kappa);
        let formula = ["y ~ x + g", "y ~ x * g + z", "y ~ u + z + x + g"][formula];
        let source = Stream(data.frame());
        let run = |contrast| {
            let spec = LmSpec::new(formula).contrast("g", contrast);
            if hide { fit(&spec, &source) } else { fit(&spec, &source.0) }
        };
        let base = run(Contrast::Treatment { base: 0 });
        let a = &base.responses[0];
        for contrast in [Contrast::Sum, Contrast::Helmert, Contrast::Poly, Contrast::Treatment { base: levels - 1 }] {
            let other = run(contrast.clone());
            let b = &other.responses[0];
            // columns of irrational contrasts are rounded, which moves their span by ε, and the RSS by its square
            prop_assert!((a.rss - b.rss).abs() <= 16.0 * f64::EPSILON * a.rss, "{:?} {} {}", contrast, a.rss, b.rss);
            prop_assert!((a.mss - b.mss).abs() <= 16.0 * f64::EPSILON * (a.mss + a.rss));
            prop_assert_eq!((base.rank, base.df_residual), (other.rank, other.df_residual));
            let (u, v) = (position(&base, "x"), position(&other, "x"));
            if formula == "y ~ x + g" {
                let tol = 64.0 * f64::EPSILON * base.report().condition;
                prop_assert!((a.coefficients[u] - b.coefficients[v]).abs() <= tol);
            }
        }
    }

    #[test]
    fn eliminated_factors_are_dummies((seed, n, _, kappa, hide) in designs(), levels in 30usize..60) {
        let data = Data::new(seed, n, levels, kappa);
        let dummies: Vec<Vec<f64>> = (1..levels)
            .map(|l| (0..data.len()).map(|i| f64::from(u8::from(i % levels == l))).collect())
            .collect();
        let names: Vec<String> = (1..levels).map(|l| format!("d{l:02}")).collect();
        let mut wide = data.frame();
        for (name, x) in names.iter().zip(&dummies) {
            wide = wide.with_real(name, x);
        }
        let formula = format!("y ~ x + z + u + {}", names.join(" + "));
        for weights in [None, Some("w".to_string())] {
            let spec = LmSpec { weights: weights.clone(), ..LmSpec::new(FORMULA) };
            let dense = LmSpec { weights, ..LmSpec::new(&formula) };
            let rename = |name: &str| name.strip_prefix('g').map_or(name.to_string(), |l| format!("d{l}"));
            let long = data.frame();
            let (one, two) = (fit(&spec, &long), fit(&dense, &wide));
            // beyond, less than 10⁻⁶ of u's sum of squares is left, and no factor is eliminated
            let eliminated = |fit: &Lm<'_>| fit.report().algorithm.contains("elimination");
            prop_assert!((kappa > 300.0 || eliminated(&one)) && !eliminated(&two));
            same(&one, &two, rename)?;
            if hide {
                same(&fit(&spec, &Stream(data.frame())), &two, rename)?;
            }
        }
    }
}
