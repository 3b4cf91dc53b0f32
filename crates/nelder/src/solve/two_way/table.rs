//! The contingency table of two factors: weights by combination and by level, and the parts that hang together.

use nelder_device::Dd;

/// A combination of levels that rows have, and its weight.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// Level of the first factor.
    pub first: u32,
    /// Level of the second factor.
    pub second: u32,
    /// Σ w of its rows.
    pub weight: Dd,
}

/// The weights of one factor's combinations, level by level.
#[derive(Clone, Debug)]
pub(super) struct Adjacency {
    /// Where each level's combinations start.
    starts: Vec<usize>,
    /// The other factor's level.
    pub others: Vec<u32>,
    /// Leading parts of the weights.
    pub weights: Vec<f64>,
    /// Trailing parts, where one is not zero.
    pub rests: Option<Vec<f64>>,
}

/// The weighted contingency table C of two factors, levels of the first x levels of the second.
///
/// Levels are the vertices of a graph, combinations its edges; a part of it that no edge leaves is a component.
#[derive(Clone, Debug)]
pub struct TwoWayTable {
    /// Σ w of each level of the first factor: the diagonal of D_g.
    pub first: Vec<Dd>,
    /// Σ w of each level of the second factor: the diagonal of D_h.
    pub second: Vec<Dd>,
    /// Number of components.
    pub components: usize,
    /// Component of each level of the first factor.
    pub component_of_first: Vec<u32>,
    /// Component of each level of the second factor.
    pub component_of_second: Vec<u32>,
    pub(super) by_first: Adjacency,
    pub(super) by_second: Adjacency,
}

impl Adjacency {
    /// The combinations of each level, `own` and `other` saying which level of an edge is whose.
    fn new(
        levels: usize,
        edges: &[Crossing],
        own: impl Fn(&Crossing) -> u32,
        other: impl Fn(&Crossing) -> u32,
    ) -> Adjacency {
        let mut starts = vec![0usize; levels + 1];
        edges.iter().for_each(|e| starts[own(e) as usize + 1] += 1);
        (0..levels).for_each(|l| starts[l + 1] += starts[l]);
        let mut next = starts.clone();
        let mut others = vec![0; edges.len()];
        let (mut weights, mut rests) = (vec![0.0; edges.len()], vec![0.0; edges.len()]);
        for e in edges {
            let at = &mut next[own(e) as usize];
            others[*at] = other(e);
            (weights[*at], rests[*at]) = (e.weight.hi, e.weight.lo);
            *at += 1;
        }
        let whole = rests.iter().all(|r| *r == 0.0);
        Adjacency {
            starts,
            others,
            weights,
            rests: (!whole).then_some(rests),
        }
    }

    /// Places of a level's combinations.
    pub fn of(&self, level: usize) -> std::ops::Range<usize> {
        self.starts[level]..self.starts[level + 1]
    }

    /// Number of combinations of a level.
    pub fn degree(&self, level: usize) -> usize {
        self.of(level).len()
    }

    /// Weight of a combination in twice the precision.
    pub fn weight(&self, at: usize) -> Dd {
        Dd {
            hi: self.weights[at],
            lo: self.rests.as_ref().map_or(0.0, |r| r[at]),
        }
    }
}

/// The root of a vertex, with paths halved on the way.
fn root(parents: &mut [u32], mut v: u32) -> u32 {
    while parents[v as usize] != v {
        let up = parents[parents[v as usize] as usize];
        parents[v as usize] = up;
        v = up;
    }
    v
}

impl TwoWayTable {
    /// The table of `levels` of the first and the second factor, each combination once, in any order.
    pub fn new(levels: (usize, usize), mut edges: Vec<Crossing>) -> TwoWayTable {
        let (g, h) = levels;
        edges.sort_unstable_by_key(|e| (e.first, e.second));
        let (mut first, mut second) = (vec![Dd::ZERO; g], vec![Dd::ZERO; h]);
        let mut parents: Vec<u32> = (0..(g + h) as u32).collect();
        for e in &edges {
            first[e.first as usize] += e.weight;
            second[e.second as usize] += e.weight;
            let a = root(&mut parents, e.first);
            let b = root(&mut parents, g as u32 + e.second);
            parents[a.max(b) as usize] = a.min(b);
        }
        let mut number = vec![u32::MAX; g + h];
        let mut components = 0;
        let mut component = vec![0; g + h];
        for v in 0..g + h {
            let r = root(&mut parents, v as u32) as usize;
            if number[r] == u32::MAX {
                number[r] = components;
                components += 1;
            }
            component[v] = number[r];
        }
        let component_of_second = component.split_off(g);
        TwoWayTable {
            first,
            second,
            components: components as usize,
            component_of_first: component,
            component_of_second,
            by_first: Adjacency::new(g, &edges, |e| e.first, |e| e.second),
            by_second: Adjacency::new(h, &edges, |e| e.second, |e| e.first),
        }
    }

    /// Number of combinations that rows have.
    pub fn edges(&self) -> usize {
        self.by_first.others.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_those_of_the_graph() {
        let edge = |first, second| Crossing {
            first,
            second,
            weight: Dd::ONE,
        };
        // 0-0, 1-0, 1-1 hang together; so do 2-2, 3-2
        let table = TwoWayTable::new(
            (4, 3),
            vec![edge(3, 2), edge(1, 0), edge(0, 0), edge(1, 1), edge(2, 2)],
        );
        assert_eq!(table.components, 2);
        assert_eq!(table.component_of_first, [0, 0, 1, 1]);
        assert_eq!(table.component_of_second, [0, 0, 1]);
        assert_eq!(
            table.first.iter().map(|d| d.hi).collect::<Vec<_>>(),
            [1.0, 2.0, 1.0, 1.0]
        );
        assert_eq!(
            table.second.iter().map(|d| d.hi).collect::<Vec<_>>(),
            [2.0, 1.0, 2.0]
        );
        assert_eq!(table.edges(), 5);
    }
}
