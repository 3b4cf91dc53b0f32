//! Terms of a model beside those of a smaller or a larger one.

use std::collections::{BTreeMap, BTreeSet};

use crate::design::is_factor;
use crate::formula::{Coding, Terms, parse_formula, terms, update};
use crate::model::{LmSpec, ModelError, ModelFrame};

/// A term as the set of its variables' labels.
pub(in crate::model) fn label_set(terms: &Terms, t: usize) -> BTreeSet<String> {
    terms.terms[t]
        .variables
        .iter()
        .map(|&v| terms.variables[v].to_string())
        .collect()
}

/// Returns the coding of the factors in each term, by contrasts or by an indicator for each level, by variable.
fn codings(terms: &Terms, factors: &BTreeMap<String, bool>) -> Vec<BTreeMap<String, Coding>> {
    let labels: Vec<String> = terms.variables.iter().map(ToString::to_string).collect();
    let is: Vec<bool> = labels
        .iter()
        .map(|l| factors.get(l).copied().unwrap_or(false))
        .collect();
    let coding = terms.coding(&is);
    let of = |(term, coding): (&crate::formula::Term, &Vec<Coding>)| {
        let pairs = term.variables.iter().zip(coding).filter(|(v, _)| is[**v]);
        pairs.map(|(&v, &c)| (labels[v].clone(), c)).collect()
    };
    terms.terms.iter().zip(&coding).map(of).collect()
}

impl ModelFrame<'_> {
    /// The formula as R prints it, `.` written out.
    pub(in crate::model) fn formula(&self, spec: &LmSpec) -> String {
        if spec.terms.is_some() {
            return spec.formula.clone();
        }
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let text: Vec<char> = spec.formula.chars().collect();
        let dot = (0..text.len()).any(|i| {
            let before = i.checked_sub(1).map(|b| text[b]);
            text[i] == '.' && !word(before) && !word(text.get(i + 1).copied())
        });
        match parse_formula(&spec.formula) {
            Ok(formula) if !dot => formula.to_string(),
            _ => self.terms.formula().to_string(),
        }
    }

    /// The left side of the formula as R deparses it.
    pub(in crate::model) fn response_label(&self) -> String {
        let terms = &self.terms;
        terms
            .response
            .map_or(String::new(), |r| terms.variables[r].to_string())
    }

    /// The terms' places in this model where all of them are in it with the same coding of factors.
    pub(in crate::model) fn holds(&self, sub: &Terms) -> Option<Vec<usize>> {
        let own = &self.terms;
        let all: Vec<BTreeSet<String>> = (0..own.terms.len()).map(|t| label_set(own, t)).collect();
        let place = |t: usize| all.iter().position(|set| *set == label_set(sub, t));
        let places: Vec<usize> = (0..sub.terms.len()).map(place).collect::<Option<_>>()?;
        let shapes = self.rows.shapes();
        let labels = own.variables.iter().map(ToString::to_string);
        let factors: BTreeMap<String, bool> = labels.zip(shapes.iter().map(is_factor)).collect();
        let (mine, theirs) = (codings(own, &factors), codings(sub, &factors));
        let same = sub.intercept == own.intercept && places.iter().zip(&theirs).all(|(&p, c)| mine[p] == *c);
        same.then_some(places)
    }

    /// The terms of a scope formula such as `~ . + x`, where `.` is this model.
    pub(in crate::model) fn scope(&self, scope: &str) -> Result<Terms, ModelError> {
        let formula = update(&self.terms.formula(), scope)?;
        Ok(terms(&formula, &self.rows.source().schema().names())?)
    }

    /// The terms of a scope, and which of them this model lacks and has the margins of.
    ///
    /// # Errors
    /// A scope that is no formula, or adds nothing.
    pub(in crate::model) fn added(&self, scope: &str) -> Result<(Terms, Vec<usize>), ModelError> {
        let upper = self.scope(scope)?;
        let adds = self.terms.add_scope(&upper)?;
        if adds.is_empty() {
            let own = self.terms.formula();
            let why = format!("`{scope}` has no term that can be added to `{own}`");
            return Err(ModelError::argument("scope", why));
        }
        Ok((upper, adds))
    }

    /// Terms of this model that are in a smaller one, and those that are in it with each of some terms of another.
    pub(in crate::model) fn with_each(
        &self,
        base: &Terms,
        (upper, adds): (&Terms, &[usize]),
    ) -> (Vec<bool>, Vec<Vec<bool>>) {
        let all = 0..self.terms.terms.len();
        let own: Vec<BTreeSet<String>> = all.map(|t| label_set(&self.terms, t)).collect();
        let within: BTreeSet<_> = (0..base.terms.len()).map(|t| label_set(base, t)).collect();
        let keep: Vec<bool> = own.iter().map(|set| within.contains(set)).collect();
        let with = |&t: &usize| {
            let added = label_set(upper, t);
            let both = own.iter().zip(&keep);
            both.map(|(set, keep)| *keep || *set == added).collect()
        };
        let masks = adds.iter().map(with).collect();
        (keep, masks)
    }
}

/// A model and some terms of a larger one.
pub(in crate::model) fn with_added(
    current: &Terms,
    upper: &Terms,
    adds: &[usize],
) -> Result<Terms, ModelError> {
    let mut all = current.clone();
    for &t in adds {
        all = all.add_term(upper, t)?;
    }
    Ok(all)
}

/// The labels of some terms after a sign, which may be empty.
pub(in crate::model) fn labels(sign: &str, terms: &Terms, which: &[usize]) -> Vec<String> {
    let label = |&t: &usize| format!("{sign}{}", terms.terms[t].label);
    which.iter().map(label).collect()
}

impl LmSpec {
    /// The same request with other terms.
    pub(in crate::model) fn with_terms(&self, terms: &Terms) -> LmSpec {
        let mut spec = self.clone();
        spec.formula = terms.formula().to_string();
        if spec.terms.is_some() {
            spec.terms = Some(terms.clone());
        }
        // contrasts of a variable that is no longer there say nothing
        let known: BTreeSet<String> = terms.variables.iter().map(ToString::to_string).collect();
        spec.contrasts.retain(|(name, _)| known.contains(name));
        spec
    }
}
