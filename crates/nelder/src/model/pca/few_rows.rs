//! Axes of rows that are fewer than the columns: the rows are held in memory, standardized, one after another.
//!
//! With Z the rows (n x p, n < p): the gram of the rows ZZᵀ = U Σ² Uᵀ gives the axes V = Zᵀ U Σ⁻¹ where no singular value is
//! small; else Zᵀ = Q R, R = U Σ Wᵀ gives V = Q U, whose columns are orthonormal whatever Σ is.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as sequence_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_sequence,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::{Accum, Conj, Mat, Par, Spec};

use super::PcaSpec;
use super::axes::{Axes, Doubt, of_entries, rounding};
use super::krylov::{Krylov, krylov};
use super::standard::Columns;
use crate::design::{RowError, Rows};
use crate::model::ModelError;
use crate::model::equations::solution::UNIT_STEPPING;
use crate::pass::{Monitor, PassRecord, Standard, run_in_order};
use crate::solve::{Rectangular, eigen, singular};

/// Standardized rows times the roots of their weights: columns x rows.
pub(super) struct Held {
    rows: Mat<f64>,
}

impl Held {
    /// One pass over the rows.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn new(
        rows: &Rows<'_>,
        standard: &Standard,
        monitor: &dyn Monitor,
    ) -> Result<(Self, PassRecord), ModelError> {
        let p = standard.columns();
        let mut all: Vec<f64> = Vec::new();
        let record = run_in_order(
            "rows",
            "f64",
            rows,
            &[],
            monitor,
            |batch, _| -> Result<Vec<f64>, RowError> {
                let block = rows.block(batch)?;
                let n = block.rows;
                let roots = block.roots();
                let mut own = Mat::<f64>::zeros(n, p);
                standard.write(&block, (0, n), roots.as_deref(), &mut own, 0);
                Ok((0..n)
                    .flat_map(|i| (0..p).map(move |j| (i, j)))
                    .map(|(i, j)| own[(i, j)])
                    .collect())
            },
            |own| {
                all.extend(own);
                true
            },
        )?;
        let n = all.len() / p;
        let rows = Mat::from_fn(p, n, |j, i| all[i * p + j]);
        Ok((Held { rows }, record))
    }

    /// From the gram of the rows; `None` where the eigenvalues do not converge. `rank` bounds the rank.
    pub fn by_gram(&self, columns: &Columns, rank: usize) -> Option<Axes> {
        let (p, n) = (self.rows.nrows(), self.rows.ncols());
        let mut gram = Mat::<f64>::zeros(n, n);
        triangular(
            gram.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            self.rows.transpose(),
            BlockStructure::Rectangular,
            self.rows.as_ref(),
            BlockStructure::Rectangular,
            1.0,
            Par::rayon(0),
        );
        let own = eigen(&Rectangular::from_fn(n, n, |i, j| gram[(i, j)]), None)?;
        let trace: f64 = columns.squares.iter().sum();
        let first = own.values.first().copied().unwrap_or(0.0).max(0.0);
        let products = of_entries(UNIT_STEPPING, trace, first, n);
        let mut values: Vec<f64> = own.values.iter().map(|v| v.max(0.0).sqrt()).collect();
        // centred rows sum to zero: what is left of that is rounding
        values[rank..].iter_mut().for_each(|v| *v = 0.0);
        let mut vectors = Rectangular::zeros(p, n);
        matmul(
            vectors.as_mut(),
            Accum::Replace,
            self.rows.as_ref(),
            own.vectors.as_ref(),
            1.0,
            Par::rayon(0),
        );
        for a in 0..n {
            let axis = vectors.column_mut(a);
            let norm = axis.iter().map(|v| v * v).sum::<f64>().sqrt();
            if a < rank && norm > 0.0 {
                axis.iter_mut().for_each(|v| *v /= norm);
            } else {
                complete(&mut vectors, a);
            }
        }
        Some(Axes {
            singular: values,
            vectors,
            doubt: Doubt {
                products,
                values: products,
                columns: rounding(&columns.roundings),
                results: 4.0 * f64::EPSILON,
            },
            algorithm: "eigen of gram of rows",
            precision: "f64",
        })
    }

    /// From a QR decomposition of the transpose; `None` where the singular values do not converge.
    pub fn by_qr(mut self, columns: &Columns) -> Option<Axes> {
        let (p, n) = (self.rows.nrows(), self.rows.ncols());
        let block = recommended_block_size::<f64>(p, n);
        let mut factor = Mat::<f64>::zeros(block, n);
        let par = Par::rayon(0);
        let room = &mut MemBuffer::new(qr_in_place_scratch::<f64>(p, n, block, par, Spec::default()));
        qr_in_place(
            self.rows.as_mut(),
            factor.as_mut(),
            par,
            MemStack::new(room),
            Spec::default(),
        );
        // right singular vectors of Rᵀ are left ones of R
        let transposed = Rectangular::from_fn(n, n, |i, j| if j <= i { self.rows[(j, i)] } else { 0.0 });
        let own = singular(&transposed)?;
        let mut vectors = Rectangular::zeros(p, n);
        for a in 0..n {
            vectors.column_mut(a)[..n].copy_from_slice(own.vectors.column(a));
        }
        let room = &mut MemBuffer::new(sequence_scratch::<f64>(p, block, n));
        apply_sequence(
            self.rows.as_ref(),
            factor.as_ref(),
            Conj::No,
            vectors.as_mut(),
            par,
            MemStack::new(room),
        );
        Some(Axes {
            doubt: Doubt::of_qr(&columns.squares, &columns.roundings, n, &own.values),
            singular: own.values,
            vectors,
            algorithm: "svd of qr of transpose",
            precision: "f64",
        })
    }

    /// The `k` first by a Krylov iteration in memory.
    ///
    /// # Errors
    /// Those of the iteration.
    pub fn by_krylov(&self, k: usize, spec: &PcaSpec) -> Result<Krylov, ModelError> {
        let (p, n) = (self.rows.nrows(), self.rows.ncols());
        krylov((p, k), spec.seed, spec.tolerance, |v| {
            let (mut scores, mut images) = (Mat::zeros(n, v.ncols()), Mat::zeros(p, v.ncols()));
            let par = Par::rayon(0);
            matmul(
                scores.as_mut(),
                Accum::Replace,
                self.rows.transpose(),
                v.as_ref(),
                1.0,
                par,
            );
            matmul(
                images.as_mut(),
                Accum::Replace,
                self.rows.as_ref(),
                scores.as_ref(),
                1.0,
                par,
            );
            Ok(images)
        })
    }
}

/// Makes column `at` a unit vector that is orthogonal to the columns before it: what the coordinate direction that these have
/// least of leaves.
pub(in crate::model) fn complete(vectors: &mut Rectangular, at: usize) {
    let p = vectors.rows();
    let mut held = vec![0.0; p];
    for a in 0..at {
        held.iter_mut()
            .zip(vectors.column(a))
            .for_each(|(h, v)| *h += v * v);
    }
    let least = (0..p).min_by(|&a, &b| held[a].total_cmp(&held[b])).unwrap_or(0);
    let mut x = vec![0.0; p];
    x[least] = 1.0;
    for _ in 0..3 {
        for a in 0..at {
            let q = vectors.column(a);
            let t: f64 = q.iter().zip(&x).map(|(q, x)| q * x).sum();
            x.iter_mut().zip(q).for_each(|(x, q)| *x -= t * q);
        }
    }
    let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt();
    vectors
        .column_mut(at)
        .iter_mut()
        .zip(&x)
        .for_each(|(v, x)| *v = x / norm);
}
