//! Fits behind external pointers, and what R asks of them.

use std::sync::{Arc, Mutex};

use nelder::family::Family;
use nelder::frame::Source;
use nelder::model::{
    Detail, Glm, GlmPrediction, GlmSpec, Inference, Influence, Lm, LmSpec, Predictions, Regression, SavedGlm,
    SavedLm, Vcov, glm, influence_to, lm,
};
use nelder::pass::{Monitor, Plan, Run};
use savvy::{ListSexp, OwnedIntegerSexp, OwnedListSexp, OwnedRealSexp, Sexp, savvy};

use crate::background;
use crate::describe::{Options, column, model};
use crate::fingerprint;
use crate::lists::{Elements, Record};
use crate::place::named;
use crate::plain::{of_matrix, plain, rows_of_numbers};
use crate::record;
use crate::resampling;
use crate::source::RSource;

/// A fit.
enum Model {
    Lm(Box<Lm<'static>>),
    Glm(Box<Glm<'static>>),
}

impl Model {
    /// The fitted model: of the first response where there are several.
    fn one(&self) -> &dyn Regression {
        match self {
            Model::Lm(fit) => &**fit,
            Model::Glm(fit) => &**fit,
        }
    }
}

/// A fit and the columns that it was made from.
///
/// @noRd
#[savvy]
struct NelderFit {
    model: Model,
    /// Names of the passes of an iteration, with their deviances.
    trace: Vec<(String, f64)>,
    source: Arc<RSource>,
}

/// A monitor that keeps the deviances of an iteration.
struct Traced<'a> {
    monitor: &'a dyn Monitor,
    trace: &'a Mutex<Vec<(String, f64)>>,
}

impl Monitor for Traced<'_> {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        self.monitor.advance(pass, rows, total)
    }

    fn planned(&self, plan: &Plan) {
        self.monitor.planned(plan);
    }

    fn scored(&self, pass: &str, deviance: f64) {
        let mut trace = self.trace.lock().unwrap_or_else(|e| e.into_inner());
        trace.push((pass.to_string(), deviance));
    }
}

/// A square matrix of R.
fn square(order: usize, at: impl Fn(usize, usize) -> f64) -> savvy::Result<Sexp> {
    let mut out = OwnedRealSexp::new(order * order)?;
    for (k, value) in out.as_mut_slice().iter_mut().enumerate() {
        *value = at(k % order, k / order);
    }
    let order = order as i32;
    out.set_attrib("dim", OwnedIntegerSexp::try_from_slice([order, order])?.into())?;
    out.into()
}

impl NelderFit {
    /// The small numbers of the fit.
    fn record(&self) -> Record {
        match &self.model {
            Model::Lm(fit) => record::linear(fit),
            Model::Glm(fit) => record::generalized(fit, &self.trace),
        }
    }

    /// One list for each response of what there is by row.
    fn by_row(&self, what: &str, options: &Options) -> savvy::Result<Record> {
        let (load, detail) = (options.load(&self.source), detail(what));
        let mut out = Record::default();
        let responses = match &self.model {
            Model::Lm(fit) => fit.each(),
            Model::Glm(_) => Vec::new(),
        };
        let (fits, columns): (Vec<&dyn Regression>, _) = match &self.model {
            Model::Lm(_) => (
                responses.iter().map(|one| one as _).collect(),
                record::linear_columns(what),
            ),
            Model::Glm(fit) => (vec![&**fit], record::generalized_columns(what)),
        };
        let mut all = vec![Influence::default(); fits.len()];
        background::run(load, |monitor| {
            influence_to(
                &fits,
                detail,
                &[],
                monitor,
                |_| (),
                |run, ()| {
                    for (all, part) in all.iter_mut().zip(run.models) {
                        record::append(all, part, run.kept.as_deref(), columns);
                    }
                    true
                },
            )
        })?;
        for one in all {
            out.inner("", record::influence(one, columns));
        }
        Ok(out)
    }

