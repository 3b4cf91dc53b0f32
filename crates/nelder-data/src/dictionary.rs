//! The levels of a Parquet column that was a dictionary, in the order of its pages, and bytes that are text.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field};
use nelder::frame::{Key, Levels};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, PageType, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::batch_rows::BATCH_ROWS;
use crate::coded;
use crate::convert;
use crate::file::PositionedFile;

/// The levels of a dictionary: as its pages list them; sorted where pages list no strings, or not all.
pub(crate) fn levels(
    file: &PositionedFile,
    metadata: &ArrowReaderMetadata,
    leaf: usize,
    field: &Field,
) -> Result<Levels, String> {
    let value = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let (mut labels, mut whole): (Vec<String>, bool) = (Vec::new(), convert::is_text(value));
    for group in metadata.metadata().row_groups() {
        let chunk = group.column(leaf);
        if !whole || chunk.column_type() != Type::BYTE_ARRAY {
            whole = false;
            break;
        }
        if group.num_rows() == 0 {
            continue;
        }
        whole &= is_all_coded(chunk);
        labels.extend(listed(file, chunk, group.num_rows())?);
    }
    if whole {
        return Ok(Levels::fixed(labels));
    }
    let numbers = matches!(
        convert::kind(&Field::new("", value.clone(), true)),
        Some(nelder::frame::Kind::Integer)
    );
    if labels.is_empty() {
        return Ok(match numbers {
            true => Levels::growing_whole(),
            false => Levels::growing(),
        });
    }
    // those that pages list, and then the others
    let first = Levels::fixed(&labels).len();
    let levels = Levels::growing_in(move |keys| {
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        let text = |code: u32| match &keys[code as usize] {
            Key::Text(text) => text.as_ref(),
            _ => "",
        };
        order[first.min(keys.len())..].sort_by(|&a, &b| text(a).as_bytes().cmp(text(b).as_bytes()));
        order
    });
    for label in labels {
        levels.intern(&Key::Text(label.into()));
    }
    Ok(levels)
}

/// Tests if every data page of a chunk is dictionary-encoded; false where the metadata do not tell.
fn is_all_coded(chunk: &ColumnChunkMetaData) -> bool {
    let codes = |e: Encoding| matches!(e, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    if let Some(mask) = chunk.page_encoding_stats_mask() {
        return mask.encodings().all(codes);
    }
    let Some(pages) = chunk.page_encoding_stats() else {
        return false;
    };
    let data = |t: PageType| matches!(t, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
    pages
        .iter()
        .filter(|p| data(p.page_type))
        .all(|p| codes(p.encoding))
}

/// The strings of a chunk's dictionary page.
fn listed(file: &PositionedFile, chunk: &ColumnChunkMetaData, rows: i64) -> Result<Vec<String>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let rows = usize::try_from(rows).map_err(|e| text(&e))?;
    let mut pages =
        SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, None).map_err(|e| text(&e))?;
    let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page().map_err(|e| text(&e))?
    else {
        return Ok(Vec::new());
    };
    let (mut labels, mut rest) = (Vec::new(), &buf[..]);
    for _ in 0..num_values {
        let cut = "a dictionary page ends too early";
        let (length, tail) = rest.split_first_chunk::<4>().ok_or(cut)?;
        let (value, tail) = tail
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or(cut)?;
        labels.push(std::str::from_utf8(value).map_err(|e| text(&e))?.to_string());
        rest = tail;
    }
    Ok(labels)
}

/// Tests if a column of bytes is UTF-8, by its first batch of rows; true of any other column.
pub(crate) fn is_text(
    file: &PositionedFile,
    metadata: &ArrowReaderMetadata,
    leaf: usize,
    field: &Field,
) -> Result<bool, String> {
    let bytes = match field.data_type() {
        DataType::Dictionary(_, value) => convert::is_binary(value),
        other => convert::is_binary(other),
    };
    if !bytes {
        return Ok(true);
    }
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata.clone());
    let mask = ProjectionMask::leaves(builder.parquet_schema(), [leaf]);
    let mut reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|e| text(&e))?;
    let first: Option<RecordBatch> = reader.next().transpose().map_err(|e| text(&e))?;
    Ok(first.is_none_or(|batch| coded::is_utf8(batch.column(0))))
}
