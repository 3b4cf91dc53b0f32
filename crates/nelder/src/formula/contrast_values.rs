//! Contrasts written as expressions: `sum`, `contr.treatment(4, base = 2)`, `cbind(c(1, -1, 0), c(1, 1, -2))`.

use super::{Arg, Binary, Contrast, ContrastError, Expr, GivenContrasts, Unary, nearest, parse_expression};

/// The most numbers that an expression of constants may have.
const MOST: usize = 1_000_000;

/// Numbers in columns.
#[derive(Clone, Debug)]
struct Matrix {
    rows: usize,
    /// Column by column.
    values: Vec<f64>,
    names: Option<Vec<String>>,
    /// True for a vector, which has no shape of its own.
    vector: bool,
}

impl Matrix {
    fn vector(values: Vec<f64>) -> Matrix {
        Matrix {
            rows: values.len(),
            values,
            names: None,
            vector: true,
        }
    }

    fn columns(&self) -> usize {
        self.values.len().checked_div(self.rows).unwrap_or(0)
    }

    fn given(self) -> Result<GivenContrasts, ContrastError> {
        GivenContrasts::new(self.rows, self.values, self.names)
    }
}

fn unreadable(expr: &Expr, why: impl Into<String>) -> ContrastError {
    ContrastError::Unreadable {
        text: expr.to_string(),
        why: why.into(),
    }
}

impl Contrast {
    /// The contrast that an expression stands for, as R's `contrasts = list(f = ...)` takes it: a name; a matrix in the
    /// shape that it has; a vector and columns that complete it to one less than levels. `contr.treatment(base = 2)`
    /// without a number of levels is the rule itself.
    ///
    /// ```
    /// use nelder::formula::Contrast;
    /// assert_eq!(Contrast::read("contr.treatment(base = 2)"), Ok(Contrast::Treatment { base: 1 }));
    /// let two = Contrast::read("cbind(ab = c(1, -1, 0, 0), cd = c(0, 0, 1, -1))").unwrap();
    /// assert_eq!(two.matrix(4).unwrap().columns(), 2);
    /// ```
    ///
    /// # Errors
    /// Text that is no expression, an unknown name, an expression that is not of constants, no matrix.
    pub fn read(text: &str) -> Result<Contrast, ContrastError> {
        let expr = parse_expression(text).map_err(|e| ContrastError::Unreadable {
            text: text.to_string(),
            why: e.to_string(),
        })?;
        Contrast::of_expression(&expr)
    }

    /// The same of an expression that is parsed.
    ///
    /// # Errors
    /// As [`read`](Contrast::read).
    pub fn of_expression(expr: &Expr) -> Result<Contrast, ContrastError> {
        match as_written(expr)? {
            (Contrast::Given(given), true) => {
                let all = given.levels().saturating_sub(1);
                Ok(Contrast::Given(given.how_many(all)?))
            }
            (contrast, _) => Ok(contrast),
        }
    }

    /// Returns the contrast of R's `C(f, contr, how.many, ...)`: `contr` as [`of_expression`](Contrast::of_expression),
    /// `base` for treatment contrasts. Numbers have one column less than levels unless `how_many` says otherwise.
    ///
    /// # Errors
    /// As [`of_expression`](Contrast::of_expression); columns that cannot be completed.
    pub fn of_c(
        contr: &Expr,
        how_many: Option<usize>,
        base: Option<usize>,
    ) -> Result<Contrast, ContrastError> {
        let (contrast, _) = as_written(contr)?;
        let contrast = match (contrast, base) {
            (contrast, None) => contrast,
            (Contrast::Treatment { .. }, Some(base)) if base > 0 => Contrast::Treatment { base: base - 1 },
            _ => {
                return Err(unreadable(
                    contr,
                    "only treatment contrasts have a `base`, counted from 1",
                ));
            }
        };
        Ok(match contrast {
            Contrast::Given(given) => {
                let wanted = how_many.unwrap_or(given.levels().saturating_sub(1));
                Contrast::Given(given.how_many(wanted)?)
            }
            rule if how_many.is_none() && base.is_none() => rule,
            rule => Contrast::Numbered {
                rule: Box::new(rule),
                columns: how_many,
            },
        })
    }
}

