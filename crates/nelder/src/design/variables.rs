//! The variables of a formula, bound to the columns of a source and evaluated batch by batch.

use std::collections::hash_map::Entry;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::bind::{Binder, Operand, unknown_names};
use super::codes::{Pool, UNSEEN};
use super::constant::Constant;
use super::error::{BindError, EvaluateError};
use super::evaluate::value;
use super::functions::call::FUNCTIONS;
use super::functions::recode::{PerLevel, mapped};
use super::functions::resolved;
use super::node::{Node, NodeKind, Type};
use super::ordered_scan::in_order;
use super::prepare::{self, NodeState, Piece, Place, Searches};
use super::rounding::Rounding;
use super::search::{KEPT, Search};
use super::value::{Precision, Shape, Value};
use crate::formula::{Contrast, Expr, Resolved};
use crate::frame::{Batch, Column, Key, Levels, Scan, Schema, Source};

/// Expressions over the columns of a source: bound once, evaluated batch by batch from several threads.
///
/// ```
/// use nelder::design::{Precision, Value, Variables};
/// use nelder::formula::parse_expression;
/// use nelder::frame::{Frame, Source};
///
/// let (x, g) = ([1.0, 4.0, f64::NAN], [Some("b"), None, Some("a")]);
/// let frame = Frame::new().with_real("x", &x).with_text("g", &g);
/// let expressions = ["sqrt(x)", "factor(g)"].map(|text| parse_expression(text).unwrap());
/// let mut variables = Variables::bind(&expressions, frame.schema(), Precision::Double).unwrap();
/// variables.prepare(&frame).unwrap();
/// frame
///     .scan(variables.columns(), &|_worker, batch| {
///         let values = variables.evaluate(&batch).unwrap();
///         let Value::Numbers(columns) = &values[0] else { panic!() };
///         assert_eq!(columns[0].high[..2], [1.0, 2.0]);
///         let Value::Codes { codes, levels, .. } = &values[1] else { panic!() };
///         assert_eq!(levels.labels()[codes[0] as usize], "b");
///         true
///     })
///     .unwrap();
/// ```
pub struct Variables {
    roots: Vec<Node>,
    columns: Vec<usize>,
    precision: Precision,
    /// The levels of each variable that is a factor, once a batch was evaluated.
    seen: Vec<OnceLock<Arc<Levels>>>,
    /// The levels of the fit, where the variables were restored.
    known: Vec<Option<Known>>,
    /// The values of functions of all rows in each variable.
    resolved: Vec<Vec<Resolved>>,
    rounding: Rounding,
    /// The expressions, and from which on they may be constants.
    expressions: (Vec<Expr>, usize),
}

/// The levels that a fit has.
struct Known {
    levels: Arc<Levels>,
    kept: Vec<bool>,
    ordered: bool,
    pool: Pool<PerLevel<u32>>,
}

/// State of a fit's variables, kept to evaluate them on new data: bases, intervals and levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VariablesState {
    nodes: Vec<NodeState>,
    levels: Vec<Option<LevelsState>>,
    /// Values of functions of all rows, by variable.
    #[serde(default)]
    resolved: Vec<Vec<Resolved>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LevelsState {
    keys: Vec<Key>,
    order: Vec<u32>,
    fixed: bool,
    whole: bool,
    ordered: bool,
    kept: Vec<bool>,
}

impl VariablesState {
    /// The state of other variables: each is one of these, by its place, or a column of numbers as it is. Those that are left out are such columns.
    pub(crate) fn beside_columns(self, places: &[Option<usize>]) -> VariablesState {
        let levels = |at: usize| self.levels.get(at).cloned().flatten();
        let resolved = |at: usize| self.resolved.get(at).cloned().unwrap_or_default();
        VariablesState {
            levels: places.iter().map(|p| p.and_then(levels)).collect(),
            resolved: places
                .iter()
                .map(|p| p.map(resolved).unwrap_or_default())
                .collect(),
            nodes: self.nodes,
        }
    }

