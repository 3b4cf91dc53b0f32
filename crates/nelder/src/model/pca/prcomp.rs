//! Principal components: R's `prcomp`.
//!
//! The axes of the standardized columns, on a ladder of precision (`axes.rs`):
//!
//! 1. One pass: the gram of the columns, in double precision with sums over runs of rows in twice that, or in twice the
//!    precision throughout where that costs little. Its eigenvectors are the axes.
//! 2. Where the bound of a standard deviation's error is too large a part of the first, a pass of Householder QR (TSQR) in
//!    double precision; on a device, another gram in twice the precision.
//!
//! Fewer rows than columns are held in memory (`wide.rs`). A few components of many columns come from a Krylov iteration, a pass
//! for each step (`krylov.rs`).

use std::sync::Arc;

use faer::Mat;
use serde::Serialize;

use super::axes::{Axes, Doubt, of_exact, of_gram, of_triangle, rounding};
use super::few_rows::Held;
use super::krylov::{Krylov, block_size, krylov};
use super::standard::{Columns, moments};
use super::{Center, PcaAlgorithm, PcaSpec, Scale, Signs};
use crate::design::RowCounts;
use crate::frame::{Source, Sparse};
use crate::model::equations::ladder::rows_left;
use crate::model::equations::solution::unit;
use crate::model::report::devices;
use crate::model::{Accuracy, ModelError, ModelFrame};
use crate::pass::{
    Course, Gram, GramStatistic, GramVectorsStatistic, MomentStatistic, Monitor, Opening, Pass, PassRecord,
    Products, Ran, Run, Session, Standard, Statistic, TriangleStatistic,
};
use crate::solve::Rectangular;

/// Multiplications in twice the precision that cost less than a second pass would.
const CHEAP: f64 = 2e7;
/// Error of a standard deviation, as a part of the first, beyond which more precision is asked for. Bounds are about eight times
/// the errors.
const ENOUGH: f64 = 8e-12;
/// Columns from which a few components come from an iteration over the rows, and how many times as many as vectors in a block
/// there must be: a gram costs p/2 multiplications a value, some 16 steps of blocks of b cost 32 b.
const MANY: (usize, usize) = (2000, 64);

/// Lower bounds on correct decimal digits, the smallest over the components that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PcaDigits {
    /// Of the standard deviations in units of the first: none is off by more than 10^-digits times that.
    pub sdev: f64,
    /// Of the rotation: no axis is off by an angle whose sine is above 10^-digits. Zero where two standard deviations are so
    /// close that their axes are not determined. What is left after as many components as the rows can have, less one where
    /// their mean is taken from them, has no variance and counts for nothing here.
    pub rotation: f64,
}

/// Record of the computation of components.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PcaReport {
    /// `eigen of gram`, `svd of tsqr`, `svd of cholesky of gram`, `rotations of cholesky of gram`, `eigen of gram of rows`,
    /// `svd of qr of transpose`, `block krylov`.
    pub algorithm: String,
    /// Where the passes ran.
    pub device: String,
    /// In which precision.
    pub precision: String,
    /// Digits known to be right.
    pub digits: PcaDigits,
    /// The columns that are computed from the numbers that were read: `log(x)`. Digits are for their values as computed.
    pub computed: Vec<String>,
    /// Steps of a Krylov iteration; 0 where there was none.
    pub steps: u32,
    /// The passes over the data, in order.
    pub passes: Vec<PassRecord>,
    /// Why the computation escalated, where it did: for readers, not for programs.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Where the rows are that scores are computed of.
pub(super) enum Data<'s> {
    /// Rows of a source, and the session on them.
    Rows(Box<ModelFrame<'s>>, Arc<dyn Session>),
    /// A sparse matrix.
    Sparse(Sparse<'s>),
}

impl Data<'_> {
    /// The columns that are computed from the numbers that were read.
    fn computed(&self) -> Vec<String> {
        match self {
            Data::Rows(frame, _) => frame.computed(&[]),
            Data::Sparse(_) => Vec::new(),
        }
    }
}

