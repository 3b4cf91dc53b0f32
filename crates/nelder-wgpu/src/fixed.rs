//! Sums of products in fixed point: y − c − Xb and Xᵀv without a look at exponents.
//!
//! A number of a column is taken in units of the power of two above the column's largest number: three limbs of 28 bits hold
//! its 53 bits wherever they begin within a limb, and a whole number of limbs says how far down the first one stands. The
//! other factor, a coefficient or a number of a vector, has five limbs in the unit of the largest. Products of limbs add up
//! in integers of 64 bits, 96 of them at a time; then what exceeds 28 bits is carried. What is dropped of a term is below
//! 3 · 2⁻¹⁴⁰ of the unit, so that a sum is within n 2⁻¹¹² of its largest term for n terms where that term is no more than 24
//! places below the unit. Kernels find out; sums of which that is not so, and columns with infinities or without normal
//! numbers, are formed with exponents, in 128 bits. (Kulisch & Miranker 1986, "The arithmetic of the digital computer: a new
//! approach", keep all places; here those are kept that matter.) Sums do not depend on the order of their terms.

use nelder_device::{Buffer, Dd, DeviceError, Matrix};

use crate::bind::Bind;
use crate::buffer_pool::PooledBuffer;
use crate::device::Wgpu;
use crate::float128;
use crate::sums::{BUSY, HAS_HIGH, HAS_LOW};
use crate::survey::Survey;

const SUMS: &str = concat!(include_str!("fixed.wgsl"), include_str!("fixed_sums.wgsl"));
/// Bits of a limb.
const LIMB: u32 = 28;
/// Limbs of the factor that is no column's.
const LIMBS: usize = 5;
/// Words of a coefficient, for kernels.
const WORDS: usize = 22;
/// Where a term that is not there begins.
const NEVER: i32 = 4096;
/// Places from the unit to a sum's largest term, within which the sum holds.
const FAR: u32 = 24;
/// Columns of a workgroup.
const WIDTH: usize = 4;
/// Words of a sum: what is carried out of the first limb, five limbs, places down to the largest term.
const SUM: usize = 8;
/// Smallest field of a column's largest number: zeros are below the last limb then.
const LEAST_FIELD: u32 = 200;
/// Numbers of a matrix from which on it is looked through first.
const WORTHWHILE: usize = 1 << 16;

/// A whole number by limbs of 28 bits, the last of which weighs 1.
#[derive(Clone, Copy, Default)]
struct Places {
    first: i128,
    limbs: [i128; LIMBS],
}

impl Places {
    /// Adds the partial sum of a workgroup: 64 bits before the first limb, then the limbs.
    fn add(&mut self, words: &[u32]) {
        self.first += i128::from((u64::from(words[0]) | u64::from(words[1]) << 32) as i64);
        for (limb, word) in self.limbs.iter_mut().zip(&words[2..]) {
            *limb += i128::from(*word);
        }
    }

    /// The number times 2^unit.
    fn value(mut self, unit: i32) -> Dd {
        for k in (0..LIMBS).rev() {
            let over = self.limbs[k] >> LIMB;
            self.limbs[k] -= over << LIMB;
            match k {
                0 => self.first += over,
                _ => self.limbs[k - 1] += over,
            }
        }
        let joined = |limbs: &[i128]| limbs.iter().fold(0, |sum, limb| sum << LIMB | limb);
        let high = (self.first << (2 * LIMB)) + joined(&self.limbs[..2]);
        let low = joined(&self.limbs[2..]);
        let part = |of: i128, unit: i32| float128::of_whole(of.unsigned_abs(), unit, of < 0);
        part(high, unit + 3 * LIMB as i32) + part(low, unit)
    }
}

/// Coefficients as kernels read them, and their unit as a power of two.
pub(crate) struct FixedTable {
    pub words: Vec<u32>,
    pub unit: i32,
}

