//! The definitions in the tree, held against the recorded messages and against hosts in TypeScript.

use std::path::Path;

use crate::node::{file, modules, run};

fn tsc(source: &Path) -> Result<String, String> {
    let compiler = modules().join("typescript/bin/tsc");
    let options = "--noEmit --strict --exactOptionalPropertyTypes --target es2022 --module esnext --moduleResolution bundler --lib es2022,dom";
    let mut arguments: Vec<&Path> = options.split(' ').map(Path::new).collect();
    arguments.push(source);
    run(&compiler, &arguments)
}

/// Each wrong host in the file stands under a line that expects an error, and the compiler complains where there is none.
#[test]
#[ignore = "needs TypeScript; run by .ci/run"]
fn a_host_in_typescript_is_checked() {
    tsc(&file("tests/peers/host.ts")).unwrap_or_else(|errors| panic!("{errors}"));
}

/// The control: without its `@ts-expect-error` lines, the same file has as many errors as it had such lines.
#[test]
#[ignore = "needs TypeScript; run by .ci/run"]
fn wrong_hosts_are_refused() {
    let source = std::fs::read_to_string(file("tests/peers/host.ts")).unwrap();
    let expected = source.matches("// @ts-expect-error").count();
    // Beside the original, so that its imports are found.
    let path = file("tests/peers/wrong_host.generated.ts");
    std::fs::write(&path, source.replace("// @ts-expect-error", "//")).unwrap();
    let errors = tsc(&path).expect_err("wrong hosts compile");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(errors.matches("error TS").count(), expected, "{errors}");
    assert!(expected >= 12, "{expected}");
}

/// ajv, which shares no code with what made the schema.
#[test]
#[ignore = "needs ajv; run by .ci/run"]
fn the_recorded_messages_are_valid_by_the_schema() {
    let report =
        run(&file("tests/peers/schema.cjs"), &[&file("")]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(report.lines().next(), Some("all valid"), "{report}");
    // What a schema cannot say; the decoder refuses these too.
    let accepted: Vec<&str> = report.lines().skip(1).collect();
    assert_eq!(accepted, ["65 levels of objects", "65 levels of lists"], "{report}");
}
