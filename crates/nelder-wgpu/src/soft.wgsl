// IEEE binary64 in 32-bit integers: rounded to the nearest, ties to even; subnormal numbers, infinities, NaN, signed
// zeros. Intermediate results are Wide: 128 bits of mantissa, so that the product of two doubles is exact, and a sum of
// such products and doubles is rounded once.

// low word, high word
alias Double = vec2<u32>;

// (m / 2^128) 2^e, negative where s is 1; the top bit of m is set, or m is 0. Words of m: x is the lowest.
struct Wide {
    m: vec4<u32>,
    e: i32,
    s: u32,
}

const INFINITE: i32 = 0x40000000;
const NOT_A_NUMBER: i32 = 0x40000001;
const NOTHING: i32 = -0x40000000;

struct Carried {
    m: vec4<u32>,
    carry: u32,
}

fn add128(a: vec4<u32>, b: vec4<u32>) -> Carried {
    let x = a.x + b.x;
    let c0 = u32(x < a.x);
    let y0 = a.y + b.y;
    let y = y0 + c0;
    let c1 = u32(y0 < a.y) + u32(y < y0);
    let z0 = a.z + b.z;
    let z = z0 + c1;
    let c2 = u32(z0 < a.z) + u32(z < z0);
    let w0 = a.w + b.w;
    let w = w0 + c2;
    return Carried(vec4<u32>(x, y, z, w), u32(w0 < a.w) + u32(w < w0));
}

// a - b for a >= b
fn sub128(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let x = a.x - b.x;
    let c0 = u32(a.x < b.x);
    let y0 = a.y - b.y;
    let y = y0 - c0;
    let c1 = u32(a.y < b.y) + u32(y0 < c0);
    let z0 = a.z - b.z;
    let z = z0 - c1;
    let c2 = u32(a.z < b.z) + u32(z0 < c1);
    return vec4<u32>(x, y, z, a.w - b.w - c2);
}

fn less128(a: vec4<u32>, b: vec4<u32>) -> bool {
    if (a.w != b.w) { return a.w < b.w; }
    if (a.z != b.z) { return a.z < b.z; }
    if (a.y != b.y) { return a.y < b.y; }
    return a.x < b.x;
}

fn is_zero128(m: vec4<u32>) -> bool {
    return (m.x | m.y | m.z | m.w) == 0u;
}

// what is shifted out sets the lowest bit
fn shifted_right(m: vec4<u32>, d: u32) -> vec4<u32> {
    if (d >= 128u) {
        return vec4<u32>(u32(!is_zero128(m)), 0u, 0u, 0u);
    }
    var t = m;
    var lost = 0u;
    if ((d & 64u) != 0u) {
        lost = t.x | t.y;
        t = vec4<u32>(t.z, t.w, 0u, 0u);
    }
    if ((d & 32u) != 0u) {
        lost |= t.x;
        t = vec4<u32>(t.y, t.z, t.w, 0u);
    }
    let s = d & 31u;
    let r = 31u - s;
    lost |= (t.x << 1u) << r;
    t = vec4<u32>(
        (t.x >> s) | ((t.y << 1u) << r),
        (t.y >> s) | ((t.z << 1u) << r),
        (t.z >> s) | ((t.w << 1u) << r),
        t.w >> s,
    );
    t.x |= u32(lost != 0u);
    return t;
}

fn normalised(m: vec4<u32>, e: i32, s: u32) -> Wide {
    var t = m;
    var k = e;
    if ((t.w | t.z) == 0u) {
        t = vec4<u32>(0u, 0u, t.x, t.y);
        k -= 64;
    }
    if (t.w == 0u) {
        t = vec4<u32>(0u, t.x, t.y, t.z);
        k -= 32;
    }
    if (t.w == 0u) {
        return Wide(vec4<u32>(0u), NOTHING, s);
    }
    let n = countLeadingZeros(t.w);
    let r = 31u - n;
    t = vec4<u32>(
        t.x << n,
        (t.y << n) | ((t.x >> 1u) >> r),
        (t.z << n) | ((t.y >> 1u) >> r),
        (t.w << n) | ((t.z >> 1u) >> r),
    );
    return Wide(t, k - i32(n), s);
}

