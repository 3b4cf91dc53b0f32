//! Named elements of R lists, read and written.

use std::ffi::CStr;

use savvy::{
    ListSexp, OwnedIntegerSexp, OwnedListSexp, OwnedLogicalSexp, OwnedRealSexp, OwnedStringSexp, Sexp,
    StringSexp, TypedSexp, unwind_protect,
};
use savvy_ffi::{
    R_CHAR, R_NaString, R_NamesSymbol, Rf_getAttrib, Rf_xlength, SEXP, STRING_ELT, STRSXP, TYPEOF,
};

unsafe extern "C" {
    /// A copy of strings in UTF-8. In `lazy.c`.
    fn nelder_utf8(strings: SEXP) -> SEXP;
}

/// The bytes of a string that R takes for UTF-8; those that are not are written as R prints them, `\xe4`.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        out.push_str(part.valid());
        for byte in part.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The strings of a vector of R in UTF-8, whatever encoding each has there; `NA` as "NA".
///
/// # Errors
/// A string that is marked as bytes.
fn utf8(strings: &StringSexp) -> savvy::Result<Vec<String>> {
    // SAFETY: on R's thread; nothing below allocates in R, so that the copy stays until it is read
    unsafe {
        let own = unwind_protect(|| nelder_utf8(strings.0))?;
        let text = |i| {
            let one = STRING_ELT(own, i);
            match one == R_NaString {
                true => "NA".to_string(),
                false => escaped(CStr::from_ptr(R_CHAR(one)).to_bytes()),
            }
        };
        Ok((0..Rf_xlength(own)).map(text).collect())
    }
}

/// Reads the elements of a list by name.
pub struct Elements<'a>(pub &'a ListSexp);

fn missing(name: &str) -> savvy::Error {
    savvy::Error::new(format!("`{name}` is missing, or of another type"))
}

impl Elements<'_> {
    /// An element; `None` where it is not there or `NULL`.
    pub fn get(&self, name: &str) -> Option<TypedSexp> {
        match self.0.get_by_index(self.position_of(name)?)?.into_typed() {
            TypedSexp::Null(_) => None,
            other => Some(other),
        }
    }

    /// The first position of a name.
    fn position_of(&self, name: &str) -> Option<usize> {
        // SAFETY: on R's thread; the type is tested, and the list holds its names
        unsafe {
            let names = Rf_getAttrib(self.0.0, R_NamesSymbol);
            if TYPEOF(names) != STRSXP {
                return None;
            }
            let is =
                |&i: &isize| CStr::from_ptr(R_CHAR(STRING_ELT(names, i as _))).to_bytes() == name.as_bytes();
            (0..Rf_xlength(names) as isize).find(is).map(|i| i as usize)
        }
    }

    /// A list.
    pub fn list(&self, name: &str) -> savvy::Result<ListSexp> {
        match self.get(name) {
            Some(TypedSexp::List(v)) => Ok(v),
            _ => Err(missing(name)),
        }
    }

    /// Strings.
    pub fn texts(&self, name: &str) -> savvy::Result<Vec<String>> {
        match self.get(name) {
            Some(TypedSexp::String(v)) => utf8(&v),
            _ => Err(missing(name)),
        }
    }

    /// A string.
    pub fn text(&self, name: &str) -> savvy::Result<String> {
        self.texts(name)?.into_iter().next().ok_or_else(|| missing(name))
    }

    /// Whole numbers.
    pub fn integers(&self, name: &str) -> savvy::Result<Vec<i32>> {
        match self.get(name) {
            Some(TypedSexp::Integer(v)) => Ok(v.as_slice().to_vec()),
            _ => Err(missing(name)),
        }
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> savvy::Result<i32> {
        self.integers(name)?.first().copied().ok_or_else(|| missing(name))
    }

    /// A position counted from 1 by R, `None` for 0.
    pub fn position(&self, name: &str) -> savvy::Result<Option<usize>> {
        Ok(usize::try_from(self.integer(name)?)
            .ok()
            .and_then(|i| i.checked_sub(1)))
    }

    /// Numbers.
    pub fn reals(&self, name: &str) -> savvy::Result<Vec<f64>> {
        match self.get(name) {
            Some(TypedSexp::Real(v)) => Ok(v.as_slice().to_vec()),
            _ => Err(missing(name)),
        }
    }

    /// A number.
    pub fn real(&self, name: &str) -> savvy::Result<f64> {
        self.reals(name)?.first().copied().ok_or_else(|| missing(name))
    }

    /// `TRUE` or `FALSE`.
    pub fn flag(&self, name: &str) -> savvy::Result<bool> {
        match self.get(name) {
            Some(TypedSexp::Logical(v)) => v.iter().next().ok_or_else(|| missing(name)),
            _ => Err(missing(name)),
        }
    }
}