    /// The fit behind a pointer, its small numbers, and the fingerprints of vectors, some of which are its columns, whose
    /// values its passes have added up.
    fn with_record(self, vectors: &ListSexp, threads: usize) -> savvy::Result<Sexp> {
        let mut out = OwnedListSexp::new(3, true)?;
        out.set_name_and_value(0, "record", self.record().into_list()?)?;
        let prints = fingerprint::of_vectors(vectors, threads, Some(&self.source))?;
        out.set_name_and_value(1, "prints", prints)?;
        out.set_name_and_value(2, "pointer", Sexp::try_from(self)?)?;
        out.into()
    }
}

impl NelderFit {
    /// Predictions for the rows of a source.
    fn predicted(&self, source: &RSource, std_errors: bool, options: &Options) -> savvy::Result<Sexp> {
        let load = options.load(source);
        let source: &dyn Source = source;
        let mut out = Record::default();
        match &self.model {
            Model::Lm(fit) => {
                let all: Predictions = background::run(load, |monitor| {
                    let saved: SavedLm = fit.save()?;
                    saved.predict(source, std_errors, monitor)
                })?;
                for one in all.responses {
                    let mut own = Record::default();
                    own.reals("fit", one.fit).reals("se", one.std_error);
                    out.inner("", own);
                }
            }
            Model::Glm(fit) => {
                let all: GlmPrediction = background::run(load, |monitor| {
                    let saved: SavedGlm = fit.save()?;
                    saved.predict(source, std_errors, monitor)
                })?;
                out.inner("", record::generalized_prediction(all));
            }
        }
        out.into_list()?.into()
    }
}

/// A linear fit.
fn linear(source: RSource, spec: &LmSpec, options: &Options) -> savvy::Result<NelderFit> {
    let place = named(&options.device)?;
    let source = Arc::new(source);
    let mut fit = background::run(options.load(&source), |monitor| {
        lm(spec, source.clone(), Run::on(place, monitor))
    })?;
    // residuals come from a pass of their own when they are asked for
    fit.fit.residuals = Vec::new();
    Ok(NelderFit {
        model: Model::Lm(Box::new(fit)),
        trace: Vec::new(),
        source,
    })
}

/// A generalized linear fit, its numbers, and the fingerprints of vectors.
fn generalized(
    source: RSource,
    design: LmSpec,
    description: &ListSexp,
    options: &Options,
    vectors: &ListSexp,
) -> savvy::Result<Sexp> {
    let place = named(&options.device)?;
    let source = Arc::new(source);
    let elements = Elements(description);
    let family: Family = elements.text("family")?.parse()?;
    let mut spec = GlmSpec::new("y ~ 1", family);
    spec.design = design;
    spec.start = Some(elements.reals("start")?).filter(|s| !s.is_empty());
    spec.eta_start = column(&elements, "eta_start")?;
    spec.mu_start = column(&elements, "mu_start")?;
    spec.epsilon = elements.real("epsilon")?;
    spec.max_iterations = u32::try_from(elements.integer("maxit")?).unwrap_or(0);
    spec.epsilon_f64 = elements.real("epsilon_f64")?;
    let trace = Mutex::default();
    let mut fit = background::run(options.load(&source), |monitor| {
        let monitor = Traced {
            monitor,
            trace: &trace,
        };
        glm(&spec, source.clone(), Run::on(place, &monitor))
    })?;
    fit.fit.residuals = Vec::new();
    let made = NelderFit {
        model: Model::Glm(Box::new(fit)),
        trace: trace.into_inner().unwrap_or_else(|e| e.into_inner()),
        source,
    };
    made.with_record(vectors, options.threads)
}

fn detail(name: &str) -> Detail {
    match name {
        "residuals" => Detail::Residuals,
        "deletions" => Detail::Deletions,
        _ => Detail::Leverages,
    }
}

