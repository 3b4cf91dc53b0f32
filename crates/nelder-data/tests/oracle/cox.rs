//! Cox models without a penalty against `survival::coxph`, whose ties may be Efron's.

use nelder::model::{ElasticNetSpec, LambdaSequence, Ties, elastic_net};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

/// Ties, formula, whether weighted, coefficients, and the log partial likelihood without columns and with them: `coxph` of survival 3.5
/// with `coxph.control(eps = 1e-15, iter.max = 100)`, over `enet_ar90`.
type Case = (Ties, &'static str, bool, [f64; 3], [f64; 2]);

const CASES: [Case; 10] = [
    (
        Ties::Efron,
        "Surv(time, status) ~ x1 + x5 + x9",
        false,
        [0.448351854029816, -0.211676522996016, 0.260305728453696],
        [-151.867908088959, -147.928282042405],
    ),
    (
        Ties::Efron,
        "Surv(time, status) ~ x1 + x5 + x9",
        true,
        [0.421921826602255, -0.237742986670002, 0.32716929328648],
        [-459.230090279863, -449.076977317336],
    ),
    (
        Ties::Efron,
        "Surv(start, time, status) ~ x1 + x5 + x9",
        false,
        [0.18866037265483, -0.0175060425578747, 0.0760915750338325],
        [-118.161136550995, -117.24802494045],
    ),
    (
        Ties::Efron,
        "Surv(start, time, status) ~ x1 + x5 + x9",
        true,
        [0.150879832752461, -0.0016740844775515, 0.131169696051411],
        [-383.149922097902, -380.85238453964],
    ),
    (
        Ties::Efron,
        "Surv(time, status) ~ x1 + x5 + x9 + strata(stratum)",
        false,
        [0.503799271833946, -0.211350252213402, 0.272029272736682],
        [-103.621626348988, -99.0525852485141],
    ),
    (
        Ties::Efron,
        "Surv(time, status) ~ x1 + x5 + x9 + strata(stratum)",
        true,
        [0.449269832999832, -0.225299193466375, 0.334468367440327],
        [-345.166190092328, -335.306287071336],
    ),
    (
        Ties::Efron,
        "Surv(start, time, status) ~ x1 + x5 + x9 + strata(stratum) + offset(o)",
        false,
        [0.435895965431641, -0.415544866333974, 0.757121250547271],
        [-98.7068009926362, -91.0222189241902],
    ),
    (
        Ties::Efron,
        "Surv(start, time, status) ~ x1 + x5 + x9 + strata(stratum) + offset(o)",
        true,
        [0.404532618075907, -0.222526910026803, 0.565006261768505],
        [-325.102381322768, -312.65434353167],
    ),
    (
        Ties::Breslow,
        "Surv(time, status) ~ x1 + x5 + x9",
        false,
        [0.439077640937452, -0.206117742115621, 0.258535686424123],
        [-152.927739070963, -149.100575344931],
    ),
    (
        Ties::Breslow,
        "Surv(start, time, status) ~ x1 + x5 + x9 + strata(stratum) + offset(o)",
        true,
        [0.37654980489722, -0.194874254675151, 0.541226405584823],
        [-329.256704264401, -317.852336844394],
    ),
];

#[test]
fn unpenalized_models_are_coxphs() {
    let data = super::glmnet::folder().join("data").join("enet_ar90.csv");
    for (ties, formula, weighted, beta, likelihood) in CASES {
        let mut spec = ElasticNetSpec::new(formula).cox(ties).threshold(1e-14);
        spec.lambda = LambdaSequence::Given(vec![0.0]);
        spec.design.weights = weighted.then(|| "w".to_string());
        let source = nelder_data::open(&data).unwrap();
        let fit = elastic_net(&spec, source, Run::on(place(), &NoProgress)).unwrap();
        let step = &fit.path.steps[0];
        for (j, b) in beta.iter().enumerate() {
            let own = step.coefficients.get(j);
            assert!((own - b).abs() < 1e-9, "{ties:?} {formula} {weighted}: {own} {b}");
        }
        let gain = step.explained * fit.path.null_deviance;
        let theirs = 2.0 * (likelihood[1] - likelihood[0]);
        assert!(
            (gain - theirs).abs() < 1e-10,
            "{ties:?} {formula} {weighted}: {gain} {theirs}"
        );
        assert_eq!(step.intercept, 0.0);
    }
}
