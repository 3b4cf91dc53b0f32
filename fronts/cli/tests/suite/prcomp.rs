//! `nelder prcomp`: R's tables, scores, the drawing, JSON, and what is refused.

use crate::common::Folder;
use serde_json::Value;

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    let arrests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/data/arrests.csv"
    );
    folder.write("arrests.csv", std::fs::read(arrests).unwrap());
    folder
}

/// `summary(prcomp(USArrests, scale. = TRUE))` and its rotation, axes turned.
#[test]
fn tables_are_r_s() {
    let folder = folder("prcomp_tables");
    let found = folder.ok(&["prcomp", "--data", "arrests.csv", "--scale"]);
    let expected = "\
Importance of components:
                          PC1    PC2     PC3     PC4
Standard deviation     1.5749 0.9949 0.59713 0.41645
Proportion of Variance 0.6201 0.2474 0.08914 0.04336
Cumulative Proportion  0.6201 0.8675 0.95664 1.00000

Rotation (n x k) = (4 x 4):
               PC1        PC2        PC3         PC4
Murder   0.5358995 -0.4181809 -0.3412327 -0.64922780
Assault  0.5831836 -0.1879856 -0.2681484  0.74340748
UrbanPop 0.2781909  0.8728062 -0.3780158 -0.13387773
Rape     0.5434321  0.1673186  0.8177779 -0.08902432
";
    assert_eq!(found.trim_end(), expected.trim_end());
    let formula = "~ Murder + Assault + UrbanPop + Rape";
    assert_eq!(
        folder.ok(&["prcomp", formula, "--data", "arrests.csv", "--scale"]),
        found
    );
    let named = [
        "prcomp",
        "--columns",
        "Murder,Assault,UrbanPop,Rape",
        "--data",
        "arrests.csv",
        "--scale",
    ];
    assert_eq!(folder.ok(&named), found);
    let some = folder.ok(&["prcomp", "--data", "arrests.csv", "--rank", "2"]);
    assert!(some.starts_with("Importance of first k=2 (out of 4) components:\n"));
}

/// Scores are the rows about the centres, turned; rows of weight zero have them too.
#[test]
fn scores_are_written_for_every_row() {
    let folder = folder("prcomp_scores");
    let options = ["--weights", "Murder > 10", "--scores", "s.csv", "--json"];
    let args = [
        &["prcomp", "~ Murder + Rape", "--data", "arrests.csv"],
        &options[..],
    ]
    .concat();
    let record: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let table = |name: &str| -> Vec<Vec<f64>> {
        let text = folder.read(name);
        let cells = |line: &str| line.split(',').map(|v| v.parse().unwrap()).collect();
        text.lines().skip(1).map(cells).collect()
    };
    let (scores, rows) = (table("s.csv"), table("arrests.csv"));
    assert_eq!(
        (scores.len(), folder.read("s.csv").lines().next()),
        (50, Some("PC1,PC2"))
    );
    let used = rows.iter().filter(|r| r[0] > 10.0).count();
    assert_eq!(record["nobs"].as_u64().unwrap() as usize, used);
    for (row, score) in rows.iter().zip(&scores) {
        for (k, score) in score.iter().enumerate() {
            let axis = &record["rotation"][k];
            let own = (row[0] - number(&record["center"][0])) * number(&axis[0])
                + (row[3] - number(&record["center"][1])) * number(&axis[1]);
            assert!((score - own).abs() < 1e-12, "{score} {own}");
        }
    }
    let digits = number(&record["report"]["digits"]["sdev"]);
    assert!(digits > 14.0, "{digits}");
}

#[test]
fn a_drawing_and_a_report() {
    let folder = folder("prcomp_scree");
    let args = [
        "prcomp",
        "--data",
        "arrests.csv",
        "--scree",
        "s.svg",
        "--algorithm",
        "qr",
        "--explain",
    ];
    let out = folder.run(&args);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("svd of tsqr") && text.contains("digits known to be right"),
        "{text}"
    );
    let drawing = folder.read("s.svg");
    assert!(
        drawing.starts_with("<svg") && drawing.trim_end().ends_with("</svg>"),
        "{drawing}"
    );
}

#[test]
fn what_is_refused() {
    let folder = folder("prcomp_refused");
    folder.write("mixed.csv", "x,g,y\n1,a,2\n2,b,NA\n4,a,1\n");
    let says = |code: i32, options: &[&str], parts: &[&str]| {
        let message = folder.fails(code, &[&["prcomp"], options].concat());
        for part in parts {
            assert!(message.contains(part), "{options:?}: no {part:?} in: {message}");
        }
    };
    let data = ["--data", "arrests.csv"];
    let with = |more: &[&'static str]| [&data[..], more].concat();
    says(1, &with(&["--columns", "Murder,Nope"]), &["no column `Nope`"]);
    says(2, &with(&["--rank", "9"]), &["rank.", "9 is above 4"]);
    says(2, &with(&["--rank", "0"]), &["rank"]);
    says(2, &with(&["--tol=-1"]), &["tol"]);
    says(
        2,
        &with(&["--precision", "f32"]),
        &["f32", "auto, f64, certified"],
    );
    says(2, &with(&["--algorithm", "krylov"]), &["rank."]);
    says(2, &["Murder ~ Rape", "--data", "arrests.csv"], &["no response"]);
    says(
        1,
        &["--data", "mixed.csv"],
        &["PCA applies only to numerical variables", "`g`"],
    );
    says(
        1,
        &["~ x + y", "--data", "mixed.csv", "--na", "fail"],
        &["`y` is missing in row 2"],
    );
    says(
        1,
        &["~ I(x - x) + y", "--data", "mixed.csv", "--scale"],
        &["constant/zero column"],
    );
}
