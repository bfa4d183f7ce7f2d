//! What a proxy's refusal means for the agent: when to ask again, and what a person can do about it.
//!
//! The document gives the form `{"error":"auth_failed","reason":"<reason>"}` and no list of reasons. The words here are those of
//! this workspace's proxy; any other word counts as a refusal that a person has to lift.

/// What to do after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The proxy cannot decide now; asking again soon is right.
    Temporary,
    /// Another agent uses the same device key.
    Contested,
    /// A person has to change something first.
    Final,
}

/// What `reason` means.
#[must_use]
pub fn meaning(reason: &str) -> Meaning {
    match reason {
        "meeting_unavailable"
        | "no_recent_heartbeat"
        | "stopping"
        | "too_many_devices"
        | "handshake_timeout" => Meaning::Temporary,
        "too_many_takeovers" => Meaning::Contested,
        _ => Meaning::Final,
    }
}

/// What a person can try about `reason`.
#[must_use]
pub fn advice(reason: &str) -> &'static str {
    match reason {
        "meeting_unavailable" => "the proxy cannot reach the Meeting server; nothing is wrong on this device",
        "no_recent_heartbeat" => "heartbeats must arrive first: see the heartbeat step",
        "stopping" => "the proxy is being restarted; try again in a minute",
        "too_many_devices" => "the proxy is full; ask its operator",
        "too_many_takeovers" => {
            "another machine runs an agent with this device_key; stop one of them or give it a key of its own"
        }
        "device_not_found" => "the Meeting server does not know this device_key; have the operator create it",
        "not_authorized" => {
            "have the operator authorise the device: `receiver device authorize <device_key>`"
        }
        "invalid_token" => {
            "compare the token with the device's token_code on the Meeting server: `receiver device show <device_key>`"
        }
        "token_check_unavailable" => {
            "the proxy lacks its own credential for the Meeting server; ask its operator"
        }
        "locked_out" => "too many wrong tokens came from this address; mend the token, then wait 15 minutes",
        "tls_required" => "set tunnel.tls = true",
        "certificate_mismatch" => "the client certificate names another device; see tunnel.certificate",
        _ => "ask the operator of the proxy what this means; the words above are the proxy's own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_temporary() {
        for reason in ["meeting_unavailable", "stopping", "no_recent_heartbeat"] {
            assert_eq!(meaning(reason), Meaning::Temporary);
        }
        assert_eq!(meaning("too_many_takeovers"), Meaning::Contested);
        for reason in ["invalid_token", "Device not registered", ""] {
            assert_eq!(meaning(reason), Meaning::Final);
        }
    }
}
