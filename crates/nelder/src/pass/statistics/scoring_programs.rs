//! Programs over the rows of a device that a pass of Fisher scoring runs.

use nelder_device::{Binary, DeviceError, Fold, Program, Slot, Unary};

use crate::pass::{At, ScoringPlan};

/// Proportions, weights times trials, trials, and proportions of failures, from successes, failures and weights.
pub(super) fn counted(weighted: bool) -> Program {
    let mut p = Program::new();
    let (successes, failures) = (p.input(0), p.input(1));
    let trials = p.binary(Binary::Add, successes, failures);
    let (zero, none) = (p.constant(0.0), p.constant(0.0));
    let empty = p.binary(Binary::Eq, trials, none);
    let share = p.binary(Binary::Div, successes, trials);
    let share = p.select(empty, zero, share);
    let rest = p.binary(Binary::Div, failures, trials);
    let rest = p.select(empty, zero, rest);
    let weight = match weighted {
        false => trials,
        true => {
            let w = p.input(2);
            p.binary(Binary::Mul, w, trials)
        }
    };
    for out in [share, weight, trials, rest] {
        p.output(out);
    }
    p
}

/// By row: 1 where y is neither 0 nor 1, where w y is no whole number to a thousandth, where w is zero, and where y is no
/// count although w is not zero. Trials that are counted stand in the place of w in the second, and are whole too.
pub(super) fn looks(weighted: bool, counted: bool) -> Program {
    let mut p = Program::new();
    let y = p.input(0);
    let (zero, one, half) = (p.constant(0.0), p.constant(1.0), p.constant(0.5));
    let thousandth = p.constant(1e-3);
    let either = [zero, one].map(|v| p.binary(Binary::Ne, y, v));
    let other = p.binary(Binary::Mul, either[0], either[1]);
    let (product, empty) = match weighted {
        false => (y, zero),
        true => {
            let w = p.input(1);
            let empty = p.binary(Binary::Eq, w, zero);
            (p.binary(Binary::Mul, w, y), empty)
        }
    };
    let apart = |p: &mut Program, x: u32| {
        let up = p.binary(Binary::Add, x, half);
        let whole = p.unary(Unary::Floor, up);
        let apart = p.binary(Binary::Sub, x, whole);
        p.unary(Unary::Abs, apart)
    };
    let fraction = match counted {
        false => {
            let by = apart(&mut p, product);
            p.binary(Binary::Gt, by, thousandth)
        }
        true => {
            let trials = p.input(2);
            let successes = p.binary(Binary::Mul, trials, y);
            let by = [trials, successes].map(|x| apart(&mut p, x));
            let most = p.binary(Binary::Max, by[0], by[1]);
            p.binary(Binary::Gt, most, thousandth)
        }
    };
    let by = apart(&mut p, y);
    let size = p.unary(Unary::Abs, y);
    let size = p.binary(Binary::Max, size, one);
    let close = p.constant(1e-7);
    let allowed = p.binary(Binary::Mul, close, size);
    let no_count = p.binary(Binary::Gt, by, allowed);
    let no_count = p.select(empty, zero, no_count);
    for out in [other, fraction, empty, no_count] {
        p.output(out);
    }
    p
}

/// −x for two columns.
pub(super) fn turned() -> Program {
    let mut p = Program::new();
    let (high, low, zero) = (p.input(0), p.input(1), p.constant(0.0));
    for v in [high, low] {
        let turned = p.binary(Binary::Sub, zero, v);
        p.output(turned);
    }
    p
}

/// a + b rounded, and what rounding leaves (Knuth's two-sum).
pub(super) fn two_sum(p: &mut Program, a: Slot, b: Slot) -> [Slot; 2] {
    let sum = p.binary(Binary::Add, a, b);
    let own_b = p.binary(Binary::Sub, sum, a);
    let own_a = p.binary(Binary::Sub, sum, own_b);
    let (a_rest, b_rest) = (p.binary(Binary::Sub, a, own_a), p.binary(Binary::Sub, b, own_b));
    [sum, p.binary(Binary::Add, a_rest, b_rest)]
}

/// a − b in two parts.
pub(super) fn difference() -> Program {
    let mut p = Program::new();
    let (a, b) = (p.input(0), p.input(1));
    let minus = p.unary(Unary::Neg, b);
    two_sum(&mut p, a, minus).into_iter().for_each(|slot| {
        p.output(slot);
    });
    p
}

/// high + low (+ more) in two parts, the second with its sign turned.
pub(super) fn rested(more: bool) -> Program {
    let mut p = Program::new();
    let (high, mut low) = (p.input(0), p.input(1));
    if more {
        let more = p.input(2);
        low = p.binary(Binary::Add, low, more);
    }
    let [high, low] = two_sum(&mut p, high, low);
    let turned = p.unary(Unary::Neg, low);
    p.output(high);
    p.output(turned);
    p
}

/// Program that a pass runs on its rows, and the fold of each of its outputs. Inputs are y, η (in a first pass the value to
/// start from), the weights, the trials, the proportions of failures, what the starting values read of trials, and the offset.
pub(super) struct Programmed {
    pub program: Program,
    pub folds: Vec<Fold>,
}

impl Programmed {
    pub fn new(plan: &ScoringPlan, binary: bool, offset: bool) -> Result<Programmed, DeviceError> {
        let own = &plan.programs;
        let mut p = Program::new();
        let inputs: Vec<Slot> = (0..7).map(|k| p.input(k)).collect();
        let mut row = inputs[..5].to_vec();
        let first = matches!(plan.at, At::Start);
        let (last, single) = (plan.wanted.last.is_some(), first && !plan.counts && binary);
        if first {
            row[1] = p.append(&own.start, &[inputs[0], inputs[1], inputs[5]])?[0];
        }
        let step = match (last, single) {
            (true, _) => &own.finish,
            (_, true) => &own.single,
            _ => &own.step,
        };
        let mut found = p.append(step, &row)?;
        if first {
            // s + W (η − o)
            let eta = match offset {
                false => row[1],
                true => p.binary(Binary::Sub, row[1], inputs[6]),
            };
            let more = p.binary(Binary::Mul, found[0], eta);
            found[1] = p.binary(Binary::Add, found[1], more);
        }
        use Fold::{Keep, Least, Sum};
        // the deviance; Pearson's statistic, the edge, the likelihood, the blur, the residual, the two elasticities
        let mut folds = match last {
            true => vec![Sum, Sum, Least, Sum, Sum, Keep, Sum, Sum],
            false => vec![Sum],
        };
        if plan.wanted.theta {
            found.extend(p.append(&own.theta, &row)?);
            folds.extend([Sum, Sum]);
        }
        found.into_iter().for_each(|slot| {
            p.output(slot);
        });
        Ok(Programmed { program: p, folds })
    }
}

/// −a b
pub(super) fn minus_product() -> Program {
    let mut p = Program::new();
    let (a, b) = (p.input(0), p.input(1));
    let product = p.binary(Binary::Mul, a, b);
    let turned = p.unary(Unary::Neg, product);
    p.output(turned);
    p
}
