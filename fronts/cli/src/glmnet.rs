//! `nelder glmnet` and `nelder cv-glmnet`.

use std::path::PathBuf;
use std::sync::Arc;

use nelder::design::Columns;
use nelder::family::Family;
use nelder::formula::{deparse_call, parse_expression, parse_formula};
use nelder::model::{
    Alignment, Choice, CrossValidationSpec, Curve, ElasticNet, ElasticNetReport, ElasticNetSpec, ErrorsOver,
    Folds, HeldOutPredictors, LambdaSequence, LmSpec, ModelError, MultiFamily, PathPlace, PerColumn,
    Relaxing, SavedNet, Ties, cross_validate, elastic_net,
};
use nelder::pass::{Executor, Run};
use nelder::summary::elastic_net as summary;
use nelder_data::{Destination, Opened};

use crate::arguments::{CvGlmnetOptions, GlmnetOptions, PathOptions};
use crate::device;
use crate::failure::Failure;
use crate::fit_file::{self, Saved};
use crate::lm::{accuracy, contrasts, missing, warn_dropped_contrasts};
use crate::outputs::{all, destinations, write_whole};
use crate::progress::Progress;
use crate::{collate, data, glmnet_multi, interrupt, output};

/// Fits a path and prints it.
pub fn run(options: &GlmnetOptions) -> Result<(), Failure> {
    check_places(options.gamma, &options.s)?;
    if let Some(family) = glmnet_multi::family(&options.path)? {
        let net = spec(&options.path)?.alpha(options.alpha);
        return glmnet_multi::run(options, net, family);
    }
    let spec = spec(&options.path)?.alpha(options.alpha);
    let call = call("glmnet", &options.path)?;
    let watched = Watched::new(&options.path, None)?;
    let [plot, save] = path_destinations(&options.path)?;
    let fit = watched.finished(elastic_net(&spec, &watched.opened, watched.run()))?;
    let record = summary::summary(&fit, &call);
    let mut written = Vec::new();
    if let Some(destination) = plot {
        written.push(drawn(destination, &summary::path_plot(&fit)));
    }
    written.push(kept(save, || fit.save(None)));
    let mut text = summary::print(&record);
    if !options.s.is_empty() {
        text += "\n";
        text += &coefficients(
            &fit,
            options.s.iter().map(|s| (format!("s={s}"), *s, options.gamma)),
        );
    }
    let json = || output::path_json(&record, &fit.report);
    written.push(deliver(&options.path, &fit, text, json));
    all(written)
}

/// Cross-validates a path and prints what it chooses.
pub fn run_cross_validated(options: &CvGlmnetOptions) -> Result<(), Failure> {
    let model = spec(&options.path)?;
    if let Some(family) = glmnet_multi::family(&options.path)? {
        return glmnet_multi::run_cross_validated(options, model, family);
    }
    let call = call("cv.glmnet", &options.path)?;
    let watched = Watched::new(&options.path, options.foldid.as_deref())?;
    let measure = model.measure(&options.measure)?;
    let model = model.alpha(options.alpha.first().copied().unwrap_or(1.0));
    let spec = folds(
        options,
        &watched.opened,
        CrossValidationSpec::new(model).measure(measure),
    )?;
    let [plot, save] = path_destinations(&options.path)?;
    let keep = keep(options)?;
    let found = watched.finished(cross_validate(&spec, &watched.opened, watched.run()))?;
    let record = summary::cross_validation(&found, &call);
    let mut written = Vec::new();
    if let Some(destination) = plot {
        written.push(drawn(destination, &summary::curve_plot(&record)));
    }
    written.push(kept(save, || {
        let chosen = [Choice::Best, Choice::OneError].map(|choice| place_of(&found.curve, choice));
        found.fit.save(Some(chosen))
    }));
    let mut text = summary::print_cross_validation(&record);
    text += "\n";
    let chosen = [("lambda.min", Choice::Best), ("lambda.1se", Choice::OneError)];
    let at = chosen.map(|(name, choice)| {
        let (gamma, lambda) = found.curve.chosen(choice);
        (name.to_string(), lambda, gamma)
    });
    text += &coefficients(&found.fit, at.into_iter());
    if let (Some(destination), Some(kept)) = (keep, &found.held_out) {
        written.push(held_out(destination, kept, &[]));
    }
    let json = || output::path_json(&record, &found.fit.report);
    written.push(deliver(&options.path, &found.fit, text, json));
    all(written)
}

