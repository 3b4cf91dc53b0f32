//! Covariances of the coefficients that are robust to heteroskedasticity and to clusters.
//!
//! A coefficient's coordinates in the basis of [`WhitenedDesign`] make the unscaled covariance an inner product; with the
//! sum Q of squared scores in between they make the sandwich E Q Eᵀ (White 1980; Liang & Zeger 1986). The scores of a row are
//! x W r with the working residual r, those of a weighted linear model ([`RowModel`]). R's
//! `sandwich::vcovHC` and `sandwich::vcovCL` are the specification; rows of weight zero do not
//! count as observations here, which differs from `sandwich`.

use std::sync::Arc;

use nelder_device::Dd;

use super::cluster_sums::{ClusterSums, by_cluster};
use super::row_model::{RowModel, Under};
use super::sandwich_meat::{Power, SandwichMeat};
use super::whitened_design::WhitenedDesign;
use super::{ClusterType, Covariance, Regression, Vcov};
use crate::design::Block;
use crate::frame::Batch;
use crate::model::ModelError;
use crate::model::equations::fitted::{Coordinates, ScaledMatrix};
use crate::pass::{Coefficients, Monitor, PassRecord, Worker, run_beside};
use crate::solve::factor_twice;

/// A covariance of the coefficients of a fit: [`Inference::vcov`](super::Inference::vcov).
pub(super) fn vcov<R: Regression + ?Sized>(
    fit: &R,
    kind: &Vcov,
    monitor: &dyn Monitor,
) -> Result<Covariance, ModelError> {
    if *kind == Vcov::Iid {
        return fit.model_covariance();
    }
    let equations = fit.equations();
    let rows = fit.row_model();
    let pass = ScorePass {
        fit,
        all: equations.coordinates("the covariance of all coefficients")?,
        at: (rows.coefficients().iter())
            .map(|b| equations.by_atom(b))
            .collect(),
        basis: Arc::new(rows.basis()),
        rows: &*rows,
        monitor,
    };
    let mut passes = Vec::new();
    let (matrix, clusters) = match kind.clustered(rows.cluster_type()) {
        None => (pass.by_row(kind, &mut passes)?, None),
        Some(clusters) => {
            let (matrix, g) = pass.clustered(clusters, &mut passes)?;
            (matrix, Some(g))
        }
    };
    let scales = (&equations.column_scales()[..], rows.response_scale());
    Ok(Covariance::of_rows(kind, matrix, scales, clusters, passes))
}

/// A pass for the scores of a fit.
struct ScorePass<'a, R: ?Sized> {
    fit: &'a R,
    rows: &'a dyn RowModel,
    /// Coordinates of the coefficients.
    all: Coordinates,
    /// The coefficients of the row model, by atom.
    at: Vec<Coefficients>,
    basis: Arc<WhitenedDesign>,
    monitor: &'a dyn Monitor,
}

impl<R: Regression + ?Sized> ScorePass<'_, R> {
    /// A factor of the sandwich, `NaN` where the fit is none of which a covariance is known.
    fn known(&self, factor: f64) -> f64 {
        if self.fit.is_regular() { factor } else { f64::NAN }
    }

    /// f E Q Eᵀ with exponents, Q the sum over rows of their squared scores.
    fn by_row(&self, kind: &Vcov, passes: &mut Vec<PassRecord>) -> Result<ScaledMatrix, ModelError> {
        let power = Power::of(kind);
        let under = match power {
            Power::Zero => Under::Fit,
            Power::One | Power::Two => Under::Equations,
        };
        let update = |scores: &mut SandwichMeat, block: &Block<'_>, _: &Batch<'_>| {
            let mut take = |working: &Block<'_>| scores.update(working);
            self.rows.working(block, &self.at, under, &mut take)
        };
        let new = || SandwichMeat::new(self.basis.clone(), power);
        let name = format!("scores, {kind}");
        let rows = &self.fit.frame().rows;
        let found = run_beside(&name, "f64", rows, &[], self.monitor, new, update, Worker::finish)?;
        passes.extend(found.records);
        let scores = found.value;
        let factor = adjustment(&scores, kind, self.fit.nobs() as f64, self.fit.rank() as f64)?;
        let (squares, heavy) = (scores.squares(), scores.heavy());
        let equations = self.fit.equations();
        Ok(equations.sandwich(&self.all, &squares, &heavy, self.known(factor)))
    }

    /// f E Q Eᵀ with exponents, Q the sum over clusters of their squared scores, and the number of clusters; in twice the precision
    /// where sums over clusters cancel.
    fn clustered(
        &self,
        (expression, own): (&str, ClusterType),
        passes: &mut Vec<PassRecord>,
    ) -> Result<(ScaledMatrix, usize), ModelError> {
        let mut sum = |none: &ClusterSums| {
            let update = |sums: &mut ClusterSums, block: &Block<'_>, codes: &[u32]| {
                let mut take = |working: &Block<'_>| sums.update(working, codes);
                self.rows.working(block, &self.at, Under::Fit, &mut take)
            };
            let rows = &self.fit.frame().rows;
            by_cluster(expression, rows, self.monitor, passes, none, update)
        };
        let none = ClusterSums::new(self.basis.clone(), own);
        let found = sum(&none)?;
        let g = found.clusters();
        let (n, k) = (self.fit.nobs() as f64, self.fit.rank() as f64);
        let factor = self.known(own.factor(expression, g, n, k)?);
        let sandwich = |sums: &ClusterSums| -> Result<_, ModelError> {
            let equations = self.fit.equations();
            Ok(equations.sandwich(&self.all, &sums.squares()?, &sums.scores(), factor))
        };
        let matrix = sandwich(&found)?;
        let again = self.rows.has_twice() && found.has_twice();
        match again && found.lost_to_rows(&self.all, &matrix, factor) {
            true => Ok((sandwich(&sum(&none.in_twice())?)?, g)),
            false => Ok((matrix, g)),
        }
    }
}

/// Returns the factor of the sandwich, for n rows and k coefficients: n / (n − k) for HC1, else 1.
///
/// # Errors
/// A row of leverage one where residuals are divided by 1 − h.
fn adjustment(scores: &SandwichMeat, kind: &Vcov, n: f64, k: f64) -> Result<f64, ModelError> {
    if let Some(row) = scores.saturated {
        return Err(ModelError::Argument {
            argument: "vcov".into(),
            why: format!(
                "{kind} divides by 1 - leverage, and row {} has leverage 1 (the model fits it alone); \
                 use HC0 or HC1",
                row + 1
            ),
        });
    }
    Ok(match kind {
        Vcov::Hc1 => n / (n - k),
        _ => 1.0,
    })
}

/// F statistic of all coefficients but the intercept under a covariance: [`Inference::wald`](super::Inference::wald).
pub(super) fn wald<R: Regression + ?Sized>(fit: &R, covariance: &Covariance) -> Option<(f64, f64, f64)> {
    let aliased = fit.equations().aliased;
    let first = usize::from(fit.intercept());
    let slopes: Vec<usize> = (first..aliased.len()).filter(|&c| !aliased[c]).collect();
    let q = slopes.len();
    if q == 0 || fit.dof_residual() == 0 {
        return None;
    }
    let (matrix, b) = covariance.in_range(&slopes, fit.coef());
    let factor = factor_twice(&matrix, 1e-8, f64::EPSILON);
    if factor.accepted.len() < q {
        return None;
    }
    let value = factor.effects(&b).iter().fold(Dd::ZERO, |s, e| s + *e * *e).hi / q as f64;
    Some((value, q as f64, fit.dof_residual() as f64))
}
