//! The response of a Cox model: times, status and stratum of each row, looked through.

use super::risk_sets::SurvivalTimes;
use super::survival_terms::is_stratified;
use crate::design::Block;
use crate::model::{ModelError, ModelFrame};

/// Survival times of the rows of blocks, and the rows' positions in the source.
///
/// A status is 0 or 1; where one is 2, all are 1 or 2, and 2 is an event, as in R's `Surv`.
///
/// # Errors
/// A response of other than two or three columns; the first row whose time is not above zero, whose start is negative or not before its
/// stop, or whose status is none; no event.
pub(super) fn survival_times(
    bound: &ModelFrame<'_>,
    blocks: &[Block<'_>],
) -> Result<(SurvivalTimes, Vec<u64>), ModelError> {
    let stratified = is_stratified(&bound.terms);
    let columns = bound.rows.layout().atoms.responses - usize::from(stratified);
    let all = |k: usize| -> Vec<f64> {
        let parts = blocks.iter().map(|b| &b.responses[k].high);
        parts.flat_map(|part| part.iter().copied()).collect()
    };
    if columns != 2 && columns != 3 {
        return Err(ModelError::argument(
            "y",
            format!(
                "a Cox model's response is Surv(time, status) or Surv(start, stop, status), and this one has {columns} column{}",
                if columns == 1 { "" } else { "s" }
            ),
        ));
    }
    let source: Vec<u64> = (blocks.iter())
        .flat_map(|b| (0..b.rows).map(|i| b.source_row(i)))
        .collect();
    let status = all(columns - 1);
    let times = SurvivalTimes {
        start: (columns == 3).then(|| all(0)),
        stop: all(columns - 2),
        event: events(&status, &source)?,
        stratum: stratified.then(|| all(columns)),
    };
    sound(&times, &source)?;
    Ok((times, source))
}

/// True for each row with an event.
fn events(status: &[f64], source: &[u64]) -> Result<Vec<bool>, ModelError> {
    let wrong = |why: String| Err(ModelError::argument("y", why));
    let twos = status.contains(&2.0);
    let (none, some) = if twos { (1.0, 2.0) } else { (0.0, 1.0) };
    if let Some(i) = status.iter().position(|s| *s != none && *s != some) {
        return wrong(format!(
            "the status is {} in row {}; it is 1 for an event and 0 for a censored time{}",
            status[i],
            source[i] + 1,
            match twos {
                true => ", or 2 and 1, as another row has it",
                false => "",
            }
        ));
    }
    let events: Vec<bool> = status.iter().map(|s| *s == some).collect();
    match events.contains(&true) {
        true => Ok(events),
        false => wrong("all rows are censored: there is no event to model".into()),
    }
}

/// Refuses times that are none.
fn sound(times: &SurvivalTimes, source: &[u64]) -> Result<(), ModelError> {
    let wrong = |why: String| Err(ModelError::argument("y", why));
    for (i, &stop) in times.stop.iter().enumerate() {
        let row = source[i] + 1;
        if !(stop > 0.0 && stop.is_finite()) {
            return wrong(format!(
                "the time is {stop} in row {row}; times of a Cox model are above 0"
            ));
        }
        let Some(start) = times.start.as_ref().map(|s| s[i]) else {
            continue;
        };
        if !(start >= 0.0 && start.is_finite()) {
            return wrong(format!("the start is {start} in row {row}; it must be 0 or more"));
        }
        if start >= stop {
            return wrong(format!(
                "the start, {start}, is not before the stop, {stop}, in row {row}"
            ));
        }
    }
    Ok(())
}
