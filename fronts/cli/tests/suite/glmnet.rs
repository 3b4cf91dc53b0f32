//! `nelder glmnet` and `nelder cv-glmnet`: glmnet's tables, the drawings, JSON, and what is refused.

use crate::common::Folder;
use nelder_data::{Destination, Output, Place, TableWriter};
use serde_json::Value;

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    let arrests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/data/arrests.csv"
    );
    let text = std::fs::read_to_string(arrests).unwrap();
    let mut with_folds = String::new();
    for (i, line) in text.lines().enumerate() {
        let fold = if i == 0 {
            "fold".to_string()
        } else {
            ((i - 1) % 5 + 1).to_string()
        };
        with_folds += &format!("{line},{fold}\n");
    }
    folder.write("arrests.csv", with_folds);
    folder
}

const FORMULA: &str = "Murder ~ Assault + UrbanPop + Rape";

/// `glmnet(x, y, nlambda = 6)` and `coef(fit, s = 1)` of glmnet 4.1.
#[test]
fn tables_are_glmnet_s() {
    let folder = folder("glmnet_tables");
    let args = [
        "glmnet",
        FORMULA,
        "--data",
        "arrests.csv",
        "--nlambda",
        "6",
        "--s",
        "1",
        "--plot",
        "p.svg",
    ];
    let expected = "
Call:  glmnet(formula = Murder ~ Assault + UrbanPop + Rape, data = arrests) 

  Df  %Dev Lambda
1  0  0.00 3.4570
2  1 62.68 0.5480
3  3 67.06 0.0868
4  3 67.20 0.0138
5  3 67.21 0.0022
6  3 67.21 0.0003

                   s=1
(Intercept) 2.70149895
Assault     0.02978743
2 more columns have the coefficient 0 there
";
    assert_eq!(folder.ok(&args), expected);
    let drawing = folder.read("p.svg");
    assert!(drawing.starts_with("<svg") && drawing.matches("<polyline").count() == 3);
}

/// `cv.glmnet(x, y, nlambda = 6, foldid = rep(1:5, 10), thresh = 1e-12)` of glmnet 4.1.
#[test]
fn folds_of_a_column_are_glmnet_s() {
    let folder = folder("glmnet_folds");
    let args = [
        "cv-glmnet",
        FORMULA,
        "--data",
        "arrests.csv",
        "--nlambda",
        "6",
        "--foldid",
        "fold",
        "--plot",
        "cv.svg",
    ];
    let found = folder.ok(&args);
    let expected = "
Measure: Mean-Squared Error 

    Lambda Index Measure    SE Nonzero
min 0.0868     3   7.080 1.181       3
1se 0.5480     2   7.471 1.317       1
";
    assert!(found.contains(expected), "{found}");
    let drawing = folder.read("cv.svg");
    assert!(drawing.matches("<circle").count() == 6 && drawing.contains("lambda.1se"));
}

