// y - c - X b, each term added to limbs in the unit of the largest coefficient.

// by column: five zeros, the limbs of b in its column's unit, five zeros, the limbs of -b; the field of the column's largest
// number; places from the largest coefficient down to this one
@group(0) @binding(9) var<storage, read> limbs: array<i32>;

const WORDS: u32 = 22u;
var<workgroup> own: array<i32, 704>;

fn term(p: Places, x: Double, v: Limbs, j: u32) -> Places {
    let at = WORDS * j + 10u * (x.y >> 31u) + MOST_PLACES - v.q;
    return added(p, v.l, own[at], own[at + 1u], own[at + 2u], own[at + 3u], own[at + 4u]);
}

// sizes as those of residual, and the unit; a row whose largest term is far below that is summed with exponents
@compute @workgroup_size(128)
fn residual_fixed(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let rows = sizes[0];
    let columns = sizes[3];
    let start = sizes[4];
    let last = columns - 1u;
    for (var first = group.x * 128u; first < rows; first += groups.x * 128u) {
        let row = first + thread;
        let place = start + min(row, rows - 1u);
        var sum = no_places();
        var least = NEVER;
        for (var base = 0u; base < columns; base += TERMS) {
            workgroupBarrier();
            for (var i = thread; i < WORDS * TERMS; i += 128u) {
                let j = i / WORDS;
                let k = i - j * WORDS;
                // there is nothing beyond the last column
                var word = select(select(0, 2046, k == 20u), i32(NEVER), k == 21u);
                if (base + j < columns) { word = limbs[(sizes[2] + base) * WORDS + i]; }
                own[i] = word;
            }
            workgroupBarrier();
            for (var j = 0u; j < min(TERMS, columns - base); j += 4u) {
                let x0 = x[place + (base + j) * rows];
                let x1 = x[place + min(base + j + 1u, last) * rows];
                let x2 = x[place + min(base + j + 2u, last) * rows];
                let x3 = x[place + min(base + j + 3u, last) * rows];
                let at = WORDS * j;
                let v0 = limbs_of(x0, u32(own[at + 20u]));
                sum = term(sum, x0, v0, j);
                let v1 = limbs_of(x1, u32(own[at + WORDS + 20u]));
                sum = term(sum, x1, v1, j + 1u);
                let v2 = limbs_of(x2, u32(own[at + 2u * WORDS + 20u]));
                sum = term(sum, x2, v2, j + 2u);
                let v3 = limbs_of(x3, u32(own[at + 3u * WORDS + 20u]));
                sum = term(sum, x3, v3, j + 3u);
                least = min(
                    least,
                    min(
                        min(v0.s + u32(own[at + 21u]), v1.s + u32(own[at + WORDS + 21u])),
                        min(v2.s + u32(own[at + 2u * WORDS + 21u]), v3.s + u32(own[at + 3u * WORDS + 21u])),
                    ),
                );
            }
            sum = carried(sum);
        }
        if (row < rows) {
            var total = before(row);
            if (least <= FAR) {
                total = wide_add(total, wide_of_places(sum, i32(sizes[6])));
            } else {
                total = less_terms(total, row);
            }
            after(row, total);
        }
    }
}
