//! Streams of Arrow messages: where the batches are, so that they are read as a file's.

use arrow_ipc::{Block, MessageHeader, root_as_message};

use crate::file::PositionedFile;
use crate::footer::{Footer, STREAM, schema_of};

/// Walks over the messages of a stream, whose bodies are not read.
pub(crate) fn messages(file: &PositionedFile) -> Result<Footer, String> {
    let mut footer: Option<Footer> = None;
    let mut at = 0u64;
    while at + 8 <= file.size() {
        let mut start = [0u8; 8];
        file.read_exact(&mut start, at).map_err(|e| e.to_string())?;
        let [a, b, c, d, length @ ..] = start;
        if [a, b, c, d] != STREAM {
            return Err(format!("no message begins at byte {at}"));
        }
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            // the end of the stream
            return footer.ok_or_else(|| "the stream has no schema".into());
        }
        let bytes = file
            .bytes(at + 8, length)
            .map_err(|_| "it ends in the middle of a message; copy it again")?;
        let message = root_as_message(&bytes).map_err(|e| e.to_string())?;
        let body = u64::try_from(message.bodyLength()).map_err(|_| "a message has a negative length")?;
        let head = i32::try_from(length + 8).map_err(|_| "a message is too long")?;
        let offset = i64::try_from(at).map_err(|_| "the stream is too long")?;
        let block = Block::new(offset, head, message.bodyLength());
        let end = (at + 8 + length as u64).checked_add(body);
        at = match end {
            Some(end) if end <= file.size() => end,
            _ => return Err("it ends in the middle of a message; copy it again".into()),
        };
        match (message.header_type(), &mut footer) {
            (MessageHeader::Schema, None) => {
                let schema = message.header_as_schema().ok_or("a schema cannot be read")?;
                footer = Some(Footer {
                    schema: schema_of(schema)?,
                    version: message.version(),
                    dictionaries: Vec::new(),
                    batches: Vec::new(),
                    before: Vec::new(),
                });
            }
            (MessageHeader::DictionaryBatch, Some(footer)) => footer.dictionaries.push(block),
            (MessageHeader::RecordBatch, Some(footer)) => {
                footer.batches.push(block);
                footer.before.push(footer.dictionaries.len());
            }
            (_, None) => return Err("it does not begin with a schema".into()),
            _ => return Err("a message holds neither rows nor a dictionary".into()),
        }
    }
    match at == file.size() {
        // a stream may end without saying so
        true => footer.ok_or_else(|| "the stream has no schema".into()),
        false => Err("it ends in the middle of a message; copy it again".into()),
    }
}
