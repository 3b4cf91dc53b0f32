//! The formula language against R: `accuracy/oracle/terms.R` wrote the expectations.

use std::path::Path;

use nelder::formula::{
    Coding, Contrast, FormulaError, INTERCEPT, NamePart, Terms, column_names, matrix_suffixes,
    parse_expression, parse_formula, terms, update,
};
use serde_json::Value;

fn oracle() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../accuracy/oracle/terms.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| text(v).to_string())
        .collect()
}

fn model(formula: &str, columns: &[&str]) -> Terms {
    terms(&parse_formula(formula).unwrap(), columns).unwrap()
}

fn labels(terms: &Terms) -> Vec<String> {
    terms.terms.iter().map(|term| term.label.clone()).collect()
}

#[test]
fn terms_are_those_of_r() {
    let oracle = oracle();
    let columns = texts(&oracle["columns"]);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let cases = oracle["formulas"].as_array().unwrap();
    assert!(cases.len() > 100);
    for case in cases {
        let formula = text(&case["formula"]);
        let ours = model(formula, &columns);

        let variables: Vec<String> = ours.variables.iter().map(|v| v.to_string()).collect();
        assert_eq!(variables, texts(&case["variables"]), "variables of {formula}");
        assert_eq!(
            u64::from(ours.intercept),
            case["intercept"].as_u64().unwrap(),
            "intercept of {formula}"
        );
        let response = case["response"].as_u64().unwrap() as usize;
        assert_eq!(ours.response, response.checked_sub(1), "response of {formula}");
        let offsets: Vec<usize> = case["offset"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap() as usize - 1)
            .collect();
        assert_eq!(ours.offsets, offsets, "offsets of {formula}");

        // R keeps the response among the terms until the model matrix, where it drops it with a warning
        let patterns: Vec<Vec<u64>> = case["factors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| {
                column
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|v| v.as_u64().unwrap())
                    .collect()
            })
            .collect();
        let (dropped, kept): (Vec<_>, Vec<_>) =
            texts(&case["labels"])
                .into_iter()
                .zip(patterns)
                .partition(|(label, _)| {
                    ours.response
                        .is_some_and(|r| *label == ours.variables[r].to_string())
                });
        assert_eq!(
            labels(&ours),
            kept.iter().map(|k| k.0.clone()).collect::<Vec<_>>(),
            "labels of {formula}"
        );
        assert_eq!(
            ours.dropped,
            dropped.first().map(|k| k.0.clone()),
            "dropped of {formula}"
        );
        for (term, (label, pattern)) in ours.terms.iter().zip(&kept) {
            let mut own = vec![0; pattern.len()];
            for (&v, &coding) in term.variables.iter().zip(&term.coding) {
                own[v] = if coding == Coding::Contrasts { 1 } else { 2 };
            }
            assert_eq!(&own, pattern, "pattern of {label} in {formula}");
        }

        if dropped.is_empty()
            && let Some(simplified) = case["simplified"].as_str()
        {
            assert_eq!(ours.formula().to_string(), simplified, "{formula} written out");
        }
    }
}

#[test]
fn column_names_are_those_of_r() {
    let oracle = oracle();
    let columns = texts(&oracle["columns"]);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    for case in oracle["formulas"].as_array().unwrap() {
        let formula = text(&case["formula"]);
        let ours = model(formula, &columns);
        let kinds = case["kinds"].as_array().unwrap();
        let is_factor: Vec<bool> = kinds.iter().map(|kind| kind["levels"].is_array()).collect();
        let mut names = Vec::new();
        if ours.intercept {
            names.push(INTERCEPT.to_string());
        }
        for (term, coding) in ours.terms.iter().zip(ours.coding(&is_factor)) {
            let parts: Vec<NamePart> = term
                .variables
                .iter()
                .zip(coding)
                .map(|(&v, coding)| {
                    let kind = &kinds[v];
                    let suffixes = if is_factor[v] {
                        let levels = texts(&kind["levels"]);
                        let contrast = match coding {
                            Coding::Full => Contrast::Identity,
                            Coding::Contrasts => Contrast::default_for(kind["ordered"].as_bool().unwrap()),
                        };
                        let suffixes = contrast.suffixes(&levels);
                        assert_eq!(suffixes.len(), contrast.matrix(levels.len()).unwrap().columns());
                        suffixes
                    } else {
                        let names = kind["names"].is_array().then(|| texts(&kind["names"]));
                        matrix_suffixes(names.as_deref(), kind["columns"].as_u64().unwrap() as usize)
                    };
                    NamePart::columns(ours.variables[v].to_string(), suffixes)
                })
                .collect();
            names.extend(column_names(&parts));
        }
        assert_eq!(names, texts(&case["columns"]), "columns of {formula}");
    }
}

