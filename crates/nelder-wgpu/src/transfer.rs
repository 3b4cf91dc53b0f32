//! Copies between the host and the device.

use std::sync::atomic::Ordering;
use std::sync::{PoisonError, mpsc};

use nelder_device::{Buffer, DeviceError};

use crate::buffer_pool::PooledBuffer;
use crate::device::Wgpu;

/// Bytes that are copied at a time between the host and the device.
const PIECE: usize = 64 << 20;
/// Bytes of what is read at once, at least.
const LEAST_STAGE: u64 = 1 << 20;
impl Wgpu {
    /// Whole numbers for kernels to read.
    pub(crate) fn words(&self, values: &[u32]) -> Result<PooledBuffer, DeviceError> {
        let buffer = self.pooled_buffer(4 * values.len() as u64)?;
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

    /// Columns, one after another, into memory.
    pub(crate) fn written(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        let len: usize = columns.iter().map(|c| c.len()).sum();
        let buffer = self.pooled_buffer(8 * len as u64)?;
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
}
