//! Subcommands, arguments and options of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Statistical models of data files, with R's formulas and R's answers.
#[derive(Parser)]
#[command(name = "nelder", version, about)]
pub struct Nelder {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommands of `nelder`.
#[derive(Subcommand)]
pub enum Command {
    /// Fit a linear model by least squares: R's lm and summary.
    Lm(Box<LmOptions>),
    /// Fit a generalized linear model by maximum likelihood: R's glm and summary.
    Glm(Box<GlmOptions>),
    /// Principal components: R's prcomp.
    Prcomp(Box<PrcompOptions>),
    /// Fit paths of penalized models, elastic nets: R's glmnet.
    Glmnet(Box<GlmnetOptions>),
    /// Choose the penalty of an elastic net by cross-validation: R's cv.glmnet.
    CvGlmnet(Box<CvGlmnetOptions>),
    /// Bootstrap the coefficients of a model: bias, standard errors, intervals; R's boot and boot.ci.
    Boot(Box<BootOptions>),
    /// Predict new rows from a saved fit: R's predict.
    Predict(PredictOptions),
    /// Analysis of variance of a saved fit, or of several: R's anova.
    Anova(AnovaOptions),
    /// List what there is to compute on: memory, measured bandwidth, double precision.
    Devices(DevicesOptions),
}

/// `nelder devices`.
#[derive(Args)]
pub struct DevicesOptions {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Data files, and options for reading them.
#[derive(Args)]
pub struct DataOptions {
    /// The data: .parquet, .csv, .tsv, .txt, .arrow or .feather, each also as .gz; a folder or pattern of such files, or
    /// several of these options, as one table (folders named year=2013 are a column); - for standard input.
    #[arg(long = "data", value_name = "FILE", required = true)]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub text: TextOptions,
}

/// Options for reading text files; a separator, types and names that are not given are found in the file.
#[derive(Args, Clone)]
pub struct TextOptions {
    /// Text files: what separates fields, a character or `tab` [default: , ; tab or |, whichever fits].
    #[arg(long, value_name = "CHAR", allow_hyphen_values = true)]
    pub sep: Option<String>,
    /// Text files: the decimal point.
    #[arg(long, value_name = "CHAR", default_value = ".", hide_default_value = true)]
    pub dec: String,
    /// Text files: what stands around fields with separators in them, a character or `none` [default: "].
    #[arg(long, value_name = "CHAR", default_value = "\"", hide_default_value = true)]
    pub quote: String,
    /// Text files: what stands for missing values, beside empty fields [default: NA].
    #[arg(
        long,
        value_name = "A,...",
        value_delimiter = ',',
        allow_hyphen_values = true,
        default_value = "NA",
        hide_default_value = true
    )]
    pub na_strings: Vec<String>,
    /// Text files: types of columns that are not what they look like: text, number or logical.
    #[arg(long, value_name = "NAME=TYPE,...", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Text files: names of the columns, where the first line has none or others.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub names: Vec<String>,
}

/// Around what an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Interval {
    /// The mean at each row.
    Confidence,
    /// A new observation at each row.
    Prediction,
}

/// Kind of predictions of a generalized linear model or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// The linear predictor.
    Link,
    /// The mean; of classes their probabilities, of a Cox model the risk.
    Response,
    /// The coefficients of a path, printed.
    Coefficients,
    /// The columns of a path whose coefficients are not zero, printed.
    Nonzero,
    /// The likeliest class.
    Class,
}

/// `nelder predict`.
#[derive(Args)]
pub struct PredictOptions {
    /// A fit written by `--save` of `nelder lm`, `glm`, `glmnet` or `cv-glmnet`.
    pub fit: PathBuf,
    /// The rows to predict, files as of a fit; they need no response.
    #[arg(long, value_name = "FILE")]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub text: TextOptions,
    /// Of a path: at these lambda, `lambda.min` or `lambda.1se` of a cross-validation, or numbers, between those of the path by interpolation
    /// [default: lambda.1se, and all of a path without cross-validation].
    #[arg(
        long,
        value_name = "L,...",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    pub s: Vec<String>,
    /// Of a path with relaxed fits: the share of the penalized coefficients, 0 for the relaxed ones [default: that of the cross-validation, else 1].
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// Add the ends of an interval, `lwr` and `upr`.
    #[arg(long)]
    pub interval: Option<Interval>,
    /// Add standard errors of the fitted values, `se_fit`.
    #[arg(long)]
    pub se: bool,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// For a generalized linear model the linear predictor or the mean; of a path also coefficients, nonzero or class.
    #[arg(long = "type", value_name = "TYPE")]
    pub scale: Option<Scale>,
    /// Where to write, .parquet or .csv: one row for each row of the data, missing where a value is missing.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Distribution that changes in deviance are tested by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Test {
    /// By a χ² distribution.
    Chisq,
    /// By an F distribution.
    F,
    /// Not at all.
    None,
}