/// Principal components of some rows.
pub struct Prcomp<'s> {
    /// Specification of the components.
    pub spec: PcaSpec,
    /// Names of the columns.
    pub names: Vec<String>,
    /// Standard deviations of the components, falling: R's `sdev`. All min(n, p) of them, also where fewer components are
    /// kept; after a Krylov iteration those of the components that were computed.
    pub sdev: Vec<f64>,
    /// Bounds on their absolute errors.
    pub errors: Vec<f64>,
    /// The axes: columns x components, orthonormal columns of loadings. R's `rotation`.
    pub rotation: Rectangular,
    /// Bounds on the sine of the angle between each axis and the true one; 1 where it is not determined.
    pub angles: Vec<f64>,
    /// Centre subtracted from each column: R's `center`; `None` where none was.
    pub center: Option<Vec<f64>>,
    /// Divisor of each column: R's `scale`; `None` where it was not divided.
    pub scale: Option<Vec<f64>>,
    /// Sum of the variances of all components, also of those that were not computed.
    pub total: f64,
    /// Number of components that there are: the smaller of rows and columns.
    pub available: usize,
    /// Rows used, of weight other than zero.
    pub rows: u64,
    /// Rows left out as incomplete.
    pub omitted: u64,
    /// Record of the computation: algorithm, precision, digits, passes.
    pub report: PcaReport,
    /// Centres and scales in the units of the rows.
    pub(in crate::model) standard: Standard,
    pub(super) data: Data<'s>,
}

/// Principal components of columns of a source: R's `prcomp`. Scores take another pass: [`Prcomp::scores`].
///
/// The source is borrowed for as long as the fit lives (`&frame`), or its own: a source, or an [`Arc`] that others share.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{PcaSpec, prcomp};
/// use nelder::pass::NoProgress;
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]);
/// let frame = Frame::new().with_real("a", &a).with_real("b", &b);
/// let fit = prcomp(&PcaSpec::new("~ a + b"), &frame, &NoProgress)?;
/// assert!((fit.sdev[0] - (25.0f64 / 3.0).sqrt()).abs() < 1e-14);
/// assert!((fit.rotation.get(1, 0) - 2.0 / 5f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// A column that is unknown or not numeric, a value that is infinite, [`ModelError::Constant`], an argument that does not
/// fit, no rows, more columns than a gram is formed of without `rank`; those of a pass.
pub fn prcomp<'s, 'm>(
    spec: &PcaSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<Prcomp<'s>, ModelError> {
    of_rows(spec, Arc::new(source), run.into())
}

fn of_rows<'s>(spec: &PcaSpec, source: Arc<dyn Source + 's>, at: Run<'_>) -> Result<Prcomp<'s>, ModelError> {
    let monitor = at.monitor;
    let (bound, names) = spec.bind(source.clone())?;
    let bound = bound.at(at.executor);
    let rows = &bound.rows;
    let course = Course::LeastSquares(Products::Rounded);
    let (session, records) = bound.executor.open(rows, &Opening::new(course, monitor))?;
    let mut run = Computation {
        spec,
        names: &names,
        bound: &bound,
        session: &*session,
        monitor,
        passes: bound.passes.clone(),
        notes: Vec::new(),
        steps: 0,
        counts: RowCounts::default(),
    };
    run.passes.extend(records);
    let p = names.len();
    let few = source.rows().is_some_and(|n| (n as f64) < p as f64);
    let block = spec.rank.map(|k| block_size(k, p));
    let iterates = match spec.algorithm {
        PcaAlgorithm::Krylov => true,
        PcaAlgorithm::Auto => !few && p > MANY.0 && block.is_some_and(|b| MANY.1 * b < p),
        _ => false,
    };
    let (columns, unit, axes, beyond) = match (few && !session.is_device(), iterates) {
        (true, _) => run.wide(iterates)?,
        (_, true) => run.iterated()?,
        _ if spec.algorithm == PcaAlgorithm::Qr => run.by_qr()?,
        _ => run.by_gram()?,
    };
    let Computation {
        passes,
        notes,
        steps,
        counts,
        ..
    } = run;
    let powers: Vec<f64> = rows.scales().to_vec();
    let data = Data::Rows(Box::new(bound), session);
    let mut fit = Prcomp::new(
        spec,
        names,
        (columns, unit, &powers),
        (axes, beyond),
        (steps, passes, notes),
        data,
    );
    fit.omitted = counts.omitted;
    Ok(fit)
}

/// Columns and their unit, their axes, and a bound on the singular values that are not among those, where there are some.
pub(in crate::model) type Found = (Columns, f64, Axes, Option<f64>);

