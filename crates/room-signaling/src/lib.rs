#![doc = include_str!("../README.md")]

mod frame;
mod ids;
mod permission;
mod presence;

pub use frame::{Frame, FrameError, MAX_DEPTH, MAX_FRAME_BYTES, Shape};
pub use ids::{HubId, IdError, RoomId, UserId};
pub use permission::{Need, Permission, Scheme};
pub use presence::Presence;