fn wide_zero() -> Wide {
    return Wide(vec4<u32>(0u), NOTHING, 0u);
}

fn wide_of(d: Double) -> Wide {
    let field = i32((d.y >> 20u) & 0x7ffu);
    let s = d.y >> 31u;
    let high = d.y & 0xfffffu;
    if (field == 0x7ff) {
        let kind = select(INFINITE, NOT_A_NUMBER, (high | d.x) != 0u);
        return Wide(vec4<u32>(0u, 0u, 0u, 0x80000000u), kind, s);
    }
    let top = (high << 11u) | (d.x >> 21u);
    if (field == 0) {
        return normalised(vec4<u32>(0u, 0u, d.x << 11u, top), -1021, s);
    }
    return Wide(vec4<u32>(0u, 0u, d.x << 11u, top | 0x80000000u), field - 1022, s);
}

fn negated(w: Wide) -> Wide {
    return Wide(w.m, w.e, w.s ^ 1u);
}

// the exact product of the leading halves, which hold all bits of doubles
fn wide_times(a: Wide, b: Wide) -> Wide {
    let s = a.s ^ b.s;
    if (a.e >= INFINITE || b.e >= INFINITE) {
        let none = is_zero128(a.m) || is_zero128(b.m) || a.e == NOT_A_NUMBER || b.e == NOT_A_NUMBER;
        return Wide(vec4<u32>(0u, 0u, 0u, 0x80000000u), select(INFINITE, NOT_A_NUMBER, none), s);
    }
    if (a.m.w == 0u || b.m.w == 0u) {
        return Wide(vec4<u32>(0u), NOTHING, s);
    }
    let ll = mul_wide(a.m.z, b.m.z);
    let lh = mul_wide(a.m.z, b.m.w);
    let hl = mul_wide(a.m.w, b.m.z);
    let hh = mul_wide(a.m.w, b.m.w);
    let first = add128(vec4<u32>(ll, hh), vec4<u32>(0u, lh, 0u));
    let m = add128(first.m, vec4<u32>(0u, hl, 0u)).m;
    return one_left(m, a.e + b.e, s);
}

// the top bit is set after a shift by one at most
fn one_left(m: vec4<u32>, e: i32, s: u32) -> Wide {
    if ((m.w & 0x80000000u) != 0u) {
        return Wide(m, e, s);
    }
    let t = vec4<u32>(
        m.x << 1u,
        (m.y << 1u) | (m.x >> 31u),
        (m.z << 1u) | (m.y >> 31u),
        (m.w << 1u) | (m.z >> 31u),
    );
    return Wide(t, e - 1, s);
}

fn wide_product(a: Double, b: Double) -> Wide {
    return wide_times(wide_of(a), wide_of(b));
}

// 128 bits times a double: all but the last bits are right
fn wide_scaled(a: Wide, d: Double) -> Wide {
    let b = wide_of(d);
    let s = a.s ^ b.s;
    if (a.e >= INFINITE || b.e >= INFINITE || a.m.w == 0u || b.m.w == 0u) {
        return wide_times(a, b);
    }
    let upper = wide_times(Wide(vec4<u32>(0u, 0u, a.m.z, a.m.w), a.e, a.s), b);
    if ((a.m.x | a.m.y) == 0u) {
        return upper;
    }
    let lower = wide_times(normalised(vec4<u32>(0u, 0u, a.m.x, a.m.y), a.e - 64, a.s), b);
    return wide_add(upper, lower);
}