/// A computation under way.
struct Computation<'a, 's> {
    spec: &'a PcaSpec,
    names: &'a [String],
    bound: &'a ModelFrame<'s>,
    session: &'a dyn Session,
    monitor: &'a dyn Monitor,
    passes: Vec<PassRecord>,
    notes: Vec<String>,
    steps: u32,
    /// Of the first pass.
    counts: RowCounts,
}

/// Returns the axes, or [`ModelError::NotConverged`] where the decomposition has none.
pub(in crate::model) fn converged(axes: Option<Axes>) -> Result<Axes, ModelError> {
    axes.ok_or_else(|| ModelError::NotConverged("decomposition of the columns".into()))
}

impl Computation<'_, '_> {
    /// True if standard deviations from a gram are right to [`ENOUGH`] of the first, the rounding of the data apart; those beyond
    /// `rank` are zero.
    fn is_enough(&mut self, axes: &Axes, rank: usize) -> bool {
        let first = axes.singular.first().copied().unwrap_or(0.0);
        let worst = axes.errors().iter().take(rank).fold(0.0, |a, e| f64::max(a, *e));
        // what the data's own rounding leaves uncertain no precision mends
        let enough = worst - axes.doubt.columns <= ENOUGH * first;
        if !enough {
            self.notes.push(format!(
                "from a gram in {}, a standard deviation would be right to {:.0e} of the first only",
                match axes.precision {
                    "f64" => "double precision",
                    _ => "twice the precision, far from the origin",
                },
                worst / first
            ));
        }
        enough
    }

    /// After the first pass over the rows: those that were left out, and whether the arguments fit the rest.
    fn seen(&mut self, counts: RowCounts) -> Result<(), ModelError> {
        rows_left(&counts, self.bound)?;
        let rows = counts.used;
        self.counts = counts;
        self.spec.check_size(rows, self.names.len())
    }

    /// One pass over the rows, of a name and a precision.
    fn reduced<S: Statistic>(&self, (name, precision): (&str, &str), statistic: &S) -> Ran<S::Sum> {
        let pass = Pass::new(name, precision, statistic, self.monitor);
        self.session.reduce(&self.bound.rows, pass)
    }

    fn gram(&self, products: Products) -> Ran<Gram> {
        let statistic = GramStatistic { products };
        self.reduced(("gram", statistic.precision()), &statistic)
    }

    /// The columns' moments, by a pass of their own.
    fn columns(&mut self) -> Result<(Columns, f64), ModelError> {
        let spread = self.reduced(("moments", "f64x2"), &MomentStatistic)?;
        self.passes.extend(spread.records);
        self.seen(spread.counts)?;
        Columns::new(&spread.value, self.spec, self.bound.rows.scales(), self.names)
    }

    fn by_gram(&mut self) -> Result<Found, ModelError> {
        let (spec, p) = (self.spec, self.names.len());
        ModelError::many_columns("all components", p)?;
        let n = self.bound.rows.source().rows();
        let cheap = n.is_some_and(|n| n as f64 * (p * p) as f64 / 2.0 <= CHEAP);
        let certified = spec.accuracy == Accuracy::Certified;
        let exact = certified || (cheap && spec.algorithm == PcaAlgorithm::Auto);
        let products = if exact { Products::Exact } else { Products::Rounded };
        let first = self.gram(products)?;
        let mut gram = first.value;
        gram.mark_scaled(self.bound.rows.scales());
        self.passes.extend(first.records);
        self.seen(first.counts)?;
        let (columns, scale) = Columns::new(&moments(&gram), spec, self.bound.rows.scales(), self.names)?;
        let matrix = columns.matrix(&gram, spec);
        let exact = gram.products() == Products::Exact;
        let axes = converged(match exact {
            true => of_exact(&matrix, certified),
            false => of_gram(&matrix, unit(gram.products()), self.session.device()),
        })?;
        let rank = columns.rank(spec);
        if spec.algorithm == PcaAlgorithm::Gram || self.is_enough(&axes, rank) {
            return Ok((columns, scale, axes, None));
        }
        if self.session.is_device() && exact {
            return Ok((columns, scale, axes, None));
        }
        if self.session.is_device() {
            let exact = self.gram(Products::Exact)?;
            let mut gram = exact.value;
            gram.mark_scaled(self.bound.rows.scales());
            self.passes.extend(exact.records);
            let matrix = columns.matrix(&gram, spec);
            return Ok((columns, scale, converged(of_exact(&matrix, certified))?, None));
        }
        let axes = self.triangle(&columns)?;
        Ok((columns, scale, axes, None))
    }

