//! `summary` of a linear model as text, character by character what R 4.2 prints in a UTF-8 locale with its default
//! options (`digits = 7`, `width = 80`, `scipen = 0`).

use super::coefficients::print_coefficient_matrix;
use super::format::{
    SMALLEST_P, format_optional, format_p_value, format_significant, general, number, signif, zapsmall,
};
use super::record::{CoefficientRow, EstimatedTerm, LmSummary, ResidualSummary};
use super::text::{self, Justify};

/// R's `max(3, getOption("digits") - 3)`.
const DIGITS: usize = 4;

/// Returns R's print of `summary(lm(...))` for one response.
pub fn summary(fit: &LmSummary) -> String {
    let mut out = format!("\nCall:\n{}\n\n", fit.call);
    out.push_str(if fit.weighted {
        "Weighted Residuals:\n"
    } else {
        "Residuals:\n"
    });
    out.push_str(&residuals(fit));
    if fit.coefficients.is_empty() {
        out.push_str("\nNo Coefficients\n");
    } else {
        match fit.aliased {
            0 => out.push_str("\nCoefficients:\n"),
            n => out.push_str(&format!(
                "\nCoefficients: ({n} not defined because of singularities)\n"
            )),
        }
        out.push_str(&print_coefficient_matrix(&printed(fit), DIGITS));
        out.push_str(&not_printed(fit));
    }
    out.push_str(&format!(
        "\nResidual standard error: {} on {} degrees of freedom\n",
        number(signif(fit.sigma, DIGITS)),
        fit.df_residual
    ));
    match fit.omitted {
        0 => {}
        1 => out.push_str("  (1 observation deleted due to missingness)\n"),
        n => out.push_str(&format!("  ({n} observations deleted due to missingness)\n")),
    }
    if let Some(f) = &fit.f_statistic {
        out.push_str(&format!(
            "Multiple R-squared:  {},\tAdjusted R-squared:  {} \n",
            general(fit.r_squared.unwrap_or(f64::NAN), DIGITS),
            general(fit.adj_r_squared.unwrap_or(f64::NAN), DIGITS),
        ));
        out.push_str(&format!(
            "F-statistic: {} on {} and {} DF,  p-value: {}\n",
            general(f.value, DIGITS),
            number(f.df1),
            number(f.df2),
            format_p_value(&[f.p_value], DIGITS, SMALLEST_P).concat(),
        ));
    }
    out.push('\n');
    out
}

/// The coefficients but those of terms that have estimates only.
fn printed(fit: &LmSummary) -> Vec<CoefficientRow> {
    let hidden = |c: &usize| {
        let mut terms = fit.estimates_only.iter();
        terms.any(|t| (t.first..t.first + t.count).contains(c))
    };
    let rows = fit.coefficients.iter().enumerate();
    rows.filter(|(c, _)| !hidden(c))
        .map(|(_, row)| row.clone())
        .collect()
}

/// A line that names the terms whose coefficients are not printed; empty without any.
fn not_printed(fit: &LmSummary) -> String {
    if fit.estimates_only.is_empty() {
        return String::new();
    }
    let of = |t: &EstimatedTerm| match t.aliased {
        0 => format!("{} ({} coefficients)", t.term, t.count),
        n => format!("{} ({} coefficients, {n} of them not defined)", t.term, t.count),
    };
    let terms: Vec<String> = fit.estimates_only.iter().map(of).collect();
    format!(
        "Estimated without standard errors, not printed: {}\n",
        terms.join(", ")
    )
}

fn residuals(fit: &LmSummary) -> String {
    match &fit.residuals {
        ResidualSummary::Quantiles(q) => {
            let names = ["Min", "1Q", "Median", "3Q", "Max"].map(str::to_owned);
            let values = format_significant(&zapsmall(q, DIGITS as i32 + 1), DIGITS);
            text::named_vector(&names, &values, 1)
        }
        ResidualSummary::All { names, values } => {
            text::named_vector(names, &format_significant(values, DIGITS), 1)
        }
        ResidualSummary::Saturated => {
            format!(
                "ALL {} residuals are 0: no residual degrees of freedom!\n",
                fit.rank
            )
        }
    }
}

/// Returns R's print of `summary` of a model: with several responses each under its name.
pub fn summaries(fits: &[LmSummary]) -> String {
    if let [one] = fits {
        return summary(one);
    }
    fits.iter()
        .map(|fit| format!("Response {} :\n{}\n", fit.response, summary(fit)))
        .collect()
}

/// Returns R's print of the model itself, without `summary`: the call and the coefficients. `fits` has one record for
/// each response; `call` is the model's call.
pub fn brief(call: &str, fits: &[LmSummary]) -> String {
    let mut out = format!("\nCall:\n{call}\n\n");
    let Some(first) = fits.first() else { return out };
    if first.coefficients.is_empty() {
        out.push_str("No coefficients\n\n");
        return out;
    }
    out.push_str("Coefficients:\n");
    let terms: Vec<String> = printed(first).into_iter().map(|c| c.term).collect();
    let estimates = |f: &LmSummary| printed(f).into_iter().map(|c| c.estimate).collect::<Vec<_>>();
    let all: Vec<Option<f64>> = fits.iter().flat_map(estimates).collect();
    let texts = format_optional(&all, DIGITS);
    if fits.len() == 1 {
        out.push_str(&text::named_vector(&terms, &texts, 2));
    } else {
        let columns: Vec<(String, Vec<String>)> = fits
            .iter()
            .zip(texts.chunks(terms.len()))
            .map(|(f, t)| (f.response.clone(), t.to_vec()))
            .collect();
        out.push_str(&text::matrix(&terms, &columns, 2, Justify::Left));
    }
    out.push_str(&not_printed(first));
    out.push('\n');
    out
}
