//! Coefficients of all replicates, and what follows from them: bias, standard errors, covariance.

use faer::Mat;

/// The replicates' coefficients.
#[derive(Clone, Debug)]
pub struct Draws {
    /// Names of the coefficients.
    pub names: Vec<String>,
    /// The coefficients of the fit: `t0`; `NaN` where aliased.
    pub estimate: Vec<f64>,
    /// Replicates x coefficients, replicate by replicate: `t`; `NaN` where a replicate has none.
    pub values: Vec<f64>,
    /// Their variances under the model, the same shape; empty unless asked for.
    pub variances: Vec<f64>,
    /// The variances of the fit's own coefficients; empty likewise.
    pub variance_of_estimate: Vec<f64>,
}

impl Draws {
    /// Number of replicates.
    pub fn replicates(&self) -> usize {
        self.values.len().checked_div(self.names.len()).unwrap_or(0)
    }

    /// The draws of a coefficient, by replicate.
    pub fn of(&self, column: usize) -> Vec<f64> {
        self.values
            .iter()
            .skip(column)
            .step_by(self.names.len())
            .copied()
            .collect()
    }

    /// The variances of a coefficient, by replicate.
    pub fn variances_of(&self, column: usize) -> Vec<f64> {
        self.variances
            .iter()
            .skip(column)
            .step_by(self.names.len())
            .copied()
            .collect()
    }

    /// The draws of a coefficient that are numbers.
    pub fn finite(&self, column: usize) -> Vec<f64> {
        self.of(column).into_iter().filter(|v| v.is_finite()).collect()
    }

    /// Replicates without a number for each coefficient that the fit has.
    pub fn missing(&self) -> Vec<usize> {
        let own = (0..self.names.len()).map(|c| match self.estimate[c].is_nan() {
            true => 0,
            false => self.replicates() - self.finite(c).len(),
        });
        own.collect()
    }

    /// Mean of the draws less the estimate, by coefficient.
    pub fn bias(&self) -> Vec<f64> {
        // differences first: the mean of numbers that are nearly the estimate would round it away
        let of = |c: usize| {
            let own = self.finite(c);
            own.iter().map(|v| v - self.estimate[c]).sum::<f64>() / own.len() as f64
        };
        (0..self.names.len()).map(of).collect()
    }

    /// Standard deviations of the draws, with R − 1: standard errors by coefficient.
    pub fn std_errors(&self) -> Vec<f64> {
        (0..self.names.len())
            .map(|c| variance(&self.finite(c)).sqrt())
            .collect()
    }

    /// Covariance of the draws, with R − 1, over the replicates that have all coefficients of the fit; `NaN` for aliased ones.
    pub fn covariance(&self) -> Mat<f64> {
        let p = self.names.len();
        let known: Vec<usize> = (0..p).filter(|&c| !self.estimate[c].is_nan()).collect();
        let rows = (self.values.chunks_exact(p)).filter(|row| known.iter().all(|&c| row[c].is_finite()));
        let (mut sums, mut products, mut n) = (vec![0.0; p], Mat::<f64>::zeros(p, p), 0.0);
        let mut about = vec![0.0; p];
        for row in rows {
            n += 1.0;
            for &c in &known {
                about[c] = row[c] - self.estimate[c];
                sums[c] += about[c];
            }
            for &a in &known {
                for &b in &known {
                    products[(a, b)] += about[a] * about[b];
                }
            }
        }
        Mat::from_fn(p, p, |a, b| {
            match self.estimate[a].is_nan() || self.estimate[b].is_nan() {
                true => f64::NAN,
                false => (products[(a, b)] - sums[a] * sums[b] / n) / (n - 1.0),
            }
        })
    }
}

/// Variance with n − 1.
pub(super) fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let Some(&first) = values.first() else {
        return f64::NAN;
    };
    let mean = first + values.iter().map(|v| v - first).sum::<f64>() / n;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)
}
