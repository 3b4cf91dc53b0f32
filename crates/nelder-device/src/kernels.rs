//! The inner loops of the passes, in double and in twice double precision.
//!
//! Sums in twice the precision follow Ogita, Rump & Oishi (2005), "Accurate sum and dot product", Dot2: the
//! products and partial sums are split into value and rounding error without loss, and the errors are summed
//! beside the values. The result is as accurate as if computed with 106 bits and rounded, up to n² ε².
//! `pulp` selects the instruction set.

use crate::Dd;
use pulp::{Arch, NullaryFnOnce};

pub use crate::column_tiles::{TILE, add_products, inner_products};
pub use crate::pair::Pair;
pub use crate::reduce::{all_finite, dot, rough_sum, sum};

/// `a + b` and its rounding error (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// Sums of a centred column z = r (x − c): Σ r z and Σ z².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CentredSums {
    /// Σ r z, what the centre leaves of the weighted sum.
    pub rest: f64,
    /// Σ z².
    pub square: f64,
}

/// Lanes of a sum: enough that additions do not wait for each other.
const LANES: usize = 32;

struct Center<'a> {
    x: &'a [f64],
    center: f64,
    root_weight: Option<&'a [f64]>,
    out: &'a mut [f64],
}

impl NullaryFnOnce for Center<'_> {
    type Output = CentredSums;

    #[inline(always)]
    fn call(self) -> CentredSums {
        let c = self.center;
        let n = self.out.len();
        let (mut rests, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let whole = n - n % LANES;
        match self.root_weight {
            None => {
                let pairs = self.out[..whole].chunks_exact_mut(LANES);
                for (out, x) in pairs.zip(self.x[..whole].chunks_exact(LANES)) {
                    for k in 0..LANES {
                        let z = x[k] - c;
                        out[k] = z;
                        rests[k] += z;
                        squares[k] = z.mul_add(z, squares[k]);
                    }
                }
                for i in whole..n {
                    let z = self.x[i] - c;
                    self.out[i] = z;
                    rests[0] += z;
                    squares[0] = z.mul_add(z, squares[0]);
                }
            }
            Some(r) => {
                let pairs = self.out[..whole].chunks_exact_mut(LANES);
                let pairs = pairs.zip(self.x[..whole].chunks_exact(LANES));
                for ((out, x), r) in pairs.zip(r[..whole].chunks_exact(LANES)) {
                    for k in 0..LANES {
                        let z = r[k] * (x[k] - c);
                        out[k] = z;
                        rests[k] = r[k].mul_add(z, rests[k]);
                        squares[k] = z.mul_add(z, squares[k]);
                    }
                }
                for i in whole..n {
                    let z = r[i] * (self.x[i] - c);
                    self.out[i] = z;
                    rests[0] = r[i].mul_add(z, rests[0]);
                    squares[0] = z.mul_add(z, squares[0]);
                }
            }
        }
        CentredSums {
            rest: rests.iter().sum(),
            square: squares.iter().sum(),
        }
    }
}

/// True for a number that is what was written: a whole number to 9e15, or a multiple of 2⁻¹² below 1,000 or of 1/8 below 1e12, as 2.375 and
/// 1000000.5 are. Their decimals have 15 digits at most, so that what is printed of them is all of them. Any other number stands
/// for a decimal that double precision had to round, or that was cut when it was printed.
#[inline(always)]
pub fn is_as_written(x: f64) -> bool {
    // numbers from 2⁵² on are whole; added to a smaller one, it leaves the whole part. No branch: see `all_as_written`
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let size = x.abs();
    let is_whole = |v: f64| ((v + WHOLE) - WHOLE == v) | (v >= WHOLE);
    ((size < 1e3) & is_whole(size * 4096.0))
        | ((size < 1e12) & is_whole(size * 8.0))
        | ((size <= 9e15) & is_whole(size))
}

/// True if all numbers are what was written, as [`is_as_written`] says it.
pub fn all_as_written(x: &[f64]) -> bool {
    let all = |run: &[f64]| run.iter().fold(true, |all, &x| all & is_as_written(x));
    // by runs, since most columns have a fraction near their beginning
    Arch::new().dispatch(
        #[inline(always)]
        || x.chunks(256).all(all),
    )
}

/// `out = √w (x - center)`, and its sums.
pub fn center(x: &[f64], center: f64, root_weight: Option<&[f64]>, out: &mut [f64]) -> CentredSums {
    Arch::new().dispatch(Center {
        x,
        center,
        root_weight,
        out,
    })
}

struct Subtract<'a> {
    x: Pair<'a>,
    b: Dd,
    high: &'a mut [f64],
    low: &'a mut [f64],
}

