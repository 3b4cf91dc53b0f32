//! Expressions over the columns of a row, written with operators: what becomes a [`Program`].

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::program::{Binary, Op, Program, Slot, Unary};

/// A [`Program`] in the making. Its values are [`RowExpr`]s: a formula is written as the book has it.
///
/// ```
/// use nelder_device::{Input, Output, RowProgram};
/// // Pearson's statistic of a Poisson count, w (y − μ)² / μ
/// let row = RowProgram::default();
/// let (y, mu, w) = (row.input(0), row.input(1), row.input(2));
/// row.output(w * (y - mu).square() / mu);
/// let program = row.finish();
///
/// let mut out = [0.0];
/// let columns = [Input::Real(&[3.0]), Input::Real(&[2.0]), Input::Real(&[4.0])];
/// program.run::<f64>(&columns, 1, &mut [Output::Real(&mut out)]).unwrap();
/// assert_eq!(out, [2.0]);
/// ```
#[derive(Debug, Default)]
pub struct RowProgram(RefCell<Program>);

/// A value of each row: an input, a number, or an operation on such values. Comparisons are 1 where true and 0 where not.
#[derive(Clone, Copy, Debug)]
pub struct RowExpr<'p> {
    of: &'p RowProgram,
    slot: Slot,
}

/// The other operand of an operation: a value of the row, or a number.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'p> {
    /// A value of the row.
    Expr(RowExpr<'p>),
    /// The same number in each row.
    Number(f64),
}

impl<'p> From<RowExpr<'p>> for Operand<'p> {
    fn from(value: RowExpr<'p>) -> Self {
        Operand::Expr(value)
    }
}

impl From<f64> for Operand<'_> {
    fn from(value: f64) -> Self {
        Operand::Number(value)
    }
}

impl RowProgram {
    fn value(&self, slot: Slot) -> RowExpr<'_> {
        RowExpr { of: self, slot }
    }

    /// The value of input column `index`.
    pub fn input(&self, index: u32) -> RowExpr<'_> {
        self.value(self.0.borrow_mut().input(index))
    }

    /// The same number in each row.
    pub fn number(&self, value: f64) -> RowExpr<'_> {
        self.value(self.0.borrow_mut().constant(value))
    }

    /// Makes a value the next output.
    pub fn output(&self, value: RowExpr<'_>) {
        self.0.borrow_mut().output(value.slot);
    }

    /// The program, without the steps that no output needs.
    pub fn finish(self) -> Program {
        self.0.into_inner().without_dead_steps()
    }
}

