//! Brings a known_hosts file up to date with the server's host keys.
//!
//! `cargo run -p examples --example update_known_hosts -- https://meeting.example.org known_hosts`

use meeting_api::KnownHostsFile;
use meeting_api::client::Client;
use meeting_api::known_hosts::{Host, HostKeys};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: update_known_hosts <server URL> <file>".into());
    };
    let client = Client::builder(&server)?.build()?;
    // The keys must be those of this very host; whatever else the server says is refused.
    let hosts = [Host::new(client.host(), 22)?];
    let offered = HostKeys::parse(&client.ssh_hostkeys().await?, &hosts)?;
    let file = KnownHostsFile::new(path);
    let merged = tokio::task::spawn_blocking(move || file.update(&hosts, &offered, false)).await??;
    for key in &merged.added {
        println!("added {} {}", key.algorithm(), key.fingerprint());
    }
    println!(
        "{} removed, {}",
        merged.removed,
        if merged.changed { "file replaced" } else { "nothing to do" }
    );
    Ok(())
}
