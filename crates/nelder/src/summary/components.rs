//! Principal components as a plain record, and as R prints them.

use serde::Serialize;

use super::format::{format_significant, number, round_half_even, signif};
use super::text::{self, Justify};
use crate::model::Prcomp;

/// Record of R's `summary(prcomp(...))`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PcaSummary {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// `PC1`, `PC2`, … for the components that are kept.
    pub components: Vec<String>,
    /// Standard deviations of all components that were computed.
    pub sdev: Vec<f64>,
    /// Part of the total variance of each.
    pub proportion: Vec<f64>,
    /// The same, summed.
    pub cumulative: Vec<f64>,
    /// Loadings, one entry a component.
    pub rotation: Vec<Vec<f64>>,
    /// Centre subtracted from each column.
    pub center: Option<Vec<f64>>,
    /// Divisor of each column.
    pub scale: Option<Vec<f64>>,
    /// Rows used.
    pub nobs: u64,
    /// Rows left out because a value was missing.
    pub omitted: u64,
    /// Number of components that there are, computed or not.
    pub available: usize,
}

/// The record of a fit.
pub fn summary(fit: &Prcomp<'_>) -> PcaSummary {
    let proportion: Vec<f64> = fit.sdev.iter().map(|s| s * s / fit.total).collect();
    let cumulative = proportion
        .iter()
        .scan(0.0, |sum, v| {
            *sum += v;
            Some(*sum)
        })
        .collect();
    let k = fit.rotation.columns();
    PcaSummary {
        columns: fit.names.clone(),
        components: (1..=k).map(|j| format!("PC{j}")).collect(),
        sdev: fit.sdev.clone(),
        proportion,
        cumulative,
        rotation: (0..k).map(|j| fit.rotation.column(j).to_vec()).collect(),
        center: fit.center.clone(),
        scale: fit.scale.clone(),
        nobs: fit.rows,
        omitted: fit.omitted,
        available: fit.available,
    }
}

/// R's `max(3, getOption("digits") - 3)`.
const DIGITS: usize = 4;

/// Returns R's print of `summary(prcomp(...))` with its default options: the importance of the components that are kept.
pub fn importance(fit: &PcaSummary) -> String {
    let k = fit.components.len();
    let title = match k < fit.available {
        true => format!(
            "Importance of first k={k} (out of {}) components:\n",
            fit.available
        ),
        false => "Importance of components:\n".to_owned(),
    };
    let names = [
        "Standard deviation",
        "Proportion of Variance",
        "Cumulative Proportion",
    ]
    .map(str::to_owned);
    let columns: Vec<(String, Vec<String>)> = (0..k)
        .map(|j| {
            let rounded = |v: f64| round_half_even(v, 5);
            let cells = [
                fit.sdev[j],
                rounded(fit.proportion[j]),
                rounded(fit.cumulative[j]),
            ];
            (fit.components[j].clone(), format_significant(&cells, DIGITS))
        })
        .collect();
    title + &text::matrix(&names, &columns, 1, Justify::Right)
}

/// The rotation as R prints it for a `prcomp`.
pub fn rotation(fit: &PcaSummary) -> String {
    let (p, k) = (fit.columns.len(), fit.components.len());
    let columns: Vec<(String, Vec<String>)> = fit
        .components
        .iter()
        .zip(&fit.rotation)
        .map(|(name, axis)| (name.clone(), format_significant(axis, 7)))
        .collect();
    format!("Rotation (n x k) = ({p} x {k}):\n") + &text::matrix(&fit.columns, &columns, 1, Justify::Right)
}

/// Returns R's print of a `prcomp` itself: all standard deviations, and the rotation.
pub fn brief(fit: &PcaSummary) -> String {
    let sdev = text::vector(&format_significant(&fit.sdev, 7));
    format!(
        "Standard deviations (1, .., p={}):\n{sdev}\n{}",
        fit.sdev.len(),
        rotation(fit)
    )
}

/// Both: the importance of the components, and the rotation.
pub fn print(fit: &PcaSummary) -> String {
    format!("{}\n{}", importance(fit), rotation(fit))
}

/// Components that a scree plot shows at most.
const SHOWN: usize = 30;

/// A scree plot as SVG: the variance of each of the first components, and the part of the total that they have together.
pub fn scree(fit: &PcaSummary) -> String {
    use std::fmt::Write as _;
    let shown = fit.sdev.len().min(SHOWN);
    let variances: Vec<f64> = fit.sdev[..shown].iter().map(|s| s * s).collect();
    let most = variances.first().copied().filter(|v| *v > 0.0).unwrap_or(1.0);
    let (left, top, width, height) = (90.0, 50.0, 540.0, 290.0);
    let x = |j: usize| left + width * (j as f64 + 0.5) / shown.max(1) as f64;
    let y = |part: f64| top + height * (1.0 - part);
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 400' font-family='sans-serif' font-size='13'>\n\
         <rect width='720' height='400' fill='white'/>\n\
         <text x='90' y='30' font-size='15'>Variance of the components</text>\n",
    );
    let points = |of: &dyn Fn(usize) -> f64| {
        let all: Vec<String> = (0..shown)
            .map(|j| format!("{:.1},{:.1}", x(j), y(of(j))))
            .collect();
        all.join(" ")
    };
    // writing to a string does not fail
    let _ = writeln!(
        out,
        "<path d='M{left} {top} V{bottom} H{right} V{top}' fill='none' stroke='black'/>",
        bottom = top + height,
        right = left + width
    );
    for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = writeln!(
            out,
            "<text x='{}' y='{:.1}' text-anchor='end'>{}</text>\n<text x='{}' y='{:.1}'>{}%</text>",
            left - 6.0,
            y(part) + 4.0,
            number(signif(part * most, 3)),
            left + width + 6.0,
            y(part) + 4.0,
            100.0 * part
        );
    }
    let step = shown.div_ceil(10).max(1);
    for j in (0..shown).step_by(step) {
        let _ = writeln!(
            out,
            "<text x='{:.1}' y='{}' text-anchor='middle'>{}</text>",
            x(j),
            top + height + 18.0,
            j + 1
        );
    }
    let wide = 0.7 * width / shown.max(1) as f64;
    for (j, v) in variances.iter().enumerate() {
        let _ = writeln!(
            out,
            "<rect x='{:.1}' y='{:.1}' width='{:.1}' height='{:.1}' fill='#1b6ca8'/>",
            x(j) - wide / 2.0,
            y(v / most),
            wide,
            height * v / most
        );
    }
    let _ = writeln!(
        out,
        "<polyline points='{}' fill='none' stroke='#d1495b' stroke-width='2'/>\n\
         <text x='360' y='385' text-anchor='middle'>component</text>\n\
         <text x='{}' y='30' text-anchor='end' fill='#d1495b'>part of the total, summed</text>\n</svg>",
        points(&|j| fit.cumulative[j].min(1.0)),
        left + width
    );
    out
}
