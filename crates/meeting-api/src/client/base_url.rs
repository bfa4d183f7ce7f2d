use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::ClientError;

/// Where a server is: scheme, host, port, and a path that the API lies under (mostly none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Without a `/` at its end.
    prefix: String,
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let refused = ClientError::Usage(
            "the server's address is an http or https URL without user, query and fragment",
        );
        if text.contains('#') {
            return Err(refused);
        }
        let Ok(uri) = text.parse::<Uri>() else { return Err(refused) };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(refused) };
        let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        let query = parts.path_and_query.as_ref().is_some_and(|path| path.query().is_some());
        if !known || query || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(refused);
        }
        let prefix =
            parts.path_and_query.as_ref().map_or("", PathAndQuery::path).trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, prefix })
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

    /// The URL of a path of the API, which begins with `/api`.
    pub(super) fn join(&self, path: &str) -> Result<Uri, ClientError> {
        let path = PathAndQuery::try_from(format!("{}{path}", self.prefix));
        let uri = path.ok().and_then(|path| {
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(self.scheme.clone());
            parts.authority = Some(self.authority.clone());
            parts.path_and_query = Some(path);
            Uri::from_parts(parts).ok()
        });
        uri.ok_or(ClientError::Usage("the server's address is not usable in a URL"))
    }
}
