//! There is one copy of the crate in a program, and so one set of contexts: Cargo refuses a second version.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Makes a package of the given manifest, with nothing in it.
fn package(folder: &str, manifest: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("one_copy").join(folder);
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("build.rs"), "fn main() {}").unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    folder
}

/// Has Cargo choose the versions for a program with these dependencies. An error: what it says if it cannot.
fn resolve(name: &str, dependencies: &str) -> Result<(), String> {
    let manifest =
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}");
    let folder = package(name, &manifest);
    // With the versions that are here already, nothing has to be fetched.
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--offline", "--format-version=1", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn two_versions_of_the_crate_in_one_program_do_not_build() {
    let this = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contextvars");
    let other = package(
        "other",
        "[package]\nname = \"contextvars\"\nversion = \"99.0.0\"\nedition = \"2024\"\nlinks = \"contextvars\"\n",
    );
    let this = format!("this = {{ package = \"contextvars\", path = {this:?} }}\n");
    let other = format!("other = {{ package = \"contextvars\", path = {other:?} }}\n");
    assert_eq!(resolve("with_this", &this), Ok(()));
    assert_eq!(resolve("with_other", &other), Ok(()));
    let error = resolve("with_both", &format!("{this}{other}")).expect_err("there would be two");
    assert!(error.contains("links to the native library `contextvars`"), "{error}");
}
