//! The rows of a model: variables evaluated, incomplete rows left out, codes of factors combined.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock};

use super::arithmetic::{logical_numbers, minus, power_of_two, times};
use super::batch_memory::{KeptBlocks, WholeBatches};
use super::combinations::Combinations;
use super::fingerprint::{Fingerprint, Fingerprints};
use super::level_book::{BookWriter, LevelBook};
use super::{Block, Layout, Numbers, Precision, RowCounts, Shape, Value, Variables};
use crate::frame::{Batch, ColumnMemory, Key, Kind, Levels, MISSING, Source};

/// Treatment of rows in which a variable is missing: R's `na.action`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Missing {
    /// Leave them out.
    #[default]
    Omit,
    /// Leave them out of the fit, and give them a missing value in what has one value a row.
    Exclude,
    /// Stop with an error that names the first.
    Fail,
}

/// A row that cannot be part of the model.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct RowError {
    /// Its position in the source, from 0.
    pub row: u64,
    /// Error message, with the row's number counted from 1.
    pub message: String,
}

/// Positions of the roles among the variables.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// The response.
    pub response: Option<usize>,
    /// True if the response stays as it is; otherwise the offsets are subtracted from it, and it is brought to a
    /// scale on which squares are finite.
    pub untouched: bool,
    /// Summed; subtracted from the response unless it stays untouched.
    pub offsets: Vec<usize>,
    /// Values to start from, one a row.
    pub start: Option<usize>,
    /// Case weights.
    pub weights: Option<usize>,
    /// Rows to use.
    pub subset: Option<usize>,
}

/// The rows of a model, to be read as blocks, any number of times.
pub struct Rows<'s> {
    source: Arc<dyn Source + 's>,
    variables: Variables,
    labels: Vec<String>,
    layout: Layout,
    roles: Roles,
    missing: Missing,
    twice: bool,
    pub(super) combinations: Vec<Combinations>,
    scales: OnceLock<Vec<f64>>,
    codes: Vec<OnceLock<Arc<Levels>>>,
    fingerprints: Option<Fingerprints>,
    /// Batches whose rows are all in the model: another pass need not look whether they are.
    pub(super) whole: WholeBatches,
    pub(super) blocks: KeptBlocks,
    in_memory: bool,
    /// Where levels are noted for another process.
    pub(super) book: Option<Mutex<BookWriter>>,
    /// Levels from other processes that read some of these rows.
    pub(super) elsewhere: Elsewhere,
}

/// Levels that other processes have found in the rows of a design.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// Their books, in the order in which they were taken in.
    pub books: Mutex<Vec<LevelBook>>,
    /// By column that is read, the levels of the books.
    pub columns: Vec<OnceLock<Arc<Levels>>>,
    /// By variable, codes of other sets of levels than its own.
    foreign: Vec<Mutex<Option<Foreign>>>,
}

/// Another set of levels, and the code of each in a variable's own.
type Foreign = (Arc<Levels>, Vec<u32>);

impl<'s> Rows<'s> {
    /// Joins variables to a source. `labels` are the variables' deparsed expressions.
    pub fn new(
        source: Arc<dyn Source + 's>,
        variables: Variables,
        labels: Vec<String>,
        layout: Layout,
        roles: Roles,
        missing: Missing,
        precision: Precision,
    ) -> Self {
        let twice = precision == Precision::Twice;
        let combinations = layout.groups.iter().map(|g| Combinations::new(g.len())).collect();
        let codes = labels.iter().map(|_| OnceLock::new()).collect();
        let in_memory = (0..source.schema().fields.len()).any(|c| source.column_memory(c).is_some());
        let elsewhere = Elsewhere {
            books: Mutex::default(),
            columns: variables.columns().iter().map(|_| OnceLock::new()).collect(),
            foreign: labels.iter().map(|_| Mutex::default()).collect(),
        };
        Rows {
            source,
            variables,
            labels,
            layout,
            roles,
            missing,
            twice,
            combinations,
            scales: OnceLock::new(),
            codes,
            fingerprints: None,
            whole: WholeBatches::default(),
            blocks: KeptBlocks::default(),
            in_memory,
            book: None,
            elsewhere,
        }
    }

    /// Has the fingerprint of the rows taken in the first pass.
    pub fn fingerprinted(mut self) -> Self {
        self.fingerprints = Some(Fingerprints::default());
        self
    }

