//! Bases of columns that are too many to keep are those of columns that are kept.

use nelder::design::{Precision, Value, Variables};
use nelder::formula::parse_expression;
use nelder::frame::{Batch, Frame, Scan, Schema, Source, SourceError, Visit};

/// Columns that say that they have ten million rows.
struct Many<'a>(&'a Frame<'a>);

impl Source for Many<'_> {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn rows(&self) -> Option<u64> {
        Some(10_000_000)
    }
    fn workers(&self) -> usize {
        2
    }
    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.0.scan(columns, visit)
    }
}

const BASES: &[&str] = &[
    "poly(x, 3)",
    "poly(x, 1)",
    "ns(x, 4)",
    "bs(x, df = 7)",
    "bs(x)",
    "ns(x, df = 3, Boundary.knots = c(-0.5, 0.75))",
    "bs(x, knots = c(-0.1, 0.2))",
    "bs(scale(x), df = 5)",
];

/// The columns of a basis at all rows, or the message of what stands against it; and the rows that were read for it.
fn columns(text: &str, source: &dyn Source, frame: &Frame<'_>) -> Result<(Vec<Vec<f64>>, u64), String> {
    let expression = parse_expression(text).map_err(|e| e.to_string())?;
    let mut variables =
        Variables::bind(&[expression], source.schema(), Precision::Double).map_err(|e| e.to_string())?;
    let scan = variables.prepare(source).map_err(|e| e.to_string())?;
    let mut all: Vec<Vec<f64>> = Vec::new();
    let whole = std::sync::Mutex::new(&mut all);
    let visit = |_: usize, batch: Batch<'_>| {
        if let Ok(values) = variables.evaluate(&batch)
            && let [Value::Numbers(columns)] = values.as_slice()
        {
            let mut all = whole.lock().unwrap();
            **all = columns.iter().map(|c| c.high.to_vec()).collect();
        }
        true
    };
    let rows = frame.len();
    let own = Frame::new().with_real("x", real(frame)).in_batches_of(rows);
    own.scan(variables.columns(), &visit).map_err(|e| e.to_string())?;
    Ok((all, scan.rows))
}

fn real<'a>(frame: &'a Frame<'_>) -> &'a [f64] {
    match frame.column_memory(0) {
        Some(nelder::frame::ColumnMemory::Host(values)) => values,
        _ => panic!("one column of doubles"),
    }
}

#[test]
fn many_rows_have_the_bases_of_few() {
    let normal = |i: u64| ((i * 7919 % 5000) as f64 / 2500.0 - 1.0).powi(3);
    let tied = |i: u64| (i % 7) as f64 / 7.0 - 0.4;
    let far = |i: u64| 1e6 + (i * 31 % 997) as f64;
    for of in [normal, tied, far] {
        let x: Vec<f64> = (0..5000).map(of).collect();
        let frame = Frame::new().with_real("x", &x).in_batches_of(512);
        for text in BASES {
            let few = columns(text, &frame, &frame);
            let many = columns(text, &Many(&frame), &frame);
            let (few, many) = match (few, many) {
                (Ok(few), Ok(many)) => (few, many),
                (few, many) => {
                    assert_eq!(few.unwrap_err(), many.unwrap_err(), "{text}");
                    continue;
                }
            };
            assert!(many.1 >= few.1, "{text}: {} {}", few.1, many.1);
            for (a, b) in few.0.iter().zip(&many.0) {
                let exact = !text.contains("poly") && !text.contains("scale");
                let same = |(x, y): (&f64, &f64)| match exact {
                    // the same knots, bit by bit
                    true => x.to_bits() == y.to_bits(),
                    false => (x - y).abs() <= 4.0 * f64::EPSILON * (1.0 + x.abs()),
                };
                assert!(a.iter().zip(b).all(same), "{text}");
            }
            assert_eq!(few.0.len(), many.0.len());
        }
    }
}

#[test]
fn values_without_a_basis_are_refused_alike() {
    for x in [
        vec![1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 5.0],
        vec![1.0, 2.0, 4.0, f64::INFINITY, 5.0],
        vec![2.0; 9],
        vec![1.0, 2.0, 1.0, 2.0],
        vec![f64::NAN; 4],
    ] {
        let frame = Frame::new().with_real("x", &x).in_batches_of(2);
        for text in BASES {
            let few = columns(text, &frame, &frame).map(|(all, _)| all.len());
            let many = columns(text, &Many(&frame), &frame).map(|(all, _)| all.len());
            assert_eq!(few, many, "{text} of {x:?}");
        }
    }
}
