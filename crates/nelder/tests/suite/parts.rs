//! Sums by part of the rows: folds sum to the total, and the total less a fold is the gram of the other rows.

use std::sync::Arc;

use nelder::design::{Block, RowError};
use nelder::frame::{Batch, Column, Frame};
use nelder::model::{LmSpec, ModelFrame, bind};
use nelder::pass::{Gram, GramWorker, NoProgress, PartsWorker, Products, Sum, run, run_beside};
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
fn by_fold(frame: &ModelFrame<'_>, folds: usize) -> Vec<Gram> {
    let atoms = &frame.rows.layout().atoms;
    let column = frame.rows.source().schema().position("fold").unwrap();
    let update = |worker: &mut PartsWorker<GramWorker>,
                  block: &Block<'_>,
                  beside: &Batch<'_>|
     -> Result<(), RowError> {
        let Column::Real(all) = &beside.columns[0] else {
            panic!("folds are numbers");
        };
        let at = |i: usize| block.kept.as_ref().map_or(i, |kept| kept[i] as usize);
        let parts: Vec<u32> = (0..block.rows).map(|i| all[at(i)] as u32).collect();
        worker.update(block, &parts)
    };
    let new = || PartsWorker::new(folds, || GramWorker::new(atoms, Products::Exact));
    let found = run_beside(
        "folds",
        "f64x2",
        &frame.rows,
        &[column],
        &NoProgress,
        new,
        update,
        PartsWorker::finish,
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
        let parts = by_fold(&all, folds as usize);
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

#[test]
fn a_part_that_is_not_there_is_an_error() {
    let data = Data::new(1, 20, 3);
    let frame = bound(data.frame(|_| true));
    let atoms = frame.rows.layout().atoms.clone();
    let new = || PartsWorker::new(2, || GramWorker::new(&atoms, Products::Exact));
    let update = |worker: &mut PartsWorker<GramWorker>, block: &Block<'_>, _: &Batch<'_>| {
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
        PartsWorker::finish,
    );
    let error = found.err().map(|e| e.to_string());
    assert_eq!(error.as_deref(), Some("row 12 is in part 3 of 2"));
}
