//! Special functions in formulas: `gamma`, `digamma`, `trigamma`, `beta`, `lbeta`, `choose`, `lchoose`, `signif`, by R's
//! definitions (nmath), for each row in double precision.

use std::f64::consts::PI;

use nelder_device::special::{digamma, stirling_error, trigamma};

/// A function of one or two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::design) enum Special {
    Gamma,
    Digamma,
    Trigamma,
    Beta,
    LogBeta,
    Choose,
    LogChoose,
    /// To this many significant digits.
    Signif(i32),
    /// The day of a time in seconds, both counted from 1970-01-01.
    Day,
    /// The day that is so many after an origin.
    Since(f64),
}

impl Special {
    /// The function of a name, with its formal arguments.
    pub fn named(function: &str) -> Option<(Special, &'static [&'static str])> {
        Some(match function {
            "gamma" => (Special::Gamma, &["x"]),
            "digamma" => (Special::Digamma, &["x"]),
            "trigamma" => (Special::Trigamma, &["x"]),
            "beta" => (Special::Beta, &["a", "b"]),
            "lbeta" => (Special::LogBeta, &["a", "b"]),
            "choose" => (Special::Choose, &["n", "k"]),
            "lchoose" => (Special::LogChoose, &["n", "k"]),
            "signif" => (Special::Signif(6), &["x", "digits"]),
            _ => return None,
        })
    }

    /// The value at `a`, or at `a` and `b`; `NaN` where an argument is.
    pub fn of(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || b.is_nan() {
            return f64::NAN;
        }
        match self {
            Special::Gamma => gamma(a),
            Special::Digamma => reflected(a, digamma, |x| digamma(1.0 - x) - PI / (PI * from_whole(x)).tan()),
            Special::Trigamma => reflected(a, trigamma, |x| {
                (PI / (PI * from_whole(x)).sin()).powi(2) - trigamma(1.0 - x)
            }),
            Special::Beta => beta(a, b),
            Special::LogBeta => log_beta(a, b),
            Special::Choose => choose(a, b),
            Special::LogChoose => log_choose(a, b),
            Special::Signif(digits) => signif(a, digits),
            Special::Day => (a / 86400.0).floor(),
            Special::Since(origin) => a + origin,
        }
    }
}

/// x less the whole number nearest to it, so that πx keeps its digits.
fn from_whole(x: f64) -> f64 {
    x - x.round()
}

/// A function of positive numbers, continued by its reflection; it has poles at 0, −1, −2, …
fn reflected(x: f64, positive: impl Fn(f64) -> f64, negative: impl Fn(f64) -> f64) -> f64 {
    match x {
        x if x > 0.0 => positive(x),
        x if x == x.floor() => f64::NAN,
        x => negative(x),
    }
}

fn gamma(x: f64) -> f64 {
    match x <= 0.0 && x == x.floor() {
        true => f64::NAN,
        false => libm::tgamma(x),
    }
}

/// B(a, b) = Γ(a) Γ(b) / Γ(a + b)
fn beta(a: f64, b: f64) -> f64 {
    /// Γ is finite below.
    const LARGEST: f64 = 171.614_478_871_822_98;
    if a < 0.0 || b < 0.0 {
        return f64::NAN;
    }
    if a == 0.0 || b == 0.0 {
        return f64::INFINITY;
    }
    match a + b < LARGEST {
        true => (1.0 / gamma(a + b)) * gamma(a) * gamma(b),
        false => log_beta(a, b).exp(),
    }
}

