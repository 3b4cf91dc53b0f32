//! Where a command writes, looked at before it computes: no output is an input, none is another.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use nelder_data::{Destination, Place};

use crate::failure::Failure;

/// Destinations of the outputs that are named, each by its option, in their order; `-` is standard output.
pub fn destinations<const N: usize>(
    inputs: &[PathBuf],
    named: [(&str, Option<&Path>); N],
) -> Result<[Option<Destination>; N], Failure> {
    let mut streams = Vec::new();
    for (number, name) in [(1, "standard output"), (2, "standard error")] {
        if let Some(place) = Place::standard(number) {
            no_input(inputs, name, &place)?;
            streams.push((name.to_string(), place));
        }
    }
    let mut wanted: [Option<(String, Place)>; N] = std::array::from_fn(|_| None);
    for (i, (option, path)) in named.into_iter().enumerate() {
        let Some(path) = path else { continue };
        let place = Place::of(if is_dash(path) {
            Path::new("/dev/stdout")
        } else {
            path
        })?;
        let name = format!("{option} {}", path.display());
        no_input(inputs, &name, &place)?;
        // what is named as an open file is written to as that, after what it holds
        let beside = streams.iter().filter(|_| !place.is_descriptor());
        let others = wanted[..i].iter().flatten();
        if let Some((other, _)) = others.chain(beside).find(|(_, other)| place.is(other)) {
            return Err(Failure::Usage(format!(
                "{name} and {other} are the same file; give each a name of its own"
            )));
        }
        wanted[i] = Some((name, place));
    }
    let mut opened = std::array::from_fn(|_| None);
    for (destination, wanted) in opened.iter_mut().zip(wanted) {
        if let Some((_, place)) = wanted {
            *destination = Some(Destination::open(place)?);
        }
    }
    Ok(opened)
}

fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

fn no_input(inputs: &[PathBuf], name: &str, place: &Place) -> Result<(), Failure> {
    let read = |path: &Path| match is_dash(path) {
        true => place.is_of(Path::new("/dev/stdin")),
        false => place.is_of(path),
    };
    match inputs.iter().find(|path| read(path.as_path())) {
        None => Ok(()),
        Some(path) => Err(Failure::Usage(format!(
            "{name} would write over what is read, {}; give it another name",
            path.display()
        ))),
    }
}

/// Writes all that a destination is to hold.
pub fn write_whole(
    mut destination: Destination,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let name = destination.path().display().to_string();
    let mut out = BufWriter::new(&mut destination);
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(|e| Failure::Data(format!("{name}: {e}")))?;
    drop(out);
    Ok(destination.finish()?)
}

/// The first failure of several outputs, with what the others say.
pub fn all(written: impl IntoIterator<Item = Result<(), Failure>>) -> Result<(), Failure> {
    let mut failures: Vec<Failure> = written.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() {
        return Ok(());
    }
    if failures.len() == 1 || failures.iter().any(|f| matches!(f, Failure::Interrupted)) {
        return Err(failures.swap_remove(0));
    }
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    Err(Failure::Data(told.join("\n")))
}
