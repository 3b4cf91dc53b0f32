// Grams by digits: each column in units of 2^-54 of its largest power of two, seven digits of 8 bits a number, products
// of digits summed in integers. Digits s and t weigh 2^-8(s + t); products with s + t above 6 are below the last bit kept.

// largest and cut: rows; all columns; where the matrix begins; where the weights begin; flags; the first column of those
// that are seen; and of cut, the first row, the rows of this run, and words of a column of digits
// multiply: words of a group; columns; words of a column of digits; the first tile
// collect: entries; groups
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
@group(0) @binding(2) var<storage, read> roots: array<Double>;
@group(0) @binding(3) var<storage, read> centres: array<Double>;
// by column
@group(0) @binding(4) var<storage, read_write> exponents: array<atomic<i32>>;
@group(0) @binding(5) var<storage, read_write> digits: array<u32>;
@group(0) @binding(6) var<storage, read> powers: array<i32>;
@group(0) @binding(7) var<storage, read> packed: array<u32>;
@group(0) @binding(8) var<storage, read_write> partial: array<vec4<u32>>;
@group(0) @binding(9) var<storage, read_write> total: array<vec4<u32>>;

const WEIGHTED: u32 = 1u;
const CENTRED: u32 = 2u;

fn value(row: u32, column: u32) -> Wide {
    var v = wide_of(x[sizes[2] + column * sizes[0] + row]);
    if ((sizes[4] & CENTRED) != 0u) {
        v = wide_add(v, negated(wide_of(centres[sizes[5] + column])));
    }
    if ((sizes[4] & WEIGHTED) != 0u) {
        v = wide_scaled(v, roots[sizes[3] + row]);
    }
    return v;
}

@compute @workgroup_size(128)
fn largest(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var e = NOTHING;
    for (var row = at.x; row < sizes[0]; row += groups.x * 128u) {
        e = max(e, value(row, group.y).e);
    }
    atomicMax(&exponents[sizes[5] + group.y], e);
}

// four rows of a column: a word for each digit
@compute @workgroup_size(128)
fn cut(@builtin(global_invocation_id) at: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    let word = at.x;
    let words = sizes[8];
    if (word >= words) { return; }
    let column = group.y;
    let place = sizes[5] + column;
    let largest = powers[place];
    var out: array<u32, 7>;
    for (var s = 0u; s < 7u; s++) { out[s] = 0u; }
    for (var k = 0u; k < 4u; k++) {
        let row = 4u * word + k;
        var low = 0u;
        var high = 0u;
        if (row < sizes[7]) {
            let w = value(sizes[6] + row, column);
            // m 2^(e - 128) in units of 2^(largest - 54): the top 64 bits moved right by 10 and more
            let by = u32(largest - w.e) + 9u;
            if (w.m.w != 0u && by < 64u && largest < INFINITE) {
                // half a unit is added, and one place more moved
                var t = vec2<u32>(w.m.z, w.m.w);
                if (by >= 32u) { t = vec2<u32>(t.y, 0u); }
                let n = by & 31u;
                t = vec2<u32>((t.x >> n) | ((t.y << 1u) << (31u - n)), t.y >> n);
                let x = t.x + 1u;
                t = vec2<u32>(x, t.y + u32(x == 0u));
                t = vec2<u32>((t.x >> 1u) | (t.y << 31u), t.y >> 1u);
                if (w.s == 1u) { t = sub64(vec2<u32>(0u), t); }
                low = t.x;
                high = t.y;
            }
        }
        // all digits but the first from -128 to 127
        let x = low + 0x80808080u;
        high = high + 0x00008080u + u32(x < low);
        low = x ^ 0x80808080u;
        high = high ^ 0x00008080u;
        let shift = 8u * k;
        out[6] |= (low & 0xffu) << shift;
        out[5] |= ((low >> 8u) & 0xffu) << shift;
        out[4] |= ((low >> 16u) & 0xffu) << shift;
        out[3] |= (low >> 24u) << shift;
        out[2] |= (high & 0xffu) << shift;
        out[1] |= ((high >> 8u) & 0xffu) << shift;
        out[0] |= ((high >> 16u) & 0xffu) << shift;
    }
    for (var s = 0u; s < 7u; s++) {
        digits[(s * sizes[1] + place) * words + word] = out[s];
    }
}

