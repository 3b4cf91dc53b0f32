//! Numbers, matrices and codes in the memory of a device.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::{DeviceError, check_length};

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
    /// Buffer of `len` numbers in memory of a backend's own type, `held`.
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

    /// Length: the number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Position of the first number in what the backend holds.
    pub fn start(&self) -> usize {
        self.from
    }

    /// Memory that the backend gave to [`new`](Buffer::new), if it is of this type.
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
    /// Codes of `rows` rows, each below `count`, in memory of a backend's own type, `held`.
    pub fn new(rows: usize, count: usize, held: impl Any + Send + Sync) -> Self {
        Codes {
            rows,
            count,
            held: Arc::new(held),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of codes, with or without rows: each code is below it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Memory that the backend gave to [`new`](Codes::new), if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.held.downcast_ref()
    }
}

/// That codes are from 0 to below `count`.
///
/// # Errors
/// [`DeviceError::Length`] for a code that is not.
pub fn check_codes(codes: &[u32], count: usize) -> Result<(), DeviceError> {
    match codes.iter().find(|c| **c as usize >= count) {
        None => Ok(()),
        Some(&code) => Err(DeviceError::Length {
            what: "code",
            wanted: code as usize + 1,
            given: count,
        }),
    }
}

/// Rows in the order of their codes, in pieces that each have one code: so that sums by code are the same in every run.
#[derive(Clone, Debug, PartialEq)]
pub struct SortedCodes {
    /// Rows in the order of their codes, those of a code in their own order.
    pub order: Vec<u32>,
    /// Where pieces of that order begin, and the last ends.
    pub pieces: Vec<u32>,
    /// The code of each piece.
    pub of_piece: Vec<u32>,
}

impl SortedCodes {
    /// Codes below `count`, fewer rows than 2³², in pieces of at most `most` rows.
    ///
    /// ```
    /// use nelder_device::SortedCodes;
    /// let sorted = SortedCodes::new(&[1, 0, 1, 1], 2, 2);
    /// assert_eq!(sorted.order, [1, 0, 2, 3]);
    /// assert_eq!((sorted.pieces, sorted.of_piece), (vec![0, 1, 3, 4], vec![0, 1, 1]));
    /// ```
    pub fn new(codes: &[u32], count: usize, most: u32) -> SortedCodes {
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
        let (mut pieces, mut of_piece) = (Vec::new(), Vec::new());
        for code in 0..count {
            let mut from = starts[code];
            while from < starts[code + 1] {
                pieces.push(from);
                of_piece.push(code as u32);
                from = (from + most).min(starts[code + 1]);
            }
        }
        pieces.push(codes.len() as u32);
        SortedCodes {
            order,
            pieces,
            of_piece,
        }
    }
}
