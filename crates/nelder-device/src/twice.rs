//! Values of a row in twice the precision, as the steps of a program in double precision.
//!
//! Sums and products without loss (Knuth, The Art of Computer Programming, volume 2, section 4.2.2; Dekker 1971, "A floating-point
//! technique for extending the available precision") need no fused multiply-add, so that every device that runs programs has
//! them. Error bounds from Joldes, Muller & Popescu (2017), "Tight and rigorous error bounds for basic building blocks of
//! double-word arithmetic".

use std::ops::{Add, Mul, Sub};

use crate::Dd;
use crate::row_expr::{RowExpr, RowProgram};

/// 2²⁷ + 1: the factor that takes a number of 53 bits apart.
const SPLITTER: f64 = 134_217_729.0;

/// A value of each row as the unevaluated sum of two: [`Dd`] in a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwiceExpr<'p> {
    /// The number of double precision that is nearest to the value.
    pub high: RowExpr<'p>,
    /// The value − `high`.
    pub low: RowExpr<'p>,
}

/// a as two numbers of 26 bits, without loss (Dekker 1971; Veltkamp):
/// c = (2²⁷ + 1) a, a₁ = c − (c − a), a₂ = a − a₁.
///
/// Above 2⁹⁹⁶ in size c is infinite, and both are `NaN`.
fn halves(a: RowExpr<'_>) -> [RowExpr<'_>; 2] {
    let c = SPLITTER * a;
    let first = c - (c - a);
    [first, a - first]
}

impl<'p> TwiceExpr<'p> {
    /// The same number in each row.
    pub fn number(row: &'p RowProgram, value: Dd) -> Self {
        TwiceExpr {
            high: row.number(value.hi),
            low: row.number(value.lo),
        }
    }

    /// A value of double precision.
    pub fn of(high: RowExpr<'p>) -> Self {
        TwiceExpr {
            high,
            low: high.program().number(0.0),
        }
    }

    /// The next input columns as a value: two, or one where it has no second part.
    pub fn input(row: &'p RowProgram, next: &mut u32, has_low: bool) -> Self {
        let mut column = || {
            *next += 1;
            row.input(*next - 1)
        };
        let high = column();
        match has_low {
            true => TwiceExpr::sum(high, column()),
            false => TwiceExpr::of(high),
        }
    }

    /// a + b without loss (Knuth's TwoSum):
    /// s = a + b, t = s − a, and s + [(a − (s − t)) + (b − t)].
    pub fn sum(a: RowExpr<'p>, b: RowExpr<'p>) -> Self {
        let s = a + b;
        let t = s - a;
        TwiceExpr {
            high: s,
            low: (a - (s - t)) + (b - t),
        }
    }

    /// a + b without loss where |a| ≥ |b| or a is 0 (Dekker's FastTwoSum): s = a + b, and s + [b − (s − a)].
    fn fast_sum(a: RowExpr<'p>, b: RowExpr<'p>) -> Self {
        let s = a + b;
        TwiceExpr {
            high: s,
            low: b - (s - a),
        }
    }

    /// a b without loss in 17 operations (Dekker's TwoProduct): p = a b with a = a₁ + a₂ and b = b₁ + b₂ in halves, and
    /// p + [((a₁ b₁ − p) + a₁ b₂ + a₂ b₁) + a₂ b₂].
    ///
    /// `NaN` in its second part where a factor is above 2⁹⁹⁶ in size; below about 1e-290 the product loses that part.
    pub fn product(a: RowExpr<'p>, b: RowExpr<'p>) -> Self {
        let p = a * b;
        let ([a1, a2], [b1, b2]) = (halves(a), halves(b));
        TwiceExpr {
            high: p,
            low: ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2,
        }
    }

    /// Makes both parts the next outputs.
    pub fn output(self) {
        let row = self.high.program();
        row.output(self.high);
        row.output(self.low);
    }
}

/// Joldes, Muller & Popescu 2017, algorithm 6: relative error below 3 · 2⁻¹⁰⁶.
impl<'p> Add for TwiceExpr<'p> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let s = TwiceExpr::sum(self.high, other.high);
        let t = TwiceExpr::sum(self.low, other.low);
        let v = TwiceExpr::fast_sum(s.high, s.low + t.high);
        TwiceExpr::fast_sum(v.high, t.low + v.low)
    }
}

