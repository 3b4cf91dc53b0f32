//! Specification of principal components, and the columns that they are of.

use std::sync::Arc;

use crate::design::{
    Columns, Elimination, Layout, Missing, Precision, Roles, RowCounts, Rows, Shape, Variables,
};
use crate::formula::{Coding, Expr, Term, Terms, parse_expression, parse_formula, terms};
use crate::frame::{Kind, Source};
use crate::model::model_frame::resolved;
use crate::model::{Accuracy, ModelError, ModelFrame};
use crate::pass::{Auto, PassRecord};

/// Centre subtracted from each column: R's `center`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Center {
    /// Nothing: `center = FALSE`.
    No,
    /// Its mean: `center = TRUE`.
    #[default]
    Means,
    /// These numbers, one for each column.
    Values(Vec<f64>),
}

/// Divisor of each column after centring: R's `scale.`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Scale {
    /// Nothing: `scale. = FALSE`.
    #[default]
    No,
    /// The root of its sum of squares over n − 1, its standard deviation where it is centred about its mean:
    /// `scale. = TRUE`.
    Deviations,
    /// These numbers, one for each column.
    Values(Vec<f64>),
}

/// Algorithm for the components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PcaAlgorithm {
    /// Cheapest algorithm that keeps the digits.
    #[default]
    Auto,
    /// Eigenvectors of the gram of the columns, or of the rows where these are fewer.
    Gram,
    /// Singular vectors of the triangle of a QR decomposition.
    Qr,
    /// Block Krylov iteration: `rank` components, several passes.
    Krylov,
}

/// Which of the two directions of an axis is positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Signs {
    /// The largest loading in size is positive, the first of them where there are several: the same on every device.
    #[default]
    Largest,
    /// Signs as the decomposition gives them. R's signs are those of LAPACK's `dgesdd`, and can only be had from it.
    AsComputed,
}

/// Principal components: the arguments of R's `prcomp`.
///
/// ```
/// use nelder::model::{PcaSpec, Scale};
/// let spec = PcaSpec::of_columns(&["a", "b", "c"]).scale(Scale::Deviations).rank(2);
/// assert_eq!(spec.rank, Some(2));
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct PcaSpec {
    /// A formula without response, such as `~ a + b + log(c)`; its intercept counts for nothing.
    pub formula: Option<String>,
    /// Terms of the formula, where it is not to be read as text.
    #[serde(skip)]
    pub terms: Option<Terms>,
    /// Columns by name where there is no formula; all of the source where there are none.
    pub columns: Vec<String>,
    /// Centre subtracted from each column.
    pub center: Center,
    /// Divisor of each column.
    pub scale: Scale,
    /// R's `rank.`: the most components that are wanted, from 1 to the number of rows and of columns.
    pub rank: Option<usize>,
    /// R's `tol`: components whose standard deviation is at most this part of the first are left out.
    pub tol: Option<f64>,
    /// Case weights, an expression of the columns. Moments are weighted, and divided by n − 1, n the number of rows
    /// of weight other than zero.
    pub weights: Option<String>,
    /// Rows to use, a logical expression.
    pub subset: Option<String>,
    /// Rows with missing values.
    pub missing: Missing,
    /// Precision of the arithmetic.
    pub accuracy: Accuracy,
    /// Algorithm for the components.
    pub algorithm: PcaAlgorithm,
    /// Which direction of an axis is positive.
    pub signs: Signs,
    /// Where an iteration starts: the same components for the same seed, on every device.
    pub seed: u64,
    /// When an iteration ends: an axis leaves a residual of at most this part of the largest variance.
    pub tolerance: f64,
}

impl Default for PcaSpec {
    fn default() -> Self {
        PcaSpec {
            formula: None,
            terms: None,
            columns: Vec::new(),
            center: Center::default(),
            scale: Scale::default(),
            rank: None,
            tol: None,
            weights: None,
            subset: None,
            missing: Missing::default(),
            accuracy: Accuracy::default(),
            algorithm: PcaAlgorithm::default(),
            signs: Signs::default(),
            seed: 1,
            tolerance: 1e-9,
        }
    }
}

impl PcaSpec {
    /// Of the variables of a formula, with R's defaults.
    pub fn new(formula: &str) -> Self {
        PcaSpec {
            formula: Some(formula.to_string()),
            ..PcaSpec::default()
        }
    }