/// The contrast of an expression, numbers in the shape that they have, and whether they are a vector.
fn as_written(expr: &Expr) -> Result<(Contrast, bool), ContrastError> {
    match expr {
        Expr::Name(name) | Expr::Text(name) => Ok((Contrast::parse(name)?, false)),
        Expr::Paren(inner) => as_written(inner),
        Expr::Call { function, args } if function.starts_with("contr.") => {
            match rule(expr, function, args)? {
                (rule, None, _) => Ok((rule, false)),
                (rule, Some(labels), full) => Ok((Contrast::Given(evaluated(&rule, &labels, full)?), false)),
            }
        }
        _ => {
            let matrix = matrix(expr)?;
            let vector = matrix.vector;
            Ok((Contrast::Given(matrix.given()?), vector))
        }
    }
}

/// A call of `contr.treatment` and its like: the rule, the labels of the levels where it has them, and whether it is to
/// have a column for each level.
fn rule(
    call: &Expr,
    function: &str,
    args: &[Arg],
) -> Result<(Contrast, Option<Vec<String>>, bool), ContrastError> {
    let mut contrast = Contrast::parse(function)?;
    let formals: &[&str] = match contrast {
        Contrast::Treatment { .. } => &["n", "base", "contrasts", "sparse"],
        Contrast::Poly => &["n", "scores", "contrasts", "sparse"],
        _ => &["n", "contrasts", "sparse"],
    };
    let (mut labels, mut full, mut place) = (None, false, 0);
    for arg in args {
        let name = match &arg.name {
            Some(name) => formals.iter().find(|f| f.starts_with(name.as_str())).copied(),
            None => formals.get(place).copied(),
        };
        place += usize::from(arg.name.is_none());
        match (name, &arg.value) {
            (Some("n"), value) => labels = Some(level_labels(value)?),
            (Some("base"), Expr::Number { value, .. }) if *value >= 1.0 && value.fract() == 0.0 => {
                contrast = Contrast::Treatment {
                    base: *value as usize - 1,
                };
            }
            (Some("contrasts"), Expr::Logical(yes)) => full = !yes,
            (Some("contrasts"), Expr::Name(name)) if name == "T" || name == "F" => full = name == "F",
            (Some("sparse"), Expr::Logical(false)) => {}
            (Some(name), _) => return Err(unreadable(call, format!("`{name}` is not as it must be"))),
            (None, _) => {
                let given = arg.name.clone().unwrap_or_else(|| arg.value.to_string());
                return Err(unreadable(
                    call,
                    format!("{function}() has no argument `{given}`"),
                ));
            }
        }
    }
    if full && labels.is_none() {
        return Err(unreadable(call, "`n`, the number of levels, is missing"));
    }
    Ok((contrast, labels, full))
}

/// Labels of levels: a number says how many, numbered; several are labels.
fn level_labels(expr: &Expr) -> Result<Vec<String>, ContrastError> {
    if let Expr::Call { function, args } = expr
        && function == "c"
        && args.iter().any(|a| matches!(a.value, Expr::Text(_)))
    {
        let text = |a: &Arg| match &a.value {
            Expr::Text(text) => Ok(text.clone()),
            other => Ok(other.to_string()),
        };
        return args.iter().map(text).collect();
    }
    let values = matrix(expr)?.values;
    match values.as_slice() {
        &[n] if n >= 2.0 && n.fract() == 0.0 && n <= 1000.0 => {
            Ok((1..=n as usize).map(|k| k.to_string()).collect())
        }
        &[n] => Err(unreadable(
            expr,
            format!("{n} is not a number of levels from 2 to 1000"),
        )),
        several => Ok(several
            .iter()
            .map(|&value| {
                Expr::Number {
                    value,
                    integer: false,
                }
                .to_string()
            })
            .collect()),
    }
}

