//! The programs that switch a machine off.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ipwatch_mqtt::agent::{AgentSession, AgentSettings, Input, Moment, Output, PowerAction};
use ipwatch_mqtt::power::{InvalidProgram, PowerPrograms, ProgramFailed, Recorder};
use ipwatch_mqtt::{Leaf, Publication, Topic};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn lists_that_start_no_program() {
    let fine = || list(&["/sbin/reboot"]);
    let table = [
        (list(&[]), InvalidProgram::Empty),
        (list(&["poweroff"]), InvalidProgram::NotAbsolute("poweroff".to_owned())),
        (list(&["/sbin/poweroff", "a\0b"]), InvalidProgram::Nul),
    ];
    for (bad, expected) in table {
        assert_eq!(PowerPrograms::new(bad.clone(), fine()), Err(expected.clone()));
        assert_eq!(PowerPrograms::new(fine(), bad), Err(expected));
    }
}

/// Arguments arrive one by one as they stand; nothing expands them.
#[tokio::test]
async fn a_program_gets_its_arguments_and_no_shell() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, log) = (folder.path().join("hook"), folder.path().join("log"));
    let script = format!("#!/bin/sh\nprintf '%s|' \"$#\" \"$@\" \"${{HOME-none}}\" > '{}'\n", log.display());
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let hook = hook.to_str().unwrap();
    let programs =
        PowerPrograms::new(list(&[hook, "$(touch x); *", "two words"]), list(&[hook, "-r"])).unwrap();
    programs.perform(PowerAction::PowerOff).await.unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "2|$(touch x); *|two words|none|");
    programs.perform(PowerAction::Reboot).await.unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "1|-r|none|");
}

#[tokio::test]
async fn what_fails_says_why() {
    let complain = list(&["/bin/sh", "-c", "echo no permission >&2; exit 3"]);
    let programs = PowerPrograms::new(complain, list(&["/nowhere/reboot"])).unwrap();
    let failed = programs.perform(PowerAction::PowerOff).await.unwrap_err();
    assert_eq!(failed.to_string(), "the program ended with exit status: 3: no permission");
    assert!(matches!(programs.perform(PowerAction::Reboot).await, Err(ProgramFailed::Start(_))));
}

#[test]
fn a_recorder_keeps_each_action() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("power.log");
    let recorder = Recorder::new(&file);
    recorder.perform(PowerAction::PowerOff, "2025-12-23T10:30:00Z".parse().unwrap()).unwrap();
    recorder.perform(PowerAction::Reboot, "2025-12-23T10:31:00Z".parse().unwrap()).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, "2025-12-23T10:30:00Z power-off\n2025-12-23T10:31:00Z reboot\n");
    assert!(Recorder::new(folder.path()).perform(PowerAction::Reboot, jiff::Timestamp::UNIX_EPOCH).is_err());
}

const NOW: &str = "2025-12-23T10:30:00Z";

/// What an agent has done after this payload, everything acknowledged and stored at once.
fn done(payload: &[u8], leaf: Leaf) -> Vec<PowerAction> {
    let device = "10.0.0.100".parse().unwrap();
    let now = Moment { elapsed: Duration::ZERO, wall: NOW.parse().unwrap() };
    let mut agent = AgentSession::new(AgentSettings::new(device, 1), Default::default());
    agent.handle(Input::Connected, now);
    agent.handle(Input::Received(Publication::new(&Topic::Device(device, leaf), payload.to_vec())), now);
    let mut actions = Vec::new();
    while let Some(output) = agent.poll_output() {
        match output {
            Output::Publish(key, _) => agent.handle(Input::Acknowledged(key), now),
            Output::Store(_) => agent.handle(Input::Stored(true), now),
            Output::Power(action) => actions.push(action),
            _ => {}
        }
    }
    actions
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("shutdown".to_owned()),
        4 => Just("reboot".to_owned()),
        1 => Just("status".to_owned()),
        1 => Just("shutdown; rm -rf /".to_owned()),
        1 => any::<String>(),
    ]
}

/// Well-formed commands with anything in and around them, and plain bytes.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let command = (word(), any::<Option<String>>(), any::<String>()).prop_map(|(command, id, more)| {
        serde_json::to_vec(&serde_json::json!({"command": command, "timestamp": NOW, "id": id, "argv": [more], "delay": more}))
            .unwrap()
    });
    let bare = (word(), any::<String>()).prop_map(|(command, more)| {
        serde_json::to_vec(&serde_json::json!({"command": command, "timestamp": NOW, "argv": [more]}))
            .unwrap()
    });
    prop_oneof![2 => command, 3 => bare, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

/// M7: whatever comes in, what would be started is one of two lists, and both do get reached.
#[test]
fn payloads_reach_only_the_two_lists() {
    let programs =
        PowerPrograms::new(list(&["/bin/systemctl", "poweroff"]), list(&["/bin/systemctl", "reboot"]))
            .unwrap();
    let mut started = BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..4096 {
        let tree = payload().new_tree(&mut runner).unwrap();
        let actions = done(&tree.current(), Leaf::Command);
        assert!(actions.len() <= 1);
        started.extend(actions.into_iter().map(|action| programs.arguments(action).to_vec()));
        assert_eq!(done(&tree.current(), Leaf::Status), []);
    }
    let both = [list(&["/bin/systemctl", "poweroff"]), list(&["/bin/systemctl", "reboot"])];
    assert_eq!(started, BTreeSet::from(both));
}
