//! Cost of a fit's passes, planned before they run: on the CPU's threads and on devices, and which of these is chosen.
//!
//! A pass takes the longer of what it reads and what it multiplies; both are counted, so that the sum is at most twice
//! that. The CPU's numbers are of one thread, fitted to the fits of `bench_device cpu` with 2 and with 16 threads; a device's
//! come from its [`Rates`]. `bench_device` prints what was planned beside what was measured.

use nelder_device::Rates;
use serde::Serialize;

use crate::design::Rows;
use crate::pass::Course;

/// Multiplications with additions in double precision a second, of a thread.
const PRODUCTS: f64 = 1.6e10;
/// Seconds to form the value of a column in a block and put it in order for a product.
const ELEMENT: f64 = 1.0e-9;
/// Seconds to multiply it with a coefficient and add it, in twice the precision.
const RESIDUAL: f64 = 1.35e-9;
/// Seconds of link, variance and deviance for a row.
const FAMILY: f64 = 1.7e-8;
/// Seconds to decode a value of a file.
const DECODE: f64 = 2.5e-9;
/// Seconds to put a row's code where a device wants it.
const CODE: f64 = 1.5e-8;
/// Seconds of the names, equations and statistics of a fit.
const FIXED: f64 = 1.5e-4;
/// The same, by column.
const COLUMN: f64 = 5e-6;
/// Seconds of a solution of the equations, by the square and the cube of the number of columns.
const SOLVE: (f64, f64) = (2.5e-8, 3e-11);
/// Seconds to begin and end a pass, by thread.
const THREAD: f64 = 5e-5;
/// Seconds to add an entry of a gram to that of another thread.
const MERGE: f64 = 8e-9;
/// Power of the number of threads that they are worth: they share memory and caches.
const SHARED: f64 = 0.75;
/// Seconds to begin copying rows to a device.
const UPLOAD: f64 = 1.5e-3;
/// Rows that a thread takes at a time.
const BATCH: u64 = 8192;
/// Seconds of a fit that is not worth a look at anything but the CPU.
pub(super) const SMALL: f64 = 1e-3;
/// Passes of an iteration that converges as most do: the start, four or five steps, and the last.
const STEPS: u32 = 6;

/// Work of a fit, from which the cost of its passes is planned: sizes, place of the columns, and method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Rows; `None` where the source does not know them.
    pub rows: Option<u64>,
    /// Dense columns and responses.
    pub columns: usize,
    /// Groups of codes.
    pub groups: usize,
    /// True if the columns lie in memory, and are not decoded for each pass.
    pub in_memory: bool,
    /// True if they are on the device already.
    pub there: bool,
    /// True for an iteration, false for least squares.
    pub iterates: bool,
}

impl Work {
    /// Returns the work of a fit to these rows.
    pub fn of(rows: &Rows<'_>, course: Course) -> Work {
        let source = rows.source();
        let atoms = &rows.layout().atoms;
        Work {
            rows: source.rows(),
            columns: atoms.dense + atoms.responses,
            groups: atoms.groups.len(),
            in_memory: rows.in_memory(),
            there: rows.is_there(),
            iterates: course == Course::Scoring,
        }
    }

    fn values(&self) -> f64 {
        self.rows.unwrap_or(0) as f64 * self.columns as f64
    }

    /// Seconds of a solution.
    fn solve(&self) -> f64 {
        let k = self.columns as f64;
        k * k * (SOLVE.0 + k * SOLVE.1)
    }

    /// Multiplications of a gram: those of one triangle.
    fn products(&self) -> f64 {
        self.values() * (self.columns as f64 + 1.0) / 2.0
    }
}

/// A pass that is to come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// Name of the pass by its result, such as `gram`.
    pub name: String,
    /// Where it is to run.
    pub device: String,
    /// In which precision.
    pub precision: String,
    /// Bytes that it reads.
    pub bytes: u64,
    /// Seconds that it is thought to take.
    pub seconds: f64,
}

/// The passes that are to come.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// Where they are to run.
    pub device: String,
    /// In order; an iteration may take other numbers of steps.
    pub passes: Vec<Planned>,
    /// Seconds of everything else.
    pub rest: f64,
    /// Devices that were looked at and not taken, each with the reason.
    pub notes: Vec<String>,
}

/// Returns the name of the k-th pass of an iteration.
fn step_name(k: u32) -> String {
    match k {
        0 => "start".into(),
        k => format!("step {k}"),
    }
}

impl Plan {
    /// Seconds of all of it.
    pub fn seconds(&self) -> f64 {
        self.rest + self.passes.iter().map(|p| p.seconds).sum::<f64>()
    }

    fn new(device: &str, work: &Work) -> Plan {
        Plan {
            device: device.to_string(),
            rest: FIXED + COLUMN * work.columns as f64,
            ..Plan::default()
        }
    }

    fn add(&mut self, work: &Work, name: &str, precision: &str, seconds: f64) {
        self.passes.push(Planned {
            name: name.to_string(),
            device: self.device.clone(),
            precision: precision.to_string(),
            bytes: 8 * work.values() as u64,
            seconds,
        });
    }

