//! Analysis of variance: terms in sequence, models beside each other, one term less or more.
//!
//! R's `anova`, `drop1` and `add1`, all from the gram of a fit. F statistics and p-values are
//! [`summary`](crate::summary)'s.

use nelder_device::Dd;
use serde::{Deserialize, Serialize};

use super::submodels::{labels, with_added};
use crate::design::Fingerprint;
use crate::formula::{Terms, nearest};
use crate::model::{Lm, LmSpec, ModelError, Regression, lm};
use crate::pass::{Monitor, PassRecord};

/// A term's row of a sequential table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialTerm {
    /// R's label.
    pub term: String,
    /// Degrees of freedom.
    pub df: usize,
    /// Sum of squares beyond the terms before it, in squared units of the response.
    pub sum_sq: f64,
}

/// Sums of squares of the terms in their order: R's `anova` of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    /// The terms that have degrees of freedom left.
    pub terms: Vec<SequentialTerm>,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Residual sum of squares.
    pub rss: f64,
}

/// A model of a comparison: R's `anova` of several.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelLine {
    /// The formula as R deparses it.
    pub formula: String,
    /// Residual degrees of freedom.
    pub df_residual: f64,
    /// Deviance: the residual sum of squares of a linear model.
    pub deviance: f64,
    /// Degrees of freedom beyond the model before.
    pub df: Option<f64>,
    /// Deviance beyond the model before.
    pub change: Option<f64>,
}

/// A model one term away from another.
#[derive(Clone, Debug, PartialEq)]
pub struct TermChange {
    /// The term, with `- ` or `+ ` before it in a step; `<none>` for the model itself.
    pub term: String,
    /// Degrees of freedom of the term; `None` for the model itself.
    pub df: Option<f64>,
    /// By how much the deviance changes, over the dispersion for a generalized linear model; `None` for the model itself.
    pub change: Option<f64>,
    /// Deviance of the changed model: the residual sum of squares of a linear one.
    pub deviance: f64,
    /// R's `extractAIC` with k a parameter: n log(RSS / n) + k rank of a linear model, with n the rows that are not missing; `NaN` for a
    /// quasi-likelihood.
    pub aic: f64,
}

/// The models one term away from a model.
#[derive(Clone, Debug)]
pub struct TermChanges {
    /// The model itself, then its changes.
    pub rows: Vec<TermChange>,
    /// Residual degrees of freedom of the model itself.
    pub df_residual: f64,
    /// Its dispersion.
    pub dispersion: f64,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
}

/// Quantities of one model that a comparison of models reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The formula as R deparses it.
    pub formula: String,
    /// The response as R deparses it.
    pub response: String,
    /// Rows in the fit.
    pub rows: u64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Deviance: of a linear model the residual sum of squares, absent where it is out of range in the units of the response.
    pub rss: Option<Dd>,
    /// The rows that were fitted, where the fit knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

/// That a table of sums of squares cannot be written.
pub(super) fn out_of_range() -> ModelError {
    ModelError::Argument {
        argument: "response".into(),
        why: "its sums of squares are out of the range of double precision; multiply the response by a power of ten".into(),
    }
}

