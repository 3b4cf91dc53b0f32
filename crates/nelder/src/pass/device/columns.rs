//! Columns of some rows of a design in a device's memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use nelder_device::{Buffer, Codes, Counters, DeviceError, GlmKernels, Matrix};

use super::together::{at_once, joined};
use crate::design::{BlockSchema, Rows};
use crate::frame::{ColumnMemory, Scan};
use crate::pass::{PassError, PassRecord, ResidualRun};

/// Consecutive rows of a design in a device's memory: what passes on a device read.
#[derive(Debug)]
pub struct DeviceColumns {
    /// Where they are.
    pub device: Arc<dyn GlmKernels>,
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
    /// Place of the rows among all, and what becomes of their residuals.
    pub part: Part,
}

/// Place of some rows among all rows of a design, and what becomes of numbers by row.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Number of the part.
    pub index: usize,
    /// Rows in the parts before it.
    pub first_row: u64,
    /// Which rows of the source these are; `None` where they follow each other from `first_row` on.
    pub kept: Option<Vec<u32>>,
    /// True if residuals come back one by one: they are few, or the next part takes their place. Else they stay on the device.
    pub comes_back: bool,
    /// True if the rows leave the device after each pass.
    pub passes_by: bool,
}

/// Rows up to which residuals come back from devices one by one, and not their quartiles alone.
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
    /// The pairs of two groups' codes, row by row.
    pub(super) fn new(
        device: &dyn GlmKernels,
        groups: (usize, usize),
        of: (&[u32], &[u32]),
    ) -> Result<Pairs, DeviceError> {
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
pub(in crate::pass) struct Clock<'r> {
    columns: &'r DeviceColumns,
    start: Instant,
    before: Counters,
}

impl Clock<'_> {
    /// The record of the pass, which read `columns` columns of the rows.
    pub fn stop(self, name: &str, precision: &str, columns: usize) -> PassRecord {
        let own = self.columns;
        // a pass that asked nothing of the device did not run there
        let worked = own.device.counters().launches > self.before.launches;
        PassRecord {
            name: name.to_string(),
            rows: own.rows as u64,
            bytes: 8 * (columns * own.rows) as u64,
            device: if worked { own.id.clone() } else { "cpu".into() },
            precision: precision.to_string(),
            seconds: self.start.elapsed().as_secs_f64(),
        }
    }
}

/// Rows of each of `count` parts of `rows` rows: as many as the others but for one, and none that is empty beside others.
pub(super) fn bounds(rows: usize, count: usize) -> Vec<Range<usize>> {
    let count = count.min(rows).max(1);
    let start = |d: usize| rows / count * d + (rows % count).min(d);
    (0..count).map(|d| start(d)..start(d + 1)).collect()
}

/// About how many bytes a row takes on a device, with what passes over it make.
pub(in crate::pass) fn bytes_of_row(rows: &Rows<'_>) -> u64 {
    let atoms = &rows.layout().atoms;
    let columns = atoms.dense + atoms.extra + 2 * atoms.responses + 16;
    let codes = 4 * atoms.groups.len() * (atoms.groups.len() + 1);
    (8 * columns + codes) as u64
}

/// Columns as they stand in memory, and the record of copying them where they were copied; `None` where they do not stand there.
pub(in crate::pass) type InPlace = Option<(Vec<DeviceColumns>, Option<PassRecord>)>;

/// Columns of one device, those of the design before its responses.
struct Plain {
    device: Arc<dyn GlmKernels>,
    rows: usize,
    x: Buffer,
    responses: Vec<Buffer>,
}

