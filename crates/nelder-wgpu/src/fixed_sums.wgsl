// Sums over rows of columns with a vector, each term added to limbs in the unit of the largest numbers of both.

// column_products and column_moments: rows; columns; where the matrix begins; of products, where the sums begin
// cut: rows; flags; where the first and the second part of the vector begin
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
// by column: the field of its largest number
@group(0) @binding(2) var<storage, read> fields: array<u32>;
// of the vector: five limbs, and places from its largest number down to this one; each by row
@group(0) @binding(3) var<storage, read> vector: array<i32>;
// by column and workgroup: what is carried out in two words, limbs from the top, places from the top down to the largest term
@group(0) @binding(4) var<storage, read_write> sums: array<u32>;
@group(0) @binding(5) var<storage, read> high: array<Double>;
@group(0) @binding(6) var<storage, read> low: array<Double>;
// of both parts: the field of the largest number, and another word
@group(0) @binding(7) var<storage, read> largest: array<u32>;
@group(0) @binding(8) var<storage, read_write> limbs: array<i32>;

const HAS_HIGH: u32 = 2u;
const HAS_LOW: u32 = 4u;

// 28 bits of m from bit p on
fn piece(m: vec4<u32>, p: i32) -> i32 {
    if (p >= 128) { return 0; }
    if (p < 0) { return i32((m.x << u32(-p)) & LIMB); }
    let word = u32(p) >> 5u;
    let r = u32(p) & 31u;
    var next = 0u;
    if (word < 3u) { next = m[word + 1u]; }
    return i32(((m[word] >> r) | ((next << 1u) << (31u - r))) & LIMB);
}

// the limbs of a vector in two parts, in units of twice the power of two above the largest of them
@compute @workgroup_size(128)
fn cut(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let rows = sizes[0];
    let unit = i32(max(largest[0], largest[2])) - 1021;
    for (var row = at.x; row < rows; row += groups.x * 128u) {
        var w = wide_of(ONE);
        if ((sizes[1] & HAS_HIGH) != 0u) {
            w = wide_of(high[sizes[2] + row]);
            if ((sizes[1] & HAS_LOW) != 0u) {
                w = wide_add(w, wide_of(low[sizes[3] + row]));
            }
        }
        let down = clamp(unit - w.e, 0, i32(NEVER));
        let sign = select(1, -1, w.s == 1u);
        for (var k = 0u; k < 5u; k++) {
            limbs[k * rows + row] = sign * piece(w.m, 100 - 28 * i32(k) + down);
        }
        limbs[5u * rows + row] = down;
    }
}

// columns of a workgroup
const WIDTH: u32 = 4u;
// of each thread: five zeros, and the limbs of the vector
var<workgroup> own: array<i32, 1280>;
var<workgroup> totals: array<Long, 768>;
var<workgroup> least: array<atomic<u32>, 4>;

fn term(p: Places, x: Double, v: Limbs, thread: u32) -> Places {
    let at = (MOST_PLACES - v.q) * 128u + thread;
    let l = v.l * ((i32(x.y) >> 31u) | 1);
    return added(p, l, own[at], own[at + 128u], own[at + 256u], own[at + 384u], own[at + 512u]);
}

// what all threads have, to words of the result
fn left(p: Places, thread: u32, to: u32) {
    // what came before has been read
    workgroupBarrier();
    totals[thread] = p.first;
    totals[128u + thread] = p.a;
    totals[256u + thread] = p.b;
    totals[384u + thread] = p.c;
    totals[512u + thread] = p.d;
    totals[640u + thread] = p.e;
    workgroupBarrier();
    for (var half = 64u; half > 0u; half = half >> 1u) {
        if (thread < half) {
            for (var k = 0u; k < 768u; k += 128u) {
                totals[k + thread] = plus(totals[k + thread], totals[k + thread + half]);
            }
        }
        workgroupBarrier();
    }
    if (thread == 0u) {
        let all = carried(Places(totals[0], totals[128], totals[256], totals[384], totals[512], totals[640]));
        let first = words_of(all.first);
        sums[to] = first.x;
        sums[to + 1u] = first.y;
        sums[to + 2u] = words_of(all.a).x;
        sums[to + 3u] = words_of(all.b).x;
        sums[to + 4u] = words_of(all.c).x;
        sums[to + 5u] = words_of(all.d).x;
        sums[to + 6u] = words_of(all.e).x;
    }
}

