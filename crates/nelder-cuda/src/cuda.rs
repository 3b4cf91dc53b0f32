//! A CUDA device behind the verbs of [`Device`], [`LinearAlgebra`] and [`GlmKernels`].

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use cudarc::cublas::{self, CudaBlas};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DriverError, LaunchConfig, PushKernelArg,
    result, sys,
};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};
use nelder_device::{
    Buffer, Codes, Counters, Dd, Decomposed, Description, Device, DeviceError, GlmKernels, LinearAlgebra,
    Matrix, Moments, Program, Rates, Reduced, ResidualSums, RoughMoments, ScoringStep, Spectrum, StepSums,
    Weighed, check_length, zeros,
};

use crate::cache;
use crate::print::{KERNEL, constants, source};
use crate::solver::Solver;
use crate::staging::{LEAST_DOWNLOAD, LEAST_UPLOAD, Staging};

/// The oldest driver interface that is spoken, as the driver numbers it: CUDA 12.0.
const OLDEST_DRIVER: i32 = 12_000;

/// Rows from which compiling a kernel for a step is worth its second.
const FUSED_FROM: usize = 200_000;

/// Threads of a block.
pub(crate) const THREADS: u32 = 256;

/// A CUDA device.
pub struct Cuda {
    id: String,
    pub(crate) context: Arc<CudaContext>,
    pub(crate) stream: Arc<CudaStream>,
    blas: Mutex<CudaBlas>,
    kernels: Mutex<HashMap<String, CudaFunction>>,
    staging: Staging,
    /// Blocks of a launch that keep the device busy.
    pub(crate) blocks: u32,
    arch: String,
    /// Rows from which a step over few columns is one kernel, which is compiled for each family and number of columns.
    pub(crate) fused_from: usize,
    /// Units of double precision of a multiprocessor.
    units: f64,
    pub(crate) solver: Solver,
    rates: OnceLock<Rates>,
    about: OnceLock<Description>,
    launches: AtomicU64,
    uploaded: AtomicU64,
    downloaded: AtomicU64,
}

impl fmt::Debug for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cuda({})", self.id)
    }
}

fn absent(device: &str, why: impl Into<String>) -> DeviceError {
    DeviceError::Absent {
        device: device.into(),
        why: why.into(),
    }
}

/// Message about the first library that is missing of the driver, NVRTC and cuBLAS, or `None`.
fn missing() -> Option<String> {
    // SAFETY: these only look for shared libraries
    let there = unsafe {
        [
            (
                sys::is_culib_present(),
                "the NVIDIA driver (libcuda) is not installed",
            ),
            (
                cudarc::nvrtc::sys::is_culib_present(),
                "NVRTC (libnvrtc) was not found: install the CUDA toolkit, version 12 or later, or add its folder to LD_LIBRARY_PATH",
            ),
            (
                cublas::sys::is_culib_present(),
                "cuBLAS (libcublas) was not found: install the CUDA toolkit, version 12 or later, or add its folder to LD_LIBRARY_PATH",
            ),
        ]
    };
    there
        .iter()
        .find(|(found, _)| !found)
        .map(|(_, why)| why.to_string())
}

/// The driver's version, as it numbers it.
fn driver_version() -> Result<i32, String> {
    let mut version = 0;
    // SAFETY: the library was found; the pointer is to a live integer
    let code = unsafe { sys::cuDriverGetVersion(&mut version) };
    code.result().map_err(|e| e.to_string())?;
    Ok(version)
}

/// Memory that is freed stays with the process, so that the next allocation costs nothing.
fn keep_memory(context: &CudaContext) -> Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut most = u64::MAX;
    // SAFETY: the pool is the device's own, and the attribute is a 64-bit number
    unsafe {
        let pool = cudarc::driver::result::device::get_default_mem_pool(context.cu_device())?;
        sys::cuMemPoolSetAttribute(
            pool,
            sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
            std::ptr::from_mut(&mut most).cast(),
        )
        .result()
    }
}

