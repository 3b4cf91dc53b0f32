//! A CUDA device behind the verbs of [`Backend`].

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use cudarc::cublas::{self, CudaBlas, sys::cublasOperation_t};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DevicePtrMut, DriverError, LaunchConfig,
    PushKernelArg, sys,
};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};
use nelder_device::{
    Backend, Buffer, Counters, Dd, Description, DeviceError, Program, check_length, run_rows,
};

use crate::cache;
use crate::print::{KERNEL, source};
use crate::staging::{LEAST_DOWNLOAD, LEAST_UPLOAD, Staging};

/// The oldest driver interface that is spoken, as the driver numbers it: CUDA 12.0.
const OLDEST_DRIVER: i32 = 12_000;

/// Kernels beside those of programs.
const SCALE: &str = "extern \"C\" __global__ void nelder_scale(const double* __restrict__ a, const double* __restrict__ w, \
double* __restrict__ out, unsigned long long rows, unsigned long long columns) {\n\
  const unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;\n\
  unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;\n\
  for (; i < rows; i += step) {\n\
    const double weight = w[i];\n\
    for (unsigned long long j = blockIdx.y; j < columns; j += gridDim.y) out[j * rows + i] = a[j * rows + i] * weight;\n\
  }\n}\n";
/// Sums in twice the precision.
const TWICE: &str = include_str!("twice.cu");

const SCALE_KERNEL: &str = "nelder_scale";

/// Threads of a block.
const THREADS: u32 = 256;

/// A CUDA device.
pub struct Cuda {
    id: String,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    blas: Mutex<CudaBlas>,
    kernels: Mutex<HashMap<String, CudaFunction>>,
    staging: Staging,
    /// Blocks of a launch that keep the device busy.
    blocks: u32,
    arch: String,
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

/// What of the driver and the libraries is missing, or `None`.
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

/// How many CUDA devices there are.
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
            launches: AtomicU64::new(0),
            uploaded: AtomicU64::new(0),
            downloaded: AtomicU64::new(0),
            id,
        })
    }

    fn failed(&self, error: &dyn fmt::Display) -> DeviceError {
        DeviceError::Failed {
            device: self.id.clone(),
            message: error.to_string(),
        }
    }

    /// The error of an allocation of `len` numbers.
    fn no_room(&self, error: &DriverError, len: usize) -> DeviceError {
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

    /// Room for numbers, all of which whoever asks will write.
    fn room(&self, len: usize) -> Result<CudaSlice<f64>, DeviceError> {
        self.bind()?;
        // SAFETY: programs, products and copies write every number before any is read. An allocation of nothing is an
        // error to the driver
        unsafe { self.stream.alloc::<f64>(len.max(1)) }.map_err(|e| self.no_room(&e, len))
    }

    /// Calls may come from any thread.
    fn bind(&self) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(|e| self.failed(&e))
    }

    fn count_launch(&self) {
        self.launches.fetch_add(1, Ordering::Relaxed);
    }

    fn blas(&self) -> MutexGuard<'_, CudaBlas> {
        self.blas.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A kernel, from the process's cache, the disk's, or the compiler.
    fn kernel(&self, text: &str, name: &str) -> Result<CudaFunction, DeviceError> {
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

    fn buffer(&self, len: usize, slice: CudaSlice<f64>) -> Buffer {
        let context = self.context.clone();
        Buffer::new(len, Held { context, slice })
    }

    fn download_slice(&self, slice: &CudaSlice<f64>, len: usize) -> Result<Vec<f64>, DeviceError> {
        self.bind()?;
        let out = if len >= LEAST_DOWNLOAD {
            let mut out = vec![0.0; len];
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
            let (from, _from) = slice.device_ptr(&self.stream);
            // SAFETY: the stream that writes to it has come to its end
            unsafe { self.staging.download(from, &mut out) }.map_err(|e| self.failed(&e))?;
            out
        } else {
            let mut out = self.stream.clone_dtoh(slice).map_err(|e| self.failed(&e))?;
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
            out.truncate(len);
            out
        };
        self.downloaded.fetch_add(8 * len as u64, Ordering::Relaxed);
        Ok(out)
    }

    fn grid(&self, work: usize) -> LaunchConfig {
        let wanted = work.div_ceil(THREADS as usize).max(1);
        LaunchConfig {
            grid_dim: (u32::try_from(wanted).unwrap_or(u32::MAX).min(self.blocks), 1, 1),
            block_dim: (THREADS, 1, 1),
            shared_mem_bytes: 0,
        }
    }

    /// Whole numbers as cuBLAS takes them.
    fn dimension(&self, n: usize) -> Result<i32, DeviceError> {
        i32::try_from(n)
            .map_err(|_| self.failed(&format!("{n} rows or columns are too many for one product")))
    }
}

