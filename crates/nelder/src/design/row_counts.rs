//! Counts of the rows of a pass: read, used, and left out, by reason.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::level_book::CodeMaps;

/// Numbers of rows, of a block or of a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that the source delivered.
    pub read: u64,
    /// Rows that are in the model.
    pub used: u64,
    /// Rows left out as incomplete.
    pub omitted: u64,
    /// Rows left out because their weight is zero.
    pub weightless: u64,
    /// Variables and their codes in rows of weight zero: R keeps these levels.
    pub weightless_codes: BTreeSet<(usize, u32)>,
}

impl RowCounts {
    /// Takes in the counts of other rows.
    pub fn add(&mut self, other: RowCounts) {
        self.read += other.read;
        self.used += other.used;
        self.omitted += other.omitted;
        self.weightless += other.weightless;
        self.weightless_codes.extend(other.weightless_codes);
    }

    /// The same with the codes of another process.
    pub(crate) fn recoded(self, maps: &CodeMaps) -> RowCounts {
        let own = self.weightless_codes.iter();
        let weightless_codes = own.map(|&(v, code)| (v, maps.variable(v, code))).collect();
        RowCounts {
            weightless_codes,
            ..self
        }
    }

    /// Codes of a variable that rows of weight zero have.
    pub fn weightless_codes_of(&self, variable: usize) -> Vec<u32> {
        let own = self.weightless_codes.range((variable, 0)..=(variable, u32::MAX));
        own.map(|&(_, code)| code).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let part = |n: u64, codes: &[(usize, u32)]| RowCounts {
            read: 4 * n,
            used: n,
            omitted: 2 * n,
            weightless: n,
            weightless_codes: codes.iter().copied().collect(),
        };
        let mut all = part(1, &[(0, 3), (1, 0)]);
        all.add(part(10, &[(1, 2), (1, 0), (2, 9)]));
        assert_eq!(all, part(11, &[(0, 3), (1, 0), (1, 2), (2, 9)]));
        assert_eq!(all.weightless_codes_of(1), [0, 2]);
        assert!(all.weightless_codes_of(7).is_empty());
    }
}
