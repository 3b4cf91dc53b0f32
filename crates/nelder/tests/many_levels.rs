//! A factor of 100,000 levels beside ten numeric columns, against the within transformation done here: columns less
//! their means by level, normal equations of order ten, and the levels' effects from the means.

mod draws;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use draws::Draws;
use nelder::frame::{Frame, Levels};
use nelder::model::{Lm, LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use nelder_device::Dd;

/// The system's allocator, which counts the bytes in use.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: all calls go to the system's allocator unchanged; only counters are touched beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's layout
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `at` came from `alloc` with this layout
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs, and returns the most bytes in use beyond those in use before, and the time.
fn measured<T>(run: impl FnOnce() -> T) -> (T, usize, Duration) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = Instant::now();
    let result = run();
    (result, PEAK.load(Ordering::Relaxed) - before, start.elapsed())
}

const P: usize = 10;

struct Data {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    codes: Vec<u32>,
    levels: Arc<Levels>,
    names: Vec<String>,
}

impl Data {
    /// Levels of two rows and more; columns that differ by level, and a response with an effect of its own for each.
    fn new(rows: usize, levels: usize) -> Data {
        let mut draws = Draws::new(3);
        let code = |draws: &mut Draws, i: usize| {
            if i < 2 * levels {
                i % levels
            } else {
                draws.whole(0, levels as i64 - 1) as usize
            }
        };
        let codes: Vec<u32> = (0..rows).map(|i| code(&mut draws, i) as u32).collect();
        let center: Vec<f64> = (0..levels).map(|_| draws.normal()).collect();
        let x: Vec<Vec<f64>> = (0..P)
            .map(|j| {
                codes
                    .iter()
                    .map(|&l| draws.normal() + center[(l as usize + j) % levels])
                    .collect()
            })
            .collect();
        let y = (0..rows)
            .map(|i| {
                let fixed: f64 = x.iter().enumerate().map(|(j, x)| x[i] * (j as f64 - 4.5)).sum();
                fixed + 3.0 * center[codes[i] as usize] + draws.normal()
            })
            .collect();
        let names: Vec<String> = (0..levels).map(|l| format!("{l:06}")).collect();
        let levels = Arc::new(Levels::fixed(names.iter().map(String::as_str)));
        Data {
            x,
            y,
            codes,
            levels,
            names,
        }
    }

    fn frame(&self) -> Frame<'_> {
        let start =
            Frame::new()
                .with_real("y", &self.y)
                .with_codes("f", &self.codes, self.levels.clone(), false);
        ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"]
            .into_iter()
            .zip(&self.x)
            .fold(start, |frame, (name, x)| frame.with_real(name, x))
    }
}

fn fit<'s>(frame: &'s Frame<'_>) -> Lm<'s> {
    lm(
        &LmSpec::new("y ~ x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + f"),
        frame,
        &NoProgress,
    )
    .unwrap()
}

/// What the within transformation finds.
struct Within {
    slopes: Vec<f64>,
    inverse: Vec<Vec<f64>>,
    sigma: f64,
    counts: Vec<f64>,
    /// Means of the columns by level, columns fastest.
    means: Vec<[f64; P]>,
    effects: Vec<f64>,
}

/// Inverse of a small positive definite matrix (Gauss and Jordan).
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let k = a.len();
    for i in 0..k {
        let pivot = std::mem::replace(&mut a[i][i], 1.0);
        a[i].iter_mut().for_each(|v| *v /= pivot);
        let row = a[i].clone();
        for (_, other) in a.iter_mut().enumerate().filter(|(j, _)| *j != i) {
            let factor = std::mem::replace(&mut other[i], 0.0);
            other.iter_mut().zip(&row).for_each(|(v, r)| *v -= factor * r);
        }
    }
    a
}

