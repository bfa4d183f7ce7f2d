use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::ExchangeError;

/// Where a server is: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    scheme: Scheme,
    authority: Authority,
}

impl ServerUrl {
    /// Reads an http or https URL: the server, and the path with its query (`/` where there is none).
    ///
    /// # Errors
    /// [`ExchangeError::Usage`] when it is none, or has a user or a fragment.
    pub fn parse(text: &str) -> Result<(Self, PathAndQuery), ExchangeError> {
        let refused =
            ExchangeError::Usage("the server's address is an http or https URL without user and fragment");
        if text.contains('#') {
            return Err(refused);
        }
        let Ok(uri) = text.parse::<Uri>() else { return Err(refused) };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(refused) };
        let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !known || authority.as_str().contains('@') || !is_host(authority.host()) {
            return Err(refused);
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok((Self { scheme, authority }, path))
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether nobody on the way can read or change what passes: https, or no way at all.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        let host = self.host();
        let loopback =
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.is_https() || loopback
    }

    /// The name or address as it stands in the URL, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The URL of a path on this server.
    ///
    /// # Errors
    /// [`ExchangeError::Usage`] when the two do not go together.
    pub fn uri(&self, path: PathAndQuery) -> Result<Uri, ExchangeError> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts)
            .map_err(|_| ExchangeError::Usage("the server's address is not usable in a URL"))
    }

    /// The URL of a path on this server, given as text that begins with `/`.
    ///
    /// # Errors
    /// [`ExchangeError::Usage`] when it is no path.
    pub fn join(&self, path: &str) -> Result<Uri, ExchangeError> {
        let path = PathAndQuery::try_from(path)
            .map_err(|_| ExchangeError::Usage("the path is not usable in a URL"))?;
        self.uri(path)
    }
}

/// What `http` lets through between brackets need not be an address.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(['[', ']']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_put_together() {
        for (url, host, https) in [
            ("https://example.org/checkins?bot=1", "example.org", true),
            ("http://127.0.0.1:9999/", "127.0.0.1", false),
            ("http://[::1]:8080/v1/checkins", "::1", false),
        ] {
            let (server, path) = ServerUrl::parse(url).unwrap();
            assert_eq!((server.host(), server.is_https()), (host, https));
            assert_eq!(server.uri(path).unwrap().to_string(), url);
        }
        let (server, path) = ServerUrl::parse("https://example.org").unwrap();
        assert_eq!(path, "/");
        assert_eq!(server.join("/list?limit=5").unwrap().to_string(), "https://example.org/list?limit=5");
        assert!(matches!(server.join("/a b"), Err(ExchangeError::Usage(_))));
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
            "http://[]:99",
            "http://[::1",
            "http://[example.org]/",
            "http://[127.0.0.1]/",
        ] {
            assert!(matches!(ServerUrl::parse(url), Err(ExchangeError::Usage(_))), "{url}");
        }
    }

    #[test]
    fn loopback_and_https_are_protected() {
        for (url, protected) in [
            ("https://example.org", true),
            ("http://127.0.0.1:9999", true),
            ("http://[::1]:9999/checkins", true),
            ("http://LocalHost", true),
            ("http://example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(ServerUrl::parse(url).unwrap().0.is_protected(), protected, "{url}");
        }
    }
}
