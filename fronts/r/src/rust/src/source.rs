//! R's columns in place as a source of rows: numbers are borrowed, factors are codes.

use std::borrow::Cow;
use std::sync::Arc;

use nelder::frame::{
    Column, ColumnMemory, Field, Kind, Levels, MISSING, Scan, Schema, Source, SourceError, Visit, batch_rows,
    scan_in_batches,
};
use savvy::{ListSexp, Sexp};
use savvy_ffi::{
    INTEGER_RO, INTSXP, LGLSXP, R_NaString, REAL_RO, REALSXP, Rf_xlength, SEXP, STRING_ELT, STRSXP, TYPEOF,
};

use crate::fingerprint::Summed;
use crate::kept::Kept;
use crate::lists::{Elements, texts_of};

/// Values of a column: R's memory, `rows` long.
#[derive(Clone, Copy)]
enum Values {
    Real(*const f64),
    Integer(*const i32),
    Logical(*const i32),
    Codes(*const i32),
}

struct RColumn {
    values: Values,
    levels: Option<Arc<Levels>>,
    /// The place of its first value in its vector, which a matrix has several columns in.
    at: usize,
    summed: Summed,
}

/// Columns of R, kept from R's collector as long as this lives.
pub struct RSource {
    schema: Schema,
    columns: Vec<RColumn>,
    rows: usize,
    _kept: Vec<Kept>,
}

// SAFETY: the memory behind the pointers is that of the vectors in `_kept`, which R's thread keeps and releases whoever drops them,
// and no one writes to it: R copies an object that has a second reference before it changes it, and keeping is one
unsafe impl Send for RSource {}
// SAFETY: as above, shared reads
unsafe impl Sync for RSource {}

/// Tests if an R vector has at least `rows` numbers, logical values or, for a factor, codes.
fn readable(of: SEXP, rows: usize, factor: bool) -> bool {
    // SAFETY: on R's thread
    let (kind, length) = unsafe { (TYPEOF(of), Rf_xlength(of) as usize) };
    length >= rows && (kind == INTSXP || !factor && (kind == REALSXP || kind == LGLSXP))
}

/// The values of a [`readable`] vector.
fn values(of: &Kept, factor: bool) -> Values {
    // SAFETY: on R's thread; the type is tested before the pointer is taken
    unsafe {
        match TYPEOF(of.get()) {
            REALSXP => Values::Real(REAL_RO(of.get())),
            LGLSXP => Values::Logical(INTEGER_RO(of.get())),
            _ if factor => Values::Codes(INTEGER_RO(of.get())),
            _ => Values::Integer(INTEGER_RO(of.get())),
        }
    }
}

impl RSource {
    /// Reads a description: `columns`, a list of vectors and matrices; `widths`, how many columns of the source each
    /// is; `names`, one for each column of the source; `levels`, for factors, and whether they are `ordered`; `rows`.
    ///
    /// # Errors
    /// An element that is not there, a vector that is too short or of no numbers.
    pub fn new(description: &ListSexp) -> savvy::Result<RSource> {
        let elements = Elements(description);
        let vectors = elements.list("columns")?;
        let levels = elements.list("levels")?;
        let widths = elements.integers("widths")?;
        let ordered = elements.integers("ordered")?;
        let mut names = elements.texts("names")?.into_iter();
        let mut source = RSource::without_columns(elements.real("rows")? as usize);
        for (v, vector) in vectors.values_iter().enumerate() {
            let width = widths.get(v).copied().unwrap_or(1).max(0) as usize;
            let labels = levels.get_by_index(v).map_or(Ok(None), texts_of)?;
            let labels = labels.map(|l| (Arc::new(Levels::fixed(l)), ordered.get(v) == Some(&1)));
            source.push(vector.0, labels, names.by_ref().take(width).collect())?;
        }
        Ok(source)
    }

    /// Rows without columns.
    pub fn without_columns(rows: usize) -> RSource {
        RSource {
            schema: Schema::default(),
            columns: Vec::new(),
            rows,
            _kept: Vec::new(),
        }
    }

    /// Names of the columns that are vectors of numbers.
    pub fn numbers(&self) -> impl Iterator<Item = &String> {
        let is = |(_, c): &(&Field, &RColumn)| {
            c.at == 0 && matches!(c.values, Values::Real(_) | Values::Integer(_))
        };
        self.schema
            .fields
            .iter()
            .zip(&self.columns)
            .filter(is)
            .map(|(field, _)| &field.name)
    }

