//! Principal components of a sparse matrix, which stays sparse.
//!
//! Centring would fill it. It is done in what is computed from it: the gram of the columns is XᵀX − n c cᵀ, in twice the
//! precision; a product with a vector is Xv − 1(cᵀv). Only scores have as many numbers as rows times components.

use std::time::Instant;

use faer::Mat;
use nelder_device::Dd;
use rayon::prelude::*;

use super::axes::{Axes, of_exact};
use super::few_rows::complete;
use super::krylov::krylov;
use super::prcomp::{Data, Found, converged, of_krylov};
use super::standard::Columns;
use super::{PcaAlgorithm, PcaSpec, Prcomp};
use crate::frame::{Scan, Sparse};
use crate::model::{Accuracy, ModelError};
use crate::pass::{ColumnMoments, Monitor, PassError, PassRecord, Standard};
use crate::solve::{Rectangular, Symmetric};

/// Most columns, or rows where these are fewer, whose gram is formed although only some components are wanted.
const FEW: usize = 1000;

/// Principal components of a sparse matrix whose columns have these `names`: R's `prcomp` of a `dgCMatrix`. It is centred in what
/// is computed of it, not in its values.
///
/// ```
/// use nelder::frame::Sparse;
/// use nelder::model::{PcaSpec, prcomp_sparse};
/// use nelder::pass::NoProgress;
/// // [1 0; 0 2; 3 0]
/// let x = Sparse::new(3, &[0, 2, 3], &[0, 2, 1], &[1.0, 3.0, 2.0])?;
/// let names = ["a", "b"].map(String::from);
/// let fit = prcomp_sparse(&PcaSpec::default(), x, &names, &NoProgress)?;
/// let variance: f64 = fit.sdev.iter().map(|s| s * s).sum();
/// assert!((variance - (7.0 / 3.0 + 4.0 / 3.0)).abs() < 1e-14);
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// As [`prcomp`](super::prcomp); weights, a subset and a formula, which need columns with names; no rows or columns.
pub fn prcomp_sparse<'s>(
    spec: &PcaSpec,
    matrix: Sparse<'s>,
    names: &[String],
    monitor: &dyn Monitor,
) -> Result<Prcomp<'s>, ModelError> {
    spec.check()?;
    let (n, p) = (matrix.rows(), matrix.columns());
    for (argument, given) in [
        ("formula", spec.formula.is_some() || spec.terms.is_some()),
        ("weights", spec.weights.is_some()),
        ("subset", spec.subset.is_some()),
        ("columns", !spec.columns.is_empty()),
    ] {
        if given {
            return Err(ModelError::argument(
                argument,
                "a sparse matrix is taken as it is",
            ));
        }
    }
    if names.len() != p {
        return Err(ModelError::argument(
            "names",
            format!("{} names for {p} columns", names.len()),
        ));
    }
    if n == 0 || p == 0 {
        return Err(ModelError::argument(
            "x",
            format!("a matrix of {n} x {p} values has no components"),
        ));
    }
    spec.check_size(n as u64, p)?;
    let mut work = Work {
        spec,
        matrix,
        monitor,
        passes: Vec::new(),
        steps: 0,
    };
    let (columns, unit, axes, beyond) = work.axes(names)?;
    Ok(Prcomp::new(
        spec,
        names.to_vec(),
        (columns, unit, &[]),
        (axes, beyond),
        (work.steps, work.passes, Vec::new()),
        Data::Sparse(matrix),
    ))
}

/// A computation under way.
struct Work<'a, 's> {
    spec: &'a PcaSpec,
    matrix: Sparse<'s>,
    monitor: &'a dyn Monitor,
    passes: Vec<PassRecord>,
    steps: u32,
}

impl Work<'_, '_> {
    /// Ends a pass over the matrix.
    fn passed(&mut self, name: &str, precision: &str, start: Instant) -> Result<(), ModelError> {
        let rows = self.matrix.rows() as u64;
        let scan = Scan {
            rows,
            bytes: 12 * self.matrix.held() as u64,
        };
        self.passes.push(PassRecord::on_cpu(name, precision, scan, start));
        match self.monitor.advance(name, rows, Some(rows)) {
            true => Ok(()),
            false => Err(PassError::Interrupted.into()),
        }
    }

