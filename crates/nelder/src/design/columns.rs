//! Names and contrasts of the model matrix's columns, once the levels are known.

use std::collections::HashMap;
use std::sync::Arc;

use crate::formula::{Coding, Contrast, ContrastMatrix, NamePart, column_names};
use crate::frame::Levels;

use super::absorbable::{ABSORB_LEVELS, absorbable, two_largest};
use super::column_encoding::{ColumnEncoding, ColumnKind, ContrastRow, Elimination};
use super::room::TermWidth;
use super::{DesignError, Layout, PlannedTerm, Room, Shape};

/// The used levels of a factor, in R's order.
#[derive(Clone, Debug)]
pub struct UsedLevels {
    /// Code of each used level.
    pub codes: Vec<u32>,
    /// Their labels.
    pub labels: Vec<String>,
    /// Place of each code among the used levels.
    pub rank: Vec<Option<u32>>,
    /// True for strings whose order is the collation of the process, false where the data or the formula order the levels.
    pub collated: bool,
}

impl UsedLevels {
    /// The levels whose codes were counted.
    pub fn new(levels: &Levels, used: &[bool]) -> Self {
        let all = levels.labels();
        let codes: Vec<u32> = levels
            .order()
            .into_iter()
            .filter(|&c| used.get(c as usize).copied().unwrap_or(false))
            .collect();
        let labels = codes.iter().map(|&c| all[c as usize].clone()).collect();
        let mut rank = vec![None; all.len()];
        for (r, &c) in codes.iter().enumerate() {
            rank[c as usize] = Some(r as u32);
        }
        UsedLevels {
            codes,
            labels,
            rank,
            collated: levels.is_collated(),
        }
    }
}

/// The columns of a model matrix.
#[derive(Clone, Debug)]
pub struct Columns {
    /// R's names.
    pub names: Vec<String>,
    /// 0 for the intercept, else the term's number from 1: R's `assign`.
    pub assign: Vec<usize>,
    /// Map from the atoms of a row to these columns.
    pub map: ColumnEncoding,
    /// The used levels of each variable that is a factor.
    pub levels: Vec<Option<UsedLevels>>,
    /// The contrasts of each variable that is a factor.
    pub contrasts: Vec<Option<Contrast>>,
    /// Factors whose own contrasts do not hold, because some of their levels have no row; R drops these contrasts with
    /// a warning.
    pub dropped_contrasts: Vec<String>,
}

/// A variable as [`Columns::new`] reads it: label, shape, levels and contrasts.
pub struct Variable {
    /// R's label.
    pub label: String,
    /// Its shape.
    pub shape: Shape,
    /// The levels behind its codes, for a factor.
    pub levels: Option<Arc<Levels>>,
    /// The contrasts asked for.
    pub contrast: Option<Contrast>,
    /// The contrasts that it brings along, for all of its levels: those of `C(f, contr)`.
    pub attached: Option<Contrast>,
    /// Codes whose levels count as used although no row of positive weight has them.
    pub unweighted: Vec<u32>,
}

impl Columns {
    /// Resolves names and contrasts. `tuples[g]` lists the variable codes behind each code of group `g`;
    /// `counted[g]` says which codes have rows.
    pub fn new(
        layout: &Layout,
        variables: &[Variable],
        tuples: &[Vec<Vec<u32>>],
        counted: &[Vec<bool>],
        elimination: Elimination,
    ) -> Result<Columns, DesignError> {
        // 1. levels that have rows
        let coded = CodedLevels::new(layout, variables, tuples, counted)?;
        let widths = coded.widths(layout, variables, elimination);
        Room::of_machine()
            .for_columns(&widths, elimination)
            .map_err(DesignError::NoRoom)?;
        // 2. columns term by term
        let mut out = TermColumns::new(layout, tuples);
        for (t, term) in layout.terms.iter().enumerate() {
            out.add(t, term, variables, &coded, layout, tuples)?;
        }
        let TermColumns {
            names,
            assign,
            mut map,
            candidates,
            ..
        } = out;
        let CodedLevels {
            levels,
            contrasts,
            dropped_contrasts,
        } = coded;
        // 3. the factors to eliminate
        let of = |constant: bool| {
            let found = |&(t, first): &(usize, usize)| {
                let v = layout.terms[t].variables[0];
                let factor = (&levels[v].as_ref()?.codes[..], contrasts[v].as_ref()?);
                absorbable(layout, t, first, factor, counted, constant)
            };
            candidates.iter().filter_map(found).collect::<Vec<_>>()
        };
        match elimination {
            Elimination::Nothing => {}
            Elimination::Largest => {
                map.absorbed = of(layout.intercept).into_iter().max_by_key(|a| a.codes.len());
            }
            Elimination::TwoLargest => {
                // without an intercept the first factor has an indicator for each level, which add up to one
                if let Some((largest, second)) = two_largest(of(true), layout.intercept) {
                    (map.absorbed, map.crossed) = (Some(largest), Some(second));
                }
            }
        }
        Ok(Columns {
            names,
            assign,
            map,
            levels,
            contrasts,
            dropped_contrasts,
        })
    }
}

