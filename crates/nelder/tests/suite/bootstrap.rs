//! The bootstrap: weights, replicates against fits under their weights, intervals against R, standard errors against their formulas.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{
    BootstrapSpec, Draws, GlmSpec, Inference, IntervalKind, LmSpec, Regression, Resampling, Vcov, bootstrap,
    glm, lm, resample_weights,
};
use nelder::pass::{Monitor, NoProgress};

use crate::draws::Draws as Random;

/// Columns of a design with factors, missing values, weights.
struct Columns {
    x: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    count: Vec<f64>,
    success: Vec<f64>,
    g: Vec<Option<String>>,
    h: Vec<Option<String>>,
}

fn columns(n: usize, seed: u64) -> Columns {
    let mut draws = Random::new(seed);
    let mut own = Columns {
        x: Vec::new(),
        z: Vec::new(),
        y: Vec::new(),
        w: Vec::new(),
        count: Vec::new(),
        success: Vec::new(),
        g: Vec::new(),
        h: Vec::new(),
    };
    for i in 0..n {
        let (x, z) = (3.0 + draws.normal(), 100.0 + draws.normal());
        let (g, h) = (draws.whole(0, 3), draws.whole(0, 2));
        own.x.push(if i % 97 == 5 { f64::NAN } else { x });
        own.z.push(z);
        own.y
            .push(1.0 + 0.5 * x - 0.2 * z + g as f64 + (1.0 + x.abs()) * draws.normal());
        own.w.push(draws.uniform(0.5, 2.0));
        let eta = 0.3 * (x - 3.0) - 0.2 * (z - 100.0) + 0.2 * g as f64;
        own.count
            .push((2.0 * eta.exp() + draws.uniform(0.0, 2.0)).floor());
        own.success.push(f64::from(u8::from(
            draws.uniform(0.0, 1.0) < 1.0 / (1.0 + (-eta).exp()),
        )));
        own.g.push(Some(format!("g{g}")));
        own.h.push(Some(format!("h{h}")));
    }
    own
}

impl Columns {
    fn frame(&self) -> Frame<'_> {
        Frame::new()
            .with_real("x", &self.x)
            .with_real("z", &self.z)
            .with_real("y", &self.y)
            .with_real("w", &self.w)
            .with_real("count", &self.count)
            .with_real("success", &self.success)
            .with_text("g", &self.g)
            .with_text("h", &self.h)
    }

    /// The weights of the fit's rows in the order of all rows; 0 in rows that are left out.
    fn spread(&self, weights: &[f64], prior: bool) -> Vec<f64> {
        let mut own = weights.iter();
        let of = |(x, w): (&f64, &f64)| match x.is_nan() {
            true => 0.0,
            false => own.next().unwrap() * if prior { *w } else { 1.0 },
        };
        self.x.iter().zip(&self.w).map(of).collect()
    }
}

fn close(a: &[f64], b: &[f64], relative: f64, what: &str) {
    assert_eq!(a.len(), b.len());
    let size = b
        .iter()
        .filter(|v| !v.is_nan())
        .fold(0.0, |m: f64, v| m.max(v.abs()));
    for (a, b) in a.iter().zip(b) {
        let same = a.is_nan() && b.is_nan();
        assert!(
            same || (a - b).abs() <= relative * (b.abs() + 1e-3 * size),
            "{what}: {a} {b}"
        );
    }
}

#[test]
fn weights_are_the_same_for_any_batches_and_sum_to_the_rows() {
    let data = columns(5000, 1);
    let spec = BootstrapSpec::new(3).seed(9);
    let mut found: Vec<Vec<f64>> = Vec::new();
    for rows in [5000, 1024, 700, 33] {
        let frame = data.frame().in_batches_of(rows);
        let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
        let weights = resample_weights(&fit, &spec, 2, &NoProgress).unwrap();
        assert_eq!(weights.len() as u64, fit.rows());
        assert_eq!(weights.iter().sum::<f64>(), fit.rows() as f64);
        found.push(weights);
    }
    assert!(found.iter().all(|own| *own == found[0]));
    // about e⁻¹ of the rows are not drawn
    let none = found[0].iter().filter(|w| **w == 0.0).count() as f64 / found[0].len() as f64;
    assert!((none - 0.3679).abs() < 0.03, "{none}");
}