    /// The fingerprint of the rows, where it is taken; not of rows that other processes read.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        if !self.books().is_empty() {
            return None;
        }
        let fields = &self.source.schema().fields;
        let names: Vec<String> = self.columns().iter().map(|&c| fields[c].name.clone()).collect();
        self.fingerprints.as_ref().map(|f| f.fingerprint(&names))
    }

    /// Where the rows come from.
    pub fn source(&self) -> &Arc<dyn Source + 's> {
        &self.source
    }

    /// True if columns of the source lie in memory, and are not decoded for each pass.
    pub fn in_memory(&self) -> bool {
        self.in_memory
    }

    /// The columns of the source that are read.
    pub fn columns(&self) -> &[usize] {
        self.variables.columns()
    }

    /// Returns the layout of the rows: terms, atoms and the variables these are made of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The variables.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The codes behind each group's code.
    pub fn tuples(&self, group: usize) -> Vec<Vec<u32>> {
        let known = self.combinations[group].tuples();
        match known {
            Some(tuples) => tuples,
            None => {
                let v = self.layout.groups[group][0];
                let count = self.levels(v).map_or(0, |l| l.len());
                (0..count as u32).map(|c| vec![c]).collect()
            }
        }
    }

    /// Makes codes for combinations of levels, whether rows have them or not.
    pub fn intern(&self, group: usize, tuples: &[Vec<u32>]) {
        for tuple in tuples {
            self.combinations[group].intern(tuple);
        }
    }

    /// The levels behind a variable's codes; known once a block has been read.
    pub fn levels(&self, variable: usize) -> Option<Arc<Levels>> {
        self.codes[variable].get().cloned()
    }

    /// The labels, in order, among which a variable is the place of one, where they are strings in the order of bytes.
    pub fn places_of_text(&self, variable: usize) -> Option<Vec<String>> {
        let (labels, columns) = self.variables.places(variable)?;
        let fields = &self.source.schema().fields;
        let text = columns
            .iter()
            .any(|&c| fields.get(c).is_some_and(|f| f.kind == Kind::Text));
        (text && labels.is_sorted()).then_some(labels)
    }

    /// Fixes the levels behind a variable's codes before any block is read.
    pub fn set_levels(&self, variable: usize, levels: Arc<Levels>) {
        let _ = self.codes[variable].set(levels);
    }

    /// Powers of two that the dense columns and responses are multiplied with, 1 unless their squares would
    /// leave the range of double precision; decided by the first block that is read.
    pub fn scales(&self) -> &[f64] {
        self.scales.get().map_or(&[], Vec::as_slice)
    }

    /// Fixes the powers of two before any block is read; without it the first block decides.
    pub fn set_scales(&self, scales: Vec<f64>) {
        let _ = self.scales.set(scales);
    }

    /// Tests if the columns that the model reads are in the memory of the source's device already.
    pub fn is_there(&self) -> bool {
        let on_device = |c: &usize| matches!(self.source.column_memory(*c), Some(ColumnMemory::Device(_)));
        self.plain()
            .is_some_and(|(dense, responses)| dense.iter().chain(&responses).all(on_device))
    }

    /// The columns of the source that the dense columns and the responses are, where each is one and every row is in the
    /// model as it stands: no codes, weights, offsets, subset.
    pub fn plain(&self) -> Option<(Vec<usize>, Vec<usize>)> {
        let (layout, roles) = (&self.layout, &self.roles);
        let every = roles.weights.is_none()
            && roles.subset.is_none()
            && roles.start.is_none()
            && roles.offsets.is_empty()
            && layout.groups.is_empty();
        let of = |product: &Vec<(usize, usize)>| match product.as_slice() {
            [(variable, 0)] => self.variables.plain(*variable),
            _ => None,
        };
        let dense = layout.products.iter().map(of).collect::<Option<Vec<usize>>>()?;
        let responses = match roles.response {
            None => Vec::new(),
            Some(r) => vec![self.variables.plain(r)?],
        };
        every.then_some((dense, responses))
    }

    /// A sentence for each column whose whole numbers were rounded because the model takes them as numbers.
    pub fn rounded(&self) -> Vec<String> {
        rounded(&self.variables, &self.source)
    }

    pub(super) fn error(&self, batch: &Batch<'_>, i: usize, what: impl FnOnce(u64) -> String) -> RowError {
        let row = batch.first_row + i as u64;
        RowError {
            row,
            message: what(row + 1),
        }
    }

    /// The block of a batch: its complete rows of positive weight.
    ///
    /// # Errors
    /// A missing value where that is an error, an infinite one, a negative weight, a response that is text.
    pub fn block<'b>(&self, batch: &'b Batch<'_>) -> Result<Block<'b>, RowError> {
        self.block_of(batch, false)
    }

    /// The block of a batch with its rows of weight zero.
    ///
    /// # Errors
    /// As [`block`](Rows::block).
    pub fn block_with_weightless<'b>(&self, batch: &'b Batch<'_>) -> Result<Block<'b>, RowError> {
        self.block_of(batch, true)
    }

    fn block_of<'b>(&self, batch: &'b Batch<'_>, weightless_too: bool) -> Result<Block<'b>, RowError> {
        let n = batch.rows;
        let values = self.variables.evaluate(batch).map_err(|e| RowError {
            row: batch.first_row,
            message: e.to_string(),
        })?;
        // 1. which rows are complete and finite
        let (mut keep, incomplete) = match self.whole.has(batch) {
            true => (None, Vec::new()),
            false => self.complete(batch, &values)?,
        };
        // 2. weights
        let mut counts = RowCounts {
            read: n as u64,
            omitted: incomplete.len() as u64,
            ..RowCounts::default()
        };
        let weights = self.weights_of(batch, &values, &mut keep, weightless_too, &mut counts)?;
        let excluded = match self.missing {
            Missing::Exclude => incomplete,
            _ => Vec::new(),
        };
        // 3. the rows that are left
        let kept: Option<Vec<u32>> = keep
            .filter(|k| k.iter().any(|k| !k))
            .map(|k| (0..n as u32).filter(|&i| k[i as usize]).collect());
        let rows = kept.as_ref().map_or(n, Vec::len);
        counts.used = rows as u64;
        let weights = weights.map(|w| match &kept {
            None => w,
            Some(kept) => Cow::Owned(kept.iter().map(|&i| w[i as usize]).collect()),
        });
        if let Some(fingerprints) = &self.fingerprints {
            fingerprints.take(batch, kept.as_deref(), weights.as_deref());
        }
        if rows == 0 {
            return Ok(Block {
                first_row: batch.first_row,
                index: batch.index,
                kept,
                excluded,
                counts,
                ..Block::default()
            });
        }
        // 4. responses less the offsets
        let responses = self.responses_of(batch, &values, kept.as_deref())?;
        let offset = self.offset_of(batch, &values, kept.as_deref(), rows)?;
        let start = match self.roles.start {
            None => None,
            Some(v) => {
                let column = self.number(batch, &values, v, "the starting values")?;
                Some(match &kept {
                    None => column.into_owned(),
                    Some(kept) => kept.iter().map(|&i| column[i as usize]).collect(),
                })
            }
        };
        // 5. dense columns as products of the variables' columns
        let dense = self.dense_of(&values, kept.as_deref(), n);
        // 6. codes of the groups
        let mut codes = Vec::with_capacity(self.layout.groups.len());
        for (g, members) in self.layout.groups.iter().enumerate() {
            let mut columns = Vec::with_capacity(members.len());
            for &v in members {
                columns.push(self.codes_of(&values[v], v, kept.as_deref()));
            }
            codes.push(self.combinations[g].encode(columns));
        }
        if let Some(book) = &self.book {
            let all: Vec<u32> = kept.clone().unwrap_or_else(|| (0..n as u32).collect());
            let coded = self.coded(&values, kept.as_deref());
            let mut book = book.lock().unwrap_or_else(|e| e.into_inner());
            book.take(batch, &all, &coded, Some(&codes));
        }
        let mut block = Block {
            first_row: batch.first_row,
            index: batch.index,
            rows,
            kept,
            excluded,
            dense,
            responses,
            offset,
            start,
            codes,
            weights,
            counts,
        };
        self.rescale(&mut block);
        Ok(block)
    }

    /// The weights of all rows of a batch; rows of weight zero are no longer kept, unless they are wanted.
    fn weights_of<'b>(
        &self,
        batch: &'b Batch<'_>,
        values: &[Value<'b>],
        keep: &mut Option<Vec<bool>>,
        weightless_too: bool,
        counts: &mut RowCounts,
    ) -> Result<Option<Cow<'b, [f64]>>, RowError> {
        let Some(w) = self.roles.weights else {
            return Ok(None);
        };
        let n = batch.rows;
        let column = self.number(batch, values, w, "the weights")?;
        let mut weightless: Vec<u32> = Vec::new();
        for i in 0..n {
            if keep.as_ref().is_none_or(|k| k[i]) {
                let x = column[i];
                if x < 0.0 {
                    return Err(self.error(batch, i, |row| {
                        format!("the weight `{}` is negative ({x}) in row {row}", self.labels[w])
                    }));
                }
                if x == 0.0 && !weightless_too {
                    keep.get_or_insert_with(|| vec![true; n])[i] = false;
                    weightless.push(i as u32);
                }
            }
        }
        if !weightless.is_empty() {
            counts.weightless = weightless.len() as u64;
            // R keeps the levels of rows of weight zero
            let coded = self.coded(values, Some(&weightless));
            for (v, codes) in &coded {
                counts.weightless_codes.extend(codes.iter().map(|&c| (*v, c)));
            }
            if let Some(book) = &self.book {
                let mut book = book.lock().unwrap_or_else(|e| e.into_inner());
                book.take(batch, &weightless, &coded, None);
            }
        }
        Ok(Some(Cow::Owned(column.into_owned())))
    }

    /// The responses of the rows that are kept, less the offsets.
    fn responses_of<'b>(
        &self,
        batch: &'b Batch<'_>,
        values: &[Value<'b>],
        kept: Option<&[u32]>,
    ) -> Result<Vec<Numbers<'b>>, RowError> {
        let mut responses = Vec::new();
        if let Some(r) = self.roles.response {
            let columns = match &values[r] {
                Value::Numbers(columns) => columns.clone(),
                Value::Logical(x) => vec![logical_numbers(x)],
                Value::Codes { .. } => {
                    return Err(self.error(batch, 0, |_| {
                        format!(
                            "the response `{}` is text; this model needs numbers",
                            self.labels[r]
                        )
                    }));
                }
            };
            let offsets: &[usize] = if self.roles.untouched {
                &[]
            } else {
                &self.roles.offsets
            };
            for mut column in columns {
                for &o in offsets {
                    column = minus(&column, &self.number(batch, values, o, "the offset")?);
                }
                responses.push(gathered(column, kept));
            }
        }
        Ok(responses)
    }

    /// The sum of the offsets of the rows that are kept; `None` without an offset.
    fn offset_of<'b>(
        &self,
        batch: &'b Batch<'_>,
        values: &[Value<'b>],
        kept: Option<&[u32]>,
        rows: usize,
    ) -> Result<Option<Vec<f64>>, RowError> {
        let mut offset: Option<Vec<f64>> = None;
        for &o in &self.roles.offsets {
            let column = self.number(batch, values, o, "the offset")?;
            let sum = offset.get_or_insert_with(|| vec![0.0; rows]);
            match kept {
                None => sum.iter_mut().zip(column.iter()).for_each(|(s, x)| *s += x),
                Some(kept) => sum
                    .iter_mut()
                    .zip(kept)
                    .for_each(|(s, &i)| *s += column[i as usize]),
            }
        }
        Ok(offset)
    }

    /// The dense columns of the rows that are kept, of `n`: products of the variables' columns.
    fn dense_of<'b>(&self, values: &[Value<'b>], kept: Option<&[u32]>, n: usize) -> Vec<Numbers<'b>> {
        let mut dense = Vec::with_capacity(self.layout.products.len());
        for product in &self.layout.products {
            let mut column: Option<Numbers<'b>> = None;
            for &(v, c) in product {
                let Value::Numbers(columns) = &values[v] else {
                    continue;
                };
                let next = columns[c].clone();
                column = Some(match column {
                    None => next,
                    Some(a) => times(&a, &next, self.twice),
                });
            }
            let one = || Numbers {
                high: Cow::Owned(vec![1.0; n]),
                low: None,
            };
            dense.push(gathered(column.unwrap_or_else(one), kept));
        }
        dense
    }

    fn number<'v>(
        &self,
        batch: &Batch<'_>,
        values: &'v [Value<'_>],
        v: usize,
        what: &str,
    ) -> Result<Cow<'v, [f64]>, RowError> {
        match &values[v] {
            Value::Numbers(columns) if columns.len() == 1 => Ok(Cow::Borrowed(&columns[0].high)),
            Value::Logical(x) => Ok(Cow::Owned(logical_numbers(x).high.into_owned())),
            _ => Err(self.error(batch, 0, |_| {
                format!("{what} `{}` must be one column of numbers", self.labels[v])
            })),
        }
    }

    pub(super) fn codes_of<'b>(&self, value: &Value<'b>, v: usize, kept: Option<&[u32]>) -> Cow<'b, [u32]> {
        let picked = |all: Cow<'b, [u32]>| match kept {
            None => all,
            Some(kept) => Cow::Owned(kept.iter().map(|&i| all[i as usize]).collect()),
        };
        match value {
            Value::Codes { codes, levels, .. } => {
                let own = self.codes[v].get_or_init(|| levels.clone());
                let codes = picked(codes.clone());
                match Arc::ptr_eq(own, levels) {
                    true => codes,
                    false => self.of_other_levels(v, own, &codes, levels).into(),
                }
            }
            Value::Logical(x) => {
                self.codes[v].get_or_init(|| Arc::new(Levels::fixed(["FALSE", "TRUE"])));
                picked(Cow::Owned(x.iter().map(|&x| u32::from(x)).collect()))
            }
            Value::Numbers(_) => picked(Cow::Owned(Vec::new())),
        }
    }

    /// Codes of each variable of the groups, in the rows that are kept of `n`.
    fn coded<'b>(&self, values: &[Value<'b>], kept: Option<&[u32]>) -> Vec<(usize, Cow<'b, [u32]>)> {
        let mut variables: Vec<usize> = self.layout.groups.iter().flatten().copied().collect();
        variables.sort_unstable();
        variables.dedup();
        let of = |v| (v, self.codes_of(&values[v], v, kept));
        variables.into_iter().map(of).collect()
    }

    /// Codes into another set of levels than the variable's, which another process made known.
    fn of_other_levels(&self, v: usize, own: &Levels, codes: &[u32], levels: &Arc<Levels>) -> Vec<u32> {
        let mut known = self.elsewhere.foreign[v]
            .lock()
            .unwrap_or_else(|e| e.into_inner());
        let (_, table) = match &mut *known {
            Some(known) if Arc::ptr_eq(&known.0, levels) => known,
            other => other.insert((levels.clone(), Vec::new())),
        };
        table.resize(table.len().max(levels.len()), MISSING);
        // a level that no row in the model has gets no code
        let mut of = |code: u32| {
            let Some(known) = table.get_mut(code as usize) else {
                return code;
            };
            if *known == MISSING
                && let Some(key) = levels.key(code)
            {
                let by_label = || own.code(&Key::Text(levels.label_of(&key).into()));
                let code = own.code(&key).or_else(by_label);
                *known = code.unwrap_or_else(|| own.intern(&key));
            }
            *known
        };
        codes.iter().map(|&code| of(code)).collect()
    }

    fn rescale(&self, block: &mut Block<'_>) {
        let scales = self.scales.get_or_init(|| {
            let mut scales: Vec<f64> = block.dense.iter().map(|x| power_of_two(&x.high)).collect();
            // responses keep the unit of their offset
            let own = block.offset.is_none() && !self.roles.untouched;
            scales.extend(
                block
                    .responses
                    .iter()
                    .map(|x| if own { power_of_two(&x.high) } else { 1.0 }),
            );
            scales
        });
        if scales.iter().all(|&s| s == 1.0) {
            return;
        }
        for (column, &s) in block.dense.iter_mut().chain(&mut block.responses).zip(scales) {
            if s != 1.0 {
                column.high.to_mut().iter_mut().for_each(|x| *x *= s);
                if let Some(low) = &mut column.low {
                    low.iter_mut().for_each(|x| *x *= s);
                }
            }
        }
    }
}

