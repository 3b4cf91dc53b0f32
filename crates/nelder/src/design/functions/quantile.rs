//! Quantiles and ranks of sorted values.

use serde::{Deserialize, Serialize};

/// The median: the middle value, or the mean of the two; `NaN` of none.
pub(super) fn mean_of_middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[half],
        _ => 0.5 * sorted[half - 1] + 0.5 * sorted[half],
    }
}

/// The p-quantile of sorted values by one of the nine definitions of Hyndman & Fan (1996), "Sample quantiles in statistical
/// packages", as R's `quantile(type = )` computes it; `NaN` of none.
///
/// With x₍ⱼ₎ the j-th value, Q(p) = (1 − γ) x₍ⱼ₎ + γ x₍ⱼ₊₁₎ for j = ⌊np + m⌋. Types 1 to 3 are steps (γ is 0, ½ or 1); types 4 to 9
/// interpolate between the points p(k) = (k − a) / (n + 1 − a − b), so that m = a + p (1 − a − b).
pub(in crate::design) fn quantile(sorted: &[f64], p: f64, kind: usize) -> f64 {
    let n = sorted.len();
    if n == 0 {
        return f64::NAN;
    }
    let at = |j: i64| sorted[(j.clamp(1, n as i64) - 1) as usize];
    let between = |j: i64, g: f64| match g {
        0.0 => at(j),
        1.0 => at(j + 1),
        _ if at(j) == at(j + 1) => at(j),
        g => (1.0 - g) * at(j) + g * at(j + 1),
    };
    // a place that rounding has moved just below a whole number is that number
    let fuzz = 4.0 * f64::EPSILON;
    let count = n as f64;
    if kind == 7 {
        let place = 1.0 + (count - 1.0) * p;
        return between(place.floor() as i64, place - place.floor());
    }
    if kind <= 3 {
        let place = if kind == 3 { count * p - 0.5 } else { count * p };
        let j = (place + fuzz).floor();
        let g = match kind {
            1 => f64::from(place > j),
            2 => (f64::from(place > j) + 1.0) / 2.0,
            _ => f64::from(place != j || j.rem_euclid(2.0) == 1.0),
        };
        return between(j as i64, g);
    }
    let (a, b) = match kind {
        4 => (0.0, 1.0),
        5 => (0.5, 0.5),
        6 => (0.0, 0.0),
        8 => (1.0 / 3.0, 1.0 / 3.0),
        _ => (3.0 / 8.0, 3.0 / 8.0),
    };
    let place = a + p * (count + 1.0 - a - b);
    let j = (place + fuzz).floor();
    let g = place - j;
    between(j as i64, if g.abs() < fuzz { 0.0 } else { g })
}

/// Which of several equal values have which rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::design) enum Ties {
    Average,
    Min,
    Max,
}

/// Ranks among the values of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::design) struct Ranks {
    /// The different values, sorted.
    values: Vec<f64>,
    /// Cumulative counts: for each, the number of values that are at most that.
    up_to: Vec<u64>,
}

impl Ranks {
    pub fn of(mut values: Vec<f64>) -> Ranks {
        values.retain(|x| !x.is_nan());
        // 0 and -0 are one value
        values.iter_mut().for_each(|x| *x += 0.0);
        values.sort_unstable_by(f64::total_cmp);
        let mut own = Ranks {
            values: Vec::new(),
            up_to: Vec::new(),
        };
        for (i, x) in values.into_iter().enumerate() {
            if own.values.last() != Some(&x) {
                own.values.push(x);
                own.up_to.push(0);
            }
            if let Some(last) = own.up_to.last_mut() {
                *last = i as u64 + 1;
            }
        }
        own
    }

    /// The rank of a value, from 1; that of a value which the fit has not is between those of its neighbours.
    pub fn rank(&self, x: f64, ties: Ties) -> f64 {
        if x.is_nan() {
            return f64::NAN;
        }
        let place = self.values.partition_point(|v| *v < x);
        let below = match place {
            0 => 0,
            p => self.up_to[p - 1],
        };
        match self.values.get(place).is_some_and(|v| *v == x) {
            false => below as f64 + 0.5,
            true => {
                let (first, last) = (below as f64 + 1.0, self.up_to[place] as f64);
                match ties {
                    Ties::Average => 0.5 * (first + last),
                    Ties::Min => first,
                    Ties::Max => last,
                }
            }
        }
    }
}
