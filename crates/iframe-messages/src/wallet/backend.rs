use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authority;
use super::build::{Draft, private_attributes};
use super::hash::{Digest, Domain};
use super::process::StoredProcess;
use super::seal::{NotOpened, WalletKey, open, seal};
use super::shape::{MerkleProof, ProcessState, Roles, from_record, to_record};
use super::tree::Tree;
use super::value::document_hash;
use crate::reply::CreatedProcess;
use crate::request::{
    CreateProcess, FileBlob, GetMerkleProof, NotifyUpdate, RetrieveData, UpdateProcess, ValidateMerkleProof,
    ValidateState,
};
use crate::server::{Context, Data, Pairing, Processes, Proofs};
use crate::{Json, PairingId, ProcessId, Record, Refusal, StateId};

/// Somebody is to be told of a state; how is the application's matter.
///
/// Source: iframe §2.13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who.
    pub to: PairingId,
    /// Of which process.
    pub process_id: ProcessId,
    /// Of which state.
    pub state_id: StateId,
}

/// What a wallet holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Content {
    pairing: Option<PairingId>,
    processes: BTreeMap<ProcessId, StoredProcess>,
}

/// The wallet of one device and its user. See the page of its module.
#[derive(Debug)]
pub struct Wallet {
    key: WalletKey,
    content: Content,
    notices: VecDeque<Notice>,
    max_bytes: usize,
}

/// Where a saved wallet is sealed to.
const FILE: &[u8] = b"iframe-messages wallet 1";

/// The most notices that wait to be told.
const MAX_NOTICES: usize = 10_000;

impl Wallet {
    /// The most bytes of all attributes together, unless told otherwise: 64 MiB.
    pub const MAX_BYTES: usize = 64 << 20;

    /// A new wallet, which is not paired.
    #[must_use]
    pub fn new(key: WalletKey) -> Self {
        Self { key, content: Content::default(), notices: VecDeque::new(), max_bytes: Self::MAX_BYTES }
    }

    /// Other room for attributes.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Opens what [`Wallet::save`] gave.
    ///
    /// # Errors
    /// [`NotOpened`] with another key, or when it was changed.
    pub fn open(key: WalletKey, saved: &[u8]) -> Result<Self, NotOpened> {
        let plain = open(&key.derive("file"), &[FILE], saved)?;
        let content = serde_json::from_slice(&plain).map_err(|_| NotOpened)?;
        Ok(Self { content, ..Self::new(key) })
    }

    /// Everything, sealed with 32 random bytes; those must never serve twice.
    #[must_use]
    pub fn save(&self, random: [u8; 32]) -> Vec<u8> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&self.content).unwrap_or_default());
        seal(&self.key.derive("file"), &random, &[FILE], &plain).unwrap_or_default()
    }

    /// The next of those who are to be told of a state.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    fn fields_key(&self) -> WalletKey {
        self.key.derive("fields")
    }

    fn user(&self) -> Result<&PairingId, Refusal> {
        self.content.pairing.as_ref().ok_or(Refusal::NotPaired)
    }

    fn process(&self, id: &ProcessId) -> Result<&StoredProcess, Refusal> {
        self.content.processes.get(id).ok_or(Refusal::ProcessNotFound)
    }

    /// Whether there is room for so many bytes more.
    fn has_room(&self, bytes: usize) -> bool {
        let states = self.content.processes.values().flat_map(StoredProcess::states);
        states.map(|state| state.bytes).sum::<usize>().saturating_add(bytes) <= self.max_bytes
    }
}

fn read_roles(roles: Record, user: &PairingId) -> Result<Roles, &'static str> {
    let roles: Roles = from_record(roles).ok_or("a role is no role definition")?;
    authority::check(&roles, user)?;
    Ok(roles)
}

impl Pairing for Wallet {
    fn pairing(&self) -> Option<PairingId> {
        self.content.pairing.clone()
    }

