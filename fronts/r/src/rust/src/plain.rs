//! Models whose variables are vectors of numbers and no more, described by R's own frame and terms.

use nelder::design::Missing;
use nelder::formula::{Coding, Expr, Term, Terms};
use nelder::frame::Source;
use nelder::model::LmSpec;
use savvy::{ListSexp, Sexp};
use savvy_ffi::{INTEGER_RO, INTSXP, R_NilValue, REALSXP, Rf_xlength, SEXP, TYPEOF};

use crate::describe::accuracy;
use crate::lists::{Elements, texts_of};
use crate::source::RSource;

unsafe extern "C" {
    fn ATTRIB(x: SEXP) -> SEXP;
    /// The length of a call, too.
    fn Rf_length(x: SEXP) -> i32;
}

/// Tests if a vector has `rows` numbers and no attribute.
pub fn is_plain(of: SEXP, rows: usize) -> bool {
    // SAFETY: on R's thread
    unsafe {
        let number = TYPEOF(of) == REALSXP || TYPEOF(of) == INTSXP;
        number && ATTRIB(of) == R_NilValue && Rf_xlength(of) as usize == rows
    }
}

/// The whole numbers of an attribute; `None` where it is not there or of another type.
fn integers<'a>(of: &'a Sexp, attribute: &str) -> savvy::Result<Option<&'a [i32]>> {
    let Some(value) = of.get_attrib(attribute)? else {
        return Ok(None);
    };
    // SAFETY: on R's thread; the type is tested, and the object whose attribute it is holds it
    Ok(unsafe {
        (TYPEOF(value.0) == INTSXP)
            .then(|| std::slice::from_raw_parts(INTEGER_RO(value.0), Rf_xlength(value.0) as usize))
    })
}

/// The strings of an attribute; `None` where it is not there or of another type.
fn texts(of: &Sexp, attribute: &str) -> savvy::Result<Option<Vec<String>>> {
    of.get_attrib(attribute)?.map_or(Ok(None), texts_of)
}

/// R's terms as numbers: variables by terms, row by row of R's matrix, with what its rows are called.
struct Factors<'a> {
    variables: usize,
    texts: Vec<String>,
    codes: &'a [i32],
    labels: Vec<String>,
    response: usize,
    intercept: bool,
}

/// Reads R's terms; `None` where an offset is among them, no response is, or the response is a predictor as well.
fn factors<'a>(terms: &'a Sexp, names: &[String]) -> savvy::Result<Option<Factors<'a>>> {
    let read = (
        terms.get_attrib("variables")?,
        integers(terms, "factors")?,
        texts(terms, "term.labels")?,
        integers(terms, "response")?,
        integers(terms, "intercept")?,
    );
    let (Some(calls), Some(codes), Some(labels), Some([response]), Some([intercept])) = read else {
        return Ok(None);
    };
    // SAFETY: on R's thread; the call of list() around the variables
    let variables = unsafe { Rf_length(calls.0) as usize }.saturating_sub(1);
    let rows = match terms.get_attrib("factors")? {
        Some(matrix) => matrix.get_attrib("dimnames")?,
        None => None,
    };
    let texts = match rows.map(ListSexp::try_from).transpose()? {
        Some(names) => names
            .get_by_index(0)
            .map_or(Ok(None), texts_of)?
            .unwrap_or_default(),
        None => names.to_vec(),
    };
    let response = usize::try_from(*response).ok().and_then(|r| r.checked_sub(1));
    let fits =
        names.len() == variables && texts.len() == variables && codes.len() == variables * labels.len();
    let Some(response) = response.filter(|&r| r < variables && fits) else {
        return Ok(None);
    };
    let own = codes.chunks_exact(variables).any(|term| term[response] != 0);
    if own || terms.get_attrib("offset")?.is_some() {
        return Ok(None);
    }
    Ok(Some(Factors {
        variables,
        texts,
        codes,
        labels,
        response,
        intercept: *intercept == 1,
    }))
}

/// The columns of a model frame that a fit has, by name. `None` where the fit has other variables than vectors of numbers, or more
/// than one of them, its response, is not in the frame, or one there is more than a vector of numbers.
///
/// # Errors
/// One that R raises where it makes a column's values.
pub fn rows_of_numbers(frame: &ListSexp, fit: &RSource) -> savvy::Result<Option<RSource>> {
    let names = Sexp(frame.inner())
        .get_attrib("names")?
        .map_or(Ok(None), texts_of)?;
    let names = names.unwrap_or_default();
    let vectors: Vec<Sexp> = frame.values_iter().collect();
    let Some(first) = vectors.first() else {
        return Ok(None);
    };
    // SAFETY: on R's thread
    let rows = unsafe { Rf_xlength(first.0) as usize };
    let mut out = RSource::without_columns(rows);
    let mut found = 0;
    for (vector, name) in vectors.iter().zip(names) {
        if !is_plain(vector.0, rows) {
            return Ok(None);
        }
        if fit.numbers().any(|own| *own == name) {
            out.push(vector.0, None, vec![name])?;
            found += 1;
        }
    }
    let whole = fit.numbers().count() == fit.schema().fields.len();
    Ok((whole && found + 1 == fit.schema().fields.len()).then_some(out))
}