/// Levels that have rows, and contrasts, of the variables that are factors in terms.
struct CodedLevels {
    levels: Vec<Option<UsedLevels>>,
    contrasts: Vec<Option<Contrast>>,
    /// Labels of variables whose attached contrasts do not fit the levels that are left.
    dropped_contrasts: Vec<String>,
}

impl CodedLevels {
    fn new(
        layout: &Layout,
        variables: &[Variable],
        tuples: &[Vec<Vec<u32>>],
        counted: &[Vec<bool>],
    ) -> Result<Self, DesignError> {
        let mut used: Vec<Vec<bool>> = variables
            .iter()
            .map(|v| vec![false; v.levels.as_ref().map_or(0, |l| l.len())])
            .collect();
        for (g, members) in layout.groups.iter().enumerate() {
            for (tuple, _) in tuples[g].iter().zip(&counted[g]).filter(|(_, c)| **c) {
                for (&v, &code) in members.iter().zip(tuple) {
                    used[v][code as usize] = true;
                }
            }
        }
        for (used, variable) in used.iter_mut().zip(variables) {
            variable.unweighted.iter().for_each(|&c| used[c as usize] = true);
        }
        let in_terms: Vec<bool> = {
            let mut seen = vec![false; variables.len()];
            layout.groups.iter().flatten().for_each(|&v| seen[v] = true);
            seen
        };
        let mut levels: Vec<Option<UsedLevels>> = Vec::new();
        let mut contrasts: Vec<Option<Contrast>> = Vec::new();
        let mut dropped_contrasts = Vec::new();
        for (v, variable) in variables.iter().enumerate() {
            match (&variable.levels, in_terms[v]) {
                (Some(all), true) => {
                    // both values of a logical variable are levels, whether rows have them or not
                    if variable.shape == Shape::Logical {
                        used[v].iter_mut().for_each(|u| *u = true);
                    }
                    let found = UsedLevels::new(all, &used[v]);
                    if found.codes.len() < 2 {
                        return Err(DesignError::OneLevel {
                            variable: variable.label.clone(),
                            level: found.labels.first().cloned(),
                        });
                    }
                    let ordered = matches!(variable.shape, Shape::Factor { ordered: true });
                    let attached = variable
                        .attached
                        .as_ref()
                        .filter(|_| found.codes.len() == all.len());
                    if attached.is_none() && variable.attached.is_some() {
                        dropped_contrasts.push(variable.label.clone());
                    }
                    let own = variable.contrast.as_ref().or(attached).cloned();
                    contrasts.push(Some(own.unwrap_or_else(|| Contrast::default_for(ordered))));
                    levels.push(Some(found));
                }
                _ => {
                    levels.push(None);
                    contrasts.push(None);
                }
            }
        }
        Ok(CodedLevels {
            levels,
            contrasts,
            dropped_contrasts,
        })
    }

    /// Tests if a term may be the factor to eliminate, whatever levels have rows.
    fn may_be_absorbed(&self, term: &PlannedTerm, intercept: bool, constant: bool) -> bool {
        let (&[v], [coding], 1) = (
            term.variables.as_slice(),
            term.coding.as_slice(),
            term.products.len(),
        ) else {
            return false;
        };
        let (Some(found), Some(contrast)) = (&self.levels[v], &self.contrasts[v]) else {
            return false;
        };
        let count = found.codes.len();
        count >= ABSORB_LEVELS
            && match coding {
                Coding::Full => !intercept,
                Coding::Contrasts => {
                    constant && (contrast.base(count).is_some() || *contrast == Contrast::Sum)
                }
            }
    }

