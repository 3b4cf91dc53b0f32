"""Makes the data of the benchmarks under bench/data, once: python make_data.py PROBLEM...

dense    dense_50000x200.f64: 201 columns of 50,000 float64, little-endian, column after column; the last is y
wide, wider  dense_20000x2500.f64, dense_20000x6000.f64: the same, larger
tall     tall_1e7x10.parquet: x1 ... x10 and y, 1e7 rows in row groups of 1e6, float64, snappy (pyarrow's default)
glm_tall glm_100000x10.f64: 11 columns of 100,000 float64, as dense; the last is 0 or 1
glm_wide glm_50000x200.f64: the same with 200 columns and 50,000 rows
counts   flights_counts.parquet: dest, month, carrier and n, the number of flights of examples/flights.parquet by the
         other three; counts_100 the same rows a hundred times
pca_tall pca_10000x1000.f64: 1,000 columns of 10,000 float64, as dense, with deviations that fall from one to 0.1
pca_steep pca_steep_10000x1000.f64: the same with deviations that fall to 0.001
pca_200, pca_rank8: the file of dense
pca_parquet  pca_1e6x50.parquet: x1 ... x50, 1e6 rows in row groups of 1e5: ten factors and noise, float64, snappy
enet_path, enet_cv, enet_alphas, enet_binomial, enet_binomial_cv  enet_50000x200.f64: 200 columns of 50,000 float64 with correlations
         0.6^|i - j|, as dense, a response of every tenth of them, and one that is 0 or 1
enet_wide, enet_wide_exact, enet_wide_binomial  enet_1000x100000.f64: the same, 100,000 independent columns of 1,000, of which 50 count
enet_ar99, enet_ar99_binomial  enet_ar99_1000x20000.f64, enet_ar99_50000x200.f64: the same with correlations 0.99^|i - j|
enet_large_cv  enet_250000x800.f64: as enet_path, larger
enet_sparse  enet_sparse_5000x100000.csc: compressed columns, one number in a hundred: int32 starts and rows, float64 values and y
enet_parquet  enet_1e7x50.parquet: x1 ... x50 and y, 1e7 rows in row groups of 5e5, float64, snappy
workers  workers_1e6.parquet: y, x1, x2, worker (100,000) and firm (50,000), 1e6 rows, each worker at any firm
movers   movers_1e6.parquet: the same, each worker at one firm but for one row in twenty, at one of the eight next to it
flights  flights.csv: arr_delay, dep_delay, month, day of examples/flights.parquet; missing values are NA
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"


def dense(path, n=50_000, p=200):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((p, n))
    y = rng.standard_normal(p) @ x + rng.standard_normal(n)
    with open(path, "wb") as f:
        x.astype("<f8").tofile(f)
        y.astype("<f8").tofile(f)


def binary(path, n, p, seed):
    """y > 0 for a sum of p normals of variance ten, whatever p, and noise of variance one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((p, n))
    beta = rng.standard_normal(p) * np.sqrt(10 / p)
    y = (beta @ x + rng.standard_normal(n) > 0).astype("<f8")
    with open(path, "wb") as f:
        x.astype("<f8").tofile(f)
        y.tofile(f)


def glm_tall(path):
    binary(path, 100_000, 10, 3)


def glm_wide(path):
    binary(path, 50_000, 200, 4)


def elastic_net(path, n=50_000, p=200, rho=0.6, every=10):
    """Columns one after another, with correlations rho^|i - j|, a response of each `every`-th, and one that is 0 or 1."""
    rng = np.random.default_rng(7)
    eta, last = np.zeros(n), np.zeros(n)
    with open(path, "wb") as f:
        for j in range(p):
            x = rng.standard_normal(n)
            if j > 0 and rho > 0:
                x = rho * last + np.sqrt(1 - rho * rho) * x
            if j % every == 0:
                eta += rng.standard_normal() * x
            x.astype("<f8").tofile(f)
            last = x
        y = eta + rng.standard_normal(n) * eta.std()
        z = rng.random(n) < 1 / (1 + np.exp(-eta))
        for column in (y, z):
            column.astype("<f8").tofile(f)


