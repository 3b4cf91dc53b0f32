//! Parser and deparser against each other, and against texts that are no formulas.

use proptest::prelude::*;

use super::*;

fn number(value: f64) -> Expr {
    Expr::Number {
        value,
        integer: false,
    }
}

const OPERATORS: [Binary; 17] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Colon,
    Binary::In,
    Binary::Mod,
    Binary::IntDiv,
    Binary::Eq,
    Binary::Ne,
    Binary::Lt,
    Binary::Le,
    Binary::Gt,
    Binary::Ge,
    Binary::And,
    Binary::Or,
];

/// Any tree, also one that only prints with parentheses.
fn tree() -> impl Strategy<Value = Expr> {
    let name = prop_oneof![
        "[a-z][a-zA-Z0-9._]{0,4}",
        Just("my var".to_string()),
        Just("if".to_string()),
        Just("TRUE".to_string()),
        Just("größe".to_string()),
        "\\PC{1,5}",
    ];
    let leaf = prop_oneof![
        4 => name.clone().prop_map(Expr::Name),
        // what prints with 15 digits
        1 => (0i64..1_000_000_000, -12i32..12).prop_map(|(m, e)| number(format!("{m}e{e}").parse().unwrap())),
        1 => (0i32..=i32::MAX).prop_map(|v| Expr::Number { value: f64::from(v), integer: true }),
        1 => Just(number(f64::INFINITY)),
        1 => ".{0,6}".prop_map(|s| Expr::Text(s.replace('\0', ""))),
        1 => any::<bool>().prop_map(Expr::Logical),
        1 => Just(Expr::Missing),
        1 => Just(Expr::Null),
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        let arg =
            (proptest::option::of(name.clone()), inner.clone()).prop_map(|(name, value)| Arg { name, value });
        prop_oneof![
            (0..OPERATORS.len(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| Expr::Binary(
                OPERATORS[op],
                Box::new(a),
                Box::new(b)
            )),
            (0..3usize, inner.clone())
                .prop_map(|(op, a)| { Expr::Unary([Unary::Neg, Unary::Plus, Unary::Not][op], Box::new(a)) }),
            ("[a-z]{1,4}", proptest::collection::vec(arg, 0..4))
                .prop_filter("reserved", |(f, _)| !lex::is_reserved(f))
                .prop_map(|(function, args)| Expr::Call { function, args }),
            inner.prop_map(|a| Expr::Paren(Box::new(a))),
        ]
    })
}

/// The tree without its parentheses.
fn bare(e: &Expr) -> Expr {
    match e {
        Expr::Paren(inner) => bare(inner),
        Expr::Unary(op, inner) => Expr::Unary(*op, Box::new(bare(inner))),
        Expr::Binary(op, a, b) => Expr::Binary(*op, Box::new(bare(a)), Box::new(bare(b))),
        Expr::Call { function, args } => Expr::Call {
            function: function.clone(),
            args: args
                .iter()
                .map(|arg| Arg {
                    name: arg.name.clone(),
                    value: bare(&arg.value),
                })
                .collect(),
        },
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printed_trees_parse_back(e in tree()) {
        let text = e.to_string();
        let parsed = parse_expression(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(bare(&parsed), bare(&e), "{}", text);
        // what the parser made is printed as it was, parentheses and all
        prop_assert_eq!(&parsed.to_string(), &text);
        prop_assert_eq!(parse_expression(&parsed.to_string()).unwrap(), parsed);
    }

    #[test]
    fn any_text_is_a_formula_or_an_error(text in ".{0,60}") {
        check_total(&text)?;
    }

    #[test]
    fn any_tokens_are_a_formula_or_an_error(
        tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "b", "x.1", "1", "0", "2", "5L", "1e3", "'s'", "`q r`", "+", "-", "*", "/", "^", ":", "%in%", "%%", "(", ")",
                "f(", ",", "=", "==", "<", "!", "&", "|", "~", ".", "offset(", "NA", "NULL", "TRUE", "Inf", "::", "#", "\n", "\\",
                "é", "\u{2212}", "\"", "0x", "[", "<-", "_", "%", " ",
            ]),
            0..25,
        )
    ) {
        check_total(&tokens.concat())?;
        check_total(&format!("y ~ {}", tokens.join(" ")))?;
    }

    #[test]
    fn formulas_with_a_change_are_formulas_or_errors(
        at in 0.0f64..1.0, cut in 0usize..4, put in "[-+*/^:()~.,=<>!&|%'\"`\\\\a-c0-9 é]{0,3}",
    ) {
        let whole = "log(y) ~ (a + b)^2 - a:b + poly(x, df = 3L)*`my var` %in% c + I(x^-2 > 0.5 & !l) + offset(w) - 1";
        let chars: Vec<char> = whole.chars().collect();
        let at = (at * chars.len() as f64) as usize;
        let text: String =
            chars[..at].iter().copied().chain(put.chars()).chain(chars.iter().copied().skip(at + cut)).collect();
        check_total(&text)?;
    }
}

