//! The documents of this workspace, read as data, so that tests can hold them to the code.

mod citations;
mod markdown;
mod tree;

pub use citations::{Citation, choices, sources};
pub use markdown::{Link, choice_entries, headings, links, protocol_sections};
pub use tree::{files, read, root};
