//! `nelder anova`.

use nelder::model::{Compared, compare};
use nelder::summary::inference::{model_rows, sequential_rows};
use nelder::summary::tables;

use crate::arguments::AnovaOptions;
use crate::failure::Failure;
use crate::fit_file;
use crate::output::print;

/// Prints the terms of one fit in sequence, or compares several.
pub fn run(options: &AnovaOptions) -> Result<(), Failure> {
    let fits = options
        .fits
        .iter()
        .map(|path| fit_file::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    for (path, fit) in options.fits.iter().zip(&fits) {
        if fit.responses.len() != 1 {
            return Err(Failure::Data(format!(
                "{}: a fit of {} responses; fit each alone to compare it",
                path.display(),
                fit.responses.len()
            )));
        }
    }
    let text = match fits.as_slice() {
        [one] => {
            let response = &one.responses[0];
            let Some(table) = &response.sequential else {
                return Err(Failure::Data(format!(
                    "{}: the model has too many columns for a sequential table",
                    options.fits[0].display()
                )));
            };
            tables::sequential(&response.compared.response, &sequential_rows(table))
        }
        several => {
            let models: Vec<Compared> = several.iter().map(|f| f.responses[0].compared.clone()).collect();
            tables::between_models(&model_rows(&compare(&models)?))
        }
    };
    print(&text)
}
