//! Every fitted model through one trait: a linear model and the generalized one that is the same model have the same records and the
//! same inference.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{Detail, GlmSpec, Inference, Influence, LmSpec, Regression, ResidualKind, Vcov, glm, lm};
use nelder::pass::NoProgress;

const X: [f64; 8] = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 40.0];
const Z: [f64; 8] = [0.5, -1.0, 2.0, 0.25, -3.0, 1.5, 0.0, 4.0];
const Y: [f64; 8] = [2.0, 4.0, 3.0, 7.0, 6.0, 9.0, 8.0, 25.0];
const W: [f64; 8] = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.25, 1.0];
const OFFSET: [f64; 8] = [0.5, 0.0, 1.0, 0.0, 2.0, -1.0, 0.0, 3.0];

/// Sums of eight rows in another order, over a design whose condition is below 100.
const NEAR: f64 = 1e-12;

fn near(what: &str, own: &[f64], other: &[f64]) {
    assert_eq!(own.len(), other.len(), "{what}");
    for (a, b) in own.iter().zip(other) {
        let close = (a - b).abs() <= NEAR * a.abs().max(1e-3) || (a.is_nan() && b.is_nan());
        assert!(close, "{what}: {a} and {b}");
    }
}

fn same(own: &dyn Regression, other: &dyn Regression) {
    near("coefficients", own.coef(), other.coef());
    near("standard errors", own.stderror(), other.stderror());
    let records = |fit: &dyn Regression| {
        let likelihood = [fit.loglikelihood(), fit.aic(), fit.bic()];
        let deviances = [fit.deviance(), fit.nulldeviance(), fit.dispersion().value];
        [likelihood, deviances].concat()
    };
    near("records", &records(own), &records(other));
    let counts = |fit: &dyn Regression| {
        let tests = [fit.dof_residual() as f64, fit.dof_tests(false)];
        (fit.nobs(), fit.rank(), fit.dof(), tests, fit.dispersion().known)
    };
    assert_eq!(counts(own), counts(other));
    assert_eq!(own.coefnames(), other.coefnames());
    assert_eq!(
        (own.formula(), own.responsename()),
        (other.formula(), other.responsename())
    );
}

fn inferred(own: &dyn Regression, other: &dyn Regression) {
    for kind in [
        "iid",
        "HC0",
        "HC1",
        "HC2",
        "HC3",
        "cluster:g:HC0",
        "cluster:g:HC1",
    ] {
        let kind: Vcov = kind.parse().unwrap();
        let errors = |fit: &dyn Regression| fit.vcov(&kind, &NoProgress).unwrap().std_errors();
        near(&kind.to_string(), &errors(own), &errors(other));
        let wald = |fit: &dyn Regression| {
            let (value, df1, df2) = fit.wald(&fit.vcov(&kind, &NoProgress).unwrap()).unwrap();
            [value, df1, df2]
        };
        near(&format!("wald, {kind}"), &wald(own), &wald(other));
    }
    let rows = |fit: &dyn Regression| fit.influence(Detail::Deletions, &NoProgress).unwrap();
    let (own, other) = (rows(own), rows(other));
    let columns = |rows: &Influence| {
        let shared = [&rows.fitted, &rows.response, &rows.hat, &rows.sigma, &rows.cooks];
        [
            shared.map(Vec::clone).concat(),
            rows.standardized.clone(),
            rows.studentized.clone(),
        ]
        .concat()
    };
    near("influence", &columns(&own), &columns(&other));
    near("dfbetas", &own.dfbetas.concat(), &other.dfbetas.concat());
    for kind in [
        ResidualKind::Response,
        ResidualKind::Working,
        ResidualKind::Pearson,
        ResidualKind::Deviance,
    ] {
        near(
            &format!("{kind:?} residuals"),
            own.residuals(kind),
            other.residuals(kind),
        );
    }
}

