//! Columns rounded to bytes: bounds of correlations that read an eighth of what the columns are.
//!
//! A column is x = c + t q + e, with c its mean, q whole numbers of −127 to 127 and t the step, so that for scores d of the rows
//!
//! Σ (x − c) d = t Σ q d + Σ e d, and |Σ e d| ≤ √(Σ w e²) ‖d / √w‖
//!
//! by Cauchy and Schwarz. Σ q d is formed in single precision, whose rounding is part of the bound.

use nelder_device::{large_pages, vectorized};
use rayon::prelude::*;

use super::column::{ResidentColumn, TOGETHER};
use crate::design::Room;

/// The largest of the whole numbers.
const LARGEST: f64 = 127.0;
/// 3 · 2²²: singles from 2²³ to 2²⁴ are whole numbers.
const WHOLE: f32 = 12_582_912.0;
/// Lanes of a sum.
const LANES: usize = 32;
/// Columns that are read at a time.
const GROUP: usize = 4;
/// Rows from which on rounded columns are worth their making.
const FEW_ROWS: usize = 64;

/// Columns rounded to bytes, with the mean and variance of each under weights of sum 1.
#[derive(Debug)]
pub(super) struct RoundedColumns {
    rows: usize,
    /// q, column by column; empty where columns are not rounded.
    codes: Vec<i8>,
    /// t.
    steps: Vec<f64>,
    /// √ Σ w e².
    errors: Vec<f64>,
    /// c = Σ w x.
    pub means: Vec<f64>,
    /// Σ w (x − c)².
    pub variances: Vec<f64>,
}

/// Columns that were read once.
#[derive(Debug)]
pub(super) struct ReadColumns<'a> {
    /// The columns where they lie.
    pub columns: Vec<ResidentColumn<'a>>,
    /// The same rounded to bytes, with their moments.
    pub rounded: &'a RoundedColumns,
    /// The weights of these, of sum 1.
    pub weights: &'a [f64],
}

impl ReadColumns<'_> {
    /// True if weights of sum 1 are those of the moments.
    pub fn is_of(&self, weights: &[f64]) -> bool {
        self.weights == weights
    }

    /// Bytes of the columns.
    pub fn bytes(&self) -> u64 {
        self.columns.iter().map(ResidentColumn::bytes).sum()
    }
}

/// Scores of rows in single precision, divided by the largest.
#[derive(Clone, Debug, Default)]
pub(super) struct RoughScores {
    /// d / max |d|.
    values: Vec<f32>,
    /// max |d|.
    unit: f64,
    /// Σ d.
    total: f64,
}

impl RoughScores {
    /// Of scores d, with their sum and the largest of their sizes.
    pub fn new(scores: &[f64], total: f64, unit: f64) -> Self {
        let inverse = if unit > 0.0 { unit.recip() } else { 0.0 };
        let mut values = vec![0.0; scores.len()];
        vectorized(
            #[inline(always)]
            || {
                let pairs = values.iter_mut().zip(scores);
                pairs.for_each(|(v, d)| *v = (d * inverse) as f32);
            },
        );
        RoughScores { values, unit, total }
    }
}

impl RoundedColumns {
    /// Reads columns once, for their moments under weights of sum 1, and rounds them where they are dense and there is room.
    pub fn new(columns: &[ResidentColumn<'_>], weights: &[f64]) -> Self {
        let (rows, p) = (weights.len(), columns.len());
        let dense = columns.iter().all(|c| matches!(c, ResidentColumn::Dense(_)));
        let rounds = dense && rows >= FEW_ROWS && Room::of_machine().bytes() >= (rows * p) as f64;
        let mut codes = vec![0_i8; if rounds { rows * p } else { 0 }];
        large_pages(&mut codes);
        let found: Vec<[f64; 4]> = match rounds {
            false => {
                let of = |column: &ResidentColumn<'_>| {
                    let (mean, variance) = column.moments(weights);
                    [mean, variance, 0.0, 0.0]
                };
                columns.par_iter().with_min_len(TOGETHER).map(of).collect()
            }
            true => {
                let own = codes.par_chunks_mut(rows).with_min_len(TOGETHER);
                own.zip(columns)
                    .map(|(out, column)| {
                        // the column is still near when it is read the second time
                        let (mean, variance) = column.moments(weights);
                        let (step, error) = match column {
                            ResidentColumn::Dense(x) => round(x, mean, weights, out),
                            ResidentColumn::Sparse { .. } => (0.0, f64::INFINITY),
                        };
                        [mean, variance, step, error]
                    })
                    .collect()
            }
        };
        let part = |k: usize| found.iter().map(|m| m[k]).collect();
        RoundedColumns {
            rows,
            codes,
            means: part(0),
            variances: part(1),
            steps: part(2),
            errors: part(3),
        }
    }

