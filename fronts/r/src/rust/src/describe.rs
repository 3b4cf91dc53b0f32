//! Descriptions of models that come from R: terms, roles and options.

use nelder::design::Missing;
use nelder::formula::{Coding, Contrast, Expr, Term, Terms};
use nelder::model::{Accuracy, LmSpec};
use savvy::ListSexp;

use crate::background::Load;
use crate::lists::{Elements, integers_of, positions, texts_of};
use crate::source::RSource;

/// The column that an element names, as an expression that the library reads; `None` for an empty name.
///
/// # Errors
/// An element that is not there.
pub fn column(elements: &Elements<'_>, name: &str) -> savvy::Result<Option<String>> {
    let name = elements.text(name)?;
    Ok((!name.is_empty()).then(|| format!("`{name}`")))
}

/// Options that every call takes: threads, whether to show progress, and the device of a fit.
pub struct Options {
    /// Threads, 0 for one a core.
    pub threads: usize,
    /// True if progress is shown.
    pub progress: bool,
    /// Where passes run.
    pub device: String,
}

impl Options {
    /// Reads `threads`, `progress` and `device`.
    ///
    /// # Errors
    /// An element that is not there.
    pub fn new(options: &ListSexp) -> savvy::Result<Options> {
        let elements = Elements(options);
        Ok(Options {
            threads: usize::try_from(elements.integer("threads")?).unwrap_or(0),
            progress: elements.flag("progress")?,
            device: elements.text("device")?,
        })
    }

    /// Threads and progress of work whose size is not known.
    pub fn large(&self) -> Load {
        Load {
            threads: self.threads,
            show: self.progress,
            small: false,
        }
    }

    /// Threads and progress of work over all rows of a source.
    pub fn load(&self, rows: &RSource) -> Load {
        Load {
            small: rows.is_small(),
            ..self.large()
        }
    }
}

/// Reads a model. R has made the terms: `texts`, the variables as R prints them; `columns` and `suffixes`, which
/// columns each is; `response`, `intercept`; `labels`, `term_variables` and `term_codings`, one for each term;
/// `contrasts`, one for each variable, empty for none. `weights`, `offset` name columns, empty for none.
///
/// # Errors
/// An element that is not there, or does not fit the others.
pub fn model(description: &ListSexp) -> savvy::Result<LmSpec> {
    let elements = Elements(description);
    let damaged = || savvy::Error::new("the description of the model is damaged");
    let columns = elements.list("variable_columns")?;
    let suffixes = elements.list("variable_suffixes")?;
    let texts = elements.texts("variables")?;
    let strings = |of: &ListSexp, v: usize| of.get_by_index(v).map_or(Ok(None), texts_of);
    let mut variables = Vec::with_capacity(texts.len());
    for (v, text) in texts.iter().enumerate() {
        variables.push(Expr::Evaluated {
            text: text.clone(),
            columns: strings(&columns, v)?.ok_or_else(damaged)?,
            suffixes: strings(&suffixes, v)?.unwrap_or_default(),
        });
    }
    let in_terms = elements.list("term_variables")?;
    let codings = elements.list("term_codings")?;
    let mut terms = Vec::new();
    for (t, label) in elements.texts("labels")?.into_iter().enumerate() {
        let own = in_terms
            .get_by_index(t)
            .and_then(integers_of)
            .ok_or_else(damaged)?;
        let own = positions(&own).ok_or_else(damaged)?;
        let coding = codings
            .get_by_index(t)
            .and_then(integers_of)
            .ok_or_else(damaged)?;
        if own.iter().any(|&v| v >= variables.len()) || coding.len() != own.len() {
            return Err(damaged());
        }
        let of = |c: i32| match c {
            2 => Coding::Full,
            _ => Coding::Contrasts,
        };
        terms.push(Term {
            label,
            variables: own,
            coding: coding.into_iter().map(of).collect(),
        });
    }
    let mut contrasts = Vec::new();
    for (text, contrast) in texts.iter().zip(elements.texts("contrasts")?) {
        let contrast = match contrast.split_once(':') {
            None if contrast.is_empty() => continue,
            Some(("treatment", base)) => Contrast::Treatment {
                base: base.parse().map_err(|_| damaged())?,
            },
            _ => Contrast::parse(&contrast)?,
        };
        contrasts.push((text.clone(), contrast));
    }
    let terms = Terms {
        variables,
        response: elements.position("response")?,
        intercept: elements.flag("intercept")?,
        offsets: Vec::new(),
        terms,
        dropped: None,
    };
    // the formula is for print, which is R's
    let mut spec = LmSpec::of_terms("", terms);
    spec.weights = column(&elements, "weights")?;
    spec.offset = column(&elements, "offset")?;
    spec.missing = Missing::Omit;
    spec.contrasts = contrasts;
    spec.tol = Some(elements.real("tol")?).filter(|t| t.is_finite());
    spec.accuracy = accuracy(&elements)?;
    Ok(spec)
}

/// Reads the accuracy that the element `precision` names.
///
/// # Errors
/// It is none of the words that it may be.
pub fn accuracy(elements: &Elements<'_>) -> savvy::Result<Accuracy> {
    match elements.text("precision")?.as_str() {
        "auto" => Ok(Accuracy::Auto),
        "f64" => Ok(Accuracy::Double),
        "f32" => Ok(Accuracy::Single),
        "certified" => Ok(Accuracy::Certified),
        other => Err(savvy::Error::new(format!(
            "precision: \"{other}\" is none of \"auto\", \"f32\", \"f64\", \"certified\""
        ))),
    }
}
