//! The results of the measurements, as the file that is kept has them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything that one run of `benches/measure.sh` found.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) date: String,
    pub(crate) machine: String,
    /// Of the compiler, the library, and its peers.
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) operations: Vec<Operation>,
    /// What other measurements printed, line by line.
    pub(crate) instructions: Vec<String>,
    pub(crate) memory: Vec<String>,
    /// The lines of the benchmark of requests.
    #[serde(default)]
    pub(crate) requests: Vec<String>,
    pub(crate) compile_time: Vec<String>,
}

/// What several peers do for the same purpose.
#[derive(Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
}

/// One peer's way to do it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// In nanoseconds, one for each run.
    pub(crate) medians: Vec<f64>,
}

impl Entry {
    /// The median of the runs' medians.
    pub(crate) fn median(&self) -> f64 {
        median(self.medians.clone())
    }
}

pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

impl Results {
    /// Where results are kept.
    pub(crate) fn file() -> PathBuf {
        folder().join("results/results.json")
    }

    pub(crate) fn find(&self, operation: &str, entry: &str) -> Option<&Entry> {
        let operation = self.operations.iter().find(|it| it.name == operation)?;
        operation.entries.iter().find(|it| it.name == entry)
    }
}

/// The folder of the benchmarks.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
