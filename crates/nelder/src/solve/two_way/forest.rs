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
