//! Our client and our outbox against our server, over a socket.

use std::net::SocketAddr;

use checkin_api::client::{Accepted, CheckInClient, ClientError};
use checkin_api::outbox::{Delivered, Outbox, OutboxOptions};
use checkin_api::{ApiKey, CheckIn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::support::{Bench, EXAMPLE, SECRET};

/// Serves until the test ends.
async fn listen(bench: &Bench) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = bench.server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(server.clone());
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn client(address: SocketAddr, key: &str) -> CheckInClient {
    let url = format!("http://{address}/v1/checkins");
    CheckInClient::builder(&url).unwrap().api_key(ApiKey::new(key).unwrap()).build().unwrap()
}

fn numbered(number: usize) -> CheckIn {
    let example = CheckIn::decode(EXAMPLE.as_bytes()).unwrap();
    CheckIn { packet_hash: format!("{number:016X}").parse().unwrap(), ..example }
}

#[tokio::test]
async fn a_check_in_is_created_once_and_held_from_then_on() {
    let bench = Bench::new();
    let client = client(listen(&bench).await, SECRET);
    assert_eq!(client.status().await.unwrap(), "ok");
    let example = CheckIn::decode(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(client.submit(&example).await.unwrap(), Accepted::Created);
    let other = CheckIn { source_bot: Some("another bot".into()), ..example };
    assert_eq!(client.submit(&other).await.unwrap(), Accepted::AlreadyHeld);
}

#[tokio::test]
async fn a_key_is_tried_without_storing_anything() {
    let bench = Bench::new();
    let address = listen(&bench).await;
    client(address, SECRET).check_key().await.unwrap();
    assert!(client(address, "wrong").check_key().await.unwrap_err().is_unauthorized());
}

#[tokio::test]
async fn what_the_server_refuses_the_client_understands() {
    let bench = Bench::new();
    let address = listen(&bench).await;
    let error = client(address, "wrong").submit(&numbered(1)).await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_retryable(), "{error}");
    let long = CheckIn { username: "n".repeat(1025), ..numbered(1) };
    let error = client(address, SECRET).submit(&long).await.unwrap_err();
    assert!(error.is_poison(), "{error}");
    assert_eq!(error.refusal().unwrap().fields, ["username"]);
}

#[tokio::test]
async fn a_batch_has_a_result_for_each() {
    let bench = Bench::new();
    let client = client(listen(&bench).await, SECRET);
    client.submit(&numbered(2)).await.unwrap();
    let long = CheckIn { username: "n".repeat(1025), ..numbered(3) };
    let results = client.submit_batch(&[numbered(1), numbered(2), long, numbered(4)]).await.unwrap();
    assert!(matches!(results[0], Ok(Accepted::Created)));
    assert!(matches!(results[1], Ok(Accepted::AlreadyHeld)));
    assert!(matches!(&results[2], Err(error @ ClientError::Refused(_)) if error.is_poison()), "{results:?}");
    assert!(matches!(results[3], Ok(Accepted::Created)));
}

/// A flush of many: all of them arrive, one by one or by the batch, and the second bot's copies are held already.
#[tokio::test]
async fn a_flush_arrives_by_either_way() {
    let bench = Bench::new();
    let address = listen(&bench).await;
    let all: Vec<_> = (1..=600).map(numbered).collect();
    for (batches, created) in [(true, 600), (false, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = OutboxOptions::default();
        options.batches = batches;
        let outbox = Outbox::open(folder.path(), options).unwrap();
        outbox.put_all(&all).await.unwrap();
        let client = client(address, SECRET);
        let delivered = outbox.sender().unwrap().send_waiting(&client, |_| {}).await.unwrap();
        assert_eq!(delivered, Delivered { created, already_held: 600 - created, set_aside: 0 });
        assert_eq!(outbox.waiting().await.unwrap(), 0);
    }
}
