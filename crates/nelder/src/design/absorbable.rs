//! Factors whose indicators lie in the span of the model matrix, so that their levels can be eliminated.

use crate::formula::{Coding, Contrast};

use super::Layout;
use super::column_encoding::{AbsorbedTerm, Parametrization};

/// Factors with fewer levels are not worth eliminating.
pub(super) const ABSORB_LEVELS: usize = 24;

/// The two terms of most levels, largest first, where there are two in treatment contrasts or indicators of all levels; without an
/// intercept one has those indicators, or ones lie in the span of a third.
pub(super) fn two_largest(
    mut all: Vec<AbsorbedTerm>,
    intercept: bool,
) -> Option<(AbsorbedTerm, AbsorbedTerm)> {
    all.retain(|term| term.parametrization != Parametrization::Sum);
    all.sort_by_key(|term| std::cmp::Reverse(term.codes.len()));
    let mut all = all.into_iter();
    let pair = (all.next()?, all.next()?);
    let full = |term: &AbsorbedTerm| term.parametrization == Parametrization::Full;
    (intercept || full(&pair.0) || full(&pair.1)).then_some(pair)
}

/// The main effect of a factor whose indicators lie in the span of the model matrix. `counted` says which codes of
/// its group have rows of positive weight, `constant` whether ones lie in the span of the other columns.
pub(super) fn absorbable(
    layout: &Layout,
    t: usize,
    first: usize,
    (used, contrast): (&[u32], &Contrast),
    counted: &[Vec<bool>],
    constant: bool,
) -> Option<AbsorbedTerm> {
    let term = &layout.terms[t];
    let group = term.group?;
    let count = used.len();
    if count < ABSORB_LEVELS {
        return None;
    }
    let has_rows = |rank: usize| counted[group].get(used[rank] as usize) == Some(&true);
    let full = (0..count).all(has_rows);
    // the level without a column
    let without = match (term.coding[0], contrast.base(count), constant) {
        (Coding::Full, _, _) if !layout.intercept => None,
        (Coding::Contrasts, Some(base), true) if has_rows(base) => Some(base),
        (Coding::Contrasts, None, true) if full && *contrast == Contrast::Sum => Some(count - 1),
        _ => return None,
    };
    let (mut codes, mut columns, mut empty, mut base) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut next = first;
    for rank in 0..count {
        let column = (without != Some(rank)).then(|| {
            next += 1;
            next - 1
        });
        if column.is_none() {
            base = codes.len();
        }
        if has_rows(rank) {
            codes.push(used[rank]);
            columns.push(column);
        } else {
            empty.extend(column);
        }
    }
    let parametrization = match (term.coding[0], contrast) {
        (Coding::Full, _) => Parametrization::Full,
        (_, Contrast::Sum) => Parametrization::Sum,
        _ => Parametrization::Treatment { base },
    };
    Some(AbsorbedTerm {
        group,
        multiplier: term.products[0],
        parametrization,
        codes,
        columns,
        empty,
    })
}
