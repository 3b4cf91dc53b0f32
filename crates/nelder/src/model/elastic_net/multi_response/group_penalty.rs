//! The penalty of rows of a coefficient matrix: Euclidean norms in the place of absolute values.

use crate::model::elastic_net::penalty::{Penalty, Strength};

/// Penalty P(B) = Σ fⱼ (α ‖bⱼ‖ + (1 − α) ‖bⱼ‖² / 2) of the rows bⱼ of a matrix, a row for each column of the model and in it a coefficient for
/// each response, lⱼₖ ≤ bⱼₖ ≤ uⱼₖ. Matrices lie by rows: place j K + k.
///
/// Source: Simon, Friedman & Hastie (2013), "A blockwise descent algorithm for group-penalized multiresponse and multinomial regression",
/// arXiv:1311.6529.
#[derive(Clone, Debug)]
pub(super) struct GroupPenalty {
    /// Responses K.
    pub responses: usize,
    /// Factors f, one a row.
    pub factors: Vec<f64>,
    /// Lower bounds, at most 0.
    pub lower: Vec<f64>,
    /// Upper bounds, at least 0.
    pub upper: Vec<f64>,
}

impl GroupPenalty {
    /// The factors of a penalty, with its bounds for each of the responses: those of response k over `units[k]`.
    pub fn new(penalty: &Penalty, units: &[f64]) -> Self {
        let spread = |bounds: &[f64]| -> Vec<f64> {
            let row = |bound: &f64| units.iter().map(|unit| bound / unit).collect::<Vec<f64>>();
            bounds.iter().flat_map(row).collect()
        };
        GroupPenalty {
            responses: units.len(),
            factors: penalty.factors.clone(),
            lower: spread(&penalty.lower),
            upper: spread(&penalty.upper),
        }
    }

    /// Places of the coefficients of row `j`.
    pub fn row(&self, j: usize) -> std::ops::Range<usize> {
        j * self.responses..(j + 1) * self.responses
    }

    /// λ P(B).
    pub fn value(&self, beta: &[f64], strength: Strength) -> f64 {
        let rows = beta.chunks(self.responses).zip(&self.factors);
        let of = |(b, factor): (&[f64], &f64)| match norm(b) {
            0.0 => 0.0,
            _ if *factor == 0.0 => 0.0,
            size => factor * (strength.absolute * size + 0.5 * strength.square * size * size),
        };
        rows.map(of).sum()
    }

    /// ‖v‖ of row `j` over the coefficients that may leave zero in the direction of v.
    fn norm_inside(&self, j: usize, v: &[f64]) -> f64 {
        let bounds = self.lower[self.row(j)].iter().zip(&self.upper[self.row(j)]);
        let open = |(v, (lower, upper)): &(&f64, (&f64, &f64))| {
            **v < 0.0 && **lower < 0.0 || **v > 0.0 && **upper > 0.0
        };
        let squares = v.iter().zip(bounds).filter(open).map(|(v, _)| v * v);
        squares.sum::<f64>().sqrt()
    }

    /// The smallest λ at which every penalized row is zero, max ‖gⱼ‖ / (fⱼ α), for the gradient g of the loss there; α is taken as 0.001
    /// where it is less.
    pub fn largest_lambda(&self, gradient: &[f64], usable: &[bool], alpha: f64) -> f64 {
        let rows = (0..self.factors.len()).filter(|&j| usable[j] && self.factors[j] > 0.0);
        let ratio = |j: usize| norm(&gradient[self.row(j)]) / self.factors[j];
        rows.map(ratio).fold(0.0, f64::max) / alpha.max(LEAST_SHARE)
    }