// the smaller one loses what is 2^-127 of the larger; a lost part keeps the lowest bit set
fn wide_add(a: Wide, b: Wide) -> Wide {
    if (a.e >= INFINITE || b.e >= INFINITE) {
        let both = a.e == INFINITE && b.e == INFINITE && a.s != b.s;
        let none = a.e == NOT_A_NUMBER || b.e == NOT_A_NUMBER || both;
        let s = select(b.s, a.s, a.e >= INFINITE);
        return Wide(vec4<u32>(0u, 0u, 0u, 0x80000000u), select(INFINITE, NOT_A_NUMBER, none), s);
    }
    var x = a;
    var y = b;
    if (b.e > a.e || (b.e == a.e && less128(a.m, b.m))) {
        x = b;
        y = a;
    }
    let m = shifted_right(y.m, u32(x.e - y.e));
    if (a.s == b.s) {
        let sum = add128(x.m, m);
        if (sum.carry == 0u) {
            return Wide(sum.m, x.e, x.s);
        }
        let t = shifted_right(sum.m, 1u);
        return Wide(vec4<u32>(t.x, t.y, t.z, t.w | 0x80000000u), x.e + 1, x.s);
    }
    let difference = sub128(x.m, m);
    if (is_zero128(difference)) {
        return wide_zero();
    }
    return normalised(difference, x.e, x.s);
}

const NAN: Double = Double(0u, 0x7ff80000u);

fn rounded(w: Wide) -> Double {
    let sign = w.s << 31u;
    if (w.e >= INFINITE) {
        return select(Double(0u, sign | 0x7ff00000u), NAN, w.e == NOT_A_NUMBER);
    }
    var m = w.m;
    var field = w.e + 1022;
    if (field <= 0) {
        m = shifted_right(m, u32(1 - field));
        field = 1;
    }
    if (field >= 0x7ff) {
        return Double(0u, sign | 0x7ff00000u);
    }
    let low = (m.w << 21u) | (m.z >> 11u);
    let half = (m.z >> 10u) & 1u;
    let rest = u32(((m.z & 0x3ffu) | m.y | m.x) != 0u);
    let up = half & (rest | (low & 1u));
    let x = low + up;
    // the leading bit, which is not kept, adds to the exponent
    let y = (m.w >> 11u) + (u32(field - 1) << 20u) + u32(x < low);
    return Double(x, y | sign);
}

// v 2^e, v a two's complement, as two doubles
fn two_doubles(v: vec4<u32>, e: i32) -> vec4<u32> {
    let s = v.w >> 31u;
    let m = select(v, add128(~v, vec4<u32>(1u, 0u, 0u, 0u)).m, s == 1u);
    let w = normalised(m, e + 128, s);
    let first = rounded(w);
    return vec4<u32>(first, rounded(wide_add(w, negated(wide_of(first)))));
}

fn turned(d: Double) -> Double {
    return Double(d.x, d.y ^ 0x80000000u);
}

fn size(d: Double) -> Double {
    return Double(d.x, d.y & 0x7fffffffu);
}

fn is_nan(d: Double) -> bool {
    let high = d.y & 0x7fffffffu;
    return high > 0x7ff00000u || (high == 0x7ff00000u && d.x != 0u);
}

fn add(a: Double, b: Double) -> Double {
    return rounded(wide_add(wide_of(a), wide_of(b)));
}

fn mul(a: Double, b: Double) -> Double {
    return rounded(wide_product(a, b));
}

fn fma(a: Double, b: Double, c: Double) -> Double {
    return rounded(wide_add(wide_product(a, b), wide_of(c)));
}

fn less64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn divided(a: Double, b: Double) -> Double {
    let x = wide_of(a);
    let y = wide_of(b);
    let s = x.s ^ y.s;
    if (x.e == NOT_A_NUMBER || y.e == NOT_A_NUMBER) {
        return NAN;
    }
    let none = x.m.w == 0u;
    let zero = y.m.w == 0u;
    if ((none && zero) || (x.e == INFINITE && y.e == INFINITE)) {
        return NAN;
    }
    if (zero || x.e == INFINITE) {
        return Double(0u, (s << 31u) | 0x7ff00000u);
    }
    if (none || y.e == INFINITE) {
        return Double(0u, s << 31u);
    }
    // long division of mantissas of 53 bits
    var rest = vec2<u32>((x.m.w << 21u) | (x.m.z >> 11u), x.m.w >> 11u);
    let by = vec2<u32>((y.m.w << 21u) | (y.m.z >> 11u), y.m.w >> 11u);
    var q = vec2<u32>(0u);
    for (var i = 0u; i < 64u; i++) {
        q = vec2<u32>(q.x << 1u, (q.y << 1u) | (q.x >> 31u));
        if (!less64(rest, by)) {
            rest = sub64(rest, by);
            q.x |= 1u;
        }
        rest = vec2<u32>(rest.x << 1u, (rest.y << 1u) | (rest.x >> 31u));
    }
    let more = u32((rest.x | rest.y) != 0u);
    return rounded(one_left(vec4<u32>(more, 0u, q.x, q.y), x.e - y.e + 1, s));
}

