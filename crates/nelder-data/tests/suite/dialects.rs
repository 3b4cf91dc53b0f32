//! Text files as other programs write them: separators, decimal commas, quotes, names of rows, missing values, types.

use crate::common::{Cells, Folder, noise, read};
use nelder::frame::{Kind, Source};
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;
use nelder_data::{DataError, Opened, TextOptions, TextType, open_all};
use proptest::prelude::*;

fn with(folder: &Folder, text: impl AsRef<[u8]>, options: &TextOptions) -> Result<Opened, DataError> {
    open_all(&[folder.file("t.csv", text)], options)
}

fn plain(text: impl AsRef<[u8]>) -> Opened {
    with(&Folder::new(), text, &TextOptions::default()).unwrap()
}

fn options(change: impl Fn(&mut TextOptions)) -> TextOptions {
    let mut options = TextOptions::default();
    change(&mut options);
    options
}

fn numbers(values: &[f64]) -> Cells {
    Cells::Numbers(values.iter().map(|x| x.to_bits()).collect())
}

fn texts(values: &[&str]) -> Cells {
    Cells::Text(values.iter().map(|s| Some(s.to_string())).collect())
}

fn columns(source: &Opened) -> Vec<(String, Cells)> {
    read(source)
}

fn names(source: &Opened) -> Vec<&str> {
    source.schema().names()
}

#[test]
fn separators_are_found() {
    for (text, expected) in [
        ("a|b|c\n1|2|x,y\n3|4|z\n", vec!["a", "b", "c"]),
        // names with other separators in them
        ("a (x, y, z);b\n1;2\n3;4\n", vec!["a (x, y, z)", "b"]),
        ("\"a;b\",\"c|d|e\",f\n1,2,3\n", vec!["a;b", "c|d|e", "f"]),
        ("\"a, b\", \"c\"\n1, 2\n", vec!["a, b", "c"]),
        ("a;b\n1,5;2,5\n1,25;2\n", vec!["a", "b"]),
        ("a,b\n1;5,2\n", vec!["a", "b"]),
        ("a\tb, c\n1\t2\n", vec!["a", "b, c"]),
        ("a\n1,5\n2,5\n", vec!["a"]),
        ("a|b", vec!["a|b"]),
    ] {
        let source = plain(text);
        if text == "a|b" {
            assert_eq!(names(&source), ["a", "b"]);
        } else {
            assert_eq!(names(&source), expected, "{text:?}");
        }
    }
    let folder = Folder::new();
    let bars = options(|o| o.separator = Some(b'^'));
    let source = with(&folder, "a,b^c\n1^2\n", &bars).unwrap();
    assert_eq!(names(&source), ["a,b", "c"]);
    let blanks = options(|o| o.separator = Some(b' '));
    let source = with(&folder, "a b\n1 2\n\"x y\" 3\n", &blanks).unwrap();
    assert_eq!(columns(&source)[0].1, texts(&["1", "x y"]));
}

#[test]
fn decimal_commas() {
    let folder = Folder::new();
    let comma = options(|o| o.decimal = b',');
    let source = with(&folder, "x;y;z\n1,5;-2;a\n,25;1e3;b,c\n1e-2; 3,0 ;d\n", &comma).unwrap();
    let c = columns(&source);
    assert_eq!(c[0].1, numbers(&[1.5, 0.25, 0.01]));
    assert_eq!(c[1].1, numbers(&[-2.0, 1000.0, 3.0]));
    assert_eq!(c[2].1, texts(&["a", "b,c", "d"]));
    // a point is no decimal point then, as in R
    let source = with(&folder, "x\ty\n1.5\t1\n2\t2\n", &comma).unwrap();
    assert_eq!(source.schema().fields[0].kind, Kind::Text);
    // a comma separates nothing
    assert_eq!(
        names(&with(&folder, "a,b;c\n1,5;2\n", &comma).unwrap()),
        ["a,b", "c"]
    );
}

#[test]
fn quotes() {
    // blanks around quotes
    let source = plain("x, \"g\"\n2.1, \"1\"\n3.5,  \"2\" \n4, \"a, \"\"b\"\"\"\n5, \"two\nlines\"\n");
    assert_eq!(names(&source), ["x", "g"]);
    assert_eq!(
        columns(&source)[1].1,
        texts(&["1", "2", "a, \"b\"", "two\nlines"])
    );
    let source = plain("x,\t\"y\"\n1, \"2\"\n3, \"4\"\n");
    assert_eq!(columns(&source)[1].1, numbers(&[2.0, 4.0]));
    // quotes inside text
    let source = plain("x,g\n1, \"Best\" of\n2,5\" pipe\n3, a \"b\"\n");
    assert_eq!(
        columns(&source)[1].1,
        texts(&[" \"Best\" of", "5\" pipe", " a \"b\""])
    );
    let folder = Folder::new();
    let single = options(|o| o.quote = Some(b'\''));
    let source = with(&folder, "x,g\n1,'a, b'\n2,'it''s'\n3,\"\n", &single).unwrap();
    assert_eq!(columns(&source)[1].1, texts(&["a, b", "it's", "\""]));
    let none = options(|o| o.quote = None);
    let source = with(&folder, "x,g\n1,\"a\n2,b\"\n", &none).unwrap();
    assert_eq!(columns(&source)[1].1, texts(&["\"a", "b\""]));
}

