//! The arguments of a call, matched to the function's as R matches them.

use crate::design::bind::{Binder, Operand};
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::formula::{Arg, Expr};

/// A call and its arguments, one for each formal argument.
pub(in crate::design) struct Call<'e> {
    pub expr: &'e Expr,
    formals: &'static [&'static str],
    values: Vec<Option<&'e Expr>>,
    /// Arguments matched to `...`.
    pub dots: Vec<&'e Arg>,
}

impl<'e> Call<'e> {
    /// Matches exactly, then by the beginning of names, then by position. Formal arguments after `...` must
    /// be named in full.
    pub fn matched(
        expr: &'e Expr,
        args: &'e [Arg],
        formals: &'static [&'static str],
    ) -> Result<Call<'e>, BindError> {
        let dots_at = formals.iter().position(|f| *f == "...");
        let mut call = Call {
            expr,
            formals,
            values: vec![None; formals.len()],
            dots: Vec::new(),
        };
        let mut taken = vec![false; args.len()];
        for exact in [true, false] {
            for (arg, taken) in args.iter().zip(&mut taken).filter(|(_, t)| !**t) {
                let Some(name) = &arg.name else { continue };
                let fits = |at: usize, f: &str| match exact {
                    true => f == name,
                    false => f.starts_with(name.as_str()) && dots_at.is_none_or(|d| at < d),
                };
                let free = |at: &usize| call.values[*at].is_none() && formals[*at] != "...";
                let at = (0..formals.len()).filter(free).find(|&at| fits(at, formals[at]));
                if let Some(at) = at {
                    call.values[at] = Some(&arg.value);
                    *taken = true;
                }
            }
        }
        let mut next = 0;
        for (arg, _) in args.iter().zip(&taken).filter(|(_, t)| !**t) {
            if arg.name.is_none() {
                while next < formals.len() && formals[next] != "..." && call.values[next].is_some() {
                    next += 1;
                }
                if next < formals.len() && formals[next] != "..." {
                    call.values[next] = Some(&arg.value);
                    continue;
                }
            }
            if dots_at.is_some() {
                call.dots.push(arg);
                continue;
            }
            let argument = arg.name.clone().unwrap_or_else(|| arg.value.to_string());
            let near = crate::formula::nearest(&argument, formals.iter().copied());
            let near = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            return Err(call.wrong(&argument, &format!("is not one that the function has{near}")));
        }
        Ok(call)
    }

    /// An error about an argument.
    pub fn wrong(&self, argument: &str, problem: &str) -> BindError {
        BindError::Argument {
            call: self.expr.to_string(),
            argument: argument.to_string(),
            problem: problem.to_string(),
        }
    }

    /// An error about types.
    pub fn mistyped(&self, problem: String) -> BindError {
        BindError::Type {
            call: self.expr.to_string(),
            problem,
        }
    }

    /// An argument's expression; `None` where it was left out.
    pub fn expr(&self, name: &str) -> Option<&'e Expr> {
        let at = self.formals.iter().position(|f| *f == name)?;
        self.values[at]
    }

    /// An argument that must be there.
    pub fn term(&self, binder: &mut Binder<'_>, name: &str) -> Result<Operand, BindError> {
        let expr = self.expr(name).ok_or_else(|| self.wrong(name, "is missing"))?;
        binder.term(expr)
    }

    /// A constant; `None` where it was left out or is `NULL`.
    pub fn constant(&self, binder: &mut Binder<'_>, name: &str) -> Result<Option<Constant>, BindError> {
        let Some(expr) = self.expr(name) else {
            return Ok(None);
        };
        match binder.term(expr)? {
            Operand::Constant(Constant::Null) => Ok(None),
            Operand::Constant(c) => Ok(Some(c)),
            Operand::Node(_) => Err(self.wrong(name, "must be a constant and not depend on a column")),
        }
    }

    /// A vector of numbers, none of them missing.
    pub fn numbers(&self, binder: &mut Binder<'_>, name: &str) -> Result<Option<Vec<f64>>, BindError> {
        let Some(constant) = self.constant(binder, name)? else {
            return Ok(None);
        };
        match constant.numbers() {
            Some(v) if v.iter().all(|x| !x.is_nan()) => Ok(Some(v)),
            Some(_) => Err(self.wrong(name, "must not be missing")),
            None => Err(self.wrong(name, "must be a number, not a string")),
        }
    }

    /// One number.
    pub fn number(&self, binder: &mut Binder<'_>, name: &str) -> Result<Option<f64>, BindError> {
        match self.numbers(binder, name)?.as_deref() {
            None => Ok(None),
            Some(&[x]) => Ok(Some(x)),
            Some(v) => Err(self.wrong(name, &format!("must be one number, not {}", v.len()))),
        }
    }

    /// A whole number of at least `least` and at most `most`.
    pub fn count(
        &self,
        binder: &mut Binder<'_>,
        name: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, BindError> {
        match self.number(binder, name)? {
            None => Ok(None),
            Some(x) if x >= least as f64 && x <= most as f64 => Ok(Some(x as usize)),
            Some(x) => {
                let range = if x < least as f64 {
                    format!("at least {least}")
                } else {
                    format!("at most {most}")
                };
                Err(self.wrong(name, &format!("must be {range}, not {x}")))
            }
        }
    }

    /// `TRUE` or `FALSE`.
    pub fn flag(&self, binder: &mut Binder<'_>, name: &str, default: bool) -> Result<bool, BindError> {
        match self.constant(binder, name)? {
            None => Ok(default),
            Some(c) => c.truth().ok_or_else(|| self.wrong(name, "must be TRUE or FALSE")),
        }
    }

    /// Strings, numbers printed as `as.character` does, none of them missing.
    pub fn texts(&self, binder: &mut Binder<'_>, name: &str) -> Result<Option<Vec<String>>, BindError> {
        let Some(constant) = self.constant(binder, name)? else {
            return Ok(None);
        };
        let texts: Option<Vec<String>> = constant.texts().into_iter().collect();
        texts
            .map(Some)
            .ok_or_else(|| self.wrong(name, "must not have missing values"))
    }

    /// One string.
    pub fn text(&self, binder: &mut Binder<'_>, name: &str) -> Result<Option<String>, BindError> {
        match self.texts(binder, name)? {
            None => Ok(None),
            Some(mut v) if v.len() == 1 => Ok(v.pop()),
            Some(v) => Err(self.wrong(name, &format!("must be one string, not {}", v.len()))),
        }
    }
}
