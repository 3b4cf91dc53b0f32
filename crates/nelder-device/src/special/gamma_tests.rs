//! Exact values from 60 digit arithmetic (mpmath 1.4).

use super::*;

/// The largest error, relative to the larger of the value and `floor`, in ulps of one.
fn worst(f: fn(f64) -> f64, table: &[(f64, f64)], floor: f64) -> f64 {
    let error = |&(x, exact): &(f64, f64)| match f(x) {
        v if v == exact => 0.0,
        v => (v - exact).abs() / exact.abs().max(floor) / f64::EPSILON,
    };
    table
        .iter()
        .map(error)
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}

const DIGAMMA: &[(f64, f64)] = &[
    (1e-300, -9.9999999999999997494e+299),
    (1e-20, -1.0000000000000000549e+20),
    (1e-8, -1.0000000057721564636e+8),
    (0.001, -1.0005755719318102797e+3),
    (0.1, -1.0423754940411076232e+1),
    (0.5, -1.9635100260214234794),
    (0.9999999999999999, -5.7721566490153304323e-1),
    (1.0, -5.7721566490153286061e-1),
    (1.25, -2.2745353337626540809e-1),
    (1.4616321449683623, -9.2412655217294275168e-17),
    (1.5, 3.6489973978576520559e-2),
    (2.0, 4.2278433509846713939e-1),
    (2.75, 8.1890102497543259228e-1),
    (3.0, 9.2278433509846713939e-1),
    (5.5, 1.6110931485817511237),
    (9.9999, 2.2517420723779034021),
    (10.0, 2.2517525890667211076),
    (12.3, 2.4683984003011382903),
    (50.0, 3.901989673427892197),
    (1000.0, 6.9072551956488120521),
    (1e10, 2.302585092989045684e+1),
    (1e100, 2.3025850929940456842e+2),
    (1e300, 6.9077552789821370526e+2),
];

const TRIGAMMA: &[(f64, f64)] = &[
    (1e-300, f64::INFINITY),
    (1e-20, 1.0000000000000001097e+40),
    (1e-8, 1.0000000000000001226e+16),
    (0.001, 1.0000016425331958273e+6),
    (0.1, 1.014332991507927477e+2),
    (0.5, 4.9348022005446793094),
    (0.9999999999999999, 1.6449340668482267034),
    (1.0, 1.6449340668482264365),
    (1.25, 1.1973291545071107393),
    (1.4616321449683623, 9.67672245447621255e-1),
    (1.5, 9.3480220054467930942e-1),
    (2.0, 6.4493406684822643647e-1),
    (2.75, 4.3757125764893076144e-1),
    (3.0, 3.9493406684822643647e-1),
    (5.5, 1.9934238698962765913e-1),
    (9.9999, 1.0516744067678245193e-1),
    (10.0, 1.0516633568168574612e-1),
    (12.3, 8.4695170245916402199e-2),
    (50.0, 2.0201333226697125806e-2),
    (1000.0, 1.0005001666666333334e-3),
    (1e10, 1.00000000005e-10),
    (1e100, 9.999999999999999841e-101),
    (1e300, 9.999999999999999475e-301),
];

const LN_GAMMA: &[(f64, f64)] = &[
    (1e-300, 6.9077552789821370518e+2),
    (1e-20, 4.6051701859880913735e+1),
    (1e-8, 1.8420680738180208884e+1),
    (0.001, 6.9071788853838536617),
    (0.1, 2.252712651734205902),
    (0.5, 5.7236494292470008707e-1),
    (0.9999999999999999, 6.4083812134800072426e-17),
    (1.0, 0.0),
    (1.25, -9.8271836421813161464e-2),
    (1.4616321449683623, -1.214862905358496081e-1),
    (1.5, -1.2078223763524522235e-1),
    (2.0, 0.0),
    (2.75, 4.7521466691493713031e-1),
    (3.0, std::f64::consts::LN_2),
    (5.5, 3.9578139676187162939),
    (9.9999, 1.2801602305348396984e+1),
    (10.0, 1.2801827480081469611e+1),
    (12.3, 1.8238983407092243696e+1),
    (50.0, 1.4456574394634488601e+2),
    (1000.0, 5.9052204232091812118e+3),
    (1e10, 2.2025850928881058147e+11),
    (1e100, 2.2925850929940457206e+102),
    (1e300, 6.8977552789821374147e+302),
];

