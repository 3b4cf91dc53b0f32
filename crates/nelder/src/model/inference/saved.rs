//! A fit without its data: what prediction and comparison need, to be kept in a file.

use std::sync::Arc;

use nelder_device::Dd;
use serde::{Deserialize, Serialize};

use super::new_rows::Applier;
use super::whitened_design::WhitenedDesignState;
use super::{Compared, Sequential};
use crate::design::{
    Columns, Elimination, Layout, Missing, Precision, Roles, RowCounts, Rows, Shape, Variable, Variables,
    VariablesState,
};
use crate::formula::{Arg, Contrast, Expr, Term, Terms, parse_expression};
use crate::frame::{Kind, Levels, Source};
use crate::model::equations::solution::counted;
use crate::model::{Lm, LmSpec, ModelError, ModelFrame, Regression};

/// Order of the equations beyond which a file for them would be larger than anyone expects: 128 MB of numbers.
const MOST_SAVED: usize = 4000;

/// A linear model apart from its data.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let saved = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap().save().unwrap();
/// let new = [10.0];
/// let new = Frame::new().with_real("x", &new);
/// let all = saved.predict(&new, true, &NoProgress).unwrap();
/// assert!((all.responses[0].fit[0] - 20.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedLm {
    /// The columns of the model matrix.
    pub design: SavedDesign,
    /// Rows in the fit.
    pub rows: u64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// One entry a response.
    pub responses: Vec<SavedResponse>,
}

/// A design apart from its data: what makes the same columns of new rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedDesign {
    /// Specification of the model.
    pub spec: LmSpec,
    /// Names of the coefficients.
    pub names: Vec<String>,
    /// Which coefficients are aliased.
    pub aliased: Vec<bool>,
    /// Names of the data's columns, for a `.` in the formula.
    columns: Vec<String>,
    /// Names of the columns that were text or factors.
    #[serde(default)]
    text: Vec<String>,
    /// Names of the columns that were logical.
    #[serde(default)]
    logical: Vec<String>,
    /// Bases and levels of the variables, without the response.
    state: VariablesState,
    shapes: Vec<ShapeState>,
    twice: bool,
    tuples: Vec<Vec<Vec<u32>>>,
    counted: Vec<Vec<bool>>,
    unweighted: Vec<Vec<u32>>,
    absorbed: bool,
    scales: Vec<f64>,
    /// Coordinates of rows, for standard errors; absent where estimates alone are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basis: Option<WhitenedDesignState>,
}

/// Results of one response in a saved fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedResponse {
    /// Its name; empty for one alone.
    pub name: String,
    /// For comparisons.
    pub compared: Compared,
    /// R's `anova` of the model; absent where it has too many columns, or sums of squares are out of range.
    pub sequential: Option<Sequential>,
    /// By column, zero where aliased, in the units in which rows are delivered.
    coefficients: Vec<Dd>,
    /// Power of two by which the response was multiplied.
    scale: f64,
    /// Residual sum of squares in the units in which rows are delivered; absent in files of before.
    #[serde(default)]
    row_rss: Option<Dd>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ShapeState {
    Numeric(usize),
    Logical,
    Factor,
}

/// Expressions as the columns of one variable.
fn side_by_side(mut expressions: Vec<Expr>) -> Expr {
    match expressions.len() {
        1 => expressions.remove(0),
        _ => Expr::Call {
            function: "cbind".into(),
            args: expressions
                .into_iter()
                .map(|value| Arg { name: None, value })
                .collect(),
        },
    }
}

impl ShapeState {
    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Numeric { suffixes } => ShapeState::Numeric(suffixes.len()),
            Shape::Logical => ShapeState::Logical,
            Shape::Factor { .. } => ShapeState::Factor,
        }
    }

    fn described(&self) -> String {
        match self {
            ShapeState::Numeric(1) => "a number".into(),
            ShapeState::Numeric(n) => format!("{n} columns of numbers"),
            ShapeState::Logical => "logical".into(),
            ShapeState::Factor => "a factor".into(),
        }
    }
}

impl SavedResponse {
    /// Residual standard deviation; `NaN` without residual degrees of freedom.
    pub fn sigma(&self) -> f64 {
        match self.compared.df_residual {
            0 => f64::NAN,
            df => match (self.row_rss, self.compared.rss) {
                (Some(rss), _) => (rss.hi / df as f64).sqrt() / self.scale,
                (None, rss) => rss.map_or(f64::NAN, |rss| (rss.hi / df as f64).sqrt()),
            },
        }
    }

    /// By column, zero where aliased, in the units in which rows are delivered.
    pub(super) fn coefficients(&self) -> &[Dd] {
        &self.coefficients
    }

    /// Returns the power of two by which the response was multiplied.
    pub(in crate::model) fn scale(&self) -> f64 {
        self.scale
    }
}