    fn create_pairing(&mut self, context: Context<'_>) -> Result<PairingId, Refusal> {
        let id = Digest::of(Domain::Pairing, &[&context.random]).to_string();
        let id = PairingId::parse(&id).map_err(|error| Refusal::failed("create pairing", error))?;
        self.content.pairing = Some(id.clone());
        Ok(id)
    }
}

impl Processes for Wallet {
    fn has_committed_state(&self, process: &ProcessId) -> Option<bool> {
        self.content.processes.get(process).map(|process| process.last_committed().is_some())
    }

    fn my_processes(&self) -> Result<Option<Vec<ProcessId>>, Refusal> {
        let user = self.user()?;
        let mine = |process: &StoredProcess| {
            process.states().any(|state| authority::takes_part(&state.shape.roles, user))
        };
        let ids = self.content.processes.iter().filter(|(_, process)| mine(process)).map(|(id, _)| *id);
        Ok(Some(ids.collect()))
    }

    fn processes(&self) -> Result<Record, Refusal> {
        let entry = |(id, process): (&ProcessId, &StoredProcess)| {
            (id.to_string(), Value::Object(to_record(&process.shape()).into_map()))
        };
        let map: Map<String, Value> = self.content.processes.iter().map(entry).collect();
        Record::new(map).map_err(|error| Refusal::failed("get processes", error))
    }

    fn create_process(
        &mut self,
        wanted: CreateProcess,
        context: Context<'_>,
    ) -> Result<CreatedProcess, Refusal> {
        let failed = |why: &str| Refusal::failed("create process", why);
        let user = self.user()?.clone();
        let roles = read_roles(wanted.roles, &user).map_err(failed)?;
        let process_data = wanted.process_data;
        let draft = Draft::first(process_data.clone(), wanted.private_fields, roles).map_err(failed)?;
        let mut state =
            draft.build(&self.fields_key(), &context.random).ok_or_else(|| failed("it cannot be sealed"))?;
        if !self.has_room(state.bytes) {
            return Err(failed("the wallet is full"));
        }
        // Who makes a process agrees to its first state.
        if authority::may_validate(&state.shape.roles, &user) {
            state.shape.validations.push(user);
        }
        let id = Digest::of(Domain::Process, &[state.shape.state_id.as_bytes()]);
        let process_id = ProcessId::from_bytes(*id.as_bytes());
        let process = self.content.processes.entry(process_id).or_default();
        process.add(state);
        Ok(CreatedProcess { process_id, process: to_record(&process.shape()), process_data })
    }

    fn update_process(&mut self, wanted: UpdateProcess, context: Context<'_>) -> Result<Record, Refusal> {
        let failed = |why: &str| Refusal::failed("update process", why);
        let user = self.user()?.clone();
        let key = self.fields_key();
        let before = self.process(&wanted.process_id)?.last_committed();
        let before = before.ok_or_else(|| failed("it has no committed state"))?;
        if !authority::takes_part(&before.shape.roles, &user) {
            return Err(failed("the user has no role"));
        }
        let roles = wanted.roles.map(|roles| read_roles(roles, &user)).transpose().map_err(failed)?;
        let draft =
            Draft::next(before, &key, wanted.new_data, wanted.private_fields, roles).map_err(failed)?;
        let state = draft.build(&key, &context.random).ok_or_else(|| failed("it cannot be sealed"))?;
        if !self.has_room(state.bytes) {
            return Err(failed("the wallet is full"));
        }
        let process = self.content.processes.get_mut(&wanted.process_id).ok_or(Refusal::ProcessNotFound)?;
        process.add(state);
        Ok(to_record(&process.shape()))
    }