/// @noRd
#[savvy]
impl NelderFit {
    /// Fits a linear model: the columns, the model, the options, and vectors whose fingerprints are wanted. A list of the fit
    /// behind a pointer, its small numbers, and the fingerprints.
    fn lm(
        columns: ListSexp,
        description: ListSexp,
        options: ListSexp,
        vectors: ListSexp,
    ) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        linear(RSource::new(&columns)?, &model(&description)?, &options)?
            .with_record(&vectors, options.threads)
    }

    /// One step of an iteration that R makes, a linear fit: a list of the fit behind a pointer, its small numbers, its report, and
    /// what there is by row.
    fn lm_step(columns: ListSexp, description: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        let made = linear(RSource::new(&columns)?, &model(&description)?, &options)?;
        let mut out = OwnedListSexp::new(4, true)?;
        out.set_name_and_value(0, "record", made.record().into_list()?)?;
        out.set_name_and_value(
            1,
            "report",
            record::report(made.model.one().report()).into_list()?,
        )?;
        out.set_name_and_value(2, "rows", made.by_row("residuals", &options)?.into_list()?)?;
        out.set_name_and_value(3, "pointer", Sexp::try_from(made)?)?;
        out.into()
    }

    /// Fits a linear model of vectors of numbers: the model frame, its terms, `tol` and `precision`, the options. `NULL` where
    /// the frame or the terms have anything else.
    fn lm_of_numbers(
        frame: ListSexp,
        terms: Sexp,
        description: ListSexp,
        options: ListSexp,
    ) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        match plain(&frame, &terms, &description)? {
            Some((source, spec)) => linear(source, &spec, &options)?.with_record(&frame, options.threads),
            None => savvy::NullSexp.into(),
        }
    }

    /// Fits a linear model to a matrix and a vector of numbers, `vectors`, as `lm_of_numbers` does to a frame.
    fn lm_of_matrix(vectors: ListSexp, description: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        match of_matrix(&vectors, &description)? {
            Some((source, spec)) => linear(source, &spec, &options)?.with_record(&vectors, options.threads),
            None => savvy::NullSexp.into(),
        }
    }

    /// Fits a generalized linear model; the description also has `family`, `start`, `eta_start` and `mu_start` (names
    /// of columns), `epsilon`, `maxit`, `epsilon_f64`. The list is that of `lm`.
    fn glm(
        columns: ListSexp,
        description: ListSexp,
        options: ListSexp,
        vectors: ListSexp,
    ) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        let design = model(&description)?;
        generalized(RSource::new(&columns)?, design, &description, &options, &vectors)
    }

    /// Fits a generalized linear model of vectors of numbers, as `lm_of_numbers` does a linear one.
    fn glm_of_numbers(
        frame: ListSexp,
        terms: Sexp,
        description: ListSexp,
        options: ListSexp,
    ) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        match plain(&frame, &terms, &description)? {
            Some((source, spec)) => generalized(source, spec, &description, &options, &frame),
            None => savvy::NullSexp.into(),
        }
    }

    /// Report of the solve: algorithm, device, precision, condition, digits, refinements and passes.
    fn report(&self) -> savvy::Result<Sexp> {
        record::report(self.model.one().report()).into_list()?.into()
    }

    /// One list for each response of what there is by row, `what` being "residuals", "leverages", "diagnostics" (what follows
    /// from leverages), or "deletions" (what each row does to each coefficient).
    fn rows(&self, what: &str, options: ListSexp) -> savvy::Result<Sexp> {
        self.by_row(what, &Options::new(&options)?)?.into_list()?.into()
    }

    /// The inverse of the gram, `NA` where a coefficient is aliased.
    fn unscaled(&self) -> savvy::Result<Sexp> {
        let inverse = self.model.one().unscaled_covariance()?;
        square(inverse.nrows(), |i, j| inverse[(i, j)])
    }

    /// A covariance robust to heteroskedasticity, `kind` being "HC0" to "HC3".
    fn robust(&self, kind: &str, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        let kind: Vcov = kind.parse()?;
        let own = background::run(options.load(&self.source), |monitor| {
            self.model.one().vcov(&kind, monitor)
        })?;
        square(own.matrix.nrows(), |i, j| own.matrix[(i, j)])
    }

    /// Replicates of the coefficients: see `resampling`.
    fn resample(&self, request: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        let spec = resampling::spec(&request)?;
        let found = background::run(options.large(), |monitor| {
            resampling::resampled(self.model.one(), &spec, monitor)
        })?;
        resampling::replicates(found).into_list()?.into()
    }

    /// Terms in their order.
    fn sequential(&self, response: i32, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        match &self.model {
            Model::Lm(fit) => {
                let response = usize::try_from(response).unwrap_or(0);
                let table = background::run(options.load(&self.source), |_| fit.sequential(response))?;
                record::sequential(&table)
            }
            Model::Glm(fit) => {
                let table = background::run(options.load(&self.source), |monitor| fit.sequential(monitor))?;
                record::sequential_deviance(&table)
            }
        }
        .into_list()?
        .into()
    }

    /// The models without each of some terms.
    fn drop1(&self, terms: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
        let options = Options::new(&options)?;
        let labels = Elements(&terms).texts("terms")?;
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        match &self.model {
            Model::Lm(fit) => {
                let table =
                    background::run(options.load(&self.source), |_| fit.drop1(0, Some(&labels), 2.0))?;
                record::changes(&table)
            }
            Model::Glm(fit) => {
                let table = background::run(options.load(&self.source), |monitor| fit.drop1(2.0, monitor))?;
                record::deviance_changes(&table)
            }
        }
        .into_list()?
        .into()
    }

    /// Predictions for other rows, given as columns of the same names.
    fn predict(&self, columns: ListSexp, std_errors: bool, options: ListSexp) -> savvy::Result<Sexp> {
        self.predicted(&RSource::new(&columns)?, std_errors, &Options::new(&options)?)
    }

    /// Predictions for the rows of a model frame. `NULL` where the fit's variables are other than vectors of numbers, or the frame's.
    fn predict_numbers(&self, frame: ListSexp, std_errors: bool, options: ListSexp) -> savvy::Result<Sexp> {
        match rows_of_numbers(&frame, &self.source)? {
            Some(rows) => self.predicted(&rows, std_errors, &Options::new(&options)?),
            None => savvy::NullSexp.into(),
        }
    }
}

