//! Preparation of an expression: the parts of it that need all rows before any row can be evaluated.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::error::{BindError, EvaluateError};
use super::evaluate::{codes, number, numbers};
use super::functions::basis::{Basis, Scaled, ShiftedMoments};
use super::functions::poly::PolyBasis;
use super::functions::quantile::Ranks;
use super::functions::recode::{Measure, Recode, Rule};
use super::functions::splines::SplineBasis;
use super::node::{Node, NodeKind};
use super::search::{KEPT, Search, Told};
use super::value::Precision;
use crate::frame::{Batch, Levels, MISSING};

/// Data that a node gathers from one batch.
pub(super) enum Piece {
    Values(Vec<f64>),
    Moments(Vec<ShiftedMoments>),
    /// Least and largest value.
    Range([f64; 2]),
    /// Which codes occur.
    Used(Vec<bool>, Arc<Levels>),
    /// Parts of a basis whose values are too many to keep.
    Told(Told),
    /// Values that are too many to keep, after all.
    TooMany,
}

/// A node that waits for rows, by its root and its place among the visits of that.
pub(super) type Place = (usize, usize);

/// Searches for bases, by the place of their node.
pub(super) type Searches = HashMap<Place, Search>;

/// State of a node that a fit keeps for new data: basis, knots, limits, or labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum NodeState {
    Poly(PolyBasis),
    Spline(SplineBasis),
    Ranks(Ranks),
    Scale(Vec<Scaled>),
    Breaks(Vec<f64>),
    Labels { from: Vec<String>, to: Vec<String> },
    Order(Vec<String>),
}

/// Tests if the node itself (not those below) can be evaluated.
fn own_ready(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Basis(_, basis) => basis.is_ready(),
        NodeKind::Cut(_, cut) => cut.intervals.is_some(),
        NodeKind::Recode(_, recode) => !recode.needs_order(),
        NodeKind::Lookup(argument, lookup) => {
            let has_order = match &argument.kind {
                NodeKind::Cut(..) => true,
                NodeKind::Recode(_, recode) => matches!(recode.rule, Rule::Among { .. }),
                _ => false,
            };
            !lookup.needs_rows() || (has_order && lookup.measure == Measure::Position(None))
        }
        _ => true,
    }
}

/// Tests if the node and all below it can be evaluated.
pub(super) fn is_ready(node: &Node) -> bool {
    let mut ready = true;
    node.visit(&mut |n| ready &= own_ready(n));
    ready
}

/// The nodes below root number `number` that wait only for rows, in the order of visits.
pub(super) fn waiting<'n>(number: usize, root: &'n Node, out: &mut Vec<(Place, &'n Node)>) {
    let mut at = 0;
    root.visit(&mut |node| {
        if !own_ready(node) && node.children().into_iter().all(is_ready) {
            out.push(((number, at), node));
        }
        at += 1;
    });
}

/// The columns that a node reads, by position, each once.
pub(super) fn columns_of(node: &Node, out: &mut Vec<usize>) {
    node.visit(&mut |n| match n.kind {
        NodeKind::Column(c) if !out.contains(&c) => out.push(c),
        _ => {}
    });
}

/// Gathers the data of a waiting node from a batch: for a search, where there is one; else values, as long as fewer than [`KEPT`] are
/// `kept`.
pub(super) fn piece(
    node: &Node,
    batch: &Batch<'_>,
    precision: Precision,
    (search, kept): (Option<&Search>, &AtomicU64),
) -> Result<Piece, EvaluateError> {
    let children = node.children();
    let argument = children.first().copied().unwrap_or(node);
    Ok(match &node.kind {
        NodeKind::Basis(_, Basis::Scale(..)) => {
            let columns = numbers(argument, batch, precision)?;
            Piece::Moments(columns.iter().map(ShiftedMoments::of).collect())
        }
        NodeKind::Basis(..) => {
            let values = number(argument, batch)?;
            let before = kept.fetch_add(values.len() as u64, Ordering::Relaxed);
            match search {
                Some(search) => Piece::Told(search.look(&values, batch.first_row)),
                None if before > KEPT && Search::of(node).is_some() => Piece::TooMany,
                None => Piece::Values(values.into_owned()),
            }
        }
        NodeKind::Cut(..) => {
            let values = number(argument, batch)?;
            let range = values
                .iter()
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| {
                    [low.min(x), high.max(x)] // which leave NaN out
                });
            Piece::Range(range)
        }
        _ => {
            let (codes, levels) = codes(argument, batch)?;
            let mut used = vec![false; levels.len()];
            for &code in codes.iter().filter(|c| **c != MISSING) {
                if let Some(used) = used.get_mut(code as usize) {
                    *used = true;
                }
            }
            Piece::Used(used, levels)
        }
    })
}

