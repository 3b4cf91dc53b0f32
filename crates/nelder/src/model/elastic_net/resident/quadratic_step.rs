//! A step of Newton's method: the minimum of a quadratic model of the loss, and the penalty, over the active columns.

/// A step.
#[derive(Clone, Debug)]
pub(super) struct QuadraticStep {
    /// Change of the coefficients of the members.
    pub delta: Vec<f64>,
    /// Change of the intercept of centred columns.
    pub constant: f64,
    /// Change of η.
    pub images: Vec<f64>,
    /// The largest Hⱼⱼ Δ².
    pub square: f64,
}
