//! Vectors of R whose values stay where they are while they are kept.
//!
//! That R does not collect a vector says nothing of its values' memory where the vector is one of R's alternative
//! representations: a wrapper, which R puts around a vector that gets attributes, shares the values of another vector and
//! takes a copy in their place when a writable pointer to them is asked for. What is kept is then the vector inside.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::ThreadId;

use savvy::unwind_protect;
use savvy_ffi::{R_PreserveObject, Rf_duplicate, Rf_xlength, SEXP, TYPEOF};

unsafe extern "C" {
    /// The other half of `R_PreserveObject`.
    fn R_ReleaseObject(object: SEXP);
    fn ALTREP(x: SEXP) -> i32;
    fn R_altrep_data1(x: SEXP) -> SEXP;
    fn R_altrep_data2(x: SEXP) -> SEXP;
    fn DATAPTR_RO(x: SEXP) -> *const std::ffi::c_void;
}

/// R's thread: the only one that may speak to R.
static OF_R: OnceLock<ThreadId> = OnceLock::new();
/// Addresses of objects that another thread has let go of.
static LET_GO: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Notes that this is R's thread.
pub fn here_is_r() {
    let _ = OF_R.set(std::thread::current().id());
}

/// Releases what other threads have let go of; on R's thread.
fn release() {
    let objects = std::mem::take(&mut *LET_GO.lock().unwrap_or_else(PoisonError::into_inner));
    for object in objects {
        // SAFETY: on R's thread; each address was that of a kept object, once
        unsafe { R_ReleaseObject(object as SEXP) };
    }
}

/// An object that R does not collect while this lives. It may be dropped on any thread: R hears of it on its own.
pub struct Kept(SEXP);

impl Kept {
    /// Keeps an object; on R's thread.
    pub fn new(object: SEXP) -> Kept {
        release();
        // SAFETY: on R's thread; released when this is dropped
        unsafe { R_PreserveObject(object) };
        Kept(object)
    }

    /// Keeps the vector in which the values of a vector of numbers are.
    ///
    /// # Errors
    /// One that R raises where it makes the values, or has no memory for a copy of them.
    pub fn values_of(vector: SEXP) -> savvy::Result<Kept> {
        let mut own = Kept::new(vector);
        // SAFETY: on R's thread; the types are tested before pointers are taken, which makes the values where they are not
        // made yet
        unsafe {
            while ALTREP(own.0) != 0 {
                let outer = own.0;
                unwind_protect(|| {
                    DATAPTR_RO(outer);
                    outer
                })?;
                let values = DATAPTR_RO(outer);
                let holds = |&inner: &SEXP| {
                    TYPEOF(inner) == TYPEOF(outer)
                        && Rf_xlength(inner) == Rf_xlength(outer)
                        && DATAPTR_RO(inner) == values
                };
                let inner = [R_altrep_data1(outer), R_altrep_data2(outer)]
                    .into_iter()
                    .find(holds);
                own = match inner {
                    Some(inner) => Kept::new(inner),
                    None => Kept::new(unwind_protect(|| Rf_duplicate(outer))?),
                };
                if inner.is_none() {
                    break;
                }
            }
        }
        Ok(own)
    }

    /// The object.
    pub fn get(&self) -> SEXP {
        self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut objects = LET_GO.lock().unwrap_or_else(PoisonError::into_inner);
        objects.push(self.0 as usize);
        drop(objects);
        if OF_R.get() == Some(&std::thread::current().id()) {
            release();
        }
    }
}
