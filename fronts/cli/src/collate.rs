//! The order of text: by byte, or as in a dictionary.

use std::cmp::Ordering;
use std::sync::OnceLock;

use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;
use nelder::design::{Columns, Rows};
use nelder::formula::Contrast;
use nelder::frame::set_collation;

use crate::output::note;

/// Unicode's order of strings without the rules of any language (CLDR's root).
fn root() -> Option<&'static CollatorBorrowed<'static>> {
    static ROOT: OnceLock<Option<CollatorBorrowed<'static>>> = OnceLock::new();
    let made =
        ROOT.get_or_init(|| CollatorBorrowed::try_new(Default::default(), CollatorOptions::default()).ok());
    made.as_ref()
}

fn in_a_dictionary(a: &str, b: &str) -> Ordering {
    root().map_or_else(|| a.cmp(b), |root| root.compare(a, b))
}

/// Sets the order of text for what is read from now on.
pub fn set(order: &str) {
    if order == "root" {
        set_collation(in_a_dictionary);
    }
}

/// Says of factors in the order of bytes which of them would have another reference level in a dictionary's order, as R
/// has it in most locales. The first level of the `response` of a binomial family is its failure.
pub fn note_reference(order: &str, columns: &Columns, rows: &Rows<'_>, response: Option<usize>) {
    if order != "C" {
        return;
    }
    // levels are listed of what has columns; a response has none
    let of_response = response.and_then(|v| rows.places_of_text(v));
    let all = columns.levels.iter().zip(&columns.contrasts).zip(rows.labels());
    for (variable, ((levels, contrast), label)) in all.enumerate() {
        let collated = levels.as_ref().filter(|l| l.collated).map(|l| &l.labels);
        let own = match response == Some(variable) {
            true => of_response.as_ref(),
            false => collated,
        };
        let Some(labels) = own else {
            continue;
        };
        let first = labels.first();
        let other = labels
            .iter()
            .min_by(|a, b| in_a_dictionary(a, b).then_with(|| a.cmp(b)));
        let (Some(first), Some(other)) = (first, other) else {
            continue;
        };
        let role = match contrast {
            _ if response == Some(variable) => "failure",
            Some(contrast) if *contrast == Contrast::default_for(false) => "reference level",
            Some(_) => "first level",
            None => continue,
        };
        if first != other {
            // an ordered factor has no reference
            let or = match contrast {
                Some(contrast) if *contrast == Contrast::default_for(true) => String::new(),
                _ => format!(", or relevel({label}, ref = \"{other}\")"),
            };
            note(&format!(
                "nelder: note: the {role} of `{label}` is \"{first}\", the first by byte; in a dictionary \"{other}\" is \
                 first, as in R in most locales: --collate root{or}"
            ));
        }
    }
}
