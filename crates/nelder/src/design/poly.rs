//! Orthogonal polynomials of a column (R's `poly`).

use nelder_device::{Dd, Real};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Values handled together: they stay in the first-level cache.
const CHUNK: usize = 256;

/// Coefficients of the three-term recurrence of the monic polynomials that are orthogonal over the values of
/// a column (Stieltjes; Kennedy & Gentle 1980, "Statistical Computing", 343-344), in double-doubles.
///
/// With `t = x - center`: `p_0 = 1`, `p_{k+1} = (t - alpha_k) p_k - norm2_k / norm2_{k-1} p_{k-1}`. A column of
/// the basis is `p_k / sqrt(norm2_k)`. R's `alpha` is `alpha + center`, and its `norm2` begins with one more 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PolyBasis {
    center: Dd,
    alpha: Vec<Dd>,
    norm2: Vec<Dd>,
}

impl PolyBasis {
    /// The polynomials up to `degree` over `values`, none of which is missing.
    pub fn of(values: &[f64], degree: usize) -> Result<PolyBasis, String> {
        if let Some(row) = values.iter().position(|x| x.is_nan()) {
            return Err(format!(
                "row {} is missing, and orthogonal polynomials need all rows; drop missing rows first, or use \
                 raw = TRUE",
                row + 1
            ));
        }
        if let Some(row) = values.iter().position(|x| x.is_infinite()) {
            return Err(format!("row {} is infinite", row + 1));
        }
        if !has_distinct(values, degree + 1) {
            return Err(format!(
                "degree = {degree} must be less than the number of distinct values; lower the degree"
            ));
        }
        let n = values.len() as f64;
        let sum: Dd = values
            .par_chunks(4096)
            .map(|c| c.iter().copied().sum::<Dd>())
            .collect::<Vec<_>>()
            .into_iter()
            .sum();
        let mut basis = PolyBasis {
            center: sum / n,
            alpha: Vec::new(),
            norm2: Vec::new(),
        };
        for k in 0..=degree {
            let sums: Vec<(Dd, Dd)> = values.par_chunks(4096).map(|c| basis.sums(c, k)).collect();
            let (norm2, moment) = sums
                .into_iter()
                .fold((Dd::ZERO, Dd::ZERO), |(a, b), (c, d)| (a + c, b + d));
            basis.norm2.push(norm2);
            basis.alpha.push(moment / norm2);
        }
        basis.alpha.truncate(degree);
        Ok(basis)
    }

    /// Sums of `p_k^2` and `t p_k^2`.
    fn sums(&self, values: &[f64], k: usize) -> (Dd, Dd) {
        let (mut norm2, mut moment) = ([Dd::ZERO; 8], [Dd::ZERO; 8]);
        let mut p = Scratch::default();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for chunk in values.chunks(CHUNK) {
                    p.start(self.center, chunk);
                    for j in 0..k {
                        self.step(&mut p, j, chunk.len());
                    }
                    for (i, (&t, &p)) in p.t.iter().zip(&p.now).take(chunk.len()).enumerate() {
                        let square = p.square();
                        norm2[i % 8] += square;
                        moment[i % 8] += square * t;
                    }
                }
            },
        );
        (norm2.into_iter().sum(), moment.into_iter().sum())
    }

    /// From `p_j` to `p_{j+1}`.
    #[inline(always)]
    fn step(&self, p: &mut Scratch, j: usize, n: usize) {
        let alpha = self.alpha[j];
        let ratio = if j == 0 {
            Dd::ZERO
        } else {
            self.norm2[j] / self.norm2[j - 1]
        };
        for ((before, now), &t) in p.before[..n].iter_mut().zip(&mut p.now[..n]).zip(&p.t[..n]) {
            let next = (t - alpha) * *now - ratio * *before;
            *before = *now;
            *now = next;
        }
    }

    /// The columns of the basis at `values`: high parts, and low parts where `low`.
    pub fn columns(&self, values: &[f64], low: bool) -> Vec<(Vec<f64>, Option<Vec<f64>>)> {
        let degree = self.alpha.len();
        let mut out = vec![(vec![0.0; values.len()], low.then(|| vec![0.0; values.len()])); degree];
        let scale: Vec<Dd> = self.norm2.iter().map(|n| n.sqrt().recip()).collect();
        let mut p = Scratch::default();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (c, chunk) in values.chunks(CHUNK).enumerate() {
                    p.start(self.center, chunk);
                    for j in 0..degree {
                        self.step(&mut p, j, chunk.len());
                        let scale = scale[j + 1];
                        let (high, low) = &mut out[j];
                        let at = c * CHUNK..c * CHUNK + chunk.len();
                        match low {
                            None => {
                                for (o, &p) in high[at].iter_mut().zip(&p.now) {
                                    *o = (p * scale).hi;
                                }
                            }
                            Some(low) => {
                                for ((h, l), &p) in high[at.clone()].iter_mut().zip(&mut low[at]).zip(&p.now)
                                {
                                    let v = p * scale;
                                    *h = v.to_f64();
                                    *l = v.low();
                                }
                            }
                        }
                    }
                }
            },
        );
        out
    }
}

struct Scratch {
    t: [Dd; CHUNK],
    before: [Dd; CHUNK],
    now: [Dd; CHUNK],
}

impl Default for Scratch {
    fn default() -> Self {
        let zeros = [Dd::ZERO; CHUNK];
        Scratch {
            t: zeros,
            before: zeros,
            now: zeros,
        }
    }
}

impl Scratch {
    #[inline(always)]
    fn start(&mut self, center: Dd, values: &[f64]) {
        for (t, &x) in self.t.iter_mut().zip(values) {
            *t = -center + x;
        }
        self.before = [Dd::ZERO; CHUNK];
        self.now = [Dd::ONE; CHUNK];
    }
}

/// Whether there are at least `n` different values.
fn has_distinct(values: &[f64], n: usize) -> bool {
    let mut seen: Vec<f64> = Vec::with_capacity(n);
    for &x in values {
        if seen.len() >= n {
            break;
        }
        if !seen.contains(&x) {
            seen.push(x);
        }
    }
    seen.len() >= n
}
