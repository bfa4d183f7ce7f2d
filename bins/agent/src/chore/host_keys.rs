//! The server's host keys in `known_hosts`.
//!
//! Source: meeting §3.2.

use meeting_api::known_hosts::{Host, HostKeys as Offered, KnownHostsRefused};
use meeting_api::{KnownHostsFile, KnownHostsFileError};

use super::ChoreError;
use crate::plan::Plan;

/// What changed in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostKeys {
    /// Keys that the server offers.
    pub(crate) offered: usize,
    /// Keys that were not in the file.
    pub(crate) added: usize,
    /// Lines that went.
    pub(crate) removed: usize,
}

/// The hosts that the server's lines must be about: the configured ones, else the host of the Meeting server.
pub(crate) fn hosts(plan: &Plan) -> Result<Vec<Host>, KnownHostsRefused> {
    let configured = &plan.config.known_hosts.hosts;
    if configured.is_empty() {
        return Ok(vec![Host::new(plan.client.host(), 22)?]);
    }
    configured.iter().map(|text| parse_host(text)).collect()
}

/// `name`, or `[name]:port` as known_hosts writes another port than 22.
fn parse_host(text: &str) -> Result<Host, KnownHostsRefused> {
    match text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some((name, port)) => Host::new(name, port.parse().map_err(|_| KnownHostsRefused::Host)?),
        None => Host::new(text, 22),
    }
}

/// Fetches the server's host keys and brings the file up to date; `None` when the server has none to give, which is its operator's
/// choice and no failure.
pub(crate) async fn refresh(plan: &Plan) -> Result<Option<HostKeys>, ChoreError> {
    let refused =
        |refused: KnownHostsRefused| ChoreError::NotTaken(format!("host keys not taken: {refused}"));
    let hosts =
        hosts(plan).map_err(|_| ChoreError::NotTaken("known_hosts.hosts holds no host name".to_owned()))?;
    let text = match plan.client.ssh_hostkeys().await {
        Ok(text) => text,
        Err(error) if error.is_not_provisioned() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let offered = Offered::parse(&text, &hosts).map_err(refused)?;
    let count = offered.keys().count();
    let path = plan.config.known_hosts_path();
    let (file, allow) = (KnownHostsFile::new(&path), plan.config.known_hosts.accept_new_keys);
    let updated = tokio::task::spawn_blocking(move || file.update(&hosts, &offered, allow));
    match updated.await {
        Ok(Ok(merged)) => {
            Ok(Some(HostKeys { offered: count, added: merged.added.len(), removed: merged.removed }))
        }
        Ok(Err(KnownHostsFileError::Refused(why))) => Err(refused(why)),
        Ok(Err(error)) => Err(ChoreError::Local(format!("{}: {error}", path.display()))),
        Err(error) => Err(ChoreError::Local(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_known_hosts_writes_them() {
        let pattern = |text: &str| parse_host(text).map(|host| host.pattern().to_owned());
        assert_eq!(pattern("meeting.example.org").unwrap(), "meeting.example.org");
        assert_eq!(pattern("[meeting.example.org]:2222").unwrap(), "[meeting.example.org]:2222");
        assert_eq!(pattern("2001:db8::1").unwrap(), "2001:db8::1");
        for wrong in ["*.example.org", "[a]:x", "[a]:0", "a b", ""] {
            assert!(parse_host(wrong).is_err(), "{wrong}");
        }
    }
}
