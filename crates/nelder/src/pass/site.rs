//! Where the passes over the rows of a design run: on the CPU's threads, block by block, or on a device that holds them.

use std::sync::Arc;

use nelder_device::{Binary, Buffer, Dd, DeviceError, Moments, Program, Unary};

use super::resident::Resident;
use super::{
    Coefficients, Gram, Monitor, PassError, PassRecord, Products, Residuals, packed, quartile_ranks, run,
};
use crate::design::{Block, RowError, Rows};

/// A column whose mean square is more of this than its variance is centred before it is multiplied.
const FAR: f64 = 16.0;

/// Where passes run.
pub struct Site<'a, 's> {
    rows: &'a Rows<'s>,
    held: Option<Held>,
}

/// Rows on a device, and what is known of them.
#[derive(Debug)]
struct Held {
    resident: Resident,
    /// Of the dense columns, with the responses and what is left of them.
    moments: Moments,
    /// Of each response and what is left of it.
    own: Vec<Moments>,
}

/// What a pass found, and the record that it leaves.
type Ran<T> = Result<(T, Vec<PassRecord>), PassError>;

impl<'a, 's> Site<'a, 's> {
    /// On the CPU.
    pub fn cpu(rows: &'a Rows<'s>) -> Self {
        Site { rows, held: None }
    }

    /// On the source's device, where it has one: the rows are copied there, unless they are there already. `check` looks at
    /// blocks of rows, `accepts` at the smallest and the largest value of each response; where that says no, the rows are
    /// read block by block, so that `check` can name the first that is wrong.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn new(
        rows: &'a Rows<'s>,
        monitor: &dyn Monitor,
        check: &(dyn Fn(&Block<'_>) -> Result<(), RowError> + Sync),
        accepts: &dyn Fn(&[[f64; 2]]) -> bool,
    ) -> Ran<Self> {
        let Some(device) = rows.source().device() else {
            return Ok((Site::cpu(rows), Vec::new()));
        };
        if !rows.layout().groups.is_empty() {
            return Err(PassError::Unsupported {
                device: device.describe().id,
                what: "factors".into(),
            });
        }
        let mut passes = Vec::new();
        if let Some((resident, record)) = Resident::in_place(rows, device)? {
            passes.extend(record);
            let (held, record) = Held::new(resident)?;
            passes.push(record);
            if held.is_plain() && held.accepted(accepts)? {
                rows.set_scales(vec![1.0; rows.layout().products.len() + held.resident.responses.len()]);
                return Ok((Site { rows, held: Some(held) }, passes));
            }
        }
        let (resident, record) = Resident::scanned(rows, device, monitor, check)?;
        passes.push(record);
        let (held, record) = Held::new(resident)?;
        passes.push(record);
        Ok((Site { rows, held: Some(held) }, passes))
    }

    /// Whether passes run on a device.
    pub fn is_device(&self) -> bool {
        self.held.is_some()
    }

    /// The gram of the rows and their responses.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn gram(&self, products: Products, monitor: &dyn Monitor) -> Ran<Gram> {
        let precision = if products == Products::Exact { "f64x2" } else { "f64" };
        match &self.held {
            None => {
                let atoms = &self.rows.layout().atoms;
                let (gram, record) = run("gram", precision, self.rows, monitor, || {
                    Gram::new(atoms, products)
                })?;
                Ok((gram, vec![record]))
            }
            Some(held) => held.gram(products),
        }
    }

