//! Least squares in exact rational arithmetic: what any computed answer can be held against.
//!
//! Every double is a whole number times a power of two, so the normal equations of a design are whole numbers, and
//! the sweep operator without fractions (Bareiss 1968) solves them without rounding.

use num_bigint::{BigInt, Sign};

/// Whole numbers times 2^`exponent`.
#[derive(Clone)]
pub struct Column {
    values: Vec<BigInt>,
    exponent: i64,
}

/// A finite double as an odd number times a power of two.
fn split(x: f64) -> (i64, i64) {
    assert!(x.is_finite());
    if x == 0.0 {
        return (0, 0);
    }
    let bits = x.to_bits();
    let field = (bits >> 52 & 0x7ff) as i64;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (m, e) = if field == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, field - 1075)
    };
    let zeros = m.trailing_zeros();
    (
        if x < 0.0 { -(m >> zeros) } else { m >> zeros },
        e + i64::from(zeros),
    )
}

impl Column {
    /// The numbers as they are.
    pub fn new(values: &[f64]) -> Column {
        let parts: Vec<(i64, i64)> = values.iter().map(|&x| split(x)).collect();
        let exponent = parts.iter().filter(|p| p.0 != 0).map(|p| p.1).min().unwrap_or(0);
        let whole = |&(m, e): &(i64, i64)| {
            if m == 0 {
                BigInt::ZERO
            } else {
                BigInt::from(m) << (e - exponent)
            }
        };
        Column {
            values: parts.iter().map(whole).collect(),
            exponent,
        }
    }

    /// Each number to the power `k`.
    pub fn power(&self, k: u32) -> Column {
        Column {
            values: self.values.iter().map(|v| v.pow(k)).collect(),
            exponent: self.exponent * i64::from(k),
        }
    }
}

/// `a / b`, rounded, whatever their lengths.
fn ratio(a: &BigInt, b: &BigInt) -> f64 {
    let leading = |v: &BigInt| {
        let shift = v.bits() as i64 - 64;
        let top = if shift > 0 {
            v.magnitude() >> shift
        } else {
            v.magnitude() << -shift
        };
        (top.iter_u64_digits().next().unwrap_or(0) as f64, shift)
    };
    let sign = if (a.sign() == Sign::Minus) == (b.sign() == Sign::Minus) {
        1.0
    } else {
        -1.0
    };
    let ((x, s), (y, t)) = (leading(a), leading(b));
    sign * (x / y) * 2f64.powi((s - t).clamp(-2000, 2000) as i32)
}

/// `|value / (a/b 2^exponent) - 1|` with its sign; 0 where both are zero, infinite where only the truth is.
fn deviation(value: (BigInt, i64), a: &BigInt, b: &BigInt, exponent: i64) -> f64 {
    let (m, e) = value;
    if a.sign() == Sign::NoSign {
        return if m.sign() == Sign::NoSign {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let low = e.min(exponent);
    let (got, want) = ((m * b) << (e - low), a << (exponent - low));
    ratio(&(got - &want), &want)
}

/// The exact solution over the columns that are not aliased.
pub struct Solution {
    /// Numerators of [-G⁻¹ β; βᵀ RSS], lower triangle by rows, over `denominator`.
    sweep: Vec<Vec<BigInt>>,
    denominator: BigInt,
    exponents: Vec<i64>,
    df: i64,
    /// Σw(remaining x)² / Σwx² of each column when its turn came, the columns before it taken out.
    pub pivots: Vec<f64>,
    /// ‖xⱼ‖ √(XᵀWX)⁻¹ⱼⱼ, the inverse sine of the angle between a column and the span of the others, the intercept
    /// among them: the factor by which relative changes of the columns come back in its coefficient.
    pub inflation: Vec<f64>,
    /// |βⱼ| ‖xⱼ‖: how much each column adds to the fitted values, in some unit.
    pub parts: Vec<f64>,
}

/// Solves the normal equations of `columns`, those that are not `aliased`, for `response`.
pub fn solve(columns: &[Column], response: &Column, weights: Option<&Column>, aliased: &[bool]) -> Solution {
    let all: Vec<&Column> = columns.iter().chain([response]).collect();
    let p = columns.len();
    let mut g: Vec<Vec<BigInt>> = Vec::new();
    for (i, a) in all.iter().enumerate() {
        let a: Vec<BigInt> = match weights {
            None => a.values.clone(),
            Some(w) => a.values.iter().zip(&w.values).map(|(x, w)| x * w).collect(),
        };
        let dot = |b: &Column| a.iter().zip(&b.values).map(|(x, y)| x * y).sum();
        g.push(all[..=i].iter().map(|b| dot(b)).collect());
    }
    let norms: Vec<BigInt> = (0..p).map(|j| g[j][j].clone()).collect();
    let mut d = BigInt::from(1);
    let mut pivots = Vec::new();
    let at = |g: &[Vec<BigInt>], i: usize, j: usize| if i >= j { g[i][j].clone() } else { g[j][i].clone() };
    for k in 0..p {
        let pivot = g[k][k].clone();
        pivots.push(ratio(&pivot, &(&norms[k] * &d)));
        if aliased[k] {
            continue;
        }
        assert!(
            pivot.sign() == Sign::Plus,
            "column {k} lies in the span of those before it"
        );
        let row: Vec<BigInt> = (0..=p).map(|j| at(&g, k, j)).collect();
        for i in (0..=p).filter(|&i| i != k) {
            for j in (0..=i).filter(|&j| j != k) {
                g[i][j] = (&g[i][j] * &pivot - &row[i] * &row[j]) / &d;
            }
        }
        g[k][k] = -&d;
        d = pivot;
    }
    let inflation = (0..p)
        .map(|j| {
            if aliased[j] {
                f64::NAN
            } else {
                ratio(&(-&g[j][j] * &norms[j]), &d).sqrt()
            }
        })
        .collect();
    let part = |j: usize| (ratio(&g[p][j], &d) * ratio(&norms[j], &BigInt::from(1)).sqrt()).abs();
    let parts = (0..p)
        .map(|j| if aliased[j] { f64::NAN } else { part(j) })
        .collect();
    let rank = aliased.iter().filter(|a| !**a).count() as i64;
    Solution {
        sweep: g,
        denominator: d,
        exponents: all.iter().map(|c| c.exponent).collect(),
        df: response.values.len() as i64 - rank,
        pivots,
        inflation,
        parts,
    }
}

impl Solution {
    /// Relative error of `value` as coefficient `j`.
    pub fn coefficient_error(&self, j: usize, value: f64) -> f64 {
        let p = self.exponents.len() - 1;
        let (m, e) = split(value);
        let exponent = self.exponents[p] - self.exponents[j];
        deviation((m.into(), e), &self.sweep[p][j], &self.denominator, exponent).abs()
    }

    /// Relative error of `value` as standard error of coefficient `j`: from the relative error δ of its square,
    /// which is rational, √(1 + δ) - 1 = δ / (√(1 + δ) + 1).
    pub fn std_error_error(&self, j: usize, value: f64) -> f64 {
        let p = self.exponents.len() - 1;
        let (m, e) = split(value);
        let a = -(&self.sweep[p][p] * &self.sweep[j][j]);
        let b = &self.denominator * &self.denominator * self.df;
        let exponent = 2 * (self.exponents[p] - self.exponents[j]);
        let delta = deviation((BigInt::from(m).pow(2), 2 * e), &a, &b, exponent);
        (delta / ((1.0 + delta).sqrt() + 1.0)).abs()
    }
}
