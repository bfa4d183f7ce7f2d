//! What each route does. Who may call it is in [`super::route`].

pub(super) mod batch;
pub(super) mod public;
pub(super) mod submit;

use http::{HeaderMap, header};

use crate::Refusal;

/// The part of a `Content-Type` before its parameters, in lower case; `None` where there is none.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = value.to_str().unwrap_or("?");
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn unsupported(wanted: &str) -> Refusal {
    Refusal::new(415, format!("the body must be {wanted}"))
}
