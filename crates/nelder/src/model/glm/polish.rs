//! Steps beyond the deviance's convergence, until the coefficients settle.
//!
//! Fisher scoring β ← β + Δ(β) converges quadratically for a canonical link and linearly for any other. There it is
//! accelerated (Anderson 1965; Walker & Ni 2011, type II): with the last few β and Δ, the next point is the combination
//! of theirs whose combined Δ is smallest, plus that Δ. η and the score are formed in twice the precision.

use nelder_device::Dd;

use super::iteration::{Converged, Iteration, sound};
use super::null_search::NullSearch;
use super::step_equations::Equations;
use crate::model::warning::Warning;
use crate::model::{Accuracy, ModelError, Score};
use crate::pass::{Gram, PassOutputs, Products, Scoring};

/// Passes at most.
const MOST_PASSES: u32 = 40;
/// Passes without a gram in a row.
const MOST_CHEAP: u32 = 8;
/// A last step below this many standard errors is as good as none.
const SETTLED: f64 = 1e-11;
/// The same for a canonical link, whose next step is of the order of its square.
const SETTLED_CANONICAL: f64 = 1e-8;
/// A share of a row's working weight by which a last step may still move it: standard errors are of the weights before it.
const SETTLED_WEIGHTS: f64 = 1e-12;

/// Shares of the way to the inside of the range by which a point at its edge moves until it is in.
const EDGE: [f64; 5] = [1e-14, 1e-12, 1e-10, 1e-8, 1e-6];

/// A rise of the deviance, as a share of it, by which steps that were to settle the coefficients have gone astray.
const ASTRAY: f64 = 1e-7;

/// Points that are combined.
const MEMORY: usize = 6;

/// The last few points of the iteration and their steps.
pub(super) struct Accelerated {
    /// Root of each column's diagonal of the gram: what makes steps comparable.
    weights: Vec<f64>,
    points: Vec<(Vec<Dd>, Vec<Dd>)>,
    origin: Vec<Dd>,
}

fn weights(equations: &Equations, more: Option<f64>) -> Vec<f64> {
    let mut out = vec![0.0; equations.map.columns()];
    for (i, &c) in equations.normal.kept.iter().enumerate() {
        out[c] = equations.normal.matrix.norms[i].max(0.0).sqrt();
    }
    if let (Some(term), Some(a)) = (&equations.map.absorbed, &equations.normal.absorbed) {
        for (c, w) in term.columns.iter().zip(&a.weights) {
            if let Some(c) = c {
                out[*c] = w.hi.max(0.0).sqrt();
            }
        }
    }
    let mut out = equations.whole(out, 0.0);
    out.extend(more);
    out
}

impl Accelerated {
    /// Starts at a point with its step; the last entry of both may be a further parameter of this weight.
    pub fn new(equations: &Equations, point: Vec<Dd>, step: Vec<Dd>, more: Option<f64>) -> Self {
        Accelerated {
            weights: weights(equations, more),
            origin: point.clone(),
            points: vec![(point, step)],
        }
    }

    /// The point it started at.
    pub fn origin(&self) -> Vec<Dd> {
        self.origin.clone()
    }

    /// Adds a point with its step.
    pub fn push(&mut self, equations: &Equations, point: Vec<Dd>, step: Vec<Dd>, more: Option<f64>) {
        self.weights = weights(equations, more);
        self.points.push((point, step));
        if self.points.len() > MEMORY {
            self.points.remove(0);
        }
    }

    /// The next point.
    pub fn next(&self) -> Vec<Dd> {
        let Some(((point, step), before)) = self.points.split_last() else {
            return self.origin.clone();
        };
        // 1. differences of steps, orthonormalised one after the other
        let size = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let own: Vec<f64> = step.iter().zip(&self.weights).map(|(s, w)| s.hi * w).collect();
        let mut left = own.clone();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        // for each earlier point: coefficients over the basis
        let mut next: Vec<Dd> = point.iter().zip(step).map(|(b, s)| *b + *s).collect();
        let mut moves: Vec<Vec<Dd>> = Vec::new();
        for (other, its) in before.iter().rev() {
            let mut v: Vec<f64> = (0..own.len())
                .map(|c| (step[c] - its[c]).hi * self.weights[c])
                .collect();
            let whole = size(&v);
            // what β + Δ differs by, kept in step with v
            let mut way: Vec<Dd> = (0..own.len())
                .map(|c| (point[c] - other[c]) + (step[c] - its[c]))
                .collect();
            for (q, m) in basis.iter().zip(&moves) {
                let t: f64 = q.iter().zip(&v).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(q).for_each(|(x, q)| *x -= t * q);
                way.iter_mut().zip(m).for_each(|(x, m)| *x -= m.mul_f64(t));
            }
            let norm = size(&v);
            // a difference that the others span already says nothing
            if !(norm > 1e-6 * whole && norm > 0.0) {
                continue;
            }
            v.iter_mut().for_each(|x| *x /= norm);
            way.iter_mut().for_each(|x| *x = x.div_f64(norm));
            // 2. take its part out of the step
            let t: f64 = v.iter().zip(&left).map(|(a, b)| a * b).sum();
            left.iter_mut().zip(&v).for_each(|(x, q)| *x -= t * q);
            next.iter_mut().zip(&way).for_each(|(x, m)| *x -= m.mul_f64(t));
            basis.push(v);
            moves.push(way);
        }
        next
    }
}

