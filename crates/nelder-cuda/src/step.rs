//! Steps of Fisher scoring over matrices of few columns, fused into one kernel.

use std::fmt::Write;

use cudarc::driver::LaunchConfig;
use nelder_device::{
    Binary, Buffer, Dd, Device, DeviceError, Fold, GlmKernels, Matrix, Predictor, RUN_ROWS, ScoringStep,
    StepSums, Unary, check_length, composed, predictor,
};

use crate::cuda::Cuda;
use crate::print::{PRELUDE, body, constants};
use crate::products::{MATRIX, NARROW_COLUMNS, TENSOR_GRAM, TILE_ROWS, lanes, paired};

const FUSED: &str = include_str!("fused.cu");

/// Warps of a block.
const WARPS: usize = TILE_ROWS / 32;

/// The source of a step's kernel over `columns` columns.
fn source(columns: usize, step: &ScoringStep<'_>) -> String {
    let (place, twice) = match &step.predictor {
        Predictor::Given { .. } => (None, false),
        Predictor::Of { input, twice, .. } => (Some(*input), *twice),
    };
    let program = step.program;
    let mut arguments = String::new();
    for k in 0..constants(program).len() {
        let _ = write!(arguments, "const double c{k}, ");
    }
    for k in 0..program.inputs() {
        let _ = write!(arguments, "const double* __restrict__ in{k}, ");
    }
    let mut steps = body(program, |k| match place == Some(k as usize) {
        true => "eta".into(),
        false => format!("in{k}[i]"),
    });
    let outputs = program.outputs();
    let _ = writeln!(
        steps,
        "own_weight = v{}; own_score = v{};",
        outputs[0], outputs[1]
    );
    for (k, (fold, slot)) in step.folds.iter().zip(&outputs[2..]).enumerate() {
        let _ = match fold {
            Fold::Sum => writeln!(
                steps,
                "folds[{k}] = add(folds[{k}], {{v{slot}, 0.0}}); if (isnan(v{slot})) missing[{k}] += 1.0;"
            ),
            Fold::Least => writeln!(steps, "smallest = fmin(smallest, v{slot});"),
            Fold::Keep => {
                let _ = write!(arguments, "double* __restrict__ kept{k}, ");
                writeln!(steps, "kept{k}[i] = v{slot};")
            }
        };
    }
    let defines = [
        ("P", columns),
        ("FOLDS", step.folds.len()),
        ("GRAM", usize::from(step.gram)),
        ("PREDICTOR", usize::from(place.is_some())),
        ("TWICE", usize::from(twice)),
    ];
    let mut out = String::new();
    for (name, value) in defines {
        let _ = writeln!(out, "#define {name} {value}");
    }
    out + PRELUDE + TENSOR_GRAM + &FUSED.replace("@ARGUMENTS@", &arguments).replace("@BODY@", &steps)
}

impl Cuda {
    pub(crate) fn fuses(&self, rows: usize, columns: usize) -> bool {
        rows > 0 && rows >= self.fused_from && (1..=NARROW_COLUMNS).contains(&columns)
    }