impl Lm<'_> {
    /// The fit apart from its data.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where the columns that are left after a factor is eliminated are too many.
    pub fn save(&self) -> Result<SavedLm, ModelError> {
        let fit = &self.fit;
        let responses = self.responses.iter().enumerate().map(|(y, r)| {
            Ok(SavedResponse {
                name: r.name.clone(),
                compared: self.compared(y)?,
                row_rss: Some(fit.row_rss[y]),
                sequential: match self.sequential(y) {
                    _ if !self.in_range(y) => None,
                    Ok(table) => Some(table),
                    Err(ModelError::TooManyColumns { .. }) => None,
                    Err(e) => return Err(e),
                },
                coefficients: fit.scaled_coefficients(y),
                scale: fit.response_scale(y),
            })
        });
        Ok(SavedLm {
            design: SavedDesign::of(self)?,
            rows: self.rows(),
            df_residual: self.df_residual,
            responses: responses.collect::<Result<_, ModelError>>()?,
        })
    }
}

impl SavedDesign {
    /// Names of the data's columns that were text or factors in the fit.
    pub fn text_columns(&self) -> &[String] {
        &self.text
    }

    /// Names of the data's columns that were logical in the fit.
    pub fn logical_columns(&self) -> &[String] {
        &self.logical
    }

    /// The design of a fit.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where the columns that are left after a factor is eliminated are too many.
    pub(in crate::model) fn of(fit: &dyn Regression) -> Result<SavedDesign, ModelError> {
        let (spec, bound, system) = (fit.design(), fit.frame(), fit.equations());
        system.one_factor("a saved fit")?;
        let layout = bound.rows.layout();
        let kept = system.normal.matrix.order;
        if kept > MOST_SAVED {
            return Err(ModelError::TooManyColumns {
                what: "a saved fit".into(),
                columns: kept,
                limit: MOST_SAVED,
            });
        }
        let mut scales = system.scales.to_vec();
        scales.truncate(layout.atoms.dense + layout.atoms.extra);
        let own = SavedDesign::of_columns(spec.clone(), bound, fit.columns(), fit.counts());
        Ok(SavedDesign {
            names: fit.coefnames().to_vec(),
            aliased: system.aliased.to_vec(),
            counted: counted(system.gram, &own.tuples.iter().map(Vec::len).collect::<Vec<_>>()),
            absorbed: system.map.absorbed.is_some(),
            scales,
            basis: Some(system.basis().state()),
            ..own
        })
    }

    /// The design of a model whose columns are known, in the units of the data, for estimates alone.
    pub(in crate::model) fn of_columns(
        spec: LmSpec,
        bound: &ModelFrame<'_>,
        columns: &Columns,
        counts: &RowCounts,
    ) -> SavedDesign {
        let rows = &bound.rows;
        let layout = rows.layout();
        let (_, left) = bound.terms.without_response();
        let mut which = left.clone();
        // the offset given beside the formula
        if spec.offset.is_some() {
            let formula = bound.terms.variables.len();
            which.extend(rows.roles().offsets.iter().copied().find(|&o| o >= formula));
        }
        let mut state = rows.variables().state_of(&which);
        for (at, &v) in which.iter().enumerate() {
            if let Some(Some(used)) = columns.levels.get(v) {
                state.keep_levels(at, |c| used.rank.get(c as usize).copied().flatten().is_some());
            }
        }
        let tuples: Vec<Vec<Vec<u32>>> = (0..layout.groups.len()).map(|g| rows.tuples(g)).collect();
        let shapes = rows.shapes();
        // a combination of levels that are used counts as used: its columns are there whether rows have it or not
        let used = |(code, v): (&u32, &usize)| {
            let levels = columns.levels.get(*v).and_then(Option::as_ref);
            levels.is_none_or(|l| l.rank.get(*code as usize).copied().flatten().is_some())
        };
        let counted = tuples.iter().zip(&layout.groups).map(|(tuples, members)| {
            let all = |tuple: &Vec<u32>| tuple.iter().zip(members).all(used);
            tuples.iter().map(all).collect()
        });
        SavedDesign {
            aliased: vec![false; columns.names.len()],
            state,
            shapes: which.iter().map(|&v| ShapeState::of(&shapes[v])).collect(),
            twice: rows.precision() == Precision::Twice,
            counted: counted.collect(),
            tuples,
            unweighted: left.iter().map(|&v| counts.weightless_codes_of(v)).collect(),
            scales: vec![1.0; layout.atoms.dense + layout.atoms.extra],
            ..SavedDesign::of_schema(spec, &**rows.source(), columns)
        }
    }