/// `nelder anova`.
#[derive(Args)]
pub struct AnovaOptions {
    /// Fits written by `nelder lm --save` or `nelder glm --save`: one for its terms in sequence, several of the same rows to
    /// compare.
    #[arg(required = true, value_name = "FIT")]
    pub fits: Vec<PathBuf>,
    /// The data of a generalized linear model alone, whose terms are fitted one after the other: the rows of the fit.
    #[arg(long, value_name = "FILE")]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub text: TextOptions,
    /// Test of deviances [default: chisq where the dispersion is known, else f].
    #[arg(long)]
    pub test: Option<Test>,
}

/// `nelder lm`.
#[derive(Args)]
pub struct LmOptions {
    /// The model.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Add dfbetas to --augment, one column for each coefficient.
    #[arg(long, requires = "augment")]
    pub dfbetas: bool,
}

/// `nelder glm`.
#[derive(Args)]
pub struct GlmOptions {
    /// The model.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Family and link: gaussian, binomial, poisson, Gamma, inverse.gaussian, quasi, quasibinomial, quasipoisson,
    /// negative.binomial, tweedie; such as 'binomial(probit)' or 'quasi(link = log, variance = mu)'. Each takes every link:
    /// identity, log, inverse, 1/mu^2, sqrt, logit, probit, cauchit, cloglog, power(x).
    #[arg(long, value_name = "FAMILY", default_value = "gaussian")]
    pub family: String,
    /// Coefficients to start from, in the order of the columns.
    #[arg(long, value_name = "B,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub start: Vec<f64>,
    /// Linear predictors to start from: an expression of the columns.
    #[arg(long, value_name = "E", allow_hyphen_values = true)]
    pub etastart: Option<String>,
    /// Means to start from: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub mustart: Option<String>,
    /// The iteration ends when the relative change of the deviance falls below it.
    #[arg(long, default_value_t = 1e-8, allow_negative_numbers = true)]
    pub epsilon: f64,
    /// Steps at most.
    #[arg(long, default_value_t = 25)]
    pub maxit: u32,
    /// Steps whose relative change of the deviance is above this may form their Hessian in single precision.
    #[arg(long, default_value_t = 1e-6, allow_negative_numbers = true)]
    pub epsilon_f64: f64,
    /// Confidence limits of the coefficients in --json and --tidy: wald or profile.
    #[arg(long, value_name = "KIND", default_value = "wald", value_parser = ["wald", "profile"])]
    pub limits: String,
}

/// `nelder boot`.
#[derive(Args)]
#[command(mut_arg("vcov", |a| a.hide(true)), mut_arg("augment", |a| a.hide(true)), mut_arg("save", |a| a.hide(true)))]
pub struct BootOptions {
    /// The model.
    #[command(flatten)]
    pub model: ModelOptions,
    /// A generalized linear model of this family and link, as of `nelder glm`; without it a linear model.
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Type of resampling: case (rows with replacement, or clusters of them), bayesian (rows or clusters with exponential weights), residual
    /// (residuals drawn again), wild or mammen (residuals times random signs, by row or cluster) or parametric (responses of the model's
    /// distribution).
    #[arg(long = "type", value_name = "TYPE", default_value = "case")]
    pub resampling: String,
    /// Replicates.
    #[arg(short = 'R', long = "replicates", value_name = "N", default_value_t = 1000)]
    pub replicates: u32,
    /// Resample clusters as wholes: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub cluster: Option<String>,
    /// Resample rows within strata: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub strata: Option<String>,
    /// Intervals: perc, basic, norm, bca or studentized.
    #[arg(long, value_name = "KIND", default_value = "perc")]
    pub interval: String,
    /// Seed of the draws: the same draws for the same seed, on any number of threads.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write estimates, bias, standard errors and intervals to a CSV file; - is standard output.
    #[arg(long, value_name = "OUT.csv", conflicts_with_all = ["json", "tidy"])]
    pub csv: Option<PathBuf>,
    /// Write the coefficients of all replicates to a CSV file.
    #[arg(long, value_name = "OUT.csv")]
    pub draws: Option<PathBuf>,
}

