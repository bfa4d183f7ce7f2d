//! The steps that bring a database to the present form. A step, once released, never changes.

use sql_session::Migration;

/// All steps, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: include_str!("migrations/sqlite_1.sql"),
    postgres: include_str!("migrations/postgres_1.sql"),
}];
