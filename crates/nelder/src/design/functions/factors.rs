//! Functions that make factors and text, or look at them.

use nelder_device::Unary;

use super::arguments::Call;
use super::pattern::{Pattern, Replacement, Syntax};
use super::recode::{Choose, Lookup, Measure, Recode, Reference, Rule};
use crate::design::bind::{Binder, Operand};
use crate::design::codes::Combine;
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::design::node::{Node, NodeKind, Type, node};
use crate::formula::{Contrast, Expr};

/// A column of any type; constants are refused.
fn column(binder: &mut Binder<'_>, call: &Call<'_>, name: &str) -> Result<Node, BindError> {
    match call.term(binder, name)? {
        Operand::Node(n) => Ok(n),
        Operand::Constant(_) => Err(call.wrong(name, "is a constant; a column is needed")),
    }
}

/// `factor`, `ordered` and `as.factor`.
pub(in crate::design) fn factor(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    ordered: bool,
) -> Result<Operand, BindError> {
    let x = column(binder, call, "x")?;
    let was_ordered = x.ty == Type::Factor { ordered: true };
    let ordered = call.flag(binder, "ordered", ordered || was_ordered)?;
    let ty = Type::Factor { ordered };
    let mut coded = binder.factor(x, call.expr)?;
    let labels = call.texts(binder, "labels")?;
    let exclude = call.constant(binder, "exclude")?;
    if let Some(exclude) = exclude {
        let without: Vec<String> = exclude.texts().into_iter().flatten().collect();
        if !without.is_empty() {
            // numbers stay numbers, and so keep their order
            let rule = Rule::Without(without);
            coded = node(
                NodeKind::Recode(Box::new(coded), Recode::new(rule)),
                ty.clone(),
                call.expr,
            );
        }
    }
    let rule = match (call.constant(binder, "levels")?, labels) {
        (Some(levels), labels) => {
            let from: Vec<String> = levels.texts().into_iter().flatten().collect();
            let to = match labels {
                None => from.clone(),
                Some(l) if l.len() == from.len() => l,
                Some(l) if l.len() == 1 => (1..=from.len()).map(|i| format!("{}{i}", l[0])).collect(),
                Some(l) => {
                    let problem = format!("has {} labels for {} levels", l.len(), from.len());
                    return Err(call.wrong("labels", &problem));
                }
            };
            if let Some(twice) = from.iter().enumerate().find(|(i, l)| from[..*i].contains(l)) {
                return Err(call.wrong("levels", &format!("has \"{}\" twice", twice.1)));
            }
            Rule::Among { from, to }
        }
        (None, Some(labels)) => Rule::Labels(labels),
        (None, None) => {
            return Ok(Operand::Node(Node { ty, ..coded }));
        }
    };
    Ok(Operand::Node(node(
        NodeKind::Recode(Box::new(coded), Recode::new(rule)),
        ty,
        call.expr,
    )))
}

/// `C(object, contr, how.many, base = )`
pub(in crate::design) fn contrasts(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let object = column(binder, call, "object")?;
    let object = binder.factor(object, call.expr)?;
    let ordered = object.ty == Type::Factor { ordered: true };
    let how_many = call.count(binder, "how.many", 1, 100_000)?;
    let mut base = None;
    for arg in &call.dots {
        match (arg.name.as_deref(), &arg.value) {
            (Some("base"), Expr::Number { value, .. }) if *value >= 1.0 && value.fract() == 0.0 => {
                base = Some(*value as usize);
            }
            (Some("base"), _) => return Err(call.wrong("base", "must be the number of a level")),
            (name, value) => {
                let argument = name.map_or_else(|| value.to_string(), String::from);
                return Err(call.wrong(&argument, "is not one that the function has"));
            }
        }
    }
    let default = Expr::Name(if ordered { "poly" } else { "treatment" }.into());
    let contr = call.expr("contr").unwrap_or(&default);
    let contrast =
        Contrast::of_c(contr, how_many, base).map_err(|e| call.wrong("contr", &format!("is wrong: {e}")))?;
    let kind = NodeKind::Contrasts(Box::new(object), contrast);
    Ok(Operand::Node(node(kind, Type::Factor { ordered }, call.expr)))
}

