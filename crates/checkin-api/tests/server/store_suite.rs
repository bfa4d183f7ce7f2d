//! What every store must do, whatever the database. Each case gets two handles on one fresh database, as two receivers have
//! that share it, and a look at what is in it.

use checkin_api::CheckIn;
use checkin_api::server::mint_key;
use checkin_api::server::store::{CheckInStore, NewKey, Outcome, RejectedCount, Role, Submission};

/// Calls a macro with the names of all cases.
macro_rules! store_cases {
    ($each:ident) => {
        $each! {
            the_first_copy_wins_across_receivers,
            a_batch_is_stored_whole_and_judged_line_by_line,
            odd_texts_come_back_as_they_went_in,
            who_heard_it_is_kept_once_a_bot,
            c2_receivers_that_store_the_same_at_once_keep_one,
            refusals_are_added_up,
            keys_are_added_found_listed_and_revoked,
            names_of_keys_are_free_again_after_revocation,
        }
    };
}
pub(crate) use store_cases;

/// Reads rows with the words of any database, each value as text, NULL as nothing.
pub(crate) trait Peek {
    fn rows(&self, query: &str) -> Vec<Vec<String>>;
}

pub(crate) const START: i64 = 1_741_037_410;

fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(START + seconds).expect("a time")
}

pub(crate) fn copy(hash: &str, username: &str, bot: Option<&str>, key: &str) -> Submission {
    let check_in = CheckIn {
        packet_hash: hash.parse().expect("a hash"),
        username: username.to_owned(),
        message: "check in".to_owned(),
        channel: "#meshmonday".to_owned(),
        timestamp: "2025-03-03T14:30:00-07:00".into(),
        source_bot: bot.map(str::to_owned),
    };
    Submission { check_in, received_at: at(0), key: key.to_owned() }
}

pub(crate) async fn the_first_copy_wins_across_receivers<S: CheckInStore>(
    store: S,
    rival: S,
    peek: &dyn Peek,
) {
    let first = copy("AA", "HOWL", Some("east"), "k1");
    let other = copy("AA", "SOMEBODY ELSE", Some("west"), "k2");
    assert_eq!(store.submit(vec![first.clone()]).await, Ok(vec![Outcome::New]));
    assert_eq!(rival.submit(vec![other]).await, Ok(vec![Outcome::Duplicate]));
    assert_eq!(store.submit(vec![first]).await, Ok(vec![Outcome::Duplicate]));
    let rows = peek
        .rows("SELECT packet_hash, username, source_bot, key_name, instant, at, received_at FROM check_ins");
    assert_eq!(rows, [["AA", "HOWL", "east", "k1", "1741037400", "1741037400", "1741037410"]]);
    assert_eq!(store.check().await, Ok(()));
}

pub(crate) async fn a_batch_is_stored_whole_and_judged_line_by_line<S: CheckInStore>(
    store: S,
    rival: S,
    peek: &dyn Peek,
) {
    assert_eq!(store.submit(Vec::new()).await, Ok(Vec::new()));
    assert_eq!(rival.submit(vec![copy("C", "HELD", None, "k")]).await, Ok(vec![Outcome::New]));
    let lines = ["B", "C", "A", "B", "D"];
    let copies = lines.iter().enumerate().map(|(line, hash)| copy(hash, &format!("line {line}"), None, "k"));
    let expected = vec![Outcome::New, Outcome::Duplicate, Outcome::New, Outcome::Duplicate, Outcome::New];
    assert_eq!(store.submit(copies.collect()).await, Ok(expected));
    let rows = peek.rows("SELECT packet_hash, username FROM check_ins ORDER BY packet_hash");
    assert_eq!(rows, [["A", "line 2"], ["B", "line 0"], ["C", "HELD"], ["D", "line 4"]]);
    let many: Vec<_> = (0..2000).map(|n| copy(&format!("many {n}"), "HOWL", None, "k")).collect();
    assert_eq!(store.submit(many.clone()).await, Ok(vec![Outcome::New; 2000]));
    assert_eq!(rival.submit(many).await, Ok(vec![Outcome::Duplicate; 2000]));
    let counted = peek.rows("SELECT bot, accepted, duplicates FROM bots");
    assert_eq!(counted, [["k", "2004", "2002"]]);
}