/// The matrix of a rule for levels of these labels; with a column for each level where `full`.
fn evaluated(rule: &Contrast, labels: &[String], full: bool) -> Result<GivenContrasts, ContrastError> {
    let n = labels.len();
    let (mut values, mut names) = (Vec::new(), None);
    match (rule, full) {
        (Contrast::Poly, true) => {
            values.extend(vec![1.0; n]);
            values.extend(rule.matrix(n)?.to_dense());
            names = Some((0..n).map(|k| format!("^{k}")).collect());
        }
        (_, true) => {
            values.extend(Contrast::Identity.matrix(n)?.to_dense());
            names = Some(labels.to_vec());
        }
        (_, false) => {
            values.extend(rule.matrix(n)?.to_dense());
            let own = rule.suffixes(labels);
            if !matches!(rule, Contrast::Sum | Contrast::Helmert) {
                names = Some(own);
            }
        }
    }
    GivenContrasts::new(n, values, names)
}

/// An expression of constants as numbers.
fn matrix(expr: &Expr) -> Result<Matrix, ContrastError> {
    let too_many = || unreadable(expr, format!("more than {MOST} numbers"));
    match expr {
        Expr::Number { value, .. } => Ok(Matrix::vector(vec![*value])),
        Expr::Paren(inner) => matrix(inner),
        Expr::Unary(op @ (Unary::Neg | Unary::Plus), a) => {
            let mut a = matrix(a)?;
            if *op == Unary::Neg {
                a.values.iter_mut().for_each(|x| *x = -*x);
            }
            Ok(a)
        }
        Expr::Binary(Binary::Colon, a, b) => {
            let (a, b) = (matrix(a)?, matrix(b)?);
            let (&[a], &[b]) = (a.values.as_slice(), b.values.as_slice()) else {
                return Err(unreadable(expr, "`:` takes two numbers"));
            };
            let steps = ((b - a).abs() + 1e-10).floor();
            if !(steps < MOST as f64) {
                return Err(too_many());
            }
            let step = if b >= a { 1.0 } else { -1.0 };
            Ok(Matrix::vector(
                (0..=steps as usize).map(|i| a + step * i as f64).collect(),
            ))
        }
        Expr::Binary(op, a, b) => {
            let (a, b) = (matrix(a)?, matrix(b)?);
            let operation = |x: f64, y: f64| match op {
                Binary::Add => Some(x + y),
                Binary::Sub => Some(x - y),
                Binary::Mul => Some(x * y),
                Binary::Div => Some(x / y),
                Binary::Pow => Some(x.powf(y)),
                _ => None,
            };
            let (shape, other) = if a.values.len() >= b.values.len() && (b.vector || b.rows != a.values.len())
            {
                (&a, &b)
            } else {
                (&b, &a)
            };
            let n = shape.values.len();
            if other.values.is_empty() || !n.is_multiple_of(other.values.len()) {
                return Err(unreadable(
                    expr,
                    format!("{n} numbers beside {}", other.values.len()),
                ));
            }
            let at = |m: &Matrix, i: usize| m.values[i % m.values.len()];
            let values: Option<Vec<f64>> = (0..n).map(|i| operation(at(&a, i), at(&b, i))).collect();
            let values = values.ok_or_else(|| unreadable(expr, "only + - * / ^ and : join numbers"))?;
            Ok(Matrix {
                values,
                ..shape.clone()
            })
        }
        Expr::Call { function, args } => call(expr, function, args),
        _ => Err(unreadable(expr, "it is not made of numbers")),
    }
}

