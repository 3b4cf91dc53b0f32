//! Covariances of the coefficients: as the model has them, and robust to heteroskedasticity and to clusters.
//!
//! A coefficient's coordinates in the basis of [`Basis`] make the unscaled covariance an inner product; with the
//! sum Q of squared scores in between they make the sandwich E Q Eᵀ (White 1980; Liang & Zeger 1986). R's
//! `sandwich::vcovHC` and `sandwich::vcovCL(type = "HC1")` are the specification; rows of weight zero do not
//! count as observations here, which differs from `sandwich`.

use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::Dd;

use super::ladder::MOST_COLUMNS;
use super::scores::{Basis, Power, Scores};
use super::vcov::Clusters;
use super::{Functional, LeastSquares, Lm, ModelError, Vcov, by_atom};
use crate::design::{Block, ColumnKind};
use crate::frame::Batch;
use crate::pass::{Coefficients, Monitor, PassRecord, run, run_beside};
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
}

impl Covariance {
    /// Standard errors: roots of the diagonal, `NaN` where aliased.
    pub fn std_errors(&self) -> Vec<f64> {
        (0..self.matrix.nrows())
            .map(|i| self.matrix[(i, i)].sqrt())
            .collect()
    }
}

/// Coordinates of the coefficients: over the factor's columns, and over the levels of an eliminated factor.
pub(super) struct Coordinates {
    /// By column; `None` where aliased.
    pub functionals: Vec<Option<Functional>>,
    /// Columns x coordinates.
    pub kept: Mat<f64>,
}

impl LeastSquares {
    /// What a coefficient in the units of the columns as they were summed is multiplied with to be in the units
    /// of the data (the response's scale apart): powers of two.
    pub fn column_scales(&self) -> Vec<f64> {
        let scale = |e: usize| self.scales.get(e).copied().unwrap_or(1.0);
        let groups = &self.gram.atoms().groups;
        let of = |kind: &ColumnKind| match *kind {
            ColumnKind::Intercept => 1.0,
            ColumnKind::Dense(e) => scale(e),
            ColumnKind::Coded { group, multiplier } => {
                groups[group].multipliers[multiplier].map_or(1.0, scale)
            }
        };
        self.columns.map.kinds.iter().map(of).collect()
    }

    /// What a response was multiplied with: a power of two.
    pub fn response_scale(&self, response: usize) -> f64 {
        let atoms = self.gram.atoms();
        self.scales
            .get(atoms.dense + atoms.extra + response)
            .copied()
            .unwrap_or(1.0)
    }

    /// Coefficients of a response in the units in which rows are delivered.
    pub(super) fn scaled_coefficients(&self, response: usize) -> Vec<Dd> {
        let t = self.response_scale(response);
        let scales = self.column_scales();
        self.coefficients[response]
            .iter()
            .zip(scales)
            .map(|(b, s)| b.scale(t / s))
            .collect()
    }

