/* Vectors that are made when someone touches them, and interrupts.

   A lazy vector holds a type, a length, an environment and a key; its values are those of
   nelder:::lazy_value(environment, key), which is called once. Written to a file it is these four things, so that what
   can be computed again is not stored. */

#define R_NO_REMAP
#include <stdint.h>
#include <string.h>
#include <R.h>
#include <Rinternals.h>
#include <R_ext/Altrep.h>
#include <R_ext/Rdynload.h>

static R_altrep_class_t lazy_real, lazy_integer, lazy_logical, lazy_string;

/* data1: list(type, length, environment, key, whether someone may have written); data2: the values, or NULL */

/* The call of lazy_value() for a vector. */
static SEXP call_for(SEXP x)
{
    SEXP what = R_altrep_data1(x);
    SEXP name = PROTECT(Rf_mkString("nelder"));
    SEXP space = PROTECT(R_FindNamespace(name));
    SEXP maker = PROTECT(Rf_eval(Rf_install("lazy_value"), space));
    SEXP call = Rf_lang3(maker, VECTOR_ELT(what, 2), VECTOR_ELT(what, 3));
    UNPROTECT(3);
    return call;
}

static SEXP computed(SEXP x)
{
    SEXP call = PROTECT(call_for(x));
    SEXP values = Rf_eval(call, R_GlobalEnv);
    UNPROTECT(1);
    return values;
}

static SEXP made(SEXP x)
{
    SEXP values = R_altrep_data2(x);
    if (values != R_NilValue)
        return values;
    values = PROTECT(computed(x));
    if (TYPEOF(values) != TYPEOF(x) || Rf_xlength(values) != Rf_xlength(x))
        Rf_error("nelder: a part of the fit has become another: it is of type %s and length %.0f, not %s and %.0f",
                 Rf_type2char(TYPEOF(values)), (double) Rf_xlength(values), Rf_type2char(TYPEOF(x)),
                 (double) Rf_xlength(x));
    R_set_altrep_data2(x, values);
    UNPROTECT(1);
    return values;
}

static void written(SEXP x)
{
    SET_VECTOR_ELT(R_altrep_data1(x), 4, Rf_ScalarLogical(TRUE));
}

static R_xlen_t lazy_length(SEXP x)
{
    return (R_xlen_t) REAL(VECTOR_ELT(R_altrep_data1(x), 1))[0];
}

static Rboolean lazy_inspect(SEXP x, int pre, int deep, int pvec, void (*sub)(SEXP, int, int, int))
{
    (void) pre; (void) deep; (void) pvec; (void) sub;
    Rprintf(" nelder, %s\n", R_altrep_data2(x) == R_NilValue ? "not made" : "made");
    return TRUE;
}

static void *lazy_dataptr(SEXP x, Rboolean writeable)
{
    (void) writeable;
    return (void *) DATAPTR_RO(made(x));
}

static void *own_dataptr(SEXP x, Rboolean writeable)
{
    SEXP values = made(x);
    if (writeable && MAYBE_SHARED(values)) {
        /* someone else has these values too: a copy to write to */
        values = PROTECT(Rf_duplicate(values));
        R_set_altrep_data2(x, values);
        UNPROTECT(1);
    }
    if (writeable)
        written(x);
    switch (TYPEOF(values)) {
    case REALSXP: return REAL(values);
    case INTSXP: return INTEGER(values);
    case LGLSXP: return LOGICAL(values);
    default: return lazy_dataptr(x, writeable);
    }
}

static const void *lazy_dataptr_or_null(SEXP x)
{
    SEXP values = R_altrep_data2(x);
    return values == R_NilValue ? NULL : DATAPTR_RO(values);
}

static double lazy_real_elt(SEXP x, R_xlen_t i) { return REAL_ELT(made(x), i); }
static int lazy_integer_elt(SEXP x, R_xlen_t i) { return INTEGER_ELT(made(x), i); }
static int lazy_logical_elt(SEXP x, R_xlen_t i) { return LOGICAL_ELT(made(x), i); }
static SEXP lazy_string_elt(SEXP x, R_xlen_t i) { return STRING_ELT(made(x), i); }

static void lazy_string_set_elt(SEXP x, R_xlen_t i, SEXP v)
{
    SEXP values = made(x);
    if (MAYBE_SHARED(values)) {
        values = PROTECT(Rf_duplicate(values));
        R_set_altrep_data2(x, values);
        UNPROTECT(1);
    }
    written(x);
    SET_STRING_ELT(values, i, v);
}

