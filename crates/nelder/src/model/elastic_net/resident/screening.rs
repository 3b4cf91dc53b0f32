//! Columns that need not be looked at: bounds of correlations from earlier ones.
//!
//! Let c = x̃ᵀs be the correlation of a column with scores s, u = s / √w the scores in units in which x̃ has the norm h, and c₀, u₀ those of
//! an earlier look. For any a, by Cauchy and Schwarz,
//!
//! |c| ≤ |a c₀| + h ‖u − a u₀‖,
//!
//! and the right side is least about a = ⟨u, u₀⟩ / ‖u₀‖². A column outside the model for which that is at most λ α f cannot enter it.

use rayon::prelude::*;

use super::standardized::{StandardizedColumns, TOGETHER};

/// An earlier look at columns.
#[derive(Clone, Debug)]
struct Look {
    /// u₀.
    scores: Vec<f64>,
    /// ‖u₀‖².
    square: f64,
    /// Columns whose last look it was.
    columns: usize,
}

/// The last correlation of each column, and the scores that it was with.
#[derive(Debug)]
pub(super) struct Screening {
    correlations: Vec<f64>,
    /// The look of each column; there is none before the first.
    looks_of: Vec<u32>,
    looks: Vec<Option<Look>>,
    /// Bytes of the columns that were looked at so far.
    pub bytes: u64,
}

/// No look yet.
const NEVER: u32 = u32::MAX;

/// Scores of rows, as columns are correlated with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores<'a> {
    /// s.
    pub raw: &'a [f64],
    /// Σ s.
    pub total: f64,
    /// u = s / √w.
    pub scaled: &'a [f64],
}

impl Screening {
    /// No column was looked at.
    pub fn new(columns: usize) -> Self {
        Screening {
            correlations: vec![f64::NAN; columns],
            looks_of: vec![NEVER; columns],
            looks: Vec::new(),
            bytes: 0,
        }
    }

    /// Looks at the columns for which `limit` is below the bound of |x̃ⱼᵀs|; those for which it is `None` never are. Returns these columns, with
    /// their correlations.
    pub fn look(
        &mut self,
        x: &StandardizedColumns<'_>,
        scores: Scores<'_>,
        limit: impl Fn(usize) -> Option<f64> + Sync,
    ) -> Vec<(usize, f64)> {
        let square = square(scores.scaled);
        // a correlation is a sum over the rows in 32 lanes, the rounding of each term and of each addition at most ε of ‖x̃‖ ‖u‖
        let rounding = (scores.raw.len() as f64 / 16.0 + 8.0) * f64::EPSILON * square.sqrt();
        let ratios: Vec<(f64, f64)> = self
            .looks
            .par_iter()
            .map(|look| ratio(look, scores.scaled))
            .collect();
        let (correlations, looks_of) = (&self.correlations, &self.looks_of);
        let unsure = |j: &usize| {
            let Some(limit) = limit(*j) else { return false };
            let bound = match looks_of[*j] {
                // |c| ≤ h ‖u‖
                NEVER => x.norms[*j] * (square.sqrt() + rounding),
                look => {
                    let (a, rest) = ratios[look as usize];
                    a * correlations[*j].abs() + x.norms[*j] * (rest + (1.0 + a) * rounding)
                }
            };
            // true too where the bound is no number
            !(bound <= limit)
        };
        let found: Vec<(usize, f64)> = (0..x.len())
            .into_par_iter()
            .with_min_len(TOGETHER)
            .filter(unsure)
            .map(|j| (j, x.correlation(j, scores.raw, scores.total)))
            .collect();
        self.bytes += found.iter().map(|(j, _)| x.bytes(*j)).sum::<u64>();
        self.note(&found, scores.scaled, square);
        found
    }

    fn note(&mut self, found: &[(usize, f64)], scores: &[f64], square: f64) {
        if found.is_empty() {
            return;
        }
        for (j, _) in found {
            let look = self.looks_of[*j];
            if look != NEVER
                && let Some(own) = &mut self.looks[look as usize]
            {
                own.columns -= 1;
                if own.columns == 0 {
                    self.looks[look as usize] = None;
                }
            }
        }
        let look = Look {
            scores: scores.to_vec(),
            square,
            columns: found.len(),
        };
        let place = match self.looks.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.looks.push(None);
                self.looks.len() - 1
            }
        };
        self.looks[place] = Some(look);
        for (j, c) in found {
            (self.correlations[*j], self.looks_of[*j]) = (*c, place as u32);
        }
    }
}

/// ‖v‖².
fn square(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum()
}

/// |a| and ‖u − a u₀‖ for scores u and those of an earlier look.
fn ratio(look: &Option<Look>, scores: &[f64]) -> (f64, f64) {
    let Some(look) = look.as_ref().filter(|l| l.square > 0.0) else {
        return (0.0, f64::INFINITY);
    };
    let pairs = || scores.iter().zip(&look.scores);
    let a = pairs().map(|(u, before)| u * before).sum::<f64>() / look.square;
    let rest = pairs()
        .map(|(u, before)| (u - a * before) * (u - a * before))
        .sum::<f64>();
    (a.abs(), rest.sqrt())
}