/// `relevel(x, ref)`
pub(in crate::design) fn relevel(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = column(binder, call, "x")?;
    if x.ty == (Type::Factor { ordered: true }) {
        return Err(call.mistyped("relevel() is only for unordered factors".into()));
    }
    let x = binder.factor(x, call.expr)?;
    let first = match call.constant(binder, "ref")? {
        None => return Err(call.wrong("ref", "is missing")),
        Some(Constant::Numbers { values, .. }) => match values.as_slice() {
            [place] if *place >= 1.0 && place.fract() == 0.0 => Reference::Place(*place as usize),
            _ => return Err(call.wrong("ref", "must be a label, or the place of a level from 1")),
        },
        Some(_) => Reference::Label(call.text(binder, "ref")?.unwrap_or_default()),
    };
    let kind = NodeKind::Recode(Box::new(x), Recode::new(Rule::First(first)));
    Ok(Operand::Node(node(
        kind,
        Type::Factor { ordered: false },
        call.expr,
    )))
}

/// `reorder(x, X, FUN)` with the levels that its values give.
pub(in crate::design) fn reordered(
    binder: &mut Binder<'_>,
    call: &Expr,
    labels: &[String],
    ordered: bool,
) -> Result<Operand, BindError> {
    let Expr::Call { args, .. } = call else {
        return Err(BindError::State("reorder() was no call".into()));
    };
    let matched = Call::matched(
        call,
        args,
        &["x", "X", "FUN", "...", "order", "decreasing", "na.rm"],
    )?;
    let x = column(binder, &matched, "x")?;
    let x = binder.factor(x, call)?;
    let rule = Rule::Among {
        from: labels.to_vec(),
        to: labels.to_vec(),
    };
    let kind = NodeKind::Recode(Box::new(x), Recode::new(rule));
    Ok(Operand::Node(node(kind, Type::Factor { ordered }, call)))
}

/// `paste` and `paste0`.
pub(in crate::design) fn paste(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    separator: &str,
) -> Result<Operand, BindError> {
    if call.expr("collapse").is_some_and(|e| *e != Expr::Null) {
        return Err(call.wrong("collapse", "would make one string of the column; leave it out"));
    }
    let separator = call.text(binder, "sep")?.unwrap_or_else(|| separator.to_string());
    let mut terms = Vec::new();
    for arg in &call.dots {
        terms.push((binder.term(&arg.value)?, &arg.value));
    }
    if terms.iter().all(|(t, _)| matches!(t, Operand::Constant(_))) {
        return Err(call.wrong("...", "has no column"));
    }
    let mut parts = Vec::new();
    for (term, expr) in terms {
        parts.push(match term {
            // R pastes what as.character gives: numbers by value, so their codes will do
            Operand::Node(n) => binder.factor(n, expr)?,
            Operand::Constant(c) => match c.texts().as_slice() {
                [] => continue,
                [text] => binder.constant_text(text.clone(), expr),
                v => {
                    let problem = format!("has {} values beside a column; one is needed", v.len());
                    return Err(call.wrong(&expr.to_string(), &problem));
                }
            },
        });
    }
    Ok(Operand::Node(node(
        NodeKind::Combine(parts, Combine::paste(separator)),
        Type::Text,
        call.expr,
    )))
}

/// `interaction(...)`
pub(in crate::design) fn interaction(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let separator = call.text(binder, "sep")?.unwrap_or_else(|| ".".to_string());
    let lexical = call.flag(binder, "lex.order", false)?;
    // levels that do not occur are dropped by the model in any case
    call.flag(binder, "drop", false)?;
    let mut parts = Vec::new();
    for arg in &call.dots {
        match binder.term(&arg.value)? {
            Operand::Node(n) => parts.push(binder.factor(n, &arg.value)?),
            Operand::Constant(_) => {
                return Err(call.wrong(&arg.value.to_string(), "is a constant; a column is needed"));
            }
        }
    }
    if parts.is_empty() {
        return Err(call.wrong("...", "is missing"));
    }
    let kind = NodeKind::Combine(parts, Combine::interaction(separator, lexical));
    Ok(Operand::Node(node(
        kind,
        Type::Factor { ordered: false },
        call.expr,
    )))
}

/// `startsWith` and `endsWith`: whether text has a beginning or an end.
pub(super) fn affix(binder: &mut Binder<'_>, call: &Call<'_>, name: &str) -> Result<Operand, BindError> {
    let x = column(binder, call, "x")?;
    if x.ty != Type::Text {
        return Err(call.mistyped(format!(
            "`{}` is {}, where text is needed; as.character() makes it text",
            x.name,
            x.ty.described()
        )));
    }
    let Some(text) = call.text(binder, name)? else {
        return Err(call.wrong(name, "is missing"));
    };
    let end = name == "suffix";
    let kind = NodeKind::Lookup(Box::new(x), Lookup::new(Measure::Affix { text, end }));
    Ok(Operand::Node(node(kind, Type::Logical, call.expr)))
}