    /// Adds a vector that is as many columns as there are names; for a factor its levels, and whether they are ordered.
    ///
    /// # Errors
    /// A vector that is too short or of no numbers.
    pub fn push(
        &mut self,
        vector: SEXP,
        labels: Option<(Arc<Levels>, bool)>,
        names: Vec<String>,
    ) -> savvy::Result<()> {
        let rows = self.rows;
        if !readable(vector, rows * names.len(), labels.is_some()) {
            return Err(savvy::Error::new(format!(
                "`{}` is not {rows} numbers, logical values or levels",
                names.first().map_or("", String::as_str)
            )));
        }
        let own = Kept::values_of(vector)?;
        let held = values(&own, labels.is_some());
        self._kept.push(own);
        for (k, name) in names.into_iter().enumerate() {
            let at = rows * k;
            // SAFETY: within the vector, whose length was tested
            let values = unsafe {
                match held {
                    Values::Real(p) => Values::Real(p.add(at)),
                    Values::Integer(p) => Values::Integer(p.add(at)),
                    Values::Logical(p) => Values::Logical(p.add(at)),
                    Values::Codes(p) => Values::Codes(p.add(at)),
                }
            };
            let kind = match values {
                Values::Real(_) => Kind::Real,
                Values::Integer(_) => Kind::Integer,
                Values::Logical(_) => Kind::Logical,
                Values::Codes(_) => Kind::Factor {
                    ordered: labels.as_ref().is_some_and(|(_, ordered)| *ordered),
                },
            };
            self.schema.fields.push(Field { name, kind });
            self.columns.push(RColumn {
                values,
                levels: labels.as_ref().map(|(levels, _)| levels.clone()),
                at,
                summed: Summed::default(),
            });
        }
        Ok(())
    }
}

impl RSource {
    /// The sum of the vector whose `length` values are at an address, if passes have read each of its columns.
    pub fn summed(&self, at: *const u8, length: usize) -> Option<u64> {
        // the memory is kept, so what is at the same address is the same vector
        let first = self.columns.iter().position(|c| c.at == 0 && c.address() == at)?;
        let width = length
            .checked_div(self.rows)
            .filter(|w| w * self.rows == length)?;
        let columns = self.columns.get(first..first + width)?;
        let own = columns.iter().zip(0..).all(|(c, k)| c.at == k * self.rows);
        // modulo 2⁶⁴, as the sum of each column is
        let mut sums = columns.iter().map(|c| c.summed.of(self.rows));
        own.then(|| sums.try_fold(0u64, |all, sum| Some(all.wrapping_add(sum?))))
            .flatten()
    }
}

/// Values that are read in less time than a thread takes to wake.
const FEW: usize = 6_000;
/// Levels of factors whose equations are solved in less.
const FEW_LEVELS: usize = 64;

impl RSource {
    /// Tests if a fit to these rows takes a millisecond or less.
    pub fn is_small(&self) -> bool {
        let levels = self.columns.iter().filter_map(|c| c.levels.as_ref());
        self.rows * self.columns.len() <= FEW
            && self.columns.len() <= FEW_LEVELS
            && levels.map(|l| l.len()).sum::<usize>() <= FEW_LEVELS
    }
}

impl Source for RSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
        match self.columns.get(column)?.values {
            // SAFETY: `rows` values are behind the pointer, and the source holds them
            Values::Real(p) => Some(ColumnMemory::Host(unsafe {
                std::slice::from_raw_parts(p, self.rows)
            })),
            _ => None,
        }
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let mut first = vec![false; self.columns.len()];
        for &c in columns {
            first[c] |= self.columns[c].summed.claim();
        }
        let part = |c: usize, from: usize, to: usize| {
            if first[c] {
                self.columns[c].sum(from, to);
            }
            self.columns[c].part(from, to)
        };
        scan_in_batches(
            self.rows,
            batch_rows(self.rows, columns.len()),
            self.workers(),
            columns,
            &part,
            visit,
        )
    }
}

impl RColumn {
    /// Where its values begin.
    fn address(&self) -> *const u8 {
        match self.values {
            Values::Real(p) => p.cast(),
            Values::Integer(p) | Values::Logical(p) | Values::Codes(p) => p.cast(),
        }
    }

    /// Adds rows `from..to` to the column's fingerprint.
    fn sum(&self, from: usize, to: usize) {
        let place = self.at + from;
        // SAFETY: `rows` values are behind the pointer, `to` is at most that, and the source holds them
        unsafe {
            match self.values {
                Values::Real(p) => {
                    let values = std::slice::from_raw_parts(p.add(from), to - from);
                    self.summed.add(values, place, f64::to_bits);
                }
                Values::Integer(p) | Values::Logical(p) | Values::Codes(p) => {
                    let values = std::slice::from_raw_parts(p.add(from), to - from);
                    self.summed.add(values, place, |v| v as u32 as u64);
                }
            }
        }
    }

