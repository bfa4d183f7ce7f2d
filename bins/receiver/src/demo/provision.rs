//! What an operator does before a device can come online: a device, a token, a secret for the proxy, ports.

use std::path::{Path, PathBuf};

use daemon::config::PortRange;
use daemon::exit::{Exit, Failure};
use meeting_api::server::store::{
    Credentials, DeviceChange, Devices, NewDevice, PageRequest, Reservation, Reserved, Role, Tunnels,
};
use meeting_api::server::{Clock, SystemClock, SystemRandom, mint_secret};
use meeting_api::{DeviceKey, Secret, ServiceName, SigningKey, TokenCode};

use crate::config::Database;
use crate::database::{failed, open_sqlite};
use crate::first_operator;

/// Where the demo keeps things.
#[derive(Debug)]
pub(super) enum Folder {
    /// Goes away with the demo.
    Passing(tempfile::TempDir),
    /// Stays.
    Kept(PathBuf),
}

impl Folder {
    pub(super) fn open(keep: Option<PathBuf>) -> Result<Self, Failure> {
        let folder = match keep {
            Some(path) => {
                std::fs::create_dir_all(&path)
                    .map_err(|error| Failure::io(format!("folder {}", path.display()), error))?;
                Self::Kept(std::path::absolute(&path).unwrap_or(path))
            }
            None => tempfile::Builder::new()
                .prefix("meeting-demo-")
                .tempdir()
                .map(Self::Passing)
                .map_err(|error| Failure::io("a temporary folder", error))?,
        };
        std::fs::create_dir_all(folder.agent())
            .map_err(|error| Failure::io(format!("folder {}", folder.agent().display()), error))?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path().join("receiver.db")
    }

    pub(super) fn agent(&self) -> PathBuf {
        self.path().join("agent")
    }

    pub(super) fn host_key(&self) -> PathBuf {
        self.path().join("host_key.pub")
    }

    /// What is left when the demo is over.
    pub(super) fn farewell(&self) -> String {
        match self {
            Self::Passing(_) => "ended; nothing is left behind".into(),
            Self::Kept(path) => format!("ended; {} has all there was", path.display()),
        }
    }
}

/// What has been provisioned.
#[derive(Debug)]
pub(super) struct Provisioned {
    pub(super) device_key: DeviceKey,
    pub(super) token_code: TokenCode,
    pub(super) proxy_secret: Secret,
}

impl Provisioned {
    /// Does what an operator would do with `receiver device` and `receiver token`. In a kept folder, the device of the last
    /// time gets a new token.
    pub(super) async fn make(
        folder: &Folder,
        ports: PortRange,
        services: &[(ServiceName, u16)],
    ) -> Result<Self, Failure> {
        let store = open_sqlite(&Database { path: folder.database(), postgres: None })?;
        let wrong = |what: &str| {
            let what = what.to_owned();
            move |error| failed(what, error)
        };
        // Nobody operates a demo, so nobody is shown the secret.
        first_operator::create(&store).await?;
        let known = store
            .devices(PageRequest { limit: 1, ..PageRequest::default() })
            .await
            .map_err(wrong("the list of devices"))?;
        let token_code = TokenCode::from_random(random()?);
        let now = SystemClock.now();
        let device_key = match known.devices.into_iter().next() {
            Some(device) => {
                let change = DeviceChange::TokenCode(token_code.clone());
                store
                    .change_device(&device.device_key, change, now)
                    .await
                    .map_err(wrong("the demo device"))?;
                device.device_key
            }
            None => {
                let device = new_device(token_code.clone(), services, now)?;
                let key = device.device_key.clone();
                store.create_device(device).await.map_err(wrong("the demo device"))?;
                key
            }
        };
        let minted = mint_secret(Role::Proxy, "demo", now, &SystemRandom)
            .map_err(|error| Failure::io("no random numbers", error))?;
        store.create_credential(minted.credential).await.map_err(wrong("the proxy's secret"))?;
        for (service, local_port) in services {
            store.release(&device_key, service, now).await.map_err(wrong("a public port"))?;
            let reservation = Reservation {
                device_key: device_key.clone(),
                service: service.clone(),
                local_port: *local_port,
                ports: ports.ports(),
                expires_at: None,
                at: now,
            };
            let reserved = store.reserve(reservation).await.map_err(wrong("a public port"))?;
            if !matches!(reserved, Reserved::Port { .. }) {
                return Err(Failure::new(Exit::Unavailable, "no public port is left for the demo"));
            }
        }
        write_host_key(&folder.host_key())?;
        Ok(Self { device_key, token_code, proxy_secret: minted.secret })
    }
}

fn new_device(
    token_code: TokenCode,
    services: &[(ServiceName, u16)],
    now: meeting_api::UtcTimestamp,
) -> Result<NewDevice, Failure> {
    Ok(NewDevice {
        device_key: DeviceKey::from_random(random()?),
        device_name: Some("this machine".into()),
        product_serial: None,
        device_type: Some("demo".into()),
        distribution: None,
        authorized: true,
        token_code: Some(token_code),
        token_count: 1,
        note: None,
        services: services.iter().map(|(service, _)| service.clone()).collect(),
        registered_at: now,
    })
}

/// A host key for devices to put into their known_hosts; its private half is needed by nobody here.
fn write_host_key(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let key = SigningKey::ed25519_from_seed(&random()?, "demo")
        .map_err(|error| Failure::new(Exit::Software, "a host key").because(error))?;
    std::fs::write(path, format!("{}\n", key.public_key()))
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), error))
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Unavailable, "no random numbers").because(error))?;
    Ok(bytes)
}
