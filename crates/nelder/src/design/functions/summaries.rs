//! Functions of all rows that are constants in a formula: `mean`, `sd`, `quantile` and their kind, and `reorder`, which
//! orders levels by such a function.
//!
//! Their values are found before the variables are bound, in one scan for each level of nesting, over all rows, before any
//! is left out as missing or by a subset (as R does). A fit keeps them: new data are not summarised anew.

use super::arguments::Call;
use super::basis::ShiftedMoments;
use super::call::FUNCTIONS;
use super::names::SUMMARIES;
use super::quantile::{mean_of_middle, quantile};
use super::resolved::{parts, rebuilt};
use crate::design::bind::{Binder, Operand, unknown_names};
use crate::design::constant::Constant;
use crate::design::error::{BindError, EvaluateError};
use crate::design::ordered_scan::in_order;
use crate::design::value::{Numbers, Precision, Shape, Value};
use crate::design::variables::Variables;
use crate::formula::{Arg, Expr, Resolved};
use crate::frame::{Batch, MISSING, Scan, Source};

/// A function of some values.
#[derive(Clone, Debug, PartialEq)]
enum Summary {
    Mean,
    Sd,
    Var,
    Sum,
    Min,
    Max,
    Range,
    Median,
    Iqr,
    Length,
    Quantile { probs: Vec<f64>, kind: usize },
}

impl Summary {
    fn named(function: &str) -> Option<Summary> {
        Some(match function {
            "mean" => Summary::Mean,
            "sd" => Summary::Sd,
            "var" => Summary::Var,
            "sum" => Summary::Sum,
            "min" => Summary::Min,
            "max" => Summary::Max,
            "range" => Summary::Range,
            "median" => Summary::Median,
            "IQR" => Summary::Iqr,
            "length" => Summary::Length,
            _ => return None,
        })
    }

    /// Tests if all values must be at hand, in their order; else moments and extremes will do.
    fn is_of_order(&self) -> bool {
        matches!(self, Summary::Median | Summary::Iqr | Summary::Quantile { .. })
    }

    /// The values of the function.
    fn of(&self, gathered: &mut Gathered) -> Vec<f64> {
        let moments = gathered.moments;
        if self.is_of_order() {
            gathered.values.sort_unstable_by(f64::total_cmp);
        }
        let sorted = &gathered.values;
        match self {
            Summary::Mean => vec![moments.mean()],
            Summary::Var => vec![moments.variance()],
            Summary::Sd => vec![moments.variance().sqrt()],
            Summary::Sum => vec![moments.total()],
            Summary::Length => vec![moments.count() + gathered.missing as f64],
            Summary::Min => vec![gathered.least],
            Summary::Max => vec![gathered.largest],
            Summary::Range => vec![gathered.least, gathered.largest],
            Summary::Median => vec![mean_of_middle(sorted)],
            Summary::Iqr => vec![quantile(sorted, 0.75, 7) - quantile(sorted, 0.25, 7)],
            Summary::Quantile { probs, kind } => probs.iter().map(|&p| quantile(sorted, p, *kind)).collect(),
        }
    }
}

/// Moments, extremes and number of missing of some values, from which a summary is computed.
#[derive(Clone, Debug)]
struct Gathered {
    moments: ShiftedMoments,
    least: f64,
    largest: f64,
    missing: u64,
    /// The values that are not missing, where their order matters.
    values: Vec<f64>,
}

impl Default for Gathered {
    fn default() -> Self {
        Gathered {
            moments: ShiftedMoments::default(),
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            missing: 0,
            values: Vec::new(),
        }
    }
}

