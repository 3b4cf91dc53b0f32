//! Straight-line code for a machine of registers: what programs become, and what runs them on a device.
//!
//! The shader's steps are IEEE 754 operations, so that [`evaluate`] does on the CPU what it does on the device, bit by bit.
//! There are no jumps: all sides of a decision are computed, and one is taken.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Operation of a step on its operands. The order is the shader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Micro {
    /// The value of an input column.
    Load = 0,
    /// To an output column.
    Store,
    Add,
    Mul,
    /// a b + c, rounded once.
    Fma,
    Div,
    Root,
    /// 1 or 0; 0 for NaN.
    Less,
    Equal,
    NotAbove,
    /// The second operand where the first is not +0, else the third.
    Choose,
    Floor,
    Truncate,
    /// To the nearest whole number, ties to even.
    Nearest,
    /// ⌊log₂ |a|⌋.
    Exponent,
    /// a 2^b for a whole b.
    Scale,
}

const CONSTANT: u32 = 1 << 31;
const MINUS: u32 = 1 << 30;
const SIZE: u32 = 1 << 29;
const PLACE: u32 = 0xffff;

/// A value, its sign turned or taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Operand(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Line {
    what: Micro,
    operands: [Operand; 3],
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<Line>,
    constants: Vec<u64>,
    known: HashMap<Line, u32>,
}

/// Code that is being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(RefCell<Lines>);

/// A value of the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct X<'w> {
    of: &'w Writer,
    operand: Operand,
}

/// Code with registers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Code {
    /// Four words a step.
    pub steps: Vec<u32>,
    /// Bits of numbers.
    pub constants: Vec<u64>,
    /// Number of registers.
    pub registers: usize,
    /// Number of output columns.
    pub outputs: usize,
}

fn applied(what: Micro, [a, b, c]: [f64; 3]) -> f64 {
    let truth = |t: bool| if t { 1.0 } else { 0.0 };
    match what {
        Micro::Load | Micro::Store => a,
        Micro::Add => a + b,
        Micro::Mul => a * b,
        Micro::Fma => a.mul_add(b, c),
        Micro::Div => a / b,
        Micro::Root => a.sqrt(),
        Micro::Less => truth(a < b),
        Micro::Equal => truth(a == b),
        Micro::NotAbove => truth(a <= b),
        Micro::Choose => {
            if a.to_bits() != 0 {
                b
            } else {
                c
            }
        }
        Micro::Floor => a.floor(),
        Micro::Truncate => a.trunc(),
        Micro::Nearest => a.round_ties_even(),
        Micro::Exponent => {
            if a.is_nan() {
                a
            } else if a == 0.0 {
                -1100.0
            } else if a.is_infinite() {
                1024.0
            } else {
                let (a, less) = if a.abs() < f64::MIN_POSITIVE {
                    (a * 2f64.powi(64), 64.0)
                } else {
                    (a, 0.0)
                };
                ((a.to_bits() >> 52 & 0x7ff) as f64 - 1023.0) - less
            }
        }
        Micro::Scale => libm::scalbn(a, b.trunc().clamp(-65535.0, 65535.0) as i32),
    }
}

