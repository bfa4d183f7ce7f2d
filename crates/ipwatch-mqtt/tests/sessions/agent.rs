use ipwatch_mqtt::agent::{AgentEvent, AgentSettings, Input, Output};
use ipwatch_mqtt::safety::Refusal;
use ipwatch_mqtt::{CommandName, Leaf, Properties, Publication, Qos, Topic};

use crate::support::{Agent, at, command, device, told};

#[test]
fn the_will_is_a_retained_offline() {
    let will = AgentSettings::new(device(), 0).will();
    assert_eq!(will.topic, "ipwatch/device/192.0.2.10/availability");
    assert_eq!((&will.payload[..], will.qos, will.retain), (&b"offline"[..], Qos::AtLeastOnce, true));
}

/// Each connection begins the same way: nothing of the one before is relied on.
#[test]
fn every_connection_subscribes_and_says_online() {
    let settings =
        AgentSettings { groups: vec!["room-7".parse().unwrap()], ..AgentSettings::new(device(), 0) };
    let mut agent = Agent::new(settings);
    for round in 0..3 {
        let begun = agent.give(Input::Connected, at(round * 1000));
        let (words, _) = told(&begun);
        assert_eq!(
            words[..2],
            ["subscribe ipwatch/device/192.0.2.10/command ipwatch/group/room-7/command", "online retained"]
        );
        assert_eq!(words[2..], ["sample"]);
        let (words, _) = told(&agent.give(Input::Sampled(Box::default()), at(round * 1000)));
        assert_eq!(words, ["status 192.0.2.10"]);
        assert_eq!(agent.give(Input::Disconnected, at(round * 1000 + 500)), []);
        assert_eq!(agent.session.poll_timeout(), None);
    }
}

#[test]
fn a_status_goes_out_every_thirty_seconds() {
    let mut agent = Agent::online();
    assert_eq!(agent.session.poll_timeout(), Some(at(30_000).elapsed));
    assert_eq!(agent.wait(at(29_999)), []);
    for round in 1..4 {
        assert_eq!(agent.wait(at(round * 30_000)), [Output::Sample]);
        assert_eq!(
            told(&agent.give(Input::Sampled(Box::default()), at(round * 30_000))).0,
            ["status 192.0.2.10"]
        );
    }
}

#[test]
fn the_period_and_the_quality_of_service_are_settings() {
    let settings = AgentSettings {
        status_every: at(5_000).elapsed,
        status_qos: Qos::AtMostOnce,
        ..AgentSettings::new(device(), 0)
    };
    let mut agent = Agent::new(settings);
    agent.give(Input::Connected, at(0));
    let [Output::Publish(_, status)] = &agent.give(Input::Sampled(Box::default()), at(0))[..] else {
        panic!("one publication")
    };
    assert_eq!(status.qos, Qos::AtMostOnce);
    assert_eq!(agent.session.poll_timeout(), Some(at(5_000).elapsed));
}

#[test]
fn a_status_on_demand_is_answered_after_it() {
    let mut agent = Agent::online();
    let asked = agent.give(Input::Received(command(CommandName::Status, at(100), Some("a"))), at(100));
    assert_eq!(told(&asked).0, ["sample"]);
    let (words, _) = told(&agent.give(Input::Sampled(Box::default()), at(200)));
    assert_eq!(words, ["status 192.0.2.10", "response true a"]);
}

/// Source: ipwatch §3.1. Each step waits for the broker, and the memory is on disk before anything else.
#[test]
fn the_way_down() {
    let mut agent = Agent::online();
    let orders = [(CommandName::Shutdown, "PowerOff", "a"), (CommandName::Reboot, "Reboot", "b")];
    for ((name, action, id), begun) in orders.into_iter().zip([0, 100_000]) {
        let order = Input::Received(command(name, at(begun), Some(id)));
        assert_eq!(told(&agent.give(order, at(begun))).0, ["store"]);
        let (words, keys) = told(&agent.give(Input::Stored(true), at(begun + 10)));
        assert_eq!(words, [format!("response true {id}")]);
        let (words, keys) = told(&agent.give(Input::Acknowledged(keys[0]), at(begun + 20)));
        assert_eq!(words, ["offline retained"]);
        let (words, _) = told(&agent.give(Input::Acknowledged(keys[0]), at(begun + 30)));
        assert_eq!(words, [action]);
        // Nothing more is said while it goes.
        assert_eq!(told(&agent.wait(at(begun + 60_000))).0, ["sample"]);
        assert_eq!(agent.give(Input::Sampled(Box::default()), at(begun + 60_000)), []);
        // Source: ipwatch §4.3.
        let failed = Input::Power(Err("no such method".to_owned()));
        let (words, _) = told(&agent.give(failed, at(begun + 60_100)));
        assert_eq!(words, ["online retained".to_owned(), format!("response power_failed {id}")]);
    }
}

