//! What each route does. One file a group; the rules about who may call are in [`super::route`].

mod availability;
mod device_admin;
mod devices;
mod heartbeat;
mod key_admin;
mod keys;
mod logs;
mod public;
mod services;
mod tokens;
mod tunnels;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use super::call::Call;
use super::reply::{self, Reply};
use super::route::Operation;
use super::store::Store;
use crate::Refusal;
use crate::endpoint::{authorize_tunnel, device_pubkey};

pub(super) async fn perform<S: Store>(operation: Operation, call: &Call<'_, S>) -> Result<Reply, Refusal> {
    match operation {
        Operation::Heartbeat => heartbeat::beat(call).await,
        Operation::ApiStatus => Ok(public::status()),
        Operation::OpenApi => Ok(public::openapi()),
        Operation::HostKeys => public::host_keys(call),
        Operation::ServerPubkey => public::server_pubkey(call),
        Operation::DevicePubkey => keys::plain(call).await,
        Operation::PublishKey => keys::publish(call).await,
        Operation::ReadKey => keys::read(call).await,
        Operation::RevokeKey => key_admin::revoke(call).await,
        Operation::ListKeys => key_admin::list(call).await,
        Operation::ApproveKey => key_admin::decide(call, super::store::Decision::Approve).await,
        Operation::RejectKey => key_admin::decide(call, super::store::Decision::Reject).await,
        Operation::Availability => availability::availability(call).await,
        Operation::LastSeen => availability::last_seen(call).await,
        Operation::ListServices => services::list(call).await,
        Operation::RequestService => services::request(call).await,
        Operation::ReleaseService => services::release(call).await,
        Operation::AuthorizeTunnel => tunnels::authorize(call).await,
        Operation::Tunnels => tunnels::list(call).await,
        Operation::Device => devices::one(call).await,
        Operation::ListDevices => devices::list(call).await,
        Operation::GenerateKey => devices::generate_key(call).await,
        Operation::GenerateAndRegister => devices::generate_and_register(call).await,
        Operation::CreateDevice => devices::create(call).await,
        Operation::DeleteDevice => device_admin::delete(call).await,
        Operation::SetServices => device_admin::set_services(call).await,
        Operation::Authorize => device_admin::authorize(call).await,
        Operation::SetTokens => device_admin::set_tokens(call).await,
        Operation::SetTokenCode => device_admin::set_token_code(call).await,
        Operation::SetNote => device_admin::set_note(call).await,
        Operation::IssueSecret => device_admin::issue_secret(call).await,
        Operation::RevokeSecret => device_admin::revoke_secret(call).await,
        Operation::Log => logs::read(call).await,
        Operation::PurgeLog => logs::purge(call).await,
        Operation::ListTokens => tokens::list(call).await,
        Operation::CreateToken => tokens::create(call).await,
        Operation::RevokeToken => tokens::revoke(call).await,
    }
}

/// A refusal in the form its route has for it.
pub(super) fn refuse(operation: Operation, refusal: &Refusal) -> Response<Full<Bytes>> {
    match operation {
        Operation::AuthorizeTunnel if refusal.status == 403 => {
            reply::refuse_with_body(refusal, authorize_tunnel::encode_refusal(refusal))
        }
        Operation::DevicePubkey if refusal.status == 404 => {
            reply::refuse_with_body(refusal, device_pubkey::NOT_FOUND.to_vec())
        }
        _ => reply::refuse(refusal),
    }
}
