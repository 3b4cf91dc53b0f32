//! Maxima of likelihoods of generalized linear models by an optimiser that knows nothing of Fisher scoring: damped
//! Newton steps with differences of the gradient, from many starts, in the plain formulas of the textbook.
#![allow(dead_code)]

use crate::draws::Draws;

/// A family with its link, as the textbook has them.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// As the library reads it.
    pub name: &'static str,
    /// μ(η); `None` outside the domain.
    pub mean: fn(f64) -> Option<f64>,
    /// dμ/dη
    pub slope: fn(f64) -> f64,
    /// V(μ)
    pub variance: fn(f64) -> f64,
    /// The deviance of one observation.
    pub deviance: fn(f64, f64) -> f64,
}

fn positive(eta: f64) -> Option<f64> {
    (eta > 0.0).then_some(eta)
}

fn exp(eta: f64) -> Option<f64> {
    Some(eta.exp()).filter(|m| *m > 0.0 && m.is_finite())
}

fn y_log_y(y: f64, mu: f64) -> f64 {
    if y == 0.0 { 0.0 } else { y * (y / mu).ln() }
}

fn of_poisson(y: f64, mu: f64) -> f64 {
    2.0 * (y_log_y(y, mu) - (y - mu))
}

fn of_binomial(y: f64, mu: f64) -> f64 {
    2.0 * (y_log_y(y, mu) + y_log_y(1.0 - y, 1.0 - mu))
}

fn of_gamma(y: f64, mu: f64) -> f64 {
    2.0 * ((y - mu) / mu - (y / mu).ln())
}

fn of_inverse_gaussian(y: f64, mu: f64) -> f64 {
    (y - mu).powi(2) / (y * mu * mu)
}

const INVERSE_PI: f64 = std::f64::consts::FRAC_1_PI;

/// Families and links whose steps go astray.
pub const HARD: [Model; 11] = [
    Model {
        name: "inverse.gaussian(log)",
        mean: exp,
        slope: f64::exp,
        variance: |mu| mu * mu * mu,
        deviance: of_inverse_gaussian,
    },
    Model {
        name: "poisson(identity)",
        mean: positive,
        slope: |_| 1.0,
        variance: |mu| mu,
        deviance: of_poisson,
    },
    Model {
        name: "poisson(sqrt)",
        mean: |eta| (eta > 0.0).then_some(eta * eta),
        slope: |eta| 2.0 * eta,
        variance: |mu| mu,
        deviance: of_poisson,
    },
    Model {
        name: "binomial(log)",
        mean: |eta| (eta < 0.0).then(|| eta.exp()).filter(|m| *m > 0.0 && *m < 1.0),
        slope: f64::exp,
        variance: |mu| mu * (1.0 - mu),
        deviance: of_binomial,
    },
    Model {
        name: "binomial(cauchit)",
        mean: |eta| Some(0.5 + INVERSE_PI * eta.atan()).filter(|m| *m > 0.0 && *m < 1.0),
        slope: |eta| INVERSE_PI / (1.0 + eta * eta),
        variance: |mu| mu * (1.0 - mu),
        deviance: of_binomial,
    },
    Model {
        name: "Gamma(identity)",
        mean: positive,
        slope: |_| 1.0,
        variance: |mu| mu * mu,
        deviance: of_gamma,
    },
    Model {
        name: "Gamma(log)",
        mean: exp,
        slope: f64::exp,
        variance: |mu| mu * mu,
        deviance: of_gamma,
    },
    Model {
        name: "inverse.gaussian(1/mu^2)",
        mean: |eta| (eta > 0.0).then(|| 1.0 / eta.sqrt()),
        slope: |eta| -0.5 * eta.powf(-1.5),
        variance: |mu| mu * mu * mu,
        deviance: of_inverse_gaussian,
    },
    Model {
        name: "gaussian(log)",
        mean: exp,
        slope: f64::exp,
        variance: |_| 1.0,
        deviance: |y, mu| (y - mu).powi(2),
    },
    Model {
        name: "quasi(log, mu^2)",
        mean: exp,
        slope: f64::exp,
        variance: |mu| mu * mu,
        deviance: of_gamma,
    },
    Model {
        name: "Gamma(inverse)",
        mean: |eta| (eta > 0.0).then(|| 1.0 / eta),
        slope: |eta| -1.0 / (eta * eta),
        variance: |mu| mu * mu,
        deviance: of_gamma,
    },
];

/// Data of a model with an intercept: columns x, the response, weights.
#[derive(Clone, Debug)]
pub struct Data {
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    pub w: Vec<f64>,
}

