//! Digits beyond double precision: whole numbers that are rounded where they are taken as numbers, and decimals and
//! times that are one code where they differ.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::node::{Node, NodeKind, Type};
use super::prepare;
use super::value::Value;
use crate::frame::{Batch, Column, EXACT};

/// Columns by position, the first row (from 0) that was rounded, and its value.
type Found = BTreeMap<usize, (u64, i128)>;

/// The columns that variables take as numbers, and the first row of each that is not what it was. Codes, comparisons
/// and arithmetic have all digits, and are not among them.
pub(super) struct Rounding {
    columns: Vec<usize>,
    found: Mutex<Found>,
    /// The columns whose numbers become codes, and the first row of each whose digits double precision does not tell apart.
    coded: Vec<usize>,
    merged: Mutex<BTreeMap<usize, u64>>,
}

impl Rounding {
    pub fn of(roots: &[Node]) -> Rounding {
        let (mut columns, mut coded) = (Vec::new(), Vec::new());
        for root in roots {
            taken_as_numbers(root, &mut columns);
            root.visit(&mut |node| {
                if let NodeKind::CodeNumbers(of, _) | NodeKind::Stamp(of, _) = &node.kind
                    && let NodeKind::Column(at) = of.kind
                {
                    coded.push(at);
                }
            });
        }
        columns.sort_unstable();
        columns.dedup();
        Rounding {
            columns,
            found: Mutex::default(),
            coded,
            merged: Mutex::default(),
        }
    }

    /// Looks for rounded values in a batch.
    pub fn look_at(&self, batch: &Batch<'_>) {
        for &(at, row) in &batch.coarse {
            if self.coded.contains(&at) {
                let mut merged = self.merged.lock().unwrap_or_else(|e| e.into_inner());
                let row = batch.first_row + row as u64;
                let first = merged.entry(at).or_insert(row);
                *first = row.min(*first);
            }
        }
        for &at in &self.columns {
            let Some(Column::Whole(values)) = batch.columns.get(at) else {
                continue;
            };
            let rounded = |x: &i128| *x != i128::MIN && (*x as f64) as i128 != *x;
            if let Some(i) = values.iter().position(rounded) {
                self.note(at, (batch.first_row + i as u64, values[i]));
            }
        }
    }

    /// Looks for a variable's values beyond ±2⁵³ that were computed from whole numbers of any size, and rounded then.
    pub fn look_at_result(&self, root: &Node, result: &Value<'_>, batch: &Batch<'_>) {
        let Value::Numbers(columns) = result else { return };
        if matches!(root.kind, NodeKind::Column(_)) || columns.iter().any(|c| c.low.is_some()) {
            return;
        }
        let mut from = Vec::new();
        prepare::columns_of(root, &mut from);
        for at in from {
            let Some(Column::Whole(values)) = batch.columns.get(at) else {
                continue;
            };
            let beyond = |x: &f64| x.is_finite() && x.abs() > EXACT as f64;
            let rows = columns.iter().filter_map(|c| c.high.iter().position(beyond));
            if let Some(i) = rows.min() {
                self.note(at, (batch.first_row + i as u64, values[i]));
            }
        }
    }

    fn note(&self, at: usize, new: (u64, i128)) {
        let mut found = self.found.lock().unwrap_or_else(|e| e.into_inner());
        let first = found.entry(at).or_insert(new);
        *first = new.min(*first);
    }

    /// Takes in what other batches of the same columns had.
    pub fn take(&self, rounded: &[(usize, u64, i128)], merged: &[(usize, u64)]) {
        for &(at, row, value) in rounded {
            self.note(at, (row, value));
        }
        let mut own = self.merged.lock().unwrap_or_else(|e| e.into_inner());
        for &(at, row) in merged {
            let first = own.entry(at).or_insert(row);
            *first = row.min(*first);
        }
    }

    pub fn merged(&self) -> BTreeMap<usize, u64> {
        self.merged.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    pub fn found(&self) -> Found {
        self.found.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

fn taken_as_numbers(node: &Node, out: &mut Vec<usize>) {
    match &node.kind {
        NodeKind::Column(at) if matches!(node.ty, Type::Numbers { .. }) => out.push(*at),
        kind => {
            let exact = matches!(kind, NodeKind::Program { .. } | NodeKind::CodeNumbers(..));
            for child in node.children() {
                if !(exact && matches!(child.kind, NodeKind::Column(_))) {
                    taken_as_numbers(child, out);
                }
            }
        }
    }
}
