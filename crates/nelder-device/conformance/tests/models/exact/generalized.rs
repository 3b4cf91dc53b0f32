//! Generalized linear models of every family: coefficients and errors against claims.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, Regression, glm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

use super::held::{Held, count};
use super::number::{Exact, Square, inner, inverse, product};
use super::random::Random;

const FAMILIES: &[(&str, &str)] = &[
    ("binomial", "logit"),
    ("binomial", "probit"),
    ("binomial", "cauchit"),
    ("binomial", "cloglog"),
    ("quasibinomial", "logit"),
    ("poisson", "log"),
    ("poisson", "sqrt"),
    ("quasipoisson", "log"),
    ("gaussian", "identity"),
    ("gaussian", "log"),
    ("gaussian", "inverse"),
    ("Gamma", "inverse"),
    ("Gamma", "log"),
    ("Gamma", "identity"),
    ("inverse.gaussian", "1/mu^2"),
    ("inverse.gaussian", "log"),
    ("inverse.gaussian", "inverse"),
];

const KINDS: &[&str] = &[
    "eighths",
    "small weights",
    "two groups",
    "a group of small responses",
    "columns far from zero",
    "few failures",
    "decimals",
    "nearly exact fit",
];

#[derive(Clone, Debug)]
struct Data {
    kind: &'static str,
    family: &'static str,
    link: &'static str,
    columns: Vec<Vec<f64>>,
    y: Vec<f64>,
    failures: Option<Vec<f64>>,
    w: Option<Vec<f64>>,
}

impl Data {
    fn new(r: &mut Random, kind: &'static str, (family, link): (&'static str, &'static str)) -> Data {
        let n = r.of(&[8, 12, 20, 40]);
        let bounded = family.ends_with("binomial");
        let grouped = matches!(kind, "two groups" | "a group of small responses");
        let first: Vec<f64> = match kind {
            _ if grouped => (0..n).map(|i| (i % 2) as f64).collect(),
            "columns far from zero" => (0..n).map(|_| 1000.0 + r.whole(-8, 8) / 4.0).collect(),
            "decimals" => (0..n).map(|_| r.whole(-2000, 2000) / 1000.0).collect(),
            _ => (0..n).map(|_| r.whole(-8, 8) / 8.0).collect(),
        };
        let mut columns = vec![first];
        if !grouped && kind != "columns far from zero" && r.share() < 0.5 {
            let second = match kind {
                "decimals" => (0..n).map(|_| r.whole(0, 100) / 100.0).collect(),
                _ => r.wholes(n, 0, 5),
            };
            columns.push(second);
        }
        let mut y: Vec<f64> = match () {
            () if bounded => r.wholes(n, 0, 1),
            () if family.ends_with("poisson") => r.wholes(n, 0, 9),
            () if kind == "decimals" => (0..n).map(|_| r.whole(30, 300) / 100.0).collect(),
            () => (0..n).map(|_| r.whole(5, 64) / 16.0).collect(),
        };
        let mut w = None;
        let mut failures = None;
        let own: Vec<bool> = columns[0]
            .iter()
            .map(|&x| if grouped { x == 1.0 } else { x > 0.0 })
            .collect();
        match kind {
            "small weights" => {
                let small = 2f64.powi(-(r.whole(5, 40) as i32));
                w = Some(own.iter().map(|&own| if own { small } else { 1.0 }).collect());
            }
            "a group of small responses" if !bounded => {
                let small = 2f64.powi(-(r.whole(4, 20) as i32));
                y.iter_mut()
                    .zip(&own)
                    .filter(|(_, own)| **own)
                    .for_each(|(y, _)| *y *= small);
            }
            "few failures" if bounded => {
                let trials = 10f64.powi(r.whole(2, 12) as i32);
                let few: Vec<f64> = r.wholes(n, 1, 10);
                let many: Vec<f64> = few.iter().map(|f| trials - f).collect();
                let turned = r.share() < 0.3;
                (y, failures) = if turned {
                    (few, Some(many))
                } else {
                    (many, Some(few))
                };
            }
            "few failures" => {}
            "nearly exact fit" if family == "gaussian" && link == "identity" => {
                let part = 10f64.powi(-(r.whole(3, 10) as i32));
                y = (0..n)
                    .map(|i| 3.0 + 0.1 * columns[0][i] + part * r.whole(-9, 9))
                    .collect();
            }
            _ => {}
        }
        Data {
            kind,
            family,
            link,
            columns,
            y,
            failures,
            w,
        }
    }

