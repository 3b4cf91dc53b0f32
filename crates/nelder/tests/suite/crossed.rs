//! Two crossed factors whose levels are eliminated by conjugate gradients, beside the equations of all columns.

use std::sync::Arc;

use nelder::frame::{Frame, Levels};
use nelder::model::{Detail, Inference, Lm, LmSpec, ModelError, Regression, Vcov, lm};
use nelder::pass::NoProgress;

use crate::draws::Draws;

/// Rows of two factors and two numeric columns.
struct Data {
    y: Vec<f64>,
    x: Vec<f64>,
    z: Vec<f64>,
    w: Vec<f64>,
    first: Vec<u32>,
    second: Vec<u32>,
    levels: [usize; 2],
}

impl Data {
    /// Rows whose combinations `draw` gives; effects of both factors, and columns that depend on them.
    fn new(rows: usize, levels: [usize; 2], mut draw: impl FnMut(&mut Draws, usize) -> [usize; 2]) -> Data {
        let mut draws = Draws::new(17);
        let effects: [Vec<f64>; 2] = levels.map(|n| (0..n).map(|_| draws.normal()).collect());
        let mut data = Data {
            y: Vec::new(),
            x: Vec::new(),
            z: Vec::new(),
            w: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
            levels,
        };
        for i in 0..rows {
            let [g, h] = draw(&mut draws, i);
            let x = draws.normal() + 0.5 * effects[0][g];
            let z = draws.normal() - 0.3 * effects[1][h] + 2.0;
            data.y
                .push(1.5 * x - 0.5 * z + effects[0][g] + effects[1][h] + draws.normal());
            data.x.push(x);
            data.z.push(z);
            data.w.push(0.5 + draws.normal().abs());
            data.first.push(g as u32);
            data.second.push(h as u32);
        }
        data
    }

    fn frame(&self) -> Frame<'_> {
        let levels = |n: usize| {
            let names: Vec<String> = (0..n).map(|l| format!("{l:05}")).collect();
            Arc::new(Levels::fixed(names.iter().map(String::as_str)))
        };
        Frame::new()
            .with_real("y", &self.y)
            .with_real("x", &self.x)
            .with_real("z", &self.z)
            .with_real("w", &self.w)
            .with_codes("g", &self.first, levels(self.levels[0]), false)
            .with_codes("h", &self.second, levels(self.levels[1]), false)
    }
}

/// Rows that hang together: any level beside any other.
fn mixed(rows: usize, levels: [usize; 2]) -> Data {
    Data::new(rows, levels, |draws, i| {
        let any = |draws: &mut Draws, n: usize| draws.whole(0, n as i64 - 1) as usize;
        match i {
            i if i < levels[0] => [i, any(draws, levels[1])],
            i if i < levels[0] + levels[1] => [any(draws, levels[0]), i - levels[0]],
            _ => [any(draws, levels[0]), any(draws, levels[1])],
        }
    })
}

/// Rows in parts that share no level: level l of either factor is in part l mod `parts`.
fn parted(rows: usize, levels: [usize; 2], parts: usize) -> Data {
    Data::new(rows, levels, |draws, i| {
        let part = i % parts;
        levels.map(|n| {
            let within = n / parts;
            part + parts * draws.whole(0, within as i64 - 1) as usize
        })
    })
}

/// The fit by conjugate gradients, and the one of all equations.
fn both<'f>(spec: &LmSpec, frame: &'f Frame<'_>) -> (Lm<'f>, Lm<'f>) {
    let mut crossed = spec.clone();
    crossed.crossed_from = Some(24);
    let dense = lm(spec, frame, &NoProgress).unwrap();
    let crossed = lm(&crossed, frame, &NoProgress).unwrap();
    assert!(
        crossed.report().crossed.is_some(),
        "{}",
        crossed.report().algorithm
    );
    assert!(dense.report().crossed.is_none());
    (crossed, dense)
}

