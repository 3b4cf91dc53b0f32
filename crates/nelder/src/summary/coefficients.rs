//! Matrices of coefficients and tests, printed by R's rules for `printCoefmat`.

use super::format::{
    SMALLEST_P, STARS_LEGEND, format_optional, format_p_value, format_significant, round_half_even, stars,
    zapsmall,
};
use super::record::CoefficientRow;
use super::text::{self, Justify};

/// Kind of values in a column of a [`TestMatrix`], which decides their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Estimates and their standard errors: one layout for all of them together.
    Coefficient,
    /// Test statistics: few decimals, one layout for all of them together.
    Statistic,
    /// Sums of squares and the like: rounded to the digits of the largest, each column by itself.
    Amount,
    /// Counts, such as degrees of freedom: each column by itself.
    Count,
    /// p-values; at most one column, the last.
    PValue,
}

/// One column: heading, meaning, and a value for each row, `None` where R has `NA`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// Kind of its values.
    pub role: Role,
    /// One value for each row.
    pub values: Vec<Option<f64>>,
}

impl Column {
    /// A column from its parts.
    pub fn new(name: &str, role: Role, values: Vec<Option<f64>>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            values,
        }
    }
}

/// Named rows of numbers with tests: what R prints by `printCoefmat`.
#[derive(Debug, Clone, PartialEq)]
pub struct TestMatrix {
    /// The row labels.
    pub rows: Vec<String>,
    /// The columns, each as long as `rows`.
    pub columns: Vec<Column>,
}

impl TestMatrix {
    /// The matrix as R prints it with `digits` significant digits, missing cells written as `missing`, with stars and
    /// their legend where a p-value is under 0.1.
    pub fn print(&self, digits: usize, missing: &str) -> String {
        let n = self.rows.len();
        let test_digits = digits.saturating_sub(1).clamp(1, 5);
        let mut cells: Vec<Vec<String>> = vec![Vec::new(); self.columns.len()];
        // The cells were rounded first, so what is compared to zero below are the amounts after rounding.
        let values: Vec<Vec<Option<f64>>> = self
            .columns
            .iter()
            .map(|column| {
                if column.role == Role::Amount {
                    zap(&column.values, digits)
                } else {
                    column.values.clone()
                }
            })
            .collect();

        let of = |role: Role| {
            self.columns
                .iter()
                .enumerate()
                .filter(move |(_, c)| c.role == role)
                .map(|(j, _)| j)
        };
        let coefficients: Vec<usize> = of(Role::Coefficient).collect();
        let decimals = coefficient_decimals(coefficients.iter().flat_map(|&j| &values[j]), digits);
        together(&coefficients, &values, &mut cells, digits, |v| {
            round_half_even(v, decimals)
        });
        let statistics: Vec<usize> = of(Role::Statistic).collect();
        together(&statistics, &values, &mut cells, digits, |v| {
            round_half_even(v, test_digits as i32)
        });
        for j in of(Role::Amount).chain(of(Role::Count)) {
            cells[j] = format_optional(&values[j], digits);
        }
        self.restore_vanished(&values, &mut cells, digits);

        let mut star_column = None;
        for (j, column) in self.columns.iter().enumerate() {
            if column.role == Role::PValue {
                let known: Vec<f64> = column
                    .values
                    .iter()
                    .flatten()
                    .copied()
                    .filter(|p| !p.is_nan())
                    .collect();
                let mut texts = format_p_value(&known, test_digits, SMALLEST_P).into_iter();
                cells[j] = column
                    .values
                    .iter()
                    .map(|p| {
                        if p.is_some_and(|p| !p.is_nan()) {
                            texts.next().unwrap_or_default()
                        } else {
                            String::new()
                        }
                    })
                    .collect();
                if known.iter().any(|&p| p < 0.1) {
                    star_column = Some(star_cells(&column.values));
                }
            }
            for (cell, value) in cells[j].iter_mut().zip(&column.values) {
                match value {
                    None => *cell = missing.to_owned(),
                    Some(v) if v.is_nan() => *cell = "NaN".to_owned(),
                    Some(_) => {}
                }
            }
        }

        let mut columns: Vec<(String, Vec<String>)> =
            self.columns.iter().map(|c| c.name.clone()).zip(cells).collect();
        let starred = star_column.is_some();
        columns.extend(star_column.map(|cells| (String::new(), cells)));
        debug_assert!(columns.iter().all(|(_, cells)| cells.len() == n));
        let mut out = text::matrix(&self.rows, &columns, 1, Justify::Right);
        if starred {
            out.push_str("---\n");
            out.push_str(STARS_LEGEND);
            out.push('\n');
        }
        out
    }

