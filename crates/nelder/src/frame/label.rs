//! Numbers as labels.

/// A number as R's `as.character` prints it: 15 significant digits, the shorter of fixed and scientific
/// notation, integers below 1e5 without exponent (R: `100000` is `1e+05`).
///
/// ```
/// use nelder::frame::number_label;
/// assert_eq!(number_label(0.1), "0.1");
/// assert_eq!(number_label(100000.0), "1e+05");
/// assert_eq!(number_label(123456.0), "123456");
/// ```
pub fn number_label(x: f64) -> String {
    if x.is_nan() {
        return "NA".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Inf".into() } else { "-Inf".into() };
    }
    if x == 0.0 {
        return "0".into();
    }
    // the fewest digits, up to 15, that print the same value as 15 digits do
    let full = format!("{:.14e}", x);
    let (mantissa, exponent) = full.split_once('e').unwrap_or((&full, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let digits = mantissa.chars().filter(|c| c.is_ascii_digit()).count() as i32;
    let decimals = (digits - 1 - exponent).max(0) as usize;
    let fixed = format!("{:.*}", decimals, x);
    let sign = if exponent < 0 { '-' } else { '+' };
    let scientific = format!("{mantissa}e{sign}{:02}", exponent.abs());
    if fixed.len() <= scientific.len() {
        fixed
    } else {
        scientific
    }
}
