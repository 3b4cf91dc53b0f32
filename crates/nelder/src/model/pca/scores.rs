//! Scores of rows on principal components: one pass.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use faer::{Mat, MatMut, MatRef};
use nelder_device::{large_pages, zeros};

use super::Prcomp;
use super::prcomp::Data;
use super::sparse::scores as sparse_scores;
use crate::design::{Missing, RowError, Rows};
use crate::frame::{Batch, Scan};
use crate::model::ModelError;
use crate::pass::{Monitor, PassError, PassRecord, Projection, projected, run_in_order};
use crate::solve::Rectangular;

/// Scores of consecutive rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreRun {
    /// Position of the first row of the run in the source, from 0.
    pub first_row: u64,
    /// Which rows of the run have scores: those that are used, those of weight zero, and with [`Missing::Exclude`] incomplete
    /// ones, whose scores are `NaN`; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// Scores of the rows in `kept`: rows x components.
    pub scores: Rectangular,
}

impl Prcomp<'_> {
    /// The scores of the rows that were used and of those of weight zero, in their order: rows x components, R's `x`. With
    /// [`Missing::Exclude`] incomplete rows are there too, as `NaN`. Memory grows with the rows: [`scores_to`](Self::scores_to) hands
    /// them over in runs. The pass is added to the report.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{PcaSpec, prcomp};
    /// use nelder::pass::NoProgress;
    /// let (a, b) = ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]);
    /// let frame = Frame::new().with_real("a", &a).with_real("b", &b);
    /// let mut fit = prcomp(&PcaSpec::default(), &frame, &NoProgress)?;
    /// let scores = fit.scores(&NoProgress)?;
    /// assert!((scores.get(2, 0) - 2f64.sqrt()).abs() < 1e-15);
    /// # Ok::<(), nelder::model::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// Those of a pass.
    pub fn scores(&mut self, monitor: &dyn Monitor) -> Result<Rectangular, ModelError> {
        if let Some((scores, record)) = self.on_device(monitor)? {
            self.passed(record);
            return Ok(scores);
        }
        let k = self.rotation.columns();
        if let (Some(n), Data::Rows(bound, _)) = (self.known_rows(), &self.data) {
            let mut values = zeros(n * k);
            let record = placed_scores(self, &bound.rows, n, &mut values, monitor)?;
            self.passed(record);
            return Ok(Rectangular::of(n, k, values));
        }
        let expected = match &self.data {
            Data::Rows(bound, _) => bound.rows.source().rows(),
            Data::Sparse(matrix) => Some(matrix.rows() as u64),
        };
        let stride = expected.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let mut all = Gathered {
            values: vec![0.0; stride * k],
            stride,
            filled: 0,
            columns: k,
        };
        self.scores_to(
            &[],
            monitor,
            |_| (),
            |run, ()| {
                all.add(&run.scores);
                true
            },
        )?;
        Ok(all.finish())
    }

    /// The rows of a source, where each has scores and their number is known.
    fn known_rows(&self) -> Option<usize> {
        let Data::Rows(bound, _) = &self.data else {
            return None;
        };
        let whole = self.omitted == 0 && self.spec.subset.is_none();
        let rows = bound.rows.source().rows().filter(|_| whole)?;
        usize::try_from(rows).ok()
    }

    /// The same scores into memory that is there: rows x components, one component's scores after another's.
    ///
    /// # Errors
    /// Those of [`scores`](Self::scores); [`ModelError::Argument`] where there are fewer or more than so many.
    pub fn scores_into(&mut self, values: &mut [f64], monitor: &dyn Monitor) -> Result<(), ModelError> {
        let k = self.rotation.columns();
        if k == 0 {
            return Ok(());
        }
        let rows = values.len() / k;
        let misfit = |found: usize| {
            let why = format!("room for {rows} rows of {k} scores, but there are {found} rows");
            ModelError::argument("values", why)
        };
        if let (Some(n), Data::Rows(bound, _)) = (self.known_rows(), &self.data) {
            if n != rows || n * k != values.len() {
                return Err(misfit(n));
            }
            let record = match self.on_device(monitor)? {
                Some((scores, record)) => {
                    values.copy_from_slice(scores.values());
                    record
                }
                None => placed_scores(self, &bound.rows, n, values, monitor)?,
            };
            self.passed(record);
            return Ok(());
        }
        let mut filled = 0;
        let done = self.scores_to(
            &[],
            monitor,
            |_| (),
            |run, ()| {
                let n = run.scores.rows();
                let fits = filled + n <= rows;
                if fits {
                    for j in 0..k {
                        let at = j * rows + filled;
                        values[at..at + n].copy_from_slice(run.scores.column(j));
                    }
                }
                filled += n;
                fits
            },
        );
        if filled > rows || done.is_ok() && filled * k != values.len() {
            return Err(misfit(filled));
        }
        done.map(drop)
    }

    /// The same in runs of rows, in order, each with what `pick` makes of the columns `beside` of the source for its rows (all
    /// rows of the run, also those that are not kept); `take` stops the pass by returning `false`. A sparse matrix has no columns
    /// beside it, and is one run.
    ///
    /// # Errors
    /// Those of [`scores`](Self::scores), and an interrupt where `take` stopped it.
    pub fn scores_to<B: Send>(
        &mut self,
        beside: &[usize],
        monitor: &dyn Monitor,
        pick: impl Fn(&Batch<'_>) -> B + Sync,
        mut take: impl FnMut(&ScoreRun, B) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let nothing = |first_row: u64, rows: usize| Batch {
            index: 0,
            first_row,
            rows,
            columns: Vec::new(),
            coarse: Vec::new(),
        };
        let (standard, k) = (&self.standard, self.rotation.columns());
        let record = match &self.data {
            Data::Sparse(matrix) => {
                let start = Instant::now();
                let v = Mat::from_fn(self.rotation.rows(), k, |i, j| self.rotation.get(i, j));
                let found = sparse_scores(matrix, standard, &v);
                let n = matrix.rows();
                let run = ScoreRun {
                    first_row: 0,
                    kept: None,
                    scores: copied(found.as_ref()),
                };
                let went_on = take(&run, pick(&nothing(0, n)));
                if !(monitor.advance("scores", n as u64, Some(n as u64)) && went_on) {
                    return Err(PassError::Interrupted.into());
                }
                let scan = Scan {
                    rows: n as u64,
                    bytes: 12 * matrix.held() as u64,
                };
                PassRecord::on_cpu("scores", "f64", scan, start)
            }
            Data::Rows(bound, _) => {
                let rows = &bound.rows;
                let there = match beside.is_empty() {
                    true => self.on_device(monitor)?,
                    false => None,
                };
                if let Some((scores, record)) = there {
                    let n = record.rows as usize;
                    let run = ScoreRun {
                        first_row: 0,
                        kept: None,
                        scores,
                    };
                    if !take(&run, pick(&nothing(0, n))) {
                        return Err(PassError::Interrupted.into());
                    }
                    record
                } else {
                    let projection = Projection::new(standard, self.rotation.as_ref());
                    let make = |batch: &Batch<'_>, other: &Batch<'_>| -> Result<_, RowError> {
                        let block = rows.block_with_weightless(batch)?;
                        let n = block.rows;
                        let own = projection.of(&block);
                        let mut run = ScoreRun {
                            first_row: batch.first_row,
                            kept: block.kept,
                            scores: Rectangular::of(n, k, own),
                        };
                        if rows.missing() == Missing::Exclude && !block.excluded.is_empty() {
                            run.exclude(&block.excluded, batch.rows);
                        }
                        Ok((run, pick(other)))
                    };
                    run_in_order("scores", "f64", rows, beside, monitor, make, |(run, other)| {
                        let went_on = take(&run, other);
                        projection.reuse(run.scores.into_values());
                        went_on
                    })?
                }
            }
        };
        self.passed(record.clone());
        Ok(record)
    }

    fn passed(&mut self, record: PassRecord) {
        self.report.passes.push(record);
        self.report.device = crate::model::report::devices(&self.report.passes);
    }

    /// All scores, from a device that has every row of the source and found its moments; `None` where none has.
    fn on_device(&self, monitor: &dyn Monitor) -> Result<Option<(Rectangular, PassRecord)>, ModelError> {
        let Data::Rows(bound, session) = &self.data else {
            return Ok(None);
        };
        if !session.is_device() || bound.rows.source().rows() != Some(self.rows) {
            return Ok(None);
        }
        let found = projected(session.device_rows(), &self.standard, self.rotation.values());
        let Some((values, records)) = found.map_err(PassError::from)? else {
            return Ok(None);
        };
        let Some(record) = records.into_iter().next() else {
            return Ok(None);
        };
        if !monitor.advance("scores", record.rows, Some(record.rows)) {
            return Err(PassError::Interrupted.into());
        }
        let (n, k) = (record.rows as usize, self.rotation.columns());
        Ok(Some((Rectangular::of(n, k, values), record)))
    }
}