/// `nelder prcomp`.
#[derive(Args)]
pub struct PrcompOptions {
    /// The variables, such as '~ a + b + log(c)'; all columns of the data where there is neither a formula nor --columns.
    #[arg(conflicts_with = "columns")]
    pub formula: Option<String>,
    /// The data.
    #[command(flatten)]
    pub data: DataOptions,
    /// The variables by name.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Take the mean from each column: the default.
    #[arg(long, overrides_with = "no_center")]
    pub center: bool,
    /// Take nothing from the columns.
    #[arg(long, overrides_with = "center")]
    pub no_center: bool,
    /// Divide each column by its standard deviation.
    #[arg(long)]
    pub scale: bool,
    /// Keep this many components at most.
    #[arg(long, value_name = "K")]
    pub rank: Option<usize>,
    /// Leave out components whose standard deviation is at most this part of the first.
    #[arg(long, allow_negative_numbers = true)]
    pub tol: Option<f64>,
    /// Case weights: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub weights: Option<String>,
    /// Rows to use: a logical expression of the columns.
    #[arg(long, value_name = "E")]
    pub subset: Option<String>,
    /// Rows with missing values: omit, exclude or fail.
    #[arg(long, value_name = "ACTION", default_value = "omit", value_parser = ["omit", "exclude", "fail"])]
    pub na: String,
    /// Signs of the axes: largest (the largest loading is positive) or computed.
    #[arg(long, default_value = "largest", value_parser = ["largest", "computed"])]
    pub signs: String,
    /// auto, f64 or certified.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f64", "certified"])]
    pub precision: String,
    /// auto, gram, qr or krylov.
    #[arg(long, default_value = "auto", value_parser = ["auto", "gram", "qr", "krylov"])]
    pub algorithm: String,
    /// Where an iteration starts.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where passes run: auto, cpu, cuda, cuda:1, …, wgpu, wgpu:1, … [default: $NELDER_DEVICE, else auto].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Write the scores, one row for each row that is used or has weight zero, .parquet or .csv.
    #[arg(long, value_name = "OUT")]
    pub scores: Option<PathBuf>,
    /// Draw the variances of the components.
    #[arg(long, value_name = "OUT.svg")]
    pub scree: Option<PathBuf>,
    /// Print one JSON object instead of the tables.
    #[arg(long)]
    pub json: bool,
    /// Print how the components were computed: algorithm, digits, passes.
    #[arg(long)]
    pub explain: bool,
}

/// Options of both `nelder lm` and `nelder glm`.
#[derive(Args)]
pub struct ModelOptions {
    /// The model, such as 'y ~ x + factor(g)'.
    pub formula: String,
    /// The data.
    #[command(flatten)]
    pub data: DataOptions,
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
    /// Contrasts by variable: name=treatment, sum, helmert, poly or SAS, or a matrix such as 'name=cbind(c(1, -1, 0))';
    /// several with commas.
    #[arg(long, value_name = "NAME=KIND,...")]
    pub contrasts: Vec<String>,
    /// Order of the levels of text: C (by byte, `Z` before `a`) or root (as in a dictionary: Unicode's default collation, that of
    /// R with ICU).
    #[arg(long, value_name = "ORDER", default_value = "C", value_parser = ["C", "root"])]
    pub collate: String,
    /// Covariance of the coefficients: iid, HC0 to HC3, cluster:COLUMN, or cluster:COLUMN:TYPE, types and defaults being those
    /// of R's sandwich. For G clusters, cluster:COLUMN is HC1 for lm, times G/(G-1) (n-1)/(n-k), and HC0 for glm, times
    /// G/(G-1); HC2 and HC3 divide by 1 - leverage within clusters. Tests are R's lmtest's: t with n-k degrees of freedom for
    /// lm, z for glm.
    #[arg(long, value_name = "KIND", default_value = "iid")]
    pub vcov: String,
    /// Level of the confidence intervals.
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// A column is aliased when less than this part of its norm is left [default: 1e-7, certified 1e-15; glm: at most a thousandth of epsilon].
    #[arg(long)]
    pub tol: Option<f64>,
    /// auto, f64, certified, or f32: the quickest, with the digits that are left stated.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f32", "f64", "certified"])]
    pub precision: String,
    /// Where passes run: auto (where the plan ends first), cpu, cuda, cuda:1, …, wgpu, wgpu:1, … [default: $NELDER_DEVICE, else auto].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Print one JSON object instead of the table.
    #[arg(long, conflicts_with = "tidy")]
    pub json: bool,
    /// Write the coefficients to a CSV file; - is standard output.
    #[arg(long, value_name = "OUT.csv")]
    pub tidy: Option<PathBuf>,
    /// Write the rows of the fit with fitted values, residuals and diagnostics.
    #[arg(long, value_name = "OUT.parquet")]
    pub augment: Option<PathBuf>,
    /// Keep the fit for `nelder predict` and `nelder anova`.
    #[arg(long, value_name = "FIT")]
    pub save: Option<PathBuf>,
    /// Print how the fit was computed: algorithm, condition, digits, passes.
    #[arg(long)]
    pub explain: bool,
}

