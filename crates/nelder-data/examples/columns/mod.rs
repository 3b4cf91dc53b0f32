//! Columns of the timed programs, from files.

use std::error::Error;

/// Float64, little-endian, from a file of `columns` columns one after another.
pub fn read(path: &str, columns: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let values: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    if values.is_empty() || !values.len().is_multiple_of(columns) {
        return Err(format!("{path} holds {} numbers, not {columns} columns", values.len()).into());
    }
    Ok(values)
}