    fn axes(&mut self, names: &[String]) -> Result<Found, ModelError> {
        let (n, p) = (self.matrix.rows(), self.matrix.columns());
        let start = Instant::now();
        let spread = spread(&self.matrix);
        self.passed("moments", "f64x2", start)?;
        let (columns, unit) = Columns::new(&spread, self.spec, &[], names)?;
        let small = n.min(p);
        let iterates = match self.spec.algorithm {
            PcaAlgorithm::Auto => self.spec.rank.is_some_and(|k| small > FEW && 8 * k < small),
            PcaAlgorithm::Qr => {
                return Err(ModelError::argument(
                    "algorithm",
                    "a QR decomposition would fill a sparse matrix; its gram in twice the precision is as good",
                ));
            }
            other => other == PcaAlgorithm::Krylov,
        };
        if iterates {
            let k = self.spec.rank.unwrap_or(1);
            let (seed, tolerance) = (self.spec.seed, self.spec.tolerance);
            let found = krylov((p, k), seed, tolerance, |v| {
                let start = Instant::now();
                let scores = scores(&self.matrix, &columns.standard, v);
                let images = transposed(&self.matrix, &columns.standard, &scores);
                self.passed("krylov", "f64", start)?;
                Ok(images)
            })?;
            self.steps = found.steps;
            let (axes, beyond) = of_krylov(found, &columns);
            return Ok((columns, unit, axes, beyond));
        }
        ModelError::many_columns("all components", small)?;
        let certified = self.spec.accuracy == Accuracy::Certified;
        let start = Instant::now();
        if p <= n {
            let raw = gram(&self.matrix);
            self.passed("gram", "f64x2", start)?;
            let matrix = columns.of_raw(&raw, &spread, self.spec);
            return Ok((columns, unit, converged(of_exact(&matrix, certified))?, None));
        }
        let matrix = rows_gram(&self.matrix, &columns.standard);
        self.passed("gram of rows", "f64x2", start)?;
        let rows = converged(of_exact(&matrix, certified))?;
        let axes = across(&self.matrix, &columns, rows, columns.rank(self.spec));
        let axes = axes.off_by(columns.scale_rounding());
        Ok((columns, unit, axes, None))
    }
}

/// The moments of the columns.
fn spread(matrix: &Sparse<'_>) -> ColumnMoments {
    let of = |j: usize| {
        let (_, values) = matrix.column(j);
        let sums = values.iter().fold((Dd::ZERO, Dd::ZERO), |(s, q), v| {
            (s.add_f64(*v), q.add_product(*v, *v))
        });
        (sums, values.iter().any(|v| v.trunc() != *v || v.abs() > 9e15))
    };
    let all: Vec<((Dd, Dd), bool)> = (0..matrix.columns()).into_par_iter().map(of).collect();
    ColumnMoments {
        rows: matrix.rows() as u64,
        weight: Dd::new(matrix.rows() as f64),
        sums: all.iter().map(|a| a.0.0).collect(),
        seconds: all.iter().map(|a| a.0.1).collect(),
        rounded: all.iter().map(|a| a.1).collect(),
    }
}

/// XᵀX in twice the precision, the lower triangle by rows: row i is the sum of the rows of X that column i holds, each times its
/// value there (Gustavson 1978).
fn gram(matrix: &Sparse<'_>) -> Vec<Dd> {
    let p = matrix.columns();
    // the rows of X, their columns rising
    let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); matrix.rows()];
    for j in 0..p {
        let (own, values) = matrix.column(j);
        own.iter()
            .zip(values)
            .for_each(|(&r, &v)| rows[r as usize].push((j as u32, v)));
    }
    let row = |i: usize| {
        let mut sums = vec![Dd::ZERO; i + 1];
        let (own, values) = matrix.column(i);
        for (&r, &v) in own.iter().zip(values) {
            for &(j, w) in rows[r as usize].iter().take_while(|(j, _)| *j as usize <= i) {
                sums[j as usize] = sums[j as usize].add_product(v, w);
            }
        }
        sums
    };
    (0..p).into_par_iter().map(row).flatten_iter().collect()
}

