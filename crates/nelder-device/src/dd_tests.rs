//! Double-doubles against exact arithmetic on whole numbers times powers of two.

use super::*;
use proptest::prelude::*;

/// `sign * magnitude * 2^exponent`, magnitude in base 2^32, lowest digit first.
#[derive(Clone, Debug)]
struct Exact {
    negative: bool,
    magnitude: Vec<u32>,
    exponent: i32,
}

impl Exact {
    fn of(x: f64) -> Exact {
        assert!(x.is_finite());
        let bits = x.to_bits();
        let biased = ((bits >> 52) & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (m, e) = if biased == 0 {
            (fraction, -1074)
        } else {
            (fraction | 1 << 52, biased - 1075)
        };
        Exact {
            negative: x < 0.0,
            magnitude: vec![m as u32, (m >> 32) as u32],
            exponent: e,
        }
    }

    fn dd(x: Dd) -> Exact {
        Exact::of(x.hi).plus(&Exact::of(x.lo))
    }

    /// The same number with exponent `to`, which is not larger.
    fn lowered(&self, to: i32) -> Vec<u32> {
        let shift = (self.exponent - to) as usize;
        let mut out = vec![0; shift / 32];
        let mut carry = 0u64;
        for &d in &self.magnitude {
            let v = ((d as u64) << (shift % 32)) | carry;
            out.push(v as u32);
            carry = v >> 32;
        }
        out.push(carry as u32);
        out
    }

    fn plus(&self, other: &Exact) -> Exact {
        let exponent = self.exponent.min(other.exponent);
        let (mut a, mut b) = (self.lowered(exponent), other.lowered(exponent));
        let n = a.len().max(b.len()) + 1;
        a.resize(n, 0);
        b.resize(n, 0);
        let (mut negative, mut magnitude) = (self.negative, vec![0; n]);
        if self.negative == other.negative {
            let mut carry = 0u64;
            for i in 0..n {
                let v = a[i] as u64 + b[i] as u64 + carry;
                magnitude[i] = v as u32;
                carry = v >> 32;
            }
        } else {
            if a.iter().rev().lt(b.iter().rev()) {
                std::mem::swap(&mut a, &mut b);
                negative = other.negative;
            }
            let mut borrow = 0i64;
            for i in 0..n {
                let v = a[i] as i64 - b[i] as i64 + borrow;
                magnitude[i] = v as u32;
                borrow = v >> 32;
            }
        }
        Exact {
            negative,
            magnitude,
            exponent,
        }
    }

    fn times(&self, other: &Exact) -> Exact {
        let mut magnitude = vec![0u32; self.magnitude.len() + other.magnitude.len()];
        for (i, &a) in self.magnitude.iter().enumerate() {
            let mut carry = 0u64;
            for (j, &b) in other.magnitude.iter().enumerate() {
                let v = a as u64 * b as u64 + magnitude[i + j] as u64 + carry;
                magnitude[i + j] = v as u32;
                carry = v >> 32;
            }
            magnitude[i + other.magnitude.len()] = carry as u32;
        }
        Exact {
            negative: self.negative != other.negative,
            magnitude,
            exponent: self.exponent + other.exponent,
        }
    }

    fn minus(&self, other: &Exact) -> Exact {
        self.plus(&Exact {
            negative: !other.negative,
            ..other.clone()
        })
    }

    /// Mantissa and exponent; the leading 96 bits are enough for a bound.
    fn size(&self) -> (f64, i32) {
        let Some(top) = self.magnitude.iter().rposition(|&d| d != 0) else {
            return (0.0, 0);
        };
        let mut m = 0.0;
        for k in (top.saturating_sub(2)..=top).rev() {
            m += self.magnitude[k] as f64 * 2f64.powi(-32 * (top - k) as i32);
        }
        (m, self.exponent + 32 * top as i32)
    }
}

/// `|error| / |truth|` in units of 2^-104.
fn units(error: &Exact, truth: &Exact) -> f64 {
    let ((e, ee), (t, te)) = (error.size(), truth.size());
    if e == 0.0 {
        return 0.0;
    }
    assert!(t != 0.0, "inexact zero");
    e / t * 2f64.powi((ee - te + 104).clamp(-1000, 1000))
}

fn number() -> impl Strategy<Value = f64> {
    (any::<bool>(), 0..1u64 << 52, -60..60i32)
        .prop_map(|(s, m, e)| if s { -1.0 } else { 1.0 } * (1.0 + m as f64 * f64::EPSILON) * 2f64.powi(e))
}

fn double() -> impl Strategy<Value = Dd> {
    (number(), -1.0..1.0f64, 0..3i32)
        .prop_map(|(hi, f, far)| Dd::two_sum(hi, hi * f * 2f64.powi(-53 - 20 * far)))
}

/// `b` near `-a`, so that sums cancel.
fn cancelling() -> impl Strategy<Value = (Dd, Dd)> {
    (double(), -4..4i32, double(), 40..110i32).prop_map(|(a, ulps, c, down)| {
        let near = Dd {
            hi: -a.hi * (1.0 + ulps as f64 * f64::EPSILON),
            lo: -a.lo,
        };
        (a, near + c.scale(2f64.powi(-down)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn transformations_are_exact(a in number(), b in number()) {
        let (x, y) = (Exact::of(a), Exact::of(b));
        prop_assert_eq!(x.plus(&y).minus(&Exact::dd(Dd::two_sum(a, b))).size().0, 0.0);
        prop_assert_eq!(x.minus(&y).minus(&Exact::dd(Dd::two_diff(a, b))).size().0, 0.0);
        prop_assert_eq!(x.times(&y).minus(&Exact::dd(Dd::two_prod(a, b))).size().0, 0.0);
        let (l, s) = if a.abs() >= b.abs() { (a, b) } else { (b, a) };
        prop_assert_eq!(Dd::fast_two_sum(l, s), Dd::two_sum(a, b));
    }

    #[test]
    fn operations_are_within_four_units(a in double(), b in double(), c in number()) {
        let (x, y, z) = (Exact::dd(a), Exact::dd(b), Exact::of(c));
        let close = |truth: Exact, got: Dd| units(&truth.minus(&Exact::dd(got)), &truth);
        prop_assert!(close(x.plus(&y), a + b) < 1.0);
        prop_assert!(close(x.minus(&y), a - b) < 1.0);
        prop_assert!(close(x.times(&y), a * b) < 1.25);
        prop_assert!(close(x.times(&x), a.square()) < 1.25);
        prop_assert!(close(x.plus(&z), a + c) < 1.0);
        prop_assert!(close(x.times(&z), a * c) < 1.0);
        // q is within 4 units of x / y when q y is of x
        let q = a / b;
        prop_assert!(close(x.clone(), q) >= 0.0 && units(&x.minus(&Exact::dd(q).times(&y)), &x) < 4.0);
        let q = a / c;
        prop_assert!(units(&x.minus(&Exact::dd(q).times(&z)), &x) < 4.0);
        // a relative error d in the root is 2 d in its square
        let r = a.abs().sqrt();
        let (ar, rr) = (Exact::dd(a.abs()), Exact::dd(r));
        prop_assert!(units(&ar.minus(&rr.times(&rr)), &ar) < 8.0);
        for v in [a + b, a * b, a / b, r] {
            prop_assert_eq!(v.hi + v.lo, v.hi);
        }
    }

    #[test]
    fn sums_that_cancel_are_as_good((a, b) in cancelling()) {
        let truth = Exact::dd(a).plus(&Exact::dd(b));
        prop_assert!(units(&truth.minus(&Exact::dd(a + b)), &truth) < 1.0);
    }

    #[test]
    fn powers_are_products(a in double(), n in 0..12i32) {
        let mut truth = Exact::of(1.0);
        for _ in 0..n {
            truth = truth.times(&Exact::dd(a));
        }
        prop_assert!(units(&truth.minus(&Exact::dd(a.powi(n))), &truth) <= 4.0 * n as f64);
        let back = truth.times(&Exact::dd(a.powi(-n)));
        prop_assert!(units(&back.minus(&Exact::of(1.0)), &Exact::of(1.0)) <= 4.0 * (n + 1) as f64);
    }

    #[test]
    fn order_is_the_order_of_the_values(a in double(), b in double()) {
        let d = Exact::dd(a).minus(&Exact::dd(b));
        let sign = if d.size().0 == 0.0 { Ordering::Equal } else if d.negative { Ordering::Less } else { Ordering::Greater };
        prop_assert_eq!(a.partial_cmp(&b), Some(sign));
        prop_assert_eq!(a.total_cmp(&b), sign);
        prop_assert_eq!(a.min(b), if sign == Ordering::Greater { b } else { a });
        prop_assert_eq!(a.max(b), if sign == Ordering::Less { b } else { a });
    }

    #[test]
    fn whole_numbers(v in any::<i64>()) {
        let x = Dd::from_i64(v);
        prop_assert_eq!(x.hi as i128 + x.lo as i128, v as i128);
        prop_assert_eq!(x.floor(), x);
        let half = x + 0.5;
        prop_assert_eq!(half.floor(), x);
        prop_assert_eq!(half.ceil(), x + 1.0);
    }
}

#[test]
fn edges() {
    assert_eq!(Dd::ZERO.sqrt(), Dd::ZERO);
    assert!(Dd::new(-1.0).sqrt().is_nan());
    assert_eq!(Dd::NAN.powi(0), Dd::ONE);
    assert!(Dd::NAN.max(Dd::ONE).is_nan() && Dd::ONE.max(Dd::NAN).is_nan());
    assert!(Dd::NAN.min(Dd::ONE).is_nan() && Dd::ONE.min(Dd::NAN).is_nan());
    assert_eq!([0.1; 10].into_iter().sum::<Dd>().hi, 1.0);
    // 1/3 to 32 digits: 0.333…  = hi + lo
    let third = Dd::ONE / 3.0;
    assert_eq!((third.hi, third.lo), (0.3333333333333333, 1.850371707708594e-17));
    // sqrt(2) = 1.4142135623730950488016887242096980785696718753769…
    let root = Dd::new(2.0).sqrt();
    assert_eq!(root.hi, std::f64::consts::SQRT_2);
    assert!((root.lo - -9.667293313452913e-17).abs() < 4.0 * Dd::EPSILON);
}