impl Writer {
    /// A number.
    pub fn number(&self, value: f64) -> X<'_> {
        let mut own = self.0.borrow_mut();
        let bits = value.to_bits();
        let place = own.constants.iter().position(|c| *c == bits).unwrap_or_else(|| {
            own.constants.push(bits);
            own.constants.len() - 1
        });
        X {
            of: self,
            operand: Operand(CONSTANT | place as u32),
        }
    }

    /// The value of an input column.
    pub fn load(&self, column: usize) -> X<'_> {
        self.line(Micro::Load, [Operand(column as u32), Operand(0), Operand(0)])
    }

    /// Makes a value the next output column.
    pub fn store(&self, value: X<'_>) {
        let mut own = self.0.borrow_mut();
        own.lines.push(Line {
            what: Micro::Store,
            operands: [value.operand, Operand(0), Operand(0)],
        });
    }

    fn line(&self, what: Micro, operands: [Operand; 3]) -> X<'_> {
        let of = |own: &Lines, o: Operand| {
            let v = f64::from_bits(own.constants[(o.0 & PLACE) as usize]);
            let v = if o.0 & SIZE != 0 { v.abs() } else { v };
            if o.0 & MINUS != 0 { -v } else { v }
        };
        let known = {
            let own = self.0.borrow();
            let all = what != Micro::Load && operands[..arity(what)].iter().all(|o| o.0 & CONSTANT != 0);
            all.then(|| {
                let mut values = [0.0; 3];
                for k in 0..arity(what) {
                    values[k] = of(&own, operands[k]);
                }
                applied(what, values)
            })
        };
        if let Some(value) = known {
            return self.number(value);
        }
        let mut own = self.0.borrow_mut();
        let line = Line { what, operands };
        let place = match own.known.get(&line) {
            Some(&place) => place,
            None => {
                own.lines.push(line);
                let place = own.lines.len() as u32 - 1;
                own.known.insert(line, place);
                place
            }
        };
        X {
            of: self,
            operand: Operand(place),
        }
    }

    /// The code with a register for each value, from its line to the last that reads it.
    pub fn finish(&self) -> Result<Code, String> {
        let own = self.0.borrow();
        let lines = &own.lines;
        if lines.len() > PLACE as usize || own.constants.len() > PLACE as usize {
            return Err(format!("a program of {} steps is too long", lines.len()));
        }
        let read = |line: &Line, k: usize| -> Option<usize> {
            let o = line.operands[k].0;
            (line.what != Micro::Load && k < arity(line.what) && o & CONSTANT == 0)
                .then_some((o & PLACE) as usize)
        };
        // what no output needs is left out
        let mut needed = vec![false; lines.len()];
        let mut last = vec![0usize; lines.len()];
        for (i, line) in lines.iter().enumerate().rev() {
            needed[i] |= line.what == Micro::Store;
            if !needed[i] {
                continue;
            }
            for k in 0..3 {
                if let Some(from) = read(line, k).filter(|from| !needed[*from]) {
                    needed[from] = true;
                    last[from] = i;
                }
            }
        }
        let mut free: Vec<u32> = Vec::new();
        let (mut registers, mut outputs) = (0u32, 0u32);
        let mut place = vec![0u32; lines.len()];
        let mut steps = Vec::new();
        for (i, line) in lines.iter().enumerate().filter(|(i, _)| needed[*i]) {
            let mut words = [0u32; 4];
            for k in 0..3 {
                let o = line.operands[k].0;
                words[k + 1] = read(line, k).map_or(o, |from| (o & !PLACE) | place[from]);
            }
            for k in 0..3 {
                if let Some(from) = read(line, k).filter(|from| last[*from] == i) {
                    last[from] = usize::MAX;
                    free.push(place[from]);
                }
            }
            let to = if line.what == Micro::Store {
                outputs += 1;
                outputs - 1
            } else {
                place[i] = free.pop().unwrap_or_else(|| {
                    registers += 1;
                    registers - 1
                });
                place[i]
            };
            words[0] = line.what as u32 | to << 8;
            steps.extend(words);
        }
        Ok(Code {
            steps,
            constants: own.constants.clone(),
            registers: registers as usize,
            outputs: outputs as usize,
        })
    }
}

fn arity(what: Micro) -> usize {
    match what {
        Micro::Load => 0,
        Micro::Store | Micro::Root | Micro::Floor | Micro::Truncate | Micro::Nearest | Micro::Exponent => 1,
        Micro::Add
        | Micro::Mul
        | Micro::Div
        | Micro::Less
        | Micro::Equal
        | Micro::NotAbove
        | Micro::Scale => 2,
        Micro::Fma | Micro::Choose => 3,
    }
}

impl<'w> X<'w> {
    fn with(self, what: Micro, b: Option<X<'w>>, c: Option<X<'w>>) -> X<'w> {
        let of = |x: Option<X<'w>>| x.map_or(Operand(0), |x| x.operand);
        self.of.line(what, [self.operand, of(b), of(c)])
    }

    /// A number beside this one.
    pub fn number(self, value: f64) -> X<'w> {
        self.of.number(value)
    }

    /// self b + c, rounded once.
    pub fn fma(self, b: impl Into<ValueOrNumber<'w>>, c: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let (b, c) = (b.into().of(self.of), c.into().of(self.of));
        self.with(Micro::Fma, Some(b), Some(c))
    }

    pub fn root(self) -> X<'w> {
        self.with(Micro::Root, None, None)
    }

    pub fn floor(self) -> X<'w> {
        self.with(Micro::Floor, None, None)
    }

    pub fn truncate(self) -> X<'w> {
        self.with(Micro::Truncate, None, None)
    }

    pub fn nearest(self) -> X<'w> {
        self.with(Micro::Nearest, None, None)
    }

    pub fn exponent(self) -> X<'w> {
        self.with(Micro::Exponent, None, None)
    }

    /// self 2^k.
    pub fn scale(self, k: X<'w>) -> X<'w> {
        self.with(Micro::Scale, Some(k), None)
    }

    pub fn abs(mut self) -> X<'w> {
        self.operand.0 = (self.operand.0 | SIZE) & !MINUS;
        self
    }

    pub fn less(self, b: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let b = b.into().of(self.of);
        self.with(Micro::Less, Some(b), None)
    }

    pub fn above(self, b: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let b = b.into().of(self.of);
        b.less(self)
    }

    pub fn equal(self, b: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let b = b.into().of(self.of);
        self.with(Micro::Equal, Some(b), None)
    }

    pub fn not_above(self, b: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let b = b.into().of(self.of);
        self.with(Micro::NotAbove, Some(b), None)
    }

    pub fn not_below(self, b: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let b = b.into().of(self.of);
        b.not_above(self)
    }

    /// `yes` where this is a truth, else `no`.
    pub fn choose(self, yes: impl Into<ValueOrNumber<'w>>, no: impl Into<ValueOrNumber<'w>>) -> X<'w> {
        let (yes, no) = (yes.into().of(self.of), no.into().of(self.of));
        if yes.operand == no.operand {
            return yes;
        }
        self.with(Micro::Choose, Some(yes), Some(no))
    }

    /// 1 for a number, 0 for NaN.
    pub fn is_number(self) -> X<'w> {
        self.equal(self)
    }

    /// 1 where this is 0.
    pub fn not(self) -> X<'w> {
        self.choose(0.0, 1.0)
    }

    /// Of truths.
    pub fn and(self, b: X<'w>) -> X<'w> {
        self.choose(b, 0.0)
    }

    /// Of truths.
    pub fn or(self, b: X<'w>) -> X<'w> {
        self.choose(1.0, b)
    }

    /// Σ c_k self^k, the coefficients from the constant on.
    pub fn polynomial(self, coefficients: &[f64]) -> X<'w> {
        let mut rest = coefficients.iter().rev();
        let first = self.number(rest.next().copied().unwrap_or(0.0));
        rest.fold(first, |sum, c| sum.fma(self, *c))
    }
}