    /// The minimum over row `j`: of h ‖b‖² / 2 − vᵀb and its penalty, within its bounds.
    ///
    /// Without bounds b = v (1 − λα f / ‖v‖)₊ / (h + λ(1 − α) f). With them b is v t / ((h + λ(1 − α) f) t + λα f), clipped, at t = ‖b‖; ‖b(t)‖ / t
    /// falls in t, so that there is one such t.
    pub fn minimum(&self, j: usize, v: &[f64], curvature: f64, strength: Strength, out: &mut [f64]) {
        let factor = self.factors[j];
        let (corner, own) = (factor * strength.absolute, curvature + factor * strength.square);
        let size = self.norm_inside(j, v);
        if size <= corner || own <= 0.0 {
            return out.fill(0.0);
        }
        let (lower, upper) = (&self.lower[self.row(j)], &self.upper[self.row(j)]);
        let clipped = |share: f64, out: &mut [f64]| {
            for (k, out) in out.iter_mut().enumerate() {
                *out = (v[k] * share).max(lower[k]).min(upper[k]);
            }
        };
        let whole = norm(v);
        clipped((1.0 - corner / whole) / own, out);
        let share = (1.0 - corner / whole) / own;
        if out.iter().zip(v).all(|(b, v)| *b == v * share) {
            return;
        }
        if corner == 0.0 {
            return clipped(1.0 / own, out);
        }
        let (mut least, mut most) = (0.0, size / own);
        loop {
            let t = 0.5 * (least + most);
            if t <= least || t >= most {
                break;
            }
            clipped(t / (own * t + corner), out);
            match norm(out) > t {
                true => least = t,
                false => most = t,
            }
        }
        clipped(most / (own * most + corner), out);
    }

    /// Violation of the optimality conditions by row `j` at b, where −g is the derivative of the loss: the excess of ‖gⱼ‖ over λα f at zero,
    /// elsewhere the largest distance of a derivative from zero, or of one at a bound from the side where it may be.
    pub fn violation(&self, j: usize, g: &[f64], b: &[f64], strength: Strength) -> f64 {
        let factor = self.factors[j];
        let corner = factor * strength.absolute;
        let size = norm(b);
        if size == 0.0 {
            return (self.norm_inside(j, g) - corner).max(0.0);
        }
        let slope = corner / size + factor * strength.square;
        let bounds = self.lower[self.row(j)].iter().zip(&self.upper[self.row(j)]);
        let of = |((g, b), (lower, upper)): ((&f64, &f64), (&f64, &f64))| {
            let excess = g - slope * b;
            match excess > 0.0 {
                true if b >= upper => 0.0,
                false if b <= lower => 0.0,
                _ => excess.abs(),
            }
        };
        g.iter().zip(b).zip(bounds).map(of).fold(0.0, f64::max)
    }
}

/// Smallest α for which the largest λ is finite, as glmnet has it.
const LEAST_SHARE: f64 = 1e-3;

/// ‖v‖.
pub(super) fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_minimises_its_paraboloid_and_the_penalty() {
        let penalty = |lower: f64, upper: f64| GroupPenalty {
            responses: 2,
            factors: vec![1.5],
            lower: vec![lower; 2],
            upper: vec![upper; 2],
        };
        let strength = Strength {
            absolute: 0.4,
            square: 0.3,
        };
        for (lower, upper) in [
            (f64::NEG_INFINITY, f64::INFINITY),
            (-0.2, 0.3),
            (0.0, 0.1),
            (-0.1, 0.0),
        ] {
            let penalty = penalty(lower, upper);
            for v in [[0.3, 0.2], [1.0, -0.4], [-2.0, -0.5], [0.0, 3.0], [0.61, -0.1]] {
                let mut b = [0.0; 2];
                penalty.minimum(0, &v, 1.3, strength, &mut b);
                let g: Vec<f64> = v.iter().zip(&b).map(|(v, b)| v - 1.3 * b).collect();
                assert!(penalty.violation(0, &g, &b, strength) < 1e-14, "{v:?} {b:?}");
                let value = |b: &[f64]| {
                    let loss: f64 = b.iter().zip(&v).map(|(b, v)| 0.65 * b * b - v * b).sum();
                    loss + penalty.value(b, strength)
                };
                for i in -40..=40 {
                    for k in -40..=40 {
                        let other =
                            [f64::from(i) / 20.0, f64::from(k) / 20.0].map(|x| x.max(lower).min(upper));
                        assert!(value(&b) <= value(&other) + 1e-15);
                    }
                }
            }
        }
    }
}
