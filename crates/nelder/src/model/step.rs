//! Choosing a model by its criterion, term by term: R's `step`.
//!
//! One fit of the largest model holds the gram of all others; a fit is repeated only where a factor is coded
//! otherwise in a smaller model than in the largest.

use super::anova::label_set;
use super::{Lm, ModelError, TermChange, lm};
use crate::formula::Terms;
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

/// A model on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// What led to it, `- x` or `+ x`; empty for the start.
    pub change: String,
    /// Its formula.
    pub formula: String,
    /// Residual sum of squares.
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

/// Fits whose grams hold the models on the way.
struct Holder<'a, 's> {
    start: &'a Lm<'s>,
    largest: Option<Lm<'s>>,
    other: Option<Lm<'s>>,
    passes: Vec<PassRecord>,
}

impl<'s> Holder<'_, 's> {
    /// A fit whose gram has the columns of these terms.
    fn of(&mut self, terms: &Terms, monitor: &dyn Monitor) -> Result<&Lm<'s>, ModelError> {
        let first = self.largest.as_ref().unwrap_or(self.start);
        if first.holds(terms).is_some() {
            return Ok(self.largest.as_ref().unwrap_or(self.start));
        }
        if self.other.as_ref().is_none_or(|fit| fit.holds(terms).is_none()) {
            let fit = lm(
                &self.start.request(terms),
                self.start.bound.rows.source(),
                monitor,
            )?;
            same_rows(self.start, &fit)?;
            self.passes.extend(fit.fit.report.passes.iter().cloned());
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

/// Drops and adds terms while the criterion n log(RSS / n) + k edf falls: R's `step`.
///
/// Without an upper scope nothing is added. The first response is meant where there are several.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{Direction, LmSpec, StepScope, lm, step};
/// use nelder::pass::Quiet;
/// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let z = [0.3, -0.2, 0.1, 0.4, -0.3, 0.2];
/// let y = [2.0, 4.1, 6.0, 7.9, 10.1, 11.9];
/// let frame = Frame::new().with_real("x", &x).with_real("z", &z).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x + z"), &frame, &Quiet).unwrap();
/// let chosen = step(&fit, &StepScope::default(), Direction::Backward, 2.0, &Quiet).unwrap();
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
    let upper = scope.upper.as_ref().map(|u| start.scope(u)).transpose()?;
    let lower = scope.lower.as_ref().map(|l| start.scope(l)).transpose()?;
    let backward = direction != Direction::Forward;
    let forward = direction != Direction::Backward && upper.is_some();
    let mut holder = Holder {
        start,
        largest: None,
        other: None,
        passes: Vec::new(),
    };
    if let Some(upper) = upper.as_ref().filter(|_| forward) {
        // names the terms that the upper scope lacks
        start.bound.terms.add_scope(upper)?;
        let fit = lm(&start.request(upper), start.bound.rows.source(), monitor)?;
        same_rows(start, &fit)?;
        holder.passes.extend(fit.fit.report.passes.iter().cloned());
        holder.largest = Some(fit);
    }
    let n = start.all_rows();
    let zero_weights = start.fit.counts.2 as f64;
    let mut current = start.bound.terms.clone();
    let mut formula = start.formula();
    let mut change = String::new();
    let mut path: Vec<Move> = Vec::new();
    for _ in 0..1000 {
        // 1. the model at hand
        let fit = holder.of(&current, monitor)?;
        let keep = kept(fit, &current);
        let (rank, rss) = fit.with_terms(&keep)?;
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
        if path.last().is_some_and(|before| aic >= before.aic + 1e-7) {
            break;
        }
        path.push(Move {
            change: std::mem::take(&mut change),
            formula: formula.clone(),
            deviance,
            df_residual: start.rows() as f64 - edf,
            aic,
            considered: Vec::new(),
        });
        // 2. its changes: (row, drop or add, number of the term)
        let mut considered: Vec<(TermChange, Option<(bool, usize)>)> = Vec::new();
        let mut chosen = None;
        if backward {
            let drops = match &lower {
                None => current.drop_scope(),
                Some(lower) => current.drop_scope_above(lower)?,
            };
            let own = &fit.bound.terms;
            let without = |t: usize| -> Vec<bool> {
                let set = label_set(&current, t);
                keep.iter()
                    .enumerate()
                    .map(|(i, &k)| k && label_set(own, i) != set)
                    .collect()
            };
            let changes: Vec<(String, Vec<bool>)> = drops
                .iter()
                .map(|&t| (format!("- {}", current.terms[t].label), without(t)))
                .collect();
            if !drops.is_empty() {
                let kinds = std::iter::once(None).chain(drops.iter().map(|&t| Some((false, t))));
                considered.extend(fit.changes(&keep, &changes, 0, k)?.into_iter().zip(kinds));
            }
            // a term that takes no degrees of freedom goes first
            chosen = considered
                .iter()
                .rev()
                .find(|(row, _)| row.df == Some(0.0))
                .cloned();
        }
        if chosen.is_none() {
            if let Some(upper) = upper.as_ref().filter(|_| forward) {
                let adds = current.add_scope(upper)?;
                if !adds.is_empty() {
                    let mut all = current.clone();
                    for &t in &adds {
                        all = all.add_term(upper, t)?;
                    }
                    let labels: Vec<String> = adds
                        .iter()
                        .map(|&t| format!("+ {}", upper.terms[t].label))
                        .collect();
                    let sets: Vec<_> = adds.iter().map(|&t| label_set(upper, t)).collect();
                    let rows = holder
                        .of(&all, monitor)?
                        .additions(&current, &labels, &sets, 0, k)?;
                    let kinds = std::iter::once(None).chain(adds.iter().map(|&t| Some((true, t))));
                    let skip = usize::from(!considered.is_empty());
                    considered.extend(rows.into_iter().zip(kinds).skip(skip));
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
        current = match (&upper, add) {
            (Some(upper), true) => current.add_term(upper, t)?,
            _ => current.drop_term(t)?,
        };
        formula = current.formula().to_string();
        change = row.term;
    }
    let formula = path.last().map_or(formula, |m| m.formula.clone());
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
