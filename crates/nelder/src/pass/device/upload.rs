//! The way of rows to devices: read block by block, gathered, and copied, all of them or a part at a time.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use nelder_device::{Buffer, DeviceError, GlmKernels, Matrix};

use super::columns::{DeviceColumns, FEW_ROWS, Pairs, Part, bounds};
use super::together::{at_once, joined};
use crate::design::{Block, Numbers, RowCounts, RowError, Rows};
use crate::frame::Batch;
use crate::pass::executor::run_in_order;
use crate::pass::session::{Check, Opening};
use crate::pass::statistic::PassLabel;
use crate::pass::{Monitor, PassError, PassRecord};

/// Columns that grow as batches come.
#[derive(Default)]
struct Gathered {
    rows: usize,
    dense: Vec<Vec<f64>>,
    rests: Vec<Option<Vec<f64>>>,
    responses: Vec<(Vec<f64>, Option<Vec<f64>>)>,
    weights: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
    start: Option<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    kept: Vec<u32>,
    counts: RowCounts,
}

/// Adds what is left of a column; columns without it have had zeros so far.
fn add_rest(to: &mut Option<Vec<f64>>, rows: usize, from: Option<&Vec<f64>>, more: usize) {
    if let Some(from) = from {
        to.get_or_insert_with(|| vec![0.0; rows]).extend_from_slice(from);
    } else if let Some(to) = to {
        to.resize(rows + more, 0.0);
    }
}

impl Gathered {
    fn add(&mut self, mut block: Block<'_>) {
        let (before, n) = (self.rows, block.rows);
        self.counts.add(std::mem::take(&mut block.counts));
        if n == 0 {
            return;
        }
        self.dense.resize(block.dense.len(), Vec::new());
        self.rests.resize(block.dense.len(), None);
        self.responses.resize(block.responses.len(), (Vec::new(), None));
        let add = |to: &mut Vec<f64>, rest: &mut Option<Vec<f64>>, numbers: &Numbers<'_>| {
            to.extend_from_slice(&numbers.high);
            add_rest(rest, before, numbers.low.as_ref(), n);
        };
        for ((to, rest), numbers) in self.dense.iter_mut().zip(&mut self.rests).zip(&block.dense) {
            add(to, rest, numbers);
        }
        for ((to, rest), numbers) in self.responses.iter_mut().zip(&block.responses) {
            add(to, rest, numbers);
        }
        if let Some(w) = &block.weights {
            self.weights.get_or_insert_default().extend_from_slice(w);
        }
        if let Some(o) = &block.offset {
            self.offset.get_or_insert_default().extend_from_slice(o);
        }
        if let Some(s) = &block.start {
            self.start.get_or_insert_default().extend_from_slice(s);
        }
        self.codes.resize(block.codes.len(), Vec::new());
        for (to, from) in self.codes.iter_mut().zip(&block.codes) {
            to.extend_from_slice(from);
        }
        if before + n <= FEW_ROWS {
            self.kept.extend((0..n).map(|i| block.source_row(i) as u32));
        }
        self.rows += n;
    }
}

/// The rows as a scan gives them, each block looked at on the way: consecutive ones on each of the devices.
///
/// # Errors
/// Those of a pass, of the check and of the devices.
pub(in crate::pass) fn scanned(
    rows: &Rows<'_>,
    devices: &[Arc<dyn GlmKernels>],
    opening: &Opening<'_>,
) -> Result<(Vec<DeviceColumns>, PassRecord, RowCounts), PassError> {
    let mut all = Gathered::default();
    let mut record = run_in_order(
        "upload",
        "f64",
        rows,
        &[],
        opening.monitor,
        |batch, _| looked_at(rows, batch, opening.check),
        |block| {
            all.add(block);
            true
        },
    )?;
    let start = Instant::now();
    let counts = std::mem::take(&mut all.counts);
    let few = all.rows <= FEW_ROWS;
    let part = Part {
        kept: few.then(|| std::mem::take(&mut all.kept)),
        comes_back: few,
        ..Part::default()
    };
    let columns = all.divided(rows, devices, &part)?;
    record.seconds += start.elapsed().as_secs_f64();
    record.device = joined(columns.iter().map(|c| c.id.clone()));
    Ok((columns, record, counts))
}