    /// Keeps only the levels with these codes of variable `variable` (from 0): any other is new to
    /// [`Variables::evaluate`]. Codes do not change. A fit calls it with the levels that its complete rows
    /// have.
    pub fn keep_levels(&mut self, variable: usize, kept: impl Fn(u32) -> bool) {
        if let Some(Some(levels)) = self.levels.get_mut(variable) {
            for (code, k) in levels.kept.iter_mut().enumerate() {
                *k = kept(code as u32);
            }
        }
    }
}

impl Variables {
    /// Binds expressions to the columns of a schema. Reads no row.
    ///
    /// # Errors
    /// [`BindError::Unknown`] with all unknown columns and functions, or the first wrong argument or type.
    pub fn bind(expressions: &[Expr], schema: &Schema, precision: Precision) -> Result<Variables, BindError> {
        Variables::bind_with_constants(expressions, expressions.len(), schema, precision)
    }

    /// The same where the expressions from position `first` on may be one number or logical value for all rows: weights
    /// and subsets.
    ///
    /// # Errors
    /// As [`bind`](Variables::bind).
    pub fn bind_with_constants(
        expressions: &[Expr],
        first: usize,
        schema: &Schema,
        precision: Precision,
    ) -> Result<Variables, BindError> {
        let unknown = unknown_names(expressions, schema);
        if !unknown.is_empty() {
            return Err(BindError::Unknown(unknown));
        }
        let mut binder = Binder::new(schema, FUNCTIONS);
        let mut roots = Vec::with_capacity(expressions.len());
        for (at, expr) in expressions.iter().enumerate() {
            let term = binder.term(expr)?;
            let single = |c: &Constant| c.numbers().is_some_and(|v| v.len() == 1);
            roots.push(match term {
                Operand::Constant(c) if at >= first && single(&c) => {
                    let logical = matches!(c, Constant::Logicals(_));
                    let mut node = binder.scalar(Operand::Constant(c), expr)?;
                    if logical {
                        node.ty = Type::Logical;
                    }
                    node.fused()
                }
                term => match term {
                    Operand::Node(node) => Node {
                        name: Arc::from(expr.to_string()),
                        ..node.fused()
                    },
                    Operand::Constant(_) => {
                        return Err(BindError::Type {
                            call: expr.to_string(),
                            problem: "it is the same in all rows; a variable needs a column".into(),
                        });
                    }
                },
            });
        }
        let resolved = expressions.iter().map(|expr| {
            let mut values = Vec::new();
            resolved::values(expr, &mut values);
            values
        });
        Ok(Variables {
            resolved: resolved.collect(),
            seen: roots.iter().map(|_| OnceLock::new()).collect(),
            known: roots.iter().map(|_| None).collect(),
            rounding: Rounding::of(&roots),
            expressions: (expressions.to_vec(), first),
            columns: binder.columns,
            roots,
            precision,
        })
    }

    /// The same variables with levels of their own, of which none is known yet: for another process.
    ///
    /// # Errors
    /// As [`bind`](Variables::bind); variables that were restored from a fit.
    pub(super) fn forked(&self, schema: &Schema) -> Result<Variables, BindError> {
        if self.known.iter().any(Option::is_some) {
            return Err(BindError::State(
                "variables of a saved fit stay in their process".into(),
            ));
        }
        let (expressions, first) = &self.expressions;
        let mut own = Variables::bind_with_constants(expressions, *first, schema, self.precision)?;
        let mut nodes = Vec::new();
        for root in &self.roots {
            root.visit(&mut |node| nodes.extend(prepare::state(node)));
        }
        let mut states = nodes.iter();
        for root in &mut own.roots {
            prepare::restore(root, &mut states)?;
        }
        Ok(own)
    }

    /// Rounding of whole numbers and decimals, by position of the column.
    pub(super) fn rounding(&self) -> &Rounding {
        &self.rounding
    }

    /// Columns of the source that [`evaluate`](Variables::evaluate) wants, in this order.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The column of the source that a variable is, where it is one of numbers and no more is done to it.
    pub fn plain(&self, variable: usize) -> Option<usize> {
        let root = self.roots.get(variable)?;
        match root.kind {
            NodeKind::Column(at) if root.ty == Type::NUMBER => self.columns.get(at).copied(),
            _ => None,
        }
    }

    /// The contrasts that a variable brings along: those of R's `C(f, contr)`.
    pub fn contrast(&self, variable: usize) -> Option<&Contrast> {
        match &self.roots.get(variable)?.kind {
            NodeKind::Contrasts(_, contrast) => Some(contrast),
            _ => None,
        }
    }

