//! Contrasts, which code a factor's levels as columns: R's `contr.treatment`, `contr.sum`, `contr.helmert`, `contr.poly`.

use serde::{Deserialize, Serialize};

use super::{ContrastError, GivenContrasts, nearest};

/// The most levels polynomial contrasts are defined for, as in R.
const MAX_POLY_LEVELS: usize = 95;

/// A way to code a factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Contrast {
    /// Each level against level `base` (from 0): indicators of the others. R's default for unordered factors.
    Treatment {
        /// The level without a column, from 0.
        base: usize,
    },
    /// Each level but the last against the mean of all.
    Sum,
    /// Each level but the first against the mean of those before it.
    Helmert,
    /// Orthogonal polynomials in 1, 2, …; R's default for ordered factors.
    Poly,
    /// An indicator for each level.
    Identity,
    /// Each level against the last: R's `contr.SAS`.
    Sas,
    /// The columns of a rule in number, as R's `C(f, sum, how.many)` evaluates the rule for the number of levels: so
    /// those of treatment contrasts are named by number.
    Numbered {
        /// The rule.
        rule: Box<Contrast>,
        /// Number of columns; one less than levels where it is not said.
        columns: Option<usize>,
    },
    /// A matrix of numbers.
    Given(GivenContrasts),
}

impl Contrast {
    /// R's default: polynomials for ordered factors, treatment against the first level for the others.
    pub fn default_for(ordered: bool) -> Contrast {
        if ordered {
            Contrast::Poly
        } else {
            Contrast::Treatment { base: 0 }
        }
    }

    /// The contrast of a name, with or without R's `contr.`.
    ///
    /// ```
    /// use nelder::formula::Contrast;
    /// assert_eq!(Contrast::parse("contr.sum"), Ok(Contrast::Sum));
    /// assert!(Contrast::parse("helmet").unwrap_err().to_string().contains("did you mean `helmert`?"));
    /// ```
    ///
    /// # Errors
    /// [`ContrastError::Unknown`] with the nearest name.
    pub fn parse(name: &str) -> Result<Contrast, ContrastError> {
        let short = name.trim();
        let short = short.strip_prefix("contr.").unwrap_or(short);
        Ok(match short {
            "treatment" => Contrast::Treatment { base: 0 },
            "sum" => Contrast::Sum,
            "helmert" => Contrast::Helmert,
            "poly" => Contrast::Poly,
            "SAS" => Contrast::Sas,
            "identity" => Contrast::Identity,
            _ => {
                let known = ["treatment", "sum", "helmert", "poly", "SAS", "identity"];
                let suggestion = nearest(short, known.into_iter()).map(String::from);
                return Err(ContrastError::Unknown {
                    name: name.to_string(),
                    suggestion,
                });
            }
        })
    }

