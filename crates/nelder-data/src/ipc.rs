//! Arrow IPC files (Feather version 2): record batches by number.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, MessageHeader, root_as_footer, root_as_message};
use arrow_schema::DataType;
use nelder::frame::{Batch, Field, Kind, Levels, Scan, Schema, Source, SourceError, Visit};

use crate::coded::{self, TextColumn};
use crate::convert;
use crate::file::PositionedFile;
use crate::footer::{Footer, STREAM, schema_of};
use crate::row_file::{Found, RowFile};
use crate::workers::{guarded, share};
use crate::{DataError, stream};

/// A compressed buffer that claims to become larger than this is damaged.
const LARGEST_BUFFER: u64 = 4 << 30;
/// Bytes that a compressed byte becomes at most; zstd's longest run is shorter.
const LARGEST_RATIO: u64 = 1 << 16;

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
    let dictionaries: Vec<Block> = footer
        .dictionaries()
        .map_or(Vec::new(), |b| b.iter().copied().collect());
    let batches: Vec<Block> = footer
        .recordBatches()
        .map_or(Vec::new(), |b| b.iter().copied().collect());
    Ok(Footer {
        schema: schema_of(schema)?,
        version: footer.version(),
        before: vec![dictionaries.len(); batches.len()],
        dictionaries,
        batches,
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

/// Opens an Arrow IPC file, or a stream of Arrow messages in one.
pub(crate) fn open(file: PositionedFile) -> Result<Found, DataError> {
    let broken = |what: String| DataError::Broken {
        path: file.path.as_ref().clone(),
        format: "Arrow IPC",
        what,
    };
    let footer = match () {
        () if file.begins(b"ARROW1") => guarded(|| footer(&file)),
        () if file.begins(&STREAM) => guarded(|| stream::messages(&file)),
        () => Err("it does not begin with ARROW1, nor as a stream of Arrow messages does".into()),
    }
    .map_err(broken)?;
    let names: Vec<&str> = footer.schema.fields().iter().map(|f| f.name().as_str()).collect();
    let repeated = crate::error::duplicates(names);
    let (mut schema, mut places, mut levels, mut unreadable) = (Schema::default(), vec![], vec![], vec![]);
    for (i, field) in footer.schema.fields().iter().enumerate() {
        let name = field.name().clone();
        let why = match convert::kind(field) {
            _ if repeated.contains(&name) => crate::error::TWICE.to_string(),
            None if *field.data_type() == DataType::Null => crate::error::NO_VALUES.to_string(),
            None => crate::error::of_type(field.data_type()),
            Some(kind) => {
                schema.fields.push(Field { name, kind });
                places.push(i);
                levels.push((kind == Kind::Text).then(|| Arc::new(Levels::growing())));
                continue;
            }
        };
        if !unreadable.contains(&(name.clone(), why.clone())) {
            unreadable.push((name, why));
        }
    }
    // row counts are in the batches' own headers
    let (mut starts, mut rows) = (Vec::new(), 0u64);
    for block in &footer.batches {
        starts.push(rows);
        let count = guarded(|| checked(&message(&file, block, false)?, block, false)).map_err(broken)?;
        rows = rows.saturating_add(count);
    }
    let mut source = IpcSource {
        file: file.clone(),
        footer,
        schema,
        places,
        levels,
        starts,
        rows,
    };
    guarded(|| source.look_at_values(&mut unreadable)).map_err(broken)?;
    let empty = vec![false; source.schema.fields.len()];
    Ok(Found {
        table: Box::new(source),
        unreadable,
        remarks: Vec::new(),
        empty,
        is_text: false,
    })
}

impl IpcSource {
    /// The decoder of the batches that come after so many dictionaries, of which later ones replace earlier ones.
    fn decoder(&self, wanted: &[usize], dictionaries: usize) -> Result<FileDecoder, String> {
        let mut decoder = FileDecoder::new(self.footer.schema.clone(), self.footer.version)
            .with_projection(wanted.to_vec());
        for block in &self.footer.dictionaries[..dictionaries] {
            let bytes = message(&self.file, block, true)?;
            checked(&bytes, block, true)?;
            decoder
                .read_dictionary(block, &Buffer::from_vec(bytes))
                .map_err(|e| e.to_string())?;
        }
        Ok(decoder)
    }

    fn batch(&self, decoder: &FileDecoder, index: usize) -> Result<RecordBatch, String> {
        let block = &self.footer.batches[index];
        let bytes = message(&self.file, block, true)?;
        checked(&bytes, block, true)?;
        decoder
            .read_record_batch(block, &Buffer::from_vec(bytes))
            .map_err(|e| e.to_string())?
            .ok_or_else(|| format!("record batch {index} is missing"))
    }

    /// The levels of dictionaries, in their order, and which columns of bytes are text as far as the first batch says.
    fn look_at_values(&mut self, unreadable: &mut Vec<(String, String)>) -> Result<(), String> {
        let data_type = |c: usize| self.footer.schema.field(self.places[c]).data_type();
        let looked: Vec<usize> = (0..self.places.len())
            .filter(|&c| matches!(data_type(c), DataType::Dictionary(..)) || convert::is_binary(data_type(c)))
            .collect();
        if looked.is_empty() {
            return Ok(());
        }
        let wanted: Vec<usize> = looked.iter().map(|&c| self.places[c]).collect();
        let mut labels: Vec<Vec<String>> = vec![Vec::new(); looked.len()];
        let mut no_text = Vec::new();
        let mut last = None;
        for index in 0..self.footer.batches.len() {
            // one batch for each set of dictionaries
            if last == Some(self.footer.before[index]) {
                continue;
            }
            last = Some(self.footer.before[index]);
            let decoder = self.decoder(&wanted, self.footer.before[index])?;
            let batch = self.batch(&decoder, index)?;
            for (k, column) in batch.columns().iter().enumerate() {
                match column.data_type() {
                    DataType::Dictionary(..) => {
                        let values = coded::labels(column.as_any_dictionary().values());
                        match values {
                            Ok(values) => labels[k].extend(values.into_iter().flatten()),
                            Err(_) => no_text.push(looked[k]),
                        }
                    }
                    _ if index == 0 && !coded::is_utf8(column) => no_text.push(looked[k]),
                    _ => {}
                }
            }
        }
        for (&c, labels) in looked.iter().zip(labels) {
            if let Kind::Factor { .. } = self.schema.fields[c].kind {
                self.levels[c] = Some(Arc::new(Levels::fixed(labels)));
            }
        }
        no_text.sort_unstable();
        no_text.dedup();
        for c in no_text.into_iter().rev() {
            let kind = self.footer.schema.field(self.places.remove(c)).data_type();
            let name = self.schema.fields.remove(c).name;
            self.levels.remove(c);
            unreadable.push((
                name,
                format!("{}: its bytes are not text in UTF-8", crate::error::of_type(kind)),
            ));
        }
        Ok(())
    }

    fn name(&self) -> PathBuf {
        self.file.path.as_ref().clone()
    }
}

impl RowFile for IpcSource {
    fn batches(&self) -> usize {
        self.starts.len()
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
        let before = &self.footer.before;
        let first = before.first().copied().unwrap_or(0);
        let decoder = guarded(|| self.decoder(&wanted, first));
        let decoder =
            decoder.map_err(|e| SourceError::Read(self.file.unchanged().err().unwrap_or(failed(e))))?;
        let one = before.iter().all(|&n| n == first);
        share(
            &self.file,
            self.workers(),
            self.starts.len(),
            visit,
            |worker, round| {
                let mut own: Option<(usize, FileDecoder)> = None;
                let mut texts: Vec<Option<TextColumn>> = columns
                    .iter()
                    .map(|&c| self.levels[c].clone().map(TextColumn::new))
                    .collect();
                while let Some(index) = round.next() {
                    // a stream may have other dictionaries later
                    if !one && own.as_ref().map(|(n, _)| *n) != Some(before[index]) {
                        let new = guarded(|| self.decoder(&wanted, before[index])).map_err(failed)?;
                        own = Some((before[index], new));
                    }
                    let decoder = own.as_ref().map_or(&decoder, |(_, own)| own);
                    let batch = guarded(|| self.batch(decoder, index)).map_err(failed)?;
                    let rows = batch.num_rows();
                    let end = self.starts.get(index + 1).copied().unwrap_or(self.rows);
                    if rows as u64 != end - self.starts[index] {
                        return Err(failed(format!(
                            "record batch {index} has {rows} rows, not as it says"
                        )));
                    }
                    let (mut read, mut coarse) = (Vec::with_capacity(columns.len()), Vec::new());
                    for ((&at, text), &c) in place.iter().zip(&mut texts).zip(columns) {
                        let named = |what| failed(format!("column `{}`: {what}", self.schema.fields[c].name));
                        coarse.extend(convert::coarse(batch.column(at)).map(|row| (read.len(), row)));
                        read.push(coded::column(batch.column(at), text.as_mut()).map_err(named)?);
                    }
                    if !round.deliver(
                        worker,
                        Batch {
                            index,
                            first_row: self.starts[index],
                            rows,
                            columns: read,
                            coarse,
                        },
                    ) {
                        return Ok(());
                    }
                }
                Ok(())
            },
        )
    }
}
