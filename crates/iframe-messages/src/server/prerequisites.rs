use crate::{Refusal, RequestKind};

/// What must be the case beside a valid token.
///
/// Source: iframe §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prerequisites {
    /// Whether the device must be paired (true), must not be (false), or either.
    pub paired: Option<bool>,
    /// Whether the process must have a committed state.
    pub committed: bool,
}

/// What is the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether the device is paired.
    pub paired: bool,
    /// Whether the process of the request has a committed state; nothing where there is no such process, or the request names none.
    pub committed: Option<bool>,
}

impl Prerequisites {
    /// Those of a request. Choice: IF-40.
    #[must_use]
    pub const fn of(kind: RequestKind) -> Self {
        let paired = match kind {
            RequestKind::RequestLink
            | RequestKind::ValidateToken
            | RequestKind::RenewToken
            | RequestKind::HashValue
            | RequestKind::GetMerkleProof
            | RequestKind::ValidateMerkleProof => None,
            RequestKind::CreatePairing => Some(false),
            RequestKind::GetPairingId
            | RequestKind::GetMyProcesses
            | RequestKind::GetProcesses
            | RequestKind::RetrieveData
            | RequestKind::DecodePublicData
            | RequestKind::CreateProcess
            | RequestKind::UpdateProcess
            | RequestKind::NotifyUpdate
            | RequestKind::ValidateState => Some(true),
        };
        Self { paired, committed: matches!(kind, RequestKind::UpdateProcess) }
    }

    /// Holds them against the facts.
    ///
    /// # Errors
    /// The [`Refusal`] for the first that is not met.
    pub fn check(self, facts: Facts) -> Result<(), Refusal> {
        match self.paired {
            Some(true) if !facts.paired => return Err(Refusal::NotPaired),
            Some(false) if facts.paired => {
                return Err(Refusal::failed("create pairing", "the device is paired already"));
            }
            _ => {}
        }
        match facts.committed {
            _ if !self.committed => Ok(()),
            None => Err(Refusal::ProcessNotFound),
            Some(false) => Err(Refusal::failed("update process", "it has no committed state")),
            Some(true) => Ok(()),
        }
    }
}
