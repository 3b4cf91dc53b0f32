// Sums over the rows of a matrix, column by column. After double_double.cu.

// Columns that a block takes at a time
#define WIDE 4

// The sum over the lanes of a warp, or a thread's own
__device__ __forceinline__ Pair lanes_sum(Pair own, Count lanes) {
    if (lanes > 1)
        for (int half = 16; half > 0; half /= 2)
            own = add(own, {__shfl_down_sync(0xffffffffu, own.high, half), __shfl_down_sync(0xffffffffu, own.low, half)});
    return own;
}

// y - c - X b by row, b in two parts with c after it; with weights also w r, and sqrt(w) r; and the parts of the sums of
// w r r and of w r
extern "C" __global__ void nelder_residual(const double* __restrict__ a, const double* __restrict__ bh,
                                           const double* __restrict__ bl, const double* __restrict__ y,
                                           const double* __restrict__ w, double* __restrict__ rh,
                                           double* __restrict__ rl, double* __restrict__ root,
                                           double* __restrict__ high, double* __restrict__ low, Count rows,
                                           Count columns) {
    const Count step = gridDim.x * (Count)blockDim.x;
    Pair squares = {0.0, 0.0}, sum = {0.0, 0.0};
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        Pair r = two_sum(y[i], -bh[columns]);
        r = fast_two_sum(r.high, r.low - bl[columns]);
#pragma unroll 16
        for (Count j = 0; j < columns; j++) gather_product(r, -a[j * rows + i], bh[j], bl[j]);
        r = settled(r);
        Pair wr = r;
        if (w) {
            wr = multiply(r, w[i]);
            root[i] = sqrt(w[i]) * r.high;
        }
        rh[i] = wr.high;
        rl[i] = wr.low;
        if (high) {
            squares = add(squares, square_of(r, wr));
            sum = add(sum, wr);
        }
    }
    if (high) {
        squares = block_sum(squares);
        sum = block_sum(sum);
        if (threadIdx.x == 0) {
            high[2 * blockIdx.x] = squares.high;
            low[2 * blockIdx.x] = squares.low;
            high[2 * blockIdx.x + 1] = sum.high;
            low[2 * blockIdx.x + 1] = sum.low;
        }
    }
}

// c + o + X b by row, c after b
extern "C" __global__ void nelder_product(const double* __restrict__ a, const double* __restrict__ b,
                                          const double* __restrict__ offset, double* __restrict__ out, Count rows,
                                          Count columns) {
    const Count step = gridDim.x * (Count)blockDim.x;
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        double sums[4] = {offset ? b[columns] + offset[i] : b[columns], 0.0, 0.0, 0.0};
        Count j = 0;
        for (; j + 4 <= columns; j += 4)
#pragma unroll
            for (int k = 0; k < 4; k++) sums[k] = fma(a[(j + k) * rows + i], b[j + k], sums[k]);
        for (; j < columns; j++) sums[0] = fma(a[j * rows + i], b[j], sums[0]);
        out[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

// w r, sqrt(w) r, and the parts of the sums of w r r and of w r, r in two parts
extern "C" __global__ void nelder_weigh(const double* __restrict__ rh, const double* __restrict__ rl,
                                        const double* __restrict__ w, double* __restrict__ wh,
                                        double* __restrict__ wl, double* __restrict__ root,
                                        double* __restrict__ high, double* __restrict__ low, Count rows) {
    const Count step = gridDim.x * (Count)blockDim.x;
    Pair squares = {0.0, 0.0}, sum = {0.0, 0.0};
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        const Pair r = {rh[i], rl ? rl[i] : 0.0};
        Pair wr = r;
        double rooted = r.high;
        if (w) {
            wr = multiply(r, w[i]);
            rooted *= sqrt(w[i]);
        }
        wh[i] = wr.high;
        wl[i] = wr.low;
        root[i] = rooted;
        squares = add(squares, square_of(r, wr));
        sum = add(sum, wr);
    }
    squares = block_sum(squares);
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        high[2 * blockIdx.x] = squares.high;
        low[2 * blockIdx.x] = squares.low;
        high[2 * blockIdx.x + 1] = sum.high;
        low[2 * blockIdx.x + 1] = sum.low;
    }
}