    /// The contrasts of a factor with that many levels.
    ///
    /// ```
    /// use nelder::formula::Contrast;
    /// let sum = Contrast::Sum.matrix(3)?;
    /// assert_eq!(sum.to_dense(), [1.0, 0.0, -1.0, 0.0, 1.0, -1.0]);
    /// # Ok::<(), nelder::formula::ContrastError>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than 2 levels (1 is enough for `Identity`), more than 95 for `Poly`, a base that is no level.
    pub fn matrix(&self, levels: usize) -> Result<ContrastMatrix, ContrastError> {
        let wrong = match self {
            Contrast::Identity if levels > 0 => None,
            _ if levels < 2 => Some(ContrastError::TooFewLevels { levels }),
            &Contrast::Treatment { base } if base >= levels => {
                Some(ContrastError::NoSuchBase { base, levels })
            }
            Contrast::Poly if levels > MAX_POLY_LEVELS => Some(ContrastError::TooManyLevels { levels }),
            Contrast::Given(given) if given.levels() != levels => Some(ContrastError::WrongRows {
                rows: given.levels(),
                levels,
            }),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let dense = match self {
            Contrast::Poly => polynomials(levels),
            Contrast::Given(given) => given.values().to_vec(),
            Contrast::Numbered { rule, columns } => {
                let matrix = rule.matrix(levels)?;
                let given = GivenContrasts::new(levels, matrix.to_dense(), None)?;
                given.how_many(columns.unwrap_or(levels - 1))?.values().to_vec()
            }
            _ => Vec::new(),
        };
        let rule = match self {
            Contrast::Treatment { base } => Rule::Treatment(*base),
            Contrast::Sas => Rule::Treatment(levels - 1),
            Contrast::Identity => Rule::Identity,
            Contrast::Sum => Rule::Sum,
            Contrast::Helmert => Rule::Helmert,
            Contrast::Poly | Contrast::Numbered { .. } | Contrast::Given(_) => Rule::Dense,
        };
        Ok(ContrastMatrix { rule, levels, dense })
    }

    /// The level without a column, where the others are indicators.
    pub fn base(&self, levels: usize) -> Option<usize> {
        match self {
            Contrast::Treatment { base } => Some(*base),
            Contrast::Sas => levels.checked_sub(1),
            _ => None,
        }
    }

    /// Returns the suffixes that R appends to the variable's name, one a column: the levels' labels for treatment and identity,
    /// `1`, `2`, … for sum and Helmert, `.L .Q .C ^4` … for polynomials.
    pub fn suffixes(&self, labels: &[String]) -> Vec<String> {
        let columns = 1..labels.len().max(1);
        let without = |base: usize, labels: &[String]| {
            let others = labels.iter().enumerate().filter(|(i, _)| *i != base);
            others.map(|(_, label)| label.clone()).collect()
        };
        match self {
            Contrast::Identity => labels.to_vec(),
            Contrast::Treatment { base } => without(*base, labels),
            Contrast::Sas => without(labels.len().saturating_sub(1), labels),
            Contrast::Sum | Contrast::Helmert => columns.map(|k| k.to_string()).collect(),
            Contrast::Poly => columns
                .map(|k| match k {
                    1 => ".L".to_string(),
                    2 => ".Q".to_string(),
                    3 => ".C".to_string(),
                    _ => format!("^{k}"),
                })
                .collect(),
            Contrast::Numbered { rule, columns } => {
                let numbers: Vec<String> = (1..=labels.len()).map(|k| k.to_string()).collect();
                let mut own = rule.suffixes(&numbers);
                own.truncate(columns.unwrap_or(own.len()));
                own
            }
            Contrast::Given(given) => given.suffixes().to_vec(),
        }
    }
}

/// Rule for the entries of a contrast matrix, by level and column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Treatment(usize),
    Identity,
    Sum,
    Helmert,
    Dense,
}

/// The columns of a factor: levels x columns, kept as a rule where it is one, so that a factor of 100,000
/// levels costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct ContrastMatrix {
    rule: Rule,
    levels: usize,
    /// Column by column; empty unless the rule is to look here.
    dense: Vec<f64>,
}

impl ContrastMatrix {
    /// Number of levels (rows).
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Number of columns: one less than levels by a rule, as many for indicators of all, any number otherwise.
    pub fn columns(&self) -> usize {
        match self.rule {
            Rule::Identity => self.levels,
            Rule::Dense => self.dense.len() / self.levels,
            _ => self.levels - 1,
        }
    }

    /// Tests if each row is zero but for at most a single 1: treatment and identity.
    pub fn is_indicator(&self) -> bool {
        matches!(self.rule, Rule::Treatment(_) | Rule::Identity)
    }

    /// The column that is 1 for a level where [`is_indicator`](Self::is_indicator); `None` for the base, and
    /// for contrasts that are not indicators.
    pub fn column_of(&self, level: usize) -> Option<usize> {
        match self.rule {
            Rule::Identity => Some(level),
            Rule::Treatment(base) if level < base => Some(level),
            Rule::Treatment(base) if level > base => Some(level - 1),
            _ => None,
        }
        .filter(|_| level < self.levels)
    }

