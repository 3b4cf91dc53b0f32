"""One peer in Python on one problem: python glm.py PROBLEM PEER REPS

Prints one JSON line {problem, peer, seconds, peak_kb, threads}. A fit that takes less than a second is run once
beforehand, so that caches are warm. Data are in memory before the clock starts.
"""

from pathlib import Path

import numpy as np

from timing import main

DATA = Path(__file__).resolve().parent.parent / "data"
FILES = {"glm_tall": ("glm_100000x10.f64", 100_000, 10), "glm_wide": ("glm_50000x200.f64", 50_000, 200)}


def prepare(problem, peer):
    """What the clock runs."""
    name, n, p = FILES[problem]
    raw = np.fromfile(DATA / name, dtype="<f8").reshape((n, p + 1), order="F")
    x, y = raw[:, :p], raw[:, p]
    if peer == "gram":
        return lambda: x.T @ x
    if peer == "glum":
        from glum import GeneralizedLinearRegressor

        return lambda: GeneralizedLinearRegressor(family="binomial", alpha=0).fit(x, y)
    if peer == "statsmodels":
        import statsmodels.api as sm

        design = sm.add_constant(x)

        def run():
            fit = sm.GLM(y, design, family=sm.families.Binomial()).fit()
            return fit.params, fit.bse, fit.tvalues, fit.pvalues, fit.conf_int(), fit.deviance, fit.null_deviance

        return run
    raise SystemExit(f"unknown peer {peer}")


if __name__ == "__main__":
    main(prepare)
