// Order statistics by the digits of sorted keys, eleven bits at a time from the top: how many keys begin with each of a few
// prefixes and go on with each digit.

typedef unsigned long long Count;
#define DIGITS 2048
#define PREFIXES 8

// Whole numbers in the order of the floating-point ones
__device__ __forceinline__ Count key_of(double x) {
    const Count bits = (Count)__double_as_longlong(x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ULL;
}

extern "C" __global__ void nelder_digits(const double* __restrict__ x, const Count* __restrict__ prefixes,
                                         unsigned* __restrict__ counts, Count rows, Count known, Count used) {
    __shared__ unsigned own[DIGITS];
    const Count step = gridDim.x * (Count)blockDim.x;
    const unsigned shift = known + 11 <= 64 ? 64 - known - 11 : 0;
    const unsigned width = known + 11 <= 64 ? 11 : 64 - known;
    const Count mask = (1ULL << width) - 1;
    for (unsigned t = threadIdx.x; t < DIGITS; t += blockDim.x) own[t] = 0;
    __syncthreads();
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        const Count key = key_of(x[i]), digit = (key >> shift) & mask;
        if (known == 0) {
            // most numbers share their first digits: one addition for the lanes that agree
            const unsigned agree = __match_any_sync(__activemask(), (unsigned)digit);
            if ((threadIdx.x & 31u) == __ffs(agree) - 1) atomicAdd(&own[digit], (unsigned)__popc(agree));
            continue;
        }
        const Count begin = key >> (64 - known);
        for (unsigned k = 0; k < used; k++)
            if (begin == prefixes[k]) {
                if (used == 1) atomicAdd(&own[digit], 1u);
                else atomicAdd(&counts[k * DIGITS + digit], 1u);
            }
    }
    if (known == 0 || used == 1) {
        __syncthreads();
        for (unsigned t = threadIdx.x; t < DIGITS; t += blockDim.x)
            if (own[t]) atomicAdd(&counts[t], own[t]);
    }
}
