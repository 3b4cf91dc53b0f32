//! The constant of the model without columns beside an offset: Fisher scoring in one variable.
//!
//! Each pass of the iteration tells ΣW, Σs and the deviance at one constant; the step is Σs / ΣW. A step that leaves the
//! family's range or lets the deviance rise is halved. Where no constant has been in range yet, others are tried: the
//! start of the whole model says nothing of this one.

/// Halvings of a step at most.
const MOST_HALVINGS: u32 = 60;
/// Powers of two on both sides of zero that are tried.
const WIDEST: i32 = 20;

/// Where the search stands.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::model) struct NullSearch {
    /// The best constant so far, and its deviance.
    best: Option<(f64, f64)>,
    step: f64,
    halvings: u32,
    tries: i32,
}

/// Outcome of a step of the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::model) enum Next {
    /// Another constant is to be looked at.
    Constant(f64),
    /// The deviance has settled.
    Deviance(f64),
}

impl NullSearch {
    /// The lowest deviance so far; `NaN` where no constant was in range.
    pub fn lowest(&self) -> f64 {
        self.best.map_or(f64::NAN, |(_, deviance)| deviance)
    }

    /// Takes in ΣW, Σs and the deviance (not finite where it is out of range) at a constant. `mean` is the predictor of the
    /// mean response, `floor` what a deviance is small beside.
    pub fn next(&mut self, constant: f64, found: [f64; 3], mean: f64, floor: f64) -> Next {
        let [weight, score, deviance] = found;
        match self.best {
            None if !deviance.is_finite() => self.another(mean),
            Some((_, lowest)) if !(deviance <= lowest + 1e-13 * lowest.abs()) => self.halved(),
            _ => {
                self.best = Some((constant, deviance));
                (self.step, self.halvings) = (score / weight, 0);
                let gain = (score * self.step).abs();
                let settled = !self.step.is_finite() || gain <= 1e-14 * (deviance.abs() + 0.01 * floor);
                match settled {
                    true => Next::Deviance(deviance),
                    false => Next::Constant(constant + self.step),
                }
            }
        }
    }

    fn halved(&mut self) -> Next {
        let Some((constant, lowest)) = self.best else {
            return Next::Deviance(f64::NAN);
        };
        self.step *= 0.5;
        self.halvings += 1;
        match self.halvings > MOST_HALVINGS {
            true => Next::Deviance(lowest),
            false => Next::Constant(constant + self.step),
        }
    }

    /// The mean's predictor, zero, then 1, −1, 2, −2, 4, …
    fn another(&mut self, mean: f64) -> Next {
        let k = self.tries;
        self.tries += 1;
        match k {
            0 if mean.is_finite() => Next::Constant(mean),
            0 | 1 => Next::Constant(0.0),
            _ if k / 2 - 1 <= WIDEST => {
                let size = 2f64.powi(k / 2 - 1);
                Next::Constant(if k % 2 == 0 { size } else { -size })
            }
            _ => Next::Deviance(f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ΣW, Σs and the deviance of a Poisson model with the identity link, out of range below −least offset.
    fn poisson(y: &[f64], offset: &[f64], c: f64) -> [f64; 3] {
        let mut out = [0.0; 3];
        for (y, o) in y.iter().zip(offset) {
            let mu = o + c;
            if mu <= 0.0 {
                return [f64::NAN; 3];
            }
            out[0] += 1.0 / mu;
            out[1] += (y - mu) / mu;
            out[2] += 2.0 * (if *y == 0.0 { 0.0 } else { y * (y / mu).ln() } - (y - mu));
        }
        out
    }

    /// From a start out of range, and through steps that leave it, to where the score is zero.
    #[test]
    fn settles_where_the_score_vanishes() {
        let (y, offset) = ([3.0, 0.0, 2.0, 9.0], [-5.0, 1.0, -3.0, 2.0]);
        for start in [f64::NAN, 0.0, -7.0, 5.1, 900.0] {
            let (mut search, mut c) = (NullSearch::default(), start);
            let mut passes = 0;
            let deviance = loop {
                let own = if c.is_nan() {
                    [f64::NAN; 3]
                } else {
                    poisson(&y, &offset, c)
                };
                match search.next(c, own, 3.5, 0.1) {
                    Next::Constant(next) => c = next,
                    Next::Deviance(d) => break d,
                }
                passes += 1;
                assert!(passes < 100, "from {start}");
            };
            let at = poisson(&y, &offset, c);
            assert!(at[1].abs() < 1e-6 * at[0], "from {start}: score {}", at[1]);
            assert!((deviance - at[2]).abs() < 1e-12);
        }
    }

    /// Where nothing is in range the search ends.
    #[test]
    fn ends_without_a_constant() {
        let (mut search, mut c) = (NullSearch::default(), 1.0);
        let mut passes = 0;
        while let Next::Constant(next) = search.next(c, [f64::NAN; 3], f64::NAN, 0.1) {
            c = next;
            passes += 1;
        }
        assert!(passes < 60 && search.lowest().is_nan());
    }
}
