//! The pages of the console: plain files from `web/`, compiled in, served with what keeps a page from harm.
//!
//! Names and messages on the pages come from anyone with a radio, and from whatever machine calls itself something. The pages put them in
//! as text only; the policy below is the second wall: no script but our own files, no request to anywhere else, no markup made from a
//! string.
//!
//! Choice: CI-82.

mod files;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::http::{BoxBody, full, text};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use tower_service::Service;

use files::FILES;

/// Where the pages are mounted.
pub(crate) const PREFIX: &str = "/console";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// A section of the console, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// The check-ins of weekly nets.
    CheckIns,
    /// The machines.
    Machines,
}

impl Section {
    const ALL: [Self; 2] = [Self::CheckIns, Self::Machines];

    /// The name of its folder.
    const fn name(self) -> &'static str {
        match self {
            Self::CheckIns => "checkins",
            Self::Machines => "machines",
        }
    }

    /// The section that a file is part of; none for what all share.
    fn of(path: &str) -> Option<Self> {
        let folder = path.trim_start_matches('/').split_once('/')?.0;
        Self::ALL.into_iter().find(|section| section.name() == folder)
    }
}

/// The module that tells the pages which sections there are. Relative, so that a reverse proxy may put a folder in front.
fn sections_module(sections: &[Section]) -> String {
    let rows: String = sections
        .iter()
        .map(|section| section.name())
        .map(|name| format!("  {{ id: '{name}', href: '../{name}/' }},\n"))
        .collect();
    format!(
        "// The sections that this receiver has, in the order of the navigation.\n\nexport const SECTIONS = [\n{rows}];\n"
    )
}

/// A file of the pages.
#[derive(Debug)]
struct Page {
    path: &'static str,
    kind: HeaderValue,
    bytes: Bytes,
    etag: HeaderValue,
}

impl Page {
    /// With a tag of its content: the same in every process of the same build and settings.
    fn new(path: &'static str, bytes: Bytes) -> Option<Self> {
        let digest: String =
            Sha256::digest(&bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::try_from(format!("\"{digest}\"")).ok()?;
        Some(Self { path, kind: HeaderValue::from_static(kind_of(path)), bytes, etag })
    }
}

/// The pages as a service. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    pages: Arc<Vec<Page>>,
    sections: Arc<[Section]>,
}

impl Console {
    /// The pages of these sections, and what all pages share.
    pub(crate) fn new(sections: &[Section]) -> Self {
        let wanted = |path: &str| Section::of(path).is_none_or(|section| sections.contains(&section));
        let files = FILES.iter().filter(|(path, _)| wanted(path));
        let files = files.filter_map(|(path, bytes)| Page::new(path, Bytes::from_static(bytes)));
        let module = Page::new("/sections.js", Bytes::from(sections_module(sections)));
        Self { pages: Arc::new(files.chain(module).collect()), sections: sections.into() }
    }

    /// Where what people type leads. Relative, as are the pages' own links.
    fn redirect(&self, below: &str) -> Option<String> {
        let first = self.sections.first()?.name();
        match below {
            "" => Some(format!("console/{first}/")),
            "/" => Some(format!("{first}/")),
            _ => {
                let asked = below.strip_prefix('/')?;
                let section = self.sections.iter().find(|section| section.name() == asked)?;
                Some(format!("{}/", section.name()))
            }
        }
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<BoxBody> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let below = path.strip_prefix(PREFIX).unwrap_or_default();
        if let Some(page) = self.pages.iter().find(|page| page.path == below) {
            return page.answer(headers);
        }
        match self.redirect(below).and_then(|to| HeaderValue::try_from(to).ok()) {
            Some(to) => {
                // Not for ever: another section may be the first one tomorrow.
                let mut response = text(StatusCode::TEMPORARY_REDIRECT, "the page is elsewhere\n");
                response.headers_mut().insert(LOCATION, to);
                response
            }
            None => text(StatusCode::NOT_FOUND, "there is no such page\n"),
        }
    }
}

impl Page {
    fn answer(&self, asked: &HeaderMap) -> Response<BoxBody> {
        let known = asked.get_all(IF_NONE_MATCH).iter().any(|tags| lists(tags, &self.etag));
        let mut response = match known {
            true => Response::new(full(Bytes::new())),
            false => Response::new(full(self.bytes.clone())),
        };
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.kind.clone());
        headers.insert(ETAG, self.etag.clone());
        // Asked for again each time, answered by 304: a page never runs with the scripts of another version.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        );
        response
    }
}

/// Whether a list of tags has this one. A proxy that compressed the answer made the tag a weak one.
fn lists(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let tags = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag)).any(|tag| tag == b"*" || tag == etag.as_bytes())
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    }
}

