//! Arrow IPC files (Feather version 2): record batches by number.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow_ipc::reader::FileReader;
use nelder::frame::{Batch, Field, Kind, Levels, Scan, Schema, Source, SourceError, Visit};

use crate::convert::{self, TextColumn};
use crate::file::PositionedFile;
use crate::workers::{guarded, share};
use crate::{DataError, Opened};

struct IpcSource {
    path: std::path::PathBuf,
    schema: Schema,
    // column of the file behind each column of the schema
    places: Vec<usize>,
    levels: Vec<Option<Arc<Levels>>>,
    // first row of each record batch, and the number of all rows
    starts: Vec<u64>,
    rows: u64,
}

fn reader(
    path: &Path,
    projection: Option<Vec<usize>>,
) -> Result<FileReader<BufReader<std::fs::File>>, String> {
    guarded(|| {
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        FileReader::try_new_buffered(file, projection).map_err(|e| e.to_string())
    })
}

/// Opens an Arrow IPC file.
pub(crate) fn open(path: &Path) -> Result<Opened, DataError> {
    let file = PositionedFile::open(path)?;
    let broken = |what: String| DataError::Broken {
        path: path.to_path_buf(),
        format: "Arrow IPC",
        what,
    };
    let mut start = [0u8; 6];
    file.read_exact(&mut start, 0)
        .map_err(|e| broken(e.to_string()))?;
    if &start != b"ARROW1" {
        return Err(broken(
            "it does not begin with ARROW1; a stream must be saved as a file first".into(),
        ));
    }
    let whole = reader(path, None).map_err(broken)?;
    let (mut schema, mut places, mut levels, mut unreadable) = (Schema::default(), vec![], vec![], vec![]);
    for (i, field) in whole.schema().fields().iter().enumerate() {
        match convert::kind(field) {
            Some(kind) => {
                schema.fields.push(Field {
                    name: field.name().clone(),
                    kind,
                });
                places.push(i);
                levels.push((kind == Kind::Text).then(|| Arc::new(Levels::growing())));
            }
            None => unreadable.push((field.name().clone(), field.data_type().to_string())),
        }
    }
    let names = crate::error::duplicates(schema.fields.iter().map(|f| f.name.as_str()));
    if !names.is_empty() {
        return Err(DataError::Duplicate {
            path: path.to_path_buf(),
            names,
        });
    }
    // row counts are in the batches' own headers: read them with no column
    let (mut starts, mut rows) = (Vec::new(), 0u64);
    let mut counting = reader(path, Some(vec![])).map_err(broken)?;
    while let Some(batch) = guarded(|| counting.next().transpose()).map_err(broken)? {
        starts.push(rows);
        rows += batch.num_rows() as u64;
    }
    let source = IpcSource {
        path: path.to_path_buf(),
        schema,
        places,
        levels,
        starts,
        rows,
    };
    Ok(Opened {
        source: Box::new(source),
        unreadable,
    })
}

impl Source for IpcSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let wanted: Vec<usize> = columns.iter().map(|&c| self.places[c]).collect();
        share(self.workers(), self.starts.len(), visit, |worker, round| {
            let failed =
                |what: String| format!("{}: not a readable Arrow IPC file: {what}", self.path.display());
            let mut reader = reader(&self.path, Some(wanted.clone())).map_err(failed)?;
            let mut texts: Vec<Option<TextColumn>> = columns
                .iter()
                .map(|&c| self.levels[c].clone().map(TextColumn::new))
                .collect();
            while let Some(index) = round.next() {
                let batch = guarded(|| {
                    reader.set_index(index).map_err(|e| e.to_string())?;
                    reader.next().transpose().map_err(|e| e.to_string())
                })
                .map_err(failed)?
                .ok_or_else(|| failed(format!("record batch {index} is missing")))?;
                let mut read = Vec::with_capacity(columns.len());
                for (array, text) in batch.columns().iter().zip(&mut texts) {
                    read.push(convert::column(array, text.as_mut()).map_err(failed)?);
                }
                let rows = batch.num_rows();
                if !round.deliver(
                    worker,
                    Batch {
                        index,
                        first_row: self.starts[index],
                        rows,
                        columns: read,
                    },
                ) {
                    return Ok(());
                }
            }
            Ok(())
        })
    }
}
