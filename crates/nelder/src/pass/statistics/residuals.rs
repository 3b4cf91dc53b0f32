//! Residuals and their score, as a statistic: on threads, and on devices.

use std::sync::Arc;

use nelder_device::{Binary, Dd, DeviceError, Matrix, Program, ResidualSums, Unary};

use crate::design::BlockSchema;
use crate::pass::device::{DeviceRows, KeptColumn};
use crate::pass::statistic::{OnDevice, PassLabel, Statistic};
use crate::pass::{Coefficients, Course, Gram, GramWorker, PassRecord, Products, Residuals, ResidualsWorker};

/// Residuals r = y − Xβ and Xᵀ W r, and the exact gram beside them where that is wanted.
#[derive(Clone, Debug)]
pub struct ResidualStatistic<'p> {
    /// β, one set a response.
    pub coefficients: Arc<[Coefficients]>,
    /// True if the exact gram is formed too.
    pub exact_gram: bool,
    /// Widths of bins that residuals are counted in where they come by, one a response; `None` if they are kept.
    pub widths: Option<&'p [f64]>,
}

impl ResidualStatistic<'_> {
    /// Name of the pass.
    pub fn name(&self) -> &'static str {
        match self.exact_gram {
            true => "residuals + gram",
            false => "residuals",
        }
    }
}

impl Statistic for ResidualStatistic<'_> {
    type Sum = (Residuals, Option<Gram>);
    type Worker<'w>
        = (ResidualsWorker, Option<GramWorker>)
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> Self::Worker<'_> {
        let gram = self.exact_gram.then(|| GramWorker::new(schema, Products::Exact));
        let residuals = ResidualsWorker::new(schema, self.coefficients.clone(), self.widths);
        (residuals, gram)
    }

    fn on_device(&self, rows: &DeviceRows, _: PassLabel<'_>) -> OnDevice<Self::Sum> {
        let (responses, passes_by) = (self.coefficients.len(), rows.resident.part.passes_by);
        let widths = self.widths.filter(|_| passes_by);
        let mut found = Residuals::new(&rows.resident.atoms, responses, widths);
        let mut records = vec![rows.residuals(&self.coefficients, &mut found)?];
        if widths.is_some() {
            found.count_runs();
        }
        let mut gram = None;
        if self.exact_gram {
            let (own, passes) = rows.gram(Products::Exact)?;
            gram = Some(own);
            records.extend(passes);
        }
        Ok(Some(((found, gram), records)))
    }

    fn in_parts(&self) -> Option<Course> {
        Some(Course::Scoring)
    }
}

/// `f = y − r / √w + o`, inputs y, r, o and w.
fn fitted(weighted: bool) -> Program {
    let mut program = Program::new();
    let (y, r, offset) = (program.input(0), program.input(1), program.input(2));
    let r = match weighted {
        false => r,
        true => {
            let w = program.input(3);
            let root = program.unary(Unary::Sqrt, w);
            program.binary(Binary::Div, r, root)
        }
    };
    let own = program.binary(Binary::Sub, y, r);
    let sum = program.binary(Binary::Add, own, offset);
    program.output(sum);
    program
}

impl DeviceRows {
    /// Residuals at coefficients, one set a response, and what they amount to.
    fn residuals(
        &self,
        coefficients: &[Coefficients],
        to: &mut Residuals,
    ) -> Result<PassRecord, DeviceError> {
        let resident = &self.resident;
        let device = &resident.device;
        let clock = resident.clock();
        let weights = resident.weights.as_ref();
        let count = resident.x.columns - resident.rests.len();
        to.rows = resident.rows as u64;
        let mut residuals = Vec::new();
        for (k, own) in coefficients.iter().enumerate() {
            let (y, rest) = &resident.responses[k];
            // extra columns have no coefficient of their own
            let of = |i: usize| own.dense.get(i).copied().unwrap_or(Dd::ZERO);
            let b: Vec<Dd> = (0..count)
                .map(of)
                .chain(resident.rests.iter().map(|&i| of(i)))
                .collect();
            // what is left of a response is one more column, of coefficient −1
            let (x, b) = match rest {
                None => (resident.x.clone(), b),
                Some(rest) => {
                    let all = device.gathered(&[resident.x.buffer.clone(), rest.clone()])?;
                    let x = Matrix::new(all, resident.rows, resident.x.columns + 1)?;
                    (x, b.into_iter().chain([-Dd::ONE]).collect())
                }
            };
            let sums = match resident.groups.is_empty() {
                true => device.residual_sums(&x, &b, own.intercept, y, weights)?,
                false => {
                    let r = device.residual(&x, &b, own.intercept, y)?;
                    let r = self.less_codes(r, own)?;
                    let found = device.weigh((&r.0, Some(&r.1)), weights)?;
                    let weighed = (&found.weighed.0, &found.weighed.1);
                    self.score_by_code(&mut to.scores[k], (weighed.0, Some(weighed.1)))?;
                    ResidualSums {
                        score: device.transposed_residual(&x, weighed)?,
                        residuals: found.rooted,
                        squares: found.squares,
                        sum: found.sum,
                    }
                }
            };
            to.squares[k] = sums.squares;
            let score = &mut to.scores[k];
            score.ones = sums.sum;
            for i in 0..resident.atoms.dense {
                score.dense[i] = resident
                    .parts_of(i)
                    .map(|a| sums.score[a])
                    .fold(Dd::ZERO, |s, v| s + v);
            }
            if let Some(offset) = &resident.offset {
                let inputs = [y, &sums.residuals, offset, weights.unwrap_or(y)];
                let program = fitted(weights.is_some());
                let out = device.run(&program, &inputs, resident.rows)?;
                if let Some(f) = out.into_iter().next() {
                    let one = Matrix::new(f.clone(), resident.rows, 1)?;
                    let found = device.moments(&one, weights, &[&f])?;
                    to.fitted[k] = (found.sums[0], found.with[0][0]);
                }
            }
            residuals.push(sums.residuals);
        }
        match resident.few(&residuals.iter().collect::<Vec<_>>())? {
            Some(run) => to.runs.push(run),
            None => {
                to.there = residuals
                    .into_iter()
                    .map(|r| KeptColumn::new(device, r))
                    .collect()
            }
        }
        let columns = resident.x.columns * if resident.x.columns > 32 { 2 } else { 1 } + 2;
        Ok(clock.stop("residuals", "f64x2", columns * coefficients.len()))
    }
}
