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
