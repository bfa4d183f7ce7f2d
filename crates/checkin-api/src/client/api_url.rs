use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::ClientError;

/// The contract's `api_url`: where check-ins are posted, and with it where the same receiver is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiUrl {
    scheme: Scheme,
    authority: Authority,
    submission: PathAndQuery,
    /// What the receiver's own paths, `/v1/checkins/…`, lie under: mostly nothing. Without a `/` at its end.
    prefix: String,
}

impl ApiUrl {
    /// Source: checkin §2. Choice: CI-13.
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let refused =
            ClientError::Usage("the receiver's address is an http or https URL without user and fragment");
        if text.contains('#') {
            return Err(refused);
        }
        let Ok(uri) = text.parse::<Uri>() else { return Err(refused) };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(refused) };
        let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !known || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(refused);
        }
        let submission = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let prefix = prefix_of(submission.path()).to_owned();
        Ok(Self { scheme, authority, submission, prefix })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether nobody on the way can read or change what passes: https, or no way at all.
    pub(super) fn is_protected(&self) -> bool {
        let host = self.host();
        let loopback =
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.is_https() || loopback
    }

    pub(super) fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// Where check-ins are posted, as configured.
    pub(super) fn submission(&self) -> Result<Uri, ClientError> {
        self.uri(self.submission.clone())
    }

    /// The URL of another of the receiver's paths, which begins with `/`.
    pub(super) fn join(&self, path: &str) -> Result<Uri, ClientError> {
        let path = PathAndQuery::try_from(format!("{}{path}", self.prefix));
        self.uri(path.map_err(|_| ClientError::Usage("the path is not usable in a URL"))?)
    }

    fn uri(&self, path: PathAndQuery) -> Result<Uri, ClientError> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts)
            .map_err(|_| ClientError::Usage("the receiver's address is not usable in a URL"))
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

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "example.org/checkins",
            "ftp://example.org/",
            "http://",
            "http://user@example.org/",
            "http://example.org/#x",
            "/checkins",
            "http://a b",
        ] {
            assert!(matches!(ApiUrl::parse(url), Err(ClientError::Usage(_))), "{url}");
        }
    }

    #[test]
    fn loopback_and_https_are_protected() {
        for (url, protected) in [
            ("https://example.org", true),
            ("http://127.0.0.1:9999", true),
            ("http://[::1]:9999/checkins", true),
            ("http://localhost", true),
            ("http://example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(ApiUrl::parse(url).unwrap().is_protected(), protected, "{url}");
        }
    }
}
