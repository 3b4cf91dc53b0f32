//! `nelder lm --augment`: the rows with what the fit says of each.

use nelder::frame::{Batch, Kind};
use nelder::model::{Detail, Glm, GlmInfluenceRun, Influence, InfluenceRun, Lm};
use nelder::pass::PassRecord;
use nelder_data::{Destination, Output, TableWriter};

use crate::failure::Failure;
use crate::progress::Progress;

/// Writes the columns that the model reads and its diagnostics, one row for each row of the fit; with `dfbetas` one
/// more column for each coefficient. Incomplete rows are in it where they were excluded rather than omitted.
pub fn write(
    fit: &mut Lm<'_>,
    destination: Destination,
    dfbetas: bool,
    progress: &Progress,
) -> Result<(), Failure> {
    let rows = &fit.bound.rows;
    let beside = rows.columns().to_vec();
    let fields = &rows.source().schema().fields;
    let kinds: Vec<Kind> = beside.iter().map(|&c| fields[c].kind).collect();
    let mut names: Vec<String> = beside.iter().map(|&c| fields[c].name.clone()).collect();
    for response in &fit.responses {
        let tail = match response.name.as_str() {
            "" => String::new(),
            name => format!("_{name}"),
        };
        for name in [
            ".fitted",
            ".resid",
            ".hat",
            ".sigma",
            ".cooksd",
            ".std.resid",
            ".student.resid",
        ] {
            names.push(format!("{name}{tail}"));
        }
        if dfbetas {
            names.extend(fit.names().iter().map(|n| format!(".dfbetas{tail}.{n}")));
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
    let done = fit.influence_to(
        detail,
        &beside,
        progress,
        |batch| owned(batch, &kinds),
        |run, mut columns| {
            for one in &run.responses {
                columns.extend(diagnostics(one));
            }
            let written = writer.write(kept(columns, &run));
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
    fit.fit.report.passes.push(record);
    Ok(())
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

/// The same for a generalized linear model: means, linear predictors, residuals of every kind, diagnostics.
pub fn write_generalized(
    fit: &mut Glm<'_>,
    destination: Destination,
    progress: &Progress,
) -> Result<(), Failure> {
    let rows = &fit.bound.rows;
    let beside = rows.columns().to_vec();
    let fields = &rows.source().schema().fields;
    let kinds: Vec<Kind> = beside.iter().map(|&c| fields[c].kind).collect();
    let mut names: Vec<String> = beside.iter().map(|&c| fields[c].name.clone()).collect();
    let own = [
        ".fitted",
        ".link",
        ".resid",
        ".resid.pearson",
        ".resid.working",
        ".resid.response",
        ".hat",
        ".sigma",
        ".cooksd",
        ".std.resid",
        ".std.resid.pearson",
        ".student.resid",
    ];
    names.extend(own.map(String::from));
    check_names(&names)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = TableWriter::onto(destination, &names)?;
    let mut failed = None;
    let done = fit.influence_to(
        Detail::Leverages,
        &beside,
        progress,
        |batch| owned(batch, &kinds),
        |run, mut columns| {
            columns.extend(generalized(&run));
            let written = writer.write(picked(columns, run.kept.as_deref()));
            let sound = written.is_ok();
            failed = written.err();
            sound
        },
    );
    if let Some(error) = failed {
        return Err(error.into());
    }
    let record: PassRecord = done?;
    writer.finish()?;
    fit.fit.report.passes.push(record);
    Ok(())
}

fn generalized(run: &GlmInfluenceRun) -> Vec<Output> {
    let r = &run.rows;
    let columns = [
        &r.fitted,
        &r.linear,
        &r.deviance,
        &r.pearson,
        &r.working,
        &r.response,
        &r.hat,
        &r.sigma,
        &r.cooks,
        &r.standardized,
        &r.standardized_pearson,
        &r.studentized,
    ];
    columns.into_iter().map(|c| Output::Real(c.clone())).collect()
}

/// The columns of a batch as they are written.
fn owned(batch: &Batch<'_>, kinds: &[Kind]) -> Vec<Output> {
    let pairs = batch.columns.iter().zip(kinds);
    pairs.map(|(column, &kind)| Output::of(column, kind)).collect()
}

fn diagnostics(one: &Influence) -> Vec<Output> {
    let first = [
        &one.fitted,
        &one.residuals,
        &one.hat,
        &one.sigma,
        &one.cooks,
        &one.standardized,
        &one.studentized,
    ];
    first
        .into_iter()
        .chain(&one.dfbetas)
        .map(|v| Output::Real(v.clone()))
        .collect()
}

/// The rows that are written.
fn kept(columns: Vec<Output>, run: &InfluenceRun) -> Vec<Output> {
    picked(columns, run.kept.as_deref())
}

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