/// Gives the waiting nodes below root number `number` what was gathered, in the order of [`waiting`]. Where it is too much to be
/// gathered, a search begins.
pub(super) fn settle(
    number: usize,
    root: &mut Node,
    pieces: &mut dyn Iterator<Item = Vec<Piece>>,
    searches: &mut Searches,
) -> Result<(), BindError> {
    // found before any is settled: a node above becomes ready only for the next scan
    let mut positions = Vec::new();
    let mut at = 0;
    root.visit(&mut |node| {
        if !own_ready(node) && node.children().into_iter().all(is_ready) {
            positions.push(at);
        }
        at += 1;
    });
    let (mut at, mut result) = (0, Ok(()));
    root.visit_mut(&mut |node| {
        if positions.contains(&at)
            && result.is_ok()
            && let Some(pieces) = pieces.next()
        {
            let search = searches.remove(&(number, at));
            let settled = settle_node(node, pieces, search).map_err(|problem| BindError::Data {
                call: node.name.to_string(),
                problem,
            });
            result = settled.map(|more| {
                searches.extend(more.map(|search| ((number, at), search)));
            });
        }
        at += 1;
    });
    result
}

/// Gives a node what was gathered; the search for it that goes on in another scan.
fn settle_node(
    node: &mut Node,
    pieces: Vec<Piece>,
    search: Option<Search>,
) -> Result<Option<Search>, String> {
    if let Some(mut search) = search {
        let told = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Told(told) => Some(told),
            _ => None,
        });
        let done = search.take_in(node, told.collect())?;
        return Ok((!done).then_some(search));
    }
    if pieces.iter().any(|piece| matches!(piece, Piece::TooMany)) {
        return Ok(Search::of(node));
    }
    match &mut node.kind {
        NodeKind::Basis(_, Basis::Poly(degree, state)) => {
            *state = Some(PolyBasis::of(&gathered(pieces), *degree)?);
        }
        NodeKind::Basis(_, Basis::Rank(_, state)) => *state = Some(Ranks::of(gathered(pieces))),
        NodeKind::Basis(_, Basis::Spline(rule, state)) => *state = Some(rule.place(&mut gathered(pieces))?),
        NodeKind::Basis(argument, Basis::Scale(rule, state)) => {
            let mut total = vec![ShiftedMoments::default(); argument.ty.columns()];
            for piece in pieces {
                let Piece::Moments(m) = piece else { continue };
                total.iter_mut().zip(m).for_each(|(t, m)| *t = t.merge(m));
            }
            *state = Some(rule.settle(&total));
        }
        NodeKind::Cut(_, cut) => {
            let range = pieces
                .iter()
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], p| match p {
                    Piece::Range([l, h]) => [low.min(*l), high.max(*h)],
                    _ => [low, high],
                });
            cut.intervals = Some(cut.rule.intervals(cut.rule.breaks(range)?)?);
        }
        NodeKind::Recode(_, recode) => {
            let (labels, used) = ordered_levels(pieces);
            recode.settle(&labels, &used)?;
        }
        NodeKind::Lookup(_, lookup) => {
            let (mut labels, used) = ordered_levels(pieces);
            if !matches!(lookup.measure, Measure::Position(_)) {
                let mut used = used.into_iter();
                labels.retain(|_| used.next() == Some(true));
            }
            lookup.settle(&labels)?;
        }
        _ => {}
    }
    Ok(None)
}