    /// Of columns by name; of all columns where there are none.
    pub fn of_columns(columns: &[&str]) -> Self {
        PcaSpec {
            columns: columns.iter().map(|c| (*c).to_string()).collect(),
            ..PcaSpec::default()
        }
    }

    /// Of variables whose terms are known; `formula` is for print only.
    pub fn of_terms(formula: &str, terms: Terms) -> Self {
        PcaSpec {
            terms: Some(terms),
            ..PcaSpec::new(formula)
        }
    }

    /// Sets what is taken from each column.
    pub fn center(mut self, center: Center) -> Self {
        self.center = center;
        self
    }

    /// Sets what each column is divided by.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Sets the most components that are wanted.
    pub fn rank(mut self, rank: usize) -> Self {
        self.rank = Some(rank);
        self
    }

    /// Sets the part of the first standard deviation below which components are left out.
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = Some(tol);
        self
    }

    /// Sets the case weights.
    pub fn weights(mut self, expression: &str) -> Self {
        self.weights = Some(expression.to_string());
        self
    }

    /// Sets the rows to use.
    pub fn subset(mut self, expression: &str) -> Self {
        self.subset = Some(expression.to_string());
        self
    }

    /// Sets what to do with rows that have missing values.
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// Sets the accuracy.
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        self.accuracy = accuracy;
        self
    }

    /// Sets how the components are computed.
    pub fn algorithm(mut self, algorithm: PcaAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets which direction of an axis is positive.
    pub fn signs(mut self, signs: Signs) -> Self {
        self.signs = signs;
        self
    }

    /// Sets where an iteration starts.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Arguments that no data can mend.
    ///
    /// # Errors
    /// `rank.` below 1, `tol` negative, a tolerance that is not between 0 and 1, single precision.
    pub(in crate::model) fn check(&self) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        if self.rank == Some(0) {
            return wrong("rank.", "0 is below 1".into());
        }
        if let Some(tol) = self.tol.filter(|t| !(*t >= 0.0 && t.is_finite())) {
            return wrong(
                "tol",
                format!("{tol} is no part of a standard deviation; it must be 0 or more"),
            );
        }
        if self.accuracy == Accuracy::Single {
            return wrong(
                "precision",
                "f32 is for models; principal components are computed in double precision at least".into(),
            );
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return wrong("tolerance", format!("{} is not between 0 and 1", self.tolerance));
        }
        if self.algorithm == PcaAlgorithm::Krylov && self.rank.is_none() {
            return wrong(
                "rank.",
                "a Krylov iteration needs the number of components".into(),
            );
        }
        Ok(())
    }

    /// The same for a matrix of this size, and one number for each column where numbers are given.
    ///
    /// # Errors
    /// `rank.` above the number of rows or columns, `center` or `scale.` of another length or not finite.
    pub(super) fn check_size(&self, n: u64, p: usize) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        if let Some(rank) = self.rank.filter(|&k| k > p || k as u64 > n) {
            let most = (p as u64).min(n);
            return wrong(
                "rank.",
                format!("{rank} is above {most}, the number of components of {n} x {p} values"),
            );
        }
        let given = [
            (
                "center",
                if let Center::Values(v) = &self.center {
                    Some(v)
                } else {
                    None
                },
            ),
            (
                "scale.",
                if let Scale::Values(v) = &self.scale {
                    Some(v)
                } else {
                    None
                },
            ),
        ];
        for (argument, values) in given {
            let Some(values) = values else { continue };
            if values.len() != p {
                return wrong(argument, format!("{} numbers for {p} columns", values.len()));
            }
            if let Some(j) = values.iter().position(|v| !v.is_finite()) {
                return wrong(
                    argument,
                    format!("{} for column {} is not finite", values[j], j + 1),
                );
            }
            if let Some(j) = values.iter().position(|&v| argument == "scale." && v == 0.0) {
                return wrong(argument, format!("0 for column {}", j + 1));
            }
        }
        Ok(())
    }

    /// The terms over the columns of a source.
    fn meaning(&self, source: &dyn Source) -> Result<Terms, ModelError> {
        let schema = source.schema();
        let mut found = match (&self.terms, &self.formula) {
            (Some(terms), _) => terms.clone(),
            (None, Some(formula)) => terms(&parse_formula(formula)?, &schema.names())?,
            (None, None) => {
                let names: Vec<&str> = match self.columns.is_empty() {
                    true => schema.names(),
                    false => self.columns.iter().map(String::as_str).collect(),
                };
                of_columns(&names)
            }
        };
        if found.response.is_some() {
            return Err(ModelError::argument(
                "formula",
                "principal components have no response; write `~ a + b`",
            ));
        }
        found.intercept = false;
        Ok(found)
    }

    /// Joins what is asked to its data: the rows, and the names of the columns.
    ///
    /// # Errors
    /// A formula that cannot be read; an unknown column; one that is not numeric.
    pub(in crate::model) fn bind<'s>(
        &self,
        source: Arc<dyn Source + 's>,
    ) -> Result<(ModelFrame<'s>, Vec<String>), ModelError> {
        self.check()?;
        let terms = self.meaning(&source)?;
        if terms.terms.is_empty() {
            return Err(ModelError::argument("columns", "there are none"));
        }
        let mut expressions = terms.variables.clone();
        let mut roles = Roles {
            offsets: terms.offsets.clone(),
            ..Roles::default()
        };
        for (text, role) in [
            (&self.weights, &mut roles.weights),
            (&self.subset, &mut roles.subset),
        ] {
            if let Some(text) = text {
                *role = Some(expressions.len());
                expressions.push(parse_expression(text)?);
            }
        }
        let precision = match self.accuracy {
            Accuracy::Certified => Precision::Twice,
            _ => Precision::Double,
        };
        // columns by name are called what they are called
        let label = |e: &Expr| match e {
            Expr::Name(name) if self.terms.is_none() && self.formula.is_none() => name.clone(),
            other => other.to_string(),
        };
        let labels: Vec<String> = expressions.iter().map(label).collect();
        let given = terms.variables.len();
        let mut passes = Vec::new();
        let expressions = resolved(&expressions, &source, precision, &mut passes)?;
        let mut variables = Variables::bind_with_constants(&expressions, given, source.schema(), precision)?;
        let shapes = variables.shapes();
        // those that `. - g` took out again make no column, whatever they are
        let used = |v: &usize| terms.terms.iter().any(|t| t.variables.contains(v));
        let other = |v: &usize| used(v) && !matches!(shapes[*v], Shape::Numeric { .. });
        let found: Vec<String> = (0..terms.variables.len())
            .filter(other)
            .map(|v| format!("`{}` is {}", labels[v], described(&terms.variables[v], &source)))
            .collect();
        if !found.is_empty() {
            return Err(ModelError::NotNumeric(found.join(", ")));
        }
        if variables.needs_prepare() {
            let start = std::time::Instant::now();
            let scan = variables.prepare(&source)?;
            passes.push(PassRecord::on_cpu("bases", "f64", scan, start));
        }
        let layout = Layout::new(&terms, &variables.shapes())?;
        let rows = Rows::new(source, variables, labels, layout, roles, self.missing, precision);
        let contrasts = vec![None; terms.variables.len()];
        let bound = ModelFrame {
            terms,
            rows,
            contrasts,
            passes,
            executor: Arc::new(Auto::default()),
            crossed_from: usize::MAX,
        };
        // R puts back-ticks around the names of a formula
        let names = match (&self.terms, &self.formula) {
            (None, None) => bound.terms.terms.iter().map(|t| t.label.clone()).collect(),
            _ => {
                Columns::new(
                    bound.rows.layout(),
                    &bound.variables(&RowCounts::default()),
                    &[],
                    &[],
                    Elimination::Nothing,
                )?
                .names
            }
        };
        Ok((bound, names))
    }
}

/// The terms of columns that stand for themselves.
fn of_columns(names: &[&str]) -> Terms {
    let term = |(v, name): (usize, &&str)| Term {
        label: (*name).to_string(),
        variables: vec![v],
        coding: vec![Coding::Contrasts],
    };
    Terms {
        variables: names.iter().map(|n| Expr::Name((*n).to_string())).collect(),
        response: None,
        intercept: false,
        offsets: Vec::new(),
        terms: names.iter().enumerate().map(term).collect(),
        dropped: None,
    }
}

/// Returns the kind of a variable that is not numeric, for an error message.
fn described(variable: &Expr, source: &dyn Source) -> &'static str {
    let Expr::Name(name) = variable else {
        return "no number";
    };
    let schema = source.schema();
    match schema.position(name).map(|at| schema.fields[at].kind) {
        Some(Kind::Text) => "text",
        Some(Kind::Factor { .. }) => "a factor",
        Some(Kind::Logical) => "logical",
        _ => "no number",
    }
}
