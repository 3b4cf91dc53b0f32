//! The gamma function's logarithm and its derivatives.

use super::stirling_error;

/// Arguments from which the asymptotic series of [`digamma`] and [`trigamma`] are exact to double precision.
const LARGE: f64 = 14.0;

/// log |Γ(x)|; infinite at 0 and the negative whole numbers.
///
/// ```
/// use nelder_device::special::ln_gamma;
/// assert!((ln_gamma(5.0) - 24f64.ln()).abs() < 1e-15);
/// ```
pub fn ln_gamma(x: f64) -> f64 {
    if x > 1e3 {
        return (x - 0.5) * x.ln() - x + 0.918_938_533_204_672_741_78 + stirling_error(x);
    }
    libm::lgamma(x)
}

/// ψ(x), the derivative of log Γ(x), for x > 0; NaN otherwise. R's `digamma`.
///
/// By ψ(x) = ψ(x + 1) − 1/x up to where the asymptotic series holds (Abramowitz & Stegun 6.3.18).
///
/// ```
/// use nelder_device::special::digamma;
/// assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-15);
/// ```
pub fn digamma(x: f64) -> f64 {
    if !(x > 0.0) {
        return f64::NAN;
    }
    let (mut z, mut shift) = (x, 0.0);
    while z < LARGE {
        shift += 1.0 / z;
        z += 1.0;
    }
    // B(2k) / (2k)
    const COEFFICIENTS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32_760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let inverse2 = 1.0 / (z * z);
    let series = COEFFICIENTS.iter().rev().fold(0.0, |s, c| s * inverse2 + c);
    (z.ln() - 0.5 / z - series * inverse2) - shift
}

/// ψ'(x) for x > 0; NaN otherwise. R's `trigamma`.
///
/// ```
/// use nelder_device::special::trigamma;
/// assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 4e-16);
/// ```
pub fn trigamma(x: f64) -> f64 {
    if !(x > 0.0) {
        return f64::NAN;
    }
    let (mut z, mut shift) = (x, 0.0);
    while z < LARGE {
        shift += 1.0 / (z * z);
        z += 1.0;
    }
    // B(2k)
    const COEFFICIENTS: [f64; 8] = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
    ];
    let inverse = 1.0 / z;
    let inverse2 = inverse * inverse;
    let series = COEFFICIENTS.iter().rev().fold(0.0, |s, c| s * inverse2 + c);
    shift + (inverse + 0.5 * inverse2 + series * inverse2 * inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, exact: f64) {
        let tolerance = 8.0 * f64::EPSILON * exact.abs().max(1.0);
        assert!(
            (value - exact).abs() <= tolerance,
            "{value:e} instead of {exact:e}"
        );
    }

    // Exact values: Γ(1/2) = √π; ψ and ψ' at 1/2, 1, 2 and 10 in closed form (Abramowitz & Stegun 6.3, 6.4).
    #[test]
    fn known_values() {
        let euler = 0.577_215_664_901_532_860_6;
        let square = std::f64::consts::PI.powi(2);
        close(digamma(0.5), -euler - 2.0 * std::f64::consts::LN_2);
        close(digamma(2.0), 1.0 - euler);
        let harmonic: f64 = (1..10).map(|k| 1.0 / f64::from(k)).sum();
        close(digamma(10.0), harmonic - euler);
        close(trigamma(0.5), square / 2.0);
        close(trigamma(2.0), square / 6.0 - 1.0);
        let squares: f64 = (1..10).map(|k| 1.0 / f64::from(k * k)).sum();
        close(trigamma(10.0), square / 6.0 - squares);
        close(ln_gamma(0.5), 0.5 * std::f64::consts::PI.ln());
    }

    // ψ(x + 1) − ψ(x) = 1/x across the border of the series, and log Γ is consistent with Stirling's error.
    #[test]
    fn steps_of_one() {
        for x in [0.3, 5.7, 13.2, 13.9, 14.1, 200.0, 1e5] {
            close(digamma(x + 1.0), digamma(x) + 1.0 / x);
            close(trigamma(x + 1.0) + 1.0 / (x * x), trigamma(x));
        }
        close(ln_gamma(1000.5), libm::lgamma(1000.5));
        assert!(digamma(0.0).is_nan() && trigamma(-1.5).is_nan());
    }
}
