//! The first line of a text file, and what it says of the others.

use std::borrow::Cow;

use crate::file::PositionedFile;
use crate::records::{Dialect, Quotes, lines};

/// Bytes of a record at most: a quote that is never closed must not read the whole file into memory.
pub(crate) const RECORD: usize = 64 << 20;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Records that are looked at to find the delimiter.
const SAMPLE: usize = 20;

/// The first line that is not blank.
pub(crate) struct Header {
    /// Where it begins, and the line, from 1.
    pub at: u64,
    pub line: u64,
    pub text: Vec<u8>,
    /// It and what comes after it: the beginning of the file, in whole lines where it is not all of it.
    pub sample: Vec<u8>,
}

/// Finds the header. The delimiter is not known yet.
pub(crate) fn find(file: &PositionedFile, quote: Option<u8>, given: Option<u8>) -> Result<Header, String> {
    let delimits = |b: u8| given.map_or(DELIMITERS.contains(&b), |g| g == b);
    let mut want = 1 << 16;
    loop {
        let length = usize::try_from(file.size().min(want)).unwrap_or(RECORD);
        let text = file.bytes(0, length).map_err(|e| e.to_string())?;
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err("the file is UTF-16; save it as UTF-8".into());
        }
        if text.starts_with(b"\x1f\x8b") {
            return Err("the file is compressed with gzip; let its name end in .gz".into());
        }
        let bom = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let from = bom + blank_lines(&text[bom..]);
        let header = |end: usize, sample: usize| Header {
            at: from as u64,
            line: 1 + lines(&text[..from]),
            text: text[from..end].to_vec(),
            sample: text[from..sample].to_vec(),
        };
        let mut quotes = Quotes::new(quote);
        let end = text[from..].iter().position(|&b| quotes.ends_record(b, delimits));
        match end {
            Some(end) => {
                let whole = match length as u64 == file.size() {
                    true => length,
                    false => text.iter().rposition(|&b| b == b'\n').map_or(length, |i| i + 1),
                };
                return Ok(header(from + end + 1, whole.max(from + end + 1)));
            }
            None if length as u64 == file.size() => {
                let line = &text[from..];
                let last = line.trim_ascii_end().len();
                if line[..last].contains(&b'\r') {
                    return Err("the lines end in carriage returns alone; convert them to line feeds".into());
                }
                return Ok(header(text.len(), text.len()));
            }
            None if length >= RECORD => {
                return Err(format!("no line ends within {} MiB", RECORD >> 20));
            }
            None => want *= 4,
        }
    }
}

/// Bytes of the lines without a letter before the first that has one.
fn blank_lines(text: &[u8]) -> usize {
    let letter = text.iter().position(|b| !matches!(b, b'\n' | b'\r' | b' '));
    let Some(letter) = letter else {
        return text.len();
    };
    text[..letter]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1)
}

/// The delimiter of a sample of a file that begins at its header: the one by which records have as many fields as the
/// header, or one more.
pub(crate) fn delimiter(header: &Header, quote: Option<u8>, decimal: u8) -> u8 {
    let score = |delimiter: u8| {
        let dialect = Dialect { delimiter, quote };
        let (mut widths, mut quoted) = (Vec::new(), true);
        let read = dialect.records(&header.sample, true, |fields, at| {
            widths.push(fields.len());
            let first = header.sample[at..].trim_ascii_start().first();
            quoted &= widths.len() == 1 || (quote.is_some() && first == quote.as_ref());
            Ok(widths.len() <= SAMPLE)
        });
        let head = widths.first().copied().unwrap_or(1);
        let all = |width: usize| widths[1.min(widths.len())..].iter().all(|&w| w == width);
        // names of rows that are not in quotes may be the whole part of a number with a decimal comma
        let fits = match () {
            () if read.is_err() => 0,
            () if head > 1 && all(head) => 3,
            () if (head > 1 || (quoted && widths.len() > 1)) && all(head + 1) => 2,
            () if head > 1 => 1,
            () => 0,
        };
        (fits, head, delimiter == b',')
    };
    DELIMITERS
        .into_iter()
        .filter(|&d| d != decimal)
        .max_by_key(|&d| score(d))
        .unwrap_or(b',')
}

/// The names in a header.
pub(crate) fn names(header: &[u8], dialect: Dialect) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    dialect
        .records(header, false, |fields, _| {
            for f in fields {
                let name = std::str::from_utf8(f).map_err(|_| "the header is not valid UTF-8".to_string())?;
                names.push(name.trim().to_string());
            }
            Ok(false)
        })
        .map_err(|(_, what)| what)?;
    if names.iter().all(String::is_empty) {
        return Err("there is no header; the first line must hold the names of the columns".into());
    }
    Ok(named(names))
}

/// Columns without a name get R's: X, X.1, X.2.
fn named(names: Vec<String>) -> Vec<String> {
    let mut next = 0;
    let mut taken: std::collections::HashSet<String> =
        names.iter().filter(|n| !n.is_empty()).cloned().collect();
    let mut name = |old: String| {
        if !old.is_empty() {
            return old;
        }
        loop {
            let new = if next == 0 {
                "X".to_string()
            } else {
                format!("X.{next}")
            };
            next += 1;
            if taken.insert(new.clone()) {
                return new;
            }
        }
    };
    names.into_iter().map(&mut name).collect()
}

/// The fields of the first record of a text.
pub(crate) fn first_record(text: &[u8], dialect: Dialect) -> Option<Vec<Vec<u8>>> {
    let mut first = None;
    let read = dialect.records(text, true, |fields, _| {
        first = Some(fields.iter().map(|f: &Cow<'_, [u8]>| f.to_vec()).collect());
        Ok(false)
    });
    read.ok().and(first)
}