    /// The design of columns of numbers that are read as they are, `terms` being theirs; `bound` has the offsets alone.
    pub(in crate::model) fn of_numbers(
        spec: LmSpec,
        bound: &ModelFrame<'_>,
        terms: &Terms,
        columns: &Columns,
    ) -> SavedDesign {
        let offsets = &bound.rows.roles().offsets;
        let (_, left) = terms.without_response();
        let mut places: Vec<Option<usize>> = left
            .iter()
            .map(|v| terms.offsets.iter().position(|o| o == v))
            .collect();
        if spec.offset.is_some() {
            places.push(Some(terms.offsets.len()));
        }
        SavedDesign {
            aliased: vec![false; columns.names.len()],
            state: bound.rows.variables().state_of(offsets).beside_columns(&places),
            shapes: vec![ShapeState::Numeric(1); places.len()],
            twice: bound.rows.precision() == Precision::Twice,
            unweighted: vec![Vec::new(); left.len()],
            scales: vec![1.0; terms.terms.len()],
            ..SavedDesign::of_schema(spec, &**bound.rows.source(), columns)
        }
    }

    /// Knowledge that a design has of its data and of its columns' names.
    fn of_schema(spec: LmSpec, source: &dyn Source, columns: &Columns) -> SavedDesign {
        let schema = source.schema();
        let of = |is: &dyn Fn(Kind) -> bool| -> Vec<String> {
            let own = schema.fields.iter().filter(|field| is(field.kind));
            own.map(|field| field.name.clone()).collect()
        };
        SavedDesign {
            spec,
            names: columns.names.clone(),
            aliased: Vec::new(),
            columns: schema.names().iter().map(|n| n.to_string()).collect(),
            text: of(&|kind| matches!(kind, Kind::Text | Kind::Factor { .. })),
            logical: of(&|kind| kind == Kind::Logical),
            state: VariablesState::default(),
            shapes: Vec::new(),
            twice: false,
            tuples: Vec::new(),
            counted: Vec::new(),
            unweighted: Vec::new(),
            absorbed: false,
            scales: Vec::new(),
            basis: None,
        }
    }

    /// Names of the data's columns.
    pub(in crate::model) fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    /// The design of some of its terms, and which of its columns those are: the `wanted` ones, and all but single columns of numbers.
    /// Offsets, one for each response, are delivered in the place of responses. `assign` has the number of the term of each column.
    pub(in crate::model) fn of_terms(
        &self,
        mut terms: Terms,
        wanted: &[bool],
        assign: &[usize],
        offsets: Vec<Expr>,
    ) -> (SavedDesign, Vec<usize>) {
        let (_, left) = terms.without_response();
        let number = |term: &Term| match term.variables.as_slice() {
            &[v] => {
                let shape = left.binary_search(&v).ok().and_then(|at| self.shapes.get(at));
                matches!(
                    (&terms.variables[v], shape),
                    (Expr::Name(_), Some(ShapeState::Numeric(1)))
                )
            }
            _ => false,
        };
        let keep: Vec<bool> = terms
            .terms
            .iter()
            .zip(wanted)
            .map(|(t, w)| *w || !number(t))
            .collect();
        let mut kept = keep.iter();
        terms.terms.retain(|_| kept.next() == Some(&true));
        let (mut terms, own) = terms.without_response();
        let mut which: Vec<usize> = own.iter().filter_map(|v| left.binary_search(v).ok()).collect();
        let unweighted = which
            .iter()
            .map(|at| self.unweighted.get(*at).cloned().unwrap_or_default());
        let mut unweighted: Vec<Vec<u32>> = unweighted.collect();
        let mut shapes: Vec<ShapeState> = which
            .iter()
            .filter_map(|at| self.shapes.get(*at).cloned())
            .collect();
        let mut places: Vec<Option<usize>> = which.iter().copied().map(Some).collect();
        if !offsets.is_empty() {
            terms.response = Some(terms.variables.len());
            shapes.push(ShapeState::Numeric(offsets.len()));
            places.push(None);
            unweighted.push(Vec::new());
            terms.variables.push(side_by_side(offsets));
        }
        if self.spec.offset.is_some() {
            which.push(left.len());
            places.push(Some(left.len()));
            shapes.extend(self.shapes.last().cloned());
        }
        let columns: Vec<usize> = (0..self.names.len())
            .filter(|j| {
                assign
                    .get(*j)
                    .is_none_or(|t| *t == 0 || keep.get(t - 1) == Some(&true))
            })
            .collect();
        let design = SavedDesign {
            spec: LmSpec {
                terms: Some(terms),
                ..self.spec.clone()
            },
            names: columns.iter().map(|j| self.names[*j].clone()).collect(),
            state: self.state.clone().beside_columns(&places),
            shapes,
            unweighted,
            // ones, as many as there are columns, products and responses
            scales: Vec::new(),
            ..self.clone()
        };
        (design, columns)
    }

