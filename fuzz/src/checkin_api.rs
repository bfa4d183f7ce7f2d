//! Properties of `checkin-api`.

use std::sync::{Mutex, OnceLock};

use checkin_api::meshcore::{ChannelKey, GroupText, Packet};
use checkin_api::server::{CheckInServer, Settings, SharedSecret, SqlStore, SqliteOptions};
use checkin_api::{ApiKey, CheckIn};
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Empty};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

/// A check-in that is read is written so that the same is read again, and what any JSON reader takes, this one takes.
pub fn check_in(data: &[u8]) {
    let read = CheckIn::decode(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(general) = serde_json::from_str::<CheckIn>(text)
    {
        assert_eq!(read.as_ref(), Ok(&general));
    }
    let check_in = match read {
        Ok(check_in) => check_in,
        Err(error) => {
            assert!(error.fields().is_sorted_by_key(|fault| fault.field));
            return;
        }
    };
    let written = check_in.encode();
    let again = CheckIn::decode(&written).expect("what is written can be read");
    assert_eq!(again, check_in);
    assert_eq!(again.encode(), written);
    let time = &check_in.timestamp;
    assert!(time.civil().is_some() || time.offset().is_none() && time.instant().is_none());
    assert_eq!(check_in.validate().is_ok(), written.len() <= CheckIn::MAX_BYTES);
}

/// The way that a packet took does not change its hash; and a text that is sealed opens again under its key, with the hash that it was
/// said to have.
pub fn meshcore(data: &[u8]) {
    if let Ok(packet) = Packet::decode(data) {
        let hash = packet.packet_hash();
        assert!(hash.as_str().len() == 16 && !hash.as_str().bytes().any(|byte| byte.is_ascii_lowercase()));
        let version = data[0] & 0xc0;
        let flood =
            [&[version | packet.payload_type() << 2 | 1, data_path(data)][..], path(data), packet.payload()];
        let flood = flood.concat();
        assert_eq!(Packet::decode(&flood).expect("the same without codes").packet_hash(), hash);
        for key in [ChannelKey::public(), ChannelKey::of_channel("#test").expect("a name")] {
            let Some(text) = packet.group_text(&key) else { continue };
            assert!(text.text().len() <= GroupText::MAX_TEXT_BYTES);
            // Only what is zeros to the end is what a radio sends.
            if text.payload(&key) == packet.payload() {
                assert_eq!(text.packet_hash(&key), hash);
            }
        }
    }
    let Some((head, text)) = data.split_at_checked(21) else { return };
    let key = ChannelKey::new(&head[5..]).expect("16 bytes");
    let timestamp = u32::from_le_bytes(*head.first_chunk().expect("4 bytes"));
    let Ok(text) = GroupText::new(timestamp, text) else { return };
    let text = text.with_flags(head[4]);
    let raw = [&[0x15, 0x00][..], &text.payload(&key)].concat();
    let packet = Packet::decode(&raw).expect("a packet");
    assert_eq!(packet.packet_hash(), text.packet_hash(&key));
    assert_eq!(packet.group_text(&key), Some(text));
}

/// Where the byte of the path's length is.
fn path_at(data: &[u8]) -> usize {
    if matches!(data[0] & 3, 0 | 3) { 5 } else { 1 }
}

fn data_path(data: &[u8]) -> u8 {
    data[path_at(data)]
}

fn path(data: &[u8]) -> &[u8] {
    let len = usize::from(data_path(data) >> 6) + 1;
    &data[path_at(data) + 1..][..len * usize::from(data_path(data) & 63)]
}

const SECRET: &str = "mci_0badcafe_the key of this target";

struct Receiver {
    server: CheckInServer<SqlStore>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn receiver() -> &'static Mutex<Receiver> {
    static RECEIVER: OnceLock<Mutex<Receiver>> = OnceLock::new();
    RECEIVER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("checkins.db"))).expect("a store");
        let mut settings = Settings::default();
        settings.secret = Some(SharedSecret::new(&ApiKey::new(SECRET).expect("a key")));
        settings.rate.burst = u32::MAX;
        settings.rate.per_second = u32::MAX;
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        Mutex::new(Receiver { server: CheckInServer::new(store, settings), runtime, _folder: folder })
    })
}

/// Whatever stands in the header of a key: nobody comes in but with the key, the answer to everybody else is a 401 that says how to show
/// one, and nothing of what was shown is repeated.
pub fn authorization(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let shown = value.to_str().ok().and_then(|text| text.split_once(' '));
    let right =
        shown.is_some_and(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && key.trim() == SECRET);
    let mut request = Request::post("/checkins").body(Empty::<bytes::Bytes>::new()).expect("a request");
    request.headers_mut().insert(header::AUTHORIZATION, value.clone());
    let mut receiver = receiver().lock().expect("no property broke before");
    let answer = receiver.server.call(request);
    let (head, answer) = receiver.runtime.block_on(async {
        let (head, body) = answer.await.expect("an answer").into_parts();
        (head, body.collect().await.expect("a body").to_bytes())
    });
    // With the key it is the empty body that is refused.
    assert_eq!(head.status.as_u16(), if right { 400 } else { 401 });
    assert_eq!(head.headers.contains_key(header::WWW_AUTHENTICATE), !right);
    assert_eq!(answer == br#"{"error":"API key refused"}"#[..], !right);
}
