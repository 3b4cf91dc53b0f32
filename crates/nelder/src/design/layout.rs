//! From terms and the shapes of their variables to the atoms of a row.

use std::collections::HashMap;

use crate::formula::{Coding, Terms};

use super::room::TermWidth;
use super::{BlockSchema, DesignError, Group, Room, Shape};

/// A term of the model with the atoms its columns are made of.
#[derive(Clone, Debug)]
pub struct PlannedTerm {
    /// R's label, `a:x`.
    pub label: String,
    /// Its variables in order.
    pub variables: Vec<usize>,
    /// Coding of each variable that is a factor.
    pub coding: Vec<Coding>,
    /// Its factors as a group of codes; `None` for a term of numbers.
    pub group: Option<usize>,
    /// Products of its numeric columns, first variable fastest: positions among the dense columns for a term of
    /// numbers, positions in the group's multipliers otherwise.
    pub products: Vec<usize>,
}

/// Layout of a model's rows: terms, atoms (dense columns and groups of codes), and the variables these are made of.
#[derive(Clone, Debug)]
pub struct Layout {
    /// True if the model has an intercept.
    pub intercept: bool,
    /// The terms in order.
    pub terms: Vec<PlannedTerm>,
    /// The atoms.
    pub atoms: BlockSchema,
    /// For each dense and extra column, the columns whose product it is: (variable, column of the variable).
    pub products: Vec<Vec<(usize, usize)>>,
    /// The variables of each group.
    pub groups: Vec<Vec<usize>>,
}

/// Tests if a variable takes part in a model as a factor: a factor, text, or a logical.
pub fn is_factor(shape: &Shape) -> bool {
    !matches!(shape, Shape::Numeric { .. })
}

impl Layout {
    /// Plans the atoms of a model. `shapes` has an entry for each of the terms' variables.
    ///
    /// # Errors
    /// [`DesignError::TextResponse`]; [`DesignError::NoRoom`] where the sums of a pass would be larger than the memory that a fit may take.
    pub fn new(terms: &Terms, shapes: &[Shape]) -> Result<Layout, DesignError> {
        let room = Room::of_machine();
        room.for_terms((terms.terms.len() + usize::from(terms.intercept)) as u128)
            .map_err(DesignError::NoRoom)?;
        let factors: Vec<bool> = shapes.iter().map(is_factor).collect();
        let coding = terms.coding(&factors);
        let responses = match terms.response {
            None => 0,
            Some(r) => match &shapes[r] {
                Shape::Factor { .. } => {
                    return Err(DesignError::TextResponse(terms.variables[r].to_string()));
                }
                shape => shape.width(),
            },
        };
        let mut products: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut extra: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut group_of: HashMap<Vec<usize>, usize> = HashMap::new();
        // multipliers as products; resolved to positions when all dense columns are known
        let mut multipliers: Vec<Vec<Vec<(usize, usize)>>> = Vec::new();
        let mut planned = Vec::new();
        for (term, coding) in terms.terms.iter().zip(coding) {
            // all products of the numeric variables' columns, first variable fastest
            let mut columns: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
            for &v in term.variables.iter().filter(|&&v| !factors[v]) {
                columns = (0..shapes[v].width())
                    .flat_map(|c| columns.iter().map(move |p| [p.as_slice(), &[(v, c)]].concat()))
                    .collect();
            }
            let of: Vec<usize> = term.variables.iter().copied().filter(|&v| factors[v]).collect();
            let (group, positions) = if of.is_empty() {
                let first = products.len();
                products.extend(columns.iter().cloned());
                (None, (first..products.len()).collect())
            } else {
                let g = *group_of.entry(of.clone()).or_insert_with(|| {
                    groups.push(of);
                    multipliers.push(Vec::new());
                    groups.len() - 1
                });
                let first = multipliers[g].len();
                multipliers[g].extend(columns.iter().cloned());
                (Some(g), (first..multipliers[g].len()).collect())
            };
            planned.push(PlannedTerm {
                label: term.label.clone(),
                variables: term.variables.clone(),
                coding,
                group,
                products: positions,
            });
        }
        let dense = products.len();
        let mut known: HashMap<Vec<(usize, usize)>, usize> = HashMap::new();
        for (at, product) in products.iter().enumerate() {
            known.entry(product.clone()).or_insert(at);
        }
        let atoms_groups = multipliers
            .into_iter()
            .map(|list| Group {
                multipliers: list
                    .into_iter()
                    .map(|product| {
                        if product.is_empty() {
                            return None;
                        }
                        let next = dense + extra.len();
                        Some(*known.entry(product).or_insert_with_key(|product| {
                            extra.push(product.clone());
                            next
                        }))
                    })
                    .collect(),
            })
            .collect();
        let atoms = BlockSchema {
            dense,
            extra: extra.len(),
            responses,
            groups: atoms_groups,
        };
        products.extend(extra);
        let width = |term: &PlannedTerm| {
            let columns = term.variables.iter().map(|&v| shapes[v].width() as u128);
            columns.fold(1, u128::saturating_mul)
        };
        let widths: Vec<TermWidth<'_>> = (planned.iter())
            .map(|term| TermWidth {
                label: &term.label,
                columns: width(term),
                absorbable: false,
            })
            .collect();
        room.for_sums(&atoms, &widths).map_err(DesignError::NoRoom)?;
        Ok(Layout {
            intercept: terms.intercept,
            terms: planned,
            atoms,
            products,
            groups,
        })
    }
}