/// Where the coefficients have settled.
pub(super) struct Settled {
    pub beta: Vec<Dd>,
    pub sums: Scoring,
    pub equations: Equations,
    /// The last step, to be added.
    pub step: Vec<Dd>,
    /// √(sᵀ(XᵀWX)⁻¹s) of it; infinite where steps were not free to be taken.
    pub size: f64,
    /// Passes that it took.
    pub passes: u32,
}

impl Iteration<'_, '_> {
    /// Goes on until a step is rounding error. Where the iteration is not `free` to (it has not converged, or there is
    /// no maximum), one pass at its end gives what is reported.
    pub fn settle(&mut self, at: Converged, free: bool) -> Result<Settled, ModelError> {
        let scorer = self.scorer;
        let width = scorer.residual_width(&self.passes.moments, at.deviance);
        let mut equations = at.equations;
        let aliased = equations.aliased();
        let mut way = Accelerated::new(
            &equations,
            self.theta.join(at.beta, &self.passes.family),
            self.theta.with(at.step.delta),
            self.theta.weight(),
        );
        let (mut passes, mut size) = (0, f64::INFINITY);
        loop {
            // 1. a pass with a gram
            let point = if free { way.next() } else { way.origin() };
            let target = self.theta.split(point, &mut self.passes.family);
            let found = self.last(&target, width)?;
            if !sound(&found) {
                // the way left the family's range: what the iteration found stays
                return self.settle_at_origin(&way, width, passes);
            }
            let Some(mut own) = self.equations(&found)? else {
                if self.passes.products == Products::Exact {
                    return Err(self.overflow());
                }
                self.passes.products = match (self.passes.products, found.gram.as_ref().map(Gram::products)) {
                    (Products::Single, Some(Products::Single)) => Products::Stepping,
                    _ => Products::Exact,
                };
                continue;
            };
            if !free && own.lack(&aliased) {
                // weights that are nearly nothing make no column aliased
                if self.passes.products != Products::Exact {
                    self.exactly();
                    continue;
                }
                own = equations;
            }
            let step = own.step(&Score::of(&found.score), &target);
            equations = own;
            self.theta.look(&found, &self.passes.family);
            passes += 1;
            // 2. is the step rounding error?
            let before = size;
            size = (step.gain.max(0.0) + self.theta.gain()).sqrt();
            let scale = scorer.scale_of(&found, &equations);
            let noise = 4.0 * f64::EPSILON * found.blur.sqrt();
            let enough = match scorer.family.is_canonical() {
                true => SETTLED_CANONICAL,
                false => SETTLED,
            };
            let falls = size <= 0.5 * before;
            let stalled = passes > 3 && !falls && size < 1e-7 * scale;
            let small = size <= enough * scale || size <= 4.0 * noise;
            // a row of little weight may move by much where all others have settled
            let settled = small && (self.weights_settled(&found, &equations, size) || (passes > 1 && !falls));
            let done = !free || settled || stalled || passes >= MOST_PASSES;
            if done && free && !scorer.family.estimated && self.climbs(&found, at.deviance) {
                // steps that lead away from where the deviance had settled: there is no maximum that they lead to
                self.warnings.push(Warning::NoMaximum);
                return self.settle_at_origin(&way, width, passes);
            }
            if done {
                if free {
                    self.passes.family = self.theta.taken(self.passes.family);
                }
                return Ok(Settled {
                    step: if free {
                        step.delta
                    } else {
                        vec![Dd::ZERO; target.len()]
                    },
                    size: if free { size } else { f64::INFINITY },
                    beta: target,
                    sums: found,
                    equations,
                    passes,
                });
            }
            // 3. passes without a gram, until one with it will do
            way.push(
                &equations,
                self.theta.join(target, &self.passes.family),
                self.theta.with(step.delta),
                self.theta.weight(),
            );
            if !small {
                passes += self.polish(&mut way, &equations, width, (1e-9 * scale).max(4.0 * noise))?;
            }
        }
    }

