//! Columns: ranges, whole numbers, codes.

use std::sync::Arc;

use nelder_device::{
    Buffer, Codes, Dd, DeviceError, Matrix, Reduced, SortedCodes, check_codes, check_length,
};

use crate::bind::Bind;
use crate::bindings::Window;
use crate::buffer_pool::PooledBuffer;
use crate::device::Wgpu;
use crate::float128;
use crate::limits::MOST_GROUPS;
use crate::sums::{HAS_HIGH, HAS_LOW, SUMS};
use crate::survey::Survey;

const COLUMNS: &str = include_str!("columns.wgsl");
/// Rows of a code that a workgroup sums.
const PIECE: u32 = 2048;

const FRACTION: u32 = 1;
const NOT_ZERO: u32 = 2;

/// Codes on a device: by row, and the rows sorted by code, in pieces of one code each.
struct HeldCodes {
    of: Arc<()>,
    codes: PooledBuffer,
    /// Rows in the order of their codes.
    order: PooledBuffer,
    /// Where pieces of that order begin, and the last ends.
    pieces: PooledBuffer,
    /// The code of each piece.
    of_piece: Vec<u32>,
}

impl Wgpu {
    /// Surveys `columns` columns from number `start` on: into words of `found`, after those of `before` others.
    pub(crate) fn survey(
        &self,
        matrix: Bind<'_>,
        start: u32,
        rows: usize,
        found: Bind<'_>,
        before: usize,
        columns: usize,
    ) -> Result<(), DeviceError> {
        let sizes = [rows as u32, start, before as u32];
        let groups = [self.row_groups(rows, columns), columns, 1];
        self.dispatch(COLUMNS, "survey", &sizes, &[(1, matrix), (3, found)], groups)
    }

    /// Surveys of the columns of a matrix: each is made once.
    pub(crate) fn surveyed(&self, x: &Matrix) -> Result<Vec<Survey>, DeviceError> {
        if let Some(known) = self.known(x)? {
            return Ok(known);
        }
        let mut out = Vec::with_capacity(x.columns);
        for (matrix, start, _, some) in self.launches(x)? {
            let found = self.words(&vec![0; 2 * some])?;
            self.survey(matrix, start, x.rows, self.whole(&found), 0, some)?;
            let words = self.read_words(&found, 2 * some)?;
            out.extend(words.chunks(2).map(|w| Survey {
                field: w[0],
                fraction: w[1] & FRACTION != 0,
                not_zero: w[1] & NOT_ZERO != 0,
            }));
        }
        out.resize(x.columns, Survey::default());
        self.know(x, &out)?;
        Ok(out)
    }

    pub(crate) fn reduce_of(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        let rows = x.len();
        let mut found = Reduced {
            sum: Dd::ZERO,
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            missing: 0,
        };
        let span = self.vector("x", x, rows)?;
        self.count_launch();
        if rows == 0 {
            return Ok(found);
        }
        let groups = self.row_groups(rows, 1);
        let ends = self.pooled_buffer(16 * groups as u64)?;
        let counts = self.words(&[0])?;
        let bound = [(1, span.bind), (2, self.whole(&ends)), (3, self.whole(&counts))];
        self.dispatch(
            COLUMNS,
            "ranges",
            &[rows as u32, span.skip],
            &bound,
            [groups, 1, 1],
        )?;
        let words = self.read_words(&ends, 4 * groups)?;
        for pair in words.chunks(4) {
            let number = |k: usize| f64::from_bits(u64::from(pair[k]) | u64::from(pair[k + 1]) << 32);
            found.least = found.least.min(number(0));
            found.largest = found.largest.max(number(2));
        }
        found.missing = u64::from(self.read_words(&counts, 1)?[0]);
        found.sum = self.sums_with(&Matrix::new(x.clone(), rows, 1)?, (None, None), false)?[0];
        Ok(found)
    }

