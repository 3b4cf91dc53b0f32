//! Residuals and products with vectors, row by row: in fixed point where that holds, else in 128 bits with exponents.

use nelder_device::{Buffer, Dd, DeviceError, Matrix, ResidualSums, Weighed, check_length};

use crate::bind::Bind;
use crate::bindings::Window;
use crate::buffer_pool::PooledBuffer;
use crate::device::Wgpu;
use crate::fixed;
use crate::float128;
use crate::limits::{MOST_GROUPS, THREADS};

const ROWS: &str = concat!(
    include_str!("gathered.wgsl"),
    include_str!("fixed.wgsl"),
    include_str!("rows.wgsl"),
    include_str!("fixed_rows.wgsl")
);
const FIRST: u32 = 1;
const LAST: u32 = 2;
const HAS_A: u32 = 4;
const HAS_B: u32 = 8;
const HAS_C: u32 = 16;
const ONE_PART: u32 = 32;

impl Wgpu {
    /// Numbers for kernels to read.
    fn table(&self, values: impl Iterator<Item = Dd>) -> Result<PooledBuffer, DeviceError> {
        self.words(&values.flat_map(float128::write).collect::<Vec<u32>>())
    }

    /// Columns of as many rows, in one piece of memory.
    fn columns_of(&self, rows: usize, count: usize) -> Result<(Buffer, Vec<Buffer>), DeviceError> {
        let all = self.numbers(rows * count)?;
        let parts: Result<Vec<Buffer>, DeviceError> = (0..count).map(|k| all.part(k * rows, rows)).collect();
        Ok((all, parts?))
    }

    /// a − c − X b in two parts, or rounded to one; a is 0 where it is not there.
    fn rest(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        a: Option<&Buffer>,
        parts: usize,
    ) -> Result<Vec<Buffer>, DeviceError> {
        check_length("b", b.len(), x.columns)?;
        let mut windows = self.windows(x)?;
        let start = self.maybe("y", a, x.rows)?;
        self.count_launch();
        let (all, out) = self.columns_of(x.rows, parts)?;
        if x.rows == 0 {
            return Ok(out);
        }
        let table = self.table(std::iter::once(constant).chain(b.iter().copied()))?;
        let finite = b.iter().all(|b| b.hi.is_finite());
        let fixed = match if finite { self.fixed(x)? } else { None } {
            Some(surveys) => fixed::table(b, &surveys),
            None => None,
        };
        let limbs = fixed.as_ref().map(|f| self.words(&f.words)).transpose()?;
        // no columns are a window too
        if windows.is_empty() {
            windows.push(Window {
                span: self.nowhere()?,
                from: 0,
                columns: 0,
            });
        }
        let kept = match windows.len() {
            1 => None,
            _ => Some(self.pooled_buffer((x.rows * float128::WORDS * 4) as u64)?),
        };
        let scratch = self.pooled_buffer(64)?;
        let kept = self.whole(kept.as_ref().unwrap_or(&scratch));
        let result = self.span("residuals", &all, 0, parts * x.rows)?;
        let mut flags = if a.is_some() { HAS_A } else { 0 };
        flags |= if parts == 1 { ONE_PART } else { 0 };
        let last = windows.len() - 1;
        for (k, window) in windows.iter().enumerate() {
            let own = flags | if k == 0 { FIRST } else { 0 } | if k == last { LAST } else { 0 };
            let sizes = [
                x.rows as u32,
                own,
                window.from as u32,
                window.columns as u32,
                window.span.skip,
                start.skip,
                fixed.as_ref().map_or(0, |f| f.unit as u32),
            ];
            let mut bound = vec![
                (1, window.span.bind),
                (2, self.whole(&table)),
                (3, start.bind),
                (6, kept),
                (7, result.bind),
            ];
            bound.extend(limbs.iter().map(|limbs| (9, self.whole(limbs))));
            let entry = if limbs.is_some() {
                "residual_fixed"
            } else {
                "residual"
            };
            self.dispatch(ROWS, entry, &sizes, &bound, [self.threads(x.rows), 1, 1])?;
        }
        Ok(out)
    }

