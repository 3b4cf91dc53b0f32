"""One peer in Python on one problem: python glmnet.py PROBLEM PEER REPS

Prints one JSON line {problem, peer, seconds, peak_kb, threads}. A fit that takes less than a second is run once
beforehand, so that caches are warm. Data are in memory before the clock starts.
"""

from pathlib import Path

import numpy as np

from timing import main

DATA = Path(__file__).resolve().parent.parent / "data"
SHAPES = {
    "enet_wide": ("enet_1000x100000.f64", 1000, 100_000),
    "enet_wide_exact": ("enet_1000x100000.f64", 1000, 100_000),
    "enet_wide_binomial": ("enet_1000x100000.f64", 1000, 100_000),
    "enet_ar99": ("enet_ar99_1000x20000.f64", 1000, 20_000),
    "enet_ar99_binomial": ("enet_ar99_50000x200.f64", 50_000, 200),
    "enet_large_cv": ("enet_250000x800.f64", 250_000, 800),
}


def sparse():
    """The columns and the response of enet_sparse."""
    from scipy.sparse import csc_matrix

    n, p = 5000, 100_000
    with open(DATA / "enet_sparse_5000x100000.csc", "rb") as f:
        starts = np.fromfile(f, "<i4", p + 1)
        rows = np.fromfile(f, "<i4", starts[-1])
        values = np.fromfile(f, "<f8", starts[-1])
        y = np.fromfile(f, "<f8", n)
    return csc_matrix((values, rows, starts), shape=(n, p)), y


def dense(problem):
    """The columns, and the responses of a Gaussian and a binomial model."""
    name, n, p = SHAPES.get(problem, ("enet_50000x200.f64", 50_000, 200))
    raw = np.fromfile(DATA / name, dtype="<f8").reshape((n, p + 2), order="F")
    return np.asfortranarray(raw[:, :p]), raw[:, p].copy(), raw[:, p + 1].copy()


def prepare(problem, peer):
    """What the clock runs."""
    if peer == "parquet":
        import pyarrow.parquet as pq

        return lambda: [len(b) for b in pq.ParquetFile(DATA / "enet_1e7x50.parquet").iter_batches(batch_size=1 << 16)]
    x, y, *z = sparse() if problem == "enet_sparse" else dense(problem)
    if peer == "gram":
        return lambda: x.T @ x
    if peer == "adelie":
        import adelie as ad

        family = ad.glm.binomial(z[0]) if "binomial" in problem else ad.glm.gaussian(y)
        columns = ad.matrix.sparse(x, method="naive", n_threads=2) if problem == "enet_sparse" else x
        tol = {"tol": 1e-12} if problem == "enet_wide_exact" else {}
        return lambda: ad.grpnet(columns, family, n_threads=2, progress_bar=False, **tol)
    if peer == "celer":
        from celer import celer_path

        centred = y - y.mean()
        return lambda: celer_path(x, centred, pb="lasso", eps=1e-2 if len(y) < x.shape[1] else 1e-4, n_alphas=100)
    if peer == "scikit-learn":
        from sklearn.linear_model import lasso_path

        centred = y - y.mean()
        return lambda: lasso_path(x, centred, n_alphas=100, eps=1e-4)
    raise ValueError(f"unknown peer {peer}")


if __name__ == "__main__":
    main(prepare)
