use std::future::Future;

use crate::Status;
use crate::agent::PowerAction;

/// Somebody at the machine wants it to go down, or no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// It goes down, and waits until [`Machine::let_go`] is called.
    GoingDown,
    /// It stays up after all.
    StayingUp,
}

/// The machine that an agent speaks for.
pub trait Machine: Send + Sync + 'static {
    /// Its figures now. Address and time are filled in by the agent.
    fn figures(&self) -> impl Future<Output = Status> + Send;

    /// Begins to switch it off or restart it.
    ///
    /// # Errors
    /// Why it does not, for people.
    fn power(&self, action: PowerAction) -> impl Future<Output = Result<(), String>> + Send;

    /// Waits until somebody else at the machine wants it to go down, or no longer does. A machine that cannot tell waits for ever.
    fn announced(&self) -> impl Future<Output = Announcement> + Send;

    /// Everybody was told: the machine may go down.
    fn let_go(&self) -> impl Future<Output = ()> + Send;
}
