// Grams in single precision: a tile of pairs of columns by each workgroup, over a run of rows. Numbers are taken in units of
// their columns' largest powers of two. Multiplications and additions may be contracted or reordered: products are those of a
// preconditioner.

// multiply: rows; columns; rows of a run; flags; the first tile; for the left and the right columns of the first tile: where
// they begin, and the first panel that begins there; where the weights begin, and the field of their unit; the first row
// collect: entries; runs; whether these are the last
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> left: array<Double>;
@group(0) @binding(2) var<storage, read> right: array<Double>;
// by column: the field of its unit
@group(0) @binding(3) var<storage, read> fields: array<u32>;
@group(0) @binding(4) var<storage, read> centres: array<Double>;
@group(0) @binding(5) var<storage, read> weights: array<Double>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;
@group(0) @binding(7) var<storage, read_write> total: array<vec4<u32>>;
// whether a weight is negative
@group(0) @binding(8) var<storage, read_write> negative: array<atomic<u32>>;

const WEIGHTED: u32 = 1u;
const CENTRED: u32 = 2u;

// x in units of the power of two above field
fn short(x: Double, field: u32) -> f32 {
    let own = (x.y >> 20u) & 0x7ffu;
    let s = field - own;
    let bits = (x.y & 0x80000000u) | ((126u - s) << 23u) | ((x.y & 0xfffffu) << 3u) | (x.x >> 29u);
    return bitcast<f32>(select(bits, 0u, own == 0u || s > 120u));
}

// the whole number below x in units of 2^-62 of the power of two above field
fn long(x: Double, field: u32) -> vec2<u32> {
    let own = (x.y >> 20u) & 0x7ffu;
    let s = field - own;
    if (own == 0u || s > 62u) { return vec2<u32>(0u); }
    let m = vec2<u32>(x.x << 9u, ((x.y & 0xfffffu) << 9u) | 0x20000000u | (x.x >> 23u));
    let r = s & 31u;
    var t = vec2<u32>((m.x >> r) | ((m.y << 1u) << (31u - r)), m.y >> r);
    if (s >= 32u) { t = vec2<u32>(t.y, 0u); }
    if ((x.y >> 31u) == 1u) { t = sub64(vec2<u32>(0u), t); }
    return t;
}

// x - c
fn apart(x: Double, c: Double, field: u32) -> f32 {
    var d = sub64(long(x, field), long(c, field));
    let turned = (d.y >> 31u) == 1u;
    if (turned) { d = sub64(vec2<u32>(0u), d); }
    let v = f32(d.y) * 0x1p-30f + f32(d.x) * 0x1p-62f;
    return select(v, -v, turned);
}

const SIDE: u32 = COLUMNSu;
const DEEP: u32 = 1024u / SIDE;
// four columns in each word of a row, and one word more, so that rows begin at different banks
const ROW: u32 = SIDE / 4u + 1u;
var<workgroup> lefts: array<vec4<f32>, ROW * DEEP>;
var<workgroup> rights: array<vec4<f32>, ROW * DEEP>;

// four numbers of a row, those of rows that are not there zero
fn converted(x0: Double, x1: Double, x2: Double, x3: Double, c: vec4<u32>, f: vec4<u32>, inside: bool) -> vec4<f32> {
    if (!inside) { return vec4<f32>(0.0); }
    if ((sizes[3] & CENTRED) != 0u) {
        return vec4<f32>(
            apart(x0, centres[c.x], f.x), apart(x1, centres[c.y], f.y),
            apart(x2, centres[c.z], f.z), apart(x3, centres[c.w], f.w),
        );
    }
    return vec4<f32>(short(x0, f.x), short(x1, f.y), short(x2, f.z), short(x3, f.w));
}

fn put(v: f32, i: u32, j: u32, to: u32) {
    if (i < sizes[1] && j <= i) { partial[to + i * (i + 1u) / 2u + j] = v; }
}

