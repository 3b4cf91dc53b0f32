//! Wrong requests and wrong data: a message on standard error that says what to do, exit code 2 or 1, and no file.

use crate::common::Folder;

const DATA: &str = "\
y,x,g,one,name,w,gone,wide
1,2,a,k,p,1,NA,1
2,3,b,k,q,1,NA,2
4,4,a,k,r,-1,NA,Inf
7,8,b,k,s,1,NA,5
5,9,a,k,t,1,NA,7
";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("data.csv", DATA);
    folder
}

/// Calls `nelder lm` with a formula on the table above, and looks for parts of the message.
fn refused(folder: &Folder, code: i32, formula: &str, options: &[&str], parts: &[&str]) {
    let args = [
        &["lm", formula, "--data", "data.csv", "--tidy", "out.csv"],
        options,
    ]
    .concat();
    let message = folder.fails(code, &args);
    assert!(message.starts_with("nelder: "), "{message}");
    for part in parts {
        assert!(message.contains(part), "{args:?}: no {part:?} in: {message}");
    }
}

#[test]
fn files() {
    let folder = folder("bad_files");
    let says = |file: &str, parts: &[&str]| {
        let message = folder.fails(1, &["lm", "y ~ x", "--data", file, "--tidy", "out.csv"]);
        for part in parts {
            assert!(message.contains(part), "{file}: no {part:?} in: {message}");
        }
    };
    says("dat.csv", &["no file dat.csv; did you mean data.csv?"]);
    says("data.parquet", &["no file data.parquet; did you mean data.csv?"]);
    std::fs::create_dir(folder.0.join("nothing")).unwrap();
    says("nothing", &["nothing: there is no file of data in it"]);
    says("*.txt", &["*.txt: there is no file of data"]);
    says("-", &["standard input is empty (0 bytes)"]);
    let flights = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/flights.parquet"
    ))
    .unwrap();
    folder.write("cut.parquet", &flights[..flights.len() / 2]);
    says(
        "cut.parquet",
        &["cut.parquet: not a readable Parquet file", "cut short"],
    );
    let mut holed = flights;
    let n = holed.len();
    holed[n / 4..n / 2].fill(0x5a);
    folder.write("holed.parquet", &holed);
    let message = folder.fails(1, &["lm", "arr_delay ~ .", "--data", "holed.parquet"]);
    assert!(message.contains("holed.parquet"), "{message}");
    folder.write("short.csv", "y,x\n1,2\n3\n");
    says("short.csv", &["short.csv, line 3: 1 field, but the header has 2"]);
    folder.write("empty.csv", "");
    says("empty.csv", &["empty.csv is empty (0 bytes)"]);
    folder.write("header.csv", "y,x\n");
    says("header.csv", &["no complete rows: of 0 rows"]);
    folder.write("table.xlsx", "PK");
    says("table.xlsx", &["known are Parquet (.parquet)"]);
    folder.write("data.arrow", "y,x\n1,2\n");
    says("data.arrow", &["not a readable Arrow IPC file", "ARROW1"]);
}

