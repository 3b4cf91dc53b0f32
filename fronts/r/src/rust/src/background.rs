//! Work on threads of its own while R's thread listens for interrupts and shows progress; small work on R's thread.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use nelder::pass::Monitor;
use rayon::ThreadPool;

unsafe extern "C" {
    /// 1 where the user has asked to stop (takes the interrupt), 2 where R has raised an error meanwhile. In `lazy.c`.
    fn nelder_interrupted() -> i32;
    /// The message of that error.
    fn nelder_trouble() -> *const c_char;
}

/// State shared by the worker, which reports pass and rows, and R's thread, which may ask it to stop.
#[derive(Default)]
struct Watch {
    stop: AtomicBool,
    rows: AtomicU64,
    total: AtomicU64,
    pass: Mutex<String>,
}

impl Monitor for Watch {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        let mut name = self.pass.lock().unwrap_or_else(|e| e.into_inner());
        if *name != pass {
            *name = pass.to_string();
            self.rows.store(0, Ordering::Relaxed);
        }
        drop(name);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.total.store(total.unwrap_or(0), Ordering::Relaxed);
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Threads of a process: after a fork the child has none of its parent's.
struct Threads {
    process: u32,
    count: usize,
    pool: Arc<ThreadPool>,
}

static THREADS: Mutex<Option<Threads>> = Mutex::new(None);

/// A pool of `count` threads, 0 for one a core.
fn pool(count: usize) -> savvy::Result<Arc<ThreadPool>> {
    let process = std::process::id();
    let mut held = THREADS.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(threads) = held.as_ref()
        && threads.process == process
        && threads.count == count
    {
        return Ok(threads.pool.clone());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build()?;
    let pool = Arc::new(pool);
    let old = held.replace(Threads {
        process,
        count,
        pool: pool.clone(),
    });
    // the threads of a parent process cannot be joined
    if let Some(old) = old.filter(|t| t.process != process) {
        std::mem::forget(old);
    }
    Ok(pool)
}

/// Runs something short on `threads` threads.
///
/// # Errors
/// Threads that cannot be started.
pub fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> savvy::Result<T> {
    Ok(pool(threads)?.install(work))
}

/// A pool whose one thread is R's own: what runs there is handed to no other thread. `None` where R's thread is of another pool.
fn own_pool() -> Option<&'static ThreadPool> {
    static OWN: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let new = || {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .use_current_thread();
        pool.build().ok()
    };
    OWN.get_or_init(new).as_ref()
}

/// Time until the first line of progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// Threads and progress of work.
#[derive(Clone, Copy)]
pub struct Load {
    /// Threads, 0 for one a core.
    pub threads: usize,
    /// True if progress is shown.
    pub show: bool,
    /// True for work of a millisecond or less, which another thread would take as long to begin.
    pub small: bool,
}

/// Runs `work`: what is small on R's thread, other work on threads of its own. R's thread waits for these, takes interrupts (the next
/// batch of rows is then the last), and shows progress after two seconds if asked to.
///
/// # Errors
/// `interrupted`; an error that R raises while it waits, as a limit of time is; a panic of the work, as an error.
pub fn run<T: Send>(
    load: Load,
    work: impl FnOnce(&dyn Monitor) -> Result<T, nelder::model::ModelError> + Send,
) -> savvy::Result<T> {
    let Load { threads, show, small } = load;
    let watch = Watch::default();
    if let Some(pool) = small.then(own_pool).flatten() {
        let run = || pool.install(|| work(&watch));
        return unpanicked(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)));
    }
    let pool = pool(threads)?;
    let (done, wait) = mpsc::channel::<()>();
    let start = Instant::now();
    let mut shown = false;
    let mut trouble: Option<String> = None;
    let result = std::thread::scope(|scope| {
        let (watch, pool) = (&watch, &pool);
        let worker = scope.spawn(move || {
            let result = pool.install(|| work(watch));
            // whoever waits may have gone
            let _ = done.send(());
            result
        });
        while let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_millis(100)) {
            // SAFETY: on R's own thread, as R demands
            let state = unsafe { nelder_interrupted() };
            if state != 0 {
                watch.stop.store(true, Ordering::Relaxed);
            }
            if state == 2 {
                // SAFETY: a string of C that is there as long as the process
                let text = unsafe { CStr::from_ptr(nelder_trouble()) };
                trouble = Some(text.to_string_lossy().into_owned());
            }
            if show && start.elapsed() > PATIENCE {
                shown = true;
                let (rows, total) = (
                    watch.rows.load(Ordering::Relaxed),
                    watch.total.load(Ordering::Relaxed),
                );
                let pass = watch.pass.lock().unwrap_or_else(|e| e.into_inner()).clone();
                let part = 100 * rows / total.max(1);
                savvy::io::r_eprint(&format!("\r{pass}: {part} %          "), false);
            }
        }
        worker.join()
    });
    if shown {
        savvy::io::r_eprint("\r                                        \r", false);
    }
    if let Some(trouble) = trouble {
        return Err(savvy::Error::new(trouble));
    }
    if watch.stop.load(Ordering::Relaxed) {
        return Err(savvy::Error::new("interrupted"));
    }
    unpanicked(result)
}

/// A panic as an error.
fn unpanicked<T>(result: std::thread::Result<Result<T, nelder::model::ModelError>>) -> savvy::Result<T> {
    match result {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(savvy::Error::new(format!(
                "an error in nelder itself, please report it: {}",
                text.unwrap_or("unknown")
            )))
        }
    }
}
