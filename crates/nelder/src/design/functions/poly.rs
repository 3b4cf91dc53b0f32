//! Orthogonal polynomials of a column (R's `poly`).

use nelder_device::{Dd, vectorized};
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
pub(in crate::design) struct PolyBasis {
    center: Dd,
    alpha: Vec<Dd>,
    norm2: Vec<Dd>,
}

impl PolyBasis {
    /// The polynomials up to `degree` over `values`, none of which is missing.
    pub fn of(values: &[f64], degree: usize) -> Result<PolyBasis, String> {
        let row = |at: usize| at as u64;
        let missing = values.iter().position(|x| x.is_nan()).map(row);
        let infinite = values.iter().position(|x| x.is_infinite()).map(row);
        let mut distinct = Vec::new();
        add_distinct(&mut distinct, values, degree + 1);
        PolyBasis::check(missing, infinite, distinct.len(), degree)?;
        let n = values.len() as f64;
        let sum: Dd = values
            .par_chunks(4096)
            .map(|c| c.iter().copied().sum::<Dd>())
            .collect::<Vec<_>>()
            .into_iter()
            .sum();
        let mut basis = PolyBasis::about(sum / n);
        for k in 0..=degree {
            let sums: Vec<(Dd, Dd)> = values.par_chunks(4096).map(|c| basis.sums(c, k)).collect();
            let both = |(a, b), (c, d)| (a + c, b + d);
            basis.add(sums.into_iter().fold((Dd::ZERO, Dd::ZERO), both));
        }
        Ok(basis.of_degree(degree))
    }

    /// Checks that values have polynomials up to `degree`: the first rows (from 0) that are missing and infinite, and how many values
    /// differ, as far as that matters.
    pub fn check(
        missing: Option<u64>,
        infinite: Option<u64>,
        distinct: usize,
        degree: usize,
    ) -> Result<(), String> {
        if let Some(row) = missing {
            return Err(format!(
                "row {} is missing, and orthogonal polynomials need all rows; drop missing rows first, or use \
                 raw = TRUE",
                row + 1
            ));
        }
        if let Some(row) = infinite {
            return Err(format!("row {} is infinite", row + 1));
        }
        if distinct <= degree {
            return Err(format!(
                "degree = {degree} must be less than the number of distinct values; lower the degree"
            ));
        }
        Ok(())
    }

    /// No polynomial yet, about a center.
    pub fn about(center: Dd) -> PolyBasis {
        PolyBasis {
            center,
            alpha: Vec::new(),
            norm2: Vec::new(),
        }
    }

    /// Number of polynomials whose sums are known.
    pub fn known(&self) -> usize {
        self.norm2.len()
    }

    /// Adds the next polynomial by its sums over all values.
    pub fn add(&mut self, (norm2, moment): (Dd, Dd)) {
        self.norm2.push(norm2);
        self.alpha.push(moment / norm2);
    }

    /// The polynomials up to a degree.
    pub fn of_degree(mut self, degree: usize) -> PolyBasis {
        self.alpha.truncate(degree);
        self
    }

    /// Sums of `p_k^2` and `t p_k^2`.
    pub fn sums(&self, values: &[f64], k: usize) -> (Dd, Dd) {
        /// Sums kept side by side, so that they do not wait for each other.
        const LANES: usize = 16;
        let (mut norm2, mut moment) = ([Dd::ZERO; LANES], [Dd::ZERO; LANES]);
        let mut p = Scratch::default();
        vectorized(
            #[inline(always)]
            || {
                for chunk in values.chunks(CHUNK) {
                    p.start(self.center, chunk);
                    for j in 0..k {
                        self.step(&mut p, j);
                    }
                    p.clear_from(chunk.len());
                    for i in (0..CHUNK).step_by(LANES) {
                        for lane in 0..LANES {
                            let square = p.now.get(i + lane).square();
                            norm2[lane] += square;
                            moment[lane] += square * p.t.get(i + lane);
                        }
                    }
                }
            },
        );
        (norm2.into_iter().sum(), moment.into_iter().sum())
    }

