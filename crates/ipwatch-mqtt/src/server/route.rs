//! Every route of the server, with what it does and who may call it. Code, tests and the OpenAPI document follow this table.

use http::Method;

use super::access::Access;
use super::store::Role;
use crate::schedule::Action;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Does something to one machine, and waits for its answer.
    Track(Action),
    /// Does something to a group.
    CommandGroup(Action),
    /// Does something to every machine.
    CommandAll(Action),
    /// Lists the machines.
    Devices,
    /// Shows one.
    Device,
    /// Registers or changes one.
    PutDevice,
    /// Retires one.
    DeleteDevice,
    /// What one told of itself.
    History,
    /// Lists the groups.
    Groups,
    /// Shows one.
    Group,
    /// Makes or changes one.
    PutGroup,
    /// Forgets one.
    DeleteGroup,
    /// Lists the schedules.
    Schedules,
    /// When an expression comes up.
    PreviewSchedule,
    /// Makes one.
    PostSchedule,
    /// Shows one.
    Schedule,
    /// Changes one.
    PutSchedule,
    /// Forgets one.
    DeleteSchedule,
    /// Who did what, when, and what came of it.
    Log,
    /// What happens, as it happens.
    Events,
    /// Whose key it is.
    Session,
    /// The OpenAPI document.
    OpenApi,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// `GET`, `POST`, `PUT` or `DELETE`; `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The path; what stands in braces varies.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Who may call it.
    pub access: Access,
}

const READ: Access = Access::Role(Role::Read);
const CONTROL: Access = Access::Role(Role::Control);
const ADMINISTER: Access = Access::Role(Role::Administer);

const fn rule(method: &'static str, path: &'static str, operation: Operation, access: Access) -> Rule {
    Rule { method, path, operation, access }
}

/// Every route, what it does and who may call it.
///
/// Source: ipwatch §3. Choice: IM-86.
pub const RULES: &[Rule] = &[
    rule("POST", "/api/tracking/shutdown/{ip}", Operation::Track(Action::Shutdown), CONTROL),
    rule("POST", "/api/tracking/reboot/{ip}", Operation::Track(Action::Reboot), CONTROL),
    rule("POST", "/api/tracking/wol/{ip}", Operation::Track(Action::Wol), CONTROL),
    rule("POST", "/api/tracking/status/{ip}", Operation::Track(Action::Status), CONTROL),
    rule("GET", "/v1/ipwatch/devices", Operation::Devices, READ),
    rule("GET", "/v1/ipwatch/devices/{ip}", Operation::Device, READ),
    rule("PUT", "/v1/ipwatch/devices/{ip}", Operation::PutDevice, ADMINISTER),
    rule("DELETE", "/v1/ipwatch/devices/{ip}", Operation::DeleteDevice, ADMINISTER),
    rule("GET", "/v1/ipwatch/devices/{ip}/history", Operation::History, READ),
    rule("GET", "/v1/ipwatch/groups", Operation::Groups, READ),
    rule("GET", "/v1/ipwatch/groups/{name}", Operation::Group, READ),
    rule("PUT", "/v1/ipwatch/groups/{name}", Operation::PutGroup, ADMINISTER),
    rule("DELETE", "/v1/ipwatch/groups/{name}", Operation::DeleteGroup, ADMINISTER),
    rule("POST", "/v1/ipwatch/groups/{name}/shutdown", Operation::CommandGroup(Action::Shutdown), CONTROL),
    rule("POST", "/v1/ipwatch/groups/{name}/reboot", Operation::CommandGroup(Action::Reboot), CONTROL),
    rule("POST", "/v1/ipwatch/groups/{name}/wol", Operation::CommandGroup(Action::Wol), CONTROL),
    rule("POST", "/v1/ipwatch/groups/{name}/status", Operation::CommandGroup(Action::Status), CONTROL),
    rule("POST", "/v1/ipwatch/all/shutdown", Operation::CommandAll(Action::Shutdown), CONTROL),
    rule("POST", "/v1/ipwatch/all/reboot", Operation::CommandAll(Action::Reboot), CONTROL),
    rule("POST", "/v1/ipwatch/all/wol", Operation::CommandAll(Action::Wol), CONTROL),
    rule("POST", "/v1/ipwatch/all/status", Operation::CommandAll(Action::Status), CONTROL),
    rule("GET", "/v1/ipwatch/schedules", Operation::Schedules, READ),
    rule("POST", "/v1/ipwatch/schedules", Operation::PostSchedule, ADMINISTER),
    rule("POST", "/v1/ipwatch/schedules/preview", Operation::PreviewSchedule, READ),
    rule("GET", "/v1/ipwatch/schedules/{id}", Operation::Schedule, READ),
    rule("PUT", "/v1/ipwatch/schedules/{id}", Operation::PutSchedule, ADMINISTER),
    rule("DELETE", "/v1/ipwatch/schedules/{id}", Operation::DeleteSchedule, ADMINISTER),
    rule("GET", "/v1/ipwatch/log", Operation::Log, READ),
    rule("GET", "/v1/ipwatch/events", Operation::Events, READ),
    rule("GET", "/v1/ipwatch/session", Operation::Session, READ),
    rule("GET", "/v1/ipwatch/openapi.json", Operation::OpenApi, Access::Public),
];

/// Finds the rule of a request.
#[derive(Debug)]
pub(crate) struct Router(matchit::Router<Vec<Rule>>);

/// What a path led to.
#[derive(Debug)]
pub(crate) enum Found {
    /// A rule, and the segment of the path that varies, as it stands in it.
    Rule(Rule, Option<String>),
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
            match paths.iter_mut().find(|(path, _)| *path == rule.path) {
                Some((_, rules)) => rules.push(*rule),
                None => paths.push((rule.path, vec![*rule])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, rules) in paths {
            router.insert(path, rules).expect("no two paths of the table conflict");
        }
        Self(router)
    }

    /// `HEAD` finds what `GET` finds.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(found) = self.0.at(path) else { return Found::Nothing };
        let segment = found.params.iter().next().map(|(_, segment)| segment.to_owned());
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        if let Some(rule) = found.value.iter().find(|rule| rule.method == wanted.as_str()) {
            return Found::Rule(*rule, segment);
        }
        let mut methods: Vec<_> = found.value.iter().map(|rule| rule.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        Found::OtherMethods(methods.join(", "))
    }
}