impl Gathered {
    fn of(columns: &[Numbers<'_>], keep: bool) -> Gathered {
        let mut own = Gathered::default();
        for column in columns {
            own.moments = own.moments.merge(ShiftedMoments::of(column));
            for &x in column.high.iter() {
                if x.is_nan() {
                    own.missing += 1;
                    continue;
                }
                own.least = own.least.min(x);
                own.largest = own.largest.max(x);
                if keep {
                    own.values.push(x);
                }
            }
        }
        own
    }

    fn merge(&mut self, other: Gathered) {
        self.moments = self.moments.merge(other.moments);
        self.least = self.least.min(other.least);
        self.largest = self.largest.max(other.largest);
        self.missing += other.missing;
        self.values.extend(other.values);
    }
}

/// A call that waits for the rows.
struct Plan {
    call: Expr,
    summary: Summary,
    /// Positions of its arguments among all that are read.
    arguments: Vec<usize>,
    known: bool,
    /// For `reorder`: whether the result is ordered, and whether from the largest.
    reorder: Option<(bool, bool)>,
}

/// Data of a plan from one batch: values summed up, or for `reorder` codes and values.
enum Piece {
    Values(Gathered),
    Levels {
        codes: Vec<u32>,
        values: Vec<f64>,
        labels: Vec<String>,
        order: Vec<u32>,
    },
}

impl Variables {
    /// The expressions with the values of `mean(x)`, `quantile(x)`, `reorder(g, x)` and their kind in their place, and what
    /// was read for them: all rows, before any are left out as missing or by a subset (as R does), once for each level
    /// of nesting; nothing where there are none.
    ///
    /// ```
    /// use nelder::design::{Precision, Variables};
    /// use nelder::formula::parse_expression;
    /// use nelder::frame::{Frame, Source};
    ///
    /// let frame = Frame::new().with_real("x", &[1.0, 2.0, 6.0]);
    /// let asked = [parse_expression("x - mean(x)").unwrap()];
    /// let (known, scan) = Variables::resolve(&asked, &frame, Precision::Double).unwrap();
    /// assert_eq!(scan.rows, 3);
    /// assert!(Variables::bind(&known, frame.schema(), Precision::Double).is_ok());
    /// ```
    ///
    /// # Errors
    /// Unknown names; arguments that the functions do not have; missing values without `na.rm = TRUE`.
    pub fn resolve(
        expressions: &[Expr],
        source: &dyn Source,
        precision: Precision,
    ) -> Result<(Vec<Expr>, Scan), BindError> {
        let unknown = unknown_names(expressions, source.schema());
        if !unknown.is_empty() {
            return Err(BindError::Unknown(unknown));
        }
        resolve(expressions, source, precision)
    }
}

/// The expressions with the values of all such calls in their place, and what was read for them.
///
/// # Errors
/// Arguments that the functions do not have, text where numbers are needed, missing values without `na.rm = TRUE`.
fn resolve(
    expressions: &[Expr],
    source: &dyn Source,
    precision: Precision,
) -> Result<(Vec<Expr>, Scan), BindError> {
    let (mut expressions, mut total) = (expressions.to_vec(), Scan::default());
    loop {
        let mut calls: Vec<Expr> = Vec::new();
        for expr in &expressions {
            innermost(expr, &mut calls);
        }
        if calls.is_empty() {
            return Ok((expressions, total));
        }
        let (values, scan) = summarised(&calls, source, precision)?;
        total.rows += scan.rows;
        total.bytes += scan.bytes;
        let mut replace = |expr: Expr| match calls.iter().position(|c| *c == expr) {
            Some(at) => Expr::Resolved {
                call: Box::new(expr),
                value: values[at].clone(),
            },
            None => expr,
        };
        for expr in &mut expressions {
            *expr = rebuilt(expr, &mut replace);
        }
    }
}

/// Calls of summaries in which there is no other; true where the expression has one.
fn innermost(expr: &Expr, out: &mut Vec<Expr>) -> bool {
    let below = parts(expr)
        .into_iter()
        .fold(false, |any, e| innermost(e, out) | any);
    match expr {
        Expr::Call { function, .. } if SUMMARIES.contains(&function.as_str()) => {
            if !below && !out.contains(expr) {
                out.push(expr.clone());
            }
            true
        }
        _ => below,
    }
}

/// The values of some calls, by one scan.
fn summarised(
    calls: &[Expr],
    source: &dyn Source,
    precision: Precision,
) -> Result<(Vec<Resolved>, Scan), BindError> {
    let mut arguments = Vec::new();
    let mut plans = Vec::new();
    for call in calls {
        plans.push(plan(call, source, &mut arguments)?);
    }
    let mut variables = Variables::bind_with_constants(&arguments, 0, source.schema(), precision)?;
    let shapes = variables.shapes();
    for plan in &plans {
        let numbers = &plan.arguments[usize::from(plan.reorder.is_some())..];
        if let Some(&at) = numbers
            .iter()
            .find(|at| matches!(shapes[**at], Shape::Factor { .. }))
        {
            return Err(BindError::Type {
                call: plan.call.to_string(),
                problem: format!(
                    "`{}` is text or a factor, where a number is needed",
                    arguments[at]
                ),
            });
        }
    }
    let mut total = match variables.needs_prepare() {
        true => variables.prepare(source)?,
        false => Scan::default(),
    };
    let look = |batch: Batch<'_>| {
        let values = variables.evaluate(&batch)?;
        plans
            .iter()
            .map(|p| p.piece(&values))
            .collect::<Result<Vec<_>, _>>()
    };
    let (pieces, scan) = in_order(source, variables.columns(), look)?;
    total.rows += scan.rows;
    total.bytes += scan.bytes;
    let mut by_plan: Vec<Vec<Piece>> = plans.iter().map(|_| Vec::new()).collect();
    for batch in pieces {
        by_plan
            .iter_mut()
            .zip(batch)
            .for_each(|(all, piece)| all.push(piece));
    }
    let values = plans.iter().zip(by_plan).map(|(plan, pieces)| plan.value(pieces));
    Ok((values.collect::<Result<_, _>>()?, total))
}