impl NullaryFnOnce for Subtract<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.high.len();
        let (x, high, low) = (&self.x.high[..n], &mut self.high[..n], &mut self.low[..n]);
        let (bh, bl) = (-self.b.hi, -self.b.lo);
        match self.x.low {
            None => {
                for i in 0..n {
                    let p = x[i] * bh;
                    let e = x[i].mul_add(bh, -p);
                    let (s, t) = two_sum(high[i], p);
                    high[i] = s;
                    low[i] += x[i].mul_add(bl, e) + t;
                }
            }
            Some(xl) => {
                let xl = &xl[..n];
                for i in 0..n {
                    let p = x[i] * bh;
                    let e = x[i].mul_add(bh, -p);
                    let (s, t) = two_sum(high[i], p);
                    high[i] = s;
                    low[i] += xl[i].mul_add(bh, x[i].mul_add(bl, e)) + t;
                }
            }
        }
    }
}

/// `(high, low) -= x b`, in twice the precision; the pair is left unnormalised.
pub fn subtract(x: Pair<'_>, b: Dd, high: &mut [f64], low: &mut [f64]) {
    Arch::new().dispatch(Subtract { x, b, high, low });
}

struct Normalize<'a>(&'a mut [f64], &'a mut [f64]);

impl NullaryFnOnce for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.0.len();
        let (high, low) = (&mut self.0[..n], &mut self.1[..n]);
        for i in 0..n {
            let (s, e) = two_sum(high[i], low[i]);
            high[i] = s;
            low[i] = e;
        }
    }
}

/// Makes `low` the rounding error of `high + low`.
pub fn normalize(high: &mut [f64], low: &mut [f64]) {
    Arch::new().dispatch(Normalize(high, low));
}

struct Scale<'a> {
    w: &'a [f64],
    x: Pair<'a>,
    high: &'a mut [f64],
    low: &'a mut [f64],
}

impl NullaryFnOnce for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.high.len();
        let (w, x, high, low) = (
            &self.w[..n],
            &self.x.high[..n],
            &mut self.high[..n],
            &mut self.low[..n],
        );
        match self.x.low {
            None => {
                for i in 0..n {
                    let p = w[i] * x[i];
                    low[i] = w[i].mul_add(x[i], -p);
                    high[i] = p;
                }
            }
            Some(xl) => {
                let xl = &xl[..n];
                for i in 0..n {
                    let p = w[i] * x[i];
                    low[i] = w[i].mul_add(xl[i], w[i].mul_add(x[i], -p));
                    high[i] = p;
                }
            }
        }
    }
}

/// `(high, low) = w x`, in twice the precision.
pub fn scale(w: &[f64], x: Pair<'_>, high: &mut [f64], low: &mut [f64]) {
    Arch::new().dispatch(Scale { w, x, high, low });
}

/// Adds to a sum that is kept as value and error; normalise with [`Dd::two_sum`] when it is read.
#[inline(always)]
pub fn accumulate(cell: &mut Dd, value: f64, error: f64) {
    let (s, e) = two_sum(cell.hi, value);
    cell.hi = s;
    cell.lo += e + error;
}

struct Corner<'a> {
    product: &'a [f64],
    centers: &'a [f64],
    rests: &'a [f64],
    center: Dd,
    c: f64,
    r: f64,
    high: &'a mut [f64],
    low: &'a mut [f64],
}

impl NullaryFnOnce for Corner<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.high.len();
        let (product, centers, rests) = (&self.product[..n], &self.centers[..n], &self.rests[..n]);
        let (high, low) = (&mut self.high[..n], &mut self.low[..n]);
        let (wh, wl, c, r) = (self.center.hi, self.center.lo, self.c, self.r);
        for j in 0..n {
            let p = wh * centers[j];
            let e = wl.mul_add(centers[j], wh.mul_add(centers[j], -p));
            let middle = product[j] + c.mul_add(rests[j], r * centers[j]);
            let (s, t) = two_sum(high[j], p);
            let (s, u) = two_sum(s, middle);
            high[j] = s;
            low[j] += (t + u) + e;
        }
    }
}

/// A row of a gram moved from the centres of a run of rows to the origin, and added to a sum in twice the
/// precision: `sum += product + c rests + r centers + center centers`, `center` being c times the weight.
#[allow(clippy::too_many_arguments)]
pub fn add_corner(
    product: &[f64],
    centers: &[f64],
    rests: &[f64],
    center: Dd,
    c: f64,
    r: f64,
    high: &mut [f64],
    low: &mut [f64],
) {
    Arch::new().dispatch(Corner {
        product,
        centers,
        rests,
        center,
        c,
        r,
        high,
        low,
    });
}