/// Number of CUDA devices, at least 1.
///
/// # Errors
/// [`DeviceError::Absent`] with what is missing: the driver, NVRTC or cuBLAS, a driver that is too old (the needed
/// version is named), a device.
pub fn count() -> Result<usize, DeviceError> {
    if let Some(why) = missing() {
        return Err(absent("cuda", why));
    }
    let version = driver_version().map_err(|why| absent("cuda", why))?;
    if version < OLDEST_DRIVER {
        return Err(absent(
            "cuda",
            format!(
                "the driver speaks CUDA {}.{}, and {}.{} or later is needed",
                version / 1000,
                version % 1000 / 10,
                OLDEST_DRIVER / 1000,
                OLDEST_DRIVER % 1000 / 10
            ),
        ));
    }
    let count = CudaContext::device_count().map_err(|e| absent("cuda", e.to_string()))?;
    match usize::try_from(count) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(absent("cuda", "the driver sees no GPU")),
    }
}

impl Cuda {
    /// Opens device `index`, from 0.
    ///
    /// # Errors
    /// Those of [`count`]; [`DeviceError::Absent`] for an index that is not there.
    pub fn open(index: usize) -> Result<Cuda, DeviceError> {
        let count = count()?;
        let id = format!("cuda:{index}");
        if index >= count {
            let why = format!("there are {count}, numbered from 0");
            return Err(absent(&id, why));
        }
        let failed = |e: &dyn fmt::Display| DeviceError::Failed {
            device: id.clone(),
            message: e.to_string(),
        };
        let context = CudaContext::new(index).map_err(|e| failed(&e))?;
        let stream = context.default_stream();
        let blas = CudaBlas::new(stream.clone()).map_err(|e| failed(&e))?;
        let (major, minor) = context.compute_capability().map_err(|e| failed(&e))?;
        let processors = context
            .attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
            .map_err(|e| failed(&e))?;
        keep_memory(&context).map_err(|e| failed(&e))?;
        Ok(Cuda {
            staging: Staging::new(context.clone()),
            context,
            stream,
            blas: Mutex::new(blas),
            kernels: Mutex::new(HashMap::new()),
            blocks: 8 * u32::try_from(processors).unwrap_or(1).max(1),
            arch: format!("compute_{major}{minor}"),
            fused_from: FUSED_FROM,
            // CUDA C++ programming guide, arithmetic instructions; twice as many with tensor cores
            units: match (major, minor) {
                (6 | 7, 0) => 32.0,
                (8..=10, 0) => 128.0,
                _ => 2.0,
            },
            solver: Solver::default(),
            rates: OnceLock::new(),
            about: OnceLock::new(),
            launches: AtomicU64::new(0),
            uploaded: AtomicU64::new(0),
            downloaded: AtomicU64::new(0),
            id,
        })
    }

    /// Makes one kernel of each step from this number of rows on: to test it with fewer than it is of use for.
    #[must_use]
    pub fn fusing_from(mut self, rows: usize) -> Cuda {
        self.fused_from = rows;
        self
    }

    /// Takes the device for one of little double precision, as those for screens are: to test what it would do on such a one.
    #[must_use]
    pub fn with_little_double(mut self) -> Cuda {
        self.units = 2.0;
        self
    }

    /// True where products in double precision are at least half as quick as in single.
    pub(crate) fn is_double_quick(&self) -> bool {
        self.units >= 32.0
    }

    pub(crate) fn failed(&self, error: &dyn fmt::Display) -> DeviceError {
        DeviceError::Failed {
            device: self.id.clone(),
            message: error.to_string(),
        }
    }

