//! Choosing a model by its criterion, term by term: R's `step`.
//!
//! One fit of the largest model holds the gram of all others; a fit is repeated only where a factor is coded
//! otherwise in a smaller model than in the largest.

use super::TermChange;
use super::anova::out_of_range;
use super::submodels::{label_set, labels, with_added};
use crate::formula::Terms;
use crate::model::{Lm, ModelError, Regression, lm};
use crate::pass::{Monitor, PassRecord};

/// Which changes are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// Terms are dropped and added.
    #[default]
    Both,
    /// Terms are dropped.
    Backward,
    /// Terms are added.
    Forward,
}

/// The models that may be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepScope {
    /// Terms that stay: a formula such as `~ x`; `None` for none.
    pub lower: Option<String>,
    /// Terms that there may be: a formula such as `~ . + z`, `.` being the model at the start; `None` for those
    /// of that model.
    pub upper: Option<String>,
}

/// A model on the way, with the changes considered from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Term dropped or added to get to it, `- x` or `+ x`; empty for the start.
    pub change: String,
    /// Its formula.
    pub formula: String,
    /// Residual sum of squares, or deviance.
    pub deviance: f64,
    /// Residual degrees of freedom.
    pub df_residual: f64,
    /// R's `extractAIC`.
    pub aic: f64,
    /// The changes considered from here, the best first; empty where a term without degrees of freedom was
    /// dropped at once.
    pub considered: Vec<TermChange>,
}

/// The way from a model to one that no single change makes better.
#[derive(Clone, Debug)]
pub struct Step {
    /// The models, from the start to the chosen one.
    pub path: Vec<Move>,
    /// The chosen model's formula.
    pub formula: String,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
}

/// Deviance, residual degrees of freedom and criterion of a model.
pub(in crate::model) struct Visited {
    pub deviance: f64,
    pub df_residual: f64,
    pub aic: f64,
}

/// The models that a search goes through.
pub(in crate::model) trait Models {
    /// Goes to the model with these terms.
    fn visit(&mut self, terms: &Terms, formula: &str) -> Result<Visited, ModelError>;

    /// The model visited last, then it without each of these terms, labelled `- term`.
    fn drops(&mut self, terms: &Terms, drops: &[usize]) -> Result<Vec<TermChange>, ModelError>;

    /// The model visited last, then it with each of these terms of a larger one, labelled `+ term`.
    fn adds(&mut self, terms: &Terms, upper: &Terms, adds: &[usize]) -> Result<Vec<TermChange>, ModelError>;
}

/// The terms between which a search moves.
pub(in crate::model) struct Bounds {
    lower: Option<Terms>,
    upper: Option<Terms>,
    backward: bool,
}

impl Bounds {
    /// The bounds of a scope, each read by `of`.
    pub fn new(
        scope: &StepScope,
        direction: Direction,
        of: impl Fn(&str) -> Result<Terms, ModelError>,
    ) -> Result<Bounds, ModelError> {
        Ok(Bounds {
            lower: scope.lower.as_deref().map(&of).transpose()?,
            upper: match direction {
                Direction::Backward => None,
                _ => scope.upper.as_deref().map(&of).transpose()?,
            },
            backward: direction != Direction::Forward,
        })
    }
}

/// The path of a search and the formula chosen.
type Found = (Vec<Move>, String);

/// A change with its term: whether it is added, and its number; `None` for the model itself.
type Tried = (TermChange, Option<(bool, usize)>);

