//! Numbers as R writes them.
//!
//! R formats a vector with one layout for all of its elements: the fewest decimals that show `digits` significant
//! digits of the element that needs most, trailing zeros apart, and scientific notation where that is narrower
//! (`scipen = 0`). Decimal digits come from the exact binary value.

/// Notation and number of decimals of all elements of one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Fixed { decimals: usize },
    Scientific { decimals: usize },
}

/// `|x|` rounded to `digits` significant digits: its decimal exponent, and how many of the digits remain once
/// trailing zeros are dropped.
fn decimal(x: f64, digits: usize) -> (i32, usize) {
    if x == 0.0 {
        return (0, 1);
    }
    let text = format!("{:.*e}", digits.max(1) - 1, x.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let significant = mantissa
        .trim_end_matches('0')
        .chars()
        .filter(char::is_ascii_digit)
        .count();
    (exponent.parse().unwrap_or(0), significant.max(1))
}

/// The layout R's `format(x, digits)` gives to a vector.
fn layout(x: impl Iterator<Item = f64>, digits: usize) -> Layout {
    let mut negative = 0;
    let mut left = 1;
    let mut decimals = 0_i32;
    let mut significant = 1;
    let mut wide_exponent = false;
    for value in x.filter(|v| v.is_finite()) {
        let (exponent, kept) = decimal(value, digits);
        let minus = usize::from(value < 0.0);
        negative = negative.max(minus);
        let mut whole = exponent + 1;
        // Rounded up to a power of ten by `digits`, but not by the decimals of fixed notation.
        if exponent > 0 && exponent <= 22 {
            let unit = 10_f64.powi(-(digits as i32 - exponent).max(0));
            if value.abs() < 10_f64.powi(exponent) - 0.5 * unit {
                whole -= 1;
            }
        }
        left = left.max(minus + whole.max(1) as usize);
        decimals = decimals.max(kept as i32 - exponent - 1);
        significant = significant.max(kept);
        wide_exponent |= exponent.abs() >= 100;
    }
    let decimals = decimals as usize;
    let fixed = left + if decimals > 0 { decimals + 1 } else { 0 };
    let point = usize::from(significant > 1);
    let scientific = negative + point + significant + if wide_exponent { 5 } else { 4 };
    if fixed <= scientific {
        Layout::Fixed { decimals }
    } else {
        Layout::Scientific {
            decimals: significant - 1,
        }
    }
}

fn write(x: f64, layout: Layout) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    // R has no negative zero in print.
    let x = if x == 0.0 { 0.0 } else { x };
    match layout {
        Layout::Fixed { decimals } => format!("{x:.decimals$}"),
        Layout::Scientific { decimals } => c_exponent(&format!("{x:.decimals$e}")),
    }
}

/// Rust's `1.5e-7` as C's `1.5e-07`.
fn c_exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, size) = match exponent.strip_prefix('-') {
                Some(size) => ('-', size),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{size:0>2}")
        }
        None => text.to_owned(),
    }
}

/// Pads on the left to a common width.
fn justify(texts: Vec<String>) -> Vec<String> {
    let width = texts.iter().map(|t| t.chars().count()).max().unwrap_or(0);
    texts.into_iter().map(|t| format!("{t:>width$}")).collect()
}

/// R's `format(x, digits = digits)`: every element in one layout and one width. NaN is written `NaN`.
///
/// ```
/// use nelder::summary::format::format_significant;
/// assert_eq!(format_significant(&[33.9908_f64, -3.20563], 5), ["33.9908", "-3.2056"]);
/// assert_eq!(format_significant(&[1e5], 7), ["1e+05"]);
/// ```
pub fn format_significant(x: &[f64], digits: usize) -> Vec<String> {
    let layout = layout(x.iter().copied(), digits);
    justify(x.iter().map(|&v| write(v, layout)).collect())
}

/// [`format_significant`] where `None` is R's `NA`.
pub fn format_optional(x: &[Option<f64>], digits: usize) -> Vec<String> {
    let layout = layout(x.iter().flatten().copied(), digits);
    justify(
        x.iter()
            .map(|v| v.map_or_else(|| "NA".to_owned(), |v| write(v, layout)))
            .collect(),
    )
}

/// One number with up to seven significant digits, as R's `cat(x)` and `format(x)` write it.
pub fn number(x: f64) -> String {
    write(x, layout(std::iter::once(x), 7))
}

/// R's `signif(x, digits)`: scaled by a power of ten so that `digits` digits stand before the point, rounded half to
/// even there, and scaled back.
pub fn signif(x: f64, digits: usize) -> f64 {
    if x == 0.0 || !x.is_finite() || digits > 22 {
        return x;
    }
    let shift = digits.max(1) as i32 - 1 - x.abs().log10().floor() as i32;
    if shift > 300 {
        // Close to the smallest double the scale itself would overflow.
        return format!("{:.*e}", digits.max(1) - 1, x).parse().unwrap_or(x);
    }
    if shift > 0 {
        let scale = power_of_ten(shift);
        (x * scale).round_ties_even() / scale
    } else {
        let scale = power_of_ten(-shift);
        (x / scale).round_ties_even() * scale
    }
}

