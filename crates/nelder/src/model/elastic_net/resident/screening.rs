//! Columns that need not be looked at: bounds of correlations from earlier ones, and from columns rounded to bytes.
//!
//! Let c = x̃ᵀs be the correlation of a column with scores s, u = s / √w the scores in units in which x̃ has the norm h, and c₀, u₀ those of
//! an earlier look, c₀ known to within e₀. For any a, by Cauchy and Schwarz,
//!
//! 1. |c| ≤ |a c₀| + |a| e₀ + h ‖u − a u₀‖, whose last part is least about a = ⟨u, u₀⟩ / ‖u₀‖²;
//! 2. |c − a c₀ − x̂ᵀ(s − a s₀)| ≤ |a| e₀ + e ‖u − a u₀‖ for the column x̂ rounded to bytes, and its error e ([`RoundedColumns`]); the same with
//!    a = 0 is a look at x̂ alone.
//!
//! A column outside the model for which one of these puts |c| at λ α f or below cannot enter it; of the others c itself is formed.
//!
//! [`RoundedColumns`]: super::rounded::RoundedColumns

use nelder_device::kernels::rough_sum;
use nelder_device::vectorized;
use rayon::prelude::*;

use super::column::TOGETHER;
use super::rounded::RoughScores;
use super::standardized::StandardizedColumns;

/// An earlier look at columns.
#[derive(Clone, Debug)]
struct Look {
    /// s₀ and Σ s₀.
    scores: Vec<f64>,
    total: f64,
    /// ‖u₀‖².
    square: f64,
    /// Columns whose last look it was.
    columns: usize,
}

/// The last correlation of each column, and the scores that it was with.
#[derive(Debug)]
pub(super) struct Screening {
    /// c₀.
    correlations: Vec<f64>,
    /// e₀.
    errors: Vec<f64>,
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
    pub scores: &'a [f64],
    /// Σ s.
    pub total: f64,
    /// 1 / w, zero where w is: ‖u‖² = Σ s² / w.
    pub inverse: &'a [f64],
}

/// A correlation that was formed, to within an error.
#[derive(Clone, Copy, Debug)]
struct Seen {
    column: usize,
    correlation: f64,
    error: f64,
}

/// A column whose correlation is to be formed by its rounded values.
#[derive(Clone, Copy, Debug)]
struct Unsure {
    column: usize,
    /// The look since which scores are taken; [`NEVER`] for the scores as they are.
    since: u32,
    /// a c₀ of that look.
    before: f64,
    error: f64,
}

/// Scores that a thread compares in one go.
const NUMBERS_TOGETHER: usize = 1 << 14;

/// Columns that a thread looks at in one go, of those that are unsure.
const UNSURE_TOGETHER: usize = 32;

/// Scores s − a s₀ since an earlier look.
struct Since {
    a: f64,
    /// ‖u − a u₀‖.
    rest: f64,
    /// s − a s₀ in single precision; none where columns are not rounded.
    rough: Option<RoughScores>,
}

/// Scores as they are now, and since each look.
struct Now<'a> {
    x: &'a StandardizedColumns<'a>,
    scores: Scores<'a>,
    /// ‖u‖.
    norm: f64,
    /// Rounding of a correlation with scores u, over h.
    rounding: f64,
    rough: Option<RoughScores>,
    since: Vec<Option<Since>>,
}

impl Screening {
    /// No column was looked at.
    pub fn new(columns: usize) -> Self {
        Screening {
            correlations: vec![f64::NAN; columns],
            errors: vec![0.0; columns],
            looks_of: vec![NEVER; columns],
            looks: Vec::new(),
            bytes: 0,
        }
    }

    /// Looks at the columns for which `limit` is below the bounds of |x̃ⱼᵀs|; those for which it is `None` never are. Returns the columns whose
    /// correlation had to be formed, with these.
    pub fn look(
        &mut self,
        x: &StandardizedColumns<'_>,
        scores: Scores<'_>,
        limit: impl Fn(usize) -> Option<f64> + Sync,
    ) -> Vec<(usize, f64)> {
        let now = self.now(x, scores);
        // true too where a bound is no number
        let unsure = |j: usize, bound: f64| limit(j).is_some_and(|limit| !(bound <= limit));
        let columns: Vec<usize> = (0..x.len())
            .into_par_iter()
            .with_min_len(TOGETHER)
            .filter(|&j| unsure(j, self.bound(&now, j)))
            .collect();
        let mut found = self.rough(&now, &columns);
        found
            .par_iter_mut()
            .with_min_len(UNSURE_TOGETHER)
            .filter(|s| unsure(s.column, s.correlation.abs() + s.error))
            .for_each(|s| *s = now.exact(s.column));
        self.note(&now, &found);
        let exact = found.into_iter().filter(|s| s.error == 0.0);
        let mut exact: Vec<(usize, f64)> = exact.map(|s| (s.column, s.correlation)).collect();
        exact.sort_unstable_by_key(|(j, _)| *j);
        exact
    }