/// Drops and adds terms while the criterion falls.
pub(in crate::model) fn search(
    models: &mut impl Models,
    bounds: &Bounds,
    start: &Terms,
    formula: String,
) -> Result<Found, ModelError> {
    let (mut current, mut formula, mut change) = (start.clone(), formula, String::new());
    let mut path: Vec<Move> = Vec::new();
    for _ in 0..1000 {
        // 1. the model at hand
        let at = models.visit(&current, &formula)?;
        if path.last().is_some_and(|before| at.aic >= before.aic + 1e-7) {
            break;
        }
        path.push(Move {
            change: std::mem::take(&mut change),
            formula: formula.clone(),
            deviance: at.deviance,
            df_residual: at.df_residual,
            aic: at.aic,
            considered: Vec::new(),
        });
        // 2. its changes: (row, drop or add, number of the term)
        let mut considered: Vec<Tried> = Vec::new();
        let mut chosen = None;
        if bounds.backward {
            let drops = match &bounds.lower {
                None => current.drop_scope(),
                Some(lower) => current.drop_scope_above(lower)?,
            };
            if !drops.is_empty() {
                let kinds = std::iter::once(None).chain(drops.iter().map(|&t| Some((false, t))));
                considered.extend(models.drops(&current, &drops)?.into_iter().zip(kinds));
            }
            // a term that takes no degrees of freedom goes first
            chosen = considered
                .iter()
                .rev()
                .find(|(row, _)| row.df == Some(0.0))
                .cloned();
        }
        if chosen.is_none() {
            if let Some(upper) = &bounds.upper {
                let adds = current.add_scope(upper)?;
                if !adds.is_empty() {
                    let kinds = std::iter::once(None).chain(adds.iter().map(|&t| Some((true, t))));
                    let skip = usize::from(!considered.is_empty());
                    considered.extend(
                        models
                            .adds(&current, upper, &adds)?
                            .into_iter()
                            .zip(kinds)
                            .skip(skip),
                    );
                }
            }
            considered.retain(|(row, _)| row.df != Some(0.0));
            considered.sort_by(|a, b| a.0.aic.total_cmp(&b.0.aic));
            if let Some(at) = path.last_mut() {
                at.considered = considered.iter().map(|(row, _)| row.clone()).collect();
            }
            chosen = considered.into_iter().next();
        }
        // 3. the best of them
        let Some((row, Some((add, t)))) = chosen else {
            break;
        };
        current = match (&bounds.upper, add) {
            (Some(upper), true) => current.add_term(upper, t)?,
            _ => current.drop_term(t)?,
        };
        formula = current.formula().to_string();
        change = row.term;
    }
    let formula = path.last().map_or(formula, |m| m.formula.clone());
    Ok((path, formula))
}

/// Fits whose grams hold the models on the way.
struct Holder<'a, 's> {
    start: &'a Lm<'s>,
    largest: Option<Lm<'s>>,
    other: Option<Lm<'s>>,
    passes: Vec<PassRecord>,
    k: f64,
    monitor: &'a dyn Monitor,
    /// The model visited last: which terms of the fit that holds it.
    keep: Vec<bool>,
}

impl<'s> Holder<'_, 's> {
    /// A fit whose gram has the columns of these terms.
    fn of(&mut self, terms: &Terms) -> Result<&Lm<'s>, ModelError> {
        let first = self.largest.as_ref().unwrap_or(self.start);
        if first.holds(terms).is_some() {
            return Ok(self.largest.as_ref().unwrap_or(self.start));
        }
        if self.other.as_ref().is_none_or(|fit| fit.holds(terms).is_none()) {
            let fit = lm(
                &self.start.request(terms),
                self.start.bound.rows.source().clone(),
                self.monitor,
            )?;
            same_rows(self.start, &fit)?;
            self.passes.extend(fit.report().passes.iter().cloned());
            self.other = Some(fit);
        }
        self.other
            .as_ref()
            .ok_or_else(|| ModelError::NoResponse(terms.formula().to_string()))
    }
}

fn same_rows(start: &Lm<'_>, fit: &Lm<'_>) -> Result<(), ModelError> {
    if start.rows() == fit.rows() {
        return Ok(());
    }
    Err(ModelError::Argument {
        argument: "scope".into(),
        why: format!(
            "`{}` has {} complete rows and `{}` has {}; leave out the rows with missing values first",
            start.formula(),
            start.rows(),
            fit.formula(),
            fit.rows()
        ),
    })
}

