//! Every route of the server, with what it does and who may call it. Code, tests and the OpenAPI document follow this table.

use http::Method;

use super::access::Access::{self, Public, Read, Submit};
use super::settings::Settings;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Says that the server is there, on a submission path.
    Status,
    /// Stores a check-in.
    Submit,
    /// Stores many.
    SubmitBatch,
    /// Whether the process lives.
    Health,
    /// Whether check-ins can be stored.
    Ready,
    /// Lists check-ins, page by page.
    List,
    /// Streams check-ins as comma-separated values.
    ExportCsv,
    /// Streams check-ins as lines of JSON.
    ExportJsonLines,
    /// Who was on a channel in a week.
    RollCall,
    /// The nets, and how they stand.
    Nets,
    /// The weeks of a net in numbers.
    Weeks,
    /// Who was there in a week of a net.
    Board,
    /// Who comes to a net, and how steadily.
    Leaderboard,
    /// One person's weeks.
    Person,
    /// Regulars who were not there this week.
    Missing,
    /// Looks for somebody's check-ins in a week.
    Search,
    /// How the bots are doing.
    Bots,
    /// The OpenAPI document.
    OpenApi,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// `GET` or `POST`; `HEAD` goes with `GET`.
    pub method: &'static str,
    /// The path; what stands in braces varies.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Who may call it.
    pub access: Access,
}

const fn rule(method: &'static str, path: &'static str, operation: Operation, access: Access) -> Rule {
    Rule { method, path, operation, access }
}

/// What every submission path offers; the paths themselves are a [setting](Settings::submission_paths).
pub const SUBMISSION_RULES: &[Rule] =
    &[rule("GET", "", Operation::Status, Public), rule("POST", "", Operation::Submit, Submit)];

/// Every other route, what it does and who may call it.
pub const RULES: &[Rule] = &[
    rule("POST", "/v1/checkins/batch", Operation::SubmitBatch, Submit),
    rule("GET", "/v1/checkins/list", Operation::List, Read),
    rule("GET", "/v1/checkins/export.csv", Operation::ExportCsv, Read),
    rule("GET", "/v1/checkins/export.jsonl", Operation::ExportJsonLines, Read),
    rule("GET", "/v1/checkins/channels/{channel}/roll-call", Operation::RollCall, Read),
    rule("GET", "/v1/checkins/nets", Operation::Nets, Read),
    rule("GET", "/v1/checkins/nets/{net}/weeks", Operation::Weeks, Read),
    rule("GET", "/v1/checkins/nets/{net}/weeks/{week}", Operation::Board, Read),
    rule("GET", "/v1/checkins/nets/{net}/leaderboard", Operation::Leaderboard, Read),
    rule("GET", "/v1/checkins/nets/{net}/people/{username}", Operation::Person, Read),
    rule("GET", "/v1/checkins/nets/{net}/missing", Operation::Missing, Read),
    rule("GET", "/v1/checkins/search", Operation::Search, Read),
    rule("GET", "/v1/checkins/bots", Operation::Bots, Read),
    rule("GET", "/v1/checkins/openapi.json", Operation::OpenApi, Public),
    rule("GET", "/healthz", Operation::Health, Public),
    rule("GET", "/readyz", Operation::Ready, Public),
];

/// Finds the rule of a request.
#[derive(Debug)]
pub(crate) struct Router(matchit::Router<Vec<Rule>>);

/// What a path led to.
#[derive(Debug)]
pub(crate) enum Found {
    /// A rule, and the segments of the path that vary, as they stand in it.
    Rule(Rule, Vec<String>),
    /// A path without such a method; the methods it has.
    OtherMethods(&'static str),
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
    pub(crate) fn find(&self, settings: &Settings, method: &Method, path: &str) -> Found {
        if settings.submission_paths.iter().any(|submission| submission == path) {
            return pick(SUBMISSION_RULES, method, Vec::new());
        }
        let Ok(found) = self.0.at(path) else { return Found::Nothing };
        let segments = found.params.iter().map(|(_, segment)| segment.to_owned()).collect();
        pick(found.value, method, segments)
    }
}

fn pick(rules: &[Rule], method: &Method, segments: Vec<String>) -> Found {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    match rules.iter().find(|rule| rule.method == method.as_str()) {
        Some(rule) => Found::Rule(*rule, segments),
        None => {
            let has = |wanted| rules.iter().any(|rule| rule.method == wanted);
            Found::OtherMethods(match (has("GET"), has("POST")) {
                (true, true) => "GET, HEAD, POST, OPTIONS",
                (true, false) => "GET, HEAD, OPTIONS",
                (false, _) => "POST, OPTIONS",
            })
        }
    }
}
