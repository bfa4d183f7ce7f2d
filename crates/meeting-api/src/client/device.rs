//! What a device calls.

use super::{Client, ClientError};
use crate::endpoint::api_status::{self, ApiStatus};
use crate::endpoint::authorize_tunnel::{self, TunnelAuthorization};
use crate::endpoint::availability::{self, Availability, LastSeen};
use crate::endpoint::heartbeat::{self, Heartbeat, HeartbeatReply};
use crate::endpoint::server_pubkey::{self, ServerPubkey};
use crate::endpoint::service_request::{self, ServiceGrant, ServiceList, ServiceRequest};
use crate::endpoint::ssh_key::{self, KeyRecord, PublishKey};
use crate::endpoint::{Success, device_pubkey, ssh_hostkey};
use crate::{DecodeError, DeviceKey, PublicKey};

/// Calls of a device.
///
/// # Errors
/// Every method gives [`ClientError`]: `Io` when the network fails or 10 s pass, `Refused` when the server says no (404 =
/// not provisioned), `Malformed` or `Protocol` when its answer is not what the protocol says.
impl Client {
    /// Is this a Meeting server? `GET /api`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn api_status(&self) -> Result<ApiStatus, ClientError> {
        let body = self.call(api_status::ROUTE.method, api_status::ROUTE.template, None).await?;
        Ok(ApiStatus::decode(&body)?)
    }

    /// Reports that the device is there. Source: meeting §3.1.
    ///
    /// # Errors
    /// See [`ClientError`]; [`is_not_provisioned`](ClientError::is_not_provisioned) for a 404.
    pub async fn heartbeat(
        &self,
        device_key: &DeviceKey,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatReply, ClientError> {
        let path = heartbeat::ROUTE.path(device_key);
        let body = self.call(heartbeat::ROUTE.method, &path, Some(heartbeat.encode())).await?;
        Ok(HeartbeatReply::decode(&body)?)
    }

    /// The server's SSH host keys as text, for `known_hosts::merge`. Source: meeting §3.2.
    ///
    /// # Errors
    /// See [`ClientError`]; `Usage` when the connection is not protected (threat R4).
    pub async fn ssh_hostkeys(&self) -> Result<String, ClientError> {
        self.require_protection()?;
        let route = ssh_hostkey::ROUTE;
        let body = self.call_capped(route.method, route.template, None, ssh_hostkey::MAX_REPLY_BYTES).await?;
        String::from_utf8(body).map_err(|_| DecodeError::NotUtf8.into())
    }

    /// Publishes the device's own public key. An answer with the status `pending` waits for the operator.
    /// Source: meeting §3.3.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn publish_key(&self, device_key: &DeviceKey, key: &PublicKey) -> Result<Success, ClientError> {
        let path = ssh_key::PUBLISH.path(device_key);
        let request = PublishKey::new(key.to_string());
        let body = self.call(ssh_key::PUBLISH.method, &path, Some(request.encode())).await?;
        Ok(Success::decode(&body)?)
    }

    /// The key that the server holds for a device. Source: meeting §3.4.
    ///
    /// # Errors
    /// See [`ClientError`]; `Malformed` when the text is no key.
    pub async fn device_pubkey(&self, device_key: &DeviceKey) -> Result<PublicKey, ClientError> {
        let body = self.call(device_pubkey::ROUTE.method, &device_pubkey::path(device_key), None).await?;
        public_key(device_pubkey::decode(&body)?)
    }

    /// The key record of a device.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn key_record(&self, device_key: &DeviceKey) -> Result<KeyRecord, ClientError> {
        let body = self.call(ssh_key::READ.method, &ssh_key::READ.path(device_key), None).await?;
        let record = KeyRecord::decode(&body)?;
        same_device(device_key, &record.device_key)?;
        Ok(record)
    }

    /// The server's own public key, which the device may let in.
    ///
    /// # Errors
    /// See [`ClientError`]; `Usage` when the connection is not protected (threat R4), `Protocol` when the fingerprint beside the
    /// key is that of another.
    pub async fn server_pubkey(&self) -> Result<PublicKey, ClientError> {
        self.require_protection()?;
        let body = self.call(server_pubkey::ROUTE.method, server_pubkey::ROUTE.template, None).await?;
        let reply = ServerPubkey::decode(&body)?;
        let key = public_key(&reply.pubkey)?;
        if reply.fingerprint.is_some_and(|fingerprint| fingerprint != key.fingerprint()) {
            return Err(ClientError::Protocol("the fingerprint is not that of the key"));
        }
        Ok(key)
    }

    /// Whether a device reported lately.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn availability(&self, device_key: &DeviceKey) -> Result<Availability, ClientError> {
        let path = availability::ROUTE.path(device_key);
        let body = self.call(availability::ROUTE.method, &path, None).await?;
        Ok(Availability::decode(&body)?)
    }

    /// When a device last reported.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn last_seen(&self, device_key: &DeviceKey) -> Result<LastSeen, ClientError> {
        let path = availability::LAST_SEEN.path(device_key);
        let body = self.call(availability::LAST_SEEN.method, &path, None).await?;
        let reply = LastSeen::decode(&body)?;
        same_device(device_key, &reply.device_key)?;
        Ok(reply)
    }

    /// Reserves a public port for a service of the device; the same again gives the same port.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn request_service(
        &self,
        device_key: &DeviceKey,
        request: &ServiceRequest,
    ) -> Result<ServiceGrant, ClientError> {
        let path = service_request::ROUTE.path(device_key);
        let body = self.call(service_request::ROUTE.method, &path, Some(request.encode())).await?;
        Ok(ServiceGrant::decode(&body)?)
    }

    /// The services that are switched on for a device.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn services(&self, device_key: &DeviceKey) -> Result<ServiceList, ClientError> {
        let path = service_request::LIST.path(device_key);
        let body = self.call(service_request::LIST.method, &path, None).await?;
        Ok(ServiceList::decode(&body)?)
    }

    /// Asks whether the device may open its tunnel.
    ///
    /// # Errors
    /// See [`ClientError`]; `Refused` with 403 when it may not.
    pub async fn authorize_tunnel(&self, device_key: &DeviceKey) -> Result<TunnelAuthorization, ClientError> {
        let path = authorize_tunnel::ROUTE.path(device_key);
        let body = self.call(authorize_tunnel::ROUTE.method, &path, Some(b"{}".to_vec())).await?;
        let reply = TunnelAuthorization::decode(&body)?;
        same_device(device_key, &reply.device_key)?;
        Ok(reply)
    }
}

fn public_key(line: &str) -> Result<PublicKey, ClientError> {
    PublicKey::parse(line).map_err(|_| DecodeError::Invalid { field: "pubkey" }.into())
}

/// An answer about another device is worse than none.
pub(super) fn same_device(asked: &DeviceKey, answered: &DeviceKey) -> Result<(), ClientError> {
    if asked == answered { Ok(()) } else { Err(ClientError::Protocol("the answer is about another device")) }
}