    /// Returns the shape of each variable: numbers, a logical, or a factor.
    pub fn shapes(&self) -> Vec<Shape> {
        let shape = |(root, known): (&Node, &Option<Known>)| match known {
            Some(known) => Shape::Factor {
                ordered: known.ordered,
            },
            None => root.ty.shape(),
        };
        self.roots.iter().zip(&self.known).map(shape).collect()
    }

    /// True for a variable that is a numeric column of the source without any function of it.
    pub fn is_column(&self, variable: usize) -> bool {
        let root = &self.roots[variable];
        matches!(
            (&root.kind, &root.ty),
            (NodeKind::Column(_), Type::Numbers { .. })
        )
    }

    /// True for a variable whose numbers are computed, and so rounded: anything but a column, a level's number, or a comparison.
    pub fn is_computed(&self, variable: usize) -> bool {
        fn computed(node: &Node) -> bool {
            match &node.kind {
                NodeKind::Column(_) | NodeKind::Constant(_) | NodeKind::Lookup(..) => false,
                NodeKind::Bind(parts) => parts.iter().any(computed),
                _ => matches!(node.ty, Type::Numbers { .. }),
            }
        }
        computed(&self.roots[variable])
    }

    /// Tests if a variable is one column of whole numbers, which may be beyond double precision.
    pub fn is_whole(&self, variable: usize) -> bool {
        matches!(
            self.roots[variable].ty,
            Type::Numbers {
                columns: 1,
                whole: true,
                ..
            }
        )
    }

    /// Columns of the source whose whole numbers were rounded because a variable takes them as numbers, each with the
    /// first such row (from 0) and its value; known once the batches were evaluated.
    pub fn rounded(&self) -> Vec<(usize, u64, i128)> {
        let found = self.rounding.found();
        found
            .into_iter()
            .map(|(at, (row, value))| (self.columns[at], row, value))
            .collect()
    }

    /// Columns of the source with more digits than double precision whose values are codes, and the first such row (from
    /// 0): levels that differ may have become one.
    pub fn merged(&self) -> Vec<(usize, u64)> {
        let found = self.rounding.merged().into_iter();
        found.map(|(at, row)| (self.columns[at], row)).collect()
    }

    /// Tests if [`prepare`](Variables::prepare) must see all rows before the first batch is evaluated.
    pub fn needs_prepare(&self) -> bool {
        self.roots.iter().any(|root| !prepare::is_ready(root))
    }

    /// Reads all rows, before any are left out as missing or by a subset (as R does), for what depends on
    /// them: `poly`, `ns`, `bs`, `scale`, `cut(x, 3)`, and functions of the order of a factor's levels
    /// (`relevel`, `factor(x, labels = )`, `as.numeric` of a factor). One scan, and one more for each level of
    /// nesting; none where nothing needs it. The argument of `poly`, `ns` and `bs` is gathered in memory, up to four million rows;
    /// beyond, memory does not grow with the rows: `ns` and `bs` find their knots in two scans or a few more, `poly(x, d)` takes d + 2.
    ///
    /// # Errors
    /// Where the rows do not allow it: missing values in `poly`, a degree too high, all values equal.
    pub fn prepare(&mut self, source: &dyn Source) -> Result<Scan, BindError> {
        let mut total = Scan::default();
        let many = source.rows().is_some_and(|rows| rows > KEPT);
        let mut searches = Searches::new();
        loop {
            let mut waiting: Vec<(Place, &Node)> = Vec::new();
            for (number, root) in self.roots.iter().enumerate() {
                prepare::waiting(number, root, &mut waiting);
            }
            if waiting.is_empty() {
                return Ok(total);
            }
            for (place, node) in waiting.iter().filter(|_| many) {
                if let (Entry::Vacant(slot), Some(search)) = (searches.entry(*place), Search::of(node)) {
                    slot.insert(search);
                }
            }
            let (pieces, scan) = self.gather(&waiting, &searches, source)?;
            total.rows += scan.rows;
            total.bytes += scan.bytes;
            let mut pieces = pieces.into_iter();
            for (number, root) in self.roots.iter_mut().enumerate() {
                prepare::settle(number, root, &mut pieces, &mut searches)?;
            }
        }
    }

