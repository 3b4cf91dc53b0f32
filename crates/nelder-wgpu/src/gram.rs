//! Xᵀ W X by digits: integers of 8 bits, whose products sum without error.
//!
//! Each column is taken in units of 2⁻⁵⁴ of the power of two above its largest number, so that an entry is within
//! √n 2⁻⁵⁴ ‖xᵢ‖ ‖xⱼ‖ of the exact one for columns of n rows (Ozaki, Ogita, Oishi & Rump 2012, "Error-free transformations of
//! matrix multiplication by using fast routines of matrix multiplication"; with integers: Ootomo, Ozaki & Yokota 2024).

use nelder_device::{Buffer, Dd, DeviceError, Matrix, Program, Unary, check_length};

use crate::device::Wgpu;
use crate::float128;
use crate::limits::MOST_GROUPS;
use crate::survey::Survey;

const GRAM: &str = concat!(include_str!("tiles.wgsl"), include_str!("gram.wgsl"));
const DIGITS: usize = 7;
/// Columns of a tile.
const SIDE: usize = 32;
/// Rows that are summed in 32 bits: 7 · 2¹⁴ a row at most.
const ROWS_OF_A_GROUP: usize = 16_384;
/// Bytes of digits that are kept at a time.
const MOST_DIGITS: usize = 512 << 20;

const WEIGHTED: u32 = 1;
const CENTRED: u32 = 2;

/// The kernels' text with the products of digits written out.
fn text() -> &'static str {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TEXT.get_or_init(|| {
        let (mut sums, mut products, mut results) = (String::new(), String::new(), String::new());
        let pairs = || ["x", "y", "z", "w"].iter().flat_map(|i| [(i, "x"), (i, "y")]);
        for s in 0..DIGITS {
            products.push_str(&format!("let l{s} = left[8u * (deep + {s}u) + own.y];\n"));
            for (i, j) in pairs() {
                sums.push_str(&format!("var s{i}{j}{s} = 0;\n"));
            }
        }
        for t in 0..DIGITS {
            products.push_str(&format!("let r{t} = right[16u * (deep + {t}u) + own.x];\n"));
            for s in 0..DIGITS - t {
                let to = s + t;
                for (i, j) in pairs() {
                    products.push_str(&format!("s{i}{j}{to} += dot4I8Packed(l{s}.{i}, r{t}.{j});\n"));
                }
            }
        }
        for (k, (i, j)) in pairs().enumerate() {
            let all: Vec<String> = (0..DIGITS).map(|s| format!("s{i}{j}{s}")).collect();
            let all = all.join(", ");
            let (row, column) = (k / 2, k % 2);
            results.push_str(&format!(
                "put(i + {row}u, j + {column}u, to, array<i32, 7>({all}));\n"
            ));
        }
        GRAM.replace("PRODUCTS", &products)
            .replace("RESULTS", &results)
            .replace("SUMS", &sums)
    })
}

impl Wgpu {
    /// The roots of weights, on the device.
    fn roots(&self, weights: &Buffer) -> Result<Buffer, DeviceError> {
        let mut program = Program::new();
        let w = program.input(0);
        let root = program.unary(Unary::Sqrt, w);
        program.output(root);
        Ok(self.run_program(&program, &[weights], weights.len())?.remove(0))
    }

    /// The powers of two above the largest numbers of columns that are taken as they are, where all of these are normal.
    fn plain_powers(&self, x: &Matrix, flags: u32) -> Result<Option<Vec<i32>>, DeviceError> {
        if flags != 0 {
            return Ok(None);
        }
        let of = |s: &Survey| match (s.not_zero, s.field) {
            (false, _) => Some(float128::NOTHING),
            (true, 0) => None,
            (true, 0x7ff) => Some(float128::INFINITE),
            (true, field) => Some(field as i32 - 1022),
        };
        Ok(self.surveyed(x)?.iter().map(of).collect())
    }