/// Positions counted from 1, from 0.
pub fn positions(from_one: &[i32]) -> Option<Vec<usize>> {
    from_one
        .iter()
        .map(|&i| usize::try_from(i).ok()?.checked_sub(1))
        .collect()
}

/// The strings of an element of a list, `None` where it is of another type.
///
/// # Errors
/// A string that is marked as bytes.
pub fn texts_of(value: Sexp) -> savvy::Result<Option<Vec<String>>> {
    match value.into_typed() {
        TypedSexp::String(v) => utf8(&v).map(Some),
        _ => Ok(None),
    }
}

/// The whole numbers of an element of a list.
pub fn integers_of(value: Sexp) -> Option<Vec<i32>> {
    match value.into_typed() {
        TypedSexp::Integer(v) => Some(v.as_slice().to_vec()),
        _ => None,
    }
}

/// A list of R that is being written, element by element.
#[derive(Default)]
pub struct Record(Vec<(String, Entry)>);

enum Entry {
    Reals(Vec<f64>),
    Integers(Vec<i32>),
    Flags(Vec<bool>),
    Texts(Vec<String>),
    Inner(Record),
    Made(OwnedRealSexp),
}

impl Record {
    /// Adds numbers.
    pub fn reals(&mut self, name: &str, values: Vec<f64>) -> &mut Self {
        self.0.push((name.into(), Entry::Reals(values)));
        self
    }

    /// Adds a number.
    pub fn real(&mut self, name: &str, value: f64) -> &mut Self {
        self.reals(name, vec![value])
    }

    /// Adds whole numbers.
    pub fn integers(&mut self, name: &str, values: impl IntoIterator<Item = usize>) -> &mut Self {
        let values = values.into_iter().map(|v| i32::try_from(v).unwrap_or(i32::MAX));
        self.0.push((name.into(), Entry::Integers(values.collect())));
        self
    }

    /// Adds `TRUE`s and `FALSE`s.
    pub fn flags(&mut self, name: &str, values: Vec<bool>) -> &mut Self {
        self.0.push((name.into(), Entry::Flags(values)));
        self
    }

    /// Adds strings.
    pub fn texts(&mut self, name: &str, values: Vec<String>) -> &mut Self {
        self.0.push((name.into(), Entry::Texts(values)));
        self
    }

    /// Adds a list.
    pub fn inner(&mut self, name: &str, record: Record) -> &mut Self {
        self.0.push((name.into(), Entry::Inner(record)));
        self
    }

    /// Adds numbers that are R's already.
    pub fn made(&mut self, name: &str, values: OwnedRealSexp) -> &mut Self {
        self.0.push((name.into(), Entry::Made(values)));
        self
    }

    /// As R sees it.
    pub fn into_list(self) -> savvy::Result<OwnedListSexp> {
        let mut list = OwnedListSexp::new(self.0.len(), true)?;
        for (i, (name, entry)) in self.0.into_iter().enumerate() {
            match entry {
                Entry::Reals(v) => list.set_name_and_value(i, &name, OwnedRealSexp::try_from_slice(v)?)?,
                Entry::Integers(v) => {
                    list.set_name_and_value(i, &name, OwnedIntegerSexp::try_from_slice(v)?)?
                }
                Entry::Flags(v) => list.set_name_and_value(i, &name, OwnedLogicalSexp::try_from_slice(v)?)?,
                Entry::Texts(v) => list.set_name_and_value(i, &name, OwnedStringSexp::try_from_slice(v)?)?,
                Entry::Made(v) => list.set_name_and_value(i, &name, v)?,
                Entry::Inner(r) => list.set_name_and_value(i, &name, r.into_list()?)?,
            }
        }
        Ok(list)
    }
}
