//! Signals that end the command: a pass stops, partial files go.

use std::sync::atomic::{AtomicI32, Ordering};

/// The signal that came; 0 before one does.
static CAME: AtomicI32 = AtomicI32::new(0);

/// True once a signal has asked the command to stop.
pub fn requested() -> bool {
    CAME.load(Ordering::Relaxed) != 0
}

/// The exit code of a command that a signal ended, as shells have it.
pub fn code() -> u8 {
    let signal = match CAME.load(Ordering::Relaxed) {
        0 => 2,
        signal => signal.clamp(1, 127),
    };
    128 + signal as u8
}

/// Watches for Ctrl-C, the end of the session and a request to end, unless they are ignored, as under `nohup`. What does
/// not stop within a second, or until the next signal, is ended. Before there are other threads, which inherit it.
#[cfg(unix)]
pub fn watch() {
    use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

    // SAFETY: no handler is installed, only what the system does of itself.
    // a file that grows beyond its limit is an error of writing
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    let watched: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
        .into_iter()
        .filter(|&s| !is_ignored(s))
        .collect();
    if watched.thread_block().is_err() {
        // they end the process as usual
        return;
    }
    std::thread::spawn(move || {
        let Ok(signal) = watched.wait() else { return };
        CAME.store(signal as i32, Ordering::Relaxed);
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            end();
        });
        if watched.wait().is_ok() {
            end();
        }
    });
}

/// Ends the command where it stands.
#[cfg(unix)]
fn end() -> ! {
    nelder_data::abandon();
    crate::output::note("nelder: interrupted");
    // SAFETY: ends the process, and nothing runs after it: drivers may be at work.
    unsafe { nix::libc::_exit(i32::from(code())) }
}

/// Watches for Ctrl-C.
#[cfg(not(unix))]
pub fn watch() {
    let _ = ctrlc::set_handler(|| {
        if CAME.swap(2, Ordering::Relaxed) != 0 {
            nelder_data::abandon();
            std::process::exit(i32::from(code()));
        }
    });
}

/// Tests if a signal is set to be ignored, as by whoever started the command under `nohup`.
#[cfg(unix)]
fn is_ignored(which: nix::sys::signal::Signal) -> bool {
    use nix::sys::signal::{SigHandler, signal};
    // SAFETY: no handler is installed; the second call puts back what the first found.
    unsafe {
        let Ok(before) = signal(which, SigHandler::SigIgn) else {
            return false;
        };
        let _ = signal(which, before);
        matches!(before, SigHandler::SigIgn)
    }
}
