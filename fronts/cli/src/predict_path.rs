//! `nelder predict` of a path of penalized models: `predict.glmnet` and `predict.cv.glmnet`.

use nelder::model::{NetScale, PathPlace, SavedNet, SparseVector};
use nelder::summary::elastic_net::coefficients;
use nelder_data::Output;

use crate::arguments::{PredictOptions, Scale};
use crate::data;
use crate::failure::Failure;
use crate::glmnet::check_places;
use crate::output::print;
use crate::predict::{rows, written};

/// A place with its heading.
type Place = (String, PathPlace);

/// Predicts and writes one row for each row of the data, or prints what is asked for of the path itself.
pub fn run(options: &PredictOptions, fit: &SavedNet) -> Result<(), Failure> {
    if options.se || options.interval.is_some() {
        return Err(Failure::Usage(
            "--se and --interval: penalized models have no standard errors".into(),
        ));
    }
    let places = places(options, fit)?;
    let scale = match options.scale {
        Some(Scale::Coefficients) => return print(&tables(fit, &places)),
        Some(Scale::Nonzero) => return print(&nonzero(fit, &places)),
        None | Some(Scale::Link) => NetScale::Link,
        Some(Scale::Response) => NetScale::Response,
        Some(Scale::Class) => NetScale::Class,
    };
    let source = data::open_for(&rows(options)?, &fit.design)?;
    let names = column_names(fit, scale, places.len());
    let at: Vec<PathPlace> = places.iter().map(|(_, place)| *place).collect();
    let output = |column: Vec<f64>| match scale {
        NetScale::Class => Output::Text(column.into_iter().map(|k| class(fit, k)).collect()),
        _ => Output::Real(column),
    };
    written(options, &source, &names, |monitor, write| {
        fit.predict_to(&source, scale, &at, monitor, |_, columns| {
            write(columns.into_iter().map(output).collect())
        })
    })
}

/// Name of the class at a place; none for a row in which something is missing.
fn class(fit: &SavedNet, place: f64) -> Option<String> {
    match place.is_nan() {
        true => None,
        false => fit.names.get(place as usize).cloned(),
    }
}

/// The places that are asked for: of a cross-validation with its own γ, unless another is given.
fn places(options: &PredictOptions, fit: &SavedNet) -> Result<Vec<Place>, Failure> {
    let gamma = options.gamma;
    if let Some(gamma) = gamma {
        check_places(gamma, &[])?;
        if !fit.is_relaxed() {
            return Err(Failure::Usage(
                "--gamma: the path has no relaxed fits; `--relax` of `nelder glmnet` and `nelder cv-glmnet` makes them".into(),
            ));
        }
    }
    let given = |lambda: f64| PathPlace {
        lambda,
        gamma: gamma.unwrap_or(1.0),
    };
    let chosen = |place: PathPlace| PathPlace {
        gamma: gamma.unwrap_or(place.gamma),
        ..place
    };
    if options.s.is_empty() {
        let all = fit.lambdas().into_iter().enumerate();
        return Ok(match fit.chosen {
            Some([_, one_error]) => vec![("lambda.1se".into(), chosen(one_error))],
            None => all.map(|(m, lambda)| (format!("s{m}"), given(lambda))).collect(),
        });
    }
    let of = |text: &String| match (text.trim(), fit.chosen) {
        (name @ "lambda.min", Some([best, _])) => Ok((name.to_string(), chosen(best))),
        (name @ "lambda.1se", Some([_, one_error])) => Ok((name.to_string(), chosen(one_error))),
        (name @ ("lambda.min" | "lambda.1se"), None) => Err(Failure::Usage(format!(
            "--s {name}: the path was not cross-validated; `nelder cv-glmnet` does that, or give a number"
        ))),
        (number, _) => match number.parse::<f64>() {
            Ok(lambda) if lambda >= 0.0 && lambda.is_finite() => Ok((format!("s={number}"), given(lambda))),
            _ => Err(Failure::Usage(format!(
                "--s {number}: give lambda.min, lambda.1se, or a number that is 0 or more"
            ))),
        },
    };
    options.s.iter().map(of).collect()
}

/// `fit` and `class`, with the response and the place of the λ where there are several.
fn column_names(fit: &SavedNet, scale: NetScale, lambdas: usize) -> Vec<String> {
    let responses: Vec<String> = match scale {
        NetScale::Class => vec!["class".into()],
        _ if fit.is_of_several() => fit.names.iter().map(|name| format!("fit_{name}")).collect(),
        _ => vec!["fit".into()],
    };
    let named = |m: usize| {
        let tail = if lambdas == 1 {
            String::new()
        } else {
            format!("_s{}", m + 1)
        };
        let own = responses.iter().map(|name| format!("{name}{tail}"));
        own.collect::<Vec<_>>()
    };
    (0..lambdas).flat_map(named).collect()
}

/// The coefficients at some λ; of several responses a table for each.
fn tables(fit: &SavedNet, places: &[Place]) -> String {
    let shown = |(intercept, beta): (f64, SparseVector)| (fit.has_intercept().then_some(intercept), beta);
    if !fit.is_of_several() {
        let own = |(heading, place): &Place| {
            let all = fit.at(*place).into_iter().map(shown);
            all.map(|(intercept, beta)| (heading.clone(), intercept, beta))
                .collect::<Vec<_>>()
        };
        let at: Vec<_> = places.iter().flat_map(own).collect();
        return coefficients(fit.columns(), &at);
    }
    let of = |(heading, place): &Place| {
        let own = fit
            .names
            .iter()
            .cloned()
            .zip(fit.at(*place).into_iter().map(shown));
        let at: Vec<_> = own
            .map(|(name, (intercept, beta))| (name, intercept, beta))
            .collect();
        format!("{heading}:\n\n{}", coefficients(fit.columns(), &at))
    };
    places.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// The names of columns with a coefficient at some λ, a line for each.
fn nonzero(fit: &SavedNet, places: &[Place]) -> String {
    let of = |(heading, place): &Place| {
        let mut own: Vec<usize> = Vec::new();
        for (_, beta) in fit.at(*place) {
            own.extend(beta.entries().map(|(j, _)| j));
        }
        own.sort_unstable();
        own.dedup();
        let names: Vec<&str> = own.into_iter().map(|j| fit.columns()[j].as_str()).collect();
        format!("{heading}: {}\n", names.join(", "))
    };
    places.iter().map(of).collect()
}
