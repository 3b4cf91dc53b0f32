// A step of Fisher scoring over a matrix of P columns, in one pass: the predictor, a program by row, and the sums of what it
// says over the columns. What depends on the program is put in where @NAMES@ stand. After double_double.cu and tensor_gram.cu.
//
// PREDICTOR: whether eta is c + o + X b; TWICE: in twice the precision; GRAM: whether the gram is wanted.

// Sums of a block: of W, of s, X' s, X' W, then those of the folds, each followed by how many were no numbers
#define SUMS (2 + 2 * P + 2 * FOLDS)
#define COLUMNS ((P + WARPS - 1) / WARPS)

extern "C" __global__ void __launch_bounds__(THREADS, P <= 16 && !TWICE ? 4 : 2)
    nelder_step(@ARGUMENTS@const double* __restrict__ a, const double* __restrict__ bh, const double* __restrict__ bl,
                const double* __restrict__ offset, const double* __restrict__ rest, const double* __restrict__ centres,
                double* __restrict__ grams, double* __restrict__ high, double* __restrict__ low,
                double* __restrict__ least, Count rows, Count run) {
    __shared__ Shared shared;
    __shared__ double weights[ROWS], scores[ROWS], lows[ROWS];
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const Count begin = blockIdx.x * run, end = min(rows, begin + run), first = blockIdx.x * (Count)SUMS;
    const bool leftover = TWICE || rest;
    Products own = {};
    double x[P], about[BLOCKS];
    Pair weight = {0.0, 0.0}, score = {0.0, 0.0}, folds[FOLDS + 1] = {}, column_scores[COLUMNS] = {};
    double missing[FOLDS + 1] = {}, smallest = __longlong_as_double(0x7ff0000000000000LL);
    own_centres(about, centres);
    clear(shared);
    fetch(x, a, begin + threadIdx.x, end, rows);
    for (Count from = begin; from < end; from += ROWS) {
        const Count i = from + threadIdx.x;
        double own_weight = 0.0, own_score = 0.0, own_low = 0.0;
        if (i < end) {
            double eta = 0.0, eta_low = rest ? rest[i] : 0.0;
#if PREDICTOR && TWICE
            Pair e = two_sum(offset ? offset[i] : 0.0, bh[P]);
            e = fast_two_sum(e.high, e.low + bl[P]);
#pragma unroll
            for (int j = 0; j < P; j++) gather_product(e, x[j], bh[j], bl[j]);
            e = settled(e);
            eta = e.high;
            eta_low = e.low;
#elif PREDICTOR
            eta = offset ? bh[P] + offset[i] : bh[P];
#pragma unroll
            for (int j = 0; j < P; j++) eta = fma(x[j], bh[j], eta);
#endif
@BODY@
            own_low = -(own_weight * eta_low);
            weight = add(weight, {own_weight, 0.0});
            score = add(score, {own_score, own_low});
        }
        __syncthreads();
        put(shared, x);
        weights[threadIdx.x] = own_weight;
        scores[threadIdx.x] = own_score;
        lows[threadIdx.x] = own_low;
        fetch(x, a, i + ROWS, end, rows);
        __syncthreads();
        if (leftover) {
            // the score in twice the precision
            for (int k = 0; k < COLUMNS; k++) {
                const unsigned column = warp + k * WARPS;
                if (column < P)
#pragma unroll
                    for (unsigned row = lane; row < ROWS; row += 32)
                        gather_product(column_scores[k], shared.tile[column][row], scores[row], lows[row]);
            }
        }
        add_products<GRAM, true>(own, shared, weights, scores, about);
    }
    double* sums = high + first + 2;
    write_products(own, shared, GRAM ? grams + blockIdx.x * (Count)(P * P) : 0, sums);
    for (unsigned t = threadIdx.x; t < 2 * P; t += THREADS) low[first + 2 + t] = 0.0;
    __syncthreads();
    if (leftover)
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) {
            const unsigned column = warp + k * WARPS;
            Pair all = settled(column_scores[k]);
            for (int half = 16; half > 0; half /= 2)
                all = add(all, {__shfl_down_sync(0xffffffffu, all.high, half), __shfl_down_sync(0xffffffffu, all.low, half)});
            if (lane == 0 && column < P) {
                sums[column] = all.high;
                low[first + 2 + column] = all.low;
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
        const Pair all = block_sum(folds[k]), none = block_sum({missing[k], 0.0});
        if (threadIdx.x == 0) {
            high[first + 2 + 2 * P + 2 * k] = all.high;
            low[first + 2 + 2 * P + 2 * k] = all.low;
            high[first + 3 + 2 * P + 2 * k] = none.high;
            low[first + 3 + 2 * P + 2 * k] = none.low;
        }
    }
    for (int half = 16; half > 0; half /= 2) smallest = fmin(smallest, __shfl_down_sync(0xffffffffu, smallest, half));
    if (lane == 0) least[blockIdx.x * (Count)WARPS + warp] = smallest;
}