/// Parsing, expanding, printing: no panic, and an error lies inside the text.
fn check_total(text: &str) -> Result<(), TestCaseError> {
    let _ = parse_expression(text);
    match parse_formula(text) {
        Err(error) => {
            prop_assert!(
                error.offset <= text.len() && text.is_char_boundary(error.offset),
                "{error:?}"
            );
            prop_assert!(!error.message.is_empty());
            let shown = error.to_string();
            prop_assert_eq!(shown.lines().count(), 3, "{}", shown);
            prop_assert!(shown.ends_with('^'));
        }
        Ok(formula) => {
            let again =
                parse_formula(&formula.to_string()).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(again.to_string(), formula.to_string());
            if let Ok(expanded) = terms(&formula, &["y", "a", "b"]) {
                // a model written out means the same model
                let written =
                    terms(&expanded.formula(), &[]).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(written.intercept, expanded.intercept);
                let labels = |t: &Terms| {
                    let split = |term: &Term| {
                        let mut parts: Vec<String> = term
                            .variables
                            .iter()
                            .map(|&v| t.variables[v].to_string())
                            .collect();
                        parts.sort();
                        parts
                    };
                    let mut all: Vec<_> = t.terms.iter().map(split).collect();
                    all.sort();
                    all
                };
                prop_assert_eq!(labels(&written), labels(&expanded));
                for k in 0..expanded.terms.len() {
                    let smaller = expanded
                        .drop_term(k)
                        .map_err(|e| TestCaseError::fail(e.to_string()))?;
                    prop_assert_eq!(smaller.terms.len() + 1, expanded.terms.len());
                    let back = smaller
                        .add_term(&expanded, k)
                        .map_err(|e| TestCaseError::fail(e.to_string()))?;
                    prop_assert_eq!(labels(&back), labels(&expanded));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn errors_point_at_the_place() {
    let cases = [
        (
            "y ~ x +",
            7,
            "expected a variable, a number or a call, found the end of the formula",
        ),
        (
            "y ~ (x + z",
            10,
            "expected an operator or `)`, found the end of the formula",
        ),
        (
            "y ~ x z",
            6,
            "expected an operator or the end of the formula, found `z`",
        ),
        ("y x ~ z", 2, "expected an operator or `~`, found `x`"),
        (
            "y",
            1,
            "a formula needs `~` between response and predictors: `y ~ x`",
        ),
        (
            "",
            0,
            "expected a variable, a number or a call, found the end of the formula",
        ),
        ("y ~ x ~ z", 6, "a formula has one `~`; this is the second"),
        ("y ~ f(x,)", 8, "expected an argument of `f`, found `)`"),
        (
            "y ~ f(x z)",
            8,
            "expected an operator, `,` or `)` in the call of `f`, found `z`",
        ),
        (
            "y ~ x %foo% z",
            6,
            "the operator `%foo%` is not known; known are `%in%`, `%%` and `%/%`",
        ),
        (
            "größe ~ x$a",
            11,
            "`$` is not supported; name the column alone, the data are given separately",
        ),
        ("y ~ 'abc", 4, "the string has no closing '"),
        (
            "y ~ 2x",
            5,
            "expected an operator after `2`; a name cannot start with a digit",
        ),
        (
            "y ~ a == b == c",
            11,
            "comparisons cannot be chained; combine two with `&`",
        ),
        (
            "y ~ x)",
            5,
            "expected an operator or the end of the formula, found `)`",
        ),
        (
            "y ~ I(x<-5)",
            7,
            "`<-` is an assignment in R; for `less than minus` leave a blank: `< -`",
        ),
        ("y ~ 1e", 6, "expected the digits of the exponent"),
        (
            "y ~ '\\q'",
            5,
            "`\\q` is not an escape; write `\\\\` for a backslash",
        ),
        (
            "y ~ pkg::x",
            10,
            "expected `(` after the name of a package's function, found the end of the formula",
        ),
    ];
    for (text, offset, message) in cases {
        let error = parse_formula(text).unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.offset),
            (message, offset),
            "{text}"
        );
    }
}

#[test]
fn carets_count_characters() {
    let error = parse_formula("größe ~ länge + * b").unwrap_err();
    let shown = error.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1], "  größe ~ länge + * b");
    assert_eq!(
        lines[2].chars().count() - 1,
        lines[1].chars().position(|c| c == '*').unwrap()
    );

    let shown = parse_formula("y ~ a + # first\n\tb +* c\n + d")
        .unwrap_err()
        .to_string();
    assert_eq!(
        shown.lines().skip(1).collect::<Vec<_>>(),
        ["   b +* c", "      ^"]
    );

    let long = format!("y ~ {}* z + {}", "x + ".repeat(100), "x + ".repeat(100));
    let shown = parse_formula(&long).unwrap_err().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].chars().count() < 130);
    assert_eq!(lines[1].chars().nth(lines[2].chars().count() - 1), Some('*'));
}

