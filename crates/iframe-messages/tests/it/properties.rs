//! Any message, written and read, is the same message.

use iframe_messages::reply::{
    CreatedProcess, DataRetrieved, ErrorReply, MerkleProofRetrieved, MerkleProofValidated, MyProcesses,
    PairingCreated, ProcessCreated, ProcessUpdated, ProcessesRetrieved, PublicDataDecoded, StateValidated,
    TokenValidated, UserPairing, ValueHashed,
};
use iframe_messages::request::{
    AuthorizedCall, CreateProcess, DecodePublicData, FileBlob, GetMerkleProof, HashValue, NotifyUpdate,
    RenewToken, RetrieveData, UpdateProcess, ValidateMerkleProof, ValidateState,
};
use iframe_messages::token::{AccessToken, RefreshToken, TokenPair};
use iframe_messages::{
    Body, Bytes, Call, Decoded, Json, Limits, LinkRequest, Message, MessageId, PairingId, ProcessId, Record,
    Refusal, Reply, Request, StateId,
};
use proptest::prelude::*;
use serde_json::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn json() -> impl Strategy<Value = Json> {
    value().prop_filter_map("a refused key", |value| Json::new(value).ok())
}

fn record() -> impl Strategy<Value = Record> {
    proptest::collection::btree_map(any::<String>(), value(), 0..4)
        .prop_filter_map("a refused key", |map| Record::new(map.into_iter().collect()).ok())
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,40}"
}

fn access() -> impl Strategy<Value = AccessToken> {
    text().prop_map(|text| AccessToken::new(text).unwrap())
}

fn pair() -> impl Strategy<Value = TokenPair> {
    let refresh = text().prop_map(|text| RefreshToken::new(text).unwrap());
    (access(), refresh).prop_map(|(access_token, refresh_token)| TokenPair { access_token, refresh_token })
}

fn state() -> impl Strategy<Value = StateId> {
    any::<[u8; 32]>().prop_map(StateId::from_bytes)
}

fn process() -> impl Strategy<Value = ProcessId> {
    (any::<[u8; 32]>(), any::<Option<u32>>()).prop_map(|(bytes, output)| {
        let id = ProcessId::from_bytes(bytes).to_string();
        output.map_or(id.clone(), |output| format!("{id}:{output}")).parse().unwrap()
    })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(any::<String>(), 0..4)
}

