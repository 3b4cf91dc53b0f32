//! R's names for the columns of a model.

/// The name of the intercept's column.
pub const INTERCEPT: &str = "(Intercept)";

/// One variable of a term, for naming: its label, and what each of its columns appends to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePart {
    /// The variable as R prints it, `poly(x, 2)`.
    pub label: String,
    /// One for each column: `""` for a numeric column, the contrasts' suffixes for a factor,
    /// [`matrix_suffixes`] for a matrix.
    pub suffixes: Vec<String>,
}

impl NamePart {
    /// A variable with one numeric column.
    pub fn numeric(label: impl Into<String>) -> Self {
        NamePart {
            label: label.into(),
            suffixes: vec![String::new()],
        }
    }

    /// A variable with several columns.
    pub fn columns(label: impl Into<String>, suffixes: Vec<String>) -> Self {
        NamePart {
            label: label.into(),
            suffixes,
        }
    }
}

/// Returns the suffixes that the columns of a matrix append to its label: nothing for a single one, else their names, else 1, 2, ….
pub fn matrix_suffixes(names: Option<&[String]>, columns: usize) -> Vec<String> {
    match names {
        _ if columns == 1 => vec![String::new()],
        Some(names) if names.len() == columns => names.to_vec(),
        _ => (1..=columns).map(|k| k.to_string()).collect(),
    }
}

/// The names of a term's columns, in R's order: those of the first variable vary fastest.
///
/// ```
/// use nelder::formula::{NamePart, column_names};
/// let a = NamePart::columns("a", vec!["2".into(), "3".into()]);
/// let b = NamePart::columns("b", vec!["y".into(), "z".into()]);
/// assert_eq!(column_names(&[a, b]), ["a2:by", "a3:by", "a2:bz", "a3:bz"]);
/// ```
pub fn column_names(parts: &[NamePart]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let own = part
            .suffixes
            .iter()
            .map(|suffix| format!("{}{suffix}", part.label));
        if i == 0 {
            names = own.collect();
        } else {
            names = own
                .flat_map(|own| names.iter().map(move |name| format!("{name}:{own}")))
                .collect();
        }
    }
    names
}