/// What `write.table(d, sep = ",")` and `write.csv2(d)` of R write.
#[test]
fn names_of_rows() {
    let source = plain("\"y\",\"g\"\n\"1\",2.5,\"a\"\n\"2\",3.5,\"b\"\n");
    assert_eq!(names(&source), ["y", "g"]);
    let c = columns(&source);
    assert_eq!((&c[0].1, &c[1].1), (&numbers(&[2.5, 3.5]), &texts(&["a", "b"])));
    assert_eq!(
        columns(&plain("\"y\"\n\"1\",2.5\n\"2\",3.5\n"))[0].1,
        numbers(&[2.5, 3.5])
    );
    assert_eq!(columns(&plain("y,x\na,1,2\nb,3,4\n"))[1].1, numbers(&[2.0, 4.0]));
    let folder = Folder::new();
    let blanks = options(|o| o.separator = Some(b' '));
    let source = with(
        &folder,
        "\"y\" \"g\"\n\"Mazda RX4\" 2.5 \"a\"\n\"2\" 3.5 \"b\"\n",
        &blanks,
    )
    .unwrap();
    assert_eq!(columns(&source)[0].1, numbers(&[2.5, 3.5]));
    // a separator at the end of each record is none
    let c = columns(&plain("y,x\n1,2,\n3,4,\n"));
    assert_eq!((&c[0].1, &c[1].1), (&numbers(&[1.0, 3.0]), &numbers(&[2.0, 4.0])));
    // one record of another width is an error
    let error = with(&folder, "y,x\na,1,2\n3,4\n", &TextOptions::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("line 3: 2 fields"), "{error}");
}

#[test]
fn last_lines_of_blanks() {
    for end in [
        "\n   \n",
        "\n \t ",
        "\r\n  \r\n",
        "\n\n\n",
        "\n\u{1a}",
        "\n  \n\n  ",
    ] {
        let source = plain(format!("y,x\n1,2\n3,4{end}"));
        assert_eq!(source.rows(), Some(2), "{end:?}");
        assert_eq!(columns(&source)[1].1, numbers(&[2.0, 4.0]), "{end:?}");
    }
    // fields that are empty are a record
    assert_eq!(plain("y\tx\n1\t2\n\t\n").rows(), Some(2));
}

#[test]
fn names_that_occur_twice() {
    let source = plain("a,b,a,c\n1,2,3,4\n5,6,7,9\n8,8,8,1\n");
    assert_eq!(names(&source), ["b", "c"]);
    assert_eq!(source.unreadable()[0].0, "a");
    let fit = lm(&LmSpec::new("b ~ c"), &source, &NoProgress).unwrap();
    assert_eq!(fit.rows(), 3);
    assert!(lm(&LmSpec::new("b ~ a"), &source, &NoProgress).is_err());
}

#[test]
fn missing_values() {
    let folder = Folder::new();
    let text = "x,g\n1,a\n-,NA\n-99,-\n, -99\n";
    let own = options(|o| o.missing = vec!["-".into(), "-99".into()]);
    let source = with(&folder, text, &own).unwrap();
    assert_eq!(
        columns(&source)[0].1,
        numbers(&[1.0, f64::NAN, f64::NAN, f64::NAN])
    );
    // what stands for missing is what was said, no more
    let expected = [Some("a"), Some("NA"), None, Some(" -99")].map(|s| s.map(str::to_string));
    assert_eq!(columns(&source)[1].1, Cells::Text(expected.to_vec()));
}

