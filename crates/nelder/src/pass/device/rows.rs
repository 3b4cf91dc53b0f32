//! Rows on a device, with the moments of their columns.

use std::borrow::Cow;

use nelder_device::{Buffer, Dd, DeviceError, Matrix, Moments};

use super::columns::DeviceColumns;
use crate::pass::{Course, PassRecord, Products, packed};

/// A column whose mean square is more of this than its variance is centred before it is multiplied.
const FAR: f64 = 16.0;

/// Form of the products, the sums of the dense columns, and their products, lower triangle by rows.
pub(in crate::pass) type Formed<'p> = (Products, Vec<Dd>, Cow<'p, [Dd]>);

/// Columns up to which each is looked through for its range.
const FEW_COLUMNS: usize = 16;

/// Rows on a device, and what is known of them.
#[derive(Debug)]
pub struct DeviceRows {
    /// The columns, resident on the device.
    pub(in crate::pass) resident: DeviceColumns,
    /// Of the dense columns, with the responses and what is left of them.
    pub(in crate::pass) moments: Moments,
    /// Of each response and what is left of it.
    pub(in crate::pass) own: Vec<Moments>,
    /// Σ w.
    pub(in crate::pass) weight: Dd,
    /// True if the moments are in double precision.
    pub(in crate::pass) rough: bool,
    /// The gram of the dense columns about the origin, where it came with their moments.
    pub(in crate::pass) early: Option<Vec<Dd>>,
}

impl DeviceRows {
    /// With the gram that a course begins with, where that comes with the moments.
    pub(in crate::pass) fn new(
        resident: DeviceColumns,
        course: Course,
    ) -> Result<(DeviceRows, PassRecord), DeviceError> {
        let wants = course == Course::LeastSquares(Products::Rounded);
        let clock = resident.clock();
        let device = &resident.device;
        let weights = resident.weights.as_ref();
        let vectors: Vec<&Buffer> = resident
            .responses
            .iter()
            .flat_map(|(y, rest)| std::iter::once(y).chain(rest))
            .collect();
        let rough = match vectors.as_slice() {
            [y] if resident.rests.is_empty() => device.rough_moments(&resident.x, weights, y, wants)?,
            _ => None,
        };
        let is_rough = rough.is_some();
        let (moments, own, early) = match rough {
            Some(rough) => (rough.columns, vec![rough.own], rough.gram),
            None => {
                let mut own = Vec::new();
                for y in &vectors {
                    let one = Matrix::new((*y).clone(), resident.rows, 1)?;
                    let mut found = device.moments(&one, weights, &vectors[..vectors.len().min(4)])?;
                    for more in vectors.chunks(4).skip(1) {
                        found.with.extend(device.moments(&one, weights, more)?.with);
                    }
                    own.push(found);
                }
                (Self::exact_moments(&resident)?, own, None)
            }
        };
        let weight = match weights {
            None => Dd::from(resident.rows as f64),
            Some(w) => device.reduce(w)?.sum,
        };
        let columns = resident.x.columns * vectors.len().div_ceil(4) + 2 * vectors.len();
        // the products may come with the moments
        let (name, precision) = match (is_rough, early.is_some() && course != Course::Scoring) {
            (true, true) => ("gram", "f64"),
            (true, false) => ("moments", "f64"),
            (false, _) => ("moments", "f64x2"),
        };
        let record = clock.stop(name, precision, columns);
        Ok((
            DeviceRows {
                resident,
                moments,
                own,
                weight,
                rough: is_rough,
                early,
            },
            record,
        ))
    }

