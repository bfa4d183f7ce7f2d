//! Threat I5: how often the iframe says that it is there.

use crate::support::{HOST, OTHER, PARENT, authority, origin};
use iframe_messages::server::{Announce, Server, ServerConfig, TokenAuthority};
use iframe_messages::{Moment, Reply, Sender};
use std::collections::BTreeMap;
use std::time::Duration;

fn server(announce: Announce) -> Server<TokenAuthority> {
    let config = ServerConfig::new(PARENT, [origin(HOST), origin(OTHER), origin(HOST)]);
    Server::new(config.with_announce(announce), authority(), Moment::default())
}

fn heard(server: &mut Server<TokenAuthority>) -> BTreeMap<String, usize> {
    let mut heard = BTreeMap::new();
    while let Some(output) = server.poll_output() {
        assert_eq!((output.message.body, output.message.message_id), (Reply::Listening, None));
        *heard.entry(output.target_origin.to_string()).or_default() += 1;
    }
    heard
}

fn each(times: usize) -> BTreeMap<String, usize> {
    [(HOST.to_owned(), times), (OTHER.to_owned(), times)].into()
}

#[test]
fn once_is_once() {
    let mut server = server(Announce::Once);
    assert_eq!((heard(&mut server), server.poll_timeout()), (each(1), None));
    server.handle_timeout(Moment::from_millis(u64::MAX));
    assert!(heard(&mut server).is_empty());
}

#[test]
fn i5_a_hundred_times_is_the_most() {
    let mut server = server(Announce::Every(Duration::from_millis(100)));
    let mut rounds = 0;
    while let Some(due) = server.poll_timeout() {
        rounds += 1;
        assert_eq!(due, Moment::from_millis(100 * rounds));
        server.handle_timeout(due);
    }
    assert_eq!((rounds, heard(&mut server)), (99, each(100)));
}

#[test]
fn i5_after_a_pause_it_is_said_once_and_not_for_each_interval() {
    let mut server = server(Announce::Every(Duration::from_millis(100)));
    server.handle_timeout(Moment::from_millis(50_000));
    assert_eq!(heard(&mut server), each(2));
    assert_eq!(server.poll_timeout(), Some(Moment::from_millis(50_100)));
}

#[test]
fn a_host_that_speaks_ends_it_and_a_stranger_does_not() {
    let mut server = server(Announce::Every(Duration::from_millis(100)));
    let link = br#"{"type":"REQUEST_LINK"}"#;
    let evil = Sender { origin: "https://evil.example", window: PARENT };
    server.handle(evil, &link[..], Moment::default());
    assert_eq!(server.poll_timeout(), Some(Moment::from_millis(100)));
    server.handle(Sender { origin: HOST, window: PARENT }, &link[..], Moment::default());
    // What is due now is the user's consent.
    assert_eq!(server.poll_timeout(), Some(Moment::from_millis(60_000)));
}
