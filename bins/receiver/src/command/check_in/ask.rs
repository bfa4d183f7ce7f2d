//! The answers of the API without a listener: a command asks the server in this process, so that both say the same.

use checkin_api::server::{CheckInServer, ReplyBody, SqlStore};
use daemon::exit::{Exit, Failure};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::config::{CheckIn, Problem};

/// The server of check-ins over this store. Whoever runs a command may read the file, so that no key is asked for.
pub(super) fn server(store: SqlStore, check_ins: &CheckIn) -> Result<CheckInServer<SqlStore>, Failure> {
    let refused = |Problem { key, message }| Failure::new(Exit::Configuration, format!("`{key}`: {message}"));
    // The secret is none of a reader's business: its file may be out of reach.
    let mut settings = CheckIn { secret: None, ..check_ins.clone() }.settings().map_err(refused)?;
    settings.public_reading = true;
    Ok(CheckInServer::new(store, settings))
}

/// The answer to a `GET`, if it is 200.
pub(super) async fn get(
    server: &CheckInServer<SqlStore>,
    path: &str,
    query: &[(&str, Option<&str>)],
) -> Result<Response<ReplyBody>, Failure> {
    let given = query.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?))));
    let uri = format!("/v1/checkins/{path}?{}", given.collect::<Vec<_>>().join("&"));
    let request = Request::get(uri)
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|error| Failure::new(Exit::Usage, "this cannot be asked for").because(error))?;
    let response = match server.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.status() == StatusCode::OK {
        return Ok(response);
    }
    let exit = if response.status().is_server_error() { Exit::Io } else { Exit::Usage };
    let body = collected(response).await?;
    let refusal: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let words = refusal.get("error").and_then(serde_json::Value::as_str);
    Err(Failure::new(exit, words.unwrap_or("the check-ins cannot be read").to_owned()))
}

/// The same as a value.
pub(super) async fn value<T: DeserializeOwned>(
    server: &CheckInServer<SqlStore>,
    path: &str,
    query: &[(&str, Option<&str>)],
) -> Result<T, Failure> {
    let body = collected(get(server, path, query).await?).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Failure::new(Exit::Software, "an answer cannot be read").because(error))
}

async fn collected(response: Response<ReplyBody>) -> Result<bytes::Bytes, Failure> {
    let body = response.into_body().collect().await;
    Ok(body.map_err(|error| Failure::io("the check-ins cannot be read", error))?.to_bytes())
}

/// A text within a path or a query: letters and digits as they are, every other byte as `%20`.
pub(in crate::command) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_is_encoded() {
        assert_eq!(encoded("#mesh monday+é"), "%23mesh%20monday%2B%C3%A9");
        assert_eq!(encoded("America/Denver"), "America%2FDenver");
        assert_eq!(encoded("2025-03-03"), "2025-03-03");
    }
}
