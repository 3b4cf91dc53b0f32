//! Analysis of deviance: terms in sequence, models beside each other, one term less or more.
//!
//! R's `anova`, `drop1` and `add1` of a `glm`. The smaller models have some of the columns of a fit's rows as
//! they are coded in it; each is an iteration of its own. θ of a negative binomial stays as it was estimated.

use std::sync::Arc;

use super::fisher::FisherScoring;
use super::{Glm, GlmSpec, MaximumLikelihood, SavedGlm, glm};
use crate::family::{Family, FamilyName};
use crate::formula::Terms;
use crate::model::inference::submodels::{labels, with_added};
use crate::model::{Compared, ModelError, ModelLine, Regression, TermChange, TermChanges, compare};
use crate::pass::{Monitor, PassRecord};

/// A term's row of a sequential table.
#[derive(Clone, Debug, PartialEq)]
pub struct DevianceTerm {
    /// R's label.
    pub term: String,
    /// Degrees of freedom.
    pub df: f64,
    /// Deviance that it takes away beyond the terms before it.
    pub deviance: f64,
    /// Residual degrees of freedom of the model with the terms up to it.
    pub df_residual: f64,
    /// Deviance of that model.
    pub residual: f64,
}

/// Terms in their order: R's `anova` of one model.
#[derive(Clone, Debug)]
pub struct SequentialDeviance {
    /// Degrees of freedom of the model without terms.
    pub df_null: f64,
    /// Its deviance.
    pub null_deviance: f64,
    /// The terms.
    pub terms: Vec<DevianceTerm>,
    /// Dispersion of the whole model.
    pub dispersion: f64,
    /// Degrees of freedom that it was estimated with; infinite where it is known.
    pub df_dispersion: f64,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
}

/// Compares fits, in the order given: R's `anova(m1, m2, …)`. With the lines come the dispersion of the largest model
/// and the degrees of freedom that it was estimated with, infinite where it is known.
///
/// # Errors
/// [`ModelError::Argument`] where the models are not of the same rows, response and family, or there is none.
pub fn compare_deviances(models: &[SavedGlm]) -> Result<(Vec<ModelLine>, f64, f64), ModelError> {
    let compared: Vec<Compared> = models.iter().map(SavedGlm::compared).collect();
    let lines = compare(&compared)?;
    let largest = models.iter().min_by_key(|m| m.df_residual);
    let (dispersion, df) = largest.map_or((f64::NAN, f64::NAN), |m| match m.family.known_dispersion() {
        true => (m.dispersion, f64::INFINITY),
        false => (m.dispersion, m.df_residual as f64),
    });
    Ok((lines, dispersion, df))
}

impl<'s> Glm<'s> {
    /// The model with some of the terms, on the rows and with the columns of this one.
    fn submodel(&self, keep: &[bool], monitor: &dyn Monitor) -> Result<MaximumLikelihood, ModelError> {
        let spec = GlmSpec {
            start: None,
            ..self.spec.clone()
        };
        let ended = FisherScoring {
            session: Arc::default(),
            bound: &self.bound,
            family: Family {
                estimated: false,
                ..self.fit.family
            },
            terms: Some(keep.to_vec()),
            held: None,
            spec: &spec,
            monitor,
        }
        .run()?;
        Ok(MaximumLikelihood::new(ended, &self.bound))
    }

    /// Deviances of the terms in their order: R's `anova`. An iteration for each term but the last.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{GlmSpec, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let table = fit.sequential(&NoProgress).unwrap();
    /// assert_eq!(table.terms[0].deviance, fit.fit.null_deviance - fit.fit.deviance);
    /// ```
    ///
    /// # Errors
    /// Those of a pass; a submodel without valid starting values.
    pub fn sequential(&self, monitor: &dyn Monitor) -> Result<SequentialDeviance, ModelError> {
        let own = &self.bound.terms.terms;
        let mut passes = Vec::new();
        let mut before = (self.df_null() as f64, self.fit.null_deviance);
        let mut rows = Vec::new();
        for t in 0..own.len() {
            let now = if t + 1 == own.len() {
                (self.fit.df_residual() as f64, self.fit.deviance)
            } else {
                let keep: Vec<bool> = (0..own.len()).map(|i| i <= t).collect();
                let mut sub = self.submodel(&keep, monitor)?;
                passes.append(&mut sub.report.passes);
                (sub.df_residual() as f64, sub.deviance)
            };
            rows.push(DevianceTerm {
                term: own[t].label.clone(),
                df: before.0 - now.0,
                deviance: before.1 - now.1,
                df_residual: now.0,
                residual: now.1,
            });
            before = now;
        }
        Ok(SequentialDeviance {
            df_null: self.df_null() as f64,
            null_deviance: self.fit.null_deviance,
            terms: rows,
            dispersion: self.dispersion,
            df_dispersion: self.dof_tests(false),
            passes,
        })
    }

