//! A pass of a Cox model's path over rows in memory: deviance, score and, where it is wanted, curvature at coefficients.

use nelder_device::kernels::Pair;
use rayon::prelude::*;

use super::cox_curvature::curvature;
use super::cox_rows::{CoxPart, CoxRows, RUN};
use super::newton_rows::{Found, by_column};
use super::problem::Problem;
use crate::pass::{Coefficients, ScoreSums};

/// Deviance, score and, where it is wanted, curvature of a part of the rows at coefficients.
pub(super) fn found_at(
    rows: &CoxRows,
    problem: &Problem,
    part: &CoxPart,
    at: &Coefficients,
    gram: bool,
) -> Found {
    let map = &problem.columns.map;
    let eta = rows.predictors(at);
    let Some(found) = part.likelihood.at(&rows.sets, &eta) else {
        return Found {
            deviance: f64::INFINITY,
            score: vec![0.0; map.columns()],
            curvature: None,
        };
    };
    let sums = (0..rows.len()).into_par_iter().step_by(RUN).map(|from| {
        let to = (from + RUN).min(rows.len());
        let mut sums = ScoreSums::new(&rows.atoms);
        let score = Pair::of(&found.score[from..to]);
        sums.add(&rows.atoms, &rows.block.design(from, to), score, !rows.exact);
        sums
    });
    let sums: Vec<ScoreSums> = sums.collect();
    let mut all = ScoreSums::new(&rows.atoms);
    sums.iter().for_each(|own| all.merge(own));
    Found {
        deviance: part.likelihood.deviance(found.value),
        score: by_column(&all, map).iter().map(|s| s.hi).collect(),
        curvature: gram.then(|| curvature(rows, problem, part, &found)),
    }
}