#[test]
fn types_and_names() {
    let folder = Folder::new();
    let kinds = |pairs: &[(&str, TextType)]| {
        let pairs: Vec<(String, TextType)> = pairs.iter().map(|(n, t)| (n.to_string(), *t)).collect();
        options(move |o| o.types = pairs.clone())
    };
    let text = "id,x,t\n007,1,T\n08,2,F\n7,-,T\n";
    let source = with(
        &folder,
        text,
        &kinds(&[("id", TextType::Text), ("t", TextType::Text)]),
    )
    .unwrap();
    assert_eq!(columns(&source)[0].1, texts(&["007", "08", "7"]));
    assert_eq!(columns(&source)[2].1, texts(&["T", "F", "T"]));
    let error = |pairs: &[(&str, TextType)]| with(&folder, text, &kinds(pairs)).err().unwrap().to_string();
    let said = error(&[("x", TextType::Number)]);
    assert!(
        said.contains("`x`") && said.contains("\"-\" in row 3 (line 4)"),
        "{said}"
    );
    assert!(error(&[("y", TextType::Number)]).contains("no column `y`"));
    assert!(error(&[("x", TextType::Logical)]).contains("`x`"));
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        options(move |o| o.names = names.clone())
    };
    // no header
    let source = with(&folder, "1,a\n2,b\n", &named(&["x", "g"])).unwrap();
    assert_eq!((names(&source), source.rows()), (vec!["x", "g"], Some(2)));
    let source = with(&folder, "a,b\nc,d\n", &named(&["f", "g"])).unwrap();
    assert_eq!(source.rows(), Some(2));
    let source = with(&folder, "NA,a\n2,b\n", &named(&["x", "g"])).unwrap();
    assert_eq!(source.rows(), Some(2));
    // a header that is replaced, also one that cannot be split
    let source = with(
        &folder,
        "income (USD, k),age\n1,2\n3,4\n",
        &named(&["income", "age"]),
    )
    .unwrap();
    assert_eq!((names(&source), source.rows()), (vec!["income", "age"], Some(2)));
    assert_eq!(columns(&source)[1].1, numbers(&[2.0, 4.0]));
    let error = with(&folder, "1,2,3,4\n", &named(&["a", "b"]))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("4 fields, but the header has 2"), "{error}");
    let error = with(&folder, "income (USD, k),age\n1,2\n", &TextOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("a name that contains ',' must stand in quotes"),
        "{error}"
    );
}

/// One field among hundreds of thousands is named; a column of text is not.
#[test]
fn fields_that_make_a_column_text() {
    let stray = |field: &str| {
        let mut text = String::from("y,x,g\n");
        for i in 0..300_000 {
            let x = if i == 234_567 {
                field.to_string()
            } else {
                format!("{}", noise(i))
            };
            text += &format!("{i},{x},{}\n", if i % 3 == 0 { "u1" } else { "7" });
        }
        plain(text).remarks().to_vec()
    };
    for (field, hint) in [
        ("-", "--na-strings \"-\""),
        ("\"1,200\"", "separators of thousands"),
        ("\"1,5\"", "--dec ,"),
        ("n/a", "--na-strings \"n/a\""),
    ] {
        let said = stray(field);
        let of: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(of, ["x", "g"], "{said:?}");
        let place = format!("{:?} in row 234568 (line 234569)", field.trim_matches('"'));
        assert!(said[0].1.contains(&place) && said[0].1.contains(hint), "{said:?}");
        assert!(said[0].1.contains("taken for text"), "{said:?}");
    }
    assert_eq!(plain("g,h\na1,x\nb2,y\n3,z\n").remarks(), []);
    let said = plain("a;b\n1,5;2\n2,5;3\n");
    assert!(said.remarks()[0].1.contains("--dec ,"), "{:?}", said.remarks());
}

/// A field as it stands in the file, and what it is.
fn quoted(text: &str, quote: char, delimiter: char, blanks: usize) -> String {
    let doubled = text.replace(quote, &format!("{quote}{quote}"));
    let blank = if delimiter == ' ' {
        String::new()
    } else {
        " ".repeat(blanks)
    };
    format!("{blank}{quote}{doubled}{quote}{blank}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in quotes comes back, by any separator, quote, decimal point and line end.
    #[test]
    fn tables_survive(
        rows in prop::collection::vec(("[a-z,;|'\" \n]{1,12}", -1e6f64..1e6, 0usize..3), 2..30),
        separator in prop::sample::select(vec![b',', b';', b'\t', b'|', b'^']),
        quote in prop::sample::select(vec!['"', '\'']),
        comma in any::<bool>(),
        crlf in any::<bool>(),
        row_names in any::<bool>(),
    ) {
        let comma = comma && separator != b',';
        let options = options(|o| {
            o.separator = Some(separator);
            o.quote = Some(quote as u8);
            o.decimal = if comma { b',' } else { b'.' };
        });
        let (d, end) = (separator as char, if crlf { "\r\n" } else { "\n" });
        let q = |text: &str, blanks: usize| quoted(text, quote, d, blanks);
        let mut text = format!("{}{d}x{end}", q(&format!("g{d}1"), 1));
        for (i, (g, x, blanks)) in rows.iter().enumerate() {
            let x = if comma { x.to_string().replace('.', ",") } else { x.to_string() };
            let first = if row_names { format!("{}{d}", q(&i.to_string(), 0)) } else { String::new() };
            text += &format!("{first}{}{d}{x}{end}", q(g, *blanks));
        }
        let source = with(&Folder::new(), text, &options).unwrap();
        let c = columns(&source);
        let expected: Vec<Option<String>> = rows.iter().map(|r| Some(r.0.clone())).collect();
        prop_assert_eq!(&c[0].0, &format!("g{d}1"));
        prop_assert_eq!(&c[0].1, &Cells::Text(expected));
        prop_assert_eq!(&c[1].1, &numbers(&rows.iter().map(|r| r.1).collect::<Vec<_>>()));
    }
}
