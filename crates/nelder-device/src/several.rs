//! Several devices as one: rows are divided among them, and what they amount to is added up by the host.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::{
    Backend, Counters, Decomposed, Description, Moments, Rates, Reduced, ResidualSums, RoughMoments,
    Spectrum, Weighed,
};
use crate::buffer::{Buffer, Codes, Matrix};
use crate::error::{DeviceError, check_length, check_ranks};
use crate::step::{Fold, Predictor, ScoringStep, StepSums};
use crate::{Dd, Program};

/// Devices that share the rows: each holds consecutive rows of every column, as many as the others but for one.
///
/// What is sent between host and devices are sums; columns stay where they are. Every verb runs on all devices at once.
///
/// ```
/// use std::sync::Arc;
/// use nelder_device::{Backend, Host, Matrix, Several};
/// let both = Several::new(vec![Arc::new(Host::default()), Arc::new(Host::default())])?;
/// let x = Matrix::new(both.upload_columns(&[&[1.0, 2.0, 5.0], &[3.0, 4.0, 6.0]])?, 3, 2)?;
/// let gram: Vec<f64> = both.gram(&x, None, None)?.iter().map(|v| v.hi).collect();
/// assert_eq!(gram, [30.0, 41.0, 61.0]);
/// assert_eq!(both.describe().id, "cpu+cpu");
/// # Ok::<(), nelder_device::DeviceError>(())
/// ```
#[derive(Debug)]
pub struct Several {
    devices: Vec<Arc<dyn Backend>>,
    own: Arc<()>,
}

/// Columns of `rows` rows, some rows of all of them on each device.
struct Held {
    of: Arc<()>,
    rows: usize,
    parts: Vec<Buffer>,
    /// The same numbers as columns of another number of rows, once someone has asked for that.
    again: Mutex<Option<(usize, Vec<Buffer>)>>,
}

/// Codes of some rows on each device.
struct HeldCodes {
    of: Arc<()>,
    parts: Vec<Codes>,
}

/// Adds numbers to others, place by place.
fn add(to: &mut [Dd], from: &[Dd]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a += *b);
}

impl Several {
    /// These devices, of which there is at least one. The same may stand twice.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] where there is none.
    pub fn new(devices: Vec<Arc<dyn Backend>>) -> Result<Several, DeviceError> {
        if devices.is_empty() {
            return Err(DeviceError::Absent {
                device: "several".into(),
                why: "none was named".into(),
            });
        }
        Ok(Several {
            devices,
            own: Arc::new(()),
        })
    }

    /// Where each device's rows begin, and the last one's end.
    fn bounds(&self, rows: usize) -> Vec<usize> {
        let n = self.devices.len();
        (0..=n).map(|d| rows / n * d + (rows % n).min(d)).collect()
    }

    /// Runs `work` on all devices at once; returns the result of each, or the first error.
    fn each<T: Send>(
        &self,
        work: impl Fn(usize, &dyn Backend) -> Result<T, DeviceError> + Sync,
    ) -> Result<Vec<T>, DeviceError> {
        let gone = |id: usize| DeviceError::Failed {
            device: self.devices[id].describe().id,
            message: "its thread ended early".into(),
        };
        std::thread::scope(|scope| {
            let work = &work;
            let rest: Vec<_> = self
                .devices
                .iter()
                .enumerate()
                .skip(1)
                .map(|(d, device)| scope.spawn(move || work(d, &**device)))
                .collect();
            let first = work(0, &*self.devices[0]);
            let mut all = Vec::with_capacity(self.devices.len());
            all.push(first);
            for (d, handle) in rest.into_iter().enumerate() {
                all.push(handle.join().unwrap_or_else(|_| Err(gone(d + 1))));
            }
            all.into_iter().collect()
        })
    }

    fn held<'b>(&self, what: &'static str, buffer: &'b Buffer) -> Result<&'b Held, DeviceError> {
        let held: &Held = buffer.get().ok_or(DeviceError::Foreign { what })?;
        match Arc::ptr_eq(&held.of, &self.own) {
            true => Ok(held),
            false => Err(DeviceError::Foreign { what }),
        }
    }

    fn whole(&self, rows: usize, columns: usize, parts: Vec<Buffer>) -> Buffer {
        let of = self.own.clone();
        let held = Held {
            of,
            rows,
            parts,
            again: Mutex::new(None),
        };
        Buffer::new(rows * columns, held)
    }

