//! A saved fit knows its rows: comparisons with fits and data of other rows are errors that say what differs.

use crate::common::Folder;

const DATA: [[&str; 5]; 10] = [
    ["1", "a", "2.5", "1", "TRUE"],
    ["2", "b", "3.1", "2", "FALSE"],
    ["3", "a", "4.9", "1", "TRUE"],
    ["4", "b", "4.2", "3", "FALSE"],
    ["5", "c", "9.5", "1", "TRUE"],
    ["6", "c", "10.75", "2", "TRUE"],
    ["7", "a", "8.25", "2", "FALSE"],
    ["8", "b", "NA", "1", "TRUE"],
    ["9", "c", "7.5", "1", "FALSE"],
    ["10", "a", "12", "4", "TRUE"],
];

fn csv(rows: &[[&str; 5]], separator: &str) -> String {
    let mut text = ["x", "g", "y", "w", "l"].join(separator) + "\n";
    for row in rows {
        text += &(row.join(separator) + "\n");
    }
    text
}

/// The data with a cell that is another.
fn changed(row: usize, column: usize, value: &'static str) -> String {
    let mut rows = DATA;
    rows[row][column] = value;
    csv(&rows, ",")
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("d.csv", csv(&DATA, ","));
    folder
}

const GLM: [&str; 8] = [
    "glm",
    "y ~ x + g",
    "--family",
    "gaussian(log)",
    "--start",
    "1,0,0,0",
    "--save",
    "m.fit",
];

#[test]
fn terms_in_sequence_want_the_rows_of_the_fit() {
    let f = folder("rows_sequence");
    f.run(&[&GLM[..], &["--data", "d.csv"]].concat());
    let right = f.ok(&["anova", "m.fit", "--data", "d.csv"]);
    assert!(right.contains("Analysis of Deviance"), "{right}");
    // the same rows, otherwise written
    f.write("d.tsv", csv(&DATA, "\t"));
    let mut complete = DATA.to_vec();
    complete.remove(7);
    f.write("complete.csv", csv(&complete, ","));
    f.write("unused.csv", changed(2, 3, "77"));
    f.write(
        "decimals.csv",
        csv(&DATA, ",")
            .replace("\n1,", "\n1.0,")
            .replace(",12,", ",12.00,"),
    );
    for same in ["d.tsv", "complete.csv", "unused.csv", "decimals.csv"] {
        assert_eq!(f.ok(&["anova", "m.fit", "--data", same]), right, "{same}");
    }
    // other rows
    let mut permuted = DATA;
    permuted.swap(0, 4);
    let cases = [
        (changed(0, 2, "2.6"), "other values of `y`"),
        (changed(9, 0, "11"), "other values of `x`"),
        (changed(1, 1, "a"), "other values of `g`"),
        (csv(&permuted, ","), "or in another order"),
        (csv(&DATA[..9], ","), "they are 8 and not 9"),
        (changed(7, 2, "5"), "they are 10 and not 9"),
        (changed(0, 0, "NA"), "they are 8 and not 9"),
    ];
    for (text, what) in cases {
        f.write("other.csv", text);
        let said = f.fails(2, &["anova", "m.fit", "--data", "other.csv"]);
        assert!(
            said.contains("these are not the rows of the fit") && said.contains(what),
            "{said}"
        );
    }
}

