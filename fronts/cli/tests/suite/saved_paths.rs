//! `nelder glmnet --save`, `nelder cv-glmnet --save`, and `nelder predict` of what they keep, held against glmnet 4.1 with `thresh = 1e-14`,
//! which leaves 1e-7 of a coefficient.

use crate::common::Folder;

fn folder(name: &str, data: &str) -> Folder {
    let folder = Folder::new(name);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../accuracy/oracle/data/");
    folder.write(data, std::fs::read_to_string(format!("{root}{data}")).unwrap());
    folder
}

/// The columns of a CSV table by name.
fn column(text: &str, name: &str) -> Vec<String> {
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|n| n == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in {text}"));
    lines.map(|l| l.split(',').nth(at).unwrap().to_string()).collect()
}

fn near(text: &str, name: &str, wanted: &[f64], tolerance: f64) {
    let found = column(text, name);
    assert_eq!(found.len(), wanted.len(), "{text}");
    for (a, b) in found.iter().zip(wanted) {
        let a = a.parse().unwrap_or(f64::NAN);
        assert!(
            (a - b).abs() <= tolerance || (a.is_nan() && b.is_nan()),
            "{name}: {a} and {b} in {text}"
        );
    }
}

const NEW: &str = "Species,Sepal.Length,Sepal.Width,Petal.Width\n\
                   setosa,5.1,3.5,0.2\nversicolor,5.2,2.7,1.4\nvirginica,6,2.2,1.5\nvirginica,6,,1.5\n";

fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn paths_predict_with_the_levels_of_the_fit() {
    let folder = folder("saved_paths", "iris.csv");
    folder.write("new.csv", NEW);
    let formula = "Sepal.Length ~ Sepal.Width + Species";
    let rest = "--data iris.csv --thresh 1e-14 --nlambda 20 --lambda-min-ratio 1e-3 --save m.fit";
    folder.ok(&[&["glmnet", formula][..], &split(rest)].concat());
    folder.ok(&split(
        "predict m.fit --data new.csv --s 0.05,0.013 --out fit.csv",
    ));
    let text = folder.read("fit.csv");
    near(
        &text,
        "fit_s1",
        &[5.113_923_777, 5.899_820_598_05, 6.117_248_607_94, f64::NAN],
        2e-7,
    );
    near(
        &text,
        "fit_s2",
        &[5.076_873_908_09, 5.884_968_899_45, 6.005_357_138_74, f64::NAN],
        2e-7,
    );
    let shown = folder.ok(&split("predict m.fit --s 0.05 --type coefficients"));
    assert!(shown.contains("Speciesvirginica  0.4758522"), "{shown}");
    let shown = folder.ok(&split("predict m.fit --s 0.05 --type nonzero"));
    assert_eq!(shown, "s=0.05: Sepal.Width, Speciessetosa, Speciesvirginica\n");
    // all of the path
    folder.ok(&split("predict m.fit --data new.csv --out all.parquet"));
    // what the fit did not have is refused by name, what makes no sense in words
    folder.write("odd.csv", NEW.replace("versicolor", "vulgaris"));
    let why = folder.fails(
        1,
        &split("predict m.fit --data odd.csv --s 0.05 --out odd.csv.csv"),
    );
    assert!(why.contains("new level \"vulgaris\" in row 2"), "{why}");
    folder.write("less.csv", NEW.replace("Sepal.Width", "Sepal.Breadth"));
    let why = folder.fails(
        1,
        &split("predict m.fit --data less.csv --s 0.05 --out odd.csv.csv"),
    );
    assert!(why.contains("`Sepal.Width`"), "{why}");
    let why = |more: &str| folder.fails(2, &split(&format!("predict m.fit --data new.csv {more}")));
    assert!(why("--s lambda.min --out a.csv").contains("not cross-validated"));
    assert!(why("--s none --out a.csv").contains("--s none: give lambda.min, lambda.1se, or a number"));
    assert!(why("--se --out a.csv").contains("no standard errors"));
    assert!(why("--type class --out a.csv").contains("models of classes"));
    assert!(why("--s 0.1").contains("--out: name a file"));
    assert!(
        folder
            .fails(1, &["anova", "m.fit"])
            .contains("no analysis of variance")
    );
}

