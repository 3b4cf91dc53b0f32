//! A step of Fisher scoring as a statistic: on threads, and on devices, where the same programs and the same sums go by columns of all
//! rows at once.

use std::sync::Arc;

use nelder_device::{Buffer, Dd, DeviceError, Fold, Matrix, Predictor, ScoringStep, StepSums, outputs};

use super::scoring_programs::{Programmed, counted, difference, looks, minus_product, rested, turned};
use crate::design::BlockSchema;
use crate::pass::device::{DeviceRows, KeptColumn};
use crate::pass::statistic::{OnDevice, PassLabel, Statistic};
use crate::pass::{
    At, Coefficients, Course, Gram, PassRecord, Products, ResponseMoments, Scoring, ScoringPlan,
    ScoringWorker,
};

impl Statistic for Arc<ScoringPlan> {
    type Sum = Scoring;
    type Worker<'w> = ScoringWorker;

    fn worker(&self, _: &BlockSchema) -> ScoringWorker {
        ScoringWorker::new(self.clone())
    }

    fn on_device(&self, rows: &DeviceRows, label: PassLabel<'_>) -> OnDevice<Scoring> {
        let (mut own, record) = rows.scoring(label.name, label.precision, self)?;
        if rows.resident.part.passes_by && matches!(self.wanted.last, Some(Some(_))) {
            for run in std::mem::take(&mut own.runs) {
                run.values.iter().flatten().for_each(|r| own.count(*r));
            }
        }
        Ok(Some((own, vec![record])))
    }

    fn in_parts(&self) -> Option<Course> {
        Some(Course::Scoring)
    }
}

/// Responses and prior weights of all rows.
struct Observed {
    y: Buffer,
    weight: Option<Buffer>,
    trials: Option<Buffer>,
    /// Proportions of failures, where these are counted.
    rest: Option<Buffer>,
}

impl DeviceRows {
    fn observed(&self, counts: bool) -> Result<Observed, DeviceError> {
        let resident = &self.resident;
        let own = |k: usize| {
            resident
                .responses
                .get(k)
                .map(|(y, _)| y)
                .ok_or(DeviceError::Length {
                    what: "responses",
                    wanted: k + 1,
                    given: resident.responses.len(),
                })
        };
        let weights = resident.weights.as_ref();
        if !counts || resident.responses.len() < 2 {
            return Ok(Observed {
                y: own(0)?.clone(),
                weight: weights.cloned(),
                trials: None,
                rest: None,
            });
        }
        let (s, f) = (own(0)?, own(1)?);
        let inputs = [s, f, weights.unwrap_or(s)];
        let program = counted(weights.is_some());
        let [y, weight, trials, rest] = outputs(&*resident.device, &program, &inputs, resident.rows)?;
        Ok(Observed {
            y,
            weight: Some(weight),
            trials: Some(trials),
            rest: Some(rest),
        })
    }

    fn moments_of(&self, observed: &Observed) -> Result<ResponseMoments, DeviceError> {
        let (device, n) = (&self.resident.device, self.resident.rows);
        let w = observed.weight.as_ref();
        let y = Matrix::new(observed.y.clone(), n, 1)?;
        let of_response = device.moments(&y, w, &[])?;
        let response = of_response.sums[0];
        let mut offset_size = 0.0;
        let (mut squares, mut rounded) = ([of_response.squares[0], 0.0], [of_response.rounded[0], false]);
        if let Some(offset) = &self.resident.offset {
            let own = device.moments(&Matrix::new(offset.clone(), n, 1)?, w, &[])?;
            (squares[1], rounded[1]) = (own.squares[0], own.rounded[0]);
            let ends = device.reduce(offset)?;
            offset_size = ends.least.abs().max(ends.largest.abs());
        }
        let weight = match w {
            None => Dd::from(n as f64),
            Some(w) => device.reduce(w)?.sum,
        };
        let program = looks(w.is_some(), observed.trials.is_some());
        let trials = observed.trials.as_ref().unwrap_or(&observed.y);
        let inputs = [&observed.y, w.unwrap_or(&observed.y), trials];
        let [other, fraction, empty, no_count] = outputs(&**device, &program, &inputs, n)?;
        let count = |flags: &Buffer| Ok::<f64, DeviceError>(device.reduce(flags)?.sum.hi);
        Ok(ResponseMoments {
            rows: n as u64,
            empty: count(&empty)? as u64,
            weight,
            response,
            binary: count(&other)? == 0.0,
            whole: count(&fraction)? == 0.0,
            counts: count(&no_count)? == 0.0,
            squares,
            rounded,
            offset_size,
        })
    }