/// A value or a number.
pub(crate) enum ValueOrNumber<'w> {
    Value(X<'w>),
    Number(f64),
}

impl<'w> ValueOrNumber<'w> {
    fn of(self, writer: &'w Writer) -> X<'w> {
        match self {
            ValueOrNumber::Value(x) => x,
            ValueOrNumber::Number(v) => writer.number(v),
        }
    }
}

impl<'w> From<X<'w>> for ValueOrNumber<'w> {
    fn from(x: X<'w>) -> Self {
        ValueOrNumber::Value(x)
    }
}

impl From<f64> for ValueOrNumber<'_> {
    fn from(v: f64) -> Self {
        ValueOrNumber::Number(v)
    }
}

impl<'w> Neg for X<'w> {
    type Output = X<'w>;
    fn neg(mut self) -> X<'w> {
        self.operand.0 ^= MINUS;
        self
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident |$a:ident, $b:ident| $body:expr;)*) => {$(
        impl<'w, T: Into<ValueOrNumber<'w>>> $trait<T> for X<'w> {
            type Output = X<'w>;
            fn $method(self, other: T) -> X<'w> {
                let ($a, $b) = (self, other.into().of(self.of));
                $body
            }
        }
    )*};
}

arithmetic! {
    Add add |a, b| a.with(Micro::Add, Some(b), None);
    Sub sub |a, b| a.with(Micro::Add, Some(-b), None);
    Mul mul |a, b| a.with(Micro::Mul, Some(b), None);
    Div div |a, b| a.with(Micro::Div, Some(b), None);
}

/// Runs the code on the CPU as the device does: the outputs of one row.
#[cfg(test)]
pub(crate) fn evaluate(code: &Code, inputs: &[f64]) -> Vec<f64> {
    let mut held = vec![f64::NAN; code.registers];
    let mut out = vec![f64::NAN; code.outputs];
    let what = [
        Micro::Load,
        Micro::Store,
        Micro::Add,
        Micro::Mul,
        Micro::Fma,
        Micro::Div,
        Micro::Root,
        Micro::Less,
        Micro::Equal,
        Micro::NotAbove,
        Micro::Choose,
        Micro::Floor,
        Micro::Truncate,
        Micro::Nearest,
        Micro::Exponent,
        Micro::Scale,
    ];
    for step in code.steps.chunks(4) {
        let (operation, to) = (what[(step[0] & 0xff) as usize], (step[0] >> 8) as usize);
        if operation == Micro::Load {
            held[to] = inputs[step[1] as usize];
            continue;
        }
        let mut values = [0.0; 3];
        for k in 0..arity(operation) {
            let o = step[k + 1];
            let v = match o & CONSTANT {
                0 => held[(o & PLACE) as usize],
                _ => f64::from_bits(code.constants[(o & PLACE) as usize]),
            };
            let v = if o & SIZE != 0 { v.abs() } else { v };
            values[k] = if o & MINUS != 0 { -v } else { v };
        }
        match operation {
            Micro::Store => out[to] = values[0],
            _ => held[to] = applied(operation, values),
        }
    }
    out
}
