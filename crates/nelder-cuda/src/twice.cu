// Sums in twice the precision: error-free transformations (Knuth 1969; Dekker 1971; Ogita, Rump & Oishi 2005).
// Compiled with --fmad=false; the fused steps below are meant.

struct Pair { double high, low; };

__device__ __forceinline__ Pair two_sum(double a, double b) {
    double s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}

__device__ __forceinline__ Pair fast_two_sum(double a, double b) {
    double s = a + b;
    return {s, b - (s - a)};
}

__device__ __forceinline__ Pair add(Pair a, Pair b) {
    Pair s = two_sum(a.high, b.high), t = two_sum(a.low, b.low);
    s = fast_two_sum(s.high, s.low + t.high);
    return fast_two_sum(s.high, s.low + t.low);
}

// acc + a b, b in two parts
__device__ __forceinline__ Pair add_product(Pair acc, double a, double high, double low) {
    double p = a * high;
    double e = fma(a, high, -p) + a * low;
    Pair s = two_sum(acc.high, p);
    return fast_two_sum(s.high, s.low + (acc.low + e));
}

// y - A x by row
extern "C" __global__ void nelder_residual(const double* __restrict__ a, const double* __restrict__ xh,
                                           const double* __restrict__ xl, const double* __restrict__ y,
                                           double* __restrict__ rh, double* __restrict__ rl, unsigned long long rows,
                                           unsigned long long columns) {
    const unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;
    for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < rows; i += step) {
        Pair acc = {y[i], 0.0};
        for (unsigned long long j = 0; j < columns; j++) acc = add_product(acc, -a[j * rows + i], xh[j], xl[j]);
        rh[i] = acc.high;
        rl[i] = acc.low;
    }
}

__device__ Pair block_sum(Pair own) {
    __shared__ double high[256], low[256];
    unsigned t = threadIdx.x;
    high[t] = own.high;
    low[t] = own.low;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) {
            Pair sum = add({high[t], low[t]}, {high[t + half], low[t + half]});
            high[t] = sum.high;
            low[t] = sum.low;
        }
        __syncthreads();
    }
    return {high[0], low[0]};
}

// Parts of A' r: column blockIdx.y, every gridDim.x-th run of rows; part k of column j is at k * columns + j
extern "C" __global__ void nelder_transposed(const double* __restrict__ a, const double* __restrict__ rh,
                                             const double* __restrict__ rl, double* __restrict__ high,
                                             double* __restrict__ low, unsigned long long rows,
                                             unsigned long long columns) {
    const unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;
    for (unsigned long long j = blockIdx.y; j < columns; j += gridDim.y) {
        Pair acc = {0.0, 0.0};
        for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < rows; i += step)
            acc = add_product(acc, a[j * rows + i], rh[i], rl[i]);
        acc = block_sum(acc);
        if (threadIdx.x == 0) {
            high[blockIdx.x * columns + j] = acc.high;
            low[blockIdx.x * columns + j] = acc.low;
        }
        __syncthreads();
    }
}

// Sums of `parts` numbers that lie `size` apart; `low` may be null
extern "C" __global__ void nelder_merge(const double* __restrict__ high, const double* __restrict__ low,
                                        double* __restrict__ sum_high, double* __restrict__ sum_low,
                                        unsigned long long size, unsigned long long parts, unsigned long long has_low) {
    const unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;
    for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < size; i += step) {
        Pair acc = {0.0, 0.0};
        for (unsigned long long k = 0; k < parts; k++)
            acc = add(acc, {high[k * size + i], has_low ? low[k * size + i] : 0.0});
        sum_high[i] = acc.high;
        sum_low[i] = acc.low;
    }
}
