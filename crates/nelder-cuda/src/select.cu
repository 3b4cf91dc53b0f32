// Order statistics by the digits of sorted keys, eleven bits at a time from the top: how many keys begin with each of a few
// prefixes and go on with each digit, and which digit the number of a rank has.

typedef unsigned long long Count;
#define DIGITS 2048
// Ranks at a time
#define RANKS 8
// Prefixes whose counts are kept by block
#define OWN 5

// What is known of the numbers of the ranks
struct Known {
    // by rank: the digits so far, the rank among the keys that begin with them, and where that prefix is among the different
    // ones
    Count prefix[RANKS], rank[RANKS], place[RANKS];
    // the different prefixes
    Count different[RANKS], used;
};

// Whole numbers in the order of the floating-point ones
__device__ __forceinline__ Count key_of(double x) {
    const Count bits = (Count)__double_as_longlong(x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ULL;
}

extern "C" __global__ void nelder_digits(const double* __restrict__ x, const Known* __restrict__ known_of,
                                         unsigned* __restrict__ counts, Count rows, Count known) {
    __shared__ unsigned own[OWN][DIGITS];
    const Count step = gridDim.x * (Count)blockDim.x, used = known_of->used;
    const unsigned width = known + 11 <= 64 ? 11 : 64 - known, shift = 64 - known - width;
    const Count mask = (1ULL << width) - 1;
    Count prefixes[RANKS];
#pragma unroll
    for (int k = 0; k < RANKS; k++) prefixes[k] = known_of->different[k];
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
#pragma unroll
        for (unsigned k = 0; k < RANKS; k++)
            if (k < used && begin == prefixes[k]) {
                if (k < OWN) atomicAdd(&own[k][digit], 1u);
                else atomicAdd(&counts[k * DIGITS + digit], 1u);
            }
    }
    __syncthreads();
    for (unsigned t = threadIdx.x; t < OWN * DIGITS; t += blockDim.x)
        if (own[t / DIGITS][t % DIGITS]) atomicAdd(&counts[t], own[t / DIGITS][t % DIGITS]);
}

// The next digit of each rank's number, a warp for each rank; counts are zero again afterwards
extern "C" __global__ void nelder_next_digit(Known* __restrict__ known_of, unsigned* __restrict__ counts, Count known) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const unsigned width = known + 11 <= 64 ? 11 : 64 - known;
    const unsigned* own = counts + known_of->place[warp] * DIGITS;
    // 1. each lane counts 64 digits
    Count mine = 0;
    for (unsigned d = 0; d < DIGITS / 32; d++) mine += own[lane * (DIGITS / 32) + d];
    Count before = mine;
    for (int up = 1; up < 32; up *= 2) {
        const Count other = __shfl_up_sync(0xffffffffu, before, up);
        if (lane >= up) before += other;
    }
    before -= mine;
    // 2. the lane whose digits the rank is among
    const Count rank = known_of->rank[warp], prefix = known_of->prefix[warp];
    __syncthreads();
    if (rank >= before && rank < before + mine) {
        Count left = rank - before;
        unsigned digit = lane * (DIGITS / 32);
        while (left >= own[digit]) left -= own[digit++];
        known_of->prefix[warp] = prefix << width | digit;
        known_of->rank[warp] = left;
    }
    __syncthreads();
    // 3. the different prefixes
    for (unsigned t = threadIdx.x; t < RANKS * DIGITS; t += blockDim.x) counts[t] = 0;
    if (threadIdx.x == 0) {
        Count used = 0;
        for (int k = 0; k < RANKS; k++) {
            Count at = 0;
            while (at < used && known_of->different[at] != known_of->prefix[k]) at++;
            if (at == used) known_of->different[used++] = known_of->prefix[k];
            known_of->place[k] = at;
        }
        known_of->used = used;
    }
}