    /// From `p_j` to `p_{j+1}`.
    #[inline(always)]
    fn step(&self, p: &mut Scratch, j: usize) {
        let alpha = self.alpha[j];
        let ratio = if j == 0 {
            Dd::ZERO
        } else {
            self.norm2[j] / self.norm2[j - 1]
        };
        for i in 0..CHUNK {
            let now = p.now.get(i);
            let next = (p.t.get(i) - alpha) * now - ratio * p.before.get(i);
            p.before.set(i, now);
            p.now.set(i, next);
        }
    }

    /// The columns of the basis at `values`: high parts, and low parts where `low`.
    pub fn columns(&self, values: &[f64], low: bool) -> Vec<(Vec<f64>, Option<Vec<f64>>)> {
        let degree = self.alpha.len();
        let mut out = vec![(vec![0.0; values.len()], low.then(|| vec![0.0; values.len()])); degree];
        let scale: Vec<Dd> = self.norm2.iter().map(|n| n.sqrt().recip()).collect();
        let mut p = Scratch::default();
        vectorized(
            #[inline(always)]
            || {
                for (c, chunk) in values.chunks(CHUNK).enumerate() {
                    p.start(self.center, chunk);
                    for j in 0..degree {
                        self.step(&mut p, j);
                        p.scale(scale[j + 1]);
                        let at = c * CHUNK..c * CHUNK + chunk.len();
                        let (high, low) = &mut out[j];
                        high[at.clone()].copy_from_slice(&p.scaled.hi[..chunk.len()]);
                        if let Some(low) = low {
                            low[at].copy_from_slice(&p.scaled.lo[..chunk.len()]);
                        }
                    }
                }
            },
        );
        out
    }
}

/// Double-doubles with their parts side by side, which the compiler can turn into vector code.
struct Split {
    hi: [f64; CHUNK],
    lo: [f64; CHUNK],
}

impl Split {
    #[inline(always)]
    fn get(&self, i: usize) -> Dd {
        Dd {
            hi: self.hi[i],
            lo: self.lo[i],
        }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, value: Dd) {
        self.hi[i] = value.hi;
        self.lo[i] = value.lo;
    }
}

impl Default for Split {
    fn default() -> Self {
        Split {
            hi: [0.0; CHUNK],
            lo: [0.0; CHUNK],
        }
    }
}

/// The recurrence for a chunk of values; those past the end of a short chunk are the mean.
#[derive(Default)]
struct Scratch {
    x: Split,
    t: Split,
    before: Split,
    now: Split,
    scaled: Split,
}

impl Scratch {
    #[inline(always)]
    fn start(&mut self, center: Dd, values: &[f64]) {
        self.x.hi = [center.hi; CHUNK];
        self.x.hi[..values.len()].copy_from_slice(values);
        for i in 0..CHUNK {
            self.t.set(i, -center + self.x.hi[i]);
            self.before.set(i, Dd::ZERO);
            self.now.set(i, Dd::ONE);
        }
    }

    /// Takes the rows past the end out of sums.
    fn clear_from(&mut self, rows: usize) {
        self.now.hi[rows..].fill(0.0);
        self.now.lo[rows..].fill(0.0);
    }

    #[inline(always)]
    fn scale(&mut self, by: Dd) {
        for i in 0..CHUNK {
            self.scaled.set(i, self.now.get(i) * by);
        }
    }
}

/// Adds to values that differ those of others that differ from them, up to `most` in all.
pub(in crate::design) fn add_distinct(distinct: &mut Vec<f64>, values: &[f64], most: usize) {
    for x in values {
        if distinct.len() >= most {
            return;
        }
        if !distinct.contains(x) {
            distinct.push(*x);
        }
    }
}
