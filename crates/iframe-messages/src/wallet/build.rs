//! Making a state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::hash::{Digest, Domain};
use super::process::StoredState;
use super::seal::{NotOpened, Sealed, WalletKey, open, seal};
use super::shape::{ProcessState, Roles};
use super::tree::Tree;
use super::value::attribute_hash;
use crate::record::{REFUSED_KEYS, check};
use crate::{Record, StateId};

/// What leaves room for the objects around an attribute, up to the record of all processes. Choice: IF-62.
const MAX_ATTRIBUTE_DEPTH: usize = 56;

/// What a state is made of.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) previous: Option<StateId>,
    pub(super) attributes: Map<String, Value>,
    pub(super) private: BTreeSet<String>,
    pub(super) roles: Roles,
}

impl Draft {
    /// The first state.
    pub(super) fn first(data: Record, private: Vec<String>, roles: Roles) -> Result<Self, &'static str> {
        let draft = Self {
            previous: None,
            attributes: data.into_map(),
            private: private.into_iter().collect(),
            roles,
        };
        draft.checked()
    }

    /// A state after another: attributes that are there already stay public or private.
    pub(super) fn next(
        before: &StoredState,
        key: &WalletKey,
        data: Record,
        private: Vec<String>,
        roles: Option<Roles>,
    ) -> Result<Self, &'static str> {
        let known = |name: &String| before.shape.commitments.contains_key(name);
        let mut secret: BTreeSet<_> = private.into_iter().filter(|name| !known(name)).collect();
        secret.extend(before.shape.private_fields.iter().cloned());
        let mut attributes = before.shape.public_data.as_map().clone();
        let opened =
            private_attributes(before, key).map_err(|NotOpened| "its private fields cannot be opened")?;
        attributes.extend(opened);
        attributes.extend(data.into_map());
        let roles = roles.unwrap_or_else(|| before.shape.roles.clone());
        Self { previous: Some(before.shape.state_id), attributes, private: secret, roles }.checked()
    }

    fn checked(self) -> Result<Self, &'static str> {
        if self.attributes.is_empty() {
            return Err("there are no attributes");
        }
        if self.private.iter().any(|name| !self.attributes.contains_key(name)) {
            return Err("a private field is none of the attributes");
        }
        if self.attributes.values().any(|value| check(value, MAX_ATTRIBUTE_DEPTH).is_err()) {
            return Err("an attribute has more than 56 levels");
        }
        let names = self.roles.iter().flat_map(|(name, role)| std::iter::once(name).chain(&role.reads));
        if names.into_iter().any(|name| REFUSED_KEYS.contains(&name.as_str())) {
            return Err("a role has a name that is not allowed");
        }
        Ok(self)
    }

    /// Hashes and seals it.
    pub(super) fn build(self, key: &WalletKey, random: &[u8; 32]) -> Option<StoredState> {
        let commited_in = Digest::of(Domain::Commitment, &[random]);
        let commitment = commited_in.to_string();
        let (mut public, mut sealed, mut bytes) = (Map::new(), BTreeMap::new(), 0);
        let mut commitments = BTreeMap::new();
        for (name, value) in self.attributes {
            commitments.insert(name.clone(), attribute_hash(&commitment, &name, &value));
            let plain = serde_json::to_vec(&value).ok()?;
            bytes += name.len() + plain.len();
            if self.private.contains(&name) {
                let place = [commited_in.as_bytes().as_slice(), name.as_bytes()];
                sealed.insert(name.clone(), Sealed::new(&seal(key, random, &place, &plain)?));
            } else {
                public.insert(name, value);
            }
        }
        let mut shape = ProcessState {
            state_id: StateId::from_bytes([0; 32]),
            previous_state_id: self.previous,
            commited_in,
            public_data: Record::new(public).ok()?,
            private_fields: self.private.into_iter().collect(),
            commitments,
            roles: self.roles,
            validations: Vec::new(),
            is_committed: false,
        };
        shape.state_id = Tree::of(&shape).root();
        Some(StoredState { shape, sealed, bytes })
    }
}

/// The private attributes of a state, opened.
pub(super) fn private_attributes(
    state: &StoredState,
    key: &WalletKey,
) -> Result<Map<String, Value>, NotOpened> {
    let open = |(name, sealed): (&String, &Sealed)| {
        let place = [state.shape.commited_in.as_bytes().as_slice(), name.as_bytes()];
        let plain = open(key, &place, &sealed.bytes())?;
        serde_json::from_slice(&plain).map(|value| (name.clone(), value)).map_err(|_| NotOpened)
    };
    state.sealed.iter().map(open).collect()
}