    /// On threads of the CPU.
    pub fn cpu(work: &Work, threads: usize) -> Plan {
        let mut plan = Plan::new("cpu", work);
        let batches = work.rows.unwrap_or(u64::MAX).div_ceil(BATCH);
        let count = (threads as u64).min(batches).max(1) as f64;
        let threads = count.powf(SHARED);
        let columns = work.columns as f64;
        let begin = THREAD * count;
        let solve = begin + count * columns * columns / 2.0 * MERGE + work.solve();
        let (n, values, products) = (
            work.rows.unwrap_or(0) as f64,
            work.values(),
            work.products() / PRODUCTS,
        );
        let codes = n * (work.groups * (work.columns + work.groups)) as f64 * ELEMENT;
        let decode = if work.in_memory { 0.0 } else { values * DECODE };
        if work.iterates {
            // steps multiply in single precision, twice as fast
            let step = decode + products / 2.0 + values * ELEMENT / 2.0 + n * FAMILY + codes;
            for k in 0..STEPS {
                plan.add(work, &step_name(k), "f32", solve + step / threads);
            }
            plan.add(
                work,
                "last",
                "f64x2",
                begin + (decode + values * RESIDUAL + n * FAMILY + codes) / threads,
            );
        } else {
            let gram = decode + products + values * ELEMENT + codes;
            plan.add(work, "gram", "f64", solve + gram / threads);
            let residuals = decode + values * RESIDUAL + codes;
            plan.add(work, "residuals", "f64x2", begin + residuals / threads);
        }
        plan
    }

    /// On devices that share the rows, beside threads of the CPU that bring them there.
    pub fn on_devices(work: &Work, id: &str, rates: &[Rates], threads: usize) -> Plan {
        let n = rates.len() as f64;
        let least = |of: fn(&Rates) -> f64| rates.iter().map(of).fold(f64::INFINITY, f64::min);
        let joint = Rates {
            bandwidth: n * least(|r| r.bandwidth),
            products: n * least(|r| r.products),
            // they share the host's memory
            upload: least(|r| r.upload),
            call: rates.iter().map(|r| r.call).fold(0.0, f64::max),
        };
        Plan::on_device(work, id, &joint, threads)
    }

    /// On a device, beside threads of the CPU that bring the rows there.
    pub fn on_device(work: &Work, id: &str, rates: &Rates, threads: usize) -> Plan {
        let mut plan = Plan::new(id, work);
        let threads = (threads.max(1) as f64).powf(SHARED);
        let (n, values) = (work.rows.unwrap_or(0) as f64, work.values());
        let read = 8.0 * values / rates.bandwidth;
        let (products, twice) = (
            work.products() / rates.products,
            // sums in twice the precision take about twenty operations
            10.0 * values / rates.products,
        );
        // sums by code read columns out of order
        let codes = 8.0 * n * (work.groups * (work.columns + work.groups)) as f64 / rates.bandwidth * 4.0;
        if !work.there {
            let form = if work.in_memory { 0.0 } else { DECODE + ELEMENT };
            let host = (values * form + n * work.groups as f64 * CODE) / threads;
            let seconds = UPLOAD + 8.0 * values / rates.upload + host;
            plan.add(work, "upload", "f64", seconds);
        }
        if work.iterates {
            let step = rates.call + work.solve() + products + 2.0 * read + 48.0 * n / rates.bandwidth + codes;
            for k in 0..STEPS {
                plan.add(work, &step_name(k), "f64", step);
            }
            plan.add(work, "last", "f64x2", step + read + twice);
        } else {
            let gram = rates.call + work.solve() + products + 2.0 * read + codes;
            plan.add(work, "gram", "f64", gram);
            plan.add(
                work,
                "residuals",
                "f64x2",
                rates.call + twice + 2.0 * read + codes,
            );
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(rows: u64, columns: usize, iterates: bool) -> Work {
        Work {
            rows: Some(rows),
            columns,
            groups: 0,
            in_memory: true,
            there: false,
            iterates,
        }
    }

    /// Rates as one H200 has them.
    const FAST: Rates = Rates {
        bandwidth: 3.5e12,
        products: 1.5e13,
        upload: 4.8e10,
        call: 6e-4,
    };

    #[test]
    fn costs_grow_with_rows_columns_and_fewer_threads() {
        for iterates in [false, true] {
            let seconds = |rows, columns, threads| {
                let w = work(rows, columns, iterates);
                (
                    Plan::cpu(&w, threads).seconds(),
                    Plan::on_device(&w, "fast", &FAST, threads).seconds(),
                )
            };
            let (cpu, fast) = seconds(100_000, 50, 2);
            for (more_cpu, more_fast) in [seconds(200_000, 50, 2), seconds(100_000, 90, 2)] {
                assert!(more_cpu > cpu && more_fast > fast);
            }
            assert!(seconds(100_000, 50, 1).0 > cpu);
        }
    }

    #[test]
    fn small_fits_stay_and_large_ones_go() {
        let small = work(1_000, 5, false);
        let large = work(1_000_000, 256, false);
        let both = |w: &Work| {
            let cpu = Plan::cpu(w, 16).seconds();
            let fast = Plan::on_device(w, "fast", &FAST, 16).seconds();
            (cpu, fast)
        };
        let (cpu, fast) = both(&small);
        assert!(cpu < fast, "{cpu} {fast}");
        let (cpu, fast) = both(&large);
        assert!(fast < cpu, "{cpu} {fast}");
        // what is there already needs no copy
        let there = Work { there: true, ..large };
        assert!(both(&there).1 < 0.5 * fast);
    }
}
