//! A program that serves, put together: its tasks, its health, its certificates, its new settings, and what the service
//! manager is told of it.

use crate::admin::{Admin, AdminSettings, Readiness};
use crate::exit::Failure;
use crate::http::{HttpLimits, Server};
use crate::lifecycle::{Liveness, Stop, Supervisor};
use crate::tls::{Acceptor, Certificates, ServerTls};
use crate::{net, service_manager};
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Between two looks at the certificates' files.
const RENEWAL: Duration = Duration::from_secs(30);
/// Connections to health and metrics at one time.
const ADMIN_CONNECTIONS: u32 = 64;

/// A program that serves, from its first task to its end.
#[derive(Debug)]
pub struct Serving {
    supervisor: Supervisor,
    liveness: Liveness,
    readiness: Readiness,
    certificates: Certificates,
    is_service: bool,
}

impl Serving {
    /// A program without tasks yet.
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self {
            supervisor: Supervisor::new(stop),
            liveness: Liveness::default(),
            readiness: Readiness::default(),
            certificates: Certificates::default(),
            is_service: false,
        }
    }

    /// Whether the service manager of this process is told: ready, reloading, stopping, alive.
    #[must_use]
    pub const fn as_service(mut self, is_service: bool) -> Self {
        self.is_service = is_service;
        self
    }

    /// Uses pulses that somebody watches already.
    #[must_use]
    pub fn watched_by(mut self, liveness: Liveness) -> Self {
        self.liveness = liveness;
        self
    }

    /// What the tasks of this program listen to.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        self.supervisor.stop()
    }

    /// The pulses of its loops.
    #[must_use]
    pub const fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// What must hold before it can do its work.
    #[must_use]
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The certificates of its listeners.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Starts a task that the program cannot do without.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.supervisor.spawn(name, task);
    }

    /// The same for a task that cannot fail.
    pub fn spawn_certain(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.supervisor.spawn(name, async move {
            task.await;
            Ok(())
        });
    }

    /// An HTTP server for the listener of this name, with its certificates where it has some.
    ///
    /// # Errors
    /// As [`Acceptor::new`].
    pub fn http_server(
        &self,
        listener: &'static str,
        limits: HttpLimits,
        tls: Option<&ServerTls>,
    ) -> Result<Server, Failure> {
        let acceptor: Option<Acceptor> = self.certificates.load(listener, tls, &["http/1.1"])?;
        let server = Server::new(limits);
        Ok(match acceptor {
            Some(acceptor) => server.tls(acceptor),
            None => server,
        })
    }

    /// Serves health and metrics on a listener that is open already or as configured; says where, if anywhere.
    ///
    /// # Errors
    /// The address cannot be listened on, or its certificates cannot be used.
    pub async fn admin(
        &mut self,
        given: Option<TcpListener>,
        settings: &AdminSettings,
        registry: Registry,
    ) -> Result<Option<SocketAddr>, Failure> {
        let Some(listener) = net::opened(given, settings.listen.as_ref()).await? else { return Ok(None) };
        let limits = HttpLimits { max_connections: ADMIN_CONNECTIONS, ..HttpLimits::default() };
        let server = self.http_server("admin", limits, settings.tls.as_ref())?;
        let address = listener.local_addr().map_err(|error| Failure::io("health and metrics", error))?;
        tracing::info!(%address, tls = settings.tls.is_some(), "health and metrics are here");
        let service = Admin::new(self.liveness.clone(), self.readiness.clone(), registry);
        let stop = self.stop().clone();
        self.spawn_certain("admin", server.serve(listener, service, stop));
        Ok(Some(address))
    }

    /// Gives each set of new settings to `apply`; what it cannot use leaves the old ones in force.
    pub fn reloads<C, F>(
        &mut self,
        reloads: Option<mpsc::Receiver<C>>,
        mut apply: impl FnMut(C) -> F + Send + 'static,
    ) where
        C: Send + 'static,
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let Some(mut reloads) = reloads else { return };
        let (stop, is_service) = (self.stop().gently.clone(), self.is_service);
        self.spawn_certain("reload", async move {
            loop {
                let config = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    config = reloads.recv() => config,
                };
                // When nobody reloads any more, the program goes on.
                let Some(config) = config else { return stop.cancelled().await };
                if is_service {
                    service_manager::reloading();
                }
                match apply(config).await {
                    Ok(()) => tracing::info!("new settings are in force"),
                    Err(failure) => tracing::error!(%failure, "the new settings are not used"),
                }
                if is_service {
                    service_manager::ready("serving");
                }
            }
        });
    }

    /// Runs the tasks until a stop was asked for and all have ended, or `grace` is over.
    ///
    /// # Errors
    /// As [`Supervisor::run`].
    pub async fn run(mut self, grace: Duration) -> Result<(), Failure> {
        let (certificates, stop) = (self.certificates.clone(), self.stop().gently.clone());
        self.spawn_certain("certificates", async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RENEWAL) => certificates.renew(),
                }
            }
        });
        if !self.is_service {
            return self.supervisor.run(grace).await;
        }
        let watchdog = tokio::spawn(service_manager::watchdog(self.liveness));
        let stop = self.supervisor.stop().gently.clone();
        let farewell = tokio::spawn(async move {
            stop.cancelled().await;
            service_manager::stopping(grace);
        });
        service_manager::ready("serving");
        let result = self.supervisor.run(grace).await;
        watchdog.abort();
        farewell.abort();
        result
    }
}

/// Says in the log which of the changed settings take a restart.
pub fn warn_of_restart(changes: &[(&'static str, bool)]) {
    for (key, _) in changes.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(key, "this change takes a restart");
    }
}
