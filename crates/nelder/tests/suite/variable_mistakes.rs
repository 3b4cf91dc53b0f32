//! Mistakes in expressions of columns, and rows that are odd.

use std::borrow::Cow;

use nelder::design::{Precision, Variables};
use nelder::formula::parse_expression;
use nelder::frame::{Column, Frame, MISSING, Source};

use crate::variables::{All, bound, evaluate, frame, oracle};

/// Expressions, and what is wrong with each.
const MISTAKES: [(&str, &str); 36] = [
    (
        "yaer + lgo(x)",
        "there is no column `yaer`; did you mean `year`?\nthere is no function `lgo()`; did you mean `log()`?",
    ),
    ("foo(x)", "there is no function `foo()`"),
    ("log(s)", "in `log(s)`: `s` is text, where a number is needed"),
    (
        "f * 2",
        "in `f * 2`: `f` is a factor, where a number is needed; as.numeric(as.character(…)) gives the numbers that are its labels",
    ),
    (
        "log(x, bsae = 2)",
        "in `log(x, bsae = 2)`: argument `bsae` is not one that the function has; did you mean `base`?",
    ),
    (
        "poly(x, s)",
        "in `poly(x, s)`: `s` is text, where a number is needed",
    ),
    (
        "poly(x, 2, 3)",
        "in `poly(x, 2, 3)`: argument `3` is one too many",
    ),
    (
        "x - mean(w)",
        "in `mean(w)`: 2 values are missing; na.rm = TRUE leaves them out",
    ),
    (
        "x - mean(x, trim = 0.1)",
        "in `mean(x, trim = 0.1)`: argument `trim` is not known here",
    ),
    (
        "x - mean(s)",
        "in `mean(s)`: `s` is text or a factor, where a number is needed",
    ),
    (
        "x - maen(x)",
        "there is no function `maen()`; did you mean `mean()`?",
    ),
    (
        "x - quantile(x, 2)",
        "in `quantile(x, 2)`: argument `probs` must be between 0 and 1",
    ),
    (
        "reorder(s, x, FUN = mode)",
        "in `reorder(s, x, FUN = mode)`: argument `FUN` must be one of mean, median, sum, min, max, sd, var, IQR, length",
    ),
    (
        "rank(x, ties.method = 'random')",
        "in `rank(x, ties.method = \"random\")`: argument `ties.method` must be \"average\", \"min\" or \"max\": the others depend on the order of the rows or on chance",
    ),
    (
        "weekdays(x)",
        "in `weekdays(x)`: `x` is a number, where a date is needed; as.Date() makes one of text such as \"2013-12-31\" or of days from 1970-01-01",
    ),
    (
        "format(as.Date(day), '%Q')",
        "in `format(as.Date(day), \"%Q\")`: argument `format` has `%Q`, which is no letter of a date",
    ),
    (
        "gsub('b*', '', s)",
        "in `gsub(\"b*\", \"\", s)`: argument `pattern` matches nothing at all, which is everywhere",
    ),
    (
        "grepl('(', s)",
        "in `grepl(\"(\", s)`: argument `pattern` is no regular expression that is known here: unclosed group",
    ),
    (
        "sub('(a|b)c', '\\\\1', s)",
        "in `sub(\"(a|b)c\", \"\\\\1\", s)`: argument `replacement` refers to a group of a pattern with alternatives, of which the longest is taken; perl = TRUE takes the first that matches",
    ),
    (
        "poly(x, 0)",
        "in `poly(x, 0)`: argument `degree` must be a number from 1 to 20",
    ),
    (
        "poly(w, 2)",
        "in `poly(w, 2)`: row 3 is missing, and orthogonal polynomials need all rows; drop missing rows first, or use raw = TRUE",
    ),
    (
        "poly(l, 2)",
        "in `poly(l, 2)`: row 5 is missing, and orthogonal polynomials need all rows; drop missing rows first, or use raw = TRUE",
    ),
    (
        "poly(h, 9)",
        "in `poly(h, 9)`: degree = 9 must be less than the number of distinct values; lower the degree",
    ),
    (
        "ns(x, df = z)",
        "in `ns(x, df = z)`: argument `df` must be a constant and not depend on a column",
    ),
    (
        "ns(x, df = 2, 3, 4, 5, 6)",
        "in `ns(x, df = 2, 3, 4, 5, 6)`: argument `6` is not one that the function has",
    ),
    (
        "cut(x, c(1, 1))",
        "in `cut(x, c(1, 1))`: the breaks are not all different",
    ),
    ("cut(x)", "in `cut(x)`: argument `breaks` is missing"),
    (
        "cut(x, 3, labels = c('a', 'b'))",
        "in `cut(x, 3, labels = c(\"a\", \"b\"))`: argument `labels` has 2 labels for 3 intervals",
    ),
    (
        "relevel(f, ref = 'mdi')",
        "in `relevel(f, ref = \"mdi\")`: there is no level \"mdi\" to put first; did you mean \"mid\"?",
    ),
    (
        "factor(f, labels = c('a', 'b'))",
        "in `factor(f, labels = c(\"a\", \"b\"))`: 2 labels for 3 levels; give one for each level",
    ),
    (
        "f < 'mid'",
        "in `f < \"mid\"`: `f` is a factor without an order; only == and != compare it",
    ),
    (
        "x + c(1, 2)",
        "in `x + c(1, 2)`: a vector of 2 values beside a column; one value is needed",
    ),
    (
        "1 + 2",
        "in `1 + 2`: it is the same in all rows; a variable needs a column",
    ),
    (
        "cbind(x, z) + poly(x, 3)",
        "in `cbind(x, z) + poly(x, 3)`: a matrix of 2 columns beside one of 3",
    ),
    (
        "x:z",
        "in `x:z`: `:` stands for an interaction only in a formula's terms; inside a function it needs two numbers",
    ),
    (
        "paste(s, collapse = '')",
        "in `paste(s, collapse = \"\")`: argument `collapse` would make one string of the column; leave it out",
    ),
];

