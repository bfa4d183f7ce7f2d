//! `receiver device delete`.

use std::io::IsTerminal;

use clap::Args;
use daemon::exit::{Exit, Failure};
use meeting_api::DeviceKey;
use meeting_api::server::Store;
use meeting_api::server::store::DeviceRecord;

use crate::command::{database, device, done};

/// Deletes a device.
#[derive(Debug, Args)]
pub struct Delete {
    /// The device
    key: DeviceKey,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn delete<S: Store>(store: &S, wanted: &Delete) -> Result<String, Failure> {
    let record = device(store, &wanted.key).await?;
    if !wanted.yes && !agreed(&record)? {
        return Ok("Nothing was deleted.\n".to_owned());
    }
    done(store.remove_device(&wanted.key).await.map_err(database)?, &wanted.key, "deleted")
}

/// Asks at the terminal; a script has to say `--yes`.
fn agreed(record: &DeviceRecord) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "deleting a device cannot be undone")
            .advise("`--yes` says that it is meant"));
    }
    let name = record.device_name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    daemon::cli::print(&format!(
        "Delete {}{name} with its key, ports, secret and log? [y/N] ",
        record.device_key
    ))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::io("standard input", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