    /// The residuals of the rows, and the exact gram where it is wanted.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn residuals(
        &self,
        coefficients: &Arc<[Coefficients]>,
        exact: bool,
        keep: bool,
        widths: &[f64],
        monitor: &dyn Monitor,
    ) -> Ran<(Residuals, Option<Gram>)> {
        let atoms = &self.rows.layout().atoms;
        match &self.held {
            None => {
                let name = if exact { "residuals + gram" } else { "residuals" };
                let (found, record) = run(name, "f64x2", self.rows, monitor, || {
                    let gram = exact.then(|| Gram::new(atoms, Products::Exact));
                    (Residuals::new(atoms, coefficients.clone(), keep, widths), gram)
                })?;
                Ok((found, vec![record]))
            }
            Some(held) => {
                let mut found = Residuals::new(atoms, coefficients.clone(), true, &[]);
                let mut passes = vec![held.residuals(coefficients, &mut found)?];
                let mut gram = None;
                if exact {
                    let (own, records) = held.gram(Products::Exact)?;
                    gram = Some(own);
                    passes.extend(records);
                }
                Ok(((found, gram), passes))
            }
        }
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

impl Held {
    fn new(resident: Resident) -> Result<(Held, PassRecord), DeviceError> {
        let clock = resident.clock();
        let device = &resident.device;
        let weights = resident.weights.as_ref();
        let vectors: Vec<&Buffer> = resident
            .responses
            .iter()
            .flat_map(|(y, rest)| std::iter::once(y).chain(rest))
            .collect();
        // the vectors that one call takes
        let mut moments = device.moments(&resident.x, weights, &vectors[..vectors.len().min(4)])?;
        for more in vectors.chunks(4).skip(1) {
            moments
                .with
                .extend(device.moments(&resident.x, weights, more)?.with);
        }
        let mut own = Vec::new();
        for y in &vectors {
            let one = nelder_device::Matrix::new((*y).clone(), resident.rows, 1)?;
            let others: Vec<&Buffer> = vectors.clone();
            let mut found = device.moments(&one, weights, &others[..others.len().min(4)])?;
            for more in others.chunks(4).skip(1) {
                found.with.extend(device.moments(&one, weights, more)?.with);
            }
            own.push(found);
        }
        let columns = resident.x.columns * vectors.len().div_ceil(4) + 2 * vectors.len();
        let record = clock.stop("moments", "f64x2", columns);
        Ok((
            Held {
                resident,
                moments,
                own,
            },
            record,
        ))
    }

    /// Whether no value is missing or infinite, and all squares are in range.
    fn is_plain(&self) -> bool {
        let fine = |m: &Moments| {
            m.sums.iter().all(|s| s.hi.is_finite())
                && m.squares.iter().all(|s| *s == 0.0 || (1e-200..1e200).contains(s))
        };
        fine(&self.moments) && self.own.iter().all(fine)
    }

    fn accepted(&self, accepts: &dyn Fn(&[[f64; 2]]) -> bool) -> Result<bool, DeviceError> {
        let mut ranges = Vec::new();
        for (y, _) in &self.resident.responses {
            let found = self.resident.device.reduce(y)?;
            ranges.push([found.least, found.largest]);
        }
        Ok(accepts(&ranges))
    }

    /// Positions of a response and of what is left of it among the vectors.
    fn vectors_of(&self, response: usize) -> Vec<usize> {
        let before: usize = self.resident.responses[..response]
            .iter()
            .map(|(_, rest)| 1 + usize::from(rest.is_some()))
            .sum();
        let count = 1 + usize::from(self.resident.responses[response].1.is_some());
        (before..before + count).collect()
    }

    /// The centres of the columns, where some of them are far from the origin.
    fn centres(&self, weight: f64) -> Option<Vec<f64>> {
        let mean = |s: &Dd| s.hi / weight;
        let far = self
            .moments
            .sums
            .iter()
            .zip(&self.moments.squares)
            .any(|(sum, squares)| {
                let about = squares - mean(sum) * sum.hi;
                about < squares / FAR
            });
        far.then(|| self.moments.sums.iter().map(mean).collect())
    }

    fn gram(&self, products: Products) -> Ran<Gram> {
        let resident = &self.resident;
        let device = &resident.device;
        let clock = resident.clock();
        let weights = resident.weights.as_ref();
        let (mut weight, mut log_weight) = (Dd::from(resident.rows as f64), 0.0);
        if let Some(w) = weights {
            weight = device.reduce(w)?.sum;
            let mut log = Program::new();
            let own = log.input(0);
            let own = log.unary(Unary::Log, own);
            log.output(own);
            log_weight = match device.run(&log, &[w], resident.rows)?.first() {
                Some(logs) => device.reduce(logs)?.sum.hi,
                None => 0.0,
            };
        }
        let exact = products == Products::Exact;
        let count = resident.x.columns - resident.rests.len();
        // 1. products of the columns
        let centres = (!exact).then(|| self.centres(weight.hi)).flatten();
        let x = match exact {
            true => resident.x.clone(),
            false => resident.x.part(0..count)?,
        };
        let products_of = match (exact, &centres) {
            (true, _) => device.exact_gram(&x, weights)?,
            (false, centres) => device.gram(&x, weights, centres.as_deref().map(|c| &c[..count]))?,
        };
        // 2. moved to the origin: Σ w z zᵀ = Σ w (z−c)(z−c)ᵀ + c rᵀ + r cᵀ + W c cᵀ, r = Σ w (z−c)
        let center = |i: usize| centres.as_ref().map_or(0.0, |c| c[i]);
        let rests: Vec<Dd> = (0..x.columns)
            .map(|i| self.moments.sums[i] - weight.mul_f64(center(i)))
            .collect();
        let second = |i: usize, j: usize| {
            let (ci, cj) = (center(i), center(j));
            let about = products_of[packed(i, j)];
            if ci == 0.0 && cj == 0.0 {
                return about;
            }
            about + rests[j].mul_f64(ci) + rests[i].mul_f64(cj) + weight.mul_f64(ci).mul_f64(cj)
        };
        let parts = |i: usize| -> Vec<usize> {
            match exact {
                true => resident.parts_of(i).collect(),
                false => vec![i],
            }
        };
        let responses = resident.responses.len();
        let vectors = |y: usize| -> Vec<usize> {
            let all = self.vectors_of(y);
            if exact { all } else { all[..1].to_vec() }
        };
        let add = |a: Dd, b: Dd| a + b;
        // 3. sums over the columns and the responses
        let dense = resident.atoms.dense;
        let sums = (0..dense)
            .map(|i| parts(i).iter().map(|&a| self.moments.sums[a]).fold(Dd::ZERO, add))
            .chain((0..responses).map(|y| {
                vectors(y)
                    .iter()
                    .map(|&v| self.own[v].sums[0])
                    .fold(Dd::ZERO, add)
            }))
            .collect();
        let mut seconds = Vec::with_capacity((dense + responses) * (dense + responses + 1) / 2);
        for i in 0..dense {
            for j in 0..=i {
                let mut sum = Dd::ZERO;
                for &a in &parts(i) {
                    sum = parts(j).iter().map(|&b| second(a, b)).fold(sum, add);
                }
                seconds.push(sum);
            }
        }
        for y in 0..responses {
            for j in 0..dense {
                let mut sum = Dd::ZERO;
                for &v in &vectors(y) {
                    sum = parts(j)
                        .iter()
                        .map(|&b| self.moments.with[v][b])
                        .fold(sum, add);
                }
                seconds.push(sum);
            }
            for other in 0..=y {
                let mut sum = Dd::ZERO;
                for &v in &vectors(y) {
                    sum = vectors(other)
                        .iter()
                        .map(|&u| self.own[v].with[u][0])
                        .fold(sum, add);
                }
                seconds.push(sum);
            }
        }
        let mut rounded = self.moments.rounded[..count].to_vec();
        rounded.extend((0..responses).map(|y| self.own[self.vectors_of(y)[0]].rounded[0]));
        let form = match (exact, centres.is_some()) {
            (true, _) => Products::Exact,
            (false, true) => Products::Runs { centred: true },
            (false, false) => Products::Runs { centred: false },
        };
        let gram = Gram::of_sums(
            &resident.atoms,
            form,
            resident.rows as u64,
            weight,
            log_weight,
            sums,
            &seconds,
            rounded,
        );
        let precision = if exact { "f64x2" } else { "f64" };
        Ok((gram, vec![clock.stop("gram", precision, x.columns)]))
    }

    fn residuals(&self, coefficients: &[Coefficients], to: &mut Residuals) -> Result<PassRecord, DeviceError> {
        let resident = &self.resident;
        let device = &resident.device;
        let clock = resident.clock();
        let weights = resident.weights.as_ref();
        let count = resident.x.columns - resident.rests.len();
        to.rows = resident.rows as u64;
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
                    let x = nelder_device::Matrix::new(all, resident.rows, resident.x.columns + 1)?;
                    (x, b.into_iter().chain([-Dd::ONE]).collect())
                }
            };
            let sums = device.residual_sums(&x, &b, own.intercept, y, weights)?;
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
                    let one = nelder_device::Matrix::new(f.clone(), resident.rows, 1)?;
                    let found = device.moments(&one, weights, &[&f])?;
                    to.fitted[k] = (found.sums[0], found.with[0][0]);
                }
            }
            let ranks = quartile_ranks(resident.rows as u64);
            to.places
                .push(device.order_statistics(&sums.residuals, &ranks)?);
        }
        let columns = resident.x.columns * if resident.x.columns > 32 { 2 } else { 1 } + 2;
        Ok(clock.stop("residuals", "f64x2", columns * coefficients.len()))
    }
}
