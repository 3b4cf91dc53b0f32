//! An adapter: its memory, its kernels, and what it says of itself.

use std::collections::HashMap;
use std::fmt;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use nelder_device::{Buffer, DeviceError, Matrix, Rates, check_length};

use crate::columns::Survey;
use crate::rooms::{Pool, Room};

/// Arithmetic that all kernels have.
const SOFT: &str = include_str!("soft.wgsl");
const BY_HALVES: &str = include_str!("mul_wide.wgsl");
const BY_64: &str = include_str!("mul_wide_64.wgsl");

/// Threads of a workgroup.
pub(crate) const THREADS: usize = 128;
/// Bytes that are copied at a time between the host and the device.
const PIECE: usize = 64 << 20;
/// Bytes of what is read at once, at least.
const LEAST_STAGE: u64 = 1 << 20;
/// Bytes to which a binding's beginning is aligned at most.
const ALIGNED: u64 = 256;

/// A GPU that is reached through wgpu.
pub struct Wgpu {
    pub(crate) id: String,
    pub(crate) device: wgpu::Device,
    queue: wgpu::Queue,
    pub(crate) about: wgpu::AdapterInfo,
    /// Names the device among those that are open.
    own: Arc<()>,
    arithmetic: String,
    pipelines: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    /// The first thing that went wrong.
    fault: Arc<Mutex<Option<Fault>>>,
    lost: Arc<AtomicBool>,
    /// Bytes that columns take.
    used: Arc<AtomicU64>,
    /// Bytes of a buffer that kernels see at most, beside the device's own limit.
    seen: u64,
    /// Bytes that there is room for, once that is known.
    most: AtomicU64,
    nothing: OnceLock<Room>,
    /// Memory that nobody uses.
    pool: Arc<Pool>,
    /// Where what is read passes through, when nobody reads.
    stage: Mutex<Option<wgpu::Buffer>>,
    pub(crate) rates: OnceLock<Rates>,
    pub(crate) launches: AtomicU64,
    pub(crate) uploaded: AtomicU64,
    pub(crate) downloaded: AtomicU64,
}

/// What wgpu reports.
struct Fault {
    memory: bool,
    message: String,
}

impl fmt::Debug for Wgpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wgpu({})", self.id)
    }
}

/// What a buffer holds.
struct Held {
    of: Arc<()>,
    buffer: Room,
    used: Arc<AtomicU64>,
    /// What is known of columns, by their first number and their rows: numbers do not change once they are there.
    surveys: Mutex<HashMap<(usize, usize), Survey>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.used.fetch_sub(self.buffer.size(), Ordering::Relaxed);
    }
}

/// Bytes of a buffer that a kernel sees.
#[derive(Clone, Copy)]
pub(crate) struct Bind<'b> {
    pub buffer: &'b wgpu::Buffer,
    pub from: u64,
    pub bytes: u64,
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

fn instance() -> wgpu::Instance {
    let mut wanted = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    wanted.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(wanted)
}

/// Adapters that have compute shaders: GPUs before what imitates them.
fn adapters() -> Vec<wgpu::Adapter> {
    let mut found = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::all()));
    found.retain(|a| {
        a.get_downlevel_capabilities()
            .flags
            .contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
    });
    found.sort_by_key(|a| match a.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        _ => 3,
    });
    found
}

/// How many adapters there are.
///
/// # Errors
/// [`DeviceError::Absent`] where there is none.
pub fn count() -> Result<usize, DeviceError> {
    match adapters().len() {
        0 => Err(DeviceError::Absent {
            device: "wgpu".into(),
            why: "no driver for Vulkan, Metal or Direct3D 12 was found".into(),
        }),
        n => Ok(n),
    }
}

impl Wgpu {
    /// Opens adapter `index`, from 0: GPUs come before what imitates them.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] for an index that is not there; [`DeviceError::Failed`] where the driver refuses, and where
    /// the device computes something else than the CPU.
    pub fn open(index: usize) -> Result<Wgpu, DeviceError> {
        Wgpu::opened(index, wgpu::Features::SHADER_INT64)
    }

