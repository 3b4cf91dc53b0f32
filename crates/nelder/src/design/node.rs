//! A bound expression: a tree over the columns of a source.

use std::sync::Arc;

use nelder_device::{Binary, Op, Program, Slot, Unary};

use super::codes::{CodeNumbers, Combine};
use super::functions::basis::Basis;
use super::functions::cut::Cut;
use super::functions::dates::Stamp;
use super::functions::recode::{Choose, Lookup, Match, Recode};
use super::functions::special::Special;
use super::value::Shape;
use crate::formula::{Contrast, matrix_suffixes};
use crate::frame::{EXACT, Levels};

/// What an expression gives, to R.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// One or more columns of numbers; `whole` for R's integers.
    Numbers {
        columns: usize,
        names: Option<Vec<String>>,
        whole: bool,
    },
    Logical,
    Text,
    Factor {
        ordered: bool,
    },
}

impl Type {
    pub const NUMBER: Type = Type::Numbers {
        columns: 1,
        names: None,
        whole: false,
    };

    pub fn is_codes(&self) -> bool {
        matches!(self, Type::Text | Type::Factor { .. })
    }

    pub fn is_factor(&self) -> bool {
        matches!(self, Type::Factor { .. })
    }

    pub fn columns(&self) -> usize {
        match self {
            Type::Numbers { columns, .. } => *columns,
            _ => 1,
        }
    }

    pub fn whole(&self) -> bool {
        matches!(self, Type::Numbers { whole: true, .. } | Type::Logical)
    }

    /// As in an error message.
    pub fn described(&self) -> &'static str {
        match self {
            Type::Numbers { columns: 1, .. } => "a number",
            Type::Numbers { .. } => "a matrix",
            Type::Logical => "logical",
            Type::Text => "text",
            Type::Factor { ordered: false } => "a factor",
            Type::Factor { ordered: true } => "an ordered factor",
        }
    }

    pub fn shape(&self) -> Shape {
        match self {
            Type::Numbers { columns, names, .. } => Shape::Numeric {
                suffixes: matrix_suffixes(names.as_deref(), *columns),
            },
            Type::Logical => Shape::Logical,
            Type::Text => Shape::Factor { ordered: false },
            Type::Factor { ordered } => Shape::Factor { ordered: *ordered },
        }
    }
}

/// A bound expression.
pub(super) struct Node {
    pub kind: Kind,
    pub ty: Type,
    /// The expression as R prints it.
    pub name: Arc<str>,
}

pub(super) enum Kind {
    /// A column, by position among those that are asked for.
    Column(usize),
    Constant(f64),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<[Node; 2]>),
    Round(Box<Node>, i32),
    /// Whether it is one of some numbers, each a sum of two; never missing.
    Among(Box<Node>, Vec<(f64, f64)>),
    /// Condition, yes, no.
    Select(Box<[Node; 3]>),
    /// The six above fused; input `i` of the program is column `wires[i].1` of `inputs[wires[i].0]`.
    Program {
        program: Program,
        inputs: Vec<Node>,
        wires: Vec<(usize, usize)>,
        /// True where a constant is beyond double precision: the program runs in twice that, whatever the columns are.
        exact: bool,
    },
    /// `cbind`
    Bind(Vec<Node>),
    /// `poly`, `ns`, `bs`, `scale`
    Basis(Box<Node>, Basis),
    /// Numbers to intervals.
    Cut(Box<Node>, Cut),
    /// Numbers to codes.
    CodeNumbers(Box<Node>, CodeNumbers),
    /// Logicals to codes.
    CodeLogicals(Box<Node>, Arc<Levels>),
    /// The same string in each row, as code 0 of its own levels; missing without a level.
    Text(Arc<Levels>),
    /// `paste`, `interaction`
    Combine(Vec<Node>, Combine),
    /// Codes to other codes, by level.
    Recode(Box<Node>, Recode),
    /// `ifelse` with strings: condition, yes, no.
    Choose(Box<[Node; 3]>, Choose),
    /// Codes to numbers or logicals, by level.
    Lookup(Box<Node>, Lookup),
    /// Whether two factors have the same label.
    Match(Box<[Node; 2]>, Match),
    /// `C`: a factor that has contrasts of its own.
    Contrasts(Box<Node>, Contrast),
    /// `gamma`, `choose`, `signif` and their kind, of one or two columns.
    Special(Vec<Node>, Special),
    /// Dates and times to labels.
    Stamp(Box<Node>, Stamp),
    /// Products of columns: each is one column of every part, by position from 1; 0 leaves the part out.
    Products(Vec<Node>, Vec<Vec<usize>>),
}

