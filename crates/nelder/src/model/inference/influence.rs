//! Residuals, leverages and deletion diagnostics of the rows of a fit.
//!
//! With r the residual, h = w|e|² the leverage of a row with coordinates e ([`WhitenedDesign`]) and weight w, leaving the row out
//! lowers the residual sum of squares by w r² / (1 − h) and moves coefficient c by (Eᶜ·e) w r / (1 − h), Eᶜ its
//! coordinates (Belsley, Kuh & Welsch 1980). R's `lm.influence`, `rstandard`, `rstudent`, `cooks.distance`,
//! `dfbetas`.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::Dd;
use nelder_device::kernels::Pair;

use super::new_rows::Applier;
use super::predict::{leverages, spread};
use super::whitened_design::{Leverage, WhitenedDesign};
use crate::design::{Block, RowError};
use crate::frame::Batch;
use crate::model::equations::fitted::Coordinates;
use crate::model::equations::solution::counted;
use crate::model::{Lm, ModelError};
use crate::pass::{Monitor, PassRecord, residuals_of, run_in_order};

/// Share of the residual sum of squares below which what is left of it without a row wants 1 − h in twice the precision.
const SMALL_PART: f64 = 0.01;

/// Diagnostics of one response for consecutive rows. `NaN` where a variable is missing or a quantity is not
/// defined: all but the fitted value and the residual for rows of weight zero, what is divided by 1 − h for rows of
/// leverage one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Influence {
    /// Fitted values with the offset: R's `fitted`.
    pub fitted: Vec<f64>,
    /// Response less fitted value: R's `residuals`.
    pub residuals: Vec<f64>,
    /// Leverages: R's `hatvalues`.
    pub hat: Vec<f64>,
    /// Residual standard deviation without the row: R's `influence(fit)$sigma`.
    pub sigma: Vec<f64>,
    /// R's `cooks.distance`.
    pub cooks: Vec<f64>,
    /// R's `rstandard`.
    pub standardized: Vec<f64>,
    /// R's `rstudent`.
    pub studentized: Vec<f64>,
    /// R's `dfbetas` by column and row; empty unless asked for.
    pub dfbetas: Vec<Vec<f64>>,
}

/// Diagnostics for consecutive rows of the source.
#[derive(Clone, Debug, Default)]
pub struct InfluenceRun {
    /// Position of the first row, from 0.
    pub first_row: u64,
    /// Which rows of the run have values: those in the fit, those of weight zero, and with
    /// [`Missing::Exclude`](crate::design::Missing) incomplete ones; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// One entry a response.
    pub responses: Vec<Influence>,
}

/// Extent of the diagnostics of each row. Those beyond it are `NaN`, or empty where there are several columns of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Fitted values and residuals.
    Residuals,
    /// Leverages too, and what follows from them.
    #[default]
    Leverages,
    /// `dfbetas` too: the standardized change of each coefficient without the row.
    Deletions,
}

