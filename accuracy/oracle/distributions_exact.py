"""Checks distributions.json (R's values) in 40 digit arithmetic and writes distributions_exact.json.

Needs mpmath (PyPI). Run from the repository's root after distributions.R:

    python3 accuracy/oracle/distributions_exact.py

The output lists every point at which R is off by more than 1e-13 relative, with the value rounded from 40 digits and
R's error. Tails are the density of the log-odds (or log) times the integral of the density relative to its edge, by a
double exponential rule whose step is halved until two agree to 30 digits.
"""
import json
import sys

from mpmath import mp, mpf, exp, log, log1p, expm1, loggamma, erfc, sqrt, pi

mp.dps = 40


def integral(scale, exponent):
    """Integral of exp(-exponent(s)) over s > 0; exponent convex."""

    def trapezoid(h, offset):
        total = mpf(0)
        t = mpf(-5) + offset
        while True:
            e = exp(-t)
            s = scale * exp(t - e)
            height = exponent(s)
            if height > 95 and t > -1:
                return total
            total += exp(-height) * s * (1 + e)
            t += h

    h = mpf(1) / 16
    total = trapezoid(h, 0)
    value = total * h
    for _ in range(6):
        total += trapezoid(h, h / 2)
        h /= 2
        finer = total * h
        if abs(finer - value) < mpf(10) ** -28 * finer:
            return finer
        value = finer
    raise ArithmeticError("the rule does not converge")


def gamma_tails(a, x):
    density = exp(a * log(x) - x - loggamma(a))
    sign = 1 if x >= a else -1
    slope = abs(x - a)
    scale = 2 / (slope + sqrt(slope**2 + 2 * x))
    value = density * integral(scale, lambda s: slope * s + x * (expm1(sign * s) - sign * s))
    return (1 - value, value, density) if sign > 0 else (value, 1 - value, density)


def beta_tails(a, b, ratio):
    n = a + b
    odds = a / b * ratio
    x, y = odds / (1 + odds), 1 / (1 + odds)
    density = exp(a * log(x) + b * log(y) + loggamma(n) - loggamma(a) - loggamma(b))
    drift = n * x - a
    sign = 1 if drift >= 0 else -1
    slope = abs(drift)
    scale = 2 / (slope + sqrt(slope**2 + 2 * n * x * y))
    value = density * integral(scale, lambda s: n * log1p(x * expm1(sign * s)) - sign * a * s)
    return (1 - value, value, density) if sign > 0 else (value, 1 - value, density)


def tails(name, x, df):
    """Lower tail, upper tail, and the density of log x."""
    if name == "chi_squared":
        return gamma_tails(df[0] / 2, x / 2)
    if name == "f":
        return beta_tails(df[0] / 2, df[1] / 2, x)
    if name == "normal":
        return erfc(-x / sqrt(mpf(2))) / 2, erfc(x / sqrt(mpf(2))) / 2, x * exp(-x * x / 2) / sqrt(2 * pi)
    if x == 0:
        return mpf(1) / 2, mpf(1) / 2, mpf(0)
    _, outside, density = beta_tails(mpf(1) / 2, df[0] / 2, x * x)
    outside, density = outside / 2, density  # d(outside)/d(log t) = -density_of_log_F * 2 / 2
    return (1 - outside, outside, density) if x > 0 else (outside, 1 - outside, density)


def solve(name, p, lower, df, start):
    if p > mpf(1) / 2:
        p, lower = 1 - p, not lower
    symmetric = name in ("normal", "student")
    sign = 1
    if symmetric:
        if p == mpf(1) / 2:
            return mpf(0)
        sign, lower = (-1 if lower else 1), False
    middle = symmetric and p > mpf("0.3")
    x = abs(start) if symmetric else start
    if x == 0:
        x = mpf("2.5") * abs(p - mpf(1) / 2)
    low, high = mpf(0), mpf("inf")
    for _ in range(200):
        below, above, density = tails(name, x, df)
        if middle:
            value, target, slope = 1 - 2 * above, 1 - 2 * p, 2 * density
        else:
            value, target, slope = (below, p, density) if lower else (above, p, -density)
        rising = lower or middle
        if (value > target) == rising:
            high = min(high, x)
        else:
            low = max(low, x)
        step = log(value / target) * value / slope
        bound = 3 + abs(log(x)) / 2
        step = max(-bound, min(bound, step))
        x2 = x * exp(-step)
        if not low <= x2 <= high:
            x2 = sqrt(low * high) if low > 0 and high < mpf("inf") else x2
        if abs(x2 / x - 1) < mpf(10) ** -22:
            return sign * x2
        x = x2
    raise ArithmeticError(f"no convergence for {name} {p} {df}")


def exact(call, args, r):
    values = [mpf(float(a)) for a in args]
    name = "chi_squared" if call.startswith("chi") else call.split("_")[0]
    lower = call.endswith("lower")
    if "quantile" in call:
        start = mpf(float(r))
        return solve(name, values[0], lower, values[1:], start)
    below, above, _ = tails(name, values[0], values[1:])
    value = below if lower else above
    if "_ln_" in call:
        other = above if lower else below
        return log1p(-other) if other < mpf(1) / 2 else log(value)
    return value


def main():
    points = json.load(open("accuracy/oracle/distributions.json"))
    # The hard cases of the two rules against mpmath's own hypergeometric series.
    check = beta_tails(mpf("0.5"), mpf("7.65"), mpf(9))[1] - mp.betainc(mpf("0.5"), mpf("7.65"), 9 / mpf("24.3"), 1, regularized=True)
    assert abs(check) < mpf(10) ** -25, check
    check = gamma_tails(mpf(3), mpf(20))[1] - mp.gammainc(3, 20, regularized=True)
    assert abs(check) < mpf(10) ** -25, check
    rows = []
    for done, point in enumerate(points):
        r = float(point["value"])
        value = exact(point["call"], point["args"], r)
        if abs(value) < 2.3e-308:
            assert abs(r) < 2.3e-308  # zero as a double, or subnormal
            continue
        error = abs(mpf(r) / value - 1)
        if error > 1e-13:
            rows.append(dict(call=point["call"], args=point["args"], value=repr(float(value)), r_error=f"{float(error):.1e}"))
        if done % 500 == 0:
            print(done, len(rows), file=sys.stderr, flush=True)
    with open("accuracy/oracle/distributions_exact.json", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(len(rows), "points at which R is off by more than 1e-13")


main()
