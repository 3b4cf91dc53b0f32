//! Fisher scoring, as R's `glm.fit` does it.
//!
//! From β, the step is (XᵀWX)⁻¹ Xᵀs (Nelder & Wedderburn 1972), one pass over the rows for all of it. The iteration
//! ends when the deviance settles; a step that leaves the family's range or overflows is halved towards where it came
//! from. R stops there, with an error in β that the change of the deviance only bounds by its root. Here the same
//! steps go on, accelerated where they converge linearly ([`polish`](super::polish)), until what is left is rounding.

use std::sync::Arc;

use nelder_device::Dd;

use super::attempt::{MOST_COLUMNS, counted, factor};
use super::polish::Accelerated;
use super::{Accuracy, Bound, GlmSpec, ModelError, Normal, Score, by_atom};
use crate::design::{Atoms, Columns, Map};
use crate::family::{Family, Programs, Start, Trials};
use crate::pass::{
    At, Gram, Moments, Monitor, PassRecord, Products, Scoring, ScoringPlan, Wanted, run, run_beside,
};
use crate::solve::{Factor, factor_twice};

/// Multiplications in twice the precision for which grams are exact from the start.
const CHEAP: f64 = 5e5;
/// Columns from which products in single precision are the faster ones.
const NARROW: f64 = 6.0;
/// Passes of polishing at most.
const MOST_POLISHING: usize = 40;
/// A last step below this many standard errors is as good as none.
const SETTLED: f64 = 1e-11;
/// The same for a canonical link, whose next step is of the order of its square.
const SETTLED_CANONICAL: f64 = 1e-8;
/// A step of a coefficient at the end, in units of the predictor's deviation, that tells of separation.
const RUNAWAY: f64 = 0.05;
/// Rows whose deviance residuals are kept for their quantiles.
const KEEP_ROWS: u64 = 4_000_000;

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
    /// A step was halved.
    Truncated {
        /// Whether the deviance overflowed; otherwise a mean was out of range.
        divergence: bool,
    },
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
            Warning::Truncated { divergence: true } => f.write_str("step size truncated due to divergence"),
            Warning::Truncated { divergence: false } => f.write_str("step size truncated: out of bounds"),
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
            Warning::ThetaDiverges => {
                f.write_str("theta has no finite estimate: the counts vary no more than Poisson counts do")
            }
        }
    }
}

/// What a model of some of the columns is fitted with.
pub(super) struct Scorer<'a, 's> {
    /// The rows.
    pub bound: &'a Bound<'s>,
    /// The family.
    pub family: Family,
    /// Which terms are in, by `assign`; `None` for all.
    pub terms: Option<Vec<bool>>,
    /// A column whose coefficient is held, and all coefficients to start from, in the units of the rows.
    pub held: Option<(usize, Vec<Dd>)>,
    /// How the iteration is steered.
    pub spec: &'a GlmSpec,
    /// Watches the passes.
    pub monitor: &'a dyn Monitor,
}

/// One solution of the scoring equations.
#[derive(Clone, Debug)]
pub(super) struct Equations {
    pub map: Map,
    pub normal: Normal,
    pub factor: Factor,
    /// The column whose coefficient is held; the map is without it.
    pub held: Option<usize>,
}

/// Where the iteration stands: coefficients and what a pass found there.
pub(super) struct Scored {
    /// By column, in the units of the rows.
    pub beta: Vec<Dd>,
    /// The sums.
    pub sums: Scoring,
}

/// The end of an iteration.
pub(super) struct Ended {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// What was solved last.
    pub equations: Equations,
    /// The last pass, with the gram.
    pub at: Scored,
    /// What was added to its coefficients.
    pub step: Vec<Dd>,
    /// √(sᵀ(XᵀWX)⁻¹s) of the last step.
    pub size: f64,
    /// The family, with θ as estimated.
    pub family: Family,
    /// Codes and multipliers of each group.
    pub tables: Vec<(usize, usize)>,
    /// Steps as R counts them.
    pub iterations: u32,
    pub converged: bool,
    pub boundary: bool,
    pub separated: Vec<usize>,
    pub warnings: Vec<Warning>,
    /// Deviance of the model without columns.
    pub null_deviance: f64,
    pub passes: Vec<PassRecord>,
    /// Rows left out as incomplete, and rows of weight zero.
    pub dropped: (u64, u64),
    pub polished: u32,
}

/// A solved step.
pub(super) struct Step {
    pub delta: Vec<Dd>,
    /// sᵀΔ.
    pub gain: f64,
}

