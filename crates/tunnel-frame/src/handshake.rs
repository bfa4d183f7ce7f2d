//! The line of JSON that each end sends before the first frame.
//!
//! The agent says [`Hello`]; the proxy gives one [`Answer`], and after a good one both speak frames. Lines are read
//! tolerantly (fields that are not known pass, among them a later `ext`) and never past a cap.
//!
//! Source: meeting §4.1.

mod answer;
mod device_key;
mod hello;
mod line;
mod token;

pub use answer::{Answer, Refusal};
pub use device_key::{DeviceKey, DeviceKeyError};
pub use hello::Hello;
pub use line::LineError;
pub use token::{Token, TokenError};

/// Longest hello that is read unless a user says otherwise, in bytes with the line end (threat T2).
///
/// Choice: TF-3.
pub const MAX_HELLO_BYTES: usize = 1024;

/// Longest answer that is read unless a user says otherwise, in bytes with the line end.
///
/// Choice: TF-3.
pub const MAX_ANSWER_BYTES: usize = 4096;