/// A call of a function of constants.
fn call(expr: &Expr, function: &str, args: &[Arg]) -> Result<Matrix, ContrastError> {
    let named = |name: &str, place: usize| -> Option<&Expr> {
        let by_name = args.iter().find(|a| a.name.as_deref() == Some(name));
        let by_place = || args.iter().filter(|a| a.name.is_none()).nth(place);
        by_name.or_else(by_place).map(|a| &a.value)
    };
    let count = |at: Option<&Expr>| -> Result<Option<usize>, ContrastError> {
        let Some(at) = at else { return Ok(None) };
        match matrix(at)?.values.as_slice() {
            &[x] if x >= 1.0 && x.fract() == 0.0 && x < MOST as f64 => Ok(Some(x as usize)),
            _ => Err(unreadable(
                expr,
                format!("`{at}` is not a number of rows, columns or times"),
            )),
        }
    };
    match function {
        "c" => {
            let mut values = Vec::new();
            for arg in args {
                values.extend(matrix(&arg.value)?.values);
            }
            Ok(Matrix::vector(values))
        }
        "rep" => {
            let x = named("x", 0).ok_or_else(|| unreadable(expr, "rep() has no `x`"))?;
            let (x, times) = (matrix(x)?.values, count(named("times", 1))?.unwrap_or(1));
            match x.len() * times {
                n if n <= MOST => Ok(Matrix::vector(x.repeat(times))),
                _ => Err(unreadable(expr, format!("more than {MOST} numbers"))),
            }
        }
        "cbind" | "rbind" => bound(expr, args, function == "rbind"),
        "matrix" => {
            let data = named("data", 0).ok_or_else(|| unreadable(expr, "matrix() has no `data`"))?;
            let values = matrix(data)?.values;
            let by_row = named("byrow", 3) == Some(&Expr::Logical(true));
            let (rows, columns) = match (count(named("nrow", 1))?, count(named("ncol", 2))?) {
                (Some(r), Some(c)) => (r, c),
                (Some(r), None) => (r, values.len().div_ceil(r)),
                (None, Some(c)) => (values.len().div_ceil(c), c),
                (None, None) => (values.len(), 1),
            };
            if values.is_empty() || rows * columns > MOST || !(rows * columns).is_multiple_of(values.len()) {
                let why = format!("{} numbers for {rows} x {columns}", values.len());
                return Err(unreadable(expr, why));
            }
            let at = |i: usize| match by_row {
                true => i % rows * columns + i / rows,
                false => i,
            };
            let values = (0..rows * columns)
                .map(|i| values[at(i) % values.len()])
                .collect();
            Ok(Matrix {
                rows,
                values,
                names: None,
                vector: false,
            })
        }
        _ if function.starts_with("contr.") => match rule(expr, function, args)? {
            (_, None, _) => Err(unreadable(expr, "`n`, the number of levels, is missing")),
            (rule, Some(labels), full) => {
                let given = evaluated(&rule, &labels, full)?;
                let numbered = matches!(rule, Contrast::Sum | Contrast::Helmert) && !full;
                Ok(Matrix {
                    rows: labels.len(),
                    values: given.values().to_vec(),
                    names: (!numbered).then(|| given.suffixes().to_vec()),
                    vector: false,
                })
            }
        },
        _ => {
            let known = [
                "c",
                "cbind",
                "rbind",
                "matrix",
                "rep",
                "contr.treatment",
                "contr.sum",
            ];
            let hint = nearest(function, known.into_iter())
                .map_or(String::new(), |n| format!("; did you mean {n}()?"));
            Err(unreadable(
                expr,
                format!("{function}() is not a function of contrasts{hint}"),
            ))
        }
    }
}