#[test]
fn draws_do_not_depend_on_batches_or_on_how_many_there_are() {
    let data = columns(3000, 2);
    let of = |rows: usize, replicates: u32, resampling| {
        let frame = data.frame().in_batches_of(rows);
        let fit = lm(&LmSpec::new("y ~ x + g").weights("w"), &frame, &NoProgress).unwrap();
        bootstrap(
            &fit,
            &BootstrapSpec::new(replicates).resampling(resampling),
            &NoProgress,
        )
        .unwrap()
        .draws
        .values
    };
    for resampling in [
        Resampling::Case,
        Resampling::Bayesian,
        Resampling::Residual,
        Resampling::Wild,
        Resampling::Parametric,
    ] {
        let (whole, parts) = (of(3000, 70, resampling), of(111, 9, resampling));
        close(&parts, &whole[..parts.len()], 1e-11, "batches");
    }
}

#[test]
fn replicates_are_fits_under_their_weights() {
    let data = columns(2500, 3);
    let frame = data.frame();
    let formulas = [
        ("y ~ x + z", false),
        ("y ~ x + g", true),
        ("y ~ 0 + x + z", true),
        ("y ~ x*g + z", false),
        ("y ~ g*h + x", true),
        ("y ~ g:x + h:z", false),
        ("y ~ 1", false),
    ];
    for (formula, weighted) in formulas {
        let mut spec = LmSpec::new(formula);
        if weighted {
            spec = spec.weights("w");
        }
        spec.subset = Some("!is.na(x)".into());
        let fit = lm(&spec, &frame, &NoProgress).unwrap();
        for resampling in [Resampling::Case, Resampling::Bayesian] {
            let wanted = BootstrapSpec::new(10).resampling(resampling).with_variances();
            let boot = bootstrap(&fit, &wanted, &NoProgress).unwrap();
            assert_eq!((boot.draws.replicates(), boot.report.reads), (10, 1));
            for number in [0u32, 9] {
                let weights = resample_weights(&fit, &wanted, number, &NoProgress).unwrap();
                let weights = data.spread(&weights, weighted);
                let again = data.frame().with_real("v", &weights);
                let mut spec = LmSpec::new(formula).weights("v");
                spec.subset = Some("!is.na(x)".into());
                let own = lm(&spec, &again, &NoProgress).unwrap();
                let p = fit.coef().len();
                let replicate = &boot.draws.values[number as usize * p..][..p];
                // normal equations in double precision lose κ²; the sums of 2,500 rows round by a few ε
                let bound = 64.0 * f64::EPSILON * own.report().condition.powi(2);
                assert!(bound < 1e-9, "{formula}: {bound}");
                close(replicate, own.coef(), bound, formula);
            }
        }
    }
}

#[test]
fn replicates_of_generalized_models_are_fits_under_their_weights() {
    let data = columns(1500, 4);
    let frame = data.frame();
    let cases = [
        ("success ~ x + z + g", Family::binomial(), false),
        ("count ~ x + g", Family::poisson(), true),
        ("success ~ x*g", "binomial(probit)".parse().unwrap(), true),
        ("count + 1 ~ x", "Gamma(log)".parse().unwrap(), false),
        ("y ~ x + z", Family::gaussian(), true),
    ];
    for (formula, family, weighted) in cases {
        let mut spec = GlmSpec::new(formula, family);
        spec.design.subset = Some("!is.na(x)".into());
        spec.design.weights = weighted.then(|| "w".to_string());
        let fit = glm(&spec, &frame, &NoProgress).unwrap();
        let wanted = BootstrapSpec::new(20);
        let boot = bootstrap(&fit, &wanted, &NoProgress).unwrap();
        assert_eq!(
            (boot.report.not_converged, boot.report.aliased),
            (0, 0),
            "{formula}"
        );
        let p = fit.coef().len();
        for number in [0u32, 19] {
            let weights = resample_weights(&fit, &wanted, number, &NoProgress).unwrap();
            let weights = data.spread(&weights, weighted);
            let again = data.frame().with_real("v", &weights);
            spec.design.weights = Some("v".to_string());
            let own = glm(&spec, &again, &NoProgress).unwrap();
            close(
                &boot.draws.values[number as usize * p..][..p],
                own.coef(),
                1e-8,
                formula,
            );
        }
    }
}

