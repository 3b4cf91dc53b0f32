"""Writes claims_exact.json: generalized linear models whose coefficients and standard errors are known to 40 digits, to hold
against them the digits that a fit claims.

Needs mpmath (PyPI). Run from the repository's root:

    python3 accuracy/oracle/claims_exact.py

Data are drawn at random, of the kinds on which a claim may go wrong: rows of tiny weight, groups whose means are far from the
others', successes with few failures, columns far from zero, decimals. The solution is Fisher scoring in 70 digits. Each answer
is a pair of doubles, the number rounded and what that leaves.
"""
import json
import random

from mpmath import mp, mpf, exp, expm1, atan, pi, sqrt, ncdf, npdf

mp.dps = 70

LINKS = {
    "identity": (lambda e: e, lambda e: mpf(1)),
    "log": (exp, exp),
    "inverse": (lambda e: 1 / e, lambda e: -1 / e**2),
    "1/mu^2": (lambda e: 1 / sqrt(e), lambda e: -1 / (2 * e * sqrt(e))),
    "sqrt": (lambda e: e**2, lambda e: 2 * e),
    "logit": (lambda e: 1 / (1 + exp(-e)), lambda e: exp(-abs(e)) / (1 + exp(-abs(e))) ** 2),
    "probit": (ncdf, npdf),
    "cauchit": (lambda e: atan(e) / pi + mpf(1) / 2, lambda e: 1 / (pi * (1 + e * e))),
    "cloglog": (lambda e: -expm1(-exp(e)), lambda e: exp(e - exp(e))),
}
VARIANCES = {
    "binomial": lambda m: m * (1 - m),
    "poisson": lambda m: m,
    "gaussian": lambda m: mpf(1),
    "Gamma": lambda m: m**2,
    "inverse.gaussian": lambda m: m**3,
}
BASE = {"quasipoisson": "poisson", "quasibinomial": "binomial"}
FAMILIES = [("binomial", link) for link in ("logit", "probit", "cauchit", "cloglog")] + [
    ("poisson", "log"),
    ("poisson", "sqrt"),
    ("gaussian", "log"),
    ("gaussian", "inverse"),
    ("gaussian", "identity"),
    ("Gamma", "inverse"),
    ("Gamma", "log"),
    ("Gamma", "identity"),
    ("inverse.gaussian", "1/mu^2"),
    ("inverse.gaussian", "log"),
    ("quasipoisson", "log"),
    ("quasibinomial", "logit"),
]
KINDS = ["plain", "weights", "group", "far", "counts", "small", "decimal"]


def solved(x, y, w, family, link, start):
    """Coefficients and standard errors; None where the steps do not settle."""
    mean, slope = LINKS[link]
    variance = VARIANCES[BASE.get(family, family)]
    p, b = len(x[0]), [mpf(v) for v in start]
    for step in range(200):
        gram, score, pearson = mp.matrix(p), mp.matrix(p, 1), mpf(0)
        for row, yi, wi in zip(x, y, w):
            eta = sum(a * c for a, c in zip(row, b))
            m, d = mean(eta), slope(eta)
            v = variance(m)
            if not (isinstance(m, mpf) and v > 0) or (m <= 0 and family != "gaussian"):
                return None
            pearson += wi * (yi - m) ** 2 / v
            for i in range(p):
                score[i] += row[i] * wi * (yi - m) * d / v
                for j in range(p):
                    gram[i, j] += row[i] * row[j] * wi * d * d / v
        inverse = gram**-1
        delta = inverse * score
        if step and max(abs(delta[i]) * sqrt(gram[i, i]) for i in range(p)) < mpf(10) ** -45:
            phi = mpf(1) if family in ("binomial", "poisson") else pearson / (len(y) - p)
            return b, [sqrt(phi * inverse[i, i]) for i in range(p)]
        b = [b[i] + delta[i] for i in range(p)]
        if max(abs(v) for v in b) > 1e6:
            return None
    return None


