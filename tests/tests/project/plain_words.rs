//! Comments and documents name the task, the thread or the caller, and not people; and they use the plain word.

use std::fs;
use std::path::{Path, PathBuf};

/// Where sentences are checked: files, and folders with all below them.
const CHECKED: &[&str] = &[
    "contextvars/docs",
    "contextvars/src",
    "contextvars-macros/src",
    "contextvars-opentelemetry/README.md",
    "contextvars-opentelemetry/src",
    "contextvars-rayon/README.md",
    "contextvars-rayon/src",
    "contextvars-smol/README.md",
    "contextvars-smol/src",
    "contextvars-tokio/README.md",
    "contextvars-tokio/src",
    "contextvars-tokio-util/README.md",
    "contextvars-tokio-util/src",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "tests",
];

/// What is not written, in lower case.
const AVOIDED: &[&str] = &[
    "anybody",
    "as ever",
    "for good",
    "has no counterpart",
    "in the place of",
    "nobody",
    "of ours",
    "put by",
    "somebody",
    "such as it is",
    "whoever",
    "whomever",
];

fn files_in(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| files_in(&entry.unwrap().path())).collect()
}

/// The words of a document, or of a source file's comments, each after one space. Names of tests are one word each.
fn words_of(path: &Path, text: &str) -> String {
    let is_source = path.extension().is_some_and(|it| it == "rs");
    let comment = |line| if is_source { str::split_once(line, "//").map_or("", |(_, comment)| comment) } else { line };
    let text: Vec<_> = text.lines().map(comment).collect();
    let text = text.join(" ").to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.fold(String::from(" "), |text, word| text + word + " ")
}

#[test]
fn sentences_name_the_thing_in_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files: Vec<_> = CHECKED.iter().flat_map(|path| files_in(&root.join(path))).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "rs" || it == "md")) {
        let words = words_of(file, &fs::read_to_string(file).unwrap());
        for avoided in AVOIDED {
            for (at, _) in words.match_indices(&format!(" {avoided} ")) {
                let rest: Vec<_> = words[at..].split_whitespace().take(8).collect();
                found.push(format!("{}: {} ..", file.display(), rest.join(" ")));
            }
        }
    }
    assert!(found.is_empty(), "name the task, the thread or the caller; write the plain word:\n{}", found.join("\n"));
    assert!(files.len() > 150, "{} files: are they still there?", files.len());
}

#[test]
fn a_word_is_found_across_lines_and_in_comments_only() {
    // Written apart, since this file is checked, too.
    let comment = "//".to_owned() + "/";
    let source = format!("{comment} Runs for\n{comment} good. `a_name_of_ours`\nlet nobody = \"for good\";");
    assert_eq!(words_of(Path::new("x.rs"), &source), " runs for good a_name_of_ours ");
    assert_eq!(words_of(Path::new("x.md"), "For\ngood."), " for good ");
}
