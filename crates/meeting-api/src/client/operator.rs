//! What an operator calls.

use super::{Client, ClientError};
use crate::endpoint::device_admin::{
    self, Authorize, IssuedSecret, SetNote, SetServices, SetTokenCode, SetTokens, TokenCodeReply,
};
use crate::endpoint::devices::{self, CreateDevice, DeviceList, ListQuery, NewDevice};
use crate::endpoint::logs::{self, DeviceLog};
use crate::endpoint::ssh_key::{self, PublishKey};
use crate::endpoint::{Route, Success};
use crate::{DeviceKey, Note, ServiceSet, TokenCode};

/// Calls of an operator.
impl Client {
    /// Lists devices, at most 100 a call.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn devices(&self, query: &ListQuery) -> Result<DeviceList, ClientError> {
        let body = self.call(devices::LIST.method, &query.path(), None).await?;
        Ok(DeviceList::decode(&body)?)
    }

    /// A key and a token_code that are free. Nothing is registered.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn generate_key(&self) -> Result<NewDevice, ClientError> {
        let route = devices::GENERATE_KEY;
        Ok(NewDevice::decode(&self.call(route.method, route.template, None).await?)?)
    }

    /// Registers a device: under the key that `device` names (409 when it exists), else under a new one.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_device(&self, device: &CreateDevice) -> Result<NewDevice, ClientError> {
        let route =
            if device.device_key.is_some() { devices::MANUAL_CREATE } else { devices::GENERATE_AND_REGISTER };
        Ok(NewDevice::decode(&self.call(route.method, route.template, Some(device.encode())).await?)?)
    }

    /// Lets a device in, or out.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_authorized(
        &self,
        device_key: &DeviceKey,
        authorized: bool,
    ) -> Result<Success, ClientError> {
        self.change(device_admin::AUTHORIZE, device_key, Some(Authorize { authorized }.encode())).await
    }

    /// Sets how many uses a device has.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_token_count(
        &self,
        device_key: &DeviceKey,
        token_count: u32,
    ) -> Result<Success, ClientError> {
        self.change(device_admin::TOKENS, device_key, Some(SetTokens { token_count }.encode())).await
    }

    /// Sets the secret of a device's tunnel; without one, the server makes it up. The answer says which is in force.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_token_code(
        &self,
        device_key: &DeviceKey,
        token_code: Option<TokenCode>,
    ) -> Result<TokenCodeReply, ClientError> {
        let route = device_admin::TOKEN_CODE;
        let body = SetTokenCode { token_code }.encode();
        Ok(TokenCodeReply::decode(&self.call(route.method, &route.path(device_key), Some(body)).await?)?)
    }

    /// Sets or removes a device's note.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_note(&self, device_key: &DeviceKey, note: Option<Note>) -> Result<Success, ClientError> {
        self.change(device_admin::NOTE, device_key, Some(SetNote { note }.encode())).await
    }

    /// Switches a device's services: those named are on, all others off.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_services(
        &self,
        device_key: &DeviceKey,
        services: ServiceSet,
    ) -> Result<Success, ClientError> {
        self.change(device_admin::SERVICES, device_key, Some(SetServices { services }.encode())).await
    }

    /// Removes a device and everything of it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete_device(&self, device_key: &DeviceKey) -> Result<Success, ClientError> {
        self.change(device_admin::DELETE, device_key, None).await
    }

    /// Issues a bearer secret for a device's calls. It is shown this once.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn issue_secret(&self, device_key: &DeviceKey) -> Result<IssuedSecret, ClientError> {
        let route = device_admin::ISSUE_SECRET;
        let body = self.call(route.method, &route.path(device_key), Some(b"{}".to_vec())).await?;
        Ok(IssuedSecret::decode(&body)?)
    }

    /// Withdraws a device's bearer secret.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_secret(&self, device_key: &DeviceKey) -> Result<Success, ClientError> {
        self.change(device_admin::REVOKE_SECRET, device_key, None).await
    }

    /// Sets a device's key, or accepts the one that waits (by sending it with the status `authorized`).
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_key(&self, device_key: &DeviceKey, key: &PublishKey) -> Result<Success, ClientError> {
        self.change(ssh_key::PUBLISH, device_key, Some(key.encode())).await
    }

    /// Revokes a device's key. The record remains.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_key(&self, device_key: &DeviceKey) -> Result<Success, ClientError> {
        self.change(ssh_key::REVOKE, device_key, None).await
    }

    /// A device's log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn device_log(&self, device_key: &DeviceKey) -> Result<DeviceLog, ClientError> {
        let body = self.call(logs::ROUTE.method, &logs::ROUTE.path(device_key), None).await?;
        Ok(DeviceLog::decode(&body)?)
    }

    /// Empties a device's log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn purge_log(&self, device_key: &DeviceKey) -> Result<Success, ClientError> {
        self.change(logs::PURGE, device_key, Some(b"{}".to_vec())).await
    }

    async fn change(
        &self,
        route: Route,
        device_key: &DeviceKey,
        body: Option<Vec<u8>>,
    ) -> Result<Success, ClientError> {
        let body = self.call(route.method, &route.path(device_key), body).await?;
        Ok(Success::decode(&body)?)
    }
}