#[test]
fn a_machine_that_stays_up_says_so() {
    let mut agent = going_down();
    agent.give(Input::Power(Ok(())), at(0));
    let outputs = agent.wait(at(180_000));
    let event = AgentEvent::PowerFailed("the machine is still up".to_owned());
    assert!(outputs.contains(&Output::Event(event)));
    assert!(told(&outputs).0.ends_with(&["online retained".to_owned(), "response power_failed".to_owned()]));
}

/// An agent that was told to switch off, and has said everything.
fn going_down() -> Agent {
    let mut agent = Agent::online();
    agent.give(Input::Received(command(CommandName::Shutdown, at(0), None)), at(0));
    let mut outputs = agent.give(Input::Stored(true), at(0));
    for _ in 0..2 {
        let key = told(&outputs).1.first().copied().expect("a publication");
        outputs = agent.give(Input::Acknowledged(key), at(0));
    }
    assert_eq!(told(&outputs).0, ["PowerOff"]);
    agent
}

#[test]
fn a_broker_that_acknowledges_nothing_does_not_hold_the_machine() {
    let mut agent = Agent::online();
    agent.give(Input::Received(command(CommandName::Shutdown, at(0), None)), at(0));
    agent.give(Input::Stored(true), at(0));
    assert_eq!(agent.wait(at(4_999)), []);
    let outputs = agent.wait(at(5_000));
    assert_eq!(outputs[0], Output::Event(AgentEvent::Unacknowledged));
    assert_eq!(told(&outputs).0, ["offline retained"]);
    assert_eq!(told(&agent.wait(at(10_000))).0, ["PowerOff"]);
}

#[test]
fn a_lost_connection_does_not_hold_the_machine() {
    let mut agent = Agent::online();
    agent.give(Input::Received(command(CommandName::Shutdown, at(0), None)), at(0));
    agent.give(Input::Disconnected, at(0));
    agent.give(Input::Stored(true), at(0));
    agent.wait(at(5_000));
    assert_eq!(told(&agent.wait(at(5_000))).0, ["PowerOff"]);
}

#[test]
fn what_cannot_be_remembered_is_not_done() {
    let mut agent = Agent::online();
    agent.give(Input::Received(command(CommandName::Shutdown, at(0), Some("a"))), at(0));
    assert_eq!(told(&agent.give(Input::Stored(false), at(0))).0, ["response not_remembered a"]);
    assert_eq!(agent.session.poll_timeout(), Some(at(30_000).elapsed));
}

/// M1.
#[test]
fn a_retained_command_does_nothing_and_is_cleared() {
    let mut agent = Agent::online();
    for name in CommandName::ALL {
        let retained = Publication { retain: true, ..command(name, at(0), Some("a")) };
        let outputs = agent.give(Input::Received(retained), at(0));
        assert_eq!(outputs[0], Output::Event(AgentEvent::Refused(Refusal::Retained)));
        assert_eq!(told(&outputs).0, ["ipwatch/device/192.0.2.10/command b\"\" retained"]);
    }
    let cleared = Publication::new(&Topic::Device(device(), Leaf::Command), "");
    assert_eq!(agent.give(Input::Received(cleared), at(0)), []);
}

/// M2: the same message a thousand times.
#[test]
fn a_command_is_carried_out_once() {
    let mut agent = going_down();
    agent.give(Input::Power(Err("recorded".to_owned())), at(0));
    for _ in 0..1000 {
        let again = agent.give(Input::Received(command(CommandName::Shutdown, at(0), None)), at(0));
        assert_eq!(told(&again).0, ["response seen"]);
    }
}

#[test]
fn each_refusal_says_why() {
    let table: [(&[u8], &str); 6] = [
        (b"{\"command\":\"shutdown\"}", "response no_timestamp"),
        (b"{\"command\":\"shutdown\",\"timestamp\":\"2025-12-23T10:28:00Z\"}", "response too_old"),
        (
            b"{\"command\":\"shutdown\",\"timestamp\":\"2025-12-23T10:32:00Z\",\"id\":\"x\"}",
            "response from_future x",
        ),
        (b"{\"command\":\"format\"}", "response malformed"),
        (b"shutdown", "response malformed"),
        (b"[\"shutdown\",\"2025-12-23T10:30:00Z\"]", "response malformed"),
    ];
    let mut agent = Agent::online();
    for (payload, expected) in table {
        let topic = Topic::Device(device(), Leaf::Command);
        let outputs = agent.give(Input::Received(Publication::new(&topic, payload)), at(0));
        assert_eq!(told(&outputs).0, [expected]);
    }
}