    /// The columns of each term: the product of those of its variables.
    fn widths<'a>(
        &self,
        layout: &'a Layout,
        variables: &[Variable],
        elimination: Elimination,
    ) -> Vec<TermWidth<'a>> {
        let constant = layout.intercept || elimination == Elimination::TwoLargest;
        let of_variable = |(&v, coding): (&usize, &Coding)| match (&self.levels[v], &self.contrasts[v]) {
            (Some(found), Some(contrast)) => match (coding, contrast) {
                (Coding::Contrasts, Contrast::Given(given)) => given.columns(),
                (Coding::Contrasts, Contrast::Identity) | (Coding::Full, _) => found.codes.len(),
                (Coding::Contrasts, _) => found.codes.len() - 1,
            },
            _ => variables[v].shape.width(),
        };
        let of_term = |term: &'a PlannedTerm| TermWidth {
            label: &term.label,
            columns: (term.variables.iter().zip(&term.coding))
                .map(of_variable)
                .fold(1, |product: u128, w| product.saturating_mul(w as u128)),
            absorbable: elimination != Elimination::Nothing
                && self.may_be_absorbed(term, layout.intercept, constant),
        };
        layout.terms.iter().map(of_term).collect()
    }
}

/// Columns that a variable takes in a term, and whether it is a factor.
type Radix = (usize, bool);

/// The columns of the model matrix, term by term.
struct TermColumns {
    names: Vec<String>,
    assign: Vec<usize>,
    map: ColumnEncoding,
    /// Contrast matrices by variable, and whether they are indicators of all levels.
    matrices: HashMap<(usize, bool), ContrastMatrix>,
    /// Terms that are one factor, and their first columns.
    candidates: Vec<(usize, usize)>,
}

impl TermColumns {
    /// The intercept, where there is one.
    fn new(layout: &Layout, tuples: &[Vec<Vec<u32>>]) -> Self {
        let mut map = ColumnEncoding {
            intercept: layout.intercept,
            ..ColumnEncoding::default()
        };
        map.coded = (0..layout.groups.len())
            .map(|g| {
                vec![vec![ContrastRow::new(); tuples[g].len()]; layout.atoms.groups[g].multipliers.len()]
            })
            .collect();
        let (mut names, mut assign) = (Vec::new(), Vec::new());
        if layout.intercept {
            names.push("(Intercept)".to_string());
            assign.push(0);
            map.kinds.push(ColumnKind::Intercept);
        }
        TermColumns {
            names,
            assign,
            map,
            matrices: HashMap::new(),
            candidates: Vec::new(),
        }
    }

    /// Adds the columns of term `t`.
    fn add(
        &mut self,
        t: usize,
        term: &PlannedTerm,
        variables: &[Variable],
        coded: &CodedLevels,
        layout: &Layout,
        tuples: &[Vec<Vec<u32>>],
    ) -> Result<(), DesignError> {
        let first = self.names.len();
        let (parts, radices) = self.parts(term, variables, coded)?;
        let labels = column_names(&parts);
        let count = labels.len();
        self.names.extend(labels);
        self.assign.extend(std::iter::repeat_n(t + 1, count));
        let Some(g) = term.group else {
            for &e in &term.products {
                self.map.kinds.push(ColumnKind::Dense(e));
            }
            return Ok(());
        };
        // strides of the columns: first variable fastest
        let mut stride = 1;
        let strides: Vec<usize> = radices
            .iter()
            .map(|&(radix, _)| {
                let s = stride;
                stride *= radix;
                s
            })
            .collect();
        // offset of each numeric product, first numeric variable fastest
        let mut offsets = vec![0usize];
        for (&(radix, factor), &s) in radices.iter().zip(&strides) {
            if !factor {
                offsets = (0..radix)
                    .flat_map(|c| offsets.iter().map(move |o| o + c * s))
                    .collect();
            }
        }
        self.map.kinds.resize(
            first + count,
            ColumnKind::Coded {
                group: g,
                multiplier: term.products[0],
            },
        );
        let rows = self.contrast_rows(term, &layout.groups[g], coded, &tuples[g], &strides);
        for (&a, &offset) in term.products.iter().zip(&offsets) {
            let base = (first + offset) as u32;
            for (code, row) in rows.iter().enumerate() {
                self.map.coded[g][a][code] = row.iter().map(|&(o, x)| (base + o, x)).collect();
            }
        }
        fix_kinds(&mut self.map, g, term, first, &radices, &strides, &offsets);
        if term.variables.len() == 1 && term.products.len() == 1 {
            self.candidates.push((t, first));
        }
        Ok(())
    }

