//! What text files mean: types, missing values, records, headers, digits.

use crate::common::{Cells, Folder, noise, read};
use nelder::frame::{Kind, Source};
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;
use nelder_data::{DataError, open};
use proptest::prelude::*;

fn kind_of(folder: &Folder, values: &str) -> Kind {
    let lines: String = values.split('|').map(|v| format!("1,{v}\n")).collect();
    let path = folder.file("kind.csv", format!("a,b\n{lines}"));
    open(&path).unwrap().schema().fields[1].kind
}

#[test]
fn types_of_text_columns() {
    let folder = Folder::new();
    for (values, kind) in [
        ("1|2|-3", Kind::Integer),
        ("1|NA||+4", Kind::Integer),
        (" 1|2 | ", Kind::Integer),
        ("9007199254740993|1", Kind::Integer),
        ("1|2.5", Kind::Real),
        ("1e5|.5|2.|-1E-3", Kind::Real),
        ("Inf|-Inf|NaN|NA", Kind::Real),
        ("NA||NA", Kind::Real),
        ("TRUE|FALSE|NA", Kind::Logical),
        ("T|F|", Kind::Logical),
        ("true|false", Kind::Logical),
        ("True|False", Kind::Logical),
        ("TRUE|1", Kind::Text),
        ("1|2|x", Kind::Text),
        ("1L|2", Kind::Text),
        ("1_000|2", Kind::Text),
        ("2013-01-01|2013-01-02", Kind::Text),
        ("\"1\"|\"2\"", Kind::Integer),
    ] {
        assert_eq!(kind_of(&folder, values), kind, "{values}");
    }
}

#[test]
fn missing_values_in_text_and_numbers() {
    let folder = Folder::new();
    let path = folder.file("t.csv", "n,t,l\n1, a,T\nNA,NA,NA\n,,\n NA , NA,F\n \t,b ,\n");
    let columns = read(&open(&path).unwrap());
    let nan = f64::NAN.to_bits();
    assert_eq!(
        columns[0].1,
        Cells::Numbers(vec![1f64.to_bits(), nan, nan, nan, nan])
    );
    // R keeps the blanks of text too
    let text = [Some(" a"), None, None, Some(" NA"), Some("b ")];
    assert_eq!(
        columns[1].1,
        Cells::Text(text.map(|t| t.map(str::to_string)).to_vec())
    );
    assert_eq!(columns[2].1, Cells::Logical(vec![1, 2, 2, 0, 2]));
}

#[test]
fn a_column_that_turns_out_text_late_is_text_from_its_first_row() {
    let folder = Folder::new();
    let mut text = String::from("x,pad\n");
    for i in 0..300_000 {
        let field = if i == 200_000 {
            "n/a".to_string()
        } else {
            (i % 7).to_string()
        };
        text += &format!("{field},aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
    }
    let source = open(&folder.file("late.csv", text)).unwrap();
    assert_eq!(source.schema().fields[0].kind, Kind::Text);
    let Cells::Text(labels) = &read(&source)[0].1 else {
        panic!("not text")
    };
    for (i, label) in labels.iter().enumerate() {
        let expected = if i == 200_000 {
            "n/a".to_string()
        } else {
            (i % 7).to_string()
        };
        assert_eq!(label.as_deref(), Some(expected.as_str()), "row {i}");
    }
}

/// Quotes in the middle of a field are letters, also where the file is cut into pieces for the workers.
#[test]
fn inch_marks_do_not_join_lines() {
    let folder = Folder::new();
    let mut text = String::from("size,note,x\n");
    for i in 0..150_000 {
        text += &format!("5\" pipe {},\"two\nlines, {i}\",{i}\n", i % 3);
    }
    assert!(text.len() > 4 << 20);
    let source = open(&folder.file("inches.csv", text)).unwrap();
    assert_eq!(source.rows(), Some(150_000));
    let columns = read(&source);
    let Cells::Text(size) = &columns[0].1 else {
        panic!()
    };
    assert!(
        size.iter()
            .enumerate()
            .all(|(i, s)| *s == Some(format!("5\" pipe {}", i % 3)))
    );
    let Cells::Text(note) = &columns[1].1 else {
        panic!()
    };
    assert!(
        note.iter()
            .enumerate()
            .all(|(i, s)| *s == Some(format!("two\nlines, {i}")))
    );
}

fn refused(folder: &Folder, text: impl AsRef<[u8]>) -> String {
    let path = folder.file("bad.csv", text);
    let message = open(&path).err().expect("an error").to_string();
    assert!(message.contains("bad.csv"), "{message}");
    message
}

#[test]
fn lines_that_are_no_records_are_named() {
    let folder = Folder::new();
    let line = |text: &str, line: usize, what: &str| {
        let message = refused(&folder, text);
        assert!(message.contains(&format!("line {line}: ")), "{message}");
        assert!(message.contains(what), "{message}");
    };
    line("a,b\n1,2\n3\n", 3, "1 field, but the header has 2");
    line(
        "a,b\n1,2\n\n3,4,5\n",
        4,
        "3 fields, but the header has 2; text that contains ','",
    );
    line("a,b\r\n1,\"x\ny\"\r\n3\r\n", 4, "1 field");
    line("a,b\n1,\"2\n3,4\n", 2, "a quote is not closed");
    line("a,b\n1,\"2\"3\n", 2, "text follows a closing quote");
    line("\n\na,\"b\n1,2\n", 3, "a quote is not closed");
    line("\n\n\n", 4, "there is no header");
    line(",,\n1,2,3\n", 1, "there is no header");
    line("a,b\r1,2\r3,4\r", 1, "carriage returns");
    let wide: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refused(&folder, [&[0xff, 0xfe][..], &wide].concat()).contains("UTF-16"));
    assert!(matches!(
        open(&folder.file("e.csv", "")),
        Err(DataError::Empty(_))
    ));
    assert!(refused(&folder, b"a,\xff\n1,2\n").contains("UTF-8"));
    // text that is no UTF-8 is an error of its line when the column is read, and none when it is not
    let latin = open(&folder.file("latin.csv", b"x,name\n1,a\n2,caf\xe9\n")).unwrap();
    assert_eq!(latin.scan(&[0], &|_, _| true).unwrap().rows, 2);
    let message = latin.scan(&[1], &|_, _| true).unwrap_err().to_string();
    assert!(
        message.contains("latin.csv, line 3: column `name`: ") && message.contains("UTF-8"),
        "{message}"
    );
}

