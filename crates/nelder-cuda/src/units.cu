// Grams of few columns: P of them, known when this is compiled. A tile of rows is in shared memory, and the entries of the
// gram are computed in 4 x 4 blocks, each the work of a warp, whose lanes take the rows in turn. After twice.cu.

#define BLOCKS ((P + 3) / 4)
#define UNITS (BLOCKS * (BLOCKS + 1) / 2)
#define WARPS (UNITS < 4 ? 4 : UNITS < 12 ? UNITS : 12)
#define THREADS (32 * WARPS)
#define PER ((UNITS + WARPS - 1) / WARPS)
#define ROWS 128
#define LOADS ((P * ROWS + THREADS - 1) / THREADS)

typedef double Tile[4 * BLOCKS][ROWS];

// Rows of the tile that begins at `from`, each thread its own; zero from row `end` on
__device__ __forceinline__ void fetch(double (&next)[LOADS], const double* __restrict__ a, Count from, Count end,
                                      Count rows) {
#pragma unroll
    for (int k = 0; k < LOADS; k++) {
        const unsigned t = threadIdx.x + k * THREADS, column = t / ROWS, row = t % ROWS;
        next[k] = t < P * ROWS && from + row < end ? a[column * rows + from + row] : 0.0;
    }
}

__device__ __forceinline__ void put(Tile& tile, const double (&next)[LOADS]) {
#pragma unroll
    for (int k = 0; k < LOADS; k++) {
        const unsigned t = threadIdx.x + k * THREADS;
        if (t < P * ROWS) tile[t / ROWS][t % ROWS] = next[k];
    }
}

// Zeros in the columns that fill the last block
__device__ __forceinline__ void clear(Tile& tile) {
    for (unsigned t = P * ROWS + threadIdx.x; t < 4 * BLOCKS * ROWS; t += THREADS) tile[t / ROWS][t % ROWS] = 0.0;
}

__device__ __forceinline__ void place(unsigned unit, unsigned& bi, unsigned& bj) {
    bi = 0;
    while ((bi + 1) * (bi + 2) / 2 <= unit) bi++;
    bj = unit - bi * (bi + 1) / 2;
}

// acc += (x - c) w (x - c)' over the rows of a tile; rows beyond the end have weight zero
__device__ __forceinline__ void add_units(double (&acc)[PER][16], const Tile& tile, const double* weights,
                                          const double* centres) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int u = 0; u < PER; u++) {
        const unsigned unit = warp + u * WARPS;
        if (unit >= UNITS) continue;
        unsigned bi, bj;
        place(unit, bi, bj);
        double ci[4] = {0.0, 0.0, 0.0, 0.0}, cj[4] = {0.0, 0.0, 0.0, 0.0};
        if (centres)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                ci[e] = 4 * bi + e < P ? centres[4 * bi + e] : 0.0;
                cj[e] = 4 * bj + e < P ? centres[4 * bj + e] : 0.0;
            }
#pragma unroll
        for (unsigned row = lane; row < ROWS; row += 32) {
            const double w = weights[row];
            double left[4], right[4];
#pragma unroll
            for (int e = 0; e < 4; e++) {
                left[e] = (tile[4 * bi + e][row] - ci[e]) * w;
                right[e] = tile[4 * bj + e][row] - cj[e];
            }
#pragma unroll
            for (int e = 0; e < 16; e++) acc[u][e] = fma(left[e / 4], right[e % 4], acc[u][e]);
        }
    }
}

// The sums over lanes, as a matrix P x P by rows, its lower triangle
__device__ __forceinline__ void write_units(double (&acc)[PER][16], double* __restrict__ out) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int u = 0; u < PER; u++) {
        const unsigned unit = warp + u * WARPS;
        if (unit >= UNITS) continue;
        unsigned bi, bj;
        place(unit, bi, bj);
#pragma unroll
        for (int e = 0; e < 16; e++) {
            double sum = acc[u][e];
            for (int half = 16; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
            const unsigned i = 4 * bi + e / 4, j = 4 * bj + e % 4;
            if (lane == 0 && i < P && j <= i) out[i * P + j] = sum;
        }
    }
}