#[test]
fn clusters_are_drawn_as_wholes_and_strata_keep_their_rows() {
    let data = columns(3000, 5);
    let frame = data.frame();
    let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let kept: Vec<usize> = (0..3000).filter(|&i| !data.x[i].is_nan()).collect();
    let label = |i: usize| (data.g[kept[i]].clone().unwrap(), data.h[kept[i]].clone().unwrap());
    let cluster = BootstrapSpec::new(4).cluster("paste(g, h)");
    let weights = resample_weights(&fit, &cluster, 3, &NoProgress).unwrap();
    let mut of = std::collections::BTreeMap::new();
    for (i, w) in weights.iter().enumerate() {
        assert_eq!(*of.entry(label(i)).or_insert(*w), *w);
    }
    assert_eq!((of.len(), of.values().sum::<f64>()), (12, 12.0));
    let strata = BootstrapSpec::new(4).strata("g");
    let weights = resample_weights(&fit, &strata, 3, &NoProgress).unwrap();
    let (mut sums, mut sizes) = ([0.0; 4], [0.0; 4]);
    for (i, w) in weights.iter().enumerate() {
        let g: usize = label(i).0[1..].parse().unwrap();
        sums[g] += w;
        sizes[g] += 1.0;
    }
    assert_eq!(sums, sizes);
    assert_eq!(
        bootstrap(&fit, &cluster, &NoProgress).unwrap().report.clusters,
        Some(12)
    );
    assert_eq!(
        bootstrap(&fit, &strata, &NoProgress).unwrap().report.strata,
        Some(4)
    );
}