/// R's `round(x, digits)` since 4.0.0: of the two numbers with that many decimals that enclose `x`, the one closer to
/// it as doubles, and of two equally close the one whose last digit is even. Beyond 15 significant digits `x` itself
/// (R then sometimes moves by one unit in the last place).
///
/// ```
/// use nelder::summary::format::round_half_even;
/// assert_eq!(round_half_even(0.15, 1), 0.1);
/// assert_eq!(round_half_even(2.5, 0), 2.0);
/// assert_eq!(round_half_even(-350.0, -2), -400.0);
/// ```
pub fn round_half_even(x: f64, digits: i32) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x;
    }
    // A double has no more than 15 decimal digits to keep.
    let magnitude = x.abs().log10().floor() as i32;
    if digits > 308 + 15 || digits + magnitude + 1 > 15 {
        return x;
    }
    if digits < -308 {
        return 0.0;
    }
    let size = x.abs();
    let scale = |v: f64| {
        if digits >= 0 {
            v * power_of_ten(digits)
        } else {
            v / power_of_ten(-digits)
        }
    };
    let unscale = |v: f64| {
        if digits >= 0 {
            v / power_of_ten(digits)
        } else {
            v * power_of_ten(-digits)
        }
    };
    let scaled = scale(size);
    let below = scaled.floor();
    let (low, high) = (unscale(below), unscale(scaled.ceil()));
    let (down, up) = (size - low, high - size);
    let even = below % 2.0 == 0.0;
    let rounded = if down < up || (down == up && even) {
        low
    } else {
        high
    };
    rounded.copysign(x)
}

/// 10^n; split in two factors where one would overflow.
fn power_of_ten(n: i32) -> f64 {
    format!("1e{}", n.min(308))
        .parse::<f64>()
        .unwrap_or(f64::INFINITY)
        * if n > 308 { 10_f64.powi(n - 308) } else { 1.0 }
}

/// R's `zapsmall(x, digits)`: rounded to the decimals that show `digits` digits of the largest element.
pub fn zapsmall(x: &[f64], digits: i32) -> Vec<f64> {
    let largest = x
        .iter()
        .filter(|v| !v.is_nan())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    // R rounds the number of decimals itself to the nearest whole number.
    let decimals = if largest > 0.0 {
        (f64::from(digits) - largest.log10() + 0.5).floor().max(0.0) as i32
    } else {
        digits
    };
    x.iter().map(|&v| round_half_even(v, decimals)).collect()
}

/// The smallest p-value that is printed as a number: `.Machine$double.eps`.
pub const SMALLEST_P: f64 = f64::EPSILON;

/// R's `format.pval(p, digits, eps)`: values under `eps` as `<eps`, those of at least 0.001 (0.0001 with two or more
/// digits) in one layout, the others in another; NaN as `NA`.
///
/// ```
/// use nelder::summary::format::{SMALLEST_P, format_p_value};
/// assert_eq!(format_p_value(&[1e-20], 4, SMALLEST_P), ["< 2.2e-16"]);
/// assert_eq!(format_p_value(&[1e-20, 0.05], 4, SMALLEST_P), ["<2e-16", "0.05"]);
/// ```
pub fn format_p_value(p: &[f64], digits: usize, eps: f64) -> Vec<String> {
    let fixed = |v: f64| v > 0.0 && v.log10().floor() >= if digits > 1 { -4.0 } else { -3.0 };
    let shown = |v: f64| v >= eps;
    let plain = layout(p.iter().copied().filter(|&v| shown(v) && fixed(v)), digits);
    let small = layout(p.iter().copied().filter(|&v| shown(v) && !fixed(v)), digits);
    let mut texts: Vec<String> = p
        .iter()
        .map(|&v| {
            if shown(v) {
                write(v, if fixed(v) { plain } else { small })
            } else {
                String::new()
            }
        })
        .collect();
    // The bound gets no more digits than the widest number beside it has room for.
    let widest = texts.iter().map(String::len).max().unwrap_or(0);
    let mut bound_digits = digits.saturating_sub(2).max(1);
    let tight = if widest > 0 {
        if bound_digits > 1 && bound_digits + 6 > widest {
            bound_digits = widest.saturating_sub(7).max(1);
        }
        bound_digits == 1 && widest <= 6
    } else {
        bound_digits == 1
    };
    let bound = write(eps, layout(std::iter::once(eps), bound_digits));
    for (text, &v) in texts.iter_mut().zip(p) {
        if v.is_nan() {
            *text = "NA".to_owned();
        } else if v < eps {
            *text = if tight {
                format!("<{bound}")
            } else {
                format!("< {bound}")
            };
        }
    }
    texts
}

/// The significance stars of a p-value; blank for `NaN`.
pub fn stars(p: f64) -> &'static str {
    match p {
        p if p <= 0.001 => "***",
        p if p <= 0.01 => "**",
        p if p <= 0.05 => "*",
        p if p <= 0.1 => ".",
        _ => " ",
    }
}

/// Legend of [`stars`], as R prints it under a table.
pub const STARS_LEGEND: &str = "Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1";

/// R's `formatC(x, digits = digits)`: C's `%.{digits}g`, right-justified in at least `digits + 1` characters.
pub fn general(x: f64, digits: usize) -> String {
    format!("{:>width$}", general_text(x, digits.max(1)), width = digits + 1)
}

fn general_text(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        return write(x, Layout::Fixed { decimals: 0 });
    }
    let (exponent, _) = decimal(x, digits);
    let text = if exponent < -4 || exponent >= digits as i32 {
        format!("{:.*e}", digits - 1, x)
    } else {
        format!("{:.*}", (digits as i32 - 1 - exponent) as usize, x)
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, ""));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    if exponent.is_empty() {
        mantissa.to_owned()
    } else {
        c_exponent(&format!("{mantissa}e{exponent}"))
    }
}
