//! Rows whose passes run on a device, and columns that are there already.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use nelder_device::{Backend, Buffer, DeviceError, Matrix};

use super::{
    Column, Field, Kind, Scan, Schema, Source, SourceError, Visit, Whole, batch_rows, scan_in_batches,
};

/// A source whose passes run on a device: what they read is copied there once.
///
/// ```
/// use std::sync::Arc;
/// use nelder::frame::{Frame, On};
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// use nelder_device::Host;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// // any backend, such as `nelder_cuda::Cuda::open(0)?`
/// let source = On::new(&frame, Arc::new(Host::default()));
/// let fit = lm(&LmSpec::new("y ~ x"), &source, &NoProgress)?;
/// assert!((fit.responses[0].coefficients[1] - 1.96).abs() < 1e-13);
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
pub struct On<'a> {
    source: &'a dyn Source,
    device: Arc<dyn Backend>,
}

impl<'a> On<'a> {
    /// The rows of a source on a device.
    pub fn new(source: &'a dyn Source, device: Arc<dyn Backend>) -> Self {
        On { source, device }
    }
}

impl Source for On<'_> {
    fn schema(&self) -> &Schema {
        self.source.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.source.rows()
    }

    fn workers(&self) -> usize {
        self.source.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.source.scan(columns, visit)
    }

    fn device(&self) -> Option<&Arc<dyn Backend>> {
        Some(&self.device)
    }

    fn whole(&self, column: usize) -> Option<Whole<'_>> {
        // a buffer of another source's device is of no use on this one
        match self.source.whole(column)? {
            Whole::Host(values) => Some(Whole::Host(values)),
            Whole::Device(_) => None,
        }
    }
}

/// Named columns of numbers in a device's memory. `NaN` is missing.
///
/// Models of the columns themselves read them in place; for anything else they are copied to the host.
///
/// ```
/// use std::sync::Arc;
/// use nelder::frame::DeviceFrame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// use nelder_device::{Backend, Host, Matrix};
/// let device = Arc::new(Host::default());
/// let numbers = device.upload(&[1.0, 2.0, 3.0, 4.0, 2.0, 4.1, 6.0, 7.9])?;
/// let frame = DeviceFrame::new(device).with(&["x", "y"], &Matrix::new(numbers, 4, 2)?)?;
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// assert!((fit.responses[0].coefficients[1] - 1.96).abs() < 1e-13);
/// # Ok::<(), nelder_device::DeviceError>(())
/// ```
pub struct DeviceFrame {
    device: Arc<dyn Backend>,
    schema: Schema,
    columns: Vec<Buffer>,
    rows: usize,
}

impl DeviceFrame {
    /// No columns.
    pub fn new(device: Arc<dyn Backend>) -> Self {
        DeviceFrame {
            device,
            schema: Schema::default(),
            columns: Vec::new(),
            rows: 0,
        }
    }

    /// Adds the columns of a matrix, one for each name.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where there are fewer columns than names, or other rows than those of the columns before.
    pub fn with(mut self, names: &[&str], matrix: &Matrix) -> Result<Self, DeviceError> {
        if !self.columns.is_empty() {
            nelder_device::check_length("rows", matrix.rows, self.rows)?;
        }
        self.rows = matrix.rows;
        for (j, name) in names.iter().enumerate() {
            self.columns.push(matrix.column(j)?);
            self.schema.fields.push(Field {
                name: (*name).to_string(),
                kind: Kind::Real,
            });
        }
        Ok(self)
    }

    fn downloaded(&self, column: usize) -> Result<Vec<f64>, SourceError> {
        let buffer = self.columns.get(column).ok_or(SourceError::Stopped)?;
        self.device
            .download(buffer)
            .map_err(|e| SourceError::Read(e.to_string()))
    }
}

impl Source for DeviceFrame {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let mut own: Vec<Option<Vec<f64>>> = self.columns.iter().map(|_| None).collect();
        for &c in columns {
            if own[c].is_none() {
                own[c] = Some(self.downloaded(c)?);
            }
        }
        let part = |c: usize, rows: Range<usize>| own[c].as_ref().map_or(&[][..], |values| &values[rows]);
        scan_in_batches(
            self.rows,
            batch_rows(self.rows),
            self.workers(),
            columns,
            &|c, from, to| (Column::Real(Cow::Borrowed(part(c, from..to))), 8),
            visit,
        )
    }

    fn device(&self) -> Option<&Arc<dyn Backend>> {
        Some(&self.device)
    }

    fn whole(&self, column: usize) -> Option<Whole<'_>> {
        self.columns.get(column).cloned().map(Whole::Device)
    }
}
