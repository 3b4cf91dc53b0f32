//! Numbers of twice the precision: unevaluated sums of two `f64`.
//!
//! Hida, Li & Bailey (2001), "Algorithms for quad-double precision floating point arithmetic"; error
//! bounds from Joldes, Muller & Popescu (2017), "Tight and rigorous error bounds for basic building blocks
//! of double-word arithmetic". The functions are always inlined, so that a caller compiled for a machine
//! with fused multiply-add gets vector code.

use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// A double-double: the value `hi + lo`, where `hi` is the nearest `f64` to the sum. About 32 decimal digits.
///
/// Each operation has a relative error below `4 * 2^-104`, as long as no part over- or underflows: results
/// above about `1e308` and operations on infinities give `NaN` (the `hi` part of a division by 0 too), and
/// products below about `1e-290` lose the trailing part.
///
/// ```
/// use nelder_device::Dd;
/// let third = Dd::ONE / Dd::new(3.0);
/// assert_eq!(third.hi, 1.0 / 3.0);
/// assert!((third * Dd::new(3.0) - Dd::ONE).abs().hi < 4.0 * Dd::EPSILON);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[repr(C)]
pub struct Dd {
    /// The nearest `f64` to the value.
    pub hi: f64,
    /// Trailing part, the value − `hi`: at most half a unit in the last place of `hi`.
    pub lo: f64,
}

impl Dd {
    /// 0.
    pub const ZERO: Dd = Dd { hi: 0.0, lo: 0.0 };
    /// 1.
    pub const ONE: Dd = Dd { hi: 1.0, lo: 0.0 };
    /// `2^-104`, the unit of the relative errors.
    pub const EPSILON: f64 = f64::EPSILON * f64::EPSILON;
    /// Not a number.
    pub const NAN: Dd = Dd {
        hi: f64::NAN,
        lo: f64::NAN,
    };

    /// The number with this value.
    #[inline(always)]
    pub const fn new(value: f64) -> Dd {
        Dd { hi: value, lo: 0.0 }
    }

    /// `a + b` exactly (Knuth's TwoSum).
    #[inline(always)]
    pub fn two_sum(a: f64, b: f64) -> Dd {
        let hi = a + b;
        let t = hi - a;
        let lo = (a - (hi - t)) + (b - t);
        Dd { hi, lo }
    }

    /// `a + b` exactly, where `|a| >= |b|` or `a` is 0 (Dekker's FastTwoSum).
    #[inline(always)]
    pub fn fast_two_sum(a: f64, b: f64) -> Dd {
        let hi = a + b;
        let lo = b - (hi - a);
        Dd { hi, lo }
    }

    /// `a - b` exactly.
    #[inline(always)]
    pub fn two_diff(a: f64, b: f64) -> Dd {
        Dd::two_sum(a, -b)
    }

    /// `a * b` exactly, unless the product is below about `1e-290` in size.
    #[inline(always)]
    pub fn two_prod(a: f64, b: f64) -> Dd {
        let hi = a * b;
        let lo = f64::mul_add(a, b, -hi);
        Dd { hi, lo }
    }

    /// The nearest number to a whole number: exact below `2^106`, which every `i64` is.
    #[inline(always)]
    pub fn from_i64(value: i64) -> Dd {
        let hi = value as f64;
        // `hi` may be 2^63, one past the largest i64, so the difference is taken in 128 bits
        let lo = (value as i128 - hi as i128) as f64;
        Dd { hi, lo }
    }

    /// The nearest `f64`.
    #[inline(always)]
    pub fn to_f64(self) -> f64 {
        self.hi
    }

    /// `self + b`; relative error below `2^-105`.
    #[inline(always)]
    pub fn add_f64(self, b: f64) -> Dd {
        let s = Dd::two_sum(self.hi, b);
        Dd::fast_two_sum(s.hi, s.lo + self.lo)
    }

    /// `self * b`; relative error below `2^-105`.
    #[inline(always)]
    pub fn mul_f64(self, b: f64) -> Dd {
        let p = Dd::two_prod(self.hi, b);
        Dd::fast_two_sum(p.hi, f64::mul_add(self.lo, b, p.lo))
    }

