//! The names that formats of log lines use for parts of a line.

/// The names of `tracing-subscriber` for the members of a JSON object, and of `tracing-log` for the fields of an event
/// that it makes from a record. A variable with such a name would be a second member of that name, or be left out.
pub(super) const RESERVED: [&str; 15] = [
    "timestamp",
    "level",
    "fields",
    "message",
    "target",
    "filename",
    "line_number",
    "span",
    "spans",
    "threadName",
    "threadId",
    "log.target",
    "log.module_path",
    "log.file",
    "log.line",
];