fn call() -> impl Strategy<Value = Call> {
    let blob = (any::<String>(), bytes()).prop_map(|(kind, data)| FileBlob { kind, data });
    prop_oneof![
        Just(Call::CreatePairing),
        Just(Call::GetPairingId),
        Just(Call::GetMyProcesses),
        Just(Call::GetProcesses),
        (process(), state())
            .prop_map(|(process_id, state_id)| Call::RetrieveData(RetrieveData { process_id, state_id })),
        bytes().prop_map(|encoded_data| Call::DecodePublicData(DecodePublicData { encoded_data })),
        (record(), names(), record()).prop_map(|(process_data, private_fields, roles)| {
            Call::CreateProcess(CreateProcess { process_data, private_fields, roles })
        }),
        (process(), record(), names(), proptest::option::of(record())).prop_map(
            |(process_id, new_data, private_fields, roles)| {
                Call::UpdateProcess(UpdateProcess { process_id, new_data, private_fields, roles })
            }
        ),
        (process(), state())
            .prop_map(|(process_id, state_id)| Call::NotifyUpdate(NotifyUpdate { process_id, state_id })),
        (process(), state())
            .prop_map(|(process_id, state_id)| Call::ValidateState(ValidateState { process_id, state_id })),
        (any::<String>(), any::<String>(), blob).prop_map(|(commited_in, label, file_blob)| {
            Call::HashValue(HashValue { commited_in, label, file_blob })
        }),
        (record(), any::<String>()).prop_map(|(process_state, attribute_name)| {
            Call::GetMerkleProof(GetMerkleProof { process_state, attribute_name })
        }),
        (any::<String>(), any::<String>()).prop_map(|(merkle_proof, document_hash)| {
            Call::ValidateMerkleProof(ValidateMerkleProof { merkle_proof, document_hash })
        }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        1 => Just(Request::Link(LinkRequest::RequestLink)),
        1 => pair().prop_map(|pair| Request::Link(LinkRequest::ValidateToken(pair))),
        1 => pair().prop_map(|pair| {
            Request::Link(LinkRequest::RenewToken(RenewToken { refresh_token: pair.refresh_token }))
        }),
        9 => (call(), access())
            .prop_map(|(call, access_token)| Request::Call(AuthorizedCall { call, access_token })),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let pairing = || text().prop_map(|text| PairingId::parse(&text).unwrap());
    let processes = proptest::option::of(proptest::collection::vec(process(), 0..3));
    prop_oneof![
        Just(Reply::Listening),
        Just(Reply::UpdateNotified),
        pair().prop_map(Reply::LinkAccepted),
        pair().prop_map(Reply::TokenRenewed),
        (any::<bool>(), pair()).prop_map(|(is_valid, pair)| {
            let TokenPair { access_token, refresh_token } = pair;
            Reply::TokenValidated(TokenValidated { is_valid, access_token, refresh_token })
        }),
        pairing().prop_map(|pairing_id| Reply::PairingCreated(PairingCreated { pairing_id })),
        pairing().prop_map(|user_pairing_id| Reply::UserPairing(UserPairing { user_pairing_id })),
        processes.prop_map(|my_processes| Reply::MyProcesses(MyProcesses { my_processes })),
        record().prop_map(|processes| Reply::ProcessesRetrieved(ProcessesRetrieved { processes })),
        record().prop_map(|data| Reply::DataRetrieved(DataRetrieved { data })),
        json().prop_map(|decoded_data| Reply::PublicDataDecoded(PublicDataDecoded { decoded_data })),
        (process(), record(), record()).prop_map(|(process_id, process, process_data)| {
            let process_created = CreatedProcess { process_id, process, process_data };
            Reply::ProcessCreated(ProcessCreated { process_created })
        }),
        record().prop_map(|updated_process| Reply::ProcessUpdated(ProcessUpdated { updated_process })),
        record().prop_map(|validated_process| Reply::StateValidated(StateValidated { validated_process })),
        any::<String>().prop_map(|hash| Reply::ValueHashed(ValueHashed { hash })),
        record().prop_map(|proof| Reply::MerkleProofRetrieved(MerkleProofRetrieved { proof })),
        any::<bool>().prop_map(|is_valid| Reply::MerkleProofValidated(MerkleProofValidated { is_valid })),
        any::<String>().prop_map(|error| Reply::Error(ErrorReply { error: Refusal::from(error) })),
    ]
}

fn id() -> impl Strategy<Value = Option<MessageId>> {
    proptest::option::of(text().prop_map(|text| MessageId::new(text).unwrap()))
}

fn survives<B>(body: B, message_id: Option<MessageId>)
where
    B: Body + serde::Serialize + Clone + PartialEq + std::fmt::Debug,
{
    let message = Message { body, message_id };
    let written = message.encode();
    assert!(!written.is_empty());
    let read = Message::<B>::decode(&written, Limits::default());
    assert_eq!(read, Decoded::Message(message), "{}", String::from_utf8_lossy(&written));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decode_of_encode_is_the_request(request in request(), id in id()) {
        survives(request, id);
    }

    #[test]
    fn decode_of_encode_is_the_reply(reply in reply(), id in id()) {
        survives(reply, id);
    }

    #[test]
    fn any_bytes_are_answered_calmly(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::<Request>::decode(&bytes, Limits::default());
        let _ = Message::<Reply>::decode(&bytes, Limits::default());
    }
}