    /// The error of an allocation of `len` numbers.
    pub(crate) fn no_room(&self, error: &DriverError, len: usize) -> DeviceError {
        if error.0 != sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            return self.failed(error);
        }
        let (free, total) = self.context.mem_get_info().unwrap_or((0, 0));
        DeviceError::Memory {
            device: self.id.clone(),
            wanted: 8 * len as u64,
            free: free as u64,
            total: total as u64,
        }
    }

    /// Bytes that the process keeps, and that nothing uses.
    fn idle(&self) -> u64 {
        let of = |attribute: sys::CUmemPool_attribute| -> Option<u64> {
            let mut bytes = 0u64;
            // SAFETY: the pool is the device's own, and the attributes are 64-bit numbers
            unsafe {
                let pool = result::device::get_default_mem_pool(self.context.cu_device()).ok()?;
                sys::cuMemPoolGetAttribute(pool, attribute, std::ptr::from_mut(&mut bytes).cast())
                    .result()
                    .ok()?;
            }
            Some(bytes)
        };
        let reserved = of(sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT);
        let used = of(sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT);
        reserved.zip(used).map_or(0, |(r, u)| r.saturating_sub(u))
    }

    /// Room for numbers, all of which whoever asks will write.
    pub(crate) fn room(&self, len: usize) -> Result<CudaSlice<f64>, DeviceError> {
        self.bind()?;
        // SAFETY: programs, products and copies write every number before any is read. An allocation of nothing is an
        // error to the driver
        unsafe { self.stream.alloc::<f64>(len.max(1)) }.map_err(|e| self.no_room(&e, len))
    }

    /// Calls may come from any thread.
    fn bind(&self) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(|e| self.failed(&e))
    }

    pub(crate) fn synchronized(&self) -> Result<(), DeviceError> {
        self.bind()?;
        self.stream.synchronize().map_err(|e| self.failed(&e))
    }

    pub(crate) fn count_upload(&self, bytes: usize) {
        self.uploaded.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_launch(&self) {
        self.launches.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn blas(&self) -> MutexGuard<'_, CudaBlas> {
        self.blas.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A kernel, from the process's cache, the disk's, or the compiler.
    pub(crate) fn kernel(&self, text: &str, name: &str) -> Result<CudaFunction, DeviceError> {
        let mut kernels = self.kernels.lock().unwrap_or_else(|e| e.into_inner());
        let key = format!("{name}\n{text}");
        if let Some(kernel) = kernels.get(&key) {
            return Ok(kernel.clone());
        }
        self.bind()?;
        let load = |ptx: &str| -> Result<CudaFunction, DeviceError> {
            let module = self
                .context
                .load_module(Ptx::from_src(ptx))
                .map_err(|e| self.failed(&e))?;
            module.load_function(name).map_err(|e| self.failed(&e))
        };
        // a file that the driver does not take is stale
        let kernel = match cache::read(&self.arch, text).and_then(|ptx| load(&ptx).ok()) {
            Some(kernel) => kernel,
            None => {
                let options = CompileOptions {
                    fmad: Some(false),
                    options: vec![format!("--gpu-architecture={}", self.arch)],
                    ..CompileOptions::default()
                };
                let ptx = compile_ptx_with_opts(text, options)
                    .map_err(|e| self.failed(&e))?
                    .to_src();
                cache::write(&self.arch, text, &ptx);
                load(&ptx)?
            }
        };
        kernels.insert(key, kernel.clone());
        Ok(kernel)
    }

    fn slice<'b>(&self, what: &'static str, buffer: &'b Buffer) -> Result<&'b CudaSlice<f64>, DeviceError> {
        let held: &Held = buffer.get().ok_or(DeviceError::Foreign { what })?;
        match Arc::ptr_eq(&held.context, &self.context) {
            true => Ok(&held.slice),
            false => Err(DeviceError::Foreign { what }),
        }
    }

    /// Where a slice is. All work is done by one stream, in order, so that no other guard is needed.
    pub(crate) fn address(&self, slice: &CudaSlice<f64>) -> u64 {
        slice.device_ptr(&self.stream).0
    }

    /// Where the numbers of a buffer are.
    pub(crate) fn pointer(&self, what: &'static str, buffer: &Buffer) -> Result<u64, DeviceError> {
        Ok(self.address(self.slice(what, buffer)?) + 8 * buffer.start() as u64)
    }

    /// A few numbers in the device's memory.
    pub(crate) fn small(&self, values: &[f64]) -> Result<CudaSlice<f64>, DeviceError> {
        let mut slice = self.room(values.len())?;
        if !values.is_empty() {
            self.stream
                .memcpy_htod(values, &mut slice)
                .map_err(|e| self.failed(&e))?;
        }
        self.uploaded
            .fetch_add(8 * values.len() as u64, Ordering::Relaxed);
        Ok(slice)
    }

    /// Many numbers in the device's memory.
    fn staged(&self, columns: &[&[f64]], len: usize) -> Result<CudaSlice<f64>, DeviceError> {
        let slice = self.room(len)?;
        self.stream.synchronize().map_err(|e| self.failed(&e))?;
        // SAFETY: the room is for these numbers, and was allocated before the stream came to its end
        unsafe { self.staging.upload(columns, self.address(&slice)) }.map_err(|e| self.failed(&e))?;
        self.uploaded.fetch_add(8 * len as u64, Ordering::Relaxed);
        Ok(slice)
    }

    /// Numbers in the device's memory, few or many.
    pub(crate) fn upload_slice(&self, values: &[f64]) -> Result<CudaSlice<f64>, DeviceError> {
        match values.len() >= LEAST_UPLOAD {
            true => self.staged(&[values], values.len()),
            false => self.small(values),
        }
    }

    pub(crate) fn buffer(&self, len: usize, slice: CudaSlice<f64>) -> Buffer {
        let context = self.context.clone();
        Buffer::new(len, Held { context, slice })
    }

    /// `len` numbers of a slice, from number `start` on.
    pub(crate) fn download_slice(
        &self,
        slice: &CudaSlice<f64>,
        start: usize,
        len: usize,
    ) -> Result<Vec<f64>, DeviceError> {
        self.bind()?;
        let mut out = zeros(len);
        if len >= LEAST_DOWNLOAD {
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
            let from = self.address(slice) + 8 * start as u64;
            // SAFETY: the stream that writes to it has come to its end
            unsafe { self.staging.download(from, &mut out) }.map_err(|e| self.failed(&e))?;
        } else if len > 0 {
            self.stream
                .memcpy_dtoh(&slice.slice(start..start + len), &mut out)
                .map_err(|e| self.failed(&e))?;
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
        }
        self.downloaded.fetch_add(8 * len as u64, Ordering::Relaxed);
        Ok(out)
    }

    pub(crate) fn grid(&self, work: usize) -> LaunchConfig {
        let wanted = work.div_ceil(THREADS as usize).max(1);
        LaunchConfig {
            grid_dim: (u32::try_from(wanted).unwrap_or(u32::MAX).min(self.blocks), 1, 1),
            block_dim: (THREADS, 1, 1),
            shared_mem_bytes: 0,
        }
    }

    /// Rates from what the driver says of the device.
    fn looked_up_rates(&self) -> Rates {
        use sys::CUdevice_attribute as Attribute;
        let of = |attribute: Attribute, unknown: f64| match self.context.attribute(attribute) {
            Ok(value) if value > 0 => f64::from(value),
            _ => unknown,
        };
        let clock = 1e3 * of(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1e6);
        let memory_clock = 1e3 * of(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 5e6);
        let width = of(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 256.0) / 8.0;
        let processors = of(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 16.0);
        Rates {
            // both are what is left on one H200: 3.5 TB/s of 4.9, 15.7e12 products of 33e12
            bandwidth: 0.72 * 2.0 * memory_clock * width,
            products: 0.47 * self.units * processors * clock,
            upload: 4.5e10,
            call: 6e-4,
        }
    }

    /// Whole numbers as cuBLAS takes them.
    pub(crate) fn dimension(&self, n: usize) -> Result<i32, DeviceError> {
        i32::try_from(n)
            .map_err(|_| self.failed(&format!("{n} rows or columns are too many for one product")))
    }
}

/// Memory of a buffer, and the context of the device that it is on.
struct Held {
    context: Arc<CudaContext>,
    slice: CudaSlice<f64>,
}

impl Device for Cuda {
    fn describe(&self) -> Description {
        // each question to the driver takes a tenth of a millisecond and more
        let asked = || {
            let driver = driver_version().unwrap_or(0);
            Description {
                id: self.id.clone(),
                name: self.context.name().unwrap_or_default(),
                memory: self.context.total_mem().ok().map(|m| m as u64),
                software: format!(
                    "driver of CUDA {}.{}, {}",
                    driver / 1000,
                    driver % 1000 / 10,
                    self.arch
                ),
            }
        };
        self.about.get_or_init(asked).clone()
    }

    fn room(&self) -> Option<u64> {
        self.bind().ok()?;
        let free = self.context.mem_get_info().ok()?.0 as u64;
        Some(free + self.idle())
    }

    fn rates(&self) -> Rates {
        *self.rates.get_or_init(|| self.looked_up_rates())
    }

    fn counters(&self) -> Counters {
        Counters {
            launches: self.launches.load(Ordering::Relaxed),
            uploaded: self.uploaded.load(Ordering::Relaxed),
            downloaded: self.downloaded.load(Ordering::Relaxed),
        }
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.synchronized()
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        self.upload_columns(&[values])
    }

    fn upload_columns(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        let len = columns.iter().map(|c| c.len()).sum();
        let slice = match (len >= LEAST_UPLOAD, columns) {
            (false, [one]) => self.small(one)?,
            (false, _) => self.small(&columns.concat())?,
            (true, _) => self.staged(columns, len)?,
        };
        Ok(self.buffer(len, slice))
    }

    fn gathered(&self, parts: &[Buffer]) -> Result<Buffer, DeviceError> {
        let len = parts.iter().map(Buffer::len).sum();
        let slice = self.room(len)?;
        let mut to = self.address(&slice);
        for part in parts {
            let from = self.pointer("part", part)?;
            // SAFETY: the part has as many numbers, and there is room for all of them
            unsafe { result::memcpy_dtod_async(to, from, 8 * part.len(), self.stream.cu_stream()) }
                .map_err(|e| self.failed(&e))?;
            to += 8 * part.len() as u64;
        }
        self.count_launch();
        Ok(self.buffer(len, slice))
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        self.download_slice(self.slice("buffer", buffer)?, buffer.start(), buffer.len())
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        program.check()?;
        if inputs.len() < program.inputs() {
            return Err(nelder_device::ProgramError::Inputs {
                input: inputs.len() as u32,
                given: inputs.len(),
            }
            .into());
        }
        let inputs = &inputs[..program.inputs()];
        let mut columns = Vec::with_capacity(inputs.len());
        for buffer in inputs {
            check_length("input", buffer.len(), rows)?;
            columns.push(self.pointer("input", buffer)?);
        }
        let mut out = Vec::with_capacity(program.outputs().len());
        for _ in program.outputs() {
            out.push(self.room(rows)?);
        }
        if rows > 0 {
            let kernel = self.kernel(&source(program), KERNEL)?;
            let rows = rows as u64;
            let constants = constants(program);
            let mut launch = self.stream.launch_builder(&kernel);
            for constant in &constants {
                launch.arg(constant);
            }
            for column in &columns {
                launch.arg(column);
            }
            for column in &mut out {
                launch.arg(column);
            }
            launch.arg(&rows);
            // SAFETY: the kernel was printed for these constants and this number of pointers, each to `rows` numbers
            unsafe { launch.launch(self.grid(rows as usize)) }.map_err(|e| self.failed(&e))?;
        }
        self.count_launch();
        Ok(out.into_iter().map(|slice| self.buffer(rows, slice)).collect())
    }

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        self.reduce_of(x)
    }

    fn order_statistics(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        self.order_statistics_of(x, ranks)
    }
}

impl LinearAlgebra for Cuda {
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

    fn cholesky(&self, packed: &[f64], scales: &[f64]) -> Result<Option<Decomposed>, DeviceError> {
        self.cholesky_of(packed, scales)
    }

    fn eigen(&self, matrix: &[f64], order: usize) -> Result<Option<Spectrum>, DeviceError> {
        self.eigen_of(matrix, order)
    }
}

impl GlmKernels for Cuda {
    fn moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        self.moments_of(x, weights, with, false)
    }

    fn rough_moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &Buffer,
        gram: bool,
    ) -> Result<Option<RoughMoments>, DeviceError> {
        self.rough_moments_of(x, weights, with, gram)
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
        self.transposed_residual_of(x, r)
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
        self.subtract_by_code_of(r, codes, table, multiplier)
    }

    fn step(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        self.step_of(x, step)
    }

    fn project(
        &self,
        x: &Matrix,
        centres: &[Dd],
        scales: &[f64],
        vectors: &[f64],
    ) -> Result<Option<Buffer>, DeviceError> {
        self.project_of(x, centres, scales, vectors)
    }
}
