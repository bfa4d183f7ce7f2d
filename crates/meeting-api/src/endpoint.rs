//! The routes, one module each: method and path, request, reply, and their JSON.

use crate::DeviceKey;

pub mod api_status;
pub mod authorize_tunnel;
pub mod availability;
pub mod device;
pub mod device_admin;
pub mod device_pubkey;
pub mod devices;
pub mod heartbeat;
pub mod key_approval;
pub mod logs;
pub mod server_pubkey;
pub mod service_request;
pub mod ssh_hostkey;
pub mod ssh_key;
pub mod tokens;
pub mod tunnels;

/// Most bytes of a request body; a server answers 413 to more (threat R3). Choice: MA-12.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// An HTTP method of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A method and a path, in which `{device_key}` stands for one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, such as `/api/devices/{device_key}/online`.
    pub template: &'static str,
}

impl Route {
    const fn new(method: Method, template: &'static str) -> Self {
        Self { method, template }
    }

    /// The path of this route for a device. A [`DeviceKey`] needs no escaping, so that the path always has the
    /// segments of the template (threat R1). A template without `{device_key}` is returned as it is.
    #[must_use]
    pub fn path(&self, device_key: &DeviceKey) -> String {
        self.template.replacen("{device_key}", device_key.as_str(), 1)
    }
}

/// Every route of this crate.
pub const ROUTES: &[Route] = &[
    api_status::ROUTE,
    api_status::OPENAPI,
    authorize_tunnel::ROUTE,
    availability::ROUTE,
    availability::LAST_SEEN,
    device::ROUTE,
    device_admin::AUTHORIZE,
    device_admin::TOKENS,
    device_admin::TOKEN_CODE,
    device_admin::NOTE,
    device_admin::SERVICES,
    device_admin::DELETE,
    device_admin::ISSUE_SECRET,
    device_admin::REVOKE_SECRET,
    device_pubkey::ROUTE,
    devices::LIST,
    devices::GENERATE_KEY,
    devices::GENERATE_AND_REGISTER,
    devices::MANUAL_CREATE,
    heartbeat::ROUTE,
    heartbeat::ALIAS,
    key_approval::LIST,
    key_approval::APPROVE,
    key_approval::REJECT,
    logs::ROUTE,
    logs::PURGE,
    server_pubkey::ROUTE,
    service_request::ROUTE,
    service_request::LIST,
    service_request::RELEASE,
    ssh_hostkey::ROUTE,
    ssh_key::PUBLISH,
    ssh_key::READ,
    ssh_key::REVOKE,
    tokens::LIST,
    tokens::CREATE,
    tokens::REVOKE,
    tunnels::ROUTE,
];

/// `{"success":true}`, the answer of the routes that only do something.
///
/// `status` is `pending` where the thing done waits for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Success {
    #[serde(deserialize_with = "crate::flag::deserialize", default)]
    success: bool,
    /// What became of a published key, where the server says it.
    #[serde(default, deserialize_with = "ssh_key::status", skip_serializing_if = "Option::is_none")]
    pub status: Option<ssh_key::KeyStatus>,
}

impl Success {
    /// Done.
    #[must_use]
    pub const fn done() -> Self {
        Self { success: true, status: None }
    }

    /// Received, and waiting for the operator.
    #[must_use]
    pub const fn pending() -> Self {
        Self { success: true, status: Some(ssh_key::KeyStatus::Pending) }
    }

    /// The body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        crate::loose::encode(self)
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`DecodeError::Json`](crate::DecodeError::Json) when it is no such object, `Invalid` when `success` is not true.
    pub fn decode(body: &[u8]) -> Result<Self, crate::DecodeError> {
        let success: Self = crate::loose::reply(body)?;
        if success.success { Ok(success) } else { Err(crate::DecodeError::Invalid { field: "success" }) }
    }
}
