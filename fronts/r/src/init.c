
// clang-format sorts includes unless SortIncludes: Never. However, the ordering
// does matter here. So, we need to disable clang-format for safety.

// clang-format off
#include <stdint.h>
#include <Rinternals.h>
#include <R_ext/Parse.h>
// clang-format on

#include "rust/api.h"

static uintptr_t TAGGED_POINTER_MASK = (uintptr_t)1;

SEXP handle_result(SEXP res_) {
    uintptr_t res = (uintptr_t)res_;

    // An error is indicated by tag.
    if ((res & TAGGED_POINTER_MASK) == 1) {
        // Remove tag
        SEXP res_aligned = (SEXP)(res & ~TAGGED_POINTER_MASK);

        // Currently, there are two types of error cases:
        //
        //   1. Error from Rust code
        //   2. Error from R's C API, which is caught by R_UnwindProtect()
        //
        if (TYPEOF(res_aligned) == CHARSXP) {
            // In case 1, the result is an error message that can be passed to
            // Rf_errorcall() directly.
            Rf_errorcall(R_NilValue, "%s", CHAR(res_aligned));
        } else {
            // In case 2, the result is the token to restart the
            // cleanup process on R's side.
            R_ContinueUnwind(res_aligned);
        }
    }

    return (SEXP)res;
}

SEXP savvy_are_numbers__impl(SEXP c_arg__columns, SEXP c_arg__rows) {
    SEXP res = savvy_are_numbers__ffi(c_arg__columns, c_arg__rows);
    return handle_result(res);
}

SEXP savvy_boot_intervals__impl(SEXP c_arg__boot, SEXP c_arg__kind, SEXP c_arg__level) {
    SEXP res = savvy_boot_intervals__ffi(c_arg__boot, c_arg__kind, c_arg__level);
    return handle_result(res);
}

SEXP savvy_devices__impl(void) {
    SEXP res = savvy_devices__ffi();
    return handle_result(res);
}

SEXP savvy_fingerprints__impl(SEXP c_arg__vectors, SEXP c_arg__options) {
    SEXP res = savvy_fingerprints__ffi(c_arg__vectors, c_arg__options);
    return handle_result(res);
}

SEXP savvy_handle_get__impl(SEXP c_arg__what) {
    SEXP res = savvy_handle_get__ffi(c_arg__what);
    return handle_result(res);
}

SEXP savvy_handle_new__impl(SEXP c_arg__what) {
    SEXP res = savvy_handle_new__ffi(c_arg__what);
    return handle_result(res);
}

SEXP savvy_incomplete_rows__impl(SEXP c_arg__columns, SEXP c_arg__rows) {
    SEXP res = savvy_incomplete_rows__ffi(c_arg__columns, c_arg__rows);
    return handle_result(res);
}

SEXP savvy_init_lazy__impl(DllInfo* c_arg__dll) {
    SEXP res = savvy_init_lazy__ffi(c_arg__dll);
    return handle_result(res);
}

SEXP savvy_lazy_is_made__impl(SEXP c_arg__x) {
    SEXP res = savvy_lazy_is_made__ffi(c_arg__x);
    return handle_result(res);
}

SEXP savvy_lazy_new__impl(SEXP c_arg__what) {
    SEXP res = savvy_lazy_new__ffi(c_arg__what);
    return handle_result(res);
}

SEXP savvy_lazy_source__impl(SEXP c_arg__x) {
    SEXP res = savvy_lazy_source__ffi(c_arg__x);
    return handle_result(res);
}

SEXP savvy_peculiarities__impl(SEXP c_arg__columns) {
    SEXP res = savvy_peculiarities__ffi(c_arg__columns);
    return handle_result(res);
}

