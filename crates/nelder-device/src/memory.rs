//! Memory for many numbers.

use std::sync::OnceLock;

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
        let bytes = values.as_mut_ptr().cast::<u8>();
        let before = bytes.align_offset(PAGE);
        let length = size_of_val(values).saturating_sub(before) / PAGE * PAGE;
        // SAFETY: whole pages of memory that is borrowed for writing; the advice changes nothing that can be read, and a system
        // that does not take it says so, which is no matter
        unsafe {
            libc::madvise(
                bytes.add(before.min(size_of_val(values))).cast(),
                length,
                libc::MADV_HUGEPAGE,
            )
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (values, LARGE, PAGE);
}

/// Bytes of memory that this process may use: the machine's, or less where a control group says so; `None` where the system does not say.
pub fn machine_memory() -> Option<u64> {
    static KNOWN: OnceLock<Option<u64>> = OnceLock::new();
    *KNOWN.get_or_init(|| [physical(), allowed()].into_iter().flatten().min())
}

/// Bytes of the machine's memory.
#[cfg(unix)]
fn physical() -> Option<u64> {
    // SAFETY: it reads two numbers of the system; -1 says that it has none
    let (pages, size) = unsafe {
        (
            libc::sysconf(libc::_SC_PHYS_PAGES),
            libc::sysconf(libc::_SC_PAGESIZE),
        )
    };
    Some(u64::try_from(pages).ok()? * u64::try_from(size).ok()?)
}

#[cfg(not(unix))]
fn physical() -> Option<u64> {
    None
}

/// Bytes that the control groups of this process allow, those of Linux.
fn allowed() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let number = |path: String| -> Option<u64> { std::fs::read_to_string(path).ok()?.trim().parse().ok() };
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (kind, path) = (parts.next()?, parts.next()?);
        match kind {
            "" => number(format!("/sys/fs/cgroup{path}/memory.max"))
                .or_else(|| number("/sys/fs/cgroup/memory.max".into())),
            "memory" => number(format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"))
                .or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes".into())),
            _ => None,
        }
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn there_is_memory() {
        let bytes = machine_memory().expect("the system says it");
        assert!((1 << 26..1 << 50).contains(&bytes), "{bytes}");
    }
}
