//! The stored counts, and how new ones compare with them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::callgrind::Counted;

/// By how much a count may grow before the comparison fails.
const TOLERANCE: f64 = 0.03;
/// And this many more, since a few instructions of a short operation come and go with the placement of code.
const ALLOWANCE: f64 = 2.0;

/// The operation that tells whether the C library is the one that the counts were stored with.
const ALLOCATION: &str = "malloc + free";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions/baseline.txt")
}

/// The compiler whose code is counted.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc is installed");
    format!("{}, {}", String::from_utf8_lossy(&output.stdout).trim(), std::env::consts::ARCH)
}

/// Writes the counts down.
pub(crate) fn store(counts: &[Counted]) {
    let mut text = format!("# Instructions of one operation, the loop around it included.\n# {}\n", compiler());
    for Counted { name, instructions } in counts {
        writeln!(text, "{instructions:>8.1}  {name}").expect("a string takes any text");
    }
    fs::write(file(), &text).expect("the baseline can be written");
    print!("{text}");
}

/// Compares the counts with those stored, and prints both.
pub(crate) fn compare(counts: &[Counted]) -> ExitCode {
    let text = fs::read_to_string(file()).expect("the baseline is kept beside this file");
    let stored: Vec<(&str, f64)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.trim().split_once("  ").expect("a count, two spaces and a name"))
        .map(|(count, name)| (name, count.parse().expect("a number")))
        .collect();
    let stored_of = |name: &str| stored.iter().find(|(it, _)| *it == name).map(|(_, count)| *count);

    let mut grown = 0;
    println!("  stored     now  instructions of");
    for Counted { name, instructions } in counts {
        let Some(before) = stored_of(name) else {
            println!("       - {instructions:>7.1}  {name}");
            continue;
        };
        let has_grown = *instructions > before * (1.0 + TOLERANCE) + ALLOWANCE;
        grown += usize::from(has_grown);
        println!("{before:>8.1} {instructions:>7.1}  {name}{}", if has_grown { "  <== has grown" } else { "" });
    }

    for (name, _) in stored.iter().filter(|(name, _)| counts.iter().all(|counted| counted.name != *name)) {
        println!("`{name}` is stored, but not counted any more: store the counts anew with `--bless`");
        grown += 1;
    }

    let allocation = counts.iter().find(|counted| counted.name == ALLOCATION).map(|counted| counted.instructions);
    if !text.contains(&compiler()) {
        println!("not compared: the stored counts are of another compiler than {}", compiler());
    } else if allocation != stored_of(ALLOCATION) {
        println!("not compared: the stored counts were made with another C library, whose malloc costs otherwise");
    } else if grown > 0 {
        println!(
            "{grown} counts have grown or gone: make them smaller again, or store them with `--bless` and say why"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
