//! An adapter: its memory, its kernels, and what it says of itself.

use std::collections::HashMap;
use std::fmt;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nelder_device::{DeviceError, Rates};

use crate::bind::Bind;
use crate::buffer_pool::{Pool, PooledBuffer};
use crate::silence::in_silence;

/// Arithmetic that all kernels have.
const SOFT: &str = include_str!("soft.wgsl");
const BY_HALVES: &str = include_str!("mul_wide.wgsl");
const BY_64: &str = include_str!("mul_wide_64.wgsl");

/// A GPU that is reached through wgpu.
pub struct Wgpu {
    pub(crate) id: String,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) about: wgpu::AdapterInfo,
    /// Names the device among those that are open.
    own: Arc<()>,
    arithmetic: String,
    pipelines: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    /// The first thing that went wrong.
    fault: Arc<Mutex<Option<Fault>>>,
    lost: Arc<AtomicBool>,
    /// Bytes that columns take.
    pub(crate) used: Arc<AtomicU64>,
    /// Bytes of a buffer that kernels see at most, beside the device's own limit.
    seen: u64,
    /// Bytes that there is room for, once that is known.
    most: AtomicU64,
    pub(crate) nothing: OnceLock<PooledBuffer>,
    /// Memory that nobody uses.
    pool: Arc<Pool>,
    /// Where what is read passes through, when nobody reads.
    pub(crate) stage: Mutex<Option<wgpu::Buffer>>,
    pub(crate) rates: OnceLock<Rates>,
    pub(crate) launches: AtomicU64,
    pub(crate) uploaded: AtomicU64,
    pub(crate) downloaded: AtomicU64,
}

/// Error that wgpu reported; `memory` is true where memory ran out.
struct Fault {
    memory: bool,
    message: String,
}

impl fmt::Debug for Wgpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wgpu({})", self.id)
    }
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

/// That what there is only imitates a GPU.
pub(crate) fn no_hardware(id: &str, name: &str) -> DeviceError {
    DeviceError::Absent {
        device: id.to_string(),
        why: format!("{name} is no GPU"),
    }
}

/// Number of adapters with compute shaders.
///
/// # Errors
/// [`DeviceError::Absent`] where there is none.
pub fn count() -> Result<usize, DeviceError> {
    match in_silence(adapters).0.len() {
        0 => Err(DeviceError::Absent {
            device: "wgpu".into(),
            why: "no driver for Vulkan, Metal or Direct3D 12 was found".into(),
        }),
        n => Ok(n),
    }
}

impl Wgpu {
    /// With those of the features that it has.
    pub(crate) fn started(
        index: usize,
        features: wgpu::Features,
        hardware: bool,
    ) -> Result<Wgpu, DeviceError> {
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
        let about = adapter.get_info();
        if hardware && about.device_type == wgpu::DeviceType::Cpu {
            return Err(no_hardware(&id, &about.name));
        }
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
            about,
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
        Ok(opened)
    }

    pub(crate) fn failed(&self, message: impl fmt::Display) -> DeviceError {
        DeviceError::Failed {
            device: self.id.clone(),
            message: message.to_string(),
        }
    }

    /// True for a GPU, false for a program that imitates one.
    pub fn is_hardware(&self) -> bool {
        self.about.device_type != wgpu::DeviceType::Cpu
    }

    /// True if the driver has given the device up: it can be opened again.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns the first fault since the last check as an error; `wanted` is the bytes asked for, for that of memory.
    pub(crate) fn checked(&self, wanted: u64) -> Result<(), DeviceError> {
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

    /// A pooled buffer for bytes that kernels read and write: anything is in it.
    pub(crate) fn pooled_buffer(&self, bytes: u64) -> Result<PooledBuffer, DeviceError> {
        let size = bytes.next_multiple_of(256).max(256);
        if size > self.device.limits().max_buffer_size {
            return Err(self.no_room(bytes));
        }
        if let Some(buffer) = self.pool.take(size) {
            return Ok(PooledBuffer::new(buffer, &self.pool));
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
        Ok(PooledBuffer::new(buffer, &self.pool))
    }

    pub(crate) fn own(&self) -> Arc<()> {
        self.own.clone()
    }

    pub(crate) fn is_own(&self, of: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.own, of)
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
    use nelder_device::Device;

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
        match Wgpu::opened(0, features, false) {
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