impl DeviceColumns {
    /// A pass over these rows, from now on.
    pub(in crate::pass) fn clock(&self) -> Clock<'_> {
        Clock {
            columns: self,
            start: Instant::now(),
            before: self.device.counters(),
        }
    }

    /// The columns of a source as they stand, where the model is of nothing else and they lie in memory: copied from the host's to
    /// the `devices`, or where they are on these. Whether a value is missing is not known yet.
    ///
    /// # Errors
    /// Those of the devices.
    pub(in crate::pass) fn in_place(
        rows: &Rows<'_>,
        devices: &[Arc<dyn GlmKernels>],
    ) -> Result<InPlace, PassError> {
        let start = Instant::now();
        let Some((dense, responses)) = rows.plain() else {
            return Ok(None);
        };
        let (source, p) = (rows.source(), dense.len());
        let columns = dense.iter().chain(&responses);
        let found: Option<Vec<ColumnMemory<'_>>> = columns.map(|&c| source.column_memory(c)).collect();
        let Some(found) = found.filter(|_| p > 0) else {
            return Ok(None);
        };
        let host = |column: &ColumnMemory<'_>| matches!(column, ColumnMemory::Host(_));
        let (plain, record) = match found.iter().all(host) {
            true => {
                let columns: Vec<&[f64]> = found
                    .iter()
                    .filter_map(|column| match column {
                        ColumnMemory::Host(values) => Some(*values),
                        ColumnMemory::Device(_) | ColumnMemory::Sparse(_) => None,
                    })
                    .collect();
                if columns[0].is_empty() {
                    return Ok(None);
                }
                let plain = uploaded(&columns, p, devices)?;
                let scan = Scan {
                    rows: columns[0].len() as u64,
                    bytes: 8 * (columns[0].len() * columns.len()) as u64,
                };
                let mut record = PassRecord::on_cpu("upload", "f64", scan, start);
                record.device = joined(plain.iter().map(|p| p.device.describe().id));
                (plain, Some(record))
            }
            false => match there(&found, p, devices)? {
                Some(plain) => (plain, None),
                None => return Ok(None),
            },
        };
        let total: usize = plain.iter().map(|part| part.rows).sum();
        if total == 0 {
            return Ok(None);
        }
        let mut first_row = 0;
        let mut all = Vec::with_capacity(plain.len());
        for (index, plain) in plain.into_iter().enumerate() {
            let part = Part {
                index,
                first_row,
                comes_back: total <= FEW_ROWS,
                ..Part::default()
            };
            first_row += plain.rows as u64;
            all.push(DeviceColumns {
                id: plain.device.describe().id,
                device: plain.device,
                atoms: rows.layout().atoms.clone(),
                rows: plain.rows,
                x: Matrix::new(plain.x, plain.rows, p)?,
                rests: Vec::new(),
                responses: plain.responses.into_iter().map(|y| (y, None)).collect(),
                weights: None,
                offset: None,
                start: None,
                groups: Vec::new(),
                pairs: Vec::new(),
                part,
            });
        }
        Ok(Some((all, record)))
    }

    /// Residuals of the rows, where they come back one by one.
    ///
    /// # Errors
    /// Those of the device.
    pub(in crate::pass) fn few(&self, residuals: &[&Buffer]) -> Result<Option<ResidualRun>, DeviceError> {
        if !self.part.comes_back {
            return Ok(None);
        }
        let values: Result<Vec<Vec<f64>>, DeviceError> =
            residuals.iter().map(|r| self.device.download(r)).collect();
        Ok(Some(ResidualRun {
            index: self.part.index,
            first_row: self.part.first_row,
            kept: self.part.kept.clone(),
            values: values?,
        }))
    }

    /// Columns of the device that dense column `i` is the sum of.
    pub(in crate::pass) fn parts_of(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let count = self.x.columns - self.rests.len();
        let rest = self.rests.iter().position(|&j| j == i).map(|k| count + k);
        std::iter::once(i).chain(rest)
    }
}

/// Columns of the host, copied to devices that share their rows.
fn uploaded(
    columns: &[&[f64]],
    p: usize,
    devices: &[Arc<dyn GlmKernels>],
) -> Result<Vec<Plain>, DeviceError> {
    let parts: Vec<_> = bounds(columns[0].len(), devices.len())
        .into_iter()
        .zip(devices)
        .collect();
    at_once(&parts, |(range, device)| {
        let own: Vec<&[f64]> = columns.iter().map(|c| &c[range.clone()]).collect();
        let (n, all) = (range.len(), device.upload_columns(&own)?);
        let responses: Result<Vec<Buffer>, DeviceError> =
            (p..own.len()).map(|j| all.part(j * n, n)).collect();
        Ok(Plain {
            device: Arc::clone(device),
            rows: n,
            x: all.part(0, n * p)?,
            responses: responses?,
        })
    })
}

/// Columns in the memory of some of the `devices`, all alike; `None` where they are not.
fn there(
    found: &[ColumnMemory<'_>],
    p: usize,
    devices: &[Arc<dyn GlmKernels>],
) -> Result<Option<Vec<Plain>>, DeviceError> {
    let mut columns = Vec::with_capacity(found.len());
    for column in found {
        match column {
            ColumnMemory::Device(parts) if parts.len() == devices.len() => columns.push(parts),
            _ => return Ok(None),
        }
    }
    let mut all = Vec::with_capacity(devices.len());
    for (d, device) in devices.iter().enumerate() {
        let own: Vec<_> = columns.iter().map(|parts| &parts[d]).collect();
        let rows = own.first().map_or(0, |part| part.rows.len());
        if own
            .iter()
            .any(|part| !Arc::ptr_eq(&part.device, device) || part.rows.len() != rows)
        {
            return Ok(None);
        }
        let buffers: Vec<Buffer> = own.iter().map(|part| part.rows.clone()).collect();
        let x = Buffer::joined(&buffers[..p]);
        all.push(Plain {
            device: device.clone(),
            rows,
            x: x.map_or_else(|| device.gathered(&buffers[..p]), Ok)?,
            responses: buffers[p..].to_vec(),
        });
    }
    Ok(Some(all))
}
