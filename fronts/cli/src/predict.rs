//! `nelder predict`.

use nelder::model::{ModelError, Prediction, SavedGlm, SavedLm};
use nelder::pass::PassRecord;
use nelder::summary::generalized::mean_intervals;
use nelder::summary::inference::intervals;
use nelder_data::{Destination, Opened, Output, TableWriter};

use crate::arguments::{DataOptions, Interval, PredictOptions, Scale};
use crate::failure::Failure;
use crate::fit_file::{self, Saved};
use crate::lm::{check_level, check_table};
use crate::output::note;
use crate::outputs::destinations;
use crate::progress::Progress;
use crate::{data, predict_path};

/// Predicts and writes one row for each row of the data.
pub fn run(options: &PredictOptions) -> Result<(), Failure> {
    check_level(options.level)?;
    options.out.as_deref().map_or(Ok(()), check_table)?;
    let fit = match fit_file::read(&options.fit)? {
        Saved::Net(fit) => return predict_path::run(options, &fit),
        Saved::Glm(fit) => return generalized(options, &fit),
        Saved::Lm(fit) => fit,
    };
    no_path(options)?;
    if options.scale.is_some() {
        return Err(Failure::Usage(
            "--type is for generalized linear models; this fit is linear".into(),
        ));
    }
    let source = data::open_for(&rows(options)?, &fit.design)?;
    data::remark_named(&source, &fit.design.spec.formula);
    let errors = options.interval.is_some() || options.se;
    let names = column_names(&fit, options);
    written(options, &source, &names, |monitor, write| {
        fit.predict_to(&source, errors, monitor, |run| {
            let columns = run
                .responses
                .iter()
                .enumerate()
                .flat_map(|(y, p)| columns(&fit, y, p, options))
                .collect();
            write(columns)
        })
    })?;
    warn_aliased(&fit.design.aliased);
    if fit.design.spec.weights.is_some() && options.interval == Some(Interval::Prediction) {
        note("nelder: the fit is weighted; prediction intervals are for observations of weight one");
    }
    Ok(())
}

/// Writes the columns `names` of predictions, which `predict` passes on run by run, under the eyes of a monitor.
///
/// # Errors
/// A destination or a pass that fails.
pub fn written(
    options: &PredictOptions,
    source: &Opened,
    names: &[impl AsRef<str>],
    predict: impl FnOnce(
        &Progress,
        &mut (dyn FnMut(Vec<Output>) -> bool + Send),
    ) -> Result<PassRecord, ModelError>,
) -> Result<(), Failure> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let mut writer = TableWriter::onto(destination(options)?, &names)?;
    let progress = Progress::new(false);
    let mut failed = None;
    let done = predict(&progress, &mut |columns| {
        let written = writer.write(columns);
        let sound = written.is_ok();
        failed = written.err();
        sound
    });
    progress.clear();
    if let Some(error) = failed {
        return Err(error.into());
    }
    done.map_err(|e| data::unreadable(e, source))?;
    Ok(writer.finish()?)
}

/// Where the predictions go: not onto the rows, nor onto the fit.
pub fn destination(options: &PredictOptions) -> Result<Destination, Failure> {
    let mut inputs = data::inputs(&rows(options)?)?;
    inputs.push(options.fit.clone());
    let [out] = destinations(&inputs, [("--out", options.out.as_deref())])?;
    out.ok_or_else(|| Failure::Usage("--out: name a file, .parquet or .csv".into()))
}

/// The rows to predict.
///
/// # Errors
/// No file is named.
pub fn rows(options: &PredictOptions) -> Result<DataOptions, Failure> {
    match options.data.is_empty() {
        true => Err(Failure::Usage("--data: name the rows to predict".into())),
        false => Ok(DataOptions {
            data: options.data.clone(),
            text: options.text.clone(),
        }),
    }
}

/// Refuses what only paths of penalized models have.
fn no_path(options: &PredictOptions) -> Result<(), Failure> {
    let other = matches!(
        options.scale,
        Some(Scale::Coefficients | Scale::Nonzero | Scale::Class)
    );
    if options.gamma.is_some() {
        return Err(Failure::Usage(
            "--gamma is for paths of `nelder glmnet` and `nelder cv-glmnet`".into(),
        ));
    }
    match (options.s.is_empty(), other) {
        (true, false) => Ok(()),
        (false, _) => Err(Failure::Usage(
            "--s is for paths of `nelder glmnet` and `nelder cv-glmnet`".into(),
        )),
        _ => Err(Failure::Usage(
            "--type: coefficients, nonzero and class are for paths of `nelder glmnet` and `nelder cv-glmnet`"
                .into(),
        )),
    }
}

fn column_names(fit: &SavedLm, options: &PredictOptions) -> Vec<String> {
    let mut parts = vec!["fit"];
    if options.se {
        parts.push("se_fit");
    }
    if options.interval.is_some() {
        parts.extend(["lwr", "upr"]);
    }
    let of = |name: &str| -> Vec<String> {
        let tail = if name.is_empty() {
            String::new()
        } else {
            format!("_{name}")
        };
        parts.iter().map(|p| format!("{p}{tail}")).collect()
    };
    fit.responses.iter().flat_map(|r| of(&r.name)).collect()
}

fn columns(fit: &SavedLm, response: usize, prediction: &Prediction, options: &PredictOptions) -> Vec<Output> {
    let mut out = vec![Output::Real(prediction.fit.clone())];
    if options.se {
        out.push(Output::Real(prediction.std_error.clone()));
    }
    if let Some(interval) = options.interval {
        let single = interval == Interval::Prediction;
        let sigma = fit.responses[response].sigma();
        let ends = intervals(prediction, sigma, fit.df_residual, options.level, single);
        out.push(Output::Real(ends.iter().map(|e| e.0).collect()));
        out.push(Output::Real(ends.iter().map(|e| e.1).collect()));
    }
    out
}

fn warn_aliased(aliased: &[bool]) {
    if aliased.contains(&true) {
        note(
            "nelder: the fit has aliased coefficients; predictions are right where the new rows depend on columns as the fit's rows do",
        );
    }
}

/// Predictions of a generalized linear model, on the scale asked for.
fn generalized(options: &PredictOptions, fit: &SavedGlm) -> Result<(), Failure> {
    if options.interval == Some(Interval::Prediction) {
        return Err(Failure::Usage(
            "--interval prediction is for linear models; a generalized one has intervals of the mean (confidence)".into(),
        ));
    }
    no_path(options)?;
    let source = data::open_for(&rows(options)?, &fit.design)?;
    data::remark_named(&source, &fit.spec.design.formula);
    let errors = options.interval.is_some() || options.se;
    let mut names = vec!["fit"];
    if options.se {
        names.push("se_fit");
    }
    if options.interval.is_some() {
        names.extend(["lwr", "upr"]);
    }
    let on_link = options.scale != Some(Scale::Response);
    written(options, &source, &names, |monitor, write| {
        fit.predict_to(&source, errors, monitor, |run| {
            let rows = &run.rows;
            let (value, error) = match on_link {
                true => (&rows.link, &rows.link_error),
                false => (&rows.response, &rows.response_error),
            };
            let mut columns = vec![Output::Real(value.clone())];
            if options.se {
                columns.push(Output::Real(error.clone()));
            }
            if options.interval.is_some() {
                let ends = mean_intervals(fit, rows, options.level, on_link);
                columns.push(Output::Real(ends.iter().map(|e| e.0).collect()));
                columns.push(Output::Real(ends.iter().map(|e| e.1).collect()));
            }
            write(columns)
        })
    })?;
    warn_aliased(&fit.design.aliased);
    Ok(())
}
