//! Functions of all rows and the order of text, from a file to a saved fit.

use crate::common::Folder;

/// Estimates by term, as `--tidy -` writes them.
fn estimates(folder: &Folder, args: &[&str]) -> Vec<(String, f64)> {
    let out = folder.run(&[args, &["--tidy", "-"]].concat());
    assert!(out.status.success(), "{}", String::from_utf8(out.stderr).unwrap());
    let text = String::from_utf8(out.stdout).unwrap();
    let mut rows = text.lines();
    let header: Vec<&str> = rows.next().unwrap().split(',').collect();
    let at = header
        .iter()
        .position(|h| h.trim_matches('"') == "estimate")
        .unwrap();
    rows.map(|row| {
        // a term may have commas, numbers have none
        let cells: Vec<&str> = row.rsplitn(header.len(), ',').collect();
        let estimate = cells[header.len() - 1 - at].parse().unwrap();
        (cells[header.len() - 1].trim_matches('"').to_string(), estimate)
    })
    .collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a}, not {b}");
}

/// Means are 1.5 (Z), 3.5 (a) and 6.5 (b): R in its C locale has Z as the reference, in others a.
#[test]
fn another_reference_level_is_said_and_can_be_had() {
    let folder = Folder::new("formulas_collate");
    folder.write("d.csv", "y,g\n1,Z\n3,a\n6,b\n2,Z\n4,a\n7,b\n");
    let out = folder.run(&["lm", "y ~ g", "--data", "d.csv"]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(
        said.contains("the reference level of `g` is \"Z\"") && said.contains("relevel(g, ref = \"a\")"),
        "{said}"
    );
    let by_byte = estimates(&folder, &["lm", "y ~ g", "--data", "d.csv"]);
    let names: Vec<&str> = by_byte.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["(Intercept)", "ga", "gb"]);
    close(by_byte[0].1, 1.5);
    for (formula, more) in [
        ("y ~ g", &["--collate", "root"][..]),
        ("y ~ relevel(g, ref = 'a')", &[]),
    ] {
        let args = [&["lm", formula, "--data", "d.csv"], more].concat();
        let out = folder.run(&args);
        assert!(
            out.stderr.is_empty(),
            "{}",
            String::from_utf8(out.stderr).unwrap()
        );
        let own = estimates(&folder, &args);
        close(own[0].1, 3.5);
        assert_eq!(own.iter().filter(|(n, _)| n.ends_with('Z')).count(), 1);
    }
    let root = estimates(&folder, &["lm", "y ~ g", "--data", "d.csv", "--collate", "root"]);
    let names: Vec<&str> = root.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["(Intercept)", "gb", "gZ"]);
    // other contrasts have no reference level, other orders are the user's
    for formula in ["y ~ factor(g, levels = c('Z', 'a', 'b'))", "y ~ g - 1"] {
        let out = folder.run(&["lm", formula, "--data", "d.csv", "--contrasts", "g=sum"]);
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(!said.contains("reference level"), "{formula}: {said}");
    }
}

/// The first level of a response is its failure: in another order the signs turn. An interaction is in the order of its parts, and an
/// ordered factor has no reference level to choose.
#[test]
fn another_order_is_said_of_responses_and_interactions() {
    let folder = Folder::new("formulas_collate_response");
    folder.write("d.csv", "y,x,b\nZ,1,u\na,2,v\nZ,3,u\na,4,u\nZ,2,v\na,1,v\n");
    let said = |args: &[&str]| String::from_utf8(folder.run(args).stderr).unwrap();
    for formula in ["y ~ x", "factor(y) ~ x"] {
        let args = ["glm", formula, "--family", "binomial", "--data", "d.csv"];
        let note = said(&args);
        assert!(
            note.contains("the failure of `") && note.contains("\"a\" is first"),
            "{note}"
        );
        let slope = |args: &[&str]| estimates(&folder, args)[1].1;
        // R's, in a locale that has a before Z
        let root = [&args[..], &["--collate", "root"]].concat();
        assert!((slope(&root) + 0.297_552_1).abs() < 1e-6);
        assert_eq!(slope(&args), -slope(&root));
    }
    let note = said(&["lm", "x ~ interaction(y, b)", "--data", "d.csv"]);
    assert!(
        note.contains("reference level of `interaction(y, b)` is \"Z.u\""),
        "{note}"
    );
    let note = said(&["lm", "x ~ ordered(y)", "--data", "d.csv"]);
    assert!(
        note.contains("--collate root\n") && !note.contains("relevel"),
        "{note}"
    );
}

