//! Settings made ready for use: files read, clients built. Made at the start and again at every reload.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use daemon::exit::{Exit, Failure};
use daemon::tls::Connector;
use meeting_api::Secret;
use meeting_api::client::{Client, ClientError, Credential};
use tunnel_frame::client::AllowedPorts;
use tunnel_frame::handshake::{DeviceKey as TunnelName, Hello};

use crate::checkin::CheckInPlan;
use crate::config::{Config, CredentialKind, DEFAULT_TUNNEL_PORT};
use crate::identity::{Identity, IdentityError};
use crate::ipwatch::IpWatchPlan;
use crate::ssh_key_file::{self, DeviceSshKey, KeyFileError};

/// Everything that the loops work with.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) client: Client,
    pub(crate) tunnel: Option<TunnelPlan>,
    pub(crate) checkin: Option<Arc<CheckInPlan>>,
    pub(crate) ipwatch: Option<Arc<IpWatchPlan>>,
}

/// Everything that the tunnel needs.
#[derive(Clone, Debug)]
pub(crate) struct TunnelPlan {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<Connector>,
    pub(crate) hello: Hello,
    pub(crate) services: Arc<BTreeMap<u16, String>>,
    pub(crate) timeout: Duration,
    pub(crate) max_connections: usize,
}

impl TunnelPlan {
    /// The only ports that are ever connected to (T7).
    pub(crate) fn allowed_ports(&self) -> AllowedPorts {
        self.services.keys().copied().collect()
    }

    /// Whether a session made by this plan is as good as one made by `other`. Certificates are looked at when a
    /// session is made, so new ones need no new session.
    pub(crate) fn makes_the_same_session(&self, other: &Self) -> bool {
        (&self.host, self.port, self.tls.is_some(), &self.hello, &self.services, self.max_connections)
            == (
                &other.host,
                other.port,
                other.tls.is_some(),
                &other.hello,
                &other.services,
                other.max_connections,
            )
    }
}

impl Plan {
    /// Makes `config` ready.
    ///
    /// # Errors
    /// A setting or a file that it names cannot be used; the failure names it.
    pub(crate) fn make(config: Config) -> Result<Self, Failure> {
        if let Some(problem) = config.problem() {
            return Err(Failure::new(Exit::Configuration, format!("{} {}", problem.key, problem.message)));
        }
        let identity = Identity::find(&config).map_err(identity_failure)?;
        let client = client(&config, &identity)?;
        let tunnel = tunnel(&config, &identity, client.host())?;
        let checkin = CheckInPlan::make(&config)?.map(Arc::new);
        let ipwatch = IpWatchPlan::make(&config)?.map(Arc::new);
        Ok(Self { config, identity, client, tunnel, checkin, ipwatch })
    }

    /// Reads the device's key, or makes it.
    pub(crate) fn ssh_key(&self) -> Result<DeviceSshKey, KeyFileError> {
        ssh_key(&self.config, &self.identity)
    }
}

fn ssh_key(config: &Config, identity: &Identity) -> Result<DeviceSshKey, KeyFileError> {
    ssh_key_file::load_or_generate(&config.ssh_key_path(), identity.device_key.as_str())
}

fn identity_failure(error: IdentityError) -> Failure {
    let advice = match &error {
        IdentityError::NoDeviceKey { .. } => "agent init --device-key KEY --server URL",
        IdentityError::InvalidDeviceKey { .. } => "1 to 64 of the characters 0-9 A-Z a-z _ -",
        IdentityError::InvalidToken { .. } => {
            "the device's token_code on the Meeting server, six hex digits as a rule"
        }
        IdentityError::TokenFile(_) | IdentityError::Official(_) => {
            "a file that this user may read, with the right content"
        }
    };
    Failure::new(Exit::Configuration, error.to_string()).advise(advice)
}

/// The client of the Meeting server with the credential that the settings ask for.
fn client(config: &Config, identity: &Identity) -> Result<Client, Failure> {
    let url = config.meeting.url.as_deref().unwrap_or_default();
    let unusable = |error: ClientError| {
        let exit = if matches!(error, ClientError::Io(_)) { Exit::Unavailable } else { Exit::Configuration };
        Failure::new(exit, format!("meeting.url {url}")).because(error)
    };
    let timeout = config.meeting.timeout.duration();
    let mut builder = Client::builder(url)
        .map_err(unusable)?
        .timeout(timeout)
        .connect_timeout(timeout)
        .user_agent(concat!("meeting-agent/", env!("CARGO_PKG_VERSION")))
        .allow_insecure(config.meeting.allow_insecure)
        .credential(credential(config, identity)?);
    if is_https(url) {
        let connector = Connector::new(&config.meeting.tls, &[])?;
        builder = builder.tls_config((*connector.config()).clone());
        if let Some(name) = &config.meeting.tls.server_name {
            builder = builder.server_name(name);
        }
    }
    builder.build().map_err(unusable)
}

/// Whether a base URL asks for TLS.
pub(crate) fn is_https(url: &str) -> bool {
    url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

fn credential(config: &Config, identity: &Identity) -> Result<Credential, Failure> {
    match config.meeting.credential {
        CredentialKind::None => Ok(Credential::None),
        CredentialKind::Bearer => {
            let Some(source) = &config.meeting.secret else {
                return Err(Failure::new(Exit::Configuration, "meeting.secret is not set"));
            };
            let secret = source.read().map_err(|error| Failure::io("meeting.secret", error))?;
            Ok(Credential::Bearer(Secret::new(secret.expose_secret())))
        }
        CredentialKind::Signature => {
            let path = config.ssh_key_path();
            let what = || format!("meeting.credential = \"signature\" needs the key {}", path.display());
            let key = ssh_key(config, identity)
                .map_err(|error| Failure::new(Exit::Configuration, what()).because(error))?;
            let signing = key.signing_key().ok_or_else(|| {
                Failure::new(Exit::Configuration, what())
                    .because("its type cannot sign requests")
                    .advise("an ed25519 key: move the old one away and a new one is made")
            })?;
            Ok(Credential::Signed(signing))
        }
    }
}

fn tunnel(config: &Config, identity: &Identity, meeting_host: &str) -> Result<Option<TunnelPlan>, Failure> {
    let settings = &config.tunnel;
    let Some((token, _)) = identity.token.as_ref().filter(|_| settings.enabled) else { return Ok(None) };
    let name = TunnelName::new(identity.device_key.as_str())
        .map_err(|error| Failure::new(Exit::Configuration, "device_key").because(error))?;
    let official = &identity.official;
    let host = settings.host.as_ref().or(official.tunnel_host.as_ref());
    let tls = settings.tls.or(official.tunnel_tls).unwrap_or(false);
    let connector = tls.then(|| Connector::new(&settings.tls_settings(), &[])).transpose()?;
    let services =
        config.services.iter().map(|(name, port)| (port.get(), name.as_str().to_owned())).collect();
    Ok(Some(TunnelPlan {
        host: host.map_or_else(|| meeting_host.to_owned(), Clone::clone),
        port: settings
            .port
            .map(std::num::NonZeroU16::get)
            .or(official.tunnel_port)
            .unwrap_or(DEFAULT_TUNNEL_PORT),
        tls: connector,
        hello: Hello::new(token.clone(), name),
        services: Arc::new(services),
        timeout: settings.timeout.duration(),
        max_connections: usize::from(settings.max_connections.get()),
    }))
}
