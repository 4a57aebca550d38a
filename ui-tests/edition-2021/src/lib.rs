//! No code of its own: see the tests.
