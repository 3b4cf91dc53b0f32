//! Covariances of the coefficients of a generalized linear model.
//!
//! The scores of a row are x s = x W r with the working residual r: those of a weighted linear model, so that the
//! sandwich is [`SandwichMeat`] of the working block (R's `sandwich::vcovHC` and `vcovCL` of a `glm`).

use std::sync::Arc;

use super::{Glm, MaximumLikelihood};
use crate::design::Block;
use crate::family::{Programs, Start, Trials};
use crate::frame::Batch;
use crate::model::inference::cluster_sums::{ClusterSums, by_cluster};
use crate::model::inference::covariance::Covariance;
use crate::model::inference::whitened_design::{Power, SandwichMeat, WhitenedDesign};
use crate::model::{ClusterType, FittedEquations, ModelError, Vcov, by_atom};
use crate::pass::{Coefficients, Monitor, Worker, Working, run_beside};

impl MaximumLikelihood {
    /// The solved equations.
    pub fn system(&self) -> FittedEquations<'_> {
        FittedEquations {
            map: &self.map,
            normal: &self.normal,
            factor: &self.factor,
            atoms: self.gram.atoms(),
            aliased: &self.aliased,
            scales: &self.scales,
            variances: &self.variances,
        }
    }

    /// The coordinates in which XᵀWX is the identity, for leverages.
    pub(super) fn basis(&self) -> WhitenedDesign {
        let basis = self.system().basis();
        match self.weighs_the_same() {
            true => basis,
            false => basis.of_rounded_weights(),
        }
    }

    /// Coefficients in the units in which rows are delivered.
    pub(in crate::model) fn scaled_coefficients(&self) -> Vec<nelder_device::Dd> {
        let scales = self.system().column_scales();
        self.coefficients
            .iter()
            .zip(scales)
            .map(|(b, s)| b.scale(1.0 / s))
            .collect()
    }

    /// The same by atom, for a pass over the rows.
    pub(in crate::model) fn coefficients_by_atom(&self) -> Coefficients {
        self.by_atom(&self.scaled_coefficients())
    }

    fn by_atom(&self, coefficients: &[nelder_device::Dd]) -> Coefficients {
        let atoms = self.gram.atoms();
        let tables: Vec<(usize, usize)> = self
            .gram
            .groups
            .iter()
            .zip(&atoms.groups)
            .map(|(t, g)| (t.codes(), g.multipliers.len()))
            .collect();
        by_atom(&self.map, coefficients, atoms.dense, &tables)
    }
}

impl Glm<'_> {
    /// The programs of the fit's family for its own rows.
    pub(in crate::model) fn programs(&self) -> Programs {
        let counts = self.counts();
        let weights = self.spec.design.weights.is_some();
        let trials = Trials::of(counts, weights, self.fit.moments.binary);
        let weighted = counts || weights;
        Programs::new(&self.fit.family, weighted, trials, Start::Family)
    }

    /// True if the response has two columns, the numbers of successes and of failures.
    pub(in crate::model) fn counts(&self) -> bool {
        self.bound.rows.layout().atoms.responses == 2
    }

    /// A covariance of the coefficients. `Iid` takes no pass, the others one.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{GlmSpec, Vcov, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let robust = fit.vcov(&Vcov::Hc0, &NoProgress).unwrap();
    /// assert!(robust.std_errors()[1] > 0.0 && robust.passes.len() == 1);
    /// ```
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] beyond 4,000 columns; [`ModelError::Argument`] where HC2 or HC3 meet a row
    /// of leverage one, or where there are fewer than two clusters; those of a pass and of the cluster expression.
    pub fn vcov(&self, kind: &Vcov, monitor: &dyn Monitor) -> Result<Covariance, ModelError> {
        let system = self.fit.system();
        if *kind == Vcov::Iid {
            let mut matrix = self.fit.unscaled_covariance()?;
            let dispersion = self.dispersion;
            matrix
                .row_iter_mut()
                .for_each(|row| row.iter_mut().for_each(|v| *v *= dispersion));
            let errors = self.std_errors.clone();
            return Ok(Covariance::new(kind, matrix, errors, None, Vec::new()));
        }
        // 1. the pass
        let all = system.coordinates("the covariance of all coefficients")?;
        // leverages are of the gram's own weights, those before the last step
        let same = self.fit.weighs_the_same();
        let basis = Arc::new(self.fit.basis());
        let before = (same && matches!(Power::of(kind), Power::One | Power::Two))
            .then(|| self.fit.by_atom(&self.fit.weighed_at));
        let none = Arc::new(Coefficients::default());
        let (programs, coefficients) = (self.programs(), self.fit.coefficients_by_atom());
        let (atoms, counts) = (self.fit.gram.atoms().clone(), self.counts());
        let rows = &self.bound.rows;
        let (n, k) = (self.fit.rows() as f64, self.fit.rank() as f64);
        let mut passes = Vec::new();
        let at = |block: &Block<'_>, b: &Coefficients| Working::of(&programs, &atoms, counts, block, b);
        let working = |block: &Block<'_>| match &before {
            None => at(block, &coefficients),
            Some(before) => at(block, &coefficients).with_weights(at(block, before).weight),
        };
        let (squares, heavy, factor, clusters) = match kind.clustered(ClusterType::Hc0) {
            None => {
                let update = |scores: &mut SandwichMeat, block: &Block<'_>, _: &Batch<'_>| {
                    scores.update(&working(block).block(block))
                };
                let new = || SandwichMeat::new(basis.clone(), none.clone(), 0, Power::of(kind));
                let name = format!("scores, {kind}");
                let found = run_beside(&name, "f64", rows, &[], monitor, new, update, Worker::finish)?;
                passes.extend(found.records);
                let scores = found.value;
                (
                    scores.squares(),
                    scores.heavy(),
                    scores.adjustment(kind, n, k)?,
                    None,
                )
            }
            Some((expression, own)) => {
                let sums = ClusterSums::new(basis, none, 0, own);
                let found = by_cluster(
                    expression,
                    rows,
                    monitor,
                    &mut passes,
                    &sums,
                    |sums, block, codes| sums.update(&working(block).block(block), codes),
                )?;
                let g = found.clusters();
                (
                    found.squares()?,
                    Vec::new(),
                    own.factor(expression, g, n, k)?,
                    Some(g),
                )
            }
        };
        let factor = if self.fit.is_regular() { factor } else { f64::NAN };
        let matrix = system.sandwich(&all, &squares, &heavy, factor);
        let scales = (&system.column_scales()[..], 1.0);
        Ok(Covariance::of_rows(kind, matrix, scales, clusters, passes))
    }
}
