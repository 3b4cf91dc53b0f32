//! What is printed of generalized linear models, character by character what R prints: `accuracy/oracle/print_glm.R`.

use std::path::PathBuf;

use nelder::family::Family;
use nelder::frame::Source;
use nelder::model::{
    Direction, Glm, GlmSpec, Regression, SavedGlm, StepScope, compare_deviances, glm, step_glm,
};
use nelder::pass::NoProgress;
use nelder::summary::deviance::{self, DevianceTest};
use nelder::summary::{generalized, print_generalized};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy/oracle")
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_default()
}

fn fit<'s>(case: &Value, formula: &str, source: &'s dyn Source) -> Glm<'s> {
    let family: Family = text(case, "family").trim_end_matches("()").parse().unwrap();
    let mut spec = GlmSpec::new(formula, family);
    spec.design.weights = case["weights"].as_str().map(str::to_string);
    glm(&spec, source, &NoProgress).unwrap()
}

fn printed(case: &Value, source: &dyn Source) -> String {
    let formula = text(case, "formula");
    let test = match text(case, "test") {
        "Chisq" => DevianceTest::Chisq,
        "F" => DevianceTest::F,
        _ => DevianceTest::None,
    };
    if case["kind"] == "models" {
        let fits: Vec<SavedGlm> = formula
            .split('|')
            .map(|f| fit(case, f, source).save().unwrap())
            .collect();
        let (lines, dispersion, df) = compare_deviances(&fits).unwrap();
        return deviance::between_models(&lines, test, dispersion, df);
    }
    let fit = fit(case, formula, source);
    let summary = generalized::summary(&fit, text(case, "call"), 0.95, None);
    match text(case, "kind") {
        "summary" => print_generalized::summary(&summary),
        "brief" => print_generalized::brief(&summary),
        "anova" => deviance::sequential(&fit, &fit.sequential(&NoProgress).unwrap(), test),
        "drop1" => deviance::deletions(&fit.formula(), &fit.drop1(2.0, &NoProgress).unwrap(), test),
        "add1" => {
            let table = fit.add1(text(case, "scope"), 2.0, &NoProgress).unwrap();
            deviance::additions(&fit.formula(), &table, test)
        }
        "step" => {
            let scope = StepScope {
                lower: None,
                upper: case["scope"].as_str().map(str::to_string),
            };
            let direction = match scope.upper {
                Some(_) => Direction::Both,
                None => Direction::Backward,
            };
            let found = step_glm(&fit, &scope, direction, 2.0, &NoProgress).unwrap();
            let parts = found
                .path
                .iter()
                .enumerate()
                .map(|(i, m)| deviance::step(i == 0, m.aic, &m.formula, &m.considered));
            parts.collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_text_is_r_s() {
    let all = std::fs::read_to_string(folder().join("print_glm.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&all).unwrap();
    let mut failed = String::new();
    for case in &cases {
        let name = text(case, "name");
        let data = folder().join(format!("print/glm_{}.csv", text(case, "data")));
        let source = nelder_data::open(&data).unwrap();
        let ours = printed(case, &source);
        let theirs = std::fs::read_to_string(folder().join(format!("print/glm-{name}.txt"))).unwrap();
        // the last empty line is R's, not the table's
        if ours.trim_end_matches('\n') != theirs.trim_end_matches('\n') {
            failed += &format!("=== {name}\n{ours}\n--- R\n{theirs}\n");
        }
    }
    assert!(cases.len() > 40);
    assert!(failed.is_empty(), "{failed}");
}
