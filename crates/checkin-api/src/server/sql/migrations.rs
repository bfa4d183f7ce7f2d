//! The steps that bring a database to the present form. A step, once released, never changes.

/// One step, in the dialect of each database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// The version of the schema after this step.
    pub(crate) version: i64,
    /// The step for SQLite.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "read by the SQLite store only"))]
    pub(crate) sqlite: &'static str,
    /// The step for PostgreSQL.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "read by the PostgreSQL store only"))]
    pub(crate) postgres: &'static str,
}

/// All steps, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: include_str!("migrations/sqlite_1.sql"),
    postgres: include_str!("migrations/postgres_1.sql"),
}];

/// The version that this program writes.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |step| step.version)
}