const SIDE: u32 = 32u;
const DEEP: u32 = 8u;
// columns of the left and of the right, digit by digit
var<workgroup> left: array<u32, 1792>;
var<workgroup> right: array<u32, 1792>;

fn tile_of(index: u32) -> vec2<u32> {
    // index = i (i + 1) / 2 + j, j <= i
    var i = 0u;
    while ((i + 1u) * (i + 2u) / 2u <= index) { i++; }
    return vec2<u32>(i, index - i * (i + 1u) / 2u);
}

fn widened(v: i32, bytes: u32) -> vec4<u32> {
    let u = u32(v);
    let sign = u32(v >> 31u);
    // v 2^(8 bytes)
    let words = bytes >> 2u;
    let shift = 8u * (bytes & 3u);
    let high = select(u32(v >> (32u - shift)), sign, shift == 0u);
    let low = u << shift;
    if (words == 0u) { return vec4<u32>(low, high, sign, sign); }
    return vec4<u32>(0u, low, high, sign);
}

// a tile of pairs of columns over some of the rows of the run
@compute @workgroup_size(16, 16)
fn multiply(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) own: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let columns = sizes[1];
    let words = sizes[2];
    let tile = tile_of(sizes[3] + group.x);
    let first = group.y * sizes[0];
    let last = min(first + sizes[0], words);
    var a00: array<i32, 7>;
    var a01: array<i32, 7>;
    var a10: array<i32, 7>;
    var a11: array<i32, 7>;
    for (var s = 0u; s < 7u; s++) {
        a00[s] = 0;
        a01[s] = 0;
        a10[s] = 0;
        a11[s] = 0;
    }
    for (var begin = first; begin < last; begin += DEEP) {
        workgroupBarrier();
        for (var i = thread; i < 7u * SIDE * DEEP; i += 256u) {
            let deep = i % DEEP;
            let rest = i / DEEP;
            let column = rest % SIDE;
            let s = rest / SIDE;
            let inside = begin + deep < last;
            let c = tile.x * SIDE + column;
            let d = tile.y * SIDE + column;
            var l = 0u;
            var r = 0u;
            if (inside && c < columns) { l = packed[(s * columns + c) * words + begin + deep]; }
            if (inside && d < columns) { r = packed[(s * columns + d) * words + begin + deep]; }
            left[(s * DEEP + deep) * SIDE + column] = l;
            right[(s * DEEP + deep) * SIDE + column] = r;
        }
        workgroupBarrier();
        for (var deep = 0u; deep < DEEP; deep++) {
            var l0: array<u32, 7>;
            var l1: array<u32, 7>;
            for (var s = 0u; s < 7u; s++) {
                let at = (s * DEEP + deep) * SIDE;
                l0[s] = left[at + own.y];
                l1[s] = left[at + own.y + 16u];
            }
            PRODUCTS
        }
    }
    let count = columns * (columns + 1u) / 2u;
    for (var k = 0u; k < 4u; k++) {
        let i = tile.x * SIDE + own.y + 16u * (k >> 1u);
        let j = tile.y * SIDE + own.x + 16u * (k & 1u);
        if (i >= columns || j > i) { continue; }
        var sum = vec4<u32>(0u);
        for (var s = 0u; s < 7u; s++) {
            var v = a00[s];
            if (k == 1u) { v = a01[s]; }
            if (k == 2u) { v = a10[s]; }
            if (k == 3u) { v = a11[s]; }
            sum = add128(sum, widened(v, 6u - s)).m;
        }
        partial[group.y * count + i * (i + 1u) / 2u + j] = sum;
    }
}

// what the groups of rows have, added to what there is
@compute @workgroup_size(128)
fn collect(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let count = sizes[0];
    for (var i = at.x; i < count; i += groups.x * 128u) {
        var sum = total[i];
        for (var g = 0u; g < sizes[1]; g++) {
            sum = add128(sum, partial[g * count + i]).m;
        }
        total[i] = sum;
    }
}
