//! Covariances of the coefficients, in units in which they are in range.

use faer::Mat;
use nelder_device::Dd;

use super::Vcov;
use crate::model::equations::fitted::{ScaledMatrix, exponent, times_two_to};
use crate::pass::PassRecord;
use crate::solve::Symmetric;

/// A covariance of the coefficients and what it took.
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Which one.
    pub kind: Vcov,
    /// Columns x columns, in the units of the data; `NaN` in rows and columns of aliased coefficients.
    pub matrix: Mat<f64>,
    /// Number of clusters, where there are any.
    pub clusters: Option<usize>,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
    /// Roots of the diagonal, which the data's units may leave in range where the diagonal is not.
    std_errors: Vec<f64>,
    /// The same in units in which it is in range, where it is not in those of the data.
    in_range: Option<ScaledMatrix>,
}

impl Covariance {
    /// A covariance in the units of the data, with its standard errors.
    pub(in crate::model) fn new(
        kind: &Vcov,
        matrix: Mat<f64>,
        std_errors: Vec<f64>,
        clusters: Option<usize>,
        passes: Vec<PassRecord>,
    ) -> Covariance {
        Covariance {
            kind: kind.clone(),
            matrix,
            clusters,
            passes,
            std_errors,
            in_range: None,
        }
    }

    /// A covariance in the units of the rows, entry (i, j) times 2^(aᵢ + aⱼ): columns were divided by `scales` and the response by one
    /// over `response`, powers of two.
    pub(in crate::model) fn of_rows(
        kind: &Vcov,
        ScaledMatrix {
            matrix,
            mut exponents,
        }: ScaledMatrix,
        (scales, response): (&[f64], f64),
        clusters: Option<usize>,
        passes: Vec<PassRecord>,
    ) -> Covariance {
        // a variance is in range where twice its exponent is
        const IN_RANGE: i32 = 450;
        for (a, s) in exponents.iter_mut().zip(scales) {
            *a += exponent(*s) - exponent(response);
        }
        let p = matrix.nrows();
        let std_errors = (0..p)
            .map(|i| times_two_to(matrix[(i, i)].sqrt(), exponents[i]))
            .collect();
        let of = |i: usize, j: usize| times_two_to(matrix[(i, j)], exponents[i] + exponents[j]);
        let own = Mat::from_fn(p, p, of);
        let far = exponents.iter().any(|a| a.abs() > IN_RANGE);
        Covariance {
            in_range: far.then_some(ScaledMatrix { matrix, exponents }),
            ..Self::new(kind, own, std_errors, clusters, passes)
        }
    }

    /// The same with standard errors that are known better than the diagonal.
    pub(in crate::model) fn with_std_errors(self, std_errors: Vec<f64>) -> Covariance {
        Covariance { std_errors, ..self }
    }

    /// Standard errors: roots of the diagonal, `NaN` where aliased.
    pub fn std_errors(&self) -> Vec<f64> {
        self.std_errors.clone()
    }

    /// Covariance and coefficients of some columns in units in which a quadratic form of them stays in range, which does not depend on
    /// units.
    pub(super) fn in_range(&self, columns: &[usize], coefficients: &[f64]) -> (Symmetric, Vec<Dd>) {
        let (matrix, exponents) = match &self.in_range {
            None => (&self.matrix, None),
            Some(ScaledMatrix { matrix, exponents }) => (matrix, Some(exponents)),
        };
        let mut out = Symmetric::zeros(columns.len());
        for (i, &c) in columns.iter().enumerate() {
            for (j, &d) in columns[..=i].iter().enumerate() {
                out.add(i, j, Dd::new(matrix[(c, d)]));
            }
            out.norms[i] = matrix[(c, c)];
            out.sizes[i] = out.norms[i];
        }
        let of = |&c: &usize| match exponents {
            None => coefficients[c],
            Some(exponents) => times_two_to(coefficients[c], -exponents[c]),
        };
        (out, columns.iter().map(|c| Dd::new(of(c))).collect())
    }
}