    /// One entry; 0 outside of the matrix.
    pub fn get(&self, level: usize, column: usize) -> f64 {
        if level >= self.levels || column >= self.columns() {
            return 0.0;
        }
        match self.rule {
            Rule::Identity | Rule::Treatment(_) => f64::from(self.column_of(level) == Some(column)),
            Rule::Sum if level + 1 == self.levels => -1.0,
            Rule::Sum => f64::from(level == column),
            Rule::Helmert if level <= column => -1.0,
            Rule::Helmert if level == column + 1 => level as f64,
            Rule::Helmert => 0.0,
            Rule::Dense => self.dense[column * self.levels + level],
        }
    }

    /// The entries of a level's row that are not zero by construction, as (column, value), columns increasing.
    pub fn row(&self, level: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let columns = match self.rule {
            _ if level >= self.levels => 0..0,
            Rule::Identity | Rule::Treatment(_) => match self.column_of(level) {
                Some(column) => column..column + 1,
                None => 0..0,
            },
            Rule::Sum if level + 1 < self.levels => level..level + 1,
            Rule::Helmert => level.saturating_sub(1)..self.columns(),
            Rule::Sum | Rule::Dense => 0..self.columns(),
        };
        columns.map(move |column| (column, self.get(level, column)))
    }

    /// All entries, column by column.
    pub fn to_dense(&self) -> Vec<f64> {
        (0..self.columns())
            .flat_map(|j| (0..self.levels).map(move |i| self.get(i, j)))
            .collect()
    }
}