#[test]
fn several_alpha_are_compared_over_the_same_folds() {
    let folder = folder("glmnet_alpha");
    let args = [
        "cv-glmnet",
        FORMULA,
        "--data",
        "arrests.csv",
        "--alpha",
        "0,0.5,1",
        "--json",
    ];
    let found: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
    let lines = found["alphas"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    let errors: Vec<f64> = lines.iter().map(|l| l[1].as_f64().unwrap()).collect();
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let best = found["curve"]["best"].as_u64().unwrap() as usize;
    assert_eq!(found["curve"]["errors"][best].as_f64().unwrap(), least);
    assert_eq!(found["report"]["passes"].as_array().unwrap().len(), 1);
    // the same folds whatever the number of threads
    let alone = folder
        .command(&args)
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .unwrap();
    let alone: Value = serde_json::from_slice(&alone.stdout).unwrap();
    assert_eq!(found["curve"]["best"], alone["curve"]["best"]);
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let folder = folder("glmnet_refused");
    let why = |more: &[&str]| {
        let args = [&["cv-glmnet", FORMULA, "--data", "arrests.csv"], more].concat();
        folder.fails(2, &args)
    };
    assert!(why(&["--nfolds", "2"]).contains("nfolds: 2 is below 3"));
    assert!(why(&["--alpha", "1.5"]).contains("alpha: 1.5 is not between 0 and 1"));
    assert!(why(&["--exclude", "Rapes"]).contains("did you mean `Rape`?"));
    assert!(why(&["--penalty-factor", "Rape=x"]).contains("`x` is no number"));
    assert!(why(&["--lambda", "1,2"]).contains("rises from 1 to 2"));
    assert!(why(&["--foldid", "folds"]).contains("did you mean `fold`?"));
    assert!(why(&["--measure", "class"]).contains("class is for two classes"));
    assert!(why(&["--measure", "msa"]).contains("did you mean `mse`?"));
    assert!(why(&["--family", "negative.binomial"]).contains("give theta"));
    assert!(why(&["--nfolds", "60"]).contains("no complete row of positive weight is in fold"));
}

/// `glmnet(x, Surv(time, status), family = "cox", lambda = c(0.2, 0.02))` of glmnet 4.1, with `thresh = 1e-14`.
#[test]
fn survival_times_are_a_response() {
    let folder = Folder::new("glmnet_cox");
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/data/enet_ar90.csv"
    );
    folder.write("rows.csv", std::fs::read_to_string(data).unwrap());
    let own = ["--data", "rows.csv", "--family", "cox", "--thresh", "1e-14"];
    let args = [
        &[
            "glmnet",
            "Surv(time, status) ~ x1 + x5 + x9",
            "--lambda",
            "0.2,0.02",
            "--s",
            "0.02",
        ],
        &own[..],
    ]
    .concat();
    let expected = "
Call:  glmnet(formula = Surv(time, status) ~ x1 + x5 + x9, family = cox, 
    data = rows) 

  Df %Dev Lambda
1  1 0.83   0.20
2  3 3.11   0.02

        s=0.02
x1  0.35665516
x5 -0.06815502
x9  0.18224234
";
    assert_eq!(folder.ok(&args), expected);
    let formula = "Surv(start, time, status) ~ x1 + x5 + x9 + strata(stratum)";
    let more = [
        "--measure",
        "C",
        "--cox-ties",
        "efron",
        "--foldid",
        "fold",
        "--json",
    ];
    let args = [&["cv-glmnet", formula], &own[..], &more[..]].concat();
    let found: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
    assert_eq!(found["measure"], "C-index");
    assert!(found["a0"].as_array().unwrap().is_empty());
    let errors = found["curve"]["errors"].as_array().unwrap();
    let best = found["curve"]["best"].as_u64().unwrap() as usize;
    assert!(errors.iter().all(|e| e.as_f64() <= errors[best].as_f64()));
    let more = ["--measure", "auc"];
    let why = folder.fails(2, &[&["cv-glmnet", formula], &own[..], &more[..]].concat());
    assert!(why.contains("`auc` is none of default, deviance, C"), "{why}");
}

/// `glmnet(x, y, nlambda = 6, relax = TRUE)`, `coef(fit, s = 1, gamma = 0.5)`, and `cv.glmnet(x, y, nlambda = 6, relax = TRUE, gamma = c(0, 0.5),
/// foldid = rep(1:5, 10), thresh = 1e-12)` of glmnet 4.1.
#[test]
fn relaxed_fits_are_glmnet_s() {
    let folder = folder("glmnet_relaxed");
    let path = ["--data", "arrests.csv", "--nlambda", "6", "--relax"];
    let args = [
        &["glmnet", FORMULA][..],
        &path,
        &["--s", "1", "--gamma", "0.5", "--thresh", "1e-12"],
    ]
    .concat();
    let expected = "
Call:  glmnet(formula = Murder ~ Assault + UrbanPop + Rape, data = arrests) 
Relaxed

  Df  %Dev %Dev R Lambda
1  0  0.00   0.00 3.4570
2  1 62.68  64.30 0.5480
3  3 67.06  67.21 0.0868
4  3 67.20  67.21 0.0138
5  3 67.21  67.21 0.0022
6  3 67.21  67.21 0.0003

                   s=1
(Intercept) 2.22250558
Assault     0.03259249
2 more columns have the coefficient 0 there
";
    assert_eq!(folder.ok(&args), expected);
    let args = [
        &["cv-glmnet", FORMULA][..],
        &path,
        &["--gamma", "0,0.5", "--foldid", "fold", "--thresh", "1e-12"],
        &["--keep", "held.csv"],
    ]
    .concat();
    let found = folder.ok(&args);
    let table = "
    Gamma Index Lambda Index Measure    SE Nonzero
min   0.5     2 0.0868     3   7.094 1.199       3
1se   0.5     2 0.5480     2   7.326 1.218       1
";
    assert!(found.contains(table), "{found}");
    // six λ, and six for each γ
    let held = folder.read("held.csv");
    let lines: Vec<&str> = held.lines().collect();
    assert_eq!((lines.len(), lines[0].split(',').count()), (51, 2 + 18));
    assert!(lines[3].starts_with("3,3,"));
}

