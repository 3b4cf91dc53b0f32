//! After the first pass levels are known: a row with another one is an error, and never a row less.

use std::sync::atomic::{AtomicUsize, Ordering};

use nelder::family::Family;
use nelder::frame::{Frame, Scan, Schema, Source, SourceError, Visit};
use nelder::model::{GlmSpec, LmSpec, glm, lm};
use nelder::pass::NoProgress;

/// A source whose rows are others from its second scan on, as a file's that someone writes to.
struct Written<'a> {
    before: Frame<'a>,
    after: Frame<'a>,
    scans: AtomicUsize,
}

impl Source for Written<'_> {
    fn schema(&self) -> &Schema {
        self.before.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.before.rows()
    }

    fn workers(&self) -> usize {
        1
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        match self.scans.fetch_add(1, Ordering::Relaxed) {
            0 => self.before.scan(columns, visit),
            _ => self.after.scan(columns, visit),
        }
    }
}

fn text(levels: &[&str]) -> Vec<Option<String>> {
    levels.iter().map(|level| Some(level.to_string())).collect()
}

#[test]
fn a_level_that_comes_later_is_an_error() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    let y = [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 9.0, 7.0, 8.0];
    let before = text(&["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
    let after = text(&["a", "b", "c", "a", "b", "c", "d", "b", "c"]);
    let source = |after| Written {
        before: Frame::new()
            .with_real("x", &x)
            .with_real("y", &y)
            .with_text("g", &before),
        after: Frame::new()
            .with_real("x", &x)
            .with_real("y", &y)
            .with_text("g", after),
        scans: AtomicUsize::new(0),
    };
    for formula in ["y ~ x + g", "y ~ x * g", "y ~ g"] {
        let poisson = GlmSpec::new(formula, Family::poisson());
        // the same rows again are a fit
        let same = source(&before);
        assert!(lm(&LmSpec::new(formula), &same, &NoProgress).is_ok());
        let same = source(&before);
        assert!(glm(&poisson, &same, &NoProgress).is_ok());
        let changed = source(&after);
        let found = lm(&LmSpec::new(formula), &changed, &NoProgress)
            .err()
            .map(|e| e.to_string());
        let said = found.unwrap_or_default();
        assert!(
            said.contains("row 7 ") && said.contains("changed"),
            "lm {formula}: {said}"
        );
        let changed = source(&after);
        let found = glm(&poisson, &changed, &NoProgress).err().map(|e| e.to_string());
        let said = found.unwrap_or_default();
        assert!(
            said.contains("row 7 ") && said.contains("changed"),
            "glm {formula}: {said}"
        );
    }
}
