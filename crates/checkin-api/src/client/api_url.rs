use http::Uri;
use http::uri::PathAndQuery;
use http_exchange::ServerUrl;

use super::ClientError;

/// The contract's `api_url`: where check-ins are posted, and with it where the same receiver is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiUrl {
    pub(super) server: ServerUrl,
    submission: PathAndQuery,
    /// What the receiver's own paths, `/v1/checkins/…`, lie under: mostly nothing. Without a `/` at its end.
    prefix: String,
}

impl ApiUrl {
    /// Source: checkin §2. Choice: CI-13.
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let (server, submission) = ServerUrl::parse(text)?;
        let prefix = prefix_of(submission.path()).to_owned();
        Ok(Self { server, submission, prefix })
    }

    /// Where check-ins are posted, as configured.
    pub(super) fn submission(&self) -> Result<Uri, ClientError> {
        Ok(self.server.uri(self.submission.clone())?)
    }

    /// The URL of another of the receiver's paths, which begins with `/`.
    pub(super) fn join(&self, path: &str) -> Result<Uri, ClientError> {
        Ok(self.server.join(&format!("{}{path}", self.prefix))?)
    }
}

/// What stands before the end that the document's own examples have.
fn prefix_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let ends = ["/v1/checkins", "/checkins"];
    ends.into_iter().find_map(|end| path.strip_suffix(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_paths_lie_beside_the_submission_path() {
        for (url, list) in [
            ("https://example.org/checkins", "https://example.org/v1/checkins/list"),
            ("https://example.org/v1/checkins", "https://example.org/v1/checkins/list"),
            ("https://example.org/v1/checkins/", "https://example.org/v1/checkins/list"),
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999/v1/checkins/list"),
            ("https://example.org/mesh/v1/checkins?bot=1", "https://example.org/mesh/v1/checkins/list"),
            ("https://example.org/mesh/checkins", "https://example.org/mesh/v1/checkins/list"),
            ("https://example.org/hook/17", "https://example.org/v1/checkins/list"),
        ] {
            let parsed = ApiUrl::parse(url).unwrap();
            assert_eq!(parsed.join("/v1/checkins/list").unwrap().to_string(), list);
            assert_eq!(
                parsed.submission().unwrap().to_string().trim_end_matches('/'),
                url.trim_end_matches('/')
            );
        }
    }
}