impl Models for Holder<'_, '_> {
    fn visit(&mut self, terms: &Terms, formula: &str) -> Result<Visited, ModelError> {
        let (n, zero_weights, k) = (
            self.start.all_rows(),
            self.start.fit.counts.weightless as f64,
            self.k,
        );
        let rows = self.start.rows() as f64;
        let fit = self.of(terms)?;
        if !fit.in_range(0) {
            return Err(out_of_range());
        }
        let keep = kept(fit, terms);
        let (rank, rss) = fit.with_terms(&keep)?;
        self.keep = keep;
        let edf = rank as f64 + zero_weights;
        let deviance = rss[0].hi;
        let aic = n * (deviance / n).ln() + k * edf;
        if !aic.is_finite() {
            let why = format!("`{formula}` fits perfectly, so that its criterion is not finite");
            return Err(ModelError::Argument {
                argument: "step".into(),
                why,
            });
        }
        Ok(Visited {
            deviance,
            df_residual: rows - edf,
            aic,
        })
    }

    fn drops(&mut self, terms: &Terms, drops: &[usize]) -> Result<Vec<TermChange>, ModelError> {
        let (keep, k) = (self.keep.clone(), self.k);
        let fit = self.of(terms)?;
        let own = &fit.bound.terms;
        let without = |t: usize| -> Vec<bool> {
            let set = label_set(terms, t);
            let kept = keep.iter().enumerate();
            kept.map(|(i, &k)| k && label_set(own, i) != set).collect()
        };
        let masks = drops.iter().map(|&t| without(t));
        let changes: Vec<(String, Vec<bool>)> = labels("- ", terms, drops).into_iter().zip(masks).collect();
        fit.changes(&keep, &changes, 0, k)
    }

    fn adds(&mut self, terms: &Terms, upper: &Terms, adds: &[usize]) -> Result<Vec<TermChange>, ModelError> {
        let k = self.k;
        let largest = self.of(&with_added(terms, upper, adds)?)?;
        largest.additions(terms, (upper, adds), labels("+ ", upper, adds), 0, k)
    }
}

/// Drops and adds terms while the criterion n log(RSS / n) + k edf falls: R's `step`.
///
/// Without an upper scope nothing is added. The first response is meant where there are several.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{Direction, LmSpec, StepScope, lm, step};
/// use nelder::pass::NoProgress;
/// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let z = [0.3, -0.2, 0.1, 0.4, -0.3, 0.2];
/// let y = [2.0, 4.1, 6.0, 7.9, 10.1, 11.9];
/// let frame = Frame::new().with_real("x", &x).with_real("z", &z).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x + z"), &frame, &NoProgress).unwrap();
/// let chosen = step(&fit, &StepScope::default(), Direction::Backward, 2.0, &NoProgress).unwrap();
/// assert!(chosen.formula.starts_with("y ~ x") && chosen.passes.is_empty());
/// ```
///
/// # Errors
/// A scope that is no formula or does not hold the model; [`ModelError::Argument`] where the models differ in
/// their complete rows, or the fit is perfect; those of [`lm`].
pub fn step(
    start: &Lm<'_>,
    scope: &StepScope,
    direction: Direction,
    k: f64,
    monitor: &dyn Monitor,
) -> Result<Step, ModelError> {
    let bounds = Bounds::new(scope, direction, |text| start.bound.scope(text))?;
    let mut holder = Holder {
        start,
        largest: None,
        other: None,
        passes: Vec::new(),
        k,
        monitor,
        keep: Vec::new(),
    };
    if let Some(upper) = &bounds.upper {
        // names the terms that the upper scope lacks
        start.bound.terms.add_scope(upper)?;
        let fit = lm(
            &start.request(upper),
            start.bound.rows.source().clone(),
            start.bound.run(monitor),
        )?;
        same_rows(start, &fit)?;
        holder.passes.extend(fit.report().passes.iter().cloned());
        holder.largest = Some(fit);
    }
    let (path, formula) = search(&mut holder, &bounds, &start.bound.terms, start.formula())?;
    Ok(Step {
        path,
        formula,
        passes: holder.passes,
    })
}

/// Which terms of a fit are terms of a smaller model.
fn kept(fit: &Lm<'_>, current: &Terms) -> Vec<bool> {
    let mut keep = vec![false; fit.bound.terms.terms.len()];
    fit.holds(current)
        .unwrap_or_default()
        .iter()
        .for_each(|&p| keep[p] = true);
    keep
}
