//! Xᵀ W X in single precision, for a preconditioner.
//!
//! Numbers are rounded toward zero to 24 bits, in units of the power of two above their column's largest number, so that no
//! product leaves the range of single precision. Products are summed in single precision over runs of at most 2,048 rows, and
//! the runs without error, in 128 bits. An entry is within 2⁻¹² of the norms of its columns, where all roundings were alike,
//! and within about 2⁻²⁰ as they fall: whatever the compiler contracts or reorders.

use nelder_device::{Buffer, Dd, DeviceError, Matrix, check_length};

use crate::device::Wgpu;
use crate::float128;
use crate::limits::MOST_GROUPS;

const SINGLE: &str = concat!(include_str!("tiles.wgsl"), include_str!("single.wgsl"));
/// Rows that are summed in single precision, at most and at least.
const RUN: (usize, usize) = (2048, 256);
/// Bytes of sums of runs that are kept at a time.
const MOST_SUMS: usize = 256 << 20;
/// Workgroups that keep a device busy.
const BUSY: usize = 1500;
/// Smallest field of a unit: what is below normal numbers is nothing beside it.
const LEAST_FIELD: u32 = 200;
/// The least sum of squares in its unit whose parts are all there.
const LEAST_SQUARES: f64 = 1.0 / (1u64 << 60) as f64;

const WEIGHTED: u32 = 1;
const CENTRED: u32 = 2;

/// The kernels' text for tiles of 64 or 128 columns, with the products of a thread's columns written out.
fn text(side: usize) -> String {
    let parts = side / 64;
    let names = ["x", "y", "z", "w"];
    let (mut sums, mut products, mut results) = (String::new(), String::new(), String::new());
    for p in 0..parts {
        products.push_str(&format!(
            "let a{p} = lefts[base + own.y + {}u]; let b{p} = rights[base + own.x + {}u];\n",
            16 * p,
            16 * p
        ));
    }
    for (p, q, row) in (0..parts * parts * 4).map(|k| (k / 4 / parts, k / 4 % parts, k % 4)) {
        let name = names[row];
        sums.push_str(&format!("var s{p}{q}{name} = vec4<f32>(0.0);\n"));
        products.push_str(&format!("s{p}{q}{name} += a{p}.{name} * b{q};\n"));
        for (column, part) in names.iter().enumerate() {
            let (i, j) = (64 * p + row, 64 * q + column);
            results.push_str(&format!("put(s{p}{q}{name}.{part}, i + {i}u, j + {j}u, to);\n"));
        }
    }
    SINGLE
        .replace("COLUMNS", &side.to_string())
        .replace("PRODUCTS", &products)
        .replace("RESULTS", &results)
        .replace("SUMS", &sums)
}

/// Columns of a tile: large tiles read less, small ones leave less undone.
fn side(columns: usize) -> usize {
    let work = |side: usize| {
        let across = columns.div_ceil(side);
        side * side * across * (across + 1) / 2
    };
    if 2 * work(128) <= 3 * work(64) { 128 } else { 64 }
}

