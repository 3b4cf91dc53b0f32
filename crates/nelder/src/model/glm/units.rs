//! Units of a generalized model: what counts as small in its deviance and its predictor, and what is out of range.
//!
//! Multiplying the responses by a number, or all weights, changes nothing but units where the dispersion is not known; what is
//! decided along the way must not change either.

use nelder_device::Dd;

use crate::family::{Family, Variance};
use crate::model::ModelError;
use crate::pass::ResponseMoments;

/// The constant c of R's test |D − D'| / (|D| + c).
const FLOOR: f64 = 0.1;
/// Quantities of one row at the mean response beyond this, or below its inverse, leave no room for sums of them.
const LARGEST: f64 = 1e290;
/// A sum of squares of so many least numbers has no digits to spare for residuals.
const FEW_UNITS: f64 = 4096.0;

/// The constant of R's test of the deviance, in the units of the data: 0.1 min(1, Σw d(ȳ, 2ȳ)), d the deviance of one row; where
/// the dispersion is known, 0.1 min(1, Σw).
pub(super) fn deviance_floor(family: &Family, moments: &ResponseMoments) -> f64 {
    let weight = moments.weight.hi;
    let mean = moments.response.hi / weight;
    let scaled = match family.known_dispersion() || family.is_binomial() {
        true => weight,
        false => weight * family.deviance(mean, 2.0 * mean),
    };
    // a mean of 0 has no unit
    let unit = [scaled, weight].into_iter().find(|u| *u > 0.0 && u.is_finite());
    FLOOR * unit.map_or(1.0, |u| u.min(1.0))
}

/// Makes sure that deviance, variance, dμ/dη and working weight (dμ/dη)² / V of a row at the mean response are numbers of which
/// sums can be formed.
///
/// # Errors
/// One of them is out of range.
pub(super) fn check_range(
    family: &Family,
    moments: &ResponseMoments,
    response: &str,
) -> Result<(), ModelError> {
    let mean = (moments.response / moments.weight).hi;
    match row_in_range(family, moments, mean) {
        true => Ok(()),
        false => Err(ModelError::Argument {
            argument: "formula".into(),
            why: format!(
                "the mean of `{response}` is {mean:.3e}: variances, weights or deviances of the {} family are out of the \
                 range of double precision there; divide the response by a power of ten",
                family.label()
            ),
        }),
    }
}

fn row_in_range(family: &Family, moments: &ResponseMoments, mean: f64) -> bool {
    if family.is_of_residuals() {
        // squares that underflow leave no residual sum of squares
        let squares = moments.squares[0];
        let none = squares == 0.0 && moments.response.hi == 0.0;
        return none || (squares.is_finite() && squares > FEW_UNITS * f64::from_bits(1));
    }
    let eta = family.link(mean);
    // a mean that the link or the variance does not allow says nothing of the rows
    if family.is_binomial() || !(mean > 0.0) || eta.is_nan() {
        return true;
    }
    let (_, slope) = family.inverse_link(eta);
    let variance = match family.variance {
        Variance::Power(k) => mean.powf(k),
        _ => 1.0,
    };
    let of_a_row = [
        family.deviance(mean, 2.0 * mean),
        variance,
        slope,
        slope * (slope / variance),
    ];
    // twice the mean may be beyond the link: NaN
    let out = |x: &f64| x.abs() < 1.0 / LARGEST || x.abs() > LARGEST;
    !of_a_row.iter().any(out)
}

/// The size of a predictor that tells its steps from rounding: 1 for the logarithm and the links of probabilities; for a
/// power of the mean, which has the units of the data, the larger of |g(ȳ)| and the largest |βⱼ| dⱼ of a slope, d the
/// `deviations` of the columns.
pub(super) fn predictor_unit(family: &Family, moments: &ResponseMoments, slopes: (&[Dd], &[f64])) -> f64 {
    if !family.link.is_power() {
        return 1.0;
    }
    let at_mean = family.link((moments.response / moments.weight).hi).abs();
    let of_slopes = slopes.0.iter().zip(slopes.1).map(|(b, d)| b.hi.abs() * d);
    let sizes = of_slopes.chain([at_mean]).filter(|size| size.is_finite());
    sizes.fold(0.0, f64::max)
}
