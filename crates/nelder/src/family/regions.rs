//! Distances to convex sets of linear predictors, as programs over rows: to the directions in which a likelihood rises
//! without end, and to the domain of a family.
//!
//! Both are sums of squares on one side of a line, so that Newton's steps for them are weighted least squares and run
//! as the passes of Fisher scoring do: with f the distance of a row, W is its curvature and s its negative slope, both
//! halved.

use nelder_device::{Binary, Program, Slot, Unary};

use super::sheet::Sheet;
use super::variance::Response;
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

/// What a row contributes: curvature, slope, distance, and how far it is on the right side.
struct Distance {
    weight: Slot,
    slope: Slot,
    value: Slot,
    inside: Slot,
    /// 1 where the row has moved as far as it should.
    moved: Slot,
}

/// max(0, a)
fn positive(s: &mut Sheet, a: Slot) -> Slot {
    let zero = s.number(0.0);
    s.max(a, zero)
}

/// The programs whose steps and last passes are those of a distance; rows of weight zero have none.
fn programs(of: impl Fn(&mut Sheet, Response, Slot) -> Distance, weighted: bool, like: Programs) -> Programs {
    let program = |last: bool| -> Program {
        let mut sheet = Sheet::default();
        let s = &mut sheet;
        let (response, eta) = (Response::of_row(s, like.trials), s.input(1));
        let own = of(s, response, eta);
        let zero = s.number(0.0);
        let far = s.number(f64::MAX);
        let one = s.number(1.0);
        let counted = match weighted {
            true => {
                let w = s.input(2);
                s.compare(Binary::Gt, w, 0.0)
            }
            false => one,
        };
        let mut out = vec![own.weight, own.slope, own.value];
        if last {
            out.push(zero);
        }
        let mut out: Vec<Slot> = out.into_iter().map(|v| s.select(counted, v, zero)).collect();
        if last {
            out.push(s.select(counted, own.inside, far));
            out.push(s.select(counted, own.moved, zero));
            out.extend([zero; 4]);
        }
        out.into_iter().for_each(|slot| {
            sheet.0.output(slot);
        });
        sheet.0
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
    fn side(self, s: &mut Sheet, response: Response) -> (Slot, Slot) {
        let zero = s.number(0.0);
        let none = s.compare(Binary::Eq, response.y, 0.0);
        let (down, up) = match self {
            Receding::BothEnds => (none, response.is_one(s)),
            Receding::Zero => (none, zero),
            Receding::ZeroAbove => (zero, none),
        };
        (s.sub(up, down), s.add(up, down))
    }
}

impl Programs {
    /// The distance of a direction z = Xγ to those in which the likelihood rises without end: rows at an end of the
    /// range should have moved there by 1, none may move away from it, and the others may not move at all.
    ///
    /// With σ = ±1 the side of a row, f = max(0, 1 − σz)² + K max(0, −σz)², and K z² for the others. The smallest σz (−|z| for
    /// the others) is the last pass's distance to an end; the rows with σz above 1/2 are its likelihood.
    pub fn recession(ends: Receding, weighted: bool, stiffness: f64, like: Programs) -> Programs {
        let of = |s: &mut Sheet, response: Response, z: Slot| {
            let zero = s.number(0.0);
            let (side, end) = ends.side(s, response);
            let along = s.mul(side, z);
            // 1. at an end
            let short = s.complement(along);
            let short = positive(s, short);
            let against = s.apply(Unary::Neg, along);
            let against = positive(s, against);
            let stiff = s.scale(against, stiffness);
            let slope = s.add(short, stiff);
            let slope = s.mul(side, slope);
            let value = s.square(short);
            let more = s.mul(stiff, against);
            let value = s.add(value, more);
            let wrong = s.compare(Binary::Lt, along, 0.0);
            let still_short = s.compare(Binary::Lt, along, 1.0);
            let (one, rest, both) = (s.number(1.0), s.number(REST), s.number(1.0 + stiffness));
            let weight = s.select(still_short, one, rest);
            let weight = s.select(wrong, both, weight);
            // 2. between them
            let size = s.apply(Unary::Abs, z);
            let away = s.apply(Unary::Neg, size);
            let pull = s.scale(z, -stiffness);
            let square = s.square(z);
            let cost = s.scale(square, stiffness);
            let hard = s.number(stiffness);
            let moved = s.compare(Binary::Gt, along, 0.5);
            Distance {
                weight: s.select(end, weight, hard),
                slope: s.select(end, slope, pull),
                value: s.select(end, value, cost),
                inside: s.select(end, along, away),
                moved: s.select(end, moved, zero),
            }
        };
        programs(of, weighted, like)
    }

    /// Weight 1 for the rows that a direction of recession does not move, and none for the others: the directions that move
    /// no row of weight 1 are those of all of the cone.
    pub fn unmoved(ends: Receding, weighted: bool, like: Programs) -> Programs {
        let of = |s: &mut Sheet, response: Response, z: Slot| {
            let (zero, one) = (s.number(0.0), s.number(1.0));
            let (side, end) = ends.side(s, response);
            let along = s.mul(side, z);
            let moved = s.compare(Binary::Gt, along, 0.5);
            let moved = s.select(end, moved, zero);
            Distance {
                weight: s.select(moved, zero, one),
                slope: zero,
                value: zero,
                inside: one,
                moved,
            }
        };
        programs(of, weighted, like)
    }

    /// The deviance of a row and a barrier at the ends of its domain: f = d(y, μ) − 2τ Σ log(distance of η to an end), with the
    /// observed information −∂²ℓ/∂η², where that is positive, in the place of the expected: near an end the expected is
    /// larger by any factor (Forsgren, Gill & Wright 2002, "Interior methods for nonlinear optimization").
    ///
    /// With q = μ′ / V, the score is (y − μ) q and −∂²ℓ/∂η² = μ′ q − (y − μ) (μ″ − q μ′ V′) / V. The smaller distance to an end is
    /// the last pass's.
    pub fn barrier(domain: (f64, f64), tau: f64, weighted: bool, like: Programs) -> Programs {
        let (family, binary) = (like.family, like.trials == Trials::Single);
        let of = |s: &mut Sheet, response: Response, eta: Slot| {
            let mean = family.mean_at(s, eta);
            let variance = family.variance.at(s, &mean);
            let residual = family.variance.residual(s, response, &mean);
            // 1. the likelihood
            let q = s.div(mean.dmu_deta, variance);
            let bend = family.link.bend(s, eta, &mean);
            let bend = s.mul(mean.dmu_deta, bend);
            let rise = family.variance.rise(s, &mean, variance);
            let turn = s.mul(mean.dmu_deta, rise);
            let turn = s.mul(q, turn);
            let turn = s.sub(bend, turn);
            let turn = s.div(turn, variance);
            let turn = s.mul(residual, turn);
            let expected = s.mul(mean.dmu_deta, q);
            let observed = s.sub(expected, turn);
            let least = s.scale(expected, LEAST_SHARE);
            let observed = s.max(observed, least);
            let score = s.mul(residual, q);
            let unit = family.variance.deviance(s, response, &mean, binary);
            let own = [observed, score, unit].map(|v| match weighted {
                true => {
                    let w = s.input(2);
                    s.mul(w, v)
                }
                false => v,
            });
            let [mut weight, mut slope, mut value] = own;
            // 2. the barrier, of the same height for every row
            let mut inside = s.number(f64::MAX);
            for (end, side) in [(domain.0, 1.0), (domain.1, -1.0)] {
                if !end.is_finite() {
                    continue;
                }
                let room = s.compare(Binary::Sub, eta, end);
                let room = s.scale(room, side);
                inside = s.min(inside, room);
                let push = s.inverse(room);
                let square = s.square(push);
                let push = s.scale(push, side * tau);
                let square = s.scale(square, tau);
                let height = s.apply(Unary::Log, room);
                let height = s.scale(height, -2.0 * tau);
                weight = s.add(weight, square);
                slope = s.add(slope, push);
                value = s.add(value, height);
            }
            Distance {
                weight,
                slope,
                value,
                inside,
                moved: s.number(0.0),
            }
        };
        programs(of, weighted, like)
    }

    /// The distance of η to an interval well inside a domain: f = max(0, a − η)² + max(0, η − b)², where a and b are a
    /// fifth of the way from the ends of the domain to a predictor `centre` in it. The smallest distance to an end of the
    /// domain is the last pass's.
    pub fn interior(domain: (f64, f64), centre: f64, weighted: bool, like: Programs) -> Programs {
        let of = |s: &mut Sheet, _: Response, eta: Slot| {
            let zero = s.number(0.0);
            let far = s.number(f64::MAX);
            let (mut below, mut above, mut inside) = (zero, zero, far);
            if domain.0.is_finite() {
                let end = s.number(domain.0 + 0.2 * (centre - domain.0));
                let gap = s.sub(end, eta);
                below = positive(s, gap);
                inside = s.compare(Binary::Sub, eta, domain.0);
            }
            if domain.1.is_finite() {
                let end = s.number(domain.1 - 0.2 * (domain.1 - centre));
                let gap = s.sub(eta, end);
                above = positive(s, gap);
                let ceiling = s.number(domain.1);
                let room = s.sub(ceiling, eta);
                inside = s.min(inside, room);
            }
            let gap = s.add(below, above);
            let (one, rest) = (s.number(1.0), s.number(REST));
            let outside = s.compare(Binary::Gt, gap, 0.0);
            Distance {
                weight: s.select(outside, one, rest),
                slope: s.sub(below, above),
                value: s.square(gap),
                inside,
                moved: zero,
            }
        };
        programs(of, weighted, like)
    }
}
