//! Links and residuals at the ends of their ranges; responses that are no counts; models without columns; saturated fits.

use nelder::family::{Family, Programs, Start, Trials};
use nelder::frame::Frame;
use nelder::model::{Detail, Glm, GlmSpec, Inference, LmSpec, Regression, Vcov, Warning, glm, lm};
use nelder::pass::NoProgress;
use nelder_device::{Input, Output};

fn family(text: &str) -> Family {
    text.parse().unwrap()
}

fn fit<'s>(spec: &GlmSpec, frame: &'s Frame<'_>) -> Glm<'s> {
    glm(spec, frame, &NoProgress).unwrap()
}

#[track_caller]
fn close(value: f64, exact: f64, tolerance: f64) {
    let error = (value - exact).abs() / exact.abs().max(f64::MIN_POSITIVE);
    assert!(error <= tolerance, "{value:e} instead of {exact:e}: {error:.1e}");
}

/// Links with the inverse function and an interval of means.
type Inverse = fn(f64) -> f64;
const LINKS: &[(&str, Inverse)] = &[
    ("identity", |e| e),
    ("log", f64::exp),
    ("inverse", |e| 1.0 / e),
    ("1/mu^2", |e| 1.0 / e.sqrt()),
    ("sqrt", |e| e * e),
    ("power(0.3)", |e| e.powf(1.0 / 0.3)),
    ("logit", |e| 1.0 / (1.0 + (-e).exp())),
    ("cauchit", |e| 0.5 + e.atan() / std::f64::consts::PI),
    ("cloglog", |e| -(-e.exp()).exp_m1()),
];

/// Each family takes each link, and μ and dμ/dη are the link's: against closed forms and central differences.
#[test]
fn every_family_has_every_link() {
    for name in [
        "gaussian(",
        "binomial(",
        "quasibinomial(",
        "poisson(",
        "quasipoisson(",
        "Gamma(",
        "inverse.gaussian(",
        "quasi(variance = mu, link = ",
        "negative.binomial(2, ",
        "tweedie(1.5, ",
    ] {
        for (link, inverse) in LINKS {
            let own = family(&format!("{name}{link})"));
            for mu in [0.05, 0.3, 0.7, 0.95] {
                let eta = own.link(mu);
                let (found, slope) = own.inverse_link(eta);
                close(found, mu, 16.0 * f64::EPSILON);
                close(inverse(eta), mu, 64.0 * f64::EPSILON);
                let h = 1e-5 * eta.abs();
                let difference = (own.inverse_link(eta + h).0 - own.inverse_link(eta - h).0) / (2.0 * h);
                close(slope, difference, 1e-7);
            }
        }
    }
}

/// W and s of a binomial row close to a mean of one under links that are no probabilities' own: 1 − μ has its own digits.
#[test]
fn complements_do_not_cancel() {
    for (link, eta, complement, slope) in [
        // η one unit or a few from 1, so that 1 − μ is exact by hand
        ("identity", 1.0 - f64::EPSILON, f64::EPSILON, 1.0),
        (
            "sqrt",
            1.0 - f64::EPSILON,
            f64::EPSILON * (2.0 - f64::EPSILON),
            2.0,
        ),
        (
            "inverse",
            1.0 + f64::EPSILON,
            f64::EPSILON / (1.0 + f64::EPSILON),
            -1.0,
        ),
        ("1/mu^2", 1.0 + f64::EPSILON, 0.5 * f64::EPSILON, -0.5),
    ] {
        let own = family(&format!("binomial({link})"));
        let program = Programs::new(&own, false, Trials::Single, Start::Family).step;
        let (y, eta) = ([0.0], [eta]);
        let mut out = [[f64::NAN]; 3];
        let mut outputs: Vec<Output<'_>> = out.iter_mut().map(|o| Output::Real(o)).collect();
        program
            .run::<f64>(&[Input::Real(&y), Input::Real(&eta)], 1, &mut outputs)
            .unwrap();
        // W = (dμ/dη)² / (μ (1 − μ)), s = −(dμ/dη) / (1 − μ) for a failure
        close(out[0][0], slope * slope / complement, 8.0 * f64::EPSILON);
        close(out[1][0], -slope / complement, 8.0 * f64::EPSILON);
    }
}

