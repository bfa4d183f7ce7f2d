//! The operator's secret that a new database is given: made once, shown once, and never logged.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use daemon::exit::{Exit, Failure};
use meeting_api::Secret;
use meeting_api::server::store::Credentials;
use meeting_api::server::store::Role;
use meeting_api::server::{Clock, Store, SystemClock, SystemRandom, mint_secret};

use crate::database::failed;

/// Name of the file beside the database that takes the secret when nobody looks at a terminal.
pub(crate) const FILE_NAME: &str = "operator.secret";

/// Makes the first operator's secret; `None` when the database has had one before.
pub(crate) async fn create<S: Store>(store: &S) -> Result<Option<Secret>, Failure> {
    let minted = mint_secret(Role::Operator, "first operator", SystemClock.now(), &SystemRandom)
        .map_err(|error| Failure::io("no random numbers", error))?;
    let fresh = Credentials::create_first_operator(store, minted.credential)
        .await
        .map_err(|error| failed("the operator's secret".into(), error))?;
    Ok(fresh.then_some(minted.secret))
}

/// Shows the secret: on the terminal where there is one, else in a file that only this user may read.
pub(crate) fn show(secret: &Secret, folder: &Path) -> Result<(), Failure> {
    let mut terminal = io::stdout().lock();
    if terminal.is_terminal() {
        let text = format!(
            "\nThe operator's secret, shown this once:\n\n    {}\n\nKeep it; `receiver token create` makes further ones.\n\n",
            secret.expose()
        );
        return terminal.write_all(text.as_bytes()).map_err(|error| Failure::io("standard output", error));
    }
    let path = folder.join(FILE_NAME);
    write_private(&path, secret).map_err(|error| {
        Failure::new(Exit::Io, format!("cannot write the operator's secret to {}", path.display()))
            .because(error)
            .advise("make a secret with `receiver token create operator`")
    })?;
    tracing::warn!(path = %path.display(), "the operator's secret is in this file: read it, then delete it");
    Ok(())
}

fn write_private(path: &Path, secret: &Secret) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        write_private(&path, &Secret::new("mop_1")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mop_1\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&path, &Secret::new("mop_2")).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mop_1\n");
    }
}
