//! The steps about check-ins: does the receiver answer, does it know the key, can the spool folder be used.

use std::fs;
use std::io;
use std::path::Path;

use checkin_api::client::ClientError;

use super::report::Progress;
use crate::checkin::CheckInPlan;

const RECEIVER: &str = "Receiver of check-ins";
const KEY: &str = "Key for check-ins";
const SPOOL: &str = "Spool folder of check-ins";

/// Asks the receiver twice, and stores nothing there.
pub(super) async fn check(plan: &CheckInPlan, progress: &mut Progress<'_>) {
    let host = plan.client.host().to_owned();
    match plan.client.status().await {
        Ok(status) => progress.ok("checkin", RECEIVER, format!("{host}: {status}")),
        // Other receivers need not answer a GET, or in other words.
        Err(error @ (ClientError::Refused(_) | ClientError::Malformed(_))) => {
            progress.note("checkin", RECEIVER, format!("{host}: {error}"), "whether checkin.url is right");
        }
        Err(error) => {
            progress.failed(
                "checkin",
                RECEIVER,
                format!("{host}: {error}"),
                "checkin.url, and checkin.tls.ca for a certificate of your own authority",
            );
            progress.skipped("checkin_key", KEY, "the receiver does not answer");
            return spool(plan, progress);
        }
    }
    match plan.client.check_key().await {
        Ok(()) => progress.ok("checkin_key", KEY, "accepted"),
        Err(error) if error.is_unauthorized() => {
            let advice =
                "checkin.api_key: the key that the receiver's operator gave, not expired and not revoked";
            progress.failed("checkin_key", KEY, error.to_string(), advice);
        }
        Err(error) => {
            let advice = "whether checkin.url is the address that takes check-ins";
            progress.failed("checkin_key", KEY, error.to_string(), advice);
        }
    }
    spool(plan, progress);
}

fn spool(plan: &CheckInPlan, progress: &mut Progress<'_>) {
    let Some(folder) = &plan.spool else {
        return progress.skipped("checkin_spool", SPOOL, "there is none (checkin.spool)");
    };
    let found = folder.display().to_string();
    match try_folder(folder) {
        Ok(()) => progress.ok("checkin_spool", SPOOL, found),
        Err(error) => progress.failed(
            "checkin_spool",
            SPOOL,
            format!("{found}: {error}"),
            "a folder that the bot and this program may both write to: install -d -m 2770 -g checkin DIR",
        ),
    }
}

/// What taking a check-in does: a file is made, renamed and removed.
fn try_folder(folder: &Path) -> io::Result<()> {
    let (one, other) = (folder.join(".agent-check"), folder.join(".agent-check.renamed"));
    drop(fs::OpenOptions::new().write(true).create_new(true).open(&one)?);
    fs::rename(&one, &other)?;
    fs::remove_file(&other)
}
