//! Student's t distribution.

use super::beta::{Ratio, beta_split};
use super::{Split, f, normal, positive};

/// |T| as an F variable with one and `df` degrees of freedom.
fn split(t: f64, df: f64) -> Split {
    beta_split(0.5, 0.5 * df, Ratio::square_of(t.abs()))
}

fn valid(t: f64, df: f64) -> bool {
    !t.is_nan() && positive(df)
}

/// P(|T| > |t|), the p-value of a coefficient table: R's `2 * pt(abs(t), df, lower.tail = FALSE)`.
///
/// ```
/// use nelder::summary::distributions::student;
/// assert!((student::two_sided(12.706204736174698, 1.0) - 0.05).abs() < 1e-15);
/// ```
pub fn two_sided(t: f64, df: f64) -> f64 {
    if !valid(t, df) {
        return f64::NAN;
    }
    if t.is_infinite() {
        return 0.0;
    }
    if df.is_infinite() {
        return 2.0 * normal::sf(t.abs());
    }
    if t == 0.0 { 1.0 } else { split(t, df).tail(false) }
}

fn ln_two_sided(t: f64, df: f64) -> f64 {
    if df.is_infinite() {
        return std::f64::consts::LN_2 + normal::ln_sf(t.abs());
    }
    if t.is_infinite() {
        return f64::NEG_INFINITY;
    }
    if t == 0.0 {
        0.0
    } else {
        split(t, df).ln_tail(false)
    }
}

/// P(T ≤ t), R's `pt(t, df)`.
pub fn cdf(t: f64, df: f64) -> f64 {
    sf(-t, df)
}

/// P(T > t), R's `pt(t, df, lower.tail = FALSE)`.
pub fn sf(t: f64, df: f64) -> f64 {
    let outside = 0.5 * two_sided(t, df);
    if t > 0.0 { outside } else { 1.0 - outside }
}

/// log P(T ≤ t).
pub fn ln_cdf(t: f64, df: f64) -> f64 {
    ln_sf(-t, df)
}

/// log P(T > t), also where the area itself is below the smallest double.
pub fn ln_sf(t: f64, df: f64) -> f64 {
    if !valid(t, df) {
        return f64::NAN;
    }
    if t > 0.0 {
        ln_two_sided(t, df) - std::f64::consts::LN_2
    } else {
        (-0.5 * two_sided(t, df)).ln_1p()
    }
}

/// The point with P(T ≤ t) = p, R's `qt(p, df)`.
pub fn quantile(p: f64, df: f64) -> f64 {
    -quantile_upper(p, df)
}

/// The point with P(T > t) = p, R's `qt(p, df, lower.tail = FALSE)`.
///
/// ```
/// use nelder::summary::distributions::student;
/// assert!((student::quantile_upper(0.025, 10.0) - 2.2281388519862739).abs() < 1e-14);
/// ```
pub fn quantile_upper(p: f64, df: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || !positive(df) {
        return f64::NAN;
    }
    if df.is_infinite() {
        return normal::quantile_upper(p);
    }
    if p == 0.5 {
        return 0.0;
    }
    let small = p.min(1.0 - p);
    // Near the middle the area inside (-t, t) is the one with all its digits.
    let ln_square = if small < 0.25 {
        f::quantile_ln_of(2.0 * small, 1.0, df, false)
    } else {
        f::quantile_ln_of(2.0 * (p - 0.5).abs(), 1.0, df, true)
    };
    let size = (0.5 * ln_square).exp();
    if p < 0.5 { size } else { -size }
}
