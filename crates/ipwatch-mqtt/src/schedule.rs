//! When what is done: cron expressions in the time of a place, what is done then and to whom, and a stated rule for what was missed.
//!
//! A [`Plan`] is sans-IO: it says when its next slot is due, and what is to be done now. Whoever runs it writes down the slot before he
//! acts, so that no slot is run twice, whatever is restarted. The expressions are read here, on fields alone: the parsers that are kept up
//! today bring a second time library with them, or none that knows the zones of this one.
//!
//! Source: ipwatch §11. Choice: IM-80, IM-81, IM-82.

mod expression;
mod field;
mod plan;
mod task;

pub use expression::{CronExpression, InvalidCron};
pub use plan::{DEFAULT_GRACE, Due, InvalidZone, Plan, Zone};
pub use task::{Action, InvalidTarget, Target, UnknownAction};
