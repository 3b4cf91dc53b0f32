// Grams of few columns: P of them, known when this is compiled. Each thread has a row of a tile; the tile is put in shared
// memory, and each warp multiplies its rows by tensor cores in double precision, 8 x 8 entries and four rows at a time.
// After double_double.cu.

#define THREADS 128
#define WARPS (THREADS / 32)
#define ROWS THREADS
// columns lie so that what a warp reads at a time is in different banks
#define STRIDE (ROWS + 4)
#define BLOCKS ((P + 7) / 8)
#define PAIRS (BLOCKS * (BLOCKS + 1) / 2)

struct Products {
    // lower triangle of blocks: two entries a lane of (x - c) w (x - c)'
    double gram[PAIRS][2];
    // x s and x w
    double sums[BLOCKS][2];
};

union Shared {
    double tile[8 * BLOCKS][STRIDE];
    double parts[WARPS][PAIRS + BLOCKS][64];
};

// c += a b, 8 x 4 times 4 x 8: a lane has row lane / 4 and column lane % 4 of a, their reverse of b
__device__ __forceinline__ void multiply_add(double (&c)[2], double a, double b) {
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+d"(c[0]), "+d"(c[1])
        : "d"(a), "d"(b));
}

__device__ __forceinline__ void fetch(double (&x)[P], const double* __restrict__ a, Count i, Count end, Count rows) {
#pragma unroll
    for (int j = 0; j < P; j++) x[j] = i < end ? a[j * rows + i] : 0.0;
}

__device__ __forceinline__ void put(Shared& shared, const double (&x)[P]) {
#pragma unroll
    for (int j = 0; j < P; j++) shared.tile[j][threadIdx.x] = x[j];
}

// Zeros in the columns that fill the last block
__device__ __forceinline__ void clear(Shared& shared) {
#pragma unroll
    for (int j = P; j < 8 * BLOCKS; j++) shared.tile[j][threadIdx.x] = 0.0;
}

// Adds the rows of a tile; rows beyond the end have weight and score zero
template <bool GRAMS, bool SUMS>
__device__ __forceinline__ void add_products(Products& to, const Shared& shared, const double* weights,
                                             const double* scores, const double (&centres)[BLOCKS]) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32, column = lane / 4;
#pragma unroll
    for (unsigned step = 0; step < 8; step++) {
        const unsigned k = 32 * warp + 4 * step + lane % 4;
        const double w = weights[k];
        double x[BLOCKS], about[BLOCKS];
#pragma unroll
        for (int b = 0; b < BLOCKS; b++) {
            x[b] = shared.tile[8 * b + column][k];
            about[b] = x[b] - centres[b];
        }
        if (SUMS) {
            const double other = column == 0 ? scores[k] : column == 1 ? w : 0.0;
#pragma unroll
            for (int b = 0; b < BLOCKS; b++) multiply_add(to.sums[b], x[b], other);
        }
        if (GRAMS)
#pragma unroll
            for (int i = 0; i < BLOCKS; i++) {
                const double left = about[i] * w;
#pragma unroll
                for (int j = 0; j <= i; j++) multiply_add(to.gram[i * (i + 1) / 2 + j], left, about[j]);
            }
    }
}

// The centres of a lane's columns; zero where there are none
__device__ __forceinline__ void own_centres(double (&own)[BLOCKS], const double* __restrict__ centres) {
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) {
        const unsigned column = 8 * b + threadIdx.x % 32 / 4;
        own[b] = centres && column < P ? centres[column] : 0.0;
    }
}

// The sums over the warps of a block: the gram as a matrix P x P by rows, its lower triangle; x s and x w, P of each
__device__ __forceinline__ void write_products(const Products& own, Shared& shared, double* __restrict__ gram,
                                               double* __restrict__ sums) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const unsigned place = lane / 4 * 8 + lane % 4 * 2;
    __syncthreads();
#pragma unroll
    for (int p = 0; p < PAIRS; p++) {
        shared.parts[warp][p][place] = own.gram[p][0];
        shared.parts[warp][p][place + 1] = own.gram[p][1];
    }
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) {
        shared.parts[warp][PAIRS + b][place] = own.sums[b][0];
        shared.parts[warp][PAIRS + b][place + 1] = own.sums[b][1];
    }
    __syncthreads();
    if (gram)
        for (unsigned t = threadIdx.x; t < P * P; t += THREADS) {
            const unsigned i = t / P, j = t % P;
            if (j > i) continue;
            const unsigned p = i / 8 * (i / 8 + 1) / 2 + j / 8, e = i % 8 * 8 + j % 8;
            double sum = 0.0;
#pragma unroll
            for (int k = 0; k < WARPS; k++) sum += shared.parts[k][p][e];
            gram[t] = sum;
        }
    if (sums)
        for (unsigned t = threadIdx.x; t < 2 * P; t += THREADS) {
            const unsigned i = t % P, e = i % 8 * 8 + t / P;
            double sum = 0.0;
#pragma unroll
            for (int k = 0; k < WARPS; k++) sum += shared.parts[k][PAIRS + i / 8][e];
            sums[t] = sum;
        }
}
