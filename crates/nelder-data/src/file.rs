//! A file read at positions, by any number of workers at once.

use std::fs::File;
use std::io::{BufReader, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::{ChunkReader, Length};

use crate::DataError;

/// A file without a shared cursor: reads name their position.
#[derive(Clone, Debug)]
pub(crate) struct PositionedFile {
    file: Arc<File>,
    len: u64,
    pub(crate) path: Arc<PathBuf>,
}

impl PositionedFile {
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, DataError> {
        let file = File::open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => DataError::missing(path),
            _ => DataError::io(path, e),
        })?;
        let meta = file.metadata().map_err(|e| DataError::io(path, e))?;
        if meta.is_dir() {
            return Err(DataError::Directory(path.to_path_buf()));
        }
        if !meta.is_file() {
            // pipes and terminals cannot be read twice
            return Err(DataError::Stdin);
        }
        if meta.len() == 0 {
            return Err(DataError::Empty(path.to_path_buf()));
        }
        Ok(PositionedFile {
            file: Arc::new(file),
            len: meta.len(),
            path: Arc::new(path.to_path_buf()),
        })
    }

    /// What a gzip file holds, in a temporary file without a name, under the name of the original: a compressed
    /// stream cannot be read from positions.
    pub(crate) fn decompressed(&self) -> std::result::Result<Self, DataError> {
        let broken = |e: std::io::Error| DataError::Broken {
            path: self.path.to_path_buf(),
            format: "gzip",
            what: e.to_string(),
        };
        let mut file = tempfile::tempfile().map_err(|e| DataError::io(&std::env::temp_dir(), e))?;
        let mut decoder = flate2::read::MultiGzDecoder::new(BufReader::new(self.reader(0)));
        let (mut buffer, mut len) = (vec![0u8; 1 << 16], 0u64);
        loop {
            let n = match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(broken(e)),
            };
            file.write_all(&buffer[..n])
                .map_err(|e| DataError::io(&std::env::temp_dir(), e))?;
            len += n as u64;
        }
        if len == 0 {
            return Err(DataError::Empty(self.path.to_path_buf()));
        }
        Ok(PositionedFile {
            file: Arc::new(file),
            len,
            path: self.path.clone(),
        })
    }

    /// Whether the file both begins and ends with a format's mark.
    pub(crate) fn is_between(&self, mark: &[u8]) -> bool {
        let ends = |at: u64| self.bytes(at, mark.len()).is_ok_and(|b| b == mark);
        self.len >= 2 * mark.len() as u64 && ends(0) && ends(self.len - mark.len() as u64)
    }

    /// Bytes in the file when it was opened.
    pub(crate) fn size(&self) -> u64 {
        self.len
    }

    /// The file's name for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    #[cfg(unix)]
    fn read_some(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        std::os::unix::fs::FileExt::read_at(&*self.file, buffer, at)
    }

    #[cfg(windows)]
    fn read_some(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, at)
    }

    /// Fills `buffer` from position `at`.
    pub(crate) fn read_exact(&self, buffer: &mut [u8], at: u64) -> Result<()> {
        Cursor {
            file: self.clone(),
            at,
        }
        .read_exact(buffer)
    }

    /// `len` bytes from position `at`, in a buffer of their own.
    pub(crate) fn bytes(&self, at: u64, len: usize) -> Result<Vec<u8>> {
        // a length from a damaged file must not become an allocation
        if at.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = Vec::with_capacity(len);
        Cursor {
            file: self.clone(),
            at,
        }
        .take(len as u64)
        .read_to_end(&mut buffer)?;
        if buffer.len() < len {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(buffer)
    }

    /// A reader with its own position, from `at`.
    pub(crate) fn reader(&self, at: u64) -> Cursor {
        Cursor {
            file: self.clone(),
            at,
        }
    }
}

/// Reads a [`PositionedFile`] from a position on.
pub(crate) struct Cursor {
    file: PositionedFile,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let n = self.file.read_some(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Length for PositionedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for PositionedFile {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // page headers are short; what follows them is read past the buffer
        Ok(BufReader::with_capacity(512, self.reader(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<bytes::Bytes> {
        self.bytes(start, length)
            .map(bytes::Bytes::from)
            .map_err(|e| ParquetError::EOF(format!("bytes {start} to {}: {e}", start + length as u64)))
    }
}