impl Node {
    /// The nodes directly below.
    pub fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Column(_) | Kind::Constant(_) | Kind::Text(_) => Vec::new(),
            Kind::Unary(_, a)
            | Kind::Round(a, _)
            | Kind::Among(a, _)
            | Kind::Basis(a, _)
            | Kind::Cut(a, _) => vec![a],
            Kind::CodeNumbers(a, _) | Kind::CodeLogicals(a, _) | Kind::Recode(a, _) | Kind::Lookup(a, _) => {
                vec![a]
            }
            Kind::Contrasts(a, _) | Kind::Stamp(a, _) => vec![a],
            Kind::Binary(_, ab) | Kind::Match(ab, _) => ab.iter().collect(),
            Kind::Select(abc) | Kind::Choose(abc, _) => abc.iter().collect(),
            Kind::Program { inputs, .. } => inputs.iter().collect(),
            Kind::Bind(parts)
            | Kind::Combine(parts, _)
            | Kind::Special(parts, _)
            | Kind::Products(parts, _) => parts.iter().collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Column(_) | Kind::Constant(_) | Kind::Text(_) => Vec::new(),
            Kind::Unary(_, a)
            | Kind::Round(a, _)
            | Kind::Among(a, _)
            | Kind::Basis(a, _)
            | Kind::Cut(a, _) => vec![a],
            Kind::CodeNumbers(a, _) | Kind::CodeLogicals(a, _) | Kind::Recode(a, _) | Kind::Lookup(a, _) => {
                vec![a]
            }
            Kind::Contrasts(a, _) | Kind::Stamp(a, _) => vec![a],
            Kind::Binary(_, ab) | Kind::Match(ab, _) => ab.iter_mut().collect(),
            Kind::Select(abc) | Kind::Choose(abc, _) => abc.iter_mut().collect(),
            Kind::Program { inputs, .. } => inputs.iter_mut().collect(),
            Kind::Bind(parts)
            | Kind::Combine(parts, _)
            | Kind::Special(parts, _)
            | Kind::Products(parts, _) => parts.iter_mut().collect(),
        }
    }

    /// Visits the node and all below it, those below first.
    pub fn visit<'n>(&'n self, f: &mut dyn FnMut(&'n Node)) {
        for child in self.children() {
            child.visit(f);
        }
        f(self);
    }

    /// Visits as [`visit`](Node::visit) does, in the same order.
    pub fn visit_mut(&mut self, f: &mut dyn FnMut(&mut Node)) {
        for child in self.children_mut() {
            child.visit_mut(f);
        }
        f(self);
    }

    /// Whether it is computed row by row from numbers, so that it can be part of a program.
    fn is_scalar(&self) -> bool {
        matches!(
            self.kind,
            Kind::Constant(_)
                | Kind::Unary(..)
                | Kind::Binary(..)
                | Kind::Round(..)
                | Kind::Among(..)
                | Kind::Select(_)
        )
    }

    /// Fuses scalar operations into programs.
    pub fn fused(mut self) -> Node {
        if self.is_scalar() {
            let (ty, name) = (self.ty.clone(), self.name.clone());
            let mut fuse = Fuse::default();
            for slot in fuse.emit(self) {
                fuse.program.output(slot);
            }
            let Fuse {
                program,
                inputs,
                wires,
                exact,
            } = fuse;
            let kind = Kind::Program {
                program,
                inputs,
                wires,
                exact,
            };
            return Node { kind, ty, name };
        }
        for child in self.children_mut() {
            let taken = std::mem::replace(child, Node::hole());
            *child = taken.fused();
        }
        self
    }

    fn hole() -> Node {
        Node {
            kind: Kind::Constant(0.0),
            ty: Type::NUMBER,
            name: Arc::from(""),
        }
    }
}

