//! The passes of an iteration of Fisher scoring: what they are asked for, and the record they leave.

use std::sync::Arc;

use nelder_device::{Dd, LinearAlgebra};

use super::fisher::{FisherResult, FisherScoring};
use super::null_search::{Next, NullSearch};
use super::units::deviance_floor;
use crate::design::{Block, BlockSchema, ColumnEncoding, RowCounts, RowError};
use crate::family::{Family, Programs, Start, Trials};
use crate::model::{ModelError, by_atom};
use crate::pass::{
    At, Course, Opening, Pass, PassError, PassOutputs, PassRecord, Products, ResponseMoments, Scoring,
    ScoringPlan, Session, quartile_ranks,
};

/// State shared by the passes of one fit: family, precision, and the sums of the first pass.
pub(in crate::model) struct Passes<'a, 's> {
    scorer: &'a FisherScoring<'a, 's>,
    session: Arc<dyn Session>,
    /// The family, with θ as it is now.
    pub family: Family,
    atoms: BlockSchema,
    counts: bool,
    weighted: bool,
    /// Precision of the products in grams.
    pub products: Products,
    /// Sums over the responses, from the first pass.
    pub moments: ResponseMoments,
    /// Ranges of the dense columns, from the first pass.
    pub ranges: Vec<[f64; 2]>,
    /// The passes so far.
    pub records: Vec<PassRecord>,
    /// The rows, as the first pass counted them.
    pub rows: RowCounts,
    /// The constant of the model without columns, where its deviance is still looked for.
    pub null: Option<f64>,
    /// Its deviance, once known.
    pub null_deviance: Option<f64>,
    /// The search for it.
    pub null_search: NullSearch,
    /// The constant c of the test |D − D'| / (|D| + c) ([`deviance_floor`]).
    pub floor: f64,
}

/// Linear predictor of the rows, with or without their offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Rows {
    /// η = Xβ + offset
    AsTheyAre,
    /// η = Xβ
    WithoutOffset,
}

/// Coefficients, and how rows are multiplied with them.
#[derive(Clone, Copy)]
pub(in crate::model) struct CodedCoefficients<'p> {
    pub map: &'p ColumnEncoding,
    /// Codes and multipliers of each group.
    pub tables: &'p [(usize, usize)],
    pub beta: &'p [Dd],
}

impl<'a, 's> Passes<'a, 's> {
    /// Ready to run: the session on the rows is open.
    ///
    /// # Errors
    /// Those of copying them there.
    pub fn new(scorer: &'a FisherScoring<'a, 's>, counts: bool) -> Result<Self, ModelError> {
        let rows = &scorer.bound.rows;
        let mut records = Vec::new();
        let checks = Checks::new(scorer, counts);
        let accepts = |ranges: &[[f64; 2]]| checks.accept(ranges);
        let check = |block: &Block<'_>| checks.check(block);
        let session = match scorer.session.get() {
            Some(session) => session.clone(),
            None => {
                let opening = Opening {
                    check: &check,
                    accepts: Some(&accepts),
                    ..Opening::new(Course::Scoring, scorer.monitor)
                };
                let (session, passes) = scorer.bound.executor.open(rows, &opening)?;
                records = passes;
                scorer.session.get_or_init(|| session).clone()
            }
        };
        let mut atoms = scorer.bound.rows.layout().atoms.clone();
        atoms.responses = 0;
        Ok(Passes {
            scorer,
            session,
            family: scorer.family,
            atoms,
            counts,
            weighted: counts || scorer.spec.design.weights.is_some(),
            products: Products::Exact,
            moments: ResponseMoments::default(),
            ranges: Vec::new(),
            records,
            rows: RowCounts::default(),
            null: None,
            null_deviance: None,
            null_search: NullSearch::default(),
            floor: 0.1,
        })
    }

    /// The session on the rows.
    pub fn session(&self) -> Arc<dyn Session> {
        self.session.clone()
    }

    /// A pass with the gram.
    pub fn gram(&self) -> PassOutputs {
        PassOutputs {
            gram: Some(self.products),
            ..PassOutputs::default()
        }
    }

    /// Returns the kind of responses that a binomial family has here: 0 or 1, proportions, or counts.
    pub fn trials(&self) -> Trials {
        let weights = self.scorer.spec.design.weights.is_some();
        Trials::of(self.counts, weights, self.moments.binary && self.moments.rows > 0)
    }