/// The columns of a matrix and a response, `vectors`, and the model of them, whose columns are called as the matrix's. `None` where the
/// response is more than a vector of numbers.
///
/// # Errors
/// A word for the precision that is none; one that R raises where it makes a column's values.
pub fn of_matrix(vectors: &ListSexp, description: &ListSexp) -> savvy::Result<Option<(RSource, LmSpec)>> {
    let [Some(x), Some(y)] = [0, 1].map(|i| vectors.get_by_index(i)) else {
        return Ok(None);
    };
    // SAFETY: on R's thread
    let rows = unsafe { Rf_xlength(y.0) as usize };
    let dimnames = x.get_attrib("dimnames")?.map(ListSexp::try_from).transpose()?;
    let labels = dimnames
        .and_then(|names| names.get_by_index(1))
        .map_or(Ok(None), texts_of)?;
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else {
        return Ok(None);
    };
    if rows == 0 || vectors.len() != 2 || !is_plain(y.0, rows) {
        return Ok(None);
    }
    let columns: Vec<String> = (1..=labels.len()).map(|k| format!("x\u{200b}{k}")).collect();
    let mut source = RSource::without_columns(rows);
    source.push(x.0, None, columns.clone())?;
    source.push(y.0, None, vec!["y".into()])?;
    let single = labels.len() == 1;
    let x = Expr::Evaluated {
        text: if single { labels[0].clone() } else { String::new() },
        columns,
        suffixes: if single { Vec::new() } else { labels },
    };
    let y = Expr::Evaluated {
        text: "y".into(),
        columns: vec!["y".into()],
        suffixes: Vec::new(),
    };
    let term = Term {
        label: "x".into(),
        variables: vec![0],
        coding: vec![Coding::Contrasts],
    };
    let terms = Terms {
        variables: vec![x, y],
        response: Some(1),
        intercept: false,
        offsets: Vec::new(),
        terms: vec![term],
        dropped: None,
    };
    Ok(Some((source, specified(terms, description)?)))
}

/// A model of terms, with the tolerance and the precision of a description.
fn specified(terms: Terms, description: &ListSexp) -> savvy::Result<LmSpec> {
    let elements = Elements(description);
    // the formula is for print, which is R's
    let mut spec = LmSpec::of_terms("", terms);
    spec.missing = Missing::Omit;
    spec.tol = Some(elements.real("tol")?).filter(|t| t.is_finite());
    spec.accuracy = accuracy(&elements)?;
    Ok(spec)
}

/// The columns of a model frame and the model that its terms are: predictors in their order, then the response. `None` where
/// something is more than a vector of numbers: R describes such a model.
///
/// # Errors
/// A word for the precision that is none; one that R raises where it makes a column's values.
pub fn plain(
    frame: &ListSexp,
    terms: &Sexp,
    description: &ListSexp,
) -> savvy::Result<Option<(RSource, LmSpec)>> {
    let vectors: Vec<Sexp> = frame.values_iter().collect();
    let rows = vectors.first().map_or(0, |v| {
        // SAFETY: on R's thread
        unsafe { Rf_xlength(v.0) as usize }
    });
    if rows == 0 || !vectors.iter().all(|v| is_plain(v.0, rows)) {
        return Ok(None);
    }
    let names = Sexp(frame.inner())
        .get_attrib("names")?
        .map_or(Ok(None), texts_of)?;
    let names = names.unwrap_or_default();
    let Some(factors) = factors(terms, &names)? else {
        return Ok(None);
    };
    let mut source = RSource::without_columns(rows);
    let mut variables = Vec::with_capacity(factors.variables);
    let mut place = vec![0; factors.variables];
    let predictors = (0..factors.variables).filter(|&v| v != factors.response);
    for v in predictors.chain([factors.response]) {
        source.push(vectors[v].0, None, vec![names[v].clone()])?;
        place[v] = variables.len();
        // the response is called what the frame calls it
        let text = if v == factors.response {
            &names[v]
        } else {
            &factors.texts[v]
        };
        variables.push(Expr::Evaluated {
            text: text.clone(),
            columns: vec![names[v].clone()],
            suffixes: Vec::new(),
        });
    }
    let coded = factors.codes.chunks_exact(factors.variables);
    let term = |(label, codes): (String, &[i32])| {
        let members = codes.iter().enumerate().filter(|(_, code)| **code > 0);
        let (variables, coding) = members
            .map(|(v, &code)| {
                (
                    place[v],
                    if code == 2 {
                        Coding::Full
                    } else {
                        Coding::Contrasts
                    },
                )
            })
            .unzip();
        Term {
            label,
            variables,
            coding,
        }
    };
    let of_terms = Terms {
        response: Some(place[factors.response]),
        intercept: factors.intercept,
        offsets: Vec::new(),
        terms: factors.labels.into_iter().zip(coded).map(term).collect(),
        dropped: None,
        variables,
    };
    Ok(Some((source, specified(of_terms, description)?)))
}
