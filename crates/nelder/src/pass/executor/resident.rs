//! The rows of a design in a device's memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use nelder_device::{Backend, Buffer, Codes, Counters, DeviceError, Matrix};

use super::run_in_order;
use crate::design::{Block, BlockSchema, Numbers, RowCounts, RowError, Rows};
use crate::frame::{Scan, Whole};
use crate::pass::ResidualRun;
use crate::pass::{Monitor, PassError, PassRecord};

/// The rows of a design in a device's memory: what passes on a device read.
#[derive(Debug)]
pub struct Resident {
    /// Where they are.
    pub device: Arc<dyn Backend>,
    /// Identifier of the device.
    pub id: String,
    /// Schema of the rows: dense columns, responses and groups of codes.
    pub atoms: BlockSchema,
    /// Rows.
    pub rows: usize,
    /// The dense columns; after them what is left of those that were formed in twice the precision.
    pub x: Matrix,
    /// The dense column that each column after them belongs to.
    pub rests: Vec<usize>,
    /// The responses, and what is left of them.
    pub responses: Vec<(Buffer, Option<Buffer>)>,
    /// Case weights.
    pub weights: Option<Buffer>,
    /// Sums of the offsets.
    pub offset: Option<Buffer>,
    /// Values to start from.
    pub start: Option<Buffer>,
    /// The codes of each group, and how many rows have each.
    pub groups: Vec<(Codes, Vec<u64>)>,
    /// The pairs of codes of each two groups.
    pub pairs: Vec<Pairs>,
    /// Which rows of the source these are, where they are few; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// Number of this part of the rows, and how many rows were in those before it; `None` where these are all.
    pub part: Option<(usize, u64)>,
    /// The rows of the source that these were chosen from.
    pub counts: RowCounts,
}

/// Looks at blocks of rows.
pub type Check<'a> = &'a (dyn Fn(&Block<'_>) -> Result<(), RowError> + Sync);

/// Rows up to which residuals come back from the device one by one, and not their quartiles alone.
pub(super) const FEW_ROWS: usize = 10_000;

/// Pairs of codes of two groups.
#[derive(Debug)]
pub struct Pairs {
    /// The groups, first before second.
    pub groups: (usize, usize),
    /// The code of a pair.
    pub index: HashMap<(u32, u32), u32>,
    /// By row.
    pub codes: Codes,
}

impl Pairs {
    fn new(device: &dyn Backend, groups: (usize, usize), of: (&[u32], &[u32])) -> Result<Pairs, DeviceError> {
        let mut index = HashMap::new();
        let codes: Vec<u32> =
            of.0.iter()
                .zip(of.1)
                .map(|(&a, &b)| {
                    let next = index.len() as u32;
                    *index.entry((a, b)).or_insert(next)
                })
                .collect();
        let codes = device.upload_codes(&codes, index.len())?;
        Ok(Pairs { groups, index, codes })
    }
}

/// A pass on a device, while it runs.
pub(super) struct Clock<'r> {
    resident: &'r Resident,
    start: Instant,
    before: Counters,
}

impl Clock<'_> {
    /// The record of the pass, which read `columns` columns of the rows.
    pub fn stop(self, name: &str, precision: &str, columns: usize) -> PassRecord {
        let resident = self.resident;
        // a pass that asked nothing of the device did not run there
        let worked = resident.device.counters().launches > self.before.launches;
        PassRecord {
            name: name.to_string(),
            rows: resident.rows as u64,
            bytes: 8 * (columns * resident.rows) as u64,
            device: if worked { resident.id.clone() } else { "cpu".into() },
            precision: precision.to_string(),
            seconds: self.start.elapsed().as_secs_f64(),
        }
    }
}

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

