//! The names that formats of log lines give to parts of a line themselves.

/// What `tracing-subscriber` calls the members of a JSON object, and what `tracing-log` calls the fields of an event
/// that it makes of a record. A variable with such a name would be a second member of that name, or be left out.
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
