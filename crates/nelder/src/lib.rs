//! R's `lm`, `glm` and `prcomp` as a few passes over rows: R's results and R's words, with the digits that are right said beside them.
//!
//! ```
//! use nelder::prelude::*;
//! let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
//! let frame = Frame::new().with_real("x", &x).with_real("y", &y);
//! let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress)?;
//! let slope = &fit.responses[0];
//! assert!((slope.coefficients[1] - 1.96).abs() < 1e-13 && slope.std_errors[1] < 0.04);
//! assert!(fit.report().digits.coefficients > 12.0);
//! # Ok::<(), ModelError>(())
//! ```
//!
//! A model is specified ([`LmSpec`](model::LmSpec), [`GlmSpec`](model::GlmSpec), [`PcaSpec`](model::PcaSpec)) and fitted to the rows of a
//! [`Source`](frame::Source): columns in memory ([`Frame`](frame::Frame)), files (the crate `nelder-data`), columns on a device
//! ([`DeviceFrame`](frame::DeviceFrame)). Where its passes run is said by a [`Run`](pass::Run): threads, devices, or whichever ends first.
//! Fits have standard errors of many kinds, tests, predictions and diagnostics ([`model`]), and print as R prints them ([`summary`]).

pub mod design;
pub mod family;
pub mod formula;
pub mod frame;
pub mod model;
pub mod pass;
pub mod solve;
pub mod summary;

/// The names that most programs use: `use nelder::prelude::*`.
pub mod prelude {
    pub use crate::family::{Family, Link};
    pub use crate::frame::{DeviceFrame, Frame, Source};
    pub use crate::model::{
        Accuracy, Bootstrap, BootstrapSpec, Detail, Glm, GlmSpec, Inference, Lm, LmSpec, ModelError, PcaSpec,
        Prcomp, Regression, Vcov, bootstrap, glm, lm, prcomp,
    };
    pub use crate::pass::{Auto, Devices, Monitor, NoProgress, Run, Threads};
}
