//! The inner loops of the passes, in double and in twice double precision.
//!
//! Sums in twice the precision follow Ogita, Rump & Oishi (2005), "Accurate sum and dot product", Dot2: the
//! products and partial sums are split into value and rounding error without loss, and the errors are summed
//! beside the values. The result is as accurate as if computed with 106 bits and rounded, up to n² ε².
//! Each loop runs over `LANES` independent sums so that it vectorises; `pulp` selects the instruction set.

use crate::Dd;
use pulp::{Arch, NullaryFnOnce};

/// Independent partial sums in a reduction.
const LANES: usize = 16;

/// `a + b` and its rounding error (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// A running sum with its error term: Dot2's state in one lane.
#[derive(Clone, Copy)]
struct Lanes {
    high: [f64; LANES],
    low: [f64; LANES],
}

impl Lanes {
    const ZERO: Lanes = Lanes { high: [0.0; LANES], low: [0.0; LANES] };

    #[inline(always)]
    fn add(&mut self, lane: usize, value: f64, error: f64) {
        let (s, e) = two_sum(self.high[lane], value);
        self.high[lane] = s;
        self.low[lane] += e + error;
    }

    #[inline(always)]
    fn total(&self) -> Dd {
        let mut total = Dd::ZERO;
        for lane in 0..LANES {
            total = total + Dd::two_sum(self.high[lane], self.low[lane]);
        }
        total
    }
}

/// A column with optional trailing parts.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// Leading parts.
    pub high: &'a [f64],
    /// Trailing parts, of the same length.
    pub low: Option<&'a [f64]>,
}

impl<'a> Pair<'a> {
    /// A column without trailing parts.
    pub fn of(high: &'a [f64]) -> Self {
        Pair { high, low: None }
    }

    /// The rows `from..to`.
    pub fn part(&self, from: usize, to: usize) -> Pair<'a> {
        Pair { high: &self.high[from..to], low: self.low.map(|l| &l[from..to]) }
    }
}

/// Reduces rows to a sum: `term(i)` is a value and its error.
#[inline(always)]
fn reduce(n: usize, term: impl Fn(usize) -> (f64, f64)) -> Dd {
    let mut lanes = Lanes::ZERO;
    let whole = n / LANES * LANES;
    let mut i = 0;
    while i < whole {
        for lane in 0..LANES {
            let (v, e) = term(i + lane);
            lanes.add(lane, v, e);
        }
        i += LANES;
    }
    for (lane, i) in (whole..n).enumerate() {
        let (v, e) = term(i);
        lanes.add(lane, v, e);
    }
    lanes.total()
}

struct Dot<'a>(Pair<'a>, Pair<'a>);

impl NullaryFnOnce for Dot<'_> {
    type Output = Dd;

    #[inline(always)]
    fn call(self) -> Dd {
        let n = self.0.high.len();
        let (a, b) = (&self.0.high[..n], &self.1.high[..n]);
        let product = |i: usize| {
            let p = a[i] * b[i];
            (p, a[i].mul_add(b[i], -p))
        };
        match (self.0.low, self.1.low) {
            (None, None) => reduce(n, product),
            (Some(al), None) => {
                let al = &al[..n];
                reduce(n, |i| {
                    let (p, e) = product(i);
                    (p, al[i].mul_add(b[i], e))
                })
            }
            (None, Some(bl)) => {
                let bl = &bl[..n];
                reduce(n, |i| {
                    let (p, e) = product(i);
                    (p, bl[i].mul_add(a[i], e))
                })
            }
            (Some(al), Some(bl)) => {
                let (al, bl) = (&al[..n], &bl[..n]);
                reduce(n, |i| {
                    let (p, e) = product(i);
                    (p, bl[i].mul_add(a[i], al[i].mul_add(b[i], e)))
                })
            }
        }
    }
}

/// Σ aᵢ bᵢ in twice the precision.
pub fn dot(a: Pair<'_>, b: Pair<'_>) -> Dd {
    Arch::new().dispatch(Dot(a, b))
}

struct Sum<'a>(Pair<'a>);

impl NullaryFnOnce for Sum<'_> {
    type Output = Dd;

    #[inline(always)]
    fn call(self) -> Dd {
        let n = self.0.high.len();
        let a = &self.0.high[..n];
        match self.0.low {
            None => reduce(n, |i| (a[i], 0.0)),
            Some(low) => {
                let low = &low[..n];
                reduce(n, |i| (a[i], low[i]))
            }
        }
    }
}

/// Σ aᵢ in twice the precision.
pub fn sum(a: Pair<'_>) -> Dd {
    Arch::new().dispatch(Sum(a))
}

struct Mean<'a>(&'a [f64], Option<&'a [f64]>);

impl NullaryFnOnce for Mean<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let n = self.0.len();
        let x = &self.0[..n];
        let mut lanes = [0.0; LANES];
        let whole = n / LANES * LANES;
        if let Some(w) = self.1 {
            let w = &w[..n];
            let mut i = 0;
            while i < whole {
                for (lane, s) in lanes.iter_mut().enumerate() {
                    *s = w[i + lane].mul_add(x[i + lane], *s);
                }
                i += LANES;
            }
            for i in whole..n {
                lanes[i - whole] = w[i].mul_add(x[i], lanes[i - whole]);
            }
        } else {
            let mut i = 0;
            while i < whole {
                for (lane, s) in lanes.iter_mut().enumerate() {
                    *s += x[i + lane];
                }
                i += LANES;
            }
            for i in whole..n {
                lanes[i - whole] += x[i];
            }
        }
        lanes.iter().sum()
    }
}

/// Σ wᵢ xᵢ in double precision: the place about which a block is centred, which need not be exact.
pub fn rough_sum(x: &[f64], weights: Option<&[f64]>) -> f64 {
    Arch::new().dispatch(Mean(x, weights))
}

struct Center<'a> {
    x: &'a [f64],
    center: f64,
    root_weight: Option<&'a [f64]>,
    out: &'a mut [f64],
}

impl NullaryFnOnce for Center<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.out.len();
        let x = &self.x[..n];
        let c = self.center;
        match self.root_weight {
            None => {
                for i in 0..n {
                    self.out[i] = x[i] - c;
                }
            }
            Some(s) => {
                let s = &s[..n];
                for i in 0..n {
                    self.out[i] = s[i] * (x[i] - c);
                }
            }
        }
    }
}

/// `out = √w (x - center)`.
pub fn center(x: &[f64], center: f64, root_weight: Option<&[f64]>, out: &mut [f64]) {
    Arch::new().dispatch(Center { x, center, root_weight, out });
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
        let (w, x, high, low) = (&self.w[..n], &self.x.high[..n], &mut self.high[..n], &mut self.low[..n]);
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
    Arch::new().dispatch(Corner { product, centers, rests, center, c, r, high, low });
}

struct Finite<'a>(&'a [f64]);

impl NullaryFnOnce for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        // the exponent of an infinite or missing number is all ones
        const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
        let mut any = [0u64; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                any[lane] |= u64::from(chunk[lane].to_bits() & EXPONENT == EXPONENT);
            }
        }
        any.iter().all(|&a| a == 0) && rest.iter().all(|x| x.is_finite())
    }
}

/// Whether all numbers are finite.
pub fn all_finite(x: &[f64]) -> bool {
    Arch::new().dispatch(Finite(x))
}
