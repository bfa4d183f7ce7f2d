//! Properties of `http-exchange`.

use http_exchange::ServerUrl;

/// An address that is taken names one server: what is written back is taken for the same, and leads nowhere else.
pub fn server_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok((server, path)) = ServerUrl::parse(text) else { return };
    assert!(!server.host().is_empty());
    assert!(!text.contains('#'), "a fragment is the browser's business");
    let uri = server.uri(path.clone()).expect("a server and its path go together");
    // As they are written: a path that is not given is `/`, though it does not compare equal to it.
    assert_eq!(uri.path_and_query().map(ToString::to_string), Some(path.to_string()));
    assert!(!uri.authority().expect("a server").as_str().contains('@'), "a user is not sent along");
    let (again, same) = ServerUrl::parse(&uri.to_string()).expect("what was written is an address");
    assert_eq!((again, same.to_string()), (server.clone(), path.to_string()));
    if server.is_protected() && !server.is_https() {
        let loopback = server.host().parse::<std::net::IpAddr>().map(|address| address.is_loopback());
        assert!(loopback.unwrap_or(server.host().eq_ignore_ascii_case("localhost")));
    }
}