/// Scores of all of `n` rows, each batch by whoever has it, in its place.
fn placed_scores(
    fit: &Prcomp<'_>,
    rows: &Rows<'_>,
    n: usize,
    values: &mut [f64],
    monitor: &dyn Monitor,
) -> Result<PassRecord, PassError> {
    large_pages(values);
    let projection = Projection::new(&fit.standard, fit.rotation.as_ref());
    let whole = MatMut::from_column_major_slice_mut(values, n, fit.rotation.columns());
    let places = Mutex::new(BTreeMap::from([(0, whole)]));
    let make = |batch: &Batch<'_>, _: &Batch<'_>| -> Result<(), RowError> {
        let block = rows.block_with_weightless(batch)?;
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        let own = usize::try_from(batch.first_row)
            .ok()
            .filter(|_| block.rows == batch.rows)
            .and_then(|from| cut(&mut places, from, block.rows));
        drop(places);
        let own = own.ok_or_else(|| RowError {
            row: batch.first_row,
            message: "the rows are not those of the pass before".into(),
        })?;
        projection.write(&block, own);
        Ok(())
    };
    let record = run_in_order("scores", "f64", rows, &[], monitor, make, |()| true)?;
    Ok(record)
}

/// Takes rows `from..from + n` out of the pieces of a matrix, by their first rows.
fn cut<'m>(pieces: &mut BTreeMap<usize, MatMut<'m, f64>>, from: usize, n: usize) -> Option<MatMut<'m, f64>> {
    let (&first, piece) = pieces.range(..=from).next_back()?;
    if from + n > first + piece.nrows() {
        return None;
    }
    let piece = pieces.remove(&first)?;
    let (before, rest) = piece.split_at_row_mut(from - first);
    let (own, after) = rest.split_at_row_mut(n);
    pieces.extend(
        [(first, before), (from + n, after)]
            .into_iter()
            .filter(|(_, p)| p.nrows() > 0),
    );
    Some(own)
}