/// `nelder glmnet`.
#[derive(Args)]
pub struct GlmnetOptions {
    /// The path.
    #[command(flatten)]
    pub path: PathOptions,
    /// Share of absolute values in the penalty, from 0 (ridge) to 1 (lasso).
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub alpha: f64,
    /// Print the coefficients at these lambda, between those of the path by interpolation.
    #[arg(
        long,
        value_name = "L,...",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    pub s: Vec<f64>,
    /// With --relax: the share of the penalized coefficients in those that --s prints; 0 for the relaxed ones.
    #[arg(
        long,
        value_name = "G",
        default_value_t = 1.0,
        requires = "relax",
        allow_negative_numbers = true
    )]
    pub gamma: f64,
}

/// `nelder cv-glmnet`.
#[derive(Args)]
pub struct CvGlmnetOptions {
    /// The path.
    #[command(flatten)]
    pub path: PathOptions,
    /// Share of absolute values in the penalty, from 0 (ridge) to 1 (lasso); several, with commas, are compared over the same folds.
    #[arg(
        long,
        value_name = "A,...",
        value_delimiter = ',',
        default_value = "1",
        allow_negative_numbers = true
    )]
    pub alpha: Vec<f64>,
    /// Loss of a held-out row: default, deviance, mse, mae or class; or of a fold auc, and C of a Cox model.
    #[arg(long, value_name = "MEASURE", default_value = "default")]
    pub measure: String,
    /// Standard errors over rows, not over folds; of a Cox model the deviance of each fold's rows alone.
    #[arg(long)]
    pub ungrouped: bool,
    /// Number of folds.
    #[arg(long, default_value_t = 10)]
    pub nfolds: u32,
    /// Where the draw of the folds starts: the same folds for the same seed, on any number of threads.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The fold of each row: a column of the data, instead of a draw.
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["nfolds", "seed", "repeats"])]
    pub foldid: Option<String>,
    /// Draw the folds this many times, and average.
    #[arg(long, default_value_t = 1)]
    pub repeats: u32,
    /// Compare errors at the same lambda, or at the same place of each fold's path: lambda or fraction.
    #[arg(long, value_name = "HOW", default_value = "lambda", value_parser = ["lambda", "fraction"])]
    pub alignment: String,
    /// With --relax: shares of the penalized coefficients in the mixtures that are compared.
    #[arg(
        long,
        value_name = "G,...",
        value_delimiter = ',',
        default_value = "0,0.25,0.5,0.75,1",
        requires = "relax"
    )]
    pub gamma: Vec<f64>,
    /// Write the linear predictors of held-out rows, a .csv: for each row its fold, and a column for each lambda.
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
}

