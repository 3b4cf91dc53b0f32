//! Text in columns, as R's `print` lays out matrices and named vectors.

/// R's `options(width = 80)`.
pub(super) const LINE: usize = 80;

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad_left(text: &str, width_wanted: usize) -> String {
    format!("{}{text}", " ".repeat(width_wanted.saturating_sub(width(text))))
}

fn pad_right(text: &str, width_wanted: usize) -> String {
    format!("{text}{}", " ".repeat(width_wanted.saturating_sub(width(text))))
}

/// Alignment of the columns of a printed matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Justify {
    Left,
    Right,
}

/// A character matrix with row labels, `columns` as (heading, cells), in as many panels as the line needs.
pub(super) fn matrix(
    rows: &[String],
    columns: &[(String, Vec<String>)],
    gap: usize,
    justify: Justify,
) -> String {
    let label = rows.iter().map(|r| width(r)).max().unwrap_or(0);
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, cells)| gap + cells.iter().chain([name]).map(|c| width(c)).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    let mut first = 0;
    while first < columns.len() {
        // A panel holds at least one column and ends before the line is full.
        let mut used = label + widths[first];
        let mut last = first + 1;
        while last < columns.len() && used + widths[last] < LINE {
            used += widths[last];
            last += 1;
        }
        let panel = &columns[first..last];
        let headings = panel.iter().map(|(name, _)| name.as_str()).collect();
        let lines = rows.iter().enumerate().map(|(r, name)| {
            (
                name.as_str(),
                panel
                    .iter()
                    .map(|(_, cells)| cells.get(r).map_or("", String::as_str))
                    .collect(),
            )
        });
        for (name, cells) in std::iter::once(("", headings)).chain(lines) {
            let cells: Vec<&str> = cells;
            out.push_str(&pad_right(name, label));
            for (cell, &wide) in cells.into_iter().zip(&widths[first..last]) {
                out.push_str(&match justify {
                    Justify::Right => pad_left(cell, wide),
                    Justify::Left => " ".repeat(gap) + &pad_right(cell, wide - gap),
                });
            }
            out.push('\n');
        }
        first = last;
    }
    out
}

/// A named vector: names over values, as many to a line as fit.
pub(super) fn named_vector(names: &[String], values: &[String], gap: usize) -> String {
    let widest = names.iter().chain(values).map(|t| width(t)).max().unwrap_or(0);
    let per_line = (LINE / (widest + gap)).max(1);
    let mut out = String::new();
    for (names, values) in names.chunks(per_line).zip(values.chunks(per_line)) {
        for texts in [names, values] {
            for text in texts {
                out.push_str(&pad_left(text, widest));
                out.push_str(&" ".repeat(gap));
            }
            out.push('\n');
        }
    }
    out
}

/// A vector without names: its elements in lines that begin with the number of their first.
pub(super) fn vector(values: &[String]) -> String {
    let wide = values.iter().map(|t| width(t)).max().unwrap_or(0);
    let label = values.len().to_string().len() + 2;
    let per_line = ((LINE - label) / (wide + 1)).max(1);
    let mut out = String::new();
    for (line, part) in values.chunks(per_line).enumerate() {
        out.push_str(&pad_left(&format!("[{}]", line * per_line + 1), label));
        for text in part {
            out.push_str(&pad_left(text, wide + 1));
        }
        out.push('\n');
    }
    out
}
