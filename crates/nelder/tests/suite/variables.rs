//! Each function of columns against R's values (accuracy/oracle/variables.R), in batches of several sizes.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use nelder::design::{Precision, Shape, Value, Variables, VariablesState};
use nelder::formula::parse_expression;
use nelder::frame::{Column, Frame, Kind, Levels, MISSING, Source};
use serde_json::Value as Json;

pub(crate) fn oracle() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/variables.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn number(v: &Json) -> f64 {
    match v.as_str() {
        Some("Inf") => f64::INFINITY,
        Some("-Inf") => f64::NEG_INFINITY,
        Some(s) => s.parse().unwrap(),
        None => v.as_f64().unwrap_or(f64::NAN),
    }
}

fn numbers(v: &Json) -> Vec<f64> {
    v.as_array().unwrap().iter().map(number).collect()
}

fn texts(v: &Json) -> Vec<Option<String>> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().map(String::from))
        .collect()
}

pub(crate) fn frame(data: &Json, batch: usize) -> Frame<'static> {
    let mut frame = Frame::new().in_batches_of(batch);
    for (name, column) in data.as_object().unwrap() {
        let values = &column["values"];
        frame = match column["kind"].as_str().unwrap() {
            "real" => frame.with(name, Kind::Real, Column::Real(Cow::Owned(numbers(values)))),
            "integer" => {
                let whole = |x: &f64| if x.is_nan() { i32::MIN } else { *x as i32 };
                let values = numbers(values).iter().map(whole).collect();
                frame.with(name, Kind::Integer, Column::Integer(Cow::Owned(values)))
            }
            "logical" => {
                let values = numbers(values)
                    .iter()
                    .map(|x| if x.is_nan() { 2 } else { *x as u8 })
                    .collect();
                frame.with(name, Kind::Logical, Column::Logical(Cow::Owned(values)))
            }
            "text" => frame.with_text(name, &texts(values)),
            kind => {
                let labels: Vec<String> = texts(&column["levels"]).into_iter().flatten().collect();
                let levels = Arc::new(Levels::fixed(&labels));
                let code = |t: &Option<String>| {
                    t.as_ref()
                        .map_or(MISSING, |t| labels.iter().position(|l| l == t).unwrap() as u32)
                };
                let codes = Cow::Owned(texts(values).iter().map(code).collect());
                let kind = Kind::Factor {
                    ordered: kind == "ordered",
                };
                frame.with(name, kind, Column::Codes { codes, levels })
            }
        };
    }
    frame
}

/// All rows of one variable, owned.
#[derive(Debug, PartialEq)]
pub(crate) enum All {
    /// By column; the low parts beside.
    Numbers(Vec<Vec<f64>>, Vec<Vec<f64>>),
    Logical(Vec<u8>),
    /// Labels by row, levels in order that occur, ordered.
    Factor(Vec<Option<String>>, Vec<String>, bool),
}

pub(crate) fn evaluate(variables: &Variables, frame: &Frame<'_>) -> Result<All, String> {
    let found = Mutex::new(Vec::new());
    let failure = Mutex::new(None);
    let scan = frame.scan(
        variables.columns(),
        &|_, batch| match variables.evaluate(&batch) {
            Ok(mut values) => {
                let owned = match values.remove(0) {
                    Value::Numbers(columns) => {
                        let low = columns
                            .iter()
                            .map(|c| c.low.clone().unwrap_or_default())
                            .collect();
                        (
                            All::Numbers(columns.into_iter().map(|c| c.high.into_owned()).collect(), low),
                            None,
                        )
                    }
                    Value::Logical(v) => (All::Logical(v.into_owned()), None),
                    Value::Codes {
                        codes,
                        levels,
                        ordered,
                    } => {
                        let labels = levels.labels();
                        let label = |&c: &u32| (c != MISSING).then(|| labels[c as usize].clone());
                        let rows = codes.iter().map(label).collect();
                        (All::Factor(rows, Vec::new(), ordered), Some(levels))
                    }
                };
                found.lock().unwrap().push((batch.index, owned));
                true
            }
            Err(e) => {
                *failure.lock().unwrap() = Some(e.to_string());
                false
            }
        },
    );
    if let Some(e) = failure.into_inner().unwrap() {
        return Err(e);
    }
    scan.unwrap();
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(index, _)| *index);
    let mut found = found.into_iter().map(|(_, v)| v);
    let (mut all, mut levels) = found.next().unwrap();
    for (next, more) in found {
        levels = more.or(levels);
        match (&mut all, next) {
            (All::Numbers(a, l), All::Numbers(b, m)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| a.extend(b));
                l.iter_mut().zip(m).for_each(|(a, b)| a.extend(b));
            }
            (All::Logical(a), All::Logical(b)) => a.extend(b),
            (All::Factor(a, ..), All::Factor(b, ..)) => a.extend(b),
            _ => panic!("batches of different type"),
        }
    }
    if let (All::Factor(rows, order, _), Some(levels)) = (&mut all, levels) {
        let labels = levels.labels();
        *order = levels
            .order()
            .into_iter()
            .map(|c| labels[c as usize].clone())
            .collect();
        order.retain(|l| rows.iter().flatten().any(|r| r == l));
    }
    Ok(all)
}

