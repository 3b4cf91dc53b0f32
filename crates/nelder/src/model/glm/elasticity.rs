//! Bounds on the relative errors of working weights W = w (dμ/dη)² / V, and so of standard errors.
//!
//! Between β and β + δ, log W moves by e xᵀδ in a row with the elasticity e = d log W / dη. With ‖δ‖² = δᵀXᵀWXδ,
//! |xᵢᵀδ| ≤ ‖δ‖ √(xᵢᵀ (XᵀWX)⁻¹ xᵢ) (Cauchy). Where each weight is known to a share ρ of itself, XᵀWX is known to that share
//! in every direction, and each variance vᵀ(XᵀWX)⁻¹v too.

use crate::design::{BlockSchema, ColumnEncoding, ColumnKind};
use crate::model::NormalEquations;

/// A bound on the largest √(xᵢᵀ (XᵀWX)⁻¹ xᵢ) of a row, which is the standard error of its predictor: from the ranges of the
/// dense columns and √v, the standard errors of the coefficients (0 where aliased), in the units of the rows.
///
/// A row is the mean row, of which the norm is 1 / √ΣW where the ones are in the span of the columns, and what it differs
/// from that by, column by column; of a coded column the mean is no further away than the farthest code.
pub(super) fn largest_spread(
    normal: &NormalEquations,
    map: &ColumnEncoding,
    atoms: &BlockSchema,
    ranges: &[[f64; 2]],
    errors: &[f64],
) -> f64 {
    let times = |size: f64, error: f64| if error == 0.0 { 0.0 } else { size * error };
    let size = |e: usize, about: f64| {
        let [least, largest] = ranges.get(e).copied().unwrap_or([f64::INFINITY; 2]);
        (least - about).abs().max((largest - about).abs())
    };
    let mut sum = 0.0;
    if normal.centered {
        sum += 1.0 / normal.weight.hi.sqrt();
    }
    for (kind, &error) in map.kinds.iter().zip(errors) {
        sum += match *kind {
            ColumnKind::Intercept if normal.centered => 0.0,
            ColumnKind::Intercept => error,
            ColumnKind::Dense(e) => times(size(e, normal.means.get(e).map_or(0.0, |m| m.hi)), error),
            ColumnKind::Coded { .. } => 0.0,
        };
    }
    for (g, group) in map.coded.iter().enumerate() {
        let codes = group.iter().map(Vec::len).max().unwrap_or(0);
        let of_code = |code: usize| -> f64 {
            let own = (0..group.len()).map(|a| {
                let multiplier = atoms.groups[g].multipliers[a].map_or(1.0, |e| size(e, 0.0));
                let row = map.row(g, a, code).iter();
                row.map(|&(c, v)| times(multiplier * v.abs(), errors[c as usize]))
                    .sum::<f64>()
            });
            own.sum()
        };
        let largest = (0..codes).map(of_code).fold(0.0, f64::max);
        sum += if normal.centered { 2.0 * largest } else { largest };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::largest_spread;
    use crate::family::Family;
    use crate::frame::Frame;
    use crate::model::{GlmSpec, glm};
    use crate::pass::NoProgress;

    /// The bound holds, and is not far above the largest standard error of a row's predictor.
    #[test]
    fn spread_of_rows() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i) * 0.25 + 100.0).collect();
        let z: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let y: Vec<f64> = (0..40).map(|i| f64::from(i % 5 + i / 8)).collect();
        let formulas: [(&str, &[&[f64]]); 6] = [
            ("y ~ x", &[&x]),
            ("y ~ x + z", &[&x, &z]),
            ("y ~ z", &[&z]),
            ("y ~ x - 1", &[&x]),
            ("y ~ cut(x, 4) + z", &[&z]),
            ("y ~ cut(x, 3) * z - 1", &[&z]),
        ];
        for (formula, dense) in formulas {
            let frame = Frame::new()
                .with_real("x", &x)
                .with_real("z", &z)
                .with_real("y", &y);
            let fit = glm(&GlmSpec::new(formula, Family::poisson()), &frame, &NoProgress).unwrap();
            let own = &fit.fit;
            let range = |(x, s): (&&[f64], &f64)| {
                let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                [x.iter().copied().fold(f64::INFINITY, f64::min) * s, largest * s]
            };
            let ranges: Vec<[f64; 2]> = dense.iter().zip(&own.scales).map(range).collect();
            let scales = own.system().column_scales();
            let errors: Vec<f64> = own
                .variances
                .iter()
                .zip(scales)
                .map(|(v, s)| v.sqrt() / s)
                .collect();
            let bound = largest_spread(&own.normal, &own.map, own.gram.atoms(), &ranges, &errors);
            let predicted = fit.predict(&frame, true, &NoProgress).unwrap();
            let largest = predicted.link_error.iter().copied().fold(0.0, f64::max);
            assert!(
                bound >= largest && bound < 30.0 * largest,
                "{formula}: {largest} {bound}"
            );
        }
    }
}
