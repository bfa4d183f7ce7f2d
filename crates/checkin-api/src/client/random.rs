/// A random number, uniform over all of `u64`. Without a source of randomness, the middle: waits are then the same everywhere, and no
/// worse than without jitter.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_or(u64::MAX / 2, |()| u64::from_le_bytes(bytes))
}