/// Intervals of `boot::boot.ci` (R 4.2.2, boot 1.3-28.1) for the same draws:
///
/// ```r
/// i <- 1:199
/// t1 <- 1 + 0.3*sin(i*1.7) + 0.1*cos(i*0.37)^3 + 0.02
/// v1 <- 0.04*(1 + 0.5*cos(i*0.9)); v0 <- 0.045
/// L <- sin((1:30)*0.7)^3 + 0.2*cos(1:30)
/// b <- structure(list(t0=1, t=cbind(t1), R=199, data=1:30, seed=1, statistic=function(d,i) 0, sim="ordinary",
///   call=quote(boot()), stype="i", strata=rep(1,30), weights=rep(1/30,30)), class="boot")
/// ci <- boot.ci(b, conf=conf, type=c("norm","basic","perc","bca"), L=L)
/// b$t <- cbind(t1, v1); b$t0 <- c(1, v0); boot.ci(b, conf=conf, type="stud", index=1:2)
/// ```
#[test]
fn intervals_are_those_of_boot_ci() {
    let of = |i: f64| 1.0 + 0.3 * (i * 1.7).sin() + 0.1 * (i * 0.37).cos().powi(3) + 0.02;
    let all = |n: u32| Draws {
        names: vec!["x".into()],
        estimate: vec![1.0],
        values: (1..=n).map(|i| of(f64::from(i))).collect(),
        variances: (1..=n)
            .map(|i| 0.04 * (1.0 + 0.5 * (f64::from(i) * 0.9).cos()))
            .collect(),
        variance_of_estimate: vec![0.045],
    };
    let l = (1..=30)
        .map(f64::from)
        .map(|i| (i * 0.7).sin().powi(3) + 0.2 * i.cos());
    let (two, three) = l.fold((0.0, 0.0), |(a, b), l| (a + l * l, b + l * l * l));
    let a = three / (6.0 * two.powf(1.5));
    assert!((a - 0.006_456_597_535_414_212).abs() < 1e-15);
    use IntervalKind::{Basic, Bca, Norm, Perc, Studentized};
    let cases = [
        (0.95, Norm, 0.54910292202514221, 1.41387215651186993),
        (0.95, Basic, 0.60732569675447601, 1.33270794728622688),
        (0.95, Perc, 0.66729205271377312, 1.39267430324552399),
        (0.95, Bca, 0.66985862330634449, 1.39473290215273416),
        (0.95, Studentized, 0.54289632189871684, 1.41644176422205215),
        (0.8, Norm, 0.69876643443367792, 1.26420864410333422),
        (0.8, Basic, 0.6885269467372710, 1.2722097417165674),
        (0.8, Perc, 0.72779025828343247, 1.31147305326272900),
        (0.8, Bca, 0.73839675546805783, 1.31469211787846274),
        (0.8, Studentized, 0.64842782294224022, 1.30610307839320194),
    ];
    for (level, kind, low, high) in cases {
        let found = all(199).interval(0, kind, level, a).unwrap();
        assert!(
            (found.low - low).abs() < 1e-13 && (found.high - high).abs() < 1e-13,
            "{kind:?} {level} {found:?}"
        );
        assert!(!found.extreme);
    }
    // too few: the ends are the smallest and the largest
    for (kind, low, high) in [
        (Perc, 0.67057915072949481, 1.39854053197473571),
        (Basic, 0.60145946802526429, 1.32942084927050530),
    ] {
        let found = all(15).interval(0, kind, 0.95, a).unwrap();
        assert!((found.low - low).abs() < 1e-14 && (found.high - high).abs() < 1e-14 && found.extreme);
    }
    // all draws on one side
    let mut one_side = all(15);
    one_side.estimate[0] = 5.0;
    let message = one_side.interval(0, Bca, 0.95, a).unwrap_err().to_string();
    assert!(message.contains("both sides"), "{message}");
}

/// Standard errors within five Monte Carlo errors (1/√(2R), times √(1 + κ/4) of heavier tails) of what they estimate.
#[test]
fn standard_errors_are_those_of_their_formulas() {
    let data = columns(2000, 6);
    let frame = data.frame();
    let fit = lm(&LmSpec::new("y ~ x + g"), &frame, &NoProgress).unwrap();
    let of = |kind: &Vcov| fit.vcov(kind, &NoProgress).unwrap().std_errors().to_vec();
    let (iid, hc0, hc2) = (of(&Vcov::Iid), of(&Vcov::Hc0), of(&Vcov::Hc2));
    let replicates = 4000u32;
    let error = 5.0 / (2.0 * f64::from(replicates)).sqrt();
    let cases = [
        (Resampling::Case, &hc0, 0.01),
        (Resampling::Bayesian, &hc0, 0.01),
        (Resampling::Wild, &hc2, 0.0),
        (Resampling::Mammen, &hc2, 0.0),
        (Resampling::Residual, &iid, 0.002),
        (Resampling::Parametric, &iid, 0.0),
    ];
    for (resampling, wanted, bias) in cases {
        let spec = BootstrapSpec::new(replicates).resampling(resampling).seed(3);
        let boot = bootstrap(&fit, &spec, &NoProgress).unwrap();
        let p = wanted.len();
        for (c, (found, wanted)) in boot.draws.std_errors().iter().zip(wanted).enumerate() {
            // the bootstrap's own error of order 1/n beside that of Monte Carlo
            assert!(
                (found / wanted - 1.0).abs() < error + bias,
                "{resampling:?} {c}: {found} {wanted}"
            );
        }
        for (bias, se) in boot.draws.bias().iter().zip(wanted) {
            assert!(
                bias.abs() < 6.0 * se / f64::from(replicates).sqrt() + 0.01 * se,
                "{resampling:?}"
            );
        }
        let vcov = boot.draws.covariance();
        let diagonal: Vec<f64> = (0..p).map(|c| vcov[(c, c)].sqrt()).collect();
        close(&diagonal, &boot.draws.std_errors(), 1e-10, "vcov");
    }
    let clusters = BootstrapSpec::new(replicates)
        .resampling(Resampling::Wild)
        .cluster("floor(z*40)");
    let boot = bootstrap(&fit, &clusters, &NoProgress).unwrap();
    let factor = {
        let g = boot.report.clusters.unwrap() as f64;
        (g / (g - 1.0)).sqrt()
    };
    let by_cluster = of(&"cluster:floor(z*40):HC0".parse().unwrap());
    for (found, wanted) in boot.draws.std_errors().iter().zip(by_cluster) {
        assert!((found * factor / wanted - 1.0).abs() < error, "{found} {wanted}");
    }
}