impl Data {
    /// Eight to fourteen rows that follow the model badly.
    pub fn hard(model: &Model, draws: &mut Draws) -> Data {
        let n = draws.whole(8, 14) as usize;
        let p = if draws.one_in(3) { 2 } else { 1 };
        let tenth = |v: f64| (v * 10.0).round() / 10.0;
        let x: Vec<Vec<f64>> = (0..p)
            .map(|k| match k == 0 && draws.one_in(2) {
                true => (1..=n).map(|i| i as f64).collect(),
                false => (0..n).map(|_| tenth(draws.uniform(0.0, 3.5))).collect(),
            })
            .collect();
        let (a, b) = (draws.uniform(-1.0, 2.0), draws.uniform(-1.5, 1.5));
        let rough = draws.uniform(0.3, 2.2);
        let size = x[0].iter().fold(0.0f64, |m, v| m.max(v.abs())).max(1.0);
        let binomial = model.name.starts_with("binomial");
        let counts = model.name.starts_with("poisson");
        let mut y: Vec<f64> = Vec::new();
        let mut w = vec![1.0; n];
        for i in 0..n {
            let eta = a + b * x[0][i] * 3.0 / size + rough * draws.normal();
            if binomial {
                if draws.one_in(2) {
                    w[i] = draws.whole(1, 12) as f64;
                }
                let share = 1.0 / (1.0 + (-eta).exp());
                y.push((share * w[i]).round().clamp(0.0, w[i]) / w[i]);
            } else if counts {
                y.push((eta.exp() * 1.5).round().min(500.0));
            } else {
                y.push(((eta.exp() * 100.0).round() / 100.0).max(0.01));
            }
        }
        Data { x, y, w }
    }

    fn eta(&self, beta: &[f64], i: usize) -> f64 {
        beta[0] + self.x.iter().zip(&beta[1..]).map(|(x, b)| x[i] * b).sum::<f64>()
    }

    /// The deviance; infinite outside the domain.
    pub fn deviance(&self, model: &Model, beta: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.y.len() {
            match (model.mean)(self.eta(beta, i)) {
                Some(mu) => sum += self.w[i] * (model.deviance)(self.y[i], mu),
                None => return f64::INFINITY,
            }
        }
        if sum.is_finite() { sum } else { f64::INFINITY }
    }

    /// Half the negative gradient of the deviance, and the root of the Fisher information's diagonal.
    pub fn score(&self, model: &Model, beta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let p = beta.len();
        let (mut s, mut f) = (vec![0.0; p], vec![0.0; p]);
        for i in 0..self.y.len() {
            let eta = self.eta(beta, i);
            let Some(mu) = (model.mean)(eta) else {
                return (vec![f64::NAN; p], vec![f64::NAN; p]);
            };
            let (slope, v) = ((model.slope)(eta), (model.variance)(mu));
            for c in 0..p {
                let x = if c == 0 { 1.0 } else { self.x[c - 1][i] };
                s[c] += self.w[i] * (self.y[i] - mu) * slope / v * x;
                f[c] += self.w[i] * slope * slope / v * x * x;
            }
        }
        f.iter_mut().for_each(|f| *f = f.sqrt());
        (s, f)
    }
}

/// A maximum inside the domain.
#[derive(Clone, Debug)]
pub struct Maximum {
    pub beta: Vec<f64>,
    pub deviance: f64,
}

/// The solution of a small symmetric system, `None` where it is not positive definite.
fn cholesky_solve(a: &[Vec<f64>], b: &[f64]) -> Option<Vec<f64>> {
    let p = b.len();
    let mut l = vec![vec![0.0; p]; p];
    for i in 0..p {
        for j in 0..=i {
            let mut v = a[i][j];
            (0..j).for_each(|k| v -= l[i][k] * l[j][k]);
            if i == j {
                if !(v > 1e-9 * a[i][i].abs()) {
                    return None;
                }
                l[i][i] = v.sqrt();
            } else {
                l[i][j] = v / l[j][j];
            }
        }
    }
    let mut z = b.to_vec();
    for i in 0..p {
        (0..i).for_each(|k| z[i] -= l[i][k] * z[k]);
        z[i] /= l[i][i];
    }
    for i in (0..p).rev() {
        (i + 1..p).for_each(|k| z[i] -= l[k][i] * z[k]);
        z[i] /= l[i][i];
    }
    Some(z)
}

