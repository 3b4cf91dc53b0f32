// Sums over rows, kept in 128 bits: each workgroup leaves one for the host to add.

// rows; what is summed; where the matrix, the first and the second part of the vector begin; the first piece; columns
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
@group(0) @binding(2) var<storage, read> high: array<Double>;
@group(0) @binding(3) var<storage, read> low: array<Double>;
@group(0) @binding(4) var<storage, read_write> sums: array<Wide>;
@group(0) @binding(5) var<storage, read> order: array<u32>;
@group(0) @binding(6) var<storage, read> pieces: array<u32>;

const HAS_X: u32 = 1u;
const HAS_HIGH: u32 = 2u;
const HAS_LOW: u32 = 4u;
const SQUARE: u32 = 8u;

fn term(row: u32, column: u32, what: u32) -> Wide {
    var a = wide_of(ONE);
    if ((what & HAS_X) != 0u) {
        a = wide_of(x[sizes[2] + column * sizes[0] + row]);
    }
    if ((what & SQUARE) != 0u) {
        a = wide_times(a, a);
        if ((what & HAS_HIGH) != 0u) {
            return wide_scaled(a, high[sizes[3] + row]);
        }
        return a;
    }
    if ((what & HAS_HIGH) == 0u) {
        return a;
    }
    let first = wide_times(a, wide_of(high[sizes[3] + row]));
    if ((what & HAS_LOW) == 0u) {
        return first;
    }
    return wide_add(first, wide_times(a, wide_of(low[sizes[4] + row])));
}

// x' v by column
@compute @workgroup_size(128)
fn column_sums(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    let what = sizes[1];
    let stride = groups.x * 128u;
    var sum = wide_zero();
    for (var row = group.x * 128u + thread; row < rows; row += stride) {
        sum = wide_add(sum, term(row, group.y, what));
    }
    let all = gathered(sum, thread);
    if (thread == 0u) {
        sums[group.y * groups.x + group.x] = all;
    }
}

// the same for the rows of each piece of the order; column 0 stands for ones
@compute @workgroup_size(128)
fn piece_sums(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let piece = sizes[5] + group.x;
    let width = sizes[6];
    var what = sizes[1];
    if (group.y > 0u) { what |= HAS_X; }
    let last = pieces[piece + 1u];
    var sum = wide_zero();
    for (var i = pieces[piece] + thread; i < last; i += 128u) {
        sum = wide_add(sum, term(order[i], group.y - min(group.y, 1u), what));
    }
    let all = gathered(sum, thread);
    if (thread == 0u) {
        sums[group.x * width + group.y] = all;
    }
}
