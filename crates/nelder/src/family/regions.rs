//! Distances to convex sets of linear predictors, as programs over rows: to the directions in which a likelihood rises
//! without end, and to the domain of a family.
//!
//! Both are sums of squares on one side of a line, so that Newton's steps for them are weighted least squares and run
//! as the passes of Fisher scoring do: with f the distance of a row, W is its curvature and s its negative slope, both
//! halved.

use nelder_device::{Program, RowExpr, RowProgram};

use super::row::Row;
use super::{Family, Link, Programs, Trials, Variance};

/// The curvature that rows keep which are where they should be, so that a step stays determined.
const REST: f64 = 1.0 / 16384.0;

/// The share of the expected information that a row has at least.
const LEAST_SHARE: f64 = 1e-4;

/// Which responses let the likelihood of their row rise without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receding {
    /// y = 0 as η falls, y = 1 as η grows.
    BothEnds,
    /// y = 0 as η falls.
    Zero,
    /// y = 0 as η grows.
    ZeroAbove,
}

impl Family {
    /// Which responses let the likelihood of their row rise for as long as η moves to one side; `None` where none do.
    ///
    /// Between the ends of its range a response has its maximum at a finite η. At them, log μ or log(1 − μ) rises
    /// towards 0 (Albert & Anderson 1984); a count of zero has −μ, which rises as η falls where the link is the
    /// logarithm (Correia, Guimarães & Zylkin 2019).
    pub fn receding(&self) -> Option<Receding> {
        match (self.link, self.variance) {
            (Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog, Variance::Binomial) => {
                Some(Receding::BothEnds)
            }
            (Link::Log, Variance::Binomial | Variance::NegativeBinomial(_)) => Some(Receding::Zero),
            (Link::Log, Variance::Power(k)) if k > 0.0 && k < 2.0 => Some(Receding::Zero),
            // means fall to 0 as η grows
            (link, Variance::Binomial | Variance::NegativeBinomial(_)) if link.falls() => {
                Some(Receding::ZeroAbove)
            }
            (link, Variance::Power(k)) if k > 0.0 && k < 2.0 && link.falls() => Some(Receding::ZeroAbove),
            _ => None,
        }
    }

    /// The open interval of linear predictors whose means the variance allows, on the side of a mean.
    pub fn domain(&self, mean: f64) -> (f64, f64) {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        let above = |low: f64| (low, f64::INFINITY);
        match (self.variance, self.link) {
            (_, Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog) => all,
            (Variance::Binomial, Link::Log) => (f64::NEG_INFINITY, 0.0),
            (_, Link::Log) => all,
            (Variance::Binomial, Link::Inverse | Link::InverseSquare) => above(1.0),
            (Variance::Binomial, Link::Power(k)) if k < 0.0 => above(1.0),
            (Variance::Binomial, _) => (0.0, 1.0),
            (Variance::Constant, Link::Identity) => all,
            (Variance::Constant, Link::Inverse) if mean < 0.0 => (f64::NEG_INFINITY, 0.0),
            _ => above(0.0),
        }
    }
}

/// A row's part of a distance: curvature, slope, value, and how far it is on the right side.
struct Distance<'p> {
    weight: RowExpr<'p>,
    slope: RowExpr<'p>,
    value: RowExpr<'p>,
    inside: RowExpr<'p>,
    /// 1 where the row has moved as far as it should.
    moved: RowExpr<'p>,
}

/// The programs whose steps and last passes are those of a distance; rows of weight zero have none.
fn programs(weighted: bool, like: Programs, of: impl for<'p> Fn(&Row<'p>) -> Distance<'p>) -> Programs {
    let program = |last: bool| -> Program {
        let program = RowProgram::default();
        let row = Row::new(&program, weighted, like.trials);
        let own = of(&row);
        let counted = match row.weight {
            Some(w) => w.gt(0.0),
            None => program.number(1.0),
        };
        for value in [own.weight, own.slope, own.value] {
            program.output(counted.then(value, 0.0));
        }
        if last {
            let zero = program.number(0.0);
            program.output(counted.then(zero, zero));
            program.output(counted.then(own.inside, f64::MAX));
            program.output(counted.then(own.moved, zero));
            for _ in 0..4 {
                program.output(zero);
            }
        }
        program.finish()
    };
    Programs {
        step: program(false),
        single: program(false),
        finish: program(true),
        ..like
    }
}

impl Receding {
    /// σ = ±1 for a row at an end of the range, and 0 for the others; and whether it is at an end.
    fn side<'p>(self, row: &Row<'p>) -> (RowExpr<'p>, RowExpr<'p>) {
        let response = row.response;
        let zero = row.of.number(0.0);
        let (down, up) = match self {
            Receding::BothEnds => (response.y.eq(0.0), response.is_one()),
            Receding::Zero => (response.y.eq(0.0), zero),
            Receding::ZeroAbove => (zero, response.y.eq(0.0)),
        };
        (up - down, up + down)
    }
}