/// R's answers for counted successes under the identity link.
#[test]
fn binomial_identity() {
    let (x, s, f) = (
        [0.0, 1.0, 2.0, 3.0],
        [2.0, 5.0, 6.0, 9.0],
        [18.0, 15.0, 14.0, 11.0],
    );
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("s", &s)
        .with_real("f", &f);
    let own = fit(
        &GlmSpec::new("cbind(s, f) ~ x", family("binomial(identity)")),
        &frame,
    );
    close(own.coefficients[0], 0.107_204_9, 1e-6);
    close(own.coefficients[1], 0.111_681_1, 1e-6);
}

/// Working residuals where neither 1 − μ nor dμ/dη is a number any more.
#[test]
fn working_residuals_in_the_tails() {
    for (text, y, eta, exact) in [
        ("binomial", 1.0, 800.0, 1.0),
        ("binomial", 0.0, -800.0, -1.0),
        // Φ(−40) / φ(40) and so on, by mpmath
        ("binomial(probit)", 1.0, 40.0, 0.024_984_404_205_720_57),
        ("binomial(probit)", 0.0, -40.0, -0.024_984_404_205_720_57),
        ("binomial(cloglog)", 1.0, 8.0, (-8f64).exp()),
        ("binomial(cloglog)", 0.0, -800.0, -1.0),
        ("poisson", 0.0, -800.0, -1.0),
        ("Gamma(inverse)", 0.0, 1e200, 1e200),
    ] {
        close(family(text).working_residual(y, eta), exact, 4.0 * f64::EPSILON);
    }
    // a response on the other side: as R, which keeps dμ/dη from falling below ε
    close(
        family("binomial").working_residual(0.0, 800.0),
        -1.0 / f64::EPSILON,
        0.0,
    );
}

fn finite(own: &Glm<'_>, what: &str) {
    let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
    for (name, column) in [
        ("fitted", &all.fitted),
        ("linear", &all.linear),
        ("response", &all.response),
        ("working", &all.working),
        ("pearson", &all.pearson),
        ("deviance", &all.deviance),
        ("hat", &all.hat),
        ("weight", &all.weight),
    ] {
        assert!(column.iter().all(|v| v.is_finite()), "{what}, {name}: {column:?}");
    }
    // what is divided by 1 − h is there but for the rows that alone hold the fit
    for (name, column) in [
        ("cooks", &all.cooks),
        ("standardized", &all.standardized),
        ("standardized_pearson", &all.standardized_pearson),
        ("studentized", &all.studentized),
    ] {
        let there = column
            .iter()
            .zip(&all.hat)
            .all(|(v, &h)| v.is_finite() || h == 1.0);
        assert!(there, "{what}, {name}: {column:?}");
    }
    for kind in ["HC0", "cluster:g", "cluster:g:HC1"] {
        let errors = own
            .vcov(&kind.parse::<Vcov>().unwrap(), &NoProgress)
            .unwrap()
            .std_errors();
        assert!(errors.iter().all(|v| v.is_finite()), "{what}, {kind}: {errors:?}");
    }
    assert!(own.dispersion.is_finite());
}

/// Separated data whose fitted probabilities are 0 and 1, and counts whose rates are 0, to the last bit: all that is said of
/// a row is a number.
#[test]
fn diagnostics_where_means_are_at_their_ends() {
    let x: Vec<f64> = (0..24).map(|i| f64::from(i) * 40.0).collect();
    // a narrow gap between the groups, and rows far from it
    let x: Vec<f64> = x.iter().map(|&v| if v >= 480.0 { v - 39.0 } else { v }).collect();
    let y: Vec<f64> = (0..24).map(|i| f64::from(u8::from(i >= 12))).collect();
    let g: Vec<f64> = (0..24).map(|i| f64::from(i % 6)).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("g", &g);
    for text in [
        "binomial",
        "quasibinomial",
        "binomial(probit)",
        "binomial(cloglog)",
    ] {
        let own = fit(&GlmSpec::new("y ~ x", family(text)), &frame);
        let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
        let ends = all.fitted.iter().filter(|&&m| m == 0.0 || m == 1.0).count();
        if text != "quasibinomial" {
            assert!(ends > 0, "{text}: no mean is at its end");
            finite(&own, text);
        }
        assert!(
            all.pearson.iter().all(|p| p.abs() < 1e-2),
            "{text}: {:?}",
            all.pearson
        );
    }
    // rates of e^−900 beside those of ordinary counts
    let far: Vec<f64> = (0..24)
        .map(|i| f64::from(i) - if i < 14 { 900.0 } else { 14.0 })
        .collect();
    let counted = [2.0, 2.0, 8.0, 19.0, 57.0, 146.0, 410.0, 1090.0, 2990.0, 8100.0];
    let counts: Vec<f64> = [[0.0; 14].as_slice(), &counted].concat();
    let frame = Frame::new()
        .with_real("x", &far)
        .with_real("g", &g)
        .with_real("counts", &counts);
    let spec = GlmSpec::new("counts ~ x", Family::poisson()).start(&[0.0, 1.0]);
    let own = fit(&spec, &frame);
    assert!(own.fit.converged && own.fit.warnings == [Warning::FittedRates]);
    finite(&own, "poisson");
    let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
    assert!(all.working[..14].iter().all(|&r| r == -1.0) && all.pearson[..14].iter().all(|&r| r == 0.0));
}

