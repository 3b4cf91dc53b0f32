//! `nelder anova`.

use nelder::model::{Compared, Regression, SavedGlm, SavedLm, compare, compare_deviances, glm};
use nelder::summary::deviance::{self, DevianceTest};
use nelder::summary::inference::{model_rows, sequential_rows};
use nelder::summary::tables;

use crate::arguments::{AnovaOptions, Test};
use crate::data;
use crate::failure::Failure;
use crate::fit_file::{self, Saved};
use crate::output::print;
use crate::progress::Progress;

/// Prints the terms of one fit in sequence, or compares several.
pub fn run(options: &AnovaOptions) -> Result<(), Failure> {
    let (mut linear, mut generalized) = (Vec::new(), Vec::new());
    for path in &options.fits {
        match fit_file::read(path)? {
            Saved::Lm(fit) => linear.push(*fit),
            Saved::Glm(fit) => generalized.push(*fit),
            Saved::Net(_) => {
                return Err(Failure::Data(format!(
                    "{}: a path of penalized models, which have no analysis of variance",
                    path.display()
                )));
            }
        }
    }
    match (linear.is_empty(), generalized.is_empty()) {
        (false, false) => Err(Failure::Data(
            "linear and generalized linear models cannot be compared".into(),
        )),
        (false, true) => print(&linear_table(options, &linear)?),
        _ => print(&deviance_table(options, &generalized)?),
    }
}

fn linear_table(options: &AnovaOptions, fits: &[SavedLm]) -> Result<String, Failure> {
    for (path, fit) in options.fits.iter().zip(fits) {
        if fit.responses.len() != 1 {
            return Err(Failure::Data(format!(
                "{}: a fit of {} responses; fit each alone to compare it",
                path.display(),
                fit.responses.len()
            )));
        }
    }
    let [one] = fits else {
        let models: Vec<Compared> = fits.iter().map(|f| f.responses[0].compared.clone()).collect();
        return Ok(tables::between_models(&model_rows(&compare(&models)?)));
    };
    let response = &one.responses[0];
    let Some(table) = &response.sequential else {
        return Err(Failure::Data(format!(
            "{}: {}",
            options.fits[0].display(),
            match response.compared.rss {
                Some(_) => "the model has too many columns for a sequential table",
                None =>
                    "sums of squares are out of the range of double precision; multiply the response by a power of ten",
            }
        )));
    };
    Ok(tables::sequential(
        &response.compared.response,
        &sequential_rows(table),
    ))
}

fn deviance_table(options: &AnovaOptions, fits: &[SavedGlm]) -> Result<String, Failure> {
    let test = |known: bool| match (options.test, known) {
        (Some(Test::None), _) => DevianceTest::None,
        (Some(Test::Chisq), _) | (None, true) => DevianceTest::Chisq,
        (Some(Test::F), _) | (None, false) => DevianceTest::F,
    };
    let [one] = fits else {
        let (lines, dispersion, df) = compare_deviances(fits)?;
        let known = fits.iter().all(|f| f.family.known_dispersion());
        return Ok(deviance::between_models(&lines, test(known), dispersion, df));
    };
    if options.data.is_empty() {
        return Err(Failure::Usage(
            "the terms of one generalized linear model are fitted one after the other: give its data with --data".into(),
        ));
    }
    let source = data::open_paths(&options.data, &options.text)?;
    let progress = Progress::new(false);
    let mut spec = one.spec.clone();
    spec.design.fingerprint = one.fingerprint.is_some();
    let fit = glm(&spec, &source, &progress)?;
    one.check_rows(&fit)?;
    let table = fit.sequential(&progress)?;
    progress.clear();
    let known = fit.dispersion().known;
    Ok(deviance::sequential(&fit, &table, test(known)))
}
