//! Arrow IPC files (Feather version 2): record batches by number.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, MessageHeader, convert::try_fb_to_schema, root_as_footer, root_as_message};
use nelder::frame::{Batch, Field, Kind, Levels, Scan, Schema, Source, SourceError, Visit};

use crate::convert::{self, TextColumn};
use crate::file::PositionedFile;
use crate::workers::{guarded, share};
use crate::{DataError, Opened};

/// A compressed buffer that claims to become larger than this is damaged.
const LARGEST_BUFFER: u64 = 4 << 30;
/// Bytes that a compressed byte becomes at most; zstd's longest run is shorter.
const LARGEST_RATIO: u64 = 1 << 16;

/// What the footer says about the file.
struct Footer {
    schema: arrow_schema::SchemaRef,
    version: arrow_ipc::MetadataVersion,
    dictionaries: Vec<Block>,
    batches: Vec<Block>,
}

struct IpcSource {
    file: PositionedFile,
    footer: Footer,
    schema: Schema,
    // column of the file behind each column of the schema
    places: Vec<usize>,
    levels: Vec<Option<Arc<Levels>>>,
    // first row of each record batch
    starts: Vec<u64>,
    rows: u64,
}

fn footer(file: &PositionedFile) -> Result<Footer, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let cut = "it ends too early; copy it again";
    let tail_at = file.size().checked_sub(10).ok_or(cut)?;
    let mut tail = [0u8; 10];
    file.read_exact(&mut tail, tail_at).map_err(|e| text(&e))?;
    let length = read_footer_length(tail).map_err(|e| text(&e))?;
    let at = tail_at.checked_sub(length as u64).ok_or(cut)?;
    let bytes = file.bytes(at, length).map_err(|e| text(&e))?;
    let footer = root_as_footer(&bytes).map_err(|e| text(&e))?;
    let schema = footer.schema().ok_or("the footer has no schema")?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err("it was written by a machine with another order of bytes".into());
    }
    Ok(Footer {
        schema: Arc::new(try_fb_to_schema(schema).map_err(|e| text(&e))?),
        version: footer.version(),
        dictionaries: footer
            .dictionaries()
            .map_or(Vec::new(), |b| b.iter().copied().collect()),
        batches: footer
            .recordBatches()
            .map_or(Vec::new(), |b| b.iter().copied().collect()),
    })
}

/// The message of a block: its metadata, or all of it.
fn message(file: &PositionedFile, block: &Block, body: bool) -> Result<Vec<u8>, String> {
    let place = || -> Option<(u64, usize)> {
        let at = u64::try_from(block.offset()).ok()?;
        let head = usize::try_from(block.metaDataLength()).ok()?;
        let body = if body {
            usize::try_from(block.bodyLength()).ok()?
        } else {
            0
        };
        Some((at, head.checked_add(body)?))
    };
    let (at, length) = place().ok_or("the footer names an impossible place")?;
    // the decoder looks at the first eight bytes before it checks anything
    if length < 8 {
        return Err("a message is too short".into());
    }
    file.bytes(at, length).map_err(|e| e.to_string())
}

/// The number of rows of a record batch, or of entries of a dictionary.
///
/// Compressed buffers state what they become, and the decoder allocates that much before it reads them: a statement
/// that cannot be true must end here, as a failed allocation ends the process.
fn checked(bytes: &[u8], block: &Block, body: bool) -> Result<u64, String> {
    let from = if bytes.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message =
        root_as_message(bytes.get(from..).ok_or("a message is too short")?).map_err(|e| e.to_string())?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|d| d.data()),
        _ => None,
    }
    .ok_or("a block holds no rows")?;
    let rows = u64::try_from(batch.length()).map_err(|_| "a record batch has a negative length")?;
    let body = if body {
        bytes.get(block.metaDataLength() as usize..).unwrap_or_default()
    } else {
        return Ok(rows);
    };
    let wrong = || "a buffer lies outside its record batch".to_string();
    for buffer in batch.buffers().into_iter().flatten() {
        let at = usize::try_from(buffer.offset()).map_err(|_| wrong())?;
        let length = usize::try_from(buffer.length()).map_err(|_| wrong())?;
        let end = at.checked_add(length).ok_or_else(wrong)?;
        let held = body.get(at..end).ok_or_else(wrong)?;
        if batch.compression().is_none() || held.is_empty() {
            continue;
        }
        let prefix = held.first_chunk::<8>().ok_or_else(wrong)?;
        let claimed = i64::from_le_bytes(*prefix);
        let possible = (held.len() as u64)
            .saturating_mul(LARGEST_RATIO)
            .min(LARGEST_BUFFER);
        // -1 says that the buffer is not compressed after all
        if claimed != -1 && u64::try_from(claimed).map_or(true, |c| c > possible) {
            return Err(format!(
                "a buffer of {} bytes claims to hold {claimed}",
                held.len()
            ));
        }
    }
    Ok(rows)
}