/// A Poisson response that is no count: the rows are named and the criterion is infinite; the coefficients are
/// quasipoisson's. Rows of weight zero do not count.
#[test]
fn fractional_counts() {
    let (x, y, w) = ([0.0, 1.0, 2.0, 3.0], [1.5, 2.0, 3.25, 4.0], [1.0, 1.0, 0.0, 2.0]);
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("w", &w);
    let own = fit(&GlmSpec::new("y ~ x", Family::poisson()), &frame);
    assert_eq!(own.fit.aic(), f64::INFINITY);
    assert_eq!(own.bic(), f64::INFINITY);
    assert_eq!(own.fit.log_lik(), f64::NEG_INFINITY);
    let named = |own: &Glm<'_>| match own.fit.warnings.as_slice() {
        [
            Warning::FractionalCounts {
                first,
                rows,
                response,
            },
        ] => (response.clone(), first.clone(), *rows),
        other => panic!("{other:?}"),
    };
    assert_eq!(named(&own), ("y".to_string(), vec![(0, 1.5), (2, 3.25)], 2));
    assert!(
        own.fit.warnings[0]
            .to_string()
            .contains("1.5 in row 1, 3.25 in row 3")
    );
    let weighted = fit(&GlmSpec::new("y ~ x", Family::poisson()).weights("w"), &frame);
    assert_eq!(named(&weighted).1, vec![(0, 1.5)]);
    let quasi = fit(&GlmSpec::new("y ~ x", family("quasipoisson")), &frame);
    assert!(quasi.fit.warnings.is_empty() && quasi.coefficients == own.coefficients);
    // R's tolerance is 1e-7 of the count
    for (by, counts) in [(2e-7, true), (4e-7, false)] {
        let y = [1.0, 2.0, 3.0 + by, 4.0];
        let frame = Frame::new().with_real("x", &x).with_real("y", &y);
        let own = fit(&GlmSpec::new("y ~ x", Family::poisson()), &frame);
        assert_eq!(own.fit.aic().is_finite(), counts, "{by}");
    }
}

/// Successes and failures are to be whole, their weights need not; proportions times their trials.
#[test]
fn fractional_successes() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let (s, f, w) = ([1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 2.0, 1.0], [0.5, 0.25, 1.5, 1.0]);
    let uneven = [3.0, 2.5, 2.0, 1.0];
    let share = [0.25, 0.5, 0.6, 0.8];
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("s", &s)
        .with_real("f", &f)
        .with_real("w", &w)
        .with_real("uneven", &uneven)
        .with_real("share", &share);
    let warned = |formula: &str, weights: Option<&str>| {
        let mut spec = GlmSpec::new(formula, Family::binomial());
        spec.design.weights = weights.map(str::to_string);
        fit(&spec, &frame)
            .fit
            .warnings
            .contains(&Warning::FractionalSuccesses)
    };
    assert!(!warned("cbind(s, f) ~ x", None) && !warned("cbind(s, f) ~ x", Some("w")));
    assert!(warned("cbind(s, uneven) ~ x", None));
    assert!(warned("share ~ x", None) && !warned("share ~ x", Some("s + f")));
}

