//! A program in the making, with the operations by their names.

use nelder_device::{Binary, Op, Program, Slot, Unary};

/// A program in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet(pub Program);

impl Sheet {
    pub fn input(&mut self, index: u32) -> Slot {
        self.0.input(index)
    }

    pub fn number(&mut self, value: f64) -> Slot {
        self.0.constant(value)
    }

    pub fn apply(&mut self, op: Unary, a: Slot) -> Slot {
        self.0.unary(op, a)
    }

    pub fn add(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Add, a, b)
    }

    pub fn sub(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Sub, a, b)
    }

    pub fn mul(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Mul, a, b)
    }

    pub fn div(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Div, a, b)
    }

    pub fn min(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Min, a, b)
    }

    pub fn max(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::Max, a, b)
    }

    pub fn compare(&mut self, op: Binary, a: Slot, value: f64) -> Slot {
        let value = self.number(value);
        self.0.binary(op, a, value)
    }

    pub fn both(&mut self, a: Slot, b: Slot) -> Slot {
        self.0.binary(Binary::And, a, b)
    }

    pub fn scale(&mut self, a: Slot, factor: f64) -> Slot {
        let factor = self.number(factor);
        self.mul(factor, a)
    }

    /// To the nearest whole number, halves to the even one.
    pub fn round(&mut self, a: Slot) -> Slot {
        self.0.push(Op::Round(a, 0))
    }

    pub fn square(&mut self, a: Slot) -> Slot {
        self.mul(a, a)
    }

    /// `a` to a constant power.
    pub fn power(&mut self, a: Slot, exponent: f64) -> Slot {
        if exponent == 1.0 {
            return a;
        }
        let exponent = self.number(exponent);
        self.0.binary(Binary::Pow, a, exponent)
    }

    /// 1 − a.
    pub fn complement(&mut self, a: Slot) -> Slot {
        let one = self.number(1.0);
        self.sub(one, a)
    }

    /// 1 / a.
    pub fn inverse(&mut self, a: Slot) -> Slot {
        let one = self.number(1.0);
        self.div(one, a)
    }

    pub fn select(&mut self, condition: Slot, yes: Slot, no: Slot) -> Slot {
        self.0.select(condition, yes, no)
    }
}