/// Half the Hessian of the deviance by central differences of the score.
fn hessian(data: &Data, model: &Model, beta: &[f64], scale: &[f64]) -> Vec<Vec<f64>> {
    let p = beta.len();
    let mut h = vec![vec![0.0; p]; p];
    for c in 0..p {
        let step = 1e-5 / scale[c];
        let (mut up, mut down) = (beta.to_vec(), beta.to_vec());
        up[c] += step;
        down[c] -= step;
        let (a, b) = (data.score(model, &up).0, data.score(model, &down).0);
        for r in 0..p {
            h[r][c] = (b[r] - a[r]) / (2.0 * step);
        }
    }
    for r in 0..p {
        for c in 0..r {
            let mean = 0.5 * (h[r][c] + h[c][r]);
            (h[r][c], h[c][r]) = (mean, mean);
        }
    }
    h
}

/// Damped Newton steps (Levenberg 1944) from a start, until the score is next to nothing.
fn climb(data: &Data, model: &Model, mut beta: Vec<f64>) -> Option<Maximum> {
    let p = beta.len();
    let mut deviance = data.deviance(model, &beta);
    let mut damping = 1e-3;
    for _ in 0..400 {
        if !deviance.is_finite() {
            return None;
        }
        let (score, scale) = data.score(model, &beta);
        if !scale.iter().all(|s| s.is_finite() && *s > 0.0) {
            return None;
        }
        let h = hessian(data, model, &beta, &scale);
        if !h.iter().flatten().all(|v| v.is_finite()) {
            return None;
        }
        let size = score
            .iter()
            .zip(&scale)
            .map(|(s, f)| (s / f).abs())
            .fold(0.0, f64::max);
        if size < 1e-9 * (1.0 + deviance.sqrt()) {
            // a maximum has a Hessian that is definite on the scale of the information
            let scaled: Vec<Vec<f64>> = (0..p)
                .map(|r| {
                    (0..p)
                        .map(|c| h[r][c] / scale[r] / scale[c] - if r == c { 1e-5 } else { 0.0 })
                        .collect()
                })
                .collect();
            cholesky_solve(&scaled, &vec![0.0; p])?;
            return Some(Maximum { beta, deviance });
        }
        loop {
            let mut damped = h.clone();
            (0..p).for_each(|c| damped[c][c] += damping * scale[c] * scale[c]);
            let next = cholesky_solve(&damped, &score)
                .map(|d| -> Vec<f64> { beta.iter().zip(&d).map(|(b, d)| b + d).collect() });
            if let Some(next) = next {
                let there = data.deviance(model, &next);
                let closer = || {
                    let (s, f) = data.score(model, &next);
                    let now = s.iter().zip(&f).map(|(s, f)| (s / f).abs()).fold(0.0, f64::max);
                    there <= deviance * (1.0 + 1e-13) && now < size
                };
                if there < deviance || closer() {
                    beta = next;
                    deviance = there;
                    damping = (damping * 0.2).max(1e-12);
                    break;
                }
            }
            damping *= 4.0;
            if damping > 1e14 {
                return None;
            }
        }
    }
    None
}

/// All maxima inside the domain that climbing from many starts finds, the best first.
pub fn maxima(data: &Data, model: &Model, draws: &mut Draws) -> Vec<Maximum> {
    let p = data.x.len() + 1;
    let centres: Vec<f64> = data
        .x
        .iter()
        .map(|x| x.iter().sum::<f64>() / x.len() as f64)
        .collect();
    let widths: Vec<f64> = data
        .x
        .iter()
        .zip(&centres)
        .map(|(x, c)| {
            (x.iter().map(|v| (v - c).powi(2)).sum::<f64>() / x.len() as f64)
                .sqrt()
                .max(1e-3)
        })
        .collect();
    let mut found: Vec<Maximum> = Vec::new();
    for k in 0..300 {
        // the predictor at the centre, and slopes across the data
        let centre = match k % 3 {
            0 => draws.uniform(-6.0, 6.0),
            1 => draws.uniform(0.0, 2.0).powi(3),
            _ => -draws.uniform(0.0, 2.0).powi(3),
        };
        let reach = draws.uniform(0.0, 1.6);
        let mut beta = vec![centre];
        for c in 0..p - 1 {
            let slope = reach * draws.normal() * (0.2 + centre.abs()) / widths[c];
            beta.push(slope);
            beta[0] -= slope * centres[c];
        }
        if let Some(at) = climb(data, model, beta)
            && at.beta.iter().all(|b| b.abs() < 1e5)
            && !found
                .iter()
                .any(|f| (f.deviance - at.deviance).abs() < 1e-7 * (1.0 + at.deviance))
        {
            found.push(at);
        }
    }
    found.sort_by(|a, b| a.deviance.total_cmp(&b.deviance));
    found
}
