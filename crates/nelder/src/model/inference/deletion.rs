//! Deletion diagnostics of the rows of a fit, in one pass.
//!
//! With r the residual, h = w|e|² the leverage of a row with coordinates e ([`WhitenedDesign`]) and weight w, leaving the row out
//! lowers the residual sum of squares by w r² / (1 − h) and moves coefficient c by (Eᶜ·e) w r / (1 − h), Eᶜ its
//! coordinates (Belsley, Kuh & Welsch 1980). R's `lm.influence`, `rstandard`, `rstudent`, `cooks.distance`,
//! `dfbetas`.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

use super::new_rows::{Applied, Applier};
use super::predict::spread;
use super::row_model::RowModel;
use super::whitened_design::{Leverage, WhitenedDesign};
use super::{Detail, Influence, InfluenceRun, Regression};
use crate::design::{Block, RowError};
use crate::frame::Batch;
use crate::model::equations::fitted::Coordinates;
use crate::model::equations::solution::counted;
use crate::model::{FittedEquations, ModelError};
use crate::pass::{Monitor, PassRecord, run_in_order};

/// Diagnostics of all rows of a fit: [`Inference::influence`](super::Inference::influence).
pub(super) fn influence<R: Regression + ?Sized>(
    fit: &R,
    detail: Detail,
    monitor: &dyn Monitor,
) -> Result<Influence, ModelError> {
    let mut all = Influence::default();
    influence_to(
        &[fit],
        detail,
        &[],
        monitor,
        |_| (),
        |run, ()| {
            run.models.into_iter().for_each(|part| all.append(part));
            true
        },
    )?;
    Ok(all)
}

/// Diagnostics in runs of rows, in order, of fits that are the responses of one model, or of one fit; each run with what `pick` makes
/// of the columns `beside` of the source for its rows. `take` stops the pass by returning `false`.
///
/// # Errors
/// Those of [`Inference::influence`](super::Inference::influence), and an interrupt where `take` stopped it.
pub fn influence_to<R: Regression + ?Sized, B: Send>(
    fits: &[&R],
    detail: Detail,
    beside: &[usize],
    monitor: &dyn Monitor,
    pick: impl Fn(&Batch<'_>) -> B + Sync,
    mut take: impl FnMut(InfluenceRun, B) -> bool + Send,
) -> Result<PassRecord, ModelError> {
    let Some(first) = fits.first() else {
        return Err(ModelError::argument("fits", "there is none"));
    };
    if detail > Detail::Residuals {
        first.equations().one_factor("leverages")?;
    }
    let pass = RowPass::new(fits, detail)?;
    let rows = &first.frame().rows;
    let codes: Vec<usize> = (0..rows.layout().groups.len())
        .map(|g| rows.tuples(g).len())
        .collect();
    let equations = &pass.equations;
    let applier = Applier::new(
        rows,
        first.frame().variables(first.counts()),
        counted(equations.gram, &codes),
        equations.map.elimination(),
        pass.models
            .iter()
            .flat_map(|model| model.coefficients())
            .collect(),
        (detail > Detail::Residuals).then(|| pass.models[0].basis().state()),
    )?;
    let make = |batch: &Batch<'_>, other: &Batch<'_>| -> Result<(InfluenceRun, B), RowError> {
        let block = rows.block_with_weightless(batch)?;
        let applied = match block.rows {
            0 => None,
            _ => Some(applier.on(rows, &block)?),
        };
        let run = InfluenceRun {
            first_row: batch.first_row,
            kept: block.kept.as_ref().map(|kept| {
                let mut all = [kept.as_slice(), &block.excluded].concat();
                all.sort_unstable();
                all
            }),
            models: match applied {
                None => pass.unknown(batch.rows),
                Some(applied) => pass.diagnose(&block, &applied, batch.rows),
            },
        };
        Ok((run, pick(other)))
    };
    let record = run_in_order("influence", "f64x2", rows, beside, monitor, make, |(run, b)| {
        take(run, b)
    })?;
    Ok(record)
}

/// Fits whose rows are diagnosed in one pass.
struct RowPass<'a> {
    models: Vec<Box<dyn RowModel + 'a>>,
    equations: FittedEquations<'a>,
    /// Coordinates of the coefficients, for `dfbetas`.
    coordinates: Option<Coordinates>,
    /// Standard errors over √dispersion in the units of the rows, for `dfbetas`.
    errors: Vec<f64>,
}