static SEXP lazy_state(SEXP x)
{
    SEXP what = R_altrep_data1(x);
    SEXP values = R_altrep_data2(x);
    if (values != R_NilValue && VECTOR_ELT(what, 4) != R_NilValue) {
        /* much of R asks for a pointer to write to and only reads */
        int failed = 0;
        SEXP call = PROTECT(call_for(x));
        SEXP fresh = PROTECT(R_tryEvalSilent(call, R_GlobalEnv, &failed));
        /* what cannot be made any more is written as it is */
        Rboolean same = !failed && R_compute_identical(fresh, values, 16);
        UNPROTECT(2);
        if (!same)
            return NULL;
    }
    SEXP state = PROTECT(Rf_allocVector(VECSXP, 4));
    for (int i = 0; i < 4; i++)
        SET_VECTOR_ELT(state, i, VECTOR_ELT(what, i));
    UNPROTECT(1);
    return state;
}

static R_altrep_class_t class_of(const char *type)
{
    if (strcmp(type, "double") == 0) return lazy_real;
    if (strcmp(type, "integer") == 0) return lazy_integer;
    if (strcmp(type, "logical") == 0) return lazy_logical;
    if (strcmp(type, "character") == 0) return lazy_string;
    Rf_error("nelder: no lazy vector of type %s", type);
}

static SEXP again(SEXP state)
{
    SEXP what = PROTECT(Rf_allocVector(VECSXP, 5));
    for (int i = 0; i < 4; i++)
        SET_VECTOR_ELT(what, i, VECTOR_ELT(state, i));
    SEXP x = R_new_altrep(class_of(CHAR(STRING_ELT(VECTOR_ELT(what, 0), 0))), what, R_NilValue);
    UNPROTECT(1);
    return x;
}

static SEXP lazy_unserialize(SEXP class, SEXP state)
{
    (void) class;
    return again(state);
}

static SEXP lazy_duplicate(SEXP x, Rboolean deep)
{
    (void) deep;
    /* NULL: as R copies any vector */
    return R_altrep_data2(x) == R_NilValue ? again(R_altrep_data1(x)) : NULL;
}

SEXP nelder_lazy_new(SEXP kind, SEXP length, SEXP from, SEXP key)
{
    SEXP what = PROTECT(Rf_allocVector(VECSXP, 5));
    SET_VECTOR_ELT(what, 0, kind);
    SET_VECTOR_ELT(what, 1, Rf_coerceVector(length, REALSXP));
    SET_VECTOR_ELT(what, 2, from);
    SET_VECTOR_ELT(what, 3, key);
    SEXP x = R_new_altrep(class_of(CHAR(STRING_ELT(kind, 0))), what, R_NilValue);
    UNPROTECT(1);
    return x;
}

static int is_lazy(SEXP x)
{
    return ALTREP(x) && (R_altrep_inherits(x, lazy_real) || R_altrep_inherits(x, lazy_integer) ||
                         R_altrep_inherits(x, lazy_logical) || R_altrep_inherits(x, lazy_string));
}

/* The lazy vector itself where R has put it into a wrapper, as it does when it sets an attribute of a shared vector. */
static SEXP unwrapped(SEXP x)
{
    if (ALTREP(x) && !is_lazy(x)) {
        SEXP inner = R_altrep_data1(x);
        if (TYPEOF(inner) == TYPEOF(x) && is_lazy(inner))
            return inner;
    }
    return x;
}

SEXP nelder_lazy_is_made(SEXP x)
{
    x = unwrapped(x);
    return Rf_ScalarLogical(is_lazy(x) ? R_altrep_data2(x) != R_NilValue : NA_LOGICAL);
}

/* list(type, length, environment, key, whether someone may have written: TRUE or NULL), or NULL for another vector */
SEXP nelder_lazy_source(SEXP x)
{
    x = unwrapped(x);
    return is_lazy(x) ? R_altrep_data1(x) : R_NilValue;
}

/* Tests that nobody has had a pointer to write to a lazy vector, to its names, or to those in a list. */
static int is_unwritten(SEXP x, int depth)
{
    SEXP own = unwrapped(x);
    if (is_lazy(own)) {
        if (VECTOR_ELT(R_altrep_data1(own), 4) != R_NilValue)
            return 0;
        SEXP names = TYPEOF(own) == STRSXP ? R_NilValue : Rf_getAttrib(x, R_NamesSymbol);
        return names == R_NilValue || is_unwritten(names, depth);
    }
    if (TYPEOF(x) == VECSXP && depth > 0)
        for (R_xlen_t i = 0; i < Rf_xlength(x); i++)
            if (!is_unwritten(VECTOR_ELT(x, i), depth - 1))
                return 0;
    return 1;
}

/* Tests if two lists have the same objects under the same names, none of which someone may have written to. An object that two
   lists hold is never changed: R copies it first. */