/// log B(a, b); for large arguments by Stirling's formula, whose large parts cancel in closed form.
fn log_beta(a: f64, b: f64) -> f64 {
    let half_log_two_pi = 0.5 * (2.0 * PI).ln();
    let (p, q) = (a.min(b), a.max(b));
    if p < 0.0 {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    if q.is_infinite() {
        return f64::NEG_INFINITY;
    }
    let share = p / (p + q);
    if p >= 10.0 {
        let rest = stirling_error(p) + stirling_error(q) - stirling_error(p + q);
        return -0.5 * q.ln() + half_log_two_pi + rest + (p - 0.5) * share.ln() + q * (-share).ln_1p();
    }
    if q >= 10.0 {
        let rest = stirling_error(q) - stirling_error(p + q);
        return libm::lgamma(p) + rest + p - p * (p + q).ln() + (q - 0.5) * (-share).ln_1p();
    }
    if p < 1e-306 {
        return libm::lgamma(p) + (libm::lgamma(q) - libm::lgamma(p + q));
    }
    (gamma(p) * (gamma(q) / gamma(p + q))).ln()
}

fn is_whole(x: f64) -> bool {
    (x - x.round_ties_even()).abs() <= 1e-9 * x.abs().max(1.0)
}

/// Below, a binomial coefficient is a product.
const FEW: f64 = 30.0;

/// (n over k); k is rounded to a whole number, n need not be one.
fn choose(n: f64, k: f64) -> f64 {
    let mut k = k.round_ties_even();
    if k < FEW {
        if is_whole(n) && n - k < k && n - k >= 0.0 {
            k = (n - k).round_ties_even();
        }
        if k <= 0.0 {
            return if k < 0.0 { 0.0 } else { 1.0 };
        }
        let product = (2..=k as u32).fold(n, |r, j| r * ((n - f64::from(j) + 1.0) / f64::from(j)));
        return if is_whole(n) {
            product.round_ties_even()
        } else {
            product
        };
    }
    if n < 0.0 {
        let positive = choose(k - n - 1.0, k);
        return if k % 2.0 == 0.0 { positive } else { -positive };
    }
    if is_whole(n) {
        let n = n.round_ties_even();
        return match n - k {
            left if left < 0.0 => 0.0,
            left if left < FEW => choose(n, left),
            _ => between(n, k).exp().round_ties_even(),
        };
    }
    if n < k - 1.0 {
        // Γ(n − k + 1) of a negative number has a sign
        let (size, sign) = libm::lgamma_r(n - k + 1.0);
        return f64::from(sign) * (libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - size).exp();
    }
    between(n, k).exp()
}

/// log (n over k) for n ≥ k: −log(n + 1) − log B(n − k + 1, k + 1).
fn between(n: f64, k: f64) -> f64 {
    -(n + 1.0).ln() - log_beta(n - k + 1.0, k + 1.0)
}

/// log |(n over k)|
fn log_choose(n: f64, k: f64) -> f64 {
    let k = k.round_ties_even();
    if k < 2.0 {
        return match k {
            k if k < 0.0 => f64::NEG_INFINITY,
            0.0 => 0.0,
            _ => n.abs().ln(),
        };
    }
    if n < 0.0 {
        return log_choose(k - n - 1.0, k);
    }
    if is_whole(n) {
        let n = n.round_ties_even();
        return match n - k {
            left if left < 0.0 => f64::NEG_INFINITY,
            left if left < 2.0 => log_choose(n, left),
            _ => between(n, k),
        };
    }
    if n < k - 1.0 {
        return libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    }
    between(n, k)
}

/// x to `digits` significant digits: 10^−e round(10^e x), the power split where it would overflow.
fn signif(x: f64, digits: i32) -> f64 {
    /// Decimal exponent of the largest double.
    const MOST: i32 = 308;
    if x == 0.0 || x.is_infinite() || digits >= 22 {
        return x;
    }
    let (size, sign) = (x.abs(), x.signum());
    let mut e = digits - 1 - size.log10().floor() as i32;
    let mut rest = 1.0;
    if e > MOST {
        rest = 10f64.powi(e - MOST);
        e = MOST;
    }
    let rounded = if e > 0 {
        let power = 10f64.powi(e);
        ((power * size) * rest).round_ties_even() / power / rest
    } else {
        let power = 10f64.powi(-e);
        (size / power).round_ties_even() * power
    };
    sign * rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by arithmetic of 60 digits (mpmath). Powers of e, and what Γ of a large argument is, amplify the rounding of an
    /// exponent of up to 700 by as much.
    #[test]
    fn values_are_those_of_sixty_digits() {
        #[rustfmt::skip]
        let cases = [
            (Special::Gamma, 0.1, 0.0, 9.5135076986687312858),
            (Special::Gamma, 0.75, 0.0, 1.2254167024651776451),
            (Special::Gamma, 4.5, 0.0, 11.631728396567448929),
            (Special::Gamma, 33.25, 0.0, 6.2887359653748807734e+35),
            (Special::Gamma, 170.5, 0.0, 5.5620924145599996107e+305),
            (Special::Gamma, -0.5, 0.0, -3.5449077018110320546),
            (Special::Gamma, -2.25, 0.0, -1.7428148657282526509),
            (Special::Gamma, -20.0625, 0.0, -5.4797519120441022235e-18),
            (Special::Gamma, -0.9999, 0.0, -10000.42292552527795),
            (Special::Digamma, 0.25, 0.0, -4.2274535333762654081),
            (Special::Digamma, 7.5, 0.0, 1.9467574842460867881),
            (Special::Digamma, -0.5, 0.0, 0.036489973978576520559),
            (Special::Digamma, -3.25, 0.0, 4.4662758723502799671),
            (Special::Digamma, -17.9375, 0.0, -12.879343674322585512),
            (Special::Trigamma, 0.25, 0.0, 17.197329154507110739),
            (Special::Trigamma, 7.5, 0.0, 0.14261589669670379977),
            (Special::Trigamma, -0.5, 0.0, 8.9348022005446793094),
            (Special::Trigamma, -3.25, 0.0, 19.474085068082155114),
            (Special::Trigamma, -17.9375, 0.0, 259.26116715475234706),
            (Special::Beta, 0.5, 0.5, PI),
            (Special::LogBeta, 0.5, 0.5, 1.1447298858494001741),
            (Special::Beta, 2.25, 7.0, 0.011804467788240607713),
            (Special::LogBeta, 2.25, 7.0, -4.4392771930492148805),
            (Special::Beta, 40.5, 120.25, 1.7895935852294034323e-40),
            (Special::LogBeta, 40.5, 120.25, -91.521415173046192402),
            (Special::Beta, 200.0, 300.5, 1.2767478802341664415e-147),
            (Special::LogBeta, 200.0, 300.5, -338.23569254386309639),
            (Special::Beta, 0.001, 50.0, 995.5316196782522156),
            (Special::LogBeta, 0.001, 50.0, 6.9032768856098271687),
            (Special::Beta, 100000.0, 3.5, 1.0508898760965610185e-17),
            (Special::LogBeta, 100000.0, 3.5, -39.094309274611231626),
            (Special::Choose, 5.0, 2.0, 10.0),
            (Special::LogChoose, 5.0, 2.0, std::f64::consts::LN_10),
            (Special::Choose, 60.0, 30.0, 118264581564861424.0),
            (Special::LogChoose, 60.0, 30.0, 39.311700726011262416),
            (Special::Choose, 7.5, 3.0, 44.6875),
            (Special::LogChoose, 7.5, 3.0, 3.799693820454226417),
            (Special::Choose, -2.5, 4.0, 9.0234375),
            (Special::LogChoose, -2.5, 4.0, 2.1998253590362767492),
            (Special::Choose, -3.25, 33.0, -1140.4477851850917069),
            (Special::LogChoose, -3.25, 33.0, 7.0391762582871746238),
            (Special::Choose, 9.5, 40.0, 2.1322181565420570393e-11),
            (Special::LogChoose, 9.5, 40.0, -24.571273197033623646),
            (Special::Choose, 50.25, 33.0, 12819398770375.708896),
            (Special::LogChoose, 50.25, 33.0, 30.181980668534730441),
            (Special::Choose, 100.0, 97.0, 161700.0),
            (Special::LogChoose, 100.0, 97.0, 11.993498045565198214),
            (Special::Choose, 64.0, 33.0, 1777090076065542336.0),
            (Special::LogChoose, 64.0, 33.0, 42.02150891174437049),
        ];
        let mut wrong = Vec::new();
        for (special, a, b, exact) in cases {
            let got = special.of(a, b);
            let ulps = ((got - exact) / exact).abs() / f64::EPSILON;
            let exponent = match special {
                Special::Beta => exact.abs().ln().abs().max(libm::lgamma(a + b).abs()),
                Special::Choose => exact.abs().ln().abs(),
                // ψ is right to 4 units of 1 near its zeros, and the reflection is a difference
                Special::Digamma => 4.0 * (digamma(1.0 - a).abs().max(1.0) / exact.abs()).max(1.0),
                _ => 0.0,
            };
            if ulps > 8.0 + 2.0 * exponent {
                wrong.push(format!(
                    "{special:?}({a}, {b}): {got:e}, not {exact:e}: {ulps} ulp"
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn poles_and_borders_are_as_in_r() {
        let of = |special: Special, a: f64, b: f64| special.of(a, b);
        for x in [0.0, -1.0, -30.0] {
            assert!(of(Special::Gamma, x, 0.0).is_nan() && of(Special::Digamma, x, 0.0).is_nan());
        }
        assert_eq!(of(Special::Gamma, 171.7, 0.0), f64::INFINITY);
        assert_eq!(of(Special::Beta, 0.0, 3.0), f64::INFINITY);
        assert!(of(Special::Beta, -1.0, 3.0).is_nan());
        assert_eq!(of(Special::Choose, 5.0, -1.0), 0.0);
        assert_eq!(of(Special::Choose, 5.0, 0.0), 1.0);
        assert_eq!(of(Special::Choose, 40.0, 35.0), 658_008.0);
        assert_eq!(of(Special::Choose, 30.0, 35.0), 0.0);
        assert_eq!(of(Special::LogChoose, 30.0, 35.0), f64::NEG_INFINITY);
        assert_eq!(of(Special::Signif(3), 123_456.0, 0.0), 123_000.0);
        assert_eq!(of(Special::Signif(2), -0.001_251, 0.0), -0.0013);
        assert_eq!(of(Special::Signif(1), 5e-324, 0.0), 5e-324);
    }
}
