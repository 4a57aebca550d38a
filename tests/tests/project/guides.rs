//! The guides and the front page name the tests of what they claim; those tests exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The guides, and the front page.
fn documents() -> Vec<PathBuf> {
    let guides = fs::read_dir(root().join("contextvars/docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<_> = guides.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    documents.push(root().join("README.md"));
    documents
}

/// Every `file.rs::test` in a text.
fn tests_named_in(document: &str) -> impl Iterator<Item = (&str, &str)> {
    document.split('`').filter_map(|quoted| {
        let (file, test) = quoted.split_once(".rs::")?;
        let is_path = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-/.".contains(c));
        (is_path(file) && is_path(test)).then_some((file, test))
    })
}

/// The file of a test, which is named as below one of these folders.
fn source_of(file: &str) -> Option<String> {
    let name = format!("{file}.rs");
    ["tests/tests", "tests", "tests/frameworks/tests", "."]
        .iter()
        .find_map(|folder| fs::read_to_string(root().join(folder).join(&name)).ok())
}

#[test]
fn every_test_that_a_guide_names_exists() {
    let mut named = 0;
    let mut missing = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for (file, test) in tests_named_in(&text) {
            named += 1;
            let definition = format!("fn {test}(");
            if !source_of(file).is_some_and(|source| source.contains(&definition)) {
                missing.push(format!("{}: {file}.rs::{test}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such tests:\n{}", missing.join("\n"));
    assert!(named > 60, "{named} tests named: are they still written as `file.rs::test`?");
}

/// On a code host, a hidden line of an example is shown with its `#`, and a link by a Rust path leads nowhere.
#[test]
fn the_guides_read_the_same_on_a_code_host() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        assert!(!text.contains("](crate::"), "{} has a link that only rustdoc resolves", document.display());
        let examples = text.split("```").skip(1).step_by(2).filter(|example| !example.starts_with("toml"));
        for line in examples.flat_map(str::lines) {
            assert!(line != "#" && !line.starts_with("# "), "{} has a hidden line: {line}", document.display());
        }
    }
}

#[test]
fn every_footnote_is_defined_once_and_used() {
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for definition in text.lines().filter(|line| line.starts_with("[^")) {
            let (label, _) = definition.split_once("]:").expect("a line that begins so is a definition");
            let uses = text.matches(&format!("{label}]")).count();
            assert_eq!(uses, 2, "{}: {label}] is defined or used {uses} times, not twice", document.display());
            seen += 1;
        }
        let defined = text.lines().filter(|line| line.starts_with("[^")).count();
        assert_eq!(text.matches("[^").count(), 2 * defined, "{}: a footnote without a definition", document.display());
    }
    assert!(seen > 100, "{seen} footnotes");
}

#[test]
fn a_test_is_recognised_where_it_is_named() {
    let text = "| `.await` | `hooks/ends.rs::a_test`, `lib.rs` | `some::path` and `x.rs::y z` |";
    assert_eq!(tests_named_in(text).collect::<Vec<_>>(), [("hooks/ends", "a_test")]);
}
