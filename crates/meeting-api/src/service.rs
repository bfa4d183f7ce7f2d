use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::loose::Loose;

/// The name of a service that a device offers through its tunnel: 1 to 32 characters of `a-z 0-9 _ -`.
///
/// Names are read in any case and kept in lower case.
///
/// Source: meeting §1.5. Choice: MA-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ServiceName(std::borrow::Cow<'static, str>);

impl ServiceName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 32;
    /// `ssh`: a shell on the device.
    pub const SSH: Self = Self(std::borrow::Cow::Borrowed("ssh"));
    /// `http`: the device's web pages.
    pub const HTTP: Self = Self(std::borrow::Cow::Borrowed("http"));
    /// `vnc`: the device's screen.
    pub const VNC: Self = Self(std::borrow::Cow::Borrowed("vnc"));
    /// `scp`: files over SSH.
    pub const SCP: Self = Self(std::borrow::Cow::Borrowed("scp"));
    /// `debug`: a debugger.
    pub const DEBUG: Self = Self(std::borrow::Cow::Borrowed("debug"));
    /// `relay`: any other local port, which the request must name.
    pub const RELAY: Self = Self(std::borrow::Cow::Borrowed("relay"));

    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// [`InvalidServiceName`] when it is empty, longer than 32 characters, or holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidServiceName> {
        let mut text = text.into();
        text.make_ascii_lowercase();
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        if text.is_empty() || text.len() > Self::MAX_CHARS || !text.bytes().all(allowed) {
            return Err(InvalidServiceName);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The local port that the service has on a device which says nothing else: ssh and scp 22, http 80, vnc 5900,
    /// debug 9229. None for `relay` and for unknown names.
    ///
    /// Choice: MA-9.
    #[must_use]
    pub fn default_local_port(&self) -> Option<u16> {
        match self.as_str() {
            "ssh" | "scp" => Some(22),
            "http" => Some(80),
            "vnc" => Some(5900),
            "debug" => Some(9229),
            _ => None,
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceName({self})")
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for ServiceName {
    type Error = InvalidServiceName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

/// The text is not a [`ServiceName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service is 1 to 32 characters of a-z 0-9 _ -")]
pub struct InvalidServiceName;

/// The services that are switched on for a device: each once, in the order given, at most 64.
///
/// Three forms are read: `["ssh", …]`, `[{"name" or "type": "ssh", "enabled": true}, …]` and `{"ssh": 1, …}`. What is
/// switched off, and what is no service name, is left out. The first form is written.
///
/// Choice: MA-10.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServiceSet(Vec<ServiceName>);

impl ServiceSet {
    /// Most services of one device.
    pub const MAX_SERVICES: usize = 64;

    /// Whether the service is switched on.
    #[must_use]
    pub fn contains(&self, service: &ServiceName) -> bool {
        self.0.contains(service)
    }

    /// The services in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, ServiceName> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, name: &str) {
        if let Ok(service) = ServiceName::new(name)
            && self.0.len() < Self::MAX_SERVICES
            && !self.contains(&service)
        {
            self.0.push(service);
        }
    }

    /// Reads any of the three forms; `None` for anything else. Null is the empty set.
    pub(crate) fn from_value(value: &serde_json::Value) -> Option<Self> {
        use serde_json::Value;
        let on = |flag: Option<&Value>| {
            flag.is_none_or(|flag| Loose::deserialize(flag).ok().and_then(|f| f.flag()) == Some(true))
        };
        let mut set = Self::default();
        match value {
            Value::Null => {}
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(name) => set.add(name),
                        Value::Object(entry) => {
                            let name =
                                entry.get("name").or_else(|| entry.get("type")).and_then(Value::as_str);
                            if let Some(name) = name.filter(|_| on(entry.get("enabled"))) {
                                set.add(name);
                            }
                        }
                        _ => {}
                    }
                }
            }
            Value::Object(entries) => {
                for (name, flag) in entries {
                    if on(Some(flag)) {
                        set.add(name);
                    }
                }
            }
            _ => return None,
        }
        Some(set)
    }
}

impl FromIterator<ServiceName> for ServiceSet {
    fn from_iter<I: IntoIterator<Item = ServiceName>>(services: I) -> Self {
        let mut set = Self::default();
        for service in services {
            set.add(service.as_str());
        }
        set
    }
}

impl<'a> IntoIterator for &'a ServiceSet {
    type Item = &'a ServiceName;
    type IntoIter = std::slice::Iter<'a, ServiceName>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'de> Deserialize<'de> for ServiceSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::from_value(&value).ok_or_else(|| serde::de::Error::custom("a list of services is expected"))
    }
}
