//! Comma-separated values as of RFC 4180, with cells that a spreadsheet would run made harmless.

/// Writes a line of cells.
pub(super) fn line<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, cell);
    }
    out.push_str("\r\n");
}

fn write(out: &mut String, cell: &str) {
    let harmless = if is_formula(cell) { "'" } else { "" };
    if harmless.is_empty() && !cell.contains([',', '"', '\r', '\n']) {
        out.push_str(cell);
        return;
    }
    out.push('"');
    out.push_str(harmless);
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}

/// Whether a spreadsheet takes the cell for something to compute: it begins with `=`, `+`, `-` or `@`, also the wide forms, or with a
/// tab or line break, after which some look again. An apostrophe before it says that it is text. Choice: CI-64.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &[&str]) -> String {
        let mut out = String::new();
        line(&mut out, cells.iter().copied());
        out
    }

    #[test]
    fn cells_are_quoted_where_they_must() {
        assert_eq!(written(&["a", "", "b c", "é📻"]), "a,,b c,é📻\r\n");
        assert_eq!(
            written(&["a,b", "say \"hi\"", "two\nlines", "cr\r"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\r\"\r\n"
        );
    }

    #[test]
    fn nothing_is_run_by_a_spreadsheet() {
        for cell in
            ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠x", "=\"a\""]
        {
            let line = written(&[cell]);
            assert!(line.starts_with("\"'"), "{line}");
            assert_eq!(line, format!("\"'{}\"\r\n", cell.replace('"', "\"\"")));
        }
        assert_eq!(written(&["a=b", "1-2", "'=1"]), "a=b,1-2,'=1\r\n");
    }
}
