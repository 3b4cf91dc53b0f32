//! Records of a text file: fields, quotes, lines.

use std::borrow::Cow;

/// Syntax of records: the separator of fields, and the quote character that may stand around them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

impl Dialect {
    fn is_blank(&self, b: u8) -> bool {
        matches!(b, b' ' | b'\t') && b != self.delimiter
    }

    /// Splits records; each call of `record` gets the fields of one, and where it begins. Empty lines are no records;
    /// lines of blanks are none if `skip_blank`.
    pub(crate) fn records(
        &self,
        text: &[u8],
        skip_blank: bool,
        mut record: impl FnMut(&[Cow<'_, [u8]>], usize) -> Result<bool, String>,
    ) -> Result<(), (usize, String)> {
        let mut at = 0;
        let mut fields: Vec<Cow<'_, [u8]>> = Vec::new();
        while at < text.len() {
            let start = at;
            fields.clear();
            if let Some(next) = self.after_blank_line(text, at, skip_blank) {
                at = next;
                continue;
            }
            loop {
                let (field, end) = self.field(text, at).map_err(|what| (start, what))?;
                fields.push(field);
                at = end;
                match text.get(at) {
                    Some(&b) if b == self.delimiter => at += 1,
                    Some(b'\r') if text.get(at + 1) == Some(&b'\n') => {
                        at += 2;
                        break;
                    }
                    Some(_) => {
                        at += 1;
                        break;
                    }
                    None => break,
                }
            }
            if !record(&fields, start).map_err(|what| (start, what))? {
                break;
            }
        }
        Ok(())
    }

    /// Where the next line begins, if this one is empty, or of blanks and an end-of-file mark.
    fn after_blank_line(&self, text: &[u8], at: usize, skip_blank: bool) -> Option<usize> {
        let mut end = at;
        while skip_blank && text.get(end).is_some_and(|&b| self.is_blank(b) || b == 0x1a) {
            end += 1;
        }
        match text.get(end) {
            None if end > at => Some(end),
            Some(b'\n') => Some(end + 1),
            Some(b'\r') if text.get(end + 1) == Some(&b'\n') => Some(end + 2),
            Some(b'\r') if end + 1 == text.len() && end > at => Some(end + 1),
            _ => None,
        }
    }

    /// The field that begins at `at`, and the place of the delimiter or line end after it. Blanks may stand around
    /// quotes.
    fn field<'t>(&self, text: &'t [u8], at: usize) -> Result<(Cow<'t, [u8]>, usize), String> {
        let ends = |b: u8, next: Option<&u8>| {
            b == self.delimiter || b == b'\n' || (b == b'\r' && next == Some(&b'\n'))
        };
        let to_end = |mut end: usize| {
            while end < text.len() && !ends(text[end], text.get(end + 1)) {
                end += 1;
            }
            end
        };
        let mut open = at;
        while text.get(open).is_some_and(|&b| self.is_blank(b)) {
            open += 1;
        }
        let quote = match (self.quote, text.get(open)) {
            (Some(quote), Some(&b)) if b == quote => quote,
            _ => {
                let end = to_end(open);
                return Ok((Cow::Borrowed(&text[at..end]), end));
            }
        };
        let (body, close) = quoted(text, open + 1, quote)?;
        let mut after = close + 1;
        while text.get(after).is_some_and(|&b| self.is_blank(b)) {
            after += 1;
        }
        match text.get(after) {
            None => Ok((body, after)),
            Some(&b) if ends(b, text.get(after + 1)) => Ok((body, after)),
            Some(_) if open == at => Err("text follows a closing quote".into()),
            // quotes inside text
            Some(_) => {
                let end = to_end(after);
                Ok((Cow::Borrowed(&text[at..end]), end))
            }
        }
    }
}

/// Returns the text between quotes, the first of them before `from`, with doubled quotes as one, and the place of the last.
fn quoted(text: &[u8], mut from: usize, quote: u8) -> Result<(Cow<'_, [u8]>, usize), String> {
    let mut end = from;
    let mut unescaped: Option<Vec<u8>> = None;
    loop {
        match text.get(end) {
            None => return Err("a quote is not closed".into()),
            Some(&b) if b == quote && text.get(end + 1) == Some(&quote) => {
                unescaped
                    .get_or_insert_default()
                    .extend_from_slice(&text[from..=end]);
                end += 2;
                from = end;
            }
            Some(&b) if b == quote => break,
            Some(_) => end += 1,
        }
    }
    Ok(match unescaped {
        None => (Cow::Borrowed(&text[from..end]), end),
        Some(mut v) => {
            v.extend_from_slice(&text[from..end]);
            (Cow::Owned(v), end)
        }
    })
}

/// Where quotes stand in a text that begins at a record: a quote opens a field only at its beginning, or after blanks
/// there, as in [`Dialect::records`].
pub(crate) struct Quotes {
    quote: Option<u8>,
    pub quoted: bool,
    // nothing but blanks has come of the field
    fresh: bool,
    // a field begins here, or a quote has just ended, which the next quote would undo
    may_open: bool,
}

impl Quotes {
    pub(crate) fn new(quote: Option<u8>) -> Self {
        Quotes {
            quote,
            quoted: false,
            fresh: true,
            may_open: true,
        }
    }

    /// Takes the next byte; whether it ends a record.
    pub(crate) fn ends_record(&mut self, b: u8, delimits: impl Fn(u8) -> bool) -> bool {
        let is_quote = self.quote == Some(b);
        if self.quoted {
            (self.quoted, self.fresh, self.may_open) = (!is_quote, false, true);
            return false;
        }
        self.quoted = is_quote && self.may_open;
        self.fresh = b == b'\n' || delimits(b) || (self.fresh && matches!(b, b' ' | b'\t'));
        self.may_open = self.fresh;
        b == b'\n'
    }
}

/// End of the last whole record in `text`, which begins at a record; `None` if there is none.
pub(crate) fn last_record_end(text: &[u8], dialect: Dialect) -> Option<usize> {
    let (mut quotes, mut end) = (Quotes::new(dialect.quote), None);
    for (i, &b) in text.iter().enumerate() {
        if quotes.ends_record(b, |b| b == dialect.delimiter) {
            end = Some(i + 1);
        }
    }
    end
}

/// Line ends in a text.
pub(crate) fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&b| b == b'\n').count() as u64
}
