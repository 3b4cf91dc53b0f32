//! Choosing a generalized linear model by its criterion, term by term: R's `step`.

use super::{DevianceChange, Direction, Glm, ModelError, StepScope, glm};
use crate::pass::{Monitor, PassRecord};

/// A model on the way of a [`step_glm`].
#[derive(Clone, Debug, PartialEq)]
pub struct DevianceMove {
    /// What led to it, `- x` or `+ x`; empty for the start.
    pub change: String,
    /// Its formula.
    pub formula: String,
    /// Deviance.
    pub deviance: f64,
    /// Residual degrees of freedom.
    pub df_residual: f64,
    /// R's `extractAIC`.
    pub aic: f64,
    /// The changes considered from here, the best first.
    pub considered: Vec<DevianceChange>,
}

/// The way from a model to one that no single change makes better.
#[derive(Clone, Debug)]
pub struct DevianceStep {
    /// The models, from the start to the chosen one.
    pub path: Vec<DevianceMove>,
    /// The chosen model's formula.
    pub formula: String,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
}

/// Drops and adds terms while R's `extractAIC` falls: R's `step` of a `glm`. Without an upper scope nothing is added.
///
/// # Errors
/// A scope that is no formula or does not hold the model; a family without a criterion; models that differ in their
/// complete rows; those of [`glm`].
pub fn step_glm(
    start: &Glm<'_>,
    scope: &StepScope,
    direction: Direction,
    k: f64,
    monitor: &dyn Monitor,
) -> Result<DevianceStep, ModelError> {
    let wrong = |why: String| ModelError::Argument {
        argument: "step".into(),
        why,
    };
    let upper = scope.upper.as_ref().map(|u| start.scope(u)).transpose()?;
    let lower = scope.lower.as_ref().map(|l| start.scope(l)).transpose()?;
    let backward = direction != Direction::Forward;
    let forward = upper.as_ref().filter(|_| direction != Direction::Backward);
    let source = start.bound.rows.source();
    let mut passes = Vec::new();
    let mut current = start.bound.terms.clone();
    let (mut formula, mut change) = (start.formula(), String::new());
    let mut path: Vec<DevianceMove> = Vec::new();
    let mut fit: Option<Glm<'_>> = None;
    for _ in 0..1000 {
        // 1. the model at hand
        let at = fit.as_ref().unwrap_or(start);
        let aic = at.fit.aic() + (k - 2.0) * at.fit.rank() as f64;
        if aic.is_nan() {
            let family = at.fit.family.label();
            return Err(wrong(format!(
                "the {family} family has no criterion to choose by"
            )));
        }
        if path.last().is_some_and(|before| aic >= before.aic + 1e-7) {
            break;
        }
        path.push(DevianceMove {
            change: std::mem::take(&mut change),
            formula: formula.clone(),
            deviance: at.fit.deviance,
            df_residual: at.fit.df_residual() as f64,
            aic,
            considered: Vec::new(),
        });
        // 2. its changes
        let mut considered: Vec<(DevianceChange, Option<(bool, usize)>)> = Vec::new();
        let mut chosen = None;
        if backward {
            let drops = match &lower {
                None => current.drop_scope(),
                Some(lower) => current.drop_scope_above(lower)?,
            };
            let labels: Vec<(String, usize)> = drops
                .iter()
                .map(|&t| (format!("- {}", current.terms[t].label), t))
                .collect();
            if !labels.is_empty() {
                let mut table = at.drops(&at.fit, &vec![true; current.terms.len()], &labels, k, monitor)?;
                passes.append(&mut table.passes);
                let kinds = std::iter::once(None).chain(drops.iter().map(|&t| Some((false, t))));
                considered.extend(table.rows.into_iter().zip(kinds));
            }
            chosen = considered
                .iter()
                .rev()
                .find(|(row, _)| row.df == Some(0.0))
                .cloned();
        }
        if chosen.is_none() {
            if let Some(upper) = forward {
                let adds = current.add_scope(upper)?;
                let mut all = current.clone();
                for &t in &adds {
                    all = all.add_term(upper, t)?;
                }
                if !adds.is_empty() {
                    let largest = glm(&at.request(&all), source, monitor)?;
                    if largest.fit.rows() != start.fit.rows() {
                        return Err(wrong(format!(
                            "`{formula}` has {} complete rows and the scope {}; leave out the rows with missing values \
                             first",
                            start.fit.rows(),
                            largest.fit.rows()
                        )));
                    }
                    passes.extend(largest.fit.report.passes.iter().cloned());
                    let labels: Vec<(String, usize)> = adds
                        .iter()
                        .map(|&t| (format!("+ {}", upper.terms[t].label), t))
                        .collect();
                    let rows = at.additions(&largest, &current, upper, &labels, k, monitor, &mut passes)?;
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
        let mut request = at.request(&current);
        request.family = start.spec.family;
        let next = glm(&request, source, monitor)?;
        if next.fit.rows() != start.fit.rows() {
            return Err(wrong(format!(
                "`{formula}` has {} complete rows and the model at the start {}; leave out the rows with missing values \
                 first",
                next.fit.rows(),
                start.fit.rows()
            )));
        }
        passes.extend(next.fit.report.passes.iter().cloned());
        fit = Some(next);
    }
    let formula = path.last().map_or(formula, |m| m.formula.clone());
    Ok(DevianceStep {
        path,
        formula,
        passes,
    })
}
