"""Peers of `bench_device` on a machine with an NVIDIA GPU: `device.py [PROBLEM ...]` prints a JSON line for each.

torch and CuPy in double precision, written out by hand as their users would: gram, Cholesky, residuals and standard errors;
logistic regression by Newton's method until the deviance settles to 1e-8. Data are made on the device; scikit-learn and
statsmodels get theirs in the host's memory and all of its cores.
"""

import json
import os
import sys
import time

import numpy as np

PROBLEMS = {
    "lm_1e6x256": (1_000_000, 256, False),
    "lm_1e7x16": (10_000_000, 16, False),
    "lm_250000x800": (250_000, 800, False),
    "logistic_1e7x16": (10_000_000, 16, True),
    "logistic_1e6x256": (1_000_000, 256, True),
}
COMPONENTS = {"pca_10000x1000_host": (10_000, 1_000), "pca_50000x200_host": (50_000, 200)}
# peers on the host take minutes elsewhere
HOST = {"scikit-learn": ["lm_1e7x16", "lm_250000x800", "logistic_1e7x16"], "statsmodels": ["lm_1e7x16", "logistic_1e7x16"]}


def data(xp, random, n, p, binary):
    x = random((n, p))
    b = xp.asarray([j % 7 * 0.1 / p**0.5 for j in range(p)])
    eta = x @ b
    noise = random((n,))
    if binary:
        return x, ((eta + 1.8 * noise) > 0) * 1.0
    return x, eta + noise


def least_squares(xp, x, y):
    n, p = x.shape
    ones = xp.ones((n, 1), dtype=x.dtype)
    z = xp.concatenate([ones, x], 1)
    gram = z.T @ z
    inverse = xp.linalg.inv(gram)
    beta = inverse @ (z.T @ y)
    r = y - z @ beta
    sigma2 = (r * r).sum() / (n - p - 1)
    return beta, (sigma2 * xp.diagonal(inverse)) ** 0.5


def logistic(xp, x, y, absolute=abs):
    n, p = x.shape
    z = xp.concatenate([xp.ones((n, 1), dtype=x.dtype), x], 1)
    beta = xp.zeros(p + 1, dtype=x.dtype)
    before = None
    for _ in range(25):
        eta = z @ beta
        mu = 1 / (1 + xp.exp(-eta))
        deviance = float(2 * (xp.logaddexp(eta * 0, eta) - y * eta).sum())
        if before is not None and absolute(before - deviance) < 1e-8 * (deviance + 0.1):
            break
        before = deviance
        w = mu * (1 - mu)
        inverse = xp.linalg.inv(z.T @ (z * w[:, None]))
        beta = beta + inverse @ (z.T @ (y - mu))
    return beta, xp.diagonal(inverse) ** 0.5


def timed(run, reps):
    seconds = []
    for _ in range(reps):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    seconds = sorted(seconds[1:] if reps > 1 else seconds)
    return seconds[len(seconds) // 2]


def on_torch(n, p, binary):
    import torch

    def random(shape):
        return torch.randn(shape, dtype=torch.float64, device="cuda")

    torch.concatenate = torch.cat
    asarray = torch.asarray
    torch.asarray = lambda v: asarray(v, dtype=torch.float64, device="cuda")
    ones, zeros = torch.ones, torch.zeros
    torch.ones = lambda s, dtype: ones(s, dtype=dtype, device="cuda")
    torch.zeros = lambda s, dtype: zeros(s, dtype=dtype, device="cuda")
    x, y = data(torch, random, n, p, binary)
    fit = logistic if binary else least_squares

    def run():
        [v.cpu() for v in fit(torch, x, y)]

    seconds = timed(run, 6)
    torch.asarray, torch.ones, torch.zeros = asarray, ones, zeros
    return seconds


def on_cupy(n, p, binary):
    import cupy

    def random(shape):
        return cupy.random.standard_normal(shape, dtype=cupy.float64)

    x, y = data(cupy, random, n, p, binary)
    fit = logistic if binary else least_squares

    def run():
        [cupy.asnumpy(v) for v in fit(cupy, x, y)]

    seconds = timed(run, 6)
    del x, y
    cupy.get_default_memory_pool().free_all_blocks()
    return seconds


def on_host(peer, n, p, binary):
    random = np.random.default_rng(1).standard_normal
    x, y = data(np, random, n, p, binary)
    if peer == "scikit-learn":
        from sklearn.linear_model import LinearRegression, LogisticRegression

        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=200) if binary else LinearRegression()
        return timed(lambda: model.fit(x, y), 1)
    import statsmodels.api as sm

    z = sm.add_constant(x)
    if binary:
        return timed(lambda: sm.GLM(y, z, family=sm.families.Binomial()).fit().bse, 1)
    return timed(lambda: sm.OLS(y, z).fit(method="qr").bse, 1)


def components_on_torch(n, p):
    """All components and scores, from the host's memory and back."""
    import torch

    x = torch.randn((p, n), dtype=torch.float64).T

    def run():
        z = x.cuda()
        z = z - z.mean(0)
        values, axes = torch.linalg.eigh(z.T @ z)
        axes = axes.flip(1)
        sdev = (values.flip(0) / (n - 1)) ** 0.5
        return [v.cpu() for v in (sdev, axes, z @ axes)]

    return timed(run, 6)


def main():
    wanted = sys.argv[1:] or list(PROBLEMS) + list(COMPONENTS)
    for problem in wanted:
        if problem in COMPONENTS:
            line = {"problem": problem, "peer": "torch", "cores": os.cpu_count()}
            try:
                line["seconds"] = round(components_on_torch(*COMPONENTS[problem]), 6)
            except Exception as error:
                line["error"] = str(error)[:200]
            print(json.dumps(line), flush=True)
            continue
        n, p, binary = PROBLEMS[problem]
        peers = {"torch": lambda: on_torch(n, p, binary), "cupy": lambda: on_cupy(n, p, binary)}
        for peer, problems in HOST.items():
            if problem in problems:
                peers[peer] = lambda peer=peer: on_host(peer, n, p, binary)
        for peer, run in peers.items():
            line = {"problem": problem, "peer": peer, "cores": os.cpu_count()}
            try:
                line["seconds"] = round(run(), 6)
            except Exception as error:
                line["error"] = str(error)[:200]
            print(json.dumps(line), flush=True)


main()