    /// One pass, with the record that it leaves.
    // in one piece, because the inputs of the step are borrowed from columns that are made on the way
    fn scoring(
        &self,
        name: &str,
        precision: &str,
        plan: &Arc<ScoringPlan>,
    ) -> Result<(Scoring, PassRecord), DeviceError> {
        let (resident, device) = (&self.resident, &self.resident.device);
        let clock = resident.clock();
        let mut sums = Scoring::new(plan);
        let observed = self.observed(plan.counts)?;
        let offset = resident.offset.as_ref().filter(|_| plan.offset);
        if matches!(plan.at, At::Start) {
            sums.moments = self.moments_of(&observed)?;
            sums.ranges = self.ranges()?;
        }
        // a column that is not there is not read; another stands in its place
        let y = &observed.y;
        let w = observed.weight.as_ref().unwrap_or(y);
        let trials = observed.trials.as_ref().unwrap_or(y);
        let rest = observed.rest.as_ref().unwrap_or(y);
        let mut columns = 8 + resident.x.columns;
        // 1. what runs on the rows, and η: rows with codes have theirs beforehand
        let twice = plan.wanted.last.is_some();
        let programmed = Programmed::new(plan, sums.moments.binary, offset.is_some())?;
        let start_trials = observed.trials.as_ref().or(observed.weight.as_ref()).unwrap_or(y);
        let given = resident.start.as_ref().unwrap_or(y);
        let (eta, low, own, zeros);
        let mut inputs = [y, given, w, trials, rest, start_trials, offset.unwrap_or(y)];
        let beta: Vec<Dd>;
        let predictor = match &plan.at {
            At::Start => Predictor::Given { low: None },
            At::Coefficients(b) if plan.programs.family.is_of_residuals() => {
                (own, low) = self.differences(b, y, offset)?;
                zeros = device.product(&resident.x.part(0..0)?, &[], 0.0, None)?;
                (inputs[0], inputs[1]) = (&own, &zeros);
                columns += resident.x.columns;
                Predictor::Given {
                    low: twice.then_some(&low),
                }
            }
            At::Coefficients(b) if resident.groups.is_empty() => {
                beta = self.by_column(&b.dense, twice);
                Predictor::Of {
                    input: 1,
                    b: &beta,
                    constant: b.intercept,
                    offset,
                    twice,
                }
            }
            At::Coefficients(b) => {
                (eta, low) = self.predictor_with_codes(b, offset)?;
                inputs[1] = &eta;
                columns += resident.x.columns;
                Predictor::Given {
                    low: twice.then_some(&low),
                }
            }
        };
        // 2. W, s, the deviance and what else is summed of rows
        let exact = plan.wanted.gram == Some(Products::Exact);
        let centres = self.centres();
        let step = ScoringStep {
            program: &programmed.program,
            inputs: &inputs,
            predictor,
            folds: &programmed.folds,
            gram: plan.wanted.gram.is_some() && !exact,
            centres: centres.as_deref(),
            single: plan.wanted.gram == Some(Products::Single),
        };
        // the weights of rows are read again where codes or exact products want them
        let (found, rows) = match exact || !resident.groups.is_empty() {
            false => (device.step(&resident.x, &step)?, None),
            true => self.step_with_rows(&step)?,
        };
        let single = found.single;
        self.take_folds(plan, &found, &mut sums)?;
        // 3. the model without columns
        if let Some(constant) = plan.wanted.null {
            self.without_columns(plan, [y, w, trials, rest], offset, constant, &mut sums)?;
        }
        // 4. the score
        self.take_score(&found, &mut sums);
        if let Some(rows) = &rows {
            self.score_by_code(&mut sums.score, (&rows.score, rows.low.as_ref()))?;
        }
        // 5. the gram
        if plan.wanted.gram.is_some() {
            let weights = rows.as_ref().map(|rows| &rows.weight);
            sums.gram = Some(self.gram_of_step(plan, found, weights, centres.as_deref())?);
            columns += resident.x.columns;
        }
        // what was allowed need not have been done
        let done = match precision {
            "f32" if !single => "f64",
            other => other,
        };
        Ok((sums, clock.stop(name, done, columns)))
    }

