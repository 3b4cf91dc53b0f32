//! From an expression and the names of columns to a tree.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::Arc;

use nelder_device::{Binary as Op, Unary as Op1};

use super::codes::{CodeNumbers, Combine};
use super::constant::{Constant, is_logical, keeps_whole};
use super::error::{BindError, UnknownName, mistyped};
use super::functions::moments;
use super::functions::names;
use super::functions::recode::{Lookup, Match, Measure, Recode, Rule};
use super::functions::stamp::Unit;
use super::node::{Node, NodeKind, Type, node};
use crate::formula::{Arg, Binary, Expr, NameTable, Resolved, Unary, nearest};
use crate::frame::{self, Levels, Schema};

/// Binds names to the columns of a schema, and remembers which columns.
pub(super) struct Binder<'s> {
    schema: &'s Schema,
    functions: Functions,
    positions: Positions<'s>,
    /// Positions among `columns` by column.
    wanted: HashMap<usize, usize>,
    /// Columns of the source that are wanted, in order of first use.
    pub columns: Vec<usize>,
}

/// The functions by which a binder binds calls: theirs bind arguments by the binder in turn.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    /// Binds a call of a function by its name.
    pub call: fn(&mut Binder<'_>, &Expr, &str, &[Arg]) -> Result<Operand, BindError>,
    /// Binds a call of `reorder` whose levels are known: their labels, and whether they are ordered.
    pub reordered: fn(&mut Binder<'_>, &Expr, &[String], bool) -> Result<Operand, BindError>,
}

/// A bound expression: constant, or a value for each row.
pub(super) enum Operand {
    Constant(Constant),
    Node(Node),
}

/// Names that are constants where no column has the name.
const CONSTANTS: &[(&str, f64)] = &[
    ("pi", std::f64::consts::PI),
    ("Inf", f64::INFINITY),
    ("NaN", f64::NAN),
];

/// Positions of columns by name, of equal names the first. The first names are looked for one by one: a table of the columns
/// takes longer than a few of them.
struct Positions<'s> {
    schema: &'s Schema,
    asked: Cell<u32>,
    table: OnceCell<NameTable>,
}

/// Names that are looked for without a table.
const FEW: u32 = 8;

impl<'s> Positions<'s> {
    fn new(schema: &'s Schema) -> Self {
        Positions {
            schema,
            asked: Cell::new(0),
            table: OnceCell::new(),
        }
    }

    fn of(&self, name: &str) -> Option<usize> {
        if self.asked.get() < FEW {
            self.asked.set(self.asked.get() + 1);
            return self.schema.position(name);
        }
        let fields = &self.schema.fields;
        let table = self.table.get_or_init(|| {
            let mut table = NameTable::default();
            table.reserve(fields.len());
            fields.iter().for_each(|f| table.push(&f.name));
            table
        });
        table.find(name, |at| fields[at].name == name)
    }
}

/// All names in the expressions that are neither a column nor a function nor a constant.
pub(super) fn unknown_names(expressions: &[Expr], schema: &Schema) -> Vec<UnknownName> {
    let known = Positions::new(schema);
    let mut unknown: Vec<UnknownName> = Vec::new();
    let mut add = |name: &str, function: bool, nearest: Option<&str>| {
        let new = UnknownName {
            name: name.to_string(),
            function,
            nearest: nearest.map(String::from),
        };
        if !unknown.contains(&new) {
            unknown.push(new);
        }
    };
    let mut open: Vec<&Expr> = expressions.iter().rev().collect();
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Name(name) => {
                let constant = ["T", "F"].contains(&&**name) || CONSTANTS.iter().any(|(c, _)| c == name);
                if !constant && known.of(name).is_none() {
                    add(name, false, nearest(name, schema.names().into_iter()));
                }
            }
            Expr::Call { function, args } => {
                if !names::NAMES.contains(&function.as_str()) {
                    add(function, true, nearest(function, names::NAMES.iter().copied()));
                }
                let object = |a: &&Arg| function != "C" || a.name.as_deref() == Some("object");
                match args.iter().rev().filter(object).count() {
                    _ if function == "reorder" => {
                        // a function is no column
                        let columns = args.iter().filter(|a| a.name.as_deref() != Some("FUN")).take(2);
                        open.extend(columns.map(|a| &a.value));
                    }
                    // the contrasts of `C(f, sum)` are no column
                    0 => open.extend(args.iter().find(|a| a.name.is_none()).map(|a| &a.value)),
                    _ => open.extend(args.iter().rev().filter(object).map(|a| &a.value)),
                }
            }
            Expr::Evaluated { columns, .. } => {
                for column in columns.iter().filter(|c| known.of(c).is_none()) {
                    add(column, false, None);
                }
            }
            Expr::Unary(_, a) | Expr::Paren(a) => open.push(a),
            Expr::Binary(_, a, b) => open.extend([&**b, &**a]),
            _ => {}
        }
    }
    unknown
}

