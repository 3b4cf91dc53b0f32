//! Columns as components see them: less their centres, over their scales; and the gram of these.

use nelder_device::Dd;
use rayon::prelude::*;

use super::{Center, PcaSpec, Scale};
use crate::model::ModelError;
use crate::pass::{ColumnMoments, Gram, Standard};
use crate::solve::{Symmetric, UNIT_TWICE};

/// A column whose mean square about the centre is below this part of its mean square is constant: less cannot be told from
/// rounding in twice the precision.
const CONSTANT: f64 = 16.0 * UNIT_TWICE;

/// The columns' centres and scales, and what is known of their sizes.
#[derive(Clone, Debug)]
pub(in crate::model) struct Columns {
    /// Rows of weight other than zero.
    pub rows: u64,
    /// Centres and scales, in the units of the rows.
    pub standard: Standard,
    /// The scales in twice the precision: two axes of nearly the same deviation turn by more than a scale is rounded.
    pub scales: Vec<Dd>,
    /// Sum of squares of each standardized column.
    pub squares: Vec<f64>,
    /// Sum of squares of each column over its scale, centre included.
    pub norms: Vec<f64>,
    /// Root of that where the column stands for decimal numbers; else zero.
    pub roundings: Vec<f64>,
    /// True if rows have weights.
    pub weighted: bool,
}

/// The moments of the dense columns that a gram has.
pub(in crate::model) fn moments(gram: &Gram) -> ColumnMoments {
    let p = gram.atoms().dense;
    ColumnMoments {
        rows: gram.rows,
        weight: gram.weight,
        sums: gram.sums[..p].to_vec(),
        seconds: (0..p).map(|j| gram.second(j, j)).collect(),
        rounded: gram.rounded[..p].to_vec(),
    }
}

impl Columns {
    /// Centres and scales from the moments of the columns. `powers` are the powers of two that the rows' columns were
    /// multiplied with; none for one each. They take part in the scales, with a common power so that the largest column is of
    /// ordinary size.
    ///
    /// # Errors
    /// [`ModelError::Constant`] for a column without deviation that is to be divided by it, [`ModelError::Overflow`] where
    /// squares leave the range of double precision.
    pub fn new(
        moments: &ColumnMoments,
        spec: &PcaSpec,
        powers: &[f64],
        names: &[String],
    ) -> Result<(Self, f64), ModelError> {
        let p = names.len();
        if let Some(j) = (0..p).find(|&j| !moments.seconds[j].hi.is_finite()) {
            return Err(ModelError::Overflow(names[j].clone()));
        }
        let power = |j: usize| powers.get(j).copied().unwrap_or(1.0);
        let weight = moments.weight;
        let centers: Vec<Dd> = match &spec.center {
            Center::No => vec![Dd::ZERO; p],
            Center::Means => moments.sums.iter().map(|s| *s / weight).collect(),
            Center::Values(values) => (0..p).map(|j| Dd::new(values[j] * power(j))).collect(),
        };
        let own = |j: usize| {
            let second = moments.seconds[j];
            about(&spec.center, weight, &moments.sums, &centers, second, (j, j))
        };
        let exact: Vec<Dd> = (0..p).map(own).collect();
        let mut squares: Vec<f64> = exact.iter().map(|s| s.hi).collect();
        let mut norms: Vec<f64> = (0..p)
            .map(|j| moments.seconds[j].hi + (weight * centers[j] * centers[j]).hi)
            .collect();
        for (square, norm) in squares.iter_mut().zip(&norms) {
            // what cannot be told from zero is zero
            if *square <= CONSTANT * norm {
                *square = 0.0;
            }
        }
        let divisor = divisor(moments.rows);
        let twice: Vec<Dd> = match &spec.scale {
            Scale::No => (0..p).map(|j| Dd::new(power(j))).collect(),
            Scale::Values(values) => (0..p).map(|j| Dd::new(values[j] * power(j))).collect(),
            Scale::Deviations => {
                if let Some(j) = squares.iter().position(|s| *s == 0.0) {
                    return Err(ModelError::Constant(names[j].clone()));
                }
                exact.iter().map(|s| s.div_f64(divisor).sqrt()).collect()
            }
        };
        let mut scales: Vec<f64> = twice.iter().map(|s| s.hi).collect();
        // columns of extreme sizes in a unit in which the largest is about one
        let mut unit = 1.0;
        if (0..p).any(|j| power(j) != 1.0) {
            let size = |j: usize| squares[j].sqrt() / scales[j].abs();
            let largest = (0..p).map(size).fold(0.0, f64::max);
            if largest > 0.0 && largest.is_finite() {
                unit = 2f64.powi(largest.log2().floor() as i32);
            }
        }
        scales.iter_mut().for_each(|s| *s *= unit);
        let twice = twice.into_iter().map(|s| s.scale(unit)).collect();
        for j in 0..p {
            squares[j] = squares[j] / scales[j] / scales[j];
            norms[j] = norms[j] / scales[j] / scales[j];
        }
        let roundings = (0..p)
            .map(|j| if moments.rounded[j] { norms[j].sqrt() } else { 0.0 })
            .collect();
        let columns = Columns {
            rows: moments.rows,
            standard: Standard { centers, scales },
            scales: twice,
            squares,
            norms,
            roundings,
            weighted: spec.weights.is_some(),
        };
        Ok((columns, unit))
    }

