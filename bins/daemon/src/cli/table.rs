//! Tables that fit the terminal: columns as wide as their content, the widest cut first, with an ellipsis.

/// Rows of text under headings.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    empty: String,
}

impl Table {
    /// A table with these columns. Missing cells of a row are blank, surplus ones are not shown.
    #[must_use]
    pub fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self {
            headings: headings.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            empty: String::new(),
        }
    }

    /// What to say instead of a table without rows, best with what to do next.
    #[must_use]
    pub fn when_empty(mut self, text: impl Into<String>) -> Self {
        self.empty = text.into();
        self
    }

    /// Adds a row. Control characters in cells are shown escaped.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let clean = |cell: C| crate::logging::escape_controls(&cell.into()).replace('\n', "\\n");
        let mut row: Vec<String> = cells.into_iter().map(clean).collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
        self
    }

    /// The table as text. `width` is that of the terminal; without one (a pipe, a file) nothing is cut.
    #[must_use]
    pub fn render(&self, width: Option<usize>) -> String {
        if self.rows.is_empty() && !self.empty.is_empty() {
            return format!("{}\n", self.empty);
        }
        let lines = || std::iter::once(&self.headings).chain(&self.rows);
        let mut widths = vec![0; self.headings.len()];
        for line in lines() {
            for (widest, cell) in widths.iter_mut().zip(line) {
                *widest = cell.chars().count().max(*widest);
            }
        }
        if let Some(width) = width {
            shrink(&mut widths, width, &self.headings);
        }
        let mut out = String::new();
        for line in lines() {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                let cell = cut(cell, *width);
                text.push_str(&format!("{cell:<width$}  "));
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Takes from the widest column until the line fits; no column falls below its heading or eight characters.
fn shrink(widths: &mut [usize], limit: usize, headings: &[String]) {
    let gaps = widths.len().saturating_sub(1) * 2;
    while widths.iter().sum::<usize>() + gaps > limit {
        let floor = |index: usize| headings.get(index).map_or(8, |heading| heading.chars().count().max(8));
        let shrinkable = widths.iter_mut().enumerate().filter(|(index, width)| **width > floor(*index));
        match shrinkable.max_by_key(|(_, width)| **width) {
            Some((_, width)) => *width -= 1,
            None => return,
        }
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The width of the terminal at standard output; `None` for a pipe or a file. `COLUMNS` goes before the terminal's own.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|width| *width > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(["DEVICE", "NOTE", "PORT"]);
        table.row(["0123456789abcdef", "kitchen, behind the door\n", "9050"]);
        table.row(["b", "", "9051"]);
        table
    }

    #[test]
    fn a_pipe_gets_every_character() {
        let expected = "\
DEVICE            NOTE                        PORT
0123456789abcdef  kitchen, behind the door\\n  9050
b                                             9051
";
        assert_eq!(sample().render(None), expected);
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_first() {
        let expected = "\
DEVICE         NOTE           PORT
0123456789ab…  kitchen, beh…  9050
b                             9051
";
        assert_eq!(sample().render(Some(34)), expected);
        let width = sample().render(Some(34)).lines().map(|line| line.chars().count()).max();
        assert_eq!(width, Some(34));
    }

    #[test]
    fn too_narrow_a_terminal_still_shows_headings() {
        assert!(sample().render(Some(5)).starts_with("DEVICE    NOTE"));
    }

    #[test]
    fn no_rows_say_what_to_do() {
        let table = Table::new(["DEVICE"]).when_empty("No device yet; add one with `receiver device add`.");
        assert_eq!(table.render(None), "No device yet; add one with `receiver device add`.\n");
    }
}
