//! Elastic nets of several responses.

use nelder::model::{Curve, ElasticNetSpec, MultiFamily, MultiNet, MultiNetSpec, MultiValidation};
use savvy::ListSexp;

use crate::glmnet::{curve, error_number, report};
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
    let (mut starts, mut rows, mut values, mut intercepts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for own in &fit.path.responses {
        let before = rows.len();
        starts.push(0);
        for step in &own.steps {
            intercepts.push(step.intercept);
            rows.extend(step.coefficients.places.iter().map(|j| *j as usize));
            values.extend_from_slice(&step.coefficients.values);
            starts.push(rows.len() - before);
        }
    }
    if i32::try_from(rows.len()).is_err() {
        return Err(savvy::Error::new(format!(
            "{} coefficients are more than sparse matrices of R can hold; ask for fewer lambda",
            rows.len()
        )));
    }
    let first = fit.path.first();
    let mut out = Record::default();
    out.reals("a0", intercepts)
        .integers("p", starts)
        .integers("i", rows)
        .reals("x", values)
        .integers("df", (0..fit.path.len()).map(|m| fit.path.nonzero(m)))
        .reals("lambda", first.lambdas())
        .reals("dev_ratio", first.steps.iter().map(|s| s.explained).collect())
        .real("nulldev", first.null_deviance)
        .real("sweeps", first.sweeps as f64)
        .real("jerr", error_number(first.end))
        .texts("names", fit.names().to_vec())
        .real("omitted", fit.counts.omitted as f64)
        .texts(
            "warnings",
            (fit.bound.rows.rounded().into_iter())
                .chain(fit.warning())
                .collect(),
        )
        .inner("report", report(&fit.report));
    Ok(out)
}

/// A cross-validation as a record, `fit` being its path.
///
/// # Errors
/// Those of [`path`].
pub fn curves(found: &MultiValidation<'_>) -> savvy::Result<Record> {
    let grid: Vec<(f64, &Curve)> = found.grid.iter().map(|(alpha, _, c)| (*alpha, c)).collect();
    Ok(curve(&found.curve, &grid, found.alpha(), path(&found.fit)?))
}