#[test]
fn parametric_replicates_of_generalized_models_have_the_model_s_errors() {
    let data = columns(2000, 7);
    let frame = data.frame();
    let replicates = 1500u32;
    let error = 5.0 / (2.0 * f64::from(replicates)).sqrt();
    for (formula, family) in [
        ("success ~ x + z", Family::binomial()),
        ("count ~ x + g", Family::poisson()),
        ("cbind(count, success) ~ x", Family::binomial()),
    ] {
        let fit = glm(&GlmSpec::new(formula, family), &frame, &NoProgress).unwrap();
        let spec = BootstrapSpec::new(replicates).resampling(Resampling::Parametric);
        let boot = bootstrap(&fit, &spec, &NoProgress).unwrap();
        assert_eq!(boot.report.not_converged, 0);
        for (found, wanted) in boot.draws.std_errors().iter().zip(fit.stderror()) {
            assert!(
                (found / wanted - 1.0).abs() < error + 0.01,
                "{formula}: {found} {wanted}"
            );
        }
    }
}

#[test]
fn replicates_without_a_level_are_counted() {
    let n = 200;
    let mut data = columns(n, 8);
    data.x
        .iter_mut()
        .for_each(|x| *x = if x.is_nan() { 0.0 } else { *x });
    for (i, g) in data.g.iter_mut().enumerate() {
        *g = Some(
            if i < 2 {
                "rare"
            } else if i % 2 == 0 {
                "a"
            } else {
                "b"
            }
            .to_string(),
        );
    }
    let frame = data.frame();
    let fit = lm(&LmSpec::new("y ~ g + x"), &frame, &NoProgress).unwrap();
    let spec = BootstrapSpec::new(300);
    let boot = bootstrap(&fit, &spec, &NoProgress).unwrap();
    let at = fit.coefnames().iter().position(|name| name == "grare").unwrap();
    let without = (0..300).filter(|&number| {
        let weights = resample_weights(&fit, &spec, number, &NoProgress).unwrap();
        let none = weights[..2] == [0.0, 0.0];
        assert_eq!(boot.draws.of(at)[number as usize].is_nan(), none, "{number}");
        none
    });
    let without = without.count();
    // about e⁻²
    assert!((20..=60).contains(&without), "{without}");
    assert_eq!(
        (boot.report.aliased as usize, boot.draws.missing()[at]),
        (without, without)
    );
    assert!(boot.draws.std_errors()[at].is_finite());
}

/// Stops after a number of calls.
struct Stopping(std::sync::atomic::AtomicU64);

impl Monitor for Stopping {
    fn advance(&self, pass: &str, _: u64, _: Option<u64>) -> bool {
        pass != "replicates" || self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) > 1
    }
}