/// `--explain` says how columns are read, and which passes there were.
#[test]
fn what_a_path_does_is_explained() {
    let folder = folder("glmnet_explain");
    let found = folder.ok(&["glmnet", FORMULA, "--data", "arrests.csv", "--explain"]);
    for text in [
        "reading                         by rows, in passes",
        "passes planned                  one for the products of the columns",
        "passes made                     1\n",
        "largest KKT residual",
    ] {
        assert!(found.contains(text), "{text}: {found}");
    }
}

/// A CSV and a Parquet file of more columns than rows, of which two tell of the response.
pub fn wide(name: &str, rows: usize, columns: usize) -> Folder {
    let folder = Folder::new(name);
    let draws = nelder_device::Philox::new(11);
    let number = |i: usize, j: usize| draws.normal((j * rows + i) as u64);
    let names: Vec<String> = (0..columns).map(|j| format!("x{j}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("y");
    let response = |i: usize| 3.0 * number(i, 5) - 2.0 * number(i, 17) + 0.1 * number(i, 1);
    let values: Vec<Output> = (0..columns)
        .map(|j| Output::Real((0..rows).map(|i| number(i, j)).collect()))
        .chain([Output::Real((0..rows).map(response).collect())])
        .collect();
    for file in ["wide.csv", "wide.parquet"] {
        let place = Place::of(&folder.0.join(file)).unwrap();
        let mut writer = TableWriter::onto(Destination::open(place).unwrap(), &names).unwrap();
        writer.write(values.clone()).unwrap();
        writer.finish().unwrap();
    }
    folder
}

#[test]
fn wide_files_are_read_into_memory() {
    let folder = wide("glmnet_wide", 60, 4100);
    let mut found = Vec::new();
    for file in ["wide.csv", "wide.parquet"] {
        let args = ["glmnet", "y ~ .", "--data", file, "--nlambda", "20"];
        let text = folder
            .command(&[&args[..], &["--explain"]].concat())
            .output()
            .unwrap();
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("column by column"), "{text}");
        assert!(text.contains("columns into memory"), "{text}");
        let json: Value = serde_json::from_str(&folder.ok(&[&args[..], &["--json"]].concat())).unwrap();
        let last = json["beta"].as_array().unwrap().last().unwrap().clone();
        assert!(
            last.as_array()
                .unwrap()
                .iter()
                .any(|b| b[0] == "x5" && b[1].as_f64() > Some(2.5))
        );
        found.push(json["beta"].clone());
        // neither the columns nor their products have room
        let refused = folder
            .command(&args)
            .env("NELDER_MEMORY", "3MB")
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("4100 columns are too many for the products of all of them"),
            "{said}"
        );
        assert!(
            said.contains("60 rows of them take 2 MB; columns may take 2 MB"),
            "{said}"
        );
    }
    assert_eq!(found[0], found[1]);
    let folds = [
        "cv-glmnet",
        "y ~ .",
        "--data",
        "wide.csv",
        "--nlambda",
        "20",
        "--nfolds",
        "3",
    ];
    let found = folder.ok(&folds);
    assert!(found.contains("more columns have the coefficient 0"), "{found}");
}

#[test]
fn rows_with_missing_numbers_are_counted() {
    let folder = Folder::new("glmnet_missing");
    let mut text = (0..450).map(|j| format!("x{j},")).collect::<String>() + "y\n";
    for i in 0..40 {
        for j in 0..450 {
            let missing = (i, j) == (3, 200) || (i, j) == (7, 0);
            text += &match missing {
                true => "NA,".to_string(),
                false => format!("{},", (i * 37 + j * 101) % 64),
            };
        }
        text += &format!("{}\n", (i * 37 + 5 * 101) % 64);
    }
    folder.write("rows.csv", text);
    let args = ["glmnet", "y ~ .", "--data", "rows.csv", "--nlambda", "5"];
    let found = folder.ok(&args);
    assert!(
        found.ends_with("  (2 observations deleted due to missingness)\n"),
        "{found}"
    );
    let why = folder.fails(1, &[&args[..], &["--na", "fail"]].concat());
    assert!(why.contains("`x200` is missing in row 4"), "{why}");
}
