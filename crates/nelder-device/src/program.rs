//! Straight-line lists of scalar operations over columns.

use serde::{Deserialize, Serialize};

/// The value of an operation, or of an input or constant: its position in the program.
pub type Slot = u32;

/// An operation on one value.
///
/// Missing values are `NaN`; `FALSE` and `TRUE` are 0 and 1. All but [`Unary::IsNan`] give `NaN` for `NaN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// Square root; `NaN` below 0.
    Sqrt,
    /// `e^x`
    Exp,
    /// `e^x - 1` without cancellation.
    Expm1,
    /// Natural logarithm; `-Inf` at 0, `NaN` below.
    Log,
    /// `log(1 + x)` without cancellation.
    Log1p,
    /// Logarithm to base 2.
    Log2,
    /// Logarithm to base 10.
    Log10,
    /// Sine of radians.
    Sin,
    /// Cosine of radians.
    Cos,
    /// Tangent of radians.
    Tan,
    /// Arc tangent, in radians.
    Atan,
    /// The standard normal distribution function, R's `pnorm`.
    NormalCdf,
    /// The standard normal quantile, R's `qnorm`; `NaN` outside [0, 1].
    NormalQuantile,
    /// `log |Γ(x)|`, R's `lgamma`; `Inf` at 0 and at the negative whole numbers.
    LogGamma,
    /// The derivative of `log Γ(x)`; `NaN` unless above 0.
    Digamma,
    /// The second derivative of `log Γ(x)`; `NaN` unless above 0.
    Trigamma,
    /// `x - log(1 + x)`, accurate relative to its own size; `NaN` below -1.
    XMinusLog1p,
    /// Stirling's error `log Γ(x + 1) - [(x + 1/2) log x - x + log(2π) / 2]`; `Inf` at 0, `NaN` below.
    StirlingError,
    /// The largest whole number that is not larger.
    Floor,
    /// The smallest whole number that is not smaller.
    Ceiling,
    /// The whole part, towards 0.
    Truncate,
    /// -1, 0 or 1.
    Sign,
    /// 1 for 0, 0 for any other number.
    Not,
    /// 1 for `NaN`, else 0.
    IsNan,
    /// 1 for any number that is neither `NaN` nor infinite, else 0.
    IsFinite,
    /// 1 for any number but 0.
    Truth,
}

/// An operation on two values. `NaN` gives `NaN` unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y`
    Div,
    /// `x ^ y` as R's: 1 for `y = 0` and for `x = 1` even when the other is `NaN`.
    Pow,
    /// R's `%%`: has the sign of `y`.
    Mod,
    /// R's `%/%`: `floor(x / y)`.
    IntDiv,
    /// 1 where equal, else 0.
    Eq,
    /// 1 where different.
    Ne,
    /// 1 where smaller.
    Lt,
    /// 1 where not larger.
    Le,
    /// 1 where larger.
    Gt,
    /// 1 where not smaller.
    Ge,
    /// Three-valued: 0 if either is 0, else `NaN` if either is, else 1.
    And,
    /// Three-valued: 1 if either is true, else `NaN` if either is, else 0.
    Or,
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// The smaller, of the numbers among the two.
    MinKnown,
    /// The larger, of the numbers among the two.
    MaxKnown,
}

/// One step of a program. Slots refer to steps before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// The value of an input column.
    Input(u32),
    /// The same number in each row.
    Constant(f64),
    /// An operation on one value.
    Unary(Unary, Slot),
    /// An operation on two values.
    Binary(Binary, Slot, Slot),
    /// To a whole power.
    Power(Slot, i32),
    /// To `digits` decimals as R (4.0.0 and later) rounds; negative digits round to tens, hundreds, ….
    Round(Slot, i32),
    /// `yes` where `condition` is true, `no` where it is 0, `NaN` where it is `NaN`.
    Select {
        /// Slot of the condition.
        condition: Slot,
        /// Taken where true.
        yes: Slot,
        /// Taken where false.
        no: Slot,
    },
}

impl Op {
    /// The slots that it reads, and how many.
    pub fn reads(&self) -> ([Slot; 3], usize) {
        match *self {
            Op::Input(_) | Op::Constant(_) => ([0; 3], 0),
            Op::Unary(_, a) | Op::Power(a, _) | Op::Round(a, _) => ([a, 0, 0], 1),
            Op::Binary(_, a, b) => ([a, b, 0], 2),
            Op::Select { condition, yes, no } => ([condition, yes, no], 3),
        }
    }
}

