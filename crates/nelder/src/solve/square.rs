//! Square matrices in double precision, their decompositions, and work that is divided by columns.

use std::ops::Index;
use std::sync::OnceLock;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{self, factor::LltRegularization};
use faer::{MatMut, MatRef, Par, Spec};
use nelder_device::LinearAlgebra;
use rayon::prelude::*;

use super::Symmetric;

/// Growth of rounding errors beyond which a decomposition by a device is not taken.
const MOST_GROWTH: f64 = 100.0;
/// Orders from which work on the columns of a matrix is divided among threads: to wake them takes as long as to read a matrix
/// of 300 columns.
pub(super) const PARALLEL: usize = 512;

/// A number for each of `0..order`, by all threads where there are many.
pub(super) fn for_each(order: usize, of: impl Fn(usize) -> f64 + Sync + Send) -> Vec<f64> {
    match order < PARALLEL {
        true => (0..order).map(of).collect(),
        false => (0..order).into_par_iter().with_min_len(64).map(of).collect(),
    }
}

/// Threads for a decomposition of this order.
fn parallelism(order: usize) -> Par {
    match order < 512 {
        true => Par::Seq,
        false => Par::rayon(0),
    }
}

/// A square matrix, column by column.
#[derive(Clone, Debug)]
pub struct Square {
    order: usize,
    values: Vec<f64>,
}

impl Square {
    fn zeros(order: usize) -> Self {
        let values = vec![0.0; order * order];
        Square { order, values }
    }

    /// The matrix whose entries a function gives.
    pub(super) fn from_fn(order: usize, of: impl Fn(usize, usize) -> f64) -> Self {
        let column = |j: usize| (0..order).map(move |i| (i, j));
        let values = (0..order).flat_map(column).map(|(i, j)| of(i, j)).collect();
        Square { order, values }
    }

    /// Number of rows.
    pub fn order(&self) -> usize {
        self.order
    }

    /// A column.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.order..(j + 1) * self.order]
    }

    /// For products and solutions.
    pub fn as_ref(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.order, self.order)
    }

    fn as_mut(&mut self) -> MatMut<'_, f64> {
        MatMut::from_column_major_slice_mut(&mut self.values, self.order, self.order)
    }

    /// The inverse of L Lᵀ, where this is L.
    pub(super) fn inverse_of_product(&self) -> Square {
        let k = self.order;
        let par = parallelism(k);
        let mut inverse = Square::zeros(k);
        let room = &mut MemBuffer::new(llt::inverse::inverse_scratch::<f64>(k, par));
        llt::inverse::inverse(inverse.as_mut(), self.as_ref(), par, MemStack::new(room));
        for j in 0..k {
            for i in 0..j {
                inverse.values[j * k + i] = inverse.values[i * k + j];
            }
        }
        inverse
    }
}

impl Index<(usize, usize)> for Square {
    type Output = f64;

    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.values[j * self.order + i]
    }
}

/// L, the inverse of L Lᵀ where it came with it, and by how much its errors are larger than those of a decomposition column
/// by column.
pub(super) type Decomposition = (Square, OnceLock<Square>, f64);

/// The decomposition by a device, where that is quicker and the blocks that it inverts are well-conditioned.
pub(super) fn by_device(
    matrix: &Symmetric,
    scales: &[f64],
    device: &dyn LinearAlgebra,
) -> Option<Decomposition> {
    let packed: Vec<f64> = matrix.lower.iter().map(|v| v.hi).collect();
    // what the CPU can do as well needs no error: a device that is lost says so in the next pass
    let found = device.cholesky(&packed, scales).ok().flatten()?;
    let of = |values: Vec<f64>| Square {
        order: matrix.order,
        values,
    };
    let (lower, inverse) = (of(found.lower), of(found.inverse));
    (found.growth <= MOST_GROWTH).then(|| (lower, OnceLock::from(inverse), found.growth))
}

/// The decomposition by the CPU; `None` where a pivot is not positive.
pub(super) fn by_cpu(matrix: &Symmetric, scales: &[f64]) -> Option<Decomposition> {
    let k = matrix.order;
    let mut l = Square::zeros(k);
    for i in 0..k {
        let row = &matrix.lower[Symmetric::at(i, 0)..=Symmetric::at(i, i)];
        for (j, (v, scale)) in row.iter().zip(scales).enumerate() {
            l.values[j * k + i] = v.hi / (scales[i] * scale);
        }
    }
    let par = parallelism(k);
    let room = &mut MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(
        k,
        par,
        Spec::default(),
    ));
    llt::factor::cholesky_in_place(
        l.as_mut(),
        LltRegularization::default(),
        par,
        MemStack::new(room),
        Spec::default(),
    )
    .ok()?;
    Some((l, OnceLock::new(), 1.0))
}