    /// One scan: what each waiting node gathers, in the order of batches.
    fn gather(
        &self,
        waiting: &[(Place, &Node)],
        searches: &Searches,
        source: &dyn Source,
    ) -> Result<(Vec<Vec<Piece>>, Scan), BindError> {
        let mut positions = Vec::new();
        let kept: Vec<AtomicU64> = waiting.iter().map(|_| AtomicU64::new(0)).collect();
        for (_, node) in waiting {
            prepare::columns_of(node, &mut positions);
        }
        let wanted: Vec<usize> = positions.iter().map(|&p| self.columns[p]).collect();
        let look = |batch: Batch<'_>| {
            // the columns are put where the nodes look for them
            let mut placed: Vec<Column<'_>> = self.columns.iter().map(|_| absent()).collect();
            for (&p, column) in positions.iter().zip(batch.columns) {
                placed[p] = column;
            }
            let batch = Batch {
                columns: placed,
                coarse: Vec::new(),
                ..batch
            };
            let piece = |((place, node), kept): (&(Place, &Node), &AtomicU64)| {
                let how = (searches.get(place), kept);
                prepare::piece(node, &batch, self.precision, how)
            };
            waiting
                .iter()
                .zip(&kept)
                .map(piece)
                .collect::<Result<Vec<Piece>, EvaluateError>>()
        };
        let (found, scan) = in_order(source, &wanted, look)?;
        let mut by_node: Vec<Vec<Piece>> = waiting.iter().map(|_| Vec::new()).collect();
        for pieces in found {
            for (all, piece) in by_node.iter_mut().zip(pieces) {
                all.push(piece);
            }
        }
        Ok((by_node, scan))
    }

    /// The values of the variables for the rows of a batch, whose columns are [`columns`](Variables::columns)
    /// in this order. A variable that is a plain column is borrowed. Levels may be listed that no row of the
    /// source has.
    ///
    /// # Errors
    /// A level that the fit does not have, on restored variables; a batch of other columns; not prepared.
    pub fn evaluate<'b>(&self, batch: &'b Batch<'_>) -> Result<Vec<Value<'b>>, EvaluateError> {
        self.rounding.look_at(batch);
        let mut values = Vec::with_capacity(self.roots.len());
        for ((root, seen), known) in self.roots.iter().zip(&self.seen).zip(&self.known) {
            let mut result = value(root, batch, self.precision)?;
            self.rounding.look_at_result(root, &result, batch);
            if let Some(known) = known {
                result = known.recoded(result, root, batch)?;
            }
            if let Value::Codes { levels, .. } = &result {
                seen.get_or_init(|| levels.clone());
            }
            values.push(result);
        }
        Ok(values)
    }

    /// The levels of the fit, where the variables were restored: what the codes of variable `variable` stand for.
    pub fn known_levels(&self, variable: usize) -> Option<Arc<Levels>> {
        self.known[variable].as_ref().map(|k| k.levels.clone())
    }

    /// Returns the names of the variables: the expressions as R prints them.
    pub fn names(&self) -> Vec<&str> {
        self.roots.iter().map(|r| &*r.name).collect()
    }

    /// Returns the state to keep for predictions: call it when all rows have been evaluated.
    pub fn state(&self) -> VariablesState {
        self.state_of(&(0..self.roots.len()).collect::<Vec<_>>())
    }

    /// The same for some of the variables, in the order given, to be restored with their expressions.
    pub fn state_of(&self, which: &[usize]) -> VariablesState {
        let mut nodes = Vec::new();
        for &at in which {
            self.roots[at].visit(&mut |node| nodes.extend(prepare::state(node)));
        }
        let levels = which.iter().map(|&at| {
            let root = &self.roots[at];
            let levels = self.seen[at].get()?;
            let keys = levels.keys();
            Some(LevelsState {
                order: levels.order(),
                fixed: levels.is_fixed(),
                whole: levels.is_whole(),
                ordered: root.ty == Type::Factor { ordered: true },
                kept: vec![true; keys.len()],
                keys,
            })
        });
        VariablesState {
            nodes,
            levels: levels.collect(),
            resolved: which.iter().map(|&at| self.resolved[at].clone()).collect(),
        }
    }

    /// The labels, in order, among which a variable is the place of one, as a response of two levels is, and the columns of the
    /// source that they come from.
    pub fn places(&self, variable: usize) -> Option<(Vec<String>, Vec<usize>)> {
        let mut found = None;
        self.roots[variable].visit(&mut |node| {
            if let NodeKind::Lookup(of, lookup) = &node.kind {
                let mut columns = Vec::new();
                prepare::columns_of(of, &mut columns);
                let columns = columns.into_iter().map(|c| self.columns[c]).collect();
                found = lookup.decided().map(|labels| (labels, columns));
            }
        });
        found
    }

    /// The variables of a fit on new data: with its bases and its levels, which have the codes they had.
    ///
    /// # Errors
    /// As [`bind`](Variables::bind), and where a variable was of another type in the fit.
    pub fn restore(
        expressions: &[Expr],
        state: &VariablesState,
        schema: &Schema,
        precision: Precision,
    ) -> Result<Variables, BindError> {
        let mut expressions = expressions.to_vec();
        for (expr, known) in expressions.iter_mut().zip(&state.resolved) {
            *expr = resolved::restore(expr, known)?;
        }
        let mut variables = Variables::bind(&expressions, schema, precision)?;
        if state.levels.len() != variables.roots.len() {
            return Err(BindError::State(format!(
                "the fit has {} variables, not {}",
                state.levels.len(),
                variables.roots.len()
            )));
        }
        for (at, levels) in state.levels.iter().enumerate() {
            let root = &variables.roots[at];
            if levels.is_some() != root.ty.is_codes() {
                let (was, is) = match levels {
                    Some(_) => ("a factor", root.ty.described()),
                    None => ("not a factor", root.ty.described()),
                };
                return Err(BindError::State(format!(
                    "`{}` was {was} in the fit and is {is} in the new data",
                    root.name
                )));
            }
            variables.known[at] = levels.as_ref().map(Known::of);
        }
        let mut states = state.nodes.iter();
        for root in &mut variables.roots {
            prepare::restore(root, &mut states)?;
        }
        if states.next().is_some() || variables.needs_prepare() {
            return Err(BindError::State("the fit was made with other expressions".into()));
        }
        Ok(variables)
    }
}