impl Op {
    /// The same operation on the slots that take the place of its own.
    pub fn moved(&self, to: impl Fn(Slot) -> Slot) -> Op {
        match *self {
            Op::Input(_) | Op::Constant(_) => *self,
            Op::Unary(op, a) => Op::Unary(op, to(a)),
            Op::Binary(op, a, b) => Op::Binary(op, to(a), to(b)),
            Op::Power(a, n) => Op::Power(to(a), n),
            Op::Round(a, digits) => Op::Round(to(a), digits),
            Op::Select { condition, yes, no } => Op::Select {
                condition: to(condition),
                yes: to(yes),
                no: to(no),
            },
        }
    }
}

/// A program over columns: data, not code. It is built step by step, and equal steps are kept once.
///
/// ```
/// use nelder_device::{Binary, Input, Output, Program, Unary};
/// // log(x) * y
/// let mut program = Program::new();
/// let x = program.input(0);
/// let y = program.input(1);
/// let log = program.unary(Unary::Log, x);
/// let product = program.binary(Binary::Mul, log, y);
/// program.output(product);
///
/// let (x, y, mut out) = ([1.0, f64::NAN], [3.0, 4.0], [9.0; 2]);
/// program.run::<f64>(&[Input::Real(&x), Input::Real(&y)], 2, &mut [Output::Real(&mut out)]).unwrap();
/// assert!(out[0] == 0.0 && out[1].is_nan());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    ops: Vec<Op>,
    outputs: Vec<Slot>,
}

/// Why a program cannot run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// A step reads a slot that is not before it, or an output is no step.
    #[error("step {step} of the program reads slot {slot}, which is not before it")]
    Order {
        /// Position of the step; the number of steps for an output.
        step: usize,
        /// The slot.
        slot: Slot,
    },
    /// An input column is missing.
    #[error("the program reads input {input}, and there are {given}")]
    Inputs {
        /// The input, from 0.
        input: u32,
        /// Number of inputs given.
        given: usize,
    },
    /// The number of outputs differs.
    #[error("the program has {wanted} outputs, and room was given for {given}")]
    Outputs {
        /// Outputs of the program.
        wanted: usize,
        /// Outputs given.
        given: usize,
    },
    /// A column is shorter or longer than the rows.
    #[error("{what} {index} has {length} rows instead of {rows}")]
    Length {
        /// `input` or `output`.
        what: &'static str,
        /// Its position, from 0.
        index: usize,
        /// Its length.
        length: usize,
        /// The rows asked for.
        rows: usize,
    },
}

impl Program {
    /// No steps, no outputs.
    pub fn new() -> Program {
        Program::default()
    }

    /// Adds a step, or finds the equal one.
    pub fn push(&mut self, op: Op) -> Slot {
        let same = |other: &Op| match (other, &op) {
            // compared by bits: NaN is itself, and 0 is not -0
            (Op::Constant(a), Op::Constant(b)) => a.to_bits() == b.to_bits(),
            (a, b) => *a == *b,
        };
        let position = self.ops.iter().position(same).unwrap_or_else(|| {
            self.ops.push(op);
            self.ops.len() - 1
        });
        position as Slot
    }

    /// The value of input column `index`.
    pub fn input(&mut self, index: u32) -> Slot {
        self.push(Op::Input(index))
    }

    /// A number.
    pub fn constant(&mut self, value: f64) -> Slot {
        self.push(Op::Constant(value))
    }

    /// An operation on one value.
    pub fn unary(&mut self, op: Unary, a: Slot) -> Slot {
        self.push(Op::Unary(op, a))
    }

    /// An operation on two values. A constant whole exponent becomes [`Op::Power`].
    pub fn binary(&mut self, op: Binary, a: Slot, b: Slot) -> Slot {
        if op == Binary::Pow
            && let Some(&Op::Constant(n)) = self.ops.get(b as usize)
            && n == n.trunc()
            && n.abs() <= 1024.0
        {
            return self.push(Op::Power(a, n as i32));
        }
        self.push(Op::Binary(op, a, b))
    }

    /// One value or another.
    pub fn select(&mut self, condition: Slot, yes: Slot, no: Slot) -> Slot {
        self.push(Op::Select { condition, yes, no })
    }

    /// Makes a value an output, and gives its position among the outputs.
    pub fn output(&mut self, slot: Slot) -> usize {
        self.outputs.push(slot);
        self.outputs.len() - 1
    }

    /// Adds the steps of another program, whose input k is the value `inputs[k]` here, and gives its outputs.
    ///
    /// # Errors
    /// [`ProgramError::Inputs`] where it reads more inputs; those of [`check`](Program::check).
    pub fn append(&mut self, other: &Program, inputs: &[Slot]) -> Result<Vec<Slot>, ProgramError> {
        other.check()?;
        let mut places: Vec<Slot> = Vec::with_capacity(other.ops.len());
        for op in &other.ops {
            if let Op::Input(k) = op {
                places.push(*inputs.get(*k as usize).ok_or(ProgramError::Inputs {
                    input: *k,
                    given: inputs.len(),
                })?);
                continue;
            }
            let own = op.moved(|slot| places[slot as usize]);
            places.push(self.push(own));
        }
        Ok(other.outputs.iter().map(|&slot| places[slot as usize]).collect())
    }

