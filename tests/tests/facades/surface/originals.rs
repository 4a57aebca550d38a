//! The public functions of the originals, read from their sources.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// A public function.
pub(crate) struct Function {
    pub(crate) krate: &'static str,
    /// The type whose method it is.
    pub(crate) owner: Option<String>,
    pub(crate) name: String,
    /// From its name to its body.
    signature: String,
}

impl Function {
    /// Whether it is called like what spawns, or takes a closure.
    pub(crate) fn starts_or_calls(&self) -> bool {
        self.name.starts_with("spawn") || ["FnOnce(", "FnMut(", "Fn("].iter().any(|it| self.signature.contains(it))
    }
}

/// As in `tokio: JoinSet::spawn`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.krate)?;
        if let Some(owner) = &self.owner {
            write!(f, "{owner}::")?;
        }
        f.write_str(&self.name)
    }
}

/// Where the sources of a package are that these tests were built with.
pub(crate) fn sources_of(package: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--manifest-path"])
        .arg(manifest)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("a list").iter().filter(|it| it["name"] == package);
    let (found, others) = (packages.next().expect("it is a dependency"), packages.count());
    assert_eq!(others, 0, "one version of {package}");
    Path::new(found["manifest_path"].as_str().expect("a path")).with_file_name("src")
}

/// Where the sources of the standard library are, if they are installed.
pub(crate) fn sources_of_std() -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().expect("rustc runs");
    let sysroot = String::from_utf8(output.stdout).expect("a path");
    let folder = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std/src");
    folder.is_dir().then_some(folder)
}

/// The public functions in the sources in a folder, but for those of tests.
pub(crate) fn functions_of(krate: &'static str, folder: &Path) -> Vec<Function> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name == "tests" || name == "loom" {
            continue;
        }
        if path.is_dir() {
            found.extend(functions_of(krate, &path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            found.extend(functions_in(krate, &text));
        }
    }
    found
}

fn functions_in(krate: &'static str, text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    // The `impl`s around, innermost last, with their indentations.
    let mut around: Vec<(usize, Option<String>)> = Vec::new();
    let lines: Vec<_> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        if code.starts_with("impl") && !code.ends_with(';') {
            around.push((indentation, owner(code)));
        } else if code.starts_with('}') && around.last().is_some_and(|(of_it, _)| indentation <= *of_it) {
            around.pop();
        }
        let Some(name) = name_of_public_function(code) else { continue };
        // A trait's methods are not marked as public, so that this is of a type's own.
        let owner = around.last().and_then(|(_, owner)| owner.clone());
        let mut signature = String::new();
        for line in &lines[number..] {
            signature.push_str(line.split("//").next().unwrap_or_default());
            if signature.contains('{') || signature.contains(';') {
                break;
            }
        }
        found.push(Function { krate, owner, name: name.to_owned(), signature });
    }
    found
}

/// The `name` in `pub async fn name<T>(`.
fn name_of_public_function(code: &str) -> Option<&str> {
    let mut rest = code.strip_prefix("pub ")?;
    for word in ["const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(|c: char| c != '_' && !c.is_alphanumeric()).next()
}

/// The `Type` in `impl<'a, T: Bound<U>> path::Type<'a, T> {`; none if it implements a trait.
fn owner(code: &str) -> Option<String> {
    let mut rest = code.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        })?;
        rest = &rest[end + 1..];
    }
    if rest.contains(" for ") {
        return None;
    }
    let path = rest.trim_start().split(|c: char| c != '_' && c != ':' && !c.is_alphanumeric()).next()?;
    path.rsplit("::").next().map(str::to_owned)
}
