//! Linear least squares on a ladder of precision.
//!
//! 1. One pass accumulates the gram of the centred columns and the responses: in double precision with the sums
//!    over blocks in twice the precision, or in twice the precision throughout where that costs little.
//! 2. Cholesky in R's column order. The factor bounds the error of each variance to first order: an entry of the
//!    gram known to η moves vᵀG⁻¹v by at most η (Σ|vᵀG⁻¹|ᵢ tᵢ)² (Higham 2002, 10.1).
//! 3. The residual pass computes r = y − Xβ and Xᵀ W r in twice the precision. The correction
//!    G⁻¹ Xᵀ W r leaves an error of η times the correction (Björck 1967). Where the bound of step 2 is too
//!    large, the same pass accumulates the gram in twice the precision, and the solution is computed from that.
//! 4. Where twice the precision does not carry the gram either, a pass of Householder QR (TSQR) in twice the
//!    precision, with R's limited pivoting, and another residual pass.

use std::sync::Arc;

use nelder_device::Dd;

use crate::design::RowCounts;
use crate::pass::{
    Coefficients, Course, Gram, GramStatistic, KeptColumn, Monitor, Opening, Pass, PassError, PassRecord,
    Products, Ran, ResidualStatistic, Residuals, Session, quartile_ranks,
};

use super::bounds::Solved;
use super::solution::{
    LARGE_ORDER, LeastSquaresSolution, gain_of, in_model, orthogonal, provisional, relative_variance_error,
    solve, wants_tsqr,
};
use super::{LeastSquares, Score, by_atom};
use crate::model::model_frame::all_missing;
use crate::model::{Accuracy, ModelError, ModelFrame};

/// Multiplications in twice the precision that cost less than a second pass would.
const CHEAP: f64 = 2e7;
/// Rows whose residuals are kept for their quantiles; beyond, they are counted in bins.
const KEEP_ROWS: u64 = 4_000_000;
/// Relative error of a variance beyond which more precision is asked for: twice that of a standard error.
const ENOUGH: f64 = 2e-11;
/// The same where equations are of [`LARGE_ORDER`], whose exact products would take minutes. The digits are in the report.
const ENOUGH_OF_MANY: f64 = 1e-9;
/// Corrections at most, beyond the first.
const MOST_REFINEMENTS: u32 = 4;

/// Fits a bound model.
///
/// # Errors
/// Columns that are too many, no rows, sums beyond the range of double precision; errors of a pass and of the device.
pub fn least_squares(
    bound: &ModelFrame<'_>,
    tol: f64,
    accuracy: Accuracy,
    monitor: &dyn Monitor,
) -> Result<LeastSquares, ModelError> {
    // 1. the gram  2. its factor
    let mut ladder = Ladder::new(bound, (tol, accuracy), monitor)?;
    // 3. residuals, and the exact gram where it is needed
    let widths = ladder.widths();
    let exact = ladder.gram.products() == Products::Exact;
    if !ladder.needs_exact && exact && wants_tsqr(&ladder.state, tol, accuracy) {
        ladder.orthogonal()?;
    }
    loop {
        let (residuals, second) = ladder.residuals(widths.as_deref())?;
        let rung = match second {
            Some(gram) => ladder.exact(gram, &residuals)?,
            // 4. the correction
            None => Some(ladder.corrected(&residuals)),
        };
        // a solution by QR wants residuals of its own
        if let Some(rung) = rung.filter(|rung| !rung.again) {
            return ladder.finish(rung, residuals);
        }
    }
}

/// A least-squares problem on its way up.
struct Ladder<'a, 's> {
    bound: &'a ModelFrame<'s>,
    monitor: &'a dyn Monitor,
    tol: f64,
    accuracy: Accuracy,
    session: Arc<dyn Session>,
    counts: RowCounts,
    gram: Gram,
    state: LeastSquaresSolution,
    /// By response and column, in the units of the rows.
    coefficients: Vec<Vec<Dd>>,
    /// True where the next pass over the residuals also forms the exact gram.
    needs_exact: bool,
    /// True where the variances' errors are looked at beside the next pass.
    undecided: bool,
    tsqr: bool,
    refinements: u32,
    passes: Vec<PassRecord>,
    notes: Vec<String>,
}

