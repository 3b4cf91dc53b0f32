//! Covariances of the coefficients: as the model has them, and robust to heteroskedasticity and to clusters.
//!
//! A coefficient's coordinates in the basis of [`WhitenedDesign`] make the unscaled covariance an inner product; with the
//! sum Q of squared scores in between they make the sandwich E Q Eᵀ (White 1980; Liang & Zeger 1986). R's
//! `sandwich::vcovHC` and `sandwich::vcovCL` are the specification; rows of weight zero do not
//! count as observations here, which differs from `sandwich`.

use std::sync::Arc;

use faer::Mat;
use nelder_device::Dd;

use super::cluster_sums::{ClusterSums, by_cluster};
use super::whitened_design::{Power, SandwichMeat, WhitenedDesign};
use super::{ClusterType, Vcov};
use crate::model::equations::fitted::{Coordinates, ScaledMatrix, exponent, times_two_to};
use crate::model::{FittedEquations, LeastSquares, Lm, ModelError, by_atom};
use crate::pass::{Coefficients, Monitor, PassRecord, run};
use crate::solve::{Symmetric, factor_twice};

/// A covariance of the coefficients and what it took.
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Which one.
    pub kind: Vcov,
    /// Columns x columns, in the units of the data; `NaN` in rows and columns of aliased coefficients.
    pub matrix: Mat<f64>,
    /// Number of clusters, where there are any.
    pub clusters: Option<usize>,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
    /// Roots of the diagonal, which the data's units may leave in range where the diagonal is not.
    std_errors: Vec<f64>,
    /// The same in units in which it is in range, where it is not in those of the data.
    in_range: Option<ScaledMatrix>,
}

impl Covariance {
    /// A covariance in the units of the data, with its standard errors.
    pub(in crate::model) fn new(
        kind: &Vcov,
        matrix: Mat<f64>,
        std_errors: Vec<f64>,
        clusters: Option<usize>,
        passes: Vec<PassRecord>,
    ) -> Covariance {
        Covariance {
            kind: kind.clone(),
            matrix,
            clusters,
            passes,
            std_errors,
            in_range: None,
        }
    }

    /// A covariance in the units of the rows, entry (i, j) times 2^(aᵢ + aⱼ): columns were divided by `scales` and the response by one
    /// over `response`, powers of two.
    pub(in crate::model) fn of_rows(
        kind: &Vcov,
        ScaledMatrix {
            matrix,
            mut exponents,
        }: ScaledMatrix,
        (scales, response): (&[f64], f64),
        clusters: Option<usize>,
        passes: Vec<PassRecord>,
    ) -> Covariance {
        // a variance is in range where twice its exponent is
        const IN_RANGE: i32 = 450;
        for (a, s) in exponents.iter_mut().zip(scales) {
            *a += exponent(*s) - exponent(response);
        }
        let p = matrix.nrows();
        let std_errors = (0..p)
            .map(|i| times_two_to(matrix[(i, i)].sqrt(), exponents[i]))
            .collect();
        let of = |i: usize, j: usize| times_two_to(matrix[(i, j)], exponents[i] + exponents[j]);
        let own = Mat::from_fn(p, p, of);
        let far = exponents.iter().any(|a| a.abs() > IN_RANGE);
        Covariance {
            in_range: far.then_some(ScaledMatrix { matrix, exponents }),
            ..Self::new(kind, own, std_errors, clusters, passes)
        }
    }

    /// Standard errors: roots of the diagonal, `NaN` where aliased.
    pub fn std_errors(&self) -> Vec<f64> {
        self.std_errors.clone()
    }

    /// Covariance and coefficients of some columns in units in which a quadratic form of them stays in range, which does not depend on
    /// units.
    fn in_range(&self, columns: &[usize], coefficients: &[f64]) -> (Symmetric, Vec<Dd>) {
        let (matrix, exponents) = match &self.in_range {
            None => (&self.matrix, None),
            Some(ScaledMatrix { matrix, exponents }) => (matrix, Some(exponents)),
        };
        let mut out = Symmetric::zeros(columns.len());
        for (i, &c) in columns.iter().enumerate() {
            for (j, &d) in columns[..=i].iter().enumerate() {
                out.add(i, j, Dd::new(matrix[(c, d)]));
            }
            out.norms[i] = matrix[(c, c)];
            out.sizes[i] = out.norms[i];
        }
        let of = |&c: &usize| match exponents {
            None => coefficients[c],
            Some(exponents) => times_two_to(coefficients[c], -exponents[c]),
        };
        (out, columns.iter().map(|c| Dd::new(of(c))).collect())
    }
}

