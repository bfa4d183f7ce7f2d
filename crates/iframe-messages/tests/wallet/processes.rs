//! Who may make, agree to and read a state.

use crate::support::{Device, create, update};
use iframe_messages::request::{NotifyUpdate, RetrieveData, ValidateState};
use iframe_messages::{Call, ProcessId, Reply, StateId};
use serde_json::{Value, json};

fn read(device: &mut Device, process_id: ProcessId, state_id: StateId) -> Value {
    match device.ask(Call::RetrieveData(RetrieveData { process_id, state_id })).unwrap() {
        Reply::DataRetrieved(retrieved) => Value::Object(retrieved.data.into_map()),
        other => panic!("{other:?}"),
    }
}

fn validate(process_id: ProcessId, state_id: StateId) -> Call {
    Call::ValidateState(ValidateState { process_id, state_id })
}

#[test]
fn nothing_works_before_pairing_and_pairing_works_once() {
    let mut device = Device::new();
    assert_eq!(device.refusal(Call::GetProcesses), "Device not paired");
    assert_eq!(device.refusal(create(json!({"a": 1}), &[], json!({}))), "Device not paired");
    let pairing = device.pair();
    assert_eq!(pairing.len(), 64);
    assert_eq!(device.refusal(Call::CreatePairing), "Failed to create pairing: the device is paired already");
}

#[test]
fn what_cannot_be_a_process_is_refused_and_leaves_nothing() {
    let mut device = Device::new();
    let me = device.pair();
    let owner = json!({"owner": {"members": [me]}});
    let deep = (0..57).fold(json!(1), |value, _| json!([value]));
    for (data, private, roles, why) in [
        (json!({}), vec![], owner.clone(), "there are no attributes"),
        (json!({"a": 1}), vec!["b"], owner.clone(), "a private field is none of the attributes"),
        (json!({ "a": deep }), vec![], owner, "an attribute has more than 56 levels"),
        (json!({"a": 1}), vec![], json!({}), "the user has no role"),
        (json!({"a": 1}), vec![], json!({"o": {"members": ["x"]}}), "the user has no role"),
        (json!({"a": 1}), vec![], json!({"o": {"members": []}}), "a role has members, each once"),
        (json!({"a": 1}), vec![], json!({"o": {"members": [me, me]}}), "a role has members, each once"),
        (json!({"a": 1}), vec![], json!({"o": {}}), "a role is no role definition"),
        (json!({"a": 1}), vec![], json!({"o": 7}), "a role is no role definition"),
        (
            json!({"a": 1}),
            vec![],
            json!({"o": {"members": [me], "quorum": 2}}),
            "a quorum is at least one member and at most all of them",
        ),
        (
            json!({"a": 1}),
            vec![],
            json!({"o": {"members": [me], "quorum": 0}}),
            "a quorum is at least one member and at most all of them",
        ),
        (
            json!({"a": 1}),
            vec![],
            json!({"o": {"members": [me], "reads": ["__proto__"]}}),
            "a role has a name that is not allowed",
        ),
    ] {
        let expected = format!("Failed to create process: {why}");
        assert_eq!(device.refusal(create(data, &private, roles)), expected);
    }
    assert!(device.snapshot().as_map().is_empty());
}

#[test]
fn private_fields_stay_private_and_new_ones_follow_the_list() {
    let mut device = Device::new();
    let me = device.pair();
    let roles = json!({"owner": {"members": [me], "reads": ["b", "d"]}});
    let (id, process) = device.create(json!({"a": 1, "b": 2}), &["b"], roles);
    assert!(process.states[0].is_committed, "nobody has to agree");
    // `a` is public and stays so, `b` is private and stays so; `c` is new and public, `d` new and private.
    let process = device.update(id, json!({"a": 10, "b": 20, "c": 3, "d": 4}), &["a", "d"], None);
    let state = &process.states[1];
    assert_eq!(Value::Object(state.public_data.as_map().clone()), json!({"a": 10, "c": 3}));
    assert_eq!(state.private_fields, ["b", "d"]);
    assert_eq!(state.previous_state_id, Some(process.states[0].state_id));
    assert_eq!(read(&mut device, id, state.state_id), json!({"a": 10, "b": 20, "c": 3, "d": 4}));
    assert_eq!(read(&mut device, id, process.states[0].state_id), json!({"a": 1, "b": 2}), "history is kept");
}