    /// The largest |x̃ⱼᵀs| / fⱼ, of columns that `factor` gives an f.
    pub fn largest(
        &mut self,
        x: &StandardizedColumns<'_>,
        scores: Scores<'_>,
        factor: impl Fn(usize) -> Option<f64> + Sync,
    ) -> f64 {
        let mut least = 0.0;
        if x.has_rounded() {
            let now = self.now(x, scores);
            let columns: Vec<usize> = (0..x.len()).filter(|j| factor(*j).is_some()).collect();
            let found = self.rough(&now, &columns);
            let sure = |s: &Seen| Some((s.correlation.abs() - s.error) / factor(s.column)?);
            least = found.iter().filter_map(sure).fold(0.0, f64::max);
            self.note(&now, &found);
        }
        // the largest is among those that are not known to be less than another
        let found = self.look(x, scores, |j| {
            factor(j).map(|f| {
                if least > 0.0 {
                    f * least * (1.0 - 8.0 * f64::EPSILON)
                } else {
                    -1.0
                }
            })
        });
        let ratios = found.iter().filter_map(|(j, c)| Some(c.abs() / factor(*j)?));
        ratios.fold(0.0, f64::max)
    }

    /// Scores as they are, and since each look.
    fn now<'a>(&self, x: &'a StandardizedColumns<'a>, scores: Scores<'a>) -> Now<'a> {
        let own = scores.scores;
        let shares: Vec<f64> = own.iter().zip(scores.inverse).map(|(s, i)| s * i).collect();
        let norm = rough_sum(own, Some(&shares)).sqrt();
        let since = |look: &Option<Look>| {
            let look = look.as_ref().filter(|l| l.square > 0.0)?;
            // a = ⟨u, u₀⟩ / ‖u₀‖²
            let a = rough_sum(&look.scores, Some(&shares)) / look.square;
            let left = Left::new(scores, a, look);
            let rest = left.square.sqrt();
            let rough = x
                .has_rounded()
                .then(|| RoughScores::new(&left.scores, left.total, left.largest));
            Some(Since { a, rest, rough })
        };
        Now {
            x,
            scores,
            norm,
            // a correlation is a sum over the rows in 32 lanes, the rounding of each term and of each addition at most ε of ‖x̃‖ ‖u‖
            rounding: (own.len() as f64 / 16.0 + 8.0) * f64::EPSILON * norm,
            rough: x.has_rounded().then(|| {
                let largest = own.iter().fold(0.0, |most: f64, s| most.max(s.abs()));
                RoughScores::new(own, scores.total, largest)
            }),
            since: self
                .looks
                .par_iter()
                .with_min_len(1 + NUMBERS_TOGETHER / own.len().max(1))
                .map(since)
                .collect(),
        }
    }

    /// Scores since the last look at a column.
    fn since<'n>(&self, now: &'n Now<'_>, j: usize) -> Option<&'n Since> {
        match self.looks_of[j] {
            NEVER => None,
            look => now.since[look as usize].as_ref(),
        }
    }

    /// The bound of |c| that reads nothing.
    fn bound(&self, now: &Now<'_>, j: usize) -> f64 {
        let h = now.x.norms[j];
        match self.since(now, j) {
            // |c| ≤ h ‖u‖
            None => h * (now.norm + now.rounding),
            Some(since) => {
                let a = since.a.abs();
                a * (self.correlations[j].abs() + self.errors[j])
                    + h * (since.rest + (1.0 + a) * now.rounding)
            }
        }
    }

    /// c of columns by the rounded ones, from the last look or alone, whichever is nearer; without rounded columns c itself.
    fn rough(&self, now: &Now<'_>, columns: &[usize]) -> Vec<Seen> {
        if now.rough.is_none() {
            let own = columns.par_iter().with_min_len(UNSURE_TOGETHER);
            return own.map(|j| now.exact(*j)).collect();
        }
        let mut wanted: Vec<Unsure> = columns.iter().map(|j| self.unsure(now, *j)).collect();
        // columns of one look together, which share its scores
        wanted.sort_by_key(|w| w.since);
        let mut found = Vec::with_capacity(wanted.len());
        let each = |wanted: &[Unsure]| {
            let mut found = Vec::with_capacity(wanted.len());
            let mut sums = [0.0; UNSURE_TOGETHER];
            for same in wanted.chunk_by(|a, b| a.since == b.since) {
                let columns: Vec<usize> = same.iter().map(|w| w.column).collect();
                if let Some(scores) = now.rough_since(same[0].since) {
                    now.x.rough_correlations(&columns, scores, &mut sums);
                }
                found.extend(same.iter().zip(&sums).map(|(w, sum)| Seen {
                    column: w.column,
                    correlation: w.before + sum,
                    // an error of zero is that of a correlation that was formed
                    error: f64::max(w.error, f64::MIN_POSITIVE),
                }));
            }
            found
        };
        wanted
            .par_chunks(UNSURE_TOGETHER)
            .map(each)
            .collect_into_vec(&mut found);
        found.concat()
    }

    /// The nearer way to c by a rounded column.
    fn unsure(&self, now: &Now<'_>, j: usize) -> Unsure {
        let each = now.x.rough_error(j);
        let rounding = now.x.norms[j] * now.rounding;
        let alone = Unsure {
            column: j,
            since: NEVER,
            before: 0.0,
            error: each * now.norm + rounding,
        };
        let Some(since) = self.since(now, j) else {
            return alone;
        };
        let error = since.a.abs() * self.errors[j] + each * since.rest + rounding;
        match error < alone.error {
            true => Unsure {
                column: j,
                since: self.looks_of[j],
                before: since.a * self.correlations[j],
                error,
            },
            false => alone,
        }
    }

    /// Keeps what was seen of columns.
    fn note(&mut self, now: &Now<'_>, found: &[Seen]) {
        if found.is_empty() {
            return;
        }
        for seen in found {
            let look = self.looks_of[seen.column];
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
            scores: now.scores.scores.to_vec(),
            total: now.scores.total,
            square: now.norm * now.norm,
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
        for seen in found {
            let j = seen.column;
            self.correlations[j] = seen.correlation;
            (self.errors[j], self.looks_of[j]) = (seen.error, place as u32);
            let whole = if seen.error == 0.0 { now.x.bytes(j) } else { 0 };
            let rough = if now.rough.is_some() {
                now.x.rough_bytes()
            } else {
                0
            };
            self.bytes += whole + rough;
        }
    }
}

