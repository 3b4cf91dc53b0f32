//! From terms and the shapes of their variables to the atoms of a row.

use crate::formula::{Coding, Terms};

use super::{BlockSchema, DesignError, Group, Shape};

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

fn width(shape: &Shape) -> usize {
    match shape {
        Shape::Numeric { suffixes } => suffixes.len(),
        _ => 1,
    }
}

impl Layout {
    /// Plans the atoms of a model. `shapes` has an entry for each of the terms' variables.
    pub fn new(terms: &Terms, shapes: &[Shape]) -> Result<Layout, DesignError> {
        let factors: Vec<bool> = shapes.iter().map(is_factor).collect();
        let coding = terms.coding(&factors);
        let responses = match terms.response {
            None => 0,
            Some(r) => match &shapes[r] {
                Shape::Factor { .. } => {
                    return Err(DesignError::TextResponse(terms.variables[r].to_string()));
                }
                shape => width(shape),
            },
        };
        let mut products: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut extra: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        // multipliers as products; resolved to positions when all dense columns are known
        let mut multipliers: Vec<Vec<Vec<(usize, usize)>>> = Vec::new();
        let mut planned = Vec::new();
        for (term, coding) in terms.terms.iter().zip(coding) {
            // all products of the numeric variables' columns, first variable fastest
            let mut columns: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
            for &v in term.variables.iter().filter(|&&v| !factors[v]) {
                columns = (0..width(&shapes[v]))
                    .flat_map(|c| columns.iter().map(move |p| [p.as_slice(), &[(v, c)]].concat()))
                    .collect();
            }
            let of: Vec<usize> = term.variables.iter().copied().filter(|&v| factors[v]).collect();
            let (group, positions) = if of.is_empty() {
                let first = products.len();
                products.extend(columns.iter().cloned());
                (None, (first..products.len()).collect())
            } else {
                let g = groups.iter().position(|g| *g == of).unwrap_or_else(|| {
                    groups.push(of.clone());
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
        let atoms_groups = multipliers
            .into_iter()
            .map(|list| Group {
                multipliers: list
                    .into_iter()
                    .map(|product| {
                        if product.is_empty() {
                            return None;
                        }
                        let known = products.iter().chain(&extra).position(|p| *p == product);
                        Some(known.unwrap_or_else(|| {
                            extra.push(product);
                            dense + extra.len() - 1
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
        Ok(Layout {
            intercept: terms.intercept,
            terms: planned,
            atoms,
            products,
            groups,
        })
    }
}
