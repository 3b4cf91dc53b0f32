//! The type of a column of text: the first that all its fields allow.

use nelder::frame::{EXACT, Kind};

use crate::{TextOptions, TextType};

/// Fields that are no numbers, of those that are counted.
const COUNTED: u64 = 64;

/// Notation of numbers and missing values: the decimal point, and the strings that stand for a missing value.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    decimal: u8,
    missing: Vec<Vec<u8>>,
}

impl Reading {
    pub(crate) fn of(options: &TextOptions) -> Reading {
        Reading {
            decimal: options.decimal,
            missing: options.missing.iter().map(|s| s.as_bytes().to_vec()).collect(),
        }
    }

    pub(crate) fn is_missing(&self, field: &[u8]) -> bool {
        field.is_empty() || self.missing.iter().any(|m| m == field)
    }

    /// Blanks around it make no difference in a column of numbers.
    pub(crate) fn is_missing_number(&self, field: &[u8]) -> bool {
        self.is_missing(field.trim_ascii()) || self.is_missing(field)
    }

    pub(crate) fn number(&self, field: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(field.trim_ascii()).ok()?;
        if self.decimal == b'.' {
            return text.parse().ok();
        }
        match text.contains('.') {
            true => None,
            false => text.replacen(self.decimal as char, ".", 1).parse().ok(),
        }
    }
}

pub(crate) fn logical(field: &[u8]) -> Option<bool> {
    match field {
        b"TRUE" | b"true" | b"True" | b"T" => Some(true),
        b"FALSE" | b"false" | b"False" | b"F" => Some(false),
        _ => None,
    }
}

/// Tests if a field that is a number is written with digits, signs and blanks alone, as whole numbers are.
fn is_digits(field: &[u8]) -> bool {
    let digit = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b' ' | b'\t');
    field.iter().all(digit)
}

/// The whole number that a field of digits is.
pub(crate) fn whole(field: &[u8]) -> Option<i128> {
    let field = field.trim_ascii();
    match is_digits(field) {
        true => std::str::from_utf8(field).ok()?.parse().ok(),
        false => None,
    }
}

/// A field that is no number.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    /// Its row, from 0.
    pub row: u64,
    pub line: u64,
    pub text: String,
}

/// Types that the fields of a column so far allow, and counts of numbers and other fields.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    whole: bool,
    /// Whole numbers beyond double precision.
    wide: bool,
    real: bool,
    logical: bool,
    any: bool,
    numbers: u64,
    others: u64,
    /// The first field that is no number.
    pub stray: Option<Stray>,
}

impl Seen {
    pub(crate) const NOTHING: Seen = Seen {
        whole: true,
        wide: false,
        real: true,
        logical: true,
        any: false,
        numbers: 0,
        others: 0,
        stray: None,
    };

    /// Takes a field; `place` tells its row and line.
    pub(crate) fn field(&mut self, field: &[u8], reading: &Reading, place: impl Fn() -> (u64, u64)) {
        // a column without any text is one of numbers
        if reading.is_missing_number(field) {
            return;
        }
        self.any = true;
        if self.logical && logical(field).is_none() {
            self.logical = false;
        }
        if self.others > COUNTED {
            return;
        }
        match reading.number(field) {
            None => {
                (self.real, self.whole) = (false, false);
                self.others += 1;
                if self.stray.is_none() {
                    let (row, line) = place();
                    let text = String::from_utf8_lossy(field).into_owned();
                    self.stray = Some(Stray { row, line, text });
                }
            }
            Some(x) => {
                self.numbers += 1;
                if self.whole {
                    let small = x.abs() < EXACT as f64;
                    self.whole = is_digits(field) && (small || whole(field).is_some());
                    self.wide |= !small && whole(field).is_some_and(|i| i.unsigned_abs() > EXACT as u128);
                }
            }
        }
    }

    /// With what later rows look like.
    pub(crate) fn join(self, other: Seen) -> Seen {
        Seen {
            whole: self.whole && other.whole,
            wide: self.wide || other.wide,
            real: self.real && other.real,
            logical: self.logical && other.logical,
            any: self.any || other.any,
            numbers: self.numbers + other.numbers,
            others: self.others + other.others,
            stray: self.stray.or(other.stray),
        }
    }

    pub(crate) fn is_wide(&self) -> bool {
        self.whole && self.wide
    }

    /// True if every field is missing.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Seen { any: false, .. } => Kind::Real,
            Seen { whole: true, .. } => Kind::Integer,
            Seen { real: true, .. } => Kind::Real,
            Seen { logical: true, .. } => Kind::Logical,
            _ => Kind::Text,
        }
    }

    /// The type that was asked for, or why the fields are not of it.
    pub(crate) fn forced(&self, to: TextType) -> Result<Kind, String> {
        let first = || match &self.stray {
            Some(s) => format!("{:?} in row {} (line {})", s.text, s.row + 1, s.line),
            None => "a number".to_string(),
        };
        match to {
            TextType::Text => Ok(Kind::Text),
            TextType::Number if self.real => Ok(self.kind()),
            TextType::Number => Err(format!("{} is no number", first())),
            TextType::Logical if self.logical => Ok(Kind::Logical),
            TextType::Logical => Err(format!("it has {}, which is not TRUE or FALSE", first())),
        }
    }

    /// Returns a remark on a column of text most of whose fields are numbers: the first other field, and a remedy.
    pub(crate) fn remark(&self, name: &str, reading: &Reading) -> Option<String> {
        let stray = self.stray.as_ref()?;
        if self.kind() != Kind::Text || self.numbers <= self.others {
            return self.commas(name, stray, reading);
        }
        let text = stray.text.trim();
        let hint = match text {
            t if is_grouped(t) => "numbers are written without separators of thousands".to_string(),
            t if looks_decimal(t) && reading.decimal == b'.' => "is that a decimal comma (--dec ,)?".into(),
            t => format!("--na-strings {t:?} makes it a missing value"),
        };
        Some(format!(
            "`{name}` is taken for text, and so for a factor: {:?} in row {} (line {}) is no number, although most of its \
             values are; {hint}",
            stray.text,
            stray.row + 1,
            stray.line
        ))
    }

    /// The same of a column whose first other field has a decimal comma.
    fn commas(&self, name: &str, stray: &Stray, reading: &Reading) -> Option<String> {
        let all = self.kind() == Kind::Text && looks_decimal(stray.text.trim());
        (all && reading.decimal == b'.').then(|| {
            format!(
                "`{name}` is taken for text, and so for a factor: {:?} in row {} (line {}) is no number; is that a decimal \
                 comma (--dec ,)?",
                stray.text,
                stray.row + 1,
                stray.line
            )
        })
    }
}

/// Tests if a text is a number with separators of thousands, such as 1,200.
fn is_grouped(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+', '$']);
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let whole = text.split('.').next().unwrap_or_default();
    let rest: Vec<&str> = whole.split(',').skip(1).collect();
    !first.is_empty()
        && first.len() <= 3
        && first.bytes().all(|b| b.is_ascii_digit())
        && !rest.is_empty()
        && rest
            .iter()
            .all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))
}

/// Tests if a text is a number but for a decimal comma.
fn looks_decimal(text: &str) -> bool {
    text.contains(',') && !text.contains('.') && text.replacen(',', ".", 1).parse::<f64>().is_ok()
}