SEXP nelder_same_parts(SEXP a, SEXP b)
{
    R_xlen_t n = TYPEOF(a) == VECSXP && TYPEOF(b) == VECSXP ? Rf_xlength(a) : -1;
    if (n < 0 || n != Rf_xlength(b))
        return Rf_ScalarLogical(FALSE);
    SEXP names = PROTECT(Rf_getAttrib(a, R_NamesSymbol)), others = PROTECT(Rf_getAttrib(b, R_NamesSymbol));
    int same = TYPEOF(names) == STRSXP && TYPEOF(others) == STRSXP;
    for (R_xlen_t i = 0; same && i < n; i++)
        same = VECTOR_ELT(a, i) == VECTOR_ELT(b, i) && STRING_ELT(names, i) == STRING_ELT(others, i) &&
               is_unwritten(VECTOR_ELT(a, i), 2);
    UNPROTECT(2);
    return Rf_ScalarLogical(same);
}

SEXP nelder_weak_new(SEXP key, SEXP value)
{
    return R_MakeWeakRef(key, value, R_NilValue, FALSE);
}

SEXP nelder_weak_get(SEXP reference)
{
    return TYPEOF(reference) == WEAKREFSXP ? R_WeakRefValue(reference) : R_NilValue;
}

/* The environment of a fit behind a pointer to nothing: to identical() and all.equal() the pointers of two fits are the
   same, where environments never are. */

SEXP nelder_handle_new(SEXP environment)
{
    return R_MakeExternalPtr(NULL, R_NilValue, environment);
}

SEXP nelder_handle_get(SEXP handle)
{
    return TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrProtected(handle) : R_NilValue;
}

/* Strings in UTF-8, whatever encoding each has. */
SEXP nelder_utf8(SEXP strings)
{
    R_xlen_t n = Rf_xlength(strings);
    SEXP out = PROTECT(Rf_allocVector(STRSXP, n));
    for (R_xlen_t i = 0; i < n; i++) {
        SEXP one = STRING_ELT(strings, i);
        if (one == NA_STRING || Rf_getCharCE(one) == CE_UTF8) {
            SET_STRING_ELT(out, i, one);
            continue;
        }
        const void *top = vmaxget();
        SET_STRING_ELT(out, i, Rf_mkCharCE(Rf_translateCharUTF8(one), CE_UTF8));
        vmaxset(top);
    }
    UNPROTECT(1);
    return out;
}

/* What has come in while the library computes: an interrupt, or an error of R's own event loop (a limit of time), whose
   message is kept. */

static char trouble[512];

static SEXP listen(void *unused)
{
    (void) unused;
    R_CheckUserInterrupt();
    return R_NilValue;
}

static SEXP note(SEXP condition, void *failed)
{
    *(int *) failed = 1;
    SEXP message = VECTOR_ELT(condition, 0);
    const char *text = TYPEOF(message) == STRSXP && Rf_xlength(message) ? CHAR(STRING_ELT(message, 0)) : "";
    strncpy(trouble, text, sizeof trouble - 1);
    return R_NilValue;
}

static void check(void *failed)
{
    R_tryCatchError(listen, NULL, note, failed);
}

/* 0 for nothing, 1 for an interrupt, 2 for an error, see nelder_trouble() */
int nelder_interrupted(void)
{
    int failed = 0;
    if (R_ToplevelExec(check, &failed) == FALSE)
        return 1;
    return failed ? 2 : 0;
}

const char *nelder_trouble(void)
{
    return trouble;
}

static void methods(R_altrep_class_t class)
{
    R_set_altrep_Length_method(class, lazy_length);
    R_set_altrep_Inspect_method(class, lazy_inspect);
    R_set_altrep_Duplicate_method(class, lazy_duplicate);
    R_set_altrep_Serialized_state_method(class, lazy_state);
    R_set_altrep_Unserialize_method(class, lazy_unserialize);
    R_set_altvec_Dataptr_method(class, own_dataptr);
    R_set_altvec_Dataptr_or_null_method(class, lazy_dataptr_or_null);
}

void nelder_lazy_init(DllInfo *dll)
{
    lazy_real = R_make_altreal_class("lazy_real", "nelder", dll);
    methods(lazy_real);
    R_set_altreal_Elt_method(lazy_real, lazy_real_elt);
    lazy_integer = R_make_altinteger_class("lazy_integer", "nelder", dll);
    methods(lazy_integer);
    R_set_altinteger_Elt_method(lazy_integer, lazy_integer_elt);
    lazy_logical = R_make_altlogical_class("lazy_logical", "nelder", dll);
    methods(lazy_logical);
    R_set_altlogical_Elt_method(lazy_logical, lazy_logical_elt);
    lazy_string = R_make_altstring_class("lazy_string", "nelder", dll);
    methods(lazy_string);
    R_set_altstring_Elt_method(lazy_string, lazy_string_elt);
    R_set_altstring_Set_elt_method(lazy_string, lazy_string_set_elt);
}