    /// True if there are rounded columns.
    pub fn is_some(&self) -> bool {
        !self.codes.is_empty()
    }

    /// Columns that have a number which is missing or infinite, and perhaps others: those without a finite variance.
    pub fn not_finite(&self) -> Vec<usize> {
        let bad = |j: &usize| !self.variances[*j].is_finite();
        (0..self.variances.len()).filter(bad).collect()
    }

    /// Bytes of a rounded column.
    pub fn bytes(&self) -> u64 {
        self.rows as u64
    }

    /// Σ q d of columns, with scores d in their unit.
    pub fn sums(&self, columns: &[usize], scores: &RoughScores, out: &mut [f64]) {
        let codes = |j: usize| &self.codes[j * self.rows..(j + 1) * self.rows];
        let (groups, outs) = (columns.chunks_exact(GROUP), out.chunks_exact_mut(GROUP));
        for (columns, out) in groups.zip(outs) {
            let own: [&[i8]; GROUP] = std::array::from_fn(|g| codes(columns[g]));
            vectorized(
                #[inline(always)]
                || sums(own, &scores.values, out),
            );
        }
        let whole = columns.len() - columns.len() % GROUP;
        for (j, out) in columns[whole..].iter().zip(&mut out[whole..]) {
            let own = codes(*j);
            vectorized(
                #[inline(always)]
                || *out = sum(own, &scores.values),
            );
        }
    }

    /// t Σ q d + (c − c') Σ d for a centre c', which is Σ (x − c') d but for at most [`error`](Self::error) times ‖d / √w‖; of Σ q d.
    pub fn product(&self, j: usize, sum: f64, scores: &RoughScores, center: f64) -> f64 {
        self.steps[j] * sum * scores.unit + (self.means[j] - center) * scores.total
    }

    /// √(Σ w e²), with the rounding of a product in single precision: each of its terms and additions rounds by ε of √(Σ w (t q)²) ‖d / √w‖ at most.
    pub fn error(&self, j: usize) -> f64 {
        let own = self.errors[j];
        let rounding = (self.rows as f64 / 16.0 + 32.0) * f64::from(f32::EPSILON);
        own + rounding * (self.variances[j].sqrt() + own)
    }
}

/// q of a column, with t and √ Σ w e².
fn round(x: &[f64], mean: f64, weights: &[f64], out: &mut [i8]) -> (f64, f64) {
    let (mut step, mut square) = (0.0, 0.0);
    vectorized(
        #[inline(always)]
        || (step, square) = round_in_lanes(x, mean, weights, out),
    );
    (step, square.sqrt())
}

#[inline(always)]
fn round_in_lanes(x: &[f64], mean: f64, weights: &[f64], out: &mut [i8]) -> (f64, f64) {
    let mut largest = [0.0_f64; LANES];
    let (whole, rest) = x.split_at(x.len() - x.len() % LANES);
    for x in whole.chunks_exact(LANES) {
        for k in 0..LANES {
            let size = (x[k] - mean).abs();
            largest[k] = if size > largest[k] { size } else { largest[k] };
        }
    }
    let largest = largest.into_iter().fold(0.0, f64::max);
    let largest = rest.iter().fold(largest, |m, x| m.max((x - mean).abs()));
    let step = largest / LARGEST;
    if !(step > 0.0 && step.recip().is_finite()) {
        // a constant column is its centre and an error; one that is not finite is never proved to be outside
        out.fill(0);
        let square: f64 = x
            .iter()
            .zip(weights)
            .map(|(x, w)| w * (x - mean) * (x - mean))
            .sum();
        return (0.0, square);
    }
    let inverse = step.recip();
    let mut squares = [0.0; LANES];
    let one = |x: f64, w: f64, square: &mut f64| {
        let z = x - mean;
        // the last bits of a single that has no fraction are the whole number
        let q = ((z * inverse) as f32 + WHOLE).to_bits() as i8;
        let e = f64::mul_add(-step, f64::from(q), z);
        *square = f64::mul_add(w * e, e, *square);
        q
    };
    let at = whole.len();
    let chunks = whole.chunks_exact(LANES).zip(weights.chunks_exact(LANES));
    for ((x, w), out) in chunks.zip(out.chunks_exact_mut(LANES)) {
        for k in 0..LANES {
            out[k] = one(x[k], w[k], &mut squares[k]);
        }
    }
    for ((x, w), out) in rest.iter().zip(&weights[at..]).zip(&mut out[at..]) {
        *out = one(*x, *w, &mut squares[0]);
    }
    (step, squares.into_iter().sum())
}

