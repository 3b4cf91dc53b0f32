//! A destination: an output that is written whole or not at all, and takes nothing away that was there before.
//!
//! What is written goes to another file first. At the end that takes the name, with the mode and the owner of the file
//! that it replaces; a file that has other names, or whose owner it cannot have, is written over instead. Pipes, devices
//! and open files are written to as they are.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, Read, Result, Seek, SeekFrom, Write, copy};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::DataError;
use crate::place::{Held, Place};

/// Files that are not finished.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Number of names tried for temporary files so far, which makes the next one unique in the process.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(|e| e.into_inner())
}

/// Removes the files that are not finished, and lets no other be finished: for a process that is about to end.
pub fn abandon() {
    let mut files = unfinished();
    for path in files.drain(..) {
        let _ = std::fs::remove_file(path);
    }
    // whoever finishes a file waits for the end
    std::mem::forget(files);
}

/// Method by which the written bytes reach the target, and the files that it needs.
enum Way {
    /// By its name; what had that name before.
    Renamed(PathBuf, Option<File>),
    /// Copied over what is there.
    Copied(File),
    /// It is there already.
    Direct,
}

/// An output.
pub struct Destination {
    place: Place,
    file: File,
    way: Way,
}

impl Destination {
    /// Makes ready to write to a place. Waits for the reader of a pipe.
    ///
    /// # Errors
    /// A folder or a file that cannot be written.
    pub fn open(place: Place) -> std::result::Result<Destination, DataError> {
        let refused = |e| DataError::io(&place.named, e);
        let (file, way) = match &place.held {
            Held::Descriptor(number) => (opened(*number, &place.target).map_err(refused)?, Way::Direct),
            Held::Stream => {
                let file = OpenOptions::new().write(true).open(&place.target);
                (file.map_err(refused)?, Way::Direct)
            }
            Held::Nothing => {
                let (file, path) = temporary(&place.target, None).map_err(|e| DataError::Place {
                    path: place.named.clone(),
                    what: format!("cannot be written here: {e}"),
                })?;
                (file, Way::Renamed(path, None))
            }
            Held::File(about) => {
                let there = OpenOptions::new().read(true).write(true).open(&place.target);
                let there = there.or_else(|_| OpenOptions::new().write(true).open(&place.target));
                let there = there.map_err(refused)?;
                match beside(&place.target, about) {
                    Some((file, path)) => (file, Way::Renamed(path, Some(there))),
                    None => (spool(&place.target).map_err(refused)?, Way::Copied(there)),
                }
            }
        };
        Ok(Destination { place, file, way })
    }

    /// The name that it was given.
    pub fn path(&self) -> &Path {
        &self.place.named
    }

    /// Puts what was written where it belongs.
    ///
    /// # Errors
    /// What the operating system says; what was there before is there still.
    pub fn finish(mut self) -> std::result::Result<(), DataError> {
        self.deliver().map_err(|e| DataError::io(&self.place.named, e))
    }