pub(crate) async fn odd_texts_come_back_as_they_went_in<S: CheckInStore>(
    store: S,
    _rival: S,
    peek: &dyn Peek,
) {
    let odd = "'; DROP TABLE check_ins; -- \u{1F4E1} \u{202E} \\ \"";
    let mut one = copy(odd, odd, Some(odd), odd);
    one.check_in.message = odd.to_owned();
    one.check_in.channel = odd.to_owned();
    one.check_in.timestamp = odd.into();
    let mut long = copy(&"h".repeat(256), &"u".repeat(1024), Some(&"b".repeat(1024)), "k");
    long.check_in.channel = "c".repeat(1024);
    let mut nul = copy("NUL", "a\0b", None, "k");
    nul.check_in.message = "\0".to_owned();
    assert_eq!(store.submit(vec![one, long, nul.clone()]).await, Ok(vec![Outcome::New; 3]));
    assert_eq!(store.submit(vec![nul]).await, Ok(vec![Outcome::Duplicate]));
    let rows = peek.rows(
        "SELECT packet_hash, username, message, channel, timestamp, instant, at, source_bot, key_name FROM check_ins \
         WHERE id = 1",
    );
    assert_eq!(rows, [[odd, odd, odd, odd, odd, "", "1741037410", odd, odd]]);
    let lengths =
        peek.rows("SELECT length(username), length(channel) FROM check_ins WHERE username LIKE 'u%'");
    assert_eq!(lengths, [["1024", "1024"]]);
}

pub(crate) async fn who_heard_it_is_kept_once_a_bot<S: CheckInStore>(store: S, rival: S, peek: &dyn Peek) {
    for (seconds, bot) in [(0, Some("east")), (5, Some("west")), (9, None), (20, Some("east"))] {
        let mut copy = copy("AA", "HOWL", bot, "key");
        copy.received_at = at(seconds);
        let store = if seconds % 2 == 0 { &store } else { &rival };
        store.submit(vec![copy]).await.expect("stored");
    }
    let heard = peek.rows(
        "SELECT bot, h.at FROM heard h JOIN check_ins c ON c.id = h.check_in WHERE packet_hash = 'AA' ORDER BY h.at",
    );
    assert_eq!(heard, [["east", "1741037410"], ["west", "1741037415"], ["key", "1741037419"]]);
    let bots = peek.rows("SELECT bot, last_seen, accepted, duplicates, rejected FROM bots ORDER BY bot");
    assert_eq!(
        bots,
        [
            ["east", "1741037430", "1", "1", "0"],
            ["key", "1741037419", "0", "1", "0"],
            ["west", "1741037415", "0", "1", "0"]
        ]
    );
}

