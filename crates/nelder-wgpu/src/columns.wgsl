// What columns hold: ranges, missing values, whole numbers.

// rows, where the column begins, the first of those counted
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
// of each thread of the grid: least, largest
@group(0) @binding(2) var<storage, read_write> ends: array<Double>;
// how many are missing; or, by column, the field of the largest number, and what numbers there are
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> least_of: array<Double, 128>;
var<workgroup> largest_of: array<Double, 128>;

@compute @workgroup_size(128)
fn ranges(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    var least = Double(0u, 0x7ff00000u);
    var largest = Double(0u, 0xfff00000u);
    var missing = 0u;
    for (var row = at.x; row < sizes[0]; row += groups.x * 128u) {
        let v = x[sizes[1] + row];
        missing += u32(is_nan(v));
        if (less(v, least)) { least = v; }
        if (less(largest, v)) { largest = v; }
    }
    if (missing > 0u) { atomicAdd(&counts[0], missing); }
    least_of[thread] = least;
    largest_of[thread] = largest;
    workgroupBarrier();
    for (var half = 64u; half > 0u; half = half >> 1u) {
        if (thread < half) {
            if (less(least_of[thread + half], least_of[thread])) { least_of[thread] = least_of[thread + half]; }
            if (less(largest_of[thread], largest_of[thread + half])) { largest_of[thread] = largest_of[thread + half]; }
        }
        workgroupBarrier();
    }
    if (thread == 0u) {
        ends[2u * group.x] = least_of[0];
        ends[2u * group.x + 1u] = largest_of[0];
    }
}

const FRACTION: u32 = 1u;
const NOT_ZERO: u32 = 2u;

@compute @workgroup_size(128)
fn survey(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var largest = 0u;
    var any = 0u;
    var fraction = false;
    // 9e15
    let most = Double(0xcafa8000u, 0x433ff973u);
    for (var row = at.x; row < sizes[0]; row += groups.x * 128u) {
        let v = x[sizes[1] + group.y * sizes[0] + row];
        // 4096 v, of numbers below 1e3, and 8 v, of numbers below 1e12
        let parts = Double(v.x, v.y + (12u << 20u));
        let of_parts = less(size(v), Double(0u, 0x408f4000u)) && equal(truncated(parts), parts);
        let eighths = Double(v.x, v.y + (3u << 20u));
        let of_eighths = less(size(v), Double(0xa2000000u, 0x426d1a94u)) && equal(truncated(eighths), eighths);
        fraction = fraction || !(of_parts || of_eighths || equal(truncated(v), v)) || less(most, size(v));
        largest = max(largest, v.y & 0x7fffffffu);
        any |= v.x;
    }
    let found = select(0u, FRACTION, fraction) | select(0u, NOT_ZERO, (any | largest) != 0u);
    atomicMax(&counts[2u * (sizes[2] + group.y)], largest >> 20u);
    atomicOr(&counts[2u * (sizes[2] + group.y) + 1u], found);
}
