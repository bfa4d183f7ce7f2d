//! The export as Python's own reader of comma-separated values takes it apart.

use std::io::Write;
use std::process::{Command, Stdio};

use checkin_api::CheckIn;
use checkin_api::server::store::{Submission, Submissions};
use checkin_api::server::{CheckInServer, Settings, SqlStore, SqliteOptions};
use http_body_util::{BodyExt, Empty};
use tower_service::Service;

const SCRIPT: &str = "import csv, json, sys\n\
    text = sys.stdin.buffer.read().decode('utf-8', 'strict')\n\
    print(json.dumps(list(csv.reader(text.splitlines(keepends=True), strict=True))))\n";

/// What is sent, and what the cell holds.
const CELLS: [(&str, &str); 12] = [
    ("plain", "plain"),
    ("a,b", "a,b"),
    ("say \"hi\"", "say \"hi\""),
    ("two\nlines", "two\nlines"),
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("+1", "'+1"),
    ("-1+\"x\"", "'-1+\"x\""),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("📻 שלום", "📻 שלום"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("", ""),
];

#[tokio::test]
#[ignore = "needs Python; run by .ci/run"]
async fn python_reads_the_export_cell_by_cell() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("checkins.db"))).unwrap();
    let copies = CELLS.iter().enumerate().map(|(number, (text, _))| Submission {
        check_in: CheckIn {
            packet_hash: format!("{number:02}").parse().unwrap(),
            username: format!("{text}{number}"),
            message: (*text).to_owned(),
            channel: "#net".to_owned(),
            timestamp: "2025-03-03T14:30:00-07:00".into(),
            source_bot: None,
        },
        received_at: "2025-03-03T21:30:10Z".parse().unwrap(),
        key: "k".to_owned(),
    });
    store.submit(copies.collect()).await.unwrap();
    let mut settings = Settings::default();
    settings.public_reading = true;
    let mut server = CheckInServer::new(store, settings);
    let request = http::Request::get("/v1/checkins/export.csv").body(Empty::<bytes::Bytes>::new()).unwrap();
    let csv = server.call(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();

    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 must be installed");
    child.stdin.take().unwrap().write_all(&csv).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let rows: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), CELLS.len() + 1);
    for (number, (_, cell)) in CELLS.iter().enumerate() {
        let row = &rows[number + 1];
        assert_eq!(row.len(), rows[0].len());
        assert_eq!(
            (&row[0], &row[1], row[2].as_str()),
            (&format!("{number:02}"), &format!("{cell}{number}"), *cell)
        );
    }
}
