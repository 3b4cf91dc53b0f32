//! A progress bar for passes that take long, and a signal in the middle of one.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nelder::pass::{Monitor, Plan};

use crate::{interrupt, output};

/// Work shorter than this shows nothing.
const QUIET: Duration = Duration::from_secs(2);

/// Shows a bar on standard error when that is a terminal; stops a pass after a signal.
pub struct Progress {
    start: Instant,
    rows: AtomicU64,
    pass: Mutex<String>,
    bar: OnceLock<ProgressBar>,
    shown: bool,
    explain: bool,
    plan: Mutex<Option<Plan>>,
}

impl Progress {
    /// Watches from now on.
    /// With `explain`, what is to come is printed to standard error before it comes.
    pub fn new(explain: bool) -> Self {
        Progress {
            start: Instant::now(),
            rows: AtomicU64::new(0),
            pass: Mutex::new(String::new()),
            bar: OnceLock::new(),
            shown: std::io::stderr().is_terminal(),
            explain,
            plan: Mutex::new(None),
        }
    }

    /// The first plan, that of the model itself; `None` without `explain`, or before it is made.
    pub fn plan(&self) -> Option<Plan> {
        self.plan.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

impl Monitor for Progress {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        if self.shown {
            let mut name = self.pass.lock().unwrap_or_else(|e| e.into_inner());
            if *name != pass {
                *name = pass.to_string();
                self.rows.store(0, Ordering::Relaxed);
                if let Some(bar) = self.bar.get() {
                    bar.set_message(name.clone());
                    bar.reset();
                }
            }
            let done = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
            if self.start.elapsed() > QUIET {
                let bar = self.bar.get_or_init(|| {
                    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
                    if let Ok(style) = ProgressStyle::with_template("{msg:16} {wide_bar} {percent}% {eta}") {
                        bar.set_style(style);
                    }
                    bar.set_message(name.clone());
                    bar
                });
                bar.set_position(done);
            }
        }
        !interrupt::requested()
    }

    fn planned(&self, plan: &Plan) {
        let mut first = self.plan.lock().unwrap_or_else(|e| e.into_inner());
        // models within the model (its null, a profile) have plans too
        if self.explain && first.is_none() {
            output::note(output::planned(plan).trim_end_matches('\n'));
            output::note("");
            *first = Some(plan.clone());
        }
    }
}
