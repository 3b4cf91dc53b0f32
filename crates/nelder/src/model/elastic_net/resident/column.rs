//! A column of a design where it lies in memory, read by itself: for models of more columns than a gram could hold.

use nelder_device::vectorized;

/// A column in memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum ResidentColumn<'a> {
    /// A number for each row.
    Dense(&'a [f64]),
    /// The rows whose number is not zero, ascending, and these.
    Sparse {
        /// Rows.
        rows: &'a [i32],
        /// Numbers.
        values: &'a [f64],
    },
}

/// Columns that a thread looks at in one go.
pub(super) const TOGETHER: usize = 64;

/// Lanes of a sum: enough that additions do not wait for each other.
const LANES: usize = 32;

/// Σ f(x, v) over rows.
#[inline(always)]
fn sum_of(x: &[f64], v: &[f64], f: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (xs, vs) = (x.chunks_exact(LANES), v.chunks_exact(LANES));
    for (x, v) in xs.remainder().iter().zip(vs.remainder()) {
        lanes[0] = f(*x, *v, lanes[0]);
    }
    for (x, v) in xs.zip(vs) {
        for k in 0..LANES {
            lanes[k] = f(x[k], v[k], lanes[k]);
        }
    }
    lanes.iter().sum()
}

/// Lanes of a sum over numbers that are here and there.
const SPARSE_LANES: usize = 4;

/// Σ x v over the rows that a column holds.
fn sparse_dot(rows: &[i32], values: &[f64], v: &[f64]) -> f64 {
    let mut lanes = [0.0; SPARSE_LANES];
    let (rs, xs) = (rows.chunks_exact(SPARSE_LANES), values.chunks_exact(SPARSE_LANES));
    for (i, x) in rs.remainder().iter().zip(xs.remainder()) {
        lanes[0] += v[*i as usize] * x;
    }
    for (i, x) in rs.zip(xs) {
        for k in 0..SPARSE_LANES {
            lanes[k] += v[i[k] as usize] * x[k];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

impl ResidentColumn<'_> {
    /// Σ v (x − c), where Σ v is `total`.
    pub fn dot(&self, v: &[f64], total: f64, center: f64) -> f64 {
        match self {
            ResidentColumn::Dense(x) => {
                let mut sum = 0.0;
                vectorized(
                    #[inline(always)]
                    || sum = sum_of(x, v, |x, v, sum| f64::mul_add(x - center, v, sum)),
                );
                sum
            }
            ResidentColumn::Sparse { rows, values } => sparse_dot(rows, values, v) - center * total,
        }
    }

    /// The mean Σ w x and the variance Σ w (x − x̄)², for weights of sum 1.
    pub fn moments(&self, weights: &[f64]) -> (f64, f64) {
        match self {
            ResidentColumn::Dense(x) => {
                let (mut mean, mut variance) = (0.0, 0.0);
                vectorized(
                    #[inline(always)]
                    || {
                        mean = sum_of(x, weights, f64::mul_add);
                        let square = |x: f64, w: f64, sum: f64| f64::mul_add(w * (x - mean), x - mean, sum);
                        variance = sum_of(x, weights, square);
                    },
                );
                (mean, variance)
            }
            ResidentColumn::Sparse { rows, values } => {
                let pairs = || rows.iter().map(|i| weights[*i as usize]).zip(*values);
                let mean: f64 = pairs().map(|(w, x)| w * x).sum();
                let (mut square, mut others) = (0.0, 1.0);
                for (w, x) in pairs() {
                    square += w * (x - mean) * (x - mean);
                    others -= w;
                }
                (mean, square + f64::max(others, 0.0) * mean * mean)
            }
        }
    }

    /// Σ x v over the numbers that are held.
    pub fn sum(&self, v: &[f64]) -> f64 {
        match self {
            ResidentColumn::Dense(_) => self.dot(v, 0.0, 0.0),
            ResidentColumn::Sparse { rows, values } => sparse_dot(rows, values, v),
        }
    }

    /// Σ ω (x − c)² and Σ ω x, where Σ ω is `total`.
    pub fn weighted(&self, weight: &[f64], total: f64, center: f64) -> (f64, f64) {
        let (mut square, mut sum, mut others) = (0.0, 0.0, total);
        self.each(|i, x| {
            let w = weight[i];
            square += w * (x - center) * (x - center);
            sum += w * x;
            others -= w;
        });
        let without = match self {
            ResidentColumn::Dense(_) => 0.0,
            ResidentColumn::Sparse { .. } => others.max(0.0) * center * center,
        };
        (square + without, sum)
    }

    /// Calls `visit` with the row and the number of each that is held.
    #[inline(always)]
    pub fn each(&self, mut visit: impl FnMut(usize, f64)) {
        match self {
            ResidentColumn::Dense(x) => x.iter().enumerate().for_each(|(i, x)| visit(i, *x)),
            ResidentColumn::Sparse { rows, values } => {
                let pairs = rows.iter().zip(*values);
                pairs.for_each(|(i, x)| visit(*i as usize, *x));
            }
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> u64 {
        match self {
            ResidentColumn::Dense(x) => 8 * x.len() as u64,
            ResidentColumn::Sparse { values, .. } => 12 * values.len() as u64,
        }
    }

    /// Numbers that are held.
    pub fn held(&self) -> usize {
        match self {
            ResidentColumn::Dense(x) => x.len(),
            ResidentColumn::Sparse { values, .. } => values.len(),
        }
    }

    /// (x − c) / s of each row.
    pub fn standardized(&self, center: f64, scale: f64, out: &mut [f64]) {
        match self {
            ResidentColumn::Dense(x) => {
                let pairs = out.iter_mut().zip(*x);
                pairs.for_each(|(out, x)| *out = (x - center) / scale);
            }
            ResidentColumn::Sparse { rows, values } => {
                out.fill(-center / scale);
                let pairs = rows.iter().zip(*values);
                pairs.for_each(|(i, x)| out[*i as usize] = (x - center) / scale);
            }
        }
    }

    /// True if no number is missing or infinite.
    pub fn is_finite(&self) -> bool {
        match self {
            ResidentColumn::Dense(values) | ResidentColumn::Sparse { values, .. } => {
                nelder_device::kernels::all_finite(values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_columns_have_the_sums_of_dense_ones() {
        let x: Vec<f64> = (0..77)
            .map(|i| if i % 5 == 2 { f64::from(i) - 30.0 } else { 0.0 })
            .collect();
        let rows: Vec<i32> = (0..77).filter(|i| i % 5 == 2).collect();
        let values: Vec<f64> = rows.iter().map(|i| f64::from(*i) - 30.0).collect();
        let weights: Vec<f64> = (0..77).map(|i| f64::from(1 + i % 3)).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let v: Vec<f64> = (0..77).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let sum: f64 = v.iter().sum();
        let dense = ResidentColumn::Dense(&x);
        let sparse = ResidentColumn::Sparse {
            rows: &rows,
            values: &values,
        };
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "{a} {b}");
        let ((mean, variance), (other, same)) = (dense.moments(&weights), sparse.moments(&weights));
        near(mean, other);
        near(variance, same);
        near(dense.dot(&v, sum, 1.25), sparse.dot(&v, sum, 1.25));
        let (mut a, mut b) = (vec![0.0; 77], vec![0.0; 77]);
        dense.standardized(1.25, 3.0, &mut a);
        sparse.standardized(1.25, 3.0, &mut b);
        assert_eq!(a, b);
        assert!(sparse.is_finite() && !ResidentColumn::Dense(&[1.0, f64::INFINITY]).is_finite());
    }
}
