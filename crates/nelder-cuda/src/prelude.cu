// Scalar operations of programs as nelder-device's scalar.rs defines them, in double precision. Compiled with
// --fmad=false: a fused step stands where it is wanted.

#define NAN_ __longlong_as_double(0x7ff8000000000000LL)
#define INF_ __longlong_as_double(0x7ff0000000000000LL)

__device__ __forceinline__ double nd_x_minus_log1p(double x) {
    // log(1 + x) = 2 atanh(s), s = x / (2 + x): x - log(1 + x) = s x - 2 s^3 (1/3 + s^2/5 + ...)
    if (isinf(x)) return x > 0.0 ? x : NAN_;
    if (fabs(x) > 0.25) return x - log1p(x);
    double s = x / (2.0 + x), q = s * s, sum = 0.0;
    for (int k = 20; k >= 1; k--) sum = fma(sum, q, 1.0 / (2.0 * k + 1.0));
    return s * (x - 2.0 * q * sum);
}

__device__ double nd_normal_upper(double z) {
    const double r = 0.70710678118654752440, rest = -4.833646656726457e-17, c = 1.1283791670955125739;
    double y = z * r, value = erfc(y);
    if (!(value > 0.0 && fabs(y) < 40.0)) return 0.5 * value;
    double left = fma(z, r, -y) + z * rest;
    return 0.5 * (value - c * exp(-y * y) * left);
}

__device__ double nd_ln_upper(double z) {
    if (z < 0.0) return log1p(-nd_normal_upper(z));
    if (z < 10.0) return log(nd_normal_upper(z));
    if (isinf(z)) return -INF_;
    double tail = z;
    for (int k = 40; k >= 1; k--) tail = z + k / tail;
    return -0.5 * z * z - 0.91893853320467274178 - log(tail);
}

__device__ double nd_normal_quantile(double p) {
    if (!(p >= 0.0 && p <= 1.0)) return NAN_;
    const double c = 1.1283791670955125739;
    double small = fmin(p, 1.0 - p), size;
    if (small == 0.0) return p == 0.0 ? -INF_ : INF_;
    if (small > 0.25) {
        double area = 2.0 * fabs(p - 0.5), x = area / c;
        for (int i = 0; i < 8; i++) {
            double step = (erf(x) - area) / (c * exp(-x * x));
            step = step / (1.0 + x * step);
            x -= step;
            if (fabs(step) <= 1e-17 * fabs(x)) break;
        }
        size = x * 1.4142135623730950488;
    } else {
        double target = log(small), t = sqrt(-2.0 * target);
        size = t - (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + 0.04481 * t));
        for (int i = 0; i < 8; i++) {
            double tail = nd_ln_upper(size), density = -0.5 * size * size - 0.91893853320467274178;
            double step = (tail - target) * exp(tail - density);
            size += step;
            if (fabs(step) <= 2e-16 * size) break;
        }
    }
    return p > 0.5 ? size : -size;
}

__device__ double nd_digamma(double x) {
    if (!(x > 0.0)) return NAN_;
    double z = x, high = 0.0, low = 0.0;
    while (z < 10.0) {
        double b = 1.0 / z, sum = high + b, back = sum - high;
        low += (high - (sum - back)) + (b - back);
        high = sum;
        z += 1.0;
    }
    if (isinf(high)) return -high;
    const double c[8] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12, -3617.0 / 8160};
    double inverse = 1.0 / z, square = inverse * inverse, series = 0.0;
    for (int k = 7; k >= 0; k--) series = series * square + c[k];
    return (log(z) - high) - (low + (0.5 * inverse + series * square));
}

__device__ double nd_trigamma(double x) {
    if (!(x > 0.0)) return NAN_;
    double z = x, shift = 0.0;
    while (z < 10.0) {
        double inverse = 1.0 / z;
        shift += inverse * inverse;
        z += 1.0;
    }
    const double c[9] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798};
    double inverse = 1.0 / z, square = inverse * inverse, series = 0.0;
    for (int k = 8; k >= 0; k--) series = series * square + c[k];
    return shift + (inverse + (0.5 * square + series * square * inverse));
}

