//! Any text as a formula: it is parsed or refused; what is parsed prints as the same formula, and has terms or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nelder::formula::{parse_expression, parse_formula, terms};

const COLUMNS: [&str; 4] = ["y", "x", "g", "a b"];

fuzz_target!(|text: &str| {
    match parse_formula(text) {
        Ok(formula) => {
            let printed = formula.to_string();
            let again =
                parse_formula(&printed).unwrap_or_else(|e| panic!("{text:?} prints as {printed:?}: {e}"));
            assert_eq!(again.to_string(), printed, "{text:?}");
            let _ = terms(&formula, &COLUMNS).map_err(|e| e.to_string());
        }
        Err(e) => {
            // the caret's place is within the text
            assert!(e.offset <= text.len(), "{text:?}: {}", e.offset);
            let _ = e.to_string();
        }
    }
    if let Ok(expression) = parse_expression(text) {
        let printed = expression.to_string();
        let again =
            parse_expression(&printed).unwrap_or_else(|e| panic!("{text:?} prints as {printed:?}: {e}"));
        assert_eq!(again.to_string(), printed, "{text:?}");
    }
});
