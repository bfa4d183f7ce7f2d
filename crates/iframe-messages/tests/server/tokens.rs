//! Threat I2: tokens are for one origin, for a time, until they are exchanged.

use crate::support::{Frame, HOST, OTHER, PARENT, authority, call, error, origin};
use iframe_messages::server::{Lifetimes, Link, SigningKey, TokenAuthority};
use iframe_messages::token::{AccessToken, RefreshToken};
use iframe_messages::{Moment, Sender};
use serde_json::json;
use std::time::Duration;

const INVALID: &str = "Invalid or expired session token";

fn moment(seconds: u64) -> Moment {
    Moment::from_millis(seconds * 1000)
}

#[test]
fn a_token_allows_its_origin_and_no_other() {
    let mut frame = Frame::new();
    let pair = frame.link(HOST, 1);
    frame.hear(&call(pair.access_token.expose(), "1"));
    assert_eq!((frame.jobs().len(), frame.outputs()), (1, vec![]));
    let thief = Sender { origin: OTHER, window: PARENT };
    let answer = frame.ask_from(thief, &call(pair.access_token.expose(), "2"));
    assert_eq!(answer, (OTHER.to_owned(), error(INVALID, "2")));
    let renewal =
        json!({"type": "RENEW_TOKEN", "refreshToken": pair.refresh_token.expose(), "messageId": "3"});
    assert_eq!(frame.ask_from(thief, &renewal), (OTHER.to_owned(), error(INVALID, "3")));
    assert_eq!((frame.jobs().len(), frame.server.counters().bad_tokens), (0, 2));
    // The thief has done no harm.
    assert_eq!(frame.ask(&renewal)["type"], "RENEW_TOKEN");
}

#[test]
fn i2_of_a_thousand_changed_tokens_none_is_taken() {
    let mut frame = Frame::new();
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    let mut tried = 0;
    for at in 0..token.len() {
        for flip in [0x01, 0x02, 0x04, 0x08, 0x10] {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            if changed.chars().any(char::is_control) {
                continue;
            }
            tried += 1;
            let id = tried.to_string();
            assert_eq!(frame.ask(&call(&changed, &id)), error(INVALID, &id), "{changed}");
        }
    }
    for cut in 1..token.len() {
        assert_eq!(frame.ask(&call(&token[..cut], &format!("c{cut}")))["type"], "ERROR");
        tried += 1;
    }
    assert!(tried > 700, "{tried}");
    assert!(frame.jobs().is_empty());
    frame.hear(&call(&token, "good"));
    assert_eq!(frame.jobs().len(), 1);
}

#[test]
fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let mut authority = authority();
    let host = origin(HOST);
    let pair = authority.issue(&host, [1; 32], moment(0));
    let swapped = AccessToken::new(pair.refresh_token.expose()).unwrap();
    assert!(!authority.allows(&host, &swapped, moment(1)));
    let relabelled = AccessToken::new(pair.refresh_token.expose().replacen("r.", "a.", 1)).unwrap();
    assert!(!authority.allows(&host, &relabelled, moment(1)));
    let swapped = RefreshToken::new(pair.access_token.expose()).unwrap();
    assert!(!authority.may_renew(&host, &swapped, moment(1)));
    assert_eq!(authority.renew(&host, &swapped, moment(1)), None);
    assert!(authority.allows(&host, &pair.access_token, moment(1)), "nothing was ended by that");
}

#[test]
fn tokens_end_to_the_millisecond() {
    let mut authority = authority();
    let host = origin(HOST);
    let pair = authority.issue(&host, [1; 32], moment(0));
    let last = Moment::from_millis(15 * 60 * 1000 - 1);
    assert!(authority.allows(&host, &pair.access_token, last));
    assert!(!authority.allows(&host, &pair.access_token, last.after(Duration::from_millis(1))));
    let last = Moment::from_millis(30 * 24 * 3600 * 1000 - 1);
    assert!(authority.may_renew(&host, &pair.refresh_token, last));
    assert!(!authority.may_renew(&host, &pair.refresh_token, last.after(Duration::from_millis(1))));
    assert_eq!(authority.renew(&host, &pair.refresh_token, last.after(Duration::from_millis(1))), None);
}