/// What a buffer holds.
struct Held {
    context: Arc<CudaContext>,
    slice: CudaSlice<f64>,
}

impl Backend for Cuda {
    fn describe(&self) -> Description {
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
    }

    fn counters(&self) -> Counters {
        Counters {
            launches: self.launches.load(Ordering::Relaxed),
            uploaded: self.uploaded.load(Ordering::Relaxed),
            downloaded: self.downloaded.load(Ordering::Relaxed),
        }
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.bind()?;
        self.stream.synchronize().map_err(|e| self.failed(&e))
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        let mut slice = self.room(values.len())?;
        if values.len() >= LEAST_UPLOAD {
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
            let (to, _to) = slice.device_ptr_mut(&self.stream);
            // SAFETY: the room is for these numbers, and was allocated before the stream came to its end
            unsafe { self.staging.upload(values, to) }.map_err(|e| self.failed(&e))?;
        } else if !values.is_empty() {
            self.stream
                .memcpy_htod(values, &mut slice)
                .map_err(|e| self.failed(&e))?;
            self.stream.synchronize().map_err(|e| self.failed(&e))?;
        }
        self.uploaded
            .fetch_add(8 * values.len() as u64, Ordering::Relaxed);
        Ok(self.buffer(values.len(), slice))
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        self.download_slice(self.slice("buffer", buffer)?, buffer.len())
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
            columns.push(self.slice("input", buffer)?);
        }
        let mut out = Vec::with_capacity(program.outputs().len());
        for _ in program.outputs() {
            out.push(self.room(rows)?);
        }
        if rows > 0 {
            let kernel = self.kernel(&source(program), KERNEL)?;
            let rows = rows as u64;
            let mut launch = self.stream.launch_builder(&kernel);
            for column in &columns {
                launch.arg(*column);
            }
            for column in &mut out {
                launch.arg(column);
            }
            launch.arg(&rows);
            // SAFETY: the kernel was printed for this number of pointers, each to `rows` numbers
            unsafe { launch.launch(self.grid(rows as usize)) }.map_err(|e| self.failed(&e))?;
        }
        self.count_launch();
        Ok(out.into_iter().map(|slice| self.buffer(rows, slice)).collect())
    }

    fn gram(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        weights: Option<&Buffer>,
    ) -> Result<Vec<Dd>, DeviceError> {
        check_length("matrix", matrix.len(), rows * columns)?;
        let a = self.slice("matrix", matrix)?;
        let weighted = match weights {
            None => None,
            Some(w) => {
                check_length("weights", w.len(), rows)?;
                let w = self.slice("weights", w)?;
                let mut scaled = self.room(rows * columns)?;
                let kernel = self.kernel(SCALE, SCALE_KERNEL)?;
                let (n, p) = (rows as u64, columns as u64);
                let mut launch = self.stream.launch_builder(&kernel);
                launch.arg(a).arg(w).arg(&mut scaled).arg(&n).arg(&p);
                if rows * columns > 0 {
                    let mut grid = self.grid(rows);
                    // few rows: several columns at a time keep the device busy
                    grid.grid_dim.1 = (self.blocks / grid.grid_dim.0).clamp(1, columns.min(1024) as u32);
                    // SAFETY: the matrices have n x p numbers, the weights n
                    unsafe { launch.launch(grid) }.map_err(|e| self.failed(&e))?;
                }
                Some(scaled)
            }
        };
        self.count_launch();
        if rows == 0 || columns == 0 {
            return Ok(vec![Dd::ZERO; columns * columns]);
        }
        // the gram of each run of rows, then their sum
        let size = columns * columns;
        let run = run_rows(rows, columns);
        let (whole, rest) = (rows / run, rows % run);
        let parts = whole + usize::from(rest > 0);
        let mut grams = self.room(parts * size)?;
        let (n, p) = (self.dimension(rows)?, self.dimension(columns)?);
        {
            let blas = self.blas();
            let (a, _a) = a.device_ptr(&self.stream);
            let b = weighted.as_ref().map(|b| b.device_ptr(&self.stream));
            let b = b.as_ref().map_or(a, |(b, _)| *b);
            let (c, _c) = grams.device_ptr_mut(&self.stream);
            let (one, zero) = (1.0f64, 0.0f64);
            let from = |start: sys::CUdeviceptr, numbers: usize| start + (8 * numbers) as sys::CUdeviceptr;
            let gram = |first: usize, length: usize, count: usize, to: usize| {
                // SAFETY: `count` runs of `length` rows lie one after another in A and B, n x p column by column, and
                // there is room for a p x p matrix for each
                unsafe {
                    cublas::result::dgemm_strided_batched(
                        *blas.handle(),
                        cublasOperation_t::CUBLAS_OP_T,
                        cublasOperation_t::CUBLAS_OP_N,
                        p,
                        p,
                        self.dimension(length)?,
                        &one,
                        from(a, first) as *const f64,
                        n,
                        length as i64,
                        from(b, first) as *const f64,
                        n,
                        length as i64,
                        &zero,
                        from(c, to * size) as *mut f64,
                        p,
                        size as i64,
                        self.dimension(count)?,
                    )
                }
                .map_err(|e| self.failed(&e))
            };
            if whole > 0 {
                gram(0, run, whole, 0)?;
            }
            if rest > 0 {
                gram(whole * run, rest, 1, whole)?;
            }
        }
        self.merged(&grams, None, size, parts)
    }

    fn product(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        x: &[f64],
    ) -> Result<Buffer, DeviceError> {
        check_length("x", x.len(), columns)?;
        if columns == 0 {
            return self.upload(&vec![0.0; rows]);
        }
        let out = self.times(matrix, rows, columns, &self.upload(x)?, false)?;
        Ok(self.buffer(rows, out))
    }

    fn transposed_product(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        y: &Buffer,
    ) -> Result<Vec<f64>, DeviceError> {
        check_length("y", y.len(), rows)?;
        let out = self.times(matrix, rows, columns, y, true)?;
        if rows == 0 {
            return Ok(vec![0.0; columns]);
        }
        self.download_slice(&out, columns)
    }

    fn residual(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        x: &[Dd],
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        check_length("x", x.len(), columns)?;
        check_length("y", y.len(), rows)?;
        check_length("matrix", matrix.len(), rows * columns)?;
        let (a, y) = (self.slice("matrix", matrix)?, self.slice("y", y)?);
        let part = |of: fn(&Dd) -> f64| self.upload(&x.iter().map(of).collect::<Vec<f64>>());
        let (xh, xl) = (part(|x| x.hi)?, part(|x| x.lo)?);
        let (mut high, mut low) = (self.room(rows)?, self.room(rows)?);
        self.count_launch();
        if rows > 0 {
            let kernel = self.kernel(TWICE, "nelder_residual")?;
            let (n, p) = (rows as u64, columns as u64);
            let (xh, xl) = (self.slice("x", &xh)?, self.slice("x", &xl)?);
            let mut launch = self.stream.launch_builder(&kernel);
            launch.arg(a).arg(xh).arg(xl).arg(y);
            launch.arg(&mut high).arg(&mut low).arg(&n).arg(&p);
            // SAFETY: n x p numbers are behind the matrix, p behind x, n behind the others
            unsafe { launch.launch(self.grid(rows)) }.map_err(|e| self.failed(&e))?;
        }
        Ok((self.buffer(rows, high), self.buffer(rows, low)))
    }

    fn transposed_residual(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        r: (&Buffer, &Buffer),
    ) -> Result<Vec<Dd>, DeviceError> {
        check_length("r", r.0.len(), rows)?;
        check_length("r", r.1.len(), rows)?;
        check_length("matrix", matrix.len(), rows * columns)?;
        let a = self.slice("matrix", matrix)?;
        let (rh, rl) = (self.slice("r", r.0)?, self.slice("r", r.1)?);
        self.count_launch();
        if rows == 0 || columns == 0 {
            return Ok(vec![Dd::ZERO; columns]);
        }
        let wide = columns.min(32_768) as u32;
        // enough blocks for all columns together to keep the device busy
        let blocks = (2 * self.blocks / wide).clamp(1, self.grid(rows).grid_dim.0);
        let parts = blocks as usize;
        let (mut high, mut low) = (self.room(parts * columns)?, self.room(parts * columns)?);
        let kernel = self.kernel(TWICE, "nelder_transposed")?;
        let (n, p) = (rows as u64, columns as u64);
        let mut launch = self.stream.launch_builder(&kernel);
        launch
            .arg(a)
            .arg(rh)
            .arg(rl)
            .arg(&mut high)
            .arg(&mut low)
            .arg(&n)
            .arg(&p);
        let grid = LaunchConfig {
            grid_dim: (blocks, wide, 1),
            ..self.grid(rows)
        };
        // SAFETY: n x p numbers are behind the matrix, n behind r, a number for each block and column behind the sums
        unsafe { launch.launch(grid) }.map_err(|e| self.failed(&e))?;
        self.merged(&high, Some(&low), columns, parts)
    }
}

