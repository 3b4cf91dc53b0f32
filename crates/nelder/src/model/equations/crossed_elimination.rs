//! Elimination of a second factor that crosses the first: S = D_h − Cᵀ D_g⁻¹ C, solved by conjugate gradients.
//!
//! With the first factor's levels eliminated, A are the sums of the kept columns, B = S_hA those of the second factor's levels with
//! them, and Z = S⁺ B. What is left for the kept columns is A − BᵀZ. Of a Z that is known to an error E it is formed as
//! A − ẐᵀB − (B − SẐ)ᵀẐ, whose error is EᵀSE: of second order, and at most √(eᵢ eⱼ) by the energies e of the columns' errors. The
//! right sides and the corrections go the same way.

use std::sync::Arc;

use nelder_device::Dd;
use rayon::prelude::*;

use super::assembly::clean;
use super::crossed::{Crossed, CrossedIntercept, CrossedStep, Origins};
use super::elimination::{LevelSums, add_crossed};
use super::{Absorbed, NormalEquations, Score};
use crate::design::{AbsorbedTerm, ColumnEncoding, ColumnKind};
use crate::pass::Gram;
use crate::solve::{Crossing, Factor, Symmetric, TwoWaySystem, TwoWayTable, UNIT_TWICE};

impl NormalEquations {
    /// Eliminates the indicators of the second factor, where there is one.
    pub(super) fn eliminate_second(&mut self, gram: &Gram, map: &ColumnEncoding, position: &[Option<usize>]) {
        let (Some(first), Some(second)) = (&map.absorbed, &map.crossed) else {
            return;
        };
        let Some(a) = &self.absorbed else { return };
        let (k, m) = (self.kept.len(), self.right.len());
        let table = table(gram, first, second);
        let origins = Origins::new(&table, first, second);
        let base = map
            .intercept
            .then(|| origins.levels_of_intercept(&table, first, second));
        // 1. sums by level of the second factor, less what the first has of them
        let width = k + m + usize::from(base.is_some());
        let mut sums = self.level_sums(gram, map, second, position);
        add_crossed(&mut sums.columns, k, gram, map, second, position);
        let right = right_sides(&table, (a, &sums), (k, width), base);
        drop(sums);
        // 2. solutions
        let inverse_weight = base.map_or(0.0, |(g, _)| 1.0 / table.first[g].hi);
        let system = Arc::new(TwoWaySystem::new(table));
        let known = Arc::new(system.solve(&right, width));
        let mut crossed = Crossed {
            aliased: origins.aliased(first, second),
            system,
            kept: k,
            known,
            excess: 0.0,
            intercept: None,
        };
        // 3. what is left of the matrix and of the right sides
        let products: Vec<Vec<Dd>> = (0..width).into_par_iter().map(|i| crossed.products(i)).collect();
        for (i, row) in products[..k].iter().enumerate() {
            for (j, p) in row.iter().enumerate() {
                self.matrix.lower[Symmetric::at(i, j)] -= *p;
            }
        }
        for (right, row) in self.right.iter_mut().zip(&products[k..]) {
            right.iter_mut().zip(row).for_each(|(r, p)| *r -= *p);
        }
        crossed.excess = self.excess(&crossed.known.energies);
        crossed.intercept = base.map(|(g, _)| {
            let shift = self.shift(map);
            let a = &a.means[g * k..];
            let own = |i: usize| shift[i] - a[i] - products[k + m][i];
            CrossedIntercept {
                kept: (0..k).map(own).collect(),
                own: inverse_weight + products[k + m][k + m].hi,
                energy: crossed.known.energies[k + m],
            }
        });
        self.crossed = Some(crossed);
    }

    /// Share that the means of dense columns take from the intercept, by kept column.
    fn shift(&self, map: &ColumnEncoding) -> Vec<Dd> {
        let of = |&c: &usize| match map.kinds[c] {
            ColumnKind::Dense(e) if self.centered => -self.means[e],
            _ => Dd::ZERO,
        };
        self.kept.iter().map(of).collect()
    }