impl<'p> RowExpr<'p> {
    /// The program that it is a value of.
    pub fn program(self) -> &'p RowProgram {
        self.of
    }

    fn operand(self, other: impl Into<Operand<'p>>) -> Slot {
        match other.into() {
            Operand::Expr(value) => value.slot,
            Operand::Number(value) => self.of.number(value).slot,
        }
    }

    fn unary(self, op: Unary) -> Self {
        self.of.value(self.of.0.borrow_mut().unary(op, self.slot))
    }

    fn binary(self, op: Binary, other: impl Into<Operand<'p>>) -> Self {
        let other = self.operand(other);
        self.of.value(self.of.0.borrow_mut().binary(op, self.slot, other))
    }

    /// |x|
    pub fn abs(self) -> Self {
        self.unary(Unary::Abs)
    }

    /// √x; `NaN` below 0.
    pub fn sqrt(self) -> Self {
        self.unary(Unary::Sqrt)
    }

    /// eˣ
    pub fn exp(self) -> Self {
        self.unary(Unary::Exp)
    }

    /// eˣ − 1 without cancellation.
    pub fn exp_m1(self) -> Self {
        self.unary(Unary::Expm1)
    }

    /// The natural logarithm.
    pub fn ln(self) -> Self {
        self.unary(Unary::Log)
    }

    /// log(1 + x) without cancellation.
    pub fn ln_1p(self) -> Self {
        self.unary(Unary::Log1p)
    }

    /// x − log(1 + x) without cancellation.
    pub fn x_minus_log1p(self) -> Self {
        self.unary(Unary::XMinusLog1p)
    }

    /// tan x
    pub fn tan(self) -> Self {
        self.unary(Unary::Tan)
    }

    /// arctan x
    pub fn atan(self) -> Self {
        self.unary(Unary::Atan)
    }

    /// Φ(x), the standard normal distribution function.
    pub fn normal_cdf(self) -> Self {
        self.unary(Unary::NormalCdf)
    }

    /// Φ⁻¹(x), the standard normal quantile.
    pub fn normal_quantile(self) -> Self {
        self.unary(Unary::NormalQuantile)
    }

    /// ψ(x), the derivative of log Γ.
    pub fn digamma(self) -> Self {
        self.unary(Unary::Digamma)
    }

    /// ψ′(x), the second derivative of log Γ.
    pub fn trigamma(self) -> Self {
        self.unary(Unary::Trigamma)
    }

    /// log Γ(x + 1) − [(x + 1/2) log x − x + log(2π) / 2], Stirling's error.
    pub fn stirling_error(self) -> Self {
        self.unary(Unary::StirlingError)
    }

    /// −1, 0 or 1.
    pub fn signum(self) -> Self {
        self.unary(Unary::Sign)
    }

    /// 1 for a finite number, 0 for `NaN` and the infinities.
    pub fn is_finite(self) -> Self {
        self.unary(Unary::IsFinite)
    }

    /// The nearest whole number, halves to the even one.
    pub fn round(self) -> Self {
        self.of
            .value(self.of.0.borrow_mut().push(Op::Round(self.slot, 0)))
    }

    /// The whole part, towards 0.
    pub fn trunc(self) -> Self {
        self.unary(Unary::Truncate)
    }

    /// x²
    pub fn square(self) -> Self {
        self * self
    }

    /// x to a constant power; x itself for 1.
    pub fn powf(self, exponent: f64) -> Self {
        match exponent {
            1.0 => self,
            _ => self.binary(Binary::Pow, exponent),
        }
    }

    /// The smaller of two values.
    pub fn min(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Min, other)
    }

    /// The larger of two values.
    pub fn max(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Max, other)
    }

    /// x = y
    pub fn eq(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Eq, other)
    }

    /// x ≠ y
    pub fn ne(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Ne, other)
    }

    /// x < y
    pub fn lt(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Lt, other)
    }

    /// x ≤ y
    pub fn le(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Le, other)
    }

    /// x > y
    pub fn gt(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Gt, other)
    }

    /// x ≥ y
    pub fn ge(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Ge, other)
    }

    /// The logical and of two conditions.
    pub fn and(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::And, other)
    }

    /// The logical or of two conditions.
    pub fn or(self, other: impl Into<Operand<'p>>) -> Self {
        self.binary(Binary::Or, other)
    }

    /// `yes` where it is true, `no` where it is 0, `NaN` where it is `NaN`.
    pub fn then(self, yes: impl Into<Operand<'p>>, no: impl Into<Operand<'p>>) -> Self {
        let (yes, no) = (self.operand(yes), self.operand(no));
        self.of.value(self.of.0.borrow_mut().select(self.slot, yes, no))
    }
}

impl Neg for RowExpr<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(Unary::Neg)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr) => {
        impl<'p, T: Into<Operand<'p>>> $trait<T> for RowExpr<'p> {
            type Output = RowExpr<'p>;
            fn $method(self, other: T) -> RowExpr<'p> {
                self.binary($op, other)
            }
        }

        impl<'p> $trait<RowExpr<'p>> for f64 {
            type Output = RowExpr<'p>;
            fn $method(self, other: RowExpr<'p>) -> RowExpr<'p> {
                other.of.number(self).binary($op, other)
            }
        }
    };
}

operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Sub);
operator!(Mul, mul, Binary::Mul);
operator!(Div, div, Binary::Div);

#[cfg(test)]
mod tests {
    use super::*;

    /// Operators give the steps of the builder of programs, in order, without those that nothing needs.
    #[test]
    fn expressions_are_programs() {
        let row = RowProgram::default();
        let (y, mu) = (row.input(0), row.input(1));
        let _unused = y.exp();
        row.output(2.0 * (y - mu).gt(0.5).then(-mu, 1.0));
        let found = row.finish();

        let mut p = Program::new();
        let (y, mu) = (p.input(0), p.input(1));
        let difference = p.binary(Binary::Sub, y, mu);
        let half = p.constant(0.5);
        let above = p.binary(Binary::Gt, difference, half);
        let minus = p.unary(Unary::Neg, mu);
        let one = p.constant(1.0);
        let chosen = p.select(above, minus, one);
        let two = p.constant(2.0);
        let twice = p.binary(Binary::Mul, two, chosen);
        p.output(twice);
        assert_eq!(found, p);
    }

    #[test]
    fn a_power_of_one_is_the_value_itself() {
        let row = RowProgram::default();
        let x = row.input(0);
        assert_eq!(x.powf(1.0).slot, x.slot);
        row.output(x.powf(3.0));
        assert_eq!(row.finish().ops(), [Op::Input(0), Op::Power(0, 3)]);
    }
}
