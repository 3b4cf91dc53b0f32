//! Paths that read column by column are those that pass over rows, and find them for sparse columns and many of them.

use nelder::design::Missing;
use nelder::family::{Family, FamilyName};
use nelder::frame::{Frame, Sparse, SparseFrame};
use nelder::model::{
    CrossValidationSpec, ElasticNetSpec, Folds, LmSpec, Measure, MultiFamily, MultiNetSpec, PerColumn,
    Reading, Ties, cross_validate, elastic_net, multi_net,
};
use nelder::pass::NoProgress;
use nelder_device::Philox;

/// Columns that are mostly zero, in compressed form and as they are, with responses of every family.
struct Rows {
    starts: Vec<i32>,
    indices: Vec<i32>,
    values: Vec<f64>,
    columns: Vec<Vec<f64>>,
    names: Vec<String>,
    y: Vec<f64>,
    z: Vec<f64>,
    count: Vec<f64>,
    weight: Vec<f64>,
    offset: Vec<f64>,
}

fn rows(n: usize, p: usize) -> Rows {
    let draws = Philox::new(23);
    let mut k = 0;
    let mut normal = || {
        k += 1;
        draws.normal(k)
    };
    let mut out = Rows {
        starts: vec![0],
        indices: Vec::new(),
        values: Vec::new(),
        columns: vec![vec![0.0; n]; p],
        names: (0..p).map(|j| format!("x{j}")).collect(),
        y: Vec::new(),
        z: Vec::new(),
        count: Vec::new(),
        weight: Vec::new(),
        offset: Vec::new(),
    };
    for column in &mut out.columns {
        for (i, x) in column.iter_mut().enumerate() {
            if normal() > 0.9 {
                *x = 1.0 + normal();
                out.indices.push(i as i32);
                out.values.push(*x);
            }
        }
        out.starts.push(out.values.len() as i32);
    }
    for i in 0..n {
        let eta = out.columns[0][i] - 0.8 * out.columns[3][i] + 0.5 * out.columns[7][i] - 0.3;
        out.y.push(3.0 + eta + normal());
        out.z.push(f64::from(eta + 1.5 * normal() > 0.0));
        out.count.push((0.5 * eta + 0.4 * normal()).exp().round());
        // a few rows that do not count
        out.weight
            .push(if i % 9 == 4 { 0.0 } else { 1.0 + normal().abs() });
        out.offset.push(0.2 * normal());
    }
    out
}

impl Rows {
    fn others(&self) -> Frame<'_> {
        Frame::new()
            .with_real("y", &self.y)
            .with_real("z", &self.z)
            .with_real("count", &self.count)
            .with_real("w", &self.weight)
            .with_real("o", &self.offset)
    }

    fn dense(&self) -> Frame<'_> {
        let columns = self.names.iter().zip(&self.columns);
        columns.fold(self.others(), |frame, (name, x)| frame.with_real(name, x))
    }

    fn sparse(&self) -> SparseFrame<'_, Frame<'_>> {
        let x = Sparse::new(self.y.len(), &self.starts, &self.indices, &self.values).unwrap();
        SparseFrame::new(x, self.names.clone(), self.others()).unwrap()
    }

    fn spec(&self, response: &str, family: Family) -> ElasticNetSpec {
        let formula = format!("{response} ~ {}", self.names.join(" + "));
        ElasticNetSpec::new(&formula).family(family).threshold(1e-14)
    }
}

