//! Warnings of a fit: conditions that a user should know and that are no errors.

/// Something a user should know of a fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// The number of steps was not enough.
    NotConverged {
        /// Steps taken.
        iterations: u32,
    },
    /// The iteration ended at the boundary of the family's range.
    Boundary,
    /// The likelihood is largest at the edge of the family's range.
    Edge,
    /// Neither steps nor ascents have found a maximum.
    NoMaximum,
    /// A step was halved.
    Truncated {
        /// True if the deviance overflowed; false if a mean was out of range.
        divergence: bool,
    },
    /// A step was halved because the deviance rose to a multiple.
    Increasing,
    /// Fitted probabilities that are 0 or 1 to double precision.
    FittedProbabilities,
    /// Fitted rates that are 0 to double precision.
    FittedRates,
    /// Coefficients that have no finite estimate.
    Separation {
        /// Their names.
        terms: Vec<String>,
    },
    /// Numbers of successes that are no whole numbers.
    FractionalSuccesses,
    /// Responses of a Poisson model that are no whole numbers.
    FractionalCounts {
        /// The response.
        response: String,
        /// Positions of the first rows, from 0, with their values.
        first: Vec<(u64, f64)>,
        /// In how many rows.
        rows: u64,
    },
    /// θ has no finite estimate, because the counts vary no more than Poisson counts do.
    ThetaDiverges,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::NotConverged { iterations } => {
                write!(
                    f,
                    "the algorithm did not converge in {iterations} iterations; raise maxit"
                )
            }
            Warning::Boundary => f.write_str("the algorithm stopped at a boundary value"),
            Warning::Edge => f.write_str(
                "the likelihood is largest at the edge of the family's range, where standard errors and tests do not hold",
            ),
            Warning::NoMaximum => f.write_str(
                "the algorithm did not converge: no maximum was found. The coefficients are the best that were seen; standard \
                 errors and tests say nothing",
            ),
            Warning::Truncated { divergence: true } => f.write_str("step size truncated due to divergence"),
            Warning::Truncated { divergence: false } => f.write_str("step size truncated: out of bounds"),
            Warning::Increasing => f.write_str("step size truncated due to increasing deviance"),
            Warning::FittedProbabilities => f.write_str("fitted probabilities numerically 0 or 1 occurred"),
            Warning::FittedRates => f.write_str("fitted rates numerically 0 occurred"),
            Warning::Separation { terms } => write!(
                f,
                "the data are separated: the likelihood has no maximum, and {} grow{} with every iteration; estimates \
                 and standard errors of these terms mean nothing",
                terms
                    .iter()
                    .map(|t| format!("`{t}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
                if terms.len() == 1 { "s" } else { "" }
            ),
            Warning::FractionalSuccesses => {
                f.write_str("numbers of successes that are no whole numbers in a binomial model")
            }
            Warning::FractionalCounts {
                response,
                first,
                rows,
            } => {
                let named: Vec<String> = first
                    .iter()
                    .map(|(row, y)| format!("{y} in row {}", row + 1))
                    .collect();
                let more = if *rows > first.len() as u64 { ", …" } else { "" };
                write!(
                    f,
                    "the response `{response}` is no whole number in {rows} row{} ({}{more}): the likelihood of a Poisson \
                     model is 0 there, and the AIC infinite; quasipoisson has the same coefficients",
                    if *rows == 1 { "" } else { "s" },
                    named.join(", ")
                )
            }
            Warning::ThetaDiverges => {
                f.write_str("theta has no finite estimate: the counts vary no more than Poisson counts do")
            }
        }
    }
}
