//! B-splines and natural cubic splines (R's `splines::bs` and `splines::ns`).

use serde::{Deserialize, Serialize};

/// The highest degree; R allows more, nobody uses it.
pub(super) const MAX_DEGREE: usize = 20;

/// Arguments of `bs` and `ns`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) struct SplineRule {
    pub natural: bool,
    pub degree: usize,
    pub intercept: bool,
    /// Inner knots as given, or how many to place at quantiles.
    pub knots: Result<Vec<f64>, usize>,
    pub boundary: Option<[f64; 2]>,
}

impl SplineRule {
    pub fn columns(&self) -> usize {
        let inner = self.knots.as_ref().map_or_else(|n| *n, |k| k.len());
        let all = inner + self.degree + usize::from(self.intercept);
        if self.natural { all - 2 } else { all }
    }

    /// Tests if the knots depend on no row: boundary knots are given, and inner knots are given or none.
    pub fn fixed(&self) -> bool {
        self.boundary.is_some() && (self.knots.is_ok() || self.knots == Err(0))
    }

    /// Places the knots by the values of the column, of which missing ones are left out.
    pub fn place(&self, values: &mut Vec<f64>) -> Result<SplineBasis, String> {
        values.retain(|x| !x.is_nan());
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let boundary = self.boundary_of([low, high])?;
        if let Some(inner) = self.given() {
            return Ok(self.basis(inner, boundary));
        }
        values.retain(|&x| x >= boundary[0] && x <= boundary[1]);
        let (ranks, places) = self.ranks(values.len() as u64)?;
        values.sort_unstable_by(f64::total_cmp);
        let at = |rank: u64| values[rank as usize];
        let knots = ranks.chunks_exact(2).zip(places);
        let inner = knots
            .map(|(pair, part)| SplineRule::between(at(pair[0]), at(pair[1]), part))
            .collect();
        Ok(self.basis(inner, boundary))
    }

    /// The boundary knots: as given, else the ends of the values' range.
    pub fn boundary_of(&self, [low, high]: [f64; 2]) -> Result<[f64; 2], String> {
        let boundary = match self.boundary {
            Some(b) => b,
            None if !low.is_finite() || !high.is_finite() => {
                return Err("there is no value, or an infinite one; knots need finite values".into());
            }
            None => [low, high],
        };
        if boundary[0] >= boundary[1] {
            return Err(format!(
                "all values are {}; a spline needs two different values, or Boundary.knots",
                boundary[0]
            ));
        }
        Ok(boundary)
    }

    /// The inner knots where they depend on no row.
    pub fn given(&self) -> Option<Vec<f64>> {
        match &self.knots {
            Ok(knots) => Some(knots.clone()),
            Err(0) => Some(Vec::new()),
            Err(_) => None,
        }
    }

    /// For inner knots at quantiles of `count` values (R's type 7): of each the ranks of two values, from 0, and how far it is between
    /// these.
    pub fn ranks(&self, count: u64) -> Result<(Vec<u64>, Vec<f64>), String> {
        let n = *self.knots.as_ref().err().unwrap_or(&0);
        let Some(last) = count.checked_sub(1) else {
            return Err("there is no value between the boundary knots".into());
        };
        let step = 1.0 / (n as f64 + 1.0);
        let (mut ranks, mut places) = (Vec::new(), Vec::new());
        for i in 1..=n {
            let index = last as f64 * (i as f64 * step);
            let low = index.floor();
            ranks.extend([low as u64, (low as u64 + 1).min(last)]);
            places.push(index - low);
        }
        Ok((ranks, places))
    }

    /// A value between two.
    pub fn between(a: f64, b: f64, part: f64) -> f64 {
        match part > 0.0 && a != b {
            true => (1.0 - part) * a + part * b,
            false => a,
        }
    }

    /// The basis with its knots.
    pub fn basis(&self, inner: Vec<f64>, boundary: [f64; 2]) -> SplineBasis {
        SplineBasis::new(self, inner, boundary)
    }
}

/// A spline basis with its knots placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::design) struct SplineBasis {
    degree: usize,
    /// All knots, sorted, the boundary knots `degree + 1` times.
    knots: Vec<f64>,
    /// First and last of the boundary knots.
    boundary: [f64; 2],
    /// Columns left out at the start (the intercept).
    skip: usize,
    /// For natural splines, from the B-splines (rows, without the skipped) to the basis (columns), by row.
    natural: Option<Vec<Vec<f64>>>,
}

impl SplineBasis {
    fn new(rule: &SplineRule, inner: Vec<f64>, boundary: [f64; 2]) -> SplineBasis {
        let order = rule.degree + 1;
        let mut knots = inner;
        knots.extend(std::iter::repeat_n(boundary[0], order));
        knots.extend(std::iter::repeat_n(boundary[1], order));
        knots.sort_by(f64::total_cmp);
        let mut basis = SplineBasis {
            degree: rule.degree,
            knots,
            boundary,
            skip: usize::from(!rule.intercept),
            natural: None,
        };
        if rule.natural {
            basis.natural = Some(basis.natural_columns());
        }
        basis
    }

    /// Number of B-splines.
    fn splines(&self) -> usize {
        self.knots.len() - self.degree - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.splines() - self.skip - if self.natural.is_some() { 2 } else { 0 }
    }