    /// A bound on what the rounding of the scales by which rows are divided does to them: ‖X diag δ‖ ≤ σ₁ max |δ|, of σ₁.
    pub fn scale_rounding(&self) -> f64 {
        let off = |s: &&Dd| s.lo != 0.0;
        self.scales.iter().find(off).map_or(0.0, |_| 0.5 * f64::EPSILON)
    }

    /// The same of decimal weights: each row is off by a quarter of a unit in the last place at most.
    pub fn weight_rounding(&self) -> f64 {
        if self.weighted { 0.25 * f64::EPSILON } else { 0.0 }
    }

    /// Returns the divisor of variances: n − 1, at least 1, for n rows of weight other than zero.
    pub fn divisor(&self) -> f64 {
        divisor(self.rows)
    }

    /// The rank that the rows have at most: centred about their means, they sum to zero.
    pub fn rank(&self, spec: &PcaSpec) -> usize {
        let n = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let free = match spec.center {
            Center::Means => n.saturating_sub(1),
            _ => n,
        };
        free.min(self.squares.len())
    }

    /// The gram of the standardized columns.
    pub fn matrix(&self, gram: &Gram, spec: &PcaSpec) -> Symmetric {
        let raw = |i: usize, j: usize| gram.second(i, j);
        let size = |i: usize, about: f64| gram.size(about, i);
        self.standardized(spec, (gram.weight, &gram.sums), raw, size)
    }

    /// The same from products in twice the precision, the lower triangle by rows.
    pub fn of_raw(&self, raw: &[Dd], moments: &ColumnMoments, spec: &PcaSpec) -> Symmetric {
        let of = |i: usize, j: usize| raw[Symmetric::at(i, j)];
        self.standardized(spec, (moments.weight, &moments.sums), of, |_, about| about)
    }

    fn standardized(
        &self,
        spec: &PcaSpec,
        (weight, sums): (Dd, &[Dd]),
        raw: impl Fn(usize, usize) -> Dd + Sync,
        size: impl Fn(usize, f64) -> f64,
    ) -> Symmetric {
        let p = self.squares.len();
        let (centers, scales) = (&self.standard.centers, &self.standard.scales);
        let mut matrix = Symmetric::zeros(p);
        let over = |v: Dd, scale: Dd| match scale {
            Dd { hi: 1.0, lo: 0.0 } => v,
            Dd { hi, lo: 0.0 } => v.div_f64(hi),
            scale => v / scale,
        };
        let rows: Vec<(usize, &mut [Dd])> = matrix.rows().into_iter().enumerate().collect();
        let rows = rows.into_par_iter().with_min_len(16);
        rows.filter(|(i, _)| self.squares[*i] > 0.0).for_each(|(i, row)| {
            for (j, entry) in row.iter_mut().enumerate().filter(|(j, _)| self.squares[*j] > 0.0) {
                let own = about(&spec.center, weight, sums, centers, raw(i, j), (i, j));
                *entry = over(over(own, self.scales[i]), self.scales[j]);
            }
        });
        for i in (0..p).filter(|&i| self.squares[i] > 0.0) {
            matrix.sizes[i] = size(i, self.squares[i] * scales[i] * scales[i]) / scales[i] / scales[i];
        }
        matrix.norms.clone_from(&self.norms);
        matrix.roundings.clone_from(&self.roundings);
        matrix
    }
}

/// Returns the divisor of sums of squares over this number of rows: n − 1, at least 1.
pub(in crate::model) fn divisor(rows: u64) -> f64 {
    (rows as f64 - 1.0).max(1.0)
}

/// Σ w (x − c)(y − d) of two columns, from Σ w x y and their sums.
fn about(center: &Center, weight: Dd, sums: &[Dd], centers: &[Dd], raw: Dd, (i, j): (usize, usize)) -> Dd {
    match center {
        Center::No => raw,
        Center::Means => raw - sums[i] * centers[j],
        Center::Values(_) => {
            let (ci, cj) = (centers[i], centers[j]);
            raw - ci * sums[j] - cj * sums[i] + weight * ci * cj
        }
    }
}
