//! Coefficients as linear functionals of the solution of the normal equations, and their variances.

use nelder_device::Dd;

use super::NormalEquations;
use crate::design::{ColumnEncoding, ColumnKind, Parametrization};
use crate::solve::{Factor, Reach, Variance};

/// A linear functional of the solution.
#[derive(Clone, Debug)]
pub struct LinearFunctional {
    /// Over the kept columns.
    pub kept: Vec<Dd>,
    /// Over single levels.
    pub levels: Vec<(usize, f64)>,
    /// Over each level.
    pub all: f64,
}

/// Σ 1/weight and Σ of the means over all levels.
#[derive(Clone, Debug)]
pub struct LevelMeans {
    inverse_weight: f64,
    means: Vec<Dd>,
}

impl NormalEquations {
    /// The functional of (kept, levels) that a coefficient is: its entries over the kept columns, and over the
    /// levels as a sparse list plus a constant for all of them.
    pub fn functional(&self, map: &ColumnEncoding, column: usize) -> LinearFunctional {
        let k = self.kept.len();
        let mut kept = vec![Dd::ZERO; k];
        let mut levels = Vec::new();
        let mut all = 0.0;
        let shift = |kept: &mut Vec<Dd>| {
            if self.centered {
                for (i, &c) in self.kept.iter().enumerate() {
                    if let ColumnKind::Dense(e) = map.kinds[c] {
                        kept[i] -= self.means[e];
                    }
                }
            }
        };
        if let Some(i) = self.kept.iter().position(|&c| c == column) {
            kept[i] = Dd::ONE;
            if map.kinds[column] == ColumnKind::Intercept {
                shift(&mut kept);
            }
        } else if let Some(term) = &map.absorbed {
            let count = term.codes.len() as f64;
            let intercept = map.kinds[column] == ColumnKind::Intercept;
            if let Some(l) = term.level_of(column) {
                levels.push((l, 1.0));
            }
            let sign = if intercept { 1.0 } else { -1.0 };
            match term.parametrization {
                Parametrization::Treatment { base } => levels.push((base, sign)),
                Parametrization::Sum => all = sign / count,
                Parametrization::Full => shift(&mut kept),
            }
            if intercept {
                shift(&mut kept);
            }
        }
        LinearFunctional { kept, levels, all }
    }

    /// Variance of a functional over σ², with a first-order bound on its error.
    pub fn variance(
        &self,
        factor: &Factor,
        functional: &LinearFunctional,
        mean_of_levels: &LevelMeans,
        reach: &Reach,
    ) -> Variance {
        let v = self.reduced(functional, mean_of_levels);
        let (mut own, mut own_spread) = (0.0, 0.0);
        if let Some(a) = &self.absorbed {
            own = functional.all * functional.all * mean_of_levels.inverse_weight;
            // Σ 1/√w ≤ √(L Σ 1/w) over the L levels
            let levels = a.weights.len() as f64;
            own_spread = functional.all.abs() * (levels * mean_of_levels.inverse_weight).sqrt();
            for &(l, c) in &functional.levels {
                own += (c * c + 2.0 * c * functional.all) / a.weights[l].hi;
                own_spread += c.abs() / a.weights[l].hi.sqrt();
            }
        }
        let q = factor.quadratic(&v, reach);
        Variance {
            value: own + q.value,
            error: q.error + f64::EPSILON * own,
            whole_spread: q.whole_spread + own_spread,
            ..q
        }
    }

    /// Variances over σ² with two factors eliminated: of the kept columns and the intercept; those of levels are not known.
    pub(super) fn crossed_variances(
        &self,
        map: &ColumnEncoding,
        factor: &Factor,
        reach: &Reach,
    ) -> Vec<Variance> {
        let k = self.kept.len();
        let mut out = vec![Variance::UNKNOWN; map.columns()];
        for (i, &c) in self.kept.iter().enumerate() {
            let mut v = vec![Dd::ZERO; k];
            v[i] = Dd::ONE;
            out[c] = factor.quadratic(&v, reach);
        }
        let crossed = self.crossed.as_ref();
        if let Some((crossed, intercept)) = crossed.and_then(|c| Some((c, c.intercept.as_ref()?))) {
            let q = factor.quadratic(&intercept.kept, reach);
            // entries of the vector are known to √(energy · excess) t
            let entries = (intercept.energy * crossed.excess).sqrt();
            let error = intercept.energy + 2.0 * q.spread * entries;
            out[0] = Variance {
                value: intercept.own + q.value,
                error: q.error + error + 4.0 * f64::EPSILON * intercept.own,
                whole_spread: q.whole_spread + intercept.own.max(0.0).sqrt(),
                ..q
            };
        }
        out
    }

    /// The vector over the kept columns that a functional puts on the factor.
    pub fn reduced(&self, functional: &LinearFunctional, mean_of_levels: &LevelMeans) -> Vec<Dd> {
        let mut v = functional.kept.clone();
        let Some(a) = &self.absorbed else { return v };
        let k = self.kept.len();
        if functional.all != 0.0 {
            for (v, m) in v.iter_mut().zip(&mean_of_levels.means) {
                *v -= m.mul_f64(functional.all);
            }
        }
        for &(l, c) in &functional.levels {
            for (v, m) in v.iter_mut().zip(&a.means[l * k..(l + 1) * k]) {
                *v -= m.mul_f64(c);
            }
        }
        v
    }

    /// Sums over the levels that functionals with a constant entry need.
    pub fn level_means(&self) -> LevelMeans {
        let k = self.kept.len();
        let mut out = LevelMeans {
            inverse_weight: 0.0,
            means: vec![Dd::ZERO; k],
        };
        if let Some(a) = &self.absorbed {
            for (l, w) in a.weights.iter().enumerate() {
                out.inverse_weight += 1.0 / w.hi;
                for (s, m) in out.means.iter_mut().zip(&a.means[l * k..(l + 1) * k]) {
                    *s += *m;
                }
            }
        }
        out
    }
}
