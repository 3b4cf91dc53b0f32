//! A formula joined to a source: terms, variables, roles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nelder_device::kernels::is_as_written;

use crate::design::{Fingerprint, Layout, Precision, Roles, RowCounts, Rows, Shape, Variable, Variables};
use crate::formula::{Arg, Binary, Contrast, Expr, Terms, nearest, parse_expression};
use crate::frame::{Batch, Column, MISSING, Source};
use crate::pass::{Auto, Executor, Monitor, PassRecord, Run};

use super::{Accuracy, CROSSED_FROM, LmSpec, ModelError};

/// A model joined to its data.
pub struct ModelFrame<'s> {
    /// The terms.
    pub terms: Terms,
    /// The rows.
    pub rows: Rows<'s>,
    /// Contrasts asked for, by variable of the terms.
    pub contrasts: Vec<Option<Contrast>>,
    /// Passes that binding took.
    pub passes: Vec<PassRecord>,
    /// Where passes over the rows run.
    pub executor: Arc<dyn Executor>,
    /// Levels of two crossed factors from which on both are eliminated.
    pub crossed_from: usize,
}

impl ModelFrame<'_> {
    /// The same, its passes at a place.
    pub(super) fn at(self, executor: Arc<dyn Executor>) -> Self {
        ModelFrame { executor, ..self }
    }

    /// Another fit to the same rows: where this one ran.
    pub(super) fn run<'m>(&self, monitor: &'m dyn Monitor) -> Run<'m> {
        Run::on(self.executor.clone(), monitor)
    }
}

/// Expressions that are variables beside those of the terms, and their roles.
pub(super) fn roles(spec: &LmSpec, terms: &Terms) -> Result<(Vec<Expr>, Roles), ModelError> {
    let mut expressions = terms.variables.clone();
    let mut roles = Roles {
        response: terms.response,
        offsets: terms.offsets.clone(),
        ..Roles::default()
    };
    let mut add = |text: &Option<String>| -> Result<Option<usize>, ModelError> {
        let Some(text) = text else { return Ok(None) };
        expressions.push(parse_expression(text)?);
        Ok(Some(expressions.len() - 1))
    };
    roles.weights = add(&spec.weights)?;
    if let Some(o) = add(&spec.offset)? {
        roles.offsets.push(o);
    }
    roles.subset = add(&spec.subset)?;
    Ok((expressions, roles))
}

/// Options for the rows of a model beyond those of a linear one.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// The response stays untouched by offsets.
    pub untouched: bool,
    /// A response of two levels is one of numbers: 0 for the first level, 1 for any other.
    pub levels: bool,
    /// Then there are no more than two: any other is a number beyond 1, which the family refuses.
    pub two_levels: bool,
    /// Values to start from, an expression of the columns.
    pub start: Option<String>,
}

/// Joins a linear model to its data.
pub fn bind<'s>(spec: &LmSpec, source: Arc<dyn Source + 's>) -> Result<ModelFrame<'s>, ModelError> {
    bind_as(spec, &Wishes::default(), source)
}

/// Joins a model to its data.
pub(super) fn bind_as<'s>(
    spec: &LmSpec,
    wishes: &Wishes,
    source: Arc<dyn Source + 's>,
) -> Result<ModelFrame<'s>, ModelError> {
    let tol = spec.tolerance();
    if !(tol.is_finite() && (0.0..1.0).contains(&tol)) {
        return Err(ModelError::Argument {
            argument: "tol".into(),
            why: format!("{tol} is not in [0, 1)"),
        });
    }
    let terms = spec.meaning(&source.schema().names())?;
    if terms.response.is_none() {
        return Err(ModelError::NoResponse(spec.formula.clone()));
    }
    let (mut expressions, mut roles) = roles(spec, &terms)?;
    roles.untouched = wishes.untouched;
    if let Some(text) = &wishes.start {
        roles.start = Some(expressions.len());
        expressions.push(parse_expression(text)?);
    }
    // columns such as I(x^10) are formed in twice the precision where that costs little
    let width = (3 * terms.variables.len()) as f64;
    let little = source.rows().is_some_and(|n| n as f64 * width * width <= 4e7);
    let precision = match spec.accuracy {
        Accuracy::Certified => Precision::Twice,
        _ if little => Precision::Twice,
        _ => Precision::Double,
    };
    let labels: Vec<String> = expressions.iter().map(ToString::to_string).collect();
    let mut passes = Vec::new();
    expressions = resolved(&expressions, &source, precision, &mut passes)?;
    let given = terms.variables.len();
    let mut variables = Variables::bind_with_constants(&expressions, given, source.schema(), precision)?;
    if let Some(r) = terms.response.filter(|_| wishes.levels)
        && matches!(variables.shapes()[r], Shape::Factor { .. })
    {
        expressions[r] = beyond_first(&expressions[r], wishes.two_levels);
        variables = Variables::bind_with_constants(&expressions, given, source.schema(), precision)?;
    }
    if variables.needs_prepare() {
        let start = std::time::Instant::now();
        let scan = variables.prepare(&source)?;
        passes.push(PassRecord::on_cpu("bases", "f64", scan, start));
    }
    let shapes = variables.shapes();
    let layout = Layout::new(&terms, &shapes)?;
    let mut contrasts = vec![None; terms.variables.len()];
    for (name, contrast) in &spec.contrasts {
        let known = &labels[..terms.variables.len()];
        let Some(v) = known.iter().position(|l| l == name) else {
            let near = nearest(name, known.iter().map(String::as_str));
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(ModelError::Argument {
                argument: "contrasts".into(),
                why: format!("`{name}` is not a variable of the model{hint}"),
            });
        };
        if matches!(shapes[v], Shape::Numeric { .. }) {
            return Err(ModelError::Argument {
                argument: "contrasts".into(),
                why: format!("`{name}` is numeric, and only factors have contrasts; write factor({name})"),
            });
        }
        contrasts[v] = Some(contrast.clone());
    }
    let mut rows = Rows::new(source, variables, labels, layout, roles, spec.missing, precision);
    if spec.fingerprint {
        rows = rows.fingerprinted();
    }
    Ok(ModelFrame {
        terms,
        rows,
        contrasts,
        passes,
        executor: Arc::new(Auto::default()),
        crossed_from: spec.crossed_from.unwrap_or(CROSSED_FROM),
    })
}