fn within(data: &Data) -> Within {
    let levels = data.names.len();
    let mut counts = vec![0.0; levels];
    data.codes.iter().for_each(|&l| counts[l as usize] += 1.0);
    // 1. means by level, and what is left of the columns and the response without them
    let split = |column: &[f64]| -> (Vec<f64>, Vec<f64>) {
        let mut sums = vec![Dd::ZERO; levels];
        for (&l, &v) in data.codes.iter().zip(column) {
            sums[l as usize] = sums[l as usize].add_f64(v);
        }
        let means: Vec<Dd> = sums.iter().zip(&counts).map(|(s, &n)| s.div_f64(n)).collect();
        let rest = |(&l, &v): (&u32, &f64)| (Dd::new(v) - means[l as usize]).hi;
        (
            means.iter().map(|m| m.hi).collect(),
            data.codes.iter().zip(column).map(rest).collect(),
        )
    };
    let parts: Vec<(Vec<f64>, Vec<f64>)> = data.x.iter().map(|x| split(x)).collect();
    let (response_means, rest) = split(&data.y);
    // 2. normal equations
    let dot = |a: &[f64], b: &[f64]| {
        a.iter()
            .zip(b)
            .fold(Dd::ZERO, |s, (&a, &b)| s.add_product(a, b))
            .hi
    };
    let gram = (0..P)
        .map(|i| (0..P).map(|j| dot(&parts[i].1, &parts[j].1)).collect())
        .collect();
    let inverse = inverse(gram);
    let right: Vec<f64> = parts.iter().map(|p| dot(&p.1, &rest)).collect();
    let slopes: Vec<f64> = inverse
        .iter()
        .map(|row| row.iter().zip(&right).map(|(a, b)| a * b).sum())
        .collect();
    // 3. residuals and effects
    let residual = |i: usize| rest[i] - parts.iter().zip(&slopes).map(|(p, b)| p.1[i] * b).sum::<f64>();
    let rss = (0..rest.len())
        .fold(Dd::ZERO, |s, i| s.add_product(residual(i), residual(i)))
        .hi;
    let df = (rest.len() - levels - P) as f64;
    let means: Vec<[f64; P]> = (0..levels)
        .map(|l| std::array::from_fn(|j| parts[j].0[l]))
        .collect();
    let effect = |l: usize| response_means[l] - means[l].iter().zip(&slopes).map(|(m, b)| m * b).sum::<f64>();
    Within {
        sigma: (rss / df).sqrt(),
        effects: (0..levels).map(effect).collect(),
        slopes,
        inverse,
        counts,
        means,
    }
}

impl Within {
    /// √ of (Σ c²/n + dᵀ S⁻¹ d) σ² for an effect, or a difference of two, whose columns differ by d.
    fn std_error(&self, own: f64, d: &[f64]) -> f64 {
        let form: f64 = (0..P)
            .map(|i| d[i] * (0..P).map(|j| self.inverse[i][j] * d[j]).sum::<f64>())
            .sum();
        self.sigma * (own + form).sqrt()
    }
}

#[test]
fn a_hundred_thousand_levels() {
    let (rows, levels) = (400_000, 100_000);
    let data = Data::new(rows, levels);
    let frame = data.frame();
    // threads keep a workspace for products, which is as large as the machine's caches say
    drop(fit(&frame));
    let (fit, peak, time) = measured(|| fit(&frame));
    println!(
        "{} MB, {time:?}, {}, claims {:?}",
        peak >> 20,
        fit.report().algorithm,
        fit.report().digits
    );
    // rows are read where they lie; a level costs 13 sums in twice the precision for each worker, its means, its
    // name: some kilobytes. A matrix of levels by levels would be 80 GB
    assert!(peak < 400 << 20, "{peak} bytes");
    assert!(time < Duration::from_secs(10), "{time:?}");
    assert_eq!(fit.report().passes.len(), 2);
    assert_eq!(
        (fit.rank, fit.df_residual),
        (P + levels, (rows - P - levels) as u64)
    );

    let want = within(&data);
    let own = &fit.responses[0];
    // the columns are far from dependent: what is left are sums of 400,000 rounded terms of random signs
    let tol = 64.0 * f64::EPSILON * fit.report().condition;
    let near = |got: f64, want: f64, what: &str| {
        assert!(
            (got - want).abs() <= tol * want.abs().max(1.0),
            "{what}: {got:e} is not {want:e}"
        );
    };
    near(own.sigma, want.sigma, "σ");
    for j in 0..P {
        near(own.coefficients[1 + j], want.slopes[j], "slope");
        near(
            own.std_errors[1 + j],
            want.sigma * want.inverse[j][j].sqrt(),
            "its standard error",
        );
    }
    near(own.coefficients[0], want.effects[0], "intercept");
    near(
        own.std_errors[0],
        want.std_error(1.0 / want.counts[0], &want.means[0]),
        "its standard error",
    );
    for l in 1..levels {
        let c = P + l;
        assert_eq!(fit.coefnames()[c], format!("f{}", data.names[l]));
        near(own.coefficients[c], want.effects[l] - want.effects[0], "level");
        let d: Vec<f64> = want.means[l]
            .iter()
            .zip(&want.means[0])
            .map(|(a, b)| a - b)
            .collect();
        let own_part = 1.0 / want.counts[l] + 1.0 / want.counts[0];
        near(
            own.std_errors[c],
            want.std_error(own_part, &d),
            "its standard error",
        );
    }

    // memory grows with the levels, not with their square
    let peak = |levels: usize| {
        let data = Data::new(4 * levels, levels);
        let frame = data.frame();
        measured(|| drop(self::fit(&frame))).1
    };
    // by one worker: a second needs memory only where it finds rows left
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (one, two) = alone.install(|| (peak(20_000), peak(40_000)));
    println!("20,000 levels {} kB, 40,000 levels {} kB", one >> 10, two >> 10);
    assert!(two < one * 5 / 2, "{one} and {two} bytes");
}