impl Equations {
    /// The equations of a gram over some of the columns; `None` where double precision cannot decide which columns
    /// are aliased.
    pub fn new(
        gram: &Gram,
        columns: &Columns,
        map: &Map,
        held: Option<usize>,
        tol: f64,
    ) -> Result<Option<Equations>, ModelError> {
        if let Some(held) = held {
            let others: Vec<usize> = (0..map.columns()).filter(|&c| c != held).collect();
            let sub = super::nested::choose(map, &others, None);
            let found = Self::over(gram, sub, tol, false)?;
            return Ok(found.map(|e| Equations {
                held: Some(held),
                ..e
            }));
        }
        let absorbed = Self::over(gram, map.clone(), tol, true)?;
        if absorbed.is_some() {
            return Ok(absorbed);
        }
        let mut map = map.clone();
        map.absorbed = None;
        if map.columns() > MOST_COLUMNS {
            return Err(ModelError::TooManyColumns {
                what: "this model".into(),
                columns: columns.names.len(),
                limit: MOST_COLUMNS,
            });
        }
        Self::over(gram, map, tol, false)
    }

    fn over(gram: &Gram, map: Map, tol: f64, absorb: bool) -> Result<Option<Equations>, ModelError> {
        if absorb && map.absorbed.is_none() {
            return Ok(None);
        }
        let normal = Normal::assemble(gram, &map);
        let found = if absorb {
            let unit = super::attempt::unit(gram.products());
            let f = factor_twice(&normal.matrix, tol, unit);
            let least = if gram.products() == Products::Single {
                1e-3
            } else {
                1e-6
            };
            let k = normal.matrix.order;
            let part = |i: usize| f.pivots[i] * normal.matrix.get(i, i).hi;
            let weighed = normal
                .absorbed
                .iter()
                .flat_map(|a| &a.weights)
                .all(|w| w.hi > 0.0);
            let sound = weighed
                && f.accepted.len() == k
                && (0..k).all(|i| {
                    part(i) > least * normal.matrix.norms[i] || part(i) > least * normal.matrix.sizes[i]
                });
            (sound || map.columns() > MOST_COLUMNS).then_some(f)
        } else {
            factor(&normal.matrix, tol, gram.products())
        };
        Ok(found.map(|factor| Equations {
            map,
            normal,
            factor,
            held: None,
        }))
    }

    /// Which columns are in the model.
    pub fn accepted(&self) -> Vec<bool> {
        let mut accepted = vec![true; self.map.columns()];
        self.normal.kept.iter().for_each(|&c| accepted[c] = false);
        self.factor
            .accepted
            .iter()
            .for_each(|&i| accepted[self.normal.kept[i]] = true);
        if let Some(term) = &self.map.absorbed {
            term.empty.iter().for_each(|&c| accepted[c] = false);
        }
        self.whole(accepted, false)
    }

    /// Entries of all columns from those of the map's.
    pub fn whole<T>(&self, mut own: Vec<T>, of_held: T) -> Vec<T> {
        if let Some(held) = self.held {
            own.insert(held, of_held);
        }
        own
    }

    /// The step from β: (XᵀWX)⁻¹ Xᵀs. Columns that are aliased now hand their coefficients to the others.
    pub fn step(&self, score: &Score<'_>, beta: &[Dd]) -> Step {
        let mut correction = self.normal.correct(&self.factor, &self.map, score);
        if self.held.is_some() {
            let delta = self
                .normal
                .coefficients(&self.map, &correction.solution, Dd::ZERO);
            return Step {
                delta: self.whole(delta, Dd::ZERO),
                gain: correction.gain.hi,
            };
        }
        let accepted = self.accepted();
        let lost = (0..beta.len()).any(|c| !accepted[c] && beta[c].hi != 0.0);
        if lost && self.map.absorbed.is_none() {
            // G_AA Δ_A = s_A + G_AN β_N, Δ_N = −β_N
            let k = self.normal.kept.len();
            let mut right = vec![Dd::ZERO; k];
            for (i, r) in right.iter_mut().enumerate() {
                for (j, &c) in self.normal.kept.iter().enumerate() {
                    if !accepted[c] {
                        *r += self.normal.matrix.get(i, j) * beta[c];
                    }
                }
            }
            let more = self.factor.solve(&right);
            for (i, &c) in self.normal.kept.iter().enumerate() {
                let kept = &mut correction.solution.kept[i];
                *kept = if accepted[c] { *kept + more[i] } else { -beta[c] };
            }
        }
        let delta = self
            .normal
            .coefficients(&self.map, &correction.solution, Dd::ZERO);
        Step {
            delta,
            gain: correction.gain.hi,
        }
    }
}

fn plus(a: &[Dd], b: &[Dd]) -> Vec<Dd> {
    a.iter().zip(b).map(|(x, y)| *x + *y).collect()
}

