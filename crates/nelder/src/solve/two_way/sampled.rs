//! An approximate Cholesky factor of the two factors' graph, by sampling: a preconditioner where conjugate gradients are slow.
//!
//! Eliminating a vertex of weights w₁ ≤ … ≤ w_d joins its neighbours i < j by edges wᵢ wⱼ / Σw. Of these d (d − 1) / 2 edges,
//! d − 1 are drawn: for each i one j > i with probability wⱼ / Sᵢ and the weight wᵢ Sᵢ / Σw, Sᵢ = Σ_{k>i} w_k, which is the same on
//! average (Kyng & Sachdeva 2016; Gao, Kyng & Spielman 2023). Vertices of few neighbours come first, so that what is a tree or a chain
//! is factored exactly. Random numbers are those of a fixed seed.

use super::table::TwoWayTable;

/// Neighbours from which on vertices are taken in any order.
const MANY: usize = 64;

/// The factor L D Lᵀ, vertices in the order of their elimination.
pub(super) struct SampledCholesky {
    /// Levels of the first factor, which come before those of the second.
    first: usize,
    /// Eliminated vertices; the last of each component has no column.
    order: Vec<u32>,
    /// D: the weight of each at its elimination.
    weights: Vec<f64>,
    /// Where the column of each starts.
    starts: Vec<usize>,
    /// Neighbours, and their parts of the weight.
    neighbours: Vec<(u32, f64)>,
}

/// Uniform numbers in [0, 1): SplitMix64 (Steele, Lea & Flood 2014).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Vertices by the number of their edges; entries that have changed since are passed over.
struct Queue {
    buckets: Vec<Vec<u32>>,
    degrees: Vec<usize>,
    done: Vec<bool>,
    least: usize,
}

impl Queue {
    fn new(degrees: Vec<usize>) -> Queue {
        let mut queue = Queue {
            buckets: vec![Vec::new(); MANY + 1],
            done: vec![false; degrees.len()],
            degrees,
            least: 0,
        };
        (0..queue.degrees.len()).for_each(|v| queue.put(v));
        queue
    }

    fn put(&mut self, v: usize) {
        let bucket = self.degrees[v].min(MANY);
        self.buckets[bucket].push(v as u32);
        self.least = self.least.min(bucket);
    }

    /// Takes a vertex of the fewest edges.
    fn take(&mut self) -> Option<usize> {
        while self.least <= MANY {
            match self.buckets[self.least].pop() {
                None => self.least += 1,
                Some(v) => {
                    let v = v as usize;
                    if !self.done[v] && self.degrees[v].min(MANY) == self.least {
                        self.done[v] = true;
                        return Some(v);
                    }
                }
            }
        }
        None
    }
}

impl SampledCholesky {
    /// A factor of the graph of a table.
    pub fn new(table: &TwoWayTable) -> SampledCholesky {
        let g = table.first.len();
        let mut edges: Vec<Vec<(u32, f64)>> = Vec::with_capacity(g + table.second.len());
        for (own, levels, shift) in [(&table.by_first, g, g), (&table.by_second, table.second.len(), 0)] {
            edges.extend((0..levels).map(|l| {
                let edge = |e: usize| (own.others[e] + shift as u32, own.weights[e]);
                own.of(l).map(edge).collect::<Vec<_>>()
            }));
        }
        let mut queue = Queue::new(edges.iter().map(Vec::len).collect());
        let mut uniform = Uniform(1);
        let mut factor = SampledCholesky {
            first: g,
            order: Vec::with_capacity(edges.len()),
            weights: Vec::with_capacity(edges.len()),
            starts: vec![0],
            neighbours: Vec::with_capacity(2 * table.edges()),
        };
        while let Some(v) = queue.take() {
            let star = star(std::mem::take(&mut edges[v]), &mut queue);
            if star.is_empty() {
                continue;
            }
            let total: f64 = star.iter().map(|(_, w)| w).sum();
            sample(&star, total, &mut uniform, &mut edges, &mut queue);
            star.iter().for_each(|&(u, _)| queue.put(u as usize));
            factor.order.push(v as u32);
            factor.weights.push(total);
            factor
                .neighbours
                .extend(star.into_iter().map(|(u, w)| (u, w / total)));
            factor.starts.push(factor.neighbours.len());
        }
        factor
    }

    /// z = the second factor's part of (L D Lᵀ)⁺ [0; r], for `k` columns.
    pub fn solve(&self, r: &[f64], k: usize, z: &mut [f64]) {
        let mut all = vec![0.0; self.first * k];
        all.extend_from_slice(r);
        let own = |v: usize| v * k..(v + 1) * k;
        let mut here = vec![0.0; k];
        for (i, &v) in self.order.iter().enumerate() {
            here.copy_from_slice(&all[own(v as usize)]);
            for &(u, part) in &self.neighbours[self.starts[i]..self.starts[i + 1]] {
                all[own(u as usize)]
                    .iter_mut()
                    .zip(&here)
                    .for_each(|(a, h)| *a += part * h);
            }
            all[own(v as usize)]
                .iter_mut()
                .for_each(|a| *a /= self.weights[i]);
        }
        // what is left at the last vertex of a component is the sum of its r, which is zero
        let mut inner = vec![false; all.len() / k];
        self.order.iter().for_each(|&v| inner[v as usize] = true);
        for (v, _) in inner.iter().enumerate().filter(|(_, inner)| !**inner) {
            all[own(v)].fill(0.0);
        }
        for (i, &v) in self.order.iter().enumerate().rev() {
            here.copy_from_slice(&all[own(v as usize)]);
            for &(u, part) in &self.neighbours[self.starts[i]..self.starts[i + 1]] {
                here.iter_mut()
                    .zip(&all[own(u as usize)])
                    .for_each(|(h, a)| *h += part * a);
            }
            all[own(v as usize)].copy_from_slice(&here);
        }
        z.copy_from_slice(&all[self.first * k..]);
    }
}

/// A vertex's neighbours that are left, each once, by ascending weight; their edges to it are gone.
fn star(mut edges: Vec<(u32, f64)>, queue: &mut Queue) -> Vec<(u32, f64)> {
    edges.retain(|(u, _)| !queue.done[*u as usize]);
    edges.sort_unstable_by_key(|(u, _)| *u);
    let mut star: Vec<(u32, f64)> = Vec::with_capacity(edges.len());
    for (u, w) in edges {
        queue.degrees[u as usize] -= 1;
        match star.last_mut() {
            Some((last, sum)) if *last == u => *sum += w,
            _ => star.push((u, w)),
        }
    }
    star.sort_by(|a, b| a.1.total_cmp(&b.1));
    star
}

/// Draws the edges between the neighbours of a vertex of weight `total`.
fn sample(
    star: &[(u32, f64)],
    total: f64,
    uniform: &mut Uniform,
    edges: &mut [Vec<(u32, f64)>],
    queue: &mut Queue,
) {
    let mut before = Vec::with_capacity(star.len());
    let mut sum = 0.0;
    for (_, w) in star {
        sum += w;
        before.push(sum);
    }
    for (i, &(u, w)) in star.iter().enumerate().take(star.len().saturating_sub(1)) {
        let rest = sum - before[i];
        let wanted = before[i] + rest * uniform.next();
        let j = before
            .partition_point(|b| *b <= wanted)
            .clamp(i + 1, star.len() - 1);
        let other = star[j].0;
        let weight = w * (rest / total);
        if weight > 0.0 {
            edges[u as usize].push((other, weight));
            edges[other as usize].push((u, weight));
            queue.degrees[u as usize] += 1;
            queue.degrees[other as usize] += 1;
        }
    }
}