    /// Shares of successes and the weights that they have.
    fn observed(&self, number: fn(f64) -> Exact) -> Vec<(Exact, Exact)> {
        let w = |i: usize| Exact::from(self.w.as_ref().map_or(1.0, |w| w[i]));
        let row = |i: usize| match &self.failures {
            None => (number(self.y[i]), w(i)),
            Some(f) => {
                let trials = Exact::from(self.y[i]) + Exact::from(f[i]);
                (Exact::from(self.y[i]) / &trials, w(i) * trials)
            }
        };
        (0..self.y.len()).map(row).collect()
    }
}

/// μ and dμ/dη.
fn mean(link: &str, eta: &Exact) -> (Exact, Exact) {
    let one = Exact::from(1.0);
    match link {
        "identity" => (eta.clone(), one),
        "log" => (eta.exp(), eta.exp()),
        "inverse" => (&one / eta, -(&one / eta.squared())),
        "1/mu^2" => {
            let mu = &one / eta.sqrt();
            let slope = -(&mu / (Exact::from(2.0) * eta));
            (mu, slope)
        }
        "sqrt" => (eta.squared(), Exact::from(2.0) * eta),
        "logit" => {
            let e = (-eta.clone()).exp();
            let mu = &one / (&one + &e);
            (mu.clone(), &mu * (&one - &mu))
        }
        "cauchit" => {
            let slope = &one / (Exact::pi() * (&one + eta.squared()));
            (eta.atan() / Exact::pi() + Exact::from(0.5), slope)
        }
        "cloglog" => {
            let e = eta.exp();
            let rest = (-e.clone()).exp();
            (&one - &rest, e * rest)
        }
        "probit" => normal(eta),
        other => panic!("no link {other}"),
    }
}

/// Φ(x) and φ(x): Φ = 1/2 + φ (x + x³/3 + x⁵/15 + …), all terms of the sign of x.
fn normal(x: &Exact) -> (Exact, Exact) {
    let two = Exact::from(2.0);
    let density = (-(x.squared() / &two)).exp() / (&two * Exact::pi()).sqrt();
    let (mut term, mut sum) = (x.clone(), x.clone());
    for k in 1..4000 {
        term = term * x.squared() / Exact::from(f64::from(2 * k + 1));
        sum = &sum + &term;
        if term.is_zero() || term.log10() < sum.log10() - 155.0 {
            break;
        }
    }
    (Exact::from(0.5) + &density * sum, density)
}

fn variance(family: &str, mu: &Exact) -> Exact {
    match family {
        "binomial" | "quasibinomial" => mu * (Exact::from(1.0) - mu),
        "poisson" | "quasipoisson" => mu.clone(),
        "gaussian" => Exact::from(1.0),
        "Gamma" => mu.squared(),
        _ => mu.squared() * mu,
    }
}

/// Working weight w μ′² / V, score of η w (y − μ) μ′ / V, and Pearson's w (y − μ)² / V of a row.
fn row_at(data: &Data, (y, w): &(Exact, Exact), eta: &Exact) -> [Exact; 3] {
    let (mu, slope) = mean(data.link, eta);
    let v = variance(data.family, &mu);
    let residual = y - &mu;
    let by = w / v;
    [
        &by * slope.squared(),
        &by * &residual * slope,
        by * residual.squared(),
    ]
}