    /// Sums of the columns, alone and with each response and its rest, in twice the precision.
    pub(in crate::pass) fn exact_moments(resident: &DeviceColumns) -> Result<Moments, DeviceError> {
        let (device, weights) = (&resident.device, resident.weights.as_ref());
        let vectors: Vec<&Buffer> = resident
            .responses
            .iter()
            .flat_map(|(y, rest)| std::iter::once(y).chain(rest))
            .collect();
        // one call takes four
        let mut moments = device.moments(&resident.x, weights, &vectors[..vectors.len().min(4)])?;
        for more in vectors.chunks(4).skip(1) {
            moments
                .with
                .extend(device.moments(&resident.x, weights, more)?.with);
        }
        Ok(moments)
    }

    /// Of each dense column, whether it has a value that is no whole number.
    pub(in crate::pass) fn rounded(&self) -> Vec<bool> {
        let count = self.resident.x.columns - self.resident.rests.len();
        self.moments.rounded[..count].to_vec()
    }

    /// Of each dense column, a range that holds its values: of a few columns the smallest and the largest, of many
    /// x̄ ± √(Σ w (x − x̄)² / min w).
    pub(in crate::pass) fn ranges(&self) -> Result<Vec<[f64; 2]>, DeviceError> {
        let resident = &self.resident;
        let count = resident.x.columns - resident.rests.len();
        let exact = |j: usize| {
            let found = resident.device.reduce(&resident.x.column(j)?)?;
            Ok([found.least, found.largest])
        };
        let least = match &resident.weights {
            _ if count <= FEW_COLUMNS => 0.0,
            None => 1.0,
            Some(w) => resident.device.reduce(w)?.least,
        };
        if !(least > 0.0) {
            return (0..count).map(exact).collect();
        }
        let of = |j: usize| {
            let sum = self.moments.sums[j].hi;
            let mean = sum / self.weight.hi;
            // what rounding may have taken from the difference
            let squares = self.moments.squares[j];
            let about = (squares - mean * sum).max(0.0) + 1e-12 * squares;
            let away = (about / least).sqrt();
            [mean - away, mean + away]
        };
        Ok((0..count).map(of).collect())
    }

    /// Tests if no value is missing or infinite, and all squares are in range.
    pub(in crate::pass) fn is_plain(&self) -> bool {
        let fine = |m: &Moments| {
            m.sums.iter().all(|s| s.hi.is_finite())
                && m.squares.iter().all(|s| *s == 0.0 || (1e-200..1e200).contains(s))
        };
        fine(&self.moments) && self.own.iter().all(fine)
    }

    /// The smallest and the largest value of each response.
    pub(in crate::pass) fn response_ranges(&self) -> Result<Vec<[f64; 2]>, DeviceError> {
        let of = |(y, _): &(Buffer, Option<Buffer>)| {
            let found = self.resident.device.reduce(y)?;
            Ok([found.least, found.largest])
        };
        self.resident.responses.iter().map(of).collect()
    }

    /// Positions of a response and of what is left of it among the vectors.
    pub(in crate::pass) fn vectors_of(&self, response: usize) -> Vec<usize> {
        let before: usize = self.resident.responses[..response]
            .iter()
            .map(|(_, rest)| 1 + usize::from(rest.is_some()))
            .sum();
        let count = 1 + usize::from(self.resident.responses[response].1.is_some());
        (before..before + count).collect()
    }

    /// The means of the columns, where some of them are far from the origin.
    pub(in crate::pass) fn centres(&self) -> Option<Vec<f64>> {
        let weight = self.weight.hi;
        let mean = |s: &Dd| s.hi / weight;
        let far = self
            .moments
            .sums
            .iter()
            .zip(&self.moments.squares)
            .any(|(sum, squares)| squares - mean(sum) * sum.hi < squares / FAR);
        far.then(|| self.moments.sums.iter().map(mean).collect())
    }

