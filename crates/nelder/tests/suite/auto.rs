//! The choice between the CPU and the devices that are offered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nelder::family::Family;
use nelder::frame::{Frame, Scan, Schema, Source, SourceError, Visit};
use nelder::model::{GlmSpec, LmSpec, Regression, glm, lm};
use nelder::pass::{Auto, Monitor, Plan, Run};
use nelder_device::{DeviceError, GlmKernels, Host, Offer, Rates};

/// A device of some speed, and how often it was opened.
struct Offered {
    device: Result<Arc<dyn GlmKernels>, DeviceError>,
    start: f64,
    opened: AtomicUsize,
}

impl Offered {
    fn new(speed: f64, start: f64) -> Self {
        let rates = Rates {
            bandwidth: 1e10 * speed,
            products: 1e10 * speed,
            upload: 1e10 * speed,
            call: 1e-5 / speed,
        };
        Offered {
            device: Ok(Arc::new(Host::default().with_rates(rates))),
            start,
            opened: AtomicUsize::new(0),
        }
    }
}

impl Offer for Offered {
    // what `Host` says that it is
    fn id(&self) -> String {
        "cpu".into()
    }

    fn start(&self) -> f64 {
        self.start
    }

    fn open(&self) -> Result<Arc<dyn GlmKernels>, DeviceError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.device.clone()
    }
}

#[derive(Default)]
struct Watch(Mutex<Vec<Plan>>);

impl Monitor for Watch {
    fn advance(&self, _: &str, _: u64, _: Option<u64>) -> bool {
        true
    }

    fn planned(&self, plan: &Plan) {
        self.0.lock().unwrap().push(plan.clone());
    }
}

/// Columns x1 to x9, then y, which is 0 or 1.
fn columns(rows: usize) -> Vec<Vec<f64>> {
    let of = |step: f64| (0..rows).map(move |i| (i as f64 * step).fract());
    let mut all: Vec<Vec<f64>> = (1..10)
        .map(|j| of(0.618_033_988_749_895 * f64::from(j).sqrt()).collect())
        .collect();
    let y = all[0]
        .iter()
        .zip(of(0.414))
        .map(|(x, u)| f64::from(u8::from(x + u > 1.0)));
    all.push(y.collect());
    all
}

const NAMES: [&str; 10] = ["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "y"];

fn frame(columns: &[Vec<f64>]) -> Frame<'_> {
    NAMES
        .iter()
        .zip(columns)
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        })
}

const ROWS: usize = 300_000;

#[test]
fn the_faster_one_is_chosen_and_used() {
    let columns = columns(ROWS);
    let frame = frame(&columns);
    let fit = |offer: &Arc<Offered>| {
        let watch = Watch::default();
        let place = Arc::new(Auto::new(vec![offer.clone()]));
        let run = || Run::on(place.clone(), &watch);
        let least_squares = lm(&LmSpec::new("y ~ ."), &frame, run()).unwrap().report().clone();
        let spec = GlmSpec::new("y ~ .", Family::binomial());
        let scoring = glm(&spec, &frame, run()).unwrap().report().clone();
        let plans = watch.0.into_inner().unwrap();
        for plan in &plans {
            assert_eq!(plan.device, plans[0].device);
            assert!(
                plan.passes
                    .iter()
                    .all(|p| p.device == plan.device && p.seconds > 0.0)
            );
        }
        (least_squares.device, scoring.device, plans[0].clone())
    };
    let fast = Arc::new(Offered::new(1e6, 0.0));
    let (a, b, plan) = fit(&fast);
    assert_eq!(
        (a.as_str(), b.as_str(), plan.device.as_str()),
        ("cpu", "cpu", "cpu")
    );
    // only on a device are rows uploaded
    assert_eq!(plan.passes[0].name, "upload");
    // the passes are those that the device counted
    let device = fast.device.clone().unwrap();
    assert!(device.counters().launches > 4);

    let slow = Arc::new(Offered::new(1e-3, 0.0));
    let (a, b, plan) = fit(&slow);
    assert_eq!(
        (a.as_str(), b.as_str(), plan.device.as_str()),
        ("cpu", "cpu", "cpu")
    );
    assert_eq!(slow.device.clone().unwrap().counters().launches, 0);
    assert_eq!(plan.passes[0].name, "gram");
    assert!(plan.notes[0].contains("cpu: would take"), "{:?}", plan.notes);
}

/// Columns that say that they have another number of rows, or none.
struct Saying<'a>(&'a Frame<'a>, Option<u64>);

impl Source for Saying<'_> {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn rows(&self) -> Option<u64> {
        self.1
    }
    fn workers(&self) -> usize {
        self.0.workers()
    }
    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.0.scan(columns, visit)
    }
}

#[test]
fn nothing_is_asked_for_what_ends_before_a_driver_opens() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn ask() -> Vec<Arc<dyn Offer>> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        vec![Arc::new(Offered::new(1e6, 60.0))]
    }
    let columns = columns(1000);
    let frame = frame(&columns);
    let place = Arc::new(Auto::asking(ask));
    let notes = |rows: u64| {
        let watch = Watch::default();
        let source = Saying(&frame, Some(rows));
        lm(&LmSpec::new("y ~ ."), &source, Run::on(place.clone(), &watch)).unwrap();
        watch.0.into_inner().unwrap().remove(0).notes
    };
    assert!(notes(1000)[0].starts_with("devices: not looked at"));
    assert_eq!(ASKED.load(Ordering::Relaxed), 0);
    assert!(notes(100_000_000)[0].contains("starting it takes"));
    notes(100_000_000);
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
}

#[test]
fn a_device_that_takes_long_to_start_or_is_not_there_is_not_used() {
    let columns = columns(ROWS);
    let frame = frame(&columns);
    let fit = |offer: &Arc<Offered>| {
        let watch = Watch::default();
        let place = Arc::new(Auto::new(vec![offer.clone()]));
        let run = || Run::on(place.clone(), &watch);
        let report = lm(&LmSpec::new("y ~ ."), &frame, run()).unwrap().report().clone();
        assert_eq!(report.device, "cpu");
        watch.0.into_inner().unwrap().remove(0).notes.remove(0)
    };
    let late = Arc::new(Offered::new(1e6, 60.0));
    assert!(fit(&late).contains("starting it takes"));
    assert_eq!(late.opened.load(Ordering::Relaxed), 0);
    let absent = Arc::new(Offered {
        device: Err(DeviceError::Absent {
            device: "offered".into(),
            why: "it is not there".into(),
        }),
        ..Offered::new(1.0, 0.0)
    });
    assert!(fit(&absent).contains("it is not there"));
}

#[test]
fn small_fits_and_unknown_numbers_of_rows_stay() {
    let offer = Arc::new(Offered::new(1e6, 0.0));
    let place = Arc::new(Auto::new(vec![offer.clone()]));
    let few = columns(200);
    let small = frame(&few);
    let watch = Watch::default();
    let report = lm(&LmSpec::new("y ~ ."), &small, Run::on(place.clone(), &watch))
        .unwrap()
        .report()
        .clone();
    assert_eq!(report.device, "cpu");
    let many = columns(ROWS);
    let large = frame(&many);
    let unknown = Saying(&large, None);
    let report = lm(&LmSpec::new("y ~ ."), &unknown, Run::on(place, &watch))
        .unwrap()
        .report()
        .clone();
    assert_eq!(report.device, "cpu");
    assert_eq!(offer.opened.load(Ordering::Relaxed), 0);
}
