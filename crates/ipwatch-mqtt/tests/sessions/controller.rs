use std::net::IpAddr;
use std::time::Duration;

use ipwatch_mqtt::controller::{
    ControllerSession, ControllerSettings, Input, Order, Outcome, Output, Ticket,
};
use ipwatch_mqtt::{Availability, Command, CommandName, Leaf, Properties, Publication, Qos, Response, Topic};

use crate::support::{at, device};

fn controller() -> ControllerSession {
    let mut session = ControllerSession::new(ControllerSettings::new("t", 3));
    session.handle(Input::Connected, at(0));
    while session.poll_output().is_some() {}
    session
}

fn outputs(session: &mut ControllerSession) -> Vec<Output> {
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn give(session: &mut ControllerSession, input: Input, now: u64) -> Vec<Output> {
    session.handle(input, at(now));
    outputs(session)
}

fn order(ticket: u64, command: CommandName) -> Order {
    Order { ticket: Ticket(ticket), device: device(), command, within: Duration::from_secs(5) }
}

/// Sends a command and returns what went out.
fn send(session: &mut ControllerSession, ticket: u64, command: CommandName, now: u64) -> Publication {
    let mut outputs = give(session, Input::Command(order(ticket, command)), now);
    assert_eq!(outputs.len(), 1, "{outputs:?}");
    match outputs.pop() {
        Some(Output::Publish(publication)) => publication,
        _ => unreachable!("a command goes out at once"),
    }
}

fn answer(success: bool, id: Option<&str>) -> Response {
    let message = "the machine is shutting down".to_owned();
    Response { success, message, timestamp: None, id: id.map(str::to_owned), code: None }
}

/// As a broker delivers it to those who are subscribed already: without the retain bit.
fn said(leaf: Leaf, payload: impl Into<bytes::Bytes>) -> Input {
    let publication = Publication::new(&Topic::Device(device(), leaf), payload);
    Input::Received(Publication { retain: false, ..publication })
}

#[test]
fn it_listens_to_what_machines_say_and_not_to_commands() {
    let mut session = ControllerSession::new(ControllerSettings::new("t", 0));
    let filters = ["ipwatch/device/+/status", "ipwatch/device/+/availability", "ipwatch/device/+/response"];
    let filters = filters.map(|filter| (filter.to_owned(), Qos::AtLeastOnce)).to_vec();
    for _ in 0..2 {
        assert_eq!(give(&mut session, Input::Connected, 0), [Output::Subscribe(filters.clone())]);
        assert_eq!(give(&mut session, Input::Disconnected, 0), []);
    }
}

/// Source: ipwatch §2.2.
#[test]
fn a_command_carries_its_time_and_its_id_and_ages() {
    let mut session = controller();
    let sent = send(&mut session, 1, CommandName::Shutdown, 1000);
    assert_eq!(
        (sent.topic.as_str(), sent.qos, sent.retain),
        ("ipwatch/device/192.0.2.10/command", Qos::AtLeastOnce, false)
    );
    assert_eq!(sent.payload, r#"{"command":"shutdown","timestamp":"2025-12-23T10:30:01Z","id":"t-1"}"#);
    let properties = Properties {
        response_topic: Some("ipwatch/device/192.0.2.10/response".to_owned()),
        correlation: Some("t-1".into()),
        expiry: Some(Duration::from_secs(5)),
        content_type: None,
    };
    assert_eq!(sent.properties, properties);
    let response = answer(true, Some("t-1"));
    let outcome = Outcome::Answered(response.clone());
    assert_eq!(
        give(&mut session, said(Leaf::Response, response.encode()), 1200),
        [Output::Done(Ticket(1), outcome)]
    );
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn answers_find_their_commands_in_any_order() {
    let mut session = controller();
    for ticket in 1..=3 {
        send(&mut session, ticket, CommandName::Status, 0);
    }
    for ticket in [2, 3, 1] {
        let response = answer(true, Some(&format!("t-{ticket}")));
        let done = Output::Done(Ticket(ticket), Outcome::Answered(response.clone()));
        assert_eq!(give(&mut session, said(Leaf::Response, response.encode()), 1), [done]);
        let again = give(&mut session, said(Leaf::Response, response.encode()), 1);
        assert_eq!(again, [Output::Unmatched(device(), response)]);
    }
}

#[test]
fn correlation_data_is_as_good_as_an_id() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Reboot, 0);
    send(&mut session, 2, CommandName::Reboot, 0);
    let properties = Properties { correlation: Some("t-2".into()), ..Properties::default() };
    let response = answer(false, None);
    let publication =
        Publication::new(&Topic::Device(device(), Leaf::Response), response.encode()).with(properties);
    let done = Output::Done(Ticket(2), Outcome::Answered(response));
    assert_eq!(give(&mut session, Input::Received(publication), 1), [done]);
}

/// Source: ipwatch §4.2.
#[test]
fn after_five_seconds_there_is_no_answer() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Shutdown, 0);
    assert_eq!(session.poll_timeout(), Some(at(5000).elapsed));
    session.handle_timeout(at(4999));
    assert_eq!(outputs(&mut session), []);
    session.handle_timeout(at(5000));
    assert_eq!(outputs(&mut session), [Output::Done(Ticket(1), Outcome::NoAnswer)]);
}