    /// Each device's rows of whole columns of `rows` rows: where they are, or copied there where the buffer was made for
    /// another number of rows.
    fn parts(&self, what: &'static str, buffer: &Buffer, rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        let held = self.held(what, buffer)?;
        let bounds = self.bounds(rows);
        if rows == 0 || buffer.is_empty() {
            return self.each(|_, device| device.upload(&[]));
        }
        check_length(what, buffer.len() % rows, 0)?;
        let total: usize = held.parts.iter().map(Buffer::len).sum();
        let of_columns = |parts: &[Buffer]| -> Result<Vec<Buffer>, DeviceError> {
            let (from, columns) = (buffer.start() / rows, buffer.len() / rows);
            (0..self.devices.len())
                .map(|d| {
                    let own = bounds[d + 1] - bounds[d];
                    parts[d].part(from * own, columns * own)
                })
                .collect()
        };
        let whole_columns = buffer.start().is_multiple_of(rows);
        if held.rows == rows && whole_columns {
            return of_columns(&held.parts);
        }
        if !whole_columns || !total.is_multiple_of(rows) {
            let values = self.download(buffer)?;
            return self.divided(&values.chunks(rows).collect::<Vec<_>>(), &bounds);
        }
        // copied once, then kept beside
        let mut again = held.again.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, parts)) = again.as_ref().filter(|a| a.0 == rows) {
            return of_columns(parts);
        }
        let values = self.numbers(held, 0, total)?;
        let parts = self.divided(&values.chunks(rows).collect::<Vec<_>>(), &bounds)?;
        let found = of_columns(&parts);
        *again = Some((rows, parts));
        found
    }

    /// `len` numbers of columns, from number `start` on.
    fn numbers(&self, held: &Held, start: usize, len: usize) -> Result<Vec<f64>, DeviceError> {
        let rows = held.rows;
        if len == 0 || rows == 0 {
            return Ok(Vec::new());
        }
        // whole columns, of which the numbers asked for are a part
        let (first, end) = (start / rows, (start + len).div_ceil(rows));
        let bounds = self.bounds(rows);
        let own = self.each(|d, device| {
            let size = bounds[d + 1] - bounds[d];
            device.download(&held.parts[d].part(first * size, (end - first) * size)?)
        })?;
        let mut out = Vec::with_capacity((end - first) * rows);
        for column in 0..end - first {
            for (d, values) in own.iter().enumerate() {
                let size = bounds[d + 1] - bounds[d];
                out.extend_from_slice(&values[column * size..(column + 1) * size]);
            }
        }
        out.drain(..start - first * rows);
        out.truncate(len);
        Ok(out)
    }

    fn divided(&self, columns: &[&[f64]], bounds: &[usize]) -> Result<Vec<Buffer>, DeviceError> {
        self.each(|d, device| {
            let own: Vec<&[f64]> = columns.iter().map(|c| &c[bounds[d]..bounds[d + 1]]).collect();
            device.upload_columns(&own)
        })
    }

    fn maybe(
        &self,
        what: &'static str,
        buffer: Option<&Buffer>,
        rows: usize,
    ) -> Result<Option<Vec<Buffer>>, DeviceError> {
        let Some(buffer) = buffer else {
            return Ok(None);
        };
        check_length(what, buffer.len(), rows)?;
        self.parts(what, buffer, rows).map(Some)
    }

    fn vector(&self, what: &'static str, buffer: &Buffer, rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        check_length(what, buffer.len(), rows)?;
        self.parts(what, buffer, rows)
    }

    /// Each device's rows of a matrix.
    fn matrices(&self, x: &Matrix) -> Result<Vec<Matrix>, DeviceError> {
        check_length("matrix", x.buffer.len(), x.rows.saturating_mul(x.columns))?;
        let bounds = self.bounds(x.rows);
        let parts = self.parts("matrix", &x.buffer, x.rows)?;
        parts
            .into_iter()
            .enumerate()
            .map(|(d, buffer)| Matrix::new(buffer, bounds[d + 1] - bounds[d], x.columns))
            .collect()
    }

    fn codes<'c>(&self, codes: &'c Codes, rows: usize) -> Result<&'c [Codes], DeviceError> {
        check_length("codes", codes.rows(), rows)?;
        let held: &HeldCodes = codes.get().ok_or(DeviceError::Foreign { what: "codes" })?;
        match Arc::ptr_eq(&held.of, &self.own) {
            true => Ok(&held.parts),
            false => Err(DeviceError::Foreign { what: "codes" }),
        }
    }

    fn summed(all: Vec<Vec<Dd>>) -> Vec<Dd> {
        let mut all = all.into_iter();
        let mut sum = all.next().unwrap_or_default();
        all.for_each(|own| add(&mut sum, &own));
        sum
    }

    fn pairs(&self, rows: usize, pairs: Vec<(Buffer, Buffer)>) -> (Buffer, Buffer) {
        let (high, low) = pairs.into_iter().unzip();
        (self.whole(rows, 1, high), self.whole(rows, 1, low))
    }

    fn added(moments: Vec<Moments>) -> Moments {
        let mut all = moments.into_iter();
        let mut sum = all.next().unwrap_or(Moments {
            sums: Vec::new(),
            squares: Vec::new(),
            with: Vec::new(),
            rounded: Vec::new(),
        });
        for own in all {
            add(&mut sum.sums, &own.sums);
            sum.squares.iter_mut().zip(own.squares).for_each(|(a, b)| *a += b);
            sum.with
                .iter_mut()
                .zip(&own.with)
                .for_each(|(to, from)| add(to, from));
            sum.rounded.iter_mut().zip(own.rounded).for_each(|(a, b)| *a |= b);
        }
        sum
    }
}

