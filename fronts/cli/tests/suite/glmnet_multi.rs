//! `nelder glmnet` and `nelder cv-glmnet` of several responses: glmnet's tables, JSON, and what is refused.

use crate::common::Folder;
use serde_json::Value;

/// A folder with a table of the oracle, whose last column is the fold of each row: 1 to 5 in turn.
fn folder(name: &str, data: &str) -> Folder {
    let folder = Folder::new(name);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../accuracy/oracle/data/");
    let text = std::fs::read_to_string(format!("{root}{data}")).unwrap();
    let mut with_folds = String::new();
    for (i, line) in text.lines().enumerate() {
        let fold = match i {
            0 => "fold".to_string(),
            i => ((i - 1) % 5 + 1).to_string(),
        };
        with_folds += &format!("{line},{fold}\n");
    }
    folder.write(data, with_folds);
    folder
}

/// `glmnet(x, cbind(Murder, Rape), family = "mgaussian", nlambda = 6)` and `coef(fit, s = 1)` of glmnet 4.1.
#[test]
fn tables_of_several_responses_are_glmnet_s() {
    let folder = folder("glmnet_mgaussian", "arrests.csv");
    let args = [
        "glmnet",
        "cbind(Murder, Rape) ~ Assault + UrbanPop",
        "--data",
        "arrests.csv",
        "--family",
        "mgaussian",
        "--nlambda",
        "6",
        "--thresh",
        "1e-14",
        "--s",
        "1",
        "--plot",
        "p.svg",
    ];
    let found = folder.ok(&args);
    let expected = "
  Df  %Dev Lambda
1  0  0.00 7.0710
2  2 51.14 1.1210
3  2 53.17 0.1776
4  2 53.22 0.0282
5  2 53.22 0.0045
6  2 53.22 0.0007

s=1:

                 Murder      Rape
(Intercept)  2.92718270 3.9369572
Assault      0.03654545 0.0595259
UrbanPop    -0.02105101 0.1087946
";
    assert!(found.contains(expected), "{found}");
    assert!(folder.read("p.svg").matches("<polyline").count() == 2);
}

/// `cv.glmnet(x, Species, family = "multinomial", nlambda = 5, lambda.min.ratio = 0.02, foldid = rep(1:5, 30), thresh = 1e-13)` of glmnet 4.1.
#[test]
fn classes_are_glmnet_s() {
    let folder = folder("glmnet_multinomial", "iris.csv");
    let args = [
        "cv-glmnet",
        "Species ~ Sepal.Length + Sepal.Width + Petal.Length + Petal.Width",
        "--data",
        "iris.csv",
        "--family",
        "multinomial",
        "--nlambda",
        "5",
        "--lambda-min-ratio",
        "0.02",
        "--foldid",
        "fold",
        "--thresh",
        "1e-12",
    ];
    let found = folder.ok(&args);
    let expected = "
Measure: Multinomial Deviance 

    Lambda Index Measure      SE Nonzero
min 0.0087     5  0.2574 0.03452       2
1se 0.0087     5  0.2574 0.03452       2
";
    assert!(found.contains(expected), "{found}");
    let json: Value = serde_json::from_str(&folder.ok(&[&args[..], &["--json"]].concat())).unwrap();
    assert_eq!(json["responses"][1], "versicolor");
    let at = |k: usize| json["a0"][k][4].as_f64().unwrap();
    for (k, wanted) in [6.333_150_66, 4.593_196_219, -10.926_346_88]
        .into_iter()
        .enumerate()
    {
        // what is left by glmnet's threshold
        assert!((at(k) - wanted).abs() < 3e-5, "{} {wanted}", at(k));
    }
    let of_virginica = &json["beta"]["virginica"][4];
    assert_eq!(of_virginica[2][0], "Petal.Width");
    assert!((of_virginica[2][1].as_f64().unwrap() - 6.204_145_07).abs() < 3e-5);
    // a penalty of rows has coefficients for all classes or for none
    let grouped = folder.ok(&[&args[..], &["--type-multinomial", "grouped", "--json"]].concat());
    let json: Value = serde_json::from_str(&grouped).unwrap();
    for m in 0..5 {
        let counts: Vec<&Value> = (0..3).map(|k| &json["dfmat"][k][m]).collect();
        assert!(counts.iter().all(|c| *c == &json["df"][m]));
    }
    assert!(
        json["kkt"]
            .as_array()
            .unwrap()
            .iter()
            .all(|v| v.as_f64().unwrap() < 1e-9)
    );
}

#[test]
fn what_does_not_fit_several_responses_is_refused_in_words() {
    let folder = folder("glmnet_multi_refused", "iris.csv");
    let fails = |code: i32, formula: &str, more: &[&str]| {
        let args = [&["cv-glmnet", formula, "--data", "iris.csv"], more].concat();
        folder.fails(code, &args)
    };
    let why = |formula: &str, more: &[&str]| fails(2, formula, more);
    let classes = "Species ~ Sepal.Width + Petal.Width";
    let multinomial = |more: &[&str]| why(classes, &[&["--family", "multinomial"], more].concat());
    assert!(multinomial(&["--measure", "auc"]).contains("deviance, class, mse, mae"));
    assert!(multinomial(&["--standardize-response"]).contains("not mgaussian"));
    assert!(multinomial(&["--offset", "Sepal.Length"]).contains("cbind(a, b)"));
    assert!(multinomial(&["--offset", "cbind(fold, fold)"]).contains("2 offsets for 3 classes"));
    assert!(why(classes, &["--type-multinomial", "grouped"]).contains("not multinomial"));
    let few = ["--subset", "Sepal.Width > 4.3", "--family", "multinomial"];
    let found = why(classes, &few);
    assert!(found.contains("class `setosa` has 1 of 1 rows"), "{found}");
    assert!(fails(1, "Species ~ Petal.Width", &["--family", "mgaussian"]).contains("Species"));
    let counts = "cbind(fold - 2, fold) ~ Petal.Width";
    let found = fails(1, counts, &["--family", "multinomial"]);
    assert!(found.contains("class `fold - 2` has -1 in row 1"), "{found}");
}
