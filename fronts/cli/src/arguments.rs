//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Statistical models of data files, with R's formulas and R's answers.
#[derive(Parser)]
#[command(name = "nelder", version, about)]
pub struct Nelder {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Fit a linear model by least squares: R's lm and summary.
    Lm(Box<LmOptions>),
    /// Predict new rows from a saved fit: R's predict.
    Predict(PredictOptions),
    /// Analysis of variance of a saved fit, or of several: R's anova.
    Anova(AnovaOptions),
}

/// Around what an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Interval {
    /// The mean at each row.
    Confidence,
    /// A new observation at each row.
    Prediction,
}

/// `nelder predict`.
#[derive(Args)]
pub struct PredictOptions {
    /// A fit written by `nelder lm --save`.
    pub fit: PathBuf,
    /// The rows to predict; they need no response.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Add the ends of an interval, `lwr` and `upr`.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Add standard errors of the fitted values, `se_fit`.
    #[arg(long)]
    pub se: bool,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// Where to write, .parquet or .csv: one row for each row of the data, missing where a value is missing.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `nelder anova`.
#[derive(Args)]
pub struct AnovaOptions {
    /// Fits written by `nelder lm --save`: one for its terms in sequence, several to compare.
    #[arg(required = true, value_name = "FIT")]
    pub fits: Vec<PathBuf>,
}

/// `nelder lm`.
#[derive(Args)]
pub struct LmOptions {
    /// The model, such as 'y ~ x + factor(g)'.
    pub formula: String,
    /// The data: .parquet, .csv, .tsv, .arrow or .feather.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Case weights: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub weights: Option<String>,
    /// Rows to use: a logical expression of the columns.
    #[arg(long, value_name = "E")]
    pub subset: Option<String>,
    /// An offset: an expression of the columns.
    #[arg(long, value_name = "E", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// Rows with missing values: omit, exclude or fail.
    #[arg(long, value_name = "ACTION", default_value = "omit", value_parser = ["omit", "exclude", "fail"])]
    pub na: String,
    /// Contrasts by variable: name=treatment, sum, helmert or poly; several with commas.
    #[arg(long, value_name = "NAME=KIND,...", value_delimiter = ',')]
    pub contrasts: Vec<String>,
    /// Covariance of the coefficients: iid, HC0 to HC3, or cluster:COLUMN.
    #[arg(long, value_name = "KIND", default_value = "iid")]
    pub vcov: String,
    /// Level of the confidence intervals.
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// A column is aliased when less than this part of its norm is left [default: 1e-7, certified 1e-15].
    #[arg(long)]
    pub tol: Option<f64>,
    /// auto, f64 or certified.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f64", "certified"])]
    pub precision: String,
    /// Print one JSON object instead of the table.
    #[arg(long, conflicts_with = "tidy")]
    pub json: bool,
    /// Write the coefficients to a CSV file.
    #[arg(long, value_name = "OUT.csv")]
    pub tidy: Option<PathBuf>,
    /// Write the rows of the fit with fitted values, residuals and diagnostics.
    #[arg(long, value_name = "OUT.parquet")]
    pub augment: Option<PathBuf>,
    /// Add dfbetas to --augment, one column for each coefficient.
    #[arg(long, requires = "augment")]
    pub dfbetas: bool,
    /// Keep the fit for `nelder predict` and `nelder anova`.
    #[arg(long, value_name = "FIT")]
    pub save: Option<PathBuf>,
    /// Print how the fit was computed: algorithm, condition, digits, passes.
    #[arg(long)]
    pub explain: bool,
}