#[test]
fn an_interrupt_keeps_the_draws_made_so_far() {
    let data = columns(500, 9);
    let frame = data.frame();
    let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let spec = BootstrapSpec::new(500);
    let boot = bootstrap(&fit, &spec, &Stopping(4.into())).unwrap();
    let made = boot.draws.replicates();
    assert_eq!((boot.report.made as usize, made), (192, 192));
    let whole = bootstrap(&fit, &spec, &NoProgress).unwrap();
    assert_eq!(boot.draws.values[..], whole.draws.values[..made * 2]);
    assert!(bootstrap(&fit, &spec, &Stopping(1.into())).is_err());
}

#[test]
fn what_cannot_be_says_what_to_do() {
    let data = columns(300, 10);
    let frame = data.frame();
    let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let says = |spec: BootstrapSpec, part: &str| {
        let message = bootstrap(&fit, &spec, &NoProgress).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    says(BootstrapSpec::new(0), "R: there must be 1 replicate at least");
    says(
        BootstrapSpec::new(9).cluster("z > 0"),
        "has one value in all rows",
    );
    says(BootstrapSpec::new(9).cluster("nothing"), "nothing");
    says(BootstrapSpec::new(9).strata("z"), "have one row");
    says(
        BootstrapSpec::new(9).strata("g").cluster("h"),
        "give one of the two",
    );
    says(
        BootstrapSpec::new(9)
            .resampling(Resampling::Residual)
            .cluster("g"),
        "clusters are for",
    );
    says(
        BootstrapSpec::new(9)
            .resampling(Resampling::Wild)
            .with_variances(),
        "studentized",
    );
    let poisson = glm(&GlmSpec::new("count ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    let wild = BootstrapSpec::new(9).resampling(Resampling::Wild);
    let message = bootstrap(&poisson, &wild, &NoProgress).unwrap_err().to_string();
    assert!(message.contains("is for linear models"), "{message}");
}

#[test]
fn what_has_no_replicates_is_refused() {
    let x: Vec<f64> = (0..30).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| x + (3.0 * x).sin()).collect();
    let apart: Vec<f64> = x.iter().map(|x| f64::from(u8::from(*x > 14.0))).collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("apart", &apart);
    let none = lm(&LmSpec::new("y ~ 0"), &frame, &NoProgress).unwrap();
    let said = |e: Result<_, nelder::model::ModelError>| e.err().map(|e| e.to_string()).unwrap_or_default();
    let found = said(bootstrap(&none, &BootstrapSpec::new(9), &NoProgress).map(|_| ()));
    assert!(found.contains("no coefficients"), "{found}");
    let separated = glm(
        &GlmSpec::new("apart ~ x", Family::binomial()),
        &frame,
        &NoProgress,
    )
    .unwrap();
    let found = said(bootstrap(&separated, &BootstrapSpec::new(9), &NoProgress).map(|_| ()));
    assert!(
        found.contains("no replicate has a maximum") && found.contains("separated"),
        "{found}"
    );
}

#[test]
fn replicates_that_fit_exactly_have_no_standard_error() {
    // three rows: a draw of two different ones is a line through them
    let (x, y) = ([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let boot = bootstrap(&fit, &BootstrapSpec::new(500).with_variances(), &NoProgress).unwrap();
    let variances = boot.draws.variances_of(1);
    let exact = variances.iter().filter(|v| **v == 0.0).count();
    // 18 of 27 draws have two different rows, 3 one, and 6 all
    assert!(
        (exact as f64 / 500.0 - 18.0 / 27.0).abs() < 5.0 * (2.0f64 / 9.0 / 500.0).sqrt(),
        "{exact}"
    );
    let interval = boot
        .draws
        .interval(1, nelder::model::IntervalKind::Studentized, 0.9, 0.0)
        .unwrap();
    assert!(
        interval.low.abs() < 1e3 && interval.high.abs() < 1e3,
        "{interval:?}"
    );
}
