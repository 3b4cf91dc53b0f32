//! Responses of a model of several, joined to the data: which columns are responses, classes or offsets.

use std::sync::Arc;

use super::spec::{MultiFamily, MultiNetSpec};
use crate::design::Shape;
use crate::formula::{Arg, Binary, Expr, parse_expression};
use crate::frame::Source;
use crate::model::elastic_net::fit::{of_all_columns, with_all_levels};
use crate::model::model_frame::{Wishes, bind_as};
use crate::model::{ModelError, ModelFrame};

/// Columns of the responses of rows, and their names.
#[derive(Clone, Debug)]
pub(super) struct Responses {
    /// Names of the responses, or of the classes.
    pub names: Vec<String>,
    /// True if the response is one column of the places of classes; false where each response or class has a column.
    pub coded: bool,
    /// True if they are classes.
    pub classes: bool,
    /// True if columns of offsets follow, one for each class.
    pub offsets: bool,
    /// Powers of two that Gaussian responses of the rows are multiplied with; known when rows were read.
    pub scales: Vec<f64>,
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    Expr::Call {
        function: function.into(),
        args: args.into_iter().map(|value| Arg { name: None, value }).collect(),
    }
}

/// Joins a model to its data. Offsets of Gaussian responses are subtracted from them; those of classes are further columns of the response.
///
/// # Errors
/// A formula or data that make no model, a response that is not of the family, offsets of another number.
pub(super) fn bind_responses<'s>(
    spec: &MultiNetSpec,
    source: Arc<dyn Source + 's>,
) -> Result<(ModelFrame<'s>, Responses), ModelError> {
    joined(spec, source).map_err(|e| of_all_columns(e, "models of several responses or classes"))
}

fn joined<'s>(
    spec: &MultiNetSpec,
    source: Arc<dyn Source + 's>,
) -> Result<(ModelFrame<'s>, Responses), ModelError> {
    spec.net.check()?;
    let mut design = spec.net.design.clone();
    let mut terms = design.meaning(&source.schema().names())?;
    if terms.terms.is_empty() {
        return Err(ModelError::argument(
            "formula",
            format!("`{}` has no column to penalize", design.formula),
        ));
    }
    let Some(r) = terms.response else {
        return Err(ModelError::NoResponse(design.formula.clone()));
    };
    if design.offset.is_some() || !terms.offsets.is_empty() {
        return Err(ModelError::argument(
            "offset",
            format!(
                "a {} model has an offset for each response or class",
                spec.family.name()
            ),
        ));
    }
    let offsets = spec.offsets.iter().map(|text| parse_expression(text));
    let offsets: Vec<Expr> = offsets.collect::<Result<_, _>>()?;
    let own = terms.variables[r].clone();
    let columns = columns_of(&own);
    let coded = columns.len() == 1 && matches!(spec.family, MultiFamily::Multinomial { .. });
    let responses = match (coded, spec.classes.is_empty()) {
        (true, true) => {
            let place = call("as.numeric", vec![call("factor", vec![own])]);
            let one = Expr::Number {
                value: 1.0,
                integer: false,
            };
            vec![Expr::Binary(Binary::Sub, Box::new(place), Box::new(one))]
        }
        (true, false) => vec![own],
        (false, _) => columns.iter().map(|(_, value)| value.clone()).collect(),
    };
    terms.variables[r] = with_offsets(spec.family, responses, &offsets)?;
    terms.intercept = true;
    design.terms = Some(terms);
    let wishes = Wishes {
        untouched: matches!(spec.family, MultiFamily::Multinomial { .. }),
        ..Wishes::default()
    };
    let mut bound = bind_as(&design, &wishes, source)?;
    let names = match coded {
        true => classes_of(spec, &bound, r)?,
        false => columns.into_iter().map(|(name, _)| name).collect(),
    };
    check_responses(spec, &bound, r, coded, &names)?;
    with_all_levels(&spec.net, &mut bound);
    let classes = matches!(spec.family, MultiFamily::Multinomial { .. });
    let responses = Responses {
        names,
        coded,
        classes,
        offsets: classes && !offsets.is_empty(),
        scales: Vec::new(),
    };
    Ok((bound, responses))
}

/// The columns of a response with their names: of `cbind()`, or of a matrix that someone else has evaluated.
fn columns_of(response: &Expr) -> Vec<(String, Expr)> {
    match response {
        Expr::Call { function, args } if function == "cbind" => {
            let of = |arg: &Arg| {
                let name = arg.name.clone().unwrap_or_else(|| arg.value.to_string());
                (name, arg.value.clone())
            };
            args.iter().map(of).collect()
        }
        Expr::Evaluated {
            columns, suffixes, ..
        } if columns.len() > 1 => {
            let name = |k: usize| suffixes.get(k).cloned().unwrap_or_else(|| format!("y{}", k + 1));
            let of = |(k, column): (usize, &String)| (name(k), Expr::Name(column.clone()));
            columns.iter().enumerate().map(of).collect()
        }
        other => vec![(other.to_string(), other.clone())],
    }
}

/// The response with its offsets: subtracted, or as further columns.
fn with_offsets(family: MultiFamily, responses: Vec<Expr>, offsets: &[Expr]) -> Result<Expr, ModelError> {
    let mut columns = responses;
    match family {
        MultiFamily::Gaussian { .. } => {
            if !offsets.is_empty() && offsets.len() != columns.len() {
                let why = format!("{} offsets for {} responses", offsets.len(), columns.len());
                return Err(ModelError::argument("offset", why));
            }
            for (y, offset) in columns.iter_mut().zip(offsets) {
                *y = Expr::Binary(Binary::Sub, Box::new(y.clone()), Box::new(offset.clone()));
            }
        }
        MultiFamily::Multinomial { .. } => columns.extend(offsets.iter().cloned()),
    }
    Ok(match columns.len() {
        1 => columns.remove(0),
        _ => call("cbind", columns),
    })
}

/// Names of the classes of a response of their places.
fn classes_of(
    spec: &MultiNetSpec,
    bound: &ModelFrame<'_>,
    response: usize,
) -> Result<Vec<String>, ModelError> {
    if !spec.classes.is_empty() {
        return Ok(spec.classes.clone());
    }
    match bound.rows.variables().places(response) {
        Some((names, _)) => Ok(names),
        None => Err(ModelError::argument(
            "y",
            "the response is no factor, nor a column of counts for each class",
        )),
    }
}

/// Refuses responses that are too few, and other numbers of columns than are meant.
fn check_responses(
    spec: &MultiNetSpec,
    bound: &ModelFrame<'_>,
    response: usize,
    coded: bool,
    names: &[String],
) -> Result<(), ModelError> {
    let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
    let count = names.len();
    let classes = matches!(spec.family, MultiFamily::Multinomial { .. });
    if classes && count < 2 {
        return wrong(
            "y",
            format!(
                "there is one class, `{}`; a multinomial model needs two at least",
                names.join("")
            ),
        );
    }
    if classes && !spec.offsets.is_empty() && spec.offsets.len() != count {
        return wrong(
            "offset",
            format!("{} offsets for {count} classes", spec.offsets.len()),
        );
    }
    let further = if classes { spec.offsets.len() } else { 0 };
    let wanted = further + if coded { 1 } else { count };
    let found = match &bound.rows.shapes()[response] {
        Shape::Numeric { suffixes } => suffixes.len().max(1),
        _ => 1,
    };
    match found == wanted {
        true => Ok(()),
        false => wrong(
            "formula",
            format!(
                "the response has {found} columns, and {wanted} of numbers are needed; write cbind(a, b) ~ x"
            ),
        ),
    }
}