@compute @workgroup_size(16, 16)
fn multiply(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) own: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    let columns = sizes[1];
    let tile = tile_of(sizes[4] + group.x);
    let first = sizes[11] + group.y * sizes[2];
    let last = min(first + sizes[2], rows);
    // each thread brings a row of four columns of both sides
    let deep = thread % DEEP;
    let four = thread / DEEP;
    let at = deep * ROW + four;
    let most = vec4<u32>(columns - 1u);
    let l = min(vec4<u32>(0u, 1u, 2u, 3u) + (tile.x * SIDE + 4u * four), most);
    let r = min(vec4<u32>(0u, 1u, 2u, 3u) + (tile.y * SIDE + 4u * four), most);
    let lf = vec4<u32>(fields[l.x], fields[l.y], fields[l.z], fields[l.w]);
    let rf = vec4<u32>(fields[r.x], fields[r.y], fields[r.z], fields[r.w]);
    let la = sizes[5] + (l - sizes[6] * SIDE) * rows;
    let ra = sizes[7] + (r - sizes[8] * SIDE) * rows;
    let weighted = (sizes[3] & WEIGHTED) != 0u;
    SUMS
    var row = min(first + deep, last - 1u);
    var l0 = left[la.x + row];
    var l1 = left[la.y + row];
    var l2 = left[la.z + row];
    var l3 = left[la.w + row];
    var r0 = right[ra.x + row];
    var r1 = right[ra.y + row];
    var r2 = right[ra.z + row];
    var r3 = right[ra.w + row];
    var w = ONE;
    if (weighted) { w = weights[sizes[9] + row]; }
    for (var begin = first; begin < last; begin += DEEP) {
        let inside = begin + deep < last;
        var a = converted(l0, l1, l2, l3, l, lf, inside);
        if (weighted) { a *= short(w, sizes[10]); }
        let b = converted(r0, r1, r2, r3, r, rf, inside);
        workgroupBarrier();
        lefts[at] = a;
        rights[at] = b;
        workgroupBarrier();
        // the next rows are on their way meanwhile
        row = min(begin + DEEP + deep, last - 1u);
        l0 = left[la.x + row];
        l1 = left[la.y + row];
        l2 = left[la.z + row];
        l3 = left[la.w + row];
        r0 = right[ra.x + row];
        r1 = right[ra.y + row];
        r2 = right[ra.z + row];
        r3 = right[ra.w + row];
        if (weighted) { w = weights[sizes[9] + row]; }
        for (var k = 0u; k < DEEP; k++) {
            let base = k * ROW;
            PRODUCTS
        }
    }
    let i = tile.x * SIDE + 4u * own.y;
    let j = tile.y * SIDE + 4u * own.x;
    let to = group.y * (columns * (columns + 1u) / 2u);
    RESULTS
}

// what the runs of rows have, in units of 2^-88, added to what there is
@compute @workgroup_size(128)
fn collect(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let count = sizes[0];
    for (var i = at.x; i < count; i += groups.x * 128u) {
        var sum = total[i];
        for (var g = 0u; g < sizes[1]; g++) {
            let bits = bitcast<u32>(partial[g * count + i]);
            let e = i32((bits >> 23u) & 0xffu);
            // (1 + m 2^-23) 2^(e - 127)
            let by = e - 127 - 23 + 88;
            let m = select((bits & 0x7fffffu) | 0x800000u, 0u, e == 0);
            var v = vec4<u32>(0u);
            if (by >= 0) {
                let n = u32(by) & 31u;
                let low = m << n;
                let high = (m >> 1u) >> (31u - n);
                switch u32(by) >> 5u {
                    case 0u: { v = vec4<u32>(low, high, 0u, 0u); }
                    case 1u: { v = vec4<u32>(0u, low, high, 0u); }
                    case 2u: { v = vec4<u32>(0u, 0u, low, high); }
                    default: { v = vec4<u32>(0u, 0u, 0u, low); }
                }
            } else if (by > -24) {
                v.x = m >> u32(-by);
            }
            if ((bits >> 31u) == 1u) { v = add128(~v, vec4<u32>(1u, 0u, 0u, 0u)).m; }
            sum = add128(sum, v).m;
        }
        if (sizes[2] == 1u) { sum = two_doubles(sum, -88); }
        total[i] = sum;
    }
}

@compute @workgroup_size(128)
fn signs(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    var found = false;
    for (var row = at.x; row < sizes[0]; row += groups.x * 128u) {
        let w = weights[sizes[1] + row];
        found = found || ((w.y >> 31u) == 1u && (w.x | (w.y << 1u)) != 0u);
    }
    if (found) { atomicOr(&negative[0], 1u); }
}