/// Limbs of −b and b in the units of their columns, below the largest. `None` where there is nothing to add.
pub(crate) fn table(b: &[Dd], surveys: &[Survey]) -> Option<FixedTable> {
    let parts: Vec<[u32; float128::WORDS]> = b.iter().map(|b| float128::write(*b)).collect();
    let top = |j: usize| parts[j][4] as i32 + surveys[j].field as i32 - 1022;
    let there = |j: &usize| b[*j].hi != 0.0 && surveys[*j].field > 0;
    let unit = (0..b.len()).filter(there).map(top).max()?;
    let mut words = vec![0i32; WORDS * b.len()];
    for (j, own) in words.chunks_mut(WORDS).enumerate() {
        own[20] = surveys[j].field.max(LEAST_FIELD) as i32;
        own[21] = NEVER;
        if !there(&j) {
            continue;
        }
        let down = (unit - top(j)).min(NEVER);
        own[21] = down;
        let m = (0..4).rev().fold(0u128, |m, k| m << 32 | u128::from(parts[j][k]));
        for k in 0..LIMBS {
            // the lowest bit of the limb
            let at = 128 - LIMB as i32 * (k as i32 + 1) + down;
            let limb = match at {
                128.. => 0,
                0.. => m >> at,
                _ => m << -at,
            } & ((1 << LIMB) - 1);
            let limb = if parts[j][5] == 1 {
                limb as i32
            } else {
                -(limb as i32)
            };
            own[LIMBS + k] = limb;
            own[3 * LIMBS + k] = -limb;
        }
    }
    let words = words.into_iter().map(|w| w as u32).collect();
    Some(FixedTable { words, unit })
}

impl Wgpu {
    /// Surveys of the columns, or `None` where sums in fixed point do not pay or do not hold.
    pub(crate) fn fixed(&self, x: &Matrix) -> Result<Option<Vec<Survey>>, DeviceError> {
        if x.columns < 3 || x.rows * x.columns < WORTHWHILE {
            return Ok(None);
        }
        let found = self.surveyed(x)?;
        let fine = |s: &Survey| !s.not_zero || (LEAST_FIELD..0x7ff).contains(&s.field);
        Ok(found.iter().all(fine).then_some(found))
    }

    fn fields(&self, surveys: &[Survey]) -> Result<PooledBuffer, DeviceError> {
        let field = |s: &Survey| s.field.max(LEAST_FIELD);
        self.words(&surveys.iter().map(field).collect::<Vec<u32>>())
    }

    /// Σ x v by column, v a vector in two parts. `None` where `v` has an infinity or no normal number; for columns whose
    /// terms are far below the unit, no number.
    pub(crate) fn fixed_sums(
        &self,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
        surveys: &[Survey],
    ) -> Result<Option<Vec<Option<Dd>>>, DeviceError> {
        let rows = x.rows;
        // 1. the vector's limbs; what is found of its parts stays before the sums
        let high = self.maybe("vector", v.0, rows)?;
        let low = self.maybe("vector", v.1, rows)?;
        let groups = self.row_groups(rows, x.columns.div_ceil(WIDTH));
        let before = 64;
        let pooled = self.pooled_buffer(4 * (before + SUM * groups * x.columns) as u64)?;
        let found = Bind {
            buffer: &pooled,
            from: 0,
            bytes: 4 * before as u64,
        };
        // without a vector there are ones: the field of 1
        self.write(&pooled, 0, &[if v.0.is_none() { 1023 } else { 0 }, 0, 0, 0]);
        let mut flags = 0;
        for (k, (part, span, flag)) in [(v.0, high, HAS_HIGH), (v.1, low, HAS_LOW)]
            .into_iter()
            .enumerate()
        {
            if part.is_some() {
                flags |= flag;
                self.survey(span.bind, span.skip, rows, found, k, 1)?;
            }
        }
        let vector = self.pooled_buffer(4 * 6 * rows as u64)?;
        let bound = [
            (5, high.bind),
            (6, low.bind),
            (7, found),
            (8, self.whole(&vector)),
        ];
        let sizes = [rows as u32, flags, high.skip, low.skip];
        self.dispatch(SUMS, "cut", &sizes, &bound, [self.threads(rows), 1, 1])?;
        // 2. products
        for (matrix, start, first, some) in self.launches(x)? {
            let fields = self.fields(&surveys[first..first + some])?;
            let from = 4 * (before + SUM * groups * first) as u64;
            // a binding begins at a multiple of 256 bytes
            let aligned = from / 256 * 256;
            let sums = Bind {
                buffer: &pooled,
                from: aligned,
                bytes: from - aligned + 4 * (SUM * groups * some) as u64,
            };
            let bound = [
                (1, matrix),
                (2, self.whole(&fields)),
                (3, self.whole(&vector)),
                (4, sums),
            ];
            let sizes = [rows as u32, some as u32, start, ((from - aligned) / 4) as u32];
            let across = [groups, some.div_ceil(WIDTH), 1];
            self.dispatch(SUMS, "column_products", &sizes, &bound, across)?;
        }
        // 3. to numbers
        let words = self.read_words(&pooled, before + SUM * groups * x.columns)?;
        let field = words[0].max(words[2]);
        if !(LEAST_FIELD..0x7ff).contains(&field) {
            return Ok(None);
        }
        let of = |(own, survey): (&[u32], &Survey)| {
            if !survey.not_zero {
                return Some(Dd::ZERO);
            }
            let mut sum = Places::default();
            let mut least = u32::MAX;
            for part in own.chunks(SUM) {
                sum.add(part);
                least = least.min(part[SUM - 1]);
            }
            (least <= FAR).then(|| sum.value(survey.field as i32 - 1022 + field as i32 - 1021 - 168))
        };
        let sums = words[before..].chunks(SUM * groups).zip(surveys);
        Ok(Some(sums.map(of).collect()))
    }

