//! Responses of replicates, drawn where the rows are: residuals that are drawn again, residuals with random signs, normal errors.
//!
//! With r the residuals of the fit, h the leverages and w the weights: the residual bootstrap draws from √w r / √(1 − h) about their mean, which
//! have the variance of the errors (Davison & Hinkley 1997, algorithm 6.1); the wild bootstrap multiplies r / √(1 − h) of the row itself with ±1
//! (Wu 1986; Davidson & Flachaire 2008), so that the variance of its coefficients is HC2's, or by clusters r with the sign of its
//! cluster; the parametric one draws errors of N(0, σ²/w).

use nelder_device::{Philox, vectorized};

use super::row_labels::BlockLabels;
use crate::model::inference::influence_to;
use crate::model::{Detail, InfluenceRun, ModelError, Regression};
use crate::pass::{Monitor, PassRecord};

/// Second word of the counters of responses.
const RESPONSES: u32 = 4 << 28;
/// The same of the signs of clusters.
const SIGNS: u32 = 5 << 28;

/// Distribution of the errors of a replicate, each times √w.
pub(super) enum Errors {
    /// One of these, each as likely.
    Drawn(Vec<f64>),
    /// The row's own, times ±1 or a number of Mammen's (1993) two.
    Own(Vec<f64>, Signs),
    /// The same by cluster.
    OwnByCluster(Vec<f64>, Signs, usize),
    /// Normal with this deviation.
    Normal(f64),
}

/// Distribution with mean 0 and variance 1 of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// ±1, each as likely (Rademacher).
    Even,
    /// (1 ∓ √5)/2, whose third moment is 1.
    Mammen,
}

impl Signs {
    fn of(self, word: u64) -> f64 {
        match self {
            Signs::Even => {
                if word >> 63 == 0 {
                    1.0
                } else {
                    -1.0
                }
            }
            Signs::Mammen => {
                let root = 5f64.sqrt();
                let first =
                    Philox::open_uniform((word >> 32) as u32, word as u32) < (root + 1.0) / (2.0 * root);
                if first {
                    (1.0 - root) / 2.0
                } else {
                    (1.0 + root) / 2.0
                }
            }
        }
    }
}

/// Residuals of a fit in the order of its rows, √w r; with `adjusted` over √(1 − h), 0 where the model fits the row whatever it is.
/// They take eight bytes a row.
pub(super) fn residuals<R: Regression + ?Sized>(
    fit: &R,
    adjusted: bool,
    monitor: &dyn Monitor,
    passes: &mut Vec<PassRecord>,
) -> Result<Vec<f64>, ModelError> {
    let scale = fit.row_model().response_scale();
    let mut all = Vec::new();
    let take = |run: InfluenceRun, (): ()| {
        for model in &run.models {
            // of a linear model without weights the residuals are those of the response
            let own = if model.deviance.is_empty() {
                &model.response
            } else {
                &model.deviance
            };
            for (r, h) in own.iter().zip(&model.hat).filter(|(_, h)| !h.is_nan()) {
                let left = 1.0 - h;
                let value = match adjusted {
                    _ if left <= 0.0 => 0.0,
                    true => r / left.sqrt(),
                    false => *r,
                };
                all.push(value * scale);
            }
        }
        true
    };
    passes.push(influence_to(
        &[fit],
        Detail::Leverages,
        &[],
        monitor,
        |_| (),
        take,
    )?);
    Ok(all)
}

/// Errors of some replicates.
pub(super) struct ResponseSets<'a> {
    errors: &'a Errors,
    draws: Philox,
    first: u32,
    sets: usize,
    pub lanes: usize,
    /// Signs of clusters, lanes fastest.
    signs: Vec<f64>,
}

