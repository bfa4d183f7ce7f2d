//! Merkle proofs: those that hold, and all the ways in which one does not.

use crate::support::{Device, record};
use iframe_messages::request::{FileBlob, GetMerkleProof, ValidateMerkleProof};
use iframe_messages::server::Proofs;
use iframe_messages::wallet::{Digest, MerkleProof, ProcessState, Tree, document_hash};
use iframe_messages::{Call, StateId};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A state with so many attributes, all public, and its wallet.
fn state(attributes: usize) -> (Device, ProcessState) {
    let mut device = Device::new();
    let me = device.pair();
    let data: serde_json::Map<_, _> =
        (0..attributes).map(|n| (format!("a{n}"), json!({"type": "t", "data": [n]}))).collect();
    let (_, process) = device.create(Value::Object(data), &[], json!({"o": {"members": [me]}}));
    let state = process.states[0].clone();
    (device, state)
}

fn document(state: &ProcessState, n: usize) -> Digest {
    let byte = vec![u8::try_from(n).unwrap()];
    let file = FileBlob { kind: "t".into(), data: byte.into() };
    document_hash(&state.commited_in.to_string(), &format!("a{n}"), &file)
}

#[test]
fn every_attribute_of_trees_of_every_shape_is_proved_and_no_other() {
    for count in (1..=17).chain([31, 32, 33, 64, 100]) {
        let (_, state) = state(count);
        let tree = Tree::of(&state);
        assert_eq!(tree.root(), state.state_id);
        for n in 0..count {
            let proof = tree.prove(&state, &format!("a{n}")).unwrap();
            assert!(proof.holds_for(&document(&state, n)), "{n} of {count}");
            if count > 1 {
                assert!(!proof.holds_for(&document(&state, (n + 1) % count)), "{n} of {count}");
            }
            assert_eq!(proof.leaf_count, u64::try_from(count + 1).unwrap());
        }
        assert!(tree.prove(&state, "b").is_none());
    }
}

/// Whatever is changed in a proof, it does not hold any more.
#[test]
fn a_changed_proof_does_not_hold() {
    let (_, state) = state(11);
    let (proof, document) = (Tree::of(&state).prove(&state, "a7").unwrap(), document(&state, 7));
    let mut changed: Vec<MerkleProof> = Vec::new();
    for index in (0..40).chain([u64::MAX]).filter(|index| *index != proof.index) {
        changed.push(MerkleProof { index, ..proof.clone() });
    }
    for leaf_count in (0..40).chain([u64::MAX]).filter(|count| *count != proof.leaf_count) {
        changed.push(MerkleProof { leaf_count, ..proof.clone() });
    }
    for at in 0..proof.siblings.len() {
        let mut other = proof.clone();
        other.siblings[at] = Digest::from_bytes([0; 32]);
        changed.push(other);
        let mut shorter = proof.clone();
        shorter.siblings.remove(at);
        changed.push(shorter);
        let mut longer = proof.clone();
        longer.siblings.insert(at, Digest::from_bytes([0; 32]));
        changed.push(longer);
    }
    changed.push(MerkleProof { root: StateId::from_bytes([0; 32]), ..proof.clone() });
    for proof in changed {
        assert!(!proof.holds_for(&document), "{proof:?}");
    }
    assert!(proof.holds_for(&document));
}

/// What governs a state is part of its id, though it is no attribute.
#[test]
fn roles_and_history_cannot_be_exchanged() {
    let (mut device, state) = state(3);
    let shaped = serde_json::to_value(&state).unwrap();
    for (field, value) in [
        ("roles", json!({"o": {"members": ["evil"]}})),
        ("previousStateId", json!("11".repeat(32))),
        ("commitedIn", json!("11".repeat(32))),
        ("privateFields", json!(["a0"])),
        ("commitments", json!({"a0": "11".repeat(32)})),
    ] {
        let mut changed = shaped.clone();
        changed[field] = value;
        let wanted = GetMerkleProof { process_state: record(changed), attribute_name: "a0".into() };
        assert_eq!(device.refusal(Call::GetMerkleProof(wanted)), "Invalid state id", "{field}");
    }
    let wanted = GetMerkleProof { process_state: record(shaped), attribute_name: "none".into() };
    let why = "Failed to get merkle proof: no such attribute";
    assert_eq!(device.refusal(Call::GetMerkleProof(wanted)), why);
}

#[test]
fn a_proof_for_a_state_that_nobody_knows_is_not_valid() {
    let (device, state) = state(3);
    let proof = Tree::of(&state).prove(&state, "a1").unwrap();
    let wanted = ValidateMerkleProof {
        merkle_proof: serde_json::to_string(&proof).unwrap(),
        document_hash: document(&state, 1).to_string(),
    };
    assert_eq!(device.wallet.validate_merkle_proof(&wanted), Ok(true));
    // The same proof, right in itself, where nobody has seen that state.
    assert_eq!(Device::new().wallet.validate_merkle_proof(&wanted), Ok(false));
    for (proof, hash, why) in [
        ("{}", "00", "it is no proof"),
        ("[", "00", "it is no proof"),
        (wanted.merkle_proof.as_str(), "00", "the hash is not 64 hex digits"),
    ] {
        let wanted = ValidateMerkleProof { merkle_proof: proof.into(), document_hash: hash.into() };
        let refusal = device.wallet.validate_merkle_proof(&wanted).unwrap_err().to_string();
        assert_eq!(refusal, format!("Failed to validate merkle proof: {why}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A proof made up of any parts holds for nothing.
    #[test]
    fn no_invented_proof_holds(
        index in 0..200_u64, leaf_count in 0..200_u64,
        siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..9), document: [u8; 32],
    ) {
        let (_, state) = state(3);
        let siblings = siblings.into_iter().map(Digest::from_bytes).collect();
        let (root, commited_in) = (state.state_id, state.commited_in);
        let proof = MerkleProof { root, attribute_name: "a1".into(), commited_in, index, leaf_count, siblings };
        prop_assert!(!proof.holds_for(&Digest::from_bytes(document)));
    }
}
