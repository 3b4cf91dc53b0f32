//! Sums by part of the rows: folds sum to the total, and the total less a fold is the gram of the other rows.

use std::sync::Arc;

use nelder::design::{Block, RowError};
use nelder::frame::{Batch, Column, Frame};
use nelder::model::{LmSpec, ModelFrame, bind};
use nelder::pass::{Gram, GramWorker, NoProgress, PartGrams, Products, Sum, run, run_beside};
use proptest::prelude::*;

/// Whole numbers, so that sums in twice the precision are exact whatever their order.
struct Data {
    x: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    g: Vec<String>,
    h: Vec<String>,
    fold: Vec<f64>,
}

impl Data {
    fn new(seed: u64, n: usize, folds: u64) -> Data {
        let mut own = crate::draws::Draws::new(seed);
        let mut below = |most: u64| own.whole(0, most as i64 - 1) as u64;
        let numbers = |below: &mut dyn FnMut(u64) -> u64, most: u64| -> Vec<f64> {
            (0..n).map(|_| below(most) as f64 - (most / 2) as f64).collect()
        };
        Data {
            x: numbers(&mut below, 1000),
            z: numbers(&mut below, 100),
            y: numbers(&mut below, 5000),
            w: (0..n).map(|_| (1 + below(7)) as f64).collect(),
            g: (0..n).map(|_| format!("g{}", below(5))).collect(),
            h: (0..n).map(|_| format!("h{}", below(3))).collect(),
            fold: (0..n).map(|_| below(folds) as f64).collect(),
        }
    }

    /// The rows that `keep` says, with their folds.
    fn frame(&self, keep: impl Fn(usize) -> bool) -> Frame<'static> {
        let rows: Vec<usize> = (0..self.x.len()).filter(|&i| keep(i)).collect();
        let real = |v: &[f64]| Column::Real(rows.iter().map(|&i| v[i]).collect());
        let text =
            |v: &[String]| -> Vec<Option<String>> { rows.iter().map(|&i| Some(v[i].clone())).collect() };
        Frame::new()
            .with("x", nelder::frame::Kind::Real, real(&self.x))
            .with("z", nelder::frame::Kind::Real, real(&self.z))
            .with("y", nelder::frame::Kind::Real, real(&self.y))
            .with("w", nelder::frame::Kind::Real, real(&self.w))
            .with("fold", nelder::frame::Kind::Real, real(&self.fold))
            .with_text("g", &text(&self.g))
            .with_text("h", &text(&self.h))
            .in_batches_of(37)
    }
}

fn bound(frame: Frame<'static>) -> ModelFrame<'static> {
    bind(
        &LmSpec::new("y ~ x + z + g + h + x:g").weights("w"),
        Arc::new(frame),
    )
    .unwrap()
}

fn whole(frame: &ModelFrame<'_>) -> Gram {
    let atoms = &frame.rows.layout().atoms;
    let new = || GramWorker::new(atoms, Products::Exact);
    run("gram", "f64x2", &frame.rows, &NoProgress, new).unwrap().value
}

/// The gram of each fold, by one pass.
fn by_fold(frame: &ModelFrame<'_>, folds: usize, products: Products) -> Vec<Gram> {
    let atoms = &frame.rows.layout().atoms;
    let column = frame.rows.source().schema().position("fold").unwrap();
    let update = |worker: &mut PartGrams, block: &Block<'_>, beside: &Batch<'_>| -> Result<(), RowError> {
        let Column::Real(all) = &beside.columns[0] else {
            panic!("folds are numbers");
        };
        let at = |i: usize| block.kept.as_ref().map_or(i, |kept| kept[i] as usize);
        let parts: Vec<u32> = (0..block.rows).map(|i| all[at(i)] as u32).collect();
        worker.update(block, &parts)
    };
    let new = || PartGrams::new(atoms, products, folds);
    let found = run_beside(
        "folds",
        "f64x2",
        &frame.rows,
        &[column],
        &NoProgress,
        new,
        update,
        PartGrams::finish,
    )
    .unwrap();
    assert_eq!(found.records.len(), 1);
    found.value
}

/// Every number of a gram but the tables by pair, whose order is that of first appearance.
fn numbers(gram: &Gram, levels: &[Vec<Vec<u32>>], frame: &ModelFrame<'_>) -> Vec<f64> {
    let z = gram.sums.len();
    let mut out = vec![gram.rows as f64, gram.weight.hi];
    out.extend(gram.sums.iter().map(|s| s.hi));
    out.extend(
        (0..z)
            .flat_map(|i| (0..=i).map(move |j| (i, j)))
            .map(|(i, j)| gram.second(i, j).hi),
    );
    // codes of one frame are not those of another: levels by their labels
    for (g, table) in gram.groups.iter().enumerate() {
        let mut rows: Vec<(String, Vec<f64>)> = levels[g]
            .iter()
            .enumerate()
            .map(|(code, tuple)| {
                let label = tuple.iter().zip(&frame.rows.layout().groups[g]).map(|(c, v)| {
                    let levels = frame.rows.levels(*v).unwrap();
                    format!("{:?}", levels.label(*c))
                });
                let mut cells: Vec<f64> = table.row(code).iter().map(|d| d.hi + d.lo).collect();
                cells.push(gram.counts[g].get(code).copied().unwrap_or(0) as f64);
                (label.collect(), cells)
            })
            .filter(|(_, cells)| cells.iter().any(|c| *c != 0.0))
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        out.extend(rows.into_iter().flat_map(|(_, cells)| cells));
    }
    let mut pairs: Vec<f64> = gram
        .cross
        .iter()
        .flat_map(|c| c.table.cells.iter().map(|d| d.hi))
        .collect();
    pairs.retain(|v| *v != 0.0);
    pairs.sort_by(f64::total_cmp);
    out.extend(pairs);
    out
}

fn tuples(frame: &ModelFrame<'_>) -> Vec<Vec<Vec<u32>>> {
    (0..frame.rows.layout().groups.len())
        .map(|g| frame.rows.tuples(g))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn folds_sum_to_the_total_and_leave_the_other_rows(seed in 1u64..1_000_000, n in 12usize..300, folds in 2u64..7) {
        let data = Data::new(seed, n, folds);
        let all = bound(data.frame(|_| true));
        let total = whole(&all);
        let parts = by_fold(&all, folds as usize, Products::Exact);
        let mut sum = Gram::new(&all.rows.layout().atoms, Products::Exact);
        parts.iter().for_each(|part| sum.merge(part.clone()));
        let levels = tuples(&all);
        prop_assert_eq!(numbers(&sum, &levels, &all), numbers(&total, &levels, &all));
        for (fold, part) in parts.iter().enumerate() {
            let others = bound(data.frame(|i| data.fold[i] != fold as f64));
            let theirs = whole(&others);
            let own = total.without(part);
            prop_assert_eq!(numbers(&own, &levels, &all), numbers(&theirs, &tuples(&others), &others));
        }
    }
}

/// Σ w (zᵢ − z̄ᵢ)(zⱼ − z̄ⱼ) of two columns of a gram.
fn about_mean(gram: &Gram, i: usize, j: usize) -> f64 {
    (gram.second(i, j) - gram.sums[i] * gram.sums[j] / gram.weight).hi
}

/// Columns whose fold moves them far away, and which jump within a fold, so that centres of first rows are wrong for what follows.
fn far_apart(n: usize, folds: usize, weighted: bool) -> ModelFrame<'static> {
    let mut own = crate::draws::Draws::new(7);
    let mut unit = || own.whole(-1000, 1000) as f64 / 997.0;
    let fold: Vec<f64> = (0..n).map(|i| ((i / 7) % folds) as f64).collect();
    let moved =
        |unit: &mut dyn FnMut() -> f64| -> Vec<f64> { fold.iter().map(|f| 1e6 * f + unit()).collect() };
    let (x, y) = (moved(&mut unit), moved(&mut unit));
    let z: Vec<f64> = (0..n)
        .map(|i| if i < n / 3 { unit() } else { 1e5 + unit() })
        .collect();
    let w: Vec<f64> = (0..n).map(|_| 1.5 + unit()).collect();
    let all = [("x", x), ("z", z), ("y", y), ("w", w), ("fold", fold)];
    let frame = all.into_iter().fold(Frame::new(), |frame, (name, own)| {
        frame.with(name, nelder::frame::Kind::Real, Column::Real(own.into()))
    });
    let spec = LmSpec::new("y ~ x + z");
    let spec = if weighted { spec.weights("w") } else { spec };
    bind(&spec, Arc::new(frame.in_batches_of(1000))).unwrap()
}

