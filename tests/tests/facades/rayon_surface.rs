//! Every function of rayon's that starts jobs or takes a closure has its counterpart in `contextvars::rayon`, or is
//! listed here with the reason why it needs none. The list is held against rayon's sources, of the version in use.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where the counterparts are, below the facade's folder: of the functions of a module or the methods of a type.
const COUNTERPARTS: &[(&str, &[&str])] = &[
    ("join", &["job.rs"]),
    ("spawn", &["job.rs"]),
    ("broadcast", &["job.rs"]),
    ("thread_pool", &["job.rs"]),
    ("scope", &["scope.rs"]),
    ("Scope", &["scope.rs"]),
    ("ScopeFifo", &["scope.rs"]),
    ("ThreadPool", &["pool.rs"]),
    ("ThreadPoolBuilder", &["builder.rs"]),
    ("ParallelIterator", &["iter/adaptors.rs"]),
    ("IndexedParallelIterator", &["iter/adaptors.rs"]),
    ("IntoParallelIterator", &["iter/sources.rs"]),
    ("IntoParallelRefIterator", &["iter/sources.rs"]),
    ("IntoParallelRefMutIterator", &["iter/sources.rs"]),
    ("ParallelBridge", &["iter/sources.rs"]),
    ("ParallelDrainFull", &["iter/sources.rs"]),
    ("ParallelDrainRange", &["iter/sources.rs"]),
    ("splitter", &["iter/divided.rs"]),
    ("walk_tree", &["iter/divided.rs"]),
    ("ParallelSlice", &["slice/mod.rs"]),
    ("ParallelSliceMut", &["slice/mod.rs"]),
    ("ParallelString", &["str.rs"]),
];

/// What needs no counterpart, and why.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "ParallelIterator",
        &[
            "for_each",
            "for_each_with",
            "for_each_init",
            "try_for_each",
            "try_for_each_with",
            "try_for_each_init",
            "reduce",
            "reduce_with",
            "try_reduce",
            "try_reduce_with",
            "min_by",
            "min_by_key",
            "max_by",
            "max_by_key",
            "find",
            "find_any",
            "find_first",
            "find_last",
            "find_map_any",
            "find_map_first",
            "find_map_last",
            "any",
            "all",
            "partition",
            "partition_map",
        ],
        "it drives the iterator, which has its closures called in the context",
    ),
    ("ParallelIterator", &["try_fold", "try_fold_with"], "its bounds cannot be written outside of rayon"),
    (
        "IndexedParallelIterator",
        &["position", "position_any", "position_first", "position_last"],
        "it is `positions`, whose closure is called where the iterator is driven",
    ),
    ("ParallelExtend", &["par_extend"], "it drives the iterator that it is given"),
    ("Configuration", &["thread_name", "panic_handler", "start_handler", "exit_handler"], "rayon does not export it"),
    ("ThreadSpawn", &["spawn"], "it cannot be named outside of rayon"),
];

/// A function of rayon's: the type or trait that it is of, or else the module; its name; what stands before its body.
struct Function {
    owner: String,
    name: String,
    signature: String,
}

impl Function {
    /// Whether it may call code of its caller's somewhere else, or later.
    fn hands_over(&self) -> bool {
        let takes_a_closure = ["Fn(", "FnMut(", "FnOnce("].iter().any(|bound| self.signature.contains(bound));
        takes_a_closure || ["spawn", "par_", "into_par_"].iter().any(|prefix| self.name.starts_with(prefix))
    }

    fn is_in(&self, list: &[(&str, &[&str], &str)]) -> bool {
        list.iter().any(|(owner, names, _)| *owner == self.owner && names.contains(&self.name.as_str()))
    }
}

/// Where the sources of a package in use are.
fn sources_of(package: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let found = packages.iter().find(|it| it["name"] == package).expect("the tests depend on rayon");
    Path::new(found["manifest_path"].as_str().expect("a path")).with_file_name("src")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "test" && stem != "compile_fail"))
        .flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The public functions of a file, as rustfmt lays them out: those of a trait or an `impl` are indented once.
fn functions_of(path: &Path) -> Vec<Function> {
    let source = fs::read_to_string(path).expect("a source");
    let file = if path.ends_with("mod.rs") { path.parent().expect("a folder") } else { path };
    let module = file.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
    let (mut owner, mut of_trait, mut found) = (Some(module.clone()), false, Vec::new());
    for (at, line) in source.match_indices('\n').map(|(at, _)| (at + 1, source[at + 1..].lines().next())) {
        let Some(line) = line else { continue };
        if line.starts_with("impl") || line.starts_with("pub trait ") {
            of_trait = line.starts_with("pub trait ");
            let header = line.split_once('{').map_or(line, |(header, _)| header);
            owner = if header.contains(" for ") { None } else { type_named_by(header) };
        } else if line == "}" {
            (owner, of_trait) = (Some(module.clone()), false);
        }
        let Some(owner) = &owner else { continue };
        let marker = if of_trait { "    fn " } else { "pub fn " };
        let indented = line.strip_prefix("    ").unwrap_or(line);
        let Some(rest) = (if of_trait { line } else { indented }).strip_prefix(marker) else { continue };
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned();
        let signature = source[at..].split(['{', ';']).next().unwrap_or_default().to_owned();
        found.push(Function { owner: owner.clone(), name, signature });
    }
    found
}

/// The type or trait in the first line of its `impl` or definition.
fn type_named_by(header: &str) -> Option<String> {
    let header = header.strip_prefix("pub trait ").or_else(|| header.strip_prefix("impl"))?;
    let mut depth = 0;
    // Behind the generic parameters of an `impl`.
    let start = header.find(|c: char| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth == 0 && c != '>' && !c.is_whitespace()
    })?;
    let name: String = header[start..].chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn counterparts() -> BTreeSet<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contextvars/src/integrations/rayon");
    let mut found = BTreeSet::new();
    for (owner, files) in COUNTERPARTS {
        for file in *files {
            let source = fs::read_to_string(folder.join(file)).expect("a source of the facade");
            let names = source
                .split("fn ")
                .skip(1)
                .map(|rest| rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect::<String>());
            found.extend(names.map(|name| (*owner, name)));
        }
    }
    found
}

#[test]
fn whatever_of_rayons_takes_a_closure_or_starts_a_job_has_its_counterpart_here() {
    let counterparts = counterparts();
    let files = ["rayon", "rayon-core"].map(|package| files_in(&sources_of(package))).concat();
    let functions: Vec<_> = files.iter().flat_map(|path| functions_of(path)).filter(Function::hands_over).collect();
    let is_there = |name: &str| functions.iter().any(|function| function.name == name);
    assert!(["join", "par_sort_by", "flat_map", "spawn_broadcast"].into_iter().all(is_there), "rayon's were found");

    let is_missing = |function: &&Function| {
        !counterparts.contains(&(function.owner.as_str(), function.name.clone())) && !function.is_in(EXCEPTIONS)
    };
    let missing: BTreeSet<_> =
        functions.iter().filter(is_missing).map(|it| format!("{}::{}", it.owner, it.name)).collect();
    assert!(missing.is_empty(), "without counterpart and reason: {missing:#?}");

    for (owner, names, _) in EXCEPTIONS {
        for name in *names {
            let is_it = |function: &Function| function.owner == *owner && function.name == *name;
            assert!(functions.iter().any(is_it), "{owner}::{name} is listed, but not in rayon");
        }
    }
}
