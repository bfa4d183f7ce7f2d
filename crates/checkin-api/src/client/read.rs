//! Calls of readers: one for each question that a receiver answers, with the key of a reader or none where reading is public.

use std::fmt::Write as _;

use super::{CheckInClient, ClientError};
use crate::reading::{Board, Bots, CheckIns, Leaderboard, Missing, Nets, Person, RollCall, Search, Weeks};

/// Which check-ins are asked for; all of them by default. What is empty is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    /// On this channel.
    pub channel: Option<String>,
    /// Of this person.
    pub user: Option<String>,
    /// Heard by this bot.
    pub bot: Option<String>,
    /// From this day, `2025-03-03`, or instant on.
    pub from: Option<String>,
    /// To this day, which is included, or instant, which is not.
    pub to: Option<String>,
    /// The zone of the days; UTC when there is none.
    pub zone: Option<String>,
    /// At most so many, 1 to 500; 50 when not said.
    pub limit: Option<u32>,
    /// What follows the page that gave this out.
    pub cursor: Option<String>,
}

impl CheckInClient {
    /// A page of check-ins, newest first. With its `next` as the cursor the next one is asked for, until there is none.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer, or it says no.
    ///
    /// Choice: CI-62.
    pub async fn list(&self, query: &ListQuery) -> Result<CheckIns, ClientError> {
        let limit = query.limit.map(|limit| limit.to_string());
        let path = path(&["list"]).with(&[
            ("channel", query.channel.as_deref()),
            ("user", query.user.as_deref()),
            ("bot", query.bot.as_deref()),
            ("from", query.from.as_deref()),
            ("to", query.to.as_deref()),
            ("zone", query.zone.as_deref()),
            ("limit", limit.as_deref()),
            ("cursor", query.cursor.as_deref()),
        ]);
        self.get_json(&path.0).await
    }

    /// Who was on a channel in a week of ISO 8601, `2025-W10`, the current one unless told otherwise, in a zone.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn roll_call(
        &self,
        channel: &str,
        week: Option<&str>,
        zone: Option<&str>,
    ) -> Result<RollCall, ClientError> {
        let path = path(&["channels", channel, "roll-call"]).with(&[("week", week), ("zone", zone)]);
        self.get_json(&path.0).await
    }

    /// The nets of the receiver, and how they stand.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn nets(&self) -> Result<Nets, ClientError> {
        self.get_json(&path(&["nets"]).0).await
    }

    /// The newest weeks of a net in numbers; 52 unless told otherwise.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn weeks(&self, net: &str, limit: Option<u32>) -> Result<Weeks, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        self.get_json(&path(&["nets", net, "weeks"]).with(&[("limit", limit.as_deref())]).0).await
    }

    /// Who was there in a week of a net: that of a date, the current one unless told otherwise.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn board(&self, net: &str, week: Option<&str>) -> Result<Board, ClientError> {
        self.get_json(&path(&["nets", net, "weeks", week.unwrap_or("current")]).0).await
    }

    /// A page of who comes to a net, and how steadily.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn leaderboard(
        &self,
        net: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Leaderboard, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        let path = path(&["nets", net, "leaderboard"]);
        self.get_json(&path.with(&[("limit", limit.as_deref()), ("cursor", cursor)]).0).await
    }

    /// One person's weeks of a net; 404 for who was never there.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn person(&self, net: &str, username: &str) -> Result<Person, ClientError> {
        self.get_json(&path(&["nets", net, "people", username]).0).await
    }

    /// Regulars of a net who were not there this week.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn missing(&self, net: &str) -> Result<Missing, ClientError> {
        self.get_json(&path(&["nets", net, "missing"]).0).await
    }

    /// Was somebody heard whose name holds this? In the current week unless told otherwise.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn search(&self, net: &str, name: &str, week: Option<&str>) -> Result<Search, ClientError> {
        let path = path(&["search"]).with(&[("net", Some(net)), ("q", Some(name)), ("week", week)]);
        self.get_json(&path.0).await
    }

    /// How the bots are doing.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn bots(&self) -> Result<Bots, ClientError> {
        self.get_json(&path(&["bots"]).0).await
    }
}

/// A path of the read side.
struct Path(String);

fn path(segments: &[&str]) -> Path {
    let mut path = "/v1/checkins".to_owned();
    for segment in segments {
        path.push('/');
        encode(&mut path, segment);
    }
    Path(path)
}

impl Path {
    /// With the parameters that have a value.
    fn with(mut self, parameters: &[(&str, Option<&str>)]) -> Self {
        let mut before = '?';
        for (name, value) in parameters {
            let Some(value) = value else { continue };
            self.0.push(before);
            self.0.push_str(name);
            self.0.push('=');
            encode(&mut self.0, value);
            before = '&';
        }
        self
    }
}

/// Everything but letters, digits and `-._~` in percent; a segment of dots only too, which some take for a way up.
fn encode(out: &mut String, text: &str) {
    let dots = text.bytes().all(|byte| byte == b'.');
    for byte in text.bytes() {
        if (byte.is_ascii_alphanumeric() || b"-_~".contains(&byte)) || (byte == b'.' && !dots) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_name_holds_stays_in_its_place() {
        let made = path(&["nets", "a/b c", "people", "📻?#%+"]).with(&[("q", Some("&=+ é")), ("week", None)]);
        assert_eq!(
            made.0,
            "/v1/checkins/nets/a%2Fb%20c/people/%F0%9F%93%BB%3F%23%25%2B?q=%26%3D%2B%20%C3%A9"
        );
        assert_eq!(path(&["people", "..", "a.b"]).0, "/v1/checkins/people/%2E%2E/a.b");
    }
}