pub(crate) fn bound(text: &str, frame: &Frame<'_>, precision: Precision) -> Result<Variables, String> {
    let asked = [parse_expression(text).map_err(|e| format!("{e:?}"))?];
    let (known, _) = Variables::resolve(&asked, frame, precision).map_err(|e| e.to_string())?;
    let mut v = Variables::bind(&known, frame.schema(), precision).map_err(|e| e.to_string())?;
    v.prepare(frame).map_err(|e| e.to_string())?;
    assert!(!v.needs_prepare());
    Ok(v)
}

/// The largest difference of two columns, relative to the largest number of the second; infinite where a
/// missing value is in one of them only.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b
        .iter()
        .filter(|x| x.is_finite())
        .fold(0.0f64, |m, x| m.max(x.abs()));
    let mut worst = 0.0f64;
    for (&x, &y) in a.iter().zip(b) {
        if x.is_nan() || y.is_nan() || y.is_infinite() {
            if !(x == y || (x.is_nan() && y.is_nan())) {
                return f64::INFINITY;
            }
        } else {
            worst = worst.max((x - y).abs());
        }
    }
    if worst == 0.0 { 0.0 } else { worst / scale }
}

/// What an expression may differ from R by: bases by 1e-13, others by two units in the last place, one of
/// which the reading of the decimals may cost.
fn tolerance(text: &str) -> f64 {
    let has = |names: &[&str]| names.iter().any(|n| text.contains(n));
    if text == "poly(year, 10)" {
        // R's own error: rational arithmetic gives ours to the last digits, and R's 4.7e-13 off
        1e-12
    } else if has(&["poly", "ns(", "bs("]) {
        1e-13
    } else if has(&["gamma(", "beta(", "choose("]) {
        // R's own error, up to 1e-13 beside arithmetic of 40 digits, where ours is checked beside 60 (design/functions/special.rs)
        1e-13
    } else if has(&["scale"]) {
        8.0 * f64::EPSILON
    } else {
        2.0 * f64::EPSILON
    }
}