    /// The parts of the names of a term's columns, and the radix of each variable.
    fn parts(
        &mut self,
        term: &PlannedTerm,
        variables: &[Variable],
        coded: &CodedLevels,
    ) -> Result<(Vec<NamePart>, Vec<Radix>), DesignError> {
        let mut parts = Vec::new();
        let mut radices = Vec::new();
        for (&v, coding) in term.variables.iter().zip(&term.coding) {
            let variable = &variables[v];
            match (&coded.levels[v], &coded.contrasts[v]) {
                (Some(found), Some(contrast)) => {
                    let full = *coding == Coding::Full;
                    let contrast = if full { &Contrast::Identity } else { contrast };
                    if let std::collections::hash_map::Entry::Vacant(slot) = self.matrices.entry((v, full)) {
                        slot.insert(contrast.matrix(found.codes.len()).map_err(|e| {
                            DesignError::Contrast {
                                variable: variable.label.clone(),
                                why: e.to_string(),
                            }
                        })?);
                    }
                    let suffixes = contrast.suffixes(&found.labels);
                    radices.push((suffixes.len(), true));
                    parts.push(NamePart::columns(variable.label.clone(), suffixes));
                }
                _ => {
                    let suffixes = match &variable.shape {
                        Shape::Numeric { suffixes } => suffixes.clone(),
                        _ => vec![String::new()],
                    };
                    radices.push((suffixes.len(), false));
                    parts.push(NamePart::columns(variable.label.clone(), suffixes));
                }
            }
        }
        Ok((parts, radices))
    }

    /// The contrast row of each code of a term's group.
    fn contrast_rows(
        &self,
        term: &PlannedTerm,
        members: &[usize],
        coded: &CodedLevels,
        tuples: &[Vec<u32>],
        strides: &[usize],
    ) -> Vec<ContrastRow> {
        tuples
            .iter()
            .map(|tuple| {
                let mut row: ContrastRow = vec![(0, 1.0)];
                for ((&v, coding), &s) in term.variables.iter().zip(&term.coding).zip(strides) {
                    let Some(found) = &coded.levels[v] else { continue };
                    let place = members.iter().position(|&m| m == v).unwrap_or(0);
                    let Some(rank) = found.rank.get(tuple[place] as usize).copied().flatten() else {
                        return ContrastRow::new();
                    };
                    let matrix = &self.matrices[&(v, *coding == Coding::Full)];
                    let entries: Vec<(usize, f64)> = matrix.row(rank as usize).collect();
                    row = entries
                        .iter()
                        .flat_map(|&(c, x)| row.iter().map(move |&(o, y)| (o + (c * s) as u32, x * y)))
                        .collect();
                }
                row
            })
            .collect()
    }
}

/// Each column's multiplier, also where no row has its cell.
fn fix_kinds(
    map: &mut ColumnEncoding,
    g: usize,
    term: &super::PlannedTerm,
    first: usize,
    radices: &[(usize, bool)],
    strides: &[usize],
    offsets: &[usize],
) {
    let mut cells = vec![0usize];
    for (&(radix, factor), &s) in radices.iter().zip(strides) {
        if factor {
            cells = (0..radix)
                .flat_map(|c| cells.iter().map(move |o| o + c * s))
                .collect();
        }
    }
    for (&a, &offset) in term.products.iter().zip(offsets) {
        for &cell in &cells {
            map.kinds[first + offset + cell] = ColumnKind::Coded {
                group: g,
                multiplier: a,
            };
        }
    }
}
