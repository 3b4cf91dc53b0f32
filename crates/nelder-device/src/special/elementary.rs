//! Elementary functions without cancellation.

use crate::vector::log1p;

/// `x - log(1 + x)`, accurate relative to its own size; NaN below -1.
///
/// ```
/// use nelder_device::special::x_minus_log1p;
/// assert!((x_minus_log1p(1e-8) / 4.999_999_966_666_667e-17 - 1.0).abs() < 1e-15);
/// ```
#[inline(always)]
pub fn x_minus_log1p(x: f64) -> f64 {
    // log(1 + x) = 2 artanh(r) with r = x / (2 + x), and x - 2r = x r; for |r| ≤ 0.43 thirty terms are exact
    let r = x / (2.0 + x);
    let r2 = r * r;
    let mut sum = 0.0;
    let mut k = 29;
    while k > 0 {
        k -= 1;
        sum = f64::mul_add(sum, r2, RECIPROCALS[k]);
    }
    let near = r * (x - 2.0 * r2 * sum);
    let far = x - log1p(x);
    if x > -0.6 && x < 0.9 { near } else { far }
}

/// 1 / (2k + 3)
const RECIPROCALS: [f64; 29] = {
    let mut all = [0.0; 29];
    let mut k = 0;
    while k < 29 {
        all[k] = 1.0 / (2 * k + 3) as f64;
        k += 1;
    }
    all
};

/// `exp(s) - 1 - s`, accurate relative to its own size.
pub fn expm1_minus_x(s: f64) -> f64 {
    if s.abs() > 0.7 {
        return s.exp_m1() - s;
    }
    let mut term = 0.5 * s * s;
    let mut sum = term;
    let mut k = 3.0;
    while term.abs() > 1e-17 * sum {
        term *= s / k;
        sum += term;
        k += 1.0;
    }
    sum
}

/// Stirling's error: `log Γ(z) - [(z - 1/2) log z - z + log(2π)/2]` for `z > 0`, to an absolute error of a few ulp
/// of one. NaN below 0, infinite at 0; R's `stirlerr`.
pub fn stirling_error(z: f64) -> f64 {
    if !(z > 0.0) {
        return if z == 0.0 { f64::INFINITY } else { f64::NAN };
    }
    let mut z = z;
    let mut shift = 0.0;
    // The asymptotic series is exact to double precision from 12 on; below, the error of z and of z + 1 differ by
    // (z + 1/2) log(1 + 1/z) - 1.
    while z < 12.0 {
        let inverse = 1.0 / z;
        shift += if z > 2.0 {
            0.5 * inverse - (z + 0.5) * x_minus_log1p(inverse)
        } else {
            (z + 0.5) * inverse.ln_1p() - 1.0
        };
        z += 1.0;
    }
    // Bernoulli numbers B(2k) / (2k (2k - 1)).
    const COEFFICIENTS: [f64; 9] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
        43867.0 / 244_188.0,
    ];
    let inverse = 1.0 / z;
    let inverse2 = inverse * inverse;
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * inverse2 + c);
    shift + series * inverse
}

/// `log(1 - exp(l))` for `l <= 0`.
pub fn log1m_exp(l: f64) -> f64 {
    if l > -std::f64::consts::LN_2 {
        (-l.exp_m1()).ln()
    } else {
        (-l.exp()).ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, exact: f64, tolerance: f64) {
        assert!(
            (value - exact).abs() <= tolerance * exact.abs(),
            "{value:e} instead of {exact:e}"
        );
    }

    // Exact values from 40 digit arithmetic (mpmath 1.3).
    #[test]
    fn x_minus_log1p_keeps_its_digits() {
        close(x_minus_log1p(1e-8), 4.99999996666666691666667e-17, 4e-16);
        close(x_minus_log1p(-0.3), 0.0566749439387323758983, 4e-16);
        close(x_minus_log1p(0.5), 0.0945348918918356180, 4e-16);
        close(x_minus_log1p(3.0), 1.6137056388801094, 4e-16);
    }

    #[test]
    fn stirling_error_holds_from_small_to_large() {
        // Γ(1/2) = sqrt(π): log sqrt(π) - [0 - 1/2 + log(2π)/2] = 1/2 - log(2)/2.
        close(stirling_error(0.5), 0.5 - 0.5 * std::f64::consts::LN_2, 1e-14);
        // Γ(1) = 1 gives 1 - log(2π)/2.
        close(
            stirling_error(1.0),
            0.0810614667953272582196702635943823601,
            1e-14,
        );
        close(stirling_error(5.5), 0.015134973221917378874, 1e-14);
        close(stirling_error(1e6), 1.0 / 12e6, 1e-12);
    }
}