/// What R's `ifelse(s < "b")` and `sort()` do is the same order.
#[test]
fn strings_compare_in_the_order_of_levels() {
    let folder = Folder::new("formulas_compare");
    folder.write("d.csv", "y,g\n1,Z\n3,a\n6,b\n2,Z\n4,a\n7,b\n");
    let formula = "y ~ I(g < 'b')";
    let by_byte = estimates(&folder, &["lm", formula, "--data", "d.csv"]);
    close(by_byte[0].1, 6.5);
    let root = estimates(&folder, &["lm", formula, "--data", "d.csv", "--collate", "root"]);
    close(root[0].1, (6.0 + 7.0 + 1.0 + 2.0) / 4.0);
}

/// The fit's mean, quantiles and order of levels, not those of the new rows.
#[test]
fn a_saved_fit_keeps_what_it_took_from_all_rows() {
    let folder = Folder::new("formulas_saved");
    let x = [1.0, 2.0, 4.0, 8.0, 16.0, 5.0];
    let rows: Vec<String> = x
        .iter()
        .enumerate()
        .map(|(i, x)| format!("{},{x},{}", 3.0 + 2.0 * (x - 6.0), ["u", "v"][i % 2]))
        .collect();
    folder.write("d.csv", format!("y,x,g\n{}\n", rows.join("\n")));
    folder.write("new.csv", "x,g\n10,v\n11,u\n");
    for formula in [
        "y ~ I(x - mean(x))",
        "y ~ I((x - mean(x)) / sd(x)) + reorder(g, x)",
        "y ~ I(x - max(x)) + I(x > quantile(x, 0.5))",
        "y ~ rank(x) + x",
        "y ~ poly(x, 2) + I(x > min(x, 3))",
    ] {
        folder.ok(&["lm", formula, "--data", "d.csv", "--save", "fit.json"]);
        folder.ok(&["predict", "fit.json", "--data", "new.csv", "--out", "p.csv"]);
        let text = std::fs::read_to_string(folder.0.join("p.csv")).unwrap();
        let fitted: Vec<f64> = text
            .lines()
            .skip(1)
            .map(|l| l.split(',').next_back().unwrap().parse().unwrap())
            .collect();
        assert_eq!(fitted.len(), 2, "{text}");
        assert!(
            (fitted[0] - 11.0).abs() < 1e-10 && (fitted[1] - 13.0).abs() < 1e-10,
            "{formula}: {fitted:?}"
        );
        std::fs::remove_file(folder.0.join("fit.json")).unwrap();
        std::fs::remove_file(folder.0.join("p.csv")).unwrap();
    }
}

#[test]
fn the_pass_for_them_is_reported() {
    let folder = Folder::new("formulas_passes");
    folder.write("d.csv", "y,x\n1,2\n2,3\n4,4\n7,8\n");
    let out = folder.run(&[
        "lm",
        "y ~ I(x - mean(x)) + I(x > median(x))",
        "--data",
        "d.csv",
        "--explain",
    ]);
    let text = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert!(text.contains("summaries"), "{text}");
}

/// Text is of dates in one format; a level may be named by its place; quarters of missing dates are pasted, as in R.
#[test]
fn dates_in_text_and_places_of_levels() {
    let folder = Folder::new("formulas_dates");
    folder.write(
        "d.csv",
        "d,k,y\n2023/01/05,0,1\n2023-01-06,1,2\n2023-01-09,2,3\n2023/02/01,0,5\n2023/03/01,1,4\n",
    );
    let message = folder.fails(1, &["lm", "y ~ as.Date(d)", "--data", "d.csv"]);
    assert!(message.contains("dates in two formats"), "{message}");
    let message = folder.fails(
        1,
        &["lm", "y ~ as.Date(k)", "--data", "d.csv", "--types", "k=text"],
    );
    assert!(message.contains("is no date in the format"), "{message}");
    // R: lm(y ~ as.Date(d, "%Y/%m/%d")), rows 1, 4 and 5
    let text = folder.ok(&["lm", "y ~ as.Date(d, \"%Y/%m/%d\")", "--data", "d.csv", "--json"]);
    assert!(text.contains("0.0539"), "{text}");
    let text = folder.ok(&["lm", "y ~ relevel(factor(k), 2)", "--data", "d.csv"]);
    assert!(
        text.contains("relevel(factor(k), 2)0") && text.contains("relevel(factor(k), 2)2"),
        "{text}"
    );
    let message = folder.fails(1, &["lm", "y ~ relevel(factor(k), 4)", "--data", "d.csv"]);
    assert!(
        message.contains("there is no level 4 to put first; there are 3"),
        "{message}"
    );
    let text = folder.ok(&["lm", "y ~ quarters(as.Date(d, \"%Y-%m-%d\"))", "--data", "d.csv"]);
    assert!(text.contains("QNA"), "{text}");
}