/// Sums of a column in lanes.
type Lanes = [f32; LANES];

/// Σ q d of four columns at a time, so that reading one does not wait for another.
#[inline(always)]
fn sums(codes: [&[i8]; GROUP], values: &[f32], out: &mut [f64]) {
    let (mut a, mut b, mut c, mut d) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let (ab, cd) = (
        codes[0].chunks_exact(LANES).zip(codes[1].chunks_exact(LANES)),
        codes[2].chunks_exact(LANES).zip(codes[3].chunks_exact(LANES)),
    );
    for (v, (ab, cd)) in values.chunks_exact(LANES).zip(ab.zip(cd)) {
        add(&mut a, ab.0, v);
        add(&mut b, ab.1, v);
        add(&mut c, cd.0, v);
        add(&mut d, cd.1, v);
    }
    for ((out, lanes), codes) in out.iter_mut().zip([a, b, c, d]).zip(codes) {
        *out = total(&lanes, codes, values);
    }
}

/// Σ q d of a column.
#[inline(always)]
fn sum(codes: &[i8], values: &[f32]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (v, c) in values.chunks_exact(LANES).zip(codes.chunks_exact(LANES)) {
        add(&mut lanes, c, v);
    }
    total(&lanes, codes, values)
}

#[inline(always)]
fn add(lanes: &mut Lanes, codes: &[i8], values: &[f32]) {
    for k in 0..LANES {
        lanes[k] = f32::mul_add(f32::from(codes[k]), values[k], lanes[k]);
    }
}

/// The sum of the lanes and of what is left beside them.
#[inline(always)]
fn total(lanes: &Lanes, codes: &[i8], values: &[f32]) -> f64 {
    let whole = values.len() - values.len() % LANES;
    let rest = codes[whole..].iter().zip(&values[whole..]);
    let rest = rest.fold(0.0, |sum, (c, v)| f32::mul_add(f32::from(*c), *v, sum));
    let mut half = [0.0; LANES / 2];
    for k in 0..LANES / 2 {
        half[k] = lanes[k] + lanes[k + LANES / 2];
    }
    f64::from(half.iter().sum::<f32>()) + f64::from(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nelder_device::Philox;

    #[test]
    fn products_are_within_their_bounds() {
        let (draws, mut at) = (Philox::new(7), 0);
        let mut normal = || {
            at += 2;
            let [[a, b], [c, d]] = [draws.uniforms(at), draws.uniforms(at + 1)];
            a + b + c + d - 2.0
        };
        let n = 333;
        let weights: Vec<f64> = (0..n)
            .map(|i| if i % 7 == 0 { 0.0 } else { 1.0 + f64::from(i % 3) })
            .collect();
        let sum: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / sum).collect();
        let columns: Vec<Vec<f64>> = (0..43)
            .map(|j| match j {
                // one that is constant, one that jumps, and others far from zero
                0 => vec![3.0; n as usize],
                1 => (0..n).map(|i| if i == 5 { 1e9 } else { normal() }).collect(),
                _ => (0..n).map(|_| 1e3 * f64::from(j) + normal()).collect(),
            })
            .collect();
        let own: Vec<ResidentColumn<'_>> = columns.iter().map(|c| ResidentColumn::Dense(c)).collect();
        let rounded = RoundedColumns::new(&own, &weights);
        assert!(rounded.is_some());
        let mut nearest = f64::INFINITY;
        for size in [1.0, 1e-30, 1e30] {
            let scores: Vec<f64> = weights.iter().map(|w| w * normal() * size).collect();
            let total = scores.iter().sum();
            let units = scores.iter().zip(&weights).filter(|(_, w)| **w > 0.0);
            let norm = units.map(|(s, w)| s * s / w).sum::<f64>().sqrt();
            let largest = scores.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
            let rough = RoughScores::new(&scores, total, largest);
            let mut sums = vec![0.0; own.len()];
            let all: Vec<usize> = (0..own.len()).collect();
            rounded.sums(&all, &rough, &mut sums);
            for (j, column) in own.iter().enumerate() {
                let center = rounded.means[j] * 0.75;
                let exact = column.dot(&scores, total, center);
                let off = (rounded.product(j, sums[j], &rough, center) - exact).abs();
                let bound = rounded.error(j) * norm;
                let slack = 1e-13 * rounded.means[j].abs() * norm;
                assert!(off <= bound + slack, "{j} {off} {bound}");
                if j > 1 {
                    nearest = nearest.min(bound / norm);
                }
            }
        }
        // bounds that say something: the columns have deviations of about 0.58
        assert!(nearest < 0.01, "{nearest}");
    }
}
