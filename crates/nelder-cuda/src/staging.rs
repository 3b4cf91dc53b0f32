//! Copies between the host's memory and the device through pinned buffers.
//!
//! Memory that the system may page out goes to the device through a buffer of the driver's, one thread at a time: 8 GB/s
//! where the bus carries 55. Here several lanes, each a thread with a stream and two pinned buffers, take pieces in turn:
//! one buffer is filled while the other is on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cudarc::driver::{CudaContext, CudaEvent, CudaStream, DriverError, PinnedHostSlice, result, sys};

/// Numbers of a piece: 8 MB.
const PIECE: usize = 1 << 20;

/// The same at least, of downloads: 256 KB.
const LEAST_PIECE: usize = 1 << 15;

/// Uploads of fewer numbers are not worth the lanes.
pub const LEAST_UPLOAD: usize = PIECE / 2;

/// Downloads of fewer are not; the driver's own are much slower than its uploads.
pub const LEAST_DOWNLOAD: usize = PIECE / 8;

/// Lanes at most; each takes 16 MB of pinned memory.
const LANES: usize = 8;

struct Pinned {
    // held for its memory
    _slice: PinnedHostSlice<f64>,
    memory: *mut f64,
    sent: CudaEvent,
}

struct Lane {
    stream: Arc<CudaStream>,
    buffers: [Pinned; 2],
}

// SAFETY: a lane is used by one thread at a time, which binds the context first; pinned memory is the process's
unsafe impl Send for Lane {}

/// The lanes of a device, made when they are first needed.
pub struct Staging {
    context: Arc<CudaContext>,
    lanes: Mutex<Vec<Lane>>,
}

fn pinned(context: &Arc<CudaContext>) -> Result<Pinned, DriverError> {
    // SAFETY: each piece is written before it is read; no flag, so that the host reads it at full speed
    let mut slice = unsafe { context.alloc_pinned_with_flags::<f64>(PIECE, 0)? };
    let memory = slice.as_mut_ptr()?;
    let sent = context.new_event(None)?;
    Ok(Pinned {
        _slice: slice,
        memory,
        sent,
    })
}

/// Columns one after another in pieces of a buffer's size or less: where a piece begins, and parts of columns that it consists
/// of.
fn pieces<'c>(columns: &[&'c [f64]]) -> Vec<(usize, Vec<&'c [f64]>)> {
    let total: usize = columns.iter().map(|c| c.len()).sum();
    // each lane has something to do
    let most = total.div_ceil(4 * LANES).clamp(LEAST_PIECE, PIECE);
    let mut pieces: Vec<(usize, Vec<&[f64]>)> = Vec::new();
    let (mut at, mut room) = (0, 0);
    for column in columns {
        let mut rest = *column;
        while !rest.is_empty() {
            if room == 0 {
                pieces.push((at, Vec::new()));
                room = most;
            }
            let (part, after) = rest.split_at(room.min(rest.len()));
            if let Some((_, parts)) = pieces.last_mut() {
                parts.push(part);
            }
            (at, room, rest) = (at + part.len(), room - part.len(), after);
        }
    }
    pieces
}

impl Staging {
    /// No lanes yet.
    pub fn new(context: Arc<CudaContext>) -> Self {
        Staging {
            context,
            lanes: Mutex::new(Vec::new()),
        }
    }