impl ScoreRun {
    /// Adds rows without a score.
    fn exclude(&mut self, excluded: &[u32], rows: usize) {
        let own = self.kept.take().unwrap_or_default();
        let mut kept = [own.as_slice(), excluded].concat();
        kept.sort_unstable();
        let places: Vec<Option<usize>> = kept.iter().map(|i| own.binary_search(i).ok()).collect();
        let old = std::mem::take(&mut self.scores);
        self.scores = Rectangular::from_fn(kept.len(), old.columns(), |i, j| {
            places[i].map_or(f64::NAN, |at| old.get(at, j))
        });
        self.kept = (kept.len() < rows).then_some(kept);
    }
}

fn copied(of: MatRef<'_, f64>) -> Rectangular {
    Rectangular::from_fn(of.nrows(), of.ncols(), |i, j| of[(i, j)])
}

/// Runs of scores put together, column by column.
struct Gathered {
    values: Vec<f64>,
    /// Rows that a column has room for.
    stride: usize,
    /// Rows that it has.
    filled: usize,
    columns: usize,
}

impl Gathered {
    fn add(&mut self, run: &Rectangular) {
        let n = run.rows();
        if self.filled + n > self.stride {
            self.restride((2 * self.stride).max(self.filled + n));
        }
        for j in 0..self.columns {
            let at = j * self.stride + self.filled;
            self.values[at..at + n].copy_from_slice(run.column(j));
        }
        self.filled += n;
    }

    /// The same rows with room for others.
    fn restride(&mut self, stride: usize) {
        if stride == self.stride {
            return;
        }
        let mut values = vec![0.0; stride * self.columns];
        for j in 0..self.columns {
            let from = j * self.stride;
            values[j * stride..j * stride + self.filled]
                .copy_from_slice(&self.values[from..from + self.filled]);
        }
        (self.values, self.stride) = (values, stride);
    }

    fn finish(mut self) -> Rectangular {
        self.restride(self.filled);
        Rectangular::of(self.filled, self.columns, self.values)
    }
}
