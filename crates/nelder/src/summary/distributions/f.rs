//! Fisher's F distribution.

use super::beta::{Ratio, beta_split};
use super::split::quantile_ln;
use super::{Split, chi_squared, normal, positive};

fn split(x: f64, df1: f64, df2: f64) -> Split {
    beta_split(0.5 * df1, 0.5 * df2, Ratio::new(x))
}

/// The values that need no integral: outside the support, and bad arguments.
fn edge(x: f64, df1: f64, df2: f64) -> Option<f64> {
    if x.is_nan() || !positive(df1) || !positive(df2) {
        return Some(f64::NAN);
    }
    if x <= 0.0 {
        return Some(0.0);
    }
    if x == f64::INFINITY {
        return Some(1.0);
    }
    if df1.is_infinite() && df2.is_infinite() {
        return Some(if x < 1.0 { 0.0 } else { 1.0 });
    }
    None
}

fn area(x: f64, df1: f64, df2: f64, lower: bool) -> f64 {
    if let Some(p) = edge(x, df1, df2) {
        return if lower { p } else { 1.0 - p };
    }
    // An infinite number of degrees of freedom leaves a chi-squared, of the other.
    match (df1.is_infinite(), df2.is_infinite(), lower) {
        (_, true, true) => chi_squared::cdf(x * df1, df1),
        (_, true, false) => chi_squared::sf(x * df1, df1),
        (true, _, true) => chi_squared::sf(df2 / x, df2),
        (true, _, false) => chi_squared::cdf(df2 / x, df2),
        _ => split(x, df1, df2).tail(lower),
    }
}

fn ln_area(x: f64, df1: f64, df2: f64, lower: bool) -> f64 {
    if let Some(p) = edge(x, df1, df2) {
        return if lower { p.ln() } else { (1.0 - p).ln() };
    }
    match (df1.is_infinite(), df2.is_infinite(), lower) {
        (_, true, true) => chi_squared::ln_cdf(x * df1, df1),
        (_, true, false) => chi_squared::ln_sf(x * df1, df1),
        (true, _, true) => chi_squared::ln_sf(df2 / x, df2),
        (true, _, false) => chi_squared::ln_cdf(df2 / x, df2),
        _ => split(x, df1, df2).ln_tail(lower),
    }
}

/// P(X ≤ x), R's `pf(x, df1, df2)`.
///
/// ```
/// use nelder::summary::distributions::f;
/// // With one and df2 degrees of freedom F is t squared.
/// assert!((f::cdf(12.706204736174698_f64.powi(2), 1.0, 1.0) - 0.95).abs() < 1e-14);
/// ```
pub fn cdf(x: f64, df1: f64, df2: f64) -> f64 {
    area(x, df1, df2, true)
}

/// P(X > x), R's `pf(x, df1, df2, lower.tail = FALSE)`.
pub fn sf(x: f64, df1: f64, df2: f64) -> f64 {
    area(x, df1, df2, false)
}

/// log P(X ≤ x).
pub fn ln_cdf(x: f64, df1: f64, df2: f64) -> f64 {
    ln_area(x, df1, df2, true)
}

/// log P(X > x), also where the area itself is below the smallest double.
pub fn ln_sf(x: f64, df1: f64, df2: f64) -> f64 {
    ln_area(x, df1, df2, false)
}

fn solve(p: f64, df1: f64, df2: f64, lower: bool) -> f64 {
    if !(0.0..=1.0).contains(&p) || !positive(df1) || !positive(df2) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if (p == 0.0) == lower { 0.0 } else { f64::INFINITY };
    }
    match (df1.is_infinite(), df2.is_infinite(), lower) {
        (true, true, _) => return 1.0,
        (_, true, true) => return chi_squared::quantile(p, df1) / df1,
        (_, true, false) => return chi_squared::quantile_upper(p, df1) / df1,
        (true, _, true) => return df2 / chi_squared::quantile_upper(p, df2),
        (true, _, false) => return df2 / chi_squared::quantile(p, df2),
        _ => {}
    }
    quantile_ln_of(p, df1, df2, lower).exp()
}

/// The logarithm of the quantile, which does not overflow, for finite degrees of freedom and `0 < p < 1`.
pub(super) fn quantile_ln_of(p: f64, df1: f64, df2: f64, lower: bool) -> f64 {
    // log F is about normal with this spread (Fisher's z).
    let z = if lower {
        normal::quantile(p)
    } else {
        normal::quantile_upper(p)
    };
    let start = (z * (2.0 / df1 + 2.0 / df2).sqrt() + 1.0 / df2 - 1.0 / df1).clamp(-20.0, 20.0);
    quantile_ln(p, lower, start, |l| {
        beta_split(0.5 * df1, 0.5 * df2, Ratio::from_ln(l))
    })
}

/// The point with P(X ≤ x) = p, R's `qf(p, df1, df2)`.
pub fn quantile(p: f64, df1: f64, df2: f64) -> f64 {
    solve(p, df1, df2, true)
}

/// The point with P(X > x) = p, R's `qf(p, df1, df2, lower.tail = FALSE)`.
pub fn quantile_upper(p: f64, df1: f64, df2: f64) -> f64 {
    solve(p, df1, df2, false)
}