// x' v by column
@compute @workgroup_size(128)
fn column_products(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    let last = sizes[1] - 1u;
    let column = WIDTH * group.y;
    let stride = groups.x * 128u;
    for (var k = 0u; k < MOST_PLACES; k++) {
        own[k * 128u + thread] = 0;
    }
    if (thread < WIDTH) { atomicStore(&least[thread], NEVER); }
    workgroupBarrier();
    let c = min(vec4<u32>(column, column + 1u, column + 2u, column + 3u), vec4<u32>(last));
    let start = c * rows + sizes[2];
    let f = vec4<u32>(fields[c.x], fields[c.y], fields[c.z], fields[c.w]);
    var p0 = no_places();
    var p1 = no_places();
    var p2 = no_places();
    var p3 = no_places();
    var down = vec4<u32>(NEVER);
    for (var first = group.x * 128u + thread; first < rows; first += TERMS * stride) {
        for (var k = 0u; k < TERMS; k++) {
            let row = first + k * stride;
            if (row >= rows) { break; }
            let x0 = x[start.x + row];
            let x1 = x[start.y + row];
            let x2 = x[start.z + row];
            let x3 = x[start.w + row];
            own[640u + thread] = vector[row];
            own[768u + thread] = vector[rows + row];
            own[896u + thread] = vector[2u * rows + row];
            own[1024u + thread] = vector[3u * rows + row];
            own[1152u + thread] = vector[4u * rows + row];
            let v0 = limbs_of(x0, f.x);
            let v1 = limbs_of(x1, f.y);
            let v2 = limbs_of(x2, f.z);
            let v3 = limbs_of(x3, f.w);
            p0 = term(p0, x0, v0, thread);
            p1 = term(p1, x1, v1, thread);
            p2 = term(p2, x2, v2, thread);
            p3 = term(p3, x3, v3, thread);
            down = min(down, vec4<u32>(v0.s, v1.s, v2.s, v3.s) + u32(vector[5u * rows + row]));
        }
        p0 = carried(p0);
        p1 = carried(p1);
        p2 = carried(p2);
        p3 = carried(p3);
    }
    atomicMin(&least[0], down.x);
    atomicMin(&least[1], down.y);
    atomicMin(&least[2], down.z);
    atomicMin(&least[3], down.w);
    let to = sizes[3] + 8u * (column * groups.x + group.x);
    left(p0, thread, to);
    if (column < last) { left(p1, thread, to + 8u * groups.x); }
    if (column + 1u < last) { left(p2, thread, to + 16u * groups.x); }
    if (column + 2u < last) { left(p3, thread, to + 24u * groups.x); }
    if (thread < WIDTH && column + thread <= last) {
        sums[to + 8u * thread * groups.x + 7u] = atomicLoad(&least[thread]);
    }
}

// l moved down by q places
fn moved(l: vec3<i32>, q: u32) -> array<i32, 5> {
    switch q {
        case 0u: { return array<i32, 5>(l.x, l.y, l.z, 0, 0); }
        case 1u: { return array<i32, 5>(0, l.x, l.y, l.z, 0); }
        case 2u: { return array<i32, 5>(0, 0, l.x, l.y, l.z); }
        case 3u: { return array<i32, 5>(0, 0, 0, l.x, l.y); }
        case 4u: { return array<i32, 5>(0, 0, 0, 0, l.x); }
        default: { return array<i32, 5>(0, 0, 0, 0, 0); }
    }
}

// the sum of x, then that of its squares, by column; one is 2^27 in the first limb
@compute @workgroup_size(128)
fn column_moments(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    let stride = groups.x * 128u;
    let start = sizes[2] + group.y * rows;
    let field = fields[group.y];
    var sum = no_places();
    var squares = no_places();
    for (var first = group.x * 128u + thread; first < rows; first += TERMS * stride) {
        for (var k = 0u; k < TERMS; k++) {
            let row = first + k * stride;
            if (row >= rows) { break; }
            let v = x[start + row];
            let l = limbs_of(v, field);
            let one = moved(vec3<i32>(1 << 27u, 0, 0), l.q);
            sum = added(sum, l.l * ((i32(v.y) >> 31u) | 1), one[0], one[1], one[2], one[3], one[4]);
            let own = moved(l.l, 2u * l.q);
            squares = added(squares, l.l, own[0], own[1], own[2], own[3], own[4]);
        }
        sum = carried(sum);
        squares = carried(squares);
    }
    let to = 16u * (group.y * groups.x + group.x);
    left(sum, thread, to);
    left(squares, thread, to + 8u);
}