/// Threat C2 with batches that are in each other's way: the same check-ins in opposite orders.
pub(crate) async fn c2_receivers_that_store_the_same_at_once_keep_one<S: CheckInStore>(
    store: S,
    rival: S,
    peek: &dyn Peek,
) {
    let tasks: Vec<_> = (0..8)
        .map(|client| {
            let store = if client % 2 == 0 { store.clone() } else { rival.clone() };
            tokio::spawn(async move {
                let mut new = 0;
                for round in 0..10 {
                    let hashes = (0..50).map(|n| if client % 2 == 0 { n } else { 49 - n });
                    let bot = format!("bot {client}");
                    let copies =
                        hashes.map(|n| copy(&format!("{round} {n}"), "HOWL", Some(&bot), "k")).collect();
                    let outcomes = store.submit(copies).await.expect("stored");
                    new += outcomes.iter().filter(|outcome| **outcome == Outcome::New).count();
                }
                new
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.expect("no panic");
    }
    assert_eq!(new, 500);
    assert_eq!(peek.rows("SELECT COUNT(*) FROM check_ins"), [["500"]]);
    assert_eq!(peek.rows("SELECT COUNT(*) FROM heard"), [["4000"]]);
    assert_eq!(peek.rows("SELECT SUM(accepted), SUM(duplicates) FROM bots"), [["500", "3500"]]);
}

pub(crate) async fn refusals_are_added_up<S: CheckInStore>(store: S, rival: S, peek: &dyn Peek) {
    let count =
        |bot: &str, count, seconds| RejectedCount { bot: bot.to_owned(), count, last_at: at(seconds) };
    assert_eq!(store.add_rejected(Vec::new()).await, Ok(()));
    assert_eq!(store.add_rejected(vec![count("west", 2, 7), count("east", 1, 3)]).await, Ok(()));
    assert_eq!(rival.add_rejected(vec![count("west", 40, 2)]).await, Ok(()));
    let bots = peek.rows("SELECT bot, last_seen, accepted, duplicates, rejected FROM bots ORDER BY bot");
    assert_eq!(bots, [["east", "1741037413", "0", "0", "1"], ["west", "1741037417", "0", "0", "42"]]);
}

fn key(role: Role, name: &str, seconds: i64) -> NewKey {
    mint_key(role, name, at(seconds), None).expect("randomness").key
}

pub(crate) async fn keys_are_added_found_listed_and_revoked<S: CheckInStore>(
    store: S,
    rival: S,
    _: &dyn Peek,
) {
    let mut west = key(Role::Submit, "west", 0);
    west.expires_at = Some(at(3600));
    let page = key(Role::Operator, "page", 1);
    assert_eq!(store.add_key(west.clone()).await, Ok(true));
    assert_eq!(rival.add_key(page.clone()).await, Ok(true));
    assert_eq!(rival.add_key(west.clone()).await, Ok(false), "the id is taken");
    let found = rival.key(&west.id).await.expect("read").expect("there");
    assert_eq!((found.name.as_str(), found.role, found.sha256), ("west", Role::Submit, west.sha256));
    assert_eq!((found.created_at, found.expires_at, found.revoked_at), (at(0), Some(at(3600)), None));
    assert_eq!((found.is_in_force(at(3599)), found.is_in_force(at(3600))), (true, false));
    assert_eq!(store.key("00000000").await, Ok(None));
    assert_eq!(rival.revoke_key(&page.id, at(5)).await, Ok(true));
    assert_eq!(rival.revoke_key(&page.id, at(6)).await, Ok(false));
    assert_eq!(rival.revoke_key("nobody", at(6)).await, Ok(false));
    let listed = store.keys().await.expect("read");
    let shown: Vec<_> = listed.iter().map(|key| (key.name.as_str(), key.role, key.revoked_at)).collect();
    assert_eq!(shown, [("west", Role::Submit, None), ("page", Role::Operator, Some(at(5)))]);
}

pub(crate) async fn names_of_keys_are_free_again_after_revocation<S: CheckInStore>(
    store: S,
    rival: S,
    _: &dyn Peek,
) {
    let (first, second) = (key(Role::Submit, "west", 0), key(Role::Submit, "west", 1));
    assert_eq!(store.add_key(first.clone()).await, Ok(true));
    assert_eq!(rival.add_key(second.clone()).await, Ok(false), "two in force with one name");
    assert_eq!(rival.revoke_key("west", at(2)).await, Ok(true));
    assert_eq!(rival.add_key(second.clone()).await, Ok(true));
    assert!(!store.key(&first.id).await.expect("read").expect("there").is_in_force(at(3)));
    assert!(store.key(&second.id).await.expect("read").expect("there").is_in_force(at(3)));
}