fn root(a: Double) -> Double {
    let x = wide_of(a);
    if (x.m.w == 0u) {
        return a;
    }
    if (x.s == 1u || x.e == NOT_A_NUMBER) {
        return NAN;
    }
    if (x.e == INFINITE) {
        return a;
    }
    // m 2^e with even e; two bits of m at a time
    let odd = u32(x.e & 1);
    var m = vec2<u32>(x.m.z, x.m.w);
    if (odd == 1u) {
        m = vec2<u32>((m.x >> 1u) | (m.y << 31u), m.y >> 1u);
    }
    let e = (x.e + i32(odd)) / 2;
    var rest = vec2<u32>(0u);
    var found = vec2<u32>(0u);
    for (var i = 0u; i < 56u; i++) {
        rest = vec2<u32>((rest.x << 2u) | (m.y >> 30u), (rest.y << 2u) | (rest.x >> 30u));
        m = vec2<u32>(m.x << 2u, (m.y << 2u) | (m.x >> 30u));
        let trial = vec2<u32>((found.x << 2u) | 1u, (found.y << 2u) | (found.x >> 30u));
        found = vec2<u32>(found.x << 1u, (found.y << 1u) | (found.x >> 31u));
        if (!less64(rest, trial)) {
            rest = sub64(rest, trial);
            found.x |= 1u;
        }
    }
    let more = u32((rest.x | rest.y) != 0u);
    // 56 bits to the top of 64
    let t = vec2<u32>(found.x << 8u, (found.y << 8u) | (found.x >> 24u));
    return rounded(one_left(vec4<u32>(more, 0u, t.x, t.y), e, 0u));
}

// of numbers
fn less(a: Double, b: Double) -> bool {
    if (is_nan(a) || is_nan(b)) { return false; }
    let p = size(a);
    let q = size(b);
    if ((p.x | p.y | q.x | q.y) == 0u) { return false; }
    let negative = (a.y >> 31u) == 1u;
    if (negative != ((b.y >> 31u) == 1u)) { return negative; }
    return select(less64(p, q), less64(q, p), negative);
}

fn equal(a: Double, b: Double) -> bool {
    if (is_nan(a) || is_nan(b)) { return false; }
    return all(a == b) || ((a.x | b.x) == 0u && ((a.y | b.y) & 0x7fffffffu) == 0u);
}

// what is behind the point taken off; the exponent says how many bits of the mantissa that is
fn truncated(a: Double) -> Double {
    let e = i32((a.y >> 20u) & 0x7ffu) - 1023;
    if (e < 0) { return Double(0u, a.y & 0x80000000u); }
    if (e >= 52) { return a; }
    if (e >= 20) { return Double(a.x & ~(0xffffffffu >> u32(e - 20)), a.y); }
    return Double(0u, a.y & ~(0xfffffu >> u32(e)));
}

const ONE: Double = Double(0u, 0x3ff00000u);

fn floored(a: Double) -> Double {
    let t = truncated(a);
    if (less(a, t)) { return add(t, Double(0u, 0xbff00000u)); }
    return t;
}

fn nearest(a: Double) -> Double {
    let e = i32((a.y >> 20u) & 0x7ffu) - 1023;
    if (e >= 52) { return a; }
    // adding and taking off 2^52 rounds to even
    let sign = a.y & 0x80000000u;
    let shift = Double(0u, 0x43300000u | sign);
    let t = add(add(a, shift), turned(shift));
    return Double(t.x, (t.y & 0x7fffffffu) | sign);
}
