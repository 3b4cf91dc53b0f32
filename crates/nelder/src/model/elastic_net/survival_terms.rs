//! Survival times and strata in a formula: `Surv(time, status) ~ x + strata(g)`.
//!
//! `Surv(time, status)` and `Surv(start, stop, status)` are two or three columns side by side, as `cbind` makes them. `strata(g)` among the
//! terms is no column of the model: it becomes one more column of the response, the number of the stratum.

use crate::formula::{Arg, Expr, Terms};
use crate::model::ModelError;

/// The arguments of a call of `strata`.
fn strata(variable: &Expr) -> Option<&[Arg]> {
    match variable {
        Expr::Call { function, args } if function == "strata" => Some(args),
        _ => None,
    }
}

/// Name of the response's column of strata, which no formula gives one.
const STRATUM: &str = "(stratum)";

/// True if the last column of the response is the number of the stratum.
pub(super) fn is_stratified(terms: &Terms) -> bool {
    let response = terms.response.map(|r| &terms.variables[r]);
    match response {
        Some(Expr::Call { args, .. }) => args.iter().any(|a| a.name.as_deref() == Some(STRATUM)),
        // someone else has evaluated it
        Some(Expr::Evaluated { suffixes, .. }) => suffixes.last().is_some_and(|s| s == STRATUM),
        _ => false,
    }
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|value| Arg { name: None, value });
    Expr::Call {
        function: function.into(),
        args: args.collect(),
    }
}

/// Takes `strata(g)` out of the terms, and adds its number to the response.
///
/// # Errors
/// An interaction with strata; no response; strata of nothing.
pub(super) fn with_strata(terms: &mut Terms) -> Result<(), ModelError> {
    let wrong = |why: String| Err(ModelError::argument("formula", why));
    let is_strata = |v: &usize| strata(&terms.variables[*v]).is_some();
    let own = terms.terms.iter().filter(|t| t.variables.iter().any(is_strata));
    if let Some(term) = own.clone().find(|t| t.variables.len() > 1) {
        return wrong(format!(
            "`{}`: strata() stands alone among the terms; it has no coefficient that another could interact with",
            term.label
        ));
    }
    let mut factors = Vec::new();
    for variable in &terms.variables {
        for arg in strata(variable).unwrap_or_default() {
            match arg.name.as_deref() {
                Some("shortlabel" | "sep") => {}
                Some("na.group") => {
                    return wrong(
                        "strata(na.group = ) is not there; give missing values a level of their own".into(),
                    );
                }
                _ => factors.push(arg.value.clone()),
            }
        }
    }
    if factors.is_empty() {
        return match terms.variables.iter().any(|v| strata(v).is_some()) {
            true => wrong("strata() needs a column: strata(g)".into()),
            false => Ok(()),
        };
    }
    let Some(response) = terms.response else {
        return Ok(());
    };
    let group = match factors.len() {
        1 => call("factor", factors.clone()),
        _ => call("interaction", factors.clone()),
    };
    let times = terms.variables[response].clone();
    let stratum = call("as.numeric", vec![group.clone()]);
    terms
        .terms
        .retain(|t| !t.variables.iter().any(|v| strata(&terms.variables[*v]).is_some()));
    for variable in &mut terms.variables {
        if strata(variable).is_some() {
            // a variable without a term
            *variable = group.clone();
        }
    }
    let mut both = call("cbind", vec![times, stratum]);
    if let Expr::Call { args, .. } = &mut both {
        args[1].name = Some(STRATUM.into());
    }
    terms.variables[response] = both;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::{parse_formula, terms};

    fn of(formula: &str) -> Result<Terms, ModelError> {
        let columns = ["time", "status", "g", "h", "x"];
        let mut terms = terms(&parse_formula(formula).unwrap(), &columns).unwrap();
        with_strata(&mut terms)?;
        Ok(terms)
    }

    #[test]
    fn strata_are_part_of_the_response() {
        let found = of("Surv(time, status) ~ x + strata(g, h)").unwrap();
        let labels: Vec<&str> = found.terms.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels, ["x"]);
        assert_eq!(
            found.variables[0].to_string(),
            "cbind(Surv(time, status), `(stratum)` = as.numeric(interaction(g, h)))"
        );
        let plain = of("Surv(time, status) ~ x + g").unwrap();
        assert_eq!(plain.variables[0].to_string(), "Surv(time, status)");
    }

    #[test]
    fn strata_have_no_interactions() {
        let why = of("Surv(time, status) ~ x * strata(g)").unwrap_err().to_string();
        assert!(why.contains("`x:strata(g)`: strata() stands alone"), "{why}");
    }
}
