//! A step of Fisher scoring on a device: the same programs and the same sums as on the CPU, by columns of all rows at once.

use std::sync::Arc;

use nelder_device::{Binary, Buffer, Dd, DeviceError, Matrix, Program, Unary};

use super::loaded::Loaded;
use super::{At, Gram, Moments, PassError, PassRecord, Products, Scoring, ScoringPlan, quartile_ranks};

/// Responses and prior weights of all rows.
struct Observed {
    y: Buffer,
    weight: Option<Buffer>,
    trials: Option<Buffer>,
}

/// Proportions, weights times trials, and trials, from successes, failures and weights.
fn counted(weighted: bool) -> Program {
    let mut p = Program::new();
    let (successes, failures) = (p.input(0), p.input(1));
    let trials = p.binary(Binary::Add, successes, failures);
    let (zero, none) = (p.constant(0.0), p.constant(0.0));
    let empty = p.binary(Binary::Eq, trials, none);
    let share = p.binary(Binary::Div, successes, trials);
    let share = p.select(empty, zero, share);
    let weight = match weighted {
        false => trials,
        true => {
            let w = p.input(2);
            p.binary(Binary::Mul, w, trials)
        }
    };
    for out in [share, weight, trials] {
        p.output(out);
    }
    p
}

/// By row: 1 where y is neither 0 nor 1, where w y is no whole number to a thousandth, and where w is zero.
fn looks(weighted: bool) -> Program {
    let mut p = Program::new();
    let y = p.input(0);
    let (zero, one, half) = (p.constant(0.0), p.constant(1.0), p.constant(0.5));
    let thousandth = p.constant(1e-3);
    let either = [zero, one].map(|v| p.binary(Binary::Ne, y, v));
    let other = p.binary(Binary::Mul, either[0], either[1]);
    let (product, empty) = match weighted {
        false => (y, zero),
        true => {
            let w = p.input(1);
            let empty = p.binary(Binary::Eq, w, zero);
            (p.binary(Binary::Mul, w, y), empty)
        }
    };
    let up = p.binary(Binary::Add, product, half);
    let whole = p.unary(Unary::Floor, up);
    let apart = p.binary(Binary::Sub, product, whole);
    let apart = p.unary(Unary::Abs, apart);
    let fraction = p.binary(Binary::Gt, apart, thousandth);
    for out in [other, fraction, empty] {
        p.output(out);
    }
    p
}

/// η and what is left of it from −η in two parts.
fn turned() -> Program {
    let mut p = Program::new();
    let (high, low, zero) = (p.input(0), p.input(1), p.constant(0.0));
    for v in [high, low] {
        let turned = p.binary(Binary::Sub, zero, v);
        p.output(turned);
    }
    p
}

/// −a b
fn minus_product() -> Program {
    let mut p = Program::new();
    let (a, b) = (p.input(0), p.input(1));
    let product = p.binary(Binary::Mul, a, b);
    let turned = p.unary(Unary::Neg, product);
    p.output(turned);
    p
}

/// s + W (η − o)
fn first_score(offset: bool) -> Program {
    let mut p = Program::new();
    let (s, w, eta) = (p.input(0), p.input(1), p.input(2));
    let eta = match offset {
        false => eta,
        true => {
            let o = p.input(3);
            p.binary(Binary::Sub, eta, o)
        }
    };
    let more = p.binary(Binary::Mul, w, eta);
    let sum = p.binary(Binary::Add, s, more);
    p.output(sum);
    p
}

/// The outputs of a program that has as many.
fn outputs<const N: usize>(found: Vec<Buffer>) -> Result<[Buffer; N], DeviceError> {
    let given = found.len();
    found.try_into().map_err(|_| DeviceError::Length {
        what: "outputs of a program",
        wanted: N,
        given,
    })
}

