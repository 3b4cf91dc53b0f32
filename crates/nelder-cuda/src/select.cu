// Order statistics by the digits of sorted keys, eleven bits at a time from the top: how many keys begin with each of a few
// prefixes and go on with each digit.

typedef unsigned long long Count;
#define DIGITS 2048
// Prefixes whose counts are kept by block
#define OWN 5

// Whole numbers in the order of the floating-point ones
__device__ __forceinline__ Count key_of(double x) {
    const Count bits = (Count)__double_as_longlong(x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ULL;
}

extern "C" __global__ void nelder_digits(const double* __restrict__ x, const Count* __restrict__ prefixes,
                                         unsigned* __restrict__ counts, Count rows, Count known, Count used) {
    __shared__ unsigned own[OWN][DIGITS];
    const Count step = gridDim.x * (Count)blockDim.x;
    const unsigned width = known + 11 <= 64 ? 11 : 64 - known, shift = 64 - known - width;
    const Count mask = (1ULL << width) - 1;
    for (unsigned t = threadIdx.x; t < OWN * DIGITS; t += blockDim.x) own[t / DIGITS][t % DIGITS] = 0;
    __syncthreads();
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        const Count key = key_of(x[i]), digit = (key >> shift) & mask;
        if (known == 0) {
            // most numbers share their first digits: one addition for the lanes that agree
            const unsigned agree = __match_any_sync(__activemask(), (unsigned)digit);
            if ((threadIdx.x & 31u) == __ffs(agree) - 1) atomicAdd(&own[0][digit], (unsigned)__popc(agree));
            continue;
        }
        const Count begin = key >> (64 - known);
        for (unsigned k = 0; k < used; k++)
            if (begin == prefixes[k]) {
                if (k < OWN) atomicAdd(&own[k][digit], 1u);
                else atomicAdd(&counts[k * DIGITS + digit], 1u);
            }
    }
    __syncthreads();
    for (unsigned t = threadIdx.x; t < OWN * DIGITS; t += blockDim.x)
        if (own[t / DIGITS][t % DIGITS]) atomicAdd(&counts[t], own[t / DIGITS][t % DIGITS]);
}
