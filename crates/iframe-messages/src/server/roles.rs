use super::prerequisites::{Facts, Prerequisites};
use crate::reply::{
    CreatedProcess, DataRetrieved, MerkleProofRetrieved, MerkleProofValidated, MyProcesses, PairingCreated,
    ProcessCreated, ProcessUpdated, ProcessesRetrieved, PublicDataDecoded, StateValidated, UserPairing,
    ValueHashed,
};
use crate::request::{
    CreateProcess, FileBlob, GetMerkleProof, NotifyUpdate, RetrieveData, UpdateProcess, ValidateMerkleProof,
    ValidateState,
};
use crate::token::{AccessToken, RefreshToken, TokenPair};
use crate::{Call, Json, Moment, Origin, PairingId, ProcessId, Record, Refusal, Reply};

/// The first role: tokens. [`TokenAuthority`](super::TokenAuthority) is one.
///
/// Source: iframe §2.2, §2.3, §2.4.
pub trait Link {
    /// Tokens for an origin to which the user has agreed, from 32 random bytes.
    fn issue(&mut self, origin: &Origin, random: [u8; 32], now: Moment) -> TokenPair;

    /// Whether the token allows this origin to call.
    fn allows(&self, origin: &Origin, token: &AccessToken, now: Moment) -> bool;

    /// Whether the token may be exchanged by this origin.
    fn may_renew(&self, origin: &Origin, token: &RefreshToken, now: Moment) -> bool;

    /// New tokens for an old one; nothing when it is not valid.
    fn renew(&mut self, origin: &Origin, token: &RefreshToken, now: Moment) -> Option<TokenPair>;

    /// Ends every link of this origin.
    fn revoke(&mut self, origin: &Origin);
}

/// What a back end is told with each request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who asks.
    pub origin: &'a Origin,
    /// When.
    pub now: Moment,
    /// Random bytes for this request alone.
    pub random: [u8; 32],
}

/// The second role: the device's pairing.
///
/// Source: iframe §2.5, §2.6.
pub trait Pairing {
    /// The user's pairing, if the device is paired.
    fn pairing(&self) -> Option<PairingId>;

    /// Pairs the device, which is not paired.
    ///
    /// # Errors
    /// What the host is told.
    fn create_pairing(&mut self, context: Context<'_>) -> Result<PairingId, Refusal>;
}

/// The third role: processes and their states.
///
/// Source: iframe §2.7, §2.8, §2.11 to §2.14.
pub trait Processes {
    /// Whether a process has a committed state; nothing when there is no such process.
    fn has_committed_state(&self, process: &ProcessId) -> Option<bool>;

    /// The processes in which the user takes part.
    ///
    /// # Errors
    /// What the host is told.
    fn my_processes(&self) -> Result<Option<Vec<ProcessId>>, Refusal>;

    /// All processes known here, by id.
    ///
    /// # Errors
    /// What the host is told.
    fn processes(&self) -> Result<Record, Refusal>;

    /// Makes a process.
    ///
    /// # Errors
    /// What the host is told.
    fn create_process(
        &mut self,
        wanted: CreateProcess,
        context: Context<'_>,
    ) -> Result<CreatedProcess, Refusal>;

