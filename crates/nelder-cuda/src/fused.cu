// A step of Fisher scoring over a matrix of P columns, in one pass: the predictor, a program by row, and the sums of what it
// says over the columns. What depends on the program is put in where @NAMES@ stand. After twice.cu and units.cu.
//
// PREDICTOR: whether eta is c + o + X b; TWICE: in twice the precision; GRAM: whether the gram is wanted.

#define COLUMNS ((P + WARPS - 1) / WARPS)

// Sums of a block: of W, of s, X' s, X' W, then those of the folds, each followed by how many were no numbers
#define SUMS (2 + 2 * P + 2 * FOLDS)

extern "C" __global__ void __launch_bounds__(THREADS)
    nelder_step(@ARGUMENTS@const double* __restrict__ a, const double* __restrict__ bh, const double* __restrict__ bl,
                const double* __restrict__ offset, const double* __restrict__ rest, const double* __restrict__ centres,
                double* __restrict__ grams, double* __restrict__ high, double* __restrict__ low,
                double* __restrict__ least, Count rows, Count run) {
    __shared__ Tile tile;
    __shared__ double weights[ROWS], scores[ROWS], lows[ROWS];
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const Count end = min(rows, (blockIdx.x + 1) * run);
    double acc[PER][16] = {}, next[LOADS], column_weights[COLUMNS] = {};
    Pair column_scores[COLUMNS] = {}, weight = {0.0, 0.0}, score = {0.0, 0.0};
    const double infinity = __longlong_as_double(0x7ff0000000000000LL);
    Pair folds[FOLDS + 1] = {};
    double missing[FOLDS + 1] = {}, smallest = infinity;
    clear(tile);
    fetch(next, a, blockIdx.x * run, end, rows);
    for (Count from = blockIdx.x * run; from < end; from += ROWS) {
        __syncthreads();
        put(tile, next);
        __syncthreads();
        fetch(next, a, from + ROWS, end, rows);
        if (threadIdx.x < ROWS) {
            const unsigned t = threadIdx.x;
            const Count i = from + t;
            double own_weight = 0.0, own_score = 0.0, own_low = 0.0;
            if (i < end) {
                double eta = 0.0, eta_low = rest ? rest[i] : 0.0;
#if PREDICTOR && TWICE
                Pair e = two_sum(offset ? offset[i] : 0.0, bh[P]);
                e = fast_two_sum(e.high, e.low + bl[P]);
#pragma unroll
                for (int j = 0; j < P; j++) e = add_product(e, tile[j][t], bh[j], bl[j]);
                eta = e.high;
                eta_low = e.low;
#elif PREDICTOR
                eta = offset ? bh[P] + offset[i] : bh[P];
#pragma unroll
                for (int j = 0; j < P; j++) eta = fma(tile[j][t], bh[j], eta);
#endif
@BODY@
                own_low = -(own_weight * eta_low);
                weight = add(weight, {own_weight, 0.0});
                score = add(score, {own_score, own_low});
            }
            weights[t] = own_weight;
            scores[t] = own_score;
            lows[t] = own_low;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) {
            const unsigned column = warp + k * WARPS;
            if (column < P)
#pragma unroll
                for (unsigned row = lane; row < ROWS; row += 32) {
                    const double x = tile[column][row];
                    column_scores[k] = add_product(column_scores[k], x, scores[row], lows[row]);
#if GRAM
                    column_weights[k] = fma(x, weights[row], column_weights[k]);
#endif
                }
        }
#if GRAM
        add_units(acc, tile, weights, centres);
#endif
    }
#if GRAM
    write_units(acc, grams + blockIdx.x * (Count)(P * P));
#endif
    const Count first = blockIdx.x * (Count)SUMS;
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
        const unsigned column = warp + k * WARPS;
        Pair own = column_scores[k];
        double w = column_weights[k];
        for (int half = 16; half > 0; half /= 2) {
            own = add(own, {__shfl_down_sync(0xffffffffu, own.high, half), __shfl_down_sync(0xffffffffu, own.low, half)});
            w += __shfl_down_sync(0xffffffffu, w, half);
        }
        if (lane == 0 && column < P) {
            high[first + 2 + column] = own.high;
            low[first + 2 + column] = own.low;
            high[first + 2 + P + column] = w;
            low[first + 2 + P + column] = 0.0;
        }
    }
    weight = block_sum(weight);
    score = block_sum(score);
    if (threadIdx.x == 0) {
        high[first] = weight.high;
        low[first] = weight.low;
        high[first + 1] = score.high;
        low[first + 1] = score.low;
    }
#pragma unroll
    for (int k = 0; k < FOLDS; k++) {
        const Pair own = block_sum(folds[k]), none = block_sum({missing[k], 0.0});
        if (threadIdx.x == 0) {
            high[first + 2 + 2 * P + 2 * k] = own.high;
            low[first + 2 + 2 * P + 2 * k] = own.low;
            high[first + 3 + 2 * P + 2 * k] = none.high;
            low[first + 3 + 2 * P + 2 * k] = none.low;
        }
    }
    for (int half = 16; half > 0; half /= 2) smallest = fmin(smallest, __shfl_down_sync(0xffffffffu, smallest, half));
    if (lane == 0) least[blockIdx.x * (Count)WARPS + warp] = smallest;
}