    fn notify_update(&mut self, wanted: NotifyUpdate, _: Context<'_>) -> Result<(), Refusal> {
        let user = self.user()?.clone();
        let state = self.process(&wanted.process_id)?.state(&wanted.state_id);
        let roles = &state.ok_or(Refusal::InvalidStateId)?.shape.roles;
        if !authority::takes_part(roles, &user) {
            return Err(Refusal::failed("notify update", "the user has no role"));
        }
        let mut others: Vec<_> = roles.values().flat_map(|role| &role.members).cloned().collect();
        others.sort();
        others.dedup();
        others.retain(|member| *member != user);
        if self.notices.len() + others.len() > MAX_NOTICES {
            return Err(Refusal::failed("notify update", "too many notices wait"));
        }
        let NotifyUpdate { process_id, state_id } = wanted;
        self.notices.extend(others.into_iter().map(|to| Notice { to, process_id, state_id }));
        Ok(())
    }

    fn validate_state(&mut self, wanted: ValidateState, _: Context<'_>) -> Result<Record, Refusal> {
        let user = self.user()?.clone();
        let process = self.content.processes.get_mut(&wanted.process_id).ok_or(Refusal::ProcessNotFound)?;
        if process.state(&wanted.state_id).is_none() {
            return Err(Refusal::InvalidStateId);
        }
        process.agree(&wanted.state_id, &user).map_err(|why| Refusal::failed("validate state", why))?;
        Ok(to_record(&process.shape()))
    }
}

impl Data for Wallet {
    fn retrieve_data(&self, wanted: &RetrieveData) -> Result<Record, Refusal> {
        let user = self.user()?;
        let process = self.process(&wanted.process_id)?;
        let state = process.state(&wanted.state_id).ok_or(Refusal::InvalidStateId)?;
        if !authority::takes_part(&state.shape.roles, user) {
            return Err(Refusal::failed("retrieve data", "the user has no role"));
        }
        let mut data = state.shape.public_data.as_map().clone();
        let private = private_attributes(state, &self.fields_key());
        let private = private.map_err(|error| Refusal::failed("retrieve data", error))?;
        data.extend(private.into_iter().filter(|(name, _)| authority::may_read(process, state, user, name)));
        Record::new(data).map_err(|error| Refusal::failed("retrieve data", error))
    }

    /// The encoding is JSON in UTF-8. Choice: IF-63.
    fn decode_public_data(&self, encoded: &[u8]) -> Result<Json, Refusal> {
        serde_json::from_slice(encoded).map_err(|_| Refusal::failed("decode public data", "it is not JSON"))
    }
}

impl Proofs for Wallet {
    fn hash_value(&self, commited_in: &str, label: &str, document: &FileBlob) -> Result<String, Refusal> {
        Ok(document_hash(commited_in, label, document).to_string())
    }

    fn merkle_proof(&self, wanted: &GetMerkleProof) -> Result<Record, Refusal> {
        let failed = |why: &str| Refusal::failed("get merkle proof", why);
        let state: ProcessState =
            from_record(wanted.process_state.clone()).ok_or_else(|| failed("it is no process state"))?;
        let tree = Tree::of(&state);
        if tree.root() != state.state_id {
            return Err(Refusal::InvalidStateId);
        }
        let proof = tree.prove(&state, &wanted.attribute_name).ok_or_else(|| failed("no such attribute"))?;
        Ok(to_record(&proof))
    }

    /// A proof says itself to which root it leads: only that of a state known here makes it valid. Choice: IF-64.
    fn validate_merkle_proof(&self, wanted: &ValidateMerkleProof) -> Result<bool, Refusal> {
        let proof: MerkleProof = serde_json::from_str(&wanted.merkle_proof)
            .map_err(|_| Refusal::failed("validate merkle proof", "it is no proof"))?;
        let document = Digest::parse(&wanted.document_hash)
            .ok_or_else(|| Refusal::failed("validate merkle proof", "the hash is not 64 hex digits"))?;
        let mut states = self.content.processes.values().flat_map(StoredProcess::states);
        let known = states.any(|state| state.shape.state_id == proof.root);
        Ok(known && proof.holds_for(&document))
    }
}
