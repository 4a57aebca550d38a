//! The packages that stand in the originals' places by one line of `Cargo.toml`: they have all of the originals' features,
//! and a program whose sources know nothing of them inherits, and builds with the originals, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use serde_json::Value;

/// Each package and its original.
const PACKAGES: [(&str, &str); 4] = [
    ("contextvars-rayon", "rayon"),
    ("contextvars-smol", "smol"),
    ("contextvars-tokio", "tokio"),
    ("contextvars-tokio-util", "tokio-util"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in a workspace").to_owned()
}

fn cargo(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // With the versions that are here already, nothing has to be fetched.
    command.args(arguments).arg("--offline").current_dir(folder);
    // Flags for this test, such as a sanitizer's, would be for macros and build scripts, too.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// What the program prints, or how it fails.
fn output_of(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("cargo is there");
    assert!(status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("it prints text")
}

/// The name of the platform that the compiler builds for; packages of others need not be here.
fn platform() -> String {
    let about = output_of(Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV"));
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("the compiler names its platform").to_owned()
}

/// The features of every package in this workspace's `Cargo.lock`, and what each switches on.
fn features() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let arguments = ["metadata", "--format-version=1", "--locked", "--filter-platform", &platform()];
    let metadata = output_of(&mut cargo(&arguments, &root()));
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let of = |package: &Value| {
        let features = serde_json::from_value(package["features"].clone()).expect("features are lists of names");
        (package["name"].as_str().expect("a package has a name").to_owned(), features)
    };
    packages.iter().map(of).collect()
}

#[test]
fn every_feature_of_the_originals_is_forwarded_and_there_are_no_others() {
    let all = features();
    for (package, original) in PACKAGES {
        let (ours, theirs) = (&all[package], &all[original]);
        // Those that begin so are not for users.
        for feature in theirs.keys().filter(|feature| !feature.starts_with("__")) {
            let forwards = format!("{original}/{feature}");
            let is_forwarded = ours.get(feature).is_some_and(|switched_on| switched_on.contains(&forwards));
            assert!(is_forwarded, "{package}/Cargo.toml lacks the line: {feature} = [\"{forwards}\"]");
        }
        for feature in ours.keys() {
            assert!(theirs.contains_key(feature), "{package} has a feature `{feature}` that {original} has not");
        }
    }
}

#[test]
fn the_originals_own_defaults_come_from_the_forwarded_default() {
    let root = root();
    for (package, original) in PACKAGES {
        let manifest = fs::read_to_string(root.join(package).join("Cargo.toml")).expect("a package has a manifest");
        let line =
            manifest.lines().find(|line| line.starts_with(&format!("{original} = "))).expect("it has its original");
        let has_default = features()[original].contains_key("default");
        assert_eq!(has_default, line.contains("default-features = false"), "{package}: {line}");
    }
}

/// Makes a workspace of the two crates in `renamed_packages`, with these dependencies for both.
fn workspace(name: &str, dependencies: &[String]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed_packages").join(name);
    for file in ["app/Cargo.toml", "app/src/main.rs", "store/Cargo.toml", "store/src/lib.rs"] {
        let (from, to) = (
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facades/renamed_packages").join(file),
            folder.join(file),
        );
        fs::create_dir_all(to.parent().expect("a file has a folder")).unwrap();
        fs::copy(from, to).unwrap();
    }
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"store\"]\n\n[workspace.dependencies]\n\
         contextvars = {{ {} }}\n{}\n\n[profile.dev]\ndebug = \"line-tables-only\"\n",
        path_of("contextvars"),
        dependencies.join("\n")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Where a dependency on a package of this workspace finds it.
fn path_of(package: &str) -> String {
    // Within these quotes a backslash is one.
    format!("path = '{}'", root().join(package).display())
}

/// A line of `[workspace.dependencies]`: the original's, or the one that has the package in its place.
fn line(original: &str, requirement: &str, features: &str, renamed: bool) -> String {
    let which = if renamed {
        let package = format!("contextvars-{original}");
        format!("package = \"{package}\", {}", path_of(&package))
    } else {
        format!("version = \"{requirement}\"")
    };
    format!("{original} = {{ {which}, features = [{features}] }}")
}

/// The first block of the front page that is of this language.
fn block_of_the_front_page(language: &str) -> String {
    let page = fs::read_to_string(root().join("README.md")).expect("there is a front page");
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("the front page has such a block");
    rest.split_once("```").expect("a block has an end").0.to_owned()
}

/// Runs cargo in a folder of [`workspace`] or beside it. What they need in common is built once.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let target = folder.parent().expect("it lies in a folder").join("target");
    output_of(cargo(arguments, folder).arg("--quiet").env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0"))
}

#[test]
fn the_program_on_the_front_page_inherits_with_the_lines_of_the_front_page() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed_packages").join("front_page");
    fs::create_dir_all(folder.join("src")).unwrap();
    let lines = block_of_the_front_page("toml");
    // The clone beside the project is this repository.
    let dependencies = lines.replace("\"../contextvars/", &format!("\"{}/", root().display()).replace('\\', "/"));
    assert_ne!(dependencies, lines);
    let manifest = format!(
        "[package]\nname = \"front_page\"\nedition = \"2024\"\n\n[workspace]\n\n{dependencies}\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), block_of_the_front_page("rust")).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    assert_eq!(
        run(&folder, &["run"]),
        "[request 7] started\n[request 7] still the same request, in a spawned task\n[request 0] no request\n"
    );
}

/// The lines for the two crates.
fn lines(renamed: bool) -> Vec<String> {
    let tokio = r#""macros", "rt-multi-thread", "sync", "test-util", "time""#;
    vec![
        line("rayon", "1.10", "", renamed),
        line("tokio", "1.51", tokio, renamed),
        line("tokio-util", "0.7.18", r#""rt""#, renamed),
    ]
}

#[test]
fn one_line_of_a_workspace_has_every_member_inherit_and_taken_back_the_sources_build_as_they_are() {
    let renamed = workspace("renamed", &lines(true));
    let original = workspace("original", &lines(false));
    let seen = |output: String| -> BTreeMap<String, u64> {
        let parts =
            |line: &str| line.rsplit_once(": ").map(|(kind, id)| (kind.to_owned(), id.parse().expect("a number")));
        output.lines().filter_map(parts).collect()
    };

    let inherited = seen(run(&renamed, &["run"]));
    assert_eq!(inherited.len(), 7, "{inherited:?}");
    assert!(inherited.values().all(|&id| id == 7), "{inherited:?}");
    // The crates' own tests, in which `tokio::test` stands under `use super::*`.
    let tests = run(&renamed, &["test"]);
    assert_eq!(tests.matches("1 passed").count(), 2, "{tests}");

    let lost = seen(run(&original, &["run"]));
    assert!(lost.keys().eq(inherited.keys()), "{lost:?}");
    assert!(lost.values().all(|&id| id == 0), "{lost:?}");
}
