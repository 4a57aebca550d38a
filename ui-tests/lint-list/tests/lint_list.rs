//! The list of disallowed methods, ready to paste, reports every plain spawn and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

const LIST: &str = include_str!("../../../contextvars/docs/disallowed-methods.toml");

/// A file of the sample and a line in it.
type Place = (String, u64);

/// The lines that end in `// plain`.
fn marked() -> BTreeSet<Place> {
    let of = |file: &str| -> Vec<Place> {
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap();
        let numbered = (1..).zip(source.lines());
        numbered.filter(|(_, line)| line.ends_with("// plain")).map(|(number, _)| (file.to_owned(), number)).collect()
    };
    ["plain.rs", "renamed.rs"].into_iter().flat_map(of).collect()
}

/// The methods on the list, but for those that only `--cfg tokio_unstable` has.
fn listed() -> BTreeSet<&'static str> {
    let entries = LIST.lines().filter_map(|line| line.split_once("path = \"")?.1.split_once('"').map(|(path, _)| path));
    let is_unstable = |path: &str| ["task::Builder::", "join_set::Builder::"].iter().any(|it| path.contains(it));
    entries.filter(|path| !is_unstable(path)).collect()
}

/// What clippy says about the sample, a message each, given the list; `None` where there is no clippy.
fn messages_of_clippy() -> Option<Vec<Value>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let is_installed = Command::new(&cargo).args(["clippy", "--version"]).stderr(Stdio::null()).output();
    if !is_installed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: clippy is not installed");
        return None;
    }
    let conf_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint-list");
    fs::create_dir_all(&conf_dir).unwrap();
    fs::write(conf_dir.join("clippy.toml"), LIST).unwrap();
    let output = Command::new(cargo)
        .args(["clippy", "--quiet", "--lib", "--message-format=json", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .env("CLIPPY_CONF_DIR", &conf_dir)
        // Warnings are what is looked for, not errors.
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_the_sample = |line: &Value| {
        line["reason"] == "compiler-message" && line["target"]["name"] == env!("CARGO_PKG_NAME").replace('-', "_")
    };
    Some(lines.filter(of_the_sample).map(|line| line["message"].clone()).collect())
}

#[test]
fn every_plain_spawn_is_reported_with_what_to_write_instead_and_nothing_else_is() {
    let Some(messages) = messages_of_clippy() else { return };
    let (mut reported, mut named) = (BTreeSet::new(), BTreeSet::new());
    for message in messages {
        let text = message["rendered"].as_str().unwrap();
        if message["spans"].as_array().unwrap().is_empty() {
            // The count at the end.
            assert!(text.contains("warning") && text.contains("emitted"), "{text}");
            continue;
        }
        assert_eq!(message["code"]["code"], "clippy::disallowed_methods", "{text}");
        assert!(text.contains("contextvars::"), "{text}");
        named.extend(message["message"].as_str().unwrap().split('`').nth(1).map(str::to_owned));
        for span in message["spans"].as_array().unwrap() {
            let file = Path::new(span["file_name"].as_str().unwrap()).file_name().unwrap();
            reported.insert((file.to_str().unwrap().to_owned(), span["line_start"].as_u64().unwrap()));
        }
    }
    assert_eq!(reported, marked());
    assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed());
}
