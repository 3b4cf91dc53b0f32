//! `nelder prcomp`.

use nelder::formula::parse_formula;
use nelder::model::{Center, ModelError, PcaAlgorithm, PcaSpec, Prcomp, Scale, Signs, prcomp};
use nelder::pass::Run;
use nelder::summary::components;
use nelder_data::{Destination, Output, TableWriter};

use crate::arguments::PrcompOptions;
use crate::device;
use crate::failure::Failure;
use crate::lm::{accuracy, check_table, missing};
use crate::outputs::{all, destinations, write_whole};
use crate::progress::Progress;
use crate::{data, interrupt, output};

/// Computes and prints.
pub fn run(options: &PrcompOptions) -> Result<(), Failure> {
    let spec = spec(options);
    if let Some(formula) = &options.formula {
        // before the file is opened
        parse_formula(formula).map_err(ModelError::from)?;
    }
    if let Some(path) = &options.scores {
        check_table(path)?;
    }
    let place = device::chosen(options.device.as_deref())?;
    let opened = data::open(&options.data)?;
    let named: Vec<&str> = [&options.formula, &options.weights, &options.subset]
        .into_iter()
        .flatten()
        .chain(&options.columns)
        .map(String::as_str)
        .collect();
    data::remark(
        &opened,
        &named,
        options.formula.is_none() && options.columns.is_empty(),
    );
    let [scores, scree] = destinations(
        &data::inputs(&options.data)?,
        [
            ("--scores", options.scores.as_deref()),
            ("--scree", options.scree.as_deref()),
        ],
    )?;
    let progress = Progress::new(options.explain);
    let mut fit = prcomp(&spec, &opened, Run::on(place, &progress)).map_err(|e| {
        progress.clear();
        data::unreadable(e, &opened)
    })?;
    let mut written = Vec::new();
    if let Some(destination) = scores {
        written.push(write_scores(&mut fit, destination, &progress));
    }
    progress.clear();
    if interrupt::requested() {
        return Err(Failure::Interrupted);
    }
    let summary = components::summary(&fit);
    if let Some(destination) = scree {
        written.push(write_whole(destination, |out| {
            out.write_all(components::scree(&summary).as_bytes())
        }));
    }
    let text = if options.json {
        output::components_json(&summary, &fit.report)?
    } else {
        let mut text = components::print(&summary);
        if options.explain {
            text += "\n";
            text += &output::explain_components(&fit.report, progress.plan().as_ref());
        }
        text
    };
    written.push(output::print(&text));
    for text in fit.rounded() {
        output::note(&format!("nelder: warning: {text}"));
    }
    all(written)
}

/// Specification of the principal components that are asked for.
fn spec(options: &PrcompOptions) -> PcaSpec {
    PcaSpec {
        formula: options.formula.clone(),
        columns: options.columns.clone(),
        center: if options.no_center {
            Center::No
        } else {
            Center::Means
        },
        scale: if options.scale {
            Scale::Deviations
        } else {
            Scale::No
        },
        rank: options.rank,
        tol: options.tol,
        weights: options.weights.clone(),
        subset: options.subset.clone(),
        missing: missing(&options.na),
        accuracy: accuracy(&options.precision),
        algorithm: match options.algorithm.as_str() {
            "gram" => PcaAlgorithm::Gram,
            "qr" => PcaAlgorithm::Qr,
            "krylov" => PcaAlgorithm::Krylov,
            _ => PcaAlgorithm::Auto,
        },
        signs: match options.signs.as_str() {
            "computed" => Signs::AsComputed,
            _ => Signs::Largest,
        },
        seed: options.seed,
        ..PcaSpec::default()
    }
}

/// Writes `PC1`, `PC2`, … of the rows that are used, in their order; under `--na exclude` incomplete rows are missing.
fn write_scores(fit: &mut Prcomp<'_>, destination: Destination, progress: &Progress) -> Result<(), Failure> {
    let names: Vec<String> = (1..=fit.rotation.columns()).map(|j| format!("PC{j}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = TableWriter::onto(destination, &names)?;
    let mut failed = None;
    let done = fit.scores_to(
        &[],
        progress,
        |_| (),
        |run, ()| {
            let columns = (0..run.scores.columns()).map(|j| Output::Real(run.scores.column(j).to_vec()));
            let written = writer.write(columns.collect());
            let sound = written.is_ok();
            failed = written.err();
            sound
        },
    );
    if let Some(error) = failed {
        return Err(error.into());
    }
    done?;
    Ok(writer.finish()?)
}
