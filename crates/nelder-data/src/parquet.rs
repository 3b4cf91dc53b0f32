//! Parquet files: the wanted columns of row groups, or of parts of them, batch by batch.

use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema};
use nelder::frame::{Batch, Field, Kind, Levels, Scan, Schema, Source, SourceError, Visit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::batch_rows::BATCH_ROWS;
use crate::coded::{self, TextColumn};
use crate::convert;
use crate::file::PositionedFile;
use crate::row_file::{Found, RowFile};
use crate::workers::{guarded, share};
use crate::{DataError, dictionary};

/// A part of a row group.
struct Piece {
    group: usize,
    offset: usize,
    rows: usize,
    first_row: u64,
    first_index: usize,
}

/// A Parquet file as a source.
pub(crate) struct ParquetSource {
    file: PositionedFile,
    metadata: ArrowReaderMetadata,
    schema: Schema,
    // leaf column of the file behind each column of the schema, and its levels where it is text
    leaves: Vec<usize>,
    levels: Vec<Option<Arc<Levels>>>,
    pieces: Vec<Piece>,
    rows: u64,
}

/// Opens a Parquet file.
pub(crate) fn open(file: PositionedFile) -> Result<Found, DataError> {
    let path = file.path.clone();
    let broken = |what: String| DataError::Broken {
        path: path.as_ref().clone(),
        format: "Parquet",
        what,
    };
    if !file.bytes(0, 4).is_ok_and(|start| start == b"PAR1") {
        return Err(broken(
            "it does not begin with PAR1; is it of another kind?".into(),
        ));
    }
    if !file.bytes(file.size() - 4, 4).is_ok_and(|end| end == b"PAR1") {
        return Err(broken(
            "it does not end with PAR1; is it cut short? Copy it again".into(),
        ));
    }
    let (plain, metadata) = loaded(&file).map_err(&broken)?;
    let columns = columns_of(&file, plain.schema(), &metadata).map_err(&broken)?;
    let (pieces, rows) = pieces_of(&metadata, &columns.leaves).map_err(&broken)?;
    let empty = vec![false; columns.schema.fields.len()];
    let source = ParquetSource {
        file,
        metadata,
        schema: columns.schema,
        leaves: columns.leaves,
        levels: columns.levels,
        pieces,
        rows,
    };
    Ok(Found {
        table: Box::new(source),
        unreadable: columns.unreadable,
        remarks: Vec::new(),
        empty,
        is_text: false,
    })
}

/// The metadata of a file as it is written, and with columns of text read as dictionaries.
fn loaded(file: &PositionedFile) -> Result<(ArrowReaderMetadata, ArrowReaderMetadata), String> {
    let plain = guarded(|| ArrowReaderMetadata::load(file, ArrowReaderOptions::new()))?;
    let wanted = Arc::new(ArrowSchema::new(
        plain
            .schema()
            .fields()
            .iter()
            .map(|f| wanted(f))
            .collect::<Vec<_>>(),
    ));
    let metadata = guarded(|| ArrowReaderMetadata::load(file, ArrowReaderOptions::new().with_schema(wanted)))
        .unwrap_or_else(|_| plain.clone());
    Ok((plain, metadata))
}

/// The columns of a file that can be read, and those that cannot.
#[derive(Default)]
struct Columns {
    schema: Schema,
    /// The leaf of each column of the schema.
    leaves: Vec<usize>,
    levels: Vec<Option<Arc<Levels>>>,
    /// Names, and why.
    unreadable: Vec<(String, String)>,
}

/// Kinds and levels of the columns of a file, and why others cannot be read.
fn columns_of(
    file: &PositionedFile,
    plain: &ArrowSchema,
    metadata: &ArrowReaderMetadata,
) -> Result<Columns, String> {
    let mut out = Columns::default();
    let repeated = crate::error::duplicates(plain.fields().iter().map(|f| f.name().as_str()));
    // a flat column has one leaf; nested ones have more and are not read
    let mut leaf = 0;
    for (place, field) in plain.fields().iter().enumerate() {
        let name = field.name().clone();
        let width = leaves_of(metadata, place);
        let at = leaf;
        leaf += width;
        let why = match convert::kind(field) {
            _ if repeated.contains(&name) => crate::error::TWICE.to_string(),
            None if *field.data_type() == DataType::Null => crate::error::NO_VALUES.to_string(),
            None => crate::error::of_type(field.data_type()),
            Some(_) if guarded(|| dictionary::is_text(file, metadata, at, field)).is_ok_and(|is| !is) => {
                format!(
                    "{}: its bytes are not text in UTF-8",
                    crate::error::of_type(field.data_type())
                )
            }
            Some(kind) => {
                out.schema.fields.push(Field { name, kind });
                out.leaves.push(at);
                out.levels.push(match kind {
                    Kind::Text => Some(Arc::new(Levels::growing())),
                    Kind::Factor { .. } => {
                        let own = guarded(|| dictionary::levels(file, metadata, at, field));
                        Some(Arc::new(own?))
                    }
                    _ => None,
                });
                continue;
            }
        };
        if !out.unreadable.contains(&(name.clone(), why.clone())) {
            out.unreadable.push((name, why));
        }
    }
    Ok(out)
}

/// The pieces of a file that workers read one after another, and the number of rows.
fn pieces_of(metadata: &ArrowReaderMetadata, leaves: &[usize]) -> Result<(Vec<Piece>, u64), String> {
    let groups = metadata.metadata().row_groups();
    let parts = (2 * rayon::current_num_threads())
        .div_ceil(groups.len().max(1))
        .max(1);
    let (mut pieces, mut first_row, mut first_index) = (Vec::new(), 0u64, 0usize);
    for (group, meta) in groups.iter().enumerate() {
        let rows = usize::try_from(meta.num_rows())
            .map_err(|_| format!("row group {group} has {} rows", meta.num_rows()))?;
        // a flat column has a value or a null in every row; a wrong number of rows would otherwise be found only when
        // columns are read, and never if none is
        for &leaf in leaves {
            let values = meta.columns().get(leaf).map_or(0, |c| c.num_values());
            if usize::try_from(values) != Ok(rows) {
                return Err(format!(
                    "row group {group} has {rows} rows, but {values} values in a column"
                ));
            }
        }
        // parts of whole batches
        let each = rows.div_ceil(parts).div_ceil(BATCH_ROWS).max(1) * BATCH_ROWS;
        let mut offset = 0;
        while offset < rows {
            let part = each.min(rows - offset);
            pieces.push(Piece {
                group,
                offset,
                rows: part,
                first_row,
                first_index,
            });
            offset += part;
            first_row += part as u64;
            first_index += part.div_ceil(BATCH_ROWS);
        }
    }
    Ok((pieces, first_row))
}

/// Arrow field that a column is read as: strings as dictionaries, as most files hold them, other dictionaries as their values.
fn wanted(field: &ArrowField) -> ArrowField {
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let data_type = match field.data_type() {
        t if convert::is_text(t) => text(),
        DataType::Dictionary(_, value) if convert::is_text(value) => text(),
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        other => other.clone(),
    };
    ArrowField::new(field.name(), data_type, field.is_nullable())
}

/// Number of leaf columns of a column, at least 1.
fn leaves_of(metadata: &ArrowReaderMetadata, place: usize) -> usize {
    let columns = metadata.metadata().file_metadata().schema_descr();
    (0..columns.num_columns())
        .filter(|&leaf| columns.get_column_root_idx(leaf) == place)
        .count()
        .max(1)
}

impl Piece {
    /// Its batches for a scan that asks for no column; `false` where one is the last that is wanted.
    fn without_columns(&self, deliver: impl Fn(Batch<'_>) -> bool) -> bool {
        let mut done = 0;
        while done < self.rows {
            let rows = BATCH_ROWS.min(self.rows - done);
            let goes_on = deliver(Batch {
                index: self.first_index + done / BATCH_ROWS,
                first_row: self.first_row + done as u64,
                rows,
                columns: Vec::new(),
                coarse: Vec::new(),
            });
            if !goes_on {
                return false;
            }
            done += rows;
        }
        true
    }
}

impl ParquetSource {
    /// A reader of some leaves of a piece.
    fn reader(&self, piece: &Piece, leaves: &[usize]) -> Result<ParquetRecordBatchReader, ParquetError> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves.iter().copied());
        builder
            .with_projection(mask)
            .with_row_groups(vec![piece.group])
            .with_offset(piece.offset)
            .with_limit(piece.rows)
            .with_batch_size(BATCH_ROWS)
            .build()
    }
}

