//! Data, jobs, messages, tests and errors.
