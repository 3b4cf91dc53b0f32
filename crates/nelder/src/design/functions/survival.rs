//! Survival times of R's package survival: `Surv`.

use super::arguments::Call;
use crate::design::bind::{Binder, Operand};
use crate::design::error::BindError;
use crate::design::node::{NodeKind, Type, node};

/// Arguments of `Surv`.
pub(super) const FORMALS: [&str; 5] = ["time", "time2", "event", "type", "origin"];

/// `Surv(time, status)` and `Surv(start, stop, status)`: their columns side by side. Without a status every row has its event.
pub(super) fn surv(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let own = call.text(binder, "type")?;
    match own.as_deref() {
        None | Some("right" | "counting") => {}
        Some(other) => {
            return Err(call.wrong(
                "type",
                &format!("`{other}` is not there; `right` and `counting` are"),
            ));
        }
    }
    // the second of two is the status
    let given = match (call.expr("time2"), call.expr("event")) {
        (Some(_), Some(_)) => vec![("time", "start"), ("time2", "stop"), ("event", "status")],
        (Some(_), None) => vec![("time", "time"), ("time2", "status")],
        (None, Some(_)) => vec![("time", "time"), ("event", "status")],
        (None, None) => {
            return Err(call.wrong(
                "event",
                "is missing; write Surv(time, status), status 1 for an event",
            ));
        }
    };
    let mut parts = Vec::new();
    for (argument, _) in &given {
        let part = call.term(binder, argument)?;
        let part = binder.scalar(part, call.expr)?;
        if let NodeKind::Constant(_) = part.kind {
            return Err(call.wrong(argument, "is a constant; a column is needed"));
        }
        if part.ty.is_codes() || part.ty.columns() != 1 {
            return Err(call.wrong(
                argument,
                "must be one column of numbers; of text make a status such as status == \"dead\"",
            ));
        }
        parts.push(part);
    }
    let ty = Type::Numbers {
        columns: parts.len(),
        whole: parts.iter().all(|p| p.ty.whole()),
        names: Some(given.iter().map(|(_, name)| (*name).to_string()).collect()),
    };
    Ok(Operand::Node(node(NodeKind::Bind(parts), ty, call.expr)))
}