#[test]
fn rounded_products_of_parts_are_relative_to_the_columns_about_their_means_in_the_part() {
    for (n, folds, weighted) in [
        (9000, 10, false),
        (9000, 10, true),
        (3000, 400, true),
        (25_000, 2, true),
        (21, 3, false),
    ] {
        let frame = far_apart(n, folds, weighted);
        let exact = by_fold(&frame, folds, Products::Exact);
        let rounded = by_fold(&frame, folds, Products::Rounded);
        for (fold, (a, b)) in exact.iter().zip(&rounded).enumerate() {
            let of = |g: &Gram| (g.rows, g.weight.hi, g.log_weight);
            assert_eq!(of(a).0, of(b).0);
            assert!((of(a).1 - of(b).1).abs() <= 1e-15 * of(a).1, "{fold}");
            assert!(
                (of(a).2 - of(b).2).abs() <= 1e-12 * (1.0 + of(a).2.abs()),
                "{fold}"
            );
            for (i, j) in (0..3).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let size = (about_mean(a, i, i) * about_mean(a, j, j)).sqrt();
                // products of at most 1,024 rows, and what moves them to the origin, c r + r c, rounded once: with r² ≤ W Σ z² / 17
                let moved = |i: usize, j: usize| {
                    let mean = (a.sums[i] / a.weight).hi.abs();
                    mean * (about_mean(a, j, j) * a.weight.hi / 17.0).sqrt()
                };
                let bound = f64::EPSILON * (1100.0 * size + 2.0 * (moved(i, j) + moved(j, i)));
                let error = (about_mean(a, i, j) - about_mean(b, i, j)).abs();
                assert!(
                    error <= bound,
                    "fold {fold} of {folds}, ({i}, {j}): {error:e} of {size:e}"
                );
            }
        }
    }
}

#[test]
fn a_part_that_is_not_there_is_an_error() {
    let data = Data::new(1, 20, 3);
    let frame = bound(data.frame(|_| true));
    let atoms = frame.rows.layout().atoms.clone();
    let new = || PartGrams::new(&atoms, Products::Exact, 2);
    let update = |worker: &mut PartGrams, block: &Block<'_>, _: &Batch<'_>| {
        let parts: Vec<u32> = (0..block.rows).map(|i| if i == 11 { 2 } else { 0 }).collect();
        worker.update(block, &parts)
    };
    let found = run_beside(
        "folds",
        "f64x2",
        &frame.rows,
        &[],
        &NoProgress,
        new,
        update,
        PartGrams::finish,
    );
    let error = found.err().map(|e| e.to_string());
    assert_eq!(error.as_deref(), Some("row 12 is in part 3 of 2"));
}
