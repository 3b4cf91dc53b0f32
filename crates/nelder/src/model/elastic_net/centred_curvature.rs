//! Second derivatives of a loss with the intercept eliminated, and what they learn from a step.
//!
//! Of the intercept and standardized columns, the second derivatives are
//!
//! [ h, h mᵀ; h m, H + h m mᵀ ],
//!
//! h the sum of the working weights over that of the prior ones, m the means of the columns under them, H the gram about these. A step δ whose
//! scores changed by −y has y = F δ for the mean F of the second derivatives along it, so that
//!
//! F⁺ = F − F δ δᵀ F / δᵀFδ + y yᵀ / yᵀδ
//!
//! maps δ to y, and is positive definite where F is and yᵀδ > 0 (the update of Broyden, Fletcher, Goldfarb & Shanno; Nocedal & Wright 2006,
//! "Numerical Optimization", 6.19). H, m and h follow by elimination. A path moves on much as it moved before, so that this is most of what a new
//! gram would tell.

use super::active_set::DenseCurvature;

/// Change of yᵀδ over δᵀFδ, either way, up to which a step is believed.
const BELIEVED: f64 = 100.0;

/// Second derivatives with the intercept eliminated.
#[derive(Clone, Debug)]
pub(super) struct CentredCurvature {
    /// H, of the standardized columns.
    pub matrix: DenseCurvature,
    /// Means under the working weights, in the units of the columns.
    pub means: Vec<f64>,
    /// h.
    pub share: f64,
}

/// A step and the change of the scores, in standardized units.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    /// δ₀ and δ.
    pub constant: f64,
    pub step: Vec<f64>,
    /// y₀ and y.
    pub constant_change: f64,
    pub change: Vec<f64>,
}

impl CentredCurvature {
    /// Has F map a step to its change of the scores; yᵀδ / δᵀFδ of F as it was, or `None` where it stays so, since the step tells nothing.
    pub fn learn(&mut self, seen: &Lesson, scales: &[f64], intercept: bool) -> Option<f64> {
        let p = self.matrix.order;
        let means: Vec<f64> = match intercept {
            true => self.means.iter().zip(scales).map(|(m, s)| m / s).collect(),
            false => vec![0.0; p],
        };
        let h = if intercept { self.share } else { 0.0 };
        // F δ
        let mut image = vec![0.0; p];
        for (j, d) in seen.step.iter().enumerate().filter(|(_, d)| **d != 0.0) {
            let column = &self.matrix.values[j * p..(j + 1) * p];
            image.iter_mut().zip(column).for_each(|(v, h)| *v += d * h);
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let constant = h * (seen.constant + dot(&means, &seen.step));
        image.iter_mut().zip(&means).for_each(|(v, m)| *v += m * constant);
        let expected = seen.constant * constant + dot(&seen.step, &image);
        let found = seen.constant_change * seen.constant + dot(&seen.change, &seen.step);
        if !(expected > 0.0 && found > expected / BELIEVED && found < expected * BELIEVED) {
            return None;
        }
        let (down, up) = (expected.recip(), found.recip());
        let (y0, y) = (seen.constant_change, &seen.change);
        let share = h - constant * constant * down + y0 * y0 * up;
        if intercept && !(share > 0.0) {
            return None;
        }
        let after: Vec<f64> = (0..p)
            .map(|j| match intercept {
                true => (h * means[j] - constant * image[j] * down + y0 * y[j] * up) / share,
                false => 0.0,
            })
            .collect();
        for (j, column) in self.matrix.values.chunks_exact_mut(p).enumerate() {
            let (a, b, c, d) = (h * means[j], -image[j] * down, y[j] * up, -share * after[j]);
            for i in 0..p {
                column[i] += (a * means[i] + b * image[i]) + (c * y[i] + d * after[i]);
            }
        }
        if intercept {
            self.share = share;
            self.means = after.iter().zip(scales).map(|(m, s)| m * s).collect();
        }
        Some(found / expected)
    }

    /// Multiplies F by a number.
    pub fn scale(&mut self, by: f64) {
        self.matrix.values.iter_mut().for_each(|v| *v *= by);
        self.share *= by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F of two columns and the intercept, and its parts.
    fn curvature() -> ([[f64; 3]; 3], CentredCurvature) {
        let (h, m, own) = (0.25, [0.5, -1.0], [[2.0, 0.5], [0.5, 1.0]]);
        let mut full = [[h, h * m[0], h * m[1]]; 3];
        for i in 0..2 {
            full[i + 1] = [h * m[i], own[i][0] + h * m[i] * m[0], own[i][1] + h * m[i] * m[1]];
        }
        let centred = CentredCurvature {
            matrix: DenseCurvature {
                order: 2,
                values: own.concat(),
            },
            means: vec![m[0] * 3.0, m[1] * 0.5],
            share: h,
        };
        (full, centred)
    }

    #[test]
    fn a_step_is_mapped_to_its_change() {
        let (mut full, mut centred) = curvature();
        let (step, change) = ([0.3, -0.2, 0.7], [0.05, -0.1, 0.9]);
        let seen = Lesson {
            constant: step[0],
            step: step[1..].to_vec(),
            constant_change: change[0],
            change: change[1..].to_vec(),
        };
        assert!(centred.learn(&seen, &[3.0, 0.5], true).is_some());
        // the same on the whole matrix
        let image: Vec<f64> = full
            .iter()
            .map(|row| row.iter().zip(&step).map(|(f, d)| f * d).sum())
            .collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let (expected, found) = (dot(&step, &image), dot(&step, &change));
        for i in 0..3 {
            for j in 0..3 {
                full[i][j] += change[i] * change[j] / found - image[i] * image[j] / expected;
            }
            assert!((dot(&full[i], &step) - change[i]).abs() < 1e-15);
        }
        let m = [centred.means[0] / 3.0, centred.means[1] / 0.5];
        assert!((centred.share - full[0][0]).abs() < 1e-15);
        for i in 0..2 {
            assert!((centred.share * m[i] - full[0][i + 1]).abs() < 1e-15);
            for j in 0..2 {
                let own = centred.matrix.values[j * 2 + i] + centred.share * m[i] * m[j];
                assert!((own - full[i + 1][j + 1]).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn a_step_against_its_change_tells_nothing() {
        let (_, mut centred) = curvature();
        let before = centred.matrix.values.clone();
        let seen = Lesson {
            constant: 0.0,
            step: vec![1.0, 0.0],
            constant_change: 0.0,
            change: vec![-1.0, 0.0],
        };
        assert!(centred.learn(&seen, &[1.0, 1.0], true).is_none());
        assert_eq!(before, centred.matrix.values);
    }
}
