//! Least squares over some of the columns of a fit and then more of them, from its gram: no pass over the data.
//!
//! With the columns in any order, the squares of Qᵀy say what each adds to what is explained by those before it;
//! what is left out of a model is added to the residual sum of squares of the whole, so that small differences
//! do not come from large numbers.

use nelder_device::Dd;

use crate::design::{AbsorbedTerm, ColumnEncoding, ColumnKind, Parametrization};
use crate::model::{LeastSquares, Lm, ModelError, NormalEquations};
use crate::pass::Gram;
use crate::solve::{Factor, Symmetric, factor_double, factor_twice};

/// Columns up to which no factor is eliminated.
const DIRECT: usize = 512;

/// Rank and sums of squares that the columns of a stage add to the stages before.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Columns that are not aliased with those before them.
    pub rank: usize,
    /// For each response, the sum of squares that they explain beyond the stages before, in the units of the
    /// data.
    pub squares: Vec<Dd>,
}

/// Some columns of a map, in a new order.
pub(in crate::model) fn choose(
    map: &ColumnEncoding,
    columns: &[usize],
    absorbed: Option<AbsorbedTerm>,
) -> ColumnEncoding {
    let mut place = vec![None; map.columns()];
    for (i, &c) in columns.iter().enumerate() {
        place[c] = Some(i);
    }
    let coded = map.coded.iter().map(|group| {
        let rows = group.iter().map(|codes| {
            let row = |row: &Vec<(u32, f64)>| {
                row.iter()
                    .filter_map(|&(c, x)| place[c as usize].map(|p| (p as u32, x)))
                    .collect()
            };
            codes.iter().map(row).collect()
        });
        rows.collect()
    });
    let absorbed = absorbed.map(|mut term| {
        term.columns
            .iter_mut()
            .for_each(|c| *c = c.and_then(|c| place[c]));
        term
    });
    ColumnEncoding {
        intercept: map.intercept && columns.first() == Some(&0),
        kinds: columns.iter().map(|&c| map.kinds[c]).collect(),
        coded: coded.collect(),
        absorbed,
        crossed: None,
    }
}

fn factor(matrix: &Symmetric, tol: f64, unit: f64) -> Factor {
    let quick = (matrix.order > DIRECT)
        .then(|| factor_double(matrix, tol, f64::EPSILON, None))
        .flatten()
        .filter(|f| f.pivots.iter().all(|&p| p > 1e-3));
    quick.unwrap_or_else(|| factor_twice(matrix, tol, unit))
}

/// Ranks and explained sums of squares by stage, in the units of the gram.
struct Tally {
    stages: Vec<Stage>,
}

impl Tally {
    fn new(stages: usize, responses: usize) -> Self {
        Tally {
            stages: vec![
                Stage {
                    rank: 0,
                    squares: vec![Dd::ZERO; responses]
                };
                stages
            ],
        }
    }

    /// Adds what the columns of a map explain, `stage` giving the stage of each.
    fn add(
        &mut self,
        gram: &Gram,
        map: &ColumnEncoding,
        stage: &[usize],
        tol: f64,
        unit: f64,
    ) -> NormalEquations {
        let normal = NormalEquations::assemble(gram, map);
        let factor = factor(&normal.matrix, tol, unit);
        for &i in &factor.accepted {
            self.stages[stage[normal.kept[i]]].rank += 1;
        }
        for (y, right) in normal.right.iter().enumerate() {
            for (e, &i) in factor.effects(right).iter().zip(&factor.accepted) {
                let s = &mut self.stages[stage[normal.kept[i]]].squares[y];
                *s += *e * *e;
            }
        }
        normal
    }
}