    /// Σ x and Σ x² by column.
    pub(crate) fn fixed_moments(
        &self,
        x: &Matrix,
        surveys: &[Survey],
    ) -> Result<(Vec<Dd>, Vec<f64>), DeviceError> {
        let groups = self.row_groups(x.rows, x.columns).min(BUSY);
        let (mut sums, mut squares) = (Vec::new(), Vec::new());
        for (matrix, start, first, some) in self.launches(x)? {
            let own = &surveys[first..first + some];
            let fields = self.fields(own)?;
            let pooled = self.pooled_buffer((4 * 2 * SUM * groups * some) as u64)?;
            let bound = [(1, matrix), (2, self.whole(&fields)), (4, self.whole(&pooled))];
            let sizes = [x.rows as u32, some as u32, start];
            self.dispatch(SUMS, "column_moments", &sizes, &bound, [groups, some, 1])?;
            let words = self.read_words(&pooled, 2 * SUM * groups * some)?;
            for (column, survey) in words.chunks(2 * SUM * groups).zip(own) {
                let (mut sum, mut square) = (Places::default(), Places::default());
                for pair in column.chunks(2 * SUM) {
                    sum.add(&pair[..SUM]);
                    square.add(&pair[SUM..]);
                }
                let unit = survey.field.max(LEAST_FIELD) as i32 - 1022;
                // one is half of its unit
                sums.push(sum.value(unit + 1 - 168));
                squares.push(square.value(2 * unit - 168).hi);
            }
        }
        Ok((sums, squares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes and of few, zeros, subnormal numbers.
    fn column(kind: usize, rows: usize, state: &mut u64) -> Vec<f64> {
        let mut draw = || {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *state >> 11
        };
        let of = |i: usize| {
            let (r, e) = (draw(), draw());
            let unit = r as f64 / 2f64.powi(53) - 0.5;
            match kind % 7 {
                0 => unit,
                1 => (r % 7) as f64 - 3.0,
                // 2^-300 to 2^300
                2 => unit * 2f64.powi((e % 601) as i32 - 300),
                3 if !i.is_multiple_of(3) => 0.0,
                3 => unit * 1e30,
                4 => unit * 2f64.powi(-((e % 70) as i32)),
                // a row that is far larger than the others
                5 if i == 77 => 1e60,
                5 => unit,
                _ if i == 5 => -1.0,
                _ => unit * 1e-320,
            }
        };
        (0..rows).map(of).collect()
    }

    /// Sums with exponents and in fixed point are the same to 2^-100 of the terms' absolute values, whichever way words are
    /// multiplied; and in fixed point they are the same to the last bit.
    #[test]
    fn fixed_sums_are_those_with_exponents() {
        let (rows, columns) = (10_007, 14);
        let mut state = 5;
        let a: Vec<f64> = (0..columns).flat_map(|j| column(j, rows, &mut state)).collect();
        let sizes: Vec<f64> = a.iter().map(|v| v.abs()).collect();
        let mut before: Vec<Vec<u64>> = Vec::new();
        for by_halves in [false, true] {
            let Some(device) = crate::device::tests::opened_with(by_halves) else {
                return;
            };
            let matrix = |a: &[f64]| Matrix::new(device.written(&[a]).unwrap(), rows, columns).unwrap();
            let (x, abs) = (matrix(&a), matrix(&sizes));
            let surveys = device.fixed(&x).unwrap().unwrap();
            let near = |a: Dd, b: Dd, size: f64| (a - b).abs().hi <= 2f64.powi(-100) * size;
            let mut bits = Vec::new();
            for kind in [0, 2, 4, 5] {
                let v = column(kind, rows, &mut 9);
                let size = device
                    .written(&[&v.iter().map(|v| v.abs()).collect::<Vec<f64>>()])
                    .unwrap();
                let rest = device
                    .written(&[&v.iter().map(|v| v * 1e-17).collect::<Vec<f64>>()])
                    .unwrap();
                let v = device.written(&[&v]).unwrap();
                let parts = (Some(&v), Some(&rest));
                let want = device.wide_sums(&x, parts, false).unwrap();
                let size = device.wide_sums(&abs, (Some(&size), None), false).unwrap();
                let have = device.fixed_sums(&x, parts, &surveys).unwrap().unwrap();
                assert!(kind > 0 || have.iter().flatten().count() > 3, "{have:?}");
                for (j, sum) in have.iter().enumerate() {
                    let sum = sum.unwrap_or(Dd::ZERO);
                    assert!(have[j].is_none() || near(sum, want[j], size[j].hi), "{kind} {j}");
                    bits.extend([sum.hi.to_bits(), sum.lo.to_bits()]);
                }
            }
            let (sums, squares) = device.fixed_moments(&x, &surveys).unwrap();
            let want = device.wide_sums(&x, (None, None), false).unwrap();
            let size = device.wide_sums(&abs, (None, None), false).unwrap();
            let wanted = device.wide_sums(&x, (None, None), true).unwrap();
            for j in 0..columns {
                assert!(near(sums[j], want[j], size[j].hi), "{j}");
                assert!((squares[j] - wanted[j].hi).abs() <= 1e-15 * wanted[j].hi, "{j}");
                bits.extend([sums[j].hi.to_bits(), squares[j].to_bits()]);
            }
            // rows: columns 1 and 4 have rows that are far below the largest term
            let y = device.written(&[&column(0, rows, &mut 3)]).unwrap();
            for some in [0..14, 1..5, 3..6, 6..10] {
                let b: Vec<Dd> = some.clone().map(|j| Dd::new(j as f64 - 7.5) / 3.0).collect();
                let (x, abs) = (x.part(some.clone()).unwrap(), abs.part(some).unwrap());
                let less: Vec<Dd> = b.iter().map(|b| -b.abs()).collect();
                let (high, low) = device.residual_of(&x, &b, Dd::ONE / 3.0, &y).unwrap();
                let size = device.residual_of(&abs, &less, -Dd::ONE, &y).unwrap().0;
                let down = |b: &Buffer| nelder_device::Device::download(&device, b).unwrap();
                let (high, low, size) = (down(&high), down(&low), down(&size));
                let host = nelder_device::Host::default();
                let columns: Vec<f64> = down(&x.buffer);
                let own = Matrix::new(
                    nelder_device::Device::upload(&host, &columns).unwrap(),
                    rows,
                    b.len(),
                );
                let y = nelder_device::Device::upload(&host, &down(&y)).unwrap();
                let (h, l) =
                    nelder_device::GlmKernels::residual(&host, &own.unwrap(), &b, Dd::ONE / 3.0, &y).unwrap();
                let wanted = |b: &Buffer| nelder_device::Device::download(&host, b).unwrap();
                for (i, (h, l)) in wanted(&h).into_iter().zip(wanted(&l)).enumerate() {
                    let have = Dd {
                        hi: high[i],
                        lo: low[i],
                    };
                    assert!(
                        near(have, Dd { hi: h, lo: l }, size[i].abs() + 2.0),
                        "{i}: {have:?} {h}"
                    );
                    bits.extend([high[i].to_bits(), low[i].to_bits()]);
                }
            }
            before.push(bits);
        }
        assert!(before[0] == before[1]);
    }

    #[test]
    fn places_are_numbers() {
        for (first, limbs, want) in [
            (0i64, [0u32, 0, 0, 0, 5], 5.0),
            (-1, [(1 << 28) - 1; 5], -1.0),
            (-1, [0, 0, 0, 0, 0], -(2f64.powi(140))),
            (3, [0, 0, 0, 1 << 27, 0], 3.0 * 2f64.powi(140) + 2f64.powi(55)),
        ] {
            let mut places = Places::default();
            let mut words = vec![first as u32, (first >> 32) as u32];
            words.extend(limbs);
            words.push(0);
            places.add(&words);
            assert_eq!(places.value(0).hi, want);
            places.add(&words);
            assert_eq!(places.value(-3).hi, want / 4.0);
        }
    }
}
