//! Inputs, and the distance between two results.

/// The distance of two numbers in units in the last place of the larger, counted over the floating-point numbers between
/// them; 0 for two `NaN`s, infinite for one.
///
/// ```
/// use nelder_conformance::ulps;
/// assert_eq!(ulps(1.0, 1.0 + f64::EPSILON), 1.0);
/// assert_eq!(ulps(f64::NAN, f64::NAN), 0.0);
/// assert!(ulps(f64::NAN, 1.0).is_infinite());
/// ```
pub fn ulps(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if a == b {
        return 0.0;
    }
    if a.is_infinite() || b.is_infinite() {
        return f64::INFINITY;
    }
    let place = |v: f64| {
        let bits = v.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    (i128::from(place(a)) - i128::from(place(b))).unsigned_abs() as f64
}

/// Pseudo-random numbers, the same everywhere (SplitMix64, Steele, Lea & Flood 2014).
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between -1 and 1.
    pub fn signed(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }

    /// Of either sign and any size between 1e-`decades` and 1e`decades`.
    pub fn sized(&mut self, decades: f64) -> f64 {
        let size = 10f64.powf(decades * self.signed());
        if self.uniform() < 0.5 { -size } else { size }
    }
}

/// Numbers at which implementations part.
pub const EXTREME: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    0.1,
    3.0,
    -7.5,
    10.0,
    1e-300,
    -1e-300,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1e-17,
    -1e-17,
    1e-8,
    700.0,
    -700.0,
    709.78,
    -745.1,
    750.0,
    1e15,
    4503599627370496.5,
    9007199254740993.0,
    1e300,
    -1e300,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];
