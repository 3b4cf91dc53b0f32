// Sums in twice the precision: error-free transformations (Knuth 1969; Dekker 1971; Ogita, Rump & Oishi 2005).
// Compiled with --fmad=false; the fused steps below are meant.

typedef unsigned long long Count;

struct Pair { double high, low; };

__device__ __forceinline__ Pair two_sum(double a, double b) {
    double s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}

__device__ __forceinline__ Pair fast_two_sum(double a, double b) {
    double s = a + b;
    return {s, b - (s - a)};
}

__device__ __forceinline__ Pair two_product(double a, double b) {
    double p = a * b;
    return {p, fma(a, b, -p)};
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

// The same, with what the rounding of acc leaves over gathered in its low part, in double precision (Ogita, Rump & Oishi
// 2005, Dot2); settled() puts the two in order
__device__ __forceinline__ void gather_product(Pair& acc, double a, double high, double low) {
    const double p = a * high;
    const double e = fma(a, low, fma(a, high, -p));
    const Pair s = two_sum(acc.high, p);
    acc.high = s.high;
    acc.low += s.low + e;
}

__device__ __forceinline__ void gather(Pair& acc, double v) {
    const Pair s = two_sum(acc.high, v);
    acc.high = s.high;
    acc.low += s.low;
}

__device__ __forceinline__ Pair settled(Pair acc) { return two_sum(acc.high, acc.low); }

// a b, a in two parts
__device__ __forceinline__ Pair multiply(Pair a, double b) {
    Pair p = two_product(a.high, b);
    return fast_two_sum(p.high, p.low + a.low * b);
}

__device__ __forceinline__ Pair square_of(Pair a, Pair b) {
    Pair p = two_product(a.high, b.high);
    return fast_two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

// The sum over the threads of a block, at its first thread
__device__ Pair block_sum(Pair own) {
    __shared__ double high[32], low[32];
    for (int half = 16; half > 0; half /= 2) {
        Pair other = {__shfl_down_sync(0xffffffffu, own.high, half), __shfl_down_sync(0xffffffffu, own.low, half)};
        own = add(own, other);
    }
    unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = (blockDim.x + 31) / 32;
    __syncthreads();
    if (lane == 0) {
        high[warp] = own.high;
        low[warp] = own.low;
    }
    __syncthreads();
    if (threadIdx.x == 0)
        for (unsigned k = 1; k < warps; k++) own = add(own, {high[k], low[k]});
    return own;
}