    // one list of launches over shared buffers: taken apart, each part would take all of them as arguments
    pub(crate) fn step_of(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        let (n, p) = (x.rows, x.columns);
        let least_folds = step.folds.iter().filter(|f| **f == Fold::Least).count();
        let outputs = step.program.outputs().len();
        check_length("folds", step.folds.len() + 2, outputs)?;
        if !self.fuses(n, p) || least_folds > 1 {
            let wide = p > NARROW_COLUMNS && n >= self.fused_from && step.gram;
            return match wide {
                true => self.wide_step(x, step),
                false => composed(self, x, step),
            };
        }
        step.program.check()?;
        let program = step.program;
        if step.inputs.len() < program.inputs() {
            return Err(nelder_device::ProgramError::Inputs {
                input: step.inputs.len() as u32,
                given: step.inputs.len(),
            }
            .into());
        }
        // 1. arguments: constants, inputs, what is kept
        let mut arguments: Vec<u64> = constants(program).iter().map(|c| c.to_bits()).collect();
        for input in &step.inputs[..program.inputs()] {
            check_length("input", input.len(), n)?;
            arguments.push(self.pointer("input", input)?);
        }
        let mut kept = Vec::new();
        for _ in step.folds.iter().filter(|f| **f == Fold::Keep) {
            let room = self.room(n)?;
            arguments.push(self.address(&room));
            kept.push(room);
        }
        let vector = |what: &'static str, v: Option<&Buffer>| -> Result<u64, DeviceError> {
            if let Some(v) = v {
                check_length(what, v.len(), n)?;
            }
            self.maybe(what, v)
        };
        let (b, offset, rest) = match &step.predictor {
            Predictor::Given { low } => (None, 0, vector("rest", *low)?),
            Predictor::Of {
                b, constant, offset, ..
            } => {
                check_length("b", b.len(), p)?;
                (
                    Some(self.coefficients(b, *constant)?),
                    vector("offset", *offset)?,
                    0,
                )
            }
        };
        let bh = b.as_ref().map_or(0, |b| self.address(b));
        let centres = step
            .centres
            .map(|c| {
                check_length("centres", c.len(), p)?;
                self.small(c)
            })
            .transpose()?;
        // 2. blocks enough to fill the device, or that no lane sums more than a run
        let text = source(p, step);
        let (blocks, run) = self.runs(&text, "nelder_step", n)?;
        let size = 2 + 2 * p + 2 * step.folds.len();
        let grams = self.room(if step.gram { blocks * p * p } else { 1 })?;
        let (high, low) = (self.room(blocks * size)?, self.room(blocks * size)?);
        let least = self.room(blocks * WARPS)?;
        self.count_launch();
        arguments.extend([
            self.matrix(x)?,
            bh,
            bh + 8 * (p as u64 + 1),
            offset,
            rest,
            centres.as_ref().map_or(0, |c| self.address(c)),
            self.address(&grams),
            self.address(&high),
            self.address(&low),
            self.address(&least),
            n as u64,
            run as u64,
        ]);
        let config = LaunchConfig {
            grid_dim: (blocks as u32, 1, 1),
            block_dim: (TILE_ROWS as u32, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the kernel was printed for these arguments; all columns have as many rows, and each block has room for
        // its gram and its sums
        unsafe { self.launch(&text, "nelder_step", config, &arguments)? };
        // 3. the blocks' sums
        let triangle = p * (p + 1) / 2;
        let gram = match step.gram {
            false => None,
            true => {
                let sums = self.room(2 * triangle)?;
                let arguments = [
                    self.address(&grams),
                    self.address(&sums),
                    p as u64,
                    blocks as u64,
                    1,
                    lanes(blocks) as u64,
                ];
                // SAFETY: as many square matrices are behind the first pointer, two triangles behind the second
                unsafe {
                    self.launch(
                        MATRIX,
                        "nelder_merge_triangles",
                        self.grid(triangle * lanes(blocks)),
                        &arguments,
                    )?
                };
                Some(paired(&self.download_slice(&sums, 0, 2 * triangle)?))
            }
        };
        let sums = self.merged(&high, Some(&low), size, blocks)?;
        let smallest = match least_folds {
            0 => f64::INFINITY,
            _ => {
                let all = self.download_slice(&least, 0, blocks * WARPS)?;
                all.into_iter().fold(f64::INFINITY, f64::min)
            }
        };
        let of_fold = |k: usize| sums[2 + 2 * p + 2 * k];
        let folds = step.folds.iter().enumerate().map(|(k, fold)| match fold {
            Fold::Sum => of_fold(k),
            Fold::Least => Dd::new(smallest),
            Fold::Keep => Dd::ZERO,
        });
        Ok(StepSums {
            weight: sums[0],
            score: sums[1],
            scores: sums[2..2 + p].to_vec(),
            weights: match step.gram {
                true => sums[2 + p..2 + 2 * p].to_vec(),
                false => Vec::new(),
            },
            gram,
            single: false,
            folds: folds.collect(),
            missing: (0..step.folds.len())
                .map(|k| sums[3 + 2 * p + 2 * k].hi as u64)
                .collect(),
            kept: kept.into_iter().map(|slice| self.buffer(n, slice)).collect(),
        })
    }

    /// A step over many columns: the sums come with the rows that are scaled for the gram.
    fn wide_step(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        // 1. η, in two parts where it is wanted in twice the precision
        let mut inputs = step.inputs.to_vec();
        let eta;
        let mut low = None;
        let rest;
        match &step.predictor {
            Predictor::Given { low: given } => low = *given,
            Predictor::Of {
                input,
                b,
                constant,
                offset,
                twice: false,
            } => {
                let b: Vec<f64> = b.iter().map(|b| b.hi).collect();
                eta = self.product_of(x, &b, constant.hi, *offset)?;
                inputs[*input] = &eta;
            }
            Predictor::Of {
                input,
                b,
                constant,
                offset,
                twice: true,
            } => {
                (eta, rest) = predictor(self, x, b, *constant, *offset)?;
                inputs[*input] = &eta;
                low = Some(&rest);
            }
        }
        // 2. everything but the columns; W, s, and what the leading part of η leaves of s, where ds/dη = −W in the mean
        let none = x.part(0..0)?;
        let mut program = step.program.clone();
        let (w, s) = (program.outputs()[0], program.outputs()[1]);
        let mut kept = vec![w, s];
        if let Some(low) = low {
            inputs.truncate(program.inputs());
            let own = program.input(inputs.len() as u32);
            inputs.push(low);
            let product = program.binary(Binary::Mul, own, w);
            kept.push(program.unary(Unary::Neg, product));
        }
        for slot in &kept {
            program.output(*slot);
        }
        let rows = ScoringStep {
            program: &program,
            inputs: &inputs,
            predictor: Predictor::Given { low: None },
            folds: &[step.folds, &vec![Fold::Keep; kept.len()]].concat(),
            gram: false,
            centres: None,
            single: false,
        };
        let mut found = composed(self, &none, &rows)?;
        let rest = low.and_then(|_| found.kept.pop());
        let (Some(score), Some(weight)) = (found.kept.pop(), found.kept.pop()) else {
            return composed(self, x, step);
        };
        found.folds.truncate(step.folds.len());
        found.missing.truncate(step.folds.len());
        // 3. the columns
        let (gram, sums) = match step.single {
            true => self.rough_gram(x, &weight, &score, step.centres)?,
            false => self.gram_with(x, Some(&weight), step.centres, Some(&score))?,
        };
        let (weights, scores) = sums.split_at(x.columns);
        let mut scores = scores.to_vec();
        if let Some(rest) = &rest {
            scores = self.transposed_residual(x, (&score, rest))?;
            found.score += self.reduce(rest)?.sum;
        }
        Ok(StepSums {
            gram: Some(gram),
            single: step.single,
            weights: weights.to_vec(),
            scores,
            ..found
        })
    }

    /// Blocks of a kernel over tiles of rows, and the rows of each: as many as the device holds at a time, more where a warp
    /// would sum more than a run.
    pub(crate) fn runs(&self, text: &str, name: &str, rows: usize) -> Result<(usize, usize), DeviceError> {
        let kernel = self.kernel(text, name)?;
        let each = kernel
            .occupancy_max_active_blocks_per_multiprocessor(TILE_ROWS as u32, 0, None)
            .map_err(|e| self.failed(&e))?;
        let blocks = (self.processors() * each.max(1) as usize).max(rows.div_ceil(WARPS * RUN_ROWS));
        let run = rows.div_ceil(blocks).next_multiple_of(TILE_ROWS);
        Ok((rows.div_ceil(run), run))
    }
}
