//! Silence: what drivers print on standard error while a device is looked for and opened.
//!
//! Loaders, layers and drivers of Vulkan print warnings of their own that no option turns off. A process that owns its
//! standard error may ask that they be kept from it; where a device does not open, they are part of the error.

use std::sync::atomic::{AtomicBool, Ordering};

/// True once the process has asked for silence.
static WANTED: AtomicBool = AtomicBool::new(false);

/// From now on what drivers print while they start is kept from standard error. In that time nothing else that the process
/// prints there gets through either, so that this is for a command and not for a library.
pub fn silence_drivers() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Runs something in silence, where that was asked for; with its result comes what was printed.
pub(crate) fn in_silence<T>(work: impl FnOnce() -> T) -> (T, String) {
    let silence = match WANTED.load(Ordering::Relaxed) {
        true => kept::Silence::begin(),
        false => None,
    };
    let done = work();
    (done, silence.map_or(String::new(), kept::Silence::end))
}

#[cfg(unix)]
mod kept {
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom};
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::sync::{Mutex, MutexGuard};

    /// One at a time: each puts back what it found.
    static ONE: Mutex<()> = Mutex::new(());

    pub(super) struct Silence {
        real: OwnedFd,
        words: File,
        _alone: MutexGuard<'static, ()>,
    }

    impl Silence {
        /// Puts a file without a name in place of standard error; `None` where that cannot be.
        pub(super) fn begin() -> Option<Silence> {
            let _alone = ONE.lock().unwrap_or_else(|e| e.into_inner());
            let real = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
            let words = tempfile::tempfile().ok()?;
            become_standard_error(&words)?;
            Some(Silence { real, words, _alone })
        }

        /// Ends the silence and returns the text that was printed, 4096 bytes at most.
        pub(super) fn end(mut self) -> String {
            let mut words = Vec::new();
            let read = self
                .words
                .seek(SeekFrom::Start(0))
                .and_then(|_| (&mut self.words).take(4096).read_to_end(&mut words));
            match read {
                Ok(_) => String::from_utf8_lossy(&words).trim().to_string(),
                Err(_) => String::new(),
            }
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            let _ = become_standard_error(&self.real);
        }
    }

    /// Makes an open file what the number of standard error stands for.
    fn become_standard_error(file: &impl AsFd) -> Option<()> {
        // SAFETY: both numbers are of open files; the second belongs to nobody who could close it.
        let new = unsafe { libc::dup2(file.as_fd().as_raw_fd(), libc::STDERR_FILENO) };
        (new == libc::STDERR_FILENO).then_some(())
    }
}

#[cfg(not(unix))]
mod kept {
    pub(super) struct Silence;

    impl Silence {
        pub(super) fn begin() -> Option<Silence> {
            None
        }

        pub(super) fn end(self) -> String {
            String::new()
        }
    }
}