// Sums of v and of x v for each column x over pieces of the rows in the order of their codes: those at order[pieces[k]] ..
// order[pieces[k + 1]]
extern "C" __global__ void nelder_by_code(const double* __restrict__ a, const double* __restrict__ vh,
                                          const double* __restrict__ vl, const unsigned* __restrict__ order,
                                          const unsigned* __restrict__ pieces, double* __restrict__ high,
                                          double* __restrict__ low, Count rows, Count columns, Count count) {
    for (Count piece = blockIdx.x; piece < count; piece += gridDim.x)
        for (Count j = blockIdx.y; j <= columns; j += gridDim.y) {
            Pair sum = {0.0, 0.0};
            for (Count t = pieces[piece] + (Count)threadIdx.x; t < pieces[piece + 1]; t += blockDim.x) {
                const Count i = order[t];
                const double h = vh ? vh[i] : 1.0, l = vl ? vl[i] : 0.0;
                sum = add_product(sum, j ? a[(j - 1) * rows + i] : 1.0, h, l);
            }
            sum = block_sum(sum);
            if (threadIdx.x == 0) {
                high[piece * (columns + 1) + j] = sum.high;
                low[piece * (columns + 1) + j] = sum.low;
            }
        }
}

// r - m t by row, t in a table by code, high parts before low ones
extern "C" __global__ void nelder_subtract_by_code(const double* __restrict__ rh, const double* __restrict__ rl,
                                                   const unsigned* __restrict__ codes,
                                                   const double* __restrict__ table, const double* __restrict__ mh,
                                                   const double* __restrict__ ml, double* __restrict__ high,
                                                   double* __restrict__ low, Count rows, Count count) {
    const Count step = gridDim.x * (Count)blockDim.x;
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        Pair t = {table[codes[i]], table[count + codes[i]]};
        if (mh) t = square_of(t, {mh[i], ml ? ml[i] : 0.0});
        const Pair r = add({rh[i], rl[i]}, {-t.high, -t.low});
        high[i] = r.high;
        low[i] = r.low;
    }
}

// Parts of X' r: part k of column j is at k * columns + j
extern "C" __global__ void nelder_transposed(const double* __restrict__ a, const double* __restrict__ rh,
                                             const double* __restrict__ rl, double* __restrict__ high,
                                             double* __restrict__ low, Count rows, Count columns) {
    const Count step = gridDim.x * (Count)blockDim.x;
    for (Count j = WIDE * blockIdx.y; j < columns; j += WIDE * gridDim.y) {
        Pair sums[WIDE];
        const double* column[WIDE];
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            sums[k] = {0.0, 0.0};
            column[k] = a + min(j + k, columns - 1) * rows;
        }
        for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
            const double h = rh[i], l = rl[i];
#pragma unroll
            for (int k = 0; k < WIDE; k++) gather_product(sums[k], column[k][i], h, l);
        }
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            Pair sum = block_sum(settled(sums[k]));
            if (threadIdx.x == 0 && j + k < columns) {
                high[blockIdx.x * columns + j + k] = sum.high;
                low[blockIdx.x * columns + j + k] = sum.low;
            }
        }
    }
}

