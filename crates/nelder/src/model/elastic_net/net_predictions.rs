//! Predictions of a saved path for new rows: `predict.glmnet`.

use nelder_device::Dd;

use super::multi_response::MultiFamily;
use super::row_losses::probabilities;
use super::saved::{NetFamily, PathPlace, SavedNet, terms_of};
use crate::design::{Block, Rows};
use crate::family::{Family, Programs, Start, Trials};
use crate::formula::parse_expression;
use crate::frame::Source;
use crate::model::inference::new_rows::Applied;
use crate::model::inference::predict::Asked;
use crate::model::{ModelError, SavedDesign};
use crate::pass::{Monitor, PassRecord, means};

/// Scale of predictions of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetScale {
    /// The linear predictor η with the offset.
    Link,
    /// The mean; the probabilities of classes; exp(η) of a Cox model.
    Response,
    /// The place of the likeliest class, from 0.
    Class,
}

impl SavedNet {
    /// Predictions for the rows of a source at some places: for each a column for each response, or one of classes; `NaN` for rows in which a variable is
    /// missing. Columns of numbers whose coefficients are zero at all of these need not be there.
    ///
    /// # Errors
    /// As [`predict_to`](Self::predict_to).
    pub fn predict(
        &self,
        source: &dyn Source,
        scale: NetScale,
        places: &[PathPlace],
        monitor: &dyn Monitor,
    ) -> Result<Vec<Vec<f64>>, ModelError> {
        let mut all: Vec<Vec<f64>> = Vec::new();
        self.predict_to(source, scale, places, monitor, |_, columns| {
            all.resize(columns.len(), Vec::new());
            all.iter_mut().zip(columns).for_each(|(all, own)| all.extend(own));
            true
        })?;
        Ok(all)
    }

    /// The same in runs of rows, in order, each after the position of its first row; `take` stops the pass by returning `false`.
    ///
    /// # Errors
    /// Classes of a model that has none; a column that is not there or of another kind than in the fit; a level that the fit does not have; an
    /// infinite value; those of a pass.
    pub fn predict_to(
        &self,
        source: &dyn Source,
        scale: NetScale,
        places: &[PathPlace],
        monitor: &dyn Monitor,
        take: impl FnMut(u64, Vec<Vec<f64>>) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        if scale == NetScale::Class && !self.has_classes() {
            return Err(ModelError::argument(
                "type",
                "class is for models of classes, of the families binomial and multinomial",
            ));
        }
        let (design, coefficients) = self.used(places)?;
        let responses = self.paths.len();
        let family = match &self.family {
            NetFamily::One(family) => *family,
            _ => Family::gaussian(),
        };
        let programs = Programs::shared(&family, false, Trials::Several, Start::Family);
        let of = |rows: &Rows<'_>, block: &Block<'_>, applied: &Applied| {
            let atoms = &rows.layout().atoms;
            let by_lambda = applied.coefficients.chunks(responses);
            let columns = by_lambda.flat_map(|own| {
                let found = own.iter().enumerate().map(|(r, coefficients)| {
                    let own = means(&programs, atoms, block, coefficients);
                    let mut eta = own.eta;
                    if let Some(offset) = block.responses.get(r) {
                        eta.iter_mut().zip(&*offset.high).for_each(|(e, o)| *e += o);
                    }
                    (eta, own.mu)
                });
                self.on(scale, found.collect())
            });
            columns.collect()
        };
        let columns = places.len() * if scale == NetScale::Class { 1 } else { responses };
        let asked = Asked {
            design: &design,
            coefficients,
            std_errors: false,
            columns,
        };
        let terms = design.spec.terms.clone();
        asked.columns_with(terms, source, monitor, of, take)
    }

    fn has_classes(&self) -> bool {
        match &self.family {
            NetFamily::One(family) => family.is_binomial(),
            NetFamily::Several(MultiFamily::Multinomial { .. }) => true,
            _ => false,
        }
    }

    /// η and μ by response on a scale.
    fn on(&self, scale: NetScale, found: Vec<(Vec<f64>, Vec<f64>)>) -> Vec<Vec<f64>> {
        let eta = |found: Vec<(Vec<f64>, Vec<f64>)>| found.into_iter().map(|(eta, _)| eta);
        match (scale, &self.family) {
            (NetScale::Link, _) => eta(found).collect(),
            (NetScale::Response, NetFamily::One(_)) => found.into_iter().map(|(_, mu)| mu).collect(),
            (NetScale::Response, NetFamily::Cox(_)) => eta(found)
                .map(|eta| eta.into_iter().map(f64::exp).collect())
                .collect(),
            (NetScale::Response, NetFamily::Several(MultiFamily::Multinomial { .. })) => {
                let mut all: Vec<Vec<f64>> = eta(found).collect();
                probabilities(&mut all);
                all
            }
            (NetScale::Response, NetFamily::Several(_)) => eta(found).collect(),
            (NetScale::Class, _) => vec![likeliest(&eta(found).collect::<Vec<_>>())],
        }
    }

    /// The design of what is not zero at these places, and its coefficients by place and response.
    fn used(&self, places: &[PathPlace]) -> Result<(SavedDesign, Vec<Vec<Dd>>), ModelError> {
        let models: Vec<_> = places.iter().flat_map(|place| self.at(*place)).collect();
        let terms = terms_of(&self.design.spec, self.is_cox(), &self.design.column_names())?;
        let mut wanted = vec![false; terms.terms.len()];
        for (_, beta) in &models {
            for (j, _) in beta.entries() {
                let own = self
                    .assign
                    .get(j + 1)
                    .and_then(|t| wanted.get_mut(t.wrapping_sub(1)));
                own.into_iter().for_each(|w| *w = true);
            }
        }
        let offsets = self.offsets.iter().map(|text| parse_expression(text));
        let offsets = offsets.collect::<Result<Vec<_>, _>>()?;
        let (design, columns) = self.design.of_terms(terms, &wanted, &self.assign, offsets);
        let mut place = vec![None; self.design.names.len()];
        columns.iter().enumerate().for_each(|(k, j)| place[*j] = Some(k));
        let of = |(intercept, beta): (f64, super::path::SparseVector)| {
            let mut all = vec![Dd::ZERO; columns.len()];
            all[0] = Dd::new(intercept);
            for (j, b) in beta.entries() {
                if let Some(k) = place.get(j + 1).copied().flatten() {
                    all[k] = Dd::new(b);
                }
            }
            all
        };
        Ok((design, models.into_iter().map(of).collect()))
    }
}

/// The place of the largest η of rows; of one η for two classes, the second where it is above zero. The first of equal ones.
fn likeliest(eta: &[Vec<f64>]) -> Vec<f64> {
    let of = |i: usize| match eta {
        [one] => f64::from(one[i] > 0.0),
        several => {
            let mut best = 0;
            for k in 1..several.len() {
                if several[k][i] > several[best][i] {
                    best = k;
                }
            }
            best as f64
        }
    };
    (0..eta[0].len()).map(of).collect()
}
