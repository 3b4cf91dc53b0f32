//! Any bytes as a text file: a table or an error; all columns are read, and the first is fitted on the second.

#![no_main]

use std::sync::atomic::{AtomicU64, Ordering};

use libfuzzer_sys::fuzz_target;
use nelder::frame::Source;
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;

fuzz_target!(|bytes: &[u8]| {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir_in(shared()).expect("a folder for the file");
    }
    let path = FOLDER.with(|folder| folder.path().join("fuzz.csv"));
    std::fs::write(&path, bytes).expect("the file is written");
    let Ok(source) = nelder_data::open(&path) else {
        return;
    };
    let names = source.schema().names();
    let all: Vec<usize> = (0..names.len()).collect();
    let rows = AtomicU64::new(0);
    let scan = source.scan(&all, &|_, batch| {
        assert!(batch.columns.iter().all(|c| c.len() == batch.rows));
        rows.fetch_add(batch.rows as u64, Ordering::Relaxed);
        true
    });
    if let Ok(scan) = scan {
        assert_eq!((Some(scan.rows), scan.rows), (source.rows(), rows.into_inner()));
        if let [y, x, ..] = names[..] {
            let quoted = |name: &str| format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"));
            let _ = lm(
                &LmSpec::new(&format!("{} ~ {}", quoted(y), quoted(x))),
                &source,
                &NoProgress,
            );
        }
    }
});

/// A file system in memory where there is one: the file is written anew for each input.
fn shared() -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        memory.into()
    } else {
        std::env::temp_dir()
    }
}