    /// The same program without the steps that no output needs.
    pub fn without_dead_steps(&self) -> Program {
        let mut needed = vec![false; self.ops.len()];
        for &slot in &self.outputs {
            needed[slot as usize] = true;
        }
        for (at, op) in self.ops.iter().enumerate().rev() {
            if needed[at] {
                let (slots, n) = op.reads();
                slots[..n].iter().for_each(|&slot| needed[slot as usize] = true);
            }
        }
        let mut places = vec![0; self.ops.len()];
        let mut out = Program::new();
        for (at, op) in self.ops.iter().enumerate().filter(|(at, _)| needed[*at]) {
            places[at] = out.ops.len() as Slot;
            out.ops.push(op.moved(|slot| places[slot as usize]));
        }
        out.outputs = self.outputs.iter().map(|&slot| places[slot as usize]).collect();
        out
    }

    /// The steps.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The slots of the outputs.
    pub fn outputs(&self) -> &[Slot] {
        &self.outputs
    }

    /// One more than the highest input that is read.
    pub fn inputs(&self) -> usize {
        let highest = |op: &Op| match op {
            Op::Input(i) => *i as usize + 1,
            _ => 0,
        };
        self.ops.iter().map(highest).max().unwrap_or(0)
    }

    /// Checks that each step reads steps before it; programs that were built by the functions above do.
    pub fn check(&self) -> Result<(), ProgramError> {
        let before = |step: usize, slots: &[Slot]| match slots.iter().find(|&&s| s as usize >= step) {
            Some(&slot) => Err(ProgramError::Order { step, slot }),
            None => Ok(()),
        };
        for (step, op) in self.ops.iter().enumerate() {
            let (slots, n) = op.reads();
            before(step, &slots[..n])?;
        }
        before(self.ops.len(), &self.outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_are_kept_once() {
        let mut p = Program::new();
        let x = p.input(0);
        let two = p.constant(2.0);
        assert_eq!(p.binary(Binary::Add, x, two), p.binary(Binary::Add, x, two));
        assert_eq!(p.constant(f64::NAN), p.constant(f64::NAN));
        assert_ne!(p.constant(0.0), p.constant(-0.0));
        let square = p.binary(Binary::Pow, x, two);
        assert_eq!(p.ops()[square as usize], Op::Power(x, 2));
        assert_eq!(p.inputs(), 1);
    }

    #[test]
    fn programs_are_joined() {
        let mut log = Program::new();
        let (x, two) = (log.input(0), log.constant(2.0));
        let twice = log.binary(Binary::Mul, x, two);
        let own = log.unary(Unary::Log, twice);
        log.output(own);
        let mut p = Program::new();
        let (x, two) = (p.input(3), p.constant(2.0));
        let product = p.binary(Binary::Mul, x, two);
        let found = p.append(&log, &[product]).unwrap();
        p.output(found[0]);
        // the constant is there already
        assert_eq!(p.ops().len(), 5);
        let (x, mut out) = ([3.0], [0.0]);
        let column = crate::Input::Real(&x);
        p.run::<f64>(
            &[column, column, column, column],
            1,
            &mut [crate::Output::Real(&mut out)],
        )
        .unwrap();
        assert!((out[0] - 12f64.ln()).abs() < 1e-15);
        assert_eq!(
            p.append(&log, &[]),
            Err(ProgramError::Inputs { input: 0, given: 0 })
        );
    }

    #[test]
    fn dead_steps_are_dropped() {
        let mut p = Program::new();
        let (x, y) = (p.input(0), p.input(1));
        p.unary(Unary::Exp, x);
        let twice = p.binary(Binary::Add, y, y);
        p.output(twice);
        p.output(y);
        let short = p.without_dead_steps();
        assert_eq!(short.ops(), [Op::Input(1), Op::Binary(Binary::Add, 0, 0)]);
        assert_eq!(short.outputs(), [1, 0]);
        assert_eq!(short.without_dead_steps(), short);
    }

    #[test]
    fn order_is_checked() {
        let bad = Program {
            ops: vec![Op::Input(0), Op::Unary(Unary::Neg, 1)],
            outputs: vec![1],
        };
        assert_eq!(bad.check(), Err(ProgramError::Order { step: 1, slot: 1 }));
        let bad = Program {
            ops: vec![Op::Input(0)],
            outputs: vec![4],
        };
        assert_eq!(bad.check(), Err(ProgramError::Order { step: 1, slot: 4 }));
    }
}