/// Sums of squares and last steps after a pass over the residuals.
struct Rung {
    rss: Vec<Dd>,
    steps: Vec<Vec<f64>>,
    /// Bounds on the energies of the errors that conjugate gradients left of these steps.
    energies: Vec<f64>,
    /// True where another pass is needed.
    again: bool,
}

impl<'a, 's> Ladder<'a, 's> {
    /// The gram and its factor.
    fn new(
        bound: &'a ModelFrame<'s>,
        (tol, accuracy): (f64, Accuracy),
        monitor: &'a dyn Monitor,
    ) -> Result<Self, ModelError> {
        let products = first_products(bound, accuracy);
        let (mut passes, mut notes) = (bound.passes.clone(), Vec::new());
        let course = Course::LeastSquares(products);
        let (session, records) = bound.executor.open(&bound.rows, &Opening::new(course, monitor))?;
        passes.extend(records);
        let first = gram_of(&*session, bound, products, monitor)?;
        let (mut gram, counts) = (first.value, first.counts);
        gram.mark_scaled(bound.rows.scales());
        passes.extend(first.records);
        rows_left(&counts, bound)?;
        if gram.products() == Products::Single && !gram.is_finite() {
            // beyond the range of single precision
            notes.push("products leave the range of single precision".to_string());
            let own = gram_of(&*session, bound, Products::Rounded, monitor)?;
            passes.extend(own.records);
            gram = own.value;
            gram.mark_scaled(bound.rows.scales());
        }
        check_finite(&gram, bound)?;
        // what cannot be decided in double precision waits for the exact gram
        let solved = solve(bound, &counts, &gram, (tol, session.device()))?;
        let needs_exact = solved.is_none();
        let state = match solved {
            Some(state) => state,
            None => {
                let precision = match gram.products() {
                    Products::Single => "single",
                    _ => "double",
                };
                notes.push(format!(
                    "a pivot of the gram is too small for {precision} precision"
                ));
                provisional(bound, &counts, &gram)?
            }
        };
        // in single precision standard errors stay as they are
        let undecided = !needs_exact && !matches!(gram.products(), Products::Exact | Products::Single);
        let mut ladder = Ladder {
            coefficients: state.coefficients(),
            bound,
            monitor,
            tol,
            accuracy,
            session,
            counts,
            gram,
            state,
            needs_exact,
            undecided,
            tsqr: false,
            refinements: 0,
            passes,
            notes,
        };
        if undecided && !ladder.session.is_device() {
            ladder.undecided = false;
            ladder.needs_exact = ladder.too_rough(relative_variance_error(&ladder.state));
        }
        Ok(ladder)
    }

    /// Notes a relative error of a variance that is too large for the precision.
    fn too_rough(&mut self, worst: f64) -> bool {
        let large = self.state.normal.matrix.order > LARGE_ORDER;
        let rough = worst > if large { ENOUGH_OF_MANY } else { ENOUGH };
        if rough {
            self.notes.push(format!(
                "in double precision, standard errors would be right to {:.0e} only",
                worst / 2.0
            ));
        }
        rough
    }

    /// Widths of bins that residuals are counted in, where the rows are many: in units of the residuals' deviation, or of a part of
    /// the response's where the gram cannot tell it.
    fn widths(&self) -> Option<Vec<f64>> {
        let state = &self.state;
        let of = |y: usize| {
            let total = state.normal.total[y].hi.max(0.0);
            let left = state
                .normal
                .residual_squares(y, &state.solutions[y])
                .max(1e-14 * total);
            let deviation = (left / self.gram.rows as f64).sqrt();
            (deviation * 3e-5).max(f64::MIN_POSITIVE)
        };
        let responses = 0..self.coefficients.len();
        (self.gram.rows > KEEP_ROWS).then(|| responses.map(of).collect())
    }

    /// The solution of a QR decomposition of the rows, by another pass.
    fn orthogonal(&mut self) -> Result<(), ModelError> {
        (self.state, self.coefficients) = orthogonal(
            self.bound,
            &self.state,
            &self.gram,
            self.tol,
            self.monitor,
            &mut self.passes,
            &mut self.notes,
        )?;
        self.tsqr = true;
        Ok(())
    }