#[test]
fn a_state_waits_for_those_who_must_agree() {
    let mut device = Device::new();
    let me = device.pair();
    let roles = json!({
        "owner": {"members": [me, "b"], "validates": true, "quorum": 2},
        "guest": {"members": [me], "reads": ["x"]},
    });
    let (id, process) = device.create(json!({"x": 1}), &["x"], roles);
    assert_eq!(process.states[0].validations.len(), 1, "its maker agrees");
    assert!(!process.states[0].is_committed);
    let why = "Failed to update process: it has no committed state";
    assert_eq!(device.refusal(update(id, json!({"x": 2}), &[], None)), why);
    // Agreeing twice does not count twice.
    device.ask(validate(id, process.states[0].state_id)).unwrap();
    assert_eq!(device.refusal(update(id, json!({"x": 2}), &[], None)), why);
}

#[test]
fn of_two_states_from_one_the_first_agreed_to_wins() {
    let mut device = Device::new();
    let me = device.pair();
    let roles = json!({"owner": {"members": [me], "validates": true}});
    let (id, _) = device.create(json!({"x": 1}), &[], roles);
    device.update(id, json!({"x": 2}), &[], None);
    let process = device.update(id, json!({"x": 3}), &[], None);
    assert_eq!(process.states.len(), 3);
    let (loser, winner) = (process.states[1].state_id, process.states[2].state_id);
    device.ask(validate(id, winner)).unwrap();
    assert_eq!(device.refusal(validate(id, loser)), "Invalid state id");
    assert_eq!(read(&mut device, id, winner), json!({"x": 3}));
    let process = device.update(id, json!({"y": 1}), &[], None);
    assert_eq!(process.states[2].previous_state_id, Some(winner));
}

/// A proposal cannot bring the rules by which it is agreed to, nor open what its maker may not read.
#[test]
fn nobody_makes_the_rules_for_his_own_proposal() {
    let mut device = Device::new();
    let me = device.pair();
    let before = json!({
        "owner": {"members": [me], "validates": true},
        "auditor": {"members": ["other"], "reads": ["secret"], "validates": true},
    });
    let (id, process) = device.create(json!({"secret": 7, "a": 1}), &["secret"], before.clone());
    assert!(!process.states[0].is_committed);
    assert_eq!(
        read(&mut device, id, process.states[0].state_id),
        json!({"a": 1}),
        "the user has no such role"
    );

    let mut free = before;
    free["auditor"]["validates"] = json!(false);
    let (id, process) = device.create(json!({"secret": 7, "a": 1}), &["secret"], free);
    assert!(process.states[0].is_committed);
    let greedy = json!({"owner": {"members": [me], "reads": ["secret", "new"]}});
    let process = device.update(id, json!({"new": 5}), &["new"], Some(greedy));
    let proposal = &process.states[1];
    assert!(!proposal.is_committed, "the roles before ask for the owner's agreement");
    assert_eq!(read(&mut device, id, proposal.state_id), json!({"a": 1, "new": 5}), "not the secret");
}

#[test]
fn what_is_not_there_is_said_in_the_documents_words() {
    let mut device = Device::new();
    let me = device.pair();
    let (id, _) = device.create(json!({"x": 1}), &[], json!({"o": {"members": [me]}}));
    let (nobody, nothing) = (ProcessId::from_bytes([1; 32]), StateId::from_bytes([2; 32]));
    let notify = |process_id, state_id| Call::NotifyUpdate(NotifyUpdate { process_id, state_id });
    let retrieve = |process_id, state_id| Call::RetrieveData(RetrieveData { process_id, state_id });
    for (call, text) in [
        (validate(nobody, nothing), "Process not found"),
        (validate(id, nothing), "Invalid state id"),
        (notify(nobody, nothing), "Process not found"),
        (notify(id, nothing), "Invalid state id"),
        (retrieve(nobody, nothing), "Process not found"),
        (retrieve(id, nothing), "Invalid state id"),
        (update(nobody, json!({"x": 1}), &[], None), "Process not found"),
    ] {
        assert_eq!(device.refusal(call), text);
    }
    let state = device.update(id, json!({"x": 2}), &[], None).states[1].state_id;
    let why = "Failed to validate state: the user has no role that validates";
    assert_eq!(device.refusal(validate(id, state)), why);
}

#[test]
fn a_wallet_has_bounded_room() {
    let mut device = Device::new();
    let me = device.pair();
    device.wallet =
        std::mem::replace(&mut device.wallet, iframe_messages::wallet::Wallet::new(crate::support::key()))
            .with_max_bytes(100);
    let roles = json!({"o": {"members": [me]}});
    let (id, _) = device.create(json!({"x": "y".repeat(60)}), &[], roles.clone());
    let full = "Failed to create process: the wallet is full";
    assert_eq!(device.refusal(create(json!({"x": "y".repeat(60)}), &[], roles)), full);
    let full = "Failed to update process: the wallet is full";
    assert_eq!(device.refusal(update(id, json!({"z": 1}), &[], None)), full);
}