fn gathered(pieces: Vec<Piece>) -> Vec<f64> {
    let mut all = Vec::new();
    for piece in pieces {
        if let Piece::Values(values) = piece {
            all.extend(values);
        }
    }
    all
}

/// All labels in R's order, and which of them occur.
fn ordered_levels(pieces: Vec<Piece>) -> (Vec<String>, Vec<bool>) {
    let mut occurs: Vec<bool> = Vec::new();
    let mut levels = None;
    for piece in pieces {
        let Piece::Used(used, own) = piece else { continue };
        occurs.resize(occurs.len().max(used.len()), false);
        occurs.iter_mut().zip(used).for_each(|(o, u)| *o |= u);
        levels = Some(own);
    }
    let Some(levels) = levels else {
        return (Vec::new(), Vec::new());
    };
    let labels = levels.labels();
    let occurs = |c: u32| occurs.get(c as usize).copied().unwrap_or(false);
    levels
        .order()
        .into_iter()
        .map(|c| (labels[c as usize].clone(), occurs(c)))
        .unzip()
}

/// Returns the state of a node that a fit keeps; `None` for most.
pub(super) fn state(node: &Node) -> Option<NodeState> {
    match &node.kind {
        NodeKind::Basis(_, Basis::Poly(_, state)) => state.clone().map(NodeState::Poly),
        NodeKind::Basis(_, Basis::Spline(_, state)) => state.clone().map(NodeState::Spline),
        NodeKind::Basis(_, Basis::Rank(_, state)) => state.clone().map(NodeState::Ranks),
        NodeKind::Basis(_, Basis::Scale(_, state)) => state.clone().map(NodeState::Scale),
        NodeKind::Cut(_, cut) if cut.rule.breaks.is_err() => cut
            .intervals
            .as_ref()
            .map(|i| NodeState::Breaks(i.breaks.clone())),
        NodeKind::Recode(_, recode) if recode.from_rows => match &recode.rule {
            Rule::Among { from, to } => Some(NodeState::Labels {
                from: from.clone(),
                to: to.clone(),
            }),
            _ => None,
        },
        NodeKind::Lookup(_, lookup) => lookup.decided().map(NodeState::Order),
        _ => None,
    }
}

/// Gives nodes what a fit kept, in the order of visits.
pub(super) fn restore(
    root: &mut Node,
    states: &mut dyn Iterator<Item = &NodeState>,
) -> Result<(), BindError> {
    let mut result = Ok(());
    let other = || BindError::State("the fit was made with other expressions".into());
    root.visit_mut(&mut |node| {
        let fixed = own_ready(node);
        if result.is_err() {
            return;
        }
        let mut next = || states.next().ok_or_else(other);
        result = (|| {
            match &mut node.kind {
                NodeKind::Basis(_, basis) => match (basis, next()?) {
                    (Basis::Poly(_, state), NodeState::Poly(s)) => *state = Some(s.clone()),
                    (Basis::Spline(_, state), NodeState::Spline(s)) => *state = Some(s.clone()),
                    (Basis::Rank(_, state), NodeState::Ranks(s)) => *state = Some(s.clone()),
                    (Basis::Scale(_, state), NodeState::Scale(s)) => *state = Some(s.clone()),
                    _ => return Err(other()),
                },
                NodeKind::Cut(_, cut) if cut.rule.breaks.is_err() => {
                    let NodeState::Breaks(breaks) = next()? else {
                        return Err(other());
                    };
                    let intervals = cut.rule.intervals(breaks.clone());
                    cut.intervals = Some(intervals.map_err(BindError::State)?);
                }
                NodeKind::Recode(_, recode) if recode.needs_order() => {
                    let NodeState::Labels { from, to } = next()? else {
                        return Err(other());
                    };
                    *recode = Recode::settled(from.clone(), to.clone());
                }
                NodeKind::Lookup(_, lookup) if !fixed => {
                    let NodeState::Order(order) = next()? else {
                        return Err(other());
                    };
                    lookup.restore(order);
                }
                _ => {}
            }
            Ok(())
        })();
    });
    result
}