impl<'a> RowPass<'a> {
    fn new<R: Regression + ?Sized>(fits: &[&'a R], detail: Detail) -> Result<RowPass<'a>, ModelError> {
        let models: Vec<_> = fits.iter().map(|fit| fit.row_model()).collect();
        let equations = fits[0].equations();
        let coordinates = match detail {
            Detail::Deletions => Some(equations.coordinates("dfbetas")?),
            _ => None,
        };
        Ok(RowPass {
            errors: models[0].root_variances(),
            models,
            equations,
            coordinates,
        })
    }

    /// Nothing known of some rows.
    fn unknown(&self, rows: usize) -> Vec<Influence> {
        let columns = self.coordinates.as_ref().map_or(0, |c| c.functionals.len());
        let of = |model: &dyn RowModel| Influence {
            dfbetas: vec![vec![f64::NAN; rows]; columns],
            ..model.unknown(rows)
        };
        self.models.iter().map(|model| of(&**model)).collect()
    }

    /// Diagnostics of the rows of a block, among all rows of its batch.
    fn diagnose(&self, block: &Block<'_>, applied: &Applied, rows: usize) -> Vec<Influence> {
        let basis = applied.basis.as_ref();
        let mut rest = applied.coefficients.as_slice();
        let mut leverages = None;
        let mut out = Vec::with_capacity(self.models.len());
        for model in &self.models {
            let (at, others) = rest.split_at(rest.len() / (self.models.len() - out.len()));
            rest = others;
            let mut own = model.diagnose(block, at, basis, &mut leverages);
            if let (Some(c), Some(basis), Some(leverages)) = (&self.coordinates, basis, &leverages) {
                let scores = (0..block.rows).map(|i| model.score(block, &own, i));
                let steps = scores.zip(leverages).zip(&own.sigma);
                let step = |((score, leverage), sigma): ((f64, &Leverage), &f64)| match leverage.left.hi {
                    // without the row its own coefficient is not defined
                    left if left <= 0.0 => f64::NAN,
                    left => score / left / sigma,
                };
                let steps: Vec<f64> = steps.map(step).collect();
                own.dfbetas = self.dfbetas(block, basis, c, (&steps, leverages));
            }
            for column in own.columns().filter(|c| !c.is_empty()) {
                *column = spread(std::mem::take(column), block.kept.as_deref(), rows);
            }
            out.push(own);
        }
        out
    }

    /// dfbetas by column, for the rows of a block with their scores over 1 − h and σ without the row.
    fn dfbetas(
        &self,
        block: &Block<'_>,
        basis: &WhitenedDesign,
        coordinates: &Coordinates,
        (steps, leverages): (&[f64], &[Leverage]),
    ) -> Vec<Vec<f64>> {
        let p = coordinates.functionals.len();
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
        let of = |c: usize| {
            let functional = coordinates.functionals[c].as_ref();
            let levels = functional.map(|f| self.equations.level_coordinates(f));
            let by_level = |i: usize| match (at[i], &levels) {
                (Some((l, x)), Some(all)) => all.get(l).map_or(0.0, |v| v * x),
                _ => 0.0,
            };
            let of_row = |i: usize| (inner(i, c) + by_level(i)) * steps[i] / self.errors[c];
            (0..block.rows).map(of_row).collect()
        };
        (0..p).map(of).collect()
    }
}
