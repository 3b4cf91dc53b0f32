//! `nelder devices`.

mod common;

use common::Folder;

#[test]
fn the_cpu_is_there_and_what_is_missing_is_said() {
    let folder = Folder::new("devices");
    let text = folder.ok(&["devices"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("bandwidth") && lines[1].starts_with("cpu"),
        "{text}"
    );
    assert!(lines[2].starts_with("cuda"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&folder.ok(&["devices", "--json"])).unwrap();
    let cpu = &json[0];
    assert!(cpu["id"] == "cpu" && cpu["float64"] == true);
    // the slowest memory of a machine that builds this moves more than a hundred megabytes a second
    assert!(cpu["bandwidth"].as_f64().unwrap() > 1e8);
    let cuda = &json[1];
    let named = cuda["name"].as_str().is_some_and(|n| !n.is_empty());
    let missing = cuda["missing"]
        .as_str()
        .is_some_and(|m| m.starts_with("no cuda device: "));
    assert!(named != missing, "{json}");
}
