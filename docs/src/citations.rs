//! What the code cites: `Source: meeting §3.1.` and `Choice: MA-3.`

use std::path::{Path, PathBuf};

/// A citation, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is cited: `meeting §3.1`, `MA-3`.
    pub cited: String,
}

/// The `Source:` citations of a text: the document, and each of its sections.
#[must_use]
pub fn sources(path: &Path, text: &str) -> Vec<Citation> {
    after(path, text, "Source: ", |rest| {
        let document: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let rest = rest.get(document.len()..).unwrap_or_default();
        let rest = until_end_of_sentence(rest);
        let sections = rest.split('§').skip(1).map(|section| {
            let number: String = section.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            format!("{document} §{}", number.trim_end_matches('.'))
        });
        let sections: Vec<_> = sections.collect();
        if sections.is_empty() { vec![document] } else { sections }
    })
}

/// The `Choice:` citations of a text, each number by itself: `Choice: MA-3, MA-5.` holds two.
#[must_use]
pub fn choices(path: &Path, text: &str) -> Vec<Citation> {
    after(path, text, "Choice: ", |rest| {
        until_end_of_sentence(rest).split([',', ' ']).filter_map(choice).collect()
    })
}

/// `MA-3` out of `MA-3`, `MA-3.` or `(MA-3)`.
pub(crate) fn choice(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let (letters, number) = word.split_once('-')?;
    let wanted = (2..=3).contains(&letters.len())
        && letters.chars().all(|c| c.is_ascii_uppercase())
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit());
    wanted.then(|| word.to_owned())
}

/// Up to a full stop that no digit follows.
fn until_end_of_sentence(text: &str) -> &str {
    let bytes = text.as_bytes();
    let end = (0..bytes.len()).find(|index| {
        bytes.get(*index) == Some(&b'.') && !bytes.get(index + 1).is_some_and(u8::is_ascii_digit)
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

fn after(path: &Path, text: &str, word: &str, read: impl Fn(&str) -> Vec<String>) -> Vec<Citation> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // Only in comments: a string in the code may hold the words by chance.
        let Some((_, comment)) = line.split_once("//").or_else(|| line.split_once('#')) else { continue };
        for (place, _) in comment.match_indices(word) {
            let rest = comment.get(place + word.len()..).unwrap_or_default();
            let citation = |cited| Citation { path: path.to_owned(), line: index + 1, cited };
            found.extend(read(rest).into_iter().map(citation));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(found: Vec<Citation>) -> Vec<String> {
        found.into_iter().map(|citation| citation.cited).collect()
    }

    #[test]
    fn sources_are_read() {
        let text = "/// What. Source: meeting §3.1.\nlet x = \"Source: none §9\"; // Source: meeting §4.2, §4.3 and so on.\n";
        assert_eq!(cited(sources(Path::new("a"), text)), ["meeting §3.1", "meeting §4.2", "meeting §4.3"]);
        assert_eq!(cited(sources(Path::new("a"), "// Source: meeting-background.")), ["meeting-background"]);
    }

    #[test]
    fn choices_are_read() {
        let text = "/// Choice: MA-3.\n// Choice: TF-30, TF-4. MA-9 is another matter.\n/* no */ fn f() {}\n";
        assert_eq!(cited(choices(Path::new("a"), text)), ["MA-3", "TF-30", "TF-4"]);
    }
}