    fn by_qr(&mut self) -> Result<Found, ModelError> {
        let (columns, scale) = self.columns()?;
        let axes = self.triangle(&columns)?;
        Ok((columns, scale, axes, None))
    }

    fn triangle(&mut self, columns: &Columns) -> Result<Axes, ModelError> {
        let standard = Arc::new(columns.standard.clone());
        let found = self.reduced(("tsqr", "f64"), &TriangleStatistic { standard })?;
        self.passes.extend(found.records);
        let triangle = found.value.triangle();
        let triangle = Rectangular::from_fn(triangle.nrows(), triangle.ncols(), |i, j| triangle[(i, j)]);
        let axes = converged(of_triangle(&triangle, &columns.squares, &columns.roundings))?;
        Ok(axes.off_by(columns.scale_rounding()))
    }

    /// Fewer rows than columns.
    fn wide(&mut self, iterates: bool) -> Result<Found, ModelError> {
        let spec = self.spec;
        let (columns, scale) = self.columns()?;
        let (held, record) = Held::new(&self.bound.rows, &columns.standard, self.monitor)?;
        self.passes.push(record);
        if iterates {
            let found = held.by_krylov(spec.rank.unwrap_or(1), spec)?;
            self.steps = found.steps;
            let (axes, beyond) = of_krylov(found, &columns);
            return Ok((columns, scale, axes, beyond));
        }
        let rank = columns.rank(spec);
        if spec.algorithm != PcaAlgorithm::Qr {
            let axes = converged(held.by_gram(&columns, rank))?.off_by(columns.scale_rounding());
            if spec.algorithm == PcaAlgorithm::Gram || self.is_enough(&axes, rank) {
                return Ok((columns, scale, axes, None));
            }
        }
        let axes = converged(held.by_qr(&columns))?.off_by(columns.scale_rounding());
        Ok((columns, scale, axes, None))
    }

    /// A few components of many columns.
    fn iterated(&mut self) -> Result<Found, ModelError> {
        let spec = self.spec;
        let (columns, scale) = self.columns()?;
        let k = spec.rank.unwrap_or(1);
        let found = krylov(
            (self.names.len(), k),
            spec.seed,
            spec.tolerance,
            |v: &Mat<f64>| {
                let standard = &columns.standard;
                let images =
                    self.reduced(("krylov", "f64"), &GramVectorsStatistic { standard, vectors: v })?;
                self.passes.extend(images.records);
                Ok(images.value)
            },
        )?;
        self.steps = found.steps;
        let (axes, beyond) = of_krylov(found, &columns);
        Ok((columns, scale, axes, beyond))
    }
}

/// Returns the result of an iteration as axes, with bounds from its residuals, and a bound on the next singular value.
pub(super) fn of_krylov(found: Krylov, columns: &Columns) -> (Axes, Option<f64>) {
    let trace: f64 = columns.squares.iter().sum();
    let last = found.values.last().copied().unwrap_or(0.0);
    let gap = found.beyond.map_or(last, |b| last - b);
    let r = found.residual;
    // ‖r‖² / gap where the gap is known to be larger than the residual, with the next eigenvalue as large as it may be
    let of_residual = if gap > 2.0 * r { r * r / (gap - r) } else { r };
    // images are rounded relative to the largest eigenvalue, and that moves the others by as much
    let first = found.values.first().copied().unwrap_or(0.0).max(0.0);
    let rounding_of_images = (4.0 + (columns.squares.len() as f64).sqrt()) * f64::EPSILON * first;
    let values = of_residual + rounding_of_images;
    let own = 16.0 * f64::EPSILON * trace.sqrt();
    let axes = Axes {
        singular: found.values.iter().map(|v| v.max(0.0).sqrt()).collect(),
        vectors: found.vectors,
        doubt: Doubt {
            products: r,
            values,
            columns: rounding(&columns.roundings) + own,
            results: 4.0 * f64::EPSILON,
        },
        algorithm: "block krylov",
        precision: "f64",
    };
    let axes = axes.off_by(columns.scale_rounding());
    (axes, found.beyond.map(|b| b.max(0.0).sqrt()))
}

