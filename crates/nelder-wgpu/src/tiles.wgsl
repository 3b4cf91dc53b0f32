// the tile of the lower triangle that this is: its row and its column
fn tile_of(index: u32) -> vec2<u32> {
    // index = i (i + 1) / 2 + j, j <= i
    var i = 0u;
    while ((i + 1u) * (i + 2u) / 2u <= index) { i++; }
    return vec2<u32>(i, index - i * (i + 1u) / 2u);
}

