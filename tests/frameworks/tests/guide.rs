//! What the guide to frameworks shows is what the tests run.

use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sections of the guide: a heading, and what is below it.
fn sections(guide: &str) -> impl Iterator<Item = (&str, &str)> {
    guide.split("\n## ").skip(1).map(|section| section.split_once('\n').expect("a heading is followed by text"))
}

/// The code blocks of a section.
fn blocks(section: &str) -> impl Iterator<Item = &str> {
    section.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').expect("a fence and code").1)
}

/// The lines of code without indentation and blank lines, since a snippet may stand deeper in the test.
fn lines(code: &str) -> Vec<&str> {
    code.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The files of tests that a section names, as in `requests/axum.rs::a_test`.
fn tests(section: &str) -> Vec<(&str, &str)> {
    let quoted = section.split('`').filter_map(|it| it.split_once(".rs::"));
    quoted.filter(|(file, _)| ["requests/", "work/"].iter().any(|it| file.starts_with(it))).collect()
}

fn source_of(folder: &Path, file: &str) -> String {
    let path = folder.join("tests").join(format!("{file}.rs"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_section_names_a_test_and_every_snippet_stands_in_it() {
    let guide = fs::read_to_string(folder().join("../../contextvars/docs/frameworks.md")).expect("the guide");
    for (heading, section) in sections(&guide) {
        let named = tests(section);
        assert!(!named.is_empty(), "`{heading}` names no test");
        let sources: Vec<String> = named.iter().map(|(file, _)| source_of(&folder(), file)).collect();
        for ((file, test), source) in named.iter().zip(&sources) {
            assert!(
                source.contains(&format!("fn {test}(")),
                "`{heading}` names {file}.rs::{test}, which does not exist"
            );
        }
        for block in blocks(section) {
            let wanted = lines(block);
            let stands_in = |source: &String| lines(source).windows(wanted.len()).any(|it| it == wanted);
            assert!(sources.iter().any(stands_in), "a snippet of `{heading}` stands in none of its tests:\n{block}");
        }
    }
}
