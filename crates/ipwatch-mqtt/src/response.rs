use jiff::Timestamp;

/// What a machine says to a command.
///
/// Source: ipwatch §2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Whether it does it.
    pub success: bool,
    /// In words.
    pub message: String,
    /// Its own time.
    pub timestamp: Option<Timestamp>,
    /// Why it does not, in one word, where it says so.
    pub code: Option<String>,
}