#[test]
fn depth_is_limited_without_harm() {
    let deep = |open: &str, close: &str, n| format!("y ~ {}x{}", open.repeat(n), close.repeat(n));
    for (open, close) in [
        ("(", ")"),
        ("f(", ")"),
        ("-", ""),
        ("!", ""),
        ("x^", ""),
        ("(a + ", ")"),
    ] {
        assert!(parse_formula(&deep(open, close, 90)).is_ok(), "{open}");
        for n in [1_000, 100_000] {
            assert!(
                parse_formula(&deep(open, close, n))
                    .unwrap_err()
                    .message
                    .contains("nested more"),
                "{open}"
            );
        }
    }
    for operator in ["+", "-", ":", "*", "%in%", "/", "==", "&", "%%"] {
        let chain = |n: usize| format!("y ~ x{}", format!("{operator}x").repeat(n));
        assert!(parse_formula(&chain(100_000)).is_err(), "{operator}");
    }
    for operator in ["+", "-", ":", "*", "%in%"] {
        let formula = parse_formula(&format!("~ x{}", format!("{operator}x").repeat(4_990))).unwrap();
        assert_eq!(
            terms(&formula, &[]).unwrap().terms.len(),
            usize::from(operator != "-"),
            "{operator}"
        );
        assert_eq!(
            parse_formula(&formula.to_string()).unwrap().predictors,
            formula.predictors
        );
    }
    assert!(parse_expression(&format!("x{}", "+x".repeat(1_000))).is_err());
    assert!(parse_formula(&format!("x{} ~ x", "+x".repeat(1_000))).is_err());
    assert!(parse_formula(&format!("y ~ I(x{})", "+x".repeat(1_000))).is_err());
}

#[test]
fn long_formulas_are_expanded() {
    let names: Vec<String> = (0..4_999).map(|k| format!("x{k}")).collect();
    let formula = parse_formula(&format!("y ~ {}", names.join(" + "))).unwrap();
    let expanded = terms(&formula.clone(), &[]).unwrap();
    assert_eq!(expanded.terms.len(), names.len());
    assert_eq!(expanded.formula(), formula);
    assert_eq!(expanded.drop_scope().len(), names.len());
    assert_eq!(
        update(&formula, ". ~ . - x7").unwrap().to_string(),
        formula.to_string().replace(" + x7 +", " +")
    );

    let columns: Vec<&str> = names.iter().map(String::as_str).take(300).collect();
    let pairs = terms(&parse_formula("y ~ .^2").unwrap(), &columns).unwrap();
    assert_eq!(pairs.terms.len(), 300 + 300 * 299 / 2);
    assert!(
        pairs
            .terms
            .iter()
            .flat_map(|term| &term.coding)
            .all(|&coding| coding == Coding::Contrasts)
    );
    let all = terms(&parse_formula("y ~ .^9").unwrap(), &columns);
    let error = all.unwrap_err().to_string();
    assert_eq!(
        error,
        "the formula expands to 5.0e16 terms, each a column or more"
    );
    // equal terms fall together, so that they have to be written out
    let twice = terms(&parse_formula("y ~ .^2 * .^2").unwrap(), &columns);
    let (terms_of, limit) = (None, 200_000);
    assert_eq!(
        twice,
        Err(FormulaError::TooManyTerms {
            terms: terms_of,
            limit
        })
    );
    let high = terms(&parse_formula("y ~ (a + b)^1e9").unwrap(), &[]).unwrap();
    assert_eq!(high.terms.len(), 3);
}