#[test]
fn what_r_refuses_is_an_error() {
    for formula in texts(&oracle()["errors"]) {
        let error = terms(&parse_formula(&formula).unwrap(), &["y", "x", "a", "b"]).unwrap_err();
        assert!(
            matches!(
                error,
                FormulaError::Constant { .. }
                    | FormulaError::ConstantResponse { .. }
                    | FormulaError::Power { .. }
            ),
            "{formula}: {error}"
        );
    }
}

#[test]
fn expressions_print_as_in_r() {
    for case in oracle()["expressions"].as_array().unwrap() {
        let source = text(&case["text"]);
        // R rounds whole numbers beyond 2^53 as it reads them; here they are other numbers than their neighbours
        let kept = source.parse::<i128>().is_ok_and(|x| x > 1 << 53);
        let want = if kept { source } else { text(&case["value"]) };
        assert_eq!(
            parse_expression(source).unwrap().to_string(),
            want,
            "from {source}"
        );
    }
}

#[test]
fn update_is_that_of_r() {
    for case in oracle()["updates"].as_array().unwrap() {
        let (old, new) = (text(&case["old"]), text(&case["new"]));
        let updated = update(&parse_formula(old).unwrap(), new).unwrap();
        assert_eq!(
            updated.to_string(),
            text(&case["value"]),
            "{old} updated by {new}"
        );
        assert_eq!(updated.text, text(&case["value"]));
    }
}

#[test]
fn scopes_are_those_of_r() {
    for case in oracle()["scopes"].as_array().unwrap() {
        let [ours, lower, upper] = ["model", "lower", "upper"].map(|key| model(text(&case[key]), &[]));
        let named = |of: &Terms, scope: Vec<usize>| {
            scope
                .iter()
                .map(|&k| of.terms[k].label.clone())
                .collect::<Vec<_>>()
        };
        let what = text(&case["model"]);
        assert_eq!(
            named(&ours, ours.drop_scope()),
            texts(&case["drop"]),
            "drop.scope of {what}"
        );
        let above = ours.drop_scope_above(&lower).unwrap();
        assert_eq!(
            named(&ours, above),
            texts(&case["drop_above"]),
            "drop.scope of {what} above a lower"
        );
        let add = ours.add_scope(&upper).unwrap();
        assert_eq!(named(&upper, add), texts(&case["add"]), "add.scope of {what}");
    }
}

#[test]
fn contrasts_are_those_of_r() {
    let oracle = oracle();
    for case in oracle["poly"].as_array().unwrap() {
        let levels = case["levels"].as_u64().unwrap() as usize;
        let ours = Contrast::Poly.matrix(levels).unwrap().to_dense();
        let theirs: Vec<f64> = texts(&case["values"])
            .iter()
            .map(|v| v.parse().unwrap())
            .collect();
        assert_eq!(ours.len(), theirs.len());
        // R's own error: a QR of powers up to levels - 1, condition growing about tenfold for every two levels
        // (measured against exact arithmetic: 3e-16 at 5, 4e-15 at 10, 4e-13 at 15, 7e-11 at 20)
        let tolerance = f64::EPSILON * 4.0_f64.max(10.0_f64.powf(0.3 * levels as f64));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(
                (ours - theirs).abs() <= tolerance,
                "{levels} levels: {ours} and {theirs}"
            );
        }
        let names: Vec<String> = (0..levels).map(|k| k.to_string()).collect();
        assert_eq!(Contrast::Poly.suffixes(&names), texts(&case["suffixes"]));
    }
    let values = |key: &str| {
        oracle[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(Contrast::Sum.matrix(4).unwrap().to_dense(), values("sum"));
    assert_eq!(Contrast::Helmert.matrix(4).unwrap().to_dense(), values("helmert"));
    assert_eq!(
        Contrast::Treatment { base: 2 }.matrix(4).unwrap().to_dense(),
        values("treatment")
    );
}
