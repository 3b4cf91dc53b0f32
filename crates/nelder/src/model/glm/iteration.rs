//! The steps of Fisher scoring until the deviance settles: R's `glm.fit`.

use nelder_device::Dd;

use super::fisher::{FisherResult, FisherScoring};
use super::passes::{CodedCoefficients, Passes, Rows};
use super::step_equations::{ColumnSpread, Equations, SolvedStep, StepColumns};
use super::theta_step::ThetaStep;
use super::units::{check_range, predictor_unit};
use crate::design::{ColumnEncoding, Columns};
use crate::family::{FamilyName, Programs};
use crate::model::equations::ladder::rows_left;
use crate::model::equations::solution::Solver;
use crate::model::warning::Warning;
use crate::model::{Accuracy, ModelError, Score};
use crate::pass::{Gram, PassOutputs, Products, Scoring};

/// Multiplications in twice the precision for which grams are exact from the start.
const CHEAP: f64 = 5e5;
/// Columns from which products in single precision are the faster ones.
const NARROW: f64 = 6.0;
/// A step of a coefficient at the end, in units of the predictor, that has separation looked for.
const RUNAWAY: f64 = 0.01;
/// The gain that a step may still have over the deviance where that has settled.
const STILL_GAINING: f64 = 1e-5;
/// A limit of steps below which a user wants no more than these.
const MANY_STEPS: u32 = 25;
/// A step that multiplies the deviance by more has gone astray.
const DIVERGING: f64 = 3.0;
/// By how much of it a deviance that is above the null deviance may be its rounding.
const ABOVE_NULL: f64 = 1e-8;
/// Halvings of a step at most.
const MOST_HALVINGS: u32 = 60;
/// By how much of the best deviance that was seen that at the edge may be above it.
const EDGE_GAP: f64 = 1e-7;
/// The tolerance for aliased columns where rows differ in weight by as much as at the edge of a range.
const WEIGHTED_APART: f64 = 1e-15;

/// An iteration: its model, its passes, and what it has found to warn of.
pub(super) struct Iteration<'a, 's> {
    pub scorer: &'a FisherScoring<'a, 's>,
    pub passes: Passes<'a, 's>,
    pub columns: Columns,
    /// Codes and multipliers of each group.
    pub tables: Vec<(usize, usize)>,
    /// The columns that are in.
    pub map: ColumnEncoding,
    /// The column whose coefficient is held.
    pub held: Option<usize>,
    /// The tolerance for aliasing.
    pub tol: f64,
    pub theta: ThetaStep,
    pub warnings: Vec<Warning>,
    /// Deviations and means of the columns, by which a step moves the predictor.
    pub spread: ColumnSpread,
    /// The coefficients within the range that had the lowest deviance so far.
    best: Option<(Vec<Dd>, f64)>,
    /// By column, whether it is aliased in the equations of the first step; empty before them.
    aliased: Vec<bool>,
    /// Norms of the last two steps.
    sizes: [f64; 2],
}

/// A point of the iteration and what a pass found there.
pub(super) struct Here {
    /// Coefficients; none at starting values.
    pub beta: Option<Vec<Dd>>,
    pub sums: Scoring,
}

/// Where the deviance has settled, or the steps are used up.
pub(super) struct Converged {
    pub beta: Vec<Dd>,
    pub deviance: f64,
    /// The next step, which was not taken.
    pub step: SolvedStep,
    pub equations: Equations,
    pub iterations: u32,
    pub converged: bool,
    pub boundary: bool,
}

impl Converged {
    /// The end of an ascent at coefficients, with the step that would come next there.
    pub fn at(beta: Vec<Dd>, sums: &Scoring, equations: Equations, steps: u32, converged: bool) -> Self {
        let zero = vec![Dd::ZERO; beta.len()];
        Converged {
            step: equations.step(&Score::of(&sums.score), &zero),
            deviance: sums.deviance.hi,
            beta,
            equations,
            iterations: steps,
            converged,
            boundary: false,
        }
    }
}

pub(in crate::model) fn plus(a: &[Dd], b: &[Dd]) -> Vec<Dd> {
    a.iter().zip(b).map(|(x, y)| *x + *y).collect()
}

/// True if the deviance is finite and all means are in range.
pub(in crate::model) fn sound(sums: &Scoring) -> bool {
    sums.deviance.hi.is_finite() && !sums.out_of_range
}