impl Resident {
    pub(super) fn clock(&self) -> Clock<'_> {
        Clock {
            resident: self,
            start: Instant::now(),
            before: self.device.counters(),
        }
    }

    /// The columns of a source as they stand, where the model is of nothing else. Whether a value is missing is not known
    /// yet.
    ///
    /// # Errors
    /// Those of the device.
    pub fn in_place(
        rows: &Rows<'_>,
        device: &Arc<dyn Backend>,
    ) -> Result<Option<(Self, Option<PassRecord>)>, PassError> {
        let start = Instant::now();
        let Some((dense, responses)) = rows.plain() else {
            return Ok(None);
        };
        let source = rows.source();
        let found: Option<Vec<Whole<'_>>> =
            dense.iter().chain(&responses).map(|&c| source.whole(c)).collect();
        let Some(found) = found else { return Ok(None) };
        let (mut host, mut there): (Vec<&[f64]>, Vec<Buffer>) = (Vec::new(), Vec::new());
        for column in &found {
            match column {
                Whole::Host(values) => host.push(values),
                Whole::Device(buffer) => there.push(buffer.clone()),
            }
        }
        let n = found.first().map_or(0, |column| match column {
            Whole::Host(values) => values.len(),
            Whole::Device(buffer) => buffer.len(),
        });
        let p = dense.len();
        if n == 0 || p == 0 {
            return Ok(None);
        }
        let (x, own, record) = match (host.is_empty(), there.is_empty()) {
            (false, true) => {
                let all = device.upload_columns(&host)?;
                let x = Matrix::new(all.part(0, n * p)?, n, p)?;
                let own: Result<Vec<Buffer>, DeviceError> =
                    (p..host.len()).map(|j| all.part(j * n, n)).collect();
                let scan = Scan {
                    rows: n as u64,
                    bytes: 8 * (n * host.len()) as u64,
                };
                let mut record = PassRecord::on_cpu("upload", "f64", scan, start);
                record.device = device.describe().id;
                (x, own?, Some(record))
            }
            (true, false) => {
                let joined = Buffer::joined(&there[..p]);
                let buffer = joined.map_or_else(|| device.gathered(&there[..p]), Ok)?;
                (Matrix::new(buffer, n, p)?, there[p..].to_vec(), None)
            }
            _ => return Ok(None),
        };
        let resident = Resident {
            device: device.clone(),
            id: device.describe().id,
            atoms: rows.layout().atoms.clone(),
            rows: n,
            x,
            rests: Vec::new(),
            responses: own.into_iter().map(|y| (y, None)).collect(),
            weights: None,
            offset: None,
            start: None,
            groups: Vec::new(),
            pairs: Vec::new(),
            kept: None,
            part: None,
            counts: RowCounts {
                read: n as u64,
                used: n as u64,
                ..RowCounts::default()
            },
        };
        Ok(Some((resident, record)))
    }

    /// The rows as a scan gives them, each block looked at by `check`.
    ///
    /// # Errors
    /// Those of a pass, of `check` and of the device.
    pub fn scanned(
        rows: &Rows<'_>,
        device: &Arc<dyn Backend>,
        monitor: &dyn Monitor,
        check: Check<'_>,
    ) -> Result<(Self, PassRecord), PassError> {
        let mut all = Gathered::default();
        let mut record = run_in_order(
            "upload",
            "f64",
            rows,
            &[],
            monitor,
            |batch, _| {
                let block = rows.block(batch)?;
                check(&block)?;
                Ok(owned(block))
            },
            |block| {
                all.add(block);
                true
            },
        )?;
        let start = Instant::now();
        let resident = Resident::of(all, rows, device)?;
        record.seconds += start.elapsed().as_secs_f64();
        record.device.clone_from(&resident.id);
        Ok((resident, record))
    }

    /// One pass over rows that the device does not hold at a time: `work` gets at least `most` of them, on the device, while
    /// more are to come, in the order of the rows; each block is looked at by `check`.
    ///
    /// # Errors
    /// Those of a pass, of `check`, of `work` and of the device.
    pub fn streamed(
        (name, precision): (&str, &str),
        rows: &Rows<'_>,
        device: &Arc<dyn Backend>,
        most: usize,
        monitor: &dyn Monitor,
        check: Check<'_>,
        mut work: impl FnMut(Resident) -> Result<(), PassError> + Send,
    ) -> Result<(PassRecord, RowCounts), PassError> {
        let mut gathered = Gathered::default();
        let mut failure = None;
        let mut counts = RowCounts::default();
        let (mut number, mut before) = (0, 0u64);
        let mut take = |mut all: Gathered| -> Result<(), PassError> {
            counts.add(std::mem::take(&mut all.counts));
            let count = all.rows as u64;
            let mut resident = Resident::of(all, rows, device)?;
            // what is by row comes back, for the next part takes its place
            resident.part = Some((number, before));
            number += 1;
            before += count;
            work(resident)
        };
        let ran = run_in_order(
            name,
            precision,
            rows,
            &[],
            monitor,
            |batch, _| {
                let block = rows.block(batch)?;
                check(&block)?;
                Ok(owned(block))
            },
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
        record.device = device.describe().id;
        Ok((record, counts))
    }

    /// About how many bytes a row takes on a device, with what passes over it make.
    pub fn bytes_of_row(rows: &Rows<'_>) -> u64 {
        let atoms = &rows.layout().atoms;
        let columns = atoms.dense + atoms.extra + 2 * atoms.responses + 16;
        let codes = 4 * atoms.groups.len() * (atoms.groups.len() + 1);
        (8 * columns + codes) as u64
    }

    fn of(mut all: Gathered, rows: &Rows<'_>, device: &Arc<dyn Backend>) -> Result<Resident, DeviceError> {
        let n = all.rows;
        // where no row is left the columns are empty, but there
        let atoms = &rows.layout().atoms;
        all.dense.resize(atoms.dense + atoms.extra, Vec::new());
        all.rests.resize(atoms.dense + atoms.extra, None);
        all.responses.resize(atoms.responses, (Vec::new(), None));
        all.codes.resize(atoms.groups.len(), Vec::new());
        let mut columns: Vec<&[f64]> = all.dense.iter().map(Vec::as_slice).collect();
        let mut rests = Vec::new();
        for (j, rest) in all.rests.iter().enumerate() {
            if let Some(rest) = rest {
                columns.push(rest);
                rests.push(j);
            }
        }
        let x = Matrix::new(device.upload_columns(&columns)?, n, columns.len())?;
        let put = |column: &Option<Vec<f64>>| column.as_ref().map(|c| device.upload(c)).transpose();
        let responses: Result<Vec<(Buffer, Option<Buffer>)>, DeviceError> = all
            .responses
            .iter()
            .map(|(y, rest)| Ok((device.upload(y)?, put(rest)?)))
            .collect();
        let (mut groups, mut pairs) = (Vec::new(), Vec::new());
        for (h, codes) in all.codes.iter().enumerate() {
            let count = codes.iter().max().map_or(0, |&c| c as usize + 1);
            let mut counts = vec![0u64; count];
            codes.iter().for_each(|&c| counts[c as usize] += 1);
            groups.push((device.upload_codes(codes, count)?, counts));
            for (g, other) in all.codes[..h].iter().enumerate() {
                pairs.push(Pairs::new(device.as_ref(), (g, h), (other, codes))?);
            }
        }
        Ok(Resident {
            part: None,
            counts: all.counts,
            kept: (n <= FEW_ROWS).then_some(all.kept),
            groups,
            pairs,
            id: device.describe().id,
            device: device.clone(),
            atoms: rows.layout().atoms.clone(),
            rows: n,
            x,
            rests,
            responses: responses?,
            weights: put(&all.weights)?,
            offset: put(&all.offset)?,
            start: put(&all.start)?,
        })
    }

    /// Residuals of all rows where they are few.
    ///
    /// # Errors
    /// Those of the device.
    pub(in crate::pass) fn few(&self, residuals: &[&Buffer]) -> Result<Option<ResidualRun>, DeviceError> {
        if self.rows > FEW_ROWS && self.part.is_none() {
            return Ok(None);
        }
        let values: Result<Vec<Vec<f64>>, DeviceError> =
            residuals.iter().map(|r| self.device.download(r)).collect();
        Ok(Some(ResidualRun {
            index: self.part.map_or(0, |p| p.0),
            first_row: self.part.map_or(0, |p| p.1),
            kept: self.part.is_none().then(|| self.kept.clone()).flatten(),
            values: values?,
        }))
    }

    /// Columns of the device that dense column `i` is the sum of.
    pub(super) fn parts_of(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let count = self.x.columns - self.rests.len();
        let rest = self.rests.iter().position(|&j| j == i).map(|k| count + k);
        std::iter::once(i).chain(rest)
    }
}

/// A block that outlives its batch.
fn owned(block: Block<'_>) -> Block<'static> {
    let keep = |numbers: Vec<Numbers<'_>>| -> Vec<Numbers<'static>> {
        numbers
            .into_iter()
            .map(|x| Numbers {
                high: x.high.into_owned().into(),
                low: x.low,
            })
            .collect()
    };
    Block {
        first_row: block.first_row,
        index: block.index,
        rows: block.rows,
        kept: block.kept,
        excluded: block.excluded,
        dense: keep(block.dense),
        responses: keep(block.responses),
        offset: block.offset,
        start: block.start,
        codes: block.codes.into_iter().map(|c| c.into_owned().into()).collect(),
        weights: block.weights.map(|w| w.into_owned().into()),
        counts: block.counts,
    }
}