    /// Workgroups with a thread for each row, as many as may be.
    pub(crate) fn threads(&self, rows: usize) -> usize {
        rows.div_ceil(THREADS).clamp(1, MOST_GROUPS)
    }

    pub(crate) fn residual_of(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        check_length("y", y.len(), x.rows)?;
        let mut parts = self.rest(x, b, constant, Some(y), 2)?;
        let low = parts.remove(1);
        Ok((parts.remove(0), low))
    }

    pub(crate) fn product_of(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        if let Some(offset) = offset {
            check_length("offset", offset.len(), x.rows)?;
        }
        let b: Vec<Dd> = b.iter().map(|b| Dd::new(-b)).collect();
        Ok(self.rest(x, &b, Dd::new(-constant), offset, 1)?.remove(0))
    }

    pub(crate) fn residual_sums_of(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        let r = self.residual_of(x, b, constant, y)?;
        let weighed = self.weigh_of((&r.0, Some(&r.1)), weights)?;
        let score = self.sums_with(x, (Some(&weighed.weighed.0), Some(&weighed.weighed.1)), false)?;
        Ok(ResidualSums {
            residuals: weighed.rooted,
            squares: weighed.squares,
            sum: weighed.sum,
            score,
        })
    }

    pub(crate) fn weigh_of(
        &self,
        r: (&Buffer, Option<&Buffer>),
        weights: Option<&Buffer>,
    ) -> Result<Weighed, DeviceError> {
        let rows = r.0.len();
        let a = self.vector("r", r.0, rows)?;
        let b = self.maybe("r", r.1, rows)?;
        let c = self.maybe("weights", weights, rows)?;
        self.count_launch();
        let (all, mut parts) = self.columns_of(rows, 3)?;
        let rooted = parts.remove(2);
        let low = parts.remove(1);
        let weighed = (parts.remove(0), low);
        let mut sums = vec![Dd::ZERO; 2];
        if rows > 0 {
            let groups = self.row_groups(rows, 1);
            let pooled = self.pooled_buffer((2 * groups * float128::WORDS * 4) as u64)?;
            let flags = if r.1.is_some() { HAS_B } else { 0 } | if weights.is_some() { HAS_C } else { 0 };
            let sizes = [rows as u32, flags, 0, 0, a.skip, b.skip, c.skip];
            let result = self.span("residuals", &all, 0, 3 * rows)?;
            let bound = [
                (3, a.bind),
                (4, b.bind),
                (5, c.bind),
                (6, self.whole(&pooled)),
                (7, result.bind),
            ];
            self.dispatch(ROWS, "weigh", &sizes, &bound, [groups, 1, 1])?;
            sums = self.merged(&pooled, 2, groups)?;
        }
        Ok(Weighed {
            weighed,
            rooted,
            squares: sums[0],
            sum: sums[1],
        })
    }

    pub(crate) fn subtract_by_code_of(
        &self,
        r: (&Buffer, &Buffer),
        codes: Bind<'_>,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let rows = r.0.len();
        let (a, b) = (self.vector("r", r.0, rows)?, self.vector("r", r.1, rows)?);
        let (first, second) = (multiplier.map(|m| m.0), multiplier.and_then(|m| m.1));
        let c = self.maybe("multiplier", first, rows)?;
        let more = self.maybe("multiplier", second, rows)?;
        self.count_launch();
        let (all, mut parts) = self.columns_of(rows, 2)?;
        if rows > 0 {
            let table = self.table(table.iter().copied())?;
            let flags = if first.is_some() { HAS_C } else { 0 } | if second.is_some() { HAS_A } else { 0 };
            let sizes = [rows as u32, flags, more.skip, 0, a.skip, b.skip, c.skip];
            let result = self.span("residuals", &all, 0, 2 * rows)?;
            let bound = [
                (1, more.bind),
                (2, self.whole(&table)),
                (3, a.bind),
                (4, b.bind),
                (5, c.bind),
                (7, result.bind),
                (8, codes),
            ];
            self.dispatch(
                ROWS,
                "subtract_by_code",
                &sizes,
                &bound,
                [self.threads(rows), 1, 1],
            )?;
        }
        let low = parts.remove(1);
        Ok((parts.remove(0), low))
    }
}