/// The model without columns when η = 0 has no mean: what is asked for is there all the same, and the null deviance is R's.
#[test]
fn no_mean_at_zero() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let y = [1.0, 2.0, 2.0, 4.0, 3.0];
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    for (text, start, null) in [
        ("Gamma", None, f64::NAN),
        ("Gamma(identity)", Some(1.0), f64::NAN),
        ("poisson(identity)", Some(1.0), f64::INFINITY),
        ("poisson(sqrt)", Some(1.0), f64::INFINITY),
        ("gaussian(inverse)", Some(0.1), f64::INFINITY),
        ("poisson(inverse)", Some(1.0), f64::NAN),
        ("inverse.gaussian(identity)", Some(1.0), f64::INFINITY),
    ] {
        let mut spec = GlmSpec::new("y ~ x - 1", family(text));
        spec.start = start.map(|s| vec![s]);
        let own = fit(&spec, &frame);
        assert!(own.fit.converged && own.std_errors[0].is_finite(), "{text}");
        let found = own.fit.null_deviance;
        // R's 0 / 0 is no number where the limit is infinite
        assert!(
            found == null || null.is_nan() && !found.is_finite(),
            "{text}: {found}"
        );
        let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
        assert!(
            all.deviance.iter().chain(&all.hat).all(|v| v.is_finite()),
            "{text}"
        );
    }
}

/// The null deviance with an offset where the family's own start is no start: R's 0.8148148; and of counts whose steps
/// would leave the range, against the root of its score by bisection.
#[test]
fn null_deviances_with_offsets() {
    let (x, y) = ([5.0, 3.0, 2.0, 4.0], [1.0, 1.0, 0.0, 0.0]);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let spec = GlmSpec::new("y ~ 1 + x + offset(log(x))", family("gaussian(log)")).start(&[0.0, 0.0]);
    // Σ(y − x c)² is least at c = Σxy / Σx² = 8/54, where it is 2 − 64/54
    close(fit(&spec, &frame).fit.null_deviance, 2.0 - 64.0 / 54.0, 1e-12);
    let (o, k, z) = (
        [-5.0, 1.0, -3.0, 2.0, 4.0],
        [3.0, 0.0, 2.0, 9.0, 14.0],
        [1.0, 0.0, 1.0, 1.0, 0.0],
    );
    let frame = Frame::new()
        .with_real("o", &o)
        .with_real("k", &k)
        .with_real("z", &z);
    let score = |c: f64| (0..5).map(|i| k[i] / (o[i] + c) - 1.0).sum::<f64>();
    let (mut low, mut high) = (5.0 + 1e-9, 100.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        *(if score(middle) > 0.0 { &mut low } else { &mut high }) = middle;
    }
    let deviance: f64 = (0..5)
        .map(|i| {
            let mu = o[i] + low;
            2.0 * (if k[i] == 0.0 { 0.0 } else { k[i] * (k[i] / mu).ln() } - (k[i] - mu))
        })
        .sum();
    let spec = GlmSpec::new("k ~ z + offset(o)", family("poisson(identity)")).start(&[12.0, 0.0]);
    close(fit(&spec, &frame).fit.null_deviance, deviance, 1e-10);
}

/// As many columns as rows: no residual sum of squares, and no σ, standard error or F, as R has it.
#[test]
fn saturated_fits() {
    let (x, z, v) = ([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 9.0, 2.0], [3.1, 1.7, 2.0, 2.2]);
    let y = [1.1, 3.7, 2.3, 5.9];
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("z", &z)
        .with_real("v", &v)
        .with_real("y", &y);
    for weights in [None, Some("v")] {
        let mut spec = LmSpec::new("y ~ x + z + v");
        spec.weights = weights.map(str::to_string);
        let own = lm(&spec, &frame, &NoProgress).unwrap();
        let response = &own.responses[0];
        assert_eq!((response.rss, own.df_residual), (0.0, 0));
        assert!(response.sigma.is_nan() && response.std_errors.iter().all(|s| s.is_nan()));
        assert!(own.f_statistic(0).unwrap().0.is_nan() && own.adj_r_squared(0).is_nan());
        assert_eq!((response.r_squared(), own.aic()), (1.0, f64::NEG_INFINITY));
        let iid = own.vcov(&Vcov::Iid, &NoProgress).unwrap();
        assert!((0..4).all(|i| iid.matrix[(i, i)].is_nan()));
        let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
        assert!(all.response.iter().all(|&r| r == 0.0) && all.fitted == y);
    }
    for text in ["gaussian", "Gamma(log)"] {
        let own = fit(&GlmSpec::new("y ~ x + z + v", family(text)), &frame);
        assert!(
            own.dispersion.is_nan() && own.std_errors.iter().all(|s| s.is_nan()),
            "{text}"
        );
        let all = own.influence(Detail::Leverages, &NoProgress).unwrap();
        assert!(all.deviance.iter().all(|&r| r == 0.0), "{text}");
    }
}