#[test]
fn two_classes_with_an_offset_predict() {
    let folder = folder("saved_classes", "iris.csv");
    folder.write("new.csv", NEW);
    let formula = "Sepal.Length > 5.8 ~ Sepal.Width + Species + Petal.Length";
    let rest = "--data iris.csv --family binomial --thresh 1e-14 --nlambda 20 --lambda-min-ratio 1e-2 --exclude Petal.Length --save m.fit";
    folder.ok(&[
        &["glmnet", formula, "--offset", "Petal.Width / 10"][..],
        &split(rest),
    ]
    .concat());
    // a column of numbers whose coefficients are all zero need not be there
    let predict = |kind: &str| {
        folder.ok(&split(&format!(
            "predict m.fit --data new.csv --s 0.03 --type {kind} --out fit.csv"
        )));
        folder.read("fit.csv")
    };
    let link = [
        -3.120_897_945_797_2,
        0.021_753_373_351_1,
        0.884_557_805_455_7,
        f64::NAN,
    ];
    near(&predict("link"), "fit", &link, 1e-6);
    let mean = [
        0.042_253_418_771_2,
        0.505_438_128_891_7,
        0.707_765_819_242_7,
        f64::NAN,
    ];
    near(&predict("response"), "fit", &mean, 1e-6);
    assert_eq!(
        column(&predict("class"), "class"),
        ["FALSE", "TRUE", "TRUE", "NA"]
    );
}

#[test]
fn classes_predict() {
    let folder = folder("saved_multinomial", "iris.csv");
    folder.write("new.csv", NEW);
    let formula = "Species ~ Sepal.Length + Sepal.Width";
    let rest = "--data iris.csv --family multinomial --thresh 1e-13 --nlambda 10 --lambda-min-ratio 0.02 --save m.fit";
    folder.ok(&[&["glmnet", formula][..], &split(rest)].concat());
    folder.ok(&split(
        "predict m.fit --data new.csv --s 0.02 --type response --out fit.csv",
    ));
    let text = folder.read("fit.csv");
    // what is left by glmnet's threshold
    near(
        &text,
        "fit_setosa",
        &[0.950_167, 0.243_731_5, 0.001_320_86, f64::NAN],
        2e-5,
    );
    near(
        &text,
        "fit_versicolor",
        &[0.038_807_6, 0.628_745, 0.676_937_2, f64::NAN],
        2e-5,
    );
    folder.ok(&split(
        "predict m.fit --data new.csv --s 0.02 --type class --out class.csv",
    ));
    let classes = column(&folder.read("class.csv"), "class");
    assert_eq!(classes, ["setosa", "versicolor", "versicolor", "NA"]);
    let shown = folder.ok(&split("predict m.fit --s 0.02 --type coefficients"));
    assert!(
        shown.starts_with("s=0.02:\n\n") && shown.contains("versicolor"),
        "{shown}"
    );
}

