// What is computed for each row by itself, in 128 bits, and rounded to two doubles.

// rows; flags; where the vectors begin
@group(0) @binding(0) var<storage, read> sizes: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<Double>;
// coefficients, or a table
@group(0) @binding(2) var<storage, read> table: array<Wide>;
@group(0) @binding(3) var<storage, read> a: array<Double>;
@group(0) @binding(4) var<storage, read> b: array<Double>;
@group(0) @binding(5) var<storage, read> c: array<Double>;
@group(0) @binding(6) var<storage, read_write> kept: array<Wide>;
// high parts, then low ones, then roots
@group(0) @binding(7) var<storage, read_write> out: array<Double>;
@group(0) @binding(8) var<storage, read> codes: array<u32>;

const FIRST: u32 = 1u;
const LAST: u32 = 2u;
const HAS_A: u32 = 4u;
const HAS_B: u32 = 8u;
const HAS_C: u32 = 16u;
const ONE_PART: u32 = 32u;

fn pair_out(row: u32, rows: u32, w: Wide) {
    let first = rounded(w);
    out[row] = first;
    if ((sizes[1] & ONE_PART) == 0u) {
        let f = wide_of(first);
        var rest = Double(0u, 0u);
        if (f.e < INFINITE) {
            rest = rounded(wide_add(w, negated(f)));
        }
        out[rows + row] = rest;
    }
}

// a - t_0, or what is kept of the columns before
fn before(row: u32) -> Wide {
    if ((sizes[1] & FIRST) == 0u) {
        return kept[row];
    }
    let sum = negated(table[0]);
    if ((sizes[1] & HAS_A) != 0u) {
        return wide_add(wide_of(a[sizes[5] + row]), sum);
    }
    return sum;
}

fn after(row: u32, sum: Wide) {
    if ((sizes[1] & LAST) != 0u) {
        pair_out(row, sizes[0], sum);
    } else {
        kept[row] = sum;
    }
}

// less the terms of X t
fn less_terms(w: Wide, row: u32) -> Wide {
    var sum = w;
    for (var j = 0u; j < sizes[3]; j++) {
        let t = table[1u + sizes[2] + j];
        sum = wide_add(sum, negated(wide_scaled(t, x[sizes[4] + j * sizes[0] + row])));
    }
    return sum;
}

// a - t_0 - X t, columns from sizes[2] on of the table's; what is kept goes on with the next columns
@compute @workgroup_size(128)
fn residual(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var row = at.x; row < sizes[0]; row += groups.x * 128u) {
        after(row, less_terms(before(row), row));
    }
}

// r = a + b with weights c: w r, the root of w times the first part of r; sums of w r r and w r
@compute @workgroup_size(128)
fn weigh(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    var squares = wide_zero();
    var sum = wide_zero();
    for (var row = at.x; row < rows; row += groups.x * 128u) {
        let first = a[sizes[4] + row];
        var r = wide_of(first);
        if ((sizes[1] & HAS_B) != 0u) {
            r = wide_add(r, wide_of(b[sizes[5] + row]));
        }
        var weighed = r;
        var rooted = rounded(r);
        if ((sizes[1] & HAS_C) != 0u) {
            let w = c[sizes[6] + row];
            weighed = wide_scaled(r, w);
            rooted = mul(rooted, root(w));
        }
        pair_out(row, rows, weighed);
        out[2u * rows + row] = rooted;
        // 128 bits times 128: the second factor in two parts
        let lead = rounded(r);
        let rest = rounded(wide_add(r, negated(wide_of(lead))));
        squares = wide_add(squares, wide_add(wide_scaled(weighed, lead), wide_scaled(weighed, rest)));
        sum = wide_add(sum, weighed);
    }
    let all_squares = gathered(squares, thread);
    if (thread == 0u) {
        kept[group.x] = all_squares;
    }
    let all = gathered(sum, thread);
    if (thread == 0u) {
        kept[groups.x + group.x] = all;
    }
}

// a + b - m t, t the entry of the row's code in the table and m = c + its second part, which is in x
@compute @workgroup_size(128)
fn subtract_by_code(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let rows = sizes[0];
    for (var row = at.x; row < rows; row += groups.x * 128u) {
        var t = table[codes[row]];
        if ((sizes[1] & HAS_C) != 0u) {
            var by = wide_scaled(t, c[sizes[6] + row]);
            if ((sizes[1] & HAS_A) != 0u) {
                by = wide_add(by, wide_scaled(t, x[sizes[2] + row]));
            }
            t = by;
        }
        var r = wide_add(wide_of(a[sizes[4] + row]), wide_of(b[sizes[5] + row]));
        pair_out(row, rows, wide_add(r, negated(t)));
    }
}
