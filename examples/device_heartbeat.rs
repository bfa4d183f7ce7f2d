//! The least that a device does: report in every 60 s, and be quiet while nobody knows it.
//!
//! `cargo run -p examples --example device_heartbeat -- http://127.0.0.1:8080 0123456789abcdef0123456789abcdef`

use std::hash::{BuildHasher, RandomState};

use meeting_api::client::Client;
use meeting_api::endpoint::heartbeat::Heartbeat;
use meeting_api::retry::{Backoff, Outcome, RetryPolicy};
use meeting_api::{DeviceKey, Note};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(device)) = (arguments.next(), arguments.next()) else {
        return Err("usage: device_heartbeat <server URL> <device_key>".into());
    };
    let device: DeviceKey = device.parse()?;
    let client = Client::builder(&server)?.build()?;
    let heartbeat = Heartbeat { note: Some(Note::new("hello from the example")?), ..Heartbeat::default() };
    let mut backoff = Backoff::new(RetryPolicy::default());
    loop {
        let outcome = match client.heartbeat(&device, &heartbeat).await {
            Ok(reply) => {
                println!("seen as {:?} at {:?}", reply.ip_address, reply.last_seen);
                Outcome::Success
            }
            Err(error) if error.is_not_provisioned() => {
                eprintln!("{device} is not provisioned: ask the operator to add it");
                error.outcome()
            }
            Err(error) => {
                eprintln!("{error}");
                error.outcome()
            }
        };
        // A new hasher is seeded at random, which is enough to spread devices over time.
        let wait = backoff.after(outcome, RandomState::new().hash_one(&device));
        println!("next heartbeat in {:.1} s", wait.as_secs_f32());
        tokio::time::sleep(wait).await;
    }
}