/// The d-th of what may be there.
fn nth(of: &Option<Vec<Buffer>>, d: usize) -> Option<&Buffer> {
    of.as_ref().map(|parts| &parts[d])
}

impl Backend for Several {
    fn describe(&self) -> Description {
        let all: Vec<Description> = self.devices.iter().map(|d| d.describe()).collect();
        let joined = |of: fn(&Description) -> &str| all.iter().map(of).collect::<Vec<_>>().join("+");
        Description {
            id: joined(|d| &d.id),
            name: joined(|d| &d.name),
            memory: all.iter().map(|d| d.memory).sum(),
            software: all[0].software.clone(),
        }
    }

    /// As much as the one with the least room has, on each.
    fn room(&self) -> Option<u64> {
        let least = self.devices.iter().filter_map(|d| d.room()).min();
        least.map(|room| room.saturating_mul(self.devices.len() as u64))
    }

    fn rates(&self) -> Rates {
        let all: Vec<Rates> = self.devices.iter().map(|d| d.rates()).collect();
        let least = |of: fn(&Rates) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
        let n = all.len() as f64;
        Rates {
            bandwidth: n * least(|r| r.bandwidth),
            products: n * least(|r| r.products),
            // they share the host's memory
            upload: least(|r| r.upload),
            call: all.iter().map(|r| r.call).fold(0.0, f64::max),
        }
    }

    fn counters(&self) -> Counters {
        let all = self.devices.iter().map(|d| d.counters());
        all.fold(Counters::default(), |sum, own| Counters {
            launches: sum.launches + own.launches,
            uploaded: sum.uploaded + own.uploaded,
            downloaded: sum.downloaded + own.downloaded,
        })
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.each(|_, device| device.synchronize()).map(drop)
    }

    fn bandwidth(&self) -> Result<f64, DeviceError> {
        Ok(self.each(|_, device| device.bandwidth())?.iter().sum())
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        self.upload_columns(&[values])
    }

    fn upload_columns(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        let rows = columns.first().map_or(0, |c| c.len());
        if columns.iter().any(|c| c.len() != rows) {
            // no columns of a matrix: one long one
            return self.upload(&columns.concat());
        }
        let parts = self.divided(columns, &self.bounds(rows))?;
        Ok(self.whole(rows, columns.len(), parts))
    }