#[test]
fn offsets_of_several_responses_are_those_of_the_new_rows() {
    let folder = folder("saved_several", "iris.csv");
    folder.write("new.csv", NEW);
    for family in ["mgaussian", "multinomial"] {
        let (formula, offset) = match family {
            "mgaussian" => (
                "cbind(Sepal.Length, Petal.Length) ~ Sepal.Width + Species",
                "cbind(Petal.Width, 2 * Petal.Width)",
            ),
            _ => (
                "Species ~ Sepal.Length + Sepal.Width",
                "cbind(0 * Petal.Width, Petal.Width, 2 * Petal.Width)",
            ),
        };
        let rest = format!("--data iris.csv --family {family} --nlambda 10 --save {family}.fit");
        folder.ok(&[&["glmnet", formula, "--offset", offset][..], &split(&rest)].concat());
        let predict = |data: &str| {
            folder.ok(&split(&format!(
                "predict {family}.fit --data {data} --s 0.05 --out {data}.{family}.csv"
            )));
            folder.read(&format!("{data}.{family}.csv"))
        };
        let own = predict("new.csv");
        folder.write("more.csv", NEW.replace(",0.2", ",1.2"));
        let more = predict("more.csv");
        for (name, change) in match family {
            "mgaussian" => vec![("fit_Sepal.Length", 1.0), ("fit_Petal.Length", 2.0)],
            _ => vec![
                ("fit_setosa", 0.0),
                ("fit_versicolor", 1.0),
                ("fit_virginica", 2.0),
            ],
        } {
            let value = |text: &str| -> f64 { column(text, name)[0].parse().unwrap() };
            assert!((value(&more) - value(&own) - change).abs() < 1e-12, "{name}");
            assert_eq!(column(&own, name)[1..], column(&more, name)[1..]);
        }
    }
}

#[test]
fn survival_times_predict() {
    let folder = folder("saved_cox", "enet_ar90.csv");
    folder.write(
        "new.csv",
        "x1,x5,x9\n-0.43359375,1.0625,-0.08984375\n-0.4453125,0.9453125,1.6328125\n",
    );
    let rest = "--data enet_ar90.csv --family cox --thresh 1e-14 --lambda 0.2,0.1,0.02 --save m.fit";
    folder.ok(&[&["glmnet", "Surv(time, status) ~ x1 + x5 + x9"][..], &split(rest)].concat());
    let predict = |kind: &str| {
        folder.ok(&split(&format!(
            "predict m.fit --data new.csv --s 0.05 --type {kind} --out fit.csv"
        )));
        folder.read("fit.csv")
    };
    near(
        &predict("link"),
        "fit",
        &[-0.189_993_861_212_9, 0.052_414_226_750_4],
        1e-7,
    );
    near(
        &predict("response"),
        "fit",
        &[0.826_964_210_485, 1.053_812_169_308],
        1e-7,
    );
    // strata have no part in a prediction
    let rest = "--data enet_ar90.csv --family cox --nlambda 20 --foldid fold --save s.fit";
    folder.ok(&[
        &["cv-glmnet", "Surv(time, status) ~ x1 + x5 + x9 + strata(stratum)"][..],
        &split(rest),
    ]
    .concat());
    folder.ok(&split(
        "predict s.fit --data new.csv --s lambda.min,lambda.1se --out fit.csv",
    ));
    assert_eq!(column(&folder.read("fit.csv"), "fit_s2").len(), 2);
}

#[test]
fn a_path_of_many_columns_predicts_from_those_in_the_model() {
    let folder = crate::glmnet::wide("saved_wide", 60, 4100);
    let rest = "--data wide.csv --nlambda 20 --nfolds 3 --save m.fit";
    folder.ok(&[&["cv-glmnet", "y ~ ."][..], &split(rest)].concat());
    let names = folder.ok(&split("predict m.fit --s lambda.min --type nonzero"));
    let names: Vec<&str> = names.trim().split(": ").nth(1).unwrap().split(", ").collect();
    assert!(names.contains(&"x5") && names.len() < 100);
    folder.ok(&split(
        "predict m.fit --data wide.parquet --s lambda.min --out fit.csv",
    ));
    // the same from these columns alone
    let text = folder.read("wide.csv");
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let own: Vec<usize> = (0..header.len())
        .filter(|j| names.contains(&header[*j]))
        .collect();
    let pick = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        own.iter().map(|j| fields[*j]).collect::<Vec<_>>().join(",")
    };
    folder.write(
        "few.csv",
        text.lines().map(pick).collect::<Vec<_>>().join("\n") + "\n",
    );
    folder.ok(&split(
        "predict m.fit --data few.csv --s lambda.min --out few.out.csv",
    ));
    assert_eq!(folder.read("fit.csv"), folder.read("few.out.csv"));
}