    /// Coefficients of the columns on the device: of the leading parts, then of what these leave over, zero where that is not wanted.
    fn by_column(&self, dense: &[Dd], twice: bool) -> Vec<Dd> {
        let resident = &self.resident;
        let of = |i: usize| dense.get(i).copied().unwrap_or(Dd::ZERO);
        let rests = resident
            .rests
            .iter()
            .map(|&i| if twice { of(i) } else { Dd::ZERO });
        let count = resident.x.columns - resident.rests.len();
        (0..count).map(of).chain(rests).collect()
    }

    /// The deviance and what else a step sums of rows, into a pass's sums.
    fn take_folds(
        &self,
        plan: &ScoringPlan,
        found: &StepSums,
        sums: &mut Scoring,
    ) -> Result<(), DeviceError> {
        sums.deviance = found.folds[0];
        if !sums.deviance.hi.is_finite() {
            sums.out_of_range = found.missing[0] > 0;
        }
        if plan.wanted.last.is_some() {
            self.statistics_of_last(found, sums)?;
        }
        if let ([.., one, two], true) = (found.folds.as_slice(), plan.wanted.theta) {
            sums.theta = [*one, *two];
        }
        Ok(())
    }

    /// The score of the intercept and of the dense columns, each from all of its parts.
    fn take_score(&self, found: &StepSums, sums: &mut Scoring) {
        sums.score.ones = found.score;
        for (i, score) in sums
            .score
            .dense
            .iter_mut()
            .enumerate()
            .take(self.resident.atoms.dense)
        {
            let parts = self.resident.parts_of(i).map(|a| found.scores[a]);
            *score = parts.fold(Dd::ZERO, |a, b| a + b);
        }
    }

    /// Statistics of the last pass, and its deviance residuals: all where they are few, else they stay on the device.
    fn statistics_of_last(&self, found: &StepSums, sums: &mut Scoring) -> Result<(), DeviceError> {
        let (resident, folds) = (&self.resident, &found.folds);
        sums.pearson = folds[1];
        sums.edge = folds[2].hi;
        sums.likelihood = folds[3];
        sums.blur = folds[4].hi;
        sums.elasticities = [folds[6].hi, folds[7].hi];
        let Some(residual) = found.kept.first() else {
            return Ok(());
        };
        if let Some(run) = resident.few(&[residual])? {
            sums.runs.push(run);
        } else {
            sums.there = KeptColumn::new(&resident.device, residual.clone());
        }
        Ok(())
    }

    /// Deviance of the model without columns at a constant; with an offset also its weights and scores, for the constant's next step.
    fn without_columns(
        &self,
        plan: &ScoringPlan,
        [y, w, trials, rest]: [&Buffer; 4],
        offset: Option<&Buffer>,
        constant: f64,
        sums: &mut Scoring,
    ) -> Result<(), DeviceError> {
        let (device, n) = (&self.resident.device, self.resident.rows);
        let null = device.product(&self.resident.x.part(0..0)?, &[], constant, offset)?;
        let inputs = [y, &null, w, trials, rest];
        let total = |column: &Buffer| Ok::<Dd, DeviceError>(device.reduce(column)?.sum);
        if let Some(own) = device.run(&plan.programs.deviance, &inputs, n)?.first() {
            let own = device.reduce(own)?;
            sums.null[2] = own.sum;
            sums.null_ends = [!own.sum.hi.is_finite(), own.missing > 0];
        }
        if offset.is_some() {
            let [weight, score, deviance] = outputs(&**device, &plan.programs.step, &inputs, n)?;
            sums.null[0] = total(&weight)?;
            sums.null[1] = total(&score)?;
            sums.null[3] = match device.reduce(&deviance)? {
                own if own.missing == 0 => own.sum,
                _ => Dd::new(f64::NAN),
            };
        }
        Ok(())
    }

