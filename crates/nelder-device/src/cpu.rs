//! Programs on the CPU: interpreted over chunks of rows that stay in the first-level cache.

use crate::program::{Op, Program, ProgramError, Slot};
use crate::scalar;
use crate::{Binary, Real, Unary, vectorized};

/// Rows interpreted at a time: a register is 4 KB, or 8 KB in twice the precision.
const CHUNK: usize = 512;

/// An input column.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Numbers; `NaN` is missing.
    Real(&'a [f64]),
    /// Numbers in two parts, as a double-double's `hi` and `lo`.
    Pair(&'a [f64], &'a [f64]),
    /// Whole numbers; `i32::MIN` is missing.
    Integer(&'a [i32]),
    /// 0, 1, and 2 for missing.
    Logical(&'a [u8]),
}

impl Input<'_> {
    fn lengths(&self) -> [usize; 2] {
        match self {
            Input::Real(v) => [v.len(); 2],
            Input::Pair(high, low) => [high.len(), low.len()],
            Input::Integer(v) => [v.len(); 2],
            Input::Logical(v) => [v.len(); 2],
        }
    }
}

/// Where an output goes.
#[derive(Debug)]
pub enum Output<'a> {
    /// Numbers.
    Real(&'a mut [f64]),
    /// Numbers in two parts.
    Pair(&'a mut [f64], &'a mut [f64]),
    /// 0 for 0, 2 for `NaN`, else 1.
    Logical(&'a mut [u8]),
}

impl Output<'_> {
    fn lengths(&self) -> [usize; 2] {
        match self {
            Output::Real(v) => [v.len(); 2],
            Output::Pair(high, low) => [high.len(), low.len()],
            Output::Logical(v) => [v.len(); 2],
        }
    }
}

impl Program {
    /// Runs the program over `rows` rows. Arithmetic, whole powers, `sqrt`, `abs`, `floor`, comparison,
    /// `min` and `max` are done in `R`; the other functions are done in `f64`.
    ///
    /// # Errors
    /// When an input is missing, the number of outputs differs, or a column has not `rows` rows.
    pub fn run<R: Real>(
        &self,
        inputs: &[Input<'_>],
        rows: usize,
        outputs: &mut [Output<'_>],
    ) -> Result<(), ProgramError> {
        Runner::<R>::of(self, CHUNK.min(rows))?.run(inputs, rows, outputs)
    }

    /// The program for runs that are repeated: it keeps the room that its values take.
    ///
    /// # Errors
    /// When a step reads a slot that is not before it; see [`Program::check`].
    pub fn runner<R: Real>(&self) -> Result<Runner<R>, ProgramError> {
        Runner::of(self, 0)
    }
}

/// A checked program with the registers that it needs: runs again and again without allocation.
///
/// A worker that meets its rows in runs keeps one; it is a few kilobytes for each step.
///
/// ```
/// use nelder_device::{Binary, Input, Output, Program};
/// let mut program = Program::new();
/// let (x, half) = (program.input(0), program.constant(0.5));
/// let product = program.binary(Binary::Mul, x, half);
/// program.output(product);
///
/// let mut runner = program.runner::<f64>().unwrap();
/// let mut out = [0.0; 2];
/// for x in [[1.0, 2.0], [3.0, 4.0]] {
///     runner.run(&[Input::Real(&x)], 2, &mut [Output::Real(&mut out)]).unwrap();
///     assert_eq!(out, x.map(|x| x / 2.0));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Runner<R> {
    program: Program,
    registers: Registers,
    /// One for each register, all of the same length; those of constants are filled.
    values: Vec<Vec<R>>,
    chunk: usize,
}

impl<R: Real> Runner<R> {
    /// A program without steps.
    pub fn empty() -> Self {
        Runner {
            program: Program::new(),
            registers: Registers::of(&Program::new()),
            values: Vec::new(),
            chunk: 0,
        }
    }

    /// Room for `chunk` rows.
    fn of(program: &Program, chunk: usize) -> Result<Runner<R>, ProgramError> {
        program.check()?;
        let registers = Registers::of(program);
        let mut runner = Runner {
            program: program.clone(),
            values: vec![Vec::new(); registers.count],
            registers,
            chunk: 0,
        };
        runner.reach(chunk);
        Ok(runner)
    }

    /// Makes room for as many rows, which then go through the program at a time; at most [`CHUNK`].
    fn reach(&mut self, rows: usize) {
        let chunk = rows.min(CHUNK);
        if chunk <= self.chunk {
            return;
        }
        self.chunk = chunk;
        self.values.iter_mut().for_each(|v| v.resize(chunk, R::ZERO));
        for (step, op) in self.program.ops().iter().enumerate() {
            if let Op::Constant(c) = *op {
                self.values[self.registers.of_step[step]].fill(R::from_f64(c));
            }
        }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs the program over `rows` rows, as [`Program::run`] does.
    ///
    /// # Errors
    /// When an input is missing, the number of outputs differs, or a column has not `rows` rows.
    pub fn run(
        &mut self,
        inputs: &[Input<'_>],
        rows: usize,
        outputs: &mut [Output<'_>],
    ) -> Result<(), ProgramError> {
        self.reach(rows);
        let Runner {
            program,
            registers,
            values,
            chunk,
        } = self;
        check_columns(program, registers.inputs, inputs, rows, outputs)?;
        let mut from = 0;
        while from < rows {
            let to = (from + *chunk).min(rows);
            vectorized(
                #[inline(always)]
                || {
                    for (step, &op) in program.ops().iter().enumerate() {
                        let target = registers.of_step[step];
                        let mut out = std::mem::take(&mut values[target]);
                        let read = |s: Slot| values[registers.of_step[s as usize]].as_slice();
                        interpret(op, inputs, from, &mut out[..to - from], read);
                        values[target] = out;
                    }
                },
            );
            for (output, &slot) in outputs.iter_mut().zip(program.outputs()) {
                write(
                    &values[registers.of_step[slot as usize]][..to - from],
                    output,
                    from,
                );
            }
            from = to;
        }
        Ok(())
    }
}

/// Checks that no column is lacking and that each has `rows` rows; `read` is the number of inputs that the program reads.
fn check_columns(
    program: &Program,
    read: usize,
    inputs: &[Input<'_>],
    rows: usize,
    outputs: &[Output<'_>],
) -> Result<(), ProgramError> {
    if read > inputs.len() {
        return Err(ProgramError::Inputs {
            input: read as u32 - 1,
            given: inputs.len(),
        });
    }
    if program.outputs().len() != outputs.len() {
        return Err(ProgramError::Outputs {
            wanted: program.outputs().len(),
            given: outputs.len(),
        });
    }
    let of_inputs = inputs.iter().map(|c| ("input", c.lengths())).enumerate();
    let of_outputs = outputs.iter().map(|c| ("output", c.lengths())).enumerate();
    for (index, (what, lengths)) in of_inputs.chain(of_outputs) {
        if let Some(&length) = lengths.iter().find(|&&n| n != rows) {
            return Err(ProgramError::Length {
                what,
                index,
                length,
                rows,
            });
        }
    }
    Ok(())
}

/// Which register holds each step's value; a register is free again after the last read of its value.
#[derive(Clone, Debug)]
struct Registers {
    of_step: Vec<usize>,
    count: usize,
    /// Inputs that the program reads.
    inputs: usize,
}

impl Registers {
    fn of(program: &Program) -> Registers {
        let ops = program.ops();
        let mut last = (0..ops.len()).collect::<Vec<_>>();
        for (step, op) in ops.iter().enumerate() {
            let (slots, n) = op.reads();
            for &slot in &slots[..n] {
                last[slot as usize] = step;
            }
        }
        let kept = |last: &mut Vec<usize>, slot: usize| last[slot] = usize::MAX;
        for &slot in program.outputs() {
            kept(&mut last, slot as usize);
        }
        for step in (0..ops.len()).filter(|&s| matches!(ops[s], Op::Constant(_))) {
            kept(&mut last, step); // filled once, before the first chunk
        }
        let (mut of_step, mut free, mut count) = (Vec::with_capacity(ops.len()), Vec::new(), 0);
        for (step, op) in ops.iter().enumerate() {
            // a constant's register holds it from the start, so it cannot be one that was used before
            let reused = if matches!(op, Op::Constant(_)) {
                None
            } else {
                free.pop()
            };
            let register = reused.unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            of_step.push(register);
            // freed after the target is chosen: a step never writes where it reads
            let (slots, n) = op.reads();
            for (k, &slot) in slots[..n].iter().enumerate() {
                if last[slot as usize] == step && !slots[..k].contains(&slot) {
                    free.push(of_step[slot as usize]);
                }
            }
            if last[step] == step {
                free.push(register); // never read
            }
        }
        Registers {
            of_step,
            count,
            inputs: program.inputs(),
        }
    }
}

#[inline(always)]
fn map<R: Real>(out: &mut [R], a: &[R], f: impl Fn(R) -> R) {
    for (o, &x) in out.iter_mut().zip(a) {
        *o = f(x);
    }
}

#[inline(always)]
fn map2<R: Real>(out: &mut [R], a: &[R], b: &[R], f: impl Fn(R, R) -> R) {
    for ((o, &x), &y) in out.iter_mut().zip(a).zip(b) {
        *o = f(x, y);
    }
}

/// Expands to one loop for each operation, so that the operation is known inside the loop.
macro_rules! each {
    ($op:expr, $kind:ident: $($name:ident)*; $name2:ident => $body:expr) => {
        match $op {
            $($kind::$name => { const $name2: $kind = $kind::$name; $body })*
        }
    };
}

#[inline(always)]
fn interpret<'v, R: Real>(
    op: Op,
    inputs: &[Input<'_>],
    from: usize,
    out: &mut [R],
    read: impl Fn(Slot) -> &'v [R],
) {
    match op {
        Op::Constant(_) => {}
        Op::Input(index) => load(&inputs[index as usize], from, out),
        Op::Unary(op, a) => {
            let a = read(a);
            each!(op, Unary: Neg Abs Sqrt Exp Expm1 Log Log1p Log2 Log10 Sin Cos Tan Atan NormalCdf
                NormalQuantile LogGamma Digamma Trigamma XMinusLog1p StirlingError Floor Ceiling Truncate Sign Not IsNan IsFinite Truth;
                OP => map(out, a, #[inline(always)] |x| scalar::unary(OP, x)));
        }
        Op::Binary(op, a, b) => {
            let (a, b) = (read(a), read(b));
            each!(op, Binary: Add Sub Mul Div Pow Mod IntDiv Eq Ne Lt Le Gt Ge And Or Min Max MinKnown MaxKnown;
                OP => map2(out, a, b, #[inline(always)] |x, y| scalar::binary(OP, x, y)));
        }
        Op::Power(a, 2) => map(
            out,
            read(a),
            #[inline(always)]
            |x| scalar::whole_power(x, 2),
        ),
        Op::Power(a, n) => map(
            out,
            read(a),
            #[inline(always)]
            |x| scalar::whole_power(x, n),
        ),
        Op::Round(a, digits) => map(out, read(a), |x| R::from_f64(scalar::round(x.to_f64(), digits))),
        Op::Select { condition, yes, no } => {
            let (condition, yes, no) = (read(condition), read(yes), read(no));
            for (((o, &c), &y), &n) in out.iter_mut().zip(condition).zip(yes).zip(no) {
                let taken = if c == R::ZERO { n } else { y };
                *o = if c.is_nan() { c } else { taken };
            }
        }
    }
}

#[inline(always)]
fn load<R: Real>(input: &Input<'_>, from: usize, out: &mut [R]) {
    let to = from + out.len();
    match input {
        Input::Real(v) => {
            for (o, &x) in out.iter_mut().zip(&v[from..to]) {
                *o = R::from_f64(x);
            }
        }
        Input::Pair(high, low) => {
            for ((o, &h), &l) in out.iter_mut().zip(&high[from..to]).zip(&low[from..to]) {
                *o = R::from_parts(h, l);
            }
        }
        Input::Integer(v) => {
            for (o, &x) in out.iter_mut().zip(&v[from..to]) {
                *o = R::from_f64(if x == i32::MIN { f64::NAN } else { x as f64 });
            }
        }
        Input::Logical(v) => {
            for (o, &x) in out.iter_mut().zip(&v[from..to]) {
                *o = R::from_f64(if x > 1 { f64::NAN } else { x as f64 });
            }
        }
    }
}

fn write<R: Real>(values: &[R], output: &mut Output<'_>, from: usize) {
    let to = from + values.len();
    match output {
        Output::Real(v) => {
            for (o, x) in v[from..to].iter_mut().zip(values) {
                *o = x.to_f64();
            }
        }
        Output::Pair(high, low) => {
            for ((h, l), x) in high[from..to].iter_mut().zip(&mut low[from..to]).zip(values) {
                *h = x.to_f64();
                *l = x.low();
            }
        }
        Output::Logical(v) => {
            for (o, x) in v[from..to].iter_mut().zip(values) {
                *o = if x.is_nan() { 2 } else { (*x != R::ZERO) as u8 };
            }
        }
    }
}

#[cfg(test)]
#[path = "cpu_tests.rs"]
mod tests;