#[test]
fn a_refresh_token_that_comes_twice_ends_the_link() {
    let mut authority = authority();
    let host = origin(HOST);
    let first = authority.issue(&host, [1; 32], moment(0));
    let second = authority.renew(&host, &first.refresh_token, moment(1)).unwrap();
    assert!(authority.allows(&host, &first.access_token, moment(2)), "calls that crossed the renewal pass");
    let third = authority.renew(&host, &second.refresh_token, moment(2)).unwrap();
    assert!(!authority.allows(&host, &first.access_token, moment(3)), "two renewals ago");
    assert!(authority.allows(&host, &third.access_token, moment(3)));
    assert_eq!(authority.renew(&host, &first.refresh_token, moment(3)), None);
    assert!(!authority.allows(&host, &third.access_token, moment(3)), "whoever has it, it is over");
    assert_eq!(authority.renew(&host, &third.refresh_token, moment(3)), None);
}

#[test]
fn a_link_is_revoked_and_others_stay() {
    let mut frame = Frame::new();
    let (host, other) = (frame.link(HOST, 1), frame.link(OTHER, 2));
    frame.hear(&call(host.access_token.expose(), "pending"));
    frame.server.revoke(&origin(HOST));
    // What was pending is refused, and its job is not done.
    let output = frame.outputs().remove(0);
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&output.message.encode()).unwrap(),
        error(INVALID, "pending")
    );
    assert!(frame.jobs().is_empty());
    assert_eq!(frame.ask(&call(host.access_token.expose(), "1")), error(INVALID, "1"));
    frame.hear_from(Sender { origin: OTHER, window: PARENT }, &call(other.access_token.expose(), "2"));
    assert_eq!(frame.jobs().len(), 1);
}

#[test]
fn links_outlive_a_reload_and_another_key_knows_them_not() {
    let mut before = authority();
    let host = origin(HOST);
    let pair = before.issue(&host, [1; 32], moment(0));
    let saved = before.save();
    assert!(!String::from_utf8_lossy(&saved).contains(&pair.refresh_token.expose()[60..]), "no token in it");
    let mut after = authority();
    assert!(!after.allows(&host, &pair.access_token, moment(1)), "unknown links are no links");
    assert!(after.restore(&saved));
    assert!(after.allows(&host, &pair.access_token, moment(1)));
    let mut stranger = TokenAuthority::new(SigningKey::from_bytes([8; 32]), Lifetimes::default());
    assert!(stranger.restore(&saved));
    assert!(!stranger.allows(&host, &pair.access_token, moment(1)));
    assert!(!after.restore(b"{"), "and what cannot be read gives none");
    assert!(!after.allows(&host, &pair.access_token, moment(1)));
}

#[test]
fn validate_token_tells_the_truth() {
    let mut frame = Frame::new();
    let pair = frame.link(HOST, 1);
    let (access, refresh) = (pair.access_token.expose(), pair.refresh_token.expose());
    for (access, refresh, is_valid) in
        [(access, refresh, true), ("a", refresh, false), (access, "r", false), (refresh, access, false)]
    {
        let question = json!({"type": "VALIDATE_TOKEN", "accessToken": access, "refreshToken": refresh});
        let mut expected = question.clone();
        expected["isValid"] = json!(is_valid);
        assert_eq!(frame.ask(&question), expected);
    }
}

#[test]
fn secrets_do_not_show() {
    let authority = authority();
    let shown = format!("{authority:?} {:?}", SigningKey::from_bytes([7; 32]));
    assert!(!shown.contains("7, 7") && !shown.contains("0707"), "{shown}");
}
