//! Test of a device's arithmetic: its results must be the CPU's, bit by bit.

use nelder_device::DeviceError;

use crate::device::Wgpu;

const PROBE: &str = include_str!("probe.wgsl");

/// Numbers at which implementations part.
const EXTREME: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    -2.5,
    3.0,
    0.1,
    1e-300,
    -1e-300,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    2.225073858507201e-308,
    1e-17,
    4503599627370495.5,
    9007199254740993.0,
    1e300,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Pairs and triples of extreme numbers, and `more` of random bits (SplitMix64) and of alike exponents.
pub(crate) fn triples(more: usize) -> Vec<[f64; 3]> {
    let mut all = Vec::new();
    for (i, &a) in EXTREME.iter().enumerate() {
        for (j, &b) in EXTREME.iter().enumerate() {
            for k in [1, 5, 11] {
                all.push([a, b, EXTREME[(i + k * j) % EXTREME.len()]]);
            }
        }
    }
    let mut state = 7u64;
    let mut bits = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    for i in 0..more {
        let raw = [bits(), bits(), bits()];
        all.push(match i % 4 {
            0 => raw.map(f64::from_bits),
            // near one another
            1 => raw.map(|r| f64::from_bits((r & 0x807f_ffff_ffff_ffff) | 0x3fc0_0000_0000_0000)),
            // few bits, so that ties occur
            2 => raw.map(|r| f64::from_bits((r & 0x80ff_ffff_f000_0000) | 0x3f00_0000_0000_0000)),
            // a product that all but cancels
            _ => {
                let of = |r: u64| f64::from_bits((r & 0x800f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
                let (a, b) = (of(raw[0]), of(raw[1]));
                [a, b, -(a * b)]
            }
        });
    }
    all
}

/// Bits of the CPU's results, in the kernel's order.
fn expected([a, b, c]: [f64; 3]) -> [u64; 8] {
    let of = |v: f64| v.to_bits();
    [
        of(a + b),
        of(a * b),
        of(a.mul_add(b, c)),
        of(a / b),
        of(a.sqrt()),
        u64::from(a < b) | u64::from(a == b) << 32,
        of(a.floor()),
        of(a.round_ties_even()),
    ]
}

const NAMES: [&str; 8] = [
    "a + b",
    "a b",
    "a b + c",
    "a / b",
    "the root of a",
    "a < b",
    "the whole number below a",
    "the whole number nearest to a",
];

/// Compares bit by bit.
pub(crate) fn compare(device: &Wgpu, triples: &[[f64; 3]]) -> Result<(), DeviceError> {
    let n = triples.len();
    let columns: Vec<Vec<f64>> = (0..3).map(|k| triples.iter().map(|t| t[k]).collect()).collect();
    let given = device.written(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    let found = device.pooled_buffer(8 * 8 * n as u64)?;
    let span = device.span("numbers", &given, 0, 3 * n)?;
    let bound = [(1, span.bind), (2, device.whole(&found))];
    device.dispatch(PROBE, "probe", &[n as u32], &bound, [n.div_ceil(64), 1, 1])?;
    let words = device.read_words(&found, 16 * n)?;
    for (i, &triple) in triples.iter().enumerate() {
        for (k, want) in expected(triple).into_iter().enumerate() {
            let at = 2 * (k * n + i);
            let have = u64::from(words[at]) | u64::from(words[at + 1]) << 32;
            let nan = |bits: u64| k != 5 && f64::from_bits(bits).is_nan();
            if have != want && !(nan(have) && nan(want)) {
                let [a, b, c] = triple;
                return Err(device.failed(format!(
                    "its arithmetic is not the CPU's: {} for a = {a:e}, b = {b:e}, c = {c:e} has the bits {have:016x} and not {want:016x}",
                    NAMES[k]
                )));
            }
        }
    }
    Ok(())
}

/// A few thousand triples: what a device must pass before it is used.
pub(crate) fn check(device: &Wgpu) -> Result<(), DeviceError> {
    compare(device, &triples(4000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_that_of_the_cpu() {
        let Some(device) = crate::device::tests::opened() else {
            return;
        };
        compare(&device, &triples(1 << 20)).unwrap();
    }
}