    /// Passes without a gram, with the equations of one before, until a step's size is at most `enough`: how many.
    fn polish(
        &mut self,
        way: &mut Accelerated,
        equations: &Equations,
        width: Option<f64>,
        enough: f64,
    ) -> Result<u32, ModelError> {
        let mut passes = 0;
        while passes < MOST_CHEAP {
            let target = self.theta.split(way.next(), &mut self.passes.family);
            let wanted = PassOutputs {
                last: Some(width),
                ..PassOutputs::default()
            };
            let found = self.at("polish", Some(&target), wanted)?;
            if !sound(&found) {
                break;
            }
            let step = equations.step(&Score::of(&found.score), &target);
            self.theta.look(&found, &self.passes.family);
            passes += 1;
            let now = (step.gain.max(0.0) + self.theta.gain()).sqrt();
            way.push(
                equations,
                self.theta.join(target, &self.passes.family),
                self.theta.with(step.delta),
                self.theta.weight(),
            );
            if now <= enough {
                break;
            }
        }
        Ok(passes)
    }

    /// True where the deviance is above `deviance` by more than max(1e-7, 10 ε) of it, ε the convergence tolerance.
    fn climbs(&self, found: &Scoring, deviance: f64) -> bool {
        let slack = ASTRAY.max(10.0 * self.scorer.spec.epsilon);
        !(found.deviance.hi <= deviance + slack * self.size_of(deviance))
    }

    /// True if a step of norm `size` changes no working weight by a share above 1e-12, which no printed standard error shows;
    /// always with [`Accuracy::Single`].
    fn weights_settled(&self, found: &Scoring, equations: &Equations, size: f64) -> bool {
        let [elasticity, _] = found.elasticity();
        if elasticity == 0.0 || self.scorer.spec.design.accuracy == Accuracy::Single {
            return true;
        }
        let atoms = &self.scorer.bound.rows.layout().atoms;
        size * elasticity * equations.largest_spread(atoms, &found.ranges) <= SETTLED_WEIGHTS
    }

    fn last(&mut self, beta: &[Dd], width: Option<f64>) -> Result<Scoring, ModelError> {
        let design = &self.scorer.spec.design;
        // what a device does in single precision is too rough for standard errors
        let single = design.accuracy == Accuracy::Single && self.passes.device().is_none();
        let wanted = PassOutputs {
            gram: Some(match self.passes.products {
                Products::Exact => Products::Exact,
                Products::Single if single => Products::Single,
                _ => Products::Stepping,
            }),
            last: Some(width),
            ..PassOutputs::default()
        };
        self.at("last", Some(beta), wanted)
    }

    fn settle_at_origin(
        &mut self,
        way: &Accelerated,
        width: Option<f64>,
        passes: u32,
    ) -> Result<Settled, ModelError> {
        let mut beta = self.theta.split(way.origin(), &mut self.passes.family);
        let mut sums = self.last(&beta, width)?;
        // at the edge of the range, twice the precision may be out of it where double precision is not
        if !sound(&sums)
            && let Some(inside) = self.inside()?
        {
            let target = inside.beta.unwrap_or_default();
            for share in EDGE {
                let step = |(b, t): (&Dd, &Dd)| *b + (*t - *b).mul_f64(share);
                let next: Vec<Dd> = beta.iter().zip(&target).map(step).collect();
                sums = self.last(&next, width)?;
                if sound(&sums) {
                    beta = next;
                    break;
                }
            }
        }
        let Some(equations) = self.equations(&sums)? else {
            return Err(self.overflow());
        };
        Ok(Settled {
            step: vec![Dd::ZERO; beta.len()],
            size: f64::INFINITY,
            beta,
            sums,
            equations,
            passes: passes + 1,
        })
    }

    /// The deviance of the model without columns, with further passes where it has not settled.
    pub fn null_deviance(&mut self, at: &Settled) -> Result<f64, ModelError> {
        if self.scorer.family.estimated {
            // θ is known now
            self.passes.null = Some(self.scorer.null_start(&self.passes.moments, &at.sums));
            self.passes.null_search = NullSearch::default();
            self.passes.family.estimated = false;
        }
        for _ in 0..100 {
            if let Some(deviance) = self.passes.null_deviance {
                return Ok(deviance);
            }
            self.at("null model", Some(&at.beta), PassOutputs::default())?;
        }
        Ok(self.passes.null_search.lowest())
    }
}