    // one list of launches over shared buffers: taken apart, each part would take all of them as arguments
    pub(crate) fn gram_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        self.windows(x)?;
        if let Some(centres) = centres {
            check_length("centres", centres.len(), columns)?;
        }
        if let Some(w) = weights {
            self.vector("weights", w, rows)?;
        }
        self.count_launch();
        let count = columns * (columns + 1) / 2;
        if rows == 0 || columns == 0 {
            return Ok(vec![Dd::ZERO; count]);
        }
        let roots = weights.map(|w| self.roots(w)).transpose()?;
        let roots = self.maybe("weights", roots.as_ref(), rows)?;
        let flags =
            if weights.is_some() { WEIGHTED } else { 0 } | if centres.is_some() { CENTRED } else { 0 };
        let centres = self.words(bytemuck::cast_slice(centres.unwrap_or(&vec![0.0; columns])))?;
        let launches = self.launches(x)?;
        // 1. the power of two above each column's largest number
        let powers = match self.plain_powers(x, flags)? {
            Some(powers) => self.words(bytemuck::cast_slice(&powers))?,
            None => {
                let powers = self.words(&vec![float128::NOTHING as u32; columns])?;
                for &(matrix, start, first, some) in &launches {
                    let sizes = [
                        rows as u32,
                        columns as u32,
                        start,
                        roots.skip,
                        flags,
                        first as u32,
                    ];
                    let bound = [
                        (1, matrix),
                        (2, roots.bind),
                        (3, self.whole(&centres)),
                        (4, self.whole(&powers)),
                    ];
                    let groups = [self.row_groups(rows, some), some, 1];
                    self.dispatch(text(), "largest", &sizes, &bound, groups)?;
                }
                powers
            }
        };
        // 2. digits of a run of rows, and their products
        let total = self.words(&vec![0; 4 * count])?;
        let padded = columns.next_multiple_of(4);
        let most = (self.most_bound().min(MOST_DIGITS as u64) as usize) / (padded * DIGITS * 4);
        let most = most.min(16 * MOST_GROUPS);
        let words_at_most = (most / 8 * 8).clamp(8, rows.div_ceil(4).next_multiple_of(8));
        let tiles = columns.div_ceil(SIDE) * (columns.div_ceil(SIDE) + 1) / 2;
        // few rows are shared out too
        let deep = (words_at_most * tiles / 2048)
            .next_multiple_of(8)
            .clamp(64, ROWS_OF_A_GROUP / 4);
        let most_groups = (self.most_bound().min(MOST_DIGITS as u64) as usize / (16 * count)).max(1);
        let deep = deep.max(words_at_most.div_ceil(most_groups).next_multiple_of(8));
        let deep = deep.min(ROWS_OF_A_GROUP / 4);
        let words_at_most = words_at_most.min(deep * most_groups);
        let digits = self.pooled_buffer((words_at_most * padded * DIGITS * 4) as u64)?;
        let partial = self.pooled_buffer((words_at_most.div_ceil(deep) * count * 16) as u64)?;
        for first in (0..rows).step_by(4 * words_at_most) {
            let some_rows = (4 * words_at_most).min(rows - first);
            let words = some_rows.div_ceil(4);
            for &(matrix, start, column, some) in &launches {
                let sizes = [
                    rows as u32,
                    columns as u32,
                    start,
                    roots.skip,
                    flags,
                    column as u32,
                    first as u32,
                    some_rows as u32,
                    words as u32,
                    some as u32,
                ];
                let bound = [
                    (1, matrix),
                    (2, roots.bind),
                    (3, self.whole(&centres)),
                    (5, self.whole(&digits)),
                    (6, self.whole(&powers)),
                ];
                let groups = [words.div_ceil(16), some.div_ceil(8), 1];
                self.dispatch(text(), "cut", &sizes, &bound, groups)?;
            }
            let groups = words.div_ceil(deep);
            for tile in (0..tiles).step_by(MOST_GROUPS) {
                let sizes = [deep as u32, columns as u32, words as u32, tile as u32];
                let bound = [(7, self.whole(&digits)), (8, self.whole(&partial))];
                let some = MOST_GROUPS.min(tiles - tile);
                self.dispatch(text(), "multiply", &sizes, &bound, [some, groups, 1])?;
            }
            let bound = [(8, self.whole(&partial)), (9, self.whole(&total))];
            let last = first + some_rows == rows;
            let sizes = [count as u32, groups as u32, u32::from(last)];
            self.dispatch(text(), "collect", &sizes, &bound, [self.threads(count), 1, 1])?;
        }
        // 3. to numbers
        let words = self.read_words(&total, 4 * count)?;
        let powers = self.read_words(&powers, columns)?;
        let powers: Vec<i32> = powers.into_iter().map(|p| p as i32).collect();
        let mut out = Vec::with_capacity(count);
        for i in 0..columns {
            for j in 0..=i {
                if powers[i].max(powers[j]) >= float128::INFINITE {
                    out.push(Dd::NAN);
                    continue;
                }
                let at = 4 * (i * (i + 1) / 2 + j);
                out.push(float128::moved(&words[at..at + 4], powers[i] + powers[j]));
            }
        }
        Ok(out)
    }
}
