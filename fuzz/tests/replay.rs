//! Replays the committed corpus, so that what fuzzing once found stays found without a fuzzer.

use std::path::Path;

#[test]
fn every_target_has_seeds_and_none_breaks_its_property() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, property) in fuzz::TARGETS {
        let mut seeds = 0;
        for entry in std::fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")) {
            property(&std::fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }
}

/// A few thousand inputs made from the seeds, so that every test run tries something like fuzzing.
#[test]
fn cut_and_flipped_seeds_break_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, property) in fuzz::TARGETS {
        for entry in std::fs::read_dir(corpus.join(name)).unwrap() {
            let seed = std::fs::read(entry.unwrap().path()).unwrap();
            for at in 0..seed.len().min(512) {
                property(&seed[..at]);
                for flip in [0x01, 0x80, 0xFF] {
                    let mut changed = seed.clone();
                    changed[at] ^= flip;
                    property(&changed);
                }
            }
        }
    }
}
