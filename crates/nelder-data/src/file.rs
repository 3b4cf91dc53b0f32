//! A file read at positions, by any number of workers at once.

use std::fs::{File, Metadata};
use std::io::{BufReader, IsTerminal, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::{ChunkReader, Length};
use nelder::frame::SourceError;

use crate::DataError;

/// When a file was last written and, where the system tells, last changed in any way: the first can be set back.
#[derive(Clone, Copy, Debug)]
struct Written {
    modified: SystemTime,
    changed: (i64, i64),
    names: u64,
}

impl Written {
    fn of(meta: &Metadata) -> Option<Written> {
        #[cfg(unix)]
        let (changed, names) = {
            use std::os::unix::fs::MetadataExt;
            ((meta.ctime(), meta.ctime_nsec()), meta.nlink())
        };
        #[cfg(not(unix))]
        let (changed, names) = ((0, 0), 1);
        Some(Written {
            modified: meta.modified().ok()?,
            changed,
            names,
        })
    }

    /// Tests if nothing was written between the two: the time of modification is equal, and the time of change too unless the
    /// number of names (hard links) differs. A name that goes away, as when another file takes its place, changes the latter
    /// time, but not the content.
    fn is(&self, other: &Written) -> bool {
        self.modified == other.modified && (self.changed == other.changed || self.names != other.names)
    }
}

/// A file without a shared cursor: reads name their position.
#[derive(Clone, Debug)]
pub(crate) struct PositionedFile {
    file: Arc<File>,
    len: u64,
    /// When it was last written; `None` for a copy that no one else has.
    modified: Option<Written>,
    pub(crate) path: Arc<PathBuf>,
}

impl PositionedFile {
    /// Opens a file; what can be read only once, standard input (`-`) and pipes, is copied first.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, DataError> {
        let standard = path == Path::new("-");
        let name = if standard {
            Path::new("standard input")
        } else {
            path
        };
        let real = if standard { Path::new("/dev/stdin") } else { path };
        let file = File::open(real).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound if !standard => DataError::missing(path),
            _ => DataError::io(name, e),
        })?;
        let meta = file.metadata().map_err(|e| DataError::io(name, e))?;
        if meta.is_dir() {
            return Err(DataError::Directory(path.to_path_buf()));
        }
        if !meta.is_file() {
            return PositionedFile::spooled(file, name);
        }
        if meta.len() == 0 {
            return Err(DataError::Empty(name.to_path_buf()));
        }
        Ok(PositionedFile {
            file: Arc::new(file),
            len: meta.len(),
            modified: Written::of(&meta),
            path: Arc::new(name.to_path_buf()),
        })
    }

    /// Copies the bytes of a pipe to a temporary file without a name.
    fn spooled(mut pipe: File, name: &Path) -> std::result::Result<Self, DataError> {
        if pipe.is_terminal() {
            return Err(DataError::Device(name.to_path_buf()));
        }
        if is_device(&pipe) {
            // the null device ends at once, others never
            let read = pipe.read(&mut [0]).map_err(|e| DataError::io(name, e))?;
            return Err(match read {
                0 => DataError::Empty(name.to_path_buf()),
                _ => DataError::Device(name.to_path_buf()),
            });
        }
        PositionedFile::copied(&mut pipe, name, |e| DataError::io(name, e))
    }

    /// Decompresses a gzip file to a temporary file without a name, under the name of the original: a compressed
    /// stream cannot be read from positions.
    pub(crate) fn decompressed(&self) -> std::result::Result<Self, DataError> {
        let broken = |e: std::io::Error| DataError::Broken {
            path: self.path.to_path_buf(),
            format: "gzip",
            what: e.to_string(),
        };
        let mut decoder = flate2::read::MultiGzDecoder::new(BufReader::new(self.reader(0)));
        let copy = PositionedFile::copied(&mut decoder, &self.path, broken);
        self.unchanged().map_err(|what| self.changed(what))?;
        copy
    }

    fn copied(
        from: &mut dyn Read,
        name: &Path,
        failed: impl Fn(std::io::Error) -> DataError,
    ) -> std::result::Result<Self, DataError> {
        let full = |e: std::io::Error| DataError::io(&std::env::temp_dir(), e);
        let mut file = tempfile::tempfile().map_err(full)?;
        let (mut buffer, mut len) = (vec![0u8; 1 << 16], 0u64);
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(failed(e)),
            };
            file.write_all(&buffer[..n]).map_err(full)?;
            len += n as u64;
        }
        if len == 0 {
            return Err(DataError::Empty(name.to_path_buf()));
        }
        Ok(PositionedFile {
            file: Arc::new(file),
            len,
            modified: None,
            path: Arc::new(name.to_path_buf()),
        })
    }

    /// Tests if it is unchanged since it was opened; the error says how it differs.
    pub(crate) fn unchanged(&self) -> std::result::Result<(), String> {
        let Some(modified) = self.modified else {
            return Ok(());
        };
        let meta = self
            .file
            .metadata()
            .map_err(|e| format!("{}: {e}", self.name()))?;
        let how = match meta.len() {
            n if n != self.len => format!("it had {} bytes when it was opened, and has {n} now", self.len),
            _ if !Written::of(&meta).is_some_and(|now| now.is(&modified)) => {
                "it was written to since it was opened".into()
            }
            _ => return Ok(()),
        };
        Err(self.changing(&how))
    }

    /// Says that a pass found other rows than the one before.
    pub(crate) fn changed_rows(&self, were: u64, are: u64) -> String {
        self.changing(&format!(
            "a part of it had {were} rows when it was opened, and has {are} now"
        ))
    }

    fn changing(&self, how: &str) -> String {
        format!(
            "{} changed while it was being read: {how}; run again when it is complete",
            self.name()
        )
    }

    /// The error of a file that changed.
    pub(crate) fn changed(&self, what: String) -> DataError {
        DataError::Source(SourceError::Read(what))
    }

    /// Tests if the file both begins and ends with a format's mark.
    pub(crate) fn is_between(&self, mark: &[u8]) -> bool {
        let ends = |at: u64| self.bytes(at, mark.len()).is_ok_and(|b| b == mark);
        self.len >= 2 * mark.len() as u64 && ends(0) && ends(self.len - mark.len() as u64)
    }

    /// Tests if the file begins with a mark.
    pub(crate) fn begins(&self, mark: &[u8]) -> bool {
        self.bytes(0, mark.len()).is_ok_and(|b| b == mark)
    }

    /// True for a temporary copy, of a pipe or of a compressed file.
    pub(crate) fn is_piped(&self) -> bool {
        self.modified.is_none()
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

#[cfg(unix)]
fn is_device(file: &File) -> bool {
    use std::os::unix::fs::FileTypeExt;
    file.metadata()
        .is_ok_and(|m| m.file_type().is_char_device() || m.file_type().is_block_device())
}

#[cfg(windows)]
fn is_device(_: &File) -> bool {
    false
}
