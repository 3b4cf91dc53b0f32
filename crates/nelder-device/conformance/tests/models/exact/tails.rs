//! Tails of χ², t and F: areas down to 1e-200 against series in 154 digits.

use nelder::summary::distributions::{chi_squared, f, student};

use super::held::{Held, count};
use super::number::Exact;
use super::random::Random;

/// Γ(k / 2) for a whole number k, by its recurrence from Γ(1) = 1 or Γ(1/2) = √π.
fn gamma_of_half(k: u32) -> Exact {
    let mut value = if k.is_multiple_of(2) {
        Exact::from(1.0)
    } else {
        Exact::pi().sqrt()
    };
    let mut at = if k.is_multiple_of(2) { 2 } else { 1 };
    while at < k {
        value = value * Exact::from(f64::from(at) / 2.0);
        at += 2;
    }
    value
}

/// x^(k/2)
fn half_power(x: &Exact, k: u32) -> Exact {
    let whole = (0..k / 2).fold(Exact::from(1.0), |product, _| product * x);
    if k.is_multiple_of(2) {
        whole
    } else {
        whole * x.sqrt()
    }
}

/// The area of χ² with k degrees of freedom below x: γ(a, z) / Γ(a) = zᵃ e⁻ᶻ Σ zⁿ / Γ(a + n + 1), a = k/2, z = x/2.
fn chi_squared_below(x: f64, k: u32) -> Exact {
    let z = Exact::from(x) / Exact::from(2.0);
    let mut term = half_power(&z, k) * (-z.clone()).exp() / gamma_of_half(k + 2);
    let mut sum = term.clone();
    for n in 1..20_000 {
        term = term * &z / Exact::from(f64::from(k) / 2.0 + f64::from(n));
        sum = &sum + &term;
        if term.log10() < sum.log10() - 160.0 {
            break;
        }
    }
    sum
}

/// Iₓ(a, b) with a = j/2, b = k/2: xᵃ (1 − x)ᵇ / (a B(a, b)) Σ (a + b)ₙ / (a + 1)ₙ xⁿ, for x not near 1.
fn incomplete_beta(x: &Exact, j: u32, k: u32) -> Exact {
    let rest = Exact::from(1.0) - x;
    let factor = gamma_of_half(j + k) / (gamma_of_half(j + 2) * gamma_of_half(k));
    let mut term = factor * half_power(x, j) * half_power(&rest, k);
    let mut sum = term.clone();
    for n in 0..20_000 {
        let n = f64::from(n);
        term = term * x * Exact::from(f64::from(j + k) / 2.0 + n) / Exact::from(f64::from(j) / 2.0 + 1.0 + n);
        sum = &sum + &term;
        if term.log10() < sum.log10() - 160.0 {
            break;
        }
    }
    sum
}

/// The area of F with j and k degrees of freedom above x: I(k/2, j/2) at k / (k + j x).
fn f_above(x: f64, j: u32, k: u32) -> Exact {
    let (own, all) = (
        Exact::from(f64::from(k)),
        Exact::from(f64::from(k)) + Exact::from(f64::from(j)) * Exact::from(x),
    );
    let at = own / &all;
    if at.log10() < -0.05 {
        return incomplete_beta(&at, k, j);
    }
    let other = Exact::from(f64::from(j)) * Exact::from(x) / all;
    Exact::from(1.0) - incomplete_beta(&other, j, k)
}

#[test]
fn areas() {
    let mut held = Held::default();
    let mut r = Random(31);
    for _ in 0..count(100) {
        let (j, k) = (r.whole(1, 30) as u32, r.whole(1, 200) as u32);
        let x = 2f64.powf(24.0 * r.share() - 12.0);
        let near = 2f64.powf(9.0 * r.share());
        // 154 digits less those that 1 − area takes
        let below = chi_squared_below(near, j);
        let above = Exact::from(1.0) - &below;
        if below.log10() > -200.0 {
            held.wanted(
                "chi squared",
                "below",
                &(near, j),
                12.0,
                below.digits(chi_squared::cdf(near, f64::from(j))),
            );
        }
        if above.log10() > -130.0 {
            held.wanted(
                "chi squared",
                "above",
                &(near, j),
                12.0,
                above.digits(chi_squared::sf(near, f64::from(j))),
            );
        }
        let area = f_above(x, j, k);
        if area.log10() > -200.0 {
            held.wanted(
                "F",
                "above",
                &(x, j, k),
                12.0,
                area.digits(f::sf(x, f64::from(j), f64::from(k))),
            );
        }
        // t² is F with one degree of freedom
        let t = 2f64.powi(r.whole(-3, 4) as i32);
        let area = f_above(t * t, 1, k);
        held.wanted(
            "t",
            "both sides",
            &(t, k),
            12.0,
            area.digits(student::two_sided(t, f64::from(k))),
        );
    }
    held.finish("tails");
}
