//! The solved equations of a fit, whatever its model: scales, coordinates, covariances.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::Dd;

use super::normal::by_atom;
use super::{LinearFunctional, NormalEquations};
use crate::design::ColumnEncoding;
use crate::model::ModelError;
use crate::model::inference::whitened_design::{ScoreTwice, WhitenedDesign};
use crate::pass::{Coefficients, Gram};
use crate::solve::Factor;

/// The solved equations of a fit.
#[derive(Clone, Copy)]
pub struct FittedEquations<'a> {
    /// Map from the atoms of a row (dense columns and codes) to the columns of the model matrix.
    pub map: &'a ColumnEncoding,
    /// The equations.
    pub normal: &'a NormalEquations,
    /// Their factor.
    pub factor: &'a Factor,
    /// The gram that they were made from, with its tables by code.
    pub gram: &'a Gram,
    /// Which columns are aliased.
    pub aliased: &'a [bool],
    /// Powers of two that columns were multiplied with.
    pub scales: &'a [f64],
    /// Diagonal of the inverse, in the units of the data.
    pub variances: &'a [f64],
}

/// Coordinates of the coefficients: over the factor's columns, and over the levels of an eliminated factor.
pub(in crate::model) struct Coordinates {
    /// By column; `None` where aliased.
    pub functionals: Vec<Option<LinearFunctional>>,
    /// Columns x coordinates, in the units of the rows.
    pub kept: Mat<f64>,
    /// Low parts of `kept`, where the factor is in twice the precision.
    rest: Option<Mat<f64>>,
}

/// A symmetric matrix whose entries (i, j) are to be multiplied with 2^(aᵢ + aⱼ).
#[derive(Clone, Debug)]
pub(in crate::model) struct ScaledMatrix {
    /// The entries.
    pub matrix: Mat<f64>,
    /// a, one a row.
    pub exponents: Vec<i32>,
}

impl Coordinates {
    /// Eᶜ·e in twice the precision, over the coordinates that every row has.
    pub fn inner(&self, c: usize, e: &[Dd]) -> Dd {
        let term = |(a, e): (usize, &Dd)| {
            let low = self.rest.as_ref().map_or(0.0, |rest| rest[(c, a)]);
            Dd::two_sum(self.kept[(c, a)], low) * *e
        };
        e.iter().enumerate().map(term).sum()
    }
}

