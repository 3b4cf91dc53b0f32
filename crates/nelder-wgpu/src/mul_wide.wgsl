// 32 x 32 bits in 64: by halves
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let ll = al * bl;
    let lh = al * bh;
    let hl = ah * bl;
    let middle = (ll >> 16u) + (lh & 0xffffu) + (hl & 0xffffu);
    return vec2<u32>(
        (ll & 0xffffu) | (middle << 16u),
        ah * bh + (lh >> 16u) + (hl >> 16u) + (middle >> 16u),
    );
}

// whole numbers of 64 bits, negative ones as two's complements: low word, high word
alias Long = vec2<u32>;

const NO_LONG: Long = Long(0u, 0u);

fn plus(a: Long, b: Long) -> Long {
    let x = a.x + b.x;
    return Long(x, a.y + b.y + u32(x < a.x));
}

// sum + a b
fn mad(sum: Long, a: i32, b: i32) -> Long {
    let p = mul_wide(u32(a), u32(b));
    return plus(sum, Long(p.x, p.y - select(0u, u32(b), a < 0) - select(0u, u32(a), b < 0)));
}

// the whole number below a / 2^28, and what it leaves over
fn above(a: Long) -> Long {
    return Long((a.x >> 28u) | (a.y << 4u), u32(i32(a.y) >> 28u));
}

fn below(a: Long) -> Long {
    return Long(a.x & 0xfffffffu, 0u);
}

fn words_of(a: Long) -> vec2<u32> {
    return a;
}