/// A launch: left and right columns, where they begin, their first panels, the first tile, and how many tiles.
struct Tiles<'b> {
    left: (crate::bindings::Span<'b>, usize),
    right: (crate::bindings::Span<'b>, usize),
    first: usize,
    count: usize,
}

impl Wgpu {
    /// All tiles at once where a kernel sees all columns; else tile by tile. `None` where it does not see the columns of one.
    fn tiles<'b>(&self, x: &'b Matrix, side: usize) -> Result<Option<Vec<Tiles<'b>>>, DeviceError> {
        let across = x.columns.div_ceil(side);
        let windows = self.windows(x)?;
        if let [window] = windows.as_slice() {
            let all = (0..across * (across + 1) / 2).step_by(MOST_GROUPS);
            let of = |first| Tiles {
                left: (window.span, 0),
                right: (window.span, 0),
                first,
                count: MOST_GROUPS.min(across * (across + 1) / 2 - first),
            };
            return Ok(Some(all.map(of).collect()));
        }
        if windows.iter().map(|w| w.columns).max().unwrap_or(0) < side {
            return Ok(None);
        }
        let panel = |k: usize| {
            let from = k * side;
            let some = side.min(x.columns - from);
            self.span("matrix", &x.buffer, from * x.rows, some * x.rows)
        };
        let mut out = Vec::new();
        for i in 0..across {
            for j in 0..=i {
                out.push(Tiles {
                    left: (panel(i)?, i),
                    right: (panel(j)?, j),
                    first: i * (i + 1) / 2 + j,
                    count: 1,
                });
            }
        }
        Ok(Some(out))
    }

    // one list of launches over shared buffers: taken apart, each part would take all of them as arguments
    pub(crate) fn single_gram_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        if let Some(centres) = centres {
            check_length("centres", centres.len(), columns)?;
        }
        let w = self.maybe("weights", weights, rows)?;
        let count = columns * (columns + 1) / 2;
        let side = side(columns);
        let Some(tiles) = self.tiles(x, side)? else {
            return Ok(None);
        };
        if rows == 0 || columns == 0 {
            return Ok(Some(vec![Dd::ZERO; count]));
        }
        // 1. units: of the columns, with their centres, and of the weights
        let surveys = self.surveyed(x)?;
        let field = |v: f64| (v.to_bits() >> 52 & 0x7ff) as u32;
        let center = |j: usize| centres.map_or(0.0, |c| c[j]);
        let fields: Vec<u32> = surveys
            .iter()
            .enumerate()
            .map(|(j, s)| s.field.max(field(center(j))).max(LEAST_FIELD))
            .collect();
        let tiny = |j: usize| surveys[j].not_zero && surveys[j].field.max(field(center(j))) < LEAST_FIELD;
        if (0..columns).any(tiny) {
            return Ok(None);
        }
        let mut flags = if centres.is_some() { CENTRED } else { 0 };
        let (mut unit, mut undefined) = (0, false);
        if let Some(weights) = weights {
            flags |= WEIGHTED;
            let found = self.surveyed(&Matrix::new(weights.clone(), rows, 1)?)?[0];
            unit = found.field;
            if found.not_zero && unit < LEAST_FIELD {
                return Ok(None);
            }
            let negative = self.words(&[0])?;
            let bound = [(5, w.bind), (8, self.whole(&negative))];
            let sizes = [rows as u32, w.skip];
            self.dispatch(&text(side), "signs", &sizes, &bound, [self.threads(rows), 1, 1])?;
            undefined = unit == 0x7ff || self.read_words(&negative, 1)?[0] != 0;
        }
        self.count_launch();
        if undefined {
            return Ok(Some(vec![Dd::NAN; count]));
        }
        // 2. products of runs of rows, and their sum
        let kernels = text(side);
        let held = self.words(&fields)?;
        let centres = self.words(bytemuck::cast_slice(centres.unwrap_or(&vec![0.0; columns])))?;
        let all = columns.div_ceil(side) * (columns.div_ceil(side) + 1) / 2;
        let run = (rows * all / BUSY).next_multiple_of(256).clamp(RUN.1, RUN.0);
        let most = (self.most_bound().min(MOST_SUMS as u64) as usize / (4 * count)).clamp(1, MOST_GROUPS);
        let total = self.words(&vec![0; 4 * count])?;
        let partial = self.pooled_buffer((4 * count * most.min(rows.div_ceil(run))) as u64)?;
        for first in (0..rows).step_by(run * most) {
            let some = (run * most).min(rows - first);
            let runs = some.div_ceil(run);
            for launch in &tiles {
                let ((left, lp), (right, rp)) = (launch.left, launch.right);
                let sizes = [
                    rows as u32,
                    columns as u32,
                    run as u32,
                    flags,
                    launch.first as u32,
                    left.skip,
                    lp as u32,
                    right.skip,
                    rp as u32,
                    w.skip,
                    unit,
                    first as u32,
                ];
                let bound = [
                    (1, left.bind),
                    (2, right.bind),
                    (3, self.whole(&held)),
                    (4, self.whole(&centres)),
                    (5, w.bind),
                    (6, self.whole(&partial)),
                ];
                self.dispatch(&kernels, "multiply", &sizes, &bound, [launch.count, runs, 1])?;
            }
            let bound = [(6, self.whole(&partial)), (7, self.whole(&total))];
            let last = first + some == rows;
            let sizes = [count as u32, runs as u32, u32::from(last)];
            self.dispatch(&kernels, "collect", &sizes, &bound, [self.threads(count), 1, 1])?;
        }
        // 3. to numbers
        let words = self.read_words(&total, 4 * count)?;
        let scale = match unit {
            0 => 0,
            unit => unit as i32 - 1022,
        };
        let mut out = Vec::with_capacity(count);
        for i in 0..columns {
            for j in 0..=i {
                if surveys[i].field.max(surveys[j].field) >= 0x7ff || fields[i].max(fields[j]) >= 0x7ff {
                    out.push(Dd::NAN);
                    continue;
                }
                let at = 4 * (i * (i + 1) / 2 + j);
                let own = &words[at..at + 4];
                let small = float128::moved(own, 0).hi < LEAST_SQUARES;
                if i == j && small && (surveys[i].not_zero || center(i) != 0.0) {
                    return Ok(None);
                }
                let k = fields[i] as i32 + fields[j] as i32 - 2 * 1022 + scale;
                out.push(float128::moved(own, k));
            }
        }
        Ok(Some(out))
    }
}
