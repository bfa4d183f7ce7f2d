//! A reader's question: who is on the net this week, and who is missing?
//!
//! `cargo run -p examples --example read_a_board -- http://127.0.0.1:9999/checkins [key]`
//!
//! The key is a reader's, where the receiver does not let everybody read.

use checkin_api::ApiKey;
use checkin_api::client::CheckInClient;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: read_a_board <URL> [key]")?;
    let mut client = CheckInClient::builder(&url)?;
    if let Some(key) = arguments.next() {
        client = client.api_key(ApiKey::new(key)?);
    }
    let client = client.build()?;
    for net in client.nets().await?.nets {
        let board = client.board(&net.name, None).await?;
        println!("{}", board.summary);
        for entry in &board.entries {
            let note = match (entry.first_time, entry.streak) {
                (true, _) => "for the first time".to_owned(),
                (false, weeks) => format!("{weeks} in a row"),
            };
            println!("  {:?} ({note}), heard by {}", entry.username, entry.heard_by.len());
        }
        let missing = client.missing(&net.name).await?;
        let names: Vec<_> = missing.people.iter().map(|person| format!("{:?}", person.username)).collect();
        println!("  missing: {}", if names.is_empty() { "nobody".to_owned() } else { names.join(", ") });
    }
    Ok(())
}
