//! What has to be listed to be built, run or found is listed: nothing is left out silently.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in a workspace").to_owned()
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of what lies in a folder, without their ending, which is to be this one.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|it| it == ending));
    let mut names: Vec<_> =
        wanted.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    assert!(!names.is_empty(), "{folder} has files that end in {ending}");
    names
}

/// What begins lines of a manifest, as the `name` in `name = ".."`, between two of its headings.
fn keys(manifest: &str, heading: &str) -> Vec<String> {
    let table = manifest.lines().skip_while(|line| *line != heading).skip(1);
    let lines = table.take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).filter(|key| !key.starts_with('#')).collect()
}

/// The text of the first of these files that exists.
fn text_of_one(files: &[PathBuf]) -> Option<String> {
    files.iter().find_map(|file| fs::read_to_string(file).ok())
}

/// Fails unless every file below `folder` is a module of the file above it: of `mod.rs` or `main.rs` beside it, or of
/// the file that is called like its folder.
fn assert_all_are_modules(folder: &Path, is_top: bool) {
    let above = text_of_one(&[folder.join("main.rs"), folder.join("mod.rs"), folder.with_extension("rs")]);
    for entry in fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8");
        // A folder may hold a package that a test builds, or a script.
        let is_code =
            if path.is_dir() { !path.join("app/Cargo.toml").exists() } else { path.extension().unwrap() == "rs" };
        if !is_code || ["main", "mod"].contains(&name) {
            continue;
        }
        let is_program = is_top && (path.is_file() || path.join("main.rs").exists());
        if is_program {
            let head = text_of_one(&[path.join("main.rs"), path.clone()]).expect("a program has sources");
            let reason = "\n//! A process of its own: ";
            assert!(head.contains(reason), "{} is no module, and does not say why it is a program", path.display());
        } else if path.is_file() || text_of_one(&[path.join("mod.rs")]).is_some() {
            let line = format!("mod {name};");
            let is_module =
                above.as_ref().is_some_and(|it| it.lines().any(|it| it.trim_start_matches("pub(crate) ") == line));
            assert!(is_module, "{} is a module of no file", path.display());
        }
        if path.is_dir() {
            assert_all_are_modules(&path, false);
        }
    }
}

#[test]
fn every_file_of_tests_is_built_and_every_program_of_its_own_says_why() {
    for folder in ["tests/tests", "tests/web/tests"] {
        assert_all_are_modules(&root().join(folder), true);
    }
}

#[test]
fn every_example_runs_in_a_test() {
    let manifest = text_of("examples/Cargo.toml");
    let tests: String =
        files("examples/tests", "rs").iter().map(|it| text_of(&format!("examples/tests/{it}.rs"))).collect();
    let listed = manifest.split("[[example]]").skip(1);
    let names: Vec<_> = listed.filter_map(|entry| entry.split("name = \"").nth(1)?.split('"').next()).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(tests.contains(&format!("\"{name}\"")), "the example `{name}` runs in no test of examples/tests");
    }
}

#[test]
fn every_feature_is_on_the_front_page_and_in_the_change_log() {
    let manifest = text_of("contextvars/Cargo.toml");
    let features = keys(&manifest, "[features]");
    assert!(features.len() > 10, "{features:?}");
    let table = text_of("README.md");
    let changes = text_of("CHANGELOG.md");
    for feature in features.iter().filter(|feature| !["default", "full"].contains(&feature.as_str())) {
        let row = |line: &str| {
            line.starts_with("| ") && line.split('|').nth(1).is_some_and(|it| it.contains(&format!("`{feature}`")))
        };
        assert!(table.lines().any(row), "`{feature}` has no row among README.md's features");
        assert!(changes.contains(&format!("`{feature}`")), "CHANGELOG.md does not mention `{feature}`");
    }
}

#[test]
fn every_script_is_explained_and_is_run_somewhere() {
    let explained = text_of("CONTRIBUTING.md");
    let every_change = text_of(".ci/run");
    let jobs = text_of(".github/workflows/ci.yml");
    for script in files("ci", "sh") {
        assert!(explained.contains(&format!("`ci/{script}.sh")), "CONTRIBUTING.md does not mention ci/{script}.sh");
        let steps = every_change.lines().filter(|line| line.starts_with("for name in ") || line.starts_with("step "));
        let is_step = steps.flat_map(|line| line.split([' ', ';'])).any(|step| step == script);
        assert!(is_step || jobs.contains(&format!("ci/{script}.sh")), "nothing runs ci/{script}.sh");
    }
}

#[test]
fn every_ui_test_that_a_guide_names_exists() {
    let mut named = 0;
    for guide in files("contextvars/docs", "md") {
        for quoted in text_of(&format!("contextvars/docs/{guide}.md")).split('`').skip(1).step_by(2) {
            let is_case = ["context_var/", "with_context/", "context/", "token/", "test/"].iter().any(|folder| {
                quoted.strip_prefix(folder).is_some_and(|name| name.chars().all(|c| c == '_' || c.is_ascii_lowercase()))
            });
            if is_case {
                named += 1;
                let case = format!("ui-tests/cases/{quoted}.rs");
                assert!(root().join(&case).is_file(), "{guide}.md names {case}, which does not exist");
            }
        }
    }
    assert!(named > 5, "{named} named: are they still written as `folder/case`?");
}