    /// The gram of the dense columns under weights whose sum is `weight`, from the `sums` of all columns under them: how its
    /// products were formed, the sums of the dense columns, and their products, lower triangle by rows.
    pub(in crate::pass) fn products(
        &self,
        exact: bool,
        weights: Option<&Buffer>,
        weight: Dd,
        sums: &[Dd],
    ) -> Result<Formed<'static>, DeviceError> {
        let resident = &self.resident;
        let device = &resident.device;
        let count = resident.x.columns - resident.rests.len();
        let centres = (!exact).then(|| self.centres()).flatten();
        let x = match exact {
            true => resident.x.clone(),
            false => resident.x.part(0..count)?,
        };
        let products_of = match (exact, &centres) {
            (true, _) => device.exact_gram(&x, weights)?,
            (false, centres) => device.gram(&x, weights, centres.as_deref().map(|c| &c[..count]))?,
        };
        Ok(self.moved(exact, products_of.into(), weight, sums, centres.as_deref()))
    }

    /// The same about the means and in single precision, where the device is quicker in that.
    pub(in crate::pass) fn single(
        &self,
        weights: Option<&Buffer>,
        sums: &[Dd],
    ) -> Result<Option<Formed<'static>>, DeviceError> {
        let resident = &self.resident;
        let count = resident.x.columns - resident.rests.len();
        let centres: Vec<f64> = sums.iter().map(|s| s.hi / self.weight.hi).collect();
        let x = resident.x.part(0..count)?;
        let found = resident
            .device
            .single_gram(&x, weights, Some(&centres[..count]))?;
        Ok(found.map(|products| {
            let (_, sums, seconds) = self.moved(false, products.into(), self.weight, sums, Some(&centres));
            (Products::Single, sums, seconds)
        }))
    }

    /// Products of the columns about centres, moved to the origin: as [`products`](DeviceRows::products).
    pub(in crate::pass) fn moved<'p>(
        &self,
        exact: bool,
        products_of: Cow<'p, [Dd]>,
        weight: Dd,
        sums: &[Dd],
        centres: Option<&[f64]>,
    ) -> Formed<'p> {
        let resident = &self.resident;
        let count = resident.x.columns - resident.rests.len();
        let dense = resident.atoms.dense;
        let columns = if exact { resident.x.columns } else { count };
        // Σ w z zᵀ = Σ w (z−c)(z−c)ᵀ + c rᵀ + r cᵀ + W c cᵀ, r = Σ w (z−c)
        let center = |i: usize| centres.map_or(0.0, |c| c[i]);
        let rests: Vec<Dd> = (0..columns)
            .map(|i| sums[i] - weight.mul_f64(center(i)))
            .collect();
        let second = |i: usize, j: usize| {
            let (ci, cj) = (center(i), center(j));
            let about = products_of[packed(i, j)];
            if ci == 0.0 && cj == 0.0 {
                return about;
            }
            about + rests[j].mul_f64(ci) + rests[i].mul_f64(cj) + weight.mul_f64(ci).mul_f64(cj)
        };
        // columns that were formed in twice the precision are the sum of two
        let parts: Vec<Vec<usize>> = (0..dense)
            .map(|i| match exact {
                true => resident.parts_of(i).collect(),
                false => vec![i],
            })
            .collect();
        let total = |of: &mut dyn Iterator<Item = Dd>| of.fold(Dd::ZERO, |a, b| a + b);
        let own_sums = parts
            .iter()
            .map(|own| total(&mut own.iter().map(|&a| sums[a])))
            .collect();
        let size = dense * (dense + 1) / 2;
        let seconds = if columns == count && centres.is_none() && products_of.len() == size {
            products_of
        } else {
            let mut seconds = Vec::with_capacity(size);
            for (i, own) in parts.iter().enumerate() {
                for other in &parts[..=i] {
                    let pairs = own.iter().flat_map(|&a| other.iter().map(move |&b| (a, b)));
                    seconds.push(total(&mut pairs.map(|(a, b)| second(a, b))));
                }
            }
            seconds.into()
        };
        let form = match (exact, centres.is_some()) {
            (true, _) => Products::Exact,
            (false, centred) => Products::Runs { centred },
        };
        (form, own_sums, seconds)
    }
}
