//! Cholesky's factor of a quadratic loss on a support that changes by a column or two.

use nelder_device::kernels::rough_sum;
use nelder_device::vectorized;

/// A pivot below this part of its column is rounding error: such a column depends on those before it, and is left out.
const LEAST_PIVOT: f64 = 1e-11;

/// L of H + d = L Lᵀ over some members of an active set, in the order in which they came.
///
/// A column is added by forward substitution. One is taken out with its row of L, and the rotations that make L a triangle again are orthogonal:
/// neither loses digits (Golub & Van Loan 2013, "Matrix Computations", 6.5.2 and 6.5.3).
#[derive(Clone, Debug, Default)]
pub(super) struct SupportFactor {
    /// The members, in the order of the rows of L.
    members: Vec<usize>,
    /// Position of each member of the active set, from 1; 0 where it is not among these.
    places: Vec<u32>,
    /// L by columns of length `capacity`.
    lower: Vec<f64>,
    capacity: usize,
    /// The number added to the diagonal, as [`keep_for`](Self::keep_for) compares it; none for an empty factor.
    added: Option<f64>,
}

impl SupportFactor {
    /// Forgets everything, as when the matrix has changed.
    pub fn clear(&mut self) {
        for &k in &self.members {
            self.places[k] = 0;
        }
        self.members.clear();
        self.added = None;
    }

    /// Begins anew unless the diagonal had the same added to it.
    pub fn keep_for(&mut self, added: f64) {
        if self.added != Some(added) {
            self.clear();
        }
        self.added = Some(added);
    }

    /// Tests if it need not begin anew for what is added to the diagonal; nothing added never changes.
    pub fn is_for(&self, added: f64) -> bool {
        added == 0.0 || self.added == Some(added)
    }

    /// The members, in the order of a solution.
    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// Tests if a member of the active set is among these.
    pub fn has(&self, k: usize) -> bool {
        self.places.get(k).is_some_and(|p| *p > 0)
    }

    /// Adds member `k`, `entry(i)` being its entry with member `i` and `pivot` that with itself, what is added to the diagonal included; false where it
    /// depends on the others.
    pub fn add(&mut self, k: usize, pivot: f64, entry: impl Fn(usize) -> f64) -> bool {
        let n = self.members.len();
        self.make_room();
        let mut row: Vec<f64> = self.members.iter().map(|i| entry(*i)).collect();
        self.forward(&mut row);
        let rest = pivot - rough_sum(&row, Some(&row));
        if rest.is_nan() || rest <= LEAST_PIVOT * pivot {
            return false;
        }
        for (j, v) in row.into_iter().enumerate() {
            self.lower[j * self.capacity + n] = v;
        }
        self.lower[n * self.capacity + n] = rest.sqrt();
        self.members.push(k);
        if self.places.len() <= k {
            self.places.resize(k + 1, 0);
        }
        self.places[k] = n as u32 + 1;
        true
    }

    fn make_room(&mut self) {
        let n = self.members.len();
        if n < self.capacity {
            return;
        }
        let wider = (2 * n).max(16);
        let mut lower = vec![0.0; wider * wider];
        for j in 0..n {
            lower[j * wider..j * wider + n]
                .copy_from_slice(&self.lower[j * self.capacity..j * self.capacity + n]);
        }
        (self.lower, self.capacity) = (lower, wider);
    }

    /// Takes out member `k`, if it is there.
    pub fn remove(&mut self, k: usize) {
        if !self.has(k) {
            return;
        }
        let at = self.places[k] as usize - 1;
        let n = self.members.len();
        let capacity = self.capacity;
        // rows below move up, in the columns that keep their place
        for j in 0..at {
            self.lower[j * capacity + at..j * capacity + n].copy_within(1.., 0);
        }
        // column j + 1 without its row has an entry above the diagonal: the rotation of columns j and j + 1 takes it to zero
        for j in at..n - 1 {
            let (left, right) = self.lower.split_at_mut((j + 1) * capacity);
            let first = &mut left[j * capacity + j..j * capacity + n];
            let second = &mut right[j..n];
            // rows from j + 1 of the old factor are those from j of the new
            let (a, b) = (first[1], second[1]);
            let length = a.hypot(b);
            let (c, s) = (a / length, b / length);
            rotate(first, second, c, s);
        }
        self.members.remove(at);
        self.places[k] = 0;
        for (i, &m) in self.members.iter().enumerate().skip(at) {
            self.places[m] = i as u32 + 1;
        }
    }

