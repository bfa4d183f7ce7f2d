use serde::{Deserialize, Serialize};

/// Who counts as a regular: whoever was there in at least `present` of the last `of` weeks before the one in question.
///
/// Only weeks that were held count. Choice: CI-58.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Regulars {
    present: u8,
    of: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    present: u8,
    of: u8,
}

impl Regulars {
    /// The most weeks that are looked at.
    pub const MAX_WEEKS: u8 = 52;

    /// The rule of `present` of the last `of` weeks.
    ///
    /// # Errors
    /// [`InvalidRegulars`] unless 1 <= `present` <= `of` <= 52.
    pub const fn new(present: u8, of: u8) -> Result<Self, InvalidRegulars> {
        if present == 0 || present > of || of > Self::MAX_WEEKS {
            return Err(InvalidRegulars);
        }
        Ok(Self { present, of })
    }

    /// In how many weeks a regular was there at least.
    #[must_use]
    pub const fn present(self) -> u8 {
        self.present
    }

    /// Of how many weeks.
    #[must_use]
    pub const fn of(self) -> u8 {
        self.of
    }
}

/// At least 3 of the last 4 weeks.
impl Default for Regulars {
    fn default() -> Self {
        Self { present: 3, of: 4 }
    }
}

impl TryFrom<Unchecked> for Regulars {
    type Error = InvalidRegulars;

    fn try_from(Unchecked { present, of }: Unchecked) -> Result<Self, Self::Error> {
        Self::new(present, of)
    }
}

/// The numbers make no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a regular is present in 1 or more of at most 52 weeks")]
pub struct InvalidRegulars;