def elastic_net_sparse(path, n=5000, p=100_000, share=0.01):
    """Compressed columns: int32 starts (p + 1) and rows, float64 values and y."""
    rng = np.random.default_rng(8)
    counts = rng.binomial(n, share, p)
    starts = np.concatenate([[0], np.cumsum(counts)])
    rows = np.concatenate([np.sort(rng.choice(n, c, replace=False)) for c in counts])
    values = rng.standard_normal(starts[-1])
    y = rng.standard_normal(n)
    for j in range(0, p, p // 50):
        own = slice(starts[j], starts[j + 1])
        y[rows[own]] += 3 * rng.standard_normal() * values[own]
    with open(path, "wb") as f:
        starts.astype("<i4").tofile(f)
        rows.astype("<i4").tofile(f)
        values.astype("<f8").tofile(f)
        y.astype("<f8").tofile(f)


def elastic_net_parquet(path):
    """x1 ... x50 and y, 1e7 rows in row groups of 5e5."""
    groups, rows, p = 20, 500_000, 50
    rng = np.random.default_rng(9)
    beta = np.zeros(p)
    beta[::5] = rng.standard_normal(10)
    names = [f"x{j + 1}" for j in range(p)] + ["y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(groups):
            x = rng.standard_normal((p, rows))
            y = 1 + beta @ x + 3 * rng.standard_normal(rows)
            columns = [pa.array(c) for c in x] + [pa.array(y)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=rows)


def count_table():
    source = HERE.parent / "examples" / "flights.parquet"
    columns = ["dest", "month", "carrier"]
    table = pq.read_table(source, columns=columns)
    counts = table.group_by(columns).aggregate([([], "count_all")])
    counts = counts.sort_by([(c, "ascending") for c in columns]).rename_columns(columns + ["n"])
    return counts.set_column(3, "n", counts["n"].cast(pa.int32()))


def counts(path):
    pq.write_table(count_table(), path)


def counts_100(path):
    table = count_table()
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(100):
            writer.write_table(table)


def tall(path):
    groups, rows, p = 10, 1_000_000, 10
    rng = np.random.default_rng(2)
    beta = rng.standard_normal(p)
    names = [f"x{j + 1}" for j in range(p)] + ["y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(groups):
            x = rng.standard_normal((p, rows))
            y = 1 + beta @ x + rng.standard_normal(rows)
            columns = [pa.array(c) for c in x] + [pa.array(y)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=rows)


def pca_tall(path, decades=1):
    n, p = 10_000, 1000
    rng = np.random.default_rng(5)
    mixed = np.linalg.qr(rng.standard_normal((p, p)))[0]
    deviations = 10 ** (-decades * np.arange(p) / (p - 1))
    x = (mixed * deviations) @ rng.standard_normal((p, n))
    x.astype("<f8").tofile(path)


def pca_parquet(path):
    groups, rows, p, k = 10, 100_000, 50, 10
    rng = np.random.default_rng(6)
    loadings = rng.standard_normal((p, k)) * np.arange(k, 0, -1)
    names = [f"x{j + 1}" for j in range(p)]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(groups):
            x = loadings @ rng.standard_normal((k, rows)) + rng.standard_normal((p, rows))
            writer.write_table(pa.table([pa.array(c) for c in x], schema=schema), row_group_size=rows)


def workers(path, stay=0.0):
    """Two crossed factors with an effect of each level, and two columns that depend on them."""
    n, g, h = 1_000_000, 100_000, 50_000
    rng = np.random.default_rng(7)
    worker = rng.integers(0, g, n).astype("i4")
    firm = rng.integers(0, h, n).astype("i4")
    if stay > 0:
        home = rng.integers(0, h, g)
        away = rng.random(n) > stay
        firm = ((home[worker] + away * rng.integers(1, 9, n)) % h).astype("i4")
    a, b = rng.standard_normal(g), rng.standard_normal(h)
    x1 = rng.standard_normal(n) + 0.3 * a[worker]
    x2 = rng.standard_normal(n) + 0.2 * b[firm]
    y = 0.5 * x1 - 0.25 * x2 + a[worker] + b[firm] + rng.standard_normal(n)
    pq.write_table(pa.table({"y": y, "x1": x1, "x2": x2, "worker": worker, "firm": firm}), path)


def flights(path):
    source = HERE.parent / "examples" / "flights.parquet"
    columns = ["arr_delay", "dep_delay", "month", "day"]
    table = pq.read_table(source, columns=columns)
    frame = table.to_pandas()
    frame.to_csv(path, index=False, na_rep="NA")


FILES = {
    "dense": ("dense_50000x200.f64", dense),
    "wide": ("dense_20000x2500.f64", lambda path: dense(path, 20_000, 2_500)),
    "wider": ("dense_20000x6000.f64", lambda path: dense(path, 20_000, 6_000)),
    "tall": ("tall_1e7x10.parquet", tall),
    "workers": ("workers_1e6.parquet", workers),
    "movers": ("movers_1e6.parquet", lambda path: workers(path, stay=0.95)),
    "flights": ("flights.csv", flights),
    "glm_tall": ("glm_100000x10.f64", glm_tall),
    "glm_wide": ("glm_50000x200.f64", glm_wide),
    "pca_tall": ("pca_10000x1000.f64", pca_tall),
    "pca_steep": ("pca_steep_10000x1000.f64", lambda path: pca_tall(path, decades=3)),
    "pca_200": ("dense_50000x200.f64", dense),
    "pca_rank8": ("dense_50000x200.f64", dense),
    "pca_parquet": ("pca_1e6x50.parquet", pca_parquet),
    **{
        problem: ("enet_50000x200.f64", elastic_net)
        for problem in ("enet_path", "enet_cv", "enet_alphas", "enet_binomial", "enet_binomial_cv")
    },
    **{
        problem: ("enet_1000x100000.f64", lambda path: elastic_net(path, 1000, 100_000, 0, 2000))
        for problem in ("enet_wide", "enet_wide_exact", "enet_wide_binomial")
    },
    "enet_ar99": ("enet_ar99_1000x20000.f64", lambda path: elastic_net(path, 1000, 20_000, 0.99, 400)),
    "enet_ar99_binomial": ("enet_ar99_50000x200.f64", lambda path: elastic_net(path, rho=0.99)),
    "enet_large_cv": ("enet_250000x800.f64", lambda path: elastic_net(path, 250_000, 800)),
    "enet_sparse": ("enet_sparse_5000x100000.csc", elastic_net_sparse),
    "enet_parquet": ("enet_1e7x50.parquet", elastic_net_parquet),
    "counts": ("flights_counts.parquet", counts),
    "counts_100": ("flights_counts_100.parquet", counts_100),
}

if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for problem in sys.argv[1:] or FILES:
        name, make = FILES[problem]
        if not (DATA / name).exists():
            # the name is given when the file is whole
            part = DATA / (name + ".part")
            make(part)
            part.rename(DATA / name)
        print(DATA / name)
