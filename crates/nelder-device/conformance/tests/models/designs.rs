//! Random designs of a given condition, of whole numbers or decimals.

use crate::draws::Draws;
use crate::rational::Column;

/// Dense columns, or powers of the first one, beside the levels of a factor.
#[derive(Default)]
pub struct Design {
    /// x1, x2 …
    pub x: Vec<Vec<f64>>,
    /// Up to which power of x1.
    pub degree: u32,
    /// The level of each row; empty without a factor.
    pub levels: Vec<usize>,
    /// The response.
    pub y: Vec<f64>,
    /// Weights.
    pub w: Option<Vec<f64>>,
    /// Whether all numbers are whole.
    pub whole: bool,
    /// Whether the response lies outside the span of the columns.
    pub noisy: bool,
}

impl Design {
    /// Its formula.
    pub fn formula(&self) -> String {
        let mut terms: Vec<String> = (1..=self.x.len()).map(|j| format!("x{j}")).collect();
        terms.extend((2..=self.degree).map(|k| format!("I(x1^{k})")));
        if !self.levels.is_empty() {
            terms.push("g".into());
        }
        format!("y ~ {}", terms.join(" + "))
    }

    /// The model matrix: intercept, columns, powers, treatment contrasts.
    pub fn columns(&self) -> Vec<Column> {
        let mut out = vec![Column::new(&vec![1.0; self.y.len()])];
        out.extend(self.x.iter().map(|x| Column::new(x)));
        out.extend((2..=self.degree).map(|k| Column::new(&self.x[0]).power(k)));
        let mut levels = self.levels.clone();
        levels.sort_unstable();
        levels.dedup();
        for &level in levels.iter().skip(1) {
            let indicator: Vec<f64> = self
                .levels
                .iter()
                .map(|&l| f64::from(u8::from(l == level)))
                .collect();
            out.push(Column::new(&indicator));
        }
        out
    }

    /// A response with residuals of `noise` times its size; whole if the columns are.
    pub fn respond(&mut self, draws: &mut Draws, whole: bool) {
        let n = self.x[0].len();
        let mut signal = vec![0.0; n];
        for x in &self.x {
            let b = if whole {
                draws.whole(1, 9) as f64
            } else {
                draws.normal()
            };
            signal.iter_mut().zip(x).for_each(|(s, x)| *s += b * x);
        }
        for (s, &l) in signal.iter_mut().zip(&self.levels) {
            *s += l as f64;
        }
        let size = signal.iter().fold(1.0f64, |m, s| m.max(s.abs()));
        // residuals of whole numbers are rounded away below one half: then the fit is exact
        self.whole = whole;
        self.noisy = !whole || !draws.one_in(20);
        let noise = (size * 10f64.powf(draws.uniform(-14.0, 1.0))).max(if whole { 2.0 } else { 0.0 });
        let noise = if self.noisy { noise } else { 0.0 };
        self.y = signal.iter().map(|s| s + noise * draws.normal()).collect();
        if whole {
            self.y.iter_mut().for_each(|y| *y = y.round().clamp(-9e15, 9e15));
        }
        if draws.one_in(4) {
            let w = |_| {
                if whole {
                    draws.whole(1, 9) as f64
                } else {
                    10f64.powf(draws.uniform(-3.0, 3.0))
                }
            };
            self.w = Some((0..n).map(w).collect());
        }
    }
}

fn size(draws: &mut Draws) -> (usize, usize) {
    let p = draws.whole(2, 6) as usize;
    (draws.whole((p as i64 + 2).max(6), 40) as usize, p)
}

/// Normal columns, the last a combination of the others but for 1/κ of it.
pub fn dependent(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let (n, p) = size(draws);
    dependent_of(draws, kappa, whole, n, p)
}

