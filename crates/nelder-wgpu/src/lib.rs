//! Any GPU as a backend of `nelder-device`, through wgpu: Vulkan, Metal, Direct3D 12.
//!
//! Shaders have no double precision that can be relied on, and their compilers may rearrange what they have of single
//! precision. Here arithmetic is that of 32-bit integers: doubles are rounded as IEEE 754 says, bit by bit as on the CPU, and
//! sums are kept in 128 bits. Only grams that may be rough, as preconditioners, are formed of floats.

mod backend;
mod bind;
mod bindings;
mod buffer_pool;
mod columns;
mod device;
mod fixed;
mod float128;
mod functions;
mod gram;
mod limits;
mod machine;
mod open;
mod probe;
mod residuals;
mod select;
mod shared;
mod silence;
mod single;
mod sums;
mod survey;
mod transfer;

pub use device::{Wgpu, count};
pub use shared::{Offered, shared};
pub use silence::silence_drivers;