impl<'p> Sub for TwiceExpr<'p> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + TwiceExpr {
            high: -other.high,
            low: -other.low,
        }
    }
}

/// Joldes, Muller & Popescu 2017, algorithm 8: relative error below 3 · 2⁻¹⁰⁶.
impl<'p> Mul<RowExpr<'p>> for TwiceExpr<'p> {
    type Output = Self;
    fn mul(self, other: RowExpr<'p>) -> Self {
        let p = TwiceExpr::product(self.high, other);
        TwiceExpr::fast_sum(p.high, p.low + self.low * other)
    }
}

/// Joldes, Muller & Popescu 2017, algorithm 10: relative error below 7 · 2⁻¹⁰⁶.
impl<'p> Mul for TwiceExpr<'p> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let p = TwiceExpr::product(self.high, other.high);
        let cross = self.high * other.low + self.low * other.high;
        TwiceExpr::fast_sum(p.high, p.low + cross)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Output};

    /// The values of a formula of two numbers, each in two parts, at one row.
    fn at(of: impl for<'p> Fn(TwiceExpr<'p>, TwiceExpr<'p>) -> TwiceExpr<'p>, (a, b): (Dd, Dd)) -> Dd {
        let (row, mut next) = (RowProgram::default(), 0);
        let a_row = TwiceExpr::input(&row, &mut next, true);
        of(a_row, TwiceExpr::input(&row, &mut next, true)).output();
        let columns = [[a.hi], [a.lo], [b.hi], [b.lo]];
        let inputs = columns.each_ref().map(|c| Input::Real(c));
        let (mut hi, mut lo) = ([0.0], [0.0]);
        let outputs = &mut [Output::Real(&mut hi), Output::Real(&mut lo)];
        row.finish().run::<f64>(&inputs, 1, outputs).unwrap();
        Dd { hi: hi[0], lo: lo[0] }
    }

    fn draws() -> Vec<(Dd, Dd)> {
        let random = crate::Philox::new(5);
        let mut at = 0;
        let mut draw = || {
            at += 2;
            let ([size, high], [low, _]) = (random.uniforms(at), random.uniforms(at + 1));
            let size = 10f64.powf(200.0 * size - 100.0);
            Dd::two_sum(size * (high - 0.5), size * 1e-17 * low)
        };
        (0..2000).map(|_| (draw(), draw())).collect()
    }

    /// The same bits as the CPU's sums without loss and its products by a fused multiply-add.
    #[test]
    fn sums_and_products_lose_nothing() {
        for pair in draws() {
            let sum = at(|a, b| TwiceExpr::sum(a.high, b.high), pair);
            assert_eq!(sum, Dd::two_sum(pair.0.hi, pair.1.hi));
            let product = at(|a, b| TwiceExpr::product(a.high, b.high), pair);
            assert_eq!(product, Dd::two_prod(pair.0.hi, pair.1.hi));
        }
    }

    #[test]
    fn arithmetic_is_that_of_numbers_in_two_parts() {
        let unit = 2f64.powi(-106);
        for (a, b) in draws() {
            let near = |have: Dd, want: Dd| (have - want).abs().hi <= 8.0 * unit * want.abs().hi;
            assert!(near(at(|a, b| a * b, (a, b)), a * b));
            assert!(near(at(|a, b| a * b.high, (a, b)), a.mul_f64(b.hi)));
            assert!(near(at(|a, b| a + b, (a, b)), a + b));
            assert!(near(at(|a, b| a - b, (a, b)), a - b));
        }
    }

    /// Beyond 2⁹⁹⁶ a factor has no halves: the second part says so, and no product is wrong in silence.
    #[test]
    fn large_factors_give_no_number() {
        let at = |a: f64| {
            at(
                |a, b| TwiceExpr::product(a.high, b.high),
                (Dd::new(a), Dd::new(0.5)),
            )
        };
        assert_eq!(at(2f64.powi(995)), Dd::new(2f64.powi(994)));
        assert!(at(2f64.powi(997)).lo.is_nan());
    }
}