    fn held_codes<'c>(&self, codes: &'c Codes, rows: usize) -> Result<&'c HeldCodes, DeviceError> {
        check_length("codes", codes.rows(), rows)?;
        let held: &HeldCodes = codes.get().ok_or(DeviceError::Foreign { what: "codes" })?;
        match self.is_own(&held.of) {
            true => Ok(held),
            false => Err(DeviceError::Foreign { what: "codes" }),
        }
    }

    pub(crate) fn upload_codes_of(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        check_codes(codes, count)?;
        if u32::try_from(codes.len()).is_err() {
            return Err(self.failed(format!("{} rows are too many to sort by code", codes.len())));
        }
        let sorted = SortedCodes::new(codes, count, PIECE);
        self.count_upload(4 * (2 * codes.len() + sorted.pieces.len()));
        let held = HeldCodes {
            of: self.own(),
            codes: self.words(codes)?,
            order: self.words(&sorted.order)?,
            pieces: self.words(&sorted.pieces)?,
            of_piece: sorted.of_piece,
        };
        Ok(Codes::new(codes.len(), count, held))
    }

    pub(crate) fn sums_by_code_of(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        let held = self.held_codes(codes, x.rows)?;
        let vector = |of: Option<&Buffer>| of.map_or(Ok(()), |v| check_length("vector", v.len(), x.rows));
        vector(v.0)?;
        vector(v.1)?;
        let mut windows = self.windows(x)?;
        // without a first part the kernel does not look at the second: a column of ones takes its place
        let ones = match (v.0, v.1) {
            (None, Some(_)) => Some(self.written(&[&vec![1.0; x.rows]])?),
            _ => None,
        };
        let first = v.0.or(ones.as_ref());
        let high = self.maybe("vector", first, x.rows)?;
        let low = self.maybe("vector", v.1, x.rows)?;
        self.count_launch();
        let (width, pieces) = (x.columns + 1, held.of_piece.len());
        let mut sums = vec![Dd::ZERO; codes.count() * width];
        if pieces == 0 {
            return Ok(sums);
        }
        if windows.is_empty() {
            windows.push(Window {
                span: self.nowhere()?,
                from: 0,
                columns: 0,
            });
        }
        let what = if first.is_some() { HAS_HIGH } else { 0 } | if v.1.is_some() { HAS_LOW } else { 0 };
        for window in &windows {
            for base in (0..pieces).step_by(MOST_GROUPS) {
                let some = MOST_GROUPS.min(pieces - base);
                for from in (0..window.columns.max(1)).step_by(MOST_GROUPS - 1) {
                    // the sums of v come with the columns, again and again where there are so many
                    let columns = (MOST_GROUPS - 1).min(window.columns - from) + 1;
                    let start = window.span.skip as usize + from * x.rows;
                    let sizes = [
                        x.rows as u32,
                        what,
                        start as u32,
                        high.skip,
                        low.skip,
                        base as u32,
                        columns as u32,
                    ];
                    let pooled = self.pooled_buffer((some * columns * float128::WORDS * 4) as u64)?;
                    let bound = [
                        (1, window.span.bind),
                        (2, high.bind),
                        (3, low.bind),
                        (4, self.whole(&pooled)),
                        (5, self.whole(&held.order)),
                        (6, self.whole(&held.pieces)),
                    ];
                    self.dispatch(SUMS, "piece_sums", &sizes, &bound, [some, columns, 1])?;
                    let found = self.merged(&pooled, some * columns, 1)?;
                    for (k, row) in found.chunks(columns).enumerate() {
                        let code = held.of_piece[base + k] as usize;
                        let to = &mut sums[code * width..(code + 1) * width];
                        if window.from + from == 0 {
                            to[0] += row[0];
                        }
                        let at = 1 + window.from + from;
                        to[at..at + columns - 1]
                            .iter_mut()
                            .zip(&row[1..])
                            .for_each(|(sum, own)| *sum += *own);
                    }
                }
            }
        }
        Ok(sums)
    }

    pub(crate) fn subtracted_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let held = self.held_codes(codes, r.0.len())?;
        check_length("r", r.1.len(), r.0.len())?;
        check_length("table", table.len(), codes.count())?;
        self.subtract_by_code_of(r, self.whole(&held.codes), table, multiplier)
    }
}
