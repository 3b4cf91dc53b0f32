"""One peer in Python on one problem: python glmnet.py PROBLEM PEER REPS

Prints one JSON line {problem, peer, seconds, peak_kb, threads}. A fit that takes less than a second is run once
beforehand, so that caches are warm. Data are in memory before the clock starts.
"""

from pathlib import Path

import numpy as np

from timing import main

DATA = Path(__file__).resolve().parent.parent / "data"
N, P = 50_000, 200


def prepare(problem, peer):
    """What the clock runs."""
    raw = np.fromfile(DATA / "enet_50000x200.f64", dtype="<f8").reshape((N, P + 2), order="F")
    x = np.asfortranarray(raw[:, :P])
    if peer == "gram":
        return lambda: x.T @ x
    if peer == "adelie":
        import adelie as ad

        family = ad.glm.binomial(raw[:, P + 1]) if "binomial" in problem else ad.glm.gaussian(raw[:, P].copy())
        return lambda: ad.grpnet(x, family, n_threads=2, progress_bar=False)
    if peer == "scikit-learn":
        from sklearn.linear_model import lasso_path

        y = raw[:, P] - raw[:, P].mean()
        return lambda: lasso_path(x, y, n_alphas=100, eps=1e-4)
    raise ValueError(f"unknown peer {peer}")


if __name__ == "__main__":
    main(prepare)
