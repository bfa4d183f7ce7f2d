#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::SqlError;

/// One step that brings a database nearer to the present form, in the dialect of each database. A step, once released, never
/// changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The version of the schema after this step; versions rise from 1.
    pub version: i64,
    /// The step for SQLite.
    pub sqlite: &'static str,
    /// The step for PostgreSQL.
    pub postgres: &'static str,
}

/// The version that a program with these steps writes.
#[must_use]
pub fn newest(steps: &[Migration]) -> i64 {
    steps.last().map_or(0, |step| step.version)
}

/// The steps that a database of this version still needs.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn missing(
    steps: &[Migration],
    version: i64,
) -> Result<impl Iterator<Item = &Migration>, SqlError> {
    if version > newest(steps) {
        return Err(SqlError::broken(format!(
            "the schema is version {version}, and this program knows up to {}",
            newest(steps)
        )));
    }
    Ok(steps.iter().filter(move |step| step.version > version))
}

#[cfg(all(test, any(feature = "sqlite", feature = "postgres")))]
mod tests {
    use super::*;

    #[test]
    fn later_steps_are_missing_and_a_newer_schema_is_refused() {
        let steps = [1, 2, 3].map(|version| Migration { version, sqlite: "", postgres: "" });
        let versions = |of: i64| -> Result<Vec<i64>, SqlError> {
            missing(&steps, of).map(|steps| steps.map(|step| step.version).collect())
        };
        assert_eq!(versions(0), Ok(vec![1, 2, 3]));
        assert_eq!(versions(2), Ok(vec![3]));
        assert_eq!(versions(3), Ok(vec![]));
        assert!(matches!(versions(4), Err(SqlError::Broken(_))));
        assert_eq!(newest(&[]), 0);
    }
}
