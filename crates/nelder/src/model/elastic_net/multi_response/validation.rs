//! Cross-validation of a path of several responses: `cv.glmnet`.

use std::sync::Arc;

use super::fit::{MultiNet, without_classes};
use super::gaussian_folds::gaussian;
use super::multi_path::MultiPath;
use super::multinomial_folds::multinomial;
use super::responses::{Responses, bind_responses};
use super::spec::{MultiFamily, MultiValidationSpec};
use super::validated::MultiValidated;
use crate::frame::Source;
use crate::model::elastic_net::cross_validation_spec::CrossValidationSpec;
use crate::model::elastic_net::curve::{Choice, Curve};
use crate::model::elastic_net::fit::in_names_of;
use crate::model::elastic_net::held_out_predictors::HeldOutPredictors;
use crate::model::elastic_net::validated::best_of;
use crate::model::{ModelError, ModelFrame};
use crate::pass::Run;

/// A cross-validated path of several responses.
pub struct MultiValidation<'s> {
    /// Specification.
    pub spec: MultiValidationSpec,
    /// The path of all rows, of the α whose error is least.
    pub fit: MultiNet<'s>,
    /// Its error by λ.
    pub curve: Curve,
    /// The same for each α, where several were asked for, in their order.
    pub grid: Vec<(f64, MultiPath, Curve)>,
    /// The linear predictors of held-out rows, by λ and response, where they are kept.
    pub held_out: Option<HeldOutPredictors>,
}

impl MultiValidation<'_> {
    /// The α whose error is least.
    pub fn alpha(&self) -> f64 {
        self.fit.spec.net.alpha
    }

    /// λ of a choice.
    pub fn lambda(&self, choice: Choice) -> f64 {
        self.curve.lambdas[self.curve.index(choice)]
    }
}

/// Cross-validates a path of several responses.
///
/// # Errors
/// Those of [`multi_net`](super::multi_net); folds that are none; too few observations in a fold.
pub fn cross_validate_multi<'s, 'm>(
    spec: &MultiValidationSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<MultiValidation<'s>, ModelError> {
    let run = run.into();
    spec.folds.check(source.rows())?;
    let source: Arc<dyn Source + 's> = Arc::new(source);
    let (bound, responses, found) =
        validated(spec, &source, run).map_err(|e| in_names_of(&spec.model.net.design, &*source, e))?;
    let MultiValidated {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
        few,
        mut kept,
    } = found;
    let best = best_of(&grid, spec.folds.measure);
    let (alpha, path, curve) = grid[best].clone();
    let mut report = problem.report(path.first(), &bound, passes, precision);
    if responses.coded {
        without_classes(&mut report, &bound);
    }
    Ok(MultiValidation {
        spec: MultiValidationSpec {
            model: spec.model.clone(),
            folds: CrossValidationSpec {
                over,
                ..spec.folds.clone()
            },
        },
        fit: MultiNet {
            spec: spec.model.alpha(alpha),
            bound,
            columns: problem.into_columns(),
            responses: responses.names,
            path,
            counts,
            report,
            few,
        },
        curve,
        held_out: (best < kept.len()).then(|| kept.swap_remove(best)),
        grid: if grid.len() > 1 { grid } else { Vec::new() },
    })
}

