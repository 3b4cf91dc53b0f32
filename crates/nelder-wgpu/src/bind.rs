//! Bytes of a buffer as the argument of a kernel.

/// Bytes of a buffer that a kernel sees.
#[derive(Clone, Copy)]
pub(crate) struct Bind<'b> {
    pub buffer: &'b wgpu::Buffer,
    pub from: u64,
    pub bytes: u64,
}