    /// Rows `from..to`, and the bytes of a row.
    fn part(&self, from: usize, to: usize) -> (Column<'_>, u64) {
        // SAFETY: `rows` values are behind the pointer, `to` is at most that, and the source holds them
        unsafe {
            match self.values {
                Values::Real(p) => (
                    Column::Real(Cow::Borrowed(std::slice::from_raw_parts(p.add(from), to - from))),
                    8,
                ),
                Values::Integer(p) => (
                    Column::Integer(Cow::Borrowed(std::slice::from_raw_parts(p.add(from), to - from))),
                    4,
                ),
                Values::Logical(p) => {
                    let values = std::slice::from_raw_parts(p.add(from), to - from);
                    let of = |v: &i32| match *v {
                        i32::MIN => 2,
                        0 => 0,
                        _ => 1,
                    };
                    (Column::Logical(values.iter().map(of).collect()), 4)
                }
                Values::Codes(p) => {
                    let values = std::slice::from_raw_parts(p.add(from), to - from);
                    let of = |v: &i32| {
                        u32::try_from(*v)
                            .ok()
                            .and_then(|v| v.checked_sub(1))
                            .unwrap_or(MISSING)
                    };
                    let levels = self.levels.clone().unwrap_or_else(|| Arc::new(Levels::growing()));
                    (
                        Column::Codes {
                            codes: values.iter().map(of).collect(),
                            levels,
                        },
                        4,
                    )
                }
            }
        }
    }
}

/// The rows (from 1) in which one of the columns is missing; a matrix counts by row. Columns of no numbers, levels,
/// logical values or strings do not count.
pub fn incomplete(columns: &ListSexp, rows: usize) -> Vec<i32> {
    let mut missing = vec![false; rows];
    for column in columns.values_iter() {
        // SAFETY: on R's thread; types are tested before pointers are taken
        unsafe {
            let length = Rf_xlength(column.0) as usize;
            if rows == 0 || !length.is_multiple_of(rows) {
                continue;
            }
            let mut mark = |is: &dyn Fn(usize) -> bool| {
                for k in 0..length {
                    if is(k) {
                        missing[k % rows] = true;
                    }
                }
            };
            match TYPEOF(column.0) {
                REALSXP => {
                    let values = std::slice::from_raw_parts(REAL_RO(column.0), length);
                    for chunk in values.chunks_exact(rows) {
                        for (missing, v) in missing.iter_mut().zip(chunk) {
                            *missing |= v.is_nan();
                        }
                    }
                }
                INTSXP | LGLSXP => {
                    let values = std::slice::from_raw_parts(INTEGER_RO(column.0), length);
                    for chunk in values.chunks_exact(rows) {
                        for (missing, v) in missing.iter_mut().zip(chunk) {
                            *missing |= *v == i32::MIN;
                        }
                    }
                }
                STRSXP => mark(&|k| STRING_ELT(column.0, k as _) == R_NaString),
                _ => {}
            }
        }
    }
    (1..=rows as i32)
        .zip(missing)
        .filter(|(_, m)| *m)
        .map(|(i, _)| i)
        .collect()
}

/// 1 for a column of 64-bit integers, 2 for a time series, 4 for one of no numbers, logical values or strings; their sum.
///
/// # Errors
/// None that is R's own: attributes are read, not made.
pub fn peculiarities(column: &Sexp) -> savvy::Result<i32> {
    // SAFETY: on R's thread
    let kind = unsafe { TYPEOF(column.0) };
    let class = column.get_class().unwrap_or_default();
    let mut found = i32::from(class.contains(&"integer64"));
    if column.get_attrib("tsp")?.is_some() {
        found |= 2;
    }
    if ![REALSXP, INTSXP, LGLSXP, STRSXP].contains(&kind) {
        found |= 4;
    }
    Ok(found)
}

/// Tests for each level of a factor if it has a row, other than those `left_out` (from 1, increasing).
pub fn used_levels(codes: &Sexp, levels: usize, left_out: &[i32]) -> Vec<bool> {
    let mut used = vec![false; levels];
    // SAFETY: on R's thread; the type is tested
    let codes = unsafe {
        if TYPEOF(codes.0) != INTSXP {
            return used;
        }
        std::slice::from_raw_parts(INTEGER_RO(codes.0), Rf_xlength(codes.0) as usize)
    };
    let mut out = left_out.iter().map(|&i| i as usize - 1).peekable();
    for (i, &code) in codes.iter().enumerate() {
        if out.next_if_eq(&i).is_some() {
            continue;
        }
        if let Some(used) = usize::try_from(code)
            .ok()
            .and_then(|c| used.get_mut(c.wrapping_sub(1)))
        {
            *used = true;
        }
    }
    used
}