impl<'s> Prcomp<'s> {
    /// A sentence for each column whose whole numbers were rounded because they are taken as numbers.
    pub fn rounded(&self) -> Vec<String> {
        match &self.data {
            Data::Rows(bound, _) => bound.rows.rounded(),
            Data::Sparse(_) => Vec::new(),
        }
    }

    /// From axes in the units of the standardized columns.
    pub(super) fn new(
        spec: &PcaSpec,
        names: Vec<String>,
        (columns, unit, powers): (Columns, f64, &[f64]),
        (mut axes, beyond): (Axes, Option<f64>),
        (steps, passes, notes): (u32, Vec<PassRecord>, Vec<String>),
        data: Data<'s>,
    ) -> Self {
        axes = axes.off_by(columns.weight_rounding());
        let p = names.len();
        let root = columns.divisor().sqrt();
        let available = usize::try_from(columns.rows).map_or(p, |n| n.min(p));
        // fewer rows than columns have no more components than rows: beside their axes there is no variance
        let beyond = beyond.or(axes.singular.get(available).copied());
        let beyond = beyond.or((p > axes.singular.len()).then_some(0.0));
        axes.singular.truncate(available);
        axes.vectors = axes.vectors.first(available);
        let deviation = |s: &f64| s / root * unit;
        let mut sdev: Vec<f64> = axes.singular.iter().map(deviation).collect();
        let mut errors: Vec<f64> = axes.errors().iter().map(deviation).collect();
        for j in columns.rank(spec)..sdev.len() {
            (sdev[j], errors[j]) = (0.0, 0.0);
        }
        let mut kept = spec.rank.unwrap_or(available).min(sdev.len());
        if let (Some(tol), Some(first)) = (spec.tol, sdev.first()) {
            kept = kept.min(sdev.iter().filter(|s| **s > first * tol).count());
        }
        let angles = axes.angles(beyond)[..kept].to_vec();
        let mut rotation = axes.vectors.first(kept);
        if spec.signs == Signs::Largest {
            orient(&mut rotation);
        }
        let first = sdev.first().copied().unwrap_or(0.0);
        let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let counted = &angles[..kept.min(columns.rank(spec))];
        let report = PcaReport {
            algorithm: axes.algorithm.to_string(),
            device: devices(&passes),
            precision: axes.precision.to_string(),
            digits: PcaDigits {
                sdev: digits_of(largest(&errors) / first),
                rotation: if counted.is_empty() {
                    0.0
                } else {
                    digits_of(largest(counted))
                },
            },
            computed: data.computed(),
            steps,
            passes,
            notes,
        };
        let power = |j: usize| powers.get(j).copied().unwrap_or(1.0);
        let mut standard = columns.standard;
        // where all components are there, from them, so that shares add up to one
        let total = match axes.singular.len() == available {
            true => axes.singular.iter().map(|s| s * s).sum::<f64>() / (root * root),
            false => columns.squares.iter().sum::<f64>() / columns.rows.max(2).saturating_sub(1) as f64,
        };
        // the common power belongs to the singular values
        standard.scales.iter_mut().for_each(|s| *s /= unit);
        Prcomp {
            spec: spec.clone(),
            sdev,
            errors,
            rotation,
            angles,
            center: (spec.center != Center::No)
                .then(|| (0..p).map(|j| standard.centers[j].hi / power(j)).collect()),
            scale: match &spec.scale {
                Scale::No => None,
                Scale::Values(values) => Some(values.clone()),
                Scale::Deviations => Some((0..p).map(|j| standard.scales[j] / power(j)).collect()),
            },
            total: total * unit * unit,
            available,
            rows: columns.rows,
            omitted: 0,
            report,
            standard,
            data,
            names,
        }
    }
}

/// Decimal digits that a relative error leaves.
fn digits_of(error: f64) -> f64 {
    match error.is_nan() {
        true => 0.0,
        false => (-error.log10()).clamp(0.0, 16.0),
    }
}

/// Turns each axis so that its largest loading in size is positive, the first of them where there are several.
fn orient(rotation: &mut Rectangular) {
    for j in 0..rotation.columns() {
        let axis = rotation.column_mut(j);
        let largest = axis.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // loadings that differ by rounding alone are the same
        let near = largest * (1.0 - 1e-10);
        if axis.iter().find(|v| v.abs() >= near).is_some_and(|v| *v < 0.0) {
            axis.iter_mut().for_each(|v| *v = -*v);
        }
    }
}