    /// Runs `work` on as many lanes as there are pieces, each on a thread of its own.
    fn on_lanes(
        &self,
        pieces: usize,
        work: impl Fn(&CudaContext, &mut Lane) -> Result<(), DriverError> + Sync,
    ) -> Result<(), DriverError> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.is_empty() {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            for _ in 0..threads.clamp(1, LANES) {
                lanes.push(Lane {
                    stream: self.context.new_stream()?,
                    buffers: [pinned(&self.context)?, pinned(&self.context)?],
                });
            }
        }
        let (context, work) = (&self.context, &work);
        std::thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .iter_mut()
                .take(pieces)
                .map(|lane| {
                    scope.spawn(move || {
                        context.bind_to_thread()?;
                        let done = work(context, lane);
                        // buffers are free again, whatever happened
                        lane.stream.synchronize()?;
                        done
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or(Err(DriverError(sys::CUresult::CUDA_ERROR_UNKNOWN)))
            })
        })
    }

    /// Copies columns to the device's memory at `to`, one after another.
    ///
    /// # Safety
    /// `to` is memory of this context for as many numbers, and no stream uses it.
    pub unsafe fn upload(&self, columns: &[&[f64]], to: sys::CUdeviceptr) -> Result<(), DriverError> {
        let pieces = pieces(columns);
        let next = AtomicUsize::new(0);
        self.on_lanes(pieces.len(), |_, lane| {
            for turn in 0.. {
                let Some((start, parts)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                let buffer = &lane.buffers[turn % 2];
                buffer.sent.synchronize()?;
                let mut len = 0;
                for part in parts {
                    // SAFETY: the buffer has room for the parts of a piece, and what it held has arrived
                    unsafe {
                        std::ptr::copy_nonoverlapping(part.as_ptr(), buffer.memory.add(len), part.len())
                    };
                    len += part.len();
                }
                // SAFETY: so many numbers were written just now, and there is room for them at `to`
                unsafe {
                    let held = std::slice::from_raw_parts(buffer.memory, len);
                    let at = to + 8 * *start as sys::CUdeviceptr;
                    result::memcpy_htod_async(at, held, lane.stream.cu_stream())?;
                }
                buffer.sent.record(&lane.stream)?;
            }
            Ok(())
        })
    }

    /// Copies numbers from the device's memory at `from`.
    ///
    /// # Safety
    /// `from` is memory of this context with as many numbers, and no stream writes to it.
    pub unsafe fn download(&self, from: sys::CUdeviceptr, to: &mut [f64]) -> Result<(), DriverError> {
        // memory is written, and often mapped for the first time, by as many threads as have pieces
        let size = (to.len().div_ceil(2 * LANES)).clamp(LEAST_PIECE, PIECE);
        let count = to.len().div_ceil(size);
        let pieces = Mutex::new(to.chunks_mut(size).enumerate());
        let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
        self.on_lanes(count, |_, lane| {
            let mut before: Option<(&mut [f64], usize)> = None;
            for turn in 0.. {
                let piece = next();
                if let Some((k, piece)) = piece.as_ref() {
                    let buffer = &lane.buffers[turn % 2];
                    // SAFETY: the buffer has room for a piece, and what it held has been taken out
                    unsafe {
                        let room = std::slice::from_raw_parts_mut(buffer.memory, piece.len());
                        let at = from + (8 * k * size) as sys::CUdeviceptr;
                        result::memcpy_dtoh_async(room, at, lane.stream.cu_stream())?;
                    }
                    buffer.sent.record(&lane.stream)?;
                }
                // the one before is taken out while this one is on its way
                if let Some((to, turn)) = before.take() {
                    let buffer = &lane.buffers[turn % 2];
                    buffer.sent.synchronize()?;
                    // SAFETY: as many numbers have arrived in the buffer
                    unsafe { std::ptr::copy_nonoverlapping(buffer.memory, to.as_mut_ptr(), to.len()) };
                }
                match piece {
                    Some((_, piece)) => before = Some((piece, turn)),
                    None => break,
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_columns() {
        for lengths in [
            vec![],
            vec![0, 3],
            vec![100_000; 7],
            vec![1, 5 << 20, 0, 17, PIECE],
        ] {
            let numbers: Vec<f64> = (0..lengths.iter().sum::<usize>()).map(|v| v as f64).collect();
            let mut rest = numbers.as_slice();
            let columns: Vec<&[f64]> = lengths
                .iter()
                .map(|&n| {
                    let (own, after) = rest.split_at(n);
                    rest = after;
                    own
                })
                .collect();
            let pieces = pieces(&columns);
            assert!(pieces.iter().all(|(_, parts)| parts.concat().len() <= PIECE));
            assert_eq!(
                pieces
                    .iter()
                    .flat_map(|(_, parts)| parts.concat())
                    .collect::<Vec<f64>>(),
                numbers
            );
            assert!(pieces.iter().all(|(start, parts)| parts[0][0] == *start as f64));
        }
    }
}
