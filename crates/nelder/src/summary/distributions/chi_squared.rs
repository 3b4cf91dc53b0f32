//! The chi-squared distribution.

use super::gamma::gamma_split;
use super::split::quantile_ln;
use super::{Split, normal, positive};

fn split(x: f64, df: f64) -> Split {
    // (x - df) / df: the difference is exact near the centre.
    gamma_split(0.5 * df, x / df, (x - df) / df)
}

fn edge(x: f64, df: f64) -> Option<f64> {
    if x.is_nan() || !positive(df) {
        return Some(f64::NAN);
    }
    if df.is_infinite() {
        return Some(if x.is_infinite() && x > 0.0 { f64::NAN } else { 0.0 });
    }
    if x <= 0.0 {
        return Some(0.0);
    }
    (x == f64::INFINITY).then_some(1.0)
}

/// P(X ≤ x), R's `pchisq(x, df)`.
///
/// ```
/// use nelder::summary::distributions::chi_squared;
/// assert!((chi_squared::cdf(3.841458820694124, 1.0) - 0.95).abs() < 1e-14);
/// ```
pub fn cdf(x: f64, df: f64) -> f64 {
    edge(x, df).unwrap_or_else(|| split(x, df).tail(true))
}

/// P(X > x), R's `pchisq(x, df, lower.tail = FALSE)`.
pub fn sf(x: f64, df: f64) -> f64 {
    edge(x, df)
        .map(|p| 1.0 - p)
        .unwrap_or_else(|| split(x, df).tail(false))
}

/// log P(X ≤ x).
pub fn ln_cdf(x: f64, df: f64) -> f64 {
    edge(x, df)
        .map(f64::ln)
        .unwrap_or_else(|| split(x, df).ln_tail(true))
}

/// log P(X > x), also where the area itself is below the smallest double.
pub fn ln_sf(x: f64, df: f64) -> f64 {
    edge(x, df)
        .map(|p| (1.0 - p).ln())
        .unwrap_or_else(|| split(x, df).ln_tail(false))
}

fn solve(p: f64, df: f64, lower: bool) -> f64 {
    if !(0.0..=1.0).contains(&p) || !positive(df) || df.is_infinite() {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if (p == 0.0) == lower { 0.0 } else { f64::INFINITY };
    }
    // Wilson & Hilferty's cube root, or the first term of the lower tail where that is not positive.
    let z = if lower {
        normal::quantile(p)
    } else {
        normal::quantile_upper(p)
    };
    let spread = 2.0 / (9.0 * df);
    let root = 1.0 - spread + z * spread.sqrt();
    let start = if root > 0.1 { 3.0 * root.ln() } else { -3.0 };
    df * quantile_ln(p, lower, start, |l| gamma_split(0.5 * df, l.exp(), l.exp_m1())).exp()
}

/// The point with P(X ≤ x) = p, R's `qchisq(p, df)`.
pub fn quantile(p: f64, df: f64) -> f64 {
    solve(p, df, true)
}

/// The point with P(X > x) = p, R's `qchisq(p, df, lower.tail = FALSE)`.
pub fn quantile_upper(p: f64, df: f64) -> f64 {
    solve(p, df, false)
}