    /// `self / b`; relative error below `2^-104`.
    #[inline(always)]
    pub fn div_f64(self, b: f64) -> Dd {
        let q = self.hi / b;
        let p = Dd::two_prod(q, b);
        // exact, because q * b is close to self.hi
        let d = (self.hi - p.hi) - p.lo + self.lo;
        Dd::fast_two_sum(q, d / b)
    }

    /// `self * b` for `b` a power of two; exact.
    #[inline(always)]
    pub fn scale(self, b: f64) -> Dd {
        Dd {
            hi: self.hi * b,
            lo: self.lo * b,
        }
    }

    /// `self + a * b` with the product exact: one term of a dot product of two `f64` columns.
    #[inline(always)]
    pub fn add_product(self, a: f64, b: f64) -> Dd {
        self + Dd::two_prod(a, b)
    }

    /// `self * self`.
    #[inline(always)]
    pub fn square(self) -> Dd {
        let p = Dd::two_prod(self.hi, self.hi);
        let cross = self.hi * self.lo;
        Dd::fast_two_sum(p.hi, p.lo + f64::mul_add(self.lo, self.lo, cross + cross))
    }

    /// `1 / self`.
    #[inline(always)]
    pub fn recip(self) -> Dd {
        Dd::ONE / self
    }

    /// Square root; `NaN` below 0.
    #[inline(always)]
    pub fn sqrt(self) -> Dd {
        let root = self.hi.sqrt();
        if root == 0.0 || !root.is_finite() {
            return Dd::new(root);
        }
        // one Newton step (Karp & Markstein): root + (self - root^2) / (2 root)
        let rest = f64::mul_add(-root, root, self.hi) + self.lo;
        Dd::fast_two_sum(root, rest / (2.0 * root))
    }

    /// `self` to a whole power by repeated squaring; 1 for power 0, as in R, also of `NaN`. The relative
    /// error is below `|n| * 4 * 2^-104`.
    #[inline(always)]
    pub fn powi(self, n: i32) -> Dd {
        let mut left = n.unsigned_abs();
        let mut square = self;
        let mut power = Dd::ONE;
        let mut any = false;
        while left > 0 {
            if left & 1 == 1 {
                power = if any { power * square } else { square };
                any = true;
            }
            left >>= 1;
            if left > 0 {
                square = square.square();
            }
        }
        if n < 0 { power.recip() } else { power }
    }

    /// Absolute value.
    #[inline(always)]
    pub fn abs(self) -> Dd {
        if self.hi < 0.0 { -self } else { self }
    }

    /// The smaller of two; `NaN` if either is.
    #[inline(always)]
    pub fn min(self, other: Dd) -> Dd {
        if self.is_nan() || self <= other {
            self
        } else {
            other
        }
    }

    /// The larger of two; `NaN` if either is.
    #[inline(always)]
    pub fn max(self, other: Dd) -> Dd {
        if self.is_nan() || self >= other {
            self
        } else {
            other
        }
    }

    /// The largest whole number that is not larger.
    #[inline(always)]
    pub fn floor(self) -> Dd {
        let hi = self.hi.floor();
        if hi == self.hi {
            // hi is whole, so the trailing part decides
            Dd::fast_two_sum(hi, self.lo.floor())
        } else {
            Dd::new(hi)
        }
    }

    /// The smallest whole number that is not smaller.
    #[inline(always)]
    pub fn ceil(self) -> Dd {
        -(-self).floor()
    }

    /// True for `NaN`.
    #[inline(always)]
    pub fn is_nan(self) -> bool {
        self.hi.is_nan()
    }

    /// True if neither infinite nor `NaN`.
    #[inline(always)]
    pub fn is_finite(self) -> bool {
        self.hi.is_finite()
    }

    /// The total order of the two parts, for sorting; `NaN` last.
    #[inline(always)]
    pub fn total_cmp(&self, other: &Dd) -> Ordering {
        self.hi.total_cmp(&other.hi).then(self.lo.total_cmp(&other.lo))
    }
}

