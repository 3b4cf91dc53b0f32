//! What is claimed against what is true, over many models: by kind, what the claims give away.

use std::collections::BTreeMap;
use std::io::Write as _;

/// A claim may be above the truth by no more than this part of a digit.
const SLACK: f64 = 0.05;

/// How many models there are: `NELDER_CLAIMS` times the number that an ordinary run has, an eighth of it with `NELDER_TEST_FEW`.
pub fn count(ordinary: usize) -> usize {
    if std::env::var_os("NELDER_TEST_FEW").is_some() {
        return ordinary.div_ceil(8);
    }
    let times: usize = std::env::var("NELDER_CLAIMS")
        .ok()
        .and_then(|t| t.parse().ok())
        .unwrap_or(1);
    ordinary * times
}

/// Claims of one sort of model.
#[derive(Default)]
pub struct Held {
    /// By kind of data and claim: claimed and true digits.
    by_kind: BTreeMap<(String, &'static str), Vec<(f64, f64)>>,
    wrong: Vec<String>,
}

impl Held {
    /// A claim and the digits that there are.
    pub fn claim(
        &mut self,
        kind: &str,
        what: &'static str,
        model: &dyn std::fmt::Debug,
        claimed: f64,
        have: f64,
    ) {
        if claimed > have + SLACK {
            let line = format!("{kind}, {what}: claimed {claimed:.2} of {have:.2}: {model:?}");
            self.wrong.push(line);
        }
        self.by_kind
            .entry((kind.to_string(), what))
            .or_default()
            .push((claimed, have));
    }

    /// Digits that a number is to have, without a claim beside it.
    pub fn wanted(
        &mut self,
        kind: &str,
        what: &'static str,
        model: &dyn std::fmt::Debug,
        least: f64,
        have: f64,
    ) {
        self.claim(kind, what, model, least, have);
    }

    /// Prints a table, writes it as CSV to where `NELDER_CLAIMS_TO` says, and fails where a claim is above the truth.
    pub fn finish(self, sort: &str) {
        let mut rows = Vec::new();
        for ((kind, what), pairs) in &self.by_kind {
            let mut away: Vec<f64> = pairs.iter().map(|(claimed, have)| have - claimed).collect();
            away.sort_by(f64::total_cmp);
            let least = pairs.iter().map(|(_, have)| *have).fold(16.0, f64::min);
            rows.push(format!(
                "{sort},{kind},{what},{},{},{:.2},{:.2},{least:.2}",
                pairs.len(),
                away.iter().filter(|a| **a < -SLACK).count(),
                away[0],
                away[away.len() / 2],
            ));
        }
        println!("sort,kind,claim,models,above,least_away,median_away,least_true");
        rows.iter().for_each(|row| println!("{row}"));
        if let Some(path) = std::env::var_os("NELDER_CLAIMS_TO") {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            let mut file = file.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            rows.iter()
                .for_each(|row| writeln!(file, "{row}").expect("the record can be written"));
        }
        let few = self.wrong.iter().take(20).cloned().collect::<Vec<_>>();
        assert!(
            self.wrong.is_empty(),
            "{} claims above the truth:\n{}",
            self.wrong.len(),
            few.join("\n")
        );
    }
}