/// Coefficients and standard errors at the stationary point next to `start`: Newton's method, with derivatives of scores from
/// differences over 1e-50, to 40 digits.
fn known(data: &Data, start: &[f64], number: fn(f64) -> Exact) -> Option<(Vec<Exact>, Vec<Exact>)> {
    let observed = data.observed(number);
    let rows: Vec<Vec<Exact>> = (0..observed.len())
        .map(|i| {
            let of = data.columns.iter().map(|c| number(c[i]));
            std::iter::once(Exact::from(1.0)).chain(of).collect()
        })
        .collect();
    let (n, p) = (rows.len(), rows[0].len());
    let small = Exact::from(1e-50);
    let mut beta: Vec<Exact> = start.iter().map(|&b| Exact::from(b)).collect();
    let gram = |weights: &[Exact]| -> Square {
        let entry = |a: usize, b: usize| (0..n).map(|i| &rows[i][a] * &rows[i][b] * &weights[i]).sum();
        (0..p).map(|a| (0..p).map(|b| entry(a, b)).collect()).collect()
    };
    for _ in 0..60 {
        let etas: Vec<Exact> = rows.iter().map(|row| inner(row, &beta)).collect();
        let at: Vec<[Exact; 3]> = (0..n).map(|i| row_at(data, &observed[i], &etas[i])).collect();
        let score: Vec<Exact> = (0..p)
            .map(|a| (0..n).map(|i| &rows[i][a] * &at[i][1]).sum())
            .collect();
        let falls: Vec<Exact> = (0..n)
            .map(|i| (&at[i][1] - &row_at(data, &observed[i], &(&etas[i] + &small))[1]) / &small)
            .collect();
        let step = product(&inverse(&gram(&falls))?, &score);
        if !step.iter().all(Exact::is_number) {
            return None;
        }
        let weights: Vec<Exact> = at.iter().map(|row| row[0].clone()).collect();
        let information = gram(&weights);
        let size = |a: usize| step[a].log10() + 0.5 * information[a][a].log10();
        if (0..p).map(size).fold(f64::NEG_INFINITY, f64::max) < -40.0 {
            let inverse = inverse(&information)?;
            let dispersion = match data.family {
                "binomial" | "poisson" => Exact::from(1.0),
                _ => at.iter().map(|row| row[2].clone()).sum::<Exact>() / Exact::from((n - p) as f64),
            };
            let errors = (0..p).map(|a| (&dispersion * &inverse[a][a]).sqrt()).collect();
            return Some((beta, errors));
        }
        beta = beta.iter().zip(&step).map(|(b, s)| b + s).collect();
    }
    None
}

/// Claims of one model; false where there is no answer to hold them against.
fn hold(held: &mut Held, data: &Data) -> bool {
    let names: Vec<String> = (1..=data.columns.len()).map(|k| format!("x{k}")).collect();
    let mut frame = Frame::new().with_real("y", &data.y);
    for (name, column) in names.iter().zip(&data.columns) {
        frame = frame.with_real(name, column);
    }
    if let Some(f) = &data.failures {
        frame = frame.with_real("f", f);
    }
    if let Some(w) = &data.w {
        frame = frame.with_real("w", w);
    }
    let response = if data.failures.is_some() {
        "cbind(y, f)"
    } else {
        "y"
    };
    let family: Family = format!("{}(\"{}\")", data.family, data.link)
        .parse()
        .expect("a family");
    let mut spec = GlmSpec::new(&format!("{response} ~ {}", names.join(" + ")), family);
    spec.design.weights = data.w.is_some().then(|| "w".to_string());
    // R refuses some starts as well
    let Ok(fit) = glm(&spec, &frame, Run::on(place(), &NoProgress)) else {
        return false;
    };
    let good = fit
        .coefficients
        .iter()
        .chain(&fit.std_errors)
        .all(|v| v.is_finite());
    if !fit.fit.converged || !good {
        return false;
    }
    let Some((coefficients, errors)) = known(data, &fit.coefficients, Exact::from) else {
        return false;
    };
    let least = |own: &[f64], exact: &[Exact]| {
        own.iter()
            .zip(exact)
            .map(|(own, e)| e.digits(*own))
            .fold(16.0, f64::min)
    };
    let digits = fit.report().digits;
    let claimed = digits.std_errors.unwrap_or(0.0);
    held.claim(
        data.kind,
        "coefficients",
        data,
        digits.coefficients,
        least(&fit.coefficients, &coefficients),
    );
    held.claim(
        data.kind,
        "standard errors",
        data,
        claimed,
        least(&fit.std_errors, &errors),
    );
    if matches!(data.kind, "decimals" | "nearly exact fit")
        && let Some((coefficients, errors)) = known(data, &fit.coefficients, Exact::written)
    {
        let written = digits.as_written;
        let claimed = written.std_errors.unwrap_or(0.0);
        let have = least(&fit.coefficients, &coefficients);
        held.claim(
            data.kind,
            "coefficients as written",
            data,
            written.coefficients,
            have,
        );
        held.claim(
            data.kind,
            "standard errors as written",
            data,
            claimed,
            least(&fit.std_errors, &errors),
        );
    }
    true
}

#[test]
fn generalized_linear_models() {
    let mut held = Held::default();
    let mut random = Random(23);
    let models = count(2 * KINDS.len() * FAMILIES.len());
    let mut with_answers = 0;
    for k in 0..models {
        let kind = KINDS[k % KINDS.len()];
        let data = Data::new(&mut random, kind, FAMILIES[k / KINDS.len() % FAMILIES.len()]);
        with_answers += usize::from(hold(&mut held, &data));
    }
    held.finish("glm");
    // most have an answer; separated rows and starts out of range have none
    assert!(2 * with_answers > models, "{with_answers} of {models}");
}