    /// The residuals at the coefficients, and the exact gram where it turns out to be needed.
    fn residuals(&mut self, widths: Option<&[f64]>) -> Result<(Residuals, Option<Gram>), ModelError> {
        let atoms = self.gram.atoms();
        let tables: Vec<(usize, usize)> = (self.gram.groups.iter().zip(&atoms.groups))
            .map(|(t, g)| (t.codes(), g.multipliers.len()))
            .collect();
        let by: Arc<[Coefficients]> = (self.coefficients.iter())
            .map(|b| by_atom(&self.state.columns.map, b, atoms.dense, &tables))
            .collect();
        let statistic = ResidualStatistic {
            coefficients: by,
            exact_gram: self.needs_exact,
            widths,
        };
        let pass = || {
            let pass = Pass::new(statistic.name(), "f64x2", &statistic, self.monitor);
            self.session.reduce(&self.bound.rows, pass)
        };
        if !self.undecided {
            let ran = pass()?;
            self.passes.extend(ran.records);
            return Ok(ran.value);
        }
        // while the device computes residuals, the CPU looks at the variances
        let (ran, worst) = beside(pass, || {
            let of = || relative_variance_error(&self.state);
            rayon::join(of, || self.state.condition()).0
        });
        self.undecided = false;
        let ran = ran?;
        self.passes.extend(ran.records);
        let (residuals, mut second) = ran.value;
        if self.too_rough(worst) {
            let own = gram_of(&*self.session, self.bound, Products::Exact, self.monitor)?;
            self.passes.extend(own.records);
            second = Some(own.value);
        }
        Ok((residuals, second))
    }

    /// The solution of the exact gram; what was computed from the rounded one gave the residuals. `None` where the exact gram will not
    /// do either, and the solution is that of a QR decomposition.
    fn exact(&mut self, gram: Gram, residuals: &Residuals) -> Result<Option<Rung>, ModelError> {
        self.gram = gram;
        self.gram.mark_scaled(self.bound.rows.scales());
        self.needs_exact = false;
        let Some(solved) = solve(
            self.bound,
            &self.counts,
            &self.gram,
            (self.tol, self.session.device()),
        )?
        else {
            return Err(ModelError::Overflow(self.bound.rows.labels()[0].clone()));
        };
        self.state = solved;
        let old = std::mem::replace(&mut self.coefficients, self.state.coefficients());
        if wants_tsqr(&self.state, self.tol, self.accuracy) {
            self.orthogonal()?;
            return Ok(None);
        }
        self.refinements += 1;
        // RSS(β) from r at the old β: the score gives the exact step, unless the old β used a column that is
        // aliased now, for then the new β is no minimum along the step
        let state = &self.state;
        let accepted: Vec<bool> = in_model(&state.columns.map, &state.normal, &state.factor);
        let (mut far, mut rss) = (false, Vec::new());
        for (y, new) in self.coefficients.iter().enumerate() {
            far |= old[y].iter().zip(&accepted).any(|(b, &a)| !a && b.hi != 0.0);
            let gain = gain_of(state, &old[y], new, &score(residuals, y), &self.gram);
            far |= gain.hi.abs() > 1e-9 * residuals.squares[y].hi;
            rss.push(residuals.squares[y] - gain);
        }
        let energy = |y: usize| {
            state
                .normal
                .crossed
                .as_ref()
                .map_or(0.0, |c| c.energy_of_response(y))
        };
        let rss_count = rss.len();
        Ok(Some(Rung {
            rss,
            steps: self.coefficients.iter().map(|b| vec![0.0; b.len()]).collect(),
            energies: (0..rss_count).map(energy).collect(),
            again: far,
        }))
    }

    /// One step of refinement β + G⁻¹ Xᵀ W r (Björck 1967).
    fn corrected(&mut self, residuals: &Residuals) -> Rung {
        let (normal, factor, map) = (&self.state.normal, &self.state.factor, &self.state.columns.map);
        let mut rung = Rung {
            rss: Vec::new(),
            steps: Vec::new(),
            energies: Vec::new(),
            again: false,
        };
        for (y, coefficients) in self.coefficients.iter_mut().enumerate() {
            let correction = normal.correct(factor, map, &score(residuals, y));
            let step = normal.coefficients(map, &correction.solution, Dd::ZERO);
            rung.rss.push(residuals.squares[y] - correction.gain);
            let gain = correction.gain.hi.abs();
            rung.again |= gain > 1e-12 * residuals.squares[y].hi
                && gain > 1e-24 * normal.total[y].hi
                && self.refinements < MOST_REFINEMENTS;
            coefficients.iter_mut().zip(&step).for_each(|(b, d)| *b += *d);
            let kept = correction.solution.kept.iter();
            rung.steps.push(kept.map(|v| v.hi.abs()).collect());
            rung.energies.push(correction.energy);
        }
        self.refinements += 1;
        rung
    }