    /// R's log-likelihood of `drop1.glm`, up to a constant, times −2.
    fn criterion_of(&self, deviance: f64) -> f64 {
        let n = self.fit.rows() as f64;
        match self.fit.family.name {
            FamilyName::Gaussian => n * (deviance / n).ln(),
            _ => deviance / self.dispersion,
        }
    }

    fn changes(
        &self,
        base: &MaximumLikelihood,
        changed: Vec<(String, MaximumLikelihood)>,
        k: f64,
    ) -> Vec<TermChange> {
        let (rank, own) = (base.rank() as f64, self.criterion_of(base.deviance));
        // R's extractAIC of the model itself fixes the constant
        let shift = base.aic() + (k - 2.0) * rank - (own + k * rank);
        let mut rows = vec![TermChange {
            term: "<none>".into(),
            df: None,
            change: None,
            deviance: base.deviance,
            aic: own + k * rank + shift,
        }];
        for (term, model) in changed {
            let new = self.criterion_of(model.deviance);
            rows.push(TermChange {
                term,
                df: Some((rank - model.rank() as f64).abs()),
                change: Some((new - own).abs()),
                deviance: model.deviance,
                aic: new + k * model.rank() as f64 + shift,
            });
        }
        rows
    }

    /// The model without each of the terms that are part of no other: R's `drop1`. `k` is the price of a parameter.
    ///
    /// # Errors
    /// Those of a pass; a submodel without valid starting values.
    pub fn drop1(&self, k: f64, monitor: &dyn Monitor) -> Result<TermChanges, ModelError> {
        let own = &self.bound.terms;
        let all = vec![true; own.terms.len()];
        let labels = own
            .drop_scope()
            .into_iter()
            .map(|t| (own.terms[t].label.clone(), t));
        self.drops(&self.fit, &all, &labels.collect::<Vec<_>>(), k, monitor)
    }

    pub(in crate::model) fn drops(
        &self,
        base: &MaximumLikelihood,
        keep: &[bool],
        drops: &[(String, usize)],
        k: f64,
        monitor: &dyn Monitor,
    ) -> Result<TermChanges, ModelError> {
        let mut passes = Vec::new();
        let mut changed = Vec::new();
        for (label, t) in drops {
            let without: Vec<bool> = keep.iter().enumerate().map(|(i, &k)| k && i != *t).collect();
            let mut sub = self.submodel(&without, monitor)?;
            passes.append(&mut sub.report.passes);
            changed.push((label.clone(), sub));
        }
        Ok(TermChanges {
            rows: self.changes(base, changed, k),
            df_residual: base.df_residual() as f64,
            dispersion: self.dispersion,
            passes,
        })
    }

    /// The same request with other terms.
    pub(in crate::model) fn request(&self, terms: &Terms) -> GlmSpec {
        GlmSpec {
            design: self.spec.design.with_terms(terms),
            start: None,
            family: Family {
                estimated: false,
                ..self.fit.family
            },
            ..self.spec.clone()
        }
    }

    /// The model with each term of a scope that it lacks and whose margins it has: R's `add1`. The scope is a formula
    /// such as `~ . + z`, where `.` is this model; all models are of the rows that are complete in the scope.
    ///
    /// # Errors
    /// Those of [`glm`] for the model with all of them; [`ModelError::Argument`] where the scope adds nothing.
    pub fn add1(&self, scope: &str, k: f64, monitor: &dyn Monitor) -> Result<TermChanges, ModelError> {
        let own = &self.bound.terms;
        let (upper, adds) = self.bound.added(scope)?;
        let all = with_added(own, &upper, &adds)?;
        let largest = glm(
            &self.request(&all),
            self.bound.rows.source().clone(),
            self.bound.run(monitor),
        )?;
        let labels = labels("", &upper, &adds);
        let mut passes = largest.report().passes.clone();
        let rows = self.additions(&largest, own, (&upper, &adds), labels, k, monitor, &mut passes)?;
        Ok(TermChanges {
            rows,
            df_residual: self.fit.df_residual() as f64,
            dispersion: self.dispersion,
            passes,
        })
    }

    /// Changes of a model whose terms are some of those of `largest`, each adding a term of another, under a label.
    #[allow(clippy::too_many_arguments)]
    pub(in crate::model) fn additions(
        &self,
        largest: &Glm<'_>,
        current: &Terms,
        added: (&Terms, &[usize]),
        labels: Vec<String>,
        k: f64,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<Vec<TermChange>, ModelError> {
        let (keep, masks) = largest.bound.with_each(current, added);
        let mut submodel = |keep: &[bool]| -> Result<MaximumLikelihood, ModelError> {
            let mut sub = largest.submodel(keep, monitor)?;
            passes.append(&mut sub.report.passes);
            Ok(sub)
        };
        let base = submodel(&keep)?;
        let mut changed = Vec::new();
        for (label, mask) in labels.into_iter().zip(masks) {
            changed.push((label, submodel(&mask)?));
        }
        Ok(self.changes(&base, changed, k))
    }
}