    /// The gram under the weights of a step: what came with it, or products of its own under `weights`.
    fn gram_of_step(
        &self,
        plan: &ScoringPlan,
        found: StepSums,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Gram, DeviceError> {
        let own = found.weight;
        let exact = plan.wanted.gram == Some(Products::Exact);
        let (form, of_columns, seconds) = match found.gram {
            Some(products) => {
                let (form, sums, seconds) = self.moved(false, products.into(), own, &found.weights, centres);
                let form = if found.single { Products::Rough } else { form };
                (form, sums, seconds)
            }
            None => self.products(exact, weights, own, &found.weights)?,
        };
        let mut gram = Gram::of_sums(
            &plan.atoms,
            form,
            self.resident.rows as u64,
            own,
            0.0,
            of_columns,
            seconds.iter(),
            self.rounded(),
        );
        self.fill_tables(&mut gram, weights, &[])?;
        Ok(gram)
    }

    /// y − η of rows whose y − η is all that counts, and less what is left of it: η = 0 and its rest where that stands for y.
    fn differences(
        &self,
        b: &Coefficients,
        y: &Buffer,
        offset: Option<&Buffer>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let resident = &self.resident;
        let (device, n) = (&resident.device, resident.rows);
        let less = match offset {
            None => None,
            Some(o) => Some(outputs::<2>(&**device, &difference(), &[y, o], n)?),
        };
        let y = less.as_ref().map_or(y, |[high, _]| high);
        let (high, rest) = self.less_predictor(y, b)?;
        let more = less.as_ref().map_or(&high, |[_, low]| low);
        let [high, rest] = outputs(&**device, &rested(less.is_some()), &[&high, &rest, more], n)?;
        Ok((high, rest))
    }

    /// η and what is left of it for rows with codes, with the offset.
    fn predictor_with_codes(
        &self,
        b: &Coefficients,
        offset: Option<&Buffer>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let resident = &self.resident;
        let (device, n) = (&resident.device, resident.rows);
        // η = −(−o − c − Xβ)
        let zeros = device.product(&resident.x.part(0..0)?, &[], 0.0, offset)?;
        let [minus, _] = outputs(&**device, &turned(), &[&zeros, &zeros], n)?;
        let (high, rest) = self.less_predictor(&minus, b)?;
        let [high, rest] = outputs(&**device, &turned(), &[&high, &rest], n)?;
        Ok((high, rest))
    }

    /// y − c − Xβ of all rows in two parts, codes included.
    fn less_predictor(&self, y: &Buffer, b: &Coefficients) -> Result<(Buffer, Buffer), DeviceError> {
        let resident = &self.resident;
        let own = (0..resident.x.columns - resident.rests.len()).chain(resident.rests.iter().copied());
        let b_of = |i: usize| b.dense.get(i).copied().unwrap_or(Dd::ZERO);
        let beta: Vec<Dd> = own.map(b_of).collect();
        let r = resident.device.residual(&resident.x, &beta, b.intercept, y)?;
        self.less_codes(r, b)
    }

    /// A step whose weights and scores by row are wanted too.
    fn step_with_rows(&self, step: &ScoringStep<'_>) -> Result<(StepSums, Option<ByRow>), DeviceError> {
        let (device, x) = (&self.resident.device, &self.resident.x);
        let mut program = step.program.clone();
        // as outputs once more, which are kept
        for k in 0..2 {
            program.output(step.program.outputs()[k]);
        }
        let folds = [step.folds, &[Fold::Keep, Fold::Keep]].concat();
        let more = ScoringStep {
            program: &program,
            folds: &folds,
            gram: false,
            ..step.clone()
        };
        let mut found = device.step(x, &more)?;
        let (Some(score), Some(weight)) = (found.kept.pop(), found.kept.pop()) else {
            return Ok((found, None));
        };
        let rests = step.folds.len();
        found.folds.truncate(rests);
        found.missing.truncate(rests);
        let low = match &step.predictor {
            Predictor::Given { low: Some(low) } => {
                device.run(&minus_product(), &[low, &weight], x.rows)?.pop()
            }
            _ => None,
        };
        found.weights = device.moments(x, None, &[&weight])?.with.concat();
        Ok((found, Some(ByRow { weight, score, low })))
    }
}

/// Weights and scores by row, and what the scores leave over.
struct ByRow {
    weight: Buffer,
    score: Buffer,
    low: Option<Buffer>,
}