fn sound(sums: &Scoring) -> bool {
    sums.deviance.hi.is_finite() && !sums.out_of_range
}

/// What the passes of one fit share.
struct Passes<'a, 's> {
    scorer: &'a Scorer<'a, 's>,
    family: Family,
    atoms: Atoms,
    counts: bool,
    weighted: bool,
    products: Products,
    binary: bool,
    moments: Moments,
    records: Vec<PassRecord>,
    dropped: (u64, u64),
    /// The constant of the model without columns, where its deviance is still looked for.
    null: Option<f64>,
    null_deviance: Option<f64>,
}

impl Passes<'_, '_> {
    fn trials(&self) -> Trials {
        match (
            self.binary && !self.counts,
            self.counts && self.scorer.spec.design.weights.is_some(),
        ) {
            (true, _) => Trials::Single,
            (_, true) => Trials::Counted,
            _ => Trials::Several,
        }
    }

    /// The next better way to form products.
    fn more_precise(&self) -> Products {
        match self.products {
            Products::Single => Products::Stepping,
            _ => Products::Exact,
        }
    }

    /// One pass at β (at the starting values where there is none).
    fn at(
        &mut self,
        name: &str,
        beta: Option<(&Columns, &Map, &[Dd], &[(usize, usize)])>,
        mut wanted: Wanted,
    ) -> Result<Scoring, ModelError> {
        let scorer = self.scorer;
        let rows = &scorer.bound.rows;
        let start = match (&scorer.spec.eta_start, &scorer.spec.mu_start) {
            (Some(_), _) => Start::Predictor,
            (_, Some(_)) => Start::Mean,
            _ => Start::Family,
        };
        if beta.is_some() && self.null_deviance.is_none() && !self.family.estimated {
            wanted.null = self.null;
        }
        wanted.theta = beta.is_some() && self.family.estimated;
        let plan = Arc::new(ScoringPlan {
            atoms: self.atoms.clone(),
            programs: Programs::new(&self.family, self.weighted, self.trials(), start),
            counts: self.counts,
            rough: self.products != Products::Exact,
            at: match beta {
                None => At::Start,
                Some((_, map, beta, tables)) => {
                    At::Coefficients(Arc::new(by_atom(map, beta, self.atoms.dense, tables)))
                }
            },
            wanted: wanted.clone(),
        });
        let precision = match (&wanted.last, wanted.gram) {
            (Some(_), _) | (_, Some(Products::Exact)) => "f64x2",
            (_, Some(Products::Single)) => "f32",
            _ => "f64",
        };
        let new = || Scoring::new(plan.clone());
        let (mut sums, record) = match beta {
            Some(_) => run(name, precision, rows, scorer.monitor, new)?,
            None => {
                let checks = Checks::new(scorer, self.counts);
                run_beside(
                    name,
                    precision,
                    rows,
                    &[],
                    scorer.monitor,
                    new,
                    |sums: &mut Scoring, block, _| {
                        checks.check(block)?;
                        crate::pass::Accumulator::update(sums, block);
                        Ok(())
                    },
                )?
            }
        };
        sums.settle();
        match beta {
            None => self.moments = sums.moments,
            Some(_) => sums.moments = self.moments,
        }
        self.records.push(record);
        let dropped = rows.take_dropped();
        if beta.is_none() {
            self.dropped = dropped;
        }
        if let Some(constant) = wanted.null {
            self.learn_null(constant, &sums);
        }
        Ok(sums)
    }

    /// The model without columns: its deviance, or its next constant where there is an offset.
    fn learn_null(&mut self, constant: f64, sums: &Scoring) {
        let [weight, score, deviance] = sums.null;
        let iterates =
            self.scorer.bound.terms.intercept && !self.scorer.bound.rows.roles().offsets.is_empty();
        let step = score.hi / weight.hi;
        let gain = score.hi * step;
        let settled = !iterates || !step.is_finite() || gain.abs() <= 1e-14 * (deviance.hi.abs() + 1e-3);
        if settled {
            self.null_deviance = Some(deviance.hi);
        } else {
            self.null = Some(constant + step);
        }
    }
}

/// What a first pass looks at in each row.
struct Checks<'a> {
    family: Family,
    label: &'a str,
    start: bool,
    counts: bool,
}

impl<'a> Checks<'a> {
    fn new(scorer: &'a Scorer<'_, '_>, counts: bool) -> Self {
        let at = scorer.bound.terms.response.unwrap_or(0);
        let spec = scorer.spec;
        Checks {
            family: scorer.family,
            label: scorer.bound.rows.labels().get(at).map_or("", String::as_str),
            start: spec.start.is_none() && spec.eta_start.is_none() && spec.mu_start.is_none(),
            counts,
        }
    }