    /// Variances and error bounds, beside the quartiles of residuals that stayed on a device.
    fn finish(self, rung: Rung, mut last: Residuals) -> Result<LeastSquares, ModelError> {
        let there = std::mem::take(&mut last.there);
        let bound = self.bound;
        let first_response = self.gram.atoms().dense + self.gram.atoms().extra;
        let solved = Solved {
            gram: self.gram,
            state: self.state,
            coefficients: self.coefficients,
            steps: rung.steps,
            energies: rung.energies,
            rss: rung.rss,
            last: last.into(),
            tsqr: self.tsqr,
            refinements: self.refinements,
            passes: self.passes,
            notes: self.notes,
            counts: self.counts,
        };
        if there.is_empty() {
            return solved.finish(bound);
        }
        // the device looks for the quartiles in the meantime
        let ranks = quartile_ranks(solved.gram.rows);
        let places = || {
            let of = |column: &KeptColumn| column.order_statistics(&ranks);
            there.iter().map(of).collect::<Result<Vec<_>, _>>()
        };
        let (places, done) = beside(places, || solved.finish(bound));
        let mut done = done?;
        done.places = places.map_err(PassError::from)?;
        for (y, places) in done.places.iter_mut().enumerate() {
            let scale = done.scales.get(first_response + y).copied().unwrap_or(1.0);
            places.iter_mut().for_each(|r| *r /= scale);
        }
        Ok(done)
    }
}

/// The gram of the rows and their responses, by a pass.
fn gram_of(
    session: &dyn Session,
    bound: &ModelFrame<'_>,
    products: Products,
    monitor: &dyn Monitor,
) -> Ran<Gram> {
    let statistic = GramStatistic { products };
    let pass = Pass::new("gram", statistic.precision(), &statistic, monitor);
    session.reduce(&bound.rows, pass)
}

/// Precision of the products of the first gram: twice where that costs little or is asked for.
pub(in crate::model) fn first_products(bound: &ModelFrame<'_>, accuracy: Accuracy) -> Products {
    let atoms = &bound.rows.layout().atoms;
    let z = (atoms.dense + atoms.responses) as f64;
    let rows = bound.rows.source().rows();
    let cheap = rows.is_some_and(|n| n as f64 * z * z / 2.0 <= CHEAP);
    match accuracy {
        Accuracy::Certified => Products::Exact,
        _ if cheap => Products::Exact,
        Accuracy::Single => Products::Single,
        _ => Products::Rounded,
    }
}

/// Runs two things at a time, the first on a thread of its own.
fn beside<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let running = scope.spawn(first);
        let b = second();
        match running.join() {
            Ok(a) => (a, b),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn score(residuals: &Residuals, y: usize) -> Score<'_> {
    Score::of(&residuals.scores[y])
}

/// Checks that a row is left to fit: [`ModelError::NoRows`] if not.
pub(in crate::model) fn rows_left(counts: &RowCounts, bound: &ModelFrame<'_>) -> Result<(), ModelError> {
    if counts.used > 0 {
        return Ok(());
    }
    Err(ModelError::NoRows {
        rows: counts.read,
        omitted: counts.omitted,
        unweighted: counts.weightless,
        column: if counts.omitted > 0 {
            all_missing(&bound.rows)
        } else {
            None
        },
    })
}

pub(in crate::model) fn check_finite(gram: &Gram, bound: &ModelFrame<'_>) -> Result<(), ModelError> {
    if gram.is_finite() {
        return Ok(());
    }
    Err(ModelError::Overflow(
        bound
            .terms
            .variables
            .first()
            .map_or_else(String::new, ToString::to_string),
    ))
}
