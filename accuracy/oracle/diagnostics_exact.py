"""Writes diagnostics_exact.json: linear models with what is known of them to 40 digits: coefficients, standard errors (ordinary, robust,
clustered), standard errors of predictions, leverages and deletion diagnostics.

Needs mpmath (PyPI). Run from the repository's root:

    python3 accuracy/oracle/diagnostics_exact.py

Data are drawn at random, of the kinds on which rounding is amplified: columns that nearly agree, rows far from all others, means far
from zero, small weights, residuals that are nearly nothing. Answers are for the doubles, of decimals also for what was written. Each is a
pair of doubles, the number rounded and what that leaves.
"""
import json
import random

from mpmath import mp, mpf, sqrt

mp.dps = 80

KINDS = ["plain", "decimal", "decimals agree", "agree", "far", "two far", "means", "weights", "exact"]


def drawn(r, kind):
    """Columns, response, weights, clusters and three new rows."""
    n = r.randint(8, 14)
    x = [float(r.randint(-20, 20)) for _ in range(n)]
    z = [float(r.randint(-5, 5)) for _ in range(n)]
    y = [float(r.randint(-30, 30)) for _ in range(n)]
    w = [1.0] * n
    if kind == "decimal":
        x = [v / 10 for v in x]
        y = [v / 100 for v in y]
    if kind == "decimals agree":
        k = 10.0 ** r.randint(0, 4)
        x = [v / 10 for v in x]
        z = [round(k * a + r.randint(-3, 3) / 10, 4) for a in x]
        y = [v / 100 for v in y]
    if kind == "agree":
        k = 10.0 ** r.randint(2, 6)
        z = [k * a + r.randint(-3, 3) for a in x]
    if kind in ("far", "two far", "weights"):
        x[0] = 10.0 ** r.randint(3, 7)
    if kind == "two far":
        z[1] = 10.0 ** r.randint(2, 6)
    if kind == "means":
        mean, k = 10.0 ** r.randint(3, 8), 10.0 ** r.randint(0, 5)
        x = [mean + v for v in x]
        z = [k * a + r.randint(-3, 3) for a in x]
    if kind == "weights":
        w = [r.choice([1.0, 2.0, 4.0, 0.25, 2.0**-20]) for _ in range(n)]
    if kind == "exact":
        y = [3 * a - 2 * b + 2.0**-30 * r.randint(-9, 9) for a, b in zip(x, z)]
    new = [[r.choice(x) + r.randint(-3, 3), r.choice(z) + r.randint(-2, 2)] for _ in range(3)]
    return x, z, y, w, [float(i % 4) for i in range(n)], new


def inner(a, b):
    return sum(s * t for s, t in zip(a, b))


def solved(x, z, y, w, clusters, new, number=mpf):
    rows = [[mpf(1), number(a), number(b)] for a, b in zip(x, z)]
    y, w = [number(v) for v in y], [mpf(v) for v in w]
    n, p = len(rows), 3
    gram = mp.matrix(p)
    for row, wi in zip(rows, w):
        for i in range(p):
            for j in range(p):
                gram[i, j] += wi * row[i] * row[j]
    inverse = gram**-1
    beta = [sum(inverse[i, j] * inner(w, [row[j] * yi for row, yi in zip(rows, y)]) for j in range(p)) for i in range(p)]
    left_over = [yi - inner(row, beta) for row, yi in zip(rows, y)]
    rss = inner(w, [v * v for v in left_over])
    df = n - p
    s2 = rss / df
    quadratic = lambda row: sum(row[i] * inverse[i, j] * row[j] for i in range(p) for j in range(p))
    out = {"coefficients": beta, "std_errors": [sqrt(s2 * inverse[i, i]) for i in range(p)]}
    out["se_fit"] = [sqrt(s2 * quadratic([mpf(1), mpf(a), mpf(b)])) for a, b in new]
    hat = [wi * quadratic(row) for row, wi in zip(rows, w)]
    left = [1 - h for h in hat]
    without = [sqrt((rss - wi * e * e / l) / (df - 1)) for wi, e, l in zip(w, left_over, left)]
    standard = [sqrt(wi) * e / sqrt(s2 * l) for wi, e, l in zip(w, left_over, left)]
    out["hat"], out["sigma"], out["standardized"] = hat, without, standard
    out["cooks"] = [t * t * h / (l * p) for t, h, l in zip(standard, hat, left)]
    out["studentized"] = [sqrt(wi) * e / (s * sqrt(l)) for wi, e, s, l in zip(w, left_over, without, left)]

    def sandwich(scores, factor):
        moved = [[inner([inverse[i, j] for j in range(p)], s) for i in range(p)] for s in scores]
        return [sqrt(factor * sum(m[i] ** 2 for m in moved)) for i in range(p)]

    for name, power in (("HC0", 0), ("HC2", mpf(1) / 2), ("HC3", 1)):
        scores = [[wi * e / l**power * v for v in row] for row, wi, e, l in zip(rows, w, left_over, left)]
        out[name] = sandwich(scores, 1)
    groups = sorted(set(clusters))
    scores = [
        [sum(wi * e * row[i] for row, wi, e, c in zip(rows, w, left_over, clusters) if c == g) for i in range(p)] for g in groups
    ]
    g = mpf(len(groups))
    out["cluster"] = sandwich(scores, g / (g - 1) * (n - 1) / df)
    return out


def pair(v):
    high = float(v)
    return [high, float(v - mpf(high))]


r = random.Random(1717)
models = []
while len(models) < 72:
    kind = KINDS[len(models) % len(KINDS)]
    x, z, y, w, clusters, new = drawn(r, kind)
    try:
        found = solved(x, z, y, w, clusters, new)
    except (ZeroDivisionError, ValueError):
        continue
    if any(not isinstance(v, mpf) for values in found.values() for v in values):
        continue
    if kind.startswith("decimal"):
        # the shortest decimal that is read as a double is what was written
        written = solved(x, z, y, w, clusters, new, lambda v: mpf(repr(v)))
        found |= {name + "_written": written[name] for name in ("coefficients", "std_errors")}
    model = {"kind": kind, "x": x, "z": z, "y": y, "w": w, "clusters": clusters, "new": new}
    models.append(model | {name: [pair(v) for v in values] for name, values in found.items()})
with open("accuracy/oracle/diagnostics_exact.json", "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(m, separators=(",", ":")) for m in models) + "\n]\n")
