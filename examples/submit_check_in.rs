//! A bot's hand: tells a receiver about a check-in that was heard on a MeshCore channel, and keeps it until the receiver has it.
//!
//! `cargo run -p examples --example submit_check_in -- http://127.0.0.1:9999/checkins s3cret '#meshmonday' 1741037400 'HOWL: check in'`
//!
//! The number is the message's own timestamp, as the radio reports it. With it the packet's hash is the same as every other bot's.

use checkin_api::client::CheckInClient;
use checkin_api::meshcore::{ChannelKey, GroupText};
use checkin_api::outbox::{Outbox, OutboxOptions};
use checkin_api::{ApiKey, CheckIn, Timestamp};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, channel, sent_at, text] = arguments.as_slice() else {
        return Err(
            "usage: submit_check_in <URL> <key> <channel> <sender's timestamp> <NAME: message>".into()
        );
    };
    let heard = GroupText::new(sent_at.parse()?, text)?;
    let (username, message) = heard.name_and_message().ok_or("the text is no NAME: message")?;
    let check_in = CheckIn {
        packet_hash: heard.packet_hash(&ChannelKey::of_channel(channel)?),
        username,
        message,
        channel: channel.clone(),
        timestamp: Timestamp::from(std::time::SystemTime::now()),
        source_bot: Some("example".into()),
    };
    let client = CheckInClient::builder(url)?.api_key(ApiKey::new(key)?).build()?;
    let outbox = Outbox::open(std::env::temp_dir().join("example-outbox"), OutboxOptions::default())?;
    // From here on it is safe: after a crash, the next run sends it.
    outbox.put(&check_in).await?;
    outbox.sender()?.send_waiting(&client, |event| println!("{event}")).await?;
    Ok(())
}
