//! Memory of buffers, and the bindings through which kernels see it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nelder_device::{Buffer, DeviceError, Matrix, check_length};

use crate::bind::Bind;
use crate::buffer_pool::PooledBuffer;
use crate::device::Wgpu;
use crate::limits::MOST_GROUPS;
use crate::survey::Survey;

/// Bytes to which a binding's beginning is aligned at most.
const ALIGNED: u64 = 256;

/// Memory of a buffer, the mark of its device, and the surveys of its columns.
struct Held {
    of: Arc<()>,
    buffer: PooledBuffer,
    used: Arc<AtomicU64>,
    /// Surveys of columns, by first number and rows: numbers do not change once they are there.
    surveys: Mutex<HashMap<(usize, usize), Survey>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.used.fetch_sub(self.buffer.size(), Ordering::Relaxed);
    }
}

/// Numbers in bindings: where they begin, in numbers from the beginning of the binding.
#[derive(Clone, Copy)]
pub(crate) struct Span<'b> {
    pub bind: Bind<'b>,
    pub skip: u32,
}

/// Consecutive columns of a matrix that fit in a binding.
pub(crate) struct Window<'b> {
    pub span: Span<'b>,
    pub from: usize,
    pub columns: usize,
}

impl Wgpu {
    /// A buffer for numbers.
    pub(crate) fn numbers(&self, len: usize) -> Result<Buffer, DeviceError> {
        Ok(self.buffer(len, self.pooled_buffer(8 * len as u64)?))
    }

    pub(crate) fn buffer(&self, len: usize, buffer: PooledBuffer) -> Buffer {
        self.used.fetch_add(buffer.size(), Ordering::Relaxed);
        let held = Held {
            of: self.own(),
            buffer,
            used: self.used.clone(),
            surveys: Mutex::default(),
        };
        Buffer::new(len, held)
    }

    /// Surveys of all columns of a matrix, or `None` where one has not been made.
    pub(crate) fn known(&self, x: &Matrix) -> Result<Option<Vec<Survey>>, DeviceError> {
        self.held("matrix", &x.buffer)?;
        let held: Option<&Held> = x.buffer.get();
        let Some(held) = held else { return Ok(None) };
        let surveys = held.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |j: usize| surveys.get(&(x.buffer.start() + j * x.rows, x.rows)).copied();
        Ok((0..x.columns).map(of).collect())
    }

    /// Keeps what is known of the columns of a matrix.
    pub(crate) fn know(&self, x: &Matrix, found: &[Survey]) -> Result<(), DeviceError> {
        self.held("matrix", &x.buffer)?;
        let held: Option<&Held> = x.buffer.get();
        if let Some(held) = held {
            let mut surveys = held.surveys.lock().unwrap_or_else(PoisonError::into_inner);
            let place = |j: usize| (x.buffer.start() + j * x.rows, x.rows);
            surveys.extend(found.iter().enumerate().map(|(j, own)| (place(j), *own)));
        }
        Ok(())
    }

    /// The memory of a buffer, and the byte at which it begins there.
    pub(crate) fn held<'b>(
        &self,
        what: &'static str,
        buffer: &'b Buffer,
    ) -> Result<(&'b wgpu::Buffer, u64), DeviceError> {
        let held: &Held = buffer.get().ok_or(DeviceError::Foreign { what })?;
        match self.is_own(&held.of) {
            true => Ok((&held.buffer, 8 * buffer.start() as u64)),
            false => Err(DeviceError::Foreign { what }),
        }
    }

    /// Some numbers of a buffer, bound.
    pub(crate) fn span<'b>(
        &self,
        what: &'static str,
        buffer: &'b Buffer,
        from: usize,
        len: usize,
    ) -> Result<Span<'b>, DeviceError> {
        let (memory, start) = self.held(what, buffer)?;
        let start = start + 8 * from as u64;
        let aligned = start / ALIGNED * ALIGNED;
        let bytes = start - aligned + 8 * len.max(1) as u64;
        if bytes > self.most_bound() {
            return Err(self.failed(format!(
                "{what}: kernels see no {bytes} bytes of a buffer at a time"
            )));
        }
        let bind = Bind {
            buffer: memory,
            from: aligned,
            bytes: bytes.min(memory.size() - aligned),
        };
        Ok(Span {
            bind,
            skip: ((start - aligned) / 8) as u32,
        })
    }

    /// A vector of as many rows.
    pub(crate) fn vector<'b>(
        &self,
        what: &'static str,
        buffer: &'b Buffer,
        rows: usize,
    ) -> Result<Span<'b>, DeviceError> {
        check_length(what, buffer.len(), rows)?;
        self.span(what, buffer, 0, rows)
    }

    /// A vector of as many rows, or nothing.
    pub(crate) fn maybe<'b>(
        &'b self,
        what: &'static str,
        buffer: Option<&'b Buffer>,
        rows: usize,
    ) -> Result<Span<'b>, DeviceError> {
        match buffer {
            Some(buffer) => self.vector(what, buffer, rows),
            None => self.nowhere(),
        }
    }

    /// The columns of a matrix, as many at a time as a kernel sees.
    pub(crate) fn windows<'b>(&self, x: &'b Matrix) -> Result<Vec<Window<'b>>, DeviceError> {
        check_length("matrix", x.buffer.len(), x.rows.saturating_mul(x.columns))?;
        self.held("matrix", &x.buffer)?;
        if x.rows == 0 || x.columns == 0 {
            return Ok(Vec::new());
        }
        let most = ((self.most_bound() - ALIGNED) / (8 * x.rows as u64)).max(1) as usize;
        (0..x.columns)
            .step_by(most)
            .map(|from| {
                let columns = most.min(x.columns - from);
                let span = self.span("matrix", &x.buffer, from * x.rows, columns * x.rows)?;
                Ok(Window { span, from, columns })
            })
            .collect()
    }

    /// Columns that a launch sees: of which matrix, from which place there, the first, and how many.
    pub(crate) fn launches<'b>(
        &self,
        x: &'b Matrix,
    ) -> Result<Vec<(Bind<'b>, u32, usize, usize)>, DeviceError> {
        let mut out = Vec::new();
        for window in self.windows(x)? {
            for from in (0..window.columns).step_by(MOST_GROUPS) {
                let start = window.span.skip as usize + from * x.rows;
                let some = MOST_GROUPS.min(window.columns - from);
                out.push((window.span.bind, start as u32, window.from + from, some));
            }
        }
        Ok(out)
    }

    /// Placeholder for a vector that is not there.
    pub(crate) fn nowhere(&self) -> Result<Span<'_>, DeviceError> {
        let bind = self.whole(self.nothing()?);
        Ok(Span { bind, skip: 0 })
    }

    /// Placeholder buffer, bound where there is nothing to read.
    fn nothing(&self) -> Result<&wgpu::Buffer, DeviceError> {
        if let Some(buffer) = self.nothing.get() {
            return Ok(buffer);
        }
        let buffer = self.pooled_buffer(64)?;
        Ok(self.nothing.get_or_init(|| buffer))
    }

    pub(crate) fn whole<'b>(&self, buffer: &'b wgpu::Buffer) -> Bind<'b> {
        Bind {
            buffer,
            from: 0,
            bytes: buffer.size(),
        }
    }
}
