"""One peer in Python on one problem: python prcomp.py PROBLEM PEER REPS

Prints one JSON line {problem, peer, seconds, peak_kb, threads}. A fit that takes less than a second is run once
beforehand, so that caches are warm. Data are in memory before the clock starts, except where reading is the problem.
"""

from pathlib import Path

import numpy as np

from timing import main

DATA = Path(__file__).resolve().parent.parent / "data"


def matrix(problem):
    if problem in ("pca_tall", "pca_steep"):
        name, n, p = {"pca_tall": "pca", "pca_steep": "pca_steep"}[problem] + "_10000x1000.f64", 10_000, 1000
    else:
        name, n, p = "dense_50000x200.f64", 50_000, 200
    raw = np.fromfile(DATA / name, dtype="<f8", count=n * p)
    return raw.reshape((n, p), order="F")


def prepare(problem, peer):
    """What the clock runs."""
    if problem == "pca_parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pa.set_cpu_count(2)
        pa.set_io_thread_count(2)
        path = DATA / "pca_1e6x50.parquet"

        def batches():
            rows = 0
            for batch in pq.ParquetFile(path).iter_batches(use_threads=True):
                rows += batch.num_rows
            assert rows == 1_000_000

        return {"pyarrow batches": batches, "pyarrow read_table": lambda: pq.read_table(path)}[peer]
    from sklearn.decomposition import PCA

    x = matrix(problem)
    solver = peer.removeprefix("scikit-learn ")
    k = 8 if problem == "pca_rank8" else None
    return lambda: PCA(n_components=k, svd_solver=solver, tol=1e-9, random_state=1).fit_transform(x)


if __name__ == "__main__":
    main(prepare, always_warm=("pca_parquet",))
