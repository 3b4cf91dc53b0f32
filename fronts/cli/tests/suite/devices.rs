//! `nelder devices` and `--device`.

use crate::common::Folder;

#[test]
fn the_cpu_is_there_and_what_is_missing_is_said() {
    let folder = Folder::new("devices");
    // drivers say things on standard error
    let printed = |args: &[&str]| {
        let out = folder.run(args);
        assert!(out.status.success());
        String::from_utf8(out.stdout).unwrap()
    };
    let text = printed(&["devices"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("bandwidth") && lines[1].starts_with("cpu"),
        "{text}"
    );
    assert!(lines[2].starts_with("cuda"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&printed(&["devices", "--json"])).unwrap();
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
    // a device of each kind, or what is missing of it
    for kind in ["cuda", "wgpu"] {
        let of = |d: &serde_json::Value| d["id"].as_str().is_some_and(|id| id.starts_with(kind));
        assert!(json.as_array().unwrap().iter().any(of), "{json}");
    }
}

const DATA: &str = "x,y,g\n1,2.1,a\n2,3.9,b\n3,6.2,a\n4,7.8,b\n5,10.1,a\n6,12.2,b\n";

#[test]
fn a_device_by_name_or_an_error() {
    let folder = Folder::new("device");
    folder.write("d.csv", DATA);
    let report = |args: &[&str]| -> serde_json::Value { serde_json::from_str(&folder.ok(args)).unwrap() };
    let call = ["lm", "y ~ x + g", "--data", "d.csv", "--json"];
    let cpu = report(&call);
    let host = report(&[&call[..], &["--device", "host"]].concat());
    assert_eq!(cpu["report"]["passes"][0]["name"], "gram");
    // the verbs of a device, the CPU behind them: the same numbers
    assert_eq!(host["report"]["passes"][0]["name"], "upload");
    let both = report(&[&call[..], &["--device", "host+host"]].concat());
    assert_eq!(both["report"]["passes"][0]["device"], "cpu+cpu");
    folder.fails(2, &[&call[..], &["--device", "host+cpu"]].concat());
    for i in 0..3 {
        let of = |fit: &serde_json::Value| fit["coefficients"][i]["estimate"].as_f64().unwrap();
        assert!((of(&cpu) / of(&host) - 1.0).abs() < 1e-13);
        assert!((of(&cpu) / of(&both) - 1.0).abs() < 1e-13);
    }
    // the variable is read where the option is not there
    let by_variable = folder
        .command(&call)
        .env("NELDER_DEVICE", "host")
        .output()
        .unwrap();
    let by_variable: serde_json::Value = serde_json::from_slice(&by_variable.stdout).unwrap();
    assert_eq!(by_variable["report"]["passes"][0]["name"], "upload");
    let by_option = folder.command(&[&call[..], &["--device", "cpu"]].concat());
    let by_option = { by_option }.env("NELDER_DEVICE", "host").output().unwrap();
    let by_option: serde_json::Value = serde_json::from_slice(&by_option.stdout).unwrap();
    assert_eq!(by_option["report"]["passes"][0]["name"], "gram");
    // never something else without a word
    for wrong in ["gpu", "cuda:x", "cpu:1", "auto:0", "cuda:"] {
        let said = folder.fails(2, &[&call[..], &["--device", wrong]].concat());
        assert!(
            said.contains("no such device; there are auto, cpu, cuda"),
            "{said}"
        );
    }
    let absent = folder.run(&[&call[..], &["--device", "cuda:97"]].concat());
    assert_eq!(absent.status.code(), Some(1));
    assert!(absent.stdout.is_empty());
    let said = String::from_utf8_lossy(&absent.stderr);
    assert!(said.starts_with("nelder: no cuda"), "{said}");
}

#[test]
fn a_generalized_model_on_a_device() {
    let folder = Folder::new("device_glm");
    folder.write("d.csv", DATA);
    let call = ["glm", "y ~ x + g", "--data", "d.csv", "--family", "Gamma(log)"];
    let cpu = folder.ok(&call);
    let host = folder.ok(&[&call[..], &["--device", "host"]].concat());
    assert_eq!(cpu, host);
    let out = folder.run(&[&call[..], &["--device", "host", "--explain"]].concat());
    let (said, plan) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    assert!(said.contains("moments") && said.contains("step 1"), "{said}");
    assert!(
        plan.starts_with("Planned on cpu") && plan.contains("step 1"),
        "{plan}"
    );
}

/// What drivers print while they start, such as that there is no folder for the session, does not reach the terminal.
#[test]
fn drivers_are_silent() {
    let folder = crate::common::Folder::new("devices_silent");
    folder.write("d.csv", "x,y\n1,2\n2,3.5\n3,4\n4,6\n");
    let run = |args: &[&str]| {
        let mut command = folder.command(args);
        command.env_remove("XDG_RUNTIME_DIR").env_remove("NELDER_DEVICE");
        command.output().unwrap()
    };
    let out = run(&["lm", "y ~ x", "--data", "d.csv", "--device", "wgpu"]);
    let said = String::from_utf8_lossy(&out.stderr);
    match out.status.success() {
        true => assert!(said.is_empty(), "{said}"),
        // one message, where there is no device
        false => assert!(
            said.starts_with("nelder: ") && said.lines().count() == 1,
            "{said}"
        ),
    }
    let out = run(&["devices"]);
    assert!(out.status.success() && out.stderr.is_empty());
}
