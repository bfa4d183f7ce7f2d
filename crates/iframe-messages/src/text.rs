//! What the short texts of the wire have in common.

/// Whether `text` is 1 to `max` bytes without control characters.
pub(crate) fn is_short_text(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control)
}

/// Two lower-case hex digits a byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of exactly `2 * N` hex digits of either case.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(to_hex(&[0x00, 0x9f, 0xA0]), "009fa0");
        assert_eq!(from_hex("009FA0"), Some([0x00, 0x9f, 0xA0]));
        assert_eq!(from_hex::<3>("009fa"), None);
        assert_eq!(from_hex::<3>("009fg0"), None);
        assert_eq!(from_hex::<2>("é+1"), None);
    }
}
