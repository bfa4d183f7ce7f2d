//! Who may call what: the rules of every route in one place.

use super::settings::{DeviceAuth, Settings};
use crate::{DeviceKey, Refusal};

/// Who a request speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody in particular.
    Anonymous,
    /// A device, proven by its bearer secret, its SSH key or (where that is allowed) its `token_code`.
    Device(DeviceKey),
    /// The public edge of the tunnels.
    Proxy,
    /// Whoever runs the service.
    Operator,
}

/// What a route asks of its caller. A credential that is shown and wrong is refused with 401 by every route.
///
/// | | nobody | the device | another device | proxy | operator |
/// |---|---|---|---|---|---|
/// | `Public` | yes | yes | yes | yes | yes |
/// | `Report` | compatible mode | yes | 403 | 403 | yes |
/// | `Read` | compatible mode | yes | 403 | yes | yes |
/// | `Follow` | if open | if open | if open | yes | yes |
/// | `Operate` | 401 | 403 | 403 | 403 | yes |
///
/// Choice: MA-53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Anybody: what the server says about itself, and published keys.
    Public,
    /// What a device says for itself.
    Report,
    /// What is known of one device; its secrets only for proxies and operators.
    Read,
    /// The list of tunnels.
    Follow,
    /// Everything else.
    Operate,
}

impl Access {
    /// Lets the caller pass, or says why not.
    ///
    /// # Errors
    /// 401 for a caller that should show a credential, 403 for one whose credential is of the wrong kind.
    pub(crate) fn check(
        self,
        principal: &Principal,
        device: Option<&DeviceKey>,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let compatible = settings.device_auth == DeviceAuth::Compatible;
        let allowed = match (self, principal) {
            (Self::Public, _) | (_, Principal::Operator) | (Self::Read | Self::Follow, Principal::Proxy) => {
                true
            }
            (Self::Report | Self::Read, Principal::Anonymous) => compatible,
            (Self::Report | Self::Read, Principal::Device(key)) => Some(key) == device,
            (Self::Follow, Principal::Anonymous | Principal::Device(_)) => settings.tunnels_open,
            (Self::Report, Principal::Proxy) | (Self::Operate, _) => false,
        };
        match (allowed, principal) {
            (true, _) => Ok(()),
            (false, Principal::Anonymous) => Err(Refusal::new(401, "Credential required")),
            (false, _) => Err(Refusal::new(403, "Credential not sufficient")),
        }
    }
}
