//! Diagnostics of the rows of a fit: residuals of every kind, leverages, and what leaving a row out does.

/// Diagnostics for consecutive rows. `NaN` where a variable is missing or a quantity is not defined: what is divided by
/// 1 − h for rows of leverage one, and all but fitted values and residuals for rows of weight zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Influence {
    /// Fitted values with the offset, means of a generalized linear model: R's `fitted`.
    pub fitted: Vec<f64>,
    /// Linear predictors with the offset; empty for a linear model, of which they are the fitted values.
    pub linear: Vec<f64>,
    /// Response less fitted value: R's `residuals` of a linear model.
    pub response: Vec<f64>,
    /// Working residuals (y − μ) dη/dμ; empty for a linear model, of which they are those of the response.
    pub working: Vec<f64>,
    /// Pearson residuals; empty for a linear model, of which they are deviance residuals.
    pub pearson: Vec<f64>,
    /// Deviance residuals, R's `residuals` of a `glm`: those of the response times √w for a linear model; empty for one without weights.
    pub deviance: Vec<f64>,
    /// Leverages: R's `hatvalues`.
    pub hat: Vec<f64>,
    /// Residual standard deviation, or √dispersion, without the row: R's `influence(fit)$sigma`.
    pub sigma: Vec<f64>,
    /// R's `cooks.distance`.
    pub cooks: Vec<f64>,
    /// R's `rstandard`, of deviance residuals.
    pub standardized: Vec<f64>,
    /// R's `rstandard(type = "pearson")`; empty for a linear model, likewise.
    pub standardized_pearson: Vec<f64>,
    /// R's `rstudent`.
    pub studentized: Vec<f64>,
    /// Working weights; empty for a linear model, of which they are the weights.
    pub weight: Vec<f64>,
    /// R's `dfbetas` by column and row; empty unless asked for.
    pub dfbetas: Vec<Vec<f64>>,
}

/// Kind of residuals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResidualKind {
    /// Response less fitted value.
    #[default]
    Response,
    /// (y − μ) dη/dμ
    Working,
    /// √w (y − μ) / √V
    Pearson,
    /// Root of a row's deviance, with the sign of y − μ.
    Deviance,
}

/// Diagnostics for consecutive rows of the source.
#[derive(Clone, Debug, Default)]
pub struct InfluenceRun {
    /// Position of the first row, from 0.
    pub first_row: u64,
    /// Which rows of the run have values: those in the fit, those of weight zero, and with
    /// [`Missing::Exclude`](crate::design::Missing) incomplete ones; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// One entry a model.
    pub models: Vec<Influence>,
}

/// Extent of the diagnostics of each row. Those beyond it are `NaN`, or empty where there are several columns of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Fitted values and residuals.
    Residuals,
    /// Leverages too, and what follows from them.
    #[default]
    Leverages,
    /// `dfbetas` too: the standardized change of each coefficient without the row.
    Deletions,
}

impl Influence {
    /// Residuals of a kind: R's `residuals(fit, type = …)`.
    pub fn residuals(&self, kind: ResidualKind) -> &[f64] {
        // a column that is empty is the same as the next
        let columns: &[&Vec<f64>] = match kind {
            ResidualKind::Response => &[],
            ResidualKind::Working => &[&self.working],
            ResidualKind::Pearson => &[&self.pearson, &self.deviance],
            ResidualKind::Deviance => &[&self.deviance],
        };
        let own = columns.iter().find(|column| !column.is_empty());
        own.map_or(&self.response, |own| own)
    }

    /// Nothing known of some rows; `scored` where there are the columns that a linear model leaves empty.
    pub(in crate::model) fn unknown(rows: usize, scored: bool) -> Influence {
        let all = || vec![f64::NAN; rows];
        let more = || if scored { all() } else { Vec::new() };
        Influence {
            fitted: all(),
            linear: more(),
            response: all(),
            working: more(),
            pearson: more(),
            deviance: more(),
            hat: all(),
            sigma: all(),
            cooks: all(),
            standardized: all(),
            standardized_pearson: more(),
            studentized: all(),
            weight: more(),
            dfbetas: Vec::new(),
        }
    }

    /// All columns, those of `dfbetas` last.
    pub(super) fn columns(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        let own = [
            &mut self.fitted,
            &mut self.linear,
            &mut self.response,
            &mut self.working,
            &mut self.pearson,
            &mut self.deviance,
            &mut self.hat,
            &mut self.sigma,
            &mut self.cooks,
            &mut self.standardized,
            &mut self.standardized_pearson,
            &mut self.studentized,
            &mut self.weight,
        ];
        own.into_iter().chain(&mut self.dfbetas)
    }

    /// Adds the rows that follow.
    pub(super) fn append(&mut self, mut other: Influence) {
        self.dfbetas.resize(other.dfbetas.len(), Vec::new());
        let both = self.columns().zip(other.columns());
        both.for_each(|(mine, theirs)| mine.append(theirs));
    }
}
