//! What lies outside memory tells nobody anything.

use crate::support::{Device, key};
use iframe_messages::server::{Pairing, Processes};
use iframe_messages::wallet::{NotOpened, Wallet, WalletKey};
use serde_json::json;

fn filled() -> Device {
    let mut device = Device::new();
    let me = device.pair();
    let roles = json!({"owner": {"members": [me], "reads": ["secret"], "validates": true}});
    let (id, _) =
        device.create(json!({"title": "canary-public", "secret": "canary-private"}), &["secret"], roles);
    device.update(id, json!({"title": "second"}), &[], None);
    device
}

#[test]
fn a_wallet_opens_as_it_was_saved() {
    let device = filled();
    let saved = device.wallet.save([5; 32]);
    let opened = Wallet::open(key(), &saved).unwrap();
    assert_eq!(opened.processes(), device.wallet.processes());
    assert_eq!(opened.pairing(), device.wallet.pairing());
    // And its private fields are opened too: the same again.
    assert_eq!(opened.save([6; 32]).len(), saved.len());
    assert_ne!(opened.save([6; 32]), saved, "other random bytes, other bytes");
}

#[test]
fn neither_another_key_nor_a_changed_byte_opens_it() {
    let saved = filled().wallet.save([5; 32]);
    assert_eq!(Wallet::open(WalletKey::from_bytes([1; 32]), &saved).unwrap_err(), NotOpened);
    for at in (0..saved.len()).step_by(7) {
        let mut changed = saved.clone();
        changed[at] ^= 1;
        assert_eq!(Wallet::open(key(), &changed).unwrap_err(), NotOpened, "byte {at}");
        assert_eq!(Wallet::open(key(), &saved[..at]).unwrap_err(), NotOpened, "cut at {at}");
    }
}

#[test]
fn nothing_private_shows_where_it_should_not() {
    let device = filled();
    let saved = device.wallet.save([5; 32]);
    let shown = format!("{:?}", device.wallet);
    let processes = serde_json::to_string(&device.snapshot()).unwrap();
    assert!(!String::from_utf8_lossy(&saved).contains("canary"));
    assert!(!shown.contains("canary-private") && !shown.contains("[9, 9"), "{shown}");
    assert!(processes.contains("canary-public") && !processes.contains("canary-private"));
    let hex: String = "canary-private".bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!shown.contains(&hex), "sealed in memory too");
}
