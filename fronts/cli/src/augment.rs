//! `--augment`: the rows with what the fit says of each.

use nelder::frame::{Batch, Kind};
use nelder::model::{Detail, Influence, Regression, influence_to};
use nelder::pass::PassRecord;
use nelder_data::{Destination, Output, TableWriter};

use crate::failure::Failure;
use crate::progress::Progress;

/// A column that is written: its name, and where it is among the diagnostics.
type Column = (&'static str, fn(&Influence) -> &Vec<f64>);

/// Columns of a linear model.
pub const LINEAR: [Column; 7] = [
    (".fitted", |r| &r.fitted),
    (".resid", |r| &r.response),
    (".hat", |r| &r.hat),
    (".sigma", |r| &r.sigma),
    (".cooksd", |r| &r.cooks),
    (".std.resid", |r| &r.standardized),
    (".student.resid", |r| &r.studentized),
];

/// Columns of a generalized linear model: means, linear predictors, residuals of every kind, diagnostics.
pub const GENERALIZED: [Column; 12] = [
    (".fitted", |r| &r.fitted),
    (".link", |r| &r.linear),
    (".resid", |r| &r.deviance),
    (".resid.pearson", |r| &r.pearson),
    (".resid.working", |r| &r.working),
    (".resid.response", |r| &r.response),
    (".hat", |r| &r.hat),
    (".sigma", |r| &r.sigma),
    (".cooksd", |r| &r.cooks),
    (".std.resid", |r| &r.standardized),
    (".std.resid.pearson", |r| &r.standardized_pearson),
    (".student.resid", |r| &r.studentized),
];

/// Writes the columns that the model reads and the diagnostics of its responses, each under its name, one row for each row of the fit;
/// with `dfbetas` one more column for each coefficient. Incomplete rows are in it where they were excluded rather than omitted.
pub fn write(
    responses: &[(&str, &dyn Regression)],
    columns: &[Column],
    dfbetas: bool,
    destination: Destination,
    progress: &Progress,
) -> Result<PassRecord, Failure> {
    let fits: Vec<&dyn Regression> = responses.iter().map(|(_, fit)| *fit).collect();
    let rows = &fits[0].frame().rows;
    let beside = rows.columns().to_vec();
    let fields = &rows.source().schema().fields;
    let kinds: Vec<Kind> = beside.iter().map(|&c| fields[c].kind).collect();
    let mut names: Vec<String> = beside.iter().map(|&c| fields[c].name.clone()).collect();
    for (response, fit) in responses {
        let tail = match *response {
            "" => String::new(),
            name => format!("_{name}"),
        };
        names.extend(columns.iter().map(|(name, _)| format!("{name}{tail}")));
        if dfbetas {
            let coefficients = fit.coefnames().iter();
            names.extend(coefficients.map(|n| format!(".dfbetas{tail}.{n}")));
        }
    }
    check_names(&names)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = TableWriter::onto(destination, &names)?;
    let mut failed = None;
    let detail = match dfbetas {
        true => Detail::Deletions,
        false => Detail::Leverages,
    };
    let done = influence_to(
        &fits,
        detail,
        &beside,
        progress,
        |batch| owned(batch, &kinds),
        |run, mut out| {
            for one in &run.models {
                let own = columns.iter().map(|(_, column)| column(one));
                out.extend(own.chain(&one.dfbetas).map(|v| Output::Real(v.clone())));
            }
            let written = writer.write(picked(out, run.kept.as_deref()));
            let sound = written.is_ok();
            failed = written.err();
            sound
        },
    );
    if let Some(error) = failed {
        return Err(error.into());
    }
    let record = done?;
    writer.finish()?;
    Ok(record)
}

fn check_names(names: &[String]) -> Result<(), Failure> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
        return Err(Failure::Data(format!(
            "the data have a column `{}`, which --augment would add; rename it",
            twice[0]
        )));
    }
    Ok(())
}

/// The columns of a batch as they are written.
fn owned(batch: &Batch<'_>, kinds: &[Kind]) -> Vec<Output> {
    let pairs = batch.columns.iter().zip(kinds);
    pairs.map(|(column, &kind)| Output::of(column, kind)).collect()
}

/// The rows that are written.
fn picked(columns: Vec<Output>, kept: Option<&[u32]>) -> Vec<Output> {
    let Some(kept) = kept else { return columns };
    fn pick<T: Clone>(values: &[T], kept: &[u32]) -> Vec<T> {
        kept.iter().map(|&i| values[i as usize].clone()).collect()
    }
    let of = |column| match column {
        Output::Real(v) => Output::Real(pick(&v, kept)),
        Output::Integer(v) => Output::Integer(pick(&v, kept)),
        Output::Whole(v) => Output::Whole(pick(&v, kept)),
        Output::Logical(v) => Output::Logical(pick(&v, kept)),
        Output::Text(v) => Output::Text(pick(&v, kept)),
    };
    columns.into_iter().map(of).collect()
}
