//! What is in `web/`, and under which path below the prefix it is found.

/// Each file of the pages.
pub(super) const FILES: &[(&str, &[u8])] = &[
    ("/checkins/", include_bytes!("../../web/checkins/index.html")),
    ("/checkins/main.js", include_bytes!("../../web/checkins/main.js")),
    ("/checkins/nets.js", include_bytes!("../../web/checkins/nets.js")),
    ("/checkins/records.js", include_bytes!("../../web/checkins/records.js")),
    ("/checkins/summary.js", include_bytes!("../../web/checkins/summary.js")),
    ("/checkins/views/board.js", include_bytes!("../../web/checkins/views/board.js")),
    ("/checkins/views/bots.js", include_bytes!("../../web/checkins/views/bots.js")),
    ("/checkins/views/heard.js", include_bytes!("../../web/checkins/views/heard.js")),
    ("/checkins/views/leaders.js", include_bytes!("../../web/checkins/views/leaders.js")),
    ("/checkins/views/missing.js", include_bytes!("../../web/checkins/views/missing.js")),
    ("/checkins/views/person.js", include_bytes!("../../web/checkins/views/person.js")),
    ("/checkins/views/weeks.js", include_bytes!("../../web/checkins/views/weeks.js")),
    ("/checkins/words.js", include_bytes!("../../web/checkins/words.js")),
    ("/console.css", include_bytes!("../../web/console.css")),
    ("/icon.svg", include_bytes!("../../web/icon.svg")),
    ("/parts/api.js", include_bytes!("../../web/parts/api.js")),
    ("/parts/bars.js", include_bytes!("../../web/parts/bars.js")),
    ("/parts/copy.js", include_bytes!("../../web/parts/copy.js")),
    ("/parts/dom.js", include_bytes!("../../web/parts/dom.js")),
    ("/parts/feedback.js", include_bytes!("../../web/parts/feedback.js")),
    ("/parts/i18n.js", include_bytes!("../../web/parts/i18n.js")),
    ("/parts/poll.js", include_bytes!("../../web/parts/poll.js")),
    ("/parts/signal.js", include_bytes!("../../web/parts/signal.js")),
    ("/parts/store.js", include_bytes!("../../web/parts/store.js")),
    ("/parts/table.js", include_bytes!("../../web/parts/table.js")),
    ("/parts/time.js", include_bytes!("../../web/parts/time.js")),
    ("/sections.js", include_bytes!("../../web/sections.js")),
    ("/shell.js", include_bytes!("../../web/shell.js")),
    ("/words.js", include_bytes!("../../web/words.js")),
];

/// What people type, and where it leads. Relative, so that a reverse proxy may put a folder in front.
pub(super) const REDIRECTS: &[(&str, &str)] =
    &[("", "console/checkins/"), ("/", "checkins/"), ("/checkins", "checkins/")];