def drawn(r):
    """A model and its data."""
    family, link = r.choice(FAMILIES)
    kind, n, base = r.choice(KINDS), r.choice([8, 12, 20]), BASE.get(family, family)
    if kind in ("group", "small"):
        columns = [[float(i % 2) for i in range(n)]]
    elif kind == "far":
        columns = [[1000.0 + r.randint(-8, 8) / 4 for _ in range(n)]]
    elif kind == "decimal":
        columns = [[round(r.gauss(0, 1), 3) for _ in range(n)], [round(r.random(), 2) for _ in range(n)]]
    else:
        columns = [[r.randint(-8, 8) / 8 for _ in range(n)]]
        if r.random() < 0.5:
            columns.append([float(r.randint(0, 5)) for _ in range(n)])
    slopes = [r.choice([-0.25, 0.125, 0.5]) * (0.001 if kind == "far" else 1) for _ in columns]
    start = [r.choice([0.5, 1.0, 1.5])] + slopes
    rows = [[1.0] + [c[i] for c in columns] for i in range(n)]
    w = [1.0] * n
    if kind == "weights" or (kind == "group" and r.random() < 0.5):
        tiny = 2.0 ** -r.randint(5, 40)
        w = [tiny if row[1] > 0 else 1.0 for row in rows]
    small = 2.0 ** -r.randint(4, 20)
    model = {"kind": kind, "family": family, "link": link, "columns": columns}
    if base == "binomial" and kind in ("counts", "weights", "group", "small"):
        trials = 10 ** r.choice([2, 4, 6, 9, 12])
        failures = [r.randint(1, 10) for _ in range(n)]
        successes = [trials - f for f in failures]
        if r.random() < 0.3:
            successes, failures = failures, successes
        model.update(successes=successes, failures=failures)
        y = [mpf(s) / trials for s in successes]
        weights = [mpf(trials) * mpf(v) for v in w]
        guess = 0.5 if link != "cauchit" else 1.0
        start = [guess] + [0.0] * len(columns)
        # from the mean of all
        share = sum(y) / n
        if link == "logit":
            start[0] = mp.log(share / (1 - share))
        elif link == "probit":
            start[0] = mp.findroot(lambda e: ncdf(e) - share, -3 if share < 0.5 else 3)
        elif link == "cauchit":
            start[0] = mp.tan(pi * (share - mpf(1) / 2))
        else:
            start[0] = mp.log(-mp.log1p(-share))
    else:
        if base == "binomial":
            chance = [1 / (1 + exp(-sum(a * b for a, b in zip(start, row)))) for row in rows]
            own = [float(r.random() < c) for c in chance]
            start = [0.0] * len(start)
            if r.random() < 0.4:
                w = [float(r.choice([10, 1000, 10**6])) for _ in range(n)]
                own = [r.randint(1, int(t) - 1) / t for t in w]
                model["kind"] = "shares"
        else:
            own = []
            for row in rows:
                v = max(1 / 16, round(r.uniform(0.3, 3) * 16) / 16)
                if base == "poisson":
                    v = float(r.randint(0, 9))
                own.append(v * small if kind == "small" and row[1] == 1 else v)
            mean = sum(own) / n
            start = [0.0] * len(start)
            inverse = {"identity": mean, "log": mp.log(mean), "inverse": 1 / mean, "1/mu^2": mean**-2, "sqrt": mean**0.5}
            start[0] = inverse[link]
        model["y"] = own
        y, weights = [mpf(v) for v in own], [mpf(v) for v in w]
    if any(v != 1 for v in w):
        model["weights"] = w
    found = solved([[mpf(v) for v in row] for row in rows], y, weights, family, link, start)
    if found is None:
        return None

    def pair(v):
        high = float(v)
        return [high, float(v - mpf(high))]

    model["coefficients"] = [pair(v) for v in found[0]]
    model["std_errors"] = [pair(v) for v in found[1]]
    return model


r = random.Random(17)
models = []
while len(models) < 240:
    try:
        model = drawn(r)
    except (ZeroDivisionError, ValueError, ArithmeticError):
        continue
    if model is not None:
        models.append(model)
with open("accuracy/oracle/claims_exact.json", "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(m, separators=(",", ":")) for m in models) + "\n]\n")