fn families() -> [(&'static str, Family); 3] {
    let poisson: Family = "poisson".parse().unwrap();
    assert_eq!(poisson.name, FamilyName::Poisson);
    [
        ("y", Family::gaussian()),
        ("z", Family::binomial()),
        ("count", poisson),
    ]
}

/// Coefficients of two paths to an accuracy of their common minimum: thresh 1e-14 is the exact one.
fn assert_same(a: &nelder::model::Path, b: &nelder::model::Path, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (m, (s, t)) in a.steps.iter().zip(&b.steps).enumerate() {
        let near = |x: f64, y: f64, name: &str| {
            assert!(
                (x - y).abs() <= 1e-8 * (1.0 + x.abs()),
                "{what}, {name} at {m}: {x} and {y}"
            );
        };
        assert!(
            (s.lambda / t.lambda - 1.0).abs() < 1e-11,
            "{what}: {} {}",
            s.lambda,
            t.lambda
        );
        near(s.intercept, t.intercept, "intercept");
        near(s.explained, t.explained, "explained");
        // the first coefficients of a ridge are of the order of the reciprocal of an enormous λ, or zero
        let entering = |p: &nelder::model::SparseVector| p.entries().filter(|(_, v)| v.abs() > 1e-30).count();
        assert_eq!(
            entering(&s.coefficients),
            entering(&t.coefficients),
            "{what} at {m}"
        );
        for (j, x) in s.coefficients.entries() {
            near(x, t.coefficients.get(j), &format!("column {j}"));
        }
        assert!(t.violation < 1e-9, "{what}: violation {} at {m}", t.violation);
    }
}

#[test]
fn the_path_of_columns_is_that_of_rows() {
    let data = rows(70, 24);
    for (response, family) in families() {
        let plain = data.spec(response, family);
        let weighted = ElasticNetSpec {
            design: LmSpec::new(&plain.design.formula).weights("w").offset("o"),
            ..plain.clone()
        };
        let bounded = ElasticNetSpec {
            alpha: 0.4,
            lower: PerColumn::All(-0.3),
            upper: PerColumn::Named(vec![("x0".into(), 0.2)]),
            penalty_factors: PerColumn::Named(vec![("x1".into(), 0.0), ("x3".into(), 3.0)]),
            exclude: vec!["x5".into()],
            ..weighted.clone()
        };
        let raw = ElasticNetSpec {
            standardize: false,
            design: LmSpec::new(&format!("{} - 1", plain.design.formula)),
            ..plain.clone()
        };
        let ridge = plain.clone().alpha(0.0);
        for (name, spec) in [
            ("plain", plain),
            ("weighted", weighted),
            ("bounded", bounded),
            ("raw", raw),
            ("ridge", ridge),
        ] {
            let of = |reading| ElasticNetSpec {
                reading,
                ..spec.clone()
            };
            let what = format!("{response}, {name}");
            let (dense, sparse) = (data.dense(), data.sparse());
            let by_rows = elastic_net(&of(Reading::Rows), &dense, &NoProgress).unwrap();
            let by_columns = elastic_net(&of(Reading::Columns), &dense, &NoProgress).unwrap();
            assert_same(&by_rows.path, &by_columns.path, &what);
            // what is sparse is read by columns without being asked
            let found = elastic_net(&of(Reading::Auto), &sparse, &NoProgress).unwrap();
            assert!(found.report.algorithm.ends_with("column by column"));
            assert_same(&by_rows.path, &found.path, &format!("{what}, sparse"));
            assert_eq!(by_rows.counts, by_columns.counts);
        }
    }
}

#[test]
fn folds_of_columns_are_those_of_rows() {
    let data = rows(90, 12);
    for (response, family) in families() {
        for (measure, weights) in [
            (Measure::Deviance, false),
            (Measure::Absolute, true),
            (Measure::Squared, true),
        ] {
            let mut spec = data.spec(response, family);
            if weights {
                spec.design = LmSpec::new(&spec.design.formula).weights("w").offset("o");
            }
            let of = |reading| CrossValidationSpec {
                repeats: 2,
                ..CrossValidationSpec::new(ElasticNetSpec {
                    reading,
                    ..spec.clone()
                })
                .folds(Folds::Drawn { count: 4, seed: 3 })
                .measure(measure)
            };
            let dense = data.dense();
            let by_rows = cross_validate(&of(Reading::Rows), &dense, &NoProgress).unwrap();
            let by_columns = cross_validate(&of(Reading::Columns), &dense, &NoProgress).unwrap();
            assert_same(&by_rows.fit.path, &by_columns.fit.path, response);
            for m in 0..by_rows.curve.errors.len() {
                let pairs = [
                    (by_rows.curve.errors[m], by_columns.curve.errors[m]),
                    (by_rows.curve.std_errors[m], by_columns.curve.std_errors[m]),
                ];
                for (a, b) in pairs {
                    assert!(
                        (a - b).abs() <= 1e-7 * a.abs(),
                        "{response}, {measure:?} at {m}: {a} and {b}"
                    );
                }
            }
            assert_eq!(by_rows.curve.best, by_columns.curve.best);
            assert_eq!(by_rows.curve.one_error, by_columns.curve.one_error);
        }
    }
}

#[test]
fn more_columns_than_a_gram_could_hold_have_a_path() {
    let (n, p) = (40, 30_000);
    let draws = Philox::new(5);
    let columns: Vec<Vec<f64>> = (0..p)
        .map(|j| (0..n).map(|i| draws.normal((j * n + i) as u64)).collect())
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| columns[7][i] - columns[2000][i] + 0.1 * columns[1][i])
        .collect();
    let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
    let frame =
        (names.iter().zip(&columns)).fold(Frame::new().with_real("y", &y), |f, (n, x)| f.with_real(n, x));
    let fit = elastic_net(
        &ElasticNetSpec::new("y ~ .").threshold(1e-12),
        &frame,
        &NoProgress,
    )
    .unwrap();
    assert!(fit.report.violation < 1e-9, "{}", fit.report.violation);
    let last = &fit.path.steps[fit.path.len() - 1];
    assert!(last.coefficients.get(7) > 0.8 && last.coefficients.get(2000) < -0.8);
    // most columns are never looked at again
    let reads = fit.report.passes.last().unwrap().bytes / (8 * n as u64);
    assert!(reads < 40 * p as u64, "{reads} reads of {p} columns");
}

