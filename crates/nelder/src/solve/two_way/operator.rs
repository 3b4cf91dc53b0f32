//! The Schur complement S = D_h − Cᵀ D_g⁻¹ C of a contingency table as an operator: S v in double precision, and in twice that.
//!
//! Vectors by level have several columns, columns fastest, so that a walk through the table serves all of them.

use nelder_device::Dd;
use rayon::prelude::*;

use super::table::TwoWayTable;

/// Levels that a thread takes at a time at least.
const LEVELS: usize = 512;

impl TwoWayTable {
    /// D_g⁻¹ C v for `k` columns: means of the second factor's numbers by level of the first.
    pub(super) fn means(&self, v: &[f64], k: usize, out: &mut [f64]) {
        let table = &self.by_first;
        out.par_chunks_mut(k)
            .with_min_len(LEVELS)
            .enumerate()
            .for_each(|(i, out)| {
                out.fill(0.0);
                for e in table.of(i) {
                    let (at, w) = (table.others[e] as usize * k, table.weights[e]);
                    out.iter_mut().zip(&v[at..at + k]).for_each(|(o, v)| *o += w * v);
                }
                let d = self.first[i].hi;
                out.iter_mut().for_each(|o| *o /= d);
            });
    }

    /// S v for `k` columns; `means` is room for D_g⁻¹ C v.
    pub(super) fn times(&self, v: &[f64], k: usize, means: &mut [f64], out: &mut [f64]) {
        self.means(v, k, means);
        let (table, means) = (&self.by_second, &*means);
        out.par_chunks_mut(k)
            .with_min_len(LEVELS)
            .enumerate()
            .for_each(|(j, out)| {
                let d = self.second[j].hi;
                out.iter_mut().zip(&v[j * k..]).for_each(|(o, v)| *o = d * v);
                for e in table.of(j) {
                    let (at, w) = (table.others[e] as usize * k, table.weights[e]);
                    out.iter_mut()
                        .zip(&means[at..at + k])
                        .for_each(|(o, m)| *o -= w * m);
                }
            });
    }

    /// D_g⁻¹ C v for `k` columns in twice the precision.
    pub fn means_twice(&self, v: &[Dd], k: usize) -> Vec<Dd> {
        let mut out = vec![Dd::ZERO; self.first.len() * k];
        let table = &self.by_first;
        out.par_chunks_mut(k.max(1))
            .with_min_len(LEVELS)
            .enumerate()
            .for_each(|(i, out)| {
                for e in table.of(i) {
                    let (at, w) = (table.others[e] as usize * k, table.weight(e));
                    out.iter_mut().zip(&v[at..at + k]).for_each(|(o, v)| *o += *v * w);
                }
                let d = self.first[i];
                out.iter_mut().for_each(|o| *o /= d);
            });
        out
    }

    /// Cᵀ u for `k` columns in twice the precision, u by level of the first factor.
    pub fn transposed_twice(&self, u: &[Dd], k: usize) -> Vec<Dd> {
        let mut out = vec![Dd::ZERO; self.second.len() * k];
        let table = &self.by_second;
        out.par_chunks_mut(k.max(1))
            .with_min_len(LEVELS)
            .enumerate()
            .for_each(|(j, out)| {
                for e in table.of(j) {
                    let (at, w) = (table.others[e] as usize * k, table.weight(e));
                    out.iter_mut().zip(&u[at..at + k]).for_each(|(o, u)| *o += *u * w);
                }
            });
        out
    }

    /// right − S v for `k` columns in twice the precision.
    pub(super) fn residual(&self, right: &[Dd], v: &[Dd], k: usize) -> Vec<Dd> {
        let means = self.means_twice(v, k);
        let mut out = self.transposed_twice(&means, k);
        let all = out
            .par_chunks_mut(k.max(1))
            .zip(right.par_chunks(k.max(1)))
            .enumerate();
        all.with_min_len(LEVELS).for_each(|(j, (out, right))| {
            let d = self.second[j];
            for ((o, r), v) in out.iter_mut().zip(right).zip(&v[j * k..]) {
                *o = *r - *v * d + *o;
            }
        });
        out
    }

    /// Takes the mean by component out of `k` columns of sums by level of the second factor: with the levels' weights, so that the
    /// sums of each component vanish, as those of S v do.
    pub(super) fn balance(&self, sums: &mut [Dd], k: usize) {
        let mut total = vec![Dd::ZERO; self.components * k];
        let mut weight = vec![Dd::ZERO; self.components];
        for (j, &c) in self.component_of_second.iter().enumerate() {
            let c = c as usize;
            weight[c] += self.second[j];
            total[c * k..(c + 1) * k]
                .iter_mut()
                .zip(&sums[j * k..])
                .for_each(|(t, s)| *t += *s);
        }
        for (c, w) in weight.iter().enumerate() {
            total[c * k..(c + 1) * k].iter_mut().for_each(|t| *t /= *w);
        }
        for (j, &c) in self.component_of_second.iter().enumerate() {
            let (c, d) = (c as usize, self.second[j]);
            let own = sums[j * k..(j + 1) * k].iter_mut();
            own.zip(&total[c * k..]).for_each(|(s, t)| *s -= *t * d);
        }
    }
}