/// A sentence for each column of a source whose whole numbers variables rounded.
fn rounded(variables: &Variables, source: &dyn Source) -> Vec<String> {
    let sentence = |(column, row, value): (usize, u64, i128)| {
        let name = source.schema().fields.get(column).map_or("", |f| f.name.as_str());
        format!(
            "`{name}` has whole numbers beyond 2^53, which are rounded where they are taken as numbers: {value} in row {} \
             becomes {}; as codes, such as factor({name}), they keep all digits",
            row + 1,
            value as f64
        )
    };
    let merged = |(column, row): (usize, u64)| {
        let name = source.schema().fields.get(column).map_or("", |f| f.name.as_str());
        format!(
            "`{name}` has more digits than double precision, as in row {}: as codes, such as factor({name}), values that \
             differ may be one level; as text they keep all digits",
            row + 1
        )
    };
    let rounded = variables.rounded().into_iter().map(sentence);
    rounded
        .chain(variables.merged().into_iter().map(merged))
        .collect()
}

/// A column's values in the rows that are kept.
fn gathered<'b>(x: Numbers<'b>, kept: Option<&[u32]>) -> Numbers<'b> {
    match kept {
        None => x,
        Some(kept) => x.gathered(kept),
    }
}

impl Rows<'_> {
    /// Shapes of the variables.
    pub fn shapes(&self) -> Vec<Shape> {
        self.variables.shapes()
    }

    /// Positions of the roles among the variables.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// In which precision the variables are formed.
    pub fn precision(&self) -> Precision {
        if self.twice {
            Precision::Twice
        } else {
            Precision::Double
        }
    }

    /// Returns the treatment of rows in which a variable is missing.
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// The variables' deparsed expressions.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}