#ifdef VECTORS
// Parts of the sums of w x, w x x, of whether x is no whole number, and of w x v for each vector v: quantity q of column j
// is at q * columns + j of a part
extern "C" __global__ void nelder_moments(const double* __restrict__ a, const double* __restrict__ w,
                                          const double* __restrict__ v0, const double* __restrict__ v1,
                                          const double* __restrict__ v2, const double* __restrict__ v3,
                                          double* __restrict__ high, double* __restrict__ low, Count rows,
                                          Count columns) {
    const double* vectors[4] = {v0, v1, v2, v3};
    const Count step = gridDim.x * (Count)blockDim.x;
    for (Count j = WIDE * blockIdx.y; j < columns; j += WIDE * gridDim.y) {
        Pair sums[WIDE], with[WIDE][VECTORS + 1];
        double squares[WIDE], rounded[WIDE];
        const double* column[WIDE];
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            sums[k] = {0.0, 0.0};
            squares[k] = rounded[k] = 0.0;
            column[k] = a + min(j + k, columns - 1) * rows;
#pragma unroll
            for (int m = 0; m < VECTORS; m++) with[k][m] = {0.0, 0.0};
        }
        for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
            const double weight = w ? w[i] : 1.0;
            double v[VECTORS + 1];
#pragma unroll
            for (int m = 0; m < VECTORS; m++) v[m] = vectors[m][i];
#pragma unroll
            for (int k = 0; k < WIDE; k++) {
                const double x = column[k][i];
                Pair p = {x, 0.0};
                if (w) p = two_product(weight, x);
#if ROUGH
                sums[k].high += p.high;
#else
                gather(sums[k], p.high);
                sums[k].low += p.low;
#endif
                squares[k] = fma(p.high, x, squares[k]);
                // no whole number, and no multiple of 2^-12 below 1e3 or of 1/8 below 1e12: not as it was written
                if ((trunc(x) != x || fabs(x) > 9e15)
                    && (trunc(4096.0 * x) != 4096.0 * x || fabs(x) >= 1e3)
                    && (trunc(8.0 * x) != 8.0 * x || fabs(x) >= 1e12)) rounded[k] = 1.0;
#pragma unroll
                for (int m = 0; m < VECTORS; m++) {
#if ROUGH
                    with[k][m].high = fma(v[m], p.high, with[k][m].high);
#else
                    gather_product(with[k][m], v[m], p.high, p.low);
#endif
                }
            }
        }
        const Count first = blockIdx.x * (VECTORS + 3) * columns;
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
#pragma unroll
            for (int q = 0; q < VECTORS + 3; q++) {
                Pair own = q == 0 ? settled(sums[k]) : q == 1 ? Pair{squares[k], 0.0} : Pair{rounded[k], 0.0};
                if (q >= 3) own = settled(with[k][q - 3]);
                own = block_sum(own);
                if (threadIdx.x == 0 && j + k < columns) {
                    high[first + q * columns + j + k] = own.high;
                    low[first + q * columns + j + k] = own.low;
                }
            }
        }
    }
}
#endif

// What products are formed of: doubles, numbers in single precision, or, for the tensor cores, of 11 bits
#if !defined(BITS)
typedef double Packed;
__device__ __forceinline__ double packed(double v) { return v; }
#elif BITS == 24
typedef float Packed;
__device__ __forceinline__ float packed(double v) { return (float)v; }
#else
typedef float Packed;
__device__ __forceinline__ float packed(double v) {
    return __uint_as_float((__float_as_uint((float)v) + 0x1000u) & 0xffffe000u);
}
#endif

// (x - c) sqrt(w) of rows first .. first + count of each column, with parts of the sums of w x and of s x by column: part k
// of each is at (2 k + which) * columns + j. A block takes PACK rows of the columns
#define PACK 1024
extern "C" __global__ void nelder_pack_sums(const double* __restrict__ a, const double* __restrict__ w,
                                            const double* __restrict__ s, const double* __restrict__ centres,
                                            Packed* __restrict__ out, double* __restrict__ sums, Count first,
                                            Count count, Count rows, Count columns) {
    __shared__ double by_warp[2][8][32];
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const Count from = blockIdx.x * (Count)PACK;
    double weight[4], root[4], score[4];
#pragma unroll
    for (int k = 0; k < 4; k++) {
        const Count i = from + threadIdx.x + 256 * k;
        weight[k] = i < count ? w[first + i] : 0.0;
        score[k] = i < count ? s[first + i] : 0.0;
        root[k] = sqrt(weight[k]);
    }
    double* own = sums + (first / PACK + blockIdx.x) * 2 * columns;
    for (Count j0 = 32 * blockIdx.y; j0 < columns; j0 += 32 * gridDim.y) {
        const unsigned width = min((Count)32, columns - j0);
        for (unsigned c = 0; c < width; c++) {
            const Count j = j0 + c;
            const double centre = centres ? centres[j] : 0.0;
            double xw = 0.0, xs = 0.0;
#pragma unroll
            for (int k = 0; k < 4; k++) {
                const Count i = from + threadIdx.x + 256 * k;
                if (i < count) {
                    const double x = a[j * rows + first + i];
                    xw = fma(x, weight[k], xw);
                    xs = fma(x, score[k], xs);
                    out[j * count + i] = packed((x - centre) * root[k]);
                }
            }
            for (int half = 16; half > 0; half /= 2) {
                xw += __shfl_down_sync(0xffffffffu, xw, half);
                xs += __shfl_down_sync(0xffffffffu, xs, half);
            }
            if (lane == 0) {
                by_warp[0][warp][c] = xw;
                by_warp[1][warp][c] = xs;
            }
        }
        __syncthreads();
        if (threadIdx.x < 64 && lane < width) {
            double sum = 0.0;
            for (int k = 0; k < 8; k++) sum += by_warp[warp][k][lane];
            own[warp * columns + j0 + lane] = sum;
        }
        __syncthreads();
    }
}