/// Reads a call; its arguments are appended to those that are read.
fn plan(expr: &Expr, source: &dyn Source, arguments: &mut Vec<Expr>) -> Result<Plan, BindError> {
    let Expr::Call { function, args } = expr else {
        return Err(BindError::State("not a call".into()));
    };
    let mut binder = Binder::new(source.schema(), FUNCTIONS);
    let mut add = |expr: Expr| {
        arguments.push(expr);
        arguments.len() - 1
    };
    let formals: &'static [&'static str] = match function.as_str() {
        "max" | "min" | "sum" | "range" => &["...", "na.rm"],
        "mean" => &["x", "trim", "na.rm"],
        "quantile" => &["x", "probs", "na.rm", "names", "type"],
        "IQR" | "median" | "sd" => &["x", "na.rm"],
        "reorder" => &["x", "X", "FUN", "...", "order", "decreasing", "na.rm"],
        _ => &["x", "y", "na.rm"],
    };
    let call = Call::matched(expr, args, formals)?;
    let mut own = Plan {
        call: expr.clone(),
        summary: Summary::named(function).unwrap_or(Summary::Mean),
        arguments: Vec::new(),
        known: call.flag(&mut binder, "na.rm", false)?,
        reorder: None,
    };
    let needed = |name: &str| call.expr(name).ok_or_else(|| call.wrong(name, "is missing"));
    if formals[0] == "..." {
        own.arguments = call.dots.iter().map(|a| add(a.value.clone())).collect();
        if own.arguments.is_empty() {
            return Err(call.wrong("...", "is missing"));
        }
        return Ok(own);
    }
    if function == "reorder" {
        let x = Expr::Call {
            function: "factor".into(),
            args: vec![Arg {
                name: None,
                value: needed("x")?.clone(),
            }],
        };
        own.arguments = vec![add(x), add(needed("X")?.clone())];
        let ordered = call.flag(&mut binder, "order", false)?;
        own.reorder = Some((ordered, call.flag(&mut binder, "decreasing", false)?));
        if let Some(fun) = call.expr("FUN") {
            let named = match fun {
                Expr::Name(name) => Summary::named(name).filter(|s| *s != Summary::Range),
                _ => None,
            };
            let known = "must be one of mean, median, sum, min, max, sd, var, IQR, length";
            own.summary = named.ok_or_else(|| call.wrong("FUN", known))?;
        }
        if let Some(more) = call.dots.first() {
            return Err(call.wrong(&more.value.to_string(), "is one too many"));
        }
        return Ok(own);
    }
    if let Some(name) = ["trim", "y"].into_iter().find(|n| call.expr(n).is_some()) {
        return Err(call.wrong(name, "is not known here"));
    }
    if function == "quantile" {
        let probs = call.numbers(&mut binder, "probs")?;
        let probs = probs.unwrap_or_else(|| vec![0.0, 0.25, 0.5, 0.75, 1.0]);
        if probs.iter().any(|p| !(-1e-14..=1.0 + 1e-14).contains(p)) {
            return Err(call.wrong("probs", "must be between 0 and 1"));
        }
        own.summary = Summary::Quantile {
            probs: probs.into_iter().map(|p| p.clamp(0.0, 1.0)).collect(),
            kind: call.count(&mut binder, "type", 1, 9)?.unwrap_or(7),
        };
    }
    let x = needed("x")?;
    if let Operand::Constant(Constant::Texts(_)) = Binder::new(source.schema(), FUNCTIONS).term(x)? {
        return Err(call.wrong("x", "is a string; numbers are needed"));
    }
    own.arguments = vec![add(x.clone())];
    Ok(own)
}