    /// The next better way to form products.
    pub fn more_precise(&self) -> Products {
        match self.products {
            Products::Single => Products::Stepping,
            _ => Products::Exact,
        }
    }

    /// Goes on from where another iteration ended, with θ from its Pearson statistic, whose mean is about 1 + μ / θ.
    pub fn follow(&mut self, before: &FisherResult) {
        let sums = &before.at.sums;
        let moments = sums.moments;
        let rank = before.equations.accepted().iter().filter(|a| **a).count() as f64;
        let excess = sums.pearson.hi / (moments.rows as f64 - rank).max(1.0) - 1.0;
        let mean = (moments.response / moments.weight).hi;
        self.family = self.family.with_theta((mean / excess.max(1e-3)).max(1e-3));
        self.moments = moments;
        self.floor = deviance_floor(&self.family, &moments);
        self.ranges = sums.ranges.clone();
        self.records.clone_from(&before.passes);
        self.rows = before.counts.clone();
    }

    /// The response as the formula has it.
    pub fn response(&self) -> &'a str {
        response_of(self.scorer)
    }

    /// True if rows have prior weights, or numbers of trials.
    pub fn weighted(&self) -> bool {
        self.weighted
    }

    /// The programs of the family as it is now.
    pub fn programs(&self) -> Arc<Programs> {
        let scorer = self.scorer;
        let start = match (&scorer.spec.eta_start, &scorer.spec.mu_start) {
            (Some(_), _) => Start::Predictor,
            (_, Some(_)) => Start::Mean,
            _ => Start::Family,
        };
        Programs::shared(&self.family, self.weighted, self.trials(), start)
    }

    /// One pass at β (at the starting values where there is none).
    pub fn at(
        &mut self,
        name: &str,
        beta: Option<CodedCoefficients<'_>>,
        wanted: PassOutputs,
    ) -> Result<Scoring, ModelError> {
        let programs = self.programs();
        self.with(name, programs, Rows::AsTheyAre, beta, wanted)
    }

    /// One pass with programs in the place of the family's.
    pub fn distance(
        &mut self,
        programs: &Programs,
        rows: Rows,
        beta: CodedCoefficients<'_>,
        wanted: &PassOutputs,
    ) -> Result<Scoring, ModelError> {
        let null = self.null.take();
        let programs = Arc::new(programs.clone());
        let sums = self.with("direction", programs, rows, Some(beta), wanted.clone());
        self.null = null;
        sums
    }

    fn with(
        &mut self,
        name: &str,
        programs: Arc<Programs>,
        as_rows: Rows,
        beta: Option<CodedCoefficients<'_>>,
        mut wanted: PassOutputs,
    ) -> Result<Scoring, ModelError> {
        let scorer = self.scorer;
        let rows = &scorer.bound.rows;
        if beta.is_some() && self.null_deviance.is_none() && !self.family.estimated {
            wanted.null = self.null;
        }
        wanted.theta = beta.is_some() && self.family.estimated;
        let plan = Arc::new(ScoringPlan {
            atoms: self.atoms.clone(),
            programs,
            offset: as_rows == Rows::AsTheyAre,
            counts: self.counts,
            rough: self.products != Products::Exact,
            at: match beta {
                None => At::Start,
                Some(p) => At::Coefficients(Arc::new(by_atom(p.map, p.beta, self.atoms.dense, p.tables))),
            },
            wanted: wanted.clone(),
        });
        let precision = match (&wanted.last, wanted.gram) {
            (Some(_), Some(Products::Single)) => "f64x2, f32",
            (Some(_), _) | (_, Some(Products::Exact)) => "f64x2",
            (_, Some(Products::Single)) => "f32",
            _ => "f64",
        };
        let checks = Checks::new(scorer, self.counts);
        let looks = |block: &Block<'_>| match beta {
            Some(_) => Ok(()),
            None => checks.check(block),
        };
        let pass = Pass::new(name, precision, &plan, scorer.monitor).checking(&looks);
        let found = self.session.reduce(rows, pass)?;
        let mut sums = found.value;
        self.find_quartiles(&mut sums)?;
        match beta {
            None => {
                (self.moments, self.ranges) = (sums.moments, sums.ranges.clone());
                self.floor = deviance_floor(&self.family, &self.moments);
            }
            Some(_) => (sums.moments, sums.ranges) = (self.moments, self.ranges.clone()),
        }
        if let Some(gram) = &mut sums.gram {
            gram.mark_scaled(rows.scales());
        }
        self.records.extend(found.records);
        scorer.monitor.scored(name, sums.deviance.hi);
        if beta.is_none() {
            self.rows = found.counts;
        }
        if let Some(constant) = wanted.null {
            self.learn_null(constant, &sums);
        }
        Ok(sums)
    }

    /// The deviance residuals that quartiles lie at or between, of those that stayed on devices; not where one is missing.
    fn find_quartiles(&self, sums: &mut Scoring) -> Result<(), ModelError> {
        let there = std::mem::take(&mut sums.there);
        if !there.is_empty() && there.missing().map_err(PassError::from)? == 0 {
            let ranks = quartile_ranks(self.moments.rows);
            sums.places = there.order_statistics(&ranks).map_err(PassError::from)?;
        }
        Ok(())
    }

    /// A device that factors matrices, where there is one.
    pub fn device(&self) -> Option<&dyn LinearAlgebra> {
        self.session.device()
    }

    /// The model without columns: its deviance, or its next constant where there is an offset.
    fn learn_null(&mut self, constant: f64, sums: &Scoring) {
        let [weight, score, _, checked] = sums.null.map(|d| d.hi);
        let bound = self.scorer.bound;
        if !bound.terms.intercept || bound.rows.roles().offsets.is_empty() {
            self.null_deviance = Some(sums.null_deviance());
            return;
        }
        let mean = self.family.link((self.moments.response / self.moments.weight).hi);
        match self
            .null_search
            .next(constant, [weight, score, checked], mean, self.floor)
        {
            Next::Constant(c) => self.null = Some(c),
            Next::Deviance(d) => self.null_deviance = Some(d),
        }
    }
}

