//! The page in a real Chromium, over check-ins that were submitted through the API. What it does there is in `page.mjs`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::wire::Wire;
use super::{DropIn, SECRET};
use crate::program::{Program, peer};

const NET: &str = "Mesh Net";
const CHANNEL: &str = "#meshtest";
const WEEKS: usize = 12;
/// A week to which many came, and never again: more people than one page of the leaderboard holds.
const CROWDED: usize = 8;
const CROWD: usize = 60;
/// All checks together. They take some twenty seconds.
const PATIENCE: Duration = Duration::from_secs(240);

/// Names that anyone with a radio may have.
const HOSTILE: [&str; 5] = [
    "<img src=x onerror=\"hacked=1\">",
    "</script><script>hacked=1</script>",
    "Zoë 🦊 & \"friends\"",
    "مرحبا بالعالم",
    "A name that somebody gave a node and that never seems to come to its end",
];

/// What was sent, in the words of the page's test.
struct Sent {
    today: Date,
    bot: Wire,
    number: usize,
}

impl Sent {
    fn said(&mut self, weeks_ago: usize, username: &str, message: &str, bots: &[&str]) {
        let date = self.today - i64::try_from(weeks_ago).unwrap().weeks();
        self.number += 1;
        for (index, bot) in bots.iter().enumerate() {
            let body = json!({
                "packet_hash": format!("A{:015X}", self.number), "username": username, "message": message,
                "channel": CHANNEL, "timestamp": format!("{date}T00:00:{:02}+00:00", self.number % 60), "source_bot": bot,
            });
            let expected = if index == 0 { 201 } else { 200 };
            assert_eq!(self.bot.post(&body.to_string()).unwrap(), expected, "{username}");
        }
    }

    fn all(&mut self) {
        for week in (0..WEEKS).rev() {
            self.said(week, "HOWL", "check in", &["north", "south"]);
            if week > 0 {
                self.said(week, "Ridge Runner", "checking in from the ridge, 18 °C", &["north"]);
            }
            if week == CROWDED {
                for number in 0..CROWD {
                    self.said(week, &format!("visitor {number}"), "check", &["south"]);
                }
            }
            if week < 3 {
                self.said(week, "Pika", "Check!", &["south"]);
            }
        }
        for (name, message) in HOSTILE.iter().zip([
            "check <b>in</b>",
            "<script>hacked=1</script> check",
            "check 🎉",
            "check السلام عليكم",
            "check",
        ]) {
            self.said(0, name, message, &["south"]);
        }
        self.said(0, "Off Topic", "hello", &["south"]);
        assert_eq!(self.bot.post(r#"{"packet_hash": "X", "source_bot": "north"}"#).unwrap(), 400);
    }
}

fn settings(folder: &Path, today: Date) -> PathBuf {
    let weekday = format!("{:?}", today.weekday()).to_lowercase();
    let net = |name: &str, channel: &str, phrase: &str| {
        format!(
            "[[checkin.net]]\nname = \"{name}\"\nchannel = \"{channel}\"\nweekday = \"{weekday}\"\nzone = \"UTC\"\n{phrase}\n"
        )
    };
    let path = folder.join("receiver.toml");
    let text = net(NET, CHANNEL, "phrase = \"check\"") + &net("Quiet Net", "#quiet", "");
    std::fs::write(&path, text).unwrap();
    path
}

/// Where `.ci/run` puts playwright-core.
pub(crate) fn playwright() -> PathBuf {
    let cache = std::env::var_os("CI_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        cache.unwrap_or_else(home).join("meeting-ci")
    });
    let path = cache.join("node/node_modules/playwright-core/index.mjs");
    assert!(path.exists(), "{} is missing; .ci/run installs it", path.display());
    path
}

#[test]
#[ignore = "needs chromium, node and playwright-core; run by .ci/run"]
fn the_page_answers_its_readers_in_chromium_and_runs_nobodys_name() {
    let folder = tempfile::tempdir().unwrap();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let config = settings(folder.path(), today);
    let mut receiver = DropIn::start_with(&["--config", config.to_str().unwrap()]);
    let mut sent = Sent { today, bot: Wire::connect(receiver.port), number: 0 };
    sent.all();
    let read_key = receiver.command(&["keys", "add", "reader", "--role", "read"]);
    // Its orderly end writes down what was refused.
    assert!(receiver.program.stop().success());
    receiver.start_again();

    let shots = std::env::var("PAGE_SHOTS").ok();
    let hearers = HOSTILE.len();
    let facts = json!({
        "base": receiver.url(""), "readKey": read_key.trim(), "submitKey": SECRET, "shots": shots,
        "net": NET, "empty": "Quiet Net", "channel": CHANNEL, "hostile": HOSTILE, "week": today.to_string(), "weeks": WEEKS,
        "now": format!("{today}T00:01:00+00:00"), "today": hearers + 2,
        "people": hearers + 3 + CROWD,
        "latest": [hearers + 2, hearers + 2, hearers, 2],
        // What is refused counts for the key that it came with: nobody speaks for another bot.
        "bots": { "north": [WEEKS * 2 - 1, 0, 0], "south": [hearers + 4 + CROWD, WEEKS, 0], "environment": [0, 0, 1] },
    });
    let facts_file = folder.path().join("facts.json");
    std::fs::write(&facts_file, facts.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/page.mjs");
    let mut command = Command::new(peer("node"));
    command.arg(script).arg(playwright()).arg(&facts_file).env("CHROMIUM", peer("chromium"));
    let mut browser = Program::start("page.mjs", &mut command);
    browser.wait_for("boardIsLive", PATIENCE);
    let ended = browser.stop_finished();
    eprintln!("{}", browser.output());
    assert!(ended.success(), "the page failed a check; see above");
}