#[test]
fn least_squares_is_the_same_through_either_model() {
    let g = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0];
    let columns = [
        ("x", &X),
        ("z", &Z),
        ("y", &Y),
        ("w", &W),
        ("o", &OFFSET),
        ("g", &g),
    ];
    let frame = columns.into_iter().fold(Frame::new(), |frame, (name, values)| {
        frame.with_real(name, values)
    });
    for (weights, formula) in [
        (None, "y ~ x + z"),
        (Some("w"), "y ~ x + z"),
        (Some("w"), "y ~ x + z + offset(o)"),
        (None, "y ~ x + z - 1"),
    ] {
        let mut spec = LmSpec::new(formula);
        spec.weights = weights.map(String::from);
        let linear = lm(&spec, &frame, &NoProgress).unwrap();
        let mut generalized = GlmSpec::new(formula, Family::gaussian());
        generalized.design = spec;
        let generalized = glm(&generalized, &frame, &NoProgress).unwrap();
        same(&linear, &generalized);
        inferred(&linear, &generalized);
    }
}

/// Each response of several is the fitted model of that response alone; the model itself stands for the first.
#[test]
fn a_response_of_several_is_a_model_of_its_own() {
    let frame = Frame::new()
        .with_real("x", &X)
        .with_real("z", &Z)
        .with_real("y", &Y)
        .with_real("o", &OFFSET);
    let both = lm(&LmSpec::new("cbind(y, o) ~ x + z"), &frame, &NoProgress).unwrap();
    assert!(both.response(2).is_err());
    assert_eq!(both.coef(), both.each()[0].coef());
    for (own, formula) in both.each().iter().zip(["y ~ x + z", "o ~ x + z"]) {
        let alone = lm(&LmSpec::new(formula), &frame, &NoProgress).unwrap();
        near("coefficients", own.coef(), alone.coef());
        inferred_of_response(own, &alone);
    }
}

fn inferred_of_response(own: &dyn Regression, alone: &dyn Regression) {
    for kind in [Vcov::Iid, Vcov::Hc3] {
        let errors = |fit: &dyn Regression| fit.vcov(&kind, &NoProgress).unwrap().std_errors();
        near(&kind.to_string(), &errors(own), &errors(alone));
    }
    let rows = |fit: &dyn Regression| fit.influence(Detail::Deletions, &NoProgress).unwrap();
    near(
        "dfbetas",
        &rows(own).dfbetas.concat(),
        &rows(alone).dfbetas.concat(),
    );
}

/// R 4.2.2: `dfbetas(glm(y ~ x + z, poisson, control = glm.control(epsilon = 1e-15, maxit = 100)))`, by column. Its weights are those
/// before the last step, which is below 1e-8.
#[test]
fn deletions_of_a_generalized_model_are_as_in_r() {
    let expected = [
        [
            -0.80417662837735804,
            -0.01279848865940801,
            -0.61936649794814547,
            0.64238336468241863,
            0.05308925090273819,
            0.46918940376978874,
            -0.08391561361024574,
            -0.08394601617257427,
        ],
        [
            0.66440361576037843,
            0.005214373541844773,
            0.645376510612861387,
            -0.422915324590838138,
            0.181734835876425666,
            -0.340400773375133581,
            -0.441091436239272772,
            0.176569290011593411,
        ],
        [
            -0.413078513586484508,
            0.002022428193034647,
            -0.55036773576086595,
            0.190786918293159719,
            -0.320603629496981957,
            0.266130480930165114,
            0.566581028947805709,
            0.082861578958053003,
        ],
    ];
    let frame = Frame::new()
        .with_real("x", &X)
        .with_real("z", &Z)
        .with_real("y", &Y);
    let fit = glm(&GlmSpec::new("y ~ x + z", Family::poisson()), &frame, &NoProgress).unwrap();
    let all = fit.influence(Detail::Deletions, &NoProgress).unwrap();
    for (own, expected) in all.dfbetas.iter().zip(expected) {
        for (a, b) in own.iter().zip(expected) {
            assert!((a - b).abs() < 1e-8, "{a} {b}");
        }
    }
}
