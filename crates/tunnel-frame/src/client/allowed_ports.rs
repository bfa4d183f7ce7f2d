//! The ports that an agent connects to.

use std::collections::BTreeSet;

/// The local ports that a proxy may reach through an agent (threat T7). Empty unless a user puts ports in, and then
/// nothing can be reached: the proxy's `N` names any port it likes, and a proxy can be taken over.
///
/// ```
/// use tunnel_frame::client::AllowedPorts;
///
/// let ports: AllowedPorts = [22, 80].into_iter().collect();
/// assert!(ports.allows(22));
/// assert!(!ports.allows(6379));
/// assert!(!AllowedPorts::default().allows(22));
/// ```
///
/// Choice: TF-12.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AllowedPorts(BTreeSet<u16>);

impl AllowedPorts {
    /// No port at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether this port may be connected to.
    #[must_use]
    pub fn allows(&self, port: u16) -> bool {
        self.0.contains(&port)
    }

    /// The ports, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing can be reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<u16> for AllowedPorts {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        Self(ports.into_iter().collect())
    }
}

impl Extend<u16> for AllowedPorts {
    fn extend<I: IntoIterator<Item = u16>>(&mut self, ports: I) {
        self.0.extend(ports);
    }
}
