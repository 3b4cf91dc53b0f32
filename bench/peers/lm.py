"""One peer in Python on one problem: python lm.py PROBLEM PEER REPS

Prints one JSON line {problem, peer, seconds, peak_kb, threads}. A fit that takes less than a second is run once
beforehand, so that caches are warm. Data are in memory before the clock starts, except where reading is the problem.
"""

from pathlib import Path

import numpy as np

from timing import main

DATA = Path(__file__).resolve().parent.parent / "data"
SIZES = {"dense": (50_000, 200), "wide": (20_000, 2_500), "wider": (20_000, 6_000)}


def dense(problem):
    n, p = SIZES[problem]
    raw = np.fromfile(DATA / f"dense_{n}x{p}.f64", dtype="<f8").reshape((n, p + 1), order="F")
    return raw[:, :p], raw[:, p]


def flights():
    import pandas as pd

    frame = pd.read_csv(DATA / "flights.csv").dropna()
    day = (frame["month"].astype(int).astype(str) + " " + frame["day"].astype(int).astype(str)).astype("category")
    x = pd.DataFrame({"dep_delay": frame["dep_delay"].astype(float), "day": day})
    return x, frame["arr_delay"].to_numpy(dtype=float)


def one_hot(x):
    import scipy.sparse as sp

    codes = x["day"].cat.codes.to_numpy()
    keep = codes > 0
    rows = np.flatnonzero(keep)
    dummies = sp.csr_matrix((np.ones(rows.size), (rows, codes[keep] - 1)), shape=(len(x), codes.max()))
    return sp.hstack([sp.csr_matrix(x[["dep_delay"]].to_numpy()), dummies]).tocsr()


def glum_fit(x, y):
    from glum import GeneralizedLinearRegressor

    return lambda: GeneralizedLinearRegressor(family="normal", alpha=0, drop_first=True).fit(x, y)


def statsmodels_fit(x, y):
    import statsmodels.api as sm

    design = sm.add_constant(x)

    def run():
        fit = sm.OLS(y, design).fit()
        return fit.params, fit.bse, fit.tvalues, fit.pvalues, fit.conf_int(), fit.rsquared, fit.fvalue, fit.f_pvalue

    return run


def sklearn_fit(x, y):
    from sklearn.linear_model import LinearRegression

    return lambda: LinearRegression().fit(x, y)


def prepare(problem, peer):
    """What the clock runs."""
    if problem == "tall":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pa.set_cpu_count(2)
        pa.set_io_thread_count(2)
        path = DATA / "tall_1e7x10.parquet"

        def batches():
            rows = 0
            for batch in pq.ParquetFile(path).iter_batches(use_threads=True):
                rows += batch.num_rows
            assert rows == 10_000_000

        return {"pyarrow batches": batches, "pyarrow read_table": lambda: pq.read_table(path)}[peer]
    if problem in ("workers", "movers"):
        import pandas as pd
        import pyfixest as pf

        frame = pd.read_parquet(DATA / f"{problem}_1e6.parquet")
        return lambda: pf.feols("y ~ x1 + x2 | worker + firm", frame, vcov="iid", fixef_rm="none").tidy()
    if problem in SIZES:
        x, y = dense(problem)
        if peer == "gram":
            return lambda: x.T @ x
        if peer == "glum":
            return glum_fit(x, y)
        return {"statsmodels": statsmodels_fit, "scikit-learn": sklearn_fit}[peer](x, y)
    if problem == "flights":
        x, y = flights()
        if peer == "glum":
            return glum_fit(x, y)
        return {"scikit-learn": sklearn_fit}[peer](one_hot(x), y)
    raise SystemExit(f"unknown problem {problem}")


if __name__ == "__main__":
    main(prepare, always_warm=("tall",))
