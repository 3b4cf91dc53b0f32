//! Reductions of columns, vector register by vector register.

use pulp::bytemuck::{Pod, cast_slice};
use pulp::{Arch, Simd, WithSimd};

use crate::Dd;
use crate::pair::Pair;

/// Independent partial sums: enough to hide the latency of the additions in one.
const UNROLL: usize = 4;

/// Dot2's state: partial sums with their errors.
struct Lanes<S: Simd> {
    high: [S::f64s; UNROLL],
    low: [S::f64s; UNROLL],
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        let zero = simd.splat_f64s(0.0);
        Lanes {
            high: [zero; UNROLL],
            low: [zero; UNROLL],
        }
    }

    #[inline(always)]
    fn add(&mut self, simd: S, lane: usize, value: S::f64s, error: S::f64s) {
        let a = self.high[lane];
        let s = simd.add_f64s(a, value);
        let t = simd.sub_f64s(s, a);
        let e = simd.add_f64s(simd.sub_f64s(a, simd.sub_f64s(s, t)), simd.sub_f64s(value, t));
        self.high[lane] = s;
        self.low[lane] = simd.add_f64s(self.low[lane], simd.add_f64s(e, error));
    }

    #[inline(always)]
    fn total(&self) -> Dd {
        let mut total = Dd::ZERO;
        for lane in 0..UNROLL {
            for (&h, &l) in numbers(&self.high[lane]).iter().zip(numbers(&self.low[lane])) {
                total += Dd::two_sum(h, l);
            }
        }
        total
    }
}

/// The numbers in a vector register.
#[inline(always)]
fn numbers<V: Pod>(v: &V) -> &[f64] {
    cast_slice(std::slice::from_ref(v))
}

/// Runs a step for each register, lanes in turn. A macro, because a closure called from several places is a
/// function of its own, without the instruction set.
macro_rules! unrolled {
    ($registers:expr, |$lane:ident, $i:ident| $step:expr) => {{
        let registers = $registers;
        let whole = registers / UNROLL * UNROLL;
        let mut from = 0;
        while from < whole {
            for $lane in 0..UNROLL {
                let $i = from + $lane;
                $step;
            }
            from += UNROLL;
        }
        for $i in whole..registers {
            let $lane = 0;
            $step;
        }
    }};
}

struct Dot<'a, const A: bool, const B: bool>(Pair<'a>, Pair<'a>);

impl<const A: bool, const B: bool> WithSimd for Dot<'_, A, B> {
    type Output = Dd;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Dd {
        let n = self.0.high.len();
        let (a, a_rest) = S::as_simd_f64s(self.0.high);
        let (b, b_rest) = S::as_simd_f64s(&self.1.high[..n]);
        let (al, al_rest) = S::as_simd_f64s(self.0.low.map_or(&[][..], |l| &l[..n]));
        let (bl, bl_rest) = S::as_simd_f64s(self.1.low.map_or(&[][..], |l| &l[..n]));
        let zero = simd.splat_f64s(0.0);
        let mut lanes = Lanes::new(simd);
        unrolled!(a.len(), |lane, i| {
            let p = simd.mul_f64s(a[i], b[i]);
            let mut e = simd.mul_add_f64s(a[i], b[i], simd.sub_f64s(zero, p));
            if A {
                e = simd.mul_add_f64s(al[i], b[i], e);
            }
            if B {
                e = simd.mul_add_f64s(bl[i], a[i], e);
            }
            lanes.add(simd, lane, p, e);
        });
        let mut total = lanes.total();
        for i in 0..a_rest.len() {
            let x = Dd {
                hi: a_rest[i],
                lo: if A { al_rest[i] } else { 0.0 },
            };
            let y = Dd {
                hi: b_rest[i],
                lo: if B { bl_rest[i] } else { 0.0 },
            };
            total += x * y;
        }
        total
    }
}

/// Σ aᵢ bᵢ in twice the precision.
pub fn dot(a: Pair<'_>, b: Pair<'_>) -> Dd {
    let arch = Arch::new();
    match (a.low.is_some(), b.low.is_some()) {
        (false, false) => arch.dispatch(Dot::<false, false>(a, b)),
        (true, false) => arch.dispatch(Dot::<true, false>(a, b)),
        (false, true) => arch.dispatch(Dot::<false, true>(a, b)),
        (true, true) => arch.dispatch(Dot::<true, true>(a, b)),
    }
}

struct Sum<'a>(Pair<'a>);