/// Opens an Arrow IPC file.
pub(crate) fn open(file: PositionedFile) -> Result<Opened, DataError> {
    let broken = |what: String| DataError::Broken {
        path: file.path.as_ref().clone(),
        format: "Arrow IPC",
        what,
    };
    if !file.bytes(0, 6).is_ok_and(|start| start == b"ARROW1") {
        return Err(broken(
            "it does not begin with ARROW1; a stream must be saved as a file first".into(),
        ));
    }
    let footer = guarded(|| footer(&file)).map_err(broken)?;
    let (mut schema, mut places, mut levels, mut unreadable) = (Schema::default(), vec![], vec![], vec![]);
    for (i, field) in footer.schema.fields().iter().enumerate() {
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
            path: file.path.as_ref().clone(),
            names,
        });
    }
    // row counts are in the batches' own headers
    let (mut starts, mut rows) = (Vec::new(), 0u64);
    for block in &footer.batches {
        starts.push(rows);
        let count = guarded(|| checked(&message(&file, block, false)?, block, false)).map_err(broken)?;
        rows = rows.saturating_add(count);
    }
    let source = IpcSource {
        file,
        footer,
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

impl IpcSource {
    fn decoder(&self, wanted: &[usize]) -> Result<FileDecoder, String> {
        let mut decoder = FileDecoder::new(self.footer.schema.clone(), self.footer.version)
            .with_projection(wanted.to_vec());
        for block in &self.footer.dictionaries {
            let bytes = message(&self.file, block, true)?;
            checked(&bytes, block, true)?;
            decoder
                .read_dictionary(block, &Buffer::from_vec(bytes))
                .map_err(|e| e.to_string())?;
        }
        Ok(decoder)
    }

    fn name(&self) -> PathBuf {
        self.file.path.as_ref().clone()
    }
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
        // the decoder wants each column once
        let mut wanted: Vec<usize> = columns.iter().map(|&c| self.places[c]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let place: Vec<usize> = columns
            .iter()
            .map(|&c| wanted.binary_search(&self.places[c]).unwrap_or(0))
            .collect();
        let failed =
            |what: String| format!("{}: not a readable Arrow IPC file: {what}", self.name().display());
        // a file without text has no dictionaries, and those it has are read once for all workers
        let decoder = guarded(|| self.decoder(&wanted)).map_err(|e| SourceError::Read(failed(e)))?;
        share(self.workers(), self.starts.len(), visit, |worker, round| {
            let mut texts: Vec<Option<TextColumn>> = columns
                .iter()
                .map(|&c| self.levels[c].clone().map(TextColumn::new))
                .collect();
            while let Some(index) = round.next() {
                let block = &self.footer.batches[index];
                let batch = guarded(|| {
                    let bytes = message(&self.file, block, true)?;
                    checked(&bytes, block, true)?;
                    decoder
                        .read_record_batch(block, &Buffer::from_vec(bytes))
                        .map_err(|e| e.to_string())?
                        .ok_or_else(|| format!("record batch {index} is missing"))
                })
                .map_err(failed)?;
                let rows = batch.num_rows();
                let end = self.starts.get(index + 1).copied().unwrap_or(self.rows);
                if rows as u64 != end - self.starts[index] {
                    return Err(failed(format!(
                        "record batch {index} has {rows} rows, not as it says"
                    )));
                }
                let mut read = Vec::with_capacity(columns.len());
                for (&at, text) in place.iter().zip(&mut texts) {
                    read.push(convert::column(batch.column(at), text.as_mut()).map_err(failed)?);
                }
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
