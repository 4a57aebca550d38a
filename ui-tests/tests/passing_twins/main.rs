//! Each case of `cases/` without its mistake: what shows that the case fails for its mistake alone.

#![forbid(unsafe_code)]

mod context;
mod context_var;
mod doctest;
mod test;
mod token;
mod with_context;

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::task::{Poll, Waker};

/// The twins as text, by the folder of their cases.
const TWINS: [(&str, &str); 6] = [
    ("context", include_str!("context.rs")),
    ("context_var", context_var::TEXT),
    ("doctest", include_str!("doctest.rs")),
    ("test", include_str!("test.rs")),
    ("token", include_str!("token.rs")),
    ("with_context", include_str!("with_context.rs")),
];

/// A folder whose cases lack a feature of the crate, which this package does not switch on. Their twins are the tests
/// of those features: `tests/tests/propagation/tokio` and `tests/web/tests/layers/tower.rs`.
const WITHOUT_TWINS: &str = "features";

/// Polls until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = std::task::Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// The names of a folder's files with this extension, without it.
fn names(folder: &Path, extension: &str) -> Vec<String> {
    fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_case_has_a_twin_and_a_snapshot() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut missing = Vec::new();
    for folder in fs::read_dir(&cases).expect("the cases can be read") {
        let folder = folder.expect("an entry can be read").path();
        let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        let twins = TWINS.iter().find(|(of, _)| *of == name).map_or("", |(_, text)| text);
        let snapshots = names(&folder, "stderr");
        for case in names(&folder, "rs") {
            if name != WITHOUT_TWINS && !twins.contains(&format!("\nmod {case} {{\n")) {
                missing.push(format!("the twin of {name}/{case}.rs: a module `{case}` in tests/passing_twins/{name}"));
            }
            if !snapshots.contains(&case) {
                missing.push(format!("the snapshot {name}/{case}.stderr"));
            }
        }
    }
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}
