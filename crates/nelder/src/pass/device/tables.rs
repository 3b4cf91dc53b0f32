//! Sums by code on a device: what a gram, a score and a predictor have of factors.

use nelder_device::{Buffer, Dd, DeviceError, Matrix};

use super::rows::DeviceRows;
use crate::pass::{CodeSums, Coefficients, Gram, PairSums, ScoreSums, packed};

/// A vector in two parts, either of which may be absent: one, and zero.
type Parts = (Option<Buffer>, Option<Buffer>);

impl DeviceRows {
    /// A dense or extra column, and what is left of it.
    fn column(&self, e: usize) -> Result<(Buffer, Option<Buffer>), DeviceError> {
        let x = &self.resident.x;
        let mut parts = self.resident.parts_of(e);
        let high = x.column(parts.next().unwrap_or(e))?;
        Ok((high, parts.next().map(|at| x.column(at)).transpose()?))
    }

    /// w m for a multiplier m.
    fn weighed_multiplier(&self, m: Option<usize>, weights: Option<&Buffer>) -> Result<Parts, DeviceError> {
        let Some(e) = m else {
            return Ok((weights.cloned(), None));
        };
        let (high, low) = self.column(e)?;
        if weights.is_none() {
            return Ok((Some(high), low));
        }
        let found = self.resident.device.weigh((&high, low.as_ref()), weights)?;
        Ok((Some(found.weighed.0), Some(found.weighed.1)))
    }

    fn sums(&self, codes: &nelder_device::Codes, x: &Matrix, v: &Parts) -> Result<Vec<Dd>, DeviceError> {
        let v = (v.0.as_ref(), v.1.as_ref());
        self.resident.device.sums_by_code(codes, x, v)
    }

    /// Fills the tables of a gram under weights; `responses` are vectors in two parts.
    pub(in crate::pass) fn fill_tables(
        &self,
        gram: &mut Gram,
        weights: Option<&Buffer>,
        responses: &[(Buffer, Option<Buffer>)],
    ) -> Result<(), DeviceError> {
        let resident = &self.resident;
        let atoms = gram.atoms().clone();
        let (n, dense) = (resident.rows, atoms.dense);
        let z = dense + responses.len();
        let columns = resident.x.columns;
        for (g, group) in atoms.groups.iter().enumerate() {
            let (codes, counts) = &resident.groups[g];
            gram.counts[g].clone_from(counts);
            let (q, count) = (group.multipliers.len(), codes.count());
            let mut cells = vec![Dd::ZERO; count * gram.groups[g].width];
            let width = gram.groups[g].width;
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                let v = self.weighed_multiplier(*multiplier, weights)?;
                let own = self.sums(codes, &resident.x, &v)?;
                // Σ w m and Σ w m x for column x of the rows
                let of = |code: usize, column: Option<usize>| -> Dd {
                    let row = &own[code * (columns + 1)..];
                    match column {
                        None => row[0],
                        Some(e) => resident.parts_of(e).fold(Dd::ZERO, |s, at| s + row[1 + at]),
                    }
                };
                for code in 0..count {
                    let row = &mut cells[code * width..(code + 1) * width];
                    let at = a * (1 + z);
                    row[at] = of(code, None);
                    for j in 0..dense {
                        row[at + 1 + j] = of(code, Some(j));
                    }
                    let at = q * (1 + z) + packed(a, 0);
                    for (b, other) in group.multipliers[..=a].iter().enumerate() {
                        row[at + b] = of(code, *other);
                    }
                }
                for (y, (high, low)) in responses.iter().enumerate() {
                    for part in std::iter::once(high).chain(low) {
                        let own = self.sums(codes, &Matrix::new(part.clone(), n, 1)?, &v)?;
                        for code in 0..count {
                            cells[code * width + a * (1 + z) + 1 + dense + y] += own[2 * code + 1];
                        }
                    }
                }
            }
            gram.groups[g].cells = cells;
        }
        for (cross, pairs) in gram.cross.iter_mut().zip(&resident.pairs) {
            let (g, h) = pairs.groups;
            debug_assert_eq!(cross.groups, pairs.groups);
            let (first, second) = (&atoms.groups[g].multipliers, &atoms.groups[h].multipliers);
            let count = pairs.codes.count();
            let mut table = CodeSums {
                width: first.len() * second.len(),
                cells: vec![Dd::ZERO; count * first.len() * second.len()],
            };
            for (a, multiplier) in first.iter().enumerate() {
                let v = self.weighed_multiplier(*multiplier, weights)?;
                for (b, other) in second.iter().enumerate() {
                    let x = match other {
                        None => resident.x.part(0..0)?,
                        Some(e) => resident.x.part(*e..*e + 1)?,
                    };
                    let width = x.columns + 1;
                    let mut own = self.sums(&pairs.codes, &x, &v)?;
                    if let Some(at) = other.and_then(|e| resident.parts_of(e).nth(1)) {
                        let rest = self.sums(&pairs.codes, &resident.x.part(at..at + 1)?, &v)?;
                        own.iter_mut()
                            .zip(rest)
                            .skip(1)
                            .step_by(2)
                            .for_each(|(a, b)| *a += b);
                    }
                    for pair in 0..count {
                        table.cells[pair * table.width + a * second.len() + b] =
                            own[pair * width + width - 1];
                    }
                }
            }
            *cross = PairSums {
                groups: pairs.groups,
                index: pairs.index.clone(),
                table,
            };
        }
        Ok(())
    }

    /// Xᵀ s by code, s in two parts.
    pub(in crate::pass) fn score_by_code(
        &self,
        score: &mut ScoreSums,
        s: (&Buffer, Option<&Buffer>),
    ) -> Result<(), DeviceError> {
        let resident = &self.resident;
        let v = (Some(s.0.clone()), s.1.cloned());
        for (g, group) in resident.atoms.groups.iter().enumerate() {
            let codes = &resident.groups[g].0;
            let (q, count) = (group.multipliers.len(), codes.count());
            let table = &mut score.groups[g];
            table.cells = vec![Dd::ZERO; q * count];
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                let parts: Vec<Option<usize>> = match multiplier {
                    None => vec![None],
                    Some(e) => resident.parts_of(*e).map(Some).collect(),
                };
                for part in parts {
                    let x = resident.x.part(part.map_or(0..0, |at| at..at + 1))?;
                    let width = x.columns + 1;
                    let own = self.sums(codes, &x, &v)?;
                    for code in 0..count {
                        table.cells[code * q + a] += own[code * width + width - 1];
                    }
                }
            }
        }
        Ok(())
    }

    /// r less what the codes of a row add to its predictor.
    pub(in crate::pass) fn less_codes(
        &self,
        mut r: (Buffer, Buffer),
        coefficients: &Coefficients,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let resident = &self.resident;
        for (g, table) in coefficients.groups.iter().enumerate() {
            let codes = &resident.groups[g].0;
            for (a, multiplier) in resident.atoms.groups[g].multipliers.iter().enumerate() {
                let of = |code: usize| {
                    table
                        .cells
                        .get(code * table.width + a)
                        .copied()
                        .unwrap_or(Dd::ZERO)
                };
                let own: Vec<Dd> = (0..codes.count()).map(of).collect();
                let m = multiplier.map(|e| self.column(e)).transpose()?;
                let m = m.as_ref().map(|(high, low)| (high, low.as_ref()));
                r = resident.device.subtract_by_code((&r.0, &r.1), codes, &own, m)?;
            }
        }
        Ok(r)
    }
}