    /// The same by atom, for a pass over the rows.
    pub(super) fn coefficients_by_atom(&self, response: usize) -> Coefficients {
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

    pub(super) fn coordinates(&self, what: &str) -> Result<Coordinates, ModelError> {
        let p = self.aliased.len();
        if p > MOST_COLUMNS {
            let what = what.to_string();
            return Err(ModelError::TooManyColumns {
                what,
                columns: p,
                limit: MOST_COLUMNS,
            });
        }
        let map = &self.columns.map;
        let means = self.normal.level_means();
        let root = self.factor.root();
        let scales = self.column_scales();
        let mut kept = Mat::<f64>::zeros(p, root.ncols());
        let mut functionals = Vec::with_capacity(p);
        for c in 0..p {
            if self.aliased[c] {
                functionals.push(None);
                continue;
            }
            let f = self.normal.functional(map, c);
            let v = self.normal.reduced(&f, &means);
            let mut entries = v.iter().enumerate().filter(|(_, x)| x.hi != 0.0);
            match (entries.next(), entries.next()) {
                (Some((j, x)), None) => {
                    for a in 0..root.ncols() {
                        kept[(c, a)] = root[(j, a)] * x.hi * scales[c];
                    }
                }
                (None, _) => {}
                // twice the precision, because the terms of a product with `root` may cancel
                _ => {
                    for (a, e) in self.factor.effects(&v).iter().enumerate() {
                        kept[(c, a)] = e.hi * scales[c];
                    }
                }
            }
            functionals.push(Some(f));
        }
        Ok(Coordinates { functionals, kept })
    }

    /// Entries of a functional over the levels of the eliminated factor, as coordinates.
    pub(super) fn level_coordinates(&self, functional: &Functional) -> Vec<f64> {
        let Some(a) = &self.normal.absorbed else {
            return Vec::new();
        };
        let mut out = vec![functional.all; a.weights.len()];
        for &(l, x) in &functional.levels {
            out[l] += x;
        }
        out.iter_mut()
            .zip(&a.weights)
            .for_each(|(x, w)| *x /= w.hi.sqrt());
        out
    }

    /// Σ c d / N over the levels of the eliminated factor.
    fn level_product(&self, c: &Functional, d: &Functional, inverse_weight: f64) -> f64 {
        let Some(a) = &self.normal.absorbed else {
            return 0.0;
        };
        let mut s = c.all * d.all * inverse_weight;
        for &(l, x) in &c.levels {
            s += x * d.all / a.weights[l].hi;
            for &(k, y) in &d.levels {
                if k == l {
                    s += x * y / a.weights[l].hi;
                }
            }
        }
        for &(k, y) in &d.levels {
            s += y * c.all / a.weights[k].hi;
        }
        s
    }
}

impl Lm<'_> {
    /// (XᵀWX)⁻¹, columns x columns in the units of the data; `NaN` in rows and columns of aliased coefficients.
    /// R's `summary(fit)$cov.unscaled`, with the aliased.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] beyond 4,000 columns.
    pub fn unscaled_covariance(&self) -> Result<Mat<f64>, ModelError> {
        let fit = &self.fit;
        let all = fit.coordinates("the covariance of all coefficients")?;
        let p = fit.aliased.len();
        let mut out = Mat::<f64>::zeros(p, p);
        let e = all.kept.as_ref();
        matmul(out.as_mut(), Accum::Replace, e, e.transpose(), 1.0, Par::Seq);
        let inverse_weight: f64 = fit
            .normal
            .absorbed
            .iter()
            .flat_map(|a| &a.weights)
            .map(|w| 1.0 / w.hi)
            .sum();
        let scales = fit.column_scales();
        for i in 0..p {
            for j in 0..=i {
                let v = match (&all.functionals[i], &all.functionals[j]) {
                    (Some(c), Some(d)) => {
                        out[(i, j)] + fit.level_product(c, d, inverse_weight) * scales[i] * scales[j]
                    }
                    _ => f64::NAN,
                };
                out[(i, j)] = v;
                out[(j, i)] = v;
            }
            // the diagonal was computed with its error bound
            out[(i, i)] = fit.variances[i];
        }
        Ok(out)
    }