/// A cross-validation with the folds and α that are asked for.
///
/// # Errors
/// A column of folds that is none.
pub fn folds(
    options: &CvGlmnetOptions,
    opened: &Opened,
    spec: CrossValidationSpec,
) -> Result<CrossValidationSpec, Failure> {
    let folds = match &options.foldid {
        None => Folds::Drawn {
            count: options.nfolds,
            seed: options.seed,
        },
        Some(column) => Folds::of_column(opened, column)?,
    };
    Ok(CrossValidationSpec {
        folds,
        repeats: options.repeats,
        gammas: options.gamma.clone(),
        keep: options.keep.is_some(),
        alphas: match options.alpha.as_slice() {
            [_] => Vec::new(),
            several => several.to_vec(),
        },
        over: match options.ungrouped {
            true => ErrorsOver::Rows,
            false => ErrorsOver::Folds,
        },
        alignment: match options.alignment.as_str() {
            "fraction" => Alignment::Fraction,
            _ => Alignment::Lambda,
        },
        ..spec
    })
}

/// Data, place and progress of a path.
pub struct Watched {
    pub opened: Opened,
    pub place: Arc<dyn Executor>,
    pub progress: Progress,
}

impl Watched {
    /// Opens the data; `foldid` is a column that is named beside the model.
    ///
    /// # Errors
    /// A device that is not there, data that cannot be opened.
    pub fn new(options: &PathOptions, foldid: Option<&str>) -> Result<Self, Failure> {
        let place = device::chosen(options.device.as_deref())?;
        collate::set(&options.collate);
        let opened = data::open(&options.data)?;
        let mut named = texts(options);
        named.extend(foldid);
        data::remark(&opened, &named, false);
        Ok(Watched {
            opened,
            place,
            progress: Progress::new(false),
        })
    }

    /// Where and under whose eyes the fit is computed.
    pub fn run(&self) -> Run<'_> {
        Run::on(self.place.clone(), &self.progress)
    }

    /// A fit, or why there is none.
    ///
    /// # Errors
    /// That of the fit; an interruption.
    pub fn finished<T>(&self, fitted: Result<T, ModelError>) -> Result<T, Failure> {
        self.progress.clear();
        let fit = fitted.map_err(|e| data::unreadable(e, &self.opened))?;
        match interrupt::requested() {
            true => Err(Failure::Interrupted),
            false => Ok(fit),
        }
    }
}

/// Prints the tables and how they were computed, or JSON; warnings go to standard error.
fn deliver(
    options: &PathOptions,
    fit: &ElasticNet<'_>,
    text: String,
    json: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let warnings = fit
        .bound
        .rows
        .rounded()
        .into_iter()
        .chain(fit.warning())
        .collect();
    printed(options, (&fit.report, &fit.columns), text, warnings, json)
}

/// The same of whatever path, from its report and columns.
///
/// # Errors
/// Those of standard output.
pub fn printed(
    options: &PathOptions,
    (report, columns): (&ElasticNetReport, &Columns),
    mut text: String,
    warnings: Vec<String>,
    json: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    if options.json {
        text = json()?;
    } else if options.explain {
        text += "\n";
        text += &output::explain_path(report);
    }
    let printed = output::print(&text);
    for text in warnings {
        output::note(&format!("nelder: warning: {text}"));
    }
    warn_dropped_contrasts(columns);
    printed
}

