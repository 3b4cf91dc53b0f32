//! The place where a fit is thought to end first.

use std::fmt;
use std::sync::{Arc, OnceLock};

use nelder_device::{GlmKernels, Offer, any_opened};

use super::cost::{Plan, SMALL, Work};
use super::devices::Devices;
use super::threads::Threads;
use crate::design::Rows;
use crate::frame::{ColumnMemory, Source};
use crate::pass::PassError;
use crate::pass::session::{Executor, Opened, Opening};

/// The CPU's threads or one of the devices that are offered, whichever the plan of a fit says ends first; rows that are in the memory of
/// devices stay there. Each fit has a plan of its own.
///
/// ```
/// use std::sync::{Arc, OnceLock};
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, Regression, lm};
/// use nelder::pass::{Auto, NoProgress, Run};
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let auto = Arc::new(Auto::new(Vec::new()));
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, Run::on(auto, &NoProgress))?;
/// assert_eq!(fit.report().device, "cpu");
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
#[derive(Clone, Default)]
pub struct Auto {
    offers: OnceLock<Vec<Arc<dyn Offer>>>,
    /// Asked for offers where they are not known yet: it may load a driver.
    ask: Option<Ask>,
}

/// Finds out which devices there are.
type Ask = fn() -> Vec<Arc<dyn Offer>>;

/// Seconds in which no driver of a device can be opened: a fit that the CPU ends before is not worth asking what there is.
const DRIVER: f64 = 0.1;

impl fmt::Debug for Auto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offers = self.offers.get().into_iter().flatten();
        f.debug_list().entries(offers.map(|o| o.id())).finish()
    }
}

impl Auto {
    /// The CPU, and devices that are offered.
    pub fn new(offers: Vec<Arc<dyn Offer>>) -> Auto {
        Auto {
            offers: offers.into(),
            ask: None,
        }
    }

    /// The CPU, and devices that `ask` offers; it is called where the CPU takes longer than a driver takes to open, or one is open.
    pub fn asking(ask: Ask) -> Auto {
        Auto {
            offers: OnceLock::new(),
            ask: Some(ask),
        }
    }

    /// The devices that are worth a look for a fit of so many seconds; `None` where nothing was asked.
    fn offers(&self, seconds: f64) -> Option<&[Arc<dyn Offer>]> {
        match (self.offers.get(), self.ask) {
            (Some(known), _) => Some(known),
            (None, None) => Some(&[]),
            (None, Some(ask)) if seconds > DRIVER || any_opened() => Some(self.offers.get_or_init(ask)),
            (None, Some(_)) => None,
        }
    }

    /// The best plan, and the devices that it is for; `None` for threads.
    fn choose(&self, work: &Work, threads: usize) -> (Plan, Option<Devices>) {
        let mut best = Plan::cpu(work, threads);
        let (mut notes, mut chosen) = (Vec::new(), None);
        let Some(offers) = self.offers(best.seconds()) else {
            best.notes = vec![format!(
                "devices: not looked at, because this takes less than {DRIVER} s"
            )];
            return (best, None);
        };
        for offer in offers {
            let (id, start) = (offer.id(), offer.start());
            if work.rows.is_none() {
                notes.push(format!(
                    "{id}: not looked at, because the number of rows is not known"
                ));
                continue;
            }
            if start >= best.seconds() || best.seconds() < SMALL {
                notes.push(match start > 0.0 {
                    true => format!("{id}: starting it takes about {start:.1} s"),
                    false => format!("{id}: not looked at, because this takes less than {SMALL} s"),
                });
                continue;
            }
            let devices = match offer.open() {
                Ok(device) => Devices::one(device),
                Err(error) => {
                    notes.push(error.to_string());
                    continue;
                }
            };
            let mut own = devices.plan(work, threads);
            own.rest += start;
            if own.seconds() < best.seconds() {
                notes.push(format!(
                    "{}: would take about {:.2e} s",
                    best.device,
                    best.seconds()
                ));
                (best, chosen) = (own, Some(devices));
            } else {
                notes.push(format!("{id}: would take about {:.2e} s", own.seconds()));
            }
        }
        best.notes = notes;
        (best, chosen)
    }
}

/// The devices that hold columns of a source; none where it has none there.
fn holding(source: &dyn Source) -> Vec<Arc<dyn GlmKernels>> {
    let mut columns = 0..source.schema().fields.len();
    let parts = columns.find_map(|c| match source.column_memory(c) {
        Some(ColumnMemory::Device(parts)) => Some(parts),
        _ => None,
    });
    let parts = parts.unwrap_or_default().into_iter();
    parts.map(|part| part.device).collect()
}

impl Executor for Auto {
    fn open(&self, rows: &Rows<'_>, opening: &Opening<'_>) -> Result<Opened, PassError> {
        let there = holding(rows.source());
        if !there.is_empty() {
            return Devices::new(there)?.open(rows, opening);
        }
        let work = Work::of(rows, opening.course);
        let (plan, chosen) = self.choose(&work, rows.source().workers());
        opening.monitor.planned(&plan);
        match chosen {
            None => Ok((Arc::new(Threads), Vec::new())),
            Some(devices) => devices.session(rows, opening),
        }
    }
}
