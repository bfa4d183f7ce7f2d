//! Threat C2: the same check-in again and again, from many.

use checkin_api::server::store::Role;
use checkin_api::server::{
    CheckInServer, RateLimit, Settings, SqlStore, SqliteOptions, mint_key, store::Keys,
};
use http::Request;
use http_body_util::Full;
use tower_service::Service;

use crate::store_suite::copy;

const CLIENTS: usize = 8;
const EACH: usize = 10_000;
/// How many each client has under way.
const AT_ONCE: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while; run by .ci/run"]
async fn c2_eight_clients_with_ten_thousand_copies_each_leave_one_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let store = SqlStore::open_sqlite(SqliteOptions::new(&path)).expect("a store");
    let mut settings = Settings::default();
    settings.rate = RateLimit { burst: u32::MAX, per_second: u32::MAX };
    let server = CheckInServer::new(store, settings);
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let key = mint_key(Role::Submit, format!("bot {client}"), jiff::Timestamp::now(), None)
            .expect("randomness");
        assert_eq!(server.store().add_key(key.key).await, Ok(true));
        let bearer = format!("Bearer {}", key.secret.expose());
        let mut check_in = copy("A1B2C3D4E5F67890", "HOWL", None, "k").check_in;
        check_in.message = format!("as bot {client} has it");
        let body = bytes::Bytes::from(check_in.encode());
        let server = server.clone();
        clients.push(tokio::spawn(async move {
            let mut statuses = Vec::with_capacity(EACH);
            for _ in 0..EACH / AT_ONCE {
                let requests: Vec<_> = (0..AT_ONCE)
                    .map(|_| {
                        let request = Request::post("/checkins").header("authorization", &bearer);
                        let request = request.body(Full::new(body.clone())).expect("a request");
                        tokio::spawn(server.clone().call(request))
                    })
                    .collect();
                for request in requests {
                    let Ok(answer) = request.await.expect("no panic");
                    statuses.push(answer.status().as_u16());
                }
            }
            statuses
        }));
    }
    let mut statuses = Vec::new();
    for client in clients {
        statuses.extend(client.await.expect("no panic"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses.len(), CLIENTS * EACH);
    assert_eq!((statuses[statuses.len() - 2], statuses[statuses.len() - 1]), (200, 201), "one was new");
    assert_eq!(statuses[0], 200);
    let file = rusqlite::Connection::open(&path).expect("opened");
    let count = |query: &str| -> i64 { file.query_row(query, [], |row| row.get(0)).expect("a number") };
    assert_eq!(count("SELECT COUNT(*) FROM check_ins"), 1);
    assert_eq!(count("SELECT COUNT(*) FROM heard"), 8);
    assert_eq!(count("SELECT SUM(accepted) FROM bots"), 1);
    assert_eq!(count("SELECT SUM(duplicates) FROM bots"), 79_999);
}
