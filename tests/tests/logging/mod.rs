//! Variables in log lines, in records and in the fields of spans, and log levels that a variable decides.

mod levels;
mod lines;
mod names;
mod records;
mod span_fields;