    /// The relative error that energies of the columns' errors are of the entries of the matrix: of their squared norms t².
    fn excess(&self, energies: &[f64]) -> f64 {
        let of = |i: usize| {
            // less than what rounding in twice the precision is charged with
            let little = UNIT_TWICE * self.matrix.norms[i].max(0.0);
            match energies[i] <= little {
                true => 0.0,
                false => energies[i] / self.matrix.sizes[i],
            }
        };
        (0..self.kept.len()).map(of).fold(0.0, f64::max)
    }

    /// The kept column that conjugate gradients left in doubt: whether it is aliased, or its variance to six digits.
    pub(super) fn in_doubt(&self, tol: f64) -> Option<usize> {
        let crossed = self.crossed.as_ref()?;
        let doubtful = |&i: &usize| {
            let energy = crossed.known.energies[i];
            let left = self.matrix.get(i, i).hi;
            let decided = energy <= 1e-2 * tol * tol * self.matrix.norms[i] || energy <= 1e-6 * left;
            !decided
        };
        (0..self.kept.len()).find(doubtful).map(|i| self.kept[i])
    }

    /// Effects of the first factor's levels beside those of the second: `levels` less D_g⁻¹ C u.
    pub(super) fn beside_second(&self, levels: &mut [Dd], second: &[Dd]) {
        let Some(crossed) = &self.crossed else { return };
        let through = crossed.system.table.means_twice(second, 1);
        levels.iter_mut().zip(through).for_each(|(level, m)| *level -= m);
    }

    /// The step that a score calls for: `right` its entries of the kept columns less what the first factor has of them, `by_level`
    /// those of the first factor's levels.
    pub(super) fn correct_crossed(
        &self,
        factor: &Factor,
        second: &AbsorbedTerm,
        score: &Score<'_>,
        (mut right, by_level): (Vec<Dd>, &[Dd]),
    ) -> Option<(CrossedStep, Vec<Dd>)> {
        let (crossed, a) = (self.crossed.as_ref()?, self.absorbed.as_ref()?);
        let table = &crossed.system.table;
        // 1. the score of the second factor's levels, less what the first has of it
        let own = score.of_term(second);
        let means: Vec<Dd> = by_level.iter().zip(&a.weights).map(|(s, w)| *s / *w).collect();
        let through = table.transposed_twice(&means, 1);
        let sums: Vec<Dd> = own.iter().zip(&through).map(|(s, t)| *s - *t).collect();
        let found = crossed.system.solve(&sums, 1);
        // 2. what is left for the kept columns
        let k = crossed.width();
        for (l, (sum, x)) in found.right.iter().zip(&found.x).enumerate() {
            for (i, right) in right.iter_mut().enumerate() {
                *right -= crossed.at(l, i) * *sum + x.mul_f64(crossed.known.residuals[l * k + i]);
            }
        }
        let kept = factor.solve(&right);
        let effects = crossed.effects(&kept, |l| found.x[l]);
        let mut levels = self.level_effects(a, &kept, |l| means[l]);
        self.beside_second(&mut levels, &effects);
        let step = CrossedStep {
            kept,
            levels,
            second: effects,
            energy: found.energies[0],
        };
        Some((step, own))
    }

