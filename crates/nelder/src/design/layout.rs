//! From terms and the shapes of their variables to the atoms of a row.

use std::collections::HashMap;

use crate::formula::{Coding, Term, Terms};

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
        let responses = match terms.response {
            None => 0,
            Some(r) => match &shapes[r] {
                Shape::Factor { .. } => {
                    return Err(DesignError::TextResponse(terms.variables[r].to_string()));
                }
                shape => shape.width(),
            },
        };
        let widths = widths(terms, shapes);
        room.for_numbers(responses, &widths)
            .map_err(DesignError::NoRoom)?;
        let mut atoms = Atoms::default();
        let mut planned = Vec::new();
        for (term, coding) in terms.terms.iter().zip(terms.coding(&factors)) {
            // all products of the numeric variables' columns, first variable fastest
            let mut columns: Vec<Product> = vec![Vec::new()];
            for &v in term.variables.iter().filter(|&&v| !factors[v]) {
                columns = (0..shapes[v].width())
                    .flat_map(|c| columns.iter().map(move |p| [p.as_slice(), &[(v, c)]].concat()))
                    .collect();
            }
            let of = term.variables.iter().copied().filter(|&v| factors[v]).collect();
            let (group, positions) = atoms.add(of, columns);
            planned.push(PlannedTerm {
                label: term.label.clone(),
                variables: term.variables.clone(),
                coding,
                group,
                products: positions,
            });
        }
        let groups = atoms.groups.clone();
        let (atoms, products) = atoms.schema(responses);
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

/// The columns of each term, as far as they are known without levels: one for each factor.
fn widths<'t>(terms: &'t Terms, shapes: &[Shape]) -> Vec<TermWidth<'t>> {
    let of = |term: &'t Term| {
        let columns = term.variables.iter().map(|&v| shapes[v].width() as u128);
        TermWidth {
            label: &term.label,
            columns: columns.fold(1, u128::saturating_mul),
            absorbable: false,
        }
    };
    terms.terms.iter().map(of).collect()
}

/// Columns of numeric variables whose product it is: (variable, column of the variable).
type Product = Vec<(usize, usize)>;

/// The atoms of a row, term by term.
#[derive(Default)]
struct Atoms {
    /// Dense columns.
    products: Vec<Product>,
    /// Factors of each group.
    groups: Vec<Vec<usize>>,
    group_of: HashMap<Vec<usize>, usize>,
    /// Multipliers of each group; resolved to positions when all dense columns are known.
    multipliers: Vec<Vec<Product>>,
}

impl Atoms {
    /// Adds products of numbers, times the indicators of factors where there are some; the group and the positions.
    fn add(&mut self, factors: Vec<usize>, columns: Vec<Product>) -> (Option<usize>, Vec<usize>) {
        if factors.is_empty() {
            let first = self.products.len();
            self.products.extend(columns);
            return (None, (first..self.products.len()).collect());
        }
        let g = *self.group_of.entry(factors).or_insert_with_key(|factors| {
            self.groups.push(factors.clone());
            self.multipliers.push(Vec::new());
            self.groups.len() - 1
        });
        let first = self.multipliers[g].len();
        self.multipliers[g].extend(columns);
        (Some(g), (first..self.multipliers[g].len()).collect())
    }

    /// The schema of blocks, and the products of dense and extra columns.
    fn schema(self, responses: usize) -> (BlockSchema, Vec<Product>) {
        let Atoms {
            mut products,
            multipliers,
            ..
        } = self;
        let dense = products.len();
        let mut known: HashMap<Product, usize> = HashMap::new();
        for (at, product) in products.iter().enumerate() {
            known.entry(product.clone()).or_insert(at);
        }
        let mut position = |product: Product| {
            (!product.is_empty()).then(|| {
                *known.entry(product).or_insert_with_key(|product| {
                    products.push(product.clone());
                    products.len() - 1
                })
            })
        };
        let groups = multipliers.into_iter().map(|list| Group {
            multipliers: list.into_iter().map(&mut position).collect(),
        });
        let groups = groups.collect();
        let schema = BlockSchema {
            dense,
            extra: products.len() - dense,
            responses,
            groups,
        };
        (schema, products)
    }
}
