//! Collects what `benches/measure.sh` measured into `benches/results/results.json`, and writes `results.md` from that.
//!
//! ```text
//! cargo run --release -p contextvars-benches --example collect -- FOLDER_OF_THE_RUNS
//! ```

mod results;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

use serde_json::Value;

use self::results::{Entry, Operation, Results, folder, median};

fn main() {
    let Some(measured) = env::args().nth(1).map(PathBuf::from) else {
        eprintln!("say where the runs are: `benches/measure.sh` does, and makes them");
        std::process::exit(1);
    };
    let results = Results {
        date: output("date", &["+%Y-%m-%d"]),
        machine: machine(),
        versions: versions(),
        operations: operations(&measured),
        instructions: lines(&measured.join("instructions.txt")),
        memory: lines(&measured.join("memory.txt")),
        requests: lines(&measured.join("requests.txt")),
        compile_time: lines(&measured.join("compile_time.txt")),
    };
    let text = serde_json::to_string_pretty(&results).expect("results can be written as JSON");
    fs::create_dir_all(folder().join("results")).expect("the folder of results can be made");
    fs::write(Results::file(), text + "\n").expect("the results can be written");
    let tables = tables::of(&results);
    fs::write(folder().join("results/results.md"), &tables).expect("the tables can be written");
    print!("{tables}");
}

/// The operations with the medians of every run, in the order in which they were measured.
fn operations(measured: &Path) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    for run in 1.. {
        let run = measured.join(format!("run-{run}"));
        if !run.exists() {
            break;
        }
        for (operation, entry, median) in medians(&run) {
            let operation = find_or_add(
                &mut operations,
                |it| it.name == operation,
                || Operation { name: operation.clone(), entries: Vec::new() },
            );
            let entry = find_or_add(
                &mut operation.entries,
                |it| it.name == entry,
                || Entry { name: entry.clone(), medians: Vec::new() },
            );
            entry.medians.push(median);
        }
    }
    assert!(!operations.is_empty(), "there are no runs in {}", measured.display());
    operations
}

fn find_or_add<T>(list: &mut Vec<T>, is_it: impl FnMut(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = list.iter().position(is_it).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[at]
}

/// Operation, entry and median of each measurement of a run: criterion's folders, in the order of their making.
fn medians(run: &Path) -> Vec<(String, String, f64)> {
    let mut found: Vec<(SystemTime, (String, String, f64))> = Vec::new();
    for measurement in folders(run).iter().flat_map(|group| folders(group)) {
        let newest = measurement.join("new");
        let Ok(name) = fs::read_to_string(newest.join("benchmark.json")) else { continue };
        let name: Value = serde_json::from_str(&name).expect("criterion writes JSON");
        let samples = fs::read_to_string(newest.join("sample.json")).expect("criterion keeps the samples");
        let samples: Value = serde_json::from_str(&samples).expect("criterion writes JSON");
        let numbers = |key: &str| -> Vec<f64> {
            samples[key].as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
        };
        let median = median(numbers("times").into_iter().zip(numbers("iters")).map(|(time, n)| time / n).collect());
        let text = |key: &str| name[key].as_str().expect("a name").to_owned();
        let written = fs::metadata(newest.join("sample.json")).and_then(|it| it.modified()).expect("files have times");
        found.push((written, (text("group_id"), text("function_id"), median)));
    }
    found.sort_by_key(|(written, _)| *written);
    found.into_iter().map(|(_, it)| it).collect()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(|line| line.trim().to_owned()).collect()
}

fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = model.map_or("unknown processor", |(_, model)| model);
    format!("{cores} cores of an {model}, {} {}", output("uname", &["-s"]), output("uname", &["-m"]))
}

/// The versions that say which code was measured.
fn versions() -> BTreeMap<String, String> {
    const PEERS: [&str; 11] = [
        "contextvars",
        "dcontext",
        "fastrace",
        "fluid-let",
        "imbl",
        "opentelemetry",
        "rpds",
        "scoped-tls",
        "tokio",
        "tracing",
        "tracing-subscriber",
    ];
    let lock = fs::read_to_string(folder().join("../Cargo.lock")).expect("the workspace has a lock file");
    let mut versions = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        if let (Some(name), Some(version)) = (value("name"), value("version"))
            && PEERS.contains(&name)
        {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    versions.insert("rustc".to_owned(), output("rustc", &["--version"]).replace("rustc ", ""));
    let python = env::var("CONTEXTVARS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    versions.insert("CPython".to_owned(), output(&python, &["--version"]).replace("Python ", ""));
    versions
}

/// What a command prints.
fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
