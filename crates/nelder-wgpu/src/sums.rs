//! Sums over rows by column.

use nelder_device::{Buffer, Dd, DeviceError, Matrix, Moments};

use crate::device::Wgpu;
use crate::float128;
use crate::limits::{MOST_GROUPS, THREADS};

pub(crate) const SUMS: &str = concat!(include_str!("gathered.wgsl"), include_str!("sums.wgsl"));
pub(crate) const HAS_X: u32 = 1;
pub(crate) const HAS_HIGH: u32 = 2;
pub(crate) const HAS_LOW: u32 = 4;
const SQUARE: u32 = 8;

/// Rows that a thread sums at least, where there are so many.
const ROWS_OF_A_THREAD: usize = 8;
/// Workgroups that keep a device busy.
pub(crate) const BUSY: usize = 4096;
impl Wgpu {
    /// Sums that workgroups have left, `parts` to a sum, added.
    pub(crate) fn merged(
        &self,
        from: &wgpu::Buffer,
        sums: usize,
        parts: usize,
    ) -> Result<Vec<Dd>, DeviceError> {
        let words = self.read_words(from, sums * parts * float128::WORDS)?;
        let of = |part: &[u32]| part.chunks(float128::WORDS).map(float128::read).sum::<Dd>();
        Ok(words.chunks((parts * float128::WORDS).max(1)).map(of).collect())
    }

    /// Number of workgroups that share the rows, where the launch has `columns` of them side by side.
    pub(crate) fn row_groups(&self, rows: usize, columns: usize) -> usize {
        let most = rows.div_ceil(THREADS * ROWS_OF_A_THREAD).max(1);
        most.min((BUSY / columns.max(1)).max(1))
    }

    /// Σ x v by column, v a vector in two parts: one and zero where they are not there.
    pub(crate) fn sums_with(
        &self,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
        square: bool,
    ) -> Result<Vec<Dd>, DeviceError> {
        self.maybe("vector", v.0, x.rows)?;
        self.maybe("vector", v.1, x.rows)?;
        self.windows(x)?;
        if x.rows == 0 || x.columns == 0 {
            return Ok(vec![Dd::ZERO; x.columns]);
        }
        if !square
            && let Some(surveys) = self.fixed(x)?
            && let Some(found) = self.fixed_sums(x, v, &surveys)?
        {
            let slow = |j: usize| Ok(self.wide_sums(&x.part(j..j + 1)?, v, false)?[0]);
            let of = |(j, sum): (usize, Option<Dd>)| sum.map_or_else(|| slow(j), Ok);
            return found.into_iter().enumerate().map(of).collect();
        }
        self.wide_sums(x, v, square)
    }

    /// The same with exponents, whatever the numbers.
    pub(crate) fn wide_sums(
        &self,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
        square: bool,
    ) -> Result<Vec<Dd>, DeviceError> {
        let high = self.maybe("vector", v.0, x.rows)?;
        let low = self.maybe("vector", v.1, x.rows)?;
        let mut what = HAS_X;
        for (there, flag) in [
            (v.0.is_some(), HAS_HIGH),
            (v.1.is_some(), HAS_LOW),
            (square, SQUARE),
        ] {
            what |= if there { flag } else { 0 };
        }
        let mut out = Vec::with_capacity(x.columns);
        for window in self.windows(x)? {
            for from in (0..window.columns).step_by(MOST_GROUPS) {
                let columns = MOST_GROUPS.min(window.columns - from);
                let groups = self.row_groups(x.rows, columns);
                let pooled = self.pooled_buffer((groups * columns * float128::WORDS * 4) as u64)?;
                let start = window.span.skip as usize + from * x.rows;
                let sizes = [x.rows as u32, what, start as u32, high.skip, low.skip];
                let bound = [
                    (1, window.span.bind),
                    (2, high.bind),
                    (3, low.bind),
                    (4, self.whole(&pooled)),
                ];
                self.dispatch(SUMS, "column_sums", &sizes, &bound, [groups, columns, 1])?;
                out.extend(self.merged(&pooled, columns, groups)?);
            }
        }
        Ok(out)
    }

    pub(crate) fn moments_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        self.count_launch();
        let fixed = if weights.is_none() { self.fixed(x)? } else { None };
        let (sums, squares) = match fixed {
            Some(surveys) => self.fixed_moments(x, &surveys)?,
            None => {
                let sums = self.sums_with(x, (weights, None), false)?;
                let squares = self.sums_with(x, (weights, None), true)?;
                (sums, squares.into_iter().map(|s| s.hi).collect())
            }
        };
        let mut found = Vec::with_capacity(with.len());
        for v in with {
            self.vector("vector", v, x.rows)?;
            found.push(match weights {
                None => self.sums_with(x, (Some(v), None), false)?,
                Some(_) => {
                    let weighed = self.weigh_of((v, None), weights)?.weighed;
                    self.sums_with(x, (Some(&weighed.0), Some(&weighed.1)), false)?
                }
            });
        }
        Ok(Moments {
            sums,
            squares,
            with: found,
            rounded: self.surveyed(x)?.iter().map(|s| s.fraction).collect(),
        })
    }

    /// Products exact, sums in 128 bits: a column at a time against those up to it.
    pub(crate) fn exact_gram_of(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        self.windows(x)?;
        if let Some(w) = weights {
            self.vector("weights", w, x.rows)?;
        }
        self.count_launch();
        let mut out = Vec::with_capacity(x.columns * (x.columns + 1) / 2);
        for j in 0..x.columns {
            let (own, to) = (x.column(j)?, x.part(0..j + 1)?);
            out.extend(match weights {
                None => self.sums_with(&to, (Some(&own), None), false)?,
                Some(_) => {
                    let weighed = self.weigh_of((&own, None), weights)?.weighed;
                    self.sums_with(&to, (Some(&weighed.0), Some(&weighed.1)), false)?
                }
            });
        }
        Ok(out)
    }
}
