// Order statistics digit by digit: how many keys with given leading bits have which next digit.

// rows, where the column begins, the place of the digit
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
// leading bits, one after another: what is before the digit
@group(0) @binding(2) var<storage, read> prefixes: array<Double>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

const DIGITS: u32 = 2048u;

var<workgroup> own: array<atomic<u32>, 2048>;

// keys are in the order of the numbers
fn key(d: Double) -> Double {
    if ((d.y >> 31u) == 1u) { return Double(~d.x, ~d.y); }
    return Double(d.x, d.y | 0x80000000u);
}

fn moved(k: Double, by: u32) -> Double {
    if (by >= 64u) { return Double(0u, 0u); }
    if (by >= 32u) { return Double(k.y >> (by - 32u), 0u); }
    return Double((k.x >> by) | ((k.y << 1u) << (31u - by)), k.y >> by);
}

@compute @workgroup_size(256)
fn digits(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    for (var i = thread; i < DIGITS; i += 256u) { atomicStore(&own[i], 0u); }
    workgroupBarrier();
    let prefix = prefixes[group.y];
    let place = sizes[2];
    for (var row = at.x; row < sizes[0]; row += groups.x * 256u) {
        let k = key(x[sizes[1] + row]);
        if (all(moved(k, place + 11u) == prefix)) {
            atomicAdd(&own[moved(k, place).x & (DIGITS - 1u)], 1u);
        }
    }
    workgroupBarrier();
    for (var i = thread; i < DIGITS; i += 256u) {
        let n = atomicLoad(&own[i]);
        if (n > 0u) { atomicAdd(&counts[group.y * DIGITS + i], n); }
    }
}