#[test]
fn scopes_that_do_not_fit() {
    let model = |text| terms(&parse_formula(text).unwrap(), &[]).unwrap();
    let (small, large) = (model("y ~ a"), model("y ~ a*b"));
    let error = small.drop_scope_above(&large).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lower scope has the term `b`, which the model has not"
    );
    let error = large.add_scope(&small).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the upper scope lacks the term `b` of the model"
    );
    assert_eq!(
        small.drop_term(1),
        Err(FormulaError::NoSuchTerm { term: 1, count: 1 })
    );
    assert_eq!(large.drop_term(2).unwrap().formula().to_string(), "y ~ a + b");
    assert_eq!(
        small.add_term(&large, 1).unwrap().formula().to_string(),
        "y ~ a + b"
    );
}

#[test]
fn dots_need_columns() {
    let dotted = parse_formula("y ~ .").unwrap();
    assert_eq!(terms(&dotted, &[]), Err(FormulaError::DotWithoutColumns));
    assert_eq!(terms(&dotted, &["y"]).unwrap().terms, []);
    let inside = terms(&parse_formula("y ~ log(.)").unwrap(), &["y", "x"]).unwrap_err();
    assert!(inside.to_string().contains("inside `log(.)`"), "{inside}");
    assert_eq!(
        update(&dotted, "log(.) ~ . - x").unwrap().to_string(),
        "log(y) ~ . - x"
    );
}

/// `f <- function(...) cat(deparse(match.call()), sep = "\n")` in R 4.2, one call each.
#[test]
fn calls_break_where_r_breaks_them() {
    let call = |formula: &str, rest: &[(&str, &str)]| {
        let rest: Vec<(&str, Expr)> = rest
            .iter()
            .map(|(name, text)| (*name, parse_expression(text).unwrap()))
            .collect();
        deparse_call("f", &parse_formula(formula).unwrap(), &rest)
    };
    let many: Vec<String> = (1..30).map(|i| format!("x{i}")).collect();
    assert_eq!(
        call(&format!("yyyyyyyyyy ~ {}", many.join("+")), &[("data", "dddddd")]),
        "f(formula = yyyyyyyyyy ~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + \n    \
         x9 + x10 + x11 + x12 + x13 + x14 + x15 + x16 + x17 + x18 + \n    \
         x19 + x20 + x21 + x22 + x23 + x24 + x25 + x26 + x27 + x28 + \n    \
         x29, data = dddddd)"
    );
    assert_eq!(
        call(
            "log(arr_delay_variable + 100) ~ factor(paste(month, day)) * poly(dep_delay, 3, raw = TRUE) + \
             ns(hour, df = 5) + carrier",
            &[("data", "flights"), ("weights", "w")]
        ),
        "f(formula = log(arr_delay_variable + 100) ~ factor(paste(month, \n    \
         day)) * poly(dep_delay, 3, raw = TRUE) + ns(hour, df = 5) + \n    \
         carrier, data = flights, weights = w)"
    );
    assert_eq!(
        call(
            "y ~ x",
            &[
                ("data", "d"),
                ("weights", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                ("subset", "xxxxxxxxxxxxxxxxxxxxx > 0"),
                ("offset", "bbb")
            ]
        ),
        "f(formula = y ~ x, data = d, weights = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, \n    \
         subset = xxxxxxxxxxxxxxxxxxxxx > 0, offset = bbb)"
    );
    assert_eq!(
        call(
            "y ~ aaaaaaaaaaaaaaaaaaaaaaaaa + ifelse(xxxxxxxxxxxxxxxxxxxxx > 0, \
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, bbbbbbbbbbbbbbbbbb) + \
             (ccccccccccccccccccc + ddddddddddddddd)^2 - eeeeeeeeeeeeeeeeeeeeeeeee:fffffffffffffffffffffffffffff",
            &[("data", "d")]
        ),
        "f(formula = y ~ aaaaaaaaaaaaaaaaaaaaaaaaa + ifelse(xxxxxxxxxxxxxxxxxxxxx > \n    0, \
         xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, bbbbbbbbbbbbbbbbbb) + \n    \
         (ccccccccccccccccccc + ddddddddddddddd)^2 - eeeeeeeeeeeeeeeeeeeeeeeee:fffffffffffffffffffffffffffff, \n    \
         data = d)"
    );
}