const STIRLING: &[(f64, f64)] = &[
    (1e-300, 3.4446882541590217985e+2),
    (1e-10, 1.0593986934110419187e+1),
    (0.01, 1.4340079537031842008),
    (0.3, 2.3606490074821558839e-1),
    (0.5, 1.5342640972002734529e-1),
    (0.75, 1.0626293633956786156e-1),
    (1.0, 8.106146679532725822e-2),
    (1.5, 5.4814121051917653896e-2),
    (2.0, 4.1340695955409294094e-2),
    (3.3, 2.5177132967245103416e-2),
    (5.5, 1.5134973221917378874e-2),
    (7.0, 1.1896709945891770095e-2),
    (11.0, 7.573675487951840795e-3),
    (11.9, 7.0011560515342099417e-3),
    (12.0, 6.9428401072095298657e-3),
    (30.0, 2.7776749297526936036e-3),
    (1e6, 8.3333333333330555556e-8),
];

#[test]
fn derivatives_hold_from_tiny_to_huge() {
    // four roundings: logarithm, its difference from the sum, the sum's reciprocals, the rest
    assert!(
        worst(digamma, DIGAMMA, 1.0) <= 4.0,
        "{}",
        worst(digamma, DIGAMMA, 1.0)
    );
    assert!(
        worst(trigamma, TRIGAMMA, 1.0) <= 4.0,
        "{}",
        worst(trigamma, TRIGAMMA, 1.0)
    );
    assert_eq!(
        (digamma(f64::INFINITY), trigamma(f64::INFINITY)),
        (f64::INFINITY, 0.0)
    );
    assert_eq!(
        (digamma(5e-324), trigamma(5e-324)),
        (f64::NEG_INFINITY, f64::INFINITY)
    );
    for x in [0.0, -0.5, f64::NEG_INFINITY, f64::NAN] {
        assert!(digamma(x).is_nan() && trigamma(x).is_nan());
    }
}

#[test]
fn derivatives_keep_their_recurrences() {
    for i in 1..2000 {
        let x = f64::from(i) * 0.0123;
        let (first, second) = (digamma(x + 1.0) - digamma(x), trigamma(x) - trigamma(x + 1.0));
        let scale = digamma(x).abs().max(digamma(x + 1.0).abs()).max(1.0);
        assert!((first - 1.0 / x).abs() <= 8.0 * f64::EPSILON * scale, "{x}");
        let scale = trigamma(x).max(1.0);
        assert!(
            (second - 1.0 / (x * x)).abs() <= 8.0 * f64::EPSILON * scale,
            "{x}"
        );
    }
}

#[test]
fn ln_gamma_is_close_to_its_zeros_too() {
    assert!(
        worst(ln_gamma, LN_GAMMA, 0.0) <= 4.0,
        "{}",
        worst(ln_gamma, LN_GAMMA, 0.0)
    );
    assert_eq!(ln_gamma(0.0), f64::INFINITY);
    assert_eq!(ln_gamma(-3.0), f64::INFINITY);
    // Γ(-1/2) = -2 sqrt(π)
    let half = (2.0 * std::f64::consts::PI.sqrt()).ln();
    assert!((ln_gamma(-0.5) - half).abs() <= 2.0 * f64::EPSILON);
    assert!(ln_gamma(f64::NAN).is_nan());
}

#[test]
fn stirling_error_holds_from_small_to_large() {
    // twelve shifts, each rounded to an ulp of a term below one half
    assert!(
        worst(stirling_error, STIRLING, 1.0) <= 4.0,
        "{}",
        worst(stirling_error, STIRLING, 1.0)
    );
    assert!(worst(stirling_error, &STIRLING[12..], 0.0) <= 4.0);
    // the table continues the function
    for i in 1..12 {
        let (z, whole) = (f64::from(i) * (1.0 + f64::EPSILON), stirling_error(f64::from(i)));
        assert!((stirling_error(z) - whole).abs() <= 4.0 * f64::EPSILON, "{i}");
    }
    assert_eq!(stirling_error(0.0), f64::INFINITY);
    assert_eq!(stirling_error(f64::INFINITY), 0.0);
    assert!(stirling_error(-1.0).is_nan() && stirling_error(f64::NAN).is_nan());
}
