//! Constants of an expression: vectors of numbers, strings and logicals.

use nelder_device::{Binary, Input, Output, Program, Unary};

use crate::frame::{EXACT, number_label};

/// The value of an expression without columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    /// `NULL`, also `c()`.
    Null,
    /// Numbers; `NaN` is missing.
    Numbers { values: Vec<f64>, whole: bool },
    /// Whole numbers, some of which double precision may not have; `None` is missing.
    Wholes(Vec<Option<i128>>),
    /// Strings; `None` is missing.
    Texts(Vec<Option<String>>),
    /// 0, 1, and 2 for missing.
    Logicals(Vec<u8>),
}

impl Constant {
    pub fn number(value: f64) -> Constant {
        Constant::Numbers {
            values: vec![value],
            whole: false,
        }
    }

    /// As numbers; `None` for strings.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Constant::Null => Some(Vec::new()),
            Constant::Numbers { values, .. } => Some(values.clone()),
            Constant::Wholes(v) => Some(v.iter().map(|x| x.map_or(f64::NAN, |x| x as f64)).collect()),
            Constant::Logicals(v) => Some(
                v.iter()
                    .map(|&l| if l > 1 { f64::NAN } else { l as f64 })
                    .collect(),
            ),
            Constant::Texts(_) => None,
        }
    }

    /// As strings, numbers printed as `as.character` does.
    pub fn texts(&self) -> Vec<Option<String>> {
        match self {
            Constant::Null => Vec::new(),
            Constant::Numbers { values, whole } => values
                .iter()
                .map(|&x| match x {
                    x if x.is_nan() => None,
                    x if *whole => Some(format!("{x}")),
                    x => Some(number_label(x)),
                })
                .collect(),
            Constant::Wholes(v) => v.iter().map(|x| x.map(|x| x.to_string())).collect(),
            Constant::Texts(v) => v.clone(),
            Constant::Logicals(v) => v
                .iter()
                .map(|l| match l {
                    0 => Some("FALSE".to_string()),
                    1 => Some("TRUE".to_string()),
                    _ => None,
                })
                .collect(),
        }
    }

    /// `TRUE` or `FALSE`; `None` for anything but one of the two.
    pub fn truth(&self) -> Option<bool> {
        match (self, self.numbers()?.as_slice()) {
            (Constant::Null, _) => None,
            (_, &[x]) if !x.is_nan() => Some(x != 0.0),
            _ => None,
        }
    }

    /// Tests if the values are whole numbers or logicals to R.
    pub fn whole(&self) -> bool {
        match self {
            Constant::Numbers { whole, .. } => *whole,
            Constant::Wholes(_) | Constant::Logicals(_) => true,
            _ => false,
        }
    }

    /// Each number as the sum of two in double precision, exact up to 106 binary digits; `None` for strings.
    pub fn pairs(&self) -> Option<Vec<(f64, f64)>> {
        match self {
            Constant::Wholes(v) => Some(v.iter().map(|x| x.map_or((f64::NAN, 0.0), parts)).collect()),
            _ => Some(self.numbers()?.into_iter().map(|x| (x, 0.0)).collect()),
        }
    }

    /// As whole numbers, where each is one or missing.
    fn wholes(&self) -> Option<Vec<Option<i128>>> {
        let whole = |x: f64| match x {
            x if x.is_nan() => Some(None),
            x if x.fract() == 0.0 && x.abs() <= EXACT as f64 => Some(Some(x as i128)),
            _ => None,
        };
        match self {
            Constant::Wholes(v) => Some(v.clone()),
            _ => self.numbers()?.into_iter().map(whole).collect(),
        }
    }

    /// `c(a, b, …)`: strings if any is one, else numbers if any is one.
    pub fn concatenate(parts: &[Constant]) -> Constant {
        let parts = || parts.iter().filter(|p| **p != Constant::Null);
        if parts().any(|p| matches!(p, Constant::Texts(_))) {
            Constant::Texts(parts().flat_map(|p| p.texts()).collect())
        } else if parts().all(|p| matches!(p, Constant::Logicals(_))) {
            let logicals = parts().flat_map(|p| match p {
                Constant::Logicals(v) => v.clone(),
                _ => Vec::new(),
            });
            let logicals: Vec<u8> = logicals.collect();
            if logicals.is_empty() {
                Constant::Null
            } else {
                Constant::Logicals(logicals)
            }
        } else if parts().any(|p| matches!(p, Constant::Wholes(_)))
            && let Some(wholes) = parts().map(Constant::wholes).collect::<Option<Vec<_>>>()
        {
            Constant::Wholes(wholes.concat())
        } else {
            Constant::Numbers {
                values: parts().flat_map(|p| p.numbers().unwrap_or_default()).collect(),
                whole: parts().all(Constant::whole),
            }
        }
    }

    /// An operation on each value; `None` for strings.
    pub fn unary(&self, op: Unary) -> Option<Constant> {
        if let (Constant::Wholes(v), Unary::Neg) = (self, op) {
            return Some(Constant::Wholes(v.iter().map(|x| x.map(|x| -x)).collect()));
        }
        let values = self.numbers()?;
        let mut program = Program::new();
        let x = program.input(0);
        let result = program.unary(op, x);
        program.output(result);
        let values = run(&program, &[&values])?;
        let whole = self.whole() && matches!(op, Unary::Neg | Unary::Abs);
        Some(match op {
            Unary::Not | Unary::IsNan | Unary::IsFinite => logicals(&values),
            _ => Constant::Numbers { values, whole },
        })
    }

    /// An operation on pairs of values, the shorter vector recycled; `None` for strings.
    pub fn binary(&self, op: Binary, other: &Constant) -> Option<Constant> {
        let (a, b) = (self.numbers()?, other.numbers()?);
        let n = if a.is_empty() || b.is_empty() {
            0
        } else {
            a.len().max(b.len())
        };
        let recycled = |v: &[f64]| (0..n).map(|i| v[i % v.len()]).collect::<Vec<f64>>();
        let mut program = Program::new();
        let (x, y) = (program.input(0), program.input(1));
        let result = program.binary(op, x, y);
        program.output(result);
        let values = run(&program, &[&recycled(&a), &recycled(&b)])?;
        Some(if is_logical(op) {
            logicals(&values)
        } else {
            let whole = self.whole() && other.whole() && keeps_whole(op);
            Constant::Numbers { values, whole }
        })
    }
}