/// Coefficients at λ, each with a heading, of the mixture with the relaxed fits at γ.
fn coefficients(fit: &ElasticNet<'_>, at: impl Iterator<Item = (String, f64, f64)>) -> String {
    let at: Vec<_> = at
        .map(|(heading, lambda, gamma)| {
            let (intercept, beta) = fit.path.blended(gamma).at(lambda);
            (heading, fit.spec.cox.is_none().then_some(intercept), beta)
        })
        .collect();
    summary::coefficients(fit.names(), &at)
}

/// Where the predictors of held-out rows go.
///
/// # Errors
/// A place that is one of the data, or the plot's; a file of another format.
pub fn keep(options: &CvGlmnetOptions) -> Result<Option<Destination>, Failure> {
    let is_csv = |path: &&PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if let Some(path) = options.keep.as_ref().filter(|path| !is_csv(path)) {
        return Err(Failure::Usage(format!(
            "--keep {}: name a .csv file",
            path.display()
        )));
    }
    let [_, _, keep] = destinations(
        &data::inputs(&options.path.data)?,
        [
            ("--plot", options.path.plot.as_deref()),
            ("--save", options.path.save.as_deref()),
            ("--keep", options.keep.as_deref()),
        ],
    )?;
    Ok(keep)
}

/// The place that a curve chooses.
pub fn place_of(curve: &Curve, choice: Choice) -> PathPlace {
    let (gamma, lambda) = curve.chosen(choice);
    PathPlace { lambda, gamma }
}

/// Refuses a share of the penalized coefficients that is none, and λ below 0.
///
/// # Errors
/// These.
pub fn check_places(gamma: f64, lambdas: &[f64]) -> Result<(), Failure> {
    if !(0.0..=1.0).contains(&gamma) {
        return Err(Failure::Usage(format!("--gamma: {gamma} is not between 0 and 1")));
    }
    match lambdas.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
        Some(s) => Err(Failure::Usage(format!(
            "--s {s}: give a number that is 0 or more"
        ))),
        None => Ok(()),
    }
}

/// Writes the linear predictors of held-out rows: `row`, from 1, `fold`, from 1, and a column for each λ, of several `responses` for each λ and response; with
/// relaxed fits after these one for each γ and λ.
///
/// # Errors
/// Those of the destination.
pub fn held_out(
    destination: Destination,
    kept: &HeldOutPredictors,
    responses: &[String],
) -> Result<(), Failure> {
    write_whole(destination, |out| {
        write!(out, "row,fold")?;
        let count = responses.len().max(1);
        for m in 0..kept.values.len() {
            match responses.get(m % count) {
                None => write!(out, ",s{m}")?,
                Some(name) => write!(out, ",s{}.{name}", m / count)?,
            }
        }
        for (i, (row, fold)) in kept.rows.iter().zip(&kept.folds).enumerate() {
            write!(out, "\n{},{}", row + 1, fold + 1)?;
            for column in &kept.values {
                write!(out, ",{}", column[i])?;
            }
        }
        writeln!(out)
    })
}

/// Where a plot goes, and a saved path.
///
/// # Errors
/// A place that is one of the data.
pub fn path_destinations(options: &PathOptions) -> Result<[Option<Destination>; 2], Failure> {
    destinations(
        &data::inputs(&options.data)?,
        [
            ("--plot", options.plot.as_deref()),
            ("--save", options.save.as_deref()),
        ],
    )
}

/// Writes a path where it is to be kept.
///
/// # Errors
/// A path that cannot be kept, those of its destination.
pub fn kept(
    destination: Option<Destination>,
    save: impl FnOnce() -> Result<SavedNet, ModelError>,
) -> Result<(), Failure> {
    match destination {
        None => Ok(()),
        Some(destination) => fit_file::write(destination, &Saved::Net(Box::new(save()?))),
    }
}

/// Writes a plot.
///
/// # Errors
/// Those of its destination.
pub fn drawn(destination: Destination, svg: &str) -> Result<(), Failure> {
    write_whole(destination, |out| out.write_all(svg.as_bytes()))
}

