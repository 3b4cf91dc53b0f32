//! Starting values of the linear predictor: R's `initialize` of each family.

use nelder_device::{Program, RowExpr, RowProgram};

use super::{Family, FamilyName, Variance};

/// Where the linear predictor comes from in the first pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// R's starting values of the family.
    Family,
    /// Means that are given.
    Mean,
    /// Linear predictors that are given.
    Predictor,
}

/// η to start from.
pub(super) fn start_of(family: &Family, weighted: bool, start: Start) -> Program {
    let program = RowProgram::default();
    let eta = match start {
        Start::Predictor => program.input(1),
        Start::Mean => family.link.link(program.input(1)),
        Start::Family => family.link.link(starting_mean(family, &program, weighted)),
    };
    program.output(eta);
    program.finish()
}

/// The mean that R starts from: y, moved off the ends of the range.
fn starting_mean<'p>(family: &Family, row: &'p RowProgram, weighted: bool) -> RowExpr<'p> {
    let y = row.input(0);
    match (family.name, family.variance) {
        (FamilyName::Quasi, Variance::Binomial) => y.min(0.999).max(0.001),
        // (w y + 1/2) / (w + 1)
        (_, Variance::Binomial) => {
            let weight = if weighted { row.input(2) } else { row.number(1.0) };
            (weight * y + 0.5) / (weight + 1.0)
        }
        (FamilyName::Poisson | FamilyName::Quasipoisson, _) => y + 0.1,
        (FamilyName::Quasi | FamilyName::Tweedie, Variance::Power(_)) => y + 0.1 * y.eq(0.0),
        (_, Variance::NegativeBinomial(_)) => y + 1.0 / 6.0 * y.eq(0.0),
        _ => y,
    }
}
