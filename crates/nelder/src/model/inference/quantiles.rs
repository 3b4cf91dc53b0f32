//! R's `quantile` of residuals that were kept, or counted in bins.

use crate::pass::{Histogram, ResidualRun};

/// R's `quantile` (type 7) of a response's residuals at 0, ¼, ½, ¾ and 1, of `n` rows.
pub(in crate::model) fn quantiles(
    n: u64,
    runs: &[ResidualRun],
    histogram: Option<&Histogram>,
    places: Option<&Vec<f64>>,
    response: usize,
) -> [f64; 5] {
    if let Some(&[least, a1, b1, a2, b2, a3, b3, largest]) = places.and_then(|p| p.first_chunk::<8>()) {
        let between = |q: f64, a: f64, b: f64| {
            let part = ((n as f64 - 1.0) * q).fract();
            if part > 0.0 { a + part * (b - a) } else { a }
        };
        return [
            least,
            between(0.25, a1, b1),
            between(0.5, a2, b2),
            between(0.75, a3, b3),
            largest,
        ];
    }
    let at = |q: f64| {
        let h = (n as f64 - 1.0) * q;
        (h.floor() as u64, h - h.floor())
    };
    if runs.is_empty() {
        let Some(histogram) = histogram else {
            return [f64::NAN; 5];
        };
        return [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| match q {
            0.0 => histogram.smallest,
            1.0 => histogram.largest,
            _ => histogram.order_statistic(at(q).0),
        });
    }
    let mut all: Vec<f64> = Vec::with_capacity(n as usize);
    for run in runs {
        all.extend_from_slice(&run.values[response]);
    }
    let mut from = 0;
    [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| {
        let (low, part) = at(q);
        let low = (low as usize).min(all.len() - 1);
        // everything before `from` is already no larger than what follows
        let rest = &mut all[from.min(low)..];
        let (_, &mut a, above) = rest.select_nth_unstable_by(low - from.min(low), f64::total_cmp);
        let b = above.iter().copied().fold(f64::INFINITY, f64::min);
        from = low;
        if part > 0.0 && b.is_finite() {
            a + part * (b - a)
        } else {
            a
        }
    })
}