/// `grepl(pattern, x)`, `sub(pattern, replacement, x)`, `gsub`.
pub(super) fn pattern(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    function: &str,
) -> Result<Operand, BindError> {
    let x = column(binder, call, "x")?;
    let x = binder.text(x, call.expr)?;
    let syntax = match (
        call.flag(binder, "fixed", false)?,
        call.flag(binder, "perl", false)?,
    ) {
        (true, _) => Syntax::Fixed,
        (false, true) => Syntax::Perl,
        _ => Syntax::Extended,
    };
    let ignore_case = call.flag(binder, "ignore.case", false)?;
    if ignore_case && syntax == Syntax::Fixed {
        return Err(call.wrong(
            "ignore.case",
            "is nothing beside fixed = TRUE, where R ignores it; leave out one of them",
        ));
    }
    call.flag(binder, "useBytes", false)?;
    let Some(text) = call.text(binder, "pattern")? else {
        return Err(call.wrong("pattern", "is missing"));
    };
    let pattern = Pattern::new(&text, syntax, ignore_case).map_err(|e| call.wrong("pattern", &e))?;
    if function == "grepl" {
        let kind = NodeKind::Lookup(Box::new(x), Lookup::new(Measure::Matches(Box::new(pattern))));
        return Ok(Operand::Node(node(kind, Type::Logical, call.expr)));
    }
    let Some(by) = call.text(binder, "replacement")? else {
        return Err(call.wrong("replacement", "is missing"));
    };
    let by = Replacement::new(&by, syntax).map_err(|e| call.wrong("replacement", &e))?;
    if by.groups() > 0 && !pattern.has_groups() {
        let problem = "refers to a group of a pattern with alternatives, of which the longest is taken; perl = TRUE takes \
                       the first that matches";
        return Err(call.wrong("replacement", problem));
    }
    let all = function == "gsub";
    if all && pattern.matches_empty() {
        return Err(call.wrong("pattern", "matches nothing at all, which is everywhere"));
    }
    let rule = Rule::Replace {
        pattern: Box::new(pattern),
        by,
        all,
    };
    let kind = NodeKind::Recode(Box::new(x), Recode::new(rule));
    Ok(Operand::Node(node(kind, Type::Text, call.expr)))
}

/// `as.character`, `nchar`, `tolower`, `toupper`, `substr`, `substring`.
pub(in crate::design) fn text(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    function: &str,
) -> Result<Operand, BindError> {
    let x = column(binder, call, if function == "substring" { "text" } else { "x" })?;
    let is_factor = matches!(x.ty, Type::Factor { .. });
    let x = binder.text(x, call.expr)?;
    if function == "nchar" {
        if is_factor {
            return Err(call.mistyped("nchar() takes text; as.character() gives a factor's labels".into()));
        }
        let kind = NodeKind::Lookup(Box::new(x), Lookup::new(Measure::Characters));
        return Ok(Operand::Node(node(kind, whole_number(), call.expr)));
    }
    let rule = match function {
        "as.character" if !is_factor => return Ok(Operand::Node(x)),
        "as.character" => Rule::Text,
        "trimws" => Rule::Trimmed,
        "toupper" => Rule::Case { upper: true },
        "tolower" => Rule::Case { upper: false },
        "substring" => {
            let Some(first) = call.number(binder, "first")? else {
                return Err(call.wrong("first", "is missing"));
            };
            let last = call.number(binder, "last")?.unwrap_or(1e6);
            Rule::Substring(first.max(1.0) as usize, last.max(0.0) as usize)
        }
        _ => {
            let (Some(start), Some(stop)) = (call.number(binder, "start")?, call.number(binder, "stop")?)
            else {
                return Err(call.wrong("start", "and `stop` are needed"));
            };
            Rule::Substring(start.max(1.0) as usize, stop.max(0.0) as usize)
        }
    };
    Ok(Operand::Node(node(
        NodeKind::Recode(Box::new(x), Recode::new(rule)),
        Type::Text,
        call.expr,
    )))
}

