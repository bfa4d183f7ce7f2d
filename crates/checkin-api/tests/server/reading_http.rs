//! Reading back over HTTP: who may, what is refused, what the answers say.

use checkin_api::net::{Definition, Net};
use checkin_api::server::store::{Role, Submission, Submissions};
use checkin_api::server::{Settings, SqliteOptions};

use crate::support::{Answer, Bench, SECRET, START, check_in, request, settings, time};

fn net(name: &str, phrase: Option<&str>) -> Net {
    Net::new(Definition {
        name: name.to_owned(),
        channel: "#meshmonday".to_owned(),
        weekday: "monday".to_owned(),
        opens: "08:00".parse().expect("a time"),
        closes: "20:00".parse().expect("a time"),
        zone: "America/Denver".to_owned(),
        phrase: phrase.map(str::to_owned),
    })
    .expect("a net")
}

pub(crate) fn open_to_all() -> Settings {
    let mut settings = settings();
    settings.public_reading = true;
    settings.nets = vec![net("mesh monday", None), net("polite", Some("please"))];
    settings
}

pub(crate) fn copy(hash: &str, username: &str, message: &str, timestamp: &str, bot: &str) -> Submission {
    let mut check_in = check_in(hash, username, Some(bot));
    check_in.message = message.to_owned();
    check_in.timestamp = timestamp.into();
    Submission { check_in, received_at: time(START), key: "tests".to_owned() }
}

/// Three weeks: HOWL always, CROW in the first two, `<script>` for the first time in the last.
pub(crate) async fn three_weeks() -> Bench {
    let bench = Bench::with(open_to_all(), |options| options);
    let copies = vec![
        copy("A1", "HOWL", "one", "2025-02-17T09:00:00-07:00", "east"),
        copy("A2", "CROW", "one please", "2025-02-17T10:00:00-07:00", "east"),
        copy("B1", "HOWL", "two", "2025-02-24T09:00:00-07:00", "east"),
        copy("B2", "CROW", "two", "2025-02-24T10:00:00-07:00", "west"),
        copy("B3", "OWL", "early", "2025-02-24T07:59:59-07:00", "west"),
        copy("C1", "<script>", "=cmd()", "2025-03-03T08:00:00-07:00", "east"),
        copy("C2", "HOWL", "Please, three", "2025-03-03T14:30:00-07:00", "east"),
        copy("C2", "HOWL", "Please, three", "2025-03-03T14:30:01-07:00", "west"),
        copy("C3", "HOWL", "again", "2025-03-03T14:31:00-07:00", "west"),
    ];
    bench.store().submit(copies).await.expect("stored");
    bench
}

async fn with_key(bench: &Bench, path: &str, key: &str) -> Answer {
    bench.send(request("GET", path, &[("authorization", &format!("Bearer {key}"))], "")).await
}

const PATHS: [&str; 12] = [
    "/v1/checkins/list",
    "/v1/checkins/export.csv",
    "/v1/checkins/export.jsonl",
    "/v1/checkins/channels/%23meshmonday/roll-call",
    "/v1/checkins/nets",
    "/v1/checkins/nets/mesh%20monday/weeks",
    "/v1/checkins/nets/mesh%20monday/weeks/current",
    "/v1/checkins/nets/mesh%20monday/leaderboard",
    "/v1/checkins/nets/mesh%20monday/people/HOWL",
    "/v1/checkins/nets/mesh%20monday/missing",
    "/v1/checkins/search?net=mesh+monday&q=h",
    "/v1/checkins/bots",
];

