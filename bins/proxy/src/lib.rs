//! The public edge of the tunnels.

pub mod admission;
pub mod lockout;
pub mod plan;
pub mod source;
