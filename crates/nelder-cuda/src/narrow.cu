// Passes over matrices of few columns: P of them, known when this is compiled, so that a row stays in registers. After
// double_double.cu and tensor_gram.cu.

// (X - 1 c')' W (X - 1 c'): a matrix P x P for each block of threads, lower triangle by rows; blocks take runs of `run`
// rows
extern "C" __global__ void __launch_bounds__(THREADS, P <= 16 ? 5 : 3)
    nelder_narrow_gram(const double* __restrict__ a, const double* __restrict__ w, const double* __restrict__ centres,
                       double* __restrict__ out, Count rows, Count run) {
    __shared__ Shared shared;
    __shared__ double weights[ROWS];
    const Count first = blockIdx.x * run, end = min(rows, first + run);
    Products own = {};
    double x[P], about[BLOCKS];
    own_centres(about, centres);
    clear(shared);
    fetch(x, a, first + threadIdx.x, end, rows);
    for (Count from = first; from < end; from += ROWS) {
        const Count i = from + threadIdx.x;
        __syncthreads();
        put(shared, x);
        weights[threadIdx.x] = i < end ? (w ? w[i] : 1.0) : 0.0;
        fetch(x, a, i + ROWS, end, rows);
        __syncthreads();
        add_products<true, false>(own, shared, weights, weights, about);
    }
    write_products(own, shared, out + blockIdx.x * (Count)(P * P), 0);
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
        for (int j = 0; j < P; j++) gather_product(r, -x[j], bh[j], bl[j]);
        r = settled(r);
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
        for (int j = 0; j < P; j++) gather_product(sums[j + 2], x[j], wr.high, wr.low);
    }
#pragma unroll
    for (int k = 0; k < P + 2; k++) {
        Pair sum = block_sum(settled(sums[k]));
        if (threadIdx.x == 0) {
            high[blockIdx.x * (P + 2) + k] = sum.high;
            low[blockIdx.x * (P + 2) + k] = sum.low;
        }
    }
}