/// An agent of the document alone: no id. Its late answer is not the next command's.
#[test]
fn a_late_answer_is_never_taken_for_the_next_ones() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Shutdown, 0);
    session.handle_timeout(at(5000));
    outputs(&mut session);
    send(&mut session, 2, CommandName::Reboot, 6000);
    let late = answer(true, None);
    let first = give(&mut session, said(Leaf::Response, late.encode()), 6100);
    assert_eq!(first, [Output::Unmatched(device(), late.clone())]);
    let second = give(&mut session, said(Leaf::Response, late.encode()), 6200);
    assert_eq!(second, [Output::Done(Ticket(2), Outcome::Answered(late))]);
}

/// The machine was off and lost the first command: it will not answer that one.
#[test]
fn a_machine_that_comes_back_owes_no_answer() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Shutdown, 0);
    session.handle_timeout(at(5000));
    give(&mut session, said(Leaf::Availability, "online"), 6000);
    send(&mut session, 2, CommandName::Reboot, 7000);
    let response = answer(true, None);
    let done = Output::Done(Ticket(2), Outcome::Answered(response.clone()));
    assert_eq!(give(&mut session, said(Leaf::Response, response.encode()), 7100), [done]);
}

#[test]
fn an_agent_that_knows_ids_is_not_believed_without() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Status, 0);
    give(&mut session, said(Leaf::Response, answer(true, Some("t-1")).encode()), 1);
    send(&mut session, 2, CommandName::Shutdown, 10);
    let stray = answer(true, None);
    let outputs = give(&mut session, said(Leaf::Response, stray.encode()), 20);
    assert_eq!(outputs, [Output::Unmatched(device(), stray)]);
}

#[test]
fn a_status_answers_a_status_command_of_an_agent_without_ids() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Status, 0);
    let answered = give(&mut session, said(Leaf::Status, "{\"uptime\":7}"), 10);
    assert!(
        matches!(&answered[..], [Output::Done(Ticket(1), Outcome::Answered(_)), Output::Status(_, status)] if status.uptime == Some(7))
    );
    // The response that may follow is no news, and not the next command's.
    send(&mut session, 2, CommandName::Shutdown, 20);
    assert_eq!(give(&mut session, said(Leaf::Response, answer(true, None).encode()), 30), []);
    session.handle_timeout(at(5020));
    assert_eq!(outputs(&mut session), [Output::Done(Ticket(2), Outcome::NoAnswer)]);
}

