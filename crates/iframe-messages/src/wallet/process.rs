//! Processes as they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::authority;
use super::seal::Sealed;
use super::shape::{Process, ProcessState, Roles};
use crate::{PairingId, StateId};

/// A state with its private attributes, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredState {
    pub(super) shape: ProcessState,
    pub(super) sealed: BTreeMap<String, Sealed>,
    /// What it takes, roughly.
    pub(super) bytes: usize,
}

/// A chain of committed states, and those that wait.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct StoredProcess {
    pub(super) committed: Vec<StoredState>,
    pub(super) pending: Vec<StoredState>,
}

impl StoredProcess {
    pub(super) fn shape(&self) -> Process {
        Process { states: self.states().map(|state| state.shape.clone()).collect() }
    }

    pub(super) fn states(&self) -> impl Iterator<Item = &StoredState> {
        self.committed.iter().chain(&self.pending)
    }

    pub(super) fn state(&self, id: &StateId) -> Option<&StoredState> {
        self.states().find(|state| state.shape.state_id == *id)
    }

    pub(super) fn last_committed(&self) -> Option<&StoredState> {
        self.committed.last()
    }

    /// The committed state from which this one began.
    pub(super) fn before(&self, state: &StoredState) -> Option<&StoredState> {
        let previous = state.shape.previous_state_id?;
        self.committed.iter().find(|state| state.shape.state_id == previous)
    }

    /// The roles by which a state is agreed to: those before it, so that nobody makes the rules for his own proposal.
    fn rules<'a>(&'a self, state: &'a StoredState) -> &'a Roles {
        &self.before(state).unwrap_or(state).shape.roles
    }

    /// Adds a state, which is committed at once where nobody else has to agree.
    pub(super) fn add(&mut self, state: StoredState) {
        let id = state.shape.state_id;
        self.pending.push(state);
        self.settle(&id);
    }

    /// The user's agreement.
    pub(super) fn agree(&mut self, id: &StateId, user: &PairingId) -> Result<(), &'static str> {
        let state = self.state(id).ok_or("no such state")?;
        if !authority::may_validate(self.rules(state), user) {
            return Err("the user has no role that validates");
        }
        let all = self.committed.iter_mut().chain(&mut self.pending);
        for state in all.filter(|state| state.shape.state_id == *id) {
            if !state.shape.validations.contains(user) {
                state.shape.validations.push(user.clone());
            }
        }
        self.settle(id);
        Ok(())
    }

    /// Commits a state that waits, if it is agreed to. Others that began from the same state are void then.
    fn settle(&mut self, id: &StateId) {
        let Some(at) = self.pending.iter().position(|state| state.shape.state_id == *id) else { return };
        let agreed = self
            .pending
            .get(at)
            .is_some_and(|state| authority::is_agreed(self.rules(state), &state.shape.validations));
        if agreed {
            let mut state = self.pending.swap_remove(at);
            state.shape.is_committed = true;
            self.committed.push(state);
            self.pending.clear();
        }
    }
}
