//! Products of some columns with some vectors at a time, so that each number that is read takes part in several products.

use pulp::{Arch, Simd, WithSimd};

/// Columns of a tile, and vectors of a wide one.
pub const TILE: usize = 4;

struct AddProducts<'a, 'o, const V: usize> {
    columns: [&'a [f64]; TILE],
    coefficients: [[f64; V]; TILE],
    out: [&'o mut [f64]; V],
}

impl<const V: usize> WithSimd for AddProducts<'_, '_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.out[0].len();
        let columns = self.columns.map(|x| S::as_simd_f64s(&x[..n]));
        let b = self.coefficients.map(|row| row.map(|b| simd.splat_f64s(b)));
        let [x0, x1, x2, x3] = columns.map(|(whole, _)| whole);
        for (v, out) in self.out.into_iter().enumerate() {
            let (whole, rest) = S::as_mut_simd_f64s(&mut out[..n]);
            for ((((y, x0), x1), x2), x3) in whole.iter_mut().zip(x0).zip(x1).zip(x2).zip(x3) {
                let near = simd.mul_add_f64s(*x1, b[1][v], simd.mul_add_f64s(*x0, b[0][v], *y));
                *y = simd.mul_add_f64s(*x3, b[3][v], simd.mul_add_f64s(*x2, b[2][v], near));
            }
            for (i, y) in rest.iter_mut().enumerate() {
                for ((_, x), b) in columns.iter().zip(&self.coefficients) {
                    *y = x[i].mul_add(b[v], *y);
                }
            }
        }
    }
}

/// yᵥ ← yᵥ + Σ xⱼ bⱼᵥ of four columns, for each of V vectors.
///
/// ```
/// use nelder_device::kernels::add_products;
/// let (x, mut y) = ([1.0, 2.0, 3.0], [0.5; 3]);
/// add_products([&x; 4], [[1.0], [0.0], [2.0], [0.0]], [&mut y]);
/// assert_eq!(y, [3.5, 6.5, 9.5]);
/// ```
pub fn add_products<const V: usize>(
    columns: [&[f64]; TILE],
    coefficients: [[f64; V]; TILE],
    out: [&mut [f64]; V],
) {
    Arch::new().dispatch(AddProducts {
        columns,
        coefficients,
        out,
    });
}

struct InnerProducts<'a, const V: usize> {
    columns: [&'a [f64]; TILE],
    vectors: [&'a [f64]; V],
}

impl<const V: usize> WithSimd for InnerProducts<'_, V> {
    type Output = [[f64; V]; TILE];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [[f64; V]; TILE] {
        let n = self.columns[0].len();
        let columns = self.columns.map(|x| S::as_simd_f64s(&x[..n]));
        let vectors = self.vectors.map(|y| S::as_simd_f64s(&y[..n]));
        let mut sums = [[simd.splat_f64s(0.0); V]; TILE];
        for i in 0..columns[0].0.len() {
            let y = vectors.map(|(whole, _)| whole[i]);
            for c in 0..TILE {
                let x = columns[c].0[i];
                for v in 0..V {
                    sums[c][v] = simd.mul_add_f64s(x, y[v], sums[c][v]);
                }
            }
        }
        let mut out = [[0.0; V]; TILE];
        for c in 0..TILE {
            for v in 0..V {
                let (x, y) = (columns[c].1, vectors[v].1);
                let rest: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                out[c][v] = simd.reduce_sum_f64s(sums[c][v]) + rest;
            }
        }
        out
    }
}

/// Σ xⱼ yᵥ of four columns and V vectors, in double precision.
///
/// ```
/// use nelder_device::kernels::inner_products;
/// let (x, y) = ([1.0, 2.0, 3.0], [1.0, 0.0, 2.0]);
/// assert_eq!(inner_products([&x; 4], [&y])[3], [7.0]);
/// ```
pub fn inner_products<const V: usize>(columns: [&[f64]; TILE], vectors: [&[f64]; V]) -> [[f64; V]; TILE] {
    Arch::new().dispatch(InnerProducts { columns, vectors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_have_the_products_of_their_columns() {
        let column = |j: usize| -> Vec<f64> { (0..37).map(|i| ((i * (j + 3)) % 11) as f64 - 4.0).collect() };
        let x: Vec<Vec<f64>> = (0..4).map(column).collect();
        let y: Vec<Vec<f64>> = (4..8).map(column).collect();
        let columns: [&[f64]; 4] = std::array::from_fn(|j| x[j].as_slice());
        let products = inner_products(columns, std::array::from_fn::<&[f64], 4, _>(|v| y[v].as_slice()));
        for j in 0..4 {
            for v in 0..4 {
                let exact: f64 = x[j].iter().zip(&y[v]).map(|(x, y)| x * y).sum();
                assert_eq!(products[j][v], exact, "{j} {v}");
            }
        }
        let b: [[f64; 2]; 4] = std::array::from_fn(|j| [j as f64, 2.0 - j as f64]);
        let (mut first, mut second) = (vec![1.0; 37], vec![2.0; 37]);
        add_products(columns, b, [&mut first, &mut second]);
        for i in 0..37 {
            assert_eq!(first[i], 1.0 + (0..4).map(|j| x[j][i] * b[j][0]).sum::<f64>());
            assert_eq!(second[i], 2.0 + (0..4).map(|j| x[j][i] * b[j][1]).sum::<f64>());
        }
    }
}