/// True where the response is two columns, of successes and of failures.
pub(in crate::model) fn counts_successes(scorer: &FisherScoring<'_, '_>) -> Result<bool, ModelError> {
    let columns = scorer.bound.rows.layout().atoms.responses;
    let counts = columns == 2 && scorer.family.is_binomial();
    if columns == 1 || counts {
        return Ok(counts);
    }
    let hint = match scorer.family.is_binomial() {
        true => "cbind(successes, failures)",
        false => "one column",
    };
    Err(ModelError::Argument {
        argument: "formula".into(),
        why: format!("the response has {columns} columns; this family wants {hint}"),
    })
}

/// Precision of the products of the first grams: twice where that costs little or is asked for.
pub(in crate::model) fn first_products(scorer: &FisherScoring<'_, '_>, on_device: bool) -> Products {
    let (source, accuracy) = (scorer.bound.rows.source(), scorer.spec.design.accuracy);
    let z = (scorer.bound.rows.layout().atoms.dense + 1) as f64;
    let cheap = source.rows().is_some_and(|n| n as f64 * z * z / 2.0 <= CHEAP);
    match accuracy {
        Accuracy::Certified => Products::Exact,
        _ if cheap => Products::Exact,
        // on a device the first Hessian tells whether single precision will do
        Accuracy::Auto | Accuracy::Single if z >= NARROW && !on_device => Products::Single,
        _ => Products::Stepping,
    }
}

impl<'a, 's> Iteration<'a, 's> {
    /// The first pass, from starting values or from where another iteration ended.
    pub fn begin(
        scorer: &'a FisherScoring<'a, 's>,
        before: Option<FisherResult>,
    ) -> Result<(Self, Here), ModelError> {
        let spec = scorer.spec;
        // 1. what the passes are asked for
        let counts = counts_successes(scorer)?;
        let mut passes = Passes::new(scorer, counts)?;
        passes.products = first_products(scorer, passes.device().is_some());
        // 2. the columns, and where to start
        let (mut sums, mut beta, columns, tables);
        match before {
            None => {
                let wanted = passes.gram();
                sums = passes.at("start", None, wanted)?;
                rows_left(&passes.rows, scorer.bound)?;
                check_range(&scorer.family, &sums.moments, passes.response())?;
                let Some(first) = &sums.gram else {
                    return Err(ModelError::Overflow("the response".into()));
                };
                (columns, tables) = scorer.resolve(first, &passes.rows)?;
                beta = match &spec.start {
                    None => None,
                    Some(start) => Some(scorer.scaled_start(start, &columns, &scorer.map(&columns))?),
                };
                passes.null = Some(scorer.null_start(&sums.moments, &sums));
                passes.null_deviance = scorer.null_of_binary(&sums.moments);
            }
            Some(before) => {
                passes.follow(&before);
                (columns, tables) = (before.columns, before.tables);
                beta = Some(plus(&before.at.beta, &before.step));
                sums = before.at.sums;
            }
        }
        if let Some((_, start)) = &scorer.held {
            beta = Some(start.clone());
        }
        let map = scorer.map(&columns);
        let moments = sums.moments;
        let mut warnings = Vec::new();
        if scorer.family.name == FamilyName::Binomial && !moments.whole {
            warnings.push(Warning::FractionalSuccesses);
        }
        let mut iteration = Iteration {
            scorer,
            held: scorer.held.as_ref().map(|(c, _)| *c),
            tol: spec.tolerance(),
            theta: ThetaStep::new(&passes.family, &moments),
            spread: sums
                .gram
                .as_ref()
                .map_or_else(ColumnSpread::default, |g| ColumnSpread::of(g, &map)),
            passes,
            columns,
            tables,
            map,
            warnings,
            best: None,
            aliased: Vec::new(),
            sizes: [f64::INFINITY, 0.0],
        };
        if let Some(beta) = &beta {
            let wanted = iteration.passes.gram();
            sums = iteration.at("step 0", Some(beta), wanted)?;
        }
        if sound(&sums) {
            return Ok((iteration, Here { beta, sums }));
        }
        // values that someone gave are an error; the family's own are not the only ones
        let given = spec.start.is_some() || spec.eta_start.is_some() || spec.mu_start.is_some();
        let inside = match given {
            false => iteration.inside()?,
            true => None,
        };
        if let Some(gram) = inside.as_ref().and_then(|here| here.sums.gram.as_ref()) {
            iteration.spread = ColumnSpread::of(gram, &iteration.map);
        }
        inside
            .map(|here| (iteration, here))
            .ok_or_else(|| ModelError::Argument {
                argument: "start".into(),
                why: "the starting values are out of the family's range; give start, etastart or mustart"
                    .into(),
            })
    }

