//! Operations of the number types, `f64` and [`Dd`], in which programs are evaluated.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::Dd;

/// A real number type: `f64`, or [`Dd`] for twice its precision.
///
/// ```
/// use nelder_device::{Dd, Real};
/// fn mean<R: Real>(values: &[f64]) -> R {
///     let mut sum = R::ZERO;
///     for &v in values {
///         sum += R::from_f64(v);
///     }
///     sum / R::from_f64(values.len() as f64)
/// }
/// assert_eq!(mean::<f64>(&[1e17, 1.0, -1e17]), 0.0);
/// assert_eq!(mean::<Dd>(&[1e17, 1.0, -1e17]).to_f64(), 1.0 / 3.0);
/// ```
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Distance from 1 to the next larger number: `2^-52` for `f64`, `2^-104` for [`Dd`].
    const EPSILON: f64;

    /// The number with this value.
    fn from_f64(value: f64) -> Self;
    /// The nearest `f64`.
    fn to_f64(self) -> f64;
    /// Trailing part, the value − [`to_f64`](Real::to_f64), as an `f64`; 0 for `f64`.
    fn low(self) -> f64;
    /// The number `high + low`, where `low` is at most half a unit in the last place of `high`; an `f64`
    /// keeps `high`.
    fn from_parts(high: f64, low: f64) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root; `NaN` below 0.
    fn sqrt(self) -> Self;
    /// `self * a + b`; with one rounding for `f64`.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self` to a whole power; 1 for power 0, as in R.
    fn powi(self, n: i32) -> Self;
    /// The largest whole number that is not larger.
    fn floor(self) -> Self;
    /// True for `NaN`.
    fn is_nan(self) -> bool;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const EPSILON: f64 = f64::EPSILON;

    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn low(self) -> f64 {
        0.0
    }
    #[inline(always)]
    fn from_parts(high: f64, _low: f64) -> f64 {
        high
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn mul_add(self, a: f64, b: f64) -> f64 {
        f64::mul_add(self, a, b)
    }
    #[inline(always)]
    fn powi(self, n: i32) -> f64 {
        f64::powi(self, n)
    }
    #[inline(always)]
    fn floor(self) -> f64 {
        f64::floor(self)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
}

impl Real for Dd {
    const ZERO: Dd = Dd::ZERO;
    const ONE: Dd = Dd::ONE;
    const EPSILON: f64 = Dd::EPSILON;

    #[inline(always)]
    fn from_f64(value: f64) -> Dd {
        Dd::new(value)
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.hi
    }
    #[inline(always)]
    fn low(self) -> f64 {
        self.lo
    }
    #[inline(always)]
    fn from_parts(high: f64, low: f64) -> Dd {
        Dd { hi: high, lo: low }
    }
    #[inline(always)]
    fn abs(self) -> Dd {
        Dd::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Dd {
        Dd::sqrt(self)
    }
    #[inline(always)]
    fn mul_add(self, a: Dd, b: Dd) -> Dd {
        self * a + b
    }
    #[inline(always)]
    fn powi(self, n: i32) -> Dd {
        Dd::powi(self, n)
    }
    #[inline(always)]
    fn floor(self) -> Dd {
        Dd::floor(self)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        Dd::is_nan(self)
    }
}