impl Lm<'_> {
    /// Diagnostics of all rows, one pass. Memory grows with the rows: [`influence_to`](Self::influence_to) hands
    /// them over in runs.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{Detail, LmSpec, lm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    /// let all = fit.influence(Detail::Deletions, &NoProgress).unwrap();
    /// assert!((all[0].hat.iter().sum::<f64>() - 2.0).abs() < 1e-14);
    /// assert_eq!(all[0].dfbetas.len(), 2);
    /// ```
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] for `dfbetas` beyond 4,000 columns; those of a pass.
    pub fn influence(&self, detail: Detail, monitor: &dyn Monitor) -> Result<Vec<Influence>, ModelError> {
        let mut all = vec![Influence::default(); self.responses.len()];
        self.influence_to(
            detail,
            &[],
            monitor,
            |_| (),
            |run, ()| {
                for (all, part) in all.iter_mut().zip(run.responses) {
                    all.append(part);
                }
                true
            },
        )?;
        Ok(all)
    }

    /// The same in runs of rows, in order, each with what `pick` makes of the columns `beside` of the source for
    /// its rows; `take` stops the pass by returning `false`.
    ///
    /// # Errors
    /// Those of [`influence`](Self::influence), and an interrupt where `take` stopped it.
    pub fn influence_to<B: Send>(
        &self,
        detail: Detail,
        beside: &[usize],
        monitor: &dyn Monitor,
        pick: impl Fn(&Batch<'_>) -> B + Sync,
        mut take: impl FnMut(InfluenceRun, B) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let fit = &self.fit;
        let rows = &self.bound.rows;
        let basis = WhitenedDesign::new(&fit.normal, &fit.factor, &fit.columns.map, fit.gram.atoms());
        let dfbetas = detail == Detail::Deletions;
        let coordinates = match dfbetas {
            true => Some(fit.system().coordinates("dfbetas")?),
            false => None,
        };
        let codes: Vec<usize> = (0..rows.layout().groups.len())
            .map(|g| rows.tuples(g).len())
            .collect();
        let applier = Applier::new(
            rows,
            self.bound.variables(&fit.counts),
            counted(&fit.gram, &codes),
            fit.columns.map.absorbed.is_some(),
            (0..self.responses.len())
                .map(|y| fit.scaled_coefficients(y))
                .collect(),
            (detail > Detail::Residuals).then(|| basis.state()),
        )?;
        let make = |batch: &Batch<'_>, other: &Batch<'_>| -> Result<(InfluenceRun, B), RowError> {
            let block = rows.block_with_weightless(batch)?;
            let mut run = InfluenceRun {
                first_row: batch.first_row,
                kept: block.kept.as_ref().map(|kept| {
                    let mut all = [kept.as_slice(), &block.excluded].concat();
                    all.sort_unstable();
                    all
                }),
                responses: Vec::new(),
            };
            if block.rows == 0 {
                let none = Influence::missing(batch.rows, if dfbetas { self.names().len() } else { 0 });
                run.responses = vec![none; self.responses.len()];
                return Ok((run, pick(other)));
            }
            let applied = applier.on(rows, &block)?;
            let leverages = applied
                .basis
                .as_ref()
                .map(|b| leverages(b, &block, block.weights.as_deref()))
                .unwrap_or_else(|| vec![Leverage::unknown(); block.rows]);
            for y in 0..self.responses.len() {
                let basis = applied.basis.as_ref();
                let mut one = self.diagnose(y, &block, &applied.coefficients[y], basis, &leverages);
                if let (Some(c), Some(b)) = (&coordinates, &applied.basis) {
                    one.dfbetas = self.dfbetas(&block, b, c, (&one, &leverages));
                }
                run.responses.push(one.spread(block.kept.as_deref(), batch.rows));
            }
            Ok((run, pick(other)))
        };
        let record = run_in_order("influence", "f64x2", rows, beside, monitor, make, |(run, b)| {
            take(run, b)
        })?;
        Ok(record)
    }

    /// All but dfbetas, for the rows of a block.
    fn diagnose(
        &self,
        y: usize,
        block: &Block<'_>,
        coefficients: &crate::pass::Coefficients,
        basis: Option<&WhitenedDesign>,
        leverages: &[Leverage],
    ) -> Influence {
        let response = &block.responses[y];
        let pair = Pair {
            high: &response.high,
            low: response.low.as_deref(),
        };
        let (mut high, mut low) = (Vec::new(), Vec::new());
        let atoms = &self.bound.rows.layout().atoms;
        residuals_of(atoms, block, pair, coefficients, &mut high, &mut low);
        if self.df_residual == 0 {
            // every row of the fit is met exactly
            for i in 0..block.rows {
                if block.weights.as_ref().is_none_or(|w| w[i] != 0.0) {
                    (high[i], low[i]) = (0.0, 0.0);
                }
            }
        }
        let scale = self.fit.response_scale(y);
        let own = &self.responses[y];
        let (rank, df) = (self.rank as f64, self.df_residual as f64);
        let n = block.rows;
        let mut out = Influence::missing(0, 0);
        for i in 0..n {
            let r = high[i] / scale;
            let offset = block.offset.as_ref().map_or(0.0, |o| o[i]);
            let own_low = response.low.as_ref().map_or(0.0, |l| l[i]);
            let fitted = Dd::two_sum(response.high[i], -high[i]).add_f64(own_low - low[i]);
            out.fitted.push(fitted.hi / scale + offset);
            out.residuals.push(r);
            let w = block.weights.as_ref().map_or(1.0, |w| w[i]);
            if w == 0.0 {
                out.push_undefined(f64::NAN);
                continue;
            }
            let left = leverages[i].left;
            if left.hi <= 0.0 {
                // nothing is left of the row: the fit without it has the same residuals
                out.push_undefined(1.0);
                if let Some(sigma) = out.sigma.last_mut() {
                    *sigma = (self.fit.row_rss[y].hi / (df - 1.0)).sqrt() / scale;
                }
                continue;
            }
            let h = leverages[i].h;
            // what is left of the residual sum of squares without the row may be a small part of it
            let square = (Dd::new(high[i]).add_f64(low[i])).square().mul_f64(w);
            let all = self.fit.row_rss[y];
            let mut rss = all - square / left;
            if rss.hi < SMALL_PART * all.hi
                && let Some(left) = basis.and_then(|b| b.left_of(block, i, w)).filter(|l| l.hi > 0.0)
            {
                rss = all - square / left;
            }
            let root = w.sqrt() * r;
            let left = left.hi;
            let without = (rss.hi.max(0.0) / (df - 1.0)).sqrt() / scale;
            let standard = root / (own.sigma * left.sqrt());
            out.hat.push(h);
            out.sigma.push(without);
            out.cooks.push(standard * standard * h / (left * rank));
            out.standardized.push(standard);
            out.studentized.push(root / (without * left.sqrt()));
        }
        out
    }

    /// dfbetas by column, for the rows of a block.
    fn dfbetas(
        &self,
        block: &Block<'_>,
        basis: &WhitenedDesign,
        coordinates: &Coordinates,
        (own, leverages): (&Influence, &[Leverage]),
    ) -> Vec<Vec<f64>> {
        let fit = &self.fit;
        let p = fit.aliased.len();
        let e = basis.coordinates(block, 0, block.rows);
        // rows x columns: the inner products Eᶜ·e
        let mut moved = Mat::<f64>::zeros(block.rows, p);
        let all = coordinates.kept.as_ref();
        matmul(
            moved.as_mut(),
            Accum::Replace,
            e.as_ref(),
            all.transpose(),
            1.0,
            Par::Seq,
        );
        // a row of leverage near one has coordinates of about one, and what they leave in most coefficients is small
        let inner = |i: usize, c: usize| match leverages[i].coordinates() {
            Some(e) => coordinates.inner(c, e).hi,
            None => moved[(i, c)],
        };
        let at: Vec<Option<(usize, f64)>> = (0..block.rows).map(|i| basis.level(block, i)).collect();
        let steps: Vec<f64> = (0..block.rows)
            .map(|i| {
                let w = block.weights.as_ref().map_or(1.0, |w| w[i]);
                match leverages[i].left.hi {
                    // without the row its own coefficient is not defined
                    left if left <= 0.0 => f64::NAN,
                    left => w * own.residuals[i] / left / own.sigma[i],
                }
            })
            .collect();
        (0..p)
            .map(|c| {
                let levels = coordinates.functionals[c]
                    .as_ref()
                    .map(|f| fit.system().level_coordinates(f));
                // both in units of the rows
                let error = fit.row_variances[c].sqrt();
                (0..block.rows)
                    .map(|i| {
                        let by_level = match (at[i], &levels) {
                            (Some((l, x)), Some(all)) => all.get(l).map_or(0.0, |v| v * x),
                            _ => 0.0,
                        };
                        (inner(i, c) + by_level) * steps[i] / error
                    })
                    .collect()
            })
            .collect()
    }
}

