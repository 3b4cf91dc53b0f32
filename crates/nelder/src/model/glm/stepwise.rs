//! Choosing a generalized linear model by its criterion, term by term: R's `step`.

use super::{Glm, glm};
use crate::formula::Terms;
use crate::model::inference::stepwise::{Bounds, Models, Visited, search};
use crate::model::inference::submodels::{labels, with_added};
use crate::model::{Direction, ModelError, Regression, Step, StepScope, TermChange};
use crate::pass::{Monitor, PassRecord};

/// The fits on the way.
struct Fits<'a, 's> {
    start: &'a Glm<'s>,
    /// The model visited last, once that is not the start.
    fit: Option<Glm<'s>>,
    passes: Vec<PassRecord>,
    k: f64,
    monitor: &'a dyn Monitor,
}

impl<'s> Fits<'_, 's> {
    fn at(&self) -> &Glm<'s> {
        self.fit.as_ref().unwrap_or(self.start)
    }

    /// Fits a model of these terms, which must have the rows of the start.
    fn fitted(&mut self, terms: &Terms, formula: &str, estimated: bool) -> Result<Glm<'s>, ModelError> {
        let mut request = self.at().request(terms);
        if estimated {
            request.family = self.start.spec.family;
        }
        let bound = &self.start.bound;
        let fit = glm(&request, bound.rows.source().clone(), bound.run(self.monitor))?;
        self.passes.extend(fit.report().passes.iter().cloned());
        if fit.fit.rows() == self.start.fit.rows() {
            return Ok(fit);
        }
        Err(ModelError::Argument {
            argument: "step".into(),
            why: format!(
                "`{formula}` has {} complete rows and the model at the start {}; leave out the rows with missing values \
                 first",
                fit.fit.rows(),
                self.start.fit.rows()
            ),
        })
    }
}

impl Models for Fits<'_, '_> {
    fn visit(&mut self, terms: &Terms, formula: &str) -> Result<Visited, ModelError> {
        if formula != self.start.formula() {
            let fit = self.fitted(terms, formula, true)?;
            self.fit = Some(fit);
        }
        let own = &self.at().fit;
        let aic = own.aic() + (self.k - 2.0) * own.rank() as f64;
        if aic.is_nan() {
            return Err(ModelError::Argument {
                argument: "step".into(),
                why: format!("the {} family has no criterion to choose by", own.family.label()),
            });
        }
        Ok(Visited {
            deviance: own.deviance,
            df_residual: own.df_residual() as f64,
            aic,
        })
    }

    fn drops(&mut self, terms: &Terms, drops: &[usize]) -> Result<Vec<TermChange>, ModelError> {
        let labels: Vec<(String, usize)> = labels("- ", terms, drops)
            .into_iter()
            .zip(drops.iter().copied())
            .collect();
        let at = self.at();
        let mut table = at.drops(
            &at.fit,
            &vec![true; terms.terms.len()],
            &labels,
            self.k,
            self.monitor,
        )?;
        self.passes.append(&mut table.passes);
        Ok(table.rows)
    }

    fn adds(&mut self, terms: &Terms, upper: &Terms, adds: &[usize]) -> Result<Vec<TermChange>, ModelError> {
        let all = with_added(terms, upper, adds)?;
        let largest = self.fitted(&all, &all.formula().to_string(), false)?;
        let labels = labels("+ ", upper, adds);
        let mut passes = Vec::new();
        let (at, monitor) = (self.at(), self.monitor);
        let rows = at.additions(
            &largest,
            terms,
            (upper, adds),
            labels,
            self.k,
            monitor,
            &mut passes,
        )?;
        self.passes.append(&mut passes);
        Ok(rows)
    }
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
) -> Result<Step, ModelError> {
    let bounds = Bounds::new(scope, direction, |text| start.bound.scope(text))?;
    let mut fits = Fits {
        start,
        fit: None,
        passes: Vec::new(),
        k,
        monitor,
    };
    let (path, formula) = search(&mut fits, &bounds, &start.bound.terms, start.formula())?;
    Ok(Step {
        path,
        formula,
        passes: fits.passes,
    })
}
