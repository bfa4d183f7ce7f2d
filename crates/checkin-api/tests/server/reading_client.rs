//! The client's typed calls against the server, over a socket.

use checkin_api::ApiKey;
use checkin_api::client::{CheckInClient, ClientError, ListQuery};
use checkin_api::server::store::{Role, Submissions};

use crate::reading_http::{copy, open_to_all, three_weeks};
use crate::sockets::listen;

const NET: &str = "mesh monday";

#[tokio::test]
async fn every_question_has_its_call() {
    let bench = three_weeks().await;
    let listening = listen(bench.server.clone()).await;
    let client =
        CheckInClient::builder(&format!("http://{}/checkins", listening.address)).unwrap().build().unwrap();

    let nets = client.nets().await.unwrap();
    assert_eq!(nets.nets.iter().map(|net| net.name.as_str()).collect::<Vec<_>>(), [NET, "polite"]);
    let board = client.board(NET, None).await.unwrap();
    assert_eq!((board.week.as_str(), board.total, board.entries.len()), ("2025-03-03", 2, 2));
    assert_eq!(client.board(NET, Some("2025-02-17")).await.unwrap().first_timers, 2);
    assert_eq!(client.weeks(NET, Some(1)).await.unwrap().weeks[0].check_ins, 3);
    let first = client.leaderboard(NET, Some(1), None).await.unwrap();
    let second = client.leaderboard(NET, Some(1), first.next.as_deref()).await.unwrap();
    assert_eq!((first.people[0].username.as_str(), second.people[0].username.as_str()), ("HOWL", "CROW"));
    let person = client.person(NET, "<script>").await.unwrap();
    assert_eq!((person.username.as_str(), person.current_streak), ("<script>", 1));
    assert_eq!(client.missing(NET).await.unwrap().present, 3);
    assert_eq!(client.search(NET, "howl", None).await.unwrap().results.len(), 2);
    assert_eq!(client.search(NET, "OWL", Some("2025-02-24")).await.unwrap().outside[0].reason, "window");
    let roll = client.roll_call("#meshmonday", Some("2025-W09"), Some("UTC")).await.unwrap();
    assert_eq!((roll.total, roll.zone.as_str()), (3, "UTC"));
    assert_eq!(client.bots().await.unwrap().bots.iter().map(|bot| bot.accepted).sum::<u64>(), 8);

    let mut query =
        ListQuery { limit: Some(3), channel: Some(" #MESHMONDAY".to_owned()), ..ListQuery::default() };
    let mut hashes = Vec::new();
    loop {
        let page = client.list(&query).await.unwrap();
        hashes.extend(page.check_ins.into_iter().map(|one| one.packet_hash));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(hashes, ["C3", "C2", "C1", "B2", "B1", "B3", "A2", "A1"]);
}

#[tokio::test]
async fn names_and_keys_reach_the_server_whole() {
    let bench = three_weeks().await;
    for (number, name) in ["a/b", "..", "50% +&=#?", "📻", " x "].into_iter().enumerate() {
        let hash = format!("N{number}");
        bench.store().submit(vec![copy(&hash, name, "", "2025-03-03T09:00:00-07:00", "east")]).await.unwrap();
    }
    let mut closed = open_to_all();
    closed.public_reading = false;
    bench.server.configure(closed);
    let listening = listen(bench.server.clone()).await;
    let builder = || CheckInClient::builder(&format!("http://{}/checkins", listening.address)).unwrap();
    let reader = bench.key(Role::Read, "reader").await;
    let client = builder().api_key(ApiKey::new(reader).unwrap()).build().unwrap();
    for name in ["a/b", "..", "50% +&=#?", "📻", " x "] {
        assert_eq!(client.person(NET, name).await.unwrap().username, name);
        let query = ListQuery { user: Some(name.to_owned()), ..ListQuery::default() };
        assert_eq!(client.list(&query).await.unwrap().check_ins.len(), 1, "{name}");
    }
    let refused = |error: ClientError| match error {
        ClientError::Refused(refusal) => (refusal.status, refusal.fields),
        other => panic!("{other}"),
    };
    assert_eq!(refused(client.person(NET, "nobody").await.unwrap_err()), (404, vec![]));
    let query = ListQuery { from: Some("soon".to_owned()), ..ListQuery::default() };
    assert_eq!(refused(client.list(&query).await.unwrap_err()), (400, vec!["from".to_owned()]));
    assert_eq!(refused(builder().build().unwrap().bots().await.unwrap_err()), (401, vec![]));
}
