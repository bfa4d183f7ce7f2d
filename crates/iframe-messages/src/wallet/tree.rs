use super::hash::{Digest, Domain};
use super::shape::{MerkleProof, ProcessState};
use super::value::canonical;
use crate::StateId;

/// The Merkle tree of a state: its header, then its attributes by name.
///
/// A node is the hash of two; one that is alone goes up as it is. The root is the hash of the number of leaves and the top node. Leaves, nodes and
/// roots are hashes of different domains, so that none can be taken for another.
///
/// Choice: IF-61.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The leaves, then each level above them.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Of these leaves, of which there is at least one.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                [alone, ..] => *alone,
                [] => Digest::from_bytes([0; 32]),
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// That of a state, from what the state says of itself.
    #[must_use]
    pub fn of(state: &ProcessState) -> Self {
        Self::new(std::iter::once(header(state)).chain(state.commitments.values().copied()).collect())
    }

    /// The root: the id of the state.
    #[must_use]
    pub fn root(&self) -> StateId {
        let top = self.levels.last().and_then(|level| level.first().copied());
        root(self.leaf_count(), &top.unwrap_or(Digest::from_bytes([0; 32])))
    }

    fn leaf_count(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(u64::MAX))
    }

    /// The hashes beside the way from a leaf to the root.
    #[must_use]
    pub fn siblings(&self, leaf: usize) -> Vec<Digest> {
        let beside = |(height, level): (usize, &Vec<Digest>)| level.get((leaf >> height) ^ 1).copied();
        let below_the_top = self.levels.len().saturating_sub(1);
        self.levels.iter().take(below_the_top).enumerate().filter_map(beside).collect()
    }

    /// The proof for an attribute of that state.
    #[must_use]
    pub fn prove(&self, state: &ProcessState, attribute: &str) -> Option<MerkleProof> {
        // The header comes first.
        let index = state.commitments.keys().position(|name| name == attribute)? + 1;
        Some(MerkleProof {
            root: self.root(),
            attribute_name: attribute.to_owned(),
            commited_in: state.commited_in,
            index: u64::try_from(index).ok()?,
            leaf_count: self.leaf_count(),
            siblings: self.siblings(index),
        })
    }
}

impl MerkleProof {
    /// Whether it shows that a document of this hash is the attribute. To which state belongs is for the caller to know: the root is what the
    /// proof says it is.
    ///
    /// Source: iframe §2.17.
    #[must_use]
    pub fn holds_for(&self, document: &Digest) -> bool {
        self.fold(document) == Some(self.root)
    }

    fn fold(&self, document: &Digest) -> Option<StateId> {
        // Leaf 0 is the header, which is no attribute.
        if self.index == 0 || self.index >= self.leaf_count {
            return None;
        }
        let mut siblings = self.siblings.iter();
        let (mut hash, mut index, mut width) = (*document, self.index, self.leaf_count);
        while width > 1 {
            let alone = index == width - 1 && index % 2 == 0;
            if !alone {
                let sibling = siblings.next()?;
                hash = if index % 2 == 0 { node(&hash, sibling) } else { node(sibling, &hash) };
            }
            index /= 2;
            width = width.div_ceil(2);
        }
        siblings.next().is_none().then(|| root(self.leaf_count, &hash))
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of_two(Domain::Node, left, right)
}

fn root(leaf_count: u64, top: &Digest) -> StateId {
    let root = Digest::of(Domain::Root, &[&leaf_count.to_be_bytes(), top.as_bytes()]);
    StateId::from_bytes(*root.as_bytes())
}

/// What governs a state, and where it comes from.
fn header(state: &ProcessState) -> Digest {
    let previous: &[u8] = state.previous_state_id.as_ref().map_or(&[], |id| id.as_bytes());
    let roles = serde_json::to_value(&state.roles).map(|roles| canonical(&roles)).unwrap_or_default();
    let private = serde_json::to_vec(&state.private_fields).unwrap_or_default();
    Digest::of(Domain::Header, &[previous, state.commited_in.as_bytes(), &private, &roles])
}
