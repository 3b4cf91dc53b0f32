//! Rows of a linear model: residuals in twice the precision, and what leaving a row out does.

use nelder_device::Dd;
use nelder_device::kernels::Pair;

use super::LmResponse;
use crate::design::{Block, Numbers, RowError};
use crate::model::inference::row_model::{RowModel, Under};
use crate::model::inference::whitened_design::{Leverage, WhitenedDesign};
use crate::model::{ClusterType, Influence, Regression};
use crate::pass::{Coefficients, residuals_of};

/// Share of the residual sum of squares below which what is left of it without a row wants 1 − h in twice the precision.
const SMALL_PART: f64 = 0.01;

impl LmResponse<'_, '_> {
    /// Residuals of the rows of a block, high and low parts, in the units of the rows.
    fn residuals(&self, block: &Block<'_>, at: &Coefficients) -> (Vec<f64>, Vec<f64>) {
        let y = &block.responses[self.response];
        let response = Pair {
            high: &y.high,
            low: y.low.as_deref(),
        };
        let (mut high, mut low) = (Vec::new(), Vec::new());
        residuals_of(
            self.fit.fit.gram.atoms(),
            block,
            response,
            at,
            &mut high,
            &mut low,
        );
        (high, low)
    }

    /// The residual sum of squares without a row of weight w, in the units of the rows; `left` is 1 − h.
    fn without(
        &self,
        (block, i): (&Block<'_>, usize),
        basis: Option<&WhitenedDesign>,
        residual: Dd,
        w: f64,
        left: Dd,
    ) -> f64 {
        // what is left of the residual sum of squares without the row may be a small part of it
        let square = residual.square().mul_f64(w);
        let all = self.fit.fit.row_rss[self.response];
        let rss = all - square / left;
        if rss.hi < SMALL_PART * all.hi
            && let Some(left) = basis.and_then(|b| b.left_of(block, i, w)).filter(|l| l.hi > 0.0)
        {
            return (all - square / left).hi;
        }
        rss.hi
    }
}

impl RowModel for LmResponse<'_, '_> {
    fn coefficients(&self) -> Vec<Vec<Dd>> {
        vec![self.fit.fit.scaled_coefficients(self.response)]
    }

    fn basis(&self) -> WhitenedDesign {
        self.equations().basis()
    }

    fn root_variances(&self) -> Vec<f64> {
        self.fit.fit.row_variances.iter().map(|v| v.sqrt()).collect()
    }

    fn working(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        _: Under,
        take: &mut dyn FnMut(&Block<'_>) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        let (high, low) = self.residuals(block, &at[0]);
        take(&Block {
            kept: block.kept.clone(),
            responses: vec![Numbers {
                high: high.into(),
                low: Some(low),
            }],
            weights: block.weights.as_deref().map(Into::into),
            ..block.design(0, block.rows)
        })
    }

    fn unknown(&self, rows: usize) -> Influence {
        let mut out = Influence::unknown(rows, false);
        if self.fit.weighted() {
            out.deviance = vec![f64::NAN; rows];
        }
        out
    }

    fn diagnose(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        basis: Option<&WhitenedDesign>,
        known: &mut Option<Vec<Leverage>>,
    ) -> Influence {
        let leverages = known.get_or_insert_with(|| Leverage::all(basis, block, block.weights.as_deref()));
        let (mut high, mut low) = self.residuals(block, &at[0]);
        let weight = |i: usize| block.weights.as_ref().map_or(1.0, |w| w[i]);
        let (rank, df) = (self.fit.rank as f64, self.fit.df_residual as f64);
        if self.fit.df_residual == 0 {
            // every row of the fit is met exactly
            for i in (0..block.rows).filter(|&i| weight(i) != 0.0) {
                (high[i], low[i]) = (0.0, 0.0);
            }
        }
        let response = &block.responses[self.response];
        let scale = self.response_scale();
        let sigma = self.estimates().sigma;
        let of_rest = |rss: f64| (rss / (df - 1.0)).sqrt() / scale;
        let mut out = self.unknown(block.rows);
        for i in 0..block.rows {
            let r = high[i] / scale;
            let offset = block.offset.as_ref().map_or(0.0, |o| o[i]);
            let own_low = response.low.as_ref().map_or(0.0, |l| l[i]);
            let fitted = Dd::two_sum(response.high[i], -high[i]).add_f64(own_low - low[i]);
            out.fitted[i] = fitted.hi / scale + offset;
            out.response[i] = r;
            let w = weight(i);
            let root = w.sqrt() * r;
            if let Some(deviance) = out.deviance.get_mut(i) {
                *deviance = root;
            }
            if w == 0.0 {
                continue;
            }
            let left = leverages[i].left;
            if left.hi <= 0.0 {
                // nothing is left of the row: the fit without it has the same residuals
                out.hat[i] = 1.0;
                out.sigma[i] = of_rest(self.fit.fit.row_rss[self.response].hi);
                continue;
            }
            let h = leverages[i].h;
            let rss = self.without((block, i), basis, Dd::new(high[i]).add_f64(low[i]), w, left);
            let without = of_rest(rss.max(0.0));
            let left = left.hi;
            let standard = root / (sigma * left.sqrt());
            out.hat[i] = h;
            out.sigma[i] = without;
            out.cooks[i] = standard * standard * h / (left * rank);
            out.standardized[i] = standard;
            out.studentized[i] = root / (without * left.sqrt());
        }
        out
    }

    fn score(&self, block: &Block<'_>, own: &Influence, i: usize) -> f64 {
        block.weights.as_ref().map_or(1.0, |w| w[i]) * own.response[i]
    }

    fn has_twice(&self) -> bool {
        true
    }

    fn cluster_type(&self) -> ClusterType {
        ClusterType::Hc1
    }

    fn response_scale(&self) -> f64 {
        self.fit.fit.response_scale(self.response)
    }
}