impl Now<'_> {
    /// Scores since a look, or as they are, in single precision.
    fn rough_since(&self, look: u32) -> Option<&RoughScores> {
        match look {
            NEVER => self.rough.as_ref(),
            look => self.since[look as usize].as_ref()?.rough.as_ref(),
        }
    }

    /// c itself.
    fn exact(&self, column: usize) -> Seen {
        Seen {
            column,
            correlation: self.x.correlation(column, self.scores.scores, self.scores.total),
            error: 0.0,
        }
    }
}

/// s − a s₀, with its sum, ‖u − a u₀‖² and the largest of its sizes.
struct Left {
    scores: Vec<f64>,
    total: f64,
    square: f64,
    largest: f64,
}

/// Lanes of a sum.
const LANES: usize = 16;

impl Left {
    fn new(now: Scores<'_>, a: f64, look: &Look) -> Self {
        let mut left = Left {
            scores: vec![0.0; now.scores.len()],
            total: now.total - a * look.total,
            square: 0.0,
            largest: 0.0,
        };
        vectorized(
            #[inline(always)]
            || left.fill(now, a, &look.scores),
        );
        left
    }

    #[inline(always)]
    fn fill(&mut self, now: Scores<'_>, a: f64, before: &[f64]) {
        let (mut squares, mut sizes) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        let whole = self.scores.len() - self.scores.len() % LANES;
        let runs = self.scores[..whole].chunks_exact_mut(LANES);
        let given = now.scores.chunks_exact(LANES).zip(before.chunks_exact(LANES));
        for ((out, (s, before)), inverse) in runs.zip(given).zip(now.inverse.chunks_exact(LANES)) {
            for k in 0..LANES {
                let d = f64::mul_add(-a, before[k], s[k]);
                out[k] = d;
                squares[k] = f64::mul_add(d * d, inverse[k], squares[k]);
                sizes[k] = if d.abs() > sizes[k] { d.abs() } else { sizes[k] };
            }
        }
        for i in whole..self.scores.len() {
            let d = f64::mul_add(-a, before[i], now.scores[i]);
            self.scores[i] = d;
            squares[0] = f64::mul_add(d * d, now.inverse[i], squares[0]);
            sizes[0] = sizes[0].max(d.abs());
        }
        self.square = squares.iter().sum();
        self.largest = sizes.into_iter().fold(0.0, f64::max);
    }
}