fn near(what: &str, a: f64, b: f64, tolerance: f64) {
    let same = (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance;
    assert!(
        same,
        "{what}: {a:e} and {b:e} differ by {:e}, tolerance {tolerance:e}",
        a - b
    );
}

/// Both fits agree: numeric columns and sums to the digits that both claim, levels to rounding in units of their deviation.
fn agree(crossed: &Lm<'_>, dense: &Lm<'_>) {
    assert_eq!(crossed.coefnames(), dense.coefnames());
    assert_eq!(crossed.fit.aliased, dense.fit.aliased);
    assert_eq!(
        (crossed.rank, crossed.df_residual),
        (dense.rank, dense.df_residual)
    );
    let (a, b) = (&crossed.responses[0], &dense.responses[0]);
    let digits = [crossed, dense].map(|fit| fit.report().digits);
    let claimed =
        |of: fn(&nelder::model::Digits) -> f64| digits.iter().map(|d| 10f64.powf(-of(d))).sum::<f64>();
    let of_coefficients = claimed(|d| d.coefficients);
    let of_errors = claimed(|d| d.std_errors.unwrap_or(0.0));
    assert!(
        of_coefficients < 1e-11 && of_errors < 1e-11,
        "{of_coefficients:e} {of_errors:e}"
    );
    for (c, name) in crossed.coefnames().iter().enumerate() {
        let (b1, b2) = (a.coefficients[c], b.coefficients[c]);
        if a.std_errors[c].is_nan() {
            // a level, of which nothing is claimed
            near(name, b1, b2, 1e-12 * (1.0 + b2.abs()));
            continue;
        }
        near(name, b1, b2, of_coefficients * b2.abs());
        near(
            name,
            a.std_errors[c],
            b.std_errors[c],
            of_errors * b.std_errors[c],
        );
    }
    near("rss", a.rss, b.rss, 1e-13 * b.rss);
    near("mss", a.mss, b.mss, 1e-12 * b.mss);
    near("sigma", a.sigma, b.sigma, 1e-13 * b.sigma);
    near("log-likelihood", a.log_lik, b.log_lik, 1e-12 * b.log_lik.abs());
    let known = a.std_errors.iter().filter(|s| !s.is_nan()).count();
    assert!(known >= 2, "standard errors of the numeric columns");
}

#[test]
fn two_factors_agree_with_the_equations_of_all_columns() {
    let data = mixed(900, [70, 45]);
    let frame = data.frame();
    for formula in [
        "y ~ x + z + g + h",
        "y ~ x + z + h + g",
        "y ~ h + x + g + z",
        "y ~ x + z + g + h - 1",
        "y ~ x + z + h + g - 1",
        "y ~ x + poly(z, 2) + I(x > 0) + g + h",
    ] {
        let (crossed, dense) = both(&LmSpec::new(formula), &frame);
        agree(&crossed, &dense);
    }
}

#[test]
fn each_part_that_is_not_connected_has_its_last_level_aliased() {
    let data = parted(1200, [80, 60], 4);
    let frame = data.frame();
    for formula in ["y ~ x + z + g + h", "y ~ z + h + g", "y ~ 0 + x + z + g + h"] {
        let (crossed, dense) = both(&LmSpec::new(formula), &frame);
        agree(&crossed, &dense);
        assert_eq!(crossed.fit.aliased.iter().filter(|a| **a).count(), 3);
        assert_eq!(crossed.report().crossed.unwrap().components, 4);
    }
}

#[test]
fn weights_offsets_subsets_and_contrasts_count() {
    let mut data = mixed(900, [50, 40]);
    for i in (0..900).step_by(17) {
        data.x[i] = f64::NAN;
    }
    // a level that only rows of weight zero have
    (0..900)
        .filter(|&i| data.first[i] == 7)
        .for_each(|i| data.w[i] = 0.0);
    let frame = data.frame();
    let plain = LmSpec::new("y ~ x + z + g + h");
    let sas = nelder::formula::Contrast::Sas;
    for spec in [
        plain.clone().weights("w"),
        plain.clone().weights("w").offset("z / 3"),
        LmSpec {
            subset: Some("z > 1".into()),
            ..plain.clone()
        },
        plain.clone().contrast("g", sas.clone()),
        plain.clone().contrast("h", sas),
    ] {
        let (crossed, dense) = both(&spec, &frame);
        agree(&crossed, &dense);
    }
}

#[test]
fn a_small_factor_stays_among_the_columns() {
    let data = mixed(1500, [60, 50]);
    let third: Vec<u32> = (0..1500).map(|i| (i * 7 % 5) as u32).collect();
    let names = Arc::new(Levels::fixed(["a", "b", "c", "d", "e"]));
    let frame = data.frame().with_codes("t", &third, names, false);
    for formula in [
        "y ~ x + t + g + h",
        "y ~ g + h + x:t + t",
        "y ~ g + h + z + g:x",
        "y ~ 0 + g + h + t + x",
    ] {
        let (crossed, dense) = both(&LmSpec::new(formula), &frame);
        agree(&crossed, &dense);
    }
    // ones lie in the span of the small factor: the levels of the large ones have no origin of their own
    let spec = LmSpec {
        crossed_from: Some(24),
        ..LmSpec::new("y ~ 0 + t + x + g + h")
    };
    assert!(lm(&spec, &frame, &NoProgress).unwrap().report().crossed.is_none());
}

#[test]
fn a_column_in_the_span_of_the_factors_is_aliased() {
    let mut data = mixed(900, [60, 40]);
    // g's number plus h's: exactly in the span
    for i in 0..900 {
        data.z[i] = f64::from(data.first[i]) - 2.0 * f64::from(data.second[i] % 7);
    }
    let frame = data.frame();
    let (crossed, dense) = both(&LmSpec::new("y ~ g + h + x + z"), &frame);
    agree(&crossed, &dense);
    let z = crossed.coefnames().iter().position(|n| n == "z").unwrap();
    assert!(crossed.fit.aliased[z]);
}

#[test]
fn a_level_seen_once_and_a_perfect_fit() {
    let mut data = mixed(700, [60, 40]);
    data.levels[0] = 61;
    data.first[13] = 60;
    let (crossed, dense) = {
        let frame = data.frame();
        let (a, b) = both(&LmSpec::new("y ~ x + z + g + h"), &frame);
        agree(&a, &b);
        (a.responses[0].rss, b.responses[0].rss)
    };
    near("rss", crossed, dense, 1e-13 * dense);
    // no residuals but those of rounding: multiples of 1/8, so that the sums are exact
    for i in 0..700 {
        data.x[i] = (data.x[i] * 8.0).round() / 8.0;
        data.y[i] = 2.0 * data.x[i] + f64::from(data.first[i]) - f64::from(data.second[i]);
    }
    let frame = data.frame();
    let spec = LmSpec {
        crossed_from: Some(24),
        ..LmSpec::new("y ~ x + g + h")
    };
    let fit = lm(&spec, &frame, &NoProgress).unwrap();
    near("x", fit.responses[0].coefficients[1], 2.0, 4.0 * f64::EPSILON);
    assert!(fit.responses[0].rss < 1e-20, "{:e}", fit.responses[0].rss);
}

/// A chain: level l of the one factor meets levels l and l + 1 of the other, and nothing else does.
#[test]
fn a_long_chain_is_solved() {
    let n = 400;
    let data = Data::new(4 * n, [n, n], |_, i| [(i / 4) % n, ((i / 4) + (i % 4) / 2) % n]);
    // open at one place
    let mut data = data;
    for i in 0..4 * n {
        if data.first[i] as usize == n - 1 {
            data.second[i] = (n - 1) as u32;
        }
    }
    let frame = data.frame();
    let (crossed, dense) = both(&LmSpec::new("y ~ x + z + g + h"), &frame);
    agree(&crossed, &dense);
    assert!(crossed.report().crossed.unwrap().sampled);
}

#[test]
fn several_responses_have_one_system() {
    let data = mixed(800, [50, 40]);
    let frame = data.frame();
    let (crossed, dense) = both(&LmSpec::new("cbind(y, z) ~ x + g + h"), &frame);
    for (a, b) in crossed.responses.iter().zip(&dense.responses) {
        near(
            "x",
            a.coefficients[1],
            b.coefficients[1],
            1e-13 * b.coefficients[1].abs(),
        );
        near("se", a.std_errors[1], b.std_errors[1], 1e-13 * b.std_errors[1]);
    }
}

#[test]
fn what_needs_covariances_of_levels_is_an_error_in_words() {
    let data = mixed(600, [40, 30]);
    let frame = data.frame();
    let (fit, dense) = both(&LmSpec::new("y ~ x + z + g + h"), &frame);
    let crossed = |e: ModelError| {
        assert!(matches!(e, ModelError::CrossedFactors { .. }), "{e}");
        assert!(e.to_string().contains("both large factors"), "{e}");
    };
    for kind in [Vcov::Iid, Vcov::Hc1, Vcov::Hc3, Vcov::Cluster("g".into())] {
        crossed(fit.vcov(&kind, &NoProgress).err().unwrap());
    }
    crossed(fit.unscaled_covariance().err().unwrap());
    crossed(fit.influence(Detail::Leverages, &NoProgress).err().unwrap());
    crossed(fit.save().err().unwrap());
    crossed(fit.sequential(0).err().unwrap());
    crossed(fit.drop1(0, None, 2.0).err().unwrap());
    // what follows from the coefficients alone does not
    let (a, b) = (
        fit.fitted(&NoProgress).unwrap(),
        dense.fitted(&NoProgress).unwrap(),
    );
    for (a, b) in a.iter().zip(&b) {
        near("fitted", *a, *b, 1e-12);
    }
}