/// The expressions with the values of functions of all rows, and the record of the pass for them where there was one.
///
/// # Errors
/// A function of all rows that the rows do not allow, as [`Variables::resolve`] says it.
pub(super) fn resolved(
    expressions: &[Expr],
    source: &dyn Source,
    precision: Precision,
    passes: &mut Vec<PassRecord>,
) -> Result<Vec<Expr>, ModelError> {
    let start = std::time::Instant::now();
    let (known, scan) = Variables::resolve(expressions, source, precision)?;
    if scan.rows > 0 {
        passes.push(PassRecord::on_cpu("summaries", "f64", scan, start));
    }
    Ok(known)
}

/// `as.numeric(factor(y)) != 1`; with two levels at most `as.numeric(factor(y)) - 1`.
fn beyond_first(y: &Expr, two_levels: bool) -> Expr {
    let call = |function: &str, value: Expr| Expr::Call {
        function: function.into(),
        args: vec![Arg { name: None, value }],
    };
    let one = Expr::Number {
        value: 1.0,
        integer: false,
    };
    let place = call("as.numeric", call("factor", y.clone()));
    let operation = if two_levels { Binary::Sub } else { Binary::Ne };
    Expr::Binary(operation, Box::new(place), Box::new(one))
}

impl ModelFrame<'_> {
    /// The fingerprint of the rows, where it was asked for and all `rows` of the fit went through the host.
    pub(super) fn fingerprint(&self, rows: u64) -> Option<Fingerprint> {
        self.rows.fingerprint().filter(|f| f.rows == rows)
    }

    /// The variables and products whose values are computed from the numbers that were read, and so rounded: `log(x)`, `x:z`,
    /// and `contrasts(g)` for contrasts with rounded fractions. Digits are for these columns as computed.
    pub(super) fn computed(&self, contrasts: &[Option<Contrast>]) -> Vec<String> {
        let labels = self.rows.labels();
        let roles = self.rows.roles();
        let enters = |v: &usize| Some(*v) != roles.subset && Some(*v) != roles.start;
        let variables = (0..labels.len())
            .filter(|v| enters(v) && self.rows.variables().is_computed(*v))
            .map(|v| labels[v].clone());
        let shapes = self.rows.shapes();
        let is_number = |v: &&usize| matches!(shapes[**v], Shape::Numeric { .. });
        let products = (self.rows.layout().terms.iter())
            .filter(|term| term.variables.iter().filter(is_number).count() > 1)
            .map(|term| term.label.clone());
        let fractions = (contrasts.iter().zip(labels))
            .filter(|(contrast, _)| contrast.as_ref().is_some_and(has_rounded_fractions))
            .map(|(_, label)| format!("contrasts({label})"));
        variables.chain(products).chain(fractions).collect()
    }

    /// Returns shape, levels and contrast of each variable of the terms, from which the columns of the model matrix are made.
    pub fn variables(&self, counts: &RowCounts) -> Vec<Variable> {
        let shapes = self.rows.shapes();
        (0..self.terms.variables.len())
            .map(|v| Variable {
                label: self.rows.labels()[v].clone(),
                shape: shapes[v].clone(),
                levels: self.rows.levels(v),
                contrast: self.contrasts[v].clone(),
                attached: self.rows.variables().contrast(v).cloned(),
                unweighted: counts.weightless_codes_of(v),
            })
            .collect()
    }
}

/// True if values of the contrasts are fractions that double precision rounds, as those of polynomials are.
fn has_rounded_fractions(contrast: &Contrast) -> bool {
    match contrast {
        Contrast::Poly => true,
        Contrast::Numbered { rule, .. } => has_rounded_fractions(rule),
        Contrast::Given(given) => given.values().iter().any(|x| !is_as_written(*x)),
        _ => false,
    }
}

/// The first column of the model without a value in any row; `None` where there is none, or where the rows cannot be
/// read again.
pub(super) fn all_missing(rows: &Rows<'_>) -> Option<String> {
    let held: Vec<AtomicBool> = rows.columns().iter().map(|_| AtomicBool::new(false)).collect();
    let visit = |_: usize, batch: Batch<'_>| {
        for (column, held) in batch.columns.iter().zip(&held) {
            let any = match column {
                Column::Real(v) => v.iter().any(|x| !x.is_nan()),
                Column::Integer(v) => v.iter().any(|&x| x != i32::MIN),
                Column::Whole(v) => v.iter().any(|&x| x != i128::MIN),
                Column::Logical(v) => v.iter().any(|&x| x != 2),
                Column::Codes { codes, .. } => codes.iter().any(|&c| c != MISSING),
            };
            held.fetch_or(any, Ordering::Relaxed);
        }
        true
    };
    rows.source().scan(rows.columns(), &visit).ok()?;
    let at = held.iter().position(|held| !held.load(Ordering::Relaxed))?;
    let field = rows.source().schema().fields.get(rows.columns()[at])?;
    Some(field.name.clone())
}
