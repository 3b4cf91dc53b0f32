//! Numbers of 512 bits, 154 digits: what answers are held against.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use astro_float_num::{BigFloat, Consts, Radix, RoundingMode, Sign};

/// Bits of a number. A gram of condition κ costs twice log₂ κ of them; κ is below 2⁶⁰ here.
const BITS: usize = 512;
const NEAREST: RoundingMode = RoundingMode::ToEven;

thread_local! {
    static CONSTANTS: RefCell<Consts> = RefCell::new(Consts::new().expect("room for π and log 2"));
}

/// A number of 512 bits.
#[derive(Clone, Debug)]
pub struct Exact(BigFloat);

impl From<f64> for Exact {
    fn from(x: f64) -> Exact {
        Exact(BigFloat::from_f64(x, BITS))
    }
}

macro_rules! operator {
    ($name:ident, $verb:ident) => {
        impl $name<&Exact> for &Exact {
            type Output = Exact;
            fn $verb(self, other: &Exact) -> Exact {
                Exact(BigFloat::$verb(&self.0, &other.0, BITS, NEAREST))
            }
        }
        impl $name<Exact> for Exact {
            type Output = Exact;
            fn $verb(self, other: Exact) -> Exact {
                (&self).$verb(&other)
            }
        }
        impl $name<&Exact> for Exact {
            type Output = Exact;
            fn $verb(self, other: &Exact) -> Exact {
                (&self).$verb(other)
            }
        }
        impl $name<Exact> for &Exact {
            type Output = Exact;
            fn $verb(self, other: Exact) -> Exact {
                self.$verb(&other)
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Neg for Exact {
    type Output = Exact;
    fn neg(self) -> Exact {
        Exact(self.0.neg())
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Exact>>(terms: I) -> Exact {
        terms.fold(Exact::from(0.0), |sum, term| sum + term)
    }
}

impl Exact {
    /// The decimal number that a double is written as, shortest first.
    pub fn written(x: f64) -> Exact {
        let text = format!("{x:e}");
        Exact(CONSTANTS.with_borrow_mut(|c| BigFloat::parse(&text, Radix::Dec, BITS, NEAREST, c)))
    }

    pub fn pi() -> Exact {
        Exact(CONSTANTS.with_borrow_mut(|c| c.pi(BITS, NEAREST)))
    }

    pub fn exp(&self) -> Exact {
        Exact(CONSTANTS.with_borrow_mut(|c| self.0.exp(BITS, NEAREST, c)))
    }

    pub fn ln(&self) -> Exact {
        Exact(CONSTANTS.with_borrow_mut(|c| self.0.ln(BITS, NEAREST, c)))
    }

    pub fn atan(&self) -> Exact {
        Exact(CONSTANTS.with_borrow_mut(|c| self.0.atan(BITS, NEAREST, c)))
    }

    pub fn sqrt(&self) -> Exact {
        Exact(self.0.sqrt(BITS, NEAREST))
    }

    pub fn abs(&self) -> Exact {
        Exact(self.0.abs())
    }

    pub fn squared(&self) -> Exact {
        self * self
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    pub fn is_number(&self) -> bool {
        !self.0.is_nan() && !self.0.is_inf()
    }

    pub fn larger(&self, other: &Exact) -> bool {
        self.0
            .cmp(&other.0)
            .is_some_and(|order| order.cmp(&0) == Ordering::Greater)
    }

    /// log₁₀ |x|, to a few units of double precision; −∞ of zero.
    pub fn log10(&self) -> f64 {
        let Some((words, _, _, exponent, _)) = self.0.as_raw_parts() else {
            return f64::NAN;
        };
        if self.is_zero() {
            return f64::NEG_INFINITY;
        }
        // 0.m · 2ᵉ, the leading word last
        let leading = *words.last().expect("a number has words") as f64 / 2f64.powi(64);
        leading.log10() + f64::from(exponent) * std::f64::consts::LOG10_2
    }

    /// The number to double precision, of those in its range.
    pub fn to_f64(&self) -> f64 {
        let Some((words, _, sign, exponent, _)) = self.0.as_raw_parts() else {
            return f64::NAN;
        };
        if self.is_zero() {
            return 0.0;
        }
        let leading = *words.last().expect("a number has words") as f64 / 2f64.powi(64);
        let size = leading * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
        if sign == Sign::Neg { -size } else { size }
    }

    /// Correct digits of a double that stands for this number, from 0 to 16.
    pub fn digits(&self, own: f64) -> f64 {
        let error = &Exact::from(own) - self;
        if error.is_zero() || (self.is_zero() && own == 0.0) {
            return 16.0;
        }
        if !own.is_finite() || self.is_zero() {
            return 0.0;
        }
        (self.log10() - error.log10()).clamp(0.0, 16.0)
    }
}

/// A square matrix by rows.
pub type Square = Vec<Vec<Exact>>;

/// A⁻¹ by elimination with the largest pivots; `None` where one is zero to 100 digits of the largest entry.
pub fn inverse(matrix: &Square) -> Option<Square> {
    let p = matrix.len();
    let mut a = matrix.clone();
    let mut b: Square = (0..p)
        .map(|i| (0..p).map(|j| Exact::from(f64::from(i == j))).collect())
        .collect();
    let most = matrix
        .iter()
        .flatten()
        .map(Exact::log10)
        .fold(f64::NEG_INFINITY, f64::max);
    for k in 0..p {
        let largest = (k..p).max_by(|&i, &j| a[i][k].log10().total_cmp(&a[j][k].log10()))?;
        if a[largest][k].log10() < most - 100.0 {
            return None;
        }
        a.swap(k, largest);
        b.swap(k, largest);
        let pivot = a[k][k].clone();
        for j in 0..p {
            a[k][j] = &a[k][j] / &pivot;
            b[k][j] = &b[k][j] / &pivot;
        }
        for i in (0..p).filter(|&i| i != k) {
            let factor = a[i][k].clone();
            for j in 0..p {
                a[i][j] = &a[i][j] - &factor * &a[k][j];
                b[i][j] = &b[i][j] - &factor * &b[k][j];
            }
        }
    }
    Some(b)
}

/// Σ aᵢ bᵢ
pub fn inner(a: &[Exact], b: &[Exact]) -> Exact {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A v
pub fn product(matrix: &Square, v: &[Exact]) -> Vec<Exact> {
    matrix.iter().map(|row| inner(row, v)).collect()
}