// (x - c) sqrt(w) of rows first .. first + count of each column
extern "C" __global__ void nelder_pack(const double* __restrict__ a, const double* __restrict__ w,
                                       const double* __restrict__ centres, Packed* __restrict__ out, Count first,
                                       Count count, Count rows, Count columns) {
    const Count step = gridDim.x * (Count)blockDim.x;
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < count; i += step) {
        const double root = w ? sqrt(w[first + i]) : 1.0;
        for (Count j = blockIdx.y; j < columns; j += gridDim.y) {
            const double x = a[j * rows + first + i];
            out[j * count + i] = packed((centres ? x - centres[j] : x) * root);
        }
    }
}

// ((x - c) - c') / s of rows first .. first + count of each column
extern "C" __global__ void nelder_standard(const double* __restrict__ a, const double* __restrict__ centres,
                                           double* __restrict__ out, Count first, Count count, Count rows,
                                           Count columns) {
    const Count step = gridDim.x * (Count)blockDim.x;
    const double *rests = centres + columns, *scales = rests + columns;
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < count; i += step)
        for (Count j = blockIdx.y; j < columns; j += gridDim.y)
            out[j * count + i] = ((a[j * rows + first + i] - centres[j]) - rests[j]) / scales[j];
}

// Sums of `parts` numbers that lie `size` apart, each by `lanes` threads of a warp (1 or 32); `low` may be null
extern "C" __global__ void nelder_merge(const double* __restrict__ high, const double* __restrict__ low,
                                        double* __restrict__ sums, Count size, Count parts, Count lanes) {
    const Count step = gridDim.x * (Count)blockDim.x / lanes, lane = threadIdx.x % lanes;
    for (Count i = (blockIdx.x * (Count)blockDim.x + threadIdx.x) / lanes; i < size; i += step) {
        Pair acc = {0.0, 0.0};
        for (Count k = lane; k < parts; k += lanes)
            acc = add(acc, {high[k * size + i], low ? low[k * size + i] : 0.0});
        acc = lanes_sum(acc, lanes);
        if (lane == 0) {
            sums[i] = acc.high;
            sums[size + i] = acc.low;
        }
    }
}

// Adds the lower triangles of `parts` square matrices to `sums`, high parts before low ones; starts anew where `fresh`
extern "C" __global__ void nelder_merge_triangles(const Packed* __restrict__ matrices, double* __restrict__ sums,
                                                  Count order, Count parts, Count fresh, Count lanes) {
    const Count step = gridDim.x * (Count)blockDim.x / lanes, lane = threadIdx.x % lanes;
    const Count size = order * (order + 1) / 2;
    for (Count t = (blockIdx.x * (Count)blockDim.x + threadIdx.x) / lanes; t < size; t += step) {
        Count i = (Count)((sqrt(8.0 * (double)t + 1.0) - 1.0) / 2.0);
        while (i * (i + 1) / 2 > t) i--;
        while ((i + 1) * (i + 2) / 2 <= t) i++;
        const Count j = t - i * (i + 1) / 2;
        Pair acc = {0.0, 0.0};
        if (!fresh && lane == 0) acc = {sums[t], sums[size + t]};
        for (Count k = lane; k < parts; k += lanes) acc = add(acc, {matrices[(k * order + i) * order + j], 0.0});
        acc = lanes_sum(acc, lanes);
        if (lane == 0) {
            sums[t] = acc.high;
            sums[size + t] = acc.low;
        }
    }
}

