//! The crate's layers: modules import from those below them only, foreign crates stay in `integrations`, and unsafe
//! code in `state`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

/// The modules of `lib.rs`, from the bottom upwards. Each imports from its own layer's own files and from the layers
/// below, never from its neighbours.
const LAYERS: &[&[&str]] = &[
    &["variable", "module_level"],
    &["error", "worker"],
    &["state"],
    &["token"],
    &["context_var", "context", "carry"],
    &["shared_context", "diff", "logged", "panic_hook", "propagation"],
    &["task"],
    &["thread"],
    &["integrations"],
    &["__private"],
    &["macros"],
    &["guide"],
];

/// The files of `state`, from the bottom upwards: each imports only from those before it. Its `mod.rs` is above them.
const FILES_OF_STATE: &[&str] = &[
    "sync",
    "count",
    "id",
    "mark",
    "pool",
    "traits",
    "shared",
    "trie",
    "value",
    "turns",
    "default",
    "context_var",
    "contents",
    "current",
    "current/base",
    "current/saved",
    "current/read",
    "current/carried",
    "current/change",
    "current/entered",
    "current/end",
    "current/scope",
    "current/round_trip",
    "edit",
];

/// Where, besides `integrations`, a crate behind a feature may be named.
const ALSO_NAMED_IN: &[(&str, &[&str])] = &[
    // Only tokio knows whether it is running a task.
    ("tokio", &["worker"]),
    // As only rayon knows whether a thread is one of its pools'.
    ("rayon", &["worker"]),
    // Only the declaration knows the value's type, and thereby whether it can be serialised.
    ("serde_core", &["state"]),
    ("erased_serde", &["state", "context"]),
];

fn crate_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contextvars")
}

/// A source file of the crate: its path below `src`, and its code without comments.
struct Source {
    /// As in `["state", "value"]`; of a `mod.rs` that of its folder, of `lib.rs` none.
    module: Vec<String>,
    code: String,
}

fn sources() -> Vec<Source> {
    fn visit(folder: &Path, module: &[String], found: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
            let inner = [module, slice::from_ref(&name)].concat();
            if path.is_dir() {
                visit(&path, &inner, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = if name == "mod" || name == "lib" { module.to_vec() } else { inner };
                let code = without_comments(&fs::read_to_string(&path).expect("a source"));
                found.push(Source { module, code });
            }
        }
    }
    let mut found = Vec::new();
    visit(&crate_folder().join("src"), &[], &mut found);
    assert!(found.len() > 20, "the sources were found");
    found
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The text behind each place where `word` stands as a word, with what stands before it.
fn places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    code.match_indices(word).map(move |(at, _)| (&code[..at], &code[at + word.len()..])).filter(|(before, after)| {
        !before.chars().next_back().is_some_and(is_word) && !after.chars().next().is_some_and(is_word)
    })
}

/// What a path goes on with: the next name, or the first of each in `{..}`.
fn next_names(after: &str) -> Vec<String> {
    let Some(rest) = after.strip_prefix("::") else { return Vec::new() };
    let name = |text: &str| text.trim_start().chars().take_while(|&it| is_word(it) || it == '*').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The top-level modules that the file names, through `crate::` or a chain of `super::`.
fn imports(source: &Source) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = places(&source.code, "crate").flat_map(|(_, after)| next_names(after)).collect();
    let to_the_root = vec!["super"; source.module.len().max(1)].join("::");
    found.extend(
        places(&source.code, &to_the_root)
            .filter(|(before, _)| !before.ends_with("::"))
            .flat_map(|(_, after)| next_names(after))
            // A module of tests that is written within the file imports its surroundings.
            .filter(|name| name != "*" && name != "super"),
    );
    // A macro of the crate is named as if the crate's root had it.
    found
        .retain(|name| !places(&source.code, "macro_rules").any(|(_, after)| after.starts_with(&format!("! {name} "))));
    found
}

/// The files of `state` that one of them names, through `self::` or chains of `super::`.
fn imports_within_state(source: &Source) -> BTreeSet<String> {
    let file = source.module[1..].join("/");
    let mut found = BTreeSet::new();
    for up in 0..source.module.len() {
        let chain = if up == 0 { "self".to_owned() } else { vec!["super"; up].join("::") };
        let folder = source.module[1..source.module.len() - up].join("/");
        for (before, after) in places(&source.code, &chain) {
            if before.ends_with("::") {
                continue;
            }
            for name in next_names(after).into_iter().filter(|name| !["super", "*"].contains(&name.as_str())) {
                let path = format!("{folder}/{name}");
                let path = path.trim_start_matches('/');
                // What is in a folder, and what is no file, is an item of the folder.
                let below = next_names(after.strip_prefix(&format!("::{name}")).unwrap_or_default());
                let files = below.iter().map(|name| format!("{path}/{name}")).chain([path.to_owned()]);
                let named = files.filter(|path| FILES_OF_STATE.contains(&path.as_str())).collect::<Vec<_>>();
                match named.as_slice() {
                    [] => found.insert(folder.clone()),
                    [file] => found.insert(file.clone()),
                    [files @ .., _folder] => {
                        found.extend(files.iter().cloned());
                        true
                    }
                };
            }
        }
    }
    found.remove(&file);
    found
}