    /// The interval of knots that holds `x`, the first or last for values beyond the boundary.
    fn interval(&self, x: f64) -> usize {
        let n = self.splines();
        let x = x.max(self.boundary[0]);
        if x >= self.boundary[1] {
            // the last interval that is not empty
            let last = self.knots.partition_point(|&k| k < self.boundary[1]);
            return last - 1;
        }
        let after = self.knots.partition_point(|&k| k <= x);
        (after - 1).clamp(self.degree, n - 1)
    }

    /// The `k` B-splines of order `k` that are not 0 in the interval, at `x`, by the recurrence of de Boor
    /// (1978, "A Practical Guide to Splines", X.(8)); beyond the interval, their polynomials.
    fn splines_at(&self, interval: usize, order: usize, x: f64, out: &mut [f64; MAX_DEGREE + 1]) {
        out[0] = 1.0;
        for k in 1..order {
            let mut saved = 0.0;
            for (r, out) in out[..k].iter_mut().enumerate() {
                let right = self.knots[interval + 1 + r] - x;
                let left = x - self.knots[interval + 1 + r - k];
                // the width as a difference of knots: it loses nothing when x is far away
                let width = self.knots[interval + 1 + r] - self.knots[interval + 1 + r - k];
                let term = *out / width;
                *out = saved + right * term;
                saved = left * term;
            }
            out[k] = saved;
        }
    }

    /// The `derivative`-th derivatives of the `degree + 1` B-splines of the interval at `x`.
    fn derivatives(&self, interval: usize, derivative: usize, x: f64) -> [f64; MAX_DEGREE + 1] {
        let mut b = [0.0; MAX_DEGREE + 1];
        self.splines_at(interval, self.degree + 1 - derivative, x, &mut b);
        for k in self.degree + 1 - derivative..=self.degree {
            // from order k to order k + 1: B_i' = k (B_{i,k} / (t_{i+k} - t_i) - B_{i+1,k} / (…))
            let mut next = [0.0; MAX_DEGREE + 1];
            for r in 0..k {
                let i = interval + 1 + r - k;
                let term = k as f64 * b[r] / (self.knots[i + k] - self.knots[i]);
                next[r] -= term;
                next[r + 1] += term;
            }
            b = next;
        }
        b
    }

    /// A basis of the splines whose second derivative is 0 at both boundary knots: the columns 3, 4, … of Q in
    /// the QR decomposition (Householder) of the two constraints, as `ns` takes them.
    fn natural_columns(&self) -> Vec<Vec<f64>> {
        let n = self.splines() - self.skip;
        let mut constraints = self.boundary.map(|x| {
            let (at, mut row) = (self.interval(x), vec![0.0; n]);
            let values = self.derivatives(at, 2, x);
            for (r, &value) in values[..=self.degree].iter().enumerate() {
                let column = at + r - self.degree;
                if column >= self.skip {
                    row[column - self.skip] = value;
                }
            }
            row
        });
        let mut reflectors: Vec<Vec<f64>> = Vec::new();
        for l in 0..2 {
            let norm = constraints[l][l..].iter().map(|v| v * v).sum::<f64>().sqrt();
            let norm = if constraints[l][l] < 0.0 { -norm } else { norm };
            let mut v: Vec<f64> = vec![0.0; n];
            for i in l..n {
                v[i] = constraints[l][i] / norm;
            }
            v[l] += 1.0;
            for column in &mut constraints {
                reflect(&v, l, column);
            }
            reflectors.push(v);
        }
        // row i of Q[, 3…] is the image of the i-th unit vector under the transposed reflections
        (0..n)
            .map(|i| {
                let mut e = vec![0.0; n];
                e[i] = 1.0;
                for (l, v) in reflectors.iter().enumerate() {
                    reflect(v, l, &mut e);
                }
                e.split_off(2)
            })
            .collect()
    }

    /// The columns of the basis at `values`.
    pub fn evaluate(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut out = vec![vec![0.0; values.len()]; self.columns()];
        let mut b = [0.0; MAX_DEGREE + 1];
        for (row, &x) in values.iter().enumerate() {
            if x.is_nan() {
                out.iter_mut().for_each(|column| column[row] = f64::NAN);
                continue;
            }
            let at = self.interval(x);
            let outside = x < self.boundary[0] || x > self.boundary[1];
            if outside && self.natural.is_some() {
                // a natural spline is straight beyond the boundary
                let pivot = if x < self.boundary[0] {
                    self.boundary[0]
                } else {
                    self.boundary[1]
                };
                let (value, slope) = (self.derivatives(at, 0, pivot), self.derivatives(at, 1, pivot));
                for r in 0..=self.degree {
                    b[r] = value[r] + (x - pivot) * slope[r];
                }
            } else {
                self.splines_at(at, self.degree + 1, x, &mut b);
            }
            for (r, &b) in b[..=self.degree].iter().enumerate() {
                let spline = at + r - self.degree;
                if spline < self.skip {
                    continue;
                }
                match &self.natural {
                    None => out[spline - self.skip][row] = b,
                    Some(natural) => {
                        for (column, &weight) in out.iter_mut().zip(&natural[spline - self.skip]) {
                            column[row] += b * weight;
                        }
                    }
                }
            }
        }
        out
    }
}

/// The Householder reflection of LINPACK: `y - v (v'y) / v_l`.
fn reflect(v: &[f64], l: usize, y: &mut [f64]) {
    let t = v[l..].iter().zip(&y[l..]).map(|(a, b)| a * b).sum::<f64>() / v[l];
    for (y, v) in y[l..].iter_mut().zip(&v[l..]) {
        *y -= t * v;
    }
}
