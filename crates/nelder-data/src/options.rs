//! Options for reading text files: separator, decimal point, quotes, missing values, types and names of columns.

/// The type of a column of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextType {
    /// Strings.
    Text,
    /// Numbers.
    Number,
    /// `TRUE` or `FALSE`.
    Logical,
}

/// Options for reading text files; a separator, types and names that are not given are found in the file.
///
/// ```
/// use nelder_data::TextOptions;
/// let options = TextOptions { decimal: b',', ..TextOptions::default() };
/// assert_eq!(options.missing, ["NA"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Separator of fields; `None` for a tab in .tsv files, and one that is found in the others.
    pub separator: Option<u8>,
    /// The decimal point.
    pub decimal: u8,
    /// Quote character around fields that contain separators or line ends; `None` for none.
    pub quote: Option<u8>,
    /// Strings that stand for a missing value; an empty field is missing in any case.
    pub missing: Vec<String>,
    /// Types of columns by name.
    pub types: Vec<(String, TextType)>,
    /// Columns that are text, where the file has them and `types` says nothing of them.
    pub text: Vec<String>,
    /// Columns that are logical where the file has no value of them.
    pub logical: Vec<String>,
    /// Names of the columns, where the file has none, or others.
    pub names: Vec<String>,
}

impl TextOptions {
    /// True where a separator, decimal point, quote, missing value, type or name is not the default; the columns that a fit knows to
    /// be text or logical do not count.
    pub(crate) fn says_how(&self) -> bool {
        let plain = TextOptions {
            text: self.text.clone(),
            logical: self.logical.clone(),
            ..TextOptions::default()
        };
        *self != plain
    }
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            separator: None,
            decimal: b'.',
            quote: Some(b'"'),
            missing: vec!["NA".into()],
            types: Vec::new(),
            text: Vec::new(),
            logical: Vec::new(),
            names: Vec::new(),
        }
    }
}
