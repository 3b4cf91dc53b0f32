//! The gram of a design and its responses, as a statistic: on threads, and on devices.

use nelder_device::{Dd, DeviceError, Program, Unary};

use crate::design::BlockSchema;
use crate::pass::device::DeviceRows;
use crate::pass::statistic::{OnDevice, PassLabel, Statistic};
use crate::pass::{Course, Gram, GramWorker, PassRecord, Products};

/// The weighted gram of a design and its responses.
#[derive(Clone, Copy, Debug)]
pub struct GramStatistic {
    /// Precision of its products.
    pub products: Products,
}

impl GramStatistic {
    /// Precision that a record shows.
    pub fn precision(&self) -> &'static str {
        match self.products {
            Products::Exact => "f64x2",
            Products::Single => "f32",
            _ => "f64",
        }
    }
}

impl Statistic for GramStatistic {
    type Sum = Gram;
    type Worker<'w> = GramWorker;

    fn worker(&self, schema: &BlockSchema) -> GramWorker {
        GramWorker::new(schema, self.products)
    }

    fn on_device(&self, rows: &DeviceRows, _: PassLabel<'_>) -> OnDevice<Gram> {
        rows.gram(self.products).map(Some)
    }

    fn in_parts(&self) -> Option<Course> {
        Some(Course::LeastSquares(self.products))
    }
}

impl DeviceRows {
    /// Σ log w; zero without weights.
    fn log_weight(&self) -> Result<f64, DeviceError> {
        let resident = &self.resident;
        let Some(w) = &resident.weights else {
            return Ok(0.0);
        };
        let mut log = Program::new();
        let own = log.input(0);
        let own = log.unary(Unary::Log, own);
        log.output(own);
        match resident.device.run(&log, &[w], resident.rows)?.first() {
            Some(logs) => Ok(resident.device.reduce(logs)?.sum.hi),
            None => Ok(0.0),
        }
    }

    /// The gram of the rows and their responses.
    pub(super) fn gram(&self, products: Products) -> Result<(Gram, Vec<PassRecord>), DeviceError> {
        let resident = &self.resident;
        let clock = resident.clock();
        let weights = resident.weights.as_ref();
        let log_weight = self.log_weight()?;
        let exact = products == Products::Exact;
        // what came early will do about the origin, and in double precision
        let early = self.early.as_ref().filter(|_| !exact && self.centres().is_none());
        let precise;
        let moments = match self.rough && early.is_none() {
            true => {
                precise = Self::exact_moments(resident)?;
                &precise
            }
            false => &self.moments,
        };
        let single = match (early, products) {
            (None, Products::Single) => self.single(weights, &moments.sums)?,
            _ => None,
        };
        let (form, mut sums, of_columns) = match (early, single) {
            (Some(products), _) => self.moved(false, products.into(), self.weight, &moments.sums, None),
            (None, Some(single)) => single,
            (None, None) => self.products(exact, weights, self.weight, &moments.sums)?,
        };
        let (dense, responses) = (resident.atoms.dense, resident.responses.len());
        let parts = |i: usize| -> Vec<usize> {
            match exact {
                true => resident.parts_of(i).collect(),
                false => vec![i],
            }
        };
        let vectors = |y: usize| -> Vec<usize> {
            let all = self.vectors_of(y);
            if exact { all } else { all[..1].to_vec() }
        };
        let add = |a: Dd, b: Dd| a + b;
        let mut seconds = Vec::new();
        for y in 0..responses {
            let own = vectors(y);
            sums.push(own.iter().map(|&v| self.own[v].sums[0]).fold(Dd::ZERO, add));
        }
        for y in 0..responses {
            for j in 0..dense {
                let mut sum = Dd::ZERO;
                for &v in &vectors(y) {
                    sum = parts(j).iter().map(|&b| moments.with[v][b]).fold(sum, add);
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
        let mut rounded = self.rounded();
        rounded.extend((0..responses).map(|y| self.own[self.vectors_of(y)[0]].rounded[0]));
        let mut gram = Gram::of_sums(
            &resident.atoms,
            form,
            resident.rows as u64,
            self.weight,
            log_weight,
            sums,
            of_columns.iter().chain(&seconds),
            rounded,
        );
        // not looked at there
        gram.weights_rounded = resident.weights.is_some();
        self.fill_tables(&mut gram, weights, &resident.responses)?;
        let precision = match form {
            Products::Exact => "f64x2",
            Products::Single => "f32",
            _ => "f64",
        };
        let record = clock.stop("gram", precision, resident.x.columns);
        Ok((gram, if early.is_some() { Vec::new() } else { vec![record] }))
    }
}
