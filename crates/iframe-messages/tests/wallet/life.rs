//! The whole life of a process, from a host's call to the wallet and back.

use crate::support::{Browser, create, process, update};
use iframe_messages::client::Failure;
use iframe_messages::request::{
    DecodePublicData, FileBlob, GetMerkleProof, HashValue, NotifyUpdate, RetrieveData, ValidateMerkleProof,
    ValidateState,
};
use iframe_messages::wallet::Notice;
use iframe_messages::{Bytes, Call, Moment, PairingId, Record, Refusal, Reply};
use serde_json::{Value, json};

fn state_of(browser: &mut Browser) -> Record {
    let Reply::ProcessesRetrieved(retrieved) = browser.call(Call::GetProcesses) else { panic!() };
    let process = retrieved.processes.as_map().values().next().unwrap();
    let states = process["states"].as_array().unwrap();
    Record::new(states.last().unwrap().as_object().unwrap().clone()).unwrap()
}

#[test]
fn link_pair_create_update_validate_retrieve_hash_prove_verify() {
    let mut browser = Browser::new();
    browser.run();
    browser.client.link(browser.now).unwrap();
    assert!(matches!(browser.outcome(), Ok(Reply::LinkAccepted(_))));
    browser.client.call(Call::GetPairingId, browser.now).unwrap();
    assert_eq!(browser.outcome(), Err(Failure::Refused(Refusal::NotPaired)));
    let Reply::PairingCreated(paired) = browser.call(Call::CreatePairing) else { panic!() };
    let me = paired.pairing_id.to_string();
    let Reply::UserPairing(user) = browser.call(Call::GetPairingId) else { panic!() };
    assert_eq!(user.user_pairing_id.to_string(), me);

    let report = json!({"type": "application/pdf", "data": [37, 80, 68, 70]});
    let roles = json!({
        "owner": {"members": [me], "reads": ["rent", "report"], "validates": true},
        "tenant": {"members": ["somebody"], "reads": ["rent"]},
    });
    let data = json!({"title": "Lease", "rent": 1250.5, "report": report});
    let Reply::ProcessCreated(created) = browser.call(create(data.clone(), &["rent", "report"], roles))
    else {
        panic!()
    };
    let created = created.process_created;
    let (id, first) = (created.process_id, process(&created.process));
    assert_eq!(Value::Object(created.process_data.into_map()), data);
    assert!(first.states[0].is_committed);
    assert_eq!(first.states[0].public_data.as_map().len(), 1, "the private ones are not among the public");

    let Reply::ProcessUpdated(updated) = browser.call(update(id, json!({"rent": 1300}), &[], None)) else {
        panic!()
    };
    let second = process(&updated.updated_process).states.remove(1);
    assert!(!second.is_committed);
    let state_id = second.state_id;
    let call = Call::NotifyUpdate(NotifyUpdate { process_id: id, state_id });
    assert_eq!(browser.call(call), Reply::UpdateNotified);
    let to = PairingId::parse("somebody").unwrap();
    assert_eq!(browser.device.wallet.poll_notice(), Some(Notice { to, process_id: id, state_id }));
    assert_eq!(browser.device.wallet.poll_notice(), None);
    let call = Call::ValidateState(ValidateState { process_id: id, state_id });
    let Reply::StateValidated(validated) = browser.call(call) else { panic!() };
    assert!(process(&validated.validated_process).states[1].is_committed);

    let call = Call::RetrieveData(RetrieveData { process_id: id, state_id });
    let Reply::DataRetrieved(retrieved) = browser.call(call) else { panic!() };
    let expected = json!({"title": "Lease", "rent": 1300, "report": report});
    assert_eq!(Value::Object(retrieved.data.into_map()), expected);

    let state = state_of(&mut browser);
    let commited_in = state.as_map()["commitedIn"].as_str().unwrap().to_owned();
    let file_blob = FileBlob { kind: "application/pdf".into(), data: Bytes::from(vec![37, 80, 68, 70]) };
    let Reply::ValueHashed(hashed) =
        browser.call(Call::HashValue(HashValue { commited_in, label: "report".into(), file_blob }))
    else {
        panic!()
    };
    assert_eq!(state.as_map()["commitments"]["report"], json!(hashed.hash));
    let call = GetMerkleProof { process_state: state, attribute_name: "report".into() };
    let Reply::MerkleProofRetrieved(proof) = browser.call(Call::GetMerkleProof(call)) else { panic!() };
    let merkle_proof = serde_json::to_string(&proof.proof).unwrap();
    for (document_hash, is_valid) in [(hashed.hash, true), ("00".repeat(32), false)] {
        let call = ValidateMerkleProof { merkle_proof: merkle_proof.clone(), document_hash };
        let Reply::MerkleProofValidated(validated) = browser.call(Call::ValidateMerkleProof(call)) else {
            panic!()
        };
        assert_eq!(validated.is_valid, is_valid);
    }

    let encoded_data = Bytes::from(br#"{"a":[1]}"#.to_vec());
    let Reply::PublicDataDecoded(decoded) =
        browser.call(Call::DecodePublicData(DecodePublicData { encoded_data }))
    else {
        panic!()
    };
    assert_eq!(decoded.decoded_data.into_value(), json!({"a": [1]}));
    let Reply::MyProcesses(mine) = browser.call(Call::GetMyProcesses) else { panic!() };
    assert_eq!(mine.my_processes, Some(vec![id]));
}

#[test]
fn a_host_does_not_notice_that_its_token_has_expired() {
    let mut browser = Browser::new();
    browser.client.link(browser.now).unwrap();
    browser.run();
    let old = browser.client.tokens().unwrap().clone();
    let _ = browser.outcome();
    browser.now = Moment::from_millis(browser.now.as_millis() + 15 * 60 * 1000);
    let reply = browser.call(Call::CreatePairing);
    assert!(matches!(reply, Reply::PairingCreated(_)), "{reply:?}");
    assert_ne!(browser.client.tokens(), Some(&old));
    assert_eq!(browser.server.counters().bad_tokens, 1);
}
