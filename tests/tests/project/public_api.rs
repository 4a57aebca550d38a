//! The public API, as `ci/public-api.sh` stores it, names no foreign types but those that `Cargo.toml` allows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 3] = ["contextvars", "contextvars-opentelemetry", "contextvars-smol"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The paths in a line of the stored API that do not begin with this crate or the standard library.
fn foreign_paths<'a>(of: &str, line: &'a str) -> impl Iterator<Item = &'a str> {
    let own = format!("{}::", of.replace('-', "_"));
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    // A glob's path begins with colons, and what follows a path's generics does as well; that is no type.
    let paths = words.map(|word| word.trim_end_matches(':')).filter(|word| word.contains("::"));
    let paths = paths.map(|path| path.strip_prefix("::").unwrap_or(path));
    let ours = move |path: &str| ["alloc::", "core::", "std::", own.as_str()].iter().any(|it| path.starts_with(it));
    let is_path = |path: &&str| path.starts_with(|c: char| c.is_ascii_lowercase()) && path.contains("::");
    paths.filter(is_path).filter(move |path| !ours(path))
}

/// The entries of `foreign-types` in the crate's `Cargo.toml`.
fn allowed(of: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(of).join("Cargo.toml")).expect("a crate has a manifest");
    let (_, list) = manifest.split_once("\nforeign-types = [\n").expect("the manifest lists the foreign types");
    let (list, _) = list.split_once("\n]").expect("the list has an end");
    let entries = list.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    entries.map(|line| line.trim_matches(['"', ',']).to_owned()).collect()
}

/// Whether the entry allows the type, or an item of it: a crate's types are named in lower case up to their own name.
fn allows(entry: &str, path: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
    }
}

#[test]
fn the_public_api_names_no_foreign_types_but_those_allowed() {
    for of in CRATES {
        let api = fs::read_to_string(root().join(format!("ci/public-api/{of}.txt"))).expect("the API is stored");
        let named: BTreeSet<_> = api.lines().skip(1).flat_map(|line| foreign_paths(of, line)).collect();
        assert!(named.len() > 2, "the API of {of} names {named:?} only");
        let allowed = allowed(of);
        let strangers: Vec<_> = named.iter().filter(|path| !allowed.iter().any(|entry| allows(entry, path))).collect();
        assert!(
            strangers.is_empty(),
            "the public API of {of} names types that its Cargo.toml does not allow: {strangers:?}"
        );
        let unused: Vec<_> = allowed.iter().filter(|entry| !named.iter().any(|path| allows(entry, path))).collect();
        assert!(unused.is_empty(), "the public API of {of} does not name what its Cargo.toml allows: {unused:?}");
    }
}

#[test]
fn foreign_paths_are_found_wherever_they_stand() {
    let found = |line| foreign_paths("ours", line).collect::<Vec<_>>();
    assert_eq!(
        found("pub fn ours::f(self, &http::Request<B>) -> core::option::Option<Self::Error>"),
        ["http::Request"]
    );
    assert_eq!(
        found("impl<S> tower::Layer<S> for ours::A where S: log::Log, core::fmt::Debug"),
        ["tower::Layer", "log::Log"]
    );
    assert_eq!(found("pub type ours::A<S>::Future = <S as tower::Service<R>>::Future"), ["tower::Service"]);
    assert_eq!(found("pub use ours::tokio::<<::tokio::*>>"), ["tokio"; 0]);
    assert_eq!(found("pub use ours::tokio::<<::tokio::task::*>>"), ["tokio::task"]);
    assert_eq!(found("pub fn ours::len(&self) -> usize"), [""; 0]);
}
