//! Every route of the server, with what it does and who may call it. Code, tests and the OpenAPI document follow
//! this table.

use http::Method;

use super::access::Access::{self, Follow, Operate, Public, Read, Report};
use crate::endpoint::{
    self, Route, api_status, authorize_tunnel, availability, device, device_admin, device_pubkey, devices,
    heartbeat, key_approval, logs, server_pubkey, service_request, ssh_hostkey, ssh_key, tokens, tunnels,
};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is explained by its line in ROUTES")]
pub enum Operation {
    ApiStatus,
    OpenApi,
    HostKeys,
    ServerPubkey,
    DevicePubkey,
    Heartbeat,
    PublishKey,
    ReadKey,
    RevokeKey,
    ListKeys,
    ApproveKey,
    RejectKey,
    Device,
    Availability,
    LastSeen,
    ListServices,
    RequestService,
    ReleaseService,
    AuthorizeTunnel,
    Tunnels,
    ListDevices,
    GenerateKey,
    GenerateAndRegister,
    CreateDevice,
    SetServices,
    DeleteDevice,
    Authorize,
    SetTokens,
    SetTokenCode,
    SetNote,
    IssueSecret,
    RevokeSecret,
    Log,
    PurgeLog,
    ListTokens,
    CreateToken,
    RevokeToken,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// Method and path.
    pub route: Route,
    /// What it does.
    pub operation: Operation,
    /// Who may call it.
    pub access: Access,
}

const fn rule(route: Route, operation: Operation, access: Access) -> Rule {
    Rule { route, operation, access }
}

/// Every route, what it does and who may call it.
pub const RULES: &[Rule] = &[
    rule(api_status::ROUTE, Operation::ApiStatus, Public),
    rule(api_status::OPENAPI, Operation::OpenApi, Public),
    rule(ssh_hostkey::ROUTE, Operation::HostKeys, Public),
    rule(server_pubkey::ROUTE, Operation::ServerPubkey, Public),
    rule(device_pubkey::ROUTE, Operation::DevicePubkey, Public),
    rule(heartbeat::ROUTE, Operation::Heartbeat, Report),
    rule(heartbeat::ALIAS, Operation::Heartbeat, Report),
    rule(ssh_key::PUBLISH, Operation::PublishKey, Report),
    rule(service_request::ROUTE, Operation::RequestService, Report),
    rule(ssh_key::READ, Operation::ReadKey, Read),
    rule(device::ROUTE, Operation::Device, Read),
    rule(availability::ROUTE, Operation::Availability, Read),
    rule(availability::LAST_SEEN, Operation::LastSeen, Read),
    rule(service_request::LIST, Operation::ListServices, Read),
    rule(authorize_tunnel::ROUTE, Operation::AuthorizeTunnel, Read),
    rule(tunnels::ROUTE, Operation::Tunnels, Follow),
    rule(service_request::RELEASE, Operation::ReleaseService, Operate),
    rule(ssh_key::REVOKE, Operation::RevokeKey, Operate),
    rule(key_approval::LIST, Operation::ListKeys, Operate),
    rule(key_approval::APPROVE, Operation::ApproveKey, Operate),
    rule(key_approval::REJECT, Operation::RejectKey, Operate),
    rule(devices::LIST, Operation::ListDevices, Operate),
    rule(devices::GENERATE_KEY, Operation::GenerateKey, Operate),
    rule(devices::GENERATE_AND_REGISTER, Operation::GenerateAndRegister, Operate),
    rule(devices::MANUAL_CREATE, Operation::CreateDevice, Operate),
    rule(device_admin::SERVICES, Operation::SetServices, Operate),
    rule(device_admin::DELETE, Operation::DeleteDevice, Operate),
    rule(device_admin::AUTHORIZE, Operation::Authorize, Operate),
    rule(device_admin::TOKENS, Operation::SetTokens, Operate),
    rule(device_admin::TOKEN_CODE, Operation::SetTokenCode, Operate),
    rule(device_admin::NOTE, Operation::SetNote, Operate),
    rule(device_admin::ISSUE_SECRET, Operation::IssueSecret, Operate),
    rule(device_admin::REVOKE_SECRET, Operation::RevokeSecret, Operate),
    rule(logs::ROUTE, Operation::Log, Operate),
    rule(logs::PURGE, Operation::PurgeLog, Operate),
    rule(tokens::LIST, Operation::ListTokens, Operate),
    rule(tokens::CREATE, Operation::CreateToken, Operate),
    rule(tokens::REVOKE, Operation::RevokeToken, Operate),
];

/// Finds the rule of a request.
#[derive(Debug)]
pub(crate) struct Router(matchit::Router<Vec<Rule>>);

/// What a path led to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A rule, and the one segment of the path that varies.
    Rule(Rule, Option<&'a str>),
    /// A path without such a method; the methods it has.
    OtherMethods(String),
    /// No such path.
    Nothing,
}

impl Router {
    #[expect(
        clippy::expect_used,
        reason = "the table is constant, and every test would show a conflict in it"
    )]
    pub(crate) fn new() -> Self {
        let mut paths: Vec<(&str, Vec<Rule>)> = Vec::new();
        for rule in RULES {
            match paths.iter_mut().find(|(path, _)| *path == rule.route.template) {
                Some((_, rules)) => rules.push(*rule),
                None => paths.push((rule.route.template, vec![*rule])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, rules) in paths {
            router.insert(path, rules).expect("no two paths of the table conflict");
        }
        Self(router)
    }

    /// `HEAD` finds what `GET` finds. Choice: MA-63.
    pub(crate) fn find<'a>(&self, method: &Method, path: &'a str) -> Found<'a> {
        let Ok(found) = self.0.at(path) else { return Found::Nothing };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match found.value.iter().find(|rule| rule.route.method.as_str() == method.as_str()) {
            Some(rule) => Found::Rule(*rule, found.params.iter().next().map(|(_, segment)| segment)),
            None => Found::OtherMethods(allowed(found.value)),
        }
    }
}

fn allowed(rules: &[Rule]) -> String {
    let mut methods: Vec<_> = rules.iter().map(|rule| rule.route.method.as_str()).collect();
    if rules.iter().any(|rule| rule.route.method == endpoint::Method::Get) {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}
