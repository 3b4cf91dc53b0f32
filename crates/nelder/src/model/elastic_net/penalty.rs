//! The elastic net penalty, with a factor and bounds for each column.

/// Elastic net penalty P(β) = Σ fⱼ (α |βⱼ| + (1 − α) βⱼ² / 2) of standardized coefficients, lⱼ ≤ βⱼ ≤ uⱼ; a step of the path
/// minimises a loss + λ P.
///
/// Source: Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via coordinate descent",
/// J. Stat. Software 33(1), with the factors f of their `penalty.factor`.
#[derive(Clone, Debug)]
pub(super) struct Penalty {
    /// Share of the absolute values, α.
    pub alpha: f64,
    /// Factors f, one a column, which sum to the number of columns.
    pub factors: Vec<f64>,
    /// Lower bounds l, at most 0.
    pub lower: Vec<f64>,
    /// Upper bounds u, at least 0.
    pub upper: Vec<f64>,
}

/// The penalty of one λ: λα and λ(1 − α).
#[derive(Clone, Copy, Debug)]
pub(super) struct Strength {
    /// λα, the weight of fⱼ |βⱼ|.
    pub absolute: f64,
    /// λ(1 − α), the weight of fⱼ βⱼ² / 2.
    pub square: f64,
}

/// Smallest α for which the largest λ is finite, as glmnet has it.
const LEAST_SHARE: f64 = 1e-3;

impl Penalty {
    /// The penalty of a λ.
    pub fn at(&self, lambda: f64) -> Strength {
        Strength {
            absolute: lambda * self.alpha,
            square: lambda * (1.0 - self.alpha),
        }
    }

    /// The penalty of standardized coefficients, `units` times those in the units of the rows, and the columns that may have one: those that
    /// vary and are not left out.
    pub fn standardized(&self, units: &[f64], varies: &[bool]) -> (Penalty, Vec<bool>) {
        let mut own = self.clone();
        for (j, unit) in units.iter().enumerate() {
            own.lower[j] *= unit;
            own.upper[j] *= unit;
        }
        let usable = varies
            .iter()
            .zip(&self.factors)
            .map(|(varies, f)| *varies && f.is_finite());
        let usable = usable.collect();
        for f in own.factors.iter_mut().filter(|f| !f.is_finite()) {
            *f = 0.0;
        }
        (own, usable)
    }

    /// λ P(β).
    pub fn value(&self, beta: &[f64], strength: Strength) -> f64 {
        self.value_of(beta.iter().copied().enumerate(), strength)
    }

    /// The same of coefficients with their columns; all others are zero.
    pub fn value_of(&self, entries: impl Iterator<Item = (usize, f64)>, strength: Strength) -> f64 {
        let of = |(j, b): (usize, f64)| match self.factors[j] {
            0.0 => 0.0,
            f => f * (strength.absolute * b.abs() + 0.5 * strength.square * b * b),
        };
        entries.filter(|(_, b)| *b != 0.0).map(of).sum()
    }

    /// The smallest λ at which every penalized coefficient is zero, max |gⱼ| / (fⱼ α), for the gradient g of the loss there;
    /// α is taken as 0.001 where it is less, where no λ is large enough.
    pub fn largest_lambda(&self, gradient: &[f64], usable: &[bool]) -> f64 {
        let columns = gradient.iter().zip(&self.factors).zip(usable);
        let ratio = |((g, f), usable): ((&f64, &f64), &bool)| (*usable && *f > 0.0).then(|| g.abs() / f);
        self.entering_lambda(columns.filter_map(ratio).fold(0.0, f64::max))
    }

    /// λ at which a column with |g| / f of `ratio` would enter.
    pub fn entering_lambda(&self, ratio: f64) -> f64 {
        ratio / self.alpha.max(LEAST_SHARE)
    }

    /// The minimum over one coordinate: of h b² / 2 − u b and the penalty of column `j`, within its bounds.
    #[inline(always)]
    pub fn coordinate(&self, j: usize, u: f64, curvature: f64, strength: Strength) -> f64 {
        let factor = self.factors[j];
        let beyond = u.abs() - factor * strength.absolute;
        if beyond <= 0.0 {
            return 0.0;
        }
        let free = beyond.copysign(u) / (curvature + factor * strength.square);
        free.max(self.lower[j]).min(self.upper[j])
    }

    /// Violation of the optimality conditions (Karush, Kuhn & Tucker) by column `j` at b, where −g is the derivative of the loss:
    /// the distance of g from the penalty's subdifferential, which at a bound is a half-line.
    pub fn violation(&self, j: usize, g: f64, b: f64, strength: Strength) -> f64 {
        let (factor, lower, upper) = (self.factors[j], self.lower[j], self.upper[j]);
        let corner = factor * strength.absolute;
        if b == 0.0 && g.abs() <= corner {
            return 0.0;
        }
        let (least, most) = match b {
            0.0 => (-corner, corner),
            _ => {
                let slope = corner.copysign(b) + factor * strength.square * b;
                (slope, slope)
            }
        };
        let above = if b >= upper { 0.0 } else { g - most };
        let below = if b <= lower { 0.0 } else { least - g };
        above.max(below).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_minimises_its_parabola_and_the_penalty() {
        let penalty = Penalty {
            alpha: 0.3,
            factors: vec![1.0, 0.5, 2.0],
            lower: vec![f64::NEG_INFINITY, -0.1, 0.0],
            upper: vec![f64::INFINITY, 0.2, 0.05],
        };
        let strength = penalty.at(0.7);
        for j in 0..3 {
            for u in [-3.0, -0.4, -0.1, 0.0, 0.12, 0.9, 2.5] {
                let b = penalty.coordinate(j, u, 1.3, strength);
                // at the minimum nothing is violated, and the value is no larger than at any other point
                assert!(penalty.violation(j, u - 1.3 * b, b, strength) < 1e-15);
                let value = |b: f64| {
                    0.5 * 1.3 * b * b - u * b
                        + penalty.factors[j] * (strength.absolute * b.abs() + 0.5 * strength.square * b * b)
                };
                for k in -200..=200 {
                    let other = (f64::from(k) / 50.0).clamp(penalty.lower[j], penalty.upper[j]);
                    assert!(value(b) <= value(other) + 1e-15);
                }
            }
        }
    }
}
