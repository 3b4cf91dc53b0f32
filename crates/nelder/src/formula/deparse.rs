//! From an expression back to text, as R's `deparse` writes it: on one line, or a call broken into lines.

use std::fmt::{self, Display, Formatter, Write};

use super::lex::is_syntactic;
use super::{Binary, Expr, Formula, Unary};

/// A line longer than this is broken at the next place where that may be: R's `width.cutoff`.
const CUTOFF: usize = 60;
/// A place where a line may be broken. Control characters of texts and names are escaped, so that these three occur
/// nowhere else.
const BREAK: char = '\u{1}';
/// Begin and end of what a break inside indents.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// Destination of the text, with or without marks at the places for breaks.
struct Out<'w> {
    to: &'w mut dyn Write,
    marked: bool,
}

impl Out<'_> {
    fn mark(&mut self, what: char) -> fmt::Result {
        if self.marked {
            self.to.write_char(what)
        } else {
            Ok(())
        }
    }
}

impl Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.to.write_str(text)
    }
}

/// Precedence of R's operators (`?Syntax`).
pub(super) mod precedence {
    use crate::formula::{Binary, Unary};

    pub const NOT: u8 = 4;
    pub const COMPARE: u8 = 5;
    pub const SIGN: u8 = 10;

    /// Of an infix operator; larger binds tighter.
    pub fn of(op: Binary) -> u8 {
        match op {
            Binary::Or => 2,
            Binary::And => 3,
            Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => COMPARE,
            Binary::Add | Binary::Sub => 6,
            Binary::Mul | Binary::Div => 7,
            Binary::In | Binary::Mod | Binary::IntDiv => 8,
            Binary::Colon => 9,
            Binary::Pow => 11,
        }
    }

    /// Of a prefix operator.
    pub fn of_unary(op: Unary) -> u8 {
        match op {
            Unary::Not => NOT,
            Unary::Neg | Unary::Plus => SIGN,
        }
    }

    /// The operator as R writes it, and whether blanks stand around it.
    pub fn text(op: Binary) -> (&'static str, bool) {
        match op {
            Binary::Add => ("+", true),
            Binary::Sub => ("-", true),
            Binary::Mul => ("*", true),
            Binary::Div => ("/", false),
            Binary::Pow => ("^", false),
            Binary::Colon => (":", false),
            Binary::In => ("%in%", true),
            Binary::Mod => ("%%", false),
            Binary::IntDiv => ("%/%", false),
            Binary::Eq => ("==", true),
            Binary::Ne => ("!=", true),
            Binary::Lt => ("<", true),
            Binary::Le => ("<=", true),
            Binary::Gt => (">", true),
            Binary::Ge => (">=", true),
            Binary::And => ("&", true),
            Binary::Or => ("|", true),
        }
    }

    /// The operator of a name, for calls such as `` `+`(a, b) ``.
    pub fn binary_named(name: &str) -> Option<Binary> {
        use Binary::{Add, And, Colon, Div, Eq, Ge, Gt, In, IntDiv, Le, Lt, Mod, Mul, Ne, Or, Pow, Sub};
        let all = [
            Add, Sub, Mul, Div, Pow, Colon, In, Mod, IntDiv, Eq, Ne, Lt, Le, Gt, Ge, And, Or,
        ];
        all.into_iter().find(|&op| text(op).0 == name)
    }
}

use precedence::{of, of_unary, text};

impl Display for Expr {
    /// As R's `deparse` does, on one line: `a + b`, `a/b`, `f(x, df = 3)`; parentheses only where the tree
    /// needs them.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_expr(&mut Out { to: f, marked: false }, self, 0)
    }
}

impl Display for Formula {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.response {
            Some(response) => write!(f, "{response} ~ {}", self.predictors),
            None => write!(f, "~{}", self.predictors),
        }
    }
}

