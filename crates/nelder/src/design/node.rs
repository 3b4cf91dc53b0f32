//! A bound expression: a tree over the columns of a source.

use std::sync::Arc;

use nelder_device::{Binary, Op, Program, Slot, Unary};

use super::codes::{CodeNumbers, Combine};
use super::functions::basis::Basis;
use super::functions::cut::Cut;
use super::functions::recode::{Choose, Lookup, Match, Recode};
use super::functions::special::Special;
use super::functions::stamp::Stamp;
use super::value::Shape;
use crate::formula::{Contrast, Expr, matrix_suffixes};
use crate::frame::{EXACT, Levels};

/// Type of an expression's value in R.
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
    pub kind: NodeKind,
    pub ty: Type,
    /// The expression as R prints it.
    pub name: Arc<str>,
}

/// A node named after its expression.
pub(super) fn node(kind: NodeKind, ty: Type, expr: &Expr) -> Node {
    Node {
        kind,
        ty,
        name: Arc::from(expr.to_string()),
    }
}

pub(super) enum NodeKind {
    /// A column, by position among those that are asked for.
    Column(usize),
    Constant(f64),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<[Node; 2]>),
    Round(Box<Node>, i32),
    /// Membership of a number in a list (`%in%`), each entry a sum of two; never missing.
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
    /// Comparison of two factors by label: equal, or where negated, not.
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
            NodeKind::Column(_) | NodeKind::Constant(_) | NodeKind::Text(_) => Vec::new(),
            NodeKind::Unary(_, a)
            | NodeKind::Round(a, _)
            | NodeKind::Among(a, _)
            | NodeKind::Basis(a, _)
            | NodeKind::Cut(a, _) => vec![a],
            NodeKind::CodeNumbers(a, _)
            | NodeKind::CodeLogicals(a, _)
            | NodeKind::Recode(a, _)
            | NodeKind::Lookup(a, _) => {
                vec![a]
            }
            NodeKind::Contrasts(a, _) | NodeKind::Stamp(a, _) => vec![a],
            NodeKind::Binary(_, ab) | NodeKind::Match(ab, _) => ab.iter().collect(),
            NodeKind::Select(abc) | NodeKind::Choose(abc, _) => abc.iter().collect(),
            NodeKind::Program { inputs, .. } => inputs.iter().collect(),
            NodeKind::Bind(parts)
            | NodeKind::Combine(parts, _)
            | NodeKind::Special(parts, _)
            | NodeKind::Products(parts, _) => parts.iter().collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            NodeKind::Column(_) | NodeKind::Constant(_) | NodeKind::Text(_) => Vec::new(),
            NodeKind::Unary(_, a)
            | NodeKind::Round(a, _)
            | NodeKind::Among(a, _)
            | NodeKind::Basis(a, _)
            | NodeKind::Cut(a, _) => vec![a],
            NodeKind::CodeNumbers(a, _)
            | NodeKind::CodeLogicals(a, _)
            | NodeKind::Recode(a, _)
            | NodeKind::Lookup(a, _) => {
                vec![a]
            }
            NodeKind::Contrasts(a, _) | NodeKind::Stamp(a, _) => vec![a],
            NodeKind::Binary(_, ab) | NodeKind::Match(ab, _) => ab.iter_mut().collect(),
            NodeKind::Select(abc) | NodeKind::Choose(abc, _) => abc.iter_mut().collect(),
            NodeKind::Program { inputs, .. } => inputs.iter_mut().collect(),
            NodeKind::Bind(parts)
            | NodeKind::Combine(parts, _)
            | NodeKind::Special(parts, _)
            | NodeKind::Products(parts, _) => parts.iter_mut().collect(),
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

    /// Tests if the node is computed row by row from numbers, so that it can be part of a program.
    fn is_scalar(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Constant(_)
                | NodeKind::Unary(..)
                | NodeKind::Binary(..)
                | NodeKind::Round(..)
                | NodeKind::Among(..)
                | NodeKind::Select(_)
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
            let kind = NodeKind::Program {
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
            kind: NodeKind::Constant(0.0),
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
            NodeKind::Constant(c) => vec![self.program.constant(c)],
            NodeKind::Unary(op, a) => {
                let a = self.emit(*a);
                a.into_iter().map(|s| self.program.unary(op, s)).collect()
            }
            NodeKind::Round(a, digits) => {
                let a = self.emit(*a);
                a.into_iter()
                    .map(|s| self.program.push(Op::Round(s, digits)))
                    .collect()
            }
            NodeKind::Among(a, set) => {
                let a = self.emit(*a);
                a.into_iter().map(|s| self.among(s, &set)).collect()
            }
            NodeKind::Binary(op, ab) => {
                let [a, b] = *ab;
                // a whole number as the sum of two: its low part is below the last place of its high part
                if let (NodeKind::Constant(high), NodeKind::Constant(low)) = (&a.kind, &b.kind) {
                    self.exact |= *low != 0.0 && high.abs() >= EXACT as f64;
                }
                let (a, b) = (self.emit(a), self.emit(b));
                let n = a.len().max(b.len());
                (0..n)
                    .map(|k| self.program.binary(op, a[k % a.len()], b[k % b.len()]))
                    .collect()
            }
            NodeKind::Select(abc) => {
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
                    NodeKind::Column(c) => {
                        let same = |n: &Node| matches!(n.kind, NodeKind::Column(d) if d == c);
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
