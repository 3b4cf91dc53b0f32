//! Columns of files, read into memory for a model that looks at them one by one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::design::ResidentDesign;
use crate::design::{Room, human_size};
use crate::formula::{Expr, Terms};
use crate::frame::{ColumnsInMemory, Kind, Source, SourceError};
use crate::model::ModelError;
use crate::model::elastic_net::spec::{ElasticNetSpec, Reading};
use crate::pass::{Monitor, PassError, PassRecord};

/// A source that holds the columns of a design in memory, and the record of the scan that read them.
pub(super) type Held<'s> = (Arc<dyn Source + 's>, Option<PassRecord>);

/// The source with the columns of a design in memory: as it is where they lie there, else read in one scan; `None` where the rows are to be read
/// instead.
///
/// # Errors
/// Columns that have no room there, nor their gram; those of the scan.
pub(super) fn in_memory<'s>(
    spec: &ElasticNetSpec,
    terms: &Terms,
    design: &ResidentDesign,
    source: &Arc<dyn Source + 's>,
    monitor: &dyn Monitor,
) -> Result<Option<Held<'s>>, ModelError> {
    let away = |c: &usize| source.column_memory(*c).is_none();
    let mut places: BTreeSet<usize> = design.places().iter().copied().filter(away).collect();
    if places.is_empty() {
        return Ok(Some((source.clone(), None)));
    }
    // a gram of the columns is the other way, where it has room
    let by_rows = spec.reading == Reading::Auto
        && Room::of_machine()
            .for_terms(design.places().len() as u128 + 1)
            .is_ok();
    places.extend(observed(spec, terms, &**source).into_iter().filter(away));
    let rows = source.rows().unwrap_or(0);
    if let Err((bytes, room)) = Room::of_machine().for_held(places.len(), rows) {
        return match by_rows {
            true => Ok(None),
            false => Err(ModelError::argument(
                "data",
                format!(
                    "{} columns are too many for the products of all of them, and are to be read into memory, where {rows} rows of them take {}; \
                     columns may take {}, half of what a fit may take: leave terms or rows out, or set NELDER_MEMORY",
                    design.places().len(),
                    human_size(bytes),
                    human_size(room)
                ),
            )),
        };
    }
    let start = Instant::now();
    let advance = |n: u64| monitor.advance(NAME, n, Some(rows));
    let places: Vec<usize> = places.into_iter().collect();
    let read = ColumnsInMemory::read(source.clone(), &places, &advance);
    let held = read.map_err(|e| match e {
        SourceError::Stopped => PassError::Interrupted,
        other => PassError::Source(other),
    })?;
    if let Some((place, row)) = held.rounded() {
        // by rows such numbers are rounded too, and a warning says which
        return match by_rows {
            true => Ok(None),
            false => Err(ModelError::argument(
                "data",
                format!(
                    "`{}` has a whole number beyond 2^53 in row {}, which double precision has not: leave the column out of the formula",
                    source.schema().fields[place].name,
                    row + 1
                ),
            )),
        };
    }
    let record = PassRecord::on_cpu(NAME, "f64", held.scanned(), start);
    Ok(Some((Arc::new(held), Some(record))))
}

/// Name of the scan.
const NAME: &str = "columns into memory";

/// The columns of numbers that are the response, weights and offsets as they are.
fn observed(spec: &ElasticNetSpec, terms: &Terms, source: &dyn Source) -> Vec<usize> {
    let own = terms.response.iter().chain(&terms.offsets);
    let mut names: Vec<&str> = own
        .filter_map(|v| match &terms.variables[*v] {
            Expr::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let beside = [&spec.design.weights, &spec.design.offset];
    names.extend(beside.into_iter().flatten().map(String::as_str));
    let fields = source.schema().fields.iter().enumerate();
    fields
        .filter(|(_, f)| names.contains(&f.name.as_str()) && matches!(f.kind, Kind::Real | Kind::Integer))
        .map(|(c, _)| c)
        .collect()
}