fn dependent_of(draws: &mut Draws, kappa: f64, whole: bool, n: usize, p: usize) -> Design {
    let mut x: Vec<Vec<f64>> = Vec::new();
    for _ in 1..p {
        let column = |_| {
            if whole {
                draws.whole(-30, 30) as f64
            } else {
                draws.normal()
            }
        };
        x.push((0..n).map(column).collect());
    }
    let b: Vec<f64> = (1..p).map(|_| draws.whole(1, 3) as f64).collect();
    let last = |i: usize| {
        let sum: f64 = x.iter().zip(&b).map(|(x, b)| b * x[i]).sum();
        if whole {
            (kappa / 3.0).max(1.0).round() * sum + draws.whole(-9, 9) as f64
        } else {
            sum + draws.normal() / kappa
        }
    };
    let last = (0..n).map(last).collect();
    x.push(last);
    Design {
        x,
        ..Design::default()
    }
}

/// The same with several thousand rows, and means that drift from row to row.
pub fn long(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let (n, p) = (draws.whole(2000, 6000) as usize, draws.whole(2, 4) as usize);
    let mut design = dependent_of(draws, kappa.sqrt(), whole, n, p);
    // a drift of all columns hides that the last depends on the others
    let moves = if draws.one_in(2) { p } else { 1 };
    for x in &mut design.x[..moves] {
        let (from, drift) = (draws.whole(0, 1000) as f64, draws.whole(0, 3) as f64);
        x.iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x += from + drift * (i / 100) as f64);
    }
    design
}

/// Powers of one column.
pub fn powers(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let (n, p) = size(draws);
    let far = kappa.powf(1.0 / p as f64).min(200.0);
    let x = if whole {
        let from = (far * n as f64 / 4.0) as i64;
        (0..n as i64).map(|i| (from + i) as f64).collect()
    } else {
        (0..n).map(|_| far + draws.normal()).collect()
    };
    Design {
        x: vec![x],
        degree: p as u32,
        ..Design::default()
    }
}

/// Columns whose mean exceeds their deviations.
pub fn means(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let (n, p) = size(draws);
    let column = |draws: &mut Draws| -> Vec<f64> {
        let mean = kappa.powf(draws.uniform(0.0, 1.0)) * 10.0;
        if whole {
            (0..n)
                .map(|_| mean.round() + draws.whole(-20, 20) as f64)
                .collect()
        } else {
            (0..n).map(|_| mean + draws.normal()).collect()
        }
    };
    Design {
        x: (0..p).map(|_| column(draws)).collect(),
        ..Design::default()
    }
}

/// Columns of different powers of ten.
pub fn units(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let mut design = dependent(draws, if whole { kappa.min(1e8) } else { kappa }, whole);
    for x in &mut design.x {
        let unit = if whole {
            10f64.powi(draws.whole(0, 4) as i32)
        } else {
            10f64.powi(draws.whole(-90, 90) as i32)
        };
        x.iter_mut().for_each(|x| *x *= unit);
    }
    design
}

/// A column that is nearly constant within the levels of a factor.
pub fn levels(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let mut design = dependent(draws, kappa.sqrt(), whole);
    let n = design.x[0].len();
    let count = draws.whole(2, 5).min(n as i64 / 3);
    design.levels = (0..n)
        .map(|i| {
            if (i as i64) < count {
                i
            } else {
                draws.whole(0, count - 1) as usize
            }
        })
        .collect();
    let shift = if whole { kappa.sqrt().round() } else { kappa.sqrt() };
    for (x, &l) in design.x[0].iter_mut().zip(&design.levels) {
        *x += shift * l as f64;
    }
    design
}

/// The same with so many levels that tables eliminate them.
pub fn many(draws: &mut Draws, kappa: f64, whole: bool) -> Design {
    let mut design = Design::default();
    let n = draws.whole(60, 90) as usize;
    design.levels = (0..n)
        .map(|i| if i < 26 { i } else { draws.whole(0, 25) as usize })
        .collect();
    let shift = kappa.sqrt().round();
    for _ in 0..draws.whole(1, 3) {
        let value = |draws: &mut Draws, l: usize| {
            let own = if whole {
                draws.whole(-9, 9) as f64
            } else {
                draws.normal()
            };
            own + shift * ((l * 7) % 26) as f64
        };
        design
            .x
            .push(design.levels.iter().map(|&l| value(draws, l)).collect());
    }
    design
}