#[test]
fn a_machine_on_its_way_down_takes_no_other_order() {
    let mut agent = going_down();
    let outputs = agent.give(Input::Received(command(CommandName::Reboot, at(0), Some("b"))), at(0));
    assert_eq!(told(&outputs).0, ["response busy b"]);
}

#[test]
fn what_is_for_others_is_not_heard() {
    let mut agent = Agent::online();
    for topic in [
        "ipwatch/device/192.0.2.11/command",
        "ipwatch/group/room-7/command",
        "x",
        "ipwatch/device/192.0.2.10/status",
    ] {
        let other = Publication { topic: topic.to_owned(), ..command(CommandName::Shutdown, at(0), None) };
        assert_eq!(agent.give(Input::Received(other), at(0)), [], "{topic}");
    }
}

#[test]
fn a_group_does_not_go_in_the_same_moment() {
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let settings =
            AgentSettings { groups: vec!["room-7".parse().unwrap()], ..AgentSettings::new(device(), seed) };
        let mut agent = Agent::new(settings);
        agent.give(Input::Connected, at(0));
        let group = Publication {
            topic: "ipwatch/group/room-7/command".to_owned(),
            ..command(CommandName::Shutdown, at(0), Some("a"))
        };
        assert_eq!(told(&agent.give(Input::Received(group), at(0))).0, Vec::<String>::new());
        let due = agent.session.poll_timeout().unwrap();
        assert!(due < at(2_000).elapsed);
        moments.insert(due);
        assert_eq!(told(&agent.wait(at(2_000))).0, ["store"]);
    }
    assert!(moments.len() > 15, "{moments:?}");
}

/// Logind's inhibitor: the machine waits until everybody was told.
#[test]
fn a_shutdown_from_elsewhere_says_offline_first() {
    let mut agent = Agent::online();
    let (words, keys) = told(&agent.give(Input::GoingDown, at(0)));
    assert_eq!(words, ["offline retained"]);
    assert_eq!(told(&agent.give(Input::Acknowledged(keys[0]), at(1))).0, ["let go"]);
    // A connection that comes back meanwhile says nothing else.
    agent.give(Input::Disconnected, at(2));
    let (words, _) = told(&agent.give(Input::Connected, at(3)));
    assert_eq!(words, ["subscribe ipwatch/device/192.0.2.10/command", "offline retained"]);
    assert_eq!(told(&agent.give(Input::StayingUp, at(4))).0, ["online retained"]);

    let mut own = going_down();
    assert_eq!(told(&own.give(Input::GoingDown, at(0))).0, ["let go"]);

    let mut alone = Agent::new(AgentSettings::new(device(), 0));
    alone.give(Input::GoingDown, at(0));
    assert_eq!(told(&alone.wait(at(0))).0, ["let go"]);
}

#[test]
fn an_agent_that_ends_says_goodbye() {
    let mut agent = Agent::online();
    let (words, keys) = told(&agent.give(Input::Stop, at(0)));
    assert_eq!(words, ["offline retained"]);
    assert_eq!(told(&agent.give(Input::Acknowledged(keys[0]), at(1))).0, ["disconnect"]);
    assert_eq!(agent.session.poll_timeout(), Some(at(30_000).elapsed));
}

#[test]
fn an_mqtt_5_sender_is_answered_where_it_asks() {
    let table = [
        ("replies/console-1", true),
        ("ipwatch/device/192.0.2.10/response", false),
        ("ipwatch/device/192.0.2.11/availability", false),
        ("replies/#", false),
        ("$SYS/x", false),
        ("", false),
    ];
    for (topic, answered) in table {
        let mut agent = Agent::online();
        let properties = Properties {
            response_topic: Some(topic.to_owned()),
            correlation: Some("c-1".into()),
            ..Properties::default()
        };
        let asked = command(CommandName::Shutdown, at(0), None).with(properties);
        agent.give(Input::Received(asked), at(0));
        let outputs = agent.give(Input::Stored(true), at(0));
        let publications: Vec<_> = outputs
            .iter()
            .filter_map(|output| match output {
                Output::Publish(_, publication) => Some(publication),
                _ => None,
            })
            .collect();
        assert_eq!(publications.len(), 1 + usize::from(answered), "{topic}");
        assert_eq!(publications[0].topic, "ipwatch/device/192.0.2.10/response");
        assert!(publications.iter().all(|one| one.properties.correlation.as_deref() == Some(b"c-1")));
        assert!(!answered || publications[1].topic == topic);
    }
}