impl FittedEquations<'_> {
    /// Returns the powers of two, one a column, that take coefficients from the units of the columns as they were summed to those
    /// of the data (the response's scale apart).
    pub fn column_scales(&self) -> Vec<f64> {
        self.map.column_scales(self.gram.atoms(), self.scales)
    }

    /// Coefficients in the units in which rows are delivered, of a response that was multiplied by `response`, a power of two.
    pub(in crate::model) fn of_rows(&self, coefficients: &[Dd], response: f64) -> Vec<Dd> {
        let scales = self.column_scales();
        let own = coefficients.iter().zip(scales);
        own.map(|(b, s)| b.scale(response / s)).collect()
    }

    /// Coefficients in the units of the rows by atom, for a pass over the rows.
    pub(in crate::model) fn by_atom(&self, coefficients: &[Dd]) -> Coefficients {
        let atoms = self.gram.atoms();
        let groups = self.gram.groups.iter().zip(&atoms.groups);
        let tables: Vec<(usize, usize)> = groups.map(|(t, g)| (t.codes(), g.multipliers.len())).collect();
        by_atom(self.map, coefficients, atoms.dense, &tables)
    }

    /// Checks that no second factor was eliminated: what needs covariances of levels is not known then.
    ///
    /// # Errors
    /// [`ModelError::CrossedFactors`].
    pub(in crate::model) fn one_factor(&self, what: &str) -> Result<(), ModelError> {
        match self.map.crossed {
            None => Ok(()),
            Some(_) => Err(ModelError::CrossedFactors {
                what: what.to_string(),
            }),
        }
    }

    /// The coordinates in which the factor's matrix is the identity.
    pub(in crate::model) fn basis(&self) -> WhitenedDesign {
        WhitenedDesign::new(self.normal, self.factor, self.map, self.gram.atoms())
    }

    pub(in crate::model) fn coordinates(&self, what: &str) -> Result<Coordinates, ModelError> {
        self.one_factor(what)?;
        let p = self.aliased.len();
        ModelError::many_columns(what, p)?;
        let map = self.map;
        let means = self.normal.level_means();
        let root = self.factor.root();
        let root_rest = self.factor.root_rest();
        let mut kept = Mat::<f64>::zeros(p, root.ncols());
        let mut rest = root_rest.as_ref().map(|_| kept.clone());
        let mut functionals = Vec::with_capacity(p);
        for c in 0..p {
            if self.aliased[c] {
                functionals.push(None);
                continue;
            }
            let f = self.normal.functional(map, c);
            let v = self.normal.reduced(&f, &means);
            let mut entries = v.iter().enumerate().filter(|(_, x)| x.hi != 0.0);
            match (entries.next(), entries.next()) {
                (Some((j, x)), None) => {
                    for a in 0..root.ncols() {
                        kept[(c, a)] = root[(j, a)] * x.hi;
                        if let (Some(rest), Some(low)) = (&mut rest, &root_rest) {
                            let whole = Dd::two_sum(root[(j, a)], low[(j, a)]) * *x;
                            rest[(c, a)] = (whole - Dd::new(kept[(c, a)])).hi;
                        }
                    }
                }
                (None, _) => {}
                // twice the precision, because the terms of a product with `root` may cancel
                _ => {
                    for (a, e) in self.factor.effects(&v).iter().enumerate() {
                        kept[(c, a)] = e.hi;
                        if let Some(rest) = &mut rest {
                            rest[(c, a)] = e.lo;
                        }
                    }
                }
            }
            functionals.push(Some(f));
        }
        Ok(Coordinates {
            functionals,
            kept,
            rest,
        })
    }

    /// Entries of a functional over the levels of the eliminated factor, as coordinates.
    pub(in crate::model) fn level_coordinates(&self, functional: &LinearFunctional) -> Vec<f64> {
        let Some(a) = &self.normal.absorbed else {
            return Vec::new();
        };
        let mut out = vec![functional.all; a.weights.len()];
        for &(l, x) in &functional.levels {
            out[l] += x;
        }
        out.iter_mut()
            .zip(&a.weights)
            .for_each(|(x, w)| *x /= w.hi.sqrt());
        out
    }

    /// Σ c d / N over the levels of the eliminated factor.
    fn level_product(&self, c: &LinearFunctional, d: &LinearFunctional, inverse_weight: f64) -> f64 {
        let Some(a) = &self.normal.absorbed else {
            return 0.0;
        };
        let mut s = c.all * d.all * inverse_weight;
        for &(l, x) in &c.levels {
            s += x * d.all / a.weights[l].hi;
            for &(k, y) in &d.levels {
                if k == l {
                    s += x * y / a.weights[l].hi;
                }
            }
        }
        for &(k, y) in &d.levels {
            s += y * c.all / a.weights[k].hi;
        }
        s
    }

    /// The inverse of the equations' matrix, columns x columns in the units of the data; `NaN` in rows and columns of
    /// aliased coefficients.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where matrices of its order have no room.
    pub fn unscaled(&self) -> Result<Mat<f64>, ModelError> {
        let mut out = self.unscaled_of_rows()?;
        let scales = self.column_scales();
        let p = out.nrows();
        for i in 0..p {
            for j in 0..p {
                out[(i, j)] = out[(i, j)] * scales[i] * scales[j];
            }
            // the diagonal was computed with its error bound
            out[(i, i)] = self.variances[i];
        }
        Ok(out)
    }

    /// The same in the units of the rows.
    pub(in crate::model) fn unscaled_of_rows(&self) -> Result<Mat<f64>, ModelError> {
        let all = self.coordinates("the covariance of all coefficients")?;
        let p = self.aliased.len();
        let mut out = Mat::<f64>::zeros(p, p);
        let e = all.kept.as_ref();
        matmul(out.as_mut(), Accum::Replace, e, e.transpose(), 1.0, Par::Seq);
        let inverse_weight: f64 = self
            .normal
            .absorbed
            .iter()
            .flat_map(|a| &a.weights)
            .map(|w| 1.0 / w.hi)
            .sum();
        for i in 0..p {
            for j in 0..=i {
                let v = match (&all.functionals[i], &all.functionals[j]) {
                    (Some(c), Some(d)) => out[(i, j)] + self.level_product(c, d, inverse_weight),
                    _ => f64::NAN,
                };
                out[(i, j)] = v;
                out[(j, i)] = v;
            }
        }
        Ok(out)
    }

    /// By how much a score moves each coefficient: f Eᶜ·e.
    fn moved_by(&self, all: &Coordinates, score: &ScoreTwice) -> Vec<f64> {
        let of = |(c, functional): (usize, &Option<LinearFunctional>)| {
            let Some(functional) = functional else {
                return f64::NAN;
            };
            let mut sum = all.inner(c, &score.e);
            if let Some(absorbed) = &self.normal.absorbed {
                for (l, u) in &score.levels {
                    let own = functional.levels.iter().filter(|(k, _)| k == l);
                    let entry = functional.all + own.map(|(_, x)| x).sum::<f64>();
                    sum += Dd::new(entry) / absorbed.weights[*l] * *u;
                }
            }
            sum.hi * score.factor
        };
        all.functionals.iter().enumerate().map(of).collect()
    }

    /// f E Q Eᵀ, E the coordinates of the coefficients and Q a sum of squares of scores in the same coordinates, with the rows
    /// that are not in it; in the units of the rows. Entry (i, j) is that of the matrix times 2^(aᵢ + aⱼ), a the exponents: entries
    /// are near one, so that a product of large columns with a small response stays in range.
    pub(in crate::model) fn sandwich(
        &self,
        all: &Coordinates,
        q: &Mat<f64>,
        heavy: &[ScoreTwice],
        factor: f64,
    ) -> ScaledMatrix {
        // E Q Eᵀ, E the coordinates of the coefficients
        let p = self.aliased.len();
        let r = all.kept.ncols();
        let mut e = Mat::<f64>::zeros(p, q.ncols());
        e.as_mut().subcols_mut(0, r).copy_from(&all.kept);
        for (c, functional) in all.functionals.iter().enumerate() {
            for (l, x) in functional
                .iter()
                .flat_map(|f| self.level_coordinates(f))
                .enumerate()
            {
                e[(c, r + l)] = x;
            }
        }
        let mut exponents: Vec<i32> = (0..p)
            .map(|c| exponent((0..e.ncols()).map(|a| e[(c, a)].abs()).fold(0.0, f64::max)))
            .collect();
        for (c, own) in exponents.iter().enumerate() {
            (0..e.ncols()).for_each(|a| e[(c, a)] = times_two_to(e[(c, a)], -own));
        }
        // the size of a score
        let largest = (0..q.ncols()).map(|a| q[(a, a)].abs()).fold(0.0, f64::max);
        let of_scores = exponent(largest) / 2;
        let moved: Vec<Vec<f64>> = heavy
            .iter()
            .map(|h| {
                let own = self.moved_by(all, h).into_iter().zip(&exponents);
                own.map(|(v, a)| times_two_to(v, -a - of_scores)).collect()
            })
            .collect();
        exponents.iter_mut().for_each(|a| *a += of_scores);
        let mut half = Mat::<f64>::zeros(p, q.ncols());
        matmul(
            half.as_mut(),
            Accum::Replace,
            e.as_ref(),
            q.as_ref(),
            1.0,
            Par::Seq,
        );
        let mut matrix = Mat::<f64>::zeros(p, p);
        matmul(
            matrix.as_mut(),
            Accum::Replace,
            half.as_ref(),
            e.transpose(),
            times_two_to(factor, -2 * of_scores),
            Par::Seq,
        );
        for i in 0..p {
            for j in 0..=i {
                let more: f64 = moved.iter().map(|m| m[i] * m[j]).sum();
                let lost = self.aliased[i] || self.aliased[j];
                let v = if lost {
                    f64::NAN
                } else {
                    0.5 * (matrix[(i, j)] + matrix[(j, i)]) + factor * more
                };
                matrix[(i, j)] = v;
                matrix[(j, i)] = v;
            }
        }
        ScaledMatrix { matrix, exponents }
    }
}

/// The exponent of a size: 2ᵃ ≤ x < 2ᵃ⁺¹; 0 of what is no positive normal number.
pub(in crate::model) fn exponent(x: f64) -> i32 {
    match x.is_normal() {
        true => ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023,
        false => 0,
    }
}

/// x 2ᵃ, rounded once where it leaves the range of normal numbers.
pub(in crate::model) fn times_two_to(x: f64, a: i32) -> f64 {
    // steps that are numbers themselves; the last one is the only one that may round
    const STEP: i32 = 1000;
    let (mut x, mut a) = (x, a);
    while a.abs() > STEP && x != 0.0 && x.is_finite() {
        let step = STEP * a.signum();
        x *= 2f64.powi(step);
        a -= step;
    }
    x * 2f64.powi(a.clamp(-STEP, STEP))
}