/// Clustered covariances of a linear model with and without weights, by sandwich's definition over whole clusters.
#[test]
fn clustered_types() {
    let n = 18;
    let x: Vec<f64> = (0..n).map(|i| f64::from((i * 7) % 11)).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| f64::from((i * i) % 13) + 0.5 * x[i as usize])
        .collect();
    let g: Vec<f64> = (0..n).map(|i| f64::from(i % 5)).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("g", &g);
    let own = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let b = &own.responses[0].coefficients;
    let bread = own.unscaled_covariance().unwrap();
    let (groups, rows) = (5.0, f64::from(n));
    let own_errors = |kind: &str| {
        own.vcov(&kind.parse().unwrap(), &NoProgress)
            .unwrap()
            .std_errors()
    };
    for (kind, power, factor) in [
        ("cluster:g:HC0", 0, groups / (groups - 1.0)),
        (
            "cluster:g:HC1",
            0,
            groups / (groups - 1.0) * (rows - 1.0) / (rows - 2.0),
        ),
        (
            "cluster:g",
            0,
            groups / (groups - 1.0) * (rows - 1.0) / (rows - 2.0),
        ),
        ("cluster:g:HC3", 1, 1.0),
    ] {
        let mut meat = [[0.0; 2]; 2];
        for group in 0..5 {
            let members: Vec<usize> = (0..n as usize).filter(|i| i % 5 == group).collect();
            let design: Vec<[f64; 2]> = members.iter().map(|&i| [1.0, x[i]]).collect();
            let mut residual: Vec<f64> = members.iter().map(|&i| y[i] - b[0] - b[1] * x[i]).collect();
            if power == 1 {
                // (I − H) e = r by fixed-point iteration, H a contraction
                let plain = residual.clone();
                for _ in 0..2000 {
                    let mut part = [0.0; 2];
                    for (d, r) in design.iter().zip(&residual) {
                        part[0] += d[0] * r;
                        part[1] += d[1] * r;
                    }
                    let turned: Vec<f64> = (0..2)
                        .map(|a| bread[(a, 0)] * part[0] + bread[(a, 1)] * part[1])
                        .collect();
                    for (i, d) in design.iter().enumerate() {
                        residual[i] = plain[i] + d[0] * turned[0] + d[1] * turned[1];
                    }
                }
            }
            let mut score = [0.0; 2];
            for (d, r) in design.iter().zip(&residual) {
                score[0] += d[0] * r;
                score[1] += d[1] * r;
            }
            for (row, a) in meat.iter_mut().zip(score) {
                row.iter_mut().zip(score).for_each(|(cell, b)| *cell += a * b);
            }
        }
        for (c, error) in own_errors(kind).into_iter().enumerate() {
            let part = |row: &[f64; 2]| row[0] * bread[(0, c)] + row[1] * bread[(1, c)];
            let v = bread[(c, 0)] * part(&meat[0]) + bread[(c, 1)] * part(&meat[1]);
            close(error, (factor * v).sqrt(), 1e-12);
        }
    }
    // each row its own cluster: the types by row
    let rows: Vec<f64> = (0..n).map(f64::from).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("g", &rows);
    let own = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    for kind in ["HC2", "HC3"] {
        let by_row = own
            .vcov(&kind.parse().unwrap(), &NoProgress)
            .unwrap()
            .std_errors();
        let clustered = own
            .vcov(&format!("cluster:g:{kind}").parse().unwrap(), &NoProgress)
            .unwrap()
            .std_errors();
        for (a, b) in by_row.iter().zip(&clustered) {
            close(*a, *b, 1e-13);
        }
    }
    // a cluster that has a coefficient of its own
    let d: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 5 == 2))).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("g", &g)
        .with_real("d", &d);
    let own = lm(&LmSpec::new("y ~ x + d"), &frame, &NoProgress).unwrap();
    let refused = own
        .vcov(&"cluster:g:HC3".parse().unwrap(), &NoProgress)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("determines a coefficient alone; use HC0 or HC1"),
        "{refused}"
    );
}