impl Cuda {
    /// Sums of `parts` numbers that lie `size` apart, in twice the precision.
    fn merged(
        &self,
        high: &CudaSlice<f64>,
        low: Option<&CudaSlice<f64>>,
        size: usize,
        parts: usize,
    ) -> Result<Vec<Dd>, DeviceError> {
        let kernel = self.kernel(TWICE, "nelder_merge")?;
        let (mut sum_high, mut sum_low) = (self.room(size)?, self.room(size)?);
        let (numbers, count, has_low) = (size as u64, parts as u64, u64::from(low.is_some()));
        let mut launch = self.stream.launch_builder(&kernel);
        launch.arg(high).arg(low.unwrap_or(high));
        launch.arg(&mut sum_high).arg(&mut sum_low);
        launch.arg(&numbers).arg(&count).arg(&has_low);
        // SAFETY: `parts` times `size` numbers are behind the first two, `size` behind the others
        unsafe { launch.launch(self.grid(size)) }.map_err(|e| self.failed(&e))?;
        let high = self.download_slice(&sum_high, size)?;
        let low = self.download_slice(&sum_low, size)?;
        Ok(high.into_iter().zip(low).map(|(hi, lo)| Dd { hi, lo }).collect())
    }

    /// A x, or Aᵀ x.
    fn times(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        x: &Buffer,
        transposed: bool,
    ) -> Result<CudaSlice<f64>, DeviceError> {
        check_length("matrix", matrix.len(), rows * columns)?;
        let a = self.slice("matrix", matrix)?;
        let x = self.slice("vector", x)?;
        let mut out = self.room(if transposed { columns } else { rows })?;
        self.count_launch();
        let (n, p) = (self.dimension(rows)?, self.dimension(columns)?);
        if n > 0 && p > 0 {
            let blas = self.blas();
            let (a, _a) = a.device_ptr(&self.stream);
            let (x, _x) = x.device_ptr(&self.stream);
            let (y, _y) = out.device_ptr_mut(&self.stream);
            let (one, zero) = (1.0f64, 0.0f64);
            let operation = match transposed {
                true => cublasOperation_t::CUBLAS_OP_T,
                false => cublasOperation_t::CUBLAS_OP_N,
            };
            // SAFETY: A is n x p column by column, and the vectors are as long as the operation wants
            unsafe {
                cublas::result::dgemv(
                    *blas.handle(),
                    operation,
                    n,
                    p,
                    &one,
                    a as *const f64,
                    n,
                    x as *const f64,
                    1,
                    &zero,
                    y as *mut f64,
                    1,
                )
            }
            .map_err(|e| self.failed(&e))?;
        }
        Ok(out)
    }
}
