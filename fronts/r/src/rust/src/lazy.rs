//! Vectors that R makes when someone touches them: the class is in `lazy.c`.

use savvy::ffi::SEXP;
use savvy::{ListSexp, Sexp, savvy, savvy_init, unwind_protect};

unsafe extern "C" {
    fn nelder_lazy_init(dll: *mut savvy::ffi::DllInfo);
    fn nelder_lazy_new(kind: SEXP, length: SEXP, from: SEXP, key: SEXP) -> SEXP;
    fn nelder_lazy_is_made(x: SEXP) -> SEXP;
    fn nelder_lazy_source(x: SEXP) -> SEXP;
    fn nelder_same_parts(a: SEXP, b: SEXP) -> SEXP;
    fn nelder_handle_new(environment: SEXP) -> SEXP;
    fn nelder_handle_get(handle: SEXP) -> SEXP;
    fn nelder_weak_new(key: SEXP, value: SEXP) -> SEXP;
    fn nelder_weak_get(reference: SEXP) -> SEXP;
}

#[savvy_init]
fn init_lazy(dll: *mut savvy::ffi::DllInfo) -> savvy::Result<()> {
    crate::kept::here_is_r();
    // SAFETY: called once by R with the library's record
    unsafe { nelder_lazy_init(dll) };
    Ok(())
}

/// A vector whose values `nelder:::lazy_value(from, key)` makes when they are first read. `what` is a list of its
/// type's name, its length (a number), the environment `from` and the string `key`.
///
/// @noRd
#[savvy]
fn lazy_new(what: ListSexp) -> savvy::Result<Sexp> {
    let at = |i: usize| {
        what.get_by_index(i)
            .map(|s| s.0)
            .ok_or_else(|| savvy::Error::new("four elements"))
    };
    let (kind, length, from, key) = (at(0)?, at(1)?, at(2)?, at(3)?);
    // SAFETY: the arguments are held by R during the call
    Ok(Sexp(unsafe {
        unwind_protect(|| nelder_lazy_new(kind, length, from, key))?
    }))
}

/// Tests if the values of a vector of `lazy_new` have been made (`TRUE` or `FALSE`); `NA` for any other vector.
///
/// @noRd
#[savvy]
fn lazy_is_made(x: Sexp) -> savvy::Result<Sexp> {
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_lazy_is_made(x.0))? }))
}

/// Source of a vector of `lazy_new`, `list(type, length, from, key, written)`, or `NULL` for any other vector.
/// `written` is `TRUE` where someone has had a pointer to write to.
///
/// @noRd
#[savvy]
fn lazy_source(x: Sexp) -> savvy::Result<Sexp> {
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_lazy_source(x.0))? }))
}

/// Tests if two lists have the same objects under the same names, none of which someone may have written to.
///
/// @noRd
#[savvy]
fn same_parts(a: Sexp, b: Sexp) -> savvy::Result<Sexp> {
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_same_parts(a.0, b.0))? }))
}

/// A pointer that keeps an environment, `what[[1]]`, and is identical to any other such pointer.
///
/// @noRd
#[savvy]
fn handle_new(what: ListSexp) -> savvy::Result<Sexp> {
    let environment = what
        .get_by_index(0)
        .ok_or_else(|| savvy::Error::new("one element"))?
        .0;
    // SAFETY: as above
    Ok(Sexp(unsafe {
        unwind_protect(|| nelder_handle_new(environment))?
    }))
}

/// The environment that such a pointer keeps, or `NULL`.
///
/// @noRd
#[savvy]
fn handle_get(what: ListSexp) -> savvy::Result<Sexp> {
    let handle = what
        .get_by_index(0)
        .ok_or_else(|| savvy::Error::new("one element"))?
        .0;
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_handle_get(handle))? }))
}

/// A reference to `what[[2]]` that lives as long as `what[[1]]`, and is not written to files.
///
/// @noRd
#[savvy]
fn weak_new(what: ListSexp) -> savvy::Result<Sexp> {
    let at = |i: usize| {
        what.get_by_index(i)
            .map(|s| s.0)
            .ok_or_else(|| savvy::Error::new("two elements"))
    };
    let (key, value) = (at(0)?, at(1)?);
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_weak_new(key, value))? }))
}

/// Value that a weak reference refers to, or `NULL`.
///
/// @noRd
#[savvy]
fn weak_get(what: ListSexp) -> savvy::Result<Sexp> {
    let reference = what
        .get_by_index(0)
        .ok_or_else(|| savvy::Error::new("one element"))?
        .0;
    // SAFETY: as above
    Ok(Sexp(unsafe { unwind_protect(|| nelder_weak_get(reference))? }))
}
