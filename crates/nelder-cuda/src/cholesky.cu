// Cholesky decomposition of a symmetric positive definite matrix by blocks of ORDER columns: the block on the diagonal here,
// all other work by products of matrices. Matrices are column by column.

#define ORDER 64

// The scaled matrix from its lower triangle by rows: `order` rows filled up to `size` with those of the identity.
extern "C" __global__ void nelder_unpack(const double* __restrict__ packed, const double* __restrict__ scales,
                                         double* __restrict__ out, Count order, Count size) {
    for (Count at = blockIdx.x * (Count)blockDim.x + threadIdx.x; at < size * size;
         at += gridDim.x * (Count)blockDim.x) {
        const Count row = at % size, column = at / size;
        double v = row == column ? 1.0 : 0.0;
        if (row < order && column < order) {
            const Count i = row > column ? row : column, j = row > column ? column : row;
            v = packed[i * (i + 1) / 2 + j] / (scales[i] * scales[j]);
        }
        out[at] = v;
    }
}

// L of the block of A on the diagonal from `start` on, and L⁻¹; the product of their Frobenius norms. One block of 16 x 16
// threads, each with every sixteenth row and column in its registers. With A = M D Mᵀ, M of unit diagonal: step k takes column k
// out of those to its right, and does to the rows of the identity what makes M of them M⁻¹.
extern "C" __global__ void nelder_diagonal(const double* __restrict__ a, double* __restrict__ lower,
                                           double* __restrict__ inverse, double* __restrict__ norms, Count size,
                                           Count start) {
    // column k of A and row k of M⁻¹, of two steps in turn
    __shared__ double columns[2][ORDER], rows[2][ORDER], roots[ORDER];
    __shared__ double sums[2][8];
    const unsigned x = threadIdx.x % 16, y = threadIdx.x / 16;
    const Count corner = start * size + start;
    double left[4][4], other[4][4];
#pragma unroll
    for (int q = 0; q < 4; q++)
#pragma unroll
        for (int p = 0; p < 4; p++) {
            const unsigned i = x + 16 * p, j = y + 16 * q;
            left[p][q] = i >= j ? a[corner + j * size + i] : 0.0;
            other[p][q] = i == j ? 1.0 : 0.0;
        }
#pragma unroll
    for (int block = 0; block < 4; block++)
        for (unsigned within = 0; within < 16; within++) {
            const unsigned k = 16 * block + within, turn = k % 2;
            if (y == within) {
#pragma unroll
                for (int p = 0; p < 4; p++) columns[turn][x + 16 * p] = left[p][block];
            }
            if (x == within) {
#pragma unroll
                for (int q = 0; q < 4; q++) rows[turn][y + 16 * q] = other[block][q];
            }
            __syncthreads();
            const double pivot = columns[turn][k];
            if (threadIdx.x == 0) roots[k] = sqrt(pivot);
            double at[4], out[4], row[4];
#pragma unroll
            for (int p = 0; p < 4; p++) {
                // rows down to k stay as they are
                const unsigned i = x + 16 * p, j = y + 16 * p;
                at[p] = i > k ? columns[turn][i] / pivot : 0.0;
                out[p] = j > k ? columns[turn][j] : 0.0;
                row[p] = rows[turn][j];
            }
#pragma unroll
            for (int q = 0; q < 4; q++)
#pragma unroll
                for (int p = 0; p < 4; p++) {
                    left[p][q] = fma(-at[p], out[q], left[p][q]);
                    other[p][q] = fma(-at[p], row[q], other[p][q]);
                }
        }
    __syncthreads();
    // L = M √D, L⁻¹ = √D⁻¹ M⁻¹
    double own = 0.0, back = 0.0;
#pragma unroll
    for (int q = 0; q < 4; q++)
#pragma unroll
        for (int p = 0; p < 4; p++) {
            const unsigned i = x + 16 * p, j = y + 16 * q;
            const double l = i >= j ? left[p][q] / roots[j] : 0.0;
            const double m = i >= j ? other[p][q] / roots[i] : 0.0;
            lower[corner + j * size + i] = l;
            inverse[corner + j * size + i] = m;
            own = fma(l, l, own);
            back = fma(m, m, back);
        }
    for (int k = 16; k > 0; k /= 2) {
        own += __shfl_down_sync(0xffffffffu, own, k);
        back += __shfl_down_sync(0xffffffffu, back, k);
    }
    if (threadIdx.x % 32 == 0) {
        sums[0][threadIdx.x / 32] = own;
        sums[1][threadIdx.x / 32] = back;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double p = 0.0, q = 0.0;
        for (unsigned k = 0; k < 8; k++) {
            p += sums[0][k];
            q += sums[1][k];
        }
        norms[start / ORDER] = sqrt(p) * sqrt(q);
    }
}

// The first `order` rows and columns of two matrices, one after the other; of the first, which is L, above the diagonal zeros.
extern "C" __global__ void nelder_trim(const double* __restrict__ lower, const double* __restrict__ inverse,
                                       double* __restrict__ out, Count order, Count size) {
    const Count all = order * order;
    for (Count at = blockIdx.x * (Count)blockDim.x + threadIdx.x; at < 2 * all; at += gridDim.x * (Count)blockDim.x) {
        const Count k = at % all, i = k % order, j = k / order;
        out[at] = at >= all ? inverse[j * size + i] : i >= j ? lower[j * size + i] : 0.0;
    }
}