#[test]
fn fits_are_compared_on_the_same_rows() {
    let f = folder("rows_compared");
    f.write("d.tsv", csv(&DATA, "\t"));
    for kind in ["lm", "glm"] {
        let save = |formula: &str, data: &str, more: &[&str], fit: &str| {
            let args = [kind, formula, "--data", data, "--save", fit];
            f.ok(&[&args[..], more].concat());
        };
        save("y ~ x", "d.csv", &[], "small.fit");
        save("y ~ x + g", "d.csv", &[], "big.fit");
        save("y ~ x + g", "d.tsv", &[], "same.fit");
        let right = f.ok(&["anova", "small.fit", "big.fit"]);
        assert_eq!(f.ok(&["anova", "small.fit", "same.fit"]), right);
        let mut permuted = DATA;
        permuted.swap(1, 8);
        let cases = [
            (changed(0, 2, "2.6"), "other values of `y`"),
            (changed(9, 0, "11"), "other values of `x`"),
            (csv(&permuted, ","), "or in another order"),
        ];
        for (text, what) in cases {
            f.write("other.csv", text);
            save("y ~ x + g", "other.csv", &[], "other.fit");
            for pair in [["small.fit", "other.fit"], ["other.fit", "small.fit"]] {
                let said = f.fails(2, &["anova", pair[0], pair[1]]);
                assert!(
                    said.contains("the rows of model 2 are not those of the first") && said.contains(what),
                    "{said}"
                );
            }
        }
        // what only one of them reads is not the other's
        f.write("other.csv", changed(0, 1, "c"));
        save("y ~ x + g", "other.csv", &[], "other.fit");
        f.ok(&["anova", "small.fit", "other.fit"]);
        // the same number of rows, but not the same, and other weights
        f.write("rest.csv", csv(&DATA[1..], ","));
        save("y ~ x + g", "d.csv", &["--subset", "x < 10"], "first.fit");
        save("y ~ x", "rest.csv", &[], "last.fit");
        let said = f.fails(2, &["anova", "last.fit", "first.fit"]);
        assert!(said.contains("other values of `"), "{said}");
        save("y ~ x", "d.csv", &["--weights", "w"], "weighted.fit");
        let said = f.fails(2, &["anova", "weighted.fit", "big.fit"]);
        assert!(said.contains("other weights"), "{said}");
        save("y ~ x + g", "d.csv", &["--weights", "w * 1"], "weighted2.fit");
        f.ok(&["anova", "weighted.fit", "weighted2.fit"]);
        // rows that a subset chose are those of a file that holds no others
        f.write("few.csv", csv(&DATA[..9], ","));
        save("y ~ x", "few.csv", &[], "few.fit");
        f.ok(&["anova", "few.fit", "first.fit"]);
    }
}

/// Many batches, read by several workers, in two formats.
#[test]
fn the_format_and_the_threads_make_no_difference() {
    let f = Folder::new("rows_formats");
    let mut rows = String::from("x,g,y\n");
    for i in 0u64..50_000 {
        let noise = (i.wrapping_mul(2_654_435_761) >> 7) % 1000;
        rows += &format!("{}.25,level{},{}\n", i % 977, (i * i) % 131, noise as f64 / 8.0);
    }
    f.write("d.csv", rows);
    let args = [
        "lm",
        "y ~ x + g",
        "--data",
        "d.csv",
        "--augment",
        "d.parquet",
        "--save",
        "csv.fit",
    ];
    f.ok(&args);
    for threads in ["1", "2", "5"] {
        let run = |args: &[&str]| {
            let out = f
                .command(args)
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        };
        run(&["lm", "y ~ x", "--data", "d.parquet", "--save", "parquet.fit"]);
        run(&["anova", "parquet.fit", "csv.fit"]);
        run(&["lm", "y ~ x", "--data", "d.csv", "--save", "again.fit"]);
        run(&["anova", "again.fit", "csv.fit"]);
        // the CPU behind the verbs of a device
        run(&[
            "lm", "y ~ x", "--data", "d.csv", "--device", "host", "--save", "host.fit",
        ]);
        run(&["anova", "host.fit", "csv.fit"]);
    }
}

/// Fits of before there were fingerprints open, and predict; where they are compared, numbers of rows and deviances tell.
#[test]
fn a_fit_without_a_fingerprint_opens() {
    let f = folder("rows_old");
    f.run(&[&GLM[..], &["--data", "d.csv"]].concat());
    let fit = f.read("m.fit");
    let body = fit.split_once('\n').unwrap().1.trim_end();
    let mut fields: serde_json::Value = serde_json::from_str(body).unwrap();
    let there = fields["glm"].as_object_mut().unwrap().remove("fingerprint");
    assert!(there.is_some());
    let body = serde_json::to_string(&fields).unwrap();
    let sum = body.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    });
    f.write("old.fit", format!("nelder-fit 2 {sum:016x}\n{body}\n"));
    f.ok(&["predict", "old.fit", "--data", "d.csv", "--out", "p.csv"]);
    let right = f.ok(&["anova", "m.fit", "--data", "d.csv"]);
    assert_eq!(f.ok(&["anova", "old.fit", "--data", "d.csv"]), right);
    f.ok(&["anova", "old.fit", "m.fit"]);
    for (text, what) in [
        (csv(&DATA[..9], ","), "they are 8 and not 9"),
        (changed(0, 2, "2.6"), "they have a deviance of "),
    ] {
        f.write("other.csv", text);
        let said = f.fails(2, &["anova", "old.fit", "--data", "other.csv"]);
        assert!(said.contains(what), "{said}");
    }
}