/// The texts in which columns are named.
fn texts(options: &PathOptions) -> Vec<&str> {
    let optional = [&options.weights, &options.subset, &options.offset];
    let mut texts = vec![options.formula.as_str()];
    texts.extend(optional.into_iter().flatten().map(String::as_str));
    texts
}

/// The call as R would print it.
///
/// # Errors
/// Texts that are no expressions.
pub fn call(function: &str, options: &PathOptions) -> Result<String, Failure> {
    let formula = parse_formula(&options.formula).map_err(ModelError::from)?;
    let mut rest = vec![("data", data::name(&options.data))];
    if options.family != "gaussian" {
        rest.insert(
            0,
            (
                "family",
                parse_expression(&options.family).map_err(ModelError::from)?,
            ),
        );
    }
    let named = [
        ("weights", &options.weights),
        ("subset", &options.subset),
        ("offset", &options.offset),
    ];
    for (name, text) in named {
        if let Some(text) = text {
            rest.push((name, parse_expression(text).map_err(ModelError::from)?));
        }
    }
    Ok(deparse_call(function, &formula, &rest))
}

/// The path that is asked for.
fn spec(options: &PathOptions) -> Result<ElasticNetSpec, Failure> {
    let design = LmSpec {
        weights: options.weights.clone(),
        subset: options.subset.clone(),
        offset: options.offset.clone(),
        missing: missing(&options.na),
        accuracy: accuracy(&options.precision),
        contrasts: contrasts(&options.contrasts)?,
        ..LmSpec::new(&options.formula)
    };
    let lambda = match options.lambda.is_empty() {
        true => LambdaSequence::Automatic {
            count: options.nlambda,
            ratio: options.lambda_min_ratio,
        },
        false => LambdaSequence::Given(options.lambda.clone()),
    };
    Ok(ElasticNetSpec {
        design,
        family: match (options.family.as_str(), MultiFamily::parse(&options.family)) {
            ("cox", _) | (_, Some(_)) => Family::gaussian(),
            (other, None) => family(other)?,
        },
        cox: match options.family.as_str() {
            "cox" => Ties::parse(&options.cox_ties),
            _ => None,
        },
        lambda,
        standardize: !options.no_standardize,
        all_levels: !options.default_contrasts,
        penalty_factors: per_column("--penalty-factor", &options.penalty_factor)?,
        exclude: options.exclude.clone(),
        lower: per_column("--lower", &options.lower)?,
        upper: per_column("--upper", &options.upper)?,
        threshold: options.thresh,
        most_nonzero: options.dfmax,
        most_active: options.pmax,
        most_sweeps: options.maxit,
        printed: options.printed_objective,
        relax: options.relax.then_some(Relaxing {
            most_columns: options.maxp,
        }),
        ..ElasticNetSpec::new("")
    })
}

fn family(text: &str) -> Result<Family, Failure> {
    let family: Family = text
        .parse()
        .map_err(|e| Failure::Usage(format!("--family: {e}")))?;
    match family.estimated {
        false => Ok(family),
        true => Err(Failure::Usage(
            "--family: give theta, as in 'negative.binomial(2)': a path has the same for every lambda".into(),
        )),
    }
}

/// Numbers by column: one for all, or `name=number` for some.
fn per_column(option: &str, texts: &[String]) -> Result<PerColumn, Failure> {
    let number = |text: &str| {
        let read: Result<f64, _> = text.trim().parse();
        read.map_err(|_| Failure::Usage(format!("{option}: `{}` is no number", text.trim())))
    };
    match texts {
        [] => Ok(PerColumn::Default),
        [one] if !one.contains('=') => Ok(PerColumn::All(number(one)?)),
        several => {
            let pair = |text: &String| match text.rsplit_once('=') {
                Some((name, value)) => Ok((name.trim().to_string(), number(value)?)),
                None => Err(Failure::Usage(format!("{option} {text}: write name=number"))),
            };
            Ok(PerColumn::Named(
                several.iter().map(pair).collect::<Result<_, _>>()?,
            ))
        }
    }
}