#[tokio::test]
async fn reading_needs_a_reading_key_unless_it_is_public() {
    let bench = three_weeks().await;
    for path in PATHS {
        assert_eq!(bench.get(path).await.status, 200, "{path}");
    }
    let mut closed = open_to_all();
    closed.public_reading = false;
    bench.server.configure(closed);
    let (reader, bot) = (bench.key(Role::Read, "reader").await, bench.key(Role::Submit, "bot").await);
    for path in PATHS {
        let refused = bench.get(path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"check-in\"");
        assert_eq!(with_key(&bench, path, &bot).await.status, 403, "{path}");
        assert_eq!(with_key(&bench, path, SECRET).await.status, 403, "{path}");
        let read = with_key(&bench, path, &reader).await;
        assert_eq!(read.status, 200, "{path}: {}", read.text);
        let posted = bench.send(request("POST", path, &[], "")).await;
        assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, "GET, HEAD, OPTIONS"), "{path}");
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let bench = three_weeks().await;
    for path in PATHS {
        let get = bench.get(path).await;
        let head = bench.send(request("HEAD", path, &[], "")).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        if !path.contains("export") {
            assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_wrong_is_named() {
    let bench = three_weeks().await;
    for (path, fields) in [
        ("/v1/checkins/list?limit=0", vec!["limit"]),
        ("/v1/checkins/list?limit=501", vec!["limit"]),
        ("/v1/checkins/list?cursor=x", vec!["cursor"]),
        ("/v1/checkins/list?from=monday", vec!["from"]),
        ("/v1/checkins/list?from=2025-03-04&to=2025-03-01", vec!["from", "to"]),
        ("/v1/checkins/list?zone=Nowhere/Land", vec!["zone"]),
        ("/v1/checkins/list?chanel=a", vec!["chanel"]),
        ("/v1/checkins/list?user=a&user=b", vec!["user"]),
        ("/v1/checkins/list?user=%ff", vec!["user"]),
        ("/v1/checkins/export.csv?limit=5", vec!["limit"]),
        ("/v1/checkins/export.jsonl?to=x", vec!["to"]),
        ("/v1/checkins/channels/a/roll-call?week=2025-03-03", vec!["week"]),
        ("/v1/checkins/channels/a/roll-call?week=2025-W11", vec!["week"]),
        ("/v1/checkins/nets?x=1", vec!["x"]),
        ("/v1/checkins/nets/mesh%20monday/weeks?limit=1041", vec!["limit"]),
        ("/v1/checkins/nets/mesh%20monday/leaderboard?cursor=1.2.3", vec!["cursor"]),
        ("/v1/checkins/search?q=h", vec!["net"]),
        ("/v1/checkins/search?net=mesh+monday&q=", vec!["q"]),
        ("/v1/checkins/bots?a", vec!["a"]),
    ] {
        let refused = bench.get(path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(refused.json()["fields"], serde_json::json!(fields), "{path}");
    }
    for path in [
        "/v1/checkins/nets/other/weeks",
        "/v1/checkins/nets/%ff/weeks",
        "/v1/checkins/nets/mesh%20monday/weeks/2025-03-04",
        "/v1/checkins/nets/mesh%20monday/weeks/2025-03-10",
        "/v1/checkins/nets/mesh%20monday/weeks/never",
        "/v1/checkins/nets/mesh%20monday/people/nobody",
        "/v1/checkins/nets/mesh%20monday/people/OWL",
        "/v1/checkins/search?net=other&q=a",
        "/v1/checkins/nothing",
    ] {
        let refused = bench.get(path).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("content-type")),
            (404, "application/json"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_nets_say_how_they_stand() {
    let bench = three_weeks().await;
    let nets = bench.get("/v1/checkins/nets").await.json();
    assert_eq!(
        nets["nets"][0],
        serde_json::json!({
            "name": "mesh monday", "channel": "#meshmonday", "weekday": "monday", "opens": "08:00", "closes": "20:00",
            "zone": "America/Denver", "phrase": null,
            "current": {"week": "2025-03-03", "opens_at": "2025-03-03T15:00:00Z", "closes_at": "2025-03-04T03:00:00Z", "is_open": true},
            "next": {"week": "2025-03-10", "opens_at": "2025-03-10T14:00:00Z", "closes_at": "2025-03-11T02:00:00Z"},
        })
    );
    assert_eq!(nets["nets"][1]["phrase"], "please");
    bench.clock.advance(6 * 3600);
    let nets = bench.get("/v1/checkins/nets").await.json();
    assert_eq!(nets["nets"][0]["current"]["is_open"], false);
    assert_eq!(nets["nets"][0]["current"]["week"], "2025-03-03");
}

#[tokio::test]
async fn the_board_shows_the_week() {
    let bench = three_weeks().await;
    let board = bench.get("/v1/checkins/nets/mesh%20monday/weeks/current").await.json();
    let heard = |bots: &[&str]| -> serde_json::Value {
        bots.iter().map(|bot| serde_json::json!({"bot": bot, "at": "2025-03-03T21:30:10Z"})).collect()
    };
    assert_eq!(
        board,
        serde_json::json!({
            "net": "mesh monday", "channel": "#meshmonday", "week": "2025-03-03", "previous": "2025-02-24", "next": null,
            "opens_at": "2025-03-03T15:00:00Z", "closes_at": "2025-03-04T03:00:00Z", "is_open": true,
            "total": 2, "check_ins": 3, "first_timers": 1, "returning": 1,
            "longest_streak": {"username": "HOWL", "weeks": 3},
            "entries": [
                {"username": "<script>", "message": "=cmd()", "timestamp": "2025-03-03T08:00:00-07:00", "check_ins": 1,
                 "heard_by": heard(&["east"]), "first_time": true, "streak": 1},
                {"username": "HOWL", "message": "Please, three", "timestamp": "2025-03-03T14:30:00-07:00", "check_ins": 2,
                 "heard_by": heard(&["east", "west"]), "first_time": false, "streak": 3},
            ],
            "truncated": false,
            "summary": "mesh monday, 2025-03-03: 2 checked in, 1 first-timer, 1 returning. Longest streak: HOWL, 3 weeks.",
            "summary_short": "mesh monday 2025-03-03: 2 in, 1 new, 1 back, best HOWL 3w",
        })
    );
    let same = bench.get("/v1/checkins/nets/mesh%20monday/weeks/2025-03-03").await.json();
    assert_eq!(same, board);
    let first = bench.get("/v1/checkins/nets/mesh%20monday/weeks/2025-02-17").await.json();
    assert_eq!(
        (&first["previous"], &first["next"], &first["is_open"]),
        (&serde_json::Value::Null, &"2025-02-24".into(), &false.into())
    );
    assert_eq!((&first["first_timers"], &first["longest_streak"]), (&2.into(), &serde_json::Value::Null));
    // Where a phrase counts, others were not there.
    let polite = bench.get("/v1/checkins/nets/polite/weeks/current").await.json();
    assert_eq!((&polite["total"], &polite["entries"][0]["first_time"]), (&1.into(), &true.into()));
}

#[tokio::test]
async fn weeks_leaders_people_and_the_missing() {
    let bench = three_weeks().await;
    let weeks = bench.get("/v1/checkins/nets/mesh%20monday/weeks?limit=2").await.json();
    assert_eq!(
        weeks["weeks"],
        serde_json::json!([
            {"week": "2025-03-03", "people": 2, "check_ins": 3, "first_timers": 1, "returning": 1},
            {"week": "2025-02-24", "people": 2, "check_ins": 2, "first_timers": 0, "returning": 2},
        ])
    );
    let page = bench.get("/v1/checkins/nets/mesh%20monday/leaderboard?limit=2").await.json();
    assert_eq!(
        page,
        serde_json::json!({
            "net": "mesh monday",
            "people": [
                {"username": "HOWL", "weeks": 3, "current_streak": 3, "longest_streak": 3, "last_week": "2025-03-03"},
                {"username": "CROW", "weeks": 2, "current_streak": 2, "longest_streak": 2, "last_week": "2025-02-24"},
            ],
            "next": "2.2.2.CROW",
        })
    );
    let rest =
        bench.get("/v1/checkins/nets/mesh%20monday/leaderboard?limit=2&cursor=2.2.2.CROW").await.json();
    assert_eq!(rest["people"][0]["username"], "<script>");
    assert_eq!((rest["people"].as_array().map(Vec::len), &rest["next"]), (Some(1), &serde_json::Value::Null));

    let howl = bench.get("/v1/checkins/nets/mesh%20monday/people/HOWL").await.json();
    assert_eq!(
        (&howl["current_streak"], &howl["longest_streak"], &howl["missed"]),
        (&3.into(), &3.into(), &0.into())
    );
    assert_eq!(howl["weeks"][0]["week"], "2025-03-03");
    assert_eq!(howl["weeks"][0]["check_ins"][0]["message"], "Please, three");
    assert_eq!(howl["weeks"][0]["check_ins"][0]["heard_by"].as_array().map(Vec::len), Some(2));
    assert_eq!(howl["weeks"][0]["check_ins"].as_array().map(Vec::len), Some(2));
    let script = bench.get("/v1/checkins/nets/mesh%20monday/people/%3Cscript%3E").await.json();
    assert_eq!(script["weeks"][0]["check_ins"][0]["message"], "=cmd()");

    let missing = bench.get("/v1/checkins/nets/mesh%20monday/missing").await.json();
    assert_eq!(
        (&missing["people"], &missing["present"], &missing["of"]),
        (&serde_json::json!([]), &3.into(), &4.into())
    );
    let mut lenient = open_to_all();
    lenient.regulars = checkin_api::net::Regulars::new(2, 4).expect("a rule");
    bench.server.configure(lenient);
    let missing = bench.get("/v1/checkins/nets/mesh%20monday/missing").await.json();
    assert_eq!(
        missing["people"],
        serde_json::json!([{"username": "CROW", "last_week": "2025-02-24", "weeks": 2, "streak": 2, "longest_streak": 2}])
    );
}

#[tokio::test]
async fn was_i_heard() {
    let bench = three_weeks().await;
    let found = bench.get("/v1/checkins/search?net=mesh+monday&q=%20howl").await.json();
    assert_eq!(found["results"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["results"][1]["message"], "Please, three");
    assert_eq!(
        (&found["outside"], &found["more"], &found["week"]),
        (&serde_json::json!([]), &false.into(), &"2025-03-03".into())
    );
    let polite = bench.get("/v1/checkins/search?net=polite&q=HOWL").await.json();
    assert_eq!(
        (&polite["results"][0]["message"], &polite["outside"][0]["reason"]),
        (&"Please, three".into(), &"phrase".into())
    );
    let early = bench.get("/v1/checkins/search?net=mesh+monday&q=OWL&week=2025-02-24").await.json();
    assert_eq!(early["results"][0]["username"], "HOWL");
    assert_eq!(
        (&early["outside"][0]["username"], &early["outside"][0]["reason"]),
        (&"OWL".into(), &"window".into())
    );
    let nobody = bench.get("/v1/checkins/search?net=mesh+monday&q=%25").await.json();
    assert_eq!((&nobody["results"], &nobody["outside"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[tokio::test]
async fn the_roll_is_called_without_a_net() {
    let bench = three_weeks().await;
    let roll = bench
        .get("/v1/checkins/channels/%23MeshMonday/roll-call?week=2025-W09&zone=Europe/Zurich")
        .await
        .json();
    assert_eq!(
        (&roll["channel"], &roll["week"], &roll["zone"]),
        (&"#MeshMonday".into(), &"2025-W09".into(), &"Europe/Zurich".into())
    );
    assert_eq!(
        (&roll["from"], &roll["to"]),
        (&"2025-02-23T23:00:00Z".into(), &"2025-03-02T23:00:00Z".into())
    );
    assert_eq!(
        roll["entries"],
        serde_json::json!([
            {"username": "CROW", "check_ins": 1, "timestamp": "2025-02-24T10:00:00-07:00", "first_time": false, "weeks": 2, "streak": 2, "longest_streak": 2},
            {"username": "HOWL", "check_ins": 1, "timestamp": "2025-02-24T09:00:00-07:00", "first_time": false, "weeks": 2, "streak": 2, "longest_streak": 2},
            {"username": "OWL", "check_ins": 1, "timestamp": "2025-02-24T07:59:59-07:00", "first_time": true, "weeks": 1, "streak": 1, "longest_streak": 1},
        ])
    );
    let current = bench.get("/v1/checkins/channels/%23meshmonday/roll-call").await.json();
    assert_eq!((&current["week"], &current["total"]), (&"2025-W10".into(), &2.into()));
}

#[tokio::test]
async fn lists_go_on_where_they_stopped() {
    let bench = three_weeks().await;
    let mut hashes = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bench
            .get(&format!("/v1/checkins/list?limit=3&channel=%23meshmonday&cursor={cursor}"))
            .await
            .json();
        hashes.extend(
            page["check_ins"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["packet_hash"].as_str().expect("text").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(hashes, ["C3", "C2", "C1", "B2", "B1", "B3", "A2", "A1"]);
    let day = bench
        .get("/v1/checkins/list?from=2025-02-24&to=2025-02-24&zone=America/Denver&user=CROW")
        .await
        .json();
    assert_eq!(
        day,
        serde_json::json!({"check_ins": [{
            "packet_hash": "B2", "username": "CROW", "message": "two", "channel": "#meshmonday",
            "timestamp": "2025-02-24T10:00:00-07:00", "source_bot": "west", "received_at": "2025-03-03T21:30:10Z", "key": "tests",
            "heard_by": [{"bot": "west", "at": "2025-03-03T21:30:10Z"}],
        }], "next": null})
    );
    let heard = bench.get("/v1/checkins/list?bot=west&limit=500").await.json();
    let heard: Vec<_> = heard["check_ins"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["packet_hash"].as_str().expect("text"))
        .collect();
    assert_eq!(heard, ["C3", "C2", "B3", "B2"]);
}

#[tokio::test]
async fn an_answer_that_is_known_is_not_sent_again() {
    let bench = three_weeks().await;
    for path in PATHS.iter().filter(|path| !path.contains("export")) {
        let first = bench.get(path).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 26, "{path}: {tag}");
        assert_eq!((first.header("cache-control"), first.header("vary")), ("no-cache", "authorization"));
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = bench.send(request("GET", path, &[("if-none-match", &known)], "")).await;
            assert_eq!(
                (again.status.as_u16(), again.text.as_str(), again.header("etag")),
                (304, "", tag.as_str()),
                "{path}"
            );
        }
        let other = bench.send(request("GET", path, &[("if-none-match", "\"x\"")], "")).await;
        assert_eq!((other.status.as_u16(), &other.text), (200, &first.text), "{path}");
        // A second bot's report changes nothing but who heard it, and that is news.
        let bot = format!("bot of {path}");
        bench
            .store()
            .submit(vec![copy("C1", "<script>", "", "2025-03-03T08:00:00-07:00", &bot)])
            .await
            .expect("stored");
        let news = bench.send(request("GET", path, &[("if-none-match", &tag)], "")).await;
        assert_eq!(news.status, 200, "{path}");
        assert_ne!(news.header("etag"), tag, "{path}");
    }
}

#[tokio::test]
async fn time_alone_makes_news() {
    let bench = three_weeks().await;
    let path = "/v1/checkins/nets/mesh%20monday/weeks/current";
    let open = bench.get(path).await;
    bench.clock.advance(3600);
    assert_eq!(bench.get(path).await.header("etag"), open.header("etag"), "nothing changed within the hour");
    bench.clock.advance(5 * 3600);
    let closed = bench.get(path).await;
    assert_ne!(closed.header("etag"), open.header("etag"));
    assert_eq!(closed.json()["is_open"], false);
    let leaders = "/v1/checkins/nets/mesh%20monday/leaderboard";
    assert_eq!(bench.get(leaders).await.json()["people"][1]["current_streak"], 0, "CROW did not come");
}

#[tokio::test]
async fn exports_are_whole_and_harmless() {
    let bench = three_weeks().await;
    let csv = bench.get("/v1/checkins/export.csv?from=2025-03-03").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"check-ins.csv\"");
    assert_eq!(
        csv.text,
        "packet_hash,username,message,channel,timestamp,source_bot,received_at,key,heard_by\r\n\
         C1,<script>,\"'=cmd()\",#meshmonday,2025-03-03T08:00:00-07:00,east,2025-03-03T21:30:10Z,tests,east\r\n\
         C2,HOWL,\"Please, three\",#meshmonday,2025-03-03T14:30:00-07:00,east,2025-03-03T21:30:10Z,tests,east; west\r\n\
         C3,HOWL,again,#meshmonday,2025-03-03T14:31:00-07:00,west,2025-03-03T21:30:10Z,tests,west\r\n"
    );
    let lines = bench.get("/v1/checkins/export.jsonl").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let hashes: Vec<_> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str::<checkin_api::reading::Listed>(line).expect("a line").packet_hash)
        .collect();
    assert_eq!(hashes, ["A1", "A2", "B3", "B1", "B2", "C1", "C2", "C3"]);
    let none = bench.get("/v1/checkins/export.jsonl?user=nobody").await;
    assert_eq!((none.status.as_u16(), none.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_long_export_comes_in_pieces_and_misses_nothing() {
    let bench = Bench::with(open_to_all(), |options| options);
    let copies: Vec<_> = (0..1234)
        .map(|number| copy(&format!("{number:04}"), "HOWL", "x", "2025-03-03T08:00:00-07:00", "east"))
        .collect();
    bench.store().submit(copies).await.expect("stored");
    let lines = bench.get("/v1/checkins/export.jsonl").await;
    let hashes: Vec<_> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line")["packet_hash"].clone())
        .collect();
    let expected: Vec<serde_json::Value> = (0..1234).map(|number| format!("{number:04}").into()).collect();
    assert_eq!(hashes, expected);
}

#[tokio::test]
async fn an_export_reads_ahead_no_more_than_a_few_pieces() {
    use http_body_util::BodyExt;
    use tower_service::Service;

    let bench = Bench::with(open_to_all(), |options| options);
    let copies: Vec<_> = (0..3000)
        .map(|number| copy(&format!("{number:04}"), "HOWL", "x", "2025-03-03T08:00:00-07:00", "east"))
        .collect();
    bench.store().submit(copies).await.expect("stored");
    let Ok(answer) = bench.server.clone().call(request("GET", "/v1/checkins/export.jsonl", &[], "")).await;
    let mut body = answer.into_body();
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        let piece = frame.expect("a piece").into_data().expect("data");
        pieces.push(piece.split(|byte| *byte == b'\n').count() - 1);
        if pieces.len() == 1 {
            // Whoever arrives while the reader is slow is not in it.
            let late = copy("late", "HOWL", "x", "2025-03-03T08:00:01-07:00", "east");
            bench.store().submit(vec![late]).await.expect("stored");
        }
    }
    assert_eq!(pieces, [200; 15]);
}

#[tokio::test]
async fn odd_rows_of_an_old_database_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let old = rusqlite::Connection::open(&path).expect("a file");
    old.execute_batch(
        "CREATE TABLE checkins (packet_hash TEXT PRIMARY KEY, username TEXT NOT NULL, message TEXT NOT NULL, \
         channel TEXT NOT NULL, timestamp TEXT NOT NULL, source_bot TEXT, updated_at TEXT NOT NULL);
         INSERT INTO checkins VALUES
         (NULL, 'nobody', 'no hash', '#meshmonday', '2025-03-03T09:00:00-07:00', NULL, '2025-03-03T16:00:01+00:00'),
         ('N', CAST(x'610062' AS TEXT), CAST(x'4e00' AS TEXT), '#meshmonday', '2025-03-03T10:00:00-07:00', CAST(x'7800' AS TEXT), ''),
         ('7', 17, 3.5, '#meshmonday', '2025-03-03T11:00:00', '', '2025-03-03T18:00:01+00:00'),
         ('B', x'ff00', x'fe', CAST('#MeshMonday' AS BLOB), '2025-03-03T12:00:00-07:00', x'80', 'never'),
         ('L', CAST(x'ff41' AS TEXT), '', '#meshmonday', 'late', 'east', '2025-03-03T20:00:00+00:00');",
    )
    .expect("a database of the script");
    drop(old);
    let bench = Bench::over(open_to_all(), SqliteOptions::new(path));
    for path in PATHS.iter().chain(&[
        "/v1/checkins/list?bot=east",
        "/v1/checkins/list?user=17",
        "/v1/checkins/list?channel=%23meshmonday&user=nobody",
        "/v1/checkins/search?net=mesh+monday&q=17",
    ]) {
        let read = bench.get(path).await;
        let absent = path.contains("/people/HOWL");
        assert_eq!(read.status, if absent { 404 } else { 200 }, "{path}: {}", read.text);
    }
    let board = bench.get("/v1/checkins/nets/mesh%20monday/weeks/2025-03-03").await.json();
    let names: Vec<_> =
        board["entries"].as_array().expect("a list").iter().map(|one| one["username"].clone()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names.contains(&"a\0b".into()) && names.contains(&"17".into()), "{names:?}");
    let listed = bench.get("/v1/checkins/list?user=nobody").await.json();
    assert_eq!(
        (&listed["check_ins"][0]["packet_hash"], &listed["check_ins"][0]["key"]),
        (&"".into(), &"imported".into())
    );
}

#[tokio::test]
async fn a_long_reading_keeps_nobody_from_checking_in() {
    let bench = three_weeks().await;
    // A question that is still being answered: another program reads the whole file, and does not come to an end.
    let reader = rusqlite::Connection::open(bench.path()).expect("opened");
    let mut statement = reader.prepare("SELECT id FROM check_ins").expect("a query");
    let mut rows = statement.query([]).expect("rows");
    assert!(rows.next().expect("a row").is_some());
    let stored =
        bench.store().submit(vec![copy("D1", "HOWL", "", "2025-03-03T15:00:00-07:00", "east")]).await;
    assert_eq!(stored.map(|outcomes| outcomes.len()), Ok(1));
    let board = bench.get("/v1/checkins/nets/mesh%20monday/weeks/current").await.json();
    assert_eq!(board["check_ins"], 4, "and what is new is seen at once");
    assert!(rows.next().expect("a row").is_some(), "the reader goes on where it was");
}
