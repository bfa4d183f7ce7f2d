//! The public edge of the tunnels.

pub mod admission;
pub mod event;
pub mod known;
pub mod lockout;
pub mod places;
pub mod plan;
pub mod reason;
pub mod source;
pub mod verdict;