/// The gram of the standardized rows in twice the precision: with q = Σ x c / s² by row and κ = Σ c² / s²,
/// Σ (x − c)(y − c) / s² = Σ x y / s² − q − r + κ.
fn rows_gram(matrix: &Sparse<'_>, standard: &Standard) -> Symmetric {
    let (n, p) = (matrix.rows(), matrix.columns());
    let mut out = Symmetric::zeros(n);
    let (mut shifts, mut constant) = (vec![Dd::ZERO; n], Dd::ZERO);
    for j in 0..p {
        let (rows, values) = matrix.column(j);
        let (c, s) = (standard.centers[j], standard.scales[j]);
        let squared = Dd::two_prod(s, s);
        constant += c * c / squared;
        for (a, (&i, &x)) in rows.iter().zip(values).enumerate() {
            let own = Dd::new(x) / squared;
            shifts[i as usize] += own * c;
            for (&k, &y) in rows[..=a].iter().zip(values) {
                out.add(i as usize, k as usize, own.mul_f64(y));
            }
        }
    }
    for i in 0..n {
        for k in 0..=i {
            out.add(i, k, constant - shifts[i] - shifts[k]);
        }
        let own = out.get(i, i).hi;
        out.sizes[i] = own;
        out.norms[i] = own + 2.0 * constant.hi + 2.0 * shifts[i].hi.abs();
    }
    out
}

/// Axes V = Zᵀ U Σ⁻¹ from those of the gram of the rows Z.
fn across(matrix: &Sparse<'_>, columns: &Columns, rows: Axes, rank: usize) -> Axes {
    let n = matrix.rows();
    let u = Mat::from_fn(n, n, |i, j| rows.vectors.get(i, j));
    let images = transposed(matrix, &columns.standard, &u);
    let mut axes = rows;
    axes.vectors = Rectangular::from_fn(images.nrows(), n, |i, j| images[(i, j)]);
    let first = axes.singular.first().copied().unwrap_or(0.0);
    for a in 0..n {
        let norm = axes.vectors.column(a).iter().map(|v| v * v).sum::<f64>().sqrt();
        if a < rank && axes.singular[a] > 1e-13 * first {
            axes.vectors.column_mut(a).iter_mut().for_each(|v| *v /= norm);
        } else {
            complete(&mut axes.vectors, a);
        }
        if a >= rank {
            axes.singular[a] = 0.0;
        }
    }
    // an axis is formed of sums over rows in double precision
    axes.doubt.columns += super::axes::rounding(&columns.roundings)
        + 16.0 * f64::EPSILON * columns.squares.iter().sum::<f64>().sqrt();
    axes.algorithm = "eigen of gram of rows";
    axes
}

/// (X − 1cᵀ) S⁻¹ V: rows x vectors.
pub(in crate::model) fn scores(matrix: &Sparse<'_>, standard: &Standard, v: &Mat<f64>) -> Mat<f64> {
    let (n, p, k) = (matrix.rows(), matrix.columns(), v.ncols());
    let of = |a: usize| {
        let v = v.col_as_slice(a);
        let mut out = vec![0.0; n];
        let mut shift = Dd::ZERO;
        for j in 0..p {
            let b = v[j] / standard.scales[j];
            shift += standard.centers[j].mul_f64(b);
            let (rows, values) = matrix.column(j);
            rows.iter()
                .zip(values)
                .for_each(|(&i, x)| out[i as usize] += b * x);
        }
        out.iter_mut().for_each(|o| *o -= shift.hi);
        out
    };
    let all: Vec<Vec<f64>> = (0..k).into_par_iter().map(of).collect();
    Mat::from_fn(n, k, |i, a| all[a][i])
}

/// S⁻¹ (X − 1cᵀ)ᵀ T: columns x vectors.
fn transposed(matrix: &Sparse<'_>, standard: &Standard, t: &Mat<f64>) -> Mat<f64> {
    let (p, k) = (matrix.columns(), t.ncols());
    let of = |a: usize| {
        let t = t.col_as_slice(a);
        let sum: Dd = t.iter().copied().sum();
        (0..p)
            .map(|j| {
                let (rows, values) = matrix.column(j);
                let own: f64 = rows.iter().zip(values).map(|(&i, x)| x * t[i as usize]).sum();
                (own - (standard.centers[j] * sum).hi) / standard.scales[j]
            })
            .collect::<Vec<f64>>()
    };
    let all: Vec<Vec<f64>> = (0..k).into_par_iter().map(of).collect();
    Mat::from_fn(p, k, |j, a| all[a][j])
}
