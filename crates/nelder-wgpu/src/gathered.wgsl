// Sums of the threads of a workgroup.

var<workgroup> parts: array<Wide, 128>;

// the sum of what the threads have
fn gathered(own: Wide, thread: u32) -> Wide {
    // what came before has been read
    workgroupBarrier();
    parts[thread] = own;
    workgroupBarrier();
    for (var half = 64u; half > 0u; half = half >> 1u) {
        if (thread < half) {
            parts[thread] = wide_add(parts[thread], parts[thread + half]);
        }
        workgroupBarrier();
    }
    return parts[0];
}