#[test]
fn nothing_is_sent_without_a_connection_and_what_was_sent_is_lost_with_it() {
    let mut session = controller();
    send(&mut session, 1, CommandName::Shutdown, 0);
    assert_eq!(give(&mut session, Input::Disconnected, 1), [Output::Done(Ticket(1), Outcome::Lost)]);
    let outputs = give(&mut session, Input::Command(order(2, CommandName::Shutdown)), 2);
    assert_eq!(outputs, [Output::Done(Ticket(2), Outcome::NotConnected)]);
}

#[test]
fn a_broadcast_is_spread_and_each_machine_answers_for_itself() {
    let mut session = controller();
    let devices: Vec<IpAddr> = (1..=50_u8).map(|last| IpAddr::from([192, 0, 2, last])).collect();
    let orders = devices
        .iter()
        .zip(1..)
        .map(|(device, ticket)| Order { device: *device, ..order(ticket, CommandName::Shutdown) });
    let input = Input::Broadcast { orders: orders.collect(), spread: Duration::from_secs(10) };
    let mut sent = give(&mut session, input, 0);
    let mut moments = std::collections::BTreeSet::new();
    while sent.len() < devices.len() {
        let due = session.poll_timeout().unwrap();
        assert!(due < Duration::from_secs(10));
        moments.insert(due);
        session.handle_timeout(at(u64::try_from(due.as_millis()).unwrap() + 1));
        sent.extend(outputs(&mut session).into_iter().filter(|output| matches!(output, Output::Publish(_))));
    }
    assert!(moments.len() > 30, "{}", moments.len());
    let topics: std::collections::BTreeSet<_> = sent
        .iter()
        .filter_map(|output| match output {
            Output::Publish(publication) => {
                assert_eq!(Command::decode(&publication.payload).unwrap().command, CommandName::Shutdown);
                Some(publication.topic.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(topics.len(), devices.len());
}

/// M5.
#[test]
fn a_flickering_line_is_not_told() {
    let mut session = controller();
    let online = Output::Availability(device(), Availability::Online);
    let offline = Output::Availability(device(), Availability::Offline);
    let first = give(&mut session, said(Leaf::Availability, "online"), 0);
    assert_eq!(first.as_slice(), std::slice::from_ref(&online));
    for round in 0..10 {
        assert_eq!(give(&mut session, said(Leaf::Availability, "offline"), round * 1000), []);
        assert_eq!(give(&mut session, said(Leaf::Availability, "online"), round * 1000 + 900), []);
    }
    assert_eq!(give(&mut session, said(Leaf::Availability, "offline"), 20_000), []);
    session.handle_timeout(at(21_999));
    assert_eq!(outputs(&mut session), []);
    session.handle_timeout(at(22_000));
    assert_eq!(outputs(&mut session), [offline]);
    assert_eq!(give(&mut session, said(Leaf::Availability, "online"), 23_000), [online]);
}

#[test]
fn what_is_retained_and_what_is_malformed() {
    let mut session = controller();
    let retained = |leaf, payload: &str| {
        let publication = Publication::new(&Topic::Device(device(), leaf), payload.to_owned());
        Input::Received(Publication { retain: true, ..publication })
    };
    let first = give(&mut session, retained(Leaf::Availability, "offline"), 0);
    assert_eq!(first, [Output::Availability(device(), Availability::Offline)]);
    assert_eq!(give(&mut session, retained(Leaf::Status, "{}"), 0), []);
    assert_eq!(give(&mut session, said(Leaf::Availability, "gone"), 0), [Output::Malformed(device())]);
    assert_eq!(give(&mut session, said(Leaf::Response, "{}"), 0), [Output::Malformed(device())]);
    assert_eq!(give(&mut session, said(Leaf::Status, ""), 0), []);
    let odd = Publication {
        topic: "ipwatch/device/#/status".to_owned(),
        ..Publication::new(&Topic::Device(device(), Leaf::Status), "{}")
    };
    assert_eq!(give(&mut session, Input::Received(odd), 0), []);
}
