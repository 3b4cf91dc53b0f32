//! A place: where the name of an output leads, through links, before anything is written there.

use std::fs::{self, Metadata};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use crate::DataError;

/// Links that lead to links, at most.
const MOST_LINKS: usize = 40;

/// File, stream or open descriptor at a place, if there is one.
#[derive(Debug)]
pub(crate) enum Held {
    /// Nothing yet.
    Nothing,
    /// A file.
    File(Metadata),
    /// A pipe, a terminal, a device.
    Stream,
    /// An open file of this process by its number: 1 is standard output.
    Descriptor(u32),
}

/// Which file it is, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// Device and number of what is there.
    #[cfg(unix)]
    There(u64, u64),
    /// The whole path of what is not, or where files have no numbers.
    Path(PathBuf),
}

/// Where the name of an output leads.
#[derive(Debug)]
pub struct Place {
    /// The name as it was given.
    pub(crate) named: PathBuf,
    /// The resolved path: folders written out, links followed.
    pub(crate) target: PathBuf,
    pub(crate) held: Held,
    /// Which file it is; `None` for what may be written by many at once, a terminal or `/dev/null`.
    identity: Option<Identity>,
}

impl Place {
    /// Follows a name.
    ///
    /// # Errors
    /// [`DataError::Place`] for a folder, a disk, a folder that is not there, links that lead nowhere.
    pub fn of(named: &Path) -> Result<Place, DataError> {
        let wrong = |what: String| DataError::Place {
            path: named.to_path_buf(),
            what,
        };
        if named.as_os_str().is_empty() {
            return Err(wrong("a file needs a name".into()));
        }
        let mut path = named.to_path_buf();
        for _ in 0..MOST_LINKS {
            let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let name = path.file_name().filter(|_| !ends_in_separator(&path));
            let Some(name) = name else {
                return Err(wrong("is a directory; name a file".into()));
            };
            let within = fs::canonicalize(folder).map_err(|e| match e.kind() {
                ErrorKind::NotFound => {
                    wrong(format!("there is no folder {}; make it first", folder.display()))
                }
                _ => wrong(format!("the folder {}: {e}", folder.display())),
            })?;
            let target = within.join(name);
            let found = |held, about: Option<&Metadata>| Place {
                named: named.to_path_buf(),
                identity: identity(&target, about),
                target: target.clone(),
                held,
            };
            if let Some(number) = descriptor(&within, &target) {
                let about =
                    fs::metadata(&target).map_err(|_| wrong(format!("nothing is open as {number}")))?;
                return Ok(found(Held::Descriptor(number), Some(&about)));
            }
            let about = match fs::symlink_metadata(&target) {
                Ok(about) => about,
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(found(Held::Nothing, None)),
                Err(e) => return Err(DataError::io(named, e)),
            };
            if about.is_symlink() && !within.starts_with("/proc") {
                let next = fs::read_link(&target).map_err(|e| DataError::io(named, e))?;
                path = within.join(next);
                continue;
            }
            // what other processes have open has no name of its own
            let about = match about.is_symlink() {
                true => fs::metadata(&target).map_err(|e| DataError::io(named, e))?,
                false => about,
            };
            return match () {
                () if about.is_dir() => Err(wrong("is a directory; name a file".into())),
                () if is_disk(&about) => Err(wrong("is a disk; name a file on it".into())),
                () if about.is_file() => Ok(found(Held::File(about.clone()), Some(&about))),
                () => Ok(found(Held::Stream, Some(&about))),
            };
        }
        Err(DataError::io(
            named,
            Error::other("its links lead in a circle, or are too many"),
        ))
    }

    /// Standard output, or with 2 the standard stream of messages, where it is a file.
    pub fn standard(number: u32) -> Option<Place> {
        let place = Place::of(Path::new(match number {
            1 => "/dev/stdout",
            _ => "/dev/stderr",
        }));
        place.ok().filter(Place::is_file)
    }

    /// Tests if both are the same file or pipe.
    pub fn is(&self, other: &Place) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }

    /// Tests if a path leads, by any name, to this file or pipe, or to a folder that this is in.
    pub fn is_of(&self, path: &Path) -> bool {
        let (Ok(about), Ok(whole)) = (fs::metadata(path), fs::canonicalize(path)) else {
            return false;
        };
        match about.is_dir() {
            true => self.target.starts_with(whole),
            false => self.identity.is_some() && self.identity == identity(&whole, Some(&about)),
        }
    }

    /// True if it was named as an open file of this process, such as `/dev/stdout`.
    pub fn is_descriptor(&self) -> bool {
        matches!(self.held, Held::Descriptor(_))
    }

    fn is_file(&self) -> bool {
        fs::metadata(&self.target).is_ok_and(|about| about.is_file())
    }
}

fn ends_in_separator(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    text.ends_with(std::path::is_separator)
}

/// The number of an open file of this process that a path stands for.
fn descriptor(within: &Path, target: &Path) -> Option<u32> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let listed = (within.starts_with(own) && within.ends_with("fd")) || within == Path::new("/dev/fd");
    if listed {
        return target.file_name()?.to_str()?.parse().ok();
    }
    // where they are devices and not links
    match fs::symlink_metadata(target).is_ok_and(|about| about.is_symlink()) {
        true => None,
        false if target == Path::new("/dev/stdout") => Some(1),
        false if target == Path::new("/dev/stderr") => Some(2),
        false => None,
    }
}

#[cfg(unix)]
fn is_disk(about: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    about.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_disk(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn identity(target: &Path, about: Option<&Metadata>) -> Option<Identity> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    match about {
        None => Some(Identity::Path(target.to_path_buf())),
        Some(about) if about.is_file() || about.file_type().is_fifo() => {
            Some(Identity::There(about.dev(), about.ino()))
        }
        Some(_) => None,
    }
}

#[cfg(not(unix))]
fn identity(target: &Path, about: Option<&Metadata>) -> Option<Identity> {
    about
        .is_none_or(Metadata::is_file)
        .then(|| Identity::Path(target.to_path_buf()))
}
