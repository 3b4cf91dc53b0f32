//! Executors: the places where passes run.
//!
//! `run` drives workers over a source; `threads` are those of this process, `devices` hold the rows or take them in parts, and `auto` is
//! whichever ends first by its `cost`; `names` are how people ask for them. `run_at` is a place with who watches.

mod auto;
mod cost;
mod devices;
mod names;
mod run;
mod run_at;
mod threads;

pub use auto::Auto;
pub use cost::{Plan, Planned, Work};
pub use devices::Devices;
pub use names::{PlaceError, PlaceNames};
pub use run::{run, run_beside, run_in_order};
pub use run_at::Run;
pub use threads::Threads;
