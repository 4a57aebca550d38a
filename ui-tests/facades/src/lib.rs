//! Holds nothing: what is tested is in `cases`.
