//! Numbers, matrices and codes in the memory of a device.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::backend::{DeviceError, check_length};

/// Numbers in a device's memory. Clones and parts share them.
#[derive(Clone)]
pub struct Buffer {
    from: usize,
    len: usize,
    held: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.len)
    }
}

impl Buffer {
    /// What a backend holds for `len` numbers.
    pub fn new(len: usize, held: impl Any + Send + Sync) -> Self {
        Buffer {
            from: 0,
            len,
            held: Arc::new(held),
        }
    }

    /// `len` of the numbers, from number `from` on, in the same memory.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where there are not so many.
    pub fn part(&self, from: usize, len: usize) -> Result<Buffer, DeviceError> {
        if from.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(DeviceError::Length {
                what: "part of a buffer",
                wanted: from.saturating_add(len),
                given: self.len,
            });
        }
        Ok(Buffer {
            from: self.from + from,
            len,
            held: self.held.clone(),
        })
    }

    /// Buffers that follow each other in the same memory as one; `None` where they do not.
    pub fn joined(parts: &[Buffer]) -> Option<Buffer> {
        let mut whole = parts.first()?.clone();
        for part in &parts[1..] {
            let follows = Arc::ptr_eq(&whole.held, &part.held) && part.from == whole.from + whole.len;
            if !follows {
                return None;
            }
            whole.len += part.len;
        }
        Some(whole)
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Position of the first number in what the backend holds.
    pub fn start(&self) -> usize {
        self.from
    }

    /// What the backend put in, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.held.downcast_ref()
    }
}

/// Columns of equal length in a device's memory, one after another.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The numbers, column by column.
    pub buffer: Buffer,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl Matrix {
    /// A buffer of `rows` x `columns` numbers.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where it has another number of them.
    pub fn new(buffer: Buffer, rows: usize, columns: usize) -> Result<Matrix, DeviceError> {
        check_length("matrix", buffer.len(), rows.saturating_mul(columns))?;
        Ok(Matrix {
            buffer,
            rows,
            columns,
        })
    }

    /// Some consecutive columns.
    ///
    /// # Errors
    /// [`DeviceError::Length`] where there are not so many.
    pub fn part(&self, columns: std::ops::Range<usize>) -> Result<Matrix, DeviceError> {
        let count = columns.end.saturating_sub(columns.start);
        let buffer = self.buffer.part(columns.start * self.rows, count * self.rows)?;
        Matrix::new(buffer, self.rows, count)
    }

    /// A column.
    ///
    /// # Errors
    /// As [`part`](Matrix::part).
    pub fn column(&self, j: usize) -> Result<Buffer, DeviceError> {
        self.buffer.part(j * self.rows, self.rows)
    }
}

/// A code for each row, and the rows of each code, in a device's memory.
#[derive(Clone)]
pub struct Codes {
    rows: usize,
    count: usize,
    held: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codes({} of {} rows)", self.count, self.rows)
    }
}

impl Codes {
    /// What a backend holds for `count` codes of `rows` rows.
    pub fn new(rows: usize, count: usize, held: impl Any + Send + Sync) -> Self {
        Codes {
            rows,
            count,
            held: Arc::new(held),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many codes: one more than the largest.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What the backend put in, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.held.downcast_ref()
    }
}

/// Rows in the order of their codes, those of a code in their own order, and where the rows of each code begin (and the
/// last end).
pub fn sorted_by_code(codes: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; count + 1];
    for &c in codes {
        starts[c as usize + 1] += 1;
    }
    for c in 0..count {
        starts[c + 1] += starts[c];
    }
    let mut next = starts.clone();
    let mut order = vec![0u32; codes.len()];
    for (row, &c) in codes.iter().enumerate() {
        let at = &mut next[c as usize];
        order[*at as usize] = row as u32;
        *at += 1;
    }
    (order, starts)
}
