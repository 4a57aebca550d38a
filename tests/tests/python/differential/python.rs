//! A Python that runs programs.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use super::program::Program;

/// A running `python/interpreter.py`.
pub(crate) struct Python {
    child: Child,
    programs: Option<ChildStdin>,
    traces: BufReader<ChildStdout>,
    version: String,
}

impl Python {
    /// Starts one.
    ///
    /// # Errors
    /// Why there is none to be had.
    ///
    /// # Panics
    /// If `CONTEXTVARS_PYTHON` names one that does not start.
    pub(crate) fn start() -> Result<Self, String> {
        let named = env::var("CONTEXTVARS_PYTHON").ok();
        let is_named = named.is_some();
        let python = named.unwrap_or_else(|| "python3".to_owned());
        let version = "import platform; print(platform.python_implementation(), platform.python_version())";
        let output = Command::new(&python).args(["-c", version]).output();
        let output = output.map_err(|error| format!("`{python}` does not start: {error}"));
        // Who names one does not mean to do without it.
        let output = if is_named { output.unwrap_or_else(|reason| panic!("{reason}")) } else { output? };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let minor = version.strip_prefix("CPython 3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if !output.status.success() || minor.is_none_or(|minor| minor < 7) {
            return Err(format!("`{python}` is not a CPython of 3.7 or later, but says `{version}`"));
        }
        let interpreter = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/differential/python/interpreter.py");
        let mut command = Command::new(&python);
        if minor.is_some_and(|minor| minor >= 14) {
            // Threads inherit by themselves.
            command.args(["-X", "thread_inherit_context=1"]);
        }
        command.args(["-B", "-W", "error", interpreter]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("`{python}` does not start: {error}"))?;
        let programs = child.stdin.take();
        let traces = BufReader::new(child.stdout.take().expect("it was asked for"));
        Ok(Self { child, programs, traces, version })
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Runs programs and returns their traces.
    pub(crate) fn run(&mut self, programs: &[Program]) -> Vec<Vec<String>> {
        let Self { programs: input, traces, .. } = self;
        let input = input.as_mut().expect("it is there until the end");
        thread::scope(|scope| {
            // On a thread of its own: Python does not read on until its output is read.
            scope.spawn(move || {
                for program in programs {
                    let line = serde_json::to_string(program).expect("a program can be written down");
                    // If Python has failed, the thread that reads its traces finds out, and says of which program.
                    let Ok(()) = writeln!(input, "{line}") else { return };
                }
                let _ = input.flush();
            });
            let read = |program| {
                let mut line = String::new();
                traces.read_line(&mut line).expect("Python writes text");
                let trace = serde_json::from_str(&line);
                trace
                    .unwrap_or_else(|error| panic!("Python wrote no trace ({error}), see above for why, of\n{program}"))
            };
            programs.iter().map(read).collect()
        })
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(self.programs.take());
        let ended = self.child.wait().is_ok_and(|status| status.success());
        assert!(ended || thread::panicking(), "Python has failed; see above for its error");
    }
}