impl LeastSquares {
    /// The solved equations.
    pub fn system(&self) -> FittedEquations<'_> {
        FittedEquations {
            map: &self.columns.map,
            normal: &self.normal,
            factor: &self.factor,
            atoms: self.gram.atoms(),
            aliased: &self.aliased,
            scales: &self.scales,
            variances: &self.variances,
        }
    }

    /// Returns the powers of two, one a column, that take coefficients from the units of the columns as they were summed to those
    /// of the data (the response's scale apart).
    pub fn column_scales(&self) -> Vec<f64> {
        self.system().column_scales()
    }

    /// Returns the power of two by which a response was multiplied.
    pub fn response_scale(&self, response: usize) -> f64 {
        let atoms = self.gram.atoms();
        self.scales
            .get(atoms.dense + atoms.extra + response)
            .copied()
            .unwrap_or(1.0)
    }

    /// Coefficients of a response in the units in which rows are delivered.
    pub(in crate::model) fn scaled_coefficients(&self, response: usize) -> Vec<Dd> {
        let t = self.response_scale(response);
        let scales = self.column_scales();
        self.coefficients[response]
            .iter()
            .zip(scales)
            .map(|(b, s)| b.scale(t / s))
            .collect()
    }

    /// The same by atom, for a pass over the rows.
    pub(in crate::model) fn coefficients_by_atom(&self, response: usize) -> Coefficients {
        let atoms = self.gram.atoms();
        let tables: Vec<(usize, usize)> = self
            .gram
            .groups
            .iter()
            .zip(&atoms.groups)
            .map(|(t, g)| (t.codes(), g.multipliers.len()))
            .collect();
        by_atom(
            &self.columns.map,
            &self.scaled_coefficients(response),
            atoms.dense,
            &tables,
        )
    }
}

