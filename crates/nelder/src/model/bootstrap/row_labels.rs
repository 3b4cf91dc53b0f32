//! Positions of the rows of a design among those that are used, and their clusters and strata: what weights are drawn for.

use std::collections::HashMap;

use crate::design::{Block, RowError};
use crate::frame::Batch;
use crate::model::inference::vcov::Clusters;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Monitor, PassRecord, Sum, run_beside};

/// Numbers of the groups that an expression divides the rows into, in the order of their first rows.
pub(super) struct RowGroups {
    codes: Clusters,
    /// By code the number of its group.
    numbers: HashMap<u32, u32>,
    /// Rows of each group.
    pub sizes: Vec<u64>,
}

/// The used rows of a design, batch by batch.
pub(super) struct RowLabels {
    /// Used rows.
    pub used: u64,
    /// By first row of a batch, the used rows before it, in all and by stratum.
    before: HashMap<u64, (u64, Vec<u64>)>,
    /// Clusters of rows.
    pub clusters: Option<RowGroups>,
    /// Strata of rows.
    pub strata: Option<RowGroups>,
    /// The columns of the source that clusters and strata are made of.
    pub beside: Vec<usize>,
}

/// Where the rows of a block are.
pub(super) struct BlockLabels {
    /// Used rows before the block.
    pub before: u64,
    /// Number of each row's cluster.
    pub clusters: Vec<u32>,
    /// Number of each row's stratum, and its position in that.
    pub strata: Vec<(u32, u64)>,
}

/// Rows of each batch, and of each code of the clusters and strata.
#[derive(Default)]
struct Counting {
    /// First row of a batch, its used rows, and those of each code of the strata.
    batches: Vec<(u64, u64, HashMap<u32, u64>)>,
    clusters: Codes,
}

/// First row and number of rows of each code.
#[derive(Default)]
struct Codes(HashMap<u32, (u64, u64)>);

impl Codes {
    fn take(&mut self, code: u32, (first, rows): (u64, u64)) {
        let own = self.0.entry(code).or_insert((first, 0));
        *own = (own.0.min(first), own.1 + rows);
    }

    /// The groups in the order of their first rows.
    fn groups(self, codes: Clusters) -> RowGroups {
        let mut all: Vec<(u64, u32, u64)> = (self.0.into_iter())
            .map(|(code, (first, rows))| (first, code, rows))
            .collect();
        all.sort_unstable();
        RowGroups {
            codes,
            numbers: (all.iter().zip(0..))
                .map(|((_, code, _), number)| (*code, number))
                .collect(),
            sizes: all.iter().map(|(_, _, rows)| *rows).collect(),
        }
    }
}

impl Sum for Counting {
    fn merge(&mut self, other: Self) {
        self.batches.extend(other.batches);
        for (code, rows) in other.clusters.0 {
            self.clusters.take(code, rows);
        }
    }
}

/// The part of the columns `beside` that one expression reads.
fn part<'b>(other: &Batch<'b>, at: std::ops::Range<usize>) -> Batch<'b> {
    Batch {
        index: other.index,
        first_row: other.first_row,
        rows: other.rows,
        columns: other.columns[at.clone()].to_vec(),
        coarse: (other.coarse.iter())
            .filter(|(column, _)| at.contains(column))
            .map(|&(column, row)| (column - at.start, row))
            .collect(),
    }
}

impl RowLabels {
    /// One pass over the rows of a design, which counts them.
    ///
    /// # Errors
    /// A pass or an expression that fails; a row whose cluster or stratum is missing.
    pub fn find(
        frame: &ModelFrame<'_>,
        (cluster, strata): (Option<&str>, Option<&str>),
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<RowLabels, ModelError> {
        let rows = &frame.rows;
        let mut bound = |expression: Option<&str>| {
            expression
                .map(|e| Clusters::new(e, rows.source(), passes))
                .transpose()
        };
        let (cluster, strata) = (bound(cluster)?, bound(strata)?);
        let mut beside: Vec<usize> = cluster.iter().flat_map(|c| c.columns().to_vec()).collect();
        let of_strata = beside.len();
        beside.extend(strata.iter().flat_map(|c| c.columns().to_vec()));
        let count = |own: &mut Counting, block: &Block<'_>, other: &Batch<'_>| -> Result<(), RowError> {
            if let Some(codes) = &cluster {
                let all = codes.of(block, &part(other, 0..of_strata))?;
                for (i, code) in all.into_iter().enumerate() {
                    own.clusters.take(code, (block.source_row(i), 1));
                }
            }
            let mut by_stratum = HashMap::new();
            if let Some(codes) = &strata {
                for code in codes.of(block, &part(other, of_strata..beside.len()))? {
                    *by_stratum.entry(code).or_insert(0) += 1;
                }
            }
            own.batches.push((block.first_row, block.rows as u64, by_stratum));
            Ok(())
        };
        let found = run_beside(
            "rows used",
            "none",
            rows,
            &beside,
            monitor,
            Counting::default,
            count,
            |counting| counting,
        )?;
        passes.extend(found.records);
        let mut counting = found.value;
        counting.batches.sort_unstable_by_key(|batch| batch.0);
        let mut of_codes = Codes::default();
        for (first, _, strata) in &counting.batches {
            strata
                .iter()
                .for_each(|(code, n)| of_codes.take(*code, (*first, *n)));
        }
        let strata = strata.map(|codes| of_codes.groups(codes));
        let (mut used, mut before) = (0, HashMap::new());
        let mut by_stratum = vec![0; strata.as_ref().map_or(0, |s| s.sizes.len())];
        for (first, own, counts) in counting.batches {
            before.insert(first, (used, by_stratum.clone()));
            used += own;
            for (code, n) in counts {
                if let Some(groups) = &strata {
                    by_stratum[groups.numbers[&code] as usize] += n;
                }
            }
        }
        Ok(RowLabels {
            used,
            before,
            clusters: cluster.map(|codes| counting.clusters.groups(codes)),
            strata,
            beside,
        })
    }

    /// Where the rows of a block are.
    ///
    /// # Errors
    /// Rows that were not there when they were counted.
    pub fn of(&self, block: &Block<'_>, other: &Batch<'_>) -> Result<BlockLabels, RowError> {
        let changed = || RowError {
            row: block.first_row,
            message: format!(
                "row {}: the rows have changed since they were counted; read them from a source that stays as it is",
                block.first_row + 1
            ),
        };
        let (before, by_stratum) = self.before.get(&block.first_row).ok_or_else(changed)?;
        let of_strata = self.clusters.as_ref().map_or(0, |c| c.codes.columns().len());
        let numbers = |groups: &RowGroups, batch: &Batch<'_>| -> Result<Vec<u32>, RowError> {
            let codes = groups.codes.of(block, batch)?.into_iter();
            codes
                .map(|code| groups.numbers.get(&code).copied().ok_or_else(changed))
                .collect()
        };
        let clusters = match &self.clusters {
            Some(groups) => numbers(groups, &part(other, 0..of_strata))?,
            None => Vec::new(),
        };
        let strata = match &self.strata {
            Some(groups) => {
                let mut next = by_stratum.clone();
                let mut placed = |stratum: u32| {
                    let own = &mut next[stratum as usize];
                    *own += 1;
                    (stratum, *own - 1)
                };
                let all = numbers(groups, &part(other, of_strata..other.columns.len()))?;
                all.into_iter().map(&mut placed).collect()
            }
            None => Vec::new(),
        };
        Ok(BlockLabels {
            before: *before,
            clusters,
            strata,
        })
    }
}
