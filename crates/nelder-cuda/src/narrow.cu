// Passes over matrices of few columns: P of them, known when this is compiled, so that a row stays in registers. After
// twice.cu.

// The gram in 4 x 4 blocks of entries, each the work of a warp, whose lanes take the rows in turn
#define BLOCKS ((P + 3) / 4)
#define UNITS (BLOCKS * (BLOCKS + 1) / 2)
#define WARPS (UNITS < 12 ? UNITS : 12)
#define PER ((UNITS + WARPS - 1) / WARPS)
#define ROWS 128

// (X - 1 c')' W (X - 1 c'): a matrix P x P for each block of threads, lower triangle by rows; blocks take runs of `run`
// rows
extern "C" __global__ void __launch_bounds__(32 * WARPS)
    nelder_narrow_gram(const double* __restrict__ a, const double* __restrict__ w, const double* __restrict__ centres,
                       double* __restrict__ out, Count rows, Count run) {
    __shared__ double tile[4 * BLOCKS][ROWS];
    __shared__ double roots[ROWS];
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const Count end = min(rows, (blockIdx.x + 1) * run);
    double acc[PER][16];
#pragma unroll
    for (int u = 0; u < PER; u++)
#pragma unroll
        for (int e = 0; e < 16; e++) acc[u][e] = 0.0;
    for (Count from = blockIdx.x * run; from < end; from += ROWS) {
        __syncthreads();
        if (w) {
            for (unsigned r = threadIdx.x; r < ROWS; r += 32 * WARPS) roots[r] = from + r < end ? sqrt(w[from + r]) : 0.0;
            __syncthreads();
        }
        for (unsigned t = threadIdx.x; t < 4 * BLOCKS * ROWS; t += 32 * WARPS) {
            const unsigned column = t / ROWS, row = t % ROWS;
            double x = 0.0;
            if (column < P && from + row < end) {
                x = a[column * rows + from + row];
                if (centres) x -= centres[column];
                if (w) x *= roots[row];
            }
            tile[column][row] = x;
        }
        __syncthreads();
#pragma unroll
        for (int u = 0; u < PER; u++) {
            const unsigned unit = warp + u * WARPS;
            if (unit < UNITS) {
                unsigned bi = 0;
                while ((bi + 1) * (bi + 2) / 2 <= unit) bi++;
                const unsigned bj = unit - bi * (bi + 1) / 2;
                for (unsigned row = lane; row < ROWS; row += 32) {
                    double left[4], right[4];
#pragma unroll
                    for (int e = 0; e < 4; e++) {
                        left[e] = tile[4 * bi + e][row];
                        right[e] = tile[4 * bj + e][row];
                    }
#pragma unroll
                    for (int e = 0; e < 16; e++) acc[u][e] = fma(left[e / 4], right[e % 4], acc[u][e]);
                }
            }
        }
    }
#pragma unroll
    for (int u = 0; u < PER; u++) {
        const unsigned unit = warp + u * WARPS;
        if (unit >= UNITS) continue;
        unsigned bi = 0;
        while ((bi + 1) * (bi + 2) / 2 <= unit) bi++;
        const unsigned bj = unit - bi * (bi + 1) / 2;
#pragma unroll
        for (int e = 0; e < 16; e++) {
            double sum = acc[u][e];
            for (int half = 16; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
            const unsigned i = 4 * bi + e / 4, j = 4 * bj + e % 4;
            if (lane == 0 && i < P && j <= i) out[(blockIdx.x * (Count)P + i) * P + j] = sum;
        }
    }
}

// r = y - c - X b, b in two parts with c after it; sqrt(w) r by row; parts of the sums of w r r, w r and X' W r, P + 2 a
// block
extern "C" __global__ void nelder_narrow_residual(const double* __restrict__ a, const double* __restrict__ bh,
                                                  const double* __restrict__ bl, const double* __restrict__ y,
                                                  const double* __restrict__ w, double* __restrict__ root,
                                                  double* __restrict__ high, double* __restrict__ low, Count rows) {
    const Count step = gridDim.x * (Count)blockDim.x;
    Pair sums[P + 2];
#pragma unroll
    for (int k = 0; k < P + 2; k++) sums[k] = {0.0, 0.0};
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        double x[P];
#pragma unroll
        for (int j = 0; j < P; j++) x[j] = a[j * rows + i];
        Pair r = two_sum(y[i], -bh[P]);
        r = fast_two_sum(r.high, r.low - bl[P]);
#pragma unroll
        for (int j = 0; j < P; j++) r = add_product(r, -x[j], bh[j], bl[j]);
        Pair wr = r;
        double rooted = r.high;
        if (w) {
            wr = multiply(r, w[i]);
            rooted *= sqrt(w[i]);
        }
        root[i] = rooted;
        sums[0] = add(sums[0], square_of(r, wr));
        sums[1] = add(sums[1], wr);
#pragma unroll
        for (int j = 0; j < P; j++) sums[j + 2] = add_product(sums[j + 2], x[j], wr.high, wr.low);
    }
#pragma unroll
    for (int k = 0; k < P + 2; k++) {
        Pair sum = block_sum(sums[k]);
        if (threadIdx.x == 0) {
            high[blockIdx.x * (P + 2) + k] = sum.high;
            low[blockIdx.x * (P + 2) + k] = sum.low;
        }
    }
}
