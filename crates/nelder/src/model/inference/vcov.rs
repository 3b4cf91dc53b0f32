//! The kinds of covariance that can be asked for, and the clusters of rows.

use std::str::FromStr;

use crate::design::{Block, Precision, RowError, Value, Variables};
use crate::formula::{Binary, Expr, parse_expression};
use crate::frame::{Batch, Key, Levels, MISSING, Source};
use crate::model::ModelError;
use crate::model::model_frame::resolved;
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
    /// Scores summed by the values of an expression of the columns, with the correction that sandwich's `vcovCL` has by
    /// default: [`ClusterType::Hc1`] for a linear model, [`ClusterType::Hc0`] for a generalized one.
    Cluster(String),
    /// The same with a correction by name.
    ClusterAs(String, ClusterType),
}

/// Which correction for a small number of clusters: the types of sandwich's `vcovCL`, for G clusters, n rows and k
/// coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ClusterType {
    /// Times G / (G − 1).
    Hc0,
    /// Times G / (G − 1) and (n − 1) / (n − k).
    Hc1,
    /// Residuals of a cluster times (I − H)^(−1/2), H its block of the hat matrix (Bell & McCaffrey 2002).
    Hc2,
    /// Residuals of a cluster times (I − H)⁻¹.
    Hc3,
}

impl ClusterType {
    /// Returns the factor of the sum over G clusters: G / (G − 1), for HC1 times (n − 1) / (n − k), and 1 for HC2 and HC3.
    ///
    /// # Errors
    /// Fewer than two clusters.
    pub(in crate::model) fn factor(
        self,
        expression: &str,
        clusters: usize,
        n: f64,
        k: f64,
    ) -> Result<f64, ModelError> {
        if clusters < 2 {
            return Err(ModelError::Argument {
                argument: "cluster".into(),
                why: format!("`{expression}` has one value in all rows; clustering needs two or more"),
            });
        }
        let g = clusters as f64;
        Ok(match self {
            ClusterType::Hc0 => g / (g - 1.0),
            ClusterType::Hc1 => g / (g - 1.0) * ((n - 1.0) / (n - k)),
            ClusterType::Hc2 | ClusterType::Hc3 => 1.0,
        })
    }

    /// True if residuals are adjusted by the hat matrix of their cluster.
    pub(super) fn uses_blocks(self) -> bool {
        matches!(self, ClusterType::Hc2 | ClusterType::Hc3)
    }

    fn name(self) -> &'static str {
        match self {
            ClusterType::Hc0 => "HC0",
            ClusterType::Hc1 => "HC1",
            ClusterType::Hc2 => "HC2",
            ClusterType::Hc3 => "HC3",
        }
    }

    /// The type at the end of `expression:TYPE`, and the expression.
    fn after(text: &str) -> Option<(&str, ClusterType)> {
        let (expression, name) = text.rsplit_once(':')?;
        let all = [
            ClusterType::Hc0,
            ClusterType::Hc1,
            ClusterType::Hc2,
            ClusterType::Hc3,
        ];
        let own = all
            .into_iter()
            .find(|t| t.name().eq_ignore_ascii_case(name.trim()))?;
        Some((expression, own))
    }
}

impl Vcov {
    /// The expression of the clusters and the correction, `default` where none is named.
    pub(in crate::model) fn clustered(&self, default: ClusterType) -> Option<(&str, ClusterType)> {
        match self {
            Vcov::Cluster(expression) => Some((expression, default)),
            Vcov::ClusterAs(expression, own) => Some((expression, *own)),
            _ => None,
        }
    }
}

impl FromStr for Vcov {
    type Err = ModelError;

    /// Reads `iid`, `HC0` to `HC3` (in either case), `cluster:COLUMN`, or `cluster:COLUMN:HC1`.
    ///
    /// ```
    /// use nelder::model::{ClusterType, Vcov};
    /// assert_eq!("HC3".parse::<Vcov>().unwrap(), Vcov::Hc3);
    /// assert_eq!("cluster:school".parse::<Vcov>().unwrap(), Vcov::Cluster("school".into()));
    /// let typed = Vcov::ClusterAs("school".into(), ClusterType::Hc3);
    /// assert_eq!("cluster:school:HC3".parse::<Vcov>().unwrap(), typed);
    /// assert!("HC9".parse::<Vcov>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, ModelError> {
        if let Some(expression) = text.strip_prefix("cluster:").filter(|e| !e.trim().is_empty()) {
            return Ok(match ClusterType::after(expression) {
                Some((expression, own)) if !expression.trim().is_empty() => {
                    Vcov::ClusterAs(expression.trim().to_string(), own)
                }
                _ => Vcov::Cluster(expression.trim().to_string()),
            });
        }
        match text.to_ascii_lowercase().as_str() {
            "iid" | "const" => Ok(Vcov::Iid),
            "hc0" => Ok(Vcov::Hc0),
            "hc1" => Ok(Vcov::Hc1),
            "hc2" => Ok(Vcov::Hc2),
            "hc3" => Ok(Vcov::Hc3),
            _ => Err(ModelError::Argument {
                argument: "vcov".into(),
                why: format!(
                    "`{text}` is none of iid, HC0, HC1, HC2, HC3, cluster:COLUMN and cluster:COLUMN:HC0 to HC3"
                ),
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
            Vcov::ClusterAs(expression, own) => write!(f, "cluster:{expression}:{}", own.name()),
        }
    }
}

/// The clusters of rows, from an expression of the columns.
pub(in crate::model) struct Clusters {
    variables: Variables,
    expression: String,
    numbers: Levels,
}

impl Clusters {
    /// Binds the expression to the columns of a source.
    pub(in crate::model) fn new(
        expression: &str,
        source: &dyn Source,
        passes: &mut Vec<PassRecord>,
    ) -> Result<Self, ModelError> {
        let parsed = [parse_expression(expression)?];
        let wrong = |why: String| ModelError::Argument {
            argument: "vcov".into(),
            why,
        };
        match &parsed[0] {
            // the sum of two columns is no two-way clustering, which is what sandwich takes it for
            Expr::Binary(Binary::Add, ..) => {
                return Err(wrong(format!(
                    "clusters by several columns at once, `{expression}`, are not known; paste() or interaction() of them has \
                     a cluster for each combination"
                )));
            }
            Expr::Binary(Binary::Colon, _, kind) if matches!(&**kind, Expr::Name(n) if n.starts_with("HC")) =>
            {
                return Err(wrong(format!("`{kind}` is none of HC0, HC1, HC2, HC3")));
            }
            _ => {}
        }
        let parsed = resolved(&parsed, source, Precision::Double, passes)?;
        let mut variables = Variables::bind(&parsed, source.schema(), Precision::Double)?;
        if variables.is_whole(0) || variables.is_column(0) {
            // as codes, whole numbers of any size stay apart, and digits that are lost are noticed
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
    pub(in crate::model) fn columns(&self) -> &[usize] {
        self.variables.columns()
    }

    /// The cluster of each row of a block.
    pub(in crate::model) fn of(&self, block: &Block<'_>, batch: &Batch<'_>) -> Result<Vec<u32>, RowError> {
        let values = self.variables.evaluate(batch).map_err(|e| RowError {
            row: batch.first_row,
            message: e.to_string(),
        })?;
        if let Some((_, row)) = self.variables.merged().into_iter().min_by_key(|m| m.1) {
            let message = format!(
                "the cluster `{}` has more digits than double precision in row {}, so that clusters that differ may be one; \
                 write the column as text",
                self.expression,
                row + 1
            );
            return Err(RowError { row, message });
        }
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