// Parts of X' W X, every product exact: tile blockIdx.x of the lower triangle, every gridDim.y-th run of 32 rows
#define TILE 32
extern "C" __global__ void nelder_exact_gram(const double* __restrict__ a, const double* __restrict__ w,
                                             double* __restrict__ high, double* __restrict__ low, Count rows,
                                             Count columns) {
    __shared__ double left[TILE][TILE + 1], right[TILE][TILE + 1], rest[TILE][TILE + 1];
    unsigned bi = 0;
    while ((bi + 1) * (bi + 2) / 2 <= blockIdx.x) bi++;
    const unsigned bj = blockIdx.x - bi * (bi + 1) / 2;
    const unsigned tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    Pair acc[2][2] = {};
    for (Count from = blockIdx.y * (Count)TILE; from < rows; from += gridDim.y * (Count)TILE) {
        __syncthreads();
        for (unsigned t = threadIdx.x; t < TILE * TILE; t += blockDim.x) {
            const unsigned row = t % TILE, column = t / TILE;
            const Count i = from + row, ci = bi * TILE + column, cj = bj * TILE + column;
            const double x = i < rows && ci < columns ? a[ci * rows + i] : 0.0;
            const double y = i < rows && cj < columns ? a[cj * rows + i] : 0.0;
            Pair p = {y, 0.0};
            if (w && i < rows) p = two_product(w[i], y);
            left[column][row] = x;
            right[column][row] = p.high;
            rest[column][row] = p.low;
        }
        __syncthreads();
        for (unsigned k = 0; k < TILE; k++)
#pragma unroll
            for (unsigned u = 0; u < 2; u++)
#pragma unroll
                for (unsigned v = 0; v < 2; v++)
                    acc[u][v] = add_product(acc[u][v], left[tx + 16 * u][k], right[ty + 16 * v][k], rest[ty + 16 * v][k]);
    }
    const Count size = columns * (columns + 1) / 2;
    for (unsigned u = 0; u < 2; u++)
        for (unsigned v = 0; v < 2; v++) {
            const Count i = bi * TILE + tx + 16 * u, j = bj * TILE + ty + 16 * v;
            if (i < columns && j <= i) {
                high[blockIdx.y * size + i * (i + 1) / 2 + j] = acc[u][v].high;
                low[blockIdx.y * size + i * (i + 1) / 2 + j] = acc[u][v].low;
            }
        }
}

// By block: the sum in two parts, the least, the largest, and how many are no numbers
extern "C" __global__ void nelder_reduce(const double* __restrict__ x, double* __restrict__ out, Count rows) {
    __shared__ double least[32], largest[32], missing[32];
    const Count step = gridDim.x * (Count)blockDim.x;
    const double infinity = __longlong_as_double(0x7ff0000000000000LL);
    Pair sum = {0.0, 0.0};
    double lo = infinity, hi = -infinity, none = 0.0;
    for (Count i = blockIdx.x * (Count)blockDim.x + threadIdx.x; i < rows; i += step) {
        const double v = x[i];
        Pair s = two_sum(sum.high, v);
        sum = fast_two_sum(s.high, s.low + sum.low);
        lo = fmin(lo, v);
        hi = fmax(hi, v);
        if (isnan(v)) none += 1.0;
    }
    sum = block_sum(sum);
    for (int half = 16; half > 0; half /= 2) {
        lo = fmin(lo, __shfl_down_sync(0xffffffffu, lo, half));
        hi = fmax(hi, __shfl_down_sync(0xffffffffu, hi, half));
        none += __shfl_down_sync(0xffffffffu, none, half);
    }
    if (threadIdx.x % 32 == 0) {
        least[threadIdx.x / 32] = lo;
        largest[threadIdx.x / 32] = hi;
        missing[threadIdx.x / 32] = none;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (unsigned k = 1; k < blockDim.x / 32; k++) {
            lo = fmin(lo, least[k]);
            hi = fmax(hi, largest[k]);
            none += missing[k];
        }
        double* own = out + 5 * blockIdx.x;
        own[0] = sum.high;
        own[1] = sum.low;
        own[2] = lo;
        own[3] = hi;
        own[4] = none;
    }
}