/// A whole number as the double nearest to it and what is left.
pub(super) fn parts(x: i128) -> (f64, f64) {
    let high = x as f64;
    (high, x.wrapping_sub(high as i128) as f64)
}

fn run(program: &Program, inputs: &[&[f64]]) -> Option<Vec<f64>> {
    let rows = inputs[0].len();
    let mut out = vec![0.0; rows];
    let inputs: Vec<Input<'_>> = inputs.iter().map(|v| Input::Real(v)).collect();
    program
        .run::<f64>(&inputs, rows, &mut [Output::Real(&mut out)])
        .ok()?;
    Some(out)
}

fn logicals(values: &[f64]) -> Constant {
    Constant::Logicals(
        values
            .iter()
            .map(|&x| if x.is_nan() { 2 } else { (x != 0.0) as u8 })
            .collect(),
    )
}

/// Tests if an operator gives `TRUE` or `FALSE`: comparisons, `&` and `|`.
pub(super) fn is_logical(op: Binary) -> bool {
    use Binary::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | And | Or)
}

/// Tests if an operator gives a whole number to R for two whole numbers: `+ - * %% %/%`, `pmin` and `pmax`.
pub(super) fn keeps_whole(op: Binary) -> bool {
    use Binary::*;
    matches!(
        op,
        Add | Sub | Mul | Mod | IntDiv | Min | Max | MinKnown | MaxKnown
    )
}
