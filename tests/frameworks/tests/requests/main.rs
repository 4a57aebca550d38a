//! Services and clients.