impl From<f64> for Dd {
    #[inline(always)]
    fn from(value: f64) -> Dd {
        Dd::new(value)
    }
}

impl From<Dd> for f64 {
    #[inline(always)]
    fn from(value: Dd) -> f64 {
        value.hi
    }
}

impl Neg for Dd {
    type Output = Dd;
    #[inline(always)]
    fn neg(self) -> Dd {
        Dd {
            hi: -self.hi,
            lo: -self.lo,
        }
    }
}

impl Add for Dd {
    type Output = Dd;
    /// Relative error below `3 * 2^-106 (1 + 2^-50)`, also with cancellation.
    #[inline(always)]
    fn add(self, other: Dd) -> Dd {
        let s = Dd::two_sum(self.hi, other.hi);
        let t = Dd::two_sum(self.lo, other.lo);
        let s = Dd::fast_two_sum(s.hi, s.lo + t.hi);
        Dd::fast_two_sum(s.hi, s.lo + t.lo)
    }
}

impl Sub for Dd {
    type Output = Dd;
    #[inline(always)]
    fn sub(self, other: Dd) -> Dd {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Dd;
    /// Relative error below `2^-104`.
    #[inline(always)]
    fn mul(self, other: Dd) -> Dd {
        let p = Dd::two_prod(self.hi, other.hi);
        let cross = f64::mul_add(self.lo, other.hi, self.lo * other.lo);
        Dd::fast_two_sum(p.hi, p.lo + f64::mul_add(self.hi, other.lo, cross))
    }
}

impl Div for Dd {
    type Output = Dd;
    /// Three steps of long division; relative error below `4 * 2^-104`.
    #[inline(always)]
    fn div(self, other: Dd) -> Dd {
        let first = self.hi / other.hi;
        let rest = self - other.mul_f64(first);
        let second = rest.hi / other.hi;
        let rest = rest - other.mul_f64(second);
        let third = rest.hi / other.hi;
        Dd::fast_two_sum(first, second).add_f64(third)
    }
}

macro_rules! with_f64 {
    ($($trait:ident $method:ident $assign_trait:ident $assign:ident |$a:ident, $b:ident| $body:expr;)*) => {$(
        impl $trait<f64> for Dd {
            type Output = Dd;
            #[inline(always)]
            fn $method(self, other: f64) -> Dd {
                let ($a, $b) = (self, other);
                $body
            }
        }
        impl $assign_trait<f64> for Dd {
            #[inline(always)]
            fn $assign(&mut self, other: f64) {
                *self = $trait::$method(*self, other);
            }
        }
        impl $assign_trait for Dd {
            #[inline(always)]
            fn $assign(&mut self, other: Dd) {
                *self = $trait::$method(*self, other);
            }
        }
    )*};
}

with_f64! {
    Add add AddAssign add_assign |a, b| a.add_f64(b);
    Sub sub SubAssign sub_assign |a, b| a.add_f64(-b);
    Mul mul MulAssign mul_assign |a, b| a.mul_f64(b);
    Div div DivAssign div_assign |a, b| a.div_f64(b);
}

impl PartialEq<f64> for Dd {
    #[inline(always)]
    fn eq(&self, other: &f64) -> bool {
        self.hi == *other && self.lo == 0.0
    }
}

impl PartialOrd<f64> for Dd {
    #[inline(always)]
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(&Dd::new(*other))
    }
}

impl Sum for Dd {
    #[inline(always)]
    fn sum<I: Iterator<Item = Dd>>(values: I) -> Dd {
        values.fold(Dd::ZERO, |sum, v| sum + v)
    }
}

impl Sum<f64> for Dd {
    #[inline(always)]
    fn sum<I: Iterator<Item = f64>>(values: I) -> Dd {
        values.fold(Dd::ZERO, |sum, v| sum.add_f64(v))
    }
}

#[cfg(test)]
#[path = "dd_tests.rs"]
mod tests;
