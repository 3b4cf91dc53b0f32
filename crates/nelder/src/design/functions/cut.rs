//! Numbers to intervals (R's `cut`).

use std::sync::Arc;

use crate::frame::{Levels, MISSING};

/// Arguments of `cut`, and its intervals once they are known.
pub(in crate::design) struct Cut {
    pub rule: CutRule,
    pub intervals: Option<Intervals>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) struct CutRule {
    /// Limits as given, or how many intervals of equal width to make.
    pub breaks: Result<Vec<f64>, usize>,
    pub labels: Labels,
    pub right: bool,
    pub include_lowest: bool,
    /// Significant digits of the limits in labels.
    pub digits: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) enum Labels {
    Intervals,
    /// `labels = FALSE`: 1, 2, ….
    Numbers,
    Given(Vec<String>),
}

/// Intervals between sorted limits, and their labels as levels.
pub(in crate::design) struct Intervals {
    pub breaks: Vec<f64>,
    pub levels: Arc<Levels>,
    /// The code of each interval: equal labels share one.
    codes: Vec<u32>,
}

impl CutRule {
    /// The limits, given the least and the largest of the values.
    pub fn breaks(&self, range: [f64; 2]) -> Result<Vec<f64>, String> {
        let n = match &self.breaks {
            Ok(breaks) => return Ok(breaks.clone()),
            Err(n) => *n,
        };
        let [low, high] = range;
        if !low.is_finite() || !high.is_finite() {
            return Err("there is no value, or an infinite one; give the breaks".into());
        }
        let between = |low: f64, high: f64| -> Vec<f64> {
            let step = (high - low) / n as f64;
            (0..=n)
                .map(|i| if i == n { high } else { low + i as f64 * step })
                .collect()
        };
        let width = high - low;
        if width == 0.0 {
            let width = if low == 0.0 { 1.0 } else { low.abs() };
            return Ok(between(low - width / 1000.0, high + width / 1000.0));
        }
        // a little wider than the values, so that the least and the largest are inside
        let mut breaks = between(low, high);
        breaks[0] = low - width / 1000.0;
        breaks[n] = high + width / 1000.0;
        Ok(breaks)
    }

    /// The intervals between `breaks`.
    pub fn intervals(&self, mut breaks: Vec<f64>) -> Result<Intervals, String> {
        breaks.sort_by(f64::total_cmp);
        let n = breaks.len();
        if breaks.iter().any(|b| b.is_nan()) || n < 2 {
            return Err("the breaks must be at least two numbers, none of them missing".into());
        }
        if breaks.windows(2).any(|w| w[0] == w[1]) {
            return Err("the breaks are not all different".into());
        }
        let labels = match &self.labels {
            Labels::Given(labels) if labels.len() != n - 1 => {
                return Err(format!(
                    "{} labels for {} intervals; give one for each",
                    labels.len(),
                    n - 1
                ));
            }
            Labels::Given(labels) => labels.clone(),
            Labels::Numbers => (1..n).map(|i| i.to_string()).collect(),
            Labels::Intervals => self.labels(&breaks),
        };
        let levels = Levels::fixed(&labels);
        let code = |l: &String| {
            levels
                .code(&crate::frame::Key::Text(l.as_str().into()))
                .unwrap_or(MISSING)
        };
        let codes = labels.iter().map(code).collect();
        Ok(Intervals {
            breaks,
            levels: Arc::new(levels),
            codes,
        })
    }

    /// `(a,b]` with as many digits as the limits need to differ, at most 12 or as many as asked for.
    fn labels(&self, breaks: &[f64]) -> Vec<String> {
        let printed = |digits: usize| breaks.iter().map(|&b| general(b, digits)).collect::<Vec<_>>();
        let differ = |p: &[String]| p.windows(2).all(|w| w[0] != w[1]);
        let found = (self.digits..=self.digits.max(12))
            .map(printed)
            .find(|p| differ(p));
        let n = breaks.len() - 1;
        let Some(printed) = found else {
            return (1..=n).map(|i| i.to_string()).collect();
        };
        let label = |i: usize| {
            let closed_left = !self.right || (self.include_lowest && i == 0);
            let closed_right = self.right || (self.include_lowest && i == n - 1);
            let left = if closed_left { '[' } else { '(' };
            let right = if closed_right { ']' } else { ')' };
            format!("{left}{},{}{right}", printed[i], printed[i + 1])
        };
        (0..n).map(label).collect()
    }
}

impl Intervals {
    pub fn code(&self, values: &[f64], rule: &CutRule) -> Vec<u32> {
        let n = self.breaks.len();
        let (first, last) = (self.breaks[0], self.breaks[n - 1]);
        let code = |&x: &f64| {
            if x.is_nan() || x < first || x > last {
                return MISSING;
            }
            let interval = if rule.right {
                match self.breaks.partition_point(|&b| b < x) {
                    0 if rule.include_lowest => 0,
                    0 => return MISSING,
                    after => after - 1,
                }
            } else {
                match self.breaks.partition_point(|&b| b <= x) {
                    after if after < n => after - 1,
                    _ if rule.include_lowest => n - 2,
                    _ => return MISSING,
                }
            };
            self.codes[interval]
        };
        values.iter().map(code).collect()
    }
}

/// C's `%.{digits}g`; R's `formatC` pads the positive infinity to the width of the negative one.
fn general(x: f64, digits: usize) -> String {
    if x.is_infinite() {
        return if x > 0.0 { " Inf".into() } else { "-Inf".into() };
    }
    let digits = digits.max(1);
    if x == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:.*e}", digits - 1, x);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |s: &str| match s.contains('.') {
        true => s.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => s.to_string(),
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
    } else {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        trimmed(&format!("{x:.decimals$}"))
    }
}