    fn deliver(&mut self) -> Result<()> {
        self.file.flush()?;
        match &mut self.way {
            Way::Direct => Ok(()),
            Way::Copied(there) => {
                // not in the middle of an interrupt
                let _held = unfinished();
                overwrite(there, &mut self.file)
            }
            Way::Renamed(path, there) => {
                let mut files = unfinished();
                let renamed = std::fs::rename(&*path, &self.place.target);
                match (renamed, there) {
                    (Ok(()), _) => files.retain(|p| p != path),
                    // a file that is mounted has a name that cannot be taken
                    (Err(_), Some(there)) => {
                        overwrite(there, &mut self.file)?;
                        let _ = std::fs::remove_file(&*path);
                        files.retain(|p| p != path);
                    }
                    (Err(e), None) => return Err(e),
                }
                drop(files);
                self.way = Way::Direct;
                Ok(())
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if let Way::Renamed(path, _) = &self.way {
            // nothing is left behind; the target was never touched
            let _ = std::fs::remove_file(path);
            unfinished().retain(|p| p != path);
        }
    }
}

/// A new file in the folder of a target, which an end of the process removes.
fn temporary(target: &Path, like: Option<&Metadata>) -> Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    if like.is_some() {
        hide(&mut options);
    }
    // a name of its own, and a short one: names have a longest
    for _ in 0..100 {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".nelder-{}-{count}.part", std::process::id()));
        let mut files = unfinished();
        match options.open(&path) {
            Ok(file) => {
                files.push(path.clone());
                return Ok((file, path));
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(Error::other("the names of temporary files are taken"))
}

/// A new file that may take the place of another: with its mode and its owner. `None` where that cannot be, or would cut
/// the file off from its other names.
fn beside(target: &Path, about: &Metadata) -> Option<(File, PathBuf)> {
    if has_more(target, about) {
        return None;
    }
    let (file, path) = temporary(target, Some(about)).ok()?;
    if alike(&file, about).is_ok() {
        return Some((file, path));
    }
    let _ = std::fs::remove_file(&path);
    unfinished().retain(|p| *p != path);
    None
}

#[cfg(unix)]
fn hide(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    // until it has the mode of what it replaces
    options.mode(0o600);
}

#[cfg(not(unix))]
fn hide(_: &mut OpenOptions) {}

/// Tests if a file has other names (hard links), or rights or attributes beside its mode.
#[cfg(unix)]
fn has_more(target: &Path, about: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    about.nlink() > 1 || has_attributes(target)
}

#[cfg(not(unix))]
fn has_more(_: &Path, _: &Metadata) -> bool {
    false
}

/// Tests if a file has a POSIX access control list, or extended attributes of its owner (`user.`).
#[cfg(target_os = "linux")]
fn has_attributes(target: &Path) -> bool {
    let mut names = vec![0u8; 1 << 16];
    match rustix::fs::listxattr(target, &mut names[..]) {
        Ok(length) => names[..length]
            .split(|b| *b == 0)
            .any(|name| name.starts_with(b"system.posix_acl") || name.starts_with(b"user.")),
        Err(_) => false,
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn has_attributes(_: &Path) -> bool {
    false
}

/// Gives a file the owner and the mode of another.
#[cfg(unix)]
fn alike(file: &File, about: &Metadata) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (about.uid(), about.gid()) {
        fchown(file, Some(about.uid()), Some(about.gid()))?;
    }
    file.set_permissions(about.permissions())
}

#[cfg(not(unix))]
fn alike(file: &File, about: &Metadata) -> Result<()> {
    file.set_permissions(about.permissions())
}

/// A file without a name, in the folder of the target where that can be.
fn spool(target: &Path) -> Result<File> {
    let folder = target.parent().unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())
}

/// An open file of this process, once more.
#[cfg(unix)]
fn opened(number: u32, target: &Path) -> Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(match number {
        1 => std::io::stdout().as_fd().try_clone_to_owned()?,
        2 => std::io::stderr().as_fd().try_clone_to_owned()?,
        // what is there stays there
        _ => return OpenOptions::new().append(true).open(target),
    }))
}

#[cfg(not(unix))]
fn opened(_: u32, target: &Path) -> Result<File> {
    OpenOptions::new().append(true).open(target)
}

/// Puts the bytes of a file in place of those of another. What goes beyond its end is written first, so that a disk that
/// is full is found out before anything of the other is lost.
fn overwrite(there: &mut File, from: &mut File) -> Result<()> {
    let (old, new) = (there.metadata()?.len(), from.metadata()?.len());
    if new > old {
        from.seek(SeekFrom::Start(old))?;
        there.seek(SeekFrom::Start(old))?;
        if let Err(e) = copy(from, there) {
            let _ = there.set_len(old);
            return Err(e);
        }
    }
    from.seek(SeekFrom::Start(0))?;
    there.seek(SeekFrom::Start(0))?;
    copy(&mut from.take(old.min(new)), there)?;
    there.set_len(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        let mut out = Destination::open(Place::of(path).unwrap()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap();
    }

    #[test]
    fn bytes_of_any_length_take_the_place_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        for (old, new) in [
            ("", "new"),
            ("longer than it", "new"),
            ("old", "much longer"),
            ("old", ""),
        ] {
            let _ = std::fs::remove_file(&b);
            std::fs::write(&a, old).unwrap();
            std::fs::hard_link(&a, &b).unwrap();
            write(&a, new);
            assert_eq!(std::fs::read_to_string(&b).unwrap(), new);
            write(&folder.path().join("c"), new);
            assert_eq!(std::fs::read_to_string(folder.path().join("c")).unwrap(), new);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "old").unwrap();
        let mut out = Destination::open(Place::of(&path).unwrap()).unwrap();
        out.write_all(b"new").unwrap();
        drop(out);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