#[test]
fn every_module_has_its_layer() {
    let lib = sources().into_iter().find(|source| source.module.is_empty()).expect("lib.rs");
    let modules: Vec<_> = places(&lib.code, "mod").map(|(_, after)| after.trim_start()).collect();
    assert!(modules.len() > 10);
    for module in modules {
        let name: String = module.chars().take_while(|&it| is_word(it)).collect();
        assert!(rank(&name).is_some(), "`{name}` has no place in LAYERS (tests/tests/project/layers.rs)");
    }
}

#[test]
fn imports_run_one_way() {
    let mut count = 0;
    for source in sources() {
        let Some(top) = source.module.first() else { continue };
        for import in imports(&source) {
            count += 1;
            let file = source.module.join("/");
            let Some(imported) = rank(&import) else { panic!("{file} names `crate::{import}`, which is no module") };
            let is_below = import == *top || imported < rank(top).expect("every module has its layer");
            assert!(is_below, "{file} imports from `{import}`, which is not below it");
        }
    }
    assert!(count > 30, "the imports were found");
}

#[test]
fn the_files_of_state_have_an_order() {
    let rank = |file: &str| FILES_OF_STATE.iter().position(|it| *it == file);
    let is_in_state = |source: &Source| {
        source.module.len() > 1 && source.module[0] == "state" && !source.module.contains(&"tests".to_owned())
    };
    let files: Vec<_> = sources().into_iter().filter(is_in_state).collect();
    assert_eq!(files.len() + 1, FILES_OF_STATE.len(), "each file once, and `sync`");
    for source in files {
        let file = source.module[1..].join("/");
        let own = rank(&file).unwrap_or_else(|| panic!("`state/{file}` has no place in FILES_OF_STATE"));
        for import in imports_within_state(&source) {
            let is_below = rank(&import).is_some_and(|imported| imported < own);
            assert!(is_below, "state/{file} imports from `{import}`, which is not before it in FILES_OF_STATE");
        }
    }
}

#[test]
fn crates_behind_a_feature_are_named_in_their_integration_only() {
    let manifest = fs::read_to_string(crate_folder().join("Cargo.toml")).expect("the manifest");
    let optional: Vec<String> = manifest
        .lines()
        .filter(|line| line.contains("optional = true"))
        .map(|line| line.chars().take_while(|&it| is_word(it) || it == '-').collect::<String>().replace('-', "_"))
        .collect();
    assert!(optional.contains(&"tokio".to_owned()));
    for source in sources() {
        let top = source.module.first().map_or("lib", String::as_str);
        for name in &optional {
            let also =
                ALSO_NAMED_IN.iter().find(|(foreign, _)| foreign == name).map_or(&[][..], |(_, modules)| modules);
            if top == "integrations" || also.contains(&top) {
                continue;
            }
            let begins_a_path = |(before, after): (&str, &str)| {
                let before = before.strip_suffix("::").unwrap_or(before);
                let is_path = after.starts_with("::") || before.trim_end().ends_with("use");
                is_path && !before.chars().next_back().is_some_and(is_word)
            };
            assert!(!places(&source.code, name).any(begins_a_path), "{} names `{name}`", source.module.join("/"));
        }
    }
}

#[test]
fn unsafe_code_stays_in_state() {
    let is_state = |source: &Source| source.module.first().is_some_and(|top| top == "state");
    let (state, others): (Vec<_>, Vec<_>) = sources().into_iter().partition(is_state);
    assert!(state.iter().any(|source| places(&source.code, "unsafe").count() > 0));
    for source in others {
        for word in ["unsafe", "unsafe_code"] {
            assert_eq!(places(&source.code, word).count(), 0, "`{word}` in {}", source.module.join("/"));
        }
    }
}

#[test]
fn imports_are_read_in_every_spelling() {
    let imports_of = |module: &[&str], code: &str| {
        let module = module.iter().map(ToString::to_string).collect();
        imports(&Source { module, code: without_comments(code) }).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(imports_of(&["a"], "use crate::b::C; // crate::x::Y\nfn f() { crate::d::e() }"), ["b", "d"]);
    assert_eq!(imports_of(&["a"], "use crate::{b::{C, D}, e, f as g};\nuse std::h;"), ["b", "e", "f"]);
    assert_eq!(imports_of(&["a"], "pub(crate) use super::b::C; mod tests { use super::*; }"), ["b"]);
    assert_eq!(imports_of(&["a", "inner"], "use super::b; use super::super::c::D;"), ["c"]);
    assert_eq!(imports_of(&["macros"], "$crate::__private::f!()"), ["__private"]);
}