impl<'s> Binder<'s> {
    pub fn new(schema: &'s Schema, functions: Functions) -> Self {
        Binder {
            schema,
            functions,
            positions: Positions::new(schema),
            wanted: HashMap::new(),
            columns: Vec::new(),
        }
    }

    pub fn term(&mut self, expr: &Expr) -> Result<Operand, BindError> {
        Ok(match expr {
            Expr::Number { value, integer } => Operand::Constant(Constant::Numbers {
                values: vec![*value],
                whole: *integer,
            }),
            Expr::Whole(value) => Operand::Constant(Constant::Wholes(vec![Some(*value)])),
            Expr::Text(text) => Operand::Constant(Constant::Texts(vec![Some(text.clone())])),
            Expr::Logical(l) => Operand::Constant(Constant::Logicals(vec![*l as u8])),
            Expr::Missing => Operand::Constant(Constant::Logicals(vec![2])),
            Expr::Null => Operand::Constant(Constant::Null),
            Expr::Name(name) => self.name(name, expr)?,
            Expr::Evaluated {
                columns, suffixes, ..
            } => self.evaluated(expr, columns, suffixes)?,
            Expr::Resolved { call, value } => match value {
                Resolved::Numbers(values) => Operand::Constant(Constant::Numbers {
                    values: values.clone(),
                    whole: false,
                }),
                Resolved::Levels { labels, ordered } => {
                    (self.functions.reordered)(self, call, labels, *ordered)?
                }
            },
            Expr::Paren(inner) => self.term(inner)?,
            Expr::Unary(op, a) => {
                let a = self.term(a)?;
                let op = match op {
                    Unary::Neg => Op1::Neg,
                    Unary::Not => Op1::Not,
                    // `+x` makes a logical a number
                    Unary::Plus => return self.binary(Op::Add, Operand::Constant(zero()), a, expr),
                };
                self.unary(op, a, expr)?
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.term(a)?, self.term(b)?);
                match op {
                    Binary::Add => self.binary(Op::Add, a, b, expr)?,
                    Binary::Sub => self.binary(Op::Sub, a, b, expr)?,
                    Binary::Mul => self.binary(Op::Mul, a, b, expr)?,
                    Binary::Div => self.binary(Op::Div, a, b, expr)?,
                    Binary::Pow => self.binary(Op::Pow, a, b, expr)?,
                    Binary::Mod => self.binary(Op::Mod, a, b, expr)?,
                    Binary::IntDiv => self.binary(Op::IntDiv, a, b, expr)?,
                    Binary::And => self.binary(Op::And, a, b, expr)?,
                    Binary::Or => self.binary(Op::Or, a, b, expr)?,
                    Binary::Eq => self.compare(Op::Eq, a, b, expr)?,
                    Binary::Ne => self.compare(Op::Ne, a, b, expr)?,
                    Binary::Lt => self.compare(Op::Lt, a, b, expr)?,
                    Binary::Le => self.compare(Op::Le, a, b, expr)?,
                    Binary::Gt => self.compare(Op::Gt, a, b, expr)?,
                    Binary::Ge => self.compare(Op::Ge, a, b, expr)?,
                    Binary::Colon => match (a, b) {
                        (Operand::Node(a), Operand::Node(b)) if a.ty.is_factor() && b.ty.is_factor() => {
                            let kind = NodeKind::Combine(vec![a, b], Combine::interaction(":".into(), true));
                            Operand::Node(node(kind, Type::Factor { ordered: false }, expr))
                        }
                        (a, b) => Operand::Constant(sequence(&a, &b, expr)?),
                    },
                    Binary::In => self.among(a, b, expr)?,
                }
            }
            Expr::Call { function, args } => (self.functions.call)(self, expr, function, args)?,
        })
    }

    fn name(&mut self, name: &str, expr: &Expr) -> Result<Operand, BindError> {
        let Some(at) = self.positions.of(name) else {
            return Ok(Operand::Constant(match name {
                "T" => Constant::Logicals(vec![1]),
                "F" => Constant::Logicals(vec![0]),
                _ => match CONSTANTS.iter().find(|(c, _)| *c == name) {
                    Some((_, value)) => Constant::number(*value),
                    None => {
                        return Err(BindError::Unknown(unknown_names(
                            std::slice::from_ref(expr),
                            self.schema,
                        )));
                    }
                },
            }));
        };
        let position = *self.wanted.entry(at).or_insert_with(|| {
            self.columns.push(at);
            self.columns.len() - 1
        });
        let ty = match self.schema.fields[at].kind {
            frame::Kind::Real | frame::Kind::Date | frame::Kind::Time { .. } => Type::NUMBER,
            frame::Kind::Integer => Type::Numbers {
                columns: 1,
                names: None,
                whole: true,
            },
            frame::Kind::Logical => Type::Logical,
            frame::Kind::Text => Type::Text,
            frame::Kind::Factor { ordered } => Type::Factor { ordered },
        };
        Ok(Operand::Node(node(NodeKind::Column(position), ty, expr)))
    }

    /// Kind of a column, by its position among those that are asked for.
    pub fn kind_of(&self, position: usize) -> Option<frame::Kind> {
        let at = *self.columns.get(position)?;
        self.schema.fields.get(at).map(|f| f.kind)
    }

    /// Unit of a node that is a date or a time; `None` for any other.
    pub fn unit_of(&self, node: &Node) -> Option<Unit> {
        moments::unit(&|position| self.kind_of(position), node)
    }

    /// Columns that hold an expression's values.
    fn evaluated(
        &mut self,
        expr: &Expr,
        columns: &[String],
        suffixes: &[String],
    ) -> Result<Operand, BindError> {
        if let [column] = columns {
            return Ok(match self.name(column, expr)? {
                Operand::Node(n) => Operand::Node(Node {
                    name: Arc::from(expr.to_string()),
                    ..n
                }),
                constant => constant,
            });
        }
        let mut parts = Vec::with_capacity(columns.len());
        for column in columns {
            let part = self.name(column, &Expr::Name(column.clone()))?;
            parts.push(self.scalar(part, expr)?);
        }
        let ty = Type::Numbers {
            columns: parts.len(),
            whole: parts.iter().all(|p| p.ty.whole()),
            names: Some(suffixes.to_vec()),
        };
        Ok(Operand::Node(node(NodeKind::Bind(parts), ty, expr)))
    }

    /// A term as part of scalar arithmetic: numbers or logicals.
    pub fn scalar(&mut self, term: Operand, expr: &Expr) -> Result<Node, BindError> {
        match term {
            Operand::Constant(c) => match c.pairs().as_deref() {
                Some(&[(high, low)]) => {
                    let ty = Type::Numbers {
                        columns: 1,
                        names: None,
                        whole: c.whole(),
                    };
                    let part = |x: f64| node(NodeKind::Constant(x), ty.clone(), expr);
                    Ok(match low == 0.0 {
                        true => part(high),
                        // their sum is exact where programs run in twice the precision
                        false => {
                            let both = NodeKind::Binary(Op::Add, Box::new([part(high), part(low)]));
                            node(both, ty.clone(), expr)
                        }
                    })
                }
                Some(v) => Err(mistyped(
                    expr,
                    format!(
                        "a vector of {} values beside a column; one value is needed",
                        v.len()
                    ),
                )),
                None => Err(mistyped(expr, "a string where a number is needed".into())),
            },
            Operand::Node(n) if n.ty.is_codes() => {
                let hint = match n.ty {
                    Type::Text => "",
                    _ => "; as.numeric(as.character(…)) gives the numbers that are its labels",
                };
                let problem = format!(
                    "`{}` is {}, where a number is needed{hint}",
                    n.name,
                    n.ty.described()
                );
                Err(mistyped(expr, problem))
            }
            Operand::Node(n) => Ok(n),
        }
    }

    /// An operation on one value.
    pub fn unary(&mut self, op: Op1, a: Operand, expr: &Expr) -> Result<Operand, BindError> {
        if let Operand::Constant(c) = &a {
            let result = c
                .unary(op)
                .ok_or_else(|| mistyped(expr, "a string where a number is needed".into()));
            return Ok(Operand::Constant(result?));
        }
        let a = self.scalar(a, expr)?;
        let logical = matches!(op, Op1::Not | Op1::IsNan | Op1::IsFinite | Op1::Truth);
        let ty = match &a.ty {
            Type::Numbers { columns, .. } if logical && *columns == 1 => Type::Logical,
            Type::Logical if logical => Type::Logical,
            Type::Numbers {
                columns,
                names,
                whole,
            } => Type::Numbers {
                columns: *columns,
                names: names.clone(),
                whole: *whole && matches!(op, Op1::Neg | Op1::Abs),
            },
            _ => Type::Numbers {
                columns: 1,
                names: None,
                whole: matches!(op, Op1::Neg | Op1::Abs),
            },
        };
        Ok(Operand::Node(node(NodeKind::Unary(op, Box::new(a)), ty, expr)))
    }

    /// An operation on two values.
    pub fn binary(&mut self, op: Op, a: Operand, b: Operand, expr: &Expr) -> Result<Operand, BindError> {
        if let (Operand::Constant(x), Operand::Constant(y)) = (&a, &b) {
            let result = x.binary(op, y);
            let result = result.ok_or_else(|| mistyped(expr, "a string where a number is needed".into()));
            return Ok(Operand::Constant(result?));
        }
        let (a, b) = (self.scalar(a, expr)?, self.scalar(b, expr)?);
        let (m, n) = (a.ty.columns(), b.ty.columns());
        if m != n && m != 1 && n != 1 {
            return Err(mistyped(
                expr,
                format!("a matrix of {m} columns beside one of {n}"),
            ));
        }
        let names = |ty: &Type| match ty {
            Type::Numbers { names, .. } => names.clone(),
            _ => None,
        };
        let ty = if is_logical(op) && m.max(n) == 1 {
            Type::Logical
        } else {
            let widest = if n > m { &b } else { &a };
            Type::Numbers {
                columns: m.max(n),
                names: names(&widest.ty)
                    .or_else(|| names(&b.ty))
                    .filter(|v| v.len() == m.max(n)),
                whole: a.ty.whole() && b.ty.whole() && keeps_whole(op),
            }
        };
        Ok(Operand::Node(node(
            NodeKind::Binary(op, Box::new([a, b])),
            ty,
            expr,
        )))
    }

    /// A comparison; of text, by level.
    fn compare(&mut self, op: Op, a: Operand, b: Operand, expr: &Expr) -> Result<Operand, BindError> {
        let a = self.as_moment(a, &b, expr)?;
        let b = self.as_moment(b, &a, expr)?;
        let is_codes = |t: &Operand| matches!(t, Operand::Node(n) if n.ty.is_codes());
        let is_text = |t: &Operand| is_codes(t) || matches!(t, Operand::Constant(Constant::Texts(_)));
        if !is_text(&a) && !is_text(&b) {
            return self.binary(op, a, b, expr);
        }
        // the constant, if there is one, goes to the right
        let (a, b, op) = match (a, b) {
            (a @ Operand::Constant(_), b @ Operand::Node(_)) => (b, a, mirrored(op)),
            (a, b) => (a, b, op),
        };
        let equality = matches!(op, Op::Eq | Op::Ne);
        let a = match a {
            Operand::Node(n) => self.text(n, expr)?,
            Operand::Constant(_) => {
                return Err(mistyped(
                    expr,
                    "two strings are compared; one must be a column".into(),
                ));
            }
        };
        let ordered = a.ty == Type::Factor { ordered: true };
        if !equality && a.ty == (Type::Factor { ordered: false }) {
            let problem = format!(
                "`{}` is a factor without an order; only == and != compare it",
                a.name
            );
            return Err(mistyped(expr, problem));
        }
        match b {
            Operand::Constant(c) => {
                let text = match c.texts().as_slice() {
                    [Some(text)] => text.clone(),
                    [None] => return Err(mistyped(expr, "a comparison with NA is NA; use is.na()".into())),
                    v => {
                        let problem = format!("{} strings beside a column; use %in% for several", v.len());
                        return Err(mistyped(expr, problem));
                    }
                };
                let measure = Measure::Compare { op, text, ordered };
                let kind = NodeKind::Lookup(Box::new(a), Lookup::new(measure));
                Ok(Operand::Node(node(kind, Type::Logical, expr)))
            }
            Operand::Node(b) if equality => {
                let b = self.text(b, expr)?;
                let kind = NodeKind::Match(Box::new([a, b]), Match::new(op == Op::Ne));
                Ok(Operand::Node(node(kind, Type::Logical, expr)))
            }
            Operand::Node(_) => Err(mistyped(
                expr,
                "two text columns are compared only by == and !=".into(),
            )),
        }
    }

    /// Strings that are compared with a date or time as the days or seconds that they say.
    fn as_moment(&self, term: Operand, other: &Operand, expr: &Expr) -> Result<Operand, BindError> {
        let (Operand::Constant(Constant::Texts(texts)), Operand::Node(n)) = (&term, other) else {
            return Ok(term);
        };
        let Some(unit) = self.unit_of(n).filter(|_| texts.iter().all(Option::is_some)) else {
            return Ok(term);
        };
        let values = texts
            .iter()
            .flatten()
            .map(|t| moments::compared(t, n, unit, expr));
        let values = values.collect::<Result<Vec<f64>, _>>()?;
        Ok(Operand::Constant(Constant::Numbers { values, whole: false }))
    }

    /// `x %in% constants`; never missing.
    fn among(&mut self, a: Operand, b: Operand, expr: &Expr) -> Result<Operand, BindError> {
        let b = self.as_moment(b, &a, expr)?;
        let Operand::Constant(set) = b else {
            return Err(mistyped(
                expr,
                "the right side of %in% must be a constant, such as c(1, 2)".into(),
            ));
        };
        let a = match a {
            Operand::Node(n) => n,
            Operand::Constant(_) => {
                return Err(mistyped(expr, "the left side of %in% must be a column".into()));
            }
        };
        if a.ty.is_codes() || matches!(set, Constant::Texts(_)) {
            let a = self.text(a, expr)?;
            let texts = set.texts();
            let measure = Measure::Among {
                missing: texts.iter().any(|t| t.is_none()),
                labels: texts.into_iter().flatten().collect(),
            };
            let kind = NodeKind::Lookup(Box::new(a), Lookup::new(measure));
            return Ok(Operand::Node(node(kind, Type::Logical, expr)));
        }
        let a = self.scalar(Operand::Node(a), expr)?;
        let kind = NodeKind::Among(Box::new(a), set.pairs().unwrap_or_default());
        Ok(Operand::Node(node(kind, Type::Logical, expr)))
    }

    /// A node as text or a factor: numbers and logicals become text.
    pub fn text(&mut self, n: Node, expr: &Expr) -> Result<Node, BindError> {
        if n.ty.is_codes() {
            return Ok(n);
        }
        if let Some(unit) = self.unit_of(&n) {
            return moments::written(n, unit, expr);
        }
        let numbers = matches!(n.ty, Type::Numbers { .. });
        let coded = self.factor(n, expr)?;
        if !numbers {
            return Ok(Node {
                ty: Type::Text,
                ..coded
            });
        }
        let kind = NodeKind::Recode(Box::new(coded), Recode::new(Rule::Text));
        Ok(node(kind, Type::Text, expr))
    }

    /// A node as a factor: numbers in the order of their values.
    pub fn factor(&mut self, n: Node, expr: &Expr) -> Result<Node, BindError> {
        let factor = Type::Factor { ordered: false };
        if let Some(unit) = self.unit_of(&n) {
            return Ok(Node {
                ty: factor,
                ..moments::written(n, unit, expr)?
            });
        }
        match n.ty {
            Type::Text => Ok(Node { ty: factor, ..n }),
            Type::Factor { .. } => Ok(n),
            Type::Logical => {
                let kind = NodeKind::CodeLogicals(Box::new(n), Arc::new(Levels::growing()));
                Ok(node(kind, factor, expr))
            }
            Type::Numbers {
                columns: 1, whole, ..
            } => {
                let kind = NodeKind::CodeNumbers(Box::new(n), CodeNumbers::new(whole));
                Ok(node(kind, factor, expr))
            }
            Type::Numbers { columns, .. } => {
                let problem = format!("`{}` is a matrix of {columns} columns; one is needed", n.name);
                Err(mistyped(expr, problem))
            }
        }
    }

    /// A constant as text in each row.
    pub fn constant_text(&self, text: Option<String>, expr: &Expr) -> Node {
        node(NodeKind::Text(Arc::new(Levels::fixed(text))), Type::Text, expr)
    }
}

fn zero() -> Constant {
    Constant::Numbers {
        values: vec![0.0],
        whole: true,
    }
}

fn mirrored(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}

/// `from:to`
fn sequence(from: &Operand, to: &Operand, expr: &Expr) -> Result<Constant, BindError> {
    let one = |t: &Operand| match t {
        Operand::Constant(c) => match c.numbers().as_deref() {
            Some(&[x]) if x.is_finite() => Some(x),
            _ => None,
        },
        Operand::Node(_) => None,
    };
    let (Some(a), Some(b)) = (one(from), one(to)) else {
        let problem = "`:` stands for an interaction only in a formula's terms; inside a function it needs two \
                       numbers";
        return Err(mistyped(expr, problem.into()));
    };
    let n = ((b - a).abs() + 1e-10).floor();
    if n > 1e6 {
        return Err(mistyped(
            expr,
            "the sequence has more than a million values".into(),
        ));
    }
    let step = if b >= a { 1.0 } else { -1.0 };
    Ok(Constant::Numbers {
        values: (0..=n as usize).map(|i| a + step * i as f64).collect(),
        whole: a == a.trunc() && a.abs() < 2147483648.0,
    })
}