    /// One pass at coefficients, or at the starting values.
    pub fn at(
        &mut self,
        name: &str,
        beta: Option<&[Dd]>,
        wanted: PassOutputs,
    ) -> Result<Scoring, ModelError> {
        let place = beta.map(|beta| CodedCoefficients {
            map: &self.map,
            tables: &self.tables,
            beta,
        });
        self.passes.at(name, place, wanted)
    }

    /// One pass for a distance in the place of the deviance.
    pub fn distance(
        &mut self,
        programs: &Programs,
        beta: &[Dd],
        wanted: &PassOutputs,
        rows: Rows,
    ) -> Result<Scoring, ModelError> {
        let place = CodedCoefficients {
            map: &self.map,
            tables: &self.tables,
            beta,
        };
        self.passes.distance(programs, rows, place, wanted)
    }

    /// The equations of a pass's gram; `None` where it has none, or its precision does not do.
    pub fn equations(&self, sums: &Scoring) -> Result<Option<Equations>, ModelError> {
        match &sums.gram {
            None => Ok(None),
            Some(gram) => self.equations_of(gram, self.tol),
        }
    }

    /// The equations of a gram with a tolerance for aliasing; `None` where the products' precision does not do.
    pub fn equations_of(&self, gram: &Gram, tol: f64) -> Result<Option<Equations>, ModelError> {
        let of = StepColumns {
            columns: &self.columns,
            map: &self.map,
            held: self.held,
            aliased: &self.aliased,
        };
        Equations::new(gram, of, self.solver(tol))
    }

