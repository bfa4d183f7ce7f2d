//! What `agent check` found, for people and as JSON.

use daemon::exit::Exit;
use serde::Serialize;

/// How one step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works, and there is something to know.
    Note,
    /// It does not work.
    Failed,
    /// It was not tried, because it is switched off or an earlier step failed.
    Skipped,
}

/// One line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// A stable name for scripts, for instance `heartbeat`.
    pub id: &'static str,
    /// What is checked, in words.
    pub title: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to try, when it does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// All steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The steps.
    pub steps: Vec<Step>,
}

/// The checklist while it is being worked through. Each step is told to `listen` as soon as it is done.
pub(super) struct Progress<'a> {
    report: Report,
    listen: &'a mut (dyn FnMut(&Step) + Send),
}

impl<'a> Progress<'a> {
    pub(super) fn new(listen: &'a mut (dyn FnMut(&Step) + Send)) -> Self {
        Self { report: Report::default(), listen }
    }

    fn add(&mut self, step: Step) {
        (self.listen)(&step);
        self.report.steps.push(step);
    }

    pub(super) fn ok(&mut self, id: &'static str, title: &'static str, found: impl Into<String>) {
        self.add(Step { id, title, verdict: Verdict::Ok, found: found.into(), advice: None });
    }

    pub(super) fn note(
        &mut self,
        id: &'static str,
        title: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (found, advice) = (found.into(), Some(advice.into()));
        self.add(Step { id, title, verdict: Verdict::Note, found, advice });
    }

    pub(super) fn failed(
        &mut self,
        id: &'static str,
        title: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (found, advice) = (found.into(), Some(advice.into()));
        self.add(Step { id, title, verdict: Verdict::Failed, found, advice });
    }

    pub(super) fn skipped(&mut self, id: &'static str, title: &'static str, why: impl Into<String>) {
        self.add(Step { id, title, verdict: Verdict::Skipped, found: why.into(), advice: None });
    }

    pub(super) fn finish(self) -> Report {
        self.report
    }
}

impl Step {
    /// The step for a terminal: a mark, the title, what was found, and below it what to try.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let (mark, code) = match self.verdict {
            Verdict::Ok => ("✓", "32"),
            Verdict::Note => ("!", "33"),
            Verdict::Failed => ("✗", "31"),
            Verdict::Skipped => ("-", "2"),
        };
        let found = daemon::logging::escape_controls(&self.found);
        let mut line = if colour { format!("\u{1b}[{code}m{mark}\u{1b}[0m ") } else { format!("{mark} ") };
        line.push_str(self.title);
        if !found.is_empty() {
            line.push_str(": ");
            line.push_str(&found);
        }
        if let Some(advice) = &self.advice {
            line.push_str("\n    try: ");
            line.push_str(&daemon::logging::escape_controls(advice));
        }
        line.push('\n');
        line
    }
}

impl Report {
    /// How many steps failed.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.steps.iter().filter(|step| step.verdict == Verdict::Failed).count()
    }

    /// The last line for a terminal.
    #[must_use]
    pub fn summary(&self) -> String {
        match self.failures() {
            0 => "Everything that is switched on works.\n".to_owned(),
            1 => "One step does not work.\n".to_owned(),
            failures => format!("{failures} steps do not work.\n"),
        }
    }

    /// The exit code: 0 when nothing failed, else 1.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.failures() == 0 { Exit::Ok } else { Exit::Failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Report, Vec<&'static str>) {
        let mut heard = Vec::new();
        let mut listen = |step: &Step| heard.push(step.id);
        let mut progress = Progress::new(&mut listen);
        progress.ok("device_key", "device_key", "0123abcd");
        progress.failed("tcp", "TCP connection", "refused\u{1b}[2J", "see whether the server runs");
        progress.skipped("tls", "TLS", "no TCP connection");
        let report = progress.finish();
        (report, heard)
    }

    #[test]
    fn each_step_is_told_as_it_comes_and_counted() {
        let (report, heard) = sample();
        assert_eq!(heard, ["device_key", "tcp", "tls"]);
        assert_eq!((report.failures(), report.exit()), (1, Exit::Failed));
        assert_eq!(report.summary(), "One step does not work.\n");
        assert_eq!(Report::default().exit(), Exit::Ok);
    }

    #[test]
    fn a_peers_words_cannot_steer_the_terminal() {
        let (report, _) = sample();
        let text: String = report.steps.iter().map(|step| step.text(false)).collect();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.starts_with("✓ device_key: 0123abcd\n✗ TCP connection: refused"), "{text}");
        assert!(text.contains("\n    try: see whether the server runs\n"), "{text}");
        assert!(report.steps[0].text(true).starts_with("\u{1b}[32m✓"));
    }

    #[test]
    fn json_has_stable_names() {
        let (report, _) = sample();
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["steps"][1]["verdict"], "failed");
        assert_eq!(json["steps"][1]["id"], "tcp");
        assert_eq!(json["steps"][0].get("advice"), None);
    }
}
