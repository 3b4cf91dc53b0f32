//! `conformance [DEVICE] [--worst] [--bench]`: the suite on `host`, `bare`, `cuda` or `cuda:1`, the worst error of each operation,
//! and seconds of the products.

use std::process::ExitCode;

use nelder_conformance::{check, open_fusing};
use nelder_device::{DeviceError, GlmKernels};

/// Median seconds of the verbs on a matrix of `rows` x `columns`.
fn bench(device: &dyn GlmKernels, rows: usize, columns: usize) -> Result<(), DeviceError> {
    let values: Vec<f64> = (0..rows * columns)
        .map(|i| ((i as f64 * 0.618_033_988_749_895).fract() - 0.5) * 3.4)
        .collect();
    let start = std::time::Instant::now();
    let a = device.upload(&values)?;
    device.synchronize()?;
    let upload = start.elapsed().as_secs_f64();
    let start = std::time::Instant::now();
    let again = device.upload(&values)?;
    device.synchronize()?;
    let second = start.elapsed().as_secs_f64();
    let start = std::time::Instant::now();
    let back = device.download(&again)?;
    let download = start.elapsed().as_secs_f64();
    drop((again, back));
    let w = device.upload(&values[..rows].iter().map(|v| v.abs()).collect::<Vec<f64>>())?;
    let x = &values[..columns];
    let timed = |verb: &dyn Fn() -> Result<(), DeviceError>| -> Result<f64, DeviceError> {
        let mut seconds = Vec::new();
        for _ in 0..7 {
            device.synchronize()?;
            let start = std::time::Instant::now();
            verb()?;
            device.synchronize()?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[3])
    };
    let a = nelder_device::Matrix::new(a, rows, columns)?;
    let y = device.upload(&values[..rows])?;
    let x2: Vec<nelder_device::Dd> = x.iter().map(|v| nelder_device::Dd::new(*v)).collect();
    let constant = nelder_device::Dd::new(0.5);
    let gram = timed(&|| device.gram(&a, None, None).map(drop))?;
    let weighted = timed(&|| device.gram(&a, Some(&w), None).map(drop))?;
    let product = timed(&|| device.product(&a, x, 0.5, Some(&w)).map(drop))?;
    let moments = timed(&|| device.moments(&a, None, &[&y]).map(drop))?;
    let exact = timed(&|| device.exact_gram(&a, None).map(drop))?;
    let residual = timed(&|| device.residual(&a, &x2, constant, &y).map(drop))?;
    let sums = timed(&|| device.residual_sums(&a, &x2, constant, &y, None).map(drop))?;
    let (high, low) = device.residual(&a, &x2, constant, &y)?;
    let twice = timed(&|| device.transposed_residual(&a, (&high, &low)).map(drop))?;
    let quartiles = timed(&|| {
        device
            .order_statistics(&y, &[0, 10, 11, rows as u64 / 2, rows as u64 - 1])
            .map(drop)
    })?;
    let order = columns.max(400);
    let packed: Vec<f64> = (0..order)
        .flat_map(|i| (0..=i).map(move |j| if i == j { 1.0 } else { 0.5 / order as f64 }))
        .collect();
    let scales = vec![1.0; order];
    let cholesky = timed(&|| device.cholesky(&packed, &scales).map(drop))?;
    println!("cholesky and inverse of order {order}: {:.2} ms", 1e3 * cholesky);
    println!(
        "exact gram {:.2} ms, moments {:.2} ms, residual sums {:.2} ms, order statistics {:.2} ms",
        1e3 * exact,
        1e3 * moments,
        1e3 * sums,
        1e3 * quartiles
    );
    println!(
        "in twice the precision: residual {:.2} ms, transposed {:.2} ms",
        1e3 * residual,
        1e3 * twice
    );
    println!(
        "{rows} x {columns}: upload {:.1} ms, again {:.1} ms ({:.1} GB/s), download {:.1} ms ({:.1} GB/s), gram {:.2} ms, weighted {:.2} ms, product {:.2} ms",
        1e3 * upload,
        1e3 * second,
        8e-9 * (rows * columns) as f64 / second,
        1e3 * download,
        8e-9 * (rows * columns) as f64 / download,
        1e3 * gram,
        1e3 * weighted,
        1e3 * product
    );
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let id = args
        .iter()
        .find(|a| !a.starts_with('-'))
        .map_or("host", String::as_str);
    let ran = open_fusing(id).and_then(|device| {
        let about = device.describe();
        println!("{}: {}, {}", about.id, about.name, about.software);
        println!("{:.0} GB/s", device.bandwidth()? / 1e9);
        if args.iter().any(|a| a == "--bench") {
            for (rows, columns) in [(1_000_000, 256), (10_000_000, 16), (250_000, 800)] {
                bench(&*device, rows, columns)?;
            }
        }
        let outcome = check(&*device)?;
        println!("{:?}", device.counters());
        Ok(outcome)
    });
    match ran {
        Ok(outcome) => {
            if args.iter().any(|a| a == "--worst") {
                for (name, worst) in &outcome.worst {
                    println!("{name:<28} {worst:.3}");
                }
            }
            for failure in &outcome.failures {
                println!("FAILED {failure}");
            }
            println!(
                "{} results compared, {} failures",
                outcome.compared,
                outcome.failures.len()
            );
            ExitCode::from(u8::from(!outcome.failures.is_empty()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