    /// Makes a new state of a process that has a committed one.
    ///
    /// # Errors
    /// What the host is told.
    fn update_process(&mut self, wanted: UpdateProcess, context: Context<'_>) -> Result<Record, Refusal>;

    /// Tells the others of a state.
    ///
    /// # Errors
    /// What the host is told.
    fn notify_update(&mut self, wanted: NotifyUpdate, context: Context<'_>) -> Result<(), Refusal>;

    /// Agrees to a state in the user's name.
    ///
    /// # Errors
    /// What the host is told.
    fn validate_state(&mut self, wanted: ValidateState, context: Context<'_>) -> Result<Record, Refusal>;
}

/// The fourth role: what states hold.
///
/// Source: iframe §2.9, §2.10.
pub trait Data {
    /// The attributes of a state that the user may read.
    ///
    /// # Errors
    /// What the host is told.
    fn retrieve_data(&self, wanted: &RetrieveData) -> Result<Record, Refusal>;

    /// What encoded public data hold.
    ///
    /// # Errors
    /// What the host is told.
    fn decode_public_data(&self, encoded: &[u8]) -> Result<Json, Refusal>;
}

/// The fifth role: hashes and proofs.
///
/// Source: iframe §2.15, §2.16, §2.17.
pub trait Proofs {
    /// The hash of a document under a label for a commitment.
    ///
    /// # Errors
    /// What the host is told.
    fn hash_value(&self, commited_in: &str, label: &str, document: &FileBlob) -> Result<String, Refusal>;

    /// The proof that an attribute belongs to a state.
    ///
    /// # Errors
    /// What the host is told.
    fn merkle_proof(&self, wanted: &GetMerkleProof) -> Result<Record, Refusal>;

    /// Whether a proof holds for a document.
    ///
    /// # Errors
    /// What the host is told.
    fn validate_merkle_proof(&self, wanted: &ValidateMerkleProof) -> Result<bool, Refusal>;
}

/// All roles but the link.
pub trait Backend: Pairing + Processes + Data + Proofs {}

impl<B: Pairing + Processes + Data + Proofs> Backend for B {}

/// Does what a linked host asks, if the device's state allows it.
///
/// # Errors
/// What the host is told.
pub fn answer<B: Backend>(backend: &mut B, call: Call, context: Context<'_>) -> Result<Reply, Refusal> {
    let committed = match &call {
        Call::UpdateProcess(wanted) => backend.has_committed_state(&wanted.process_id),
        _ => None,
    };
    Prerequisites::of(call.kind()).check(Facts { paired: backend.pairing().is_some(), committed })?;
    Ok(match call {
        Call::CreatePairing => {
            let pairing_id = backend.create_pairing(context)?;
            Reply::PairingCreated(PairingCreated { pairing_id })
        }
        Call::GetPairingId => {
            let user_pairing_id = backend.pairing().ok_or(Refusal::NotPaired)?;
            Reply::UserPairing(UserPairing { user_pairing_id })
        }
        Call::GetMyProcesses => Reply::MyProcesses(MyProcesses { my_processes: backend.my_processes()? }),
        Call::GetProcesses => {
            Reply::ProcessesRetrieved(ProcessesRetrieved { processes: backend.processes()? })
        }
        Call::RetrieveData(wanted) => {
            Reply::DataRetrieved(DataRetrieved { data: backend.retrieve_data(&wanted)? })
        }
        Call::DecodePublicData(wanted) => {
            let decoded_data = backend.decode_public_data(wanted.encoded_data.as_slice())?;
            Reply::PublicDataDecoded(PublicDataDecoded { decoded_data })
        }
        Call::CreateProcess(wanted) => {
            let process_created = backend.create_process(wanted, context)?;
            Reply::ProcessCreated(ProcessCreated { process_created })
        }
        Call::UpdateProcess(wanted) => {
            let updated_process = backend.update_process(wanted, context)?;
            Reply::ProcessUpdated(ProcessUpdated { updated_process })
        }
        Call::NotifyUpdate(wanted) => {
            backend.notify_update(wanted, context)?;
            Reply::UpdateNotified
        }
        Call::ValidateState(wanted) => {
            let validated_process = backend.validate_state(wanted, context)?;
            Reply::StateValidated(StateValidated { validated_process })
        }
        Call::HashValue(wanted) => {
            let hash = backend.hash_value(&wanted.commited_in, &wanted.label, &wanted.file_blob)?;
            Reply::ValueHashed(ValueHashed { hash })
        }
        Call::GetMerkleProof(wanted) => {
            Reply::MerkleProofRetrieved(MerkleProofRetrieved { proof: backend.merkle_proof(&wanted)? })
        }
        Call::ValidateMerkleProof(wanted) => {
            let is_valid = backend.validate_merkle_proof(&wanted)?;
            Reply::MerkleProofValidated(MerkleProofValidated { is_valid })
        }
    })
}