    /// Checks that variables are of the kinds that they were of in the fit.
    fn check_shapes(&self, labels: &[String], shapes: &[Shape]) -> Result<(), ModelError> {
        for ((label, shape), was) in labels.iter().zip(shapes).zip(&self.shapes) {
            let is = ShapeState::of(shape);
            if is != *was {
                let (was, is) = (was.described(), is.described());
                return Err(ModelError::Argument {
                    argument: "data".into(),
                    why: format!("`{label}` was {was} in the fit and is {is} here"),
                });
            }
        }
        Ok(())
    }

    /// The contrast that was asked for by a variable's label: the last of several.
    fn contrast(&self, label: &str) -> Option<Contrast> {
        let named = self.spec.contrasts.iter().rev().find(|(name, _)| name == label);
        named.map(|(_, contrast)| contrast.clone())
    }

    /// Joins the design to rows of a source that need no response, with coefficients by response and column in the
    /// units of the rows.
    ///
    /// # Errors
    /// A column that is not there or of another kind than in the fit.
    pub(in crate::model) fn bind<'s>(
        &self,
        source: &'s dyn Source,
        errors: bool,
        coefficients: Vec<Vec<Dd>>,
    ) -> Result<(Rows<'s>, Applier), ModelError> {
        // 1. terms and variables without the response
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let terms = self.spec.meaning(&names)?.without_response().0;
        self.bind_terms(terms, source, errors, coefficients)
    }

    /// The same of terms that are known.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub(in crate::model) fn bind_terms<'s>(
        &self,
        terms: Terms,
        source: &'s dyn Source,
        errors: bool,
        coefficients: Vec<Vec<Dd>>,
    ) -> Result<(Rows<'s>, Applier), ModelError> {
        let damaged = |what: &str| ModelError::Argument {
            argument: "fit".into(),
            why: format!("its {what} do not belong to its formula; fit and save it again"),
        };
        let mut expressions = terms.variables.clone();
        let mut roles = Roles {
            offsets: terms.offsets.clone(),
            response: terms.response,
            untouched: true,
            ..Roles::default()
        };
        if let Some(offset) = &self.spec.offset {
            roles.offsets.push(expressions.len());
            expressions.push(parse_expression(offset)?);
        }
        let precision = if self.twice {
            Precision::Twice
        } else {
            Precision::Double
        };
        let variables = Variables::restore(&expressions, &self.state, source.schema(), precision)?;
        let labels: Vec<String> = expressions.iter().map(ToString::to_string).collect();
        let shapes = variables.shapes();
        if shapes.len() != self.shapes.len() {
            return Err(damaged("variables"));
        }
        self.check_shapes(&labels, &shapes)?;
        // 2. rows with the codes and the units of the fit
        let layout = Layout::new(&terms, &shapes)?;
        let levels: Vec<Option<std::sync::Arc<Levels>>> = shapes
            .iter()
            .enumerate()
            .map(|(v, shape)| match shape {
                Shape::Logical => Some(std::sync::Arc::new(Levels::fixed(["FALSE", "TRUE"]))),
                _ => variables.known_levels(v),
            })
            .collect();
        let described = (0..terms.variables.len())
            .map(|v| Variable {
                label: labels[v].clone(),
                shape: shapes[v].clone(),
                levels: levels[v].clone(),
                contrast: self.contrast(&labels[v]),
                attached: variables.contrast(v).cloned(),
                unweighted: self.unweighted.get(v).cloned().unwrap_or_default(),
            })
            .collect();
        if layout.groups.len() != self.tuples.len() || layout.groups.len() != self.counted.len() {
            return Err(damaged("factors"));
        }
        let rows = Rows::new(
            Arc::new(source),
            variables,
            labels,
            layout,
            roles,
            Missing::Omit,
            precision,
        );
        for (v, levels) in levels.into_iter().enumerate() {
            if let Some(levels) = levels {
                rows.set_levels(v, levels);
            }
        }
        for (g, tuples) in self.tuples.iter().enumerate() {
            let members = rows.layout().groups[g].len();
            if tuples.iter().any(|t| t.len() != members) {
                return Err(damaged("factors"));
            }
            if members > 1 {
                rows.intern(g, tuples);
            }
        }
        rows.set_scales(match self.scales.is_empty() {
            true => {
                let atoms = &rows.layout().atoms;
                vec![1.0; atoms.dense + atoms.extra + atoms.responses]
            }
            false => self.scales.clone(),
        });
        // 3. the columns
        let basis = self.basis.clone().filter(|_| errors);
        let applier = Applier::new(
            &rows,
            described,
            self.counted.clone(),
            match self.absorbed {
                true => Elimination::Largest,
                false => Elimination::Nothing,
            },
            coefficients,
            basis,
        )?;
        if applier.columns().names != self.names {
            return Err(damaged("columns"));
        }
        Ok((rows, applier))
    }
}
