//! Elastic nets of several responses.

use nelder::model::{Curve, ElasticNetSpec, MultiFamily, MultiNet, MultiNetSpec, MultiValidation};
use savvy::ListSexp;

use crate::glmnet::{curve, held_out, record_of};
use crate::lists::{Elements, Record};

/// Reads what a path of several responses has beside `net`: `multi`, the family, empty for one response; `offsets`, names of columns; `classes`,
/// names of the classes whose places the response has.
///
/// # Errors
/// An element that is not there.
pub fn spec(description: &ListSexp, net: ElasticNetSpec) -> savvy::Result<Option<MultiNetSpec>> {
    let elements = Elements(description);
    let family = match elements.text("multi")?.as_str() {
        "" => return Ok(None),
        "multinomial" => MultiFamily::Multinomial { grouped: false },
        "grouped" => MultiFamily::Multinomial { grouped: true },
        name => MultiFamily::Gaussian {
            standardize: name != "mgaussian",
        },
    };
    let quoted = |name: String| format!("`{name}`");
    Ok(Some(MultiNetSpec {
        offsets: elements.texts("offsets")?.into_iter().map(quoted).collect(),
        classes: elements.texts("classes")?,
        ..MultiNetSpec::new(net, family)
    }))
}

/// A path as a record: coefficients by the slots `p`, `i` and `x` of a sparse matrix for each response, one after the other.
///
/// # Errors
/// More coefficients than such a matrix has places for.
pub fn path(fit: &MultiNet<'_>) -> savvy::Result<Record> {
    record_of(
        &fit.path.responses,
        (0..fit.path.len()).map(|m| fit.path.nonzero(m)),
        (fit.names(), &fit.counts),
        (fit.bound.rows.rounded().into_iter()).chain(fit.warning()),
        &fit.report,
    )
}

/// A cross-validation as a record, `fit` being its path.
///
/// # Errors
/// Those of [`path`].
pub fn curves(found: &MultiValidation<'_>) -> savvy::Result<Record> {
    let grid: Vec<(f64, &Curve)> = found.grid.iter().map(|(alpha, _, c)| (*alpha, c)).collect();
    let mut out = curve(&found.curve, &grid, found.alpha(), path(&found.fit)?);
    if let Some(kept) = &found.held_out {
        out.inner("kept", held_out(kept));
    }
    Ok(out)
}
