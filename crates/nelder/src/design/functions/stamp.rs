//! Labels of dates and times.

use std::collections::HashMap;
use std::sync::Arc;

use super::calendar::Moment;
use crate::design::codes::Pool;
use crate::frame::{Key, Levels, MISSING};

/// Unit of a date or time: days or seconds from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::design) enum Unit {
    Days,
    Seconds,
    /// Seconds, with a clock that is not UTC's.
    Zoned,
}

/// Label of a moment: a text by a format, or its quarter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Format(String),
    Quarter,
    /// As R's `as.character` writes it: a time at midnight as a day, seconds to six decimals.
    Written,
}

/// Moments to labels.
pub(in crate::design) struct Stamp {
    pub levels: Arc<Levels>,
    unit: Unit,
    what: What,
    known: Pool<HashMap<u64, u32>>,
}

/// Labels remembered by number; more are made anew.
const REMEMBERED: usize = 100_000;

impl Stamp {
    pub(super) fn new(unit: Unit, what: What) -> Stamp {
        Stamp {
            levels: Arc::new(Levels::growing()),
            unit,
            what,
            known: Pool::default(),
        }
    }

    fn label(&self, x: f64) -> Option<String> {
        let moment = match self.unit {
            Unit::Days => Moment::of(x, 0.0),
            Unit::Seconds | Unit::Zoned => Moment::of_seconds(x),
        }?;
        match &self.what {
            What::Quarter => Some(moment.quarter()),
            What::Format(format) => moment.format(format).ok(),
            What::Written => moment.written(x - x.floor()),
        }
    }

    /// The codes of some moments.
    pub fn apply(&self, values: &[f64]) -> Vec<u32> {
        let make = |x: f64| match self.label(x) {
            Some(label) => self.levels.intern(&Key::Text(label.as_str().into())),
            // R pastes the quarter
            None if x.is_nan() && self.what == What::Quarter => self.levels.intern(&Key::Text("QNA".into())),
            None => MISSING,
        };
        let whole = self.what != What::Written;
        self.known.with(|known| {
            let code = |&x: &f64| {
                let x = if whole { x.floor() } else { x };
                if let Some(&code) = known.get(&x.to_bits()) {
                    return code;
                }
                let code = make(x);
                if known.len() < REMEMBERED {
                    known.insert(x.to_bits(), code);
                }
                code
            };
            values.iter().map(code).collect()
        })
    }
}