impl Loaded {
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
            });
        }
        let (s, f) = (own(0)?, own(1)?);
        let inputs = [s, f, weights.unwrap_or(s)];
        let found = resident
            .device
            .run(&counted(weights.is_some()), &inputs, resident.rows)?;
        let [y, weight, trials] = outputs(found)?;
        Ok(Observed {
            y,
            weight: Some(weight),
            trials: Some(trials),
        })
    }

    fn moments_of(&self, observed: &Observed) -> Result<Moments, DeviceError> {
        let (device, n) = (&self.resident.device, self.resident.rows);
        let w = observed.weight.as_ref();
        let y = Matrix::new(observed.y.clone(), n, 1)?;
        let response = device.moments(&y, w, &[])?.sums[0];
        let weight = match w {
            None => Dd::from(n as f64),
            Some(w) => device.reduce(w)?.sum,
        };
        let program = looks(w.is_some());
        let [other, fraction, empty] =
            outputs(device.run(&program, &[&observed.y, w.unwrap_or(&observed.y)], n)?)?;
        let count = |flags: &Buffer| Ok::<f64, DeviceError>(device.reduce(flags)?.sum.hi);
        Ok(Moments {
            rows: n as u64,
            empty: count(&empty)? as u64,
            weight,
            response,
            binary: count(&other)? == 0.0,
            whole: count(&fraction)? == 0.0,
        })
    }

    /// One pass, with the record that it leaves.
    pub(super) fn scoring(
        &self,
        name: &str,
        precision: &str,
        plan: &Arc<ScoringPlan>,
    ) -> Result<(Scoring, PassRecord), PassError> {
        let resident = &self.resident;
        let (device, n) = (&resident.device, resident.rows);
        let clock = resident.clock();
        let mut sums = Scoring::new(plan.clone());
        let observed = self.observed(plan.counts)?;
        let offset = resident.offset.as_ref();
        let first = matches!(plan.at, At::Start);
        if first {
            sums.moments = self.moments_of(&observed)?;
        }
        // a column that is not there is not read; another stands in its place
        let y = &observed.y;
        let w = observed.weight.as_ref().unwrap_or(y);
        let trials = observed.trials.as_ref().unwrap_or(y);
        let run = |program: &Program, inputs: &[&Buffer]| device.run(program, inputs, n);
        let total = |column: &Buffer| Ok::<Dd, DeviceError>(device.reduce(column)?.sum);
        let mut columns = 8;
        // 1. η
        let twice = plan.wanted.last.is_some();
        let eta;
        let mut low = None;
        match &plan.at {
            At::Start => {
                let given = resident.start.as_ref().unwrap_or(y);
                let trials = observed.trials.as_ref().or(observed.weight.as_ref()).unwrap_or(y);
                eta = run(&plan.programs.start, &[y, given, trials])?.pop();
            }
            At::Coefficients(b) if twice => {
                // η = −(−o − c − Xβ)
                let none = resident.x.part(0..0)?;
                let zeros = device.product(&none, &[], 0.0, offset)?;
                let [turned_offset, _] = outputs(run(&turned(), &[&zeros, &zeros])?)?;
                let own = (0..resident.atoms.dense).chain(resident.rests.iter().copied());
                let b_of = |i: usize| b.dense.get(i).copied().unwrap_or(Dd::ZERO);
                let beta: Vec<Dd> = own.map(b_of).collect();
                let r = device.residual(&resident.x, &beta, b.intercept, &turned_offset)?;
                let (high, rest) = self.less_codes(r, b)?;
                let [high, rest] = outputs(run(&turned(), &[&high, &rest])?)?;
                eta = Some(high);
                low = Some(rest);
                columns += resident.x.columns;
            }
            At::Coefficients(b) => {
                let own = resident.x.part(0..resident.atoms.dense)?;
                let beta: Vec<f64> = b.dense.iter().map(|b| b.hi).collect();
                let mut own = device.product(&own, &beta, b.intercept.hi, offset)?;
                if !resident.groups.is_empty() {
                    // η − (−codes): the predictor of the codes is subtracted from −η
                    let zeros = device.product(&resident.x.part(0..0)?, &[], 0.0, None)?;
                    let [minus, _] = outputs(run(&turned(), &[&own, &zeros])?)?;
                    let (high, low) = self.less_codes((minus, zeros), b)?;
                    [own, _] = outputs(run(&turned(), &[&high, &low])?)?;
                }
                eta = Some(own);
                columns += resident.x.columns;
            }
        }
        let Some(eta) = eta else {
            return Ok((sums, clock.stop(name, precision, columns)));
        };
        // 2. W, s, deviance
        let inputs = [y, &eta, w, trials];
        let (weight, mut score, deviance);
        if twice {
            let found = run(&plan.programs.finish, &inputs)?;
            let [
                own_weight,
                own_score,
                own,
                pearson,
                edge,
                likelihood,
                blur,
                residual,
            ] = outputs(found)?;
            (weight, score, deviance) = (own_weight, own_score, own);
            sums.pearson = total(&pearson)?;
            sums.likelihood = total(&likelihood)?;
            sums.blur = total(&blur)?.hi;
            sums.edge = device.reduce(&edge)?.least;
            if let Some(rest) = &low {
                // what the leading part of η leaves over: ds/dη = −W in the mean
                low = run(&minus_product(), &[rest, &weight])?.pop();
            }
            if let Some(run) = resident.few(&[&residual])? {
                sums.runs.push(run);
            } else if device.reduce(&residual)?.missing == 0 {
                sums.places = device.order_statistics(&residual, &quartile_ranks(n as u64))?;
            }
        } else {
            let single = first && !plan.counts && sums.moments.binary;
            let program = if single {
                &plan.programs.single
            } else {
                &plan.programs.step
            };
            [weight, score, deviance] = outputs(run(program, &inputs)?)?;
        }
        let own = device.reduce(&deviance)?;
        sums.deviance = own.sum;
        if !own.sum.hi.is_finite() {
            sums.out_of_range = own.missing > 0;
        }
        // 3. the model without columns, and θ
        if let Some(constant) = plan.wanted.null {
            let none = resident.x.part(0..0)?;
            let null = device.product(&none, &[], constant, offset)?;
            let inputs = [y, &null, w, trials];
            if let Some(own) = run(&plan.programs.deviance, &inputs)?.first() {
                sums.null[2] = total(own)?;
            }
            if offset.is_some() {
                let [weight, score, _] = outputs(run(&plan.programs.step, &inputs)?)?;
                sums.null[0] = total(&weight)?;
                sums.null[1] = total(&score)?;
            }
        }
        if plan.wanted.theta {
            let [one, two] = outputs(run(&plan.programs.theta, &inputs)?)?;
            sums.theta = [total(&one)?, total(&two)?];
        }
        // 4. the score, and the sums of the columns that the gram wants
        if first {
            let inputs = [&score, &weight, &eta, offset.unwrap_or(&eta)];
            if let Some(own) = run(&first_score(offset.is_some()), &inputs)?.pop() {
                score = own;
            }
        }
        sums.score.ones = total(&score)?;
        let wants = plan.wanted.gram.is_some();
        let vectors: Vec<&Buffer> = match wants {
            true => vec![&score, &weight],
            false => vec![&score],
        };
        let found = device.moments(&resident.x, None, &vectors)?;
        columns += resident.x.columns;
        let mut own_score = found.with[0].clone();
        if let Some(low) = &low {
            sums.score.ones += total(low)?;
            let more = device.moments(&resident.x, None, &[low])?;
            own_score
                .iter_mut()
                .zip(&more.with[0])
                .for_each(|(a, b)| *a += *b);
            columns += resident.x.columns;
        }
        for i in 0..resident.atoms.dense {
            sums.score.dense[i] = resident
                .parts_of(i)
                .map(|a| own_score[a])
                .fold(Dd::ZERO, |a, b| a + b);
        }
        if !resident.groups.is_empty() {
            self.score_by_code(&mut sums.score, (&score, low.as_ref()))?;
        }
        // 5. the gram
        if let Some(products) = plan.wanted.gram {
            let own = device.reduce(&weight)?.sum;
            let exact = products == Products::Exact;
            let (form, of_columns, seconds) = self.columns(exact, Some(&weight), own, &found.with[1])?;
            let mut gram = Gram::of_sums(
                &plan.atoms,
                form,
                n as u64,
                own,
                0.0,
                of_columns,
                &seconds,
                self.rounded(),
            );
            self.fill_tables(&mut gram, Some(&weight), &[])?;
            sums.gram = Some(gram);
            columns += resident.x.columns;
        }
        Ok((sums, clock.stop(name, precision, columns)))
    }
}
