//! The footer of an Arrow file, or what the messages of a stream say instead of it.

use std::sync::Arc;

use arrow_ipc::Block;
use arrow_ipc::convert::try_fb_to_schema;

/// Continuation marker, with which every message of an Arrow stream begins.
pub(crate) const STREAM: [u8; 4] = [0xff; 4];

/// Schema, version and positions of dictionaries and batches, from the footer of a file or the messages of a stream.
pub(crate) struct Footer {
    pub schema: arrow_schema::SchemaRef,
    pub version: arrow_ipc::MetadataVersion,
    pub dictionaries: Vec<Block>,
    pub batches: Vec<Block>,
    /// Number of the dictionaries that come before each batch; all, in a file.
    pub before: Vec<usize>,
}

/// The schema of a footer or a message.
pub(crate) fn schema_of(schema: arrow_ipc::Schema<'_>) -> Result<arrow_schema::SchemaRef, String> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err("it was written by a machine with another order of bytes".into());
    }
    try_fb_to_schema(schema).map(Arc::new).map_err(|e| e.to_string())
}
