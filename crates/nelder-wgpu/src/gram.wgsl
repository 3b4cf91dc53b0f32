// Grams by digits: each column in units of 2^-54 of its largest power of two, seven digits of 8 bits a number, products
// of digits summed in integers. Digits s and t weigh 2^-8(s + t); products with s + t above 6 are below the last bit kept.

// largest and cut: rows; all columns; where the matrix begins; where the weights begin; flags; the first column of those
// that are seen; and of cut, the first row, the rows of this run, words of a column of digits, and how many columns are seen
// multiply: words of a group; columns; words of a column of digits; the first tile
// collect: entries; groups; whether these are the last
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
@group(0) @binding(2) var<storage, read> roots: array<Double>;
@group(0) @binding(3) var<storage, read> centres: array<Double>;
// by column
@group(0) @binding(4) var<storage, read_write> exponents: array<atomic<i32>>;
// words of four rows: by word, digit, column, whose number is filled up to a multiple of four
@group(0) @binding(5) var<storage, read_write> digits: array<u32>;
@group(0) @binding(6) var<storage, read> powers: array<i32>;
@group(0) @binding(7) var<storage, read> packed: array<vec4<u32>>;
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

// four rows of a column: a word for each digit. Neighbours have the next of eight columns, then the next rows
@compute @workgroup_size(128)
fn cut(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let word = 16u * group.x + thread / 8u;
    let column = 8u * group.y + thread % 8u;
    if (word >= sizes[8] || column >= sizes[9]) { return; }
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
    let stride = (sizes[1] + 3u) / 4u * 4u;
    for (var s = 0u; s < 7u; s++) {
        digits[(word * 7u + s) * stride + place] = out[s];
    }
}

const DEEP: u32 = 8u;
// of eight words, digit by digit: 32 columns of the left, by fours, and of the right, by twos
var<workgroup> left: array<vec4<u32>, 448>;
var<workgroup> right: array<vec2<u32>, 896>;

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

// sums of products, from those of the leading digits on
fn put(i: u32, j: u32, to: u32, v: array<i32, 7>) {
    if (i >= sizes[1] || j > i) { return; }
    var sum = vec4<u32>(0u);
    for (var s = 0u; s < 7u; s++) {
        sum = add128(sum, widened(v[s], 6u - s)).m;
    }
    partial[to + i * (i + 1u) / 2u + j] = sum;
}

// a tile of 32 x 32 pairs of columns over some of the rows of the run: each thread has four of the left and two of the right
@compute @workgroup_size(16, 8)
fn multiply(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) own: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let columns = sizes[1];
    let fours = (columns + 3u) / 4u;
    let tile = tile_of(sizes[3] + group.x);
    let first = group.y * sizes[0];
    let last = 7u * min(first + sizes[0], sizes[2]);
    let l = 8u * tile.x + thread % 8u;
    let r = 8u * tile.y + thread % 8u;
    SUMS
    for (var begin = 7u * first; begin < last; begin += 7u * DEEP) {
        workgroupBarrier();
        for (var i = thread; i < 56u * DEEP; i += 128u) {
            let digit = begin + i / 8u;
            var a = vec4<u32>(0u);
            var b = vec4<u32>(0u);
            if (digit < last) {
                if (l < fours) { a = packed[digit * fours + l]; }
                if (r < fours) { b = packed[digit * fours + r]; }
            }
            left[i] = a;
            right[2u * i] = b.xy;
            right[2u * i + 1u] = b.zw;
        }
        workgroupBarrier();
        for (var deep = 0u; deep < 7u * DEEP; deep += 7u) {
            PRODUCTS
        }
    }
    let i = tile.x * 32u + 4u * own.y;
    let j = tile.y * 32u + 2u * own.x;
    let to = group.y * (columns * (columns + 1u) / 2u);
    RESULTS
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
        // the last digits that are multiplied weigh 2^-60
        if (sizes[2] == 1u) { sum = two_doubles(sum, -60); }
        total[i] = sum;
    }
}
