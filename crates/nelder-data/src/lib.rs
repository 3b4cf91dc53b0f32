//! Parquet, CSV and Arrow IPC files as streams of column batches.
