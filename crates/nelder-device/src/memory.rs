//! Memory for many numbers.

/// Bytes from which on large pages are asked for.
const LARGE: usize = 4 << 20;
/// Bytes of a large page.
const PAGE: usize = 2 << 20;

/// Zeros, in large pages where there are so many that mapping them page by page would take longer than writing them.
///
/// ```
/// let zeros = nelder_device::zeros(3_000_000);
/// assert_eq!((zeros.len(), zeros[2_999_999]), (3_000_000, 0.0));
/// ```
pub fn zeros(len: usize) -> Vec<f64> {
    let mut values = vec![0.0; len];
    large_pages(&mut values);
    values
}

/// Asks the system for large pages for what will be written for the first time. What is there stays.
pub fn large_pages<T>(values: &mut [T]) {
    #[cfg(target_os = "linux")]
    if size_of_val(values) >= LARGE {
        unsafe extern "C" {
            fn madvise(start: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
        }
        const HUGEPAGE: i32 = 14;
        let bytes = values.as_mut_ptr().cast::<u8>();
        let before = bytes.align_offset(PAGE);
        let length = size_of_val(values).saturating_sub(before) / PAGE * PAGE;
        // SAFETY: whole pages of memory that is borrowed for writing; the advice changes nothing that can be read, and a system
        // that does not take it says so, which is no matter
        unsafe {
            madvise(
                bytes.add(before.min(size_of_val(values))).cast(),
                length,
                HUGEPAGE,
            )
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (values, LARGE, PAGE);
}