impl WithSimd for Sum<'_> {
    type Output = Dd;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Dd {
        let n = self.0.high.len();
        let (a, a_rest) = S::as_simd_f64s(self.0.high);
        let (al, al_rest) = S::as_simd_f64s(self.0.low.map_or(&[][..], |l| &l[..n]));
        let zero = simd.splat_f64s(0.0);
        let has_low = self.0.low.is_some();
        let mut lanes = Lanes::new(simd);
        unrolled!(a.len(), |lane, i| lanes.add(
            simd,
            lane,
            a[i],
            if has_low { al[i] } else { zero }
        ));
        let mut total = lanes.total();
        for i in 0..a_rest.len() {
            total += Dd {
                hi: a_rest[i],
                lo: if has_low { al_rest[i] } else { 0.0 },
            };
        }
        total
    }
}

/// Σ aᵢ in twice the precision.
pub fn sum(a: Pair<'_>) -> Dd {
    Arch::new().dispatch(Sum(a))
}

struct RoughSum<'a>(&'a [f64], Option<&'a [f64]>);

impl WithSimd for RoughSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let n = self.0.len();
        let (x, x_rest) = S::as_simd_f64s(self.0);
        let (w, w_rest) = S::as_simd_f64s(self.1.map_or(&[][..], |w| &w[..n]));
        let mut sums = [simd.splat_f64s(0.0); UNROLL];
        if self.1.is_some() {
            unrolled!(x.len(), |lane, i| sums[lane] =
                simd.mul_add_f64s(w[i], x[i], sums[lane]));
        } else {
            unrolled!(x.len(), |lane, i| sums[lane] = simd.add_f64s(x[i], sums[lane]));
        }
        let mut total: f64 = sums.iter().map(|s| simd.reduce_sum_f64s(*s)).sum();
        for (i, x) in x_rest.iter().enumerate() {
            total += w_rest.get(i).copied().unwrap_or(1.0) * x;
        }
        total
    }
}

/// Σ wᵢ xᵢ in double precision: the place about which a block is centred, which need not be exact.
pub fn rough_sum(x: &[f64], weights: Option<&[f64]>) -> f64 {
    Arch::new().dispatch(RoughSum(x, weights))
}

struct Finite<'a>(&'a [f64]);

impl WithSimd for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let (x, rest) = S::as_simd_f64s(self.0);
        let zero = simd.splat_f64s(0.0);
        let mut sums = [zero; UNROLL];
        // 0 x is NaN for infinite and missing x, and NaN stays
        unrolled!(x.len(), |lane, i| sums[lane] =
            simd.mul_add_f64s(x[i], zero, sums[lane]));
        let total: f64 = sums.iter().map(|s| simd.reduce_sum_f64s(*s)).sum();
        total == 0.0 && rest.iter().all(|x| x.is_finite())
    }
}

/// True if all numbers are finite.
pub fn all_finite(x: &[f64]) -> bool {
    Arch::new().dispatch(Finite(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(n: usize, seed: u64) -> Vec<f64> {
        let mut s = seed;
        (0..n)
            .map(|_| {
                s = s
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (s >> 12) as i64 as f64 - 2f64.powi(51)
            })
            .collect()
    }

    // whole numbers below 2^52: their products are exact in i128
    #[test]
    fn dot_is_exact_to_twice_the_precision() {
        for n in [0, 1, 7, 8, 31, 32, 33, 640, 1000] {
            let (a, b) = (column(n, 1), column(n, 2));
            let exact: i128 = a.iter().zip(&b).map(|(x, y)| (*x as i128) * (*y as i128)).sum();
            let size: f64 = a.iter().zip(&b).map(|(x, y)| (x * y).abs()).sum();
            let d = dot(Pair::of(&a), Pair::of(&b));
            let error = (d.hi as i128 - exact) as f64 + d.lo;
            assert!(
                error.abs() <= 1e-29 * size * (n as f64 + 1.0),
                "{n}: {error} of {size}"
            );
        }
    }

    #[test]
    fn finite_sees_every_place() {
        for n in [1, 8, 9, 33, 100] {
            for at in 0..n {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let mut x = vec![1e308; n];
                    assert!(all_finite(&x));
                    x[at] = bad;
                    assert!(!all_finite(&x));
                }
            }
        }
    }

    #[test]
    fn trailing_parts_count() {
        let (a, l) = (vec![1.0; 45], vec![1e-20; 45]);
        let p = Pair {
            high: &a,
            low: Some(&l),
        };
        let d = dot(p, p) - Dd::new(45.0);
        assert!((d.hi - 90e-20).abs() < 1e-30);
        let s = sum(p) - Dd::new(45.0);
        assert!((s.hi - 45e-20).abs() < 1e-30);
    }
}
