//! A fit applied to rows that may hold combinations of levels which none of its own rows had.
//!
//! Every level is one of the fit's, so the columns of the model matrix are the fit's; but a combination of levels
//! that no row had so far has no contrast row yet. The columns are resolved again when one appears.

use std::sync::{Arc, RwLock};

use nelder_device::Dd;

use super::whitened_design::{WhitenedDesign, WhitenedDesignState};
use crate::design::{Block, Columns, Elimination, RowError, Rows, Variable};
use crate::model::{ModelError, by_atom};
use crate::pass::Coefficients;

/// Coefficients and coordinates of a fit, to be multiplied with rows.
pub(in crate::model) struct Applied {
    /// Coefficients of each response by atom, in the units in which rows are delivered.
    pub coefficients: Vec<Coefficients>,
    /// Coordinates of rows, where they were asked for.
    pub basis: Option<WhitenedDesign>,
    columns: Columns,
    /// Codes of each group that are resolved.
    codes: Vec<usize>,
}

/// Resolves columns for the codes met so far.
pub(in crate::model) struct Applier {
    variables: Vec<Variable>,
    /// For each group, which codes had rows in the fit.
    counted: Vec<Vec<bool>>,
    elimination: Elimination,
    /// By response and column, in the units in which rows are delivered.
    coefficients: Vec<Vec<Dd>>,
    basis: Option<WhitenedDesignState>,
    current: RwLock<Arc<Applied>>,
}

impl Applier {
    /// Resolves the codes that the rows have given so far.
    ///
    /// # Errors
    /// Those of resolving columns; [`ModelError::Argument`] where the parts are not of one fit.
    pub fn new(
        rows: &Rows<'_>,
        variables: Vec<Variable>,
        counted: Vec<Vec<bool>>,
        elimination: Elimination,
        coefficients: Vec<Vec<Dd>>,
        basis: Option<WhitenedDesignState>,
    ) -> Result<Applier, ModelError> {
        let applied = resolve(
            rows,
            &variables,
            &counted,
            elimination,
            &coefficients,
            basis.as_ref(),
        )?;
        Ok(Applier {
            variables,
            counted,
            elimination,
            coefficients,
            basis,
            current: RwLock::new(Arc::new(applied)),
        })
    }

    /// The columns as first resolved.
    pub fn columns(&self) -> Columns {
        let current = self.current.read().unwrap_or_else(|e| e.into_inner());
        current.columns.clone()
    }

    /// Returns the coefficients and coordinates for the rows of a block, resolved again where it has new codes.
    pub fn on(&self, rows: &Rows<'_>, block: &Block<'_>) -> Result<Arc<Applied>, RowError> {
        let known = |applied: &Applied| {
            let fits = |(codes, &limit): (&std::borrow::Cow<'_, [u32]>, &usize)| {
                codes.iter().all(|&c| (c as usize) < limit)
            };
            block.codes.iter().zip(&applied.codes).all(fits)
        };
        let current = self.current.read().unwrap_or_else(|e| e.into_inner()).clone();
        if known(&current) {
            return Ok(current);
        }
        let mut current = self.current.write().unwrap_or_else(|e| e.into_inner());
        if !known(&current) {
            let (variables, counted) = (&self.variables, &self.counted);
            let basis = self.basis.as_ref();
            let new = resolve(
                rows,
                variables,
                counted,
                self.elimination,
                &self.coefficients,
                basis,
            );
            *current = Arc::new(new.map_err(|e| RowError {
                row: block.first_row,
                message: e.to_string(),
            })?);
        }
        Ok(current.clone())
    }
}

fn resolve(
    rows: &Rows<'_>,
    variables: &[Variable],
    counted: &[Vec<bool>],
    elimination: Elimination,
    coefficients: &[Vec<Dd>],
    basis: Option<&WhitenedDesignState>,
) -> Result<Applied, ModelError> {
    let layout = rows.layout();
    let tuples: Vec<Vec<Vec<u32>>> = (0..layout.groups.len()).map(|g| rows.tuples(g)).collect();
    let columns = Columns::new(layout, variables, &tuples, counted, elimination)?;
    let odd = || ModelError::Argument {
        argument: "fit".into(),
        why: "its parts do not belong together; fit and save it again".into(),
    };
    if coefficients.iter().any(|b| b.len() != columns.names.len()) {
        return Err(odd());
    }
    let basis = match basis {
        None => None,
        Some(state) => Some(WhitenedDesign::restore(state, &columns.map, &layout.atoms).ok_or_else(odd)?),
    };
    let tables: Vec<(usize, usize)> = tuples
        .iter()
        .zip(&layout.atoms.groups)
        .map(|(t, g)| (t.len(), g.multipliers.len()))
        .collect();
    Ok(Applied {
        coefficients: coefficients
            .iter()
            .map(|b| by_atom(&columns.map, b, layout.atoms.dense, &tables))
            .collect(),
        basis,
        codes: tables.iter().map(|&(codes, _)| codes).collect(),
        columns,
    })
}