#[test]
fn headers() {
    let folder = Folder::new();
    let names = |text: &str| -> Vec<String> {
        let source = open(&folder.file("h.csv", text)).unwrap();
        source.schema().names().iter().map(|n| n.to_string()).collect()
    };
    assert_eq!(names("\"\",a,\"b c\",\n1,2,3,4\n"), ["X", "a", "b c", "X.1"]);
    assert_eq!(names("X,,X.1\n1,2,3\n"), ["X", "X.2", "X.1"]);
    assert_eq!(names(" a , \"b\"\n1,2\n"), ["a", "b"]);
    assert_eq!(names("\n\r\na;b\n1,5;2\n"), ["a", "b"]);
    assert_eq!(names("\"a,1\";b\n1;2\n"), ["a,1", "b"]);
    for text in ["a,b", "a,b\n", "a,b\r\n"] {
        let source = open(&folder.file("only.csv", text)).unwrap();
        assert_eq!(
            (source.rows(), source.schema().names()),
            (Some(0), vec!["a", "b"])
        );
        let message = lm(&LmSpec::new("a ~ b"), &source, &NoProgress)
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains("no complete rows"), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Text becomes the double nearest to it, however many digits it has.
    #[test]
    fn numbers_are_rounded_once(texts in prop::collection::vec("[-+]?[0-9]{1,25}(\\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?", 1..40)) {
        let folder = Folder::new();
        let source = open(&folder.file("t.csv", format!("x\n{}\n", texts.join("\n")))).unwrap();
        let expected = texts.iter().map(|t| t.parse::<f64>().unwrap().to_bits()).collect();
        prop_assert_eq!(&read(&source)[0].1, &Cells::Numbers(expected));
    }

    /// Every double survives its shortest digits and its 17 digits.
    #[test]
    fn doubles_survive(bits in prop::collection::vec(any::<u64>(), 1..40)) {
        let folder = Folder::new();
        let finite: Vec<f64> = bits.iter().map(|&b| f64::from_bits(b)).map(|x| if x.is_finite() { x } else { noise(3) }).collect();
        let lines: String = finite.iter().map(|x| format!("{x:?},{x:.16e},{x}\n")).collect();
        let source = open(&folder.file("t.csv", format!("a,b,c\n{lines}"))).unwrap();
        for (name, cells) in read(&source) {
            prop_assert_eq!(cells, Cells::Numbers(finite.iter().map(|x| x.to_bits()).collect()), "{}", name);
        }
    }
}
