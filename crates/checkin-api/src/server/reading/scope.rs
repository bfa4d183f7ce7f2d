//! Which net and which week a question is about.

use std::sync::Arc;

use jiff::Timestamp;

use crate::Refusal;
use crate::net::{Net, Span, Week};
use crate::reading::channel_key;
use crate::server::Settings;
use crate::server::store::Scope;

/// The net of that name.
pub(super) fn net_named<'a>(settings: &'a Settings, name: &str) -> Result<&'a Net, Refusal> {
    settings.nets.iter().find(|net| net.name() == name).ok_or_else(|| Refusal::new(404, "no such net"))
}

/// The current week of a net.
pub(super) fn current(net: &Net, now: Timestamp) -> Result<(Week, Span), Refusal> {
    let week = net.current(now);
    week.and_then(|week| Some((week, net.span(week)?))).ok_or_else(|| Refusal::new(404, "no such week"))
}

/// The week of that name, `current` or a date on which the net was; not one to come.
pub(super) fn week_named(net: &Net, name: &str, now: Timestamp) -> Result<(Week, Span), Refusal> {
    if name == "current" {
        return current(net, now);
    }
    let week: Option<Week> = name.parse().ok();
    let found = week.and_then(|week| Some((week, net.span(week)?)));
    found.filter(|(_, span)| span.opens <= now).ok_or_else(|| Refusal::new(404, "no such week of the net"))
}

/// All weeks of a net up to that one.
pub(super) fn up_to(net: &Net, last: Week, span: &Span, now: Timestamp) -> Scope {
    Scope {
        channel: channel_key(net.channel()),
        phrase: net.phrase().map(str::to_owned),
        schedule: Arc::new(net.clone()),
        last,
        open: span.is_open(now),
    }
}

/// What of an answer depends on the clock.
pub(super) fn told_by_the_clock(week: Week, span: &Span, now: Timestamp) -> String {
    format!("{week} {}", span.is_open(now))
}
