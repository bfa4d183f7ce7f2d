//! Who may do what, by the roles.

use super::process::{StoredProcess, StoredState};
use super::shape::{RoleDefinition, Roles};
use crate::PairingId;

/// Whether roles can govern a process at all.
pub(super) fn check(roles: &Roles, user: &PairingId) -> Result<(), &'static str> {
    for role in roles.values() {
        let mut members: Vec<_> = role.members.iter().collect();
        members.sort();
        members.dedup();
        if members.len() != role.members.len() || members.is_empty() {
            return Err("a role has members, each once");
        }
        if usize::try_from(role.quorum).map_or(true, |quorum| quorum == 0 || quorum > members.len()) {
            return Err("a quorum is at least one member and at most all of them");
        }
    }
    if takes_part(roles, user) { Ok(()) } else { Err("the user has no role") }
}

pub(super) fn takes_part(roles: &Roles, user: &PairingId) -> bool {
    roles.values().any(|role| role.members.contains(user))
}

pub(super) fn may_validate(roles: &Roles, user: &PairingId) -> bool {
    roles.values().any(|role| role.validates && role.members.contains(user))
}

/// Whether those have agreed whose agreement is needed.
pub(super) fn is_agreed(roles: &Roles, validations: &[PairingId]) -> bool {
    let agreed = |role: &RoleDefinition| {
        let count = role.members.iter().filter(|member| validations.contains(member)).count();
        usize::try_from(role.quorum).is_ok_and(|quorum| count >= quorum)
    };
    roles.values().filter(|role| role.validates).all(agreed)
}

fn reads(roles: &Roles, user: &PairingId, field: &str) -> bool {
    roles.values().any(|role| role.members.contains(user) && role.reads.iter().any(|name| name == field))
}

/// Whether the user may read a private attribute of a state.
///
/// A state that is not committed cannot give anybody more than the committed one from which it began: else whoever may propose roles
/// could read everything.
pub(super) fn may_read(process: &StoredProcess, state: &StoredState, user: &PairingId, field: &str) -> bool {
    if !reads(&state.shape.roles, user, field) {
        return false;
    }
    let before = process.before(state).filter(|_| !state.shape.is_committed);
    before.is_none_or(|before| {
        let known = before.shape.commitments.contains_key(field);
        !known || reads(&before.shape.roles, user, field)
    })
}