/// Numbers of a value; a logical is 0 or 1.
fn numbers<'v>(value: &'v Value<'_>) -> Result<Vec<Numbers<'v>>, EvaluateError> {
    match value {
        Value::Numbers(columns) => Ok(columns
            .iter()
            .map(|c| Numbers {
                high: c.high.as_ref().into(),
                low: c.low.clone(),
            })
            .collect()),
        Value::Logical(v) => Ok(vec![Numbers {
            high: v
                .iter()
                .map(|&l| if l > 1 { f64::NAN } else { f64::from(l) })
                .collect(),
            low: None,
        }]),
        Value::Codes { .. } => Err(EvaluateError::Column { position: 0 }),
    }
}

impl Plan {
    fn piece(&self, values: &[Value<'_>]) -> Result<Piece, EvaluateError> {
        if self.reorder.is_some() {
            let Value::Codes { codes, levels, .. } = &values[self.arguments[0]] else {
                return Err(EvaluateError::Column { position: 0 });
            };
            let x = numbers(&values[self.arguments[1]])?;
            return Ok(Piece::Levels {
                codes: codes.to_vec(),
                values: x.first().map_or_else(Vec::new, |x| x.high.to_vec()),
                labels: levels.labels(),
                order: levels.order(),
            });
        }
        let mut all = Gathered::default();
        for &at in &self.arguments {
            let columns = numbers(&values[at])?;
            all.merge(Gathered::of(&columns, self.summary.is_of_order()));
        }
        Ok(Piece::Values(all))
    }

    fn value(&self, pieces: Vec<Piece>) -> Result<Resolved, BindError> {
        if let Some((ordered, decreasing)) = self.reorder {
            return Ok(Resolved::Levels {
                labels: self.reordered(pieces, decreasing),
                ordered,
            });
        }
        let mut all = Gathered::default();
        for piece in pieces {
            if let Piece::Values(own) = piece {
                all.merge(own);
            }
        }
        let wrong = |problem: String| BindError::Data {
            call: self.call.to_string(),
            problem,
        };
        if all.missing > 0 && !self.known {
            let problem = format!("{} values are missing; na.rm = TRUE leaves them out", all.missing);
            return Err(wrong(problem));
        }
        let values = self.summary.of(&mut all);
        match values.iter().all(|x| x.is_finite()) {
            true => Ok(Resolved::Numbers(values)),
            false => Err(wrong(format!("is {}, which is no finite number", values[0]))),
        }
    }

    /// The levels by the values of the function, ties in the order they had; levels without a value come last.
    fn reordered(&self, pieces: Vec<Piece>, decreasing: bool) -> Vec<String> {
        let (mut labels, mut order) = (Vec::new(), Vec::new());
        let mut by_level: Vec<Gathered> = Vec::new();
        for piece in pieces {
            let Piece::Levels {
                codes,
                values,
                labels: own,
                order: places,
            } = piece
            else {
                continue;
            };
            // levels grow: the last batch knows all
            if own.len() >= labels.len() {
                (labels, order) = (own, places);
            }
            for (&code, &x) in codes.iter().zip(&values).filter(|(c, _)| **c != MISSING) {
                by_level.resize_with(by_level.len().max(code as usize + 1), Gathered::default);
                let one = Numbers {
                    high: vec![x].into(),
                    low: None,
                };
                by_level[code as usize].merge(Gathered::of(&[one], self.summary.is_of_order()));
            }
        }
        let mut score = |code: u32| {
            let own = by_level.get_mut(code as usize)?;
            let known = own.missing == 0 || self.known || self.summary == Summary::Length;
            let seen = own.moments.count() + own.missing as f64 > 0.0;
            let value = self.summary.of(own)[0];
            (known && seen && !value.is_nan()).then_some(value)
        };
        let mut scored: Vec<(u32, Option<f64>)> = order.into_iter().map(|c| (c, score(c))).collect();
        scored.sort_by(|(_, a), (_, b)| match (a, b) {
            (Some(a), Some(b)) if decreasing => b.total_cmp(a),
            (Some(a), Some(b)) => a.total_cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        });
        scored
            .into_iter()
            .map(|(c, _)| labels[c as usize].clone())
            .collect()
    }
}