    /// A cell that is written as zero but is not zero gets its own digits.
    fn restore_vanished(&self, values: &[Vec<Option<f64>>], cells: &mut [Vec<String>], digits: usize) {
        let mut vanished = Vec::new();
        // R walks down the columns.
        for (j, column) in self.columns.iter().enumerate() {
            if matches!(column.role, Role::Statistic | Role::PValue) {
                continue;
            }
            for (i, value) in values[j].iter().enumerate() {
                let Some(v) = value.filter(|v| !v.is_nan()) else {
                    continue;
                };
                let written: f64 = cells[j][i].trim().parse().unwrap_or(v);
                if (v == 0.0) != (written == 0.0) {
                    vanished.push((j, i, v));
                }
            }
        }
        let texts = format_significant(
            &vanished.iter().map(|c| c.2).collect::<Vec<_>>(),
            digits.saturating_sub(1).max(1),
        );
        for ((j, i, _), text) in vanished.into_iter().zip(texts) {
            cells[j][i] = text;
        }
    }
}

/// [`zapsmall`] of the known values.
fn zap(values: &[Option<f64>], digits: usize) -> Vec<Option<f64>> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let mut zapped = zapsmall(&known, digits as i32).into_iter();
    values.iter().map(|v| v.and_then(|_| zapped.next())).collect()
}

/// The decimals that leave `digits` significant digits to the smallest coefficient or standard error.
fn coefficient_decimals<'a>(values: impl Iterator<Item = &'a Option<f64>>, digits: usize) -> i32 {
    let smallest = values
        .flatten()
        .map(|v| v.abs())
        .filter(|v| v.is_finite() && *v != 0.0)
        .fold(f64::INFINITY, f64::min);
    let before = if smallest.is_finite() {
        1 + smallest.log10().floor() as i32
    } else {
        1
    };
    (digits as i32 - before).max(1)
}

/// Formats several columns in one layout, each value rounded first.
fn together(
    columns: &[usize],
    values: &[Vec<Option<f64>>],
    cells: &mut [Vec<String>],
    digits: usize,
    round: impl Fn(f64) -> f64,
) {
    let all: Vec<Option<f64>> = columns
        .iter()
        .flat_map(|&j| &values[j])
        .map(|v| v.map(&round))
        .collect();
    let mut texts = format_optional(&all, digits).into_iter();
    for &j in columns {
        cells[j] = texts.by_ref().take(values[j].len()).collect();
    }
}

/// Stars of each row, left-justified to the widest.
fn star_cells(p: &[Option<f64>]) -> Vec<String> {
    let marks: Vec<&str> = p.iter().map(|p| p.map_or("", stars)).collect();
    let widest = marks.iter().map(|m| m.len()).max().unwrap_or(0);
    marks.iter().map(|m| format!("{m:<widest$}")).collect()
}

/// The coefficient table of `summary.lm` with R's `digits` for printing (`max(3, getOption("digits") - 3)`, so 4):
/// Estimate, Std. Error, t value, Pr(>|t|), stars and their legend; aliased rows `NA`.
pub fn print_coefficient_matrix(rows: &[CoefficientRow], digits: usize) -> String {
    print_tested(rows, digits, 't')
}

/// The same with the name of the statistic, `t` or `z`.
pub fn print_tested(rows: &[CoefficientRow], digits: usize, test: char) -> String {
    let column = |name: &str, role, value: fn(&CoefficientRow) -> Option<f64>| {
        Column::new(name, role, rows.iter().map(value).collect())
    };
    TestMatrix {
        rows: rows.iter().map(|r| r.term.clone()).collect(),
        columns: vec![
            column("Estimate", Role::Coefficient, |r| r.estimate),
            column("Std. Error", Role::Coefficient, |r| r.std_error),
            column(&format!("{test} value"), Role::Statistic, |r| r.statistic),
            column(&format!("Pr(>|{test}|)"), Role::PValue, |r| r.p_value),
        ],
    }
    .print(digits, "NA")
}