/// `function(formula = …, name = value, …)` as R's `deparse` writes it, in lines of about 60 characters.
///
/// ```
/// use nelder::formula::{deparse_call, parse_expression, parse_formula};
/// let formula = parse_formula("y~x").unwrap();
/// let data = parse_expression("d").unwrap();
/// assert_eq!(deparse_call("lm", &formula, &[("data", data)]), "lm(formula = y ~ x, data = d)");
/// ```
pub fn deparse_call(function: &str, formula: &Formula, rest: &[(&str, Expr)]) -> String {
    let mut text = String::new();
    let mut out = Out {
        to: &mut text,
        marked: true,
    };
    // writing to a string does not fail
    let _ = write_call(&mut out, function, formula, rest);
    broken(&text)
}

fn write_call(f: &mut Out<'_>, function: &str, formula: &Formula, rest: &[(&str, Expr)]) -> fmt::Result {
    write_name(f, function)?;
    f.write_char('(')?;
    f.mark(OPEN)?;
    f.write_str("formula = ")?;
    match &formula.response {
        None => f.write_char('~')?,
        Some(response) => {
            write_expr(f, response, 0)?;
            f.write_str(" ~ ")?;
        }
    }
    f.mark(OPEN)?;
    f.mark(BREAK)?;
    write_expr(f, &formula.predictors, 0)?;
    f.mark(CLOSE)?;
    for (name, value) in rest {
        f.write_str(", ")?;
        f.mark(BREAK)?;
        write!(f, "{name} = ")?;
        write_expr(f, value, 0)?;
    }
    f.mark(CLOSE)?;
    f.write_char(')')
}

/// Breaks lines at the marks, where they have become too long.
fn broken(marked: &str) -> String {
    let mut out = String::with_capacity(marked.len());
    // for each open scope, whether it has a break; lines are indented by four blanks for each that has
    let mut scopes: Vec<bool> = Vec::new();
    let mut length = 0;
    for c in marked.chars() {
        match c {
            OPEN => scopes.push(false),
            CLOSE => {
                scopes.pop();
            }
            BREAK if length > CUTOFF => {
                if let Some(scope) = scopes.last_mut() {
                    *scope = true;
                }
                let levels = scopes.iter().filter(|b| **b).count();
                // R indents less from the fifth level on
                let blanks = 4 * levels.min(4) + 2 * levels.saturating_sub(4);
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', blanks));
                length = blanks;
            }
            BREAK => {}
            c => {
                out.push(c);
                length += 1;
            }
        }
    }
    out
}

/// Writes `e`; `follow` is how tightly the operator binds that comes right after it (0: none).
fn write_expr(f: &mut Out<'_>, e: &Expr, follow: u8) -> fmt::Result {
    match e {
        Expr::Number { value, integer } => write_number(f, *value, *integer, follow),
        Expr::Whole(value) => write!(f, "{value}"),
        Expr::Text(text) => write_quoted(f, text, '"'),
        Expr::Logical(true) => f.write_str("TRUE"),
        Expr::Logical(false) => f.write_str("FALSE"),
        Expr::Missing => f.write_str("NA"),
        Expr::Null => f.write_str("NULL"),
        Expr::Name(name) => write_name(f, name),
        Expr::Evaluated { text, .. } => f.write_str(text),
        Expr::Resolved { call, .. } => write_expr(f, call, follow),
        Expr::Call { function, args } => {
            write_name(f, function)?;
            f.write_char('(')?;
            f.mark(OPEN)?;
            for (i, arg) in args.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                    f.mark(BREAK)?;
                }
                if let Some(name) = &arg.name {
                    write_name(f, name)?;
                    f.write_str(" = ")?;
                }
                write_expr(f, &arg.value, 0)?;
            }
            f.mark(CLOSE)?;
            f.write_char(')')
        }
        Expr::Paren(inner) => write_in_parens(f, inner),
        Expr::Unary(op, operand) => {
            // an operator that binds tighter than this one would be drawn into the operand
            if follow > of_unary(*op) {
                return write_in_parens(f, e);
            }
            f.write_str(match op {
                Unary::Neg => "-",
                Unary::Plus => "+",
                Unary::Not => "!",
            })?;
            match &**operand {
                Expr::Binary(inner, ..) if of(*inner) < of_unary(*op) => write_in_parens(f, operand),
                _ => write_expr(f, operand, follow),
            }
        }
        Expr::Binary(..) => write_chain(f, e, follow),
    }
}