impl RowFile for ParquetSource {
    fn batches(&self) -> usize {
        self.pieces
            .last()
            .map_or(0, |p| p.first_index + p.rows.div_ceil(BATCH_ROWS))
    }

    fn levels(&self, column: usize) -> Option<&Arc<Levels>> {
        self.levels[column].as_ref()
    }

    fn set_levels(&mut self, column: usize, levels: Arc<Levels>) {
        self.levels[column] = Some(levels);
    }

    fn file(&self) -> &PositionedFile {
        &self.file
    }
}

impl Source for ParquetSource {
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
        // the reader delivers columns in the order of the file
        let mut order: Vec<usize> = columns.to_vec();
        order.sort_unstable();
        order.dedup();
        let place: Vec<usize> = columns
            .iter()
            .map(|c| order.binary_search(c).unwrap_or(0))
            .collect();
        let in_order = place.iter().copied().eq(0..order.len());
        let leaves: Vec<usize> = order.iter().map(|&c| self.leaves[c]).collect();
        share(
            &self.file,
            self.workers(),
            self.pieces.len(),
            visit,
            |worker, round| {
                let mut texts: Vec<Option<TextColumn>> = order
                    .iter()
                    .map(|&c| self.levels[c].clone().map(TextColumn::new))
                    .collect();
                let name = self.file.name();
                let failed = |what: String| format!("{name}: not a readable Parquet file: {what}");
                while let Some(at) = round.next() {
                    let piece = &self.pieces[at];
                    if leaves.is_empty() {
                        if !piece.without_columns(|batch| round.deliver(worker, batch)) {
                            return Ok(());
                        }
                        continue;
                    }
                    let mut reader = guarded(|| self.reader(piece, &leaves)).map_err(failed)?;
                    let mut done = 0usize;
                    while let Some(batch) = guarded(|| reader.next().transpose()).map_err(failed)? {
                        let rows = batch.num_rows();
                        let (mut read, mut coarse) = (Vec::with_capacity(order.len()), Vec::new());
                        for ((array, text), &c) in batch.columns().iter().zip(&mut texts).zip(&order) {
                            let named =
                                |what| failed(format!("column `{}`: {what}", self.schema.fields[c].name));
                            coarse.extend(convert::coarse(array).map(|row| (read.len(), row)));
                            read.push(coded::column(array, text.as_mut()).map_err(named)?);
                        }
                        let columns = if in_order {
                            read
                        } else {
                            coarse = place
                                .iter()
                                .enumerate()
                                .flat_map(|(to, &i)| {
                                    coarse.iter().filter(move |c| c.0 == i).map(move |c| (to, c.1))
                                })
                                .collect();
                            place.iter().map(|&i| read[i].clone()).collect()
                        };
                        let (index, first_row) = (
                            piece.first_index + done / BATCH_ROWS,
                            piece.first_row + done as u64,
                        );
                        if !round.deliver(
                            worker,
                            Batch {
                                index,
                                first_row,
                                rows,
                                columns,
                                coarse,
                            },
                        ) {
                            return Ok(());
                        }
                        done += rows;
                    }
                    if done != piece.rows {
                        return Err(failed(format!(
                            "row group {} has {done} rows, not {}",
                            piece.group, piece.rows
                        )));
                    }
                }
                Ok(())
            },
        )
    }
}
