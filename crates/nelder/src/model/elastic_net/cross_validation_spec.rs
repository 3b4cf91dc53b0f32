//! Specification of a cross-validation.

use serde::{Deserialize, Serialize};

use super::ElasticNetSpec;
use super::curve::ErrorsOver;
use super::folds::Folds;
use super::lambda::LambdaSequence;
use super::measure::Measure;
use crate::design::{DesignError, Room};
use crate::model::ModelError;

/// Which λ of a fold's path an error at λ of the whole path is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alignment {
    /// The same λ, between those of the fold's path by interpolation.
    #[default]
    Lambda,
    /// The λ in the same place of the fold's path.
    Fraction,
}

/// A cross-validation: the arguments of `cv.glmnet`.
#[derive(Clone, Debug)]
pub struct CrossValidationSpec {
    /// The model.
    pub model: ElasticNetSpec,
    /// The folds.
    pub folds: Folds,
    /// Times that folds are drawn; errors are averaged.
    pub repeats: u32,
    /// Shares of absolute values in the penalty to compare; the model's alone where there are none.
    pub alphas: Vec<f64>,
    /// Comparison of λ.
    pub alignment: Alignment,
    /// Loss of a row.
    pub measure: Measure,
    /// True if the linear predictors of held-out rows are kept: `keep`.
    pub keep: bool,
    /// Shares γ of the penalized coefficients in mixtures with the relaxed fits, where the model asks for these.
    pub gammas: Vec<f64>,
    /// Units that standard errors are over; rows where folds have fewer than three each.
    pub over: ErrorsOver,
}

impl CrossValidationSpec {
    /// Ten folds of a model.
    pub fn new(model: ElasticNetSpec) -> Self {
        CrossValidationSpec {
            model,
            folds: Folds::default(),
            repeats: 1,
            alphas: Vec::new(),
            alignment: Alignment::default(),
            measure: Measure::Deviance,
            keep: false,
            gammas: vec![0.0, 0.25, 0.5, 0.75, 1.0],
            over: ErrorsOver::default(),
        }
    }

    /// Sets the loss of a row.
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Sets the folds.
    pub fn folds(mut self, folds: Folds) -> Self {
        self.folds = folds;
        self
    }

    pub(super) fn check(&self, rows: Option<u64>) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        self.folds.check(rows)?;
        if self.repeats == 0 {
            return wrong("repeats", "0 is below 1".into());
        }
        if self.repeats > 1 && matches!(self.folds, Folds::Given(_)) {
            return wrong("repeats", "folds that are given are the same each time".into());
        }
        if let LambdaSequence::Given(values) = &self.model.lambda
            && values.len() < 2
        {
            return wrong(
                "lambda",
                "need more than one value of lambda for cv.glmnet".into(),
            );
        }
        if self.keep && self.repeats > 1 {
            return wrong(
                "keep",
                "of folds that are drawn several times a row has several predictions".into(),
            );
        }
        if self.model.relax.is_some() {
            if self.gammas.is_empty() {
                return wrong("gamma", "there are none".into());
            }
            if let Some(gamma) = self.gammas.iter().find(|g| !(0.0..=1.0).contains(*g)) {
                return wrong("gamma", format!("{gamma} is not between 0 and 1"));
            }
        }
        match self.alphas.iter().find(|a| !(0.0..=1.0).contains(*a)) {
            Some(alpha) => wrong("alpha", format!("{alpha} is not between 0 and 1")),
            None => Ok(()),
        }
    }

    /// Units that standard errors are over: rows where folds have fewer than three each, as in glmnet.
    pub(super) fn errors_over(&self, rows: u64) -> ErrorsOver {
        match rows < 3 * self.folds.count() as u64 {
            true => ErrorsOver::Rows,
            false => self.over,
        }
    }

    /// The measure: of fewer than ten rows a fold, whose area would be of few pairs, the deviance, as in glmnet.
    pub(super) fn measure_of(&self, rows: u64) -> Measure {
        match self.measure {
            Measure::Area if rows < 10 * self.folds.count() as u64 => Measure::Deviance,
            own => own,
        }
    }

    /// Refuses folds whose matrices would be larger than the memory that a fit may take.
    ///
    /// # Errors
    /// Their size, and what there is.
    pub(super) fn check_room(&self, columns: usize) -> Result<(), ModelError> {
        let folds = self.folds.count() * self.repeats as usize;
        Room::of_machine()
            .for_folds(columns, folds)
            .map_err(|lack| match folds > 10 {
                true => ModelError::argument(
                    "nfolds",
                    format!("{folds} folds have no room: {lack}; fewer folds or repeats need less"),
                ),
                false => ModelError::Design(DesignError::NoRoom(lack)),
            })
    }

    /// True if the errors of a model of squares are of rows, which the products of folds do not tell.
    pub(super) fn reads_rows(&self, over: ErrorsOver) -> bool {
        over == ErrorsOver::Rows || !matches!(self.measure, Measure::Deviance | Measure::Squared)
    }

    /// The folds of each draw.
    pub(super) fn draws(&self) -> Vec<Folds> {
        (0..self.repeats)
            .map(|r| self.folds.repeated(u64::from(r)))
            .collect()
    }

    /// γ of the mixtures with relaxed fits, ascending; none where these are not asked for.
    pub(super) fn mixtures(&self) -> Vec<f64> {
        match self.model.relax {
            None => Vec::new(),
            Some(_) => {
                let mut gammas = self.gammas.clone();
                gammas.sort_by(f64::total_cmp);
                gammas
            }
        }
    }

    pub(super) fn alphas(&self) -> Vec<f64> {
        match self.alphas.is_empty() {
            true => vec![self.model.alpha],
            false => self.alphas.clone(),
        }
    }
}