__device__ double nd_stirling_error(double z) {
    if (!(z >= 0.0)) return NAN_;
    const double whole[11] = {0.08106146679532725822, 0.041340695955409294094, 0.027677925684998339149,
        0.020790672103765093112, 0.016644691189821192163, 0.013876128823070747999, 0.011896709945891770095,
        0.010411265261972096497, 0.0092554621827127329177, 0.0083305634333628712565, 0.007573675487951840795};
    if (z == trunc(z) && z >= 1.0 && z < 12.0) return whole[(int)z - 1];
    double shift = 0.0;
    while (z < 12.0) {
        double inverse = 1.0 / z;
        if (z > 2.0) shift += 0.5 * inverse - (z + 0.5) * nd_x_minus_log1p(inverse);
        else if (z < 1.0) shift += (z + 0.5) * (log1p(z) - log(z)) - 1.0;
        else shift += (z + 0.5) * log1p(inverse) - 1.0;
        z += 1.0;
    }
    const double c[9] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
        -3617.0 / 122400, 43867.0 / 244188};
    double inverse = 1.0 / z, square = inverse * inverse, series = 0.0;
    for (int k = 8; k >= 0; k--) series = series * square + c[k];
    return shift + series * inverse;
}

__device__ double nd_log_gamma(double x) {
    return lgamma(x);
}

__device__ __forceinline__ double nd_sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }
__device__ __forceinline__ double nd_not(double x) { return isnan(x) ? x : (x == 0.0 ? 1.0 : 0.0); }
__device__ __forceinline__ double nd_truth(double x) { return isnan(x) ? x : (x != 0.0 ? 1.0 : 0.0); }
__device__ __forceinline__ double nd_compare(bool b, double x, double y) {
    return (isnan(x) || isnan(y)) ? NAN_ : (b ? 1.0 : 0.0);
}

__device__ double nd_whole_power(double x, int n) {
    if (n == 0) return 1.0;
    if (n == 1) return x;
    if (n == 2) return x * x;
    return pow(x, (double)n);
}

__device__ double nd_power(double x, double y) {
    if (y == trunc(y) && fabs(y) <= 1024.0) return nd_whole_power(x, (int)y);
    if (x < 0.0 && isinf(y)) return NAN_;
    return pow(x, y);
}

__device__ double nd_modulo(double x, double y) {
    if (isnan(x) || isnan(y) || y == 0.0 || isinf(x)) return NAN_;
    if (isinf(y)) return (x == 0.0 || (x > 0.0) == (y > 0.0)) ? x : y;
    double rest = fma(-floor(x / y), y, x);
    return rest - floor(rest / y) * y;
}

__device__ double nd_integer_quotient(double x, double y) {
    double plain = x / y;
    if (y == 0.0 || isnan(plain) || isinf(plain)) return plain;
    if (isinf(y)) return (x == 0.0 || (x > 0.0) == (y > 0.0)) ? 0.0 : -1.0;
    double whole = floor(plain);
    return whole + floor(fma(-whole, y, x) / y);
}

__device__ __forceinline__ double nd_and(double x, double y) {
    if (x == 0.0 || y == 0.0) return 0.0;
    return nd_compare(true, x, y);
}
__device__ __forceinline__ double nd_or(double x, double y) {
    bool a = !isnan(x) && x != 0.0, b = !isnan(y) && y != 0.0;
    return (a || b) ? 1.0 : nd_compare(false, x, y);
}
__device__ __forceinline__ double nd_min(double x, double y) { return (isnan(x) || x <= y) ? x : y; }
__device__ __forceinline__ double nd_max(double x, double y) { return (isnan(x) || x >= y) ? x : y; }
__device__ __forceinline__ double nd_min_known(double x, double y) { return (isnan(y) || x <= y) ? x : y; }
__device__ __forceinline__ double nd_max_known(double x, double y) { return (isnan(y) || x >= y) ? x : y; }
__device__ __forceinline__ double nd_select(double c, double yes, double no) {
    return isnan(c) ? NAN_ : (c != 0.0 ? yes : no);
}

// Powers of ten are exact to 1e22; beyond, pow is right to an ulp or two, as is what it is compared with.
__device__ double nd_ten(int n) { return pow(10.0, (double)n); }

__device__ double nd_round(double x, int digits) {
    if (isnan(x) || isinf(x) || x == 0.0 || digits > 323) return x;
    if (digits < -308) return 0.0;
    if (digits == 0) return rint(x);
    double size = fabs(x), exponent = floor(log2(size));
    if ((exponent + 0.5) * 0.30102999566398119521 + digits > 15.0) return x;
    int least = abs(digits) < 308 ? abs(digits) : 308;
    double scale = nd_ten(least), more = digits > 308 ? nd_ten(digits - 308) : 1.0;
    double scaled = digits > 0 ? size * scale * more : size / scale;
    double low = floor(scaled), below, above;
    if (digits > 308) { below = low / scale / more; above = ceil(scaled) / scale / more; }
    else if (digits > 0) { below = low / scale; above = ceil(scaled) / scale; }
    else { below = low * scale; above = ceil(scaled) * scale; }
    double down = size - below, up = above - size;
    double rounded = (down < up || (down == up && fmod(low, 2.0) == 0.0)) ? below : above;
    return copysign(rounded, x);
}
