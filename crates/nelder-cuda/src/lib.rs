//! NVIDIA GPUs as a backend of `nelder-device`: programs are printed as CUDA C and compiled with NVRTC, products are
//! cuBLAS's. Driver and libraries are looked for at run time, so that the same program runs without them.

mod cache;
mod columns;
mod cuda;
mod decomposition;
mod eigen;
mod print;
mod products;
mod projection;
mod residuals;
mod shared;
mod single;
mod solver;
mod staging;
mod step;

pub use cuda::{Cuda, count};
pub use print::source;
pub use shared::{Offered, shared};