/// The response as the formula has it.
fn response_of<'a>(scorer: &'a FisherScoring<'_, '_>) -> &'a str {
    let at = scorer.bound.terms.response.unwrap_or(0);
    scorer.bound.rows.labels().get(at).map_or("", String::as_str)
}

/// Checks of the response in each row, made by the first pass.
struct Checks<'a> {
    family: Family,
    label: &'a str,
    start: bool,
    counts: bool,
}

impl<'a> Checks<'a> {
    fn new(scorer: &'a FisherScoring<'_, '_>, counts: bool) -> Self {
        let spec = scorer.spec;
        Checks {
            family: scorer.family,
            label: response_of(scorer),
            start: spec.start.is_none() && spec.eta_start.is_none() && spec.mu_start.is_none(),
            counts,
        }
    }

    /// True if responses with these ranges are valid, so that no row needs to be checked.
    fn accept(&self, ranges: &[[f64; 2]]) -> bool {
        match self.counts {
            true => ranges.iter().all(|[least, _]| *least >= 0.0),
            false => ranges.iter().all(|range| self.family.accepts(range, self.start)),
        }
    }

    fn check(&self, block: &Block<'_>) -> Result<(), RowError> {
        let error = |i: usize, what: String| {
            let row = block.source_row(i);
            Err(RowError {
                row,
                message: format!("the response `{}` {what} in row {}", self.label, row + 1),
            })
        };
        if self.counts {
            for column in &block.responses {
                if let Some(i) = column.high.iter().position(|x| *x < 0.0) {
                    return error(i, format!("is negative ({})", column.high[i]));
                }
            }
            return Ok(());
        }
        for column in &block.responses {
            // most blocks are sound, and that is told by a loop without branches
            if self.family.accepts(&column.high, self.start) {
                continue;
            }
            let bad = column
                .high
                .iter()
                .position(|&y| self.family.refuses(y, self.start).is_some());
            if let Some((i, why)) =
                bad.and_then(|i| Some((i, self.family.refuses(column.high[i], self.start)?)))
            {
                return error(
                    i,
                    format!(
                        "{why} for the {} family and is {}",
                        self.family.label(),
                        column.high[i]
                    ),
                );
            }
        }
        Ok(())
    }
}