    /// Solves (H + d) x = b, in place, in the order of the members.
    pub fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        let n = self.members.len();
        for j in (0..n).rev() {
            let column = &self.lower[j * self.capacity..j * self.capacity + n];
            let rest = b[j] - rough_sum(&column[j + 1..], Some(&b[j + 1..]));
            b[j] = rest / column[j];
        }
    }

    /// Solves L y = b, in place.
    fn forward(&self, b: &mut [f64]) {
        let n = b.len();
        vectorized(
            #[inline(always)]
            || {
                for j in 0..n {
                    let column = &self.lower[j * self.capacity..j * self.capacity + n];
                    let own = b[j] / column[j];
                    b[j] = own;
                    for (v, l) in b[j + 1..].iter_mut().zip(&column[j + 1..]) {
                        *v = f64::mul_add(-own, *l, *v);
                    }
                }
            },
        );
    }
}

/// Rotates two columns of which the second begins a row lower and the first loses its first row: new first = c a + s b, new second = c b − s a.
fn rotate(first: &mut [f64], second: &mut [f64], c: f64, s: f64) {
    let n = first.len();
    vectorized(
        #[inline(always)]
        || {
            for i in 1..n {
                let (a, b) = (first[i], second[i]);
                first[i - 1] = f64::mul_add(c, a, s * b);
                second[i] = f64::mul_add(c, b, -(s * a));
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gram of polynomial columns, well enough conditioned for a bound of 1e-10.
    fn matrix(n: usize) -> Vec<f64> {
        let x = |i: usize, j: usize| ((i * (j + 2)) as f64 * 0.37).sin() + if i == j { 2.0 } else { 0.0 };
        let mut h = vec![0.0; n * n];
        for a in 0..n {
            for b in 0..n {
                h[a * n + b] = (0..3 * n).map(|i| x(i, a) * x(i, b)).sum();
            }
        }
        h
    }

    #[test]
    fn columns_come_and_go() {
        let n = 12;
        let h = matrix(n);
        let mut factor = SupportFactor::default();
        factor.keep_for(0.5);
        let add = |factor: &mut SupportFactor, k: usize| factor.add(k, h[k * n + k] + 0.5, |i| h[k * n + i]);
        for k in [3, 7, 0, 11, 5, 2, 9] {
            assert!(add(&mut factor, k));
        }
        let check = |factor: &SupportFactor| {
            let members = factor.members().to_vec();
            let wanted: Vec<f64> = members.iter().map(|k| *k as f64 - 4.0).collect();
            let mut b: Vec<f64> = members
                .iter()
                .enumerate()
                .map(|(a, k)| {
                    let sum: f64 = members.iter().zip(&wanted).map(|(l, x)| h[k * n + l] * x).sum();
                    sum + 0.5 * wanted[a]
                })
                .collect();
            factor.solve(&mut b);
            for (x, w) in b.iter().zip(&wanted) {
                assert!((x - w).abs() < 1e-10, "{x} {w}");
            }
        };
        check(&factor);
        for k in [0, 3, 9, 11] {
            factor.remove(k);
            assert!(!factor.has(k));
            check(&factor);
        }
        assert!(add(&mut factor, 0) && add(&mut factor, 10));
        check(&factor);
        // the same column again depends on itself
        assert!(!factor.add(13, h[0] + 0.5, |i| h[i] + if i == 0 { 0.5 } else { 0.0 }));
        factor.keep_for(0.25);
        assert!(factor.members().is_empty() && !factor.has(10));
    }
}
