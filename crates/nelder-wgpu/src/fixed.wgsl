// Sums of products in units that all of their terms share: limbs of 28 bits, so that products of limbs add up in 64 bits
// without a look at exponents.

// |x| = (l.x 2^-28 + l.y 2^-56 + l.z 2^-84) 2^(-28 q), in units of the power of two above the column's largest number
struct Limbs {
    l: vec3<i32>,
    q: u32,
    // places from the top down to the leading bit
    s: u32,
}

const LIMB: u32 = 0xfffffffu;
// from here on a number is nothing
const MOST_PLACES: u32 = 5u;

// field is that of the column's largest number, 200 and more: zeros are far below the last limb
fn limbs_of(x: Double, field: u32) -> Limbs {
    let s = field - ((x.y >> 20u) & 0x7ffu);
    // s / 28
    let q = (s * 2341u) >> 16u;
    let t = s - 28u * q;
    let high = (x.y & 0xfffffu) | 0x100000u;
    let upper = (high << 7u) | (x.x >> 25u);
    let lower = (x.x << 3u) & LIMB;
    let l = vec3<u32>(upper >> t, ((upper << (28u - t)) & LIMB) | (lower >> t), (lower << (28u - t)) & LIMB);
    return Limbs(vec3<i32>(l), min(q, MOST_PLACES), s);
}

// a sum of products of limbs by places, from the top; first is what is carried out of the place 0
struct Places {
    first: Long,
    a: Long,
    b: Long,
    c: Long,
    d: Long,
    e: Long,
}

fn no_places() -> Places {
    return Places(NO_LONG, NO_LONG, NO_LONG, NO_LONG, NO_LONG, NO_LONG);
}

// how many products may be added until places are carried: 3 . 32 . 2^56 < 2^63
const TERMS: u32 = 32u;

fn carried(p: Places) -> Places {
    let d = plus(p.d, above(p.e));
    let c = plus(p.c, above(d));
    let b = plus(p.b, above(c));
    let a = plus(p.a, above(b));
    return Places(plus(p.first, above(a)), below(a), below(b), below(c), below(d), below(p.e));
}

fn places_plus(p: Places, q: Places) -> Places {
    return Places(
        plus(p.first, q.first), plus(p.a, q.a), plus(p.b, q.b), plus(p.c, q.c), plus(p.d, q.d), plus(p.e, q.e),
    );
}

// what carried places stand for, in units of 2^(unit - 168)
fn wide_of_places(p: Places, unit: i32) -> Wide {
    let t = words_of(p.first);
    let a = words_of(p.a).x;
    let b = words_of(p.b).x;
    let c = words_of(p.c).x;
    let d = words_of(p.d).x;
    let e = words_of(p.e).x;
    var low = vec4<u32>(e | (d << 28u), (d >> 4u) | (c << 24u), (c >> 8u) | (b << 20u), (b >> 12u) | (a << 16u));
    var high = vec4<u32>((a >> 16u) | (t.x << 12u), (t.x >> 20u) | (t.y << 12u), u32(i32(t.y) >> 20u), 0u);
    let s = t.y >> 31u;
    if (s == 1u) {
        let turned = add128(~low, vec4<u32>(1u, 0u, 0u, 0u));
        low = turned.m;
        high = add128(vec4<u32>(~high.xyz, 0u), vec4<u32>(turned.carry, 0u, 0u, 0u)).m;
        high.w = 0u;
    }
    return wide_add(normalised(high, unit + 88, s), normalised(low, unit - 40, s));
}

// with the product of x, without its q, and a number of five limbs; what is below the last place is dropped
fn added(p: Places, l: vec3<i32>, c0: i32, c1: i32, c2: i32, c3: i32, c4: i32) -> Places {
    return Places(
        p.first,
        mad(p.a, l.x, c0),
        mad(mad(p.b, l.x, c1), l.y, c0),
        mad(mad(mad(p.c, l.x, c2), l.y, c1), l.z, c0),
        mad(mad(mad(p.d, l.x, c3), l.y, c2), l.z, c1),
        mad(mad(mad(p.e, l.x, c4), l.y, c3), l.z, c2),
    );
}

// places down to a term that is not there
const NEVER: u32 = 4096u;
// places from the unit down to the largest term, where limbs still hold sums to 2^-112 of that
const FAR: u32 = 24u;
