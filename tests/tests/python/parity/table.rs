//! The table at the top of the file is whole and true.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const TABLE: &str = include_str!("mod.rs");

/// What stands between back quotes in the table's rows, and between square brackets: the tests that it names.
fn named(row: &str, open: &str, close: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = row;
    while let Some((_, after)) = rest.split_once(open) {
        let Some((name, after)) = after.split_once(close) else { break };
        names.push(name.to_owned());
        rest = after;
    }
    names
}

/// The rows of the tables, as the Python cases they are about and what is said of them.
fn rows() -> impl Iterator<Item = (Vec<String>, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let row = line.strip_prefix("//! | `test_")?;
        let (cases, said) = row.split_once(" | ").expect("a row has two columns");
        Some((named(&format!("`test_{cases}"), "`", "`"), said))
    })
}

fn accounted_for() -> BTreeSet<String> {
    rows().flat_map(|(cases, _)| cases).collect()
}

/// The names of the cases of a class of a Python file.
fn cases_of<'a>(class: &str, python: &'a str) -> BTreeSet<&'a str> {
    let head = format!("class {class}(");
    let body = python.lines().skip_while(move |line| !line.starts_with(&head)).skip(1);
    let body = body.take_while(|line| line.is_empty() || line.starts_with([' ', '#', ')']));
    body.filter_map(|line| line.trim_start().strip_prefix("def ")?.split('(').next())
        .filter(|name| name.starts_with("test_"))
        .collect()
}

/// The `test_context.py` of every Python that can be found, as far as they come with their tests.
fn installed() -> BTreeSet<PathBuf> {
    let mut prefixes = vec![PathBuf::from("/usr"), PathBuf::from("/usr/local")];
    let on_the_path = Command::new("python3").args(["-c", "import sys; print(sys.base_prefix)"]).output();
    prefixes.extend(on_the_path.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())));
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".pyenv")));
    prefixes.extend(pyenv.into_iter().flat_map(|root| entries(&root.join("versions"))));
    let libraries = prefixes.into_iter().flat_map(|prefix| entries(&prefix.join("lib")));
    libraries.map(|library| library.join("test/test_context.py")).filter(|file| file.is_file()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[test]
fn every_case_of_the_installed_pythons_is_accounted_for() {
    let files = installed();
    if files.is_empty() {
        // Past the test's captured output: that nothing was tested must be seen.
        let skipped = "skipped: no Python was found that comes with its tests (`test/test_context.py`)";
        writeln!(io::stderr(), "{skipped}").expect("errors can be printed");
    }
    let accounted_for = accounted_for();
    for file in files {
        let python = fs::read_to_string(&file).expect("it is a text file");
        for (class, at_least) in [("ContextTest", 20), ("HamtTest", 20)] {
            let cases = cases_of(class, &python);
            assert!(cases.len() >= at_least, "{class} has only {cases:?} in {}", file.display());
            for case in cases {
                assert!(accounted_for.contains(case), "{class}.{case} of {} is not in the table", file.display());
            }
        }
    }
}

#[test]
fn every_row_says_what_became_of_its_cases() {
    assert!(rows().count() > 40);
    for (cases, said) in rows() {
        let ported = said.contains("[`") || said.contains("UI test") || said.contains("not applicable:");
        let in_the_trie = cases.iter().all(|case| case.starts_with("test_hamt"));
        assert!(ported || in_the_trie && said.contains('`'), "{cases:?}: {said}");
    }
}

#[test]
fn every_test_that_the_table_names_exists_and_cites_its_case() {
    let modules = [
        ("contexts", include_str!("contexts.rs")),
        ("runs", include_str!("runs.rs")),
        ("threads", include_str!("threads.rs")),
        ("tokens", include_str!("tokens.rs")),
        ("variables", include_str!("variables.rs")),
    ];
    for (cases, said) in rows() {
        for test in named(said, "[`", "`]") {
            let (module, name) = test.split_once("::").expect("a test stands in a module");
            let (_, text) = modules.iter().find(|(it, _)| *it == module).expect("the module is one of these");
            let head = format!("fn {name}() {{");
            let (before, _) = text.split_once(&head).unwrap_or_else(|| panic!("`{test}` does not exist"));
            let cited = before.rsplit("\n\n").next().expect("a split has parts");
            for case in &cases {
                assert!(cited.contains(&format!("`{case}`")), "`{test}` does not cite `{case}`");
            }
        }
    }
}

#[test]
fn every_test_elsewhere_that_the_table_names_exists() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in a workspace");
    let trie = fs::read_to_string(repository.join("contextvars/src/state/trie/tests.rs")).expect("the trie has tests");
    for (cases, said) in rows() {
        for quoted in named(said, "`", "`") {
            if quoted.contains('/') {
                let file = repository.join("ui-tests/cases").join(format!("{quoted}.rs"));
                assert!(file.is_file(), "{cases:?} are said to be proved by {}", file.display());
            } else if cases[0].starts_with("test_hamt") && !quoted.contains(['/', ':']) {
                assert!(trie.contains(&format!("fn {quoted}(")), "the trie has no test `{quoted}`");
            }
        }
    }
}
