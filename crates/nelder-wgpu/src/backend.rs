//! The verbs of [`Device`], [`LinearAlgebra`] and [`GlmKernels`] through wgpu.

use std::sync::atomic::Ordering;

use nelder_device::{
    Buffer, Codes, Counters, Dd, Description, Device, DeviceError, GlmKernels, LinearAlgebra, Matrix,
    Moments, Program, ProgramError, Rates, Reduced, ResidualSums, Weighed, check_length,
};

use crate::device::Wgpu;
use crate::functions;
use crate::limits::MOST_GROUPS;

const MACHINE: &str = include_str!("machine.wgsl");
/// Rows that a program runs over at a time.
const CHUNK: usize = 1 << 20;

impl Wgpu {
    pub(crate) fn run_program(
        &self,
        program: &Program,
        inputs: &[&Buffer],
        rows: usize,
    ) -> Result<Vec<Buffer>, DeviceError> {
        program.check()?;
        if inputs.len() < program.inputs() {
            return Err(ProgramError::Inputs {
                input: inputs.len() as u32,
                given: inputs.len(),
            }
            .into());
        }
        let inputs = &inputs[..program.inputs()];
        let mut columns = Vec::with_capacity(inputs.len());
        for buffer in inputs {
            check_length("input", buffer.len(), rows)?;
            columns.push(self.held("input", buffer)?);
        }
        self.count_launch();
        let code = functions::code(program).map_err(|e| self.failed(e))?;
        let out: Result<Vec<Buffer>, DeviceError> = (0..code.outputs).map(|_| self.numbers(rows)).collect();
        let out = out?;
        if rows == 0 || code.outputs == 0 {
            return Ok(out);
        }
        let text = MACHINE.replace(
            "REGISTERS",
            &code.registers.next_power_of_two().max(8).to_string(),
        );
        let steps = self.words(&code.steps)?;
        let constants = self.words(bytemuck::cast_slice(&code.constants))?;
        let most = (self.most_bound() / 8) as usize / inputs.len().max(code.outputs).max(1);
        let chunk = CHUNK.min(most).min(rows).max(1);
        let read = self.pooled_buffer((8 * chunk * inputs.len()) as u64)?;
        let written = self.pooled_buffer((8 * chunk * code.outputs) as u64)?;
        let mut results = Vec::with_capacity(out.len());
        for buffer in &out {
            results.push(self.held("output", buffer)?.0);
        }
        for first in (0..rows).step_by(chunk) {
            let some = chunk.min(rows - first);
            let bytes = 8 * some as u64;
            let place = |k: usize| (8 * k * chunk) as u64;
            let moves: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(k, (from, start))| (*from, start + 8 * first as u64, &*read, place(k), bytes))
                .collect();
            self.copy(&moves);
            let sizes = [some as u32, (code.steps.len() / 4) as u32, chunk as u32];
            let bound = [
                (1, self.whole(&steps)),
                (2, self.whole(&constants)),
                (3, self.whole(&read)),
                (4, self.whole(&written)),
            ];
            let groups = some.div_ceil(128).min(MOST_GROUPS);
            self.dispatch(&text, "machine", &sizes, &bound, [groups, 1, 1])?;
            let moves: Vec<_> = results
                .iter()
                .enumerate()
                .map(|(k, to)| (&*written, place(k), *to, 8 * first as u64, bytes))
                .collect();
            self.copy(&moves);
        }
        Ok(out)
    }
}

/// Rows and columns of the matrix that rates are measured with.
const MEASURED: (usize, usize) = (131_072, 32);

/// Approximate speeds of a driver that imitates a GPU on two cores of the CPU.
const IMITATED: Rates = Rates {
    bandwidth: 1e8,
    products: 2e8,
    upload: 2e9,
    call: 2e-3,
};

impl Wgpu {
    /// Measures the speeds of the device with small products; those of an imitated GPU are [`IMITATED`].
    fn measured_rates(&self) -> Rates {
        if !self.is_hardware() {
            return IMITATED;
        }
        let seconds = |what: &dyn Fn() -> Result<(), DeviceError>| -> f64 {
            let once = || {
                let start = std::time::Instant::now();
                // a device that fails says so when it is used
                let done = what().and_then(|()| self.wait());
                done.map_or(f64::INFINITY, |()| start.elapsed().as_secs_f64())
            };
            // the first one compiles
            once();
            once().min(once())
        };
        let (rows, columns) = MEASURED;
        let numbers: Vec<f64> = (0..rows * columns).map(|i| (i % 977) as f64 * 0.37).collect();
        let upload = seconds(&|| self.written(&[&numbers]).map(|_| ()));
        let matrix = self
            .written(&[&numbers])
            .and_then(|buffer| Matrix::new(buffer, rows, columns));
        let Ok(x) = matrix else {
            return IMITATED;
        };
        let b = vec![1.0; columns];
        let call = seconds(&|| self.product(&x.part(0..1)?, &b[..1], 0.0, None).map(|_| ()));
        let product = seconds(&|| self.product(&x, &b, 0.0, None).map(|_| ()));
        let gram = seconds(&|| self.gram(&x, None, None).map(|_| ()));
        let bytes = 8.0 * (rows * columns) as f64;
        let pairs = (rows * columns * (columns + 1) / 2) as f64;
        Rates {
            bandwidth: bytes / (product - call).max(1e-6),
            products: pairs / (gram - call).max(1e-6),
            upload: bytes / upload,
            call,
        }
    }
}