/// Compares fits of one response, in the order given: R's `anova(m1, m2, …)`.
///
/// # Errors
/// [`ModelError::Argument`] where the models are not of the same rows and the same response, or there is none.
pub fn anova(models: &[&Lm<'_>], response: usize) -> Result<Vec<ModelLine>, ModelError> {
    let compared: Result<Vec<Compared>, ModelError> = models.iter().map(|m| m.compared(response)).collect();
    compare(&compared?)
}

/// [`anova`] from what it reads of the models, such as those of saved fits.
///
/// # Errors
/// Those of [`anova`].
pub fn compare(models: &[Compared]) -> Result<Vec<ModelLine>, ModelError> {
    let wrong = |why: String| ModelError::Argument {
        argument: "models".into(),
        why,
    };
    let Some(first) = models.first() else {
        return Err(wrong("there is no model".into()));
    };
    let mut lines: Vec<ModelLine> = Vec::new();
    for (i, model) in models.iter().enumerate() {
        if model.rows != first.rows {
            return Err(wrong(format!(
                "model {} was fitted to {} rows and the first to {}; leave out the rows with missing values first",
                i + 1,
                model.rows,
                first.rows
            )));
        }
        if model.response != first.response {
            return Err(wrong(format!(
                "model {} is of `{}` and the first of `{}`",
                i + 1,
                model.response,
                first.response
            )));
        }
        same_rows(i, &model.fingerprint, &first.fingerprint)?;
        let rss = model.rss.ok_or_else(out_of_range)?;
        let df_residual = model.df_residual as f64;
        let before = i.checked_sub(1).map(|b| &models[b]);
        let more = |b: &Compared| b.rss.map(|own| (own - rss).hi);
        lines.push(ModelLine {
            formula: model.formula.clone(),
            df_residual,
            deviance: rss.hi,
            df: before.map(|b| b.df_residual as f64 - df_residual),
            change: before.and_then(more),
        });
    }
    Ok(lines)
}

/// That model `i` was fitted to the rows of the first, where both know their rows.
///
/// # Errors
/// [`ModelError::Argument`] with what differs.
fn same_rows(i: usize, model: &Option<Fingerprint>, first: &Option<Fingerprint>) -> Result<(), ModelError> {
    let (Some(model), Some(first)) = (model, first) else {
        return Ok(());
    };
    match model.difference(first) {
        None => Ok(()),
        Some(what) => Err(ModelError::argument(
            "models",
            format!(
                "the rows of model {} are not those of the first: they {what}; fit all to the same data",
                i + 1
            ),
        )),
    }
}

impl<'s> Lm<'s> {
    /// Returns the quantities of the model that a comparison with others reads.
    ///
    /// # Errors
    /// A response that is not there.
    pub fn compared(&self, response: usize) -> Result<Compared, ModelError> {
        self.response(response)?;
        Ok(Compared {
            formula: self.formula(),
            response: self.responsename(),
            rows: self.rows(),
            df_residual: self.df_residual,
            rss: self.in_range(response).then(|| self.fit.rss[response]),
            fingerprint: self.bound.fingerprint(self.rows()),
        })
    }

    /// True if, in the units of a response, its total sum of squares is finite and the residual one zero or a normal number.
    pub(super) fn in_range(&self, response: usize) -> bool {
        let scale = self.fit.response_scale(response);
        let (i, atoms) = (response, self.fit.gram.atoms());
        let total = self.fit.gram.second(atoms.dense + i, atoms.dense + i).hi / scale / scale;
        let (own, of_rows) = (self.fit.rss[response].hi, self.fit.row_rss[response].hi);
        total.is_finite() && (of_rows == 0.0 || own.is_normal())
    }

    /// Rows that R's `extractAIC` counts: those of weight zero, too.
    pub(super) fn all_rows(&self) -> f64 {
        (self.rows() + self.fit.counts.weightless) as f64
    }

    /// The terms' places in this model where all of them are in it with the same coding of factors.
    pub(in crate::model) fn holds(&self, sub: &Terms) -> Option<Vec<usize>> {
        self.bound.holds(sub)
    }

    /// The same request with other terms.
    pub(in crate::model) fn request(&self, terms: &Terms) -> LmSpec {
        self.spec.with_terms(terms)
    }

    /// Sums of squares of the terms in their order; terms that are aliased as a whole have no row. No pass.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{LmSpec, lm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    /// let table = fit.sequential(0).unwrap();
    /// assert!((table.terms[0].sum_sq - 5.0 * 1.97 * 1.97).abs() < 0.2);
    /// ```
    ///
    /// # Errors
    /// A response that is not there; more columns than a table can hold.
    pub fn sequential(&self, response: usize) -> Result<Sequential, ModelError> {
        let rss = self.response(response)?.deviance();
        if !self.in_range(response) {
            return Err(out_of_range());
        }
        let stage: Vec<Option<usize>> = self.fit.columns.assign.iter().map(|&t| Some(t)).collect();
        let stages = self.fit.stages(&stage, self.spec.tolerance())?;
        let terms = stages
            .iter()
            .skip(1)
            .zip(&self.bound.terms.terms)
            .filter(|(s, _)| s.rank > 0)
            .map(|(s, t)| SequentialTerm {
                term: t.label.clone(),
                df: s.rank,
                sum_sq: s.squares[response].hi,
            });
        Ok(Sequential {
            terms: terms.collect(),
            df_residual: self.df_residual,
            rss,
        })
    }

    /// Models from the gram of this one: with the terms `base`, and with each of `changes` instead.
    pub(in crate::model) fn changes(
        &self,
        base: &[bool],
        changes: &[(String, Vec<bool>)],
        response: usize,
        k: f64,
    ) -> Result<Vec<TermChange>, ModelError> {
        let n = self.all_rows();
        let aic = |rss: f64, rank: usize| n * (rss / n).ln() + k * rank as f64;
        if !self.in_range(response) {
            return Err(out_of_range());
        }
        let (rank, rss) = self.with_terms(base)?;
        let own = rss[response];
        let mut rows = vec![TermChange {
            term: "<none>".into(),
            df: None,
            change: None,
            deviance: own.hi,
            aic: aic(own.hi, rank),
        }];
        for (term, keep) in changes {
            let (new_rank, rss) = self.with_terms(keep)?;
            let rss = rss[response];
            rows.push(TermChange {
                term: term.clone(),
                df: Some((rank as f64 - new_rank as f64).abs()),
                change: Some((rss - own).hi.abs()),
                deviance: rss.hi,
                aic: aic(rss.hi, new_rank),
            });
        }
        Ok(rows)
    }

    /// The model without each of some terms (by default those that are part of no other term), with the columns
    /// as they are: R's `drop1`. `k` is the price of a parameter, 2 for Akaike's criterion. No pass.
    ///
    /// Two things differ from R 4.2: the tolerance of the fit decides which columns are aliased in the smaller
    /// models, too, and an offset stays where no column is left.
    ///
    /// # Errors
    /// A response or term that is not there; more columns than a table can hold.
    pub fn drop1(&self, response: usize, scope: Option<&[&str]>, k: f64) -> Result<TermChanges, ModelError> {
        self.response(response)?;
        let own = &self.bound.terms;
        let chosen = match scope {
            None => own.drop_scope(),
            Some(labels) => labels.iter().map(|l| self.term(l)).collect::<Result<_, _>>()?,
        };
        let all = vec![true; own.terms.len()];
        let without = |t: usize| (0..own.terms.len()).map(|i| i != t).collect();
        let changes: Vec<(String, Vec<bool>)> = chosen
            .iter()
            .map(|&t| (own.terms[t].label.clone(), without(t)))
            .collect();
        let rows = self.changes(&all, &changes, response, k)?;
        Ok(TermChanges {
            rows,
            df_residual: self.df_residual as f64,
            dispersion: self.response(response)?.dispersion().value,
            passes: Vec::new(),
        })
    }

    fn term(&self, label: &str) -> Result<usize, ModelError> {
        let own = &self.bound.terms.terms;
        own.iter().position(|t| t.label == label).ok_or_else(|| {
            let near = nearest(label, own.iter().map(|t| t.label.as_str()));
            let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            ModelError::Argument {
                argument: "scope".into(),
                why: format!("`{label}` is no term of the model{hint}"),
            }
        })
    }

    /// The model with each term of a scope that it lacks and whose margins it has: R's `add1`. The scope is a
    /// formula such as `~ . + z`, where `.` is this model. One fit of the model with all of them gives all
    /// numbers, on the rows that are complete in it, as in R.
    ///
    /// # Errors
    /// Those of [`lm`] for that model; [`ModelError::Argument`] where the scope adds nothing.
    pub fn add1(
        &self,
        response: usize,
        scope: &str,
        k: f64,
        monitor: &dyn Monitor,
    ) -> Result<TermChanges, ModelError> {
        self.response(response)?;
        let (upper, adds) = self.bound.added(scope)?;
        let all = with_added(&self.bound.terms, &upper, &adds)?;
        let whole = lm(
            &self.request(&all),
            self.bound.rows.source().clone(),
            self.bound.run(monitor),
        )?;
        let labels = labels("", &upper, &adds);
        let rows = whole.additions(&self.bound.terms, (&upper, &adds), labels, response, k)?;
        let df_residual = self.df_residual as f64 - (self.rows() - whole.rows()) as f64;
        Ok(TermChanges {
            rows,
            df_residual,
            dispersion: self.response(response)?.dispersion().value,
            passes: whole.report().passes.clone(),
        })
    }

    /// Changes of a model whose terms are some of this one's, each adding a term of another, under a label.
    pub(in crate::model) fn additions(
        &self,
        base: &Terms,
        added: (&Terms, &[usize]),
        labels: Vec<String>,
        response: usize,
        k: f64,
    ) -> Result<Vec<TermChange>, ModelError> {
        let (keep, masks) = self.bound.with_each(base, added);
        let changes: Vec<(String, Vec<bool>)> = labels.into_iter().zip(masks).collect();
        self.changes(&keep, &changes, response, k)
    }
}
