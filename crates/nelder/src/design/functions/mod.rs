//! R's functions over columns that formulas may call.
//!
//! `call` finds a function by its name and binds a call to it with the helpers of `arguments`. `bases`,
//! `basis`, `poly`, `splines`, `cut` and `quantile` are columns that depend on all rows; `summaries`
//! constants of all rows; `factors`, `recode` and `pattern` levels and text; `dates` and `calendar` dates
//! and times; `special` the gamma function and its kind; `survival` times of events.

mod arguments;
mod bases;
pub(super) mod basis;
mod calendar;
pub(super) mod call;
pub(super) mod cut;
mod dates;
mod factors;
pub(super) mod moments;
pub(super) mod names;
pub(super) mod order_search;
mod pattern;
pub(super) mod poly;
pub(super) mod quantile;
pub(super) mod recode;
pub(super) mod resolved;
pub(super) mod special;
mod special_calls;
pub(super) mod splines;
pub(super) mod stamp;
mod summaries;
mod survival;
