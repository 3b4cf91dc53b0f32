//! Limits of a launch.

/// Threads of a workgroup.
pub(crate) const THREADS: usize = 128;
/// Columns of a launch at most.
pub(crate) const MOST_GROUPS: usize = 65_535;