fn each(kind: &str, check: impl Fn(&str, &Json, &Frame<'_>) -> Result<(), String>) {
    let oracle = oracle();
    let mut failures = Vec::new();
    for batch in [7, 1000] {
        let frame = frame(&oracle["data"], batch);
        for case in oracle[kind].as_array().unwrap() {
            let text = case["expression"].as_str().unwrap();
            if let Err(problem) = check(text, case, &frame) {
                failures.push(format!("{text} in batches of {batch}: {problem}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check_columns(got: &All, wanted: &Json, tolerance: f64) -> Result<(), String> {
    let All::Numbers(got, _) = got else {
        return Err(format!("not numbers: {got:?}"));
    };
    let wanted: Vec<Vec<f64>> = wanted.as_array().unwrap().iter().map(numbers).collect();
    if got.len() != wanted.len() {
        return Err(format!("{} columns, not {}", got.len(), wanted.len()));
    }
    for (k, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
        let d = difference(got, wanted);
        if d > tolerance {
            return Err(format!("column {k} differs by {d:e}: {got:?} {wanted:?}"));
        }
    }
    Ok(())
}

#[test]
fn numbers_as_in_r() {
    each("numeric", |text, case, frame| {
        let v = bound(text, frame, Precision::Double)?;
        let suffixes: Vec<String> = texts(&case["suffixes"]).into_iter().flatten().collect();
        if v.shapes()
            != [Shape::Numeric {
                suffixes: suffixes.clone(),
            }]
        {
            return Err(format!("{:?}, not {suffixes:?}", v.shapes()));
        }
        check_columns(&evaluate(&v, frame)?, &case["columns"], tolerance(text))
    });
}

#[test]
fn twice_the_precision_rounds_to_the_same_numbers() {
    each("numeric", |text, case, frame| {
        // functions that jump see other sides of the jump
        if ["%%", "%/%", "floor", "round", "rank", "signif"]
            .iter()
            .any(|f| text.contains(f))
        {
            return Ok(());
        }
        let all = evaluate(&bound(text, frame, Precision::Twice)?, frame)?;
        if let All::Numbers(high, low) = &all {
            for (high, low) in high.iter().zip(low).filter(|(_, l)| !l.is_empty()) {
                for (h, l) in high.iter().zip(low) {
                    if !h.is_nan() && h + l != *h {
                        return Err(format!("{h} + {l} is not normal"));
                    }
                }
            }
        }
        check_columns(&all, &case["columns"], tolerance(text).max(8.0 * f64::EPSILON))
    });
}

#[test]
fn logicals_as_in_r() {
    each("logical", |text, case, frame| {
        let v = bound(text, frame, Precision::Double)?;
        let All::Logical(got) = evaluate(&v, frame)? else {
            return Err("not logical".into());
        };
        let wanted = numbers(&case["values"]);
        let wanted: Vec<u8> = wanted
            .iter()
            .map(|x| if x.is_nan() { 2 } else { *x as u8 })
            .collect();
        if got == wanted {
            Ok(())
        } else {
            Err(format!("{got:?} {wanted:?}"))
        }
    });
}

#[test]
fn factors_as_in_r() {
    each("factor", |text, case, frame| {
        let v = bound(text, frame, Precision::Double)?;
        let All::Factor(rows, levels, ordered) = evaluate(&v, frame)? else {
            return Err("not a factor".into());
        };
        if v.shapes() != [Shape::Factor { ordered }] || case["ordered"] != Json::Bool(ordered) {
            return Err(format!("{:?}", v.shapes()));
        }
        let wanted: Vec<String> = texts(&case["levels"]).into_iter().flatten().collect();
        if rows != texts(&case["labels"]) {
            return Err(format!("rows {rows:?} {:?}", case["labels"]));
        }
        if levels == wanted {
            Ok(())
        } else {
            Err(format!("levels {levels:?} {wanted:?}"))
        }
    });
}

#[test]
fn predictions_use_the_bases_of_the_fit() {
    let oracle = oracle();
    let new = frame(&oracle["new"], 2);
    each("predicted", |text, case, frame| {
        let v = bound(text, frame, Precision::Double)?;
        let json = serde_json::to_string(&v.state()).unwrap();
        let state: VariablesState = serde_json::from_str(&json).unwrap();
        let expr = [parse_expression(text).unwrap()];
        let v =
            Variables::restore(&expr, &state, new.schema(), Precision::Double).map_err(|e| e.to_string())?;
        check_columns(&evaluate(&v, &new)?, &case["columns"], 1e-13)
    });
}

#[test]
fn factors_keep_their_codes() {
    let oracle = oracle();
    let data = frame(&oracle["data"], 13);
    for case in oracle["factor"].as_array().unwrap() {
        let text = case["expression"].as_str().unwrap();
        let v = bound(text, &data, Precision::Double).unwrap();
        let before = evaluate(&v, &data).unwrap();
        let json = serde_json::to_string(&v.state()).unwrap();
        let state: VariablesState = serde_json::from_str(&json).unwrap();
        let expr = [parse_expression(text).unwrap()];
        let restored = Variables::restore(&expr, &state, data.schema(), Precision::Double).unwrap();
        assert_eq!(restored.shapes(), v.shapes(), "{text}");
        assert_eq!(evaluate(&restored, &data).unwrap(), before, "{text}");
    }
}

/// Sums of products of two columns, in twice the precision.
fn product(a: (&[f64], &[f64]), b: (&[f64], &[f64])) -> nelder_device::Dd {
    use nelder_device::Dd;
    let value = |c: (&[f64], &[f64]), i: usize| Dd::two_sum(c.0[i], c.1[i]);
    (0..a.0.len()).map(|i| value(a, i) * value(b, i)).sum()
}

#[test]
fn polynomials_are_orthogonal_in_twice_the_precision() {
    let oracle = oracle();
    let data = frame(&oracle["data"], 16);
    for text in ["poly(year, 10)", "poly(z, 7)"] {
        let v = bound(text, &data, Precision::Twice).unwrap();
        let All::Numbers(high, low) = evaluate(&v, &data).unwrap() else {
            panic!()
        };
        for j in 0..high.len() {
            for k in 0..=j {
                let inner = product((&high[j], &low[j]), (&high[k], &low[k]));
                let off = (inner - if j == k { 1.0 } else { 0.0 }).abs().hi;
                // the recurrence loses about a digit a degree
                assert!(off < 1e-32 * 10f64.powi(j as i32 + 2), "{text} {j} {k}: {off:e}");
            }
        }
    }
}

#[test]
fn certified_columns_carry_their_low_parts() {
    let x = [1.1, 2.3, 0.7];
    let data = Frame::new().with_real("x", &x);
    let v = bound("I(x^10)", &data, Precision::Twice).unwrap();
    let All::Numbers(high, low) = evaluate(&v, &data).unwrap() else {
        panic!()
    };
    for ((&x, &h), &l) in x.iter().zip(&high[0]).zip(&low[0]) {
        let truth = nelder_device::Dd::new(x).powi(10);
        assert_eq!((h, l), (truth.hi, truth.lo));
        assert!(l != 0.0);
    }
}

#[test]
fn columns_are_asked_for_once_and_borrowed() {
    let (x, y) = ([1.0, 2.0], [3.0, 4.0]);
    let data = Frame::new()
        .with_real("a", &y)
        .with_real("x", &x)
        .with_real("y", &y);
    let expressions = ["y", "x * y", "(x)"].map(|t| parse_expression(t).unwrap());
    let v = Variables::bind(&expressions, data.schema(), Precision::Double).unwrap();
    assert_eq!(v.columns(), [2, 1]);
    assert!(!v.needs_prepare());
    assert_eq!(v.names(), ["y", "x * y", "(x)"]);
    data.scan(v.columns(), &|_, batch| {
        let values = v.evaluate(&batch).unwrap();
        for (value, column) in [(&values[0], &y), (&values[2], &x)] {
            let Value::Numbers(columns) = value else { panic!() };
            assert!(std::ptr::eq(columns[0].high.as_ptr(), column.as_ptr()));
        }
        true
    })
    .unwrap();
}

#[test]
fn nested_bases_take_a_scan_each() {
    let oracle = oracle();
    let data = frame(&oracle["data"], 10);
    let expr = [
        parse_expression("poly(scale(x), 2)").unwrap(),
        parse_expression("ns(z, 3)").unwrap(),
    ];
    let mut v = Variables::bind(&expr, data.schema(), Precision::Double).unwrap();
    assert!(v.needs_prepare());
    let scan = v.prepare(&data).unwrap();
    // x and z, then x
    assert_eq!((scan.rows, scan.bytes), (120, 60 * 8 * 3));
    assert_eq!(v.prepare(&data).unwrap().rows, 0);
}

/// Times beside text are days and clocks, as in R 4.3: at midnight the day alone, else to the second and its part.
#[test]
fn times_beside_text() {
    let day = 19_358.0 * 86_400.0; // 2023-01-01
    let times = [day, day + 86_400.0, day + 5_025.0, day + 0.25, f64::NAN];
    let of = |utc| {
        let column = Column::Real(Cow::Borrowed(&times[..]));
        Frame::new().with("ts", Kind::Time { utc }, column)
    };
    let frame = of(true);
    let labels =
        |text: &str| match evaluate(&bound(text, &frame, Precision::Double).unwrap(), &frame).unwrap() {
            All::Factor(rows, ..) => rows,
            _ => panic!("{text} is no text"),
        };
    let written = [
        Some("2023-01-01"),
        Some("2023-01-02"),
        Some("2023-01-01 01:23:45"),
        Some("2023-01-01 00:00:00.25"),
        None,
    ];
    for text in ["factor(ts)", "as.character(ts)"] {
        assert_eq!(labels(text), written.map(|l| l.map(str::to_string)), "{text}");
    }
    assert_eq!(labels("substr(ts, 9, 10)")[1].as_deref(), Some("02"));
    let truth = |text: &str| match evaluate(&bound(text, &frame, Precision::Double).unwrap(), &frame).unwrap()
    {
        All::Logical(v) => v,
        _ => panic!("{text} is no logical"),
    };
    for (text, wanted) in [
        ("ts > \"2023-01-01\"", [0, 1, 1, 1, 2]),
        ("ts == \"2023/01/02\"", [0, 1, 0, 0, 2]),
        ("ts < \"2023-01-01 01:23:46\"", [1, 0, 1, 1, 2]),
        ("ts <= \"2023-01-01T01:23\"", [1, 0, 0, 1, 2]),
        (
            "ts %in% c(\"2023-01-02\", \"2023-01-01 01:23:45\")",
            [0, 1, 1, 0, 0],
        ),
        ("grepl(\"2023\", ts)", [1, 1, 1, 1, 0]),
    ] {
        assert_eq!(truth(text), wanted, "{text}");
    }
    let refused = |text: &str, frame: &Frame<'_>, part: &str| {
        let message = bound(text, frame, Precision::Double).err().unwrap();
        assert!(message.contains(part), "{text}: {message}");
    };
    refused("ts > \"yesterday\"", &frame, "which is no time such as");
    for text in ["factor(ts)", "ts > \"2023-01-01\"", "paste(ts)"] {
        refused(text, &of(false), "time zone other than UTC");
    }
}