impl Device for Wgpu {
    fn describe(&self) -> Description {
        Description {
            id: self.id.clone(),
            name: self.about.name.clone(),
            memory: None,
            software: format!(
                "{} {} {}",
                self.about.backend, self.about.driver, self.about.driver_info
            ),
        }
    }

    fn room(&self) -> Option<u64> {
        Some(self.most_room())
    }

    fn rates(&self) -> Rates {
        *self.rates.get_or_init(|| self.measured_rates())
    }

    fn counters(&self) -> Counters {
        Counters {
            launches: self.launches.load(Ordering::Relaxed),
            uploaded: self.uploaded.load(Ordering::Relaxed),
            downloaded: self.downloaded.load(Ordering::Relaxed),
        }
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.wait()
    }

    /// Of copies: programs are bound by arithmetic.
    fn bandwidth(&self) -> Result<f64, DeviceError> {
        let bytes = if self.is_hardware() { 1u64 << 28 } else { 1 << 24 };
        let (from, to) = (self.pooled_buffer(bytes)?, self.pooled_buffer(bytes)?);
        let mut least = f64::INFINITY;
        for _ in 0..5 {
            self.wait()?;
            let start = std::time::Instant::now();
            self.copy(&[(&from, 0, &to, 0, bytes)]);
            self.wait()?;
            least = least.min(start.elapsed().as_secs_f64());
        }
        Ok(2.0 * bytes as f64 / least)
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        self.written(&[values])
    }

    fn upload_columns(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        self.written(columns)
    }

    fn gathered(&self, parts: &[Buffer]) -> Result<Buffer, DeviceError> {
        let out = self.numbers(parts.iter().map(Buffer::len).sum())?;
        let (to, _) = self.held("part", &out)?;
        let (mut moves, mut at) = (Vec::with_capacity(parts.len()), 0);
        for part in parts {
            let (from, start) = self.held("part", part)?;
            let bytes = 8 * part.len() as u64;
            moves.push((from, start, to, at, bytes));
            at += bytes;
        }
        self.count_launch();
        self.copy(&moves);
        Ok(out)
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        let (memory, start) = self.held("buffer", buffer)?;
        let mut out: Vec<f64> = Vec::with_capacity(buffer.len());
        self.read(memory, start, 8 * buffer.len() as u64, |bytes| {
            out.extend(
                bytes
                    .chunks_exact(8)
                    .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
            );
        })?;
        Ok(out)
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        self.run_program(program, inputs, rows)
    }

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        self.reduce_of(x)
    }

    fn order_statistics(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        self.order_statistics_of(x, ranks)
    }
}

impl LinearAlgebra for Wgpu {
    fn gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        self.gram_of(x, weights, centres)
    }

    fn exact_gram(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        self.exact_gram_of(x, weights)
    }

    /// Within 2⁻¹² of the norms of the columns, about 2⁻²⁰ as roundings fall.
    fn single_gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        self.single_gram_of(x, weights, centres)
    }

    fn product(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        self.product_of(x, b, constant, offset)
    }
}

impl GlmKernels for Wgpu {
    fn moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        self.moments_of(x, weights, with)
    }

    fn residual(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.residual_of(x, b, constant, y)
    }

    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        self.residual_sums_of(x, b, constant, y, weights)
    }

    fn weigh(&self, r: (&Buffer, Option<&Buffer>), weights: Option<&Buffer>) -> Result<Weighed, DeviceError> {
        self.weigh_of(r, weights)
    }

    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError> {
        self.count_launch();
        self.sums_with(x, (Some(r.0), Some(r.1)), false)
    }

    fn upload_codes(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        self.upload_codes_of(codes, count)
    }

    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        self.sums_by_code_of(codes, x, v)
    }

    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.subtracted_by_code(r, codes, table, multiplier)
    }
}
