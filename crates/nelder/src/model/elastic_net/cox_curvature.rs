//! The weighted matrix of a Cox model's columns: Xᵀ (−d²ℓ/dη dηᵀ) X.
//!
//! With the terms of the partial likelihood (its weight, and q the shares of risk of the rows at risk, of sum 1), m = Xᵀq are the mean
//! columns of a term's risk set, and
//!
//! H = Xᵀ diag(e A) X − Σ weight m mᵀ.
//!
//! Both parts are about the means of the columns under e A, which are those of m under the weights of the terms too. The means run from the
//! last event time of a stratum to the first, as sums of rows that come in and go: of numbers of codes only their own columns are touched.
//! What went may leave less than 2⁻²⁰ of what came in; then the sums are formed anew over the rows at risk.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

use super::active_set::DenseCurvature;
use super::cox_rows::{CoxPart, CoxRows};
use super::moments::ColumnMoments;
use super::partial_likelihood::{LikelihoodAt, LogTerm};
use super::problem::Problem;
use super::risk_sets::Stratum;
use crate::design::{ColumnEncoding, ColumnKind};
use crate::pass::Products;

/// Terms whose means are multiplied at a time.
const RUN: usize = 256;
/// The part of what came in that must be left of a difference.
const LEFT: f64 = 1.0 / 1_048_576.0;

/// H over the sum of the prior weights, as moments of columns without means.
pub(super) fn curvature(
    rows: &CoxRows,
    problem: &Problem,
    part: &CoxPart,
    at: &LikelihoodAt,
) -> (ColumnMoments, f64) {
    let map = &problem.columns.map;
    let gram = rows.gram_of(&rows.block, &at.working, Products::Stepping);
    let mut moments = ColumnMoments::new(&gram, map);
    let weight = moments.weight;
    let order = moments.covariances.order;
    let mut between = Mat::<f64>::zeros(order, order);
    let mut from = 0;
    for stratum in &rows.sets.strata {
        let to = from + at.terms[from..].partition_point(|t| (t.time as usize) < stratum.times.1);
        let own = StratumMeans {
            rows,
            map,
            at,
            stratum: *stratum,
            late: rows.sets.late_entries(stratum),
        };
        own.add(&at.terms[from..to], &moments.means, &mut between);
        from = to;
    }
    subtract(&mut moments.covariances, &between, weight);
    moments.means.iter_mut().for_each(|m| *m = 0.0);
    (moments, weight / part.sums.weight)
}

/// Takes a matrix, of which there is the lower triangle, over a weight off another.
fn subtract(from: &mut DenseCurvature, matrix: &Mat<f64>, weight: f64) {
    let order = from.order;
    for j in 0..order {
        for i in j..order {
            let own = from.values[j * order + i] - matrix[(i, j)] / weight;
            // rounding leaves no negative square
            let own = if i == j { own.max(0.0) } else { own };
            from.values[j * order + i] = own;
            from.values[i * order + j] = own;
        }
    }
}

/// Mean columns of the risk sets of a stratum.
struct StratumMeans<'a> {
    rows: &'a CoxRows,
    map: &'a ColumnEncoding,
    at: &'a LikelihoodAt,
    stratum: Stratum,
    /// Rows that enter late, by when they do.
    late: Vec<u32>,
}

/// Place of the sums: rows from `exited` on have come in, and of the late ones those from `entered` on have gone.
#[derive(Clone, Copy)]
struct Place {
    exited: usize,
    entered: usize,
    /// Σ e of what came in since the sums were formed anew, and what of it is left.
    came: f64,
    left: f64,
}

/// A column of the sums: of one column of the design.
struct Atom {
    /// The dense column, or the group of codes.
    of: Source,
    /// Σ e x, by column of the model that it makes.
    sums: Vec<f64>,
    /// The dense columns, from 0 without the intercept.
    columns: Vec<usize>,
}

enum Source {
    Dense(usize),
    /// A group; for each code, multiplier by multiplier, places among the columns with values.
    Group(usize, Vec<Vec<(usize, Option<usize>, f64)>>),
}