    /// A covariance of the coefficients of a response. `Iid` takes no pass, the others one.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{LmSpec, Vcov, lm};
    /// use nelder::pass::Quiet;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = lm(&LmSpec::new("y ~ x"), &frame, &Quiet).unwrap();
    /// let robust = fit.vcov(0, &Vcov::Hc3, &Quiet).unwrap();
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
            let mut matrix = self.unscaled_covariance()?;
            let variance = own.rss / self.df_residual as f64;
            matrix
                .row_iter_mut()
                .for_each(|row| row.iter_mut().for_each(|v| *v *= variance));
            return Ok(Covariance {
                kind: kind.clone(),
                matrix,
                clusters: None,
                passes: Vec::new(),
            });
        }
        let fit = &self.fit;
        let all = fit.coordinates("the covariance of all coefficients")?;
        let mut passes = Vec::new();
        let scores = self.scores(response, kind, monitor, &mut passes)?;
        let (n, k) = (self.rows() as f64, self.rank as f64);
        let mut factor = 1.0 / fit.response_scale(response).powi(2);
        let mut clusters = None;
        match kind {
            Vcov::Hc1 => factor *= n / (n - k),
            Vcov::Cluster(expression) => {
                let g = scores.clusters();
                if g < 2 {
                    return Err(ModelError::Argument {
                        argument: "cluster".into(),
                        why: format!(
                            "`{expression}` has one value in all rows; clustering needs two or more"
                        ),
                    });
                }
                clusters = Some(g);
                factor *= g as f64 / (g as f64 - 1.0) * ((n - 1.0) / (n - k));
            }
            _ => {}
        }
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
        // E Q Eᵀ, E the coordinates of the coefficients
        let q = scores.squares();
        let p = fit.aliased.len();
        let r = all.kept.ncols();
        let mut e = Mat::<f64>::zeros(p, q.ncols());
        e.as_mut().subcols_mut(0, r).copy_from(&all.kept);
        let scales = fit.column_scales();
        for (c, functional) in all.functionals.iter().enumerate() {
            for (l, x) in functional
                .iter()
                .flat_map(|f| fit.level_coordinates(f))
                .enumerate()
            {
                e[(c, r + l)] = x * scales[c];
            }
        }
        let mut half = Mat::<f64>::zeros(p, q.ncols());
        matmul(
            half.as_mut(),
            Accum::Replace,
            e.as_ref(),
            q.as_ref(),
            1.0,
            Par::Seq,
        );
        let mut matrix = Mat::<f64>::zeros(p, p);
        matmul(
            matrix.as_mut(),
            Accum::Replace,
            half.as_ref(),
            e.transpose(),
            factor,
            Par::Seq,
        );
        for i in 0..p {
            for j in 0..=i {
                let lost = fit.aliased[i] || fit.aliased[j];
                let v = if lost {
                    f64::NAN
                } else {
                    0.5 * (matrix[(i, j)] + matrix[(j, i)])
                };
                matrix[(i, j)] = v;
                matrix[(j, i)] = v;
            }
        }
        Ok(Covariance {
            kind: kind.clone(),
            matrix,
            clusters,
            passes,
        })
    }

    /// The pass that a robust covariance takes.
    fn scores(
        &self,
        response: usize,
        kind: &Vcov,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<Scores, ModelError> {
        let fit = &self.fit;
        let rows = &self.bound.rows;
        let basis = Arc::new(Basis::new(
            &fit.normal,
            &fit.factor,
            &fit.columns.map,
            fit.gram.atoms(),
        ));
        let coefficients = Arc::new(fit.coefficients_by_atom(response));
        let power = match kind {
            Vcov::Hc2 => Power::One,
            Vcov::Hc3 => Power::Two,
            _ => Power::Zero,
        };
        let new = |by_cluster| Scores::new(basis.clone(), coefficients.clone(), response, power, by_cluster);
        let Vcov::Cluster(expression) = kind else {
            let (scores, record) = run(&format!("scores, {kind}"), "f64", rows, monitor, || new(false))?;
            passes.push(record);
            rows.take_dropped();
            return Ok(scores);
        };
        let source = rows.source();
        let codes = Clusters::new(expression, source, passes)?;
        let columns = codes.columns().to_vec();
        let update = |scores: &mut Scores, block: &Block<'_>, beside: &Batch<'_>| {
            scores.update_clusters(block, &codes.of(block, beside)?);
            Ok(())
        };
        let (scores, record) = run_beside(
            "scores by cluster",
            "f64",
            rows,
            &columns,
            monitor,
            || new(true),
            update,
        )?;
        passes.push(record);
        rows.take_dropped();
        Ok(scores)
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
        let mut matrix = Symmetric::zeros(q);
        for (i, &c) in slopes.iter().enumerate() {
            for (j, &d) in slopes[..=i].iter().enumerate() {
                matrix.add(i, j, Dd::new(covariance.matrix[(c, d)]));
            }
            matrix.norms[i] = covariance.matrix[(c, c)];
            matrix.sizes[i] = matrix.norms[i];
        }
        let factor = factor_twice(&matrix, 1e-8, f64::EPSILON);
        if factor.accepted.len() < q {
            return None;
        }
        let b: Vec<Dd> = slopes.iter().map(|&c| Dd::new(own.coefficients[c])).collect();
        let value = factor.effects(&b).iter().fold(Dd::ZERO, |s, e| s + *e * *e).hi / q as f64;
        Some((value, q as f64, self.df_residual as f64))
    }
}
