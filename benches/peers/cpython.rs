//! CPython's `contextvars`: a process that performs operations on request and says how long they took, the empty loop
//! subtracted. The interpreter is `$CONTEXTVARS_PYTHON`, or `python3`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

/// The interpreter at work, its input and its output.
struct Interpreter {
    _process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

static INTERPRETER: LazyLock<Option<Mutex<Interpreter>>> = LazyLock::new(|| match start() {
    Ok(interpreter) => Some(Mutex::new(interpreter)),
    Err(reason) => {
        eprintln!("CPython is skipped: {reason}");
        None
    }
});

fn start() -> Result<Interpreter, String> {
    let python = std::env::var("CONTEXTVARS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut process = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/operations.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{python}` does not start: {error}"))?;
    let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
        return Err(format!("`{python}` was started without pipes"));
    };
    let mut interpreter = Interpreter { _process: process, requests, answers: BufReader::new(answers) };
    match interpreter.answer().as_str() {
        "" => Err(format!("`{python}` ended at once")),
        greeting if greeting.starts_with("ready") => Ok(interpreter),
        refusal => Err(refusal.to_owned()),
    }
}

impl Interpreter {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the script writes text");
        line.trim().to_owned()
    }

    fn time(&mut self, operation: &str, repetitions: u64) -> Duration {
        writeln!(self.requests, "{operation} {repetitions}").expect("the script reads requests");
        let nanoseconds = self.answer();
        // Less than nothing is what noise makes of almost nothing.
        Duration::from_nanos(nanoseconds.parse().unwrap_or_else(|_| panic!("not a time: {nanoseconds}")))
    }
}

/// Measures an operation of `benches/python/operations.py`, unless there is no interpreter.
pub(crate) fn bench(group: &mut BenchmarkGroup<'_, WallTime>, operation: &str) {
    let Some(interpreter) = &*INTERPRETER else { return };
    group.bench_function("CPython", |bencher| {
        bencher.iter_custom(|repetitions| {
            interpreter.lock().unwrap_or_else(PoisonError::into_inner).time(operation, repetitions)
        });
    });
}
