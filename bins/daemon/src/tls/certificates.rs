//! The certificates of a program's listeners, by the listeners' names.

use super::{Acceptor, ServerTls};
use crate::exit::Failure;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// What accepts TLS at each listener of a program, where it does. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Certificates(Arc<RwLock<BTreeMap<&'static str, Acceptor>>>);

impl Certificates {
    /// Reads the files of a listener, and remembers what accepts TLS there.
    ///
    /// # Errors
    /// As [`Acceptor::new`].
    pub fn load(
        &self,
        listener: &'static str,
        tls: Option<&ServerTls>,
        alpn: &[&str],
    ) -> Result<Option<Acceptor>, Failure> {
        let acceptor = tls.map(|tls| Acceptor::new(tls.clone(), alpn)).transpose()?;
        self.set(listener, acceptor.clone());
        Ok(acceptor)
    }

    /// Remembers what accepts TLS at a listener from now on, or that nothing does.
    pub fn set(&self, listener: &'static str, acceptor: Option<Acceptor>) {
        let mut acceptors = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match acceptor {
            Some(acceptor) => acceptors.insert(listener, acceptor),
            None => acceptors.remove(listener),
        };
    }

    /// What accepts TLS at a listener, if it does.
    #[must_use]
    pub fn of(&self, listener: &str) -> Option<Acceptor> {
        self.read().get(listener).cloned()
    }

    /// Reads all files again for connections to come. A file that cannot be used leaves its listener's certificate in force.
    ///
    /// # Errors
    /// As [`Acceptor::new`], for the first listener whose files cannot be used.
    pub fn reload(&self) -> Result<(), Failure> {
        let acceptors: Vec<Acceptor> = self.read().values().cloned().collect();
        acceptors.iter().try_for_each(Acceptor::reload)
    }

    /// Takes over the files that look different from what was read: certificates that a tool renews need no signal.
    pub fn renew(&self) {
        let acceptors: Vec<_> = self.read().iter().map(|(name, found)| (*name, found.clone())).collect();
        for (listener, acceptor) in acceptors {
            match acceptor.reload_if_changed() {
                Ok(false) => {}
                Ok(true) => tracing::info!(listener, "changed certificate taken over"),
                Err(failure) => {
                    tracing::error!(listener, %failure, "changed certificate refused; the old one stays in force");
                }
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<&'static str, Acceptor>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