#[test]
fn columns_with_missing_numbers_are_named_where_these_fail() {
    let mut data = rows(30, 8);
    data.columns[4][11] = f64::NAN;
    let mut spec = ElasticNetSpec {
        reading: Reading::Columns,
        ..data.spec("y", Family::gaussian())
    };
    spec.design.missing = Missing::Fail;
    let why = |spec: &ElasticNetSpec, data: &Rows| {
        let error = elastic_net(spec, data.dense(), &NoProgress).err().unwrap();
        error.to_string()
    };
    let missing = why(&spec, &data);
    assert!(missing.starts_with("`x4` is missing in row 12"), "{missing}");
    data.columns[4][11] = f64::INFINITY;
    spec.design.missing = Missing::Omit;
    let infinite = why(&spec, &data);
    // in the words of models that are read by rows
    spec.reading = Reading::Rows;
    assert_eq!(infinite, why(&spec, &data));
}

/// Stops the path at its third λ.
struct Third(std::sync::atomic::AtomicUsize);

impl nelder::pass::Monitor for Third {
    fn advance(&self, pass: &str, rows: u64, _: Option<u64>) -> bool {
        let further = usize::from(pass == "path" && rows > 0);
        self.0.fetch_add(further, std::sync::atomic::Ordering::Relaxed) + further < 3
    }
}

#[test]
fn a_path_of_columns_can_be_stopped() {
    let data = rows(60, 20);
    let spec = ElasticNetSpec {
        reading: Reading::Columns,
        ..data.spec("y", Family::gaussian())
    };
    let error = elastic_net(&spec, data.dense(), &Third(0.into())).err().unwrap();
    assert_eq!(error.to_string(), "interrupted");
}

#[test]
fn rows_with_missing_numbers_are_left_out() {
    let mut data = rows(60, 20);
    data.columns[4][11] = f64::NAN;
    data.columns[15][12] = f64::NAN;
    // a row of the subset may not hold it, another may
    data.columns[4][30] = f64::INFINITY;
    data.offset[30] = 9.0;
    for (response, family) in families() {
        let mut spec = data.spec(response, family);
        spec.design = LmSpec::new(&spec.design.formula).weights("w").subset("o < 9");
        let of = |reading| ElasticNetSpec {
            reading,
            ..spec.clone()
        };
        let by_rows = elastic_net(&of(Reading::Rows), data.dense(), &NoProgress).unwrap();
        let by_columns = elastic_net(&of(Reading::Columns), data.dense(), &NoProgress).unwrap();
        assert!(by_columns.report.algorithm.ends_with("column by column"));
        assert_eq!(by_columns.counts, by_rows.counts);
        assert_eq!(by_columns.counts.omitted, 2);
        assert_same(&by_rows.path, &by_columns.path, response);
        let folds = |reading| CrossValidationSpec::new(of(reading)).folds(Folds::Drawn { count: 4, seed: 3 });
        let by_rows = cross_validate(&folds(Reading::Rows), data.dense(), &NoProgress).unwrap();
        let by_columns = cross_validate(&folds(Reading::Columns), data.dense(), &NoProgress).unwrap();
        assert_eq!(by_rows.curve.best, by_columns.curve.best, "{response}");
    }
}

#[test]
fn columns_that_are_not_in_memory_are_read_into_it() {
    let data = rows(30, 450);
    let whole: Vec<Vec<i32>> = (data.columns.iter())
        .map(|x| x.iter().map(|x| (10.0 * x) as i32).collect())
        .collect();
    let frame = (data.names.iter().zip(&whole)).fold(data.others(), |f, (n, x)| f.with_integer(n, x));
    let spec = data.spec("y", Family::gaussian());
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    assert_eq!(fit.report.passes[0].name, "columns into memory");
    assert!(fit.report.algorithm.ends_with("column by column"));
    let by_rows = ElasticNetSpec {
        reading: Reading::Rows,
        ..spec
    };
    assert_same(
        &elastic_net(&by_rows, &frame, &NoProgress).unwrap().path,
        &fit.path,
        "whole numbers",
    );
}

#[test]
fn models_without_another_way_say_what_to_do_with_many_columns() {
    let (n, p) = (20, 120_000);
    let column: Vec<f64> = (0..n).map(|i| f64::from(i % 7)).collect();
    let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
    let times: Vec<f64> = (0..n).map(|i| f64::from(1 + i)).collect();
    let others = Frame::new().with_real("y", &times).with_real("z", &column);
    let frame = names
        .iter()
        .fold(others, |frame, name| frame.with_real(name, &column));
    let cox = ElasticNetSpec::new("Surv(y, z > 2) ~ .").cox(Ties::Breslow);
    let cox = elastic_net(&cox, &frame, &NoProgress).err().unwrap();
    let several = ElasticNetSpec::new("cbind(y, z) ~ .");
    let several = MultiNetSpec::new(several, MultiFamily::Gaussian { standardize: false });
    let several = multi_net(&several, &frame, &NoProgress).err().unwrap();
    let computed = elastic_net(&ElasticNetSpec::new("y ~ . + log(z)"), &frame, &NoProgress);
    let computed = computed.err().unwrap().to_string();
    assert!(computed.contains("`log(z)` is none: the model has"), "{computed}");
    for (error, models) in [(cox, "Cox models"), (several, "models of several responses")] {
        let text = error.to_string();
        assert!(text.contains(models) && text.contains("120001 columns"), "{text}");
        assert!(text.contains("choose columns beforehand"), "{text}");
    }
}
