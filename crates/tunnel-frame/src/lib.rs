//! tunnel-frame