/// `cv.glmnet(x, y, relax = TRUE, gamma = c(0, .5, 1), foldid = rep(1:10, 15), nlambda = 20)`, `coef(cv, s = "lambda.1se")`, whose γ is 0.5, and
/// `coef(glmnet(x, y, relax = TRUE, nlambda = 20), s = 0.1, gamma = 0.25)`.
#[test]
fn relaxed_fits_are_kept_with_the_share_that_was_chosen() {
    let folder = folder("saved_relaxed", "iris.csv");
    let data = folder.read("iris.csv");
    let with_fold = |(i, line): (usize, &str)| match i {
        0 => format!("{line},fold\n"),
        i => format!("{line},{}\n", (i - 1) % 10 + 1),
    };
    folder.write(
        "folds.csv",
        data.lines().enumerate().map(with_fold).collect::<String>(),
    );
    folder.write("new.csv", NEW);
    let rest = "--data folds.csv --thresh 1e-14 --nlambda 20 --relax";
    let formula = "Sepal.Length ~ Sepal.Width + Petal.Width";
    let cv = "--gamma 0,0.5,1 --foldid fold --save cv.fit";
    folder.ok(&[&["cv-glmnet", formula][..], &split(rest), &split(cv)].concat());
    folder.ok(&[&["glmnet", formula][..], &split(rest), &split("--save path.fit")].concat());
    let expected = |[a, b, c]: [f64; 3]| {
        [(3.5, 0.2), (2.7, 1.4), (2.2, 1.5), (f64::NAN, 1.5)].map(|(width, petal)| a + b * width + c * petal)
    };
    let one_error = expected([4.117_314_994_457, 0.222_753_237_841, 0.871_306_925_834]);
    let mixed = expected([3.837_678_725_588, 0.296_037_613_485, 0.917_650_592_648]);
    for (args, wanted) in [
        ("predict cv.fit --data new.csv --s lambda.1se --out", one_error),
        ("predict cv.fit --data new.csv --out", one_error),
        (
            "predict cv.fit --data new.csv --s lambda.1se --gamma 0.5 --out",
            one_error,
        ),
        (
            "predict path.fit --data new.csv --s 0.1 --gamma 0.25 --out",
            mixed,
        ),
    ] {
        folder.ok(&[&split(args)[..], &["fit.csv"]].concat());
        near(&folder.read("fit.csv"), "fit", &wanted, 1e-7);
    }
    let plain = "--data folds.csv --nlambda 5 --save plain.fit";
    folder.ok(&[&["glmnet", formula][..], &split(plain)].concat());
    for (args, why) in [
        (
            "predict plain.fit --data new.csv --gamma 0.5 --out no.csv",
            "has no relaxed fits",
        ),
        (
            "predict path.fit --data new.csv --gamma 2 --out no.csv",
            "--gamma: 2 is not between 0 and 1",
        ),
    ] {
        let said = folder.fails(2, &split(args));
        assert!(said.contains(why), "{said}");
    }
    for (args, why) in [
        ("--gamma 2 --s 0.1", "--gamma: 2 is not between 0 and 1"),
        ("--gamma -1 --s 0.1", "--gamma: -1 is not between 0 and 1"),
        ("--s -3", "--s -3: give a number that is 0 or more"),
    ] {
        let said = folder.fails(
            2,
            &[&["glmnet", formula][..], &split(rest), &split(args)].concat(),
        );
        assert!(said.contains(why), "{said}");
    }
    let keep = "--keep kept.parquet --foldid fold";
    let said = folder.fails(
        2,
        &[&["cv-glmnet", formula][..], &split(rest), &split(keep)].concat(),
    );
    assert!(said.contains("--keep kept.parquet: name a .csv file"), "{said}");
}