/// Options of both `nelder glmnet` and `nelder cv-glmnet`.
#[derive(Args)]
pub struct PathOptions {
    /// The model, such as 'y ~ x + factor(g)'; without an intercept where it has `0 +`.
    pub formula: String,
    /// The data.
    #[command(flatten)]
    pub data: DataOptions,
    /// Case weights: an expression of the columns.
    #[arg(long, value_name = "E")]
    pub weights: Option<String>,
    /// Rows to use: a logical expression of the columns.
    #[arg(long, value_name = "E")]
    pub subset: Option<String>,
    /// An offset: an expression of the columns; of several responses or classes 'cbind(a, b)', one for each.
    #[arg(long, value_name = "E", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// Rows with missing values: omit, exclude or fail.
    #[arg(long, value_name = "ACTION", default_value = "omit", value_parser = ["omit", "exclude", "fail"])]
    pub na: String,
    /// Family and link, as of `nelder glm`: gaussian, binomial, poisson, Gamma(log), …; multinomial for a class of several, mgaussian for
    /// several responses, cbind(a, b) ~ x; or cox, for 'Surv(time, status) ~ x + strata(g)' and 'Surv(start, stop, status) ~ x'.
    #[arg(long, value_name = "FAMILY", default_value = "gaussian")]
    pub family: String,
    /// Of multinomial: a penalty for each coefficient, or for the coefficients of a column together.
    #[arg(long, value_name = "TYPE", default_value = "ungrouped", value_parser = ["ungrouped", "grouped"])]
    pub type_multinomial: String,
    /// Of mgaussian: divide each response by its standard deviation.
    #[arg(long)]
    pub standardize_response: bool,
    /// Events at the same time in a Cox model: breslow or efron.
    #[arg(long, value_name = "TIES", default_value = "breslow", value_parser = ["breslow", "efron"])]
    pub cox_ties: String,
    /// Contrasts by variable, as of `nelder lm`; factors that are not named have an indicator for each level.
    #[arg(long, value_name = "NAME=KIND,...")]
    pub contrasts: Vec<String>,
    /// R's contrasts for factors, instead of an indicator for each level.
    #[arg(long)]
    pub default_contrasts: bool,
    /// Order of the levels of text: C (by byte) or root (as in a dictionary).
    #[arg(long, value_name = "ORDER", default_value = "C", value_parser = ["C", "root"])]
    pub collate: String,
    /// Number of lambda.
    #[arg(long, default_value_t = 100)]
    pub nlambda: usize,
    /// The last lambda over the first [default: 0.0001, and 0.01 where columns are more than rows].
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub lambda_min_ratio: Option<f64>,
    /// These lambda, the largest first.
    #[arg(
        long,
        value_name = "L,...",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    pub lambda: Vec<f64>,
    /// Penalize columns as they are, not divided by their standard deviations.
    #[arg(long)]
    pub no_standardize: bool,
    /// Factors of the penalty by column or term, such as 'x=0,carrier=2'; Inf leaves a column out.
    #[arg(long, value_name = "NAME=F,...", value_delimiter = ',')]
    pub penalty_factor: Vec<String>,
    /// Columns or terms to leave out.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Lower limits of the coefficients: one number, or by column or term, such as 'x=0'.
    #[arg(long, value_name = "L", value_delimiter = ',', allow_hyphen_values = true)]
    pub lower: Vec<String>,
    /// Upper limits of the coefficients, likewise.
    #[arg(long, value_name = "U", value_delimiter = ',', allow_hyphen_values = true)]
    pub upper: Vec<String>,
    /// Convergence of coordinate descent, in parts of the null deviance; below 1e-10 the minimum is exact.
    #[arg(long, default_value_t = 1e-7, allow_negative_numbers = true)]
    pub thresh: f64,
    /// The most coefficients other than zero at one lambda.
    #[arg(long)]
    pub dfmax: Option<usize>,
    /// The most coefficients that are ever other than zero.
    #[arg(long)]
    pub pmax: Option<usize>,
    /// Sweeps at most, over a whole path.
    #[arg(long, default_value_t = 100_000)]
    pub maxit: u64,
    /// Fit the active set of each lambda without a penalty too.
    #[arg(long)]
    pub relax: bool,
    /// The most columns of an active set that is fitted so [default: three fewer than rows].
    #[arg(long, value_name = "P", requires = "relax")]
    pub maxp: Option<usize>,
    /// The objective as it is printed, lambda (alpha |b| + (1 - alpha) b^2 / 2); glmnet divides the square by the deviation of the response.
    #[arg(long)]
    pub printed_objective: bool,
    /// auto, f64 or certified.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f64", "certified"])]
    pub precision: String,
    /// Where passes run: auto, cpu, cuda, cuda:1, …, wgpu, wgpu:1, … [default: $NELDER_DEVICE, else auto].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Keep the path for `nelder predict`.
    #[arg(long, value_name = "FIT")]
    pub save: Option<PathBuf>,
    /// Draw the path, or the curve of the cross-validation.
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
    /// Print one JSON object instead of the tables.
    #[arg(long)]
    pub json: bool,
    /// Print how the path was computed: passes, sweeps, optimality.
    #[arg(long)]
    pub explain: bool,
}