/// One pass over rows that devices do not hold at a time: `work` gets at least `most` of them, on the devices, while more are to come,
/// in the order of the rows; each block is looked at by `check`.
///
/// # Errors
/// Those of a pass, of `check`, of `work` and of the devices.
pub(in crate::pass) fn streamed(
    label: PassLabel<'_>,
    rows: &Rows<'_>,
    (devices, most): (&[Arc<dyn GlmKernels>], usize),
    check: Check<'_>,
    monitor: &dyn Monitor,
    mut work: impl FnMut(Vec<DeviceColumns>) -> Result<(), PassError> + Send,
) -> Result<(PassRecord, RowCounts), PassError> {
    let mut gathered = Gathered::default();
    let mut failure = None;
    let mut counts = RowCounts::default();
    let mut part = Part {
        comes_back: true,
        passes_by: true,
        ..Part::default()
    };
    let mut take = |mut all: Gathered| -> Result<(), PassError> {
        counts.add(std::mem::take(&mut all.counts));
        let columns = all.divided(rows, devices, &part)?;
        part.index += columns.len();
        part.first_row += all.rows as u64;
        work(columns)
    };
    let ran = run_in_order(
        label.name,
        label.precision,
        rows,
        &[],
        monitor,
        |batch, _| looked_at(rows, batch, check),
        |block| {
            gathered.add(block);
            if gathered.rows < most {
                return true;
            }
            failure = take(std::mem::take(&mut gathered)).err();
            failure.is_none()
        },
    );
    if let Some(error) = failure {
        return Err(error);
    }
    let mut record = ran?;
    let start = Instant::now();
    if gathered.rows > 0 {
        take(gathered)?;
    } else {
        counts.add(gathered.counts);
    }
    record.seconds += start.elapsed().as_secs_f64();
    record.device = joined(devices.iter().map(|d| d.describe().id));
    Ok((record, counts))
}

impl Gathered {
    /// The rows on devices, consecutive ones on each; `part` is the place of the first.
    fn divided(
        &mut self,
        rows: &Rows<'_>,
        devices: &[Arc<dyn GlmKernels>],
        part: &Part,
    ) -> Result<Vec<DeviceColumns>, DeviceError> {
        // where no row is left the columns are empty, but there
        let atoms = &rows.layout().atoms;
        self.dense.resize(atoms.dense + atoms.extra, Vec::new());
        self.rests.resize(atoms.dense + atoms.extra, None);
        self.responses.resize(atoms.responses, (Vec::new(), None));
        self.codes.resize(atoms.groups.len(), Vec::new());
        let parts: Vec<_> = bounds(self.rows, devices.len())
            .into_iter()
            .zip(devices)
            .enumerate()
            .collect();
        let all = &*self;
        at_once(&parts, |(d, (range, device))| {
            let own = Part {
                index: part.index + d,
                // rows that are told one by one are counted from the first of all
                first_row: part.first_row
                    + if part.kept.is_some() {
                        0
                    } else {
                        range.start as u64
                    },
                kept: part.kept.as_ref().map(|kept| kept[range.clone()].to_vec()),
                ..part.clone()
            };
            all.on_device(range.clone(), rows, device, own)
        })
    }

    /// A range of the rows on a device.
    fn on_device(
        &self,
        range: Range<usize>,
        rows: &Rows<'_>,
        device: &Arc<dyn GlmKernels>,
        part: Part,
    ) -> Result<DeviceColumns, DeviceError> {
        let n = range.len();
        let own =
            |column: &Vec<f64>| -> Result<Buffer, DeviceError> { device.upload(&column[range.clone()]) };
        let put = |column: &Option<Vec<f64>>| column.as_ref().map(own).transpose();
        let mut columns: Vec<&[f64]> = self.dense.iter().map(|c| &c[range.clone()]).collect();
        let mut rests = Vec::new();
        for (j, rest) in self.rests.iter().enumerate() {
            if let Some(rest) = rest {
                columns.push(&rest[range.clone()]);
                rests.push(j);
            }
        }
        let x = Matrix::new(device.upload_columns(&columns)?, n, columns.len())?;
        let responses: Result<Vec<(Buffer, Option<Buffer>)>, DeviceError> = self
            .responses
            .iter()
            .map(|(y, rest)| Ok((own(y)?, put(rest)?)))
            .collect();
        let (mut groups, mut pairs) = (Vec::new(), Vec::new());
        for (h, codes) in self.codes.iter().enumerate() {
            let codes = &codes[range.clone()];
            let count = codes.iter().max().map_or(0, |&c| c as usize + 1);
            let mut counts = vec![0u64; count];
            codes.iter().for_each(|&c| counts[c as usize] += 1);
            groups.push((device.upload_codes(codes, count)?, counts));
            for (g, other) in self.codes[..h].iter().enumerate() {
                pairs.push(Pairs::new(
                    device.as_ref(),
                    (g, h),
                    (&other[range.clone()], codes),
                )?);
            }
        }
        Ok(DeviceColumns {
            part,
            groups,
            pairs,
            id: device.describe().id,
            device: device.clone(),
            atoms: rows.layout().atoms.clone(),
            rows: n,
            x,
            rests,
            responses: responses?,
            weights: put(&self.weights)?,
            offset: put(&self.offset)?,
            start: put(&self.start)?,
        })
    }
}

/// The block of a batch, tested, and kept beyond the batch.
fn looked_at(rows: &Rows<'_>, batch: &Batch<'_>, check: Check<'_>) -> Result<Block<'static>, RowError> {
    let block = rows.block(batch)?;
    check(&block)?;
    Ok(block.into_owned())
}
