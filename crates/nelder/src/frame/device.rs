//! Columns that are in the memory of devices.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use nelder_device::{Buffer, DeviceError, GlmKernels, Matrix};

use super::{
    Column, ColumnMemory, ColumnPart, Field, Kind, Scan, Schema, Source, SourceError, Visit, batch_rows,
    scan_in_batches,
};

/// Named columns of numbers in a device's memory. `NaN` is missing.
///
/// Models of the columns themselves read them in place; for anything else they are copied to the host.
///
/// ```
/// use std::sync::Arc;
/// use nelder::frame::DeviceFrame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// use nelder_device::{Device, Host, Matrix};
/// let device = Arc::new(Host::default());
/// let numbers = device.upload(&[1.0, 2.0, 3.0, 4.0, 2.0, 4.1, 6.0, 7.9])?;
/// let frame = DeviceFrame::new(device).with(&["x", "y"], &Matrix::new(numbers, 4, 2)?)?;
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// assert!((fit.responses[0].coefficients[1] - 1.96).abs() < 1e-13);
/// # Ok::<(), nelder_device::DeviceError>(())
/// ```
pub struct DeviceFrame {
    schema: Schema,
    /// Consecutive rows on each device.
    parts: Vec<Part>,
}

/// Rows on one device.
struct Part {
    device: Arc<dyn GlmKernels>,
    columns: Vec<Buffer>,
    rows: usize,
}

impl DeviceFrame {
    /// No columns.
    pub fn new(device: Arc<dyn GlmKernels>) -> Self {
        DeviceFrame {
            schema: Schema::default(),
            parts: vec![Part {
                device,
                columns: Vec::new(),
                rows: 0,
            }],
        }
    }

    /// Adds the columns of a matrix, one for each name.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where there are fewer columns than names, or other rows than those of the columns before; where rows
    /// of other devices were added.
    pub fn with(mut self, names: &[&str], matrix: &Matrix) -> Result<Self, DeviceError> {
        nelder_device::check_length("devices of a matrix", 1, self.parts.len())?;
        for part in &mut self.parts {
            if !part.columns.is_empty() {
                nelder_device::check_length("rows", matrix.rows, part.rows)?;
            }
            part.rows = matrix.rows;
            for j in 0..names.len() {
                part.columns.push(matrix.column(j)?);
            }
        }
        self.schema.fields.extend(names.iter().map(|name| Field {
            name: (*name).to_string(),
            kind: Kind::Real,
        }));
        Ok(self)
    }

    /// Adds the rows of a frame of the same columns, where they are: rows on several devices are one frame.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where the columns are not the same.
    pub fn followed_by(mut self, other: DeviceFrame) -> Result<Self, DeviceError> {
        let alike = self.schema.fields.iter().zip(&other.schema.fields);
        let alike = alike.filter(|(a, b)| a == b).count();
        for frame in [&self, &other] {
            nelder_device::check_length("columns of the same names", alike, frame.schema.fields.len())?;
        }
        self.parts.extend(other.parts);
        Ok(self)
    }

    fn downloaded(&self, column: usize) -> Result<Vec<f64>, SourceError> {
        let mut values = Vec::with_capacity(self.parts.iter().map(|p| p.rows).sum());
        for part in &self.parts {
            let buffer = part.columns.get(column).ok_or(SourceError::Stopped)?;
            let own = part.device.download(buffer);
            values.extend(own.map_err(|e| SourceError::Read(e.to_string()))?);
        }
        Ok(values)
    }
}

impl Source for DeviceFrame {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.parts.iter().map(|p| p.rows as u64).sum())
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let mut own: Vec<Option<Vec<f64>>> = self.schema.fields.iter().map(|_| None).collect();
        for &c in columns {
            if own[c].is_none() {
                own[c] = Some(self.downloaded(c)?);
            }
        }
        let rows = self.parts.iter().map(|p| p.rows).sum();
        let part = |c: usize, rows: Range<usize>| own[c].as_ref().map_or(&[][..], |values| &values[rows]);
        scan_in_batches(
            rows,
            batch_rows(rows, columns.len()),
            self.workers(),
            columns,
            &|c, from, to| (Column::Real(Cow::Borrowed(part(c, from..to))), 8),
            visit,
        )
    }

    fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
        let of = |part: &Part| {
            Some(ColumnPart {
                device: part.device.clone(),
                rows: part.columns.get(column)?.clone(),
            })
        };
        let parts: Option<Vec<ColumnPart>> = self.parts.iter().map(of).collect();
        parts.map(ColumnMemory::Device)
    }
}