fn write_in_parens(f: &mut Out<'_>, e: &Expr) -> fmt::Result {
    f.write_char('(')?;
    write_expr(f, e, 0)?;
    f.write_char(')')
}

/// Writes a tree of infix operators; its left edge is walked without recursion, for formulas of thousands of
/// terms are chains to the left.
fn write_chain(f: &mut Out<'_>, e: &Expr, follow: u8) -> fmt::Result {
    // from the root down: operator, right operand, whether the left operand is in parentheses
    let mut edge = Vec::new();
    let mut base = e;
    while let Expr::Binary(op, left, right) = base {
        let parens = match &**left {
            Expr::Binary(inner, ..) => of(*inner) < of(*op) || (of(*inner) == of(*op) && !groups_left(*op)),
            _ => false,
        };
        edge.push((*op, &**right, parens));
        base = left;
    }
    for _ in edge.iter().filter(|(.., parens)| *parens) {
        f.write_char('(')?;
    }
    write_expr(f, base, edge.last().map_or(follow, |(op, ..)| of(*op)))?;
    for (i, &(op, right, parens)) in edge.iter().enumerate().rev() {
        if parens {
            f.write_char(')')?;
        }
        let (symbol, blanks) = text(op);
        let blank = if blanks { " " } else { "" };
        write!(f, "{blank}{symbol}{blank}")?;
        f.mark(OPEN)?;
        if blanks && op != Binary::In {
            f.mark(BREAK)?;
        }
        let next = match i.checked_sub(1).and_then(|up| edge.get(up)) {
            None => follow,
            Some((.., true)) => 0,
            Some((up, ..)) => of(*up),
        };
        match right {
            Expr::Binary(inner, ..) if of(*inner) < of(op) || (of(*inner) == of(op) && op != Binary::Pow) => {
                write_in_parens(f, right)?;
            }
            _ => write_expr(f, right, next)?,
        }
        f.mark(CLOSE)?;
    }
    Ok(())
}

fn groups_left(op: Binary) -> bool {
    op != Binary::Pow && of(op) != precedence::COMPARE
}

fn write_number(f: &mut Out<'_>, value: f64, integer: bool, follow: u8) -> fmt::Result {
    if value.is_sign_negative() && !value.is_nan() {
        // R has no negative literals: `-5` is the minus of 5
        let parens = follow > precedence::SIGN;
        f.write_str(if parens { "(-" } else { "-" })?;
        write_number(f, -value, integer, 0)?;
        return f.write_str(if parens { ")" } else { "" });
    }
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str("Inf")
    } else if integer {
        write!(f, "{value:.0}L")
    } else {
        f.write_str(&number(value))
    }
}

/// A positive number in 15 significant digits, fixed or scientific, whichever is shorter.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let full = format!("{value:.14e}");
    let (mantissa, exponent) = full.split_once('e').unwrap_or((&full, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    let decimals = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let scientific = format!("{mantissa}e{sign}{:02}", exponent.abs());
    let fixed = format!("{value:.decimals$}");
    if fixed.len() <= scientific.len() {
        fixed
    } else {
        scientific
    }
}

fn write_name(f: &mut Out<'_>, name: &str) -> fmt::Result {
    if is_syntactic(name) {
        f.write_str(name)
    } else {
        write_quoted(f, name, '`')
    }
}

/// A string with R's escapes.
fn write_quoted(f: &mut Out<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            '\u{7}' => f.write_str("\\a")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{b}' => f.write_str("\\v")?,
            '\u{c}' => f.write_str("\\f")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c.is_ascii_control() => write!(f, "\\{:03o}", u32::from(c))?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}
