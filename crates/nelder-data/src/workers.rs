//! Workers that share a list of pieces.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use nelder::frame::{Batch, Column, Scan, SourceError, Visit};

use crate::file::PositionedFile;

/// State that the workers of one scan share: the next piece, rows and bytes delivered, the first error, and if the scan goes on.
pub(crate) struct Round<'v> {
    visit: &'v Visit<'v>,
    pieces: usize,
    next: AtomicUsize,
    go: AtomicBool,
    rows: AtomicU64,
    bytes: AtomicU64,
    error: Mutex<Option<SourceError>>,
}

impl Round<'_> {
    /// The next piece, if there is one and nobody stopped the scan.
    pub(crate) fn next(&self) -> Option<usize> {
        if !self.go() {
            return None;
        }
        let piece = self.next.fetch_add(1, Ordering::Relaxed);
        (piece < self.pieces).then_some(piece)
    }

    /// True while the scan goes on.
    pub(crate) fn go(&self) -> bool {
        self.go.load(Ordering::Relaxed)
    }

    /// Hands a batch to the visitor; `false` when the scan is to stop.
    pub(crate) fn deliver(&self, worker: usize, batch: Batch<'_>) -> bool {
        if !self.go() {
            return false;
        }
        let width: usize = batch.columns.iter().map(width).sum();
        self.bytes
            .fetch_add((width * batch.rows) as u64, Ordering::Relaxed);
        self.rows.fetch_add(batch.rows as u64, Ordering::Relaxed);
        let go = (self.visit)(worker, batch);
        if !go {
            self.fail(SourceError::Stopped);
        }
        go
    }

    fn fail(&self, error: SourceError) {
        self.go.store(false, Ordering::Relaxed);
        let mut slot = self.error.lock().unwrap_or_else(|e| e.into_inner());
        slot.get_or_insert(error);
    }
}

fn width(column: &Column<'_>) -> usize {
    match column {
        Column::Whole(_) => 16,
        Column::Real(_) => 8,
        Column::Integer(_) | Column::Codes { .. } => 4,
        Column::Logical(_) => 1,
    }
}

/// Runs `work` as `workers` workers over `pieces` pieces of a file, which must be the same before and after. Each takes pieces from [`Round::next`] until there is none;
/// the first error ends all.
pub(crate) fn share(
    file: &PositionedFile,
    workers: usize,
    pieces: usize,
    visit: &Visit<'_>,
    work: impl Fn(usize, &Round<'_>) -> Result<(), String> + Sync,
) -> Result<Scan, SourceError> {
    file.unchanged().map_err(SourceError::Read)?;
    let round = Round {
        visit,
        pieces,
        next: AtomicUsize::new(0),
        go: AtomicBool::new(true),
        rows: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        error: Mutex::new(None),
    };
    let run = |worker: usize| {
        if let Err(what) = work(worker, &round) {
            // what cannot be read may be what someone is writing
            round.fail(SourceError::Read(file.unchanged().err().unwrap_or(what)));
        }
    };
    let workers = workers.min(pieces).max(1);
    if workers == 1 {
        run(0);
    } else {
        rayon::scope(|scope| {
            for worker in 1..workers {
                let run = &run;
                scope.spawn(move |_| run(worker));
            }
            run(0);
        });
    }
    match round.error.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some(error) => Err(error),
        None => {
            file.unchanged().map_err(SourceError::Read)?;
            Ok(Scan {
                rows: round.rows.into_inner(),
                bytes: round.bytes.into_inner(),
            })
        }
    }
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Sets a panic hook of the process that prints nothing of the panics of decoders, which become errors. For
/// programs, which own their process; the library sets none.
pub fn silence_decoders() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !DECODING.get() {
                usual(info);
            }
        }));
    });
}

/// Runs a decoder. The decoders of Parquet and Arrow index and assert by what the file says, so that a damaged file
/// may make them panic: that becomes an error here.
pub(crate) fn guarded<T, E: std::fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    let outer = DECODING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    match result {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
            .unwrap_or_else(|| "the decoder gave up".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let index = std::hint::black_box(5);
        let wrong = guarded(|| Ok::<_, String>([1, 2][index % 8]));
        assert!(wrong.is_err_and(|e| e.contains("out of bounds")));
        assert_eq!(guarded(|| Err::<(), _>("as it is")), Err("as it is".to_string()));
        assert_eq!(guarded(|| Ok::<_, String>(3)), Ok(3));
    }
}
