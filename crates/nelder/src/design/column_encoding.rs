//! Map from the atoms of a row (dense columns and codes) to the columns of the model matrix: no names, only positions.

use nelder_device::Dd;

use super::BlockSchema;

/// Where a column of the model matrix comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Ones.
    Intercept,
    /// A dense column of the block.
    Dense(usize),
    /// A contrast of a group's codes, times a multiplier.
    Coded {
        /// The group.
        group: usize,
        /// Position in the group's multipliers.
        multiplier: usize,
    },
}

/// A row of a contrast matrix: (column of the model matrix, value).
pub type ContrastRow = Vec<(u32, f64)>;

/// Parametrisation of an absorbed factor: the columns that its levels became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parametrization {
    /// An intercept for the base level and a difference for each other level.
    Treatment {
        /// The base level's position among the used levels.
        base: usize,
    },
    /// An intercept for the mean of the levels and a deviation for each but the last.
    Sum,
    /// One column a level, no intercept.
    Full,
}

/// A factor whose indicator columns lie in the span of the model matrix, so that they can be eliminated first:
/// their block of the gram is diagonal.
#[derive(Clone, Debug)]
pub struct AbsorbedTerm {
    /// The group; its main effect has one variable and the indicator as multiplier.
    pub group: usize,
    /// Position of the indicator in the group's multipliers.
    pub multiplier: usize,
    /// Parametrisation of its columns: treatment, sum, or one column a level.
    pub parametrization: Parametrization,
    /// Codes of the used levels, in R's order.
    pub codes: Vec<u32>,
    /// Column of each used level, in ascending order; `None` for the level without one.
    pub columns: Vec<Option<usize>>,
    /// Columns of levels that only rows of weight zero have: aliased.
    pub empty: Vec<usize>,
}

impl AbsorbedTerm {
    /// The base level of treatment contrasts, by its position among the used levels.
    pub fn base(&self) -> Option<usize> {
        match self.parametrization {
            Parametrization::Treatment { base } => Some(base),
            _ => None,
        }
    }

    /// The first of the term's columns.
    pub fn first_column(&self) -> usize {
        let all = self.columns.iter().flatten().chain(&self.empty);
        all.min().copied().unwrap_or(0)
    }

    /// The used level whose column this is.
    pub fn level_of(&self, column: usize) -> Option<usize> {
        // at most one level has no column, so a column is at its place by order or one beside it
        let none = self
            .columns
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.columns.len());
        let (before, after) = self.columns.split_at(none);
        let within = |part: &[Option<usize>]| part.binary_search(&Some(column)).ok();
        within(before).or_else(|| within(after.get(1..)?).map(|l| l + none + 1))
    }
}

/// The model matrix as a map from atoms.
#[derive(Clone, Debug, Default)]
pub struct ColumnEncoding {
    /// True if the first column is the intercept.
    pub intercept: bool,
    /// One entry a column.
    pub kinds: Vec<ColumnKind>,
    /// For each group, multiplier and code: the contrast row.
    pub coded: Vec<Vec<Vec<ContrastRow>>>,
    /// The factor that is eliminated first.
    pub absorbed: Option<AbsorbedTerm>,
    /// A factor that crosses it and is eliminated after it; then levels have estimates and no standard errors.
    pub crossed: Option<AbsorbedTerm>,
}

/// Factors whose levels are to be eliminated from the equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elimination {
    /// None.
    Nothing,
    /// The largest that can be.
    Largest,
    /// The two largest that can be, where there are two.
    TwoLargest,
}

impl ColumnEncoding {
    /// The factors that are eliminated.
    pub fn elimination(&self) -> Elimination {
        match (&self.absorbed, &self.crossed) {
            (None, _) => Elimination::Nothing,
            (Some(_), None) => Elimination::Largest,
            (Some(_), Some(_)) => Elimination::TwoLargest,
        }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.kinds.len()
    }

    /// The contrast row of a code; empty when the code has none.
    pub fn row(&self, group: usize, multiplier: usize, code: usize) -> &[(u32, f64)] {
        self.coded[group][multiplier].get(code).map_or(&[], Vec::as_slice)
    }

    /// Powers of two, one a column, that take coefficients from the units of the rows to those of the data: dense columns were
    /// multiplied with `scales`.
    pub fn column_scales(&self, atoms: &BlockSchema, scales: &[f64]) -> Vec<f64> {
        let scale = |e: usize| scales.get(e).copied().unwrap_or(1.0);
        let of = |kind: &ColumnKind| match *kind {
            ColumnKind::Intercept => 1.0,
            ColumnKind::Dense(e) => scale(e),
            ColumnKind::Coded { group, multiplier } => {
                atoms.groups[group].multipliers[multiplier].map_or(1.0, scale)
            }
        };
        self.kinds.iter().map(of).collect()
    }

    /// X β for one row, given its atoms.
    pub fn predict_table(&self, group: usize, multiplier: usize, code: usize, beta: &[Dd]) -> Dd {
        let mut s = Dd::ZERO;
        for &(column, value) in self.row(group, multiplier, code) {
            s += beta[column as usize].mul_f64(value);
        }
        s
    }
}