#[test]
fn mistakes_are_named() {
    let oracle = oracle();
    let data = frame(&oracle["data"], 100);
    for (text, message) in MISTAKES {
        assert_eq!(
            bound(text, &data, Precision::Double).err().as_deref(),
            Some(message),
            "{text}"
        );
    }
}

/// Each expression on rows that are few, missing, equal or infinite: a value with a row for each row, or an
/// error, never a panic.
#[test]
fn odd_rows_are_a_value_or_an_error() {
    let oracle = oracle();
    let whole = frame(&oracle["data"], 100);
    let odd = |rows: usize, x: f64, code: u32, i: i32, l: u8| {
        let mut frame = Frame::new();
        for (field, column) in whole.schema().fields.iter().zip(whole.columns()) {
            let column = match column {
                Column::Real(_) => Column::Real(Cow::Owned(vec![x; rows])),
                Column::Integer(_) => Column::Integer(Cow::Owned(vec![i; rows])),
                Column::Whole(_) => Column::Whole(Cow::Owned(vec![i128::from(i); rows])),
                Column::Logical(_) => Column::Logical(Cow::Owned(vec![l; rows])),
                Column::Codes { levels, .. } => Column::Codes {
                    codes: Cow::Owned(vec![code; rows]),
                    levels: levels.clone(),
                },
            };
            frame = frame.with(&field.name, field.kind, column);
        }
        frame
    };
    let frames = [
        odd(0, 0.0, 0, 0, 0),
        odd(1, 2.0, 0, 2, 1),
        odd(3, f64::NAN, MISSING, i32::MIN, 2),
        odd(3, f64::INFINITY, 1, i32::MAX, 1),
        odd(2, -1e308, 1, -i32::MAX, 0),
    ];
    for kind in ["numeric", "logical", "factor"] {
        for case in oracle[kind].as_array().unwrap() {
            let text = case["expression"].as_str().unwrap();
            let prepared = bound(text, &whole, Precision::Twice).unwrap();
            for (frame, rows) in frames.iter().zip([0, 1, 3, 3, 2]) {
                let fitted = bound(text, frame, Precision::Double);
                for v in fitted.iter().chain([&prepared]).filter(|_| rows > 0) {
                    let got = match evaluate(v, frame).unwrap() {
                        All::Numbers(columns, _) => columns[0].len(),
                        All::Logical(v) => v.len(),
                        All::Factor(v, ..) => v.len(),
                    };
                    assert_eq!(got, rows, "{text}");
                }
            }
        }
    }
}

#[test]
fn new_levels_are_refused() {
    let g = Frame::new().with_text("g", &[Some("b"), Some("a"), None]);
    let v = bound("factor(g)", &g, Precision::Double).unwrap();
    evaluate(&v, &g).unwrap();
    let mut state = v.state();
    let new = Frame::new().with_text("g", &[Some("a"), Some("b"), None, Some("c")]);
    let expr = [parse_expression("factor(g)").unwrap()];
    let restored = Variables::restore(&expr, &state, new.schema(), Precision::Double).unwrap();
    let error = evaluate(&restored, &new).unwrap_err();
    assert_eq!(
        error,
        "`factor(g)` has the new level \"c\" in row 4; predictions need one of the levels of the fit"
    );
    // codes of the fit: b is 0, a is 1
    state.keep_levels(0, |code| code == 1);
    let restored = Variables::restore(&expr, &state, new.schema(), Precision::Double).unwrap();
    assert!(evaluate(&restored, &new).unwrap_err().contains("\"b\" in row 2"));
}
