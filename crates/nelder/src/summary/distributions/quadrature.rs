//! Tail integrals with a decaying, log-concave integrand.

/// `∫ exp(-exponent(s)) ds` over `s > 0`, where `exponent(0) = 0` and `exponent` is convex and grows at first as
/// `slope s + curvature s² / 2`, with `slope >= 0` and `curvature > 0`.
///
/// The trapezoidal rule after `s = scale exp(t - exp(-t))`, the double exponential map for integrands that decay
/// exponentially (Takahasi & Mori 1974; Mori & Sugihara 2001), whose error falls as `exp(-c / h)`.
pub(crate) fn tail_integral(slope: f64, curvature: f64, exponent: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 14.0;
    // Where `slope s + curvature s² / 2` reaches one.
    let scale = 2.0 / (slope + (slope * slope + 2.0 * curvature).sqrt());
    let mut sum = 0.0;
    let mut t = -3.75_f64;
    while t < 5.0 {
        let e = (-t).exp();
        let s = scale * (t - e).exp();
        let height = exponent(s);
        if height > 45.0 {
            break;
        }
        sum += (-height).exp() * s * (1.0 + e);
        t += STEP;
    }
    sum * STEP
}

#[cfg(test)]
mod tests {
    use super::tail_integral;

    #[test]
    fn exponential_and_half_normal_are_integrated_to_double_precision() {
        let exponential = tail_integral(3.0, 1e-9, |s| 3.0 * s);
        assert!((exponential * 3.0 - 1.0).abs() < 4e-15, "{exponential}");
        let normal = tail_integral(0.0, 4.0, |s| 2.0 * s * s);
        let exact = (std::f64::consts::PI / 8.0).sqrt();
        assert!((normal / exact - 1.0).abs() < 4e-15, "{normal} {exact}");
    }
}