impl Programs {
    /// The distance of a direction z = Xγ to those in which the likelihood rises without end: rows at an end of the
    /// range should have moved there by 1, none may move away from it, and the others may not move at all.
    ///
    /// With σ = ±1 the side of a row, f = max(0, 1 − σz)² + K max(0, −σz)², and K z² for the others. The smallest σz (−|z| for
    /// the others) is the last pass's distance to an end; the rows with σz above 1/2 are its likelihood.
    pub fn recession(ends: Receding, weighted: bool, stiffness: f64, like: Programs) -> Programs {
        programs(weighted, like, |row| {
            let z = row.eta;
            let (side, end) = ends.side(row);
            let along = side * z;
            // 1. at an end
            let short = (1.0 - along).max(0.0);
            let against = (-along).max(0.0);
            let stiff = stiffness * against;
            let still_short = along.lt(1.0).then(1.0, REST);
            let weight = along.lt(0.0).then(1.0 + stiffness, still_short);
            // 2. between them
            Distance {
                weight: end.then(weight, stiffness),
                slope: end.then(side * (short + stiff), -stiffness * z),
                value: end.then(short.square() + stiff * against, stiffness * z.square()),
                inside: end.then(along, -z.abs()),
                moved: end.then(along.gt(0.5), 0.0),
            }
        })
    }

    /// Weight 1 for the rows that a direction of recession does not move, and none for the others: the directions that move
    /// no row of weight 1 are those of all of the cone.
    pub fn unmoved(ends: Receding, weighted: bool, like: Programs) -> Programs {
        programs(weighted, like, |row| {
            let (zero, one) = (row.of.number(0.0), row.of.number(1.0));
            let (side, end) = ends.side(row);
            let moved = end.then((side * row.eta).gt(0.5), zero);
            Distance {
                weight: moved.then(zero, one),
                slope: zero,
                value: zero,
                inside: one,
                moved,
            }
        })
    }

    /// The deviance of a row and a barrier at the ends of its domain: f = d(y, μ) − 2τ Σ log(distance of η to an end), with the
    /// observed information −∂²ℓ/∂η², where that is positive, in the place of the expected: near an end the expected is
    /// larger by any factor (Forsgren, Gill & Wright 2002, "Interior methods for nonlinear optimization").
    ///
    /// With q = μ′ / V, the score is (y − μ) q and −∂²ℓ/∂η² = μ′ q − (y − μ) (μ″ − q μ′ V′) / V. The smaller distance to an end is
    /// the last pass's.
    pub fn barrier(domain: (f64, f64), tau: f64, weighted: bool, like: Programs) -> Programs {
        let (family, binary) = (like.family, like.trials == Trials::Single);
        programs(weighted, like, |row| {
            let mean = family.mean_at(row.eta);
            let variance = family.variance.at(&mean);
            let residual = family.variance.residual(row.response, &mean);
            // 1. the likelihood
            let slope = mean.dmu_deta;
            let q = slope / variance;
            let second = slope * family.link.curvature(row.eta, &mean);
            let rise = slope * family.variance.derivative(&mean, variance);
            let turn = (second - q * rise) / variance;
            let expected = slope * q;
            let observed = (expected - residual * turn).max(LEAST_SHARE * expected);
            let deviance = family.variance.deviance(row.response, &mean, binary);
            let mut found = Distance {
                weight: row.weigh(observed),
                slope: row.weigh(residual * q),
                value: row.weigh(deviance),
                inside: row.of.number(f64::MAX),
                moved: row.of.number(0.0),
            };
            // 2. the barrier, of the same height for every row
            for (end, side) in [(domain.0, 1.0), (domain.1, -1.0)] {
                if !end.is_finite() {
                    continue;
                }
                let room = side * (row.eta - end);
                let push = 1.0 / room;
                found.inside = found.inside.min(room);
                found.weight = found.weight + tau * push.square();
                found.slope = found.slope + side * tau * push;
                found.value = found.value + -2.0 * tau * room.ln();
            }
            found
        })
    }

    /// The distance of η to an interval well inside a domain: f = max(0, a − η)² + max(0, η − b)², where a and b are a
    /// fifth of the way from the ends of the domain to a predictor `centre` in it. The smallest distance to an end of the
    /// domain is the last pass's.
    pub fn interior(domain: (f64, f64), centre: f64, weighted: bool, like: Programs) -> Programs {
        programs(weighted, like, |row| {
            let eta = row.eta;
            let zero = row.of.number(0.0);
            let (mut below, mut above, mut inside) = (zero, zero, row.of.number(f64::MAX));
            if domain.0.is_finite() {
                below = (domain.0 + 0.2 * (centre - domain.0) - eta).max(0.0);
                inside = eta - domain.0;
            }
            if domain.1.is_finite() {
                above = (eta - (domain.1 - 0.2 * (domain.1 - centre))).max(0.0);
                inside = inside.min(domain.1 - eta);
            }
            let gap = below + above;
            Distance {
                weight: gap.gt(0.0).then(1.0, REST),
                slope: below - above,
                value: gap.square(),
                inside,
                moved: zero,
            }
        })
    }
}