/// Paths and curves by passes over the rows.
fn validated<'s>(
    spec: &MultiValidationSpec,
    source: &Arc<dyn Source + 's>,
    run: Run<'_>,
) -> Result<(ModelFrame<'s>, Responses, MultiValidated), ModelError> {
    let (bound, responses) = bind_responses(&spec.model, source.clone())?;
    let bound = bound.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.model.family {
        MultiFamily::Gaussian { standardize } => {
            gaussian(spec, &bound, &responses, standardize, run.monitor)?
        }
        MultiFamily::Multinomial { .. } => multinomial(spec, &bound, &responses, run.monitor)?,
    };
    bound.rows.forget_blocks();
    Ok((bound, responses, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use crate::model::elastic_net::multi_response::{MultiNetSpec, multi_net};
    use crate::model::{ElasticNetSpec, ErrorsOver, Folds, Measure};
    use crate::pass::NoProgress;

    const CLASSES: MultiFamily = MultiFamily::Multinomial { grouped: false };

    /// Two columns, and for each row three counts that follow them.
    fn rows(count: usize) -> [Vec<f64>; 5] {
        let x: Vec<f64> = (0..count).map(|i| (i as f64 * 1.7).sin()).collect();
        let z: Vec<f64> = (0..count).map(|i| (i as f64 * 0.9).cos()).collect();
        let of = |k: usize| {
            let count = |i: usize| {
                let lean = [x[i], z[i], -x[i]][k];
                (1.5 + 1.5 * lean + 0.5 * (i as f64 * (2.3 + k as f64)).sin())
                    .max(0.0)
                    .round()
            };
            (0..x.len()).map(count).collect::<Vec<f64>>()
        };
        let [a, b, c] = [of(0), of(1), of(2)];
        [x, z, a, b, c]
    }

    fn spec(formula: &str) -> MultiNetSpec {
        MultiNetSpec::new(ElasticNetSpec::new(formula).alpha(0.7).threshold(1e-14), CLASSES)
    }

    #[test]
    fn counts_of_classes_are_as_many_rows() {
        let [x, z, a, b, c] = rows(60);
        let counted = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("a", &a)
            .with_real("b", &b)
            .with_real("c", &c);
        let fit = multi_net(&spec("cbind(a, b, c) ~ x + z"), &counted, &NoProgress).unwrap();
        let (mut lx, mut lz, mut class) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..x.len() {
            for (k, counts) in [&a, &b, &c].into_iter().enumerate() {
                for _ in 0..counts[i] as usize {
                    lx.push(x[i]);
                    lz.push(z[i]);
                    class.push(k as f64);
                }
            }
        }
        let long = Frame::new()
            .with_real("x", &lx)
            .with_real("z", &lz)
            .with_real("class", &class);
        let other = multi_net(&spec("class ~ x + z"), &long, &NoProgress).unwrap();
        assert_eq!(fit.responses, ["a", "b", "c"]);
        assert_eq!(other.responses, ["0", "1", "2"]);
        // where a path ends depends on the null deviance, which is another
        assert!(fit.path.len() > 10 && other.path.len() > 10);
        for (own, expanded) in fit.path.responses.iter().zip(&other.path.responses) {
            for (s, t) in own.steps.iter().zip(&expanded.steps) {
                assert!((s.lambda / t.lambda - 1.0).abs() < 1e-11);
                assert!((s.intercept - t.intercept).abs() < 1e-9);
                assert!((0..2).all(|j| (s.coefficients.get(j) - t.coefficients.get(j)).abs() < 1e-9));
                let (fall, same) = (
                    s.explained * own.null_deviance,
                    t.explained * expanded.null_deviance,
                );
                assert!((fall - same).abs() < 1e-7 && s.violation < 1e-11, "{fall} {same}");
            }
        }
        // intercepts have the mean zero
        for m in 0..fit.path.len() {
            let sum: f64 = fit.path.responses.iter().map(|p| p.steps[m].intercept).sum();
            assert!(sum.abs() < 1e-12);
        }
    }

    #[test]
    fn folds_of_gaussian_responses_take_one_pass_and_agree_with_their_rows() {
        let [x, z, a, b, _] = rows(50);
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("a", &a)
            .with_real("b", &b);
        let net = ElasticNetSpec::new("cbind(a, b) ~ x + z").threshold(1e-14);
        let model = MultiNetSpec::new(net.clone(), MultiFamily::Gaussian { standardize: false });
        let of = |over: ErrorsOver| {
            let folds = CrossValidationSpec {
                over,
                ..CrossValidationSpec::new(net.clone()).measure(Measure::Squared)
            };
            let spec = MultiValidationSpec::new(model.clone(), folds);
            cross_validate_multi(&spec, &frame, &NoProgress).unwrap()
        };
        let (by_folds, by_rows) = (of(ErrorsOver::Folds), of(ErrorsOver::Rows));
        assert_eq!(by_folds.fit.report.passes.len(), 1);
        for (own, other) in by_folds.curve.errors.iter().zip(&by_rows.curve.errors) {
            assert!((own / other - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_no_class_is_refused() {
        let [x, z, a, _, _] = rows(30);
        let negative: Vec<f64> = a
            .iter()
            .enumerate()
            .map(|(i, v)| if i == 7 { -1.0 } else { *v })
            .collect();
        let rare: Vec<f64> = (0..30)
            .map(|i| f64::from(u8::from(i == 5)) + f64::from(i % 2))
            .collect();
        let few: Vec<f64> = (0..30)
            .map(|i| if i < 2 { 2.0 } else { f64::from(i % 2) })
            .collect();
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("a", &a)
            .with_real("negative", &negative)
            .with_real("one", &[1.0; 30])
            .with_real("rare", &rare)
            .with_real("few", &few);
        let why = |formula: &str| match multi_net(&spec(formula), &frame, &NoProgress) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(why("one ~ x + z").contains("there is one class, `1`"));
        assert!(why("cbind(a, negative) ~ x + z").contains("class `negative` has -1 in row 8"));
        let found = why("rare ~ x + z");
        assert!(found.contains("class `2` has 1 of 30 rows"), "{found}");
        let fit = multi_net(&spec("few ~ x + z"), &frame, &NoProgress).unwrap();
        assert!(fit.few.unwrap().contains("class `2` has 2 rows, fewer than 8"));
        // both rows of a class in one fold
        let of_rows = (0..30).map(|i| if i < 2 { 0 } else { i % 3 }).collect();
        let folds = CrossValidationSpec::new(ElasticNetSpec::new("few ~ x")).folds(Folds::Given(of_rows));
        let wanted = MultiValidationSpec::new(spec("few ~ x"), folds);
        let error = cross_validate_multi(&wanted, &frame, &NoProgress)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("in the rows without fold 1 of 3"), "{error}");
        let two = MultiNetSpec {
            offsets: vec!["x".into(), "z".into()],
            ..spec("few ~ x")
        };
        let error = multi_net(&two, &frame, &NoProgress).err().unwrap().to_string();
        assert!(error.contains("2 offsets for 3 classes"), "{error}");
    }
}
