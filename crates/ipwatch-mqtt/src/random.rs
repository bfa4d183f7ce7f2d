//! Numbers that look random, from a seed that the caller gives: for waits that are to differ, not for secrets.

/// The upper half of the next number of `SplitMix64`.
pub(crate) const fn next(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