fn absent() -> Column<'static> {
    Column::Logical(std::borrow::Cow::Borrowed(&[]))
}

impl Known {
    fn of(state: &LevelsState) -> Known {
        let levels = if state.fixed {
            Levels::fixed(state.keys.iter().map(|k| Levels::growing().label_of(k)))
        } else {
            let order = state.order.clone();
            let levels = Levels::growing_in(move |_| order.clone()).with_whole(state.whole);
            for key in &state.keys {
                levels.intern(key);
            }
            levels
        };
        Known {
            levels: Arc::new(levels),
            kept: state.kept.clone(),
            ordered: state.ordered,
            pool: Pool::default(),
        }
    }

    /// The codes of the fit.
    fn recoded<'b>(
        &self,
        value: Value<'b>,
        root: &Node,
        batch: &Batch<'_>,
    ) -> Result<Value<'b>, EvaluateError> {
        let Value::Codes { codes, levels, .. } = value else {
            return Ok(value);
        };
        let own = |_: u32, key: &Key, label: &str| {
            let by_label = || self.levels.code(&Key::Text(label.into()));
            let code = self.levels.code(key).or_else(by_label);
            code.filter(|&c| self.kept.get(c as usize) == Some(&true))
                .unwrap_or(UNSEEN)
        };
        let missing = crate::frame::MISSING;
        let recoded = self
            .pool
            .with(|table| mapped(&codes, table.of(&levels, own), missing));
        if let Some(row) = recoded.iter().position(|&c| c == UNSEEN) {
            return Err(EvaluateError::NewLevel {
                variable: root.name.to_string(),
                level: levels.label(codes[row]).unwrap_or_default(),
                row: batch.first_row + row as u64 + 1,
            });
        }
        Ok(Value::Codes {
            codes: recoded.into(),
            levels: self.levels.clone(),
            ordered: self.ordered,
        })
    }
}