impl LeastSquares {
    /// Returns the sequential rank and sums of squares of each stage of columns, stage 0 first. `stage` has an entry for
    /// each column, in which `None` leaves it out; the intercept must be in stage 0 where there is one, and explains nothing.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where matrices of the order that is left after the largest factor was eliminated have no room.
    pub fn stages(&self, stage: &[Option<usize>], tol: f64) -> Result<Vec<Stage>, ModelError> {
        self.system().one_factor("this table")?;
        let map = &self.columns.map;
        let gram = &self.gram;
        let responses = gram.atoms().responses;
        let count = stage.iter().flatten().max().map_or(1, |s| s + 1);
        let mut order: Vec<usize> = (0..map.columns()).filter(|&c| stage[c].is_some()).collect();
        order.sort_by_key(|&c| stage[c]);
        let stage_of =
            |columns: &[usize]| -> Vec<usize> { columns.iter().filter_map(|&c| stage[c]).collect() };
        let unit = self.factor.unit;
        // 1. the eliminated factor, where all of its columns are in
        let term = map.absorbed.as_ref().filter(|term| {
            order.len() > DIRECT && term.columns.iter().flatten().all(|&c| stage[c].is_some())
        });
        let direct = |columns: usize| ModelError::many_columns("this table", columns);
        let mut tally = Tally::new(count, responses);
        match term {
            None => {
                direct(order.len())?;
                tally.add(gram, &choose(map, &order, None), &stage_of(&order), tol, unit);
            }
            Some(term) => {
                // 2. the stages before the factor, without it
                let at = term
                    .columns
                    .iter()
                    .flatten()
                    .filter_map(|&c| stage[c])
                    .next()
                    .unwrap_or(0);
                let before: Vec<usize> = order.iter().copied().filter(|&c| stage[c] < Some(at)).collect();
                let own = |c: usize| match map.kinds[c] {
                    ColumnKind::Coded { group, multiplier } => {
                        group == term.group && multiplier == term.multiplier
                    }
                    _ => false,
                };
                direct(order.iter().filter(|&&c| !own(c)).count())?;
                let mut first = Tally::new(count, responses);
                first.add(gram, &choose(map, &before, None), &stage_of(&before), tol, unit);
                // 3. the factor first and then all others: what follows the factor's stage does not mind
                let chosen = choose(map, &order, Some(term.clone()));
                let normal = tally.add(gram, &chosen, &stage_of(&order), tol, unit);
                let levels = term.codes.len();
                let (mut rank, mut squares) = (levels, vec![Dd::ZERO; responses]);
                if let Some(a) = &normal.absorbed {
                    for (y, sum) in squares.iter_mut().enumerate() {
                        for (w, mean) in a.weights.iter().zip(&a.responses[y]) {
                            *sum += *w * *mean * *mean;
                        }
                        if term.parametrization == Parametrization::Full {
                            let mean = normal.response_means[y];
                            *sum += normal.weight * mean * mean;
                        }
                    }
                }
                for s in &tally.stages[..=at] {
                    rank += s.rank;
                    squares.iter_mut().zip(&s.squares).for_each(|(a, b)| *a += *b);
                }
                for s in &first.stages[..at] {
                    rank -= s.rank.min(rank);
                    squares.iter_mut().zip(&s.squares).for_each(|(a, b)| *a -= *b);
                }
                tally.stages[..at].clone_from_slice(&first.stages[..at]);
                tally.stages[at] = Stage { rank, squares };
            }
        }
        // 4. units of the data; the intercept's own sum of squares is left out
        for (y, t) in (0..responses).map(|y| (y, 1.0 / self.response_scale(y))) {
            for s in &mut tally.stages {
                s.squares[y] = s.squares[y].scale(t).scale(t);
            }
        }
        Ok(tally.stages)
    }
}

impl Lm<'_> {
    /// Rank, and residual sum of squares for each response, of the model with some of the terms, as they are coded
    /// in this one: no pass over the data.
    ///
    /// # Errors
    /// Those of [`LeastSquares::stages`].
    pub fn with_terms(&self, keep: &[bool]) -> Result<(usize, Vec<Dd>), ModelError> {
        let stage: Vec<Option<usize>> = self
            .fit
            .columns
            .assign
            .iter()
            .map(|&t| Some(usize::from(t > 0 && !keep.get(t - 1).copied().unwrap_or(false))))
            .collect();
        let stages = self.fit.stages(&stage, self.spec.tolerance())?;
        let mut rss = self.fit.rss.clone();
        if let Some(rest) = stages.get(1) {
            rss.iter_mut().zip(&rest.squares).for_each(|(a, b)| *a += *b);
        }
        Ok((stages[0].rank, rss))
    }
}
