// 32 x 32 bits in 64
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let p = u64(a) * u64(b);
    return vec2<u32>(u32(p & 0xfffffffflu), u32(p >> 32u));
}

// whole numbers of 64 bits
alias Long = i64;

const NO_LONG: Long = 0li;

fn plus(a: Long, b: Long) -> Long {
    return a + b;
}

// sum + a b
fn mad(sum: Long, a: i32, b: i32) -> Long {
    return sum + i64(a) * i64(b);
}

// the whole number below a / 2^28, and what it leaves over
fn above(a: Long) -> Long {
    return a >> 28u;
}

fn below(a: Long) -> Long {
    return a & 0xfffffffli;
}

fn words_of(a: Long) -> vec2<u32> {
    let u = u64(a);
    return vec2<u32>(u32(u & 0xfffffffflu), u32(u >> 32u));
}