impl Lm<'_> {
    /// (XᵀWX)⁻¹, columns x columns in the units of the data; `NaN` in rows and columns of aliased coefficients.
    /// R's `summary(fit)$cov.unscaled`, with the aliased.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] beyond 4,000 columns.
    pub fn unscaled_covariance(&self) -> Result<Mat<f64>, ModelError> {
        self.fit.system().unscaled()
    }

    /// A covariance of the coefficients of a response. `Iid` takes no pass, the others one.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{LmSpec, Vcov, lm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    /// let robust = fit.vcov(0, &Vcov::Hc3, &NoProgress).unwrap();
    /// assert_eq!(robust.passes.len(), 1);
    /// assert!(robust.std_errors()[1] > 0.0);
    /// ```
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] beyond 4,000 columns; [`ModelError::Argument`] where HC2 or HC3 meet a row
    /// of leverage one, where there are fewer than two clusters, or where the response is not there; those of a
    /// pass, and of the cluster expression.
    pub fn vcov(
        &self,
        response: usize,
        kind: &Vcov,
        monitor: &dyn Monitor,
    ) -> Result<Covariance, ModelError> {
        let Some(own) = self.responses.get(response) else {
            return Err(ModelError::Argument {
                argument: "response".into(),
                why: format!(
                    "there is no response {response}: the model has {}",
                    self.responses.len()
                ),
            });
        };
        if *kind == Vcov::Iid {
            let (fit, df) = (&self.fit, self.df_residual as f64);
            // in the units of the rows, whose squares are in range
            let mut matrix = fit.system().unscaled_of_rows()?;
            let diagonal = fit.row_variances.iter().enumerate();
            diagonal.for_each(|(c, v)| matrix[(c, c)] = *v);
            let variance = fit.row_rss[response].hi / df;
            matrix
                .row_iter_mut()
                .for_each(|row| row.iter_mut().for_each(|v| *v *= variance));
            let exponents = vec![0; matrix.nrows()];
            let scales = (&fit.column_scales()[..], fit.response_scale(response));
            return Ok(Covariance {
                std_errors: own.std_errors.clone(),
                ..Covariance::of_rows(kind, ScaledMatrix { matrix, exponents }, scales, None, Vec::new())
            });
        }
        let fit = &self.fit;
        let all = fit.system().coordinates("the covariance of all coefficients")?;
        let mut passes = Vec::new();
        let (n, k) = (self.rows() as f64, self.rank as f64);
        let (matrix, clusters) = match kind.clustered(ClusterType::Hc1) {
            None => {
                let scores = self.scores(response, kind, monitor, &mut passes)?;
                let factor = scores.adjustment(kind, n, k)?;
                let (squares, heavy) = (scores.squares(), scores.heavy());
                (fit.system().sandwich(&all, &squares, &heavy, factor), None)
            }
            Some(clusters) => {
                let (matrix, g) = self.clustered(response, clusters, &all, monitor, &mut passes)?;
                (matrix, Some(g))
            }
        };
        let scales = (&fit.column_scales()[..], fit.response_scale(response));
        Ok(Covariance::of_rows(kind, matrix, scales, clusters, passes))
    }

    /// f E Q Eᵀ with exponents, Q the sum over clusters of their squared scores, and the number of clusters; in twice the precision
    /// where sums over clusters cancel.
    fn clustered(
        &self,
        response: usize,
        (expression, own): (&str, ClusterType),
        all: &Coordinates,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<(ScaledMatrix, usize), ModelError> {
        let fit = &self.fit;
        let rows = &self.bound.rows;
        let (n, k) = (self.rows() as f64, self.rank as f64);
        let coefficients = Arc::new(fit.coefficients_by_atom(response));
        let none = ClusterSums::new(self.basis(), coefficients, response, own);
        let mut sum =
            |none: &ClusterSums| by_cluster(expression, rows, monitor, passes, none, ClusterSums::update);
        let found = sum(&none)?;
        let g = found.clusters();
        let factor = own.factor(expression, g, n, k)?;
        let sandwich = |sums: &ClusterSums| -> Result<_, ModelError> {
            Ok(fit
                .system()
                .sandwich(all, &sums.squares()?, &sums.scores(), factor))
        };
        let matrix = sandwich(&found)?;
        match found.has_twice() && found.lost_to_rows(all, &matrix, factor) {
            true => Ok((sandwich(&sum(&none.in_twice())?)?, g)),
            false => Ok((matrix, g)),
        }
    }

    /// The pass that a robust covariance takes.
    fn scores(
        &self,
        response: usize,
        kind: &Vcov,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<SandwichMeat, ModelError> {
        let coefficients = Arc::new(self.fit.coefficients_by_atom(response));
        let new = || SandwichMeat::new(self.basis(), coefficients.clone(), response, Power::of(kind));
        let rows = &self.bound.rows;
        let scores = run(&format!("scores, {kind}"), "f64", rows, monitor, new)?;
        passes.extend(scores.records);
        Ok(scores.value)
    }

    fn basis(&self) -> Arc<WhitenedDesign> {
        let fit = &self.fit;
        Arc::new(WhitenedDesign::new(
            &fit.normal,
            &fit.factor,
            &fit.columns.map,
            fit.gram.atoms(),
        ))
    }

    /// F statistic of all coefficients but the intercept under a covariance (R's `lmtest::waldtest`): value and
    /// degrees of freedom. `None` where there is nothing to test, or the covariance of the slopes is singular.
    pub fn wald(&self, response: usize, covariance: &Covariance) -> Option<(f64, f64, f64)> {
        let own = self.responses.get(response)?;
        let first = usize::from(self.intercept());
        let slopes: Vec<usize> = (first..self.fit.aliased.len())
            .filter(|&c| !self.fit.aliased[c])
            .collect();
        let q = slopes.len();
        if q == 0 || self.df_residual == 0 {
            return None;
        }
        let (matrix, b) = covariance.in_range(&slopes, &own.coefficients);
        let factor = factor_twice(&matrix, 1e-8, f64::EPSILON);
        if factor.accepted.len() < q {
            return None;
        }
        let value = factor.effects(&b).iter().fold(Dd::ZERO, |s, e| s + *e * *e).hi / q as f64;
        Some((value, q as f64, self.df_residual as f64))
    }
}

impl SandwichMeat {
    /// Returns the factor of the sandwich, for n rows and k coefficients: n / (n − k) for HC1, else 1.
    ///
    /// # Errors
    /// A row of leverage one where residuals are divided by 1 − h.
    pub(in crate::model) fn adjustment(&self, kind: &Vcov, n: f64, k: f64) -> Result<f64, ModelError> {
        if let Some(row) = self.saturated {
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
}