#[derive(Default)]
struct Fuse {
    program: Program,
    inputs: Vec<Node>,
    wires: Vec<(usize, usize)>,
    exact: bool,
}

impl Fuse {
    /// The slots of the node's columns.
    fn emit(&mut self, node: Node) -> Vec<Slot> {
        match node.kind {
            Kind::Constant(c) => vec![self.program.constant(c)],
            Kind::Unary(op, a) => {
                let a = self.emit(*a);
                a.into_iter().map(|s| self.program.unary(op, s)).collect()
            }
            Kind::Round(a, digits) => {
                let a = self.emit(*a);
                a.into_iter()
                    .map(|s| self.program.push(Op::Round(s, digits)))
                    .collect()
            }
            Kind::Among(a, set) => {
                let a = self.emit(*a);
                a.into_iter().map(|s| self.among(s, &set)).collect()
            }
            Kind::Binary(op, ab) => {
                let [a, b] = *ab;
                // a whole number as the sum of two: its low part is below the last place of its high part
                if let (Kind::Constant(high), Kind::Constant(low)) = (&a.kind, &b.kind) {
                    self.exact |= *low != 0.0 && high.abs() >= EXACT as f64;
                }
                let (a, b) = (self.emit(a), self.emit(b));
                let n = a.len().max(b.len());
                (0..n)
                    .map(|k| self.program.binary(op, a[k % a.len()], b[k % b.len()]))
                    .collect()
            }
            Kind::Select(abc) => {
                let [c, y, n] = *abc;
                let (c, yes, no) = (self.emit(c), self.emit(y), self.emit(n));
                c.iter()
                    .enumerate()
                    .map(|(k, &c)| self.program.select(c, yes[k % yes.len()], no[k % no.len()]))
                    .collect()
            }
            kind => {
                let node = Node { kind, ..node };
                let columns = node.ty.columns();
                let position = match node.kind {
                    Kind::Column(c) => {
                        let same = |n: &Node| matches!(n.kind, Kind::Column(d) if d == c);
                        self.inputs.iter().position(same)
                    }
                    _ => None,
                };
                let position = position.unwrap_or_else(|| {
                    self.inputs.push(node.fused());
                    self.inputs.len() - 1
                });
                (0..columns)
                    .map(|k| {
                        let wire = (position, k);
                        let at = self.wires.iter().position(|&w| w == wire).unwrap_or_else(|| {
                            self.wires.push(wire);
                            self.wires.len() - 1
                        });
                        self.program.input(at as u32)
                    })
                    .collect()
            }
        }
    }

    fn among(&mut self, value: Slot, set: &[(f64, f64)]) -> Slot {
        let program = &mut self.program;
        let mut found = program.constant(0.0);
        for &(high, low) in set.iter().filter(|x| !x.0.is_nan()) {
            let mut x = program.constant(high);
            self.exact |= low != 0.0;
            if low != 0.0 {
                let low = program.constant(low);
                x = program.binary(Binary::Add, x, low);
            }
            let equal = program.binary(Binary::Eq, value, x);
            found = program.binary(Binary::Or, found, equal);
        }
        let missing = program.constant(set.iter().any(|x| x.0.is_nan()) as u8 as f64);
        let unknown = program.unary(Unary::IsNan, value);
        program.select(unknown, missing, found)
    }
}