#[test]
fn columns_and_functions() {
    let folder = folder("bad_columns");
    let says = |formula: &str, parts: &[&str]| refused(&folder, 1, formula, &[], parts);
    says("y ~ nmae", &["there is no column `nmae`; did you mean `name`?"]);
    says("y ~ wieght(x)", &["there is no function `wieght()`"]);
    says(
        "y ~ lgo(x)",
        &["there is no function `lgo()`; did you mean `log()`?"],
    );
    says("name ~ x", &["the response `name` is text"]);
    says(
        "y ~ one",
        &["`one` has one level, `k`", "leave it out of the formula"],
    );
    says(
        "y ~ gone",
        &[
            "of 5 rows, 5 have missing values",
            "`gone` is missing in every row: leave it out",
        ],
    );
    says("y ~ x + g + gone", &["`gone` is missing in every row"]);
    says("y ~ wide", &["`wide` is infinite in row 3", "is.finite(wide)"]);
    says("wide ~ x", &["`wide` is infinite in row 3"]);
    says("y ~ log(x - 2)", &["`log(x - 2)` is infinite in row 1"]);
    says("y ~ log(name)", &["log(name)"]);
    refused(
        &folder,
        1,
        "y ~ x",
        &["--weights", "w"],
        &["the weight `w` is negative (-1) in row 3"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--weights", "wieght"],
        &["there is no column `wieght`"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--weights", "name"],
        &["the weights `name` must be", "numbers"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--weights", "0 * x"],
        &["5 have weight zero"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--offset", "name"],
        &["the offset `name` must be", "numbers"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--subset", "name"],
        &["the subset `name` must be logical, such as"],
    );
    refused(
        &folder,
        1,
        "y ~ x",
        &["--subset", "x > 99"],
        &["5 are not in the subset"],
    );
    refused(
        &folder,
        1,
        "y ~ gone",
        &["--na", "fail"],
        &["`gone` is missing in row 1"],
    );
    refused(&folder, 1, "y ~ x", &["--vcov", "cluster:nmae"], &["`nmae`"]);
}

/// Whichever worker meets a value first, the first row is named.
#[test]
fn the_first_infinite_row_of_a_large_file_is_named() {
    let folder = Folder::new("bad_rows");
    let mut text = String::from("y,x\n");
    for i in 1..=400_000 {
        text += if i == 123_457 || i > 300_000 {
            "1,Inf\n"
        } else {
            "2.5,3\n"
        };
    }
    folder.write("large.csv", text);
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "large.csv"]);
    assert!(message.contains("`x` is infinite in row 123457;"), "{message}");
}

#[test]
fn formulas() {
    let folder = folder("bad_formulas");
    // the caret stands under the place
    for (formula, caret, what) in [
        ("y ~ x +", 7, "expected a variable, a number or a call"),
        ("y ~ x)", 5, "found `)`"),
        ("y ~ x ~ g", 6, "a formula has one `~`"),
        ("y ~ 'a", 4, "the string has no closing '"),
        ("y ~ é é", 6, "found"),
        ("x", 1, "write"),
        ("", 0, "the end of the formula"),
    ] {
        let message = folder.fails(2, &["lm", formula, "--data", "data.csv"]);
        let lines: Vec<&str> = message.lines().collect();
        if formula != "x" {
            assert!(lines[0].contains(what), "{message}");
        }
        assert_eq!(
            lines[1].trim_end(),
            format!("  {formula}").trim_end(),
            "{message}"
        );
        assert_eq!(lines[2], format!("  {}^", " ".repeat(caret)), "{message}");
    }
    refused(&folder, 2, "~ x", &[], &["has no response; write `y ~ x`"]);
    refused(&folder, 2, "y ~ x", &["--weights", "w +"], &["\n  w +\n     ^"]);
    refused(&folder, 2, "y ~ x", &["--subset", "x >"], &["\n  x >\n     ^"]);
    // the formula is looked at before the file
    let message = folder.fails(2, &["lm", "y ~", "--data", "nowhere.csv"]);
    assert!(!message.contains("nowhere"), "{message}");
}

#[test]
fn options() {
    let folder = folder("bad_options");
    let says = |options: &[&str], parts: &[&str]| refused(&folder, 2, "y ~ x + g", options, parts);
    says(&["--level", "2"], &["--level 2 is not between 0 and 1"]);
    says(&["--level", "0"], &["--level 0 is not between 0 and 1"]);
    says(&["--level", "nan"], &["--level NaN is not between 0 and 1"]);
    says(
        &["--vcov", "HC9"],
        &["`HC9` is none of iid, HC0, HC1, HC2, HC3, cluster:COLUMN and cluster:COLUMN:HC0 to HC3"],
    );
    says(
        &["--contrasts", "g=foo"],
        &["g=foo", "no contrasts named `foo`; known are treatment, sum"],
    );
    says(
        &["--contrasts", "nosuch=sum"],
        &["`nosuch` is not a variable of the model"],
    );
    says(&["--contrasts", "g"], &["--contrasts g: write name=sum"]);
    says(&["--tol", "2"], &["tol: 2 is not in [0, 1)"]);
    says(&["--tol=-1"], &["tol: -1 is not in [0, 1)"]);
    says(&["--tol", "nan"], &["tol: NaN is not in [0, 1)"]);
    // what clap says
    let usage = |args: &[&str], part: &str| {
        let message = folder.fails(2, args);
        assert!(message.contains(part), "{message}");
    };
    usage(&[], "Usage: nelder <COMMAND>");
    usage(&["ml"], "unrecognized subcommand 'ml'");
    usage(&["lm"], "<FORMULA>");
    usage(&["lm", "y ~ x"], "--data <FILE>");
    usage(&["lm", "y ~ x", "--data", "data.csv", "--nosuch"], "--nosuch");
    usage(
        &["lm", "y ~ x", "--data", "data.csv", "--level", "much"],
        "invalid value 'much'",
    );
    usage(
        &["lm", "y ~ x", "--data", "data.csv", "--na", "drop"],
        "possible values: omit, exclude, fail",
    );
    usage(
        &["lm", "y ~ x", "--data", "data.csv", "--precision", "f16"],
        "possible values: auto, f32, f64, certified",
    );
    usage(
        &["lm", "y ~ x", "--data", "data.csv", "--json", "--tidy", "t.csv"],
        "cannot be used with",
    );
}

#[test]
fn outputs() {
    let folder = folder("bad_outputs");
    let tidy = |path: &str| folder.fails(1, &["lm", "y ~ x", "--data", "data.csv", "--tidy", path]);
    let message = tidy("no/such/out.csv");
    assert!(
        message.contains("no/such/out.csv: there is no folder no/such; make it first"),
        "{message}"
    );
    std::fs::create_dir(folder.0.join("folder")).unwrap();
    let message = tidy("folder");
    assert!(
        message.contains("folder: ") && message.contains("irectory"),
        "{message}"
    );
    // a table that was there before stays when the fit fails
    folder.write("old.csv", "kept");
    folder.fails(1, &["lm", "y ~ gone", "--data", "data.csv", "--tidy", "old.csv"]);
    assert_eq!(std::fs::read_to_string(folder.0.join("old.csv")).unwrap(), "kept");
}

#[test]
fn lines_that_were_read_as_one_column() {
    let folder = Folder::new("bad_separators");
    let says = |file: &str, text: &str, hint: &str| {
        folder.write(file, text);
        let message = folder.fails(1, &["lm", "y ~ x", "--data", file]);
        assert!(message.contains(hint), "no {hint:?} in: {message}");
    };
    says("blanks.txt", "y x g\n1 2 a\n3 4 b\n", "`y x g`; does --sep ' '");
    says("colons.csv", "y:x\n1:2\n3:4\n", "`y:x`; does --sep ':'");
    says("one.csv", "y\n1\n3\n", "there is no column `x`");
    folder.write("twice.csv", "y,x,x\n1,2,3\n3,4,5\n");
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "twice.csv"]);
    let first = message.lines().next().unwrap();
    assert!(
        first.contains("a column `x`, which stands there twice"),
        "{message}"
    );
}

#[test]
#[cfg(unix)]
fn a_pipe_in_a_folder_of_files() {
    let folder = Folder::new("bad_pipe");
    std::fs::create_dir(folder.0.join("parts")).unwrap();
    folder.write("parts/1.csv", "y,x\n1,2\n3,4\n");
    let pipe = folder.0.join("parts/2.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "parts"]);
    assert!(message.contains("2.csv is a pipe"), "{message}");
}
