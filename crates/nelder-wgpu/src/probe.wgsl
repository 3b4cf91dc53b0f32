@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> given: array<Double>;
@group(0) @binding(2) var<storage, read_write> found: array<Double>;

// sum, product, fused sum and product, quotient, root, comparisons
@compute @workgroup_size(64)
fn probe(@builtin(global_invocation_id) at: vec3<u32>) {
    let i = at.x;
    let n = sizes[0];
    if (i >= n) { return; }
    let a = given[i];
    let b = given[n + i];
    let c = given[2u * n + i];
    found[i] = add(a, b);
    found[n + i] = mul(a, b);
    found[2u * n + i] = fma(a, b, c);
    found[3u * n + i] = divided(a, b);
    found[4u * n + i] = root(a);
    found[5u * n + i] = Double(u32(less(a, b)), u32(equal(a, b)));
    found[6u * n + i] = floored(a);
    found[7u * n + i] = nearest(a);
}