/// `cbind` or `rbind` of vectors and matrices.
fn bound(expr: &Expr, args: &[Arg], by_row: bool) -> Result<Matrix, ContrastError> {
    let mut parts = Vec::new();
    for arg in args {
        parts.push((arg.name.clone(), matrix(&arg.value)?));
    }
    let length = |m: &Matrix| if m.vector || !by_row { m.rows } else { m.columns() };
    let n = parts.iter().map(|(_, m)| length(m)).max().unwrap_or(0);
    let fits = |m: &Matrix| match length(m) {
        0 => false,
        own if m.vector => n.is_multiple_of(own),
        own => own == n,
    };
    if n == 0 || !parts.iter().all(|(_, m)| fits(m)) {
        return Err(unreadable(expr, "its parts have different lengths"));
    }
    // rows of the result by_row, else its columns
    let (mut lines, mut names, mut any) = (Vec::new(), Vec::new(), false);
    for (name, part) in parts {
        if part.vector {
            any |= name.is_some();
            names.push(name.unwrap_or_default());
            lines.push((0..n).map(|i| part.values[i % part.rows]).collect::<Vec<f64>>());
            continue;
        }
        let (count, columns) = (if by_row { part.rows } else { part.columns() }, part.columns());
        for k in 0..count {
            any |= part.names.is_some();
            names.push(
                part.names
                    .as_ref()
                    .and_then(|n| n.get(k))
                    .cloned()
                    .unwrap_or_default(),
            );
            lines.push(match by_row {
                true => (0..columns).map(|j| part.values[j * part.rows + k]).collect(),
                false => part.values[k * part.rows..(k + 1) * part.rows].to_vec(),
            });
        }
    }
    Ok(match by_row {
        true => Matrix {
            rows: lines.len(),
            values: (0..n).flat_map(|j| lines.iter().map(move |l| l[j])).collect(),
            names: None,
            vector: false,
        },
        false => Matrix {
            rows: n,
            values: lines.concat(),
            names: any.then_some(names),
            vector: false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> GivenContrasts {
        match Contrast::read(text).unwrap() {
            Contrast::Given(given) => given,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn matrices_as_r_reads_them() {
        let shape = |text: &str| (given(text).levels(), given(text).values().to_vec());
        let want = (3, vec![1.0, -1.0, 0.0, 0.5, 0.5, -1.0]);
        assert_eq!(shape("cbind(c(1, -1, 0), c(1, 1, -2) / 2)"), want);
        assert_eq!(shape("matrix(c(1, -1, 0, 0.5, 0.5, -1), ncol = 2)"), want);
        assert_eq!(shape("matrix(c(1, .5, -1, .5, 0, -1), 3, byrow = TRUE)"), want);
        assert_eq!(shape("rbind(c(1, .5), c(-1, .5), c(0, -1))"), want);
        // as.vector(`contrasts<-`(factor(1:4), value = 1:4)) of R: the columns that QR adds
        let completed = [
            1.0,
            2.0,
            3.0,
            4.0,
            0.023606797749978925,
            -0.439344662916631601,
            0.807868932583326371,
            -0.392131067416673640,
            0.547213595499957961,
            -0.712022659166596572,
            -0.217595468166680656,
            0.382404531833319350,
        ];
        for (got, want) in shape("1:4").1.iter().zip(completed) {
            assert!((got - want).abs() < 8.0 * f64::EPSILON, "{got} {want}");
        }
        assert_eq!(given("cbind(a = 1:2, 3)").suffixes(), ["a", ""]);
        assert_eq!(given("contr.treatment(3, base = 2)").suffixes(), ["1", "3"]);
        assert_eq!(given("contr.sum(3, contrasts = FALSE)").columns(), 3);
        assert_eq!(given("contr.treatment(c(\"u\", \"v\"))").suffixes(), ["v"]);
    }

    #[test]
    fn how_many_columns_c_takes() {
        let of =
            |text: &str, how_many, base| Contrast::of_c(&parse_expression(text).unwrap(), how_many, base);
        let columns = |c: Contrast| c.matrix(4).unwrap().columns();
        assert_eq!(columns(of("sum", Some(2), None).unwrap()), 2);
        assert_eq!(columns(of("c(1, -1, 0, 0)", None, None).unwrap()), 3);
        assert_eq!(columns(of("c(1, -1, 0, 0)", Some(1), None).unwrap()), 1);
        assert_eq!(
            columns(of("contr.sum(4, contrasts = FALSE)", None, None).unwrap()),
            3
        );
        let labels = ["a", "b", "c", "d"].map(String::from);
        assert_eq!(
            of("treatment", None, Some(2)).unwrap().suffixes(&labels),
            ["1", "3", "4"]
        );
        assert_eq!(
            of("treatment", None, None).unwrap().suffixes(&labels),
            ["b", "c", "d"]
        );
        assert!(of("sum", None, Some(2)).is_err());
    }

    #[test]
    fn what_cannot_be_read() {
        for text in [
            "helmet",
            "c(1, x)",
            "cbind(1:2, 1:3)",
            "matrix(1:3, 2)",
            "contr.sum(contrasts = FALSE)",
            "lm(1)",
        ] {
            assert!(Contrast::read(text).is_err(), "{text}");
        }
    }
}