    /// Coefficients of both factors' levels in R's parametrisation, and the intercept's where there is one: `shift` is what the means of
    /// dense columns and of the response add to it.
    pub(super) fn crossed_coefficients(
        &self,
        (first, second): (&AbsorbedTerm, &AbsorbedTerm),
        (levels, of_second): (&[Dd], &[Dd]),
        shift: Dd,
        (beta, intercept): (&mut [Dd], bool),
    ) {
        let Some(crossed) = &self.crossed else { return };
        let table = &crossed.system.table;
        let origins = Origins::new(table, first, second);
        let (own, other) = (&table.component_of_first, &table.component_of_second);
        let (lead, trail, effects, others, of_lead, of_trail) = match origins.second_trails {
            true => (first, second, levels, of_second, own, other),
            false => (second, first, of_second, levels, other, own),
        };
        let zero = |component: u32| others[origins.levels[component as usize]];
        for ((column, effect), component) in trail.columns.iter().zip(others).zip(of_trail) {
            if let Some(c) = column {
                beta[*c] = *effect - zero(*component);
            }
        }
        // the origin of each component goes to the leading factor
        let whole = |l: usize| effects[l] + zero(of_lead[l]);
        let origin = match (intercept, lead.base()) {
            (true, Some(base)) => whole(base),
            _ => -shift,
        };
        for (l, column) in lead.columns.iter().enumerate() {
            if let Some(c) = column {
                beta[*c] = whole(l) - origin;
            }
        }
        if intercept {
            beta[0] = origin + shift;
        }
    }
}

/// The right sides by level of the second factor, `width` of them: the sums of the `k` kept columns, those of the responses, and the
/// intercept's `base` levels, less what the first factor has of them.
fn right_sides(
    table: &TwoWayTable,
    (first, second): (&Absorbed, &LevelSums),
    (k, width): (usize, usize),
    base: Option<(usize, usize)>,
) -> Vec<Dd> {
    let m = first.responses.len();
    let mut means = vec![Dd::ZERO; table.first.len() * width];
    for (l, own) in means.chunks_exact_mut(width).enumerate() {
        own[..k].copy_from_slice(&first.means[l * k..(l + 1) * k]);
        (0..m).for_each(|y| own[k + y] = first.responses[y][l]);
        if base.is_some_and(|(g, _)| g == l) {
            own[k + m] = table.first[l].recip();
        }
    }
    let mut right = table.transposed_twice(&means, width);
    for (l, own) in right.chunks_exact_mut(width).enumerate() {
        (0..k).for_each(|i| own[i] = second.columns[l * k + i] - own[i]);
        (0..m).for_each(|y| own[k + y] = second.responses[y][l] * second.weights[l] - own[k + y]);
        if let Some((_, h)) = base {
            let one = if h == l { Dd::ONE } else { Dd::ZERO };
            own[k + m] = one - own[k + m];
        }
    }
    right
}

/// The contingency table of two terms, levels in R's order.
fn table(gram: &Gram, first: &AbsorbedTerm, second: &AbsorbedTerm) -> TwoWayTable {
    let order = |term: &AbsorbedTerm| {
        let mut order = vec![u32::MAX; gram.groups[term.group].codes()];
        for (l, &code) in term.codes.iter().enumerate() {
            order[code as usize] = l as u32;
        }
        order
    };
    let (of_first, of_second) = (order(first), order(second));
    let mut edges = Vec::new();
    for cross in &gram.cross {
        let ahead = cross.groups == (first.group, second.group);
        if !ahead && cross.groups != (second.group, first.group) {
            continue;
        }
        let width = gram.atoms().groups[cross.groups.1].multipliers.len();
        let (row, column) = match ahead {
            true => (first.multiplier, second.multiplier),
            false => (second.multiplier, first.multiplier),
        };
        edges.reserve(cross.index.len());
        for (&(x, y), &at) in &cross.index {
            let (x, y) = if ahead { (x, y) } else { (y, x) };
            let (first, second) = (of_first[x as usize], of_second[y as usize]);
            let weight = clean(cross.table.row(at as usize)[row * width + column]);
            if first != u32::MAX && second != u32::MAX && weight.hi > 0.0 {
                edges.push(Crossing {
                    first,
                    second,
                    weight,
                });
            }
        }
    }
    TwoWayTable::new((first.codes.len(), second.codes.len()), edges)
}