    /// With those of the features that it has.
    fn opened(index: usize, features: wgpu::Features) -> Result<Wgpu, DeviceError> {
        let id = format!("wgpu:{index}");
        let found = adapters();
        let failed = |message: String| DeviceError::Failed {
            device: id.clone(),
            message,
        };
        let there = found.len();
        let adapter = found.into_iter().nth(index).ok_or_else(|| DeviceError::Absent {
            device: id.clone(),
            why: match there {
                0 => "no driver for Vulkan, Metal or Direct3D 12 was found".into(),
                n => format!("there are {n}, numbered from 0"),
            },
        })?;
        let wide = adapter.features() & features;
        let wanted = wgpu::DeviceDescriptor {
            label: None,
            required_features: wide,
            required_limits: adapter.limits(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&wanted)).map_err(|e| failed(e.to_string()))?;
        let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
        let (first, last) = (fault.clone(), fault.clone());
        let lost: Arc<AtomicBool> = Arc::default();
        let gone = lost.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let memory = matches!(error, wgpu::Error::OutOfMemory { .. });
            let message = error.to_string();
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(Fault { memory, message });
        }));
        device.set_device_lost_callback(move |_, message| {
            gone.store(true, Ordering::Relaxed);
            let message = format!("the device was lost: {message}");
            let mut first = last.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(Fault {
                memory: false,
                message,
            });
        });
        let product = if wide.is_empty() { BY_HALVES } else { BY_64 };
        let opened = Wgpu {
            about: adapter.get_info(),
            device,
            queue,
            own: Arc::new(()),
            arithmetic: format!("{product}{SOFT}"),
            pipelines: Mutex::default(),
            fault,
            lost,
            used: Arc::default(),
            seen: u64::MAX,
            most: AtomicU64::new(u64::MAX),
            nothing: OnceLock::new(),
            pool: Arc::default(),
            stage: Mutex::default(),
            rates: OnceLock::new(),
            launches: AtomicU64::new(0),
            uploaded: AtomicU64::new(0),
            downloaded: AtomicU64::new(0),
            id,
        };
        crate::probe::check(&opened)?;
        Ok(opened)
    }

    pub(crate) fn failed(&self, message: impl fmt::Display) -> DeviceError {
        DeviceError::Failed {
            device: self.id.clone(),
            message: message.to_string(),
        }
    }

    /// Whether it is a GPU, and no program that imitates one.
    pub fn is_hardware(&self) -> bool {
        self.about.device_type != wgpu::DeviceType::Cpu
    }

    /// Whether the driver has given it up: it can be opened again.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// What went wrong since the last look.
    fn checked(&self, wanted: u64) -> Result<(), DeviceError> {
        if self.is_lost() {
            return Err(self.failed("the device was lost; the next fit opens it again"));
        }
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        match fault {
            None => Ok(()),
            Some(Fault { memory: true, .. }) => Err(self.no_room(wanted)),
            Some(fault) => Err(self.failed(fault.message)),
        }
    }

    /// Bytes that a fit may take: what a buffer may have, until an allocation has failed.
    pub(crate) fn most_room(&self) -> u64 {
        let most = self.device.limits().max_buffer_size;
        most.min(self.most.load(Ordering::Relaxed))
    }

    /// Drivers do not tell what is free. When they refuse, what this process holds did fit, or half of what it wanted may.
    fn no_room(&self, wanted: u64) -> DeviceError {
        let total = self.device.limits().max_buffer_size;
        let used = self.used.load(Ordering::Relaxed);
        let free = match wanted > total {
            true => total,
            false => used.max(wanted / 2),
        };
        self.most.fetch_min(free, Ordering::Relaxed);
        DeviceError::Memory {
            device: self.id.clone(),
            wanted,
            free,
            total,
        }
    }

    /// Lets kernels see no more than so many bytes of a buffer at a time: to test what happens on devices with little.
    #[must_use]
    pub fn seeing(mut self, bytes: u64) -> Wgpu {
        self.seen = bytes;
        self
    }

    /// The largest number of bytes that a kernel sees of a buffer.
    pub(crate) fn most_bound(&self) -> u64 {
        let limits = self.device.limits();
        // places in it are counted in 32 bits
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
            .min(1 << 34)
            .min(self.seen)
    }

    /// Room for bytes that kernels read and write: anything is in it.
    pub(crate) fn room_for(&self, bytes: u64) -> Result<Room, DeviceError> {
        let size = bytes.next_multiple_of(256).max(256);
        if size > self.device.limits().max_buffer_size {
            return Err(self.no_room(bytes));
        }
        if let Some(buffer) = self.pool.take(size) {
            return Ok(Room::new(buffer, &self.pool));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let made = || {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let mut buffer = made();
        let full = {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.take_if(|f| f.memory && self.pool.clear()).is_some()
        };
        if full {
            // what lay idle is free once the device has done with it
            self.wait()?;
            buffer = made();
        }
        self.checked(bytes)?;
        Ok(Room::new(buffer, &self.pool))
    }

    /// Room for numbers.
    pub(crate) fn numbers(&self, len: usize) -> Result<Buffer, DeviceError> {
        Ok(self.buffer(len, self.room_for(8 * len as u64)?))
    }

    pub(crate) fn buffer(&self, len: usize, buffer: Room) -> Buffer {
        self.used.fetch_add(buffer.size(), Ordering::Relaxed);
        let held = Held {
            of: self.own.clone(),
            buffer,
            used: self.used.clone(),
            surveys: Mutex::default(),
        };
        Buffer::new(len, held)
    }

    /// What is known of all columns of a matrix.
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

    pub(crate) fn own(&self) -> Arc<()> {
        self.own.clone()
    }

    pub(crate) fn is_own(&self, of: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.own, of)
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

    /// Whole numbers for kernels to read.
    pub(crate) fn words(&self, values: &[u32]) -> Result<Room, DeviceError> {
        let buffer = self.room_for(4 * values.len() as u64)?;
        for (k, piece) in values.chunks(PIECE / 4).enumerate() {
            self.queue
                .write_buffer(&buffer, (k * PIECE) as u64, bytemuck::cast_slice(piece));
            if values.len() > PIECE / 4 {
                self.queue.submit([]);
            }
        }
        self.checked(4 * values.len() as u64)?;
        Ok(buffer)
    }

    /// Whole numbers into a buffer, from word `at` on.
    pub(crate) fn write(&self, buffer: &wgpu::Buffer, at: usize, values: &[u32]) {
        self.queue
            .write_buffer(buffer, 4 * at as u64, bytemuck::cast_slice(values));
    }

    /// What stands for a vector that is not there.
    pub(crate) fn nowhere(&self) -> Result<Span<'_>, DeviceError> {
        let bind = self.whole(self.nothing()?);
        Ok(Span { bind, skip: 0 })
    }

    /// What is bound where there is nothing to read.
    fn nothing(&self) -> Result<&wgpu::Buffer, DeviceError> {
        if let Some(buffer) = self.nothing.get() {
            return Ok(buffer);
        }
        let buffer = self.room_for(64)?;
        Ok(self.nothing.get_or_init(|| buffer))
    }

    pub(crate) fn whole<'b>(&self, buffer: &'b wgpu::Buffer) -> Bind<'b> {
        Bind {
            buffer,
            from: 0,
            bytes: buffer.size(),
        }
    }

    /// Columns, one after another, into memory.
    pub(crate) fn written(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        let len: usize = columns.iter().map(|c| c.len()).sum();
        let buffer = self.room_for(8 * len as u64)?;
        let (mut at, mut pending) = (0u64, 0);
        for column in columns {
            for piece in column.chunks(PIECE / 8) {
                self.queue.write_buffer(&buffer, at, bytemuck::cast_slice(piece));
                at += 8 * piece.len() as u64;
                pending += 8 * piece.len();
                if pending >= PIECE {
                    // what is written waits in the host's memory until then
                    self.queue.submit([]);
                    self.wait()?;
                    pending = 0;
                }
            }
        }
        self.uploaded.fetch_add(8 * len as u64, Ordering::Relaxed);
        self.checked(8 * len as u64)?;
        Ok(self.buffer(len, buffer))
    }

    pub(crate) fn wait(&self) -> Result<(), DeviceError> {
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| self.failed(e))?;
        self.checked(0)
    }

    /// Bytes from the device, given to `take` piece by piece.
    pub(crate) fn read(
        &self,
        buffer: &wgpu::Buffer,
        from: u64,
        bytes: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), DeviceError> {
        if bytes == 0 {
            return self.checked(0);
        }
        let most = (bytes as usize).min(PIECE) as u64;
        let idle = self.stage.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stage = match idle.filter(|s| s.size() >= most) {
            Some(stage) => stage,
            None => self.device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: most.next_multiple_of(LEAST_STAGE),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
        };
        self.checked(most)?;
        let mut at = 0;
        while at < bytes {
            let some = most.min(bytes - at);
            let mut encoder = self.device.create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(buffer, from + at, &stage, 0, some);
            self.queue.submit([encoder.finish()]);
            let (told, tells) = mpsc::channel();
            stage.map_async(wgpu::MapMode::Read, 0..some, move |outcome| {
                // whoever waits has gone where this fails
                let _ = told.send(outcome);
            });
            self.wait()?;
            tells
                .recv()
                .map_err(|e| self.failed(e))?
                .map_err(|e| self.failed(e))?;
            {
                let view = stage.get_mapped_range(0..some).map_err(|e| self.failed(e))?;
                take(&view);
            }
            stage.unmap();
            at += some;
        }
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
        self.downloaded.fetch_add(bytes, Ordering::Relaxed);
        self.checked(bytes)
    }

    pub(crate) fn read_words(&self, buffer: &wgpu::Buffer, len: usize) -> Result<Vec<u32>, DeviceError> {
        let mut out: Vec<u32> = Vec::with_capacity(len);
        self.read(buffer, 0, 4 * len as u64, |bytes| {
            out.extend(
                bytes
                    .chunks_exact(4)
                    .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            );
        })?;
        Ok(out)
    }

    /// Copies bytes between buffers.
    pub(crate) fn copy(&self, parts: &[(&wgpu::Buffer, u64, &wgpu::Buffer, u64, u64)]) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for (from, at, to, place, bytes) in parts {
            if *bytes > 0 {
                encoder.copy_buffer_to_buffer(from, *at, to, *place, *bytes);
            }
        }
        self.queue.submit([encoder.finish()]);
    }

    /// The kernel `entry` of a text.
    fn pipeline(&self, text: &str, entry: &str) -> Result<wgpu::ComputePipeline, DeviceError> {
        let key = format!("{entry}\n{text}");
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = pipelines.get(&key) {
            return Ok(found.clone());
        }
        let source = format!("{}{text}", self.arithmetic);
        let shader = wgpu::ShaderModuleDescriptor {
            label: Some(entry),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        // SAFETY: kernels keep to the places that their sizes give, and their loops end
        let module = unsafe {
            self.device
                .create_shader_module_trusted(shader, wgpu::ShaderRuntimeChecks::unchecked())
        };
        self.checked(0)?;
        let pipeline = self
            .device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: None,
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            });
        self.checked(0)?;
        pipelines.insert(key, pipeline.clone());
        Ok(pipeline)
    }

    /// Runs a kernel: binding 0 are the `sizes`, the others have their numbers.
    pub(crate) fn dispatch(
        &self,
        text: &str,
        entry: &str,
        sizes: &[u32],
        bound: &[(u32, Bind<'_>)],
        groups: [usize; 3],
    ) -> Result<(), DeviceError> {
        if groups.contains(&0) {
            return Ok(());
        }
        let most = self.device.limits().max_compute_workgroups_per_dimension as usize;
        if groups.iter().any(|g| *g > most) {
            return Err(self.failed(format!("{entry}: {groups:?} workgroups are too many")));
        }
        let pipeline = self.pipeline(text, entry)?;
        let sizes = self.words(sizes)?;
        let mut all = vec![(0, self.whole(&sizes))];
        all.extend_from_slice(bound);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = all
            .iter()
            .map(|(binding, b)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: b.buffer,
                    offset: b.from,
                    size: wgpu::BufferSize::new(b.bytes),
                }),
            })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(entry),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            let [x, y, z] = groups.map(|g| g as u32);
            pass.dispatch_workgroups(x, y, z);
        }
        self.queue.submit([encoder.finish()]);
        self.checked(0)
    }

    pub(crate) fn count_upload(&self, bytes: usize) {
        self.uploaded.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_launch(&self) {
        self.launches.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use nelder_device::Backend;

    /// A device; without one a test says so, and fails in CI.
    pub(crate) fn opened() -> Option<Wgpu> {
        opened_with(false)
    }

    /// One that multiplies words by halves, or as it can.
    pub(crate) fn opened_with(by_halves: bool) -> Option<Wgpu> {
        let features = match by_halves {
            true => wgpu::Features::empty(),
            false => wgpu::Features::SHADER_INT64,
        };
        match Wgpu::opened(0, features) {
            Ok(device) => Some(device),
            Err(DeviceError::Absent { why, .. }) if std::env::var_os("CI").is_none() => {
                println!("not tested, {why}: mesa-vulkan-drivers brings a device");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_lost_device_is_an_error_and_another_works() {
        let Some(device) = opened() else { return };
        let held = device.upload(&[1.0, 2.0]).unwrap();
        device.device.destroy();
        for _ in 0..2 {
            assert!(device.upload(&[1.0]).is_err());
            assert!(device.download(&held).is_err());
        }
        assert!(device.is_lost());
        let Some(other) = opened() else { return };
        let back = other.download(&other.upload(&[1.0, 2.0]).unwrap()).unwrap();
        assert_eq!(back, [1.0, 2.0]);
        // what the lost one held is not the other's
        assert!(matches!(other.download(&held), Err(DeviceError::Foreign { .. })));
    }

    #[test]
    fn what_has_no_room_is_an_error_with_its_size() {
        let Some(device) = opened() else { return };
        let most = device.device.limits().max_buffer_size;
        match device.numbers((most / 8) as usize + 8) {
            Err(DeviceError::Memory { wanted, .. }) => assert!(wanted > most),
            other => panic!("{other:?}"),
        }
        assert!(device.upload(&[1.0]).is_ok());
    }

    #[test]
    fn an_index_out_of_range_says_how_many_there_are() {
        let error = Wgpu::open(997).unwrap_err().to_string();
        assert!(
            error.contains("wgpu:997") && error.contains("numbered from 0"),
            "{error}"
        );
    }
}
