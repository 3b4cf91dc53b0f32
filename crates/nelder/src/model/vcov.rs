//! The kinds of covariance that can be asked for, and the clusters of rows.

use std::str::FromStr;

use super::ModelError;
use crate::design::{Block, Precision, RowError, Value, Variables};
use crate::formula::parse_expression;
use crate::frame::{Batch, Key, Levels, MISSING, Source};
use crate::pass::PassRecord;

/// Which covariance of the coefficients.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Vcov {
    /// σ² (XᵀWX)⁻¹: R's `vcov`.
    #[default]
    Iid,
    /// Squared residuals as they are (White 1980).
    Hc0,
    /// HC0 times n / (n − k).
    Hc1,
    /// Squared residuals over 1 − h.
    Hc2,
    /// Squared residuals over (1 − h)².
    Hc3,
    /// Scores summed by the values of an expression of the columns, times G / (G − 1) and (n − 1) / (n − k).
    Cluster(String),
}

impl FromStr for Vcov {
    type Err = ModelError;

    /// Reads `iid`, `HC0` to `HC3` (in either case), or `cluster:COLUMN`.
    ///
    /// ```
    /// use nelder::model::Vcov;
    /// assert_eq!("HC3".parse::<Vcov>().unwrap(), Vcov::Hc3);
    /// assert_eq!("cluster:school".parse::<Vcov>().unwrap(), Vcov::Cluster("school".into()));
    /// assert!("HC9".parse::<Vcov>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, ModelError> {
        if let Some(expression) = text.strip_prefix("cluster:").filter(|e| !e.trim().is_empty()) {
            return Ok(Vcov::Cluster(expression.trim().to_string()));
        }
        match text.to_ascii_lowercase().as_str() {
            "iid" | "const" => Ok(Vcov::Iid),
            "hc0" => Ok(Vcov::Hc0),
            "hc1" => Ok(Vcov::Hc1),
            "hc2" => Ok(Vcov::Hc2),
            "hc3" => Ok(Vcov::Hc3),
            _ => Err(ModelError::Argument {
                argument: "vcov".into(),
                why: format!("`{text}` is none of iid, HC0, HC1, HC2, HC3 and cluster:COLUMN"),
            }),
        }
    }
}

impl std::fmt::Display for Vcov {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Vcov::Iid => f.write_str("iid"),
            Vcov::Hc0 => f.write_str("HC0"),
            Vcov::Hc1 => f.write_str("HC1"),
            Vcov::Hc2 => f.write_str("HC2"),
            Vcov::Hc3 => f.write_str("HC3"),
            Vcov::Cluster(expression) => write!(f, "cluster:{expression}"),
        }
    }
}

/// The clusters of rows, from an expression of the columns.
pub(super) struct Clusters {
    variables: Variables,
    expression: String,
    numbers: Levels,
}

impl Clusters {
    /// Binds the expression to the columns of a source.
    pub(super) fn new(
        expression: &str,
        source: &dyn Source,
        passes: &mut Vec<PassRecord>,
    ) -> Result<Self, ModelError> {
        let parsed = [parse_expression(expression)?];
        let mut variables = Variables::bind(&parsed, source.schema(), Precision::Double)?;
        if variables.is_whole(0) {
            // as codes, whole numbers of any size stay apart
            let codes = [parse_expression(&format!("factor({expression})"))?];
            variables = Variables::bind(&codes, source.schema(), Precision::Double)?;
        }
        if variables.needs_prepare() {
            let start = std::time::Instant::now();
            let scan = variables.prepare(source)?;
            passes.push(PassRecord::on_cpu("bases", "f64", scan, start));
        }
        Ok(Clusters {
            variables,
            expression: expression.to_string(),
            numbers: Levels::growing(),
        })
    }

    /// The columns of the source that are read.
    pub(super) fn columns(&self) -> &[usize] {
        self.variables.columns()
    }

    /// The cluster of each row of a block.
    pub(super) fn of(&self, block: &Block<'_>, batch: &Batch<'_>) -> Result<Vec<u32>, RowError> {
        let values = self.variables.evaluate(batch).map_err(|e| RowError {
            row: batch.first_row,
            message: e.to_string(),
        })?;
        let all: Vec<u32> = match &values[0] {
            Value::Numbers(columns) if columns.len() == 1 => {
                let code = |&x: &f64| {
                    if x.is_nan() {
                        MISSING
                    } else {
                        self.numbers.intern(&Key::Number(x))
                    }
                };
                columns[0].high.iter().map(code).collect()
            }
            Value::Numbers(columns) => {
                return Err(RowError {
                    row: batch.first_row,
                    message: format!(
                        "the cluster `{}` has {} columns; name one, or write interaction(a, b)",
                        self.expression,
                        columns.len()
                    ),
                });
            }
            Value::Logical(x) => x
                .iter()
                .map(|&x| if x == 2 { MISSING } else { u32::from(x) })
                .collect(),
            Value::Codes { codes, .. } => codes.to_vec(),
        };
        (0..block.rows)
            .map(|i| {
                let at = block.kept.as_ref().map_or(i, |k| k[i] as usize);
                if all[at] == MISSING {
                    let row = block.source_row(i);
                    let message = format!(
                        "the cluster `{}` is missing in row {}, which is in the fit; leave it out with a subset, \
                         such as `!is.na({})`",
                        self.expression,
                        row + 1,
                        self.expression
                    );
                    return Err(RowError { row, message });
                }
                Ok(all[at])
            })
            .collect()
    }
}