fn whole_number() -> Type {
    Type::Numbers {
        columns: 1,
        names: None,
        whole: true,
    }
}

/// Builds the node of `is.na(x)` for text or a factor.
pub(super) fn is_missing(x: Node, expr: &Expr) -> Node {
    node(
        NodeKind::Lookup(Box::new(x), Lookup::new(Measure::IsMissing)),
        Type::Logical,
        expr,
    )
}

/// `as.numeric`, `as.integer` and `as.logical`: of text, the number that it is; of a factor, the place of the
/// level.
pub(super) fn as_number(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    function: &str,
) -> Result<Operand, BindError> {
    let term = match call.term(binder, "x")? {
        Operand::Node(x) if x.ty.is_codes() => {
            let measure = match x.ty {
                Type::Text => Measure::Number,
                _ => Measure::Position(None),
            };
            if function == "as.logical" {
                return Err(call.mistyped(format!(
                    "`{}` is {}; compare it with ==",
                    x.name,
                    x.ty.described()
                )));
            }
            let ty = if measure == Measure::Number {
                Type::NUMBER
            } else {
                whole_number()
            };
            Operand::Node(node(
                NodeKind::Lookup(Box::new(x), Lookup::new(measure)),
                ty,
                call.expr,
            ))
        }
        term => term,
    };
    match function {
        "as.logical" => binder.unary(Unary::Truth, term, call.expr),
        "as.integer" => match binder.unary(Unary::Truncate, term, call.expr)? {
            Operand::Constant(Constant::Numbers { values, .. }) => {
                Ok(Operand::Constant(Constant::Numbers { values, whole: true }))
            }
            Operand::Node(mut n) => {
                if let Type::Numbers { whole, .. } = &mut n.ty {
                    *whole = true;
                }
                Ok(Operand::Node(n))
            }
            constant => Ok(constant),
        },
        _ => match term {
            // a logical becomes a number
            Operand::Node(n) if n.ty == Type::Logical => {
                let zero = Operand::Constant(Constant::number(0.0));
                binder.binary(nelder_device::Binary::Add, Operand::Node(n), zero, call.expr)
            }
            term => Ok(term),
        },
    }
}

/// `ifelse(test, yes, no)`
pub(in crate::design) fn ifelse(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let test = call.term(binder, "test")?;
    let test = binder.scalar(test, call.expr)?;
    if test.ty.columns() != 1 {
        return Err(call.wrong("test", "is a matrix; one column is needed"));
    }
    let (yes, no) = (call.term(binder, "yes")?, call.term(binder, "no")?);
    let is_text = |t: &Operand| match t {
        Operand::Node(n) => n.ty.is_codes(),
        Operand::Constant(c) => matches!(c, Constant::Texts(_)),
    };
    if !is_text(&yes) && !is_text(&no) {
        let logical = |t: &Operand| match t {
            Operand::Node(n) => n.ty == Type::Logical,
            Operand::Constant(c) => matches!(c, Constant::Logicals(_)),
        };
        let logical = logical(&yes) && logical(&no);
        let (yes, no) = (binder.scalar(yes, call.expr)?, binder.scalar(no, call.expr)?);
        if yes.ty.columns() != 1 || no.ty.columns() != 1 {
            return Err(call.mistyped("ifelse() takes one column for each value".into()));
        }
        let ty = match logical {
            true => Type::Logical,
            false if yes.ty.whole() && no.ty.whole() => whole_number(),
            false => Type::NUMBER,
        };
        return Ok(Operand::Node(node(
            NodeKind::Select(Box::new([test, yes, no])),
            ty,
            call.expr,
        )));
    }
    let mut side = |term: Operand, name: &str| match term {
        Operand::Node(n) if matches!(n.ty, Type::Factor { .. }) => Err(call.wrong(
            name,
            "is a factor, whose codes R would take; as.character() gives its labels",
        )),
        Operand::Node(n) => binder.text(n, call.expr),
        Operand::Constant(c) => match c.texts().as_slice() {
            [text] => Ok(binder.constant_text(text.clone(), call.expr)),
            v => Err(call.wrong(
                name,
                &format!("has {} values beside a column; one is needed", v.len()),
            )),
        },
    };
    let (yes, no) = (side(yes, "yes")?, side(no, "no")?);
    Ok(Operand::Node(node(
        NodeKind::Choose(Box::new([test, yes, no]), Choose::new()),
        Type::Text,
        call.expr,
    )))
}
