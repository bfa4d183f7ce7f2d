//! What the documents hold: headings, links, the sections of the protocol documents, the numbered choices.

use crate::citations::choice;

/// A link of a Markdown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The line, from 1.
    pub line: usize,
    /// Where it leads, as written.
    pub target: String,
}

/// The lines outside fenced code, with their numbers from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// The inline links and pictures of a text, outside code.
#[must_use]
pub fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, content) in prose(text) {
        // Code between backticks may hold brackets.
        let content: String = content.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for (place, _) in content.match_indices("](") {
            let rest = content.get(place + 2..).unwrap_or_default();
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push(Link { line, target: target.to_owned() });
        }
    }
    found
}

/// The anchors of a text's headings, as Git hosts make them: lower case, hyphens for spaces, no punctuation.
#[must_use]
pub fn headings(text: &str) -> Vec<String> {
    let heading = |(_, line): (usize, &str)| {
        line.starts_with('#').then(|| line.trim_start_matches('#').trim().to_lowercase())
    };
    let anchor = |title: String| {
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    prose(text).into_iter().filter_map(heading).map(anchor).collect()
}

/// The sections listed in `docs/protocols/README.md`: rows `| meeting §3.1 | what it is |`.
#[must_use]
pub fn protocol_sections(text: &str) -> Vec<String> {
    let cell = |(_, line): (usize, &str)| {
        line.trim().strip_prefix('|').and_then(|row| row.split('|').next()).map(str::trim).map(str::to_owned)
    };
    prose(text).into_iter().filter_map(cell).filter(|cell| cell.contains('§')).collect()
}

/// The numbers of the choices that a document defines: a heading, list item, table row or line that begins with one.
#[must_use]
pub fn choice_entries(text: &str) -> Vec<String> {
    let entry = |(_, line): (usize, &str)| {
        let line = line.trim_start_matches(['#', '-', '*', '|', ' ', '`', '[']);
        choice(line.split([' ', '|', ':', '*', '`', ']', '<']).next()?)
    };
    prose(text).into_iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "See [a](a.md#x) and `[no](b)`, ![p](p.svg \"title\").\n```\n[no](c)\n```\n";
        let targets: Vec<_> = links(text).into_iter().map(|link| link.target).collect();
        assert_eq!(targets, ["a.md#x", "p.svg"]);
    }

    #[test]
    fn anchors_are_those_of_git_hosts() {
        assert_eq!(
            headings("# How to: build & run\n```\n# not one\n```\n## Été `x_y`\n"),
            ["how-to-build--run", "été-x_y"]
        );
    }

    #[test]
    fn entries_have_several_forms() {
        let text =
            "### MA-1. Title\n- **MA-2.** text\n| MA-3 | text |\nMA-4: text\ntext about MA-5\n* `MA-6` x\n";
        assert_eq!(choice_entries(text), ["MA-1", "MA-2", "MA-3", "MA-4", "MA-6"]);
    }

    #[test]
    fn sections_are_rows() {
        assert_eq!(
            protocol_sections("| Section | x |\n|---|---|\n| meeting §3.1 | heartbeat |\n"),
            ["meeting §3.1"]
        );
    }
}
