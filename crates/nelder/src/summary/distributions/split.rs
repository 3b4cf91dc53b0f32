//! A distribution function at one point, as its directly computed tail.

use nelder_device::special::log1m_exp;

/// Both tails at one point: one computed directly as `density * factor`, the other its complement.
///
/// `ln_density` is the logarithm of the density of the *logarithm* of the variable (for F, chi-squared).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub ln_density: f64,
    pub factor: f64,
    pub direct_is_lower: bool,
}

impl Split {
    pub fn swap(self) -> Self {
        Self {
            direct_is_lower: !self.direct_is_lower,
            ..self
        }
    }

    pub fn tail(&self, lower: bool) -> f64 {
        let direct = (self.ln_density.exp() * self.factor).min(1.0);
        if lower == self.direct_is_lower {
            direct
        } else {
            1.0 - direct
        }
    }

    pub fn ln_tail(&self, lower: bool) -> f64 {
        let direct = (self.ln_density + self.factor.ln()).min(0.0);
        if lower == self.direct_is_lower {
            direct
        } else {
            log1m_exp(direct)
        }
    }
}

/// The logarithm `l` of the variable at which the `lower` (or upper) tail is `area`, `0 < area < 1`.
///
/// Newton's method on the logarithm of the smaller tail, which is concave in `l`, inside a bracket.
pub(crate) fn quantile_ln(area: f64, lower: bool, start: f64, at: impl Fn(f64) -> Split) -> f64 {
    // Above one half the other tail is small; 1 - area is exact there.
    let (area, lower) = if area <= 0.5 {
        (area, lower)
    } else {
        (1.0 - area, !lower)
    };
    let target = area.ln();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut l = start;
    for _ in 0..400 {
        let split = at(l);
        let ln_tail = split.ln_tail(lower);
        let gap = ln_tail - target;
        // The lower tail grows with l, the upper falls.
        if (gap > 0.0) == lower {
            high = high.min(l);
        } else {
            low = low.max(l);
        }
        let slope = (split.ln_density - ln_tail).exp();
        let mut step = if lower { -gap / slope } else { gap / slope };
        if !step.is_finite() {
            step = if (gap > 0.0) == lower { -4.0 } else { 4.0 };
        }
        let bound = 4.0 + 0.5 * l.abs();
        let mut next = l + step.clamp(-bound, bound);
        if !(next > low && next < high) {
            next = if low.is_finite() && high.is_finite() {
                0.5 * (low + high)
            } else {
                l
            };
        }
        let moved = (next - l).abs();
        l = next;
        // exp(l) is wanted to a relative 2^-53; an l that is itself small needs no more than that either.
        if moved <= 2e-16 * l.abs()
            || moved <= 1e-17
            || (moved < 1e-9 * slope.recip().min(1.0) && moved < 1e-15)
        {
            break;
        }
    }
    l
}
