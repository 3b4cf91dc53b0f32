//! The sums that passes accumulate, block by block.
//!
//! `gram` is XᵀWX with its products in `product` and the blocks of factors in `table`, `part_grams` that of each part of the rows; `residual` and
//! `score` are y − Xβ and Xᵀs; `scoring` a step of Fisher scoring and `working` what it says of rows;
//! `observed` sums of responses and weights; `standard` and `gram_vectors` the moments of columns and
//! products of the standardized ones; `lanes` a gram or a score under many sets of weights at once.

mod gram;
pub(super) mod gram_vectors;
mod gram_worker;
mod lane_predictors;
mod lane_scores;
mod lanes;
mod observed;
mod part_grams;
mod product;
mod residual;
mod score;
mod scoring;
mod scoring_worker;
pub(super) mod standard;
mod table;
mod working;

pub use gram::{Gram, Products, packed};
pub use gram_vectors::{GramVectors, Projection};
pub use gram_worker::GramWorker;
pub use lane_predictors::LaneCoefficients;
pub use lane_scores::LaneScores;
pub use lanes::{LanePlan, LaneSums};
pub use observed::{Observed, ResponseMoments, is_count};
pub use part_grams::PartGrams;
pub use residual::{
    Coefficients, Histogram, ResidualRun, Residuals, ResidualsWorker, quartile_ranks, residuals_of,
};
pub use score::ScoreSums;
pub(super) use scoring::widen;
pub use scoring::{At, PassOutputs, Scoring, ScoringPlan, predictor_of};
pub use scoring_worker::ScoringWorker;
pub use standard::{ColumnMoments, Standard};
pub use table::{CodeSums, PairSums};
pub use working::{Working, means};
