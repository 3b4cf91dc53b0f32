//! Where and how passes run: on the CPU's threads, block by block, or on a device that holds the rows.
//!
//! `run` drives an accumulator over a source; `cost` estimates times for a `course` and chooses the place; `resident` and
//! `loaded` are rows in a device's memory, `device_scoring` and `device_tables` the sums over them, and
//! `site` a design with the place where its passes run; `projection` is the same for standardized columns.

mod cost;
mod course;
mod device_scoring;
mod device_tables;
mod loaded;
mod projection;
mod resident;
mod run;
mod site;

pub use cost::{Plan, Planned, Work, plan};
pub use course::Course;
pub use loaded::Loaded;
pub use resident::Resident;
pub use run::{run, run_beside, run_in_order};
pub use site::Site;
