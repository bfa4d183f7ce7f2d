//! What a device's record means for its agent. Decisions only; nobody is asked here.
//!
//! The order is: does the device exist, is the token right, is it authorised, has it a recent heartbeat. Thus a stranger who knows a
//! device's key learns from the answers no more than that the device exists. Choice: PX-3.

use meeting_api::endpoint::device::DeviceRecord;
use tunnel_frame::handshake::Token;

use crate::reason::{Ended, Reason};

/// What to make of a token that Meeting does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchecked {
    /// Refuse the agent. Choice: PX-1.
    Refuse,
    /// Accept the agent: whoever knows the device's key can pass for the device.
    Accept,
}

/// Whether the token presented is the device's, as far as Meeting tells.
///
/// # Errors
/// [`Reason::InvalidToken`] or [`Reason::TokenCheckUnavailable`].
pub fn check_token(record: &DeviceRecord, presented: &Token, unchecked: Unchecked) -> Result<(), Reason> {
    match (&record.token_code, unchecked) {
        (Some(expected), _) if presented.matches(expected.expose()) => Ok(()),
        (Some(_), _) => Err(Reason::InvalidToken),
        (None, Unchecked::Accept) => Ok(()),
        (None, Unchecked::Refuse) => Err(Reason::TokenCheckUnavailable),
    }
}

/// Whether a session that was accepted with `presented` has lost its ground.
///
/// A record that tells no token any more does not end a session: that is what Meeting says to a proxy whose own secret has been
/// withdrawn, and no fault of the device.
#[must_use]
pub fn lost_ground(record: &DeviceRecord, presented: &Token) -> Option<Ended> {
    if !record.authorized {
        return Some(Ended::Revoked);
    }
    match &record.token_code {
        Some(expected) if !presented.matches(expected.expose()) => Some(Ended::TokenChanged),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meeting_api::{DeviceKey, TokenCode};

    fn record(token: Option<&str>, authorized: bool) -> DeviceRecord {
        let mut record = DeviceRecord::new(DeviceKey::new("d").unwrap());
        record.token_code = token.map(|token| TokenCode::new(token).unwrap());
        record.authorized = authorized;
        record
    }

    #[test]
    fn tokens_are_compared_whole_and_an_unknown_one_is_refused_unless_told() {
        let presented = Token::new("c0ffee").unwrap();
        let check = |token, unchecked| check_token(&record(token, true), &presented, unchecked);
        assert_eq!(check(Some("c0ffee"), Unchecked::Refuse), Ok(()));
        for wrong in ["c0ffe", "c0ffeee", "C0FFEE", "d0ffee"] {
            assert_eq!(check(Some(wrong), Unchecked::Refuse), Err(Reason::InvalidToken), "{wrong}");
            assert_eq!(check(Some(wrong), Unchecked::Accept), Err(Reason::InvalidToken), "{wrong}");
        }
        assert_eq!(check(None, Unchecked::Refuse), Err(Reason::TokenCheckUnavailable));
        assert_eq!(check(None, Unchecked::Accept), Ok(()));
    }

    #[test]
    fn a_session_ends_when_its_ground_is_gone() {
        let presented = Token::new("c0ffee").unwrap();
        let lost = |token, authorized| lost_ground(&record(token, authorized), &presented);
        assert_eq!(lost(Some("c0ffee"), true), None);
        assert_eq!(lost(None, true), None);
        assert_eq!(lost(Some("c0ffee"), false), Some(Ended::Revoked));
        assert_eq!(lost(Some("decade"), true), Some(Ended::TokenChanged));
    }
}