impl<'a> ResponseSets<'a> {
    /// The errors of `sets` replicates from `first` on.
    pub fn new(errors: &'a Errors, seed: u64, first: u32, sets: usize) -> Self {
        let (draws, lanes) = (Philox::new(seed), sets.next_multiple_of(8));
        let mut signs = Vec::new();
        if let Errors::OwnByCluster(_, law, clusters) = errors {
            signs.resize(clusters * lanes, 0.0);
            for (cluster, own) in signs.chunks_exact_mut(lanes).enumerate() {
                for (lane, sign) in own[..sets].iter_mut().enumerate() {
                    let w = draws.at([cluster as u32, SIGNS, 0, first + lane as u32]);
                    *sign = law.of(u64::from(w[0]) << 32 | u64::from(w[1]));
                }
            }
        }
        ResponseSets {
            errors,
            draws,
            first,
            sets,
            lanes,
            signs,
        }
    }

    /// √w e* of the rows `from..to` of a block, rows x lanes, lanes fastest.
    pub fn fill(&self, block: &BlockLabels, (from, to): (usize, usize), out: &mut Vec<f64>) {
        let lanes = self.lanes;
        out.resize((to - from) * lanes, 0.0);
        let at = block.before + from as u64;
        match self.errors {
            Errors::Drawn(values) => {
                let count = values.len() as u128;
                // 64 bits times the number of residuals: each is as likely as any other to 2⁻⁶⁴ of its number
                self.by_word(at, out, |word, _| {
                    values[((u128::from(word) * count) >> 64) as usize]
                });
            }
            Errors::Own(values, law) => {
                self.by_word(at, out, |word, row| law.of(word) * values[row as usize])
            }
            Errors::Normal(deviation) => self.normal(at, *deviation, out),
            Errors::OwnByCluster(values, ..) => {
                for (i, out) in out.chunks_exact_mut(lanes).enumerate() {
                    let (r, cluster) = (values[at as usize + i], block.clusters[from + i] as usize);
                    let signs = &self.signs[cluster * lanes..][..lanes];
                    out.iter_mut().zip(signs).for_each(|(out, sign)| *out = r * sign);
                }
            }
        }
    }

    /// The words of each lane for pairs of rows, eight pairs at a time.
    fn pairs(&self, from: u64, rows: usize, mut take: impl FnMut(usize, u64, [[u32; 8]; 4])) {
        let (first, last) = (from / 16 * 8, (from + rows as u64).div_ceil(2));
        for lane in 0..self.sets {
            for pair in (first..last).step_by(8) {
                let counter = [
                    pair as u32,
                    RESPONSES | (pair >> 32) as u32,
                    0,
                    self.first + lane as u32,
                ];
                let mut words = [[0; 8]; 4];
                vectorized(
                    #[inline(always)]
                    || words = self.draws.eight(counter),
                );
                take(lane, 2 * pair, words);
            }
        }
    }

    fn by_word(&self, from: u64, out: &mut [f64], value: impl Fn(u64, u64) -> f64) {
        let (lanes, rows) = (self.lanes, out.len() / self.lanes);
        self.pairs(from, rows, |lane, row, words| {
            for i in 0..16u64 {
                let at = (row + i).wrapping_sub(from) as usize;
                if at < rows {
                    let (j, half) = ((i / 2) as usize, (i % 2) as usize * 2);
                    let word = u64::from(words[half][j]) << 32 | u64::from(words[half + 1][j]);
                    out[at * lanes + lane] = value(word, row + i);
                }
            }
        });
    }

    /// Box & Muller (1958): two normals of the two uniforms of a pair of rows.
    fn normal(&self, from: u64, deviation: f64, out: &mut [f64]) {
        let (lanes, rows) = (self.lanes, out.len() / self.lanes);
        self.pairs(from, rows, |lane, row, w| {
            for j in 0..8usize {
                let [u, v] = [0, 2].map(|half| Philox::open_uniform(w[half][j], w[half + 1][j]));
                let radius = deviation * (-2.0 * libm::log(u)).sqrt();
                let (sine, cosine) = libm::sincos(2.0 * std::f64::consts::PI * v);
                for (i, value) in [cosine, sine].into_iter().enumerate() {
                    let at = (row + (2 * j + i) as u64).wrapping_sub(from) as usize;
                    if at < rows {
                        out[at * lanes + lane] = radius * value;
                    }
                }
            }
        });
    }
}