    /// Settings for factoring, with a tolerance for aliasing.
    pub fn solver(&self, tol: f64) -> Solver<'_> {
        Solver {
            tol,
            device: self.passes.device(),
        }
    }

    /// A sum that is beyond all precision.
    pub fn overflow(&self) -> ModelError {
        ModelError::Overflow(self.columns.names.first().cloned().unwrap_or_default())
    }

    /// The equations of a point, its pass repeated with better products where they want it.
    pub fn solve(&mut self, here: &mut Here) -> Result<Equations, ModelError> {
        loop {
            if let Some(own) = self.equations(&here.sums)? {
                return Ok(own);
            }
            if here.sums.gram.is_some() {
                if self.passes.products == Products::Exact {
                    return Err(self.overflow());
                }
                self.passes.products = self.passes.more_precise();
            }
            let wanted = self.passes.gram();
            let beta = here.beta.take();
            here.sums = self.at("again, more precisely", beta.as_deref(), wanted)?;
            here.beta = beta;
        }
    }

    /// The equations of a point with the columns of the first ones, as far as twice the precision can tell.
    fn solve_whole(&mut self, here: &mut Here) -> Result<Equations, ModelError> {
        let equations = self.solve(here)?;
        if self.aliased.is_empty() {
            self.aliased = equations.aliased();
        }
        if equations.lack(&self.aliased) && self.tol > WEIGHTED_APART {
            // weights that are nearly nothing make no column aliased
            self.exactly();
            return self.solve(here);
        }
        Ok(equations)
    }

    /// True if later steps may form products in single precision on a device.
    fn may_go_single(&self, first: &Equations) -> bool {
        let design = &self.scorer.spec.design;
        self.passes.device().is_some()
            && matches!(design.accuracy, Accuracy::Auto | Accuracy::Single)
            && self.passes.products == Products::Stepping
            && first.well_conditioned()
    }

    /// Steps until the deviance settles.
    pub fn converge(&mut self, mut here: Here) -> Result<Converged, ModelError> {
        let spec = self.scorer.spec;
        let (mut iterations, mut converged, mut boundary, mut stuck) = (0, false, false, false);
        // the point before this one, to halve a step towards
        let mut behind = here.beta.clone();
        let mut known: Option<Equations> = None;
        loop {
            // 1. the step; a pass that was to be the last one has no gram, and the one before serves where it was
            let equations = match known.take().filter(|_| converged && here.sums.gram.is_none()) {
                Some(before) => before,
                None => self.solve_whole(&mut here)?,
            };
            if equations.lack(&self.aliased)
                && let Some((beta, _)) = self.best.clone()
            {
                return self.faded(beta, iterations, boundary);
            }
            let from = here
                .beta
                .clone()
                .unwrap_or_else(|| vec![Dd::ZERO; self.map.columns()]);
            let mut step = equations.step(&Score::of(&here.sums.score), &from);
            self.sizes = [self.sizes[1], step.gain.max(0.0).sqrt()];
            self.theta.look(&here.sums, &self.passes.family);
            let deviance = here.sums.deviance.hi;
            if self.best.as_ref().is_none_or(|(_, least)| deviance < *least) && here.beta.is_some() {
                self.best = Some((from.clone(), deviance));
            }
            // where no row has any weight left there is no step
            let lost = stuck || !step.delta.iter().all(|d| d.is_finite());
            if lost {
                step.delta.fill(Dd::ZERO);
                converged = false;
            }
            if converged || lost || iterations == spec.max_iterations {
                if !converged {
                    self.warnings.push(Warning::NotConverged { iterations });
                }
                if boundary {
                    self.warnings.push(Warning::Boundary);
                }
                return Ok(Converged {
                    beta: from,
                    deviance,
                    step,
                    equations,
                    iterations,
                    converged,
                    boundary,
                });
            }
            // 2. the pass there. The step's own gain is by how much the deviance will fall: where that is next to
            //    nothing, the pass is the last one and needs no gram
            self.passes.family = self.theta.taken(self.passes.family);
            if iterations == 0 && self.may_go_single(&equations) {
                self.passes.products = Products::Single;
            }
            iterations += 1;
            let predicted = step.gain.abs() / self.size_of(deviance);
            let wanted = match predicted < 0.1 * spec.epsilon && !self.theta.moves() {
                true => PassOutputs::default(),
                false => self.passes.gram(),
            };
            let mut next = plus(&from, &step.delta);
            let name = format!("step {iterations}");
            let mut sums = self.at(&name, Some(&next), wanted)?;
            if !sound(&sums) {
                boundary = true;
                if behind.is_none() {
                    return self.start_inside(equations);
                }
                match self.halve(&name, next, behind.as_deref(), sums.out_of_range)? {
                    Some(found) => (next, sums) = found,
                    None => {
                        // no step of this direction will do: the iteration ends where it is
                        let wanted = self.passes.gram();
                        sums = self.at("again", Some(&from), wanted)?;
                        (next, stuck) = (from.clone(), true);
                    }
                }
            } else if iterations > 1 && sums.deviance.hi > DIVERGING * deviance && !self.theta.moves() {
                (next, sums) = self.shorten(&name, next, &from, sums, deviance)?;
            }
            // 3. R's test; a change below rounding error is none
            let change = (sums.deviance.hi - deviance).abs() / self.size_of(sums.deviance.hi);
            let ends_in_double = spec.design.accuracy != Accuracy::Single;
            if ends_in_double && change < spec.epsilon_f64 && self.passes.products == Products::Single {
                self.passes.products = Products::Stepping;
            }
            converged = change < spec.epsilon.max(4.0 * f64::EPSILON) && self.theta.small(spec.epsilon);
            behind = Some(next.clone());
            here = Here {
                beta: Some(next),
                sums,
            };
            known = Some(equations);
        }
    }

    /// Ends where rows have lost so much of their weights that columns seem aliased which are not, as they do where the
    /// coefficients run off: at the best point before.
    fn faded(&mut self, beta: Vec<Dd>, iterations: u32, boundary: bool) -> Result<Converged, ModelError> {
        let mut here = self.again(beta.clone())?;
        let equations = self.solve(&mut here)?;
        self.warnings.push(Warning::NotConverged { iterations });
        if boundary {
            self.warnings.push(Warning::Boundary);
        }
        let at = Converged::at(beta, &here.sums, equations, iterations, false);
        Ok(Converged { boundary, ..at })
    }

    /// Keeps a warning, once.
    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Halves a step towards where it came from, until the deviance is finite and all means are in range.
    fn halve(
        &mut self,
        name: &str,
        mut next: Vec<Dd>,
        behind: Option<&[Dd]>,
        out_of_range: bool,
    ) -> Result<Option<(Vec<Dd>, Scoring)>, ModelError> {
        let Some(behind) = behind else {
            return Ok(None);
        };
        self.warn(Warning::Truncated {
            divergence: !out_of_range,
        });
        for _ in 0..MOST_HALVINGS {
            next = next
                .iter()
                .zip(behind)
                .map(|(a, b)| (*a + *b).scale(0.5))
                .collect();
            let wanted = self.passes.gram();
            let sums = self.at(&format!("{name}, halved"), Some(&next), wanted)?;
            if sound(&sums) {
                return Ok(Some((next, sums)));
            }
        }
        Ok(None)
    }

    /// Halves a step that multiplies the deviance, until that no longer rises: R would go on from where it leads, and
    /// may end anywhere (Marschner 2011, "glm2: fitting generalized linear models with convergence problems").
    fn shorten(
        &mut self,
        name: &str,
        mut next: Vec<Dd>,
        from: &[Dd],
        mut sums: Scoring,
        deviance: f64,
    ) -> Result<(Vec<Dd>, Scoring), ModelError> {
        self.warn(Warning::Increasing);
        for _ in 0..MOST_HALVINGS {
            next = next.iter().zip(from).map(|(a, b)| (*a + *b).scale(0.5)).collect();
            let wanted = self.passes.gram();
            sums = self.at(&format!("{name}, halved"), Some(&next), wanted)?;
            if sound(&sums) && sums.deviance.hi <= deviance {
                break;
            }
        }
        Ok((next, sums))
    }

    /// Where the first step from the family's starting values leaves its range: an ascent from any coefficients inside.
    fn start_inside(&mut self, equations: Equations) -> Result<Converged, ModelError> {
        let Some(here) = self.inside()? else {
            return Err(ModelError::Argument {
                argument: "start".into(),
                why: "no valid set of coefficients has been found: the first step leaves the family's range; give \
                      starting values"
                    .into(),
            });
        };
        let beta = here.beta.unwrap_or_else(|| vec![Dd::ZERO; self.map.columns()]);
        let deviance = here.sums.deviance.hi;
        self.best = Some((beta.clone(), deviance));
        self.warn(Warning::Truncated { divergence: false });
        let step = SolvedStep {
            delta: vec![Dd::ZERO; beta.len()],
            gain: f64::INFINITY,
        };
        Ok(Converged {
            beta,
            deviance,
            step,
            equations,
            iterations: 0,
            converged: false,
            boundary: true,
        })
    }

    /// The share of its size that the last step kept from the one before: the rate at which steps of Fisher scoring converge
    /// linearly.
    pub fn shrinking(&self) -> f64 {
        let [before, last] = self.sizes;
        let share = last / before;
        match share.is_finite() && before > 0.0 {
            true => share.clamp(0.0, 1.0 - 1e-6),
            false => 0.0,
        }
    }

    /// |D| + c: what changes of a deviance are compared with, c the [floor](super::units::deviance_floor).
    pub fn size_of(&self, deviance: f64) -> f64 {
        deviance.abs() + self.passes.floor
    }

    /// True if coefficients still move although the deviance does not, as they do where the likelihood has no maximum.
    pub fn runs_away(&self, at: &Converged) -> bool {
        if self.scorer.family.is_of_residuals() {
            // least squares: the first step is the whole way
            return false;
        }
        if at.step.gain > STILL_GAINING * self.size_of(at.deviance) {
            return true;
        }
        let accepted = at.equations.accepted();
        let first = usize::from(self.map.intercept);
        let slopes = (&at.beta[first..], &self.spread.deviations[first..]);
        let far = RUNAWAY * predictor_unit(&self.passes.family, &self.passes.moments, slopes);
        let moves = self.spread.moves(&at.step.delta, self.map.intercept);
        accepted
            .iter()
            .zip(moves)
            .any(|(accepted, by)| *accepted && by > far)
    }

    /// True where the deviance has settled above the null deviance, which the intercept alone reaches; the intercept's coefficients are
    /// then the best point, from which an ascent starts.
    pub fn above_one_mean(&mut self, at: &Converged) -> bool {
        let own = at.converged && self.map.intercept && self.held.is_none();
        let (true, Some(null)) = (
            own && self.scorer.bound.rows.roles().offsets.is_empty(),
            self.passes.null_deviance.filter(|d| d.is_finite()),
        ) else {
            return false;
        };
        let moments = self.passes.moments;
        let constant = self.passes.family.link((moments.response / moments.weight).hi);
        if at.deviance <= null + ABOVE_NULL * null.abs() || !constant.is_finite() {
            return false;
        }
        let mut beta = vec![Dd::ZERO; self.map.columns()];
        beta[0] = Dd::new(constant);
        self.best = Some((beta, null));
        true
    }

    /// True if an ascent may follow Fisher scoring: not where `max_iterations` is below 25.
    pub fn goes_on(&self) -> bool {
        self.scorer.spec.max_iterations >= MANY_STEPS
    }

    /// Goes on by ascent where Fisher scoring has not found a maximum: from the best point that it has seen, then from the
    /// inside of the range.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn climb(&mut self, at: Converged) -> Result<Converged, ModelError> {
        for inside in [false, true] {
            let here = match inside {
                true => self.inside()?,
                false => self.best.clone().map(|(beta, _)| self.again(beta)).transpose()?,
            };
            let Some(here) = here.filter(|h| sound(&h.sums)) else {
                continue;
            };
            let mut found = self.ascend(here)?;
            if !found.stationary
                && let Some(beta) = found.here.beta.clone()
                && let Some(here) = self.newton(beta)?.filter(|h| sound(&h.sums))
            {
                found = self.ascend(here)?;
            }
            // where weights have nearly vanished columns seem aliased, and a point stationary, which are not
            let whole = !found.equations.lack(&self.aliased);
            let beta = found.here.beta.unwrap_or_default();
            let found = Converged::at(
                beta,
                &found.here.sums,
                found.equations,
                found.steps,
                found.stationary && whole,
            );
            if found.converged && !self.runs_away(&found) {
                return Ok(self.after_all(found, at.iterations));
            }
            if self
                .best
                .as_ref()
                .is_none_or(|(_, least)| found.deviance < *least)
            {
                self.best = Some((found.beta, found.deviance));
            }
        }
        // no maximum inside: it may be at the edge
        if let Some(here) = self.towards_the_edge()?.filter(|h| sound(&h.sums)) {
            let least = self.best.as_ref().map_or(f64::INFINITY, |(_, least)| *least);
            let enough = here.sums.deviance.hi <= least + EDGE_GAP * self.size_of(least);
            if let (true, Some(equations)) = (enough, self.equations(&here.sums)?) {
                let beta = here.beta.unwrap_or_default();
                let found = Converged::at(beta, &here.sums, equations, 0, true);
                let found = self.after_all(found, at.iterations);
                self.warn(Warning::Edge);
                return Ok(Converged {
                    boundary: true,
                    ..found
                });
            }
        }
        // what is reported is the best that was seen
        self.warnings
            .retain(|w| !matches!(w, Warning::NotConverged { .. }));
        self.warn(Warning::NoMaximum);
        self.exactly();
        let at = Converged {
            converged: false,
            ..at
        };
        match self.best.take() {
            Some((beta, deviance)) if !(at.deviance <= deviance) => Ok(Converged { beta, deviance, ..at }),
            _ => Ok(at),
        }
    }

    /// Products in twice the precision from here on, in which columns count as aliased only where nothing is left of them: at the
    /// edge of a range a few rows may have nearly all the weight.
    pub fn exactly(&mut self) {
        self.passes.products = Products::Exact;
        self.tol = self.tol.min(WEIGHTED_APART);
    }

    /// A maximum that was found although Fisher scoring had not: what it had warned of is no more.
    pub fn after_all(&mut self, mut found: Converged, steps: u32) -> Converged {
        let over = |w: &Warning| {
            matches!(
                w,
                Warning::NotConverged { .. } | Warning::Boundary | Warning::NoMaximum
            )
        };
        self.warnings.retain(|w| !over(w));
        found.iterations += steps;
        found
    }

    /// A pass with the gram at coefficients, to go on from there.
    pub fn again(&mut self, beta: Vec<Dd>) -> Result<Here, ModelError> {
        let wanted = self.passes.gram();
        let sums = self.at("again", Some(&beta), wanted)?;
        Ok(Here {
            beta: Some(beta),
            sums,
        })
    }
}
