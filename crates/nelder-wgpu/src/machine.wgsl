// A machine of registers, a row for each thread: all threads take the same steps, each written as
// (operation and destination, operand, operand, operand).

// rows, steps, rows of a column
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> steps: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> constants: array<Double>;
@group(0) @binding(3) var<storage, read> columns: array<Double>;
@group(0) @binding(4) var<storage, read_write> results: array<Double>;

var<private> held: array<Double, REGISTERS>;

fn operand(o: u32) -> Double {
    let place = o & 0xffffu;
    var d: Double;
    if ((o & 0x80000000u) != 0u) {
        d = constants[place];
    } else {
        d = held[place];
    }
    if ((o & 0x20000000u) != 0u) { d.y &= 0x7fffffffu; }
    if ((o & 0x40000000u) != 0u) { d.y ^= 0x80000000u; }
    return d;
}

fn truth(b: bool) -> Double {
    return select(Double(0u, 0u), ONE, b);
}

fn from_whole(k: i32) -> Double {
    if (k == 0) { return Double(0u, 0u); }
    return rounded(normalised(vec4<u32>(0u, 0u, 0u, u32(abs(k))), 32, u32(k < 0)));
}

fn to_whole(d: Double) -> i32 {
    let w = wide_of(d);
    if (w.e <= 0) { return 0; }
    let most = select(i32(w.m.w >> u32(32 - min(w.e, 16))), 0xffff, w.e > 16);
    return select(most, -most, w.s == 1u);
}

fn exponent(d: Double) -> Double {
    let w = wide_of(d);
    if (w.e == NOT_A_NUMBER) { return NAN; }
    return from_whole(clamp(w.e - 1, -1100, 1024));
}

fn scaled(d: Double, by: Double) -> Double {
    var w = wide_of(d);
    if (w.m.w == 0u || w.e >= INFINITE) { return d; }
    w.e += to_whole(by);
    return rounded(w);
}

@compute @workgroup_size(128)
fn machine(@builtin(global_invocation_id) at: vec3<u32>) {
    let row = at.x;
    if (row >= sizes[0]) { return; }
    let last = sizes[1];
    let stride = sizes[2];
    for (var i = 0u; i < last; i++) {
        let step = steps[i];
        let operation = step.x & 0xffu;
        let place = step.x >> 8u;
        if (operation == 0u) {
            held[place] = columns[step.y * stride + row];
            continue;
        }
        let a = operand(step.y);
        if (operation == 1u) {
            results[place * stride + row] = a;
            continue;
        }
        var d = a;
        switch operation {
            case 2u: { d = add(a, operand(step.z)); }
            case 3u: { d = mul(a, operand(step.z)); }
            case 4u: { d = fma(a, operand(step.z), operand(step.w)); }
            case 5u: { d = divided(a, operand(step.z)); }
            case 6u: { d = root(a); }
            case 7u: { d = truth(less(a, operand(step.z))); }
            case 8u: { d = truth(equal(a, operand(step.z))); }
            case 9u: {
                let b = operand(step.z);
                d = truth(less(a, b) || equal(a, b));
            }
            case 10u: {
                d = operand(select(step.w, step.z, (a.x | a.y) != 0u));
            }
            case 11u: { d = floored(a); }
            case 12u: { d = truncated(a); }
            case 13u: { d = nearest(a); }
            case 14u: { d = exponent(a); }
            case 15u: { d = scaled(a, operand(step.z)); }
            default: {}
        }
        held[place] = d;
    }
}
