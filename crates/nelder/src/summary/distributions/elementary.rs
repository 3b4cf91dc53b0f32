//! Elementary functions without cancellation.

/// `x - log(1 + x)`, accurate relative to its own size.
pub(crate) fn x_minus_log1p(x: f64) -> f64 {
    if !(-0.6..=0.9).contains(&x) {
        return x - x.ln_1p();
    }
    // log(1 + x) = 2 artanh(r) with r = x / (2 + x), and x - 2r = x r.
    let r = x / (2.0 + x);
    let r2 = r * r;
    let mut power = 1.0;
    let mut sum = 0.0;
    let mut k = 3.0;
    loop {
        let term = power / k;
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
        power *= r2;
        k += 2.0;
    }
    r * (x - 2.0 * r2 * sum)
}

/// `exp(s) - 1 - s`, accurate relative to its own size.
pub(crate) fn expm1_minus_x(s: f64) -> f64 {
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
/// of one.
pub(crate) fn stirling_error(z: f64) -> f64 {
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
pub(crate) fn log1m_exp(l: f64) -> f64 {
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
        close(stirling_error(5.5), 0.0151346432336926, 1e-12);
        close(stirling_error(1e6), 1.0 / 12e6, 1e-12);
    }
}