    fn check(&self, block: &crate::design::Block<'_>) -> Result<(), crate::design::RowError> {
        let error = |i: usize, what: String| {
            let row = block.source_row(i);
            Err(crate::design::RowError {
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

impl Scorer<'_, '_> {
    fn resolve(&self, gram: &Gram) -> Result<(Columns, Vec<(usize, usize)>), ModelError> {
        let rows = &self.bound.rows;
        let layout = rows.layout();
        let tuples: Vec<Vec<Vec<u32>>> = (0..layout.groups.len()).map(|g| rows.tuples(g)).collect();
        let counted = counted(gram, &tuples.iter().map(Vec::len).collect::<Vec<_>>());
        let columns = Columns::new(layout, &self.bound.variables(), &tuples, &counted, true)?;
        let tables = tuples
            .iter()
            .zip(&layout.atoms.groups)
            .map(|(t, g)| (t.len(), g.multipliers.len()))
            .collect();
        Ok((columns, tables))
    }

    /// The columns that are in: all, or those of some terms.
    fn map(&self, columns: &Columns) -> Map {
        let Some(terms) = &self.terms else {
            return columns.map.clone();
        };
        let within = |c: usize| columns.assign[c] == 0 || terms.get(columns.assign[c] - 1) == Some(&true);
        let chosen: Vec<usize> = (0..columns.names.len()).filter(|&c| within(c)).collect();
        super::nested::choose(&columns.map, &chosen, None)
    }

    /// Runs the iteration.
    ///
    /// # Errors
    /// Those of a pass; no rows; no valid set of coefficients to start from; too many columns.
    pub fn run(&self) -> Result<Ended, ModelError> {
        if !self.family.estimated {
            return self.run_from(None);
        }
        // as MASS's glm.nb: Poisson first, then θ and β together
        let first = Scorer {
            family: Family {
                link: self.family.link,
                ..Family::poisson()
            },
            bound: self.bound,
            terms: self.terms.clone(),
            held: None,
            spec: self.spec,
            monitor: self.monitor,
        }
        .run_from(None)?;
        self.run_from(Some(first))
    }

    fn run_from(&self, before: Option<Ended>) -> Result<Ended, ModelError> {
        let spec = self.spec;
        let rows = &self.bound.rows;
        let responses = rows.layout().atoms.responses;
        let counts = responses == 2 && self.family.is_binomial();
        if responses != 1 && !counts {
            let hint = match (responses, self.family.is_binomial()) {
                (_, true) => "cbind(successes, failures)",
                _ => "one column",
            };
            return Err(ModelError::Argument {
                argument: "formula".into(),
                why: format!("the response has {responses} columns; this family wants {hint}"),
            });
        }
        let mut atoms = rows.layout().atoms.clone();
        atoms.responses = 0;
        let z = (atoms.dense + 1) as f64;
        let cheap = rows
            .source()
            .rows()
            .is_some_and(|n| n as f64 * z * z / 2.0 <= CHEAP);
        let exact = spec.design.accuracy == Accuracy::Certified || cheap;
        let mut passes = Passes {
            scorer: self,
            family: self.family,
            atoms,
            counts,
            weighted: counts || spec.design.weights.is_some(),
            products: match (exact, spec.design.accuracy) {
                (true, _) => Products::Exact,
                (false, Accuracy::Auto) if z >= NARROW => Products::Single,
                _ => Products::Stepping,
            },
            binary: false,
            moments: Moments::default(),
            records: Vec::new(),
            dropped: (0, 0),
            null: None,
            null_deviance: None,
        };
        let mut warnings = Vec::new();
        let tol = spec.tolerance();

        // 1. the first pass, from starting values
        let gram = |p: &Passes<'_, '_>| Wanted {
            gram: Some(p.products),
            ..Wanted::default()
        };
        let mut old: Option<(Vec<Dd>, f64)> = None;
        let (mut sums, mut beta, columns, tables, moments);
        match before {
            None => {
                sums = passes.at("start", None, gram(&passes))?;
                moments = sums.moments;
                super::ladder::rows_left(moments.rows, self.bound, passes.dropped, &passes.records)?;
                passes.binary = moments.binary;
                let Some(first) = &sums.gram else {
                    return Err(ModelError::Overflow("the response".into()));
                };
                (columns, tables) = self.resolve(first)?;
                beta = match &spec.start {
                    None => None,
                    Some(start) => Some(self.scaled_start(start, &columns, &self.map(&columns))?),
                };
                passes.null = Some(self.null_start(&moments, &sums));
                passes.null_deviance = self.null_of_binary(&moments);
            }
            Some(before) => {
                // θ from Pearson's statistic, whose mean is about 1 + μ / θ
                let excess = before.at.sums.pearson.hi / moments_rows(&before) - 1.0;
                let mean = (before.at.sums.moments.response / before.at.sums.moments.weight).hi;
                passes.family = passes.family.with_theta((mean / excess.max(1e-3)).max(1e-3));
                moments = before.at.sums.moments;
                passes.moments = moments;
                passes.binary = moments.binary;
                (passes.records, passes.dropped) = (before.passes, before.dropped);
                columns = before.columns;
                tables = before.tables;
                beta = Some(plus(&before.at.beta, &before.step));
                sums = before.at.sums;
            }
        }
        if self.family.name == crate::family::FamilyName::Binomial && !moments.whole {
            warnings.push(Warning::FractionalSuccesses);
        }
        let map = self.map(&columns);
        let held = self.held.as_ref().map(|(c, _)| *c);
        if let Some((_, start)) = &self.held {
            beta = Some(start.clone());
        }
        let deviations = sums.gram.as_ref().map_or_else(Vec::new, |g| deviations(g, &map));
        if let Some(beta) = &beta {
            sums = passes.at("step 0", Some((&columns, &map, beta, &tables)), gram(&passes))?;
            old = Some((beta.clone(), sums.deviance.hi));
        }
        if !sound(&sums) {
            return Err(no_start());
        }
        let mut deviance = sums.deviance.hi;
        let mut theta = ThetaStep::new(&passes.family, &moments);

        // 2. steps
        let (mut iterations, mut converged, mut boundary) = (0, false, false);
        let mut known: Option<Equations> = None;
        let mut step;
        loop {
            // solve for the step; where double precision does not do, the pass is repeated with exact products
            let solved = loop {
                let own = sums
                    .gram
                    .as_ref()
                    .map(|g| Equations::new(g, &columns, &map, held, tol))
                    .transpose()?
                    .flatten();
                // a pass that was to be the last one has no gram; the one before serves where it was
                if sums.gram.is_none() && converged {
                    break known.take();
                }
                if own.is_some() || passes.products == Products::Exact && sums.gram.is_some() {
                    break own;
                }
                if sums.gram.is_some() {
                    passes.products = passes.more_precise();
                }
                let at = beta
                    .as_ref()
                    .map(|b| (&columns, &map, b.as_slice(), tables.as_slice()));
                sums = passes.at("again, more precisely", at, gram(&passes))?;
            };
            let Some(solved) = solved else {
                return Err(ModelError::Overflow(
                    columns.names.first().cloned().unwrap_or_default(),
                ));
            };
            let equations = known.insert(solved);
            let from = beta.clone().unwrap_or_else(|| vec![Dd::ZERO; map.columns()]);
            step = equations.step(&Score::of(&sums.score), &from);
            theta.look(&sums, &passes.family);
            if converged || iterations == spec.max_iterations {
                break;
            }
            passes.family = theta.taken(passes.family);
            iterations += 1;
            let mut next = plus(&from, &step.delta);
            let name = format!("step {iterations}");
            // the step's own gain is by how much the deviance will fall: where that is next to nothing, the next pass
            // is the last and needs no gram
            let predicted = step.gain.abs() / (deviance.abs() + 0.1);
            let wanted = match predicted < 0.1 * spec.epsilon && !self.family.estimated {
                true => Wanted::default(),
                false => gram(&passes),
            };
            let mut new = passes.at(&name, Some((&columns, &map, &next, &tables)), wanted)?;
            // halve until the deviance is finite and all means are in range
            let mut halvings = 0;
            while !sound(&new) {
                let Some((before, _)) = &old else {
                    return Err(ModelError::Argument {
                        argument: "start".into(),
                        why: "no valid set of coefficients has been found: the first step leaves the family's range; \
                              give starting values"
                            .into(),
                    });
                };
                if halvings == 0 {
                    warnings.push(Warning::Truncated {
                        divergence: !new.out_of_range,
                    });
                }
                if halvings == spec.max_iterations.max(60) {
                    return Err(ModelError::Argument {
                        argument: "start".into(),
                        why: "the step size cannot be corrected; give other starting values".into(),
                    });
                }
                halvings += 1;
                boundary = true;
                next = next
                    .iter()
                    .zip(before)
                    .map(|(a, b)| (*a + *b).scale(0.5))
                    .collect();
                new = passes.at(
                    &format!("{name}, halved"),
                    Some((&columns, &map, &next, &tables)),
                    gram(&passes),
                )?;
            }
            sums = new;
            let before = deviance;
            deviance = sums.deviance.hi;
            if (deviance - before).abs() / (deviance.abs() + 0.1) < spec.epsilon_f64
                && passes.products == Products::Single
            {
                passes.products = Products::Stepping;
            }
            converged = (deviance - before).abs() / (deviance.abs() + 0.1) < spec.epsilon
                && theta.small(spec.epsilon);
            old = Some((next.clone(), deviance));
            beta = Some(next);
        }
        if !converged {
            warnings.push(Warning::NotConverged { iterations });
        }
        if boundary {
            warnings.push(Warning::Boundary);
        }

        // 3. coefficients that still move although the deviance does not
        let beta = beta.unwrap_or_else(|| vec![Dd::ZERO; map.columns()]);
        let Some(mut equations) = known else {
            return Err(ModelError::Overflow("the response".into()));
        };
        let accepted = equations.accepted();
        let moving = |c: usize| accepted[c] && step.delta[c].hi.abs() * deviations[c] > RUNAWAY;
        let separated: Vec<usize> = match converged || iterations >= 15 {
            true => (0..map.columns()).filter(|&c| moving(c)).collect(),
            false => Vec::new(),
        };

        // 4. the last passes
        let width = self.residual_width(&moments, deviance);
        let last = |p: &Passes<'_, '_>| Wanted {
            gram: Some(match p.products {
                Products::Exact => Products::Exact,
                _ => Products::Rounded,
            }),
            last: Some(width),
            ..Wanted::default()
        };
        let free = converged && !boundary && separated.is_empty();
        let mut way = Accelerated::new(
            &equations,
            theta.join(beta, &passes.family),
            theta.with(step.delta),
            theta.weight(),
        );
        let (mut polished, mut size) = (0u32, f64::INFINITY);
        let ended = loop {
            let target = theta.split(if free { way.next() } else { way.origin() }, &mut passes.family);
            let found = passes.at("last", Some((&columns, &map, &target, &tables)), last(&passes))?;
            if free && !sound(&found) {
                // polishing left the family's range; what the iteration found stays
                let target = theta.split(way.origin(), &mut passes.family);
                let found = passes.at("last", Some((&columns, &map, &target, &tables)), last(&passes))?;
                break (target, found, None);
            }
            let own = found
                .gram
                .as_ref()
                .map(|g| Equations::new(g, &columns, &map, held, tol))
                .transpose()?
                .flatten();
            let Some(own) = own else {
                if passes.products == Products::Exact {
                    return Err(ModelError::Overflow(
                        columns.names.first().cloned().unwrap_or_default(),
                    ));
                }
                passes.products = Products::Exact;
                continue;
            };
            let step = own.step(&Score::of(&found.score), &target);
            equations = own;
            theta.look(&found, &passes.family);
            let before = size;
            size = (step.gain.max(0.0) + theta.gain()).sqrt();
            let scale = self.scale_of(&found, &equations);
            let noise = 4.0 * f64::EPSILON * found.blur.sqrt();
            polished += 1;
            let enough = match self.family.is_canonical() {
                true => SETTLED_CANONICAL,
                false => SETTLED,
            };
            let settled =
                size <= enough * scale || size <= 4.0 * noise || polished as usize >= MOST_POLISHING;
            if !free || settled || (polished > 3 && size > 0.5 * before && size < 1e-7 * scale) {
                break (target, found, free.then_some(step));
            }
            // cheap passes without a gram, until a last one will do
            way.push(
                &equations,
                theta.join(target, &passes.family),
                theta.with(step.delta),
                theta.weight(),
            );
            let mut inner = 0;
            loop {
                let target = theta.split(way.next(), &mut passes.family);
                let wanted = Wanted {
                    last: Some(width),
                    ..Wanted::default()
                };
                let found = passes.at("polish", Some((&columns, &map, &target, &tables)), wanted)?;
                if !sound(&found) {
                    break;
                }
                let step = equations.step(&Score::of(&found.score), &target);
                polished += 1;
                inner += 1;
                theta.look(&found, &passes.family);
                let now = (step.gain.max(0.0) + theta.gain()).sqrt();
                way.push(
                    &equations,
                    theta.join(target, &passes.family),
                    theta.with(step.delta),
                    theta.weight(),
                );
                let noise = 4.0 * f64::EPSILON * found.blur.sqrt();
                if now <= 1e-9 * scale || now <= 4.0 * noise || inner >= 8 {
                    break;
                }
            }
        };
        let (beta, sums, step) = ended;
        if free {
            passes.family = theta.taken(passes.family);
        }
        if theta.diverged {
            warnings.push(Warning::ThetaDiverges);
        }
        // 5. the model without columns may take more; with θ estimated it has waited for it
        if self.family.estimated {
            passes.null = Some(self.null_start(&moments, &sums));
            passes.family.estimated = false;
        }
        while passes.null_deviance.is_none() {
            let count = passes.records.len();
            passes.at(
                "null model",
                Some((&columns, &map, &beta, &tables)),
                Wanted::default(),
            )?;
            if count > 200 {
                passes.null_deviance = Some(f64::NAN);
            }
        }
        let zero = vec![Dd::ZERO; beta.len()];
        self.fitted_warnings(&sums, &mut warnings);
        if !separated.is_empty() {
            let names = self.names(&columns);
            warnings.push(Warning::Separation {
                terms: separated.iter().map(|&c| names[c].clone()).collect(),
            });
        }
        Ok(Ended {
            columns,
            equations,
            step: step.map_or(zero, |s| s.delta),
            size: if free { size } else { f64::INFINITY },
            at: Scored { beta, sums },
            family: Family {
                estimated: self.family.estimated,
                ..passes.family
            },
            tables,
            iterations,
            converged,
            boundary,
            separated,
            warnings,
            null_deviance: passes.null_deviance.unwrap_or(f64::NAN),
            passes: passes.records,
            dropped: passes.dropped,
            polished,
        })
    }

    /// Names of the columns that are in.
    fn names(&self, columns: &Columns) -> Vec<String> {
        let within = |c: &usize| match &self.terms {
            None => true,
            Some(terms) => columns.assign[*c] == 0 || terms.get(columns.assign[*c] - 1) == Some(&true),
        };
        (0..columns.names.len())
            .filter(within)
            .map(|c| columns.names[c].clone())
            .collect()
    }

    /// √φ: what a standard error is in units of the factor's.
    fn scale_of(&self, sums: &Scoring, equations: &Equations) -> f64 {
        if self.family.known_dispersion() {
            return 1.0;
        }
        let rank = equations.accepted().iter().filter(|a| **a).count() as f64;
        let df = sums.moments.rows as f64 - sums.moments.empty as f64 - rank;
        if df > 0.0 {
            (sums.pearson.hi.max(0.0) / df).sqrt()
        } else {
            1.0
        }
    }

    /// The deviance of the model without columns where each y is 0 or 1 and it has one mean.
    fn null_of_binary(&self, moments: &Moments) -> Option<f64> {
        let one_mean = self.bound.terms.intercept && self.bound.rows.roles().offsets.is_empty();
        if !(moments.binary && one_mean) || self.family.estimated {
            return None;
        }
        let mean = (moments.response / moments.weight).hi;
        let zeros = (moments.weight - moments.response).hi;
        let of = |y: f64, weight: f64| {
            if weight == 0.0 {
                0.0
            } else {
                weight * self.family.deviance(y, mean)
            }
        };
        Some(of(1.0, moments.response.hi) + of(0.0, zeros))
    }

    /// The constant of the model without columns: the mean's predictor, or where the iteration for it starts.
    fn null_start(&self, moments: &Moments, sums: &Scoring) -> f64 {
        if !self.bound.terms.intercept {
            return 0.0;
        }
        if !self.bound.rows.roles().offsets.is_empty() && self.family.estimated {
            return self.family.predictor((moments.response / moments.weight).hi);
        }
        if !self.bound.rows.roles().offsets.is_empty() {
            let weight = sums.gram.as_ref().map_or(f64::NAN, |g| g.weight.hi);
            return sums.score.ones.hi / weight;
        }
        self.family.predictor((moments.response / moments.weight).hi)
    }

    fn scaled_start(&self, start: &[f64], columns: &Columns, map: &Map) -> Result<Vec<Dd>, ModelError> {
        if start.len() != map.columns() {
            return Err(ModelError::Argument {
                argument: "start".into(),
                why: format!(
                    "has {} values and the model {} columns ({})",
                    start.len(),
                    map.columns(),
                    columns
                        .names
                        .iter()
                        .take(8)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            });
        }
        let scales = column_scales(map, &self.bound.rows.layout().atoms, self.bound.rows.scales());
        Ok(start
            .iter()
            .zip(scales)
            .map(|(b, s)| Dd::new(*b).scale(1.0 / s))
            .collect())
    }

    fn residual_width(&self, moments: &Moments, deviance: f64) -> Option<f64> {
        let n = moments.rows as f64;
        (moments.rows > KEEP_ROWS).then(|| ((deviance / n).sqrt() * 3e-5).max(f64::MIN_POSITIVE))
    }

    fn fitted_warnings(&self, sums: &Scoring, warnings: &mut Vec<Warning>) {
        use crate::family::FamilyName::{Binomial, Poisson};
        let limit = 10.0 * f64::EPSILON;
        match self.family.name {
            Binomial if sums.edge < limit => warnings.push(Warning::FittedProbabilities),
            Poisson if sums.edge < limit => warnings.push(Warning::FittedRates),
            _ => {}
        }
    }
}

fn moments_rows(ended: &Ended) -> f64 {
    let rank = ended.equations.accepted().iter().filter(|a| **a).count() as f64;
    (ended.at.sums.moments.rows as f64 - rank).max(1.0)
}

/// Newton's method for θ of a negative binomial, a step with each step of β: the two are orthogonal in the expected
/// information (Lawless 1987), so that both settle together.
struct ThetaStep {
    estimated: bool,
    step: f64,
    information: f64,
    at: f64,
    largest: f64,
    diverged: bool,
}

impl ThetaStep {
    fn new(family: &Family, moments: &Moments) -> Self {
        let mean = (moments.response / moments.weight).hi;
        ThetaStep {
            estimated: family.estimated,
            step: 0.0,
            information: 0.0,
            at: family.theta().unwrap_or(1.0),
            largest: 1e7 * mean.max(1.0),
            diverged: false,
        }
    }

    /// The step from what a pass found.
    fn look(&mut self, sums: &Scoring, family: &Family) {
        let Some(theta) = family.theta().filter(|_| self.estimated) else {
            return;
        };
        let (score, information) = (sums.theta[0].hi, sums.theta[1].hi);
        self.at = theta;
        self.information = information.max(0.0);
        self.diverged = theta >= self.largest;
        let newton = score / information;
        self.step = match (self.diverged, information > 0.0 && newton.is_finite()) {
            (true, _) => 0.0,
            (_, true) => newton.clamp(-0.75 * theta, 3.0 * theta),
            (_, false) => theta * if score > 0.0 { 1.0 } else { -0.5 },
        };
    }

    fn taken(&self, family: Family) -> Family {
        if self.estimated {
            family.with_theta((self.at + self.step).min(self.largest))
        } else {
            family
        }
    }

    fn small(&self, epsilon: f64) -> bool {
        !self.estimated || self.step.abs() <= epsilon.sqrt() * self.at
    }

    fn gain(&self) -> f64 {
        if self.estimated {
            self.step * self.step * self.information
        } else {
            0.0
        }
    }

    /// θ beside the coefficients, for the acceleration.
    fn join(&self, mut beta: Vec<Dd>, family: &Family) -> Vec<Dd> {
        if let Some(theta) = family.theta().filter(|_| self.estimated) {
            beta.push(Dd::new(theta));
        }
        beta
    }

    fn with(&self, mut delta: Vec<Dd>) -> Vec<Dd> {
        if self.estimated {
            delta.push(Dd::new(self.step));
        }
        delta
    }

    fn weight(&self) -> Option<f64> {
        self.estimated.then_some(self.information.sqrt())
    }

    fn split(&self, mut point: Vec<Dd>, family: &mut Family) -> Vec<Dd> {
        if self.estimated
            && let Some(theta) = point.pop()
        {
            *family = family.with_theta(theta.hi.clamp(self.at * 0.1, self.largest));
        }
        point
    }
}

fn no_start() -> ModelError {
    ModelError::Argument {
        argument: "start".into(),
        why: "the starting values are out of the family's range; give start, etastart or mustart".into(),
    }
}

/// What coefficients in the units of the rows are multiplied with to be in those of the data: powers of two.
pub(super) fn column_scales(map: &Map, atoms: &Atoms, scales: &[f64]) -> Vec<f64> {
    let scale = |e: usize| scales.get(e).copied().unwrap_or(1.0);
    let of = |kind: &crate::design::ColumnKind| match *kind {
        crate::design::ColumnKind::Intercept => 1.0,
        crate::design::ColumnKind::Dense(e) => scale(e),
        crate::design::ColumnKind::Coded { group, multiplier } => {
            atoms.groups[group].multipliers[multiplier].map_or(1.0, scale)
        }
    };
    map.kinds.iter().map(of).collect()
}

/// Root mean square of each column about its mean under the first weights: what a unit of its coefficient does to the
/// predictor.
fn deviations(gram: &Gram, map: &Map) -> Vec<f64> {
    let mut map = map.clone();
    map.absorbed = None;
    let weight = gram.weight.hi;
    if map.columns() > MOST_COLUMNS {
        // an indicator's, whatever its share
        return vec![1.0; map.columns()];
    }
    let normal = Normal::assemble(gram, &map);
    let mut out = vec![0.0; map.columns()];
    for (i, &c) in normal.kept.iter().enumerate() {
        let share = (normal.matrix.sizes[i] / weight).max(0.0).sqrt();
        // a rare indicator moves its own rows by all of its coefficient
        out[c] = match map.kinds[c] {
            crate::design::ColumnKind::Dense(_) => share,
            _ if share > 0.0 => share.max(1.0),
            _ => 0.0,
        };
    }
    out
}
