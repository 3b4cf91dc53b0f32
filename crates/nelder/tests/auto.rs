//! The choice between the CPU and the devices that are offered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nelder::family::Family;
use nelder::frame::{Auto, Frame, Scan, Schema, Source, SourceError, Visit};
use nelder::model::{GlmSpec, LmSpec, glm, lm};
use nelder::pass::{Monitor, Plan};
use nelder_device::{Backend, DeviceError, Host, Offer, Rates};

/// A device of some speed, and how often it was opened.
struct Offered {
    device: Result<Arc<dyn Backend>, DeviceError>,
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
    fn id(&self) -> String {
        "host".into()
    }

    fn start(&self) -> f64 {
        self.start
    }

    fn open(&self) -> Result<Arc<dyn Backend>, DeviceError> {
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

fn columns(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..rows)
        .map(|i| (i as f64 * 0.618_033_988_749_895).fract())
        .collect();
    let y = x
        .iter()
        .enumerate()
        .map(|(i, x)| f64::from(u8::from(x + (i as f64 * 0.414).fract() > 1.0)))
        .collect();
    (x, y)
}

const ROWS: usize = 300_000;

#[test]
fn the_faster_one_is_chosen_and_used() {
    let (x, y) = columns(ROWS);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let fit = |offer: &Offered| {
        let watch = Watch::default();
        let source = Auto::new(&frame, vec![offer as &dyn Offer]);
        let least_squares = lm(&LmSpec::new("y ~ x"), &source, &watch).unwrap().fit.report;
        let source = Auto::new(&frame, vec![offer as &dyn Offer]);
        let spec = GlmSpec::new("y ~ x", Family::binomial());
        let scoring = glm(&spec, &source, &watch).unwrap().fit.report;
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
    let fast = Offered::new(1e6, 0.0);
    let (a, b, plan) = fit(&fast);
    assert_eq!(
        (a.as_str(), b.as_str(), plan.device.as_str()),
        ("host", "host", "host")
    );
    // the passes are those that the device counted
    let device = fast.device.clone().unwrap();
    assert!(device.counters().launches > 4);

    let slow = Offered::new(1e-3, 0.0);
    let (a, b, plan) = fit(&slow);
    assert_eq!(
        (a.as_str(), b.as_str(), plan.device.as_str()),
        ("cpu", "cpu", "cpu")
    );
    assert_eq!(slow.device.clone().unwrap().counters().launches, 0);
    assert!(plan.notes[0].contains("host: would take"), "{:?}", plan.notes);
}

#[test]
fn a_device_that_takes_long_to_start_or_is_not_there_is_not_used() {
    let (x, y) = columns(ROWS);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let fit = |offer: &Offered| {
        let watch = Watch::default();
        let source = Auto::new(&frame, vec![offer as &dyn Offer]);
        let report = lm(&LmSpec::new("y ~ x"), &source, &watch).unwrap().fit.report;
        assert_eq!(report.device, "cpu");
        watch.0.into_inner().unwrap().remove(0).notes.remove(0)
    };
    let late = Offered::new(1e6, 60.0);
    assert!(fit(&late).contains("starting it takes"));
    assert_eq!(late.opened.load(Ordering::Relaxed), 0);
    let absent = Offered {
        device: Err(DeviceError::Absent {
            device: "offered".into(),
            why: "it is not there".into(),
        }),
        ..Offered::new(1.0, 0.0)
    };
    assert!(fit(&absent).contains("it is not there"));
}

#[test]
fn small_fits_and_unknown_numbers_of_rows_stay() {
    struct Unknown<'a>(&'a Frame<'a>);
    impl Source for Unknown<'_> {
        fn schema(&self) -> &Schema {
            self.0.schema()
        }
        fn rows(&self) -> Option<u64> {
            None
        }
        fn workers(&self) -> usize {
            self.0.workers()
        }
        fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
            self.0.scan(columns, visit)
        }
    }
    let offer = Offered::new(1e6, 0.0);
    let (x, y) = columns(200);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let source = Auto::new(&frame, vec![&offer as &dyn Offer]);
    let report = lm(&LmSpec::new("y ~ x"), &source, &Watch::default())
        .unwrap()
        .fit
        .report;
    assert_eq!(report.device, "cpu");
    let (x, y) = columns(ROWS);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let unknown = Unknown(&frame);
    let source = Auto::new(&unknown, vec![&offer as &dyn Offer]);
    let report = lm(&LmSpec::new("y ~ x"), &source, &Watch::default())
        .unwrap()
        .fit
        .report;
    assert_eq!(report.device, "cpu");
    assert_eq!(offer.opened.load(Ordering::Relaxed), 0);
}