impl Influence {
    fn missing(rows: usize, columns: usize) -> Self {
        let none = vec![f64::NAN; rows];
        Influence {
            fitted: none.clone(),
            residuals: none.clone(),
            hat: none.clone(),
            sigma: none.clone(),
            cooks: none.clone(),
            standardized: none.clone(),
            studentized: none.clone(),
            dfbetas: vec![none; columns],
        }
    }

    fn push_undefined(&mut self, hat: f64) {
        self.hat.push(hat);
        self.sigma.push(f64::NAN);
        self.cooks.push(f64::NAN);
        self.standardized.push(f64::NAN);
        self.studentized.push(f64::NAN);
    }

    fn spread(self, kept: Option<&[u32]>, rows: usize) -> Self {
        let all = |v: Vec<f64>| spread(v, kept, rows);
        Influence {
            fitted: all(self.fitted),
            residuals: all(self.residuals),
            hat: all(self.hat),
            sigma: all(self.sigma),
            cooks: all(self.cooks),
            standardized: all(self.standardized),
            studentized: all(self.studentized),
            dfbetas: self.dfbetas.into_iter().map(all).collect(),
        }
    }

    fn append(&mut self, other: Self) {
        self.fitted.extend(other.fitted);
        self.residuals.extend(other.residuals);
        self.hat.extend(other.hat);
        self.sigma.extend(other.sigma);
        self.cooks.extend(other.cooks);
        self.standardized.extend(other.standardized);
        self.studentized.extend(other.studentized);
        self.dfbetas.resize(other.dfbetas.len(), Vec::new());
        for (mine, theirs) in self.dfbetas.iter_mut().zip(other.dfbetas) {
            mine.extend(theirs);
        }
    }
}
