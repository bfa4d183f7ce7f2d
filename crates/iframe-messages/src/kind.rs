//! Which messages there are, and which answers which. Four tags name a request and its reply alike: the direction decides, and
//! so the kinds of the two directions are two types.

/// The kind of a request, host to iframe.
///
/// Source: iframe §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the document")]
pub enum RequestKind {
    RequestLink,
    ValidateToken,
    RenewToken,
    CreatePairing,
    GetPairingId,
    GetMyProcesses,
    GetProcesses,
    RetrieveData,
    DecodePublicData,
    CreateProcess,
    UpdateProcess,
    NotifyUpdate,
    ValidateState,
    HashValue,
    GetMerkleProof,
    ValidateMerkleProof,
}

/// The kind of a reply, iframe to host.
///
/// Source: iframe §2, §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the document, but for the tags that requests have too")]
pub enum ReplyKind {
    Listening,
    LinkAccepted,
    /// `VALIDATE_TOKEN` as a reply.
    TokenValidated,
    /// `RENEW_TOKEN` as a reply.
    TokenRenewed,
    PairingCreated,
    /// `GET_PAIRING_ID` as a reply.
    UserPairing,
    /// `GET_MY_PROCESSES` as a reply.
    MyProcesses,
    ProcessesRetrieved,
    DataRetrieved,
    PublicDataDecoded,
    ProcessCreated,
    ProcessUpdated,
    UpdateNotified,
    StateValidated,
    ValueHashed,
    MerkleProofRetrieved,
    MerkleProofValidated,
    Error,
}

impl RequestKind {
    /// All of them, in the document's order.
    pub const ALL: [Self; 16] = [
        Self::RequestLink,
        Self::ValidateToken,
        Self::RenewToken,
        Self::CreatePairing,
        Self::GetPairingId,
        Self::GetMyProcesses,
        Self::GetProcesses,
        Self::RetrieveData,
        Self::DecodePublicData,
        Self::CreateProcess,
        Self::UpdateProcess,
        Self::NotifyUpdate,
        Self::ValidateState,
        Self::HashValue,
        Self::GetMerkleProof,
        Self::ValidateMerkleProof,
    ];

    /// Its `type` on the wire.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::RequestLink => "REQUEST_LINK",
            Self::ValidateToken => "VALIDATE_TOKEN",
            Self::RenewToken => "RENEW_TOKEN",
            Self::CreatePairing => "CREATE_PAIRING",
            Self::GetPairingId => "GET_PAIRING_ID",
            Self::GetMyProcesses => "GET_MY_PROCESSES",
            Self::GetProcesses => "GET_PROCESSES",
            Self::RetrieveData => "RETRIEVE_DATA",
            Self::DecodePublicData => "DECODE_PUBLIC_DATA",
            Self::CreateProcess => "CREATE_PROCESS",
            Self::UpdateProcess => "UPDATE_PROCESS",
            Self::NotifyUpdate => "NOTIFY_UPDATE",
            Self::ValidateState => "VALIDATE_STATE",
            Self::HashValue => "HASH_VALUE",
            Self::GetMerkleProof => "GET_MERKLE_PROOF",
            Self::ValidateMerkleProof => "VALIDATE_MERKLE_PROOF",
        }
    }

    /// The request of that `type`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.tag() == tag)
    }

    /// The reply that tells of success.
    #[must_use]
    pub const fn reply(self) -> ReplyKind {
        match self {
            Self::RequestLink => ReplyKind::LinkAccepted,
            Self::ValidateToken => ReplyKind::TokenValidated,
            Self::RenewToken => ReplyKind::TokenRenewed,
            Self::CreatePairing => ReplyKind::PairingCreated,
            Self::GetPairingId => ReplyKind::UserPairing,
            Self::GetMyProcesses => ReplyKind::MyProcesses,
            Self::GetProcesses => ReplyKind::ProcessesRetrieved,
            Self::RetrieveData => ReplyKind::DataRetrieved,
            Self::DecodePublicData => ReplyKind::PublicDataDecoded,
            Self::CreateProcess => ReplyKind::ProcessCreated,
            Self::UpdateProcess => ReplyKind::ProcessUpdated,
            Self::NotifyUpdate => ReplyKind::UpdateNotified,
            Self::ValidateState => ReplyKind::StateValidated,
            Self::HashValue => ReplyKind::ValueHashed,
            Self::GetMerkleProof => ReplyKind::MerkleProofRetrieved,
            Self::ValidateMerkleProof => ReplyKind::MerkleProofValidated,
        }
    }

    /// Whether it bears an `accessToken` of which the iframe asks: all but the three that make, check and renew tokens.
    #[must_use]
    pub const fn is_call(self) -> bool {
        !matches!(self, Self::RequestLink | Self::ValidateToken | Self::RenewToken)
    }
}

impl ReplyKind {
    /// All of them, in the document's order.
    pub const ALL: [Self; 18] = [
        Self::Listening,
        Self::LinkAccepted,
        Self::TokenValidated,
        Self::TokenRenewed,
        Self::PairingCreated,
        Self::UserPairing,
        Self::MyProcesses,
        Self::ProcessesRetrieved,
        Self::DataRetrieved,
        Self::PublicDataDecoded,
        Self::ProcessCreated,
        Self::ProcessUpdated,
        Self::UpdateNotified,
        Self::StateValidated,
        Self::ValueHashed,
        Self::MerkleProofRetrieved,
        Self::MerkleProofValidated,
        Self::Error,
    ];

    /// Its `type` on the wire.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Listening => "LISTENING",
            Self::LinkAccepted => "LINK_ACCEPTED",
            Self::TokenValidated => "VALIDATE_TOKEN",
            Self::TokenRenewed => "RENEW_TOKEN",
            Self::PairingCreated => "PAIRING_CREATED",
            Self::UserPairing => "GET_PAIRING_ID",
            Self::MyProcesses => "GET_MY_PROCESSES",
            Self::ProcessesRetrieved => "PROCESSES_RETRIEVED",
            Self::DataRetrieved => "DATA_RETRIEVED",
            Self::PublicDataDecoded => "PUBLIC_DATA_DECODED",
            Self::ProcessCreated => "PROCESS_CREATED",
            Self::ProcessUpdated => "PROCESS_UPDATED",
            Self::UpdateNotified => "UPDATE_NOTIFIED",
            Self::StateValidated => "STATE_VALIDATED",
            Self::ValueHashed => "VALUE_HASHED",
            Self::MerkleProofRetrieved => "MERKLE_PROOF_RETRIEVED",
            Self::MerkleProofValidated => "MERKLE_PROOF_VALIDATED",
            Self::Error => "ERROR",
        }
    }

    /// The reply of that `type`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.tag() == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_tag() {
        assert!(RequestKind::ALL.into_iter().all(|kind| RequestKind::from_tag(kind.tag()) == Some(kind)));
        assert!(ReplyKind::ALL.into_iter().all(|kind| ReplyKind::from_tag(kind.tag()) == Some(kind)));
        assert_eq!(RequestKind::from_tag("LISTENING"), None);
        assert_eq!(ReplyKind::from_tag("CREATE_PROCESS"), None);
    }

    #[test]
    fn every_reply_but_two_answers_one_request() {
        for reply in ReplyKind::ALL {
            let requests = RequestKind::ALL.into_iter().filter(|kind| kind.reply() == reply).count();
            assert_eq!(requests, usize::from(!matches!(reply, ReplyKind::Listening | ReplyKind::Error)));
        }
    }
}