impl<B> Service<Request<B>> for Console {
    type Response = Response<BoxBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<BoxBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method(), request.uri().path(), request.headers())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const BOTH: [Section; 2] = [Section::CheckIns, Section::Machines];

    fn get(path: &str, tag: Option<&str>) -> Response<BoxBody> {
        let mut headers = HeaderMap::new();
        if let Some(tag) = tag {
            headers.insert(IF_NONE_MATCH, tag.parse().unwrap());
        }
        Console::new(&BOTH).answer(&Method::GET, path, &headers)
    }

    #[test]
    fn a_page_comes_with_its_type_and_its_policy() {
        let table = [
            ("/console/checkins/", "text/html; charset=utf-8"),
            ("/console/checkins/main.js", "text/javascript; charset=utf-8"),
            ("/console/machines/", "text/html; charset=utf-8"),
            ("/console/sections.js", "text/javascript; charset=utf-8"),
            ("/console/console.css", "text/css; charset=utf-8"),
            ("/console/icon.svg", "image/svg+xml"),
        ];
        for (path, kind) in table {
            let answer = get(path, None);
            assert_eq!(
                (answer.status(), &answer.headers()[CONTENT_TYPE]),
                (StatusCode::OK, &kind.parse().unwrap())
            );
            assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], POLICY, "{path}");
            assert_eq!(answer.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        }
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again() {
        let tag = get("/console/console.css", None).headers()[ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = get("/console/console.css", Some(&known));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.headers()[ETAG], tag.as_str());
        }
        assert_eq!(get("/console/console.css", Some("\"other\"")).status(), StatusCode::OK);
        let other = get("/console/icon.svg", None);
        assert_ne!(other.headers()[ETAG], tag.as_str());
    }

    #[test]
    fn the_way_to_the_page_is_found() {
        let table = [
            ("/console", "console/checkins/"),
            ("/console/", "checkins/"),
            ("/console/checkins", "checkins/"),
            ("/console/machines", "machines/"),
        ];
        for (from, to) in table {
            let answer = get(from, None);
            assert_eq!(
                (answer.status(), &answer.headers()[LOCATION]),
                (StatusCode::TEMPORARY_REDIRECT, &to.parse().unwrap())
            );
        }
        for absent in
            ["/console/x", "/console/checkins/../../etc/passwd", "/console/checkins/index.html", "/consoles"]
        {
            assert_eq!(get(absent, None).status(), StatusCode::NOT_FOUND, "{absent}");
        }
    }

    #[test]
    fn only_reading_is_answered() {
        let answer = Console::new(&BOTH).answer(&Method::POST, "/console/checkins/", &HeaderMap::new());
        assert_eq!(
            (answer.status(), &answer.headers()[ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
        );
    }

    fn files_below(folder: &Path, found: &mut Vec<Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files_below(&path, found),
                false => found.push(std::fs::read(path).unwrap()),
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let mut found = Vec::new();
        files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web"), &mut found);
        let missing =
            found.iter().filter(|bytes| !FILES.iter().any(|(_, known)| known == &bytes.as_slice())).count();
        assert_eq!((missing, found.len()), (0, FILES.len()));
    }

    /// Each module would otherwise wait for the one that names it.
    #[test]
    fn a_page_asks_for_all_its_modules_at_once() {
        for section in BOTH {
            let folder = format!("/{}/", section.name());
            let (_, page) = FILES.iter().find(|(path, _)| *path == folder).unwrap();
            let page = std::str::from_utf8(page).unwrap();
            let own = |path: &&(&str, &[u8])| path.0.ends_with(".js") && path.0.starts_with(&folder);
            for (path, _) in FILES.iter().filter(own) {
                let href = format!("=\"{}\"", path.strip_prefix(&folder).unwrap());
                assert!(page.contains(&href), "{href} is not in {folder}");
            }
            for import in imports_of(&folder) {
                let href = format!("=\"..{import}\"");
                assert!(page.contains(&href), "{href} is not in {folder}");
            }
        }
    }

    /// The shared modules that a section uses, by its own words and by theirs.
    fn imports_of(folder: &str) -> std::collections::BTreeSet<String> {
        let source = |path: &str| FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes);
        let mut found = std::collections::BTreeSet::new();
        let mut left: Vec<String> = FILES
            .iter()
            .filter(|(path, _)| path.starts_with(folder) && path.ends_with(".js"))
            .map(|(path, _)| (*path).to_owned())
            .collect();
        while let Some(path) = left.pop() {
            let text = source(&path).map(|bytes| std::str::from_utf8(bytes).unwrap()).unwrap_or_default();
            for target in text.lines().filter_map(|line| line.split_once(" from '")?.1.strip_suffix("';")) {
                let mut steps: Vec<&str> = path.split('/').collect();
                steps.pop();
                for step in target.split('/') {
                    match step {
                        "." => {}
                        ".." => _ = steps.pop(),
                        step => steps.push(step),
                    }
                }
                let target = steps.join("/");
                if !target.starts_with(folder) && found.insert(target.clone()) {
                    left.push(target);
                }
            }
        }
        found
    }

    #[test]
    fn a_section_that_is_off_is_neither_served_nor_named() {
        let console = Console::new(&[Section::Machines]);
        let get = |path: &str| console.answer(&Method::GET, path, &HeaderMap::new());
        assert_eq!(get("/console/").headers()[LOCATION], "machines/");
        for path in ["/console/checkins/", "/console/checkins", "/console/checkins/main.js"] {
            assert_eq!(get(path).status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(get("/console/parts/dom.js").status(), StatusCode::OK);
        let module = sections_module(&[Section::Machines]);
        assert!(module.contains("{ id: 'machines', href: '../machines/' }") && !module.contains("checkins"));
    }

    /// The policy would stop them in the browser; a page that relies on one would be broken there.
    #[test]
    fn no_page_holds_inline_code_or_an_address_elsewhere() {
        for (path, bytes) in FILES {
            let text = std::str::from_utf8(bytes).unwrap().replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "http://",
                "https://",
                " style=",
                " onclick=",
            ] {
                assert!(!text.contains(forbidden), "{path} holds {forbidden}");
            }
        }
    }
}
