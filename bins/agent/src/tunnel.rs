//! The tunnel, kept up.

pub mod backoff;
