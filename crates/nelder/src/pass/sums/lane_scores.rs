//! Working weights and scores of rows under many sets of coefficients and weights at once, by the program of a family.

use nelder_device::{Input, Output, Runner};

use super::lane_predictors::LaneCoefficients;
use super::observed::Observed;
use crate::design::{Block, BlockSchema, RowError};
use crate::family::Programs;

/// Working weights W and scores s of η of some rows, rows x lanes, lanes fastest; with scratch.
pub struct LaneScores {
    /// W.
    pub weights: Vec<f64>,
    /// s.
    pub scores: Vec<f64>,
    /// Deviances, `NaN` where a mean has left the range.
    deviances: Vec<f64>,
    /// True for lanes of which a row has left the range.
    pub astray: Vec<bool>,
    eta: Vec<f64>,
    room: Vec<f64>,
    /// y, prior weights, trials, proportions of failures.
    columns: [Vec<f64>; 4],
    runner: Runner<f64>,
}

/// Each number of some rows as often as there are lanes.
fn spread(out: &mut Vec<f64>, values: &[f64], lanes: usize) {
    out.clear();
    out.extend(values.iter().flat_map(|v| std::iter::repeat_n(*v, lanes)));
}

impl LaneScores {
    /// For the programs of a family of rows with prior weights.
    pub fn new(programs: &Programs, lanes: usize) -> Self {
        LaneScores {
            weights: Vec::new(),
            scores: Vec::new(),
            deviances: Vec::new(),
            astray: vec![false; lanes],
            eta: Vec::new(),
            room: Vec::new(),
            columns: Default::default(),
            runner: programs.step.runner().unwrap_or_else(|_| Runner::empty()),
        }
    }

    /// Forms W and s of the rows `from..to` of a block, whose prior weights are multiplied with `weights`, rows x lanes. Responses are the
    /// block's, or those of `responses`, rows x lanes.
    ///
    /// # Errors
    /// The first row with a level that no row had in the fit.
    #[allow(clippy::too_many_arguments)]
    pub fn form(
        &mut self,
        atoms: &BlockSchema,
        (block, counts): (&Block<'_>, bool),
        (from, to): (usize, usize),
        at: &LaneCoefficients,
        weights: Option<&[f64]>,
        responses: Option<&[f64]>,
        lanes: usize,
    ) -> Result<(), RowError> {
        at.predict(atoms, block, (from, to), &mut self.room, &mut self.eta)?;
        let n = (to - from) * lanes;
        let observed = Observed::of(block, counts);
        let [y, prior, trials, rest] = &mut self.columns;
        match responses {
            None => spread(y, &observed.y[from..to], lanes),
            Some(own) => {
                y.clear();
                y.extend_from_slice(own);
            }
        }
        match &observed.weight {
            None => {
                prior.clear();
                prior.resize(n, 1.0);
            }
            Some(w) => spread(prior, &w[from..to], lanes),
        }
        if let Some(weights) = weights {
            prior.iter_mut().zip(weights).for_each(|(w, own)| *w *= own);
        }
        match (&observed.trials, &observed.rest) {
            (Some(own), Some(failures)) => {
                spread(trials, &own[from..to], lanes);
                match responses {
                    None => spread(rest, &failures[from..to], lanes),
                    Some(own) => {
                        rest.clear();
                        rest.extend(own.iter().map(|y| 1.0 - y));
                    }
                }
            }
            _ => {
                trials.clone_from(y);
                rest.clone_from(y);
            }
        }
        for column in [&mut self.weights, &mut self.scores, &mut self.deviances] {
            column.resize(n, 0.0);
        }
        let inputs = [
            &self.columns[0],
            &self.eta,
            &self.columns[1],
            &self.columns[2],
            &self.columns[3],
        ];
        let inputs = inputs.map(|column| Input::Real(column));
        let mut outputs = [
            Output::Real(&mut self.weights),
            Output::Real(&mut self.scores),
            Output::Real(&mut self.deviances),
        ];
        // a program of a family is sound
        let _ = self.runner.run(&inputs, n, &mut outputs);
        for (deviances, prior) in self
            .deviances
            .chunks_exact(lanes)
            .zip(self.columns[1].chunks_exact(lanes))
        {
            for ((astray, d), w) in self.astray.iter_mut().zip(deviances).zip(prior) {
                *astray |= d.is_nan() && *w > 0.0;
            }
        }
        Ok(())
    }
}