SEXP savvy_penalized__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_penalized__ffi(c_arg__columns, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_penalized_folds__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_penalized_folds__ffi(c_arg__columns, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_principal__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__scores, SEXP c_arg__options) {
    SEXP res = savvy_principal__ffi(c_arg__columns, c_arg__description, c_arg__scores, c_arg__options);
    return handle_result(res);
}

SEXP savvy_principal_sparse__impl(SEXP c_arg__matrix, SEXP c_arg__description, SEXP c_arg__scores, SEXP c_arg__options) {
    SEXP res = savvy_principal_sparse__ffi(c_arg__matrix, c_arg__description, c_arg__scores, c_arg__options);
    return handle_result(res);
}

SEXP savvy_same_parts__impl(SEXP c_arg__a, SEXP c_arg__b) {
    SEXP res = savvy_same_parts__ffi(c_arg__a, c_arg__b);
    return handle_result(res);
}

SEXP savvy_used_levels__impl(SEXP c_arg__codes, SEXP c_arg__levels, SEXP c_arg__left_out) {
    SEXP res = savvy_used_levels__ffi(c_arg__codes, c_arg__levels, c_arg__left_out);
    return handle_result(res);
}

SEXP savvy_weak_get__impl(SEXP c_arg__what) {
    SEXP res = savvy_weak_get__ffi(c_arg__what);
    return handle_result(res);
}

SEXP savvy_weak_new__impl(SEXP c_arg__what) {
    SEXP res = savvy_weak_new__ffi(c_arg__what);
    return handle_result(res);
}

SEXP savvy_NelderFit_drop1__impl(SEXP self__, SEXP c_arg__terms, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_drop1__ffi(self__, c_arg__terms, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_glm__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options, SEXP c_arg__vectors) {
    SEXP res = savvy_NelderFit_glm__ffi(c_arg__columns, c_arg__description, c_arg__options, c_arg__vectors);
    return handle_result(res);
}

SEXP savvy_NelderFit_glm_of_numbers__impl(SEXP c_arg__frame, SEXP c_arg__terms, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_glm_of_numbers__ffi(c_arg__frame, c_arg__terms, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_lm__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options, SEXP c_arg__vectors) {
    SEXP res = savvy_NelderFit_lm__ffi(c_arg__columns, c_arg__description, c_arg__options, c_arg__vectors);
    return handle_result(res);
}

SEXP savvy_NelderFit_lm_of_matrix__impl(SEXP c_arg__vectors, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_lm_of_matrix__ffi(c_arg__vectors, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_lm_of_numbers__impl(SEXP c_arg__frame, SEXP c_arg__terms, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_lm_of_numbers__ffi(c_arg__frame, c_arg__terms, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_lm_step__impl(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_lm_step__ffi(c_arg__columns, c_arg__description, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_predict__impl(SEXP self__, SEXP c_arg__columns, SEXP c_arg__std_errors, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_predict__ffi(self__, c_arg__columns, c_arg__std_errors, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_predict_numbers__impl(SEXP self__, SEXP c_arg__frame, SEXP c_arg__std_errors, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_predict_numbers__ffi(self__, c_arg__frame, c_arg__std_errors, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_report__impl(SEXP self__) {
    SEXP res = savvy_NelderFit_report__ffi(self__);
    return handle_result(res);
}

SEXP savvy_NelderFit_resample__impl(SEXP self__, SEXP c_arg__request, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_resample__ffi(self__, c_arg__request, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_robust__impl(SEXP self__, SEXP c_arg__kind, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_robust__ffi(self__, c_arg__kind, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_rows__impl(SEXP self__, SEXP c_arg__what, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_rows__ffi(self__, c_arg__what, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_sequential__impl(SEXP self__, SEXP c_arg__response, SEXP c_arg__options) {
    SEXP res = savvy_NelderFit_sequential__ffi(self__, c_arg__response, c_arg__options);
    return handle_result(res);
}

SEXP savvy_NelderFit_unscaled__impl(SEXP self__) {
    SEXP res = savvy_NelderFit_unscaled__ffi(self__);
    return handle_result(res);
}


static const R_CallMethodDef CallEntries[] = {
    {"savvy_are_numbers__impl", (DL_FUNC) &savvy_are_numbers__impl, 2},
    {"savvy_boot_intervals__impl", (DL_FUNC) &savvy_boot_intervals__impl, 3},
    {"savvy_devices__impl", (DL_FUNC) &savvy_devices__impl, 0},
    {"savvy_fingerprints__impl", (DL_FUNC) &savvy_fingerprints__impl, 2},
    {"savvy_handle_get__impl", (DL_FUNC) &savvy_handle_get__impl, 1},
    {"savvy_handle_new__impl", (DL_FUNC) &savvy_handle_new__impl, 1},
    {"savvy_incomplete_rows__impl", (DL_FUNC) &savvy_incomplete_rows__impl, 2},
    {"savvy_lazy_is_made__impl", (DL_FUNC) &savvy_lazy_is_made__impl, 1},
    {"savvy_lazy_new__impl", (DL_FUNC) &savvy_lazy_new__impl, 1},
    {"savvy_lazy_source__impl", (DL_FUNC) &savvy_lazy_source__impl, 1},
    {"savvy_peculiarities__impl", (DL_FUNC) &savvy_peculiarities__impl, 1},
    {"savvy_penalized__impl", (DL_FUNC) &savvy_penalized__impl, 3},
    {"savvy_penalized_folds__impl", (DL_FUNC) &savvy_penalized_folds__impl, 3},
    {"savvy_principal__impl", (DL_FUNC) &savvy_principal__impl, 4},
    {"savvy_principal_sparse__impl", (DL_FUNC) &savvy_principal_sparse__impl, 4},
    {"savvy_same_parts__impl", (DL_FUNC) &savvy_same_parts__impl, 2},
    {"savvy_used_levels__impl", (DL_FUNC) &savvy_used_levels__impl, 3},
    {"savvy_weak_get__impl", (DL_FUNC) &savvy_weak_get__impl, 1},
    {"savvy_weak_new__impl", (DL_FUNC) &savvy_weak_new__impl, 1},
    {"savvy_NelderFit_drop1__impl", (DL_FUNC) &savvy_NelderFit_drop1__impl, 3},
    {"savvy_NelderFit_glm__impl", (DL_FUNC) &savvy_NelderFit_glm__impl, 4},
    {"savvy_NelderFit_glm_of_numbers__impl", (DL_FUNC) &savvy_NelderFit_glm_of_numbers__impl, 4},
    {"savvy_NelderFit_lm__impl", (DL_FUNC) &savvy_NelderFit_lm__impl, 4},
    {"savvy_NelderFit_lm_of_matrix__impl", (DL_FUNC) &savvy_NelderFit_lm_of_matrix__impl, 3},
    {"savvy_NelderFit_lm_of_numbers__impl", (DL_FUNC) &savvy_NelderFit_lm_of_numbers__impl, 4},
    {"savvy_NelderFit_lm_step__impl", (DL_FUNC) &savvy_NelderFit_lm_step__impl, 3},
    {"savvy_NelderFit_predict__impl", (DL_FUNC) &savvy_NelderFit_predict__impl, 4},
    {"savvy_NelderFit_predict_numbers__impl", (DL_FUNC) &savvy_NelderFit_predict_numbers__impl, 4},
    {"savvy_NelderFit_report__impl", (DL_FUNC) &savvy_NelderFit_report__impl, 1},
    {"savvy_NelderFit_resample__impl", (DL_FUNC) &savvy_NelderFit_resample__impl, 3},
    {"savvy_NelderFit_robust__impl", (DL_FUNC) &savvy_NelderFit_robust__impl, 3},
    {"savvy_NelderFit_rows__impl", (DL_FUNC) &savvy_NelderFit_rows__impl, 3},
    {"savvy_NelderFit_sequential__impl", (DL_FUNC) &savvy_NelderFit_sequential__impl, 3},
    {"savvy_NelderFit_unscaled__impl", (DL_FUNC) &savvy_NelderFit_unscaled__impl, 1},
    {NULL, NULL, 0}
};

void R_init_nelder(DllInfo *dll) {
    R_registerRoutines(dll, NULL, CallEntries, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);

    // Functions for initialization, if any.
    savvy_init_lazy__impl(dll);
}
