//! Memory that is used again: drivers take a tenth of a millisecond for each megabyte that they clear or map.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that lie idle at most.
const MOST: u64 = 1 << 30;
/// Buffers that lie idle at most.
const MANY: usize = 256;

/// Buffers that nobody uses, the one that came last at the end.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<wgpu::Buffer>>);

impl Pool {
    /// One of at least so many bytes, and not many more.
    pub(crate) fn take(&self, bytes: u64) -> Option<wgpu::Buffer> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |b: &wgpu::Buffer| (bytes..=bytes + bytes / 4).contains(&b.size());
        let at = (0..idle.len())
            .filter(|&k| fits(&idle[k]))
            .min_by_key(|&k| idle[k].size())?;
        Some(idle.remove(at))
    }

    fn give(&self, buffer: wgpu::Buffer) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(buffer);
        let mut total: u64 = idle.iter().map(wgpu::Buffer::size).sum();
        while total > MOST || idle.len() > MANY {
            total -= idle.remove(0).size();
        }
    }

    /// Lets go of all; whether there was one.
    pub(crate) fn clear(&self) -> bool {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let some = !idle.is_empty();
        idle.clear();
        some
    }
}

/// A buffer that goes to the idle ones when it is dropped. What it holds at first is anything. Kernels that were given to the
/// queue before may still use it: those that come after wait for them.
#[derive(Debug)]
pub(crate) struct PooledBuffer {
    buffer: wgpu::Buffer,
    pool: Arc<Pool>,
}

impl PooledBuffer {
    pub(crate) fn new(buffer: wgpu::Buffer, pool: &Arc<Pool>) -> PooledBuffer {
        PooledBuffer {
            buffer,
            pool: pool.clone(),
        }
    }
}

impl Deref for PooledBuffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        self.pool.give(self.buffer.clone());
    }
}