impl StratumMeans<'_> {
    /// Adds Σ weight (m − x̄)(m − x̄)ᵀ over the terms to the lower triangle of a matrix.
    fn add(&self, terms: &[LogTerm], means: &[f64], to: &mut Mat<f64>) {
        let mut atoms = self.atoms();
        let mut place = Place {
            exited: self.stratum.rows.1,
            entered: self.late.len(),
            came: 0.0,
            left: 0.0,
        };
        // from the last event time to the first, all terms of a time together
        let mut end = terms.len();
        while end > 0 {
            let mut begin = end.saturating_sub(RUN);
            while begin > 0 && terms[begin - 1].time == terms[begin].time {
                begin -= 1;
            }
            let run = &terms[begin..end];
            let mut after = place;
            let columns: Vec<(Vec<usize>, Vec<f64>, Place)> = (atoms.par_iter_mut())
                .map(|atom| {
                    let mut own = place;
                    let found = self.means_of(atom, run, means, &mut own);
                    (atom.columns.clone(), found, own)
                })
                .collect();
            let mut z = Mat::<f64>::zeros(run.len(), means.len());
            for (own, values, place) in columns {
                after = place;
                for (column, values) in own.iter().zip(values.chunks(run.len())) {
                    z.col_as_slice_mut(*column).copy_from_slice(values);
                }
            }
            place = after;
            matmul(
                to.as_mut(),
                BlockStructure::TriangularLower,
                Accum::Add,
                z.transpose(),
                BlockStructure::Rectangular,
                z.as_ref(),
                BlockStructure::Rectangular,
                1.0,
                Par::rayon(0),
            );
            end = begin;
        }
    }

    fn atoms(&self) -> Vec<Atom> {
        let map = self.map;
        let mut atoms: Vec<Atom> = Vec::new();
        for (column, kind) in map.kinds.iter().enumerate() {
            if let ColumnKind::Dense(e) = kind {
                atoms.push(Atom {
                    of: Source::Dense(*e),
                    sums: vec![0.0],
                    columns: vec![column - 1],
                });
            }
        }
        for (g, group) in self.rows.atoms.groups.iter().enumerate() {
            let of_group = |kind: &ColumnKind| matches!(kind, ColumnKind::Coded { group, .. } if *group == g);
            let columns: Vec<usize> = (0..map.columns()).filter(|&c| of_group(&map.kinds[c])).collect();
            let codes = map.coded[g].iter().map(Vec::len).max().unwrap_or(0);
            let mut table = vec![Vec::new(); codes];
            for (code, entries) in table.iter_mut().enumerate() {
                for (a, multiplier) in group.multipliers.iter().enumerate() {
                    for &(column, value) in map.row(g, a, code) {
                        let at = columns.partition_point(|c| *c < column as usize);
                        entries.push((at, *multiplier, value));
                    }
                }
            }
            atoms.push(Atom {
                of: Source::Group(g, table),
                sums: vec![0.0; columns.len()],
                columns: columns.iter().map(|c| c - 1).collect(),
            });
        }
        atoms
    }

    /// √weight (m − x̄) of the terms of a run, column by column.
    fn means_of(&self, atom: &mut Atom, run: &[LogTerm], means: &[f64], place: &mut Place) -> Vec<f64> {
        let mut out = vec![0.0; run.len() * atom.columns.len()];
        let mut of_events = vec![0.0; atom.columns.len()];
        let mut k = run.len();
        while k > 0 {
            let time = run[k - 1].time as usize;
            let first = run[..k].partition_point(|t| (t.time as usize) < time);
            self.move_to(atom, time, place);
            if run[first..k].iter().any(|t| t.share > 0.0) {
                of_events.fill(0.0);
                self.events(atom, time, place, &mut of_events);
            }
            for (r, term) in run.iter().enumerate().take(k).skip(first) {
                let root = term.weight.sqrt();
                for (c, column) in atom.columns.iter().enumerate() {
                    let mean = (atom.sums[c] - term.share * of_events[c]) / term.sum;
                    out[c * run.len() + r] = root * (mean - means[*column]);
                }
            }
            k = first;
        }
        out
    }

    /// Brings sums to an event time: rows that are at risk there and were not later come in, those that enter after it go.
    fn move_to(&self, atom: &mut Atom, time: usize, place: &mut Place) {
        let (sets, risk) = (&self.rows.sets, &self.at.risk);
        while place.exited > self.stratum.rows.0 && sets.exit[place.exited - 1] as usize > time {
            place.exited -= 1;
            let e = risk[place.exited];
            self.add_row(atom, place.exited, e);
            place.came += e;
            place.left += e;
        }
        let mut gone = false;
        while place.entered > 0 {
            let row = self.late[place.entered - 1] as usize;
            if sets.entry[row] as usize <= time {
                break;
            }
            place.entered -= 1;
            self.add_row(atom, row, -risk[row]);
            place.left -= risk[row];
            gone = true;
        }
        if gone && !(place.left > LEFT * place.came) {
            atom.sums.fill(0.0);
            place.left = 0.0;
            let at_risk = |i: &usize| sets.entry[*i] as usize <= time && time < sets.exit[*i] as usize;
            for i in (place.exited..self.stratum.rows.1).filter(at_risk) {
                self.add_row(atom, i, risk[i]);
                place.left += risk[i];
            }
            place.came = place.left;
        }
    }

    /// Σ e x over the rows with their event at a time, which came in last of those that stop then.
    fn events(&self, atom: &Atom, time: usize, place: &Place, out: &mut [f64]) {
        let sets = &self.rows.sets;
        for i in place.exited..self.stratum.rows.1 {
            if sets.exit[i] as usize > time + 1 {
                break;
            }
            if sets.event[i] {
                self.add_to(atom, i, self.at.risk[i], out);
            }
        }
    }

    fn add_row(&self, atom: &mut Atom, i: usize, e: f64) {
        let mut sums = std::mem::take(&mut atom.sums);
        self.add_to(atom, i, e, &mut sums);
        atom.sums = sums;
    }

    fn add_to(&self, atom: &Atom, i: usize, e: f64, out: &mut [f64]) {
        if e == 0.0 {
            return;
        }
        let block = &self.rows.block;
        match &atom.of {
            Source::Dense(column) => out[0] += e * block.dense[*column].high[i],
            Source::Group(g, table) => {
                for &(at, multiplier, value) in &table[block.codes[*g][i] as usize] {
                    out[at] += e * value * multiplier.map_or(1.0, |m| block.dense[m].high[i]);
                }
            }
        }
    }
}