    fn gathered(&self, parts: &[Buffer]) -> Result<Buffer, DeviceError> {
        let mut rows = 0;
        for part in parts {
            rows = self.held("part", part)?.rows;
        }
        let len: usize = parts.iter().map(Buffer::len).sum();
        let mut alike = rows > 0;
        for part in parts {
            let held = self.held("part", part)?;
            alike &= held.rows == rows && part.len() % rows.max(1) == 0 && part.start() % rows.max(1) == 0;
        }
        if !alike {
            let columns: Result<Vec<Vec<f64>>, DeviceError> =
                parts.iter().map(|p| self.download(p)).collect();
            let columns = columns?;
            return self.upload_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>());
        }
        let mut by_part = Vec::with_capacity(parts.len());
        for part in parts {
            by_part.push(self.parts("part", part, rows)?);
        }
        let own = self.each(|d, device| {
            let own: Vec<Buffer> = by_part.iter().map(|p| p[d].clone()).collect();
            device.gathered(&own)
        })?;
        Ok(self.whole(rows, len / rows, own))
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        self.numbers(self.held("buffer", buffer)?, buffer.start(), buffer.len())
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        program.check()?;
        let bounds = self.bounds(rows);
        let mut columns = Vec::with_capacity(inputs.len());
        for input in inputs {
            columns.push(self.vector("input", input, rows)?);
        }
        let found = self.each(|d, device| {
            let own: Vec<&Buffer> = columns.iter().map(|c| &c[d]).collect();
            device.run(program, &own, bounds[d + 1] - bounds[d])
        })?;
        let outputs = program.outputs().len();
        Ok((0..outputs)
            .map(|k| self.whole(rows, 1, found.iter().map(|own| own[k].clone()).collect()))
            .collect())
    }

    fn moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        let (a, w) = (self.matrices(x)?, self.maybe("weights", weights, x.rows)?);
        let mut vectors = Vec::with_capacity(with.len());
        for v in with {
            vectors.push(self.vector("vector", v, x.rows)?);
        }
        let found = self.each(|d, device| {
            let own: Vec<&Buffer> = vectors.iter().map(|v| &v[d]).collect();
            device.moments(&a[d], nth(&w, d), &own)
        })?;
        Ok(Several::added(found))
    }

    fn gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        let (a, w) = (self.matrices(x)?, self.maybe("weights", weights, x.rows)?);
        let found = self.each(|d, device| device.gram(&a[d], nth(&w, d), centres))?;
        Ok(Several::summed(found))
    }

    fn exact_gram(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        let (a, w) = (self.matrices(x)?, self.maybe("weights", weights, x.rows)?);
        let found = self.each(|d, device| device.exact_gram(&a[d], nth(&w, d)))?;
        Ok(Several::summed(found))
    }

    fn residual(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let (a, y) = (self.matrices(x)?, self.vector("y", y, x.rows)?);
        let found = self.each(|d, device| device.residual(&a[d], b, constant, &y[d]))?;
        Ok(self.pairs(x.rows, found))
    }

    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        let (a, y) = (self.matrices(x)?, self.vector("y", y, x.rows)?);
        let w = self.maybe("weights", weights, x.rows)?;
        let found = self.each(|d, device| device.residual_sums(&a[d], b, constant, &y[d], nth(&w, d)))?;
        let (mut squares, mut sum) = (Dd::ZERO, Dd::ZERO);
        let (mut score, mut residuals) = (Vec::new(), Vec::new());
        for own in found {
            squares += own.squares;
            sum += own.sum;
            score.push(own.score);
            residuals.push(own.residuals);
        }
        Ok(ResidualSums {
            residuals: self.whole(x.rows, 1, residuals),
            squares,
            sum,
            score: Several::summed(score),
        })
    }

    fn weigh(&self, r: (&Buffer, Option<&Buffer>), weights: Option<&Buffer>) -> Result<Weighed, DeviceError> {
        let rows = r.0.len();
        let (high, low) = (self.vector("r", r.0, rows)?, self.maybe("r", r.1, rows)?);
        let w = self.maybe("weights", weights, rows)?;
        let found = self.each(|d, device| device.weigh((&high[d], nth(&low, d)), nth(&w, d)))?;
        let (mut squares, mut sum) = (Dd::ZERO, Dd::ZERO);
        let (mut weighed, mut rooted) = (Vec::new(), Vec::new());
        for own in found {
            squares += own.squares;
            sum += own.sum;
            weighed.push(own.weighed);
            rooted.push(own.rooted);
        }
        Ok(Weighed {
            weighed: self.pairs(rows, weighed),
            rooted: self.whole(rows, 1, rooted),
            squares,
            sum,
        })
    }

    fn upload_codes(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        let bounds = self.bounds(codes.len());
        let parts = self.each(|d, device| device.upload_codes(&codes[bounds[d]..bounds[d + 1]], count))?;
        let of = self.own.clone();
        Ok(Codes::new(codes.len(), count, HeldCodes { of, parts }))
    }

    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        let own = self.codes(codes, x.rows)?;
        let a = self.matrices(x)?;
        let high = self.maybe("vector", v.0, x.rows)?;
        let low = self.maybe("vector", v.1, x.rows)?;
        let found =
            self.each(|d, device| device.sums_by_code(&own[d], &a[d], (nth(&high, d), nth(&low, d))))?;
        Ok(Several::summed(found))
    }

    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let rows = r.0.len();
        let own = self.codes(codes, rows)?;
        let (high, low) = (self.vector("r", r.0, rows)?, self.vector("r", r.1, rows)?);
        let first = self.maybe("multiplier", multiplier.map(|m| m.0), rows)?;
        let second = self.maybe("multiplier", multiplier.and_then(|m| m.1), rows)?;
        let found = self.each(|d, device| {
            let m = nth(&first, d).map(|m| (m, nth(&second, d)));
            device.subtract_by_code((&high[d], &low[d]), &own[d], table, m)
        })?;
        Ok(self.pairs(rows, found))
    }

    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError> {
        let a = self.matrices(x)?;
        let (high, low) = (self.vector("r", r.0, x.rows)?, self.vector("r", r.1, x.rows)?);
        let found = self.each(|d, device| device.transposed_residual(&a[d], (&high[d], &low[d])))?;
        Ok(Several::summed(found))
    }

    fn step(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        let a = self.matrices(x)?;
        let mut inputs = Vec::with_capacity(step.inputs.len());
        for input in step.inputs {
            inputs.push(self.vector("input", input, x.rows)?);
        }
        let beside = match &step.predictor {
            Predictor::Given { low } => self.maybe("predictor", *low, x.rows)?,
            Predictor::Of { offset, .. } => self.maybe("offset", *offset, x.rows)?,
        };
        let found = self.each(|d, device| {
            let own: Vec<&Buffer> = inputs.iter().map(|c| &c[d]).collect();
            let predictor = match &step.predictor {
                Predictor::Given { .. } => Predictor::Given { low: nth(&beside, d) },
                Predictor::Of {
                    input,
                    b,
                    constant,
                    twice,
                    ..
                } => Predictor::Of {
                    input: *input,
                    b,
                    constant: *constant,
                    offset: nth(&beside, d),
                    twice: *twice,
                },
            };
            let own = ScoringStep {
                inputs: &own,
                predictor,
                ..step.clone()
            };
            device.step(&a[d], &own)
        })?;
        let mut all = found.into_iter();
        let Some(mut sums) = all.next() else {
            return Err(DeviceError::Failed {
                device: self.describe().id,
                message: "there is no device".into(),
            });
        };
        let mut kept: Vec<Vec<Buffer>> = sums.kept.drain(..).map(|own| vec![own]).collect();
        for own in all {
            sums.weight += own.weight;
            sums.score += own.score;
            add(&mut sums.scores, &own.scores);
            add(&mut sums.weights, &own.weights);
            if let (Some(to), Some(from)) = (&mut sums.gram, &own.gram) {
                add(to, from);
            }
            sums.single |= own.single;
            for (k, fold) in step.folds.iter().enumerate() {
                match fold {
                    Fold::Sum => sums.folds[k] += own.folds[k],
                    Fold::Least => sums.folds[k] = Dd::new(sums.folds[k].hi.min(own.folds[k].hi)),
                    Fold::Keep => {}
                }
                sums.missing[k] += own.missing[k];
            }
            kept.iter_mut().zip(own.kept).for_each(|(to, part)| to.push(part));
        }
        sums.kept = kept
            .into_iter()
            .map(|parts| self.whole(x.rows, 1, parts))
            .collect();
        Ok(sums)
    }

    /// Where all devices have them.
    /// Where all devices have one.
    fn single_gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        let (a, w) = (self.matrices(x)?, self.maybe("weights", weights, x.rows)?);
        let found = self.each(|d, device| device.single_gram(&a[d], nth(&w, d), centres))?;
        Ok(found.into_iter().collect::<Option<Vec<_>>>().map(Several::summed))
    }

    fn rough_moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &Buffer,
        gram: bool,
    ) -> Result<Option<RoughMoments>, DeviceError> {
        let (a, w) = (self.matrices(x)?, self.maybe("weights", weights, x.rows)?);
        let v = self.vector("vector", with, x.rows)?;
        let found = self.each(|d, device| device.rough_moments(&a[d], nth(&w, d), &v[d], gram))?;
        let Some(found) = found.into_iter().collect::<Option<Vec<RoughMoments>>>() else {
            return Ok(None);
        };
        let (mut columns, mut own, mut grams) = (Vec::new(), Vec::new(), Vec::new());
        for rough in found {
            columns.push(rough.columns);
            own.push(rough.own);
            grams.push(rough.gram);
        }
        Ok(Some(RoughMoments {
            columns: Several::added(columns),
            own: Several::added(own),
            gram: grams.into_iter().collect::<Option<Vec<_>>>().map(Several::summed),
        }))
    }

    /// By the first.
    fn cholesky(&self, packed: &[f64], scales: &[f64]) -> Result<Option<Decomposed>, DeviceError> {
        self.devices[0].cholesky(packed, scales)
    }

    /// By the first.
    fn eigen(&self, matrix: &[f64], order: usize) -> Result<Option<Spectrum>, DeviceError> {
        self.devices[0].eigen(matrix, order)
    }

    /// By the first, which gets the rows of the others.
    fn order_statistics(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        check_ranks(ranks, x.len())?;
        let own = self.parts("x", x, x.len())?;
        let first = &self.devices[0];
        let mut all = vec![own[0].clone()];
        for (device, part) in self.devices.iter().zip(own.iter()).skip(1) {
            all.push(first.upload(&device.download(part)?)?);
        }
        first.order_statistics(&first.gathered(&all)?, ranks)
    }

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        let own = self.parts("x", x, x.len())?;
        let found = self.each(|d, device| device.reduce(&own[d]))?;
        let nothing = Reduced {
            sum: Dd::ZERO,
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            missing: 0,
        };
        Ok(found.into_iter().fold(nothing, |all, own| Reduced {
            sum: all.sum + own.sum,
            least: all.least.min(own.least),
            largest: all.largest.max(own.largest),
            missing: all.missing + own.missing,
        }))
    }

    fn product(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        let (a, o) = (self.matrices(x)?, self.maybe("offset", offset, x.rows)?);
        let found = self.each(|d, device| device.product(&a[d], b, constant, nth(&o, d)))?;
        Ok(self.whole(x.rows, 1, found))
    }

    fn transposed_product(&self, x: &Matrix, y: &Buffer) -> Result<Vec<f64>, DeviceError> {
        let (a, y) = (self.matrices(x)?, self.vector("y", y, x.rows)?);
        let found = self.each(|d, device| device.transposed_product(&a[d], &y[d]))?;
        let mut all = found.into_iter();
        let mut sum = all.next().unwrap_or_default();
        for own in all {
            sum.iter_mut().zip(own).for_each(|(a, b)| *a += b);
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    #[test]
    fn numbers_are_divided_anew_once() {
        let devices: Vec<Arc<dyn Backend>> = (0..3)
            .map(|_| Arc::new(Host::default()) as Arc<dyn Backend>)
            .collect();
        let several = Several::new(devices).unwrap();
        // 7 x 3 as one long column
        let values: Vec<f64> = (0..21).map(f64::from).collect();
        let flat = several.upload(&values).unwrap();
        let x = Matrix::new(flat.clone(), 7, 3).unwrap();
        let column: f64 = (7..14).map(f64::from).sum();
        for _ in 0..2 {
            let own = several.moments(&x.part(1..2).unwrap(), None, &[]).unwrap();
            assert_eq!(own.sums[0].hi, column);
        }
        let held = several.held("x", &flat).unwrap();
        let again = held.again.lock().unwrap();
        let (rows, parts) = again.as_ref().unwrap();
        assert_eq!(*rows, 7);
        assert_eq!(parts.iter().map(Buffer::len).collect::<Vec<_>>(), [9, 6, 6]);
        assert_eq!(several.download(&flat).unwrap(), values);
        assert_eq!(
            several.download(&flat.part(5, 9).unwrap()).unwrap(),
            values[5..14]
        );
    }
}
