//! What becomes of a check-in that is posted.

use checkin_api::server::store::Role;

use crate::support::{Bench, EXAMPLE, SECRET, check_in, post, request};

fn json(check_in: &checkin_api::CheckIn) -> String {
    String::from_utf8(check_in.encode()).expect("text")
}

#[tokio::test]
async fn the_documents_example_is_stored_once_on_every_path() {
    let bench = Bench::new();
    let first = bench.post(EXAMPLE, SECRET).await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (201, r#"{"status":"created"}"#));
    assert_eq!(first.header("content-type"), "application/json");
    for path in ["/", "/checkins", "/v1/checkins", "/checkins?x=y"] {
        let again = bench.send(post(path, EXAMPLE, SECRET)).await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (200, r#"{"status":"duplicate"}"#),
            "{path}"
        );
    }
    let rows = bench.rows(
        "SELECT packet_hash, username, message, channel, timestamp, instant, at, received_at, source_bot, key_name \
         FROM check_ins",
    );
    let row = [
        "A1B2C3D4E5F67890",
        "HOWL",
        "check in",
        "#meshmonday",
        "2025-03-03T14:30:00-07:00",
        "1741037400",
        "1741037400",
        "1741037410",
        "meshcore-bot",
        "environment",
    ];
    assert_eq!(rows, [row]);
    assert_eq!(
        bench.rows("SELECT bot, accepted, duplicates, rejected FROM bots"),
        [["meshcore-bot", "1", "4", "0"]]
    );
}

#[tokio::test]
async fn the_first_copy_wins_and_who_heard_it_is_kept_beside_it() {
    let bench = Bench::new();
    let west = bench.key(Role::Submit, "west").await;
    let mut copy = check_in("AA", "HOWL", Some("bot-east"));
    assert_eq!(bench.post(&json(&copy), SECRET).await.status, 201);
    copy.username = "SOMEBODY ELSE".to_owned();
    copy.message = "rewritten".to_owned();
    copy.source_bot = None;
    bench.clock.advance(60);
    assert_eq!(bench.post(&json(&copy), &west).await.status, 200);
    assert_eq!(bench.post(&json(&copy), &west).await.status, 200);
    let kept = bench.rows("SELECT username, message, source_bot, key_name FROM check_ins");
    assert_eq!(kept, [["HOWL", "check in", "bot-east", "environment"]]);
    let heard = bench.rows("SELECT bot, at FROM heard ORDER BY at");
    assert_eq!(heard, [["bot-east", "1741037410"], ["west", "1741037470"]]);
    let bots = bench.rows("SELECT bot, accepted, duplicates, last_seen FROM bots ORDER BY bot");
    assert_eq!(bots, [["bot-east", "1", "0", "1741037410"], ["west", "0", "2", "1741037470"]]);
}

#[tokio::test]
async fn strangers_without_a_hash_do_not_overwrite_each_other_and_retries_stay_one() {
    let bench = Bench::new();
    let zero = "0000000000000000";
    let mut howl = check_in(zero, "HOWL", Some("east"));
    let fern = check_in(zero, "FERN", Some("east"));
    let mut later = howl.clone();
    later.timestamp = "2025-03-10T14:30:00-07:00".into();
    for one in [&howl, &fern, &later] {
        assert_eq!(bench.post(&json(one), SECRET).await.status, 201);
        assert_eq!(bench.post(&json(one), SECRET).await.status, 200);
    }
    // The same moment in another zone, heard by another bot.
    howl.timestamp = "2025-03-03T21:30:00Z".into();
    howl.source_bot = Some("west".to_owned());
    assert_eq!(bench.post(&json(&howl), SECRET).await.status, 200);
    let rows = bench.rows("SELECT username, timestamp FROM check_ins ORDER BY id");
    let at = ["2025-03-03T14:30:00-07:00", "2025-03-10T14:30:00-07:00"];
    assert_eq!(rows, [["HOWL", at[0]], ["FERN", at[0]], ["HOWL", at[1]]]);
    let odd = bench.rows("SELECT COUNT(*) FROM check_ins WHERE packet_hash NOT LIKE '0000000000000000/%'");
    assert_eq!(odd, [["0"]]);
}

#[tokio::test]
async fn an_empty_message_and_a_timestamp_that_is_no_date_are_stored() {
    let bench = Bench::new();
    let mut odd = check_in("AA", "HOWL", None);
    odd.message = String::new();
    for (hash, timestamp, instant, at) in [
        ("01", "yesterday", "NULL", "1741037410"),
        ("02", "", "NULL", "1741037410"),
        // Without an offset it stands where its date says, as if that were UTC's.
        ("03", "2025-03-03T14:30:00", "NULL", "1741012200"),
        ("04", "9998-12-31T00:00:00Z", "253370678400", "253370678400"),
    ] {
        odd.packet_hash = hash.parse().expect("a hash");
        odd.timestamp = timestamp.into();
        assert_eq!(bench.post(&json(&odd), SECRET).await.status, 201, "{timestamp}");
        let rows = bench.rows(&format!(
            "SELECT message, timestamp, instant, at, source_bot FROM check_ins WHERE packet_hash = '{hash}'"
        ));
        assert_eq!(rows, [["", timestamp, instant, at, "NULL"]]);
    }
    assert_eq!(bench.rows("SELECT bot, accepted FROM bots"), [["environment", "4"]]);
}

#[tokio::test]
async fn a_get_or_head_on_a_submission_path_needs_no_key() {
    let bench = Bench::new();
    for path in ["/", "/checkins", "/v1/checkins"] {
        let answer = bench.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, r#"{"status":"ok"}"#));
        let head = bench.send(request("HEAD", path, &[], "")).await;
        assert_eq!(
            (head.status.as_u16(), head.text.as_str(), head.header("content-length")),
            (200, "", "15")
        );
    }
}