/// Orthonormal polynomials of degree 1 to n - 1 on n equidistant points, leading coefficient positive, n x
/// (n - 1) column by column: R's `contr.poly`.
///
/// R takes a QR of the powers, which loses digits as n grows (1e-10 at 20 levels, all of them at 30). These are
/// the discrete Chebyshev (Gram) polynomials t_k, whose values divided by k! are integers below 2^118 for up to
/// 95 points, so that their recurrence (Abramowitz & Stegun 22.17)
///
/// ```text
/// (k + 1)² τ_{k+1}(x) = (2k + 1)(2x - n + 1) τ_k(x) - (n² - k²) τ_{k-1}(x)
/// ```
///
/// is exact in 128-bit integers, and each entry is right to a few units in the last place.
fn polynomials(n: usize) -> Vec<f64> {
    let size = n as i128;
    let mut before: Vec<i128> = vec![1; n];
    let mut current: Vec<i128> = (0..size).map(|x| 2 * x - size + 1).collect();
    let mut out = Vec::with_capacity(n * n.saturating_sub(1));
    for k in 1..size {
        // sums of squares of positive terms: no cancellation
        let norm = current
            .iter()
            .map(|&v| (v as f64) * (v as f64))
            .sum::<f64>()
            .sqrt();
        out.extend(current.iter().map(|&v| v as f64 / norm));
        let d = (k + 1) * (k + 1);
        let next = (0..size)
            .zip(current.iter().zip(&before))
            .map(|(x, (&here, &last))| {
                let (a, b) = ((2 * k + 1) * (2 * x - size + 1), size * size - k * k);
                // the products would need 132 bits; quotients and remainders do not
                a * (here / d) - b * (last / d) + (a * (here % d) - b * (last % d)) / d
            });
        let next = next.collect();
        before = std::mem::replace(&mut current, next);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_orthonormal() {
        for n in [2, 3, 7, 20, 40, 95] {
            let m = Contrast::Poly.matrix(n).unwrap().to_dense();
            // n products, each with a few roundings
            let tolerance = 8.0 * f64::EPSILON;
            for i in 0..n - 1 {
                let column = |k: usize| &m[k * n..(k + 1) * n];
                assert!(
                    column(i).iter().sum::<f64>().abs() < tolerance * (n as f64).sqrt(),
                    "{n} {i}"
                );
                assert!(column(i)[n - 1] > 0.0, "the leading coefficient is positive");
                for j in 0..=i {
                    let dot: f64 = column(i).iter().zip(column(j)).map(|(a, b)| a * b).sum();
                    assert!((dot - f64::from(i == j)).abs() < tolerance, "{n} {i} {j} {dot:e}");
                }
            }
        }
    }

    #[test]
    fn polynomials_in_closed_form() {
        let m = Contrast::Poly.matrix(5).unwrap().to_dense();
        let exact = [
            ([-2.0, -1.0, 0.0, 1.0, 2.0], 10.0),
            ([2.0, -1.0, -2.0, -1.0, 2.0], 14.0),
            ([-1.0, 2.0, 0.0, -2.0, 1.0], 10.0),
            ([1.0, -4.0, 6.0, -4.0, 1.0], 70.0_f64),
        ];
        for (k, (values, squares)) in exact.iter().enumerate() {
            for (i, value) in values.iter().enumerate() {
                assert!((m[5 * k + i] - value / squares.sqrt()).abs() <= f64::EPSILON);
            }
        }
    }

    #[test]
    fn rows_and_columns_agree() {
        let all = [
            Contrast::Treatment { base: 0 },
            Contrast::Treatment { base: 2 },
            Contrast::Treatment { base: 4 },
            Contrast::Sum,
            Contrast::Helmert,
            Contrast::Poly,
            Contrast::Identity,
            Contrast::Sas,
            Contrast::Numbered {
                rule: Box::new(Contrast::Helmert),
                columns: Some(2),
            },
            Contrast::Given(GivenContrasts::new(5, (0..35).map(f64::from).collect(), None).unwrap()),
        ];
        for contrast in all {
            let m = contrast.matrix(5).unwrap();
            let dense = m.to_dense();
            let labels: Vec<String> = (0..5).map(|i| i.to_string()).collect();
            assert_eq!(dense.len(), 5 * m.columns());
            assert_eq!(contrast.suffixes(&labels).len(), m.columns());
            for level in 0..5 {
                let mut row = vec![0.0; m.columns()];
                for (column, value) in m.row(level) {
                    assert_ne!((value, m.is_indicator()), (0.0, true));
                    row[column] = value;
                }
                let expected: Vec<f64> = (0..m.columns()).map(|j| dense[j * 5 + level]).collect();
                assert_eq!(row, expected, "{contrast:?} {level}");
                if m.is_indicator() {
                    assert_eq!(m.column_of(level), row.iter().position(|&v| v == 1.0));
                }
            }
            assert_eq!(
                (m.row(5).count(), m.get(5, 0), m.get(0, 9), m.column_of(5)),
                (0, 0.0, 0.0, None)
            );
        }
    }

    #[test]
    fn a_large_factor_costs_nothing() {
        let m = Contrast::Treatment { base: 0 }.matrix(4_000_000_000).unwrap();
        assert_eq!(m.row(3_999_999_999).collect::<Vec<_>>(), [(3_999_999_998, 1.0)]);
    }

    #[test]
    fn what_cannot_be_coded() {
        let error = |contrast: Contrast, levels| contrast.matrix(levels).unwrap_err();
        assert_eq!(error(Contrast::Sum, 1), ContrastError::TooFewLevels { levels: 1 });
        assert_eq!(
            error(Contrast::Identity, 0),
            ContrastError::TooFewLevels { levels: 0 }
        );
        assert_eq!(
            error(Contrast::Poly, 96),
            ContrastError::TooManyLevels { levels: 96 }
        );
        assert_eq!(
            error(Contrast::Treatment { base: 3 }, 3),
            ContrastError::NoSuchBase { base: 3, levels: 3 }
        );
        assert_eq!(Contrast::Identity.matrix(1).unwrap().to_dense(), [1.0]);
        let unknown = Contrast::parse("contr.treatmnt").unwrap_err().to_string();
        assert!(
            unknown.starts_with("there are no contrasts named `contr.treatmnt`; did you mean `treatment`?")
        );
        assert!(!Contrast::parse("xyzzy").unwrap_err().to_string().contains("mean"));
        for name in ["treatment", "sum", "helmert", "poly", "identity"] {
            assert_eq!(Contrast::parse(name), Contrast::parse(&format!("contr.{name}")));
        }
    }
}
