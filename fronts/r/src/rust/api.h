SEXP savvy_devices__ffi(void);
SEXP savvy_fingerprints__ffi(SEXP c_arg__vectors, SEXP c_arg__options);
SEXP savvy_handle_get__ffi(SEXP c_arg__what);
SEXP savvy_handle_new__ffi(SEXP c_arg__what);
SEXP savvy_incomplete_rows__ffi(SEXP c_arg__columns, SEXP c_arg__rows);
SEXP savvy_init_lazy__ffi(DllInfo* c_arg__dll);
SEXP savvy_lazy_is_made__ffi(SEXP c_arg__x);
SEXP savvy_lazy_new__ffi(SEXP c_arg__what);
SEXP savvy_lazy_source__ffi(SEXP c_arg__x);
SEXP savvy_penalized__ffi(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options);
SEXP savvy_penalized_folds__ffi(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options);
SEXP savvy_principal__ffi(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__scores, SEXP c_arg__options);
SEXP savvy_principal_sparse__ffi(SEXP c_arg__matrix, SEXP c_arg__description, SEXP c_arg__scores, SEXP c_arg__options);
SEXP savvy_used_levels__ffi(SEXP c_arg__codes, SEXP c_arg__levels, SEXP c_arg__left_out);
SEXP savvy_weak_get__ffi(SEXP c_arg__what);
SEXP savvy_weak_new__ffi(SEXP c_arg__what);

// methods and associated functions for NelderFit
SEXP savvy_NelderFit_drop1__ffi(SEXP self__, SEXP c_arg__terms, SEXP c_arg__options);
SEXP savvy_NelderFit_glm__ffi(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options);
SEXP savvy_NelderFit_lm__ffi(SEXP c_arg__columns, SEXP c_arg__description, SEXP c_arg__options);
SEXP savvy_NelderFit_predict__ffi(SEXP self__, SEXP c_arg__columns, SEXP c_arg__std_errors, SEXP c_arg__options);
SEXP savvy_NelderFit_prints__ffi(SEXP self__, SEXP c_arg__vectors, SEXP c_arg__options);
SEXP savvy_NelderFit_record__ffi(SEXP self__);
SEXP savvy_NelderFit_report__ffi(SEXP self__);
SEXP savvy_NelderFit_robust__ffi(SEXP self__, SEXP c_arg__kind, SEXP c_arg__options);
SEXP savvy_NelderFit_rows__ffi(SEXP self__, SEXP c_arg__what, SEXP c_arg__options);
SEXP savvy_NelderFit_sequential__ffi(SEXP self__, SEXP c_arg__response, SEXP c_arg__options);
SEXP savvy_NelderFit_unscaled__ffi(SEXP self__);
