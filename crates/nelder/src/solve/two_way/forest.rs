//! A bound on the energy rᵀ S⁺ r of a residual, by the flow along a spanning forest.
//!
//! S is the Laplacian of the two factors' graph after the first factor's levels are eliminated, so that rᵀ S⁺ r is the power with
//! which a current r that enters at the second factor's levels flows through conductances c. Of all flows with these sources the
//! current has the least power (Thomson's principle; Doyle & Snell 1984), so that any flow bounds it from above: here the one along a
//! tree, Σ f² / c, whose f is the sum of r beyond an edge.

use nelder_device::Dd;

use super::table::TwoWayTable;

/// A vertex that has not been reached, or has no parent.
const NONE: u32 = u32::MAX;

/// A spanning forest: vertices in the order of a breadth-first search, levels of the first factor before those of the second.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    order: Vec<u32>,
    parents: Vec<u32>,
    conductances: Vec<f64>,
}

impl Forest {
    /// A spanning forest of a table's graph, its roots the levels of most combinations.
    pub fn new(table: &TwoWayTable) -> Forest {
        let (g, h) = (table.first.len(), table.second.len());
        // 1. a root of each component
        let mut roots: Vec<Option<(usize, usize)>> = vec![None; table.components];
        for j in 0..h {
            let root = &mut roots[table.component_of_second[j] as usize];
            let degree = table.by_second.degree(j);
            if root.is_none_or(|(_, best)| degree > best) {
                *root = Some((g + j, degree));
            }
        }
        // 2. breadth first
        let mut forest = Forest {
            order: Vec::with_capacity(g + h),
            parents: vec![NONE; g + h],
            conductances: vec![0.0; g + h],
        };
        let mut seen = vec![false; g + h];
        for (root, _) in roots.into_iter().flatten() {
            let mut next = forest.order.len();
            seen[root] = true;
            forest.order.push(root as u32);
            while let Some(&v) = forest.order.get(next) {
                next += 1;
                let v = v as usize;
                let (own, level, shift) = match v < g {
                    true => (&table.by_first, v, g),
                    false => (&table.by_second, v - g, 0),
                };
                for e in own.of(level) {
                    let u = own.others[e] as usize + shift;
                    if !std::mem::replace(&mut seen[u], true) {
                        forest.parents[u] = v as u32;
                        forest.conductances[u] = own.weights[e];
                        forest.order.push(u as u32);
                    }
                }
            }
        }
        forest
    }

    /// Bounds of rᵀ S⁺ r for `k` columns of residuals by level of the second factor, whose sums by component vanish.
    pub fn energies(&self, residuals: &[Dd], k: usize) -> Vec<f64> {
        let g = self.parents.len() - residuals.len() / k.max(1);
        let mut flows = vec![Dd::ZERO; g * k];
        flows.extend_from_slice(residuals);
        let mut energies = vec![0.0; k];
        for &v in self.order.iter().rev() {
            let (v, up) = (v as usize, self.parents[v as usize]);
            if up == NONE {
                continue;
            }
            let conductance = self.conductances[v];
            for (a, energy) in energies.iter_mut().enumerate() {
                let flow = flows[v * k + a];
                *energy += flow.hi * (flow.hi / conductance);
                flows[up as usize * k + a] += flow;
            }
        }
        // what rounding in double precision may have taken from the sums of squares
        let rounding = 1.0 + f64::EPSILON * self.order.len() as f64;
        energies.iter().map(|e| e * rounding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::{Crossing, TwoWaySystem};

    /// Numbers that follow no rule.
    fn scattered(i: usize) -> f64 {
        ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5
    }

    fn edge(first: usize, second: usize, weight: f64) -> Crossing {
        Crossing {
            first: first as u32,
            second: second as u32,
            weight: Dd::new(weight),
        }
    }

    /// The energy by the forest, and that of the solution.
    fn energies(levels: (usize, usize), edges: Vec<Crossing>) -> (f64, f64) {
        let table = TwoWayTable::new(levels, edges);
        let mut right: Vec<Dd> = (0..levels.1).map(|j| Dd::new(scattered(j))).collect();
        table.balance(&mut right, 1);
        let bound = Forest::new(&table).energies(&right, 1)[0];
        let found = TwoWaySystem::new(table).solve(&right, 1);
        let energy: Dd = found.x.iter().zip(&right).map(|(x, r)| *x * *r).sum();
        // the solution's own error, to second order
        assert!(found.energies[0] <= 1e-20 * energy.hi, "{:e}", found.energies[0]);
        (bound, energy.hi)
    }

    #[test]
    fn the_flow_along_a_chain_is_the_current() {
        let n = 500;
        let chain = (0..n).flat_map(|i| [edge(i, i, 1.0 + scattered(i)), edge(i, i + 1, 2.0)]);
        let (bound, energy) = energies((n, n + 1), chain.collect());
        // sums of n squares in double precision
        assert!((bound - energy).abs() <= 1e-12 * energy, "{bound:e} {energy:e}");
    }

    #[test]
    fn the_flow_along_a_tree_of_any_graph_is_above_the_current() {
        let edges = (0..600).map(|e| edge(e % 60, (e * e + 3 * (e / 60)) % 40, 1.0 + (e % 3) as f64));
        let mut once = std::collections::HashSet::new();
        let edges: Vec<Crossing> = edges.filter(|e| once.insert((e.first, e.second))).collect();
        let (bound, energy) = energies((60, 40), edges);
        assert!(energy > 0.0 && bound >= energy, "{bound:e} {energy:e}");
    }

    #[test]
    fn a_grid_converges_whose_steps_by_weights_do_not() {
        // vertices of a grid, each edge of it a level of the first factor
        let k = 60;
        let mut edges = Vec::new();
        let mut count = 0;
        for v in 0..k * k {
            let (row, column) = (v / k, v % k);
            for u in [(column + 1 < k).then_some(v + 1), (row + 1 < k).then_some(v + k)]
                .into_iter()
                .flatten()
            {
                edges.extend([edge(count, v, 1.0), edge(count, u, 1.0)]);
                count += 1;
            }
        }
        let (bound, energy) = energies((count, k * k), edges);
        assert!(bound >= energy);
    }
}