/// The rows (from 1) in which one of the columns is missing.
///
/// @noRd
#[savvy]
fn incomplete_rows(columns: ListSexp, rows: f64) -> savvy::Result<Sexp> {
    let found = crate::source::incomplete(&columns, rows as usize);
    OwnedIntegerSexp::try_from_slice(found)?.into()
}

/// Tests if columns are vectors of `rows` numbers without attributes.
///
/// @noRd
#[savvy]
fn are_numbers(columns: ListSexp, rows: f64) -> savvy::Result<Sexp> {
    let mut columns = columns.values_iter();
    let plain = columns.all(|column| crate::plain::is_plain(column.0, rows as usize));
    savvy::OwnedLogicalSexp::try_from_slice([plain])?.into()
}

/// Kinds of columns of a model frame that ask for more than their values: the sum of 1 where one is of 64-bit integers, 2 where one is
/// a time series, 4 where one is no vector of numbers, logical values or strings.
///
/// @noRd
#[savvy]
fn peculiarities(columns: ListSexp) -> savvy::Result<Sexp> {
    let mut found = 0;
    for column in columns.values_iter() {
        found |= crate::source::peculiarities(&column)?;
    }
    OwnedIntegerSexp::try_from_slice([found])?.into()
}

/// Tests for each level of a factor if it has a row, other than those `left_out` (from 1, increasing).
///
/// @noRd
#[savvy]
fn used_levels(codes: Sexp, levels: i32, left_out: savvy::IntegerSexp) -> savvy::Result<Sexp> {
    let used = crate::source::used_levels(&codes, usize::try_from(levels).unwrap_or(0), left_out.as_slice());
    savvy::OwnedLogicalSexp::try_from_slice(used)?.into()
}
